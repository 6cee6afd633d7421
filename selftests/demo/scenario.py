# SPDX-License-Identifier: GPL-2.0
"""The demo: boot, power loss, reboot, planned switchover.

Without state ("control") the same happens with sync_state = false and without
the module: addresses move as before, so whatever flow then survives needs no
gwsync, and the demo would prove nothing with it.
"""

import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

import cluster  # noqa: E402
import flows as traffic  # noqa: E402
import gateways  # noqa: E402

TRAFFIC = HERE.parents[1] / "build" / "gwsync-traffic"
QUIET = 2.0         # s of flows before anything happens
AFTER = 3.0         # s from the event to the question who is alive
DEAD = 6.0          # s without an answer, without state: given up
ALIVE = 30.0        # the same with state: nothing is given up early
TURNS = 3           # how often it is played, at most, on a machine that stands still

PICTURE = """\

                          .---- gw1 ----.
      client ---- LAN ----+      | sync +---- WAN ---- server
    10.1.0.100            '---- gw2 ----'            192.0.2.100
      fd00:1::100                                      fd00:2::100

      virtual routers: 10.1.0.1, fd00:1::1           192.0.2.1, fd00:2::1"""


class Late(cluster.Error):
    """Something that was waited for did not happen."""


class Scenario:
    """run() plays it; results are in power_loss, planned and complaints."""

    gateway_type = gateways.Gateway

    def __init__(self, screen, series, with_state, directory):
        self.screen = screen
        self.series = series
        self.with_state = with_state
        self.dir = directory
        self.accel = cluster.accel()
        self._begin()
        self.seconds = 0

    def _begin(self):
        self.cluster = None
        self.gateways = []
        self.flows = None
        self.power_loss = None
        self.planned = None
        # Hosts that heirs knew when they took over, and how often they asked for them.
        self.neighbours = {"known": 0, "solicited": 0}
        self.complaints = []

    def json(self):
        return {"accel": self.accel, "power_loss": self.power_loss.json(),
                "planned": self.planned.json(), "neighbours": self.neighbours}

    def run(self):
        """Play it, and again if this machine, and not gwsync, moved the addresses."""
        try:
            # What else runs on this machine is noise in the figures.
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        except PermissionError:
            pass
        for turn in range(1, TURNS + 1):
            began = time.monotonic()
            try:
                self._play()
                self.seconds = time.monotonic() - began
                return
            except cluster.Error as error:
                if turn == TURNS or not self._stood_still():
                    raise
                self.screen.line(f"   {error}")
            self.screen.line("   A guest stood still for longer than the others' patience, as "
                             "its daemon says itself: all is played again.")
            self._begin()

    def _play(self):
        with cluster.Cluster(self.dir, kernel=self.series) as self.cluster:
            self._boot()
            self._first_status()
            self._power_loss()
            self._power_back()
            self._planned()
            self._end()

    def _stood_still(self):
        """Does a daemon say that its machine was away? Then who owns says nothing of gwsync."""
        return any(gateway.stood_still() for gateway in self.gateways)

    # -- steps ----------------------------------------------------------------

    def _wait(self, step, condition, limit, what):
        limit *= cluster.time_scale()
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                raise Late(f"{what}: not within {limit:.0f} s")
            step.note = f"{time.monotonic() - deadline + limit:.0f} s"
            time.sleep(0.25)
        step.note = ""

    def _boot(self):
        screen = self.screen
        lans = ["lan", "wan", "sync"]
        files = gateways.files(self.dir / "files", self.with_state)
        for name in ("gw1", "gw2"):
            self.cluster.add(name, lans=lans, files=files)
        ends = self.cluster.add("ends", lans=["lan", "wan"], modules=[],
                                files=[(TRAFFIC, "/usr/bin/gwsync-traffic"),
                                       (HERE / "ends", "/demo/ends")])
        screen.line(PICTURE)
        screen.title("Setting up")
        with screen.step(f"boot gw1, gw2 and both ends: Linux {self.series} in QEMU, "
                         f"{self.accel}"):
            self.cluster.start()
        with screen.step("firewall: strict, stateful; SNAT, DNAT, FTP helper, IPv6"):
            key = gateways.make_key(self.cluster.guests["gw1"])
            self.gateways = [self.gateway_type(self.cluster.guests[name], number, key)
                             for number, name in enumerate(("gw1", "gw2"), 1)]
            for gateway in self.gateways:
                gateway.set_up()
            ends.run("/demo/ends", check=True)
        with screen.step("gwsyncd on gw1 and gw2" if self.with_state else
                         "gwsyncd on gw1 and gw2, without the module: addresses only") as step:
            first, second = self.gateways
            first.start(self.with_state)
            self._wait(step, first.is_owner, 10, "gw1 does not become owner")
            second.start(self.with_state)
            self._wait(step, lambda: self._is_backup(second), 10, "gw2 does not join")
        self.flows = traffic.Flows(ends)
        with screen.step(f"{len(traffic.ORDER)} flows and {traffic.IDLE} idle connections "
                         "through the owner") as step:
            self.flows.start()
            self._wait_flows(step)

    def _wait_flows(self, step):
        try:
            self._wait(step, self.flows.ready, 20, "the flows are not up")
        except Late as error:
            raise cluster.Error(f"{error}: {', '.join(self.flows.unready())}") from None

    def _is_backup(self, gateway):
        status = gateway.status()
        return bool(status) and status["state"].lower() == "backup"

    def _pair(self):
        """(owner, backup), the backup in sync; None while it is not so.

        On a busy host a gateway may be thought dead for a moment, so it is
        asked who owns rather than remembered.
        """
        first, second = self.gateways
        for owner, backup in ((first, second), (second, first)):
            if owner.is_owner() and (backup.in_sync() if self.with_state
                                     else self._is_backup(backup)):
                return owner, backup
        return None

    def _wait_pair(self):
        text = ("the backup receives what the owner knows" if self.with_state
                else "one owner, one backup")
        with self.screen.step(text) as step:
            self._wait(step, self._pair, 20, "the backup is not in sync")
            owner, backup = self._pair() or self.gateways
            step.note = f"{backup.name} is in sync with {owner.name}" if self.with_state else ""
        return owner, backup

    def _show_status(self):
        for gateway in self.gateways:
            self.screen.line(self.screen.dim(f"   {gateway.name}# gwsync status"))
            for line in gateway.status_text().splitlines():
                self.screen.line(f"     {line}")

    def _first_status(self):
        self.screen.title("1. Both gateways" + (", in sync" if self.with_state else ""))
        self._wait_pair()
        self._show_status()

    def _phase(self, name, event, heir):
        """Flows set up, quiet, the event, the question, the answers.

        heir: the gateway that must own after the event.
        """
        screen = self.screen
        with screen.step("all flows set up; a few quiet seconds") as step:
            self.flows.tell(f"phase {name}")
            self._wait_flows(step)
            self.flows.tell("mark")
            time.sleep(QUIET)
            before = {flow["name"]: flow["blackout_ms"] for flow in self.flows.result().flows
                      if flow["alive"]}
            self.flows.tell("mark")
        known, asked = heir.neighbours(), heir.solicited()
        event()
        with screen.step("the flows go on, or do not"):
            time.sleep(AFTER)
            if not heir.is_owner():
                raise cluster.Error(f"{heir.name} is not the owner, as it should be; "
                                    "see gwsyncd.log")
            self.neighbours["known"] += known
            self.neighbours["solicited"] += heir.solicited() - asked
        with screen.step("every flow is asked for an answer") as step:
            self.flows.tell("probe")
            limit = ALIVE if self.with_state else DEAD
            deadline = time.monotonic() + limit
            while not self.flows.done() and time.monotonic() < deadline:
                time.sleep(0.25)
            result = self.flows.result()
            step.note = f"{sum(f['alive'] for f in result.flows)} of {len(result.flows)} alive"
            # A host that lets a guest wait for longer than the others' patience moves the
            # addresses again, maybe to a gateway that knows the flows anyway: then they
            # say nothing about this event.
            if not heir.is_owner():
                raise cluster.Error(f"{heir.name} is no longer the owner: this machine stood "
                                    "still for too long? see gwsyncd.log")
        return result, before

    def _power_loss(self):
        owner, backup = self._pair() or self._wait_pair()
        self.screen.title(f"2. {owner.name} loses power")

        def event():
            pid = owner.lose_power()
            self.screen.line(f"   {self.screen.elapsed():>6}  "
                             + self.screen.bold(f"kill -9 {pid} ({owner.name}'s QEMU)"))

        self.power_loss, before = self._phase("power_loss", event, backup)
        self.screen.title("3. What became of the connections")
        self.screen.table(self.power_loss, before)

    def _power_back(self):
        dead = next(gateway for gateway in self.gateways if not gateway.guest.alive())
        self.screen.title(f"4. {dead.name} has power again")
        with self.screen.step(f"{dead.name} boots"):
            dead.guest.start()
        with self.screen.step(f"{dead.name} joins as backup") as step:
            dead.set_up()
            dead.start(self.with_state)
            self._wait(step, lambda: self._is_backup(dead), 10, f"{dead.name} does not join")
        self._wait_pair()
        self._show_status()

    def _planned(self):
        owner, backup = self._pair() or self._wait_pair()
        self.screen.title(f"5. Planned switchover from {owner.name} to {backup.name}")

        def event():
            self.screen.line(f"   {self.screen.elapsed():>6}  "
                             + self.screen.bold(f"{owner.name}# gwsync switchover"))
            owner.hand_over(backup, force=not self.with_state)

        self.planned, before = self._phase("planned", event, backup)
        if self.with_state:
            with self.screen.step("end of the download, checksums compared") as step:
                why = self.flows.finish(limit=15 * cluster.time_scale())
                step.note = why or "the same"
            if why:
                self._lost("bulk")
        self.screen.line()
        self.screen.table(self.planned, before)

    def _lost(self, name):
        flow = next(flow for flow in self.planned.flows if flow["name"] == name)
        flow.update(alive=False, blackout_ms=None, lost=max(1, flow["lost"]))

    def _end(self):
        self.screen.line()
        with self.screen.step("the kernels are asked for complaints") as step:
            self.complaints = self.cluster.verdict()
            step.note = "none" if not self.complaints else f"{len(self.complaints)}"
        for text in self.complaints:
            self.screen.line("   " + self.screen.bad(text))

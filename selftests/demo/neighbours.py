# SPDX-License-Identifier: GPL-2.0
"""The scene "neighbours": what new owners ask the LANs for.

One guest whose clock counts instructions, so that what this machine has to do besides is
not in it: both gateways, both LANs and all hosts are namespaces in it (neighbours.sh).
"""

import ipaddress
import json
import pathlib
import re
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

import capture  # noqa: E402
import guest  # noqa: E402
import kernel  # noqa: E402
import project  # noqa: E402

TRAFFIC = project.BUILD / "gwsync-traffic"
RUN = "/run/scene"
HOSTS = 500
MANY = 4000
A_SECOND = 10           # packets of each
LIMIT = 3600            # s, of this machine
TITLES = {"power_loss": "power loss", "planned": "planned switchover"}
NEARLY = 0.95           # of all hosts that the control must ask for
STANDING_MS = 3         # nobody owns at a planned switchover, or less: what comes then is lost


def asked_for(frame):
    """The address that an ARP request to all or a multicast solicitation is about.

    None for any other frame. Nor does a host that makes sure of its own address ask for a
    neighbour: no sender (RFC 4862, 5.4; RFC 5227), or its own address (gratuitous).
    """
    kind = frame[12:14]
    if kind == b"\x08\x06" and frame[:6] == b"\xff" * 6 and frame[20:22] == b"\0\1":
        sender, target = frame[28:32], frame[38:42]
        return None if sender in (target, bytes(4)) else str(ipaddress.IPv4Address(target))
    if kind == b"\x86\xdd" and frame[:2] == b"\x33\x33" and frame[20] == 58 and frame[54] == 135:
        if frame[22:38] == bytes(16):
            return None
        return str(ipaddress.IPv6Address(frame[62:78]))
    return None


def hosts_of(count):
    """The addresses of neighbours.sh's hosts."""
    found = set()
    for lan in (1, 2):
        for first in (f"10.{lan}.1.0", f"fd00:{lan}::1:1"):
            found |= {str(ipaddress.ip_address(first) + i) for i in range(count // 4)}
    return found


class Event:
    """What an heir knew and asked for, and what the hosts noticed."""

    def __init__(self, name, hosts, known, questions, talk):
        self.name = name
        self.hosts = len(hosts)
        self.known = known & hosts
        self.questions = [address for address in questions if address in hosts]
        self.talk = talk

    @property
    def solicited(self):
        """Questions for hosts that it knew."""
        return sum(address in self.known for address in self.questions)

    def json(self):
        return {"hosts": self.hosts, "known": len(self.known), "solicited": self.solicited,
                "hosts_asked_for": len(set(self.questions)), "packets": 2 * self.talk["asked"],
                "lost": self.talk["lost"], "longest_answer_ms": self.talk["late_ms"],
                "longest_silence_ms": self.talk["silent_ms"]}


class Scene:
    """run() plays it; results are in events and complaints."""

    script, every_ms, memory = "neighbours.sh", 1000 // A_SECOND, 512

    def __init__(self, screen, series, with_neighbours, directory, hosts=HOSTS):
        self.screen = screen
        self.series = series
        self.with_neighbours = with_neighbours
        self.dir = pathlib.Path(directory)
        self.hosts = hosts
        self.events = []
        self.complaints = []
        self.seconds = 0

    def run(self):
        began = time.monotonic()
        if not project.module(self.series) or not TRAFFIC.exists():
            raise kernel.Error("not built: make guest-parts")
        self.dir.mkdir(parents=True, exist_ok=True)
        words = f"{self.hosts} {'true' if self.with_neighbours else 'false'} {self.every_ms}"
        machine = guest.Guest("scene", self.dir, self.series, self.memory, icount=True,
                              patient=True, append="preempt=full",
                              play=f"/demo/{self.script} {words}",
                              files=[*((path, f"/demo/{path.name}")
                                       for path in HERE.glob("neighbours*.sh")),
                                     (TRAFFIC, "/usr/bin/gwsync-traffic"),
                                     (shutil.which("chrt"), "/usr/bin/chrt"),
                                     *project.agent_files()],
                              modules=[project.module(self.series)])
        try:
            with self.screen.step(f"Linux {self.series} in QEMU, by the clock of its "
                                  "instructions: power loss, power back, switchover"):
                machine.launch()
                machine.wait_up(LIMIT)
            text = machine.run("cat /run/play.log", timeout=60).out
            (self.dir / "play.log").write_text(text, encoding="utf-8")
            if "# all done" not in text:
                # from what the command itself said on, if it was one
                why = re.search(r"^(?:(?!event|talk).*\n)?# failed: ", text, re.M)
                raise kernel.Error("not played to its end:\n"
                                   f"{text[why.start() if why else -3000:]}")
            self._judge(machine, text)
            self.complaints = machine.verdict()
        finally:
            machine.kill()
        self.seconds = time.monotonic() - began

    def _judge(self, machine, text):
        events = re.findall(r"^event (\w+) (\w+) (\d+)$", text, re.M)
        talk = {name: json.loads(said) for name, said in
                re.findall(r"^talk (\w+) ({.*})$", text, re.M)}
        hosts = hosts_of(self.hosts)
        for number, (name, heir, us) in enumerate(events):
            known = machine.get(f"{RUN}/{name}.known")
            (self.dir / f"{name}.known").write_bytes(known)
            begin = int(us) * 1000
            end = int(events[number + 1][2]) * 1000 if number + 1 < len(events) else 1 << 63
            questions = []
            for lan in ("lan1", "lan2"):
                data = machine.get(f"{RUN}/{lan}-{heir}.pcap")
                (self.dir / f"{name}-{lan}.pcap").write_bytes(data)
                questions += [asked_for(frame) for ns, frame in capture.packets(data, unit=1)
                              if begin <= ns < end]
            listed = json.loads(known)["neighbours"] if self.with_neighbours else []
            self.events.append(Event(name, hosts, {entry["address"] for entry in listed},
                                     questions, talk[name]))

    def json(self):
        return {"clock": "instructions", "hosts": self.hosts,
                "packets_a_second": self.hosts * 1000 // self.every_ms,
                **{event.name: event.json() for event in self.events},
                "neighbours": {"known": sum(len(event.known) for event in self.events),
                               "solicited": sum(event.solicited for event in self.events)}}

    def table(self):
        line = self.screen.line
        line(f"   {'':22}{'hosts':>8}{'known':>8}{'asked for':>11}{'lost':>14}{'silence':>12}"
             f"{'answer':>12}")
        for event in self.events:
            part = event.json()
            line(f"   {TITLES[event.name]:22}{part['hosts']:>8}{part['known']:>8}"
                 f"{part['hosts_asked_for']:>11}{part['lost']:>6} of {part['packets']:<5}"
                 f"{part['longest_silence_ms']:>9.1f} ms{part['longest_answer_ms']:>9.1f} ms")
        line(self.screen.dim("   silence: the longest of a host beyond its interval; "
                             "answer: the latest, in virtual time"))

    def good(self):
        """Known hosts are not asked for; without the table nearly all are."""
        events = [event.json() for event in self.events]
        if self.with_neighbours:
            return all(event["known"] == event["hosts"] and event["solicited"] == 0
                       for event in events) and \
                events[-1]["lost"] <= self.hosts * STANDING_MS / self.every_ms
        return all(event["known"] == 0 and
                   event["hosts_asked_for"] >= NEARLY * event["hosts"] for event in events)

    def verdict(self):
        """One plain line, and the exit status."""
        events = [event.json() for event in self.events]
        asked = " and ".join(f"{event['hosts_asked_for']} of {event['hosts']}"
                             for event in events)
        if self.complaints:
            return "The kernel complained: see above.", 1
        if not self.with_neighbours:
            if self.good():
                return (f"Without the table of neighbours new owners asked for {asked} hosts: "
                        "the scene can fail."), 0
            return (f"Without the table of neighbours new owners asked for {asked} hosts only: "
                    "the scene proves nothing."), 1
        known = sum(event["known"] for event in events)
        solicited = sum(event["solicited"] for event in events)
        words = (f"New owners knew {known} of {sum(e['hosts'] for e in events)} neighbours and "
                 f"asked for {solicited} of them; the planned switchover lost "
                 f"{events[-1]['lost']} of {events[-1]['packets']} packets, those of the moment "
                 "without an owner.")
        return words, 0 if self.good() else 1


class Many(Scene):
    """neighbours_many.sh: more than a kernel learns at its defaults, one that moved, a scan."""

    script, every_ms, memory = "neighbours_many.sh", 1000, 1024

    def _judge(self, machine, text):
        super()._judge(machine, text)
        self.demand = re.search(r"^demand .*gc_thresh3 to", text, re.M) is not None
        self.full = {name: int(times) for name, times in
                     re.findall(r"^full (\w+) (\d+)$", text, re.M)}
        self.moved = {family: json.loads(said) for family, said in
                      re.findall(r"^moved (\d) ({.*})$", text, re.M)}
        self.scan = json.loads(re.search(r"^talk scan ({.*})$", text, re.M).group(1))

    def json(self):
        return {**super().json(), "says_gc_thresh": self.demand, "table_full": self.full,
                "moved_silence_ms": {"macvlan": self.moved["4"]["silent_ms"],
                                     "parent": self.moved["6"]["silent_ms"]},
                "scanned": {"packets": self.scan["asked"], "lost": self.scan["lost"]}}

    def table(self):
        super().table()
        line = self.screen.line
        line(f"   gc_thresh3 is asked for at the defaults: {'yes' if self.demand else 'no'}; "
             f"refused for want of room at the takeover: {self.full['power_loss']}")
        found = [f"{self.moved[family]['silent_ms']:.0f} ms" for family in "46"]
        line(f"   a host that moved in silence is found after {found[0]} behind a macvlan, "
             f"{found[1]} behind a parent")
        line(f"   while 1,000 a second are looked for: {self.full['scan']} refused, "
             f"{self.scan['lost']} of {self.scan['asked']} packets of known hosts lost")

    def good(self):
        """Known hosts answer within 100 ms, none is refused, who moved is found in a second."""
        if not self.with_neighbours:
            return super().good()
        return all(event.solicited == 0 and len(event.known) == event.hosts and
                   event.talk["late_ms"] < 100 for event in self.events) and self.demand and \
            self.full["power_loss"] == 0 and self.moved["4"]["silent_ms"] < 1000

# SPDX-License-Identifier: GPL-2.0
"""The flows through the gateways: started, told of a phase, judged."""

import json
import time

import cluster

CLIENT = "10.1.0.100"
SERVER = "192.0.2.100"
SERVER6 = "fd00:2::100"
SERVICE = "192.0.2.1/8080"
IDLE = 1000
BULK_RATE = 1_000_000       # bytes a second: what TCG carries beside the rest

# (name, kind and target, what a person is told)
LAN_FLOWS = [
    ("bulk", f"bulk/{SERVER}", "bulk TCP download"),
    ("tcp-echo", f"echo/{SERVER}", "TCP echo, every 10 ms"),
    ("udp", f"udp/{SERVER}", "UDP requests, every 10 ms"),
    ("ftp", f"ftp/{SERVER}", "FTP with a busy data connection"),
    ("ftp-passive", f"ftp-passive/{SERVER}", "FTP, PASV data still expected"),
    ("ftp-active", f"ftp-active/{SERVER}", "FTP, PORT data still expected"),
    ("tcp-ipv6", f"echo/{SERVER6}", "TCP echo over IPv6"),
    ("ftp-ipv6", f"ftp-passive/{SERVER6}", "FTP over IPv6, EPSV expected"),
]
WAN_FLOWS = [("dnat", f"echo/{SERVICE}", "TCP through the DNAT service")]
TITLES = {name: title for name, _, title in LAN_FLOWS + WAN_FLOWS}
ORDER = ["bulk", "tcp-echo", "udp", "dnat", "ftp", "ftp-passive", "ftp-active", "tcp-ipv6",
         "ftp-ipv6"]


class Result:
    """What became of the flows in a phase."""

    def __init__(self, flows, idle_total, idle_alive):
        self.flows = flows
        self.idle_total = idle_total
        self.idle_alive = idle_alive

    def lived(self):
        return all(flow["alive"] for flow in self.flows) and self.idle_alive == self.idle_total

    def died(self):
        """Every single one; what a gateway without state must do to them."""
        return not any(flow["alive"] for flow in self.flows) and not self.idle_alive

    def json(self):
        keys = ("name", "alive", "blackout_ms", "lost")
        return {"flows": [{key: flow[key] for key in keys} for flow in self.flows],
                "idle_total": self.idle_total, "idle_alive": self.idle_alive}


class Flows:
    def __init__(self, guest):
        self.guest = guest
        self.jobs = []

    def start(self):
        """Servers on both sides, then clients on both sides."""
        self._spawn("client", f"server {CLIENT}")
        self._spawn("server", f"server --rate {BULK_RATE} {SERVER} {SERVER6}")
        lan = [f"{name}={target}" for name, target, _ in LAN_FLOWS]
        lan.append(f"idle=idle/{SERVER}/7007/{IDLE}")
        wan = [f"{name}={target}" for name, target, _ in WAN_FLOWS]
        self._spawn("client", "client --control /run/lan.sock " + " ".join(lan))
        self._spawn("server", "client --control /run/wan.sock " + " ".join(wan))
        self.guest.run("until [ -S /run/lan.sock ] && [ -S /run/wan.sock ]; do sleep 0.1; done",
                       timeout=20, check=True)

    def _spawn(self, side, words):
        self.jobs.append(self.guest.spawn(f"exec ip netns exec {side} gwsync-traffic {words}"))

    def tell(self, command):
        """Give both clients a command; returns their two reports."""
        for job in self.jobs:
            if job.done.is_set():
                raise cluster.Error("gwsync-traffic ended: "
                                    f"{job.err.decode(errors='replace')[-2000:]}")
        out = self.guest.run(f"gwsync-traffic control /run/lan.sock '{command}' && "
                             f"gwsync-traffic control /run/wan.sock '{command}'",
                             timeout=60, check=True).out
        return [json.loads(line) for line in out.splitlines()]

    def ready(self):
        return all(report["ready"] for report in self.tell("status"))

    def unready(self):
        """Names of the flows that are not set up yet."""
        return [flow["name"] for report in self.tell("status") for flow in report["flows"]
                if not flow["ready"]]

    def done(self):
        return all(report["done"] for report in self.tell("report"))

    def result(self):
        flows = {}
        total = alive = 0
        for report in self.tell("report"):
            total += report["idle_total"]
            alive += report["idle_alive"]
            for flow in report["flows"]:
                flows[flow["name"]] = flow
        return Result([flows[name] for name in ORDER], total, alive)

    def finish(self, limit):
        """End the download; the reason why it is wrong, or None."""
        self.tell("finish")
        deadline = time.monotonic() + limit
        while True:
            flow = next(f for f in self.tell("report")[0]["flows"] if f["name"] == "bulk")
            if flow["finished"]:
                return None
            if flow["why"]:
                return flow["why"]
            if time.monotonic() > deadline:
                return "it does not come to an end"
            time.sleep(0.3)

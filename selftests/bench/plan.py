# SPDX-License-Identifier: GPL-2.0
"""What is measured, in which guest, with how many flows."""

SYSTEMS = ("none", "conntrackd", "gwsync")
WORKLOADS = ("udp_new", "tcp_short", "tcp_stay", "tcp_busy", "overload", "activate", "full_sync")
NO_SYNC = ("udp_new", "tcp_short", "tcp_stay", "tcp_busy", "overload")

# What the kernel itself needs, whoever syncs: of no sync alone.
FLOOR = "floor"

# Of none and gwsync: conntrackd has no neighbours. They are called flows in what follows.
NEIGHBOURS = "neighbours"

# Guest: {workload: [flows, ...]}. "rate" has two CPUs and is timed, "cost" has
# one and is counted. The size that the table shows is the one in MAIN.
FULL = {
    "rate": {"udp_new": [50000], "tcp_short": [20000], "tcp_stay": [50000],
             "tcp_busy": [50000], "overload": [150000],
             "activate": [1000, 50000, 500000], "full_sync": [500000]},
    "cost": {"udp_new": [1000, 5000, 20000], "tcp_short": [10000],
             "tcp_stay": [20000], "tcp_busy": [20000], FLOOR: [5000],
             NEIGHBOURS: [30000]},
}
# Few enough that conntrackd loses no events of them: it finds that out 30 s later.
QUICK = {
    "rate": {"udp_new": [100], "tcp_short": [100], "tcp_stay": [100],
             "tcp_busy": [100], "overload": [5000],
             "activate": [2000], "full_sync": [2000]},
    "cost": {"udp_new": [1000], "tcp_short": [1000],
             "tcp_stay": [1000], "tcp_busy": [1000], FLOOR: [1000],
             NEIGHBOURS: [2000]},
}

# With --quick, of none and gwsync alone and so many that a heartbeat more or less is
# nothing: what counted.json is compared with. A figure repeats with the same image, and
# in another within a hundredth. So many begin a second: with as many as possible what each
# costs decides how many changes meet in a flush, and which of a connection's are one
# record, so that a figure moves another.
COUNTED = {"udp_new": 8000, "tcp_short": 8000, "tcp_stay": 8000}
COUNTED_RATE = 2000

# A run of the one gives the results of the other as well: the connections that
# stay carry traffic before they are taken over, the backup that joined takes over.
COVERED = {"tcp_busy": "tcp_stay", "activate": "full_sync"}

# Rates of two systems are compared where machine time is shared with others:
# both take turns, and the median counts.
TURNS = {"udp_new": 5}


def sizes(quick):
    return QUICK if quick else FULL


def main_size(quick, guest, workload):
    """The size of a workload that stands for it; of three the middle one."""
    flows = sizes(quick)[guest].get(workload)
    if not flows:
        return None
    return flows[len(flows) // 2] if workload == "activate" else flows[-1]


def runs(quick, guest, only=None):
    """(system, workload, flows) in the order they are played."""
    found = []
    chosen = {workload: many for workload, many in sizes(quick)[guest].items()
              if not only or workload in only}
    for workload, many in chosen.items():
        for flows in many:
            if flows in chosen.get(COVERED.get(workload), ()):
                continue
            systems = [s for s in SYSTEMS if s != "none" or workload in NO_SYNC]
            if workload == FLOOR:
                systems = ["none"]
            if workload == NEIGHBOURS:
                systems = ["none", "gwsync"]
            if guest == "rate" and not quick:
                systems += ["none", "gwsync"] * (TURNS.get(workload, 1) - 1)
            found += [(system, workload, flows) for system in systems]
    if guest == "cost" and quick:
        found += [(system, workload, flows) for workload, flows in COUNTED.items()
                  if workload in chosen for system in ("none", "gwsync")]
    return found


def text(quick, guest, only=None):
    """The plan as `play` reads it."""
    lines = []
    for system, workload, flows in runs(quick, guest, only):
        paced = guest == "cost" and quick and flows == COUNTED.get(workload)
        lines.append(f"{system} {workload} {flows}{f' 1 {COUNTED_RATE}' if paced else ''}\n")
    return "".join(lines)


# Seconds of a run under TCG, about, to tell how much is left: what daemons need to
# start and to settle, then a thousand flows.
START = {"none": 5, "conntrackd": 20, "gwsync": 10}
THOUSAND = {"none": 0.2, "conntrackd": 1.2, "gwsync": 0.3}


def guess(guest, system, _, flows):
    return (START[system] + THOUSAND[system] * flows / 1000) * (2 if guest == "cost" else 1)

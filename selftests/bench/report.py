# SPDX-License-Identifier: GPL-2.0
"""From the results that `play` printed to bench.json, and to a table to read.

What was not measured is absent, in the file and in the table: never a zero.
"""

import json
import os
import re
import statistics

import plan

RESULT = re.compile(r"result (\w+) (\w+) (\d+) (\w+) (.+)")
SHARED = re.compile(r"idle_|fixed_|module_|missing$|different$")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Results:
    """The raw figures of all runs, in both guests."""

    def __init__(self):
        self.values = {}
        self.failed = []

    def feed(self, guest, text):
        """Take in the output of one guest's play; other lines are no matter."""
        for line in text.splitlines():
            found = RESULT.fullmatch(line.strip())
            if not found:
                continue
            system, workload, flows, key, value = found.groups()
            if NUMBER.fullmatch(value):
                values = self.values.setdefault((guest, system, workload, int(flows)), {})
                values.setdefault(key, []).append(float(value))
            elif key == "failed":
                self.failed.append(f"{guest}: {system} {workload} {flows}: {value}")

    def all(self, guest, system, workload, flows, key):
        """What each run gave; what is said once for a whole run stands for its parts."""
        got = self.values.get((guest, system, workload, flows), {}).get(key, [])
        if not got and SHARED.match(key) and workload in plan.COVERED:
            return self.all(guest, system, plan.COVERED[workload], flows, key)
        return got

    def get(self, guest, system, workload, flows, key):
        """The median of the runs, None when there is none."""
        values = self.all(guest, system, workload, flows, key)
        return statistics.median(values) if values else None

    def worst(self, system, workload, flows, key):
        """The highest value of all runs in both guests."""
        values = [value for guest in ("rate", "cost")
                  for value in self.all(guest, system, workload, flows, key)]
        return max(values) if values else None

    def sizes(self, guest, system, workload):
        return sorted(flows for g, s, w, flows in self.values
                      if (g, s, w) == (guest, system, workload))


def _less(value, base):
    return None if value is None or base is None else value - base


def _over(value, by):
    return None if value is None or not by else value / by


class Run:
    """What is known of a system at a workload of one size in one guest."""

    def __init__(self, results, guest, system, workload, flows):
        self.get = lambda key: results.get(guest, system, workload, flows, key)
        self.base = lambda key: results.get(guest, "none", workload, flows, key)
        self.activated = lambda key: results.get(guest, system, "activate", flows, key)
        self.system = system
        self.workload = workload
        self.flows = flows

    def rate(self, get):
        if self.workload == "full_sync":
            return _over(_over(get("joined"), get("ms")), 1e-3)
        return _over(_over(get("flows"), get("load_ns")), 1e-9)

    def rates(self):
        rate = self.rate(self.get)
        out = {"rate": rate}
        if self.system != "none":
            out["rate_ratio"] = _over(rate, self.rate(self.base))
        return out

    @staticmethod
    def idle(get, key):
        """What the system does in this time without any flow, heartbeats above all."""
        if None in (get(f"idle_{key}"), get("idle_span_ns"), get("span_ns")):
            return 0
        return get(f"idle_{key}") * get("span_ns") / get("idle_span_ns")

    def busy(self, get):
        """Instructions of the whole guest, those apart that time alone costs."""
        return _less(get("cpu_ns"), self.idle(get, "cpu_ns"))

    def costs(self):
        """Everything a flow: instructions, bytes on the wire, memory."""
        total = self.busy(self.get)
        out = {"insn_total": total}
        if self.system == "none":
            return {key: _over(value, self.flows) for key, value in out.items()}
        added = _less(total, self.busy(self.base))
        backup = _less(self.get("b_ns"), self.idle(self.get, "b_ns"))
        commit = _over(self.get("commit_ns"), self.get("commit_flows"))
        out["insn_added"] = added
        out["insn_active"] = _less(added, backup)
        out["insn_backup"] = backup
        out["insn_path"] = self.path(added)
        out["wire_bytes"] = _less(self.get("wire_bytes"), self.idle(self.get, "wire_bytes"))
        # of the daemons and the module
        out["mem_bytes"], out["mem_bytes_backup"] = self.get("mem_a_bytes"), self.get("mem_b_bytes")
        out["slab_bytes"] = self.slab()
        out = {key: _over(value, self.flows) for key, value in out.items()}
        if commit is not None:
            out["insn_commit"] = commit
            out["insn_backup"] = None if backup is None else out["insn_backup"] + commit
        return out

    def path(self, added):
        """What is left of it for the packets' own way: no daemon, no kworker."""
        for key in ("a_ns", "b_ns"):
            added = _less(added, _less(self.get(key), self.idle(self.get, key)))
        return _less(added, _less(self.get("kworker_ns"), self.base("kworker_ns")))

    def floor(self):
        """What the kernel itself needs: a NATed entry, and events, a packet."""
        entry = _over(_less(self.get("new_ns"), self.get("again_ns")), self.flows)
        events = _over(_less(self.get("events_ns"), self.get("quiet_ns")),
                       self.get("busy_packets"))
        packet = _over(self.get("again_ns"), self.get("again_packets"))
        extension = _over(_less(self.get("events_slab_bytes"), self.get("quiet_slab_bytes")),
                          self.flows)
        return {"insn_entry": entry, "insn_packet": packet, "insn_events": events,
                "ext_bytes": extension}

    def neighbours(self):
        """What changes cost, and a full sync of all: beyond one of none, whole and of each."""
        keys = ("insn_total", "insn_added", "insn_active", "insn_backup", "wire_bytes")
        out = {key: value for key, value in self.costs().items() if key in keys}
        for key, of in (("sync_bytes", "sync_wire_bytes"), ("sync_insn", "sync_ns"),
                        ("sync_insn_active", "sync_a_ns"), ("sync_insn_backup", "sync_b_ns")):
            out[key] = _over(self.get(of), self.flows)
        out["sync_all_bytes"], out["sync_all_insn"] = self.get("sync_wire_bytes"), self.get("sync_ns")
        return out

    def slab(self):
        """What the kernel's own memory has grown by on top of the entries of no sync.

        The extension for events, on both sides; with gwsync as many entries on
        the backup, where conntrackd has none until it commits.
        """
        own = self.base("slab_bytes")
        slab = _less(self.get("slab_bytes"), own)
        return slab - own if slab is not None and self.system == "gwsync" else slab

    def times(self):
        if self.workload == "activate":
            return {"ms": self.get("passed_ms"), "command_ms": self.get("command_ms"),
                    "first_ms": self.get("first_ms")}
        if self.workload == "full_sync":
            return {"ms": self.get("ms"), **self.live()}
        return {}

    def live(self):
        """Until the flows that arrived could pass packets: the order counts, too."""
        order = self.activated("command_ms")
        live = None if order is None or self.get("ms") is None else self.get("ms") + order
        return {"ms_live": live, "rate_live": _over(_over(self.get("joined"), live), 1e-3)}

    def bounds(self):
        """What has a size of its own, not one a flow."""
        keys = ("fixed_a_bytes", "fixed_b_bytes", "module_bytes", "peak_a_bytes", "peak_b_bytes")
        return {key: self.get(key) for key in keys}


def workload(results, quick, system, name):
    """One workload of one system as bench.json has it."""
    entry, sizes = {}, {}
    for guest in ("cost", "rate"):
        for flows in results.sizes(guest, system, name):
            run = Run(results, guest, system, name, flows)
            costs = {plan.FLOOR: run.floor, plan.NEIGHBOURS: run.neighbours}.get(name, run.costs)()
            if guest == "rate":
                # ns there, not instructions
                costs = {key: value for key, value in costs.items() if not key.startswith("insn")}
                costs.update(run.rates(), **run.times())
            costs.update(run.bounds())
            for key in ("missing", "different"):
                costs[key] = results.worst(system, name, flows, key)
            got = {key: round(value, 4) for key, value in costs.items() if value is not None}
            size = sizes.setdefault(flows, {})
            size.update({**got, **size})
            if got and flows == plan.main_size(quick, guest, name):
                for key in ("missing", "different"):
                    if key in got:
                        entry[key] = max(got.pop(key), entry.get(key, 0))
                # what was counted in the other guest repeats, so it stands
                wire = got.get("wire_bytes")
                entry.update({**got, **entry, f"flows_{guest}": flows})
                if guest == "rate" and wire is not None and name != "tcp_busy":
                    # with one CPU a daemon wakes for each event and fills no datagram
                    entry["wire_bytes"] = wire
    if len(sizes) > 1:
        entry["by_flows"] = {str(flows): sizes[flows] for flows in sorted(sizes)}
    return entry


def report(results, quick, about):
    out = {"about": dict(about)}
    if results.failed:
        out["about"]["failed"] = results.failed
    for system in plan.SYSTEMS:
        entries = {name: workload(results, quick, system, name)
                   for name in (*plan.WORKLOADS, plan.FLOOR, plan.NEIGHBOURS)}
        out[system] = {name: entry for name, entry in entries.items() if entry}
    return out


def write(path, out):
    """The whole file or the old one, never half of it."""
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")
    os.rename(new, path)


# -- is it complete? ---------------------------------------------------------

# A ratio of two times is what the machine had time for: with small numbers it says
# little, and is no test.
RANGES = {
    "rate": (1, 1e7), "rate_ratio": (1e-4, 1e4), "insn_total": (100, 1e8),
    "insn_active": (-5000, 1e8), "insn_backup": (-5000, 1e8), "wire_bytes": (-10, 1e5),
    "sync_bytes": (10, 1000), "sync_insn": (100, 1e6), "mem_bytes": (-1000, 1e6), "missing": (0, 1e7), "different": (0, 1e7), "ms": (0, 3e5),
}


def expected(system, name, size):
    """The keys that a workload of a system must have.

    Tables of the full size of full_sync are too large to be compared.
    """
    compared = ["missing", "different"]
    if system == "none":
        return {"overload": ["rate"], "activate": [], "full_sync": []}.get(
            name, ["rate", "insn_total"])
    return {
        "overload": ["rate", "rate_ratio", *compared],
        "activate": ["ms", *compared],
        "full_sync": ["rate", "ms", "rate_live", "ms_live", *(compared if size == "quick" else [])],
    }.get(name, ["rate", "rate_ratio", "insn_total", "insn_active", "insn_backup", "wire_bytes",
                 "mem_bytes", *compared])


def absent(out, only=None):
    """What a complete file would have and this one has not."""
    size = out.get("about", {}).get("size")
    lacks = [f"{system} {name} {key}" for system in plan.SYSTEMS for name in plan.WORKLOADS
             if not only or name in only
             for key in expected(system, name, size)
             if key not in out.get(system, {}).get(name, {})]
    if not only:
        lacks += [f"none {plan.FLOOR} {key}"
                  for key in ("insn_entry", "insn_packet", "insn_events", "ext_bytes")
                  if key not in out.get("none", {}).get(plan.FLOOR, {})]
    if not only or plan.NEIGHBOURS in only:
        lacks += [f"gwsync {plan.NEIGHBOURS} {key}"
                  for key in ("insn_added", "insn_backup", "wire_bytes", "sync_bytes", "sync_insn")
                  if key not in out.get("gwsync", {}).get(plan.NEIGHBOURS, {})]
    return lacks


def implausible(out):
    """Figures that cannot be."""
    bad = []
    for system in plan.SYSTEMS:
        for name, entry in out.get(system, {}).items():
            for key, (low, high) in RANGES.items():
                if key in entry and not low <= entry[key] <= high:
                    bad.append(f"{system} {name} {key}: {entry[key]}")
    return bad

# SPDX-License-Identifier: GPL-2.0
"""The results for a person's eyes: a block for each workload, targets beside them."""

import plan

TITLES = {
    "udp_new": "new UDP flows, as fast as they go",
    "tcp_short": "short TCP connections, SYN to FIN",
    "tcp_stay": "TCP connections that stay",
    "tcp_busy": "the same connections with traffic on all of them",
    "overload": "new flows while the daemon stands still for 5 s",
    "activate": "activation, till a flow of the last ones passes a packet",
    "full_sync": "full sync to a joining backup, beside live traffic",
}

# (key, text, form)
ROWS = [
    ("rate", "flows a second", "number"),
    ("rate_ratio", "rate kept", "percent"),
    ("insn_total", "instructions a flow, all of the guest", "number"),
    ("insn_active", "  added on the active side", "number"),
    ("insn_backup", "  on the backup, commit included", "number"),
    ("insn_path", "  of that on the packets' own path", "number"),
    ("wire_bytes", "sync bytes a flow, headers included", "number"),
    ("mem_bytes", "memory a flow, active side, bytes", "number"),
    ("mem_bytes_backup", "memory a flow, backup, bytes", "number"),
    ("slab_bytes", "kernel's entries, bytes more, both sides", "number"),
    ("peak_a_bytes", "memory at most, active side, bytes", "number"),
    ("missing", "flows missing on the backup", "number"),
    ("different", "flows different on the backup", "number"),
    ("ms", "milliseconds", "number"),
    ("rate_live", "flows a second till they could pass", "number"),
    ("ms_live", "milliseconds till they could pass", "number"),
]


class Target:
    """A bound on gwsync's figure, or on its share of conntrackd's."""

    def __init__(self, text, most=None, least=None, share=None, times=None):
        self.text = text
        self.most, self.least, self.share, self.times = most, least, share, times

    def met(self, ours, theirs):
        """True or False, None when a figure is absent; and the share seen."""
        if ours is None:
            return None, ""
        if self.most is not None:
            return ours <= self.most, ""
        if self.least is not None:
            return ours >= self.least, ""
        if theirs is None:
            return None, ""
        if self.share is not None:
            seen = f"1/{theirs / ours:.1f}" if ours > 0 else "none"
            return ours * self.share <= theirs, seen
        return ours >= theirs * self.times, f"{ours / theirs:.1f}x" if theirs else ""


MEMORY = Target("<= 40", most=40)
ACTIVE = Target("<= 1/15", share=15)
BACKUP = Target("<= 1/10", share=10)
NONE = Target("0", most=0)
TARGETS = {
    ("udp_new", "rate_ratio"): Target(">= 85 %, aim 92", least=0.85),
    ("udp_new", "insn_active"): ACTIVE,
    ("udp_new", "insn_backup"): BACKUP,
    ("udp_new", "wire_bytes"): Target("<= 56", most=56),
    ("udp_new", "mem_bytes"): MEMORY,
    ("udp_new", "mem_bytes_backup"): MEMORY,
    ("tcp_short", "insn_active"): ACTIVE,
    ("tcp_short", "insn_backup"): BACKUP,
    ("tcp_short", "wire_bytes"): Target("<= 1/3", share=3),
    ("tcp_stay", "insn_active"): ACTIVE,
    ("tcp_stay", "insn_backup"): BACKUP,
    ("tcp_stay", "mem_bytes"): MEMORY,
    ("tcp_stay", "mem_bytes_backup"): MEMORY,
    # the digests and heartbeats of the seconds it takes, and no flow's record
    ("tcp_busy", "wire_bytes"): Target("heartbeats, digests", most=1),
    ("overload", "missing"): NONE,
    ("overload", "different"): NONE,
    ("full_sync", "rate"): Target(">= 5x", times=5),
    ("full_sync", "rate_live"): Target(">= 5x", times=5),
}
ACTIVATE_MS = 20
ACTIVATE_GROWTH = 1.5
NOISE = 0.01    # of a workload that does the same with and without sync


def form(value, kind):
    if value is None:
        return "-"
    if kind == "percent":
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.1f}"


class Table:
    """Lines of text, and how many of their targets are met, missed, unknown."""

    def __init__(self, out):
        self.out = out
        self.lines = []
        self.met = {True: 0, False: 0, None: 0}

    def entry(self, system, name):
        return self.out.get(system, {}).get(name, {})

    def row(self, text, cells, target="", met=None, seen=""):
        verdict = ""
        if target:
            self.met[met] += 1
            verdict = {True: "yes", False: "NO", None: "-"}[met] + (f" ({seen})" if seen else "")
        self.lines.append((f"  {text:41}" + "".join(f"{cell:>13}" for cell in cells)
                           + f"   {target:22}{verdict}").rstrip())

    def figures(self, name, key, text, kind):
        """One key of the three systems."""
        none, theirs, ours = (self.entry(s, name).get(key) for s in plan.SYSTEMS)
        if none is theirs is ours is None:
            return
        cells = [form(value, kind) for value in (none, theirs, ours)]
        target = TARGETS.get((name, key))
        if key == "insn_path" and name != "tcp_busy":
            return
        if (name, key) == ("tcp_busy", "insn_path"):
            base = self.entry("none", name).get("insn_total")
            share = None if ours is None or not base else ours / base
            self.row(text, cells, f"<= {100 * NOISE:.0f} % of none's",
                     None if share is None else share <= NOISE,
                     "" if share is None else f"{100 * share:.2f} %")
        elif target:
            self.row(text, cells, target.text, *target.met(ours, theirs))
        else:
            self.row(text, cells)

    def activation(self):
        """A row for each number of replicas; from the middle one on it must not grow."""
        by_flows = [self.entry(s, "activate").get("by_flows", {}) for s in plan.SYSTEMS]
        middle = self.entry("gwsync", "activate").get("flows_rate")
        base = by_flows[2].get(str(middle), {}).get("ms")
        for flows in sorted({int(flows) for sizes in by_flows for flows in sizes}):
            got = [sizes.get(str(flows), {}).get("ms") for sizes in by_flows]
            ours, judged = got[2], ()
            if flows == middle:
                judged = (f"<= {ACTIVATE_MS}", None if ours is None else ours <= ACTIVATE_MS)
            elif middle and flows > middle:
                growth = ours / base if ours is not None and base else None
                judged = (f"<= {ACTIVATE_GROWTH} x {middle:,}'s",
                          None if growth is None else growth <= ACTIVATE_GROWTH,
                          "" if growth is None else f"{growth:.2f}x")
            self.row(f"milliseconds, {flows:,} replicas",
                     [form(value, "number") for value in got], *judged)

    def floor(self):
        """What stands in the way of every system, ours as well."""
        floor = self.entry("none", plan.FLOOR)
        if not floor:
            return
        self.lines += ["", "the kernel itself: instructions, bytes"]
        for key, text in (("insn_entry", "to make one translated flow's entry"),
                          ("insn_packet", "to forward a packet of one, generator included"),
                          ("insn_events", "a packet, if somebody wants events"),
                          ("ext_bytes", "bytes a flow, if somebody wants events")):
            self.row(text, [form(floor.get(key), "number")])

    def neighbours(self):
        """Of none and gwsync; a neighbour."""
        none, ours = (self.entry(s, plan.NEIGHBOURS) for s in ("none", "gwsync"))
        if not ours:
            return
        self.lines += ["", f"neighbours that the owner learns ({ours.get('flows_cost', 0):,})"]
        self.row("", plan.SYSTEMS)
        for key, text in (("insn_total", "instructions a neighbour, all of the guest"),
                          ("insn_active", "  added on the active side"),
                          ("insn_backup", "  on the backup"),
                          ("wire_bytes", "sync bytes a neighbour, headers included"),
                          ("sync_insn", "full sync: instructions a neighbour"),
                          ("sync_insn_active", "  of the active's daemon"),
                          ("sync_insn_backup", "  of the backup's daemon"),
                          ("sync_bytes", "full sync: bytes a neighbour"),
                          ("sync_all_insn", "full sync of all: instructions"),
                          ("sync_all_bytes", "full sync of all: bytes")):
            self.row(text, [form(none.get(key), "number"), "-", form(ours.get(key), "number")])

    def block(self, name):
        entries = [self.entry(s, name) for s in plan.SYSTEMS]
        if not any(entries):
            return
        sizes = {entry[key] for entry in entries
                 for key in ("flows_rate", "flows_cost") if key in entry}
        many = " and ".join(f"{flows:,}" for flows in sorted(sizes, reverse=True))
        by_flows = name == "activate" and any("by_flows" in entry for entry in entries)
        self.lines += ["", TITLES[name] + ("" if by_flows else f" ({many})")]
        self.row("", plan.SYSTEMS)
        self.lines[-1] += "   target                met"
        for key, text, kind in ROWS:
            if key == "ms" and by_flows:
                self.activation()
            else:
                self.figures(name, key, text, kind)


def table(out):
    """The whole table as text; its last line counts the targets."""
    about = out.get("about", {})
    made = Table(out)
    made.lines.append("  ".join(str(about[key]) for key in ("kernel", "accelerator", "date", "size")
                                if about.get(key)))
    for name in plan.WORKLOADS:
        made.block(name)
    made.neighbours()
    made.floor()
    made.lines += ["", f"targets: {made.met[True]} met, {made.met[False]} not met, "
                       f"{made.met[None]} unknown"]
    return "\n".join(made.lines) + "\n"

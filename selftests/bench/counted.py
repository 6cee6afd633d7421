#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""counted.py [--renew] - what gwsync costs, against counted.json

Compares build/bench-quick.json (make bench-quick; make check makes it, too) with
the figures that are in the tree for its kernel, and prints both. Exit status 0: all
are within 2 %; 1: some are not, be it to the worse or to the better, or there are
none for this kernel. --renew writes what was measured into the file instead.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vm")]

import plan  # noqa: E402
import project  # noqa: E402
import report  # noqa: E402

FILE = HERE / "counted.json"
# What both sides need together: a softirq is charged to the task that it interrupts, so
# that how much of it is whose changes with each build by 4 %. Not the order to take
# over, which is a figure of a takeover and no flow's.
KEYS = ("insn_added", "wire_bytes")
MOST = 0.02
RENEW = "make bench-counted"


def measured(out):
    """{workload: {key: figure}} of a bench-quick.json."""
    found = {}
    for workload, flows in plan.COUNTED.items():
        entry = out.get("gwsync", {}).get(workload, {}).get("by_flows", {}).get(str(flows), {})
        found[workload] = {key: round(entry[key], 1) for key in KEYS if key in entry}
    return found


def kept(path=FILE):
    """{kernel: figures} of the file in the tree."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def compare(was, seen):
    """(workload, key, was, is, verdict) of all; the verdict is empty, or what is wrong."""
    lines = []
    for workload in plan.COUNTED:
        for key in KEYS:
            old, new = was.get(workload, {}).get(key), seen.get(workload, {}).get(key)
            verdict = ""
            if old is None or new is None:
                verdict = "not in the file" if old is None else "not measured"
            elif new > old * (1 + MOST):
                verdict = f"{new / old - 1:.1%} worse"
            elif new < old * (1 - MOST):
                verdict = f"{1 - new / old:.1%} better: {RENEW}"
            lines.append((workload, key, old, new, verdict))
    return lines


def show(line):
    workload, key, old, new, verdict = line
    return f"{workload} {key}: {new}, in the file {old}{verdict and ', '}{verdict}"


def renew(kernel, seen, path=FILE):
    figures = kept(path)
    figures[kernel] = seen
    report.write(path, dict(sorted(figures.items())))


def main():
    results = project.BUILD / "bench-quick.json"
    if not results.exists():
        print(f"counted: no {results}: make bench-quick", file=sys.stderr)
        return 2
    out = json.loads(results.read_text(encoding="utf-8"))
    kernel, seen = out["about"]["kernel"], measured(out)
    lines = compare(kept().get(kernel, {}), seen)
    for line in lines:
        print(show(line))
    if sys.argv[1:] == ["--renew"]:
        if any(line[3] is None for line in lines):
            print("counted: incomplete, nothing written", file=sys.stderr)
            return 1
        renew(kernel, seen)
        return 0
    return 1 if any(line[-1] for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())

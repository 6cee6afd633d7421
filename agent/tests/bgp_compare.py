#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Paths of "gwsync routes --json" against "birdc show route all", attribute by attribute.

usage: bgp_compare.py GWSYNC-JSON BIRDC-TEXT

Prints how many were compared and each that differs; exit status 1 if any did.
"""
import collections
import json
import re
import sys

OURS = "(4200008116, "


def told(attributes):
    """What is left of the daemon's own: not the marks, not what BGP fills in."""
    kept = {}
    for name, text in attributes.items():
        if name == "BGP.large_community":
            text = " ".join(c for c in re.findall(r"\([^)]*\)", text) if not c.startswith(OURS))
        if name == "BGP.ext_community":
            text = " ".join(c for c in re.findall(r"\([^)]*\)", text)
                            if not c.endswith(", 8116)"))
        if text or not name.endswith("community"):
            kept[name] = text
    return kept


def of_gwsync(path):
    paths = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for route in json.load(file)["routes"]:
            paths[route["prefix"]].append(told(route["attributes"]))
    return paths


def of_bird(path):
    paths = collections.defaultdict(list)
    prefix, skipped = None, False
    with open(path, encoding="utf-8") as file:
        for line in file:
            head = re.match(r"(\S+/\d+)? +(unicast|blackhole|unreachable|prohibit) ", line)
            if head:
                prefix = head.group(1) or prefix
                paths[prefix].append({})
                skipped = False
            elif line.startswith("\tType: device"):
                paths[prefix].pop()
                skipped = True
            elif line.startswith("\tBGP.") and not skipped:
                name, _, text = line.strip().partition(":")
                paths[prefix][-1][name] = text.strip()
    return {prefix: some for prefix, some in paths.items() if some}


def differ(theirs, ours):
    """Paths of a daemon's own protocols get what BGP needs: that is no difference."""
    left = list(ours)
    for one in theirs:
        match = next((o for o in left if all(o.get(n) == t for n, t in one.items()) and
                      (set(o) - set(one)) <= {"BGP.origin", "BGP.as_path", "BGP.next_hop",
                                              "BGP.local_pref"}), None)
        if match is None:
            return True
        left.remove(match)
    return bool(left)


def main():
    ours, theirs = of_gwsync(sys.argv[1]), of_bird(sys.argv[2])
    wrong = [p for p in sorted(set(ours) | set(theirs))
             if differ(theirs.get(p, []), ours.get(p, []))]
    print(f"# {sum(map(len, theirs.values()))} paths of {len(theirs)} prefixes, "
          f"{len(wrong)} prefixes differ")
    for prefix in wrong[:5]:
        print(f"# {prefix}: bird {theirs.get(prefix)}, gwsync {ours.get(prefix)}")
    return 1 if wrong or not theirs else 0


sys.exit(main())

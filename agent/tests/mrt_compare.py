#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""mrt_compare.py ROUTES.JSON FILE.MRT - is what bgpdump reads in FILE what "gwsync routes" says?

Path by path: prefix, path id, AS path, origin, next hop, local preference, MED, communities. Of
large and extended communities bgpdump says nothing in this form.
Exit status 0: the same; 1: not; what differs is said.
"""

import collections
import json
import re
import subprocess
import sys

ORIGIN = {"IGP": "IGP", "EGP": "EGP", "Incomplete": "INCOMPLETE"}


def ours(path):
    found = collections.Counter()
    with open(path, encoding="utf-8") as file:
        for route in json.load(file)["routes"]:
            said = {name.removeprefix("BGP."): text for name, text in route["attributes"].items()}
            groups = re.findall(r"\((\d+),(\d+)\)", said.get("community", ""))
            found[(route["prefix"], str(route["path_id"]), said.get("as_path", ""), ORIGIN[said["origin"]],
                   said["next_hop"].split()[0], said.get("local_pref", "0"),
                   said.get("med", "0"),
                   " ".join(":".join(numbers) for numbers in groups))] += 1
    return found


def theirs(path):
    # a line a path: TABLE_DUMP2_AP|time|B|peer|AS|prefix|path id|AS path|origin|next hop|
    # local preference|MED|communities|atomic|aggregator|
    text = subprocess.run(["bgpdump", "-m", path], capture_output=True, text=True, check=True)
    found = collections.Counter()
    for line in text.stdout.splitlines():
        part = line.split("|")
        if part[0] != "TABLE_DUMP2_AP" or part[2] != "B" or part[3] != "127.0.0.1":
            sys.exit(f"# not a path of the daemon: {line}")
        found[(*part[5:12], part[12].strip())] += 1
    return found


def main():
    here, there = ours(sys.argv[1]), theirs(sys.argv[2])
    for what, more in (("in gwsync alone", here - there), ("in the file alone", there - here)):
        for entry in list(more)[:5]:
            print(f"# {what}: {entry}")
    print(f"# {sum(here.values())} paths, {sum(there.values())} in the file")
    return 0 if here and here == there else 1


if __name__ == "__main__":
    sys.exit(main())

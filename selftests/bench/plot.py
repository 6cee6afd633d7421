# SPDX-License-Identifier: GPL-2.0
"""Plots of cost against number of flows, by gnuplot."""

import shutil
import subprocess

import plan

# file: (workload, key, title, axis, logarithmic)
PLOTS = {
    "udp_new-insn_active": ("udp_new", "insn_active", "Added on the active side",
                            "instructions a flow", True),
    "udp_new-insn_backup": ("udp_new", "insn_backup", "On the backup, commit included",
                            "instructions a flow", True),
    "udp_new-insn_total": ("udp_new", "insn_total", "New UDP flows, all of the guest",
                           "instructions a flow", True),
    "udp_new-wire_bytes": ("udp_new", "wire_bytes", "On the sync link",
                           "bytes a flow", False),
    "udp_new-mem_bytes": ("udp_new", "mem_bytes", "Memory on the active side",
                          "bytes a flow", False),
    "activate-ms": ("activate", "ms", "From the order to activate to the first packet",
                    "ms", True),
}
COLOURS = {"none": "#888888", "conntrackd": "#d55e00", "gwsync": "#0072b2"}


def points(out, system, workload, key):
    """[(flows, value)] of what is known."""
    sizes = out.get(system, {}).get(workload, {}).get("by_flows", {})
    return sorted((int(flows), entry[key]) for flows, entry in sizes.items() if key in entry)


def script(out, path, workload, key, title, axis, logarithmic):
    """gnuplot's orders for one plot, None when nothing is known."""
    lines, data = [], []
    known = {system: points(out, system, workload, key) for system in plan.SYSTEMS}
    if logarithmic:
        known = {s: [(x, y) for x, y in at if y > 0] for s, at in known.items()}
    for system, at in known.items():
        if at:
            lines.append(f"'-' with linespoints title '{system}' lw 2 pt 7 ps 0.6 "
                         f"lc rgb '{COLOURS[system]}'")
            data += [f"{flows} {value}" for flows, value in at] + ["e"]
    if not lines:
        return None
    return "\n".join([
        "set terminal svg size 720,440 font 'sans,13' background rgb 'white'",
        f"set output '{path}'",
        f"set title '{title}'", "set xlabel 'flows'", f"set ylabel '{axis}'",
        "set logscale x", "set logscale y" if logarithmic else "set yrange [0:*]",
        "set format x '%.0f'", "set format y '%.0f'" if key != "ms" else "set format y '%g'",
        "set grid lc rgb '#dddddd'", "set key outside right",
        "plot " + ", ".join(lines), *data, ""])


def plot(out, directory):
    """Write the plots; returns their paths. Without gnuplot there are none."""
    if not shutil.which("gnuplot"):
        return []
    directory.mkdir(parents=True, exist_ok=True)
    made = []
    for name, what in PLOTS.items():
        path = directory / f"{name}.svg"
        orders = script(out, path, *what)
        if orders:
            subprocess.run(["gnuplot"], input=orders, text=True, check=True, timeout=60)
            made.append(path)
        else:
            path.unlink(missing_ok=True)
    return made

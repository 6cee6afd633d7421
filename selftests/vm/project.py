# SPDX-License-Identifier: GPL-2.0
"""Where this tree keeps what the guests get."""

import os
import pathlib

import kernel

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BENCH_TOOLS = BUILD / "bench-tools"

# (built file, path in the guest)
AGENT = [("agent/gwsyncd", "/usr/sbin/gwsyncd"), ("agent/gwsync", "/usr/bin/gwsync")]


def module(series):
    """The module built for a kernel, or None."""
    path = BUILD / f"kmod-{kernel.version(series)}" / "gwsync.ko"
    return path if path.exists() else None


def agent_files():
    """The daemon and its CLI, as far as they are built."""
    found = []
    for name, where in AGENT:
        for path in (BUILD / name, ROOT / name):
            if path.is_file():
                found.append((path, where))
                break
    return found


def kselftest_files():
    """(source, path in the guest) of the kselftests: scripts, data, binaries."""
    files = []
    for base in (ROOT / "selftests/kselftest", BUILD / "kselftest"):
        for path in sorted(base.rglob("*")):
            if path.is_file() and path.suffix not in (".c", ".h", ".o", ".d"):
                files.append((path, f"/kselftest/{path.relative_to(base)}"))
    return files


def bench_files():
    """(source, path in the guest) of the benchmark: scripts, tools as far as built."""
    scripts = ROOT / "selftests/bench"
    found = [scripts / "play", *sorted(scripts.glob("*.sh")), *sorted(BENCH_TOOLS.glob("*"))]
    return [(path, f"/bench/{path.name}") for path in found]


def kselftests():
    """Names of the tests: executables called test_*."""
    names = set()
    for source, path in kselftest_files():
        name = path.removeprefix("/kselftest/")
        if name.startswith("test_") and os.access(source, os.X_OK):
            names.add(name)
    return sorted(names)

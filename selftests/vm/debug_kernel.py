# SPDX-License-Identifier: GPL-2.0
"""The kernel of make check-debug: built of Debian's source package, once.

It lies in the cache as the others do, with what modules are built against in
build/. Its name holds a hash of what it was made of: another source package or
another debug.config is another kernel.
"""

import fcntl
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import time

import kernel

HERE = pathlib.Path(__file__).resolve().parent
FRAGMENT = HERE / "debug.config"
PACKAGE = "linux-source-6.1"
TARBALL = pathlib.Path(f"/usr/src/{PACKAGE}.tar.xz")

# (file, text in it, what it becomes)
EDITS = [
    # Fault injection's filter by caller: Linux 6.2 lifted this, stack traces are
    # good enough without frame pointers too, and this kernel has them.
    ("lib/Kconfig.debug", "\tdepends on !X86_64\n", ""),
    # What a PVH guest starts with runs before KASAN has any shadow: it may not be
    # checked, nor call memcmp(), with which it looks for Xen.
    ("arch/x86/platform/pvh/Makefile", "obj-$(CONFIG_PVH) += enlighten.o\n",
     "KASAN_SANITIZE := n\nobj-$(CONFIG_PVH) += enlighten.o\n"),
    ("arch/x86/platform/pvh/enlighten.c", "u32 msr = xen_cpuid_base();", "u32 msr = 0;"),
    # nf_tables walks its lists under its commit mutex and does not say so, for which
    # PROVE_RCU_LIST blames it whenever a test loads rules.  Nothing of gwsync is ever
    # called from there.  Every other list is checked, and so are all other RCU rules here.
    ("net/netfilter/nf_tables_api.c", "#include <linux/module.h>\n",
     "#undef CONFIG_PROVE_RCU_LIST\n#include <linux/module.h>\n"),
    ("net/netfilter/nft_set_bitmap.c", "#include <linux/kernel.h>\n",
     "#undef CONFIG_PROVE_RCU_LIST\n#include <linux/kernel.h>\n"),
]

# Built modules need no more of the tree than this.
KEEP = ["Makefile", "Kbuild", ".config", ".scmversion", "localversion", "Module.symvers",
        "System.map", "include", "scripts", "arch/x86/include", "arch/x86/Makefile",
        "tools/objtool/objtool"]


@functools.lru_cache(maxsize=None)
def release():
    """Its version, e.g. 6.1.192-debug-1234abcd; it need not be built yet."""
    out = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", PACKAGE],
                         capture_output=True, text=True, check=False)
    state, _, package = out.stdout.partition(" ")
    if state != "installed":
        raise kernel.Error(f"{PACKAGE} is not installed: run 'scripts/prepare debug'")
    made_of = f"{package}\n{EDITS}\n".encode() + FRAGMENT.read_bytes()
    tag = hashlib.sha256(made_of).hexdigest()[:8]
    return f"{package.partition('-')[0]}-debug-{tag}"


def directory():
    return kernel.cache_dir() / f"kernel-{release()}"


def built():
    return (directory() / "vmlinux").exists()


def _unpack(tree):
    tree.mkdir()
    subprocess.run(["tar", "-C", tree, "--strip-components=1", "-xf", TARBALL], check=True)
    for name, old, new in EDITS:
        text = (tree / name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise kernel.Error(f"{PACKAGE}: {name} is not what debug_kernel.py knows")
        (tree / name).write_text(text.replace(old, new), encoding="utf-8")
    # no git repository around the cache has a say in the name
    (tree / ".scmversion").write_text("", encoding="ascii")
    (tree / "localversion").write_text(
        "-" + release().partition("-")[2] + "\n", encoding="ascii")


def _configure(tree):
    subprocess.run(["make", "-s", "-C", tree, f"KCONFIG_ALLCONFIG={FRAGMENT}", "allnoconfig"],
                   check=True, stdout=subprocess.DEVNULL)
    have = set((tree / ".config").read_text(encoding="ascii").splitlines())
    want = [line for line in FRAGMENT.read_text(encoding="ascii").splitlines()
            if line.startswith("CONFIG_")]
    lost = [line for line in want if line not in have]
    if lost:
        raise kernel.Error(f"{FRAGMENT.name}: this source does not take {' '.join(lost)}")


def _make(tree, log, say):
    """Run make; a line now and then says how far it is."""
    command = ["nice", "-n", "10", "make", "-C", tree, f"-j{os.cpu_count()}", "vmlinux", "modules"]
    started = said = time.monotonic()
    compiled = 0
    with open(log, "w", encoding="utf-8") as out, \
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace") as make:
        for line in make.stdout:
            out.write(line)
            compiled += bool(re.match(r"  CC ", line))
            if time.monotonic() - said >= 60:
                said = time.monotonic()
                say(f"{compiled} files compiled in {(said - started) / 60:.0f} min")
    if make.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        raise kernel.Error("the debug kernel does not compile:\n" + "\n".join(tail))
    say(f"{compiled} files compiled in {(time.monotonic() - started) / 60:.1f} min")


def _stage(tree, root):
    """The image, the modules and what modules are built against."""
    subprocess.run(["make", "-s", "-C", tree, f"INSTALL_MOD_PATH={root}", "modules_install"],
                   check=True, stdout=subprocess.DEVNULL)
    for link in ("build", "source"):
        (root / "lib/modules" / release() / link).unlink(missing_ok=True)
    for name in KEEP:
        if (tree / name).exists():
            (root / "build" / name).parent.mkdir(parents=True, exist_ok=True)
            os.rename(tree / name, root / "build" / name)
    # last: it tells that the rest is there
    subprocess.run(["strip", "-o", root / "vmlinux", tree / "vmlinux"], check=True)


def build(say):
    """Make sure that it is in the cache; say() is told of progress.

    Returns its directory: vmlinux, lib/modules/VERSION and build.
    """
    target = directory()
    cache = kernel.cache_dir()
    # not the cache's own lock: guests of other kernels need not wait
    with open(cache / ".lock-debug", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if built():
            return target
        work = cache / "debug-build"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        say(f"unpacking {TARBALL.name} for {release()}")
        _unpack(work / "tree")
        _configure(work / "tree")
        say("compiling: a quarter of an hour on two cores, once")
        _make(work / "tree", cache / "debug-build.log", say)
        _stage(work / "tree", work / "root")
        shutil.rmtree(target, ignore_errors=True)
        os.rename(work / "root", target)
        shutil.rmtree(work)
    return target

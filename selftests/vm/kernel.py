# SPDX-License-Identifier: GPL-2.0
"""Kernels for the guests: Debian's own packages, unpacked, never installed."""

import ctypes
import fcntl
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

# short name: the meta package that names the version to use
SERIES = {
    "6.1": "linux-headers-cloud-amd64",
    "6.12": "linux-headers-6.12-cloud-amd64",
}
DEBUG = "debug"     # the one that debug_kernel.py builds


class Error(Exception):
    """Something the person at the keyboard can mend; the text says how."""


def cache_dir():
    path = os.environ.get("GWSYNC_CACHE") or os.path.expanduser("~/.cache/gwsync")
    os.makedirs(path, exist_ok=True)
    return pathlib.Path(path)


def version(series):
    """The kernel version a series stands for, e.g. 6.1.0-56-cloud-amd64.

    It is the one whose headers the module is built with: what the headers'
    meta package depends on.  A full version is returned as it is.
    """
    if series == DEBUG:
        import debug_kernel     # which needs this module itself
        return debug_kernel.release()
    if series not in SERIES:
        if re.fullmatch(r"\d+\.\d+\.\d+[-+.\w]*-amd64", series):
            return series
        raise Error(f"unknown kernel {series!r}: say {', '.join(SERIES)}, {DEBUG} "
                    "or a full version such as 6.1.0-56-cloud-amd64")
    meta = SERIES[series]
    for command in (["dpkg-query", "-W", "-f", "${Depends}", meta],
                    ["apt-cache", "depends", "--important", meta]):
        out = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"linux-headers-(\d\S*-amd64)", out.stdout)
        if found:
            return found.group(1)
    raise Error(f"package {meta} is unknown to apt: run 'make prepare'")


def _lz4_legacy(data):
    """The lz4 format of kernels: blocks of 8 MiB, each behind its length.

    liblz4 is apt's own dependency, the lz4 tool need not be there.
    """
    lz4 = ctypes.CDLL("liblz4.so.1")
    block = 8 << 20
    room = ctypes.create_string_buffer(block)
    out = bytearray()
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        got = lz4.LZ4_decompress_safe(data[at:at + length], room, length, block)
        if got < 0:
            raise Error("kernel image: bad lz4 block")
        out += room.raw[:got]
        at += length
    return bytes(out)


def _payload(image):
    """The ELF file inside a bzImage (Documentation/arch/x86/boot.rst)."""
    sectors = image[0x1f1] or 4
    if image[0x202:0x206] != b"HdrS":
        raise Error("not a bzImage")
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    data = image[start:start + length]
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        # the last four bytes are the size, not zstd's
        out = subprocess.run(["zstd", "-dc"], input=data[:-4],
                             capture_output=True, check=False)
        return out.stdout
    if data[:4] == b"\x02\x21\x4c\x18":
        return _lz4_legacy(data[4:-4])
    if data[:2] == b"\x1f\x8b":
        out = subprocess.run(["gzip", "-dc"], input=data[:-4],
                             capture_output=True, check=False)
        return out.stdout
    raise Error(f"kernel image is compressed by an unknown method ({data[:4].hex()})")


def fetch(series, say=lambda text: None):
    """Make sure a kernel is in the cache.

    Returns (version, directory); the directory holds vmlinux and
    lib/modules/<version> with depmod's files.
    """
    ver = version(series)
    cache = cache_dir()
    target = cache / f"kernel-{ver}"
    with open(cache / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (target / "vmlinux").exists():
            return ver, target
        if series == DEBUG:
            raise Error("the debug kernel is not built yet: selftests/vm/fetch debug")
        package = f"linux-image-{ver}"
        say(f"downloading {package}")
        with tempfile.TemporaryDirectory(dir=cache) as tmp:
            os.chmod(tmp, 0o755)
            out = subprocess.run(["apt-get", "download", "-q", package], cwd=tmp,
                                 capture_output=True, text=True, check=False)
            debs = list(pathlib.Path(tmp).glob("*.deb"))
            if out.returncode or len(debs) != 1:
                raise Error(f"apt-get download {package} failed "
                            f"({out.stderr.strip().splitlines()[-1:]}): "
                            "run 'make prepare', it updates apt's lists and the headers")
            root = pathlib.Path(tmp) / "root"
            subprocess.run(["dpkg-deb", "-x", debs[0], root], check=True)
            vmlinux = _payload((root / f"boot/vmlinuz-{ver}").read_bytes())
            if vmlinux[:4] != b"\x7fELF":
                raise Error(f"no ELF file inside {package}'s image")
            (root / "vmlinux.new").write_bytes(vmlinux)
            modules = root / "lib/modules" / ver
            if not modules.exists():
                modules = root / "usr/lib/modules" / ver
                (root / "lib/modules").mkdir(parents=True, exist_ok=True)
                shutil.move(modules, root / "lib/modules" / ver)
            subprocess.run(["/sbin/depmod", "-b", root, ver], check=True)
            os.rename(root / "vmlinux.new", root / "vmlinux")
            shutil.rmtree(target, ignore_errors=True)
            os.rename(root, target)
    return ver, target

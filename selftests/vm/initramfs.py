# SPDX-License-Identifier: GPL-2.0
"""A guest's root file system, made of this machine's installed packages."""

import fcntl
import functools
import hashlib
import json
import lzma
import os
import pathlib
import re
import shutil
import stat
import subprocess
import threading
import time

import kernel

HERE = pathlib.Path(__file__).resolve().parent

# Packages whose programs every guest has; the Makefile's prepare installs them.
PROGRAMS = """
    bash ip tc bridge ss nft conntrack conntrackd sysctl kmod ping tcpdump
    socat ps pgrep pkill unshare nsenter setpriv taskset flock timeout stdbuf
    sha256sum ethtool
""".split()
OPTIONAL = {"ethtool"}
KMOD_LINKS = "modprobe insmod rmmod lsmod modinfo depmod".split()

# Drivers and protocols a test may use, as paths below lib/modules/VERSION/kernel.
MODULES = re.compile(r"""
    net/(ipv4|ipv6|bridge)/netfilter/ | net/netfilter/(?!ipset|ipvs) |
    net/sched/ | net/(8021q|bridge|llc|802|sctp|dccp|psample)/ | net/core/failover |
    lib/ts_kmp\.ko |
    net/ipv4/(ip_gre|gre|ip_tunnel|udp_tunnel|tcp_diag|inet_diag|udp_diag|tunnel4|
        ah4|esp4|ipcomp|xfrm4_tunnel)\.ko |
    net/ipv6/(ip6_gre|ip6_tunnel|tunnel6|ip6_udp_tunnel|ah6|esp6)\.ko |
    net/xfrm/ | net/packet/af_packet_diag | net/netlink/netlink_diag |
    drivers/net/(veth|macvlan|macvtap|dummy|vrf|ifb|tun|tap|virtio_net|net_failover)\.ko |
    drivers/virtio/virtio(_mmio|_pci|_ring|)[._] | drivers/char/virtio_console
""", re.VERBOSE)

ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\n"
              "tcpdump:x:101:101::/nonexistent:/bin/false\n"
              "gwsync:x:102:102::/nonexistent:/bin/false\n"
              "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "group": "root:x:0:\ntcpdump:x:101:\ngwsync:x:102:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n"
                     "protocols: files\nservices: files\n",
}
HOST_FILES = ["/etc/protocols", "/etc/services", "/etc/ethertypes",
              "/etc/iproute2", "/usr/share/iproute2", "/usr/lib/locale/C.utf8"]


@functools.lru_cache(maxsize=None)
def find_program(name):
    for where in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        path = f"{where}/{name}"
        if os.path.exists(path):
            return path
    return None


def stamp(path):
    """What changes when a file changes."""
    info = os.stat(path)
    return [info.st_mtime_ns, info.st_size]


class Memory:
    """What was found out about files, kept until they change."""

    def __init__(self, name):
        self.path = kernel.cache_dir() / name
        try:
            self.known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.known = {}

    def get(self, path):
        when, what = self.known.get(path, (None, None))
        return what if when == stamp(path) else None

    def put(self, path, what):
        self.known[path] = (stamp(path), what)
        new = self.path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        new.write_text(json.dumps(self.known), encoding="utf-8")
        os.rename(new, self.path)


@functools.lru_cache(maxsize=None)
def libraries(path):
    """The shared libraries of an ELF file, as ldd finds them."""
    memory = Memory("libraries.json")
    found = memory.get(path)
    if found is None or not all(map(os.path.exists, found)):
        found = _ldd(path)
        memory.put(path, found)
    return found


def _ldd(path):
    out = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    if "not found" in out.stdout:
        missing = re.findall(r"(\S+) => not found", out.stdout)
        raise kernel.Error(f"{path} lacks its libraries {' '.join(missing)}")
    return re.findall(r"(?:=> )?(/\S+) \(0x", out.stdout)


def canonical(path):
    """/lib/x and /bin/x as the merged /usr has them."""
    path = os.path.normpath("/" + str(path).lstrip("/"))
    return re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", path)


class Archive:
    """A cpio archive in the kernel's initramfs format ("newc").

    without: paths that another archive of the same initramfs has.
    """

    def __init__(self, without=()):
        self.entries = {}
        self.sources = set()
        self.without = set(without)

    def add_dir(self, path, mode=0o755):
        path = canonical(path)
        if path in ("/", "") or path in self.entries:
            return
        self.add_dir(os.path.dirname(path))
        self.entries[path] = (stat.S_IFDIR | mode, b"")

    def add_data(self, path, data, mode=0o644):
        path = canonical(path)
        self.add_dir(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data)

    def add_link(self, path, target):
        path = os.path.normpath("/" + path.lstrip("/"))
        if os.path.dirname(path) != "/":
            path = canonical(path)
            self.add_dir(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def add_node(self, path, kind, major, minor):
        self.add_dir(os.path.dirname(path))
        self.entries[path] = (kind | 0o600, (major, minor))

    def add_file(self, source, path=None, mode=None):
        """A file with the libraries it needs, or a directory of such."""
        source = str(source)
        path = path or source
        if canonical(path) in self.without or canonical(path) in self.entries:
            return
        if os.path.isdir(source):
            self.add_dir(path)
            for name in sorted(os.listdir(source)):
                self.add_file(os.path.join(source, name), f"{path}/{name}")
            return
        real = os.path.realpath(source)
        try:
            data = pathlib.Path(real).read_bytes()
            mode = mode or stat.S_IMODE(os.stat(real).st_mode)
        except OSError as error:
            raise kernel.Error(f"{source}: {error.strerror}") from error
        self.sources.add(real)
        self.add_data(path, data, mode)
        if data[:4] == b"\x7fELF" and not path.endswith(".ko"):
            for lib in libraries(real):
                self.add_file(lib)

    def pack(self):
        out = bytearray()

        def put(name, mode, data, rdev=(0, 0)):
            raw = name.encode() + b"\0"
            fields = (len(put.seen) + 1, mode, 0, 0, 1, 0, len(data), 0, 0,
                      rdev[0], rdev[1], len(raw), 0)
            put.seen.append(name)
            out.extend(b"070701" + b"".join(b"%08X" % f for f in fields) + raw)
            out.extend(b"\0" * (-len(out) % 4))
            out.extend(data)
            out.extend(b"\0" * (-len(out) % 4))

        put.seen = []
        for path in sorted(self.entries):
            mode, data = self.entries[path]
            if isinstance(data, tuple):
                put(path[1:], mode, b"", data)
            else:
                put(path[1:], mode, data)
        put("TRAILER!!!", 0, b"")
        out.extend(b"\0" * (-len(out) % 512))
        return bytes(out)


def build_helper(name, *flags):
    """Compile one of the harness' own C files into the cache."""
    source = HERE / f"{name}.c"
    tag = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    target = kernel.cache_dir() / f"{name}-{tag}"
    if not target.exists():
        new = target.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        out = subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", new, source, *flags],
                             capture_output=True, text=True, check=False)
        if out.returncode:
            raise kernel.Error(f"{source.name} does not compile:\n{out.stderr}")
        os.rename(new, target)
    return target


def _module_files(tree):
    """The wanted modules and what they depend on."""
    deps = {}
    for line in (tree / "modules.dep").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        deps[name] = rest.split()
    wanted = set()
    for name in deps:
        if MODULES.match(name.removeprefix("kernel/")):
            wanted.add(name)
            wanted.update(deps[name])
    crypto = re.compile(r"kernel/(crypto|arch/x86/crypto|lib/crypto)/"
                        r"(crc32c|libcrc32c|seqiv|gcm|ghash|ctr|authenc|aesni|drbg|jitter)")
    wanted.update(name for name in deps if crypto.match(name))
    return sorted(wanted)


def _stage_modules(ver, where, stage):
    """Copy the selected modules, uncompressed, and index them."""
    tree = where / "lib/modules" / ver
    target = stage / "lib/modules" / ver
    for name in _module_files(tree):
        data = (tree / name).read_bytes()
        out = target / name.removesuffix(".xz")
        if name.endswith(".xz"):
            data = lzma.decompress(data)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(data)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (tree / name).exists():
            shutil.copy(tree / name, target / name)


def _base():
    """The part that is the same for every guest of this kernel."""
    archive = Archive()
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.add_dir(f"/usr/{name}")
        archive.add_link(f"/{name}", f"usr/{name}")
    for name in ("/proc", "/sys", "/dev", "/run", "/var/lib", "/var/log", "/var/lock",
                 "/root", "/etc", "/mnt"):
        archive.add_dir(name)
    archive.add_dir("/tmp", 0o1777)
    archive.add_link("/var/run", "/run")
    archive.add_node("/dev/console", stat.S_IFCHR, 5, 1)
    archive.add_node("/dev/null", stat.S_IFCHR, 1, 3)
    for name in PROGRAMS:
        path = find_program(name)
        if path:
            real = canonical(os.path.realpath(path))
            archive.add_file(real)
            if canonical(path) != real:
                archive.add_link(path, real)
        elif name not in OPTIONAL:
            raise kernel.Error(f"program {name!r} is not installed: run 'make prepare'")
    for name in KMOD_LINKS:
        archive.add_link(f"/usr/sbin/{name}", "../bin/kmod")
    for name in os.listdir("/usr/lib/x86_64-linux-gnu"):
        # ct_helper_ftp.so and the like, and stdbuf's
        if name == "conntrackd":
            archive.add_file(f"/usr/lib/x86_64-linux-gnu/{name}")
    stdbuf = "/usr/libexec/coreutils/libstdbuf.so"
    if os.path.exists(stdbuf):
        archive.add_file(stdbuf)
    busybox = find_program("busybox")
    if not busybox:
        raise kernel.Error("busybox is not installed: run 'make prepare'")
    archive.add_file(busybox, "/usr/bin/busybox")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    taken = {os.path.basename(path) for path in archive.entries}
    for name in applets.stdout.split():
        if name not in taken and name not in ("ip", "tc"):
            archive.add_link(f"/usr/bin/{name}", "busybox")
    for name, text in ETC.items():
        archive.add_data(f"/etc/{name}", text.encode())
    for path in HOST_FILES:
        if os.path.exists(path):
            archive.add_file(path)
    archive.add_file(build_helper("guestd"), "/usr/sbin/guestd", 0o755)
    archive.add_file(HERE / "init", "/init", 0o755)
    return archive


def _fresh(target, code):
    """What is known about a built base, None when it is out of date."""
    try:
        about = json.loads((target / "about.json").read_text(encoding="utf-8"))
        if about["code"] == code and \
                all(stamp(path) == old for path, old in about["sources"].items()):
            return about
    except (OSError, ValueError, KeyError):
        pass
    return None


def base(ver, where):
    """The archive that all guests of a kernel share, built when needed.

    Returns its path, the staged modules and the paths it has in the guest.
    """
    cache = kernel.cache_dir()
    # two trees share the cache, and each has an init of its own
    code = hashlib.sha256(pathlib.Path(__file__).read_bytes() + bytes(HERE)).hexdigest()
    with open(cache / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        target = about = None
        for old in cache.glob(f"root-{ver}-*"):
            if not target and (about := _fresh(old, code)):
                target = old
                os.utime(target)
            elif time.time() - old.stat().st_mtime > 3600:
                # another runner may still read a younger one
                shutil.rmtree(old, ignore_errors=True)
        if not target:
            archive = _base()
            target = cache / f"root-{ver}-{time.time_ns()}"
            new = cache / f"new-{os.getpid()}-{threading.get_ident()}"
            shutil.rmtree(new, ignore_errors=True)
            (new / "stage").mkdir(parents=True)
            _stage_modules(ver, where, new / "stage")
            modules = Archive()
            modules.add_file(new / "stage/lib/modules", "/lib/modules")
            (new / "base.cpio").write_bytes(archive.pack() + modules.pack())
            about = {"code": code, "entries": sorted(archive.entries),
                     "sources": {path: stamp(path) for path in sorted(archive.sources)}}
            (new / "about.json").write_text(json.dumps(about), encoding="utf-8")
            os.rename(new, target)
    return target / "base.cpio", target / "stage", about["entries"]


def build(series, out, files=(), modules=()):
    """Write the initramfs of a guest to the file `out`.

    files: (source, path in the guest or None) pairs, with their libraries.
    modules: .ko files to go below lib/modules/VERSION/updates, known to modprobe.
    Returns (kernel version, kernel's directory).
    """
    ver, where = kernel.fetch(series)
    cpio, stage, entries = base(ver, where)
    extra = Archive(entries)
    index = pathlib.Path(f"{out}.index")
    shutil.rmtree(index, ignore_errors=True)
    tree = index / "lib/modules" / ver
    subprocess.run(["cp", "-al", f"{stage}/.", index], check=True)
    (tree / "updates").mkdir()
    for path in modules:
        shutil.copy(path, tree / "updates")
    subprocess.run(["/sbin/depmod", "-b", index, ver], check=True)
    extra.add_file(tree / "updates", f"/lib/modules/{ver}/updates")
    for name in sorted(os.listdir(tree)):
        if name.startswith("modules."):
            extra.add_file(tree / name, f"/lib/modules/{ver}/{name}")
    shutil.rmtree(index)
    for source, path in files:
        extra.add_file(source, path or source)
    with open(out, "wb") as target:
        with open(cpio, "rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
        target.write(extra.pack())
    return ver, where

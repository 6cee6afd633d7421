# SPDX-License-Identifier: GPL-2.0
"""One guest: a QEMU process, a control channel into it and a verdict on it."""

import base64
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import initramfs
import kernel

QEMU = "qemu-system-x86_64"
HZ = 250        # of Debian's kernels
DEBUG_SLOWER = 3        # the debug kernel, with all its checks
DEBUG_MEMORY = 1024     # and what it needs, of which the half is for them

# A CPU for guests that count instructions: QEMU takes a byte of "rep movsb" or
# "rep stosb" for one, where a real CPU needs a few for a thousand. Without these
# features (erms, fsrm) the kernel moves words.
NO_STRING_MOVES = "max,-erms,-fsrm"
# A CPU for the others under TCG: a fifth level of page tables is a fifth step in each miss
# of its TLB, for nothing.
TCG_CPU = "max,-la57"
ICOUNT_KHZ = 1000000    # an instruction a nanosecond
FRAME = struct.Struct("<III")

# Lines that make a console bad whatever the tests said.
BAD_CONSOLE = re.compile(
    r"WARNING:|\bBUG:|\bBUG\b.*\bat |\bOops\b|KASAN|KCSAN|UBSAN|kernel panic|"
    r"general protection|Unable to handle|refcount_t|INFO: possible|"
    r"possible recursive locking|inconsistent lock state|suspicious RCU|"
    r"rcu.*(detected stall|self-detected|starved)|blocked for more than|soft lockup|hard LOCKUP|"
    r"unreferenced object|double free|use-after-free|sleeping function called|"
    r"scheduling while atomic|leaked|Call Trace:|bad page|list_(add|del) corruption|ODEBUG",
    re.IGNORECASE)

# Said by a stock kernel under TCG, about the machine and not about the module.
GOOD_CONSOLE = re.compile(
    r"unchecked MSR access|clocksource|TSC|spectre|MDS|mitigation|"
    r"KernelAddressSanitizer initialized|debug is enabled", re.IGNORECASE)

# 'O' (out of tree) and 'E' (unsigned) come with any module that is not Debian's.
EXPECTED_TAINT = (1 << 12) | (1 << 13)

VERDICT = r"""
if [ -d /sys/module/gwsync ]; then
	# A dump whose reader was killed is let go a grace period later, and holds the module.
	tries=50
	until said=$(rmmod gwsync 2>&1) || [ $((tries -= 1)) = 0 ]; do sleep 0.1; done
	if [ -d /sys/module/gwsync ]; then
		echo "bad: $said, refcnt $(cat /sys/module/gwsync/refcnt)"
		echo "bad: gwsync is still loaded"
		ps -N --ppid 2 -o pid,stat,args | busybox sed 's/^/bad: there is still /'
	fi
fi
if [ -w /sys/kernel/debug/kmemleak ]; then
	echo scan >/sys/kernel/debug/kmemleak || echo "bad: kmemleak has given up"
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	leaks=$(cat /sys/kernel/debug/kmemleak)
	[ "$leaks" ] && printf '%s\n' "$leaks" | busybox sed 's/^/bad: kmemleak: /'
fi
if [ -e /proc/lockdep_stats ]; then
	grep -q '^ debug_locks: *1$' /proc/lockdep_stats || echo "bad: lockdep has given up"
fi
echo "taint: $(cat /proc/sys/kernel/tainted)"
echo "dmesg:"
dmesg
echo "end of verdict"
"""

BUSY = r"""
echo "up $(cut -d' ' -f1 /proc/uptime) s, $(date)"
# not the kernel's own threads
ps -N --ppid 2 -o pid,ppid,stat,wchan:24,times,args --forest | cut -c1-150 | tail -n 60
for pid in $(ps -e -o pid,stat | busybox awk '$2 ~ /^D/ { print $1 }'); do
	echo "$pid waits in:"
	cat "/proc/$pid/stack"
done
"""


class Dead(kernel.Error):
    """The guest is gone: it lost power, or its kernel panicked."""


class Result:
    """What a command did: status as a shell has it, output and errors as text."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def __repr__(self):
        return f"Result(status={self.status}, out={self.out!r}, err={self.err!r})"


class Job:
    """A command that runs in a guest; see Guest.spawn()."""

    def __init__(self, guest, number, on_line=None):
        self.guest = guest
        self.number = number
        self.on_line = on_line
        self.out = bytearray()
        self.err = bytearray()
        self.status = None
        self.done = threading.Event()
        self._partial = b""

    def feed(self, kind, data):
        if kind == ord("o"):
            self.out += data
        elif kind == ord("e"):
            self.err += data
        if self.on_line and kind in (ord("o"), ord("e")):
            lines = (self._partial + data).split(b"\n")
            self._partial = lines.pop()
            for line in lines:
                self.on_line(line.decode(errors="replace"))
        if kind == ord("x"):
            self.finish(struct.unpack("<i", data)[0])

    def finish(self, status):
        if self.on_line and self._partial:
            self.on_line(self._partial.decode(errors="replace"))
            self._partial = b""
        self.status = status
        self.done.set()

    def write(self, data):
        """Give the job input; b"" ends it."""
        if isinstance(data, str):
            data = data.encode()
        for at in range(0, len(data), 1 << 16):
            self.guest.send(self.number, "i", data[at:at + (1 << 16)])
        if not data:
            self.guest.send(self.number, "i", b"")

    def kill(self):
        self.guest.send(self.number, "k", b"")

    def wait(self, timeout=None):
        """Wait for the end; raises TimeoutError, or Dead with the guest."""
        if not self.done.wait(timeout):
            raise TimeoutError(f"{self.guest.name}: no end after {timeout:.0f} s")
        if self.status is None:
            raise Dead(f"{self.guest.name} died")
        return Result(self.status, self.out.decode(errors="replace"),
                      self.err.decode(errors="replace"))


def _boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def tsc_khz():
    cached = kernel.cache_dir() / "tsc-khz"
    if cached.exists():
        boot, khz = cached.read_text(encoding="ascii").split()
        if boot == _boot_id():
            return khz
    khz = subprocess.run([initramfs.build_helper("tsckhz")], capture_output=True,
                         text=True, check=True).stdout.strip()
    cached.write_text(f"{_boot_id()} {khz}\n", encoding="ascii")
    return khz


def accel():
    """'kvm' if a guest really comes up with it, else 'tcg'.

    /dev/kvm may exist and hang a stock kernel, so one boot decides; the answer
    is kept until this machine boots again. GWSYNC_ACCEL overrides it.
    """
    forced = os.environ.get("GWSYNC_ACCEL")
    if forced:
        return forced
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    cached = kernel.cache_dir() / "accel"
    if cached.exists():
        boot, answer = cached.read_text(encoding="ascii").split()
        if boot == _boot_id():
            return answer
    answer = "tcg"
    with tempfile.TemporaryDirectory(prefix="gwsync-kvm-") as tmp:
        probe = Guest("probe", tmp, accelerator="kvm", memory=256)
        try:
            probe.start(timeout=15)
            if probe.run("echo yes", timeout=5).out == "yes\n":
                answer = "kvm"
        except (kernel.Error, TimeoutError, OSError):
            pass
        finally:
            probe.kill()
    cached.write_text(f"{_boot_id()} {answer}\n", encoding="ascii")
    return answer


def time_scale(series=None):
    """How many times longer than on real hardware a time-out should be.

    GWSYNC_TIME_SCALE overrides it, for a machine that has other things to do.
    """
    forced = os.environ.get("GWSYNC_TIME_SCALE")
    if forced:
        return int(forced)
    return (1 if accel() == "kvm" else 4) * (DEBUG_SLOWER if series == kernel.DEBUG else 1)


NICE = 5        # of patient guests


def give_way():
    """What comes of this process has a third of what others have, and the time that they leave.
    Where sessions share the processors alike (autogroup), its own session has to be nice."""
    os.setsid()
    os.nice(NICE)
    try:
        pathlib.Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")
    except OSError:
        pass        # a kernel without


class Guest:
    """A guest machine.

    name        its host name
    directory   where its console, sockets and initramfs go
    series      "6.1", "6.12", "debug" or a full version
    nics        list of (interface name, MAC, path of a unix stream socket)
    files       list of (source, path in the guest or None to keep the path)
    modules     .ko files for lib/modules/VERSION/updates
    append      more kernel command line
    icount      virtual time is the number of instructions, one a nanosecond,
                the same in every boot as long as nothing comes from outside;
                TCG, one CPU, no nics
    play        command (bash, no double quotes) that init runs before the guest
                answers; its output is in /run/play.log, lines that begin with
                "# " are on the console too
    patient     others come first: as with one whose clock counts instructions
    """

    def __init__(self, name, directory, series="6.1", memory=512, smp=1, nics=(),
                 files=(), modules=(), append="", accelerator=None, shell=False,
                 icount=False, play="", patient=False):
        self.name = name
        self.dir = pathlib.Path(directory)
        self.series = series
        self.memory = max(memory, DEBUG_MEMORY) if series == kernel.DEBUG else memory
        self.smp = smp
        self.nics = list(nics)
        self.files = list(files)
        self.modules = list(modules)
        self.append = append
        self.shell = shell
        self.accelerator = "tcg" if icount else accelerator
        self.icount = icount
        self.play = play
        self.patient = patient
        if icount and (self.nics or smp != 1):
            raise kernel.Error(f"{name}: instructions repeat with one CPU and no nics only")
        self.process = None
        self.boots = 0
        self._mismeasured = 0
        self._hung = False
        self._sock = None
        self._jobs = {}
        self._next = 1
        self._lock = threading.Lock()
        self._hello = None
        self._gone = False
        self.image = None

    # -- life ---------------------------------------------------------------

    def prepare(self):
        """Build the initramfs; start() does it when nobody did."""
        self.dir.mkdir(parents=True, exist_ok=True)
        cpio = self.dir / "initramfs.cpio"
        ver, where = initramfs.build(self.series, cpio, self.files, self.modules)
        self.image = (ver, where / "vmlinux", cpio)

    def _command(self):
        _, vmlinux, cpio = self.image
        if not self.accelerator:
            self.accelerator = accel()
        words = [f"guest={self.name}", "bus=virtio_mmio", "console=ttyS0", "loglevel=5",
                 "reboot=t", "panic=-1", "panic_on_warn=1", "oops=panic",
                 "no_timer_check", "rcupdate.rcu_expedited=1", "net.ifnames=0",
                 "printk.devkmsg=on", "mitigations=off", "audit=0"]
        if self.accelerator == "tcg":
            # TCG's counters are the host's, all in step, which the kernel
            # doubts; without them timers have the grain of a jiffy.
            khz = ICOUNT_KHZ if self.icount else tsc_khz()
            words += [f"tsc_early_khz={khz}", "tsc=reliable", f"lpj={int(khz) * 1000 // HZ}"]
            words.append("rcupdate.rcu_cpu_stall_timeout=120")
        if self.nics:
            words.append("nics=" + ",".join(f"{mac}={name}" for name, mac, _ in self.nics))
        if self.shell:
            words.append("shell=1")
        if self.play:
            words.append(f'play="{self.play}"')
        words.append(self.append)
        accelerator = [self.accelerator]
        cpu = "host" if self.accelerator == "kvm" else TCG_CPU
        if self.icount:
            cpu = NO_STRING_MOVES
            # nokaslr: addresses decide which cache lines and hash chains meet
            words.append("nokaslr")
            accelerator = ["tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", "42",
                           "-rtc", "base=2024-01-01T00:00:00,clock=vm"]
        elif self.accelerator == "tcg":
            # QEMU knows translated code by its address, too: of a program that is elsewhere
            # each time it starts nothing is found again, which doubled what a start costs.
            words.append("norandmaps")
        command = [QEMU, "-M", "microvm,rtc=on,pit=on,pic=on,isa-serial=on",
                   "-accel", *accelerator,
                   "-cpu", cpu,
                   "-m", str(self.memory), "-smp", str(self.smp),
                   "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-kernel", str(vmlinux), "-initrd", str(cpio),
                   "-append", " ".join(words),
                   "-serial", f"file:{self.dir}/console.log",
                   "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                   "-device", "virtio-serial-device,max_ports=4",
                   "-chardev", f"socket,id=control,path={self.dir}/control,server=on,wait=off",
                   "-device", "virtserialport,chardev=control,name=control,nr=1"]
        if self.shell:
            command += ["-chardev", "stdio,id=shell,signal=off",
                        "-device", "virtconsole,chardev=shell,nr=2"]
        for i, (_, mac, path) in enumerate(self.nics):
            command += ["-netdev", f"stream,id=n{i},server=off,addr.type=unix,addr.path={path}",
                        "-device", f"virtio-net-device,netdev=n{i},mac={mac}"]
        return command

    def start(self, timeout=None):
        """Boot and wait until the guest answers."""
        self.launch()
        self.wait_up(timeout)

    def snapshot(self, path, timeout=120):
        """Write the machine as it is now to a file; it hardly stops for that."""
        self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 30, "downtime-limit": 50})
        self.qmp("migrate", uri=f"exec:cat > {shlex.quote(str(path))}")
        deadline = time.monotonic() + timeout
        while True:
            status = self.qmp("query-migrate").get("status")
            if status == "completed":
                break
            if status in ("failed", "cancelled") or time.monotonic() > deadline:
                raise kernel.Error(f"{self.name}: no snapshot: {status}")
            time.sleep(0.02)
        self.qmp("cont")

    def restore(self, path, timeout=None):
        """Go on from a snapshot: memory, clocks and all are as they were then."""
        self.kill()
        self.launch(["-incoming", f"exec:cat {shlex.quote(str(path))}"])
        # a boot would be another machine
        self._hung = True
        self.wait_up(timeout)

    def another(self, state, image, timeout=None):
        """Go on from the snapshot of another guest of the same make, as this one: with its
        name, this machine's time and random numbers of its own."""
        self.dir.mkdir(parents=True, exist_ok=True)
        self.image = image
        self.restore(state, timeout)
        self.send(0, "e", os.urandom(64))
        self.run(f"busybox hostname {shlex.quote(self.name)}; "
                 f"date -u -s @{time.time():.0f} >/dev/null", check=True)

    def launch(self, more=()):
        """Boot; wait_up() waits for it. Several guests can boot side by side."""
        if self.process and self.process.poll() is None:
            raise kernel.Error(f"{self.name} runs already")
        if not shutil.which(QEMU):
            raise kernel.Error(f"{QEMU} is not installed: run 'make prepare'")
        if not self.image:
            self.prepare()
        console = self.dir / "console.log"
        if console.exists():
            console.rename(self.dir / f"console-{self.boots}.log")
        self.boots += 1
        control = self.dir / "control"
        control.unlink(missing_ok=True)
        self._jobs = {}
        self._hello = threading.Event()
        self._gone = False
        log = open(self.dir / "qemu.log", "ab")
        with log:
            self.process = subprocess.Popen(
                self._command() + list(more), stdin=None if self.shell else subprocess.DEVNULL,
                stdout=None if self.shell else log, stderr=log,
                preexec_fn=give_way if self.patient else None if self.shell else os.setpgrp)
        deadline = time.monotonic() + 10
        self._sock = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._sock.connect(_short(control))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise Dead(f"{self.name}: QEMU did not start: "
                               f"{self._tail('qemu.log')}") from None
                time.sleep(0.02)
        threading.Thread(target=self._reader, args=(self._sock, self._jobs, self._hello),
                         daemon=True).start()
        self.send(0, "p", b"")

    def wait_up(self, timeout=None, on_wait=None):
        """Wait until the guest answers; on_wait is called every second till then."""
        limit = timeout or 30 * (1 if self.accelerator == "kvm" else 4)
        deadline = time.monotonic() + limit
        while not self._hello.wait(max(0, min(1, deadline - time.monotonic()))) and \
                time.monotonic() < deadline:
            if on_wait:
                on_wait()
        if not self._hello.is_set() or self._sock is None or self._gone:
            alive = self.alive()
            # Nothing of what is tested runs yet: a kernel that hangs here does so for QEMU.
            if alive and not self.icount and not self._hung:
                self._hung = True
                self._boot_again(timeout, on_wait)
                return
            self.kill()
            raise Dead(f"{self.name} {'does not come up' if alive else 'died while it booted'} "
                       f"({self.accelerator}, {limit} s); the end of its console:\n"
                       f"{self._tail('console.log')}")
        # A busy host had the kernel measure its APIC's timer as too slow: without one, the
        # guest wakes late, or never.
        if "APIC frequency too slow" in self.console() and not self.icount and \
                self._mismeasured < 3:
            self._mismeasured += 1
            self._boot_again(timeout, on_wait)

    def _boot_again(self, timeout, on_wait):
        self.kill()
        self.launch()
        self.wait_up(timeout, on_wait)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def cpu_seconds(self):
        """CPU time that this machine took since it was launched."""
        try:
            stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        except (OSError, AttributeError):
            return 0
        words = stat.rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        """Power loss: SIGKILL to this guest's QEMU."""
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self._sock:
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._sock.close()
            self._sock = None

    def halt(self):
        """Stop the machine, its clocks as well; cont() lets it go on."""
        self.qmp("stop")

    def cont(self):
        self.qmp("cont")

    def pause(self):
        """Freeze the machine (SIGSTOP to QEMU): its clocks go on."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def qmp(self, command, **arguments):
        """One order to QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(_short(self.dir / "qmp"))
            with sock.makefile("rw") as stream:
                stream.readline()
                for order in ({"execute": "qmp_capabilities"},
                              {"execute": command, "arguments": arguments}):
                    stream.write(json.dumps(order) + "\n")
                    stream.flush()
                    answer = json.loads(stream.readline())
                    while "event" in answer:
                        answer = json.loads(stream.readline())
        if "error" in answer:
            raise kernel.Error(f"{self.name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    def set_link(self, nic, up):
        """Pull or plug the cable: the guest's carrier changes."""
        number = [name for name, _, _ in self.nics].index(nic)
        self.qmp("set_link", name=f"n{number}", up=up)

    def power_off(self, timeout=20):
        """Orderly end of a guest."""
        if self.alive():
            self.send(0, "q", b"")
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    # -- commands -------------------------------------------------------------

    def send(self, job, kind, data):
        try:
            with self._lock:
                if self._sock is None:
                    raise Dead(f"{self.name} is off")
                self._sock.sendall(FRAME.pack(job, ord(kind), len(data)) + data)
        except OSError:
            raise Dead(f"{self.name} died") from None

    def _reader(self, sock, jobs, hello):
        buf = b""
        while True:
            try:
                data = sock.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                break
            buf += data
            while len(buf) >= FRAME.size:
                number, kind, length = FRAME.unpack_from(buf)
                if len(buf) < FRAME.size + length:
                    break
                body = buf[FRAME.size:FRAME.size + length]
                buf = buf[FRAME.size + length:]
                if kind == ord("h"):
                    self._gone = False
                    hello.set()
                elif number in jobs:
                    jobs[number].feed(kind, body)
                    if kind == ord("x"):
                        del jobs[number]
        if sock is self._sock:
            self._gone = True
        hello.set()
        for job in list(jobs.values()):
            job.done.set()

    def spawn(self, command, on_line=None, stdin=None):
        """Start `command` (bash) in the guest; returns a Job at once."""
        with self._lock:
            job = Job(self, self._next, on_line)
            self._next += 1
            self._jobs[job.number] = job
        self.send(job.number, "r", command.encode())
        if stdin is None:
            job.write(b"")
        elif stdin is not True:
            job.write(stdin)
            job.write(b"")
        return job

    def run(self, command, timeout=60, check=False, on_line=None, stdin=None):
        """Run `command` (bash) in the guest and return its Result.

        check: raise kernel.Error unless it succeeds.
        """
        job = self.spawn(command, on_line, stdin)
        try:
            result = job.wait(timeout)
        except TimeoutError as error:
            job.kill()
            raise TimeoutError(f"{error}: {command.splitlines()[0][:80]}") from None
        if check and result.status:
            raise kernel.Error(f"{self.name}: exit status {result.status} of: {command}\n"
                               f"{result.out}{result.err}")
        return result

    def busy(self):
        """What runs in the guest, and where in the kernel it waits: lines for whoever
        has to find out why something does not end."""
        try:
            return self.run(BUSY, timeout=30 * time_scale(self.series)).out.splitlines()
        except (kernel.Error, TimeoutError) as error:
            lines = [f"it does not say what runs: {error}"]
        try:
            # where its processors are
            lines += [line for line in self.qmp("human-monitor-command", **{
                "command-line": "info registers -a"}).splitlines()
                      if line.startswith(("CPU#", "RIP"))]
        except (kernel.Error, OSError, ValueError) as error:
            lines.append(f"nor does QEMU: {error}")
        return lines

    def emulated_wrongly(self):
        """Did QEMU run code that the kernel had replaced? The kernel puts a breakpoint
        where it changes its own code (text_poke_bp()), and takes it away when all CPUs
        have seen the new one. With several threads TCG may still have the breakpoint
        translated: a trap that nobody expects, where none is any more."""
        return self.accelerator == "tcg" and "Oops: int3" in self.console()

    def put(self, source, path, mode=None):
        """Copy a file of the host (its bytes only) into the running guest."""
        data = pathlib.Path(source).read_bytes() if not isinstance(source, bytes) else source
        quoted = shlex.quote(str(path))
        self.run(f"mkdir -p $(dirname {quoted}) && cat >{quoted}"
                 + (f" && chmod {mode:o} {quoted}" if mode else ""),
                 stdin=data, check=True)

    def get(self, path):
        """Bytes of a file in the guest."""
        out = self.run(f"base64 {shlex.quote(str(path))}", check=True).out
        return base64.b64decode(out)

    # -- verdict ----------------------------------------------------------------

    def _tail(self, name, lines=25):
        try:
            text = (self.dir / name).read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def verdict(self, timeout=None):
        """Unload the module, look for leaks, taint and bad console lines.

        Call it last: it unloads gwsync. Returns a list of complaints, empty
        when the kernel is well. A dead guest is a complaint.
        """
        bad = []
        try:
            out = self.run(VERDICT, timeout=timeout or max(120, 30 * time_scale(self.series))).out
        except (kernel.Error, TimeoutError) as error:
            out = ""
            bad.append(f"no verdict: {error}")
        head, _, dmesg = out.partition("dmesg:\n")
        if out and not out.endswith("end of verdict\n"):
            bad.append("verdict is incomplete")
        for line in head.splitlines():
            if line.startswith("bad: "):
                bad.append(line[5:])
            if line.startswith("taint: "):
                taint = int(line[7:]) & ~EXPECTED_TAINT
                if taint:
                    bad.append(f"kernel is tainted: {taint:#x}")
        (self.dir / "dmesg.log").write_text(dmesg)
        seen = set()
        for text in (self.console(), dmesg):
            for line in text.splitlines():
                plain = re.sub(r"^\[ *[\d.]+\]\s*", "", line.strip())
                if BAD_CONSOLE.search(plain) and not GOOD_CONSOLE.search(plain) \
                        and plain not in seen:
                    seen.add(plain)
                    bad.append(f"console: {plain}")
        return bad

    def console(self):
        """What this boot's kernel printed so far."""
        try:
            return (self.dir / "console.log").read_text(errors="replace")
        except OSError:
            return ""


def _short(path):
    """A unix socket's path must fit 108 bytes."""
    relative = os.path.relpath(path)
    return min((str(path), relative), key=len)

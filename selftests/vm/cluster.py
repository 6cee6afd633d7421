# SPDX-License-Identifier: GPL-2.0
"""Several guests on LANs.

    import cluster

    with cluster.Cluster("/tmp/demo", kernel="6.1") as c:
        gw1 = c.add("gw1", lans=["lan", "wan", "sync"])
        gw2 = c.add("gw2", lans=["lan", "wan", "sync"])
        host = c.add("host", lans=["lan", "wan"], files=[("build/traffic", "/usr/bin/traffic")])
        c.start()                        # all boot side by side; ~5 s under TCG
        gw1.run("ip addr add 10.0.0.1/24 dev lan && ip link set lan up", check=True)
        job = host.spawn("traffic ...", on_line=print)  # runs beside; output as it comes
        gw1.kill()                       # power loss
        gw1.start()                      # power is back: a fresh boot, same MACs
        result = job.wait(60)            # .status .out .err
        complaints = c.verdict()         # last: unloads gwsync in every guest

Interfaces are named after their LANs and down at boot. Each LAN is a learning
switch (lanswitch.c). See Guest in guest.py for run, spawn, put, get, kill,
start, pause, resume, halt, cont, snapshot, restore, set_link, console, verdict.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import guest
import initramfs
import kernel
import project
from guest import Dead, Result, accel, time_scale  # noqa: F401 (for users)
from kernel import Error  # noqa: F401


class Cluster:
    """Guests and the switches between them.

    directory   for consoles, sockets and images; None: a temporary one
    kernel      "6.1", "6.12" or a full version, for guests that name none
    """

    def __init__(self, directory=None, kernel="6.1"):
        self._temporary = directory is None
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="gwsync-vm-"))
        self.dir.mkdir(parents=True, exist_ok=True)
        # A unix socket's path must be short, whatever the directory is.
        self._sockets = pathlib.Path(tempfile.mkdtemp(prefix="gwsync-lan-"))
        self.series = kernel
        self.guests = {}
        self._ports = {}
        self._switch = None
        self._images = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, name, lans=(), memory=384, smp=1, files=(), modules=None, append="",
            kernel=None):
        """Describe a guest; start() boots it. Returns the Guest.

        lans: names of the LANs it has an interface on, in order.
        files: more (source, path in the guest or None) pairs; gwsyncd, gwsync
        and the module for the guest's kernel are there anyway once built.
        """
        if self._switch:
            raise Error("add all guests before start()")
        if name in self.guests:
            raise Error(f"two guests called {name}")
        series = kernel or self.series
        if modules is None:
            modules = [m for m in [project.module(series)] if m]
        nics = []
        for i, lan in enumerate(lans):
            if len(lan) > 15 or "." in lan or "=" in lan:
                raise Error(f"{lan!r} cannot name an interface")
            mac = f"52:54:00:67:{len(self.guests) + 1:02x}:{i + 1:02x}"
            port = f"{lan}.{name}"
            self._ports[port] = self._sockets / port
            nics.append((lan, mac, self._ports[port]))
        machine = guest.Guest(name, self.dir / name, series, memory, smp, nics,
                              project.agent_files() + list(files), modules, append)
        self.guests[name] = machine
        return machine

    def start(self, timeout=None):
        """Start the switches and boot every guest; wait until all answer."""
        self.start_switch()
        for machine in self.guests.values():
            self._prepare(machine)
        for machine in self.guests.values():
            machine.launch()
        for machine in self.guests.values():
            machine.wait_up(timeout)

    def start_switch(self):
        """The switches alone, for guests that boot one by one with Guest.start()."""
        self._switch = subprocess.Popen(
            [initramfs.build_helper("lanswitch")]
            + [f"{port}={path}" for port, path in self._ports.items()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=os.setpgrp)
        if self._switch.stdout.readline() != "ok\n":
            raise Error("lanswitch did not start")

    def _prepare(self, machine):
        """Guests with the same contents share one image."""
        key = (machine.series, tuple(map(tuple, machine.files)), tuple(machine.modules))
        if key not in self._images:
            machine.prepare()
            self._images[key] = machine.image
        else:
            machine.dir.mkdir(parents=True, exist_ok=True)
            machine.image = self._images[key]

    def _order(self, *words):
        self._switch.stdin.write(" ".join(map(str, words)) + "\n")
        self._switch.stdin.flush()
        lines = []
        while True:
            line = self._switch.stdout.readline()
            if line == "ok\n":
                return lines
            if line in ("error\n", ""):
                raise Error(f"lanswitch refused: {' '.join(map(str, words))}")
            lines.append(line.split())

    def cut(self, name, lan):
        """Frames to and from this port vanish; the guest's carrier stays up."""
        self._order("down", f"{lan}.{name}")

    def mend(self, name, lan):
        self._order("up", f"{lan}.{name}")

    def block(self, name, other, lan):
        """The two do not hear each other on this LAN, everyone else does."""
        self._order("block", f"{lan}.{name}", f"{lan}.{other}")

    def unblock(self, name, other, lan):
        self._order("pass", f"{lan}.{name}", f"{lan}.{other}")

    def loss(self, name, lan, permille):
        """Lose this part of the frames on their way to the guest."""
        self._order("loss", f"{lan}.{name}", permille)

    def stats(self):
        """{port: (frames received from it, sent to it, dropped)}"""
        return {port: tuple(map(int, rest)) for port, *rest in self._order("stats")}

    def verdict(self):
        """Complaints about every running guest's kernel, [] when all are well."""
        return [f"{name}: {text}" for name, machine in self.guests.items()
                if machine.alive() for text in machine.verdict()]

    def close(self):
        """Power off everything at once."""
        for machine in self.guests.values():
            machine.kill()
        if self._switch:
            self._switch.stdin.close()
            try:
                self._switch.wait(5)
            except subprocess.TimeoutExpired:
                self._switch.kill()
                self._switch.wait()
            self._switch.stdout.close()
            self._switch = None
        shutil.rmtree(self._sockets, ignore_errors=True)
        if self._temporary:
            shutil.rmtree(self.dir, ignore_errors=True)

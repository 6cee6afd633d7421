# SPDX-License-Identifier: GPL-2.0
"""The two gateways: their configuration, their daemon, their status."""

import json
import pathlib
import re
import time

import cluster

HERE = pathlib.Path(__file__).resolve().parent
# What a daemon says when the host has let its guest wait for too long.
STOOD_STILL = re.compile("this owner was away|this machine stood still|"
                         "another member was owner for a while")
CONFIG = """\
# {name} of the demo; the two files differ in group.member and priority
group = {{
	id = 1;
	member = {number};
	priority = {priority};
	dead_after = {dead_after};
}};

members = (
	{{ id = 1; name = "gw1"; }},
	{{ id = 2; name = "gw2"; }}
);

key_file = "/etc/gwsync/group.key";

links = (
	{{ interface = "sync"; }}
);

virtual_routers = (
	{{
		name = "lan"; interface = "lan"; macvlan = "lan-v"; vrid = 1;
		addresses = ( "10.1.0.1/24", "fd00:1::1/64" );
	}},
	{{
		name = "wan"; interface = "wan"; macvlan = "wan-v"; vrid = 2;
		addresses = ( "192.0.2.1/24", "fd00:2::1/64" );
	}}
);

daemon = {{
	sync_state = {state};
}};
"""


def files(directory, with_state):
    """Write what the gateways need; returns (source, path in the guest) pairs."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    # Under TCG the host lets a guest wait for longer than the default of three.
    dead_after = 3 if cluster.accel() == "kvm" else 5
    found = [(HERE / "gateway", "/demo/gateway"), (HERE / "firewall.nft", "/demo/firewall.nft")]
    for number in (1, 2):
        name = f"gw{number}"
        path = directory / f"{name}.conf"
        path.write_text(CONFIG.format(name=name, number=number, priority=200 - 50 * number,
                                      state="true" if with_state else "false",
                                      dead_after=dead_after))
        found.append((path, f"/etc/gwsync/{name}.conf"))
    return found


class Gateway:
    """A gateway of the cluster; it forgets everything when it loses power."""

    def __init__(self, guest, number, key):
        self.guest = guest
        self.name = guest.name
        self.number = number
        self.key = key
        self.daemon = None
        (guest.dir / "gwsyncd.log").unlink(missing_ok=True)

    def set_up(self):
        """Addresses, firewall, configuration; before start()."""
        self.guest.run(f"/demo/gateway {self.number}", timeout=60, check=True)
        self.guest.run("umask 077; cat >/etc/gwsync/group.key", stdin=self.key, check=True)
        self.guest.run(f"mv /etc/gwsync/{self.name}.conf /etc/gwsync/gwsync.conf && "
                       "gwsync config check /etc/gwsync/gwsync.conf", check=True)

    def start(self, with_state):
        if with_state:
            self.guest.run("modprobe gwsync", check=True)
        self.daemon = self.guest.spawn("exec gwsyncd", on_line=self._log)

    def _log(self, line):
        with open(self.guest.dir / "gwsyncd.log", "a", encoding="utf-8") as log:
            log.write(f"{time.time():.3f} {line}\n")

    def stood_still(self):
        """Whether its daemon, or that of the other, has said that this machine did."""
        log = self.guest.dir / "gwsyncd.log"
        return log.exists() and bool(STOOD_STILL.search(log.read_text(encoding="utf-8")))

    def status(self):
        """The daemon's status as a dict; None while it does not answer."""
        if self.daemon and self.daemon.done.is_set():
            raise cluster.Error(f"{self.name}: gwsyncd ended: "
                                f"{self.daemon.err.decode(errors='replace')[-2000:]}")
        result = self.guest.run("gwsync status --json", timeout=20)
        # 1 and 2 are answers as well: no redundancy yet, no owner yet
        if result.status > 2:
            return None
        return json.loads(result.out)

    def status_text(self):
        return self.guest.run("gwsync status", timeout=20).out.rstrip("\n")

    def is_owner(self):
        status = self.status()
        return bool(status) and status["state"].lower() == "owner"

    def in_sync(self):
        """True when this gateway is a backup that holds all the owner has."""
        status = self.status()
        return bool(status) and status["state"].lower() == "backup" and status["in_sync"] is True

    def neighbours(self):
        """How many neighbours of the owner's it has; 0 without such a table."""
        tables = (self.status() or {}).get("tables", [])
        return next((table.get("replicas", 0) for table in tables
                     if table["name"] == "neighbours"), 0)

    def solicited(self):
        """How often it has asked a LAN for a host of the ends, since it was set up."""
        out = self.guest.run("nft -j list counter netdev asked solicited", check=True).out
        return next(item["counter"]["packets"] for item in json.loads(out)["nftables"]
                    if "counter" in item)

    def hand_over(self, to, force):
        """A planned switchover; self is the owner."""
        force = " --force" if force else ""
        return self.guest.run(f"gwsync switchover --to {to.name}{force}", timeout=30, check=True)

    def lose_power(self):
        """kill -9 of the QEMU; returns the pid it had."""
        pid = self.guest.process.pid
        self.guest.kill()
        self.daemon = None
        return pid


def make_key(guest):
    """A key as 'gwsync key generate' makes it."""
    guest.run("mkdir -p /run/key && gwsync key generate /run/key/group.key", check=True)
    key = guest.get("/run/key/group.key")
    guest.run("rm -r /run/key", check=True)
    return key

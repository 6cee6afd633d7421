# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What one file leaves for another is used there; arguments may be left out.
# shellcheck disable=SC2034,SC2119,SC2120
# The table of neighbours: no flow, but hosts of a LAN that gwA's kernel learns of.

# neigh_commands COUNT: for ip -batch; half of them by IPv6
neigh_commands() {
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++) {
			k = int(i / 2)
			if (i % 2)
				addr = sprintf("fd00:1::%x:%x", 1 + int(k / 65536), k % 65536)
			else
				addr = sprintf("10.1.%d.%d", 4 + int(k / 256), k % 256)
			printf("neigh replace %s lladdr 02:00:00:%02x:%02x:%02x dev n1 nud reachable\n",
			       addr, int(i / 65536), int(i / 256) % 256, i % 256)
		}
	}'
}
# neigh_held SIDE: entries that its daemon has of them
neigh_held() { gwsync_ask "$1" neighbours --json | grep -c '"mac": "02:00:00:'; }
neigh_all() { [ "$(neigh_held b)" -ge "$FLOWS" ]; }

neigh_none() { [ "$(neigh_held b)" = 0 ]; }

# neigh_warm: for warm; what the owner's kernel forgets goes some seconds later
neigh_warm() {
	neigh_commands 500 > $RUN/neighbours
	ip -n gwA -batch $RUN/neighbours || fail "neighbours are refused"
	settle_once
	ip -n gwA neigh flush dev n1 nud all
	[ "$SYSTEM" = none ] || until_ok 60 neigh_none || fail "neighbours stay"
	settle_once
}

# neigh_join NAME: a backup that joins with an empty kernel, between snapshots NAME0 and NAME1
neigh_join() {
	system_lose b
	ip -n gwB neigh flush dev n1 nud all
	settle_once
	SETTLED_CPU=0
	snap "$1"0
	system_start b && system_ready b 60 || fail "backup does not start"
	settled_snap "$1"1
	JOINED[$1]=$(($(diff cpu "$1"0 "$1"1) - SETTLED_CPU))
}

workload_neighbours() {
	local gw key
	local -A JOINED=()

	# Of an interface of a virtual router, and of no other.
	VROUTERS='{ name = "lan"; interface = "n1"; vrid = 1; addresses = ( "10.1.255.254/32" ); }'
	# The tables of neighbours are of all namespaces together.
	sysctl -qw net.ipv4.neigh.default.gc_thresh3=262144 net.ipv4.neigh.default.gc_thresh2=262144 \
		net.ipv4.neigh.default.gc_thresh1=262144 net.ipv6.neigh.default.gc_thresh3=262144 \
		net.ipv6.neigh.default.gc_thresh2=262144 net.ipv6.neigh.default.gc_thresh1=262144
	for gw in gwA gwB; do
		ip netns exec $gw sysctl -qw net.ipv6.conf.n1.disable_ipv6=0
		# reachable until it is over
		ip netns exec $gw sysctl -qw net.ipv4.neigh.n1.base_reachable_time_ms=3600000 \
			net.ipv6.neigh.n1.base_reachable_time_ms=3600000
	done
	warm() { neigh_warm; }
	both_up
	[ "$SYSTEM" = none ] || neigh_join empty
	neigh_commands "$FLOWS" > $RUN/neighbours
	SETTLED_CPU=0
	snap t0
	ip -n gwA -batch $RUN/neighbours || fail "neighbours are refused"
	settled_snap t1
	costs t0 t1
	if [ "$SYSTEM" = gwsync ]; then
		until_ok 60 neigh_all || fail "the backup has $(neigh_held b), gwA $(neigh_held a)"
		settle_once
		neigh_join full
		until_ok 60 neigh_all || fail "the backup has $(neigh_held b) after a full sync"
		result sync_wire_bytes $(($(wire full0 full1 bytes) - $(wire empty0 empty1 bytes)))
		result sync_ns $((JOINED[full] - JOINED[empty]))
		for key in a b; do
			result sync_${key}_ns $(($(diff exec.$key full0 full1) -
				$(diff exec.$key empty0 empty1)))
		done
	fi
	for gw in gwA gwB; do
		ip -n $gw neigh flush dev n1 nud all
		ip netns exec $gw sysctl -qw net.ipv6.conf.n1.disable_ipv6=1
	done
	ends_known
}

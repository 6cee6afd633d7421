#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The one notifier slot is shared with ctnetlink: conntrack -E sees its events
# before, during and after; ctnetlink may go and come in any order.
. "$(dirname "$0")/lib.sh"

setup_net
strict "$A"
strict "$B"
spawn udps "$S" peer udp-serve 7000
check "server listens" wait_for 5 said udps ready
N=0

# traffic: one new UDP flow through A, from a port of its own
traffic() {
	N=$((N + 1))
	echo x | in_ns "$C" socat -T 1 - "UDP:10.2.0.2:7000,bind=10.1.0.2:$((20000 + N))" > /dev/null
}
listen() {
	spawn "events$1" "$A" conntrack -E -p udp
	# it listens once an event arrives: try until then
	check "$2: conntrack -E listens" wait_for 5 heard "$1"
}
heard() {
	traffic
	said "events$1" "sport=$((20000 + N)) "
}
b_has_last() { gwctl -n "$B" dump | grep -q ",$((20000 + N))>"; }

listen 1 "module alone"
check "relay attaches to both" relay_start || finish
check "attached: ctnetlink sees a new flow" wait_for 3 heard 1
check "attached: B has it" wait_for 3 b_has_last
check "events seen" stat_least "$A" events 1
relay_stop
check "detached: ctnetlink sees a new flow" wait_for 3 heard 1
sent=$(stat "$A" records_sent)
traffic
check "detached: nothing is emitted" eq "$(stat "$A" records_sent)" "$sent"
kill "$SPAWNED"; wait "$SPAWNED" 2> /dev/null
check "attached again" relay_start 10 || finish
check "full sync" relay_cmd sync

# ctnetlink goes and comes back while we are attached.
for round in 1 2 3; do
	check "round $round: ctnetlink unloads while attached" modprobe -r nf_conntrack_netlink
	traffic
	check "round $round: without ctnetlink B has a new flow" wait_for 3 b_has_last
	check "round $round: ctnetlink loads while attached" modprobe nf_conntrack_netlink
	traffic
	check "round $round: with it B has a new flow" wait_for 3 b_has_last
	listen "r$round" "round $round"
	check "round $round: B has what ctnetlink saw" wait_for 3 b_has_last
	kill "$SPAWNED"; wait "$SPAWNED" 2> /dev/null
done
check "gaps are counted" stat_least "$A" notifier_gaps 3
check "and nothing was lost in them" ctcompare -w $((5 * SCALE)) -k "$A" "$B"

# A rule that keeps the end of a flow from listeners keeps it from us: it is looked for.
in_ns "$A" nft -f - <<- END || bail "no nft"
	table inet mute {
		chain forward {
			type filter hook forward priority -1;
			udp dport 7000 ct event set new
		}
	}
END
traffic
check "an end without event: B has the flow" wait_for 3 b_has_last
mute() { ge "$(gwctl -n "$A" get mute)" 1; }
check "an end without event: the status says so" wait_for 8 mute
# It is in no digest, so nobody sees that B's is gone: it is sent again and again.
in_ns "$B" conntrack -D -p udp --orig-port-src $((20000 + N)) > /dev/null 2>&1
b_has_it_no_more() { ! b_has_last; }
check "an end without event: gone from B" b_has_it_no_more
check "an end without event: B has it again" wait_for 8 b_has_last
in_ns "$A" conntrack -D -p udp --orig-port-src $((20000 + N)) > /dev/null 2>&1
check "an end without event: is noticed" wait_for 8 b_has_it_no_more
in_ns "$A" nft delete table inet mute

# New flows all the time while ctnetlink goes and comes.
stress() {
	for _ in $(seq 12); do
		in_ns "$C" peer udp 10.2.0.2 7000 20 < /dev/null > /dev/null 2>&1
	done
}
stress &
STRESS=$!
PIDS+=("$STRESS")
for _ in 1 2 3 4 5; do
	modprobe -r nf_conntrack_netlink
	modprobe nf_conntrack_netlink
done
wait "$STRESS"
check "under traffic: B has all flows of A" ctcompare -w $((5 * SCALE)) -k -m 100 "$A" "$B"

# ctnetlink goes while it is we who came second, and we go while it came second.
relay_stop
check "gwsync unloads" modprobe -r gwsync
listen u "gwsync unloaded"
kill "$SPAWNED"; wait "$SPAWNED" 2> /dev/null
check "ctnetlink unloads" modprobe -r nf_conntrack_netlink
check "gwsync loads first" modprobe gwsync
check "attach without ctnetlink" relay_start || finish
traffic
check "without ctnetlink B has a new flow" wait_for 3 b_has_last
check "ctnetlink loads second" modprobe nf_conntrack_netlink
traffic
check "with it B has a new flow" wait_for 3 b_has_last
listen s "ctnetlink second"
check "B has what ctnetlink saw" wait_for 3 b_has_last
relay_stop
check "detached: ctnetlink sees a new flow" wait_for 3 heard s
check "gwsync unloads first" modprobe -r gwsync
check "ctnetlink sees a new flow" wait_for 3 heard s
finish

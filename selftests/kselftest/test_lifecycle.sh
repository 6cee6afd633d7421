#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module without agent; attach, detach, rmmod and the end of a netns under
# traffic; the agent killed, stopped for 10 s, started again.
. "$(dirname "$0")/lib.sh"

setup_net
strict "$A"
strict "$B"
spawn udps "$S" peer udp-serve 7000
spawn tcps "$S" peer serve 7000
check "servers listen" wait_for 5 said udps ready
same() { ctcompare -w $((10 * SCALE)) -k "$@" "$A" "$B"; }

events_mode() { in_ns "$A" sysctl -n net.netfilter.nf_conntrack_events; }

# Without agent: nothing is captured, traffic passes.
spawn_fed idle "$C" peer echo 10.2.0.2 7000 20
check "module without agent: connections pass" wait_for 5 said idle ready
check "module without agent: no events" eq "$(stat "$A" events)" 0
check "module without agent: nf_conntrack_events untouched" \
	eq "$(events_mode)" 2

# Traffic all the time: short UDP flows through A.
( while :; do
	in_ns "$C" peer udp 10.2.0.2 7000 8 < /dev/null
	in_ns "$A" conntrack -D -p udp
done ) > /dev/null 2>&1 &
TRAFFIC=$!

rounds() {
	local i

	for i in $(seq 10); do
		relay_start $((i * 10)) || return 1
		relay_cmd drain 50
		relay_stop
	done
}
check "attach and detach under traffic, 10 times" rounds
check "detached: nf_conntrack_events as found" eq "$(events_mode)" 2

check "relay attaches" relay_start 200 || finish
check "attached: nf_conntrack_events is 1" \
	eq "$(events_mode)" 1
check "a second agent is refused" shows "error EBUSY ." \
	gwctl -n "$A" attach 3 300
check "full sync" relay_cmd sync
check "rmmod while attached, under traffic" modprobe -r gwsync
relay_stop
check "traffic goes on without the module" in_ns "$C" ping -c 1 -W $((5 * SCALE)) 10.2.0.2
feed idle
check "so do connections" wait_for 5 said idle "alive 20 of 20"
check "module loads again" modprobe gwsync
in_ns "$B" conntrack -F > /dev/null 2>&1
check "relay attaches" relay_start 300 || finish
check "full sync" relay_cmd sync
check "flows older than the module are in B" \
	wait_for 5 shows "proto=6 .* owner=1 flags=replica" gwctl -n "$B" dump

# Killed: the close of its socket detaches.
kill -9 "$RELAY_PID"
relay_stop
attach_again() { gwctl -n "$A" attach 1 400; }
check "agent killed: another one may attach" wait_for 3 attach_again
check "agent killed: replicas stay" ge "$(gwctl -n "$B" get replicas)" 1
check "agent starts again" relay_start 500 || finish
check "full sync after restart" relay_cmd sync
# The subshell and then what it runs: nothing may be in the way of comparing.
kill "$TRAFFIC"; wait "$TRAFFIC" 2> /dev/null
sleep 1
check "agent restarted: compare" same

# Stopped for 10 s while thousands of flows come, change and go.
kill -STOP "$RELAY_PID"
F="src=10.1.0.2 dst=10.2.0.2 proto=17 timeout=600"
started=$SECONDS
ctmake "$A" create count=6000 $F dport=53 sport=1000
ctmake "$A" create count=2000 $F dport=54 sport=1000
in_ns "$A" conntrack -D -p udp --dport 54 > /dev/null 2>&1
ctmake "$A" update count=6000 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 mark=7
ctmake "$A" create count=6000 $F dport=55 sport=1000
while [ $((SECONDS - started)) -lt 10 ]; do
	sleep 0.5
done
kill -CONT "$RELAY_PID"
check "stopped 10 s: nothing is missing, nothing different" \
	ctcompare -w $((20 * SCALE)) -k -m 12000 "$A" "$B"
check "stopped 10 s: the socket was full" stat_least "$A" congested 1
check "stopped 10 s: the ring overran" stat_least "$A" ring_overrun 1

# A netns that ends with its agent attached, replicas, own flows, under load.
doomed() {
	local x=gwX-$TAG y=gwY-$TAG load i

	for i in 1 2 3; do
		add_ns "$x" "$y"
		A=$x B=$y
		relay_start || return 1
		ctmake "$x" create count=500 $F dport=53 sport=1000
		( while ctmake "$x" create count=50 $F dport=60 sport=1000; do
			in_ns "$x" conntrack -D -p udp --dport 60
		done ) > /dev/null 2>&1 &
		load=$!
		relay_cmd drain 50 || return 1
		ip netns del "$x"
		ip netns del "$y"
		relay_stop
		kill "$load" 2> /dev/null
		wait "$load" 2> /dev/null
	done
	return 0
}
relay_stop
SAVED_A=$A SAVED_B=$B
check "netns deleted under load, 3 times" doomed
A=$SAVED_A B=$SAVED_B
feed idle
check "connections still live" wait_for 5 said_times idle "alive 20 of 20" 2
check "module unloads with replicas in the table" modprobe -r gwsync
finish

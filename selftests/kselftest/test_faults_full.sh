#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A backup that has room for fewer flows than the owner has: refused, counted,
# shown, and made good once there is room.  nf_conntrack_max is one for all
# netns, but asked for only when a flow is made: the owner's are there before
# it shrinks.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

MANY=3000 ROOM=2000
faults_net "$A" "$B"
most() { sysctl -qw net.netfilter.nf_conntrack_max="$1"; }
agent_start "$A"
check "alone: owner" wait_for 10 field_is "$A" state owner || finish

# assured NETNS DPORT COUNT: flows that are never dropped for others
assured() {
	ctmake "$1" create "count=$3" src=10.1.0.9 dst=10.2.0.9 proto=17 timeout=600 \
		"dport=$2" sport=1000 status=0x0e
}
refused() { counter "$B" kernel refused_full; }
counter_of_kernel() { stat "$B" refused_full; }
problem() { ask "$B" status --json | grep -q '[0-9]* records refused'; }
# Neither is a plain "in sync".
in_words() { shows "but for the records that were refused\|NOT in sync" ask "$B" status; }
# less NAME: B has no room for all and says so
less() {
	check "$1: refused, counted" wait_for 10 ge_refused $((WAS + 1))
	check "$1: a problem in the JSON" wait_for 5 problem
	check "$1: in words" wait_for 5 in_words
	check "$1: the replicas are no more than there is room" \
		ge $ROOM "$(in_ns "$B" sysctl -n net.netfilter.nf_conntrack_count)"
	check "$1: but as many" ge "$(gwctl -n "$B" get replicas)" $((ROOM - 50))
	check "$1: the owner has all" ge "$(flows "$A")" $MANY
	check "$1: one owner, one address" vip_on_one "$A" "$B"
	figure "$1: $(flows "$A") flows, room for $ROOM, $(gwctl -n "$B" get replicas) replicas," \
		"$(($(refused) - WAS)) refused"
}
ge_refused() { ge "$(refused)" "$1"; }
whole() { settled "$A" "$B" && ! problem; }
# room NAME: there is room again
room() {
	most 100000
	# By itself where members compare their tables, else by a full sync.
	if ! timed 3 whole; then
		agent_crash "$B"
		agent_start "$B"
	fi
	check "$1: room again: in sync" timed 20 whole
	check "$1: room again: none missing, none different" equal $MANY "$A" "$B"
	figure "$1: room again: in sync after $MS ms"
}

WAS=0
assured "$A" 4000 $MANY
most $ROOM
agent_start "$B"
less "full sync"
room "full sync"

# By changes: while the backup's agent stands, they are made.
in_ns "$A" conntrack -F > /dev/null 2>&1
empty() { eq "$(gwctl -n "$B" get replicas)" 0; }
check "all ended" wait_for 10 empty
for gw in "$A" "$B"; do
	check "agent ends well" agent_end "$gw"
done
DEAD_AFTER=100
for gw in "$A" "$B"; do
	faults_config "$gw"
done
check "patient: in sync" faults_start "$A" "$B"
agent_signal STOP "$B"
WAS=$(counter_of_kernel)
assured "$A" 4001 $MANY
most $ROOM
agent_signal CONT "$B"
less "changes"
room "changes"

# No room for anything new, and heartbeats are as new as any: nobody answers a
# multicast, so theirs are the entries that are evicted first.
shut() { ! in_ns "$1" ping -q -c 1 -W 1 10.8.0.100; }
untracked() { ge "$(stat "$1" untracked)" $(($2 + 20)); }
for gw in "$A" "$B"; do
	check "tracks" in_ns "$gw" nft "add table ip f;
		add chain ip f in { type filter hook input priority 0; };
		add rule ip f in ct state invalid drop"
done
epoch=$(field "$A" epoch)
most $((MANY / 2))
for gw in "$A" "$B"; do
	in_ns "$gw" conntrack -D -p udp --dport 8116 > /dev/null 2>&1
	was=$(stat "$gw" untracked)
	check "no room: nothing new leaves" shut "$gw"
	check "no room: heartbeats and changes pass" wait_for 10 untracked "$gw" "$was"
done
check "no room: the same owner, in sync" settled "$A" "$B"
check "no room: of the same epoch" field_is "$A" epoch "$epoch"
most 100000

in_ns "$A" conntrack -F > /dev/null 2>&1
check "all ended" wait_for 10 empty
for gw in "$B" "$A"; do
	check "agent ends well" agent_end "$gw"
done
logs_if_failed "$A" "$B"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Agents that are stopped for 10 s in a group that is patient: nobody takes
# over, so the kernel half and the streams must make up for it all.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

gateways
# A minute where all is slow: making the flows takes that long there.
HEARTBEAT=$((SCALE > 3 ? 50 * SCALE : 150)) DEAD_AFTER=100
agent_pair
agent_start "$A" "$B"
check "in sync" wait_for 20 in_sync "$A" "$B" || finish
make_flows "$A" 1001 2000
check "tables are equal" same 2000 "$A" "$B"
# What people are shown: own flows and replicas, as the kernel half has them.
shown() { ask "$1" status | awk '$1 == "flows" { print $(NF - 3), $(NF - 2) }'; }
for ns in "$A" "$B"; do
	check "the status shows what the kernel half has" \
		eq "$(shown "$ns")" "$(gwctl -n "$ns" get flows) $(gwctl -n "$ns" get replicas)"
done
epoch=$(field "$A" epoch)

# stopped NETNS: flows come, change and go for 10 s; port PORT and the next two
stopped() {
	local started=$SECONDS

	agent_signal STOP "$1"
	make_flows "$A" "$2" 3000
	make_flows "$A" $(($2 + 1)) 2000
	in_ns "$A" conntrack -D -p udp --dport $(($2 + 1)) > /dev/null 2>&1
	ctmake "$A" update count=3000 src=10.1.0.9 dst=10.2.0.9 proto=17 "dport=$2" \
		sport=1000 mark=7
	make_flows "$A" $(($2 + 2)) 3000
	while [ $((SECONDS - started)) -lt 10 ]; do
		sleep 0.5
	done
	agent_signal CONT "$1"
}
for round in 1 2; do
	ns=$A name="owner's agent" total=$((2000 + 6000 * round))
	[ $round = 1 ] || { ns=$B; name="backup's agent"; }
	stopped "$ns" $((round * 2000))
	check "$name stopped 10 s: tables are equal" same $total "$A" "$B"
	check "$name stopped 10 s: in sync" wait_for 10 in_sync "$A" "$B"
	check "$name stopped 10 s: none is missing" eq "$(flows "$B")" $total
	check "$name stopped 10 s: ended ones are gone" \
		eq "$(with_dport "$B" $((round * 2000 + 1)))" 0
	check "$name stopped 10 s: nobody else took over" field_is "$A" epoch "$epoch"
	# What the owner's agent missed waits in its kernel half; what the backup
	# missed is more than the owner's agent keeps for it, and is repaired.
	check "$name stopped 10 s: no full sync" eq "$(counter "$A" sync full_sent)" 1
done
for ns in "$B" "$A"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B"
finish

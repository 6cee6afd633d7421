#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Destroyed flows: remembered up to a cap; past it the agent is told once and
# a full sync repairs.
. "$(dirname "$0")/lib.sh"

gateways
check "relay attaches to both" relay_start || finish
U="src=10.1.0.2 dst=10.2.0.2 proto=17 timeout=600 dport=53"

ctmake "$A" create count=200 $U sport=1000
check "200 flows in B" ctcompare -w $((3 * SCALE)) -m 200 "$A" "$B"
in_ns "$A" conntrack -F > /dev/null 2>&1
check "their ends are told" ctcompare -w $((3 * SCALE)) -m 0 "$A" "$B"
check "one tombstone each" eq "$(stat "$A" tombstones)" 200
check "none lost" eq "$(stat "$A" tombstones_lost)" 0

# Over the cap within one flush.
check "a cap of 16" gwctl -n "$A" set tombstones 16 flush_ms 1000
ctmake "$A" create count=200 $U sport=1000
check "200 flows in B again" ctcompare -w $((3 * SCALE)) -m 200 "$A" "$B"
in_ns "$A" conntrack -F > /dev/null 2>&1
lost() { ge "$(relay_count lost)" 1; }
check "the agent is told" wait_for 3 lost
check "and counted" stat_least "$A" tombstones_lost 100
check "its full sync removes the rest" ctcompare -w $((5 * SCALE)) -m 0 "$A" "$B"
check "told once for all of them" ge 3 "$(relay_count lost)"
check "B holds no replica" eq "$(gwctl -n "$B" get replicas)" 0

# Slow agent: ends wait, in order with new beginnings of the same tuples.
gwctl -n "$A" set tombstones 4096 flush_ms 10
relay_cmd pause > /dev/null
for _ in 1 2 3; do
	ctmake "$A" create count=300 $U sport=1000
	in_ns "$A" conntrack -F > /dev/null 2>&1
done
ctmake "$A" create count=100 $U sport=1100 mark=4
relay_cmd resume > /dev/null
check "a slow agent gets the last state" ctcompare -w $((5 * SCALE)) -m 100 "$A" "$B"

# An agent that does not read at all: what has ended must not take the table's room.
relay_cmd pause > /dev/null
before=$(stat "$A" congested)
for _ in $(seq 8); do
	ctmake "$A" create count=1000 $U sport=2000
	in_ns "$A" conntrack -D -p udp --mark 0 > /dev/null 2>&1
done
check "an agent that does not read: congested" wait_for 3 stat_least "$A" congested $((before + 1))
few() { ge 200 "$(in_ns "$A" sysctl -n net.netfilter.nf_conntrack_count)"; }
check "an agent that does not read: flows that have ended make room" wait_for 3 few
relay_cmd resume > /dev/null
check "an agent that does not read: then both are equal" ctcompare -w $((5 * SCALE)) -m 100 "$A" "$B"
finish

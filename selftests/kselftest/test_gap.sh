#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Gaps: ctnetlink goes and comes, and for a moment nobody hears of events.  What came
# meanwhile is with the backup soon after, also when the agent, in the second gap in a row,
# does without a full sync; and it costs what has changed, not what there is.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

IDLE=4000
# A busy machine makes nobody dead.
DEAD_AFTER=$PATIENT
setup_net
strict_pair
quiet "$S"
# No digests, and no look at what changes without an event, within the test.
agent_pair "kernel = { digest_ms = 60000; audit_ms = 3600000; };"
agent_start "$A"
check "A owns" wait_for 5 field_is "$A" state owner || finish
agent_start "$B"
check "B in sync" wait_for 10 in_sync "$A" "$B" || finish
make_flows "$A" 8000 "$IDLE" > /dev/null
idle() { ge "$(gwctl -n "$B" get replicas)" "$IDLE"; }
check "B has the flows that stay" wait_for 10 idle

# gap: of no event, but whoever knows of it must not rely on that
gap() { modprobe -r nf_conntrack_netlink && modprobe nf_conntrack_netlink; }
asked_for() { logged "$A" "ends of flows were lost"; }
walked() { grep -c "full sync [0-9]*: " "$TMP/$A.log"; }
has_walked() { ge "$(walked)" "$1"; }

before=$(walked)
check "first gap" gap
check "first gap: a full sync" wait_for 5 asked_for
check "first gap: it is over" wait_for 10 has_walked $((before + 1))
check "first gap: in sync" wait_for 10 in_sync "$A" "$B"

# Nothing changes: there is nothing to be sent.
sent=$(stat "$A" records_sent)
walks=$(stat "$A" walks)
check "second gap" gap
has_walks() { stat_least "$A" walks $((walks + 1)); }
check "second gap: the table is looked at" wait_for 5 has_walks
check "second gap: no full sync" eq "$(walked)" $((before + 1))

# New flows all the time, in the gaps as well.
datagrams() {
	for n in $(seq 5); do
		in_ns "$C" forge udp 10.1.0.2 $((n * 10000)) 10.2.0.2 7000 2000 1 0
	done
}
background datagrams
DATAGRAMS=$BACKGROUND
gaps=0
while kill -0 "$DATAGRAMS" 2> /dev/null; do
	gap && gaps=$((gaps + 1))
done
check "more gaps, while flows begin: there were" ge "$gaps" 2
check "more gaps: soon the tables are equal" same "$IDLE" "$A" "$B"
check "more gaps: no full sync" eq "$(walked)" $((before + 1))
made=$(($(flows "$A") - IDLE))
check "gaps cost what has changed" ge $((made + 100)) $(($(stat "$A" records_sent) - sent))
logs_if_failed "$A" "$B"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Clocks that are set, agents that are killed at each stage of a full sync, of
# its proof, of a repair and of a takeover.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

faults_net "$A" "$B"
# What is tampered with shows soon.
for gw in "$A" "$B"; do
	faults_config "$gw" "" "digest_ms = 4000;"
done
check "in sync" faults_start "$A" "$B" || finish
OWNER=$A BACKUP=$B TOTAL=0
more() {
	DPORT=$((${DPORT:-4000} + 1))
	make_flows "$OWNER" $DPORT "$1" && TOTAL=$((TOTAL + $1))
}
whole() {
	check "$1: in sync" timed 20 settled "$OWNER" "$BACKUP"
	check "$1: none missing, none different" equal "$TOTAL" "$OWNER" "$BACKUP"
}
turned() {
	local was=$OWNER

	OWNER=$BACKUP BACKUP=$was
}
more 1000
whole "start"

# The clock of the wall is one for all of a machine; no member may mind.
epoch=$(field "$A" epoch)
deaths() { cat "$TMP"/*.log | grep -c "is dead"; }
was=$(deaths)
step() { date -s "@$(($(date +%s) + $1))" > /dev/null; }
churn "$OWNER" rate=300 live=500 end=10
for seconds in 3600 -7200 86400000 -86396400; do
	step $seconds
	check "clock set by $seconds s: in sync" settled "$A" "$B"
	sleep 1
	check "clock set by $seconds s: stays so" settled "$A" "$B"
done
churn_end || not_ok "no changes"
check "clock: nobody was taken for dead" eq "$(deaths)" "$was"
check "clock: nobody took over" field_is "$A" epoch "$epoch"
TOTAL=$(gwctl -n "$A" get flows)
check "clock: none missing, none different" equal $TOTAL "$A" "$B"
# The clock that is used: one member's is ten days ahead.
agent_crash "$B"
ip netns exec "$B" unshare -T -f --monotonic 864000 gwsyncd -c "$TMP/$B.conf" \
	2>> "$TMP/$B.log" < /dev/null &
UNSHARE=$!
child() { AGENT[$B]=$(pgrep -P $UNSHARE); }
check "it runs" wait_for 5 child
whole "a member whose clock is ten days ahead"
more 500
whole "a member whose clock is ten days ahead, changes"
ends() {
	agent_signal TERM "$B"
	unset "AGENT[$B]"
	wait $UNSHARE
}
check "agent ends well" ends

# dies_at WHEN WHAT...: the agent of $VICTIM is killed there (see killat.c)
dies_at() {
	: > "$TMP/killat"
	killat "${AGENT[$VICTIM]}" "$@" >> "$TMP/killat" 2>&1 &
	KILLAT=$!
	wait_for 5 said killat ready
}
# died [SECONDS]
died() {
	wait_for "${1:-10}" said killat killed || return 1
	wait "$KILLAT"
	wait "${AGENT[$VICTIM]}" 2> /dev/null
	unset "AGENT[$VICTIM]"
}
# Commands of the family and of rtnetlink, each a stage of the agent's work.
APPLY=8 BEGIN=9 END=10 WALK=11 ACTIVATE=12 REPAIR=17 GET_DIGEST=18 NEWADDR=20
phase_is() { ask "$BACKUP" status --json | grep -q "\"phase\": \"$1\""; }
own_flows() { gwctl -n "$OWNER" get flows; }
times_logged() { grep -c "$1" "$TMP/$BACKUP.log"; }
PROVING=
# sync_dies NAME [WHEN WHAT...]: a backup that holds nothing dies in its full
# sync; without WHEN it waits for the sync to begin
sync_dies() {
	local name="full sync: killed $1" swept proven

	shift
	VICTIM=$BACKUP
	swept=$(times_logged "^<.>full sync of .* is here") proven=$(times_logged "^<.>in sync with")
	in_ns "$BACKUP" conntrack -F > /dev/null 2>&1
	# It cannot begin before it is watched.
	cut_legs p "$BACKUP"
	agent_start "$BACKUP"
	check "$name: it asks" wait_for 10 phase_is request
	if [ $# -gt 0 ]; then
		check "$name: it is watched" dies_at "$@"
		mend "$BACKUP"
		check "$name: it is dead" died || return
		[ -z "$PROVING" ] ||
			check "$name: all had come" eq \
				"$(times_logged "^<.>full sync of .* is here")" $((swept + 1))
		check "$name: nothing was proven" eq "$(times_logged "^<.>in sync with")" "$proven"
	else
		agent_crash "$BACKUP"
		mend "$BACKUP"
	fi
	check "$name: the owner has all" eq "$(own_flows)" $TOTAL
	more 20
	agent_start "$BACKUP"
	whole "$name, restarted"
	figure "$name: in sync $MS ms after it was started again"
	agent_crash "$BACKUP"
}
sync_dies "when it asks"
sync_dies "before it begins" before genl $BEGIN
sync_dies "when it has begun" after genl $BEGIN
sync_dies "at the first records" before genl $APPLY
sync_dies "amid the records" after genl $APPLY 8
sync_dies "before the sweep" before genl $END
sync_dies "in the sweep" after genl $END

# The state is there, its proof is not: the digests, 52 messages, are on their way.
# Of a round that goes on meanwhile a few come before the sweep has ended.
PROVING=yes
sync_dies "when it proves, at the first digests" before genl $END next genl $APPLY 15
sync_dies "when it proves, at the last digests" after genl $END next genl $APPLY 45
PROVING=

# repair_dies NAME WHO WHEN WHAT...: 50 flows of the backup's are deleted behind
# gwsync's back, and its agent, or the owner's, dies over their repair
repair_dies() {
	local name="repair: killed $1"

	VICTIM=$2
	[ -n "${AGENT[$BACKUP]:-}" ] || agent_start "$BACKUP"
	whole "$name, before"
	more 50
	check "$name: the flows are there" wait_for 10 eq_dport "$BACKUP" 50
	check "$name: it is watched" dies_at "${@:3}"
	in_ns "$BACKUP" conntrack -D -p udp --orig-port-dst "$DPORT" > /dev/null 2>&1
	check "$name: they are deleted" eq_dport "$BACKUP" 0
	check "$name: it is dead" died 30 || return
	# The backup, which lacks them, must not take over: an owner is back at once.
	if [ "$VICTIM" = "$BACKUP" ]; then
		check "$name: they have not come back" eq_dport "$BACKUP" 0
		check "$name: the owner has all" eq "$(own_flows)" $TOTAL
	fi
	agent_start "$VICTIM"
	whole "$name, restarted"
	figure "$name: in sync $MS ms after it was started again"
}
eq_dport() { eq "$(with_dport "$1" "$DPORT")" "$2"; }
repair_dies "before it knows what differs" "$BACKUP" before genl $GET_DIGEST
repair_dies "when it knows, before it asks" "$BACKUP" after genl $GET_DIGEST
repair_dies "when it has asked" "$BACKUP" before genl $GET_DIGEST next genl $APPLY
# A backup in sync asks its owner for nothing else.
repair_dies "as the owner serves it" "$OWNER" before genl $REPAIR
agent_crash "$BACKUP"

# The owner's agent dies while it alone has the flows, and is back at once.
VICTIM=$OWNER NAME="full sync: owner's agent killed"
in_ns "$BACKUP" conntrack -F > /dev/null 2>&1
check "$NAME: it is watched" dies_at after genl $WALK
agent_start "$BACKUP"
check "$NAME: it is dead" died
agent_start "$OWNER"
check "$NAME, restarted: it owns" timed 10 field_is "$OWNER" state owner
figure "$NAME: owns $MS ms after it was started again"
whole "$NAME, restarted"
agent_crash "$BACKUP"

# The owner's agent dies, and before it is back flows end at its heir.
agent_start "$BACKUP"
whole "owner's agent killed"
agent_crash "$OWNER"
check "owner's agent killed: the other owns" wait_for 5 field_is "$BACKUP" state owner
turned
in_ns "$OWNER" conntrack -D -p udp --dport 4001 > /dev/null 2>&1
TOTAL=$((TOTAL - 1000))
more 20
agent_start "$BACKUP"
whole "owner's agent killed, restarted when flows have ended"
check "owner's agent killed: what has ended is gone" eq "$(with_dport "$BACKUP" 4001)" 0

# takeover_dies NAME WHEN WHAT...: the owner has lost its power, its heir dies
# while it takes over
takeover_dies() {
	local name="takeover: killed $1"

	shift
	VICTIM=$BACKUP
	check "$name: it is watched" dies_at "$@"
	agent_crash "$OWNER"
	ip -n "$OWNER" link set sync0 down
	ip -n "$OWNER" link set lan0 down
	check "$name: it is dead" died || return
	agent_start "$BACKUP"
	turned
	check "$name, restarted: it owns" timed 10 field_is "$OWNER" state owner
	figure "$name: owns $MS ms after it was started again"
	check "$name, restarted: none missing, none different" equal $TOTAL "$BACKUP" "$OWNER"
	more 20
	ip -n "$BACKUP" link set sync0 up
	ip -n "$BACKUP" link set lan0 up
	ip -n "$BACKUP" addr replace "10.9.0.${MEMBER[$BACKUP]}/24" dev sync0
	ip -n "$BACKUP" addr replace "10.8.0.${MEMBER[$BACKUP]}/24" dev lan0
	agent_start "$BACKUP"
	whole "$name, both back"
	check "$name: the address answers" wait_for 3 answers
}
takeover_dies "before the replicas are live" before genl $ACTIVATE
takeover_dies "when the replicas are live" after genl $ACTIVATE
takeover_dies "when it has the address" after rtnl $NEWADDR
takeover_dies "when it has announced it" after packet

for ns in "$BACKUP" "$OWNER"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B"
finish

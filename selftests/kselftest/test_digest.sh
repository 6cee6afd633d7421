#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Anti-entropy: what is deleted, changed and added behind gwsync's back on the
# backup is found and repaired, and nothing else is sent; after a time without
# the owner the same, and no full sync.  FLOWS: how many; LOST_S: how long its
# changes do not arrive.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

# A busy machine makes nobody dead.
DEAD_AFTER=$PATIENT
FLOWS=${FLOWS:-5000} LOST_S=${LOST_S:-15}
ROUND_MS=$((1000 * SCALE))
gateways
agent_pair "kernel = { digest_ms = $ROUND_MS; filter = { tcp_states = ( \"time_wait\" ); }; };"
agent_start "$A"
check "A owns" wait_for 5 field_is "$A" state owner || finish
# Some have a mark, some a translation; a fiftieth each is for who tampers.
make_some() { ctmake "$A" create "count=$1" "src=$2" dst=10.2.0.9 proto=17 dport=53 sport=1000 \
	timeout=3000 status=0x0e "${@:3}"; }
make_some $((FLOWS * 46 / 100)) 10.1.0.2
make_some $((FLOWS / 4)) 10.1.0.3 mark=7
make_some $((FLOWS / 4)) 10.1.0.4 snat=10.2.0.1
make_some $((FLOWS / 50)) 10.1.0.5 snat=10.2.0.2
make_some $((FLOWS / 50)) 10.1.0.6 mark=1
check "$FLOWS flows at the owner" ge "$(flows "$A")" $FLOWS
check "alone: if A died, all would be lost" ge "$(field "$A" would_be_lost)" $FLOWS
agent_start "$B"
check "B in sync" wait_for 10 in_sync "$A" "$B"
check "tables are equal" same $FLOWS "$A" "$B"
ask "$B" status | sed -n '/sync\|repair/s/^/# /p'
check "and it is proven" logged "$B" "all digests are the same"

full=$(counter "$B" sync full_received)
check "verify: nothing differs" verify
# tamper NAME COMMAND...: it is done to B, then all is as before
tamper() {
	local name=$1 sent began repairs rounds

	shift
	sent=$(stat "$A" records_sent) repaired=$(stat "$A" repaired)
	repairs=$(of_repair repairs) rounds=$(of_repair rounds) began=${EPOCHREALTIME/./}
	"$@" > /dev/null 2>&1
	check "$name: found" wait_for $((5 * ROUND_MS / 1000)) found_after "$repairs"
	check "$name: in sync again" wait_for $((5 * ROUND_MS / 1000)) in_sync "$A" "$B"
	rounds=$(($(of_repair rounds) - rounds))
	repaired=$(($(stat "$A" repaired) - repaired))
	echo "# $name: after $(((${EPOCHREALTIME/./} - began) / 1000)) ms of rounds of $ROUND_MS ms:" \
		"$rounds rounds compared, $repaired flows sent again"
	# The one that runs may have passed it; then one finds it, and one that is asked
	# for proves the repair, or one of the next while it is still under way.
	check "$name: in a round or two" ge 6 $rounds
	check "$name: tables are equal" same $FLOWS "$A" "$B"
	check "$name: nothing else was sent" eq $(($(stat "$A" records_sent) - sent)) "$repaired"
	check "$name: no full sync" eq "$(counter "$B" sync full_received)" "$full"
}
found_after() { ge "$(of_repair repairs)" $(($1 + 1)); }
few() { ge $((FLOWS / 5)) "$repaired"; }

tamper deleted in_ns "$B" conntrack -D -p udp --orig-src 10.1.0.5
check "deleted: only what is of their classes" few
# What conntrack -U sends; itself it may stop half way, when its dump and its changes meet.
tamper changed ctmake "$B" update count=$((FLOWS / 50)) src=10.1.0.6 dst=10.2.0.9 proto=17 \
	dport=53 sport=1000 mark=9
check "changed: only what is of their classes" few
check "each change was noticed" stat_least "$B" spoiled $((FLOWS / 50))
tamper added ctmake "$B" create count=$((FLOWS / 50)) src=10.1.0.7 dst=10.2.0.9 proto=17 dport=53 \
	sport=9000 timeout=3000 status=0x0e
check "added: only what is of their classes" few
check "what was added was noticed" stat_least "$B" foreign $((FLOWS / 50))
tamper flushed in_ns "$B" conntrack -F
check "the last repair and its cause: on B" shows "repaired .* classes: digests differed" ask "$B" status
check "the last repair and its cause: on A" shows "repaired .* gw2, .* classes: digests differed" \
	ask "$A" status

# The backup is away while much changes: it has missed it for good, and knows.
agent_signal STOP "$B"
given_up() { peer_is "$A" gw2 served false; }
check "away: given up" wait_for 10 given_up
make_some $((FLOWS / 10)) 10.1.0.8
in_ns "$A" conntrack -D -p udp --orig-src 10.1.0.6 > /dev/null 2>&1
in_ns "$A" conntrack -U -p udp --orig-src 10.1.0.5 -m 5 > /dev/null 2>&1
agent_signal CONT "$B"
not_in_sync() { field_is "$B" in_sync false; }
check "away: does not say that it is in sync" wait_for 10 not_in_sync
check "away: in sync again" wait_for 20 in_sync "$A" "$B"
check "away: tables are equal" same $((FLOWS * 108 / 100)) "$A" "$B"
check "away: the cause is told, on B" shows "repaired .* classes: changes were not sent" \
	ask "$B" status
check "away: the cause is told, on A" shows "repaired .* gw2, .*: it had been given up" \
	ask "$A" status
check "away: no full sync" eq "$(counter "$B" sync full_received)" "$full"
ask "$B" status | sed -n '/sync\|repair/s/^/# /p'

# The owner is heard, its changes are not: whatever is larger than a heartbeat is
# lost, for some time.
in_ns "$B" nft -f - <<- END || bail "no nft"
	table inet loss {
		chain in {
			type filter hook input priority 0;
			udp dport 8116 udp length > 200 counter drop
		}
	}
END
lost() { in_ns "$B" nft list table inet loss | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
loses() { ge "$(lost)" 1; }
TOTAL=$((FLOWS * 108 / 100)) SEEN=0 LAG=0
while [ "$SEEN" -lt "$LOST_S" ]; do
	make_some 50 10.1.2.$((SEEN % 250 + 1)) timeout=$((3000 - SEEN))
	in_ns "$A" conntrack -U -p udp --orig-src 10.1.0.5 -m $((100 + SEEN)) > /dev/null 2>&1
	field_is "$B" in_sync true > /dev/null && [ "$SEEN" -gt 5 ] && CLAIMED=$SEEN
	lag=$(peer_field "$A" gw2 lag_ms)
	lag=${lag/null/0}
	[ "${lag:-0}" -le "$LAG" ] || LAG=$lag
	SEEN=$((SEEN + 1))
	sleep 1
done
TOTAL=$((TOTAL + 50 * (LOST_S < 250 ? LOST_S : 250)))
check "lost for $LOST_S s: so it was" loses
echo "# lost for $LOST_S s: $(lost) datagrams"
check "lost for $LOST_S s: never said to be in sync after 5 s" eq "${CLAIMED:-}" ""
echo "# lost for $LOST_S s: lag of $LAG ms shown at most, $(field "$A" would_be_lost) would be lost"
check "lost for $LOST_S s: the lag was shown" ge $LAG 500
check "lost for $LOST_S s: if A died, all would be lost" ge "$(field "$A" would_be_lost)" $FLOWS
began=${EPOCHREALTIME/./}
in_ns "$B" nft delete table inet loss
check "lost for $LOST_S s: in sync again" wait_for 20 in_sync "$A" "$B"
echo "# lost for $LOST_S s: in sync $(((${EPOCHREALTIME/./} - began) / 1000)) ms after it"
check "lost for $LOST_S s: tables are equal" same $TOTAL "$A" "$B"
check "lost for $LOST_S s: no full sync" eq "$(counter "$B" sync full_received)" "$full"
ask "$B" status | sed -n '/sync\|repair/s/^/# /p'

# Flows that end at the moment when they are told: a sum that kept one would differ
# for ever.  On a fast kernel the two hardly meet; on the debug kernel often.
ctchurn "$A" rate=20000 live=100 new=35 end=35 seconds=$((2 * SCALE)) > "$TMP/churn"
sed '/ready/d; s/^/# /' "$TMP/churn"
check "ends amid changes: there were some" grep -q " ends [1-9][0-9][0-9]" "$TMP/churn"
ROUNDS=$(of_repair rounds)
check "ends amid changes: in sync" wait_for 20 later_round
check "ends amid changes: no class differs" eq "$(of_repair differing)" 0

# Flows whose time is over, and which the owner's kernel has not yet ended: neither a
# full sync nor verify may take them for something that a backup lacks.
was=$(stat "$A" tombstones)
make_some $((FLOWS / 50)) 10.1.0.7 timeout=$((2 * SCALE))
told() { ge "$(in_ns "$B" conntrack -L --orig-src 10.1.0.7 2> /dev/null | wc -l)" $((FLOWS / 50)); }
check "expired: B has them" wait_for 5 told
check "expired: B ends" agent_end "$B"
sleep $((2 * SCALE))
differed=$(stat "$B" classes_differed)
agent_start "$B"
check "expired: in sync" wait_for 20 in_sync "$A" "$B"
check "expired: no class differed" eq "$(stat "$B" classes_differed)" "$differed"
check "expired: they have ended" stat_least "$A" tombstones $((was + FLOWS / 50))
check "expired: tables are equal" same "$TOTAL" "$A" "$B"

# TCP that is over is left out, as the configuration says: it is in no digest, and not
# for verify either; what of it was told before is taken out of both.
made() { ctmake "$A" "$1" "count=$((FLOWS / 50))" src=10.1.7.9 dst=10.2.0.9 proto=6 dport=80 \
	sport=1000 timeout=3000 status=0x0e "tcp_state=$2"; }
there() { eq "$(in_ns "$B" conntrack -L --orig-src 10.1.7.9 2> /dev/null | wc -l)" "$1"; }
made create 3
check "over: connections" wait_for 5 there $((FLOWS / 50))
made update 7
check "over: gone from B" wait_for 5 there 0
ROUNDS=$(of_repair rounds)
check "over: in sync" wait_for 20 later_round
check "over: no class differs" eq "$(of_repair differing)" 0
check "over: verify finds nothing" verify
in_ns "$A" conntrack -D --orig-src 10.1.7.9 > /dev/null 2>&1
ROUNDS=$(of_repair rounds)
check "over: their end changes nothing" wait_for 20 later_round
check "over: tables are equal" same "$TOTAL" "$A" "$B"

# ctnetlink comes and goes, and nobody hears of events meanwhile: both count anew.
for _ in 1 2 3 4 5; do
	modprobe -r nf_conntrack_netlink
	modprobe nf_conntrack_netlink
done
check "reloaded: there were gaps" stat_least "$A" notifier_gaps 5
later() { ge "$(peer_field "$A" gw2 in_sync_since_ms)" $(($1 + 1)); }
ROUNDS=$(of_repair rounds)
check "reloaded: in sync" wait_for 20 later_round
check "reloaded: no class differs" eq "$(of_repair differing)" 0
check "reloaded: tables are equal" same $TOTAL "$A" "$B"

since=$(peer_field "$A" gw2 in_sync_since_ms)
check "of a member in sync: since when" wait_for 5 later "$since"
# By hand, where nobody repairs.
check "B ends" agent_end "$B"
check "of one that is dead: not in sync" wait_for 10 peer_is "$A" gw2 in_sync false
check "of one that is dead: since it was heard" ge "$(peer_field "$A" gw2 last_heard_ms)" \
	"$(peer_field "$A" gw2 in_sync_since_ms)"
in_ns "$B" conntrack -U -p udp --orig-src 10.1.0.8 --sport 1000 -m 77 > /dev/null 2>&1
in_ns "$B" conntrack -D -p udp --orig-src 10.1.0.8 --sport 1001 > /dev/null 2>&1
# Its agent may not tell: B's is not there.
in_ns "$A" conntrack -D -p udp --orig-src 10.1.0.8 --sport 1002 > /dev/null 2>&1
ctmake "$B" update count=1 src=10.1.0.8 dst=10.2.0.9 proto=17 dport=53 sport=1003 \
	status=$((0x0e | 0x400)) > /dev/null
verify > "$TMP/verify"
check "verify: it names what was changed" grep "mark is 77 here, absent there" "$TMP/verify"
check "and what was deleted" grep "missing here: announced, and not installed or removed here" \
	"$TMP/verify"
check "and what the owner has no more" grep "missing there: a replica that its owner does not have" \
	"$TMP/verify"
check "and a state that differs" grep "fixed_timeout here, not there" "$TMP/verify"
check "and that alone" grep " 4 differ" "$TMP/verify"
finish

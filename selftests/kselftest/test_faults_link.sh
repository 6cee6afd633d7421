#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A bad sync link under thousands of changes a second: loss, reordering,
# duplication, corruption, delay, all at once.  Afterwards nothing is missing,
# nothing differs and what has ended is gone; meanwhile the status does not hide
# what is outstanding.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

RATE_WANTED=${RATE_WANTED:-2000} SECONDS_EACH=${SECONDS_EACH:-3}
# So many are worth the name; not where checkers of the kernel take most of the time.
RATE_LEAST=$((500 * 4 / (SCALE > 4 ? SCALE : 4)))
! grep -qw kasan_report /proc/kallsyms || RATE_LEAST=1
# 30 % loss of heartbeats must not be taken for a death.
DEAD_AFTER=30
faults_net "$A" "$B"
for gw in "$A" "$B"; do
	# What is damaged on the way is dropped by UDP.  With checksums made right
	# again it reaches the daemon.
	tc -n "$gw" qdisc add dev sync0 clsact
done
check "in sync" faults_start "$A" "$B" || finish
epoch=$(field "$A" epoch)
refused() { echo $(($(counter "$A" dropped tag) + $(counter "$B" dropped tag))); }

# bad NAME NETEM...: the link is so for some seconds under changes, both ways
bad() {
	local name=$1 again saw

	shift
	again=$(counter "$A" transmit again)
	spoil "$A" "$@"
	spoil "$B" "$@"
	# Flows that only begin can be counted; the others change.
	churn "$A" rate="$RATE_WANTED" new=50 end=0 live=60000 dport=$((PORT += 1))
	check "$name: what was outstanding was shown" \
		synclook_at watch $((SECONDS_EACH * 1000)) "$A" "$B"
	saw=$(tail -n 1 "$TMP/out")
	check "$name: changes were made" churn_end || return
	check "$name: so many a second" ge "$RATE" "$RATE_LEAST"
	mend "$A" "$B"
	check "$name: then in sync" synclook_at settle $((10000 * SCALE)) "$A" "$B"
	MS=$(tail -n 1 "$TMP/out")
	check "$name: none missing, none different" equal $((CHANGES / 4)) "$A" "$B"
	figure "$name: $RATE changes/s ($CHANGES): $saw; in sync $MS ms after," \
		"$(($(counter "$A" transmit again) - again)) frames sent again"
	in_ns "$A" conntrack -F > /dev/null 2>&1
	check "$name: ends are told" wait_for 10 eq_replicas 0
}
eq_replicas() { eq "$(gwctl -n "$B" get replicas)" "$1"; }
# ends NAME NETEM...: the same, but flows end too, and others begin in their place.
# What is outstanding cannot be told from counts then.
ends() {
	local name="$1, flows end"

	shift
	spoil "$A" "$@"
	spoil "$B" "$@"
	churn "$A" rate="$RATE_WANTED" new=35 end=25 live=3000 dport=$((PORT += 1)) seed=$PORT
	sleep "$SECONDS_EACH"
	check "$name: changes were made" churn_end || return
	check "$name: so many a second" ge "$RATE" "$RATE_LEAST"
	check "$name: a fifth and more were ends" ge "$(churned ends)" $((CHANGES / 5))
	check "$name: all that was wanted was done" eq "$(churned failed) $(churned vanished)" "0 0"
	mend "$A" "$B"
	check "$name: then in sync" synclook_at settle $((10000 * SCALE)) "$A" "$B"
	MS=$(tail -n 1 "$TMP/out")
	check "$name: none missing, none different" equal "$(churned alive)" "$A" "$B"
	check "$name: what has ended is gone" eq_replicas "$(churned alive)"
	figure "$name: $RATE changes/s ($CHANGES), $(churned ends) ends," \
		"$(churned alive) flows left; in sync $MS ms after"
	in_ns "$A" conntrack -F > /dev/null 2>&1
	check "$name: ends are told" wait_for 10 eq_replicas 0
}
PORT=5000

bad "loss 1 %" loss 1%
bad "loss 10 %" loss 10%
bad "loss 30 %" loss 30%
bad "reordering" delay 20ms 10ms reorder 25% 50%
bad "duplication" duplicate 50%
bad "delay 200 ms" delay 200ms 20ms
ends "loss 30 %" loss 30%
ends "reordering" delay 20ms 10ms reorder 25% 50%
ends "duplication" duplicate 50%
was=$(refused)
for gw in "$A" "$B"; do
	tc -n "$gw" filter add dev sync0 ingress protocol ip matchall action csum ip4h udp ||
		bail "no csum"
done
bad "corruption" corrupt 10%
figure "corruption: $(($(refused) - was)) damaged datagrams reached the daemons, none was taken"
check "corruption: the seal refused them" ge "$(refused)" $((was + 1))
ALL=(delay 50ms 20ms loss 10% duplicate 10% corrupt 5% reorder 20%)
bad "all at once" "${ALL[@]}"
ends "all at once" "${ALL[@]}"
check "nobody was taken for dead" eq "$(cat "$TMP"/*.log | grep -c "is dead")" 0
check "nobody else took over" field_is "$A" epoch "$epoch"
for gw in "$B" "$A"; do
	check "agent ends well" agent_end "$gw"
done
logs_if_failed "$A" "$B"
finish

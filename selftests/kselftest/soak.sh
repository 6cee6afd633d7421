#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# soak.sh MINUTES [SEED] - three gateways, flows that change all the time, one
# random fault after the other; after each all that must hold is checked.
# Drawn from SEED alone: the same faults in the same order with the same seed.
# Each line is a fault; the last one counts.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

MINUTES=${1:-20}
SEED=${2:-$((RANDOM * 32768 + RANDOM))}
RSS_MAX=$((48 * 1024))		# KiB of a daemon, whatever happens
LIVE=3000
RANDOM=$((SEED % 32768))

GWS=("$A" "$B" "$D")
ROUND=0 VIOLATIONS=0 TAKEOVERS=0 ALL_CHANGES=0 RSS_SEEN=0 LAST_FLOWS=0 SLOWEST=0
declare -A TIMES=()

# pick WORD...: one of them, in PICKED
pick() { PICKED=${*:$((1 + RANDOM % $#)):1}; }
exec 3>&1	# faults are silent, what they break is not
say() { echo "$*" >&3; }
# violated WHAT: with what the last check said
violated() {
	VIOLATIONS=$((VIOLATIONS + 1))
	say "VIOLATION in round $ROUND ($FAULT, seed $SEED): $1"
	{
		head -n 25 "$TMP/out"
		for ns in "${GWS[@]}"; do
			echo "log of $(name_of "$ns")"
			tail -n 25 "$TMP/$ns.log"
		done
	} 2> /dev/null | diag >&3
}
# must WHAT COMMAND...
must() {
	local what=$1

	shift
	"$@" > "$TMP/out" 2>&1 || { violated "$what"; return 1; }
}

owner_and_others() {
	local ns

	OWNER=''
	OTHERS=()
	for ns in "${GWS[@]}"; do
		if [ -z "$OWNER" ] && says "$ns" state owner > /dev/null; then
			OWNER=$ns
		else
			OTHERS+=("$ns")
		fi
	done
	[ -n "$OWNER" ] || { echo "no owner"; return 1; }
	settled "$OWNER" "${OTHERS[@]}"
}
told() {
	local ns names=()

	for ns in "${OTHERS[@]}"; do
		names+=("$(name_of "$ns")")
	done
	says_of "$OWNER" "${names[@]}" -- lag_frames 0
}
changes_on() {
	[ -n "$CHURN" ] ||
		churn "$OWNER" rate=$((200 + RANDOM % 1300)) live=$LIVE seed=$RANDOM end=25
}
changes_off() {
	[ -n "$CHURN" ] || return 0
	if churn_end > "$TMP/out"; then
		ALL_CHANGES=$((ALL_CHANGES + CHANGES))
	else
		violated "changes: $(cat "$TMP/churn")"
	fi
	CHURN=
}
# Who follows traffic?  Before the owner changes, all has come to rest.
rest() {
	changes_off
	must "what happened was told" wait_for 10 told
}
pause() { sleep "$((RANDOM % 4)).$((RANDOM % 10))"; }
legs_down() { ip -n "$1" link set sync0 down; ip -n "$1" link set lan0 down; }
legs_up() {
	ip -n "$1" link set sync0 up
	ip -n "$1" link set lan0 up
	ip -n "$1" addr replace "10.9.0.${MEMBER[$1]}/24" dev sync0
	ip -n "$1" addr replace "10.8.0.${MEMBER[$1]}/24" dev lan0
}

# The faults.  $W is a random member, $X a random backup.
bad_link() {
	pick "loss 1%" "loss 10%" "loss 30%" "delay 200ms 50ms" "duplicate 30%" \
		"corrupt 5%" "delay 30ms 20ms reorder 30%" "delay 20ms 10ms loss 10% duplicate 5%"
	DETAIL="$(name_of "$W") $PICKED"
	# shellcheck disable=SC2086
	spoil "$W" $PICKED
	pause
	pause
}
dark_sync_link() { DETAIL=$(name_of "$X"); cut_leg p "$X"; pause; pause; }
unplugged() { DETAIL=$(name_of "$X"); unplug p "$X"; pause; pause; }
deaf_backup() { DETAIL=$(name_of "$X"); deaf p "$X"; deaf l "$X"; pause; }
mute_backup() { DETAIL=$(name_of "$X"); mute p "$X"; mute l "$X"; pause; }
mute_owner() { DETAIL=$(name_of "$OWNER"); mute p "$OWNER"; mute l "$OWNER"; pause; }
split_brain() { DETAIL=$(name_of "$W"); cut_leg p "$W"; cut_leg l "$W"; pause; pause; }
killed_owner() {
	DETAIL=$(name_of "$OWNER")
	agent_crash "$OWNER"
	pause
	agent_start "$OWNER"
}
killed_backup() { DETAIL=$(name_of "$X"); agent_crash "$X"; pause; agent_start "$X"; }
stopped_owner() {
	DETAIL=$(name_of "$OWNER")
	agent_signal STOP "$OWNER"
	pause
	agent_signal CONT "$OWNER"
}
stopped_backup() {
	DETAIL=$(name_of "$X")
	agent_signal STOP "$X"
	pause
	pause
	agent_signal CONT "$X"
}
switchover() { DETAIL="to $(name_of "$X")"; ask "$OWNER" switchover --to "$(name_of "$X")"; }
power_loss_of() {
	DETAIL=$(name_of "$1")
	agent_crash "$1"
	legs_down "$1"
	pause
	# The machine that boots knows no flow.
	in_ns "$1" conntrack -F > /dev/null 2>&1
	legs_up "$1"
	agent_start "$1"
}
power_loss() { power_loss_of "$OWNER"; }
power_loss_of_a_backup() { power_loss_of "$X"; }
both_backups_killed() {
	for ns in "${OTHERS[@]}"; do
		DETAIL+="$(name_of "$ns") "
		agent_crash "$ns"
	done
	pause
	agent_start "${OTHERS[@]}"
}
owner_and_a_backup_killed() {
	DETAIL="$(name_of "$OWNER") $(name_of "$X")"
	agent_crash "$OWNER"
	agent_crash "$X"
	pause
	agent_start "$OWNER" "$X"
}
many_ends() {
	DETAIL=$(name_of "$OWNER")
	in_ns "$OWNER" conntrack -D -p udp --dport 5000 > /dev/null 2>&1
	pause
}
clock_set() {
	DETAIL=$(((RANDOM % 2 ? 1 : -1) * RANDOM))
	date -s "@$(($(date +%s) + DETAIL))" > /dev/null
	STEPPED=$((STEPPED + DETAIL))
	DETAIL="by $DETAIL s"
}
FAULTS=(bad_link bad_link bad_link dark_sync_link unplugged deaf_backup mute_backup mute_owner
	split_brain killed_owner killed_backup stopped_owner stopped_backup switchover power_loss
	power_loss_of_a_backup both_backups_killed owner_and_a_backup_killed many_ends clock_set)
# Of these the owner may change: nothing happens there meanwhile, so that
# afterwards no flow may be missing.
MOVING=" deaf_backup mute_owner split_brain killed_owner stopped_owner switchover power_loss
	owner_and_a_backup_killed "
STEPPED=0

# churned NETNS: flows of ctchurn in its table, whosever they are
churned() { in_ns "$1" conntrack -L 2> /dev/null | grep -c dport=5000; }
warnings() { dmesg | grep -E "WARNING:|BUG:|Oops|Call Trace:" > "$TMP/out" && cat "$TMP/out"; }
rss_of() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${AGENT[$1]}/status"; }
# What must hold, in this order: the first that does not explains the rest.
invariants() {
	local ns rss was=$OWNER lost=$1

	must "one owner, all in sync, the address on it alone" \
		timed 25 owner_and_others || { owner_and_others > /dev/null; return 1; }
	[ "$was" = "$OWNER" ] || TAKEOVERS=$((TAKEOVERS + 1))
	[ "$MS" -le "$SLOWEST" ] || SLOWEST=$MS
	changes_off
	must "tables are equal" equal 0 "$OWNER" "${OTHERS[@]}"
	LAST_FLOWS=$(churned "$OWNER")
	[ "$lost" -lt 0 ] || must "no flow is lost" ge "$LAST_FLOWS" "$lost"
	must "the address answers" wait_for 3 answers
	for ns in "${GWS[@]}"; do
		must "daemon runs" kill -0 "${AGENT[$ns]}" || continue
		rss=$(rss_of "$ns")
		[ "${rss:-0}" -le "$RSS_SEEN" ] || RSS_SEEN=$rss
		must "memory of the daemon is bounded" ge $RSS_MAX "${rss:-0}"
	done
	must "no warning of the kernel" fails warnings
}

faults_net "${GWS[@]}"
say "# soak: $MINUTES minutes, seed $SEED"
FAULT=start
must "in sync at the start" faults_start "${GWS[@]}" || exit 1
must "owner" owner_and_others || exit 1
end_ms=$(($(now_ms) + MINUTES * 60000))
while [ "$(now_ms)" -lt "$end_ms" ]; do
	ROUND=$((ROUND + 1))
	changes_on
	pause
	pick "${FAULTS[@]}"
	FAULT=$PICKED
	pick "${GWS[@]}"
	W=$PICKED
	pick "${OTHERS[@]}"
	X=$PICKED
	DETAIL=
	before=-1 was=$OWNER
	if [[ $MOVING =~ [[:space:]]"$FAULT"[[:space:]] ]]; then
		rest
		before=$(churned "$OWNER")
	fi
	$FAULT > /dev/null 2>&1
	mend "${GWS[@]}"
	invariants "$before"
	TIMES[$FAULT]=$((${TIMES[$FAULT]:-0} + 1))
	say "# $ROUND: $FAULT ${DETAIL% }: $(name_of "${OWNER:-$was}") owns," \
		"settled in ${MS:-?} ms, $LAST_FLOWS flows"
done
for fault in "${!TIMES[@]}"; do
	say "# $fault: ${TIMES[$fault]}"
done | sort
say "soak: $MINUTES minutes, seed $SEED: $ROUND faults, $TAKEOVERS changes of owner," \
	"$ALL_CHANGES changes of flows, slowest to settle $SLOWEST ms," \
	"largest daemon $RSS_SEEN KiB, $VIOLATIONS violations"
[ "$VIOLATIONS" -eq 0 ]

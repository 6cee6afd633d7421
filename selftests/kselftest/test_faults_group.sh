#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Groups of three and of five: any member dies, then another, under changes.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

faults_net "$A" "$B" "$D" "$E" "$F"

# owner_among NETNS...: OWNER is the one that owns, OTHERS follow it
owner_among() {
	local ns

	OWNER=
	OTHERS=()
	for ns in "$@"; do
		if [ -z "$OWNER" ] && says "$ns" state owner; then
			OWNER=$ns
		else
			OTHERS+=("$ns")
		fi
	done
	[ -n "$OWNER" ] && settled "$OWNER" "${OTHERS[@]}"
}
# told NETNS...: all that happened at OWNER is with these
told() {
	local ns names=()

	for ns in "$@"; do
		names+=("$(name_of "$ns")")
	done
	says_of "$OWNER" "${names[@]}" -- in_sync true lag_frames 0
}
# busy SECONDS: changes at the owner, all of them told
busy() {
	churn "$OWNER" rate=500 live=600 end=20 seed=$((SEED += 1))
	sleep "$1"
	churn_end && [ "$CHANGES" -gt 0 ] && wait_for 10 told "${OTHERS[@]}"
}
SEED=0
# dies NETNS: without power; its table stays to be compared with
dies() {
	agent_crash "$1"
	ip -n "$1" link set sync0 down
	ip -n "$1" link set lan0 down
	MS_DEAD=$(now_ms)
}
# returns NETNS: it has been started again, with what it knew
returns() {
	local id=${MEMBER[$1]}

	ip -n "$1" link set sync0 up
	ip -n "$1" link set lan0 up
	ip -n "$1" addr replace "10.9.0.$id/24" dev sync0
	ip -n "$1" addr replace "10.8.0.$id/24" dev lan0
	agent_start "$1"
}
# somebody_owns NETNS...
somebody_owns() {
	local ns

	for ns in "$@"; do
		! says "$ns" state owner || return 0
	done
	return 1
}
# heirs NAME DEAD SURVIVOR...: after DEAD, the owner, has died
heirs() {
	local name=$1 dead=$2 ms

	shift 2
	check "$name: one takes over" wait_for 10 somebody_owns "$@"
	ms=$(($(now_ms) - MS_DEAD))
	check "$name: one owner, the others in sync, the address there" \
		wait_for 20 owner_among "$@"
	figure "$name: $(name_of "$OWNER") owns after $ms ms, all in sync after" \
		"$(($(now_ms) - MS_DEAD)) ms"
	check "$name: 0 missing, 0 different, compared with the dead one" \
		equal 10 "$dead" "$OWNER"
	[ $# -eq 1 ] ||
		check "$name: and with the other members" equal 10 "$OWNER" "${OTHERS[@]}"
	check "$name: the address answers" wait_for 3 answers
}

check "three: in sync" faults_start "$A" "$B" "$D" || finish
owner_among "$A" "$B" "$D" > /dev/null
check "three: changes are told to all" busy 2
dies "$A"
heirs "three: the owner dies" "$A" "$B" "$D"
dead=$OWNER left=${OTHERS[0]}
check "three: changes go on" busy 1
dies "$dead"
heirs "three: the next owner dies" "$dead" "$left"
returns "$A"
check "three: the first is back: in sync" wait_for 20 owner_among "$left" "$A"
returns "$dead"
check "three: the second is back: in sync" wait_for 20 owner_among "$left" "$A" "$dead"
check "three: all equal" equal 10 "$OWNER" "${OTHERS[@]}"

agent_start "$E" "$F"
check "five: in sync" wait_for 20 owner_among "$A" "$B" "$D" "$E" "$F" || finish
check "five: changes are told to all" busy 2
# A backup: the owner does not mind.
dead=${OTHERS[3]} epoch=$(field "$OWNER" epoch)
dies "$dead"
forgotten() { peer_is "$OWNER" "$(name_of "$dead")" alive false; }
check "five: a backup dies: the owner knows" wait_for 10 forgotten
check "five: a backup dies: nobody took over" field_is "$OWNER" epoch "$epoch"
rest=("$OWNER" "${OTHERS[@]:0:3}")
check "five: a backup dies: changes are told to the others" owner_among "${rest[@]}"
check "five: a backup dies: changes go on" busy 1
was=$OWNER
dies "$was"
heirs "five: then the owner" "$was" "${rest[@]:1}"
check "five: changes go on" busy 1
was2=$OWNER rest=("${OTHERS[@]}")
dies "$was2"
heirs "five: then the next one" "$was2" "${rest[@]}"
for ns in "$dead" "$was" "$was2"; do
	returns "$ns"
done
check "five: all are back, in sync" wait_for 20 owner_among "${rest[@]}" "$dead" "$was" "$was2"
check "five: all equal" equal 10 "$OWNER" "${OTHERS[@]}"

for ns in "${OTHERS[@]}" "$OWNER"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B" "$D" "$E" "$F"
finish

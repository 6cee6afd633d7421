#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Somebody on the sync LAN who has no key, against two gateways at work: forged,
# damaged and recorded datagrams, recordings of before a restart and of another
# group, floods.  ATTACK_DATAGRAMS (200000) are sent in all; a million more are
# the affair of agent/tests/test_attack.c.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"
# A busy machine makes nobody dead.
DEAD_AFTER=$PATIENT

E=gwE-$TAG X=x-$TAG
gateways
add_ns "$E" "$X"
sync_lan "$A" "$B" "$E" "$X"
gwsync key generate "$TMP/key" > /dev/null || bail "no key"
agent_config "$A" 1 1 "$TMP/key"
agent_config "$B" 1 2 "$TMP/key"
# The hardest neighbour: the same key, a member id of ours.
agent_config "$E" 2 1 "$TMP/key"
TOTAL=0 FLOWS=2000 DPORT=2000

# refused NETNS: datagrams that were not believed, whatever the reason
refused() {
	{ ask "$1" stats --json; ask "$1" status --json; } | awk '
		/^  "/ { section = $1 }
		section == "\"dropped\":" && /^    "/ { n += $2 }
		section == "\"session\":" && $1 == "\"present\":" { n += $2 }
		$1 == "\"rx_empty\":" { n += $2 }
		END { print n + 0 }'
}
# socket NETNS: bytes that wait in the group's socket, and datagrams lost there
socket() {
	in_ns "$1" awk '$2 ~ /:1FB4$/ { split($5, q, ":"); print q[2], $NF }' /proc/net/udp
}
lost() { socket "$1" | cut -d' ' -f2; }
drained() { shows "^00000000 " socket "$1"; }
cpu_ns() { cut -d' ' -f1 "/proc/${AGENT[$1]}/schedstat"; }
rss_kb() { awk '/^RssAnon/ { print $2 }' "/proc/${AGENT[$1]}/status"; }
now_ms() { awk '{ print int($1 * 1000) }' /proc/uptime; }
# told PATTERN: how often both logs say so
told() { cat "$TMP/$A.log" "$TMP/$B.log" | grep -c -- "$1"; }
# state: all that an attack must not change
state() {
	local ns

	for ns in "$A" "$B"; do
		ask "$ns" status --json |
			sed -En "s/^  \"(state|owner|epoch|in_sync)\": (.*),$/$ns \\1 \\2/p"
	done
	echo "sessions $(told 'new session') deaths $(told 'is dead') owners $(told 'OWNER')"
}
unmoved() {
	state > "$TMP/state.now"
	diff "$TMP/state" "$TMP/state.now"
}
arrived() { eq "$(with_dport "$BACKUP" "$1")" "$2"; }

# more COUNT: flows at the owner, which the backup must get
more() {
	DPORT=$((DPORT + 1)) FLOWS=$((FLOWS + $1))
	make_flows "$OWNER" $DPORT "$1"
}

# Packets that found no room on their way, in whatever netns
backlog() {
	local n=0 drops

	while read -r _ drops _; do
		n=$((n + 16#$drops))
	done < /proc/net/softnet_stat
	echo $n
}

# all_refused NETNS SENT REFUSED LOST BACKLOG: before; each datagram was, or was lost
all_refused() {
	local refused lost

	wait_for 10 drained "$1" || return 1
	refused=$(($(refused "$1") - $3)) lost=$(($(lost "$1") - $4 + $(backlog) - $5))
	echo "sent $2, refused $refused, lost $lost"
	[ "$refused" -le "$2" ] && [ $((refused + lost)) -ge "$2" ]
}
# spent NETNS: CPU time since all began, when nothing waits any more
spent() {
	wait_for 10 drained "$1"
	cpu_ns "$1"
}

# volley NAME FILE KIND COUNT [NAME=VALUE...]: while connections come
volley() {
	local name=$1 file=$2 kind=$3 count=$4 ns began drops
	local -A was was_lost cpu

	shift 4
	for ns in "$A" "$B"; do
		was[$ns]=$(refused "$ns") was_lost[$ns]=$(lost "$ns")
	done
	drops=$(backlog) cpu[$A]=$(cpu_ns "$A") cpu[$B]=$(cpu_ns "$B") began=$(now_ms)
	spawn shot "$X" attack send sync0 "$file" "$kind" "$count" "seed=$RANDOM" "$@"
	more 20
	[ -z "$FLOOD" ] || during "$name" "$SPAWNED"
	wait "$SPAWNED"
	# Of one datagram, less what goes on anyway
	for ns in "$A" "$B"; do
		cpu[$ns]=$((($(spent "$ns") - cpu[$ns] -
			QUIET * ($(now_ms) - began) / 1000) / count))
	done
	check "$name: they were sent" said shot "^sent" && diag < "$TMP/shot"
	echo "# $name: CPU of one: ${cpu[$A]} ns, ${cpu[$B]} ns"
	TOTAL=$((TOTAL + count))
	for ns in "$A" "$B"; do
		check "$name: all are refused" all_refused "$ns" "$count" "${was[$ns]}" \
			"${was_lost[$ns]}" "$drops" && diag < "$TMP/out"
	done
}
FLOOD=
# during NAME PID: the group goes on while this process sends
during() {
	check "$1: flows reach the backup meanwhile" wait_for 5 arrived $DPORT 20
	check "$1: it still goes on" kill -0 "$2"
}
# settled NAME: after it all
settled() {
	check "$1: all flows have reached the backup" same $FLOWS "$OWNER" "$BACKUP"
	check "$1: nobody has moved, no session began, in sync" wait_for 10 unmoved
}
# record FILE: what goes over the LAN while connections come
record() {
	spawn record "$X" attack record sync0 "$1" 3
	wait_for 5 said record listening
	for _ in 1 2 3 4 5 6; do
		more 50
		sleep 0.3
	done
	wait_for 10 said record "^recorded"
	attack list "$1" | diag
}

agent_start "$A"
check "owner" wait_for 5 field_is "$A" state owner || finish
agent_start "$B" "$E"
OWNER=$A BACKUP=$B
make_flows "$A" 1001 2000
check "in sync" wait_for 10 in_sync "$A" "$B" || finish
check "another group is there" wait_for 5 field_is "$E" state owner
check "recorded" record "$TMP/first"
check "recordings of both members and of the other group" \
	eq "$(attack list "$TMP/first" | sed 's/ key.*//' | sort | uniq | tr '\n' ' ')" \
	"group=1 member=1 group=1 member=2 group=2 member=1 "
agent_end "$E"
ip -n "$E" link del sync0
heard_group() { attack list "$TMP/first" | grep -c "group=1 .*heartbeats=[1-9]"; }
check "heartbeats too" eq "$(heard_group)" 2

# What a gateway that is left alone takes a second.
quiet=$(cpu_ns "$A") began=$(now_ms)
sleep 4
QUIET=$((($(cpu_ns "$A") - quiet) * 1000 / ($(now_ms) - began)))
echo "# quiet: $QUIET ns a second"

# Slow enough for each to be served at once, on a busy machine too.
N=4000 RATE=2000
state > "$TMP/state"
for kind in random magic head boot flip cut splice replay; do
	volley "$kind" "$TMP/first" $kind $N rate=$RATE
done
volley "short forgeries" "$TMP/first" head $N rate=$RATE len=68
volley "long forgeries" "$TMP/first" head $N rate=$RATE len=1472
volley "another group, made ours" "$TMP/first" replay $N rate=$RATE group=1
settled "forgeries"

agent_crash "$B"
agent_start "$B"
check "the backup's agent has restarted" wait_for 10 in_sync "$A" "$B"
state > "$TMP/state"
volley "recordings of before the backup restarted" "$TMP/first" replay $N rate=$RATE
settled "recordings"
check "record again" record "$TMP/second"

agent_crash "$A"
agent_start "$A"
OWNER=$B BACKUP=$A
check "the owner's agent has restarted" wait_for 10 in_sync "$B" "$A"
state > "$TMP/state"
volley "recordings of two lives ago" "$TMP/first" replay $N rate=$RATE
volley "recordings of before the owner restarted" "$TMP/second" replay $N rate=$RATE
settled "older recordings"
check "record once more" record "$TMP/third"
rss=$(rss_kb "$B")

# 64 former lives of each, all of them replayed while either side starts again: who
# starts meets them before anything that is new, those of its own id as well.
LIVES=64
met() { grep -c "new session" "$TMP/$1.log"; }
meets() { ge "$(met "$1")" $(($2 + 1)); }
live_and_die() {
	local i a b

	for ((i = 0; i < LIVES; i++)); do
		a=$(met "$A") b=$(met "$B")
		agent_start "$A" "$B"
		wait_for 10 meets "$A" "$a" && wait_for 10 meets "$B" "$b" || return 1
		agent_crash "$A"
		agent_crash "$B"
	done
}
agents_end() { agent_end "$BACKUP" && agent_end "$OWNER"; }
check "both end" agents_end
spawn record "$X" attack record sync0 "$TMP/lives" 900
recorder=$SPAWNED
lines=$(told .)
check "a recorder listens" wait_for 5 said record listening
check "$LIVES lives of each" live_and_die
kill -INT "$recorder"
check "recorded" wait_for 10 said record "^recorded"
lives() { attack list "$TMP/lives" | grep -c "group=1 member=$1 .*heartbeats=[1-9]"; }
check "heartbeats of each life of gw1" ge "$(lives 1)" $LIVES
check "and of gw2" ge "$(lives 2)" $LIVES
agent_start "$A"
check "gw1 owns" wait_for 10 field_is "$A" state owner
agent_start "$B"
check "gw2 follows" wait_for 10 in_sync "$A" "$B"
OWNER=$A BACKUP=$B
spawn shot "$X" attack send sync0 "$TMP/lives" replay 100000000 rate=4000
shooter=$SPAWNED
more 20
check "all lives at once: changes go on" wait_for 10 arrived $DPORT 20
agent_crash "$B"
agent_start "$B"
check "the backup starts among them: in sync" wait_for 20 in_sync "$A" "$B"
agent_crash "$A"
agent_start "$A"
OWNER=$B BACKUP=$A
check "the owner starts among them: the backup owns, in sync" wait_for 20 in_sync "$B" "$A"
more 20
check "and changes go on" wait_for 10 arrived $DPORT 20
check "it was going on all the time" kill -0 "$shooter"
kill "$shooter"
wait_for 10 drained "$A" && wait_for 10 drained "$B"
former() { ask "$1" stats --json | awk '$1 == "\"former\":" { print $2 + 0 }'; }
check "recordings of a member's own lives are known as such" \
	ge "$(($(former "$A") + $(former "$B")))" 1
state > "$TMP/state"
settled "former lives"
# Each start and end has its lines; they are no attacker's doing.
lines=$(($(told .) - lines))
check "record once more" record "$TMP/third"
rss=$(rss_kb "$B")

# As fast as it goes.
FLOOD=1
left=$((${ATTACK_DATAGRAMS:-200000} - TOTAL))
volley "flood" "$TMP/third" head $((left / 2)) len=1000
volley "flood of everything" "$TMP/third" flip $((left - left / 2))
settled "floods"
check "$TOTAL datagrams in all" ge $TOTAL "${ATTACK_DATAGRAMS:-200000}"
check "memory is bounded" ge $((rss + 1024)) "$(rss_kb "$B")"
check "the log is bounded" ge 300 $(($(told .) - lines))
check "agents end well" agents_end
logs_if_failed "$A" "$B"
finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What one file leaves for another is used there; arguments may be left out.
# shellcheck disable=SC2034,SC2120
# The workloads, each in fresh daemons on empty tables. SYSTEM, WORKLOAD and FLOWS
# say what is to be done.

declare -A SNAP=() LOAD=() SETTLE=()
SETTLED_CPU=0

say() { echo "# $*"; }

# result KEY VALUE [WORKLOAD]: absent is absent
result() { [ -z "$2" ] || echo "result $SYSTEM ${3:-$WORKLOAD} $FLOWS $1 $2"; }

# fail REASON...: this line of the plan is over
fail() {
	local side

	result failed "$*"
	for side in a b; do
		[ ! -s "$RUN/$side.log" ] || tail -n 5 "$RUN/$side.log" | sed "s/^/# $side: /"
	done
	system_stop
	exit 1
}

# pairs ARRAY [PREFIX]: lines KEY=VALUE from stdin
pairs() {
	local -n into=$1
	local key value

	while IFS='=' read -r key value; do
		into[${2:-}$key]=$value
	done
}

# snap NAME: what all counters say now
snap() {
	# shellcheck disable=SC2046
	pairs SNAP "$1." < <(meter snap $(daemons))
	[ "${SNAP[$1.cpu]:-}" ] || fail "meter failed"
}
# diff KEY FROM TO: by how much it grew; from 0 if it was not there
diff() {
	[ "${SNAP[$3.$1]:-}" ] && echo $((SNAP[$3.$1] - ${SNAP[$2.$1]:-0}))
}

# load_run OPTION...: LOAD has what it did; at the line's RATE, if it has one
load_run() {
	LOAD=()
	pairs LOAD < <("${PACKETS[@]}" ${RATE:+--rate "$RATE"} "$@" 2>&1)
	[ "${LOAD[ns]:-}" ] || fail "load $*: ${!LOAD[*]}"
	[ "${LOAD[lost]}" -eq 0 ] || say "load $*: ${LOAD[lost]} flows lost, firewall" \
		"dropped $(dropped gwA)/$(dropped gwB)"
	# Few may be, on a slow machine; what is measured of more is something else.
	[ $((LOAD[lost] * 100)) -le $((LOAD[flows] + LOAD[lost])) ] ||
		fail "${LOAD[lost]} flows of $((LOAD[flows] + LOAD[lost])) were lost"
}

# settled_snap NAME: when all that the flows caused is done. The meter's own work is
# not the system's.
settled_snap() {
	settle_once
	snap "$1"
	# Asked only now: the question costs, too.
	if [ "$SYSTEM" = conntrackd ] && [ "${DAEMON[a]:-}" ] && conntrackd_behind; then
		say "conntrackd lost events: waiting for its resync"
		result overrun 1
		until_ok 240 conntrackd_resynced || fail "no resync"
		settle_once
		snap "$1"
	fi
}
settle_once() {
	# shellcheck disable=SC2046
	pairs SETTLE < <(meter settle "$SETTLE_LIMIT" $(daemons))
	[ "${SETTLE[settled]:-0}" = 1 ] || say "not settled after ${SETTLE[ms]:-?} ms"
	SETTLED_CPU=$((SETTLED_CPU + ${SETTLE[cpu]:-0}))
}

# both_up: owner and backup, nothing going on
both_up() {
	system_start a && system_ready a 60 || fail "active does not start"
	system_start b && system_ready b 60 || fail "backup does not start"
	still ready still 1
	warm
	fixed
}

# warm: some flows that come and go, so that nothing measured is done for the first
# time: memory, and above all the translation of code by QEMU
warm() {
	load_run udp 4100000 3000
	settle_once
	gateways_flush
	settle_once
}

# still FROM TO SECONDS: nothing goes on but heartbeats and the like; from now on
# METER_IDLE has what settling must not wait for
still() {
	local key

	snap "$1"
	sleep "$3"
	snap "$2"
	# Half as much again: heartbeats come in steps.
	METER_IDLE=0
	for key in kworker a b; do
		METER_IDLE=$((METER_IDLE + $(diff exec.$key "$1" "$2" || echo 0)))
	done
	export METER_IDLE=$((METER_IDLE * 1500 / $(diff mono "$1" "$2")))
}

# fixed: what a system has without any flow
fixed() {
	still fixed idle 2
	result fixed_a_bytes "${SNAP[fixed.cg.a]:-}"
	result fixed_b_bytes "${SNAP[fixed.cg.b]:-}"
	[ "$SYSTEM" != gwsync ] ||
		result module_bytes "$(awk '$1 == "gwsync" { print $2 }' /proc/modules)"
	# To be told from the flows'.
	result idle_span_ns "$(diff mono fixed idle)"
	result idle_cpu_ns "$(diff cpu fixed idle)"
	result idle_a_ns "$(diff exec.a fixed idle)"
	result idle_b_ns "$(diff exec.b fixed idle)"
	result idle_wire_bytes "$(wire fixed idle bytes)"
}

# wire FROM TO bytes|packets: sent over the sync link, by both
wire() {
	echo $(($(diff "tx$3.gwA" "$1" "$2") + $(diff "tx$3.gwB" "$1" "$2")))
}

# costs FROM TO [WORKLOAD]: of all that happened in between
costs() {
	local from=$1 to=$2 key side

	result span_ns "$(diff mono "$from" "$to")" "${3:-}"
	result cpu_ns $(($(diff cpu "$from" "$to") - SETTLED_CPU)) "${3:-}"
	for key in kworker ksoftirqd kernel; do
		result "${key}_ns" "$(diff exec.$key "$from" "$to")" "${3:-}"
	done
	for side in "${!DAEMON[@]}"; do
		result "${side}_ns" "$(diff "exec.$side" "$from" "$to")" "${3:-}"
		result "${side}_user_ns" "$(diff "user.$side" "$from" "$to")" "${3:-}"
		result "${side}_sys_ns" "$(diff "sys.$side" "$from" "$to")" "${3:-}"
		result "mem_${side}_bytes" "$(diff "cg.$side" "$from" "$to")" "${3:-}"
		result "peak_${side}_bytes" "$((SNAP[$to.cgpeak.$side] - SNAP[$from.cg.$side]))" \
			"${3:-}"
	done
	result slab_bytes "$(diff slab "$from" "$to")" "${3:-}"
	result wire_bytes "$(wire "$from" "$to" bytes)" "${3:-}"
	result wire_packets "$(wire "$from" "$to" packets)" "${3:-}"
}

# traffic FROM TO OPTION...: load, and all that it caused, between two snapshots
traffic() {
	local from=$1 to=$2

	shift 2
	SETTLED_CPU=0
	snap "$from"
	load_run "$@"
	settled_snap "$to"
}
# throughput [WORKLOAD]
throughput() {
	result flows "${LOAD[flows]}" "${1:-}"
	result lost "${LOAD[lost]}" "${1:-}"
	result load_ns "${LOAD[ns]}" "${1:-}"
	result packets "${LOAD[packets]}" "${1:-}"
}

# take_over: the active is without power, the backup gets the order
take_over() {
	[ "$SYSTEM" != none ] || return 0
	system_lose a
	system_prepare || fail "no order to give"
	calm
	snap lost
	system_take_over || fail "order to activate failed"
	settled_snap live
	commit
}
# calm: what it costs to look on while nothing happens
calm() {
	snap calm0
	[ "$SYSTEM" = gwsync ] || timeout 10 true
	SETTLED_CPU=0
	settled_snap calm1
	CALM=$(($(diff cpu calm0 calm1) - SETTLED_CPU))
	SETTLED_CPU=0
}
# commit [WORKLOAD]: what the order has cost
commit() {
	result commit_ns $(($(diff cpu lost live) - SETTLED_CPU - CALM)) "${1:-}"
	result commit_flows "$(flows gwA)" "${1:-}"
}

# compare: gwB's table with gwA's
compare() {
	local said

	[ "$SYSTEM" != none ] || return 0
	said=$(timeout "$SETTLE_LIMIT" ctcompare gwA gwB)
	grep -v '^flows' <<< "$said" | head -n 6 | sed 's/^/# /'
	# flows A/B equal N different N missing N extra N ...
	# shellcheck disable=SC2046
	set -- $(grep '^flows' <<< "$said")
	[ "${9:-}" ] || fail "no comparison"
	result compared "${2%/*}"
	result different "$6"
	result missing "$8"
	result extra "${10}"
}

# What the kernel itself needs, on which every system builds: for the entry of a
# translated flow, which is what its first two packets cost more than the same two
# again; and for events, if somebody wants any, a packet.
workload_floor() {
	warm
	traffic n0 n1 udp 0 "$FLOWS"
	result new_ns $(($(diff cpu n0 n1) - SETTLED_CPU))
	traffic n2 n3 udp 0 "$FLOWS"
	result again_ns $(($(diff cpu n2 n3) - SETTLED_CPU))
	result again_packets "${LOAD[packets]}"
	gateways_flush
	floor_busy "$FLOWS" quiet_ns
	ip netns exec gwA sysctl -qw net.netfilter.nf_conntrack_events=1
	floor_busy $((2 * FLOWS)) events_ns
	result busy_packets "${LOAD[packets]}"
	# Events need an extension of each entry, whoever wants them.
	result quiet_slab_bytes "$(diff slab n0 n1)"
	gateways_flush
	settle_once
	traffic s0 s1 udp $((3 * FLOWS)) "$FLOWS"
	result events_slab_bytes "$(diff slab s0 s1)"
	ip netns exec gwA sysctl -qw net.netfilter.nf_conntrack_events=2
}
# floor_busy FIRST KEY
floor_busy() {
	load_run tcp-open "$1" "$FLOWS"
	settle_once
	traffic e0 e1 tcp-data "$1" "$FLOWS" 0 "$ROUNDS"
	result "$2" $(($(diff cpu e0 e1) - SETTLED_CPU))
}

workload_udp_new() {
	both_up
	udp_new
}
udp_new() {
	traffic t0 t1 udp 0 "$FLOWS"
	throughput
	costs t0 t1
	take_over
	compare
}

# The same while others listen to the active's events. They have room for all of them
# and read none until it is over: what they do with them is their own.
workload_udp_heard() {
	local i pid listeners=() heard

	both_up
	for ((i = 0; i < HEARD_BY; i++)); do
		listener gwA buffer=$((1 << 28)) > "$RUN/heard.$i" 2>&1 &
		listeners+=($!)
		until_ok 10 grep -q ready "$RUN/heard.$i" || fail "nobody listens"
	done
	udp_new
	for ((i = 0; i < HEARD_BY; i++)); do
		pid=${listeners[i]}
		kill -USR1 "$pid"
		until_ok 60 grep -q empty "$RUN/heard.$i" || fail "a listener does not end reading"
		kill "$pid"
		wait "$pid"
		heard=$(sed -n 's/^new \([0-9]*\) .* overruns 0$/\1/p' "$RUN/heard.$i")
		[ "$heard" ] || fail "a listener missed events"
		result heard "$heard"
	done
}

# The whole life: the end of each connection as well, which would come by a timeout.
# Then as many again, which are still there to be taken over and compared.
workload_tcp_short() {
	both_up
	traffic t0 t1 tcp-short 0 "$FLOWS"
	throughput
	result run_wire_bytes "$(wire t0 t1 bytes)"
	ip netns exec gwA conntrack -D -p tcp > /dev/null 2>&1
	settled_snap t2
	costs t0 t2
	result left "$(system_flows)"
	traffic t3 t4 tcp-short "$FLOWS" "$FLOWS"
	take_over
	compare
}

workload_tcp_stay() {
	both_up
	traffic t0 t1 tcp-open 0 "$FLOWS"
	throughput
	costs t0 t1
	busy
	take_over
	compare
}

# The same connections, with traffic: nothing of their state changes.
workload_tcp_busy() {
	both_up
	load_run tcp-open 0 "$FLOWS"
	settle_once
	busy
}
busy() {
	local RATE=		# of flows that begin

	traffic b0 b1 tcp-data 0 "$FLOWS" 0 "$ROUNDS"
	throughput tcp_busy
	costs b0 b1 tcp_busy
}

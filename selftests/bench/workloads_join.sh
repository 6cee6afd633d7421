# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What one file leaves for another is used there; arguments may be left out.
# shellcheck disable=SC2034,SC2120
# Workloads whose flows are there before the backup is, and the stopped agent.

LIVE=			# load that goes on beside what is measured

# live_start FIRST: some new flows a second, until live_stop
live_start() {
	"${PACKETS[@]}" --lossy --rate "$LIVE_RATE" --seconds "$LINE_LIMIT" udp "$1" \
		$((LIVE_RATE * LINE_LIMIT)) > "$RUN/live" 2>&1 &
	LIVE=$!
	sleep 1
}
live_stop() {
	kill "$LIVE" 2> /dev/null
	wait "$LIVE" 2> /dev/null
	LIVE=
}

# How many of them are TCP connections that stay: the last ones, since it is on such
# that the way is tried. The rest is UDP, which takes less time to make.
connections() { echo $((FLOWS < 2000 ? FLOWS / 2 : 1000)); }

make_flows() {
	local tcp

	tcp=$(connections)
	load_run udp 0 $((FLOWS - tcp))
	load_run tcp-open $((FLOWS - tcp)) "$tcp"
	[ "$(flows gwA)" -ge "$FLOWS" ] || fail "only $(flows gwA) flows of $FLOWS"
}

# active_full: an active with all flows, no backup yet. conntrackd reads them when it
# starts, which is faster than by events. gwsync is there first, as it would be:
# flows that are older than it have no event extension.
active_full() {
	case $SYSTEM in
	conntrackd)
		make_flows
		system_start a && system_ready a 120 || fail "active does not start"
		until_ok 300 owns_all || fail "active has $(system_own) of $FLOWS flows"
		;;
	*)
		system_start a && system_ready a 60 || fail "active does not start"
		make_flows
		;;
	esac
	settle_once
}
owns_all() { [ "$(system_own)" -ge "$FLOWS" ]; }

# join: from the start of the backup's daemon until it has every flow, and says so;
# JOIN_MS
join() {
	local begin end

	SETTLED_CPU=0
	snap j0
	begin=$(now_ms)
	end=$((SECONDS + SETTLE_LIMIT))
	system_start b && until_ok 120 system_answers b || fail "backup does not start"
	system_join
	wait_joined "$FLOWS"
	# Live flows are under way: all that the active has now.
	wait_joined "$(system_own)"
	JOIN_MS=$(($(now_ms) - begin))
}
# To look is not for nothing: at each twentieth of the time.
wait_joined() {
	local took

	until system_joined "$1"; do
		[ "$SECONDS" -lt "$end" ] ||
			fail "the backup has $(system_flows) of $(system_own) flows"
		took=$(($(now_ms) - begin))
		sleep "$(printf '0.%03d' $((took < 2000 ? 100 : took < 19000 ? took / 20 : 999)))"
	done
}
now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }

# activate: the last connection, from the order until it passes a packet
activate() {
	local -A PROBE=()

	system_lose a
	system_prepare || fail "no order to give"
	calm
	snap lost
	pairs PROBE < <(system_probe $((FLOWS - 1)) 0 2> "$RUN/probe.log")
	[ "${PROBE[passed_ms]:-}" ] || fail "no packet passed: $(tail -n 1 "$RUN/probe.log")"
	settled_snap live
	result command_ms "${PROBE[command_ms]}" activate
	result first_ms "${PROBE[first_ms]}" activate
	result passed_ms "${PROBE[passed_ms]}" activate
	commit activate
	result settle_ms "${SETTLE[ms]}" activate
	# The probe has changed it on the backup alone.
	forget $((FLOWS - 1))
}
# forget K: no gateway knows this connection any more
forget() {
	local gw

	for gw in gwA gwB; do
		ip netns exec $gw conntrack -D -p tcp -s "10.1.$((1 + ($1 >> 14))).10" \
			--sport $((1024 + ($1 & 16383))) --dport $((7000 + ($1 >> 14))) \
			> /dev/null 2>&1
	done
}

compare_if_small() {
	[ "$FLOWS" -gt "$COMPARE_MOST" ] || compare
}

workload_activate() {
	workers everywhere
	active_full
	join
	still joined joined_still 1
	settle_once
	activate
	compare_if_small
}

# Few packets, and all that the two daemons can: they work on every CPU.
# The same backup is then activated: this gives the results of activate as well.
workload_full_sync() {
	workers everywhere
	active_full
	live_start "$FLOWS"
	join
	snap j1
	result ms "$JOIN_MS"
	result joined "$(system_flows)"
	costs j0 j1
	live_stop
	still joined joined_still 1
	settle_once
	activate
	compare_if_small
}

# overload: new flows as fast as they go, the active's daemon stopped for 5 s
workload_overload() {
	local pid begin key

	# nobody takes over meanwhile
	PATIENCE=$((PATIENCE < 70 ? 70 : PATIENCE))
	both_up
	snap t0
	SETTLED_CPU=0
	begin=$(now_ms)
	stopped a STOP
	"${PACKETS[@]}" --lossy --seconds $((OVERLOAD_S + 3)) udp 0 "$FLOWS" > "$RUN/overload" 2>&1 &
	pid=$!
	while [ $(($(now_ms) - begin)) -lt $((OVERLOAD_S * 1000 - 600)) ]; do
		sleep 0.5
		overload_sample
	done
	while [ $(($(now_ms) - begin)) -lt $((OVERLOAD_S * 1000)) ]; do
		sleep 0.05
	done
	stopped a CONT
	wait "$pid"
	LOAD=()
	pairs LOAD < "$RUN/overload"
	[ "${LOAD[ns]:-}" ] || fail "load failed"
	until_ok 60 system_whole || fail "never in sync again"
	settled_snap t1
	throughput
	costs t0 t1
	if [ "$SYSTEM" = gwsync ]; then
		for key in ring_overrun walks coalesced tombstones_lost congested; do
			result "a_$key" "$(gwctl -n gwA stats $key)"
		done
	fi
	take_over
	compare_if_small
}
overload_sample() {
	snap stop
	[ "${SNAP[stop.cg.a]:-}" ] || return 0
	say "stopped for $(($(now_ms) - begin)) ms: $(flows gwA) flows," \
		"$(diff cg.a t0 stop) bytes more, $(diff slab t0 stop) of slab"
}
stopped() { [ "$SYSTEM" = none ] || kill "-$2" "${DAEMON[$1]}"; }

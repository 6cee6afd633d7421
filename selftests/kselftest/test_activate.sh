#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Real connections through two strict gateways: planned from A to B, then B
# loses power and A takes over.  Everything must go on.
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/kselftest/lib_queue.sh
. "$(dirname "$0")/lib_queue.sh"

setup_net
strict "$A"
strict "$B"
check "relay attaches to both" relay_start || finish
spawn serve "$S" peer serve 7000
spawn udps "$S" peer udp-serve 7000
check "servers listen" wait_for 5 said serve ready
export PEER_SECONDS=$((20 * SCALE))
BULK=${BULK:-60000000}

# Packets of somebody else, on A, that wait for a verdict through all that follows.
packets_wait "$A"

# start ROUND: connections of each kind
start() {
	spawn_fed "idle$1" "$C" peer echo 10.2.0.2 7000 100
	spawn_fed "idle6$1" "$C" peer echo fd02::2 7000 10
	spawn_fed "dnat$1" "$C" peer echo 10.1.0.1 8080 10
	spawn_fed "udp$1" "$C" peer udp 10.2.0.2 7000 10
	for n in idle idle6 dnat udp; do
		check "$2: $n connections" wait_for 10 said "$n$1" ready
	done
	spawn "bulk$1" "$C" peer bulk 10.2.0.2 7000 "$BULK"
	spawn "sink$1" "$C" peer sink 10.2.0.2 7000 "$BULK"
	spawn "bulk6$1" "$C" peer bulk fd02::2 7000 "$BULK"
	for n in bulk sink bulk6; do
		check "$2: $n runs" wait_for 10 said "$n$1" start
	done
}
running() {
	local n

	for n in bulk sink bulk6; do
		if grep -q -E "done|failed" "$TMP/$n$1"; then
			echo "$n is over already: $(cat "$TMP/$n$1")"
			return 1
		fi
	done
}
# alive ROUND NAME: all of them answer, streams complete
alive() {
	local n

	for n in idle idle6 dnat udp; do
		feed "$n$1"
	done
	check "$2: 100 idle TCP answer" wait_for 20 said "idle$1" "alive 100 of 100"
	check "$2: 10 idle TCP over IPv6 answer" wait_for 20 said "idle6$1" "alive 10 of 10"
	check "$2: 10 TCP through DNAT answer" wait_for 20 said "dnat$1" "alive 10 of 10"
	check "$2: 10 UDP answer" wait_for 20 said "udp$1" "alive 10 of 10"
	for n in bulk sink bulk6; do
		wait_for 25 over "$n$1" > /dev/null
		check "$2: $n completes, every byte right" said "$n$1" "done $BULK of"
	done
}

# Planned, under load.
for gw in "$A" "$B"; do
	in_ns "$gw" nft "insert rule inet gw postrouting oifname n2 udp dport 7006 masquerade"
done
spawn udps6 "$S" peer udp-serve 7006
check "server of a masqueraded flow listens" wait_for 5 said udps6 ready
spawn_fed masq "$C" peer udp 10.2.0.2 7006 1
check "before switchover: masqueraded" wait_for 10 said masq ready
start 1 "before switchover"
check "full sync under load" relay_cmd sync
check "streams are running at the switchover" running 1
was=$(stat "$A" walks)
check "switchover" relay_cmd switchover
echo "# switchover:$RELAY_ANSWER us without an owner"
path B
alive 1 "switchover"
check "the background walk ends" relay_cmd settle
check "B owns all flows" eq "$(gwctl -n "$B" dump | grep -c "flags=replica")" 0
check "B re-learned TCP windows" stat_least "$B" pickup 1
demoted() { eq "$(gwctl -n "$A" dump | grep -c "flags=announced")" 0 &&
	eq "$(gwctl -n "$A" dump | grep -vc "owner=2 flags=replica")" 0; }
check "A holds replicas of B alone" wait_for 5 demoted

# A masqueraded flow's replica does not end with the address of its former owner.
lost=$(stat "$A" replicas_lost)
ip -n "$A" addr del 10.2.0.1/24 dev n2
ip -n "$A" addr add 10.2.0.1/24 dev n2
ip -n "$A" route replace 10.2.0.2/32 dev n2
sleep 1	# a worker of the kernel looks for flows to end; what does not happen shows after
check "switchover: A's address goes, its replicas do not" eq "$(stat "$A" replicas_lost)" "$lost"
feed masq
check "switchover: the masqueraded flow goes on" wait_for 20 said_times masq "alive 1 of 1" 1
check "switchover: and A has it" shows "10.1.0.2,.*>10.2.0.2,7006 " gwctl -n "$A" dump
# Nobody waits for his windows on A: at the latest the second look there sees it.
looks() { ge "$(stat "$A" walks)" $((was + 3)); }
check "switchover: A has looked for flows that wait" wait_for 15 looks
packets_go "$A"

# A flow that A has and B never knew goes with the sweep.
ctmake "$A" create src=10.9.0.1 dst=10.9.0.2 proto=17 sport=1 dport=1 timeout=600
orphan() { in_ns "$A" conntrack -L -p udp --orig-src 10.9.0.1 2> /dev/null | grep -q 10.9.0.1; }
check "full sync from B to A" relay_cmd sync
check "A and B agree" ctcompare -w $((3 * SCALE)) -k -X "$B" "$A"

# B loses power.
start 2 "before power loss"
check "full sync from B under load" relay_cmd sync
check "streams are running at the power loss" running 2
relay_cmd kill > /dev/null
ip -n "$B" link set n1 down
ip -n "$B" link set n2 down
sleep 0.3	# a blackout as long as a failure's detection
was=$(dropped "$A")
check "takeover" relay_cmd takeover
path A
alive 2 "power loss"
feed idle1; feed dnat1
check "power loss: connections older than the switchover answer" \
	wait_for 20 said_times idle1 "alive 100 of 100" 2
check "power loss: and those through DNAT" wait_for 20 said_times dnat1 "alive 10 of 10" 2
check "the background walk ends" relay_cmd settle
echo "# $(($(dropped "$A") - was)) packets dropped by the firewall, $(stat "$A" pickup) windows re-learned, $(stat "$A" pickup_refused) refused"

# Strict again: what an attacker sends from outside the window is invalid.
feed idle2
check "connections are used once more" wait_for 20 said_times idle2 "alive 100 of 100" 2
check "edges of a window" edges "$A" '[0-9]*'
check "no mark of pick-up is left on it" shows \
	"10.1.0.2,$EDGE_SPORT>10.2.0.2,7000 .*flags=announced,$" gwctl -n "$A" dump
was=$(dropped "$A")
forge_c PA "$(ahead "$EDGE0")" "$EDGE1"
forge_c PA "$EDGE0" "$(ahead "$EDGE1")"
forge_s PA "$(ahead "$EDGE1")" "$EDGE0"
forge_s PA "$EDGE1" "$(ahead "$EDGE0")"
forge_c R "$(ahead "$EDGE0")" 0
forged() { ge "$(($(dropped "$A") - was))" 100; }
check "100 forged segments of a used connection are invalid" wait_for 3 forged
feed idle2
check "its owner did not notice" wait_for 20 said_times idle2 "alive 100 of 100" 3
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the filter names is left out: protocols, zones, marks, prefixes at the
# true ends, ports; and flows younger than the hold time.
. "$(dirname "$0")/lib.sh"

gateways
check "relay attaches to both" relay_start || finish
U="src=10.1.0.2 dst=10.2.0.2 proto=17 timeout=600"
PORT=1000

in_b() { gwctl -n "$B" dump | grep -q "$1"; }

# left_out NAME FILTER... -- FLOW...: not in B, but a flow beside it is
left_out() {
	local name=$1 filter=()

	shift
	while [ "$1" != -- ]; do
		filter+=("$1")
		shift
	done
	shift
	check "$name: set" gwctl -n "$A" filter "${filter[@]}" || return
	PORT=$((PORT + 2))
	ctmake "$A" create "$@" || { not_ok "$name: flow"; return; }
	ctmake "$A" create src=10.7.0.1 dst=10.7.0.2 proto=50 timeout=600
	check "$name: another flow passes" wait_for 3 in_b "10.7.0.1"
	relay_cmd drain 50 > /dev/null
	check "$name: left out" eq "$(gwctl -n "$B" dump | wc -l)" 1
	# Its end is not told either: B never knew it.
	in_ns "$A" conntrack -F > /dev/null 2>&1
	check "$name: all gone" ctcompare -w $((2 * SCALE)) -m 0 "$A" "$B"
}

left_out "protocol" proto 17 -- $U sport=1 dport=53
left_out "zone" zone 5 -- $U sport=1 dport=53 zone=5
left_out "mark" mark 0x10/0xf0 -- $U sport=1 dport=53 mark=0x1a
left_out "source prefix" prefix 10.1.0.0/16 -- $U sport=1 dport=53
left_out "server prefix" prefix 10.2.0.2/32 -- $U sport=1 dport=53
left_out "server prefix behind DNAT" prefix 10.8.0.9/32 -- $U sport=1 dport=53 \
	dnat=10.8.0.9
left_out "ipv6 prefix" prefix fd02::/64 -- src6=fd01::2 dst6=fd02::2 proto=17 timeout=600 \
	sport=1 dport=53
left_out "port" port 17:53 -- $U sport=1 dport=53
left_out "TCP state" tcp 7 -- src=10.1.0.2 dst=10.2.0.2 proto=6 timeout=600 sport=1 dport=53 \
	tcp_state=7
left_out "several at once" proto 6 port 17:53 mark 1/1 -- $U sport=1 dport=53
check "filtered flows are counted" stat_least "$A" filtered 10

# What a filter does not name.
gwctl -n "$A" filter port 17:53 mark 0x10/0xf0 zone 5 prefix 10.9.0.0/16 prefix 10.2.0.1/32
ctmake "$A" create $U sport=1 dport=54
ctmake "$A" create $U sport=1 dport=55 mark=0x2a
ctmake "$A" create $U sport=1 dport=56 zone=6
ctmake "$A" create src=10.1.0.2 dst=10.2.0.2 proto=6 dport=53 sport=1 timeout=600 tcp_state=3
ctmake "$A" create $U sport=1 dport=57 snat=10.2.0.1
check "others pass" ctcompare -w $((2 * SCALE)) -m 5 "$A" "$B"

# The filter is replaced whole; a full sync follows it both ways.
check "an empty filter" gwctl -n "$A" filter
ctmake "$A" create $U sport=2 dport=53
check "lets all pass" ctcompare -w $((2 * SCALE)) -m 6 "$A" "$B"
gwctl -n "$A" filter proto 6
check "a full sync with a new filter" relay_cmd sync
no_tcp() { ! in_b "proto=6 "; }
check "removes what is filtered now" wait_for 3 no_tcp
gwctl -n "$A" filter

# A TCP flow is left out as long as it is in a state that the filter names.
T="src=10.1.0.2 dst=10.2.0.2 proto=6 timeout=600 sport=9 dport=80"
here() { in_b "proto=6 10.1.0.2,9>.* tcp=$1,"; }
gone() { ! in_b "proto=6 10.1.0.2,9>"; }
check "TCP states: set" gwctl -n "$A" filter tcp 1 tcp 7
ctmake "$A" create $T status=0x0e tcp_state=3
check "TCP states: another passes" wait_for 3 here 3
ctmake "$A" update $T tcp_state=7
check "TCP states: one that comes to it is taken back" wait_for 3 gone
ctmake "$A" update $T tcp_state=4
check "TCP states: one that leaves it is told" wait_for 3 here 4
check "TCP states: a full sync" relay_cmd sync
check "TCP states: has it" here 4
ctmake "$A" update $T tcp_state=7
check "TCP states: and it is taken back again" wait_for 3 gone
check "TCP states: a full sync leaves it out" relay_cmd sync
check "TCP states: it is not there" gone
check "TCP states: switchover" relay_cmd switchover
check "TCP states: the background walk ends" relay_cmd settle
check "TCP states: full sync from B" relay_cmd sync
check "TCP states: and back" relay_cmd switchover
check "TCP states: the background walk ends again" relay_cmd settle
check "TCP states: still not there" gone
ctmake "$A" delete $T
gwctl -n "$A" filter

# Senseless filters are refused with a text and change nothing.
err() { "$@" | tee "$TMP/err" | grep -q "$WANT" || { cat "$TMP/err"; return 1; }; }
WANT="error EINVAL ." check "prefix 33 is refused" err gwctl -n "$A" filter prefix 10.0.0.0/33
WANT="error EINVAL ." check "prefix 129 is refused" err gwctl -n "$A" filter prefix fd00::/129
for state in 0 10 255; do
	WANT="error E[A-Z0-9]* ." check "TCP state $state is refused" err gwctl -n "$A" filter tcp $state
done
many() { for i in $(seq 300); do echo zone "$i"; done | xargs gwctl -n "$A" filter; }
WANT="error E[A-Z0-9]* ." check "300 zones are refused" err many

# Hold: a flow must live so long before it costs anything.
in_ns "$A" conntrack -F > /dev/null 2>&1
ctcompare -w $((2 * SCALE)) -m 0 "$A" "$B" > /dev/null
check "hold time" gwctl -n "$A" set hold_ms 2000
sent=$(stat "$A" records_sent)
ctmake "$A" create count=50 src=10.1.0.2 dst=10.2.0.2 proto=17 timeout=600 sport=3000 dport=53
in_ns "$A" conntrack -F > /dev/null 2>&1
ctmake "$A" create $U sport=4 dport=53
t=${EPOCHREALTIME/./}
check "a flow that lives on is synced" wait_for 5 in_b "10.1.0.2,4>"
held=$(((${EPOCHREALTIME/./} - t) / 1000))
echo "# after $held ms"
check "not before its time" ge "$held" 1500
check "flows that died young cost no record" ge 2 $(($(stat "$A" records_sent) - sent))
check "and are counted" stat_least "$A" held 50
check "not held twice" ctmake "$A" update $U sport=4 dport=53 mark=9
check "a change of an older flow goes at once" wait_for 1 in_b "mark=9"
gwctl -n "$A" set hold_ms 0
finish

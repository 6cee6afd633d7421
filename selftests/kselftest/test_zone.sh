#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two networks with the same addresses, one of them in a VRF and a zone of its own:
# flows with the same ports and the same reply tuples, in either order, with and
# without NAT chains on the backup; after a takeover nothing of one is learned, looked
# up or answered in the other.
. "$(dirname "$0")/lib.sh"

setup_net
C5=cl5-$TAG S5=sv5-$TAG
# red HOST GATEWAY NUMBER LETTER: as leg(), in the gateway's VRF
red() {
	local host=$1 gw=$2 n=$3 l=$4

	ip link add "h$l" netns "$host" type veth peer name "r$n" netns "$gw"
	ip -n "$host" link set "h$l" up
	ip -n "$gw" link set "r$n" master red up
	ip -n "$gw" addr add "10.$n.0.1/24" dev "r$n"
	ip -n "$host" addr add "10.$n.0.$((l == 1 ? 3 : 4))/32" dev "h$l"
	ip -n "$gw" route replace vrf red "10.$n.0.2/32" dev "r$n"
}
add_ns "$C5" "$S5"
for gw in "$A" "$B"; do
	ip -n "$gw" link add red type vrf table 10 || bail "no VRF"
	ip -n "$gw" link set red up
done
red "$C5" "$A" 1 1; red "$S5" "$A" 2 1
red "$C5" "$B" 1 2; red "$S5" "$B" 2 2
ip -n "$C5" addr add 10.1.0.2/32 dev lo
ip -n "$S5" addr add 10.2.0.2/32 dev lo
path5() {
	local dev=h1

	[ "$1" = B ] && dev=h2
	ip -n "$C5" route replace default via 10.1.0.1 dev $dev onlink src 10.1.0.2
	ip -n "$S5" route replace default via 10.2.0.1 dev $dev onlink src 10.2.0.2
}
path5 A
ZONES='chain zones {
		type filter hook prerouting priority raw;
		iifname { "r1", "r2", "red" } ct zone set 5
	}
	chain red {
		type nat hook postrouting priority srcnat;
		oifname "r2" ip saddr 10.1.0.0/24 snat ip to 10.2.0.1
	}'
strict "$A" "$ZONES"
check "relay attaches to both" relay_start || finish
same() { ctcompare -w $((2 * SCALE)) -r "$@" "$A" "$B"; }

# B has no rules, and no NAT, yet.
# pair NAME SPORT ZONE ZONE: the same flow in both, in this order
pair() {
	local z

	for z in "$3" "$4"; do
		ctmake "$A" create src=10.1.0.9 dst=10.2.0.9 proto=17 "sport=$2" dport=53 timeout=600 \
			status=0x0e snat=10.2.0.1 "zone=$z"
	done
	check "$1: both are in B" same zone,reply_dst -m 2
	ctmake "$A" delete src=10.1.0.9 dst=10.2.0.9 proto=17 "sport=$2" dport=53 "zone=$3"
	check "$1: the end of one leaves the other" same reply_dst -m 1
	in_ns "$A" conntrack -D --orig-src 10.1.0.9 > /dev/null 2>&1
	check "$1: both are gone" wait_for 3 eq_none
}
eq_none() { eq "$(in_ns "$B" conntrack -L --orig-src 10.1.0.9 2> /dev/null | wc -l)" 0; }
pair "B without NAT, zone 5 second" 100 0 5
pair "B without NAT, zone 5 first" 101 5 0
strict "$B" "$ZONES"
pair "B with NAT, zone 5 second" 102 0 5
pair "B with NAT, zone 5 first" 103 5 0
check "no record was refused" eq "$(stat "$B" refused_clash)" 0

# Real connections, each of the same addresses and ports in both.
spawn serve "$S" peer serve 7000
spawn serve5 "$S5" peer serve 7000
check "servers listen" wait_for 5 said serve5 ready
# open NAME NETNS SPORT
open() {
	spawn_fed "$1" "$2" socat - "TCP:10.2.0.2:7000,bind=10.1.0.2:$3"
	feed "$1" echo
	feed "$1" "$1 first"
	check "$1: answers" wait_for 10 said "$1" "$1 first"
}
open zero "$C" 30000
open five "$C5" 30000
open idle "$C" 30001
BULK=120000000
spawn bulk5 "$C5" peer bulk 10.2.0.2 7000 $BULK
check "a download in zone 5 runs" wait_for 10 said bulk5 start
check "all are in B" same zone,reply_dst -p 6
check "full sync" relay_cmd sync
check "edges of the idle connection of zone 0" edges "$A" 30001 || finish
relay_cmd kill > /dev/null
# Further than its largest window (net.ipv4.tcp_rmem: 6 MiB) beyond the last record.
check "the download runs far ahead of what B knows" receives "$C5" 8000000 20
check "and goes on" fails over bulk5
check "takeover" relay_cmd takeover
path B
path5 B

# From zone 5, with the 5-tuple of an idle connection of zone 0, which may re-learn.
was=$(dropped "$B")
# windows: of the idle connection
windows() { gwctl -n "$B" dump | sed -nE '/10.1.0.2,30001>/s/.* tcp=([^ ]*).*/\1/p'; }
before=$(windows)
C=$C5 forge_c PA "$(ahead "$EDGE0")" "$(ahead "$EDGE1")"
S=$S5 forge_s PA "$(ahead "$EDGE1")" "$(ahead "$EDGE0")"
forged() { ge "$(($(dropped "$B") - was))" 40; }
check "40 segments of zone 5 with a tuple of zone 0 are invalid" wait_for 3 forged
check "and taught the flow of zone 0 nothing" eq "$(windows)" "$before"
feed zero "zero second"
feed five "five second"
feed idle "idle second"
for n in zero five idle; do
	check "$n goes on" wait_for 10 said $n "$n second"
done
wait_for 25 over bulk5 > /dev/null
check "the download of zone 5 completes" said bulk5 "done $BULK of"
check "its windows were re-learned" stat_least "$B" pickup 1
check "the background walk ends" relay_cmd settle
finish

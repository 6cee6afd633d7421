#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Routes: what the owner's kernel forwards by is in its backup's, which forwards nothing by
# it before it owns, and all of it from then on.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

HOLD=6
faults_net "$A" "$B"
ADDRESSES="\"$VIP/24\", \"fd00:8::254/64\""
R=rtR-$TAG
add_ns "$R"
ip -n "$LAN" link add br2 type bridge mcast_snooping 0
ip -n "$LAN" link set br2 up
leg() {		# NETNS HOST: in the network of the upstream
	ip link add wan0 netns "$1" type veth peer name "w$2" netns "$LAN"
	ip -n "$LAN" link set "w$2" master br2 up
	ip -n "$1" link set wan0 up
	ip -n "$1" addr add "10.7.0.$2/16" dev wan0
	ip -n "$1" addr add "fd00:7::$2/64" dev wan0 nodad
}
leg "$R" 91
ip -n "$R" addr add 10.7.0.92/16 dev wan0
for p in 1 2; do
	ip -n "$R" addr add "20.0.$p.1/24" dev lo
	ip -n "$R" addr add "2001:db8:$p::1/48" dev lo nodad
done
for gw in "$A" "$B"; do
	leg "$gw" "${MEMBER[$gw]}"
	sysctl_ns "$gw" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$gw" addr add "fd00:8::${MEMBER[$gw]}/64" dev lan0 nodad
	faults_config "$gw"
	sed -i "/^kernel = /i routes = { fib = true; interfaces = ( \"wan0\" ); hold_s = $HOLD; };" \
		"$TMP/$gw.conf"
done
ip -n "$LAN" addr add fd00:8::100/64 dev br1 nodad
ip -n "$LAN" route add 20.0.0.0/16 via "$VIP"
ip -n "$LAN" -6 route add 2001:db8::/32 via fd00:8::254
ip -n "$R" route add 10.8.0.0/24 nexthop via 10.7.0.1 nexthop via 10.7.0.2
returns() {	# NETNS: the upstream's way back is by this gateway
	ip -n "$R" route replace 10.8.0.0/24 via "10.7.0.${MEMBER[$1]}"
	ip -n "$R" -6 route replace fd00:8::/64 via "fd00:7::${MEMBER[$1]}"
}
of_routes() {	# NETNS KEY
	ask "$1" status --json | sed -n '/"name": "routes"/,/}/p' |
		sed -n "s/^ *\"$2\": \"\?\([^\",]*\)\"\?,\?\$/\1/p" | head -n 1
}
is() { eq "$2 of $1: $(of_routes "$1" "$2")" "$2 of $1: $3"; }
arrives() { in_ns "$LAN" ping -qc 1 -W 1 "$1" > /dev/null; }
learn() {	# NETNS: as a routing daemon does
	ip -n "$1" route replace 20.0.1.0/24 via 10.7.0.91 proto bird
	ip -n "$1" route replace 20.0.2.0/24 proto bird nexthop via 10.7.0.91 nexthop via 10.7.0.92
	ip -n "$1" -6 route replace 2001:db8:1::/48 via fd00:7::91 proto bird
}

check "in sync" faults_start "$A" "$B" || finish
learn "$A"
returns "$A"
check "the owner forwards IPv4" wait_for 10 arrives 20.0.1.1
check "the owner forwards IPv6" wait_for 10 arrives 2001:db8:1::1
check "the backup has the routes" wait_for 10 is "$B" replicas 3
check "and in its kernel" wait_for 10 is "$B" installed 3
check "it forwards nothing by them" fails in_ns "$B" ping -qc 1 -W 1 20.0.1.1
check "gwsync routes --fib" grep 20.0.2.0/24 <(ask "$B" routes --fib)
ip -n "$B" route del 20.0.1.0/24 table 8116
check "what somebody deletes is repaired" wait_for 10 is "$B" repaired 1

agent_crash "$A"
ip -n "$A" link set sync0 down
ip -n "$A" link set lan0 down
ip -n "$A" link set wan0 down
returns "$B"
check "power loss: the backup owns" wait_for 10 field_is "$B" state owner
check "power loss: it forwards IPv4" arrives 20.0.1.1
check "power loss: by several next hops" arrives 20.0.2.1
check "power loss: it forwards IPv6" arrives 2001:db8:1::1
figure "power loss: activation took $(of_routes "$B" activate_ms) ms"
ip -n "$B" route add 20.0.1.0/24 via 10.7.0.91 proto bird
check "the hold ends" wait_for $((HOLD + 10)) is "$B" forwarding false
check "copies go" wait_for 10 is "$B" installed 0
check "what it has itself is forwarded" arrives 20.0.1.1
check "and nothing else" fails arrives 20.0.2.1
check "nor held" wait_for 10 is "$B" own 1
check "agent ends well" agent_end "$B"
check "no rule is left" eq "$(ip -n "$B" rule show | grep -c 8116)" 0
logs_if_failed "$A" "$B"
finish

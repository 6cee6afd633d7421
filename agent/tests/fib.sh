#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The table of routes of two gateways between two bridges, in namespaces of its own: what one
# forwards by the other has in its kernel, where it forwards nothing until it is the owner.
# Needs root, veth, bridge, vrf and nexthop objects; TAP.
#
# usage: fib.sh PATH-OF-FIB_TOOL
# MANY=N: so many IPv4 routes at once, instead of 65,000
# shellcheck source=agent/tests/lib_tool.sh
. "$(dirname "$0")/lib_tool.sh"

within() {	# TENTHS COMMAND...: until it is true
	local i tenths=$1

	shift
	for ((i = 0; i < tenths; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	"$@"
}

for ns in gw1 gw2 src dst; do
	ip netns add $ns
	ip -n $ns link set lo up
	ip netns exec $ns sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratelimit=0
done
for bridge in lan wan; do
	ip link add $bridge type bridge mcast_snooping 0
	ip link set $bridge up
done
attach() {	# NAMESPACE BRIDGE HOST NET
	ip link add $2-$1 type veth peer name $2 netns $1
	ip link set $2-$1 master $2 up
	ip -n $1 link set $2 up
	ip -n $1 addr add 10.$4.0.$3/16 dev $2
	ip -n $1 addr add fd00:$4::$3/64 dev $2 nodad
}
for i in 1 2; do
	attach gw$i lan $i 7
	attach gw$i wan $i 9
	ip netns exec gw$i sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
attach src lan 99 7
attach dst wan 91 9
ip -n dst addr add 10.9.0.92/16 dev wan
ip -n dst addr add fd00:9::92/64 dev wan nodad
ip -n dst addr add 10.9.1.1/16 dev wan
ip -n dst addr add fd00:9::1:1/64 dev wan nodad
for p in 1 2 3 4; do
	ip -n dst addr add 20.0.$p.1/24 dev lo
	ip -n dst addr add 2001:db8:$p::1/48 dev lo nodad
done
ip -n dst route add 10.7.0.0/16 via 10.9.0.2
ip -n dst route add fd00:7::/64 via fd00:9::2
ip -n src route add default via 10.7.0.2
ip -n src route add default via fd00:7::2

value() {	# NUMBER NAME: from the status
	ask "$1" status
	sed -n "s/.*\"$2\":\([0-9a-z.]*\).*/\1/p" <<< "$answer"
}
is() { [ "$(value "$1" "$2")" = "$3" ]; }
copies() {	# NUMBER: in the kernel
	{ ip -n gw$1 route show table 8116; ip -n gw$1 -6 route show table 8116; } 2> /dev/null |
		grep -c 'proto 116'
}
no_tentative() { ! ip -n gw$1 -6 addr show tentative | grep -q .; }
copies_is() { [ "$(copies $1)" = "$2" ]; }
reaches() { ip netns exec src ping -qc 1 -W 1 "$1" > /dev/null; }
sync() {	# FROM TO
	ask $1 "walk $dir/walk"
	ask $2 "sync $dir/walk"
}
listed() { ask $1 list; grep -q -- "$2" <<< "$answer"; }
interfaces() {
	ask $1 "table main 254"
	ask $1 "interface wan 0 parent wan running"
	ask $1 "interface lan 7 parent lan running"
}

start 1 3
start 2 20
interfaces 1
interfaces 2
ask 1 activate

# The owner observes
ip -n gw1 route add 20.0.1.0/24 via 10.9.0.91 proto bird metric 32
ip -n gw1 route add 20.0.2.0/24 proto bird metric 32 mtu 1400 \
	nexthop via 10.9.0.91 weight 3 nexthop via 10.9.0.92
ip -n gw1 -6 route add 2001:db8:1::/48 via fd00:9::91 proto bird metric 32
ip -n gw1 -6 route add 2001:db8:2::/48 proto bird metric 32 \
	nexthop via fd00:9::91 nexthop via fd00:9::92
ip -n gw1 route add blackhole 20.0.9.0/24 proto bird
ip -n gw1 route add 20.0.3.0/24 via inet6 fd00:9::91 dev wan proto bird
within 50 is 1 own 6
ok $? "what the owner's kernel forwards by is in its table"
ip -n gw1 nexthop add id 77 via 10.9.0.91 dev wan
ip -n gw1 route add 20.0.4.0/24 nhid 77 proto zebra
within 50 is 1 own 7
ok $? "one on a nexthop object of somebody else too"
listed 1 '"prefix":"20.0.4.0/24",.*"via":"10.9.0.91"'
ok $? "and it says what that means"
sync 1 2
within 50 is 2 installed 7
ok $? "the backup has them in its kernel"
copies_is 2 7
ok $? "in a table of gwsync's own"
! reaches 20.0.1.1 && ! reaches 2001:db8:1::1
ok $? "nothing is forwarded before"
! ip -n gw2 rule show | grep -q 8116
ok $? "no rule leads there"
ip -n gw2 route show table 8116 | grep -q '20.0.2.0/24 .*mtu 1400'
ok $? "metrics are there"

# What changes
ip -n gw1 -6 route del 2001:db8:2::/48 via fd00:9::92 dev wan
ip -n gw1 route del 20.0.9.0/24
within 50 is 1 own 6
ok $? "a route that goes is gone"
listed 1 '"prefix":"2001:db8:2::/48"[^}]*"via":"fd00:9::91"[^}]*}]'
ok $? "of an IPv6 route one next hop can go"
ask 1 "emit $dir/changes"
ask 2 "apply $dir/changes"
within 50 copies_is 2 6
ok $? "so it is on the backup"
ip -n gw1 -6 route append 2001:db8:2::/48 via fd00:9::92 dev wan proto bird metric 32
within 50 listed 1 '"via":"fd00:9::91"[^]]*"via":"fd00:9::92"'
ok $? "and come back"
ip -n gw1 route add 20.0.77.0/24 dev lo proto static
within 50 is 1 unnamed 1
ok $? "by an interface without a name: not carried, and counted"
ip -n gw1 route del 20.0.77.0/24 dev lo
ip -n gw1 link set wan down
within 50 is 1 own 0
ok $? "routes that go with their interface, without a word, are gone"
ip -n gw1 link set wan up
ip -n gw1 route add 20.0.1.0/24 via 10.9.0.91 proto bird metric 32
ip -n gw1 route add 20.0.2.0/24 proto bird metric 32 mtu 1400 \
	nexthop via 10.9.0.91 weight 3 nexthop via 10.9.0.92
ip -n gw1 addr add fd00:9::1/64 dev wan nodad 2> /dev/null
ip -n gw1 -6 route add 2001:db8:1::/48 via fd00:9::91 proto bird metric 32
ip -n gw1 -6 route add 2001:db8:2::/48 proto bird metric 32 \
	nexthop via fd00:9::91 nexthop via fd00:9::92
ip -n gw1 route add 20.0.3.0/24 via inet6 fd00:9::91 dev wan proto bird
ip -n gw1 route add default via 10.9.0.91 proto bird
within 50 is 1 own 6
ok $? "and are there again"
sync 1 2
within 50 copies_is 2 6

# Behind our back
ip -n gw2 route del table 8116 20.0.1.0/24
ip -n gw2 route del table 8116 default
within 50 copies_is 2 6
ok $? "what somebody else deletes is repaired"
ip -n gw2 -6 route del table 8116 2001:db8:1::/48
within 50 copies_is 2 6
ok $? "IPv6 too"
for id in $(ip -n gw2 nexthop show | sed -n 's/^id \([0-9]*\) .*proto 116.*/\1/p'); do
	ip -n gw2 nexthop del id $id 2> /dev/null	# or it went with another
done
within 50 copies_is 2 6
ok $? "and nexthop objects"
# More than its socket holds, while it does not look: each family, and of both kinds
kill -STOP "${pids[2]}"
ip -n gw2 route flush table 8116
ip -n gw2 -6 route flush table 8116
for ((i = 0; i < 40000; i++)); do
	echo "route add 30.$((i >> 8)).$((i & 255)).0/24 dev lo table 77"
done | ip -n gw2 -batch -
ip -n gw2 route flush table 77
kill -CONT "${pids[2]}"
within 50 copies_is 2 6
ok $? "what went while events were lost is found"
[ "$(value 2 lost)" -gt 0 ]
ok $? "and they were lost"
ip -n gw2 link set wan down
ip -n gw2 link set wan up
ip -n gw2 addr add fd00:9::2/64 dev wan nodad 2> /dev/null
[ "$(ip -n gw2 route show table 8116 | grep -c 'proto 116')" = 4 ]
ok $? "an interface that was down and up took none of IPv4"
within 50 copies_is 2 6
ok $? "those of IPv6 are there again"
# Nobody is asked for a neighbour before the address of the link is one.
within 50 no_tentative 2
ok $? "and has its address again"

# The owner dies
ip link set lan-gw1 down
ip link set wan-gw1 down
ip -n gw2 route add default via 10.9.0.55 metric 9
ask 2 activate
echo "# activate: $answer"
reaches 20.0.1.1 && reaches 20.0.2.1
ok $? "the backup forwards by them"
reaches 2001:db8:1::1 && reaches 2001:db8:2::1
ok $? "IPv6 too"
reaches 20.0.3.1
ok $? "IPv4 by an IPv6 gateway"
for family in -4 -6; do
	ip -n gw2 $family rule show | sed -n 's/:.*proto 116.*//p' | while read -r at; do
		ip -n gw2 $family rule del priority "$at"
	done
done
within 30 reaches 20.0.1.1 && within 30 reaches 2001:db8:1::1 &&
	[ "$(ip -n gw2 rule show | grep -c 'proto 116')" = 3 ]
ok $? "rules that somebody removes are back"
ip -n gw2 link set wan down
ask 2 "interface wan 0 parent wan"
ip -n gw2 link set wan up
ip -n gw2 addr add fd00:9::2/64 dev wan nodad 2> /dev/null
ip -n gw2 route add default via 10.9.0.55 metric 9
within 50 no_tentative 2
ask 2 "interface wan 0 parent wan running"
within 30 reaches 20.0.1.1 && within 30 reaches 20.0.2.1 &&
	within 30 reaches 2001:db8:1::1 && within 30 reaches 2001:db8:2::1
ok $? "what went with an interface is back with it"
ip -n gw2 route get 30.0.0.1 | grep -q 'via 10.9.0.55'
ok $? "its own default route is better than the copy"
ip -n gw2 route add 20.0.1.0/24 via 10.9.0.55 metric 999 proto bird
ip -n gw2 route get 20.0.1.1 | grep -q 'via 10.9.0.55'
ok $? "a route of main is better than a copy, whatever its metric"
ip -n gw2 route del 20.0.1.0/24 metric 999
ip -n gw2 route add 20.0.2.0/24 via 10.9.0.91 proto bird
within 30 is 2 own 8
ok $? "what it has by itself is in its table as well"

# The hold is over
within 300 is 2 forwarding false
ok $? "after hold_s the copies are not looked at"
within 50 copies_is 2 0
ok $? "and are gone"
within 30 is 2 own 2
ok $? "what main does not have is no route any more"
reaches 20.0.2.1
ok $? "what main has is forwarded"
# but for what leads nowhere, of each family
[ -z "$(ip -n gw2 rule show | grep -e 8116 -e suppress)$(ip -n gw2 nexthop show | grep 'proto 116' |
	grep -v -e '^id 531628033 ' -e '^id 531628034 ')" ]
ok $? "no rule and no set of next hops is left"

# Back: a former owner is a backup
ip link set lan-gw1 up
ip link set wan-gw1 up
ask 1 deactivate
sync 2 1
within 50 copies_is 1 2
ok $? "a former owner has copies"

# A death leaves nothing that the next one does not find
ask 1 activate
kill -9 "${pids[1]}"
wait "${pids[1]}" 2> /dev/null
ip -n gw1 rule show | grep -q 8116 && copies_is 1 2
ok $? "who dies as an owner goes on forwarding"
start 1 60
interfaces 1
[ -z "$(ip -n gw1 rule show | grep 8116)$(ip -n gw1 nexthop show | grep -v 'id 77')" ] &&
	copies_is 1 0
ok $? "its successor removes what is left"

# A device that is not there yet
ip -n gw1 route del 20.0.3.0/24
ask 1 "make 100 4 later 10.9.1.1 4 $dir/later"
ask 1 "sync $dir/later"
within 50 is 1 installed 100
ask 1 activate
within 60 is 1 held 100
ok $? "by an interface that is not here: held back"
copies_is 1 0
ok $? "so that they hide nothing"

# Many
count_many() {	# FAMILY COUNT SETS
	local via=10.9.1.1

	[ $1 = 6 ] && via=fd00:9::1:1
	ask 2 deactivate
	ask 2 "make $2 $3 wan $via $1 $dir/many"
	echo "# a full sync of $2: $answer"
	ask 2 "sync $dir/many"
	echo "# applied: $answer"
	within 1200 is 2 installed $2
	ok $? "$2 IPv$1 are in the kernel of a backup"
	ask 2 activate
	echo "# activate, $2 IPv$1 routes by $3 sets of next hops: $answer"
	ask 2 deactivate
	echo "# deactivate: $answer"
	# All go at once, and a part comes back while the kernel is still being asked.
	ask 2 "make 1 1 wan $via $1 $dir/few"
	ask 2 "sync $dir/few"
	echo "# swept: $answer"
	ask 2 "make $(($2 / 2)) 1 wan $via $1 $dir/half"
	ask 2 "sync $dir/half"
	within 1200 is 2 installed $(($2 / 2)) && within 1200 copies_are $1 $(($2 / 2)) &&
		within 100 is 2 sets 1
	ok $? "$2 IPv$1 are swept, half of them come back: the kernel has these"
}
copies_are() { [ "$(ip -n gw2 -"$1" route show table 8116 | wc -l)" = "$2" ]; }
count_many 4 1000 10
MANY=${MANY:-65000}
count_many 4 "$MANY" 100
count_many 6 $((MANY < 20000 ? MANY : 20000)) 100
! ip -n gw2 rule show | grep -q 8116
ok $? "after all that no rule"

ask 1 status
echo "# $answer"
ask 2 status
echo "# $answer"
ask 2 quit
wait "${pids[2]}"
[ -z "$(ip -n gw2 nexthop show)$(ip -n gw2 route show table 8116 2> /dev/null)" ]
ok $? "who ends leaves nothing"
! grep -q -e Sanitizer -e "runtime error" "$dir"/err*
ok $? "nothing was found by the sanitizers"
[ $failed = 0 ] || sed 's/^/# /' "$dir"/err* | head -60
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The table of neighbours of two gateways on one bridge, in namespaces of its own: what one
# learned the other has in its kernel before it has the addresses, and believes it only
# until it hears otherwise.  Needs root, veth, bridge and macvlan; TAP.
#
# usage: neigh.sh PATH-OF-NEIGH_TOOL
# MANY=N: so many at once, instead of 30,000
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

vmac=00:00:5e:00:01:07
for ns in gw1 gw2 host moved far; do
	ip netns add $ns
	ip -n $ns link set lo up
	ip netns exec $ns sysctl -qw net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0 net.ipv4.icmp_ratelimit=0 \
		net.ipv6.icmp.ratelimit=0
done
ip link add lan type bridge mcast_snooping 0
ip link set lan addrgenmode none
ip link set lan up
for ns in gw1 gw2 host moved; do
	ip link add p-$ns type veth peer name eth0 netns $ns
	# Which link-local addresses there are is for this test to say
	ip link set p-$ns addrgenmode none
	ip -n $ns link set eth0 addrgenmode none
	ip link set p-$ns master lan up
	ip -n $ns link set eth0 up
done
for i in 1 2; do
	ip netns exec gw$i sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	ip -n gw$i link add gws7 link eth0 address $vmac type macvlan mode bridge
	ip -n gw$i link set gws7 addrgenmode none
done
for ns in host moved; do
	ip -n $ns addr add 10.7.255.$((RANDOM % 100 + 1))/16 dev eth0
	ip -n $ns route add default via 10.7.0.1
	ip -n $ns route add fd07::/64 dev eth0
	ip -n $ns route add default via fd07::1 dev eth0
done
ip -n host addr flush dev eth0 scope global
ip -n moved addr flush dev eth0 scope global
for i in $(seq 250); do
	echo "addr add 10.7.1.$i/16 dev eth0"
	echo "addr add fd07::1:$i/64 dev eth0 nodad"
done | ip -n host -force -batch -
for ns in host moved; do
	ip -n $ns route replace 10.7.0.0/16 dev eth0
	ip -n $ns route replace default via 10.7.0.1 dev eth0 onlink
	ip -n $ns route replace default via fd07::1 dev eth0 onlink
done
ip link add far2 type veth peer name eth0 netns far
ip link set far2 netns gw2 name eth1
ip -n gw2 link set eth1 up
ip -n far link set eth0 up
ip -n gw2 addr add 10.9.0.1/24 dev eth1
ip -n gw2 addr add fd09::1/64 dev eth1 nodad
ip -n far addr add 10.9.0.2/24 dev eth0
ip -n far addr add fd09::2/64 dev eth0 nodad
ip -n far route add default via 10.9.0.1
ip -n far route add default via fd09::1

interfaces() {	# NUMBER STATE-OF-MACVLAN
	ask "$1" "interface lan 7 macvlan gws7 $2"
	ask "$1" "interface lan 7 parent eth0 running"
}

value() {	# NUMBER NAME: from the status
	ask "$1" status
	sed -n "s/.*\"$2\":\([0-9a-z.]*\).*/\1/p" <<< "$answer"
}
is() { [ "$(value "$1" "$2")" = "$3" ]; }

take() {	# NUMBER: what the gate does after the table
	ip -n gw$1 link set gws7 up
	ip -n gw$1 addr add 10.7.0.1/16 dev gws7 metric 1024
	ip -n gw$1 addr add fd07::1/64 dev gws7 nodad metric 1024
	ip -n gw$1 addr add fe80::7/64 dev gws7 nodad metric 1024
}
give() { ip -n gw$1 link set gws7 down; ip -n gw$1 addr flush dev gws7; }

count() {	# NUMBER INTERFACE WORD: how many entries have it
	ip -n gw$1 neigh show dev $2 | grep -c -- "$3"
}
count_is() { # NUMBER INTERFACE WORD COUNT
	[ "$(count "$1" "$2" "$3")" = "$4" ]
}

host_is() { ip -n gw$1 neigh show "$2" | grep -q -- "$3"; }	# NUMBER ADDRESS WORD

# One packet to each host, without waiting.
# shellcheck disable=SC2016 # for the other shell
to_hosts() {	# NAMESPACE
	ip netns exec "$1" bash -c 'for i in $(seq 250); do
		echo > /dev/udp/10.7.1.$i/9; echo > "/dev/udp/fd07::1:$i/9"
	done' 2> /dev/null
}
arrived() {
	ip netns exec host cat /proc/net/snmp /proc/net/snmp6 |
		awk '/^Udp: [0-9]/ { n += $3 } /^Udp6NoPorts/ { n += $2 } END { print n }'
}
arrived_is() { [ "$(arrived)" -ge "$1" ]; }

start 1
start 2
interfaces 1 running
interfaces 2 stopped
ask 1 activate
take 1

# The owner learns
to_hosts gw1
within 50 is 1 own 500
ok $? "what the owner's kernel learned is in its table"
ask 1 list
grep -o '"address":"[^"]*"' <<< "$answer" | grep -v -e '"10\.7\.1' -e '"fd07::1:' | sed 's/^/# also /'
# The kernel forgets such entries each 15 s, whenever that is: then it is asked for again.
not_there() {
	count_is 1 gws7 FAILED 1 && return
	host_is 1 10.7.9.9 . || ip netns exec gw1 bash -c 'echo > /dev/udp/10.7.9.9/9'
	false
}
within 100 not_there
ok $? "a host that is not there has failed"
ask 1 list
! grep -q "10.7.9.9" <<< "$answer"
ok $? "and is not in the table"

ask 1 "walk $dir/walk"
echo "# a full sync: $answer"
ask 2 "sync $dir/walk"
echo "# applied and installed: $answer"
within 10 is 2 installed 500 && is 2 replicas 500 && is 2 refused 0
ok $? "a backup has them in its table and its kernel"
[ "$(count 2 gws7 extern_learn)" = 500 ] && count_is 2 gws7 PERMANENT 0 &&
	[ "$(count 2 gws7 STALE)" = 500 ]
ok $? "stale, external, on a macvlan that is down"
ip -n gw2 -d link show gws7 | grep -q 'state DOWN'
ok $? "which it is"

# What the backup's kernel loses comes back
ip -n gw2 link set gws7 up
ip -n gw2 link set gws7 down
within 30 count_is 2 gws7 extern_learn 500
ok $? "they are back after their interface was up and down"
ip link set p-gw2 down
ip link set p-gw2 up
sleep 0.3
count_is 2 gws7 extern_learn 500
ok $? "a carrier that is lost and comes back removes none"
kill -9 "${pids[2]}"
wait "${pids[2]}" 2> /dev/null
start 2
interfaces 2 stopped
within 30 count_is 2 gws7 extern_learn 0
ok $? "what a daemon that died has left does not come back"
ask 2 "sync $dir/walk"
within 30 count_is 2 gws7 extern_learn 500
ok $? "and its successor has them again"

# A host that goes is gone for all
ip -n host addr del 10.7.1.250/16 dev eth0
ip -n gw1 neigh replace 10.7.1.250 dev gws7 nud probe
within 50 is 1 own 499
ok $? "a host that does not answer any more is out of the table"
ask 1 "emit $dir/changes"
ask 2 "apply $dir/changes"
is 2 replicas 499 && within 10 count_is 2 gws7 extern_learn 499
ok $? "and out of the kernel of the backup"

# One changes its card, in silence, and then the owner dies
ip -n host addr del 10.7.1.249/16 dev eth0
ip -n moved addr add 10.7.1.249/16 dev eth0
ip link set p-gw1 down
sleep 0.5
is 1 own 499
ok $? "an owner without a carrier forgets nothing for others"
before=$(arrived)
ask 2 "listen eth0"
ask 2 activate
echo "# activate, all there: $answer"
[ "${answer%% *}" = 0 ]
ok $? "activation: none is missing"
take 2
to_hosts far
# 498 of the 500 are on this host now
within 3 arrived_is $((before + 498))
ok $? "the first packet for each host arrives"
ask 2 heard
echo "# the first packets: $answer"
[[ $answer == "arp 1 ns 0 "* || $answer == "arp 0 ns 0 "* ]]
ok $? "without a solicitation, but for the host that was not known"
from=${EPOCHREALTIME/./}
# shellcheck disable=SC2016 # for the other shell
ip netns exec far bash -c 'for i in $(seq 60); do
	echo > /dev/udp/10.7.1.249/9; sleep 0.05
done' 2> /dev/null &
ping=$!
within 30 host_is 2 10.7.1.249 REACHABLE
ms=$(((${EPOCHREALTIME/./} - from) / 1000))
echo "# a host that changed its card in silence: found after $ms ms"
mac=$(ip netns exec moved cat /sys/class/net/eth0/address)
host_is 2 10.7.1.249 "$mac" && [ $ms -lt 1000 ]
ok $? "who changed the card is found within a second"
kill $ping 2> /dev/null
wait $ping 2> /dev/null
within 50 count_is 2 gws7 extern_learn 0
ok $? "those that were confirmed are the kernel's own"
ask 2 heard
echo "# until then: $answer"
ask 2 list
grep -q "\"10.7.1.249\",\"mac\":\"$mac\"" <<< "$answer" && is 2 moved 1
ok $? "who answers with another MAC wins over the replica"
ask 2 "walk $dir/walk2"
is 2 own 499
ok $? "the new owner tells of all of them"

# A member that comes back
ask 1 deactivate
give 1
ip link set p-gw1 up
ask 1 "sync $dir/walk2"
within 30 count_is 1 gws7 extern_learn 499
ok $? "a former owner has them as replicas"
host_is 1 10.7.1.249 "$mac"
ok $? "as the new one knows them"

# With addresses of their own in the LAN owners send by the parent
give 2
ask 2 deactivate
for i in 1 2; do
	ip -n gw$i addr add 10.7.0.1$i/16 dev eth0
	ip -n gw$i addr add fd07::1$i/64 dev eth0 nodad
	ip -n gw$i addr add fe80::1$i/64 dev eth0 nodad
done
ask 2 activate
take 2
to_hosts far
within 50 count_is 2 eth0 lladdr 499
ask 2 "walk $dir/walk3"
ask 1 "sync $dir/walk3"
within 30 count_is 1 eth0 extern_learn 499
ok $? "parents: a backup has them where its kernel will look for them"
ip -n gw1 neigh replace 10.7.1.1 lladdr 02:00:00:00:00:01 dev eth0 nud stale
ask 2 "walk $dir/walk3"
ask 1 "sync $dir/walk3"
ip -n gw1 neigh show 10.7.1.1 dev eth0 | grep -q 02:00:00:00:00:01
ok $? "parents: what a backup's kernel knows by itself stays"
ip link set p-gw1 down
within 30 count_is 1 eth0 extern_learn 0
ip link set p-gw1 up
within 30 count_is 1 eth0 extern_learn 499
ok $? "parents: they are back after the carrier was lost"

# Many
MANY=${MANY:-30000}
ask 1 "make $MANY $dir/many"
echo "# a full sync of $MANY: $answer"
ask 1 "sync $dir/many"
echo "# applied and installed: $answer"
within 50 count_is 1 gws7 extern_learn $MANY
ok $? "$MANY are in the kernel of a backup"
within 50 grep -q "gc_thresh3 to $MANY or more" "$dir/err1"
ok $? "and it is said that the owner's kernel keeps less"
ask 1 activate
echo "# activate, $MANY all there: $answer"
[ "${answer%% *}" = 0 ]
ok $? "activation: none of $MANY is missing"
ask 1 deactivate
ask 1 "sync $dir/many"
within 50 is 1 installed $MANY
kill -STOP "${pids[1]}"
ip -n gw1 link set gws7 up
ip -n gw1 link set gws7 down
kill -CONT "${pids[1]}"
ask 1 activate
echo "# activate, $MANY of them lost just now: $answer"
within 50 count_is 1 gws7 extern_learn $MANY && within 50 is 1 installed $MANY
ok $? "activation: all that was lost is there soon after"

ask 1 status
echo "# $answer"
ask 2 status
echo "# $answer"
! grep -q -e Sanitizer -e "runtime error" "$dir"/err*
ok $? "nothing was found by the sanitizers"
[ $failed = 0 ] || sed 's/^/# /' "$dir"/err*
finish

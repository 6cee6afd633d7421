#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Virtual routers of two gateways on one bridge, in namespaces of its own:
# addresses and MAC move, neighbours never learn another MAC, everything is
# put back.  Needs root, veth, bridge and macvlan; TAP.
#
# usage: vrouter.sh PATH-OF-VROUTER_TOOL
# shellcheck source=agent/tests/lib_tool.sh
. "$(dirname "$0")/lib_tool.sh"

vmac4=00:00:5e:00:01:07
for ns in gw1 gw2 host; do
	ip netns add $ns
	ip -n $ns link set lo up
done
ip link add lan type bridge mcast_snooping 0
ip link set lan up
for ns in gw1 gw2 host; do
	ip link add p-$ns type veth peer name eth0 netns $ns
	ip link set p-$ns master lan up
	ip netns exec $ns sysctl -qw net.ipv6.conf.eth0.accept_dad=0
	ip -n $ns link set eth0 up
done
for i in 1 2; do
	ip -n gw$i addr add 10.7.0.1$i/24 dev eth0
	ip -n gw$i addr add fd07::1$i/64 dev eth0 nodad
	ip netns exec gw$i sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
	cat > "$dir/gw$i.conf" <<-CONF
	group = { id = 1; member = $i; };
	members = ( { id = 1; }, { id = 2; } );
	auth = "none";
	links = ( { interface = "eth0"; } );
	virtual_routers = ( { name = "lan"; interface = "eth0"; vrid = 7;
		addresses = ( "10.7.0.1/24", "fd07::1/64", "fe80::7/64" ); } );
	CONF
done
ip -n host addr add 10.7.0.100/24 dev eth0
ip -n host addr add fd07::100/64 dev eth0 nodad

neighbour() { ip -n host neigh show "$1" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }

ping4() { ip netns exec host ping -qc 2 -i 0.1 -W 1 10.7.0.1 > /dev/null; }
ping6() { ip netns exec host ping -qc 2 -i 0.1 -W 1 fd07::1 > /dev/null; }

before=$(ip netns exec gw1 sysctl net.ipv4.conf.eth0)
start 1 "$dir/gw1.conf"
start 2 "$dir/gw2.conf"
grep -q '^ready 0' "$dir/out1" && grep -q '^ready 0' "$dir/out2"
ok $? "two gateways are ready"
ip -n gw1 link show gws7 | grep -q "link/ether $vmac4" &&
	! ip -n gw1 link show gws7 | grep -q '[<,]UP'
ok $? "a backup has the macvlan, down"
! ping4
ok $? "nobody answers without an owner"

ask 1 acquire
echo "# acquire: $answer"
[ "${answer%% *}" = 0 ]
ok $? "acquire"
ping4
ok $? "IPv4 answers"
ping6
ok $? "IPv6 answers, without waiting for DAD"
[ "$(neighbour 10.7.0.1)" = $vmac4 ]
ok $? "ARP: the virtual MAC ($(neighbour 10.7.0.1))"
[ "$(neighbour fd07::1)" = $vmac4 ]
ok $? "neighbour discovery: the virtual MAC ($(neighbour fd07::1))"
ip netns exec host ping -qc 1 -W 1 10.7.0.11 > /dev/null &&
	[ "$(neighbour 10.7.0.11)" != $vmac4 ]
ok $? "the gateway's own address keeps its own MAC"

# The gateway speaks first, from the virtual address: no wrong lesson.
ip -n gw1 neigh flush dev eth0
ip netns exec gw1 ping -qc 1 -W 1 -I 10.7.0.1 10.7.0.100 > /dev/null
ok $? "from the virtual address to the LAN"
[ "$(neighbour 10.7.0.1)" = $vmac4 ]
ok $? "and the neighbour still knows the virtual MAC"

# bridge: where the virtual MAC is now
port() { bridge fdb show br lan | sed -n "s/^$vmac4 dev \([^ ]*\).*/\1/p" | head -n 1; }
[ "$(port)" = p-gw1 ]
ok $? "the switch has the virtual MAC at gw1"

# Not with an end of the tools' pipes, which it would keep open.
ip netns exec host ip monitor neigh > "$dir/neigh" 2>&1 11>&- 12>&- &
ip netns exec host ping -i 0.02 -c 250 10.7.0.1 > "$dir/ping4" &
ping_pid=$!
ip netns exec host ping -i 0.02 -c 250 fd07::1 > "$dir/ping6" &
ping6_pid=$!
sleep 1
ask 1 release
echo "# release: $answer"
[ "${answer%% *}" = 0 ]
ok $? "release"
ask 2 acquire
echo "# acquire: $answer"
wait $ping_pid $ping6_pid
grep 'packet loss' "$dir/ping4" "$dir/ping6" | sed "s|$dir/|# |"
lost4=$((250 - $(grep -c 'bytes from' "$dir/ping4")))
lost6=$((250 - $(grep -c 'bytes from' "$dir/ping6")))
[ $lost4 -le 25 ] && [ $lost6 -le 25 ]
ok $? "moved in less than half a second (lost $lost4, $lost6 of one each 20 ms)"
[ "$(port)" = p-gw2 ]
ok $? "the switch learned from the announcement"
[ "$(neighbour 10.7.0.1)" = $vmac4 ] && [ "$(neighbour fd07::1)" = $vmac4 ]
ok $? "neighbours: still the virtual MAC"
! grep -E '^(10\.7\.0\.1|fd07::1) ' "$dir/neigh" | grep lladdr | grep -vq "$vmac4"
ok $? "and never another in between"
[ -z "$(ip -n gw1 -o addr show dev gws7)" ]
ok $? "the old owner has no virtual address"

ask 2 own
case $answer in *10.7.0.12/32*) r=0 ;; *) r=1 ;; esac
ok $r "own addresses: $answer"

# The filter follows: an address is told of, and more than fit do no harm.
ask 2 changes
ip -n gw2 addr add 10.9.0.1/32 dev lo
sleep 0.3
ask 2 changes
[ "$answer" = 1 ]
ok $? "a new address of the host is told of"
for i in $(seq 80); do echo "addr add 10.9.1.$i/32 dev lo"; done | ip -n gw2 -batch -
ask 2 own
[ "$(wc -w <<< "$answer")" = 64 ]
ok $? "more addresses than the filter takes"

# Set up by hand beside the owner
ip -n gw1 link set gws7 up
sleep 0.3
! ip -n gw1 link show gws7 | grep -q '[<,]UP'
ok $? "a macvlan of a backup that is set up goes down again"

# A cable pulled, and an interface that goes and comes.
ip link set p-gw2 down
sleep 0.3
ask 2 status
case $answer in *healthy=0*) r=0 ;; *) r=1 ;; esac
ok $r "no carrier: not healthy"
ip link set p-gw2 up
ip -n gw2 link del gws7
sleep 0.5
ask 2 status
case $answer in *healthy=1*) r=0 ;; *) r=1 ;; esac
ok $r "carrier again: healthy"
ping4 && ping6
ok $? "a macvlan removed by hand comes back with its addresses"

# Killed: what it left is undone by the next.
kill -9 "${pids[2]}"
wait "${pids[2]}" 2> /dev/null
exec 12>&-
ip netns exec gw2 sysctl -n net.ipv4.conf.eth0.arp_announce | grep -qx 2 &&
	ip -n gw2 link show gws7 > /dev/null
ok $? "a daemon that was killed leaves its macvlan"
start 2 "$dir/gw2.conf"
! ping4
ok $? "the next one is silent at start"

# Addresses that the kernel refuses for a while: too small an MTU for IPv6.
ip -n gw1 link set eth0 mtu 1000
ask 1 acquire
[ "${answer%% *}" != 0 ]
ok $? "an address is refused"
sleep 2.5
ask 1 status
case $answer in *complete=0*) r=0 ;; *) r=1 ;; esac
ok $r "and not forgotten"
ping4
ok $? "and gw1 owns again, with what it has"
said=$(grep -c "too small for IPv6" "$dir/err1")
[ "$said" -eq 1 ]
ok $? "it is said once ($said)"
ip -n gw1 link set eth0 mtu 1500
for i in $(seq 20); do
	ask 1 status
	case $answer in *complete=1*) r=0 && break ;; *) r=1 ;; esac
	sleep 0.05
done
ping4 && ping6 && [ $r -eq 0 ]
ok $? "then gw1 has all"

for i in 1 2; do
	echo quit >&$((10 + i))
	wait "${pids[$i]}"
done
! ip -n gw1 link show gws7 2> /dev/null && ! ip -n gw2 link show gws7 2> /dev/null
ok $? "no macvlan is left"
[ "$(ip netns exec gw1 sysctl net.ipv4.conf.eth0)" = "$before" ]
ok $? "gw1: sysctls as found"
[ "$(ip netns exec gw2 sysctl net.ipv4.conf.eth0)" = "$before" ]
ok $? "gw2: sysctls as found, through a kill -9"

# Somebody else's interface of that name
ip -n gw1 link add gws7 type dummy 2> /dev/null || ip -n gw1 link add gws7 type bridge
exec 11>&-
start 1 "$dir/gw1.conf"
ask 1 status
case $answer in *complete=0*) r=0 ;; *) r=1 ;; esac
[ $r -eq 0 ] && grep -q '^ready 0' "$dir/out1" && grep -q "not gwsync's" "$dir/err1"
ok $? "an interface that is not ours is said, and keeps nothing else from running"
ip -n gw1 link show gws7 > /dev/null
ok $? "and still there"
exec 11>&-
wait "${pids[1]}"
grep -E 'Sanitizer|runtime error' "$dir"/err*
[ $? -ne 0 ]
ok $? "no sanitizer report"

[ $failed -eq 0 ] || { echo "# stderr of gw1, gw2:"; sed 's/^/# /' "$dir"/err*; }
finish

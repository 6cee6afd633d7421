#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Three daemons in namespaces of their own, with a sync LAN and a LAN that has
# a virtual router: election, switchover, death, a stopped process, a lost
# link, a vanished interface.  Connections are not synchronized here, so no
# kernel half is needed.  Needs root, veth, bridge and macvlan; TAP.
#
# usage: gwsyncd.sh PATH-OF-GWSYNCD PATH-OF-GWSYNC
# shellcheck source=agent/tests/lib_daemon.sh
. "$(dirname "$0")/lib_daemon.sh"

describe() {
	for i in 1 2 3; do
		echo "# gw$i: $(state $i), owner $(field $i owner)"
		log_tail $i 6
	done
}

state() { field "$1" state; }

lets_go() { ! held "$1"; }

# One owner, which holds the address; the others follow it and do not.
settled() {	# OWNER BACKUP...
	local owner=$1 i

	shift
	[ "$(state "$owner")" = owner ] && held "$owner" || return 1
	for i in "$@"; do
		[ "$(state "$i")" = backup ] && [ "$(field "$i" owner)" = "$owner" ] &&
			! held "$i" || return 1
	done
}

# Looks are counted, not time: in a guest a look takes longer than the pause after it.
within() {	# TENTHS COMMAND...
	local left=$(($1 * scale))

	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

# Where the kernel has VLANs the sync LAN is one: what may become of its MTU is more.
modprobe 8021q 2> /dev/null
vlan=no
unshare -n sh -c 'ip link set lo up
	ip link add dev gt0 type veth peer name gt1 &&
		ip link add link gt0 name gtv type vlan id 5' 2> /dev/null && vlan=yes
attach() {	# GATEWAY: to the sync LAN
	ip link show "s$1" > /dev/null 2>&1 && ip link del "s$1"
	if [ $vlan = yes ]; then
		ip link add "s$1" type veth peer name cable netns gw"$1"
		ip -n gw"$1" link add link cable name sync0 type vlan id 5
		ip -n gw"$1" link set cable up
	else
		ip link add "s$1" type veth peer name sync0 netns gw"$1"
	fi
	ip link set "s$1" master sync up
	ip -n gw"$1" addr add 10.9.0."$1"/24 dev sync0
	ip -n gw"$1" link set sync0 up
}

"$cli" key generate "$dir/key" > /dev/null || exit 1
for lan in sync lan; do
	ip link add $lan type bridge mcast_snooping 0
	ip link set $lan up
done
for i in 1 2 3; do
	ip netns add gw$i
	ip -n gw$i link set lo up
	attach $i
	ip link add l$i type veth peer name lan0 netns gw$i
	ip link set l$i master lan up
	ip -n gw$i addr add 10.8.0.$i/24 dev lan0
	ip -n gw$i link set lan0 up
	cat > "$dir/gw$i.conf" <<- END
	group = { id = 7; member = $i; priority = $((110 - 10 * i)); dead_after = $((3 * scale));
		  link_delay_ms = 0; };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; },
		    { id = 3; name = "gw3"; } );
	key_file = "$dir/key";
	links = ( { interface = "sync0"; } );
	virtual_routers = ( { name = "lan"; interface = "lan0"; vrid = 5;
			      addresses = ( "10.8.0.254/24", "fd00:8::1/64" ); } );
	daemon = { control = "$dir/gw$i.sock"; sync_state = false;
		   state = "$dir/gw$i.state"; };
	END
done

start 1
within 50 settled 1
ok $? "alone: owner"
start 2
start 3
within 50 settled 1 2 3
ok $? "two more follow"
! ip netns exec gw1 timeout 5 "$daemon" -c "$dir/gw1.conf" 2> "$dir/second.log" &&
	grep -q 'another gwsyncd runs' "$dir/second.log" && settled 1 2 3
ok $? "a second daemon on one gateway refuses to run and breaks nothing"

! ip netns exec gw1 timeout 5 "$daemon" -c "$dir/gw1.conf" -r 2> "$dir/second.log" &&
	grep -q 'another gwsyncd runs' "$dir/second.log" && settled 1 2 3
ok $? "nor are a running daemon's addresses released"

! "$cli" -s "$dir/gw2.sock" switchover > /dev/null 2>&1
ok $? "only the owner hands over"
"$cli" -s "$dir/gw1.sock" switchover --to gw3 > /dev/null && within 20 settled 3 1 2
ok $? "planned switchover to the one asked for"

crash 3
held 3 && ip netns exec gw3 timeout 5 "$daemon" -c "$dir/gw3.conf" -r 2> "$dir/release.log" &&
	! held 3
ok $? "what a killed daemon has left is released"
within 20 settled 1 2
ok $? "death of the owner: the best backup takes over"
start 3
within 50 settled 1 3 2
ok $? "the dead one comes back as backup"

kill "${pid[1]}"
within 20 settled 2 3 && ! held 1
ok $? "an owner that is told to end hands over"
wait "${pid[1]}"
ok $? "and ends with status 0"
start 1
within 50 settled 2 1 3
ok $? "it comes back as backup"

# Its kernel still answers for the address: two of them, until it goes on.
kill -STOP "${pid[2]}"
within 30 settled 1 3
ok $? "an owner that hangs is replaced"
kill -CONT "${pid[2]}"
within 3 lets_go 2
ok $? "it lets go when it goes on"
within 20 settled 1 2 3
ok $? "and follows the one that owns"
grep -q "this owner was away" "$dir/gw2.log"
ok $? "it says why"

kill -STOP "${pid[2]}"
sleep $((2 * scale))
kill -CONT "${pid[2]}"
sleep "$scale"
settled 1 2 3
ok $? "a backup that hung for a while takes nobody for dead"

ip link set s1 down
sleep $((2 * scale))
settled 1 2 3
ok $? "owner without sync link, heard on the LAN: stays"
ip link set s1 up

ip -n gw2 link del sync0
sleep "$scale"
attach 2
within 30 sh -c "grep -q 'sync0: interface is gone' $dir/gw2.log &&
	tail -n 3 $dir/gw2.log | grep -q 'state goes over link sync0'"
ok $? "an interface that vanishes and comes back is used again"
settled 1 2 3
ok $? "nobody minded"

# What takes the place in the multicast group from a socket under the same index
hears() {	# GATEWAY: another member, by the sync link
	timeout 2 "$cli" -s "$dir/gw$1.sock" status --json | sed -n '/^  "peers": \[/,/^  \]/p' |
		grep -q '^ *"sync0"'
}
deaf() { ! hears "$1"; }
if [ $vlan = yes ]; then
	ip -n gw2 link set sync0 mtu 60
	within 30 deaf 2
	ip -n gw2 link set sync0 mtu 1500
	ip -n gw2 addr add 10.9.0.2/24 dev sync0
	within 10 hears 2
	ok $? "an MTU that takes IPv4 away, and back: heard again"
else
	ok 0 "an MTU that takes IPv4 away # SKIP no VLANs here"
fi
modprobe vrf 2> /dev/null
if ip -n gw2 link add vrf0 type vrf table 9 2> /dev/null; then
	ip -n gw2 link set vrf0 up
	ip -n gw2 link set sync0 master vrf0
	within 10 hears 2
	ok $? "into a VRF: heard"
	ip -n gw2 link set sync0 nomaster
	within 10 hears 2
	ok $? "out of the VRF: heard"
	ip -n gw2 link del vrf0
else
	ok 0 "into a VRF # SKIP none here"
fi
settled 1 2 3
ok $? "nobody minded that either"

# Heal of a split: all that 1 has is cut, it stays owner; 2 takes over.
ip link set s1 down
ip link set l1 down
within 30 settled 2 3
ok $? "owner cut off: another takes over"
ip link set s1 up
ip link set l1 up
within 30 settled 2 1 3
ok $? "healed: the newer epoch stays, the other yields"

# Links and virtual routers by other names than the kernel's.
able() { [ "$(field "$1" healthy)" = "$2" ]; }
end 3
ip -n gw3 link property add dev sync0 altname uplink9
ip -n gw3 link property add dev lan0 altname lan9
sed -i 's/"sync0"/"uplink9"/; s/"lan0"/"lan9"/' "$dir/gw3.conf"
start 3
within 50 settled 2 1 3
ok $? "alternative names: it follows"
hears_by() {	# GATEWAY LINK
	status "$1" | sed -n '/^  "peers": \[/,/^  \]/p' | grep -q "^ *\"$2\""
}
within 10 hears_by 3 uplink9 && within 10 hears_by 3 lan9
ok $? "alternative names: members are heard by both"
ip -n gw3 link set lan0 down
within 10 able 3 false
ok $? "alternative names: what happens to the interface is known"
ip -n gw3 link set lan0 up
within 20 able 3 true
ok $? "alternative names: also that it is over"
ip -n gw3 link property del dev sync0 altname uplink9
within 10 grep -q "link uplink9: interface is gone" "$dir/gw3.log"
ok $? "a name that is taken away: said"
ip -n gw3 link property add dev sync0 altname uplink9
within 20 hears_by 3 uplink9
ok $? "a name that is given: heard again"

all_end 1 2 3
ok $? "all end with status 0, no sanitizer spoke"

finish

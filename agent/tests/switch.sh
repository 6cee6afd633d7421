#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A switch knows where the owner's virtual MAC is, though the owner sends by another:
# it forgets within seconds, its tables are flushed, ports change, the first frames
# after a takeover are lost.  The witness is a third port, to which frames for the
# owner come when the switch does not know.  Two daemons in namespaces of their own, a
# client that sends upstream only.  No kernel half is needed.  Needs root, veth,
# bridge, macvlan and nft; TAP.
#
# usage: switch.sh PATH-OF-GWSYNCD PATH-OF-GWSYNC
# shellcheck source=agent/tests/lib_daemon.sh
. "$(dirname "$0")/lib_daemon.sh"

vmac=00:00:5e:00:01:05
vmac6=00:00:5e:00:02:06

describe() {
	bridge fdb show br lan | grep 5e:00 | sed 's/^/#  /'
	for i in 1 2; do
		echo "# gw$i: $(field $i state), owner $(field $i owner)"
		log_tail $i 6
	done
}

# Where the switch has a MAC
port() { bridge fdb show br lan | sed -n "s/^$vmac dev \([^ ]*\) .*/\1/p" | head -n 1; }
at_port() { [ "$(port)" = "$1" ]; }
flush() { ip link set lan type bridge fdb_flush; }

# Frames for the owner that came to the third port, and what the client sent
counter() {	# NAMESPACE NAME
	ip netns exec "$1" nft list counter netdev see "$2" |
		sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
flooded() { counter third flooded; }
sent() { counter client sent; }

for ns in client third gw1 gw2; do
	ip netns add $ns
	ip -n $ns link set lo up
done
ip link add sync type bridge mcast_snooping 0
ip link set sync up
ip link add lan type bridge mcast_snooping 0 ageing_time 300
ip link set lan up
for ns in client third; do
	ip link add lan-$ns type veth peer name eth0 netns $ns
	ip link set lan-$ns master lan up
	ip -n $ns link set eth0 up
done
ip -n client addr add 10.8.0.9/24 dev eth0
ip -n client neigh add 10.8.0.254 lladdr $vmac dev eth0 nud permanent
ip -n client route add 192.0.2.0/24 via 10.8.0.254
ip netns exec client nft -f - <<- END
	table netdev see {
		counter sent { }
		chain out {
			type filter hook egress device eth0 priority 0;
			ether daddr $vmac counter name sent
		}
	}
	END
ip netns exec third nft -f - <<- END
	table netdev see {
		counter flooded { }
		counter source { }
		counter source6 { }
		chain in {
			type filter hook ingress device eth0 priority 0;
			ether daddr $vmac counter name flooded
			ether saddr $vmac udp dport 8116 counter name source
			ether saddr $vmac6 udp dport 8116 counter name source6
		}
	}
	END
# The parent is a bridge with two cables to the switch, of which one is up.
for i in 1 2; do
	ip link add "sync-$i" type veth peer name sync0 netns gw$i
	ip link set "sync-$i" master sync up
	ip -n gw$i link set sync0 up
	ip -n gw$i addr add 10.9.0.$i/24 dev sync0
	ip -n gw$i link add lan0 type bridge mcast_snooping 0
	for cable in a b; do
		ip link add "lan-$i$cable" type veth peer name eth$cable netns gw$i
		ip -n gw$i link set eth$cable master lan0
		ip link set "lan-$i$cable" master lan up
	done
	ip -n gw$i link set etha up
	ip -n gw$i link set lan0 up
	ip -n gw$i addr add 10.8.0.$i/24 dev lan0
	# What comes in leaves nowhere.
	ip netns exec gw$i sysctl -qw net.ipv4.ip_forward=1
	ip -n gw$i route add blackhole 192.0.2.0/24
	cat > "$dir/gw$i.conf" <<- END
	group = { id = 7; member = $i; priority = $((110 - 10 * i));
		  dead_after = $((5 * scale)); link_delay_ms = 0; };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; } );
	auth = "none";
	links = ( { interface = "sync0"; } );
	virtual_routers = ( { name = "lan"; interface = "lan0"; vrid = 5;
			      addresses = ( "10.8.0.254/24" ); },
			    { name = "lan6"; interface = "lan0"; vrid = 6;
			      addresses = ( "fd00:8::1/64" ); } );
	daemon = { control = "$dir/gw$i.sock"; sync_state = false; state = "$dir/state$i"; };
	END
	start $i
	within 50 held 1
done
within 50 settled 1 2
ok $? "an owner and a backup"

ip netns exec client ping -q -i 0.02 192.0.2.1 > /dev/null 2>&1 &
client=$!
within 20 at_port lan-1a
ok $? "the switch knows the virtual MAC's port"

# The announcements of the takeover are over in 2.5 s, the next one comes after 12.5 s.
sleep 3
before=$(flooded) from=$(sent)
drops=$(ip netns exec client cat /sys/class/net/eth0/statistics/rx_dropped)
source=$(counter third source) source6=$(counter third source6)
sleep 8
count=$(($(flooded) - before)) of=$(($(sent) - from))
[ $count -eq 0 ] && [ $of -gt 100 ]
ok $? "a switch that forgets after 3 s: $count of $of frames in 8 s were flooded"
source=$(($(counter third source) - source)) source6=$(($(counter third source6) - source6))
[ $source -ge 7 ] && [ $source -le 10 ] && [ $source6 -ge 7 ] && [ $source6 -le 10 ]
ok $? "each virtual MAC is a source once a second ($source, $source6 times)"
[ "$(ip netns exec client cat /sys/class/net/eth0/statistics/rx_dropped)" = "$drops" ]
ok $? "no host counts that as dropped"

longest=0
for _ in 1 2 3 4; do
	before=$(flooded)
	flush
	start=$(now_ms)
	within 15 at_port lan-1a
	took=$(($(now_ms) - start))
	[ $took -gt $longest ] && longest=$took
	sleep 0.3
done
[ $longest -le $((1000 * scale + 100)) ]
ok $? "its table is flushed: known again within a second ($longest ms)"

# Another cable
moved() {	# GATEWAY FROM TO
	ip -n "gw$1" link set "eth$2" down
	ip -n "gw$1" link set "eth$3" up
}
moved 1 a b
start=$(now_ms)
within 5 at_port lan-1b
ok $? "the owner's other cable: known at once ($(($(now_ms) - start)) ms)"
moved 1 b a
start=$(now_ms)
within 5 at_port lan-1a
ok $? "and back ($(($(now_ms) - start)) ms)"

# A takeover whose first frames are lost: a port in STP listening does that.
nft -f - <<- END
	table netdev stp {
		chain in {
			type filter hook ingress device lan-2a priority 0;
			ether saddr { $vmac, $vmac6 } drop
		}
	}
	END
crash 1
ip netns exec gw1 "$daemon" -r 2> /dev/null
within 30 held 2
sleep 1.5
! at_port lan-2a
ok $? "a takeover, and the switch learns nothing"
nft delete table netdev stp
start=$(now_ms)
within 12 at_port lan-2a
ok $? "then it learns within a second ($(($(now_ms) - start)) ms)"

# Carrier lost and found, on the switch's side
ip link set lan-2a down
sleep 0.3
ip link set lan-2a up
start=$(now_ms)
within 12 at_port lan-2a
ok $? "carrier lost and found: known within a second ($(($(now_ms) - start)) ms)"

# A switch that gives solicitations to whom has asked for them alone: the new owner has,
# at once, and its addresses wait for no DAD.
ip link set lan type bridge mcast_snooping 1 mcast_query_response_interval 100 mcast_querier 1
for cable in 1a 1b 2a 2b; do
	bridge link set dev lan-$cable mcast_flood off
done
ip -n client addr add fd00:8::9/64 dev eth0 nodad
start 1
within 50 settled 2 1
sees6() {
	ip -n client -6 neigh flush dev eth0
	ip netns exec client ping -6 -q -c 1 -W 1 fd00:8::1 > "$dir/ping6"
}
# Until whoever was asked has had the time to answer, none is given to anybody.
within 200 sees6
ok $? "multicast only for whom has asked for it: the owner is found"
longest=0 found=0
for owner in 1 2 1 2; do
	"$cli" -s "$dir/gw$((3 - owner)).sock" switchover > /dev/null
	within 30 held $owner
	# The switch has to learn of the new owner's groups, which takes some ms.
	if within 15 sees6; then
		found=$((found + 1))
		took=$(sed -n 's/^rtt .* = \([0-9]*\).*/\1/p' "$dir/ping6")
		[ "${took:-9999}" -gt $longest ] && longest=$took
	fi
	within 30 settled $owner $((3 - owner))
done
[ $found -eq 4 ]
ok $? "and after each of 4 takeovers (answers in $longest ms at most)"
ip -n gw2 -o -6 addr show | grep -c 'tentative\|dadfailed' | grep -qx 0
ok $? "no address failed its DAD"

kill "$client"
all_end 1 2
ok $? "all end with status 0, no sanitizer spoke"

finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who owns after cuts, with another key, with links that work in one direction, with
# whatever somebody without the key has recorded; and what the status says of it.
# Two daemons in namespaces of their own, two sync LANs and two LANs with a virtual
# router; a third namespace listens and sends.  No kernel half is needed.  Needs root,
# veth, bridge, macvlan and nft; TAP.
#
# usage: claims.sh PATH-OF-GWSYNCD PATH-OF-GWSYNC PATH-OF-ATTACK
# shellcheck source=agent/tests/lib_daemon.sh
. "$(dirname "$0")/lib_daemon.sh"

attack=$(realpath "$3")
delay=$((4000 * scale))
flood=()

describe() {
	for i in 1 2; do
		echo "# gw$i: $(field $i state), owner $(field $i owner), $(field $i verdict)"
		problems $i | sed 's/^/#  problem: /'
		log_tail $i 8
	done
}

verdict() { timeout 2 "$cli" -s "$dir/gw$1.sock" status > /dev/null 2>&1; [ $? -eq "$2" ]; }
logged() { grep -q -- "$2" "$dir/gw$1.log"; }
times() { [ "$(grep -c -- "$2" "$dir/gw$1.log")" -eq "$3" ]; }

nobody() { ! held 1 && ! held 2; }

# Both namespaces are looked at every 10 ms or so: how often had both the address?
# The first is looked at once more: it may have let go before the second took it.
probe_start() {
	(
		both=0 looks=0
		trap 'echo "$looks $both" > "$dir/probe"; exit' TERM
		while :; do
			held 1 && held 2 && held 1 && both=$((both + 1))
			looks=$((looks + 1))
		done
	) &
	probe=$!
}
probe_end() {	# MOST: looks that may have found two
	kill -TERM "$probe"
	wait "$probe" 2> /dev/null
	read -r looks both < "$dir/probe"
	echo "# $looks looks, $both of them found the address on both"
	[ "$looks" -gt 20 ] && [ "$both" -le "$1" ]
}

config() {	# GATEWAY [KEY [MORE-OF-GROUP]]
	cat > "$dir/gw$1.conf" <<- END
	group = { id = 7; member = $1; priority = $((110 - 10 * $1));
		  dead_after = $((3 * scale)); link_delay_ms = $delay;
		  unsure_ms = $delay; ${3:-} };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; } );
	key_file = "$dir/${2:-key}";
	links = ( { interface = "sync0"; }, { interface = "sync1"; } );
	virtual_routers = ( { name = "lan"; interface = "lan0"; vrid = 5;
			      addresses = ( "10.8.0.254/24" ); },
			    { name = "wan"; interface = "wan0"; vrid = 6;
			      addresses = ( "10.7.0.254/24" ); } );
	daemon = { control = "$dir/gw$1.sock"; sync_state = false; state = "$dir/state$1"; };
	END
}
release() { ip netns exec gw"$1" timeout 5 "$daemon" -c "$dir/gw$1.conf" -r 2> /dev/null; }
lose() {	# GATEWAY: its daemon, and what that has left
	crash "$1"
	release "$1"
}
# cut GATEWAY down|up: all its cables
cut() {
	for lan in sync0 sync1 lan wan; do
		ip link set "$lan-$1" "$2"
	done
}
# forwards GATEWAY yes|no: has carrier all the time, and frames pass, or do not
forwards() {
	for lan in sync0 sync1 lan wan; do
		if [ "$2" = yes ]; then
			ip link set "$lan-$1" master $lan
		else
			ip link set "$lan-$1" nomaster
		fi
	done
}

# deaf GATEWAY DEVICE...: what the other one sends does not come by them
deaf() {
	local dev gw=gw$1 other=$((3 - $1))

	shift
	ip netns exec "$gw" nft -f - <<- END
	table inet deaf {
		chain input {
			type filter hook input priority -500; policy accept;
			$(for dev; do
				echo "iifname $dev ip saddr & 0.0.0.255 == $other udp dport 8116 drop"
			done)
		}
	}
	END
}
# wall GATEWAY input|output: rules of an administrator who has forgotten the group
wall() {
	ip netns exec gw"$1" nft -f - <<- END
	table inet deaf {
		chain wall {
			type filter hook $2 priority 0; policy accept;
			udp dport 8116 drop
		}
	}
	END
}
hears() { ip netns exec gw"$1" nft delete table inet deaf; }

"$cli" key generate "$dir/key" > /dev/null && "$cli" key generate "$dir/other" > /dev/null ||
	exit 1
ip netns add stranger
ip -n stranger link set lo up
for lan in sync0 sync1 lan wan; do
	ip link add $lan type bridge mcast_snooping 0
	ip link set $lan up
	ip link add $lan-x type veth peer name $lan netns stranger
	ip link set $lan-x master $lan up
	ip -n stranger link set $lan up
done
ip -n stranger addr add 10.8.0.9/24 dev lan
ip -n stranger neigh add 10.8.0.254 lladdr 00:00:5e:00:01:05 dev lan nud permanent
for i in 1 2; do
	ip netns add gw$i
	ip -n gw$i link set lo up
	for lan in sync0 sync1 lan wan; do
		dev=${lan/%n/n0}
		ip link add "$lan-$i" type veth peer name "$dev" netns gw$i
		ip link set "$lan-$i" master $lan up
		case $lan in
		sync0) ip -n gw$i addr add 10.9.0.$i/24 dev "$dev" ;;
		sync1) ip -n gw$i addr add 10.9.1.$i/24 dev "$dev" ;;
		lan) ip -n gw$i addr add 10.8.0.$i/24 dev "$dev" ;;
		wan) ip -n gw$i addr add 10.7.0.$i/24 dev "$dev" ;;
		esac
		ip -n gw$i link set "$dev" up
	done
	config $i
done

# What the status says of a group that is well, and of one that is not.
start 1
within 50 owns 1 2
ok $? "alone: owner"
verdict 1 1 && says 1 'gw2 was never heard' || within 80 says 1 'gw2 was never heard'
ok $? "alone: no redundancy, and whom it misses"
start 2
within 80 settled 1 2
ok $? "a backup"
within 80 verdict 1 0 && within 30 silent 1 .
ok $? "fine: no problem"
end 2
within 80 says 1 'gw2 is not heard' && verdict 1 1 && [ "$(field 1 in_sync)" = false ]
ok $? "the backup has ended: no redundancy, said"
within 50 logged 1 'problem: gw2 is not heard' && times 1 'problem: gw2 is not heard' 1
ok $? "and logged once"
config 2 key 'heartbeat_ms = 200;'
sed -i 's/10.8.0.254/10.8.0.253/' "$dir/gw2.conf"
start 2
within 80 says 1 'configuration differs from that of gw2: virtual_routers, group.heartbeat_ms'
ok $? "another configuration: said"
end 2
config 2
start 2
within 80 settled 1 2

# A sync link that works in one direction is not used for state.
within 30 grep -q 'state goes over link sync0' "$dir/gw1.log"
ok $? "state goes over the first sync link"
deaf 2 sync0
within 50 sh -c "grep 'state goes' $dir/gw1.log | tail -n 1 | grep -q sync1"
ok $? "gw2 is deaf on it: gw1 uses the other one"
within 80 says 1 'link sync0 works one way: gw2' && within 80 says 2 'link sync0 is up, but nobody'
ok $? "and both say so"
hears 2
within 80 silent 1 'one way'
ok $? "it is over"
within 30 logged 1 'problem is over: link sync0'
ok $? "and that is logged"

# An owner that is cut off is owner no longer; nobody owns twice when it returns.
probe_start
cut 1 down
within 30 owns 2 1
ok $? "cut off: the other one owns"
within 30 nobody || [ "$(field 1 state)" = backup ]
ok $? "and the one that is cut off does not"
before=$(field 2 epoch)
lose 2
start 2
within 80 owns 2 1 && [ "$(field 2 epoch)" -gt "$before" ]
ok $? "an epoch does not go back with a restart"
cut 1 up
within 50 settled 2 1
ok $? "it returns: the one that has served owns"
probe_end 0
ok $? "at no time both had the address"

# Carrier comes at once, frames pass later.
probe_start
cut 1 down
cut 2 down
within 50 nobody
ok $? "both cut off: nobody owns"
forwards 1 no
forwards 2 no
cut 1 up
cut 2 up
throughout $((20 * scale)) nobody
ok $? "links come up and forward nothing: nobody owns"
forwards 1 yes
forwards 2 yes
one_owner() { owns 1 2 || owns 2 1; }
within 30 one_owner && within 30 sh -c "! { $(declare -f held); held 1 && held 2 && held 1; }"
ok $? "frames pass: one owns"
probe_end 0
ok $? "at no time both had the address"
within 80 silent 1 'not heard' && within 80 silent 2 'not heard'

# Two owners for a moment: the survivor teaches the switch, even if it never stopped.
owner=1 other=2
owns 2 1 && owner=2 other=1
mute() {	# none of the daemons' datagrams passes
	deaf 1 sync0 sync1 lan0 wan0
	deaf 2 sync0 sync1 lan0 wan0
}
unmute() {
	hears 1
	hears 2
}
port_of_mac() { bridge fdb show br lan | sed -n 's/^00:00:5e:00:01:05 dev lan-\([12x]\) .*/\1/p'; }
mute
within 30 held $other
ok $? "they do not hear each other: both own"
within 50 says $owner "not heard" && verdict $owner 1
ok $? "and the status says whom it does not hear"
unmute
within 30 one_owner
ok $? "they hear each other: one owns"
owner=1
owns 2 1 && owner=2
within 30 sh -c "$(declare -f port_of_mac); [ \"\$(port_of_mac)\" = $owner ]"
ok $? "and the switch has learned where"

# The firewall of the backup, then of the owner, drops the group's datagrams.
within 50 settled $owner $((3 - owner))
probe_start
wall $((3 - owner)) input
within 50 says $((3 - owner)) 'the firewall of this host drops UDP 8116 that comes in'
ok $? "rules of the backup drop what comes in: said"
within 50 says $owner 'does not hear this member on any link'
ok $? "and the owner knows that it is not heard"
owns $owner $((3 - owner))
ok $? "the backup does not take the living owner for dead"
hears $((3 - owner))
within 50 settled $owner $((3 - owner)) && within 30 silent $((3 - owner)) firewall
ok $? "the rules are gone: one owner"
wall $owner output
within 50 owns $((3 - owner)) $owner
ok $? "rules of the owner drop what goes out: the other one owns"
within 50 says $owner 'the firewall of this host drops UDP 8116 that goes out'
ok $? "and they are said"
hears $owner
within 80 one_owner && within 50 silent $owner firewall
ok $? "the rules are gone: one owner"
probe_end 0
ok $? "at no time both had the address"
owner=1
owns 2 1 && owner=2

# The one that has served packets meanwhile wins, whatever the epochs are.
served=$owner idle=$((3 - owner))
mute
ip link set "lan-$idle" down
ip link set "wan-$idle" down
serve() {
	while :; do
		ip netns exec stranger ping -c 1 -W 0.05 10.8.0.254 > /dev/null 2>&1
		sleep 0.02
	done
}
serve &
flood=($!)
within 30 held "$served"
sleep $((2 + scale))
kill "${flood[0]}" 2> /dev/null
wait "${flood[0]}" 2> /dev/null
flood=()
unmute
ip link set "lan-$idle" up
ip link set "wan-$idle" up
within 50 settled "$served" "$idle"
ok $? "the one that served packets meanwhile owns"

# Another key: it waits, says so, and owns in the end.
within 50 settled "$served" "$idle"
config "$idle" other
end "$idle"
: > "$dir/gw$idle.log"
start "$idle"
throughout $((25 * scale)) sh -c "$(declare -f held); ! held $idle"
ok $? "another key: does not own at once"
says "$idle" 'does not become owner: datagrams of members come that cannot be read' &&
	logged "$idle" 'NOT OWNER YET'
ok $? "and says why"
within 50 says "$served" 'datagrams of this group are refused: another key'
ok $? "the other one says what it refuses, and from whom"
within 80 held "$idle"
ok $? "bounded: somebody who sends garbage delays no more than that"
verdict "$served" 1
ok $? "no redundancy meanwhile"
end "$idle"
config "$idle"
start "$idle"
within 80 settled "$served" "$idle"
ok $? "the right key: one owner"

# preempt is the better member's word; and a switchover by hand stays.
owner=$served
if [ "$owner" = 1 ]; then
	"$cli" -s "$dir/gw1.sock" switchover > /dev/null
	within 30 settled 2 1
fi
config 1 key 'preempt = true;'
end 1
start 1
within 80 settled 1 2
ok $? "gw1 is better and wants it: it owns, though gw2 does not preempt"
within 50 verdict 1 0
"$cli" -s "$dir/gw1.sock" switchover > /dev/null && within 30 settled 2 1 &&
	throughout $((20 * scale)) settled 2 1
ok $? "a switchover that somebody asked for is not undone"

# Recordings: 64 former lives of each member, and of the member's own, on one LAN.
end 1
end 2
config 1
config 2
ip netns exec stranger "$attack" record lan "$dir/lives" 600 > "$dir/record.log" &
recorder=$!
within 50 grep -q listening "$dir/record.log"
alive_times() { grep -c "member gw$((3 - $1)) ($((3 - $1))) is alive" "$dir/gw$1.log"; }
heard_again() { [ "$(alive_times $1)" -gt "${met[$1]}" ]; }
met=()
for _ in $(seq 64); do
	met=(0 "$(alive_times 1)" "$(alive_times 2)")
	for i in 1 2; do
		start $i
	done
	for i in 1 2; do
		within 30 heard_again $i
	done
	for i in 1 2; do
		crash $i
		rm -f "$dir/gw$i.sock"
	done
done
kill -INT "$recorder"
wait "$recorder"
lives=$("$attack" list "$dir/lives" | grep -c 'heartbeats=[1-9]')
echo "# recorded heartbeats of $lives lives"
[ "$lives" -ge 120 ]
ok $? "heartbeats of 64 lives of each member are recorded"
for i in 1 2; do
	release $i
done
start 1
start 2
within 80 settled 1 2
ok $? "started again: one owner"
flood_start() {	# RATE: of each member's lives
	for member in 1 2; do
		ip netns exec stranger "$attack" send lan "$dir/lives" replay 100000000 \
			member=$member rate="$1" > /dev/null 2>&1 &
		flood+=($!)
	done
}
flood_end() {
	kill "${flood[@]}" 2> /dev/null
	wait "${flood[@]}" 2> /dev/null
	flood=()
}
for rate in 1000 10000; do
	flood_start $rate
	probe_start
	lose 2
	start 2
	within 80 settled 1 2
	ok $? "$rate recordings a second of each: the backup starts again, and follows"
	lose 1
	start 1
	within 80 one_owner
	ok $? "$rate: the owner starts again: one owns"
	probe_end 0
	ok $? "$rate: at no time both had the address"
	flood_end
	owns 1 2 || "$cli" -s "$dir/gw2.sock" switchover > /dev/null
	within 80 settled 1 2
done
[ "$(status 1 | grep -c 'another machine uses')" = 0 ]
ok $? "nobody cries wolf for recordings of its own former lives"

all_end 1 2
ok $? "all end with status 0, no sanitizer spoke"

finish

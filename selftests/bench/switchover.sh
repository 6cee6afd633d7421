#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# switchover.sh TIMES - in a guest: planned switchovers under traffic, captured.
#
#	cl --- lan1 === gwA, gwB === lan2 --- sv	gwA sync0 --- sync0 gwB
#
# lan1 and lan2 are bridges, with virtual routers 10.1.0.1 and 192.0.2.1 (and IPv6) on
# the gateways; the firewall is strict and translates. Captures are in /run/switch, and
# a line "switchover N FROM TO" says what was done.
# shellcheck source=selftests/bench/systems.sh
. "$(dirname "$0")/systems.sh"
RUN=/run/switch
declare -A PID=() MEMBER=([gwA]=1 [gwB]=2)

# Not for what goes on behind: it would not be the one that is killed.
in_ns() { ip netns exec "$@"; }

fail() {
	echo "# failed: $*"
	tail -n 20 $RUN/*.log
	exit 1
}

# leg NETNS NAME BRIDGE PORT ADDRESS...
leg() {
	local ns=$1 name=$2 bridge=$3 port=$4 address

	shift 4
	ip link add name "$name" netns "$ns" type veth peer name "$port" netns "$bridge" || return 1
	ip -n "$bridge" link set dev "$port" master br up
	for address in "$@"; do
		ip -n "$ns" addr add "$address" dev "$name" nodad || return 1
	done
	ip -n "$ns" link set "$name" up
}

network() {
	local ns gw n

	for ns in cl sv lan1 lan2 gwA gwB; do
		ip netns add $ns || return 1
		ip -n $ns link set lo up
	done
	for ns in lan1 lan2; do
		ip -n $ns link add name br type bridge && ip -n $ns link set dev br up || return 1
	done
	leg cl eth0 lan1 c 10.1.0.100/24 fd00:1::100/64 || return 1
	leg sv eth0 lan2 s 192.0.2.100/24 fd00:2::100/64 || return 1
	ip -n cl route add default via 10.1.0.1
	ip -n sv route add default via 192.0.2.1
	ip link add sync0 netns gwA type veth peer name sync0 netns gwB || return 1
	for gw in gwA gwB; do
		n=${MEMBER[$gw]}
		in_ns $gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
			net.netfilter.nf_conntrack_tcp_loose=0 \
			net.netfilter.nf_conntrack_tcp_be_liberal=0 || return 1
		leg $gw n1 lan1 $gw 10.1.0.$((n + 1))/24 fd00:1::$((n + 1))/64 || return 1
		leg $gw n2 lan2 $gw 192.0.2.$((n + 1))/24 fd00:2::$((n + 1))/64 || return 1
		ip -n $gw addr add 10.9.0.$n/24 dev sync0
		ip -n $gw link set sync0 up
		firewall $gw || return 1
	done
}

firewall() {
	in_ns "$1" nft -f - <<- 'END'
	table ip gw {
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state invalid drop
			ct state established,related accept
			meta l4proto tcp tcp flags & (fin|syn|rst|ack) != syn drop
			ct state new iifname "n1*" accept
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname "n2*" ip saddr 10.1.0.0/24 snat to 192.0.2.1
		}
	}
	END
}

config() {
	local n=${MEMBER[$1]}

	cat <<- END
	group = { id = 1; member = $n; priority = $((110 - 10 * n));
		  dead_after = 20; link_delay_ms = 0; };
	members = ( { id = 1; name = "gwA"; }, { id = 2; name = "gwB"; } );
	key_file = "$RUN/key";
	links = ( { interface = "sync0"; } );
	virtual_routers = (
		{ name = "lan1"; interface = "n1"; macvlan = "n1-v"; vrid = 1;
		  addresses = ( "10.1.0.1/24", "fd00:1::1/64" ); },
		{ name = "lan2"; interface = "n2"; macvlan = "n2-v"; vrid = 2;
		  addresses = ( "192.0.2.1/24", "fd00:2::1/64" ); }
	);
	daemon = { control = "$RUN/$1.sock"; state = "$RUN/$1.state"; };
	END
}

start() {
	config "$1" > "$RUN/$1.conf"
	ip netns exec "$1" gwsyncd -c "$RUN/$1.conf" > "$RUN/$1.log" 2>&1 < /dev/null &
	PID[$1]=$!
}

owns() { gwsync_says "$1" state '"owner"'; }
backs_up() { gwsync_says "$1" state '"backup"' && gwsync_says "$1" in_sync true; }

# capture NETNS PORT NAME FILTER
capture() {
	ip netns exec "$1" tcpdump -Z root -i "$2" -Q "$5" -s 96 --time-stamp-precision nano \
		--immediate-mode -U -w "$RUN/$3.pcap" "$4" > "$RUN/$3.dump" 2>&1 &
	PID[$3]=$!
	until_ok 20 grep -q listening "$RUN/$3.dump" || fail "tcpdump of $3"
}

main() {
	local times=$1 i from=gwA to=gwB swap side rulers='udp port 7007 or arp'

	mkdir -p $RUN
	modprobe -a nf_conntrack nf_nat nft_chain_nat bridge veth macvlan gwsync
	network || fail network
	gwsync key generate $RUN/key > /dev/null || fail key
	start gwA
	until_ok 60 owns gwA || fail "gwA does not own"
	start gwB
	until_ok 60 backs_up gwB || fail "gwB is not in sync"
	ip netns exec sv stream server 192.0.2.100 > $RUN/server.out 2>&1 &
	PID[server]=$!
	in_ns cl ping -q -c 3 -i 0.2 192.0.2.100 > /dev/null || fail "no way through gwA"
	ip netns exec cl stream client 192.0.2.100 > $RUN/client.out 2>&1 &
	PID[client]=$!
	for side in A B; do
		capture lan1 gw$side lan1-$side "$rulers" in
		capture lan2 gw$side lan2-$side "$rulers" in
	done
	capture gwA sync0 sync 'udp port 8116' inout
	sleep 1
	for ((i = 1; i <= times; i++)); do
		# Each in another phase of the stream and of the heartbeats.
		sleep "0.$((i * 137 % 90 + 10))"
		until_ok 60 backs_up $to || fail "$to is not in sync"
		echo "# switchover $i $from $to"
		echo "switchover $i $from $to ${EPOCHREALTIME/[.,]/}"
		gwsync -s $RUN/$from.sock switchover > $RUN/switchover.out || fail "switchover $i"
		until_ok 60 owns $to || fail "$to does not own"
		swap=$from from=$to to=$swap
		sleep 1
	done
	for i in client server lan1-A lan1-B lan2-A lan2-B sync gwA gwB; do
		kill -TERM "${PID[$i]}" 2> /dev/null
		wait "${PID[$i]}"
	done
	cat $RUN/client.out $RUN/server.out
	sed 's/^/A /' $RUN/gwA.log
	sed 's/^/B /' $RUN/gwB.log
	echo "# all done"
}

main "${1:-4}"

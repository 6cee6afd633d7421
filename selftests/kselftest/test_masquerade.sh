#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Masquerading by a virtual address: when an interface goes down or loses an address the
# kernel ends the connections that it masquerades by that. A former owner's virtual
# routers go down with each planned switchover; the connections must live on.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

between_lans
ip -n "$C" addr add 10.1.0.2/24 dev lan0
ip -n "$C" route add default via 10.1.0.254
ip -n "$S" addr add 10.2.0.2/24 dev wan0
n=0
for gw in "$A" "$B"; do
	n=$((n + 1))
	to_lan "$gw" lan $n
	to_lan "$gw" wan $n
	# No address of its own: what leaves goes by the virtual router's interface, which
	# is the first to go down, so that the kernel has time to end what it masqueraded.
	agent_config "$gw" 1 $n none
	cat >> "$TMP/$gw.conf" <<- END
	virtual_routers = ( { interface = "wan0"; vrid = 2; addresses = ( "10.2.0.254/24" ); },
			    { interface = "lan0"; vrid = 1; addresses = ( "10.1.0.254/24" ); } );
	END
	sysctl_ns "$gw" net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_tcp_loose=0
	in_ns "$gw" nft -f - <<- END
	table inet gw {
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state established,related accept
			iifname gws1 ct state new accept
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname gws2 masquerade
		}
	}
	END
done
export PEER_SECONDS=$((10 * SCALE))

agent_start "$A"
check "alone: owner" wait_for 5 field_is "$A" state owner || finish
agent_start "$B"
spawn serve "$S" peer serve 7000
spawn udps "$S" peer udp-serve 7000
check "servers listen" wait_for 5 said serve ready
spawn_fed tcp "$C" peer echo 10.2.0.2 7000 20
spawn_fed udp "$C" peer udp 10.2.0.2 7000 20
for n in tcp udp; do
	check "20 connections: $n" wait_for 5 said $n ready || finish
done
check "in sync" wait_for 10 in_sync "$A" "$B"
masqueraded() {	# NETNS LEAST
	local n

	n=$(in_ns "$1" conntrack -L 2> /dev/null | grep -c 'dst=10.2.0.2 .*dst=10.2.0.254')
	ge "$n" "$2"
}
check "the backup has them" wait_for 5 masqueraded "$B" 40

owner=$A backup=$B
for round in 1 2; do
	check "switchover $round" ask "$owner" switchover
	check "switchover $round: the other one owns" wait_for 5 field_is "$backup" state owner
	check "switchover $round: it has every connection" masqueraded "$backup" 40
	for n in tcp udp; do
		feed $n
		check "switchover $round: connections answer: $n" \
			wait_for 10 said_times $n "alive 20 of 20" "$round"
	done
	check "switchover $round: in sync" wait_for 15 in_sync "$backup" "$owner"
	check "switchover $round: the former owner has them, too" \
		wait_for 15 masqueraded "$owner" 40
	was=$owner owner=$backup backup=$was
done
logs_if_failed "$A" "$B"
finish

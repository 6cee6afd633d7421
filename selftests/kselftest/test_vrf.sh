#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A virtual router whose interface is in a VRF is in it too: its network is in the VRF's
# table, and what comes for it is looked up there.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

VIP6=fd00:8::254
faults_net "$A" "$B"
ADDRESSES="\"$VIP/24\", \"$VIP6/64\""
ip -n "$LAN" addr add fd00:8::99/64 dev br1 nodad
for gw in "$A" "$B"; do
	n=${MEMBER[$gw]}
	faults_config "$gw"
	ip -n "$gw" link add blue type vrf table 10 || bail "no VRF"
	ip -n "$gw" link set blue up
	ip -n "$gw" link set lan0 master blue
	# to enter a VRF takes IPv6 addresses along
	ip -n "$gw" addr add "fd00:8::$n/64" dev lan0 nodad
	# a host that is known to this VRF alone
	ip -n "$gw" link add d0 type dummy
	ip -n "$gw" link set d0 master blue up
	ip -n "$gw" addr add 10.77.0.1/24 dev d0
	sysctl_ns "$gw" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
ip -n "$LAN" route add 10.77.0.0/24 via $VIP

# master NETNS: of its virtual router's interface
master() { ip -n "$1" -d -o link show dev "$macvlan" | sed -n 's/.* master \([^ ]*\) .*/\1/p'; }
in_blue() { eq "$(master "$1")" blue; }
in_none() { eq "$(master "$1")" ""; }
# in_table NETNS FAMILY TABLE PREFIX: the network of its address, by its own interface
in_table() { ip -n "$1" "-$2" route show table "$3" dev "$macvlan" | grep -q "^$4 "; }
answers6() { in_ns "$LAN" ping -6qc 1 -W 1 $VIP6 > /dev/null; }
beyond() { in_ns "$LAN" ping -qc 1 -W 1 10.77.0.1 > /dev/null; }
holds() {	# NAME NETNS
	check "$1: it is in the VRF" wait_for 5 in_blue "$2"
	check "$1: its IPv4 network is in the VRF's table" wait_for 5 in_table "$2" 4 10 10.8.0.0/24
	check "$1: its IPv6 network is in the VRF's table" wait_for 5 in_table "$2" 6 10 fd00:8::/64
	check "$1: the address answers" wait_for 5 answers
	check "$1: the IPv6 address answers" wait_for 5 answers6
	check "$1: it forwards to what is in the VRF" wait_for 5 beyond
}

check "in sync" faults_start "$A" "$B" || finish
macvlan=$(ask "$A" status --json |
	sed -n 's/.*"macvlan": "\([^"]*\)".*/\1/p' | head -n 1)
holds "owner" "$A"
check "backup: it is in the VRF" in_blue "$B"
agent_crash "$A"
ip -n "$A" link set lan0 down
ip -n "$A" link set sync0 down
check "power loss: the backup owns" wait_for 10 field_is "$B" state owner
holds "power loss" "$B"

# Taken out of it by somebody, while it serves.
ip -n "$B" link set "$macvlan" nomaster
holds "taken out" "$B"
check "taken out: it is said" wait_for 5 grep -q "in another VRF" "$TMP/$B.log"

# Its interface leaves the VRF, and comes back.
ip -n "$B" link set lan0 nomaster
check "interface leaves: it does too" wait_for 5 in_none "$B"
check "interface leaves: its network is in the main table" \
	wait_for 5 in_table "$B" 4 main 10.8.0.0/24
check "interface leaves: the address answers" wait_for 5 answers
check "interface leaves: the IPv6 address answers" wait_for 5 answers6
ip -n "$B" link set lan0 master blue
ip -n "$B" addr replace "fd00:8::${MEMBER[$B]}/64" dev lan0 nodad
holds "interface is back" "$B"
check "interface is back: nobody fights" fails grep -q "times within" "$TMP/$B.log"

check "agent ends well" agent_end "$B"
check "nothing is left" fails ip -n "$B" link show dev "$macvlan"
logs_if_failed "$A" "$B"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A full sync while something happens all the time: interfaces flap, files are read
# again, members come and go. It keeps what it has, and ends.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

FLOWS=3000 RATE=1000
faults_net "$A" "$B" "$D"
for n in 1 2; do
	ip -n "$LAN" link add "br2$n" up type bridge mcast_snooping 0
done
for gw in "$A" "$B" "$D"; do
	for n in 1 2; do
		peer=q$n${MEMBER[$gw]}
		ip link add "sync$n" netns "$gw" type veth peer name "$peer" netns "$LAN"
		ip -n "$LAN" link set "$peer" master "br2$n" up
		ip -n "$gw" addr add "10.9.$n.${MEMBER[$gw]}/24" dev "sync$n"
		ip -n "$gw" link set "sync$n" up
	done
	ip -n "$gw" link add link lan0 name lan0.7 type vlan id 7
	ip -n "$gw" link set lan0.7 up
	faults_config "$gw" "" "walk_rate = $RATE; digest_ms = 1000;"
	sed -i 's|^	links = .*|	links = ( { interface = "sync0"; }, { interface = "sync1"; }, { interface = "sync2"; } );|' "$TMP/$gw.conf"
	sed -i "s|virtual_routers = (|& { name = \"seven\"; interface = \"lan0.7\"; vrid = 7; addresses = ( \"10.77.0.254/24\" ); },|" "$TMP/$gw.conf"
done

agent_start "$A"
check "it owns" wait_for 10 field_is "$A" state owner || finish
make_flows "$A" 4000 $FLOWS || bail "no flows"

# whole NAME: B has all, by the full sync that it began with
whole() {
	check "$1: in sync" timed 60 in_sync "$A" "$B"
	figure "$1: $MS ms"
	check "$1: none missing, none different" equal $FLOWS "$A" "$B"
	check "$1: the full sync was never begun anew" eq "$(counter "$B" sync restarts)" 0
	check "$1: the owner owns" eq "$(field "$A" epoch)" "$EPOCH"
}
# again: B knows nothing
again() {
	check "B ends" agent_end "$B"
	in_ns "$B" conntrack -F > /dev/null 2>&1
	check "B has nothing" wait_for 5 none
}
none() { ge 5 "$(in_ns "$B" conntrack -C)"; }

epoch_known() { EPOCH=$(field "$A" epoch); [ -n "$EPOCH" ]; }
check "the owner's epoch is known" wait_for 5 epoch_known
agent_start "$B"
whole "undisturbed"

# Each of these, every 300 ms.
flap() { ip -n "$1" link set "$2" down; ip -n "$1" link set "$2" up; }
d_vlan() { flap "$B" lan0.7; }
d_hup() { agent_signal HUP "$A"; ask "$B" status && agent_signal HUP "$B"; }
d_link() { flap "$B" sync2; flap "$A" sync1; }
d_mtu() { ip -n "$A" link set sync0 mtu $((1400 + RANDOM % 100)); }
d_verify() {
	in_ns "$B" gwsync verify "$(command -v ip)" netns exec "$A" gwsync
}
disturb() {
	while :; do
		"d_$1" > /dev/null 2>&1
		sleep 0.3
	done
}
for what in vlan hup link mtu verify; do
	again
	agent_start "$B"
	background disturb $what
	whole "$what"
	end_of "$BACKGROUND"
done

# A third member comes and goes.
again
agent_start "$B"
for _ in 1 2 3; do
	agent_start "$D"
	check "member: it follows" wait_for 10 field_is "$D" state backup
	check "member: it is heard" wait_for 10 peer_is "$B" gw3 alive true
	check "member: it goes" agent_end "$D"
done
whole "member"
logs_if_failed "$A" "$B" "$D"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# At a takeover a flow has what its protocol gives in its state, whatever was left
# of its clock when it was packed; flows of flow tables, offloaded at once, late,
# again on the new owner, or ending inside the table, live as without a takeover.
. "$(dirname "$0")/lib.sh"

setup_net
modprobe -a nft_flow_offload nf_flow_table_inet nf_flow_table || bail "no flow tables"
# In the table: all of port 7001, from its first packet back on; late those of 7002.
TABLE='flowtable f { hook ingress priority 0; devices = { n1, n2 }; }
	chain fast {
		type filter hook forward priority 1;
		meta l4proto { tcp, udp } th dport 7001 flow add @f
		meta l4proto { tcp, udp } th dport 7002 ct packets > 20 flow add @f
	}'
strict "$A" "$TABLE"
strict "$B" "$TABLE"
for gw in "$A" "$B"; do
	# Established times shorter than half a day are where a flow table's day shows.
	sysctl_ns "$gw" net.netfilter.nf_conntrack_tcp_timeout_established=3600
done
check "relay attaches to both" relay_start || finish

# made PROTO SPORT TIMEOUT NAME=VALUE...: a flow whose clock has run down to TIMEOUT
made() {
	ctmake "$GW" create src=10.1.0.9 dst=10.2.0.9 "proto=$1" "sport=$2" "timeout=$3" "${@:4}"
}
# make_all NETNS: one of each kind, anew: on a slow machine those of before are over
make_all() {
	GW=$1
	in_ns "$GW" conntrack -D --orig-src 10.1.0.9 > /dev/null 2>&1
	made 17 100 9 dport=53 status=0x0e
	made 17 101 9 dport=53 status=0x0a
	made 17 102 300 dport=53 status=0x0e
	made 17 103 80 dport=53 status=0x40e
	made 6 110 200 dport=80 status=0x0e tcp_state=3
	made 6 111 20 dport=80 status=0x0e tcp_state=5
	made 6 112 20 dport=80 status=0x0e tcp_state=7
	made 132 120 9 dport=80 status=0x0e sctp_state=4 sctp_vtag_orig=1 sctp_vtag_reply=2
	ctmake "$GW" create src=10.1.0.9 dst=10.2.0.9 proto=50 timeout=9
	ctmake "$GW" create src=10.1.0.9 dst=10.2.0.9 proto=1 icmp_type=8 icmp_code=0 icmp_id=130 \
		timeout=9
}
make_all "$A"
# What is left of it at the moment of a full sync is what a record would keep.
check "full sync" relay_cmd sync
# seconds NETNS PATTERN: what the record of a flow says
seconds() { gwctl -n "$1" dump | sed -nE "/$2/s/.* timeout=([0-9]*) .*/\1/p" | head -n 1; }
# within NETNS PATTERN LEAST MOST
within() {
	local s

	s=$(seconds "$1" "$2")
	[ -n "$s" ] && [ "$s" -ge "$3" ] && [ "$s" -le "$4" ] || { echo "$s s"; return 1; }
}
SCTP_EST=$(in_ns "$A" sysctl -n net.netfilter.nf_conntrack_sctp_timeout_established)
# clocks NETNS MOMENT: and so they are after any change of ownership
clocks() {
	local gw=$1 m="proto=17 10.1.0.9" t="proto=6 10.1.0.9"

	check "$2: assured UDP has a stream's time" within "$gw" "$m,100>" 110 120
	check "$2: answered UDP has that of an answer" within "$gw" "$m,101>" 20 30
	check "$2: a longer clock stays" within "$gw" "$m,102>" 200 300
	check "$2: a fixed one is not wound up" within "$gw" "$m,103>" 10 80
	check "$2: established TCP, window shut or waiting" within "$gw" "$t,110>" 3500 3600
	check "$2: half closed TCP" within "$gw" "$t,111>" 50 60
	check "$2: TCP that is over keeps the rest" within "$gw" "$t,112>" 0 20
	check "$2: SCTP by its state" within "$gw" "proto=132 10.1.0.9,120>" \
		$((SCTP_EST - 10)) "$SCTP_EST"
	check "$2: another protocol" within "$gw" "proto=50 10.1.0.9" 590 600
	check "$2: ICMP" within "$gw" "proto=1 10.1.0.9" 20 30
}
clocks "$B" "full sync"

# Flow tables: real connections.
for port in 7000 7001 7002; do
	spawn serve$port "$S" peer serve $port
	spawn udps$port "$S" peer udp-serve $port
	check "servers of $port listen" wait_for 5 said serve$port ready
done
spawn_fed tcp1 "$C" peer echo 10.2.0.2 7001 2
spawn_fed udp1 "$C" peer udp 10.2.0.2 7001 2
spawn_fed tcp2 "$C" peer echo 10.2.0.2 7002 2
TCP2=$SPAWNED
spawn_fed udp2 "$C" peer udp 10.2.0.2 7002 2
for n in tcp1 udp1 tcp2 udp2; do
	check "$n: answers" wait_for 10 said $n ready
done
# offloaded NETNS PROTO PORT N: flows in its flow table
offloaded() {
	local n

	n=$(in_ns "$1" conntrack -L -p "$2" --dport "$3" 2> /dev/null | grep -c OFFLOAD)
	ge "$n" "$4"
}
again() { feed "$1"; wait_for 10 said_times "$1" "alive 2 of 2" "$2"; }
check "TCP goes on in the table" again tcp1 1
check "UDP goes on in the table" again udp1 1
check "TCP is in the flow table" wait_for 3 offloaded "$A" tcp 7001 2
check "UDP is in the flow table" wait_for 3 offloaded "$A" udp 7001 2
check "not yet the others" fails offloaded "$A" tcp 7002 1
# liberal NETNS PORT: both directions of all its TCP flows
liberal() {
	gwctl -n "$1" dump | grep "proto=6 10.1.0.2,.*,$2 " > "$TMP/liberal"
	# IP_CT_TCP_FLAG_BE_LIBERAL is 8
	awk -F'tcp=' '{
		n++; split($2, part, "[][]")
		for (i = 2; i <= 4; i += 2) {
			split(part[i], seen, ",")
			if (int(seen[5] / 8) % 2 == 0) bad++
		}
	} END { exit n == 0 || bad }' "$TMP/liberal" || { cat "$TMP/liberal"; return 1; }
}
check "at once: B's TCP is liberal" wait_for 3 liberal "$B" 7001
# No record says a day, whoever asks for it and when.
no_day() {
	gwctl -n "$1" dump | grep "10.1.0.2,.*,700" > "$TMP/day"
	[ -s "$TMP/day" ] && ! grep -E " timeout=([5-9][0-9]{3}|[0-9]{5,})" "$TMP/day"
}
check "at once: no clock of a day in B" wait_for 3 no_day "$B"
check "at once: UDP has a stream's time in B" wait_for 3 within "$B" \
	"proto=17 10.1.0.2,.*,7001 " 110 120
for _ in $(seq 12); do
	feed tcp2
	feed udp2
done
check "late: TCP went on" wait_for 10 said_times tcp2 "alive 2 of 2" 12
check "late: TCP is in the flow table" wait_for 3 offloaded "$A" tcp 7002 2
check "late: UDP is in the flow table" wait_for 3 offloaded "$A" udp 7002 2
check "late: B's TCP is liberal soon" wait_for 3 liberal "$B" 7002
check "late: UDP has a stream's time in B" wait_for 3 within "$B" "proto=17 10.1.0.2,.*,7002 " 110 120
sent=$(stat "$A" refreshed)
sleep 2.5	# two passes: what was told once is not told again
check "late: and that was told once" eq "$(stat "$A" refreshed)" "$sent"
check "full sync with flow tables" relay_cmd sync
check "full sync: no clock of a day in B" no_day "$B"

# Planned: the old owner's own table keeps flows that are replicas now.
make_all "$A"
check "and of all else: full sync" relay_cmd sync
check "switchover" relay_cmd switchover
path B
check "switchover: the background walk ends" relay_cmd settle
clocks "$B" "switchover"
for n in tcp1:2 udp1:2 tcp2:13 udp2:13; do
	check "switchover: ${n%:*} goes on" again "${n%:*}" "${n#*:}"
done
check "switchover: TCP is in B's flow table" wait_for 5 offloaded "$B" tcp 7001 2
demoted() { eq "$(gwctl -n "$A" dump | grep -vc "owner=2 flags=replica")" 0 && no_day "$A"; }
check "switchover: no clock of a day in A" wait_for 5 demoted
check "full sync from B" relay_cmd sync
check "full sync from B: no clock of a day in A" no_day "$A"
check "full sync from B: A's TCP is liberal" liberal "$A" 7001

# B dies; its last segments were FIN and RST that its flow table had in hand.
kill "$TCP2"
closed() { ! offloaded "$B" tcp 7002 1; }
check "end in the table: it left the table" wait_for 5 closed
ended() { ! gwctl -n "$A" dump | grep "proto=6 10.1.0.2,.*,7002 .* tcp=3,"; }
check "end in the table: A knows" wait_for 3 ended
check "end in the table: with a short clock" wait_for 3 within "$A" \
	"proto=6 10.1.0.2,.*,7002 " 0 120
make_all "$B"
check "and of all else: full sync" relay_cmd sync
relay_cmd kill > /dev/null
check "takeover" relay_cmd takeover
path A
check "takeover: the background walk ends" relay_cmd settle
clocks "$A" "takeover"
for n in tcp1:3 udp1:3 udp2:14; do
	check "takeover: ${n%:*} goes on" again "${n%:*}" "${n#*:}"
done
check "takeover: TCP is in A's flow table again" wait_for 5 offloaded "$A" tcp 7001 2
# What no table has got has no day, in the kernel's own words.
ticks() { in_ns "$A" conntrack -L -o extended 2> /dev/null | grep -v OFFLOAD | awk '$5 > 3600 && $3 != "sctp" { print; n++ } END { exit n > 0 }'; }
check "takeover: nothing outside the table stays for a day" ticks
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# PPTP: two clients behind one address, with the same call id, to one server; their
# calls go on at the new owner, which follows what becomes of them.
. "$(dirname "$0")/lib.sh"

setup_net
modprobe -a nf_conntrack_pptp nf_nat_pptp || bail "no helpers"
PPTP='ct helper pptp { type "pptp" protocol tcp; }
	chain helpers { type filter hook prerouting priority 10; tcp dport 1723 ct helper set "pptp"; }'
strict "$A" "$PPTP"
strict "$B" "$PPTP"
ip -n "$C" addr add 10.1.0.5/32 dev lo
for gw in "$A" "$B"; do
	ip -n "$gw" route replace 10.1.0.5/32 dev n1
done
export PEER_SECONDS=$((3 * SCALE))
check "relay attaches to both" relay_start || finish
spawn pac "$S" pptp serve
check "server listens" wait_for 5 said pac ready
# ask_of NAME COMMAND ANSWER [TIMES]
ask_of() { feed "$1" "$2"; wait_for 5 said_times "$1" "$3" "${4:-1}"; }
for n in 2 5; do
	spawn_fed "pns$n" "$C" pptp call 10.1.0.$n 10.2.0.2 7
	check "10.1.0.$n: control connection" wait_for 5 said "pns$n" ready
	check "10.1.0.$n: a call is up" ask_of "pns$n" dial up
	check "10.1.0.$n: data" ask_of "pns$n" data alive
done
calls() { in_ns "$1" conntrack -L -p gre 2> /dev/null | wc -l; }
has_calls() { eq "$(calls "$1")" "$2"; }
check "two calls at A" wait_for 3 has_calls "$A" 2
check "their ids are not the same any more" eq \
	"$(sed -n 's/.* \([0-9]*\) there/\1/p' "$TMP/pac" | sort -u | wc -l)" 2

# In whatever order a walk meets them: a call needs its control connection first.
in_ns "$B" conntrack -F > /dev/null 2>&1
check "full sync to an empty backup" relay_cmd sync
check "flows, masters and helpers in B" ctcompare -w $((2 * SCALE)) -r helper,master_src -m 4 \
	"$A" "$B"
check "no master was missed" eq "$(stat "$B" master_missing)" 0

relay_cmd kill > /dev/null
check "takeover" relay_cmd takeover
path B
for n in 2 5; do
	check "takeover: 10.1.0.$n: the call goes on" ask_of "pns$n" data alive 2
	check "takeover: 10.1.0.$n: so does its control connection" ask_of "pns$n" echo echo
done
check "takeover: the background walk ends" relay_cmd settle
check "takeover: two calls at B" has_calls "$B" 2
check "new owner: hanging up" ask_of pns2 clear cleared
check "new owner: ends the flow of the call" wait_for 3 has_calls "$B" 1
check "new owner: the other one goes on" ask_of pns5 data alive 3
check "new owner: the next call is up" ask_of pns2 dial up 2
check "new owner: its data" ask_of pns2 data alive 3
check "new owner: two calls again" wait_for 3 has_calls "$B" 2
finish

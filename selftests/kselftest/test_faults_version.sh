#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A rolling upgrade: members whose frames or records are of another version.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

faults_net "$A" "$B" "$D"
check "in sync" faults_start "$A" "$B" "$D" || finish
make_flows "$A" 4000 500
check "tables are equal" equal 500 "$A" "$B" "$D"

# Frames of another version: one member's say 3, its checksums are right.
new=$B
version() { ge "$(counter "$1" dropped version)" 1; }
epoch=$(field "$A" epoch)
all_alive() { eq "$(peer_field "$A" gw2 alive)" "$1"; }
ip netns exec "$new" tc qdisc add dev sync0 clsact
ip netns exec "$new" tc qdisc add dev lan0 clsact
for dev in sync0 lan0; do
	tc -n "$new" filter add dev $dev egress protocol ip u32 match ip protocol 17 0xff \
		match ip dport 8116 0xffff \
		action pedit munge offset 30 u8 set 3 pipe action csum udp ||
		bail "no pedit"
done
check "other frames: counted" wait_for 5 version "$A"
check "other frames: the log names the remedy" logged "$A" "another version of gwsync"
check "other frames: that member is missed" wait_for 10 all_alive false
check "other frames: nobody took over" field_is "$A" epoch "$epoch"
check "other frames: the others are in sync" wait_for 5 says_of "$A" gw3 -- in_sync true lag_frames 0
check "other frames: nothing is lost" equal 500 "$A" "$D"
for dev in sync0 lan0; do
	tc -n "$new" qdisc del dev $dev clsact
done
check "same frames again: in sync" wait_for 20 settled "$A" "$B" "$D"
check "same frames again: all equal" equal 500 "$A" "$B" "$D"

# Records of another version, and parts that this one does not know.
backup=$B id=${MEMBER[$A]} epoch=$(field "$A" epoch)
printf '\000\030\002\001\002\021\000\016\000\000\002\130\12\7\0\1\12\7\0\2\0\1\0\2' > "$TMP/new"
refused() { stat "$backup" refused_version; }
was=$(refused) had=$(gwctl -n "$backup" get replicas)
check "newer records: the message is taken" gwctl -n "$backup" apply "$id" "$epoch" "$TMP/new"
check "newer records: refused, counted" eq "$(refused)" $((was + 1))
check "newer records: nothing was installed" eq "$(gwctl -n "$backup" get replicas)" "$had"
said_so() { ask "$backup" status --json | grep -q 'records refused'; }
check "newer records: a problem in the status" wait_for 5 said_so
# Length 24 + 7; a part of type 80 with five bytes: may be skipped.
{ printf '\000\037\001\001\002\021\000\016\000\000\002\130\12\7\0\1\12\7\0\2\0\1\0\2'
	printf '\120\007hello'; } > "$TMP/part"
was=$(stat "$backup" parts_skipped)
check "newer parts: taken" gwctl -n "$backup" apply "$id" "$epoch" "$TMP/part"
check "newer parts: skipped, counted" eq "$(stat "$backup" parts_skipped)" $((was + 1))
check "newer parts: the flow is there" eq "$(gwctl -n "$backup" get replicas)" $((had + 1))
agent_crash "$backup"
agent_start "$backup"
check "the next full sync: in sync" wait_for 20 settled "$A" "$B" "$D"
check "the next full sync: all equal" equal 500 "$A" "$B" "$D"
check "the next full sync: no problem is left" fails said_so
for ns in "$B" "$D" "$A"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B" "$D"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who belongs to a group: keys, "auth none", foreign groups on the same LAN, a
# third member.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

D=gwD-$TAG E=gwE-$TAG F=gwF-$TAG
gateways
add_ns "$D" "$E" "$F"
sync_lan "$A" "$B" "$D" "$E" "$F"
gwsync key generate "$TMP/key" > /dev/null && gwsync key generate "$TMP/other" > /dev/null ||
	bail "no key"

# refused NETNS PATTERN: gwsyncd ends at once, with this line
refused() {
	fails timeout 5 ip netns exec "$1" gwsyncd -c "$TMP/$1.conf" 2> "$TMP/refused" ||
		return 1
	grep -q -- "$2" "$TMP/refused" || { cat "$TMP/refused"; return 1; }
}
agent_config "$A" 1 1 unset
check "neither key nor auth none: refused" refused "$A" "key_file: is missing; .*auth = \"none\""
agent_config "$A" 1 1 "$TMP/key"
for mode in 640 604; do
	chmod $mode "$TMP/key"
	check "key file of mode $mode: refused, with file, key and remedy" refused "$A" \
		"$TMP/$A.conf:[0-9]*: key_file: .*$TMP/key .*mode 0$mode.*chmod 600 $TMP/key"
done
chmod 600 "$TMP/key"

# Group 1 on two gateways.
agent_config "$B" 1 2 "$TMP/key"
agent_start "$A"
check "group 1: owner" wait_for 5 field_is "$A" state owner || finish
make_flows "$A" 1001 100 1000
agent_start "$B"
check "group 1: in sync" wait_for 10 in_sync "$A" "$B"
check "group 1: tables are equal" same 100 "$A" "$B"
check "group 1: sealed" field_is "$A" auth sealed

# stranger CONFIG... : a third machine that has no right to join
stranger() {
	agent_config "$D" "$@"
	agent_start "$D"
	wait_for 5 field_is "$D" state owner
}
# apart NAME COUNTER PATTERN: there is no session, and everybody says why
apart() {
	local ns m

	for ns in "$A" "$B"; do
		check "$1: counter $2 grows" grows "$ns" dropped "$2"
		check "$1: a log line with the remedy" logged "$ns" "refused a datagram of 10.9.0.3: $3"
		check "$1: no session" peer_is "$ns" gw3 session false
		check "$1: is not alive" peer_is "$ns" gw3 alive false
	done
	check "$1: the stranger counts it too" grows "$D" dropped "$2"
	check "$1: and says it" logged "$D" "refused a datagram of 10.9.0.[12]: $3"
	check "$1: it accepted nothing" eq "$(counter "$D" session accepted)" 0
	for m in gw1 gw2; do
		check "$1: it has no session with $m" peer_is "$D" $m session false
	done
	check "$1: group 1 did not mind" in_sync "$A" "$B"
	check "$1: no flow of the group is there" eq "$(with_dport "$D" 1001)" 0
	check "$1: ends well" agent_end "$D"
}
check "auth none, by name: runs" stranger 1 3 none
check "auth none: the log says so" logged "$D" "NOT SEALED (auth none)"
check "auth none: the status says so" field_is "$D" auth none
apart "auth none" mode "sealed here and not there.*compare auth and key_file"
rm "$TMP/$D.log"
check "wrong key: runs" stranger 1 3 "$TMP/other"
apart "wrong key" key "another key or a forgery; compare key_file"

# Another group on the same LAN.
# two_groups NAME KEYFILE FLOWS: that are there in the end, at least
two_groups() {
	agent_config "$E" 2 1 "$2"
	agent_config "$F" 2 2 "$2"
	agent_start "$E"
	check "$1: owner" wait_for 5 field_is "$E" state owner
	agent_start "$F"
	check "$1: in sync" wait_for 10 in_sync "$E" "$F"
	make_flows "$E" 1002 200 $((1000 + $3))
	make_flows "$A" 1001 200 $((1000 + $3))
	check "$1: tables of group 2 are equal" same "$3" "$E" "$F"
	check "$1: tables of group 1 are equal" same "$3" "$A" "$B"
	check "$1: group 1 has its owner" in_sync "$A" "$B"
	for ns in "$A" "$B" "$E" "$F"; do
		check "$1: datagrams of the other group are counted" grows "$ns" dropped group
	done
	for ns in "$A" "$B"; do
		check "$1: nothing of group 2 in group 1" eq "$(with_dport "$ns" 1002)" 0
	done
	for ns in "$E" "$F"; do
		check "$1: its own flows are there" eq "$(with_dport "$ns" 1002)" "$3"
		check "$1: nothing of group 1 in group 2" eq "$(with_dport "$ns" 1001)" 0
	done
	check "$1: a switchover of group 2" ask "$E" switchover
	check "$1: is none of group 1" in_sync "$A" "$B"
	check "$1: and leaves group 2 in sync" wait_for 10 in_sync "$F" "$E"
	for ns in "$E" "$F"; do
		check "$1: agent ends well" agent_end "$ns"
	done
}
two_groups "group 2, another key" "$TMP/other" 200
two_groups "group 2, the same key" "$TMP/key" 400

# A third member.
agent_config "$D" 1 3 "$TMP/key"
agent_start "$D"
check "third member: in sync, as the second" wait_for 10 in_sync "$A" "$B" "$D"
check "third member: its table is equal" same 500 "$A" "$D"
make_flows "$A" 1001 100 2000
for ns in "$B" "$D"; do
	check "new flows are in all three" same 600 "$A" "$ns"
done
check "owner: three are in session" peer_is "$A" gw3 session true
agent_crash "$A"
check "owner's agent dies: the second owns, the third follows" \
	wait_for 10 in_sync "$B" "$D"
check "the third has all" same 600 "$B" "$D"
agent_start "$A"
check "the first comes back: in sync, all three" wait_for 10 in_sync "$B" "$A" "$D"
check "to the third, by name" ask "$B" switchover --to gw3
check "it owns, the others are in sync" wait_for 10 in_sync "$D" "$A" "$B"
for ns in "$A" "$B"; do
	check "tables are equal" same 600 "$D" "$ns"
done
for ns in "$A" "$B" "$D"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B" "$D" "$E" "$F"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sync links of different MTU: heartbeats pass, and records must fit the smallest.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

faults_net "$A" "$B"
# The owner's link takes jumbo frames, and so do the switch and the cable to the backup.
for port in br0 p1 p2; do
	ip -n "$LAN" link set $port mtu 9000
done
ip -n "$A" link set sync0 mtu 9000
make_flows "$A" 4000 3000
check "the backup's link takes less: in sync" faults_start "$A" "$B" || finish
check "none missing, none different" wait_for 10 equal 3000 "$A" "$B"
check "the owner says so" wait_for 5 grep -q "MTU of the sync link is 9000 here and 1500 at gw2" \
	"$TMP/$A.log"
in_ns "$A" conntrack -U -p udp --dport 4000 --mark 7 > /dev/null 2>&1
check "changes of all of them arrive" wait_for 20 equal 3000 "$A" "$B"
check "and it stays in sync" in_sync "$A" "$B"

# It takes less and less while it serves; then the other way round.
ip -n "$B" link set sync0 mtu 1400
in_ns "$A" conntrack -U -p udp --dport 4000 --mark 8 > /dev/null 2>&1
check "it takes even less: in sync" wait_for 20 equal 3000 "$A" "$B"
# What the owner has sent before it hears of that never arrives, however often it is sent.
again() { ask "$A" stats --all | awk '$1 == "transmit.again" { print $2 }'; }
more_than() { [ "$(again)" -gt "$1" ]; }
before=$(again)
ip -n "$LAN" link set p2 mtu 1280
in_ns "$A" conntrack -U -p udp --dport 4000 --mark 10 > /dev/null 2>&1
check "less, and the owner hears of it too late: frames are sent again" wait_for 5 more_than "$before"
ip -n "$B" link set sync0 mtu 1280
check "and all arrives" wait_for 20 equal 3000 "$A" "$B"
check "in sync" wait_for 20 in_sync "$A" "$B"
check "switchover" ask "$A" switchover
check "the other one owns" wait_for 10 settled "$B" "$A"
in_ns "$B" conntrack -U -p udp --dport 4000 --mark 9 > /dev/null 2>&1
check "its changes arrive" wait_for 20 equal 3000 "$B" "$A"
check "nobody was given up" eq "$(cat "$TMP/$A.log" "$TMP/$B.log" | grep -c "does not keep up")" 0
check "agents end well" agent_end "$A"
agent_end "$B" > /dev/null
logs_if_failed "$A" "$B"
finish

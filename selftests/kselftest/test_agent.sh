#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two strict gateways with gwsyncd under real connections: the owner's agent
# killed, stopped, handing over, without power; the module without agents.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

setup_net
# The stops outlast the 30 s of a UDP flow, and every flow is counted.
strict_pair
agent_pair
export PEER_SECONDS=$((10 * SCALE))
TOTAL=0

# more COUNT: flows at the owner
more() {
	DPORT=$((${DPORT:-4000} + 1))
	make_flows "$OWNER" $DPORT "$1" || return 1
	TOTAL=$((TOTAL + $1))
}
# turned: owner and backup have changed places, traffic goes through the owner
turned() {
	local was=$OWNER

	OWNER=$BACKUP BACKUP=$was
	if [ "$OWNER" = "$A" ]; then path A; else path B; fi
}
ROUND=1
# alive NAME: every connection so far answers through the owner
alive() {
	local n

	ROUND=$((ROUND + 1))
	for n in tcp dnat udp; do
		feed "$n"
		check "$1: connections answer: $n" \
			wait_for 10 said_times "$n" "alive 20 of 20" $((ROUND - 1))
	done
}
# settles NAME: in sync, the same in both, connections live
settles() {
	check "$1: in sync" wait_for 10 in_sync "$OWNER" "$BACKUP"
	check "$1: tables are equal" same $((TOTAL + 60)) "$OWNER" "$BACKUP"
	alive "$1"
}

agent_start "$A"
check "alone: owner" wait_for 5 field_is "$A" state owner || finish
OWNER=$A BACKUP=$B
spawn serve "$S" peer serve 7000
spawn udps "$S" peer udp-serve 7000
check "servers listen" wait_for 5 said serve ready
spawn_fed tcp "$C" peer echo 10.2.0.2 7000 20
spawn_fed dnat "$C" peer echo 10.1.0.1 8080 20
spawn_fed udp "$C" peer udp 10.2.0.2 7000 20
for n in tcp dnat udp; do
	check "20 connections: $n" wait_for 5 said $n ready
done
more 500
agent_start "$B"
settles "start"
check "owner: the backup has all" peer_is "$A" gw2 in_sync true
check "backup holds replicas" ge "$(gwctl -n "$B" get replicas)" $((TOTAL + 60))
check "the backup cannot hand over" fails ask "$B" switchover

agent_crash "$A"
agent_start "$A"
check "owner's agent killed and restarted: the backup owns" \
	wait_for 5 field_is "$B" state owner
turned
settles "killed and restarted"

agent_signal STOP "$OWNER"
started=$SECONDS
check "owner's agent stopped: the backup owns" wait_for 5 field_is "$BACKUP" state owner
STOPPED=$OWNER
turned
more 2000
while [ $((SECONDS - started)) -lt 10 ]; do
	sleep 0.5
done
more 1000
agent_signal CONT "$STOPPED"
settles "stopped 10 s"

agent_signal STOP "$BACKUP"
started=$SECONDS
more 2000
while [ $((SECONDS - started)) -lt 10 ]; do
	sleep 0.5
done
more 1000
check "backup's agent stopped: the owner knows" peer_is "$OWNER" \
	"$(field "$OWNER" member | sed 's/1/gw2/; t; s/2/gw1/')" alive false
agent_signal CONT "$BACKUP"
settles "backup stopped 10 s"

heir=$(field "$BACKUP" name)
deaths() { cat "$TMP/$A.log" "$TMP/$B.log" | grep -c "is dead"; }
was=$(deaths)
check "switchover to $heir" ask "$OWNER" switchover --to "$heir"
turned
check "switchover: nobody was taken for dead" eq "$(deaths)" "$was"
settles "switchover"

# No power: nothing is said, nothing is heard, nothing is forwarded.
agent_crash "$OWNER"
for l in sync0 n1 n2; do
	ip -n "$OWNER" link set $l down
done
check "power loss: the other owns" wait_for 5 field_is "$BACKUP" state owner
turned
adopted() { eq "$(gwctl -n "$OWNER" dump | grep -c flags=replica)" 0; }
check "power loss: all flows are adopted" wait_for 5 adopted
check "power loss: none is missing" ge "$(flows "$OWNER")" $((TOTAL + 60))
alive "power loss"
# The machine that boots knows no flow.
in_ns "$BACKUP" conntrack -F > /dev/null 2>&1
for l in sync0 n1 n2; do
	ip -n "$BACKUP" link set $l up
done
for n in 1 2; do
	ip -n "$BACKUP" route replace "10.$n.0.2/32" dev n$n
	ip -n "$BACKUP" addr replace "fd0$n::1/64" dev n$n nodad
	ip -n "$BACKUP" route replace "fd0$n::2/128" dev n$n
done
agent_start "$BACKUP"
settles "power is back"

# Without agents, then without the module.
check "backup's agent ends well" agent_end "$BACKUP"
check "the owner misses it" wait_for 5 peer_is "$OWNER" "$heir" alive false
check "owner's agent ends well" agent_end "$OWNER"
check "it says that nobody was there" logged "$OWNER" "leaving without handing over"
alive "no agent"
events() { stat "$OWNER" events; }
was=$(events)
make_flows "$OWNER" 3999 10
check "no agent: nothing is captured" eq "$(events)" "$was"
check "rmmod" modprobe -r gwsync
alive "no module"
check "modprobe" modprobe gwsync
agent_start "$OWNER"
check "owner again" wait_for 5 field_is "$OWNER" state owner
agent_start "$BACKUP"
settles "module is back"

# Removed under the daemons: it is gone until somebody loads it.
loaded() { [ -d /sys/module/gwsync ]; }
says_gone() { ge "$(grep -c "kernel half: module gwsync is not loaded" "$TMP/$1.log")" 1; }
check "rmmod under daemons" modprobe -r gwsync
check "rmmod under daemons: the owner says so" wait_for 5 says_gone "$OWNER"
check "rmmod under daemons: so does the backup" wait_for 5 says_gone "$BACKUP"
sleep 2		# each of them looks once a second
check "rmmod under daemons: nobody loads it again" fails loaded
check "modprobe under daemons" modprobe gwsync
settles "module is back under daemons"

ended() { agent_end "$BACKUP" && agent_end "$OWNER"; }
check "agents end well" ended
logs_if_failed "$A" "$B"
finish

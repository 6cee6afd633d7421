#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The lease of an owner: its interfaces are silent when nobody renews it, whatever
# became of the agent. An agent that is stopped, frozen, or whose log nobody reads;
# and a busy machine, on which nobody may be late.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"
# shellcheck source=selftests/kselftest/lib_queue.sh
. "$(dirname "$0")/lib_queue.sh"

faults_net "$A" "$B"

# The kernel half alone, with interfaces of somebody else's making.
K=k-$TAG
add_ns "$K"
ip link add lan0 netns "$K" type veth peer name l9 netns "$LAN"
ip -n "$LAN" link set l9 master br1 up
ip -n "$K" link set lan0 up
# macvlan NAME ADDRESS: INDEX of it
macvlan() {
	ip -n "$K" link add link lan0 name "$1" address "02:00:00:00:00:$2" type macvlan mode bridge
	ip -n "$K" addr add "10.8.0.$2/24" dev "$1"
	ip -n "$K" link set "$1" up
	INDEX=$(in_ns "$K" cat "/sys/class/net/$1/ifindex")
}
macvlan m0 50
M0=$INDEX
macvlan m1 51
M1=$INDEX
LAN0=$(in_ns "$K" cat /sys/class/net/lan0/ifindex)
pings() { in_ns "$LAN" ping -qc 1 -W 1 "$1"; }
is_up() { ip -n "$K" link show dev "$1" up | grep -q "$1"; }
lease_is() { eq "$(gwctl -n "$K" get lease)" "$1"; }
dropped_more() { ge "$(stat "$K" lease_dropped)" $((DROPPED + 1)); }
# tell COMMAND...: to the agent; ANSWER
tell() {
	local was

	was=$(grep -c "^ok\|^error" "$TMP/agent")
	feed agent "$*"
	wait_for 5 said_times agent "^ok\|^error" $((was + 1)) || return 1
	ANSWER=$(grep "^ok\|^error" "$TMP/agent" | tail -n 1)
	echo "$ANSWER"
	[[ $ANSWER == ok* ]]
}
refused() { ! tell "${@:2}" && [[ $ANSWER == *$1* ]]; }
agent() {
	spawn_fed agent "$K" gwctl -n "$K" -
	CTL=$SPAWNED
	tell attach 1 "$1" && tell activate 0 "$(($1 + 1))"
}

check "without an agent: no lease" shows "ENOTCONN no agent" gwctl -n "$K" lease 100 "$M0"
check "agent" agent 1 || finish
# Whatever becomes of a lease, while its interfaces are there, is nothing to others.
ip -n "$K" link set lo up
packets_wait "$K"
check "nothing is held: nothing to renew" refused "ENOENT no lease is held" lease 100
check "nothing is held: it is given back" tell lease 0
check "an interface that is not there" refused "ENODEV" lease 100 999
check "an interface that is no macvlan" refused "EINVAL an interface of the lease is not a macvlan" \
	lease 100 "$M0" "$LAN0"
check "none of that is a lease" lease_is 0
check "a lease" tell lease 60000 "$M0" "$M1"
check "held: it passes" pings 10.8.0.50
check "held" lease_is 1

check "it is renewed, for a moment" tell lease 300
check "lapsed: the interfaces are down" wait_for 5 fails is_up m0
check "lapsed: all of them" wait_for 5 fails is_up m1
check "lapsed" lease_is 2
check "lapsed: passive" eq "$(gwctl -n "$K" get active)" 0
check "lapsed: counted" eq "$(stat "$K" leases_lapsed)" 1
check "lapsed: the agent is told" tell wait lapsed 5
check "lapsed: too late to renew" refused "ESTALE the lease has lapsed" lease 60000
# Somebody who does not know, as one that had rtnl a moment longer.
ip -n "$K" link set m0 up
ip -n "$K" addr replace 10.8.0.50/24 dev m0
in_ns "$LAN" ip neigh flush dev br1
DROPPED=$(stat "$K" lease_dropped)
check "lapsed, and up: it does not answer" fails pings 10.8.0.50
check "lapsed, and up: what came was dropped" dropped_more
DROPPED=$(stat "$K" lease_dropped)
spawn silence "$LAN" tcpdump -nlei l9 ether src 02:00:00:00:00:50
check "somebody listens" wait_for 5 said silence "listening on"
in_ns "$K" ping -qc 2 -i 0.3 -W 1 -I m0 10.8.0.100 > /dev/null 2>&1
check "lapsed, and up: it does not ask" dropped_more
check "lapsed, and up: nothing of its MAC is heard" fails said silence "02:00:00:00:00:50"
check "a new lease" tell lease 60000 "$M0"
check "a new lease: it passes" wait_for 5 pings 10.8.0.50
check "and is heard" wait_for 5 said silence "02:00:00:00:00:50"

# To hand over ends it: silent both ways, and whoever made the interface sets it down.
check "it hands over" tell deactivate 2 3
check "handed over: the lease has ended" lease_is 3
check "handed over: too late to renew" refused "ESTALE the lease has lapsed" lease 60000
DROPPED=$(stat "$K" lease_dropped)
check "handed over: it does not answer" fails pings 10.8.0.50
check "handed over: what came was dropped" dropped_more
DROPPED=$(stat "$K" lease_dropped)
in_ns "$K" ping -qc 2 -i 0.3 -W 1 -I m0 10.8.0.100 > /dev/null 2>&1
check "handed over: it does not ask" dropped_more
check "handed over: still up" is_up m0
check "handed over: nothing has lapsed" eq "$(stat "$K" leases_lapsed)" 1
check "owner again" tell activate 4 4
check "a lease of that" tell lease 60000 "$M0"
check "it passes again" wait_for 5 pings 10.8.0.50

check "others instead" tell lease 60000 "$M1"
check "the one that was let go of passes" pings 10.8.0.50
check "some that are not there" refused "ENODEV" lease 100 "$M0" 999
check "they change nothing" lease_is 1
check "given back" tell lease 0
check "taken again" tell lease 60000 "$M0"
feed agent quit
wait "$CTL"
check "another agent" agent 5
check "a lease of its own" tell lease 60000 "$M0"

# Interfaces come and go.
check "other interfaces" tell lease 60000 "$M0" "$M1"
ip -n "$K" link del m1
macvlan m2 52
check "one has gone, one has come" tell lease 60000 "$M0" "$INDEX"
ip -n "$K" link set m2 netns "$LAN"
check "one that went to another netns is down there or free" \
	in_ns "$LAN" sh -c 'ip addr add 10.77.0.1/24 dev m2 && ip link set m2 up'
check "the last one lapses" tell lease 50
check "lapsed: the interface is down" wait_for 5 fails is_up m0
check "lapsed: the one that went is not" ip -n "$LAN" link show dev m2 up
macvlan m3 53
check "one with rules of somebody else" in_ns "$K" nft -f - <<- END
	table netdev others {
		chain in { type filter hook ingress device m3 priority 0; }
	}
END
check "a lease of it" tell lease 60000 "$INDEX"
packets_go "$K"
# Those rules go with it, and they are hooks that take what waits.
ip -n "$K" link del m3
check "it has gone with its rules" fails in_ns "$K" ip link show dev m3
check "given back" tell lease 0
ip -n "$K" link set m0 up
ip -n "$K" addr replace 10.8.0.50/24 dev m0
check "given back: nobody minds any more" wait_for 5 pings 10.8.0.50

# An agent that is gone renews nothing.
check "a lease for a while" tell lease $((1000 * SCALE)) "$M0"
feed agent quit
wait "$CTL"
check "the agent has gone: it still passes" pings 10.8.0.50
check "the agent has gone: the interface is down" wait_for 5 fails is_up m0
check "the next agent begins anew" agent 10
check "no lease" lease_is 0
ip -n "$K" link set m0 up
ip -n "$K" addr replace 10.8.0.50/24 dev m0
check "nothing is in the way" wait_for 5 pings 10.8.0.50
check "a lease" tell lease 60000 "$M0"
ip netns del "$K"
check "a netns ends with a lease" wait_for 5 fails gwctl -n "$K" get

# Two gateways.
check "in sync" faults_start "$A" "$B" || finish
check "the address is on the owner" wait_for 3 vip_on_one "$A" "$B"
check "the owner has a lease" eq "$(gwctl -n "$A" get lease)" 1
check "the backup has none" eq "$(gwctl -n "$B" get lease)" 0
OWNER=$A BACKUP=$B
turned() {
	local was=$OWNER

	OWNER=$BACKUP BACKUP=$was
}
# never_two: until the backup owns, and a while longer, both never have the address.
# LOOKS, and at how many of them nobody had it.
never_two() {
	local end=$(($(now_ms) + 10000 * SCALE)) after

	LOOKS=0 NOBODY=0
	while [ "$(now_ms)" -lt $end ]; do
		LOOKS=$((LOOKS + 1))
		# The heir first: it takes it later than the other one must let go.
		if has_vip "$BACKUP"; then
			! has_vip "$OWNER" || { echo "look $LOOKS: both have $VIP"; return 1; }
			[ -n "$after" ] || end=$(($(now_ms) + 500 * SCALE))
			after=yes
		elif ! has_vip "$OWNER"; then
			NOBODY=$((NOBODY + 1))
		fi
	done
	[ -n "$after" ] || { echo "$BACKUP never had $VIP"; return 1; }
}
# hangs NAME GO: the owner's agent, which is stopped, goes on
hangs() {
	local epoch

	check "$1: the address is never on both" never_two || return
	figure "$1: of $LOOKS looks nobody had the address at $NOBODY"
	check "$1: the other owns" wait_for 3 field_is "$BACKUP" state owner
	check "$1: the lease has lapsed" eq "$(gwctl -n "$OWNER" get lease)" 2
	check "$1: it is passive" eq "$(gwctl -n "$OWNER" get active)" 0
	epoch=$(field "$BACKUP" epoch)
	check "$1, and goes on" "$2"
	turned
	check "$1, back: in sync" wait_for 10 settled "$OWNER" "$BACKUP"
	check "$1, back: it knows why" logged "$BACKUP" "this owner was away"
	check "$1, back: nobody took over again" field_is "$OWNER" epoch "$epoch"
	check "$1, back: it answers" wait_for 3 answers
}
stop() { agent_signal STOP "$OWNER"; }
go() { agent_signal CONT "$OWNER"; }
stop
hangs "stopped" go
mkdir "$TMP/cg" && mount -t cgroup2 none "$TMP/cg" && mkdir "$TMP/cg/agent" || bail "no cgroups"
echo "${AGENT[$OWNER]}" > "$TMP/cg/agent/cgroup.procs"
thaw() { echo 0 > "$TMP/cg/agent/cgroup.freeze"; }
echo 1 > "$TMP/cg/agent/cgroup.freeze"
hangs "frozen" thaw

# Killed, and nobody is left to clean up.
agent_crash "$OWNER"
check "killed: the address is never on both" never_two
check "killed: the lease has lapsed" eq "$(gwctl -n "$OWNER" get lease)" 2
turned
agent_start "$BACKUP"
check "killed, started again: in sync" wait_for 10 settled "$OWNER" "$BACKUP"

# Nobody reads the owner's log.
agent_crash "$BACKUP"
check "the other owns" wait_for 5 field_is "$OWNER" state owner
mkfifo "$TMP/log"
# It holds the other end and does not read.
# shellcheck disable=SC2217
( exec sleep 3600 < "$TMP/log" ) &
PIDS+=($!)
agent_crash "$OWNER"
ip netns exec "$OWNER" gwsyncd -d -c "$TMP/$OWNER.conf" 2> "$TMP/log" < /dev/null &
AGENT[$OWNER]=$!
check "it owns" wait_for 10 field_is "$OWNER" state owner
# Fill what is left of the pipe: no line has room.
timeout 1 cat /dev/zero > "$TMP/log"
check "its log is full" eq $? 124
agent_start "$BACKUP"
check "nobody reads its log: in sync" wait_for 10 settled "$OWNER" "$BACKUP"
epoch=$(field "$OWNER" epoch)
for _ in 1 2 3 4 5; do
	agent_signal HUP "$OWNER"
	sleep 0.2
done
check "nobody reads its log: it goes on" settled "$OWNER" "$BACKUP"
check "nobody reads its log: nobody took over" field_is "$OWNER" epoch "$epoch"
timeout 2 cat "$TMP/log" > "$TMP/log.read" &
READER=$!
sleep 0.5
agent_signal HUP "$OWNER"
wait $READER
check "it is read: what was lost is said" \
	ge "$(sed -n 's/.*<4>\([0-9]*\) lines were lost here.*/\1/p' "$TMP/log.read" | tr -d '\0')" 5

# All on one CPU, with more to do than it can: nobody is late at the defaults.
busy() {
	local i

	for i in 1 2 3 4 5 6 7 8; do
		spawn "busy$i" "$LAN" sh -c 'while :; do :; done'
		taskset -p 1 "$SPAWNED" > /dev/null
		BUSY+=("$SPAWNED")
	done
	for i in 1 2; do
		spawn "io$i" "$LAN" sh -c "while :; do
			dd if=/dev/zero of=$TMP/io$i.data bs=65536 count=64 conv=fsync; done"
		taskset -p 1 "$SPAWNED" > /dev/null
		BUSY+=("$SPAWNED")
	done
}
BUSY=()
for ns in "$OWNER" "$BACKUP"; do
	taskset -p 1 "${AGENT[$ns]}" > /dev/null
done
epoch=$(field "$OWNER" epoch) lapsed=$(stat "$OWNER" leases_lapsed)
busy
make_flows "$OWNER" 3001 2000
sleep 10
for p in "${BUSY[@]}"; do
	kill "$p"
done
check "a busy CPU: nobody took over" field_is "$OWNER" epoch "$epoch"
check "a busy CPU: nobody was late" eq "$(stat "$OWNER" leases_lapsed)" "$lapsed"
check "a busy CPU: the state is there" equal 2000 "$OWNER" "$BACKUP"

# With the owner's daemon its macvlans go, and what waits in a queue of others stays.
check "agent ends well: backup" agent_end "$BACKUP"
macvlans() { ip -n "$1" -o link show type macvlan | grep .; }
check "the owner has an interface" macvlans "$OWNER"
ip -n "$OWNER" link set lo up
packets_wait "$OWNER"
check "agent ends well: owner" agent_end "$OWNER"
check "its interfaces have gone" fails macvlans "$OWNER"
packets_go "$OWNER"
check "what is held is given back" eq "$(gwctl -n "$A" get lease)$(gwctl -n "$B" get lease)" 00
umount "$TMP/cg" 2> /dev/null
logs_if_failed "$A" "$B"
finish

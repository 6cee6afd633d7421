#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Agents without memory: of their address space, of a cgroup; the backup's and,
# under changes, the owner's.  They end with a word or go on, or the kernel kills
# them: the group does not mind.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

OWNER=$A BACKUP=$B TOTAL=500
faults_net "$A" "$B"
check "in sync" faults_start "$OWNER" "$BACKUP" || finish
make_flows "$OWNER" 4000 $TOTAL
whole() {
	check "$1: in sync" timed 20 settled "$OWNER" "$BACKUP"
	check "$1: none missing, none different" equal $TOTAL "$OWNER" "$BACKUP"
}

# A start is refused with a word, or goes well.
check "backup's agent ends well" agent_end "$BACKUP"
size() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/${AGENT[$OWNER]}/status"; }
figure "memory of the owner's agent: $(size VmRSS) KiB resident, $(size VmSize) KiB in all"
starved() {
	local rc

	(
		ulimit -v $(($(size VmSize) * $1 / 100))
		exec timeout -k 5 2 ip netns exec "$BACKUP" gwsyncd -c "$TMP/$BACKUP.conf"
	) > "$TMP/starved" 2>&1
	rc=$?
	echo "status $rc"
	cat "$TMP/starved"
	# 124: it ran until it was told to end; 127: not even its libraries fit.
	case $rc in
	0 | 124 | 127) return 0 ;;
	1) grep -q "[Mm]emory" "$TMP/starved" ;;
	*) return 1 ;;
	esac
}
for percent in 30 60 75 85 92 98; do
	check "address space of $percent %: a clear end or none" starved $percent
done
check "the owner did not mind" says "$OWNER" state owner

# Of a cgroup: the kernel kills it, whenever that is.
memory_cgroup() {
	mkdir "$TMP/cg" && mount -t cgroup2 none "$TMP/cg" &&
		echo +memory > "$TMP/cg/cgroup.subtree_control" && mkdir "$TMP/cg/agent"
}
memory_cgroup || bail "no memory cgroup"
# What the kernel says of such a death is long, and looks like a fault of its.
printk=$(sysctl -n kernel.printk)
sysctl -qw kernel.printk=1
# limited NETNS BYTES: its agent, in a cgroup of so much
limited() {
	echo "$2" > "$TMP/cg/agent/memory.max"
	bash -c "echo \$\$ > $TMP/cg/agent/cgroup.procs
		exec ip netns exec $1 gwsyncd -c $TMP/$1.conf" \
		2>> "$TMP/$1.log" < /dev/null &
	AGENT[$1]=$!
}
events() { awk '$1 == "max" || $1 == "oom_kill" { n += $2 } END { print n + 0 }' "$CG/memory.events"; }
kills() { sed -n 's/^oom_kill //p' "$CG/memory.events"; }
ended() { ! kill -0 "${AGENT[$1]}" 2> /dev/null; }
# bites: the agent there gets a little more than it has, each time less, until it
# has reached the limit; it needs more for holes, frames that wait, sockets
bites() {
	[ "$(events)" -le "$WERE" ] || return 0
	LIMIT=$(($(cat "$CG/memory.current") + MARGIN))
	echo $LIMIT > "$CG/memory.max"
	MARGIN=$((MARGIN - 16384))
	[ "$(events)" -gt "$WERE" ]
}
# squeeze NAME: the agent in the cgroup, while it has work to do
squeeze() {
	WERE=$(events) MARGIN=$((256 * 1024))
	killed=$(kills)
	check "$1: the limit is reached" wait_for 20 bites
	# To live with it, or not.
	sleep 3
}
# buried NETNS: is its agent dead?  No zombie is left of it.
buried() {
	ended "$1" || return 1
	wait "${AGENT[$1]}" 2> /dev/null
	unset "AGENT[$1]"
}
CG=$TMP/cg/agent
limited "$BACKUP" 1M
check "cgroup of 1 MiB: the agent is gone" wait_for 5 ended "$BACKUP"
check "cgroup of 1 MiB: killed for memory" ge "$(kills)" 1
buried "$BACKUP"
check "cgroup of 1 MiB: the owner did not mind" field_is "$OWNER" state owner

limited "$BACKUP" max
NAME="backup's agent in a cgroup"
whole "$NAME"
spoil "$BACKUP" loss 30% delay 20ms
churn "$OWNER" rate=2000 live=20000 new=60 end=0 dport=6000
squeeze "$NAME"
check "$NAME: changes were made" churn_end
mend "$BACKUP"
alive=yes
! buried "$BACKUP" || alive=no
figure "$NAME of $((LIMIT / 1024)) KiB: limit reached $(($(events) - WERE)) times, killed for" \
	"memory $(($(kills) - killed)) times, agent alive: $alive"
check "$NAME: the owner did not mind" field_is "$OWNER" state owner
[ $alive = no ] || agent_crash "$BACKUP"
TOTAL=$((500 + $(churned alive)))
check "$NAME: the owner has all" ge "$(flows "$OWNER")" $TOTAL
agent_start "$BACKUP"
whole "$NAME, memory again"

# The owner's.  It lives, or is killed and the other takes over: one of them owns.
NAME="owner's agent in a cgroup"
check "$NAME: agent ends well" agent_end "$BACKUP"
limited "$BACKUP" max
whole "$NAME: a backup yet"
check "$NAME: switchover" ask "$OWNER" switchover --to "$(name_of "$BACKUP")"
turned() {
	local was=$OWNER

	OWNER=$BACKUP BACKUP=$was
}
turned
whole "$NAME"
squeezed=$OWNER
churn "$OWNER" rate=2000 live=4000 new=40 end=20 dport=7000
squeeze "$NAME"
check "$NAME: changes were made" churn_end
alive=yes
! buried "$squeezed" || alive=no
figure "$NAME of $((LIMIT / 1024)) KiB: limit reached $(($(events) - WERE)) times, killed for" \
	"memory $(($(kills) - killed)) times, agent alive: $alive"
either() { settled "$OWNER" "$BACKUP" || settled "$BACKUP" "$OWNER"; }
# The dead leave their address where it was, until they are started again.
heir_owns() { says "$BACKUP" state owner && has_vip "$BACKUP"; }
if [ $alive = yes ]; then
	echo max > "$CG/memory.max"
	check "$NAME: it lives: one owner, the address on one" wait_for 20 either
	agent_crash "$squeezed"
else
	check "$NAME: it is dead: the other owns" wait_for 20 heir_owns
fi
agent_start "$squeezed"
check "$NAME, without a limit: one owner, in sync, the address on one" timed 20 either
says "$OWNER" state owner > /dev/null || turned
check "$NAME, without a limit: what was there before is there" eq "$(with_dport "$OWNER" 4000)" 500
check "$NAME, without a limit: none missing, none different" equal $TOTAL "$OWNER" "$BACKUP"
check "$NAME, without a limit: the address answers" wait_for 3 answers

dmesg | grep -E "WARNING:|BUG:|Oops" > "$TMP/warnings"
check "cgroup: the kernel is well" eq "$(wc -l < "$TMP/warnings")" 0
dmesg -c > /dev/null
sysctl -qw kernel.printk="$printk"
for ns in "$BACKUP" "$OWNER"; do
	check "agent ends well" agent_end "$ns"
done
umount "$TMP/cg"
logs_if_failed "$A" "$B"
finish

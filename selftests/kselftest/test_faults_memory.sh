#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Agents without memory: of their address space, of a cgroup.  They end with a
# word or go on, the group does not mind.
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
limited() {
	echo "$1" > "$TMP/cg/agent/memory.max"
	bash -c "echo \$\$ > $TMP/cg/agent/cgroup.procs
		exec ip netns exec $BACKUP gwsyncd -c $TMP/$BACKUP.conf" \
		2>> "$TMP/$BACKUP.log" < /dev/null &
	AGENT[$BACKUP]=$!
}
oom_kills() { sed -n 's/^oom_kill //p' "$TMP/cg/agent/memory.events"; }
limited 1M
ended() { ! kill -0 "${AGENT[$BACKUP]}" 2> /dev/null; }
check "cgroup of 1 MiB: the agent is gone" wait_for 5 ended
wait "${AGENT[$BACKUP]}"
unset "AGENT[$BACKUP]"
check "cgroup of 1 MiB: the owner did not mind" field_is "$OWNER" state owner
# So much as it has without work, then work: holes, and frames that wait for them.
agent_start "$BACKUP"
whole "without a limit"
peak=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${AGENT[$BACKUP]}/status")
agent_crash "$BACKUP"
limited $(((peak * 6 / 10) * 1024))
spoil "$BACKUP" loss 30% delay 20ms
churn "$OWNER" rate=2000 live=20000 new=60 end=0 dport=6000
sleep 4
churn_end || not_ok "no changes"
mend "$BACKUP"
alive=yes
! ended || alive=no
figure "cgroup of $((peak * 6 / 10)) KiB, 6/10 of the usual: agent alive: $alive," \
	"killed for memory: $(oom_kills) times so far"
check "cgroup: the owner did not mind" field_is "$OWNER" state owner
if [ $alive = yes ]; then
	agent_crash "$BACKUP"
else
	wait "${AGENT[$BACKUP]}"
	unset "AGENT[$BACKUP]"
fi
dmesg | grep -E "WARNING:|BUG:|Oops" > "$TMP/warnings"
check "cgroup: the kernel is well" eq "$(wc -l < "$TMP/warnings")" 0
dmesg -c > /dev/null
sysctl -qw kernel.printk="$printk"
agent_start "$BACKUP"
whole "memory again"
for ns in "$BACKUP" "$OWNER"; do
	check "agent ends well" agent_end "$ns"
done
umount "$TMP/cg"
logs_if_failed "$A" "$B"
finish

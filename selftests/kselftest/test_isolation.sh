#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Somebody with CAP_NET_ADMIN in another netns, of this user namespace or of one
# of his own, beside two gateways at work: sees and touches nothing of theirs.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"
# A busy machine makes nobody dead.
DEAD_AFTER=$PATIENT

O=o-$TAG
gateways
add_ns "$O"
# Who looks after replicas' clocks, and how often: a job of each netns that has some.
EXTENDS=$SECONDS TRACE=/sys/kernel/tracing
[ -d $TRACE/events ] || mount -t tracefs none $TRACE 2> /dev/null
job=0x$(awk '$3 ~ /^gwsync_(job_)?extend_work$/ { print $1 }' /proc/kallsyms)
echo "function == $job" > $TRACE/events/workqueue/workqueue_execute_start/filter 2> /dev/null &&
	echo 1 > $TRACE/events/workqueue/workqueue_execute_start/enable || job=
agent_pair
agent_start "$A"
check "owner" wait_for 5 field_is "$A" state owner || finish
agent_start "$B"
make_flows "$A" 1001 200
check "in sync" wait_for 10 in_sync "$A" "$B" || finish
check "tables are equal" same 200 "$A" "$B"
FLOWS=200
# They say once that the third member is missing: that is no touch.
missed() { grep -q "gw3 was never heard" "$TMP/$A.log" && grep -q "gw3 was never heard" "$TMP/$B.log"; }
check "both miss the third member" wait_for 20 missed

table() {
	in_ns "$1" conntrack -L -o id 2> /dev/null |
		sed -E 's/^([a-z]+ +[0-9]+) [0-9]+/\1/; s/delta-time=[0-9]+//' | sort
}
# ours: all that nobody else may change
ours() {
	local ns

	for ns in "$A" "$B"; do
		table "$ns"
		gwctl -n "$ns" get
		echo "$(field "$ns" state) $(field "$ns" epoch) $(field "$ns" in_sync)"
		in_ns "$ns" sysctl net.netfilter.nf_conntrack_events
	done
	(cd /sys/module/gwsync/parameters && grep . ./*)
	grep -c . "$TMP/$A.log" "$TMP/$B.log"
}
untouched() {
	ours > "$TMP/ours.now"
	diff "$TMP/ours" "$TMP/ours.now"
}
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urnm "$@"; }
neighbour() { in_ns "$O" "$@"; }
none() { [ -z "$("$@" 2> /dev/null)" ] || { "$@"; return 1; }; }
works() {
	"$@" < "$TMP/commands" > "$TMP/works" 2>&1
	! grep "^error" "$TMP/works" && ge "$(grep -c '^ok' "$TMP/works")" "$(wc -l < "$TMP/commands")"
}

gwctl -n "$A" dump file "$TMP/records"
chmod 644 "$TMP/records"
cat > "$TMP/commands" <<- END
	attach 1 9
	set flush_ms 999 hold_ms 60000 batch_bytes 8192 tombstones 1000000 walk_rate 1 digest_ms 1 audit_ms 1
	map 0xfe
	sync-begin 2 9
	apply 2 9 $TMP/records
	sync-end 2 9
	activate 0xfc 10
	wait activate-done 30
	repair
	repair 0xffffffffffffffff
	digest
	lease 0
	source 10.2.0.1 end
	wait source-done 30
	walk 0xfe 7
	walk 0 0
	deactivate 3 11
	repair
	purge 2
	purge 1
	stats
	get
	dump
	detach
END
untried() {
	admin_commands - | cut -d' ' -f2 | grep -vxF -e "$(cut -d' ' -f1 "$TMP/commands")"
}
check "each command that needs CAP_NET_ADMIN is tried" eq "$(untried)" ""
# watched: what a socket that is attached hears while the gateways work
watched() {
	"$@" > "$TMP/watch" 2>&1 < "$TMP/watch.in" &
	PIDS+=($!)
	exec 7> "$TMP/watch.in"
	echo "attach 1 9" >&7
	echo "map 0xfe" >&7
	wait_for 5 said_times watch "^ok" 2 || return 1
	make_flows "$A" $((DPORT += 1)) 50 || return 1
	FLOWS=$((FLOWS + 50))
	wait_for 5 eq_flows || return 1
	echo "recv 300" >&7
	wait_for 5 said_times watch "^ok" 3
	echo quit >&7
	exec 7>&-
	! grep -q "delta" "$TMP/watch" || { cat "$TMP/watch"; return 1; }
}
eq_flows() { eq "$(with_dport "$B" $DPORT)" 50; }
DPORT=2000
mkfifo "$TMP/watch.in"

if ! stranger true 2> /dev/null; then
	skip "user namespaces" "kernel forbids user namespaces"
	finish
fi

# What he makes the module allocate is his, see below.
CG=$TMP/cgroup
mkdir "$CG"
mount -t cgroup2 none "$CG" || bail "no cgroup2"
echo +memory > "$CG/cgroup.subtree_control" || bail "no memory controller"
# charged_run CGROUP COMMAND...: the stranger's, in the background
charged_run() {
	local name=$1 procs=$CG/$1/cgroup.procs

	shift
	mkdir "$CG/$name"
	bash -c "echo \$\$ > $procs; exec setpriv --reuid 65534 --regid 65534 \
		--clear-groups unshare \"\$@\"" - "$@" > "$TMP/$name.out" 2>&1 < /dev/null &
	CHARGED_PID=$!
	PIDS+=($!)
}
charged_end() {
	xargs -r kill -9 < "$CG/$1/cgroup.procs"
	wait "$CHARGED_PID" 2> /dev/null
	wait_for 10 empty "$CG/$1/cgroup.procs"
}
empty() { eq "$(wc -l < "$1")" 0; }

# Ends of flows, made by the kernel's own collector, that he does not let us tell:
# he has been told of the flows, and reads no more.
ENDS=12000 LEAST=6000
cat > "$TMP/ends" <<- END
	#!/bin/bash
	exec gwctl - <<- COMMANDS
		attach 1 1
		set tombstones 1000000 flush_ms 0
		map 0x4
		activate 0 2
		sh ctmake - create count=$ENDS src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 timeout=$((5 * SCALE))
		recv 300
		walk 0x4 1
		sh until [ \\\$(gwctl stats congested) -gt 0 ]; do sleep 0.1; done
		sh awk '\\\$1 == "slab" { print "slab", \\\$2 }' $CG/ends/memory.stat
		sh until [ \\\$(gwctl get waiting) -ge $LEAST ]; do sleep 0.5; done
		sh echo ended; exec sleep 1000
	COMMANDS
END
chmod 755 "$TMP/ends"
charged_run ends -Urn "$TMP/ends"
ENDS_PID=$CHARGED_PID
# From now on he waits; while he made his flows our agents had little of this machine.
check "ends: his flows are told" wait_for 20 said ends.out "^slab"
check "in sync meanwhile" wait_for 10 in_sync "$A" "$B"
no_other_problem() { ! ask "$1" status | grep "^problem" | grep -v gw3; }
for ns in "$A" "$B"; do
	check "nobody misses anybody but the third" wait_for 5 no_other_problem "$ns"
done

for who in neighbour stranger; do
	ours > "$TMP/ours"
	check "$who: sees no flow" none "$who" gwctl dump
	check "$who: nor by ctnetlink" none "$who" conntrack -L
	check "$who: nor a member, nor an epoch" eq \
		"$("$who" gwctl get | grep -c "member\|epoch [1-9]")" 0
	# In his own netns all is allowed: the attack is a real one.
	check "$who: may do all that in his own netns" works "$who" gwctl -
	check "$who: nothing of ours has changed" untouched
	check "$who: empties his own table" "$who" sh -c 'conntrack -F 2>&1 || true'
	check "$who: nothing of ours has changed by that" untouched
	check "$who: hears nothing of our flows" watched "$who" gwctl -
	ours > "$TMP/ours"
	for port in $(in_ns "$A" awk '$2 == 16 && $3 { print $3 }' /proc/net/netlink); do
		check "$who: a socket of port $port ends" "$who" attack portid "$port"
	done
	check "$who: our agent stays attached" shows "error EBUSY" gwctl -n "$A" attach 3 300
	check "$who: nothing of ours has changed by that either" untouched
done
check "ours still syncs" same $FLOWS "$A" "$B"

# Root of a user namespace of his own, in our netns and at our files.
inside() { in_ns "$A" setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urm "$@"; }
ours > "$TMP/ours"
check_denied "in our netns he may not" "$TMP/records" inside
SOCK=$TMP/$A.sock
pid=${AGENT[$A]}
mkdir "$TMP/mnt"
for cmd in "nsenter --net=/run/netns/$A true" "nsenter --net=/proc/$pid/ns/net true" \
	"echo 5 > /sys/module/gwsync/parameters/flush_ms" \
	"mount -t sysfs s $TMP/mnt && echo 5 > $TMP/mnt/module/gwsync/parameters/flush_ms" \
	"echo 0 > /sys/devices/virtual/workqueue/gwsync/max_active" \
	"mount -t tracefs t $TMP/mnt" "cat /sys/kernel/tracing/events/gwsync/enable" \
	"cat /sys/kernel/debug/tracing/trace" "modprobe -r gwsync" \
	"cat $TMP/key" "kill -0 $pid" "head -c 1 /proc/$pid/mem" "ls /proc/$pid/fd/0" \
	"ls -l /proc/$pid/exe | grep gwsyncd" \
	"gwsync -s $SOCK status" "gwsync -s $SOCK switchover" "rm $SOCK"; do
	check "he may not: $cmd" fails stranger sh -c "$cmd" && head -n 1 "$TMP/out" | diag
done
check "nothing of ours has changed by all that" untouched

# The control socket: the mode first, then who asks.
check "control socket: mode" eq "$(command stat -c '%a %u %g' "$SOCK")" "660 0 0"
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
chmod 666 "$SOCK"
for who in nobody stranger; do
	check "control socket, open to all: $who is refused" \
		shows "not permitted" "$who" gwsync -s "$SOCK" status
	check "control socket, open to all: $who does not switch over" \
		shows "not permitted" "$who" gwsync -s "$SOCK" switchover
done
chmod 660 "$SOCK"
check "control socket: its group is served" setpriv --reuid 65534 --regid 0 --clear-groups \
	gwsync -s "$SOCK" status
check "nobody has switched over" untouched

# What he makes the module allocate is his: rings of so many netns.
N=10 CPUS=$(nproc --all)
ring=$(cat /sys/module/gwsync/parameters/ring_size)
cat > "$TMP/hold" <<- 'END'
	#!/bin/bash
	for _ in $(seq "$1"); do
		unshare -n bash -c '[ -z "$1" ] || printf "%s\n" "$1" "attach 1 1" | gwctl -
			echo up; exec sleep 1000' - "$2" &
	done
	wait
END
chmod 755 "$TMP/hold"
# charged CGROUP [COMMAND]: KiB of kernel memory that his N netns take
charged() {
	charged_run "$1" -Ur "$TMP/hold" $N "${2:-}"
	wait_for 10 said_times "$1.out" "^up" $N || return 1
	CHARGED=$(awk '$1 == "kernel" { print int($2 / 1024) }' "$CG/$1/memory.stat")
	charged_end "$1"
}
check "netns without us" charged plain
plain=$CHARGED
check "netns with rings" charged rings "set hold_ms 1000"
# A ring and four times as many held flows, a CPU each
least=$((N * CPUS * ring * (8 + 4 * 16) / 1024))
check "memory for $N netns is charged: $((CHARGED - plain)) KiB, of them rings $least" \
	ge $((CHARGED - plain)) $((least * 9 / 10))
check "and bounded" ge $((N * 4096)) $((CHARGED - plain))
check "ends: the collector has met them" wait_for 20 said ends.out "^ended"
slab() { awk '$1 == "slab" { print $2 }' "$CG/ends/memory.stat"; }
more=$(($(slab) - $(sed -n 's/^slab //p' "$TMP/ends.out")))
check "memory for $LEAST ends of flows is charged: $((more / 1024)) KiB more" \
	ge $more $((LEAST * 72))
CHARGED_PID=$ENDS_PID
check "ends: he ends" charged_end ends
umount "$CG" 2> /dev/null

# Nor does what the kernel's threads do for him grow with the netns that he has: walks in
# four at once, of a table in which somebody has flows, and in four of our user namespace.
F=f-$TAG
add_ns "$F"
ctmake "$F" create count=40000 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 timeout=600
walks() {
	printf 'attach 1 1\nset flush_ms 0 walk_rate 0\nmap 0x4\nactivate 0 2\n'
	for n in $(seq 10); do
		printf 'walk 0x4 %u\nwait walk-done %u\n' "$n" $((10 * SCALE))
	done
}
# walked WHO...: sets TOOK, in us
walked() {
	local began=${EPOCHREALTIME/./} pids=() n

	for n in 1 2 3 4; do
		walks | "$@" gwctl - > "$TMP/walked.$n" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	TOOK=$((${EPOCHREALTIME/./} - began))
	eq "$(cat "$TMP"/walked.? | grep -c "event walk-done")" 40
}
check "40 walks, a neighbour's" walked unshare -n
quick=$TOOK
check "40 walks, the stranger's" walked setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn
echo "# 40 walks: the neighbour's in $((quick / 1000)) ms, the stranger's in $((TOOK / 1000)) ms"
check "his wait for each other" ge "$TOOK" $((quick * 3 / 2))

if [ -n "$job" ]; then
	echo 0 > $TRACE/events/workqueue/workqueue_execute_start/enable
	n=$(grep -c "workqueue_execute_start.*extend_work" $TRACE/trace)
	EXTENDS=$(((SECONDS - EXTENDS) / 10 + 1))
	echo "# $n looks after clocks; one netns with replicas makes $EXTENDS"
	check "only who has replicas looks after their clocks" ge $((2 * EXTENDS)) "$n"
else
	skip "looks after clocks" "kernel does not trace work"
fi
check "ours still syncs" same $FLOWS "$A" "$B"
check "in sync to the end" in_sync "$A" "$B"
for ns in "$B" "$A"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B"
finish

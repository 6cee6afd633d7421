#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No memory (Linux fault injection): each allocation of each command fails once;
# then one in ten of all that the module asks for, the worker's and those of
# events too, under traffic: it is counted, nothing stops, and a full sync puts
# all right. Then those of new netns, and of loading.
. "$(dirname "$0")/lib.sh"

FAIL=/sys/kernel/debug/failslab
need_module
if ! [ -e $FAIL/require-start ]; then
	skip "no memory" "kernel has no failslab that looks at callers"
	finish
fi
trap 'calm; cleanup' EXIT

# knobs NAME=VALUE...
knobs() {
	local k

	for k in "$@"; do
		echo "${k#*=}" > "$FAIL/${k%%=*}" || bail "failslab: $k"
	done
}
calm() { knobs probability=0; }

# failing PERCENT START END: of the allocations that have a caller in this range
failing() { knobs "require-start=$2" "require-end=$3" "probability=$1"; }
# in_module PERCENT
in_module() {
	local start size

	start=$(cat /sys/module/gwsync/sections/.text)
	size=$(awk '$1 == "gwsync" { print $2 }' /proc/modules)
	failing "$1" "$start" "$(printf '0x%x' $((start + size)))"
}
# range SYMBOL: a function of the kernel, from and to
range() {
	sort /proc/kallsyms | awk -v name="$1" '
		start && $1 != start { print "0x" start, "0x" $1; exit }
		$3 == name { start = $1 }'
}
# in_init PERCENT: below the function that calls a module's init; but in the making
# of a cache the kernel itself leaks (sysfs_slab_add() in 6.1) and prints a trace.
in_init() {
	local from to

	read -r from to < <(range kmem_cache_create_usercopy)
	knobs "reject-start=$from" "reject-end=$to"
	read -r from to < <(range do_one_initcall)
	failing "$1" "$from" "$to"
}

# Allocations that may sleep fail too. No traces: the console is searched for them.
knobs probability=0 times=-1 interval=1 verbose=0 ignore-gfp-wait=N task-filter=N \
	stacktrace-depth=32
echo 0 > /sys/kernel/debug/fail_page_alloc/verbose

# each NAME BEFORE COMMAND...: the first allocation fails, the second, and so on
# until the command needs no more; all on one socket. BEFORE is done before each
# ("-": nothing). A %n in them is a number that grows.
each() {
	local name=$1 before=$2 n failed

	shift 2
	{
		[ "$1" = attach ] || printf '%s\n' "attach 1 1" "map 2"
		for n in $(seq 150); do
			[ "$before" = - ] || echo "${before//%n/$((n + 1))}"
			echo "nth $n ${*//%n/$((n + 1))}"
		done
	} > "$TMP/each.in"
	timeout $((20 * SCALE)) gwctl -n "$A" - < "$TMP/each.in" > "$TMP/each"
	failed=$(sed '/^nth left/q' "$TMP/each" | grep -c "^nth failed")
	echo "# $name: $failed allocations"
	check "$name: each allocation has failed once" ge "$failed" 1
	check "$name: it goes well when none does" shows "^ok" \
		grep -m 1 -A 1 "^nth left" "$TMP/each"
}

setup_net
modprobe -a nf_conntrack_ftp nf_nat_ftp || bail "no ftp helper"
for ns in "$A" "$B"; do
	in_ns "$ns" nft -f - <<- END
		table inet labels { chain c { ct label set 5; }; }
	END
done
# A record with all that a flow can have, made in B, and the record of its end.
ctmake "$B" create src=10.1.0.2 dst=10.2.0.2 proto=6 sport=1036 dport=21 tcp_state=3 \
	timeout=600 status=0x0e helper=ftp snat=10.2.0.1 mark=7 labels=0,5 \
	seqadj_orig_pos=1000 seqadj_orig_before=4294967293 seqadj_orig_after=5 \
	synproxy_isn=0x01020304 synproxy_its=0x05060708 synproxy_tsoff=0x090a0b0c
ctmake "$B" expect src=10.1.0.2 dst=10.2.0.2 proto=6 sport=1036 dport=21 -- \
	src=10.2.0.2 dst=10.1.0.2 proto=6 sport=0 dport=4242 -- \
	src=255.255.255.255 dst=255.255.255.255 proto=6 sport=0 dport=65535 -- timeout=300
check "a record" gwctl -n "$B" dump file "$TMP/record"
{ printf '\000\030\001\002'; tail -c +5 "$TMP/record" | head -c 20; } > "$TMP/gone"
in_ns "$B" conntrack -F > /dev/null 2>&1

each "attach" detach attach 1 1
each "hold_ms" - set hold_ms 10
each "map" - map 2
each "filter" - filter proto 50 port 17:9999 prefix 10.99.0.0/16
each "no filter" - filter
each "get" - get
each "stats" - stats
each "apply" "apply 2 1 $TMP/gone" apply 2 1 "$TMP/record"
check "apply: what was refused is counted" stat_least "$A" refused_enomem 1
each "apply again" - apply 2 1 "$TMP/record"
each "dump" - dump
each "sync-begin" - sync-begin 2 1
each "sync-end" "sync-begin 2 1" sync-end 2 1
each "walk" "walk 2 0" walk 2 %n
each "activate" - activate 0 %n
each "deactivate" "activate 0 1000%n" deactivate 2 1000%n
each "purge" - purge 2
gwctl -n "$A" set hold_ms 0
in_ns "$A" conntrack -F > /dev/null 2>&1

# Traffic, and flows that come, change and go.
strict "$A"
strict "$B"
spawn udps "$S" peer udp-serve 7000
spawn tcps "$S" peer serve 7000
check "servers listen" wait_for 5 said udps ready
check "relay attaches" relay_start 1000 || finish
check "full sync" relay_cmd sync
spawn_fed old "$C" peer echo 10.2.0.2 7000 20
check "connections" wait_for 5 said old ready
sent=$(stat "$A" records_sent)
F="src=10.1.0.9 dst=10.2.0.9 proto=17 timeout=600"

in_module 10
for i in 1 2 3 4; do
	ctmake "$A" create count=300 $F dport=$((50 + i)) sport=1000
	ctmake "$A" create count=300 $F dport=$((60 + i)) sport=1000
	in_ns "$A" conntrack -D -p udp --dport $((60 + i)) > /dev/null 2>&1
	ctmake "$A" update count=300 src=10.1.0.9 dst=10.2.0.9 proto=17 dport=$((50 + i)) \
		sport=1000 mark=$i
done
feed old
check "no memory: connections live" wait_for 5 said old "alive 20 of 20"
spawn_fed new "$C" peer echo 10.2.0.2 7000 20
check "no memory: new ones pass" wait_for 5 said new ready
check "no memory: it is counted where it is sent" wait_for 3 stat_least "$A" enomem 10
check "no memory: and where it is installed" wait_for 3 stat_least "$B" refused_enomem 10
check "no memory: ends that are lost are counted" stat_least "$A" tombstones_lost 10
sending() { ge "$(stat "$A" records_sent)" $((sent + 1200)); }
check "no memory: records are sent" wait_for 10 sending
check "no memory: the relay goes on" relay_cmd drain 50
calm
for s in enomem tombstones_lost; do echo "# A: $s $(stat "$A" $s)"; done
for s in refused_enomem records_applied; do echo "# B: $s $(stat "$B" $s)"; done
check "memory: a full sync" relay_cmd sync
check "memory: nothing missing, nothing different" \
	ctcompare -w $((10 * SCALE)) -m 1200 -k "$A" "$B"
# B's extra flows are replicas that a lost end left: the sweep removes them.
gone() { eq "$(gwctl -n "$B" dump | grep -c ",6[1-4] ")" 0; }
check "memory: and none too many" wait_for 10 gone
feed new
check "memory: all connections live" wait_for 5 said new "alive 20 of 20"
relay_stop

# In a netns that begins, and in the module's init.
born() {
	local i bad=0

	for i in $(seq 20); do
		ip netns add "n$i-$TAG" 2> /dev/null || bad=$((bad + 1))
	done
	calm
	for i in $(seq 20); do
		[ ! -e "/run/netns/n$i-$TAG" ] || ip netns del "n$i-$TAG"
	done
	echo "$bad of 20 failed"
	ge "$bad" 1 && ge 19 "$bad"
}
in_module 15
check "a new netns fails as a whole" born
grep failed "$TMP/out" | diag
check "module unloads" modprobe -r gwsync
in_init 2
loaded() {
	local i bad=0

	for i in $(seq 20); do
		modprobe gwsync 2> /dev/null || bad=$((bad + 1))
		[ ! -d /sys/module/gwsync ] || rmmod gwsync || return 1
	done
	calm
	echo "$bad of 20 failed"
	ge "$bad" 1 && ge 19 "$bad"
}
check "so does loading" loaded
grep failed "$TMP/out" | diag
check "module loads" modprobe gwsync
check "relay attaches again" relay_start || finish
check "full sync" relay_cmd sync
check "nothing missing, nothing different" ctcompare -w $((5 * SCALE)) -m 1200 -k "$A" "$B"
relay_stop
check "module unloads with replicas in the table" modprobe -r gwsync
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Messages that are nearly right, by several sockets at once; then the same with
# allocations failing, where the kernel can do that.  SEED=n repeats a run.
. "$(dirname "$0")/lib.sh"

SEED=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
MESSAGES=${MESSAGES:-20000}
F=f-$TAG
FAILSLAB=/sys/kernel/debug/failslab

gateways
add_ns "$F"
modprobe -a nf_conntrack_ftp nf_nat_ftp || bail "no ftp helper"
for ns in "$A" "$F"; do
	# Labels exist in a netns once a rule names one; packets of lo are tracked.
	in_ns "$ns" nft -f - <<- END
		table inet t {
			chain c { type filter hook output priority 0; ct label set 5; }
			chain n { type nat hook postrouting priority srcnat; }
		}
	END
done
# No flow ends without an event, whoever is attached, nor by itself: what the
# module counts can be told from the table.
sysctl_ns "$F" net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_events=1 \
	net.netfilter.nf_conntrack_udp_timeout=3600

# Records of all kinds, as a kernel writes them: what the fuzzer begins with.
V4="src=10.1.0.2 dst=10.2.0.2"
V6="src6=fd01::2 dst6=fd02::2"
EST="tcp_state=3 timeout=600 status=0x0e"
made=0
while read -r flow; do
	# shellcheck disable=SC2086
	ctmake "$A" create $flow > /dev/null 2>&1 && made=$((made + 1))
done <<- END
	$V4 proto=6 sport=1001 dport=80 $EST tcp_wscale_orig=7 tcp_flags_orig=3
	$V6 proto=6 sport=1002 dport=80 $EST
	$V4 proto=6 sport=1003 dport=80 timeout=600 tcp_state=1
	$V4 proto=17 sport=1004 dport=53 timeout=600
	$V6 proto=17 sport=1005 dport=53 timeout=600
	$V4 proto=1 icmp_type=8 icmp_code=0 icmp_id=77 timeout=600
	$V6 proto=58 icmp_type=128 icmp_code=0 icmp_id=78 timeout=600
	$V4 proto=132 sport=1006 dport=2000 timeout=600 sctp_state=4 sctp_vtag_orig=1
	$V4 proto=33 sport=1007 dport=2001 timeout=600 dccp_state=4 dccp_role=1 dccp_seq=9
	$V4 proto=47 sport=0 dport=11 timeout=600
	$V4 proto=50 timeout=600
	$V4 proto=6 sport=1020 dport=80 $EST snat=10.2.0.1 snat_port=33333
	$V4 proto=6 sport=1021 dport=80 $EST dnat=10.2.0.9 dnat_port=8080
	$V4 proto=17 sport=1022 dport=53 timeout=600 dnat=10.2.0.9 snat=10.2.0.1
	$V6 proto=6 sport=1023 dport=80 $EST dnat6=fd02::9 dnat_port=8080
	$V4 proto=1 icmp_type=8 icmp_code=0 icmp_id=79 timeout=600 snat=10.2.0.1
	$V4 proto=6 sport=1030 dport=80 $EST mark=5 zone=3
	$V4 proto=17 sport=1031 dport=53 timeout=600 labels=0,5,127
	$V4 proto=6 sport=1036 dport=21 $EST helper=ftp snat=10.2.0.1 seqadj_orig_pos=1000 seqadj_orig_before=1 seqadj_orig_after=5
	$V4 proto=6 sport=1037 dport=80 $EST synproxy_isn=1 synproxy_its=2 synproxy_tsoff=3
	$V4 proto=6 sport=1040 dport=21 $EST helper=ftp
	$V4 proto=6 sport=1041 dport=20 $EST master_src=10.1.0.2 master_dst=10.2.0.2 master_proto=6 master_l3proto=2 master_sport=1040 master_dport=21
END
# A kernel may lack dccp and synproxy.
check "flows of most kinds are made" ge $made 19
check "and an expectation" ctmake "$A" expect $V4 proto=6 sport=1040 dport=21 -- \
	src=10.2.0.2 dst=10.1.0.2 proto=6 sport=0 dport=4242 -- \
	src=255.255.255.255 dst=255.255.255.255 proto=6 sport=0 dport=65535 -- timeout=300
gwctl -n "$A" dump file "$TMP/records" > "$TMP/dump"
check "their records are those of a real table" [ -s "$TMP/records" ]

table() {
	in_ns "$A" conntrack -L -o id 2> /dev/null |
		sed -E 's/^([a-z0-9]+ +[0-9]+) [0-9]+/\1/; s/delta-time=[0-9]+//' | sort
}
table > "$TMP/before"

# fuzz NAME OPTION...: one run, and its tally as a diagnostic
fuzz() {
	local name=$1

	shift
	check "$name" genlfuzz "$@" "$F" "$TMP/records" "$SEED" "$MESSAGES"
	diag < "$TMP/out"
}

fuzz "$MESSAGES messages"
# What is refused at the door tests the door alone.  Some seeds bring about no repair.
DIGESTS="classes_compared classes_differed repaired"
had_all() {
	local s

	for s in $DIGESTS; do
		stat_least "$F" "$s" 1 > /dev/null || return 1
	done
}
for ((more = 1; more <= 4; more++)); do
	! had_all || break
	SEED=$((SEED + 1)) fuzz "$MESSAGES messages more"
done
for s in $DIGESTS; do
	echo "# $s $(stat "$F" $s)"
	check "some had to do with digests: $s" stat_least "$F" $s 1
done

# Only allocations that the module asks for, also those that may sleep; no traces,
# since the console is searched for them.
calm() { [ ! -e $FAILSLAB/require-start ] || echo 0 > $FAILSLAB/probability; }
trap 'calm; cleanup' EXIT
knobs() {
	local knob

	for knob in "$@"; do
		echo "${knob#*=}" > "$FAILSLAB/${knob%%=*}" || bail "failslab: $knob"
	done
}
if [ -e $FAILSLAB/require-start ]; then
	start=$(cat /sys/module/gwsync/sections/.text)
	size=$(awk '$1 == "gwsync" { print $2 }' /proc/modules)
	knobs probability=0 times=-1 interval=1 verbose=0 ignore-gfp-wait=N task-filter=N \
		stacktrace-depth=32 "require-start=$start" \
		"require-end=$(printf '0x%x' $((start + size)))"
	echo 0 > /sys/kernel/debug/fail_page_alloc/verbose
	fuzz "$MESSAGES messages, one allocation of a message fails" -f
	refused=$(stat "$F" refused_enomem)
	check "what was not installed for it is counted" ge "$refused" 1
	knobs probability=10
	fuzz "$MESSAGES messages, any allocation fails, the worker's too"
	calm
	check "this too" ge "$(stat "$F" refused_enomem)" $((refused + 1))
	check "and what the worker had to send again" ge "$(stat "$F" enomem)" 1
else
	skip "allocations fail" "kernel has no failslab that looks at callers"
fi

table > "$TMP/after"
check "flows of another netns are as they were" diff "$TMP/before" "$TMP/after"

# The module still works: in the netns that was fuzzed,
check "its table can be read" gwctl -n "$F" dump
emptied() {
	printf 'attach 9 1\nsh ip netns exec %s conntrack -F\nget\n' "$F" | gwctl -n "$F" -
}
check "it can be attached, and no replica is counted that is not there" \
	shows "^replicas 0" emptied
# and elsewhere.
in_ns "$A" conntrack -F > /dev/null 2>&1
check "relay attaches" relay_start 100 || finish
ctmake "$A" create src=10.3.0.2 dst=10.2.0.2 proto=6 sport=9 dport=80 tcp_state=3 timeout=600
check "a flow is replicated" wait_for 3 shows "10.3.0.2,9>.*owner=1" gwctl -n "$B" dump
in_ns "$A" conntrack -D -s 10.3.0.2 > /dev/null 2>&1
gone() { fails grep -q "10.3.0.2,9>" <(gwctl -n "$B" dump); }
check "and its end" wait_for 3 gone
relay_stop

ip netns del "$F"
check "module unloads" modprobe -r gwsync
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each row of Documentation/records.rst that ctnetlink can make: a flow is
# made in gateway A and must look the same in B.
. "$(dirname "$0")/lib.sh"

gateways
modprobe -a nf_conntrack_ftp nf_nat_ftp || bail "no ftp helper"
# Labels exist in a netns once a rule names one; only A has such a rule.
in_ns "$A" nft -f - <<- END
	table inet t { chain c { ct label set 5; }; }
	END
check "relay attaches to both" relay_start || finish
check "B takes labels over all the same" gwctl -n "$B" set labels 1

V4="src=10.1.0.2 dst=10.2.0.2"
V6="src6=fd01::2 dst6=fd02::2"
EST="tcp_state=3 timeout=600 status=0x0e"	# confirmed, assured, seen reply

# row NAME REQUIRED-ATTRIBUTES FLOW...: make, compare, delete, compare
row() {
	local name=$1 need=$2

	shift 2
	if ! check "$name: made by ctnetlink" ctmake "$A" create "$@"; then
		return
	fi
	check "$name: same in B" ctcompare -w $((2 * SCALE)) -c -r "$need" "$A" "$B"
	check "$name: same record" wait_for 1 records_equal
	in_ns "$A" conntrack -F > /dev/null 2>&1
	check "$name: gone" ctcompare -w $((2 * SCALE)) -m 0 "$A" "$B"
}

row "tcp" tcp_state,start $V4 proto=6 sport=1001 dport=80 $EST
row "tcp scale and flags" tcp_wscale_orig,tcp_flags_orig $V4 proto=6 sport=1002 dport=80 $EST \
	tcp_wscale_orig=7 tcp_wscale_reply=9 tcp_flags_orig=3 tcp_flags_reply=1
for state in 1 2 4 5 6 7 8; do
	row "tcp state $state" tcp_state $V4 proto=6 sport=$((1010 + state)) dport=80 \
		timeout=600 tcp_state=$state
done
row "tcp over ipv6" tcp_state $V6 proto=6 sport=1003 dport=80 $EST
row "udp" sport $V4 proto=17 sport=1004 dport=53 timeout=600
row "udp over ipv6" sport $V6 proto=17 sport=1004 dport=53 timeout=600
row "udplite" sport $V4 proto=136 sport=1005 dport=53 timeout=600
row "udplite over ipv6" sport $V6 proto=136 sport=1005 dport=53 timeout=600
row "icmp" icmp_id $V4 proto=1 icmp_type=8 icmp_code=0 icmp_id=77 timeout=600
row "icmpv6" icmp_id $V6 proto=58 icmp_type=128 icmp_code=0 icmp_id=78 timeout=600
row "sctp" sctp_state,sctp_vtag_orig $V4 proto=132 sport=1006 dport=2000 timeout=600 \
	sctp_state=4 sctp_vtag_orig=0x11223344 sctp_vtag_reply=0x55667788
row "sctp over ipv6" sctp_state,sctp_vtag_orig $V6 proto=132 sport=1006 dport=2000 timeout=600 \
	sctp_state=4 sctp_vtag_orig=0x11223344 sctp_vtag_reply=0x55667788
if ctmake "$A" create $V4 proto=33 sport=1 dport=1 timeout=9 dccp_state=3 dccp_role=0 \
	dccp_seq=1 2> /dev/null; then
	in_ns "$A" conntrack -F > /dev/null 2>&1
	row "dccp" dccp_state,dccp_role,dccp_seq $V4 proto=33 sport=1007 dport=2001 timeout=600 \
		dccp_state=4 dccp_role=1 dccp_seq=0x123456789a
	row "dccp over ipv6" dccp_state,dccp_role,dccp_seq $V6 proto=33 sport=1007 dport=2001 \
		timeout=600 dccp_state=4 dccp_role=1 dccp_seq=0x123456789a
else
	skip "dccp" "kernel has no dccp tracking"
fi
row "gre" proto $V4 proto=47 sport=0 dport=11 timeout=600
row "another protocol" proto $V4 proto=50 timeout=600

row "snat" reply_dst $V4 proto=6 sport=1020 dport=80 $EST snat=10.2.0.1 snat_port=33333
row "snat, port kept" reply_dst $V4 proto=6 sport=1024 dport=80 $EST snat=10.2.0.1
row "dnat" reply_src $V4 proto=6 sport=1021 dport=80 $EST dnat=10.2.0.9 dnat_port=8080
row "snat and dnat" reply_src $V4 proto=17 sport=1022 dport=53 timeout=600 dnat=10.2.0.9 \
	dnat_port=5353 snat=10.2.0.1 snat_port=40000
row "icmp snat" icmp_id $V4 proto=1 icmp_type=8 icmp_code=0 icmp_id=79 timeout=600 snat=10.2.0.1
row "nat66" reply_dst6 $V6 proto=6 sport=1023 dport=80 $EST dnat6=fd02::9 dnat_port=8080 \
	snat6=fd02::1 snat_port=33334

row "mark" mark $V4 proto=17 sport=1030 dport=53 timeout=600 mark=0xdeadbeef
row "labels" labels $V4 proto=17 sport=1031 dport=53 timeout=600 labels=0,5,127
row "zone" zone $V4 proto=17 sport=1032 dport=53 timeout=600 zone=7
row "zone of the original direction" orig_zone $V4 proto=17 sport=1033 dport=53 timeout=600 \
	orig_zone=8
row "zone of the reply direction" reply_zone $V4 proto=17 sport=1034 dport=53 timeout=600 \
	reply_zone=9
row "helper" helper $V4 proto=6 sport=1035 dport=21 $EST helper=ftp
row "seqadj" seqadj_orig_pos,seqadj_reply_after $V4 proto=6 sport=1036 dport=21 $EST helper=ftp \
	snat=10.2.0.1 \
	seqadj_orig_pos=1000 seqadj_orig_before=4294967293 seqadj_orig_after=5 \
	seqadj_reply_pos=2000 seqadj_reply_before=0 seqadj_reply_after=4294967288
row "synproxy" synproxy_isn $V4 proto=6 sport=1037 dport=80 $EST synproxy_isn=0x01020304 \
	synproxy_its=0x05060708 synproxy_tsoff=0x090a0b0c

# Master: the data connection of a control connection.
ctmake "$A" create $V4 proto=6 sport=1040 dport=21 $EST helper=ftp
row "master" master_src,master_dport $V4 proto=6 sport=1041 dport=20 $EST master_src=10.1.0.2 \
	master_dst=10.2.0.2 master_proto=6 master_l3proto=2 master_sport=1040 master_dport=21

# Each CPU has a ring of its own, and they are read one after the other: a flow whose
# master was made on another CPU must not be told before it, nor before its master's own.
# chain CPU...: a flow on each, each the master of the next; the last must have one in B
chain() {
	local port=1060 last="" cpu rc

	gwctl -n "$A" set flush_ms 500
	for cpu; do
		# shellcheck disable=SC2086
		taskset -c "$cpu" ctmake "$A" create $V4 proto=6 sport=$((++port)) dport=21 $EST \
			helper=ftp ${last:+master_src=10.1.0.2 master_dst=10.2.0.2 master_proto=6 \
			master_l3proto=2 master_sport=$last master_dport=21} || return 1
		last=$port
	done
	ctcompare -w $((2 * SCALE)) -c -m $# -r master_src,master_dport "$A" "$B"
	rc=$?
	gwctl -n "$A" set flush_ms 1
	in_ns "$A" conntrack -F > /dev/null 2>&1
	ctcompare -w $((2 * SCALE)) -m 0 "$A" "$B" && return $rc
}
check "master: told first, from a ring that is read later" chain 1 0
check "master: so is its own" chain 1 1 0
check "master: of three rings the last first" chain 1 0 1 0

# Expectations: ctnetlink makes one of a flow with a helper.
ctmake "$A" create $V4 proto=6 sport=1042 dport=21 $EST helper=ftp
check "expectation: made by ctnetlink" ctmake "$A" expect $V4 proto=6 sport=1042 dport=21 -- \
	src=10.2.0.2 dst=10.1.0.2 proto=6 sport=0 dport=4242 -- \
	src=255.255.255.255 dst=255.255.255.255 proto=6 sport=0 dport=65535 -- timeout=300
check "expectation: same in B" ctcompare -w $((2 * SCALE)) -r expect "$A" "$B"
in_ns "$A" conntrack -F expect > /dev/null 2>&1
check "expectation: gone with it in A" ctcompare -w $((2 * SCALE)) -m 1 "$A" "$B"
# One whose time is over, or that its helper took back, stays listed until somebody
# meets it: its master's next record must not bring it to life elsewhere.
expects_4243() { ctmake "$A" expect $V4 proto=6 sport=1042 dport=21 -- src=10.2.0.2 dst=10.1.0.2 \
	proto=6 sport=0 dport=4243 -- src=255.255.255.255 dst=255.255.255.255 proto=6 sport=0 \
	dport=65535 -- timeout="$1"; }
expects_4243 300
check "expectation: told while it lives" shows " expect=" gwctl -n "$A" dump
check "expectation: it is given a second" expects_4243 1
over() { ! in_ns "$A" conntrack -L expect 2> /dev/null | grep -q 4243; }
check "expectation: its time is over" wait_for 3 over
check "expectation: and it is told no more" eq "$(gwctl -n "$A" dump | grep -c " expect=")" 0
in_ns "$A" conntrack -F > /dev/null 2>&1

# What of mark and labels is taken over is the backup's word, and no digest's.
# told PATTERN: B's record of the flow has it
told() { gwctl -n "$B" dump | grep ",1060>" > "$TMP/told" && grep -q -- "$1" "$TMP/told" ||
	{ cat "$TMP/told"; return 1; }; }
# differing: classes of B, after a whole round
differing() {
	local was

	was=$(stat "$B" classes_compared)
	gwctl -n "$A" repair
	wait_for 3 stat_least "$B" classes_compared $((was + 16384)) || return 1
	gwctl -n "$B" digest | sed 's/differing //'
}
check "labels: as rules use them" gwctl -n "$B" set labels 0
check "labels: made by ctnetlink" ctmake "$A" create $V4 proto=17 sport=1060 dport=53 timeout=600 \
	mark=0x12345678 labels=0,5,127
check "labels: B has the flow and its mark" wait_for 2 told " mark=$((0x12345678))"
check "labels: none where no rule uses any" fails told " labels="
check "labels: and that is counted" stat_least "$B" labels_left 1
check "labels: the digests agree" eq "$(differing)" 0
in_ns "$B" nft 'table inet t { chain c { ct label set 5; }; }'
check "labels: rules begin to use them" ge "$(differing)" 1
check "labels: repair" gwctl -n "$A" repair 0xffffffffffffffff
check "labels: now B has them" wait_for 2 told " labels="
check "labels: and all agrees" eq "$(differing)" 0
in_ns "$B" nft delete table inet t
ctmake "$A" update $V4 proto=17 sport=1060 dport=53 labels=7
check "labels: also while the ruleset is replaced" wait_for 2 told " labels=80000000"

check "mark: another module's bits" in_ns "$B" conntrack -U -p udp --orig-src 10.1.0.2 --sport 1060 \
	-m 0x99345678
check "mark: 24 bits are the group's, and no label is" gwctl -n "$B" set mark_mask 0xffffff labels 2
check "mark: what is there is in doubt" ge "$(differing)" 1
ctmake "$A" update $V4 proto=17 sport=1060 dport=53 mark=0x11abcdef labels=9
check "mark: B has those of the record, and keeps its own" wait_for 2 told " mark=$((0x99abcdef))"
check "mark: and its labels" told " labels=80000000"
check "mark: the digests agree" eq "$(differing)" 0
check "mark: verify knows" verify
in_ns "$B" conntrack -U -p udp --orig-src 10.1.0.2 --sport 1060 -m 0x99abcdee > /dev/null 2>&1
check "mark: and sees a bit that is the group's" fails verify
check "mark: all of it again" gwctl -n "$B" set mark_mask 0xffffffff labels 1
check "mark: repair" gwctl -n "$A" repair 0xffffffffffffffff
check "mark: B has the owner's" wait_for 2 told " mark=$((0x11abcdef)).* labels=00020000"
in_ns "$A" conntrack -F > /dev/null 2>&1

# Timeout: what is left on the owner comes to the replica with activation.
ctmake "$A" create $V4 proto=17 sport=1050 dport=53 timeout=500
ctmake "$A" create $V4 proto=6 sport=1051 dport=80 tcp_state=3 timeout=432000 status=0x0e
check "timeout: flows are there" ctcompare -w $((2 * SCALE)) -m 2 "$A" "$B"
check "one record of each change, none of the rest" relay_cmd counts
relay_cmd kill > /dev/null
check "takeover" relay_cmd takeover
check "the background walk ends" relay_cmd settle
check "timeout: same after takeover" ctcompare -w $SCALE -T $((5 * SCALE)) -m 2 "$A" "$B"
check "nothing was refused" eq "$(gwctl -n "$B" stats | grep -E '^(refused|replicas_lost)' |
	grep -v ' 0$')" ""
finish

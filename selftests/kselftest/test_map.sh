#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The backup map: a bucket names its members, a message has one set, a bucket
# without members costs nothing, all members hash alike.
. "$(dirname "$0")/lib.sh"

gateways
add_ns "m3-$TAG"

# session NETNS MEMBER MAP...: 300 flows, then a change of each
session() {
	local ns=$1 member=$2

	shift 2
	in_ns "$ns" conntrack -F > /dev/null 2>&1
	gwctl -n "$ns" - <<- END
		attach $member 1
		set flush_ms 100 batch_bytes 1024
		map $*
		activate 0 2
		recv $((100 * SCALE))
		sh ctmake $ns create count=300 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 timeout=600 zone=3
		recv $((150 * SCALE))
		sh ctmake $ns update count=300 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 zone=3 mark=7
		recv $((150 * SCALE))
	END
}
# sets FILE: "PORT SET" of each record
sets() {
	awk '/^delta/ { split($2, s, "="); set = s[2] }
	     /^flow/ { match($0, /10\.1\.0\.2,[0-9]+>/)
		       print substr($0, RSTART + 9, RLENGTH - 10), set }' "$1"
}

session "$A" 1 0x4 0-127=0x8 > "$TMP/s1"
check "no error" eq "$(grep -c "^error\|BAD" "$TMP/s1")" 0
sets "$TMP/s1" | sort -u > "$TMP/sets1"
check "300 flows, each in one set whatever its state" eq "$(wc -l < "$TMP/sets1")" 300
check "set 0x4 has its half" ge "$(grep -c " 0x4$" "$TMP/sets1")" 90
check "set 0x8 has the other" ge "$(grep -c " 0x8$" "$TMP/sets1")" 90
check "no other set" eq "$(grep -vc " 0x[48]$" "$TMP/sets1")" 0
records=$(grep -c "^flow" "$TMP/s1")
messages=$(grep -c "^delta" "$TMP/s1")
echo "# $records records in $messages messages"
check "many records a message" ge "$records" $((messages * 4))
too_long() { awk -F 'bytes=' '/^delta/ && $2 > 1024 { exit 1 }' "$TMP/s1"; }
check "no message over batch_bytes" too_long
check "each change seen" ge "$(grep -c "mark=7" "$TMP/s1")" 300

# Another member hashes alike, and is never its own backup.
session "$B" 5 0x4 0-127=0x8 > "$TMP/s2"
sets "$TMP/s2" | sort -u > "$TMP/sets2"
alike() {
	awk 'FNR == NR { set[$1] = $2; next }
		{ n++; bad += set[$1] != $2 }
		END { print n + 0 " flows, " bad + 0 " differ"; exit n != 300 || bad }' \
		"$TMP/sets1" "$TMP/sets2"
}
check "another member hashes alike" alike
session "m3-$TAG" 2 0x4 0-127=0xc > "$TMP/s3"
sets "$TMP/s3" | sort -u > "$TMP/sets3"
# Member 2 is bit 0x4: half of the flows have no other backup.
no_self() {
	eq "$(grep -c " 0x8$" "$TMP/sets3")" "$(grep -c " 0x8$" "$TMP/sets1")" &&
		eq "$(grep -vc " 0x8$" "$TMP/sets3")" 0
}
check "a member is not its own backup" no_self

# Buckets: with one bucket set, few flows are sent; with none, nothing.
session "$A" 1 0 17=0x4 > "$TMP/s4"
n=$(sets "$TMP/s4" | sort -u | wc -l)
check "one bucket of 256 holds few of 300 flows" ge 12 "$n"
sent=$(stat "$A" records_sent)
session "$A" 1 0 > "$TMP/s5"
check "an empty map sends nothing" eq "$(grep -c "^flow" "$TMP/s5")" 0
check "and counts nothing" eq "$(stat "$A" records_sent)" "$sent"
# A walk goes where it is told of what the map names.
walk() {
	gwctl -n "$A" - <<- END
		attach 1 10
		map 0x14
		activate 0 11
		walk 0x10 77
		recv $((200 * SCALE))
	END
}
walk > "$TMP/s6"
check "a walk names all flows" eq "$(sets "$TMP/s6" | sort -u | wc -l)" 300
check "to its own set" eq "$(sets "$TMP/s6" | grep -vc " 0x10$")" 0
check "with its id" eq "$(grep "^delta" "$TMP/s6" | grep -vc "walk=77 ")" 0
check "and ends with an event" grep -q "event walk-done.*walk=77 count=300" "$TMP/s6"
last_note() { grep -E "^(delta|event)" "$1" | tail -n 1; }
check "last" shows "^event walk-done" last_note "$TMP/s6"

# Chains that are longer than what a walk takes at once, with flows of others in them
# (no flow gets into such a chain, but a table that shrinks makes them); then one
# that grows and shrinks under the walk, where a flow may be seen twice.
MANY=36000
was=$(sysctl -n net.netfilter.nf_conntrack_buckets)
sysctl -qw net.netfilter.nf_conntrack_max=200000 net.netfilter.nf_conntrack_buckets=262144
ctmake "$A" create count=$((MANY - 300)) src=10.1.0.2 dst=10.2.0.2 proto=17 dport=54 \
	sport=2000 timeout=600
ctmake "m3-$TAG" create count=3000 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=54 \
	sport=1000 timeout=600
sysctl -qw net.netfilter.nf_conntrack_buckets=512
named() { sets "$TMP/$1" | cut -d" " -f1 | sort -u | wc -l; }
counted() { grep -o "walk-done .*count=[0-9]*" "$TMP/$1" | sed 's/.*count=//'; }
epoch=20
walk_all() {
	epoch=$((epoch + 2))
	gwctl -n "$A" - <<- END
		attach 1 $epoch
		set walk_rate 0
		map 0x14
		activate 0 $((epoch + 1))
		walk 0x10 77
		recv $((1000 * SCALE))
	END
}
listed() { gwctl -n "$A" dump | grep -c "^flow.*10\.1\.0\.2,"; }
walk_all > "$TMP/s7"
check "a walk of long chains names each flow once" eq "$(counted s7)" "$MANY"
check "and none that is not there" eq "$(named s7)" "$MANY"
check "so does a dump" eq "$(listed)" "$MANY"
# Each resize makes it begin anew: bounded, or it would never end.
resizes() {
	local n

	for n in 512 65536 4096 512 65536 4096 512 65536 4096; do
		sysctl -qw net.netfilter.nf_conntrack_buckets=$n
	done
}
background resizes
walk_all > "$TMP/s8"
wait "$BACKGROUND"
check "a walk under which the table is resized begins anew" \
	ge "$(sets "$TMP/s8" | wc -l)" $((MANY + 1))
check "no flow is missed" eq "$(named s8)" "$MANY"
sysctl -qw net.netfilter.nf_conntrack_buckets="$was"
finish

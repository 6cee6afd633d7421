#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A replica does not expire by itself, is not echoed, is updated in place, and
# goes when its owner says so, by record or by sweep.
. "$(dirname "$0")/lib.sh"

gateways
check "relay attaches to both" relay_start || finish
F="src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53"
same() { ctcompare -w $((2 * SCALE)) "$@" "$A" "$B"; }
id_of() { in_ns "$B" conntrack -L -o id 2> /dev/null | grep "sport=$1 " | grep -o 'id=[0-9]*'; }
replicas() { gwctl -n "$B" get replicas; }

ctmake "$A" create $F sport=1000 timeout=600 mark=1
check "a flow of A is a replica in B" same
id=$(id_of 1000)
for i in 2 3 4 5 6; do
	ctmake "$A" update $F sport=1000 mark=$i
	same > /dev/null
done
check "mark changed in both" same -r mark
check "updated in place: the same entry" eq "$(id_of 1000)" "${id:-none}"
check "one replica created" eq "$(stat "$B" replicas_created)" 1
check "five updates" stat_least "$B" replicas_updated 5
check "nothing echoed by B" eq "$(stat "$B" records_sent)" 0
check "B counts the replica" eq "$(replicas)" 1
check "B's dump shows its owner" shows "owner=1 flags=replica" gwctl -n "$B" dump
check "A's dump shows an own flow" shows "flags=announced" gwctl -n "$A" dump

# The owner's flow expires and B is not told.
ctmake "$A" create $F sport=1001 timeout=2
check "a flow of 2 s is in B" same -m 2
relay_cmd drop on > /dev/null
expired() { eq "$(flows "$A")" 1; }
check "it expires in A" wait_for 10 expired
sleep 3
check "but not in B" eq "$(flows "$B")" 2
check "and B shows it held" eq "$(replicas)" 2
relay_cmd drop off > /dev/null
check "a full sync ends" relay_cmd sync
check "its sweep removed what A does not have" same -m 1
check "B counts one replica less" eq "$(replicas)" 1

# Removed behind our back.
in_ns "$B" conntrack -F > /dev/null 2>&1
check "a lost replica is counted" stat_least "$B" replicas_lost 1
check "B counts none" eq "$(replicas)" 0
check "a full sync brings it back" relay_cmd sync
check "same again" same

# The flow is gone and its successor has another mapping; B missed the end.
ctmake "$A" create $F sport=1002 timeout=600 snat=10.2.0.1
same -m 2 > /dev/null
relay_cmd drop on > /dev/null
in_ns "$A" conntrack -D --orig-src 10.1.0.2 -p udp --sport 1002 > /dev/null 2>&1
relay_cmd drain 100 > /dev/null
relay_cmd drop off > /dev/null
ctmake "$A" create $F sport=1002 timeout=600 snat=10.2.0.7
check "another NAT mapping replaces the replica" same -m 2
check "and is counted" eq "$(stat "$B" replicas_replaced)" 1

# The same with the same mapping: "told for the first time" is only a hint.
id=$(id_of 1002)
relay_cmd drop on > /dev/null
in_ns "$A" conntrack -D --orig-src 10.1.0.2 -p udp --sport 1002 > /dev/null 2>&1
relay_cmd drain 100 > /dev/null
relay_cmd drop off > /dev/null
ctmake "$A" create $F sport=1002 timeout=600 snat=10.2.0.7 mark=9
check "a successor that is alike takes the replica over" same -m 2
check "without another entry" eq "$(id_of 1002)" "${id:-none}"
check "nor a replacement" eq "$(stat "$B" replicas_replaced)" 1

# A tuple that ends and begins again at once: the old end must not win.
for i in $(seq 20); do
	in_ns "$A" conntrack -D -p udp --sport 1002 > /dev/null 2>&1
	ctmake "$A" create $F sport=1002 timeout=600 mark=$i
done
check "a successor survives its predecessor's end" same -m 2

in_ns "$A" conntrack -F > /dev/null 2>&1
check "destroyed in A, gone in B" same -m 0
check "B counts none left" eq "$(replicas)" 0

# A full table: assured flows, so that none is dropped for another.
max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
relay_cmd drop on > /dev/null
ctmake "$A" create count=60 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=2000 timeout=600 \
	status=0x0e
relay_cmd drain 100 > /dev/null
relay_cmd drop off > /dev/null
sysctl -qw net.netfilter.nf_conntrack_max=40
relay_cmd sync > /dev/null
check "a full table refuses" stat_least "$B" refused_full 20
check "and holds no more than it may" ge 40 "$(flows "$B")"
sysctl -qw net.netfilter.nf_conntrack_max="$max"
relay_cmd sync > /dev/null
check "the next full sync completes it" same -m 60

# Repair: what no record names between begin and end goes, unless some were lost.
repair() {
	local bucket

	for bucket in $(seq 0 255); do
		# shellcheck disable=SC2059
		printf "\\0\\030\\001\\$1\\0\\0\\0\\0\\0\\0\\0\\0\\$(printf %03o "$bucket")\\0\\0\\0"
		printf '\377\377\377\377\377\377\377\377'
	done
}
repair 004 > "$TMP/begin"
repair 005 > "$TMP/end"
apply() { gwctl -n "$B" apply 1 "$(gwctl -n "$B" get epoch)" "$TMP/$1"; }
check "repair begins" apply begin
check "records are lost" gwctl -n "$B" empty 17
check "and it ends" apply end
sleep 1
check "nothing is swept" eq "$(flows "$B")" 60
check "another begins" apply begin
check "and ends" apply end
swept() { eq "$(flows "$B")" 0; }
check "now what was not named goes" wait_for 3 swept
relay_cmd sync > /dev/null
check "a full sync brings it back" same -m 60

# Purge.
gwctl -n "$B" purge 1
purged() { eq "$(flows "$B")" 0 && eq "$(replicas)" 0; }
check "purge removes all replicas of an owner" wait_for 3 purged
finish

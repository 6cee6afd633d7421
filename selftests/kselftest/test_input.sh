#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hostile input: records, random messages, users without permission.
. "$(dirname "$0")/lib.sh"

gateways
ctmake "$B" create count=20 src=10.1.0.2 dst=10.2.0.2 proto=6 sport=1 dport=80 tcp_state=3 \
	timeout=86400 status=0x0e mark=5
table() {
	in_ns "$B" conntrack -L -o id 2> /dev/null | sed -E 's/^([a-z]+ +[0-9]+) [0-9]+/\1/; s/delta-time=[0-9]+//' | sort
}
table > "$TMP/before"
check "own flows are there" eq "$(wc -l < "$TMP/before")" 20

# Each check of gwinput is one of ours.
while read -r line; do
	case $line in
	"ok "*) ok "${line#ok * }" ;;
	"not ok "*) not_ok "${line#not ok * }" ;;
	"#"*) echo "$line" ;;
	"Bail"*) not_ok "$line" ;;
	esac
done < <(gwinput "$B" records)
table > "$TMP/after"
check "own flows are as they were" diff "$TMP/before" "$TMP/after"

# Users: all but GET_STATS need CAP_NET_ADMIN where the netns belongs.
as_nobody() { in_ns "$B" setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
check "nobody may read statistics" as_nobody gwctl stats
printf '\000\030\001\002\002\006\000\000\000\000\000\000\1\1\1\1\1\1\1\1\1\1\1\1' > "$TMP/record"
check_denied "nobody may not" "$TMP/record" as_nobody
in_userns() { as_nobody unshare -Ur "$@"; }
if in_userns true 2> /dev/null; then
	check "root of another user namespace may not attach" denied in_userns gwctl attach 1 1
	check "nor dump" denied in_userns gwctl dump
else
	skip "root of another user namespace" "kernel forbids user namespaces"
fi

# The same commands without any attribute: a text says what is missing.
told() {
	gwctl -n "$B" empty "$1" | tee "$TMP/told" | grep -q "error E[A-Z]* ." ||
		{ cat "$TMP/told"; return 1; }
}
for cmd in 1:attach 5:map 8:apply 9:sync-begin 10:sync-end 11:walk 12:activate 13:deactivate \
	14:purge 17:repair; do
	check "${cmd#*:} without attributes is refused with a text" told "${cmd%:*}"
done
bound() {
	gwctl -n "$B" set "$@" | tee "$TMP/told" | grep -q "error E[A-Z]* ." ||
		{ cat "$TMP/told"; return 1; }
}
check "flush_ms has a bound" bound flush_ms 1001
check "hold_ms has a bound" bound hold_ms 60001
check "digest_ms has a bound" bound digest_ms 3600001
check "audit_ms has a bound" bound audit_ms 3600001
check "batch_bytes has a lower bound" bound batch_bytes 511
check "batch_bytes has an upper bound" bound batch_bytes 8193
check "member 0 is refused" shows "error E[A-Z]* ." gwctl -n "$B" attach 0 1
check "member 64 is refused" shows "error E[A-Z]* ." gwctl -n "$B" attach 64 1

# Random messages, in netns of their own.
add_ns "f1-$TAG" "f2-$TAG"
ctmake "f1-$TAG" create count=50 src=10.1.0.2 dst=10.2.0.2 proto=17 sport=1 dport=53 timeout=600
check "60,000 random messages" gwinput "f1-$TAG" fuzz "${SEED:-1}" 60000
head -n 1 "$TMP/out" | diag
check "60,000 more, other seed" gwinput "f2-$TAG" fuzz "${SEED:-2}" 60000
head -n 1 "$TMP/out" | diag
table > "$TMP/after"
check "own flows of another netns are as they were" diff "$TMP/before" "$TMP/after"
# The module still works.
check "relay attaches" relay_start 100 || finish
ctmake "$A" create src=10.3.0.2 dst=10.2.0.2 proto=6 sport=9 dport=80 tcp_state=3 timeout=600
check "and syncs" wait_for 3 shows "10.3.0.2,9>.*owner=1" gwctl -n "$B" dump
relay_stop

# "Expected", but by nobody: ctnetlink follows the master without a look.
printf '\000\030\001\001\002\021\000\003\000\000\002\130\12\0\0\1\12\0\0\2\0\1\0\2' > "$TMP/orphan"
add_ns "o-$TAG"
printf 'attach 2 1\napply 1 1 %s\n' "$TMP/orphan" | gwctl -n "o-$TAG" - > "$TMP/applied"
listed() { in_ns "o-$TAG" conntrack -L -p udp 2> /dev/null; }
check "an expected flow without its master can be listed" shows "src=10.0.0.1 dst=10.0.0.2" listed
ip netns del "o-$TAG"

# An extension that is added may move those that are there: the helper was once written
# to where its own had been.  Which one moves them, sizes decide: so with and without
# labels and sequence numbers, and with what a netns adds by itself.
X=x-$TAG Y=y-$TAG
add_ns "$X" "$Y"
modprobe -a nf_conntrack_ftp nf_nat_ftp || bail "no ftp helper"
# Only X: where a rule names labels each flow has room for some.
in_ns "$X" nft 'table inet labels { chain c { ct label set 5; }; }'
gwctl -n "$Y" set labels 1
for ns in "$X" "$Y"; do
	sysctl_ns "$ns" net.netfilter.nf_conntrack_events=1
done
F="src=10.1.0.2 dst=10.2.0.2 proto=6 dport=21 tcp_state=3 timeout=600 status=0x0e snat=10.2.0.1"
G="helper=ftp mark=7 synproxy_isn=1 synproxy_its=2 synproxy_tsoff=3"
sport=2000 made=0
for labels in "" labels=0,5; do
	for seqadj in "" \
		"seqadj_orig_pos=9 seqadj_orig_before=1 seqadj_orig_after=5"; do
		# shellcheck disable=SC2086
		ctmake "$X" create $F $G sport=$((sport += 1)) $labels $seqadj > /dev/null &&
			made=$((made + 1))
	done
done
check "flows with a helper and all else that may be added" eq $made 4
# sent NETNS: its records, but for what Y may add
sent() { records "$1" | sed -E 's/ start=[^ ]*//g'; }
sent "$X" > "$TMP/sent"
gwctl -n "$X" dump file "$TMP/extended"
in_ns "$X" conntrack -F > /dev/null 2>&1
# shellcheck disable=SC2086
ctmake "$X" create count=4 $F sport=2001
gwctl -n "$X" dump file "$TMP/bare"
as_sent() {
	gwctl -n "$Y" apply 1 1 "$TMP/extended" || return 1
	sent "$Y" | diff "$TMP/sent" - || { echo "$1"; return 1; }
}
installed() {
	sysctl_ns "$Y" net.netfilter.nf_conntrack_acct="$1" net.netfilter.nf_conntrack_timestamp="$2"
	for _ in 1 2; do
		in_ns "$Y" conntrack -F > /dev/null 2>&1
		as_sent "new ones" && as_sent "the same again" || return 1
		gwctl -n "$Y" apply 1 1 "$TMP/bare" && as_sent "after one without" || return 1
	done
}
parts() {
	local part

	for part in "helper=ftp.*synproxy=1,2,3" labels= seqadj=; do
		grep -c "$part" "$TMP/sent"
	done
}
check "all records say so, half of them with labels, half with sequence numbers" \
	eq "$(parts | xargs)" "4 2 2"
for acct in 0 1; do
	for start in 0 1; do
		check "installed as sent: acct $acct, timestamp $start" installed $acct $start
	done
done
ip netns del "$X"
ip netns del "$Y"
ip netns del "f1-$TAG"
ip netns del "f2-$TAG"
check "module unloads" modprobe -r gwsync
finish

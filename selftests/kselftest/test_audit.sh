#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What changes without an event is sent: a mark that an NFQUEUE verdict sets, offsets
# that a NAT helper moves, an expectation that an answer lets begin, and all of a flow
# that was made while nf_conntrack_events was off.
. "$(dirname "$0")/lib.sh"

setup_net
modprobe -a nf_conntrack_sip nf_nat_sip nfnetlink_queue nft_queue || bail "no helpers, no queue"
RULES='ct helper sip-udp { type "sip" protocol udp; }
	ct helper sip-tcp { type "sip" protocol tcp; }
	chain helpers {
		type filter hook prerouting priority 10;
		udp dport 5060 ct helper set "sip-udp"
		tcp dport 5060 ct helper set "sip-tcp"
	}
	chain marks {
		type filter hook forward priority 5;
		udp dport 7005 ct packets > 4 ct mark 0 queue num 7
	}'
strict "$A" "$RULES"
strict "$B" "$RULES"
check "relay attaches to both" relay_start || finish
for gw in "$A" "$B"; do
	gwctl -n "$gw" set audit_ms $((1000 * SCALE)) > /dev/null
done
check "audit_ms is set" eq "$(gwctl -n "$A" get audit_ms)" $((1000 * SCALE))
# record NETNS PATTERN: what of its flow does not move by itself
record() { gwctl -n "$1" dump | grep "$2" | grep -o -E " (mark|seqadj|helper)=[^ ]*" | tr -d '\n'; }
same_record() { eq "$(record "$B" "$1")" "$(record "$A" "$1")"; }
expected() {
	gwctl -n "$1" dump | grep -o -E "expect=[^ ]*" > "$TMP/expect"
	grep -E "$2" "$TMP/expect" || { cat "$TMP/expect"; return 1; }
}

# A mark by NFQUEUE, when the flow has long been told.
spawn udps "$S" peer udp-serve 7005
spawn verdict "$A" verdict 7 77
check "queue: somebody is there" wait_for 5 said verdict ready
check "queue: server listens" wait_for 5 said udps ready
spawn_fed udp "$C" peer udp 10.2.0.2 7005 1
check "queue: traffic" wait_for 5 said udp ready
b_has() { gwctl -n "$B" dump | grep -E "$1"; }
check "queue: B has the flow" wait_for 3 b_has "10.1.0.2,.*,7005"
check "queue: without a mark" fails b_has ",7005.* mark="
for _ in 1 2 3 4; do
	feed udp
done
check "queue: it was marked" wait_for 5 said verdict marked
check "queue: A knows the mark" wait_for 3 shows "mark=77" in_ns "$A" conntrack -L -p udp
check "queue: B has the mark within an audit" wait_for 4 b_has ",7005.* mark=77"
check "queue: as a change that was audited" stat_least "$A" audited 1

# Events off: flows that nobody hears of.
gaps=$(stat "$A" notifier_gaps)
sysctl_ns "$A" net.netfilter.nf_conntrack_events=0
spawn_fed silent "$C" peer udp 10.2.0.2 7005 3
check "events off: traffic" wait_for 5 said silent ready
on() { eq "$(in_ns "$A" sysctl -n net.netfilter.nf_conntrack_events)" 1; }
check "events off: on again" wait_for 3 on
check "events off: counted" stat_least "$A" notifier_gaps $((gaps + 1))
check "events off: B has all of them" ctcompare -w $((4 * SCALE)) -k -m 4 -p 17 "$A" "$B"
# A backup's own setting does not keep it from hearing what is taken from it.
sysctl_ns "$B" net.netfilter.nf_conntrack_events=0
spawn_fed taken "$C" peer udp 10.2.0.2 7005 1
check "events off on the backup: traffic" wait_for 5 said taken ready
check "events off on the backup: B has it" ctcompare -w $((4 * SCALE)) -k -m 5 -p 17 "$A" "$B"
lost=$(stat "$B" replicas_lost)
in_ns "$B" conntrack -D -p udp --orig-port-dst 7005 > /dev/null 2>&1
check "events off on the backup: what is taken is noticed" wait_for 3 stat_least "$B" \
	replicas_lost $((lost + 5))
check "full sync" relay_cmd sync

# SIP over UDP: the registrar's answer lets the expectation begin, for an hour.
spawn_fed registrar "$S" socat - UDP-LISTEN:5060
spawn_fed phone "$C" socat - UDP-DATAGRAM:10.2.0.2:5060,bind=10.1.0.2:5060
# sip NAME LINE...: a message, in one write
sip() {
	local to=$1

	shift
	printf '%s\r\n' "$@" "Content-Length: 0" "" > "$TMP/message"
	dd if="$TMP/message" of="$TMP/$to.in" bs=4096 count=1 conv=notrunc 2> /dev/null
}
check "sip: registrar listens" wait_for 5 bound "$S" 5060
register() {
	sip phone "REGISTER sip:10.2.0.2 SIP/2.0" "Via: SIP/2.0/UDP 10.1.0.2:5060;branch=z1" \
		"From: <sip:a@10.2.0.2>;tag=1" "To: <sip:a@10.2.0.2>" "Call-ID: c1" \
		"CSeq: $1 REGISTER" "Contact: <sip:a@10.1.0.2:5060>" "Expires: 3600"
	wait_for 5 said registrar "CSeq: $1 REGISTER"
}
answer() {
	sip registrar "SIP/2.0 200 OK" "Via: SIP/2.0/UDP 10.2.0.1:5060;branch=z1" \
		"From: <sip:a@10.2.0.2>;tag=1" "To: <sip:a@10.2.0.2>;tag=2" "Call-ID: c1" \
		"CSeq: $1 REGISTER" "Contact: <sip:a@10.2.0.1:5060>" "Expires: 3600"
	wait_for 5 said phone "CSeq: $1 REGISTER"
}
check "sip: it is registered" register 1
check "sip: translated" said registrar "Contact: <sip:a@10.2.0.1:5060>"
check "sip: B has the expectation, which waits" wait_for 3 expected "$B" "flags:3.*timeout:1"
check "sip: the answer comes" answer 1
check "sip: A's has begun" expected "$A" "flags:1,.*timeout:3[56]"
check "sip: so has B's, and for an hour" wait_for 3 expected "$B" "flags:1,.*timeout:3[56]"
check "sip: registered anew" register 2
check "sip: and answered" answer 2
check "sip: B's has begun anew" wait_for 3 expected "$B" "flags:1,.*timeout:3[56]"

# SIP over TCP: each message is translated, and moves the offsets.
ip -n "$C" addr add 10.1.0.222/32 dev lo
for gw in "$A" "$B"; do
	ip -n "$gw" route replace 10.1.0.222/32 dev n1
done
spawn proxy "$S" socat -u TCP-LISTEN:5060,reuseaddr -
check "sip, tcp: proxy listens" wait_for 5 listens "$S" 5060
spawn_fed ua "$C" socat - TCP:10.2.0.2:5060,bind=10.1.0.222:5555
options() {
	sip ua "OPTIONS sip:b@10.2.0.2 SIP/2.0" "Via: SIP/2.0/TCP 10.1.0.222:5555;branch=z$1" \
		"From: <sip:a@10.1.0.222>;tag=1" "To: <sip:b@10.2.0.2>" "Call-ID: o1" \
		"CSeq: $1 OPTIONS"
	wait_for 5 said proxy "CSeq: $1 OPTIONS"
}
N=0
# Helpers do not reassemble, and socat may find a message in two pieces: then another.
translated() {
	for _ in 1 2 3 4 5; do
		N=$((N + 1))
		options $N > "$TMP/options" || { cat "$TMP/options"; return 1; }
		said proxy "TCP 10.2.0.1:5555;branch=z$N" > /dev/null && return
	done
	cat "$TMP/proxy"
	return 1
}
for n in 1 2 3; do
	check "sip, tcp: message $n arrives, translated" translated
	check "sip, tcp: message $n: B has the offsets" wait_for 3 same_record "10.1.0.222,5555"
done
check "sip, tcp: they are not 0" b_has "10.1.0.222,5555.* seqadj="

# Nothing is sent again and again.
sent="$(stat "$A" audited) $(stat "$A" refreshed)"
sleep $((3 * SCALE))
check "nothing is sent that was sent before" eq "$(stat "$A" audited) $(stat "$A" refreshed)" "$sent"

relay_cmd kill > /dev/null
check "takeover" relay_cmd takeover
path B
check "takeover: the connection with offsets goes on, translated" translated
# From another port than that of the registration: only the expectation lets it in.
spawn_fed caller "$S" socat - UDP-DATAGRAM:10.2.0.1:5060,bind=10.2.0.2:5070
sip caller "OPTIONS sip:a@10.2.0.1:5060 SIP/2.0" "Via: SIP/2.0/UDP 10.2.0.2:5070;branch=c" \
	"From: <sip:b@10.2.0.2>;tag=9" "To: <sip:a@10.2.0.1>" "Call-ID: k1" "CSeq: 9 OPTIONS"
check "takeover: a call of the registrar finds the phone" wait_for 5 said phone "CSeq: 9 OPTIONS"
check "takeover: the background walk ends" relay_cmd settle
# The first one sends again what had no number on A: it was made while events were off.
audits() { ge "$(stat "$B" audited)" 3; }
check "takeover: flows whose end raised no event have a number now" wait_for 4 audits
audited=$(stat "$B" audited)
sleep $((3 * SCALE))
check "takeover: audits find nothing more" eq "$(stat "$B" audited)" "$audited"

relay_stop
check "detached: nf_conntrack_events is what was asked for" eq \
	"$(in_ns "$A" sysctl -n net.netfilter.nf_conntrack_events)" 0
finish

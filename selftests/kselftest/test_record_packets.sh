#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same rows with real packets through gateway A: NAT by rules, TCP windows
# of real connections, FTP's helper, secmark, DCCP, SCTP and GRE from forge.
. "$(dirname "$0")/lib.sh"

setup_net
modprobe -a nf_conntrack_ftp nf_nat_ftp nf_conntrack_pptp || bail "no helpers"
# A rule that expects what comes back, without a helper.
RULES='ct expectation back { protocol tcp; dport 8500; timeout 5m; size 4; l3proto ip; }
	chain expects { type filter hook prerouting priority 10; tcp dport 7002 ct expectation set "back"; }
	'
FTP="$RULES"'ct helper ftp { type "ftp" protocol tcp; }
	chain helpers { type filter hook prerouting priority 10; tcp dport 21 ct helper set "ftp"; }'
strict "$A" "$FTP"
strict "$B" "$FTP"
check "relay attaches to both" relay_start || finish
in_ns "$A" conntrack -F > /dev/null 2>&1

same() { ctcompare -w $((2 * SCALE)) -r "$@" "$A" "$B"; }

spawn tcp "$S" peer serve 7000
spawn udp "$S" peer udp-serve 7000
check "servers listen" wait_for 5 said tcp ready

# Real TCP: the windows are compared in a full sync's records, at rest.
spawn_fed echo "$C" peer echo 10.2.0.2 7000 3
spawn_fed echo6 "$C" peer echo fd02::2 7000 3
spawn_fed dnat "$C" peer echo 10.1.0.1 8080 3
for n in echo echo6 dnat; do
	check "tcp $n: open" wait_for 5 said $n ready
done
check "tcp: all flows in B" same tcp_state,reply_dst
windows() { relay_cmd sync && records_equal; }
check "tcp: windows, scale and flags of both directions" wait_for 3 windows
feed echo; feed echo6; feed dnat
for n in echo echo6 dnat; do
	check "tcp $n: used again" wait_for 5 said $n "alive 3 of 3"
done
check "tcp: windows follow a full sync" wait_for 3 windows

spawn_fed u "$C" peer udp 10.2.0.2 7000 2
spawn_fed u6 "$C" peer udp fd02::2 7000 2
check "udp: answers" wait_for 5 said u ready
check "udp over ipv6: answers" wait_for 5 said u6 ready
check "udp" same sport -p 17
check "icmp: answered" in_ns "$C" ping -c 1 -W $((2 * SCALE)) 10.2.0.2
check "icmp" same icmp_id -p 1
check "icmpv6: answered" in_ns "$C" ping -6 -c 1 -W $((2 * SCALE)) fd02::2
check "icmpv6" same icmp_id -p 58

# Protocols without a listener: the server must not answer by itself.
in_ns "$S" nft -f - <<- END
	table inet t { chain o { type filter hook output priority 0; icmp type destination-unreachable drop; }; }
	END
from_c() { in_ns "$C" forge "$@"; }
from_s() { in_ns "$S" forge "$@"; }
# udplite_error() verifies with the protocol number of UDP (6.1, 6.12): with
# checksums on, conntrack calls each UDP-Lite packet invalid.
sysctl_ns "$A" net.netfilter.nf_conntrack_checksum=0
from_c udplite 10.1.0.2 5002 10.2.0.2 6002 8 32
from_s udplite 10.2.0.2 6002 10.2.0.1 5002 0 32
check "udplite: answered" wait_for 3 shows "src=10.1.0.2 .*ASSURED\|src=10.2.0.2 .*packets=1" \
	in_ns "$A" conntrack -L -p udplite
check "udplite" same sport -p 136
sysctl_ns "$A" net.netfilter.nf_conntrack_checksum=1
from_c sctp 10.1.0.2 5000 10.2.0.2 6000 1 0 0x1111
from_s sctp 10.2.0.2 6000 10.2.0.1 5000 2 0x1111 0x2222
from_c sctp 10.1.0.2 5000 10.2.0.2 6000 10 0x2222
from_s sctp 10.2.0.2 6000 10.2.0.1 5000 11 0x1111
check "sctp: established by its packets" wait_for 3 shows "ESTABLISHED" \
	in_ns "$A" conntrack -L -p sctp
check "sctp" same sctp_state,sctp_vtag_orig,sctp_vtag_reply -p 132
from_c dccp 10.1.0.2 5001 10.2.0.2 6001 0 100
from_s dccp 10.2.0.2 6001 10.2.0.1 5001 1 200 100
from_c dccp 10.1.0.2 5001 10.2.0.2 6001 3 101 200
if in_ns "$A" conntrack -L -p dccp 2> /dev/null | grep -q PARTOPEN; then
	check "dccp" same dccp_state,dccp_seq -p 33
else
	skip "dccp" "kernel has no dccp tracking"
fi
from_c gre 10.1.0.2 10.2.0.2 77
check "gre" same proto -p 47

# FTP: a control connection whose PORT command is rewritten, an expectation,
# and the data connection that follows it.
spawn ftpd "$S" socat -u TCP-LISTEN:21,reuseaddr,fork OPEN:"$TMP/ftp.seen",creat,append
check "ftp: server listens" wait_for 5 listens "$S" 21
spawn_fed ftp "$C" socat - TCP:10.2.0.2:21,crnl
check "ftp: connected" wait_for 5 shows ESTABLISHED \
	in_ns "$A" conntrack -L -p tcp --dport 21
feed ftp "USER anonymous"	# the helper looks at what follows a line
check "ftp: the server listens to it" wait_for 5 grep -q USER "$TMP/ftp.seen"
feed ftp "PORT 10,1,0,2,31,64"
check "ftp: the server saw the translated address" wait_for 5 grep -q "PORT 10,2,0,1" "$TMP/ftp.seen"
check "ftp: helper, seqadj and expectation" same helper,expect
spawn data "$C" peer serve 8000
check "ftp: data listener" wait_for 5 said data ready
port=$(sed -n 's/PORT 10,2,0,1,\([0-9]*\),\([0-9]*\).*/\1 \2/p' "$TMP/ftp.seen" |
	awk '{ print $1 * 256 + $2; exit }')
spawn_fed dataconn "$S" peer echo 10.2.0.1 "${port:-8000}" 1
check "ftp: data connection" wait_for 5 said dataconn ready
check "ftp: master" same master_src,master_dport
counters() { relay_cmd sync && ctcompare -c -r packets_reply,start "$A" "$B"; }
check "counters and start times follow a full sync" wait_for 3 counters

spawn late "$S" peer serve 7002
check "ct expectation: server" wait_for 5 said late ready
spawn_fed latec "$C" peer echo 10.2.0.2 7002 1
check "ct expectation: connected" wait_for 5 said latec ready
check "ct expectation: same in B" same expect

# secmark: any LSM that has contexts; AppArmor's is "unconfined".
case $(cat /sys/kernel/security/lsm 2> /dev/null || cat /proc/self/attr/current 2> /dev/null) in
*selinux*) ctx=unlabeled ;;
*apparmor* | unconfined*) ctx=unconfined ;;
*) ctx= ;;
esac
secmark_rules() {
	in_ns "$A" nft -f - <<- END
	table inet sec {
		secmark seclabel { "$ctx"; }
		chain c {
			type filter hook forward priority 10;
			udp dport 7001 meta secmark set "seclabel"
			udp dport 7001 ct state new ct secmark set meta secmark
		}
	}
	END
}
if [ -n "$ctx" ] && secmark_rules 2> "$TMP/sec"; then
	spawn sec "$S" peer udp-serve 7001
	check "secmark: server" wait_for 5 said sec ready
	spawn_fed secc "$C" peer udp 10.2.0.2 7001 1
	check "secmark: traffic" wait_for 5 said secc ready
	check "secmark" same secctx -p 17
else
	diag < "$TMP/sec"
	skip "secmark" "kernel has no LSM with contexts active"
fi

check "no error in relay" eq "$(relay_count errors)" 0
check "nothing was refused" eq "$(gwctl -n "$B" stats |
	grep -E '^(refused|replicas_lost|.*_missing|expect_refused)' | grep -v ' 0$')" ""

# What was expected comes after the takeover.
spawn back "$C" peer serve 8500
check "ct expectation: listener" wait_for 5 said back ready
relay_cmd kill > /dev/null
check "takeover" relay_cmd takeover
path B
in_ns "$B" nft insert rule inet gw forward ct state new drop
spawn_fed backc "$S" peer echo 10.1.0.2 8500 1
check "ct expectation: what was expected comes through the new owner" wait_for 5 said backc ready
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Helpers: what was agreed on through gateway A comes to pass through gateway B.
#
# The control messages of each protocol, by sockets, pass A, whose helper translates
# them and expects a connection; B takes over; then that connection is made.  The
# firewall lets nothing in that is not expected.  All is played twice: first nothing
# of what A says reaches B, and none of it may come up.
. "$(dirname "$0")/lib.sh"

PROTOCOLS="ftp tftp sip_udp sip_tcp h323 ras irc amanda sctp timeout"
CLIENT=10.1.0.2 SERVER=10.2.0.2 CLIENT2=10.1.0.5 SERVER2=10.2.0.5 OUTSIDE=10.2.0.1

rules() {
	# A slow machine needs longer than the half minute of a request without an answer.
	sysctl_ns "$1" net.netfilter.nf_conntrack_tcp_loose=0 \
		net.netfilter.nf_conntrack_udp_timeout=300
	in_ns "$1" nft -f - <<- END
	table inet gw {
		ct helper ftp { type "ftp" protocol tcp; }
		ct helper tftp { type "tftp" protocol udp; }
		ct helper sip { type "sip" protocol udp; }
		ct helper siptcp { type "sip" protocol tcp; }
		ct helper irc { type "irc" protocol tcp; }
		ct helper amanda { type "amanda" protocol udp; }
		ct helper h323 { type "Q.931" protocol tcp; }
		ct helper ras { type "RAS" protocol udp; }
		ct timeout long { protocol udp; policy = { unreplied : 3600, replied : 3600 }; }
		set refused { type inet_proto . inet_service; flags dynamic; }
		chain helpers {
			type filter hook prerouting priority 10;
			tcp dport 2101-2105 ct helper set "ftp"
			udp dport 69 ct helper set "tftp"
			udp dport 5060 ct helper set "sip"
			tcp dport 5060 ct helper set "siptcp"
			tcp dport 6667 ct helper set "irc"
			udp dport 10080 ct helper set "amanda"
			tcp dport 1720-1721 ct helper set "h323"
			udp dport 1719 ct helper set "ras"
			udp dport 9000 ct timeout set "long"
		}
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state established,related accept
			iifname n1 ct state new tcp dport { 1720-1721, 2101-2105, 5060, 6667 } accept
			iifname n1 ct state new udp dport { 69, 1719, 5060, 9000, 10080 } accept
			iifname n1 ct state new sctp dport 6000 accept
			meta l4proto { tcp, udp, sctp } update @refused { meta l4proto . th dport }
		}
		# What is not translated is for the gateway itself, which must not answer.
		chain input {
			type filter hook input priority 0; policy accept;
			meta l4proto { tcp, udp, sctp } update @refused { meta l4proto . th dport } drop
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname n2 ip saddr 10.1.0.0/24 snat ip to $OUTSIDE
			oifname n2 ip6 saddr fd01::/64 snat ip6 to fd02::1
		}
		chain prerouting {
			type nat hook prerouting priority dstnat;
			iifname n1 ip daddr 10.1.0.1 tcp dport 2102 dnat ip to $SERVER
			iifname n1 ip daddr 10.1.0.1 udp dport 10080 dnat ip to $SERVER
		}
	}
	END
}

# listen NAME NETNS PORT: TCP, of both families; what comes is in $TMP/NAME
listen() {
	spawn_fed "$1" "$2" socat - "TCP6-LISTEN:$3,ipv6-v6only=0,reuseaddr"
	wait_for 5 listens "$2" "$3" || bail "$1 does not listen"
}
# say NAME TEXT: with escapes, in one segment or datagram; bash itself writes line by line
say() {
	printf '%b' "$2" > "$TMP/say"
	cat "$TMP/say" > "$TMP/$1.in"
}
# udp NAME NETNS ADDR PORT TO TOPORT
udp() {
	spawn_fed "$1" "$2" socat - "UDP4-DATAGRAM:$5:$6,bind=$3:$4"
	wait_for 5 bound "$2" "$4" || bail "$1 is not bound"
}
# connect NAME NETNS ADDR PORT: says "data" and stays
connect() {
	# shellcheck disable=SC2016
	spawn "$1" "$2" bash -c 'exec 3<> "/dev/tcp/$1/$2" && echo data >&3 && cat <&3' - "$3" "$4"
}

# heard WHAT NAME PATTERN: control messages pass in both rounds
heard() { check "$ROUND: $1" wait_for 5 said "$2" "$3"; }

# comes WHAT PROTO PORT COMMAND...: what is expected; without the replica it is refused
refused() { in_ns "$B" nft list set inet gw refused | grep -q "$1 \. $2\b"; }
comes() {
	local what="$ROUND: $1" proto=$2 port=$3

	shift 3
	if [ "$ROUND" = carried ]; then
		check "$what" wait_for 5 "$@"
		return
	fi
	check "$what: refused" wait_for 5 refused "$proto" "$port" &&
		check "$what: not there" fails "$@"
}

# two numbers of FTP are a port
ftp_port() { sed -n "s/.*$2\([0-9]*\),\([0-9]*\).*/\1 \2/p" "$TMP/$1" | awk '{ print $1 * 256 + $2; exit }'; }
ftp_open() {
	listen "ftps$1" "$S" "$1"
	spawn_fed "ftpc$1" "$C" socat - "TCP:$2:$1"
	say "ftps$1" '220 here\r\n'
	heard "ftp $1: greeted" "ftpc$1" 220
	say "ftpc$1" 'USER u\r\n'
	heard "ftp $1: user" "ftps$1" USER
	say "ftps$1" '230 in\r\n'
	heard "ftp $1: in" "ftpc$1" 230
}
ftp_control() {
	ftp_open 2101 $SERVER
	listen ftp1 "$C" 8001
	say ftpc2101 'PORT 10,1,0,2,31,65\r\n'
	heard "ftp active" ftps2101 "PORT 10,2,0,1"
	ftp_open 2102 10.1.0.1
	listen ftp2 "$S" 8002
	say ftps2102 '227 passive (10,2,0,2,31,66)\r\n'
	heard "ftp passive" ftpc2102 "(10,1,0,1"
	ftp_open 2103 $SERVER
	listen ftp3 "$S" 8003
	say ftps2103 '229 passive (|||8003|)\r\n'
	heard "ftp epsv" ftpc2103 "|||8003|"
	ftp_open 2104 '[fd02::2]'
	listen ftp4 "$C" 8004
	say ftpc2104 'EPRT |2|fd01::2|8004|\r\n'
	heard "ftp eprt over ipv6" ftps2104 "EPRT |2|fd02:.*:0001|"
	ftp_open 2105 '[fd02::2]'
	listen ftp5 "$S" 8005
	say ftps2105 '229 passive (|||8005|)\r\n'
	heard "ftp epsv over ipv6" ftpc2105 "|||8005|"
}
ftp_data() {
	local port

	port=$(ftp_port ftps2101 "PORT 10,2,0,1,")
	connect ftpd1 "$S" $OUTSIDE "$port"
	comes "ftp active: data" tcp "$port" said ftp1 data
	port=$(ftp_port ftpc2102 "(10,1,0,1,")
	connect ftpd2 "$C" 10.1.0.1 "$port"
	comes "ftp passive: data" tcp "$port" said ftp2 data
	connect ftpd3 "$C" $SERVER 8003
	comes "ftp epsv: data" tcp 8003 said ftp3 data
	port=$(sed -n 's/.*EPRT |2|fd02:.*:0001|\([0-9]*\)|.*/\1/p' "$TMP/ftps2104")
	connect ftpd4 "$S" fd02::1 "$port"
	comes "ftp eprt over ipv6: data" tcp "$port" said ftp4 data
	connect ftpd5 "$C" fd02::2 8005
	comes "ftp epsv over ipv6: data" tcp 8005 said ftp5 data
	[ "$ROUND" = carried ] || return
	# The control connection goes on, and its helper on the new owner does.
	listen ftp6 "$C" 8006
	say ftpc2101 'PORT 10,1,0,2,31,70\r\n'
	check "ftp active: another, translated by the new owner" wait_for 5 said_times ftps2101 "PORT 10,2,0,1" 2
	connect ftpd6 "$S" $OUTSIDE 8006
	comes "ftp active: its data" tcp 8006 said ftp6 data
}

tftp_control() {
	udp tftps "$S" $SERVER 69 $OUTSIDE 6900
	udp tftpc "$C" $CLIENT 6900 $SERVER 69
	say tftpc '\000\0001file\000octet\000'
	heard "tftp: asked" tftps octet
}
tftp_data() {
	udp tftpd "$S" $SERVER 7100 $OUTSIDE 6900
	say tftpd '\0003\0000\0001data'
	comes "tftp: data" udp 6900 said tftpc data
}

# sip_msg LINE VIA-TRANSPORT VIA CSEQ CONTACT [ADDR PORT]: ADDR and PORT of the media
sip_msg() {
	local body=

	[ -z "$6" ] || body="v=0\r\no=u 1 1 IN IP4 $6\r\ns=-\r\nc=IN IP4 $6\r\nt=0 0\r\nm=audio $7 RTP/AVP 0\r\n"
	printf '%s' "$1\r\nVia: SIP/2.0/$2 $3;branch=z9hG4bK1\r\nFrom: <sip:u@example.org>;tag=1\r\n" \
		"To: <sip:v@example.org>\r\nCall-ID: $2$3\r\nCSeq: $4\r\n$5\r\n" \
		"${6:+Content-Type: application/sdp\r\n}" \
		"Content-Length: $(printf '%b' "$body" | wc -c)\r\n\r\n$body"
}
sip_sdp_port() { sed -n 's/.*m=audio \([0-9]*\) .*/\1/p' "$TMP/$1" | tail -n 1; }

# A phone registers, then calls; the call's media begins before the takeover, its
# control channel after it.
sip_udp_control() {
	udp phone "$C" $CLIENT 5060 $SERVER 5060
	udp registrar "$S" $SERVER 5060 $OUTSIDE 5060
	udp rtpc "$C" $CLIENT 4000 $SERVER 5000
	udp rtcpc "$C" $CLIENT 4001 $SERVER 5001
	udp rtcps "$S" $SERVER 5001 $OUTSIDE 4001
	udp ringing "$C" $CLIENT 5062 $SERVER 5070
	say phone "$(sip_msg "REGISTER sip:$SERVER SIP/2.0" UDP $CLIENT:5060 "1 REGISTER" \
		"Contact: <sip:u@$CLIENT:5062>\r\nExpires: 600")"
	heard "sip over udp: registration" registrar "Contact: <sip:u@$OUTSIDE:5062>"
	say registrar "$(sip_msg "SIP/2.0 200 OK" UDP $OUTSIDE:5060 "1 REGISTER" \
		"Contact: <sip:u@$OUTSIDE:5062>;expires=600")"
	heard "sip over udp: registered" phone "200 OK"
	say phone "$(sip_msg "INVITE sip:v@$SERVER SIP/2.0" UDP $CLIENT:5060 "2 INVITE" \
		"Contact: <sip:u@$CLIENT:5060>" $CLIENT 4000)"
	heard "sip over udp: call" registrar "c=IN IP4 $OUTSIDE"
	udp rtps "$S" $SERVER 5000 $OUTSIDE "$(sip_sdp_port registrar)"
	say registrar "$(sip_msg "SIP/2.0 200 OK" UDP $OUTSIDE:5060 "2 INVITE" \
		"Contact: <sip:v@$SERVER:5060>" $SERVER 5000)"
	heard "sip over udp: answered" phone "m=audio 5000"
	say rtpc 'voice 1\n'
	heard "sip over udp: media" rtps "voice 1"
	say rtps 'voice 2\n'
	heard "sip over udp: media back" rtpc "voice 2"
}
sip_udp_data() {
	say rtps 'voice 3\n'
	comes "sip over udp: media of the call" udp "$(sip_sdp_port registrar)" said rtpc "voice 3"
	say rtpc 'voice 4\n'
	comes "sip over udp: media from inside" udp 5000 said rtps "voice 4"
	say rtcpc 'control 1\n'
	comes "sip over udp: its control channel" udp 5001 said rtcps "control 1"
	[ "$ROUND" = lost ] || {
		say rtcps 'control 2\n'
		comes "sip over udp: and back" udp 4001 said rtcpc "control 2"
	}
	# A call that arrives later, from another port of the registrar.
	udp caller "$S" $SERVER 5070 $OUTSIDE 5062
	say caller "$(sip_msg "INVITE sip:u@$OUTSIDE:5062 SIP/2.0" UDP $SERVER:5070 "1 INVITE" \
		"Contact: <sip:w@$SERVER:5070>" $SERVER 5004)"
	comes "sip over udp: a call arrives" udp 5062 said ringing "INVITE sip:u@$CLIENT:5062"
	[ "$ROUND" = carried ] || return
	udp rtpc2 "$C" $CLIENT 4004 $SERVER 5004
	say ringing "$(sip_msg "SIP/2.0 200 OK" UDP $SERVER:5070 "1 INVITE" \
		"Contact: <sip:u@$CLIENT:5062>" $CLIENT 4004)"
	check "sip over udp: it is answered" wait_for 5 said caller "c=IN IP4 $OUTSIDE"
	udp rtps2 "$S" $SERVER 5004 $OUTSIDE "$(sip_sdp_port caller)"
	say rtps2 'voice 5\n'
	check "sip over udp: its media" wait_for 5 said rtpc2 "voice 5"
}

# The call's media begins after the takeover, from outside.
SIP_PORT=5070
sip_tcp_control() {
	SIP_PORT=$((SIP_PORT + 1))
	listen registrart "$S" 5060
	listen ringingt "$C" 5064
	udp rtpct "$C" $CLIENT 4010 $SERVER 5010
	spawn_fed phonet "$C" socat - "TCP:$SERVER:5060,bind=$CLIENT:$SIP_PORT"
	say phonet "$(sip_msg "REGISTER sip:$SERVER SIP/2.0" TCP $CLIENT:$SIP_PORT "1 REGISTER" \
		"Contact: <sip:u@$CLIENT:5064;transport=tcp>\r\nExpires: 600")"
	heard "sip over tcp: registration" registrart "Contact: <sip:u@$OUTSIDE:5064"
	say registrart "$(sip_msg "SIP/2.0 200 OK" TCP $OUTSIDE:$SIP_PORT "1 REGISTER" \
		"Contact: <sip:u@$OUTSIDE:5064;transport=tcp>;expires=600")"
	heard "sip over tcp: registered" phonet "200 OK"
	say phonet "$(sip_msg "INVITE sip:v@$SERVER SIP/2.0" TCP $CLIENT:$SIP_PORT "2 INVITE" \
		"Contact: <sip:u@$CLIENT:$SIP_PORT>" $CLIENT 4010)"
	heard "sip over tcp: call" registrart "c=IN IP4 $OUTSIDE"
	udp rtpst "$S" $SERVER 5010 $OUTSIDE "$(sip_sdp_port registrart)"
	say registrart "$(sip_msg "SIP/2.0 200 OK" TCP $OUTSIDE:$SIP_PORT "2 INVITE" \
		"Contact: <sip:v@$SERVER:5060>" $SERVER 5010)"
	heard "sip over tcp: answered" phonet "m=audio 5010"
}
sip_tcp_data() {
	say rtpst 'voice 1\n'
	comes "sip over tcp: media of the call" udp "$(sip_sdp_port registrart)" said rtpct "voice 1"
	say rtpct 'voice 2\n'
	comes "sip over tcp: media from inside" udp 5010 said rtpst "voice 2"
	connect callert "$S" $OUTSIDE 5064
	comes "sip over tcp: a call arrives" tcp 5064 said ringingt data
}

# h323_msg PORT: a call proceeding that says where H.245 is spoken (ITU-T H.225.0)
word() { printf '\\x%02x\\x%02x' $(($1 >> 8)) $(($1 & 255)); }
hex_said() { od -An -v -tx1 "$TMP/$1" | tr -d ' \n' | grep -q "$2"; }
hex_of() { printf '0a0%d000%d%04x' "$@"; }
h323_msg() {
	printf '%s' '\x03\x00\x00\x1e\x08\x02\x00\x01\x02\x7e\x00\x12\x05' \
		'\x01\x40\x06\x00\x08\x91\x4a\x00\x02\x00\x00\x0a\x01\x00\x02' "$(word "$1")"
}
# h245_msg PORT: a logical channel for sound is opened (ITU-T H.245)
h245_msg() {
	printf '%s' '\x03\x00\x00\x17\x03\x00\x00\x00\x0c\x60\x01\x80\x0a\x10\x00\x01\x00' \
		'\x0a\x01\x00\x02' "$(word "$1")"
}
# Of one call H.245 begins after the takeover, of the other what it has opened.  Its port
# is another one in each round: what the hosts repeat of the round before, to the port that
# is expected, would use the expectation up.
H245=6980
h323_control() {
	local port

	H245=$((H245 + 10))
	for port in 1720 1721; do
		listen q931s$port "$S" $port
		listen h245c$port "$C" $((port + H245))
		udp h323c$port "$C" $CLIENT $((port * 2 + 10000)) $SERVER $((port * 2 + 20000))
		udp h323s$port "$S" $SERVER $((port * 2 + 20000)) $OUTSIDE $((port * 2 + 10000))
		spawn_fed q931c$port "$C" socat - TCP:$SERVER:$port
		say q931c$port "$(h323_msg $((port + H245)))"
		check "$ROUND: h.323: call $port" wait_for 5 hex_said q931s$port "$(hex_of 2 1 $((port + H245)))"
	done
	spawn_fed h245s1721 "$S" socat - TCP:$OUTSIDE:$((1721 + H245))
	say h245s1721 'data\n'
	heard "h.323: h.245 of call 1721" h245c1721 data
	say h245c1721 "$(h245_msg 13442)"
	check "$ROUND: h.323: channel of call 1721" wait_for 5 hex_said h245s1721 "$(hex_of 2 1 13442)"
}
h323_data() {
	say h323s1721 'voice 1\n'
	comes "h.323: media of call 1721" udp 13442 said h323c1721 "voice 1"
	spawn_fed h245s1720 "$S" socat - TCP:$OUTSIDE:$((1720 + H245))
	say h245s1720 'data\n'
	comes "h.323: h.245 of call 1720" tcp $((1720 + H245)) said h245c1720 data
	[ "$ROUND" = carried ] || return
	say h245c1720 "$(h245_msg 13440)"
	check "h.323: channel of call 1720" wait_for 5 hex_said h245s1720 "$(hex_of 2 1 13440)"
	say h323s1720 'voice 1\n'
	check "h.323: media of call 1720" wait_for 5 said h323c1720 "voice 1"
}

# A gatekeeper that is asked names another one (ITU-T H.225.0, GatekeeperConfirm).
ras_control() {
	udp rasc "$C" $CLIENT 7719 $SERVER 1719
	udp rass "$S" $SERVER 1719 $OUTSIDE 7719
	say rasc '\xff who\n'
	heard "h.323 ras: asked" rass who
	say rass "\x04\x00\x00\x01\x06\x00\x08\x91\x4a\x00\x04\x00\x0a\x02\x00\x05$(word 7800)"
	check "$ROUND: h.323 ras: another one is named" wait_for 5 hex_said rasc 0a0200051e78
}
ras_data() {
	udp ras2s "$S" $SERVER2 7800 $OUTSIDE 7720
	udp ras2c "$C" $CLIENT 7720 $SERVER2 7800
	say ras2c 'register\n'
	comes "h.323 ras: registration with it" udp 7800 said ras2s register
}

irc_control() {
	listen ircs "$S" 6667
	listen dcc "$C" 8600
	spawn_fed ircc "$C" socat - TCP:$SERVER:6667
	say ircc 'PRIVMSG v :\0001DCC SEND file 167837698 8600 4\0001\r\n'
	heard "irc: an offer" ircs "DCC SEND file 167903233"
}
irc_data() {
	local port

	port=$(sed -n 's/.*DCC SEND file 167903233 \([0-9]*\) .*/\1/p' "$TMP/ircs")
	connect dccd "$S" $OUTSIDE "$port"
	comes "irc: dcc" tcp "$port" said dcc data
}

amanda_control() {
	udp amandas "$S" $SERVER 10080 $OUTSIDE 850
	udp amandac "$C" $CLIENT 850 10.1.0.1 10080
	listen dump "$S" 7101
	say amandac 'Amanda 2.4 REQ HANDLE 0 SEQ 1\nSERVICE sendbackup\n'
	heard "amanda: asked" amandas sendbackup
	say amandas 'Amanda 2.4 REP HANDLE 0 SEQ 1\nCONNECT DATA 7101 MESG 7102 INDEX 7103\n'
	heard "amanda: ports" amandac "CONNECT DATA"
}
amanda_data() {
	local port

	port=$(sed -n 's/.*CONNECT DATA \([0-9]*\) .*/\1/p' "$TMP/amandac")
	connect dumper "$C" 10.1.0.1 "$port"
	comes "amanda: data" tcp "$port" said dump data
}

# Two paths of an association: the second has seen nothing but heartbeats.
from_c() { in_ns "$C" forge "$@"; }
from_s() { in_ns "$S" forge "$@"; }
sctp_paths() { [ "$(in_ns "$A" conntrack -L -p sctp 2> /dev/null | grep -c ESTABLISHED)" -eq 2 ]; }
# sctp_seen NETNS SOURCE VTAG
sctp_seen() { in_ns "$1" nft list set inet see heard | grep -q "$2 \. $(($3))\b"; }
# sctp_tags NETNS: of its flows; sctp_told: the backup knows those of now
sctp_tags() { gwctl -n "$1" dump | sed -n 's/.* sctp=[0-9]*,[0-9]*,[0-9]*,\([0-9,]*\).*/\1/p' | sort; }
sctp_told() {
	local tags

	tags=$(sctp_tags "$A")
	[ -n "$tags" ] && eq "$(sctp_tags "$B")" "$tags"
}
sctp_control() {
	from_c sctp $CLIENT 5000 $SERVER 6000 1 0 0x7777
	from_s sctp $SERVER 6000 $OUTSIDE 5000 2 0x7777 0x8888
	from_c sctp $CLIENT 5000 $SERVER 6000 10 0x8888
	from_s sctp $SERVER 6000 $OUTSIDE 5000 11 0x7777
	[ "$ROUND" != carried ] || check "$ROUND: sctp: it is told" wait_for 5 sctp_told
	# An end begins anew, with the same ports: other tags in the same state.
	from_c sctp $CLIENT 5000 $SERVER 6000 1 0 0x1111
	from_s sctp $SERVER 6000 $OUTSIDE 5000 2 0x1111 0x2222
	from_c sctp $CLIENT 5000 $SERVER 6000 10 0x2222
	from_s sctp $SERVER 6000 $OUTSIDE 5000 11 0x1111
	from_c sctp $CLIENT2 5000 $SERVER2 6000 4 0x2222
	from_s sctp $SERVER2 6000 $OUTSIDE 5000 5 0x1111
	check "$ROUND: sctp: both paths" wait_for 5 sctp_paths
	[ "$ROUND" != carried ] || check "$ROUND: sctp: a restart is told" wait_for 5 sctp_told
}
sctp_data() {
	for p in "$C" "$S"; do
		in_ns "$p" nft flush set inet see heard
	done
	from_s sctp $SERVER2 6000 $OUTSIDE 5000 4 0x1111
	comes "sctp: heartbeat on the second path" sctp 5000 sctp_seen "$C" $SERVER2 0x1111
	[ "$ROUND" = carried ] || in_ns "$B" nft flush set inet gw refused
	from_s sctp $SERVER 6000 $OUTSIDE 5000 0 0x1111
	comes "sctp: data on the first path" sctp 5000 sctp_seen "$C" $SERVER 0x1111
	[ "$ROUND" = carried ] || return
	from_c sctp $CLIENT2 5000 $SERVER2 6000 5 0x2222
	from_c sctp $CLIENT 5000 $SERVER 6000 3 0x2222
	comes "sctp: and back" sctp 6000 sctp_seen "$S" $OUTSIDE 0x2222
	from_s sctp $SERVER 6000 $OUTSIDE 5000 0 0xbad
	check "sctp: another tag is not of it" wait_for 5 refused sctp 5000
	# An end begins anew, with the same ports, on the new owner.
	from_c sctp $CLIENT 5000 $SERVER 6000 1 0 0x3333
	from_s sctp $SERVER 6000 $OUTSIDE 5000 2 0x3333 0x4444
	from_c sctp $CLIENT 5000 $SERVER 6000 10 0x4444
	from_s sctp $SERVER 6000 $OUTSIDE 5000 11 0x3333
	check "sctp: a restart" wait_for 5 sctp_seen "$C" $SERVER 0x3333
	from_c sctp $CLIENT 5000 $SERVER 6000 0 0x4444
	check "sctp: its data" wait_for 5 sctp_seen "$S" $OUTSIDE 0x4444
}

# A policy of nft goes with the flow's owner: what is left of it is carried.
timeout_control() {
	udp clock "$C" $CLIENT 9000 $SERVER 9000
	udp clocks "$S" $SERVER 9000 $OUTSIDE 9000
	say clock 'tick\n'
	heard "ct timeout: a packet" clocks tick
	say clocks 'tock\n'
	heard "ct timeout: an answer" clock tock
}
timeout_left() {
	in_ns "$1" conntrack -L -p udp --orig-port-dst 9000 2> /dev/null | awk '{ n = $3 } END { print n + 0 }'
}
new_has_policy() {
	in_ns "$B" conntrack -L -p udp --orig-port-src 9001 2> /dev/null | awk '$3 > 3000 { found = 1 } END { exit !found }'
}
timeout_data() {
	[ "$ROUND" = carried ] || return
	check "ct timeout: most of its time is left" ge "$(timeout_left "$B")" 3000
	say clocks 'tock again\n'
	check "ct timeout: the flow goes on" wait_for 5 said clock "tock again"
	# B's rules have the same policy, and give it to new flows alone.
	check "ct timeout: from then on with the timeouts of its netns" ge 300 "$(timeout_left "$B")"
	udp anew "$C" $CLIENT 9001 $SERVER 9000
	say anew 'tick\n'
	check "ct timeout: a new flow has the policy" wait_for 5 new_has_policy
}

# round carried|lost EPOCH
round() {
	local p

	ROUND=$1
	path A
	check "$ROUND: relay attaches to both" relay_start "$2" || finish
	[ "$ROUND" = carried ] || relay_cmd drop on
	for p in $PROTOCOLS; do
		"${p}_control"
	done
	if [ "$ROUND" = carried ]; then
		check "$ROUND: in sync" relay_cmd sync
		check "$ROUND: nothing was refused" eq "$(gwctl -n "$B" stats |
			grep -E '^(refused|replicas_lost|.*_missing|expect_refused)' | grep -v ' 0$')" ""
		# Other objects of the same helpers.
		in_ns "$B" nft delete table inet gw
		rules "$B"
	fi
	relay_cmd kill > /dev/null
	check "$ROUND: takeover" relay_cmd takeover
	in_ns "$A" nft 'add table inet dead;
		add chain inet dead c { type filter hook prerouting priority -500; policy drop; }'
	path B
	for p in $PROTOCOLS; do
		"${p}_data"
	done
	relay_stop
	kill "${PIDS[@]}" 2> /dev/null
	wait "${PIDS[@]}" 2> /dev/null
	PIDS=()
	in_ns "$A" nft delete table inet dead
	for p in "$A" "$B"; do
		in_ns "$p" conntrack -F
		in_ns "$p" conntrack -F expect
		in_ns "$p" nft flush set inet gw refused
	done > /dev/null 2>&1
}

setup_net
ip -n "$C" addr add $CLIENT2/32 dev lo
ip -n "$S" addr add $SERVER2/32 dev lo
for ns in "$C" "$S"; do
	in_ns "$ns" nft -f - <<- END
	table inet see {
		set heard { typeof ip saddr . sctp vtag; flags dynamic; }
		chain incoming {
			type filter hook prerouting priority 0;
			meta l4proto sctp update @heard { ip saddr . sctp vtag }
		}
		# By packets of forge, of which the hosts know nothing.
		chain outgoing { type filter hook output priority 0; icmp type destination-unreachable drop; }
	}
	END
done
modprobe -a nf_nat_ftp nf_nat_tftp nf_nat_sip nf_nat_irc nf_nat_amanda nf_nat_h323 ts_kmp || bail "no helpers"
rules "$A"
rules "$B"
round lost 1
round carried 10

# Helpers that come and go on the backup (they are the kernel's: the owner's go as well).
has_helper() { in_ns "$B" conntrack -L -p tcp --orig-port-dst 2101 2> /dev/null | grep -q "helper=ftp"; }
ROUND=unloaded
path A
check "relay attaches again" relay_start 20 || finish
ftp_open 2101 $SERVER
listen ftp1 "$C" 8001
say ftpc2101 'PORT 10,1,0,2,31,65\r\n'
heard "ftp active" ftps2101 "PORT 10,2,0,1"
check "unloaded: the replica has its helper" wait_for 5 has_helper
gwctl -n "$A" dump file "$TMP/records"
relay_cmd drop on > /dev/null
for ns in "$A" "$B"; do
	in_ns "$ns" nft delete table inet gw
done
unload() { rmmod nf_nat_ftp; rmmod nf_conntrack_ftp; }	# objects of nft go a little later
check "a helper is unloaded under its replicas" wait_for 5 unload
check "unloaded: the replica has none" fails has_helper
check "unloaded: its record is taken without" gwctl -n "$B" apply 1 21 "$TMP/records"
check "unloaded: that is counted" stat_least "$B" helper_missing 1
was=$(stat "$B" spoiled)
modprobe nf_nat_ftp
# The walk that looks comes every ten seconds.
check "loaded: the replica that lacks it is to be repaired" wait_for 25 stat_least "$B" spoiled $((was + 1))
check "loaded: its record is taken" gwctl -n "$B" apply 1 21 "$TMP/records"
check "loaded: the replica has its helper" has_helper
check "loaded: and what it expects" shows "dport=8001" in_ns "$B" conntrack -L expect
finish

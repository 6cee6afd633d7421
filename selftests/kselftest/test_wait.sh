#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A TCP connection costs the link the same however fast it is: what a takeover needs
# goes out at once, a handshake and an end wait for what comes next, but not for long.
. "$(dirname "$0")/lib.sh"

setup_net
# A queue that some connections fill: 128 on a CPU.
echo 64 > /sys/module/gwsync/parameters/ring_size
check "relay attaches to both" relay_start || finish
strict "$A"
strict "$B"
# The ends are forged, so their own stacks must not answer.
for ns in "$C" "$S"; do
	in_ns "$ns" nft -f - <<- END
	table ip quiet {
		chain input {
			type filter hook input priority 0; policy accept;
			meta l4proto tcp drop
		}
	}
	END
done
# What is counted is of these flows alone, and what many gateways send of them.
gwctl -n "$A" set audit_ms 0 flush_ms 20
sysctl_ns "$A" net.netfilter.nf_conntrack_acct=0 net.netfilter.nf_conntrack_timestamp=0

N=20
PORT=1000
SYN=(c:S:0:0)
HANDSHAKE=("${SYN[@]}" s:SA:0:1)
OPEN=("${HANDSHAKE[@]}" c:A:1:1)
HALF=(c:FA:1:1 s:A:1:2)
CLOSE=("${HALF[@]}" s:FA:1:2 c:A:2:2)

# talk MS SEGMENT...: N connections from PORT on; in time for nothing of them to be due,
# which a slow machine may not make
talk() {
	local ms=$1 took

	shift
	took=$(forge talk "$C" 10.1.0.2 $PORT "$S" 10.2.0.2 7000 10.2.0.1 "$ms" $N "$@") || return 1
	[ "$took" -lt 180 ] || { echo "it took $took ms"; return 1; }
}
# tcp_is NETNS STATE COUNT: so many flows are in this state (a number), and in no other
tcp_is() {
	gwctl -n "$1" dump > "$TMP/dump" || return 1
	eq "$(grep -c "proto=6 .* tcp=" "$TMP/dump") $(grep -c "proto=6 .* tcp=$2," "$TMP/dump")" \
		"$3 $3" || { head -n 3 "$TMP/dump"; return 1; }
}
# begin: no flow, nothing that waits; counts from here on
begin() {
	in_ns "$A" conntrack -F > /dev/null 2>&1
	wait_for 3 tcp_is "$B" 3 0 && relay_cmd drain 300 > /dev/null
	RECORDS=$(stat "$A" records_sent) BYTES=$(stat "$A" bytes_sent)
	PORT=$((PORT + N))
}
records() { echo $(($(stat "$A" records_sent) - RECORDS)); }
bytes() { echo $(($(stat "$A" bytes_sent) - BYTES)); }
anew() { begin && talk "$@"; }

# lived MS: connections from SYN to FIN, once
lived() {
	anew "$1" "${OPEN[@]}" || return 1
	wait_for 3 tcp_is "$B" 3 $N || return 1
	relay_cmd drain 300 > /dev/null
	OPENED=$(records)
	talk "$1" "${CLOSE[@]}" || return 1
	wait_for 3 tcp_is "$B" 7 $N || return 1
	relay_cmd drain 300 > /dev/null
	CLOSED=$(records)
	in_ns "$A" conntrack -F > /dev/null 2>&1
	wait_for 3 tcp_is "$B" 7 0 || return 1
	relay_cmd drain 300 > /dev/null
	LIVED=$(records) COST=$(bytes)
}
for ms in 0 15 40; do
	check "$ms ms between segments: connections" wait_for 15 lived $ms
	echo "# $LIVED records, $COST bytes of $N connections"
	check "$ms ms: established is told once" eq "$OPENED" $N
	check "$ms ms: closed is told once" eq "$CLOSED" $((2 * N))
	check "$ms ms: gone is told once" eq "$LIVED" $((3 * N))
	check "$ms ms: at most 135 bytes" ge $((135 * N)) "$COST"
done

# With what is over left out, a connection costs two records, and the second is short.
check "over is left out: filter" gwctl -n "$A" filter tcp 7
for ms in 0 15 40; do
	check "over is left out, $ms ms: connections" wait_for 15 anew $ms "${OPEN[@]}"
	check "over is left out, $ms ms: established" wait_for 3 tcp_is "$B" 3 $N
	check "over is left out, $ms ms: their end" talk $ms "${CLOSE[@]}"
	check "over is left out, $ms ms: they are gone" wait_for 3 tcp_is "$B" 3 0
	relay_cmd drain 300 > /dev/null
	check "over is left out, $ms ms: the owner has them" tcp_is "$A" 7 $N
	check "over is left out, $ms ms: told twice" eq "$(records)" $((2 * N))
	check "over is left out, $ms ms: at most 90 bytes" ge $((90 * N)) "$(bytes)"
	echo "# $(bytes) bytes of $N connections"
done
check "over is left out: no filter" gwctl -n "$A" filter
# What does not go on is told all the same.
check "half open: connections" wait_for 15 anew 0 "${SYN[@]}"
check "half open: on the backup, after a time" wait_for 3 tcp_is "$B" 1 $N
check "half open: once" eq "$(records)" $N
check "half closed: connections" wait_for 15 anew 0 "${OPEN[@]}" "${HALF[@]}"
check "half closed: on the backup, after a time" wait_for 3 tcp_is "$B" 5 $N

check "over at once: connections" wait_for 15 anew 15 "${HANDSHAKE[@]}" "flush:$A"
relay_cmd drain 300 > /dev/null
check "over at once: they cost nothing" eq "$(records)" 0

# Where the queue is full they go the ordinary way, and none is lost.
N=300
check "many: connections" begin
forge talk "$C" 10.1.0.2 2000 "$S" 10.2.0.2 7000 10.2.0.1 0 $N "${SYN[@]}" > /dev/null
check "many: all are on the backup" wait_for 5 tcp_is "$B" 1 $N
check "many: once" eq "$(records)" $N || in_ns "$A" conntrack -L 2>&1 | grep -v "dport=7000 .*UNREPLIED"
N=20 PORT=3000

# What waits goes to the heir.
for round in 1 2; do
	check "switchover $round: connections" wait_for 15 anew 0 "${SYN[@]}"
	check "switchover $round: to B" relay_cmd switchover
	check "switchover $round: the heir has what waited" tcp_is "$B" 1 $N
	check "switchover $round: and back" relay_cmd switchover
	relay_cmd settle > /dev/null
done

# The windows of what is over are not told, where it ended is.
check "over, switchover: connections" wait_for 15 anew 0 "${OPEN[@]}"
check "over, switchover: established" wait_for 3 tcp_is "$B" 3 $N
check "over, switchover: their end" talk 0 "${CLOSE[@]}"
check "over, switchover: on the backup" wait_for 3 tcp_is "$B" 7 $N
check "over, switchover: the same there" wait_for 3 records_equal
check "over, switchover: to B" relay_cmd switchover
path B
# refuses N SEGMENT: the new owner's firewall drops so many segments more
refuses() {
	local was

	was=$(dropped "$B")
	talk 0 "$2" > /dev/null || return 1
	wait_for 2 drops $((was + $1)) || return 1
	tcp_is "$B" 7 $N
}
drops() { eq "$(dropped "$B")" "$1"; }
# lets_through SEGMENT: the server gets it
lets_through() {
	local was

	was=$(got)
	talk 0 "$1" > /dev/null || return 1
	wait_for 2 has_got $((was + N))
}
got() { in_ns "$S" nft list counters table ip quiet | awk '/packets/ { print $2 }'; }
has_got() { ge "$(got)" "$1"; }
in_ns "$S" nft -f - <<- END
	table ip quiet {
		counter got { }
		chain count {
			type filter hook input priority -10; policy accept;
			tcp dport 7000 counter name got
		}
	}
END
check "over, switchover: the last ACK again" lets_through c:A:2:2
check "over, switchover: the first FIN again" lets_through c:FA:1:1
check "over, switchover: no segment beyond the end" refuses $N c:A:900000:2
check "over, switchover: a new connection" talk 0 "${SYN[@]}"
check "over, switchover: in the place of the old one" wait_for 2 tcp_is "$B" 1 $N
finish

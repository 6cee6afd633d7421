# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a function leaves for its caller is used in the tests.
# shellcheck disable=SC2034
# What the module's tests share: TAP, waiting, namespaces, relay.
#
# setup_net builds, in random names:
#
#	client 10.1.0.2 --- gwA 10.1.0.1 | 10.2.0.1 --- server 10.2.0.2
#	                \-- gwB, the same addresses  --/
#
# (IPv6: fd01::, fd02::).  Client and server have a leg to each gateway and
# use one of them: "path A" or "path B" moves all traffic in one command each.

KSFT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$KSFT_DIR:$KSFT_DIR/../../build/kselftest:/usr/sbin:/sbin:$PATH
SCALE=${GWSYNC_TIME_SCALE:-4}
TAG=$(printf '%04x' $RANDOM)
A=gwA-$TAG B=gwB-$TAG C=cl-$TAG S=sv-$TAG
TMP=$(mktemp -d)
chmod 755 "$TMP"
CHECKS=0 FAILED=0
PIDS=()

# A process less for each look of wait_for: where all is emulated they are what takes time.
exec {NOTHING}<> <(:)
sleep() {
	read -rt "$1" -u "$NOTHING"
	[ $? -gt 128 ]	# the time is over
}

diag() { sed 's/^/# /'; }

ok() { CHECKS=$((CHECKS + 1)); echo "ok $CHECKS $1"; }
not_ok() {
	CHECKS=$((CHECKS + 1)) FAILED=$((FAILED + 1))
	echo "not ok $CHECKS $1"
	# Each of them waits in vain: more would only take time.
	[ "$FAILED" -lt "${FAIL_MAX:-12}" ] || bail "$FAILED checks failed"
}
skip() { CHECKS=$((CHECKS + 1)); echo "ok $CHECKS $1 # SKIP $2"; }

# check NAME COMMAND...: the command's output explains a failure
check() {
	local name=$1

	shift
	if "$@" > "$TMP/out" 2>&1; then
		ok "$name"
	else
		not_ok "$name"
		{ echo "failed: $*"; head -n 40 "$TMP/out"; } | diag
		return 1
	fi
}

finish() {
	echo "1..$CHECKS"
	[ "$CHECKS" -gt 0 ] && [ "$FAILED" -eq 0 ]
	exit
}

bail() {
	echo "Bail out! $*"
	exit 1
}

# over NAME: a stream of peer has ended, well or not
over() { said "$1" "done\|failed"; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1 * SCALE))

	shift
	until "$@" > "$TMP/wait" 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			cat "$TMP/wait"
			return 1
		fi
		sleep 0.1
	done
}

# fails COMMAND...: it must fail, with an exit status and not by a signal
fails() {
	"$@"
	local rc=$?

	[ $rc -ne 0 ] && [ $rc -lt 126 ]
}

# shows PATTERN COMMAND...: its output has such a line
shows() {
	local pattern=$1

	shift
	"$@" > "$TMP/shows" 2>&1
	grep -q -- "$pattern" "$TMP/shows" || { cat "$TMP/shows"; return 1; }
}

eq() { [ "$1" = "$2" ] || { echo "$1, expected $2"; return 1; }; }
ge() { [ "$1" -ge "$2" ] || { echo "$1, expected $2 or more"; return 1; }; }

in_ns() { local ns=$1; shift; ip netns exec "$ns" "$@"; }
sysctl_ns() { local ns=$1; shift; in_ns "$ns" sysctl -qw "$@"; }

# listens NETNS PORT, bound NETNS PORT: somebody does, by TCP or UDP
listens() { in_ns "$1" ss -ltn "sport = $2" | grep -q LISTEN; }
bound() { in_ns "$1" ss -lun "sport = $2" | grep -q "$2"; }

# spawn NAME NETNS COMMAND...: in the background, output to $TMP/NAME
spawn() {
	local name=$1 ns=$2

	shift 2
	# at once: what one of this name said before must not be counted
	: > "$TMP/$name"
	ip netns exec "$ns" "$@" >> "$TMP/$name" 2>&1 < /dev/null &
	PIDS+=($!)
	SPAWNED=$!
}

# spawn_fed NAME NETNS COMMAND...: the same; "feed NAME" sends it a line
spawn_fed() {
	local name=$1 ns=$2

	shift 2
	rm -f "$TMP/$name.in"
	mkfifo "$TMP/$name.in"
	: > "$TMP/$name"
	ip netns exec "$ns" "$@" >> "$TMP/$name" 2>&1 <> "$TMP/$name.in" &
	PIDS+=($!)
	SPAWNED=$!
}
feed() { echo "${2:-}" > "$TMP/$1.in"; }

# verify: B against A, by the command
verify() {
	# With its path: busybox' shell has an ip of its own.
	in_ns "$B" gwsync verify "$(command -v ip)" netns exec "$A" gwsync
}

# background COMMAND...: of the test itself; BACKGROUND is what end_of takes
background() {
	"$@" > /dev/null 2>&1 < /dev/null &
	BACKGROUND=$!
	PIDS+=("$BACKGROUND")
}
# end_of PID: of what runs in the background, and has no orderly end
end_of() {
	kill "$1" 2> /dev/null
	wait "$1" 2> /dev/null
}

# said NAME PATTERN: a line of a spawned command
said() { grep -q -- "$2" "$TMP/$1" || { cat "$TMP/$1"; return 1; }; }
# said_times NAME PATTERN N
said_times() { [ "$(grep -c -- "$2" "$TMP/$1")" -ge "$3" ] || { cat "$TMP/$1"; return 1; }; }

cleanup() {
	local p ns

	relay_stop
	for p in "${PIDS[@]}"; do
		kill "$p" 2> /dev/null
	done
	for p in "${PIDS[@]}"; do
		wait "$p" 2> /dev/null
	done
	for ns in $(ip netns list | awk '{ print $1 }' | grep -- "-$TAG"); do
		ip netns del "$ns"
	done
	rm -rf "$TMP"
}
trap cleanup EXIT

need_module() {
	modprobe nf_conntrack_netlink || bail "no nf_conntrack_netlink"
	if ! [ -d /sys/module/gwsync ]; then
		modprobe gwsync || bail "gwsync does not load"
	fi
}

# add_ns NAME...
add_ns() {
	local ns

	for ns in "$@"; do
		ip netns add "$ns" || bail "no netns"
		ip -n "$ns" link set lo up
	done
}

# gateways: two netns with conntrack alone, no links: for flows made by ctmake
gateways() {
	local ns

	need_module
	# Where the kernel's words are counted, or their end is waited for, it says no
	# more than asked; agents have a value of their own.
	echo 0 > /sys/module/gwsync/parameters/digest_ms
	sysctl -qw net.netfilter.nf_conntrack_max=100000
	add_ns "$A" "$B"
	for ns in "$A" "$B"; do
		sysctl_ns "$ns" net.netfilter.nf_conntrack_acct=1 \
			net.netfilter.nf_conntrack_timestamp=1
	done
}

# leg HOST GATEWAY NUMBER LETTER: a veth between them
leg() {
	local host=$1 gw=$2 n=$3 l=$4

	ip link add "h$l" netns "$host" type veth peer name "n$n" netns "$gw"
	ip -n "$host" link set "h$l" up
	ip -n "$gw" addr add "10.$n.0.1/24" dev "n$n"
	ip -n "$gw" addr add "fd0$n::1/64" dev "n$n" nodad
	ip -n "$gw" link set "n$n" up
	ip -n "$host" addr add "10.$n.0.$((l == 1 ? 3 : 4))/32" dev "h$l"
	# Neighbour discovery, unlike ARP, asks for an address of the device.
	ip -n "$host" addr add "fd0$n::2/128" dev "h$l" nodad
	ip -n "$gw" route replace "10.$n.0.2/32" dev "n$n"
	ip -n "$gw" route replace "fd0$n::2/128" dev "n$n"
}

setup_net() {
	local n

	gateways
	add_ns "$C" "$S"
	n=1
	for host in "$C" "$S"; do
		sysctl_ns "$host" net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
		leg "$host" "$A" $n 1
		leg "$host" "$B" $n 2
		ip -n "$host" addr add "10.$n.0.2/32" dev lo
		sysctl_ns "$host" net.ipv4.tcp_retries2=15
		n=2
	done
	for gw in "$A" "$B"; do
		sysctl_ns "$gw" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
	path A
}

# path A|B: client and server send through this gateway from now on
path() {
	local dev=h1

	[ "$1" = B ] && dev=h2
	path_of "$C" 1 $dev
	path_of "$S" 2 $dev
}
path_of() {
	ip -n "$1" route replace default via "10.$2.0.1" dev "$3" onlink src "10.$2.0.2"
	ip -n "$1" -6 route replace default via "fd0$2::1" dev "$3" onlink src "fd0$2::2"
}

# receives NETNS BYTES SECONDS: so many more arrive at its first leg, in this time
receives() {
	local most=$(($(received "$1") + $2))

	wait_for "$3" has_received "$1" "$most"
}
received() { in_ns "$1" cat /sys/class/net/h1/statistics/rx_bytes; }
has_received() { ge "$(received "$1")" "$2"; }

# strict NETNS: the firewall of the demo; $2: more lines for the table
strict() {
	sysctl_ns "$1" net.netfilter.nf_conntrack_tcp_loose=0 \
		net.netfilter.nf_conntrack_tcp_be_liberal=0
	in_ns "$1" nft -f - <<- END
	table inet gw {
		counter invalid { }
		counter refused { }
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state invalid counter name invalid drop
			ct state established,related accept
			meta l4proto tcp tcp flags & (fin|syn|rst|ack) != syn counter name refused drop
			ct state new accept
		}
		# What stays untranslated is for the gateway itself: never answer it
		# with a RST that would kill the connection.
		chain input {
			type filter hook input priority 0; policy accept;
			ct state invalid counter name invalid drop
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname n2 ip saddr 10.1.0.0/24 snat ip to 10.2.0.1
		}
		chain prerouting {
			type nat hook prerouting priority dstnat;
			iifname n1 ip daddr 10.1.0.1 tcp dport 8080 dnat ip to 10.2.0.2:7000
			iifname n1 ip6 daddr fd01::1 tcp dport 8080 dnat ip6 to [fd02::2]:7000
		}
		${2:-}
	}
	END
}

# dropped NETNS: packets that the firewall found invalid or out of state
dropped() {
	in_ns "$1" nft list counters table inet gw |
		awk '/packets/ { n += $2 } END { print n + 0 }'
}

# edges NETNS SPORT: EDGE_SPORT, EDGE0 and EDGE1 (highest sequence sent by each
# end) of a TCP flow over IPv4
edges() {
	local rec

	rec=$(gwctl -n "$1" dump | grep -m 1 "proto=6 10.1.0.2,$2>10.2.0.2,7000 .* tcp=3,") || return 1
	EDGE_SPORT=$(sed -E 's/.*10\.1\.0\.2,([0-9]*)>.*/\1/' <<< "$rec")
	EDGE0=$(sed -E 's/.*tcp=3,\[([0-9]*),.*/\1/' <<< "$rec")
	EDGE1=$(sed -E 's/.*tcp=3,\[[^]]*\],\[([0-9]*),.*/\1/' <<< "$rec")
}
ahead() { echo $((($1 + (1 << 30)) & 0xffffffff)); }
behind() { echo $((($1 - (1 << 30)) & 0xffffffff)); }

# forge_c, forge_s FLAGS SEQ ACK: 20 forged segments of the flow of edges()
forge_c() {
	for _ in $(seq 20); do
		in_ns "$C" forge tcp 10.1.0.2 "$EDGE_SPORT" 10.2.0.2 7000 "$@"
	done
}
forge_s() {
	for _ in $(seq 20); do
		in_ns "$S" forge tcp 10.2.0.2 7000 10.2.0.1 "$EDGE_SPORT" "$@"
	done
}

RELAY_PID=
# relay_start [EPOCH]: A is member 1 and active, B is member 2
relay_start() {
	mkfifo "$TMP/relay.in" "$TMP/relay.out"
	relay "$A" 1 "$B" 2 "${1:-1}" < "$TMP/relay.in" > "$TMP/relay.out" 2> "$TMP/relay.err" &
	RELAY_PID=$!
	exec 8> "$TMP/relay.in" 9< "$TMP/relay.out"
	relay_answer
}
relay_answer() {
	local line

	if ! read -r -t $((30 * SCALE)) -u 9 line; then
		echo "no answer of relay"
		cat "$TMP/relay.err"
		return 1
	fi
	RELAY_ANSWER=$line
	case $line in
	ok*) echo "${line#ok}" ;;
	*) echo "$line"; return 1 ;;
	esac
}
# relay_cmd COMMAND...
relay_cmd() {
	echo "$*" >&8
	relay_answer
}
relay_count() { relay_cmd counts | grep -o "$1=[0-9]*" | cut -d= -f2; }
relay_stop() {
	[ -n "$RELAY_PID" ] || return 0
	kill -CONT "$RELAY_PID" 2> /dev/null
	exec 8>&- 9<&-
	kill "$RELAY_PID" 2> /dev/null
	wait "$RELAY_PID" 2> /dev/null
	RELAY_PID=
	rm -f "$TMP/relay.in" "$TMP/relay.out"
}

stat() { gwctl -n "$1" stats "$2"; }

# stat_is NETNS NAME LEAST
stat_least() { ge "$(stat "$1" "$2")" "$3"; }

# windows: both gateways' records, byte for byte but for what may differ
records() {
	gwctl -n "$1" dump |
		sed -E 's/ (timeout|len|counters|owner|flags)=[^ ]*//g' | sort
}
records_equal() {
	records "$A" > "$TMP/rec.a" || return 1
	records "$B" > "$TMP/rec.b" || return 1
	[ -s "$TMP/rec.a" ] || { echo "no record in $A"; return 1; }
	diff "$TMP/rec.a" "$TMP/rec.b"
}

# admin_commands FILE: what needs CAP_NET_ADMIN: its number in uapi, and how gwctl
# sends it; FILE has records
admin_commands() {
	cat <<- END
		1 attach 1 1
		2 detach
		3 set flush_ms 1
		4 get
		5 map 2
		8 apply 1 9 $1
		9 sync-begin 1 9
		10 sync-end 1 9
		11 walk 2 1
		12 activate 0 9
		13 deactivate 1 9
		14 purge 1
		15 dump
		17 repair 1
		18 digest
		19 lease 1000
		20 source 10.8.0.254
	END
}
# What does not: notifications, which are no commands, and GET_STATS
OTHER_COMMANDS="6 7 16"

# denied COMMAND...: gwctl, by somebody who must not
denied() {
	"$@" > "$TMP/denied" 2>&1
	grep -q "error EPERM" "$TMP/denied" || { cat "$TMP/denied"; return 1; }
}
# listed_commands: their numbers; that of a new one in uapi is missing until it is in a list
listed_commands() {
	{ admin_commands - | cut -d' ' -f1; printf '%s\n' $OTHER_COMMANDS; } | sort -n
}
# check_denied NAME FILE AS...: "AS... gwctl" is denied all of them
check_denied() {
	local name=$1 file=$2 commands command

	shift 2
	mapfile -t commands < <(admin_commands "$file")
	for command in "${commands[@]#* }"; do
		# shellcheck disable=SC2086
		check "$name: ${command%% *}" denied "$@" gwctl $command
	done
	check "every command of the family is in a list" eq "$(listed_commands)" \
		"$(seq "$(gwctl commands)")"
}

flows() { in_ns "$1" conntrack -L 2> /dev/null | wc -l; }

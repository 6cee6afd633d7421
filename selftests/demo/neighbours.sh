#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# neighbours.sh HOSTS true|false [EVERY_MS] - in a guest whose clock counts instructions: what a new
# owner asks its LANs for, with and without the table of neighbours.
#
#	hosts --- lan1 === gwA, gwB === lan2 --- hosts	gwA sync0 --- sync0 gwB
#
# HOSTS hosts, half of them on each LAN, half of them by IPv6; each says something ten times
# a second, or each EVERY_MS, to one on the other LAN, through the gateway. The owner loses its power, gets it
# back, and takes over once more as planned. In /run/scene: captures of what the gateways
# ask for, what heirs knew before, and what the hosts heard; a line "event NAME HEIR US"
# for each, by the clock of the captures.
set -u
RUN=/run/scene
HOSTS=$1 SYNC=$2 EVERY=${3:-100}
EACH=$((HOSTS / 4))	# of a LAN and a family
PORT=7009
declare -A PID=() MEMBER=([gwA]=1 [gwB]=2)

in_ns() { ip netns exec "$@"; }
fail() {
	local gw

	echo "# failed: $*"
	# what of it may tell why, in few lines: more may not be kept
	for gw in gwA gwB; do
		echo "# $gw: $(ask $gw status --json 2>&1 | sed '/^  "peers"/q' | tr -s ' \n' ' ')"
	done
	tail -n 20 $RUN/*.log $RUN/*.out
	exit 1
}
until_ok() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))

	shift
	until "$@" > /dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

bridge() {	# NETNS
	ip netns add "$1" && ip -n "$1" link add name br type bridge mcast_snooping 0 &&
		ip -n "$1" link set dev br up
}
# leg NETNS NAME BRIDGE PORT ADDRESS...
leg() {
	local ns=$1 name=$2 bridge=$3 port=$4 address

	shift 4
	ip link add name "$name" netns "$ns" type veth peer name "$port" netns "$bridge" || return 1
	ip -n "$bridge" link set dev "$port" master br up
	for address in "$@"; do
		ip -n "$ns" addr add "$address" dev "$name" nodad 2> /dev/null || return 1
	done
	ip -n "$ns" link set "$name" up
}
# The hosts of LAN N, in one netns: 10.N.1.0 and fd00:N::1:1 on.
hosts_net() {
	local n=$1 i

	ip netns add "hosts$n"
	ip -n "hosts$n" link set lo up
	leg "hosts$n" eth0 "lan$n" hosts || return 1
	for ((i = 1; i <= EACH; i++)); do
		echo "addr add 10.$n.$(((i + 255) / 256)).$(((i + 255) % 256))/16 dev eth0"
		printf 'addr add fd00:%d::1:%x/64 dev eth0 nodad\n' "$n" "$i"
	done | ip -n "hosts$n" -batch - || return 1
	ip -n "hosts$n" route add default via "10.$n.0.1"
	ip -n "hosts$n" -6 route add default via "fd00:$n::1"
}
# gateway NETNS: as it is when it has power; the firewall is stateful
gateway() {
	local gw=$1 n=${MEMBER[$1]} lan

	ip netns add "$gw" || return 1
	ip -n "$gw" link set lo up
	in_ns "$gw" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 || return 1
	for lan in 1 2; do
		leg "$gw" "n$lan" lan$lan "$gw" "10.$lan.0.$((n + 1))/${OWN4:-16}" \
			"fd00:$lan::$((n + 1))/${OWN6:-64}" || return 1
	done
	leg "$gw" sync0 sync "$gw" "10.9.0.$n/24" || return 1
	in_ns "$gw" nft -f - <<- END
	table inet gw {
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state invalid drop
			ct state established accept
			ct state new iifname "n1*" udp dport $PORT accept
		}
	}
	END
}
config() {
	local n=${MEMBER[$1]}

	cat <<- END
	group = { id = 1; member = $n; priority = $((110 - 10 * n)); link_delay_ms = 0;
		  dead_after = ${DEAD_AFTER:-3}; };
	members = ( { id = 1; name = "gwA"; }, { id = 2; name = "gwB"; } );
	key_file = "$RUN/key";
	links = ( { interface = "sync0"; } );
	sync = { neighbours = $SYNC; };
	virtual_routers = (
		{ name = "lan1"; interface = "n1"; macvlan = "n1-v"; vrid = 1;
		  addresses = ( "10.1.0.1/16", "fd00:1::1/64" ); },
		{ name = "lan2"; interface = "n2"; macvlan = "n2-v"; vrid = 2;
		  addresses = ( "10.2.0.1/16", "fd00:2::1/64" ); }
	);
	daemon = { control = "$RUN/$1.sock"; state = "$RUN/$1.state"; };
	END
}
start() {
	config "$1" > "$RUN/$1.conf"
	ip netns exec "$1" gwsyncd -c "$RUN/$1.conf" >> "$RUN/$1.log" 2>&1 < /dev/null &
	PID[$1]=$!
}
ask() { gwsync -s "$RUN/$1.sock" "${@:2}"; }
says() { ask "$1" status --json | sed '/^  "peers"/q' | grep -q "^  \"$2\": $3,\?$"; }
owns() { says "$1" state '"owner"'; }
backs_up() { says "$1" state '"backup"' && says "$1" in_sync true; }
known() { ask "$1" neighbours --json | grep -c '"address": "\(10\.[12]\.[1-9]\|fd00:[12]::1:\)'; }
knows_all() { [ "$SYNC" = false ] || [ "$(known "$1")" -ge "$((4 * EACH))" ]; }

# capture LAN GATEWAY: what it asks for, all questions of ARP and neighbour discovery
capture() {
	ip netns exec "lan$1" tcpdump -Z root -i "$2" -Q in -s 128 --immediate-mode -U \
		--time-stamp-precision nano -w "$RUN/lan$1-$2.pcap" \
		'(arp and arp[6:2] = 1) or (icmp6 and ip6[40] = 135)' > "$RUN/lan$1-$2.dump" 2>&1 &
	PID[lan$1-$2]=$!
	until_ok 20 grep -q listening "$RUN/lan$1-$2.dump" || fail "tcpdump of lan$1, $2"
}
end() {
	kill -TERM "${PID[$1]}" 2> /dev/null
	wait "${PID[$1]}"
}
capture_end() {	# LAN GATEWAY; one that did not see all proves nothing
	end "lan$1-$2"
	grep -q '^0 packets dropped by kernel' "$RUN/lan$1-$2.dump" ||
		fail "the capture of lan$1, $2: $(tail -n 1 "$RUN/lan$1-$2.dump")"
}

# talk: the hosts of LAN 1 ask those of LAN 2, each of them ten times a second
talk() {
	chrt -f 1 ip netns exec hosts1 gwsync-traffic hosts ask "$EVERY" \
		10.1.1.0/$EACH=10.2.1.0 fd00:1::1:1/$EACH=fd00:2::1:1 > "$RUN/talk.out" 2>&1 &
	PID[talk]=$!
	until_ok 30 grep -q talking "$RUN/talk.out" || fail "the hosts do not talk"
}
# event NAME OWNER HEIR COMMAND...: what it cost
event() {
	local name=$1 owner=$2 heir=$3

	shift 3
	until_ok 30 backs_up "$heir" || fail "$heir is not in sync"
	until_ok 30 knows_all "$heir" || fail "$heir knows $(known "$heir") neighbours"
	# The parents' entries are checked by then, too.
	sleep 1
	ask "$heir" neighbours --json > "$RUN/$name.known" 2> /dev/null
	echo "# $name: $owner to $heir"
	echo "event $name $heir ${EPOCHREALTIME/[.,]/}"
	"$@" || fail "$name"
	until_ok 20 owns "$heir" || fail "$heir does not own"
	sleep 3
	end talk
	echo "talk $name $(grep '^{' "$RUN/talk.out")"
}
power_loss() {
	local lan

	kill -KILL "${PID[gwA]}"
	for lan in lan1 lan2 sync; do
		ip -n $lan link set gwA down
	done
}
# It forgets everything, as what has no power does.
power_back() {
	capture_end 1 gwA
	capture_end 2 gwA
	ip netns del gwA
	until_ok 10 gateway gwA || fail "gwA again"
	capture 1 gwA
	capture 2 gwA
	start gwA
}

# set_up: all but what the hosts do; alone, if there is such a function, while gwA is
set_up() {
	local ns gw

	mkdir -p $RUN
	modprobe -a nf_conntrack bridge veth macvlan gwsync || fail modules
	# All machines share one processor here. Neither hosts nor packets wait until a daemon
	# of a gateway leaves it to them, as they would not elsewhere.
	chrt -f -p 1 "$(busybox pidof ksoftirqd/0)" || fail ksoftirqd
	for ns in lan1 lan2 sync; do
		bridge $ns || fail "$ns"
	done
	for ns in 'hosts_net 1' 'hosts_net 2' 'gateway gwA' 'gateway gwB'; do
		$ns || fail "$ns"
	done
	gwsync key generate $RUN/key > /dev/null || fail key
	start gwA
	until_ok 30 owns gwA || fail "gwA does not own"
	! declare -F alone > /dev/null || alone
	start gwB
	chrt -f 1 ip netns exec hosts2 gwsync-traffic hosts answer 10.2.1.0/$EACH fd00:2::1:1/$EACH \
		> $RUN/answer.out 2>&1 &
	PID[answer]=$!
	for gw in gwA gwB; do
		capture 1 $gw
		capture 2 $gw
	done
}
tear_down() {
	local ns gw

	for gw in gwA gwB; do
		capture_end 1 $gw
		capture_end 2 $gw
	done
	for ns in answer gwA gwB; do
		end $ns
	done
	sed 's/^/A /' $RUN/gwA.log
	sed 's/^/B /' $RUN/gwB.log
	echo "# all done"
}

main() {
	set_up
	talk
	event power_loss gwA gwB power_loss
	power_back
	talk
	event planned gwB gwA ask gwB switchover
	tear_down
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Routes: what the owner's kernel forwards by is ready in its backup's, which forwards by
# none of it before it owns, and by all of it from its first packet.
#
# Some of the prefixes are in a VRF as well, where they lead elsewhere.
#
# ROUTES=N: so many IPv4 routes, and a tenth of them of IPv6.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

ROUTES=${ROUTES:-2000}
ROUTES6=$((ROUTES / 10))
RED=20		# of the VRF
TOTAL=$((ROUTES + ROUTES6 + RED))
HOPS=10
HOLD=$((5 * SCALE))
PATIENCE=$((30 + ROUTES / 500))
CLIENT=cl-$TAG

ADDRESSES="\"$VIP/24\", \"fd00:8::254/64\""
faults_net "$A" "$B"
# Clients behind the same gateways, in a LAN of their own.
add_ns "$CLIENT"
ip -n "$LAN" link add br3 type bridge mcast_snooping 0
ip -n "$LAN" link set br3 up
ip link add lan netns "$CLIENT" type veth peer name c0 netns "$LAN"
ip -n "$LAN" link set c0 master br3 up
ip -n "$CLIENT" addr add 10.7.0.100/24 dev lan
ip -n "$CLIENT" addr add fd00:7::100/64 dev lan nodad
ip -n "$CLIENT" link set lan up
ip -n "$CLIENT" route add default via 10.7.0.254
ip -n "$CLIENT" route add default via fd00:7::254
for gw in "$A" "$B"; do
	id=${MEMBER[$gw]}
	ip link add cli0 netns "$gw" type veth peer name "c$id" netns "$LAN"
	ip -n "$LAN" link set "c$id" master br3 up
	ip -n "$gw" addr add "10.7.0.$id/24" dev cli0
	ip -n "$gw" addr add "fd00:7::$id/64" dev cli0 nodad
	ip -n "$gw" link set cli0 up
	ip -n "$gw" addr add "fd00:8::$id/64" dev lan0 nodad
	ip -n "$gw" link add red type vrf table 1001 || bail "no VRF"
	ip -n "$gw" link set red up
	ip link add red0 netns "$gw" type veth peer name "r$id" netns "$LAN"
	ip -n "$LAN" link set "r$id" up
	ip -n "$gw" link set red0 master red
	ip -n "$gw" addr add "10.6.0.$id/24" dev red0
	ip -n "$gw" link set red0 up
	sysctl_ns "$gw" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	faults_config "$gw"
	sed -i "s|virtual_routers = (|& { name = \"cli\"; interface = \"cli0\"; vrid = 6; addresses = ( \"10.7.0.254/24\", \"fd00:7::254/64\" ); },|
		/^kernel = /i routes = { fib = true; hold_s = $HOLD; tables = ( \"main\", \"vrf:red\" ); interfaces = ( \"red0\" ); };" "$TMP/$gw.conf"
done
# Behind all next hops is one host, which has every address.
for ((i = 0; i < HOPS; i++)); do
	echo "addr add 10.8.0.$((100 + i))/24 dev br1"
	echo "addr add fd00:8::$((100 + i))/64 dev br1 nodad"
done | ip -n "$LAN" -force -batch - 2> /dev/null
ip -n "$LAN" route add local 100.64.0.0/10 dev lo
ip -n "$LAN" route add local fd01::/16 dev lo
ip -n "$LAN" route add 10.7.0.0/24 via $VIP
ip -n "$LAN" route add fd00:7::/64 via fd00:8::254

# prefix I: of IPv4; the host of it that answers has a 1 at its end
prefix() { echo "100.$((64 + ($1 >> 12))).$((($1 >> 4) & 255)).$((($1 & 15) << 4))"; }
host() { local p; p=$(prefix "$1"); echo "${p%.*}.$((${p##*.} + 1))"; }
host6() { printf 'fd01:%x:%x::1\n' $(($1 >> 16)) $(($1 & 65535)); }
# routes PROTOCOL FIRST_HOP COUNT COUNT6: lines for ip -batch; each 50th has two next hops
routes() {
	awk -v protocol="$1" -v first="$2" -v count="$3" -v count6="$4" -v hops="$HOPS" 'BEGIN {
		for (i = 0; i < count; i++) {
			printf "route add 100.%d.%d.%d/28 proto %s ", 64 + int(i / 4096),
				int(i / 16) % 256, i % 16 * 16, protocol
			hop = 100 + (first + i) % hops
			if (i % 50 == 49)
				printf "nexthop via 10.8.0.%d dev lan0 nexthop via 10.8.0.%d dev lan0 weight 2\n",
					hop, 100 + (first + i + 1) % hops
			else
				printf "via 10.8.0.%d dev lan0\n", hop
		}
		for (i = 0; i < count6; i++)
			printf "route add fd01:%x:%x::/48 proto %s via fd00:8::%d dev lan0\n",
				int(i / 65536), i % 65536, protocol, 100 + (first + i) % hops
	}'
}
# red_routes PROTOCOL HOP: of the VRF, the last one of it alone
red_routes() {
	local i

	for ((i = 0; i < RED - 1; i++)); do
		echo "route add vrf red $(prefix $i)/28 proto $1 via 10.6.0.$2 dev red0"
	done
	echo "route add vrf red 100.127.9.0/28 proto $1 via 10.6.0.$2 dev red0"
}

is() { eq "$2 of $1: $(of_table "$1" routes "$2")" "$2 of $1: $3"; }
# copies NETNS: in its kernel
copies() {
	{ ip -n "$1" route show table 8116; ip -n "$1" -6 route show table 8116
	  ip -n "$1" route show table 8117; } 2> /dev/null | grep -c 'proto 116'
}
copies_are() { eq "$(copies "$1")" "$2"; }
rules() { { ip -n "$1" rule; ip -n "$1" -6 rule; } | grep -c 'lookup 8116'; }
rules_are() { eq "$(rules "$1")" "$2"; }
# reaches I: the client reaches the I-th prefix, and of IPv6 one of its tenth
reaches() {
	in_ns "$CLIENT" ping -qc 1 -W 2 "$(host "$1")" > /dev/null &&
		in_ns "$CLIENT" ping -6qc 1 -W 2 "$(host6 $(($1 / 10)))" > /dev/null
}
# reaches_all: some of them, spread over all
reaches_all() {
	local i

	for ((i = 0; i < ROUTES; i += ROUTES / 8)); do
		reaches "$i" || { echo "not the ${i}th"; return 1; }
	done
	reaches $((ROUTES - 1))
}
none_of() { eq "$(ip -n "$1" route show | grep -c '^100\.')" 0; }
# pings: from now on, to one prefix; lost: how many were
pings() {
	ip netns exec "$CLIENT" ping -i 0.05 -W 1 "$(host 7)" > "$TMP/pings" &
	PING=$!
}
lost() {
	kill -INT "$PING"
	wait "$PING"
	sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$TMP/pings" |
		while read -r sent got; do echo $((sent - got)); done
}
# via NETNS I, red_via NETNS ADDRESS: in the VRF, of a packet that is forwarded, which has come
# in by the VRF's device
via() { in_ns "$1" ip route get "$(host "$2")" | grep -o 'via [0-9.]*' | head -n 1; }
red_via() { in_ns "$1" ip route get "$2" from 10.6.0.99 iif red | grep -o 'via [0-9.]*'; }

# As the owner would say, but for the next hop of one, another prefix, and a copy that is none.
cat > "$TMP/liar" <<- END
	#!/bin/bash
	$(command -v ip) netns exec $A gwsync -s $TMP/$A.sock "\$@" |
		sed -e '\|"prefix": "$(prefix 25)/28"|,/"owner"/s/10\.8\.0\.105/10.8.0.109/' \
			-e 's|"prefix": "$(prefix 26)/28"|"prefix": "100.127.0.0/28"|' \
			-e '\|"prefix": "$(prefix 28)/28"|,/"installed"/s/"replica": false/"replica": true/'
END
chmod +x "$TMP/liar"

check "in sync" faults_start "$A" "$B" || finish
{ routes static 0 "$ROUTES" "$ROUTES6"; red_routes static 100; } > "$TMP/routes"
check "the owner has routes" ip -n "$A" -batch "$TMP/routes"
check "the client reaches what is behind them" wait_for 10 reaches_all
check "the owner tells them all" wait_for "$PATIENCE" is "$A" own "$TOTAL"
check "the backup has a copy of each" timed "$PATIENCE" is "$B" installed "$TOTAL"
figure "$TOTAL routes: on the backup $MS ms after it was asked"
check "they are in its kernel" copies_are "$B" "$TOTAL"
check "and in no other table" none_of "$B"
check "it forwards by none of them: no rule" rules_are "$B" 0
check "it forwards by none of them: no way" fails in_ns "$B" ip route get "$(host 7)"
check "nor in the VRF" fails red_via "$B" 100.127.9.1
check "as it says" is "$B" forwarding false

# One changes, one goes.
ip -n "$A" route replace "$(prefix 3)/28" proto static via 10.8.0.105 dev lan0
ip -n "$A" route del "$(prefix 11)/28"
check "one went: there, too" wait_for 10 is "$B" installed $((TOTAL - 1))
ip -n "$A" route add "$(prefix 11)/28" proto static via 10.8.0.101 dev lan0
check "and is back: there, too" wait_for 10 is "$B" installed "$TOTAL"
check "verify: nothing differs" compares "$B" "$(command -v ip)" netns exec "$A" \
	gwsync -s "$TMP/$A.sock"
check "verify: all of them were compared" grep "^$TOTAL routes compared, 0 differ\$" "$TMP/compares"
check "verify: one that is not so" fails compares "$B" "$TMP/liar"
check "verify: it tells whose next hop differs" \
	grep -A 1 "^route $(prefix 25)/28 of table main.*" "$TMP/compares"
check "verify: and which are missing" \
	eq "$(grep -c "^    missing \(here\|there\)\$" "$TMP/compares")" 2
check "verify: and which would forward nothing" \
	grep "^    held back there: the kernel has no copy" "$TMP/compares"
check "verify: and these alone" grep "^$((TOTAL - 1)) routes compared, 4 differ\$" "$TMP/compares"

# power_loss NETNS: nothing of it is on any link any more
power_loss() {
	local leg

	for leg in p l c; do
		unplug $leg "$1"
	done
	agent_crash "$1"
}
power_loss "$A"
check "power loss: the backup owns" wait_for 10 field_is "$B" state owner
check "power loss: the client reaches what it reached" wait_for 10 reaches_all
check "power loss: by copies, main has none" none_of "$B"
check "power loss: the one that changed goes where it went" eq "$(via "$B" 3)" "via 10.8.0.105"
check "power loss: in the VRF they lead where they led there" \
	eq "$(via "$B" 0) $(red_via "$B" "$(host 0)")" "via 10.8.0.100 via 10.6.0.100"
check "power loss: what the VRF alone has" red_via "$B" 100.127.9.1
check "power loss: is nowhere else" fails in_ns "$B" ip route get 100.127.9.1
check "power loss: all of them are live" is "$B" activated "$TOTAL"
figure "$TOTAL routes: live after $(of_table "$B" routes activate_ms) ms, by $(of_table "$B" routes sets_live) sets"

# Its own routing daemon learns them, by other next hops, and the copies go.
pings
{ routes bird 1 "$ROUTES" "$ROUTES6"; red_routes bird 101; } > "$TMP/routes"
check "own routes: learned" ip -n "$B" -batch "$TMP/routes"
check "own routes: a copy hides none" \
	eq "$(via "$B" 0) $(red_via "$B" "$(host 0)")" "via 10.8.0.101 via 10.6.0.101"
check "hold_s is over: no rule leads to copies" wait_for $((HOLD + 10)) rules_are "$B" 0
check "and they go" wait_for "$PATIENCE" copies_are "$B" 0
check "no packet was lost" eq "$(lost)" 0
check "the client reaches all" reaches_all

# The other one has power again: it follows, with copies of what is new.
for leg in p l c; do
	plug $leg "$A"
done
ip -n "$A" route flush proto static
ip -n "$A" -6 route flush proto static
ip -n "$A" route flush vrf red proto static
agent_start "$A"
check "power back: in sync" wait_for "$PATIENCE" in_sync "$B" "$A"
check "power back: a copy of each" wait_for "$PATIENCE" is "$A" installed "$TOTAL"
pings
check "switchover" ask "$B" switchover
check "switchover: the other one owns" wait_for 10 settled "$A" "$B"
check "switchover: by its copies" \
	eq "$(via "$A" 0) $(red_via "$A" "$(host 0)")" "via 10.8.0.101 via 10.6.0.101"
LOST=$(lost)
figure "switchover: $LOST of 20 pings a second lost"
check "switchover: few were lost" ge 5 "$LOST"
check "switchover: all is reached" reaches_all
for gw in "$A" "$B"; do
	check "agents end well" agent_end "$gw"
done
check "nothing is left: no copies, no rules" \
	eq "$(copies "$A") $(copies "$B") $(rules "$A") $(rules "$B")" "0 0 0 0"
logs_if_failed "$A" "$B"
finish

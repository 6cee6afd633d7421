#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What BIRD knows is known to gwsyncd: every path, best or not, with every attribute.  A
# gateway with BIRD and a daemon, two BIRDs and a speaker of our own around it that tell it
# routes, in namespaces of their own; then a peer that sends garbage in BIRD's place.  No
# kernel half is needed.  Needs root, veth, BIRD 2 and python3; TAP.
#
# usage: bgp.sh PATH-OF-GWSYNCD PATH-OF-GWSYNC
# shellcheck source=agent/tests/lib_daemon.sh
. "$(dirname "$0")/lib_daemon.sh"

here=$(realpath "$(dirname "$0")")
if ! command -v bird > /dev/null || ! command -v bgpdump > /dev/null ||
	! command -v python3 > /dev/null; then
	echo "1..0 # SKIP no BIRD 2 (bird2), no bgpdump or no python3"
	exit 0
fi

describe() {
	status 1 | sed -n '/^  "bgp"/,/^  \]/p' | sed 's/^/# /'
	log_tail 1 8
}

bird_start() {	# NAMESPACE
	ip netns exec "$1" bird -c "$dir/$1.bird" -s "$dir/$1.ctl" -P "$dir/$1.pid" \
		>> "$dir/$1.out" 2>&1 || sed 's/^/# /' "$dir/$1.out"
}
bird_stop() {	# NAMESPACE [SIGNAL]
	local pid

	pid=$(cat "$dir/$1.pid") || return
	kill "-${2:-TERM}" "$pid"
	until ! kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
	rm -f "$dir/$1.pid"
}
birds() {	# NAMESPACE COMMAND...
	local ns=$1

	shift
	birdc -s "$dir/$ns.ctl" "$@" 2> /dev/null
}
all_birds_end() {
	local file

	for file in "$dir"/*.pid; do
		[ -e "$file" ] && kill -9 "$(cat "$file")"
	done 2> /dev/null
	cleanup
}
trap all_birds_end EXIT

bgp() {		# KEY: of the first session
	status 1 | sed -n '/^  "bgp"/,/^  \]/p' |
		sed -n "s/^ *\"$1\": \"\?\([^\",]*\)\"\?,\?\$/\1/p" | head -n 1
}
bgp_is() { [ "$(bgp "$1")" = "$2" ]; }
bgp_over() { [ "$(bgp "$1")" -gt "$2" ]; }
routes() { timeout 60 "$cli" -s "$dir/gw1.sock" routes "$@"; }
bird_has() {	# TABLE PATHS: of BGP
	birds gw1 "show route table $1 where source = RTS_BGP count" | grep -q "^$2 of "
}
ospf_has() {	# PATHS
	birds gw1 "show route table master4 where source = RTS_OSPF_EXT2 count" |
		grep -q "^$1 of "
}

# What BIRD learned, and had withdrawn, of others so far
moved() { birds gw1 show protocols all | sed -n '/^gwsync/,/^$/d; /Import \|Export /p'; }

# The same on both sides?
compare() {
	routes --json > "$dir/ours.json"
	{ birds gw1 show route table master4 all; birds gw1 show route table master6 all; } \
		> "$dir/theirs.txt"
	"$here/bgp_compare.py" "$dir/ours.json" "$dir/theirs.txt"
}
compared() { compare > "$dir/compared"; }

for ns in gw1 up1 up2; do
	ip netns add $ns
	ip -n $ns link set lo up
done
for i in 1 2; do
	ip link add eth$i netns gw1 type veth peer name eth0 netns up$i
	ip -n gw1 link set eth$i up
	ip -n up$i link set eth0 up
	ip -n gw1 addr add 10.9.$i.1/24 dev eth$i
	ip -n gw1 addr add fd09:$i::1/64 dev eth$i nodad
	ip -n up$i addr add 10.9.$i.2/24 dev eth0
	ip -n up$i addr add 10.9.$i.3/24 dev eth0
	ip -n up$i addr add fd09:$i::2/64 dev eth0 nodad
done

# 10,000 prefixes of IPv4 and 1,000 of IPv6, of some hundred sets of attributes
fixed() {	# COUNT
	local i

	for ((i = 0; i < $1; i++)); do
		echo "route 20.$((i / 256)).$((i % 256)).0/24 blackhole {" \
			"bgp_path.prepend($((65100 + i % 37)));" \
			"bgp_community.add((65001, $((i % 11))));" \
			"bgp_ext_community.add((rt, 65001, $((i % 3))));" \
			"bgp_large_community.add((65001, 7, $((i % 5)))); bgp_med = $((i % 7)); };"
	done
}
upstream() {	# NUMBER AS IPV4 IPV6
	cat > "$dir/up$1.bird" <<- END
		router id 10.9.$1.2;
		protocol device { }
		protocol static s4 { ipv4; $(fixed "$3") }
		protocol static s6 { ipv6; $(for ((i = 0; i < $4; i++)); do
			printf 'route 2001:db8:%x::/48 blackhole { bgp_med = %d; };' "$i" $((i % 7))
		done) }
		protocol static ext { ipv4; $(for ((i = 0; i < 20; i++)); do
			echo "route 30.$1.$i.0/24 blackhole;"
		done) }
		protocol bgp uplink {
			local 10.9.$1.2 as $2;
			neighbor 10.9.$1.1 as 65000;
			connect delay time 1; connect retry time 1; error wait time 1, 2;
			ipv4 { import none; export where proto = "s4"; };
			ipv6 { import none; export where proto = "s6"; next hop address fd09:$1::2; };
		}
		protocol ospf v2 o {
			ipv4 { export filter {
				if proto != "ext" then reject;
				ospf_metric2 = 1000; ospf_tag = 77; accept;
			}; };
			area 0 { interface "eth0" { type ptp; hello 1; dead 4; }; };
		}
	END
}
upstream 1 65001 10000 1000
upstream 2 65002 500 50
cat > "$dir/gw1.bird" <<- END
	router id 10.9.0.1;
	include "$here/../bird/gwsync.conf";
	protocol device { }
	protocol direct { ipv4; ipv6; }
	protocol static s4 { ipv4; route 40.0.0.0/24 via 10.9.1.9; route 40.0.1.0/24 blackhole {
		bgp_community.add((65000, 1)); }; }
	template bgp upstream {
		local as 65000;
		connect delay time 1; connect retry time 1; error wait time 1, 2;
		ipv4 { import all; export none; aigp; };
		ipv6 { import all; export none; };
	}
	protocol bgp up1 from upstream { neighbor 10.9.1.2 as 65001; }
	protocol bgp up2 from upstream { neighbor 10.9.2.2 as 65002; }
	protocol bgp odd from upstream { neighbor 10.9.2.3 as 65003; passive; }
	protocol ospf v2 o {
		ipv4 { import all; };
		area 0 { interface "eth1", "eth2" { type ptp; hello 1; dead 4; }; };
	}
	protocol bgp gwsync from gwsync_session { neighbor 127.0.0.2 port 1180 as 64512; }
END
cat > "$dir/gw1.conf" <<- END
	group = { id = 1; member = 1; };
	members = ( { id = 1; name = "gw1"; } );
	auth = "none";
	links = ( { interface = "lo"; } );
	bgp = ( { table = "main"; paths = 20000; } );
	daemon = { control = "$dir/gw1.sock"; state = "$dir"; sync_state = false; };
END

# What filters of BIRD cannot say: an AIGP of 4711, and an attribute that nobody knows
odd=40010100400206020100$(printf %06x 65003)4003040a090203801a0b01000b0000000000001267
odd+=e0c8050102030405
odd=0000$(printf %04x $((${#odd} / 2)))${odd}102828
start 1
within 50 bgp_is state idle
for ns in up1 up2 gw1; do
	bird_start $ns
done
ip netns exec up2 "$here/bgp_peer.py" connect 10.9.2.3 179 10.9.2.1 65003 "2:$odd" \
	> "$dir/odd" 2>&1 &
within 150 bgp_is state established
ok $? "a session with BIRD"
within 300 bird_has master4 10501 && within 100 bird_has master6 1050 && within 150 ospf_has 40
ok $? "BIRD has learned all"
within 300 compared
ok $? "every path is held, and every attribute as BIRD has it"
cat "$dir/compared"
echo "# $(bgp ipv4) IPv4, $(bgp ipv6) IPv6, $(bgp sets) sets, $(bgp memory) bytes"
routes 20.0.1.0/24 > "$dir/one"
[ "$(grep -c '^20.0.1.0/24 ' "$dir/one")" = 2 ]
ok $? "also the path that is not the best"
routes --table main 40.40.0.0/16 | grep -q $'^\tBGP.c8 \[t\]: 01 02 03 04 05$'
ok $? "an attribute that nobody knows, byte by byte"
routes 40.40.0.0/16 | grep -q $'^\tBGP.aigp: 4711$'
ok $? "an AIGP"
routes 30.1.7.0/24 > "$dir/one"
grep -q '(4200008116, 1, 8) .*(4200008116, 4, 1000) (4200008116, 5, 77)' "$dir/one" &&
	grep -q 'BGP.ext_community: (ro, 10.9.1.2, 8116)' "$dir/one"
ok $? "of OSPF type, metric, tag and router id"
routes --table none | grep -q . ; [ $? = 1 ] && ! routes 20.0.1.0/99 2> /dev/null
ok $? "no other table has any, and what is no prefix is refused"

routes --json > "$dir/ours.json"
routes --mrt "$dir/rib.mrt" && "$here/mrt_compare.py" "$dir/ours.json" "$dir/rib.mrt"
ok $? "as MRT bgpdump reads the same, path by path"
routes --mrt - | cmp -s -i 4 -n 8 - "$dir/rib.mrt"
ok $? "and on stdout, too"
! routes --mrt /dev/full 2> "$dir/full" && grep -q 'not whole: No space left' "$dir/full"
ok $? "a file that cannot be written is said"
! routes --mrt "$dir/none" --table none 2> /dev/null && [ ! -e "$dir/none" ]
ok $? "and a table that there is not"

birds up1 disable s4 > /dev/null
within 200 bird_has master4 501 && within 200 compared && bgp_is stale 0
ok $? "what is withdrawn goes"
cat "$dir/compared"
birds up1 enable s4 > /dev/null
within 300 bird_has master4 10501 && within 300 compared
ok $? "and comes again"

bird_stop gw1 KILL
within 50 bgp_is state idle
[ "$(bgp stale)" -gt 10000 ] && [ "$(bgp ipv4)" -gt 10000 ]
ok $? "when BIRD dies all is kept, as stale"
within 20 says 1 "no session with the routing daemon"
ok $? "and said to be so"
bird_start gw1
ip netns exec up2 "$here/bgp_peer.py" connect 10.9.2.3 179 10.9.2.1 65003 "2:$odd" \
	> "$dir/odd" 2>&1 &
within 150 bgp_is state established && within 300 bird_has master4 10501 &&
	within 300 compared && bgp_is stale 0
ok $? "when it is back nothing is stale"
cat "$dir/compared"

moved > "$dir/before"
end 1
start 1
within 150 bgp_is state established && within 300 compared
ok $? "a daemon that restarts learns all again"
moved | diff "$dir/before" -
ok $? "and moves nothing in BIRD"

# Too many
end 1
sed -i 's/paths = 20000/paths = 5000/' "$dir/gw1.conf"
start 1
within 200 says 1 'more routes than bgp.paths' && bgp_over refused 1000 &&
	[ $(($(bgp ipv4) + $(bgp ipv6))) = 5000 ]
ok $? "more than it may keep are refused, counted and said"
birds up1 disable s4 > /dev/null
within 100 bird_has master4 501 && within 200 compared && within 20 silent 1 'more routes than'
ok $? "and it asks for them again when there is room"
end 1
sed -i 's/paths = 5000/paths = 20000/' "$dir/gw1.conf"

# Garbage in BIRD's place
bird_stop gw1
sound=40010100400200400304 # ORIGIN, AS_PATH, and the head of NEXT_HOP
sound+=0a09020340050400000064
garbage() {	# WHAT ANSWER MESSAGE...
	local what=$1 answer=$2

	shift 2
	# One that errs again is let wait for longer each time.
	end 1
	start 1
	ip netns exec gw1 timeout 30 "$here/bgp_peer.py" listen 127.0.0.1 1179 127.0.0.2 64512 "$@" \
		> "$dir/peer" 2>&1 &
	within 150 grep -q "$answer" "$dir/peer"
	ok $? "$what"
	kill %% 2> /dev/null
	wait %% 2> /dev/null
}
within_rib() { within 100 bgp_over "$@"; }
start 1
ip netns exec gw1 "$here/bgp_peer.py" listen 127.0.0.1 1179 127.0.0.2 64512 \
	"2:00000015${sound}18320000" "2:0000001c${sound}c00803010203000018320100" \
	"2:0000001c${sound}c00803010203ff18320100" > "$dir/peer" 2>&1 &
peer=$!
within 150 grep -q up "$dir/peer"
ok $? "a peer that errs is spoken with"
within_rib malformed_routes 0
ok $? "a route with a malformed attribute is taken for withdrawn"
bgp_is errors 0 && bgp_is state established
ok $? "and the session goes on"
kill $peer
wait $peer 2> /dev/null
garbage "another marker is answered" "notification 1/1" "raw:$(printf '00%.0s' {1..19})"
garbage "a length that cannot be" "notification 1/2" "raw:$(printf 'ff%.0s' {1..16})000102"
garbage "a type that is unknown" "notification 1/3" "9:00"
garbage "attributes that are cut off" "notification 3/1" "2:0000ffff"
garbage "a prefix that is none" "notification 3/10" "2:00000015${sound}ff"
garbage "a second OPEN" "notification 5/3" "1:04fc00001e0a00000100"
timeout 60 head -c 300000 /dev/urandom > "$dir/noise"
ip netns exec gw1 timeout 60 python3 - "$dir/noise" <<- 'END'
	import socket, sys
	noise = open(sys.argv[1], "rb").read()
	server = socket.create_server(("127.0.0.1", 1179), reuse_port=True)
	for i in range(8):
	    connection = server.accept()[0]
	    try:
	        connection.sendall(noise[i * 30000:(i + 1) * 30000])
	        while connection.recv(4096):
	            pass
	    except OSError:
	        pass
	    connection.close()
	    if i > 2:
	        break
END
[ -n "$(field 1 state)" ] && within 50 bgp_over errors 4
ok $? "after noise it is there"
all_end 1
ok $? "and ends without a fault"
finish

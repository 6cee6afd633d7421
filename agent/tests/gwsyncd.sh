#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Three daemons in namespaces of their own, with a sync LAN and a LAN that has
# a virtual router: election, switchover, death, a stopped process, a lost
# link, a vanished interface.  Connections are not synchronized here, so no
# kernel half is needed.  Needs root, veth, bridge and macvlan; TAP.
#
# usage: gwsyncd.sh PATH-OF-GWSYNCD PATH-OF-GWSYNC
set -u
daemon=$(realpath "$1")
cli=$(realpath "$2")

if [ "${GWSYNCD_INSIDE:-}" != 1 ]; then
	if ! unshare -n sh -c 'ip link add dev gt0 type veth peer name gt1 &&
		ip link add dev gtm link gt0 type macvlan mode bridge &&
		ip link add dev gtb type bridge' 2> /dev/null; then
		echo "1..0 # SKIP kernel lacks veth, bridge or macvlan, or not root"
		exit 0
	fi
	GWSYNCD_INSIDE=1 exec unshare -n -m --propagation private "$0" "$daemon" "$cli"
fi

mount -t tmpfs none /run && mkdir /run/netns
dir=$(mktemp -d)
scale=${GWSYNC_TIME_SCALE:-1}
n=0
failed=0
declare -A pid=()

cleanup() {
	for p in "${pid[@]}"; do kill -9 "$p" 2> /dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT

ok() {	# STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2"
		failed=$((failed + 1))
		for i in 1 2 3; do
			echo "# gw$i: $(state $i), owner $(field $i owner)"
			tail -n 6 "$dir/gw$i.log" | sed 's/^/#    /'
		done
	fi
}

field() {	# GATEWAY KEY: the first of that name, which is the gateway's own
	timeout 2 "$cli" -s "$dir/gw$1.sock" status --json 2> /dev/null |
		sed -n "s/^  \"$2\": \"\?\([^\",]*\)\"\?,\?\$/\1/p" | head -n 1
}

state() { field "$1" state; }

held() {	# GATEWAY: does it have the virtual address?
	ip -n gw"$1" addr show to 10.8.0.254 up 2> /dev/null | grep -q 10.8.0.254
}

# One owner, which holds the address; the others follow it and do not.
settled() {	# OWNER BACKUP...
	local owner=$1 i

	shift
	[ "$(state "$owner")" = owner ] && held "$owner" || return 1
	for i in "$@"; do
		[ "$(state "$i")" = backup ] && [ "$(field "$i" owner)" = "$owner" ] &&
			! held "$i" || return 1
	done
}

within() {	# TENTHS COMMAND...
	local left=$(($1 * scale))

	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

start() {	# GATEWAY
	ip netns exec gw"$1" "$daemon" -c "$dir/gw$1.conf" 2>> "$dir/gw$1.log" &
	pid[$1]=$!
}

attach() {	# GATEWAY: to the sync LAN
	ip link add "s$1" type veth peer name sync0 netns gw"$1"
	ip link set "s$1" master sync up
	ip -n gw"$1" addr add 10.9.0."$1"/24 dev sync0
	ip -n gw"$1" link set sync0 up
}

"$cli" key generate "$dir/key" > /dev/null || exit 1
for lan in sync lan; do
	ip link add $lan type bridge mcast_snooping 0
	ip link set $lan up
done
for i in 1 2 3; do
	ip netns add gw$i
	ip -n gw$i link set lo up
	attach $i
	ip link add l$i type veth peer name lan0 netns gw$i
	ip link set l$i master lan up
	ip -n gw$i addr add 10.8.0.$i/24 dev lan0
	ip -n gw$i link set lan0 up
	cat > "$dir/gw$i.conf" <<- END
	group = { id = 7; member = $i; priority = $((110 - 10 * i)); dead_after = $((3 * scale)); };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; },
		    { id = 3; name = "gw3"; } );
	key_file = "$dir/key";
	links = ( { interface = "sync0"; } );
	virtual_routers = ( { name = "lan"; interface = "lan0"; vrid = 5;
			      addresses = ( "10.8.0.254/24", "fd00:8::1/64" ); } );
	daemon = { control = "$dir/gw$i.sock"; sync_state = false; };
	END
done

start 1
within 50 settled 1
ok $? "alone: owner"
start 2
start 3
within 50 settled 1 2 3
ok $? "two more follow"
! ip netns exec gw1 timeout 5 "$daemon" -c "$dir/gw1.conf" 2> "$dir/second.log" &&
	grep -q 'another gwsyncd runs' "$dir/second.log" && settled 1 2 3
ok $? "a second daemon on one gateway refuses to run and breaks nothing"

! ip netns exec gw1 timeout 5 "$daemon" -c "$dir/gw1.conf" -r 2> "$dir/second.log" &&
	grep -q 'another gwsyncd runs' "$dir/second.log" && settled 1 2 3
ok $? "nor are a running daemon's addresses released"

! "$cli" -s "$dir/gw2.sock" switchover > /dev/null 2>&1
ok $? "only the owner hands over"
"$cli" -s "$dir/gw1.sock" switchover --to gw3 > /dev/null && within 20 settled 3 1 2
ok $? "planned switchover to the one asked for"

kill -9 "${pid[3]}"
wait "${pid[3]}" 2> /dev/null
held 3 && ip netns exec gw3 timeout 5 "$daemon" -c "$dir/gw3.conf" -r 2> "$dir/release.log" &&
	! held 3
ok $? "what a killed daemon has left is released"
within 20 settled 1 2
ok $? "death of the owner: the best backup takes over"
start 3
within 50 settled 1 3 2
ok $? "the dead one comes back as backup"

kill "${pid[1]}"
within 20 settled 2 3 && ! held 1
ok $? "an owner that is told to end hands over"
wait "${pid[1]}"
ok $? "and ends with status 0"
start 1
within 50 settled 2 1 3
ok $? "it comes back as backup"

# Its kernel still answers for the address: two of them, until it goes on.
kill -STOP "${pid[2]}"
within 30 settled 1 3
ok $? "an owner that hangs is replaced"
kill -CONT "${pid[2]}"
within 20 settled 1 2 3
ok $? "and yields when it goes on"

kill -STOP "${pid[2]}"
sleep $((2 * scale))
kill -CONT "${pid[2]}"
sleep "$scale"
settled 1 2 3
ok $? "a backup that hung for a while takes nobody for dead"

ip link set s1 down
sleep $((2 * scale))
settled 1 2 3
ok $? "owner without sync link, heard on the LAN: stays"
ip link set s1 up

ip -n gw2 link del sync0
sleep "$scale"
attach 2
within 30 sh -c "grep -q 'sync0: interface is gone' $dir/gw2.log &&
	tail -n 3 $dir/gw2.log | grep -q 'state goes over link sync0'"
ok $? "an interface that vanishes and comes back is used again"
settled 1 2 3
ok $? "nobody minded"

# Heal of a split: all that 1 has is cut, it stays owner; 2 takes over.
ip link set s1 down
ip link set l1 down
within 30 settled 2 3
ok $? "owner cut off: another takes over"
ip link set s1 up
ip link set l1 up
within 30 settled 2 1 3
ok $? "healed: the newer epoch stays, the other yields"

status=0
for i in 1 2 3; do
	kill "${pid[$i]}"
	wait "${pid[$i]}" || status=1
	grep -q 'Sanitizer\|runtime error' "$dir/gw$i.log" && status=1
done
ok $status "all end with status 0, no sanitizer spoke"
unset 'pid[@]'

echo "1..$n"
exit $((failed > 0))

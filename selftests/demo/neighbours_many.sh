#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# neighbours_many.sh HOSTS true|false EVERY_MS - in a guest, as neighbours.sh: more hosts than
# a kernel learns at its defaults, the first second of new owners, a host that has another MAC
# by then, and somebody who looks for hosts that are not there.
# shellcheck source=selftests/demo/neighbours.sh
. "$(dirname "$0")/neighbours.sh"
# Gateways have own addresses of IPv6 in the LANs and none of IPv4: hosts are behind the parents
# by IPv6, whose settings are the host's, and behind the macvlans by IPv4, which gwsync sets.
OWN4=32
DEAD_AFTER=10	# so many hosts may keep the one processor from daemons for longer than three

# One kernel has one table of neighbours for all namespaces: what it learns at most.
thresh() {	# GC_THRESH2 GC_THRESH3
	sysctl -qw net.ipv4.neigh.default.gc_thresh2="$1" net.ipv4.neigh.default.gc_thresh3="$2" \
		net.ipv6.neigh.default.gc_thresh2="$1" net.ipv6.neigh.default.gc_thresh3="$2"
}
# How often an entry was refused for want of room, IPv4 and IPv6 together.
table_full() {
	local total=0 file key fields at i

	for file in arp_cache ndisc_cache; do
		{
			read -r -a fields
			for at in "${!fields[@]}"; do
				[ "${fields[at]}" != table_fulls ] || i=$at
			done
			while read -r -a key; do
				total=$((total + 16#${key[i]}))
			done
		} < /proc/net/stat/$file
	done
	echo "$total"
}
# The host that moves: two cards, an address of each family on one of them at a time.
mover_net() {
	ip netns add mover
	ip -n mover link set lo up
	leg mover m1 lan2 m1 10.2.250.1/16 fd00:2::250:1/64 || return 1
	leg mover m2 lan2 m2 || return 1
	ip -n mover route add default via 10.2.0.1
	ip -n mover -6 route add default via fd00:2::1
	ip -n hosts1 addr add 10.1.250.1/16 dev eth0
	ip -n hosts1 addr add fd00:1::250:1/64 dev eth0 nodad
	# Each card answers for its own addresses.
	in_ns mover sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	in_ns mover sysctl -qw net.ipv6.ip_nonlocal_bind=1 net.ipv4.ip_nonlocal_bind=1
	chrt -f 1 ip netns exec mover gwsync-traffic hosts answer 10.2.250.1/1 fd00:2::250:1/1 \
		> $RUN/mover.out 2>&1 &
	PID[mover]=$!
}
# In silence: it says nothing of its own until it is asked.
move() {
	ip -n mover link set m1 down
	ip -n mover -force -batch - 2> /dev/null <<- END
		addr del 10.2.250.1/16 dev m1
		addr del fd00:2::250:1/64 dev m1
		addr add 10.2.250.1/16 dev m2
		addr add fd00:2::250:1/64 dev m2 nodad
		route add default via 10.2.0.1
	END
	ip -n mover -6 route add default via fd00:2::1
}
# asks FAMILY ADDRESS PEER: of the host that moves, each 20 ms, by itself
asks() {
	chrt -f 1 ip netns exec hosts1 gwsync-traffic hosts ask 20 "$2/1=$3" > "$RUN/asks$1.out" 2>&1 &
	PID[asks$1]=$!
	until_ok 10 grep -q talking "$RUN/asks$1.out" || fail "the host that moves does not answer"
}
moving_switchover() {
	asks 4 10.1.250.1 10.2.250.1
	asks 6 fd00:1::250:1 fd00:2::250:1
	move
	ask gwB switchover
}

# At the defaults a kernel cannot know them all, whoever has a backup: the daemon says so,
# and what is to be done.
alone() {
	[ "$SYNC" = true ] || return 0
	ip netns exec hosts2 gwsync-traffic hosts answer 10.2.1.0/$EACH fd00:2::1:1/$EACH \
		> $RUN/early-answer.out 2>&1 &
	PID[early-answer]=$!
	ip netns exec hosts1 gwsync-traffic hosts ask "$EVERY" \
		10.1.1.0/$EACH=10.2.1.0 fd00:1::1:1/$EACH=fd00:2::1:1 > $RUN/early.out 2>&1 &
	PID[early]=$!
	until_ok 20 grep -q 'set net.ipv4.neigh.default.gc_thresh3 to' $RUN/gwA.log &&
		echo "demand $(grep 'neigh.default.gc_thresh3 to' $RUN/gwA.log | head -n 1)"
	echo "full start $(table_full)"
	end early
	end early-answer
}

main() {
	local before

	set_up
	mover_net || fail mover
	thresh 32768 65536
	talk
	until_ok 60 knows_all gwB || fail "gwB knows $(known gwB)"
	# The heir has the defaults, and no room is the former owner's any more.
	before=$(table_full)
	lose_at_defaults() { power_loss; thresh 512 1024; }
	event power_loss gwA gwB lose_at_defaults
	echo "full power_loss $(($(table_full) - before))"
	thresh 32768 65536
	power_back
	talk
	until_ok 60 knows_all gwA || fail "gwA knows $(known gwA)"
	event planned gwB gwA moving_switchover
	sleep 8
	end asks4
	end asks6
	echo "moved 4 $(grep '^{' $RUN/asks4.out)"
	echo "moved 6 $(grep '^{' $RUN/asks6.out)"
	# Somebody looks for 1,000 hosts a second that are not there, at the defaults again.
	until_ok 30 backs_up gwB || fail "gwB is not in sync"
	thresh 512 1024
	talk
	before=$(table_full)
	chrt -f 1 ip netns exec hosts1 gwsync-traffic hosts ask 1000 10.1.1.0/1000=10.2.200.0 \
		> $RUN/scan.out 2>&1 &
	PID[scan]=$!
	sleep 5
	end scan
	end talk
	echo "full scan $(($(table_full) - before))"
	echo "talk scan $(grep '^{' "$RUN/talk.out")"
	tear_down
}

main

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The outside address changes: connections that were translated to the old one, and are
# kept alive from the inside, have a source for ever that nobody has any more.  The owner
# ends them where it is told to, counts them where it is not, and nobody touches others:
# of an address that came back, or of a pool that was never on an interface.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

FLOWS=10	# of each kind
MANY=20000	# at once, more than are remembered as ended:
TOMBSTONES=4096

between_lans
ip -n "$C" addr add 10.1.0.2/24 dev lan0
ip -n "$C" addr add fd00:1::2/64 dev lan0 nodad
ip -n "$C" route add default via 10.1.0.254
ip -n "$C" route add default via fd00:1::254
ip -n "$S" addr add 10.2.0.2/24 dev wan0
ip -n "$S" addr add fd00:2::2/64 dev wan0 nodad

# rules NETNS: "uplink" is for what goes to port 7001
rules() {
	local uplink4="" uplink6=""

	[ "${2:-}" != uplink ] || {
		uplink4="meta nfproto ipv4 udp dport 7001 snat ip to 10.3.0.77"
		uplink6="meta nfproto ipv6 udp dport 7001 snat ip6 to fd00:3::77"
	}
	in_ns "$1" nft -f - <<- END
	table inet gw
	delete table inet gw
	table inet gw {
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state established,related accept
			iifname gws1 ct state new accept
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			$uplink4
			$uplink6
			udp dport 7002 meta nfproto ipv4 snat ip to 10.3.0.5
			udp dport 7002 meta nfproto ipv6 snat ip6 to fd00:3::5
			oifname gws2 masquerade
		}
	}
	END
}
# configure NETNS MEMBER VIRTUAL END: the virtual address outside ends in VIRTUAL
configure() {
	agent_config "$1" 1 "$2" none
	cat >> "$TMP/$1.conf" <<- END
	virtual_routers = ( { interface = "wan0"; vrid = 2;
			      addresses = ( "10.2.0.$3/24", "fd00:2::$3/64" ); },
			    { interface = "lan0"; vrid = 1;
			      addresses = ( "10.1.0.254/24", "fd00:1::254/64" ); } );
	sync = { end_sourceless = $4; };
	kernel = { tombstones = $TOMBSTONES; };
	END
}
# uplink NETNS: it has an address of its own outside
uplink() {
	ip -n "$1" addr add 10.3.0.77/32 dev up0
	ip -n "$1" addr add fd00:3::77/128 dev up0 nodad
}
no_uplink() {
	ip -n "$1" addr del 10.3.0.77/32 dev up0
	ip -n "$1" addr del fd00:3::77/128 dev up0
}
n=0
for gw in "$A" "$B"; do
	n=$((n + 1))
	to_lan "$gw" lan $n
	to_lan "$gw" wan $n
	ip -n "$gw" link add up0 type dummy
	ip -n "$gw" link set up0 up
	uplink "$gw"
	configure "$gw" $n 254 true
	sysctl_ns "$gw" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	rules "$gw" uplink
done

# What phones do: a packet now and then from the same port, whatever comes back.
cat > "$TMP/keepalive" <<- 'END'
	for ((i = 10; i < 10 + $3; i++)); do eval "exec $i<> /dev/udp/$1/$2"; done
	while :; do
		for ((i = 10; i < 10 + $3; i++)); do echo >&$i; done
		sleep 0.2
	done
END
keepalive() { spawn "alive-$1-$2" "$C" bash "$TMP/keepalive" "$1" "$2" "$3"; }

# of_source NETNS ADDRESS: connections that have it as translated source
of_source() {
	local family=ipv4

	case $2 in *:*) family=ipv6 ;; esac
	in_ns "$1" conntrack -L -f $family -p udp 2> /dev/null | grep -c "dport=700[0-9] .* dst=$2 " ||
		true
}
sources() {	# NETNS COUNT ADDRESS...
	local ns=$1 count=$2 address

	shift 2
	for address in "$@"; do
		eq "$(of_source "$ns" "$address") of $address" "$count of $address" || return 1
	done
}
# ids NETNS ADDRESS: which they are
ids() { in_ns "$1" conntrack -L -o id -p udp 2> /dev/null | grep "dst=$2 " | grep -o 'id=.*' | sort; }
ended() { counter "$1" kernel source_ended; }
ended_is() { eq "$(ended "$1") ended at $1" "$2 ended at $1"; }
# gone NETNS ADDRESS: it has seen that nobody has it
gone() { ask "$1" status --json | grep -q "\"address\": \"$2\""; }
not_gone() { ! gone "$@"; }
# of_sourceless NETNS KEY: of its status
of_sourceless() {
	ask "$1" status --json | awk -v key="\"$2\":" '
		/^  "sourceless"/ { inside = 1 }
		inside && $1 == key { print $2 + 0; exit }'
}
sourceless_is() { eq "$2 $(of_sourceless "$1" "$2")" "$2 $3"; }

agent_start "$A"
check "alone: owner" wait_for 5 field_is "$A" state owner || finish
agent_start "$B"
spawn serve4 "$S" peer udp-serve 7000
check "server listens" wait_for 5 said serve4 ready
for to in 10.2.0.2 fd00:2::2; do
	for port in 7000 7001 7002; do
		keepalive $to $port $FLOWS
	done
done
check "in sync" wait_for 15 in_sync "$A" "$B"
for gw in "$A" "$B"; do
	check "connections of each source at $gw" wait_for 10 sources "$gw" $FLOWS \
		10.2.0.254 fd00:2::254 10.3.0.77 fd00:3::77 10.3.0.5 fd00:3::5 || finish
done

# An address that comes back in time.
was=$(ids "$A" 10.3.0.77)
no_uplink "$A"
check "flap: the owner has seen it go" wait_for 5 gone "$A" 10.3.0.77
check "flap: that of IPv6, too" wait_for 5 gone "$A" fd00:3::77
uplink "$A"
check "flap: and come" wait_for 5 not_gone "$A" 10.3.0.77
sleep 12	# longer than the grace, which is what is tested
check "flap: nothing has ended" ended_is "$A" 0
check "flap: its connections are those of before" eq "$(ids "$A" 10.3.0.77)" "$was"
check "flap: at the backup, too" sources "$B" $FLOWS 10.3.0.77 fd00:3::77

# A backup that loses an address ends nothing, whoever has it.
no_uplink "$B"
check "backup: it has seen its own go" wait_for 5 gone "$B" 10.3.0.77
sleep 12
check "backup: its replicas are there" sources "$B" $FLOWS 10.3.0.77 fd00:3::77
check "backup: and the owner's connections" eq "$(ids "$A" 10.3.0.77)" "$was"
check "backup: nothing was ended" ended_is "$B" 0

# The uplink's address goes for good, and with it the rule that translated to it.
pool=$(ids "$A" 10.3.0.5)
masqueraded=$(ids "$A" 10.2.0.254)
rules "$A"
rules "$B"
no_uplink "$A"
for gw in "$A" "$B"; do
	check "address gone: its connections have ended at $gw" \
		wait_for 10 sources "$gw" 0 10.3.0.77 fd00:3::77
done
check "address gone: as many as there were, and no other" ended_is "$A" $((2 * FLOWS))
check "address gone: not by the backup" ended_is "$B" 0
check "address gone: a line of the log" logged "$A" "10.3.0.77 is no address .*: $FLOWS flows .* ended"
check "address gone: for IPv6 as well" logged "$A" "fd00:3::77 is no address .*: $FLOWS flows .* ended"
check "address gone: the status shows it" sourceless_is "$A" ended $((2 * FLOWS))
check "address gone: and the command" shows "sourceless .* $((2 * FLOWS)) were ended" ask "$A" status
check "address gone: the pool's are those of before" eq "$(ids "$A" 10.3.0.5)" "$pool"
for id in $masqueraded; do
	ids "$A" 10.2.0.254 | grep -qx "$id" || break
	id=
done
check "address gone: the masqueraded, too" eq "$id" ""
for gw in "$A" "$B"; do
	check "address gone: they begin anew, at $gw" \
		wait_for 10 sources "$gw" $((2 * FLOWS)) 10.2.0.254 fd00:2::254
done

# Many at once: they end at the pace at which the others can be told.
has_many() { eq "$(with_dport "$1" 7100) at $1" "$2 at $1"; }
ip -n "$A" addr add 10.3.0.88/32 dev up0
ctmake "$A" create count=$MANY src=10.1.0.9 dst=10.2.0.9 proto=17 timeout=3600 dport=7100 \
	sport=1000 snat=10.3.0.88
check "many: the backup has them" wait_for 15 has_many "$B" $MANY
was=$(ended "$A") lost=$(counter "$A" kernel tombstones_lost) epoch=$(field "$A" epoch)
ip -n "$A" addr del 10.3.0.88/32 dev up0
check "many: the owner has seen it go" wait_for 5 gone "$A" 10.3.0.88
for gw in "$A" "$B"; do
	check "many: all have ended at $gw" wait_for 15 has_many "$gw" 0
done
check "many: as many as there were" ended_is "$A" $((was + MANY))
check "many: no end was lost" eq "$(counter "$A" kernel tombstones_lost)" "$lost"
check "many: nobody has missed the owner" eq "$(field "$B" epoch)" "$epoch"
check "many: in sync" wait_for 15 in_sync "$A" "$B"
echo "# many: $(grep -o '10.3.0.88 is no.*' "$TMP/$A.log")"

# An interface that goes down takes its addresses along, as for what the kernel masquerades.
ip -n "$A" addr add 10.3.0.88/32 dev up0
check "interface down: its address is back" wait_for 5 not_gone "$A" 10.3.0.88
ctmake "$A" create count=$FLOWS src=10.1.0.9 dst=10.2.0.9 proto=17 timeout=3600 dport=7100 \
	sport=1000 snat=10.3.0.88
check "interface down: the backup has them" wait_for 15 has_many "$B" $FLOWS
ip -n "$A" link set up0 down
check "interface down: the owner has seen it" wait_for 5 gone "$A" 10.3.0.88
for gw in "$A" "$B"; do
	check "interface down: all have ended at $gw" wait_for 15 has_many "$gw" 0
done
ip -n "$A" link set up0 up
check "interface up: it has its address again" wait_for 5 not_gone "$A" 10.3.0.88

# restart NETNS: it takes over its new configuration
restart() { agent_end "$1" && agent_start "$1"; }
# change VIRTUAL END: on both members, the backup first; the other one owns then
change() {
	local was=$owner

	configure "$A" 1 "$1" "$2"
	configure "$B" 2 "$1" "$2"
	check "$1: the backup has it" restart "$backup"
	check "$1: in sync again" wait_for 15 in_sync "$owner" "$backup"
	check "$1: the owner hands over" agent_end "$owner"
	owner=$backup backup=$was
	agent_start "$backup"
	check "$1: the other one owns" wait_for 10 field_is "$owner" state owner
}
owner=$A backup=$B
pool=$(ids "$B" 10.3.0.5)
was=$(ended "$B")
change 253 true
for gw in "$B" "$A"; do
	check "virtual address changed: nothing has the old one at $gw" \
		wait_for 15 sources "$gw" 0 10.2.0.254 fd00:2::254
	check "virtual address changed: all have the new one at $gw" \
		wait_for 15 sources "$gw" $((2 * FLOWS)) 10.2.0.253 fd00:2::253
done
check "virtual address changed: as many ended as there were" ended_is "$B" $((was + 4 * FLOWS))
check "virtual address changed: none by the backup" sourceless_is "$A" ended 0
check "virtual address changed: a line of the log" logged "$B" \
	"10.2.0.254 is no address .*: $((2 * FLOWS)) flows .* ended"
check "virtual address changed: the pool's are those of before" eq "$(ids "$B" 10.3.0.5)" "$pool"
check "virtual address changed: in sync" wait_for 15 in_sync "$B" "$A"

# The control: who does not ask for it keeps them, and is told how many.
was=$(ended "$A")
change 254 false
check "control: the owner has counted them" wait_for 15 sourceless_is "$A" left $((4 * FLOWS))
for gw in "$A" "$B"; do
	check "control: all still have the old one at $gw" \
		wait_for 5 sources "$gw" $((2 * FLOWS)) 10.2.0.253 fd00:2::253
done
check "control: nothing was ended" ended_is "$A" "$was"
check "control: a line of the log" logged "$A" \
	"10.2.0.253 is no address .* $((2 * FLOWS)) flows .* no answer"
check "control: in sync" wait_for 15 in_sync "$A" "$B"
logs_if_failed "$A" "$B"
finish

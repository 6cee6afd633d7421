#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What somebody takes away from a virtual router is back within a second, announced,
# and said in one line; a fight with another program goes to the other member, once.
# What a dead daemon left is found, whatever its file says by now.  Two daemons in
# namespaces of their own, a host on the LAN.  No kernel half is needed.  Needs root,
# veth, bridge, macvlan and nft; TAP.
#
# usage: taken.sh PATH-OF-GWSYNCD PATH-OF-GWSYNC
# shellcheck source=agent/tests/lib_daemon.sh
. "$(dirname "$0")/lib_daemon.sh"

vmac=00:00:5e:00:01:05

describe() {
	for i in 1 2; do
		echo "# gw$i: $(field $i state), owner $(field $i owner), health $(field $i health)"
		problems $i | sed 's/^/#  problem: /'
		ip -n gw$i -o addr show dev gws5 2>&1 | sed 's/^/#  /'
		log_tail $i 8
	done
}

lines() { wc -l < "$dir/gw$1.log"; }
since() { tail -n +$(($2 + 1)) "$dir/gw$1.log"; }	# GATEWAY LINES

setting() {	# GATEWAY FAMILY INTERFACE KEY VALUE
	[ "$(ip netns exec "gw$1" cat "/proc/sys/net/$2/conf/$3/$4")" = "$5" ]
}
# All that the owner must have on gws5, and its parent
whole() {
	local link addr

	link=$(ip -n "gw$1" -d -o link show dev gws5 2> /dev/null) || return 1
	[[ $link =~ [\<,]UP[,\>] ]] && [[ ! $link =~ NOARP ]] && [[ $link =~ MULTICAST ]] &&
		[[ $link == *"mtu 1500"* ]] && [[ $link == *"link/ether $vmac"* ]] &&
		[[ $link == *"mode bridge"* ]] && [[ ! $link =~ master ]] &&
		[[ $link == *"gwsync virtual router"* ]] || return 1
	addr=$(ip -n "gw$1" -o addr show dev gws5)
	[[ $addr == *"10.8.0.254/24 metric 1024"* ]] && [[ $addr == *"10.8.0.253/24 metric 1024"* ]] &&
		[[ $addr == *"fd00:8::1/64 metric 1024"* ]] && [[ $addr == *"fe80::5/64"* ]] &&
		[[ ! $addr =~ tentative|dadfailed|deprecated ]] || return 1
	setting "$1" ipv4 gws5 arp_ignore 1 && setting "$1" ipv4 gws5 arp_announce 2 &&
		setting "$1" ipv4 gws5 rp_filter 2 && setting "$1" ipv6 gws5 accept_ra 0 &&
		setting "$1" ipv6 gws5 disable_ipv6 0 && setting "$1" ipv6 gws5 addr_gen_mode 1 &&
		setting "$1" ipv4 gws5 forwarding 1 &&
		setting "$1" ipv4 lan0 arp_ignore 1 && setting "$1" ipv4 lan0 arp_announce 2
}

# What the host hears from the virtual MAC about the addresses
announced() {
	ip netns exec host nft list counter netdev hear announced | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
more_announced() { [ "$(announced)" -gt "$heard" ]; }

# taken NAME TEXT COMMAND...: run at the owner, gw1, then all is back
taken() {
	local name=$1 text=$2 from took

	shift 2
	# An owner that was left in peace for a while
	sleep 0.2
	from=$(lines 1)
	heard=$(announced)
	took=$(now_ms)
	"$@"
	within 10 whole 1 && within 2 more_announced
	ok $? "$name: back within a second and announced ($(($(now_ms) - took)) ms)"
	within 5 says_one "$from" "$text"
	ok $? "$name: one line"
	calm
}
says_one() {
	[ "$(since 1 "$1" | grep -c 'was changed by somebody')" -eq 1 ] &&
		since 1 "$1" | grep 'was changed by somebody' | grep -qE -- "$2"
}
# Each of these is an accident of its own, not a fight: their daemon forgets it.
calm() {
	taken_count=$((taken_count + 1))
	[ $((taken_count % 4)) -eq 0 ] || return
	restart 1
	"$cli" -s "$dir/gw2.sock" switchover > /dev/null
	within 50 settled 1 2
}
taken_count=0
gw1() { ip -n gw1 "$@"; }
batch() { printf '%s\n' "$@" | ip -n gw1 -batch -; }
set_in() { ip netns exec "$1" sysctl -qw "${@:2}"; }

config() {	# GATEWAY [VRID-OF-LAN [MACVLAN-OF-WAN]]
	cat > "$dir/gw$1.conf" <<- END
	group = { id = 7; member = $1; priority = $((110 - 10 * $1));
		  dead_after = $((5 * scale)); link_delay_ms = 0; };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; } );
	auth = "none";
	links = ( { interface = "sync0"; } );
	virtual_routers = ( { name = "lan"; interface = "lan0"; vrid = ${2:-5};
			      addresses = ( "10.8.0.254/24", "10.8.0.253/24", "fd00:8::1/64",
					    "fe80::5/64" ); },
			    { name = "wan"; interface = "wan0"; vrid = 6;
			      macvlan = "${3:-gws6}"; addresses = ( "10.7.0.254/24" ); } );
	daemon = { control = "$dir/gw$1.sock"; sync_state = false; state = "$dir/state$1"; };
	END
}
restart() {
	end "$1"
	start "$1"
	within 50 settled $((3 - $1)) "$1"
}
release() {	# GATEWAY OPTION...
	ip netns exec gw"$1" timeout 5 "$daemon" -r "${@:2}" 2> "$dir/release.log"
}

ip netns add host
ip -n host link set lo up
for lan in sync lan wan; do
	ip link add $lan type bridge mcast_snooping 0
	ip link set $lan up
done
ip link add lan-h type veth peer name eth0 netns host
ip link set lan-h master lan up
ip -n host link set eth0 up
ip -n host addr add 10.8.0.9/24 dev eth0
ip netns exec host nft -f - <<- END
	table netdev hear {
		counter announced { }
		chain in {
			type filter hook ingress device eth0 priority 0;
			ether saddr $vmac arp operation request counter name announced
			ether saddr $vmac icmpv6 type nd-neighbor-advert counter name announced
		}
	}
	END
for i in 1 2; do
	ip netns add gw$i
	ip -n gw$i link set lo up
	for lan in sync lan wan; do
		ip link add "$lan-$i" type veth peer name "${lan}0" netns gw$i
		ip link set "$lan-$i" master $lan up
		ip -n gw$i link set "${lan}0" up
	done
	ip -n gw$i addr add 10.9.0.$i/24 dev sync0
	ip -n gw$i addr add 10.8.0.$i/24 dev lan0
	ip -n gw$i addr add 10.7.0.$i/24 dev wan0
	set_in gw$i net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	config $i
done
before=$(ip netns exec gw2 sysctl net.ipv4.conf.lan0 net.ipv4.conf.wan0)

start 1
within 50 held 1
start 2
within 50 settled 1 2 && within 20 whole 1
ok $? "an owner and a backup"

taken "one address of three" "without 10.8.0.254/24" gw1 addr del 10.8.0.254/24 dev gws5
taken "all addresses" "without 10.8.0.254/24.*fe80::5" gw1 addr flush dev gws5
taken "IPv6 addresses" "without fd00:8::1/64, without fe80::5/64" gw1 -6 addr flush dev gws5
taken "set down" "down, without fd00:8::1" gw1 link set gws5 down
taken "down and up" "without fd00:8::1" batch "link set gws5 down" "link set gws5 up"
taken "IPv6 switched off" "disable_ipv6=1, without fd00:8::1" \
	set_in gw1 net.ipv6.conf.gws5.disable_ipv6=1
ipv6_off_on() {
	set_in gw1 net.ipv6.conf.gws5.disable_ipv6=1 net.ipv6.conf.gws5.disable_ipv6=0
}
taken "IPv6 switched off and on" "without fd00:8::1" ipv6_off_on
taken "an address that waits for its DAD" "unusable fd00:8::1/64" \
	batch "addr del fd00:8::1/64 dev gws5" "addr add fd00:8::1/64 dev gws5"
taken "another prefix length" "fd00:8::1/64" \
	batch "addr del fd00:8::1/64 dev gws5" "addr add fd00:8::1/60 dev gws5 nodad"
taken "the interface removed" "no such interface" gw1 link del gws5
taken "renamed" "no such interface" batch "link set gws5 down" "link set gws5 name other"
! ip -n gw1 link show other > /dev/null 2>&1
ok $? "and nothing is left of the other name"
taken "another MAC" "another MAC" gw1 link set gws5 address 02:00:00:00:00:05
taken "another mode" "another mode" gw1 link set gws5 type macvlan mode private
taken "another MTU" "another MTU" gw1 link set gws5 mtu 1400
taken "another alias" "another alias" gw1 link set gws5 alias mine
taken "no ARP" "ARP or multicast off" gw1 link set gws5 arp off
taken "rp_filter" "rp_filter=1" set_in gw1 net.ipv4.conf.gws5.rp_filter=1
taken "arp_ignore of its own" "arp_ignore=0" set_in gw1 net.ipv4.conf.gws5.arp_ignore=0
taken "accept_ra" "accept_ra=1" set_in gw1 net.ipv6.conf.gws5.accept_ra=1
from=$(lines 1)
set_in gw1 net.ipv4.conf.lan0.arp_ignore=0
within 11 whole 1
ok $? "arp_ignore of the parent: back within a second"
within 5 says_one "$from" "lan0.*arp_ignore=0"
ok $? "arp_ignore of the parent: one line"
grep -q 'another program' "$dir/gw1.log"
[ $? -ne 0 ]
ok $? "none of that was taken for a fight"

# Links: what takes the membership away, heard again on that very link within a second.
hears() {	# GATEWAY LINK: the other member
	status "$1" | sed -n '/^  "peers": \[/,/^  \]/p' | grep -q "^ *\"$2\""
}
deaf() { ! hears "$@"; }
flap() {
	for _ in $(seq 50); do printf 'link set %s down\nlink set %s up\n' "$2" "$2"; done |
		ip -n gw"$1" -batch -
}
for link in sync0 lan0; do
	flap 2 $link
	within 10 hears 2 $link && within 10 hears 1 $link
	ok $? "$link went down and up 50 times: heard again"
done
ip -n gw2 addr flush dev sync0
ip -n gw2 addr add 10.9.0.2/24 dev sync0
within 10 hears 2 sync0 && within 10 hears 1 sync0
ok $? "its address taken and given back: heard"
printf 'link set sync0 down\nlink set sync0 name cable\n' | ip -n gw2 -batch -
within 30 deaf 2 sync0
printf 'link set cable name sync0\nlink set sync0 up\n' | ip -n gw2 -batch -
within 10 hears 2 sync0 && within 10 hears 1 sync0
ok $? "renamed and back: heard again"
printf 'link add ports type bridge\nlink set ports up\nlink set sync0 master ports\n' |
	ip -n gw2 -batch -
within 30 deaf 2 sync0
ok $? "a port of a bridge hears nobody"
printf 'link set sync0 nomaster\nlink del ports\n' | ip -n gw2 -batch -
within 10 hears 2 sync0 && within 10 hears 1 sync0
ok $? "a port no longer: heard again"
# Whatever else it may be: a socket that hears nobody is opened anew.
reopened() { status "$1" | grep -m 1 '"reopened"' | grep -qv ' 0,'; }
ip netns exec gw2 nft -f - <<- END
	table inet deaf {
		chain in {
			type filter hook prerouting priority -500;
			iifname sync0 udp dport 8116 drop
		}
	}
	END
within 60 reopened 2
ok $? "a socket that hears nobody is opened anew"
ip netns exec gw2 nft delete table inet deaf
within 10 hears 2 sync0
ok $? "and hears"

# A backup: not its matter to be up, and not to freeze over it.
from=$(lines 2)
beats() { status 2 | sed -n 's/.*"heartbeats_sent": \([0-9]*\).*/\1/p'; }
printf 'link set gws5 up\nlink set gws6 up\n' | ip -n gw2 -batch -
both_down() { ! ip -n gw2 link show up | grep -q gws; }
within 10 both_down
ok $? "a backup's macvlans that are set up go down"
throughout 10 settled 1 2 && ! since 2 "$from" | grep -q 'timed out' &&
	! grep -q 'gw2.*is dead' "$dir/gw1.log"
ok $? "and its daemon was not away meanwhile"

# Two programs that fight: the other member owns, once.
take() {	# GATEWAY PAUSE
	while :; do
		ip -n "gw$1" addr del 10.8.0.254/24 dev gws5 2> /dev/null
		sleep "$2"
	done
}
from=$(lines 1)
take 1 0.3 &
taker=$!
within 80 settled 2 1
ok $? "a fight at the owner: the other one owns"
says 1 'virtual router lan: another program takes it away again and again'
ok $? "and it is said"
[ "$(since 1 "$from" | grep -c 'was changed by somebody')" -le 6 ] &&
	[ "$(since 1 "$from" | grep -c 'by another program')" -eq 1 ]
ok $? "in a few lines"
kill "$taker"
throughout $((20 * scale)) settled 2 1
ok $? "it is over: nothing goes back"
take 2 0.3 &
taker=$!
within 80 says 2 'virtual router lan: another program'
ok $? "a fight at the other one"
throughout $((30 * scale)) [ "$(field 1 state)" = backup ]
ok $? "both have it: the addresses stay"
kill "$taker"
restart 1
end 2
start 2
within 50 settled 1 2

# An owner that cannot hold a router is not healthy.
from=$(lines 1)
batch "link add theirs type bridge" "link set gws5 down" "link set gws5 name other" \
	"link set theirs name gws5"
within 50 settled 2 1
ok $? "an owner that cannot make its macvlan: the other one owns"
says 1 "virtual router lan: an interface gws5 is there that is not gwsync's" &&
	[ "$(field 1 healthy)" = false ]
ok $? "and it says why"
throughout 30 says 1 'virtual router lan'
[ "$(since 1 "$from" | grep -c "error.*not gwsync's\|<3>.*not gwsync's")" -eq 1 ]
ok $? "once"
gw1 link del gws5
well() { silent 1 'virtual router' && [ "$(field 1 healthy)" = true ]; }
within 50 well
ok $? "it can again: healthy"

# What a dead daemon left, whatever the file says.
left() { ip -n gw"$1" -o link show | grep -q 'gwsync virtual router'; }
as_found() {
	[ "$(ip netns exec gw2 sysctl net.ipv4.conf.lan0 net.ipv4.conf.wan0)" = "$before" ]
}
within 50 settled 2 1
crash 2
held 2 && echo 'group = {' > "$dir/gw2.conf"
release 2 -c "$dir/gw2.conf" && ! held 2 && ! left 2 && as_found
ok $? "killed, and the file is broken: released"
config 2
start 2
within 50 settled 1 2
"$cli" -s "$dir/gw1.sock" switchover > /dev/null && within 30 settled 2 1
crash 2
config 2 15 other
release 2 -c /nowhere && ! held 2 && ! left 2 && as_found
ok $? "killed, and there is another file, or none: released"
config 2
start 2
within 50 settled 1 2
"$cli" -s "$dir/gw1.sock" switchover > /dev/null && within 30 settled 2 1
! release 2 && grep -q 'another gwsyncd runs' "$dir/release.log" && settled 2 1
ok $? "one that runs keeps its own"
crash 2
sed -i '/virtual_routers/,/10.7.0.254/d' "$dir/gw2.conf"
start 2
within 50 test -n "$(field 2 state)"
! left 2 && as_found
ok $? "the next one has no virtual router: what was left is gone"
end 2

# One that cannot be made keeps nothing else from running.
config 2
ip -n gw2 link add gws6 type bridge
start 2
within 50 settled 1 2 && within 30 says 2 "virtual router wan: an interface gws6 is there that is not"
ok $? "another's interface has the name: the daemon runs, and says so"
"$cli" -s "$dir/gw1.sock" switchover --force > /dev/null
within 30 held 2
ok $? "and holds what it can"
ip -n gw2 link del gws6
wan_held() { ip -n gw2 addr show dev gws6 up 2> /dev/null | grep -q 10.7.0.254; }
within 20 wan_held || within 50 settled 1 2
ok $? "it is gone: the rest is held"

# Another one that does not hear this owner claims the addresses, on and on.
end 2
rm -rf "$dir/state2"
ip netns exec gw2 nft -f - <<- END
	table inet deaf {
		chain in {
			type filter hook prerouting priority -500;
			ip saddr { 10.9.0.1, 10.8.0.1, 10.7.0.1 } udp dport 8116 drop
		}
	}
	END
from=$(lines 1)
start 2
within 80 held 2
heard=$(announced)
sleep 6
[ "$(since 1 "$from" | grep -c 'claims to be owner too')" -le 1 ] && held 1 &&
	[ $(($(announced) - heard)) -le 90 ]
ok $? "another claims on and on: said once, announced $(($(announced) - heard)) times in 6 s"
ip netns exec gw2 nft delete table inet deaf
one_owner() { settled 1 2 || settled 2 1; }
within 50 one_owner
ok $? "it hears: one owner"

all_end 1 2
ok $? "all end with status 0, no sanitizer spoke"
as_found && ! left 1 && ! left 2
ok $? "settings as found, no macvlan left"

finish

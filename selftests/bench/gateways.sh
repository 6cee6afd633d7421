# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What one file leaves for another is used there.
# shellcheck disable=SC2034
# The two gateways of the bench, both in one guest:
#
#	cl hA --- n1 gwA n2 --- hA sv		gwA forwards, gwB is its backup
#	cl hB --- n1 gwB n2 --- hB sv		gwA sync0 --- sync0 gwB
#
# Both gateways have the same addresses and the same strict firewall, as a pair
# behind virtual addresses would. The ends, cl and sv, only carry the packet
# sockets of load: no address, no conntrack, nobody who answers. Nothing asks for
# a neighbour while something is measured.

# As on a gateway: packets arrive where the card interrupts, at the last CPU, and
# daemons and the kernel's own threads work on the others. With one CPU on that.
PACKETS=(taskset -c $(($(nproc) - 1)) load)

# workers apart|everywhere: where daemons and kernel threads work
workers() {
	local cpus

	cpus=$(nproc)
	[ "$1" = everywhere ] || [ "$cpus" = 1 ] || cpus=$((cpus - 1))
	WORKERS=0-$((cpus - 1))
	printf '%x' $(((1 << cpus) - 1)) > /sys/devices/virtual/workqueue/cpumask
}

# table_size FLOWS BUCKETS: the same for all systems
table_size() {
	modprobe -a nf_conntrack nf_conntrack_netlink || return 1
	sysctl -qw net.netfilter.nf_conntrack_max="$1" net.netfilter.nf_conntrack_buckets="$2"
}

# end_leg NETNS LETTER(A|B) GATEWAY NUMBER MAC-BYTE: a leg from an end to a gateway
end_leg() {
	local ns=$1 l=$2 gw=$3 n=$4 mac=$5

	ip link add "h$l" netns "$ns" address "02:00:00:00:$mac:1${l,,}" type veth \
		peer name "n$n" netns "$gw" address "02:00:00:00:0${l,,}:0$n" || return 1
	# Not the address that the gateway sends to: the kernel of an end then drops
	# what it gets at once (PACKET_OTHERHOST), the packet socket sees it anyway.
	ip -n "$ns" link set "h$l" arp off up
	ip -n "$gw" link set "n$n" up
	ip -n "$gw" addr add "10.$n.0.1/32" dev "n$n"
	ip -n "$gw" route add "10.$n.0.2/32" dev "n$n"
}

# end_known GATEWAY NUMBER LETTER MAC-BYTE: who is not asked for a neighbour
end_known() {
	ip -n "$1" neigh replace "10.$2.0.2" lladdr "02:00:00:00:$4:0${3,,}" dev "n$2" \
		nud permanent
}
# ends_known: also after somebody has flushed neighbours
ends_known() {
	local l

	for l in A B; do
		end_known gw$l 1 $l 0c && end_known gw$l 2 $l 0d || return 1
	done
}

gateways_up() {
	local ns l gw

	for ns in cl sv gwA gwB; do
		ip netns add "$ns" || return 1
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
		ip -n "$ns" link set lo up
	done
	for l in A B; do
		gw=gw$l
		end_leg cl $l $gw 1 0c && end_leg sv $l $gw 2 0d || return 1
		# All clients are behind one neighbour.
		ip -n $gw route add 10.1.0.0/16 via 10.1.0.2 dev n1
		gateway_policy $gw || return 1
	done
	ends_known || return 1
	ip link add sync0 netns gwA type veth peer name sync0 netns gwB || return 1
	ip -n gwA addr add 10.9.0.1/24 dev sync0
	ip -n gwB addr add 10.9.0.2/24 dev sync0
	for gw in gwA gwB; do
		ip -n $gw link set sync0 up
	done
}

gateway_policy() {
	ip netns exec "$1" sysctl -qw net.ipv4.ip_forward=1 \
		net.netfilter.nf_conntrack_tcp_loose=0 \
		net.netfilter.nf_conntrack_tcp_be_liberal=0 || return 1
	# No flow ends by itself while it is counted, however slow the guest.
	ip netns exec "$1" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=3600 \
		net.netfilter.nf_conntrack_udp_timeout_stream=3600 \
		net.netfilter.nf_conntrack_tcp_timeout_time_wait=3600 || return 1
	ip netns exec "$1" nft -f - <<- 'END'
	table ip gw {
		counter invalid { }
		counter refused { }
		# What the members say to each other is no flow to keep.
		chain early {
			type filter hook prerouting priority raw;
			iifname sync0 notrack
		}
		chain out {
			type filter hook output priority raw;
			oifname sync0 notrack
		}
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state invalid counter name invalid drop
			ct state established,related accept
			meta l4proto tcp tcp flags & (fin|syn|rst|ack) != syn \
				counter name refused drop
			ct state new accept
		}
		chain input {
			type filter hook input priority 0; policy accept;
			ct state invalid counter name invalid drop
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname n2 ip saddr 10.1.0.0/16 snat ip to 10.2.0.1
		}
	}
	END
}

# gateways_flush: both tables empty, counters of the firewall too
gateways_flush() {
	local gw

	for gw in gwA gwB; do
		ip netns exec $gw conntrack -F > /dev/null 2>&1
		ip netns exec $gw nft reset counters table ip gw > /dev/null
	done
}

# flows NETNS: entries of its table
flows() { ip netns exec "$1" sysctl -n net.netfilter.nf_conntrack_count; }

# dropped NETNS: packets that its firewall found invalid or out of state
dropped() {
	ip netns exec "$1" nft list counters table ip gw |
		awk '/packets/ { n += $2 } END { print n + 0 }'
}

gateways_down() {
	local ns

	for ns in cl sv gwA gwB; do
		ip netns del $ns 2> /dev/null
	done
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Neighbours: what the owner's kernel learned of the hosts in the LAN is with its
# backup, which asks nobody before its first packet when it takes over.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

HOSTS=20
HOSTS_IPV4=10.8.0.100-10.8.0.$((99 + HOSTS))
HOSTS_SOLICITED=ff02::1:ff00:100-ff02::1:ff00:$((99 + HOSTS))
faults_net "$A" "$B"
# Hosts of the LAN, half of them by IPv6, on one interface.
for ((i = 0; i < HOSTS; i++)); do
	echo "addr add 10.8.0.$((100 + i))/24 dev br1"
	echo "addr add fd00:8::$((100 + i))/64 dev br1 nodad"
done | ip -n "$LAN" -force -batch - 2> /dev/null
ADDRESSES="\"$VIP/24\", \"fd00:8::254/64\""
for gw in "$A" "$B"; do
	ip -n "$gw" addr add "fd00:8::${MEMBER[$gw]}/64" dev lan0 nodad
	faults_config "$gw"
	sed -i '/^kernel = /i sync = { neighbours_on = ( "sync0" ); };' "$TMP/$gw.conf"
done
ip -n "$LAN" addr add 10.9.0.99/24 dev br0
# Of them, and not what an interface that comes up asks for its own addresses (RFC 4862,
# 5.4): by the group to which IPv6 asks for a host (RFC 4291, 2.7.1).
asked_chain() {
	cat <<- END
		counter $1 { }
		chain $1 {
			type filter hook ingress device $1 priority 0;
			ether daddr ff:ff:ff:ff:ff:ff arp operation request arp daddr ip $HOSTS_IPV4 counter name $1
			ip6 daddr $HOSTS_SOLICITED icmpv6 type nd-neighbor-solicit counter name $1
		}
	END
}
in_ns "$LAN" nft -f - <<- END
	table netdev asked {
		$(asked_chain l1)
		$(asked_chain l2)
	}
	END
# By this gateway, all in the LAN for whomever. A host that is known is asked itself, after
# its first packets, whether it is still there: that is no such question.
asked() {
	in_ns "$LAN" nft list counter netdev asked "l${MEMBER[$1]}" |
		sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
is() { eq "$2 of $1: $(of_table "$1" neighbours "$2")" "$2 of $1: $3"; }
# known NETNS: what it holds of the hosts, by its own account
known() { ask "$1" neighbours --json | grep -c '"address": "\(10\.8\.0\.1\|fd00:8::1\)[0-9][0-9]"'; }
knows_all() { ge "$(known "$1")" $((2 * HOSTS)); }
# speaks NETNS: to each host, as one that forwards to it does
speaks() {
	local i

	for ((i = 0; i < HOSTS; i++)); do
		in_ns "$1" ping -qc 1 -W 2 "10.8.0.$((100 + i))"
		in_ns "$1" ping -6qc 1 -W 2 "fd00:8::$((100 + i))"
	done > "$TMP/speaks"
	[ "$(grep -c ' 0% packet loss' "$TMP/speaks")" = $((2 * HOSTS)) ]
}
live() {	# NETNS: hosts in its kernel
	ip -n "$1" neigh show | grep -c '^\(10\.8\.0\.1\|fd00:8::1\)[0-9][0-9] .*lladdr'
}

# As the owner would say, but for one host's card, and for another host.
cat > "$TMP/liar" <<- END
	#!/bin/bash
	$(command -v ip) netns exec $A gwsync -s $TMP/$A.sock "\$@" |
		sed -e '/"address": "10.8.0.105"/{n;s/"mac": "..:../"mac": "02:99/}' \
			-e 's/"address": "10.8.0.106"/"address": "10.8.0.99"/'
END
chmod +x "$TMP/liar"

check "in sync" faults_start "$A" "$B" || finish
check "the backup has the table" wait_for 10 is "$B" phase "done"
check "the owner speaks to the hosts" speaks "$A"
check "it knows them" wait_for 10 knows_all "$A"
check "so does its backup" wait_for 10 knows_all "$B"
check "they are in the backup's kernel" ge "$(live "$B")" $((2 * HOSTS))
in_ns "$A" ping -qc 1 -W 2 10.9.0.99 > /dev/null
uplink_has() { ip -n "$1" neigh show dev sync0 | grep -q '^10\.9\.0\.99 lladdr '; }
check "of an interface that is named: the backup has it too" wait_for 10 uplink_has "$B"
check "none as a permanent one" eq "$(ip -n "$B" neigh show | grep -c PERMANENT)" 0
before=$(asked "$B")
check "and are in sync, all the time" settled "$A" "$B"
check "verify: nothing differs" compares "$B" "$(command -v ip)" netns exec "$A" \
	gwsync -s "$TMP/$A.sock"
check "verify: all of them were compared" ge \
	"$(sed -n 's/^\([0-9]*\) neighbours compared, 0 differ$/\1/p' "$TMP/compares")" $((2 * HOSTS))
check "verify: one that is not so" fails compares "$B" "$TMP/liar"
check "verify: it tells whose MAC differs" grep -A 1 "10.8.0.105 of lan" "$TMP/compares"
check "verify: and which are missing" eq \
	"$(grep -c "^    missing \(here\|there\)$" "$TMP/compares")" 2

# The owner loses its power.
agent_crash "$A"
ip -n "$A" link set sync0 down
ip -n "$A" link set lan0 down
check "power loss: the backup owns" wait_for 10 field_is "$B" state owner
check "power loss: it speaks to all" speaks "$B"
figure "power loss: $(($(asked "$B") - before)) solicitations for $((2 * HOSTS)) hosts"
check "power loss: it asked nobody" eq "$(asked "$B")" "$before"

# It is back, and gets what it lacks; a planned switchover.
ip -n "$A" link set sync0 up
ip -n "$A" link set lan0 up
ip -n "$A" addr replace "10.9.0.${MEMBER[$A]}/24" dev sync0
ip -n "$A" addr replace "10.8.0.${MEMBER[$A]}/24" dev lan0
ip -n "$A" addr replace "fd00:8::${MEMBER[$A]}/64" dev lan0 nodad
agent_start "$A"
check "back: in sync" wait_for 20 settled "$B" "$A"
check "back: it knows all" wait_for 10 knows_all "$A"
check "back: they are in its kernel" ge "$(live "$A")" $((2 * HOSTS))
before=$(asked "$A")
check "switchover" ask "$B" switchover
check "switchover: it owns" wait_for 10 settled "$A" "$B"
check "switchover: it speaks to all" speaks "$A"
figure "switchover: $(($(asked "$A") - before)) solicitations for $((2 * HOSTS)) hosts"
check "switchover: it asked nobody" eq "$(asked "$A")" "$before"

# A host that is not there any more goes, on the backup too.
ip -n "$LAN" addr del 10.8.0.110/24 dev br1
gone() { ! ask "$1" neighbours --json | grep -q '"10\.8\.0\.110"'; }
in_ns "$A" ping -qc 1 -W 1 10.8.0.110 > /dev/null
check "a host that went: the owner forgets it" wait_for 20 gone "$A"
check "a host that went: so does the backup" wait_for 10 gone "$B"
check "none is different" wait_for 10 is "$B" differing 0

ip -n "$LAN" addr add 10.8.0.110/24 dev br1

# Without it each host is asked for.
for gw in "$A" "$B"; do
	check "agent ends well" agent_end "$gw"
	ip -n "$gw" neigh flush all
	sed -i 's/^sync = .*/sync = { neighbours = false; };/' "$TMP/$gw.conf"
done
check "control: in sync" faults_start "$A" "$B" || finish
check "control: the owner speaks to the hosts" speaks "$A"
check "control: verify has none to compare" compares "$B" "$(command -v ip)" netns exec "$A" \
	gwsync -s "$TMP/$A.sock"
check "control: and says so" grep "^neighbours are not compared" "$TMP/compares"
before=$(asked "$B")
agent_crash "$A"
ip -n "$A" link set lan0 down
ip -n "$A" link set sync0 down
check "control: the backup owns" wait_for 10 field_is "$B" state owner
speaks "$B"
check "control: it asked for each" ge $(($(asked "$B") - before)) $((2 * HOSTS - 2))
check "agent ends well" agent_end "$B"
logs_if_failed "$A" "$B"
finish

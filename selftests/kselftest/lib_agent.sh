# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of whole gateways share: gwsyncd in netns on one sync LAN.
# A gateway's files are $TMP/NETNS.conf, .sock and .log.

# shellcheck source=selftests/kselftest/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LAN=lan-$TAG
# On the debug kernel several daemons may all stand still for seconds.
HEARTBEAT=$((SCALE > 4 ? 200 : 100))
# The configuration takes no more than 100.
DEAD_AFTER=$((SCALE > 33 ? 100 : 3 * SCALE))
# For who must not take the living for dead.
PATIENT=$((SCALE > 10 ? 100 : 10 * SCALE))
declare -A AGENT=()
trap 'agents_kill; cleanup' EXIT

# sync_lan NETNS...: a leg for each, 10.9.0.1 and so on
sync_lan() {
	local ns n=0

	add_ns "$LAN"
	ip -n "$LAN" link add br0 type bridge mcast_snooping 0
	ip -n "$LAN" link set br0 up
	for ns in "$@"; do
		n=$((n + 1))
		ip link add sync0 netns "$ns" type veth peer name "p$n" netns "$LAN"
		ip -n "$LAN" link set "p$n" master br0 up
		ip -n "$ns" addr add "10.9.0.$n/24" dev sync0
		ip -n "$ns" link set sync0 up
	done
}

# agent_config NETNS GROUP MEMBER KEYFILE|none|unset
agent_config() {
	local auth="key_file = \"$4\";"

	case $4 in
	none) auth='auth = "none";' ;;
	unset) auth= ;;
	esac
	cat > "$TMP/$1.conf" <<- END
	group = { id = $2; member = $3; priority = $((110 - 10 * $3));
		  heartbeat_ms = $HEARTBEAT; dead_after = $DEAD_AFTER;
		  link_delay_ms = 0; unsure_ms = 0; };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; },
		    { id = 3; name = "gw3"; } );
	$auth
	links = ( { interface = "sync0"; } );
	daemon = { control = "$TMP/$1.sock"; state = "$TMP/$1.state"; };
	END
}

# agent_pair [MORE]: both gateways on a sync LAN, of one group and key; MORE is in the
# configuration of each
agent_pair() {
	sync_lan "$A" "$B"
	gwsync key generate "$TMP/key" > /dev/null || bail "no key"
	agent_config "$A" 1 1 "$TMP/key"
	agent_config "$B" 1 2 "$TMP/key"
	[ $# -eq 0 ] || echo "$1" | tee -a "$TMP/$A.conf" >> "$TMP/$B.conf"
}
# strict_pair SYSCTL...: both strict, and what agents and sync LAN say is each gateway's
# own; flows of UDP outlast what is done with them
strict_pair() {
	local gw

	for gw in "$A" "$B"; do
		strict "$gw" 'chain early {
				type filter hook prerouting priority raw; iifname sync0 notrack;
			}
			chain out { type filter hook output priority raw; oifname sync0 notrack; }'
		sysctl_ns "$gw" net.netfilter.nf_conntrack_udp_timeout=600 "$@"
	done
}
# quiet NETNS: forged datagrams are not answered, though they have no socket here
quiet() {
	in_ns "$1" nft -f - <<- END || bail "no nft"
		table inet quiet {
			chain in { type filter hook input priority 0; meta l4proto udp drop; }
		}
	END
}

# Not by in_ns: the process must be gwsyncd, not a shell that waits for it.
agent_start() {
	local ns

	for ns in "$@"; do
		ip netns exec "$ns" gwsyncd -c "$TMP/$ns.conf" 2>> "$TMP/$ns.log" < /dev/null &
		AGENT[$ns]=$!
	done
}
agent_signal() { kill "-$1" "${AGENT[$2]}"; }
# agent_crash NETNS: it ends without a word
agent_crash() {
	agent_signal KILL "$1"
	wait "${AGENT[$1]}" 2> /dev/null
	unset "AGENT[$1]"
}
# agent_end NETNS: it is told to, and must do it well
agent_end() {
	local rc

	agent_signal TERM "$1"
	wait "${AGENT[$1]}"
	rc=$?
	unset "AGENT[$1]"
	[ $rc -eq 0 ] || { echo "status $rc"; tail "$TMP/$1.log"; return 1; }
}
agents_kill() {
	local p

	for p in "${AGENT[@]}"; do
		kill -9 "$p" 2> /dev/null
		wait "$p" 2> /dev/null
	done
	AGENT=()
}

# These are asked again and again, and what costs is a process: one each, and none for a
# timeout, since gwsync waits for no more than 5 s by itself.
ask() { local ns=$1; shift; gwsync -s "$TMP/$ns.sock" "$@" 2> /dev/null; }
# says NETNS KEY VALUE...: its status, asked for once
says() {
	local ns=$1 status

	status=$(ask "$ns" status --json)
	shift
	while [ $# -gt 0 ]; do
		value_of "$1" "$status"
		eq "$1 of $ns: $VALUE" "$1 of $ns: $2" || return 1
		shift 2
	done
}
# value_of KEY JSON: VALUE is that of an object's own key
value_of() {
	VALUE=
	[[ $2 =~ $'\n  "'"$1"$'": "'?([^\",$'\n']*) ]] && VALUE=${BASH_REMATCH[1]}
}
# field NETNS KEY: of this gateway's own status
field() {
	value_of "$2" "$(ask "$1" status --json)"
	[ -z "$VALUE" ] || echo "$VALUE"
}
field_is() { says "$@"; }
# peer_value JSON NAME KEY: VALUE is what a status says of another member, with its quotes
peer_value() {
	local of=${1#*'"peers": ['}

	VALUE=
	of=${of%%$'\n  ]'*}
	[[ $of = *"\"name\": \"$2\","* ]] || return
	of=${of#*"\"name\": \"$2\","}
	[[ ${of%%'"name":'*} =~ \"$3\":\ ([^,$'\n']*) ]] && VALUE=${BASH_REMATCH[1]}
}
# peer_field NETNS NAME KEY: what it thinks of another member
peer_field() {
	peer_value "$(ask "$1" status --json)" "$2" "$3"
	[ -z "$VALUE" ] || echo "$VALUE"
}
peer_is() {
	peer_value "$(ask "$1" status --json)" "$2" "$3"
	eq "$2's $3 at $1: $VALUE" "$2's $3 at $1: $4"
}
# counter NETNS SECTION KEY: of gwsync stats
counter() {
	local of

	of=$(ask "$1" stats --json)
	[[ $of = *$'\n  "'"$2"'": {'* ]] || return
	of=${of#*$'\n  "'"$2"'": {'}
	[[ ${of%%$'\n  }'*} =~ \"$3\":\ ([0-9]*) ]] && echo "${BASH_REMATCH[1]}"
}
# grows NETNS SECTION KEY: from now on, within some seconds
grows() {
	local was

	was=$(counter "$@")
	[ -n "$was" ] || { echo "no counter $2.$3 at $1"; return 1; }
	wait_for 3 grown "$was" "$@"
}
grown() { local was=$1; shift; ge "$(counter "$@")" $((was + 1)); }
# logged NETNS PATTERN
logged() { grep -q -- "$2" "$TMP/$1.log" || { tail -n 20 "$TMP/$1.log"; return 1; }; }

# in_sync OWNER BACKUP...: one owns, the others follow it and have all it has
in_sync() {
	local owner=$1 ns id

	shift
	id=$(field "$owner" member)
	says "$owner" state owner in_sync true || return 1
	for ns in "$@"; do
		says "$ns" state backup owner "$id" in_sync true || return 1
	done
}

# same LEAST OWNER BACKUP: equal tables of at least so many flows
same() { ctcompare -w $((5 * SCALE)) -k -m "$@"; }

# make_flows NETNS DPORT COUNT [SPORT]: UDP flows, each from the next port
make_flows() {
	ctmake "$1" create "count=$3" src=10.1.0.9 dst=10.2.0.9 proto=17 timeout=3600 \
		"dport=$2" "sport=${4:-1000}"
}
# with_dport NETNS DPORT: how many there are
with_dport() { in_ns "$1" conntrack -L -p udp --orig-port-dst "$2" 2> /dev/null | wc -l; }

# logs_if_failed NETNS...
logs_if_failed() {
	local ns

	[ "$FAILED" -gt 0 ] || return 0
	for ns in "$@"; do
		{ echo "log of $ns"; tail -n 60 "$TMP/$ns.log"; } | diag
	done
}

# of_repair KEY: of B's status
of_repair() { ask "$B" status --json | sed -n "s/^    \"$1\": \([0-9]*\).*/\1/p"; }
# later_round: since ROUNDS of of_repair a whole round of digests has been compared, and
# both say that they are in sync
later_round() { ge "$(of_repair rounds)" $((ROUNDS + 2)) && in_sync "$A" "$B"; }

# to_lan NETNS LAN NUMBER
to_lan() {
	ip link add "${2}0" netns "$1" type veth peer name "$2$3" netns "$LAN"
	ip -n "$LAN" link set "$2$3" master "$2" up
	ip -n "$1" link set "${2}0" up
}
# between_lans: both gateways in a sync LAN, client C in bridge lan and server S in wan
between_lans() {
	local lan

	gateways
	sync_lan "$A" "$B"
	add_ns "$C" "$S"
	for lan in lan wan; do
		ip -n "$LAN" link add $lan type bridge mcast_snooping 0
		ip -n "$LAN" link set $lan up
	done
	to_lan "$C" lan 9
	to_lan "$S" wan 9
}

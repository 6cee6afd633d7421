# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a function leaves for its caller is used in the tests.
# shellcheck disable=SC2034
# What the tests of faults share: groups of up to five gateways with a virtual
# address, links that are cut or bad, flows that change all the time, and what
# must hold after every fault.

# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_agent.sh"

D=gwD-$TAG E=gwE-$TAG F=gwF-$TAG
VIP=10.8.0.254		# of all that the group has, if ADDRESSES does not say more
declare -A MEMBER=()	# NETNS: its member id

figure() { echo "# figure: $*"; }
# A clock that nobody sets.
now_ms() {
	local up

	read -r up _ < /proc/uptime
	up=${up/./}
	echo $((10#$up * 10))
}
# timed SECONDS COMMAND...: wait_for; MS: how long it took
timed() {
	local from

	from=$(now_ms)
	wait_for "$@" || return 1
	MS=$(($(now_ms) - from))
}

# faults_net NETNS...: gateways, members 1, 2 and so on, with a leg in the sync
# LAN and one in a LAN where one of them has $VIP, and a configuration; $LAN is a
# host there.
# The bridge has the far ends: p1, p2 of sync0, l1, l2 of lan0.
faults_net() {
	local ns n=0 port

	need_module
	sysctl -qw net.netfilter.nf_conntrack_max=100000
	add_ns "$@"
	sync_lan "$@"
	ip -n "$LAN" link add br1 type bridge mcast_snooping 0
	ip -n "$LAN" addr add 10.8.0.100/24 dev br1
	ip -n "$LAN" link set br1 up
	for ns in "$@"; do
		n=$((n + 1))
		MEMBER[$ns]=$n
		sysctl_ns "$ns" net.netfilter.nf_conntrack_acct=1 \
			net.netfilter.nf_conntrack_timestamp=1
		ip link add lan0 netns "$ns" type veth peer name "l$n" netns "$LAN"
		ip -n "$LAN" link set "l$n" master br1 up
		ip -n "$ns" addr add "10.8.0.$n/24" dev lan0
		ip -n "$ns" link set lan0 up
		for port in "p$n" "l$n"; do
			tc -n "$LAN" qdisc add dev "$port" clsact || bail "no clsact"
		done
		faults_config "$ns"
	done
	gwsync key generate "$TMP/key" > /dev/null || bail "no key"
}

# faults_config NETNS [PRIORITY] [KERNEL SETTINGS]
faults_config() {
	local id=${MEMBER[$1]}

	cat > "$TMP/$1.conf" <<- END
	group = { id = 1; member = $id; priority = ${2:-$((110 - 10 * id))};
		  heartbeat_ms = $HEARTBEAT; dead_after = $DEAD_AFTER;
		  link_delay_ms = 0; unsure_ms = 0; };
	members = ( { id = 1; name = "gw1"; }, { id = 2; name = "gw2"; },
		    { id = 3; name = "gw3"; }, { id = 4; name = "gw4"; },
		    { id = 5; name = "gw5"; } );
	key_file = "$TMP/key";
	links = ( { interface = "sync0"; } );
	virtual_routers = ( { name = "lan"; interface = "lan0"; vrid = 5;
			      addresses = ( ${ADDRESSES:-"\"$VIP/24\""} ); } );
	kernel = { ${3:-} };
	daemon = { control = "$TMP/$1.sock"; state = "$TMP/$1.state"; };
	END
}

# name_of NETNS: of the configuration
name_of() { echo "gw${MEMBER[$1]}"; }

# says_of NETNS NAME... -- KEY VALUE...: the same of these peers, of each of them
says_of() {
	local ns=$1 status peers=() name

	status=$(ask "$ns" status --json)
	shift
	for (( ; ; )); do
		name=$1
		shift
		[ "$name" != -- ] || break
		peers+=("$name")
	done
	while [ $# -gt 0 ]; do
		for name in "${peers[@]}"; do
			peer_value "$status" "$name" "$1"
			eq "$name's $1 at $ns: ${VALUE//\"/}" "$name's $1 at $ns: $2" || return 1
		done
		shift 2
	done
}
# of_table NETNS TABLE KEY: what the status says of a table
of_table() {
	ask "$1" status --json | sed -n "/\"name\": \"$2\"/,/}/p" |
		sed -n "s/^ *\"$3\": \"\?\([^\",]*\)\"\?,\?\$/\1/p" | head -n 1
}
# compares NETNS COMMAND...: its tables with what the command's daemon says
compares() {
	local ns=$1

	shift
	in_ns "$ns" gwsync -s "$TMP/$ns.sock" verify -- "$@" > "$TMP/compares" 2>&1
}
# in_sync OWNER BACKUP...: as in lib_agent.sh
in_sync() {
	local owner=$1 ns

	says "$owner" state owner || return 1
	# An owner is in sync if there is somebody who could go on in its place.
	[ $# -eq 1 ] || says "$owner" in_sync true || return 1
	for ns in "${@:2}"; do
		says "$ns" state backup owner "${MEMBER[$owner]}" in_sync true || return 1
	done
}

# faults_start OWNER BACKUP...: daemons, the first alone until it owns
faults_start() {
	agent_start "$1"
	wait_for 10 field_is "$1" state owner || return 1
	[ $# -eq 1 ] && return
	agent_start "${@:2}"
	wait_for 10 in_sync "$@"
}

# Faults of links, at the far end: the gateway's own carrier stays.  All legs that are
# named, LEG NETNS..., fail at once: of two that fail one after the other a member knows
# in between that one has, and a slow machine needs as long for two commands as members
# have patience.
# mute (p: sync, l: LAN): what it says on these legs reaches nobody
mute() { legs_drop ingress "$@"; }
# deaf: it hears nothing on them
deaf() { legs_drop egress "$@"; }
# cut_legs: both
cut_legs() { legs_drop "ingress egress" "$@"; }
legs_drop() {
	local ways=$1 way

	shift
	while [ $# -gt 0 ]; do
		for way in $ways; do
			echo "filter add dev $1${MEMBER[$2]} $way matchall action drop"
		done
		shift 2
	done | tc -n "$LAN" -batch -
}
# mend NETNS...: all legs, at once as well: whoever hears a rival that does not hear it
# yields after two heartbeats
mend() {
	local ns port ports=()

	for ns in "$@"; do
		ports+=("p${MEMBER[$ns]}" "l${MEMBER[$ns]}")
	done
	for port in "${ports[@]}"; do
		echo "filter del dev $port egress"
		echo "filter del dev $port ingress"
		echo "qdisc del dev $port root"
	done | tc -n "$LAN" -force -batch - > /dev/null 2>&1
	for port in "${ports[@]}"; do
		ip -n "$LAN" link set "$port" up
	done
}
# unplug, plug LEG NETNS: the gateway sees it
unplug() { ip -n "$LAN" link set "$1${MEMBER[$2]}" down; }
plug() { ip -n "$LAN" link set "$1${MEMBER[$2]}" up; }
# spoil NETNS NETEM...: what it hears on the sync link
spoil() {
	local ns=$1

	shift
	tc -n "$LAN" qdisc replace dev "p${MEMBER[$ns]}" root netem limit 20000 "$@"
}

# churn NETNS [NAME=VALUE...]: flows begin, change and end until churn_end
churn() {
	rm -f "$TMP/churn"
	ctchurn "$@" > "$TMP/churn" 2>&1 < /dev/null &
	CHURN=$!
	# A signal before would end it without a word.
	wait_for 5 said churn ready || bail "ctchurn does not start"
}
# churn_end: RATE and CHANGES of it
churn_end() {
	kill "$CHURN" 2> /dev/null
	wait "$CHURN"
	RATE=$(sed -n 's/.* rate //p' "$TMP/churn")
	CHANGES=$(sed -n 's/^changes \([0-9]*\) .*/\1/p' "$TMP/churn")
	[ -n "$RATE" ] || { cat "$TMP/churn"; return 1; }
}
# churned WHAT: a count that it ended with
churned() { sed -n "s/^changes.* $1 \([0-9]*\).*/\1/p" "$TMP/churn"; }
trap 'kill $CHURN 2> /dev/null; agents_kill; cleanup' EXIT
CHURN=

# What must hold.
has_vip() { ip -n "$1" addr show to $VIP up 2> /dev/null | grep -q $VIP; }
# vip_on_one OWNER OTHER...: the address is on one machine only
vip_on_one() {
	local ns

	has_vip "$1" || { echo "$VIP is not on $1"; return 1; }
	for ns in "${@:2}"; do
		! has_vip "$ns" || { echo "$VIP is on $ns too"; return 1; }
	done
}
# settled OWNER BACKUP...: in sync, and the address is where it belongs
settled() { in_sync "$@" && vip_on_one "$@"; }
# answers: the host in the LAN reaches whoever has the address
answers() { in_ns "$LAN" ping -qc 1 -W 1 $VIP > /dev/null; }
# equal LEAST OWNER BACKUP...: 0 missing, 0 different, 0 too many
equal() {
	local least=$1 owner=$2 ns

	for ns in "${@:3}"; do
		same "$least" "$owner" "$ns" || return 1
	done
}

# synclook_at watch|settle MS OWNER BACKUP: see synclook.c
synclook_at() {
	synclook "$1" "$2" "$3" "$TMP/$3.sock" "$4" "$TMP/$4.sock" "$(name_of "$4")"
}

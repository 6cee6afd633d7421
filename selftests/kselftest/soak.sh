#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# soak.sh MINUTES [SEED] - three gateways that forward, flows that change all the
# time, one random fault after the other; after each all that must hold is checked.
# Faults, victims, traffic and pauses are drawn from all bits of SEED and from
# nothing else, so a seed names a sequence: a victim is a member, and whether it is
# the owner is what the sequence before has made of it.  TAP, a check for each
# fault; the last line counts them.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

MINUTES=${1:-20}
SEED=${2:-$((SRANDOM << 16 ^ SRANDOM))}
[[ $MINUTES$SEED =~ ^[0-9]+$ ]] || bail "usage: soak.sh MINUTES [SEED]"
RSS_MAX=$((48 * 1024))		# KiB of a daemon, whatever happens
# Flows that are older than so many seconds are never lost.
AGE=$((1 + SCALE / 4))
CONNECTIONS=8			# real ones
WAN=10.7.0
ADDRESSES="\"$VIP/24\", \"$WAN.254/24\""
GWS=("$A" "$B" "$D")
ROUND=0 VIOLATIONS=0 TAKEOVERS=0 DEATHS=0 ALL_CHANGES=0 RSS_SEEN=0 SLOWEST=0
declare -A TIMES=()
exec 3>&1	# faults are silent, what they break is not
say() { echo "$*" >&3; }

# draw RANGE: DRAWN is one of 0..RANGE-1 (xorshift, as in ctchurn)
RANDOM_STATE=$((10#$SEED ^ 0x1e3779b97f4a7c15))
draw() {
	RANDOM_STATE=$((RANDOM_STATE ^ RANDOM_STATE << 13))
	RANDOM_STATE=$((RANDOM_STATE ^ (RANDOM_STATE >> 7 & 0x1ffffffffffffff)))
	RANDOM_STATE=$((RANDOM_STATE ^ RANDOM_STATE << 17))
	DRAWN=$(((RANDOM_STATE >> 11 & 0x1fffffffffffff) % $1))
}
# Seeds that are near each other need some steps to part.
for _ in 1 2 3 4 5 6 7 8 9 10; do draw 2; done
# pick WORD...: one of them, in PICKED
pick() { draw $#; PICKED=${*:$((1 + DRAWN)):1}; }

# violated WHAT: with what the last check said
violated() {
	VIOLATIONS=$((VIOLATIONS + 1)) BROKEN=yes
	say "# VIOLATION in round $ROUND ($FAULT $DETAIL, seed $SEED): $1"
	{
		head -n 25 "$TMP/out"
		for ns in "${GWS[@]}"; do
			echo "log of $(name_of "$ns")"
			tail -n 25 "$TMP/$ns.log"
		done
	} 2> /dev/null | diag >&3
}
# must WHAT COMMAND...
must() {
	local what=$1

	shift
	"$@" > "$TMP/out" 2>&1 || { violated "$what"; return 1; }
}

owner_and_others() {
	local ns

	OWNER=''
	OTHERS=()
	for ns in "${GWS[@]}"; do
		if [ -z "$OWNER" ] && says "$ns" state owner > /dev/null; then
			OWNER=$ns
		else
			OTHERS+=("$ns")
		fi
	done
	[ -n "$OWNER" ] || { echo "no owner"; return 1; }
	settled "$OWNER" "${OTHERS[@]}"
}
told() {
	local ns names=()

	for ns in "${OTHERS[@]}"; do
		names+=("$(name_of "$ns")")
	done
	says_of "$OWNER" "${names[@]}" -- lag_frames 0
}

# Flows of ctchurn: some kinds, each gone on with when its turn comes again.
KINDS=4
draw_kinds() {
	local i

	KIND=()
	for ((i = 0; i < KINDS; i++)); do
		KIND[i]="dport=$((5000 + 100 * i))"
		draw 8; KIND[i]+=" ports=$((1 + DRAWN))"
		draw 50; KIND[i]+=" hosts=$((1 + DRAWN))"
		draw 101; KIND[i]+=" tcp=$DRAWN"
		draw 1000; KIND[i]+=" live=$((500 + DRAWN))"
		say "# flows of kind $i: ${KIND[i]}"
	done
}
changes_on() {
	ALIVE=0
	# shellcheck disable=SC2086
	[ -n "$CHURN" ] || churn "$OWNER" $CHANGES_OF
}
changes_off() {
	[ -n "$CHURN" ] || return 0
	if churn_end > "$TMP/out"; then
		ALL_CHANGES=$((ALL_CHANGES + CHANGES)) ALIVE=$(churned alive)
		must "changes were made" ge "$CHANGES" 20
	else
		violated "changes: $(cat "$TMP/churn")"
	fi
	CHURN=
}
# Who follows ctchurn?  Before the owner changes, all has come to rest, but for the
# faults that say how much may be lost.
rest() {
	changes_off
	must "what happened was told" wait_for 10 told
}

# Real packets, through whoever has the addresses, all the time: TCP connections
# that are used again and again, and pings.  No packet that is lost for a while may
# break a connection.
host() {
	add_ns "$1"
	ip link add eth0 netns "$1" type veth peer name "$2" netns "$LAN"
	ip -n "$LAN" link set "$2" master br1 up
	ip -n "$1" addr add "$3.50/24" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via "$3.254"
	sysctl_ns "$1" net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.eth0.accept_redirects=0
}
forwards() {
	sysctl_ns "$1" net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.lan0.send_redirects=0 \
		net.netfilter.nf_conntrack_tcp_loose=0 net.netfilter.nf_conntrack_tcp_be_liberal=0
	# What is the gateway's own is not tracked.
	in_ns "$1" nft -f - <<- END
	table ip gw {
		chain early {
			type filter hook prerouting priority raw; policy accept;
			ip saddr != $WAN.50 ip daddr != $WAN.50 notrack
		}
		chain out {
			type filter hook output priority raw; policy accept;
			notrack
		}
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state established,related accept
			ip protocol icmp ct state new accept
			tcp flags & (fin|syn|rst|ack) == syn ct state new accept
		}
	}
	END
}
connect() {
	export PEER_SECONDS=$((60 * SCALE))
	: > "$TMP/asked"
	spawn_fed echo "$C" peer echo $WAN.50 7000 $CONNECTIONS
	wait_for 20 said echo ready
}
asked() { wc -l < "$TMP/asked"; }
answered() { [ "$(grep -c ^alive "$TMP/echo")" -ge "$(asked)" ]; }
traffic_on() {
	touch "$TMP/asking"
	# Exchanges that wait for an answer are not heaped up.
	while [ -e "$TMP/asking" ]; do
		if answered; then
			echo >> "$TMP/asked"
			# Opened so, it does not wait for a reader.
			echo 1<> "$TMP/echo.in"
		fi
		sleep 0.2
	done &
	ASKING=$!
	ip netns exec "$C" ping -q -i 0.3 $WAN.50 > /dev/null 2>&1 &
	PING=$!
}
traffic_off() {
	rm "$TMP/asking"
	kill $PING
	wait $ASKING $PING 2> /dev/null
}
alive() {
	eq "$(grep ^alive "$TMP/echo" | uniq -c | tr -s ' ')" \
		" $(asked) alive $CONNECTIONS of $CONNECTIONS"
}
# forwarded: the connections have outlived all, and a new one begins
forwarded() {
	must "real connections answer" wait_for 20 answered &&
		must "real connections live" alive
	must "the address answers" wait_for 3 answers
	must "pings are forwarded" wait_for 3 in_ns "$C" ping -qc 1 -W 1 $WAN.50
}
trap 'rm -f "$TMP/asking"; kill $CHURN $PING 2> /dev/null; agents_kill; cleanup' EXIT
PING=

# pause: so many ms as were drawn; longer where the silence of the dead is longer
pause() {
	local ms=$((${PAUSES[0]:-1000} * (DEAD_AFTER > 12 ? DEAD_AFTER : 12) / 12))

	sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
	PAUSES=("${PAUSES[@]:1}")
}
legs_down() { ip -n "$1" link set sync0 down; ip -n "$1" link set lan0 down; }
legs_up() {
	ip -n "$1" link set sync0 up
	ip -n "$1" link set lan0 up
	ip -n "$1" addr replace "10.9.0.${MEMBER[$1]}/24" dev sync0
	ip -n "$1" addr replace "10.8.0.${MEMBER[$1]}/24" dev lan0
}

# The faults.  $V and $U are two members, one of them the owner perhaps.
bad_link() { spoil "$V" "${NETEM[@]}"; pause; pause; }
dark_sync_link() { cut_legs p "$V"; pause; pause; }
unplugged() { unplug p "$V"; pause; pause; }
made_deaf() { deaf p "$V" l "$V"; pause; }
made_mute() { mute p "$V" l "$V"; pause; }
split_brain() { cut_legs p "$V" l "$V"; pause; pause; }
killed() { agent_crash "$V"; pause; agent_start "$V"; }
two_killed() {
	agent_crash "$V"
	agent_crash "$U"
	pause
	agent_start "$V" "$U"
}
stopped() {
	agent_signal STOP "$V"
	pause
	pause
	agent_signal CONT "$V"
}
# To the other one, if the first owns.
switchover() {
	[ "$V" != "$OWNER" ] || V=$U
	ask "$OWNER" switchover --to "$(name_of "$V")"
}
power_is_back() {
	# The machine that boots knows no flow.
	in_ns "$1" conntrack -F > /dev/null 2>&1
	legs_up "$1"
	agent_start "$1"
}
power_loss() {
	agent_crash "$V"
	legs_down "$V"
	pause
	power_is_back "$V"
}
many_ends() { in_ns "$OWNER" conntrack -D -p "$PROTO" --dport "$DPORT" > /dev/null 2>&1; pause; }
clock_set() { date -s "@$(($(date +%s) + CLOCK))" > /dev/null; }

# table NETNS: ctchurn's flows: tuple, mark, and which one of this tuple it is.  Its id
# does not tell: one that takes the place of another in memory has the same.
table() {
	in_ns "$1" conntrack -L -o ktimestamp 2> /dev/null | awk '/ src=10\.1\.0\./ {
		tuple = $1; mark = ""; n = 0
		for (i = 2; i <= NF; i++) {
			if (n < 4 && $i ~ /^(src|dst|sport|dport)=/) { tuple = tuple "," $i; n++ }
			if ($i ~ /^mark=/) mark = $i
		}
		start = match($0, /\[start=[^]]*/) ? substr($0, RSTART, RLENGTH) : "?"
		gsub(/ /, "_", start)
		print tuple, mark, start
	}'
}
columns() { cut -d ' ' -f "$1" "$TMP/$2"; }
# in_both, only_in_2nd FILE FILE: lines of the second
in_both() { awk 'FILENAME == ARGV[1] { has[$0]; next } $0 in has' "$@"; }
only_in_2nd() { awk 'FILENAME == ARGV[1] { has[$0]; next } !($0 in has)' "$@"; }
somebody_else_owns() {
	for HEIR in "${OTHERS[@]}"; do
		! says "$HEIR" state owner > /dev/null || return 0
	done
	return 1
}
# owner_dies: amid changes, without a word.  What its heir has is compared with what
# its table was then: all that is old must be there, and no more is lost than it said
# itself, what has changed since then and what the kernel collects.
owner_dies() {
	local at risk outstanding rate lost

	table "$OWNER" > "$TMP/old"
	sleep $AGE
	must "it was in sync when it died" owner_and_others
	kill -USR1 "$CHURN"
	must "changes are counted" wait_for 5 said churn "^at "
	risk=$(field "$OWNER" would_be_lost)
	agent_crash "$OWNER"
	[ "$1" = alone ] || legs_down "$OWNER"
	changes_off
	at=$(sed -n 's/^at //p' "$TMP/churn")
	must "another one owns" wait_for 10 somebody_else_owns || return
	table "$OWNER" > "$TMP/dead"
	table "$HEIR" > "$TMP/heir"

	# What began at the same time is the same flow, and has lived all the time.
	in_both <(columns 1,3 old) <(columns 1,3 dead) > "$TMP/lived"
	KEPT=$(wc -l < "$TMP/lived")
	must "it is known when flows began" fails grep -q " ?$" "$TMP/old"
	must "there were old flows" ge "$KEPT" 10
	only_in_2nd <(columns 1 heir) <(columns 1 lived) > "$TMP/missing"
	must "flows that are older than $AGE s are with the heir" fails grep . "$TMP/missing"

	rate=$(sed 's/.*rate=\([0-9]*\).*/\1/' <<< "$CHANGES_OF")
	outstanding=$((${risk:-0} + CHANGES - at + rate * (20 + 20 * SCALE) / 1000))
	lost=$({ only_in_2nd <(columns 1,2 heir) <(columns 1,2 dead)
		only_in_2nd <(columns 1,2 dead) <(columns 1,2 heir); } |
		cut -d ' ' -f 1 | sort -u | wc -l)
	must "no more is lost than was outstanding" ge $outstanding "$lost"
	say "# $(name_of "$OWNER") died amid $rate changes/s: $lost flows not as they were," \
		"$outstanding outstanding ($risk by its own word); $KEPT are older than $AGE s"
	DEATHS=$((DEATHS + 1))
}
# As the machine, or as the agent alone, while its kernel goes on.
owner_loses_power() { owner_dies; pause; power_is_back "$OWNER"; }
owner_is_killed() { owner_dies alone; pause; agent_start "$OWNER"; }
FAULTS=(owner_loses_power owner_is_killed bad_link bad_link bad_link dark_sync_link unplugged
	made_deaf made_mute made_mute split_brain split_brain killed killed two_killed two_killed
	stopped stopped switchover switchover power_loss power_loss many_ends clock_set)
# Of these the owner may change: nothing happens there meanwhile but real traffic, so
# that afterwards no flow may be missing.
moves() {
	case $FAULT in
	switchover) ;;
	made_deaf | split_brain) ;;
	made_mute | killed | stopped | power_loss) [ "$V" = "$OWNER" ] ;;
	two_killed) [ "$V" = "$OWNER" ] || [ "$U" = "$OWNER" ] ;;
	*) return 1 ;;
	esac
}

# The next fault: like cards, each comes once before any comes again; the first one of
# all is the death of an owner.
DECK=()
next_fault() {
	local i

	if [ ${#DECK[@]} -eq 0 ]; then
		DECK=("${FAULTS[@]}")
		for ((i = ${#DECK[@]} - 1; i > 0; i--)); do
			draw $((i + 1))
			FAULT=${DECK[i]}
			DECK[i]=${DECK[DRAWN]}
			DECK[DRAWN]=$FAULT
		done
		[ $ROUND -gt 1 ] || DECK=(owner_loses_power "${DECK[@]}")
	fi
	FAULT=${DECK[0]}
	DECK=("${DECK[@]:1}")
}
# A round's draws: as many whatever happens.
draw_round() {
	local kind i

	next_fault
	draw 3; V=${GWS[DRAWN]} U=$DRAWN
	draw 2; U=${GWS[(U + 1 + DRAWN) % 3]}
	pick "loss 1%" "loss 10%" "loss 30%" "delay 200ms 50ms" "duplicate 30%" \
		"corrupt 5%" "delay 30ms 20ms reorder 30%" "delay 20ms 10ms loss 10% duplicate 5%"
	read -ra NETEM <<< "$PICKED"
	draw $KINDS; kind=$DRAWN
	DPORT=$((5000 + 100 * kind))
	CHANGES_OF=${KIND[kind]}
	draw 1200; CHANGES_OF+=" rate=$((300 + DRAWN))"
	draw 21; CHANGES_OF+=" new=$((40 + DRAWN))"
	draw 16; CHANGES_OF+=" end=$DRAWN"
	draw 1000000; CHANGES_OF+=" seed=$((1 + DRAWN))"
	pick tcp udp; PROTO=$PICKED
	draw 65536; CLOCK=$((DRAWN - 32768))
	draw 2000; PAUSES=($((1000 + DRAWN)))
	for ((i = 0; i < 3; i++)); do
		draw 4000; PAUSES+=("$DRAWN")
	done
	DETAIL="$(name_of "$V")"
	case $FAULT in
	owner_*) DETAIL= ;;
	bad_link) DETAIL+=" ${NETEM[*]}" ;;
	two_killed | switchover) DETAIL+=" $(name_of "$U")" ;;
	many_ends) DETAIL="$PROTO $DPORT" ;;
	clock_set) DETAIL="by $CLOCK s" ;;
	esac
}

churn_flows() { table "$1" | wc -l; }
warnings() { dmesg | grep -E "WARNING:|BUG:|Oops|Call Trace:" > "$TMP/out" && cat "$TMP/out"; }
rss_of() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${AGENT[$1]}/status"; }
# What must hold, in this order: the first that does not explains the rest.
# invariants LEAST: so many flows of ctchurn must be there, at the least
invariants() {
	local ns rss was=$OWNER least=$1

	must "one owner, all in sync, the address on it alone" \
		timed 25 owner_and_others || { owner_and_others > /dev/null; return 1; }
	[ "$was" = "$OWNER" ] || TAKEOVERS=$((TAKEOVERS + 1))
	[ "$MS" -le "$SLOWEST" ] || SLOWEST=$MS
	if [ -n "$CHURN" ]; then
		changes_off
		# All are there that it left alive, but for those that the fault has ended.
		[ "$FAULT" = many_ends ] || [ "$was" != "$OWNER" ] || least=$ALIVE
	fi
	forwarded
	must "tables are equal" equal $((least + CONNECTIONS)) "$OWNER" "${OTHERS[@]}"
	LAST_FLOWS=$(churn_flows "$OWNER")
	must "no flow is lost" ge "$LAST_FLOWS" "$least"
	for ns in "${GWS[@]}"; do
		must "daemon runs" kill -0 "${AGENT[$ns]}" || continue
		rss=$(rss_of "$ns")
		[ "${rss:-0}" -le "$RSS_SEEN" ] || RSS_SEEN=$rss
		must "memory of the daemon is bounded" ge $RSS_MAX "${rss:-0}"
	done
	must "no warning of the kernel" fails warnings
}
round() {
	local least=0

	BROKEN='' MS='' LAST_FLOWS=''
	draw_round
	changes_on
	traffic_on
	pause
	say "# $ROUND: $(name_of "$OWNER") owns; $FAULT ${DETAIL:-of the owner}; $CHANGES_OF"
	if moves; then
		rest
		least=$(churn_flows "$OWNER")
		must "there is something to lose" ge "$least" 20
	fi
	KEPT=$least
	$FAULT > /dev/null 2>&1
	mend "${GWS[@]}"
	traffic_off
	invariants "$KEPT"
	TIMES[$FAULT]=$((${TIMES[$FAULT]:-0} + 1))
	SAID="round $ROUND: $FAULT${DETAIL:+ $DETAIL}: $(name_of "${OWNER:-$A}") owns,"
	SAID+=" settled in ${MS:-?} ms, ${LAST_FLOWS:-?} flows"
	if [ -z "$BROKEN" ]; then ok "$SAID"; else not_ok "$SAID"; fi
}

faults_net "${GWS[@]}"
host "$C" c0 10.8.0
host "$S" s0 $WAN
for gw in "${GWS[@]}"; do
	forwards "$gw"
done
say "# soak: $MINUTES minutes, seed $SEED"
FAULT=start DETAIL=
spawn serve "$S" peer serve 7000
check "in sync at the start" faults_start "${GWS[@]}" || finish
check "one owner" owner_and_others || finish
check "real connections through it" connect || finish
draw_kinds
end_ms=$(($(now_ms) + MINUTES * 60000))
while [ "$(now_ms)" -lt "$end_ms" ]; do
	ROUND=$((ROUND + 1))
	round
	# One that is broken must not break all rounds that follow.
	if [ -n "$BROKEN" ]; then
		wait_for 20 owner_and_others > /dev/null
		connect > /dev/null
	fi
done
check "owners died amid changes" ge $DEATHS 1
for fault in "${!TIMES[@]}"; do
	say "# $fault: ${TIMES[$fault]}"
done | sort
echo "1..$CHECKS"
say "# soak: $MINUTES minutes, seed $SEED: $ROUND faults, $TAKEOVERS changes of owner," \
	"$DEATHS deaths amid changes, $ALL_CHANGES changes of flows, $(asked) exchanges," \
	"slowest to settle $SLOWEST ms, largest daemon $RSS_SEEN KiB, $VIOLATIONS violations"
[ "$VIOLATIONS" -eq 0 ] && [ "$FAILED" -eq 0 ]

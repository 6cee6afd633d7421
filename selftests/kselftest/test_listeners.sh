#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Somebody else listens to conntrack's events: quickly, slowly, never reading, or
# asking for what it has missed; coming and going amid changes and a full sync, and
# ctnetlink with them.  Nobody misses a flow and says that it is in sync.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"

# A busy machine makes nobody dead.
DEAD_AFTER=$PATIENT
ROUND_MS=500
setup_net
modprobe -a nft_flow_offload nf_flow_table_inet nf_flow_table || bail "no flow tables"
strict_pair net.netfilter.nf_conntrack_udp_timeout_stream=600
quiet "$C"
agent_pair "kernel = { digest_ms = $ROUND_MS; };"
spawn first "$S" peer udp-serve 7000
spawn second "$S" peer udp-serve 7001
check "a server listens" wait_for 5 said first ready
check "another one listens" wait_for 5 said second ready
agent_start "$A"
check "A owns" wait_for 5 field_is "$A" state owner || finish
agent_start "$B"
check "B in sync" wait_for 10 in_sync "$A" "$B" || finish

# proven NAME LEAST: two rounds of digests have begun since, both say that they are in
# sync, and they are
proven() {
	ROUNDS=$(of_repair rounds)
	check "$1: in sync" wait_for 15 later_round
	check "$1: no class differs" eq "$(of_repair differing)" 0
	check "$1: tables are equal" same "$2" "$A" "$B"
}

# listen: three others beside us; each is in LISTENERS
listen() {
	LISTENERS=()
	in_ns "$A" conntrack -E > /dev/null 2>&1 < /dev/null &
	LISTENERS+=($!)
	in_ns "$A" conntrack -E -e NEW,DESTROY -b 65536 2> /dev/null < /dev/null \
		> >(while read -r; do sleep 0.02; done) &
	LISTENERS+=($!)
	spawn "idle$1" "$A" listener "$A" "buffer=$2"
	LISTENERS+=("$SPAWNED")
	PIDS+=("${LISTENERS[@]}")
	check "three listen ($1)" wait_for 5 said "idle$1" ready
}
stop_listening() {
	for pid in "${LISTENERS[@]}"; do
		end_of "$pid"
	done
}

# Port 7001 goes into a flow table while there is one.  What is in it says so in its
# status, which is the owner's alone.
flow_table() {
	in_ns "$A" nft -f - <<- END || bail "no flow table"
		table inet fast {
			flowtable f { hook ingress priority 0; devices = { n1, n2 }; }
			chain fast {
				type filter hook forward priority 1;
				meta l4proto udp th dport 7001 flow add @f
			}
		}
	END
}
no_flow_table() { in_ns "$A" nft delete table inet fast; }
offloaded() { in_ns "$A" grep -c OFFLOAD /proc/net/nf_conntrack; }
SPORT=1000
# datagrams COUNT: as many new flows by packets, a fifth of them into the flow table
datagrams() {
	in_ns "$C" forge udp 10.1.0.2 $SPORT 10.2.0.2 7000 $(($1 * 4 / 5)) 2
	in_ns "$C" forge udp 10.1.0.2 $SPORT 10.2.0.2 7001 $(($1 / 5)) 3
	SPORT=$((SPORT + $1))
}
joins_anew() {
	agent_crash "$B"
	agent_start "$B"
}

# Others come and go while flows come, change and go, and while B joins.
flow_table
background ctchurn "$A" rate=2000 live=1500
CHURN=$BACKGROUND
for round in 1 2; do
	# One that takes nothing, and one that takes much before it takes nothing.
	listen "$round" $((round == 1 ? 1 : 4000000))
	[ $round != 2 ] || joins_anew
	datagrams 500
	check "others come and go: events ($round)" wait_for 5 stat_least "$A" events $((round * 2000))
	stop_listening
done
listen last 1
end_of "$CHURN"
check "others come and go: flows are in the flow table" offloaded
no_flow_table
check "others come and go: B joins anew" wait_for 20 in_sync "$A" "$B"
proven "others come and go" 1000
stop_listening

# ctnetlink goes and comes with listeners there, packets flow, B joins.
gaps=$(stat "$A" notifier_gaps)
flow_table
listen reload 1
packets() { for _ in $(seq 10); do datagrams 100; done; }
background packets
PACKETS=$BACKGROUND
reloads=0
for round in 1 2 3 4 5; do
	modprobe -r nf_conntrack_netlink || break
	[ $round != 2 ] || joins_anew
	modprobe nf_conntrack_netlink && reloads=$((reloads + 1))
done
check "ctnetlink comes and goes beside listeners" eq "$reloads" 5
wait "$PACKETS"
no_flow_table
check "ctnetlink: there were gaps" stat_least "$A" notifier_gaps $((gaps + 5))
check "ctnetlink: B joins anew" wait_for 20 in_sync "$A" "$B"
proven "ctnetlink" 2000
stop_listening

# From here on each flow is counted.
in_ns "$A" conntrack -F > /dev/null 2>&1
empty() { eq "$(flows "$1")" 0; }
check "flushed: none at B" wait_for 10 empty "$B"

# One that asks for what it has missed, and never reads: the kernel keeps each flow
# whose end it could not tell, and tells it again and again.
count_in() { in_ns "$1" cat /proc/sys/net/netfilter/nf_conntrack_count; }
kept() { ge "$(count_in "$1")" $(($(flows "$1") + $2)); }
none_kept() { eq "$(count_in "$1")" "$(flows "$1")"; }
made_at() { eq "$(with_dport "$B" "$1")" "$2"; }
spawn reliable "$A" listener "$A" buffer=1 reliable=1
RELIABLE=$SPAWNED
spawn reliableb "$B" listener "$B" buffer=1 reliable=1
RELIABLE_B=$SPAWNED
# After a gap the count of them is one for people.
flows_before=$(gwctl -n "$A" get flows) replicas_before=$(gwctl -n "$B" get replicas)
own_flows() { eq $(($(gwctl -n "$A" get flows) - flows_before)) "$(flows "$A")"; }
replicas() { eq $(($(gwctl -n "$B" get replicas) - replicas_before)) "$(flows "$B")"; }
check "reliable: one listens at A" wait_for 5 said reliable ready
check "reliable: one listens at B" wait_for 5 said reliableb ready
events=$(stat "$A" events) tombstones=$(stat "$A" tombstones)
make_flows "$A" 8001 120 > /dev/null
check "reliable: B has all flows" wait_for 5 made_at 8001 120
in_ns "$A" conntrack -D -p udp --orig-port-dst 8001 > /dev/null 2>&1
check "reliable: B has none" wait_for 5 made_at 8001 0
check "reliable: A keeps those that ended" kept "$A" 100
check "reliable: B keeps those that ended" kept "$B" 100
check "reliable: each end is told once" eq $(($(stat "$A" tombstones) - tombstones)) 120

# The same tuples again: what is told again is the end of others.
make_flows "$A" 8001 120 > /dev/null
check "reliable: born again: B has all" wait_for 5 made_at 8001 120
proven "reliable: born again" 120
check "reliable: born again: own flows" own_flows
check "reliable: born again: replicas" replicas
check "reliable: born again: no end but these" eq $(($(stat "$A" tombstones) - tombstones)) 120
check "reliable: an end is one event" ge 450 $(($(stat "$A" events) - events))

# What it missed is told again with each packet, and has changed nothing.
in_ns "$C" forge udp 10.1.0.2 $SPORT 10.2.0.2 7000 100 4 50
nothing_waits() { eq "$(gwctl -n "$A" get waiting)" 0; }
check "reliable: packets: B has their flows" wait_for 5 made_at 7000 100
check "reliable: packets: all is told" wait_for 5 nothing_waits
sent=$(stat "$A" records_sent)
in_ns "$C" forge udp 10.1.0.2 $SPORT 10.2.0.2 7000 100 40 25
check "reliable: more packets: all is told" wait_for 5 nothing_waits
# That it is assured, which comes after two seconds, and nothing else.
check "reliable: more packets: at most one record a flow" \
	ge 110 $(($(stat "$A" records_sent) - sent))
# What changes is told, at once, whatever was missed.
# mark_all MARK: of those flows
mark_all() {
	ctmake "$A" update count=100 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=7000 \
		"sport=$SPORT" "mark=$1" > /dev/null
}
mark_all 5
mark_all 6
marked() { eq "$(in_ns "$B" conntrack -L -p udp -m "$1" 2> /dev/null | wc -l)" 100; }
check "reliable: changes: B has them" wait_for 2 marked 6
# It is not new again for that.
gwctl -n "$A" set hold_ms 30000 > /dev/null
mark_all 7
check "reliable: hold time: changes of old flows do not wait" wait_for 2 marked 7
gwctl -n "$A" set hold_ms 0 > /dev/null

# Nor is one that a packet has made in a backup foreign when somebody changes it.
made=$(stat "$B" foreign)
make_own() { in_ns "$B" forge udp 10.2.0.1 4000 10.2.0.9 9 1 1; }
own_at_b() { in_ns "$B" conntrack -L -p udp --orig-port-dst 9 2> /dev/null | grep "$1"; }
make_own
check "reliable: a flow of B's own" wait_for 2 own_at_b "sport=4000"
ctmake "$B" update src=10.2.0.1 dst=10.2.0.9 proto=17 sport=4000 dport=9 mark=3
check "reliable: a flow of B's own is changed" own_at_b mark=3
check "reliable: a flow of B's own is not foreign" eq "$(stat "$B" foreign)" "$made"
in_ns "$B" conntrack -D -p udp --orig-port-dst 9 > /dev/null 2>&1

# It reads at last, and gets each end, once.
in_ns "$A" conntrack -D -p udp > /dev/null 2>&1
check "reliable: all ended: B has none" wait_for 5 empty "$B"
kill -USR1 "$RELIABLE" "$RELIABLE_B"
check "reliable: reads: A keeps none" wait_for 10 none_kept "$A"
check "reliable: reads: B keeps none" wait_for 10 none_kept "$B"
end_of "$RELIABLE"
check "reliable: reads: each end, once" said reliable " ends 340 doubled 0 overruns 0"
end_of "$RELIABLE_B"
check "reliable: reads: each end at B, once" said reliableb " ends 341 doubled 0 overruns 0"
check "reliable: reads: ends of flows" eq $(($(stat "$A" tombstones) - tombstones)) 340

# It dies with all that was kept for it.
spawn again "$A" listener "$A" buffer=1 reliable=1
RELIABLE=$SPAWNED
check "killed: one listens" wait_for 5 said again ready
make_flows "$A" 8002 120 > /dev/null
in_ns "$A" conntrack -D -p udp > /dev/null 2>&1
check "killed: A keeps those that ended" kept "$A" 100
kill -KILL "$RELIABLE"
wait "$RELIABLE" 2> /dev/null
check "killed: A keeps none" wait_for 10 none_kept "$A"
make_flows "$A" 8003 120 > /dev/null
proven "killed" 120
check "killed: own flows" own_flows
check "killed: replicas" replicas
logs_if_failed "$A" "$B"
finish

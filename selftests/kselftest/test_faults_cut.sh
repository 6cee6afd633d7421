#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Links that are cut: the sync link for 10 s, one direction of all links, all
# links.  One owner remains, by epoch, then priority, then id; the other one
# takes over its state; the virtual address is on one machine.
# shellcheck source=selftests/kselftest/lib_faults.sh
. "$(dirname "$0")/lib_faults.sh"

faults_net "$A" "$B"
check "in sync" faults_start "$A" "$B" || finish
check "the address is on the owner alone" vip_on_one "$A" "$B"
make_flows "$A" 4000 1000
check "tables are equal" equal 1000 "$A" "$B"
TOTAL=1000

# more NETNS COUNT: flows there
more() {
	DPORT=$((${DPORT:-4000} + 1))
	make_flows "$1" $DPORT "$2"
}
# wait_since SECONDS: until so long after $SECONDS was started
wait_since() {
	while [ $((SECONDS - started)) -lt "$1" ]; do
		sleep 0.1
	done
}
owners() {
	local ns n=0

	for ns in "$A" "$B"; do
		! field_is "$ns" state owner > /dev/null || n=$((n + 1))
	done
	echo $n
}
both_own() { eq "$(owners)" 2; }
# after NAME OWNER BACKUP: one owner, in sync, equal; MS from now
after() {
	check "$1: one owner, in sync, the address there" timed 20 settled "$2" "$3"
	figure "$1: in sync $MS ms after the links were back"
	check "$1: none missing, none different" equal "$TOTAL" "$2" "$3"
	check "$1: the address answers" wait_for 3 answers
}

# The sync link alone, while the members hear each other in the LAN.
epoch=$(field "$A" epoch)
dropped_out() { peer_is "$A" gw2 in_sync false && field_is "$B" in_sync false; }
churn "$A" rate=500 live=2000
for how in "without a carrier" "in the dark"; do
	started=$SECONDS
	if [ "$how" = "in the dark" ]; then cut_legs p "$B"; else unplug p "$B"; fi
	check "sync link cut $how: owner and backup say so" timed 5 dropped_out
	figure "sync link cut $how: known after $MS ms"
	wait_since 10
	check "sync link cut $how: nobody took over" field_is "$A" epoch "$epoch"
	if [ "$how" = "in the dark" ]; then mend "$B"; else plug p "$B"; fi
	check "sync link cut $how: in sync again" timed 20 settled "$A" "$B"
	figure "sync link cut $how 10 s: in sync $MS ms after it was back"
done
check "changes were made" churn_end
figure "meanwhile $RATE changes/s"
check "sync link cut: none missing, none different" equal $TOTAL "$A" "$B"

# One direction of all links: the backup does not hear the owner.
mute_all() { mute p "$1" l "$1"; }
yielded() { field_is "$B" state owner && field_is "$A" state backup; }
mute_all "$A"
check "A hears B, B does not hear A: B owns, A yields" timed 10 yielded
figure "A hears B, B does not hear A: one owner after $MS ms"
check "A hears B, B does not hear A: the address is on B alone" vip_on_one "$B" "$A"
check "A hears B, B does not hear A: A is not in sync" wait_for 5 field_is "$A" in_sync false
more "$B" 500
TOTAL=$((TOTAL + 500))
sleep 2
check "A hears B, B does not hear A: it stays so" yielded
mend "$A"
after "A hears B, B does not hear A" "$B" "$A"
# The other one: the owner does not hear the backup.
epoch=$(field "$B" epoch)
mute_all "$A"
check "B does not hear A, its backup: it knows" wait_for 5 peer_is "$B" gw1 alive false
more "$B" 500
TOTAL=$((TOTAL + 500))
check "B does not hear A, its backup: A is not in sync, and says so" \
	wait_for 5 field_is "$A" in_sync false
check "B does not hear A, its backup: nobody took over" field_is "$B" epoch "$epoch"
check "B does not hear A, its backup: the address stays" vip_on_one "$B" "$A"
mend "$A"
after "B does not hear A, its backup" "$B" "$A"

# All links of A, while B serves the LAN: what served is the owner, whatever A's epoch.
cut_legs p "$A" l "$A"
check "split, by service: both own" timed 10 both_own
served() { [ "$(in_ns "$LAN" ping -q -c 20 -i 0.2 -W 1 $VIP | grep -c ' 0% packet loss')" = 1 ]; }
check "split, by service: B answers" served
mend "$A"
after "split, by service" "$B" "$A"

# All links: both own, each with new flows and ends of its own; the LAN reaches neither.
split() { cut_legs p "$A" l "$A" l "$B"; }
heal() { mend "$A" "$B"; }
split
check "split: both own" timed 10 both_own
figure "split: both own after $MS ms"
make_flows "$B" 3000 300
make_flows "$A" 3001 300
in_ns "$B" conntrack -D -p udp --dport 4000 > /dev/null 2>&1
more "$A" 200
epochs() { echo "$(field "$A" epoch) $(field "$B" epoch)"; }
read -r epoch_a epoch_b < <(epochs)
check "split: A's epoch is the higher one" ge "$epoch_a" $((epoch_b + 1))
TOTAL=$((1000 + 500 + 500 + 300 + 200))
heal
after "split, by epoch" "$A" "$B"
check "split, by epoch: the winner's flows are there" eq "$(with_dport "$B" 3001)" 300
check "split, by epoch: the loser's are gone" eq "$(with_dport "$B" 3000)" 0
check "split, by epoch: what only the loser ended is alive" eq "$(with_dport "$B" 4000)" 1000

# Of the same epoch: both begin alone.  rule NAME PRIORITY-A PRIORITY-B WINNER LOSER
rule() {
	local name=$1

	check "agents end well" agents_end
	for gw in "$A" "$B"; do
		in_ns "$gw" conntrack -F > /dev/null 2>&1
	done
	# Its epoch outlives a daemon.
	check "rmmod" modprobe -r gwsync
	modprobe gwsync
	faults_config "$A" "$2"
	faults_config "$B" "$3"
	split
	agent_start "$A" "$B"
	check "$name: both own" wait_for 10 both_own
	check "$name: of one epoch" eq "$(field "$A" epoch)" "$(field "$B" epoch)"
	make_flows "$4" 3002 200
	make_flows "$5" 3003 200
	TOTAL=200
	heal
	after "$name" "$4" "$5"
	check "$name: the loser's flows are gone" eq "$(with_dport "$5" 3003)" 0
}
agents_end() { agent_end "$B" && agent_end "$A"; }
rule "split, by priority" 50 200 "$B" "$A"
rule "split, by id" 100 100 "$A" "$B"
check "agents end well" agents_end
logs_if_failed "$A" "$B"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An administrator loads his rules anew, in two steps: for a moment conntrack has no user
# in the netns, its hooks go and come back, and the kernel forgets the windows of all
# flows. On the owner and on the backup; established connections, held to their windows,
# go on on both.
. "$(dirname "$0")/lib.sh"

setup_net
strict "$A"
strict "$B"
check "relay attaches to both" relay_start || finish
spawn serve "$S" peer serve 7000
check "server listens" wait_for 5 said serve ready
export PEER_SECONDS=$((60 * SCALE))

# alive ROUND: each connection answers
alive() {
	local n

	for n in idle idle6; do
		feed "$n"
		check "$1: $n goes on" wait_for 20 said_times "$n" "alive 1 of 1" $((ROUND + 1))
	done
	ROUND=$((ROUND + 1))
}
ROUND=0
for n in idle:10.2.0.2 idle6:fd02::2; do
	spawn_fed "${n%%:*}" "$C" peer echo "${n#*:}" 7000 1
	check "${n%%:*} is open" wait_for 5 said "${n%%:*}" ready
done
# Not translated, so it goes on while nobody tracks.
BULK=150000000
spawn bulk6 "$C" peer bulk fd02::2 7000 $BULK
check "a download runs" wait_for 10 said bulk6 start
check "full sync" relay_cmd sync

windows() { gwctl -n "$1" dump | sed -nE '/10.1.0.2,/s/.* tcp=([^ ]*).*/\1/p'; }
# anew NETNS [COMMAND...]: its rules, in two steps, with this in between
anew() {
	in_ns "$1" nft flush ruleset
	"${@:2}"
	strict "$1"
}
unruled() { check "without rules the download goes on" receives "$C" 1000000 20; }
was=$(windows "$A")
check "windows of the idle connection" ge "${#was}" 8
anew "$A" unruled
check "rules anew on the owner: its windows are forgotten" fails eq "$(windows "$A")" "$was"
alive "rules anew on the owner"
anew "$B" unruled
alive "rules anew on the backup"
check "the download goes on" fails said bulk6 "done"
kill "$SPAWNED"
# Another one, which has far to go when the owner loses its power.
spawn bulk "$C" peer bulk fd02::2 7000 $BULK
check "another download runs" wait_for 10 said bulk start
check "B has it" relay_cmd sync
relay_cmd kill > /dev/null
check "the download runs far ahead of what B knows" receives "$C" 8000000 20
check "takeover" relay_cmd takeover
path B
alive "taken over"
check "the download is complete" wait_for 60 said bulk "done $BULK of"
anew "$B"
alive "taken over, rules anew"
finish

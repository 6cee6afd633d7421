#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A flow that only carries traffic is not sent again, unless it has moved so
# far that its replica could no longer tell ahead from behind.
. "$(dirname "$0")/lib.sh"

setup_net
strict "$A"
strict "$B"
check "relay attaches to both" relay_start || finish
MOVED=$((640 << 20))

# The bulk connection is the one whose replies went far; edge NETNS: how far.
edge() {
	gwctl -n "$1" dump | grep "proto=6 10.1.0.2,.*,7000 " |
		sed -nE 's/.*tcp=[0-9]*,\[[^]]*\],\[([0-9]*),.*/\1/p' | head -n 1
}
behind() {
	local a b

	a=$(edge "$A") b=$(edge "$B")
	echo "A $a, B $b"
	[ -n "$a" ] && [ -n "$b" ] && [ $(((a - b) & 0xffffffff)) -lt $((MOVED / 2)) ]
}

spawn serve "$S" peer serve 7000
check "server listens" wait_for 5 said serve ready
spawn bulk "$C" peer bulk 10.2.0.2 7000 "$MOVED"
check "a download runs" wait_for 10 said bulk start
check "it ends well" wait_for 60 said bulk "done $MOVED of"
check "it was sent again while it ran" wait_for 3 stat_least "$A" refreshed 1
check "but not each time that it moved" ge 4 "$(stat "$A" refreshed)"
check "B is not far behind" wait_for 3 behind
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Takeover with flows of ctnetlink: O(1), epochs, segments forged before the
# first real one.
. "$(dirname "$0")/lib.sh"

setup_net
strict "$A"
strict "$B"
check "relay attaches to both" relay_start || finish
MANY=${MANY:-10000}
same() { ctcompare -w $((10 * SCALE)) "$@" "$A" "$B"; }

# takeover with few replicas, in a group of its own
few_us() {
	ctmake "$A" create count=10 src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 timeout=600
	same -m 10 || return 1
	relay_cmd kill > /dev/null
	relay_cmd takeover > /dev/null || return 1
	FEW=${RELAY_ANSWER#ok }
	relay_cmd settle
}
check "takeover of 10 flows" few_us
relay_stop
in_ns "$A" conntrack -F > /dev/null 2>&1
in_ns "$B" conntrack -F > /dev/null 2>&1
check "relay attaches again" relay_start 10 || finish

ctmake "$A" create count="$MANY" src=10.1.0.2 dst=10.2.0.2 proto=17 dport=53 sport=1000 timeout=600
spawn serve "$S" peer serve 7000
spawn_fed echo "$C" peer echo 10.2.0.2 7000 5
check "connections" wait_for 5 said echo ready
check "$MANY flows in B" same -m $((MANY + 5))
check "B has the windows" relay_cmd sync
# The ACK that ends the short clock of data in flight raises no event.
long_clocks() {
	gwctl -n "$B" dump | grep "proto=6 10.1.0.2,.*,7000 " > "$TMP/tcp"
	[ -s "$TMP/tcp" ] && ! grep -v -E " timeout=43[0-9]{4}( |$)" "$TMP/tcp"
}
check "established connections have their long clock in B" long_clocks

# Known edges of one connection, from A's record.
check "edges of a window" edges "$A" '[0-9]*' || finish
check "B never owned anything: passive" eq "$(gwctl -n "$B" get active)" 0
gwctl -n "$A" dump file "$TMP/records"

relay_cmd kill > /dev/null
check "takeover of $MANY flows" relay_cmd takeover
us=${RELAY_ANSWER#ok }
echo "# takeover: 10 flows $FEW us, $MANY flows $us us"
check "takes no longer than with 10" ge $((5 * FEW + 5000)) "$us"
check "B is active at once" eq "$(gwctl -n "$B" get active)" 1

# The first segment of a direction may move the window, but never back.
was=$(dropped "$B")
path B
forge_c PA "$(ahead "$EDGE0")" "$(behind "$EDGE1")"
forge_c PA "$(behind "$EDGE0")" "$(ahead "$EDGE1")"
forge_s PA "$(ahead "$EDGE1")" "$(behind "$EDGE0")"
forge_c R "$(ahead "$EDGE0")" 0
forge_c SA "$EDGE0" "$(ahead "$EDGE1")"
forged() { ge "$(($(dropped "$B") - was))" 100; }
check "100 segments behind the replica's edges, RST and SYN/ACK among them, are invalid" \
	wait_for 3 forged
check "pick-up refused them" stat_least "$B" pickup_refused 60
feed echo
check "the real connections go on" wait_for 10 said echo "alive 5 of 5"
check "the background walk ends" relay_cmd settle
check "all were adopted" ge "$(stat "$B" adopted)" "$MANY"
check "no replica is left" eq "$(gwctl -n "$B" get replicas)" 0
check "timeouts are the owner's" ctcompare -T $((10 * SCALE)) -p 17 -m "$MANY" "$A" "$B"

# Epochs: relay began at 10, A became active at 11, B at 12.
err() { "$@" | tee "$TMP/err" | grep -q "$WANT" || { cat "$TMP/err"; return 1; }; }
WANT="error ESTALE ." check "activation needs a newer epoch" err gwctl -n "$B" activate 2 12
WANT="error ESTALE ." check "records of the old owner's epoch are stale" \
	err gwctl -n "$B" apply 1 11 "$TMP/records"
WANT="error EBUSY ." check "records of a newer epoch: this member is active" \
	err gwctl -n "$B" apply 1 99 "$TMP/records"
check "stale messages are counted" stat_least "$B" refused_stale 1
check "no own flow became a replica" eq "$(gwctl -n "$B" get replicas)" 0
finish

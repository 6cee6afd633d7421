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

# Known edges of one connection, from A's record.
rec=$(gwctl -n "$A" dump | grep -m 1 "proto=6 10.1.0.2,")
sport=$(sed -E 's/.*10\.1\.0\.2,([0-9]*)>.*/\1/' <<< "$rec")
end0=$(sed -E 's/.*tcp=[0-9]*,\[([0-9]*),.*/\1/' <<< "$rec")
end1=$(sed -E 's/.*tcp=[0-9]*,\[[^]]*\],\[([0-9]*),.*/\1/' <<< "$rec")
check "B never owned anything: passive" eq "$(gwctl -n "$B" get active)" 0
gwctl -n "$A" dump file "$TMP/records"

relay_cmd kill > /dev/null
check "takeover of $MANY flows" relay_cmd takeover
us=${RELAY_ANSWER#ok }
echo "# takeover: 10 flows $FEW us, $MANY flows $us us"
check "takes no longer than with 10" ge $((5 * FEW + 5000)) "$us"
check "B is active at once" eq "$(gwctl -n "$B" get active)" 1

# The first segment of a direction may move the window, but never back.
back() { echo $((($1 - (1 << 30)) & 0xffffffff)); }
was=$(dropped "$B")
path B
in_ns "$C" forge tcp 10.1.0.2 "$sport" 10.2.0.2 7000 PA "$(back "$end0")" "$end1"
in_ns "$C" forge tcp 10.1.0.2 "$sport" 10.2.0.2 7000 PA "$end0" "$(back "$end1")"
in_ns "$C" forge tcp 10.1.0.2 "$sport" 10.2.0.2 7000 R "$(back "$end0")" 0
in_ns "$C" forge tcp 10.1.0.2 "$sport" 10.2.0.2 7000 SA "$(back "$end0")" "$end1"
forged() { ge "$(($(dropped "$B") - was))" 2; }
check "segments older than the replica are invalid" wait_for 3 forged
check "pick-up refused them" stat_least "$B" pickup_refused 1
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

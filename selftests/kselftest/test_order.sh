#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What comes close together: a new map between two records of a flow, a walk
# that is broken off while the agent does not read, ownership that moves twice at
# once, and flows that somebody puts into a backup's table during a repair or a
# full sync.
. "$(dirname "$0")/lib.sh"

gateways
U="src=10.1.0.2 dst=10.2.0.2 proto=17 timeout=600 dport=53"

# The map changes while ends of flows wait, and one of them begins anew.
gwctl -n "$A" - > "$TMP/map1" <<- END
	attach 1 1
	set flush_ms 1
	map 0x4 128-255=0xc
	activate 0 2
	sh ctmake $A create count=40 $U sport=1000
	recv $((150 * SCALE))
END
# port_of SET: the first flow that went to it
port_of() {
	awk -v want="set=$1" '/^delta/ { set = $2 }
		/^flow/ && set == want { match($0, /10\.1\.0\.2,[0-9]+>/)
			print substr($0, RSTART + 9, RLENGTH - 10); exit }' "$TMP/map1"
}
first=$(port_of 0x4) second=$(port_of 0xc)
check "map: flows of two sets" ge $((first * second)) 1
gwctl -n "$A" - > "$TMP/map2" <<- END
	attach 1 3
	activate 0 4
	recv $((150 * SCALE))
	set flush_ms 1000
	sh ctmake $A delete $U sport=$first
	sh ctmake $A delete $U sport=$second
	map 0x4
	sh ctmake $A create $U sport=$second mark=5
	recv $((1000 + 200 * SCALE))
END
check "map: no error" eq "$(grep -c "^error\|BAD" "$TMP/map2")" 0
# Of what member 2 gets: all of it.
ends_alive() { grep -v "^delta" "$TMP/map2" | grep "10\.1\.0\.2,$second>" | tail -n 1 | grep "^flow"; }
check "map: a flow that began anew is told after its former end" ends_alive
[ "$FAILED" -eq 0 ] || diag < "$TMP/map2"

# Nobody reads, so the worker does not walk; the agent has thought better of it.
in_ns "$A" conntrack -F > /dev/null 2>&1
gwctl -n "$A" - > "$TMP/walk" <<- END
	attach 1 5
	set flush_ms 1
	activate 0 6
	sh ctmake $A create count=6000 $U sport=1000
	sh until [ \$(gwctl -n $A stats congested) -gt 0 ]; do sleep 0.1; done
	sh gwctl -n $A walk 0x4 7
	sh gwctl -n $A walk 0 0
	sh gwctl -n $A walk 0x4 8
	wait walk-done $((10 * SCALE))
END
check "walk: every command was taken" eq "$(grep -c "^sh 0$" "$TMP/walk")" 5
check "walk: the second one is told, and not the first" grep -q "walk-done.*walk=8" "$TMP/walk"

# Active, and given away twice before the first time is over.
in_ns "$A" conntrack -F > /dev/null 2>&1
ctmake "$A" create count=10000 $U sport=1000
gwctl -n "$A" dump file "$TMP/records"
gwctl -n "$B" - > "$TMP/twice" <<- END
	attach 2 20
	apply 1 20 $TMP/records
	activate 0x2 21
	deactivate 3 22
	deactivate 4 23
END
check "twice: every command was taken" eq "$(grep -c "^ok" "$TMP/twice")" 5
check "twice: 10000 replicas" eq "$(gwctl -n "$B" get replicas)" 10000
# of OWNER: replicas in B
of() { gwctl -n "$B" dump | grep -c " owner=$1 "; }
nobodys() { eq "$(of 1)" 0; }
check "twice: none is of a member that nobody would sweep" wait_for 5 nobodys
echo "# twice: $(of 3) of the first that they were given to, $(of 4) of the second"
gwctl -n "$B" - > /dev/null <<- END
	attach 2 24
	purge 3
	purge 4
	recv $((100 * SCALE))
END
in_ns "$A" conntrack -F > /dev/null 2>&1
in_ns "$B" conntrack -F > /dev/null 2>&1

# Somebody puts a flow into the backup's table: one repair takes it out.
check "relay attaches to both" relay_start 30 || finish
ctmake "$A" create count=100 $U sport=1000
check "100 flows in B" ctcompare -w $((3 * SCALE)) -m 100 "$A" "$B"
ALL=0xffffffffffffffff
check "foreign: full sync" relay_cmd sync
check "foreign: digests are compared" gwctl -n "$A" repair
compared() { ge "$(stat "$B" classes_compared)" 16384; }
check "foreign: all of them" wait_for 3 compared
in_ns "$B" conntrack -I -p udp -s 10.9.0.1 -d 10.9.0.2 --sport 1 --dport 1 -t 600 > /dev/null 2>&1
check "foreign: it was noticed" stat_least "$B" foreign 1
is_in() { in_ns "$B" conntrack -L -p udp --orig-src "$1" 2> /dev/null | grep -q .; }
gone() { ! is_in "$1"; }
check "foreign: repair" gwctl -n "$A" repair $ALL
check "foreign: one repair is enough" wait_for 3 gone 10.9.0.1
check "foreign: the others stay" eq "$(gwctl -n "$B" get replicas)" 100

# The same while a full sync runs.
epoch=$(gwctl -n "$B" get epoch)
check "foreign: a full sync begins" gwctl -n "$B" sync-begin 1 "$epoch"
in_ns "$B" conntrack -I -p udp -s 10.9.0.3 -d 10.9.0.2 --sport 1 --dport 1 -t 600 > /dev/null 2>&1
check "foreign: noticed during a full sync" stat_least "$B" foreign 2
check "foreign: and goes on" relay_cmd sync
check "foreign: its end is enough" wait_for 3 gone 10.9.0.3
check "foreign: the others stay" eq "$(gwctl -n "$B" get replicas)" 100
check "no error in relay" eq "$(relay_count errors)" 0
finish

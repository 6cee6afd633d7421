#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A new key for a group at work, as Documentation/security.rst tells: no session
# ends, nothing is refused, and a listener sees which key is in use.  One daemon
# runs as root, one as daemon.user.
# shellcheck source=selftests/kselftest/lib_agent.sh
. "$(dirname "$0")/lib_agent.sh"
# A busy machine makes nobody dead.
DEAD_AFTER=$PATIENT

X=x-$TAG
gateways
add_ns "$X"
sync_lan "$A" "$B" "$X"
# Not random: a listener must be able to tell their ids apart.
for ns in "$A" "$B"; do
	printf '%064x\n' 11 > "$TMP/$ns.old"
	printf '%064x\n' 22 > "$TMP/$ns.new"
	chmod 600 "$TMP/$ns".*
done
chown gwsync "$TMP/$B".*
FLOWS=500 DPORT=2000

# keys NETNS FIRST [SECOND]
keys() {
	local member=1

	[ "$1" = "$A" ] || member=2
	agent_config "$1" 1 $member "$TMP/$1.$2"
	[ -z "${3:-}" ] || echo "second_key_file = \"$TMP/$1.$3\";" >> "$TMP/$1.conf"
	[ "$1" = "$A" ] || sed -i 's/^daemon = {/& user = "gwsync";/' "$TMP/$1.conf"
}
# more COUNT: flows at the owner
more() {
	DPORT=$((DPORT + 1)) FLOWS=$((FLOWS + $1))
	make_flows "$A" $DPORT "$1"
}
reads() { grep -c "keys read again" "$TMP/$1.log"; }
read_again() { ge "$(reads "$1")" "$2"; }
# reload NETNS: SIGHUP, under traffic
reload() {
	local was

	was=$(reads "$1")
	more 50
	agent_signal HUP "$1"
	more 50
	wait_for 5 read_again "$1" $((was + 1))
}
dropped() {
	ask "$1" stats --json | awk '
		/^  "/ { section = $1 }
		section == "\"dropped\":" && /^    "/ { n += $2 }
		END { print n + 0 }'
}
told() { cat "$TMP/$A.log" "$TMP/$B.log" | grep -c -- "$1"; }
# traces: what a gap would leave behind
traces() {
	echo "dropped $(dropped "$A") $(dropped "$B")"
	echo "sessions $(told 'new session') deaths $(told 'is dead') owners $(told 'OWNER')"
	echo "full syncs $(counter "$A" sync full_sent) $(counter "$B" sync full_received)"
	echo "lost $(counter "$B" receive lost) epoch $(field "$A" epoch)"
}
no_gap() {
	traces > "$TMP/traces.now"
	diff "$TMP/traces" "$TMP/traces.now"
}
# listen FILE: to the wire, for two seconds; SEEN: MEMBER=KEY of each
listen() {
	spawn listen "$X" attack record sync0 "$1" 2
	wait_for 5 said listen listening || return 1
	more 50
	wait_for 10 said listen "^recorded" || return 1
	SEEN=$(attack list "$1" | sed -E 's/.*member=([0-9]*) key=([0-9]*) .*/\1=\2/' |
		sort -u | tr '\n' ' ')
}
# step NAME NETNS KEYS_ON_THE_WIRE FIRST [SECOND]
step() {
	local name=$1 ns=$2 wire=$3

	shift 3
	keys "$ns" "$@"
	check "$name: keys are read" reload "$ns"
	check "$name: a listener" listen "$TMP/wire"
	check "$name: hears the right keys" eq "$SEEN" "$wire"
	check "$name: in sync" wait_for 5 in_sync "$A" "$B"
	check "$name: tables are equal" same $FLOWS "$A" "$B"
	check "$name: nothing refused, no new session, no full sync" no_gap
}

keys "$A" old
keys "$B" old
agent_start "$A"
check "owner" wait_for 5 field_is "$A" state owner || finish
agent_start "$B"
make_flows "$A" 1001 500
check "in sync" wait_for 10 in_sync "$A" "$B" || finish
check "tables are equal" same 500 "$A" "$B"
check "a listener" listen "$TMP/before"
OLD=$(sed -E 's/1=([0-9]*) .*/\1/' <<< "$SEEN")
check "hears one key" eq "$SEEN" "1=$OLD 2=$OLD "
traces > "$TMP/traces"
check "nothing was refused so far" shows "^dropped 0 0$" traces ||
	ask "$B" stats --json | sed -n '/"dropped"/,/}/p' | grep -v ": 0" | diag

step "first knows the new key" "$A" "1=$OLD 2=$OLD " old new
step "second knows the new key" "$B" "1=$OLD 2=$OLD " old new
keys "$A" new old
check "first uses the new key: keys are read" reload "$A"
check "first uses the new key: a listener" listen "$TMP/wire"
NEW=$(sed -E 's/1=([0-9]*) .*/\1/' <<< "$SEEN")
check "first uses the new key: another one" fails [ "$NEW" = "$OLD" ]
check "first uses the new key: the second does not" eq "$SEEN" "1=$NEW 2=$OLD "
check "first uses the new key: nothing refused" no_gap
step "second uses the new key" "$B" "1=$NEW 2=$NEW " new old
step "first forgets the old key" "$A" "1=$NEW 2=$NEW " new
step "second forgets the old key" "$B" "1=$NEW 2=$NEW " new
diag < "$TMP/traces.now"

# What is wrong with a file changes nothing.
chmod 644 "$TMP/$A.new"
agent_signal HUP "$A"
chown root "$TMP/$B.new"
agent_signal HUP "$B"
check "a key file open to others: keys are kept" \
	wait_for 5 logged "$A" "keys are kept as they were"
check "a key file that it may not read: keys are kept" \
	wait_for 5 logged "$B" "keys are kept as they were"
check "nothing refused by that" no_gap

# Who has the old key is nobody now.
for ns in "$A" "$B"; do
	was=$(counter "$ns" dropped key)
	spawn old "$X" attack send sync0 "$TMP/before" head 100
	check "the old key is refused" wait_for 5 grown "$was" "$ns" dropped key
done
check "in sync" in_sync "$A" "$B"
for ns in "$B" "$A"; do
	check "agent ends well" agent_end "$ns"
done
logs_if_failed "$A" "$B"
finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of daemons in namespaces share: what gateway N, in namespace gwN, says and
# holds.  The arguments are those of the test: daemon, CLI, and what else it wants.
# shellcheck source=agent/tests/lib_netns.sh
. "$(dirname "$0")/lib_netns.sh"

daemon=$(realpath "$1")
cli=$(realpath "$2")

scale=${GWSYNC_TIME_SCALE:-1}
declare -A pid=()	# of gateway N's daemon

log_tail() { tail -n "$2" "$dir/gw$1.log" | sed 's/^/#    /'; }	# GATEWAY LINES

status() { timeout 2 "$cli" -s "$dir/gw$1.sock" status --json 2> /dev/null; }
# GATEWAY KEY: the first of that name, which is the gateway's own
field() { status "$1" | sed -n "s/^  \"$2\": \"\?\([^\",]*\)\"\?,\?\$/\1/p" | head -n 1; }
problems() { status "$1" | sed -n '/^  "problems": \[/,/^  \]/s/^    "\(.*\)",\?$/\1/p'; }
says() { problems "$1" | grep -q -- "$2"; }
silent() { ! says "$@"; }

# Does a gateway have the virtual address?
held() { ip -n gw"$1" addr show to 10.8.0.254 up 2> /dev/null | grep -q 10.8.0.254; }
owns() {	# OWNER OTHER
	[ "$(field "$1" state)" = owner ] && held "$1" && ! held "$2"
}
settled() {	# OWNER BACKUP
	owns "$1" "$2" && [ "$(field "$2" state)" = backup ] && [ "$(field "$2" owner)" = "$1" ]
}

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
within() {	# TENTHS COMMAND...
	local end=$(($(now_ms) + $1 * 100 * scale))

	shift
	until "$@"; do
		[ "$(now_ms)" -lt $end ] || return 1
		sleep 0.02
	done
}
throughout() {	# TENTHS COMMAND...: it holds all the time
	local end=$(($(now_ms) + $1 * 100))

	shift
	while [ "$(now_ms)" -lt $end ]; do
		"$@" || return 1
		sleep 0.05
	done
}

start() {	# GATEWAY
	ip netns exec gw"$1" "$daemon" -c "$dir/gw$1.conf" 2>> "$dir/gw$1.log" &
	pid[$1]=$!
}
end() {		# GATEWAY; its status
	local status

	kill "${pid[$1]}" && wait "${pid[$1]}"
	status=$?
	unset "pid[$1]"
	return $status
}
all_end() {	# GATEWAY...: with status 0, and no sanitizer spoke
	local gw status=0

	for gw in "$@"; do
		end "$gw" || status=1
		! grep -q 'Sanitizer\|runtime error' "$dir/gw$gw.log" || status=1
	done
	return $status
}
crash() {	# GATEWAY
	kill -9 "${pid[$1]}"
	wait "${pid[$1]}" 2> /dev/null
	unset "pid[$1]"
}

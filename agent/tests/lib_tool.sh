# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests share that drive a part of the daemon by hand: gateway N, in namespace
# gwN, is a tool that reads a command a line and answers with a line (commands.h).
# The argument is that of the test: the tool.
# shellcheck source=agent/tests/lib_netns.sh
. "$(dirname "$0")/lib_netns.sh"

tool=$(realpath "$1")
pids=()		# of gateway N's tool

start() {	# NUMBER ARGUMENT...
	local number=$1

	shift
	mkfifo "$dir/in$number" 2> /dev/null
	: > "$dir/out$number"
	# stdbuf is not needed: the tool flushes
	ip netns exec "gw$number" "$tool" "$@" < "$dir/in$number" >> "$dir/out$number" \
		2>> "$dir/err$number" &
	pids[number]=$!
	eval "exec $((10 + number))> '$dir/in$number'"
	wait_lines "$number" 1
}

wait_lines() {	# NUMBER LINES
	local i

	for i in $(seq 600); do
		[ "$(wc -l < "$dir/out$1")" -ge "$2" ] && return 0
		sleep 0.05
	done
	return 1
}

ask() {		# NUMBER COMMAND; the answer in $answer
	local lines

	lines=$(wc -l < "$dir/out$1")
	echo "$2" >&$((10 + $1))
	wait_lines "$1" $((lines + 1))
	answer=$(tail -n 1 "$dir/out$1")
}

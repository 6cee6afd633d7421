#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Module parameters: each has bounds, a bad value changes nothing, a good one
# is the default of the next netns.
. "$(dirname "$0")/lib.sh"

need_module
P=/sys/module/gwsync/parameters

# refused FILE VALUE
refused() {
	local was

	was=$(cat "$P/$1")
	if (echo "$2" > "$P/$1") 2> /dev/null; then
		echo "$1=$2 was taken: $(cat "$P/$1")"
		echo "$was" > "$P/$1"
		return 1
	fi
	eq "$(cat "$P/$1")" "$was"
}
accepted() { echo "$2" > "$P/$1" && eq "$(cat "$P/$1")" "$2"; }

check "parameters are there" [ "$(ls "$P" | wc -l)" -ge 5 ]
for p in audit_ms:0:3600000 digest_ms:0:3600000 flush_ms:0:1000 hold_ms:0:60000 batch_bytes:512:8192 tombstones:0:1048576 \
	walk_rate:0:10000000 ring_size:64:65536; do
	IFS=: read -r name low high <<< "$p"
	if ! [ -e "$P/$name" ]; then
		not_ok "$name exists"
		continue
	fi
	was=$(cat "$P/$name")
	if [ -w "$P/$name" ] && [ "$(command stat -c %a "$P/$name")" != 444 ]; then
		for v in -1 x "" 4294967296 99999999999999999999 $((high + 1)); do
			check "$name: '$v' is refused" refused "$name" "$v"
		done
		[ "$low" -gt 0 ] && check "$name: $((low - 1)) is refused" refused "$name" $((low - 1))
		check "$name: $high is taken" accepted "$name" "$high"
		check "$name: $low is taken" accepted "$name" "$low"
		check "$name: $was is taken back" accepted "$name" "$was"
	fi
	# At load time the same bounds hold.
	modprobe -r gwsync
	check "$name=$((high + 1)) at load is refused" fails modprobe gwsync "$name=$((high + 1))"
	check "$name=$high at load is taken" modprobe gwsync "$name=$high"
	modprobe -r gwsync
	modprobe gwsync
done
accepted flush_ms 77
add_ns "$A"
check "the default of a new netns" eq "$(gwctl -n "$A" get flush_ms)" 77
check "a netns' own value" gwctl -n "$A" set flush_ms 33
check "is its own" eq "$(gwctl -n "$A" get flush_ms)" 33
check "and not the default's" eq "$(cat "$P/flush_ms")" 77
finish

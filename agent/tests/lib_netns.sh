# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests in network namespaces share: a world of their own, to which they come by
# sourcing this first, with their arguments; a folder, which goes with them; TAP.
set -u

if [ "${NETNS_INSIDE:-}" != 1 ]; then
	if ! unshare -n sh -c 'ip link add dev gt0 type veth peer name gt1 &&
		ip link add dev gtm link gt0 type macvlan mode bridge &&
		ip link add dev gtb type bridge' 2> /dev/null; then
		echo "1..0 # SKIP kernel lacks veth, bridge or macvlan, or not root"
		exit 0
	fi
	NETNS_INSIDE=1 exec unshare -n -m --propagation private "$0" "$@"
fi

mount -t tmpfs none /run && mkdir /run/netns
dir=$(mktemp -d)
n=0
failed=0

cleanup() {
	for p in $(jobs -p); do
		kill -9 "$p"
		wait "$p"
	done 2> /dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

describe() { :; }	# what helps when a check failed; a test may have its own
ok() {	# STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2"
		failed=$((failed + 1))
		describe
	fi
}
finish() {
	echo "1..$n"
	exit $((failed > 0))
}

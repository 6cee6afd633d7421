# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packets of somebody else that wait for a verdict in an NFQUEUE. A netfilter hook that
# goes, whichever, takes all of them with it (nf_queue_nf_hook_drop()).

WAITING=20

# packets_wait NETNS: there are some
packets_wait() {
	modprobe -a nfnetlink_queue nft_queue || bail "no queue"
	in_ns "$1" nft -f - <<- END || bail "no rules"
		table ip waits {
			chain out {
				type filter hook output priority raw;
				oif lo udp dport 9999 notrack queue num 7
			}
			chain in {
				type filter hook input priority 0;
				udp dport 9999 counter
			}
		}
	END
	spawn_fed queued "$1" queued - 7 $WAITING
	check "queue: taken" wait_for 5 said queued ready
	for _ in $(seq $WAITING); do
		in_ns "$1" bash -c 'echo > /dev/udp/127.0.0.1/9999'
	done
	check "queue: $WAITING packets wait" wait_for 5 said queued waiting
}

packets_passed() {
	eq "$(in_ns "$1" nft list chain ip waits in | sed -n 's/.*packets \([0-9]*\).*/\1/p')" \
		$WAITING
}

# packets_go NETNS: they get their verdict, and are all there
packets_go() {
	feed queued
	check "queue: verdicts" wait_for 5 said queued "accepted $WAITING"
	check "queue: not one packet was lost" wait_for 5 packets_passed "$1"
}

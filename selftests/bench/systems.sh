# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What is compared, behind the same verbs: none, conntrackd, gwsync.
#
#	system_start SIDE	a (of gwA) or b (of gwB)
#	system_ready SIDE	it has begun to work
#	system_flows		what the backup holds for the active
#	system_prepare		what the order to take over needs to be there before
#	system_take_over	the order that makes the backup's flows live
#	system_probe K ROUND	gives that order, and tells when a packet passes
#	system_lose SIDE	the daemon goes as power goes
#	system_stop		both end, nothing of them is left in the kernel
#
# SYSTEM says which. Each daemon runs in a memory cgroup of its own, so that what
# the kernel allocates on its behalf (gwsync's rings) is counted with it.

RUN=/run/bench
# Missed heartbeats until gwsync calls a member dead. Not before the order: a backup
# that took over by itself, while a slow machine settled, refuses it as old.
PATIENCE=${PATIENCE:-30}
PATIENCE=$((PATIENCE * ${SLOW:-1} < 100 ? PATIENCE * ${SLOW:-1} : 100))
CGROUPS=/sys/fs/cgroup/bench
declare -A DAEMON=()
declare -A NETNS=([a]=gwA [b]=gwB) ADDRESS=([a]=10.9.0.1 [b]=10.9.0.2) MEMBER=([a]=1 [b]=2)

cgroups() {
	[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup || return 1
	echo +memory > /sys/fs/cgroup/cgroup.subtree_control || return 1
	mkdir -p $CGROUPS && echo +memory > $CGROUPS/cgroup.subtree_control
}

# until_ok SECONDS COMMAND...: it succeeds within this time, on a slow machine a longer one
until_ok() {
	local end=$((SECONDS + $1 * ${SLOW:-1}))

	shift
	until "$@" > /dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# daemon SIDE COMMAND...: in its netns and its cgroup; it is DAEMON[SIDE]
daemon() {
	local side=$1 cg=$CGROUPS/$1

	shift
	# A new one: its peak is of this run alone.
	[ ! -d "$cg" ] || rmdir "$cg"
	mkdir "$cg" || return 1
	(
		echo "$BASHPID" > "$cg/cgroup.procs"
		exec taskset -c "$WORKERS" ip netns exec "${NETNS[$side]}" "$@"
	) > "$RUN/$side.log" 2>&1 < /dev/null &
	DAEMON[$side]=$!
}

# daemons: NAME=PID of those that run, as meter takes them
daemons() {
	local side

	for side in "${!DAEMON[@]}"; do
		echo "$side=${DAEMON[$side]}"
	done
}

system_lose() {
	[ "${DAEMON[$1]:-}" ] || return 0
	kill -KILL "${DAEMON[$1]}"
	wait "${DAEMON[$1]}" 2> /dev/null
	unset "DAEMON[$1]"
}

system_start() {
	mkdir -p $RUN
	case $SYSTEM in
	none) ;;
	conntrackd)
		conntrackd_config "$1" > "$RUN/$1.conf"
		rm -f "$RUN/$1.lock" "$RUN/$1.sock"
		daemon "$1" conntrackd -C "$RUN/$1.conf"
		;;
	gwsync)
		[ -d /sys/module/gwsync ] || modprobe gwsync || return 1
		[ -e $RUN/key ] || gwsync key generate $RUN/key > /dev/null || return 1
		gwsync_config "$1" > "$RUN/$1.conf"
		daemon "$1" gwsyncd -c "$RUN/$1.conf"
		;;
	esac
}

# system_ready SIDE SECONDS
system_ready() {
	case $SYSTEM in
	none) ;;
	conntrackd) until_ok "$2" conntrackd_ask "$1" -s ;;
	gwsync)
		if [ "$1" = a ]; then
			until_ok "$2" gwsync_says a state '"owner"'
		else
			until_ok "$2" gwsync_says b in_sync true
		fi
		;;
	esac
}

# system_whole: both say that the backup has what the active has
system_whole() {
	[ "$SYSTEM" != gwsync ] || { gwsync_says a in_sync true && gwsync_says b in_sync true; }
}

# system_answers SIDE: its daemon is there
system_answers() {
	case $SYSTEM in
	conntrackd) conntrackd_ask "$1" -s ;;
	gwsync) gwsync_ask "$1" status ;;
	esac
}

# system_flows: replicas (gwsync) or the external cache (conntrackd)
system_flows() {
	case $SYSTEM in
	none) echo 0 ;;
	conntrackd) conntrackd_cache b external ;;
	gwsync) gwctl -n gwB get replicas ;;
	esac
}
# ask_backup LINE: of gwsync's half in gwB's kernel, by one process that stays, since
# to start one takes longer than the answer; ANSWER is the last thing that it said.
# Not in a subshell, which would not keep the process.
ask_backup() {
	[ "${ASKED_PID:-}" ] || coproc ASKED { gwctl -n gwB -; }
	local line

	echo "$1" >&"${ASKED[1]}"
	while read -r -t "$SETTLE_LIMIT" line <&"${ASKED[0]}"; do
		case $line in
		ok) return 0 ;;
		error*) return 1 ;;
		*) ANSWER=$line ;;
		esac
	done
	return 1
}

# system_own: flows that the active's daemon knows of
system_own() {
	case $SYSTEM in
	none) echo 0 ;;
	conntrackd) conntrackd_cache a internal ;;
	gwsync) flows gwA ;;
	esac
}

# system_join: what a joining backup is told to do
system_join() {
	case $SYSTEM in
	conntrackd) conntrackd_ask b -n ;;
	esac
}

# system_joined FLOWS: the backup has them all, and says so
system_joined() {
	case $SYSTEM in
	none) ;;
	gwsync)
		ask_backup "get replicas"
		[ "$ANSWER" -ge "$1" ] && gwsync_says b in_sync true
		;;
	*) [ "$(system_flows)" -ge "$1" ] ;;
	esac
}

# The order of a takeover, given when somebody has noticed the failure. To gwsync it is
# the one message that its daemon sends to the kernel: members {1}, a newer epoch;
# the daemon runs already, so the process that stands for it does. To conntrackd it
# is a command of a script, whose start is part of it.

# system_prepare: all that is there before the failure; GWSYNC_ORDER
system_prepare() {
	[ "$SYSTEM" = gwsync ] || return 0
	ask_backup "get epoch" && GWSYNC_ORDER="activate 2 $((ANSWER + 1))"
}

# system_take_over: gives the order and waits until it is carried out
system_take_over() {
	case $SYSTEM in
	conntrackd) timeout "$SETTLE_LIMIT" conntrackd -C $RUN/b.conf -c > /dev/null 2>&1 ;;
	gwsync) ask_backup "$GWSYNC_ORDER" ;;
	esac
}

# system_probe K ROUND: the same while a packet tries its luck
system_probe() {
	local probe=(timeout "$SETTLE_LIMIT" load --path B)

	case $SYSTEM in
	conntrackd) "${probe[@]}" probe "$1" "$2" -- conntrackd -C $RUN/b.conf -c ;;
	gwsync)
		"${probe[@]}" --ready "get epoch" --order "$GWSYNC_ORDER" \
			probe "$1" "$2" -- gwctl -n gwB -
		;;
	esac
}

system_stop() {
	local side

	for side in "${!DAEMON[@]}"; do
		kill -CONT "${DAEMON[$side]}"
		kill -TERM "${DAEMON[$side]}"
		# conntrackd may be in the middle of something long.
		until_ok 10 gone "${DAEMON[$side]}" || kill -KILL "${DAEMON[$side]}"
		wait "${DAEMON[$side]}" 2> /dev/null
		unset "DAEMON[$side]"
	done
	# Replicas without an owner would be in the way of another run.
	gateways_flush
	[ ! -d /sys/module/gwsync ] || until_ok 10 rmmod gwsync
}
gone() { ! kill -0 "$1" || [ "$(cut -d' ' -f3 "/proc/$1/stat")" = Z ]; }

# conntrackd: FTFW over multicast, tuned as conntrackd.conf(5) and the example of
# FTFW advise for a busy pair.
conntrackd_config() {
	local side=$1

	cat <<- END
	Sync {
		Mode FTFW {
			# Any flow may wait for its acknowledgement: with the default,
			# 131072, a bulk of 500,000 lost a sixth of them for good.
			ResendQueueSize $MOST_FLOWS
			# the defaults, and what the examples have
			PurgeTimeout 60
			ACKWindowSize 300
			# flows wait in the daemon: "instead of enabling this option"
			DisableExternalCache no
		}
		Multicast {
			IPv4_address 225.0.0.50
			Group 3780
			IPv4_interface ${ADDRESS[$side]}
			Interface sync0
			# the examples', ten times the kernel's default
			SndSocketBuffer 1249280
			RcvSocketBuffer 1249280
			# "in case of doubt, use it"
			Checksum on
		}
	}
	General {
		# there is no systemd
		Systemd no
		# "the bigger, the closer to O(1)": as many as conntrack itself has
		HashSize $BUCKETS
		# "should be double of nf_conntrack_max"
		HashLimit $((2 * MOST_FLOWS))
		LogFile no
		Syslog no
		LockFile $RUN/$side.lock
		UNIX {
			Path $RUN/$side.sock
		}
		# the examples': 2 MiB, growing to 8 MiB when events are lost
		NetlinkBufferSize 2097152
		NetlinkBufferSizeMaxGrowth 8388608
		# lost events are found 30 s later, the default
		NetlinkOverrunResync yes
		NetlinkEventsReliable no
		EventIterationLimit 100
		# "kernel-space filtering is preferred"; each state of TCP is synced,
		# as without a State clause, since gwsync syncs each as well
		Filter From Kernelspace {
			Protocol Accept {
				TCP
				UDP
			}
			# what is the gateway's own
			Address Ignore {
				IPv4_address 127.0.0.1
				IPv4_address 10.1.0.1
				IPv4_address 10.2.0.1
				IPv4_address 10.9.0.1
				IPv4_address 10.9.0.2
			}
		}
	}
	END
}
# conntrackd_ask SIDE OPTION... From outside of its netns, hence without the
# warning that there is no such interface.
conntrackd_ask() {
	local side=$1

	shift
	timeout 60 conntrackd -C "$RUN/$side.conf" "$@" 2> /dev/null
}
# conntrackd_cache SIDE internal|external: its entries
conntrackd_cache() {
	conntrackd_ask "$1" -s | awk -v want="$2:" '
		/^cache / { inside = $2 == want }
		inside && /current active connections/ { print $NF; exit }'
}
conntrackd_runtime() {
	conntrackd_ask a -s runtime | awk -F: -v key="$1" 'index($1, key) { print $2 + 0; exit }'
}
# conntrackd_behind: events were lost, and no resync has been since
conntrackd_behind() {
	local lost resyncs

	lost=$(conntrackd_runtime overrun)
	resyncs=$(conntrackd_runtime resync)
	[ "${lost:-0}" -gt 0 ] && [ "${resyncs:-0}" -lt 1 ]
}
conntrackd_resynced() { ! conntrackd_behind; }

# gwsync: sealed, all at its defaults, but patient: no member takes over because a
# slow guest or a stopped daemon kept another from speaking.
gwsync_config() {
	local member=${MEMBER[$1]}

	cat <<- END
	group = { id = 1; member = $member; priority = $((110 - 10 * member));
		  dead_after = $PATIENCE; link_delay_ms = 0; };
	members = ( { id = 1; name = "gwA"; }, { id = 2; name = "gwB"; } );
	key_file = "$RUN/key";
	links = ( { interface = "sync0"; } );
	virtual_routers = ( ${VROUTERS:-} );
	daemon = { control = "$RUN/$1.sock"; state = "$RUN/$1.state"; };
	END
}
gwsync_ask() {
	local side=$1

	shift
	timeout 60 gwsync -s "$RUN/$side.sock" "$@"
}
# gwsync_says SIDE KEY VALUE: in its own part of the status
gwsync_says() {
	gwsync_ask "$1" status --json | sed '/^  "peers"/q' |
		grep -q "^  \"$2\": $3,\?$"
}

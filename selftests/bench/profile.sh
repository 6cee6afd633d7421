#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# profile.sh SYSTEM LOAD FLOWS PERIOD - in a guest: the work of `profile`.
HERE=$(cd "$(dirname "$0")" && pwd)
PATH=$HERE:/kselftest:/usr/sbin:/sbin:$PATH
SYSTEM=$1 WORKLOAD=$2 FLOWS=$3 PERIOD=$4
MOST_FLOWS=1000000 BUCKETS=262144 SETTLE_LIMIT=120
LINES_MOST=${LINES_MOST:-40}	# functions shown of a task

# shellcheck source=selftests/bench/gateways.sh
. "$HERE/gateways.sh"
# shellcheck source=selftests/bench/systems.sh
. "$HERE/systems.sh"
# shellcheck source=selftests/bench/workloads.sh
. "$HERE/workloads.sh"

# functions TITLE CONDITION: instructions a flow of the samples that awk's condition
# takes: $1 the task, $2 its pid, $3 the function
functions() {
	echo
	awk -v flows="$FLOWS" -v period="$SAMPLE" '
		'"$2"' { n[$3]++; all++ }
		END {
			printf "%8.0f all\n", all * period / flows
			for (f in n)
				printf "%8.0f %s\n", n[f] * period / flows, f
		}' $RUN/samples | sort -rn | head -n $LINES_MOST | sed "1s/all/$1/"
}

cgroups && mkdir -p $RUN && table_size $MOST_FLOWS $BUCKETS && gateways_up && workers apart || exit 1
echo 0 > /proc/sys/kernel/kptr_restrict
both_up > /dev/null
perf record -q -o $RUN/perf.data -e cpu-clock -c "$PERIOD" -a > $RUN/perf.log 2>&1 &
perf=$!
until_ok 10 test -s $RUN/perf.data || { cat $RUN/perf.log; exit 1; }
snap p0
load_run "$WORKLOAD" 0 "$FLOWS"
settle_once
snap p1
kill -INT $perf
wait $perf
# The name of a task may have blanks: its pid follows the last one.
perf script -i $RUN/perf.data -F comm,pid,ip,sym 2> /dev/null |
	sed -E 's/^ *(.*[^ ]) +([0-9]+) +[0-9a-f]+ (.*)$/\1\t\2\t\3/; s/ \(.*//' |
	awk -F '\t' -v OFS='\t' '{ gsub(/[ \/:].*/, "", $1); gsub(/[^a-zA-Z0-9_.]/, "", $3) } 1' \
		> $RUN/samples
# A sample is as many instructions as there were for each: some are lost.
SAMPLE=$(($(diff cpu p0 p1) / $(grep -cv '^swapper' $RUN/samples)))
echo "$SYSTEM, $WORKLOAD, $FLOWS flows: instructions a flow ($SAMPLE a sample)"
functions "the active's daemon" "\$2 == ${DAEMON[a]:-0}"
functions "the backup's daemon" "\$2 == ${DAEMON[b]:-0}"
functions "kworkers" '$1 ~ /^kworker/'
functions "the packets, both ends included" '$1 == "load" || $1 ~ /^ksoftirqd/'
system_stop
gateways_down

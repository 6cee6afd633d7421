/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM gwsync

#if !defined(_GWSYNC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _GWSYNC_TRACE_H

#include <linux/tracepoint.h>
#include <net/net_namespace.h>

/* A message of records, towards the agent or from it. */
DECLARE_EVENT_CLASS(gwsync_records,
	TP_PROTO(const struct net *net, u64 who, u32 id, unsigned int len, int ret),
	TP_ARGS(net, who, id, len, ret),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u64, who)
		__field(u32, id)
		__field(unsigned int, len)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->who = who;
		__entry->id = id;
		__entry->len = len;
		__entry->ret = ret;
	),
	TP_printk("netns=%u who=0x%llx id=%u len=%u ret=%d", __entry->netns, __entry->who,
		  __entry->id, __entry->len, __entry->ret)
);

/* who: set of members; id: of the walk, or 0 */
DEFINE_EVENT(gwsync_records, gwsync_emit,
	TP_PROTO(const struct net *net, u64 who, u32 id, unsigned int len, int ret),
	TP_ARGS(net, who, id, len, ret)
);

/* who: owner; id: epoch; ret: records applied, or an error */
DEFINE_EVENT(gwsync_records, gwsync_apply,
	TP_PROTO(const struct net *net, u64 who, u32 id, unsigned int len, int ret),
	TP_ARGS(net, who, id, len, ret)
);

#endif /* _GWSYNC_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

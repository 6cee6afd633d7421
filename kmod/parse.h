/* SPDX-License-Identifier: GPL-2.0 */
/* A record that came from outside as a checked structure, see parse.c. */
#ifndef _GWSYNC_PARSE_H
#define _GWSYNC_PARSE_H

#include <linux/types.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_conntrack_synproxy.h>
#include <net/netfilter/nf_conntrack_tuple.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <linux/gwsync.h>

/* Bits that a record may carry; the others are the table's own business.  A flow
 * keeps them between two events.
 */
#define GWSYNC_PARSE_STATUS	(IPS_EXPECTED | IPS_SEEN_REPLY | IPS_ASSURED | \
				 IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE | IPS_SEQ_ADJUST | \
				 IPS_FIXED_TIMEOUT | IPS_HELPER)

/* Longest name of an expectation's function, its NUL included. */
#define GWSYNC_EXPECT_FN_LEN	32

struct gwsync_record_expect {
	struct nf_conntrack_tuple	tuple;
	struct nf_conntrack_tuple_mask	mask;
	union nf_inet_addr		saved_addr;
	__be16				saved_proto;
	u8				class;
	u8				flags;
	u8				dir;
	u32				timeout;	/* seconds */
	char				helper[NF_CT_HELPER_NAME_LEN];
	char				fn[GWSYNC_EXPECT_FN_LEN];
};

/**
 * struct gwsync_record_flow - what one record says
 * @kind: &enum gwsync_record_kind
 * @first: GWSYNC_STATUS_FIRST, a hint
 * @status: &enum ip_conntrack_status, only bits that a record may carry
 * @class: of the flow, see flow.c; apply.c fills it
 * @digest: the number of the record; the same
 * @timeout: seconds that it gets at a takeover
 * @parts: bit n is set when part type n (without GWSYNC_PART_MUST) was there
 * @tuple: of the original direction, before any translation
 * @after: of the original direction, after both translations
 * @reply: of the reply direction: the inverse of @after
 * @zone: zone 0 when there was no part
 * @proto: state of the protocol as conntrack keeps it
 * @mark: GWSYNC_PART_MARK
 * @labels: GWSYNC_PART_LABELS
 * @helper: GWSYNC_PART_HELPER
 * @master: GWSYNC_PART_MASTER, the original tuple
 * @seqadj: GWSYNC_PART_SEQADJ
 * @synproxy: GWSYNC_PART_SYNPROXY
 * @packets: GWSYNC_PART_COUNTERS
 * @bytes: GWSYNC_PART_COUNTERS
 * @start: GWSYNC_PART_START, ns
 * @expects: number of @expect
 * @secctx: GWSYNC_PART_SECCTX, with a NUL
 * @expect: GWSYNC_PART_EXPECT
 */
struct gwsync_record_flow {
	/* Each of the three is filled as a whole. */
	struct nf_conntrack_tuple	tuple;
	struct nf_conntrack_tuple	after;
	struct nf_conntrack_tuple	reply;
	u8				kind;
	bool				first;
	u16				status;
	u16				class;
	u32				digest;
	u32				timeout;
	u32				parts;
	struct nf_conntrack_zone	zone;
	union nf_conntrack_proto	proto;
	u32				mark;
	unsigned long			labels[128 / BITS_PER_LONG];
	char				helper[NF_CT_HELPER_NAME_LEN];
	struct nf_conntrack_tuple	master;
	struct nf_ct_seqadj		seqadj[IP_CT_DIR_MAX];
	struct nf_conn_synproxy		synproxy;
	u64				packets[IP_CT_DIR_MAX];
	u64				bytes[IP_CT_DIR_MAX];
	u64				start;
	unsigned int			expects;
	/* Long and rare: only what was there is set. */
	char				secctx[GWSYNC_PART_MAX];
	struct gwsync_record_expect	expect[GWSYNC_EXPECT_MAX];
};

/* Was part @type, one of enum gwsync_part_type, in the record? */
static inline bool gwsync_record_has(const struct gwsync_record_flow *flow, unsigned int type)
{
	return flow->parts & BIT(type & ~GWSYNC_PART_MUST);
}

bool gwsync_parse_version(const struct gwsync_record *head);
int gwsync_parse_record(const u8 *data, size_t len, struct gwsync_record_flow *flow,
			unsigned int *skipped);

#endif /* _GWSYNC_PARSE_H */

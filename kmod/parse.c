// SPDX-License-Identifier: GPL-2.0
/*
 * Records that came from outside, checked.
 *
 * Nothing here trusts a length, a state or a name: what passes can be put
 * into conntrack's table as it is.  The table of what a record carries is
 * Documentation/records.rst, its layout uapi/linux/gwsync.h.
 */
#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/string.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "parse.h"

#define GWSYNC_PARSE_TCP_SCALE_MAX	14	/* RFC 7323, section 2.3 */

/* What is left of a record or part; a read past its end fails, and stays failed. */
struct gwsync_cursor {
	const u8	*at;
	size_t		left;
	bool		failed;
};

static __always_inline const u8 *gwsync_take(struct gwsync_cursor *cur, size_t len)
{
	const u8 *at = cur->at;

	if (cur->failed || len > cur->left) {
		cur->failed = true;
		return NULL;
	}
	cur->at += len;
	cur->left -= len;
	return at;
}

static u8 gwsync_take_u8(struct gwsync_cursor *cur)
{
	const u8 *at = gwsync_take(cur, sizeof(u8));

	return at ? *at : 0;
}

static __always_inline __be16 gwsync_take_be16(struct gwsync_cursor *cur)
{
	const u8 *at = gwsync_take(cur, sizeof(__be16));
	__be16 value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

static __always_inline void gwsync_take_addr(struct gwsync_cursor *cur, u8 l3num,
					     union nf_inet_addr *addr)
{
	size_t len = l3num == AF_INET ? sizeof(addr->ip) : sizeof(addr->ip6);
	const u8 *at = gwsync_take(cur, len);

	memset(addr, 0, sizeof(*addr));
	if (at)
		memcpy(addr, at, len);
}

/* A printable name that fills @len bytes into @name of @size bytes. */
static void gwsync_take_name(struct gwsync_cursor *cur, size_t len, char *name, size_t size)
{
	const u8 *at = gwsync_take(cur, len);
	size_t i;

	if (!at)
		return;
	if (len >= size) {
		cur->failed = true;
		return;
	}
	for (i = 0; i < len; i++)
		if (!isascii(at[i]) || !isprint(at[i]))
			cur->failed = true;
	memcpy(name, at, len);
	name[len] = '\0';
}

static bool gwsync_parse_is_icmp(u8 l4proto)
{
	return l4proto == IPPROTO_ICMP || l4proto == IPPROTO_ICMPV6;
}

/*
 * The second id of ICMP is type and code; every other protocol keeps two
 * plain ids where conntrack keeps its ports.
 */
static void gwsync_take_tuple(struct gwsync_cursor *cur, u8 l3num, u8 l4proto,
			      struct nf_conntrack_tuple *tuple)
{
	__be16 id;

	memset(tuple, 0, sizeof(*tuple));
	tuple->src.l3num = l3num;
	tuple->dst.protonum = l4proto;
	tuple->dst.dir = IP_CT_DIR_ORIGINAL;
	gwsync_take_addr(cur, l3num, &tuple->src.u3);
	gwsync_take_addr(cur, l3num, &tuple->dst.u3);
	tuple->src.u.all = gwsync_take_be16(cur);
	id = gwsync_take_be16(cur);
	if (gwsync_parse_is_icmp(l4proto)) {
		tuple->dst.u.icmp.type = be16_to_cpu(id) >> 8;
		tuple->dst.u.icmp.code = be16_to_cpu(id) & 0xff;
	} else {
		tuple->dst.u.all = id;
	}
}

/* The highest ACK is not carried: at rest it is all that the peer sent. */
static void gwsync_parse_maxack(struct ip_ct_tcp *tcp)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (tcp->seen[dir].flags & IP_CT_TCP_FLAG_MAXACK_SET)
			tcp->seen[dir].td_maxack = tcp->seen[!dir].td_end;
}

static bool gwsync_parse_tcp(const u8 *value, struct ip_ct_tcp *tcp)
{
	const struct gwsync_part_tcp *part = (const void *)value;
	int dir;

	if (part->state == TCP_CONNTRACK_NONE || part->state >= TCP_CONNTRACK_MAX)
		return false;
	memset(tcp, 0, sizeof(*tcp));
	tcp->state = part->state;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct ip_ct_tcp_state *seen = &tcp->seen[dir];

		if (part->seen[dir].scale > GWSYNC_PARSE_TCP_SCALE_MAX)
			return false;
		seen->td_end = be32_to_cpu(part->seen[dir].end);
		seen->td_maxend = be32_to_cpu(part->seen[dir].maxend);
		seen->td_maxwin = be32_to_cpu(part->seen[dir].maxwin);
		seen->td_scale = part->seen[dir].scale;
		seen->flags = part->seen[dir].flags;
	}
	gwsync_parse_maxack(tcp);
	return true;
}

/* Windows are not carried: they are as large as their scales allow. */
static bool gwsync_parse_time_wait(const u8 *value, struct ip_ct_tcp *tcp)
{
	const struct gwsync_part_time_wait *part = (const void *)value;
	int dir;

	memset(tcp, 0, sizeof(*tcp));
	tcp->state = TCP_CONNTRACK_TIME_WAIT;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct ip_ct_tcp_state *seen = &tcp->seen[dir];

		if (part->seen[dir].scale > GWSYNC_PARSE_TCP_SCALE_MAX)
			return false;
		seen->td_end = be32_to_cpu(part->seen[dir].end);
		seen->td_scale = part->seen[dir].scale;
		seen->td_maxwin = (u32)U16_MAX << seen->td_scale;
		seen->flags = part->seen[dir].flags;
	}
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		tcp->seen[dir].td_maxend = tcp->seen[dir].td_end + tcp->seen[!dir].td_maxwin;
	gwsync_parse_maxack(tcp);
	return true;
}

#ifdef CONFIG_NF_CT_PROTO_SCTP
static bool gwsync_parse_sctp(const u8 *value, struct ip_ct_sctp *sctp)
{
	const struct gwsync_part_sctp *part = (const void *)value;
	int dir;

	if (part->state == SCTP_CONNTRACK_NONE || part->state >= SCTP_CONNTRACK_MAX ||
	    part->last_dir >= IP_CT_DIR_MAX)
		return false;
	memset(sctp, 0, sizeof(*sctp));
	sctp->state = part->state;
	sctp->last_dir = part->last_dir;
	sctp->flags = part->flags;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		sctp->vtag[dir] = part->vtag[dir];
	return true;
}
#endif

#ifdef CONFIG_NF_CT_PROTO_DCCP
static bool gwsync_parse_dccp(const u8 *value, struct nf_ct_dccp *dccp)
{
	const struct gwsync_part_dccp *part = (const void *)value;
	int dir;

	if (part->state == CT_DCCP_NONE || part->state >= CT_DCCP_IGNORE)
		return false;
	memset(dccp, 0, sizeof(*dccp));
	dccp->state = part->state;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		if (part->role[dir] > CT_DCCP_ROLE_MAX)
			return false;
		dccp->role[dir] = part->role[dir];
	}
	dccp->handshake_seq = be64_to_cpu(part->handshake_seq);
	return true;
}
#endif

#ifdef CONFIG_NF_CT_PROTO_GRE
/* Longer than conntrack's clock can tell is in the past. */
static unsigned int gwsync_parse_gre_timeout(__be32 ms)
{
	return min_t(unsigned long, msecs_to_jiffies(be32_to_cpu(ms)), INT_MAX / 4);
}

static bool gwsync_parse_gre(const u8 *value, struct nf_ct_gre *gre)
{
	const struct gwsync_part_gre *part = (const void *)value;

	gre->timeout = gwsync_parse_gre_timeout(part->timeout);
	gre->stream_timeout = gwsync_parse_gre_timeout(part->stream_timeout);
	return true;
}
#endif

/* State of the protocol: the part must be that of the flow's own protocol. */
static bool gwsync_parse_proto(u8 type, const u8 *value, struct gwsync_record_flow *flow)
{
	switch (type) {
	case GWSYNC_PART_TCP:
		return flow->tuple.dst.protonum == IPPROTO_TCP &&
		       gwsync_parse_tcp(value, &flow->proto.tcp);
	case GWSYNC_PART_TIME_WAIT:
		return flow->tuple.dst.protonum == IPPROTO_TCP &&
		       gwsync_parse_time_wait(value, &flow->proto.tcp);
#ifdef CONFIG_NF_CT_PROTO_SCTP
	case GWSYNC_PART_SCTP:
		return flow->tuple.dst.protonum == IPPROTO_SCTP &&
		       gwsync_parse_sctp(value, &flow->proto.sctp);
#endif
#ifdef CONFIG_NF_CT_PROTO_DCCP
	case GWSYNC_PART_DCCP:
		return flow->tuple.dst.protonum == IPPROTO_DCCP &&
		       gwsync_parse_dccp(value, &flow->proto.dccp);
#endif
#ifdef CONFIG_NF_CT_PROTO_GRE
	case GWSYNC_PART_GRE:
		return flow->tuple.dst.protonum == IPPROTO_GRE &&
		       gwsync_parse_gre(value, &flow->proto.gre);
#endif
	}
	/* A protocol that this kernel was built without. */
	return true;
}

static bool gwsync_parse_expect(struct gwsync_cursor *cur, struct gwsync_record_flow *flow)
{
	u8 l3num = flow->tuple.src.l3num;
	struct gwsync_record_expect *exp;
	const struct gwsync_part_expect *head;

	if (flow->expects == GWSYNC_EXPECT_MAX)
		return false;
	exp = &flow->expect[flow->expects];
	memset(exp, 0, sizeof(*exp));
	head = (const void *)gwsync_take(cur, sizeof(*head));
	if (!head || head->dir >= IP_CT_DIR_MAX)
		return false;
	exp->class = head->class;
	exp->flags = head->flags & (NF_CT_EXPECT_PERMANENT | NF_CT_EXPECT_INACTIVE);
	exp->dir = head->dir;
	exp->timeout = min_t(u32, be32_to_cpu(head->timeout), INT_MAX / 2 / HZ);
	exp->saved_proto = head->saved_proto;
	gwsync_take_tuple(cur, l3num, head->l4proto, &exp->tuple);
	gwsync_take_addr(cur, l3num, &exp->mask.src.u3);
	exp->mask.src.u.all = gwsync_take_be16(cur);
	gwsync_take_addr(cur, l3num, &exp->saved_addr);
	gwsync_take_name(cur, gwsync_take_u8(cur), exp->helper, sizeof(exp->helper));
	gwsync_take_name(cur, gwsync_take_u8(cur), exp->fn, sizeof(exp->fn));
	if (cur->failed)
		return false;
	flow->expects++;
	return true;
}

/* Length that the value of part @type must have, 0: any, -1: an unknown part. */
static int gwsync_parse_part_len(u8 type, u8 l3num)
{
	int addr = l3num == AF_INET ? 4 : 16;

	switch (type) {
	case GWSYNC_PART_SNAT:
	case GWSYNC_PART_DNAT:
		return addr + 2;
	case GWSYNC_PART_MASTER:
		return 2 * addr + 4 + 1;
	case GWSYNC_PART_ZONE:
		return sizeof(struct gwsync_part_zone);
	case GWSYNC_PART_TCP:
		return sizeof(struct gwsync_part_tcp);
	case GWSYNC_PART_TIME_WAIT:
		return sizeof(struct gwsync_part_time_wait);
	case GWSYNC_PART_SCTP:
		return sizeof(struct gwsync_part_sctp);
	case GWSYNC_PART_DCCP:
		return sizeof(struct gwsync_part_dccp);
	case GWSYNC_PART_GRE:
		return sizeof(struct gwsync_part_gre);
	case GWSYNC_PART_MARK:
		return sizeof(__be32);
	case GWSYNC_PART_LABELS:
		return 16;
	case GWSYNC_PART_SEQADJ:
		return 2 * sizeof(struct gwsync_part_seqadj);
	case GWSYNC_PART_SYNPROXY:
		return sizeof(struct gwsync_part_synproxy);
	case GWSYNC_PART_COUNTERS:
		return sizeof(struct gwsync_part_counters);
	case GWSYNC_PART_START:
		return sizeof(__be64);
	case GWSYNC_PART_HELPER:
	case GWSYNC_PART_SECCTX:
	case GWSYNC_PART_EXPECT:
		return 0;
	default:
		return -1;
	}
}

/* One known part whose length was checked; false when its value makes no sense. */
static bool gwsync_parse_part(u8 type, struct gwsync_cursor *cur, struct gwsync_record_flow *flow)
{
	struct nf_conntrack_tuple *after = &flow->after;
	u8 l3num = flow->tuple.src.l3num;
	const u8 *value = cur->at;
	__be16 id;
	int i;

	switch (type) {
	case GWSYNC_PART_SNAT:
		gwsync_take_addr(cur, l3num, &after->src.u3);
		after->src.u.all = gwsync_take_be16(cur);
		break;
	case GWSYNC_PART_DNAT:
		gwsync_take_addr(cur, l3num, &after->dst.u3);
		id = gwsync_take_be16(cur);
		/* ICMP keeps type and code there, and these are not translated. */
		if (!gwsync_parse_is_icmp(flow->tuple.dst.protonum))
			after->dst.u.all = id;
		break;
	case GWSYNC_PART_ZONE: {
		const struct gwsync_part_zone *zone = (const void *)value;

		if (zone->dir & ~NF_CT_DEFAULT_ZONE_DIR)
			return false;
		/* Flags say how a template gets its zone: none of the flow's. */
		nf_ct_zone_init(&flow->zone, be16_to_cpu(zone->id), zone->dir, 0);
		break;
	}
	case GWSYNC_PART_TCP:
	case GWSYNC_PART_TIME_WAIT:
	case GWSYNC_PART_SCTP:
	case GWSYNC_PART_DCCP:
	case GWSYNC_PART_GRE:
		return gwsync_parse_proto(type, value, flow);
	case GWSYNC_PART_MARK:
		flow->mark = get_unaligned_be32(value);
		break;
	case GWSYNC_PART_LABELS:
		for (i = 0; i < ARRAY_SIZE(flow->labels); i++)
			flow->labels[i] = get_unaligned_le64(value + 8 * i);
		break;
	case GWSYNC_PART_HELPER:
		if (!cur->left)
			return false;
		gwsync_take_name(cur, cur->left, flow->helper, sizeof(flow->helper));
		break;
	case GWSYNC_PART_MASTER:
		gwsync_take_tuple(cur, l3num, value[cur->left - 1], &flow->master);
		break;
	case GWSYNC_PART_SEQADJ:
		for (i = 0; i < IP_CT_DIR_MAX; i++) {
			const struct gwsync_part_seqadj *adj = (const void *)value;

			flow->seqadj[i].correction_pos = be32_to_cpu(adj[i].correction_pos);
			flow->seqadj[i].offset_before = be32_to_cpu(adj[i].offset_before);
			flow->seqadj[i].offset_after = be32_to_cpu(adj[i].offset_after);
		}
		break;
	case GWSYNC_PART_SECCTX:
		gwsync_take_name(cur, cur->left, flow->secctx, sizeof(flow->secctx));
		break;
	case GWSYNC_PART_SYNPROXY: {
		const struct gwsync_part_synproxy *syn = (const void *)value;

		flow->synproxy.isn = be32_to_cpu(syn->isn);
		flow->synproxy.its = be32_to_cpu(syn->its);
		flow->synproxy.tsoff = be32_to_cpu(syn->tsoff);
		break;
	}
	case GWSYNC_PART_COUNTERS: {
		const struct gwsync_part_counters *counters = (const void *)value;

		for (i = 0; i < IP_CT_DIR_MAX; i++) {
			flow->packets[i] = be64_to_cpu(counters->dir[i].packets);
			flow->bytes[i] = be64_to_cpu(counters->dir[i].bytes);
		}
		break;
	}
	case GWSYNC_PART_START:
		flow->start = get_unaligned_be64(value);
		break;
	case GWSYNC_PART_EXPECT:
		return gwsync_parse_expect(cur, flow);
	}
	return !cur->failed;
}

static int gwsync_parse_parts(struct gwsync_cursor *cur, struct gwsync_record_flow *flow,
			      unsigned int *skipped)
{
	while (cur->left) {
		struct gwsync_cursor value;
		u8 type = gwsync_take_u8(cur);
		u8 len = gwsync_take_u8(cur);
		int want;

		if (cur->failed || len < sizeof(struct gwsync_part))
			return -EINVAL;
		len -= sizeof(struct gwsync_part);
		value.at = gwsync_take(cur, len);
		value.left = len;
		value.failed = false;
		if (!value.at)
			return -EINVAL;
		want = gwsync_parse_part_len(type, flow->tuple.src.l3num);
		if (want < 0) {
			if (type & GWSYNC_PART_MUST)
				return -EOPNOTSUPP;
			(*skipped)++;
			continue;
		}
		if (want && len != want)
			return -EINVAL;
		if (gwsync_record_has(flow, type) && type != GWSYNC_PART_EXPECT)
			return -EINVAL;
		if (!gwsync_parse_part(type, &value, flow))
			return -EINVAL;
		flow->parts |= BIT(type & ~GWSYNC_PART_MUST);
	}
	return 0;
}

/* A stateful protocol without its state would be a hole in the firewall. */
static bool gwsync_parse_complete(const struct gwsync_record_flow *flow)
{
	switch (flow->tuple.dst.protonum) {
	case IPPROTO_TCP:
		/* One of the two, not what the other says otherwise. */
		return gwsync_record_has(flow, GWSYNC_PART_TCP) !=
		       gwsync_record_has(flow, GWSYNC_PART_TIME_WAIT);
	case IPPROTO_SCTP:
		return gwsync_record_has(flow, GWSYNC_PART_SCTP);
	case IPPROTO_DCCP:
		return gwsync_record_has(flow, GWSYNC_PART_DCCP);
	default:
		return true;
	}
}

/**
 * gwsync_parse_version - can a record be read?
 * @head: its header
 *
 * Context: any.
 */
bool gwsync_parse_version(const struct gwsync_record *head)
{
	return head->version >= GWSYNC_RECORD_OLDEST && head->version <= GWSYNC_RECORD_VERSION;
}

/**
 * gwsync_parse_record - check one record and take it apart
 * @data: the record, from its header on
 * @len: bytes of the record: its own length field, already checked against
 *	what there is
 * @flow: filled; its content is undefined after an error
 * @skipped: raised by one for each unknown part that may be skipped
 *
 * Context: any.
 * Return: 0; -EPROTO: a version that is not read; -EOPNOTSUPP: unknown kind or address
 * family, or an unknown part that must not be skipped; -EINVAL: malformed.
 */
int gwsync_parse_record(const u8 *data, size_t len, struct gwsync_record_flow *flow,
			unsigned int *skipped)
{
	struct gwsync_cursor cur = { .at = data, .left = len };
	const struct gwsync_record *head;
	int err;

	head = (const void *)gwsync_take(&cur, sizeof(*head));
	if (!head || len > GWSYNC_RECORD_MAX)
		return -EINVAL;
	if (!gwsync_parse_version(head))
		return -EPROTO;
	if (head->kind != GWSYNC_RECORD_FLOW && head->kind != GWSYNC_RECORD_FLOW_GONE)
		return -EOPNOTSUPP;
	if (head->l3num != AF_INET && head->l3num != AF_INET6)
		return -EOPNOTSUPP;

	memset((u8 *)flow + offsetof(struct gwsync_record_flow, kind), 0,
	       offsetof(struct gwsync_record_flow, secctx) -
	       offsetof(struct gwsync_record_flow, kind));
	flow->secctx[0] = '\0';
	flow->kind = head->kind;
	flow->first = head->status & cpu_to_be16(GWSYNC_STATUS_FIRST);
	flow->status = be16_to_cpu(head->status) & GWSYNC_PARSE_STATUS;
	flow->timeout = be32_to_cpu(head->timeout);
	nf_ct_zone_init(&flow->zone, NF_CT_DEFAULT_ZONE_ID, NF_CT_DEFAULT_ZONE_DIR, 0);
	gwsync_take_tuple(&cur, head->l3num, head->l4proto, &flow->tuple);
	if (cur.failed)
		return -EINVAL;
	flow->after = flow->tuple;

	err = gwsync_parse_parts(&cur, flow, skipped);
	if (err)
		return err;
	if (flow->kind == GWSYNC_RECORD_FLOW_GONE)
		return 0;
	if (!gwsync_parse_complete(flow))
		return -EINVAL;
	/* Fails for ICMP that is no query: no flow starts with one. */
	if (!nf_ct_invert_tuple(&flow->reply, &flow->after))
		return -EINVAL;
	return 0;
}

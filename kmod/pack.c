// SPDX-License-Identifier: GPL-2.0
/*
 * A flow as a record: the layout of uapi/linux/gwsync.h, part two.
 *
 * The counterpart is parse.c of the member that receives it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_labels.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_conntrack_synproxy.h>
#include <net/netfilter/nf_conntrack_timestamp.h>

#include "clock.h"
#include "compat.h"
#include "flow.h"
#include "pack.h"
#include "parse.h"

/* Where the next part goes. */
struct gwsync_packer {
	u8	*pos;
	u8	*end;
};

/*
 * Room for a part.  One that does not fit is left out: only expectations and
 * a security context can be that long, and a record without them still keeps
 * its connection alive.
 */
static void *gwsync_pack_part(struct gwsync_packer *pk, u8 type, unsigned int len)
{
	struct gwsync_part *part = (struct gwsync_part *)pk->pos;
	unsigned int total = sizeof(*part) + len;

	if (total > GWSYNC_PART_MAX || total > pk->end - pk->pos)
		return NULL;

	part->type = type;
	part->len = total;
	pk->pos += total;
	return part + 1;
}

static unsigned int gwsync_pack_addr(u8 *buf, const union nf_inet_addr *addr, u16 l3num)
{
	unsigned int len = l3num == AF_INET6 ? sizeof(addr->in6) : sizeof(addr->ip);

	memcpy(buf, addr, len);
	return len;
}

/**
 * gwsync_pack_tuple - lay out a tuple
 * @buf: room for GWSYNC_TUPLE_MAX bytes
 * @tuple: the tuple
 *
 * The l4 ids are what the kernel keeps: ports, keys; the id of ICMP, and its
 * type and code, which lie in memory as type << 8 | code in network order.
 *
 * Context: any.
 * Return: bytes written.
 */
unsigned int gwsync_pack_tuple(u8 *buf, const struct nf_conntrack_tuple *tuple)
{
	u8 *pos = buf;

	pos += gwsync_pack_addr(pos, &tuple->src.u3, tuple->src.l3num);
	pos += gwsync_pack_addr(pos, &tuple->dst.u3, tuple->src.l3num);
	memcpy(pos, &tuple->src.u.all, 2);
	memcpy(pos + 2, &tuple->dst.u.all, 2);
	return pos + 4 - buf;
}

static bool gwsync_proto_is_icmp(u8 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static void gwsync_pack_nat(struct gwsync_packer *pk, struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *orig = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *reply = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	u16 l3num = nf_ct_l3num(ct);
	unsigned int alen = l3num == AF_INET6 ? 16 : 4;
	__be16 snat_l4 = reply->dst.u.all;
	bool snat, dnat;
	u8 *part;

	snat = memcmp(&orig->src.u3, &reply->dst.u3, alen);
	dnat = memcmp(&orig->dst.u3, &reply->src.u3, alen);
	if (gwsync_proto_is_icmp(nf_ct_protonum(ct)))
		snat_l4 = reply->src.u.all;
	else
		dnat |= reply->src.u.all != orig->dst.u.all;
	snat |= snat_l4 != orig->src.u.all;

	if (snat) {
		part = gwsync_pack_part(pk, GWSYNC_PART_SNAT, alen + 2);
		if (part) {
			gwsync_pack_addr(part, &reply->dst.u3, l3num);
			memcpy(part + alen, &snat_l4, 2);
		}
	}
	if (dnat) {
		part = gwsync_pack_part(pk, GWSYNC_PART_DNAT, alen + 2);
		if (part) {
			gwsync_pack_addr(part, &reply->src.u3, l3num);
			memcpy(part + alen, &reply->src.u.all, 2);
		}
	}
}

static void gwsync_pack_zone(struct gwsync_packer *pk, const struct nf_conntrack_zone *zone)
{
	struct gwsync_part_zone *part;

	if (zone->id == NF_CT_DEFAULT_ZONE_ID)
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_ZONE, sizeof(*part));
	if (!part)
		return;
	part->id = htons(zone->id);
	part->dir = zone->dir;
	part->flags = zone->flags;
}

static u8 gwsync_pack_tcp_flags(const struct nf_conn *ct, enum ip_conntrack_dir dir)
{
	u8 flags = ct->proto.tcp.seen[dir].flags & ~IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;

	/* A flow table sees the segments, conntrack does not: its windows stand still. */
	if (test_bit(IPS_OFFLOAD_BIT, &ct->status))
		flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	return flags;
}

static void gwsync_pack_windows(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	struct gwsync_part_tcp *part = gwsync_pack_part(pk, GWSYNC_PART_TCP, sizeof(*part));
	int dir;

	if (!part)
		return;

	part->state = ct->proto.tcp.state;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		const struct ip_ct_tcp_state *seen = &ct->proto.tcp.seen[dir];

		part->seen[dir].end = htonl(seen->td_end);
		part->seen[dir].maxend = htonl(seen->td_maxend);
		part->seen[dir].maxwin = htonl(seen->td_maxwin);
		part->seen[dir].scale = seen->td_scale;
		part->seen[dir].flags = gwsync_pack_tcp_flags(ct, dir);
	}
}

static void gwsync_pack_time_wait(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	struct gwsync_part_time_wait *part = gwsync_pack_part(pk, GWSYNC_PART_TIME_WAIT,
							      sizeof(*part));
	int dir;

	if (!part)
		return;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		const struct ip_ct_tcp_state *seen = &ct->proto.tcp.seen[dir];

		part->seen[dir].end = htonl(seen->td_end);
		part->seen[dir].scale = seen->td_scale;
		part->seen[dir].flags = gwsync_pack_tcp_flags(ct, dir);
	}
}

/*
 * Both ends have sent all they had, and all of it is acknowledged: what may still
 * come are their last segments again, near the ends, whatever the windows are.
 * Where conntrack knows none, as of a flow that was made by hand, the first
 * segment teaches it, and a replica must not know more.
 */
static bool gwsync_pack_is_over(const struct ip_ct_tcp *tcp)
{
	return tcp->state == TCP_CONNTRACK_TIME_WAIT &&
	       tcp->seen[IP_CT_DIR_ORIGINAL].td_maxwin && tcp->seen[IP_CT_DIR_REPLY].td_maxwin;
}

static void gwsync_pack_tcp(struct gwsync_packer *pk, struct nf_conn *ct)
{
	spin_lock_bh(&ct->lock);
	if (gwsync_pack_is_over(&ct->proto.tcp))
		gwsync_pack_time_wait(pk, ct);
	else
		gwsync_pack_windows(pk, ct);
	spin_unlock_bh(&ct->lock);
}

#ifdef CONFIG_NF_CT_PROTO_SCTP
static void gwsync_pack_sctp(struct gwsync_packer *pk, struct nf_conn *ct)
{
	struct gwsync_part_sctp *part = gwsync_pack_part(pk, GWSYNC_PART_SCTP, sizeof(*part));

	if (!part)
		return;

	spin_lock_bh(&ct->lock);
	part->state = ct->proto.sctp.state;
	part->last_dir = ct->proto.sctp.last_dir;
	part->flags = ct->proto.sctp.flags;
	part->vtag[0] = ct->proto.sctp.vtag[0];
	part->vtag[1] = ct->proto.sctp.vtag[1];
	spin_unlock_bh(&ct->lock);
}
#endif

#ifdef CONFIG_NF_CT_PROTO_DCCP
static void gwsync_pack_dccp(struct gwsync_packer *pk, struct nf_conn *ct)
{
	struct gwsync_part_dccp *part = gwsync_pack_part(pk, GWSYNC_PART_DCCP, sizeof(*part));

	if (!part)
		return;

	spin_lock_bh(&ct->lock);
	part->state = ct->proto.dccp.state;
	part->role[0] = ct->proto.dccp.role[0];
	part->role[1] = ct->proto.dccp.role[1];
	part->handshake_seq = cpu_to_be64(ct->proto.dccp.handshake_seq);
	spin_unlock_bh(&ct->lock);
}
#endif

#ifdef CONFIG_NF_CT_PROTO_GRE
static void gwsync_pack_gre(struct gwsync_packer *pk, struct nf_conn *ct)
{
	struct gwsync_part_gre *part = gwsync_pack_part(pk, GWSYNC_PART_GRE, sizeof(*part));

	if (!part)
		return;

	part->timeout = htonl(jiffies_to_msecs(ct->proto.gre.timeout));
	part->stream_timeout = htonl(jiffies_to_msecs(ct->proto.gre.stream_timeout));
}
#endif

static void gwsync_pack_proto(struct gwsync_packer *pk, struct nf_conn *ct)
{
	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		gwsync_pack_tcp(pk, ct);
		break;
#ifdef CONFIG_NF_CT_PROTO_SCTP
	case IPPROTO_SCTP:
		gwsync_pack_sctp(pk, ct);
		break;
#endif
#ifdef CONFIG_NF_CT_PROTO_DCCP
	case IPPROTO_DCCP:
		gwsync_pack_dccp(pk, ct);
		break;
#endif
#ifdef CONFIG_NF_CT_PROTO_GRE
	case IPPROTO_GRE:
		gwsync_pack_gre(pk, ct);
		break;
#endif
	}
}

static void gwsync_pack_mark(struct gwsync_packer *pk, const struct nf_conn *ct)
{
#ifdef CONFIG_NF_CONNTRACK_MARK
	u32 mark = READ_ONCE(ct->mark);
	u8 *part;

	if (!mark)
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_MARK, sizeof(mark));
	if (part)
		put_unaligned_be32(mark, part);
#endif
}

static void gwsync_pack_labels(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	const struct nf_conn_labels *labels = nf_ct_labels_find(ct);
	unsigned int i;
	u8 *part;

	if (!labels || bitmap_empty(labels->bits, NF_CT_LABELS_MAX_SIZE * BITS_PER_BYTE))
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_LABELS, NF_CT_LABELS_MAX_SIZE);
	for (i = 0; part && i < ARRAY_SIZE(labels->bits); i++)
		put_unaligned_le64(READ_ONCE(labels->bits[i]), part + i * sizeof(u64));
}

static void gwsync_pack_helper(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper;
	unsigned int len;
	void *part;

	if (!help)
		return;

	rcu_read_lock();
	helper = rcu_dereference(help->helper);
	if (helper) {
		len = strnlen(helper->name, sizeof(helper->name));
		part = gwsync_pack_part(pk, GWSYNC_PART_HELPER, len);
		if (part)
			memcpy(part, helper->name, len);
	}
	rcu_read_unlock();
}

static void gwsync_pack_master(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple;
	u8 buf[GWSYNC_TUPLE_MAX + 1];
	unsigned int len;
	void *part;

	/* ct->master keeps a reference as long as the flow lives. */
	if (!ct->master)
		return;
	tuple = &ct->master->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	if (tuple->src.l3num != nf_ct_l3num(ct))
		return;

	len = gwsync_pack_tuple(buf, tuple);
	buf[len++] = tuple->dst.protonum;
	part = gwsync_pack_part(pk, GWSYNC_PART_MASTER, len);
	if (part)
		memcpy(part, buf, len);
}

static void gwsync_pack_seqadj(struct gwsync_packer *pk, struct nf_conn *ct)
{
	const struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);
	struct gwsync_part_seqadj *part;
	int dir;

	if (!seqadj || !test_bit(IPS_SEQ_ADJUST_BIT, &ct->status))
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_SEQADJ, 2 * sizeof(*part));
	if (!part)
		return;

	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		part[dir].correction_pos = htonl(seqadj->seq[dir].correction_pos);
		part[dir].offset_before = htonl(seqadj->seq[dir].offset_before);
		part[dir].offset_after = htonl(seqadj->seq[dir].offset_after);
	}
	spin_unlock_bh(&ct->lock);
}

static void gwsync_pack_secctx(struct gwsync_packer *pk, const struct nf_conn *ct)
{
#ifdef CONFIG_NF_CONNTRACK_SECMARK
	struct gwsync_secctx ctx = {};
	unsigned int len;
	void *part;

	if (!ct->secmark || gwsync_secctx_get(ct->secmark, &ctx))
		return;
	len = strnlen(ctx.context, ctx.len);
	part = gwsync_pack_part(pk, GWSYNC_PART_SECCTX, len);
	if (part)
		memcpy(part, ctx.context, len);
	gwsync_secctx_put(&ctx);
#endif
}

static void gwsync_pack_synproxy(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	const struct nf_conn_synproxy *synproxy = nfct_synproxy(ct);
	struct gwsync_part_synproxy *part;

	if (!synproxy)
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_SYNPROXY, sizeof(*part));
	if (!part)
		return;
	part->isn = htonl(synproxy->isn);
	part->its = htonl(synproxy->its);
	part->tsoff = htonl(synproxy->tsoff);
}

static void gwsync_pack_counters(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	struct nf_conn_acct *acct = nf_conn_acct_find(ct);
	struct gwsync_part_counters *part;
	int dir;

	if (!acct)
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_COUNTERS, sizeof(*part));
	for (dir = 0; part && dir < IP_CT_DIR_MAX; dir++) {
		part->dir[dir].packets = cpu_to_be64(atomic64_read(&acct->counter[dir].packets));
		part->dir[dir].bytes = cpu_to_be64(atomic64_read(&acct->counter[dir].bytes));
	}
}

static void gwsync_pack_start(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	const struct nf_conn_tstamp *tstamp = nf_conn_tstamp_find(ct);
	u8 *part;

	if (!tstamp || !tstamp->start)
		return;
	part = gwsync_pack_part(pk, GWSYNC_PART_START, sizeof(u64));
	if (part)
		put_unaligned_be64(tstamp->start, part);
}

static unsigned int gwsync_pack_name(u8 *buf, const char *name, unsigned int max)
{
	unsigned int len = name ? strnlen(name, max) : 0;

	buf[0] = len;
	memcpy(buf + 1, name, len);
	return len + 1;
}

static void gwsync_pack_expect(struct gwsync_packer *pk, const struct nf_conntrack_expect *exp)
{
	const struct nf_conntrack_helper *helper = rcu_dereference(exp->assign_helper);
	struct nf_ct_helper_expectfn *fn;
	struct gwsync_part_expect *head;
	u16 l3num = exp->tuple.src.l3num;
	u8 buf[GWSYNC_PART_MAX] = {};
	u8 *pos = buf;
	void *part;
	s32 left;

	/* head, tuple, mask, saved address and two names fit the longest part */
	BUILD_BUG_ON(sizeof(*head) + GWSYNC_TUPLE_MAX + 18 + 16 +
		     (1 + NF_CT_HELPER_NAME_LEN) + (1 + GWSYNC_EXPECT_FN_LEN) +
		     sizeof(struct gwsync_part) > GWSYNC_PART_MAX);

	head = (struct gwsync_part_expect *)pos;
	head->l4proto = exp->tuple.dst.protonum;
	head->class = exp->class;
	head->flags = exp->flags & NF_CT_EXPECT_MASK;
	left = (s32)(READ_ONCE(exp->timeout) - nfct_time_stamp) / HZ;
	head->timeout = htonl(max(left, 0));
	pos += sizeof(*head);

	pos += gwsync_pack_tuple(pos, &exp->tuple);
	pos += gwsync_pack_addr(pos, (const union nf_inet_addr *)&exp->mask.src.u3, l3num);
	memcpy(pos, &exp->mask.src.u.all, 2);
	pos += 2;

#if IS_ENABLED(CONFIG_NF_NAT)
	head->dir = exp->dir;
	head->saved_proto = exp->saved_proto.all;
	pos += gwsync_pack_addr(pos, &exp->saved_addr, l3num);
#else
	pos += l3num == AF_INET6 ? 16 : 4;
#endif

	pos += gwsync_pack_name(pos, helper ? helper->name : NULL, NF_CT_HELPER_NAME_LEN);
	fn = nf_ct_helper_expectfn_find_by_symbol(exp->expectfn);
	/* longer than a helper's: "nat-follow-master" */
	pos += gwsync_pack_name(pos, fn ? fn->name : NULL, GWSYNC_EXPECT_FN_LEN - 1);

	part = gwsync_pack_part(pk, GWSYNC_PART_EXPECT, pos - buf);
	if (part)
		memcpy(part, buf, pos - buf);
}

static void gwsync_pack_expects(struct gwsync_packer *pk, const struct nf_conn *ct)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_expect *exp;
	unsigned int n = 0;

	if (!help || hlist_empty(&help->expectations))
		return;

	rcu_read_lock();
	spin_lock_bh(&nf_conntrack_expect_lock);
	hlist_for_each_entry(exp, &help->expectations, lnode) {
		/* One that was withdrawn, or is over, is listed until somebody meets it. */
		if (exp->tuple.src.l3num != nf_ct_l3num(ct) || nf_ct_exp_is_expired(exp))
			continue;
		if (n++ == GWSYNC_EXPECT_MAX)
			break;
		gwsync_pack_expect(pk, exp);
	}
	spin_unlock_bh(&nf_conntrack_expect_lock);
	rcu_read_unlock();
}

static u8 *gwsync_pack_head(u8 *buf, u8 kind, const struct nf_conntrack_tuple *tuple)
{
	struct gwsync_record *rec = (struct gwsync_record *)buf;

	memset(rec, 0, sizeof(*rec));
	rec->version = GWSYNC_RECORD_VERSION;
	rec->kind = kind;
	rec->l3num = tuple->src.l3num;
	rec->l4proto = tuple->dst.protonum;
	buf += sizeof(*rec);
	return buf + gwsync_pack_tuple(buf, tuple);
}

/**
 * gwsync_pack_flow - write the record of a flow
 * @buf: where
 * @size: room at @buf in bytes, at most GWSYNC_RECORD_MAX are used
 * @ct: a confirmed flow; the caller holds a reference
 * @first: nobody was told of it before
 *
 * Context: process or BH; takes ct->lock and nf_conntrack_expect_lock.
 * Return: bytes written.
 */
unsigned int gwsync_pack_flow(u8 *buf, unsigned int size, struct nf_conn *ct, bool first)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct gwsync_record *rec = (struct gwsync_record *)buf;
	struct gwsync_packer pk = {
		.end = buf + min_t(unsigned int, size, GWSYNC_RECORD_MAX),
	};
	u16 status = READ_ONCE(ct->status) & (GWSYNC_STATUS_MUTE - 1);

	pk.pos = gwsync_pack_head(buf, GWSYNC_RECORD_FLOW, tuple);
	if (first)
		status |= GWSYNC_STATUS_FIRST;
	if (gwsync_flow_is_mute(ct))
		status |= GWSYNC_STATUS_MUTE;
	rec->status = htons(status);
	rec->timeout = htonl(gwsync_clock_seconds(ct));

	gwsync_pack_nat(&pk, ct);
	gwsync_pack_zone(&pk, nf_ct_zone(ct));
	gwsync_pack_proto(&pk, ct);
	gwsync_pack_mark(&pk, ct);
	gwsync_pack_labels(&pk, ct);
	gwsync_pack_helper(&pk, ct);
	gwsync_pack_master(&pk, ct);
	gwsync_pack_seqadj(&pk, ct);
	gwsync_pack_synproxy(&pk, ct);
	gwsync_pack_counters(&pk, ct);
	gwsync_pack_start(&pk, ct);
	/* What may be too long for the rest of the room comes last. */
	gwsync_pack_expects(&pk, ct);
	gwsync_pack_secctx(&pk, ct);

	rec->len = htons(pk.pos - buf);
	return pk.pos - buf;
}

/**
 * gwsync_pack_gone - write the record of a flow that is gone
 * @buf: room for GWSYNC_GONE_MAX bytes
 * @tuple: its original tuple
 * @zone: its zone
 *
 * Context: any.
 * Return: bytes written.
 */
unsigned int gwsync_pack_gone(u8 *buf, const struct nf_conntrack_tuple *tuple,
			      const struct nf_conntrack_zone *zone)
{
	struct gwsync_record *rec = (struct gwsync_record *)buf;
	struct gwsync_packer pk = {
		.end = buf + GWSYNC_GONE_MAX,
	};

	pk.pos = gwsync_pack_head(buf, GWSYNC_RECORD_FLOW_GONE, tuple);
	gwsync_pack_zone(&pk, zone);
	rec->len = htons(pk.pos - buf);
	return pk.pos - buf;
}

// SPDX-License-Identifier: GPL-2.0
/* What must hold of a record that the kernel half has taken apart. */
#include "../../kmod/parse.h"
#include "fuzz.h"
#include "kernel_parse.h"

/* Of ICMP only queries begin a flow: the kernel has a table of both kinds. */
static bool is_query(u8 protocol, u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == 0 || type == 8 || (type >= 13 && type <= 18);
	return type == 128 || type == 129 || type == 139 || type == 140;
}

bool nf_ct_invert_tuple(struct nf_conntrack_tuple *inverse,
			const struct nf_conntrack_tuple *orig)
{
	memset(inverse, 0, sizeof(*inverse));
	inverse->src.l3num = orig->src.l3num;
	inverse->src.u3 = orig->dst.u3;
	inverse->dst.u3 = orig->src.u3;
	inverse->dst.protonum = orig->dst.protonum;
	inverse->dst.dir = !orig->dst.dir;
	if (orig->dst.protonum == IPPROTO_ICMP || orig->dst.protonum == IPPROTO_ICMPV6) {
		inverse->src.u.icmp.id = orig->src.u.icmp.id;
		inverse->dst.u.icmp.type = orig->dst.u.icmp.type ^ 8;
		return is_query(orig->dst.protonum, orig->dst.u.icmp.type);
	}
	inverse->src.u.all = orig->dst.u.all;
	inverse->dst.u.all = orig->src.u.all;
	return true;
}

static bool is_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return len < size;
}

static void check_proto(const struct gwsync_record_flow *flow)
{
	switch (flow->tuple.dst.protonum) {
	case IPPROTO_TCP:
		expect(gwsync_record_has(flow, GWSYNC_PART_TCP) !=
		       gwsync_record_has(flow, GWSYNC_PART_TIME_WAIT));
		expect(flow->proto.tcp.state > TCP_CONNTRACK_NONE &&
		       flow->proto.tcp.state < TCP_CONNTRACK_MAX);
		expect(flow->proto.tcp.seen[0].td_scale <= 14 &&
		       flow->proto.tcp.seen[1].td_scale <= 14);
		break;
	case IPPROTO_SCTP:
		expect(gwsync_record_has(flow, GWSYNC_PART_SCTP));
		expect(flow->proto.sctp.state > SCTP_CONNTRACK_NONE &&
		       flow->proto.sctp.state < SCTP_CONNTRACK_MAX);
		expect(flow->proto.sctp.last_dir < IP_CT_DIR_MAX);
		break;
	case IPPROTO_DCCP:
		expect(gwsync_record_has(flow, GWSYNC_PART_DCCP));
		expect(flow->proto.dccp.state > CT_DCCP_NONE &&
		       flow->proto.dccp.state < CT_DCCP_IGNORE);
		expect(flow->proto.dccp.role[0] <= CT_DCCP_ROLE_MAX &&
		       flow->proto.dccp.role[1] <= CT_DCCP_ROLE_MAX);
		break;
	case IPPROTO_GRE:
		/* The table's clock is a signed 32 bit number of jiffies. */
		expect(flow->proto.gre.timeout <= INT_MAX / 4 &&
		       flow->proto.gre.stream_timeout <= INT_MAX / 4);
		break;
	}
}

static void check(const struct gwsync_record_flow *flow)
{
	expect(flow->kind == GWSYNC_RECORD_FLOW || flow->kind == GWSYNC_RECORD_FLOW_GONE);
	expect(flow->tuple.src.l3num == AF_INET || flow->tuple.src.l3num == AF_INET6);
	/* Bits that the table keeps for itself. */
	expect(!(flow->status & (IPS_CONFIRMED | IPS_DYING | IPS_TEMPLATE | IPS_NAT_MASK |
				 IPS_UNTRACKED | IPS_OFFLOAD | IPS_HW_OFFLOAD)));
	expect(!(flow->zone.dir & ~NF_CT_DEFAULT_ZONE_DIR) && !flow->zone.flags);
	expect(is_name(flow->helper, sizeof(flow->helper)));
	expect(is_name(flow->secctx, sizeof(flow->secctx)));
	expect(flow->expects <= GWSYNC_EXPECT_MAX);
	for (unsigned int i = 0; i < flow->expects; i++) {
		const struct gwsync_record_expect *exp = &flow->expect[i];

		expect(exp->dir < IP_CT_DIR_MAX);
		expect(!(exp->flags & ~(NF_CT_EXPECT_PERMANENT | NF_CT_EXPECT_INACTIVE)));
		expect((u64)exp->timeout * HZ <= INT_MAX / 2);
		expect(is_name(exp->helper, sizeof(exp->helper)));
		expect(is_name(exp->fn, sizeof(exp->fn)));
	}
	if (flow->kind == GWSYNC_RECORD_FLOW)
		check_proto(flow);
}

int kernel_parse(const uint8_t *data, size_t len)
{
	static struct gwsync_record_flow flow;
	unsigned int skipped = 0;
	int err;

	/* What was in there before must not show. */
	memset(&flow, 0xa5, sizeof(flow));
	err = gwsync_parse_record(data, len, &flow, &skipped);
	expect(err == 0 || err == -EPROTO || err == -EOPNOTSUPP || err == -EINVAL);
	expect(skipped <= len / sizeof(struct gwsync_part));
	if (!err)
		check(&flow);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Replicas: flows that are in the table on behalf of another member.
 *
 * A replica is an ordinary confirmed flow with a mark.  Its own clock stands
 * in the far future, what is left of its owner's is kept in the mark.  It is
 * updated in place; only another NAT mapping, direction of a zone, helper or
 * master, or an extension that it was made without, replaces it.
 */
#include <linux/security.h>
#include <net/tcp.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_labels.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_conntrack_synproxy.h>
#include <net/netfilter/nf_conntrack_timestamp.h>
#include <net/netfilter/nf_nat.h>

#include "expect.h"
#include "extend.h"
#include "flow.h"
#include "gwsync.h"
#include "helper.h"
#include "mark.h"
#include "mask.h"
#include "owner.h"
#include "parse.h"
#include "pptp.h"
#include "replica.h"
#include "sum.h"

/* A flow of a helper that went away while we built on it is built again. */
#define GWSYNC_REPLICA_TRIES	3

/* No last packet: none of enum tcp_bit_set of nf_conntrack_proto_tcp.c, where 0 is a SYN. */
#define GWSYNC_REPLICA_TCP_NONE	U8_MAX

/* One manipulation onto exactly the address and id of @after. */
static bool gwsync_replica_map(struct nf_conn *ct, const struct gwsync_record_flow *flow,
			       enum nf_nat_manip_type manip)
{
	const struct nf_conntrack_tuple *after = &flow->after;
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
	};

	if (manip == NF_NAT_MANIP_SRC) {
		range.min_addr = after->src.u3;
		range.min_proto.all = after->src.u.all;
	} else {
		range.min_addr = after->dst.u3;
		range.min_proto.all = after->dst.u.all;
		/* The one id of ICMP is its source's, of whichever manipulation. */
		if (nf_ct_protonum(ct) == IPPROTO_ICMP || nf_ct_protonum(ct) == IPPROTO_ICMPV6)
			range.min_proto.all = flow->tuple.src.u.all;
	}
	range.max_addr = range.min_addr;
	range.max_proto = range.min_proto;
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "the table of used sources is read by RCU");
	return nf_nat_setup_info(ct, &range, manip) == NF_ACCEPT;
}

/*
 * NAT as the rules of the owner made it, through the same door, so that
 * status and the table of used sources come out as the kernel keeps them.
 * That table is read by RCU, and a flow in it may go with its page.
 */
static int gwsync_replica_setup_nat(struct nf_conn *ct, const struct gwsync_record_flow *flow)
{
	bool dnat = gwsync_record_has(flow, GWSYNC_PART_DNAT) || flow->status & IPS_DST_NAT_DONE;
	bool snat = gwsync_record_has(flow, GWSYNC_PART_SNAT) || flow->status & IPS_SRC_NAT_DONE;
	bool mapped;

	rcu_read_lock();
	mapped = (!dnat || gwsync_replica_map(ct, flow, NF_NAT_MANIP_DST)) &&
		 (!snat || gwsync_replica_map(ct, flow, NF_NAT_MANIP_SRC));
	rcu_read_unlock();
	if (!mapped)
		return -ENOMEM;
	if (!nf_ct_tuple_equal(&ct->tuplehash[IP_CT_DIR_REPLY].tuple, &flow->reply))
		return -EEXIST;
	return 0;
}

/* What the netns' settings or the record want; nf_ct_ext_add() does not add twice. */
static bool gwsync_replica_add_ext(struct nf_conn *ct, enum nf_ct_ext_id id, bool want)
{
	return !want || nf_ct_ext_exist(ct, id) || nf_ct_ext_add(ct, id, GFP_KERNEL);
}

/* Extensions can only be added before the flow is in the table. */
static int gwsync_replica_extend_ct(struct gwsync_net *gn, struct nf_conn *ct,
				    const struct gwsync_record_flow *flow)
{
	struct nf_conntrack_ecache *ecache;
	bool added;

	nf_ct_acct_ext_add(ct, GFP_KERNEL);
	nf_ct_tstamp_ext_add(ct, GFP_KERNEL);
	nf_ct_labels_ext_add(ct);

	/* Whatever nf_conntrack_events says: who takes it away must be heard. */
	ecache = nf_ct_ext_add(ct, NF_CT_EXT_ECACHE, GFP_KERNEL);
	if (!ecache)
		return -ENOMEM;
	ecache->ctmask = U16_MAX;
	ecache->expmask = U16_MAX;
	added = gwsync_replica_add_ext(ct, NF_CT_EXT_ACCT,
				       gwsync_record_has(flow, GWSYNC_PART_COUNTERS));
	added &= gwsync_replica_add_ext(ct, NF_CT_EXT_SEQADJ,
					gwsync_record_has(flow, GWSYNC_PART_SEQADJ));
#ifdef CONFIG_NF_CONNTRACK_TIMESTAMP
	added &= gwsync_replica_add_ext(ct, NF_CT_EXT_TSTAMP,
					gwsync_record_has(flow, GWSYNC_PART_START));
#endif
#ifdef CONFIG_NF_CONNTRACK_LABELS
	added &= gwsync_replica_add_ext(ct, NF_CT_EXT_LABELS,
					gwsync_record_has(flow, GWSYNC_PART_LABELS) &&
					gwsync_mask_takes_labels(gn));
#endif
#if IS_ENABLED(CONFIG_NETFILTER_SYNPROXY)
	added &= gwsync_replica_add_ext(ct, NF_CT_EXT_SYNPROXY,
					gwsync_record_has(flow, GWSYNC_PART_SYNPROXY));
#endif
	return added ? 0 : -ENOMEM;
}

/*
 * Find the helper by its name.  Under RCU until the flow is in the table:
 * from then on unregistering the helper finds and clears the pointer.
 */
static int gwsync_replica_set_helper(struct gwsync_net *gn, struct nf_conn *ct,
				     const struct gwsync_record_flow *flow)
{
	struct nf_conntrack_helper *helper;
	struct nf_conn_help *help = nfct_help(ct);

	if (!gwsync_record_has(flow, GWSYNC_PART_HELPER)) {
		if (help)
			RCU_INIT_POINTER(help->helper, NULL);
		else if (flow->expects && !nf_ct_helper_ext_add(ct, GFP_ATOMIC))
			return -ENOMEM;	/* where expectations are kept */
		return 0;
	}

	helper = gwsync_helper_find(flow->helper, nf_ct_l3num(ct), nf_ct_protonum(ct));
	if (!helper) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_HELPER_MISSING);
		if (help)
			RCU_INIT_POINTER(help->helper, NULL);
		return 0;
	}
	if (!help) {
		help = nf_ct_helper_ext_add(ct, GFP_ATOMIC);
		if (!help)
			return -ENOMEM;
		/* NAT of some helpers keeps its notes there, and of all of them
		 * moves sequence numbers.
		 */
		if (ct->status & IPS_NAT_MASK &&
		    (!nf_ct_nat_ext_add(ct) || (!nfct_seqadj(ct) && !nfct_seqadj_ext_add(ct))))
			return -ENOMEM;
		/* To add one may have moved all of them. */
		help = nfct_help(ct);
	}
	/* What a helper that was unloaded has left. */
	if (!rcu_access_pointer(help->helper))
		memset(help->data, 0, sizeof(help->data));
	rcu_assign_pointer(help->helper, helper);
	return 0;
}

static struct nf_conn *gwsync_replica_find(struct gwsync_net *gn,
					   const struct nf_conntrack_zone *zone,
					   const struct nf_conntrack_tuple *tuple)
{
	struct nf_conntrack_tuple_hash *h = nf_conntrack_find_get(gn->net, zone, tuple);
	struct nf_conn *ct;

	if (!h)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(h);
	if (NF_CT_DIRECTION(h) == IP_CT_DIR_ORIGINAL)
		return ct;
	nf_ct_put(ct);
	return NULL;
}

static void gwsync_replica_set_master(struct gwsync_net *gn, struct nf_conn *ct,
				      const struct gwsync_record_flow *flow)
{
	if (!gwsync_record_has(flow, GWSYNC_PART_MASTER))
		return;
	ct->master = gwsync_replica_find(gn, &flow->zone, &flow->master);
	if (!ct->master)
		gwsync_stat_inc(gn, GWSYNC_STAT_A_MASTER_MISSING);
}

/* Not under RCU: to look a context up may sleep. */
static void gwsync_replica_set_secmark(struct nf_conn *ct, const struct gwsync_record_flow *flow)
{
#ifdef CONFIG_NF_CONNTRACK_SECMARK
	u32 secid;

	/* Another policy, none, or one that keeps its marks from the agent: the
	 * flow lives without.
	 */
	if (!flow->secctx[0] ||
	    security_secctx_to_secid(flow->secctx, strlen(flow->secctx), &secid) ||
	    security_secmark_relabel_packet(secid))
		secid = 0;
	ct->secmark = secid;
#endif
}

static bool gwsync_replica_tcp_moves(const struct ip_ct_tcp *tcp)
{
	return tcp->state >= TCP_CONNTRACK_ESTABLISHED && tcp->state <= TCP_CONNTRACK_LAST_ACK;
}

/*
 * Windows of one connection only move on, and a record can be older than what
 * is here: the first of a new owner, while the old one, that is us, still gets
 * packets.  Those would be invalid, and be answered by a RST if they are for an
 * address that we translate to.
 */
static void gwsync_replica_set_tcp(struct ip_ct_tcp *tcp, const struct ip_ct_tcp *record)
{
	struct ip_ct_tcp old = *tcp;
	int dir;

	*tcp = *record;
	tcp->last_index = GWSYNC_REPLICA_TCP_NONE;
	if (!gwsync_replica_tcp_moves(&old) || !gwsync_replica_tcp_moves(record))
		return;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct ip_ct_tcp_state *seen = &tcp->seen[dir];

		if (after(old.seen[dir].td_end, seen->td_end))
			seen->td_end = old.seen[dir].td_end;
		if (after(old.seen[dir].td_maxend, seen->td_maxend))
			seen->td_maxend = old.seen[dir].td_maxend;
		seen->td_maxwin = max(seen->td_maxwin, old.seen[dir].td_maxwin);
		if (old.seen[dir].flags & seen->flags & IP_CT_TCP_FLAG_MAXACK_SET &&
		    after(old.seen[dir].td_maxack, seen->td_maxack))
			seen->td_maxack = old.seen[dir].td_maxack;
	}
}

/* What changes during the life of a flow. */
static void gwsync_replica_set_state(struct gwsync_net *gn, struct nf_conn *ct,
				     const struct gwsync_record_flow *flow)
{
	struct nf_conn_synproxy *synproxy = nfct_synproxy(ct);
	struct nf_conn_tstamp *tstamp = nf_conn_tstamp_find(ct);
	struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);
	struct nf_conn_acct *acct = nf_conn_acct_find(ct);
	int i;

	spin_lock_bh(&ct->lock);
	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		gwsync_replica_set_tcp(&ct->proto.tcp, &flow->proto.tcp);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		ct->proto.udp.stream_ts = jiffies;
		break;
#ifdef CONFIG_NF_CT_PROTO_GRE
	case IPPROTO_GRE:
		if (!gwsync_record_has(flow, GWSYNC_PART_GRE)) {
			const unsigned int *timeouts = nf_gre_pernet(nf_ct_net(ct))->timeouts;

			ct->proto.gre.timeout = timeouts[GRE_CT_UNREPLIED];
			ct->proto.gre.stream_timeout = timeouts[GRE_CT_REPLIED];
			break;
		}
		fallthrough;
#endif
	default:
		/* All but its end, where the digest is. */
		memcpy(&ct->proto, &flow->proto, sizeof(ct->proto) - sizeof(flow->digest));
		break;
	}
	if (seqadj)
		memcpy(seqadj->seq, flow->seqadj, sizeof(seqadj->seq));
	spin_unlock_bh(&ct->lock);

	gwsync_mask_apply(gn, ct, flow);
	if (synproxy)
		*synproxy = flow->synproxy;
	if (tstamp && flow->start)
		tstamp->start = flow->start;
	for (i = 0; acct && i < IP_CT_DIR_MAX; i++) {
		atomic64_set(&acct->counter[i].packets, flow->packets[i]);
		atomic64_set(&acct->counter[i].bytes, flow->bytes[i]);
	}
}

/* Status bits that a record sets on a new replica, besides those of NAT. */
static unsigned long gwsync_replica_status(const struct nf_conn *ct,
					   const struct gwsync_record_flow *flow)
{
	unsigned long status = flow->status & ~IPS_NAT_DONE_MASK;

	/* Both bits are promises: ctnetlink follows ct->master without a look. */
	if (!ct->master)
		status &= ~IPS_EXPECTED;
	if (!nfct_seqadj(ct) || !gwsync_record_has(flow, GWSYNC_PART_SEQADJ))
		status &= ~IPS_SEQ_ADJUST;
	return status;
}

static int gwsync_replica_insert(struct gwsync_net *gn, struct nf_conn *ct,
				 const struct gwsync_record_flow *flow, unsigned long marks)
{
	int err;

	gwsync_replica_set_secmark(ct, flow);
	rcu_read_lock();
	err = gwsync_replica_set_helper(gn, ct, flow);
	if (err)
		goto out;
	gwsync_replica_set_state(gn, ct, flow);
	gwsync_flow_helper_resync(ct);
	ct->status |= IPS_CONFIRMED | gwsync_replica_status(ct, flow) | marks;
	gwsync_flow_hold(ct);
	gwsync_sum_set(gn, ct, flow->class, flow->digest);
	err = nf_conntrack_hash_check_insert(ct);
	if (err)
		gwsync_sum_clear(gn, ct);
out:
	rcu_read_unlock();
	return err;
}

/* Returns 0 with a reference in @replica. */
static int gwsync_replica_create(struct gwsync_net *gn, u8 owner,
				 const struct gwsync_record_flow *flow,
				 struct nf_conn **replica)
{
	struct nf_conntrack_tuple plain;
	unsigned long marks;
	struct nf_conn *ct;
	int err;

	if (!nf_ct_invert_tuple(&plain, &flow->tuple))
		return -EINVAL;
	ct = nf_conntrack_alloc(gn->net, &flow->zone, &flow->tuple, &plain, GFP_KERNEL);
	if (IS_ERR(ct)) {
		if (nf_conntrack_max && nf_conntrack_count(gn->net) >= nf_conntrack_max)
			return -ENOSPC;
		return PTR_ERR(ct);
	}
	memset(&ct->proto, 0, sizeof(ct->proto));

	/* NAT of GRE wants to know its master. */
	gwsync_replica_set_master(gn, ct, flow);
	err = gwsync_replica_extend_ct(gn, ct, flow);
	if (err)
		goto err_free;
	err = gwsync_replica_setup_nat(ct, flow);
	if (err)
		goto err_free;
	marks = gwsync_flow_marks(owner, gwsync_owner_gen(gn, owner, flow->class),
				  flow->timeout, flow->tuple.dst.protonum);
	err = gwsync_replica_insert(gn, ct, flow, marks);
	if (err)
		goto err_free;

	atomic64_inc(&gn->replicas);
	gwsync_extend_note(gn);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_CREATED);
	*replica = ct;
	return 0;

err_free:
	if (ct->master)
		nf_ct_put(ct->master);
	nf_conntrack_free(ct);
	return err;
}

/*
 * Take a flow out of the table.  As a replica of nobody it means nothing to
 * capture, see gwsync_status_is_removed(): no tombstone, no replica lost.
 */
static void gwsync_replica_remove(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long old;

	lockdep_assert_held(&gn->replica_lock);

	/* It goes already, and not by us. */
	if (!gwsync_sum_open(ct))
		return;
	old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS | BIT(GWSYNC_FLOW_ANNOUNCED_BIT),
				 BIT(GWSYNC_FLOW_REPLICA_BIT));
	if (old & BIT(GWSYNC_FLOW_ANNOUNCED_BIT))
		atomic64_dec(&gn->announced);
	if (old & BIT(GWSYNC_FLOW_REPLICA_BIT))
		atomic64_dec(&gn->replicas);
	nf_ct_delete(ct, 0, 0);
	/* Of one that is dying nobody puts a number in and leaves it there. */
	gwsync_sum_clear(gn, ct);
}

/*
 * What a helper keeps with a flow is for this helper alone, for that of PPTP
 * it is pointers, and only the end of the flow lets go of them.
 */
static bool gwsync_replica_helper_fits(const struct nf_conn *ct,
				       const struct gwsync_record_flow *flow)
{
	const struct nf_conntrack_helper *helper;
	const struct nf_conn_help *help;
	bool fits = true;

	rcu_read_lock();
	help = nfct_help(ct);
	helper = help ? rcu_dereference(help->helper) : NULL;
	if (helper)
		fits = !strcmp(helper->name, flow->helper);
	rcu_read_unlock();
	return fits;
}

/* Can this entry become what the record says without being made anew? */
static bool gwsync_replica_fits(const struct gwsync_net *gn, const struct nf_conn *ct,
				const struct gwsync_record_flow *flow)
{
	bool helper = nfct_help(ct);

	/* Of our own time, and older than the attach: its end would raise no event, and
	 * its number would stay.  Another entry has events.
	 */
	if (flow->digest && gwsync_flow_is_mute(ct))
		return false;
	if (!nf_ct_tuple_equal(&ct->tuplehash[IP_CT_DIR_REPLY].tuple, &flow->reply))
		return false;
	if (nf_ct_zone(ct)->dir != flow->zone.dir)
		return false;
	if ((gwsync_record_has(flow, GWSYNC_PART_HELPER) || flow->expects) && !helper)
		return false;
	if (!gwsync_replica_helper_fits(ct, flow))
		return false;
	if (gwsync_record_has(flow, GWSYNC_PART_LABELS) && gwsync_mask_takes_labels(gn) &&
	    !nf_ct_labels_find(ct))
		return false;
	if (gwsync_record_has(flow, GWSYNC_PART_SEQADJ) && !nfct_seqadj(ct))
		return false;
	if (gwsync_record_has(flow, GWSYNC_PART_SYNPROXY) && !nfct_synproxy(ct))
		return false;
	if (!ct->master)
		return !gwsync_record_has(flow, GWSYNC_PART_MASTER);
	/* Only a new entry gets another master. */
	return gwsync_record_has(flow, GWSYNC_PART_MASTER) &&
	       nf_ct_tuple_equal(&ct->master->tuplehash[IP_CT_DIR_ORIGINAL].tuple, &flow->master);
}

static void gwsync_replica_update(struct gwsync_net *gn, u8 owner, struct nf_conn *ct,
				  const struct gwsync_record_flow *flow)
{
	unsigned long clear, set;

	/* Behind our back: its class differs, and is repaired. */
	if (!gwsync_sum_open(ct))
		return;
	gwsync_flow_hold(ct);

	/* A former owner's flow may be ahead of the truth by what it could not tell. */
	clear = IPS_SEEN_REPLY | IPS_ASSURED | IPS_FIXED_TIMEOUT | IPS_HELPER | IPS_SEQ_ADJUST;
	set = gwsync_replica_status(ct, flow) & ~(unsigned long)IPS_EXPECTED;
	set |= gwsync_flow_marks(owner, gwsync_owner_gen(gn, owner, flow->class),
				 flow->timeout, nf_ct_protonum(ct));
	gwsync_mark_replica(gn, ct, clear, set);
	gwsync_sum_set(gn, ct, flow->class, flow->digest);

	/* After its number: what somebody changes from now on must spoil it. */
	gwsync_replica_set_secmark(ct, flow);
	rcu_read_lock();
	gwsync_replica_set_helper(gn, ct, flow);
	gwsync_replica_set_state(gn, ct, flow);
	gwsync_flow_helper_resync(ct);
	rcu_read_unlock();
	gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_UPDATED);
}

static int gwsync_replica_install_once(struct gwsync_net *gn, u8 owner,
				       const struct gwsync_record_flow *flow)
{
	struct nf_conn *ct;
	int err = 0;

	/* The insertion looks as well, so a wrong hint is but a detour. */
	if (flow->first && !gwsync_replica_create(gn, owner, flow, &ct))
		goto expect;

	ct = gwsync_replica_find(gn, &flow->zone, &flow->tuple);
	if (ct && !gwsync_owner_may_change(gn, ct)) {
		err = -EEXIST;
		goto out;
	}
	if (ct && !gwsync_replica_fits(gn, ct, flow)) {
		gwsync_replica_remove(gn, ct);
		gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_REPLACED);
		nf_ct_put(ct);
		ct = NULL;
	}
	if (ct) {
		gwsync_replica_update(gn, owner, ct, flow);
	} else {
		err = gwsync_replica_create(gn, owner, flow, &ct);
		if (err)
			return err;
	}
expect:
	gwsync_expect_install(gn, ct, flow);
	gwsync_pptp_install(gn, ct);
out:
	nf_ct_put(ct);
	return err;
}

/**
 * gwsync_replica_install - make the table say what a record says
 * @gn: state of the netns
 * @owner: member whose flow it is
 * @flow: a record of kind GWSYNC_RECORD_FLOW
 *
 * Context: process; takes gn->replica_lock.
 * Return: 0; -EEXIST: an own flow, or another flow's mapping, is in the way;
 * -ENOSPC: nf_conntrack_max; -ENOMEM; -EINVAL: no such flow can be.
 */
int gwsync_replica_install(struct gwsync_net *gn, u8 owner, const struct gwsync_record_flow *flow)
{
	int tries = GWSYNC_REPLICA_TRIES;
	int err;

	mutex_lock(&gn->replica_lock);
	do {
		err = gwsync_replica_install_once(gn, owner, flow);
	} while (err == -EAGAIN && --tries);
	mutex_unlock(&gn->replica_lock);
	return err;
}

/**
 * gwsync_replica_gone - a record says that a flow is no more
 * @gn: state of the netns
 * @flow: a record of kind GWSYNC_RECORD_FLOW_GONE
 *
 * Context: process; takes gn->replica_lock.
 * Return: 0, also when there was none; -EEXIST: an own flow has that tuple.
 */
int gwsync_replica_gone(struct gwsync_net *gn, const struct gwsync_record_flow *flow)
{
	struct nf_conn *ct;
	int err = 0;

	mutex_lock(&gn->replica_lock);
	ct = gwsync_replica_find(gn, &flow->zone, &flow->tuple);
	if (!ct)
		goto out;
	if (gwsync_flow_is_own(gn, ct)) {
		err = -EEXIST;
	} else {
		gwsync_replica_remove(gn, ct);
		gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_REMOVED);
	}
	nf_ct_put(ct);
out:
	mutex_unlock(&gn->replica_lock);
	return err;
}

/**
 * gwsync_replica_drop - remove a replica, for the walk's jobs
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 * @owners: only if it is a replica of one of these
 * @stale: only if its generation is not that of its owner and class
 *
 * Context: process; takes gn->replica_lock.
 * Return: the owner of the replica that was removed, or 0.
 */
u8 gwsync_replica_drop(struct gwsync_net *gn, struct nf_conn *ct, u64 owners, bool stale)
{
	u8 owner = 0;

	mutex_lock(&gn->replica_lock);
	if (gwsync_flow_is_own(gn, ct) || nf_ct_is_dying(ct))
		goto out;
	owner = gwsync_flow_owner(ct);
	if (!(owners & BIT_ULL(owner)) ||
	    (stale && !gwsync_owner_is_stale(gn, ct, owner))) {
		owner = 0;
		goto out;
	}
	gwsync_replica_remove(gn, ct);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_REMOVED);
out:
	mutex_unlock(&gn->replica_lock);
	return owner;
}

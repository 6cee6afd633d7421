// SPDX-License-Identifier: GPL-2.0
/*
 * Expectations of a replica.
 *
 * A flow's record carries all its expectations, so installing is a comparison:
 * what is there and named is set to what the record says, what is named is added,
 * the rest goes.  Unlike the replica itself an expectation expires by its own clock.
 * Helpers wind that up in place, and let one begin that was to wait (a registration
 * that was answered), without an event: drift.c looks for that on the owner.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "expect.h"
#include "gwsync.h"
#include "helper.h"
#include "parse.h"

static bool gwsync_expect_equal(const struct nf_conntrack_expect *exp,
				const struct gwsync_record_expect *want)
{
	return nf_ct_tuple_equal(&exp->tuple, &want->tuple) &&
	       nf_inet_addr_cmp(&exp->mask.src.u3, &want->mask.src.u3) &&
	       exp->mask.src.u.all == want->mask.src.u.all && exp->class == want->class;
}

/* Flags that a record carries. */
#define GWSYNC_EXPECT_FLAGS	(NF_CT_EXPECT_PERMANENT | NF_CT_EXPECT_INACTIVE)

static void gwsync_expect_set_timeout(struct nf_conntrack_expect *exp, u32 seconds)
{
	WRITE_ONCE(exp->timeout, nfct_time_stamp + seconds * HZ);
}

/* Drop expectations that @flow does not name; returns a bitmap of those it has. */
static unsigned long gwsync_expect_match(struct nf_conn_help *help,
					 const struct gwsync_record_flow *flow)
{
	struct nf_conntrack_expect *exp;
	struct hlist_node *next;
	unsigned long found = 0;
	unsigned int i;

	spin_lock_bh(&nf_conntrack_expect_lock);
	hlist_for_each_entry_safe(exp, next, &help->expectations, lnode) {
		for (i = 0; i < flow->expects; i++)
			if (gwsync_expect_equal(exp, &flow->expect[i]))
				break;
		if (i == flow->expects || nf_ct_exp_is_expired(exp)) {
			nf_ct_unlink_expect(exp);
			continue;
		}
		WRITE_ONCE(exp->flags, (exp->flags & ~GWSYNC_EXPECT_FLAGS) | flow->expect[i].flags);
		gwsync_expect_set_timeout(exp, flow->expect[i].timeout);
		found |= BIT(i);
	}
	spin_unlock_bh(&nf_conntrack_expect_lock);
	return found;
}

/* Under RCU: helpers and functions go with their modules. */
static int gwsync_expect_add(struct nf_conn *ct, const struct gwsync_record_flow *flow,
			     const struct gwsync_record_expect *want)
{
	struct nf_conntrack_helper *helper, *assign = NULL;
	struct nf_ct_helper_expectfn *fn = NULL;
	struct nf_conntrack_expect *exp;
	int err;

	helper = rcu_dereference(nfct_help(ct)->helper);
	/* A rule ("ct expectation" of nft) makes those of a flow without helper. */
	if (!helper && gwsync_record_has(flow, GWSYNC_PART_HELPER))
		return -ENOENT;
	if (want->class > (helper ? helper->expect_class_max : NF_CT_EXPECT_CLASS_DEFAULT))
		return -EINVAL;
	if (want->helper[0]) {
		assign = gwsync_helper_find(want->helper, want->tuple.src.l3num,
					    want->tuple.dst.protonum);
		if (!assign)
			return -ENOENT;
	}
	if (want->fn[0]) {
		fn = nf_ct_helper_expectfn_find_by_name(want->fn);
		if (!fn)
			return -ENOENT;
	}

	exp = nf_ct_expect_alloc(ct);
	if (!exp)
		return -ENOMEM;
	exp->flags = want->flags;
	exp->class = want->class;
	exp->expectfn = fn ? fn->expectfn : NULL;
	write_pnet(&exp->net, nf_ct_net(ct));
#ifdef CONFIG_NF_CONNTRACK_ZONES
	exp->zone = ct->zone;
#endif
	rcu_assign_pointer(exp->helper, helper);
	rcu_assign_pointer(exp->assign_helper, assign);
	exp->tuple = want->tuple;
	exp->mask = want->mask;
#if IS_ENABLED(CONFIG_NF_NAT)
	exp->saved_addr = want->saved_addr;
	exp->saved_proto.all = want->saved_proto;
	exp->dir = want->dir;
#endif
	err = nf_ct_expect_related(exp, 0);
	/* It was given the helper's own timeout when it was linked. */
	if (!err)
		gwsync_expect_set_timeout(exp, want->timeout);
	nf_ct_expect_put(exp);
	return err;
}

/**
 * gwsync_expect_install - give a replica the expectations of its record
 * @gn: state of the netns
 * @ct: the replica; the caller holds a reference
 * @flow: its record
 *
 * What cannot be installed is counted: its helper may not be loaded here.
 *
 * Context: process, under gn->replica_lock.
 */
void gwsync_expect_install(struct gwsync_net *gn, struct nf_conn *ct,
			   const struct gwsync_record_flow *flow)
{
	struct nf_conn_help *help = nfct_help(ct);
	unsigned long found;
	unsigned int i;

	lockdep_assert_held(&gn->replica_lock);

	if (!help) {
		if (flow->expects)
			gwsync_stat_add(gn, GWSYNC_STAT_A_EXPECT_REFUSED, flow->expects);
		return;
	}
	if (!flow->expects && hlist_empty(&help->expectations))
		return;

	rcu_read_lock();
	found = gwsync_expect_match(help, flow);
	for (i = 0; i < flow->expects; i++)
		if (!(found & BIT(i)) && gwsync_expect_add(ct, flow, &flow->expect[i]))
			gwsync_stat_inc(gn, GWSYNC_STAT_A_EXPECT_REFUSED);
	rcu_read_unlock();
}

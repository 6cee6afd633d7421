// SPDX-License-Identifier: GPL-2.0
/*
 * PPTP: what its helper keeps about a call.
 *
 * A packet of GRE version 1 names the call of its receiver alone.  Conntrack finds the
 * other key in a map of the netns, which the helper fills when it sees a call being set
 * up on the control connection: without it no packet of the call matches its flow.  All
 * that the map and the helper know of a call is in the two tuples of its GRE flow.  So
 * a replica of that flow gives it to the replica of its control connection.
 */
#include <linux/netfilter/nf_conntrack_pptp.h>
#include <linux/netfilter/nf_conntrack_proto_gre.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_nat.h>

#include "gwsync.h"
#include "pptp.h"

#ifdef CONFIG_NF_CT_PROTO_GRE
/* The kernel's own helper: one of user space may have the name, and other data. */
static bool gwsync_pptp_is_control(const struct nf_conn *ct)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper;

	BUILD_BUG_ON(sizeof(struct nf_ct_pptp_master) > sizeof_field(struct nf_conn_help, data));

	helper = help ? rcu_dereference(help->helper) : NULL;
	return helper && !strcmp(helper->name, "pptp") &&
	       !(helper->flags & NF_CT_HELPER_F_USERSPACE) && helper->destroy;
}

/* One direction; what an earlier call has left makes room, in both. */
static int gwsync_pptp_add(struct nf_conn *master, enum ip_conntrack_dir dir,
			   struct nf_conntrack_tuple *tuple)
{
	int err = nf_ct_gre_keymap_add(master, dir, tuple);

	if (err != -EEXIST)
		return err;
	nf_ct_gre_keymap_destroy(master);
	return nf_ct_gre_keymap_add(master, dir, tuple);
}

/* The tuples of a call: @out is from the caller to who was called, @in the other one. */
static bool gwsync_pptp_tuples(struct nf_conn *ct, struct nf_conntrack_tuple **out,
			       struct nf_conntrack_tuple **in)
{
	*out = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	*in = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	if (nf_ct_protonum(ct) != IPPROTO_GRE || !ct->master || !(*out)->dst.u.gre.key)
		return false;
	/* Who was called may have sent the first packet. */
	if (!nf_inet_addr_cmp(&(*out)->src.u3,
			      &ct->master->tuplehash[IP_CT_DIR_ORIGINAL].tuple.src.u3))
		swap(*out, *in);
	return true;
}
#endif

/**
 * gwsync_pptp_install - let packets of a call find its flow
 * @gn: state of the netns
 * @ct: a replica of any protocol; the caller holds a reference
 *
 * Again and again, too: the end of an earlier GRE flow of the same control connection
 * clears the map, and may come late.
 *
 * Context: process, under gn->replica_lock: no packet uses a replica's helper.
 */
void gwsync_pptp_install(struct gwsync_net *gn, struct nf_conn *ct)
{
#ifdef CONFIG_NF_CT_PROTO_GRE
	struct nf_conntrack_tuple *out, *in;
	int err;

	lockdep_assert_held(&gn->replica_lock);

	if (!gwsync_pptp_tuples(ct, &out, &in))
		return;
	rcu_read_lock();
	if (gwsync_pptp_is_control(ct->master)) {
		err = gwsync_pptp_add(ct->master, IP_CT_DIR_ORIGINAL, out);
		if (!err)
			err = gwsync_pptp_add(ct->master, IP_CT_DIR_REPLY, in);
		/* To make room for the second may have cleared the first. */
		if (!err)
			err = gwsync_pptp_add(ct->master, IP_CT_DIR_ORIGINAL, out);
		if (err)
			gwsync_stat_inc(gn, GWSYNC_STAT_A_ENOMEM);
	}
	rcu_read_unlock();
#endif
}

/**
 * gwsync_pptp_adopt - tell the helper of a call that is up
 * @gn: state of the netns
 * @ct: a flow of any protocol, own from now on; the caller holds a reference
 *
 * As it would know itself once the call is confirmed, so that it follows its end, and
 * the next call.  Not before it is ours: the end of a control connection ends the flow
 * of the call that its helper knows, and on a backup that is for records to say.
 *
 * Context: process, under gn->replica_lock.
 */
void gwsync_pptp_adopt(struct gwsync_net *gn, struct nf_conn *ct)
{
#ifdef CONFIG_NF_CT_PROTO_GRE
	struct nf_conntrack_tuple *out, *in;
	struct nf_ct_pptp_master *info;

	lockdep_assert_held(&gn->replica_lock);

	if (!gwsync_pptp_tuples(ct, &out, &in))
		return;
	rcu_read_lock();
	info = gwsync_pptp_is_control(ct->master) ? nfct_help_data(ct->master) : NULL;
	/* Else it has seen a session begin since. */
	if (info && info->sstate == PPTP_SESSION_NONE) {
#if IS_ENABLED(CONFIG_NF_NAT_PPTP)
		struct nf_conn_nat *nat = nfct_nat(ct->master);

		if (nat) {
			nat->help.nat_pptp_info.pns_call_id = out->src.u.gre.key;
			nat->help.nat_pptp_info.pac_call_id = in->src.u.gre.key;
		}
#endif
		info->pns_call_id = in->dst.u.gre.key;
		info->pac_call_id = out->dst.u.gre.key;
		info->cstate = PPTP_CALL_OUT_CONF;
		info->sstate = PPTP_SESSION_CONFIRMED;
	}
	rcu_read_unlock();
#endif
}

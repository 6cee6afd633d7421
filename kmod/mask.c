// SPDX-License-Identifier: GPL-2.0
/*
 * What of a record's mark and labels a replica takes over.
 *
 * Both belong to whoever writes them: rules, which mean the same on all members,
 * but also modules that keep something private there, which here is another thing
 * or, where it is a pointer, fatal.  So the agent may name the bits of the mark
 * that are the group's, all others stay as they are here; and labels are taken over
 * where rules of this netns use labels, unless it says otherwise.
 *
 * The number of a flow (number.c) is that of its record, and so says nothing of
 * this: members may differ in it.  When a replica would now get what it has not
 * got, its number is spoiled, and the repair of its class names it again.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_labels.h>

#include "compat.h"
#include "extend.h"
#include "flow.h"
#include "mask.h"
#include "owner.h"
#include "parse.h"
#include "sum.h"

static int gwsync_mask_doubt_flow(struct nf_conn *ct, void *data)
{
	struct gwsync_net *gn = data;

	if (!gwsync_flow_is_own(gn, ct))
		gwsync_sum_spoil(gn, ct);
	return 0;
}

/* No replica is as its record says any more. */
static void gwsync_mask_doubt(struct gwsync_net *gn)
{
	const struct nf_ct_iter_data iter = { .net = gn->net, .data = gn };

	gn->labels.left = false;
	if (gn->sums && gwsync_extend_has_met(gn))
		nf_ct_iterate_cleanup_net(gwsync_mask_doubt_flow, &iter);
}

/**
 * gwsync_mask_set - what is to be taken over from now on
 * @gn: the netns
 * @labels: &enum gwsync_labels
 * @mark: bits of the mark
 *
 * Context: process, under gn->lock; walks the table when that is another than before.
 */
void gwsync_mask_set(struct gwsync_net *gn, u32 labels, u32 mark)
{
	struct gwsync_params *params = &gn->params;

	lockdep_assert_held(&gn->lock);

	if (params->labels == labels && params->mark_mask == mark)
		return;
	WRITE_ONCE(params->labels, labels);
	WRITE_ONCE(params->mark_mask, mark);
	gwsync_mask_doubt(gn);
}

/**
 * gwsync_mask_look - have rules begun to use labels?
 * @gn: the netns
 *
 * Once they have they are taken to: a ruleset that is replaced in two steps would
 * make replicas without in between.
 *
 * Context: process, under gn->lock; walks the table, once, when they have.
 */
void gwsync_mask_look(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	if (gn->labels.used || !gwsync_labels_used(gn->net))
		return;
	WRITE_ONCE(gn->labels.used, true);
	if (gn->params.labels == GWSYNC_LABELS_AUTO && gn->labels.left)
		gwsync_mask_doubt(gn);
}

/**
 * gwsync_mask_takes_labels - do replicas get the labels of their records?
 * @gn: the netns
 *
 * Context: any.
 */
bool gwsync_mask_takes_labels(const struct gwsync_net *gn)
{
	switch (READ_ONCE(gn->params.labels)) {
	case GWSYNC_LABELS_ON:
		return true;
	case GWSYNC_LABELS_OFF:
		return false;
	default:
		return READ_ONCE(gn->labels.used);
	}
}

static void gwsync_mask_apply_mark(struct nf_conn *ct, u32 mark, u32 mask)
{
#ifdef CONFIG_NF_CONNTRACK_MARK
	u32 old = READ_ONCE(ct->mark);

	/* A packet of ours may write the other bits meanwhile. */
	while (!try_cmpxchg(&ct->mark, &old, (old & ~mask) | (mark & mask)))
		;
#endif
}

/**
 * gwsync_mask_apply - give a replica the mark and the labels of its record
 * @gn: the netns
 * @ct: the replica, or the flow that is to be one
 * @flow: its record
 *
 * Context: process, under gn->replica_lock.
 */
void gwsync_mask_apply(struct gwsync_net *gn, struct nf_conn *ct,
		       const struct gwsync_record_flow *flow)
{
	struct nf_conn_labels *labels = nf_ct_labels_find(ct);
	int i;

	lockdep_assert_held(&gn->replica_lock);

	gwsync_mask_apply_mark(ct, flow->mark, gn->params.mark_mask);
	if (!gwsync_mask_takes_labels(gn)) {
		if (gwsync_record_has(flow, GWSYNC_PART_LABELS)) {
			gn->labels.left = true;
			gwsync_stat_inc(gn, GWSYNC_STAT_A_LABELS_LEFT);
		}
		return;
	}
	for (i = 0; labels && i < ARRAY_SIZE(labels->bits); i++)
		WRITE_ONCE(labels->bits[i], flow->labels[i]);
}

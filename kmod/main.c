// SPDX-License-Identifier: GPL-2.0
/* gwsync: connections that survive the gateway which forwards them. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/random.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "audit.h"
#include "capture.h"
#include "drift.h"
#include "emit.h"
#include "event.h"
#include "extend.h"
#include "filter.h"
#include "full.h"
#include "helper.h"
#include "lease.h"
#include "map.h"
#include "mark.h"
#include "mute.h"
#include "netlink.h"
#include "owner.h"
#include "params.h"
#include "pickup.h"
#include "queue.h"
#include "repair.h"
#include "slot.h"
#include "source.h"
#include "stats.h"
#include "sum.h"
#include "untrack.h"
#include "walk.h"
#include "work.h"
#include "worker.h"

static int __net_init gwsync_net_init(struct net *net)
{
	struct gwsync_net *gn = gwsync_pernet(net);
	int err;

	gn->net = net;
	mutex_init(&gn->lock);
	gn->boot_id = get_random_u64();
	gwsync_params_default(&gn->params);
	gwsync_queue_net_init(gn);
	gwsync_slot_net_init(gn);
	gwsync_capture_net_init(gn);

	err = gwsync_stats_net_init(gn);
	if (err)
		return err;
	err = gwsync_event_net_init(gn);
	if (err)
		goto err_stats;
	err = gwsync_emit_net_init(gn);
	if (err)
		goto err_event;
	err = gwsync_worker_net_init(gn);
	if (err)
		goto err_emit;
	gwsync_audit_init(gn);
	gwsync_drift_init(gn);
	gwsync_full_init(gn);
	gwsync_source_init(gn);
	gwsync_mute_init(gn);
	gwsync_lease_net_init(gn);
	gwsync_owner_net_init(gn);
	gwsync_pickup_init(gn);
	gwsync_extend_init(gn);
	return 0;

err_emit:
	gwsync_emit_net_exit(gn);
err_event:
	gwsync_event_net_exit(gn);
err_stats:
	gwsync_stats_net_exit(gn);
	return err;
}

static void __net_exit gwsync_net_pre_exit(struct net *net)
{
	struct gwsync_net *gn = gwsync_pernet(net);

	gwsync_slot_net_pre_exit(gn);
	/* The core waits for packets that are in the hooks: they use what exit frees. */
	gwsync_pickup_stop(gn);
	gwsync_lease_net_pre_exit(gn);
	gwsync_untrack_exit(gn);
}

static void __net_exit gwsync_net_exit(struct net *net)
{
	struct gwsync_net *gn = gwsync_pernet(net);

	/* What is asked for at intervals does nothing any more. */
	gwsync_owner_rest(gn);
	gwsync_lease_net_exit(gn);
	gwsync_audit_stop(gn);
	gwsync_drift_exit(gn);
	gwsync_extend_exit(gn);
	gwsync_mute_exit(gn);
	/* Conntrack waits for every reference: drop ours before its exit. */
	gwsync_worker_net_stop(gn);
	/* The worker may have asked for them once more. */
	gwsync_drift_exit(gn);
	gwsync_extend_exit(gn);
	gwsync_mute_exit(gn);
	gwsync_walk_net_stop(gn);
	gwsync_slot_net_exit(gn);
	gwsync_queue_net_exit(gn);
	gwsync_mark_release(gn);
	gwsync_walk_net_exit(gn);
	gwsync_emit_net_exit(gn);
	gwsync_event_net_exit(gn);
	gwsync_filter_net_exit(gn);
	gwsync_map_net_exit(gn);
	gwsync_repair_net_exit(gn);
	gwsync_sum_net_exit(gn);
	gwsync_owner_net_exit(gn);
	gwsync_stats_net_exit(gn);
	mutex_destroy(&gn->lock);
}

static struct pernet_operations gwsync_net_ops = {
	.init		= gwsync_net_init,
	.pre_exit	= gwsync_net_pre_exit,
	.exit		= gwsync_net_exit,
	.id		= &gwsync_net_id,
	.size		= sizeof(struct gwsync_net),
};

static int __init gwsync_init(void)
{
	int err;

	err = gwsync_work_init();
	if (err)
		return err;
	err = gwsync_queue_init();
	if (err)
		goto err_work;
	err = register_pernet_subsys(&gwsync_net_ops);
	if (err)
		goto err_queue;
	err = gwsync_slot_init();
	if (err)
		goto err_pernet;
	err = gwsync_lease_init();
	if (err)
		goto err_slot;
	err = gwsync_helper_init();
	if (err)
		goto err_lease;
	err = gwsync_netlink_init();
	if (err)
		goto err_helper;
	return 0;

err_helper:
	gwsync_helper_exit();
err_lease:
	gwsync_lease_exit();
err_slot:
	gwsync_slot_stop();
err_pernet:
	unregister_pernet_subsys(&gwsync_net_ops);
err_queue:
	gwsync_queue_exit();
err_work:
	gwsync_work_exit();
	return err;
}

static void __exit gwsync_exit(void)
{
	gwsync_netlink_exit();
	gwsync_helper_exit();
	gwsync_lease_exit();
	gwsync_slot_stop();
	unregister_pernet_subsys(&gwsync_net_ops);
	gwsync_queue_exit();
	/* Callbacks of kfree_rcu() and of flows that we held. */
	rcu_barrier();
	gwsync_work_exit();
}

module_init(gwsync_init);
module_exit(gwsync_exit);

MODULE_DESCRIPTION("Replication of conntrack and NAT between gateways");
MODULE_LICENSE("GPL");
MODULE_ALIAS_GENL_FAMILY(GWSYNC_GENL_NAME);

// SPDX-License-Identifier: GPL-2.0
/* gwsync: connections that survive the gateway which forwards them. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/random.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "capture.h"
#include "digest.h"
#include "drift.h"
#include "emit.h"
#include "filter.h"
#include "map.h"
#include "netlink.h"
#include "params.h"
#include "pickup.h"
#include "repair.h"
#include "replica.h"
#include "stats.h"
#include "walk.h"

unsigned int gwsync_net_id __read_mostly;

/*
 * Defaults of a netns that is created later; GWSYNC_CMD_SET changes one that
 * exists.  Each type of parameter knows its bounds.
 */
struct gwsync_param {
	unsigned int	value;
	unsigned int	min;
	unsigned int	max;
	bool		pow2;
};

static int gwsync_param_set(const char *val, const struct kernel_param *kp)
{
	struct gwsync_param *param = kp->arg;
	unsigned int value;
	int err;

	err = kstrtouint(val, 0, &value);
	if (err)
		return err;
	if (value < param->min || value > param->max) {
		pr_err("%s is %u: must be %u to %u\n", kp->name, value, param->min, param->max);
		return -ERANGE;
	}
	if (param->pow2 && !is_power_of_2(value)) {
		pr_err("%s is %u: must be a power of two\n", kp->name, value);
		return -EINVAL;
	}
	WRITE_ONCE(param->value, value);
	return 0;
}

static int gwsync_param_get(char *buf, const struct kernel_param *kp)
{
	const struct gwsync_param *param = kp->arg;

	return sysfs_emit(buf, "%u\n", READ_ONCE(param->value));
}

static const struct kernel_param_ops gwsync_param_ops = {
	.set = gwsync_param_set,
	.get = gwsync_param_get,
};

static struct gwsync_param gwsync_flush_ms = { .value = 20, .max = GWSYNC_FLUSH_MS_MAX };
module_param_cb(flush_ms, &gwsync_param_ops, &gwsync_flush_ms, 0644);
MODULE_PARM_DESC(flush_ms, "how long changes are collected before they are sent, 0..1000 (20)");

static struct gwsync_param gwsync_hold_ms = { .max = GWSYNC_HOLD_MS_MAX };
module_param_cb(hold_ms, &gwsync_param_ops, &gwsync_hold_ms, 0644);
MODULE_PARM_DESC(hold_ms, "do not sync a younger flow, 0..60000 (0)");

static struct gwsync_param gwsync_batch_bytes = {
	.value = 1300, .min = GWSYNC_BATCH_BYTES_MIN, .max = GWSYNC_BATCH_BYTES_MAX,
};
module_param_cb(batch_bytes, &gwsync_param_ops, &gwsync_batch_bytes, 0644);
MODULE_PARM_DESC(batch_bytes, "most bytes of records in a message, 512..8192 (1300)");

static struct gwsync_param gwsync_tombstones = {
	.value = 65536, .max = GWSYNC_TOMBSTONES_MAX,
};
module_param_cb(tombstones, &gwsync_param_ops, &gwsync_tombstones, 0644);
MODULE_PARM_DESC(tombstones, "most destroyed flows remembered, 0..1048576 (65536)");

static struct gwsync_param gwsync_walk_rate = { .max = GWSYNC_WALK_RATE_MAX };
module_param_cb(walk_rate, &gwsync_param_ops, &gwsync_walk_rate, 0644);
MODULE_PARM_DESC(walk_rate, "flows a second that a walk emits, 0..10000000, 0: all (0)");

static struct gwsync_param gwsync_digest_ms = { .value = 10000, .max = GWSYNC_DIGEST_MS_MAX };
module_param_cb(digest_ms, &gwsync_param_ops, &gwsync_digest_ms, 0644);
MODULE_PARM_DESC(digest_ms, "in which all digests are sent once, 0: when asked for, 0..3600000 (10000)");

static struct gwsync_param gwsync_ring_size = {
	.value = 4096, .min = GWSYNC_RING_SIZE_MIN, .max = GWSYNC_RING_SIZE_MAX, .pow2 = true,
};
module_param_cb(ring_size, &gwsync_param_ops, &gwsync_ring_size, 0644);
MODULE_PARM_DESC(ring_size, "changed flows that wait on a CPU, power of two, 64..65536 (4096)");

/**
 * gwsync_params_default - parameters of a new netns
 * @params: (out)
 *
 * Context: any.
 */
void gwsync_params_default(struct gwsync_params *params)
{
	params->flush_ms = READ_ONCE(gwsync_flush_ms.value);
	params->hold_ms = READ_ONCE(gwsync_hold_ms.value);
	params->batch_bytes = READ_ONCE(gwsync_batch_bytes.value);
	params->tombstones = READ_ONCE(gwsync_tombstones.value);
	params->walk_rate = READ_ONCE(gwsync_walk_rate.value);
	params->digest_ms = READ_ONCE(gwsync_digest_ms.value);
}

/**
 * gwsync_params_ring_size - slots of a CPU's ring, for a netns' first attach
 *
 * Context: any.
 * Return: a power of two.
 */
unsigned int gwsync_params_ring_size(void)
{
	return READ_ONCE(gwsync_ring_size.value);
}

static int __net_init gwsync_net_init(struct net *net)
{
	struct gwsync_net *gn = gwsync_pernet(net);
	int err;

	gn->net = net;
	mutex_init(&gn->lock);
	gn->boot_id = get_random_u64();
	gwsync_params_default(&gn->params);
	gwsync_capture_net_init(gn);

	err = gwsync_stats_net_init(gn);
	if (err)
		return err;
	err = gwsync_emit_net_init(gn);
	if (err)
		goto err_stats;
	err = gwsync_walk_net_init(gn);
	if (err)
		goto err_emit;
	gwsync_drift_init(gn);
	gwsync_replica_init(gn);
	return 0;

err_emit:
	gwsync_emit_net_exit(gn);
err_stats:
	gwsync_stats_net_exit(gn);
	return err;
}

static void __net_exit gwsync_net_pre_exit(struct net *net)
{
	struct gwsync_net *gn = gwsync_pernet(net);

	gwsync_capture_net_pre_exit(gn);
	/* The core waits for packets that are in the hooks: they use what exit frees. */
	gwsync_pickup_stop(gn);
}

static void __net_exit gwsync_net_exit(struct net *net)
{
	struct gwsync_net *gn = gwsync_pernet(net);

	/* What is asked for at intervals does nothing any more. */
	WRITE_ONCE(gn->active, false);
	gwsync_drift_exit(gn);
	gwsync_replica_stop(gn);
	/* Conntrack waits for every reference: drop ours before its exit. */
	gwsync_emit_net_stop(gn);
	gwsync_drift_exit(gn); /* the worker may have asked for it once more */
	gwsync_walk_net_stop(gn);
	gwsync_capture_net_exit(gn);
	gwsync_replica_exit(gn);
	gwsync_walk_net_exit(gn);
	gwsync_emit_net_exit(gn);
	gwsync_filter_net_exit(gn);
	gwsync_map_net_exit(gn);
	gwsync_repair_net_exit(gn);
	gwsync_digest_net_exit(gn);
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

	err = gwsync_emit_init();
	if (err)
		return err;
	err = register_pernet_subsys(&gwsync_net_ops);
	if (err)
		goto err_emit;
	err = gwsync_capture_init();
	if (err)
		goto err_pernet;
	err = gwsync_netlink_init();
	if (err)
		goto err_capture;
	return 0;

err_capture:
	gwsync_capture_stop();
	unregister_pernet_subsys(&gwsync_net_ops);
	gwsync_capture_exit();
	goto err_emit;
err_pernet:
	unregister_pernet_subsys(&gwsync_net_ops);
err_emit:
	gwsync_emit_exit();
	return err;
}

static void __exit gwsync_exit(void)
{
	gwsync_netlink_exit();
	gwsync_capture_stop();
	unregister_pernet_subsys(&gwsync_net_ops);
	gwsync_capture_exit();
	/* Callbacks of kfree_rcu() and of flows that we held. */
	rcu_barrier();
	gwsync_emit_exit();
}

module_init(gwsync_init);
module_exit(gwsync_exit);

MODULE_DESCRIPTION("Replication of conntrack and NAT between gateways");
MODULE_LICENSE("GPL");
MODULE_ALIAS_GENL_FAMILY(GWSYNC_GENL_NAME);

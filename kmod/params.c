// SPDX-License-Identifier: GPL-2.0
/* Parameters: what sysfs says of a netns that is created later. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/module.h>

#include "gwsync.h"
#include "params.h"

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

static struct gwsync_param gwsync_audit_ms = { .value = 60000, .max = GWSYNC_AUDIT_MS_MAX };
module_param_cb(audit_ms, &gwsync_param_ops, &gwsync_audit_ms, 0644);
MODULE_PARM_DESC(audit_ms, "in which all flows are looked at for what raises no event, 0: never, 0..3600000 (60000)");

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
	params->audit_ms = READ_ONCE(gwsync_audit_ms.value);
	params->labels = GWSYNC_LABELS_AUTO;
	params->mark_mask = U32_MAX;
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

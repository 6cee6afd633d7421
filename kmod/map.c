// SPDX-License-Identifier: GPL-2.0
/*
 * The backup map: which members hold replicas of a flow.
 *
 * The flow's class (flow.c) names one of GWSYNC_BUCKETS buckets, the agent
 * says which members a bucket belongs to.  In a group of two all buckets have
 * the same members, and nobody need hash.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "flow.h"
#include "map.h"
#include "owner.h"

static bool gwsync_map_is_uniform(const struct gwsync_map *map)
{
	unsigned int i;

	for (i = 1; i < GWSYNC_BUCKETS; i++)
		if (map->set[i] != map->set[0])
			return false;
	return true;
}

/**
 * gwsync_map_set - replace the backup map
 * @gn: the netns
 * @map: GWSYNC_A_MAP: GWSYNC_BUCKETS sets of __u64
 * @extack: where a refusal is explained
 *
 * Context: process, under gn->lock.
 * Return: 0, -EINVAL, -ENOMEM.
 */
int gwsync_map_set(struct gwsync_net *gn, const struct nlattr *map,
		   struct netlink_ext_ack *extack)
{
	struct gwsync_map *new, *old;
	unsigned int i;

	lockdep_assert_held(&gn->lock);

	new = kmalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new) {
		NL_SET_ERR_MSG(extack, "no memory for the backup map");
		return -ENOMEM;
	}

	/* The policy has checked the length. */
	memcpy(new->set, nla_data(map), sizeof(new->set));
	for (i = 0; i < GWSYNC_BUCKETS; i++) {
		if (new->set[i] & BIT_ULL(0)) {
			NL_SET_ERR_MSG_ATTR(extack, map,
					    "member 0 in a set: members are 1 to 63");
			kfree(new);
			return -EINVAL;
		}
	}
	new->uniform = gwsync_map_is_uniform(new);

	old = rcu_dereference_protected(gn->map, lockdep_is_held(&gn->lock));
	new->version = old ? old->version + 1 : 1;
	rcu_assign_pointer(gn->map, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static void gwsync_map_others(const struct gwsync_net *gn, const struct gwsync_map *map,
			      unsigned int bucket, struct gwsync_backups *backups)
{
	backups->set = map->set[bucket] & ~BIT_ULL(gwsync_owner_self(gn));
	backups->map = map->version;
}

/**
 * gwsync_map_bucket - members that hold replicas of a bucket's flows
 * @gn: the netns
 * @bucket: 0..GWSYNC_BUCKETS - 1
 *
 * Context: any.
 * Return: who, and by which map.
 */
struct gwsync_backups gwsync_map_bucket(struct gwsync_net *gn, unsigned int bucket)
{
	struct gwsync_backups backups = {};
	const struct gwsync_map *map;

	rcu_read_lock();
	map = rcu_dereference(gn->map);
	if (map)
		gwsync_map_others(gn, map, bucket, &backups);
	rcu_read_unlock();
	return backups;
}

/**
 * gwsync_map_lookup - members that hold replicas of a flow
 * @gn: the netns
 * @tuple: original tuple
 * @zone: its zone
 *
 * Context: any.
 * Return: who, and by which map.
 */
struct gwsync_backups gwsync_map_lookup(struct gwsync_net *gn,
					const struct nf_conntrack_tuple *tuple, u16 zone)
{
	struct gwsync_backups backups = {};
	const struct gwsync_map *map;
	unsigned int bucket = 0;

	rcu_read_lock();
	map = rcu_dereference(gn->map);
	if (map) {
		if (!map->uniform)
			bucket = gwsync_flow_class_by(gwsync_flow_key(tuple, zone)) /
				 GWSYNC_BUCKET_CLASSES;
		gwsync_map_others(gn, map, bucket, &backups);
	}
	rcu_read_unlock();
	return backups;
}

void gwsync_map_net_exit(struct gwsync_net *gn)
{
	struct gwsync_map *map = rcu_replace_pointer(gn->map, NULL, true);

	if (map)
		kfree_rcu(map, rcu);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The backup map: which members hold replicas of a flow.
 *
 * The flow's class (digest.c) names one of GWSYNC_BUCKETS buckets, the agent
 * says which members a bucket belongs to.  In a group of two all buckets have
 * the same members, and nobody need hash.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "digest.h"
#include "map.h"

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

	old = rcu_replace_pointer(gn->map, new, lockdep_is_held(&gn->lock));
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static u64 gwsync_map_others(const struct gwsync_net *gn, const struct gwsync_map *map,
			     unsigned int bucket)
{
	return map->set[bucket] & ~BIT_ULL(READ_ONCE(gn->member));
}

/**
 * gwsync_map_bucket - members that hold replicas of a bucket's flows
 * @gn: the netns
 * @bucket: 0..GWSYNC_BUCKETS - 1
 *
 * Context: any.
 * Return: the set, without this member; 0: nobody.
 */
u64 gwsync_map_bucket(struct gwsync_net *gn, unsigned int bucket)
{
	const struct gwsync_map *map;
	u64 set = 0;

	rcu_read_lock();
	map = rcu_dereference(gn->map);
	if (map)
		set = gwsync_map_others(gn, map, bucket);
	rcu_read_unlock();
	return set;
}

/**
 * gwsync_map_lookup - members that hold replicas of a flow
 * @gn: the netns
 * @tuple: original tuple
 * @zone: its zone
 *
 * Context: any.
 * Return: the set, without this member; 0: nobody.
 */
u64 gwsync_map_lookup(struct gwsync_net *gn, const struct nf_conntrack_tuple *tuple, u16 zone)
{
	const struct gwsync_map *map;
	unsigned int bucket = 0;
	u64 set = 0;

	rcu_read_lock();
	map = rcu_dereference(gn->map);
	if (map) {
		if (!map->uniform)
			bucket = gwsync_digest_class_by(gwsync_digest_key(tuple, zone)) /
				 GWSYNC_BUCKET_CLASSES;
		set = gwsync_map_others(gn, map, bucket);
	}
	rcu_read_unlock();
	return set;
}

void gwsync_map_net_exit(struct gwsync_net *gn)
{
	struct gwsync_map *map = rcu_replace_pointer(gn->map, NULL, true);

	if (map)
		kfree_rcu(map, rcu);
}

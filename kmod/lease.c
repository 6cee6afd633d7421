// SPDX-License-Identifier: GPL-2.0
/*
 * The lease on which an owner has its addresses.
 *
 * An agent that hangs is dead to the other members, and soon one of them owns.  The
 * kernel that it has set up would go on and answer for the addresses.  So an owner
 * holds the interfaces that carry them on a lease that is shorter than the patience of
 * the others, and renews it with each heartbeat.  When it lapses:
 *
 *   at once	no packet is taken from these interfaces and none is let out by them.
 *		A hook on each compares the clock with the end of the lease, so this
 *		needs no timer that runs in time, no lock and no memory;
 *   soon	this member is passive, the agent is told, and the interfaces are set
 *		down, which needs rtnl and waits for whoever has it.
 *
 * It lapses as well when the machine goes to sleep, and when its memory was copied or
 * comes from a snapshot: its clock stood still while those of the others went on.
 *
 * The interfaces are macvlans of the agent's making, and a hook on a macvlan sees all
 * that its MAC is sent, ARP and neighbour discovery included, before anybody else.
 *
 * Hooks stay as long as their interface does, whether or not it is held: taking one
 * away drops whatever waits in any NFQUEUE of the netns (nf_queue_nf_hook_drop()).  They
 * go with their interface by a way that does not, see gwsync_lease_unhook_gone().
 */
#include <linux/jiffies.h>
#include <linux/jump_label.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#include "event.h"
#include "gwsync.h"
#include "lease.h"
#include "owner.h"

/* An interface that is held, or has been: two hooks. */
struct gwsync_leased {
	struct list_head	list;
	struct gwsync_net	*gn;
	struct net_device	*dev;
	bool			held;
	netdevice_tracker	tracker;
	struct nf_hook_ops	ops[1 + IS_ENABLED(CONFIG_NETFILTER_EGRESS)];
	struct rcu_head		rcu;
};

/* All leases of before are over: the machine slept, or is another one now. */
static unsigned int gwsync_lease_era;

static bool gwsync_lease_is_over(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->lease.era) != READ_ONCE(gwsync_lease_era) ||
	       !time_before64(get_jiffies_64(), READ_ONCE(gn->lease.end));
}

static unsigned int gwsync_lease_hook(void *priv, struct sk_buff *skb,
				      const struct nf_hook_state *state)
{
	struct gwsync_leased *leased = priv;

	if (likely(!READ_ONCE(leased->held) || !gwsync_lease_is_over(leased->gn)))
		return NF_ACCEPT;
	gwsync_stat_inc(leased->gn, GWSYNC_STAT_A_LEASE_DROPPED);
	return NF_DROP;
}

/*
 * Take a hook off an interface that goes, and leave all queues alone: no packet waits in
 * one with the hooks of an interface, for the kernel cannot put it back there
 * (nf_reinject()).  nf_unregister_net_hook() would have all packets of the netns
 * dropped.  This is what it does otherwise, but for the core's lock.  In its place: the
 * interface is on no list any more, and who had hooks on it has taken them off before,
 * because the notifier of this file is the last.
 */
static void gwsync_lease_unhook_gone(struct net_device *dev, const struct nf_hook_ops *ops)
{
#ifdef CONFIG_NETFILTER_INGRESS
	if (ops->hooknum == NF_NETDEV_INGRESS) {
		nf_hook_entries_delete_raw(&dev->nf_hooks_ingress, ops);
		net_dec_ingress_queue();
	}
#endif
#ifdef CONFIG_NETFILTER_EGRESS
	if (ops->hooknum == NF_NETDEV_EGRESS) {
		nf_hook_entries_delete_raw(&dev->nf_hooks_egress, ops);
		net_dec_egress_queue();
	}
#endif
#ifdef CONFIG_JUMP_LABEL
	static_key_slow_dec(&nf_hooks_needed[NFPROTO_NETDEV][ops->hooknum]);
#endif
}

static void gwsync_leased_free(struct gwsync_leased *leased, unsigned int hooks)
{
	struct net_device *dev = leased->dev;
	bool gone;

	ASSERT_RTNL();

	/* When the module goes its notifier is called for interfaces that stay. */
	gone = __dev_get_by_index(dev_net(dev), dev->ifindex) != dev;
	while (hooks) {
		hooks--;
		if (gone)
			gwsync_lease_unhook_gone(dev, &leased->ops[hooks]);
		else
			nf_unregister_net_hook(leased->gn->net, &leased->ops[hooks]);
	}
	netdev_put(leased->dev, &leased->tracker);
	/* A packet may be in the hook. */
	kfree_rcu(leased, rcu);
}

static struct gwsync_leased *gwsync_leased_find(struct gwsync_net *gn,
						const struct net_device *dev)
{
	struct gwsync_leased *leased;

	ASSERT_RTNL();

	list_for_each_entry(leased, &gn->lease.devs, list)
		if (leased->dev == dev)
			return leased;
	return NULL;
}

/* From now on there are hooks on an interface; one that is not held lets all pass. */
static int gwsync_lease_hook_up(struct gwsync_net *gn, u32 ifindex, struct netlink_ext_ack *extack)
{
	static const unsigned int hooknum[] = { NF_NETDEV_INGRESS, NF_NETDEV_EGRESS };
	struct net_device *dev = __dev_get_by_index(gn->net, ifindex);
	struct gwsync_leased *leased;
	unsigned int i;
	int err;

	if (!dev) {
		NL_SET_ERR_MSG(extack, "an interface of the lease is not in this netns");
		return -ENODEV;
	}
	/* Of what nobody made for this, nothing is ever set down. */
	if (!netif_is_macvlan(dev)) {
		NL_SET_ERR_MSG(extack, "an interface of the lease is not a macvlan");
		return -EINVAL;
	}
	if (gwsync_leased_find(gn, dev))
		return 0;
	leased = kzalloc(sizeof(*leased), GFP_KERNEL_ACCOUNT);
	if (!leased)
		return -ENOMEM;

	leased->gn = gn;
	leased->dev = dev;
	netdev_hold(dev, &leased->tracker, GFP_KERNEL_ACCOUNT);
	for (i = 0; i < ARRAY_SIZE(leased->ops); i++) {
		leased->ops[i].hook = gwsync_lease_hook;
		leased->ops[i].dev = dev;
		leased->ops[i].priv = leased;
		leased->ops[i].pf = NFPROTO_NETDEV;
		leased->ops[i].hooknum = hooknum[i];
		leased->ops[i].priority = INT_MIN;
		err = nf_register_net_hook(gn->net, &leased->ops[i]);
		if (err) {
			NL_SET_ERR_MSG(extack, "cannot register the hooks of the lease");
			gwsync_leased_free(leased, i);
			return err;
		}
	}
	list_add_tail(&leased->list, &gn->lease.devs);
	return 0;
}

/* The work before the end: who finds it renewed does nothing, and comes again. */
static void gwsync_lease_extend(struct gwsync_net *gn, u32 term_ms)
{
	/* The jiffy that has begun is none. */
	unsigned long term = msecs_to_jiffies(term_ms) + 1;

	WRITE_ONCE(gn->lease.end, get_jiffies_64() + term);
	mod_delayed_work(system_highpri_wq, &gn->lease.work, term);
}

/**
 * gwsync_lease_take - hold interfaces on a lease that begins now
 * @gn: state of the netns
 * @ifindex: macvlans of this netns; they replace those of before
 * @count: of them, at most GWSYNC_LEASE_MAX
 * @term_ms: how long it lasts
 * @extack: says why not; nothing has changed then
 *
 * Context: process, under gn->lock; takes rtnl.
 * Return: 0; -ENODEV; -EINVAL: not a macvlan; -ENOMEM.
 */
int gwsync_lease_take(struct gwsync_net *gn, const u32 *ifindex, unsigned int count, u32 term_ms,
		      struct netlink_ext_ack *extack)
{
	struct gwsync_leased *leased;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&gn->lock);

	rtnl_lock();
	for (i = 0; i < count && !err; i++)
		err = gwsync_lease_hook_up(gn, ifindex[i], extack);
	if (err)
		goto unlock;
	WRITE_ONCE(gn->lease.era, READ_ONCE(gwsync_lease_era));
	WRITE_ONCE(gn->lease.state, GWSYNC_LEASE_HELD);
	gwsync_lease_extend(gn, term_ms);
	list_for_each_entry(leased, &gn->lease.devs, list) {
		bool held = false;

		for (i = 0; i < count && !held; i++)
			held = ifindex[i] == leased->dev->ifindex;
		WRITE_ONCE(leased->held, held);
	}
unlock:
	rtnl_unlock();
	return err;
}

/**
 * gwsync_lease_renew - the agent is well
 * @gn: state of the netns
 * @term_ms: how long it lasts from now on
 * @extack: says why not
 *
 * Context: process, under gn->lock.  Never waits for rtnl, which others may hold for
 * longer than a lease lasts.
 * Return: 0; -ESTALE: it has lapsed, others may own; -ENOENT: none is held.
 */
int gwsync_lease_renew(struct gwsync_net *gn, u32 term_ms, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&gn->lock);

	if (gn->lease.state == GWSYNC_LEASE_NONE) {
		NL_SET_ERR_MSG(extack, "no lease is held: name its interfaces");
		return -ENOENT;
	}
	if (gn->lease.state != GWSYNC_LEASE_HELD || gwsync_lease_is_over(gn)) {
		NL_SET_ERR_MSG(extack, "the lease has lapsed");
		return -ESTALE;
	}
	gwsync_lease_extend(gn, term_ms);
	return 0;
}

/**
 * gwsync_lease_end - this member hands over: its interfaces are silent from now on
 * @gn: state of the netns
 *
 * To set them down takes grace periods, and the heir need not wait for these.  Who holds
 * them sets them down and gives the lease back; without the hook that stops what goes
 * out the lease is held until then.
 *
 * Context: process, under gn->lock.  Never waits.
 */
void gwsync_lease_end(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	if (!IS_ENABLED(CONFIG_NETFILTER_EGRESS) || gn->lease.state != GWSYNC_LEASE_HELD)
		return;
	WRITE_ONCE(gn->lease.state, GWSYNC_LEASE_ENDED);
	WRITE_ONCE(gn->lease.end, 0);
	/* If it runs just now it finds a lease that is not held. */
	cancel_delayed_work(&gn->lease.work);
}

/**
 * gwsync_lease_give_back - the agent has let go of the addresses, or is another one
 * @gn: state of the netns
 *
 * Context: process, under gn->lock; takes rtnl if there is a lease.
 */
void gwsync_lease_give_back(struct gwsync_net *gn)
{
	struct gwsync_leased *leased;

	lockdep_assert_held(&gn->lock);

	if (gn->lease.state == GWSYNC_LEASE_NONE)
		return;
	WRITE_ONCE(gn->lease.state, GWSYNC_LEASE_NONE);
	cancel_delayed_work(&gn->lease.work);
	rtnl_lock();
	list_for_each_entry(leased, &gn->lease.devs, list)
		WRITE_ONCE(leased->held, false);
	rtnl_unlock();
}

int gwsync_lease_fill(struct gwsync_net *gn, struct sk_buff *skb)
{
	lockdep_assert_held(&gn->lock);

	return nla_put_u8(skb, GWSYNC_A_LEASE, gn->lease.state);
}

/* Is there a lease whose time is over?  Then it is one that has lapsed. */
static bool gwsync_lease_lapse(struct gwsync_net *gn)
{
	bool lapsed;

	mutex_lock(&gn->lock);
	lapsed = gn->lease.state == GWSYNC_LEASE_HELD && gwsync_lease_is_over(gn);
	if (lapsed) {
		WRITE_ONCE(gn->lease.state, GWSYNC_LEASE_LAPSED);
		/* However the clocks go from here. */
		WRITE_ONCE(gn->lease.end, 0);
		/* Own flows stay own, until there is an owner to follow. */
		gwsync_owner_rest(gn);
	}
	mutex_unlock(&gn->lock);
	return lapsed;
}

static void gwsync_lease_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, lease.work);
	struct gwsync_leased *leased;

	if (!gwsync_lease_lapse(gn))
		return;
	gwsync_stat_inc(gn, GWSYNC_STAT_A_LEASES_LAPSED);
	net_warn_ratelimited("gwsync: the agent is late: this member is no longer owner\n");
	gwsync_event_send(gn, GWSYNC_EVENT_LAPSED, 0, 0, 0);

	rtnl_lock();
	/* The agent may have been back, and holds a new one. */
	if (READ_ONCE(gn->lease.state) == GWSYNC_LEASE_LAPSED)
		list_for_each_entry(leased, &gn->lease.devs, list)
			if (leased->held)
				dev_close(leased->dev);
	rtnl_unlock();
}

/* An interface goes, or goes to another netns. */
static int gwsync_lease_netdev(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct gwsync_leased *leased;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;

	leased = gwsync_leased_find(gwsync_pernet(dev_net(dev)), dev);
	if (leased) {
		list_del(&leased->list);
		gwsync_leased_free(leased, ARRAY_SIZE(leased->ops));
	}
	return NOTIFY_DONE;
}

static struct notifier_block gwsync_lease_netdev_nb = {
	.notifier_call = gwsync_lease_netdev,
	/* After all who have hooks on interfaces. */
	.priority = INT_MIN,
};

static void gwsync_lease_end_all(void)
{
	struct net *net;

	WRITE_ONCE(gwsync_lease_era, READ_ONCE(gwsync_lease_era) + 1);
	rcu_read_lock();
	for_each_net_rcu(net)
		mod_delayed_work(system_highpri_wq, &gwsync_pernet(net)->lease.work, 0);
	rcu_read_unlock();
}

/* Clocks stood still, or memory is of another time: the agents must know. */
static void gwsync_lease_resumed(void)
{
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net)
		gwsync_event_send(gwsync_pernet(net), GWSYNC_EVENT_RESUMED, 0, 0, 0);
	rcu_read_unlock();
}

static int gwsync_lease_pm(struct notifier_block *nb, unsigned long event, void *ptr)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
		gwsync_lease_end_all();
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
		gwsync_lease_resumed();
		break;
	default:
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block gwsync_lease_pm_nb = {
	.notifier_call = gwsync_lease_pm,
};

/* This machine was copied, or a snapshot of it was loaded (CONFIG_VMGENID). */
static int gwsync_lease_vmfork(struct notifier_block *nb, unsigned long event, void *ptr)
{
	gwsync_lease_end_all();
	gwsync_lease_resumed();
	return NOTIFY_DONE;
}

static struct notifier_block gwsync_lease_vmfork_nb = {
	.notifier_call = gwsync_lease_vmfork,
};

void gwsync_lease_net_init(struct gwsync_net *gn)
{
	INIT_LIST_HEAD(&gn->lease.devs);
	INIT_DELAYED_WORK(&gn->lease.work, gwsync_lease_work);
}

/* The core waits for packets that are in the hooks: they use what exit frees. */
void gwsync_lease_net_pre_exit(struct gwsync_net *gn)
{
	struct gwsync_leased *leased, *next;

	rtnl_lock();
	list_for_each_entry_safe(leased, next, &gn->lease.devs, list) {
		list_del(&leased->list);
		gwsync_leased_free(leased, ARRAY_SIZE(leased->ops));
	}
	rtnl_unlock();
}

/* Here and not before: until now gwsync_lease_end_all() could find the netns. */
void gwsync_lease_net_exit(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->lease.work);
}

/* Needs the state of the netns. */
int gwsync_lease_init(void)
{
	int err;

	err = register_netdevice_notifier(&gwsync_lease_netdev_nb);
	if (err)
		return err;
	err = register_pm_notifier(&gwsync_lease_pm_nb);
	if (err)
		goto err_netdev;
	err = register_random_vmfork_notifier(&gwsync_lease_vmfork_nb);
	if (err)
		goto err_pm;
	return 0;

err_pm:
	unregister_pm_notifier(&gwsync_lease_pm_nb);
err_netdev:
	unregister_netdevice_notifier(&gwsync_lease_netdev_nb);
	return err;
}

/* No command can come any more; the notifier says farewell to each interface. */
void gwsync_lease_exit(void)
{
	unregister_random_vmfork_notifier(&gwsync_lease_vmfork_nb);
	unregister_pm_notifier(&gwsync_lease_pm_nb);
	unregister_netdevice_notifier(&gwsync_lease_netdev_nb);
}

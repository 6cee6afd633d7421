// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers, which come and go with their modules.
 *
 * A replica whose helper is not loaded is installed without one, and no record comes
 * when that changes.  After a module was loaded each class that has such a replica is
 * therefore called different once, and repaired: its records bring the helper, and
 * what it expects, if this was its module.
 */
#include <linux/module.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "flow.h"
#include "gwsync.h"
#include "helper.h"
#include "owner.h"
#include "sum.h"

static atomic_t gwsync_helper_loads;

static int gwsync_helper_notify(struct notifier_block *nb, unsigned long state, void *module)
{
	if (state == MODULE_STATE_LIVE)
		atomic_inc(&gwsync_helper_loads);
	return NOTIFY_DONE;
}

static struct notifier_block gwsync_helper_notifier = {
	.notifier_call = gwsync_helper_notify,
};

/**
 * gwsync_helper_init - hear of modules that are loaded
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int gwsync_helper_init(void)
{
	return register_module_notifier(&gwsync_helper_notifier);
}

/**
 * gwsync_helper_exit - hear of them no more
 *
 * Context: process.
 */
void gwsync_helper_exit(void)
{
	unregister_module_notifier(&gwsync_helper_notifier);
}

/**
 * gwsync_helper_find - the helper that a record names
 * @name: its name
 * @l3num: family of the flow that it is for
 * @proto: protocol of that flow
 *
 * That of H.245, which only expectations hand out, is registered for no family and
 * for UDP, and looks at TCP.
 *
 * Context: any, under RCU.
 * Return: NULL when it is not loaded here.
 */
struct nf_conntrack_helper *gwsync_helper_find(const char *name, u16 l3num, u8 proto)
{
	struct nf_conntrack_helper *helper = __nf_conntrack_helper_find(name, l3num, proto);

	if (helper || proto != IPPROTO_TCP)
		return helper;
	helper = __nf_conntrack_helper_find(name, l3num, IPPROTO_UDP);
	return helper && helper->tuple.src.l3num == AF_UNSPEC ? helper : NULL;
}

/**
 * gwsync_helper_look_begin - a pass over replicas begins
 * @gn: state of the netns
 *
 * Context: process, the worker.
 */
void gwsync_helper_look_begin(struct gwsync_net *gn)
{
	int loads = atomic_read(&gwsync_helper_loads);

	gn->helper.look = loads != gn->helper.loads;
	gn->helper.loads = loads;
}

/**
 * gwsync_helper_is_missing - may a replica get a helper that it lacks?
 * @gn: state of the netns
 * @ct: a replica
 *
 * Context: process, the worker.
 */
bool gwsync_helper_is_missing(const struct gwsync_net *gn, const struct nf_conn *ct)
{
	const struct nf_conn_help *help;

	/* The bit is the record's: a rule gave the flow a helper. */
	if (!gn->helper.look || !test_bit(IPS_HELPER_BIT, &ct->status))
		return false;
	help = nfct_help(ct);
	return !help || !rcu_access_pointer(help->helper);
}

/**
 * gwsync_helper_look - does a replica lack a helper that may be loaded by now?
 * @gn: state of the netns
 * @ct: a replica
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_helper_look(struct gwsync_net *gn, struct nf_conn *ct)
{
	if (!gwsync_helper_is_missing(gn, ct))
		return;
	mutex_lock(&gn->replica_lock);
	if (!gwsync_flow_is_own(gn, ct)) {
		gwsync_sum_spoil(gn, ct);
		gwsync_stat_inc(gn, GWSYNC_STAT_A_SPOILED);
	}
	mutex_unlock(&gn->replica_lock);
}

// SPDX-License-Identifier: GPL-2.0
/* The kernel half comes and goes: attach, configure, wait for its return. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "group.h"
#include "log.h"
#include "sync.h"

#define ATTACH_RETRY_NS		(1 * NSEC_PER_SEC)
#define ATTACH_FILTER_NS	(1 * NSEC_PER_SEC)	/* addresses come in flocks */

static bool attach_delta(void *arg, uint64_t set, uint32_t walk_id,
			 const void *records, size_t len)
{
	return sync_delta(arg, set, walk_id, records, len);
}

static void attach_event(void *arg, const struct kernel_event *event)
{
	sync_event(arg, event);
}

static void attach_gone(void *arg, int err)
{
	struct group *g = arg;
	struct sync *s = &g->sync;

	log_error("kernel half is gone: %s; trying again every second", strerror(-err));
	kernel_close(s->kernel);
	s->kernel = NULL;
	s->refused = 0;		/* the next one counts from the start */
	s->mapped = 0;
	s->active = false;
	/* A backup in sync remains so for as long as it takes to hand over to it:
	 * sync_check_unable() ends that.
	 */
	if (g->member.state == MEMBER_OWNER)
		s->served &= ~(s->waiting | s->walking);
	else
		s->served = 0;
	s->gone_ns = loop_clock();
	s->waiting = 0;
	s->walking = 0;
	s->end_pending = false;
	loop_timer_del(g->loop, &s->walk_timer);
	loop_timer_in(g->loop, &s->attach_timer, ATTACH_RETRY_NS);
	if (g->member.state != MEMBER_OWNER) {
		sync_restart(g, 0);
		member_set_in_sync(&g->member, loop_clock(), false);
	}
	group_check_health(g);
}

/* The kernel half may know a newer epoch than a daemon that just started. */
static uint32_t attach_epoch(struct group *g, uint64_t *replicas, bool *active)
{
	json_t *state = kernel_state_json(g->sync.kernel);
	uint32_t epoch = g->member.epoch;
	json_int_t known;

	if (!state)
		return epoch;
	known = json_integer_value(json_object_get(state, "epoch"));
	if (known > epoch && known <= UINT32_MAX)
		epoch = (uint32_t)known;
	*replicas = (uint64_t)json_integer_value(json_object_get(state, "replicas"));
	*active = json_is_true(json_object_get(state, "active"));
	json_decref(state);
	return epoch;
}

/* The host's own addresses are left out, whatever they are now. */
static void attach_filter(struct group *g)
{
	struct config_filter *filter = &g->sync.config->filter;
	unsigned int most;

	*filter = g->config->filter;
	if (!filter->own_addresses)
		return;
	most = GWSYNC_FILTER_MAX - filter->prefixes;
	filter->prefixes += vrouters_own_addresses(g->vrouters,
						   filter->prefix + filter->prefixes, most);
}

static int attach_configure(struct group *g)
{
	attach_filter(g);
	return kernel_configure(g->sync.kernel, g->sync.config, g->sync.batch_bytes);
}

static void attach_filter_again(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, sync.filter_timer);
	struct gwsync_filter_prefix before[GWSYNC_FILTER_MAX];
	struct config_filter *filter;
	unsigned int count;

	if (!g->sync.kernel)
		return;
	/* All else in the filter is the configuration's, which is constant. */
	filter = &g->sync.config->filter;
	count = filter->prefixes;
	memcpy(before, filter->prefix, count * sizeof(*before));
	attach_filter(g);
	if (count == filter->prefixes && !memcmp(before, filter->prefix, count * sizeof(*before)))
		return;
	log_info("own addresses have changed: filter set anew");
	kernel_configure(g->sync.kernel, g->sync.config, g->sync.batch_bytes);
}

static void attach_addresses(void *arg)
{
	struct group *g = arg;

	if (g->config->filter.own_addresses && !g->sync.filter_timer.due_ns)
		loop_timer_in(g->loop, &g->sync.filter_timer, ATTACH_FILTER_NS);
}

static int attach_try(struct group *g)
{
	struct kernel_callbacks cb = {
		.delta = attach_delta, .event = attach_event, .gone = attach_gone, .arg = g,
	};
	struct sync *s = &g->sync;
	uint64_t replicas = 0;
	bool active = false;
	uint32_t epoch;
	int err = 0;

	s->kernel = kernel_open(g->loop, &cb, &err);
	if (!s->kernel)
		return err;
	epoch = attach_epoch(g, &replicas, &active);
	err = kernel_attach(s->kernel, g->config->member, epoch, &s->boot_id);
	if (err)
		goto close_kernel;
	err = attach_configure(g);
	if (err)
		goto close_kernel;

	if (!g->started)
		g->member.epoch = epoch;
	else if (g->member.max_epoch < epoch)
		g->member.max_epoch = epoch;
	s->former = true;
	s->owned = active;
	/* Of whomever an earlier daemon followed, by whatever name of its own: members
	 * may have gone or changed their ids, and a full sync may have been broken off.
	 */
	s->foreign = ~1ULL;
	s->mapped = ~0ULL;	/* unknown */
	sync_map(g);
	log_notice("kernel half attached, epoch %u, %llu replicas", epoch,
		   (unsigned long long)replicas);
	return 0;

close_kernel:
	kernel_close(s->kernel);
	s->kernel = NULL;
	return err;
}

static void attach_again(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, sync.attach_timer);
	struct sync *s = &g->sync;
	int err = attach_try(g);

	if (err) {
		if (!s->complained)
			log_error("kernel half: %s; trying again every second",
				  err == -ENOENT ? "module gwsync is not loaded" :
						   strerror(-err));
		s->complained = true;
		loop_timer_in(g->loop, timer, ATTACH_RETRY_NS);
		return;
	}
	s->complained = false;
	if (!g->started)
		return;
	if (g->member.state == MEMBER_OWNER)
		member_renew(&g->member, loop_clock());
	else
		sync_restart(g, 0);
	group_check_health(g);
}

int sync_init(struct group *g)
{
	struct sync *s = &g->sync;

	sync_timers(g);
	s->attach_timer.fire = attach_again;
	seal_random(&s->last_walk, sizeof(s->last_walk));
	if (!g->config->sync_state) {
		log_warning("sync_state is false: addresses move, connections do not");
		return 0;
	}
	s->config = malloc(sizeof(*s->config));
	if (!s->config)
		return -ENOMEM;
	*s->config = *g->config;
	explicit_bzero(s->config->key, sizeof(s->config->key));
	s->filter_timer.fire = attach_filter_again;
	vrouters_watch_addresses(g->vrouters, attach_addresses, g);
	attach_again(&s->attach_timer);
	return 0;
}

void sync_exit(struct group *g)
{
	struct sync *s = &g->sync;

	loop_timer_del(g->loop, &s->attach_timer);
	loop_timer_del(g->loop, &s->filter_timer);
	loop_timer_del(g->loop, &s->request_timer);
	loop_timer_del(g->loop, &s->walk_timer);
	repair_stop(g);
	kernel_close(s->kernel);
	free(s->config);
}

void sync_link_changed(struct group *g)
{
	size_t fits = frame_records_max(links_mtu(g->links));
	struct sync *s = &g->sync;

	if (fits > s->batch_most)
		fits = s->batch_most;
	if (fits == s->batch_bytes)
		return;
	s->batch_bytes = fits;
	if (s->kernel)
		attach_configure(g);
}

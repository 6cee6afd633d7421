// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "flow/attach.h"

#define ATTACH_RETRY_NS		(1 * NSEC_PER_SEC)
#define ATTACH_FILTER_NS	(1 * NSEC_PER_SEC)	/* addresses come in flocks */

/* The table of flows: each operation is a command of the kernel half. */

static struct kernel *kernel_of(void *of)
{
	return ((struct attach *)of)->kernel;
}

static int flows_map(void *of, const uint64_t map[GWSYNC_BUCKETS])
{
	return kernel_set_map(kernel_of(of), map);
}

static int flows_walk(void *of, uint64_t set, uint32_t walk_id)
{
	return kernel_walk(kernel_of(of), set, walk_id);
}

static int flows_pace(void *of, uint32_t rate)
{
	struct attach *a = of;

	a->filled->walk_rate = rate;
	return kernel_configure(a->kernel, a->filled, a->batch_bytes);
}

static int flows_repair(void *of, const uint64_t *classes)
{
	return kernel_repair(kernel_of(of), classes);
}

static int flows_activate(void *of, uint64_t owners, uint32_t epoch)
{
	return kernel_activate(kernel_of(of), owners, epoch);
}

static int flows_deactivate(void *of, uint8_t owner, uint32_t epoch)
{
	return kernel_deactivate(kernel_of(of), owner, epoch);
}

static int flows_apply(void *of, uint8_t owner, uint32_t epoch, const void *records, size_t len)
{
	return kernel_apply(kernel_of(of), owner, epoch, records, len);
}

static uint64_t flows_apply_errors(void *of)
{
	return kernel_apply_errors(kernel_of(of));
}

static int flows_begin(void *of, uint8_t owner, uint32_t epoch)
{
	return kernel_sync_begin(kernel_of(of), owner, epoch);
}

static int flows_end(void *of, uint8_t owner, uint32_t epoch)
{
	return kernel_sync_end(kernel_of(of), owner, epoch);
}

static int flows_missed(void *of)
{
	return kernel_missed(kernel_of(of));
}

static int flows_differ(void *of, uint64_t classes[GWSYNC_BUCKETS])
{
	return kernel_differing(kernel_of(of), classes);
}

static int flows_purge(void *of, uint8_t owner)
{
	return kernel_purge(kernel_of(of), owner);
}

static uint64_t flows_refused(void *of, uint64_t *unread)
{
	return kernel_records_refused(kernel_of(of), unread);
}

static json_t *flows_json(const struct table *table)
{
	const struct attach *a = container_of(table, struct attach, table);
	json_t *state = a->kernel ? kernel_state_json(a->kernel) : NULL, *json;

	if (!state)
		return NULL;
	json = json_pack("{s:O, s:O}", "own", json_object_get(state, "flows"),
			 "replicas", json_object_get(state, "replicas"));
	json_decref(state);
	return json;
}

static void flows_resume(void *of)
{
	kernel_resume(kernel_of(of));
}

static const struct table_ops flows = {
	.map = flows_map, .walk = flows_walk, .pace = flows_pace, .repair = flows_repair,
	.activate = flows_activate, .deactivate = flows_deactivate, .resume = flows_resume,
	.apply = flows_apply, .apply_errors = flows_apply_errors,
	.begin = flows_begin, .end = flows_end, .missed = flows_missed,
	.differ = flows_differ, .purge = flows_purge, .refused = flows_refused,
};

/* From the kernel link. */

static bool attach_delta(void *arg, uint64_t set, uint32_t walk_id,
			 const void *records, size_t len)
{
	struct attach *a = arg;

	return a->ops.delta(a->ops.arg, set, walk_id, records, len);
}

static void attach_event(void *arg, const struct kernel_event *event)
{
	struct attach *a = arg;

	a->ops.event(a->ops.arg, event);
}

static void attach_set(struct attach *a, struct kernel *kernel)
{
	a->kernel = kernel;
	a->table.of = kernel ? a : NULL;
}

static void attach_gone(void *arg, int err)
{
	struct attach *a = arg;

	log_error("kernel half is gone: %s; trying again every second", strerror(-err));
	kernel_close(a->kernel);
	attach_set(a, NULL);
	loop_timer_in(a->loop, &a->timer, ATTACH_RETRY_NS);
	a->ops.gone(a->ops.arg);
}

/* The kernel half may know a newer epoch than a daemon that just started. */
static uint32_t attach_epoch(const struct attach *a, struct kernel *kernel, uint64_t *replicas,
			     bool *owned)
{
	json_t *state = kernel_state_json(kernel);
	uint32_t epoch = a->ops.epoch(a->ops.arg);
	json_int_t known;

	if (!state)
		return epoch;
	known = json_integer_value(json_object_get(state, "epoch"));
	if (known > epoch && known <= UINT32_MAX)
		epoch = (uint32_t)known;
	*replicas = (uint64_t)json_integer_value(json_object_get(state, "replicas"));
	/* Or it was, until its agent hung, or died. */
	*owned = json_is_true(json_object_get(state, "active")) ||
		 json_integer_value(json_object_get(state, "lease")) == GWSYNC_LEASE_LAPSED;
	json_decref(state);
	return epoch;
}

/* The host's own addresses are left out, whatever they are now. */
static void attach_filter(struct attach *a)
{
	struct config_filter *filter = &a->filled->filter;

	*filter = a->config->filter;
	if (!filter->own_addresses)
		return;
	filter->prefixes += a->ops.own_addresses(a->ops.arg, filter->prefix + filter->prefixes,
						 GWSYNC_FILTER_MAX - filter->prefixes);
}

static int attach_configure(struct attach *a, struct kernel *kernel)
{
	attach_filter(a);
	return kernel_configure(kernel, a->filled, a->batch_bytes);
}

static void attach_filter_again(struct loop_timer *timer)
{
	struct attach *a = container_of(timer, struct attach, filter_timer);
	struct gwsync_filter_prefix before[GWSYNC_FILTER_MAX];
	struct config_filter *filter;
	unsigned int count;

	if (!a->kernel)
		return;
	/* All else in the filter is the configuration's, which is constant. */
	filter = &a->filled->filter;
	count = filter->prefixes;
	memcpy(before, filter->prefix, count * sizeof(*before));
	attach_filter(a);
	if (count == filter->prefixes && !memcmp(before, filter->prefix, count * sizeof(*before)))
		return;
	log_info("own addresses have changed: filter set anew");
	kernel_configure(a->kernel, a->filled, a->batch_bytes);
}

void attach_addresses_changed(struct attach *a)
{
	if (a->config->filter.own_addresses && !a->filter_timer.due_ns)
		loop_timer_in(a->loop, &a->filter_timer, ATTACH_FILTER_NS);
}

static int attach_try(struct attach *a, uint32_t *epoch)
{
	struct kernel_callbacks cb = {
		.delta = attach_delta, .event = attach_event, .gone = attach_gone, .arg = a,
	};
	struct kernel *kernel;
	uint64_t replicas = 0;
	bool owned = false;
	int err = 0;

	/* Who removes the module while the daemon runs wants it to be gone. */
	kernel = kernel_open(a->loop, &cb, !a->asked, &err);
	a->asked = true;
	if (!kernel)
		return err;
	*epoch = attach_epoch(a, kernel, &replicas, &owned);
	err = kernel_attach(kernel, a->config, *epoch, &a->boot_id);
	if (!err)
		err = attach_configure(a, kernel);
	if (err) {
		kernel_close(kernel);
		return err;
	}
	attach_set(a, kernel);
	a->owned = owned;
	log_notice("kernel half attached, epoch %u, %llu replicas", *epoch,
		   (unsigned long long)replicas);
	return 0;
}

static void attach_again(struct loop_timer *timer)
{
	struct attach *a = container_of(timer, struct attach, timer);
	uint32_t epoch = 0;
	int err = attach_try(a, &epoch);

	if (err) {
		if (!a->complained)
			log_error("kernel half: %s; trying again every second",
				  err == -ENOENT ? "module gwsync is not loaded" :
						   strerror(-err));
		a->complained = true;
		loop_timer_in(a->loop, timer, ATTACH_RETRY_NS);
		return;
	}
	a->complained = false;
	a->ops.here(a->ops.arg, epoch);
}

void attach_init(struct attach *a, struct loop *loop, const struct config *config,
		 size_t batch_bytes, const struct attach_ops *ops)
{
	a->loop = loop;
	a->config = config;
	a->ops = *ops;
	a->table.ops = &flows;
	a->table.id = FRAME_TABLE_FLOWS;
	a->table.name = "flows";
	a->table.prefix = "";
	a->table.refuser = "kernel: ";
	a->table.classes = GWSYNC_CLASSES;
	a->table.json = flows_json;
	a->batch_most = batch_bytes;
	a->batch_bytes = batch_bytes;
	a->timer.fire = attach_again;
	a->filter_timer.fire = attach_filter_again;
}

int attach_start(struct attach *a)
{
	a->filled = malloc(sizeof(*a->filled));
	if (!a->filled)
		return -ENOMEM;
	*a->filled = *a->config;
	explicit_bzero(a->filled->key, sizeof(a->filled->key));
	attach_again(&a->timer);
	return 0;
}

void attach_exit(struct attach *a)
{
	if (!a->loop)
		return;
	loop_timer_del(a->loop, &a->timer);
	loop_timer_del(a->loop, &a->filter_timer);
	kernel_close(a->kernel);
	attach_set(a, NULL);
	free(a->filled);
}

void attach_set_batch(struct attach *a, size_t bytes)
{
	if (bytes > a->batch_most)
		bytes = a->batch_most;
	if (bytes == a->batch_bytes)
		return;
	a->batch_bytes = bytes;
	if (a->kernel)
		attach_configure(a, a->kernel);
}

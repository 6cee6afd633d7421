// SPDX-License-Identifier: GPL-2.0
#include "base/container.h"
#include "table/stored.h"

#define STORED_BURST	16			/* frames of one turn: others wait too */
#define STORED_GATHER_NS	(2 * NSEC_PER_MSEC)	/* changes of one entry are one record */
#define STORED_LATER_NS	(5 * NSEC_PER_MSEC)	/* a walk has its pace, or there is no room */

static struct loop *loop_of(const struct stored *s)
{
	return s->publish->home->loop;
}

/* Return: false if there is no more, or no room for it. */
static bool stored_push(struct stored *s)
{
	struct stream *stream = s->publish->home->stream;
	struct store_batch batch = { 0 };
	uint8_t records[FRAME_RECORDS_MAX];
	size_t room, len;

	if (transmit_full(stream->transmit))
		return false;
	/* Links may carry more than when the ring was made. */
	room = frame_records_max(stream->mtu);
	if (room > transmit_records_max(stream->transmit))
		room = transmit_records_max(stream->transmit);
	len = store_emit(s->store, loop_clock(), &batch, records, room);
	if (len)
		publish_delta(s->publish, batch.set, batch.walk_id, records, len);
	if (batch.walked)
		publish_walked(s->publish, batch.walk_id, batch.count);
	return len || batch.walked;
}

static void stored_pump(struct loop_timer *timer)
{
	struct stored *s = container_of(timer, struct stored, pump);
	unsigned int burst = STORED_BURST;

	while (stored_push(s))
		if (!--burst) {
			loop_timer_in(loop_of(s), timer, 0);
			return;
		}
	if (store_pending(s->store))
		loop_timer_in(loop_of(s), timer, STORED_LATER_NS);
}

void stored_ready(void *arg)
{
	struct stored *s = arg;

	if (s->publish && !s->pump.due_ns)
		loop_timer_in(loop_of(s), &s->pump, STORED_GATHER_NS);
}

void stored_swept(void *arg, uint8_t owner, uint32_t count)
{
	struct stored *s = arg;

	if (s->replicate)
		replicate_swept(s->replicate, owner, count);
}

void stored_compared(void *arg, uint8_t owner, uint32_t differing)
{
	struct stored *s = arg;

	if (s->replicate)
		replicate_compared(s->replicate, owner, differing);
}

json_t *stored_page(const struct stored *s, uint32_t *cursor, unsigned int most)
{
	json_t *some = json_array();
	struct store_item item;

	while (most-- && store_each(s->store, cursor, &item))
		json_array_append_new(some, s->ops.item_json(s->ops.arg, &item));
	return some;
}

static void stored_round(struct loop_timer *timer)
{
	struct stored *s = container_of(timer, struct stored, round);

	loop_timer_in(loop_of(s), timer, s->publish->home->config->digest_ms * NSEC_PER_MSEC);
	if (!store_active(s->store) || !s->publish->served)
		return;
	store_repair(s->store, NULL);
	stored_ready(s);
}

/* The operations of a table; a bucket is 64 classes there and here. */

_Static_assert(STORE_BUCKETS <= GWSYNC_BUCKETS && ENTRY_CLASSES == 64, "classes");

static int stored_map(void *of, const uint64_t map[GWSYNC_BUCKETS])
{
	struct stored *s = of;

	store_map(s->store, map[0]);	/* the same for all buckets */
	return 0;
}

static int stored_walk(void *of, uint64_t set, uint32_t walk_id)
{
	struct stored *s = of;

	store_walk(s->store, set, walk_id);
	stored_ready(s);
	return 0;
}

static int stored_pace(void *of, uint32_t rate)
{
	struct stored *s = of;

	store_pace(s->store, rate);
	return 0;
}

static int stored_repair(void *of, const uint64_t *classes)
{
	struct stored *s = of;

	store_repair(s->store, classes);
	stored_ready(s);
	return 0;
}

static int stored_activate(void *of, uint64_t owners, uint32_t epoch)
{
	struct stored *s = of;

	s->ops.activate(s->ops.arg, owners, epoch);
	return 0;
}

static int stored_deactivate(void *of, uint8_t owner, uint32_t epoch)
{
	struct stored *s = of;

	s->ops.deactivate(s->ops.arg, owner, epoch);
	return 0;
}

static void stored_drain(void *of)
{
	struct stored *s = of;

	while (s->publish && stored_push(s))
		;
}

static int stored_apply(void *of, uint8_t owner, uint32_t epoch, const void *records, size_t len)
{
	struct stored *s = of;

	return store_apply(s->store, owner, epoch, records, len);
}

/* Refusals are known at once: stored_apply() says them. */
static uint64_t stored_apply_errors(void *of)
{
	(void)of;
	return 0;
}

static int stored_begin(void *of, uint8_t owner, uint32_t epoch)
{
	struct stored *s = of;

	(void)owner;
	(void)epoch;
	return store_begin(s->store);
}

static int stored_end(void *of, uint8_t owner, uint32_t epoch)
{
	struct stored *s = of;

	(void)epoch;
	return store_end(s->store, owner);
}

static int stored_missed(void *of)
{
	struct stored *s = of;

	store_missed(s->store);
	return 0;
}

static int stored_differ(void *of, uint64_t classes[GWSYNC_BUCKETS])
{
	struct stored *s = of;
	unsigned int i;

	store_differ(s->store, classes);
	for (i = STORE_BUCKETS; i < GWSYNC_BUCKETS; i++)
		classes[i] = 0;
	return 0;
}

static int stored_purge(void *of, uint8_t owner)
{
	struct stored *s = of;

	store_purge(s->store, owner);
	return 0;
}

static uint64_t stored_refused(void *of, uint64_t *unread)
{
	struct store_counts counts;
	struct stored *s = of;

	store_counts(s->store, &counts);
	*unread = counts.unread;
	return counts.full + counts.broken + counts.invalid + counts.unread;
}

static const struct table_ops stored_table = {
	.map = stored_map, .walk = stored_walk, .pace = stored_pace, .repair = stored_repair,
	.activate = stored_activate, .deactivate = stored_deactivate,
	.resume = stored_ready, .drain = stored_drain,
	.apply = stored_apply, .apply_errors = stored_apply_errors,
	.begin = stored_begin, .end = stored_end, .missed = stored_missed,
	.differ = stored_differ, .purge = stored_purge, .refused = stored_refused,
};

static json_t *stored_json(const struct table *table)
{
	const struct stored *s = container_of(table, struct stored, table);

	return s->ops.json(s->ops.arg);
}

void stored_init(struct stored *s, struct store *store, enum frame_table id, const char *name,
		 const char *prefix, const struct stored_ops *ops)
{
	s->store = store;
	s->ops = *ops;
	s->table = (struct table){
		.ops = &stored_table, .of = s, .id = id, .name = name, .prefix = prefix,
		.refuser = prefix, .classes = STORE_CLASSES, .json = stored_json,
	};
	s->pump.fire = stored_pump;
	s->round.fire = stored_round;
}

void stored_start(struct stored *s, struct publish *publish, struct replicate *replicate)
{
	s->publish = publish;
	s->replicate = replicate;
	publish_attached(publish);
	if (publish->home->config->digest_ms)
		loop_timer_in(loop_of(s), &s->round,
			      publish->home->config->digest_ms * NSEC_PER_MSEC);
}

void stored_stop(struct stored *s)
{
	if (!s->publish)
		return;
	loop_timer_del(loop_of(s), &s->pump);
	loop_timer_del(loop_of(s), &s->round);
	s->publish = NULL;
	s->replicate = NULL;
}

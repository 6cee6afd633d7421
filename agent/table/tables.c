// SPDX-License-Identifier: GPL-2.0
#include "base/log.h"
#include "table/tables.h"

/* For what is not flows, of a new owner.  Shorter than an owner that is to end waits for an
 * heir: one that has all flows must not be too late by this.
 */
#define TABLES_WAIT_NS	(2 * NSEC_PER_SEC)

static bool tables_others_in_sync(const struct tables *t)
{
	unsigned int i;

	for (i = 1; i < t->count; i++)
		if (!t->halves[i].replicate.in_sync)
			return false;
	return true;
}

/* In sync is who has the flows.  What else there is gets a while to come along; where it
 * does not, or no longer, its loss is small, and this member is still the heir: a host in
 * the LAN that fills a table, or a member that does not read it, must not end that.
 */
static bool tables_are_in_sync(struct tables *t, uint64_t now_ns)
{
	if (!t->halves[0].replicate.in_sync)
		return false;
	if (!t->flows_ns)
		t->flows_ns = now_ns;
	if (t->waited)
		return true;
	t->waited = tables_others_in_sync(t);
	if (t->waited || elapsed_ns(now_ns, t->flows_ns) < TABLES_WAIT_NS)
		return t->waited;
	log_warning("in sync with %s as to flows, but not to all else: that is not waited for any longer",
		    config_member_name(t->config, t->member->owner));
	t->waited = true;
	return true;
}

static void tables_judged(void *arg, uint64_t now_ns)
{
	struct tables *t = arg;

	member_set_in_sync(t->member, now_ns, tables_are_in_sync(t, now_ns));
	if (!t->config->sync_state)
		return;
	if (!t->in_sync_ns || t->was_in_sync != t->member->in_sync) {
		t->was_in_sync = t->member->in_sync;
		t->in_sync_ns = now_ns;
	}
}

struct table_halves *tables_add(struct tables *t, const struct table *table)
{
	struct table_halves *halves = &t->halves[t->count++];

	halves->home = (struct table_home){
		.loop = t->loop, .config = t->config, .member = t->member, .peers = t->peers,
		.stream = t->stream, .table = table, .judged = tables_judged, .arg = t,
	};
	publish_init(&halves->publish, &halves->home);
	replicate_init(&halves->replicate, &halves->home);
	t->by_id[table->id] = halves;
	return halves;
}

void tables_exit(struct tables *t)
{
	while (t->count) {
		struct table_halves *halves = &t->halves[--t->count];

		publish_exit(&halves->publish);
		replicate_exit(&halves->replicate);
	}
}

uint8_t tables_known(const struct tables *t)
{
	unsigned int known = 0, i;

	for (i = 0; i < t->count; i++)
		known |= 1U << t->halves[i].home.table->id;
	return (uint8_t)known;
}

void tables_served(const struct tables *t, uint64_t served[FRAME_TABLES_MAX])
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		served[t->halves[i].home.table->id] = t->halves[i].publish.served;
}

void tables_resume(struct tables *t)
{
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		const struct table *table = t->halves[i].home.table;

		if (table_is_there(table) && table->ops->resume)
			table->ops->resume(table->of);
	}
}

void tables_drain(struct tables *t)
{
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		const struct table *table = t->halves[i].home.table;

		if (table_is_there(table) && table->ops->drain)
			table->ops->drain(table->of);
	}
}

void tables_acquire(struct tables *t, uint64_t owners, uint32_t epoch)
{
	unsigned int i;

	t->in_sync_ns = 0;
	for (i = 0; i < t->count; i++) {
		replicate_acquire(&t->halves[i].replicate);
		if (publish_acquire(&t->halves[i].publish, owners, epoch))
			replicate_activated(&t->halves[i].replicate, owners);
	}
}

void tables_release(struct tables *t, uint8_t owner, uint32_t epoch)
{
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		publish_release(&t->halves[i].publish);
		replicate_release(&t->halves[i].replicate, owner, epoch);
	}
}

void tables_follow(struct tables *t, uint8_t owner, uint32_t epoch)
{
	const struct replicate *flows = &t->halves[0].replicate;
	unsigned int i;

	/* The same after a silence: what was not worth waiting for still is not. */
	if (flows->owner != owner || flows->epoch != epoch) {
		t->flows_ns = 0;
		t->waited = false;
	}
	for (i = 0; i < t->count; i++)
		replicate_follow(&t->halves[i].replicate, owner, epoch);
}

void tables_close(struct tables *t, bool closed)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		publish_close(&t->halves[i].publish, closed);
}

bool tables_yield(struct tables *t, uint8_t owner, uint32_t epoch)
{
	bool taken = true;
	unsigned int i;

	for (i = 0; i < t->count; i++)
		if (!replicate_yield(&t->halves[i].replicate, owner, epoch) &&
		    t->halves[i].home.table->id == FRAME_TABLE_FLOWS)
			taken = false;
	return taken;
}

void tables_session(struct tables *t, const struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		publish_session(&t->halves[i].publish, peer);
		replicate_session(&t->halves[i].replicate, peer);
	}
}

void tables_dead(struct tables *t, const struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		publish_dead(&t->halves[i].publish, peer);
}

void tables_in_sync(struct tables *t, const struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		publish_in_sync(&t->halves[i].publish, peer);
}

void tables_requested(struct tables *t, const struct peer *peer,
		      const struct frame_sync_request *request)
{
	if (t->by_id[request->table])
		publish_requested(&t->by_id[request->table]->publish, peer, request);
}

bool tables_repair_requested(struct tables *t, const struct peer *peer,
			     const struct frame_repair_request *request)
{
	return t->by_id[request->table] &&
	       publish_repair_requested(&t->by_id[request->table]->publish, peer, request);
}

void tables_deliver(struct tables *t, const struct peer *peer, const struct frame_data *data)
{
	if (t->by_id[data->table])
		replicate_deliver(&t->by_id[data->table]->replicate, peer, data);
	else
		t->skipped++;
}

/* Of which table they were nobody knows. */
void tables_lost(struct tables *t, const struct peer *peer, uint64_t first, uint64_t next)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		replicate_lost(&t->halves[i].replicate, peer, first, next);
}

/* Backups that could go on in this owner's place. */
static uint64_t tables_good(const struct tables *t)
{
	uint64_t good = 0;
	unsigned int i;

	for (i = 0; i < t->peers->count; i++)
		if (member_holds_state(t->member, t->peers->peer[i].id))
			good |= t->peers->peer[i].bit;
	return good;
}

/* When its session began nobody knew what it can read, and it would wait for frames that it
 * refuses until the ring has gone round.  Its full sync is still to come: nothing else of
 * what is passed over is missed.
 */
static void tables_pass_over(const struct tables *t, const struct peer *peer)
{
	struct frame frame = { .head.type = FRAME_GONE };

	if (!t->member->peer[peer->id].alive ||
	    transmit_acked(t->stream->transmit, peer->id) >= t->unread[peer->id])
		return;
	frame.gone.next = t->unread[peer->id] + 1;
	speaker_tell(t->stream->speaker, peer->id, &frame);
}

/* While one of these is about nothing but flows is in the stream: see table_may_send(). */
static void tables_check_unknowing(struct tables *t)
{
	uint64_t unknowing = 0, news;
	unsigned int i;

	for (i = 0; i < t->peers->count; i++) {
		const struct peer *peer = &t->peers->peer[i];

		if (table_may_send(&t->halves[t->count - 1].home, peer))
			continue;
		unknowing |= peer->bit;
		if (!(t->unknowing & peer->bit))
			t->unread[peer->id] = transmit_pushed(t->stream->transmit);
		tables_pass_over(t, peer);
	}
	news = unknowing & ~t->unknowing;
	t->unknowing = unknowing;
	if (news)
		log_warning("%s is of a version that knows flows alone: nothing else is replicated meanwhile",
			    config_member_name(t->config, (uint8_t)__builtin_ctzll(news)));
}

void tables_check(struct tables *t, uint64_t now_ns)
{
	uint64_t behind;
	unsigned int i;

	tables_check_unknowing(t);
	behind = transmit_behind(t->stream->transmit, now_ns, t->member->params.heartbeat_ns);
	behind |= transmit_slow(t->stream->transmit, now_ns, tables_good(t));
	for (i = 0; i < t->count; i++) {
		publish_check(&t->halves[i].publish, now_ns, behind);
		replicate_check(&t->halves[i].replicate, now_ns);
	}
}

void tables_judge(struct tables *t, uint64_t now_ns)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		replicate_judge(&t->halves[i].replicate, now_ns);
}

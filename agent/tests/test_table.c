// SPDX-License-Identifier: GPL-2.0
/* Both halves of a table.  A backup and the owner's state: when is it in sync?  Digests
 * that do not come, records that cannot be read, and what the status tells of repairs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "ignored.h"
#include "pattern.h"
#include "table/stored.h"
#include "table/tables.h"

#define SELF	2
#define OWNER	SENDER
#define EPOCH	5
#define WALK	7
#define ROUND_MS	10000
#define STREAM_RECORDS	512	/* bytes; the links carry more */

static struct config config;
static struct member member;
static struct peers peers;
static struct peer *peer;
static struct speaker speaker;
static struct stream stream;
static struct tables tables;
static struct publish *publish;
static struct replicate *replicate;
static uint64_t now_ns;
static uint64_t refused, unreadable;		/* counters of the kernel half */
static uint64_t purged;				/* owners */
static uint32_t its_epoch;			/* the owner's */
static uint64_t passed_over;			/* of the stream, for it */
static unsigned int rounds;			/* of digests that it was made to send */
static unsigned int swept, asked_digests, asked_repairs, asked_full;

/* Time is ours. */

uint64_t loop_clock(void) { return now_ns; }
uint64_t loop_now(const struct loop *loop) { (void)loop; return now_ns; }

void loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	(void)loop;
	timer->due_ns = due_ns;
}

void loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	loop_timer_at(loop, timer, now_ns + delay_ns);
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	timer->due_ns = 0;
}

/* The rest of the daemon. */

void speaker_tell(struct speaker *speaker, uint8_t member, struct frame *frame)
{
	(void)speaker;
	(void)member;
	if (frame->head.type == FRAME_GONE)
		passed_over = frame->gone.next;
	else if (frame->head.type == FRAME_SYNC_REQUEST)
		asked_full++;
	else if (frame->repair_request.buckets)
		asked_repairs++;
	else
		asked_digests++;
}

void stream_kick(struct stream *stream) { (void)stream; }

/* The table */

static uint64_t table_refused(void *of, uint64_t *unread)
{
	(void)of;
	*unread = unreadable;
	return refused;
}

static int table_end(void *of, uint8_t owner, uint32_t epoch)
{
	(void)of;
	(void)owner;
	(void)epoch;
	swept++;
	return 0;
}

static int table_differ(void *of, uint64_t classes[GWSYNC_BUCKETS])
{
	(void)of;
	memset(classes, 0, GWSYNC_BUCKETS * sizeof(uint64_t));
	classes[3] = 0xf;
	return 0;
}

static int table_take_role(void *of, uint8_t owner, uint32_t epoch)
{
	(void)of;
	(void)owner;
	(void)epoch;
	return 0;
}

static int table_apply(void *of, uint8_t owner, uint32_t epoch, const void *records, size_t len)
{
	(void)of;
	(void)owner;
	(void)epoch;
	(void)records;
	(void)len;
	return 0;
}

static int table_walk(void *of, uint64_t set, uint32_t walk_id)
{
	(void)of;
	(void)set;
	(void)walk_id;
	return 0;
}

static int table_pace(void *of, uint32_t rate)
{
	(void)of;
	(void)rate;
	return 0;
}

static int table_classes(void *of, const uint64_t *classes)
{
	(void)of;
	(void)classes;
	return 0;
}

static int table_repair(void *of, const uint64_t *classes)
{
	(void)of;
	rounds += !classes;
	return 0;
}

static int table_missed(void *of) { (void)of; return 0; }
static uint64_t table_apply_errors(void *of) { (void)of; return 0; }

static int table_purge(void *of, uint8_t owner)
{
	(void)of;
	purged |= 1ULL << owner;
	return 0;
}

static const struct table_ops table_ops = {
	.map = table_classes, .walk = table_walk, .pace = table_pace, .repair = table_repair,
	.deactivate = table_take_role,
	.apply = table_apply, .apply_errors = table_apply_errors, .begin = table_take_role,
	.end = table_end, .missed = table_missed, .differ = table_differ, .purge = table_purge,
	.refused = table_refused,
};

static const struct table table = {
	.ops = &table_ops, .of = &config, .name = "flows", .prefix = "", .refuser = "",
};

static void fire(struct loop_timer *timer)
{
	if (timer->due_ns && timer->due_ns <= now_ns) {
		timer->due_ns = 0;
		timer->fire(timer);
	}
}

/* The owner is heard all the time. */
static void run(uint64_t ms)
{
	const struct member_report report = {
		.state = MEMBER_OWNER, .epoch = its_epoch, .owner = OWNER, .priority = 100,
		.score = MEMBER_SCORE_MAX,
		.in_sync = true,
	};
	uint64_t end_ns = now_ns + ms * MS;

	while (now_ns < end_ns) {
		now_ns += 100 * MS;
		peer->sync_ns = now_ns;
		member_heard(&member, now_ns, OWNER, &report);
		fire(&replicate->request_timer);
		fire(&replicate->repair.timer);
		tables_check(&tables, now_ns);
		replicate_judge(replicate, now_ns);
	}
}

static void give(enum frame_data_kind kind)
{
	static const uint8_t record[32];
	const struct frame_data data = {
		.set = 1ULL << SELF, .epoch = its_epoch, .kind = kind, .walk_id = WALK,
		.records = record, .len = kind == FRAME_DATA_RECORDS ? sizeof(record) : 0,
	};

	replicate_deliver(replicate, peer, &data);
}

/* All of it is here; nothing is proven yet. */
static void full_sync(void)
{
	give(FRAME_DATA_SYNC_BEGIN);
	give(FRAME_DATA_RECORDS);
	give(FRAME_DATA_SYNC_END);
	replicate_swept(replicate, OWNER, 0);
}

static void in_sync(void)
{
	full_sync();
	replicate_compared(replicate, OWNER, 0);
	assert_true(member.in_sync);
}

static int setup(void **state)
{
	const struct frame_stream its = { .member = OWNER, .boot_id = 77 };
	const struct member_params params = {
		.self = SELF, .priority = 100, .heartbeat_ns = 100 * MS, .dead_after = 3,
	};

	(void)state;
	log_init(LOG_LEVEL_ERROR);
	memset(&member, 0, sizeof(member));
	memset(&peers, 0, sizeof(peers));
	memset(&speaker, 0, sizeof(speaker));
	memset(&tables, 0, sizeof(tables));
	now_ns = 1000000 * MS;
	refused = 0;
	unreadable = 0;
	purged = 0;
	its_epoch = EPOCH;
	swept = 0;
	rounds = 0;
	passed_over = 0;
	asked_digests = 0;
	asked_repairs = 0;
	asked_full = 0;
	config.member = SELF;
	config.sync_state = true;
	config.digest_ms = ROUND_MS;
	config.members[0] = (struct config_member){ .id = OWNER, .name = "it" };
	config.members[1] = (struct config_member){ .id = SELF, .name = "we" };
	peers_init(&peers, &config);
	peer = peers.by_id[OWNER];
	peer->serves_us = 1;
	tables.config = &config;
	tables.member = &member;
	tables.peers = &peers;
	tables.stream = &stream;
	publish = &tables_add(&tables, &table)->publish;
	replicate = &tables.halves[0].replicate;
	speaker.session.peer[OWNER].live = true;
	stream.speaker = &speaker;
	stream.transmit = transmit_alloc(64, STREAM_RECORDS);
	assert_non_null(stream.transmit);
	stream.receive[OWNER] = receive_alloc(64, RECORDS_MAX, 8116, &ignored_stream);
	assert_non_null(stream.receive[OWNER]);
	receive_start(stream.receive[OWNER], &its, 0);
	member_start(&member, &params, &ignored_actions, now_ns, 0, true);
	run(100);
	assert_int_equal(member.state, MEMBER_BACKUP);
	replicate_follow(replicate, OWNER, EPOCH);
	run(100);
	assert_int_equal(asked_full, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receive_free(stream.receive[OWNER]);
	transmit_free(stream.transmit);
	return 0;
}

/* Nothing is "in sync" before digests say so, however long that takes. */
static void test_not_before_it_is_proven(void **state)
{
	(void)state;
	full_sync();
	assert_false(member.in_sync);
	assert_true(asked_digests >= 1);
	run(60000);
	assert_false(member.in_sync);
	assert_true(replicate->repair.unheard);
	assert_true(asked_digests >= 20);
	assert_int_equal(asked_full, 1);	/* another would be as unproven */
	replicate_compared(replicate, OWNER, 0);
	assert_true(member.in_sync);
	assert_false(replicate->repair.unheard);
}

/* An owner that has forgotten us says nothing because it is not for us. */
static void test_unserved_while_it_is_proven(void **state)
{
	(void)state;
	full_sync();
	peer->serves_us = 0;
	run(10000);
	assert_true(asked_full > 1);
	assert_false(member.in_sync);
}

/* A round that is late is asked for; without an answer the proof is too old. */
static void test_digests_stop(void **state)
{
	unsigned int asked;

	(void)state;
	in_sync();
	asked = asked_digests;
	run(3 * ROUND_MS);
	assert_int_equal(asked_digests, asked);
	assert_true(member.in_sync);
	run(4000);
	assert_true(asked_digests > asked);
	assert_true(member.in_sync);
	replicate_compared(replicate, OWNER, 0);
	run(3 * ROUND_MS);
	assert_true(member.in_sync);
	run(9000);
	assert_false(member.in_sync);
	replicate_compared(replicate, OWNER, 0);
	assert_true(member.in_sync);
	assert_int_equal(asked_full, 1);
}

static void test_digests_only_when_asked_for(void **state)
{
	(void)state;
	config.digest_ms = 0;
	in_sync();
	run(600000);
	assert_true(member.in_sync);
}

static void test_a_difference_ends_it(void **state)
{
	(void)state;
	in_sync();
	replicate_compared(replicate, OWNER, 4);
	assert_false(member.in_sync);
	assert_int_equal(asked_repairs, 1);
	assert_int_equal(replicate->repair.last_classes, 4);
	assert_string_equal(replicate->repair.last_cause, "digests differed");
	replicate_compared(replicate, OWNER, 0);
	assert_true(member.in_sync);
}

/* What could not be read was not named: it must not be swept, nor be "in sync". */
static void test_records_of_another_version(void **state)
{
	(void)state;
	give(FRAME_DATA_SYNC_BEGIN);
	give(FRAME_DATA_RECORDS);
	refused++;
	unreadable++;
	give(FRAME_DATA_SYNC_END);
	assert_int_equal(swept, 0);
	assert_true(replicate->unread);
	run(59000);
	assert_int_equal(asked_full, 1);
	assert_false(member.in_sync);
	run(2000);
	assert_true(asked_full > 1);

	/* The owner speaks an older one now, or this member was upgraded. */
	in_sync();
	assert_int_equal(swept, 1);
	assert_false(replicate->unread);
}

/* Refused for another reason: all that could be read was named. */
static void test_records_refused(void **state)
{
	(void)state;
	give(FRAME_DATA_SYNC_BEGIN);
	refused += 10;
	give(FRAME_DATA_SYNC_END);
	assert_int_equal(swept, 1);
	assert_int_equal(replicate_refused(replicate), 10);
}

/* Whoever has left the group since, and this member by another id, too. */
static void test_old_owners_are_purged(void **state)
{
	(void)state;
	replicate->foreign = ~1ULL;
	in_sync();
	assert_int_equal(purged, ~1ULL & ~(1ULL << OWNER));
}

/* The owner goes on, and another backup hears it: this one's state is an old one. */
static void test_owner_elsewhere(void **state)
{
	const struct member_report other = {
		.state = MEMBER_BACKUP, .epoch = EPOCH, .owner = OWNER, .priority = 50,
		.score = MEMBER_SCORE_MAX,
		.in_sync = true,
	};
	unsigned int i;

	(void)state;
	in_sync();
	for (i = 0; i < 60; i++) {
		now_ns += 100 * MS;
		if (i < 30)
			member_heard(&member, now_ns, 3, &other);
		member_tick(&member, now_ns);
		replicate_judge(replicate, now_ns);
		if (i == 29)
			assert_false(member.in_sync);
		if (member.state == MEMBER_OWNER)
			break;
	}
	/* When that one is silent as well it is this one's turn, late. */
	assert_int_equal(member.state, MEMBER_OWNER);
}

/* Nobody else hears the owner either: the state is as good as any. */
static void test_no_owner(void **state)
{
	unsigned int i;

	(void)state;
	in_sync();
	member_set_isolated(&member, now_ns, true);
	for (i = 0; i < 100; i++) {
		now_ns += 100 * MS;
		member_tick(&member, now_ns);
		replicate_judge(replicate, now_ns);
	}
	assert_int_equal(member.owner, 0);
	assert_true(member.in_sync);
}

/* The owner's side */

static void owner(void)
{
	member.state = MEMBER_OWNER;
	member.epoch = EPOCH;
	publish->active = true;
	publish->served = peer->bit;
}

/* Ends without a number, again and again: full syncs do not follow each other. */
static void test_lost_ends(void **state)
{
	(void)state;
	owner();
	publish_lost(publish);
	assert_int_equal(publish->waiting, peer->bit);
	publish->waiting = 0;
	publish_lost(publish);
	now_ns += 200000 * MS;
	tables_check(&tables, now_ns);
	assert_int_equal(publish->waiting, 0);
	now_ns += 101000 * MS;
	tables_check(&tables, now_ns);
	assert_int_equal(publish->waiting, peer->bit);

	/* Without digests nothing else finds them. */
	config.digest_ms = 0;
	publish->waiting = 0;
	publish_lost(publish);
	assert_int_equal(publish->waiting, peer->bit);
}

/* One that waits for the end of another's walk is given up, and asks the same again. */
static void test_given_up_while_it_waits(void **state)
{
	const struct frame_sync_request request = { .epoch = EPOCH, .request = 9 };
	struct frame frame;
	uint64_t end_ns;

	(void)state;
	owner();
	publish->served = 1ULL << 3;
	publish->walking = 1ULL << 3;
	transmit_join(stream.transmit, OWNER);
	publish_requested(publish, peer, &request);
	assert_int_equal(publish->waiting, peer->bit);
	assert_true(publish_delta(publish, peer->bit, 0, "x", 1));
	while (transmit_next(stream.transmit, now_ns, &frame))
		transmit_sent(stream.transmit, now_ns, &frame);
	for (end_ns = now_ns + 3000 * MS; now_ns < end_ns; now_ns += 100 * MS)
		tables_check(&tables, now_ns);
	assert_int_equal(publish->served, 1ULL << 3);
	assert_int_equal(publish->waiting, 0);

	/* Not at once, for the other's sake. */
	publish->peer[OWNER].behind_ns = now_ns;
	publish_requested(publish, peer, &request);
	assert_int_equal(publish->waiting, 0);
	now_ns += publish->peer[OWNER].wait_ns;
	publish_requested(publish, peer, &request);
	assert_int_equal(publish->waiting, peer->bit);
}

/* A backup with a fault does not keep the owner walking. */
static void test_requests_are_limited(void **state)
{
	struct frame_repair_request repair = { .epoch = EPOCH, .buckets = 1 };
	struct frame_sync_request request = { .epoch = EPOCH };
	unsigned int i, taken = 0;

	(void)state;
	owner();
	for (i = 0; i < 600; i++) {
		request.request++;
		publish->waiting = 0;
		publish_requested(publish, peer, &request);
		taken += !!publish->waiting;
		now_ns += 100 * MS;
	}
	assert_in_range(taken, 6, 12);		/* of a minute */
	assert_int_equal(publish->limited, 600 - taken);
	/* One that has started again is another one. */
	publish_session(publish, peer);
	publish->served |= peer->bit;
	request.request++;
	publish->waiting = 0;
	publish_requested(publish, peer, &request);
	assert_int_equal(publish->waiting, peer->bit);

	publish->repairs = 0;
	repair.repair[0].classes = 1;
	for (i = 0; i < 60; i++) {
		publish_repair_requested(publish, peer, &repair);
		publish_repair_requested(publish, peer, &repair);	/* the rest of it */
		now_ns += 1000 * MS;
	}
	assert_in_range(publish->repairs, 2 * 10, 2 * 21);

	repair.buckets = 0;
	for (i = 0; i < 600; i++) {
		publish_repair_requested(publish, peer, &repair);
		now_ns += 10 * MS;
	}
	assert_in_range(rounds, 10, 10 + 2 * 6 + 1);
}

static void test_alone_it_need_not_wait(void **state)
{
	const struct frame_sync_request request = { .epoch = EPOCH, .request = 9 };

	(void)state;
	owner();
	publish->served = 0;
	publish->peer[OWNER].behind_ns = now_ns;
	publish->peer[OWNER].wait_ns = 4000 * MS;
	publish_requested(publish, peer, &request);
	assert_int_equal(publish->waiting, peer->bit);
}

/* What its status says of repairs. */
static void test_owner_notes_repairs(void **state)
{
	struct frame_repair_request request = { .epoch = EPOCH, .buckets = 2 };

	(void)state;
	owner();
	request.repair[0].classes = 0x7;
	request.repair[1].classes = 0x1;
	publish_repair_requested(publish, peer, &request);
	assert_int_equal(publish->peer[OWNER].repair_classes, 4);
	publish_repair_requested(publish, peer, &request);	/* the rest of it */
	assert_int_equal(publish->peer[OWNER].repair_classes, 8);
	assert_int_equal(publish->peer[OWNER].repair_ns, now_ns);
	assert_string_equal(publish->peer[OWNER].repair_cause, "digests differed");

	now_ns += 20000 * MS;
	publish->served = 0;
	publish->kept = peer->bit;
	publish_repair_requested(publish, peer, &request);
	assert_int_equal(publish->peer[OWNER].repair_classes, 4);
	assert_string_equal(publish->peer[OWNER].repair_cause, "it had been given up");
}

/* A second table, that needs nothing but a number. */
static const struct table second = {
	.ops = &table_ops, .of = &config, .id = FRAME_TABLE_NEIGHBOURS,
	.name = "neighbours", .prefix = "neighbours: ", .refuser = "neighbours: ",
	.classes = 1024,
};

static void give_second(enum frame_data_kind kind)
{
	static const uint8_t record[32];
	const struct frame_data data = {
		.set = 1ULL << SELF, .epoch = EPOCH, .kind = kind, .walk_id = WALK,
		.table = FRAME_TABLE_NEIGHBOURS,
		.records = record, .len = kind == FRAME_DATA_RECORDS ? sizeof(record) : 0,
	};

	tables_deliver(&tables, peer, &data);
}

static struct replicate *add_second(void)
{
	struct replicate *r = &tables_add(&tables, &second)->replicate;

	replicate_follow(r, OWNER, EPOCH);
	return r;
}

static struct replicate *two_tables(void)
{
	peer->heartbeat.interval_ms = 100;
	peer->heartbeat.tables = 1 << FRAME_TABLE_FLOWS | 1 << FRAME_TABLE_NEIGHBOURS;
	peer->serves_us = 1 << FRAME_TABLE_FLOWS | 1 << FRAME_TABLE_NEIGHBOURS;
	return add_second();
}

/* All tables are waited for; what is of one does not reach the other. */
static void test_two_tables(void **state)
{
	struct replicate *r;

	(void)state;
	r = two_tables();
	full_sync();
	replicate_compared(replicate, OWNER, 0);
	assert_int_equal(replicate->phase, REPLICATE_DONE);
	assert_false(member.in_sync);

	give_second(FRAME_DATA_SYNC_BEGIN);
	give_second(FRAME_DATA_RECORDS);
	give_second(FRAME_DATA_SYNC_END);
	replicate_swept(r, OWNER, 0);
	assert_int_equal(replicate->phase, REPLICATE_DONE);
	assert_false(member.in_sync);
	replicate_compared(r, OWNER, 0);
	assert_true(member.in_sync);

	/* It has been the heir, and what differs is not worth that. */
	replicate_compared(r, OWNER, 1);
	assert_true(member.in_sync);
	replicate_compared(replicate, OWNER, 1);
	assert_false(member.in_sync);
	replicate_compared(replicate, OWNER, 0);
	assert_true(member.in_sync);
}

/* A table that cannot be proven: flows alone make the heir, after a while, and anew as
 * soon as they are back; the next owner's is waited for again.
 */
static void test_table_that_never_comes(void **state)
{
	struct replicate *r;

	(void)state;
	r = two_tables();
	full_sync();
	replicate_compared(replicate, OWNER, 0);
	run(1500);
	assert_false(member.in_sync);
	run(1000);
	assert_true(member.in_sync);
	assert_false(r->in_sync);

	replicate_compared(replicate, OWNER, 1);
	assert_false(member.in_sync);
	replicate_compared(replicate, OWNER, 0);
	assert_true(member.in_sync);

	/* It was silent for a moment: nothing is waited for again. */
	member.in_sync = false;		/* as member_follow() has it */
	tables_follow(&tables, OWNER, EPOCH);
	assert_true(member.in_sync);

	member.in_sync = false;
	its_epoch = EPOCH + 1;
	member.epoch = its_epoch;
	tables_follow(&tables, OWNER, its_epoch);
	peer->serves_us = 1 << FRAME_TABLE_FLOWS;
	full_sync();
	replicate_compared(replicate, OWNER, 0);
	run(1500);
	assert_false(member.in_sync);
	run(1000);
	assert_true(member.in_sync);
}

/* An owner of before knows flows alone: there is nothing else to have, or to ask for. */
static void test_owner_without_the_table(void **state)
{
	struct replicate *r;
	unsigned int asked;

	(void)state;
	peer->heartbeat.interval_ms = 100;
	peer->heartbeat.tables = 0;
	asked = asked_full;
	r = add_second();
	r->request_timer.due_ns = now_ns;
	fire(&r->request_timer);
	assert_int_equal(asked_full, asked);
	full_sync();
	replicate_compared(replicate, OWNER, 0);
	tables_judge(&tables, now_ns);
	assert_true(member.in_sync);
}

/* Of a later member: passed over, and counted. */
static void test_unknown_table(void **state)
{
	(void)state;
	in_sync();
	give_second(FRAME_DATA_SYNC_BEGIN);
	give_second(FRAME_DATA_RECORDS);
	assert_int_equal(tables.skipped, 2);
	assert_int_equal(replicate->phase, REPLICATE_DONE);
	assert_true(member.in_sync);
}

/* The stream is one for all, and a member of before cannot read other tables' frames. */
static void test_member_without_the_table(void **state)
{
	static const uint8_t record[32];
	struct frame frame;
	uint64_t pushed;

	(void)state;
	run(100);
	member.state = MEMBER_OWNER;
	peer->heartbeat.interval_ms = 100;
	peer->heartbeat.tables = 1;
	tables_add(&tables, &second)->publish.served = peer->bit;
	pushed = transmit_pushed(stream.transmit);
	publish_delta(&tables.halves[1].publish, peer->bit, 0, record, sizeof(record));
	assert_int_equal(transmit_pushed(stream.transmit), pushed + 1);
	peer->heartbeat.tables = 0;
	publish_delta(&tables.halves[1].publish, peer->bit, 0, record, sizeof(record));
	assert_int_equal(transmit_pushed(stream.transmit), pushed + 1);
	/* It cannot read what there is, when its session begins, and must not wait for it. */
	transmit_join(stream.transmit, OWNER);
	assert_true(transmit_next(stream.transmit, now_ns, &frame));
	transmit_sent(stream.transmit, now_ns, &frame);
	tables_check(&tables, now_ns);
	assert_int_equal(tables.halves[1].publish.served, 0);
	assert_int_equal(passed_over, pushed + 2);
	passed_over = 0;
	tables_check(&tables, now_ns);		/* it may be lost on its way */
	assert_int_equal(passed_over, pushed + 2);
	passed_over = 0;
	transmit_ack(stream.transmit, now_ns, OWNER, pushed + 1);
	tables_check(&tables, now_ns);
	assert_int_equal(passed_over, 0);
	/* It is silent, and hears: until it has been away for long. */
	member.peer[OWNER].alive = false;
	peer->last_ns = now_ns;
	tables.halves[1].publish.served = 1ULL << 3;
	now_ns += 59000 * MS;
	publish_delta(&tables.halves[1].publish, 1ULL << 3, 0, record, sizeof(record));
	assert_int_equal(transmit_pushed(stream.transmit), pushed + 1);
	now_ns += 2000 * MS;
	publish_delta(&tables.halves[1].publish, 1ULL << 3, 0, record, sizeof(record));
	assert_int_equal(transmit_pushed(stream.transmit), pushed + 2);
	/* Flows go on. */
	publish->served = peer->bit;
	publish_delta(publish, peer->bit, 0, record, sizeof(record));
	assert_int_equal(transmit_pushed(stream.transmit), pushed + 3);
}

static struct stored stored;

static void stored_role(void *arg, uint64_t owners, uint32_t epoch)
{
	(void)arg;
	(void)owners;
	(void)epoch;
}

static void stored_no_role(void *arg, uint8_t owner, uint32_t epoch)
{
	(void)arg;
	(void)owner;
	(void)epoch;
}

static struct publish *add_stored(void)
{
	static const struct store_config of_store = { .table = 1, .most = 64, .key_max = 8,
						      .value_max = 8 };
	static const struct store_ops ops = { .name = "neighbours", .ready = stored_ready };
	const struct stored_ops roles = { .activate = stored_role, .deactivate = stored_no_role };
	struct store *store = store_alloc(&of_store, &ops, &stored);
	struct table_halves *halves;

	assert_non_null(store);
	memset(&stored, 0, sizeof(stored));
	stored_init(&stored, store, FRAME_TABLE_NEIGHBOURS, "neighbours", "neighbours: ", &roles);
	halves = tables_add(&tables, &stored.table);
	stored_start(&stored, &halves->publish, &halves->replicate);
	member.state = MEMBER_OWNER;
	store_activate(store, 0);
	halves->publish.served = peer->bit;
	store_map(store, peer->bit);
	return &halves->publish;
}

static void free_stored(void)
{
	stored_stop(&stored);
	store_free(stored.store);
}

/* What changes all the time, as a MAC that two hosts claim, is not a frame each time. */
static void test_store_gathers(void **state)
{
	uint64_t pushed = transmit_pushed(stream.transmit);
	int i, ms;

	(void)state;
	add_stored();
	for (ms = 0; ms < 10; ms++) {
		for (i = 0; i < 100; i++) {
			uint8_t value = (uint8_t)(i + ms + 1);

			assert_int_equal(store_put(stored.store, "host", 4, &value, 1), 0);
			fire(&stored.pump);
		}
		now_ns += MS;
	}
	fire(&stored.pump);
	assert_in_range(transmit_pushed(stream.transmit) - pushed, 1, 5);
	assert_false(store_pending(stored.store));
	free_stored();
}

/* The MTU of the sync link went up since the ring was made. */
static void test_store_in_larger_frames(void **state)
{
	struct publish *its = add_stored();
	uint8_t i;

	(void)state;
	for (i = 0; i < 64; i++)
		assert_int_equal(store_put(stored.store, &i, 1, "12345678", 8), 0);
	tables_drain(&tables);
	assert_int_equal(its->restarts, 0);
	assert_true(transmit_pushed(stream.transmit) >= 4);
	free_stored();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_not_before_it_is_proven, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unserved_while_it_is_proven, setup, teardown),
		cmocka_unit_test_setup_teardown(test_digests_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_digests_only_when_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_difference_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records_of_another_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_owners_are_purged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_up_while_it_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alone_it_need_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_notes_repairs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_table_that_never_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_without_the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_member_without_the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_gathers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_in_larger_frames, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

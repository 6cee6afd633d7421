// SPDX-License-Identifier: GPL-2.0
/* A backup and the owner's state: when is it in sync?  Digests that do not come,
 * records that cannot be read, and what the status tells of repairs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../log.h"
#include "../sync.h"
#include "ignored.h"
#include "pattern.h"

#define SELF	2
#define OWNER	SENDER
#define EPOCH	5
#define WALK	7
#define ROUND_MS	10000

static struct group g;
static struct group_peer *peer;
static struct config config;
static uint64_t now_ns;
static uint64_t refused, unreadable;		/* counters of the kernel half */
static uint64_t purged;				/* owners */
static unsigned int swept, asked_digests, asked_repairs, asked_full;

/* Time is ours. */

uint64_t loop_clock(void) { return now_ns; }
uint64_t loop_now(const struct loop *loop) { (void)loop; return now_ns; }

int loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	(void)loop;
	timer->due_ns = due_ns;
	return 0;
}

int loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	return loop_timer_at(loop, timer, now_ns + delay_ns);
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	timer->due_ns = 0;
}

/* The rest of the daemon. */

int group_send(struct group *group, unsigned int link, struct frame *frame)
{
	(void)group;
	(void)link;
	if (frame->head.type == FRAME_SYNC_REQUEST)
		asked_full++;
	else if (frame->repair_request.buckets)
		asked_repairs++;
	else
		asked_digests++;
	return 0;
}

const char *group_name(const struct group *group, uint8_t member)
{
	(void)group;
	(void)member;
	return "it";
}

void heartbeat_send(struct group *group) { (void)group; }
void stream_kick(struct group *group) { (void)group; }

/* The kernel half */

uint64_t kernel_records_refused(struct kernel *kernel, uint64_t *unread)
{
	(void)kernel;
	*unread = unreadable;
	return refused;
}

int kernel_sync_end(struct kernel *kernel, uint8_t owner, uint32_t epoch)
{
	(void)kernel;
	(void)owner;
	(void)epoch;
	swept++;
	return 0;
}

int kernel_differing(struct kernel *kernel, uint64_t classes[GWSYNC_BUCKETS])
{
	(void)kernel;
	memset(classes, 0, GWSYNC_BUCKETS * sizeof(uint64_t));
	classes[3] = 0xf;
	return 0;
}

int kernel_sync_begin(struct kernel *kernel, uint8_t owner, uint32_t epoch)
{
	(void)kernel;
	(void)owner;
	(void)epoch;
	return 0;
}

int kernel_apply(struct kernel *kernel, uint8_t owner, uint32_t epoch, const void *records,
		 size_t len)
{
	(void)kernel;
	(void)owner;
	(void)epoch;
	(void)records;
	(void)len;
	return 0;
}

int kernel_activate(struct kernel *kernel, uint64_t owners, uint32_t epoch)
{
	(void)kernel;
	(void)owners;
	(void)epoch;
	return 0;
}

int kernel_deactivate(struct kernel *kernel, uint8_t owner, uint32_t epoch)
{
	(void)kernel;
	(void)owner;
	(void)epoch;
	return 0;
}

int kernel_walk(struct kernel *kernel, uint64_t set, uint32_t walk_id)
{
	(void)kernel;
	(void)set;
	(void)walk_id;
	return 0;
}

int kernel_set_map(struct kernel *kernel, const uint64_t map[GWSYNC_BUCKETS])
{
	(void)kernel;
	(void)map;
	return 0;
}

int kernel_repair(struct kernel *kernel, const uint64_t *classes)
{
	(void)kernel;
	(void)classes;
	return 0;
}

int kernel_missed(struct kernel *kernel) { (void)kernel; return 0; }
uint64_t kernel_apply_errors(const struct kernel *kernel) { (void)kernel; return 0; }

int kernel_purge(struct kernel *kernel, uint8_t owner)
{
	(void)kernel;
	purged |= 1ULL << owner;
	return 0;
}

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
		.state = MEMBER_OWNER, .epoch = EPOCH, .owner = OWNER, .priority = 100,
		.in_sync = true,
	};
	uint64_t end_ns = now_ns + ms * MS;

	while (now_ns < end_ns) {
		now_ns += 100 * MS;
		peer->sync_ns = now_ns;
		member_heard(&g.member, now_ns, OWNER, &report);
		fire(&g.sync.request_timer);
		fire(&g.repair.timer);
		sync_check_behind(&g, now_ns);
		sync_judge(&g, now_ns);
	}
}

static void give(enum frame_data_kind kind)
{
	static const uint8_t record[32];
	const struct frame_data data = {
		.set = 1ULL << SELF, .epoch = EPOCH, .kind = kind, .walk_id = WALK,
		.records = record, .len = kind == FRAME_DATA_RECORDS ? sizeof(record) : 0,
	};

	sync_deliver(peer, &data);
}

static void event(enum gwsync_event which, uint32_t count)
{
	const struct kernel_event event = { .event = which, .owner = OWNER, .count = count };

	sync_event(&g, &event);
}

/* All of it is here; nothing is proven yet. */
static void full_sync(void)
{
	give(FRAME_DATA_SYNC_BEGIN);
	give(FRAME_DATA_RECORDS);
	give(FRAME_DATA_SYNC_END);
	event(GWSYNC_EVENT_SWEEP_DONE, 0);
}

static void in_sync(void)
{
	full_sync();
	event(GWSYNC_EVENT_DIGEST, 0);
	assert_true(g.member.in_sync);
}

static int setup(void **state)
{
	const struct receive_callbacks cb = { ignore_deliver, ignore_lost, NULL };
	const struct frame_stream stream = { .member = OWNER, .boot_id = 77 };
	const struct member_params params = {
		.self = SELF, .priority = 100, .heartbeat_ns = 100 * MS, .dead_after = 3,
	};
	const struct member_actions actions = {
		ignore_acquire, ignore_owner, ignore_owner, ignore_hand_over,
		ignore_announce, ignore_alive, NULL,
	};

	(void)state;
	log_init(LOG_LEVEL_ERROR);
	memset(&g, 0, sizeof(g));
	now_ns = 1000000 * MS;
	refused = 0;
	unreadable = 0;
	purged = 0;
	swept = 0;
	asked_digests = 0;
	asked_repairs = 0;
	asked_full = 0;
	config.member = SELF;
	config.sync_state = true;
	config.digest_ms = ROUND_MS;
	g.config = &config;
	g.sync.kernel = (struct kernel *)&g;	/* opaque: the stubs do not look */
	g.transmit = transmit_alloc(64, RECORDS_MAX);
	assert_non_null(g.transmit);
	peer = &g.peers[0];
	g.npeers = 1;
	peer->group = &g;
	peer->id = OWNER;
	peer->bit = 1ULL << OWNER;
	peer->name = "it";
	peer->serves_us = true;
	g.by_id[OWNER] = peer;
	g.session.peer[OWNER].live = true;
	peer->receive = receive_alloc(64, RECORDS_MAX, 8116, &cb);
	assert_non_null(peer->receive);
	receive_start(peer->receive, &stream, 0);
	sync_timers(&g);
	member_start(&g.member, &params, &actions, now_ns, 0);
	run(100);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	sync_follow(&g, OWNER, EPOCH);
	run(100);
	assert_int_equal(asked_full, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receive_free(peer->receive);
	transmit_free(g.transmit);
	return 0;
}

/* Nothing is "in sync" before digests say so, however long that takes. */
static void test_not_before_it_is_proven(void **state)
{
	(void)state;
	full_sync();
	assert_false(g.member.in_sync);
	assert_true(asked_digests >= 1);
	run(60000);
	assert_false(g.member.in_sync);
	assert_true(g.repair.unheard);
	assert_true(asked_digests >= 20);
	assert_int_equal(asked_full, 1);	/* another would be as unproven */
	event(GWSYNC_EVENT_DIGEST, 0);
	assert_true(g.member.in_sync);
	assert_false(g.repair.unheard);
}

/* An owner that has forgotten us says nothing because it is not for us. */
static void test_unserved_while_it_is_proven(void **state)
{
	(void)state;
	full_sync();
	peer->serves_us = false;
	run(10000);
	assert_true(asked_full > 1);
	assert_false(g.member.in_sync);
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
	assert_true(g.member.in_sync);
	run(4000);
	assert_true(asked_digests > asked);
	assert_true(g.member.in_sync);
	event(GWSYNC_EVENT_DIGEST, 0);
	run(3 * ROUND_MS);
	assert_true(g.member.in_sync);
	run(9000);
	assert_false(g.member.in_sync);
	event(GWSYNC_EVENT_DIGEST, 0);
	assert_true(g.member.in_sync);
	assert_int_equal(asked_full, 1);
}

static void test_digests_only_when_asked_for(void **state)
{
	(void)state;
	config.digest_ms = 0;
	in_sync();
	run(600000);
	assert_true(g.member.in_sync);
}

static void test_a_difference_ends_it(void **state)
{
	(void)state;
	in_sync();
	event(GWSYNC_EVENT_DIGEST, 4);
	assert_false(g.member.in_sync);
	assert_int_equal(asked_repairs, 1);
	assert_int_equal(g.repair.last_classes, 4);
	assert_string_equal(g.repair.last_cause, "digests differed");
	event(GWSYNC_EVENT_DIGEST, 0);
	assert_true(g.member.in_sync);
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
	assert_true(g.sync.unread);
	run(59000);
	assert_int_equal(asked_full, 1);
	assert_false(g.member.in_sync);
	run(2000);
	assert_true(asked_full > 1);

	/* The owner speaks an older one now, or this member was upgraded. */
	in_sync();
	assert_int_equal(swept, 1);
	assert_false(g.sync.unread);
}

/* Refused for another reason: all that could be read was named. */
static void test_records_refused(void **state)
{
	(void)state;
	give(FRAME_DATA_SYNC_BEGIN);
	refused += 10;
	give(FRAME_DATA_SYNC_END);
	assert_int_equal(swept, 1);
	assert_int_equal(sync_records_refused(&g), 10);
}

/* Whoever has left the group since, and this member by another id, too. */
static void test_old_owners_are_purged(void **state)
{
	(void)state;
	g.sync.foreign = ~1ULL;
	in_sync();
	assert_int_equal(purged, ~1ULL & ~(1ULL << OWNER));
}

/* The owner goes on, and another backup hears it: this one's state is an old one. */
static void test_owner_elsewhere(void **state)
{
	const struct member_report other = {
		.state = MEMBER_BACKUP, .epoch = EPOCH, .owner = OWNER, .priority = 50,
		.in_sync = true,
	};
	unsigned int i;

	(void)state;
	in_sync();
	for (i = 0; i < 60; i++) {
		now_ns += 100 * MS;
		if (i < 30)
			member_heard(&g.member, now_ns, 3, &other);
		member_tick(&g.member, now_ns);
		sync_judge(&g, now_ns);
		if (i == 29)
			assert_false(g.member.in_sync);
		if (g.member.state == MEMBER_OWNER)
			break;
	}
	/* When that one is silent as well it is this one's turn, late. */
	assert_int_equal(g.member.state, MEMBER_OWNER);
}

/* Nobody else hears the owner either: the state is as good as any. */
static void test_no_owner(void **state)
{
	unsigned int i;

	(void)state;
	in_sync();
	member_set_isolated(&g.member, now_ns, true);
	for (i = 0; i < 100; i++) {
		now_ns += 100 * MS;
		member_tick(&g.member, now_ns);
		sync_judge(&g, now_ns);
	}
	assert_int_equal(g.member.owner, 0);
	assert_true(g.member.in_sync);
}

/* The owner's side */

static void owner(void)
{
	g.member.state = MEMBER_OWNER;
	g.member.epoch = EPOCH;
	g.sync.active = true;
	g.sync.served = peer->bit;
}

/* Ends without a number, again and again: full syncs do not follow each other. */
static void test_lost_ends(void **state)
{
	(void)state;
	owner();
	event(GWSYNC_EVENT_LOST, 0);
	assert_int_equal(g.sync.waiting, peer->bit);
	g.sync.waiting = 0;
	event(GWSYNC_EVENT_LOST, 0);
	now_ns += 200000 * MS;
	sync_check_behind(&g, now_ns);
	assert_int_equal(g.sync.waiting, 0);
	now_ns += 101000 * MS;
	sync_check_behind(&g, now_ns);
	assert_int_equal(g.sync.waiting, peer->bit);

	/* Without digests nothing else finds them. */
	config.digest_ms = 0;
	g.sync.waiting = 0;
	event(GWSYNC_EVENT_LOST, 0);
	assert_int_equal(g.sync.waiting, peer->bit);
}

/* One that waits for the end of another's walk is given up, and asks the same again. */
static void test_given_up_while_it_waits(void **state)
{
	const struct frame_sync_request request = { .epoch = EPOCH, .request = 9 };
	struct frame frame;
	uint64_t end_ns;

	(void)state;
	owner();
	g.sync.served = 1ULL << 3;
	g.sync.walking = 1ULL << 3;
	transmit_join(g.transmit, OWNER);
	sync_requested(peer, &request);
	assert_int_equal(g.sync.waiting, peer->bit);
	assert_true(sync_delta(&g, peer->bit, 0, "x", 1));
	while (transmit_next(g.transmit, now_ns, &frame))
		transmit_sent(g.transmit, now_ns, &frame);
	for (end_ns = now_ns + 3000 * MS; now_ns < end_ns; now_ns += 100 * MS)
		sync_check_behind(&g, now_ns);
	assert_int_equal(g.sync.served, 1ULL << 3);
	assert_int_equal(g.sync.waiting, 0);

	/* Not at once, for the other's sake. */
	peer->behind_ns = now_ns;
	sync_requested(peer, &request);
	assert_int_equal(g.sync.waiting, 0);
	now_ns += peer->wait_ns;
	sync_requested(peer, &request);
	assert_int_equal(g.sync.waiting, peer->bit);
}

static void test_alone_it_need_not_wait(void **state)
{
	const struct frame_sync_request request = { .epoch = EPOCH, .request = 9 };

	(void)state;
	owner();
	g.sync.served = 0;
	peer->behind_ns = now_ns;
	peer->wait_ns = 4000 * MS;
	sync_requested(peer, &request);
	assert_int_equal(g.sync.waiting, peer->bit);
}

/* What its status says of repairs. */
static void test_owner_notes_repairs(void **state)
{
	struct frame_repair_request request = { .epoch = EPOCH, .buckets = 2 };

	(void)state;
	owner();
	request.repair[0].classes = 0x7;
	request.repair[1].classes = 0x1;
	repair_requested(peer, &request);
	assert_int_equal(peer->repair_classes, 4);
	repair_requested(peer, &request);	/* the rest of it */
	assert_int_equal(peer->repair_classes, 8);
	assert_int_equal(peer->repair_ns, now_ns);
	assert_string_equal(peer->repair_cause, "digests differed");

	now_ns += 20000 * MS;
	g.sync.served = 0;
	g.repair.kept = peer->bit;
	repair_requested(peer, &request);
	assert_int_equal(peer->repair_classes, 4);
	assert_string_equal(peer->repair_cause, "it had been given up");
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
		cmocka_unit_test_setup_teardown(test_alone_it_need_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_notes_repairs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

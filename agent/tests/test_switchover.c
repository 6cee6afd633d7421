// SPDX-License-Identifier: GPL-2.0
/* A planned switchover.  The heir: the last frames, and resignations that are
 * over.  The owner: what its kernel half does and knows while it drains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../group.h"
#include "../log.h"
#include "ignored.h"
#include "pattern.h"

#define SELF	2
#define OWNER	SENDER
#define EPOCH	5
#define LAST	10	/* what the owner had sent when the session began */

static struct group g;
static struct group_peer *peer;
static struct config config;
static struct frame sent;
static uint32_t acquired, deactivated;
static int deactivate_error;

/* What switchover.c calls of the rest of the daemon. */

void group_send_all(struct group *group, struct frame *frame)
{
	(void)group;
	sent = *frame;
}

const char *group_name(const struct group *group, uint8_t member)
{
	(void)group;
	(void)member;
	return "it";
}

void stream_pump(struct group *group) { (void)group; }
void sync_stop_walk(struct group *group) { (void)group; }
bool kernel_pending(const struct kernel *kernel) { (void)kernel; return false; }

int kernel_deactivate(struct kernel *kernel, uint8_t new_owner, uint32_t epoch)
{
	(void)kernel;
	(void)new_owner;
	deactivated = epoch;
	return deactivate_error;
}

int vrouters_release(struct vrouters *vrouters)
{
	(void)vrouters;
	return 0;
}

/* Actions of the membership */

static void on_acquire(void *arg, uint64_t owners, uint32_t epoch)
{
	(void)arg;
	(void)owners;
	acquired = epoch;
}

static void hear(enum member_state state, uint32_t epoch, uint8_t owner)
{
	const struct member_report report = {
		.state = state, .epoch = epoch, .priority = 100, .owner = owner,
	};

	member_heard(&g.member, loop_clock(), OWNER, &report);
}

static void give(uint64_t seq)
{
	uint8_t records[RECORDS_MAX];
	const struct frame_data data = {
		.seq = seq, .set = 1ULL << SELF, .epoch = EPOCH, .kind = FRAME_DATA_RECORDS,
		.records = records, .len = content(seq, records),
	};

	receive_data(peer->receive, loop_clock(), &data);
	switchover_progress(&g);
}

static void say(enum frame_type type, uint64_t seq)
{
	const struct frame_switch message = {
		.stream = { SELF, 1 }, .epoch = EPOCH + 1, .seq = seq,
	};

	switchover_take(peer, type, &message);
}

static int setup(void **state)
{
	const struct frame_stream stream = { .member = OWNER, .boot_id = 77 };
	const struct receive_callbacks cb = { ignore_deliver, ignore_lost, NULL };
	const struct member_params params = {
		.self = SELF, .priority = 100, .heartbeat_ns = 1000 * MS, .dead_after = 3,
	};
	const struct member_actions actions = {
		on_acquire, ignore_owner, ignore_owner, ignore_hand_over,
		ignore_announce, ignore_alive, NULL,
	};

	(void)state;
	log_init(LOG_LEVEL_ERROR);
	memset(&g, 0, sizeof(g));
	memset(&sent, 0, sizeof(sent));
	acquired = 0;
	deactivated = 0;
	deactivate_error = 0;
	config.member = SELF;
	g.config = &config;
	g.loop = loop_alloc();
	assert_non_null(g.loop);
	switchover_init(&g);
	peer = &g.peers[0];
	peer->group = &g;
	peer->id = OWNER;
	g.by_id[OWNER] = peer;
	g.session.peer[OWNER].live = true;
	g.session.peer[OWNER].boot_id = 77;
	peer->receive = receive_alloc(64, RECORDS_MAX, 8116, &cb);
	assert_non_null(peer->receive);
	receive_start(peer->receive, &stream, LAST);

	member_start(&g.member, &params, &actions, loop_clock(), 0);
	hear(MEMBER_OWNER, EPOCH, OWNER);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	member_set_in_sync(&g.member, loop_clock(), true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receive_free(peer->receive);
	loop_free(g.loop);
	return 0;
}

static void test_prepare_shows_lost_frames(void **state)
{
	uint64_t now = loop_clock();

	(void)state;
	say(FRAME_PREPARE, LAST + 2);
	assert_int_equal(sent.head.type, 0);
	assert_int_equal(receive_highest(peer->receive), LAST + 2);
	assert_in_range(receive_due(peer->receive), now, loop_clock() + 2 * RECEIVE_NACK_NS);
	give(LAST + 1);
	give(LAST + 2);
	say(FRAME_PREPARE, LAST + 2);
	assert_int_equal(sent.head.type, FRAME_READY);
	assert_int_equal(sent.switchover.status, FRAME_SWITCH_OK);
}

static void test_resign_waits_for_the_last_frame(void **state)
{
	(void)state;
	say(FRAME_RESIGN, LAST + 2);
	assert_int_equal(receive_highest(peer->receive), LAST + 2);
	assert_true(receive_due(peer->receive) > 0);
	give(LAST + 2);
	assert_int_equal(acquired, 0);
	give(LAST + 1);
	assert_int_equal(acquired, EPOCH + 1);
	assert_int_equal(g.member.state, MEMBER_OWNER);
}

/* Its last frames come when the old owner owns again. */
static void test_resignation_that_is_over(void **state)
{
	(void)state;
	say(FRAME_RESIGN, LAST + 2);
	hear(MEMBER_BACKUP, EPOCH + 1, SELF);
	hear(MEMBER_OWNER, EPOCH + 2, OWNER);
	assert_int_equal(g.member.owner, OWNER);
	give(LAST + 1);
	give(LAST + 2);
	assert_int_equal(acquired, 0);
	assert_int_equal(g.member.epoch, EPOCH + 2);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
}

/* As owner: the heir is ready, the addresses are released. */
static void drain(void)
{
	const struct member_report backup = {
		.state = MEMBER_BACKUP, .epoch = EPOCH + 1, .priority = 100, .owner = SELF,
		.in_sync = true,
	};
	const struct frame_switch ready = { .stream = { SELF, 1 }, .epoch = EPOCH + 2 };
	const char *why = "";

	g.transmit = transmit_alloc(64, RECORDS_MAX);
	assert_non_null(g.transmit);
	g.sync.kernel = (struct kernel *)&g;	/* not looked into here */
	member_lost(&g.member, loop_clock(), OWNER);
	member_tick(&g.member, loop_clock());
	assert_int_equal(g.member.state, MEMBER_OWNER);
	assert_int_equal(acquired, EPOCH + 1);
	member_heard(&g.member, loop_clock(), OWNER, &backup);
	assert_int_equal(switchover_begin(&g, OWNER, false, &why), 0);
	switchover_take(peer, FRAME_READY, &ready);
	assert_int_equal(g.switchover.phase, SWITCHOVER_DRAIN);
	assert_int_equal(deactivated, EPOCH + 2);
	transmit_free(g.transmit);
}

static void test_taken_over_anew_while_draining(void **state)
{
	(void)state;
	drain();
	assert_false(g.sync.former);
	member_renew(&g.member, loop_clock());
	assert_int_equal(acquired, EPOCH + 3);	/* the kernel half takes it */
}

static void test_kernel_half_does_not_drain(void **state)
{
	(void)state;
	deactivate_error = -1;
	drain();
	assert_true(g.sync.former);
}

int main(void)
{
#define SWITCHOVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		SWITCHOVER(test_prepare_shows_lost_frames),
		SWITCHOVER(test_resign_waits_for_the_last_frame),
		SWITCHOVER(test_resignation_that_is_over),
		SWITCHOVER(test_taken_over_anew_while_draining),
		SWITCHOVER(test_kernel_half_does_not_drain),
	};

	return cmocka_run_group_tests_name("switchover", tests, NULL, NULL);
}

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

#include "base/log.h"
#include "daemon/gateway.h"
#include "ignored.h"
#include "pattern.h"

#define SELF	2
#define OWNER	SENDER
#define EPOCH	5
#define LAST	10	/* what the owner had sent when the session began */

static struct gateway g;
static struct peer *peer;
static struct config config;
static struct frame sent;
static uint32_t acquired, deactivated;
static bool lease_ends, kernel_waits, quiet, hushed;
static unsigned int released, drained[2];	/* before, and in silence */
static int deactivate_error;

/* What switchover.c calls of the rest of the daemon. */

void speaker_send_all(struct speaker *speaker, struct frame *frame)
{
	(void)speaker;
	sent = *frame;
}

const char *config_member_name(const struct config *config, uint8_t member)
{
	(void)config;
	(void)member;
	return "it";
}

void stream_pump(struct stream *stream) { (void)stream; }
void stream_kick(struct stream *stream) { (void)stream; }

void speaker_tell(struct speaker *speaker, uint8_t member, struct frame *frame)
{
	(void)speaker;
	(void)member;
	(void)frame;
}

void kernel_read(struct kernel *kernel) { (void)kernel; }
bool kernel_pending(const struct kernel *kernel) { (void)kernel; return kernel_waits; }
bool lease_has_ended(struct gateway *gateway) { (void)gateway; return lease_ends; }
bool vrouters_is_quiet(const struct vrouters *vrouters) { (void)vrouters; return quiet; }

static void table_drain(void *of)
{
	(void)of;
	drained[hushed]++;
}

static int table_deactivate(void *of, uint8_t new_owner, uint32_t epoch)
{
	(void)of;
	(void)new_owner;
	/* What goes with the addresses must not be the last change. */
	assert_true(hushed);
	assert_int_equal(drained[false], 1);
	assert_int_equal(drained[true], 1);
	assert_int_equal(released, 0);
	deactivated = epoch;
	return deactivate_error;
}

int vrouters_release(struct vrouters *vrouters)
{
	(void)vrouters;
	released++;
	quiet = false;
	return 0;
}

void vrouters_hush(struct vrouters *vrouters)
{
	(void)vrouters;
	hushed = true;
}

void vrouters_quiet(struct vrouters *vrouters)
{
	(void)vrouters;
	assert_true(lease_ends);
	quiet = true;
}

void lease_give_back(struct gateway *gateway)
{
	(void)gateway;
	if (quiet)
		vrouters_release(NULL);
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
		.state = state, .epoch = epoch, .priority = 100,
		.score = MEMBER_SCORE_MAX, .owner = owner,
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

	receive_data(g.stream.receive[OWNER], loop_clock(), &data);
	switchover_progress(&g);
}

static void say(enum frame_type type, uint64_t seq)
{
	const struct frame_switch message = {
		.stream = { SELF, 1 }, .epoch = EPOCH + 1, .seq = seq,
	};

	switchover_take(&g, peer, type, &message);
}

static const struct table_ops table_ops = {
	.deactivate = table_deactivate, .drain = table_drain,
};

static int setup(void **state)
{
	const struct frame_stream stream = { .member = OWNER, .boot_id = 77 };
	const struct member_params params = {
		.self = SELF, .priority = 100, .heartbeat_ns = 1000 * MS, .dead_after = 3,
	};
	struct member_actions actions = ignored_actions;

	(void)state;
	log_init(LOG_LEVEL_ERROR);
	memset(&g, 0, sizeof(g));
	memset(&sent, 0, sizeof(sent));
	acquired = 0;
	deactivated = 0;
	deactivate_error = 0;
	lease_ends = false;
	kernel_waits = false;
	quiet = false;
	hushed = false;
	released = 0;
	memset(drained, 0, sizeof(drained));
	config.member = SELF;
	g.config = &config;
	g.loop = loop_alloc();
	assert_non_null(g.loop);
	g.attach.table.ops = &table_ops;
	g.attach.table.prefix = "";
	g.attach.table.refuser = "";
	g.tables.loop = g.loop;
	g.tables.config = &config;
	g.tables.member = &g.member;
	g.tables.peers = &g.peers;
	g.tables.stream = &g.stream;
	g.publish = &tables_add(&g.tables, &g.attach.table)->publish;
	g.replicate = &g.tables.halves[0].replicate;
	switchover_init(&g);
	peer = &g.peers.peer[0];
	peer->id = OWNER;
	g.peers.by_id[OWNER] = peer;
	g.speaker.session.peer[OWNER].live = true;
	g.speaker.session.peer[OWNER].boot_id = 77;
	g.stream.receive[OWNER] = receive_alloc(64, RECORDS_MAX, 8116, &ignored_stream);
	assert_non_null(g.stream.receive[OWNER]);
	receive_start(g.stream.receive[OWNER], &stream, LAST);

	actions.acquire = on_acquire;
	member_start(&g.member, &params, &actions, loop_clock(), 0, true);
	hear(MEMBER_OWNER, EPOCH, OWNER);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	member_set_in_sync(&g.member, loop_clock(), true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receive_free(g.stream.receive[OWNER]);
	loop_free(g.loop);
	return 0;
}

static void test_prepare_shows_lost_frames(void **state)
{
	uint64_t now = loop_clock();

	(void)state;
	say(FRAME_PREPARE, LAST + 2);
	assert_int_equal(sent.head.type, 0);
	assert_int_equal(receive_highest(g.stream.receive[OWNER]), LAST + 2);
	assert_in_range(receive_due(g.stream.receive[OWNER]), now,
			loop_clock() + 2 * RECEIVE_NACK_NS);
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
	assert_int_equal(receive_highest(g.stream.receive[OWNER]), LAST + 2);
	assert_true(receive_due(g.stream.receive[OWNER]) > 0);
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

/* As owner: the heir is ready. */
static void hand_over(void)
{
	const struct member_report backup = {
		.state = MEMBER_BACKUP, .epoch = EPOCH + 1, .priority = 100,
		.score = MEMBER_SCORE_MAX, .owner = SELF,
		.in_sync = true,
	};
	const struct frame_switch ready = { .stream = { SELF, 1 }, .epoch = EPOCH + 2 };
	const char *why = "";

	g.stream.transmit = transmit_alloc(64, RECORDS_MAX);
	assert_non_null(g.stream.transmit);
	g.attach.kernel = (struct kernel *)&g;	/* not looked into here */
	g.attach.table.of = &g;
	member_lost(&g.member, loop_clock(), OWNER);
	member_tick(&g.member, loop_clock());
	assert_int_equal(g.member.state, MEMBER_OWNER);
	assert_int_equal(acquired, EPOCH + 1);
	member_heard(&g.member, loop_clock(), OWNER, &backup);
	assert_int_equal(switchover_begin(&g, OWNER, false, &why), 0);
	switchover_take(&g, peer, FRAME_READY, &ready);
	assert_int_equal(deactivated, EPOCH + 2);
}

/* The same, and not all that the kernel half gave can be read yet. */
static void drain(void)
{
	kernel_waits = true;
	hand_over();
	assert_int_equal(g.switchover.phase, SWITCHOVER_DRAIN);
	transmit_free(g.stream.transmit);
}

/* Nothing waits: the word that all has been sent is not put off. */
static void test_resigns_at_once(void **state)
{
	(void)state;
	hand_over();
	assert_int_equal(g.switchover.phase, SWITCHOVER_RESIGN);
	assert_int_equal(sent.head.type, FRAME_RESIGN);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	assert_int_equal(released, 1);
	transmit_free(g.stream.transmit);
}

/* The kernel half lets nothing pass: the addresses go when the heir is heard. */
static void test_quiet_until_the_heir_owns(void **state)
{
	(void)state;
	lease_ends = true;
	hand_over();
	assert_int_equal(sent.head.type, FRAME_RESIGN);
	assert_true(quiet);
	assert_int_equal(released, 0);
	hear(MEMBER_OWNER, EPOCH + 2, OWNER);
	switchover_owner_heard(&g, OWNER);
	assert_int_equal(g.switchover.phase, SWITCHOVER_IDLE);
	assert_int_equal(released, 1);
	transmit_free(g.stream.transmit);
}

/* Or when it is not heard for a while. */
static void test_quiet_for_a_while(void **state)
{
	(void)state;
	lease_ends = true;
	hand_over();
	g.switchover.timer.fire(&g.switchover.timer);
	assert_int_equal(released, 0);
	g.switchover.resigned_ns -= 200 * MS;
	g.switchover.timer.fire(&g.switchover.timer);
	assert_int_equal(released, 1);
	assert_int_equal(g.switchover.phase, SWITCHOVER_RESIGN);
	transmit_free(g.stream.transmit);
}

/* Its kernel half did not take it, whatever became of the lease. */
static void test_not_quiet_without_the_kernel_half(void **state)
{
	(void)state;
	lease_ends = true;
	deactivate_error = -1;
	hand_over();
	assert_false(quiet);
	assert_int_equal(released, 1);
	transmit_free(g.stream.transmit);
}

static void test_taken_over_anew_while_draining(void **state)
{
	(void)state;
	drain();
	assert_false(g.replicate->former);
	member_renew(&g.member, loop_clock());
	assert_int_equal(acquired, EPOCH + 3);	/* the kernel half takes it */
}

static void test_kernel_half_does_not_drain(void **state)
{
	(void)state;
	deactivate_error = -1;
	drain();
	assert_true(g.replicate->former);
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
		SWITCHOVER(test_resigns_at_once),
		SWITCHOVER(test_quiet_until_the_heir_owns),
		SWITCHOVER(test_quiet_for_a_while),
		SWITCHOVER(test_not_quiet_without_the_kernel_half),
	};

	return cmocka_run_group_tests_name("switchover", tests, NULL, NULL);
}

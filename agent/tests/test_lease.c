// SPDX-License-Identifier: GPL-2.0
/* The lease of an owner under a clock of ours: how long it lasts, who is told, and how a
 * machine that stood still learns of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "daemon/gateway.h"
#include "daemon/lease.h"
#include "ignored.h"

#define MS		NSEC_PER_MSEC
#define SELF		1
#define PEER		2
#define HEARTBEAT_MS	100
#define DEAD_MS		325	/* of three heartbeats */
#define TERM_MS		275
#define KERNEL		((struct kernel *)&g)	/* there is one */

static struct gateway g;
static struct peer *peer;
static struct config config;
static uint64_t now_ns;
static void (*round_cb)(void *arg);
static bool held;			/* the addresses */
static bool quiet;			/* they, on a lease that has ended */
static uint32_t macvlans;
static unsigned int released;
static int kernel_answer;
static unsigned int asked;		/* the kernel half */
static uint32_t asked_term_ms;
static unsigned int asked_count;
static uint32_t noted_start;

uint64_t loop_clock(void) { return now_ns; }
uint64_t loop_now(const struct loop *loop) { (void)loop; return now_ns; }

void loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	(void)loop;
	timer->due_ns = now_ns + delay_ns;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	timer->due_ns = 0;
}

void loop_set_round(struct loop *loop, void (*round)(void *arg), void *arg)
{
	(void)loop;
	(void)arg;
	round_cb = round;
}

bool vrouters_is_quiet(const struct vrouters *vrouters)
{
	(void)vrouters;
	return quiet;
}

int vrouters_release(struct vrouters *vrouters)
{
	(void)vrouters;
	/* Before the kernel half lets anything pass again. */
	assert_int_not_equal(asked_term_ms, 0);
	quiet = false;
	return 0;
}

bool vrouters_held(const struct vrouters *vrouters)
{
	(void)vrouters;
	return held;
}

unsigned int vrouters_macvlans(const struct vrouters *vrouters, uint32_t *ifindex,
			       unsigned int max)
{
	unsigned int i;

	(void)vrouters;
	assert_true(macvlans <= max);
	for (i = 0; i < macvlans; i++)
		ifindex[i] = 10 + i;
	return macvlans;
}

int kernel_lease(struct kernel *kernel, uint32_t term_ms, const uint32_t *ifindex,
		 unsigned int count)
{
	assert_ptr_equal(kernel, KERNEL);
	assert_true(!count || ifindex[0] == 10);
	asked++;
	asked_term_ms = term_ms;
	asked_count = count;
	return kernel_answer;
}

void epochfile_note_start(struct epochfile *file, uint32_t start)
{
	(void)file;
	noted_start = start;
}

static void on_release(void *arg, uint8_t owner, uint32_t epoch)
{
	(void)arg;
	(void)owner;
	(void)epoch;
	held = false;
	released++;
}

static void on_acquire(void *arg, uint64_t owners, uint32_t epoch)
{
	(void)arg;
	(void)owners;
	(void)epoch;
	lease_take(&g);
	held = true;
}

/* As gateway_heartbeat() does. */
static void beat(void)
{
	g.heartbeat.sent_ns = now_ns;
	lease_renew(&g, now_ns);
}

static void pass(uint64_t ms)
{
	now_ns += ms * MS;
	round_cb(&g);
}

/* So many heartbeats, the last one 60 ms ago. */
static void beats(unsigned int beats)
{
	while (beats--) {
		pass(100);
		g.heartbeat.sent_ns = now_ns - 60 * MS;
		member_tick(&g.member, now_ns);
	}
}

static int setup(void **state)
{
	const struct member_params params = {
		.self = SELF, .priority = 100, .heartbeat_ns = HEARTBEAT_MS * MS, .dead_after = 3,
	};
	struct member_actions actions = ignored_actions;
	static const uint8_t key[1][SEAL_KEY_BYTES] = { { 7 } };
	struct timespec ts;

	(void)state;
	log_init(LOG_LEVEL_ERROR);
	memset(&g, 0, sizeof(g));
	config.member = SELF;
	g.config = &config;
	g.peers.count = 1;
	peer = &g.peers.peer[0];
	peer->id = PEER;
	peer->name = "gw2";
	g.peers.by_id[PEER] = peer;
	g.attach.kernel = KERNEL;
	macvlans = 2;
	held = false;
	quiet = false;
	released = 0;
	asked = 0;
	kernel_answer = 0;
	noted_start = 0;
	/* The machine has not slept: both clocks are one. */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	now_ns = (uint64_t)ts.tv_sec * NSEC_PER_SEC + NSEC_PER_SEC;
	assert_int_equal(session_init(&g.speaker.session, 1, SELF, 1000, 0x6, key, 1), 0);
	lease_init(&g);
	actions.acquire = on_acquire;
	actions.release = on_release;
	member_start(&g.member, &params, &actions, now_ns, 4, true);
	g.started = true;
	g.heartbeat.sent_ns = now_ns;
	beats(7);
	assert_int_equal(g.member.state, MEMBER_OWNER);
	return 0;
}

static void test_take(void **state)
{
	(void)state;
	/* With the interfaces, before the addresses, from the last heartbeat on. */
	assert_int_equal(asked, 1);
	assert_int_equal(asked_count, 2);
	assert_int_equal(asked_term_ms, TERM_MS - 60);
}

static void test_renew(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		pass(i % 2 ? 70 : 170);		/* late, not too late */
		beat();
		assert_int_equal(asked_count, 0);
		assert_int_equal(asked_term_ms, TERM_MS);
	}
	assert_int_equal(g.member.state, MEMBER_OWNER);
	macvlans = 3;
	beat();
	assert_int_equal(asked_count, 3);
	beat();
	assert_int_equal(asked_count, 0);
}

/* It hands over: the kernel half has ended it, and until the addresses are down none of
 * what happens lets anything pass again.
 */
static void test_ended(void **state)
{
	const struct kernel_event lapsed = { .event = GWSYNC_EVENT_LAPSED };

	(void)state;
	kernel_answer = -ESTALE;
	assert_true(lease_has_ended(&g));
	assert_int_equal(asked_count, 0);
	held = false;
	quiet = true;
	asked = 0;
	beat();
	pass(TERM_MS);
	beat();
	assert_true(lease_event(&g, &lapsed));
	pass(1);
	assert_int_equal(asked, 0);
	assert_int_equal(g.lease.lapsed, 0);
	assert_true(quiet);
	kernel_answer = 0;
	lease_give_back(&g);
	assert_false(quiet);
	assert_int_equal(asked, 1);
	assert_int_equal(asked_term_ms, 0);
}

/* An older kernel half does not end it, and an interface that has just come is not in it. */
static void test_not_ended(void **state)
{
	(void)state;
	assert_false(lease_has_ended(&g));
	kernel_answer = -ESTALE;
	macvlans = 3;
	assert_false(lease_has_ended(&g));
	macvlans = 2;
	g.lease.taken = false;
	assert_false(lease_has_ended(&g));
}

static void test_late(void **state)
{
	(void)state;
	beat();
	pass(TERM_MS - 1);
	assert_int_equal(released, 0);
	/* Others own 50 ms later. */
	pass(1);
	assert_int_equal(released, 1);
	assert_false(held);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	assert_int_equal(g.lease.lapsed, 1);
	assert_int_equal(asked_term_ms, 0);
	/* It listens before it owns again. */
	member_tick(&g.member, now_ns);
	beats(6);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	beats(1);
	assert_int_equal(g.member.state, MEMBER_OWNER);
	assert_int_equal(asked_count, 2);
}

/* The heartbeat left, but the answer of the kernel half came too late. */
static void test_lapsed_in_kernel(void **state)
{
	(void)state;
	kernel_answer = -ESTALE;
	pass(100);
	beat();
	/* Not in the middle of whatever this is, but before anything is read. */
	assert_int_equal(released, 0);
	assert_true(g.lease.timer.due_ns && g.lease.timer.due_ns <= now_ns);
	pass(0);
	assert_int_equal(released, 1);
}

static void test_event(void **state)
{
	const struct kernel_event lapsed = { .event = GWSYNC_EVENT_LAPSED };
	const struct kernel_event other = { .event = GWSYNC_EVENT_WALK_DONE };

	(void)state;
	assert_false(lease_event(&g, &other));
	assert_true(lease_event(&g, &lapsed));
	pass(0);
	assert_int_equal(released, 1);
	/* Again: of the one that was given back. */
	assert_true(lease_event(&g, &lapsed));
	pass(0);
	assert_int_equal(released, 1);
}

/* Of a switchover: the addresses are down, the member still owner. */
static void test_given_back(void **state)
{
	(void)state;
	held = false;
	beat();
	assert_int_equal(asked_term_ms, 0);
	pass(10 * DEAD_MS);
	assert_int_equal(g.member.state, MEMBER_OWNER);
	asked = 0;
	beat();
	assert_int_equal(asked, 0);
}

static void test_refused(void **state)
{
	unsigned int i;

	(void)state;
	kernel_answer = -EOPNOTSUPP;
	asked = 0;
	for (i = 0; i < 50; i++) {
		beat();
		pass(100);
	}
	/* After 0, 1 and 3 seconds, since it is said each time. */
	assert_int_equal(asked, 3);
	assert_int_equal(g.member.state, MEMBER_OWNER);
	kernel_answer = 0;
	for (i = 0; i < 30; i++) {
		beat();
		pass(100);
	}
	assert_int_equal(asked_count, 0);
	assert_true(asked > 4);
}

static void test_without_kernel(void **state)
{
	(void)state;
	g.attach.kernel = NULL;
	g.lease.taken = false;
	asked = 0;
	beat();
	pass(TERM_MS - 1);
	assert_int_equal(released, 0);
	pass(1);
	assert_int_equal(released, 1);
	assert_int_equal(asked, 0);
}

static void test_only_member(void **state)
{
	(void)state;
	lease_give_back(&g);
	g.peers.count = 0;
	lease_take(&g);
	beat();
	pass(100 * DEAD_MS);
	assert_int_equal(g.member.state, MEMBER_OWNER);
}

/* A heartbeat that took @delay_ms; the peer's clock began elsewhere. */
static bool hear(uint64_t delay_ms)
{
	return lease_heard(&g, peer, now_ns, now_ns / MS - delay_ms + 123456789);
}

static void test_heard(void **state)
{
	unsigned int i;

	(void)state;
	/* Late ones, early ones, a peer whose clock is 200 ms a minute faster, for an hour. */
	for (i = 0; i < 36000; i++) {
		uint64_t drift_ms = i / 3;

		now_ns += 100 * MS;
		assert_false(lease_heard(&g, peer, now_ns, now_ns / MS + 5000 + drift_ms -
					 (i % 7 ? i % 60 : 900)));
	}
	/* One whose clock stands still, or goes back: its machine slept, not this one. */
	now_ns += 10 * NSEC_PER_SEC;
	assert_false(lease_heard(&g, peer, now_ns, 5000));
	assert_false(lease_heard(&g, peer, now_ns, 4000));
	assert_int_equal(released, 0);
}

static void test_stood_still(void **state)
{
	uint64_t boot_id = g.speaker.session.boot_id;
	unsigned int i;

	(void)state;
	for (i = 0; i < 150; i++) {
		now_ns += 100 * MS;
		assert_false(hear(i % 8));
	}
	/* What waited in the socket meanwhile came at once: all as if it were now. */
	for (i = 1; i < 3; i++)
		assert_false(lease_heard(&g, peer, now_ns, now_ns / MS + 123456789 + 100 * i));
	assert_true(lease_heard(&g, peer, now_ns, now_ns / MS + 123456789 + 300));
	assert_int_equal(released, 1);
	assert_int_equal(g.member.state, MEMBER_BACKUP);
	assert_int_equal(g.lease.resumed, 1);
	/* The sessions are over: peers know all that it could say in them. */
	assert_true(g.speaker.session.boot_id != boot_id);
	assert_true(session_start(&g.speaker.session) > 1000);
	assert_int_equal(noted_start, session_start(&g.speaker.session));
	/* It begins with the next session. */
	assert_false(hear(0));
	now_ns += 100 * MS;
	assert_false(hear(0));
}

/* A snapshot of five minutes ago, of a backup. */
static void test_snapshot(void **state)
{
	unsigned int i;

	(void)state;
	held = false;
	g.member.state = MEMBER_BACKUP;
	for (i = 0; i < 150; i++) {
		now_ns += 100 * MS;
		assert_false(hear(i % 8));
	}
	assert_true(lease_heard(&g, peer, now_ns, now_ns / MS + 123456789 + 300 * 1000));
	assert_int_equal(released, 0);
	assert_int_equal(g.lease.resumed, 1);
}

static void test_resumed_event(void **state)
{
	const struct kernel_event resumed = { .event = GWSYNC_EVENT_RESUMED };
	uint64_t boot_id = g.speaker.session.boot_id;

	(void)state;
	assert_true(lease_event(&g, &resumed));
	assert_int_equal(released, 1);
	assert_true(g.speaker.session.boot_id != boot_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_take, setup),
		cmocka_unit_test_setup(test_renew, setup),
		cmocka_unit_test_setup(test_ended, setup),
		cmocka_unit_test_setup(test_not_ended, setup),
		cmocka_unit_test_setup(test_late, setup),
		cmocka_unit_test_setup(test_lapsed_in_kernel, setup),
		cmocka_unit_test_setup(test_event, setup),
		cmocka_unit_test_setup(test_given_back, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_without_kernel, setup),
		cmocka_unit_test_setup(test_only_member, setup),
		cmocka_unit_test_setup(test_heard, setup),
		cmocka_unit_test_setup(test_stood_still, setup),
		cmocka_unit_test_setup(test_snapshot, setup),
		cmocka_unit_test_setup(test_resumed_event, setup),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}

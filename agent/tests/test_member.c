// SPDX-License-Identifier: GPL-2.0
/* The state machine of membership, under a fake clock and a fake LAN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "member/member.h"

#define MEMBERS		5
#define HEARTBEAT_NS	(100 * NSEC_PER_MSEC)
#define STEP_NS		(5 * NSEC_PER_MSEC)
#define START_NS	(1000 * NSEC_PER_SEC)

struct node {
	struct lan	*lan;
	struct member	m;
	uint8_t		id;
	bool		on;		/* the daemon runs */
	bool		stopped;	/* SIGSTOP */
	bool		holds;		/* the addresses */
	bool		announce;
	uint64_t	beat_ns, tick_ns;
	bool		syncs;		/* gets in sync some time after it follows */
	uint64_t	synced_ns;
	unsigned int	acquired, released, followed, handed_over;
	uint8_t		hand_over_to;
	uint64_t	owners;
	uint64_t	acquired_ns;
	unsigned int	asserted;
	bool		old;		/* speaks the old version */
};

struct lan {
	uint64_t	now_ns;
	struct node	node[MEMBERS + 1];
	bool		cut[MEMBERS + 1][MEMBERS + 1];	/* from, to */
	unsigned int	most_owners;	/* that held addresses at once */
};

static void do_acquire(void *arg, uint64_t owners, uint32_t epoch)
{
	struct node *n = arg;

	assert_int_equal(epoch, n->m.epoch);
	n->owners |= owners;
	n->holds = true;
	n->acquired++;
	n->acquired_ns = n->lan->now_ns;
}

static void do_release(void *arg, uint8_t owner, uint32_t epoch)
{
	struct node *n = arg;

	(void)epoch;
	assert_true(owner <= GWSYNC_MEMBER_MAX && owner != n->id);
	n->holds = false;
	n->released++;
}

static void do_assert(void *arg, bool contested)
{
	struct node *n = arg;

	(void)contested;
	assert_true(n->holds);
	n->asserted++;
}

static void do_follow(void *arg, uint8_t owner, uint32_t epoch)
{
	struct node *n = arg;

	(void)epoch;
	assert_int_not_equal(owner, n->id);
	n->followed++;
	n->synced_ns = n->syncs ? n->lan->now_ns + 50 * NSEC_PER_MSEC : 0;
}

static void do_hand_over(void *arg, uint8_t to)
{
	struct node *n = arg;

	n->handed_over++;
	n->hand_over_to = to;
}

static void do_announce(void *arg)
{
	struct node *n = arg;

	n->announce = true;
}

static void do_alive(void *arg, uint8_t id, bool alive)
{
	(void)arg;
	(void)id;
	(void)alive;
}

#define LINK_DELAY_NS	(10 * NSEC_PER_SEC)
#define UNSURE_NS	(30 * NSEC_PER_SEC)

static void node_boot(struct lan *lan, uint8_t id, uint8_t priority, bool preempt,
		      uint32_t epoch, bool settled)
{
	struct node *n = &lan->node[id];
	struct member_params params = {
		.self = id, .priority = priority, .preempt = preempt,
		.preempt_delay_ns = NSEC_PER_SEC, .heartbeat_ns = HEARTBEAT_NS, .dead_after = 3,
		.link_delay_ns = LINK_DELAY_NS, .unsure_ns = UNSURE_NS,
	};
	struct member_actions actions = {
		.acquire = do_acquire, .assert = do_assert, .release = do_release,
		.follow = do_follow,
		.hand_over = do_hand_over, .announce = do_announce, .alive = do_alive, .arg = n,
	};

	memset(n, 0, sizeof(*n));
	n->lan = lan;
	n->id = id;
	n->on = true;
	n->syncs = true;
	n->beat_ns = lan->now_ns + id * 7 * NSEC_PER_MSEC;
	n->tick_ns = lan->now_ns;
	member_start(&n->m, &params, &actions, lan->now_ns, epoch, settled);
}

static void node_start_epoch(struct lan *lan, uint8_t id, uint8_t priority, bool preempt,
			     uint32_t epoch)
{
	node_boot(lan, id, priority, preempt, epoch, true);
}

static void node_start(struct lan *lan, uint8_t id, uint8_t priority)
{
	node_start_epoch(lan, id, priority, false, 0);
}

static void node_kill(struct lan *lan, uint8_t id)
{
	lan->node[id].on = false;
	lan->node[id].holds = false;
}

static void node_beat(struct lan *lan, struct node *n)
{
	struct member_report report;
	unsigned int to;

	n->announce = false;
	for (to = 1; to <= MEMBERS; to++) {
		struct node *peer = &lan->node[to];

		if (to == n->id || !peer->on || peer->stopped || lan->cut[n->id][to])
			continue;
		member_report(&n->m, &report);
		report.drained = true;
		report.newer = !n->old;
		report.hears_us = !lan->cut[to][n->id];
		member_heard(&peer->m, lan->now_ns, n->id, &report);
	}
}

static unsigned int lan_owners(const struct lan *lan)
{
	unsigned int i, owners = 0;

	for (i = 1; i <= MEMBERS; i++)
		owners += lan->node[i].on && lan->node[i].holds;
	return owners;
}

static void lan_run(struct lan *lan, uint64_t ms)
{
	uint64_t end_ns = lan->now_ns + ms * NSEC_PER_MSEC;

	while (lan->now_ns < end_ns) {
		unsigned int i;

		lan->now_ns += STEP_NS;
		for (i = 1; i <= MEMBERS; i++) {
			struct node *n = &lan->node[i];

			if (!n->on || n->stopped)
				continue;
			if (lan->now_ns >= n->beat_ns || n->announce) {
				if (lan->now_ns >= n->beat_ns)
					n->beat_ns = lan->now_ns + HEARTBEAT_NS;
				node_beat(lan, n);
			}
			if (n->synced_ns && lan->now_ns >= n->synced_ns) {
				n->synced_ns = 0;
				if (n->m.owner)
					member_set_in_sync(&n->m, lan->now_ns, true);
			}
			if (lan->now_ns >= n->tick_ns)
				n->tick_ns = member_tick(&n->m, lan->now_ns);
		}
		if (lan_owners(lan) > lan->most_owners)
			lan->most_owners = lan_owners(lan);
	}
}

static struct lan lan_make(void)
{
	struct lan lan = { .now_ns = START_NS };

	return lan;
}

static void lan_cut(struct lan *lan, uint8_t a, uint8_t b, bool cut)
{
	lan->cut[a][b] = cut;
	lan->cut[b][a] = cut;
}

/* Exactly this member is owner, all others that run are backups of it. */
static void assert_owner(struct lan *lan, uint8_t owner)
{
	unsigned int i;

	for (i = 1; i <= MEMBERS; i++) {
		struct node *n = &lan->node[i];

		if (!n->on)
			continue;
		assert_int_equal(n->m.owner, owner);
		assert_int_equal(n->m.state, i == owner ? MEMBER_OWNER : MEMBER_BACKUP);
		assert_int_equal(n->holds, i == owner);
		assert_int_equal(n->m.epoch, lan->node[owner].m.epoch);
	}
}

/* The same, whatever @away believes. */
static void assert_owner_but(struct lan *lan, uint8_t owner, uint8_t away)
{
	lan->node[away].on = false;
	assert_owner(lan, owner);
	lan->node[away].on = true;
}

/* Of three priorities: the first one owns, the others are in sync. */
static void lan_start_three(struct lan *lan)
{
	node_start(lan, 1, 200);
	node_start(lan, 2, 150);
	node_start(lan, 3, 100);
	lan_run(lan, 2000);
	assert_owner(lan, 1);
}

static void test_start_alone(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 3, 100);
	lan_run(&lan, 600);
	assert_int_equal(lan.node[3].m.state, MEMBER_INITIALIZE);
	lan_run(&lan, 100);
	assert_owner(&lan, 3);
	assert_int_equal(lan.node[3].m.epoch, 1);
	assert_int_equal(lan.node[3].acquired, 1);
	/* All others' replicas, none of its own, and no member 0. */
	assert_true(lan.node[3].owners == (~0ULL & ~(1ULL << 3) & ~1ULL));
}

static void test_start_known_epoch(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start_epoch(&lan, 1, 100, false, 41);
	lan_run(&lan, 1000);
	assert_int_equal(lan.node[1].m.epoch, 42);
}

static void test_start_with_owner(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 200);	/* the better priority does not matter */
	lan_run(&lan, 120);
	assert_owner(&lan, 1);
	lan_run(&lan, 3000);
	assert_owner(&lan, 1);
	assert_true(lan.node[2].m.in_sync);
	assert_int_equal(lan.node[1].handed_over, 0);
	assert_int_equal(lan.most_owners, 1);
}

static void test_start_together(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 150);
	node_start(&lan, 3, 150);
	lan_run(&lan, 2000);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
}

static void test_death_of_owner(void **state)
{
	struct lan lan = lan_make();
	uint64_t died_ns;
	uint32_t epoch;

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 100);
	lan_run(&lan, 1000);
	epoch = lan.node[1].m.epoch;
	node_kill(&lan, 1);
	died_ns = lan.now_ns;
	lan_run(&lan, 220);
	assert_int_equal(lan.node[2].m.state, MEMBER_BACKUP);
	lan_run(&lan, 120);
	assert_owner(&lan, 2);
	assert_int_equal(lan.node[2].m.epoch, epoch + 1);
	assert_true(lan.node[2].owners & 1ULL << 1);
	assert_true(lan.node[2].acquired_ns - died_ns <= 335 * NSEC_PER_MSEC);

	/* It comes back and follows, although its id is lower. */
	node_start(&lan, 1, 100);
	lan_run(&lan, 2000);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
}

static void test_leave(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	assert_owner(&lan, 1);
	lan.node[1].holds = false;
	member_leave(&lan.node[1].m, lan.now_ns);
	lan_run(&lan, 10);
	node_kill(&lan, 1);
	lan_run(&lan, 10);
	assert_owner(&lan, 2);		/* at once, not after the dead time */
}

/* With three members, one cut between two of them is no death. */
static void test_heard_by_another(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	lan_start_three(&lan);
	lan_cut(&lan, 1, 2, true);
	lan_run(&lan, 5000);
	assert_int_equal(lan.most_owners, 1);
	assert_int_equal(lan.node[1].m.state, MEMBER_OWNER);
	assert_int_equal(lan.node[2].m.state, MEMBER_BACKUP);
	assert_int_equal(lan.node[2].acquired, 0);
	lan_cut(&lan, 1, 2, false);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
}

/* Loss of heartbeats below the limit is no death. */
static void test_missed_heartbeats(void **state)
{
	struct lan lan = lan_make();
	unsigned int i;

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	for (i = 0; i < 20; i++) {
		lan_cut(&lan, 1, 2, true);
		lan_run(&lan, 190);	/* two heartbeats at most */
		lan_cut(&lan, 1, 2, false);
		lan_run(&lan, 110);
	}
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[2].acquired, 0);
	assert_int_equal(lan.node[2].followed, 1);
}

static void test_priority_of_heirs(void **state)
{
	struct lan lan = lan_make();
	uint64_t died_ns;

	(void)state;
	node_start(&lan, 1, 250);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 100);
	node_start(&lan, 3, 120);
	node_start(&lan, 4, 120);
	node_start(&lan, 5, 90);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	node_kill(&lan, 1);
	died_ns = lan.now_ns;
	lan_run(&lan, 1000);
	assert_owner(&lan, 3);
	assert_true(lan.node[3].acquired_ns - died_ns <= 400 * NSEC_PER_MSEC);
	assert_int_equal(lan.most_owners, 1);

	/* And again, to the last. */
	node_kill(&lan, 3);
	lan_run(&lan, 1000);
	assert_owner(&lan, 4);
	node_kill(&lan, 4);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
	node_kill(&lan, 2);
	lan_run(&lan, 1000);
	assert_owner(&lan, 5);
	assert_int_equal(lan.most_owners, 1);
}

static void test_in_sync_before_priority(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 50);
	node_start(&lan, 3, 200);
	lan.node[3].syncs = false;
	lan_run(&lan, 1000);
	assert_false(lan.node[3].m.in_sync);
	node_kill(&lan, 1);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
}

static void test_unhealthy_is_last(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 200);
	node_start(&lan, 3, 50);
	lan_run(&lan, 1000);
	member_set_health(&lan.node[2].m, lan.now_ns, 0, 0);
	lan_run(&lan, 200);
	node_kill(&lan, 1);
	lan_run(&lan, 1000);
	assert_owner(&lan, 3);
	/* An unhealthy owner is better than none. */
	node_kill(&lan, 3);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
}

/* The best heir hangs after the owner's death: the next takes its turn. */
static void test_heir_hangs(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 250);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 200);
	node_start(&lan, 3, 100);
	lan_run(&lan, 1000);
	node_kill(&lan, 1);
	lan_run(&lan, 100);
	node_kill(&lan, 2);
	lan_run(&lan, 1000);
	assert_owner(&lan, 3);
}

static void test_preempt(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start_epoch(&lan, 1, 100, true, 0);
	lan_run(&lan, 1000);
	node_start_epoch(&lan, 2, 200, true, 0);
	lan.node[2].syncs = false;
	lan_run(&lan, 5000);
	assert_int_equal(lan.node[1].handed_over, 0);	/* not before in sync */
	member_set_in_sync(&lan.node[2].m, lan.now_ns, true);
	lan_run(&lan, 900);
	assert_int_equal(lan.node[1].handed_over, 0);	/* not before the delay */
	lan_run(&lan, 400);
	assert_int_equal(lan.node[1].handed_over, 1);
	assert_int_equal(lan.node[1].hand_over_to, 2);
}

static void test_unhealthy_owner_hands_over(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 100);
	lan_run(&lan, 1000);
	/* A blip is borne. */
	member_set_health(&lan.node[1].m, lan.now_ns, 0, 0);
	lan_run(&lan, 400);
	member_set_health(&lan.node[1].m, lan.now_ns, MEMBER_SCORE_MAX, 0);
	lan_run(&lan, 1000);
	assert_int_equal(lan.node[1].handed_over, 0);
	member_set_health(&lan.node[1].m, lan.now_ns, 0, 0);
	lan_run(&lan, 700);
	assert_int_equal(lan.node[1].handed_over, 1);
	assert_int_equal(lan.node[1].hand_over_to, 2);

	/* Not to one that is no better off. */
	member_set_health(&lan.node[2].m, lan.now_ns, 0, 0);
	lan_run(&lan, 3000);
	assert_int_equal(lan.node[1].handed_over, 1);
}

static void switch_over(struct lan *lan, uint8_t from, uint8_t to)
{
	lan->node[from].holds = false;
	member_resign(&lan->node[from].m, lan->now_ns, to);
}

static void test_switchover(void **state)
{
	struct lan lan = lan_make();
	uint64_t asked_ns;
	uint32_t epoch;

	(void)state;
	node_start(&lan, 1, 200);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 150);
	node_start(&lan, 3, 100);
	lan_run(&lan, 1000);
	epoch = lan.node[1].m.epoch;
	assert_int_equal(member_best_backup(&lan.node[1].m, false), 2);

	asked_ns = lan.now_ns;
	switch_over(&lan, 1, 3);	/* not the best, but the one asked for */
	lan_run(&lan, 300);
	assert_owner(&lan, 3);
	assert_int_equal(lan.node[3].m.epoch, epoch + 1);
	assert_true(lan.node[3].acquired_ns - asked_ns <= 15 * NSEC_PER_MSEC);
	assert_int_equal(lan.node[2].acquired, 0);
	assert_int_equal(lan.node[1].released, 0);
	lan_run(&lan, 2000);
	assert_owner(&lan, 3);
	assert_int_equal(lan.most_owners, 1);
}

/* The heir dies at that moment: another takes over, soon. */
static void test_switchover_heir_dies(void **state)
{
	struct lan lan = lan_make();
	uint64_t asked_ns;

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 150);
	node_start(&lan, 3, 120);
	lan_run(&lan, 1000);
	node_kill(&lan, 2);
	asked_ns = lan.now_ns;
	switch_over(&lan, 1, 2);
	lan_run(&lan, 2000);
	assert_owner(&lan, 3);
	assert_true(lan.node[3].acquired_ns - asked_ns <= 1000 * NSEC_PER_MSEC);
	assert_int_equal(lan.most_owners, 1);
}

/* The heir has not applied all: it waits for that, but not for ever. */
static void test_switchover_not_drained(void **state)
{
	struct member_report report = {
		.state = MEMBER_BACKUP, .epoch = 2, .priority = 100, .owner = 2, .in_sync = true,
	};
	struct lan lan = lan_make();
	struct node *n;

	(void)state;
	node_start(&lan, 1, 200);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 100);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	n = &lan.node[2];
	node_kill(&lan, 1);
	member_heard(&n->m, lan.now_ns, 1, &report);
	assert_int_equal(n->m.state, MEMBER_BACKUP);
	report.drained = true;
	member_heard(&n->m, lan.now_ns, 1, &report);
	assert_int_equal(n->m.state, MEMBER_OWNER);
	assert_int_equal(n->m.epoch, 2);
}

static void split(struct lan *lan, bool cut)
{
	lan_cut(lan, 1, 2, cut);
}

static void test_split_brain_epoch(void **state)
{
	struct lan lan = lan_make();
	uint32_t epoch;

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	assert_owner(&lan, 1);
	split(&lan, true);
	lan_run(&lan, 1000);
	assert_int_equal(lan_owners(&lan), 2);
	assert_int_equal(lan.node[2].m.epoch, 2);
	epoch = lan.node[2].m.epoch;

	/* The newer epoch wins, although 1 has the better priority and id. */
	split(&lan, false);
	lan_run(&lan, 110);
	assert_owner(&lan, 2);
	assert_int_equal(lan.node[2].m.epoch, epoch);
	assert_int_equal(lan.node[1].released, 1);
	assert_true(lan.node[2].acquired >= 1);
	lan_run(&lan, 1000);
	assert_true(lan.node[1].m.in_sync);
}

static void split_tie(struct lan *lan, uint8_t p1, uint8_t p2)
{
	*lan = lan_make();
	split(lan, true);
	node_start(lan, 1, p1);
	node_start(lan, 2, p2);
	lan_run(lan, 1000);
	assert_int_equal(lan_owners(lan), 2);
	assert_int_equal(lan->node[1].m.epoch, lan->node[2].m.epoch);
	split(lan, false);
	lan_run(lan, 400);
	assert_int_equal(lan_owners(lan), 1);
}

static void test_split_brain_ties(void **state)
{
	struct lan lan;

	(void)state;
	split_tie(&lan, 100, 150);
	assert_owner(&lan, 2);
	assert_true(lan.node[2].m.epoch > 1);	/* nobody's records of epoch 1 count now */
	split_tie(&lan, 150, 100);
	assert_owner(&lan, 1);
	split_tie(&lan, 100, 100);
	assert_owner(&lan, 1);
}

static void test_split_brain_five(void **state)
{
	struct lan lan = lan_make();
	unsigned int a, b;

	(void)state;
	for (a = 1; a <= 5; a++)
		node_start(&lan, (uint8_t)a, 100);
	lan_run(&lan, 2000);
	assert_owner(&lan, 1);
	for (a = 1; a <= 2; a++)
		for (b = 3; b <= 5; b++)
			lan_cut(&lan, (uint8_t)a, (uint8_t)b, true);
	lan_run(&lan, 2000);
	assert_int_equal(lan_owners(&lan), 2);
	assert_int_equal(lan.node[3].m.state, MEMBER_OWNER);
	memset(lan.cut, 0, sizeof(lan.cut));
	lan_run(&lan, 1000);
	assert_owner(&lan, 3);
}

/* An owner that returns with an old epoch yields to a backup that holds all of
 * the newer owner, which is dead by then.
 */
static void test_stale_owner_against_synced_backup(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	lan_start_three(&lan);
	lan_cut(&lan, 1, 2, true);
	lan_cut(&lan, 1, 3, true);
	lan_run(&lan, 1000);
	assert_int_equal(lan.node[2].m.state, MEMBER_OWNER);
	assert_true(lan.node[3].m.in_sync);
	node_kill(&lan, 2);
	memset(lan.cut, 0, sizeof(lan.cut));
	lan_run(&lan, 1500);
	assert_owner(&lan, 3);
	assert_int_equal(lan.node[1].released, 1);
}

/* Two that do not hear each other, and the backup of both is started again. */
static void test_two_owners_of_one_backup(void **state)
{
	struct lan lan = lan_make();
	uint8_t owner, other;

	(void)state;
	lan_start_three(&lan);
	lan_cut(&lan, 1, 3, true);
	lan_run(&lan, 1000);
	assert_int_equal(lan.most_owners, 1);
	node_start_epoch(&lan, 2, 150, false, lan.node[2].m.epoch);
	lan.node[2].syncs = false;	/* its full sync takes long */
	member_lost(&lan.node[1].m, lan.now_ns, 2);
	member_lost(&lan.node[3].m, lan.now_ns, 2);
	node_beat(&lan, &lan.node[2]);
	lan_run(&lan, 3000);
	owner = lan.node[2].m.owner;
	assert_true(owner == 1 || owner == 3);
	other = 4 - owner;
	assert_int_equal(lan.node[2].m.state, MEMBER_BACKUP);
	assert_int_equal(lan.node[owner].m.state, MEMBER_OWNER);
	assert_int_equal(lan.node[owner].m.epoch, lan.node[2].m.epoch);
	assert_int_equal(lan_owners(&lan), 1);
	assert_true(lan.node[owner].m.epoch < 10);
	assert_true(lan.node[owner].acquired_ns <= lan.now_ns - 2000 * NSEC_PER_MSEC);

	/* The one that gave way is quiet until the other dies. */
	member_set_in_sync(&lan.node[2].m, lan.now_ns, true);
	node_kill(&lan, owner);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
	lan_cut(&lan, 1, 3, false);
	node_start(&lan, owner, 200);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
	assert_true(lan.node[other].m.in_sync);
}

/* The newer owner that a backup speaks of is dead: somebody owns soon again. */
static void test_newer_owner_is_dead(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	lan_start_three(&lan);
	lan_cut(&lan, 1, 2, true);
	lan_cut(&lan, 1, 3, true);
	lan.node[3].syncs = false;
	lan_run(&lan, 1000);
	assert_int_equal(lan.node[2].m.state, MEMBER_OWNER);
	assert_false(lan.node[3].m.in_sync);
	node_kill(&lan, 2);
	memset(lan.cut, 0, sizeof(lan.cut));
	lan_run(&lan, 110);
	assert_int_equal(lan.node[1].released, 1);
	lan_run(&lan, 650);	/* two dead intervals */
	assert_owner(&lan, 1);
	assert_true(lan.node[1].m.epoch < 5);
}

/* A newcomer that knows a newer epoch, but no state, must not unseat anybody. */
static void test_newcomer_with_newer_epoch(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start(&lan, 3, 100);
	lan_run(&lan, 1000);
	node_start_epoch(&lan, 2, 200, false, 77);
	lan_run(&lan, 2000);
	assert_owner(&lan, 1);
	assert_true(lan.node[1].m.epoch > 77);
	assert_int_equal(lan.node[1].released, 0);
	assert_int_equal(lan.node[2].acquired, 0);
	assert_int_equal(lan.node[3].acquired, 0);
}

/* A backup that was stopped must not take its own sleep for the owner's death. */
static void test_clock_jump_backup(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	lan.node[2].stopped = true;
	lan_run(&lan, 10000);
	lan.node[2].stopped = false;
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[2].acquired, 0);

	/* But if the owner did die meanwhile, it takes over after the dead time. */
	lan.node[2].stopped = true;
	lan_run(&lan, 5000);
	node_kill(&lan, 1);
	lan.node[2].stopped = false;
	lan_run(&lan, 200);
	assert_int_equal(lan.node[2].m.state, MEMBER_BACKUP);
	lan_run(&lan, 400);
	assert_owner(&lan, 2);
}

static void test_clock_jump_owner(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	lan.node[1].stopped = true;
	lan_run(&lan, 10000);
	assert_int_equal(lan.node[2].m.state, MEMBER_OWNER);
	lan.node[1].stopped = false;
	lan_run(&lan, 110);
	assert_owner(&lan, 2);
	assert_int_equal(lan.node[1].released, 1);
	assert_int_equal(lan.node[1].acquired, 1);
}

/* A clock that is a moment behind is no sleep. */
static void test_clock_behind(void **state)
{
	struct lan lan = lan_make();
	uint64_t listen_ns;

	(void)state;
	node_start(&lan, 1, 100);
	listen_ns = lan.node[1].m.listen_ns;
	member_tick(&lan.node[1].m, lan.now_ns - 1);
	assert_true(lan.node[1].m.listen_ns == listen_ns);
}

/* An owner that was away for less than others wait: they own before it does. */
static void test_lapse(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	lan_start_three(&lan);
	lan.node[1].stopped = true;
	lan_run(&lan, 200);	/* and up to 100 since its last heartbeat */
	lan.node[1].stopped = false;
	member_lapse(&lan.node[1].m, lan.now_ns);
	assert_false(lan.node[1].holds);
	assert_int_equal(lan.node[1].m.state, MEMBER_BACKUP);
	lan_run(&lan, 100);
	assert_int_equal(lan.node[2].m.state, MEMBER_OWNER);
	lan_run(&lan, 500);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
	lan_run(&lan, 5000);
	assert_owner(&lan, 2);
	/* For longer: nothing else happens. */
	lan.node[2].stopped = true;
	lan_run(&lan, 200);
	lan.node[2].holds = false;	/* its kernel half's */
	lan_run(&lan, 60000);
	assert_owner_but(&lan, 1, 2);
	lan.node[2].stopped = false;
	member_lapse(&lan.node[2].m, lan.now_ns);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.most_owners, 1);
}

/* Nobody else is there, or could serve: it owns again when it has listened. */
static void test_lapse_alone(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 2000);
	member_lapse(&lan.node[1].m, lan.now_ns);
	assert_false(lan.node[1].holds);
	lan_run(&lan, 640);
	assert_int_equal(lan.node[1].m.state, MEMBER_BACKUP);
	lan_run(&lan, 20);
	assert_owner(&lan, 1);
	/* A backup that lapses follows whom it followed. */
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	member_lapse(&lan.node[2].m, lan.now_ns);
	lan_run(&lan, 200);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[2].acquired, 0);
}

static void test_isolated(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	/* All cables of 2 are pulled: that says nothing about 1. */
	member_set_isolated(&lan.node[2].m, lan.now_ns, true);
	lan_cut(&lan, 1, 2, true);
	lan_run(&lan, 5000);
	assert_int_equal(lan.node[2].acquired, 0);
	assert_int_equal(lan_owners(&lan), 1);
	lan_cut(&lan, 1, 2, false);
	member_set_isolated(&lan.node[2].m, lan.now_ns, false);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[2].acquired, 0);
}

static void test_flapping(void **state)
{
	struct lan lan = lan_make();
	unsigned int i;

	(void)state;
	node_start(&lan, 2, 100);
	lan_run(&lan, 1000);
	for (i = 0; i < 20; i++) {
		node_start(&lan, 1, 254);
		lan_run(&lan, 50 + 73 * i);
		assert_int_equal(lan.node[2].m.state, MEMBER_OWNER);
		node_kill(&lan, 1);
		lan_run(&lan, 20 + 41 * i);
	}
	assert_owner(&lan, 2);
	assert_int_equal(lan.node[2].m.epoch, 1);
	assert_int_equal(lan.node[2].acquired, 1);
	assert_int_equal(lan.most_owners, 1);
}

/* Restarted within the dead time: the others do not wait for it. */
static void test_owner_restarts(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	node_start_epoch(&lan, 1, 200, false, lan.node[1].m.epoch);
	member_lost(&lan.node[2].m, lan.now_ns, 1);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
}

/* It owns again at the same epoch before anybody missed it: its state is another's. */
static void test_owner_is_another_at_the_same_epoch(void **state)
{
	struct member_report report = { .state = MEMBER_OWNER, .owner = 1, .priority = 200,
					.in_sync = true };
	struct lan lan = lan_make();
	struct member *m = &lan.node[2].m;

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	member_set_in_sync(m, lan.now_ns, true);
	report.epoch = m->epoch;
	member_lost(m, lan.now_ns, 1);
	member_heard(m, lan.now_ns, 1, &report);
	assert_int_equal(m->owner, 1);
	assert_int_equal(m->epoch, report.epoch);
	assert_false(m->in_sync);	/* followed anew */
}

/* The owner's daemon is started again while the backup is in a full sync. */
static void restart_amid_full_sync(struct lan *lan, bool owned)
{
	node_start(lan, 1, 100);
	lan_run(lan, 1000);
	node_start(lan, 2, 200);
	lan_run(lan, 1000);
	lan->node[2].syncs = false;
	lan->node[2].synced_ns = 0;
	lan->node[2].m.in_sync = false;
	node_start_epoch(lan, 1, 100, false, lan->node[1].m.epoch);
	member_set_in_sync(&lan->node[1].m, lan->now_ns, owned);
	member_lost(&lan->node[2].m, lan->now_ns, 1);
	node_beat(lan, &lan->node[1]);
}

static void test_owner_restarts_alone_with_state(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	restart_amid_full_sync(&lan, true);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[1].m.epoch, 2);
	assert_int_equal(lan.node[2].acquired, 0);
	assert_int_equal(lan.most_owners, 1);
}

static void test_owner_restarts_without_state(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	restart_amid_full_sync(&lan, false);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
}

/* It says so and dies again: the backup waits no longer than it must. */
static void test_owner_restarts_and_dies(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	restart_amid_full_sync(&lan, true);
	lan_run(&lan, 300);
	assert_int_equal(lan.node[2].acquired, 0);
	node_kill(&lan, 1);
	lan_run(&lan, 400);
	assert_owner(&lan, 2);
}

/* All its links are down, or back. */
static void node_isolate(struct lan *lan, uint8_t id, bool isolated)
{
	unsigned int to;

	for (to = 1; to <= MEMBERS; to++)
		if (to != id)
			lan_cut(lan, id, (uint8_t)to, isolated);
	member_set_isolated(&lan->node[id].m, lan->now_ns, isolated);
}

/* The machine boots: a switch may have carrier and not forward for a while. */
static void test_boot(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_boot(&lan, 1, 100, false, 0, false);
	lan_run(&lan, 9900);
	assert_int_equal(lan.node[1].acquired, 0);
	assert_int_equal(member_waits(&lan.node[1].m, lan.now_ns), MEMBER_WAIT_DELAY);
	lan_run(&lan, 200);
	assert_owner(&lan, 1);

	/* Who hears somebody knows that it is not alone, and need not wait. */
	lan = lan_make();
	node_boot(&lan, 1, 100, false, 0, false);
	node_boot(&lan, 2, 90, false, 0, false);
	lan_run(&lan, 800);
	assert_owner(&lan, 1);
	node_kill(&lan, 1);
	lan_run(&lan, 400);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
}

static void test_only_member(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_boot(&lan, 1, 100, false, 0, false);
	lan.node[1].m.params.alone = true;
	lan_run(&lan, 800);
	assert_owner(&lan, 1);
	/* Nobody else can own: it goes on, whatever its links do. */
	node_isolate(&lan, 1, true);
	lan_run(&lan, 5000);
	assert_owner(&lan, 1);
}

/* Members are there whose sessions have not begun, or recordings of them. */
static void test_present_without_session(void **state)
{
	struct lan lan = lan_make();
	unsigned int i;

	(void)state;
	node_start(&lan, 1, 100);
	for (i = 0; i < 95; i++) {
		lan_run(&lan, 100);
		member_set_present(&lan.node[1].m, lan.now_ns);
	}
	assert_int_equal(lan.node[1].acquired, 0);
	assert_int_equal(member_waits(&lan.node[1].m, lan.now_ns), MEMBER_WAIT_PRESENT);
	/* Bounded: recordings can do no more than that. */
	for (i = 0; i < 10; i++) {
		lan_run(&lan, 100);
		member_set_present(&lan.node[1].m, lan.now_ns);
	}
	assert_owner(&lan, 1);
}

/* Another key or version is heard: it says so, and waits. */
static void test_unsure(void **state)
{
	struct lan lan = lan_make();
	unsigned int i;

	(void)state;
	node_start(&lan, 1, 100);
	for (i = 0; i < 290; i++) {
		lan_run(&lan, 100);
		member_set_unsure(&lan.node[1].m, lan.now_ns);
	}
	assert_int_equal(lan.node[1].acquired, 0);
	assert_int_equal(member_waits(&lan.node[1].m, lan.now_ns), MEMBER_WAIT_UNSURE);
	for (i = 0; i < 15; i++) {
		lan_run(&lan, 100);
		member_set_unsure(&lan.node[1].m, lan.now_ns);
	}
	assert_owner(&lan, 1);

	/* And it ends when that is heard no more. */
	lan = lan_make();
	node_start(&lan, 1, 100);
	member_set_unsure(&lan.node[1].m, lan.now_ns);
	lan_run(&lan, 2900);
	assert_int_equal(lan.node[1].acquired, 0);
	lan_run(&lan, 400);
	assert_owner(&lan, 1);
}

/* The firewall of the backup keeps all from it: the owner is not dead for that. */
static void test_blocked(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	lan.cut[1][2] = true;
	member_set_blocked(&lan.node[2].m, lan.now_ns, true);
	lan_run(&lan, 5000);
	assert_int_equal(lan.node[2].acquired, 0);
	assert_int_equal(member_waits(&lan.node[2].m, lan.now_ns), MEMBER_WAIT_BLOCKED);
	/* It has not begun anew meanwhile, and it ends. */
	member_set_blocked(&lan.node[2].m, lan.now_ns, true);
	lan_run(&lan, 24000);
	assert_int_equal(lan.node[2].acquired, 0);
	lan_run(&lan, 2000);
	assert_int_equal(lan.node[2].acquired, 1);

	/* It was opened, and the owner is heard: nothing has happened. */
	lan = lan_make();
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 1000);
	lan.cut[1][2] = true;
	member_set_blocked(&lan.node[2].m, lan.now_ns, true);
	lan_run(&lan, 5000);
	lan.cut[1][2] = false;
	member_set_blocked(&lan.node[2].m, lan.now_ns, false);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[2].acquired, 0);
}

/* Both lose all links; carrier comes back at once, and frames pass later. */
static void test_links_back_before_frames(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 200);
	lan.node[2].m.params.priority = 90;	/* 1 owns */
	lan_run(&lan, 2000);
	node_isolate(&lan, 1, true);
	node_isolate(&lan, 2, true);
	lan_run(&lan, 5000);
	assert_int_equal(lan_owners(&lan), 0);
	member_set_isolated(&lan.node[1].m, lan.now_ns, false);
	member_set_isolated(&lan.node[2].m, lan.now_ns, false);
	lan.most_owners = 0;
	lan_run(&lan, 8000);
	assert_int_equal(lan.most_owners, 0);
	lan_cut(&lan, 1, 2, false);
	lan_run(&lan, 200);
	assert_int_equal(lan_owners(&lan), 1);
	assert_int_equal(lan.most_owners, 1);

	/* A network that forwards nothing for longer: somebody has to serve. */
	node_isolate(&lan, 1, true);
	node_isolate(&lan, 2, true);
	lan_run(&lan, 1000);
	member_set_isolated(&lan.node[1].m, lan.now_ns, false);
	lan_run(&lan, 11000);
	assert_int_equal(lan.node[1].m.state, MEMBER_OWNER);
}

/* An owner that was cut off, while the other one served, was started again, and served. */
static void cut_off_owner_returns(bool epoch_lost)
{
	struct lan lan = lan_make();

	node_start_epoch(&lan, 1, 200, false, 7);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	assert_owner(&lan, 1);
	node_isolate(&lan, 1, true);
	lan_run(&lan, 3000);
	assert_int_equal(lan.node[1].released, 1);
	assert_true(lan.node[2].holds);
	node_start_epoch(&lan, 2, 100, false, epoch_lost ? 0 : lan.node[2].m.epoch);
	lan_run(&lan, 3000);
	assert_true(lan.node[2].holds);
	lan.most_owners = 0;
	node_isolate(&lan, 1, false);
	lan_run(&lan, 2000);
	assert_owner(&lan, 2);
	assert_int_equal(lan.most_owners, 1);
	assert_true(lan.node[2].m.epoch > 8);
}

static void test_cut_off_owner_returns(void **state)
{
	(void)state;
	cut_off_owner_returns(false);
	cut_off_owner_returns(true);
}

/* Two that do not hear each other though their links are up. */
static void split_served(struct lan *lan, uint32_t served1, uint32_t served2)
{
	*lan = lan_make();
	node_start(lan, 1, 200);
	node_start(lan, 2, 100);
	lan_run(lan, 2000);
	split(lan, true);
	lan_run(lan, 3000);
	assert_int_equal(lan_owners(lan), 2);
	member_set_service(&lan->node[1].m, served1);
	member_set_service(&lan->node[2].m, served2);
	lan->node[1].asserted = 0;
	lan->node[2].asserted = 0;
	split(lan, false);
	lan_run(lan, 250);
	assert_int_equal(lan_owners(lan), 1);
}

static void test_split_brain_service(void **state)
{
	struct lan lan;

	(void)state;
	/* The one that has served, although its epoch is older. */
	split_served(&lan, 3000, 100);
	assert_owner(&lan, 1);
	assert_true(lan.node[1].m.epoch > 2);	/* nobody refuses its records */
	/* And it announces, although it never stopped to be owner. */
	assert_true(lan.node[1].asserted + lan.node[1].acquired >= 2);
	split_served(&lan, 100, 3000);
	assert_owner(&lan, 2);
	/* None, or the same: as before there were such figures. */
	split_served(&lan, 0, 0);
	assert_owner(&lan, 2);
	split_served(&lan, 2000, 2500);
	assert_owner(&lan, 2);
}

/* One that took over without the state gives way to the one that has it. */
static void test_split_brain_sound(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	node_start(&lan, 2, 200);
	lan.node[2].syncs = false;
	lan.node[2].m.params.priority = 90;
	lan_run(&lan, 2000);
	lan.node[1].m.sound = true;
	member_set_in_sync(&lan.node[2].m, lan.now_ns, false);
	split(&lan, true);
	lan_run(&lan, 2000);
	assert_int_equal(lan_owners(&lan), 2);
	assert_true(lan.node[2].m.epoch > lan.node[1].m.epoch);
	split(&lan, false);
	lan_run(&lan, 400);
	assert_owner(&lan, 1);
}

/* One that is deaf would never know: who hears it yields to the newer epoch. */
static void test_split_brain_deaf(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	member_set_service(&lan.node[1].m, 60000);
	lan.cut[1][2] = true;
	lan_run(&lan, 1500);
	assert_int_equal(lan.node[1].m.state, MEMBER_BACKUP);
	assert_true(lan.node[2].holds);
	assert_false(lan.node[1].holds);
}

/* It was owner for a moment, and nobody but itself noticed: switches have. */
static void test_moment_of_ownership(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan_run(&lan, 2000);
	member_set_service(&lan.node[1].m, 5000);
	lan.node[1].acquired = 0;
	lan.node[2].syncs = false;	/* 1 hears no request */
	split(&lan, true);
	lan_run(&lan, 500);
	assert_true(lan.node[2].holds);
	/* Its heartbeats as owner are lost, and then it hears 1, which serves. */
	lan.cut[1][2] = false;
	lan_run(&lan, 400);
	assert_false(lan.node[2].holds);
	assert_true(lan.node[1].holds);
	assert_int_equal(lan.node[1].acquired + lan.node[1].asserted, 0);
	lan.cut[2][1] = false;
	lan_run(&lan, 250);
	/* With a newer epoch than any that a kernel knows, and so announced. */
	assert_owner(&lan, 1);
	assert_true(lan.node[1].acquired + lan.node[1].asserted >= 1);
	assert_true(lan.node[1].m.epoch > 2);
}

/* Against one that is deaf and has the older epoch: more and more seldom. */
static void test_assert_pace(void **state)
{
	struct lan lan = lan_make();
	struct member_report rival = { .state = MEMBER_OWNER, .epoch = 1, .priority = 1,
				       .score = MEMBER_SCORE_MAX, .owner = 2, .newer = true };
	unsigned int i;

	(void)state;
	node_start_epoch(&lan, 1, 200, false, 8);
	lan_run(&lan, 1000);
	for (i = 0; i < 3000; i++) {
		lan_run(&lan, 100);
		member_heard(&lan.node[1].m, lan.now_ns, 2, &rival);
	}
	assert_owner(&lan, 1);
	/* Of five minutes: ten in the first of them, then one a minute. */
	assert_in_range(lan.node[1].asserted, 8, 16);
}

static void test_epoch_jump(void **state)
{
	struct member_report report = { .state = MEMBER_BACKUP, .priority = 100, .score = 1000 };
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	report.epoch = UINT32_MAX;
	member_heard(&lan.node[1].m, lan.now_ns, 2, &report);
	report.epoch = 2 + (1U << 20);
	member_heard(&lan.node[1].m, lan.now_ns, 2, &report);
	assert_int_equal(lan.node[1].m.refused, 2);
	assert_false(lan.node[1].m.peer[2].alive);
	assert_int_equal(lan.node[1].m.max_epoch, 1);
	/* One that knows nothing yet takes what it hears, but for the very last ones. */
	node_start(&lan, 3, 100);
	report.epoch = UINT32_MAX - 5;
	member_heard(&lan.node[3].m, lan.now_ns, 2, &report);
	assert_int_equal(lan.node[3].m.refused, 1);
	report.epoch = 3000000000U;
	member_heard(&lan.node[3].m, lan.now_ns, 2, &report);
	assert_true(lan.node[3].m.peer[2].alive);
}

/* The better member decides, whatever the owner has configured; and what somebody has
 * asked for is not undone.
 */
static void test_preempt_of_the_better(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	node_start_epoch(&lan, 2, 200, true, 0);
	lan_run(&lan, 3000);
	assert_true(lan.node[1].handed_over >= 1);
	switch_over(&lan, 1, 2);
	lan_run(&lan, 500);
	assert_owner(&lan, 2);

	lan.node[1].handed_over = 0;
	member_stand_down(&lan.node[2].m);
	switch_over(&lan, 2, 1);
	lan_run(&lan, 20000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[1].handed_over, 0);
	/* Who has it back for another reason is as before. */
	node_kill(&lan, 1);
	lan_run(&lan, 1000);
	node_start(&lan, 1, 100);
	lan_run(&lan, 1000);
	assert_owner(&lan, 2);

	/* One that does not want it is not given it, whatever the owner has configured. */
	lan = lan_make();
	node_start_epoch(&lan, 1, 100, true, 0);
	lan_run(&lan, 1000);
	node_start(&lan, 2, 200);
	lan_run(&lan, 5000);
	assert_int_equal(lan.node[1].handed_over, 0);
}

/* Health is more than yes or no. */
static void test_health(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	lan_start_three(&lan);
	/* The backup has lost one of ten LANs, the owner two. */
	member_set_health(&lan.node[2].m, lan.now_ns, 900, 0);
	member_set_health(&lan.node[3].m, lan.now_ns, 0, 0);
	member_set_health(&lan.node[1].m, lan.now_ns, 900, 0);
	lan_run(&lan, 3000);
	assert_int_equal(lan.node[1].handed_over, 0);
	member_set_health(&lan.node[1].m, lan.now_ns, 800, 0);
	lan_run(&lan, 800);
	assert_true(lan.node[1].handed_over >= 1);
	assert_int_equal(lan.node[1].hand_over_to, 2);

	/* Nobody is heard on one of its LANs, and somebody on all of the other's. */
	lan.node[1].handed_over = 0;
	member_set_health(&lan.node[1].m, lan.now_ns, 1000, 1);
	member_set_health(&lan.node[2].m, lan.now_ns, 1000, 1);
	lan_run(&lan, 5000);
	assert_int_equal(lan.node[1].handed_over, 0);
	member_set_health(&lan.node[2].m, lan.now_ns, 1000, 0);
	lan_run(&lan, 2500);
	assert_int_equal(lan.node[1].handed_over, 0);
	lan_run(&lan, 1000);
	assert_true(lan.node[1].handed_over >= 1);

	/* State is worth more than the last LAN; to be able to serve is worth more. */
	member_set_health(&lan.node[1].m, lan.now_ns, 1000, 0);
	member_set_health(&lan.node[2].m, lan.now_ns, 500, 0);
	member_set_health(&lan.node[3].m, lan.now_ns, 1000, 0);
	member_set_in_sync(&lan.node[3].m, lan.now_ns, false);
	lan.node[3].syncs = false;
	lan_run(&lan, 500);
	assert_int_equal(member_best_backup(&lan.node[1].m, true), 2);
	member_set_health(&lan.node[2].m, lan.now_ns, 0, 0);
	lan_run(&lan, 500);
	assert_int_equal(member_best_backup(&lan.node[1].m, true), 3);
}

/* Members of the old version, which say nothing of all this. */
static void test_old_members(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 200);
	node_start(&lan, 2, 100);
	lan.node[1].old = true;
	lan.node[2].old = true;
	lan_run(&lan, 2000);
	split(&lan, true);
	lan_run(&lan, 2000);
	member_set_service(&lan.node[1].m, 60000);
	split(&lan, false);
	lan_run(&lan, 400);
	assert_owner(&lan, 2);
}

static void test_epoch_exhausted(void **state)
{
	struct lan lan = lan_make();

	(void)state;
	node_start_epoch(&lan, 1, 100, false, UINT32_MAX);
	lan_run(&lan, 2000);
	assert_int_equal(lan.node[1].acquired, 0);
}

static void test_bad_ids(void **state)
{
	struct member_report report = { .state = MEMBER_OWNER, .epoch = 9 };
	struct lan lan = lan_make();

	(void)state;
	node_start(&lan, 1, 100);
	member_heard(&lan.node[1].m, lan.now_ns, 0, &report);
	member_heard(&lan.node[1].m, lan.now_ns, 64, &report);
	member_heard(&lan.node[1].m, lan.now_ns, 255, &report);
	member_heard(&lan.node[1].m, lan.now_ns, 1, &report);	/* itself */
	member_lost(&lan.node[1].m, lan.now_ns, 200);
	assert_int_equal(lan.node[1].m.state, MEMBER_INITIALIZE);
	lan_run(&lan, 1000);
	assert_owner(&lan, 1);
	assert_int_equal(lan.node[1].m.epoch, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_alone),
		cmocka_unit_test(test_start_known_epoch),
		cmocka_unit_test(test_start_with_owner),
		cmocka_unit_test(test_start_together),
		cmocka_unit_test(test_death_of_owner),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_heard_by_another),
		cmocka_unit_test(test_missed_heartbeats),
		cmocka_unit_test(test_priority_of_heirs),
		cmocka_unit_test(test_in_sync_before_priority),
		cmocka_unit_test(test_unhealthy_is_last),
		cmocka_unit_test(test_heir_hangs),
		cmocka_unit_test(test_preempt),
		cmocka_unit_test(test_unhealthy_owner_hands_over),
		cmocka_unit_test(test_switchover),
		cmocka_unit_test(test_switchover_heir_dies),
		cmocka_unit_test(test_switchover_not_drained),
		cmocka_unit_test(test_split_brain_epoch),
		cmocka_unit_test(test_split_brain_ties),
		cmocka_unit_test(test_split_brain_five),
		cmocka_unit_test(test_stale_owner_against_synced_backup),
		cmocka_unit_test(test_two_owners_of_one_backup),
		cmocka_unit_test(test_newer_owner_is_dead),
		cmocka_unit_test(test_newcomer_with_newer_epoch),
		cmocka_unit_test(test_clock_jump_backup),
		cmocka_unit_test(test_clock_jump_owner),
		cmocka_unit_test(test_clock_behind),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_lapse),
		cmocka_unit_test(test_lapse_alone),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_owner_restarts),
		cmocka_unit_test(test_owner_is_another_at_the_same_epoch),
		cmocka_unit_test(test_owner_restarts_alone_with_state),
		cmocka_unit_test(test_owner_restarts_without_state),
		cmocka_unit_test(test_owner_restarts_and_dies),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_only_member),
		cmocka_unit_test(test_present_without_session),
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_links_back_before_frames),
		cmocka_unit_test(test_cut_off_owner_returns),
		cmocka_unit_test(test_split_brain_service),
		cmocka_unit_test(test_split_brain_sound),
		cmocka_unit_test(test_split_brain_deaf),
		cmocka_unit_test(test_moment_of_ownership),
		cmocka_unit_test(test_assert_pace),
		cmocka_unit_test(test_epoch_jump),
		cmocka_unit_test(test_preempt_of_the_better),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_old_members),
		cmocka_unit_test(test_epoch_exhausted),
		cmocka_unit_test(test_bad_ids),
	};

	return cmocka_run_group_tests_name("member", tests, NULL, NULL);
}

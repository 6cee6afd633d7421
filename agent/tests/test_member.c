// SPDX-License-Identifier: GPL-2.0
/* The state machine of membership, under a fake clock and a fake LAN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loop.h"
#include "member.h"

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
	assert_true(owner >= 1 && owner <= GWSYNC_MEMBER_MAX);
	n->holds = false;
	n->released++;
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

static void node_start_epoch(struct lan *lan, uint8_t id, uint8_t priority, bool preempt,
			     uint32_t epoch)
{
	struct node *n = &lan->node[id];
	struct member_params params = {
		.self = id, .priority = priority, .preempt = preempt,
		.preempt_delay_ns = NSEC_PER_SEC, .heartbeat_ns = HEARTBEAT_NS, .dead_after = 3,
	};
	struct member_actions actions = {
		.acquire = do_acquire, .release = do_release, .follow = do_follow,
		.hand_over = do_hand_over, .announce = do_announce, .alive = do_alive, .arg = n,
	};

	memset(n, 0, sizeof(*n));
	n->lan = lan;
	n->id = id;
	n->on = true;
	n->syncs = true;
	n->beat_ns = lan->now_ns + id * 7 * NSEC_PER_MSEC;
	n->tick_ns = lan->now_ns;
	member_start(&n->m, &params, &actions, lan->now_ns, epoch);
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
	member_set_healthy(&lan.node[2].m, lan.now_ns, false);
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
	member_set_healthy(&lan.node[1].m, lan.now_ns, false);
	lan_run(&lan, 400);
	assert_int_equal(lan.node[1].handed_over, 1);
	assert_int_equal(lan.node[1].hand_over_to, 2);

	/* Not to one that is no better off. */
	member_set_healthy(&lan.node[2].m, lan.now_ns, false);
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
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_owner_restarts),
		cmocka_unit_test(test_owner_is_another_at_the_same_epoch),
		cmocka_unit_test(test_owner_restarts_alone_with_state),
		cmocka_unit_test(test_owner_restarts_without_state),
		cmocka_unit_test(test_owner_restarts_and_dies),
		cmocka_unit_test(test_epoch_exhausted),
		cmocka_unit_test(test_bad_ids),
	};

	return cmocka_run_group_tests_name("member", tests, NULL, NULL);
}

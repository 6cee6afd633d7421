// SPDX-License-Identifier: GPL-2.0
/* What the table of neighbours makes of what its kernel tells it, and does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <linux/neighbour.h>

#include "base/loop.h"
#include "neigh/kernel.h"
#include "neigh/neigh.h"
#include "wire/frame.h"

#define MS	NSEC_PER_MSEC

static uint64_t now_ns;
static struct loop_timer *armed_timer;	/* the only one */
static struct neigh_kernel *watched;
static struct neigh *neigh;
static unsigned int dumps, installs, ages, removals, confirms;
static unsigned int waiting;		/* requests, to be sent */
static uint64_t cost_ns;		/* of each: rtnl is waited for */
static uint64_t longest_ns;		/* a turn of the loop */
static bool armed, lossy, refuses;

/* Time is ours. */

uint64_t loop_clock(void) { return now_ns; }

void loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	(void)loop;
	armed_timer = timer;
	timer->due_ns = now_ns + delay_ns;
	armed = true;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	timer->due_ns = 0;
	armed = false;
}

int loop_fd_add(struct loop *loop, struct loop_fd *fd) { (void)loop; (void)fd; return 0; }
void loop_fd_del(struct loop *loop, struct loop_fd *fd) { (void)loop; (void)fd; }

/* So is the kernel: what it has of the hosts 10.1.x.x, of which each is on one interface. */

static struct {
	int		ifindex;	/* 0: nothing */
	uint16_t	state;
	bool		ours;
} hosts[65536];

static uint16_t host_of(const uint8_t addr[16])
{
	return (uint16_t)(addr[2] << 8 | addr[3]);
}

static void tell(uint16_t host, bool gone)
{
	const struct neigh_seen seen = {
		.ifindex = hosts[host].ifindex, .family = AF_INET, .state = hosts[host].state,
		.gone = gone, .addr = { 10, 1, (uint8_t)(host >> 8), (uint8_t)host },
		.has_mac = true, .mac = { 2, 0, 0, 0, (uint8_t)(host >> 8), (uint8_t)host },
		.external = hosts[host].ours, .ours = hosts[host].ours,
	};

	watched->watcher.seen(watched->watcher.arg, &seen);
}

/* It learned of a host by itself; it forgot one. */
static void learns(int ifindex, uint16_t host)
{
	hosts[host].ifindex = ifindex;
	hosts[host].state = NUD_REACHABLE;
	hosts[host].ours = false;
	tell(host, false);
}

static void forgets(uint16_t host)
{
	tell(host, true);
	hosts[host].ifindex = 0;
}

int neigh_kernel_open(struct neigh_kernel *kernel, const struct neigh_watcher *watcher)
{
	watched = kernel;
	watched->watcher = *watcher;
	return 0;
}

int neigh_kernel_dump(struct neigh_kernel *kernel)
{
	dumps++;
	kernel->dumping = true;
	return 0;
}

bool neigh_kernel_read(struct neigh_kernel *kernel, unsigned int most)
{
	(void)kernel;
	(void)most;
	return true;
}

void neigh_kernel_flush(struct neigh_kernel *kernel)
{
	now_ns += waiting * cost_ns;
	waiting = 0;
	if (lossy)
		kernel->watcher.lost(kernel->watcher.arg);
}

void neigh_kernel_close(struct neigh_kernel *kernel) { (void)kernel; }
void neigh_kernel_tune(struct neigh_kernel *kernel, int ifindex) { (void)kernel; (void)ifindex; }
uint32_t neigh_kernel_limit(uint8_t family) { (void)family; return 0; }

void neigh_kernel_install(struct neigh_kernel *kernel, const struct neigh_target *target,
			  bool yields)
{
	uint16_t host = host_of(target->addr);

	installs++;
	waiting++;
	if (refuses) {
		kernel->watcher.refused(kernel->watcher.arg, target->id, -ENOMEM);
		return;
	}
	if (yields && hosts[host].ifindex == target->ifindex) {
		kernel->watcher.refused(kernel->watcher.arg, target->id, -EEXIST);
		return;
	}
	hosts[host].ifindex = target->ifindex;
	hosts[host].state = NUD_STALE;
	hosts[host].ours = true;
}

void neigh_kernel_remove(struct neigh_kernel *kernel, const struct neigh_target *target)
{
	(void)kernel;
	hosts[host_of(target->addr)].ifindex = 0;
	removals++;
	waiting++;
}

void neigh_kernel_confirm(struct neigh_kernel *kernel, const struct neigh_target *target)
{
	(void)kernel;
	hosts[host_of(target->addr)].ours = false;
	confirms++;
	waiting++;
}

void neigh_kernel_age(struct neigh_kernel *kernel, const struct neigh_target *target)
{
	(void)kernel;
	hosts[host_of(target->addr)].ours = false;
	ages++;
	waiting++;
}

static void tell_all(void)
{
	unsigned int host;

	for (host = 0; host < 65536; host++)
		if (hosts[host].ifindex)
			tell((uint16_t)host, false);
}

/* @flood: events are lost all the time, so that no dump is whole. */
static void run(uint64_t ms, bool flood)
{
	uint64_t end_ns = now_ns + ms * MS;

	while (now_ns < end_ns) {
		now_ns += 10 * MS;
		if (flood)
			watched->watcher.lost(watched->watcher.arg);
		if (watched->dumping) {
			watched->dumping = false;
			tell_all();
			watched->watcher.dumped(watched->watcher.arg, !flood);
		}
		if (armed_timer->due_ns && armed_timer->due_ns <= now_ns) {
			uint64_t start_ns = now_ns;

			armed_timer->due_ns = 0;
			armed_timer->fire(armed_timer);
			assert_int_equal(waiting, 0);
			if (now_ns - start_ns > longest_ns)
				longest_ns = now_ns - start_ns;
		}
	}
}

static void interface_is(const char *vrouter, uint8_t vrid, enum neigh_role role, int ifindex,
			 bool running)
{
	const struct neigh_interface interface = {
		.vrouter = vrouter, .vrid = vrid, .role = role, .ifindex = ifindex,
		.running = running,
	};

	assert_int_equal(neigh_interface(neigh, &interface), 0);
}

static struct store_counts held(void)
{
	struct store_counts counts;

	store_counts(neigh_store(neigh), &counts);
	return counts;
}

static int setup(void **state)
{
	const struct neigh_config config = { .most = 16384, .hash_key = "gwsync neighbour" };
	const struct neigh_ops ops = { 0 };
	int err;

	(void)state;
	now_ns = 1000000 * MS;
	lossy = false;
	refuses = false;
	cost_ns = 0;
	waiting = 0;
	memset(hosts, 0, sizeof(hosts));
	neigh = neigh_alloc(NULL, &config, &ops, &err);
	assert_non_null(neigh);
	run(2000, false);
	dumps = 0;
	installs = 0;
	ages = 0;
	removals = 0;
	confirms = 0;
	longest_ns = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (neigh)
		neigh_free(neigh);
	assert_false(armed);
	return 0;
}

/* What was lost is asked for at once. */
static void test_lost(void **state)
{
	(void)state;
	watched->watcher.lost(watched->watcher.arg);
	run(200, false);
	assert_int_equal(dumps, 1);
	run(60000, false);
	assert_int_equal(dumps, 1);
	watched->watcher.lost(watched->watcher.arg);
	run(200, false);
	assert_int_equal(dumps, 2);
}

/* But not while the kernel withholds what goes on. */
static void test_congested(void **state)
{
	(void)state;
	watched->congested = true;
	watched->watcher.lost(watched->watcher.arg);
	run(2000, false);
	assert_int_equal(dumps, 0);
	watched->congested = false;
	run(200, false);
	assert_int_equal(dumps, 1);
}

/* But not ten times a second for as long as a flood lasts; and once when it is over. */
static void test_flood(void **state)
{
	(void)state;
	run(120000, true);
	assert_in_range(dumps, 10, 24);
	dumps = 0;
	run(12000, false);
	assert_int_equal(dumps, 1);
}

/* The last requests are refused: nothing is left in the loop, see teardown(). */
static void test_lost_at_the_end(void **state)
{
	(void)state;
	lossy = true;
}

/* As many as there may be: each entry is of its own interface. */
static void test_places(void **state)
{
	struct neigh_interface more = { .vrouter = "one more", .vrid = 1 };
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < NEIGH_INTERFACES_MAX; i++) {
		snprintf(name, sizeof(name), "r%d", i / 2);
		interface_is(name, (uint8_t)(i / 2), i % 2 ? NEIGH_PARENT : NEIGH_MACVLAN, i + 1,
			     true);
	}
	assert_int_equal(neigh_interface(neigh, &more), -ENOSPC);
	assert_int_equal(neigh_activate(neigh, 0), 0);
	for (i = 0; i < NEIGH_INTERFACES_MAX; i++)
		learns(i + 1, (uint16_t)i);
	assert_int_equal(held().own, NEIGH_INTERFACES_MAX);
	run(2000, false);
	neigh_deactivate(neigh, 2, 1);
	memset(hosts, 0, sizeof(hosts));	/* they went down */
	run(2000, false);
	assert_int_equal(installs, NEIGH_INTERFACES_MAX);
	installs = 0;
	interface_is("r7", 7, NEIGH_PARENT, 5000, true);
	run(2000, false);
	assert_int_equal(installs, 1);
}

static void owner_with(int count)
{
	int i;

	interface_is("lan", 7, NEIGH_MACVLAN, 1, true);
	assert_int_equal(neigh_activate(neigh, 0), 0);
	for (i = 0; i < count; i++)
		learns(1, (uint16_t)i);
	run(2000, false);
	assert_int_equal(held().own, count);
}

/* A cable was out for longer than what the kernel forgets is kept. */
static void test_carrier(void **state)
{
	int i;

	(void)state;
	owner_with(10);
	interface_is("lan", 7, NEIGH_MACVLAN, 1, false);
	for (i = 0; i < 10; i++)
		forgets((uint16_t)i);
	run(30000, false);
	assert_int_equal(held().own, 10);
	interface_is("lan", 7, NEIGH_MACVLAN, 1, true);
	run(NEIGH_LINGER_MS - 2000, false);
	assert_int_equal(held().own, 10);
	learns(1, 3);
	run(4000, false);
	assert_int_equal(held().own, 1);
}

/* An interface that goes and stays away, and a virtual router that only others have. */
static void test_away(void **state)
{
	static const uint8_t addr[16] = { 10, 1, 9, 9 }, value[NEIGH_VALUE] = { 0, 0, 2 };
	struct neigh_key key;
	int i;

	(void)state;
	owner_with(10);
	neigh_key_write(&key, neigh_name_id("theirs"), 8, NEIGH_MACVLAN, AF_INET, addr);
	assert_int_equal(store_put(neigh_store(neigh), key.bytes, key.len, value,
				   sizeof(value)), 0);
	for (i = 0; i < 10; i++)
		forgets((uint16_t)i);
	interface_is("lan", 7, NEIGH_MACVLAN, 0, false);
	watched->watcher.lost(watched->watcher.arg);
	run((NEIGH_AWAY_S - 10) * 1000ULL, false);
	assert_int_equal(held().own, 11);
	run(20000, false);
	assert_int_equal(held().own, 0);
}

/* It ends as owner, without anybody to hand over to, soon after it took over. */
static void test_owner_ends(void **state)
{
	(void)state;
	interface_is("lan", 7, NEIGH_MACVLAN, 1, true);
	interface_is("lan", 7, NEIGH_PARENT, 2, true);
	assert_int_equal(neigh_activate(neigh, 0), 0);
	learns(1, 1);
	learns(2, 2);
	learns(2, 3);
	neigh_deactivate(neigh, 2, 1);
	memset(hosts, 0, sizeof(hosts));
	learns(2, 3);
	run(2000, false);
	assert_true(hosts[1].ours && hosts[2].ours && !hosts[3].ours);
	neigh_activate(neigh, 1ULL << 2);
	run(2000, false);
	neigh_free(neigh);
	neigh = NULL;
	assert_int_equal(ages, 1);
	assert_false(hosts[2].ours);
	assert_int_equal(removals, 0);
}

/* An owner's records of so many hosts; @first: of the first one's MAC. */
static void give(unsigned int count, uint8_t first)
{
	const struct store_config config = {
		.table = FRAME_TABLE_NEIGHBOURS, .most = 16384, .key_max = NEIGH_KEY_MAX,
		.value_max = NEIGH_VALUE, .hash_key = "gwsync neighbour",
	};
	const struct store_ops ops = { .name = "theirs" };
	struct store *theirs = store_alloc(&config, &ops, NULL);
	struct store_batch batch;
	uint8_t buf[1350];
	unsigned int i;
	size_t len;

	assert_non_null(theirs);
	store_activate(theirs, 0);
	store_map(theirs, 1ULL << 1);
	for (i = 0; i < count; i++) {
		const uint8_t addr[16] = { 10, 1, (uint8_t)(i >> 8), (uint8_t)i };
		const uint8_t value[NEIGH_VALUE] = { 0, 0, 2, first };
		struct neigh_key key;

		neigh_key_write(&key, neigh_name_id("lan"), 7, NEIGH_MACVLAN, AF_INET, addr);
		assert_int_equal(store_put(theirs, key.bytes, key.len, value, sizeof(value)), 0);
	}
	assert_int_equal(store_begin(neigh_store(neigh)), 0);
	while ((len = store_emit(theirs, now_ns, &batch, buf, sizeof(buf))))
		assert_int_equal(store_apply(neigh_store(neigh), 2, 1, buf, len), 0);
	assert_int_equal(store_end(neigh_store(neigh), 2), 0);
	store_free(theirs);
}

static unsigned int there(void)
{
	unsigned int host, count = 0;

	for (host = 0; host < 65536; host++)
		count += hosts[host].ifindex != 0;
	return count;
}

/* Where the kernel takes its time, the loop does not wait for all of it. */
static void test_backup_does_not_wait(void **state)
{
	(void)state;
	interface_is("lan", 7, NEIGH_MACVLAN, 1, false);
	run(2000, false);
	longest_ns = 0;
	cost_ns = MS / 10;
	give(5000, 0);
	assert_int_equal(installs + waiting, 0);
	run(5000, false);
	assert_int_equal(there(), 5000);
	assert_in_range(longest_ns, 1, 9 * MS);

	/* They go, and some come back at once. */
	give(0, 0);
	give(10, 1);
	assert_int_equal(removals + waiting, 0);
	run(10000, false);
	assert_int_equal(there(), 10);
	assert_in_range(removals, 4990, 5000);
	assert_in_range(longest_ns, 1, 9 * MS);
}

/* Nor does an owner, for what hosts say. */
static void test_owner_does_not_wait(void **state)
{
	unsigned int i;

	(void)state;
	interface_is("lan", 7, NEIGH_MACVLAN, 1, false);
	give(2000, 0);
	run(2000, false);
	neigh_activate(neigh, 1ULL << 2);
	run(2000, false);
	longest_ns = 0;
	cost_ns = MS / 10;
	for (i = 0; i < 2000; i++) {
		hosts[i].state = NUD_REACHABLE;
		tell((uint16_t)i, false);
	}
	assert_int_equal(confirms + waiting, 0);
	run(2000, false);
	assert_int_equal(confirms, 2000);
	assert_in_range(longest_ns, 1, 9 * MS);
}

/* What the kernel lost just before is not all waited for at the gate. */
static void test_gate(void **state)
{
	uint64_t start_ns;

	(void)state;
	interface_is("lan", 7, NEIGH_MACVLAN, 1, false);
	give(10000, 0);
	run(5000, false);
	assert_int_equal(there(), 10000);
	memset(hosts, 0, sizeof(hosts));
	watched->watcher.lost(watched->watcher.arg);
	cost_ns = MS / 100;
	start_ns = now_ns;
	neigh_activate(neigh, 1ULL << 2);
	assert_in_range(now_ns - start_ns, 15 * MS, 21 * MS);
	assert_in_range(there(), 1500, 9999);
	run(2000, false);
	assert_int_equal(there(), 10000);
	run(30000, false);
	assert_int_equal(there(), 10000);
	assert_int_equal(held().own, 10000);
}

/* What the kernel does not take is not asked for all the time, but before it is needed. */
static void test_refused(void **state)
{
	(void)state;
	interface_is("lan", 7, NEIGH_MACVLAN, 1, false);
	refuses = true;
	give(10, 0);
	run(8000, false);
	assert_int_equal(there(), 0);
	assert_int_equal(installs, 10);
	refuses = false;
	run(4000, false);
	assert_int_equal(there(), 10);
	assert_int_equal(installs, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_congested, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_at_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_carrier, setup, teardown),
		cmocka_unit_test_setup_teardown(test_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backup_does_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_does_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

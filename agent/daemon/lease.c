// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/gateway.h"
#include "daemon/lease.h"
#include "flow/kernel.h"

#define LEASE_REFUSED_NS	NSEC_PER_SEC		/* doubling: each is logged */
#define LEASE_REFUSED_MAX_NS	(600 * NSEC_PER_SEC)
#define LEASE_ASLEEP_NS		(100 * NSEC_PER_MSEC)

/* Two clocks drift apart by seconds in a day: what is older is forgotten.  Not each
 * heartbeat of this time is late.
 */
#define LEASE_CLOCK_NS		(10 * NSEC_PER_SEC)

static uint64_t lease_asleep_ns(void)
{
	uint64_t awake_ns = loop_clock();
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return elapsed_ns((uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec, awake_ns);
}

/* Others take over when they have not heard this member for member_dead_ns(). */
static uint64_t lease_term_ns(const struct gateway *g)
{
	return member_dead_ns(&g->member.params) - g->member.params.heartbeat_ns / 2;
}

/* To be done before anything is read, but not in the middle of something. */
static void lease_end(struct gateway *g)
{
	g->lease.end_ns = 1;
	loop_timer_in(g->loop, &g->lease.timer, 0);
}

/* Has the kernel half a lease of these, and of no others? */
static bool lease_is_of(const struct lease *l, const uint32_t *ifindex, unsigned int count)
{
	return l->taken && count == l->count &&
	       !memcmp(ifindex, l->ifindex, count * sizeof(*ifindex));
}

static void lease_ask_kernel(struct gateway *g, uint64_t now_ns)
{
	struct lease *l = &g->lease;
	uint32_t ifindex[CONFIG_VROUTERS_MAX];
	unsigned int count = vrouters_macvlans(g->vrouters, ifindex, CONFIG_VROUTERS_MAX);
	bool same = lease_is_of(l, ifindex, count);
	uint32_t term_ms = (uint32_t)((l->end_ns - now_ns) / NSEC_PER_MSEC);
	int err;

	if (!g->attach.kernel || !count || now_ns < l->again_ns)
		return;
	err = kernel_lease(g->attach.kernel, term_ms ? term_ms : 1, ifindex, same ? 0 : count);
	if (err == -ESTALE) {
		lease_end(g);
		return;
	}
	/* An interface may have gone just now; or the kernel half is older than this. */
	l->wait_ns = !err ? 0 : l->wait_ns ? doubled_ns(l->wait_ns, LEASE_REFUSED_MAX_NS) :
					     LEASE_REFUSED_NS;
	l->again_ns = now_ns + l->wait_ns;
	l->taken = !err;
	l->count = count;
	memcpy(l->ifindex, ifindex, count * sizeof(*ifindex));
}

void lease_take(struct gateway *g)
{
	uint64_t term_ns = lease_term_ns(g), now_ns = loop_clock();
	struct lease *l = &g->lease;

	if (!g->peers.count)
		return;
	/* From the last heartbeat on; one that says who owns is about to leave. */
	l->from_ns = g->heartbeat.sent_ns;
	l->end_ns = l->from_ns + term_ns;
	if (l->end_ns < now_ns + term_ns / 2)
		l->end_ns = now_ns + term_ns / 2;
	l->taken = false;
	l->again_ns = 0;
	lease_ask_kernel(g, now_ns);
}

void lease_renew(struct gateway *g, uint64_t sent_ns)
{
	uint64_t now_ns = loop_clock();
	struct lease *l = &g->lease;
	uint64_t from_ns = l->from_ns;

	if (!l->end_ns)
		return;
	if (!vrouters_held(g->vrouters)) {
		lease_give_back(g);
		return;
	}
	/* It is over already: the next round sees to that. */
	if (now_ns >= l->end_ns)
		return;
	l->from_ns = sent_ns;
	l->end_ns = sent_ns + lease_term_ns(g);
	if (now_ns >= l->end_ns)
		lease_end(g);
	else
		lease_ask_kernel(g, now_ns);
	/* That it is over already, the kernel half may be the first to know: the last
	 * heartbeat in time was the one before.
	 */
	if (now_ns >= l->end_ns)
		l->from_ns = from_ns;
}

bool lease_has_ended(struct gateway *g)
{
	struct lease *l = &g->lease;
	uint32_t ifindex[CONFIG_VROUTERS_MAX];
	unsigned int count = vrouters_macvlans(g->vrouters, ifindex, CONFIG_VROUTERS_MAX);

	/* Of all of them: one may have come since. */
	if (!g->attach.kernel || !count || !lease_is_of(l, ifindex, count))
		return false;
	/* One that has not ended it renews it, for the time that a release takes. */
	if (kernel_lease(g->attach.kernel, (uint32_t)(lease_term_ns(g) / NSEC_PER_MSEC), NULL,
			 0) != -ESTALE)
		return false;
	l->end_ns = 0;
	return true;
}

void lease_give_back(struct gateway *g)
{
	struct lease *l = &g->lease;

	if (vrouters_is_quiet(g->vrouters))
		vrouters_release(g->vrouters);
	if (l->taken && g->attach.kernel)
		kernel_lease(g->attach.kernel, 0, NULL, 0);
	l->taken = false;
	l->end_ns = 0;
}

static void lease_lapse(struct gateway *g, uint64_t now_ns)
{
	struct lease *l = &g->lease;

	log_error("this owner was away, its last heartbeat in time is %llu ms old: another member owns by now, so it does not",
		  (unsigned long long)(elapsed_ns(now_ns, l->from_ns) / NSEC_PER_MSEC));
	l->lapsed++;
	l->end_ns = 0;
	member_lapse(&g->member, now_ns);
	/* Silent now: what the kernel half held up may go. */
	lease_give_back(g);
}

/* The clocks of others went on while this machine slept, or it is a copy, or it is as
 * it was a while ago.  The sessions may have gone on without it, and what it says in
 * them was said.
 */
static void lease_resume(struct gateway *g, const char *why)
{
	uint32_t start = session_start(&g->speaker.session);
	time_t clock = time(NULL);

	if (start == UINT32_MAX)
		return;
	start++;
	if (clock > (time_t)start && clock < UINT32_MAX)
		start = (uint32_t)clock;
	log_warning("%s: what this member knows is old, it listens anew", why);
	g->lease.resumed++;
	session_renew(&g->speaker.session, start);
	epochfile_note_start(&g->epochfile, start);
	member_lapse(&g->member, loop_clock());
	lease_give_back(g);
}

/* In each round of the loop, before a socket is read. */
static void lease_round(void *arg)
{
	struct gateway *g = arg;
	struct lease *l = &g->lease;
	uint64_t now_ns = loop_now(g->loop), asleep_ns = lease_asleep_ns();

	if (!g->started)
		return;
	if (asleep_ns > l->asleep_ns + LEASE_ASLEEP_NS) {
		l->asleep_ns = asleep_ns;
		lease_resume(g, "this machine slept");
	}
	if (l->end_ns && now_ns >= l->end_ns && vrouters_held(g->vrouters))
		lease_lapse(g, now_ns);
}

static void lease_fire(struct loop_timer *timer)
{
	lease_round(container_of(timer, struct gateway, lease.timer));
}

void lease_init(struct gateway *g)
{
	g->lease.asleep_ns = lease_asleep_ns();
	g->lease.timer.fire = lease_fire;
	loop_set_round(g->loop, lease_round, g);
}

void lease_exit(struct gateway *g)
{
	loop_set_round(g->loop, NULL, NULL);
	loop_timer_del(g->loop, &g->lease.timer);
	lease_give_back(g);
}

bool lease_event(struct gateway *g, const struct kernel_event *event)
{
	switch (event->event) {
	case GWSYNC_EVENT_LAPSED:
		/* Of one that was given back meanwhile: it says nothing. */
		if (g->started && g->lease.taken)
			lease_end(g);
		return true;
	case GWSYNC_EVENT_RESUMED:
		if (g->started)
			lease_resume(g, "this machine slept, or is a copy");
		return true;
	default:
		return false;
	}
}

/* Less than the others' patience: some of that is the time between two heartbeats. */
static int64_t lease_away_ms(const struct gateway *g)
{
	return (int64_t)((member_dead_ns(&g->member.params) - g->member.params.heartbeat_ns) /
			 NSEC_PER_MSEC);
}

bool lease_heard(struct gateway *g, const struct peer *peer, uint64_t now_ns, uint64_t clock_ms)
{
	int64_t behind_ms = (int64_t)(now_ns / NSEC_PER_MSEC - clock_ms);
	struct lease_clock *c = &g->lease.clock[peer->id];
	char why[96];

	if (!clock_ms)
		return false;
	if (!c->since_ns) {
		*c = (struct lease_clock){ .least_ms = behind_ms, .since_ns = now_ns };
		return false;
	}
	if (c->known && behind_ms < c->known_ms - lease_away_ms(g)) {
		snprintf(why, sizeof(why), "by the clock of %s this machine stood still for %lld ms",
			 peer->name, (long long)(c->known_ms - behind_ms));
		c->since_ns = 0;
		lease_resume(g, why);
		return true;
	}
	/* What waited while this machine stood still comes at once, each less late than
	 * the one before: the new time does not begin amid that.
	 */
	if (behind_ms < c->least_ms)
		c->least_ms = behind_ms;
	else if (elapsed_ns(now_ns, c->since_ns) > LEASE_CLOCK_NS)
		*c = (struct lease_clock){ behind_ms, c->least_ms, true, now_ns };
	return false;
}

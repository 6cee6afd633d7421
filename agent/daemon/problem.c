// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/gateway.h"

#define PROBLEM_LOOK_NS		NSEC_PER_SEC
#define PROBLEM_SILENT_NS	(5 * NSEC_PER_SEC)	/* a member, after the start */
#define PROBLEM_LINK_NS		(3 * NSEC_PER_SEC)	/* without anybody */
#define PROBLEM_REFUSED_NS	(10 * NSEC_PER_SEC)
#define PROBLEM_TABLE_NS	(60 * NSEC_PER_SEC)	/* not in sync: it is repaired before */
#define PROBLEM_TWIN_NS		(60 * NSEC_PER_SEC)	/* an old mistake is no problem */

struct list {
	struct problem	*problem;
	unsigned int	count;
};

__attribute__((format(printf, 3, 4)))
static void add(struct list *list, const char *key, const char *fmt, ...)
{
	struct problem *problem;
	va_list ap;

	if (list->count == PROBLEMS_MAX)
		return;
	problem = &list->problem[list->count++];
	snprintf(problem->key, sizeof(problem->key), "%s", key);
	va_start(ap, fmt);
	vsnprintf(problem->text, sizeof(problem->text), fmt, ap);
	va_end(ap);
}

/* A key of a kind of problem and the names of what has it. */
static const char *key_of(char key[48], const char *kind, const char *a, const char *b)
{
	snprintf(key, 48, "%s %s %s", kind, a, b);
	return key;
}

static bool is_alive(const struct gateway *g, const struct peer *peer)
{
	return g->member.peer[peer->id].alive;
}

static const struct member_report *report_of(const struct gateway *g, const struct peer *peer)
{
	return &g->member.peer[peer->id].report;
}

static bool is_owner(const struct gateway *g, const struct peer *peer)
{
	return is_alive(g, peer) && report_of(g, peer)->state == MEMBER_OWNER;
}

static unsigned int owners(const struct gateway *g)
{
	unsigned int i, count = g->member.state == MEMBER_OWNER;

	for (i = 0; i < g->peers.count; i++)
		count += is_owner(g, &g->peers.peer[i]);
	return count;
}

/* Somebody would go on where the owner stops. */
static bool has_redundancy(const struct gateway *g)
{
	unsigned int i;

	if (g->member.state == MEMBER_BACKUP && g->member.owner && g->member.in_sync)
		return true;
	for (i = 0; i < g->peers.count; i++)
		if (member_holds_state(&g->member, g->peers.peer[i].id))
			return true;
	return false;
}

enum verdict problem_verdict(const struct gateway *g)
{
	unsigned int count = owners(g);

	if (count > 1)
		return VERDICT_TWO_OWNERS;
	/* One that another member follows and this one does not hear is one, too. */
	if (!count && !g->member.owner && !member_owner_elsewhere(&g->member, false))
		return VERDICT_NO_OWNER;
	return has_redundancy(g) ? VERDICT_FINE : VERDICT_NO_REDUNDANCY;
}

const char *problem_verdict_name(enum verdict verdict)
{
	static const char *const name[] = {
		[VERDICT_FINE] = "fine",
		[VERDICT_NO_REDUNDANCY] = "no redundancy",
		[VERDICT_NO_OWNER] = "no owner",
		[VERDICT_TWO_OWNERS] = "two owners",
	};

	return name[verdict];
}

static const char *wait_text(enum member_wait wait)
{
	switch (wait) {
	case MEMBER_WAIT_PRESENT:
		return "members are there whose sessions have not begun, or recordings of them";
	case MEMBER_WAIT_UNSURE:
		return "datagrams of members come that cannot be read: compare keys and versions";
	case MEMBER_WAIT_BLOCKED:
		return "the firewall of this host drops UDP 8116 that comes in";
	case MEMBER_WAIT_DELAY:
		return "nobody is heard, and the links have just come up (group.link_delay_ms)";
	case MEMBER_WAIT_ISOLATED:
		return "no link is up";
	case MEMBER_WAIT_ELSEWHERE:
		return "another member hears an owner that is not heard here";
	default:
		return NULL;
	}
}

static void list_owner(const struct gateway *g, struct list *list)
{
	uint64_t now_ns = loop_clock();
	const char *why = wait_text(member_waits(&g->member, now_ns));
	unsigned int i;
	char key[48];

	for (i = 0; i < g->peers.count; i++)
		if (is_owner(g, &g->peers.peer[i]) && g->member.state == MEMBER_OWNER)
			add(list, key_of(key, "owner", g->peers.peer[i].name, ""),
			    "%s owns as well: TWO OWNERS%s", g->peers.peer[i].name,
			    g->peers.peer[i].hears ? "" : "; it does not hear this member");
	if (problem_verdict(g) == VERDICT_NO_OWNER)
		add(list, "no owner", "no member owns the virtual addresses");
	if (why)
		add(list, why, "this member does not become owner: %s", why);
	if (g->member.state == MEMBER_OWNER && g->config->sync_state && !has_redundancy(g))
		add(list, "no backup", "no backup is in sync: connections are lost if this member dies");
	if (g->health.poor)
		add(list, g->health.poor, "health %u of %u: %s", g->member.score, MEMBER_SCORE_MAX,
		    g->health.poor);
}

static void list_vrouters(const struct gateway *g, struct list *list)
{
	unsigned int i;
	char key[48];

	for (i = 0; i < vrouters_count(g->vrouters); i++) {
		const char *name, *poor = vrouters_poor(g->vrouters, i, &name);

		if (poor)
			add(list, key_of(key, "router", name, ""), "virtual router %s: %s", name,
			    poor);
	}
}

static void list_kernel(const struct gateway *g, struct list *list)
{
	uint64_t refused = replicate_refused(g->replicate);

	if (g->replicate->repair.unheard)
		add(list, "unheard", "no digests come from the owner: nothing proves this copy");
	if (g->replicate->unread)
		add(list, "unread", "the owner's records are newer: upgrade this member");
	if (refused)
		add(list, "records", "%llu records refused since the last full sync: see refused_* in gwsync stats",
		    (unsigned long long)refused);
	if (!g->epochfile.kept)
		add(list, "epoch", "the epoch is not kept over a reboot: see daemon.state");
}

/* Flows have lines of their own, and without them this backup is no heir. */
static void list_tables(const struct gateway *g, struct list *list)
{
	uint64_t now_ns = loop_clock();
	unsigned int i;
	char key[48];

	for (i = 1; i < g->tables.count && g->member.state == MEMBER_BACKUP; i++) {
		const struct replicate *r = &g->tables.halves[i].replicate;
		const char *name = g->tables.halves[i].home.table->name;

		if (g->member.owner && !r->in_sync && r->in_sync_ns &&
		    elapsed_ns(now_ns, r->in_sync_ns) > PROBLEM_TABLE_NS)
			add(list, key_of(key, "table", name, ""),
			    "%s are not in sync with the owner, for %llu s: a takeover would lack some",
			    name, (unsigned long long)(elapsed_ns(now_ns, r->in_sync_ns) /
						       NSEC_PER_SEC));
	}
}

/* How long this one has listened: silence of a second says nothing. */
static bool has_listened(const struct gateway *g, uint64_t now_ns)
{
	return g->started && elapsed_ns(now_ns, g->member.start_ns) > PROBLEM_SILENT_NS;
}

/* It is a copy to look at: nobody's connections depend on it. */
static void list_bgp(const struct gateway *g, struct list *list)
{
	unsigned int i;
	char key[48];

	for (i = 0; i < g->ribs.tables; i++) {
		const struct rib_table *t = &g->ribs.table[i];
		const char *error = bgp_session_error(t->session);

		snprintf(key, sizeof(key), "bgp %s", t->config->table);
		if (bgp_session_state(t->session) != BGP_ESTABLISHED && error[0])
			add(list, key, "bgp %s: no session with the routing daemon: %s",
			    t->config->table, error);
		else if (t->incomplete)
			add(list, key, "bgp %s: the daemon has more routes than bgp.paths or bgp.attributes_mib allow",
			    t->config->table);
	}
}

static void list_config(const struct gateway *g, const struct peer *peer, struct list *list)
{
	char key[48], text[160];
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < __CONFIG_PART_MAX; i++) {
		uint32_t theirs = peer->heartbeat.config[i];

		if (!theirs || theirs == g->heartbeat.config_hash[i])
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 used ? ", " : "", config_part_name(i));
	}
	if (used)
		add(list, key_of(key, "config", peer->name, ""),
		    "configuration differs from that of %s: %s", peer->name, text);
	/* One of the old version says this alone. */
	else if (!peer->heartbeat.config[0] && peer->heartbeat.interval_ms &&
		 peer->heartbeat.interval_ms != g->config->heartbeat_ms)
		add(list, key_of(key, "interval", peer->name, ""),
		    "configuration differs from that of %s: group.heartbeat_ms", peer->name);
}

static void list_one_way(const struct gateway *g, const struct peer *peer, uint64_t now_ns,
			 struct list *list)
{
	const struct member_peer *m = &g->member.peer[peer->id];
	const struct paths *paths = g->speaker.paths;
	unsigned int i;
	char key[48];

	if (!m->report.newer || elapsed_ns(now_ns, m->since_ns) < PROBLEM_LINK_NS)
		return;
	if (!peer->hears) {
		add(list, key_of(key, "deaf", peer->name, ""),
		    "%s does not hear this member on any link: is UDP %u let in there?",
		    peer->name, PATH_PORT);
		return;
	}
	for (i = 0; i < paths_count(paths) && i < FRAME_LINKS_MAX; i++)
		if (paths_up(paths, i) && !(peer->hears & 1ULL << i) &&
		    peer->heard_ns[i] && elapsed_ns(now_ns, peer->heard_ns[i]) < PROBLEM_LINK_NS)
			add(list, key_of(key, "one way", peer->name, paths_name(paths, i)),
			    "link %s works one way: %s is heard on it and does not hear us",
			    paths_name(paths, i), peer->name);
}

static void list_mtu(const struct gateway *g, const struct peer *peer, struct list *list)
{
	unsigned int ours = paths_mtu(g->speaker.paths);
	uint16_t theirs = peer->heartbeat.mtu;
	char key[48];

	if (theirs && theirs != ours)
		add(list, key_of(key, "mtu", peer->name, ""),
		    "MTU of the sync link is %u here and %u at %s: the smaller one is used",
		    ours, theirs, peer->name);
}

static void list_member(const struct gateway *g, const struct peer *peer, struct list *list)
{
	uint64_t now_ns = loop_clock();
	char key[48];

	if (is_alive(g, peer)) {
		list_config(g, peer, list);
		list_one_way(g, peer, now_ns, list);
		list_mtu(g, peer, list);
		return;
	}
	if (!has_listened(g, now_ns))
		return;
	if (!peer->last_ns)
		add(list, key_of(key, "silent", peer->name, ""), "%s was never heard on any link",
		    peer->name);
	else
		add(list, key_of(key, "silent", peer->name, ""),
		    "%s is not heard on any link, last %llu s ago", peer->name,
		    (unsigned long long)(elapsed_ns(now_ns, peer->last_ns) / NSEC_PER_SEC));
}

static bool link_is_heard(const struct gateway *g, unsigned int link)
{
	unsigned int i;

	for (i = 0; i < g->peers.count; i++)
		if (is_alive(g, &g->peers.peer[i]) &&
		    peer_is_heard(&g->peers.peer[i], link, PROBLEM_LINK_NS))
			return true;
	return false;
}

static void list_links(const struct gateway *g, struct list *list)
{
	bool alive = false;
	unsigned int i;
	char key[48];

	if (g->member.isolated)
		add(list, "isolated", "no link is up");
	else if (paths_sync_down(g->speaker.paths))
		add(list, "sync link", "sync link down");
	for (i = 0; i < paths_count(g->speaker.paths); i++) {
		if (!paths_up(g->speaker.paths, i))
			continue;
		if (paths_refused(g->speaker.paths, i))
			add(list, key_of(key, "output", paths_name(g->speaker.paths, i), ""),
			    "the firewall of this host drops UDP %d that goes out on %s",
			    PATH_PORT, paths_name(g->speaker.paths, i));
		else if (probe_is_blocked(&g->probes, i))
			add(list, key_of(key, "input", paths_name(g->speaker.paths, i), ""),
			    "the firewall of this host drops UDP %d that comes in on %s",
			    PATH_PORT, paths_name(g->speaker.paths, i));
	}
	for (i = 0; i < g->peers.count; i++)
		alive |= is_alive(g, &g->peers.peer[i]);
	/* Without anybody on any link that is said of the members. */
	if (!alive || !has_listened(g, loop_clock()))
		return;
	for (i = 0; i < paths_count(g->speaker.paths); i++)
		if (paths_up(g->speaker.paths, i) && !link_is_heard(g, i) &&
		    !probe_is_blocked(&g->probes, i))
			add(list, key_of(key, "link", paths_name(g->speaker.paths, i), ""),
			    "link %s is up, but nobody is heard on it: wrong VLAN, a firewall, rp_filter, or a switch that keeps multicast back",
			    paths_name(g->speaker.paths, i));
}

static void list_refused(const struct gateway *g, struct list *list)
{
	static const struct {
		enum session_drop	drop;
		const char		*text;
	} reasons[] = {
		{ SESSION_DROP_KEY, "another key" },
		{ SESSION_DROP_TAG, "another key, or forged" },
		{ SESSION_DROP_MODE, "sealed here and not there, or the reverse" },
		{ SESSION_DROP_VERSION, "another version of gwsync" },
		{ SESSION_DROP_MEMBER, "of a member that this configuration does not name" },
	};
	uint64_t now_ns = loop_clock();
	const struct refusal *r = &g->refusals.of[SESSION_DROP_DUPLICATE];
	char from[INET_ADDRSTRLEN], key[48];
	unsigned int i;

	if (r->last_ns && elapsed_ns(now_ns, r->last_ns) < PROBLEM_TWIN_NS)
		add(list, "twin", "another machine uses this member id");
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		r = &g->refusals.of[reasons[i].drop];
		if (!r->last_ns || elapsed_ns(now_ns, r->last_ns) > PROBLEM_REFUSED_NS)
			continue;
		inet_ntop(AF_INET, &r->from.sin_addr, from, sizeof(from));
		add(list, key_of(key, "refused", session_drop_name(reasons[i].drop), ""),
		    "datagrams of this group are refused: %s; %u in 10 s, the last from %s on %s",
		    reasons[i].text, r->last_count > r->count ? r->last_count : r->count, from,
		    paths_name(g->speaker.paths, r->link));
	}
}

unsigned int problem_list(const struct gateway *g, struct problem *problem)
{
	struct list list = { .problem = problem };
	unsigned int i;

	list_owner(g, &list);
	list_vrouters(g, &list);
	list_kernel(g, &list);
	list_tables(g, &list);
	list_bgp(g, &list);
	list_links(g, &list);
	for (i = 0; i < g->peers.count; i++)
		list_member(g, &g->peers.peer[i], &list);
	list_refused(g, &list);
	return list.count;
}

void problem_check_redundancy(struct gateway *g, uint64_t now_ns)
{
	bool redundant = g->member.state == MEMBER_OWNER && has_redundancy(g);

	if (redundant == g->redundant && g->redundant_ns)
		return;
	g->redundant = redundant;
	g->redundant_ns = now_ns;
}

static bool is_listed(const struct problem *problem, unsigned int count, const char *key)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(problem[i].key, key))
			return true;
	return false;
}

/* Was it known, and said?  Return: its place, or -1. */
static int known_at(const struct problems *p, const char *key)
{
	unsigned int i;

	for (i = 0; i < p->known; i++)
		if (!strcmp(p->problem[i].key, key))
			return (int)i;
	return -1;
}

static void problem_look(struct loop_timer *timer)
{
	struct gateway *g = container_of(timer, struct gateway, problems.timer);
	static struct problem problem[PROBLEMS_MAX];
	struct problems *p = &g->problems;
	bool said[PROBLEMS_MAX];
	unsigned int count, i;

	loop_timer_in(g->loop, timer, PROBLEM_LOOK_NS);
	count = problem_list(g, problem);
	for (i = 0; i < p->known; i++)
		if (p->said[i] && !is_listed(problem, count, p->problem[i].key))
			log_notice("problem is over: %s", p->problem[i].text);
	for (i = 0; i < count; i++) {
		int at = known_at(p, problem[i].key);

		if (at >= 0 && !p->said[at])
			log_warning("problem: %s", problem[i].text);
		said[i] = at >= 0;
	}
	memcpy(p->problem, problem, count * sizeof(problem[0]));
	memcpy(p->said, said, count * sizeof(said[0]));
	p->known = count;
}

void problem_start(struct gateway *g)
{
	g->problems.timer.fire = problem_look;
	loop_timer_in(g->loop, &g->problems.timer, PROBLEM_LOOK_NS);
}

void problem_stop(struct gateway *g)
{
	loop_timer_del(g->loop, &g->problems.timer);
}

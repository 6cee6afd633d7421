// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "group.h"
#include "log.h"

#define GROUP_COMPLAIN_NS	(10 * NSEC_PER_SEC)
#define GROUP_END_NS		(3 * NSEC_PER_SEC)

const char *group_name(const struct group *g, uint8_t member)
{
	const char *name = member ? config_member_name(g->config, member) : NULL;

	return name ? name : "nobody";
}

int group_send(struct group *g, unsigned int link, struct frame *frame)
{
	size_t len = session_send(&g->session, frame, g->datagram);

	if (!len) {
		log_error("bug: a %s frame breaks the rules of frame.c, not sent",
			  frame_type_name(frame->head.type));
		return -EINVAL;
	}
	return links_send(g->links, link, g->datagram, len);
}

void group_send_all(struct group *g, struct frame *frame)
{
	unsigned int i;

	for (i = 0; i < links_count(g->links); i++)
		if (links_up(g->links, i))
			group_send(g, i, frame);
}

/* The first sync link on which most of the living members are heard. */
void group_choose_link(struct group *g)
{
	uint64_t now_ns = loop_clock(), dead_ns = member_dead_ns(&g->member.params);
	uint32_t best = GROUP_NO_LINK, was = g->data_link;
	unsigned int best_score = 0, i, j;

	for (i = 0; i < links_count(g->links); i++) {
		unsigned int score = 1;

		if (!links_is_sync(g->links, i) || !links_up(g->links, i))
			continue;
		for (j = 0; j < g->npeers; j++)
			score += g->peers[j].heard_ns[i] &&
				 now_ns - g->peers[j].heard_ns[i] < dead_ns;
		if (score > best_score) {
			best = i;
			best_score = score;
		}
	}
	if (best == was)
		return;
	g->data_link = best;
	if (best == GROUP_NO_LINK) {
		log_warning("no sync link is up: state waits");
	} else {
		log_notice("state goes over link %s", links_name(g->links, best));
		stream_kick(g);
	}
}

static bool group_isolated(const struct group *g)
{
	unsigned int i;

	for (i = 0; i < links_count(g->links); i++)
		if (links_up(g->links, i))
			return false;
	return true;
}

void group_check_health(struct group *g)
{
	bool kernel = g->sync.kernel || !g->config->sync_state;
	bool passive = sync_passive(g);
	bool vrouters, healthy;

	/* What failed is tried again while this member owns. */
	if (g->acquire_failed && vrouters_complete(g->vrouters))
		g->acquire_failed = false;
	vrouters = vrouters_healthy(g->vrouters) && !g->acquire_failed;
	healthy = vrouters && kernel && !passive;
	if (healthy == g->healthy)
		return;
	g->healthy = healthy;
	if (healthy)
		log_notice("healthy again");
	else
		log_warning("not healthy:%s%s%s", vrouters ? "" : " a virtual router's interface",
			    kernel ? "" : " kernel half not attached",
			    passive ? " kernel half passive" : "");
	member_set_healthy(&g->member, loop_clock(), healthy);
}

/* Actions of the membership. */

static void group_acquire(void *arg, uint64_t owners, uint32_t epoch)
{
	struct group *g = arg;
	int err;

	/* The addresses are on their way to another: it is owner in a moment. */
	if (!owners && g->switchover.phase == SWITCHOVER_DRAIN)
		return;
	/* Nothing that was agreed for the epoch before holds any more. */
	if (owners)
		switchover_abort(g, "this member took over anew");
	/* The gate: replicas are live before an address is. */
	sync_acquire(g, owners, epoch);
	err = vrouters_acquire(g->vrouters);
	g->acquire_failed = err < 0;
	if (err)
		log_error("virtual routers: %s", strerror(-err));
	if (owners)
		log_notice("OWNER, epoch %u", epoch);
	else
		log_warning("another member claims to be owner too: asserting ownership");
}

static void group_release(void *arg, uint8_t owner, uint32_t epoch)
{
	struct group *g = arg;

	/* Silence first. */
	vrouters_release(g->vrouters);
	switchover_abort(g, "another member became owner");
	sync_release(g, owner, epoch);
	log_warning("yielded to %s, epoch %u", group_name(g, owner), epoch);
}

static void group_follow(void *arg, uint8_t owner, uint32_t epoch)
{
	struct group *g = arg;

	g->acquire_failed = false;
	log_notice("BACKUP of %s, epoch %u", group_name(g, owner), epoch);
	sync_follow(g, owner, epoch);
}

static void group_hand_over(void *arg, uint8_t to)
{
	struct group *g = arg;
	const char *why;

	log_notice("%s should be owner: %s", group_name(g, to),
		   g->member.healthy ? "it has the higher priority" : "this member is not healthy");
	if (switchover_begin(g, to, false, &why))
		log_warning("cannot hand over to %s: %s", group_name(g, to), why);
}

static void group_announce(void *arg)
{
	heartbeat_send(arg);
}

static void group_alive(void *arg, uint8_t id, bool alive)
{
	struct group *g = arg;

	if (alive) {
		log_notice("member %s (%u) is alive", group_name(g, id), id);
		return;
	}
	log_warning("member %s (%u) is dead or has restarted", group_name(g, id), id);
	if (g->by_id[id]->heartbeat.flags & FRAME_HEARTBEAT_IN_SYNC) {
		g->by_id[id]->heartbeat.flags &= (uint8_t)~FRAME_HEARTBEAT_IN_SYNC;
		g->by_id[id]->in_sync_ns = loop_clock();
	}
	sync_dead(g, g->by_id[id]);
}

/* Frames. */

static void group_complain(struct group *g, enum session_drop drop, unsigned int link,
			   const struct sockaddr_in *from)
{
	uint64_t now_ns = loop_now(g->loop);
	char address[INET_ADDRSTRLEN] = "?";
	const char *remedy;

	switch (drop) {
	case SESSION_DROP_DUPLICATE:
		remedy = "ANOTHER MACHINE USES THIS MEMBER ID; give each its own group.member";
		break;
	case SESSION_DROP_MEMBER:
		remedy = "a member that this configuration does not name";
		break;
	case SESSION_DROP_MODE:
		remedy = "sealed here and not there, or the reverse; compare auth and key_file";
		break;
	case SESSION_DROP_KEY:
	case SESSION_DROP_TAG:
		remedy = "another key or a forgery; compare key_file";
		break;
	case SESSION_DROP_VERSION:
		remedy = "another version of gwsync";
		break;
	default:
		return;
	}
	/* One line a kind and ten seconds: an attacker must not fill the disk. */
	if (g->complain_ns[drop] && now_ns - g->complain_ns[drop] < GROUP_COMPLAIN_NS)
		return;
	g->complain_ns[drop] = now_ns;
	inet_ntop(AF_INET, &from->sin_addr, address, sizeof(address));
	log_error("link %s: refused a datagram of %s: %s", links_name(g->links, link), address,
		  remedy);
}

static void group_frame(struct group_peer *peer, uint64_t now_ns, const struct frame *frame)
{
	struct group *g = peer->group;

	switch (frame->head.type) {
	case FRAME_HEARTBEAT:
		/* One link may be slower than another: no step back in time. */
		if (frame->head.counter <= peer->counter)
			break;
		peer->counter = frame->head.counter;
		heartbeat_take(peer, now_ns, &frame->heartbeat);
		break;
	case FRAME_DATA:
		stream_data(peer, now_ns, &frame->data);
		break;
	case FRAME_ACK:
		if (session_is_own(&g->session, &frame->ack.stream))
			transmit_ack(g->transmit, now_ns, peer->id, frame->ack.ack);
		break;
	case FRAME_NACK:
		if (session_is_own(&g->session, &frame->nack.stream))
			transmit_nack(g->transmit, now_ns, peer->id, &frame->nack);
		break;
	case FRAME_GONE:
		receive_gone(peer->receive, now_ns, frame->gone.next);
		break;
	case FRAME_SYNC_REQUEST:
		if (session_is_own(&g->session, &frame->sync_request.stream))
			sync_requested(peer, &frame->sync_request);
		break;
	case FRAME_REPAIR_REQUEST:
		if (session_is_own(&g->session, &frame->repair_request.stream))
			repair_requested(peer, &frame->repair_request);
		break;
	case FRAME_PREPARE:
	case FRAME_READY:
	case FRAME_RESIGN:
		if (session_is_own(&g->session, &frame->switchover.stream))
			switchover_take(peer, frame->head.type, &frame->switchover);
		break;
	default:
		break;
	}
}

static void group_receive(void *arg, unsigned int link, const struct sockaddr_in *from,
			  uint8_t *data, size_t len)
{
	static struct frame frame;	/* a heartbeat of many peers is large */
	struct group *g = arg;
	uint64_t now_ns = loop_now(g->loop);
	enum session_verdict verdict;
	enum session_drop drop;
	struct group_peer *peer;

	if (!g->started)
		return;
	verdict = session_receive(&g->session, now_ns, data, len, &frame, &drop);
	if (verdict == SESSION_REFUSED) {
		group_complain(g, drop, link, from);
		return;
	}
	if (verdict == SESSION_PRESENT) {
		/* Answer soon: the sooner both prove their presence. */
		if (elapsed_ns(now_ns, g->heartbeat_ns) > g->member.params.heartbeat_ns / 4)
			heartbeat_send(g);
		return;
	}
	peer = g->by_id[frame.head.sender];
	if (!peer)
		return;

	if (verdict == SESSION_BEGUN) {
		log_info("member %s: new session", peer->name);
		memset(peer->heard_ns, 0, sizeof(peer->heard_ns));
		peer->sync_ns = 0;
		peer->counter = 0;
		peer->holds_ours = false;
		if (g->switchover.from == peer->id)
			g->switchover.from = 0;		/* it meant the old stream */
		sync_session(peer);
		stream_begin(peer, &frame.heartbeat);
		/* Before its own heartbeat counts: what it was is over. */
		member_lost(&g->member, now_ns, peer->id);
	}
	peer->heard_ns[link] = now_ns;
	peer->last_ns = now_ns;
	if (links_is_sync(g->links, link))
		peer->sync_ns = now_ns;
	group_frame(peer, now_ns, &frame);
	stream_kick(g);
}

static void group_link_changed(void *arg, unsigned int link)
{
	struct group *g = arg;

	if (!g->started)
		return;
	member_set_isolated(&g->member, loop_clock(), group_isolated(g));
	group_choose_link(g);
	sync_link_changed(g);
	if (links_up(g->links, link))
		heartbeat_send(g);
}

/* A backup is in the middle of a full sync: it would take over with a part of it. */
static bool group_heir_soon(const struct group *g)
{
	unsigned int i;

	for (i = 0; i < g->npeers; i++) {
		const struct member_peer *peer = &g->member.peer[g->peers[i].id];

		if (g->peers[i].bit & g->sync.served && peer->alive &&
		    peer->report.state == MEMBER_BACKUP)
			return true;
	}
	return false;
}

/* Return: false if there is nobody to hand over to, now or soon. */
static bool group_end_hand_over(struct group *g)
{
	const char *why;

	g->end_waits = false;
	if (g->switchover.phase != SWITCHOVER_IDLE || !switchover_begin(g, 0, false, &why))
		return true;
	g->end_waits = group_heir_soon(g);
	if (!g->end_waits)
		log_notice("leaving without handing over: %s", why);
	return g->end_waits;
}

/* Some times a second, while this one is to end. */
static void group_end_again(struct group *g)
{
	if (!group_end_hand_over(g))
		loop_timer_in(g->loop, &g->end_timer, 0);
	else if (!g->end_waits)		/* has begun, and gets its time */
		loop_timer_in(g->loop, &g->end_timer, GROUP_END_NS);
}

static void group_heartbeat(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, heartbeat_timer);
	uint64_t now_ns = loop_now(g->loop);

	loop_timer_in(g->loop, timer, g->member.params.heartbeat_ns);
	sync_check_active(g, now_ns);
	group_check_health(g);
	group_choose_link(g);
	sync_check_behind(g, now_ns);
	heartbeat_send(g);
	sync_judge(g, now_ns);
	if (g->end_waits)
		group_end_again(g);
}

/* A flood, or a host too slow for what it is sent: who is silent may have spoken. */
static void group_check_deaf(struct group *g)
{
	uint64_t now_ns = loop_now(g->loop);
	bool overflow;

	if (links_deaf(g->links, &overflow))
		member_set_deaf(&g->member, now_ns);
	if (!overflow || (g->overflow_ns && now_ns - g->overflow_ns < GROUP_COMPLAIN_NS))
		return;
	g->overflow_ns = now_ns;
	log_error("a link's socket is full and datagrams are lost: a flood on the sync LAN? who is silent on all links is not taken for dead so soon");
}

static void group_tick(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, member_timer);

	group_check_deaf(g);
	loop_timer_at(g->loop, timer, member_tick(&g->member, loop_now(g->loop)));
}

static void group_add_peers(struct group *g)
{
	const struct config_member *m;

	for (m = g->config->members; m->id; m++) {
		struct group_peer *peer;

		if (m->id == g->config->member)
			continue;
		peer = &g->peers[g->npeers++];
		peer->group = g;
		peer->id = m->id;
		peer->bit = 1ULL << m->id;
		peer->name = m->name;
		g->by_id[m->id] = peer;
	}
}

static uint64_t group_members(const struct group *g)
{
	uint64_t set = 1ULL << g->config->member;
	unsigned int i;

	for (i = 0; i < g->npeers; i++)
		set |= g->peers[i].bit;
	return set;
}

struct group *group_alloc(struct loop *loop, const struct config *config, int *err)
{
	struct group *g = calloc(1, sizeof(*g));
	struct link_callbacks link_cb = {
		.receive = group_receive, .changed = group_link_changed, .arg = g,
	};

	if (!g) {
		*err = -ENOMEM;
		return NULL;
	}
	g->loop = loop;
	g->config = config;
	g->data_link = GROUP_NO_LINK;
	g->healthy = true;
	g->heartbeat_timer.fire = group_heartbeat;
	g->member_timer.fire = group_tick;
	group_add_peers(g);
	switchover_init(g);

	*err = session_init(&g->session, config->group, config->member, group_members(g),
			    config->key, config->auth_none ? 0 : config->keys);
	if (*err) {
		log_error("session: %s", strerror(-*err));
		goto fail;
	}
	/* A daemon that died may have left addresses: two owners until removed. */
	g->vrouters = vrouters_alloc(loop, config, err);
	if (!g->vrouters)
		goto fail;
	*err = vrouters_reset(g->vrouters);
	if (*err) {
		log_error("virtual routers: what is left of an earlier run cannot be removed: %s",
			  strerror(-*err));
		goto fail;
	}
	g->links = links_alloc(loop, config, &link_cb, err);
	if (!g->links)
		goto fail;
	*err = stream_alloc(g);
	if (*err)
		goto fail;
	*err = sync_init(g);
	if (*err)
		goto fail;
	return g;

fail:
	group_free(g);
	return NULL;
}

void group_free(struct group *g)
{
	if (!g)
		return;
	g->started = false;
	loop_timer_del(g->loop, &g->heartbeat_timer);
	loop_timer_del(g->loop, &g->member_timer);
	loop_timer_del(g->loop, &g->end_timer);
	loop_timer_del(g->loop, &g->switchover.timer);
	if (g->vrouters)
		vrouters_free(g->vrouters);
	sync_exit(g);
	stream_free(g);
	links_free(g->links);
	session_wipe(&g->session);
	free(g);
}

void group_start(struct group *g)
{
	const struct config *c = g->config;
	struct member_params params = {
		.self = c->member,
		.priority = c->priority,
		.preempt = c->preempt,
		.preempt_delay_ns = c->preempt_delay_ms * NSEC_PER_MSEC,
		.heartbeat_ns = c->heartbeat_ms * NSEC_PER_MSEC,
		.dead_after = c->dead_after,
	};
	struct member_actions actions = {
		.acquire = group_acquire, .release = group_release, .follow = group_follow,
		.hand_over = group_hand_over, .announce = group_announce,
		.alive = group_alive, .arg = g,
	};
	uint64_t now_ns = loop_clock();

	member_start(&g->member, &params, &actions, now_ns, g->member.epoch);
	/* The last daemon died as owner: all that it owned is here. */
	if (g->sync.owned)
		member_set_in_sync(&g->member, now_ns, true);
	g->started = true;
	member_set_isolated(&g->member, now_ns, group_isolated(g));
	group_check_health(g);
	group_choose_link(g);
	loop_timer_at(g->loop, &g->heartbeat_timer, now_ns);
	loop_timer_at(g->loop, &g->member_timer, now_ns);
	log_notice("group %u, member %s (%u), priority %u%s: listening", c->group,
		   group_name(g, c->member), c->member, c->priority,
		   c->auth_none ? ", NOT SEALED (auth none)" : "");
}

static void group_ended(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, end_timer);

	if (g->end_waits)
		log_notice("leaving without handing over: no backup was in sync in time");
	vrouters_release(g->vrouters);
	member_leave(&g->member, loop_clock());
	loop_stop(g->loop);
}

void group_end(struct group *g)
{
	bool again = g->end_timer.fire;		/* asked twice: at once */
	bool wait;

	g->end_timer.fire = group_ended;
	g->switchover.leaving = true;
	g->end_waits = false;
	wait = !again && g->member.state == MEMBER_OWNER && group_end_hand_over(g);
	loop_timer_in(g->loop, &g->end_timer, wait ? GROUP_END_NS : 0);
}

int group_rekey(struct group *g, const struct config *config)
{
	return session_rekey(&g->session, config->key, config->auth_none ? 0 : config->keys);
}

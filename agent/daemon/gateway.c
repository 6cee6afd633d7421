// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/gateway.h"

#define GATEWAY_COMPLAIN_NS	(10 * NSEC_PER_SEC)
#define GATEWAY_ASSERT_NS	(60 * NSEC_PER_SEC)	/* what goes on is said so often */
#define GATEWAY_END_NS		(3 * NSEC_PER_SEC)

/* A host that has been up for so long has links that did not come up just now. */
#define GATEWAY_SETTLED_NS	(120 * NSEC_PER_SEC)

/* Without any session for so long, and taken for a recording: a new boot id. */
#define GATEWAY_RENEW_NS	(2 * NSEC_PER_SEC)
#define GATEWAY_RENEWALS		8

/* Which link carries data now. */
static void gateway_choose_link(struct gateway *g)
{
	if (reach_choose(&g->speaker, &g->member, &g->peers))
		stream_kick(&g->stream);
}

static void gateway_send_heartbeat(struct gateway *g)
{
	struct heartbeat_facts facts = {
		.kernel = g->attach.kernel, .tables = tables_known(&g->tables),
	};

	if (!g->started)
		return;
	tables_served(&g->tables, facts.served);
	heartbeat_send(&g->heartbeat, &facts);
}

/* How well it could serve. */

static struct health_means gateway_means(void *arg)
{
	const struct gateway *g = arg;
	struct health_means means = {
		.carrier = vrouters_healthy(g->vrouters),
		.passive = publish_is_passive(g->publish),
		.no_kernel = g->config->sync_state && !g->attach.kernel,
	};

	means.able = vrouters_able(g->vrouters, &means.routers);
	return means;
}

static uint64_t gateway_received(void *arg)
{
	const struct gateway *g = arg;

	return vrouters_received(g->vrouters);
}

/* Actions of the membership. */

static void gateway_acquire(void *arg, uint64_t owners, uint32_t epoch)
{
	struct gateway *g = arg;
	uint64_t from_ns = loop_clock(), live_ns, leased_ns, held_ns;

	/* Nothing that was agreed for the epoch before holds any more. */
	switchover_abort(g, "this member took over anew");
	/* The gate: replicas are live before an address is. */
	tables_acquire(&g->tables, owners, epoch);
	live_ns = loop_clock();
	lease_take(g);
	leased_ns = loop_clock();
	vrouters_acquire(g->vrouters);
	routes_settle(&g->routes);
	held_ns = loop_clock();
	epochfile_note(&g->epochfile, epoch);
	log_notice("OWNER, epoch %u", epoch);
	log_info("owner, us: replicas live %llu, lease %llu, addresses %llu",
		 (unsigned long long)((live_ns - from_ns) / NSEC_PER_USEC),
		 (unsigned long long)((leased_ns - live_ns) / NSEC_PER_USEC),
		 (unsigned long long)((held_ns - leased_ns) / NSEC_PER_USEC));
}

static void gateway_assert(void *arg, bool contested)
{
	struct gateway *g = arg;
	uint64_t now_ns = loop_clock();

	/* The addresses are on their way to another: it is owner in a moment. */
	if (g->switchover.phase == SWITCHOVER_DRAIN)
		return;
	if (contested && (!g->assert_ns || elapsed_ns(now_ns, g->assert_ns) >= GATEWAY_ASSERT_NS)) {
		log_warning("another member claims to be owner too: asserting ownership");
		g->assert_ns = now_ns;
	}
	if (!contested)
		log_notice("another member was owner for a while: addresses are announced again");
	if (!vrouters_held(g->vrouters))
		lease_take(g);
	vrouters_acquire(g->vrouters);
	routes_settle(&g->routes);
}

static void gateway_release(void *arg, uint8_t owner, uint32_t epoch)
{
	struct gateway *g = arg;

	/* Silence first. */
	vrouters_release(g->vrouters);
	switchover_abort(g, "another member became owner");
	tables_release(&g->tables, owner, epoch);
	if (owner)
		log_warning("yielded to %s, epoch %u", config_member_name(g->config, owner), epoch);
	else
		log_warning("owner no longer: others could not hear this member, so another owns by now");
}

static void gateway_follow(void *arg, uint8_t owner, uint32_t epoch)
{
	struct gateway *g = arg;

	epochfile_note(&g->epochfile, epoch);
	log_notice("BACKUP of %s, epoch %u", config_member_name(g->config, owner), epoch);
	tables_follow(&g->tables, owner, epoch);
}

static void gateway_hand_over(void *arg, uint8_t to)
{
	struct gateway *g = arg;
	const char *why;

	log_notice("%s should be owner: %s", config_member_name(g->config, to),
		   g->member.peer[to].report.score > g->member.score ?
		   "its health is better" :
		   g->member.peer[to].report.unheard < g->member.unheard ?
		   "it hears members on more LANs" : "it has the higher priority");
	if (switchover_begin(g, to, false, &why))
		log_warning("cannot hand over to %s: %s", config_member_name(g->config, to), why);
}

static void gateway_announce(void *arg)
{
	struct gateway *g = arg;
	uint64_t now_ns = loop_clock();

	gateway_send_heartbeat(g);
	lease_renew(g, now_ns);
}

static void gateway_alive(void *arg, uint8_t id, bool alive)
{
	struct gateway *g = arg;
	struct peer *peer = g->peers.by_id[id];

	if (alive) {
		log_notice("member %s (%u) is alive", peer->name, id);
		return;
	}
	log_warning("member %s (%u) is dead or has restarted", peer->name, id);
	if (peer->heartbeat.flags & FRAME_HEARTBEAT_IN_SYNC) {
		peer->heartbeat.flags &= (uint8_t)~FRAME_HEARTBEAT_IN_SYNC;
		peer->in_sync_ns = loop_clock();
	}
	tables_dead(&g->tables, peer);
}

/* Frames. */

/* Datagrams of this group that cannot be read: members, by mistake, or somebody else. */
static bool gateway_is_unsure(const struct gateway *g, enum session_drop drop,
			      const struct frame_head *head)
{
	return (drop == SESSION_DROP_KEY || drop == SESSION_DROP_MODE ||
		drop == SESSION_DROP_TAG || drop == SESSION_DROP_VERSION) &&
	       head->group == g->config->group && head->sender <= GWSYNC_MEMBER_MAX &&
	       g->peers.by_id[head->sender];
}

/* A frame of records fits the sync links of every member that is alive: heartbeats are
 * small and pass, and where a larger frame does not nobody would know.
 */
static void gateway_choose_batch(struct gateway *g)
{
	unsigned int mtu = paths_mtu(g->speaker.paths), i;

	for (i = 0; i < g->peers.count; i++) {
		const struct peer *peer = &g->peers.peer[i];
		unsigned int theirs = peer->heartbeat.mtu;

		if (!g->member.peer[peer->id].alive || !theirs || theirs >= mtu)
			continue;
		mtu = theirs > FRAME_MTU_MIN ? theirs : FRAME_MTU_MIN;
	}
	stream_set_mtu(&g->stream, mtu);
	attach_set_batch(&g->attach, frame_records_max(mtu));
}

static void gateway_heartbeat_came(struct gateway *g, struct peer *peer, uint64_t now_ns,
				   const struct frame *frame)
{
	struct heartbeat_news news;

	if (!heartbeat_is_news(&g->heartbeat, peer, now_ns, frame) ||
	    lease_heard(g, peer, now_ns, frame->heartbeat.clock_ms))
		return;
	heartbeat_believe(&g->heartbeat, peer, now_ns, frame, &news);
	if (news.in_sync)
		tables_in_sync(&g->tables, peer);
	member_heard(&g->member, now_ns, peer->id, &news.report);
	gateway_choose_batch(g);
	if (news.report.state == MEMBER_OWNER)
		switchover_owner_heard(g, peer->id);
	if (g->member.owner == peer->id)
		tables_judge(&g->tables, now_ns);
}

/* It is served by this: soon is the next time to say so. */
static void gateway_repair_requested(struct gateway *g, const struct peer *peer,
				     const struct frame_repair_request *request)
{
	if (tables_repair_requested(&g->tables, peer, request))
		gateway_send_heartbeat(g);
}

static void gateway_frame(struct gateway *g, struct peer *peer, uint64_t now_ns,
			  const struct frame *frame)
{
	switch (frame->head.type) {
	case FRAME_HEARTBEAT:
		gateway_heartbeat_came(g, peer, now_ns, frame);
		break;
	case FRAME_DATA:
		receive_data(g->stream.receive[peer->id], now_ns, &frame->data);
		switchover_progress(g);
		break;
	case FRAME_ACK:
		if (session_is_own(&g->speaker.session, &frame->ack.stream))
			transmit_ack(g->stream.transmit, now_ns, peer->id, frame->ack.ack);
		break;
	case FRAME_NACK:
		if (session_is_own(&g->speaker.session, &frame->nack.stream))
			transmit_nack(g->stream.transmit, now_ns, peer->id, &frame->nack);
		break;
	case FRAME_GONE:
		receive_gone(g->stream.receive[peer->id], now_ns, frame->gone.next);
		break;
	case FRAME_SYNC_REQUEST:
		if (session_is_own(&g->speaker.session, &frame->sync_request.stream))
			tables_requested(&g->tables, peer, &frame->sync_request);
		break;
	case FRAME_REPAIR_REQUEST:
		if (session_is_own(&g->speaker.session, &frame->repair_request.stream))
			gateway_repair_requested(g, peer, &frame->repair_request);
		break;
	case FRAME_PREPARE:
	case FRAME_READY:
	case FRAME_RESIGN:
		if (session_is_own(&g->speaker.session, &frame->switchover.stream))
			switchover_take(g, peer, frame->head.type, &frame->switchover);
		break;
	default:
		break;
	}
}

static void gateway_receive(void *arg, unsigned int link, const struct sockaddr_in *from,
			    uint8_t *data, size_t len)
{
	static struct frame frame;	/* a heartbeat of many peers is large */
	struct gateway *g = arg;
	uint64_t now_ns = loop_now(g->loop);
	enum session_verdict verdict;
	enum session_drop drop;
	struct peer *peer;

	if (!g->started)
		return;
	verdict = session_receive(&g->speaker.session, now_ns, data, len, &frame, &drop);
	if (verdict == SESSION_REFUSED && drop == SESSION_DROP_OWN &&
	    probe_back(&g->probes, link, now_ns)) {
		session_expected(&g->speaker.session, drop);
		return;
	}
	if (verdict == SESSION_REFUSED) {
		if (gateway_is_unsure(g, drop, &frame.head))
			member_set_unsure(&g->member, now_ns);
		refusals_add(&g->refusals, now_ns, drop, &frame.head, link, from);
		return;
	}
	if (verdict == SESSION_PRESENT) {
		member_set_present(&g->member, now_ns);
		/* Answer soon: the sooner both prove their presence. */
		if (elapsed_ns(now_ns, g->heartbeat.sent_ns) > g->member.params.heartbeat_ns / 4)
			gateway_send_heartbeat(g);
		return;
	}
	peer = g->peers.by_id[frame.head.sender];
	if (!peer)
		return;

	if (verdict == SESSION_BEGUN) {
		log_info("member %s: new session", peer->name);
		peer_begin(peer);
		g->lease.clock[peer->id].since_ns = 0;
		if (g->switchover.from == peer->id)
			g->switchover.from = 0;		/* it meant the old stream */
		tables_session(&g->tables, peer);
		stream_begin(&g->stream, peer->id, &frame.heartbeat);
		/* Before its own heartbeat counts: what it was is over. */
		member_lost(&g->member, now_ns, peer->id);
	}
	paths_heard(g->speaker.paths, link, now_ns);
	peer->heard_ns[link] = now_ns;
	peer->last_ns = now_ns;
	if (paths_is_sync(g->speaker.paths, link))
		peer->sync_ns = now_ns;
	gateway_frame(g, peer, now_ns, &frame);
	stream_kick(&g->stream);
}

/* From the streams. */

static void gateway_deliver(void *arg, uint8_t from, const struct frame_data *data)
{
	struct gateway *g = arg;

	tables_deliver(&g->tables, g->peers.by_id[from], data);
}

static void gateway_lost(void *arg, uint8_t from, uint64_t first, uint64_t next)
{
	struct gateway *g = arg;

	tables_lost(&g->tables, g->peers.by_id[from], first, next);
}

static void gateway_moved(void *arg)
{
	switchover_progress(arg);
}

static void gateway_drained(void *arg)
{
	struct gateway *g = arg;

	tables_resume(&g->tables);
}

static void gateway_link_changed(void *arg, unsigned int link)
{
	struct gateway *g = arg;

	if (!g->started)
		return;
	probe_forget(&g->probes, link);
	member_set_isolated(&g->member, loop_clock(), speaker_isolated(&g->speaker));
	gateway_choose_link(g);
	gateway_choose_batch(g);
	if (paths_up(g->speaker.paths, link))
		gateway_send_heartbeat(g);
}

/* A backup is in the middle of a full sync: it would take over with a part of it. */
static bool gateway_heir_soon(const struct gateway *g)
{
	unsigned int i;

	for (i = 0; i < g->peers.count; i++) {
		const struct member_peer *peer = &g->member.peer[g->peers.peer[i].id];

		if (g->peers.peer[i].bit & g->publish->served && peer->alive &&
		    peer->report.state == MEMBER_BACKUP)
			return true;
	}
	return false;
}

/* Return: false if there is nobody to hand over to, now or soon. */
static bool gateway_end_hand_over(struct gateway *g)
{
	const char *why;

	g->end_waits = false;
	if (g->switchover.phase != SWITCHOVER_IDLE || !switchover_begin(g, 0, false, &why))
		return true;
	g->end_waits = gateway_heir_soon(g);
	if (!g->end_waits)
		log_notice("leaving without handing over: %s", why);
	return g->end_waits;
}

/* Some times a second, while this one is to end. */
static void gateway_end_again(struct gateway *g)
{
	if (!gateway_end_hand_over(g))
		loop_timer_in(g->loop, &g->end_timer, 0);
	else if (!g->end_waits)		/* has begun, and gets its time */
		loop_timer_in(g->loop, &g->end_timer, GATEWAY_END_NS);
}

static void gateway_heartbeat(struct loop_timer *timer)
{
	struct gateway *g = container_of(timer, struct gateway, heartbeat_timer);
	uint64_t now_ns = loop_now(g->loop), sent_ns;

	loop_timer_in(g->loop, timer, g->member.params.heartbeat_ns);
	/* Again, if its kernel half refused. */
	if (publish_renews(g->publish, now_ns) && g->switchover.phase == SWITCHOVER_IDLE)
		member_renew(&g->member, now_ns);
	health_check(&g->health);
	health_check_service(&g->health, now_ns);
	gateway_choose_link(g);
	neighbours_look(&g->neighbours);
	routes_look(&g->routes);
	tables_check(&g->tables, now_ns);
	sent_ns = loop_clock();
	gateway_send_heartbeat(g);
	lease_renew(g, sent_ns);
	probe_check(&g->probes, now_ns);
	member_set_isolated(&g->member, now_ns, speaker_isolated(&g->speaker));
	tables_judge(&g->tables, now_ns);
	problem_check_redundancy(g, now_ns);
	if (g->end_waits)
		gateway_end_again(g);
}

/* A flood, or a host too slow for what it is sent: who is silent may have spoken. */
static void gateway_check_deaf(struct gateway *g)
{
	uint64_t now_ns = loop_now(g->loop);
	bool overflow;

	if (paths_deaf(g->speaker.paths, &overflow))
		member_set_deaf(&g->member, now_ns);
	if (!overflow || (g->overflow_ns && now_ns - g->overflow_ns < GATEWAY_COMPLAIN_NS))
		return;
	g->overflow_ns = now_ns;
	log_error("a link's socket is full and datagrams are lost: a flood on the sync LAN? who is silent on all links is not taken for dead so soon");
}

/* It has no session, and is answered as one of its former lives would be: they have
 * the higher start.  The clock went back, and the file of starts was lost.
 */
static void gateway_check_renew(struct gateway *g)
{
	uint32_t twin = g->speaker.session.twin_start;
	unsigned int i;

	if (twin < session_start(&g->speaker.session) || twin == UINT32_MAX ||
	    g->renewals == GATEWAY_RENEWALS ||
	    elapsed_ns(loop_now(g->loop), g->member.start_ns) < GATEWAY_RENEW_NS)
		return;
	for (i = 0; i < g->peers.count; i++)
		if (session_live(&g->speaker.session, g->peers.peer[i].id))
			return;
	g->renewals++;
	log_warning("datagrams of a later start of this member are about: the clock went back? starting anew behind them");
	session_renew(&g->speaker.session, twin + 1);
	epochfile_note_start(&g->epochfile, twin + 1);
}

/* Why it does not own is worth a line: somebody waits for it. */
static void gateway_say_waits(struct gateway *g)
{
	enum member_wait waits = member_waits(&g->member, loop_now(g->loop));

	if (waits == g->waits)
		return;
	g->waits = waits;
	switch (waits) {
	case MEMBER_WAIT_PRESENT:
		log_notice("not owner yet: members are there whose sessions have not begun");
		break;
	case MEMBER_WAIT_UNSURE:
		log_error("NOT OWNER YET: datagrams of this group cannot be read, up to %u ms (group.unsure_ms) are waited for: compare key_file, auth and version of all members",
			  g->config->unsure_ms);
		break;
	case MEMBER_WAIT_BLOCKED:
		log_error("NOT OWNER: the firewall of this host drops UDP %d that comes in, so nobody can be heard; up to %u ms (group.unsure_ms) are waited for",
			  PATH_PORT, g->config->unsure_ms);
		break;
	case MEMBER_WAIT_DELAY:
		log_notice("not owner yet: nobody is heard, and the links have just come up (group.link_delay_ms)");
		break;
	default:
		break;
	}
}

static void gateway_tick(struct loop_timer *timer)
{
	struct gateway *g = container_of(timer, struct gateway, member_timer);

	gateway_check_deaf(g);
	gateway_check_renew(g);
	gateway_say_waits(g);
	loop_timer_at(g->loop, timer, member_tick(&g->member, loop_now(g->loop)));
}

/* From the kernel half. */

static bool gateway_delta(void *arg, uint64_t set, uint32_t walk_id, const void *records,
			  size_t len)
{
	struct gateway *g = arg;

	return publish_delta(g->publish, set, walk_id, records, len);
}

static void gateway_event(void *arg, const struct kernel_event *event)
{
	struct gateway *g = arg;

	if (lease_event(g, event))
		return;
	switch (event->event) {
	case GWSYNC_EVENT_WALK_DONE:
		publish_walked(g->publish, event->walk_id, event->count);
		break;
	case GWSYNC_EVENT_SWEEP_DONE:
		replicate_swept(g->replicate, event->owner, event->count);
		break;
	case GWSYNC_EVENT_ACTIVATE_DONE:
		log_info("%u replicas became own flows", event->count);
		break;
	case GWSYNC_EVENT_DIGEST:
		replicate_compared(g->replicate, event->owner, event->count);
		break;
	case GWSYNC_EVENT_LOST:
		publish_lost(g->publish);
		break;
	case GWSYNC_EVENT_SOURCE_DONE:
		sourceless_counted(g, event->count);
		break;
	default:
		break;
	}
}

static uint32_t gateway_epoch(void *arg)
{
	const struct gateway *g = arg;

	return g->member.epoch;
}

static void gateway_kernel_here(void *arg, uint32_t epoch)
{
	struct gateway *g = arg;

	replicate_attached(g->replicate);
	publish_attached(g->publish);
	if (!g->started) {
		g->member.epoch = epoch;
		return;
	}
	if (g->member.max_epoch < epoch)
		g->member.max_epoch = epoch;
	if (g->member.state == MEMBER_OWNER)
		member_renew(&g->member, loop_clock());
	else
		replicate_again(g->replicate);
	health_check(&g->health);
}

static void gateway_kernel_gone(void *arg)
{
	struct gateway *g = arg;

	/* The silence was its. */
	if (vrouters_is_quiet(g->vrouters))
		vrouters_release(g->vrouters);
	g->lease.taken = false;
	sourceless_gone(g);
	publish_gone(g->publish);
	replicate_gone(g->replicate);
	health_check(&g->health);
}

static unsigned int gateway_own_addresses(void *arg, struct gwsync_filter_prefix *prefix,
					  unsigned int max)
{
	const struct gateway *g = arg;

	return vrouters_own_addresses(g->vrouters, prefix, max);
}

static void gateway_addresses_changed(void *arg, const struct rtnl_address *address, bool gone)
{
	struct gateway *g = arg;

	(void)address;
	(void)gone;
	attach_addresses_changed(&g->attach);
}

static int gateway_alloc_tables(struct gateway *g)
{
	const struct attach_ops ops = {
		.delta = gateway_delta, .event = gateway_event, .epoch = gateway_epoch,
		.here = gateway_kernel_here, .gone = gateway_kernel_gone,
		.own_addresses = gateway_own_addresses, .arg = g,
	};
	struct table_halves *flows;
	int err;

	attach_init(&g->attach, g->loop, g->config, frame_records_max(paths_mtu(g->speaker.paths)),
		    &ops);
	g->tables.loop = g->loop;
	g->tables.config = g->config;
	g->tables.member = &g->member;
	g->tables.peers = &g->peers;
	g->tables.stream = &g->stream;
	flows = tables_add(&g->tables, &g->attach.table);
	g->publish = &flows->publish;
	g->replicate = &flows->replicate;
	if (!g->config->sync_state) {
		log_warning("sync_state is false: addresses move, connections do not");
		return 0;
	}
	g->watcher = (struct iface_watcher){ .address = gateway_addresses_changed, .arg = g };
	ifaces_watch(g->ifaces, &g->watcher);
	err = sourceless_init(g);
	if (!err)
		err = attach_start(&g->attach);
	if (err)
		return err;
	/* Flows go on without: nothing of it is there then, as for its peers. */
	if (g->config->routes.fib && routes_init(&g->routes, &g->tables, g->ifaces, g->vrouters))
		log_error("routes: not replicated by this member");
	if (g->config->neighbours &&
	    neighbours_init(&g->neighbours, &g->tables, g->ifaces, g->vrouters))
		log_error("neighbours: not replicated by this member");
	return 0;
}

struct gateway *gateway_alloc(struct loop *loop, const struct config *config, int *err)
{
	struct gateway *g = calloc(1, sizeof(*g));
	struct path_callbacks link_cb = {
		.receive = gateway_receive, .changed = gateway_link_changed, .arg = g,
	};
	struct stream_ops stream_ops = {
		.deliver = gateway_deliver, .lost = gateway_lost, .moved = gateway_moved,
		.drained = gateway_drained,
		.arg = g,
	};

	if (!g) {
		*err = -ENOMEM;
		return NULL;
	}
	g->loop = loop;
	g->config = config;
	g->speaker.loop = loop;
	g->speaker.data_link = SPEAKER_NO_LINK;
	g->refusals.speaker = &g->speaker;
	g->refusals.group = config->group;
	g->heartbeat_timer.fire = gateway_heartbeat;
	g->member_timer.fire = gateway_tick;
	peers_init(&g->peers, config);
	switchover_init(g);

	g->probes = (struct probes){ .speaker = &g->speaker, .member = &g->member };
	g->heartbeat = (struct heartbeat){
		.config = config, .speaker = &g->speaker, .member = &g->member,
		.peers = &g->peers, .stream = &g->stream, .probes = &g->probes,
	};
	config_hash(config, g->heartbeat.config_hash);
	g->health = (struct health){
		.ops = { .means = gateway_means, .received = gateway_received, .arg = g },
		.speaker = &g->speaker, .member = &g->member, .peers = &g->peers,
	};
	epochfile_load(&g->epochfile, config);
	g->member.epoch = g->epochfile.epoch;
	*err = session_init(&g->speaker.session, config->group, config->member, g->epochfile.start,
			    peers_set(&g->peers) | 1ULL << config->member, config->key,
			    config->auth_none ? 0 : config->keys);
	if (*err) {
		log_error("session: %s", strerror(-*err));
		goto fail;
	}
	g->ifaces = ifaces_alloc(loop, err);
	if (!g->ifaces)
		goto fail;
	/* A daemon that died may have left addresses: two owners until removed. */
	g->vrouters = vrouters_alloc(loop, g->ifaces, config, err);
	if (!g->vrouters)
		goto fail;
	*err = vrouters_reset(g->vrouters);
	if (*err) {
		log_error("virtual routers: what is left of an earlier run cannot be removed: %s",
			  strerror(-*err));
		goto fail;
	}
	g->speaker.paths = paths_alloc(loop, g->ifaces, config, &link_cb, err);
	if (!g->speaker.paths)
		goto fail;
	*err = stream_init(&g->stream, loop, &g->speaker, config, &stream_ops);
	if (*err)
		goto fail;
	*err = gateway_alloc_tables(g);
	if (*err)
		goto fail;
	lease_init(g);
	return g;

fail:
	gateway_free(g);
	return NULL;
}

void gateway_free(struct gateway *g)
{
	if (!g)
		return;
	g->started = false;
	loop_timer_del(g->loop, &g->heartbeat_timer);
	loop_timer_del(g->loop, &g->member_timer);
	loop_timer_del(g->loop, &g->end_timer);
	loop_timer_del(g->loop, &g->switchover.timer);
	problem_stop(g);
	vrouters_free(g->vrouters);
	g->vrouters = NULL;
	lease_exit(g);
	sourceless_exit(g);
	ribs_exit(&g->ribs);
	neighbours_exit(&g->neighbours);
	routes_exit(&g->routes);
	tables_exit(&g->tables);
	attach_exit(&g->attach);
	stream_exit(&g->stream);
	paths_free(g->speaker.paths);
	ifaces_free(g->ifaces);
	session_wipe(&g->speaker.session);
	epochfile_close(&g->epochfile);
	free(g);
}

void gateway_start(struct gateway *g)
{
	const struct config *c = g->config;
	struct member_params params = {
		.self = c->member,
		.priority = c->priority,
		.preempt = c->preempt,
		.preempt_delay_ns = c->preempt_delay_ms * NSEC_PER_MSEC,
		.heartbeat_ns = c->heartbeat_ms * NSEC_PER_MSEC,
		.dead_after = c->dead_after,
		.startup_delay_ns = c->startup_delay_ms * NSEC_PER_MSEC,
		.link_delay_ns = c->link_delay_ms * NSEC_PER_MSEC,
		.unsure_ns = c->unsure_ms * NSEC_PER_MSEC,
		.alone = !g->peers.count,
	};
	struct member_actions actions = {
		.acquire = gateway_acquire, .assert = gateway_assert, .release = gateway_release,
		.follow = gateway_follow, .hand_over = gateway_hand_over,
		.announce = gateway_announce,
		.alive = gateway_alive, .arg = g,
	};
	uint64_t now_ns = loop_clock();
	struct timespec up = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &up);
	epochfile_run(&g->epochfile);
	member_start(&g->member, &params, &actions, now_ns, g->member.epoch,
		     (uint64_t)up.tv_sec * NSEC_PER_SEC >= GATEWAY_SETTLED_NS);
	/* The last daemon died as owner: all that it owned is here. */
	if (g->attach.owned)
		member_set_in_sync(&g->member, now_ns, true);
	g->started = true;
	member_set_isolated(&g->member, now_ns, speaker_isolated(&g->speaker));
	health_check(&g->health);
	gateway_choose_link(g);
	problem_start(g);
	if (ribs_start(&g->ribs, g->loop, c))
		log_error("bgp: not all tables of routes are kept here");
	loop_timer_at(g->loop, &g->heartbeat_timer, now_ns);
	loop_timer_at(g->loop, &g->member_timer, now_ns);
	log_notice("group %u, member %s (%u), priority %u%s: listening", c->group,
		   config_member_name(g->config, c->member), c->member, c->priority,
		   c->auth_none ? ", NOT SEALED (auth none)" : "");
}

static void gateway_ended(struct loop_timer *timer)
{
	struct gateway *g = container_of(timer, struct gateway, end_timer);

	if (g->end_waits)
		log_notice("leaving without handing over: no backup was in sync in time");
	vrouters_release(g->vrouters);
	member_leave(&g->member, loop_clock());
	loop_stop(g->loop);
}

void gateway_end(struct gateway *g)
{
	bool again = g->end_timer.fire;		/* asked twice: at once */
	bool wait;

	g->end_timer.fire = gateway_ended;
	g->switchover.leaving = true;
	g->end_waits = false;
	wait = !again && g->member.state == MEMBER_OWNER && gateway_end_hand_over(g);
	loop_timer_in(g->loop, &g->end_timer, wait ? GATEWAY_END_NS : 0);
}

int gateway_rekey(struct gateway *g, const struct config *config)
{
	return session_rekey(&g->speaker.session, config->key,
			     config->auth_none ? 0 : config->keys);
}

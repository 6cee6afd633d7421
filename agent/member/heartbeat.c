// SPDX-License-Identifier: GPL-2.0
#include "base/loop.h"
#include "member/heartbeat.h"

_Static_assert(FRAME_CONFIG_PARTS == __CONFIG_PART_MAX, "parts of the configuration");
_Static_assert(FRAME_SCORE_MAX == MEMBER_SCORE_MAX, "health");
_Static_assert(PATHS_MAX <= FRAME_LINKS_MAX, "links");

static uint8_t heartbeat_flags(const struct heartbeat *h, const struct member_report *report,
			       const struct heartbeat_facts *facts)
{
	uint8_t flags = 0;

	if (h->member->in_sync)
		flags |= FRAME_HEARTBEAT_IN_SYNC;
	if (facts->kernel)
		flags |= FRAME_HEARTBEAT_KERNEL;
	if (h->member->score == MEMBER_SCORE_MAX)
		flags |= FRAME_HEARTBEAT_HEALTHY;
	if (h->speaker->data_link != SPEAKER_NO_LINK)
		flags |= FRAME_HEARTBEAT_SYNC_LINK;
	if (!h->config->sync_state)
		flags |= FRAME_HEARTBEAT_STATELESS;
	if (report->preempts)
		flags |= FRAME_HEARTBEAT_PREEMPT;
	if (report->sound)
		flags |= FRAME_HEARTBEAT_SOUND;
	return flags;
}

static enum frame_state heartbeat_state(enum member_state state)
{
	switch (state) {
	case MEMBER_OWNER:	return FRAME_STATE_OWNER;
	case MEMBER_BACKUP:	return FRAME_STATE_BACKUP;
	default:		return FRAME_STATE_INITIALIZE;
	}
}

/* By which of its links is this peer heard? */
static uint64_t heartbeat_heard(const struct peer *peer, uint64_t now_ns, uint64_t dead_ns)
{
	uint64_t heard = 0;
	unsigned int i;

	for (i = 0; i < FRAME_LINKS_MAX; i++)
		if (peer->sent_ns[i] && elapsed_ns(now_ns, peer->sent_ns[i]) < dead_ns)
			heard |= 1ULL << i;
	return heard;
}

static void heartbeat_fill_peers(struct heartbeat *h, struct frame_heartbeat *hb, uint64_t served)
{
	uint64_t now_ns = loop_clock(), dead_ns = member_dead_ns(&h->member->params);
	unsigned int i;

	session_echo(&h->speaker->session, hb);
	for (i = 0; i < hb->peers; i++) {
		struct frame_peer *entry = &hb->peer[i];
		struct peer *peer = h->peers->by_id[entry->member];

		if (!peer || !(entry->flags & FRAME_PEER_SESSION))
			continue;
		entry->ack = receive_ack(h->stream->receive[peer->id]);
		entry->heard = heartbeat_heard(peer, now_ns, dead_ns);
		if (h->member->in_sync && h->member->owner == peer->id)
			entry->flags |= FRAME_PEER_IN_SYNC;
		if (served & peer->bit)
			entry->flags |= FRAME_PEER_SERVED;
	}
}

static void heartbeat_fill(struct heartbeat *h, struct frame_heartbeat *hb,
			   const struct heartbeat_facts *facts)
{
	struct member_report report;
	unsigned int i;

	member_report(h->member, &report);
	hb->epoch = report.epoch;
	hb->state = heartbeat_state(report.state);
	hb->priority = report.priority;
	hb->owner = report.owner;
	hb->flags = heartbeat_flags(h, &report, facts);
	hb->interval_ms = (uint16_t)h->config->heartbeat_ms;
	hb->last_seq = transmit_last(h->stream->transmit);
	hb->oldest_seq = transmit_oldest(h->stream->transmit);
	hb->score = report.score;
	hb->unheard = report.unheard;
	hb->claims = report.claims;
	hb->service_ms = report.service_ms;
	hb->mtu = (uint16_t)paths_mtu(h->speaker->paths);
	hb->clock_ms = loop_clock() / NSEC_PER_MSEC;
	for (i = 0; i < FRAME_CONFIG_PARTS; i++)
		hb->config[i] = h->config_hash[i];
	hb->tables = facts->tables;
	for (i = 0; i < FRAME_TABLES_MAX; i++)
		hb->served[i] = facts->tables & 1U << i ? facts->served[i] : 0;
	heartbeat_fill_peers(h, hb, facts->served[FRAME_TABLE_FLOWS]);
}

/* A copy for each link says by which it went. */
static void heartbeat_send_all(struct heartbeat *h, struct frame *frame)
{
	uint64_t now_ns = loop_clock();
	unsigned int i;

	for (i = 0; i < paths_count(h->speaker->paths); i++) {
		bool probe = paths_up(h->speaker->paths, i) && probe_is_due(h->probes, i, now_ns);

		if (!paths_up(h->speaker->paths, i))
			continue;
		if (probe) {
			paths_loop(h->speaker->paths, i, true);
			probe_sent(h->probes, i, now_ns);
		}
		frame->heartbeat.link = (uint8_t)i;
		speaker_send(h->speaker, i, frame);
		if (probe)
			paths_loop(h->speaker->paths, i, false);
	}
}

void heartbeat_send(struct heartbeat *h, const struct heartbeat_facts *facts)
{
	struct frame frame = { .head = { .version = FRAME_VERSION, .type = FRAME_HEARTBEAT } };
	struct frame_heartbeat *hb = &frame.heartbeat;

	heartbeat_fill(h, hb, facts);
	heartbeat_send_all(h, &frame);
	if (session_has_old(&h->speaker->session, loop_now(h->speaker->loop))) {
		/* It knows poor health by this alone. */
		if (!(hb->flags & FRAME_HEARTBEAT_HEALTHY))
			hb->priority = 0;
		frame.head.version = FRAME_VERSION_OLD;
		speaker_send_all(h->speaker, &frame);
	}
	h->sent++;
	h->sent_ns = loop_clock();
}

static enum member_state heartbeat_member_state(enum frame_state state)
{
	switch (state) {
	case FRAME_STATE_OWNER:		return MEMBER_OWNER;
	case FRAME_STATE_BACKUP:	return MEMBER_BACKUP;
	default:			return MEMBER_INITIALIZE;
	}
}

/* The tables of which it gives this member its changes. */
static uint8_t heartbeat_serves_us(const struct heartbeat *h, const struct frame_heartbeat *hb,
				   const struct frame_peer *us)
{
	uint8_t tables = us->flags & FRAME_PEER_SERVED ? 1U << FRAME_TABLE_FLOWS : 0;

	for (unsigned int i = 0; i < FRAME_TABLES_MAX; i++)
		if (hb->served[i] & 1ULL << h->config->member)
			tables |= (uint8_t)(1U << i);
	return tables;
}

/* What the peer knows of this member.  Return: is it in sync with it? */
static bool heartbeat_echo(struct heartbeat *h, struct peer *peer, uint64_t now_ns,
			   const struct frame_heartbeat *hb)
{
	bool in_sync = false;
	unsigned int i;

	/* Of a large group each heartbeat names others. */
	if (hb->peers < FRAME_PEERS_MAX)
		peer->hears = 0;
	for (i = 0; i < hb->peers; i++) {
		const struct frame_peer *entry = &hb->peer[i];

		if (entry->member != h->config->member ||
		    entry->boot_id != h->speaker->session.boot_id)
			continue;
		in_sync |= entry->flags & FRAME_PEER_IN_SYNC;
		peer->hears = entry->flags & FRAME_PEER_SESSION ? entry->heard : 0;
		peer->serves_us = heartbeat_serves_us(h, hb, entry);
		if (entry->flags & FRAME_PEER_SESSION)
			transmit_ack(h->stream->transmit, now_ns, peer->id, entry->ack);
	}
	return in_sync;
}

static struct member_report heartbeat_report(const struct heartbeat *h, const struct peer *peer,
					     const struct frame *frame)
{
	const struct frame_heartbeat *hb = &frame->heartbeat;

	return (struct member_report) {
		.state = heartbeat_member_state(hb->state),
		.epoch = hb->epoch,
		.priority = hb->priority,
		.score = hb->score,
		.unheard = hb->unheard,
		.owner = hb->owner,
		.in_sync = hb->flags & FRAME_HEARTBEAT_IN_SYNC,
		.drained = receive_ack(h->stream->receive[peer->id]) >=
			   hb->last_seq,
		.preempts = hb->flags & FRAME_HEARTBEAT_PREEMPT,
		.newer = frame->head.version != FRAME_VERSION_OLD,
		.hears_us = peer->hears,
		.sound = hb->flags & FRAME_HEARTBEAT_SOUND,
		.claims = hb->claims,
		.service_ms = hb->service_ms,
	};
}

bool heartbeat_is_news(const struct heartbeat *h, struct peer *peer, uint64_t now_ns,
		       const struct frame *frame)
{
	/* It sends the old version too, while there are members that know no other. */
	if (frame->head.version == FRAME_VERSION_OLD &&
	    session_is_new(&h->speaker->session, peer->id))
		return false;
	if (frame->head.version != FRAME_VERSION_OLD)
		peer->sent_ns[frame->heartbeat.link] = now_ns;
	/* One link may be slower than another: no step back in time. */
	if (frame->head.counter <= peer->counter)
		return false;
	peer->counter = frame->head.counter;
	return true;
}

void heartbeat_believe(struct heartbeat *h, struct peer *peer, uint64_t now_ns,
		       const struct frame *frame, struct heartbeat_news *news)
{
	const struct frame_heartbeat *hb = &frame->heartbeat;

	h->heard++;
	if (!peer->in_sync_ns || !!(peer->heartbeat.flags & FRAME_HEARTBEAT_IN_SYNC) !=
				 !!(hb->flags & FRAME_HEARTBEAT_IN_SYNC))
		peer->in_sync_ns = now_ns;
	peer->heartbeat = *hb;
	news->in_sync = heartbeat_echo(h, peer, now_ns, hb);
	receive_heartbeat(h->stream->receive[peer->id], now_ns, hb->last_seq);
	news->report = heartbeat_report(h, peer, frame);
}

// SPDX-License-Identifier: GPL-2.0
#include "group.h"
#include "log.h"

static uint8_t heartbeat_flags(const struct group *g)
{
	uint8_t flags = 0;

	if (g->member.in_sync)
		flags |= FRAME_HEARTBEAT_IN_SYNC;
	if (g->sync.kernel)
		flags |= FRAME_HEARTBEAT_KERNEL;
	if (g->member.healthy)
		flags |= FRAME_HEARTBEAT_HEALTHY;
	if (g->data_link != GROUP_NO_LINK)
		flags |= FRAME_HEARTBEAT_SYNC_LINK;
	if (!g->config->sync_state)
		flags |= FRAME_HEARTBEAT_STATELESS;
	if (g->config->preempt)
		flags |= FRAME_HEARTBEAT_PREEMPT;
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

void heartbeat_send(struct group *g)
{
	struct frame frame = { .head.type = FRAME_HEARTBEAT };
	struct frame_heartbeat *hb = &frame.heartbeat;
	struct member_report report;
	unsigned int i;

	if (!g->started)
		return;
	member_report(&g->member, &report);
	hb->epoch = report.epoch;
	hb->state = heartbeat_state(report.state);
	hb->priority = report.priority;
	hb->owner = report.owner;
	hb->flags = heartbeat_flags(g);
	hb->interval_ms = (uint16_t)g->config->heartbeat_ms;
	hb->last_seq = transmit_last(g->transmit);
	hb->oldest_seq = transmit_oldest(g->transmit);

	session_echo(&g->session, hb);
	for (i = 0; i < hb->peers; i++) {
		struct frame_peer *entry = &hb->peer[i];
		struct group_peer *peer = g->by_id[entry->member];

		if (!peer || !(entry->flags & FRAME_PEER_SESSION))
			continue;
		entry->ack = receive_ack(peer->receive);
		if (g->member.in_sync && g->member.owner == peer->id)
			entry->flags |= FRAME_PEER_IN_SYNC;
		if (g->sync.served & peer->bit)
			entry->flags |= FRAME_PEER_SERVED;
	}

	group_send_all(g, &frame);
	g->heartbeats_sent++;
	g->heartbeat_ns = loop_clock();
}

static enum member_state heartbeat_member_state(enum frame_state state)
{
	switch (state) {
	case FRAME_STATE_OWNER:		return MEMBER_OWNER;
	case FRAME_STATE_BACKUP:	return MEMBER_BACKUP;
	default:			return MEMBER_INITIALIZE;
	}
}

/* What the peer knows of this member. */
static void heartbeat_echo(struct group_peer *peer, uint64_t now_ns,
			   const struct frame_heartbeat *hb)
{
	struct group *g = peer->group;
	unsigned int i;

	for (i = 0; i < hb->peers; i++) {
		const struct frame_peer *entry = &hb->peer[i];

		if (entry->member != g->config->member || entry->boot_id != g->session.boot_id)
			continue;
		peer->holds_ours = entry->flags & FRAME_PEER_IN_SYNC;
		if (peer->holds_ours)
			peer->wait_ns = 0;
		peer->serves_us = entry->flags & FRAME_PEER_SERVED;
		if (entry->flags & FRAME_PEER_SESSION)
			transmit_ack(g->transmit, now_ns, peer->id, entry->ack);
	}
}

/* Each member counts the beats that it misses by its own interval. */
static void heartbeat_compare(const struct group_peer *peer, const struct frame_heartbeat *hb)
{
	uint32_t ours = peer->group->config->heartbeat_ms;

	if (hb->interval_ms == peer->heartbeat.interval_ms || hb->interval_ms == ours)
		return;
	log_error("member %s: group.heartbeat_ms is %u there and %u here: give all members the same, or the living are taken for dead",
		  peer->name, hb->interval_ms, ours);
}

void heartbeat_take(struct group_peer *peer, uint64_t now_ns,
		    const struct frame_heartbeat *hb)
{
	struct group *g = peer->group;
	struct member_report report = {
		.state = heartbeat_member_state(hb->state),
		.epoch = hb->epoch,
		.priority = hb->flags & FRAME_HEARTBEAT_HEALTHY ? hb->priority : 0,
		.owner = hb->owner,
		.in_sync = hb->flags & FRAME_HEARTBEAT_IN_SYNC,
	};

	g->heartbeats_heard++;
	if (!peer->in_sync_ns || !!(peer->heartbeat.flags & FRAME_HEARTBEAT_IN_SYNC) !=
				 report.in_sync)
		peer->in_sync_ns = now_ns;
	heartbeat_compare(peer, hb);
	peer->heartbeat = *hb;
	heartbeat_echo(peer, now_ns, hb);
	receive_heartbeat(peer->receive, now_ns, hb->last_seq);
	report.drained = receive_ack(peer->receive) >= hb->last_seq;

	member_heard(&g->member, now_ns, peer->id, &report);
	if (report.state == MEMBER_OWNER)
		switchover_owner_heard(g, peer->id);
	if (g->member.owner == peer->id)
		sync_judge(g, now_ns);
}

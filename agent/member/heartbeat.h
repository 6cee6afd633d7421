/* SPDX-License-Identifier: GPL-2.0 */
/* Heartbeats: what one says of this member, and what is believed of another's. */
#ifndef GWSYNC_AGENT_HEARTBEAT_H
#define GWSYNC_AGENT_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "member/member.h"
#include "member/peer.h"
#include "member/probe.h"
#include "stream/stream.h"
#include "wire/frame.h"
#include "wire/speaker.h"

struct heartbeat {
	const struct config	*config;
	struct speaker		*speaker;
	const struct member	*member;
	struct peers		*peers;
	struct stream		*stream;
	struct probes		*probes;

	uint32_t		config_hash[__CONFIG_PART_MAX];
	uint64_t		sent_ns;	/* the last one */
	uint64_t		sent, heard;	/* how many */
};

/* What it says beside: of things that are above it. */
struct heartbeat_facts {
	bool		kernel;		/* the kernel half is attached */
	uint8_t		tables;		/* beside flows, a bit each */
	uint64_t	served[FRAME_TABLES_MAX];	/* members that get this owner's changes */
};

/* What one says that is for others to act upon. */
struct heartbeat_news {
	struct member_report	report;
	bool			in_sync;	/* with this member, which it follows */
};

void heartbeat_send(struct heartbeat *heartbeat, const struct heartbeat_facts *facts);

/**
 * heartbeat_is_news() - is this one newer than what is known of @peer?
 * @peer: by which link it was heard is noted
 */
bool heartbeat_is_news(const struct heartbeat *heartbeat, struct peer *peer, uint64_t now_ns,
		       const struct frame *frame);
/* Believe one that is news. */
void heartbeat_believe(struct heartbeat *heartbeat, struct peer *peer, uint64_t now_ns,
		       const struct frame *frame, struct heartbeat_news *news);

#endif

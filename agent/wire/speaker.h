/* SPDX-License-Identifier: GPL-2.0 */
/* Who speaks for this member: its session with each other one, the links, and which of
 * these carries state now.
 */
#ifndef GWSYNC_AGENT_SPEAKER_H
#define GWSYNC_AGENT_SPEAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"
#include "wire/path.h"
#include "wire/session.h"

#define SPEAKER_NO_LINK	UINT32_MAX

struct speaker {
	struct loop	*loop;
	struct session	session;
	struct paths	*paths;
	uint32_t	data_link;	/* for state: number or SPEAKER_NO_LINK */
	uint8_t		datagram[FRAME_MAX];
};

/* Seal @frame and send it on one link; 0 or -errno. */
int speaker_send(struct speaker *speaker, unsigned int link, struct frame *frame);
/* On every link that is up: what must arrive if anything can. */
void speaker_send_all(struct speaker *speaker, struct frame *frame);

/**
 * speaker_tell() - send a frame that is for one member, on the link that carries state
 * @speaker: with or without such a link
 * @member: nothing is sent unless there is a session with it
 * @frame: filled
 */
void speaker_tell(struct speaker *speaker, uint8_t member, struct frame *frame);

/* Nobody can hear this member: no link is up, or the firewall here lets nothing out. */
bool speaker_isolated(const struct speaker *speaker);

#endif

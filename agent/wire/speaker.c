// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "base/log.h"
#include "base/loop.h"
#include "wire/speaker.h"

/* A heartbeat says by itself which version it is; the rest is what all understand. */
int speaker_send(struct speaker *speaker, unsigned int link, struct frame *frame)
{
	size_t len;

	if (frame->head.type != FRAME_HEARTBEAT)
		frame->head.version = session_version(&speaker->session, loop_now(speaker->loop));
	len = session_send(&speaker->session, frame, speaker->datagram);

	if (!len) {
		log_error("bug: a %s frame breaks the rules of frame.c, not sent",
			  frame_type_name(frame->head.type));
		return -EINVAL;
	}
	return paths_send(speaker->paths, link, speaker->datagram, len);
}

void speaker_send_all(struct speaker *speaker, struct frame *frame)
{
	unsigned int i;

	for (i = 0; i < paths_count(speaker->paths); i++)
		if (paths_up(speaker->paths, i))
			speaker_send(speaker, i, frame);
}

void speaker_tell(struct speaker *speaker, uint8_t member, struct frame *frame)
{
	if (speaker->data_link != SPEAKER_NO_LINK && session_live(&speaker->session, member))
		speaker_send(speaker, speaker->data_link, frame);
}

bool speaker_isolated(const struct speaker *speaker)
{
	unsigned int i;

	for (i = 0; i < paths_count(speaker->paths); i++)
		if (paths_up(speaker->paths, i) && !paths_refused(speaker->paths, i))
			return false;
	return true;
}

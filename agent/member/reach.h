/* SPDX-License-Identifier: GPL-2.0 */
/* By which link the members are reached best: that one carries state. */
#ifndef GWSYNC_AGENT_REACH_H
#define GWSYNC_AGENT_REACH_H

#include <stdbool.h>

#include "member/member.h"
#include "member/peer.h"
#include "wire/speaker.h"

/**
 * reach_choose() - choose the link for state
 * @speaker: is given it, or SPEAKER_NO_LINK
 * @member: knows who is alive
 * @peers: who is heard, and hears, on which
 *
 * Return: true if it is another one than before, so what waits can go.
 */
bool reach_choose(struct speaker *speaker, const struct member *member,
		  const struct peers *peers);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Who should own, by what one member knows.  Looks and compares, and changes nothing; the
 * rules are in member.h and in Documentation/protocol.rst, "Who owns".
 */
#ifndef GWSYNC_AGENT_ELECTION_H
#define GWSYNC_AGENT_ELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "member/member.h"

#define MEMBER_LISTEN	2	/* times the silence of the dead, in INITIALIZE */

/* Can it serve at all? */
bool election_usable(const struct member_report *report);

/* The living owner with the best claim, 0: none.  For a backup, an owner of an
 * epoch that is over is none.
 */
uint8_t election_heard_owner(const struct member *m);

/* Of two owners, this one and @rival, as both of them see it if they hear each other. */
bool election_rival_beats(const struct member *m, uint8_t rival);

/* How long the living that should take over before this one have for it. */
uint64_t election_turn_ns(const struct member *m);

#endif

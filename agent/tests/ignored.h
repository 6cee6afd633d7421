/* SPDX-License-Identifier: GPL-2.0 */
/* What a membership and a stream call back, for tests that look elsewhere. */
#ifndef GWSYNC_AGENT_TESTS_IGNORED_H
#define GWSYNC_AGENT_TESTS_IGNORED_H

#include "member/member.h"
#include "stream/receive.h"

static inline void ignore_acquire(void *arg, uint64_t owners, uint32_t epoch)
{
	(void)arg;
	(void)owners;
	(void)epoch;
}

static inline void ignore_owner(void *arg, uint8_t owner, uint32_t epoch)
{
	(void)arg;
	(void)owner;
	(void)epoch;
}

static inline void ignore_assert(void *arg, bool contested)
{
	(void)arg;
	(void)contested;
}

static inline void ignore_hand_over(void *arg, uint8_t to)
{
	(void)arg;
	(void)to;
}

static inline void ignore_announce(void *arg)
{
	(void)arg;
}

static inline void ignore_alive(void *arg, uint8_t id, bool alive)
{
	(void)arg;
	(void)id;
	(void)alive;
}

static inline void ignore_deliver(void *arg, const struct frame_data *data)
{
	(void)arg;
	(void)data;
}

static inline void ignore_lost(void *arg, uint64_t first, uint64_t next)
{
	(void)arg;
	(void)first;
	(void)next;
}

static const struct member_actions ignored_actions = {
	.acquire = ignore_acquire, .assert = ignore_assert, .release = ignore_owner,
	.follow = ignore_owner, .hand_over = ignore_hand_over, .announce = ignore_announce,
	.alive = ignore_alive,
};

static const struct receive_callbacks ignored_stream = { ignore_deliver, ignore_lost, NULL };

#endif

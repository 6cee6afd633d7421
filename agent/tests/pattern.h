/* SPDX-License-Identifier: GPL-2.0 */
/* Frames whose records anybody can tell from their number. */
#ifndef GWSYNC_AGENT_TESTS_PATTERN_H
#define GWSYNC_AGENT_TESTS_PATTERN_H

#include "stream/transmit.h"

#define MS		1000000ULL
#define SENDER		1
#define RECORDS_MAX	128

static inline size_t content(uint64_t seq, uint8_t *buf)
{
	size_t len = 1 + seq * 2654435761U % RECORDS_MAX;

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(seq * 31 + i * 7 + (seq >> 8));
	return len;
}

static inline int push(struct transmit *t, uint64_t *seq)
{
	uint8_t buf[RECORDS_MAX];
	struct frame_data data = { .set = 0x1c, .epoch = 1, .kind = FRAME_DATA_RECORDS,
				   .records = buf };

	data.len = content(transmit_pushed(t) + 1, buf);
	return transmit_push(t, &data, seq);
}

#endif

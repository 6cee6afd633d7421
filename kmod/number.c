// SPDX-License-Identifier: GPL-2.0
/*
 * The number of a record: the same record gives the same on all members.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "number.h"
#include "parse.h"

/* TCP's flags that a connection keeps between two events. */
#define GWSYNC_NUMBER_TCP_FLAGS	(IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM | \
				 IP_CT_TCP_FLAG_BE_LIBERAL)

/* Up to four bytes as a number. */
static __always_inline u32 gwsync_number_word(const u8 *at, unsigned int left)
{
	switch (left) {
	case 0:
		return 0;
	case 1:
		return at[0];
	case 2:
		return get_unaligned_be16(at);
	case 3:
		return (u32)get_unaligned_be16(at) << 8 | at[2];
	default:
		return get_unaligned_be32(at);
	}
}

static u32 gwsync_number_bytes(u32 digest, u32 type, const u8 *at, unsigned int left)
{
	/* A value that ends in zeroes is not one that is shorter. */
	type |= left << 8;
	for (; left > 8; left -= 8, at += 8)
		digest = jhash_3words(get_unaligned_be32(at), get_unaligned_be32(at + 4), type,
				      digest);
	return jhash_3words(gwsync_number_word(at, left),
			    left > 4 ? gwsync_number_word(at + 4, left - 4) : 0, type, digest);
}

/* Windows move without an event.  @scales and @flags: the original's in the upper byte. */
static u32 gwsync_number_tcp(u32 digest, u8 state, u16 scales, u16 flags)
{
	u16 kept = GWSYNC_NUMBER_TCP_FLAGS << 8 | GWSYNC_NUMBER_TCP_FLAGS;

	return jhash_3words((u32)state << 16 | scales, flags & kept, GWSYNC_PART_TCP, digest);
}

static u32 gwsync_number_windows(u32 digest, const u8 *value)
{
	const struct gwsync_part_tcp *tcp = (const void *)value;

	return gwsync_number_tcp(digest, tcp->state,
				 tcp->seen[0].scale << 8 | tcp->seen[1].scale,
				 tcp->seen[0].flags << 8 | tcp->seen[1].flags);
}

/* The same as of the other part, which a member may have sent that does not know this one. */
static u32 gwsync_number_time_wait(u32 digest, const u8 *value)
{
	const struct gwsync_part_time_wait *tcp = (const void *)value;

	return gwsync_number_tcp(digest, TCP_CONNTRACK_TIME_WAIT,
				 tcp->seen[0].scale << 8 | tcp->seen[1].scale,
				 tcp->seen[0].flags << 8 | tcp->seen[1].flags);
}

static u32 gwsync_number_part(u32 digest, u8 type, const u8 *value, unsigned int len)
{
	switch (type) {
	case GWSYNC_PART_TCP:
		return len == sizeof(struct gwsync_part_tcp) ?
		       gwsync_number_windows(digest, value) : digest;
	case GWSYNC_PART_TIME_WAIT:
		return len == sizeof(struct gwsync_part_time_wait) ?
		       gwsync_number_time_wait(digest, value) : digest;
	case GWSYNC_PART_SCTP:
		/* The state alone: the rest moves with each heartbeat. */
		return gwsync_number_bytes(digest, type, value, min(len, 1U));
	case GWSYNC_PART_DCCP:
		return gwsync_number_bytes(digest, type, value, min(len, 3U));
	case GWSYNC_PART_COUNTERS:
	case GWSYNC_PART_EXPECT:
		return digest;
	default:
		return gwsync_number_bytes(digest, type, value, len);
	}
}

/**
 * gwsync_number_record - the number of a record
 * @record: of kind GWSYNC_RECORD_FLOW, well formed
 * @len: its bytes
 * @key: of its flow
 *
 * Over what a flow keeps between two events, so that it is the same however
 * often, and for whomever, the flow is packed: not the clock, TCP's windows,
 * counters and expectations.
 *
 * Context: any.
 * Return: 31 bits; 0: a flow whose end raises no event: nobody would hear of
 * it, and the number would stay for ever.
 */
u32 gwsync_number_record(const u8 *record, unsigned int len, u32 key)
{
	const struct gwsync_record *head = (const void *)record;
	unsigned int tuple = head->l3num == AF_INET ? 12 : 36;
	const u8 *at = record + sizeof(*head) + tuple, *end = record + len;
	u16 status = be16_to_cpu(head->status);
	u32 digest = key;

	if (status & GWSYNC_STATUS_MUTE)
		return 0;
	for (; at + sizeof(struct gwsync_part) <= end; at += at[1])
		digest = gwsync_number_part(digest, at[0], at + sizeof(struct gwsync_part),
					    at[1] - sizeof(struct gwsync_part));
	digest = (digest ^ (status & GWSYNC_PARSE_STATUS)) * GOLDEN_RATIO_32;
	return (digest ^ digest >> 15) & GWSYNC_NUMBER_MASK ?: 1;
}

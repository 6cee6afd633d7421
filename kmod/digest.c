// SPDX-License-Identifier: GPL-2.0
/*
 * Digests: are two tables the same?
 *
 * A class is one of GWSYNC_CLASSES parts of all flows, by a hash of the tuple; sum.c
 * keeps the sum of its numbers.  The owner sends its sums in the stream of records,
 * so that both sides stand at the same record when they are compared, however
 * many changes there are.
 */
#include <linux/netlink.h>
#include <net/netlink.h>

#include "compat.h"
#include "digest.h"
#include "emit.h"
#include "event.h"
#include "owner.h"
#include "sum.h"
#include "work.h"

#define GWSYNC_DIGEST_BURST	5	/* buckets at once: they fill a datagram */
#define GWSYNC_DIGEST_WAIT	max(HZ / 50, 1)	/* jiffies, for a count to end */

/**
 * gwsync_digest_now - send the sums of all buckets, soon
 * @gn: the netns
 *
 * Context: process.
 */
void gwsync_digest_now(struct gwsync_net *gn)
{
	atomic_set(&gn->digest.now, 1);
	gwsync_work_kick(gn);
}

static int gwsync_digest_emit(struct gwsync_net *gn, unsigned int bucket)
{
	const atomic_t *sum = &gn->sums->sum[bucket * GWSYNC_BUCKET_CLASSES];
	struct gwsync_record_digest record = {
		.head = {
			.len = cpu_to_be16(sizeof(record)),
			.version = GWSYNC_RECORD_VERSION,
			.kind = GWSYNC_RECORD_DIGEST,
		},
		.bucket = bucket,
	};
	unsigned int i;

	for (i = 0; i < GWSYNC_BUCKET_CLASSES; i++)
		record.sum[i] = cpu_to_be32(atomic_read(&sum[i]));
	return gwsync_emit_control(gn, bucket, &record.head);
}

/**
 * gwsync_digest_step - send the sums that are due
 * @gn: the netns
 *
 * Context: the worker, under emit->lock; what was captured has been emitted.
 * Return: jiffies until the next are, MAX_JIFFY_OFFSET: none;
 * -EAGAIN: could not be sent.
 */
long gwsync_digest_step(struct gwsync_net *gn)
{
	u32 round_ms = READ_ONCE(gn->params.digest_ms);
	struct gwsync_sums *sums = gwsync_sum_of(gn);
	unsigned long pause;
	unsigned int n;
	int err;

	if (!sums || !gwsync_owner_is_active(gn))
		return MAX_JIFFY_OFFSET;
	if (READ_ONCE(sums->counting))
		return GWSYNC_DIGEST_WAIT;

	/* A whole round from the beginning; 2 is one that has begun. */
	if (atomic_cmpxchg(&gn->digest.now, 1, 2) == 1)
		gn->digest.next = 0;
	while (atomic_read(&gn->digest.now) == 2) {
		err = gwsync_digest_emit(gn, gn->digest.next);
		if (err)
			return err;
		gn->digest.next = (gn->digest.next + 1) % GWSYNC_BUCKETS;
		if (!gn->digest.next)
			atomic_cmpxchg(&gn->digest.now, 2, 0);
	}
	if (atomic_read(&gn->digest.now))
		return 0;
	if (!round_ms)
		return MAX_JIFFY_OFFSET;

	pause = max(msecs_to_jiffies(round_ms) * GWSYNC_DIGEST_BURST / GWSYNC_BUCKETS, 1UL);
	if (time_before(jiffies, gn->digest.due) && time_before_eq(gn->digest.due, jiffies + pause))
		return gn->digest.due - jiffies;
	for (n = 0; n < GWSYNC_DIGEST_BURST; n++) {
		err = gwsync_digest_emit(gn, gn->digest.next);
		if (err)
			return err;
		gn->digest.next = (gn->digest.next + 1) % GWSYNC_BUCKETS;
		if (!gn->digest.next)
			break;
	}
	gn->digest.due = jiffies + pause;
	return pause;
}

/* Replicas are on their way in or out, or counted: there is nothing to be compared. */
static bool gwsync_digest_comparable(const struct gwsync_net *gn)
{
	return !READ_ONCE(gn->sums->counting) && gwsync_owner_is_settled(gn);
}

/**
 * gwsync_digest_compare - the sums of the owner against ours
 * @gn: state of the netns
 * @owner: whose they are
 * @data: a record of kind GWSYNC_RECORD_DIGEST, from outside
 * @len: its bytes
 *
 * After the last bucket the agent hears how many classes differ, if none was
 * passed over.
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 * Return: 0, -EINVAL.
 */
int gwsync_digest_compare(struct gwsync_net *gn, u8 owner, const u8 *data, size_t len)
{
	const struct gwsync_record_digest *record = (const void *)data;
	struct gwsync_compared *compared = gwsync_owner_compared(gn);
	u64 differ = 0;
	unsigned int i;

	lockdep_assert_held(&gn->lock);

	if (len != sizeof(*record))
		return -EINVAL;

	mutex_lock(&gn->replica_lock);
	if (!record->bucket || gwsync_owner_heard(gn) != owner)
		compared->whole = !record->bucket;
	if (!gwsync_digest_comparable(gn)) {
		compared->whole = false;
		goto out;
	}
	gwsync_owner_hear(gn, owner);
	for (i = 0; i < GWSYNC_BUCKET_CLASSES; i++) {
		u32 sum = atomic_read(&gn->sums->sum[record->bucket * GWSYNC_BUCKET_CLASSES + i]);

		if (sum != get_unaligned_be32(&record->sum[i]))
			differ |= BIT_ULL(i);
	}
	compared->differing += hweight64(differ) - hweight64(compared->differ[record->bucket]);
	gwsync_stat_add(gn, GWSYNC_STAT_A_CLASSES_DIFFERED,
			hweight64(differ & ~compared->differ[record->bucket]));
	compared->differ[record->bucket] = differ;
	gwsync_stat_add(gn, GWSYNC_STAT_A_CLASSES_COMPARED, GWSYNC_BUCKET_CLASSES);
	if (record->bucket == GWSYNC_BUCKETS - 1 && compared->whole)
		gwsync_event_send(gn, GWSYNC_EVENT_DIGEST, owner, 0, compared->differing);
out:
	mutex_unlock(&gn->replica_lock);
	return 0;
}

/**
 * gwsync_digest_fill - write which classes differ into a message
 * @gn: the netns
 * @skb: the message
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 * Return: 0, -EMSGSIZE.
 */
int gwsync_digest_fill(struct gwsync_net *gn, struct sk_buff *skb)
{
	struct gwsync_compared *compared = gwsync_owner_compared(gn);
	int err = 0;

	lockdep_assert_held(&gn->lock);

	if (!compared)
		return nla_put_u32(skb, GWSYNC_A_COUNT, 0);
	mutex_lock(&gn->replica_lock);
	if (nla_put(skb, GWSYNC_A_CLASSES, sizeof(compared->differ), compared->differ) ||
	    nla_put_u32(skb, GWSYNC_A_COUNT, compared->differing))
		err = -EMSGSIZE;
	mutex_unlock(&gn->replica_lock);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Digests: one number that tells two tables apart, see digest.c. */
#ifndef _GWSYNC_DIGEST_H
#define _GWSYNC_DIGEST_H

#include <linux/atomic.h>

#include "gwsync.h"

struct netlink_ext_ack;
struct sk_buff;

/**
 * struct gwsync_digest - what a netns knows of two tables being the same
 * @sum: of the digests of all flows that are told or held, by class
 * @count: the mark of a number that is in the sums
 * @counting: not all of them are yet
 * @differ: classes whose sum was another than the owner's, bit by class
 * @differing: number of them
 * @heard: owner whose digests were compared last, 0: none
 * @whole: no bucket of the round that runs was passed over
 * @flip: classes whose generation is the other one, see repair.c
 * @fixing: classes between GWSYNC_RECORD_REPAIR_BEGIN and _END
 * @holed: those of them of which records have been lost since the BEGIN
 * @next: (owner) bucket whose sums are sent next
 * @due: (owner) when, in jiffies
 * @now: (owner) 1: a whole round is asked for at once, 2: it has begun
 */
struct gwsync_digest {
	atomic_t	sum[GWSYNC_CLASSES];
	u32		count;
	bool		counting;

	/* Of a backup, under gn->replica_lock. */
	u64		differ[GWSYNC_BUCKETS];
	u32		differing;
	u8		heard;
	bool		whole;
	u64		flip[GWSYNC_BUCKETS];
	u64		fixing[GWSYNC_BUCKETS];
	u64		holed[GWSYNC_BUCKETS];

	/* Of an owner: the worker's own, but for @now. */
	unsigned int	next;
	unsigned long	due;
	atomic_t	now;
};

u32 gwsync_digest_key(const struct nf_conntrack_tuple *tuple, u16 zone);
u32 gwsync_digest_record(const u8 *record, unsigned int len, u32 key);

/* Divided by GWSYNC_BUCKET_CLASSES it is the bucket of the backup map: all
 * flows of a class have the same backups.
 */
static inline u16 gwsync_digest_class_by(u32 key)
{
	BUILD_BUG_ON(GWSYNC_CLASSES != 1 << 14);
	return key >> 18;
}

static inline u16 gwsync_digest_class(const struct nf_conntrack_tuple *tuple,
				      const struct nf_conntrack_zone *zone)
{
	return gwsync_digest_class_by(gwsync_digest_key(tuple, nf_ct_zone_id(zone,
							IP_CT_DIR_ORIGINAL)));
}

static inline u16 gwsync_digest_class_of(const struct nf_conn *ct)
{
	return gwsync_digest_class(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, nf_ct_zone(ct));
}

int gwsync_digest_get(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_digest_net_exit(struct gwsync_net *gn);
void gwsync_digest_reset(struct gwsync_net *gn);
void gwsync_digest_recount(struct gwsync_net *gn);

/* Of one flow: what of it counts in the sum of its class. */
bool gwsync_digest_open(struct nf_conn *ct);
void gwsync_digest_set(struct gwsync_net *gn, struct nf_conn *ct, u16 class, u32 digest);
void gwsync_digest_clear(struct gwsync_net *gn, struct nf_conn *ct);
u32 gwsync_digest_take(struct nf_conn *ct);
void gwsync_digest_sub(struct gwsync_net *gn, const struct nf_conntrack_tuple *tuple,
		       const struct nf_conntrack_zone *zone, u32 digest);
void gwsync_digest_spoil(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_digest_foreign(struct gwsync_net *gn, struct nf_conn *ct);

/* Of an owner. */
void gwsync_digest_now(struct gwsync_net *gn);
long gwsync_digest_step(struct gwsync_net *gn);

/* Of a backup. */
int gwsync_digest_compare(struct gwsync_net *gn, u8 owner, const u8 *data, size_t len);
void gwsync_digest_forget(struct gwsync_net *gn);
int gwsync_digest_fill(struct gwsync_net *gn, struct sk_buff *skb);

#endif /* _GWSYNC_DIGEST_H */

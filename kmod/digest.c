// SPDX-License-Identifier: GPL-2.0
/*
 * Digests: are two tables the same?
 *
 * Each flow that was told to a backup, and each replica, has a number that is
 * made from its last record: the same record gives the same number on both
 * sides.  A class is one of GWSYNC_CLASSES parts of all flows, by a hash of
 * the tuple; the sum of a class changes with each record that leaves (owner)
 * or is applied (backup).  The owner sends its sums in the stream of records,
 * so that both sides stand at the same record when they are compared, however
 * many changes there are.  What somebody does to a replica behind our back
 * raises an event, and the event spoils its number.
 *
 * The number is kept where no kernel keeps anything: the largest member of
 * union nf_conntrack_proto, struct ip_ct_tcp, leaves its last four bytes
 * free.  Whoever puts a number there takes the old one out in the same step,
 * so the sum is always that of all numbers, in whatever order a worker and a
 * packet that ends the flow come.
 *
 * While no agent is attached nobody hears of flows that end.  So an attach
 * counts anew: the highest bit of a number says in which count it is, and one
 * of the last count is as good as none until it is counted.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netlink.h>

#include "capture.h"
#include "compat.h"
#include "digest.h"
#include "emit.h"
#include "map.h"
#include "parse.h"
#include "repair.h"
#include "replica.h"

#define GWSYNC_DIGEST_COUNT	BIT(31)	/* of a slot: the count that it is in */
#define GWSYNC_DIGEST_BURST	5	/* buckets at once: they fill a datagram */
#define GWSYNC_DIGEST_WAIT	max(HZ / 50, 1)	/* jiffies, for a count to end */

/* TCP's flags that a connection keeps between two events. */
#define GWSYNC_DIGEST_TCP_FLAGS	(IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM | \
				 IP_CT_TCP_FLAG_BE_LIBERAL)

static u32 *gwsync_digest_slot(struct nf_conn *ct)
{
	union nf_conntrack_proto *proto = &ct->proto;

	BUILD_BUG_ON(sizeof(proto->tcp) + sizeof(u32) > sizeof(*proto));
	BUILD_BUG_ON(sizeof(proto->sctp) + sizeof(u32) > sizeof(*proto));
	BUILD_BUG_ON(sizeof(proto->udp) + sizeof(u32) > sizeof(*proto));
	BUILD_BUG_ON(sizeof(proto->gre) + sizeof(u32) > sizeof(*proto));
	return (u32 *)(proto + 1) - 1;
}

/**
 * gwsync_digest_key - what a flow is found by
 * @tuple: original tuple
 * @zone: its zone
 *
 * Over numbers and not over bytes in memory: members of another byte order
 * find the same.  It is no secret: who chooses his tuples to fill one class
 * has that class sent again as a whole when one flow of it differs.
 *
 * Context: any.
 * Return: a hash; gwsync_digest_class() of it is the flow's class.
 */
u32 gwsync_digest_key(const struct nf_conntrack_tuple *tuple, u16 zone)
{
	u32 init = (u32)zone << 16 | (u32)(u8)tuple->src.l3num << 8 | tuple->dst.protonum;
	u32 ids = (u32)be16_to_cpu(tuple->src.u.all) << 16 | be16_to_cpu(tuple->dst.u.all);
	u32 word[9];
	int i;

	if (tuple->src.l3num == AF_INET)
		return jhash_3words(be32_to_cpu(tuple->src.u3.ip), be32_to_cpu(tuple->dst.u3.ip),
				    ids, init);
	for (i = 0; i < 4; i++) {
		word[i] = be32_to_cpu(tuple->src.u3.ip6[i]);
		word[4 + i] = be32_to_cpu(tuple->dst.u3.ip6[i]);
	}
	word[8] = ids;
	return jhash2(word, ARRAY_SIZE(word), init);
}

/* Up to four bytes as a number. */
static __always_inline u32 gwsync_digest_word(const u8 *at, unsigned int left)
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

static u32 gwsync_digest_bytes(u32 digest, u32 type, const u8 *at, unsigned int left)
{
	/* A value that ends in zeroes is not one that is shorter. */
	type |= left << 8;
	for (; left > 8; left -= 8, at += 8)
		digest = jhash_3words(get_unaligned_be32(at), get_unaligned_be32(at + 4), type,
				      digest);
	return jhash_3words(gwsync_digest_word(at, left),
			    left > 4 ? gwsync_digest_word(at + 4, left - 4) : 0, type, digest);
}

static u32 gwsync_digest_tcp(u32 digest, const u8 *value)
{
	const struct gwsync_part_tcp *tcp = (const void *)value;

	return jhash_3words((u32)tcp->state << 16 | tcp->seen[0].scale << 8 | tcp->seen[1].scale,
			    (u32)(tcp->seen[0].flags & GWSYNC_DIGEST_TCP_FLAGS) << 8 |
			    (tcp->seen[1].flags & GWSYNC_DIGEST_TCP_FLAGS),
			    GWSYNC_PART_TCP, digest);
}

static u32 gwsync_digest_part(u32 digest, u8 type, const u8 *value, unsigned int len)
{
	switch (type) {
	case GWSYNC_PART_TCP:
		/* Windows move without an event. */
		return len == sizeof(struct gwsync_part_tcp) ? gwsync_digest_tcp(digest, value) :
							       digest;
	case GWSYNC_PART_SCTP:
		/* The state alone: the rest moves with each heartbeat. */
		return gwsync_digest_bytes(digest, type, value, min(len, 1U));
	case GWSYNC_PART_DCCP:
		return gwsync_digest_bytes(digest, type, value, min(len, 3U));
	case GWSYNC_PART_COUNTERS:
	case GWSYNC_PART_EXPECT:
		return digest;
	default:
		return gwsync_digest_bytes(digest, type, value, len);
	}
}

/**
 * gwsync_digest_record - the number of a record
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
u32 gwsync_digest_record(const u8 *record, unsigned int len, u32 key)
{
	const struct gwsync_record *head = (const void *)record;
	unsigned int tuple = head->l3num == AF_INET ? 12 : 36;
	const u8 *at = record + sizeof(*head) + tuple, *end = record + len;
	u16 status = be16_to_cpu(head->status);
	u32 digest = key;

	if (status & GWSYNC_STATUS_MUTE)
		return 0;
	for (; at + sizeof(struct gwsync_part) <= end; at += at[1])
		digest = gwsync_digest_part(digest, at[0], at + sizeof(struct gwsync_part),
					    at[1] - sizeof(struct gwsync_part));
	digest = (digest ^ (status & GWSYNC_PARSE_STATUS)) * GOLDEN_RATIO_32;
	return (digest ^ digest >> 15) & ~GWSYNC_DIGEST_COUNT ?: 1;
}

/**
 * gwsync_digest_get - have room for the sums of a netns
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * 72 KiB, once, for a netns that is used; they go with it.
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_digest_get(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	struct gwsync_digest *dg;

	lockdep_assert_held(&gn->lock);

	if (gn->digest)
		return 0;
	dg = kvzalloc(sizeof(*dg), GFP_KERNEL_ACCOUNT);
	if (!dg) {
		NL_SET_ERR_MSG(extack, "no memory for the digests");
		return -ENOMEM;
	}
	/* Pairs with the acquire of those who do not hold the lock. */
	smp_store_release(&gn->digest, dg);
	return 0;
}

void gwsync_digest_net_exit(struct gwsync_net *gn)
{
	kvfree(gn->digest);
}

/* Flows are marked only after gwsync_digest_get(). */
static struct gwsync_digest *gwsync_digest_of(struct gwsync_net *gn)
{
	/* Pairs with the release in gwsync_digest_get(). */
	return smp_load_acquire(&gn->digest);
}

/* What a slot's value is worth in the sum of its class. */
static u32 gwsync_digest_worth(const struct gwsync_digest *dg, u32 value)
{
	return (value & GWSYNC_DIGEST_COUNT) == READ_ONCE(dg->count) ?
	       value & ~GWSYNC_DIGEST_COUNT : 0;
}

/**
 * gwsync_digest_open - a flow is about to get a mark
 * @ct: the flow
 *
 * If it is the first one, what the slot has now is of a time before: this module
 * was loaded anew.  One that dies may have no mark because its event has taken it
 * a moment ago, and not yet the number, which must stay.
 *
 * Context: any.
 * Return: false: it dies, and must not get a mark or a number.
 */
bool gwsync_digest_open(struct nf_conn *ct)
{
	u32 *slot = gwsync_digest_slot(ct);
	u32 old = READ_ONCE(*slot);
	unsigned long status;

	/* Whoever marks it meanwhile has put a number in that is not @old. */
	smp_rmb();
	/* One look for both: DYING comes before the mark goes. */
	status = READ_ONCE(ct->status);
	if (gwsync_status_is_removed(status))
		return false;
	if (status & GWSYNC_FLOW_MARKED)
		return true;
	if (status & IPS_DYING)
		return false;
	cmpxchg(slot, old, 0);
	return true;
}

/**
 * gwsync_digest_take - take the number of a flow that ends
 * @ct: a flow that is, or a moment ago was, marked
 *
 * Who takes it subtracts it from its class, now or when the end is told.
 *
 * Context: any.
 * Return: what gwsync_digest_sub() takes; 0: it had none, or somebody else has
 * taken it.
 */
u32 gwsync_digest_take(struct nf_conn *ct)
{
	return xchg(gwsync_digest_slot(ct), 0);
}

/**
 * gwsync_digest_sub - a number counts no longer
 * @gn: the netns
 * @tuple: of its flow
 * @zone: of its flow
 * @digest: taken by gwsync_digest_take()
 *
 * Context: any.
 */
void gwsync_digest_sub(struct gwsync_net *gn, const struct nf_conntrack_tuple *tuple,
		       const struct nf_conntrack_zone *zone, u32 digest)
{
	struct gwsync_digest *dg = gwsync_digest_of(gn);

	if (digest && dg)
		atomic_sub(gwsync_digest_worth(dg, digest),
			   &dg->sum[gwsync_digest_class(tuple, zone)]);
}

/**
 * gwsync_digest_clear - a flow counts no longer
 * @gn: the netns
 * @ct: as for gwsync_digest_take()
 *
 * Context: any.
 */
void gwsync_digest_clear(struct gwsync_net *gn, struct nf_conn *ct)
{
	gwsync_digest_sub(gn, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, nf_ct_zone(ct),
			  gwsync_digest_take(ct));
}

/**
 * gwsync_digest_set - a flow was told, or made to be, as a record says
 * @gn: the netns
 * @ct: a marked flow, or one that is not in the table yet
 * @class: of the flow
 * @digest: of the record; 0: it does not count
 *
 * Context: any.
 */
void gwsync_digest_set(struct gwsync_net *gn, struct nf_conn *ct, u16 class, u32 digest)
{
	struct gwsync_digest *dg = gwsync_digest_of(gn);
	u32 old;

	if (!dg)
		return;
	old = xchg(gwsync_digest_slot(ct), digest ? digest | READ_ONCE(dg->count) : 0);
	atomic_add(digest - gwsync_digest_worth(dg, old), &dg->sum[class]);
	/* DYING comes before the event that takes the number: one of us sees the other. */
	if (nf_ct_is_dying(ct))
		gwsync_digest_clear(gn, ct);
}

/**
 * gwsync_digest_spoil - somebody else has changed a replica
 * @gn: the netns
 * @ct: a replica
 *
 * From the event.  Its class differs from now on, and is repaired.
 *
 * Context: any.
 */
void gwsync_digest_spoil(struct gwsync_net *gn, struct nf_conn *ct)
{
	u32 digest = (READ_ONCE(*gwsync_digest_slot(ct)) + 1) & ~(u32)GWSYNC_DIGEST_COUNT;

	gwsync_digest_set(gn, ct, gwsync_digest_class_of(ct), digest ?: 1);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_SPOILED);
}

/**
 * gwsync_digest_foreign - somebody has put a flow into a backup's table
 * @gn: the netns, passive
 * @ct: the flow, without marks
 *
 * From the event of an insertion by ctnetlink.  As a replica that no sync has
 * named it makes its class differ, and the repair removes it.
 *
 * Context: any.
 */
void gwsync_digest_foreign(struct gwsync_net *gn, struct nf_conn *ct)
{
	struct gwsync_digest *dg = gwsync_digest_of(gn);
	u16 class = gwsync_digest_class_of(ct);
	u8 owner = dg ? READ_ONCE(dg->heard) : 0;
	unsigned long marks, old;
	bool gen;

	if (!owner || !gwsync_digest_open(ct))
		return;
	gen = gwsync_repair_gen(gn, READ_ONCE(gn->gen), owner, class);
	marks = gwsync_replica_marks(owner, !gen, nf_ct_expires(ct) / HZ, nf_ct_protonum(ct));
	old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS, marks);
	if (!(old & BIT(GWSYNC_FLOW_REPLICA_BIT)))
		atomic64_inc(&gn->replicas);
	gwsync_digest_set(gn, ct, class, 1);
	if (nf_ct_is_dying(ct))
		gwsync_replica_unmark(gn, ct);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_FOREIGN);
}

struct gwsync_digest_recount {
	struct gwsync_net	*gn;
	u64			announced;
	u64			replicas;
};

static int gwsync_digest_count(struct nf_conn *ct, void *data)
{
	unsigned long status = READ_ONCE(ct->status);
	struct gwsync_digest_recount *recount = data;
	struct gwsync_digest *dg = recount->gn->digest;
	u32 *slot = gwsync_digest_slot(ct);
	u32 old = READ_ONCE(*slot);

	/* The event of one that is dying may have gone to somebody else. */
	if (!(status & GWSYNC_FLOW_MARKED) || status & IPS_DYING)
		return 0;
	recount->announced += !!(status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT));
	recount->replicas += !!(status & BIT(GWSYNC_FLOW_REPLICA_BIT));
	/* Who is faster than we are has put in a number of this count, or none. */
	if (old && (old & GWSYNC_DIGEST_COUNT) != dg->count &&
	    cmpxchg(slot, old, old ^ GWSYNC_DIGEST_COUNT) == old)
		atomic_add(old & ~GWSYNC_DIGEST_COUNT,
			   &dg->sum[gwsync_digest_class_of(ct)]);
	/* As in gwsync_digest_set(). */
	if (nf_ct_is_dying(ct))
		gwsync_digest_clear(recount->gn, ct);
	return 0;
}

/**
 * gwsync_digest_reset - begin another count
 * @gn: the netns; nobody captures its events, and the worker rests
 *
 * gwsync_digest_recount() must follow, before there is another one.
 *
 * Context: process, under gn->replica_lock, between gwsync_emit_pause() and
 * gwsync_emit_resume().
 */
void gwsync_digest_reset(struct gwsync_net *gn)
{
	struct gwsync_digest *dg = gn->digest;

	lockdep_assert_held(&gn->replica_lock);

	WRITE_ONCE(dg->counting, true);
	WRITE_ONCE(dg->count, dg->count ^ GWSYNC_DIGEST_COUNT);
	memset(dg->sum, 0, sizeof(dg->sum));
}

/**
 * gwsync_digest_recount - count all flows that are told or held
 * @gn: the netns; its events are captured
 *
 * Context: process, under the mutex of the notifier's slot; walks the table, may
 * sleep.
 */
void gwsync_digest_recount(struct gwsync_net *gn)
{
	struct gwsync_digest_recount recount = { .gn = gn };
	const struct nf_ct_iter_data iter = { .net = gn->net, .data = &recount };

	nf_ct_iterate_cleanup_net(gwsync_digest_count, &iter);
	/* For people: what begins or ends during the walk may be missed. */
	atomic64_set(&gn->announced, recount.announced);
	atomic64_set(&gn->replicas, recount.replicas);
	WRITE_ONCE(gn->digest->counting, false);
}

/**
 * gwsync_digest_now - send the sums of all buckets, soon
 * @gn: the netns
 *
 * Context: process.
 */
void gwsync_digest_now(struct gwsync_net *gn)
{
	atomic_set(&gn->digest->now, 1);
	gwsync_emit_kick(gn);
}

static int gwsync_digest_emit(struct gwsync_net *gn, unsigned int bucket)
{
	const atomic_t *sum = &gn->digest->sum[bucket * GWSYNC_BUCKET_CLASSES];
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
	struct gwsync_digest *dg = gn->digest;
	unsigned long pause;
	unsigned int n;
	int err;

	if (!dg || !READ_ONCE(gn->active))
		return MAX_JIFFY_OFFSET;
	if (READ_ONCE(dg->counting))
		return GWSYNC_DIGEST_WAIT;

	/* A whole round from the beginning; 2 is one that has begun. */
	if (atomic_cmpxchg(&dg->now, 1, 2) == 1)
		dg->next = 0;
	while (atomic_read(&dg->now) == 2) {
		err = gwsync_digest_emit(gn, dg->next);
		if (err)
			return err;
		dg->next = (dg->next + 1) % GWSYNC_BUCKETS;
		if (!dg->next)
			atomic_cmpxchg(&dg->now, 2, 0);
	}
	if (atomic_read(&dg->now))
		return 0;
	if (!round_ms)
		return MAX_JIFFY_OFFSET;

	pause = max(msecs_to_jiffies(round_ms) * GWSYNC_DIGEST_BURST / GWSYNC_BUCKETS, 1UL);
	if (time_before(jiffies, dg->due) && time_before_eq(dg->due, jiffies + pause))
		return dg->due - jiffies;
	for (n = 0; n < GWSYNC_DIGEST_BURST; n++) {
		err = gwsync_digest_emit(gn, dg->next);
		if (err)
			return err;
		dg->next = (dg->next + 1) % GWSYNC_BUCKETS;
		if (!dg->next)
			break;
	}
	dg->due = jiffies + pause;
	return pause;
}

/* Replicas are on their way in or out, or counted: there is nothing to be compared. */
static bool gwsync_digest_comparable(const struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->replica_lock);

	return !READ_ONCE(gn->digest->counting) &&
	       !(gn->syncing | gn->sweep.wanted | gn->sweep.running | gn->purge.wanted |
		 gn->purge.running | gn->demote.wanted | gn->demote.running);
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
	struct gwsync_digest *dg = gn->digest;
	u64 differ = 0;
	unsigned int i;

	lockdep_assert_held(&gn->lock);

	if (len != sizeof(*record))
		return -EINVAL;

	mutex_lock(&gn->replica_lock);
	if (!record->bucket || dg->heard != owner)
		dg->whole = !record->bucket;
	if (!gwsync_digest_comparable(gn)) {
		dg->whole = false;
		goto out;
	}
	WRITE_ONCE(dg->heard, owner);
	for (i = 0; i < GWSYNC_BUCKET_CLASSES; i++) {
		u32 sum = atomic_read(&dg->sum[record->bucket * GWSYNC_BUCKET_CLASSES + i]);

		if (sum != get_unaligned_be32(&record->sum[i]))
			differ |= BIT_ULL(i);
	}
	dg->differing += hweight64(differ) - hweight64(dg->differ[record->bucket]);
	gwsync_stat_add(gn, GWSYNC_STAT_A_CLASSES_DIFFERED,
			hweight64(differ & ~dg->differ[record->bucket]));
	dg->differ[record->bucket] = differ;
	gwsync_stat_add(gn, GWSYNC_STAT_A_CLASSES_COMPARED, GWSYNC_BUCKET_CLASSES);
	if (record->bucket == GWSYNC_BUCKETS - 1 && dg->whole)
		gwsync_event_send(gn, GWSYNC_EVENT_DIGEST, owner, 0, dg->differing);
out:
	mutex_unlock(&gn->replica_lock);
	return 0;
}

/**
 * gwsync_digest_forget - a full sync begins: what differed before is no matter
 * @gn: state of the netns
 *
 * Context: process, under gn->replica_lock.
 */
void gwsync_digest_forget(struct gwsync_net *gn)
{
	struct gwsync_digest *dg = gn->digest;

	lockdep_assert_held(&gn->replica_lock);

	memset(dg->differ, 0, sizeof(dg->differ));
	memset(dg->fixing, 0, sizeof(dg->fixing));
	memset(dg->holed, 0, sizeof(dg->holed));
	dg->differing = 0;
	dg->whole = false;
	WRITE_ONCE(dg->heard, 0);
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
	struct gwsync_digest *dg = gn->digest;
	int err = 0;

	lockdep_assert_held(&gn->lock);

	if (!dg)
		return nla_put_u32(skb, GWSYNC_A_COUNT, 0);
	mutex_lock(&gn->replica_lock);
	if (nla_put(skb, GWSYNC_A_CLASSES, sizeof(dg->differ), dg->differ) ||
	    nla_put_u32(skb, GWSYNC_A_COUNT, dg->differing))
		err = -EMSGSIZE;
	mutex_unlock(&gn->replica_lock);
	return err;
}

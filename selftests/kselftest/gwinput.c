// SPDX-License-Identifier: GPL-2.0
/*
 * gwinput: hostile input of the genetlink family.
 *
 * gwinput NETNS records		records that must be refused, in TAP
 * gwinput NETNS fuzz SEED MESSAGES	random messages; prints how many were taken
 *
 * "records" attaches as member 2 and applies for owner 1; the netns' table
 * must be empty of replicas before, and is afterwards.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>

#include "client.h"
#include "craft.h"
#include "rnd.h"

#define OWNER	1
#define EPOCH	5

static struct client c;
static unsigned int checks, failures;

static void result(bool good, const char *fmt, ...)
{
	va_list ap;

	checks++;
	failures += !good;
	printf("%s %u ", good ? "ok" : "not ok", checks);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts("");
}

struct numbers {
	uint64_t	stat[GWSYNC_STAT_A_MAX + 1];
	uint64_t	replicas;
};

static int numbers_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1], *attr;
	struct numbers *n = data;

	client_parse(nlh, tb);
	if (tb[GWSYNC_A_REPLICAS])
		n->replicas = mnl_attr_get_u64(tb[GWSYNC_A_REPLICAS]);
	if (tb[GWSYNC_A_STATS]) {
		mnl_attr_for_each_nested(attr, tb[GWSYNC_A_STATS]) {
			if (mnl_attr_get_type(attr) <= GWSYNC_STAT_A_MAX)
				n->stat[mnl_attr_get_type(attr)] = mnl_attr_get_u64(attr);
		}
	}
	return MNL_CB_OK;
}

static struct numbers numbers(void)
{
	struct numbers n = {};
	char buf[512];

	if (client_request(&c, client_put(&c, buf, GWSYNC_CMD_GET_STATS, 0), numbers_cb, &n) ||
	    client_request(&c, client_put(&c, buf, GWSYNC_CMD_GET, 0), numbers_cb, &n)) {
		printf("Bail out! no counters: %s\n", c.error);
		exit(1);
	}
	return n;
}

static void purge(void)
{
	uint64_t end = client_now_us() + 10000000;
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh = client_put(&c, buf, GWSYNC_CMD_PURGE, 0);

	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, OWNER);
	client_request(&c, nlh, NULL, NULL);
	while (numbers().replicas && client_now_us() < end)
		poll(NULL, 0, 20);
}

/* Apply @len bytes; the counter @id must grow by 1 and no replica appear. */
static bool refused(const void *data, unsigned int len, int id)
{
	struct numbers was = numbers(), is;
	int ret = client_apply(&c, OWNER, EPOCH, data, len);

	is = numbers();
	if (is.replicas <= was.replicas &&
	    is.stat[GWSYNC_STAT_A_REPLICAS_CREATED] == was.stat[GWSYNC_STAT_A_REPLICAS_CREATED] &&
	    is.stat[id] == was.stat[id] + 1)
		return true;
	printf("# %u bytes: answer %d, counter %d %" PRIu64 " -> %" PRIu64, len, ret, id,
	       was.stat[id], is.stat[id]);
	printf(", replicas %" PRIu64 " -> %" PRIu64 "\n", was.replicas, is.replicas);
	purge();
	return false;
}

/* The same for a record that must be taken, and makes one replica. */
static bool taken(const void *data, unsigned int len)
{
	struct numbers was = numbers(), is;
	int ret = client_apply(&c, OWNER, EPOCH, data, len);
	bool good;

	is = numbers();
	/* Not the number of replicas: a purge may still be under way. */
	good = !ret && is.stat[GWSYNC_STAT_A_REPLICAS_CREATED] ==
	       was.stat[GWSYNC_STAT_A_REPLICAS_CREATED] + 1;
	if (!good)
		printf("# %u bytes: answer %d, replicas %" PRIu64 " -> %" PRIu64 "\n", len, ret,
		       was.replicas, is.replicas);
	purge();
	return good;
}

static bool at_boundary(const struct craft *r, unsigned int len)
{
	unsigned int i;

	for (i = 0; i <= r->parts; i++) {
		if (r->part[i] == len)
			return true;
	}
	return false;
}

static void truncated(uint8_t l3num)
{
	struct craft r, cut;
	unsigned int bad = 0, len;

	craft_full(&r, l3num, 100);
	result(taken(r.data, r.len), "family %u: the whole record is taken", l3num);

	/* Cut off, but the record still claims its length: framing is lost. */
	for (len = 1; len < r.len; len++)
		bad += !refused(r.data, len, GWSYNC_STAT_A_REFUSED_MALFORMED);
	result(!bad, "family %u: cut at each of %u lengths is refused", l3num, r.len - 1);

	/* Cut off, and it claims what is left: a whole record only between parts. */
	bad = 0;
	for (len = 1; len < r.len; len++) {
		cut = r;
		cut.data[0] = len >> 8;
		cut.data[1] = len;
		/* Without its TCP part it would be a hole in the firewall. */
		if (at_boundary(&r, len) && len >= r.part[2])
			bad += !taken(cut.data, len);
		else
			bad += !refused(cut.data, len, GWSYNC_STAT_A_REFUSED_MALFORMED);
	}
	result(!bad, "family %u: shortened to each length is refused inside a part", l3num);

	/* Each part one byte shorter and longer than it must be. */
	bad = 0;
	for (len = 0; len < r.parts; len++) {
		unsigned int at = r.part[len], next = r.part[len + 1];

		cut = r;
		memmove(cut.data + next - 1, cut.data + next, r.len - next);
		cut.len--;
		cut.data[at + 1]--;
		cut.data[0] = cut.len >> 8;
		cut.data[1] = cut.len;
		bad += !refused(cut.data, cut.len, GWSYNC_STAT_A_REFUSED_MALFORMED);
		cut = r;
		memmove(cut.data + next + 1, cut.data + next, r.len - next);
		cut.data[next] = 0;
		cut.len++;
		cut.data[at + 1]++;
		cut.data[0] = cut.len >> 8;
		cut.data[1] = cut.len;
		bad += !refused(cut.data, cut.len, GWSYNC_STAT_A_REFUSED_MALFORMED);
		/* A length that leaves no room for the head of the part. */
		cut = r;
		cut.data[at + 1] = 1;
		bad += !refused(cut.data, cut.len, GWSYNC_STAT_A_REFUSED_MALFORMED);
		cut.data[at + 1] = 0;
		bad += !refused(cut.data, cut.len, GWSYNC_STAT_A_REFUSED_MALFORMED);
	}
	result(!bad, "family %u: parts of a wrong length are refused", l3num);
}

static void oversized(void)
{
	struct craft r;
	unsigned int n;

	craft_full(&r, AF_INET, 101);
	while (r.len <= GWSYNC_RECORD_MAX) {
		craft_part(&r, 0x7e, 200);
		for (n = 0; n < 200; n++)
			craft_put8(&r, n);
	}
	craft_seal(&r);
	result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED),
	       "a record over %u bytes is refused", GWSYNC_RECORD_MAX);
	memset(r.data, 0, 2);
	result(refused(r.data, 64, GWSYNC_STAT_A_REFUSED_MALFORMED), "a record of length 0 is refused");
}

/* Other versions, kinds, families and parts; what follows is still applied. */
static void foreign(void)
{
	static const struct {
		const char	*name;
		uint8_t		at, value;
		int		stat;
	} bytes[] = {
		{ "version 2", 2, 2, GWSYNC_STAT_A_REFUSED_VERSION },
		{ "version 0", 2, 0, GWSYNC_STAT_A_REFUSED_VERSION },
		{ "version 255", 2, 255, GWSYNC_STAT_A_REFUSED_VERSION },
		{ "an unknown kind", 3, 9, GWSYNC_STAT_A_REFUSED_UNSUPPORTED },
		{ "kind 0", 3, 0, GWSYNC_STAT_A_REFUSED_UNSUPPORTED },
		{ "an unknown family", 4, 99, GWSYNC_STAT_A_REFUSED_UNSUPPORTED },
	};
	struct numbers was, is;
	uint8_t two[2 * CRAFT_BUF];
	struct craft r, good;
	unsigned int i;

	craft_full(&good, AF_INET, 103);
	for (i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		craft_full(&r, AF_INET, 102);
		r.data[bytes[i].at] = bytes[i].value;
		result(refused(r.data, r.len, bytes[i].stat), "%s is refused", bytes[i].name);
		memcpy(two, r.data, r.len);
		memcpy(two + r.len, good.data, good.len);
		result(taken(two, r.len + good.len), "what follows %s is applied", bytes[i].name);
	}

	craft_full(&r, AF_INET, 104);
	craft_part(&r, 0x7e, 3);
	craft_put(&r, "xyz", 3);
	craft_seal(&r);
	was = numbers();
	result(taken(r.data, r.len), "an unknown part is skipped");
	is = numbers();
	result(is.stat[GWSYNC_STAT_A_PARTS_SKIPPED] == was.stat[GWSYNC_STAT_A_PARTS_SKIPPED] + 1,
	       "and counted");
	craft_full(&r, AF_INET, 105);
	craft_part(&r, 0x7e | GWSYNC_PART_MUST, 3);
	craft_put(&r, "xyz", 3);
	craft_seal(&r);
	result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_UNSUPPORTED),
	       "an unknown part with MUST is refused");
}

/* A connection that is over: one part, of @value_len bytes, in place of another. */
static void craft_time_wait(struct craft *r, uint8_t proto, unsigned int value_len, uint8_t scale)
{
	unsigned int i;

	craft_head(r, GWSYNC_RECORD_FLOW, AF_INET, proto, 106);
	craft_part(r, GWSYNC_PART_TIME_WAIT, value_len);
	for (i = 0; i < value_len; i++)
		craft_put8(r, i % 6 == 4 ? scale : i);
	craft_seal(r);
}

static void time_wait(void)
{
	unsigned int size = sizeof(struct gwsync_part_time_wait), len, i, bad = 0;
	struct craft r;

	craft_time_wait(&r, IPPROTO_TCP, size, 14);
	result(taken(r.data, r.len), "TIME_WAIT: taken");
	craft_time_wait(&r, IPPROTO_TCP, size, 15);
	result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED),
	       "TIME_WAIT: no scale is that large");
	for (len = 0; len < 2 * size; len++) {
		craft_time_wait(&r, IPPROTO_TCP, len, 7);
		bad += len != size && !refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED);
	}
	result(!bad, "TIME_WAIT: any other length is refused");
	craft_time_wait(&r, IPPROTO_UDP, size, 7);
	result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED),
	       "TIME_WAIT: of another protocol is refused");
	craft_time_wait(&r, IPPROTO_TCP, size, 7);
	craft_part(&r, GWSYNC_PART_TCP, sizeof(struct gwsync_part_tcp));
	for (i = 0; i < sizeof(struct gwsync_part_tcp); i++)
		craft_put8(&r, i ? 0 : 3);
	craft_seal(&r);
	result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED),
	       "TIME_WAIT: and another state is refused");
}

/* It is taken, and no flow comes of it. */
static bool obeyed(const struct craft *r)
{
	struct numbers was = numbers(), is;
	int ret = client_apply(&c, OWNER, EPOCH, r->data, r->len);

	is = numbers();
	return !ret && is.replicas == was.replicas &&
	       is.stat[GWSYNC_STAT_A_RECORDS_APPLIED] ==
	       was.stat[GWSYNC_STAT_A_RECORDS_APPLIED] + 1;
}

struct digest {
	uint32_t	count;
	unsigned int	len;		/* of the classes, as they came */
	uint64_t	classes[GWSYNC_BUCKETS];
};

static int digest_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	struct digest *d = data;

	client_parse(nlh, tb);
	if (tb[GWSYNC_A_COUNT])
		d->count = mnl_attr_get_u32(tb[GWSYNC_A_COUNT]);
	if (tb[GWSYNC_A_CLASSES]) {
		d->len = mnl_attr_get_payload_len(tb[GWSYNC_A_CLASSES]);
		memcpy(d->classes, mnl_attr_get_payload(tb[GWSYNC_A_CLASSES]),
		       d->len < sizeof(d->classes) ? d->len : sizeof(d->classes));
	}
	return MNL_CB_OK;
}

/* How many classes differ; of them those of bucket @bucket. */
static bool differs(uint32_t count, unsigned int bucket, uint64_t classes)
{
	struct digest d = { .count = UINT32_MAX };
	char buf[512];

	return !client_request(&c, client_put(&c, buf, GWSYNC_CMD_GET_DIGEST, 0), digest_cb, &d) &&
	       d.count == count && d.len == sizeof(d.classes) && d.classes[bucket] == classes;
}

static bool compared(const struct craft *r)
{
	uint64_t end = client_now_us() + 10000000;
	struct numbers was = numbers(), is;

	/* Not while a purge is under way. */
	do {
		if (!obeyed(r))
			return false;
		is = numbers();
		if (is.stat[GWSYNC_STAT_A_CLASSES_COMPARED] ==
		    was.stat[GWSYNC_STAT_A_CLASSES_COMPARED] + GWSYNC_BUCKET_CLASSES)
			return true;
		poll(NULL, 0, 20);
	} while (client_now_us() < end);
	return false;
}

static bool command_of(uint8_t cmd, uint8_t owner)
{
	char buf[512];
	struct nlmsghdr *nlh = client_put(&c, buf, cmd, 0);

	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, owner);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, EPOCH);
	return !client_request(&c, nlh, NULL, NULL);
}

/* There one length is as good as another, and a digest is long. */
static bool in_the_midst(unsigned int n, unsigned int len)
{
	return n > 32 && n + 32 < len;
}

/* Digests and repairs: they have one length and no parts. */
static void controls(void)
{
	static const struct {
		const char	*name;
		uint8_t		kind;
		unsigned int	len;
	} kinds[] = {
		{ "a digest", GWSYNC_RECORD_DIGEST, sizeof(struct gwsync_record_digest) },
		{ "the begin of a repair", GWSYNC_RECORD_REPAIR_BEGIN,
		  sizeof(struct gwsync_record_repair) },
		{ "the end of a repair", GWSYNC_RECORD_REPAIR_END,
		  sizeof(struct gwsync_record_repair) },
	};
	static const unsigned int others[] = { 64, 512, GWSYNC_RECORD_MAX, CRAFT_BUF };
	uint8_t two[2 * CRAFT_BUF];
	unsigned int i, n, bad;
	struct craft r, good;
	struct numbers was;

	craft_full(&good, AF_INET, 110);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned int len = kinds[i].len;

		craft_control(&r, kinds[i].kind, 3, len);
		bad = 0;
		for (n = 1; n < len; n += in_the_midst(n, len) ? 16 : 1)
			bad += !refused(r.data, n, GWSYNC_STAT_A_REFUSED_MALFORMED);
		result(!bad, "%s: cut off is refused", kinds[i].name);
		bad = 0;
		for (n = sizeof(struct gwsync_record); n < len + 8;
		     n += in_the_midst(n, len) ? 16 : 1) {
			craft_control(&r, kinds[i].kind, 3, n);
			bad += n != len && !refused(r.data, n, GWSYNC_STAT_A_REFUSED_MALFORMED);
		}
		for (n = 0; n < sizeof(others) / sizeof(others[0]); n++) {
			craft_control(&r, kinds[i].kind, 3, others[n]);
			bad += !refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED);
		}
		result(!bad, "%s: shorter or longer is refused", kinds[i].name);
		craft_control(&r, kinds[i].kind, 3, len - 1);
		memcpy(two, r.data, r.len);
		memcpy(two + r.len, good.data, good.len);
		result(taken(two, r.len + good.len), "%s: what follows is applied", kinds[i].name);
		craft_control(&r, kinds[i].kind, 3, len);
		r.data[2]++;
		result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_VERSION),
		       "%s: of another version is refused", kinds[i].name);
		craft_control(&r, kinds[i].kind, 255, len);
		result(obeyed(&r), "%s: of the right length is taken", kinds[i].name);
	}

	/* Nothing here has a digest: sums of 0 are ours, others are not. */
	craft_control(&r, GWSYNC_RECORD_DIGEST, 7, sizeof(struct gwsync_record_digest));
	result(compared(&r) && differs(0, 7, 0), "a digest is compared: no class differs");
	r.data[r.len - 1] = 1;
	result(compared(&r) && differs(1, 7, 1ull << 63),
	       "a digest is compared: the last class differs");
	craft_control(&r, GWSYNC_RECORD_DIGEST, 7, sizeof(struct gwsync_record_digest) - 4);
	result(refused(r.data, r.len, GWSYNC_STAT_A_REFUSED_MALFORMED) && differs(1, 7, 1ull << 63),
	       "one that is too short changes nothing of that");

	/* An owner that has died in the middle of its full sync never ends it. */
	craft_control(&r, GWSYNC_RECORD_DIGEST, 7, sizeof(struct gwsync_record_digest));
	was = numbers();
	result(command_of(GWSYNC_CMD_SYNC_BEGIN, 3) && obeyed(&r) &&
	       numbers().stat[GWSYNC_STAT_A_CLASSES_COMPARED] ==
	       was.stat[GWSYNC_STAT_A_CLASSES_COMPARED],
	       "during a full sync no digest is compared");
	result(command_of(GWSYNC_CMD_PURGE, 3) && compared(&r),
	       "one that never ends is over when its replicas are purged");
}

static int repair(unsigned int len, uint8_t fill)
{
	static uint8_t classes[60000];
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh = client_put(&c, buf, GWSYNC_CMD_REPAIR, 0);

	memset(classes, fill, sizeof(classes));
	mnl_attr_put(nlh, GWSYNC_A_CLASSES, len, classes);
	return client_request(&c, nlh, NULL, NULL);
}

static int repair_all(void)
{
	char buf[512];

	return client_request(&c, client_put(&c, buf, GWSYNC_CMD_REPAIR, 0), NULL, NULL);
}

/* CLASSES of each wrong length, by a backup and by an owner: the last of all. */
static void repairs(void)
{
	static const unsigned int right = sizeof(uint64_t) * GWSYNC_BUCKETS;
	static const struct {
		const char	*name;
		unsigned int	len;
	} lengths[] = {
		{ "empty", 0 },
		{ "of one byte", 1 },
		{ "of one bucket", 8 },
		{ "one bucket short", right - 8 },
		{ "one byte short", right - 1 },
		{ "one byte long", right + 1 },
		{ "one bucket long", right + 8 },
		{ "twice as long", 2 * right },
		{ "of 60,000 bytes", 60000 },
	};
	char buf[512];
	struct nlmsghdr *nlh;
	unsigned int i;
	int active, ret;

	for (active = 0; active < 2; active++) {
		const char *who = active ? "owner" : "backup";

		if (active && client_activate(&c, 0, EPOCH + 1)) {
			result(false, "owner: %s", c.error);
			return;
		}
		for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			ret = repair(lengths[i].len, 0xff);
			result(ret == -ERANGE && c.error[0], "%s: CLASSES %s is refused: %s", who,
			       lengths[i].name, c.error);
		}
		for (i = 0; i < 256; i += 255) {
			unsigned int bits = i ? GWSYNC_CLASSES : 0;

			ret = repair(right, i);
			if (active)
				result(!ret, "owner: CLASSES of %u bits are repaired", bits);
			else
				result(ret == -ENOTCONN && c.error[0],
				       "backup: CLASSES of %u bits are refused: %s", bits, c.error);
		}
		result(!repair_all(), "%s: without CLASSES it is taken", who);
	}
	nlh = client_put(&c, buf, GWSYNC_CMD_GET_DIGEST, 0);
	mnl_attr_put_u64(nlh, GWSYNC_A_CLASSES, 0);
	ret = client_request(&c, nlh, NULL, NULL);
	result(ret == -EINVAL && c.error[0], "CLASSES for GET_DIGEST is refused: %s", c.error);
}

/* Values that conntrack cannot hold. */
static void senseless(void)
{
	struct numbers was, is;
	struct craft r;
	unsigned int bad = 0, state;

	for (state = 0; state < 256; state++) {
		craft_full(&r, AF_INET, 106);
		r.data[r.part[1] + 2] = state;
		was = numbers();
		client_apply(&c, OWNER, EPOCH, r.data, r.len);
		is = numbers();
		if (state > 14 && is.replicas != was.replicas)
			bad++;
		purge();
	}
	result(!bad, "a TCP state that does not exist is refused");
	craft_head(&r, GWSYNC_RECORD_FLOW, AF_INET, IPPROTO_TCP, 107);
	r.part[r.parts] = r.len;
	for (state = 0; state < 2; state++) {
		craft_part(&r, GWSYNC_PART_MARK, 4);
		craft_put32(&r, state);
	}
	craft_seal(&r);
	was = numbers();
	client_apply(&c, OWNER, EPOCH, r.data, r.len);
	is = numbers();
	result(is.replicas <= was.replicas + 1, "a part that comes twice does no harm");
	purge();

	craft_head(&r, GWSYNC_RECORD_FLOW_GONE, AF_INET, IPPROTO_TCP, 108);
	craft_seal(&r);
	was = numbers();
	result(!client_apply(&c, OWNER, EPOCH, r.data, r.len) && numbers().replicas == was.replicas,
	       "the end of an unknown flow does no harm");
}

static void epochs(void)
{
	struct numbers was, is;
	char why[sizeof(c.error)];
	struct craft r;
	int ret;

	craft_full(&r, AF_INET, 109);
	was = numbers();
	ret = client_apply(&c, OWNER, EPOCH - 1, r.data, r.len);
	memcpy(why, c.error, sizeof(why));
	is = numbers();
	result(ret == -ESTALE && why[0], "an older epoch is refused: %s", why);
	result(is.stat[GWSYNC_STAT_A_REFUSED_STALE] == was.stat[GWSYNC_STAT_A_REFUSED_STALE] + 1 &&
	       is.replicas == was.replicas, "and counted");
	ret = client_apply(&c, 0, EPOCH, r.data, r.len);
	result(ret < 0 && c.error[0], "owner 0 is refused: %s", c.error);
	ret = client_apply(&c, 64, EPOCH, r.data, r.len);
	result(ret < 0 && c.error[0], "owner 64 is refused: %s", c.error);
	ret = client_apply(&c, 2, EPOCH, r.data, r.len);
	result(ret < 0 && c.error[0], "this member as owner is refused: %s", c.error);
	result(numbers().replicas == was.replicas, "none of them made a replica");
}

static int records(void)
{
	struct numbers n;

	if (client_attach(&c, 2, EPOCH, NULL)) {
		printf("Bail out! attach: %s\n", c.error);
		return 1;
	}
	truncated(AF_INET);
	truncated(AF_INET6);
	oversized();
	foreign();
	time_wait();
	controls();
	senseless();
	epochs();
	repairs();
	purge();
	n = numbers();
	result(!n.replicas, "no replica is left");
	printf("1..%u\n", checks);
	return failures != 0;
}

/* A record that is nearly right, so that the parser's depths are reached. */
static unsigned int rnd_record(uint8_t *out)
{
	static const uint8_t protos[] = { 6, 17, 1, 58, 132, 33, 47, 136, 50 };
	struct craft r;
	unsigned int i, n;

	if (!rnd(6)) {		/* a digest or a repair, and any bits */
		uint8_t kind = GWSYNC_RECORD_DIGEST + rnd(3);

		unsigned int len = sizeof(struct gwsync_record_repair);

		if (kind == GWSYNC_RECORD_DIGEST)
			len = sizeof(struct gwsync_record_digest);
		craft_control(&r, kind, rnd(GWSYNC_BUCKETS), len);
		if (rnd(2))
			rnd_bytes(r.data + 16, r.len - 16);
		memcpy(out, r.data, r.len);
		return r.len;
	}
	if (rnd(4)) {
		craft_full(&r, rnd(2) ? AF_INET : AF_INET6, 1 + rnd(64));
		r.data[5] = protos[rnd(sizeof(protos))];
	} else {
		craft_head(&r, 1 + rnd(2), rnd(2) ? AF_INET : AF_INET6,
			   protos[rnd(sizeof(protos))], 1 + rnd(64));
	}
	for (n = rnd(4); n; n--) {
		uint8_t type = rnd(19), len = rnd(60);

		if (type <= 3 || type == (GWSYNC_PART_TIME_WAIT & ~GWSYNC_PART_MUST))
			type |= GWSYNC_PART_MUST;
		craft_part(&r, type, len);
		rnd_bytes(r.data + r.len, len);
		r.len += len;
	}
	if (rnd(3) == 0) {	/* an expectation of the right shape */
		unsigned int len = 10 + (r.data[4] == AF_INET ? 26 : 86) + 2;

		craft_part(&r, GWSYNC_PART_EXPECT, len);
		rnd_bytes(r.data + r.len, len);
		if (rnd(2))
			memset(r.data + r.len + len - 2, 0, 2);
		r.len += len;
	}
	craft_seal(&r);
	for (i = rnd(3); i; i--)
		r.data[2 + rnd(r.len - 2)] = rnd(256);
	if (!rnd(20))
		r.data[1] = rnd(256);
	memcpy(out, r.data, r.len);
	return r.len;
}

static void rnd_attr(struct nlmsghdr *nlh, uint16_t type)
{
	static uint8_t data[4096];
	unsigned int len = 0, i;

	switch (rnd(8)) {
	case 0:
		break;
	case 1:
		mnl_attr_put_u8(nlh, type, rnd(256));
		return;
	case 2:
		mnl_attr_put_u16(nlh, type, rnd(65536));
		return;
	case 3:
		mnl_attr_put_u32(nlh, type, rnd(3) ? rnd(16) : rnd(UINT32_MAX));
		return;
	case 4:
		mnl_attr_put_u64(nlh, type, (uint64_t)rnd(UINT32_MAX) << rnd(33));
		return;
	case 5:
		len = rnd(sizeof(data));
		break;
	case 6:		/* a nest of whatever */
		for (i = rnd(6); i; i--) {
			struct nlattr *a = (struct nlattr *)(data + len);

			a->nla_type = rnd(8);
			a->nla_len = 4 + rnd(24);
			rnd_bytes(data + len + 4, 24);
			len += MNL_ALIGN(a->nla_len);
		}
		mnl_attr_put(nlh, type | (rnd(2) ? NLA_F_NESTED : 0), len, data);
		return;
	case 7:
		len = type == GWSYNC_A_MAP || type == GWSYNC_A_CLASSES ?
		      sizeof(uint64_t) * GWSYNC_BUCKETS : rnd(24);
		break;
	}
	rnd_bytes(data, len);
	mnl_attr_put(nlh, type, len, data);
}

/* What the command expects, each left out or spoilt now and then. */
static void rnd_message(struct nlmsghdr *nlh, uint8_t cmd)
{
	static uint8_t data[8 * CRAFT_BUF];
	static uint32_t epoch = EPOCH;
	unsigned int len = 0, i;

	/* Mostly the epoch of the last takeover, or nothing would be applied. */
	if (cmd == GWSYNC_CMD_APPLY && rnd(10)) {
		mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, rnd(10) ? 1 + rnd(3) : rnd(256));
		mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, rnd(20) ? epoch : rnd(10));
		for (i = 1 + rnd(6); i; i--)
			len += rnd_record(data + len);
		if (len && !rnd(8))
			len -= rnd(len);
		mnl_attr_put(nlh, GWSYNC_A_RECORDS, len, data);
		if (rnd(4))
			return;
	} else if (rnd(2)) {
		mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, 1 + rnd(63));
		mnl_attr_put_u8(nlh, GWSYNC_A_MEMBER, 1 + rnd(63));
		mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch += rnd(20) == 0);
		mnl_attr_put_u64(nlh, GWSYNC_A_SET, rnd(64));
		mnl_attr_put_u32(nlh, GWSYNC_A_WALK_ID, rnd(100));
	}
	for (i = rnd(4); i; i--)
		rnd_attr(nlh, rnd(GWSYNC_A_MAX + 6));
}

static void receive_all(unsigned int *accepted, unsigned int *refusals)
{
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh;
	ssize_t n;
	int left;

	while ((n = recv(mnl_socket_get_fd(c.nl), buf, sizeof(buf), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS)) {
		if (n < 0)
			continue;
		left = n;
		for (nlh = (struct nlmsghdr *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (err->error)
				++*refusals;
			else
				++*accepted;
		}
	}
}

static int fuzz(uint64_t seed, unsigned int messages)
{
	static char buf[CLIENT_BUF];
	unsigned int accepted = 0, refusals = 0, sent = 0;
	int one = 1;

	rnd_seed(seed);
	mnl_socket_setsockopt(c.nl, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	while (sent < messages) {
		static const uint8_t dumps[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
		uint8_t cmd = rnd(2) ? GWSYNC_CMD_APPLY : rnd(GWSYNC_CMD_MAX + 3);
		struct nlmsghdr *nlh;
		unsigned int len = 0, n;

		/* Many to a datagram: the kernel takes them one by one. */
		for (n = 0; n < 16 && len < sizeof(buf) - 24576; n++, sent++) {
			nlh = client_put(&c, buf + len, cmd, dumps[rnd(10)] ? NLM_F_DUMP : 0);
			rnd_message(nlh, cmd);
			if (!rnd(16))
				rnd_bytes((uint8_t *)nlh + 20, nlh->nlmsg_len - 20);
			if (!rnd(50))
				nlh->nlmsg_len -= rnd(nlh->nlmsg_len - 20 + 1);
			len += MNL_ALIGN(nlh->nlmsg_len);
			cmd = rnd(2) ? GWSYNC_CMD_APPLY : rnd(GWSYNC_CMD_MAX + 3);
		}
		if (mnl_socket_sendto(c.nl, buf, len) < 0 && errno != ENOBUFS)
			fprintf(stderr, "gwinput: send: %s\n", strerror(errno));
		receive_all(&accepted, &refusals);
	}
	printf("sent %u accepted %u refused %u seed %" PRIu64 "\n", sent, accepted, refusals, seed);
	/* Both must have happened, or nothing was tried. */
	return !(sent >= messages && accepted > messages / 100 && refusals > messages / 100);
}

int main(int argc, char **argv)
{
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		goto usage;
	ret = client_open(&c, argv[1]);
	if (ret) {
		printf("Bail out! open: %s\n", strerror(-ret));
		return 1;
	}
	if (!strcmp(argv[2], "records"))
		return records();
	if (!strcmp(argv[2], "fuzz") && argc == 5)
		return fuzz(strtoull(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
usage:
	fputs("usage: gwinput NETNS records | fuzz SEED MESSAGES\n", stderr);
	return 2;
}

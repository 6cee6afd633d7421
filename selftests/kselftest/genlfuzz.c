// SPDX-License-Identifier: GPL-2.0
/*
 * genlfuzz: messages of the genetlink family that are nearly right.
 *
 * genlfuzz [-f] NETNS RECORDS SEED MESSAGES
 *
 * RECORDS is a file of valid records (gwctl dump file ...), which are changed
 * and sent again, among records of the other kinds; several sockets attach, are
 * closed and opened again; one of them never reads.  Packets pass in between, so
 * that there are own flows.
 * -f: a memory allocation of the kernel fails in every fourth message.
 *
 * Prints what became of each command.  Fails if one of them was never taken or
 * never refused, or with -f, if no allocation failed: then nothing was tried.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "client.h"
#include "record.h"
#include "rnd.h"

#define SOCKETS		4
#define DEAF		(SOCKETS - 1)	/* the socket that never reads */
#define VALID_MAX	512
#define PARTS_MAX	32
#define RECORD_ROOM	(2 * GWSYNC_RECORD_MAX)
#define PORT		20000		/* of the packets in between */
#define FAIL_NTH	16		/* allocations of one message: more are rare */
#define KINDS		(GWSYNC_RECORD_REPAIR_END + 1)

struct part {
	uint16_t	at, len;
};

struct tally {
	unsigned int	taken, refused;
};

/* How often each command is sent, and what it has to name. */
static const struct command {
	const char	*name;
	uint8_t		cmd, weight;
} commands[] = {
	{ "ATTACH", GWSYNC_CMD_ATTACH, 5 },
	{ "DETACH", GWSYNC_CMD_DETACH, 3 },
	{ "SET", GWSYNC_CMD_SET, 8 },
	{ "GET", GWSYNC_CMD_GET, 3 },
	{ "SET_MAP", GWSYNC_CMD_SET_MAP, 5 },
	{ "APPLY", GWSYNC_CMD_APPLY, 40 },
	{ "SYNC_BEGIN", GWSYNC_CMD_SYNC_BEGIN, 4 },
	{ "SYNC_END", GWSYNC_CMD_SYNC_END, 8 },
	{ "WALK", GWSYNC_CMD_WALK, 6 },
	{ "ACTIVATE", GWSYNC_CMD_ACTIVATE, 4 },
	{ "DEACTIVATE", GWSYNC_CMD_DEACTIVATE, 4 },
	{ "PURGE", GWSYNC_CMD_PURGE, 2 },
	{ "GET_FLOW", GWSYNC_CMD_GET_FLOW, 4 },
	{ "GET_STATS", GWSYNC_CMD_GET_STATS, 3 },
	{ "REPAIR", GWSYNC_CMD_REPAIR, 10 },
	{ "GET_DIGEST", GWSYNC_CMD_GET_DIGEST, 3 },
	{ "LEASE", GWSYNC_CMD_LEASE, 4 },
	{ "SOURCE", GWSYNC_CMD_SOURCE, 4 },
	{ "others", GWSYNC_CMD_MAX + 1, 4 },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* All but DELTA and EVENT, which are no commands; and the others. */
_Static_assert(COMMANDS == GWSYNC_CMD_MAX - 2 + 1, "a command is missing");

static struct client client[SOCKETS];
static const char *netns;
static uint8_t valid[VALID_MAX][GWSYNC_RECORD_MAX];
static unsigned int valids;
static struct tally tally[COMMANDS];
static unsigned int no_memory;
static uint32_t epoch = 1;
static int fail_fd = -1;

static bool rarely(void)
{
	return !rnd(60);
}

/* Small, or at an edge, or anything. */
static uint64_t rnd_number(void)
{
	static const uint64_t edges[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, INT32_MAX, 0x80000000,
		UINT32_MAX, INT64_MAX, 1ull << 63, UINT64_MAX,
	};

	switch (rnd(3)) {
	case 0:
		return rnd(70);
	case 1:
		return edges[rnd(sizeof(edges) / sizeof(edges[0]))];
	default:
		return (uint64_t)rnd(UINT32_MAX) << rnd(33);
	}
}

static int load(const char *path)
{
	static uint8_t data[VALID_MAX * GWSYNC_RECORD_MAX];
	const uint8_t *at = data, *rec;
	FILE *f = fopen(path, "r");
	uint32_t len;

	if (!f)
		return -errno;
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	while (valids < VALID_MAX && (rec = record_next(&at, &len)))
		memcpy(valid[valids++], rec, record_len(rec));
	return valids ? 0 : -ENODATA;
}

static unsigned int tuple_end(const uint8_t *rec)
{
	return sizeof(struct gwsync_record) + (rec[4] == AF_INET6 ? 36 : 12);
}

static unsigned int parts_of(const uint8_t *rec, unsigned int len, struct part *parts)
{
	unsigned int n = 0, at = tuple_end(rec);

	while (n < PARTS_MAX && at + 2 <= len && rec[at + 1] >= 2 && at + rec[at + 1] <= len) {
		parts[n].at = at;
		parts[n].len = rec[at + 1];
		at += parts[n++].len;
	}
	return n;
}

static unsigned int insert(uint8_t *rec, unsigned int len, unsigned int at, const uint8_t *part)
{
	if (len + part[1] > RECORD_ROOM)
		return len;
	memmove(rec + at + part[1], rec + at, len - at);
	memmove(rec + at, part, part[1]);
	return len + part[1];
}

/* One change to the parts of a record. */
static unsigned int change_part(uint8_t *rec, unsigned int len)
{
	const uint8_t *other = valid[rnd(valids)];
	struct part parts[PARTS_MAX], more[PARTS_MAX], *p;
	unsigned int n = parts_of(rec, len, parts), m;
	uint8_t copy[256];

	if (!n)
		return len;
	p = &parts[rnd(n)];
	switch (rnd(6)) {
	case 0:		/* without it */
		memmove(rec + p->at, rec + p->at + p->len, len - p->at - p->len);
		return len - p->len;
	case 1:		/* twice, or as often as expectations may come */
		memcpy(copy, rec + p->at, p->len);
		for (m = rnd(10); m; m--)
			len = insert(rec, len, p->at, copy);
		return len;
	case 2:		/* that of another flow, whatever its protocol and family */
		m = parts_of(other, record_len(other), more);
		return m ? insert(rec, len, p->at, other + more[rnd(m)].at) : len;
	case 3:
		rec[p->at] = rnd(2) ? rnd(20) | rnd(2) * GWSYNC_PART_MUST : rnd(256);
		return len;
	case 4:
		rec[p->at + 1] += rnd(2) ? 1 : -1;
		return len;
	default:	/* its value */
		if (p->len > 2)
			rec[p->at + 2 + rnd(p->len - 2)] = rnd_number();
		return len;
	}
}

/* A valid record of a flow, or of its end. */
static unsigned int put_flow(uint8_t *rec, uint8_t kind)
{
	const uint8_t *from = valid[rnd(valids)];
	unsigned int len = record_len(from);

	memcpy(rec, from, len);
	/* Flows of a few ports: they are created, updated and ended in turn. */
	rec[tuple_end(rec) - 4] = 1;
	rec[tuple_end(rec) - 3] = rnd(12);
	rec[3] = kind;
	return len;
}

/* The first and the last one are special, a round begins and ends with them. */
static uint8_t rnd_bucket(void)
{
	switch (rnd(4)) {
	case 0:
		return 0;
	case 1:
		return GWSYNC_BUCKETS - 1;
	default:
		return rnd(GWSYNC_BUCKETS);
	}
}

/* None, a few, about a half or all of a bucket. */
static uint64_t rnd_classes(void)
{
	uint64_t some, one;

	rnd_bytes((uint8_t *)&some, sizeof(some));
	switch (rnd(4)) {
	case 0:
		return 0;
	case 1:
		one = 1ull << rnd(GWSYNC_BUCKET_CLASSES);
		return one | 1ull << rnd(GWSYNC_BUCKET_CLASSES);
	case 2:
		return some;
	default:
		return UINT64_MAX;
	}
}

static unsigned int put_digest(uint8_t *rec)
{
	struct gwsync_record_digest digest = {
		.head = { .version = GWSYNC_RECORD_VERSION, .kind = GWSYNC_RECORD_DIGEST },
		.bucket = rnd_bucket(),
	};

	/* 0 is the sum of a class that has no flow. */
	if (rnd(2))
		rnd_bytes((uint8_t *)digest.sum, sizeof(digest.sum));
	memcpy(rec, &digest, sizeof(digest));
	return sizeof(digest);
}

/* An end is mostly that of the last begin. */
static unsigned int put_repair(uint8_t *rec, uint8_t kind)
{
	static struct gwsync_record_repair repair = {
		.head.version = GWSYNC_RECORD_VERSION,
	};

	if (kind == GWSYNC_RECORD_REPAIR_BEGIN || !rnd(4)) {
		repair.bucket = rnd_bucket();
		repair.classes = rnd_classes();
	}
	repair.head.kind = kind;
	memcpy(rec, &repair, sizeof(repair));
	return sizeof(repair);
}

/* Of each kind: without a default the compiler says when KINDS has one more. */
static unsigned int put_kind(uint8_t *rec, enum gwsync_record_kind kind)
{
	switch (kind) {
	case GWSYNC_RECORD_FLOW:
		break;
	case GWSYNC_RECORD_UNSPEC:	/* there is none: more ends */
	case GWSYNC_RECORD_FLOW_GONE:
		return put_flow(rec, GWSYNC_RECORD_FLOW_GONE);
	case GWSYNC_RECORD_DIGEST:
		return put_digest(rec);
	case GWSYNC_RECORD_REPAIR_BEGIN:
	case GWSYNC_RECORD_REPAIR_END:
		return put_repair(rec, kind);
	}
	return put_flow(rec, GWSYNC_RECORD_FLOW);
}

static bool is_flow(const uint8_t *rec)
{
	return rec[3] == GWSYNC_RECORD_FLOW || rec[3] == GWSYNC_RECORD_FLOW_GONE;
}

static unsigned int rnd_record(uint8_t *out)
{
	static uint8_t rec[2 * RECORD_ROOM];
	unsigned int len, n;
	bool flow;

	len = put_kind(rec, rnd(2) ? GWSYNC_RECORD_FLOW : rnd(KINDS));
	flow = is_flow(rec);
	for (n = rnd(2) ? 0 : rnd(4); n; n--) {
		if (flow && rnd(3))
			len = change_part(rec, len);
		else
			rec[2 + rnd(len - 2)] = rnd_number();
	}
	if (rarely())
		len -= rnd(len - sizeof(struct gwsync_record));
	else if (!flow && !rnd(30))
		rec[len++] = 0;
	rec[0] = len >> 8;
	rec[1] = len;
	if (rarely())
		rec[rnd(2)] = rnd(256);
	memcpy(out, rec, len);
	return len;
}

/* An attribute of the right size, of the right name nearly always. */
static void put(struct nlmsghdr *nlh, uint16_t type, unsigned int size, uint64_t value)
{
	if (rarely()) {
		if (rnd(2))
			return;
		type = rnd(GWSYNC_A_MAX + 4);
	}
	if (rarely())
		size = rnd(9);
	if (rarely())
		value = rnd_number();
	mnl_attr_put(nlh, type, size, &value);
}

static void put_owner(struct nlmsghdr *nlh)
{
	put(nlh, GWSYNC_A_OWNER, 1, 1 + rnd(4));
}

static void put_epoch(struct nlmsghdr *nlh, uint32_t more)
{
	put(nlh, GWSYNC_A_EPOCH, 4, epoch + more - (rarely() ? 2 : 0));
}

static void put_records(struct nlmsghdr *nlh)
{
	static uint8_t data[24 * RECORD_ROOM];
	unsigned int len = 0, n = rarely() ? rnd(24) : 1 + rnd(4);

	while (n--)
		len += rnd_record(data + len);
	if (len && rarely())
		len -= rnd(len);
	if (len > 60000)
		len = 60000 + (rarely() ? 1 : 0);
	mnl_attr_put(nlh, GWSYNC_A_RECORDS, len, data);
}

static void put_filter(struct nlmsghdr *nlh)
{
	unsigned int n = rarely() ? 240 + rnd(40) : rnd(12);
	struct nlattr *nest = mnl_attr_nest_start(nlh, GWSYNC_A_FILTER);

	while (n--) {
		struct gwsync_filter_prefix prefix = {
			.family = rnd(2) ? AF_INET : AF_INET6, .addr[0] = htonl(10u << 24 | rnd(4)),
		};
		struct gwsync_filter_mark mark = { .value = rnd(8), .mask = rnd_number() };
		struct gwsync_filter_port port = {
			.protocol = 1 + rnd(20), .port = htons(rnd(100)),
		};

		prefix.len = rnd(prefix.family == AF_INET ? 33 : 129);
		if (rarely())
			rnd_bytes((uint8_t *)&prefix, sizeof(prefix));
		if (rarely())
			port.pad = 1;
		switch (rnd(6)) {
		case 0:	/* not those of most flows: something must get through */
			mnl_attr_put_u8(nlh, GWSYNC_FILTER_A_PROTOCOL, 60 + rnd(190));
			break;
		case 1:
			mnl_attr_put_u16(nlh, GWSYNC_FILTER_A_ZONE, 5 + rnd(5));
			break;
		case 2:
			mnl_attr_put(nlh, GWSYNC_FILTER_A_MARK, sizeof(mark), &mark);
			break;
		case 3:
			mnl_attr_put(nlh, GWSYNC_FILTER_A_PREFIX, sizeof(prefix), &prefix);
			break;
		case 4:
			mnl_attr_put(nlh, GWSYNC_FILTER_A_PORT, sizeof(port), &port);
			break;
		case 5:
			mnl_attr_put_u8(nlh, GWSYNC_FILTER_A_TCP_STATE,
					rarely() ? rnd(256) : TCP_CONNTRACK_TIME_WAIT);
			break;
		}
		if (!rnd(100))
			mnl_attr_put(nlh, rnd(8), rnd(8), &prefix);
	}
	mnl_attr_nest_end(nlh, nest);
}

static void put_params(struct nlmsghdr *nlh)
{
	if (rnd(2))
		put_filter(nlh);
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_FLUSH_MS, 4, rnd(1010));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_HOLD_MS, 4, rnd(2) ? 0 : rnd(100));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_BATCH_BYTES, 4, 500 + rnd(7700));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_TOMBSTONES, 4, rnd(2000));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_WALK_RATE, 4, rnd(2) ? 0 : rnd(10000));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_DIGEST_MS, 4, rnd(2) ? rnd(3000) : rnd(3700000));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_AUDIT_MS, 4, rnd(2) ? rnd(3000) : rnd(3700000));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_LABELS, 4, rnd(4));
	if (rnd(2))
		put(nlh, GWSYNC_A_PARAM_MARK_MASK, 4, rnd(2) ? UINT32_MAX : rnd(256));
}

/* Of the right length nearly always, and any bits. */
static void put_classes(struct nlmsghdr *nlh)
{
	uint64_t classes[GWSYNC_BUCKETS + 1] = {};
	unsigned int len = sizeof(uint64_t) * GWSYNC_BUCKETS, n;

	switch (rnd(6)) {
	case 0:
		break;
	case 1:		/* of a few buckets */
		for (n = 1 + rnd(8); n; n--)
			classes[rnd_bucket()] = rnd_classes();
		break;
	case 2:
	case 3:
		rnd_bytes((uint8_t *)classes, len);
		break;
	default:
		memset(classes, 0xff, len);
		break;
	}
	if (!rnd(20))
		len = rnd(2) ? rnd(len) : len + 1 + rnd(8);
	mnl_attr_put(nlh, GWSYNC_A_CLASSES, len, classes);
}

static void put_map(struct nlmsghdr *nlh)
{
	uint64_t map[GWSYNC_BUCKETS], all = rnd(64) & ~1u;
	unsigned int i;

	for (i = 0; i < GWSYNC_BUCKETS; i++)
		map[i] = all;
	for (i = rnd(3) ? 0 : rnd(GWSYNC_BUCKETS); i; i--)
		map[rnd(GWSYNC_BUCKETS)] = rnd_number() & ~1ull;
	if (rarely())
		map[rnd(GWSYNC_BUCKETS)] |= 1;
	mnl_attr_put(nlh, GWSYNC_A_MAP, sizeof(map) - (rarely() ? rnd(64) : 0), map);
}

/* Interfaces that are there, or not, or no macvlans. */
static void put_lease(struct nlmsghdr *nlh)
{
	uint32_t ifindex[64];
	unsigned int i, n = rnd(rnd(8) ? 4 : 64);

	for (i = 0; i < n; i++)
		ifindex[i] = rnd(8) ? 1 + rnd(12) : rnd_number();
	put(nlh, GWSYNC_A_TERM_MS, 4, rnd(3) ? rnd(50) : rnd_number());
	if (rnd(2))
		mnl_attr_put(nlh, GWSYNC_A_IFINDEX, n * sizeof(*ifindex) + (rnd(16) ? 0 : rnd(4)),
			     ifindex);
}

/* Of some flow, perhaps. */
static void put_source(struct nlmsghdr *nlh)
{
	static const unsigned int lengths[] = { 4, 16 };
	uint8_t addr[20] = { 10, 9, 0, 2 };

	if (!rnd(4))
		rnd_bytes(addr, sizeof(addr));
	else
		addr[3] = (uint8_t)rnd(256);
	mnl_attr_put(nlh, GWSYNC_A_SOURCE, rarely() ? rnd(20) : lengths[rnd(2)], addr);
	if (rnd(2))
		mnl_attr_put(nlh, GWSYNC_A_END, 0, NULL);
}

/* What the command expects; without a default as in put_kind(). */
static void fill(struct nlmsghdr *nlh, enum gwsync_cmd cmd)
{
	switch (cmd) {
	case GWSYNC_CMD_ATTACH:
		put(nlh, GWSYNC_A_MEMBER, 1, rnd(8) ? 5 : 1 + rnd(4));
		put_epoch(nlh, 0);
		break;
	case GWSYNC_CMD_SET:
		put_params(nlh);
		break;
	case GWSYNC_CMD_SET_MAP:
		put_map(nlh);
		break;
	case GWSYNC_CMD_APPLY:
		put_owner(nlh);
		put_epoch(nlh, 0);
		put_records(nlh);
		break;
	case GWSYNC_CMD_SYNC_BEGIN:
		/* Digests are compared while there is no sync at all: each has an end. */
		if (rarely())
			put_owner(nlh);
		else
			mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, 1 + rnd(2));
		put_epoch(nlh, 0);
		break;
	case GWSYNC_CMD_SYNC_END:
		put(nlh, GWSYNC_A_OWNER, 1, 1 + rnd(rnd(4) ? 2 : 4));
		put_epoch(nlh, 0);
		break;
	case GWSYNC_CMD_WALK:
		put(nlh, GWSYNC_A_SET, 8, rnd(64) & ~1u);
		put(nlh, GWSYNC_A_WALK_ID, 4, rnd(5));
		break;
	case GWSYNC_CMD_ACTIVATE:
		put(nlh, GWSYNC_A_SET, 8, rnd(32) & ~1u);
		put_epoch(nlh, 1);
		break;
	case GWSYNC_CMD_DEACTIVATE:
		put_owner(nlh);
		put_epoch(nlh, rnd(2));
		break;
	case GWSYNC_CMD_PURGE:
		put_owner(nlh);
		break;
	case GWSYNC_CMD_GET_FLOW:
		if (!rnd(4))
			put(nlh, GWSYNC_A_CURSOR, 8, rnd_number());
		break;
	case GWSYNC_CMD_REPAIR:
		if (rnd(3))
			put_classes(nlh);
		break;
	case GWSYNC_CMD_LEASE:
		put_lease(nlh);
		break;
	case GWSYNC_CMD_SOURCE:
		put_source(nlh);
		break;
	case GWSYNC_CMD_GET:
	case GWSYNC_CMD_GET_STATS:
	case GWSYNC_CMD_GET_DIGEST:
		/* Little else is refused. */
		if (!rnd(8))
			mnl_attr_put_u32(nlh, 1 + rnd(GWSYNC_A_MAX), rnd(4));
		break;
	case GWSYNC_CMD_UNSPEC:
	case GWSYNC_CMD_DETACH:
	case GWSYNC_CMD_DELTA:
	case GWSYNC_CMD_EVENT:
	case __GWSYNC_CMD_MAX:
		break;
	}
	/* What it does not expect. */
	while (rarely())
		mnl_attr_put(nlh, rnd(GWSYNC_A_MAX + 6), rnd(40), valid[0]);
}

static void note_epoch(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];

	client_parse(nlh, tb);
	if (tb[GWSYNC_A_EPOCH])
		epoch = mnl_attr_get_u32(tb[GWSYNC_A_EPOCH]);
	/* Hardly a newer one is left: the next ATTACH begins anew. */
	if (epoch > UINT32_MAX / 2)
		epoch = 1;
}

static void open_client(struct client *c)
{
	int one = 1, ret;

	client_close(c);
	ret = client_open(c, netns);
	if (ret) {
		printf("Bail out! open: %s\n", strerror(-ret));
		exit(1);
	}
	if (rnd(2))
		mnl_socket_setsockopt(c->nl, NETLINK_NO_ENOBUFS, &one, sizeof(one));
}

/* The allocation of this number that the task asks for fails, and no other; 0: none. */
static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (fail_fd >= 0 && pwrite(fail_fd, text, len, 0) != len) {
		printf("Bail out! fail-nth: %s\n", strerror(errno));
		exit(1);
	}
}

/* All that waits; the answer to @seq counts for @t. */
static void receive(struct client *c, uint32_t seq, struct tally *t)
{
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh;
	ssize_t n;
	int left;

	while ((n = recv(mnl_socket_get_fd(c->nl), buf, sizeof(buf), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS)) {
		left = n;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const int *err = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				no_memory += *err == -ENOMEM;
				if (nlh->nlmsg_seq != seq)
					continue;
				if (*err < 0)
					t->refused++;
				else
					t->taken++;
			} else if (nlh->nlmsg_type == c->family && nlh->nlmsg_seq == seq) {
				note_epoch(nlh);
			}
		}
		/* Some dumps are left in the middle. */
		if (rarely())
			break;
	}
}

/* The kernel tells what it has: without its epoch hardly anything is taken. */
static void look(void)
{
	char buf[512];
	struct client *c = &client[0];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_GET, 0);
	struct tally unused = {};

	if (mnl_socket_sendto(c->nl, nlh, nlh->nlmsg_len) >= 0)
		receive(c, nlh->nlmsg_seq, &unused);
}

static unsigned int pick(void)
{
	unsigned int all = 0, at = 0, n;

	for (n = 0; n < COMMANDS; n++)
		all += commands[n].weight;
	for (n = rnd(all); n >= commands[at].weight; at++)
		n -= commands[at].weight;
	return at;
}

static void message(bool failing)
{
	static char buf[2 * CLIENT_BUF];
	struct client *c = &client[rnd(SOCKETS)];
	unsigned int which = pick();
	uint8_t cmd = commands[which].cmd;
	struct nlmsghdr *nlh;
	uint32_t seq;

	if (cmd > GWSYNC_CMD_MAX)
		cmd = rnd(4) ? rnd(GWSYNC_CMD_MAX + 1) : rnd(256);
	nlh = client_put(c, buf, cmd, (cmd == GWSYNC_CMD_GET_FLOW) != rarely() ? NLM_F_DUMP : 0);
	seq = nlh->nlmsg_seq;
	fill(nlh, cmd);
	if (!rnd(100))
		rnd_bytes((uint8_t *)nlh + 20, nlh->nlmsg_len - 20);
	if (!rnd(100))
		nlh->nlmsg_len -= rnd(nlh->nlmsg_len - 20 + 1);
	if (failing)
		arm(1 + rnd(FAIL_NTH));
	if (mnl_socket_sendto(c->nl, nlh, nlh->nlmsg_len) < 0)
		no_memory += failing && (errno == ENOMEM || errno == ENOBUFS);
	if (c != &client[DEAF])
		receive(c, seq, &tally[which]);
	if (failing)
		arm(0);
}

/* A packet to nobody: a new flow, or one more packet of one that is there. */
static void packet(void)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(PORT + rnd(200)),
	};
	struct sockaddr_in to = from;
	int fd, here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (here < 0 || client_netns(netns))
		exit(1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	to.sin_port = htons(PORT + rnd(3));
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&from, sizeof(from)))
		sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	if (fd >= 0)
		close(fd);
	if (setns(here, 0))
		exit(1);
	close(here);
}

static int report(unsigned int messages, uint64_t seed, bool fail)
{
	unsigned int taken = 0, refused = 0, never = 0, i;

	for (i = 0; i < COMMANDS; i++) {
		printf("# %s: %u taken, %u refused\n", commands[i].name, tally[i].taken,
		       tally[i].refused);
		taken += tally[i].taken;
		refused += tally[i].refused;
		never += !tally[i].taken || !tally[i].refused;
	}
	printf("sent %u accepted %u refused %u out of memory %u seed %" PRIu64 "\n", messages,
	       taken, refused, no_memory, seed);
	return never || (fail && !no_memory);
}

int main(int argc, char **argv)
{
	bool fail = argc > 1 && !strcmp(argv[1], "-f");
	unsigned int messages, i;
	uint64_t seed;
	int ret;

	argc -= fail;
	argv += fail;
	if (argc != 5) {
		fputs("usage: genlfuzz [-f] NETNS RECORDS SEED MESSAGES\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	netns = argv[1];
	ret = load(argv[2]);
	if (ret) {
		printf("Bail out! %s: %s\n", argv[2], strerror(-ret));
		return 1;
	}
	seed = strtoull(argv[3], NULL, 0);
	messages = strtoul(argv[4], NULL, 0);
	rnd_seed(seed);
	printf("# seed %" PRIu64 ", %u valid records\n", seed, valids);
	for (i = 0; i < SOCKETS; i++)
		open_client(&client[i]);
	if (fail) {
		fail_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		if (fail_fd < 0) {
			printf("Bail out! fail-nth: %s\n", strerror(errno));
			return 1;
		}
	}
	for (i = 0; i < messages; i++) {
		message(fail && !rnd(4));
		if (!rnd(8))
			packet();
		if (!rnd(4))
			look();
		if (!rnd(200))
			open_client(&client[rnd(SOCKETS)]);
	}
	ret = report(messages, seed, fail);
	for (i = 0; i < SOCKETS; i++)
		client_close(&client[i]);
	return ret;
}

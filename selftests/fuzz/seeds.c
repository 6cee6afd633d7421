// SPDX-License-Identifier: GPL-2.0
/*
 * seeds: the inputs that are not text, one of each kind, for the fuzzers to
 * begin with.
 *
 * seeds DIR	writes DIR/TARGET/NAME; how an input is read is told in the head of
 *		fuzz_TARGET.c
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/gwsync.h>
#include <linux/rtnetlink.h>

#include "wire/frame.h"
#include "fuzz.h"

struct seed {
	size_t	len;
	uint8_t	data[16384];
};

static const char *top;
static struct seed seed;

static void put(const void *data, size_t len)
{
	expect(seed.len + len <= sizeof(seed.data));
	memcpy(seed.data + seed.len, data, len);
	seed.len += len;
}

#define PUT(text) put(text, sizeof(text) - 1)

static void put_number(uint64_t value, unsigned int bytes)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(value >> 8 * bytes);

		put(&byte, 1);
	}
}

static void put8(uint8_t value) { put_number(value, 1); }
static void put16(uint16_t value) { put_number(value, 2); }
static void put32(uint32_t value) { put_number(value, 4); }

/* Ends the seed that was put together. */
static void save(const char *target, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void save(const char *target, const char *fmt, ...)
{
	char path[512];
	FILE *file;
	va_list ap;
	int len;

	mkdir(top, 0755);
	len = snprintf(path, sizeof(path), "%s/%s", top, target);
	mkdir(path, 0755);
	path[len++] = '/';
	va_start(ap, fmt);
	vsnprintf(path + len, sizeof(path) - (size_t)len, fmt, ap);
	va_end(ap);
	file = fopen(path, "wb");
	if (!file || fwrite(seed.data, 1, seed.len, file) != seed.len || fclose(file)) {
		perror(path);
		exit(1);
	}
	seed.len = 0;
}

/* Frames */

static void fill_heartbeat(struct frame *f)
{
	f->heartbeat = (struct frame_heartbeat) {
		.epoch = 3, .state = FRAME_STATE_OWNER, .priority = 100, .owner = 2,
		.flags = FRAME_HEARTBEAT_KERNEL | FRAME_HEARTBEAT_HEALTHY, .interval_ms = 100,
		.last_seq = 9, .oldest_seq = 2, .peers = 1,
		.peer[0] = { .member = 1, .flags = FRAME_PEER_SESSION, .boot_id = 5,
			     .counter = 6, .ack = 7 },
	};
}

static void fill(struct frame *f, enum frame_type type)
{
	const struct frame_stream stream = { .member = 2, .boot_id = 9 };

	memset(f, 0, sizeof(*f));
	f->head = (struct frame_head) { .version = FRAME_VERSION, .type = type, .sealed = true,
					.group = 7, .sender = 2, .key_id = 1, .boot_id = 1,
					.counter = 1 };
	switch (type) {
	case FRAME_HEARTBEAT:
		fill_heartbeat(f);
		break;
	case FRAME_DATA:
		f->data = (struct frame_data) { .seq = 1, .set = 2, .epoch = 1,
						.kind = FRAME_DATA_RECORDS,
						.records = "0123456789ab", .len = 12 };
		break;
	case FRAME_ACK:
		f->ack = (struct frame_ack) { .stream = stream, .ack = 4 };
		break;
	case FRAME_NACK:
		f->nack = (struct frame_nack) { .stream = stream, .ack = 4, .ranges = 2,
						.range = { { 5, 1 }, { 9, 3 } } };
		break;
	case FRAME_GONE:
		f->gone.next = 12;
		break;
	case FRAME_SYNC_REQUEST:
		f->sync_request = (struct frame_sync_request) { .stream = stream, .epoch = 1,
								.request = 1 };
		break;
	case FRAME_REPAIR_REQUEST:
		f->repair_request = (struct frame_repair_request) {
			.stream = stream, .epoch = 1, .buckets = 2,
			.repair = { { 0, 1 }, { 255, 1ULL << 63 } },
		};
		break;
	default:
		f->switchover.stream = stream;
		f->switchover.epoch = 2;
		f->switchover.seq = 8;
		break;
	}
}

static size_t put_body(const struct frame *f)
{
	size_t len = frame_encode_body(f, seed.data + seed.len, sizeof(seed.data) - seed.len);

	expect(len);
	seed.len += len;
	return len;
}

static const char *file_name(enum frame_type type)
{
	switch (type) {
	case FRAME_SYNC_REQUEST:
		return "sync_request";
	case FRAME_REPAIR_REQUEST:
		return "repair_request";
	default:
		return frame_type_name(type);
	}
}

static void frames(void)
{
	uint8_t head[FRAME_HEAD_BYTES];
	static struct frame f;

	for (enum frame_type type = FRAME_HEARTBEAT; type < __FRAME_TYPE_MAX; type++) {
		fill(&f, type);
		frame_encode_head(&f.head, head);
		put(head, sizeof(head));
		put_body(&f);
		save("frame", "%s", file_name(type));
	}
	/* A heartbeat of the old version, and one that says more than this version knows. */
	fill(&f, FRAME_HEARTBEAT);
	f.head.version = FRAME_VERSION_OLD;
	memset(head, 0, sizeof(head));
	frame_encode_head(&f.head, head);
	put(head, sizeof(head));
	put_body(&f);
	save("frame", "heartbeat_old");
	fill(&f, FRAME_HEARTBEAT);
	frame_encode_head(&f.head, head);
	put(head, sizeof(head));
	put_body(&f);
	PUT("\xc8\3xyz\xc9\0");
	save("frame", "heartbeat_items");
	for (enum frame_data_kind kind = FRAME_DATA_SYNC_BEGIN; kind < __FRAME_DATA_KIND_MAX;
	     kind++) {
		fill(&f, FRAME_DATA);
		f.data.kind = kind;
		f.data.walk_id = 5;
		f.data.len = 0;
		frame_encode_head(&f.head, head);
		put(head, sizeof(head));
		put_body(&f);
		save("frame", "data_kind_%u", kind);
	}
}

/* Steps of fuzz_datagram.c. */
static void datagrams(void)
{
	static const char *const settings[] = { "sealed", "none", "two_keys" };
	static struct frame f;
	size_t at;

	for (unsigned int i = 0; i < 3; i++) {
		put8((uint8_t)(i | 4));
		PUT("\0\0");
		PUT("\1\0\1\0\4abcd");
		PUT("\5\0");	/* heartbeats, data, again */
		PUT("\4\0\1\0\30\1\0\0");			/* one bit in the body */
		PUT("\6\0\0\0\0\5\0\5\1");			/* B restarts, the past */
		PUT("\7\0\0\5\4\0\0");			/* A restarts */
		PUT("\10\0\1\0\0\10\1\0\0\0\11");		/* new keys, a twin */
		save("datagram", "%s", settings[i]);
	}
	/* An ACK that jumps over most of the replay window, then the past. */
	fill(&f, FRAME_ACK);
	PUT("\4\1\0\1\0\4abcd");
	PUT("\2\3\xc0\10\0\0\21");
	put_body(&f);
	PUT("\5\3");
	save("datagram", "jump");
	for (enum frame_type type = FRAME_HEARTBEAT; type < __FRAME_TYPE_MAX; type++) {
		fill(&f, type);
		put8(4);
		put8(2);		/* body */
		put8((uint8_t)type);
		put8(0);
		at = seed.len;
		put16(0);
		seed.data[at + 1] = (uint8_t)put_body(&f);
		save("datagram", "body_%s", file_name(type));
		/* The same from outside. */
		fill(&f, type);
		put8(5);
		put8(3);
		at = seed.len;
		put16(0);
		f.head.sealed = false;
		f.head.key_id = 0;
		frame_encode_head(&f.head, seed.data + seed.len);
		seed.len += FRAME_HEAD_BYTES;
		seed.data[at + 1] = (uint8_t)(FRAME_HEAD_BYTES + put_body(&f));
		save("datagram", "raw_%s", file_name(type));
	}
}

/* Steps of fuzz_stream.c: push, send, arrive, answer, time, heartbeat, lie. */
static void streams(void)
{
	PUT("\x81");
	PUT("\0\5");
	PUT("\1\x15");
	PUT("\5\1");
	PUT("\3\1");
	PUT("\4\x20");
	PUT("\1\x15");
	save("stream", "in_order");
	PUT("\x83");
	PUT("\0\5");
	PUT("\1\4");
	PUT("\1\5");
	PUT("\1\4");
	PUT("\1\5");
	PUT("\4\x7f");
	PUT("\3\1");
	PUT("\4\x7f");
	PUT("\1\x15");
	save("stream", "lost");
	PUT("\x85");
	PUT("\0\5");
	PUT("\1\6");
	PUT("\1\6");
	PUT("\1\6");
	PUT("\2\x82");
	PUT("\2\x80");
	PUT("\2\1");
	PUT("\2\1");
	PUT("\3\3");
	save("stream", "reordered");
	PUT("\1");
	PUT("\0\x20");
	PUT("\1\x70");
	PUT("\0\x20");
	PUT("\1\x70");
	PUT("\0\x20");
	PUT("\1\x70");
	PUT("\5\1");
	PUT("\4\xff");
	PUT("\3\1");
	PUT("\1\x15");
	save("stream", "gone");
	PUT("\0");
	PUT("\6\0\0\0\0\0\0\0\0\0\5\4");
	PUT("\6\0\1\0\0\0\0\0\0\0\x20");
	PUT("\4\xff");
	PUT("\3\3");
	save("stream", "lies");
	PUT("\0");
	PUT("\0\5\1\x15");
	PUT("\6\0\3\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\3\0\0\0\2\2\x80");
	save("stream", "false_nack");
}

/* Records */

static void head(uint8_t kind, uint8_t l3num, uint8_t proto)
{
	static const uint8_t v4[] = { 10, 9, 0, 1, 10, 9, 0, 2 };
	static const uint8_t v6[32] = { 0xfd, 9, [15] = 1, 0xfd, 9, [31] = 2 };

	put16(0);
	put8(GWSYNC_RECORD_VERSION);
	put8(kind);
	put8(l3num);
	put8(proto);
	put16(0x0e);
	put32(600);
	put(l3num == AF_INET6 ? v6 : v4, l3num == AF_INET6 ? 32 : 8);
	put16(1234);
	/* An echo request, where that is what is asked for. */
	put16(proto == IPPROTO_ICMP ? 0x0800 : proto == IPPROTO_ICMPV6 ? 0x8000 : 80);
}

static void part(uint8_t type, uint8_t len)
{
	put8(type);
	put8(len + 2);
}

static void put_bytes(uint8_t len)
{
	for (uint8_t i = 1; i <= len; i++)
		put8(i);
}

static void end_record(size_t from)
{
	size_t len = seed.len - from;

	seed.data[from] = (uint8_t)(len >> 8);
	seed.data[from + 1] = (uint8_t)len;
}

static void put_tcp(void)
{
	part(GWSYNC_PART_TCP, sizeof(struct gwsync_part_tcp));
	put8(3);
	for (int i = 0; i < 2; i++) {
		put32(1000);
		put32(65000);
		put32(64000);
		put16(0x0723);
	}
}

static void put_time_wait(void)
{
	part(GWSYNC_PART_TIME_WAIT, sizeof(struct gwsync_part_time_wait));
	for (int i = 0; i < 2; i++) {
		put32(1000);
		put16(0x0727);
	}
}

static void put_expect(uint8_t l3num)
{
	uint8_t addr = l3num == AF_INET6 ? 16 : 4;

	part(GWSYNC_PART_EXPECT, (uint8_t)(sizeof(struct gwsync_part_expect) + 4 * addr + 6 + 5));
	PUT("\6\0\0\1\0\0\1\54\0\24");
	put_bytes((uint8_t)(2 * addr + 4));
	put_bytes(addr + 2);
	put_bytes(addr);
	PUT("\0\3ftp");
}

/* One of each part that any flow of this family may have. */
static void put_parts(uint8_t l3num)
{
	uint8_t addr = l3num == AF_INET6 ? 16 : 4;

	part(GWSYNC_PART_SNAT, addr + 2);
	put_bytes(addr + 2);
	part(GWSYNC_PART_DNAT, addr + 2);
	put_bytes(addr + 2);
	part(GWSYNC_PART_ZONE, 4);
	PUT("\0\3\3\0");
	part(GWSYNC_PART_MARK, 4);
	put_bytes(4);
	part(GWSYNC_PART_LABELS, 16);
	put_bytes(16);
	part(GWSYNC_PART_HELPER, 3);
	PUT("ftp");
	part(GWSYNC_PART_MASTER, 2 * addr + 5);
	put_bytes(2 * addr + 5);
	part(GWSYNC_PART_SEQADJ, 24);
	put_bytes(24);
	part(GWSYNC_PART_SECCTX, 6);
	PUT("a_b:c0");
	part(GWSYNC_PART_SYNPROXY, 12);
	put_bytes(12);
	part(GWSYNC_PART_COUNTERS, 32);
	put_bytes(32);
	part(GWSYNC_PART_START, 8);
	put_bytes(8);
	part(100, 3);
	put_bytes(3);
	put_expect(l3num);
	put_expect(l3num);
}

/* What is not about a flow: @kind, of bucket @bucket, then all bits of @len bytes. */
static size_t put_control(uint8_t kind, uint8_t bucket, uint8_t len)
{
	size_t at = seed.len;

	put16(0);
	put8(GWSYNC_RECORD_VERSION);
	put8(kind);
	put32(0);
	put32(0);
	put8(bucket);
	PUT("\0\0\0");
	while (len--)
		put8(0xff);
	return at;
}

static void repairs(void)
{
	static const uint8_t classes = sizeof(uint64_t);
	size_t at;

	at = put_control(GWSYNC_RECORD_DIGEST, 0, 0);
	for (uint32_t i = 0; i < GWSYNC_BUCKET_CLASSES; i++)
		put32(i << 16);
	end_record(at);
	save("records", "digest");
	end_record(put_control(GWSYNC_RECORD_REPAIR_BEGIN, 7, classes));
	save("records", "repair_begin");
	end_record(put_control(GWSYNC_RECORD_REPAIR_END, 255, classes));
	save("records", "repair_end");
	end_record(put_control(GWSYNC_RECORD_REPAIR_BEGIN, 7, classes));
	at = seed.len;
	head(GWSYNC_RECORD_FLOW, AF_INET6, IPPROTO_UDP);
	end_record(at);
	end_record(put_control(GWSYNC_RECORD_REPAIR_END, 7, classes));
	save("records", "repair");
}

static void records(void)
{
	static const struct {
		const char	*name;
		uint8_t		proto, type, len;
		const char	*value;
	} state[] = {
		{ "udp", IPPROTO_UDP, 0, 0, "" },
		{ "icmp", IPPROTO_ICMP, 0, 0, "" },
		{ "icmpv6", IPPROTO_ICMPV6, 0, 0, "" },
		{ "sctp", IPPROTO_SCTP, GWSYNC_PART_SCTP, 11, "\4\1\0\0\0\0\1\0\0\0\2" },
		{ "dccp", IPPROTO_DCCP, GWSYNC_PART_DCCP, 11, "\4\0\1\0\0\0\0\0\0\0\5" },
		{ "gre", IPPROTO_GRE, GWSYNC_PART_GRE, 8, "\0\0\165\60\0\2\277\40" },
		{ "other", 50, 0, 0, "" },
	};
	uint8_t l3num = AF_INET;
	size_t at;

	for (unsigned int i = 0; i < sizeof(state) / sizeof(state[0]); i++) {
		l3num = state[i].proto == IPPROTO_ICMPV6 ? AF_INET6 : AF_INET;
		head(GWSYNC_RECORD_FLOW, l3num, state[i].proto);
		if (state[i].len) {
			part(state[i].type, state[i].len);
			put(state[i].value, state[i].len);
		}
		end_record(0);
		save("records", "%s", state[i].name);
	}
	for (unsigned int i = 0; i < 2; i++) {
		l3num = i ? AF_INET6 : AF_INET;
		head(GWSYNC_RECORD_FLOW, l3num, IPPROTO_TCP);
		put_tcp();
		put_parts(l3num);
		end_record(0);
		save("records", "tcp_%s", i ? "ipv6" : "ipv4");
	}
	head(GWSYNC_RECORD_FLOW, AF_INET, IPPROTO_TCP);
	put_time_wait();
	end_record(0);
	save("records", "time_wait");
	head(GWSYNC_RECORD_FLOW_GONE, AF_INET, IPPROTO_UDP);
	end_record(0);
	at = seed.len;
	head(GWSYNC_RECORD_FLOW, AF_INET, IPPROTO_TCP);
	put_tcp();
	end_record(at);
	save("records", "two");
	repairs();
}

/* Netlink; the family and the sequence number that fuzz_netlink.c puts right. */

static struct nlmsghdr *message(void *buf, uint16_t type, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = UINT32_MAX;
	if (type == 0xffff || type == GENL_ID_CTRL) {
		genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
		genl->cmd = cmd;
		genl->version = 1;
	}
	return nlh;
}

static void put_message(const struct nlmsghdr *nlh)
{
	put16((uint16_t)nlh->nlmsg_len);
	put(nlh, nlh->nlmsg_len);
}

static void put_error(int err, const char *text)
{
	uint8_t buf[512] __attribute__((aligned(8))) = { 0 };
	struct nlmsghdr *nlh = message(buf, NLMSG_ERROR, 0);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));

	e->error = err;
	if (text) {
		nlh->nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	}
	put_message(nlh);
}

static void kernel_messages(void)
{
	uint8_t buf[2048] __attribute__((aligned(8))) = { 0 };
	struct nlattr *nest;
	struct nlmsghdr *nlh;

	put8(0);
	nlh = message(buf, 0xffff, GWSYNC_CMD_DELTA);
	mnl_attr_put_u64(nlh, GWSYNC_A_SET, 4);
	mnl_attr_put_u32(nlh, GWSYNC_A_WALK_ID, 1);
	mnl_attr_put(nlh, GWSYNC_A_RECORDS, 24, "0123456789abcdefghijklmn");
	put_message(nlh);
	nlh = message(buf, 0xffff, GWSYNC_CMD_EVENT);
	mnl_attr_put_u32(nlh, GWSYNC_A_EVENT, GWSYNC_EVENT_WALK_DONE);
	mnl_attr_put_u32(nlh, GWSYNC_A_WALK_ID, 1);
	mnl_attr_put_u32(nlh, GWSYNC_A_COUNT, 1);
	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, 1);
	put_message(nlh);
	nlh = message(buf, GENL_ID_CTRL, CTRL_CMD_DELFAMILY);
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, 0x23);
	put_message(nlh);
	save("netlink", "notifications");

	put8(1);
	nlh = message(buf, 0xffff, GWSYNC_CMD_GET);
	mnl_attr_put_u8(nlh, GWSYNC_A_MEMBER, 1);
	mnl_attr_put_u8(nlh, GWSYNC_A_ACTIVE, 1);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, 3);
	mnl_attr_put_u64(nlh, GWSYNC_A_BOOT_ID, 77);
	put_message(nlh);
	put_error(0, NULL);
	save("netlink", "state");

	put8(1 | 1 << 2);
	nlh = message(buf, 0xffff, GWSYNC_CMD_GET_STATS);
	nest = mnl_attr_nest_start(nlh, GWSYNC_A_STATS);
	for (unsigned int i = GWSYNC_STAT_A_EVENTS; i <= GWSYNC_STAT_A_MAX; i++)
		mnl_attr_put_u64(nlh, (uint16_t)i, i);
	mnl_attr_nest_end(nlh, nest);
	put_message(nlh);
	put_error(0, NULL);
	save("netlink", "statistics");

	put8(1);
	put_error(-16, "another socket is attached");
	save("netlink", "refused");
	put8(2);
	put_error(-116, "epoch is older");
	save("netlink", "stray");
	put8(1 | 4 << 2);
	nlh = message(buf, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, 0x23);
	put_message(nlh);
	put_error(0, NULL);
	save("netlink", "family");
}

static struct nlmsghdr *link_message(void *buf)
{
	struct nlmsghdr *nlh = message(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	uint32_t conf[32] = { 1, 2, 3 };
	struct nlattr *nest, *inet;

	ifi->ifi_index = 3;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "eth0");
	mnl_attr_put_strz(nlh, IFLA_IFALIAS, "gwsync: lan");
	nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "macvlan");
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet = mnl_attr_nest_start(nlh, AF_INET);
	mnl_attr_put(nlh, IFLA_INET_CONF, sizeof(conf), conf);
	mnl_attr_nest_end(nlh, inet);
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

static void route_messages(void)
{
	uint8_t buf[2048] __attribute__((aligned(8))) = { 0 };
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh;

	put8(1 | 2 << 2);
	put_message(link_message(buf));
	put_error(0, NULL);
	save("netlink", "link");
	put8(1 | 3 << 2);
	for (unsigned int i = 0; i < 2; i++) {
		nlh = message(buf, RTM_NEWADDR, 0);
		ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
		ifa->ifa_family = i ? AF_INET6 : AF_INET;
		mnl_attr_put(nlh, i ? IFA_ADDRESS : IFA_LOCAL, i ? 16 : 4, "0123456789abcdef");
		put_message(nlh);
	}
	nlh = message(buf, NLMSG_DONE, 0);
	mnl_nlmsg_put_extra_header(nlh, sizeof(int));
	put_message(nlh);
	save("netlink", "addresses");
	put8(3);
	put_message(link_message(buf));
	save("netlink", "monitor");
}

/* Steps of fuzz_control.c; a line is what follows its length. */
static void line(const char *text)
{
	put8(2);
	put8((uint8_t)strlen(text));
	put(text, strlen(text));
}

static void controls(void)
{
	line("{\"command\": \"echo\", \"value\": [1, \"two\", null, {\"a\": 1.5}]}");
	put8(4);
	save("control", "echo");
	line("{\"command\": \"status\"}");
	line("{\"command\": 1}");
	line("[]");
	line("{\"command\": \"null\", \"command\": \"echo\"}");
	line("\"\\u0000\\ud800\"");
	put8(4);
	save("control", "refused");
	line("{\"command\": \"large\"}");
	line("{\"command\": \"echo\"}");
	put8(4);
	line("{\"command\": \"huge\"}");
	save("control", "large");
	PUT("\3 \x11\0");
	put8(4);
	save("control", "too_long");
	for (uint8_t i = 0; i < 20; i++)
		put8((uint8_t)(i << 3));
	line("{\"command\": \"echo\", \"value\": 1}");
	PUT("\7\5\xff");
	save("control", "clients");
	for (unsigned int i = 0; i < 30; i++)
		line("{}");
	PUT("\5\2\4");
	save("control", "too_many");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: seeds DIR\n", stderr);
		return 2;
	}
	top = argv[1];
	frames();
	datagrams();
	streams();
	records();
	kernel_messages();
	route_messages();
	controls();
	return 0;
}

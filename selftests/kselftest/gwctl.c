// SPDX-License-Identifier: GPL-2.0
/*
 * gwctl: the genetlink family by hand.
 *
 * gwctl [-n NETNS] COMMAND [ARG...]	one command, one socket
 * gwctl [-n NETNS] -			commands from stdin over one socket, each
 *					answered by its lines and "ok" or "error ...";
 *					"sh COMMAND" runs a command in between
 *
 * "nth N COMMAND [ARG...]": the N-th allocation that the kernel makes for it
 * fails; says "nth failed" or "nth left" when there were fewer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "record.h"

#define ARGS_MAX 64

static const char * const stat_names[GWSYNC_STAT_A_MAX + 1] = {
	[GWSYNC_STAT_A_EVENTS] = "events",
	[GWSYNC_STAT_A_EVENTS_REPLICA] = "events_replica",
	[GWSYNC_STAT_A_FILTERED] = "filtered",
	[GWSYNC_STAT_A_HELD] = "held",
	[GWSYNC_STAT_A_COALESCED] = "coalesced",
	[GWSYNC_STAT_A_RING_OVERRUN] = "ring_overrun",
	[GWSYNC_STAT_A_WALKS] = "walks",
	[GWSYNC_STAT_A_TOMBSTONES] = "tombstones",
	[GWSYNC_STAT_A_TOMBSTONES_LOST] = "tombstones_lost",
	[GWSYNC_STAT_A_NOTIFIER_GAPS] = "notifier_gaps",
	[GWSYNC_STAT_A_RECORDS_SENT] = "records_sent",
	[GWSYNC_STAT_A_BYTES_SENT] = "bytes_sent",
	[GWSYNC_STAT_A_MESSAGES_SENT] = "messages_sent",
	[GWSYNC_STAT_A_CONGESTED] = "congested",
	[GWSYNC_STAT_A_ENOMEM] = "enomem",
	[GWSYNC_STAT_A_RECORDS_APPLIED] = "records_applied",
	[GWSYNC_STAT_A_REPLICAS_CREATED] = "replicas_created",
	[GWSYNC_STAT_A_REPLICAS_UPDATED] = "replicas_updated",
	[GWSYNC_STAT_A_REPLICAS_REPLACED] = "replicas_replaced",
	[GWSYNC_STAT_A_REPLICAS_REMOVED] = "replicas_removed",
	[GWSYNC_STAT_A_REPLICAS_LOST] = "replicas_lost",
	[GWSYNC_STAT_A_REFUSED_STALE] = "refused_stale",
	[GWSYNC_STAT_A_REFUSED_MALFORMED] = "refused_malformed",
	[GWSYNC_STAT_A_REFUSED_VERSION] = "refused_version",
	[GWSYNC_STAT_A_REFUSED_UNSUPPORTED] = "refused_unsupported",
	[GWSYNC_STAT_A_REFUSED_CLASH] = "refused_clash",
	[GWSYNC_STAT_A_REFUSED_FULL] = "refused_full",
	[GWSYNC_STAT_A_REFUSED_ENOMEM] = "refused_enomem",
	[GWSYNC_STAT_A_PARTS_SKIPPED] = "parts_skipped",
	[GWSYNC_STAT_A_HELPER_MISSING] = "helper_missing",
	[GWSYNC_STAT_A_MASTER_MISSING] = "master_missing",
	[GWSYNC_STAT_A_EXPECT_REFUSED] = "expect_refused",
	[GWSYNC_STAT_A_ACTIVATIONS] = "activations",
	[GWSYNC_STAT_A_ADOPTED] = "adopted",
	[GWSYNC_STAT_A_PICKUP] = "pickup",
	[GWSYNC_STAT_A_PICKUP_REFUSED] = "pickup_refused",
	[GWSYNC_STAT_A_REFRESHED] = "refreshed",
	[GWSYNC_STAT_A_CLASSES_COMPARED] = "classes_compared",
	[GWSYNC_STAT_A_CLASSES_DIFFERED] = "classes_differed",
	[GWSYNC_STAT_A_REPAIRED] = "repaired",
	[GWSYNC_STAT_A_SPOILED] = "spoiled",
	[GWSYNC_STAT_A_FOREIGN] = "foreign",
	[GWSYNC_STAT_A_LEASES_LAPSED] = "leases_lapsed",
	[GWSYNC_STAT_A_LEASE_DROPPED] = "lease_dropped",
	[GWSYNC_STAT_A_UNTRACKED] = "untracked",
	[GWSYNC_STAT_A_AUDITED] = "audited",
	[GWSYNC_STAT_A_LABELS_LEFT] = "labels_left",
	[GWSYNC_STAT_A_SOURCE_ENDED] = "source_ended",
};

static const char * const event_names[] = {
	[GWSYNC_EVENT_WALK_DONE] = "walk-done",
	[GWSYNC_EVENT_SWEEP_DONE] = "sweep-done",
	[GWSYNC_EVENT_ACTIVATE_DONE] = "activate-done",
	[GWSYNC_EVENT_LOST] = "lost",
	[GWSYNC_EVENT_LAPSED] = "lapsed",
	[GWSYNC_EVENT_RESUMED] = "resumed",
	[GWSYNC_EVENT_SOURCE_DONE] = "source-done",
};

#define EVENT_COUNT (sizeof(event_names) / sizeof(event_names[0]))

static uint64_t num(const char *s)
{
	char *end;
	uint64_t v = strtoull(s, &end, 0);

	if (!*s || *end) {
		fprintf(stderr, "gwctl: %s is no number\n", s);
		exit(2);
	}
	return v;
}

static int stats_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1], *attr;
	char **names = data;

	client_parse(nlh, tb);
	if (!tb[GWSYNC_A_STATS])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(attr, tb[GWSYNC_A_STATS]) {
		unsigned int t = mnl_attr_get_type(attr);

		if (t > GWSYNC_STAT_A_MAX || !stat_names[t])
			continue;
		if (!names[0])
			printf("%s %" PRIu64 "\n", stat_names[t], mnl_attr_get_u64(attr));
		else if (!strcmp(names[0], stat_names[t]))
			printf("%" PRIu64 "\n", mnl_attr_get_u64(attr));
	}
	return MNL_CB_OK;
}

static int get_cb(const struct nlmsghdr *nlh, void *data)
{
	static const struct {
		uint16_t	attr;
		uint8_t		size;
		const char	*name;
	} fields[] = {
		{ GWSYNC_A_MEMBER, 1, "member" },
		{ GWSYNC_A_EPOCH, 4, "epoch" },
		{ GWSYNC_A_ACTIVE, 1, "active" },
		{ GWSYNC_A_BOOT_ID, 8, "boot_id" },
		{ GWSYNC_A_PARAM_FLUSH_MS, 4, "flush_ms" },
		{ GWSYNC_A_PARAM_HOLD_MS, 4, "hold_ms" },
		{ GWSYNC_A_PARAM_BATCH_BYTES, 4, "batch_bytes" },
		{ GWSYNC_A_PARAM_TOMBSTONES, 4, "tombstones" },
		{ GWSYNC_A_PARAM_WALK_RATE, 4, "walk_rate" },
		{ GWSYNC_A_PARAM_DIGEST_MS, 4, "digest_ms" },
		{ GWSYNC_A_PARAM_AUDIT_MS, 4, "audit_ms" },
		{ GWSYNC_A_PARAM_LABELS, 4, "labels" },
		{ GWSYNC_A_PARAM_MARK_MASK, 4, "mark_mask" },
		{ GWSYNC_A_REPLICAS, 8, "replicas" },
		{ GWSYNC_A_FLOWS, 8, "flows" },
		{ GWSYNC_A_WAITING, 4, "waiting" },
		{ GWSYNC_A_MUTE, 4, "mute" },
		{ GWSYNC_A_LEASE, 1, "lease" },
	};
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	char **names = data;
	unsigned int i;

	client_parse(nlh, tb);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct nlattr *a = tb[fields[i].attr];
		uint64_t v;

		if (!a || (names[0] && strcmp(names[0], fields[i].name)))
			continue;
		v = fields[i].size == 1 ? mnl_attr_get_u8(a) :
		    fields[i].size == 4 ? mnl_attr_get_u32(a) : mnl_attr_get_u64(a);
		if (names[0])
			printf("%" PRIu64 "\n", v);
		else
			printf("%s %" PRIu64 "\n", fields[i].name, v);
	}
	return MNL_CB_OK;
}

struct dump {
	FILE		*file;
	unsigned int	flows, bad, interrupted;
	uint64_t	cursor;
	unsigned int	stop;	/* after so many flows, 0: never */
};

static int dump_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1], *attr;
	struct dump *d = data;
	const uint8_t *p, *rec;
	uint32_t len, flags = 0;
	int owner = -1;

	client_parse(nlh, tb);
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted++;
	if (tb[GWSYNC_A_FLOW_STATE]) {
		mnl_attr_for_each_nested(attr, tb[GWSYNC_A_FLOW_STATE]) {
			if (mnl_attr_get_type(attr) == GWSYNC_FLOW_A_OWNER)
				owner = mnl_attr_get_u8(attr);
			if (mnl_attr_get_type(attr) == GWSYNC_FLOW_A_FLAGS)
				flags = mnl_attr_get_u32(attr);
		}
	}
	if (!tb[GWSYNC_A_RECORDS] || (d->stop && d->flows >= d->stop))
		return MNL_CB_OK;
	p = mnl_attr_get_payload(tb[GWSYNC_A_RECORDS]);
	len = mnl_attr_get_payload_len(tb[GWSYNC_A_RECORDS]);
	while ((rec = record_next(&p, &len))) {
		if (d->file) {
			fwrite(rec, 1, record_len(rec), d->file);
		} else {
			if (record_print(stdout, rec))
				d->bad++;
			if (owner >= 0)
				printf(" owner=%d", owner);
			printf(" flags=%s%s%s%s\n", flags & GWSYNC_FLOW_F_REPLICA ? "replica," : "",
			       flags & GWSYNC_FLOW_F_ANNOUNCED ? "announced," : "",
			       flags & GWSYNC_FLOW_F_DIRTY ? "dirty," : "",
			       flags & GWSYNC_FLOW_F_PICKUP ? "pickup," : "");
		}
		d->flows++;
	}
	if (len)
		d->bad++;
	if (tb[GWSYNC_A_CURSOR])
		d->cursor = mnl_attr_get_u64(tb[GWSYNC_A_CURSOR]);
	return MNL_CB_OK;
}

/* proto N | zone N | mark VALUE/MASK | prefix ADDR/LEN | port PROTO:PORT | tcp STATE */
static int put_filter(struct nlmsghdr *nlh, char **argv)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, GWSYNC_A_FILTER);

	for (; argv[0] && argv[1]; argv += 2) {
		char *v = argv[1], *slash = strchr(v, '/');

		if (!strcmp(argv[0], "proto")) {
			mnl_attr_put_u8(nlh, GWSYNC_FILTER_A_PROTOCOL, num(v));
		} else if (!strcmp(argv[0], "zone")) {
			mnl_attr_put_u16(nlh, GWSYNC_FILTER_A_ZONE, num(v));
		} else if (!strcmp(argv[0], "tcp")) {
			mnl_attr_put_u8(nlh, GWSYNC_FILTER_A_TCP_STATE, num(v));
		} else if (!strcmp(argv[0], "mark") && slash) {
			struct gwsync_filter_mark m;

			*slash = 0;
			m.value = num(v);
			m.mask = num(slash + 1);
			mnl_attr_put(nlh, GWSYNC_FILTER_A_MARK, sizeof(m), &m);
		} else if (!strcmp(argv[0], "prefix") && slash) {
			struct gwsync_filter_prefix p = {};

			*slash = 0;
			p.family = strchr(v, ':') ? AF_INET6 : AF_INET;
			p.len = num(slash + 1);
			if (inet_pton(p.family, v, p.addr) != 1)
				return -EINVAL;
			mnl_attr_put(nlh, GWSYNC_FILTER_A_PREFIX, sizeof(p), &p);
		} else if (!strcmp(argv[0], "port") && strchr(v, ':')) {
			struct gwsync_filter_port p = {};
			char *colon = strchr(v, ':');

			*colon = 0;
			p.protocol = num(v);
			p.port = htons(num(colon + 1));
			mnl_attr_put(nlh, GWSYNC_FILTER_A_PORT, sizeof(p), &p);
		} else {
			return -EINVAL;
		}
	}
	mnl_attr_nest_end(nlh, nest);
	return 0;
}

static int put_params(struct nlmsghdr *nlh, char **argv)
{
	static const struct {
		const char	*name;
		uint16_t	attr;
	} params[] = {
		{ "flush_ms", GWSYNC_A_PARAM_FLUSH_MS },
		{ "hold_ms", GWSYNC_A_PARAM_HOLD_MS },
		{ "batch_bytes", GWSYNC_A_PARAM_BATCH_BYTES },
		{ "tombstones", GWSYNC_A_PARAM_TOMBSTONES },
		{ "walk_rate", GWSYNC_A_PARAM_WALK_RATE },
		{ "digest_ms", GWSYNC_A_PARAM_DIGEST_MS },
		{ "audit_ms", GWSYNC_A_PARAM_AUDIT_MS },
		{ "labels", GWSYNC_A_PARAM_LABELS },
		{ "mark_mask", GWSYNC_A_PARAM_MARK_MASK },
		{ NULL, 0 }
	};
	unsigned int i;

	for (; argv[0] && argv[1]; argv += 2) {
		for (i = 0; params[i].name && strcmp(params[i].name, argv[0]); i++)
			;
		if (!params[i].name)
			return -EINVAL;
		mnl_attr_put_u32(nlh, params[i].attr, num(argv[1]));
	}
	return 0;
}

/* map SET [BUCKET[-BUCKET]=SET...]; repair CLASSES [BUCKET[-BUCKET]=CLASSES...] */
static int do_buckets(struct client *c, struct nlmsghdr *nlh, uint16_t attr, char **argv)
{
	uint64_t words[GWSYNC_BUCKETS];
	unsigned int i;

	for (i = 0; i < GWSYNC_BUCKETS; i++)
		words[i] = num(argv[0]);
	while (*++argv) {
		unsigned int first, last;
		uint64_t word;

		if (sscanf(*argv, "%u-%u=%" SCNi64, &first, &last, &word) != 3) {
			if (sscanf(*argv, "%u=%" SCNi64, &first, &word) != 2)
				return -EINVAL;
			last = first;
		}
		for (; first <= last && first < GWSYNC_BUCKETS; first++)
			words[first] = word;
	}
	mnl_attr_put(nlh, attr, sizeof(words), words);
	return client_request(c, nlh, NULL, NULL);
}

/* digest: how many classes differ from the owner's */
static int digest_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];

	(void)data;
	client_parse(nlh, tb);
	if (tb[GWSYNC_A_COUNT])
		printf("differing %u\n", mnl_attr_get_u32(tb[GWSYNC_A_COUNT]));
	return MNL_CB_OK;
}

static void print_note(const struct client_note *note)
{
	const uint8_t *p = note->records, *rec;
	uint32_t len = note->records_len;

	if (note->cmd == GWSYNC_CMD_EVENT) {
		printf("event %s owner=%u walk=%u count=%u\n",
		       note->event < EVENT_COUNT && event_names[note->event] ?
		       event_names[note->event] : "?", note->owner, note->walk_id, note->count);
		return;
	}
	printf("delta set=0x%" PRIx64 " walk=%u bytes=%u\n", note->set, note->walk_id, len);
	while ((rec = record_next(&p, &len))) {
		record_print(stdout, rec);
		puts("");
	}
	if (len)
		printf("BAD %u bytes left\n", len);
}

/* recv QUIET_MS: print notifications until none came for so long */
static int do_recv(struct client *c, unsigned int quiet_ms)
{
	static char buf[CLIENT_BUF];
	struct client_note note;
	int ret;

	while ((ret = client_next(c, quiet_ms, buf, &note)) > 0)
		print_note(&note);
	return ret;
}

/* wait EVENT SECONDS: discard notifications up to this event */
static int do_wait(struct client *c, const char *name, unsigned int seconds)
{
	uint64_t end = client_now_us() + seconds * 1000000ull;
	static char buf[CLIENT_BUF];
	struct client_note note;

	while (client_now_us() < end) {
		int ret = client_next(c, 100, buf, &note);

		if (ret < 0)
			return ret;
		if (ret && note.cmd == GWSYNC_CMD_EVENT && note.event < EVENT_COUNT &&
		    event_names[note.event] && !strcmp(event_names[note.event], name)) {
			print_note(&note);
			return 0;
		}
	}
	return -ETIMEDOUT;
}

static int do_apply(struct client *c, char **argv)
{
	static uint8_t data[1 << 20];
	const uint8_t *p = data, *from = data;
	uint32_t len, left;
	FILE *f = fopen(argv[2], "r");
	int ret = 0;

	if (!f)
		return -errno;
	left = fread(data, 1, sizeof(data), f);
	fclose(f);
	while (left && !ret) {	/* as many records as a message holds */
		len = left;
		while (p - from < 8192 && record_next(&p, &len))
			;
		if (p == from)
			return -EBADMSG;
		ret = client_apply(c, num(argv[0]), num(argv[1]), from, p - from);
		left -= p - from;
		from = p;
	}
	return ret;
}

/* lease TERM_MS [IFINDEX...]: 0: give it back; without interfaces: renew */
static int do_lease(struct client *c, char **argv)
{
	uint32_t ifindex[ARGS_MAX];
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_LEASE, 0);
	unsigned int n = 0;

	mnl_attr_put_u32(nlh, GWSYNC_A_TERM_MS, num(argv[0]));
	while (*++argv)
		ifindex[n++] = num(*argv);
	if (n)
		mnl_attr_put(nlh, GWSYNC_A_IFINDEX, n * sizeof(*ifindex), ifindex);
	return client_request(c, nlh, NULL, NULL);
}

/* source ADDRESS [end]: count own flows that have it as translated source, or end them */
static int do_source(struct client *c, char **argv)
{
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_SOURCE, 0);
	uint8_t addr[16];

	if (inet_pton(AF_INET, argv[0], addr) == 1)
		mnl_attr_put(nlh, GWSYNC_A_SOURCE, 4, addr);
	else if (inet_pton(AF_INET6, argv[0], addr) == 1)
		mnl_attr_put(nlh, GWSYNC_A_SOURCE, 16, addr);
	else
		return -EINVAL;
	if (argv[1] && !strcmp(argv[1], "end"))
		mnl_attr_put(nlh, GWSYNC_A_END, 0, NULL);
	return client_request(c, nlh, NULL, NULL);
}

static int run(struct client *c, int argc, char **argv)
{
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh;
	const char *cmd = argv[0];
	int n = argc - 1, ret;

	argv++;
#define IS(name, least) (!strcmp(cmd, name) && n >= (least))
	if (IS("attach", 2)) {
		uint64_t boot_id = 0;

		ret = client_attach(c, num(argv[0]), num(argv[1]), &boot_id);
		if (!ret)
			printf("boot_id %" PRIu64 "\n", boot_id);
		return ret;
	}
	if (IS("set", 0) || IS("filter", 0)) {
		nlh = client_put(c, buf, GWSYNC_CMD_SET, 0);
		ret = cmd[0] == 's' ? put_params(nlh, argv) : put_filter(nlh, argv);
		return ret ?: client_request(c, nlh, NULL, NULL);
	}
	if (IS("map", 1))
		return do_buckets(c, client_put(c, buf, GWSYNC_CMD_SET_MAP, 0), GWSYNC_A_MAP,
				  argv);
	if (IS("repair", 1))
		return do_buckets(c, client_put(c, buf, GWSYNC_CMD_REPAIR, 0), GWSYNC_A_CLASSES,
				  argv);
	if (IS("repair", 0))
		return client_request(c, client_put(c, buf, GWSYNC_CMD_REPAIR, 0), NULL, NULL);
	if (IS("digest", 0))
		return client_request(c, client_put(c, buf, GWSYNC_CMD_GET_DIGEST, 0), digest_cb,
				      NULL);
	if (IS("lease", 1))
		return do_lease(c, argv);
	if (IS("source", 1))
		return do_source(c, argv);
	if (IS("get", 0))
		return client_request(c, client_put(c, buf, GWSYNC_CMD_GET, 0), get_cb, argv);
	if (IS("stats", 0))
		return client_request(c, client_put(c, buf, GWSYNC_CMD_GET_STATS, 0), stats_cb,
				      argv);
	if (IS("detach", 0))
		return client_request(c, client_put(c, buf, GWSYNC_CMD_DETACH, 0), NULL, NULL);
	if (IS("dump", 0)) {	/* dump [file NAME] [stop FLOWS] [cursor N] */
		struct dump d = {};

		nlh = client_put(c, buf, GWSYNC_CMD_GET_FLOW, NLM_F_DUMP);
		for (; argv[0] && argv[1]; argv += 2) {
			if (!strcmp(argv[0], "file")) {
				d.file = fopen(argv[1], "w");
				if (!d.file)
					return -errno;
			} else if (!strcmp(argv[0], "stop")) {
				d.stop = num(argv[1]);
			} else if (!strcmp(argv[0], "cursor")) {
				mnl_attr_put_u64(nlh, GWSYNC_A_CURSOR, num(argv[1]));
			}
		}
		ret = client_request(c, nlh, dump_cb, &d);
		if (d.file)
			fclose(d.file);
		if (d.stop)
			printf("cursor %" PRIu64 "\n", d.cursor);
		return ret ?: d.bad ? -EBADMSG : 0;
	}
	if (IS("walk", 2))
		return client_walk(c, num(argv[0]), num(argv[1]));
	if (IS("activate", 2)) {
		uint64_t t = client_now_us();

		ret = client_activate(c, num(argv[0]), num(argv[1]));
		printf("us %" PRIu64 "\n", client_now_us() - t);
		return ret;
	}
	if (IS("deactivate", 2))
		return client_deactivate(c, num(argv[0]), num(argv[1]));
	if (IS("sync-begin", 2) || IS("sync-end", 2))
		return client_sync(c, cmd[5] == 'b' ? GWSYNC_CMD_SYNC_BEGIN : GWSYNC_CMD_SYNC_END,
				   num(argv[0]), num(argv[1]));
	if (IS("purge", 1)) {
		nlh = client_put(c, buf, GWSYNC_CMD_PURGE, 0);
		mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, num(argv[0]));
		return client_request(c, nlh, NULL, NULL);
	}
	if (IS("apply", 3))
		return do_apply(c, argv);
	if (IS("recv", 1))
		return do_recv(c, num(argv[0]));
	if (IS("wait", 2))
		return do_wait(c, argv[0], num(argv[1]));
	if (IS("nth", 2)) {
		c->nth = num(argv[0]);
		ret = run(c, argc - 2, argv + 1);
		puts(c->nth ? "nth left" : "nth failed");
		c->nth = 0;
		return ret;
	}
	if (IS("commands", 0)) {	/* the number of the last one that uapi has */
		printf("%d\n", GWSYNC_CMD_MAX);
		return 0;
	}
	if (IS("empty", 1))	/* a command without any attribute */
		return client_request(c, client_put(c, buf, num(argv[0]), 0), NULL, NULL);
	return -EOPNOTSUPP;
#undef IS
}

/* By bash: the applets of a busybox sh are not the tools that are meant. */
static int shell(const char *command)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		execlp("bash", "bash", "-c", command, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int report(struct client *c, int ret)
{
	if (!ret)
		puts("ok");
	else
		printf("error %s %s\n", strerrorname_np(-ret) ?: "?", c->error);
	return ret ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *netns = NULL;
	char line[4096], *args[ARGS_MAX + 1], *save;
	struct client c;
	int ret, n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && !strcmp(argv[1], "-n")) {
		netns = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 2) {
		fputs("usage: gwctl [-n NETNS] COMMAND [ARG...]\n", stderr);
		return 2;
	}
	ret = client_open(&c, netns);
	if (ret) {
		printf("error %s opening the family\n", strerrorname_np(-ret));
		return 3;
	}
	if (strcmp(argv[1], "-")) {
		ret = run(&c, argc - 1, argv + 1);
		if (ret)
			return report(&c, ret);
		return 0;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "sh ", 3)) {	/* something to happen meanwhile */
			printf("sh %d\n", shell(line + 3));
			continue;
		}
		n = 0;
		for (args[n] = strtok_r(line, " \t\n", &save); args[n] && n < ARGS_MAX;)
			args[++n] = strtok_r(NULL, " \t\n", &save);
		args[n] = NULL;
		if (!n)
			continue;
		if (!strcmp(args[0], "quit"))
			break;
		report(&c, run(&c, n, args));
	}
	client_close(&c);
	return 0;
}

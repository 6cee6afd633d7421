// SPDX-License-Identifier: GPL-2.0
/*
 * ctcompare: are the conntrack tables of two netns the same?
 *
 * Reads both through ctnetlink and libnetfilter_conntrack, neither of which
 * is ours, and compares every attribute of every flow and expectation.
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
#include "ctattr.h"

#define KEY_MAX		96
#define EXPECT_MAX	256
#define EXPECT_LINE	768
#define HASH_SIZE	65536
#define EXPLAIN_MAX	20	/* differences printed, the rest is counted */

struct flow {
	struct flow		*next;
	struct nf_conntrack	*ct;
	unsigned char		key[KEY_MAX];
	unsigned int		key_len;
	bool			seen;
};

struct table {
	const char	*netns;
	struct flow	*hash[HASH_SIZE];
	unsigned int	flows;
	char		(*expect)[EXPECT_LINE];
	unsigned int	expects;
};

struct options {
	unsigned int	tolerance;	/* of timeouts, seconds */
	bool		timeouts;
	bool		counters;
	bool		starts;
	unsigned int	least;		/* flows that must be there */
	unsigned int	wait;		/* seconds */
	const char	*require;	/* attributes that some flow must have */
	int		proto;
	bool		extra;		/* flows of B alone are no difference */
};

struct result {
	unsigned int	a, b, equal, different, missing, extra, expects, expects_different;
	unsigned int	explained;
};

static struct options opt = { .least = 1, .proto = -1, .starts = true };

static unsigned int attr_size(const struct nf_conntrack *ct, const struct ctattr *a)
{
	switch (a->kind) {
	case CTATTR_U8:
		return 1;
	case CTATTR_U16:
	case CTATTR_BE16:
		return 2;
	case CTATTR_U32:
	case CTATTR_IP4:
		return 4;
	case CTATTR_U64:
		return 8;
	case CTATTR_IP6:
		return 16;
	case CTATTR_STRING:
		return strlen(nfct_get_attr(ct, a->attr) ?: "");
	case CTATTR_BITMASK:
		break;
	}
	return 0;
}

static bool bitmask_empty(const struct nfct_bitmask *m)
{
	unsigned int i;

	for (i = 0; m && i <= nfct_bitmask_maxbit(m); i++) {
		if (nfct_bitmask_test_bit(m, i))
			return false;
	}
	return true;
}

/* Unset and empty labels are the same; so are an unset and a zero counter, and
 * the extension of synproxy without a connection of its own, which ctnetlink adds
 * to every flow that it makes.
 */
static bool attr_present(const struct nf_conntrack *ct, const struct ctattr *a)
{
	if (!nfct_attr_is_set(ct, a->attr))
		return false;
	if (a->kind == CTATTR_BITMASK)
		return !bitmask_empty(nfct_get_attr(ct, a->attr));
	if (a->flags & CTATTR_ZERO)
		return nfct_get_attr_u32(ct, a->attr);
	return true;
}

static void attr_print(const struct nf_conntrack *ct, const struct ctattr *a)
{
	char s[INET6_ADDRSTRLEN];
	const struct nfct_bitmask *m;
	unsigned int i;

	if (!attr_present(ct, a)) {
		fputs("unset", stdout);
		return;
	}
	switch (a->kind) {
	case CTATTR_U8:
		printf("%u", nfct_get_attr_u8(ct, a->attr));
		break;
	case CTATTR_U16:
		printf("%u", nfct_get_attr_u16(ct, a->attr));
		break;
	case CTATTR_BE16:
		printf("%u", ntohs(nfct_get_attr_u16(ct, a->attr)));
		break;
	case CTATTR_U32:
		printf(a->flags & CTATTR_STATUS ? "0x%x" : "%u", nfct_get_attr_u32(ct, a->attr));
		break;
	case CTATTR_U64:
		printf("%" PRIu64, nfct_get_attr_u64(ct, a->attr));
		break;
	case CTATTR_IP4:
		fputs(inet_ntop(AF_INET, nfct_get_attr(ct, a->attr), s, sizeof(s)), stdout);
		break;
	case CTATTR_IP6:
		fputs(inet_ntop(AF_INET6, nfct_get_attr(ct, a->attr), s, sizeof(s)), stdout);
		break;
	case CTATTR_STRING:
		fputs(nfct_get_attr(ct, a->attr), stdout);
		break;
	case CTATTR_BITMASK:
		m = nfct_get_attr(ct, a->attr);
		for (i = 0; i <= nfct_bitmask_maxbit(m); i++) {
			if (nfct_bitmask_test_bit(m, i))
				printf("%u ", i);
		}
		break;
	}
}

static bool attr_equal(const struct nf_conntrack *x, const struct nf_conntrack *y,
		       const struct ctattr *a)
{
	bool has = attr_present(x, a);
	unsigned int n;

	if (has != attr_present(y, a))
		return false;
	if (!has)
		return true;
	if (a->kind == CTATTR_BITMASK)
		return nfct_bitmask_equal(nfct_get_attr(x, a->attr), nfct_get_attr(y, a->attr));
	if (a->flags & CTATTR_TIME) {
		int64_t d = (int64_t)nfct_get_attr_u32(x, a->attr) -
			    (int64_t)nfct_get_attr_u32(y, a->attr);

		return llabs(d) <= opt.tolerance;
	}
	n = attr_size(x, a);
	return n == attr_size(y, a) &&
	       !memcmp(nfct_get_attr(x, a->attr), nfct_get_attr(y, a->attr), n);
}

static bool attr_wanted(const struct ctattr *a)
{
	if (a->flags & (CTATTR_KEY | CTATTR_ID | CTATTR_NAT))
		return false;
	if (a->flags & CTATTR_COUNTER)
		return opt.counters;
	if (a->flags & CTATTR_TIME)
		return opt.timeouts;
	if (a->attr == ATTR_TIMESTAMP_START)
		return opt.starts;
	return true;
}

static void flow_print(const struct nf_conntrack *ct)
{
	unsigned int i;

	for (i = 0; i < ctattr_count; i++) {
		if (!(ctattrs[i].flags & CTATTR_KEY) || !attr_present(ct, &ctattrs[i]))
			continue;
		printf(" %s=", ctattrs[i].name);
		attr_print(ct, &ctattrs[i]);
	}
}

static void flow_key(struct flow *f)
{
	unsigned int i;

	for (i = 0; i < ctattr_count; i++) {
		const struct ctattr *a = &ctattrs[i];
		unsigned int n;

		if (!(a->flags & CTATTR_KEY) || !attr_present(f->ct, a))
			continue;
		n = attr_size(f->ct, a);
		if (f->key_len + n + 1 > KEY_MAX)
			abort();
		f->key[f->key_len++] = i;
		memcpy(f->key + f->key_len, nfct_get_attr(f->ct, a->attr), n);
		f->key_len += n;
	}
}

static unsigned int flow_hash(const struct flow *f)
{
	unsigned int i, h = 2166136261u;

	for (i = 0; i < f->key_len; i++)
		h = (h ^ f->key[i]) * 16777619u;
	return h % HASH_SIZE;
}

static struct flow *flow_find(struct table *t, const struct flow *like)
{
	struct flow *f;

	for (f = t->hash[flow_hash(like)]; f; f = f->next) {
		if (f->key_len == like->key_len && !memcmp(f->key, like->key, f->key_len))
			return f;
	}
	return NULL;
}

static int flow_cb(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct table *t = data;
	struct flow *f;
	unsigned int h;

	(void)type;
	if (opt.proto >= 0 && nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO) != opt.proto)
		return NFCT_CB_CONTINUE;
	f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->ct = ct;
	flow_key(f);
	if (flow_find(t, f)) {	/* a dump may show a flow twice */
		free(f);
		return NFCT_CB_CONTINUE;
	}
	h = flow_hash(f);
	f->next = t->hash[h];
	t->hash[h] = f;
	t->flows++;
	return NFCT_CB_STOLEN;
}

/* All that is known of an expectation but its timeout, as one line. */
static int expect_cb(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data)
{
	struct table *t = data;
	char text[512] = "", nat[256] = "", *p = text;
	const struct nf_conntrack *nct;

	(void)type;
	if (t->expects >= EXPECT_MAX)
		return NFCT_CB_CONTINUE;
	nfexp_snprintf(text, sizeof(text), exp, NFCT_T_UNKNOWN, NFCT_O_DEFAULT, 0);
	p += strspn(p, " 0123456789");	/* the timeout comes first */
	nct = nfexp_attr_is_set(exp, ATTR_EXP_NAT_TUPLE) ?
	      nfexp_get_attr(exp, ATTR_EXP_NAT_TUPLE) : NULL;
	if (nct)
		nfct_snprintf(nat, sizeof(nat), nct, NFCT_T_UNKNOWN, NFCT_O_DEFAULT, 0);
	snprintf(t->expect[t->expects++], EXPECT_LINE,
		 "%.400s flags=%u class=%u dir=%u helper=%.16s fn=%.32s nat=%.200s", p,
		 nfexp_get_attr_u32(exp, ATTR_EXP_FLAGS), nfexp_get_attr_u32(exp, ATTR_EXP_CLASS),
		 nfexp_get_attr_u8(exp, ATTR_EXP_NAT_DIR),
		 (const char *)(nfexp_attr_is_set(exp, ATTR_EXP_HELPER_NAME) ?
				nfexp_get_attr(exp, ATTR_EXP_HELPER_NAME) : ""),
		 (const char *)(nfexp_attr_is_set(exp, ATTR_EXP_FN) ?
				nfexp_get_attr(exp, ATTR_EXP_FN) : ""), nat);
	return NFCT_CB_CONTINUE;
}

static int line_cmp(const void *x, const void *y)
{
	return strcmp(x, y);
}

static int table_read(struct table *t)
{
	struct nfct_handle *h;
	uint32_t family = AF_UNSPEC;
	int ret;

	ret = client_netns(t->netns);
	if (ret) {
		fprintf(stderr, "ctcompare: netns %s: %s\n", t->netns, strerror(-ret));
		return ret;
	}
	h = nfct_open(CONNTRACK, 0);
	if (!h)
		goto err;
	nfct_callback_register(h, NFCT_T_ALL, flow_cb, t);
	if (nfct_query(h, NFCT_Q_DUMP, &family) < 0)
		goto err_close;
	nfct_close(h);

	t->expect = calloc(EXPECT_MAX, EXPECT_LINE);
	if (!t->expect)
		abort();
	h = nfct_open(EXPECT, 0);
	if (!h)
		goto err;
	nfexp_callback_register(h, NFCT_T_ALL, expect_cb, t);
	family = AF_INET;
	if (nfexp_query(h, NFCT_Q_DUMP, &family) < 0)
		goto err_close;
	family = AF_INET6;
	if (nfexp_query(h, NFCT_Q_DUMP, &family) < 0)
		goto err_close;
	nfct_close(h);
	qsort(t->expect, t->expects, EXPECT_LINE, line_cmp);
	return 0;

err_close:
	ret = -errno;
	nfct_close(h);
	errno = -ret;
err:
	ret = -errno ?: -EIO;
	fprintf(stderr, "ctcompare: netns %s: ctnetlink: %s\n", t->netns, strerror(-ret));
	return ret;
}

static bool flow_compare(const struct flow *x, const struct flow *y, struct result *res)
{
	bool equal = true;
	unsigned int i;

	for (i = 0; i < ctattr_count; i++) {
		const struct ctattr *a = &ctattrs[i];

		if (!attr_wanted(a) || attr_equal(x->ct, y->ct, a))
			continue;
		if (equal && res->explained++ < EXPLAIN_MAX) {
			fputs("different", stdout);
			flow_print(x->ct);
			puts("");
		}
		equal = false;
		if (res->explained > EXPLAIN_MAX)
			break;
		printf("  %s: ", a->name);
		attr_print(x->ct, a);
		fputs(" -> ", stdout);
		attr_print(y->ct, a);
		puts("");
	}
	return equal;
}

static void expects_compare(struct table *a, struct table *b, struct result *res)
{
	unsigned int i = 0, j = 0;

	res->expects = a->expects;
	while (i < a->expects || j < b->expects) {
		int c = i == a->expects ? 1 : j == b->expects ? -1 :
			strcmp(a->expect[i], b->expect[j]);

		if (!c) {
			i++;
			j++;
			continue;
		}
		res->expects_different++;
		printf("expectation only in %s: %s\n", c < 0 ? a->netns : b->netns,
		       c < 0 ? a->expect[i] : b->expect[j]);
		if (c < 0)
			i++;
		else
			j++;
	}
}

/* Set, and not 0: a value that could get lost. */
static bool attr_telling(const struct nf_conntrack *ct, const struct ctattr *a)
{
	static const uint8_t zero[16];
	unsigned int n;

	if (!attr_present(ct, a))
		return false;
	n = attr_size(ct, a);
	return a->kind == CTATTR_STRING || a->kind == CTATTR_BITMASK ||
	       memcmp(nfct_get_attr(ct, a->attr), zero, n);
}

/* Each name of the comma separated list must be set on some flow. */
static bool required(struct table *t)
{
	char list[512], *name, *save = NULL;
	bool all = true;

	snprintf(list, sizeof(list), "%s", opt.require ?: "");
	for (name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		unsigned int i, h;
		bool found = false;

		if (!strcmp(name, "expect")) {
			found = t->expects;
			goto found;
		}
		for (i = 0; i < ctattr_count && strcmp(ctattrs[i].name, name); i++)
			;
		if (i == ctattr_count) {
			fprintf(stderr, "ctcompare: no attribute %s\n", name);
			exit(2);
		}
		for (h = 0; h < HASH_SIZE && !found; h++) {
			struct flow *f;

			for (f = t->hash[h]; f && !found; f = f->next)
				found = attr_telling(f->ct, &ctattrs[i]);
		}
found:
		if (!found) {
			printf("no flow of %s has %s: nothing was compared\n", t->netns, name);
			all = false;
		}
	}
	return all;
}

/* One reading of both tables, in a process of its own: exit status 0, 1 or 2. */
static int compare_once(const char *na, const char *nb)
{
	static struct table a, b;
	struct result res = {};
	unsigned int h;
	bool ok;

	a.netns = na;
	b.netns = nb;
	if (table_read(&a) || table_read(&b))
		return 2;
	for (h = 0; h < HASH_SIZE; h++) {
		struct flow *x, *y;

		for (x = a.hash[h]; x; x = x->next) {
			y = flow_find(&b, x);
			if (!y) {
				res.missing++;
				if (res.explained++ < EXPLAIN_MAX) {
					printf("missing in %s:", nb);
					flow_print(x->ct);
					puts("");
				}
				continue;
			}
			y->seen = true;
			if (flow_compare(x, y, &res))
				res.equal++;
			else
				res.different++;
		}
	}
	for (h = 0; h < HASH_SIZE; h++) {
		struct flow *y;

		for (y = b.hash[h]; y; y = y->next) {
			if (y->seen)
				continue;
			res.extra++;
			if (!opt.extra && res.explained++ < EXPLAIN_MAX) {
				printf("only in %s:", nb);
				flow_print(y->ct);
				puts("");
			}
		}
	}
	expects_compare(&a, &b, &res);
	ok = !res.missing && !res.different && !res.expects_different &&
	     (opt.extra || !res.extra) && a.flows >= opt.least;
	if (a.flows < opt.least)
		printf("only %u flows in %s, %u wanted\n", a.flows, na, opt.least);
	ok = required(&a) && ok;
	printf("flows %u/%u equal %u different %u missing %u extra %u expectations %u/%u different %u\n",
	       a.flows, b.flows, res.equal, res.different, res.missing, res.extra, a.expects,
	       b.expects, res.expects_different);
	return ok ? 0 : 1;
}

static void usage(void)
{
	fputs("usage: ctcompare [-ckX] [-T SECONDS] [-w SECONDS] [-m FLOWS] [-r ATTR,...] [-p PROTO] NETNS_A NETNS_B\n"
	      "  -c  compare packet and byte counters\n"
	      "  -k  do not compare start times\n"
	      "  -m  at least so many flows in A (1)\n"
	      "  -p  flows of this protocol alone\n"
	      "  -r  some flow in A must have these attributes, not 0\n"
	      "  -T  compare timeouts, within so many seconds\n"
	      "  -w  try again for so long until equal\n"
	      "  -X  flows in B alone are no difference\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t end;
	int c;

	while ((c = getopt(argc, argv, "ckm:p:r:T:w:X")) != -1) {
		switch (c) {
		case 'c':
			opt.counters = true;
			break;
		case 'k':
			opt.starts = false;
			break;
		case 'm':
			opt.least = atoi(optarg);
			break;
		case 'p':
			opt.proto = atoi(optarg);
			break;
		case 'r':
			opt.require = optarg;
			break;
		case 'T':
			opt.timeouts = true;
			opt.tolerance = atoi(optarg);
			break;
		case 'w':
			opt.wait = atoi(optarg);
			break;
		case 'X':
			opt.extra = true;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2)
		usage();
	end = client_now_us() + (uint64_t)opt.wait * 1000000;
	for (;;) {
		char *text = NULL;
		size_t len = 0, size = 0;
		int fd[2], status;
		char buf[4096];
		ssize_t n;
		pid_t pid;

		/* Only the last reading's explanation is of interest. */
		pid = pipe(fd) < 0 ? -1 : fork();
		if (pid < 0) {
			perror("ctcompare");
			return 2;
		}
		if (!pid) {
			dup2(fd[1], STDOUT_FILENO);
			close(fd[0]);
			close(fd[1]);
			c = compare_once(argv[optind], argv[optind + 1]);
			fflush(NULL);
			_exit(c);
		}
		close(fd[1]);
		while ((n = read(fd[0], buf, sizeof(buf))) > 0) {
			if (len + n > size) {
				size = 2 * size + n;
				text = realloc(text, size);
				if (!text)
					abort();
			}
			memcpy(text + len, buf, n);
			len += n;
		}
		close(fd[0]);
		waitpid(pid, &status, 0);
		c = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
		if (c != 1 || client_now_us() >= end) {
			fwrite(text, 1, len, stdout);
			free(text);
			return c;
		}
		free(text);
		usleep(100000);
	}
}

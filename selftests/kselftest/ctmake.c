// SPDX-License-Identifier: GPL-2.0
/*
 * ctmake: create, change or delete a flow through ctnetlink.
 *
 * ctmake NETNS create|update|delete NAME=VALUE...   names as ctcompare prints
 * them; a reply tuple that is not given is the inverse of the original one.
 * "count=N", the first argument, makes N flows, each with the next source port.
 *
 * ctmake NETNS expect MASTER... -- EXPECTED... -- MASK... [-- class=N flags=N
 * timeout=N]: an expectation of a flow that has a helper; one that is there gets
 * another timeout.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ctattr.h"

static int set_value(struct nf_conntrack *ct, const struct ctattr *a, const char *value)
{
	struct in6_addr addr;
	struct nfct_bitmask *m;
	char *list, *bit, *save = NULL;

	switch (a->kind) {
	case CTATTR_U8:
		nfct_set_attr_u8(ct, a->attr, strtoul(value, NULL, 0));
		/* Flags without their mask change nothing. */
		if (a->attr == ATTR_TCP_FLAGS_ORIG)
			nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, 0xff);
		if (a->attr == ATTR_TCP_FLAGS_REPL)
			nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, 0xff);
		return 0;
	case CTATTR_U16:
		nfct_set_attr_u16(ct, a->attr, strtoul(value, NULL, 0));
		return 0;
	case CTATTR_BE16:
		nfct_set_attr_u16(ct, a->attr, htons(strtoul(value, NULL, 0)));
		return 0;
	case CTATTR_U32:
		nfct_set_attr_u32(ct, a->attr, strtoul(value, NULL, 0));
		return 0;
	case CTATTR_U64:
		nfct_set_attr_u64(ct, a->attr, strtoull(value, NULL, 0));
		return 0;
	case CTATTR_IP4:
		if (inet_pton(AF_INET, value, &addr) != 1)
			return -1;
		if (a->attr == ATTR_ORIG_IPV4_SRC)
			nfct_set_attr_u8(ct, ATTR_ORIG_L3PROTO, AF_INET);
		nfct_set_attr(ct, a->attr, &addr);
		return 0;
	case CTATTR_IP6:
		if (inet_pton(AF_INET6, value, &addr) != 1)
			return -1;
		if (a->attr == ATTR_ORIG_IPV6_SRC)
			nfct_set_attr_u8(ct, ATTR_ORIG_L3PROTO, AF_INET6);
		nfct_set_attr(ct, a->attr, &addr);
		return 0;
	case CTATTR_STRING:
		nfct_set_attr(ct, a->attr, value);
		return 0;
	case CTATTR_BITMASK:
		m = nfct_bitmask_new(127);
		list = strdup(value);
		if (!m || !list)
			abort();
		for (bit = strtok_r(list, ",", &save); bit; bit = strtok_r(NULL, ",", &save))
			nfct_bitmask_set_bit(m, strtoul(bit, NULL, 0));
		free(list);
		nfct_set_attr(ct, a->attr, m);	/* owns it now */
		return 0;
	}
	return -1;
}

/* A reply attribute that was not given is the other end of the original one. */
static void invert(struct nf_conntrack *ct, enum nf_conntrack_attr to,
		   enum nf_conntrack_attr from)
{
	if (nfct_attr_is_set(ct, from) && !nfct_attr_is_set(ct, to))
		nfct_set_attr(ct, to, nfct_get_attr(ct, from));
}

static void set_reply(struct nf_conntrack *ct)
{
	invert(ct, ATTR_REPL_L3PROTO, ATTR_ORIG_L3PROTO);
	invert(ct, ATTR_REPL_L4PROTO, ATTR_ORIG_L4PROTO);
	invert(ct, ATTR_REPL_IPV4_SRC, ATTR_ORIG_IPV4_DST);
	invert(ct, ATTR_REPL_IPV4_DST, ATTR_ORIG_IPV4_SRC);
	invert(ct, ATTR_REPL_IPV6_SRC, ATTR_ORIG_IPV6_DST);
	invert(ct, ATTR_REPL_IPV6_DST, ATTR_ORIG_IPV6_SRC);
	invert(ct, ATTR_REPL_PORT_SRC, ATTR_ORIG_PORT_DST);
	invert(ct, ATTR_REPL_PORT_DST, ATTR_ORIG_PORT_SRC);
}

/* Up to the end or "--"; moves *argv behind it. */
static int parse_flow(struct nf_conntrack *ct, char ***argv)
{
	char *arg;

	while ((arg = **argv)) {
		char *value = strchr(arg, '=');
		unsigned int i;

		++*argv;
		if (!strcmp(arg, "--"))
			break;
		if (!value)
			return -1;
		*value++ = 0;
		for (i = 0; i < ctattr_count && strcmp(ctattrs[i].name, arg); i++)
			;
		if (i == ctattr_count || set_value(ct, &ctattrs[i], value)) {
			fprintf(stderr, "ctmake: %s=%s?\n", arg, value);
			return -1;
		}
	}
	return 0;
}

static int make_expect(char **argv)
{
	static const enum nf_expect_attr part[] = { ATTR_EXP_MASTER, ATTR_EXP_EXPECTED,
						    ATTR_EXP_MASK };
	uint32_t class = 0, flags = 0, timeout = 300;
	struct nf_expect *exp = nfexp_new();
	struct nfct_handle *h;
	int i;

	if (!exp)
		abort();
	for (i = 0; i < 3; i++) {
		struct nf_conntrack *ct = nfct_new();

		if (!ct || parse_flow(ct, &argv))
			return 2;
		nfexp_set_attr(exp, part[i], ct);
	}
	for (; *argv; argv++) {
		if (sscanf(*argv, "class=%u", &class) != 1 &&
		    sscanf(*argv, "flags=%u", &flags) != 1 &&
		    sscanf(*argv, "timeout=%u", &timeout) != 1)
			return 2;
	}
	nfexp_set_attr_u32(exp, ATTR_EXP_CLASS, class);
	nfexp_set_attr_u32(exp, ATTR_EXP_FLAGS, flags);
	nfexp_set_attr_u32(exp, ATTR_EXP_TIMEOUT, timeout);
	h = nfct_open(EXPECT, 0);
	if (!h || nfexp_query(h, NFCT_Q_CREATE_UPDATE, exp) < 0) {
		fprintf(stderr, "ctmake: expect: %s\n", strerror(errno));
		return 1;
	}
	nfct_close(h);
	return 0;
}

int main(int argc, char **argv)
{
	struct nf_conntrack *ct = nfct_new();
	enum nf_conntrack_query query;
	unsigned int count = 1, i;
	struct nfct_handle *h;
	uint16_t sport;
	char **args;

	if (argc < 4 || !ct) {
		fputs("usage: ctmake NETNS create|update|delete NAME=VALUE...\n", stderr);
		return 2;
	}
	if (client_netns(argv[1])) {
		fprintf(stderr, "ctmake: no netns %s\n", argv[1]);
		return 2;
	}
	query = !strcmp(argv[2], "create") ? NFCT_Q_CREATE :
		!strcmp(argv[2], "update") ? NFCT_Q_UPDATE : NFCT_Q_DESTROY;
	args = argv + 3;
	if (!strcmp(argv[2], "expect"))
		return make_expect(args);
	if (sscanf(*args, "count=%u", &count) == 1)
		args++;
	if (parse_flow(ct, &args))
		return 2;
	h = nfct_open(CONNTRACK, 0);
	if (!h) {
		perror("ctmake: nfct_open");
		return 2;
	}
	sport = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC));
	for (i = 0; i < count; i++) {
		struct nf_conntrack *one = nfct_clone(ct);

		if (!one)
			abort();
		if (count > 1)
			nfct_set_attr_u16(one, ATTR_ORIG_PORT_SRC, htons(sport + i));
		if (query != NFCT_Q_DESTROY)
			set_reply(one);
		if (nfct_query(h, query, one) < 0) {
			fprintf(stderr, "ctmake: %s: %s\n", argv[2], strerror(errno));
			return 1;
		}
		nfct_destroy(one);
	}
	nfct_close(h);
	return 0;
}

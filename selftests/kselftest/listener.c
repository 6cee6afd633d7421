// SPDX-License-Identifier: GPL-2.0
/*
 * listener: somebody else who listens to conntrack's events, and does not read them.
 *
 * listener NETNS [NAME=VALUE...]
 *	buffer		bytes of its receive buffer, 0: the default (0)
 *	reliable	1: what does not fit is to be kept and delivered later, as
 *			conntrackd's NetlinkEventsReliable asks for (0)
 *
 * It is in the groups of new, changed and ended flows and expectations.  It says
 * "ready" and sleeps; from SIGUSR1 on it reads, and says "empty" when it has read what
 * had come until then.  At SIGTERM it says what it has read:
 * "new N updates N ends N doubled N overruns N"; an end that it was told twice, by the
 * identity of its flow, is doubled.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "client.h"

#define ENDS_MAX	100000

static unsigned int buffer, reliable;
static unsigned int news, updates, ends, doubled, overruns;
static struct end {
	uint32_t	id;		/* ctnetlink's: of one flow at a time */
	uint32_t	tuple;		/* a sum of its original tuple */
} seen[ENDS_MAX];

static volatile sig_atomic_t stop, reads;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		reads = 1;
	else
		stop = 1;
}

static int attr_cb(const struct nlattr *attr, void *data)
{
	struct end *end = data;
	const uint8_t *p = mnl_attr_get_payload(attr);
	unsigned int i, len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case CTA_ID:
		end->id = ntohl(mnl_attr_get_u32(attr));
		break;
	case CTA_TUPLE_ORIG:
		for (i = 0; i < len; i++)
			end->tuple = end->tuple * 31 + p[i];
		break;
	}
	return MNL_CB_OK;
}

static void note_end(const struct nlmsghdr *nlh)
{
	struct end end = {};
	unsigned int i;

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), attr_cb, &end);
	for (i = 0; i < ends && i < ENDS_MAX; i++) {
		if (seen[i].id == end.id && seen[i].tuple == end.tuple) {
			doubled++;
			return;
		}
	}
	if (ends < ENDS_MAX)
		seen[ends] = end;
	ends++;
}

static int event_cb(const struct nlmsghdr *nlh, void *data)
{
	(void)data;

	switch (nlh->nlmsg_type) {
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW:
		if (nlh->nlmsg_flags & NLM_F_CREATE)
			news++;
		else
			updates++;
		break;
	case NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE:
		note_end(nlh);
		break;
	}
	return MNL_CB_OK;
}

static int parse(char **argv)
{
	for (; *argv; argv++) {
		char *value = strchr(*argv, '=');

		if (!value)
			return -1;
		*value++ = 0;
		if (!strcmp(*argv, "buffer"))
			buffer = strtoul(value, NULL, 0);
		else if (!strcmp(*argv, "reliable"))
			reliable = strtoul(value, NULL, 0);
		else
			return -1;
	}
	return 0;
}

static int listen_to(struct mnl_socket *nl, int fd)
{
	int group, one = 1;

	/* Beyond the sysctl's limit, and below what is left of it by default. */
	if (buffer && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0)
		return -1;
	if (reliable &&
	    (setsockopt(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &one, sizeof(one)) < 0 ||
	     setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one)) < 0))
		return -1;
	for (group = NFNLGRP_CONNTRACK_NEW; group <= NFNLGRP_CONNTRACK_EXP_DESTROY; group++) {
		if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char buf[65536];
	struct mnl_socket *nl;
	sigset_t mine, others;
	struct pollfd pfd = {};
	ssize_t n;

	if (argc < 2 || parse(argv + 2)) {
		fputs("usage: listener NETNS [NAME=VALUE...], see listener.c\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	/* They come while it sleeps, and never just before. */
	sigemptyset(&mine);
	sigaddset(&mine, SIGTERM);
	sigaddset(&mine, SIGINT);
	sigaddset(&mine, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mine, &others);

	nl = client_netns(argv[1]) ? NULL : mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    listen_to(nl, mnl_socket_get_fd(nl)) < 0) {
		perror("listener: socket");
		return 1;
	}
	puts("ready");
	while (!stop && !reads)
		sigsuspend(&others);
	pfd.fd = mnl_socket_get_fd(nl);
	pfd.events = POLLIN;
	while (!stop) {
		n = recv(pfd.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0) {
			mnl_cb_run(buf, n, 0, 0, event_cb, NULL);
		} else if (errno == ENOBUFS) {
			overruns++;
		} else {
			if (reads == 1) {
				reads = 2;
				puts("empty");
			}
			ppoll(&pfd, 1, NULL, &others);
		}
	}
	printf("new %u updates %u ends %u doubled %u overruns %u\n", news, updates, ends, doubled,
	       overruns);
	return 0;
}

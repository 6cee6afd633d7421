// SPDX-License-Identifier: GPL-2.0
/*
 * synclook: how far a backup is behind its owner, and what both say of it.
 *
 * synclook watch|settle MS NETNS SOCKET NETNS SOCKET PEER
 *	the owner's netns and control socket, the backup's, and its name
 *
 * Looks again and again: the owner's own flows that were announced, what both
 * daemons say, the replicas of the backup.  A flow that was announced before
 * both were asked and is no replica after was outstanding all that time, so
 * one of them has to show a lag or "not in sync".  That holds for flows that
 * only begin.
 *
 * watch: for MS milliseconds; prints what it saw; status 1 if both have hidden
 * something.  settle: until nothing is outstanding and both say so; prints how
 * long that took; status 1 after MS milliseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "client.h"

#define PAUSE_US	5000
#define QUEUE		4096	/* looks whose flows are not all there yet */
#define ANSWER_MAX	(1 << 20)

struct end {
	struct client	c;
	const char	*path;
};

struct report {
	bool		known;		/* both have answered */
	long long	lag, backup_lag;
	bool		in_sync;	/* the owner of the backup, and it of itself */
};

struct seen {
	uint64_t	at_us, flows;
};

static struct end owner, backup;
static const char *peer;
static struct seen queue[QUEUE];
static unsigned int head, queued;

static int count_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	uint64_t *count = data;

	client_parse(nlh, tb);
	if (tb[GWSYNC_A_FLOWS])
		count[0] = mnl_attr_get_u64(tb[GWSYNC_A_FLOWS]);
	if (tb[GWSYNC_A_REPLICAS])
		count[1] = mnl_attr_get_u64(tb[GWSYNC_A_REPLICAS]);
	return MNL_CB_OK;
}

static uint64_t count(struct end *end, int which)
{
	static char buf[CLIENT_BUF];
	uint64_t n[2] = {};

	if (client_request(&end->c, client_put(&end->c, buf, GWSYNC_CMD_GET, 0), count_cb, n)) {
		fprintf(stderr, "synclook: %s\n", end->c.error);
		exit(2);
	}
	return n[which];
}

static int talk_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* The answer to "status", or NULL: a daemon may be dead, then it says nothing.
 * Each time anew: many questions of one client are answered slowly.
 */
static json_t *status(struct end *end)
{
	static const char request[] = "{\"command\": \"status\"}\n";
	static char line[ANSWER_MAX];
	json_t *answer = NULL;
	int fd = talk_to(end->path);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	while (n > 0 && len < sizeof(line) && (!len || line[len - 1] != '\n')) {
		n = recv(fd, line + len, sizeof(line) - len, 0);
		len += n > 0 ? n : 0;
	}
	if (n > 0)
		answer = json_loadb(line, len, 0, NULL);
	close(fd);
	return answer;
}

static void ask(struct report *report)
{
	json_t *of_owner = status(&owner), *of_backup = status(&backup), *member;
	const json_t *sync = json_object_get(of_backup, "sync");
	size_t i;

	*report = (struct report) { .known = of_owner && of_backup };
	json_array_foreach(json_object_get(of_owner, "peers"), i, member) {
		const char *name = json_string_value(json_object_get(member, "name"));

		if (!name || strcmp(name, peer))
			continue;
		report->lag = json_integer_value(json_object_get(member, "lag_frames"));
		report->in_sync = json_is_true(json_object_get(member, "in_sync")) &&
				  json_is_true(json_object_get(member, "alive"));
	}
	report->in_sync &= json_is_true(json_object_get(of_backup, "in_sync"));
	report->backup_lag = json_integer_value(json_object_get(sync, "lag_frames"));
	json_decref(of_owner);
	json_decref(of_backup);
}

/* The longest time from "announced" to "is a replica", as far as was seen. */
static uint64_t arrived(uint64_t replicas, uint64_t now_us)
{
	uint64_t longest = 0;

	while (queued && queue[head].flows <= replicas) {
		if (now_us - queue[head].at_us > longest)
			longest = now_us - queue[head].at_us;
		head = (head + 1) % QUEUE;
		queued--;
	}
	return longest;
}

static int watch(uint64_t end_us)
{
	unsigned int looks = 0, late = 0, hidden = 0, out = 0;
	long long lag_most = 0, lag_all = 0;
	uint64_t most_us = 0;

	while (client_now_us() < end_us) {
		uint64_t flows = count(&owner, 0), replicas, us, at_us = client_now_us();
		struct report report;

		ask(&report);
		replicas = count(&backup, 1);
		if (!report.known)
			continue;
		looks++;
		lag_all += report.lag;
		if (report.lag > lag_most)
			lag_most = report.lag;
		out += !report.in_sync;
		if (queued < QUEUE)
			queue[(head + queued++) % QUEUE] = (struct seen) { at_us, flows };
		us = arrived(replicas, client_now_us());
		if (us > most_us)
			most_us = us;
		if (replicas < flows) {
			late++;
			if (report.in_sync && !report.lag && !report.backup_lag) {
				hidden++;
				printf("hidden: %llu announced, %llu replicas\n",
				       (unsigned long long)flows, (unsigned long long)replicas);
			}
		}
		usleep(PAUSE_US);
	}
	printf("looks %u, flows outstanding in %u, hidden in %u; lag %lld frames at most, %lld on average; %llu ms at most until a flow was there; out of sync in %u\n",
	       looks, late, hidden, lag_most, looks ? lag_all / looks : 0,
	       (unsigned long long)most_us / 1000, out);
	return hidden || !looks;
}

static int settle(uint64_t end_us)
{
	uint64_t from_us = client_now_us();

	do {
		uint64_t flows = count(&owner, 0);
		struct report report;

		ask(&report);
		if (report.known && report.in_sync && !report.lag && !report.backup_lag &&
		    count(&backup, 1) == flows) {
			printf("%llu\n", (unsigned long long)(client_now_us() - from_us) / 1000);
			return 0;
		}
		usleep(PAUSE_US);
	} while (client_now_us() < end_us);
	puts("not settled");
	return 1;
}

static void open_end(struct end *end, const char *netns, const char *path)
{
	int err = client_open(&end->c, netns);

	if (err) {
		fprintf(stderr, "synclook: %s: %s\n", netns, strerror(-err));
		exit(2);
	}
	end->path = path;
}

int main(int argc, char **argv)
{
	uint64_t end_us;

	if (argc != 8) {
		fputs("usage: synclook watch|settle MS NETNS SOCKET NETNS SOCKET PEER\n", stderr);
		return 2;
	}
	open_end(&owner, argv[3], argv[4]);
	open_end(&backup, argv[5], argv[6]);
	peer = argv[7];
	end_us = client_now_us() + strtoull(argv[2], NULL, 0) * 1000;
	return strcmp(argv[1], "watch") ? settle(end_us) : watch(end_us);
}

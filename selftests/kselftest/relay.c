// SPDX-License-Identifier: GPL-2.0
/*
 * relay: the shortest way of a record between two netns, without the daemon.
 *
 * relay NETNS_A MEMBER_A NETNS_B MEMBER_B [EPOCH]
 *
 * Attaches in both, makes A active, and applies in one what the other emits.
 * Commands come on stdin, one a line, each answered by one line:
 *
 *	sync		full sync of the active end; ends when in sync
 *	drain MS	until nothing came for so long
 *	kill		the active end is dead from now: nothing of it is read
 *	takeover	the other end becomes active; answers "ok MICROSECONDS"
 *	settle		until the takeover's background work is over
 *	switchover	planned: the active end is demoted, then the other one
 *			activated; answers "ok MICROSECONDS"
 *	pause, resume	do not read what the active end emits
 *	drop on|off	read it, and throw it away
 *	save FILE|off	append records
 *	counts		deltas= records= bytes= gone= lost= errors=
 *	quit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "record.h"

#define SYNC_SECONDS	60

struct end {
	struct client	c;
	const char	*netns;
	uint8_t		member;
	bool		dead;
	bool		activating;
};

struct relay {
	struct end	end[2];
	int		active;		/* index */
	uint32_t	epoch;
	uint32_t	walk_id;
	bool		walking, sweeping, paused, drop, lost_pending;
	unsigned int	deltas, records, gone, lost, errors;
	uint64_t	bytes;
	FILE		*save;
	char		why[300];	/* the last refusal */
};

static struct relay r;

static void refused(const char *what, struct end *e, int ret)
{
	r.errors++;
	snprintf(r.why, sizeof(r.why), "%s in %s: %s %s", what, e->netns, strerrorname_np(-ret),
		 e->c.error);
	fprintf(stderr, "relay: %s\n", r.why);
}

static void handle(struct end *from, struct client_note *note)
{
	struct end *to = &r.end[from == &r.end[0]];
	const uint8_t *p = note->records, *rec;
	uint32_t len = note->records_len;
	int ret;

	if (note->cmd == GWSYNC_CMD_EVENT) {
		switch (note->event) {
		case GWSYNC_EVENT_WALK_DONE:
			if (note->walk_id != r.walk_id)
				return;
			r.walking = false;
			ret = client_sync(&to->c, GWSYNC_CMD_SYNC_END, from->member, r.epoch);
			if (ret) {
				r.sweeping = false;
				refused("SYNC_END", to, ret);
			}
			return;
		case GWSYNC_EVENT_SWEEP_DONE:
			r.sweeping = false;
			return;
		case GWSYNC_EVENT_ACTIVATE_DONE:
			from->activating = false;
			return;
		case GWSYNC_EVENT_LOST:
			r.lost++;
			r.lost_pending = true;
			return;
		}
		return;
	}
	if (note->cmd != GWSYNC_CMD_DELTA || !note->records)
		return;
	r.deltas++;
	r.bytes += len;
	while ((rec = record_next(&p, &len))) {
		r.records++;
		if (rec[3] == GWSYNC_RECORD_FLOW_GONE)
			r.gone++;
	}
	if (len) {
		r.errors++;
		snprintf(r.why, sizeof(r.why), "%s emitted %u bytes that are no record",
			 from->netns, len);
	}
	if (r.save)
		fwrite(note->records, 1, note->records_len, r.save);
	if (r.drop || to->dead || !(note->set & (1ull << to->member)))
		return;
	ret = client_apply(&to->c, from->member, r.epoch, note->records, note->records_len);
	if (ret)
		refused("APPLY", to, ret);
}

/* Handle what is there of both ends; returns whether anything was. */
static bool turn(int timeout_ms)
{
	static char buf[CLIENT_BUF];
	struct pollfd pfd[2];
	bool any = false;
	int i, n = 0;

	for (i = 0; i < 2; i++) {
		struct client_note note;
		int budget = 256;

		if (r.end[i].dead || (r.paused && i == r.active))
			continue;
		while (budget-- && client_next(&r.end[i].c, 0, buf, &note) > 0) {
			handle(&r.end[i], &note);
			any = true;
		}
		pfd[n].fd = mnl_socket_get_fd(r.end[i].c.nl);
		pfd[n++].events = POLLIN;
	}
	if (any || !timeout_ms)
		return any;
	poll(pfd, n, timeout_ms);
	return false;
}

static bool until(const bool *flag, unsigned int seconds)
{
	uint64_t end = client_now_us() + seconds * 1000000ull;

	while (*flag && client_now_us() < end)
		turn(20);
	return !*flag;
}

static int full_sync(void)
{
	struct end *from = &r.end[r.active], *to = &r.end[!r.active];
	int ret;

	r.lost_pending = false;
	ret = client_sync(&to->c, GWSYNC_CMD_SYNC_BEGIN, from->member, r.epoch);
	if (ret) {
		refused("SYNC_BEGIN", to, ret);
		return ret;
	}
	r.walking = true;
	r.sweeping = true;
	ret = client_walk(&from->c, 1ull << to->member, ++r.walk_id);
	if (ret) {
		refused("WALK", from, ret);
		return ret;
	}
	if (!until(&r.walking, SYNC_SECONDS) || !until(&r.sweeping, 10)) {
		snprintf(r.why, sizeof(r.why), "no %s event", r.walking ? "WALK_DONE" : "SWEEP_DONE");
		return -ETIMEDOUT;
	}
	return 0;
}

static int drain(unsigned int ms)
{
	uint64_t quiet = client_now_us();

	while (client_now_us() - quiet < ms * 1000ull) {
		if (turn(ms > 20 ? 20 : ms))
			quiet = client_now_us();
	}
	return 0;
}

static int activate(int index, uint64_t set)
{
	struct end *e = &r.end[index];
	int ret;

	e->activating = true;
	ret = client_activate(&e->c, set, r.epoch);
	if (ret) {
		e->activating = false;
		refused("ACTIVATE", e, ret);
		return ret;
	}
	r.active = index;
	return 0;
}

/* Returns how long nobody was active, in us. */
static int switchover(void)
{
	struct end *from = &r.end[r.active];
	uint64_t t;
	int ret;

	drain(50);	/* what was emitted before belongs to the old epoch */
	t = client_now_us();
	r.epoch++;
	ret = client_deactivate(&from->c, r.end[!r.active].member, r.epoch);
	if (ret) {
		refused("DEACTIVATE", from, ret);
		return ret;
	}
	ret = activate(!r.active, 1ull << from->member);
	return ret ?: (int)(client_now_us() - t);
}

static int command(char *line)
{
	struct end *active = &r.end[r.active];
	char *arg = strchr(line, ' ');
	int ret = 0;

	if (arg)
		*arg++ = 0;
	r.why[0] = 0;
	if (!strcmp(line, "sync")) {
		ret = full_sync();
	} else if (!strcmp(line, "drain")) {
		ret = drain(arg ? atoi(arg) : 100);
	} else if (!strcmp(line, "kill")) {
		active->dead = true;
	} else if (!strcmp(line, "takeover")) {
		uint64_t t = client_now_us();

		r.epoch++;
		ret = activate(!r.active, 1ull << active->member);
		if (!ret) {
			printf("ok %" PRIu64 "\n", client_now_us() - t);
			return 0;
		}
	} else if (!strcmp(line, "settle")) {
		if (!until(&active->activating, 30))
			ret = -ETIMEDOUT;
	} else if (!strcmp(line, "switchover")) {
		ret = switchover();
		if (ret >= 0) {
			printf("ok %d\n", ret);
			return 0;
		}
	} else if (!strcmp(line, "pause") || !strcmp(line, "resume")) {
		r.paused = line[0] == 'p';
	} else if (!strcmp(line, "counts")) {
		printf("ok deltas=%u records=%u bytes=%" PRIu64 " gone=%u lost=%u errors=%u overruns=%u\n",
		       r.deltas, r.records, r.bytes, r.gone, r.lost, r.errors,
		       r.end[0].c.overruns + r.end[1].c.overruns);
		return 0;
	} else if (!strcmp(line, "drop")) {
		r.drop = arg && !strcmp(arg, "on");
	} else if (!strcmp(line, "save")) {
		if (r.save)
			fclose(r.save);
		r.save = arg && strcmp(arg, "off") ? fopen(arg, "a") : NULL;
	} else {
		ret = -EOPNOTSUPP;
	}
	if (ret)
		printf("error %s %s\n", strerrorname_np(-ret) ?: "?", r.why);
	else
		puts("ok");
	return ret;
}

int main(int argc, char **argv)
{
	char line[512];
	int ret, i;

	if (argc < 5) {
		fputs("usage: relay NETNS_A MEMBER_A NETNS_B MEMBER_B [EPOCH]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	r.epoch = argc > 5 ? strtoul(argv[5], NULL, 0) : 1;
	for (i = 0; i < 2; i++) {
		struct end *e = &r.end[i];

		e->netns = argv[1 + 2 * i];
		e->member = atoi(argv[2 + 2 * i]);
		ret = client_open(&e->c, e->netns);
		if (!ret)
			ret = client_attach(&e->c, e->member, r.epoch, NULL);
		if (ret) {
			printf("error %s %s attach in %s\n", strerrorname_np(-ret), e->c.error,
			       e->netns);
			return 1;
		}
	}
	for (i = 0; i < 2; i++) {
		ret = client_map_all(&r.end[i].c, 1ull << r.end[!i].member);
		if (ret) {
			printf("error %s %s map\n", strerrorname_np(-ret), r.end[i].c.error);
			return 1;
		}
	}
	r.epoch++;
	if (activate(0, 0)) {
		printf("error %s\n", r.why);
		return 1;
	}
	puts("ok");
	for (;;) {
		struct pollfd pfd[3] = { { .fd = STDIN_FILENO, .events = POLLIN } };
		int n = 1;

		for (i = 0; i < 2; i++) {
			if (r.end[i].dead || (r.paused && i == r.active))
				continue;
			pfd[n].fd = mnl_socket_get_fd(r.end[i].c.nl);
			pfd[n++].events = POLLIN;
		}
		if (poll(pfd, n, r.end[0].c.queued || r.end[1].c.queued ? 0 : 1000) < 0)
			return 1;
		turn(0);
		if (r.lost_pending && !r.walking && !r.paused)
			full_sync();
		if (!(pfd[0].revents & (POLLIN | POLLHUP)))
			continue;
		/* One command at a time: the caller waits for each answer. */
		if (!fgets(line, sizeof(line), stdin))
			break;
		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "quit"))
			break;
		command(line);
	}
	if (r.save)
		fclose(r.save);
	return 0;
}

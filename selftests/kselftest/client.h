/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tests' own client of the genetlink family: one socket in one netns.
 *
 * It is written against uapi/linux/gwsync.h alone and shares no code with the
 * agent, so that a mistake in one of them shows.
 */
#ifndef _KSELFTEST_CLIENT_H
#define _KSELFTEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/gwsync.h>

#define CLIENT_BUF	65536
#define CLIENT_QUEUE	65536	/* messages kept while an answer is awaited */

struct client_msg {
	struct client_msg	*next;
	uint32_t		len;
	char			data[] __attribute__((aligned(8)));
};

struct client {
	struct mnl_socket	*nl;
	uint16_t		family;
	uint32_t		seq;
	struct client_msg	*head;	/* DELTA and EVENT not yet handled */
	struct client_msg	**tail;
	unsigned int		queued;
	unsigned int		overruns;
	unsigned int		nth;	/* allocation that fails in the next request, 0: none */
	char			error[256];	/* extack text of the last refusal */
};

/* What a DELTA or EVENT says. */
struct client_note {
	uint8_t		cmd;
	uint64_t	set;
	uint32_t	walk_id;
	uint32_t	event;
	uint32_t	count;
	uint8_t		owner;
	const void	*records;
	uint32_t	records_len;
};

/**
 * client_netns() - move this thread into a network namespace
 * @name: as in "ip netns", or NULL to stay
 *
 * Return: 0 or -errno.
 */
int client_netns(const char *name);

/**
 * client_open() - open a socket of the family in a netns
 * @c: to be filled
 * @netns: name as in "ip netns", or NULL for the caller's
 *
 * Return: 0 or -errno; -ENOENT when the module is not there.
 */
int client_open(struct client *c, const char *netns);
void client_close(struct client *c);

/**
 * client_put() - begin a message
 * @c: the client
 * @buf: of CLIENT_BUF bytes
 * @cmd: GWSYNC_CMD_*
 * @flags: besides NLM_F_REQUEST | NLM_F_ACK
 */
struct nlmsghdr *client_put(struct client *c, void *buf, uint8_t cmd, uint16_t flags);

/**
 * client_request() - send a message and read all of its answer
 * @c: the client
 * @nlh: from client_put()
 * @cb: called for each answer but the acknowledgment, or NULL
 * @data: for @cb
 *
 * Notifications that arrive meanwhile are queued for client_next().
 *
 * Return: 0 or the kernel's -errno, with the extack text in @c->error.
 */
int client_request(struct client *c, struct nlmsghdr *nlh, mnl_cb_t cb, void *data);

/**
 * client_next() - the next notification
 * @c: the client
 * @timeout_ms: how long to wait; 0 does not wait, -1 waits for ever
 * @buf: of CLIENT_BUF bytes, @note points into it
 * @note: to be filled
 *
 * Return: 1, 0 when none came in time, or -errno.
 */
int client_next(struct client *c, int timeout_ms, void *buf, struct client_note *note);

/* Attributes of a message: @tb has GWSYNC_A_MAX + 1 entries. */
void client_parse(const struct nlmsghdr *nlh, const struct nlattr **tb);

/* Commands that several tools need; each returns 0 or -errno. */
int client_attach(struct client *c, uint8_t member, uint32_t epoch, uint64_t *boot_id);
int client_map_all(struct client *c, uint64_t set);
int client_apply(struct client *c, uint8_t owner, uint32_t epoch, const void *records,
		 uint32_t len);
int client_sync(struct client *c, uint8_t cmd, uint8_t owner, uint32_t epoch);
int client_walk(struct client *c, uint64_t set, uint32_t id);
int client_activate(struct client *c, uint64_t set, uint32_t epoch);
int client_deactivate(struct client *c, uint8_t owner, uint32_t epoch);

uint64_t client_now_us(void);

#endif /* _KSELFTEST_CLIENT_H */

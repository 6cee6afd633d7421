/* SPDX-License-Identifier: GPL-2.0 */
/* A session with the routing daemon of this host: iBGP over one TCP connection of lo.
 *
 * RFC 4271 section 8, for a speaker of which one end alone connects: either it does so
 * itself (active) or it waits (passive), so that connections do not collide.  A new
 * connection of the peer takes the place of the one that is there, as RFC 4724 section 5
 * says of a peer that has restarted.
 *
 * Work is bounded: so many messages and prefixes a round of the loop; as long as there are
 * more in the buffer nothing is read.
 */
#ifndef GWSYNC_AGENT_BGP_SESSION_H
#define GWSYNC_AGENT_BGP_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "bgp/message.h"
#include "bgp/update.h"

enum bgp_state {
	BGP_IDLE,		/* waits for its next attempt */
	BGP_CONNECT,
	BGP_ACTIVE,		/* waits to be connected to */
	BGP_OPEN_SENT,
	BGP_OPEN_CONFIRM,
	BGP_ESTABLISHED,
};

struct bgp_params {
	const char		*name;		/* for the log; stays */
	struct sockaddr_in	local, peer;
	uint32_t		as, id;
	uint16_t		hold_s;
	bool			passive;
};

/* None of them may end the session. */
struct bgp_ops {
	/* Those that follow have these attributes; NULL: no more follow. */
	void	(*attributes)(void *arg, const uint8_t *attributes, size_t len);
	void	(*reach)(void *arg, const struct bgp_nlri *nlri);
	void	(*withdraw)(void *arg, const struct bgp_nlri *nlri);
	void	(*up)(void *arg);
	void	(*down)(void *arg);
	/* The peer tells a family anew (RFC 7313); it has told all of it (also RFC 4724). */
	void	(*begin)(void *arg, enum bgp_family family);
	void	(*end)(void *arg, enum bgp_family family);
	void	*arg;
};

struct bgp_counts {
	uint64_t	established;	/* times */
	uint64_t	updates, reached, withdrawn;
	uint64_t	refused;	/* prefixes that RFC 7606 takes for withdrawn */
	uint64_t	discarded;	/* attributes left out, likewise */
	uint64_t	errors;		/* sessions ended for what the peer sent */
	uint64_t	notifications;	/* that came */
	uint64_t	strangers;	/* connections of others than the peer */
};

struct bgp_session;

/**
 * bgp_session_alloc() - a session that is not started
 * @err: -errno when NULL is returned
 */
struct bgp_session *bgp_session_alloc(struct loop *loop, const struct bgp_params *params,
				      const struct bgp_ops *ops, int *err);
/* Ends it: the peer keeps what it has, as after a crash, since the agent may come back. */
void bgp_session_free(struct bgp_session *session);

void bgp_session_start(struct bgp_session *session);
/* The peer is asked to tell all of a family again, if it is up and can. */
void bgp_session_refresh(struct bgp_session *session, enum bgp_family family);

enum bgp_state bgp_session_state(const struct bgp_session *session);
const char *bgp_state_name(enum bgp_state state);
const struct bgp_counts *bgp_session_counts(const struct bgp_session *session);
/* What ended it the last time, "" at first. */
const char *bgp_session_error(const struct bgp_session *session);
/* Since when it is in its state. */
uint64_t bgp_session_since(const struct bgp_session *session);
/* What the peer said of itself; NULL: it is not established. */
const struct bgp_open *bgp_session_peer(const struct bgp_session *session);

#endif

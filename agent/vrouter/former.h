/* SPDX-License-Identifier: GPL-2.0 */
/* Former addresses: this host had them, or would have had them as owner, and nobody here
 * has them any more.  Flows that were given one as their source get no answer.
 *
 * One that was never seen to go is none: an address of a NAT pool that is routed here, and
 * is on no interface, is left in peace.
 *
 * Without sockets, timers and a clock: whoever has these looks, and asks what is due.
 */
#ifndef GWSYNC_AGENT_FORMER_H
#define GWSYNC_AGENT_FORMER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/loop.h"

#define FORMER_ADDRESSES 1024	/* of the host, virtual ones included */
#define FORMERS_MAX	64	/* remembered; the oldest makes room */

/* That long it must have gone, so that one that flaps ends nothing. */
#define FORMER_GRACE_NS	(10 * NSEC_PER_SEC)
/* As long as it takes to change the configuration of all members. */
#define FORMER_KEEP_NS	(24 * 3600 * NSEC_PER_SEC)

struct config;

struct former_address {
	uint8_t	family;
	uint8_t	addr[16];
};

struct former {
	struct former_address	address;
	uint64_t		gone_ns;	/* when that was seen */
	bool			done;		/* its flows were looked for */
	bool			ended;		/* and ended */
	uint32_t		flows;		/* so many */
};

struct formers {
	const struct config	*config;
	bool			cut;		/* more than there is room for */
	unsigned int		had_count, has_count, count;
	struct former_address	had[FORMER_ADDRESSES];	/* at the last look, sorted */
	struct former_address	has[FORMER_ADDRESSES];	/* as of the one that runs */
	struct former		former[FORMERS_MAX];	/* in no order */
};

/**
 * formers_load() - begin with what the daemon before this one knew
 * @formers: filled
 * @config: outlives it; its virtual addresses are the host's, held or not
 * @path: of the file; what is wrong with it is logged
 * @now_ns: of the loop's clock
 * @now: the time of day
 *
 * Virtual addresses that the last daemon had, and the first look does not find, have gone.
 */
void formers_load(struct formers *formers, const struct config *config, const char *path,
		  uint64_t now_ns, time_t now);

/* Return: 0 or -errno.  May wait for the disk. */
int formers_save(const struct formers *formers, const char *path, uint64_t now_ns, time_t now);

/* A look: begin, each address that the host has, end.  Without an end it never was. */
void formers_begin(struct formers *formers);
void formers_add(struct formers *formers, uint8_t family, const uint8_t *addr);
void formers_end(struct formers *formers, uint64_t now_ns);

/**
 * formers_due() - whose flows are to be looked for now
 * @since_ns: this member owns since then: what goes with a former owner may come with it
 *
 * Those that went too long ago are forgotten.
 *
 * Return: one that was not looked for, or NULL.
 */
const struct former *formers_due(struct formers *formers, uint64_t now_ns, uint64_t since_ns);

/* They were looked for; nothing if the address is back. */
void formers_done(struct formers *formers, const struct former_address *address,
		  uint32_t flows, bool ended);

#endif

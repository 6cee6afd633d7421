// SPDX-License-Identifier: GPL-2.0
/* A macvlan per virtual router, made at the start and down without addresses
 * until this member owns: to take over is then one batch of rtnetlink.
 *
 * Parent and macvlan are in one LAN, so either could answer for the other's
 * addresses.  arp_ignore makes each answer for its own, with its own MAC;
 * arp_announce keeps the parent from naming a virtual address as the sender
 * of an ARP request, which would teach neighbours the wrong MAC.  What was
 * found on the parent is kept in the macvlan's alias: so it outlives a daemon
 * that is killed, exactly as long as what it must undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ip.h>

#include "address.h"
#include "announce.h"
#include "config.h"
#include "container.h"
#include "log.h"
#include "loop.h"
#include "rtnl.h"
#include "vrouter.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

/* The parent's own route to the LAN is the better one where it has one. */
#define VROUTER_METRIC		1024

#define VROUTER_ALIAS		"gwsync virtual router,"

/* After the first at once.  Later ones keep the switches' tables warm: an
 * entry there lives 300 s by default, and the owner sends by the parent's MAC.
 */
static const uint64_t announce_after_ns[] = {
	100 * NSEC_PER_MSEC, 400 * NSEC_PER_MSEC, 2 * NSEC_PER_SEC, 10 * NSEC_PER_SEC,
	60 * NSEC_PER_SEC,
};

#define ANNOUNCE_STEPS (sizeof(announce_after_ns) / sizeof(announce_after_ns[0]))
#define REFRESH_NS	(20 * NSEC_PER_MSEC)	/* events come in flocks */
#define RETRY_NS	NSEC_PER_SEC

/* An interface with virtual routers, as it was found. */
struct vrouter_parent {
	const char	*name;
	int		index;		/* 0: not there */
	bool		carrier;
	bool		saved;
	uint32_t	forwarding, arp_ignore, arp_announce;
};

struct vrouter {
	const struct config_vrouter	*config;
	struct vrouter_parent		*parent;
	int				macvlan;	/* its index, 0: none */
	bool				up;
	bool				incomplete;	/* not all was taken: again */
	bool				foreign;	/* said that the name is taken */
};

struct vrouters {
	struct loop		*loop;
	struct rtnl		rtnl;
	struct loop_fd		monitor;
	struct loop_timer	refresh, announce;
	unsigned int		step;
	int			packet;
	bool			held;
	void			(*addresses)(void *arg);	/* of the host have changed */
	void			*addresses_arg;
	unsigned int		count, parents;
	struct vrouter_parent	parent[CONFIG_VROUTERS_MAX];
	struct vrouter		vrouter[CONFIG_VROUTERS_MAX];
};

static bool parent_carrier(const struct rtnl_link *link)
{
	return link->index && (link->flags & IFF_UP) && (link->flags & IFF_LOWER_UP);
}

static int parent_read(struct vrouters *vrouters, struct vrouter_parent *parent)
{
	struct rtnl_link link;
	bool carrier;
	int err;

	err = rtnl_link_get(&vrouters->rtnl, parent->name, &link);
	if (err)
		return err;
	if (link.index != parent->index) {
		if (!link.index)
			log_warning("virtual routers: interface %s is not there", parent->name);
		parent->index = link.index;
		parent->saved = false;
	}
	carrier = parent_carrier(&link);
	if (carrier != parent->carrier)
		log_notice("virtual routers: %s %s", parent->name,
			   carrier ? "has a carrier" : "is down or has no carrier");
	parent->carrier = carrier;
	if (parent->saved || !link.has_inet)
		return 0;
	parent->forwarding = link.forwarding;
	parent->arp_ignore = link.arp_ignore;
	parent->arp_announce = link.arp_announce;
	return 0;
}

static bool alias_number(const char *alias, const char *key, uint32_t *value)
{
	const char *at = strstr(alias, key);
	unsigned long number;
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	errno = 0;
	number = strtoul(at, &end, 10);
	*value = (uint32_t)number;
	return end != at && !errno && number <= UINT32_MAX;
}

/* A leftover of ours gives back what its parent was like. */
static bool leftover_parse(const struct rtnl_link *link, struct vrouter_parent *parent)
{
	uint32_t arp_ignore, arp_announce;

	if (!link->macvlan || strncmp(link->alias, VROUTER_ALIAS, strlen(VROUTER_ALIAS)) ||
	    !alias_number(link->alias, " arp_ignore=", &arp_ignore) ||
	    !alias_number(link->alias, " arp_announce=", &arp_announce))
		return false;
	if (!parent->saved) {
		parent->arp_ignore = arp_ignore;
		parent->arp_announce = arp_announce;
		parent->saved = true;
	}
	return true;
}

/* Removes a macvlan that a daemon before us left; -EEXIST: not ours to remove. */
static int vrouter_clear(struct vrouters *vrouters, struct vrouter *vrouter)
{
	const struct config_vrouter *config = vrouter->config;
	struct rtnl_link link;
	int err = rtnl_link_get(&vrouters->rtnl, config->macvlan, &link);

	if (err || !link.index)
		return err;
	if (!leftover_parse(&link, vrouter->parent)) {
		if (!vrouter->foreign)
			log_error("virtual router %s: an interface %s is there that is not gwsync's; remove it, or set another name by macvlan = \"...\"",
				  config->name, config->macvlan);
		vrouter->foreign = true;
		return -EEXIST;
	}
	log_notice("virtual router %s: removing %s of a daemon that was killed", config->name,
		   config->macvlan);
	rtnl_link_del(&vrouters->rtnl, link.index);
	return rtnl_commit(&vrouters->rtnl);
}

/* No address and no route from router advertisements: another member has the
 * same MAC.  Only procfs can say that; a kernel without IPv6 has no such file.
 */
static void vrouter_refuse_ra(const char *macvlan)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", macvlan);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "0", 1) != 1)
		log_debug("virtual routers: %s: %s", path, strerror(errno));
	close(fd);
}

static int vrouter_create(struct vrouters *vrouters, struct vrouter *vrouter)
{
	const struct config_vrouter *config = vrouter->config;
	struct vrouter_parent *parent = vrouter->parent;
	const struct rtnl_conf own[] = {
		{ IPV4_DEVCONF_ARP_IGNORE, 1 },
		{ IPV4_DEVCONF_ARP_ANNOUNCE, 2 },
		/* The way back is by the parent; 2 wins over 1 of "all". */
		{ IPV4_DEVCONF_RP_FILTER, 2 },
		{ IPV4_DEVCONF_FORWARDING, parent->forwarding },
	};
	const struct rtnl_conf theirs[] = {
		{ IPV4_DEVCONF_ARP_IGNORE, parent->arp_ignore ? parent->arp_ignore : 1 },
		{ IPV4_DEVCONF_ARP_ANNOUNCE, 2 },
	};
	struct rtnl *rtnl = &vrouters->rtnl;
	char alias[RTNL_ALIAS];
	struct rtnl_link link;
	int err;

	snprintf(alias, sizeof(alias),
		 VROUTER_ALIAS " arp_ignore=%" PRIu32 " arp_announce=%" PRIu32,
		 parent->arp_ignore, parent->arp_announce);
	rtnl_macvlan_add(rtnl, config->macvlan, parent->index, config->mac);
	rtnl_link_alias(rtnl, config->macvlan, alias);
	rtnl_link_no_address(rtnl, config->macvlan);
	rtnl_link_conf(rtnl, config->macvlan, own, sizeof(own) / sizeof(own[0]));
	rtnl_link_conf(rtnl, parent->name, theirs, sizeof(theirs) / sizeof(theirs[0]));
	err = rtnl_commit(rtnl);
	parent->saved = true;
	if (!err)
		err = rtnl_link_get(rtnl, config->macvlan, &link);
	if (!err)
		err = link.index ? 0 : -ENODEV;
	if (err) {
		log_error("virtual router %s: macvlan %s on %s could not be made: %s",
			  config->name, config->macvlan, config->interface, strerror(-err));
		return err;
	}
	vrouter->macvlan = link.index;
	vrouter->up = false;
	vrouter_refuse_ra(config->macvlan);
	return 0;
}

/* Whatever is missing: the parent's index, the macvlan. */
static int vrouter_ensure(struct vrouters *vrouters, struct vrouter *vrouter)
{
	int err;

	if (vrouter->macvlan)
		return 0;
	if (!vrouter->parent->index)
		return -ENODEV;
	err = vrouter_clear(vrouters, vrouter);
	return err ? err : vrouter_create(vrouters, vrouter);
}

static void vrouter_up(struct vrouters *vrouters, struct vrouter *vrouter)
{
	const struct config_vrouter *config = vrouter->config;
	unsigned int i;

	rtnl_link_updown(&vrouters->rtnl, vrouter->macvlan, true);
	for (i = 0; i < config->addresses; i++)
		rtnl_address_add(&vrouters->rtnl, vrouter->macvlan, config->address[i].family,
				 config->address[i].addr, config->address[i].prefix_len,
				 VROUTER_METRIC);
	vrouter->up = true;
	vrouter->incomplete = true;
}

/* Which part of a batch failed is not known: all of it is asked for again. */
static int vrouters_commit_up(struct vrouters *vrouters)
{
	int err = rtnl_commit(&vrouters->rtnl);
	unsigned int i;

	for (i = 0; !err && i < vrouters->count; i++)
		vrouters->vrouter[i].incomplete = false;
	return err;
}

static void vrouter_down(struct vrouters *vrouters, struct vrouter *vrouter)
{
	const struct config_address *address = vrouter->config->address;
	unsigned int i;

	rtnl_link_updown(&vrouters->rtnl, vrouter->macvlan, false);
	for (i = 0; i < vrouter->config->addresses; i++)
		rtnl_address_del(&vrouters->rtnl, vrouter->macvlan, address[i].family,
				 address[i].addr, address[i].prefix_len);
	vrouter->up = false;
}

static void vrouter_announce(struct vrouters *vrouters, const struct vrouter *vrouter)
{
	const struct config_vrouter *config = vrouter->config;
	uint8_t frame[ANNOUNCE_FRAME];
	unsigned int i;
	int err = 0;

	for (i = 0; i < config->addresses; i++) {
		size_t len = announce_frame(config->address[i].family, config->address[i].addr,
					    config->mac, frame);
		int one = announce_send(vrouters->packet, vrouter->macvlan, frame, len);

		err = err ? err : one;
	}
	if (err)
		log_warning("virtual router %s: announcement on %s: %s", config->name,
			    config->macvlan, strerror(-err));
}

static void vrouters_announce(struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].up)
			vrouter_announce(vrouters, &vrouters->vrouter[i]);
}

static void vrouters_announce_timer(struct loop_timer *timer)
{
	struct vrouters *vrouters = container_of(timer, struct vrouters, announce);

	if (!vrouters->held)
		return;
	vrouters_announce(vrouters);
	if (vrouters->step + 1 < ANNOUNCE_STEPS)
		vrouters->step++;
	loop_timer_in(vrouters->loop, timer, announce_after_ns[vrouters->step]);
}

static void vrouters_announce_start(struct vrouters *vrouters)
{
	vrouters_announce(vrouters);
	vrouters->step = 0;
	loop_timer_in(vrouters->loop, &vrouters->announce, announce_after_ns[0]);
}

int vrouters_acquire(struct vrouters *vrouters)
{
	unsigned int i;
	int err = 0, one;

	/* To make one is a batch of its own. */
	for (i = 0; i < vrouters->count; i++) {
		one = vrouter_ensure(vrouters, &vrouters->vrouter[i]);
		err = err ? err : one;
	}
	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].macvlan)
			vrouter_up(vrouters, &vrouters->vrouter[i]);
	one = vrouters_commit_up(vrouters);
	err = err ? err : one;
	vrouters->held = true;
	vrouters_announce_start(vrouters);
	/* What failed is tried again while we own. */
	if (err)
		loop_timer_in(vrouters->loop, &vrouters->refresh, RETRY_NS);
	return err;
}

int vrouters_release(struct vrouters *vrouters)
{
	struct rtnl *rtnl = &vrouters->rtnl;
	unsigned int i, j;
	int err;

	vrouters->held = false;
	loop_timer_del(vrouters->loop, &vrouters->announce);
	/* All silent first, then clean. */
	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].up)
			rtnl_link_updown(rtnl, vrouters->vrouter[i].macvlan, false);
	for (i = 0; i < vrouters->count; i++) {
		struct vrouter *vrouter = &vrouters->vrouter[i];
		const struct config_address *address = vrouter->config->address;

		for (j = 0; vrouter->up && j < vrouter->config->addresses; j++)
			rtnl_address_del(rtnl, vrouter->macvlan, address[j].family,
					 address[j].addr, address[j].prefix_len);
		vrouter->up = false;
	}
	err = rtnl_commit(rtnl);
	/* Never answer beside the next owner: look, and try until it is down. */
	if (err)
		loop_timer_in(vrouters->loop, &vrouters->refresh, REFRESH_NS);
	return err;
}

bool vrouters_complete(const struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		if (!vrouters->vrouter[i].up || vrouters->vrouter[i].incomplete)
			return false;
	/* Armed: something failed or is to be looked at. */
	return vrouters->held && !vrouters->refresh.due_ns;
}

bool vrouters_held(const struct vrouters *vrouters)
{
	return vrouters->held;
}

bool vrouters_healthy(const struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->parents; i++)
		if (!vrouters->parent[i].carrier)
			return false;
	return true;
}

/* The macvlan as the kernel has it: gone with its parent, or set down by hand. */
static void vrouter_verify(struct vrouters *vrouters, struct vrouter *vrouter)
{
	struct rtnl_link link;

	if (!vrouter->macvlan ||
	    rtnl_link_get(&vrouters->rtnl, vrouter->config->macvlan, &link))
		return;
	if (link.index != vrouter->macvlan) {
		log_warning("virtual router %s: %s went away", vrouter->config->name,
			    vrouter->config->macvlan);
		vrouter->macvlan = 0;
		vrouter->up = false;
	} else if (vrouter->up && !(link.flags & IFF_UP)) {
		log_warning("virtual router %s: %s was set down by somebody",
			    vrouter->config->name, vrouter->config->macvlan);
		vrouter->up = false;
	} else if (!vrouters->held && link.flags & IFF_UP) {
		log_warning("virtual router %s: %s is up though this member does not own: set down",
			    vrouter->config->name, vrouter->config->macvlan);
		vrouter_down(vrouters, vrouter);
	}
}

/* What virtual routers lack that this member holds. */
static int vrouters_hold(struct vrouters *vrouters)
{
	bool back = false, again = false;
	unsigned int i;
	int err;

	for (i = 0; i < vrouters->count; i++) {
		struct vrouter *vrouter = &vrouters->vrouter[i];

		if (!vrouter->macvlan || (vrouter->up && !vrouter->incomplete))
			continue;
		back |= !vrouter->up;
		again |= vrouter->up;
		vrouter_up(vrouters, vrouter);
	}
	err = vrouters_commit_up(vrouters);
	if (back || (again && !err))
		vrouters_announce_start(vrouters);
	return err;
}

static void vrouters_refresh(struct loop_timer *timer)
{
	struct vrouters *vrouters = container_of(timer, struct vrouters, refresh);
	bool missing = false;
	unsigned int i;

	for (i = 0; i < vrouters->parents; i++)
		parent_read(vrouters, &vrouters->parent[i]);
	for (i = 0; i < vrouters->count; i++) {
		struct vrouter *vrouter = &vrouters->vrouter[i];

		vrouter_verify(vrouters, vrouter);
		if (vrouter->parent->index && vrouter_ensure(vrouters, vrouter))
			missing = true;
	}
	if (vrouters->held ? vrouters_hold(vrouters) : rtnl_commit(&vrouters->rtnl))
		missing = true;
	if (missing)
		loop_timer_in(vrouters->loop, timer, RETRY_NS);
}

static bool vrouters_match(void *arg, const char *name)
{
	const struct vrouters *vrouters = arg;
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		if (!strcmp(name, vrouters->vrouter[i].config->interface) ||
		    !strcmp(name, vrouters->vrouter[i].config->macvlan))
			return true;
	return false;
}

static void vrouters_monitor(struct loop_fd *fd, uint32_t events)
{
	struct vrouters *vrouters = container_of(fd, struct vrouters, monitor);
	bool addresses = false;

	(void)events;
	if (rtnl_monitor_read(fd->fd, vrouters_match, vrouters, &addresses) &&
	    !vrouters->refresh.due_ns)
		loop_timer_in(vrouters->loop, &vrouters->refresh, REFRESH_NS);
	if (addresses && vrouters->addresses)
		vrouters->addresses(vrouters->addresses_arg);
}

void vrouters_watch_addresses(struct vrouters *vrouters, void (*changed)(void *arg), void *arg)
{
	vrouters->addresses = changed;
	vrouters->addresses_arg = arg;
}

static struct vrouter_parent *parent_find(struct vrouters *vrouters, const char *name)
{
	unsigned int i;

	for (i = 0; i < vrouters->parents; i++)
		if (!strcmp(vrouters->parent[i].name, name))
			return &vrouters->parent[i];
	vrouters->parent[i].name = name;
	vrouters->parent[i].carrier = true;	/* so that its lack is logged */
	vrouters->parents++;
	return &vrouters->parent[i];
}

struct vrouters *vrouters_alloc(struct loop *loop, const struct config *config, int *err)
{
	struct vrouters *vrouters = calloc(1, sizeof(*vrouters));
	unsigned int i;

	if (!vrouters) {
		*err = -ENOMEM;
		return NULL;
	}
	vrouters->loop = loop;
	vrouters->monitor.fd = -1;
	vrouters->packet = -1;
	vrouters->refresh.fire = vrouters_refresh;
	vrouters->announce.fire = vrouters_announce_timer;
	for (i = 0; i < config->vrouters; i++) {
		vrouters->vrouter[i].config = &config->vrouter[i];
		vrouters->vrouter[i].parent = parent_find(vrouters, config->vrouter[i].interface);
	}
	vrouters->count = config->vrouters;
	*err = rtnl_open(&vrouters->rtnl);
	if (*err)
		goto fail;
	vrouters->packet = announce_open();
	if (vrouters->packet < 0) {
		*err = vrouters->packet;
		goto fail;
	}
	vrouters->monitor.fd = rtnl_monitor_open();
	if (vrouters->monitor.fd < 0) {
		*err = vrouters->monitor.fd;
		goto fail;
	}
	vrouters->monitor.events = EPOLLIN;
	vrouters->monitor.ready = vrouters_monitor;
	*err = loop_fd_add(loop, &vrouters->monitor);
	if (*err)
		goto fail;
	for (i = 0; i < vrouters->parents; i++) {
		*err = parent_read(vrouters, &vrouters->parent[i]);
		if (*err)
			goto fail;
	}
	return vrouters;
fail:
	log_error("virtual routers: %s%s", strerror(-*err),
		  *err == -EPERM ? "; gwsyncd needs CAP_NET_ADMIN and CAP_NET_RAW" : "");
	vrouters_free(vrouters);
	return NULL;
}

int vrouters_reset(struct vrouters *vrouters)
{
	unsigned int i;
	int err = 0;

	/* All of them, before one is made: each tells of its parent. */
	for (i = 0; i < vrouters->count; i++) {
		int one = vrouter_clear(vrouters, &vrouters->vrouter[i]);

		err = err ? err : one;
	}
	for (i = 0; i < vrouters->count; i++) {
		int one = vrouter_ensure(vrouters, &vrouters->vrouter[i]);

		/* An interface that is not there yet is waited for. */
		if (one != -ENODEV)
			err = err ? err : one;
	}
	return err;
}

static void vrouters_restore(struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++) {
		if (vrouters->vrouter[i].macvlan)
			rtnl_link_del(&vrouters->rtnl, vrouters->vrouter[i].macvlan);
		vrouters->vrouter[i].macvlan = 0;
	}
	for (i = 0; i < vrouters->parents; i++) {
		const struct vrouter_parent *parent = &vrouters->parent[i];
		const struct rtnl_conf found[] = {
			{ IPV4_DEVCONF_ARP_IGNORE, parent->arp_ignore },
			{ IPV4_DEVCONF_ARP_ANNOUNCE, parent->arp_announce },
		};

		if (parent->saved)
			rtnl_link_conf(&vrouters->rtnl, parent->name, found,
				       sizeof(found) / sizeof(found[0]));
	}
	rtnl_commit(&vrouters->rtnl);
}

void vrouters_free(struct vrouters *vrouters)
{
	if (!vrouters)
		return;
	loop_timer_del(vrouters->loop, &vrouters->announce);
	if (vrouters->monitor.fd >= 0) {
		loop_fd_del(vrouters->loop, &vrouters->monitor);
		close(vrouters->monitor.fd);
	}
	if (vrouters->rtnl.netlink.nl) {
		vrouters_release(vrouters);
		vrouters_restore(vrouters);
	}
	loop_timer_del(vrouters->loop, &vrouters->refresh);	/* a failed release arms it */
	rtnl_close(&vrouters->rtnl);
	if (vrouters->packet >= 0)
		close(vrouters->packet);
	free(vrouters);
}

struct own_addresses {
	struct gwsync_filter_prefix	*prefix;
	unsigned int			count, max;
};

static void own_address_add(struct own_addresses *own, uint8_t family, const uint8_t *addr,
			    uint8_t len)
{
	struct gwsync_filter_prefix prefix = { .family = family, .len = len };
	unsigned int i;

	memcpy(prefix.addr, addr, address_bytes(family));
	for (i = 0; i < own->count && i < own->max; i++)
		if (!memcmp(&own->prefix[i], &prefix, sizeof(prefix)))
			return;
	if (own->count < own->max)
		own->prefix[own->count] = prefix;
	own->count++;
}

static void own_address_cb(void *arg, uint8_t family, const uint8_t *addr)
{
	own_address_add(arg, family, addr, (uint8_t)(8 * address_bytes(family)));
}

/* What is never forwarded: flows of it end here, however they are addressed. */
static const struct {
	uint8_t	family, len;
	uint8_t	addr[16];
} never_forwarded[] = {
	{ AF_INET, 8, { 127 } },
	{ AF_INET, 24, { 224, 0, 0 } },
	{ AF_INET, 32, { 255, 255, 255, 255 } },
	{ AF_INET6, 128, { [15] = 1 } },
	{ AF_INET6, 10, { 0xfe, 0x80 } },
	{ AF_INET6, 16, { 0xff, 0x02 } },
};

unsigned int vrouters_own_addresses(const struct vrouters *vrouters,
				    struct gwsync_filter_prefix *prefix, unsigned int max)
{
	struct own_addresses own = { .prefix = prefix, .max = max };
	/* Its socket is a tool, not a state: asking changes nothing here. */
	struct rtnl *rtnl = (struct rtnl *)&vrouters->rtnl;
	unsigned int i, j, tries = 3;
	int err;

	for (i = 0; i < sizeof(never_forwarded) / sizeof(never_forwarded[0]); i++)
		own_address_add(&own, never_forwarded[i].family, never_forwarded[i].addr,
				never_forwarded[i].len);
	for (i = 0; i < vrouters->count; i++)
		for (j = 0; j < vrouters->vrouter[i].config->addresses; j++)
			own_address_cb(&own, vrouters->vrouter[i].config->address[j].family,
				       vrouters->vrouter[i].config->address[j].addr);
	do {
		err = rtnl_addresses(rtnl, own_address_cb, &own);
	} while (err == -EINTR && --tries);
	if (err)
		log_warning("own addresses: %s; flows of this host itself may be synced",
			    strerror(-err));
	if (own.count > max) {
		log_warning("own addresses: %u, of which %u fit the filter; flows of the others are synced",
			    own.count, max);
		own.count = max;
	}
	return own.count;
}

json_t *vrouters_json(const struct vrouters *vrouters)
{
	json_t *array = json_array();
	unsigned int i, j;

	for (i = 0; i < vrouters->count; i++) {
		const struct vrouter *vrouter = &vrouters->vrouter[i];
		const struct config_vrouter *config = vrouter->config;
		json_t *addresses = json_array();
		char mac[18];

		for (j = 0; j < config->addresses; j++) {
			char host[ADDRESS_TEXT];

			address_text(config->address[j].family, config->address[j].addr, host);
			json_array_append_new(addresses,
					      json_sprintf("%s/%u", host,
							   config->address[j].prefix_len));
		}
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", config->mac[0],
			 config->mac[1], config->mac[2], config->mac[3], config->mac[4],
			 config->mac[5]);
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:b, s:b}",
						       "name", config->name,
						       "interface", config->interface,
						       "macvlan", config->macvlan,
						       "vrid", config->vrid, "mac", mac,
						       "addresses", addresses,
						       "held", vrouter->up,
						       "carrier", vrouter->parent->carrier));
	}
	return array;
}

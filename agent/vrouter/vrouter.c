// SPDX-License-Identifier: GPL-2.0
/* A macvlan per virtual router, made at the start and down without addresses
 * until this member owns: to take over is then one batch of rtnetlink.
 *
 * What is wanted and what the kernel has are compared whenever it tells of a change,
 * and settings, of which it does not tell, some times a second.  What differs is mended;
 * what somebody else takes away again and again is mended at a bounded pace, and
 * makes this member less healthy than one that is left in peace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/address.h"
#include "config/config.h"
#include "host/iface.h"
#include "vrouter/announce.h"
#include "vrouter/leftover.h"
#include "vrouter/macvlan.h"
#include "vrouter/own_address.h"
#include "vrouter/parent.h"
#include "vrouter/rtnl.h"
#include "vrouter/vrouter.h"
#include "wire/path.h"

/* After the first at once: a port of a switch may not forward yet. */
static const uint64_t announce_after_ns[] = {
	100 * NSEC_PER_MSEC, 400 * NSEC_PER_MSEC, 2 * NSEC_PER_SEC, 10 * NSEC_PER_SEC,
	60 * NSEC_PER_SEC,
};

#define ANNOUNCE_STEPS (sizeof(announce_after_ns) / sizeof(announce_after_ns[0]))
#define REFRESH_NS	(20 * NSEC_PER_MSEC)	/* events come in flocks */
#define RETRY_NS	NSEC_PER_SEC
#define RETRY_MOST_NS	(30 * NSEC_PER_SEC)
#define LACKS_NS	NSEC_PER_SEC		/* for longer: it cannot be held */

/* Settings, of which nobody tells: with the pause before a mending, within a second */
#define AUDIT_NS	(400 * NSEC_PER_MSEC)

/* A switch forgets what is no source: after 10 s some, at once when its ports change.
 * The owner itself sends by the parent's MAC.
 */
#define SOURCE_NS	NSEC_PER_SEC
#define SOURCE_EVENTS_NS (10 * NSEC_PER_MSEC)	/* of a bridge with many ports: not more often */

struct vrouters {
	struct loop		*loop;
	const struct config	*config;
	struct ifaces		*ifaces;
	struct iface_watcher	watcher;
	struct rtnl		rtnl;
	struct loop_timer	refresh, announce, audit, source;
	uint64_t		source_ns;	/* the last time */
	uint32_t		group;		/* of the members, in network order */
	uint16_t		port;
	unsigned int		step;
	int			packet;
	bool			held;
	bool			quiet;		/* nothing passes them, to be released */
	unsigned int		count, parents;
	struct parent		parent[CONFIG_VROUTERS_MAX];
	struct macvlan		vrouter[CONFIG_VROUTERS_MAX];
};

static void vrouter_announce(struct vrouters *vrouters, const struct macvlan *vrouter)
{
	const struct config_vrouter *config = vrouter->config;
	uint8_t frame[ANNOUNCE_FRAME];
	unsigned int i;
	int err = 0;

	for (i = 0; i < config->addresses; i++) {
		size_t len = announce_frame(config->address[i].family, config->address[i].addr,
					    config->mac, frame);
		int one = announce_send(vrouters->packet, vrouter->index, frame, len);

		err = err ? err : one;
	}
	/* Without a carrier nobody hears it, and that is said already. */
	if (err && err != -ENETDOWN && vrouter->parent->carrier)
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

static void vrouter_source(const struct vrouters *vrouters, const struct macvlan *vrouter)
{
	const struct config_vrouter *config = vrouter->config;
	uint8_t frame[ANNOUNCE_FRAME];
	const uint8_t *addr = NULL;
	unsigned int i;
	size_t len;

	for (i = 0; i < config->addresses && !addr; i++)
		if (config->address[i].family == AF_INET)
			addr = config->address[i].addr;
	len = announce_source(addr, config->mac, vrouters->group, vrouters->port, frame);
	/* The next one comes soon. */
	(void)announce_send(vrouters->packet, vrouter->index, frame, len);
}

static void vrouters_source(struct loop_timer *timer)
{
	struct vrouters *vrouters = container_of(timer, struct vrouters, source);
	unsigned int i;

	if (!vrouters->held)
		return;
	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].up)
			vrouter_source(vrouters, &vrouters->vrouter[i]);
	vrouters->source_ns = loop_clock();
	loop_timer_in(vrouters->loop, timer, SOURCE_NS);
}

/* Frames take another way from now on. */
static void vrouters_source_soon(struct vrouters *vrouters)
{
	uint64_t due_ns = vrouters->source_ns + SOURCE_EVENTS_NS;

	if (vrouters->held && vrouters->source.due_ns > due_ns)
		loop_timer_at(vrouters->loop, &vrouters->source, due_ns);
}

static void vrouters_refresh_in(struct vrouters *vrouters, uint64_t delay_ns)
{
	uint64_t due_ns = loop_clock() + delay_ns;

	if (!vrouters->refresh.due_ns || vrouters->refresh.due_ns > due_ns)
		loop_timer_at(vrouters->loop, &vrouters->refresh, due_ns);
}

int vrouters_acquire(struct vrouters *vrouters)
{
	unsigned int i;
	int err = 0, one;

	/* To make one is a batch of its own. */
	for (i = 0; i < vrouters->count; i++) {
		one = macvlan_ensure(&vrouters->vrouter[i], &vrouters->rtnl);
		err = err ? err : one;
	}
	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].index)
			macvlan_queue_up(&vrouters->vrouter[i], &vrouters->rtnl);
	one = rtnl_commit(&vrouters->rtnl);
	if (one)
		log_error("virtual routers: %s", vrouters->rtnl.why);
	err = err ? err : one;
	vrouters->held = true;
	vrouters->quiet = false;
	/* The kernel tells what it has, now; what is not whole yet was not taken. */
	for (i = 0; i < vrouters->count; i++)
		vrouters->vrouter[i].whole = !err;
	vrouters_announce_start(vrouters);
	loop_timer_in(vrouters->loop, &vrouters->source, 0);
	if (err)
		vrouters_refresh_in(vrouters, REFRESH_NS);
	return err;
}

void vrouters_hush(struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].index)
			macvlan_queue_hush(&vrouters->vrouter[i], &vrouters->rtnl);
	if (rtnl_commit(&vrouters->rtnl))
		log_error("virtual routers: %s", vrouters->rtnl.why);
}

static void vrouters_let_go(struct vrouters *vrouters)
{
	vrouters->held = false;
	loop_timer_del(vrouters->loop, &vrouters->announce);
	loop_timer_del(vrouters->loop, &vrouters->source);
}

void vrouters_quiet(struct vrouters *vrouters)
{
	unsigned int i;

	vrouters_let_go(vrouters);
	vrouters->quiet = true;
	for (i = 0; i < vrouters->count; i++)
		vrouters->vrouter[i].up = false;
}

bool vrouters_is_quiet(const struct vrouters *vrouters)
{
	return vrouters && vrouters->quiet;
}

int vrouters_release(struct vrouters *vrouters)
{
	struct rtnl *rtnl = &vrouters->rtnl;
	unsigned int i;
	int err;

	vrouters_let_go(vrouters);
	vrouters->quiet = false;
	/* All silent first, then clean. */
	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].index)
			macvlan_queue_down(&vrouters->vrouter[i], rtnl);
	for (i = 0; i < vrouters->count; i++)
		if (vrouters->vrouter[i].index)
			macvlan_queue_clean(&vrouters->vrouter[i], rtnl);
	err = rtnl_commit(rtnl);
	for (i = 0; i < vrouters->count; i++)
		vrouters->vrouter[i].whole = !err;
	/* Never answer beside the next owner: look, and try until it is down. */
	if (err) {
		log_error("virtual routers: %s", rtnl->why);
		vrouters_refresh_in(vrouters, REFRESH_NS);
	}
	return err;
}

bool vrouters_complete(const struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		if (!vrouters->vrouter[i].up || vrouters->vrouter[i].lacks_ns)
			return false;
	/* Armed: something failed or is to be looked at. */
	return vrouters->held && !vrouters->refresh.due_ns;
}

bool vrouters_held(const struct vrouters *vrouters)
{
	return vrouters->held;
}

unsigned int vrouters_macvlans(const struct vrouters *vrouters, uint32_t *ifindex,
			       unsigned int max)
{
	unsigned int i, count = 0;

	for (i = 0; i < vrouters->count && count < max; i++)
		if (vrouters->vrouter[i].index)
			ifindex[count++] = (uint32_t)vrouters->vrouter[i].index;
	return count;
}

bool vrouters_healthy(const struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->parents; i++)
		if (!vrouters->parent[i].carrier)
			return false;
	return true;
}

/* Why it cannot be held, or not for long; NULL: it can. */
static const char *vrouter_poor(const struct macvlan *vrouter, uint64_t now_ns)
{
	if (!vrouter->parent->index)
		return "its interface is not there";
	if (!vrouter->parent->carrier)
		return "its interface is down or has no carrier";
	if (fight_is_on(&vrouter->fight, now_ns) || fight_is_on(&vrouter->parent->fight, now_ns))
		return "another program takes it away again and again (networkd, a script?)";
	if (vrouter->lacks_ns && elapsed_ns(now_ns, vrouter->lacks_ns) > LACKS_NS)
		return vrouter->why[0] ? vrouter->why : "something of it is missing";
	return NULL;
}

unsigned int vrouters_able(const struct vrouters *vrouters, unsigned int *total)
{
	uint64_t now_ns = loop_clock();
	unsigned int i, able = 0;

	*total = vrouters->count;
	for (i = 0; i < vrouters->count; i++)
		able += !vrouter_poor(&vrouters->vrouter[i], now_ns);
	return able;
}

const char *vrouters_poor(const struct vrouters *vrouters, unsigned int i, const char **name)
{
	*name = vrouters->vrouter[i].config->name;
	return vrouter_poor(&vrouters->vrouter[i], loop_clock());
}

unsigned int vrouters_count(const struct vrouters *vrouters)
{
	return vrouters->count;
}

bool vrouters_lan(const struct vrouters *vrouters, unsigned int i, struct vrouter_lan *lan)
{
	const struct macvlan *m = &vrouters->vrouter[i];

	if (i >= vrouters->count)
		return false;
	*lan = (struct vrouter_lan){
		.name = m->config->name, .vrid = m->config->vrid, .macvlan = m->index,
		.parent = m->parent->index, .up = m->up, .carrier = m->parent->carrier,
	};
	memcpy(lan->mac, m->config->mac, sizeof(lan->mac));
	return true;
}

bool vrouters_has(const struct vrouters *vrouters, uint8_t family, const uint8_t *addr)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		if (macvlan_has(&vrouters->vrouter[i], family, addr))
			return true;
	return false;
}

uint64_t vrouters_received(const struct vrouters *vrouters)
{
	uint64_t frames = 0;
	unsigned int i;

	for (i = 0; i < vrouters->count; i++)
		frames += macvlan_received(&vrouters->vrouter[i]);
	return frames;
}

/* Somebody took something away, and it is back. */
static void vrouter_mended(struct macvlan *vrouter, uint64_t now_ns, const char *text)
{
	bool fights = fight_is_on(&vrouter->fight, now_ns);

	if (fight_mended(&vrouter->fight, now_ns))
		log_error("virtual router %s: %s was changed %d times within 10 s by another program (%s): it is put right again and again, more slowly; a member that is left in peace should own; keep networkd, NetworkManager and scripts from %s",
			  vrouter->config->name, vrouter->config->macvlan, FIGHT_MENDINGS, text,
			  vrouter->config->macvlan);
	else if (!fights)
		log_warning("virtual router %s: %s was changed by somebody (%s): put right",
			    vrouter->config->name, vrouter->config->macvlan, text);
}

static uint64_t vrouter_failed(struct macvlan *vrouter, uint64_t now_ns)
{
	vrouter->retry_wait_ns = vrouter->retry_wait_ns ?
				 doubled_ns(vrouter->retry_wait_ns, RETRY_MOST_NS) : RETRY_NS;
	vrouter->retry_ns = now_ns + vrouter->retry_wait_ns;
	return vrouter->retry_ns;
}

static void vrouter_is_whole(struct macvlan *vrouter, bool held)
{
	if (vrouter->why[0])
		log_notice("virtual router %s: complete again", vrouter->config->name);
	vrouter->why[0] = '\0';
	vrouter->retry_ns = 0;
	vrouter->retry_wait_ns = 0;
	vrouter->lacks_ns = 0;
	vrouter->whole = true;
	vrouter->up = held;
}

/* Return: when to look again, 0: when the kernel tells of something.  @back: addresses
 * are back that were not there.
 */
static uint64_t vrouter_refresh(struct vrouters *vrouters, struct macvlan *vrouter, bool *back)
{
	uint64_t now_ns = loop_clock(), due_ns;
	char text[MACVLAN_TEXT];
	bool held = vrouters->held;

	if (macvlan_look(vrouter, &vrouters->rtnl, held))
		return now_ns + RETRY_NS;
	if (!macvlan_lacks(vrouter)) {
		vrouter_is_whole(vrouter, held);
		return 0;
	}
	if (!vrouter->lacks_ns)
		vrouter->lacks_ns = now_ns;
	/* Its coming is told of. */
	if (!vrouter->parent->index)
		return 0;
	/* Never beside the owner, whoever wants it. */
	if (!(vrouter->lacks.link & MACVLAN_UP)) {
		if (now_ns < vrouter->retry_ns)
			return vrouter->retry_ns;
		due_ns = fight_due_ns(&vrouter->fight, now_ns);
		if (now_ns < due_ns)
			return due_ns;
	}
	macvlan_lacks_text(vrouter, text, sizeof(text));
	if (macvlan_mend(vrouter, &vrouters->rtnl, held))
		return vrouter_failed(vrouter, now_ns);
	if (macvlan_look(vrouter, &vrouters->rtnl, held) || macvlan_lacks(vrouter))
		return vrouter_failed(vrouter, now_ns);
	if (vrouter->whole)
		vrouter_mended(vrouter, now_ns, text);
	else
		log_info("virtual router %s: %s: %s: put right", vrouter->config->name,
			 vrouter->config->macvlan, text);
	vrouter_is_whole(vrouter, held);
	*back = held;
	return 0;
}

/* The same for the settings of an interface. */
static uint64_t parent_refresh(struct vrouters *vrouters, struct parent *parent)
{
	uint64_t now_ns = loop_clock(), due_ns = fight_due_ns(&parent->fight, now_ns);
	bool fights = fight_is_on(&parent->fight, now_ns);
	char text[MACVLAN_TEXT];

	if (!parent_lacks(parent, text, sizeof(text)))
		return 0;
	if (now_ns < due_ns)
		return due_ns;
	parent_mend(parent, &vrouters->rtnl);
	if (rtnl_commit(&vrouters->rtnl))
		return now_ns + RETRY_NS;
	if (fight_mended(&parent->fight, now_ns))
		log_error("virtual routers: %s was changed %d times within 10 s by another program (%s): keep scripts from it",
			  parent->name, FIGHT_MENDINGS, text);
	else if (!fights)
		log_warning("virtual routers: %s was changed by somebody (%s): put right",
			    parent->name, text);
	return 0;
}

static void sooner(uint64_t *next_ns, uint64_t due_ns)
{
	if (due_ns && (!*next_ns || due_ns < *next_ns))
		*next_ns = due_ns;
}

/* Another interface, or one that has changed: what its macvlans lack now nobody took
 * away, and what failed may succeed.
 */
static void parent_changed(struct vrouters *vrouters, const struct parent *parent)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++) {
		struct macvlan *vrouter = &vrouters->vrouter[i];

		if (vrouter->parent != parent)
			continue;
		vrouter->whole = false;
		vrouter->retry_ns = 0;
		vrouter->retry_wait_ns = 0;
	}
}

static void vrouters_refresh(struct loop_timer *timer)
{
	struct vrouters *vrouters = container_of(timer, struct vrouters, refresh);
	uint64_t next_ns = 0;
	bool back = false;
	unsigned int i;

	/* They are neither as an owner's nor as a backup's. */
	if (vrouters->quiet) {
		loop_timer_in(vrouters->loop, timer, REFRESH_NS);
		return;
	}
	for (i = 0; i < vrouters->parents; i++) {
		struct parent *parent = &vrouters->parent[i];

		if (parent_read(parent, vrouters->ifaces))
			parent_changed(vrouters, parent);
		sooner(&next_ns, parent_refresh(vrouters, parent));
	}
	for (i = 0; i < vrouters->count; i++)
		sooner(&next_ns, vrouter_refresh(vrouters, &vrouters->vrouter[i], &back));
	if (back)
		vrouters_announce_start(vrouters);
	if (next_ns)
		loop_timer_at(vrouters->loop, timer, next_ns);
}

/* Of these the kernel does not tell. */
static void vrouters_audit(struct loop_timer *timer)
{
	struct vrouters *vrouters = container_of(timer, struct vrouters, audit);
	char text[MACVLAN_TEXT];
	bool differ = false;
	unsigned int i;

	loop_timer_in(vrouters->loop, timer, AUDIT_NS);
	for (i = 0; i < vrouters->parents && !differ; i++)
		differ = parent_lacks(&vrouters->parent[i], text, sizeof(text));
	for (i = 0; i < vrouters->count && !differ; i++)
		differ = macvlan_settings_differ(&vrouters->vrouter[i]);
	if (differ)
		vrouters_refresh_in(vrouters, 0);
}

/* Does it tell of another way for frames of @parent: a carrier that came, a bond's
 * other port, a port of a bridge, also below a VLAN?
 */
static bool parent_moved(struct parent *parent, const struct rtnl_link *link)
{
	bool own = !link->port && parent->index && link->index == parent->index;
	bool back = own && link->carrier_ups != parent->carrier_ups;

	if (own)
		parent->carrier_ups = link->carrier_ups;
	if (!parent->index)
		return false;
	return back || (link->moved && (own || link->index == parent->lower)) ||
	       (link->master && (link->master == parent->index ||
				 link->master == parent->lower));
}

static void vrouters_link(void *arg, const struct rtnl_link *link, bool gone)
{
	struct vrouters *vrouters = arg;
	bool ours = false, moved = false;
	unsigned int i;

	(void)gone;
	for (i = 0; i < vrouters->parents; i++)
		moved |= parent_moved(&vrouters->parent[i], link);
	if (moved)
		vrouters_source_soon(vrouters);
	if (link->port)
		return;
	for (i = 0; i < vrouters->count && !ours; i++) {
		const struct macvlan *vrouter = &vrouters->vrouter[i];

		ours = link->index == vrouter->index || link->index == vrouter->parent->index ||
		       !strcmp(link->name, vrouter->config->macvlan) ||
		       rtnl_link_named(link, vrouter->parent->name);
	}
	if (ours)
		vrouters_refresh_in(vrouters, REFRESH_NS);
}

static void vrouters_address(void *arg, const struct rtnl_address *address, bool gone)
{
	struct vrouters *vrouters = arg;
	unsigned int i;

	(void)gone;
	for (i = 0; i < vrouters->count; i++)
		if (address->index == vrouters->vrouter[i].index)
			vrouters_refresh_in(vrouters, REFRESH_NS);
}

static void vrouters_lost(void *arg)
{
	struct vrouters *vrouters = arg;

	vrouters_source_soon(vrouters);
	vrouters_refresh_in(vrouters, REFRESH_NS);
}

/* Two names of one interface are one parent: its settings are put back once. */
static struct parent *parent_find(struct vrouters *vrouters, const char *name)
{
	const struct rtnl_link *link = ifaces_named(vrouters->ifaces, name);
	unsigned int i;

	for (i = 0; i < vrouters->parents; i++) {
		struct parent *parent = &vrouters->parent[i];

		if (!strcmp(parent->name, name) ||
		    (link && rtnl_link_named(link, parent->name)))
			return parent;
	}
	vrouters->parent[i].name = name;
	vrouters->parent[i].carrier = true;	/* so that its lack is logged */
	vrouters->parents++;
	return &vrouters->parent[i];
}

static int vrouters_open(struct vrouters *vrouters)
{
	int err = rtnl_open(&vrouters->rtnl);

	if (err)
		return err;
	vrouters->packet = announce_open();
	if (vrouters->packet < 0)
		return vrouters->packet;
	ifaces_watch(vrouters->ifaces, &vrouters->watcher);
	return 0;
}

struct vrouters *vrouters_alloc(struct loop *loop, struct ifaces *ifaces,
				const struct config *config, int *err)
{
	struct vrouters *vrouters = calloc(1, sizeof(*vrouters));
	unsigned int i;

	if (!vrouters) {
		*err = -ENOMEM;
		return NULL;
	}
	vrouters->loop = loop;
	vrouters->config = config;
	vrouters->ifaces = ifaces;
	vrouters->watcher = (struct iface_watcher){
		.link = vrouters_link, .address = vrouters_address, .lost = vrouters_lost,
		.arg = vrouters,
	};
	vrouters->packet = -1;
	vrouters->refresh.fire = vrouters_refresh;
	vrouters->announce.fire = vrouters_announce_timer;
	vrouters->audit.fire = vrouters_audit;
	vrouters->source.fire = vrouters_source;
	vrouters->group = config->links ? config->link[0].group.s_addr : htonl(PATH_GROUP);
	vrouters->port = config->links ? config->link[0].port : PATH_PORT;
	for (i = 0; i < config->vrouters; i++) {
		vrouters->vrouter[i].config = &config->vrouter[i];
		vrouters->vrouter[i].control = config->control;
		vrouters->vrouter[i].parent = parent_find(vrouters, config->vrouter[i].interface);
	}
	vrouters->count = config->vrouters;
	*err = vrouters_open(vrouters);
	for (i = 0; i < vrouters->parents; i++)
		(void)parent_read(&vrouters->parent[i], ifaces);
	if (!*err)
		return vrouters;
	log_error("virtual routers: %s%s", strerror(-*err),
		  *err == -EPERM ? "; gwsyncd needs CAP_NET_ADMIN and CAP_NET_RAW" : "");
	vrouters_free(vrouters);
	return NULL;
}

/* What was found before the daemon that died is what is found now. */
static bool vrouters_keep(void *arg, const struct leftover *leftover)
{
	struct vrouters *vrouters = arg;
	unsigned int i;

	for (i = 0; i < vrouters->parents; i++) {
		struct parent *parent = &vrouters->parent[i];

		if (!parent->index || parent->index != leftover->parent)
			continue;
		parent->arp_ignore = leftover->arp_ignore;
		parent->arp_announce = leftover->arp_announce;
		parent->saved = true;
		return true;
	}
	return false;
}

int vrouters_reset(struct vrouters *vrouters)
{
	unsigned int i;
	int err;

	/* All of them, before one is made: each tells of its parent. */
	err = leftovers_clear(&vrouters->rtnl, vrouters->config->control, vrouters_keep,
			      vrouters);
	if (err && err != -EBUSY)
		return err;
	/* What cannot be made is tried again, and no reason to leave the rest alone. */
	for (i = 0; i < vrouters->count; i++) {
		struct macvlan *vrouter = &vrouters->vrouter[i];

		if (!macvlan_ensure(vrouter, &vrouters->rtnl))
			continue;
		vrouter->lacks_ns = loop_clock();
		vrouters_refresh_in(vrouters, vrouter_failed(vrouter, 0));
	}
	if (vrouters->count)
		loop_timer_in(vrouters->loop, &vrouters->audit, AUDIT_NS);
	return 0;
}

static void vrouters_restore(struct vrouters *vrouters)
{
	unsigned int i;

	for (i = 0; i < vrouters->count; i++) {
		if (vrouters->vrouter[i].index)
			rtnl_link_del(&vrouters->rtnl, vrouters->vrouter[i].index);
		macvlan_forget(&vrouters->vrouter[i]);
	}
	for (i = 0; i < vrouters->parents; i++) {
		const struct parent *parent = &vrouters->parent[i];

		if (parent->saved && parent->index)
			parent_restore(&vrouters->rtnl, parent->link, parent->index,
				       parent->arp_ignore, parent->arp_announce);
	}
	if (rtnl_commit(&vrouters->rtnl))
		log_error("virtual routers: %s", vrouters->rtnl.why);
}

void vrouters_free(struct vrouters *vrouters)
{
	if (!vrouters)
		return;
	loop_timer_del(vrouters->loop, &vrouters->announce);
	loop_timer_del(vrouters->loop, &vrouters->audit);
	loop_timer_del(vrouters->loop, &vrouters->source);
	ifaces_unwatch(vrouters->ifaces, &vrouters->watcher);
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

unsigned int vrouters_own_addresses(const struct vrouters *vrouters,
				    struct gwsync_filter_prefix *prefix, unsigned int max)
{
	return own_addresses(vrouters->ifaces, vrouters->config, prefix, max);
}

json_t *vrouters_json(const struct vrouters *vrouters)
{
	json_t *array = json_array();
	unsigned int i, j;

	for (i = 0; i < vrouters->count; i++) {
		const struct macvlan *vrouter = &vrouters->vrouter[i];
		const char *poor = vrouter_poor(vrouter, loop_clock());
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
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:b, s:b, s:s?}",
						       "name", config->name,
						       "interface", config->interface,
						       "macvlan", config->macvlan,
						       "vrid", config->vrid, "mac", mac,
						       "addresses", addresses,
						       "held", vrouter->up && !vrouter->lacks_ns,
						       "carrier", vrouter->parent->carrier,
						       "problem", poor));
	}
	return array;
}

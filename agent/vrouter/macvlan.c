// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>

#include "base/log.h"
#include "config/address.h"
#include "vrouter/leftover.h"
#include "vrouter/macvlan.h"
#include "host/sysctl.h"

/* The parent's own route to the LAN is the better one where it has one. */
#define MACVLAN_METRIC	1024

/* The least MTU of IPv6. */
#define MACVLAN_IPV6_MTU	1280

/* What the kernel may say of an IPv6 address that others cannot use. */
#define ADDRESS_UNUSABLE (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)

static const struct {
	const char	*key;
	uint32_t	value;
	uint16_t	id;		/* IPV4_DEVCONF_*; 0: procfs alone can set it */
	uint8_t		family;
} setting[MACVLAN_SETTINGS] = {
	{ "arp_ignore", 1, IPV4_DEVCONF_ARP_IGNORE, AF_INET },
	{ "arp_announce", 2, IPV4_DEVCONF_ARP_ANNOUNCE, AF_INET },
	/* The way back is by the parent; 2 wins over 1 of "all". */
	{ "rp_filter", 2, IPV4_DEVCONF_RP_FILTER, AF_INET },
	{ "forwarding", 0, IPV4_DEVCONF_FORWARDING, AF_INET },	/* the parent's */
	/* No address and no route from advertisements: another member has the same
	 * MAC.  Before IPv6 is let in.
	 */
	{ "accept_ra", 0, 0, AF_INET6 },
	{ "addr_gen_mode", IN6_ADDR_GEN_MODE_NONE, 0, AF_INET6 },
	{ "disable_ipv6", 0, 0, AF_INET6 },
};

static bool has_ipv6(const struct config_vrouter *config)
{
	unsigned int i;

	for (i = 0; i < config->addresses; i++)
		if (config->address[i].family == AF_INET6)
			return true;
	return false;
}

static uint32_t setting_wanted(const struct macvlan *m, unsigned int i)
{
	return setting[i].id == IPV4_DEVCONF_FORWARDING ? m->parent->forwarding :
	       setting[i].value;
}

/* Bits of those that differ, with what they are in @value. */
static uint32_t settings_look(const struct macvlan *m, uint32_t value[MACVLAN_SETTINGS])
{
	const char *name = m->config->macvlan;
	uint32_t differ = 0;
	unsigned int i;

	for (i = 0; i < MACVLAN_SETTINGS; i++) {
		value[i] = 0;
		if (setting[i].family == AF_INET6 && !has_ipv6(m->config))
			continue;
		if (sysctl_read(setting[i].family, name, setting[i].key, &value[i]) &&
		    value[i] != setting_wanted(m, i))
			differ |= 1U << i;
	}
	return differ;
}

bool macvlan_settings_differ(const struct macvlan *m)
{
	uint32_t value[MACVLAN_SETTINGS];

	return m->index && settings_look(m, value);
}

static void link_alias(const struct macvlan *m, char alias[RTNL_ALIAS])
{
	leftover_alias(alias, m->parent->arp_ignore, m->parent->arp_announce, m->control);
}

static uint32_t link_look(const struct macvlan *m, const struct rtnl_link *link, bool held)
{
	char alias[RTNL_ALIAS];
	uint32_t lacks = 0;

	link_alias(m, alias);
	if (held && !(link->flags & IFF_UP))
		lacks |= MACVLAN_DOWN;
	if (!held && link->flags & IFF_UP)
		lacks |= MACVLAN_UP;
	if (held && (link->flags & IFF_NOARP || !(link->flags & IFF_MULTICAST)))
		lacks |= MACVLAN_FLAGS;
	if (memcmp(link->mac, m->config->mac, 6))
		lacks |= MACVLAN_MAC;
	if (link->mode != MACVLAN_MODE_BRIDGE)
		lacks |= MACVLAN_MODE;
	/* It follows when its parent's gets smaller, not when that grows again. */
	if (m->parent->mtu && link->mtu != m->parent->mtu)
		lacks |= MACVLAN_MTU;
	/* What comes for the virtual MAC is looked up where what comes by the parent is. */
	if (link->master != m->parent->vrf)
		lacks |= MACVLAN_MASTER;
	if (strcmp(link->alias, alias))
		lacks |= MACVLAN_ALIAS;
	return lacks;
}

static void address_look(void *arg, const struct rtnl_address *address)
{
	struct macvlan *m = arg;
	unsigned int i;

	for (i = 0; i < m->config->addresses; i++) {
		const struct config_address *wanted = &m->config->address[i];

		if (wanted->family != address->family ||
		    memcmp(wanted->addr, address->addr, address_bytes(wanted->family)))
			continue;
		/* Of IPv4 those of another length may be there as well. */
		if (wanted->family == AF_INET && wanted->prefix_len != address->prefix_len)
			continue;
		m->lacks.prefix_len[i] = address->prefix_len;
		if (wanted->prefix_len == address->prefix_len &&
		    address->metric == MACVLAN_METRIC && !(address->flags & ADDRESS_UNUSABLE))
			m->lacks.addresses &= ~(1U << i);
		else
			m->lacks.wrong |= 1U << i;
	}
}

int macvlan_look(struct macvlan *m, struct rtnl *rtnl, bool held)
{
	unsigned int tries = 3;
	struct rtnl_link link;
	int err;

	_Static_assert(CONFIG_ADDRESSES_MAX < 32, "a bit each");
	/* The monitor lags behind what was asked for just now, and is not told of some
	 * changes of one that is down: the kernel itself is asked, after what it told.
	 */
	err = rtnl_link_get(rtnl, m->config->macvlan, 0, &link);
	if (err)
		return err;
	memset(&m->lacks, 0, sizeof(m->lacks));
	if (!m->index || link.index != m->index) {
		m->stray = m->index;
		macvlan_forget(m);
		m->lacks.link = MACVLAN_GONE;
		return 0;
	}
	m->lacks.link = link_look(m, &link, held);
	m->lacks.settings = settings_look(m, m->lacks.value);
	if (!held)
		return 0;
	do {
		m->lacks.addresses = (1U << m->config->addresses) - 1;
		m->lacks.wrong = 0;
		err = rtnl_addresses(rtnl, m->index, address_look, m);
	} while (err == -EINTR && --tries);
	return err;
}

bool macvlan_lacks(const struct macvlan *m)
{
	return m->lacks.link || m->lacks.addresses || m->lacks.settings;
}

struct text {
	char	*at;
	size_t	size, used;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (text->used && text->used + 3 < text->size) {
		memcpy(text->at + text->used, ", ", 3);
		text->used += 2;
	}
	va_start(ap, fmt);
	len = vsnprintf(text->at + text->used, text->size - text->used, fmt, ap);
	va_end(ap);
	text->used += len < 0 ? 0 : (size_t)len;
	if (text->used >= text->size)
		text->used = text->size - 1;
}

void macvlan_lacks_text(const struct macvlan *m, char *at, size_t size)
{
	static const char *const name[] = {
		"no such interface", "down", "up, though this member does not own",
		"ARP or multicast off", "another MAC", "another mode", "another MTU",
		"in another VRF than its interface", "another alias",
	};
	struct text text = { .at = at, .size = size };
	char address[ADDRESS_TEXT];
	unsigned int i;

	*at = '\0';
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (m->lacks.link & 1U << i)
			add(&text, "%s", name[i]);
	for (i = 0; i < MACVLAN_SETTINGS; i++)
		if (m->lacks.settings & 1U << i)
			add(&text, "%s=%" PRIu32, setting[i].key, m->lacks.value[i]);
	for (i = 0; i < m->config->addresses; i++) {
		const struct config_address *a = &m->config->address[i];

		if (m->lacks.addresses & 1U << i)
			add(&text, "%s %s/%u", m->lacks.wrong & 1U << i ? "unusable" : "without",
			    address_text(a->family, a->addr, address), a->prefix_len);
	}
}

/* Said once, and again when it is something else. */
__attribute__((format(printf, 2, 3)))
static void macvlan_say(struct macvlan *m, const char *fmt, ...)
{
	char why[MACVLAN_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (!strcmp(why, m->why))
		return;
	memcpy(m->why, why, sizeof(m->why));
	log_error("virtual router %s: %s", m->config->name, why);
}

static int macvlan_failed(struct macvlan *m, const struct rtnl *rtnl, int err)
{
	macvlan_say(m, "%s on %s: %s%s", m->config->macvlan, m->config->interface, rtnl->why,
		    m->parent->mtu < MACVLAN_IPV6_MTU && has_ipv6(m->config) ?
		    " (its MTU is too small for IPv6)" : "");
	return err;
}

void macvlan_forget(struct macvlan *m)
{
	m->index = 0;
	m->up = false;
	m->hushed = false;
}

/* It was renamed: its MAC cannot be up twice. */
static void macvlan_clear_stray(struct macvlan *m, struct rtnl *rtnl)
{
	struct leftover leftover;
	struct rtnl_link link;

	if (m->stray && !rtnl_link_get(rtnl, NULL, m->stray, &link) &&
	    leftover_parse(&link, &leftover))
		rtnl_link_del(rtnl, link.index);
	m->stray = 0;
}

/* Its name is free, or made so; -EEXIST: another's interface has it. */
static int macvlan_clear(struct macvlan *m, struct rtnl *rtnl)
{
	struct leftover leftover;
	struct rtnl_link link;
	int err;

	macvlan_clear_stray(m, rtnl);
	err = rtnl_link_get(rtnl, m->config->macvlan, 0, &link);
	if (err || !link.index)
		return err;
	if (!leftover_parse(&link, &leftover)) {
		macvlan_say(m, "an interface %s is there that is not gwsync's; remove it, or set another name by macvlan = \"...\"",
			    m->config->macvlan);
		return -EEXIST;
	}
	rtnl_link_del(rtnl, link.index);
	err = rtnl_commit(rtnl);
	return err ? macvlan_failed(m, rtnl, err) : 0;
}

/* Those that procfs alone can set: needed before addresses come. */
static void settings_write(const struct macvlan *m)
{
	unsigned int i;
	int err;

	for (i = 0; i < MACVLAN_SETTINGS; i++) {
		if (setting[i].id || !(m->lacks.settings & 1U << i))
			continue;
		err = sysctl_write(setting[i].family, m->config->macvlan, setting[i].key,
				   setting_wanted(m, i));
		if (err)
			log_debug("%s of %s: %s", setting[i].key, m->config->macvlan,
				  strerror(-err));
	}
}

static void settings_queue(const struct macvlan *m, struct rtnl *rtnl)
{
	struct rtnl_conf conf[MACVLAN_SETTINGS];
	unsigned int i, count = 0;

	for (i = 0; i < MACVLAN_SETTINGS; i++)
		if (setting[i].id && m->lacks.settings & 1U << i)
			conf[count++] = (struct rtnl_conf){ setting[i].id, setting_wanted(m, i) };
	if (count)
		rtnl_link_conf(rtnl, m->index, conf, count);
}

static void address_queue(const struct macvlan *m, struct rtnl *rtnl, unsigned int i)
{
	const struct config_address *a = &m->config->address[i];

	rtnl_address_add(rtnl, m->index, a->family, a->addr, a->prefix_len, MACVLAN_METRIC);
}

static void macvlan_queue_mend(struct macvlan *m, struct rtnl *rtnl, bool held)
{
	const struct macvlan_lacks *lacks = &m->lacks;
	char alias[RTNL_ALIAS];
	unsigned int i;

	if (lacks->link & MACVLAN_UP) {
		macvlan_queue_down(m, rtnl);
		macvlan_queue_clean(m, rtnl);
	}
	if (lacks->link & MACVLAN_MASTER)
		rtnl_link_master(rtnl, m->index, m->parent->vrf);
	if (lacks->link & (MACVLAN_MAC | MACVLAN_MODE | MACVLAN_MTU))
		rtnl_macvlan_set(rtnl, m->index, m->config->mac, m->parent->mtu);
	if (lacks->link & MACVLAN_ALIAS) {
		link_alias(m, alias);
		rtnl_link_alias(rtnl, m->config->macvlan, alias);
	}
	settings_queue(m, rtnl);
	if (held && lacks->link & (MACVLAN_DOWN | MACVLAN_FLAGS))
		rtnl_link_updown(rtnl, m->index, true);
	for (i = 0; i < m->config->addresses; i++) {
		const struct config_address *a = &m->config->address[i];

		if (lacks->wrong & 1U << i)
			rtnl_address_del(rtnl, m->index, a->family, a->addr,
					 lacks->prefix_len[i]);
		/* To come into another VRF takes IPv6 addresses along. */
		if (lacks->addresses & 1U << i || (held && lacks->link & MACVLAN_MASTER))
			address_queue(m, rtnl, i);
	}
}

static int macvlan_make(struct macvlan *m, struct rtnl *rtnl)
{
	const struct config_vrouter *config = m->config;
	char alias[RTNL_ALIAS];
	struct rtnl_link link;
	int err;

	if (!m->parent->index)
		return -ENODEV;		/* its coming is waited for */
	err = macvlan_clear(m, rtnl);
	if (err)
		return err;
	link_alias(m, alias);
	rtnl_macvlan_add(rtnl, config->macvlan, m->parent->index, config->mac, m->parent->mtu);
	/* What undoes the rest, before the rest. */
	rtnl_link_alias(rtnl, config->macvlan, alias);
	rtnl_link_no_address(rtnl, config->macvlan);
	parent_mend(m->parent, rtnl);
	err = rtnl_commit(rtnl);
	if (err)
		return macvlan_failed(m, rtnl, err);
	err = rtnl_link_get(rtnl, config->macvlan, 0, &link);
	m->index = link.index;
	m->up = false;
	return err ? err : m->index ? 0 : -ENODEV;
}

int macvlan_mend(struct macvlan *m, struct rtnl *rtnl, bool held)
{
	int err;

	if (m->lacks.link & MACVLAN_GONE) {
		err = macvlan_make(m, rtnl);
		if (!err)
			err = macvlan_look(m, rtnl, held);
		if (err)
			return err;
	}
	if (!macvlan_lacks(m))
		return 0;
	settings_write(m);
	macvlan_queue_mend(m, rtnl, held);
	err = rtnl_commit(rtnl);
	if (err)
		return macvlan_failed(m, rtnl, err);
	m->up = held;
	return 0;
}

int macvlan_ensure(struct macvlan *m, struct rtnl *rtnl)
{
	if (m->index)
		return 0;
	memset(&m->lacks, 0, sizeof(m->lacks));
	m->lacks.link = MACVLAN_GONE;
	return macvlan_mend(m, rtnl, false);
}

void macvlan_queue_up(struct macvlan *m, struct rtnl *rtnl)
{
	unsigned int i;

	if (m->hushed)
		rtnl_macvlan_hush(rtnl, m->index, false);
	m->hushed = false;
	rtnl_link_updown(rtnl, m->index, true);
	for (i = 0; i < m->config->addresses; i++)
		address_queue(m, rtnl, i);
	m->up = true;
}

void macvlan_queue_down(struct macvlan *m, struct rtnl *rtnl)
{
	rtnl_link_updown(rtnl, m->index, false);
	m->up = false;
}

void macvlan_queue_clean(struct macvlan *m, struct rtnl *rtnl)
{
	const struct config_address *address = m->config->address;
	unsigned int i;

	for (i = 0; i < m->config->addresses; i++)
		rtnl_address_del(rtnl, m->index, address[i].family, address[i].addr,
				 address[i].prefix_len);
	if (m->hushed)
		rtnl_macvlan_hush(rtnl, m->index, false);
	m->hushed = false;
}

void macvlan_queue_hush(struct macvlan *m, struct rtnl *rtnl)
{
	rtnl_macvlan_hush(rtnl, m->index, true);
	m->hushed = true;
}

uint64_t macvlan_received(const struct macvlan *macvlan)
{
	char path[80], text[24];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets",
		 macvlan->config->macvlan);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strtoull(text, NULL, 10);
}

bool macvlan_has(const struct macvlan *m, uint8_t family, const uint8_t *addr)
{
	unsigned int i;

	for (i = 0; i < m->config->addresses; i++) {
		const struct config_address *a = &m->config->address[i];

		if (a->family == family && !memcmp(a->addr, addr, address_bytes(family)))
			return true;
	}
	return false;
}

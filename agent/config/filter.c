// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <stdio.h>
#include <string.h>

#include "config/address.h"
#include "config/filter.h"

/* Names that need no /etc/protocols. */
static const struct {
	const char	*name;
	uint8_t		number;
} protocols[] = {
	{ "icmp", IPPROTO_ICMP }, { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
	{ "dccp", IPPROTO_DCCP }, { "gre", IPPROTO_GRE }, { "icmpv6", IPPROTO_ICMPV6 },
	{ "sctp", IPPROTO_SCTP }, { "udplite", IPPROTO_UDPLITE },
};

static bool protocol_parse(const char *text, size_t len, uint8_t *protocol)
{
	char name[16];
	unsigned long long number;
	unsigned int i;

	if (len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (!strcmp(name, protocols[i].name)) {
			*protocol = protocols[i].number;
			return true;
		}
	}
	if (!reader_parse_number(name, 255, &number))
		return false;
	*protocol = (uint8_t)number;
	return true;
}

/* As conntrack -L has them. */
static const char * const tcp_states[TCP_CONNTRACK_MAX] = {
	[TCP_CONNTRACK_SYN_SENT] = "syn_sent",
	[TCP_CONNTRACK_SYN_RECV] = "syn_recv",
	[TCP_CONNTRACK_ESTABLISHED] = "established",
	[TCP_CONNTRACK_FIN_WAIT] = "fin_wait",
	[TCP_CONNTRACK_CLOSE_WAIT] = "close_wait",
	[TCP_CONNTRACK_LAST_ACK] = "last_ack",
	[TCP_CONNTRACK_TIME_WAIT] = "time_wait",
	[TCP_CONNTRACK_CLOSE] = "close",
	[TCP_CONNTRACK_SYN_SENT2] = "syn_sent2",
};

static const config_setting_t *element(const config_setting_t *setting, unsigned int i)
{
	return config_setting_get_elem(setting, i);
}

static void protocols_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_filter *filter = base;
	unsigned int i;

	if (!reader_list(reader, setting, GWSYNC_FILTER_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const char *text = reader_string(reader, element(setting, i), "\"icmp\"");

		if (!text)
			continue;
		if (protocol_parse(text, strlen(text), &filter->protocol[filter->protocols]))
			filter->protocols++;
		else
			reader_error(reader, element(setting, i),
				     "'%s' is no IP protocol; give a number \"0\"..\"255\" or icmp, icmpv6, tcp, udp, udplite, sctp, dccp, gre",
				     text);
	}
}

static void zones_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_filter *filter = base;
	unsigned int i;

	if (!reader_list(reader, setting, GWSYNC_FILTER_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		long long zone;

		if (reader_number(reader, element(setting, i), 0, 65535, &zone))
			filter->zone[filter->zones++] = (uint16_t)zone;
	}
}

/* "value/mask" or "value" (all bits) */
static bool mark_parse(const char *text, struct gwsync_filter_mark *mark)
{
	const char *slash = strchr(text, '/');
	unsigned long long value, mask = UINT32_MAX;
	char head[16];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(head))
		return false;
	memcpy(head, text, len);
	head[len] = '\0';
	if (!reader_parse_number(head, UINT32_MAX, &value))
		return false;
	if (slash && !reader_parse_number(slash + 1, UINT32_MAX, &mask))
		return false;
	mark->value = (uint32_t)value;
	mark->mask = (uint32_t)mask;
	/* Another value would never match. */
	return mask && !(value & ~mask);
}

static void marks_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_filter *filter = base;
	unsigned int i;

	if (!reader_list(reader, setting, GWSYNC_FILTER_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const char *text = reader_string(reader, element(setting, i), "\"0x1/0xff\"");

		if (!text)
			continue;
		if (mark_parse(text, &filter->mark[filter->marks]))
			filter->marks++;
		else
			reader_error(reader, element(setting, i),
				     "'%s' is no mark; give \"VALUE/MASK\" with all bits of VALUE in MASK",
				     text);
	}
}

static void prefixes_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_filter *filter = base;
	unsigned int i;

	if (!reader_list(reader, setting, GWSYNC_FILTER_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		struct gwsync_filter_prefix *prefix = &filter->prefix[filter->prefixes];
		const config_setting_t *at = element(setting, i);
		const char *text = reader_string(reader, at, "\"192.0.2.0/24\"");
		uint8_t family, len, addr[16];

		if (!text)
			continue;
		if (!address_parse(text, &family, &len, addr)) {
			reader_error(reader, at,
				     "'%s' is no prefix; give \"192.0.2.0/24\" or \"2001:db8::/32\"",
				     text);
		} else if (!address_is_network(family, addr, len)) {
			reader_error(reader, at,
				     "'%s' has bits behind its length; clear them or give a longer length",
				     text);
		} else {
			prefix->family = family;
			prefix->len = len;
			memcpy(prefix->addr, addr, 16);
			filter->prefixes++;
		}
	}
}

static void ports_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_filter *filter = base;
	unsigned int i;

	if (!reader_list(reader, setting, GWSYNC_FILTER_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		struct gwsync_filter_port *port = &filter->port[filter->ports];
		const char *text = reader_string(reader, element(setting, i), "\"udp/53\"");
		const char *slash = text ? strchr(text, '/') : NULL;
		unsigned long long number;

		if (!text)
			continue;
		if (slash && protocol_parse(text, (size_t)(slash - text), &port->protocol) &&
		    reader_parse_number(slash + 1, 65535, &number)) {
			port->port = htons((uint16_t)number);
			filter->ports++;
		} else {
			reader_error(reader, element(setting, i),
				     "'%s' is no port; give \"PROTOCOL/PORT\" such as \"udp/53\"",
				     text);
		}
	}
}

static void tcp_states_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_filter *filter = base;
	unsigned int i, state;

	if (!reader_list(reader, setting, TCP_CONNTRACK_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const char *text = reader_string(reader, element(setting, i), "\"time_wait\"");

		if (!text)
			continue;
		for (state = 0; state < TCP_CONNTRACK_MAX; state++)
			if (tcp_states[state] && !strcmp(text, tcp_states[state]))
				break;
		if (state < TCP_CONNTRACK_MAX)
			filter->tcp_states |= (uint16_t)(1U << state);
		else
			reader_error(reader, element(setting, i),
				     "'%s' is no state of TCP; give syn_sent, syn_recv, established, fin_wait, close_wait, last_ack, time_wait, close or syn_sent2",
				     text);
	}
}

void config_filter_read(struct reader *reader, const config_setting_t *setting,
			struct config_filter *filter)
{
	static const struct reader_key keys[] = {
		{ .name = "protocols", .type = READER_CUSTOM, .read = protocols_read },
		{ .name = "zones", .type = READER_CUSTOM, .read = zones_read },
		{ .name = "marks", .type = READER_CUSTOM, .read = marks_read },
		{ .name = "prefixes", .type = READER_CUSTOM, .read = prefixes_read },
		{ .name = "ports", .type = READER_CUSTOM, .read = ports_read },
		{ .name = "tcp_states", .type = READER_CUSTOM, .read = tcp_states_read },
		{ .name = "own_addresses", .type = READER_BOOL,
		  .offset = offsetof(struct config_filter, own_addresses) },
		{ }
	};

	reader_group(reader, setting, keys, filter);
}

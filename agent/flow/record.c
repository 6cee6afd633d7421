// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <linux/gwsync.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "base/big_endian.h"
#include "config/address.h"
#include "flow/record.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* enum ip_conntrack_status, but for GWSYNC_STATUS_* */
static const char *const status_names[] = {
	"expected", "seen_reply", "assured", "confirmed", "src_nat", "dst_nat", "seq_adjust",
	"src_nat_done", "dst_nat_done", "dying", "fixed_timeout", "template", "nat_clash",
	"helper", "mute", "first",
};

/* enum tcp_conntrack, sctp_conntrack, ct_dccp_states */
static const char *const tcp_states[] = {
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK",
	"TIME_WAIT", "CLOSE", "SYN_SENT2",
};

static const char *const sctp_states[] = {
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT",
	"SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT", "HEARTBEAT_ACKED",
};

static const char *const dccp_states[] = {
	"NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT",
	"IGNORE", "INVALID",
};

static const struct {
	uint8_t		number;
	const char	*name;
} protocol_names[] = {
	{ IPPROTO_ICMP, "icmp" }, { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
	{ IPPROTO_DCCP, "dccp" }, { IPPROTO_GRE, "gre" }, { IPPROTO_ICMPV6, "icmpv6" },
	{ IPPROTO_SCTP, "sctp" }, { IPPROTO_UDPLITE, "udplite" },
};

static uint16_t get16(const uint8_t *at) { return (uint16_t)get_be(at, 2); }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get_be(at, 4); }
static uint64_t get64(const uint8_t *at) { return get_be(at, 8); }

static void set_number(json_t *json, const char *key, uint64_t value)
{
	json_object_set_new(json, key, json_integer((json_int_t)value));
}

/* Text of a helper or a context comes from a peer: '?' for what is not ASCII. */
static json_t *text_json(const uint8_t *text, size_t len)
{
	char copy[256];
	size_t i;

	for (i = 0; i < len && i < sizeof(copy) - 1; i++)
		copy[i] = text[i] < ' ' || text[i] > '~' ? '?' : (char)text[i];
	return json_stringn(copy, i);
}

static json_t *protocol_json(uint8_t protocol)
{
	unsigned int i;

	for (i = 0; i < COUNT(protocol_names); i++)
		if (protocol_names[i].number == protocol)
			return json_string(protocol_names[i].name);
	return json_sprintf("%u", protocol);
}

static void state_json(json_t *json, const char *const *names, unsigned int count, uint8_t state)
{
	json_object_set_new(json, "state", state < count ? json_string(names[state]) :
			    json_sprintf("%u", state));
}

static void address_json(json_t *json, const char *key, uint8_t family, const uint8_t *addr)
{
	char text[ADDRESS_TEXT];

	json_object_set_new(json, key, json_string(address_text(family, addr, text)));
}

static json_t *tuple_json(uint8_t family, uint8_t protocol, const uint8_t *tuple)
{
	unsigned int bytes = address_bytes(family);
	const uint8_t *l4 = tuple + 2 * bytes;
	json_t *json = json_object();

	address_json(json, "src", family, tuple);
	address_json(json, "dst", family, tuple + bytes);
	switch (protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		set_number(json, "id", get16(l4));
		set_number(json, "type", l4[2]);
		set_number(json, "code", l4[3]);
		break;
	case IPPROTO_GRE:
		set_number(json, "srckey", get16(l4));
		set_number(json, "dstkey", get16(l4 + 2));
		break;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		set_number(json, "sport", get16(l4));
		set_number(json, "dport", get16(l4 + 2));
		break;
	default:	/* without ports */
		break;
	}
	return json;
}

static json_t *nat_json(uint8_t family, const uint8_t *value)
{
	json_t *json = json_object();

	address_json(json, "addr", family, value);
	set_number(json, "port", get16(value + address_bytes(family)));
	return json;
}

static json_t *tcp_window_json(const struct gwsync_part_tcp *tcp)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < 2; i++) {
		json_t *json = json_object();

		set_number(json, "end", ntohl(tcp->seen[i].end));
		set_number(json, "maxend", ntohl(tcp->seen[i].maxend));
		set_number(json, "maxwin", ntohl(tcp->seen[i].maxwin));
		set_number(json, "scale", tcp->seen[i].scale);
		set_number(json, "flags", tcp->seen[i].flags);
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *time_wait_json(const struct gwsync_part_time_wait *tcp)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < 2; i++) {
		json_t *json = json_object();

		set_number(json, "end", ntohl(tcp->seen[i].end));
		set_number(json, "scale", tcp->seen[i].scale);
		set_number(json, "flags", tcp->seen[i].flags);
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *labels_json(const uint8_t *labels)
{
	json_t *array = json_array();
	unsigned int bit;

	for (bit = 0; bit < 128; bit++)
		if (labels[bit / 8] & 1 << bit % 8)
			json_array_append_new(array, json_integer(bit));
	return array;
}

/* Least bytes of a part's value, where a part of ours is shorter: malformed. */
static unsigned int part_min(uint8_t type, uint8_t family)
{
	switch (type) {
	case GWSYNC_PART_SNAT:
	case GWSYNC_PART_DNAT:		return address_bytes(family) + 2;
	case GWSYNC_PART_ZONE:		return sizeof(struct gwsync_part_zone);
	case GWSYNC_PART_TCP:		return sizeof(struct gwsync_part_tcp);
	case GWSYNC_PART_TIME_WAIT:	return sizeof(struct gwsync_part_time_wait);
	case GWSYNC_PART_SCTP:		return sizeof(struct gwsync_part_sctp);
	case GWSYNC_PART_DCCP:		return sizeof(struct gwsync_part_dccp);
	case GWSYNC_PART_MARK:		return 4;
	case GWSYNC_PART_LABELS:	return 16;
	case GWSYNC_PART_MASTER:	return 2 * address_bytes(family) + 5;
	case GWSYNC_PART_SEQADJ:	return 2 * sizeof(struct gwsync_part_seqadj);
	case GWSYNC_PART_SYNPROXY:	return sizeof(struct gwsync_part_synproxy);
	case GWSYNC_PART_COUNTERS:	return sizeof(struct gwsync_part_counters);
	case GWSYNC_PART_START:		return 8;
	case GWSYNC_PART_EXPECT:	return sizeof(struct gwsync_part_expect);
	default:			return 0;
	}
}

static void counters_json(json_t *json, const uint8_t *value)
{
	json_t *counters = json_object();

	set_number(counters, "packets", get64(value));
	set_number(counters, "bytes", get64(value + 8));
	set_number(counters, "reply_packets", get64(value + 16));
	set_number(counters, "reply_bytes", get64(value + 24));
	json_object_set_new(json, "counters", counters);
}

static void seqadj_json(json_t *json, const uint8_t *value)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < 2; i++, value += sizeof(struct gwsync_part_seqadj)) {
		json_t *adj = json_object();

		/* offsets are signed */
		set_number(adj, "correction_pos", get32(value));
		set_number(adj, "offset_before", (uint64_t)(int32_t)get32(value + 4));
		set_number(adj, "offset_after", (uint64_t)(int32_t)get32(value + 8));
		json_array_append_new(array, adj);
	}
	json_object_set_new(json, "seqadj", array);
}

static void expect_json(json_t *json, const uint8_t *value)
{
	json_t *array = json_object_get(json, "expectations"), *expect = json_object();

	if (!array) {
		array = json_array();
		json_object_set_new(json, "expectations", array);
	}
	json_object_set_new(expect, "protocol", protocol_json(value[0]));
	set_number(expect, "timeout", get32(value + offsetof(struct gwsync_part_expect, timeout)));
	json_array_append_new(array, expect);
}

static bool part_json(json_t *json, uint8_t family, uint8_t type, const uint8_t *value,
		      size_t len)
{
	if (len < part_min(type, family))
		return false;
	switch (type) {
	case GWSYNC_PART_SNAT:
		json_object_set_new(json, "snat", nat_json(family, value));
		break;
	case GWSYNC_PART_DNAT:
		json_object_set_new(json, "dnat", nat_json(family, value));
		break;
	case GWSYNC_PART_ZONE:
		set_number(json, "zone", get16(value));
		break;
	case GWSYNC_PART_TCP:
		state_json(json, tcp_states, COUNT(tcp_states), value[0]);
		json_object_set_new(json, "window", tcp_window_json((const void *)value));
		break;
	case GWSYNC_PART_TIME_WAIT:
		state_json(json, tcp_states, COUNT(tcp_states), TCP_CONNTRACK_TIME_WAIT);
		json_object_set_new(json, "window", time_wait_json((const void *)value));
		break;
	case GWSYNC_PART_SCTP:
		state_json(json, sctp_states, COUNT(sctp_states), value[0]);
		break;
	case GWSYNC_PART_DCCP:
		state_json(json, dccp_states, COUNT(dccp_states), value[0]);
		break;
	case GWSYNC_PART_MARK:
		set_number(json, "mark", get32(value));
		break;
	case GWSYNC_PART_LABELS:
		json_object_set_new(json, "labels", labels_json(value));
		break;
	case GWSYNC_PART_HELPER:
		json_object_set_new(json, "helper", text_json(value, len));
		break;
	case GWSYNC_PART_MASTER:
		json_object_set_new(json, "master",
				    tuple_json(family,
					       value[2 * address_bytes(family) + 4], value));
		break;
	case GWSYNC_PART_SEQADJ:
		seqadj_json(json, value);
		break;
	case GWSYNC_PART_SECCTX:
		json_object_set_new(json, "secctx", text_json(value, len));
		break;
	case GWSYNC_PART_COUNTERS:
		counters_json(json, value);
		break;
	case GWSYNC_PART_START:
		set_number(json, "start_ns", get64(value));
		break;
	case GWSYNC_PART_EXPECT:
		expect_json(json, value);
		break;
	default:	/* what we have no words for */
		break;
	}
	return true;
}

static json_t *status_json(uint16_t status)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < COUNT(status_names); i++)
		if (status & 1 << i)
			json_array_append_new(array, json_string(status_names[i]));
	return array;
}

json_t *record_json(const void *data, size_t len)
{
	const struct gwsync_record *record = data;
	const uint8_t *at, *end;
	size_t tuple;
	json_t *json;

	if (len < sizeof(*record) || record->version < GWSYNC_RECORD_OLDEST ||
	    record->version > GWSYNC_RECORD_VERSION ||
	    !address_bytes(record->l3num))
		return NULL;
	tuple = 2 * address_bytes(record->l3num) + 4;
	if (ntohs(record->len) > len || ntohs(record->len) < sizeof(*record) + tuple)
		return NULL;
	at = (const uint8_t *)data + sizeof(*record);
	end = (const uint8_t *)data + ntohs(record->len);

	json = json_object();
	json_object_set_new(json, "protocol", protocol_json(record->l4proto));
	set_number(json, "family", record->l3num == AF_INET ? 4 : 6);
	json_object_set_new(json, "original", tuple_json(record->l3num, record->l4proto, at));
	json_object_set_new(json, "status", status_json(ntohs(record->status)));
	set_number(json, "timeout", ntohl(record->timeout));
	for (at += tuple; at < end; at += at[1]) {
		if (end - at < 2 || at[1] < 2 || at[1] > end - at ||
		    !part_json(json, record->l3num, at[0], at + 2, at[1] - 2u)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

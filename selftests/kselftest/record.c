// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/gwsync.h>

#include "record.h"

static uint16_t get16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return ntohs(v);
}

static uint32_t get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

static uint64_t get64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

unsigned int record_len(const uint8_t *rec)
{
	return get16(rec);
}

static unsigned int addr_len(uint8_t l3num)
{
	return l3num == AF_INET6 ? 16 : 4;
}

const uint8_t *record_next(const uint8_t **data, uint32_t *len)
{
	const uint8_t *rec = *data;
	unsigned int n;

	if (*len < sizeof(struct gwsync_record))
		return NULL;
	n = record_len(rec);
	if (n < sizeof(struct gwsync_record) || n > *len || n > GWSYNC_RECORD_MAX)
		return NULL;
	*data += n;
	*len -= n;
	return rec;
}

static void print_addr(FILE *f, uint8_t l3num, const uint8_t *p)
{
	char s[INET6_ADDRSTRLEN];

	fputs(inet_ntop(l3num, p, s, sizeof(s)) ?: "?", f);
}

static void print_tuple(FILE *f, uint8_t l3num, const uint8_t *p)
{
	unsigned int n = addr_len(l3num);

	print_addr(f, l3num, p);
	fprintf(f, ",%u>", get16(p + 2 * n));
	print_addr(f, l3num, p + n);
	fprintf(f, ",%u", get16(p + 2 * n + 2));
}

static void print_hex(FILE *f, const uint8_t *p, unsigned int n)
{
	while (n--)
		fprintf(f, "%02x", *p++);
}

static int print_expect(FILE *f, uint8_t l3num, const uint8_t *v, unsigned int n)
{
	unsigned int a = addr_len(l3num);
	struct gwsync_part_expect e;

	/* head, tuple, mask (address, id), saved address, two counted names */
	if (n < sizeof(e) + (2 * a + 4) + (a + 2) + a + 2)
		return -1;
	memcpy(&e, v, sizeof(e));
	v += sizeof(e);
	fprintf(f, " expect=proto:%u,class:%u,flags:%u,dir:%u,timeout:%u,saved_proto:%u,tuple:",
		e.l4proto, e.class, e.flags, e.dir, ntohl(e.timeout), ntohs(e.saved_proto));
	print_tuple(f, l3num, v);
	v += 2 * a + 4;
	fputs(",mask:", f);
	print_addr(f, l3num, v);
	fprintf(f, ",%u,saved:", get16(v + a));
	v += a + 2;
	print_addr(f, l3num, v);
	v += a;
	fprintf(f, ",helper:%.*s", v[0], v + 1);
	v += 1 + v[0];
	fprintf(f, ",fn:%.*s", v[0], v + 1);
	return 0;
}

static int print_part(FILE *f, uint8_t l3num, uint8_t type, const uint8_t *v, unsigned int n)
{
	unsigned int a = addr_len(l3num);
	int i;

	switch (type) {
	case GWSYNC_PART_SNAT:
	case GWSYNC_PART_DNAT:
		if (n != a + 2)
			return -1;
		fputs(type == GWSYNC_PART_SNAT ? " snat=" : " dnat=", f);
		print_addr(f, l3num, v);
		fprintf(f, ",%u", get16(v + a));
		return 0;
	case GWSYNC_PART_ZONE:
		if (n != sizeof(struct gwsync_part_zone))
			return -1;
		fprintf(f, " zone=%u,%u,%u", get16(v), v[2], v[3]);
		return 0;
	case GWSYNC_PART_TCP:
		if (n != sizeof(struct gwsync_part_tcp))
			return -1;
		fprintf(f, " tcp=%u", v[0]);
		for (i = 0, v++; i < 2; i++, v += 14)
			fprintf(f, ",[%u,%u,%u,%u,%u]", get32(v), get32(v + 4), get32(v + 8),
				v[12], v[13]);
		return 0;
	case GWSYNC_PART_TIME_WAIT:
		if (n != sizeof(struct gwsync_part_time_wait))
			return -1;
		fputs(" tcp=7", f);
		for (i = 0; i < 2; i++, v += 6)
			fprintf(f, ",[%u,%u,%u]", get32(v), v[4], v[5]);
		return 0;
	case GWSYNC_PART_SCTP:
		if (n != sizeof(struct gwsync_part_sctp))
			return -1;
		fprintf(f, " sctp=%u,%u,%u,%u,%u", v[0], v[1], v[2], get32(v + 3), get32(v + 7));
		return 0;
	case GWSYNC_PART_DCCP:
		if (n != sizeof(struct gwsync_part_dccp))
			return -1;
		fprintf(f, " dccp=%u,%u,%u,%" PRIu64, v[0], v[1], v[2], get64(v + 3));
		return 0;
	case GWSYNC_PART_GRE:
		if (n != sizeof(struct gwsync_part_gre))
			return -1;
		fprintf(f, " gre=%u,%u", get32(v), get32(v + 4));
		return 0;
	case GWSYNC_PART_MARK:
		if (n != 4)
			return -1;
		fprintf(f, " mark=%u", get32(v));
		return 0;
	case GWSYNC_PART_LABELS:
		if (n != 16)
			return -1;
		fputs(" labels=", f);
		print_hex(f, v, n);
		return 0;
	case GWSYNC_PART_HELPER:
		fprintf(f, " helper=%.*s", n, v);
		return n ? 0 : -1;
	case GWSYNC_PART_MASTER:
		if (n != 2 * a + 5)
			return -1;
		fputs(" master=", f);
		print_tuple(f, l3num, v);
		fprintf(f, ",%u", v[2 * a + 4]);
		return 0;
	case GWSYNC_PART_SEQADJ:
		if (n != 2 * sizeof(struct gwsync_part_seqadj))
			return -1;
		fputs(" seqadj=", f);
		for (i = 0; i < 2; i++, v += 12)
			fprintf(f, "[%u,%d,%d]", get32(v), (int)get32(v + 4), (int)get32(v + 8));
		return 0;
	case GWSYNC_PART_SECCTX:
		fprintf(f, " secctx=%.*s", n, v);
		return n ? 0 : -1;
	case GWSYNC_PART_SYNPROXY:
		if (n != sizeof(struct gwsync_part_synproxy))
			return -1;
		fprintf(f, " synproxy=%u,%u,%u", get32(v), get32(v + 4), get32(v + 8));
		return 0;
	case GWSYNC_PART_COUNTERS:
		if (n != sizeof(struct gwsync_part_counters))
			return -1;
		fprintf(f, " counters=%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, get64(v),
			get64(v + 8), get64(v + 16), get64(v + 24));
		return 0;
	case GWSYNC_PART_START:
		if (n != 8)
			return -1;
		fprintf(f, " start=%" PRIu64, get64(v));
		return 0;
	case GWSYNC_PART_EXPECT:
		return print_expect(f, l3num, v, n);
	}
	fprintf(f, " part%u=", type);
	print_hex(f, v, n);
	return 0;
}

int record_print(FILE *f, const uint8_t *rec)
{
	const struct gwsync_record *r = (const void *)rec;
	unsigned int len = record_len(rec), off;
	int ret = 0;

	fprintf(f, "%s v%u proto=%u ", r->kind == GWSYNC_RECORD_FLOW ? "flow" :
		r->kind == GWSYNC_RECORD_FLOW_GONE ? "gone" : "kind?", r->version, r->l4proto);
	off = sizeof(*r) + 2 * addr_len(r->l3num) + 4;
	if ((r->l3num != AF_INET && r->l3num != AF_INET6) || off > len) {
		fprintf(f, "BAD\n");
		return -1;
	}
	print_tuple(f, r->l3num, rec + sizeof(*r));
	fprintf(f, " status=0x%x timeout=%u len=%u", ntohs(r->status), ntohl(r->timeout), len);
	while (off < len) {
		const uint8_t *p = rec + off;

		if (off + 2 > len || p[1] < 2 || off + p[1] > len ||
		    print_part(f, r->l3num, p[0], p + 2, p[1] - 2)) {
			fputs(" BAD", f);
			ret = -1;
			break;
		}
		off += p[1];
	}
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "craft.h"

void craft_put(struct craft *r, const void *p, unsigned int n)
{
	memcpy(r->data + r->len, p, n);
	r->len += n;
}

void craft_put8(struct craft *r, uint8_t v)
{
	craft_put(r, &v, 1);
}

void craft_put16(struct craft *r, uint16_t v)
{
	v = htons(v);
	craft_put(r, &v, 2);
}

void craft_put32(struct craft *r, uint32_t v)
{
	v = htonl(v);
	craft_put(r, &v, 4);
}

void craft_seal(struct craft *r)
{
	r->data[0] = r->len >> 8;
	r->data[1] = r->len;
	r->part[r->parts] = r->len;
}

void craft_part(struct craft *r, uint8_t type, uint8_t value_len)
{
	r->part[r->parts++] = r->len;
	craft_put8(r, type);
	craft_put8(r, value_len + 2);
}

void craft_head(struct craft *r, uint8_t kind, uint8_t l3num, uint8_t proto, uint16_t sport)
{
	static const uint8_t v4[] = { 10, 9, 0, 1, 10, 9, 0, 2 };
	static const uint8_t v6[32] = { 0xfd, 9, [15] = 1, 0xfd, 9, [31] = 2 };

	memset(r, 0, sizeof(*r));
	craft_put16(r, 0);
	craft_put8(r, GWSYNC_RECORD_VERSION);
	craft_put8(r, kind);
	craft_put8(r, l3num);
	craft_put8(r, proto);
	craft_put16(r, 0x0e);		/* seen reply, assured, confirmed */
	craft_put32(r, 600);
	craft_put(r, l3num == AF_INET6 ? v6 : v4, l3num == AF_INET6 ? 32 : 8);
	craft_put16(r, sport);
	craft_put16(r, 80);
}

void craft_full(struct craft *r, uint8_t l3num, uint16_t sport)
{
	int i;

	craft_head(r, GWSYNC_RECORD_FLOW, l3num, IPPROTO_TCP, sport);
	craft_part(r, GWSYNC_PART_ZONE, 4);
	craft_put32(r, 0x00030300);	/* zone 3, both directions */
	craft_part(r, GWSYNC_PART_TCP, sizeof(struct gwsync_part_tcp));
	craft_put8(r, 3);
	for (i = 0; i < 2; i++) {
		craft_put32(r, 1000);
		craft_put32(r, 65000);
		craft_put32(r, 64000);
		craft_put16(r, 0x0703);
	}
	craft_part(r, GWSYNC_PART_MARK, 4);
	craft_put32(r, 42);
	craft_part(r, GWSYNC_PART_LABELS, 16);
	for (i = 0; i < 16; i++)
		craft_put8(r, i);
	craft_part(r, GWSYNC_PART_COUNTERS, 32);
	for (i = 0; i < 8; i++)
		craft_put32(r, i);
	craft_part(r, GWSYNC_PART_START, 8);
	craft_put32(r, 0x17000000);
	craft_put32(r, 0);
	craft_seal(r);
}

void craft_control(struct craft *r, uint8_t kind, uint8_t bucket, unsigned int len)
{
	memset(r, 0, sizeof(*r));
	r->data[2] = GWSYNC_RECORD_VERSION;
	r->data[3] = kind;
	r->data[sizeof(struct gwsync_record)] = bucket;
	r->len = len;
	craft_seal(r);
}

// SPDX-License-Identifier: GPL-2.0
/* Frames that say where an address is, and where a MAC is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "vrouter/announce.h"

/* Sum of 16 bit words, RFC 1071: over correct data all ones. */
static uint16_t sum(const uint8_t *at, size_t len, uint32_t start)
{
	size_t i;

	for (i = 0; i < len; i += 2)
		start += (uint32_t)(at[i] << 8 | at[i + 1]);
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return (uint16_t)start;
}

static void test_announce(void **state)
{
	static const uint8_t mac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 7 };
	static const uint8_t arp_head[] = { 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t v4[16] = { 192, 0, 2, 1 }, v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	uint8_t frame[ANNOUNCE_FRAME];

	(void)state;
	assert_int_equal(announce_frame(AF_INET, v4, mac, frame), 42);
	assert_memory_equal(frame, "\xff\xff\xff\xff\xff\xff", 6);
	assert_memory_equal(frame + 6, mac, 6);
	assert_memory_equal(frame + 12, arp_head, sizeof(arp_head));
	assert_memory_equal(frame + 22, mac, 6);
	assert_memory_equal(frame + 28, v4, 4);
	assert_memory_equal(frame + 38, v4, 4);

	assert_int_equal(announce_frame(AF_INET6, v6, mac, frame), 86);
	assert_memory_equal(frame, "\x33\x33\x00\x00\x00\x01", 6);
	assert_int_equal(frame[14 + 7], 255);			/* RFC 4861, 7.1.2 */
	assert_memory_equal(frame + 14 + 8, v6, 16);
	assert_int_equal(frame[14 + 40], 136);
	assert_int_equal(frame[14 + 40 + 4], 0xa0);
	assert_memory_equal(frame + 14 + 40 + 8, v6, 16);
	assert_memory_equal(frame + 80, mac, 6);
	assert_int_equal(sum(frame + 14 + 8, 32 + 32, 58 + 32), 0xffff);

	assert_int_equal(announce_frame(1, v4, mac, frame), 0);
}

/* An empty datagram that nobody but switches takes notice of. */
static void test_source(void **state)
{
	static const uint8_t mac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 7 };
	static const uint8_t group[4] = { 224, 255, 0, 116 }, v4[4] = { 192, 0, 2, 1 };
	static const uint8_t none[4];
	uint8_t frame[ANNOUNCE_FRAME];
	uint32_t to;

	(void)state;
	memcpy(&to, group, 4);
	assert_int_equal(announce_source(v4, mac, to, 8116, frame), 42);
	assert_memory_equal(frame, "\x01\x00\x5e\x7f\x00\x74", 6);
	assert_memory_equal(frame + 6, mac, 6);
	assert_memory_equal(frame + 12, "\x08\x00\x45", 3);
	assert_int_equal(frame[14 + 8], 1);			/* TTL */
	assert_memory_equal(frame + 14 + 12, v4, 4);
	assert_memory_equal(frame + 14 + 16, group, 4);
	assert_int_equal(sum(frame + 14, 20, 0), 0xffff);
	assert_memory_equal(frame + 34, "\x1f\xb4\x1f\xb4\x00\x08\x00\x00", 8);
	/* A virtual router without IPv4 */
	assert_int_equal(announce_source(NULL, mac, to, 8116, frame), 42);
	assert_memory_equal(frame + 14 + 12, none, 4);
	assert_int_equal(sum(frame + 14, 20, 0), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announce),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests_name("announce", tests, NULL, NULL);
}

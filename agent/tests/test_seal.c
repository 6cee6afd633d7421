// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "wire/frame.h"
#include "wire/seal.h"

#define BOOT	0x1122334455667788ULL
#define COUNTER	0x0102030405060708ULL

static const uint8_t keys[3][SEAL_KEY_BYTES] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } };

#define SALT	"\xa1\xa2\xa3\xa4\xa5\xa6"

static uint8_t version = FRAME_VERSION;

/* A datagram of @body bytes as its sender makes it; its length. */
static size_t make(const struct seal *seal, uint8_t sender, uint8_t *datagram, size_t body)
{
	struct frame_head head = {
		.version = version, .type = FRAME_DATA, .sealed = seal->keys > 0,
		.group = seal->group, .sender = sender, .key_id = seal->key_id[0],
		.boot_id = BOOT, .counter = COUNTER,
	};
	struct seal_subkeys subkeys;

	memcpy(head.salt, SALT, FRAME_SALT_BYTES);
	seal_derive(seal, sender, BOOT, &subkeys);
	frame_encode_head(&head, datagram);
	for (size_t i = 0; i < body; i++)
		datagram[frame_head_bytes(&head) + i] = (uint8_t)(i * 7);
	return seal_close(seal, &subkeys, &head, datagram, body);
}

static enum seal_error open_as(const struct seal *seal, uint8_t sender, uint64_t boot_id,
			       uint64_t counter, const uint8_t *datagram, size_t len,
			       uint8_t *body, size_t *body_len)
{
	struct frame_head head = {
		.version = datagram[2], .sealed = !(datagram[3] & 0x80), .key_id = datagram[6],
		.counter = counter,
	};
	struct seal_subkeys subkeys;

	if (head.version != FRAME_VERSION_OLD)
		memcpy(head.salt, datagram + FRAME_HEAD_BYTES_OLD, FRAME_SALT_BYTES);
	seal_derive(seal, sender, boot_id, &subkeys);
	return seal_open(seal, &subkeys, &head, datagram, len, body, body_len);
}

static void test_round_trip(void **state)
{
	static const size_t lens[] = { 1, 15, 16, 17, 63, 64, 65, 1400, FRAME_BODY_MAX };
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX];
	struct seal seal;

	(void)state;
	assert_int_equal(seal_init(&seal, 7, keys, 1), 0);
	for (size_t n = 0; n < sizeof(lens) / sizeof(lens[0]); n++) {
		size_t len = make(&seal, 3, datagram, lens[n]), body_len;

		assert_int_equal(len, FRAME_HEAD_BYTES + lens[n] + FRAME_TAG_BYTES);
		assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len, body, &body_len),
				 SEAL_OK);
		assert_int_equal(body_len, lens[n]);
		for (size_t i = 0; i < body_len; i++)
			assert_int_equal(body[i], (uint8_t)(i * 7));
	}
	seal_wipe(&seal);
	for (size_t i = 0; i < sizeof(seal); i++)
		assert_int_equal(((uint8_t *)&seal)[i], 0);
}

/* Written from Documentation/protocol.rst, not from seal.c. */
static void as_documented(size_t head, const char *nonce)
{
	static const uint8_t label[] = "gwsync datagram 1", id_label[] = "gwsync key id 1";
	uint8_t input[28], subkey[32], id[16], datagram[FRAME_MAX], body[64];
	unsigned long long body_len;
	struct seal seal;
	size_t len;

	assert_int_equal(seal_init(&seal, 7, keys, 1), 0);
	len = make(&seal, 3, datagram, 40);

	memcpy(input, label, 18);
	input[18] = 7;
	input[19] = 3;
	memcpy(input + 20, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	crypto_generichash(subkey, 32, input, 28, keys[0], 32);
	assert_int_equal(crypto_aead_chacha20poly1305_ietf_decrypt(body, &body_len, NULL,
								   datagram + head, len - head,
								   datagram, head,
								   (const uint8_t *)nonce,
								   subkey), 0);
	assert_int_equal(body_len, 40);
	assert_int_equal(body[39], (uint8_t)(39 * 7));

	crypto_generichash(id, 16, id_label, 16, keys[0], 32);
	assert_int_equal(datagram[6], id[0] ? id[0] : 1);
}

static void test_as_documented(void **state)
{
	(void)state;
	as_documented(30, SALT "\x03\x04\x05\x06\x07\x08");
	version = FRAME_VERSION_OLD;
	as_documented(24, "\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08");
	version = FRAME_VERSION;
}

/* That two of them are the same by chance happens once in 139 billion runs. */
static void test_salt(void **state)
{
	uint8_t salt[64][FRAME_SALT_BYTES];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		seal_salt(salt[i]);
	for (size_t i = 0; i < 64; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(salt[i], salt[j], FRAME_SALT_BYTES);
}

static void test_truncated(void **state)
{
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX];
	size_t len, body_len;
	struct seal seal;

	(void)state;
	assert_int_equal(seal_init(&seal, 7, keys, 1), 0);
	len = make(&seal, 3, datagram, 60);
	for (size_t cut = FRAME_HEAD_BYTES; cut < len; cut++)
		assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, cut, body, &body_len),
				 SEAL_ERROR_TAG);
	datagram[len] = 0;
	assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len + 1, body, &body_len),
			 SEAL_ERROR_TAG);
}

/* Every bit of head, body and tag is covered. */
static void test_every_bit(void **state)
{
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX];
	size_t len, body_len;
	struct seal seal;

	(void)state;
	assert_int_equal(seal_init(&seal, 7, keys, 1), 0);
	len = make(&seal, 3, datagram, 60);
	for (size_t bit = 0; bit < len * 8; bit++) {
		datagram[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len, body,
					     &body_len), SEAL_OK);
		datagram[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len, body, &body_len),
			 SEAL_OK);
}

static void test_subkeys_differ(void **state)
{
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX];
	struct seal seal, other_group, other_key;
	size_t len, body_len;

	(void)state;
	assert_int_equal(seal_init(&seal, 7, keys, 1), 0);
	assert_int_equal(seal_init(&other_group, 8, keys, 1), 0);
	assert_int_equal(seal_init(&other_key, 7, keys + 1, 1), 0);
	other_key.key_id[0] = seal.key_id[0];
	len = make(&seal, 3, datagram, 60);
#define OPEN(seal, sender, boot, counter) \
	open_as(seal, sender, boot, counter, datagram, len, body, &body_len)
	assert_int_equal(OPEN(&seal, 3, BOOT, COUNTER), SEAL_OK);
	assert_int_equal(OPEN(&seal, 4, BOOT, COUNTER), SEAL_ERROR_TAG);
	assert_int_equal(OPEN(&seal, 3, BOOT + 1, COUNTER), SEAL_ERROR_TAG);
	assert_int_equal(OPEN(&seal, 3, BOOT, COUNTER + 1), SEAL_ERROR_TAG);
	assert_int_equal(OPEN(&other_group, 3, BOOT, COUNTER), SEAL_ERROR_TAG);
	assert_int_equal(OPEN(&other_key, 3, BOOT, COUNTER), SEAL_ERROR_TAG);
#undef OPEN
}

/* old -> old + new -> new + old -> new: neighbours always understand another. */
static void test_rollover(void **state)
{
	static const unsigned int stages[4][3] = { { 1, 0, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
						   { 1, 1, 1 } };
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX];
	struct seal stage[4];
	size_t len, body_len;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		uint8_t two[2][SEAL_KEY_BYTES];

		memcpy(two[0], keys[stages[i][1]], SEAL_KEY_BYTES);
		memcpy(two[1], keys[stages[i][2]], SEAL_KEY_BYTES);
		assert_int_equal(seal_init(&stage[i], 7,
					   (const uint8_t (*)[SEAL_KEY_BYTES])two,
					   stages[i][0]), 0);
	}
	assert_int_not_equal(stage[0].key_id[0], stage[3].key_id[0]);

	for (unsigned int from = 0; from < 4; from++) {
		len = make(&stage[from], 3, datagram, 60);
		for (unsigned int to = 0; to < 4; to++) {
			enum seal_error err = open_as(&stage[to], 3, BOOT, COUNTER, datagram, len,
						      body, &body_len);
			unsigned int apart = from > to ? from - to : to - from;

			if (apart <= 1)
				assert_int_equal(err, SEAL_OK);
			else if (apart == 3)
				assert_int_equal(err, SEAL_ERROR_KEY);
		}
	}
}

/* The key id is one byte, so two keys may share it: both are tried. */
static void test_key_id_collision(void **state)
{
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX], two[2][SEAL_KEY_BYTES] = { { 1, 2, 3 } };
	struct seal seal, first, second;
	size_t len, body_len;

	(void)state;
	assert_int_equal(seal_init(&first, 7, (const uint8_t (*)[SEAL_KEY_BYTES])two, 1), 0);
	for (unsigned int i = 0;; i++) {
		assert_true(i < 65536);
		two[1][0] = 99;
		two[1][1] = (uint8_t)i;
		two[1][2] = (uint8_t)(i >> 8);
		assert_int_equal(seal_init(&second, 7,
					   (const uint8_t (*)[SEAL_KEY_BYTES])two + 1, 1), 0);
		if (second.key_id[0] == first.key_id[0])
			break;
	}
	assert_int_equal(seal_init(&seal, 7, (const uint8_t (*)[SEAL_KEY_BYTES])two, 2), 0);
	len = make(&second, 3, datagram, 60);
	assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len, body, &body_len),
			 SEAL_OK);
	assert_int_equal(body[59], (uint8_t)(59 * 7));
	len = make(&first, 3, datagram, 60);
	assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len, body, &body_len),
			 SEAL_OK);
}

static void test_auth_none(void **state)
{
	uint8_t datagram[FRAME_MAX], body[FRAME_MAX];
	struct seal seal, none;
	size_t len, body_len;

	(void)state;
	assert_int_equal(seal_init(&seal, 7, keys, 1), 0);
	assert_int_equal(seal_init(&none, 7, NULL, 0), 0);
	len = make(&none, 3, datagram, 60);
	assert_int_equal(len, FRAME_HEAD_BYTES + 60);
	assert_int_equal(open_as(&none, 3, BOOT, COUNTER, datagram, len, body, &body_len),
			 SEAL_OK);
	assert_int_equal(body_len, 60);
	/* Neither mode believes the other. */
	assert_int_equal(open_as(&seal, 3, BOOT, COUNTER, datagram, len, body, &body_len),
			 SEAL_ERROR_MODE);
	len = make(&seal, 3, datagram, 60);
	assert_int_equal(open_as(&none, 3, BOOT, COUNTER, datagram, len, body, &body_len),
			 SEAL_ERROR_MODE);
}

static void test_bad_arguments(void **state)
{
	struct seal seal;

	(void)state;
	assert_int_equal(seal_init(&seal, 0, keys, 1), -EINVAL);
	assert_int_equal(seal_init(&seal, 7, keys, 3), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_as_documented),
		cmocka_unit_test(test_salt),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_subkeys_differ),
		cmocka_unit_test(test_rollover),
		cmocka_unit_test(test_key_id_collision),
		cmocka_unit_test(test_auth_none),
		cmocka_unit_test(test_bad_arguments),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}

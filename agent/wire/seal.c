// SPDX-License-Identifier: GPL-2.0
/* Sealing of datagrams with libsodium. */
#include <errno.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <sodium.h>

#include "base/big_endian.h"
#include "wire/frame.h"
#include "wire/seal.h"

_Static_assert(crypto_aead_chacha20poly1305_IETF_KEYBYTES == SEAL_KEY_BYTES, "key size");
_Static_assert(crypto_aead_chacha20poly1305_IETF_ABYTES == FRAME_TAG_BYTES, "tag size");

/* What each derivation is for: no two inputs are ever the same. */
static const char context_subkey[] = "gwsync datagram 1";
static const char context_key_id[] = "gwsync key id 1";

/* Names a key in the head, so that a receiver need not try each one.  A hint
 * and not a secret: two keys may share it.
 */
static uint8_t derive_key_id(const uint8_t key[SEAL_KEY_BYTES])
{
	uint8_t hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)context_key_id,
			   sizeof(context_key_id), key, SEAL_KEY_BYTES);
	return hash[0] ? hash[0] : 1;
}

int seal_init(struct seal *seal, uint8_t group,
	      const uint8_t (*key)[SEAL_KEY_BYTES], unsigned int keys)
{
	if (keys > SEAL_KEYS || !group)
		return -EINVAL;
	if (sodium_init() < 0)
		return -EIO;

	memset(seal, 0, sizeof(*seal));
	seal->group = group;
	seal->keys = keys;
	for (unsigned int i = 0; i < keys; i++) {
		memcpy(seal->key[i], key[i], SEAL_KEY_BYTES);
		seal->key_id[i] = derive_key_id(key[i]);
	}
	return 0;
}

void seal_wipe(struct seal *seal)
{
	sodium_memzero(seal, sizeof(*seal));
}

void seal_random(void *buf, size_t len)
{
	randombytes_buf(buf, len);
}

void seal_derive(const struct seal *seal, uint8_t sender, uint64_t boot_id,
		 struct seal_subkeys *subkeys)
{
	uint8_t input[sizeof(context_subkey) + 1 + 1 + 8];
	uint8_t *p = input;

	memcpy(p, context_subkey, sizeof(context_subkey));
	p += sizeof(context_subkey);
	*p++ = seal->group;
	*p++ = sender;
	put_be(p, boot_id, 8);

	memset(subkeys, 0, sizeof(*subkeys));
	for (unsigned int i = 0; i < seal->keys; i++)
		crypto_generichash(subkeys->key[i], SEAL_KEY_BYTES, input, sizeof(input),
				   seal->key[i], SEAL_KEY_BYTES);
}

#ifdef __x86_64__
/* Asked once: in a guest the hypervisor answers, which takes its time. */
static bool processor_has_random(void)
{
	static enum { UNKNOWN, NO, YES } has;
	unsigned int eax, ebx, ecx, edx;

	if (has == UNKNOWN)
		has = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & bit_RDRND ? YES : NO;
	return has == YES;
}

__attribute__((target("rdrnd")))
static bool processor_random(uint64_t *value)
{
	unsigned long long got;

	if (!processor_has_random())
		return false;
	for (int tries = 0; tries < 10; tries++)
		/* All ones is what some processors give after a suspend, always. */
		if (__builtin_ia32_rdrand64_step(&got) && got != UINT64_MAX) {
			*value = got;
			return true;
		}
	return false;
}
#else
static bool processor_random(uint64_t *value)
{
	(void)value;
	return false;
}
#endif

/* Some at once: a system call for each datagram would be felt. */
static void pool_salt(uint8_t *salt)
{
	static uint8_t pool[64 * FRAME_SALT_BYTES];
	static size_t used = sizeof(pool);

	if (used == sizeof(pool)) {
		randombytes_buf(pool, sizeof(pool));
		used = 0;
	}
	memcpy(salt, pool + used, FRAME_SALT_BYTES);
	used += FRAME_SALT_BYTES;
}

void seal_salt(uint8_t *salt)
{
	uint64_t value;

	if (processor_random(&value))
		memcpy(salt, &value, FRAME_SALT_BYTES);
	else
		pool_salt(salt);
}

/* The counter's upper 16 bits have no room: 2^48 datagrams are 89 years at
 * 100,000 a second.
 */
static void make_nonce(uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES],
		       const struct frame_head *head)
{
	uint8_t counter[8];

	put_be(counter, head->counter, 8);
	memset(nonce, 0, crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
	if (head->version == FRAME_VERSION_OLD) {
		memcpy(nonce + 4, counter, 8);
		return;
	}
	memcpy(nonce, head->salt, FRAME_SALT_BYTES);
	memcpy(nonce + FRAME_SALT_BYTES, counter + 2, 6);
}

size_t seal_close(const struct seal *seal, const struct seal_subkeys *subkeys,
		  const struct frame_head *head, uint8_t *datagram, size_t body)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
	size_t at = frame_head_bytes(head);
	uint8_t *text = datagram + at;

	if (!seal->keys)
		return at + body;

	make_nonce(nonce, head);
	crypto_aead_chacha20poly1305_ietf_encrypt_detached(text, text + body, NULL, text, body,
							   datagram, at, NULL, nonce,
							   subkeys->key[0]);
	return at + body + FRAME_TAG_BYTES;
}

enum seal_error seal_check(const struct seal *seal, const struct frame_head *head)
{
	if (head->sealed != !!seal->keys)
		return SEAL_ERROR_MODE;
	if (!head->sealed)
		return SEAL_OK;
	for (unsigned int i = 0; i < seal->keys; i++)
		if (seal->key_id[i] == head->key_id)
			return SEAL_OK;
	return SEAL_ERROR_KEY;
}

enum seal_error seal_open(const struct seal *seal, const struct seal_subkeys *subkeys,
			  const struct frame_head *head, const uint8_t *datagram, size_t len,
			  uint8_t *body, size_t *body_len)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
	enum seal_error err = seal_check(seal, head);
	size_t at = frame_head_bytes(head);
	const uint8_t *text = datagram + at;
	size_t text_len;

	if (err != SEAL_OK)
		return err;
	if (len < at + (head->sealed ? FRAME_TAG_BYTES : 0))
		return SEAL_ERROR_TAG;

	if (!head->sealed) {
		*body_len = len - at;
		memcpy(body, text, *body_len);
		return SEAL_OK;
	}

	text_len = len - at - FRAME_TAG_BYTES;
	make_nonce(nonce, head);
	for (unsigned int i = 0; i < seal->keys; i++) {
		if (seal->key_id[i] != head->key_id)
			continue;
		if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(body, NULL, text, text_len,
								       text + text_len, datagram,
								       at, nonce,
								       subkeys->key[i]) == 0) {
			*body_len = text_len;
			return SEAL_OK;
		}
	}
	return SEAL_ERROR_TAG;
}

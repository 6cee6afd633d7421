// SPDX-License-Identifier: GPL-2.0
/* Sealing of datagrams with libsodium. */
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "frame.h"
#include "seal.h"

_Static_assert(crypto_aead_chacha20poly1305_IETF_KEYBYTES == SEAL_KEY_BYTES, "key size");
_Static_assert(crypto_aead_chacha20poly1305_IETF_ABYTES == FRAME_TAG_BYTES, "tag size");

/* What each derivation is for: no two inputs are ever the same. */
static const char context_subkey[] = "gwsync datagram 1";
static const char context_key_id[] = "gwsync key id 1";

static void put_be64(uint8_t *buf, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		buf[i] = (uint8_t)value;
}

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
	put_be64(p, boot_id);

	memset(subkeys, 0, sizeof(*subkeys));
	for (unsigned int i = 0; i < seal->keys; i++)
		crypto_generichash(subkeys->key[i], SEAL_KEY_BYTES, input, sizeof(input),
				   seal->key[i], SEAL_KEY_BYTES);
}

static void make_nonce(uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES],
		       uint64_t counter)
{
	memset(nonce, 0, crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
	put_be64(nonce + crypto_aead_chacha20poly1305_IETF_NPUBBYTES - 8, counter);
}

size_t seal_close(const struct seal *seal, const struct seal_subkeys *subkeys,
		  uint64_t counter, uint8_t *datagram, size_t body)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
	uint8_t *text = datagram + FRAME_HEAD_BYTES;

	if (!seal->keys)
		return FRAME_HEAD_BYTES + body;

	make_nonce(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt_detached(text, text + body, NULL,
							   text, body,
							   datagram, FRAME_HEAD_BYTES,
							   NULL, nonce, subkeys->key[0]);
	return FRAME_HEAD_BYTES + body + FRAME_TAG_BYTES;
}

enum seal_error seal_check(const struct seal *seal, bool sealed, uint8_t key_id)
{
	if (sealed != !!seal->keys)
		return SEAL_ERROR_MODE;
	if (!sealed)
		return SEAL_OK;
	for (unsigned int i = 0; i < seal->keys; i++)
		if (seal->key_id[i] == key_id)
			return SEAL_OK;
	return SEAL_ERROR_KEY;
}

enum seal_error seal_open(const struct seal *seal, const struct seal_subkeys *subkeys,
			  const uint8_t *datagram, size_t len, bool sealed, uint8_t key_id,
			  uint64_t counter, uint8_t *body, size_t *body_len)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
	const uint8_t *text = datagram + FRAME_HEAD_BYTES;
	enum seal_error err = seal_check(seal, sealed, key_id);
	size_t text_len;

	if (err != SEAL_OK)
		return err;
	if (len < FRAME_HEAD_BYTES + (sealed ? FRAME_TAG_BYTES : 0))
		return SEAL_ERROR_TAG;

	if (!sealed) {
		*body_len = len - FRAME_HEAD_BYTES;
		memcpy(body, text, *body_len);
		return SEAL_OK;
	}

	text_len = len - FRAME_HEAD_BYTES - FRAME_TAG_BYTES;
	make_nonce(nonce, counter);
	for (unsigned int i = 0; i < seal->keys; i++) {
		if (seal->key_id[i] != key_id)
			continue;
		if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(body, NULL, text, text_len,
								       text + text_len, datagram,
								       FRAME_HEAD_BYTES, nonce,
								       subkeys->key[i]) == 0) {
			*body_len = text_len;
			return SEAL_OK;
		}
	}
	return SEAL_ERROR_TAG;
}

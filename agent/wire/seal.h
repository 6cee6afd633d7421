/* SPDX-License-Identifier: GPL-2.0 */
/* Sealing of datagrams: ChaCha20-Poly1305 (RFC 8439) under subkeys.
 *
 * A subkey belongs to one group, sender and boot id, so a counter is a nonce
 * that no key sees twice, as long as the machine's memory does not come again.
 * It does when a snapshot of the machine is loaded; so half of the nonce is a
 * salt that is drawn for each datagram, from where a snapshot does not reach.
 *
 * Two keys may be known at once: the first seals, both open.  With no key
 * ("auth none") nothing is sealed.
 */
#ifndef GWSYNC_AGENT_SEAL_H
#define GWSYNC_AGENT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame_head;

#define SEAL_KEY_BYTES	32
#define SEAL_KEYS	2

struct seal {
	unsigned int	keys;			/* 0: auth none */
	uint8_t		group;
	uint8_t		key_id[SEAL_KEYS];	/* 1..255 */
	uint8_t		key[SEAL_KEYS][SEAL_KEY_BYTES];
};

/* Subkeys of one sender and boot id, one a key. */
struct seal_subkeys {
	uint8_t		key[SEAL_KEYS][SEAL_KEY_BYTES];
};

enum seal_error {
	SEAL_OK,
	SEAL_ERROR_MODE,	/* sealed where auth none is configured, or the reverse */
	SEAL_ERROR_KEY,		/* sealed with a key unknown here */
	SEAL_ERROR_TAG,		/* forged or damaged */
};

/**
 * seal_init() - take the group's keys
 * @seal: filled
 * @group: group id, part of every subkey
 * @key: @keys keys; the first seals
 * @keys: 0 (auth none), 1 or 2
 *
 * Return: 0, -EINVAL, or -EIO when libsodium cannot start.
 */
int seal_init(struct seal *seal, uint8_t group,
	      const uint8_t (*key)[SEAL_KEY_BYTES], unsigned int keys);
void seal_wipe(struct seal *seal);

/**
 * seal_random() - fill with bytes that nobody can guess (boot ids)
 */
void seal_random(void *buf, size_t len);

/**
 * seal_salt() - draw the salt of one datagram
 * @salt: FRAME_SALT_BYTES
 *
 * From the processor where it has a random number instruction: the kernel's
 * generator is memory, and a snapshot that is loaded twice gives the same twice,
 * until the kernel is told (vmgenid).
 */
void seal_salt(uint8_t *salt);

/**
 * seal_derive() - subkeys of a sender's boot id
 * @seal: the group's keys
 * @sender: member id
 * @boot_id: of its daemon start
 * @subkeys: filled; zero with auth none
 */
void seal_derive(const struct seal *seal, uint8_t sender, uint64_t boot_id,
		 struct seal_subkeys *subkeys);

/**
 * seal_close() - seal the body of a datagram in place
 * @seal: the group's keys
 * @subkeys: the sender's own
 * @head: of the datagram; its counter is never the same twice for these subkeys
 * @datagram: head, then @body bytes of body, then room for the tag
 * @body: bytes
 *
 * Return: length of the whole datagram.
 */
size_t seal_close(const struct seal *seal, const struct seal_subkeys *subkeys,
		  const struct frame_head *head, uint8_t *datagram, size_t body);

/**
 * seal_check() - may this head be opened at all?
 * @seal: the group's keys
 * @head: the head
 *
 * Cheap: for use before subkeys are derived.
 *
 * Return: SEAL_OK, SEAL_ERROR_MODE or SEAL_ERROR_KEY.
 */
enum seal_error seal_check(const struct seal *seal, const struct frame_head *head);

/**
 * seal_open() - verify a datagram and open its body
 * @seal: the group's keys
 * @subkeys: the sender's
 * @head: of the datagram, frame_decode_head() has taken it
 * @datagram: as received
 * @len: bytes; shorter than head and tag is SEAL_ERROR_TAG
 * @body: at least @len bytes; not @datagram, for a second key may have to try
 * @body_len: length of the opened body
 *
 * Return: SEAL_OK, or why it was refused; @body means nothing then.
 */
enum seal_error seal_open(const struct seal *seal, const struct seal_subkeys *subkeys,
			  const struct frame_head *head, const uint8_t *datagram, size_t len,
			  uint8_t *body, size_t *body_len);

#endif

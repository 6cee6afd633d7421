// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <string.h>
#include <sys/socket.h>

#include <sodium.h>

#include "config/address.h"
#include "neigh/key.h"

#define KEY_HEAD	8

uint32_t neigh_name_id(const char *name)
{
	static const uint8_t key[crypto_shorthash_siphash24_KEYBYTES];
	uint64_t out;

	crypto_shorthash_siphash24((unsigned char *)&out, (const unsigned char *)name,
				   strlen(name), key);
	return (uint32_t)le64toh(out);
}

void neigh_key_write(struct neigh_key *key, uint32_t name_id, uint8_t vrid,
		     enum neigh_role role, uint8_t family, const uint8_t *addr)
{
	uint32_t id = htobe32(name_id);

	key->bytes[0] = (uint8_t)role;
	key->bytes[1] = family == AF_INET ? 4 : 6;
	key->bytes[2] = vrid;
	key->bytes[3] = 0;
	memcpy(key->bytes + 4, &id, 4);
	memcpy(key->bytes + KEY_HEAD, addr, address_bytes(family));
	key->len = KEY_HEAD + address_bytes(family);
}

uint8_t neigh_key_family(const uint8_t *key)
{
	return key[1] == 4 ? AF_INET : AF_INET6;
}

const uint8_t *neigh_key_addr(const uint8_t *key)
{
	return key + KEY_HEAD;
}

bool neigh_mac_is_hosts(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return !(mac[0] & 1) && memcmp(mac, none, 6);
}

bool neigh_record_valid(void *of, const uint8_t *key, size_t key_len, const uint8_t *value,
			size_t value_len)
{
	(void)of;
	if (key_len < KEY_HEAD || value_len != NEIGH_VALUE || key[0] >= __NEIGH_ROLE_MAX ||
	    (key[1] != 4 && key[1] != 6) || key[3])
		return false;
	if (key_len != KEY_HEAD + address_bytes(neigh_key_family(key)))
		return false;
	return !address_unfit(neigh_key_family(key), neigh_key_addr(key),
			      8 * address_bytes(neigh_key_family(key))) &&
	       !(value[0] & ~NEIGH_ROUTER) && !value[1] && neigh_mac_is_hosts(value + 2);
}

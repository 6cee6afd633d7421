/* SPDX-License-Identifier: GPL-2.0 */
/* Key and value of a neighbour in records.
 *
 *	key:	0  u8   role, enum neigh_role	value:	0  u8   flags, NEIGH_ROUTER
 *		1  u8   4 or 6				1  u8   0
 *		2  u8   vrid				2  MAC
 *		3  u8   0
 *		4  u32  virtual router's name, see neigh_name_id(); big endian
 *		8  4 or 16 bytes of the address
 */
#ifndef GWSYNC_AGENT_NEIGH_KEY_H
#define GWSYNC_AGENT_NEIGH_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEIGH_KEY_MAX	24
#define NEIGH_VALUE	8
#define NEIGH_ROUTER	(1 << 0)

enum neigh_role {
	NEIGH_MACVLAN,		/* ours: down on backups */
	/* Up on backups too: what their kernels learned by themselves is better.  Where it
	 * has an address of its own in the LAN, an owner sends by it: see MACVLAN_METRIC.
	 */
	NEIGH_PARENT,		/* with vrid 0 one that has no virtual router, by its name */

	__NEIGH_ROLE_MAX
};

struct neigh_key {
	uint8_t		bytes[NEIGH_KEY_MAX];
	size_t		len;
};

/* What a virtual router, or an interface without one, is called by: names are the same on
 * all members.
 */
uint32_t neigh_name_id(const char *name);

void neigh_key_write(struct neigh_key *key, uint32_t name_id, uint8_t vrid,
		     enum neigh_role role, uint8_t family, const uint8_t *addr);
uint8_t neigh_key_family(const uint8_t *key);
const uint8_t *neigh_key_addr(const uint8_t *key);

/* Of one host: not of a group, not nobody's. */
bool neigh_mac_is_hosts(const uint8_t mac[6]);

/* May a record of another member say that?  See struct store_ops. */
bool neigh_record_valid(void *of, const uint8_t *key, size_t key_len, const uint8_t *value,
			size_t value_len);

#endif

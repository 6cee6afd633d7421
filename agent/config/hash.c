// SPDX-License-Identifier: GPL-2.0
/* Numbers by which members notice that their files do not say the same. */
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include <sodium.h>

#include "config/config.h"

/* A name with its length, so that two names are not one longer one. */
static void hash_text(crypto_generichash_state *state, const char *text)
{
	uint8_t len = (uint8_t)strlen(text);

	crypto_generichash_update(state, &len, 1);
	crypto_generichash_update(state, (const uint8_t *)text, len);
}

static void hash_number(crypto_generichash_state *state, uint64_t number)
{
	uint8_t bytes[8];
	unsigned int i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> 8 * i);
	crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void hash_routers(crypto_generichash_state *state, const struct config *config)
{
	unsigned int i, j;

	for (i = 0; i < config->vrouters; i++) {
		const struct config_vrouter *vrouter = &config->vrouter[i];

		hash_text(state, vrouter->name);
		hash_number(state, vrouter->vrid);
		crypto_generichash_update(state, vrouter->mac, sizeof(vrouter->mac));
		for (j = 0; j < vrouter->addresses; j++) {
			hash_number(state, vrouter->address[j].family);
			hash_number(state, vrouter->address[j].prefix_len);
			crypto_generichash_update(state, vrouter->address[j].addr,
						  sizeof(vrouter->address[j].addr));
		}
		hash_number(state, vrouter->addresses);
	}
}

static void hash_members(crypto_generichash_state *state, const struct config *config)
{
	const struct config_member *member;

	for (member = config->members; member->id; member++) {
		hash_number(state, member->id);
		hash_text(state, member->name);
	}
}

static void hash_filter(crypto_generichash_state *state, const struct config_filter *filter)
{
	unsigned int i;

	for (i = 0; i < filter->protocols; i++)
		hash_number(state, filter->protocol[i]);
	hash_number(state, filter->protocols);
	for (i = 0; i < filter->zones; i++)
		hash_number(state, filter->zone[i]);
	hash_number(state, filter->zones);
	for (i = 0; i < filter->marks; i++) {
		hash_number(state, filter->mark[i].value);
		hash_number(state, filter->mark[i].mask);
	}
	hash_number(state, filter->marks);
	for (i = 0; i < filter->prefixes; i++) {
		hash_number(state, filter->prefix[i].family);
		hash_number(state, filter->prefix[i].len);
		crypto_generichash_update(state, (const uint8_t *)filter->prefix[i].addr,
					  sizeof(filter->prefix[i].addr));
	}
	hash_number(state, filter->prefixes);
	for (i = 0; i < filter->ports; i++) {
		hash_number(state, filter->port[i].protocol);
		hash_number(state, ntohs(filter->port[i].port));
	}
	hash_number(state, filter->ports);
	hash_number(state, filter->tcp_states);
	hash_number(state, filter->own_addresses);
}

/* Not what each may choose by its own hardware: batches, rates and rings. */
static void hash_state(crypto_generichash_state *state, const struct config *config)
{
	hash_number(state, config->sync_state);
	hash_number(state, config->hold_ms);
	hash_filter(state, &config->filter);
	/* Unlike all of these, a member of an older version has neither. */
	if (config->labels != GWSYNC_LABELS_AUTO || config->mark_mask != UINT32_MAX) {
		hash_number(state, config->labels);
		hash_number(state, config->mark_mask);
	}
	if (!config->neighbours)
		hash_text(state, "no neighbours");
	if (config->routes.fib)
		hash_text(state, "routes");
	for (unsigned int i = 0; config->routes.fib && i < config->routes.tables; i++)
		hash_text(state, config->routes.table[i]);
	if (config->end_sourceless)
		hash_text(state, "end sourceless");
}

static void hash_timers(crypto_generichash_state *state, const struct config *config)
{
	hash_number(state, config->heartbeat_ms);
	hash_number(state, config->dead_after);
}

void config_hash(const struct config *config, uint32_t hash[__CONFIG_PART_MAX])
{
	static void (*const part[__CONFIG_PART_MAX])(crypto_generichash_state *state,
						     const struct config *config) = {
		[CONFIG_PART_ROUTERS] = hash_routers,
		[CONFIG_PART_MEMBERS] = hash_members,
		[CONFIG_PART_STATE] = hash_state,
		[CONFIG_PART_TIMERS] = hash_timers,
	};
	uint8_t digest[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;
	unsigned int i;

	for (i = 0; i < __CONFIG_PART_MAX; i++) {
		crypto_generichash_init(&state, NULL, 0, sizeof(digest));
		part[i](&state, config);
		crypto_generichash_final(&state, digest, sizeof(digest));
		hash[i] = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
			  (uint32_t)digest[2] << 8 | digest[3];
		if (!hash[i])
			hash[i] = 1;
	}
}

bool config_is_same(const struct config *a, const struct config *b)
{
	size_t before = offsetof(struct config, key);
	size_t after = offsetof(struct config, keys) + sizeof(a->keys);

	/* Both were cleared before they were filled, gaps included. */
	_Static_assert(offsetof(struct config, keys) > offsetof(struct config, key), "order");
	return !memcmp(a, b, before) &&
	       !memcmp((const uint8_t *)a + after, (const uint8_t *)b + after,
		       sizeof(*a) - after);
}

const char *config_part_name(enum config_part part)
{
	static const char *const name[__CONFIG_PART_MAX] = {
		[CONFIG_PART_ROUTERS] = "virtual_routers",
		[CONFIG_PART_MEMBERS] = "members",
		[CONFIG_PART_STATE] = "kernel (hold_ms, filter), sync or daemon.sync_state",
		[CONFIG_PART_TIMERS] = "group.heartbeat_ms or group.dead_after",
	};

	return part < __CONFIG_PART_MAX ? name[part] : "?";
}

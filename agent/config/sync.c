// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <string.h>

#include <linux/gwsync.h>

#include "config/sync.h"

#define FIELD(f) .offset = offsetof(struct config, f)

static void labels_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config *config = base;
	const char *text = reader_string(reader, setting, "\"auto\"");

	if (!text)
		return;
	if (!strcmp(text, "auto"))
		config->labels = GWSYNC_LABELS_AUTO;
	else if (!strcmp(text, "on"))
		config->labels = GWSYNC_LABELS_ON;
	else if (!strcmp(text, "off"))
		config->labels = GWSYNC_LABELS_OFF;
	else
		reader_error(reader, setting,
			     "'%s' is unknown; give \"auto\" (where rules here use labels), \"on\" or \"off\"",
			     text);
}

static void mark_mask_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config *config = base;
	const char *text = reader_string(reader, setting, "\"0xffffffff\"");
	unsigned long long mask;

	if (!text)
		return;
	if (reader_parse_number(text, UINT32_MAX, &mask))
		config->mark_mask = (uint32_t)mask;
	else
		reader_error(reader, setting,
			     "'%s' is no mask of 32 bits; give the bits of connection marks that mean the same on all members, such as \"0x0000ffff\"",
			     text);
}

static void interfaces_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config *config = base;
	int i, count;

	if (!reader_list(reader, setting, CONFIG_NEIGHBOURS_MAX))
		return;
	count = config_setting_length(setting);
	for (i = 0; i < count; i++) {
		const config_setting_t *at = config_setting_get_elem(setting, (unsigned int)i);
		char *name = config->neighbours_on[config->neighbours_ons];
		unsigned int j;

		reader_interface(reader, at, name);
		for (j = 0; j < config->neighbours_ons; j++)
			if (!strcmp(config->neighbours_on[j], name)) {
				reader_error(reader, at, "'%s' is there already; name each once",
					     name);
				name[0] = '\0';
			}
		config->neighbours_ons += !!name[0];
	}
}

void config_sync_read(struct reader *reader, const config_setting_t *setting,
		      struct config *config)
{
	static const struct reader_key keys[] = {
		{ "labels", READER_CUSTOM, .read = labels_read },
		{ "neighbours", READER_BOOL, false, FIELD(neighbours), 0, 0, NULL },
		{ "neighbours_on", READER_CUSTOM, .read = interfaces_read },
		{ "mark_mask", READER_CUSTOM, .read = mark_mask_read },
		{ "end_sourceless", READER_BOOL, false, FIELD(end_sourceless), 0, 0, NULL },
		{ }
	};

	reader_group(reader, setting, keys, config);
}

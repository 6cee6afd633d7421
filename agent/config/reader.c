// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

#define READER_KEY_MAX	128
#define READER_DEPTH	8	/* of groups; deeper ones are errors already */

static void reader_append(struct reader *reader, const char *text)
{
	size_t len = strlen(text), room = reader->size - reader->used;

	if (!reader->size || room <= 1)
		return;
	if (len > room - 1)
		len = room - 1;
	/* A message is one line, whatever the file puts into it. */
	for (; len--; text++)
		reader->text[reader->used++] = (unsigned char)*text < ' ' || *text == 0x7f ?
					       '?' : *text;
	reader->text[reader->used] = '\0';
}

static void reader_newline(struct reader *reader)
{
	if (reader->size - reader->used <= 1)
		return;
	reader->text[reader->used++] = '\n';
	reader->text[reader->used] = '\0';
}

/* "virtual_routers[0].addresses[1]", the innermost parts if it is too long */
static void reader_key_path(const config_setting_t *setting, char path[READER_KEY_MAX])
{
	const config_setting_t *chain[READER_DEPTH];
	unsigned int depth = 0;
	size_t used = 0;

	path[0] = '\0';
	while (setting && config_setting_parent(setting) && depth < READER_DEPTH) {
		chain[depth++] = setting;
		setting = config_setting_parent(setting);
	}
	while (depth--) {
		const char *name = config_setting_name(chain[depth]);
		int len;

		if (name)
			len = snprintf(path + used, READER_KEY_MAX - used, "%s%s",
				       used ? "." : "", name);
		else
			len = snprintf(path + used, READER_KEY_MAX - used, "[%d]",
				       config_setting_index(chain[depth]));
		if (len < 0 || (size_t)len >= READER_KEY_MAX - used)
			return;
		used += (size_t)len;
	}
}

static void reader_verror(struct reader *reader, unsigned int line, const char *key,
			  const char *fmt, va_list ap)
{
	char head[READER_KEY_MAX + 32], text[512];

	reader->errors++;
	vsnprintf(text, sizeof(text), fmt, ap);
	reader_append(reader, reader->path);
	if (line)
		snprintf(head, sizeof(head), ":%u: ", line);
	else
		snprintf(head, sizeof(head), ": ");
	reader_append(reader, head);
	if (key && *key) {
		snprintf(head, sizeof(head), "%s: ", key);
		reader_append(reader, head);
	}
	reader_append(reader, text);
	reader_newline(reader);
}

void reader_error_line(struct reader *reader, unsigned int line, const char *key,
		       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reader_verror(reader, line, key, fmt, ap);
	va_end(ap);
}

void reader_error(struct reader *reader, const config_setting_t *setting, const char *fmt, ...)
{
	char key[READER_KEY_MAX] = "";
	va_list ap;

	if (setting)
		reader_key_path(setting, key);
	va_start(ap, fmt);
	reader_verror(reader, setting ? setting->line : 0, key, fmt, ap);
	va_end(ap);
}

static const char *reader_type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:		return "a whole number";
	case CONFIG_TYPE_FLOAT:		return "a fraction";
	case CONFIG_TYPE_STRING:	return "a string";
	case CONFIG_TYPE_BOOL:		return "true or false";
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:		return "a list";
	default:			return "nothing";
	}
}

bool reader_number(struct reader *reader, const config_setting_t *setting,
		   long long min, long long max, long long *value)
{
	int type = config_setting_type(setting);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
		reader_error(reader, setting,
			     "is %s; give a whole number %lld..%lld without quotes",
			     reader_type_name(setting), min, max);
		return false;
	}
	*value = type == CONFIG_TYPE_INT ? config_setting_get_int(setting)
					 : config_setting_get_int64(setting);
	if (*value < min || *value > max) {
		reader_error(reader, setting, "%lld is out of range; give %lld..%lld",
			     *value, min, max);
		return false;
	}
	return true;
}

const char *reader_string(struct reader *reader, const config_setting_t *setting,
			  const char *example)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return config_setting_get_string(setting);
	reader_error(reader, setting, "is %s; give a string in quotes%s%s",
		     reader_type_name(setting), *example ? " such as " : "", example);
	return NULL;
}

bool reader_list(struct reader *reader, const config_setting_t *setting, int max)
{
	int type = config_setting_type(setting);

	if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY) {
		reader_error(reader, setting, "is %s; give a list: ( ... )",
			     reader_type_name(setting));
		return false;
	}
	if (config_setting_length(setting) > max) {
		reader_error(reader, setting, "has %d entries; give at most %d",
			     config_setting_length(setting), max);
		return false;
	}
	return true;
}

bool reader_parse_number(const char *text, unsigned long long max, unsigned long long *value)
{
	char *end;

	/* strtoull() takes signs and spaces. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	return !errno && !*end && *value <= max;
}

static void reader_scalar(struct reader *reader, const config_setting_t *setting,
			  const struct reader_key *key, void *base)
{
	char *field = (char *)base + key->offset;
	const char *text;
	long long value;

	switch (key->type) {
	case READER_U8:
		if (reader_number(reader, setting, key->min, key->max, &value))
			*(uint8_t *)field = (uint8_t)value;
		break;
	case READER_U16:
		if (reader_number(reader, setting, key->min, key->max, &value)) {
			uint16_t v = (uint16_t)value;

			memcpy(field, &v, sizeof(v));
		}
		break;
	case READER_U32:
		if (reader_number(reader, setting, key->min, key->max, &value)) {
			uint32_t v = (uint32_t)value;

			memcpy(field, &v, sizeof(v));
		}
		break;
	case READER_BOOL:
		if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
			*(bool *)field = config_setting_get_bool(setting);
		else
			reader_error(reader, setting, "is %s; give true or false without quotes",
				     reader_type_name(setting));
		break;
	case READER_STRING:
		text = reader_string(reader, setting, "");
		if (!text)
			break;
		if (!*text || strlen(text) >= (size_t)key->max)
			reader_error(reader, setting, "has %zu characters; give 1..%lld",
				     strlen(text), key->max - 1);
		else
			memcpy(field, text, strlen(text) + 1);
		break;
	case READER_CUSTOM:
		key->read(reader, setting, base);
		break;
	}
}

static void reader_unknown(struct reader *reader, const config_setting_t *setting,
			   const struct reader_key *keys)
{
	char known[384] = "";
	size_t used = 0;

	for (; keys->name; keys++) {
		int len = snprintf(known + used, sizeof(known) - used, "%s%s",
				   used ? ", " : "", keys->name);

		if (len < 0 || (size_t)len >= sizeof(known) - used)
			break;
		used += (size_t)len;
	}
	reader_error(reader, setting, "unknown key; known here: %s", known);
}

void reader_group(struct reader *reader, const config_setting_t *setting,
		  const struct reader_key *keys, void *base)
{
	const struct reader_key *key;
	int i;

	if (!config_setting_is_group(setting)) {
		reader_error(reader, setting, "is %s; give a group: { ... }",
			     reader_type_name(setting));
		return;
	}
	for (i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *child = config_setting_get_elem(setting, (unsigned int)i);
		const char *name = config_setting_name(child);

		for (key = keys; key->name; key++)
			if (name && !strcmp(name, key->name))
				break;
		if (key->name)
			reader_scalar(reader, child, key, base);
		else
			reader_unknown(reader, child, keys);
	}
	for (key = keys; key->name; key++) {
		char path[READER_KEY_MAX], full[2 * READER_KEY_MAX];

		if (!key->required || config_setting_get_member(setting, key->name))
			continue;
		reader_key_path(setting, path);
		snprintf(full, sizeof(full), "%s%s%s", path, *path ? "." : "", key->name);
		reader_error_line(reader, setting->line, full, "is missing; add it here");
	}
}

static bool interface_valid(const char *name)
{
	size_t len = strlen(name), i;

	if (!len || len >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] == '/' || name[i] == ':' || name[i] > '~')
			return false;
	return true;
}

void reader_interface(struct reader *reader, const config_setting_t *setting, char *field)
{
	const char *name = reader_string(reader, setting, "\"eth0\"");

	if (!name)
		return;
	if (interface_valid(name))
		memcpy(field, name, strlen(name) + 1);
	else
		reader_error(reader, setting,
			     "'%s' is no interface name; give one of 'ip link', at most %d characters",
			     name, IFNAMSIZ - 1);
}

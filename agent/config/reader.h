/* SPDX-License-Identifier: GPL-2.0 */
/* Reader: groups of a libconfig file by tables of keys; collects every error. */
#ifndef GWSYNC_AGENT_READER_H
#define GWSYNC_AGENT_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <libconfig.h>

struct reader {
	const char	*path;
	char		*text;		/* of the errors, one a line */
	size_t		size, used;
	unsigned int	errors;
};

enum reader_type {
	READER_U8,
	READER_U16,
	READER_U32,
	READER_BOOL,
	READER_STRING,		/* max: size of the buffer */
	READER_CUSTOM,		/* read() does it all */
};

struct reader_key {
	const char		*name;
	enum reader_type	type;
	bool			required;
	size_t			offset;		/* in the structure filled */
	long long		min, max;	/* of a number */
	void			(*read)(struct reader *reader,
					const config_setting_t *setting, void *base);
};

/* "file:line: key: text"; @setting gives line and key, NULL: none. */
void reader_error(struct reader *reader, const config_setting_t *setting,
		  const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void reader_error_line(struct reader *reader, unsigned int line, const char *key,
		       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Fills @base from the group @setting; a key that is not in @keys (ends with
 * a NULL name) is an error, and so is a required one that is missing.
 */
void reader_group(struct reader *reader, const config_setting_t *setting,
		  const struct reader_key *keys, void *base);

/* True if @setting is a list or array of at most @max elements. */
bool reader_list(struct reader *reader, const config_setting_t *setting, int max);

/* NULL and an error if @setting is no string. */
const char *reader_string(struct reader *reader, const config_setting_t *setting,
			  const char *example);
/* The name of an interface, which may not be there; @field has IFNAMSIZ bytes. */
void reader_interface(struct reader *reader, const config_setting_t *setting, char *field);
bool reader_number(struct reader *reader, const config_setting_t *setting,
		   long long min, long long max, long long *value);

/* Whole unsigned number in decimal or 0x hex, nothing before or behind it. */
bool reader_parse_number(const char *text, unsigned long long max, unsigned long long *value);

#endif

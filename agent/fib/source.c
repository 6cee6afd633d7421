// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "fib/route.h"
#include "fib/source.h"

struct source *sources_get(struct sources *s, const char *name)
{
	uint32_t id = fib_table_id(name);
	struct source *source;
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (s->source[i].id == id)
			return &s->source[i];
	if (s->count == FIB_TABLES)
		return NULL;
	source = &s->source[s->count];
	snprintf(source->name, sizeof(source->name), "%s", name);
	source->id = id;
	source->copies = FIB_TABLE + s->count++;
	return source;
}

const struct source *sources_by_id(const struct sources *s, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (s->source[i].id == id)
			return &s->source[i];
	return NULL;
}

const struct source *sources_by_number(const struct sources *s, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (s->source[i].number && s->source[i].number == number)
			return &s->source[i];
	return NULL;
}

const struct source *sources_by_copies(const struct sources *s, uint32_t number)
{
	return number - FIB_TABLE < s->count ? &s->source[number - FIB_TABLE] : NULL;
}

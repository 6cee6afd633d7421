// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/log.h"
#include "config/address.h"
#include "config/config.h"
#include "vrouter/former.h"

#define FORMER_LINE	128	/* of the file */

static int former_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct former_address));
}

static void former_sort(struct former_address *address, unsigned int count)
{
	qsort(address, count, sizeof(*address), former_compare);
}

static bool former_is_in(const struct former_address *address,
			 const struct former_address *sorted, unsigned int count)
{
	return bsearch(address, sorted, count, sizeof(*sorted), former_compare);
}

static struct former *formers_find(struct formers *f, const struct former_address *address)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		if (!former_compare(&f->former[i].address, address))
			return &f->former[i];
	return NULL;
}

static void formers_forget(struct formers *f, struct former *former)
{
	*former = f->former[--f->count];
}

static void formers_gone(struct formers *f, const struct former_address *address,
			 uint64_t gone_ns)
{
	struct former *former = formers_find(f, address);
	unsigned int i;

	if (!former && f->count < FORMERS_MAX)
		former = &f->former[f->count++];
	for (i = 0; !former && i < f->count; i++)
		if (f->former[i].done)
			former = &f->former[i];
	if (!former) {
		former = &f->former[0];
		for (i = 1; i < f->count; i++)
			if (f->former[i].gone_ns < former->gone_ns)
				former = &f->former[i];
	}
	*former = (struct former){ .address = *address, .gone_ns = gone_ns };
}

/* What no flow is translated to, and what comes and goes with each interface. */
static bool former_is_no_source(uint8_t family, const uint8_t *addr)
{
	return address_is_link_local(family, addr) ||
	       address_unfit(family, addr, 8 * address_bytes(family));
}

void formers_add(struct formers *f, uint8_t family, const uint8_t *addr)
{
	struct former_address *address = &f->has[f->has_count];

	if (!address_bytes(family) || former_is_no_source(family, addr))
		return;
	if (f->has_count == FORMER_ADDRESSES) {
		f->cut = true;
		return;
	}
	memset(address, 0, sizeof(*address));
	address->family = family;
	memcpy(address->addr, addr, address_bytes(family));
	f->has_count++;
}

void formers_begin(struct formers *f)
{
	unsigned int i, j;

	f->has_count = 0;
	f->cut = false;
	for (i = 0; i < f->config->vrouters; i++)
		for (j = 0; j < f->config->vrouter[i].addresses; j++)
			formers_add(f, f->config->vrouter[i].address[j].family,
				    f->config->vrouter[i].address[j].addr);
}

void formers_end(struct formers *f, uint64_t now_ns)
{
	unsigned int i;

	former_sort(f->has, f->has_count);
	for (i = 0; i < f->count;) {
		if (former_is_in(&f->former[i].address, f->has, f->has_count))
			formers_forget(f, &f->former[i]);
		else
			i++;
	}
	/* One that found no room has not gone. */
	if (f->cut)
		return;
	for (i = 0; i < f->had_count; i++)
		if (!former_is_in(&f->had[i], f->has, f->has_count))
			formers_gone(f, &f->had[i], now_ns);
	memcpy(f->had, f->has, f->has_count * sizeof(*f->has));
	f->had_count = f->has_count;
}

const struct former *formers_due(struct formers *f, uint64_t now_ns, uint64_t since_ns)
{
	unsigned int i;

	for (i = 0; i < f->count;) {
		struct former *former = &f->former[i];
		uint64_t from_ns = former->gone_ns > since_ns ? former->gone_ns : since_ns;

		if (elapsed_ns(now_ns, former->gone_ns) > FORMER_KEEP_NS) {
			formers_forget(f, former);
			continue;
		}
		if (!former->done && elapsed_ns(now_ns, from_ns) >= FORMER_GRACE_NS)
			return former;
		i++;
	}
	return NULL;
}

void formers_done(struct formers *f, const struct former_address *address, uint32_t flows,
		  bool ended)
{
	struct former *former = formers_find(f, address);

	if (!former)
		return;
	former->done = true;
	former->ended = ended;
	former->flows = flows;
}

/* The file: a line "had ADDRESS" for each virtual address, a line "gone SECONDS ADDRESS"
 * for each that has gone, by the time of day.
 */

static bool formers_line(struct formers *f, char *line, uint64_t now_ns, time_t now)
{
	struct former_address address = { 0 };
	char *text, *end;
	uint64_t gone_ns = 0, age_ns;
	uint8_t prefix_len;
	long long gone;

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "gone ", 5)) {
		gone = strtoll(line + 5, &end, 10);
		if (*end != ' ' || gone < 0)
			return false;
		text = end + 1;
		/* A clock that went back makes it young. */
		age_ns = now > gone ? (uint64_t)(now - gone) * NSEC_PER_SEC : 0;
		if (age_ns > FORMER_KEEP_NS)
			return true;
		/* Before this machine was up: that long ago is good enough. */
		gone_ns = age_ns < now_ns ? now_ns - age_ns : 1;
	} else if (!strncmp(line, "had ", 4)) {
		text = line + 4;
	} else {
		return false;
	}
	if (!address_parse(text, &address.family, &prefix_len, address.addr))
		return false;
	if (former_is_no_source(address.family, address.addr))
		return true;
	if (gone_ns)
		formers_gone(f, &address, gone_ns);
	else if (f->had_count < FORMER_ADDRESSES)
		f->had[f->had_count++] = address;
	return true;
}

void formers_load(struct formers *f, const struct config *config, const char *path,
		  uint64_t now_ns, time_t now)
{
	FILE *file = fopen(path, "re");
	char line[FORMER_LINE];
	bool fine = true;

	memset(f, 0, sizeof(*f));
	f->config = config;
	if (!file) {
		if (errno != ENOENT)
			log_warning("%s: %s; which addresses have gone is not known", path,
				    strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file))
		fine &= formers_line(f, line, now_ns, now);
	fclose(file);
	if (!fine)
		log_warning("%s: is damaged; lines of it are passed over", path);
	former_sort(f->had, f->had_count);
}

static void formers_write(const struct formers *f, FILE *file, uint64_t now_ns, time_t now)
{
	const struct config *config = f->config;
	char text[ADDRESS_TEXT];
	unsigned int i, j;

	for (i = 0; i < config->vrouters; i++)
		for (j = 0; j < config->vrouter[i].addresses; j++)
			fprintf(file, "had %s\n", address_text(config->vrouter[i].address[j].family,
							       config->vrouter[i].address[j].addr,
							       text));
	for (i = 0; i < f->count; i++) {
		const struct former *former = &f->former[i];
		uint64_t ago = elapsed_ns(now_ns, former->gone_ns) / NSEC_PER_SEC;

		if (!former->done)
			fprintf(file, "gone %lld %s\n", (long long)now - (long long)ago,
				address_text(former->address.family, former->address.addr, text));
	}
}

int formers_save(const struct formers *f, const char *path, uint64_t now_ns, time_t now)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	int err;

	if (!file)
		return -ENOMEM;
	formers_write(f, file, now_ns, now);
	err = fclose(file) ? -ENOMEM : file_replace(path, text, len);
	free(text);
	return err;
}

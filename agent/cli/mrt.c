// SPDX-License-Identifier: GPL-2.0
/* routes --mrt: the RIB of one table as RFC 6396 has it (TABLE_DUMP_V2), which bgpdump reads. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/big_endian.h"
#include "cli/cli.h"
#include "cli/routes.h"
#include "config/address.h"

#define MRT_TABLE_DUMP_V2	13
#define MRT_PEER_INDEX_TABLE	1
/* RFC 8050: with a path id in each entry. */
#define MRT_IPV4_ADDPATH	8
#define MRT_IPV6_ADDPATH	10
#define MRT_HEAD		12
#define MRT_PEER_AS4		0x02	/* its address is of IPv4 */

/* Head, sequence, prefix, and one entry with all the attributes that a message may have. */
#define MRT_RECORD_MAX		(MRT_HEAD + 4 + 17 + 2 + 12 + 65535)

struct mrt {
	const struct cli	*cli;
	FILE			*file;
	uint32_t		now_s, sequence;
	int			err;	/* the file could not be written: errno */
	bool			odd;	/* an answer was not understood */
	size_t			len;
	uint8_t			record[MRT_RECORD_MAX];
};

static void put(struct mrt *m, uint64_t value, size_t bytes)
{
	put_be(m->record + m->len, value, bytes);
	m->len += bytes;
}

static void put_bytes(struct mrt *m, const void *bytes, size_t len)
{
	memcpy(m->record + m->len, bytes, len);
	m->len += len;
}

static void record_begin(struct mrt *m, unsigned int subtype)
{
	m->len = 0;
	put(m, m->now_s, 4);
	put(m, MRT_TABLE_DUMP_V2, 2);
	put(m, subtype, 2);
	put(m, 0, 4);
}

static void record_end(struct mrt *m)
{
	put_be(m->record + 8, m->len - MRT_HEAD, 4);
	if (!m->err && fwrite(m->record, m->len, 1, m->file) != 1)
		m->err = errno;
}

static void put_address(struct mrt *m, const char *text)
{
	struct in_addr addr = { 0 };

	inet_pton(AF_INET, text, &addr);
	put_bytes(m, &addr, sizeof(addr));
}

/* RFC 6396 section 4.3.1: the routing daemon is the only peer, the table is the view. */
static void peer_index(struct mrt *m, const json_t *session)
{
	const char *view = cli_string(session, "table");

	record_begin(m, MRT_PEER_INDEX_TABLE);
	put_address(m, cli_string(session, "router_id"));
	put(m, strlen(view), 2);
	put_bytes(m, view, strlen(view));
	put(m, 1, 2);
	put(m, MRT_PEER_AS4, 1);
	put_address(m, cli_string(session, "neighbour_id"));
	put_address(m, cli_string(session, "neighbour"));
	put(m, (uint64_t)cli_number(session, "as"), 4);
	record_end(m);
}

/* Return: false: that is no text of bytes, or of too many. */
static bool put_hex(struct mrt *m, const char *hex)
{
	size_t bytes;

	if (sodium_hex2bin(m->record + m->len, sizeof(m->record) - m->len, hex, strlen(hex), NULL,
			   &bytes, NULL))
		return false;
	m->len += bytes;
	return true;
}

/* Return: false: it is none. */
static bool put_prefix(struct mrt *m, const char *prefix)
{
	uint8_t family, bits, addr[16];

	if (!address_parse(prefix, &family, &bits, addr))
		return false;
	put(m, bits, 1);
	put_bytes(m, addr, (bits + 7) / 8);
	return true;
}

/* Section 4.3.2: a record a path, so that they need not be sorted by their prefixes. */
static void path_seen(void *arg, json_t *one)
{
	const char *prefix = cli_string(one, "prefix");
	struct mrt *m = arg;
	size_t at;

	record_begin(m, strchr(prefix, ':') ? MRT_IPV6_ADDPATH : MRT_IPV4_ADDPATH);
	put(m, m->sequence++, 4);
	if (!put_prefix(m, prefix)) {
		m->odd = true;
		return;
	}
	put(m, 1, 2);		/* entries */
	put(m, 0, 2);		/* of this peer */
	put(m, m->now_s, 4);	/* nobody said since when it has it */
	put(m, (uint64_t)cli_number(one, "path_id"), 4);
	at = m->len;
	put(m, 0, 2);
	if (!put_hex(m, cli_string(one, "attribute_bytes"))) {
		m->odd = true;
		return;
	}
	put_be(m->record + at, m->len - at - 2, 2);
	record_end(m);
}

/* The session of @table; NULL after a message. */
static json_t *session_of(const struct cli *cli, const char *table)
{
	json_t *status = cli_ask_command(cli, "status"), *found = NULL, *one;
	const json_t *bgp = json_object_get(status, "bgp");
	size_t i;

	if (!status)
		return NULL;
	json_array_foreach(bgp, i, one)
		if (table ? !strcmp(cli_string(one, "table"), table) : json_array_size(bgp) == 1)
			found = json_incref(one);
	if (!found)
		cli_error(cli, !json_array_size(bgp) ?
			  "this host keeps no RIB: give the list bgp in gwsync.conf" :
			  "a file has one table: give it with --table");
	json_decref(status);
	return found;
}

static bool dump(struct mrt *m, const json_t *session)
{
	const char *table = cli_string(session, "table");
	json_t *request = json_pack("{s:s, s:b, s:s}", "command", "routes", "bytes", 1,
				    "table", table);

	m->now_s = (uint32_t)time(NULL);
	peer_index(m, session);
	return cli_pages(m->cli, request, "routes", path_seen, m);
}

int cli_mrt(const struct cli *cli, const char *table, const char *path)
{
	json_t *session = session_of(cli, table);
	struct mrt *m = calloc(1, sizeof(*m));
	int ret = CLI_FAILED;
	bool asked;

	if (!session || !m)
		goto out;
	m->cli = cli;
	m->file = strcmp(path, "-") ? fopen(path, "wb") : stdout;
	if (!m->file) {
		cli_error(cli, "%s: %s", path, strerror(errno));
		goto out;
	}
	asked = dump(m, session);
	if ((m->file == stdout ? fflush(stdout) : fclose(m->file)) && !m->err)
		m->err = errno;
	if (m->err || m->odd)
		cli_error(cli, "%s is not whole: %s", path, m->err ? strerror(m->err) :
			  "the daemon's answer is not understood");
	else if (asked)
		ret = CLI_OK;
out:
	free(m);
	json_decref(session);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* routes: each of these asks for all of one kind, page by page, and prints it.  @table and
 * @prefix, as they are printed, may be NULL: all of them.
 */
#ifndef GWSYNC_AGENT_CLI_ROUTES_H
#define GWSYNC_AGENT_CLI_ROUTES_H

struct cli;

/* Paths that the routing daemon told, in its own words. */
int cli_rib(const struct cli *cli, const char *table, const char *prefix);
/* The paths of one table into a file, as RFC 6396 has them; NULL: there is only one. */
int cli_mrt(const struct cli *cli, const char *table, const char *path);
/* What is forwarded by. */
int cli_fib(const struct cli *cli, const char *table, const char *prefix);

#endif

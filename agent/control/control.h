/* SPDX-License-Identifier: GPL-2.0 */
/* The control socket: a JSON object a line in, a JSON object a line out.
 *
 * Request {"command": "status", ...}; answer {"ok": true, ...} or
 * {"ok": false, "error": "text"}.  Clients, sizes and rates are bounded; a
 * slow reader is cut off.  SO_PEERCRED: root, the daemon's own user and the
 * socket's group only.
 */
#ifndef GWSYNC_AGENT_CONTROL_H
#define GWSYNC_AGENT_CONTROL_H

#include <stdbool.h>

#include <jansson.h>

struct control;
struct loop;

/* Returns a new reference; @request is borrowed. "monitor" is served by the
 * client asking "status" again and again.
 */
typedef json_t *(*control_handler)(void *arg, const char *command, const json_t *request);

struct control *control_alloc(struct loop *loop, const char *path,
			      control_handler handler, void *arg, int *err);
void control_free(struct control *control);

/* Does a daemon listen on this control socket? */
bool control_is_served(const char *path);

json_t *control_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

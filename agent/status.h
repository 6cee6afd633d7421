/* SPDX-License-Identifier: GPL-2.0 */
/* What the control socket answers: control_handler for struct group.
 *
 * "status": {"ok": true, "version", "group", "member", "name", "state":
 *	"initialize"|"backup"|"owner", "since_ms", "epoch", "priority" (in effect),
 *	"owner": id or null, "owner_name", "in_sync", "sync": see below,
 *	"healthy", "problems": [text], "auth": "sealed"|"none", "stateless",
 *	"links": [{"interface","sync","state","mtu",...}], "data_link": name or null,
 *	"peers": [see "members"], "virtual_routers": vrouters_json(),
 *	"kernel": {"attached", then kernel_state_json()},
 *	"switchover": {"phase", "to", "result"}}
 *	"sync": {"phase": "none"|"request"|"receive"|"sweep"|"done"|"stateless",
 *	"owner", "walk_id", "since_ms", "lag_frames", "missing_ms", "serving": [id]}
 * "members": {"ok": true, "members": [{"id", "name", "self", "alive", "session",
 *	"state", "epoch", "priority", "healthy", "owner", "in_sync", "stateless",
 *	"sync_link", "last_heard_ms" or null, "since_ms", "lag_frames" (sent to it
 *	and not acked), "served", "links": [names it is heard on]}]}
 * "stats": {"ok": true, "session", "dropped", "transmit", "receive": {name: {}},
 *	"sync", "kernel"}: objects of counters
 * "switchover" {"to": name or id, optional; "force": bool}: {"ok": true, "to",
 *	"epoch"}: begun; its end shows in "status"
 */
#ifndef GWSYNC_AGENT_STATUS_H
#define GWSYNC_AGENT_STATUS_H

#include <jansson.h>

json_t *status_handle(void *arg, const char *command, const json_t *request);

#endif

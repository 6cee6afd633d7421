/* SPDX-License-Identifier: GPL-2.0 */
/* What the control socket answers: control_handler for struct gateway.
 *
 * "status": {"ok": true, "version", "group", "member", "name", "state":
 *	"initialize"|"backup"|"owner", "since_ms", "epoch", "priority" (in effect),
 *	"owner": id or null, "owner_name" or null, "in_sync", "in_sync_since_ms" (how
 *	long that has been so) or null, "sync": see below, "repair": see below,
 *	"healthy", "problems": [text], "auth": "sealed"|"none", "stateless",
 *	"links": [{"interface","sync","state","mtu",...}], "data_link": name or null,
 *	"peers": [see "members"], "virtual_routers": [{"name",
 *	"interface","macvlan","vrid","mac","addresses","held","carrier","problem" or null}],
 *	"would_be_lost" (connections, if this member died now: what waits in the kernel
 *	half, or was not acked by the backup that has most),
 *	"kernel": {"attached", then kernel_state_json()},
 *	"switchover": {"phase", "to": name or null, "result"}}
 *	"sync": {"phase": "none"|"request"|"receive"|"sweep"|"verify"|"done"|
 *	"stateless", "owner": id or null, "walk_id", "since_ms", "lag_frames",
 *	"missing_ms", "refused" (records, since the last full sync), "serving": [id]}
 *	"repair": {"differing" (classes), "rounds", "proven_ms" or null, "repairs",
 *	"last": {"ago_ms", "classes", "cause"} or null}
 *	"tables": [{"name", "phase", "in_sync" or null of an owner, "differing", "refused",
 *	"repairs", "serving": [id], "own", "replicas", of neighbours what else neigh_json() has}]
 * "neighbours" {"cursor": where to go on, optional}: {"ok": true, "more", "cursor",
 *	"neighbours": [neigh_item_json()]}
 * "members": {"ok": true, "members": [{"id", "name", "self", "alive", "session",
 *	"state", "epoch", "priority", "healthy", "owner", "in_sync", "stateless",
 *	"sync_link", "last_heard_ms" or null, "since_ms", "in_sync_since_ms" or null,
 *	"lag_frames" (sent to it and not acked), "lag_ms" (age of the oldest of them)
 *	or null, "served", "repair": its last one by this owner, as "last" above,
 *	or null, "links": [names it is heard on]}]}
 * "stats": {"ok": true, "session", "dropped", "transmit", "receive": {name: {}},
 *	"sync", "kernel"}: objects of counters
 * "switchover" {"to": name or id, optional; "force": bool}: {"ok": true, "to",
 *	"epoch"}: begun; its end shows in "status"
 */
#ifndef GWSYNC_AGENT_STATUS_H
#define GWSYNC_AGENT_STATUS_H

#include <stddef.h>

#include <jansson.h>

/* "backup, epoch 5 of gw1: fine" */
void status_line(void *arg, char *text, size_t size);
json_t *status_handle(void *arg, const char *command, const json_t *request);

#endif

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "control/control.h"
#include "daemon/gateway.h"
#include "daemon/status.h"

#define STATUS_ENTRIES	1000	/* of an answer */

static json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *ids(uint64_t set)
{
	json_t *array = json_array();
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (set >> id & 1)
			json_array_append_new(array, json_integer(id));
	return array;
}

static uint64_t elapsed_ms(uint64_t since_ns)
{
	uint64_t now_ns = loop_clock();

	return elapsed_ns(now_ns, since_ns) / NSEC_PER_MSEC;
}

/* 0: never. */
static json_t *elapsed_or_null(uint64_t since_ns)
{
	return since_ns ? integer(elapsed_ms(since_ns)) : json_null();
}

static json_t *id_or_null(uint8_t id)
{
	return id ? json_integer(id) : json_null();
}

static json_t *name_or_null(const struct gateway *g, uint8_t id)
{
	return id ? json_string(config_member_name(g->config, id)) : json_null();
}

static json_t *link_or_null(const struct gateway *g)
{
	if (g->speaker.data_link == SPEAKER_NO_LINK)
		return json_null();
	return json_string(paths_name(g->speaker.paths, g->speaker.data_link));
}

static json_t *heard_on(const struct gateway *g, const struct peer *peer)
{
	uint64_t dead_ms = member_dead_ns(&g->member.params) / NSEC_PER_MSEC;
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < paths_count(g->speaker.paths); i++)
		if (peer->heard_ns[i] && elapsed_ms(peer->heard_ns[i]) <= dead_ms)
			json_array_append_new(array, json_string(paths_name(g->speaker.paths, i)));
	return array;
}

/* Of one that is not served nobody knows. */
static json_t *lag_or_null(const struct gateway *g, const struct peer *peer)
{
	if (g->member.state != MEMBER_OWNER || !(g->publish->served & peer->bit))
		return json_null();
	return integer(stream_lag_ns(&g->stream, peer->id) / NSEC_PER_MSEC);
}

/* Since when it is as it is. */
static json_t *own_in_sync_since(const struct gateway *g)
{
	if (g->member.state == MEMBER_OWNER)
		return elapsed_or_null(g->redundant_ns);
	return elapsed_or_null(g->tables.in_sync_ns);
}

/* The election goes by the last judgement; with no owner there is nothing to be in sync
 * with.  An owner is in sync if somebody could go on in its place.
 */
static bool own_in_sync(const struct gateway *g, const struct member_report *report)
{
	unsigned int i;

	if (report->state != MEMBER_OWNER)
		return report->in_sync && (!g->config->sync_state || report->owner);
	for (i = 0; i < g->peers.count; i++)
		if (member_holds_state(&g->member, g->peers.peer[i].id))
			return true;
	return false;
}

/* All connections but those of others.  The kernel half counts what was told, and an
 * owner without backups tells nobody.
 */
static uint64_t own_flows(const json_t *kernel)
{
	FILE *file = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
	uint64_t flows = (uint64_t)json_integer_value(json_object_get(kernel, "flows"));
	uint64_t replicas = (uint64_t)json_integer_value(json_object_get(kernel, "replicas"));
	uint64_t count = 0;
	char line[32];

	if (!file)
		return flows;
	if (fgets(line, sizeof(line), file))
		count = strtoull(line, NULL, 10);
	fclose(file);
	return count > flows + replicas ? count - replicas : flows;
}

/* Connections that end, or go on as something older, if this member dies now: what waits
 * in the kernel half, and what the backup that lacks least has not acked; all, if none is
 * in sync.
 */
static json_t *would_be_lost(const struct gateway *g, const json_t *kernel)
{
	uint64_t least = UINT64_MAX;
	unsigned int i;

	if (g->member.state != MEMBER_OWNER || !g->config->sync_state)
		return integer(0);
	for (i = 0; i < g->peers.count; i++) {
		const struct peer *peer = &g->peers.peer[i];
		uint64_t records;

		if (!(g->publish->served & peer->bit) || !member_holds_state(&g->member, peer->id))
			continue;
		records = stream_lag_records(&g->stream, peer->id);
		if (records < least)
			least = records;
	}
	if (least == UINT64_MAX)
		return integer(own_flows(kernel));
	return integer(least + (uint64_t)json_integer_value(json_object_get(kernel, "waiting")));
}

static json_t *last_repair(uint64_t last_ns, uint32_t classes, const char *cause)
{
	if (!last_ns)
		return json_null();
	return json_pack("{s:I, s:I, s:s}", "ago_ms", (json_int_t)elapsed_ms(last_ns),
			 "classes", (json_int_t)classes, "cause", cause);
}

static json_t *status_repair(const struct gateway *g)
{
	const struct repair *r = &g->replicate->repair;

	return json_pack("{s:I, s:I, s:o, s:I, s:o}",
			 "differing", (json_int_t)r->differing, "rounds", (json_int_t)r->rounds,
			 "proven_ms", elapsed_or_null(r->proven_ns),
			 "repairs", (json_int_t)r->repairs, "last",
			 last_repair(r->last_ns, r->last_classes, r->last_cause));
}

static json_t *status_peer(const struct gateway *g, const struct peer *peer)
{
	const struct member_peer *m = &g->member.peer[peer->id];
	const struct publish_peer *its = &g->publish->peer[peer->id];
	bool served = g->publish->served & peer->bit;
	uint8_t flags = peer->heartbeat.flags;
	json_t *json = json_object();

	json_object_set_new(json, "id", json_integer(peer->id));
	json_object_set_new(json, "name", json_string(peer->name));
	json_object_set_new(json, "self", json_false());
	json_object_set_new(json, "alive", json_boolean(m->alive));
	json_object_set_new(json, "session",
			    json_boolean(session_live(&g->speaker.session, peer->id)));
	json_object_set_new(json, "state",
			    json_string(m->alive ? member_state_name(m->report.state) : "dead"));
	json_object_set_new(json, "epoch", json_integer(m->report.epoch));
	json_object_set_new(json, "priority", json_integer(m->report.priority));
	json_object_set_new(json, "healthy", json_boolean(flags & FRAME_HEARTBEAT_HEALTHY));
	json_object_set_new(json, "health", json_integer(m->report.score));
	/* The highest version of datagrams it has spoken, 0: no session. */
	json_object_set_new(json, "version",
			    json_integer(g->speaker.session.peer[peer->id].version));
	json_object_set_new(json, "hears_us", json_boolean(m->alive && peer->hears));
	json_object_set_new(json, "owner", id_or_null(m->report.owner));
	json_object_set_new(json, "in_sync",
			    json_boolean(member_holds_state(&g->member, peer->id)));
	json_object_set_new(json, "stateless", json_boolean(flags & FRAME_HEARTBEAT_STATELESS));
	json_object_set_new(json, "sync_link", json_boolean(flags & FRAME_HEARTBEAT_SYNC_LINK));
	json_object_set_new(json, "last_heard_ms", elapsed_or_null(peer->last_ns));
	json_object_set_new(json, "since_ms", integer(m->since_ns ? elapsed_ms(m->since_ns) : 0));
	json_object_set_new(json, "in_sync_since_ms", elapsed_or_null(peer->in_sync_ns));
	json_object_set_new(json, "lag_frames",
			    integer(served ? stream_lag(&g->stream, peer->id) : 0));
	json_object_set_new(json, "lag_ms", lag_or_null(g, peer));
	json_object_set_new(json, "served", json_boolean(served));
	json_object_set_new(json, "repair", last_repair(its->repair_ns, its->repair_classes,
							its->repair_cause));
	json_object_set_new(json, "links", heard_on(g, peer));
	return json;
}

static json_t *status_self(const struct gateway *g)
{
	struct member_report report;
	json_t *json = json_object();

	member_report(&g->member, &report);
	json_object_set_new(json, "id", json_integer(g->config->member));
	json_object_set_new(json, "name",
			    json_string(config_member_name(g->config, g->config->member)));
	json_object_set_new(json, "self", json_true());
	json_object_set_new(json, "alive", json_true());
	json_object_set_new(json, "session", json_true());
	json_object_set_new(json, "state", json_string(member_state_name(report.state)));
	json_object_set_new(json, "epoch", json_integer(report.epoch));
	json_object_set_new(json, "priority", json_integer(report.priority));
	json_object_set_new(json, "healthy",
			    json_boolean(g->member.score == MEMBER_SCORE_MAX));
	json_object_set_new(json, "health", json_integer(g->member.score));
	json_object_set_new(json, "version", json_integer(FRAME_VERSION));
	json_object_set_new(json, "owner", id_or_null(report.owner));
	json_object_set_new(json, "in_sync", json_boolean(own_in_sync(g, &report)));
	json_object_set_new(json, "stateless", json_boolean(!g->config->sync_state));
	json_object_set_new(json, "sync_link",
			    json_boolean(g->speaker.data_link != SPEAKER_NO_LINK));
	json_object_set_new(json, "last_heard_ms", json_integer(0));
	json_object_set_new(json, "since_ms", integer(elapsed_ms(g->member.since_ns)));
	json_object_set_new(json, "in_sync_since_ms", own_in_sync_since(g));
	json_object_set_new(json, "lag_frames", json_integer(0));
	json_object_set_new(json, "lag_ms", json_null());
	json_object_set_new(json, "served", json_false());
	json_object_set_new(json, "repair", json_null());
	json_object_set_new(json, "links", json_array());
	return json;
}

/* In the order of the configuration, this member among the others. */
static json_t *status_members(const struct gateway *g, bool self)
{
	const struct config_member *m;
	json_t *array = json_array();

	for (m = g->config->members; m->id; m++) {
		if (g->peers.by_id[m->id])
			json_array_append_new(array, status_peer(g, g->peers.by_id[m->id]));
		else if (self)
			json_array_append_new(array, status_self(g));
	}
	return array;
}

static json_t *status_sync(const struct gateway *g, uint64_t refused)
{
	const struct replicate *r = g->replicate;
	const struct receive *receive = g->stream.receive[r->owner];	/* NULL: no owner */
	uint64_t ack, highest, lag = 0, missing_ms = 0;

	if (receive) {
		ack = receive_ack(receive);
		highest = receive_highest(receive);
		lag = highest > ack ? highest - ack : 0;
		if (receive_missing_since(receive))
			missing_ms = elapsed_ms(receive_missing_since(receive));
	}
	return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o}",
			 "phase", replicate_phase_name(r), "owner", id_or_null(r->owner),
			 "walk_id", (json_int_t)r->walk_id,
			 "since_ms", (json_int_t)(r->since_ns ? elapsed_ms(r->since_ns) : 0),
			 "lag_frames", (json_int_t)lag, "missing_ms", (json_int_t)missing_ms,
			 "refused", (json_int_t)refused,
			 "serving", ids(g->publish->served));
}

/* Each kind of state that is replicated, in the order of the gate. */
static json_t *status_tables(const struct gateway *g)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < g->tables.count; i++) {
		const struct table_halves *halves = &g->tables.halves[i];
		const struct replicate *r = &halves->replicate;
		json_t *table = json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:o}",
					  "name", halves->home.table->name,
					  "phase", replicate_phase_name(r),
					  "in_sync", g->member.state == MEMBER_OWNER ?
					  json_null() : json_boolean(r->in_sync),
					  "differing", (json_int_t)r->repair.differing,
					  "refused", (json_int_t)replicate_refused(r),
					  "repairs", (json_int_t)r->repair.repairs,
					  "serving", ids(halves->publish.served));

		json_object_update_missing_new(table, halves->home.table->json(halves->home.table));
		json_array_append_new(array, table);
	}
	return array;
}

static json_t *status_problems(const struct gateway *g)
{
	struct problem problem[PROBLEMS_MAX];
	unsigned int count = problem_list(g, problem), i;
	json_t *array = json_array();

	for (i = 0; i < count; i++)
		json_array_append_new(array, json_string(problem[i].text));
	return array;
}

static json_t *status_kernel(const struct gateway *g)
{
	json_t *json = g->attach.kernel ? kernel_state_json(g->attach.kernel) : NULL;
	bool attached = json;

	if (!json)
		json = json_object();
	json_object_set_new(json, "attached", json_boolean(attached));
	return json;
}

static json_t *status_status(const struct gateway *g)
{
	const struct switchover *w = &g->switchover;
	json_t *json = json_object(), *switchover, *kernel;
	uint64_t refused = replicate_refused(g->replicate);
	struct member_report report;

	member_report(&g->member, &report);
	json_object_set_new(json, "ok", json_true());
	json_object_set_new(json, "version", json_string(GWSYNC_VERSION));
	json_object_set_new(json, "group", json_integer(g->config->group));
	json_object_set_new(json, "member", json_integer(g->config->member));
	json_object_set_new(json, "name",
			    json_string(config_member_name(g->config, g->config->member)));
	json_object_set_new(json, "state", json_string(member_state_name(report.state)));
	json_object_set_new(json, "since_ms", integer(elapsed_ms(g->member.since_ns)));
	json_object_set_new(json, "epoch", json_integer(report.epoch));
	json_object_set_new(json, "priority", json_integer(report.priority));
	json_object_set_new(json, "owner", id_or_null(g->member.owner));
	json_object_set_new(json, "owner_name", name_or_null(g, g->member.owner));
	json_object_set_new(json, "in_sync", json_boolean(own_in_sync(g, &report)));
	json_object_set_new(json, "in_sync_since_ms", own_in_sync_since(g));
	json_object_set_new(json, "sync", status_sync(g, refused));
	json_object_set_new(json, "repair", status_repair(g));
	json_object_set_new(json, "tables", status_tables(g));
	json_object_set_new(json, "healthy",
			    json_boolean(g->member.score == MEMBER_SCORE_MAX));
	json_object_set_new(json, "health", json_integer(g->member.score));
	json_object_set_new(json, "verdict",
			    json_string(problem_verdict_name(problem_verdict(g))));
	json_object_set_new(json, "problems", status_problems(g));
	json_object_set_new(json, "auth", json_string(g->config->auth_none ? "none" : "sealed"));
	json_object_set_new(json, "stateless", json_boolean(!g->config->sync_state));
	json_object_set_new(json, "links", paths_json(g->speaker.paths));
	json_object_set_new(json, "data_link", link_or_null(g));
	json_object_set_new(json, "peers", status_members(g, false));
	json_object_set_new(json, "virtual_routers", vrouters_json(g->vrouters));
	json_object_set_new(json, "sourceless", sourceless_json(g));
	json_object_set_new(json, "bgp", ribs_json(&g->ribs));
	kernel = status_kernel(g);
	json_object_set_new(json, "would_be_lost", would_be_lost(g, kernel));
	json_object_set_new(json, "kernel", kernel);
	switchover = json_pack("{s:s, s:o, s:s}", "phase", switchover_phase_name(w->phase),
			       "to", name_or_null(g, w->to), "result", w->result);
	json_object_set_new(json, "switchover", switchover);
	return json;
}

static json_t *stats_session(const struct gateway *g)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}",
			 "sent", (json_int_t)g->speaker.session.sent,
			 "accepted", (json_int_t)g->speaker.session.accepted,
			 "present", (json_int_t)g->speaker.session.present,
			 "heartbeats_sent", (json_int_t)g->heartbeat.sent,
			 "heartbeats_heard", (json_int_t)g->heartbeat.heard);
}

static json_t *stats_dropped(const struct gateway *g)
{
	json_t *json = json_object();
	unsigned int drop;

	for (drop = 0; drop < __SESSION_DROP_MAX; drop++)
		json_object_set_new(json, session_drop_name(drop),
				    integer(g->speaker.session.dropped[drop]));
	return json;
}

static json_t *stats_transmit(const struct gateway *g)
{
	const struct transmit_stats *t = transmit_stats(g->stream.transmit);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "frames", (json_int_t)t->frames, "bytes", (json_int_t)t->bytes,
			 "again", (json_int_t)t->again, "nacks", (json_int_t)t->nacks,
			 "nacked", (json_int_t)t->nacked,
			 "suppressed", (json_int_t)t->suppressed,
			 "gone", (json_int_t)t->gone, "full", (json_int_t)t->full,
			 "behind", (json_int_t)t->behind, "bad_acks", (json_int_t)t->bad_acks,
			 "room", (json_int_t)transmit_room(g->stream.transmit));
}

static json_t *stats_receive(const struct gateway *g)
{
	json_t *json = json_object(), *peer;
	unsigned int i;

	for (i = 0; i < g->peers.count; i++) {
		const struct receive *receive = g->stream.receive[g->peers.peer[i].id];
		const struct receive_stats *r = receive_stats(receive);

		peer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				 "delivered", (json_int_t)r->delivered,
				 "duplicates", (json_int_t)r->duplicates,
				 "reordered", (json_int_t)r->reordered,
				 "beyond", (json_int_t)r->beyond,
				 "nacks", (json_int_t)r->nacks,
				 "nacked", (json_int_t)r->nacked,
				 "lost", (json_int_t)r->lost, "bad", (json_int_t)r->bad,
				 "held", (json_int_t)receive_held(receive));
		json_object_set_new(json, g->peers.peer[i].name, peer);
	}
	return json;
}

static json_t *stats_sync(const struct gateway *g)
{
	const struct replicate *r = g->replicate;
	const struct publish *p = g->publish;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "deltas", (json_int_t)p->deltas,
			 "delta_bytes", (json_int_t)p->records_bytes,
			 "applied", (json_int_t)r->applied,
			 "applied_bytes", (json_int_t)r->applied_bytes,
			 "stale", (json_int_t)r->stale,
			 "apply_failed", (json_int_t)r->apply_failed,
			 "full_sent", (json_int_t)p->full_sent,
			 "full_received", (json_int_t)r->full_received,
			 "restarts", (json_int_t)p->restarts + (json_int_t)r->restarts,
			 "limited", (json_int_t)p->limited);
}

static json_t *status_stats(const struct gateway *g)
{
	json_t *kernel = g->attach.kernel ? kernel_stats_json(g->attach.kernel) : NULL;
	json_t *json = json_object();

	json_object_set_new(json, "ok", json_true());
	json_object_set_new(json, "session", stats_session(g));
	json_object_set_new(json, "dropped", stats_dropped(g));
	json_object_set_new(json, "transmit", stats_transmit(g));
	json_object_set_new(json, "receive", stats_receive(g));
	json_object_set_new(json, "sync", stats_sync(g));
	json_object_set_new(json, "kernel", kernel ? kernel : json_object());
	return json;
}

/* A name, or an id in digits if no member has such a name. */
static uint8_t member_by_name(const struct gateway *g, const char *name)
{
	const struct config_member *m;
	unsigned long long id;

	for (m = g->config->members; m->id; m++)
		if (!strcmp(m->name, name))
			return m->id;
	return reader_parse_number(name, GWSYNC_MEMBER_MAX, &id) ? (uint8_t)id : 0;
}

static json_t *status_switchover(struct gateway *g, const json_t *request)
{
	const json_t *to_json = json_object_get(request, "to");
	bool force = json_is_true(json_object_get(request, "force"));
	const char *why = "";
	uint8_t to = 0;

	if (json_is_string(to_json)) {
		to = member_by_name(g, json_string_value(to_json));
		if (!to)
			return control_error("no member is named \"%s\"; see gwsync members",
					     json_string_value(to_json));
	} else if (json_is_integer(to_json)) {
		json_int_t id = json_integer_value(to_json);

		if (id < 1 || id > GWSYNC_MEMBER_MAX)
			return control_error("member ids are 1..%d", GWSYNC_MEMBER_MAX);
		to = (uint8_t)id;
	} else if (to_json && !json_is_null(to_json)) {
		return control_error("\"to\" must be a member's name or id");
	}
	if (switchover_begin(g, to, force, &why))
		return control_error("%s", why);
	g->switchover.asked = true;
	return json_pack("{s:b, s:s, s:I}", "ok", 1,
			 "to", config_member_name(g->config, g->switchover.to),
			 "epoch", (json_int_t)g->switchover.epoch);
}

/* So many at once: an answer has its limit, and the loop has others to serve. */
static json_t *status_entries(const struct stored *stored, const json_t *request)
{
	json_int_t from = json_integer_value(json_object_get(request, "cursor"));
	uint32_t cursor = from > 0 && from <= UINT32_MAX ? (uint32_t)from : 0;
	json_t *some = stored_page(stored, &cursor, STATUS_ENTRIES);

	return json_pack("{s:b, s:b, s:I, s:o}", "ok", 1,
			 "more", json_array_size(some) == STATUS_ENTRIES,
			 "cursor", (json_int_t)cursor, stored->table.name, some);
}

static json_t *status_neighbours(const struct gateway *g, const json_t *request)
{
	if (!g->neighbours.neigh)
		return control_error("neighbours are not replicated here: sync.neighbours or daemon.sync_state is false");
	return status_entries(&g->neighbours.stored, request);
}

static json_t *status_fib(const struct gateway *g, const json_t *request)
{
	if (!g->routes.fib)
		return control_error("routes are not replicated here: routes.fib or daemon.sync_state is false");
	return status_entries(&g->routes.stored, request);
}

void status_line(void *arg, char *text, size_t size)
{
	const struct gateway *g = arg;
	const struct member *m = &g->member;

	snprintf(text, size, "%s, epoch %" PRIu32 "%s%s: %s", member_state_name(m->state),
		 m->epoch, m->state == MEMBER_BACKUP ? " of " : "",
		 m->state == MEMBER_BACKUP ? config_member_name(g->config, m->owner) : "",
		 problem_verdict_name(problem_verdict(g)));
}

json_t *status_handle(void *arg, const char *command, const json_t *request)
{
	struct gateway *g = arg;

	if (!strcmp(command, "status"))
		return status_status(g);
	if (!strcmp(command, "members"))
		return json_pack("{s:b, s:o}", "ok", 1, "members", status_members(g, true));
	if (!strcmp(command, "stats"))
		return status_stats(g);
	if (!strcmp(command, "neighbours"))
		return status_neighbours(g, request);
	if (!strcmp(command, "routes"))
		return ribs_routes(&g->ribs, request);
	if (!strcmp(command, "fib"))
		return status_fib(g, request);
	if (!strcmp(command, "switchover"))
		return status_switchover(g, request);
	return control_error("unknown command \"%s\"", command);
}

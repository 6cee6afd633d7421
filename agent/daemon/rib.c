// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "control/control.h"
#include "daemon/rib.h"
#include "rib/words.h"

#define RIB_STALE_NS	(120 * NSEC_PER_SEC)	/* without its daemon a path stays so long */
#define RIB_REFRESH_NS	(10 * NSEC_PER_SEC)
#define RIB_COMPLAIN_NS	(60 * NSEC_PER_SEC)
#define RIB_SWEEP	4000	/* paths of a round */

/* Of an answer: its paths, and the bytes of their attributes, of which a text is longer. */
#define RIB_ANSWER_PATHS	1000
#define RIB_ANSWER_BYTES	65536

static void table_attributes(void *arg, const uint8_t *attributes, size_t len)
{
	struct rib_table *t = arg;

	rib_set_put(t->rib, t->set);
	t->set = attributes ? rib_set_get(t->rib, attributes, len) : RIB_NO_SET;
}

static void table_reach(void *arg, const struct bgp_nlri *nlri)
{
	struct rib_table *t = arg;
	enum rib_result result = rib_put(t->rib, nlri, t->set);

	if (result != RIB_FULL && result != RIB_CROWDED)
		return;
	t->full++;
	t->incomplete = true;
	if (result == RIB_CROWDED) {
		if (allowed(&t->complain_free_ns, loop_now(t->loop), RIB_COMPLAIN_NS, 1))
			log_error("rib %s: a prefix has more than %u paths: only so many are kept",
				  t->config->table, RIB_PREFIX_PATHS);
		return;
	}
	if (allowed(&t->complain_free_ns, loop_now(t->loop), RIB_COMPLAIN_NS, 1))
		log_error("rib %s: has no room for more than %u paths with %u MiB of attributes: raise bgp.paths or bgp.attributes_mib, or export less",
			  t->config->table, t->config->paths, t->config->attributes_mib);
	if (!t->refresh.due_ns)
		loop_timer_in(t->loop, &t->refresh, RIB_REFRESH_NS);
}

static void table_withdraw(void *arg, const struct bgp_nlri *nlri)
{
	struct rib_table *t = arg;

	rib_del(t->rib, nlri);
}

/* Room for a tenth is worth to be told all again. */
static bool table_has_room(const struct rib_table *t)
{
	struct rib_counts counts;
	uint64_t most = (uint64_t)t->config->attributes_mib << 20;

	rib_counts(t->rib, &counts);
	return 10ULL * (counts.paths[BGP_IPV4] + counts.paths[BGP_IPV6]) < 9ULL * counts.most &&
	       10 * counts.attribute_memory < 9 * most;
}

static void table_refresh(struct loop_timer *timer)
{
	struct rib_table *t = container_of(timer, struct rib_table, refresh);
	unsigned int i;

	if (!t->incomplete)
		return;
	loop_timer_in(t->loop, timer, RIB_REFRESH_NS);
	if (bgp_session_state(t->session) != BGP_ESTABLISHED || !table_has_room(t))
		return;
	t->incomplete = false;
	for (i = 0; i < __BGP_FAMILIES; i++)
		bgp_session_refresh(t->session, i);
}

static void table_begin(void *arg, enum bgp_family family)
{
	struct rib_table *t = arg;

	t->sweeping[family] = false;
	rib_begin(t->rib, family);
}

static void table_end(void *arg, enum bgp_family family)
{
	struct rib_table *t = arg;

	t->sweeping[family] = true;
	t->cursor[family] = 0;
	loop_timer_in(t->loop, &t->sweep, 0);
}

static void table_sweep(struct loop_timer *timer)
{
	struct rib_table *t = container_of(timer, struct rib_table, sweep);
	bool more = false;
	unsigned int i;

	for (i = 0; i < __BGP_FAMILIES; i++) {
		if (!t->sweeping[i])
			continue;
		t->sweeping[i] = !rib_sweep(t->rib, i, &t->cursor[i], RIB_SWEEP);
		more |= t->sweeping[i];
	}
	if (more)
		loop_timer_in(t->loop, timer, 0);
}

static void table_stale(struct loop_timer *timer)
{
	struct rib_table *t = container_of(timer, struct rib_table, stale);
	unsigned int i;

	for (i = 0; i < __BGP_FAMILIES; i++)
		table_end(t, i);
}

static void table_up(void *arg)
{
	struct rib_table *t = arg;

	t->incomplete = false;
	/* It has as long to tell all; most do so at once, and say when it is done. */
	if (t->stale.due_ns)
		loop_timer_in(t->loop, &t->stale, RIB_STALE_NS);
}

/* Whatever ended it, what it told is kept for a while: this is a copy to look at, by which
 * nothing is forwarded, and a daemon that restarts mostly has the same to tell.
 */
static void table_down(void *arg)
{
	struct rib_table *t = arg;
	unsigned int i;

	table_attributes(t, NULL, 0);
	for (i = 0; i < __BGP_FAMILIES; i++)
		table_begin(t, i);
	loop_timer_in(t->loop, &t->stale, RIB_STALE_NS);
}

static int table_start(struct rib_table *t, struct loop *loop, const struct config_bgp *config)
{
	const struct bgp_params params = {
		.name = config->table,
		.local = { .sin_family = AF_INET, .sin_port = htons(config->port),
			   .sin_addr = config->address },
		.peer = { .sin_family = AF_INET, .sin_port = htons(config->neighbour_port),
			  .sin_addr = config->neighbour },
		.as = config->as, .id = ntohl(config->router_id.s_addr),
		.hold_s = config->hold_s, .passive = config->passive,
	};
	const struct bgp_ops ops = {
		.attributes = table_attributes, .reach = table_reach,
		.withdraw = table_withdraw, .up = table_up, .down = table_down,
		.begin = table_begin, .end = table_end, .arg = t,
	};
	int err = 0;

	t->config = config;
	t->loop = loop;
	t->set = RIB_NO_SET;
	t->sweep.fire = table_sweep;
	t->stale.fire = table_stale;
	t->refresh.fire = table_refresh;
	t->rib = rib_alloc(config->paths, (size_t)config->attributes_mib << 20);
	if (!t->rib)
		return -ENOMEM;
	t->session = bgp_session_alloc(loop, &params, &ops, &err);
	if (t->session)
		bgp_session_start(t->session);
	return err;
}

int ribs_start(struct ribs *ribs, struct loop *loop, const struct config *config)
{
	int err;

	while (ribs->tables < config->bgps) {
		const struct config_bgp *bgp = &config->bgp[ribs->tables];

		err = table_start(&ribs->table[ribs->tables++], loop, bgp);
		if (err) {
			log_error("rib %s: %s", bgp->table, strerror(-err));
			return err;
		}
	}
	return 0;
}

void ribs_exit(struct ribs *ribs)
{
	unsigned int i;

	for (i = 0; i < ribs->tables; i++) {
		struct rib_table *t = &ribs->table[i];

		loop_timer_del(t->loop, &t->sweep);
		loop_timer_del(t->loop, &t->stale);
		loop_timer_del(t->loop, &t->refresh);
		bgp_session_free(t->session);
		rib_free(t->rib);
	}
	ribs->tables = 0;
}

/* What each said of itself; the peer's router id is null while there is no session. */
static json_t *ends_json(const struct rib_table *t)
{
	const struct bgp_open *peer = bgp_session_peer(t->session);
	char id[INET_ADDRSTRLEN], peer_id[INET_ADDRSTRLEN], neighbour[INET_ADDRSTRLEN];
	uint32_t of_peer = peer ? htonl(peer->id) : 0;

	inet_ntop(AF_INET, &t->config->router_id, id, sizeof(id));
	inet_ntop(AF_INET, &t->config->neighbour, neighbour, sizeof(neighbour));
	inet_ntop(AF_INET, &of_peer, peer_id, sizeof(peer_id));
	return json_pack("{s:s, s:s, s:s, s:s?, s:I}", "table", t->config->table,
			 "router_id", id, "neighbour", neighbour,
			 "neighbour_id", peer ? peer_id : NULL,
			 "as", (json_int_t)t->config->as);
}

static json_t *session_json(const struct bgp_session *s)
{
	const struct bgp_counts *c = bgp_session_counts(s);
	uint64_t since_ns = bgp_session_since(s), now_ns = loop_clock();

	return json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "state", bgp_state_name(bgp_session_state(s)),
			 "since_ms", (json_int_t)(elapsed_ns(now_ns, since_ns) / NSEC_PER_MSEC),
			 "error", bgp_session_error(s),
			 "established", (json_int_t)c->established,
			 "updates", (json_int_t)c->updates,
			 "reached", (json_int_t)c->reached,
			 "withdrawn", (json_int_t)c->withdrawn,
			 "malformed_routes", (json_int_t)c->refused,
			 "discarded_attributes", (json_int_t)c->discarded,
			 "errors", (json_int_t)c->errors,
			 "notifications", (json_int_t)c->notifications,
			 "strangers", (json_int_t)c->strangers);
}

json_t *ribs_json(const struct ribs *ribs)
{
	json_t *array = json_array();
	struct rib_counts counts;
	unsigned int i;

	for (i = 0; i < ribs->tables; i++) {
		const struct rib_table *t = &ribs->table[i];
		json_t *json = ends_json(t), *held;

		rib_counts(t->rib, &counts);
		json_object_update_new(json, session_json(t->session));
		held = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				 "ipv4", (json_int_t)counts.paths[BGP_IPV4],
				 "ipv6", (json_int_t)counts.paths[BGP_IPV6],
				 "stale", (json_int_t)counts.stale[BGP_IPV4] +
				 (json_int_t)counts.stale[BGP_IPV6],
				 "most", (json_int_t)counts.most,
				 "refused", (json_int_t)t->full,
				 "sets", (json_int_t)counts.sets,
				 "memory", (json_int_t)counts.memory,
				 "attribute_memory", (json_int_t)counts.attribute_memory);
		json_object_update_new(json, held);
		json_array_append_new(array, json);
	}
	return array;
}

/* What is asked for, and what has been said of it. */
struct question {
	const char	*table;		/* NULL: all */
	bool		one;		/* prefix */
	bool		bytes_of;	/* attributes as they are, not in words */
	struct bgp_nlri	prefix;
	json_t		*routes;
	size_t		bytes;
};

static bool question_full(const struct question *q)
{
	return json_array_size(q->routes) >= RIB_ANSWER_PATHS || q->bytes >= RIB_ANSWER_BYTES;
}

/* Paths of one table from @cursor on; true: these were the last. */
static bool table_routes(const struct rib_table *t, uint32_t *cursor, struct question *q)
{
	struct rib_path path;
	json_t *json;

	if (q->table && strcmp(q->table, t->config->table) != 0)
		return true;
	while (!question_full(q)) {
		if (!(q->one ? rib_find(t->rib, &q->prefix, cursor, &path) :
			       rib_each(t->rib, cursor, &path)))
			return true;
		json = q->bytes_of ? words_bytes(&path) : words_path(&path);
		json_object_set_new(json, "table", json_string(t->config->table));
		json_array_append_new(q->routes, json);
		q->bytes += path.len;
	}
	return false;
}

json_t *ribs_routes(const struct ribs *ribs, const json_t *request)
{
	json_int_t from = json_integer_value(json_object_get(request, "cursor"));
	const char *prefix = json_string_value(json_object_get(request, "prefix"));
	struct question q = {
		.table = json_string_value(json_object_get(request, "table")), .one = prefix,
		.bytes_of = json_is_true(json_object_get(request, "bytes")),
	};
	uint32_t cursor = (uint32_t)from;
	unsigned int i = from > 0 ? (unsigned int)(from >> 32) : 0;

	if (!ribs->tables)
		return control_error("this host keeps no RIB: give the list bgp in gwsync.conf");
	if (prefix && !words_prefix(prefix, &q.prefix))
		return control_error("\"%s\" is no prefix; give one such as 10.0.0.0/8 or fd00::/8",
				     prefix);
	q.routes = json_array();
	while (i < ribs->tables && table_routes(&ribs->table[i], &cursor, &q)) {
		cursor = 0;
		i++;
	}
	return json_pack("{s:b, s:b, s:I, s:o}", "ok", 1, "more", i < ribs->tables,
			 "cursor", (json_int_t)i << 32 | cursor, "routes", q.routes);
}

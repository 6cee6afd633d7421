// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "loop.h"

#define RETRY_US	500000	/* a set-up that failed is tried again */
#define PATIENCE_US	4000000	/* a set-up that takes longer has failed */

static const struct flow_ops * const kinds[] = {
	&echo_ops, &bulk_ops, &udp_ops, &idle_ops,
	&ftp_ops, &ftp_passive_ops, &ftp_active_ops,
};

static struct flow *flows[FLOWS_MAX];
static unsigned int flow_total;

static const struct flow_ops *flow_kind(const char *kind)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i]->kind, kind))
			return kinds[i];
	return NULL;
}

static bool flow_name_valid(const char *name)
{
	return *name && strlen(name) < FLOW_NAME_MAX &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")];
}

static int flow_number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	return errno || *end || end == text || !*value || *value > max ? -EINVAL : 0;
}

static int flow_refuse(const char *text, const char *why)
{
	fprintf(stderr, "gwsync-traffic: flow '%s': %s\n", text, why);
	return -EINVAL;
}

static int flow_create(const char *text, char *copy)
{
	char *kind = strchr(copy, '='), *address, *port, *count = NULL, *rest = NULL;
	const struct flow_ops *ops;
	unsigned long number;
	union endpoint to;
	struct flow *flow;

	if (!kind)
		return flow_refuse(text, "no '=' after the name");
	*kind++ = '\0';
	if (!flow_name_valid(copy))
		return flow_refuse(text, "the name must be of a-z 0-9 - _, 31 at most");
	kind = strtok_r(kind, "/", &rest);
	address = strtok_r(NULL, "/", &rest);
	port = strtok_r(NULL, "/", &rest);
	count = strtok_r(NULL, "/", &rest);
	ops = kind ? flow_kind(kind) : NULL;
	if (!ops)
		return flow_refuse(text, "unknown kind");
	number = ops->port;
	if (port && flow_number(port, 65535, &number))
		return flow_refuse(text, "the port must be 1..65535");
	if (!address || endpoint_parse(&to, address, number))
		return flow_refuse(text, "not an IPv4 or IPv6 address");
	number = 0;
	if (count && (ops != &idle_ops || flow_number(count, 10000, &number)))
		return flow_refuse(text, "a count is for 'idle', 1..10000");

	flow = ops->alloc();
	if (!flow)
		return flow_refuse(text, "out of memory");
	snprintf(flow->name, sizeof(flow->name), "%s", copy);
	flow->ops = ops;
	flow->to = to;
	if (number)
		idle_set_count(flow, number);
	flows[flow_total++] = flow;
	return 0;
}

int flow_add(const char *text)
{
	char *copy;
	int err;

	if (flow_total == FLOWS_MAX)
		return flow_refuse(text, "too many flows");
	copy = strdup(text);
	if (!copy)
		return flow_refuse(text, "out of memory");
	err = flow_create(text, copy);
	free(copy);
	return err;
}

void flows_free(void)
{
	while (flow_total) {
		struct flow *flow = flows[--flow_total];

		flow->ops->close(flow);
		free(flow);
	}
}

unsigned int flows_count(void)
{
	return flow_total;
}

struct flow *flow_get(unsigned int index)
{
	return flows[index];
}

static void flow_open(struct flow *flow, int64_t now)
{
	flow->measure = (struct measure){
		.last = now,
		.interval = flow->ops->interval,
	};
	flow->opened = now;
	flow->open = true;
	flow->ready = false;
	flow->dead = false;
	flow->finished = false;
	flow->why[0] = '\0';
	flow->ops->open(flow);
}

void flow_progress(struct flow *flow)
{
	struct measure *measure = &flow->measure;
	int64_t now = clock_us();

	if (now - measure->last > measure->longest)
		measure->longest = now - measure->last;
	measure->last = now;
}

void flow_answer(struct flow *flow)
{
	flow->answered = true;
}

void flow_set_ready(struct flow *flow)
{
	if (flow->ready)
		return;
	flow->ready = true;
	flow->measure.last = clock_us();
	flow->measure.longest = 0;
}

void flow_fail(struct flow *flow, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(flow->why, sizeof(flow->why), fmt, args);
	va_end(args);
	flow->ops->close(flow);
	flow->open = false;
	flow->dead = flow->ready;	/* else it is only tried again */
}

bool flow_alive(const struct flow *flow)
{
	return flow->ready && !flow->dead && (!flow->probed || flow->answered);
}

void flows_tick(int64_t now)
{
	unsigned int i;

	for (i = 0; i < flow_total; i++) {
		struct flow *flow = flows[i];

		if (flow->open && !flow->ready && !flow->ops->own_patience &&
		    now - flow->opened > PATIENCE_US)
			flow_fail(flow, "not set up in time");
		else if (flow->open)
			flow->ops->tick(flow, now);
		else if (!flow->dead && now - flow->opened > RETRY_US)
			flow_open(flow, now);
	}
}

void flows_phase(void)
{
	int64_t now = clock_us();
	unsigned int i;

	for (i = 0; i < flow_total; i++) {
		struct flow *flow = flows[i];
		bool again = flow->ready && (!flow_alive(flow) || flow->finished);

		flow->probed = false;
		flow->answered = false;
		if (again) {
			flow->ops->close(flow);
			flow_open(flow, now);
		} else if (flow->open && flow->ops->prepare) {
			flow->ready = false;
			flow->opened = now;
			flow->ops->prepare(flow);
		}
	}
}

void flows_mark(void)
{
	int64_t now = clock_us();
	unsigned int i;

	for (i = 0; i < flow_total; i++) {
		struct measure *measure = &flows[i]->measure;

		measure->before = measure->longest;
		measure->longest = 0;
		measure->last = now;
		if (flows[i]->ops->mark)
			flows[i]->ops->mark(flows[i]);
	}
}

void flows_probe(void)
{
	unsigned int i;

	for (i = 0; i < flow_total; i++) {
		struct flow *flow = flows[i];

		flow->probed = true;
		flow->answered = false;
		if (flow->open && flow->ops->probe)
			flow->ops->probe(flow);
	}
}

void flows_finish(void)
{
	unsigned int i;

	for (i = 0; i < flow_total; i++)
		if (flows[i]->open && flows[i]->ops->finish)
			flows[i]->ops->finish(flows[i]);
}

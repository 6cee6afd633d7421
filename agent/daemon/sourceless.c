// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/container.h"
#include "base/log.h"
#include "config/address.h"
#include "daemon/gateway.h"
#include "daemon/sourceless.h"
#include "host/iface.h"

#define SOURCELESS_NS		NSEC_PER_SEC	/* addresses come in flocks */
#define SOURCELESS_PAUSE_NS	(10 * NSEC_PER_SEC)	/* after a refusal */

/* On an interface that is down it is as good as gone: the kernel, too, ends what it
 * masquerades by one that goes down (masq_device_event(), nf_nat_masquerade.c), but does
 * not know which replicas were.
 */
static void sourceless_has(void *arg, const struct rtnl_address *address)
{
	const struct gateway *g = arg;
	const struct rtnl_link *link = ifaces_at(g->ifaces, address->index);

	if (link && link->flags & IFF_UP)
		formers_add(g->sourceless.formers, address->family, address->addr);
}

static void sourceless_look(struct gateway *g, uint64_t now_ns)
{
	struct sourceless *s = &g->sourceless;

	s->changed = false;
	formers_begin(s->formers);
	ifaces_addresses(g->ifaces, 0, sourceless_has, g);
	formers_end(s->formers, now_ns);
}

static void sourceless_ask(struct gateway *g, uint64_t now_ns)
{
	struct sourceless *s = &g->sourceless;
	uint64_t since_ns = g->member.since_ns;
	const struct former *former;
	int err;

	former = formers_due(s->formers, now_ns, since_ns);
	if (!former)
		return;
	err = kernel_source(g->attach.kernel, former->address.family, former->address.addr,
			    g->config->end_sourceless);
	if (err) {
		s->pause_ns = now_ns + SOURCELESS_PAUSE_NS;
		if (err == -EOPNOTSUPP && !s->unable)
			log_warning("gwsync.ko is older than gwsyncd: flows whose source has gone are not looked for");
		s->unable = err == -EOPNOTSUPP;
		return;
	}
	s->asked = true;
	s->address = former->address;
	s->since_ns = since_ns;
}

static bool sourceless_may_ask(const struct gateway *g, uint64_t now_ns)
{
	return g->started && g->member.state == MEMBER_OWNER && g->attach.kernel &&
	       g->switchover.phase == SWITCHOVER_IDLE && !g->sourceless.asked &&
	       now_ns >= g->sourceless.pause_ns;
}

static void sourceless_fire(struct loop_timer *timer)
{
	struct gateway *g = container_of(timer, struct gateway, sourceless.timer);
	uint64_t now_ns = loop_clock();
	/* After a pause of the daemon what the kernel has told meanwhile is still unread: an
	 * address may be back.
	 */
	bool late = elapsed_ns(now_ns, g->sourceless.fired_ns) > 2 * SOURCELESS_NS;

	g->sourceless.fired_ns = now_ns;
	loop_timer_in(g->loop, timer, SOURCELESS_NS);
	if (g->sourceless.changed)
		sourceless_look(g, now_ns);
	if (!late && sourceless_may_ask(g, now_ns))
		sourceless_ask(g, now_ns);
}

void sourceless_counted(struct gateway *g, uint32_t count)
{
	struct sourceless *s = &g->sourceless;
	bool end = g->config->end_sourceless;
	char text[ADDRESS_TEXT];

	if (!s->asked)
		return;
	s->asked = false;
	address_text(s->address.family, s->address.addr, text);
	if (end)
		s->ended += count;
	if (count && end)
		log_notice("%s is no address of this gateway any more: %u flows that had it as source were ended",
			   text, count);
	else if (count)
		log_warning("%s is no address of this gateway any more, and %u flows have it as source: they get no answer (sync.end_sourceless = true ends them)",
			    text, count);
	else
		log_debug("%s is no address of this gateway any more: no flow has it as source",
			  text);
	/* An owner that was none for a while has not seen all of them. */
	if (g->member.state == MEMBER_OWNER && g->member.since_ns == s->since_ns)
		formers_done(s->formers, &s->address, count, end);
}

void sourceless_gone(struct gateway *g)
{
	g->sourceless.asked = false;
	g->sourceless.unable = false;
}

static void sourceless_link(void *arg, const struct rtnl_link *link, bool gone)
{
	struct sourceless *s = arg;

	(void)link;
	(void)gone;
	s->changed = true;
}

static void sourceless_address(void *arg, const struct rtnl_address *address, bool gone)
{
	struct sourceless *s = arg;

	(void)address;
	(void)gone;
	s->changed = true;
}

static void sourceless_save(const struct sourceless *s)
{
	int err = formers_save(s->formers, s->path, loop_clock(), time(NULL));

	if (err)
		log_warning("%s: %s; that virtual addresses are changed will not be noticed at the next start",
			    s->path, strerror(-err));
}

int sourceless_init(struct gateway *g)
{
	struct sourceless *s = &g->sourceless;
	const struct config *config = g->config;
	uint64_t now_ns = loop_clock();

	s->formers = calloc(1, sizeof(*s->formers));
	if (!s->formers)
		return -ENOMEM;
	snprintf(s->path, sizeof(s->path), "%s/group%u-member%u.addresses", config->state,
		 config->group, config->member);
	formers_load(s->formers, config, s->path, now_ns, time(NULL));
	sourceless_look(g, now_ns);
	sourceless_save(s);
	s->watcher = (struct iface_watcher){
		.link = sourceless_link, .address = sourceless_address, .arg = s,
	};
	ifaces_watch(g->ifaces, &s->watcher);
	s->timer.fire = sourceless_fire;
	s->fired_ns = now_ns;
	loop_timer_in(g->loop, &s->timer, SOURCELESS_NS);
	return 0;
}

void sourceless_exit(struct gateway *g)
{
	struct sourceless *s = &g->sourceless;

	loop_timer_del(g->loop, &s->timer);
	if (s->timer.fire) {
		ifaces_unwatch(g->ifaces, &s->watcher);
		sourceless_save(s);
	}
	free(s->formers);
	s->formers = NULL;
	s->timer.fire = NULL;
}

static json_t *sourceless_former(const struct former *former, uint64_t now_ns)
{
	uint64_t gone_ms = elapsed_ns(now_ns, former->gone_ns) / NSEC_PER_MSEC;
	char text[ADDRESS_TEXT];

	address_text(former->address.family, former->address.addr, text);
	return json_pack("{s:s, s:I, s:b, s:b, s:I}", "address", text,
			 "gone_ms", (json_int_t)gone_ms, "looked", former->done,
			 "ended", former->ended, "flows", (json_int_t)former->flows);
}

json_t *sourceless_json(const struct gateway *g)
{
	const struct formers *f = g->sourceless.formers;
	uint64_t now_ns = loop_clock(), left = 0;
	json_t *addresses = json_array();
	unsigned int i;

	for (i = 0; f && i < f->count; i++) {
		if (f->former[i].done && !f->former[i].ended)
			left += f->former[i].flows;
		json_array_append_new(addresses, sourceless_former(&f->former[i], now_ns));
	}
	return json_pack("{s:b, s:I, s:I, s:o}", "end", g->config->end_sourceless,
			 "ended", (json_int_t)g->sourceless.ended, "left", (json_int_t)left,
			 "addresses", addresses);
}

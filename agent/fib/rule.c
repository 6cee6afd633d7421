// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/socket.h>

#include "fib/rule.h"

/* Where rules are: before, around and behind the rule of the table itself. */
struct priorities {
	uint32_t	own, ours, last;
};

static const struct priorities of_main = { 32764, 32765, 32768 };
static const struct priorities of_vrf = { 998, 999, 1001 };

void rules_ask(struct fib_kernel *k, const struct source *source, bool remove)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	const char *vrf = source->id ? source->name + strlen("vrf:") : NULL;
	const struct priorities *at = vrf ? &of_vrf : &of_main;
	unsigned int i, way;

	if (!source->number)
		return;
	for (i = 0; i < 2; i++) {
		for (way = 0; way < (vrf ? 2U : 1U); way++) {
			struct fib_rule rule = {
				.priority = at->own, .table = source->number, .no_default = true,
				.iif = way ? NULL : vrf, .oif = way ? vrf : NULL,
			};

			fib_kernel_rule(k, families[i], &rule, remove);
			rule.priority = at->ours;
			rule.table = source->copies;
			fib_kernel_rule(k, families[i], &rule, remove);
			rule.priority = at->last;
			rule.no_default = false;
			fib_kernel_rule(k, families[i], &rule, remove);
		}
	}
}

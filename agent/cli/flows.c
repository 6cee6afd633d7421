// SPDX-License-Identifier: GPL-2.0
/* flows: asks the kernel itself; the daemon need not run. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/gwsync.h>

#include "base/netlink.h"
#include "cli/cli.h"
#include "config/reader.h"
#include "flow/record.h"

struct flows {
	const struct cli	*cli;
	json_t			*collect;		/* an array for them, or NULL: show them */
	bool			own, replicas;		/* which to show */
	unsigned long long	limit, shown, malformed;
};

static json_t *flow_json(const struct nlattr **tb)
{
	static const uint16_t min[GWSYNC_FLOW_A_MAX + 1] = {
		[GWSYNC_FLOW_A_OWNER] = 1, [GWSYNC_FLOW_A_FLAGS] = 4,
		[GWSYNC_FLOW_A_MARK_MASK] = 4,
	};
	static const struct {
		uint32_t	flag;
		const char	*name;
	} names[] = {
		{ GWSYNC_FLOW_F_REPLICA, "replica" },
		{ GWSYNC_FLOW_F_ANNOUNCED, "announced" },
		{ GWSYNC_FLOW_F_DIRTY, "dirty" },
		{ GWSYNC_FLOW_F_PICKUP, "pickup" },
	};
	const struct nlattr *state[GWSYNC_FLOW_A_MAX + 1];
	uint32_t flags = 0;
	json_t *json, *array;
	unsigned int i;

	if (!tb[GWSYNC_A_RECORDS] || !tb[GWSYNC_A_FLOW_STATE] ||
	    !netlink_nested(tb[GWSYNC_A_FLOW_STATE], state, min, GWSYNC_FLOW_A_MAX))
		return NULL;
	json = record_json(mnl_attr_get_payload(tb[GWSYNC_A_RECORDS]),
			   mnl_attr_get_payload_len(tb[GWSYNC_A_RECORDS]));
	if (!json)
		return NULL;
	if (state[GWSYNC_FLOW_A_FLAGS])
		flags = mnl_attr_get_u32(state[GWSYNC_FLOW_A_FLAGS]);
	array = json_array();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			json_array_append_new(array, json_string(names[i].name));
	json_object_set_new(json, "sync", array);
	json_object_set_new(json, "owner", state[GWSYNC_FLOW_A_OWNER] ?
			    json_integer(mnl_attr_get_u8(state[GWSYNC_FLOW_A_OWNER])) :
			    json_null());
	/* Of its own are then all labels, and the other bits of the mark. */
	if (flags & GWSYNC_FLOW_F_NO_LABELS)
		json_object_set_new(json, "labels_taken", json_false());
	if (state[GWSYNC_FLOW_A_MARK_MASK])
		json_object_set_new(json, "mark_mask",
				    json_integer(mnl_attr_get_u32(state[GWSYNC_FLOW_A_MARK_MASK])));
	return json;
}

/* "192.0.2.1:80", "[2001:db8::1]:80" */
static void print_end(const json_t *tuple, const char *addr, const char *port)
{
	const char *text = cli_string(tuple, addr);
	bool v6 = strchr(text, ':');

	printf("%s%s%s", v6 ? "[" : "", text, v6 ? "]" : "");
	if (json_object_get(tuple, port))
		printf(":%lld", cli_number(tuple, port));
}

static void print_flow(const json_t *flow)
{
	const json_t *tuple = json_object_get(flow, "original"), *word;
	const json_t *dnat = json_object_get(flow, "dnat"), *snat = json_object_get(flow, "snat");
	size_t i;

	if (json_is_integer(json_object_get(flow, "owner")))
		printf("member %-2lld  ", cli_number(flow, "owner"));
	else
		printf("own        ");
	printf("%-7s %-12s ", cli_string(flow, "protocol"),
	       json_object_get(flow, "state") ? cli_string(flow, "state") : "");
	print_end(tuple, "src", "sport");
	printf(" > ");
	print_end(tuple, "dst", "dport");
	if (json_object_get(tuple, "id"))
		printf(" type %lld code %lld id %lld", cli_number(tuple, "type"),
		       cli_number(tuple, "code"), cli_number(tuple, "id"));
	if (snat) {
		printf(" snat ");
		print_end(snat, "addr", "port");
	}
	if (dnat) {
		printf(" dnat ");
		print_end(dnat, "addr", "port");
	}
	if (cli_number(flow, "zone"))
		printf(" zone %lld", cli_number(flow, "zone"));
	if (cli_number(flow, "mark"))
		printf(" mark 0x%llx", cli_number(flow, "mark"));
	if (json_object_get(flow, "helper"))
		printf(" helper %s", cli_string(flow, "helper"));
	if (json_array_size(json_object_get(flow, "expectations")))
		printf(" expects %zu", json_array_size(json_object_get(flow, "expectations")));
	printf(" %llds", cli_number(flow, "timeout"));
	json_array_foreach(json_object_get(flow, "sync"), i, word)
		if (strcmp(json_string_value(word), "replica"))
			printf(" %s", json_string_value(word));
	putchar('\n');
}

static int flow_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[GWSYNC_A_MAX + 1];
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	struct flows *flows = arg;
	json_t *json = NULL;
	bool replica;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, min, GWSYNC_A_MAX))
		json = flow_json(tb);
	if (!json) {
		flows->malformed++;
		return 0;
	}
	replica = json_is_integer(json_object_get(json, "owner"));
	if ((replica ? flows->replicas : flows->own) && flows->shown < flows->limit) {
		flows->shown++;
		if (flows->collect) {
			json_array_append(flows->collect, json);
		} else if (flows->cli->json) {
			fputs(flows->shown > 1 ? ",\n" : "\n", stdout);
			json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		} else {
			print_flow(json);
		}
	}
	json_decref(json);
	/* 1: enough, the rest of the dump is not waited for. */
	return flows->shown == flows->limit;
}

/* The array was printed as it came: its end, and what became of it. */
static void flows_end(const struct flows *flows, int err, const char *extack)
{
	printf("%s], \"complete\": %s, \"malformed\": %llu, \"ok\": %s",
	       flows->shown ? "\n" : "", err ? "false" : "true", flows->malformed,
	       err && err != -EINTR ? "false" : "true");
	if (err) {
		json_t *text = json_sprintf("%s%s%s", strerror(-err), *extack ? ": " : "", extack);

		fputs(", \"error\": ", stdout);
		json_dumpf(text, stdout, JSON_ENCODE_ANY);
		json_decref(text);
	}
	puts("}");
}

static int flows_dump(struct flows *flows)
{
	char message[256] __attribute__((aligned(8)));
	const struct cli *cli = flows->cli;
	static struct netlink netlink;
	struct nlmsghdr *nlh;
	uint16_t family;
	int err;

	err = netlink_open(&netlink, NETLINK_GENERIC);
	if (err)
		return cli_error(cli, "netlink: %s", strerror(-err));
	err = netlink_family(&netlink, GWSYNC_GENL_NAME, false, &family);
	if (err) {
		netlink_close(&netlink);
		return cli_error(cli, "the kernel has no gwsync (%s); load it with 'modprobe gwsync' or 'insmod gwsync.ko'",
				 strerror(-err));
	}
	nlh = netlink_start_genl(&netlink, message, family, GWSYNC_CMD_GET_FLOW,
				 GWSYNC_GENL_VERSION, NLM_F_DUMP);
	err = netlink_send(&netlink, nlh, nlh->nlmsg_len);
	if (cli->json && !flows->collect)
		fputs("{\"flows\": [", stdout);
	if (!err && flows->limit)
		err = netlink_wait(&netlink, nlh->nlmsg_seq, flow_cb, flows);
	netlink_close(&netlink);
	if (flows->collect)
		return err && err != -EINTR ? cli_error(cli, "flows: %s", strerror(-err)) : CLI_OK;
	if (cli->json)
		flows_end(flows, err, netlink.extack);
	else if (err == -EINTR)
		fputs("gwsync: the table was resized meanwhile: some flows may be missing or twice\n",
		      stderr);
	if (err == -EINTR)
		err = 0;
	if (err && !cli->json)
		return cli_error(cli, "flows: %s%s%s%s", strerror(-err),
				 netlink.extack[0] ? ": " : "", netlink.extack,
				 err == -EPERM ? "; run this as root" : "");
	if (flows->malformed && !cli->json)
		cli_error(cli, "%llu records were not understood: is this gwsync older than the module?",
			  flows->malformed);
	return err || flows->malformed ? CLI_FAILED : CLI_OK;
}

json_t *cli_flows_collect(const struct cli *cli)
{
	struct flows flows = {
		.cli = cli, .own = true, .replicas = true, .limit = UINT64_MAX,
		.collect = json_array(),
	};

	if (flows_dump(&flows) == CLI_OK)
		return flows.collect;
	json_decref(flows.collect);
	return NULL;
}

int cli_flows(struct cli *cli, int argc, char **argv)
{
	static const struct option own[] = {
		{ "own", no_argument, NULL, 'o' },
		{ "replicas", no_argument, NULL, 'r' },
		{ "limit", required_argument, NULL, 'l' },
		{ }
	};
	struct flows flows = { .cli = cli, .own = true, .replicas = true, .limit = UINT64_MAX };
	int c;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == 'o')
			flows.replicas = false;
		else if (c == 'r')
			flows.own = false;
		else if (c != 'l')
			return CLI_USAGE;
		else if (!reader_parse_number(optarg, UINT64_MAX, &flows.limit))
			return cli_usage("flows", "'%s' is no number", optarg);
	}
	if (!cli_no_arguments("flows", argc, argv))
		return CLI_USAGE;
	if (!flows.own && !flows.replicas)
		return cli_usage("flows", "--own and --replicas together leave nothing");
	return flows_dump(&flows);
}

// SPDX-License-Identifier: GPL-2.0
/* The sections of the configuration file, and what must hold between them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "config/address.h"
#include "config/bgp.h"
#include "config/config.h"
#include "config/filter.h"
#include "config/keyfile.h"
#include "config/reader.h"
#include "config/routes.h"
#include "config/sync.h"

#define CONFIG_FILE_MAX (1024 * 1024)

/* Names show up in tables and JSON: printable, no spaces. */
static void name_read(struct reader *reader, const config_setting_t *setting, char *field)
{
	const char *name = reader_string(reader, setting, "\"gw1\"");
	size_t len, i;

	if (!name)
		return;
	len = strlen(name);
	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			break;
	if (!len || len >= CONFIG_NAME_MAX || i < len)
		reader_error(reader, setting,
			     "'%s' is no name; give 1..%d printable ASCII characters without spaces",
			     name, CONFIG_NAME_MAX - 1);
	else
		memcpy(field, name, len + 1);
}

static void path_read(struct reader *reader, const config_setting_t *setting,
		      const char *example, char *field)
{
	const char *path = reader_string(reader, setting, example);

	if (!path)
		return;
	if (path[0] != '/' || strlen(path) >= CONFIG_PATH_MAX)
		reader_error(reader, setting,
			     "'%s' will not do; give an absolute path of at most %d characters",
			     path, CONFIG_PATH_MAX - 1);
	else
		memcpy(field, path, strlen(path) + 1);
}

static void group_read(struct reader *reader, const config_setting_t *setting, void *base)
{
#define FIELD(f) .offset = offsetof(struct config, f)
	static const struct reader_key keys[] = {
		{ "id", READER_U8, .required = true, FIELD(group), 1, GWSYNC_GROUP_MAX, NULL },
		{ "member", READER_U8, .required = true, FIELD(member), 1, GWSYNC_MEMBER_MAX,
		  NULL },
		{ "priority", READER_U8, false, FIELD(priority), 1, 254, NULL },
		{ "preempt", READER_BOOL, false, FIELD(preempt), 0, 0, NULL },
		{ "preempt_delay_ms", READER_U32, false, FIELD(preempt_delay_ms), 0, 3600000,
		  NULL },
		{ "heartbeat_ms", READER_U32, false, FIELD(heartbeat_ms), 10, 10000, NULL },
		{ "dead_after", READER_U32, false, FIELD(dead_after), 2, 100, NULL },
		{ "startup_delay_ms", READER_U32, false, FIELD(startup_delay_ms), 0, 600000,
		  NULL },
		{ "link_delay_ms", READER_U32, false, FIELD(link_delay_ms), 0, 600000, NULL },
		{ "unsure_ms", READER_U32, false, FIELD(unsure_ms), 0, 600000, NULL },
		{ }
	};

	reader_group(reader, setting, keys, base);
}

static void member_name_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	name_read(reader, setting, ((struct config_member *)base)->name);
}

static void members_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	static const struct reader_key keys[] = {
		{ "id", READER_U8, true, offsetof(struct config_member, id), 1,
		  GWSYNC_MEMBER_MAX, NULL },
		{ "name", READER_CUSTOM, .read = member_name_read },
		{ }
	};
	struct config *config = base;
	unsigned int i, j, n = 0;

	if (!reader_list(reader, setting, GWSYNC_MEMBER_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const config_setting_t *at = config_setting_get_elem(setting, i);
		struct config_member *member = &config->members[n];

		reader_group(reader, at, keys, member);
		if (!member->id) {
			memset(member, 0, sizeof(*member));
			continue;
		}
		if (!member->name[0])
			snprintf(member->name, sizeof(member->name), "member%u", member->id);
		for (j = 0; j < n; j++) {
			if (config->members[j].id == member->id)
				reader_error(reader, at,
					     "id %u is given twice; each member has an id of its own",
					     member->id);
			if (!strcmp(config->members[j].name, member->name))
				reader_error(reader, at,
					     "name '%s' is given twice; each member has a name of its own",
					     member->name);
		}
		n++;
	}
}

static void auth_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config *config = base;
	const char *text = reader_string(reader, setting, "\"key\"");

	if (text && !strcmp(text, "none"))
		config->auth_none = true;
	else if (text && strcmp(text, "key"))
		reader_error(reader, setting,
			     "'%s' is unknown; give \"key\" (with key_file), or \"none\" for a LAN that nobody else can reach",
			     text);
}

/* Once it runs as daemon.user, which may stand further down, the daemon can read
 * no key again but that user's.  Then it is not asked for by name: that can take as
 * long as a directory server does, and in the loop everybody waits.
 */
static uid_t key_owner(const config_setting_t *setting)
{
	const struct passwd *user = NULL;
	const char *name;

	if (geteuid())
		return geteuid();
	if (config_lookup_string(setting->config, "daemon.user", &name))
		user = getpwnam(name);
	return user ? user->pw_uid : 0;
}

static void key_read(struct reader *reader, const config_setting_t *setting,
		     uint8_t key[CONFIG_KEY_BYTES])
{
	const char *path = reader_string(reader, setting, "\"/etc/gwsync/group.key\"");
	char why[400];

	if (!path)
		return;
	if (path[0] != '/')
		reader_error(reader, setting, "'%s' is relative; give an absolute path", path);
	else if (keyfile_load(path, key_owner(setting), key, why, sizeof(why)))
		reader_error(reader, setting, "%s", why);
}

/* In whatever order they stand in the file. */
static void key_file_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config *config = base;

	config->keys++;
	key_read(reader, setting, config->key[0]);
}

static void second_key_file_read(struct reader *reader, const config_setting_t *setting,
				 void *base)
{
	struct config *config = base;

	config->keys++;
	key_read(reader, setting, config->key[1]);
}

static void link_interface_read(struct reader *reader, const config_setting_t *setting,
				void *base)
{
	reader_interface(reader, setting, ((struct config_link *)base)->interface);
}

static void link_group_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_link *link = base;
	const char *text = reader_string(reader, setting, "\"224.0.0.116\"");
	struct in_addr group;

	if (!text)
		return;
	if (inet_pton(AF_INET, text, &group) != 1 || ntohl(group.s_addr) >> 24 != 224 ||
	    ntohl(group.s_addr) < 0xe0000003)
		reader_error(reader, setting,
			     "'%s' is no multicast group of ours; give 224.0.0.3 .. 224.255.255.255, best 224.0.0.116",
			     text);
	else
		link->group = group;
}

static void link_mtu_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_link *link = base;
	long long mtu;

	if (!reader_number(reader, setting, 0, 65535, &mtu))
		return;
	if (mtu && mtu < 1280)
		reader_error(reader, setting,
			     "%lld is too small; give 1280..65535, or 0 for the interface's", mtu);
	else
		link->mtu = (uint16_t)mtu;
}

static void links_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	static const struct reader_key keys[] = {
		{ "interface", READER_CUSTOM, .required = true, .read = link_interface_read },
		{ "sync", READER_BOOL, false, offsetof(struct config_link, sync), 0, 0, NULL },
		{ "group", READER_CUSTOM, .read = link_group_read },
		{ "port", READER_U16, false, offsetof(struct config_link, port), 1024, 65535,
		  NULL },
		{ "mtu", READER_CUSTOM, .read = link_mtu_read },
		{ }
	};
	struct config *config = base;
	unsigned int i, j;

	if (!reader_list(reader, setting, CONFIG_LINKS_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const config_setting_t *at = config_setting_get_elem(setting, i);
		struct config_link *link = &config->link[config->links];

		link->group.s_addr = htonl(0xe0000074);	/* 224.0.0.116 */
		link->port = 8116;
		link->sync = true;
		reader_group(reader, at, keys, link);
		if (!link->interface[0])
			continue;
		for (j = 0; j < config->links; j++)
			if (!strcmp(config->link[j].interface, link->interface))
				reader_error(reader, at,
					     "interface '%s' is a link already; name each once",
					     link->interface);
		config->links++;
	}
}

static void vrouter_name_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	name_read(reader, setting, ((struct config_vrouter *)base)->name);
}

static void vrouter_interface_read(struct reader *reader, const config_setting_t *setting,
				   void *base)
{
	reader_interface(reader, setting, ((struct config_vrouter *)base)->interface);
}

static void vrouter_macvlan_read(struct reader *reader, const config_setting_t *setting,
				 void *base)
{
	reader_interface(reader, setting, ((struct config_vrouter *)base)->macvlan);
}

static bool mac_parse(const char *text, uint8_t mac[6])
{
	unsigned int i;

	for (i = 0; i < 6; i++, text += 3) {
		char byte[5] = "0x";
		unsigned long long value;

		memcpy(byte + 2, text, strnlen(text, 2));
		if (strlen(byte) != 4 || text[2] != (i < 5 ? ':' : '\0') ||
		    !reader_parse_number(byte, 255, &value))
			return false;
		mac[i] = (uint8_t)value;
	}
	return true;
}

static void vrouter_mac_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	static const uint8_t zero[6];
	struct config_vrouter *vrouter = base;
	const char *text = reader_string(reader, setting, "\"00:00:5e:00:01:01\"");
	uint8_t mac[6];

	if (!text)
		return;
	if (!mac_parse(text, mac) || mac[0] & 1 || !memcmp(mac, zero, 6))
		reader_error(reader, setting,
			     "'%s' is no unicast MAC address; give one such as 00:00:5e:00:01:01, or leave it out",
			     text);
	else
		memcpy(vrouter->mac, mac, 6);
}

static void vrouter_addresses_read(struct reader *reader, const config_setting_t *setting,
				   void *base)
{
	struct config_vrouter *vrouter = base;
	unsigned int i;

	if (!reader_list(reader, setting, CONFIG_ADDRESSES_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		struct config_address *address = &vrouter->address[vrouter->addresses];
		const config_setting_t *at = config_setting_get_elem(setting, i);
		const char *text = reader_string(reader, at, "\"192.0.2.1/24\"");
		const char *unfit;

		if (!text)
			continue;
		if (!strchr(text, '/') || !address_parse(text, &address->family,
							 &address->prefix_len, address->addr)) {
			reader_error(reader, at,
				     "'%s' is no address with a prefix length; give \"192.0.2.1/24\" or \"2001:db8::1/64\"",
				     text);
			continue;
		}
		unfit = address_unfit(address->family, address->addr, address->prefix_len);
		if (unfit)
			reader_error(reader, at, "'%s' %s; give an address that a host may have",
				     text, unfit);
		else
			vrouter->addresses++;
	}
}

static bool vrouter_has_ipv4(const struct config_vrouter *vrouter)
{
	unsigned int i;

	for (i = 0; i < vrouter->addresses; i++)
		if (vrouter->address[i].family == AF_INET)
			return true;
	return false;
}

static void vrouter_defaults(struct config_vrouter *vrouter)
{
	static const uint8_t zero[6];

	if (!vrouter->name[0])
		snprintf(vrouter->name, sizeof(vrouter->name), "vr%u", vrouter->vrid);
	if (!vrouter->macvlan[0])
		snprintf(vrouter->macvlan, sizeof(vrouter->macvlan), "gws%u", vrouter->vrid);
	if (!memcmp(vrouter->mac, zero, 6)) {
		/* RFC 5798, section 7.3 */
		const uint8_t mac[6] = { 0x00, 0x00, 0x5e, 0x00,
					 vrouter_has_ipv4(vrouter) ? 1 : 2, vrouter->vrid };

		memcpy(vrouter->mac, mac, 6);
	}
}

/* Two addresses that cannot both be: the same one, or one network on two LANs. */
static void address_pair_check(struct reader *reader, const config_setting_t *at,
			       const struct config_vrouter *vrouter,
			       const struct config_address *a,
			       const struct config_vrouter *other,
			       const struct config_address *b)
{
	bool same_lan = !strcmp(vrouter->interface, other->interface);
	unsigned int bits = 8 * address_bytes(a->family);
	char text[ADDRESS_TEXT];

	if (a->family != b->family)
		return;
	/* A link-local address means something on its link alone. */
	if (!same_lan && address_is_link_local(a->family, a->addr))
		return;
	address_text(a->family, a->addr, text);
	if (address_same_network(a->addr, b->addr, bits))
		reader_error(reader, at,
			     "address %s is given twice (also in '%s'); an address belongs to one virtual router",
			     text, other->name);
	else if (!same_lan && a->prefix_len == b->prefix_len &&
		 address_same_network(a->addr, b->addr, a->prefix_len))
		reader_error(reader, at,
			     "the network of %s/%u is on %s too ('%s'); one network cannot be on two interfaces",
			     text, a->prefix_len, other->interface, other->name);
}

static void vrouter_check(struct reader *reader, const config_setting_t *at,
			  const struct config *config, const struct config_vrouter *vrouter)
{
	const struct config_vrouter *other;
	unsigned int i, j;

	for (other = config->vrouter; other < vrouter; other++) {
		if (!strcmp(other->name, vrouter->name))
			reader_error(reader, at, "name '%s' is given twice; give another",
				     vrouter->name);
		if (!strcmp(other->macvlan, vrouter->macvlan))
			reader_error(reader, at,
				     "macvlan '%s' is given twice; set macvlan = \"...\" in one of them",
				     vrouter->macvlan);
		if (strcmp(other->interface, vrouter->interface))
			continue;
		if (other->vrid == vrouter->vrid)
			reader_error(reader, at,
				     "vrid %u is given twice on %s; give each virtual router of a LAN its own",
				     vrouter->vrid, vrouter->interface);
		else if (!memcmp(other->mac, vrouter->mac, 6))
			reader_error(reader, at,
				     "mac is that of '%s' on the same LAN; give another or leave it out",
				     other->name);
	}
	if (!strcmp(vrouter->macvlan, vrouter->interface))
		reader_error(reader, at, "macvlan '%s' is the parent itself; give another name",
			     vrouter->macvlan);
	for (i = 0; i < vrouter->addresses; i++)
		for (other = config->vrouter; other <= vrouter; other++)
			for (j = 0; j < (other == vrouter ? i : other->addresses); j++)
				address_pair_check(reader, at, vrouter, &vrouter->address[i],
						   other, &other->address[j]);
}

static void vrouters_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	static const struct reader_key keys[] = {
		{ "name", READER_CUSTOM, .read = vrouter_name_read },
		{ "interface", READER_CUSTOM, .required = true, .read = vrouter_interface_read },
		{ "vrid", READER_U8, true, offsetof(struct config_vrouter, vrid), 1, 255, NULL },
		{ "macvlan", READER_CUSTOM, .read = vrouter_macvlan_read },
		{ "mac", READER_CUSTOM, .read = vrouter_mac_read },
		{ "addresses", READER_CUSTOM, .required = true, .read = vrouter_addresses_read },
		{ }
	};
	struct config *config = base;
	unsigned int i, errors;

	if (!reader_list(reader, setting, CONFIG_VROUTERS_MAX))
		return;
	for (i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const config_setting_t *at = config_setting_get_elem(setting, i);
		struct config_vrouter *vrouter = &config->vrouter[config->vrouters];

		errors = reader->errors;
		reader_group(reader, at, keys, vrouter);
		if (errors == reader->errors && !vrouter->addresses)
			reader_error(reader, at, "has no addresses; give one at least");
		if (!vrouter->interface[0] || !vrouter->vrid) {
			memset(vrouter, 0, sizeof(*vrouter));
			continue;
		}
		vrouter_defaults(vrouter);
		vrouter_check(reader, at, config, vrouter);
		config->vrouters++;
	}
}

static void filter_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	config_filter_read(reader, setting, &((struct config *)base)->filter);
}

static void kernel_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	static const struct reader_key keys[] = {
		{ "flush_ms", READER_U32, false, FIELD(flush_ms), 0, 1000, NULL },
		{ "hold_ms", READER_U32, false, FIELD(hold_ms), 0, 60000, NULL },
		{ "tombstones", READER_U32, false, FIELD(tombstones), 1024, 1048576, NULL },
		{ "walk_rate", READER_U32, false, FIELD(walk_rate), 0, 10000000, NULL },
		{ "digest_ms", READER_U32, false, FIELD(digest_ms), 0, 3600000, NULL },
		{ "audit_ms", READER_U32, false, FIELD(audit_ms), 0, 3600000, NULL },
		{ "filter", READER_CUSTOM, .read = filter_read },
		{ }
	};

	reader_group(reader, setting, keys, base);
}

static void routes_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	config_routes_read(reader, setting, &((struct config *)base)->routes);
}

static void sync_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	config_sync_read(reader, setting, base);
}

static void bgp_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	config_bgp_read(reader, setting, base);
}

static void control_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	path_read(reader, setting, "\"" CONFIG_DEFAULT_CONTROL "\"",
		  ((struct config *)base)->control);
}

static void state_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	path_read(reader, setting, "\"/var/lib/gwsync\"", ((struct config *)base)->state);
}

static void user_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	name_read(reader, setting, ((struct config *)base)->user);
}

static void daemon_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	static const struct reader_key keys[] = {
		{ "control", READER_CUSTOM, .read = control_read },
		{ "user", READER_CUSTOM, .read = user_read },
		{ "state", READER_CUSTOM, .read = state_read },
		{ "retransmit_frames", READER_U32, false, FIELD(retransmit_frames), 256, 65536,
		  NULL },
		{ "reorder_frames", READER_U32, false, FIELD(reorder_frames), 64, 16384, NULL },
		{ "sync_state", READER_BOOL, false, FIELD(sync_state), 0, 0, NULL },
		{ }
	};

	reader_group(reader, setting, keys, base);
}

#undef FIELD

static void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->priority = 100;
	config->heartbeat_ms = 100;
	config->dead_after = 3;
	config->link_delay_ms = 10000;
	config->unsure_ms = 30000;
	config->flush_ms = 20;
	config->tombstones = 65536;
	config->walk_rate = 100000;
	config->digest_ms = 10000;
	config->audit_ms = 60000;
	config->neighbours = true;
	config->labels = GWSYNC_LABELS_AUTO;
	config->mark_mask = UINT32_MAX;
	config->filter.own_addresses = true;
	strcpy(config->control, CONFIG_DEFAULT_CONTROL);
	strcpy(config->state, "/var/lib/gwsync");
	config->retransmit_frames = 4096;
	config->reorder_frames = 1024;
	config->sync_state = true;
	config_routes_defaults(&config->routes);
}

/* The smaller half of the daemon's life depends on these. */
static void config_check(struct reader *reader, const config_setting_t *root,
			 const struct config *config)
{
	const config_setting_t *key_file = config_setting_get_member(root, "key_file");
	const config_setting_t *second = config_setting_get_member(root, "second_key_file");
	const config_setting_t *auth = config_setting_get_member(root, "auth");
	const config_setting_t *members = config_setting_get_member(root, "members");
	const config_setting_t *group = config_setting_get_member(root, "group");
	const config_setting_t *links = config_setting_get_member(root, "links");
	unsigned int i, sync = 0;
	bool self = false;

	for (i = 0; config->members[i].id; i++)
		self |= config->members[i].id == config->member;
	if (config->member && members && !self)
		reader_error(reader, members,
			     "this member (group.member = %u) is not among them; add it, and use the same list on every member",
			     config->member);
	if (config->auth_none && (key_file || second))
		reader_error(reader, auth,
			     "is \"none\" but a key file is given; remove one of the two");
	if (!config->auth_none && !key_file)
		reader_error_line(reader, 0, "key_file",
				  "is missing; make a key with 'gwsync key generate' and name its file (auth = \"none\" runs without one, in clear)");
	if (second && config->keys == 2 && !sodium_is_zero(config->key[0], CONFIG_KEY_BYTES) &&
	    !sodium_memcmp(config->key[0], config->key[1], CONFIG_KEY_BYTES))
		reader_error(reader, second,
			     "holds the key of key_file; remove it, or give the next or the previous key");
	for (i = 0; i < config->links; i++)
		sync += config->link[i].sync;
	if (links && !sync && config->sync_state)
		reader_error(reader, links,
			     "has no sync link; give at least one with sync = true");
	if (config->preempt_delay_ms && !config->preempt && group)
		reader_error(reader, config_setting_get_member(group, "preempt_delay_ms"),
			     "has no meaning without preempt; set preempt = true or remove it");
}

/* Reads all of the file; libconfig's own reading would end the process on an
 * error (a directory, for one) and follow @include to anywhere.
 */
static char *config_text(struct reader *reader)
{
	char *text = NULL;
	size_t len = 0;
	struct stat st;
	ssize_t n;
	int fd;

	fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		reader_error(reader, NULL, "cannot be opened: %s; %s", strerror(errno),
			     errno == ENOENT ? "copy gwsync.conf.example there and edit it"
					     : "run as root or correct its mode");
		return NULL;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > CONFIG_FILE_MAX) {
		reader_error(reader, NULL,
			     "is no regular file of at most %d bytes; name the configuration file",
			     CONFIG_FILE_MAX);
		goto out;
	}
	text = malloc(CONFIG_FILE_MAX + 1);
	if (!text) {
		reader_error(reader, NULL, "cannot be read: out of memory");
		goto out;
	}
	while ((n = read(fd, text + len, CONFIG_FILE_MAX - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	if (n < 0 || strlen(text) != len) {
		reader_error(reader, NULL, n < 0 ? "cannot be read; look at its file system"
						 : "holds a NUL byte; it must be plain text");
		free(text);
		text = NULL;
	}
out:
	close(fd);
	return text;
}

static bool config_includes(struct reader *reader, const char *text)
{
	unsigned int line = 1;
	const char *p;

	for (p = text; *p; line++) {
		const char *start = p + strspn(p, " \t\r\f\v");

		if (!strncmp(start, "@include", 8)) {
			reader_error_line(reader, line, "@include",
					  "is not supported; put the text here");
			return true;
		}
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return false;
}

int config_load(const char *path, struct config *config, char *errors, unsigned int errors_len)
{
	static const struct reader_key keys[] = {
		{ "group", READER_CUSTOM, .required = true, .read = group_read },
		{ "members", READER_CUSTOM, .required = true, .read = members_read },
		{ "auth", READER_CUSTOM, .read = auth_read },
		{ "key_file", READER_CUSTOM, .read = key_file_read },
		{ "second_key_file", READER_CUSTOM, .read = second_key_file_read },
		{ "links", READER_CUSTOM, .required = true, .read = links_read },
		{ "virtual_routers", READER_CUSTOM, .read = vrouters_read },
		{ "kernel", READER_CUSTOM, .read = kernel_read },
		{ "sync", READER_CUSTOM, .read = sync_read },
		{ "bgp", READER_CUSTOM, .read = bgp_read },
		{ "routes", READER_CUSTOM, .read = routes_read },
		{ "daemon", READER_CUSTOM, .read = daemon_read },
		{ }
	};
	struct reader reader = { .path = path, .text = errors, .size = errors_len };
	config_t file;
	char *text;

	if (errors_len)
		errors[0] = '\0';
	config_defaults(config);
	text = config_text(&reader);
	if (!text)
		return (int)reader.errors;
	config_init(&file);
	if (config_includes(&reader, text)) {
		;
	} else if (config_read_string(&file, text)) {
		reader_group(&reader, config_root_setting(&file), keys, config);
		config_check(&reader, config_root_setting(&file), config);
	} else {
		reader_error_line(&reader, (unsigned int)config_error_line(&file), NULL,
				  "%s; look at this line and the one before for a missing ';', quote or bracket",
				  config_error_text(&file));
	}
	config_destroy(&file);
	free(text);
	if (reader.errors)
		config_wipe(config);
	return (int)reader.errors;
}

void config_wipe(struct config *config)
{
	sodium_memzero(config, sizeof(*config));
}

const char *config_member_name(const struct config *config, uint8_t member)
{
	unsigned int i;

	if (!member)
		return "nobody";
	for (i = 0; config->members[i].id; i++)
		if (config->members[i].id == member)
			return config->members[i].name;
	return "?";
}

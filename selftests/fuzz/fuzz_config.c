// SPDX-License-Identifier: GPL-2.0
/* The configuration file, and the key files that it names.
 *
 * Input: the text; after a NUL byte, what every key file holds.  No other file
 * of this machine is opened: the link replaces keyfile_load() (--wrap).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "config/config.h"
#include "fuzz.h"
#include "config/keyfile.h"
#include "wrap.h"

/* libconfig does not free a string that the end of the file breaks off. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static int text_fd = -1, key_fd = -1;
static char text_path[64], key_path[64];

int __wrap_keyfile_load(const char *path, uid_t owner, uint8_t *key, char *why, size_t why_len)
{
	int err;

	expect(path[0] == '/');
	err = __real_keyfile_load(key_path, owner, key, why, why_len);
	expect(!err || (why[0] && strnlen(why, why_len) < why_len));
	return err;
}

static int memory_file(char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	expect(fd >= 0 && !fchmod(fd, 0600));
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void fill(int fd, const uint8_t *data, size_t len)
{
	expect(!ftruncate(fd, 0));
	expect(pwrite(fd, data, len, 0) == (ssize_t)len);
}

/* One line an error, each with the name of the file first. */
static void check_errors(const char *errors, size_t size)
{
	size_t len = strnlen(errors, size);

	expect(len && len < size);
	while (*errors) {
		const char *end = strchrnul(errors, '\n');

		/* The last may be cut off. */
		expect(!*end || !strncmp(errors, text_path, strlen(text_path)));
		for (; errors < end; errors++)
			expect((unsigned char)*errors >= ' ' && *errors != 0x7f);
		errors += *end == '\n';
	}
}

static bool is_text(const char *text, size_t size)
{
	return strnlen(text, size) && strnlen(text, size) < size;
}

static void check_members(const struct config *c)
{
	uint64_t named = 0;

	for (unsigned int i = 0; c->members[i].id; i++) {
		expect(i < GWSYNC_MEMBER_MAX && c->members[i].id <= GWSYNC_MEMBER_MAX);
		expect(!(named & 1ULL << c->members[i].id));
		expect(is_text(c->members[i].name, sizeof(c->members[i].name)));
		named |= 1ULL << c->members[i].id;
	}
	expect(c->member && c->member <= GWSYNC_MEMBER_MAX && named & 1ULL << c->member);
}

static void check_vrouter(const struct config_vrouter *v)
{
	expect(v->vrid && v->addresses && v->addresses <= CONFIG_ADDRESSES_MAX);
	expect(is_text(v->name, sizeof(v->name)) && is_text(v->macvlan, sizeof(v->macvlan)));
	expect(is_text(v->interface, sizeof(v->interface)) && !(v->mac[0] & 1));
	expect(strcmp(v->interface, v->macvlan) != 0);
	for (unsigned int i = 0; i < v->addresses; i++)
		expect((v->address[i].family == AF_INET && v->address[i].prefix_len <= 32) ||
		       (v->address[i].family == AF_INET6 && v->address[i].prefix_len <= 128));
}

/* What the daemon and the kernel half rely on. */
static void check(const struct config *c)
{
	unsigned int sync = 0;

	expect(c->group && c->priority && c->priority < 255);
	check_members(c);
	expect(c->auth_none ? !c->keys : c->keys == 1 || c->keys == 2);
	expect(c->heartbeat_ms >= 10 && c->heartbeat_ms <= 10000);
	expect(c->dead_after >= 2 && c->dead_after <= 100);
	expect(c->flush_ms <= 1000 && c->hold_ms <= 60000);
	expect(c->retransmit_frames >= 256 && c->retransmit_frames <= 65536);
	expect(c->reorder_frames >= 64 && c->reorder_frames <= 16384);
	expect(is_text(c->control, sizeof(c->control)) && c->control[0] == '/');
	expect(strnlen(c->user, sizeof(c->user)) < sizeof(c->user));
	expect(c->links <= CONFIG_LINKS_MAX && c->vrouters <= CONFIG_VROUTERS_MAX);
	for (unsigned int i = 0; i < c->links; i++) {
		expect(is_text(c->link[i].interface, sizeof(c->link[i].interface)));
		expect(IN_MULTICAST(ntohl(c->link[i].group.s_addr)) && c->link[i].port);
		sync += c->link[i].sync;
	}
	expect(sync || !c->sync_state);
	for (unsigned int i = 0; i < c->vrouters; i++)
		check_vrouter(&c->vrouter[i]);
	expect(c->filter.protocols <= GWSYNC_FILTER_MAX && c->filter.zones <= GWSYNC_FILTER_MAX);
	expect(c->filter.marks <= GWSYNC_FILTER_MAX && c->filter.ports <= GWSYNC_FILTER_MAX);
	expect(c->filter.prefixes <= GWSYNC_FILTER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	static char errors[16384], few[60];
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t text_len = nul ? (size_t)(nul - data) : size;
	int n;

	if (text_fd < 0) {
		text_fd = memory_file(text_path);
		key_fd = memory_file(key_path);
	}
	fill(text_fd, data, text_len);
	fill(key_fd, nul ? nul + 1 : data, nul ? size - text_len - 1 : 0);

	n = config_load(text_path, &config, errors, sizeof(errors));
	expect(n >= 0);
	if (n) {
		check_errors(errors, sizeof(errors));
		expect(sodium_is_zero((uint8_t *)&config, sizeof(config)));
		/* The same with room for a line at most. */
		expect(config_load(text_path, &config, few, sizeof(few)) == n);
		check_errors(few, sizeof(few));
	} else {
		expect(!errors[0]);
		check(&config);
	}
	config_wipe(&config);
	return 0;
}

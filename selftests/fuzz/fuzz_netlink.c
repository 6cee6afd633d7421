// SPDX-License-Identifier: GPL-2.0
/* What comes out of netlink sockets: the kernel half's and rtnetlink's.
 *
 * Input: settings, then datagrams, each a length (two bytes) and its bytes; of
 * the numbers that are the kernel's to choose a message can ask for the right
 * ones: of the family and of the request that is answered.
 * No socket is used: the link replaces what reads and sends (--wrap).
 */
#include <net/if.h>

#include <sanitizer/asan_interface.h>

#include "fuzz.h"
#include "fuzz_loop.h"

/* Its parsers are static. */
#include "../../agent/flow/kernel.c"	/* NOLINT(bugprone-suspicious-include) */
#include "../../agent/host/iface.c"	/* NOLINT(bugprone-suspicious-include) */
#include "vrouter/rtnl.h"
#include "wrap.h"

#define FAMILY		0x23
#define SEQ		7

static struct kernel *kernel;
static struct rtnl rtnl;
static struct ifaces *ifaces;
static struct input in;
static bool paused;
static void *buffer;		/* of the last datagram, its end poisoned */
static size_t buffer_size;

static void unpoison(void)
{
	if (buffer)
		ASAN_UNPOISON_MEMORY_REGION(buffer, buffer_size);
	buffer = NULL;
}

/* The next datagram; what is behind it in the buffer is out of bounds. */
static ssize_t datagram(void *buf, size_t size, int *flags)
{
	struct nlmsghdr *nlh = buf;
	const uint8_t *bytes;
	size_t len;
	int left;

	unpoison();
	if (!in.left) {
		errno = EAGAIN;
		return -1;
	}
	bytes = input_bytes(&in, input_number(&in, 2), &len);
	if (len > size) {
		*flags |= MSG_TRUNC;
		len = size;
	}
	memcpy(buf, bytes, len);
	for (left = (int)len; left >= (int)sizeof(*nlh); nlh = mnl_nlmsg_next(nlh, &left)) {
		/* libmnl goes astray with 2 GiB and more, which no kernel writes. */
		nlh->nlmsg_len &= INT32_MAX;
		if (!mnl_nlmsg_ok(nlh, left))
			break;
		if (nlh->nlmsg_type == 0xffff)
			nlh->nlmsg_type = FAMILY;
		if (nlh->nlmsg_seq == UINT32_MAX)
			nlh->nlmsg_seq = SEQ;
	}
	/* libmnl takes the padding for granted. */
	ASAN_POISON_MEMORY_REGION((uint8_t *)buf + MNL_ALIGN(len), size - MNL_ALIGN(len));
	buffer = buf;
	buffer_size = size;
	return (ssize_t)len;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	(void)fd;
	(void)flags;
	msg->msg_flags = 0;
	return datagram(msg->msg_iov->iov_base, msg->msg_iov->iov_len, &msg->msg_flags);
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	(void)fd;
	return datagram(buf, len, &flags);
}

ssize_t __wrap_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
			socklen_t *from_len)
{
	int got = 0;
	ssize_t n = datagram(buf, len, &got);

	(void)fd;
	(void)flags;
	(void)from;
	(void)from_len;
	return got & MSG_TRUNC ? (ssize_t)len + 1 : n;
}

ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
	(void)fd;
	(void)buf;
	(void)flags;
	return (ssize_t)len;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t len)
{
	(void)nl;
	(void)req;
	return (ssize_t)len;
}

/* libmnl looks at no length here, and the sanitizer not into libmnl. */
#define WRAP_GET(bits)								\
	uint##bits##_t __wrap_mnl_attr_get_u##bits(const struct nlattr *attr)	\
	{									\
		uint##bits##_t value;						\
										\
		expect(mnl_attr_get_payload_len(attr) >= sizeof(value));	\
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));	\
		return value;							\
	}

WRAP_GET(8)
WRAP_GET(16)
WRAP_GET(32)
WRAP_GET(64)

static bool delta(void *arg, uint64_t set, uint32_t walk_id, const void *records, size_t len)
{
	uint8_t *copy = exact_copy(records, len);

	(void)arg;
	(void)set;
	(void)walk_id;
	free(copy);
	return !paused;
}

static void event(void *arg, const struct kernel_event *e)
{
	(void)arg;
	expect(e);
}

static void gone(void *arg, int err)
{
	(void)arg;
	expect(err < 0);
}

static void link_told(void *arg, const struct rtnl_link *link)
{
	(void)arg;
	expect(strnlen(link->name, sizeof(link->name)) < sizeof(link->name));
	expect(strnlen(link->alias, sizeof(link->alias)) < sizeof(link->alias));
}

static void link_changed(void *arg, const struct rtnl_link *link, bool is_gone)
{
	(void)arg;
	link_told(NULL, link);
	/* It is looked up as it is told. */
	if (!link->port)
		expect(!ifaces_at(ifaces, link->index) == is_gone);
}

static void address_told(void *arg, const struct rtnl_address *address)
{
	uint8_t *copy = exact_copy(address->addr, address->family == AF_INET ? 4 : 16);

	(void)arg;
	free(copy);
}

static void address_changed(void *arg, const struct rtnl_address *address, bool is_gone)
{
	(void)is_gone;
	address_told(arg, address);
}

static void lost(void *arg)
{
	(void)arg;
}

/* In the middle of a look, so that its end and what it did not find are met as well. */
static void monitor(void)
{
	struct iface_watcher watcher = {
		.link = link_changed, .address = address_changed, .lost = lost,
	};

	ifaces = calloc(1, sizeof(*ifaces));
	expect(ifaces);
	ifaces->loop = &fuzz_loop;
	ifaces->again.fire = ifaces_look_again;
	ifaces->seq = SEQ;
	ifaces->look = LOOK_LINKS;
	ifaces_watch(ifaces, &watcher);
	ifaces_read(ifaces);
	unpoison();
	(void)ifaces_named(ifaces, "e");
	ifaces_addresses(ifaces, 0, address_told, NULL);
	ifaces->fd.fd = -1;
	ifaces_free(ifaces);
	ifaces = NULL;
}

static void begin(void)
{
	static const struct kernel_callbacks cb = { .delta = delta, .event = event, .gone = gone };

	if (!kernel) {
		kernel = calloc(1, sizeof(*kernel));
		expect(kernel);
		kernel->loop = &fuzz_loop;
		kernel->cb = cb;
		kernel->family = FAMILY;
		kernel->gone_timer.fire = kernel_say_gone;
		kernel->netlink.nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
		rtnl.netlink.nl = kernel->netlink.nl;
		expect(kernel->netlink.nl);
	}
	loop_timer_del(&fuzz_loop, &kernel->gone_timer);
	kernel->gone = false;
	kernel->paused = false;
	kernel->next = 0;
	kernel->count = 0;
}

/* As kernel_ready(), with one datagram a batch. */
static void deltas_and_events(void)
{
	while (in.left) {
		struct msghdr *msg = &kernel->mmsg[0].msg_hdr;
		ssize_t n;

		msg->msg_flags = 0;
		n = datagram(kernel->message[0], KERNEL_MESSAGE, &msg->msg_flags);
		if (n < 0)
			break;
		kernel->mmsg[0].msg_len = (unsigned int)n;
		kernel->next = 0;
		kernel->count = 1;
		kernel->paused = false;
		kernel_deliver(kernel);
		expect(kernel->next == 1);
	}
	fuzz_loop_turn();
}

static void answer(unsigned int what)
{
	struct rtnl_link link = { 0 };
	uint16_t family = 0;
	json_t *json = json_object();
	char *text;

	switch (what % 6) {
	case 0:
		netlink_wait(&kernel->netlink, SEQ, kernel_state_cb, json);
		break;
	case 1:
		netlink_wait(&kernel->netlink, SEQ, kernel_stats_cb, json);
		break;
	case 2:
		rtnl.netlink.seq = SEQ - 1;
		rtnl_link_get(&rtnl, "e", 0, &link);
		link_told(NULL, &link);
		break;
	case 3:
		rtnl.netlink.seq = SEQ - 1;
		rtnl_addresses(&rtnl, 1, address_told, NULL);
		break;
	case 5:
		rtnl.netlink.seq = SEQ - 1;
		rtnl_links(&rtnl, link_told, NULL);
		break;
	case 4:
		kernel->netlink.seq = SEQ - 1;
		netlink_family(&kernel->netlink, "gwsync", true, &family);
		break;
	}
	expect(strnlen(kernel->netlink.extack, NETLINK_EXTACK) < NETLINK_EXTACK);
	text = json_dumps(json, JSON_COMPACT);
	expect(text);
	free(text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t settings;

	begin();
	in = (struct input) { .at = data, .left = size };
	settings = input_u8(&in);
	paused = settings & 0x80;
	switch (settings & 3) {
	case 0:
		deltas_and_events();
		break;
	case 1:
		answer(settings >> 2 & 7);
		break;
	case 2:
		netlink_drain(&kernel->netlink);
		break;
	case 3:
		monitor();
		break;
	}
	unpoison();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* What of routes may come from other members and from the kernel; the rest is played by
 * fib.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "fib/kernel.h"
#include "fib/route.h"

static void example(struct fib_route *r)
{
	memset(r, 0, sizeof(*r));
	r->family = AF_INET;
	r->prefix_len = 20;
	r->prefix[0] = 10;
	r->prefix[1] = 1;
	r->prefix[2] = 0x10;
	r->metric = 32;
	r->type = RTN_UNICAST;
	r->protocol = RTPROT_BIRD;
	r->source_len = 4;
	r->source[0] = 10;
	r->metrics = 2;
	r->metrics_of[0] = (struct fib_metric){ RTAX_MTU, 1400 };
	r->metrics_of[1] = (struct fib_metric){ RTAX_ADVMSS, 1360 };
	r->hops = 3;
	r->hop[0].family = AF_INET;
	r->hop[0].gateway[0] = 10;
	r->hop[0].weight = 4;
	r->hop[1].family = AF_INET6;
	r->hop[1].gateway[0] = 0xfe;
	r->hop[1].onlink = true;
	r->hop[1].vrid = 7;
	r->hop[2].name_id = 0x12345678;
	r->hop[2].role = 1;
}

/* From the heap, so that nobody reads past the end unseen. */
static bool valid(const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	uint8_t *k = malloc(key_len + 1), *v = malloc(len + 1);
	bool answer;

	assert_non_null(k);
	assert_non_null(v);
	memcpy(k + 1, key, key_len);
	memcpy(v + 1, value, len);
	answer = fib_record_valid(NULL, k + 1, key_len, v + 1, len);
	free(k);
	free(v);
	return answer;
}

static void test_round(void **state)
{
	uint8_t key[FIB_KEY_MAX], value[FIB_VALUE_MAX];
	struct fib_route r, read;
	size_t key_len, len;

	(void)state;
	example(&r);
	key_len = fib_key_write(&r, key);
	len = fib_value_write(&r, value);
	assert_int_equal(key_len, FIB_KEY_HEAD + 3);
	assert_int_equal(len, 8 + 4 + 2 * 5 + 12 + 24 + 8);
	assert_true(valid(key, key_len, value, len));
	assert_true(fib_route_read(&read, key, key_len, value, len));
	assert_memory_equal(&r, &read, sizeof(r));
	assert_int_equal(fib_table_id("main"), 0);
	assert_int_not_equal(fib_table_id("vrf:a"), fib_table_id("vrf:b"));
}

static void test_lengths(void **state)
{
	uint8_t key[FIB_KEY_MAX], value[FIB_VALUE_MAX];
	size_t key_len, len, i;
	struct fib_route r;

	(void)state;
	example(&r);
	key_len = fib_key_write(&r, key);
	len = fib_value_write(&r, value);
	for (i = 0; i < key_len; i++)
		assert_false(valid(key, i, value, len));
	for (i = 0; i < len; i++)
		assert_false(valid(key, key_len, value, i));
	r.hops = FIB_HOPS;	/* more than one record says */
	memset(r.hop, 0, sizeof(r.hop));
	assert_int_equal(fib_value_write(&r, value), 0);
}

static void test_hostile(void **state)
{
	uint8_t key[FIB_KEY_MAX], value[FIB_VALUE_MAX], bad[FIB_VALUE_MAX];
	static const uint8_t unfit[] = { 0, 3, 4, 5, 6, 7 };
	size_t key_len, len, i;
	struct fib_route r;
	unsigned int n;

	(void)state;
	example(&r);
	key_len = fib_key_write(&r, key);
	len = fib_value_write(&r, value);
	for (i = 0; i < sizeof(unfit); i++) {
		memcpy(bad, value, len);
		bad[unfit[i]] = 0xff;
		assert_false(valid(key, key_len, bad, len));
	}
	memcpy(bad, value, len);
	bad[0] = RTN_LOCAL;
	assert_false(valid(key, key_len, bad, len));
	bad[0] = RTN_BLACKHOLE;	/* with next hops */
	assert_false(valid(key, key_len, bad, len));
	memcpy(bad, value, len);
	bad[8 + 4] = 0;		/* a metric of no number, of the algorithm, out of order */
	assert_false(valid(key, key_len, bad, len));
	bad[8 + 4] = RTAX_CC_ALGO;
	assert_false(valid(key, key_len, bad, len));
	bad[8 + 4] = RTAX_ADVMSS;
	assert_false(valid(key, key_len, bad, len));
	key[FIB_KEY_HEAD + 2] |= 1;	/* behind the prefix */
	assert_false(valid(key, key_len, value, len));
	/* Whatever comes, nothing is read that is not there. */
	srand(1);
	for (n = 0; n < 200000; n++) {
		for (i = 0; i < sizeof(bad); i++)
			bad[i] = (uint8_t)(rand() % (n % 2 ? 256 : 8));
		memcpy(key, bad, sizeof(key));
		key[0] = n % 3 ? 4 : 6;
		valid(key, (size_t)rand() % (sizeof(key) + 1), bad,
		      (size_t)rand() % (sizeof(bad) + 1));
	}
}

static size_t message(uint8_t *at)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	uint8_t prefix[4] = { 10, 1, 2, 0 }, gateway[4] = { 10, 0, 0, 1 };
	uint8_t via[18] = { AF_INET6, 0, 0xfe, 0x80 };
	struct rtnexthop *hop;
	struct nlattr *nest;
	unsigned int i;

	nlh->nlmsg_type = RTM_NEWROUTE;
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 24;
	rtm->rtm_protocol = RTPROT_BIRD;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_DST, 4, prefix);
	mnl_attr_put_u32(nlh, RTA_TABLE, 254);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 32);
	nest = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_MTU, 1400);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	for (i = 0; i < 2; i++) {
		hop = mnl_nlmsg_get_payload_tail(nlh);
		memset(hop, 0, sizeof(*hop));
		hop->rtnh_ifindex = 3;
		hop->rtnh_hops = 2;
		nlh->nlmsg_len += sizeof(*hop);
		if (i)
			mnl_attr_put(nlh, RTA_VIA, sizeof(via), via);
		else
			mnl_attr_put(nlh, RTA_GATEWAY, 4, gateway);
		hop->rtnh_len = (uint16_t)((uint8_t *)mnl_nlmsg_get_payload_tail(nlh) -
					   (uint8_t *)hop);
	}
	mnl_attr_nest_end(nlh, nest);
	return nlh->nlmsg_len;
}

static void test_kernel(void **state)
{
	uint8_t bytes[512] __attribute__((aligned(8))) = { 0 };
	size_t len = message(bytes), i;
	struct fib_seen seen;
	unsigned int n;

	(void)state;
	fib_kernel_parse((const void *)bytes, &seen);
	assert_int_equal(seen.told, FIB_TOLD_ROUTE);
	assert_int_equal(seen.route.hops, 2);
	assert_int_equal(seen.route.hop[0].family, AF_INET);
	assert_int_equal(seen.route.hop[1].family, AF_INET6);
	assert_int_equal(seen.route.hop[1].gateway[1], 0x80);
	assert_int_equal(seen.route.hop[1].weight, 2);
	assert_int_equal(seen.route.metrics, 1);
	assert_int_equal(seen.route.metric, 32);
	/* Cut anywhere, and with any byte another one. */
	srand(2);
	for (n = 0; n < 200000; n++) {
		size_t cut = (size_t)rand() % (len - sizeof(struct nlmsghdr) + 1) +
			     sizeof(struct nlmsghdr);
		struct nlmsghdr *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, bytes, len);
		for (i = 0; i < (size_t)rand() % 4; i++)
			((uint8_t *)copy)[16 + (size_t)rand() % (len - 16)] = (uint8_t)rand();
		copy->nlmsg_len = (uint32_t)cut;
		copy = realloc(copy, MNL_ALIGN(cut));
		assert_non_null(copy);
		fib_kernel_parse(copy, &seen);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests_name("fib", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* Which addresses count as gone, and from when on: under a clock of ours. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/address.h"
#include "config/config.h"
#include "vrouter/former.h"

#define SEC	NSEC_PER_SEC
#define HOUR	(3600 * SEC)
#define TODAY	1800000000	/* a time of day */

static struct config config;
static struct formers f;
static char path[] = "/tmp/gwsync-former-XXXXXX";
static uint64_t now_ns;

static int setup(void **state)
{
	int fd;

	(void)state;
	log_init(LOG_LEVEL_ERROR);
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	memset(&config, 0, sizeof(config));
	now_ns = 100 * HOUR;
	formers_load(&f, &config, path, now_ns, TODAY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void virtual(const char *text)
{
	struct config_vrouter *v = &config.vrouter[0];
	struct config_address *a = &v->address[v->addresses++];

	config.vrouters = 1;
	assert_true(address_parse(text, &a->family, &a->prefix_len, a->addr));
}

/* The host has these, with blanks between them, and the virtual ones. */
static void look(const char *texts)
{
	char copy[256], *text, *rest;
	uint8_t family, len, addr[16];

	snprintf(copy, sizeof(copy), "%s", texts);
	formers_begin(&f);
	for (text = strtok_r(copy, " ", &rest); text; text = strtok_r(NULL, " ", &rest)) {
		assert_true(address_parse(text, &family, &len, addr));
		formers_add(&f, family, addr);
	}
	formers_end(&f, now_ns);
}

/* What is due for an owner since @since_ns, "" for nothing. */
static const char *due(uint64_t since_ns)
{
	static char text[ADDRESS_TEXT];
	const struct former *former = formers_due(&f, now_ns, since_ns);

	return former ? address_text(former->address.family, former->address.addr, text) : "";
}

static void done(uint32_t flows, bool ended)
{
	struct former_address address = formers_due(&f, now_ns, 0)->address;

	formers_done(&f, &address, flows, ended);
}

static void test_goes(void **state)
{
	(void)state;
	look("192.0.2.1 192.0.2.2 2001:db8::1");
	look("192.0.2.1 2001:db8::1");
	now_ns += FORMER_GRACE_NS - 1;
	assert_string_equal(due(0), "");
	now_ns++;
	assert_string_equal(due(0), "192.0.2.2");
	done(7, true);
	assert_string_equal(due(0), "");
	assert_int_equal(f.count, 1);
	assert_int_equal(f.former[0].flows, 7);
	assert_true(f.former[0].ended);

	look("192.0.2.1");
	now_ns += FORMER_GRACE_NS;
	assert_string_equal(due(0), "2001:db8::1");
}

/* One that never was here has not gone. */
static void test_pool(void **state)
{
	(void)state;
	look("192.0.2.1");
	look("192.0.2.1");
	now_ns += HOUR;
	assert_string_equal(due(0), "");
	assert_int_equal(f.count, 0);
}

static void test_flaps(void **state)
{
	(void)state;
	look("192.0.2.1 192.0.2.2");
	look("192.0.2.1");
	now_ns += FORMER_GRACE_NS - SEC;
	look("192.0.2.1 192.0.2.2");
	now_ns += HOUR;
	assert_string_equal(due(0), "");
	/* The next time counts from its own beginning. */
	look("192.0.2.1");
	now_ns += FORMER_GRACE_NS - 1;
	assert_string_equal(due(0), "");
	now_ns++;
	assert_string_equal(due(0), "192.0.2.2");
	/* Back while it is looked for: it is none any more. */
	look("192.0.2.1 192.0.2.2");
	assert_string_equal(due(0), "");
	assert_int_equal(f.count, 0);
}

/* On the interface that went, and on another one as well. */
static void test_twice(void **state)
{
	(void)state;
	look("192.0.2.1 192.0.2.2 192.0.2.2");
	look("192.0.2.1 192.0.2.2");
	assert_int_equal(f.count, 0);
	look("192.0.2.1");
	assert_int_equal(f.count, 1);
}

/* What goes with a former owner may come with this one. */
static void test_new_owner(void **state)
{
	(void)state;
	look("192.0.2.1");
	look("");
	now_ns += HOUR;
	assert_string_equal(due(now_ns), "");
	now_ns += FORMER_GRACE_NS;
	assert_string_equal(due(now_ns - FORMER_GRACE_NS), "192.0.2.1");
}

static void test_forgotten(void **state)
{
	(void)state;
	look("192.0.2.1");
	look("");
	now_ns += FORMER_KEEP_NS + 1;
	assert_string_equal(due(0), "");
	assert_int_equal(f.count, 0);
}

static void test_virtual(void **state)
{
	(void)state;
	virtual("192.0.2.254/24");
	look("192.0.2.254");
	look("");		/* not held any more */
	now_ns += HOUR;
	assert_string_equal(due(0), "");
}

static void test_no_source(void **state)
{
	(void)state;
	look("127.0.0.1 ::1 fe80::1 224.0.0.1 ff02::1");
	look("");
	assert_int_equal(f.count, 0);
}

/* A look that was not finished says nothing, one that had no room not much. */
static void test_incomplete(void **state)
{
	uint8_t addr[16] = { 10 };
	unsigned int i;

	(void)state;
	look("192.0.2.1 192.0.2.2");
	formers_begin(&f);
	look("192.0.2.1 192.0.2.2");
	assert_int_equal(f.count, 0);

	formers_begin(&f);
	for (i = 0; i <= FORMER_ADDRESSES; i++) {
		addr[1] = 1;
		addr[2] = (uint8_t)(i >> 8);
		addr[3] = (uint8_t)i;
		formers_add(&f, AF_INET, addr);
	}
	formers_end(&f, now_ns);
	assert_int_equal(f.count, 0);
	look("192.0.2.1");
	assert_int_equal(f.count, 1);
}

/* More than are remembered: those that were looked for make room, then the oldest. */
static void test_many(void **state)
{
	char text[32];
	unsigned int i;

	(void)state;
	for (i = 0; i < FORMERS_MAX; i++) {
		snprintf(text, sizeof(text), "10.1.0.%u", i + 1);
		look(text);
		now_ns += SEC;
	}
	look("");
	assert_int_equal(f.count, FORMERS_MAX);
	now_ns += FORMER_GRACE_NS;
	assert_string_equal(due(0), "10.1.0.1");
	done(0, true);
	look("10.2.0.1");
	look("");
	assert_int_equal(f.count, FORMERS_MAX);
	assert_string_equal(due(0), "10.1.0.2");
	look("10.2.0.2");
	look("");
	assert_int_equal(f.count, FORMERS_MAX);
	assert_string_equal(due(0), "10.1.0.3");
}

/* The configuration of the next daemon has another virtual address. */
static void test_next_daemon(void **state)
{
	(void)state;
	virtual("192.0.2.254/24");
	virtual("2001:db8::254/64");
	virtual("fe80::254/64");
	look("192.0.2.1");
	assert_int_equal(formers_save(&f, path, now_ns, TODAY), 0);

	now_ns = 5 * SEC;		/* the machine was started again, too */
	memset(&config, 0, sizeof(config));
	virtual("2001:db8::253/64");
	virtual("fe80::253/64");
	formers_load(&f, &config, path, now_ns, TODAY + 60);
	look("192.0.2.254");		/* no longer virtual, and here all the same */
	assert_int_equal(f.count, 1);
	now_ns += FORMER_GRACE_NS;
	assert_string_equal(due(0), "2001:db8::254");

	/* The one after that does not forget it, nor make it younger. */
	assert_int_equal(formers_save(&f, path, now_ns, TODAY + 70), 0);
	now_ns = 200 * HOUR;
	formers_load(&f, &config, path, now_ns, TODAY + 670);
	look("");
	assert_int_equal(f.count, 1);
	assert_true(f.former[0].gone_ns == now_ns - 610 * SEC);
	assert_string_equal(due(0), "2001:db8::254");
	done(3, false);
	assert_int_equal(formers_save(&f, path, now_ns, TODAY + 670), 0);

	/* It was looked for. */
	formers_load(&f, &config, path, now_ns, TODAY + 700);
	look("");
	assert_int_equal(f.count, 0);
}

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static void test_file(void **state)
{
	char text[160];

	(void)state;
	snprintf(text, sizeof(text), "gone %d 192.0.2.1\ngone %d 192.0.2.2\ngone %d 192.0.2.3\n",
		 TODAY - 100, TODAY - 25 * 3600, TODAY + 1000);
	put(text);
	formers_load(&f, &config, path, now_ns, TODAY);
	assert_int_equal(f.count, 2);	/* one is too old, one of a clock that went back */
	assert_true(f.former[0].gone_ns == now_ns - 100 * SEC);
	assert_true(f.former[1].gone_ns == now_ns);

	/* Longer ago than this machine runs */
	formers_load(&f, &config, path, 50 * SEC, TODAY);
	assert_int_equal(f.former[0].gone_ns, 1);

	put("had\ngone x 192.0.2.1\ngone 5\nhad 192.0.2\n\nhad 192.0.2.9\nrubbish");
	formers_load(&f, &config, path, now_ns, TODAY);
	assert_int_equal(f.count, 0);
	assert_int_equal(f.had_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_virtual, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_source, setup, teardown),
		cmocka_unit_test_setup_teardown(test_incomplete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/config.h"
#include "member/epochfile.h"

static struct config config;
static char dir[] = "/tmp/gwsync-epoch-XXXXXX";
static char path[160];

static int setup(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_ERROR);
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	memset(&config, 0, sizeof(config));
	config.group = 7;
	config.member = 3;
	snprintf(config.state, sizeof(config.state), "%s/state", dir);
	snprintf(path, sizeof(path), "%s/group7-member3", config.state);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(config.state);
	return rmdir(dir);
}

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static void test_first_start(void **state)
{
	struct epochfile file;
	struct stat st;

	(void)state;
	epochfile_load(&file, &config);
	assert_true(file.kept);
	assert_int_equal(file.epoch, 0);
	assert_in_range(file.start, time(NULL) - 5, time(NULL));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(stat(config.state, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

/* Each start is above the one before, whatever the clock says. */
static void test_starts_grow(void **state)
{
	struct epochfile file;
	uint32_t last = 0;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		epochfile_load(&file, &config);
		assert_true(file.start > last);
		last = file.start;
	}
	put("epoch 41\nstart 4000000000\n");
	epochfile_load(&file, &config);
	assert_int_equal(file.start, 4000000001U);
	assert_int_equal(file.epoch, 41);
	epochfile_load(&file, &config);
	assert_int_equal(file.start, 4000000002U);
	assert_int_equal(file.epoch, 41);
}

static void test_noted(void **state)
{
	struct epochfile file;
	int status;

	(void)state;
	epochfile_load(&file, &config);
	epochfile_run(&file);
	assert_true(file.pipe >= 0);
	for (uint32_t epoch = 1; epoch <= 1000; epoch++)
		epochfile_note(&file, epoch);
	epochfile_note(&file, 5);		/* no way back */
	assert_int_equal(file.epoch, 1000);
	epochfile_close(&file);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	epochfile_load(&file, &config);
	assert_int_equal(file.epoch, 1000);
}

static void test_damaged(void **state)
{
	static const char *const text[] = {
		"", "epoch", "epoch 7\n", "epoch 7\nstart\n", "epoch x\nstart 5\n",
		"epoch 7\nstart 5", "\n\n\n",
		"a line that is far longer than anything that this daemon has ever written itself\n",
	};
	struct epochfile file;

	(void)state;
	epochfile_load(&file, &config);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		put(text[i]);
		epochfile_load(&file, &config);
		assert_true(file.kept);
		assert_int_equal(file.epoch, 0);
		assert_in_range(file.start, time(NULL) - 5, time(NULL) + 10);
	}
}

/* The daemon can do without. */
static void test_no_directory(void **state)
{
	struct epochfile file;

	(void)state;
	snprintf(config.state, sizeof(config.state), "/proc/no/such/place");
	epochfile_load(&file, &config);
	assert_false(file.kept);
	assert_true(file.start > 0);
	epochfile_run(&file);
	assert_int_equal(file.pipe, -1);
	epochfile_note(&file, 3);
	assert_int_equal(file.epoch, 3);
	epochfile_close(&file);
	snprintf(config.state, sizeof(config.state), "%s/state", dir);
	assert_int_equal(mkdir(config.state, 0700), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_start),
		TEST(test_starts_grow),
		TEST(test_noted),
		TEST(test_damaged),
		TEST(test_no_directory),
	};

	return cmocka_run_group_tests_name("epochfile", tests, NULL, NULL);
}

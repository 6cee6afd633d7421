// SPDX-License-Identifier: GPL-2.0
/* A reader of the log that stands still: nobody waits for it, what it missed is said.
 * An alarm ends a test that waits.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

#define LINES	4000	/* more than any of them takes */

static int saved;
static int reader;
static char text[4 << 20];

/* Standard error is @writer from now on, read by nobody. */
static void begin(int fds[2])
{
	reader = fds[0];
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0 && dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
	close(fds[1]);
	log_init(LOG_LEVEL_INFO);
	alarm(20);
}

static void end(void)
{
	alarm(0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
	log_init(LOG_LEVEL_INFO);
}

static size_t drain(void)
{
	size_t used = 0;
	ssize_t n;

	fcntl(reader, F_SETFL, O_NONBLOCK);
	while ((n = read(reader, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return used;
}

static void stand_still(void)
{
	unsigned int i, whole = 0, lost;
	char *line, *rest;

	for (i = 0; i < LINES; i++)
		log_info("%0200u", i);
	lost = (unsigned int)log_lines_lost();
	assert_true(lost > 0 && lost < LINES);
	drain();
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		/* In order, and whole. */
		assert_int_equal(strlen(line), 3 + 200);
		assert_int_equal(strtoul(line + 3, NULL, 10), whole++);
	}
	assert_int_equal(whole + lost, LINES);

	log_info("again");
	assert_int_equal(log_lines_lost(), 0);
	drain();
	assert_int_equal(strncmp(text, "<4>", 3), 0);
	assert_int_equal(strtoul(text + 3, &rest, 10), lost);
	assert_int_equal(strncmp(rest, " lines were lost here", 21), 0);
	assert_non_null(strstr(text, "\n<6>again\n"));
}

static void test_pipe(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	begin(fds);
	stand_still();
	/* Those who share it are not asked. */
	assert_false(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);
	end();
}

/* The journal's. */
static void test_socket(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	begin(fds);
	stand_still();
	end();
}

/* A pipe that cannot be opened again: it is asked whether there is room. */
static void test_pipe_of_another(void **state)
{
	int fds[2];

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fchmod(fds[1], 0), 0);
	assert_int_equal(seteuid(65534), 0);
	begin(fds);
	stand_still();
	end();
	assert_int_equal(seteuid(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_pipe_of_another),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

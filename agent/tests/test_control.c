// SPDX-License-Identifier: GPL-2.0
/* What clients do to the control socket: a thread of the test plays them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "control/control.h"

static char dir[] = "/tmp/gwsync-control-XXXXXX";
static char path[64];
static struct loop *loop;
static struct control *control;
static struct loop_fd stop;
static pthread_t thread;
static unsigned int handled;

static json_t *handle(void *arg, const char *command, const json_t *request)
{
	json_t *json, *array;
	char line[80] = "";
	unsigned int i;

	memset(line, 'x', sizeof(line) - 1);
	(void)arg;
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
	if (!strcmp(command, "echo"))
		return json_pack("{s:b, s:O?}", "ok", 1, "value",
				 json_object_get(request, "value"));
	if (!strcmp(command, "large") || !strcmp(command, "too large")) {
		unsigned int n = !strcmp(command, "large") ? 10000 : 20000;

		json = json_pack("{s:b}", "ok", 1);
		array = json_array();
		for (i = 0; i < n; i++)
			json_array_append_new(array,
					      json_string(line));
		json_object_set_new(json, "value", array);
		return json;
	}
	if (!strcmp(command, "null"))
		return NULL;
	return control_error("unknown command '%s'", command);
}

static void stop_ready(struct loop_fd *fd, uint32_t events)
{
	(void)fd;
	(void)events;
	loop_stop(loop);
}

static void *serve(void *arg)
{
	loop_run(loop);
	return arg;
}

static int setup(void **state)
{
	int err;

	(void)state;
	if (!dir[0] || (!path[0] && !mkdtemp(dir)))
		return -1;
	/* the last directory is made when it is missing */
	snprintf(path, sizeof(path), "%s/run/control.sock", dir);
	loop = loop_alloc();
	control = control_alloc(loop, path, handle, NULL, &err);
	if (!control)
		return -1;
	stop.fd = eventfd(0, EFD_CLOEXEC);
	stop.events = EPOLLIN;
	stop.ready = stop_ready;
	if (loop_fd_add(loop, &stop))
		return -1;
	return pthread_create(&thread, NULL, serve, NULL);
}

static int teardown(void **state)
{
	uint64_t one = 1;

	(void)state;
	if (write(stop.fd, &one, sizeof(one)) != sizeof(one))
		return -1;
	pthread_join(thread, NULL);
	loop_fd_del(loop, &stop);
	close(stop.fd);
	control_free(control);
	loop_free(loop);
	return access(path, F_OK) ? 0 : -1;	/* removed */
}

static int client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* A line's object; NULL at the end of the connection. */
static json_t *get(int fd)
{
	size_t used = 0, size = 4 * 1024 * 1024;
	char *line = malloc(size);
	json_t *json = NULL;

	/* Large ones too, before the daemon calls this a client that does not read. */
	while (used < size && (!used || line[used - 1] != '\n')) {
		ssize_t there = recv(fd, line + used, size - used, MSG_PEEK);
		char *end = there > 0 ? memchr(line + used, '\n', (size_t)there) : NULL;

		if (end)
			there = end + 1 - (line + used);
		if (there <= 0 || recv(fd, line + used, (size_t)there, 0) != there)
			break;
		used += (size_t)there;
	}
	if (used) {
		json = json_loadb(line, used, 0, NULL);
		assert_non_null(json);
	}
	free(line);
	return json;
}

static void expect_error(int fd, const char *what)
{
	json_t *json = get(fd);

	assert_non_null(json);
	assert_true(json_is_false(json_object_get(json, "ok")));
	assert_non_null(strstr(json_string_value(json_object_get(json, "error")), what));
	json_decref(json);
}

static void expect_echo(int fd, const char *value)
{
	json_t *json = get(fd);

	assert_non_null(json);
	assert_true(json_is_true(json_object_get(json, "ok")));
	assert_string_equal(json_string_value(json_object_get(json, "value")), value);
	json_decref(json);
}

static void test_mode(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void test_requests(void **state)
{
	int fd = client();

	(void)state;
	put(fd, "{\"command\":\"echo\",\"value\":\"a\"}\n");
	expect_echo(fd, "a");
	/* several in one write, one in several */
	put(fd, "{\"command\":\"echo\",\"value\":\"b\"}\n{\"command\":\"echo\",\"value\":\"c\"}\n{\"comm");
	expect_echo(fd, "b");
	expect_echo(fd, "c");
	put(fd, "and\":\"echo\",\"value\":\"d\"}\n");
	expect_echo(fd, "d");
	close(fd);
}

static void test_malformed(void **state)
{
	static const char bytes[] = "{\"command\":\"e\0\xff\"}\n";
	int fd = client();

	(void)state;
	put(fd, "nonsense\n");
	expect_error(fd, "not a JSON object");
	put(fd, "[1]\n");
	expect_error(fd, "not a JSON object");
	put(fd, "\n");
	expect_error(fd, "not a JSON object");
	put(fd, "{}\n");
	expect_error(fd, "\"command\" is missing");
	put(fd, "{\"command\": 5}\n");
	expect_error(fd, "\"command\" is missing");
	put(fd, "{\"command\": \"a\", \"command\": \"b\"}\n");
	expect_error(fd, "not a JSON object");
	put(fd, "{\"command\": \"reboot\"}\n");
	expect_error(fd, "unknown command 'reboot'");
	put(fd, "{\"command\": \"null\"}\n");
	expect_error(fd, "out of memory");
	/* NUL, bytes that are no UTF-8 */
	assert_int_equal(send(fd, bytes, sizeof(bytes) - 1, 0), sizeof(bytes) - 1);
	expect_error(fd, "not a JSON object");
	put(fd, "{\"command\":\"echo\",\"value\":\"still here\"}\n");
	expect_echo(fd, "still here");
	close(fd);
}

static void test_deep(void **state)
{
	char text[4096];
	int fd = client();

	(void)state;
	memset(text, '[', sizeof(text) - 2);
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	put(fd, text);
	expect_error(fd, "not a JSON object");
	close(fd);
}

static void test_oversized(void **state)
{
	char text[5000];
	int fd = client();

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	expect_error(fd, "a request is at most 4095 bytes");
	assert_null(get(fd));
	close(fd);
}

static void test_random(void **state)
{
	unsigned int i, j, seed = 1;

	(void)state;
	for (i = 0; i < 50; i++) {
		char bytes[512];
		int fd = client();

		for (j = 0; j < sizeof(bytes); j++)
			bytes[j] = (char)(rand_r(&seed) >> 7);
		send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		close(fd);	/* answers go nowhere */
	}
	test_requests(state);
}

/* A large answer, read slowly, arrives whole; too large a one ends the client. */
static void test_large(void **state)
{
	int fd = client();
	json_t *json;

	(void)state;
	put(fd, "{\"command\":\"large\"}\n");
	usleep(200000);
	json = get(fd);
	assert_int_equal(json_array_size(json_object_get(json, "value")), 10000);
	json_decref(json);
	put(fd, "{\"command\":\"too large\"}\n");
	assert_null(get(fd));
	close(fd);
}

/* Who does not read its answer is cut off; others are served meanwhile. */
static void test_slow_reader(void **state)
{
	struct pollfd hangup = { .events = 0 };
	int slow = client(), fd = client();

	(void)state;
	put(slow, "{\"command\":\"large\"}\n");
	put(fd, "{\"command\":\"echo\",\"value\":\"quick\"}\n");
	expect_echo(fd, "quick");
	hangup.fd = slow;
	assert_int_equal(poll(&hangup, 1, 8000), 1);
	assert_true(hangup.revents & POLLHUP);
	close(slow);
	close(fd);
}

/* Half a line is not waited for without end. */
static void test_slow_writer(void **state)
{
	struct pollfd hangup = { .events = POLLIN };
	int fd = client();

	(void)state;
	put(fd, "{\"command\":");
	hangup.fd = fd;
	assert_int_equal(poll(&hangup, 1, 8000), 1);
	assert_null(get(fd));
	close(fd);
}

static void test_rate(void **state)
{
	char text[4096] = "";
	int fd = client();
	unsigned int i;
	uint64_t start;

	(void)state;
	start = loop_clock();
	for (i = 0; i < 40; i++)
		strcat(text, "{\"command\":\"echo\",\"value\":\"r\"}\n");
	put(fd, text);
	for (i = 0; i < 40; i++)
		expect_echo(fd, "r");
	/* 20 at once, then one each 100 ms */
	assert_true(loop_clock() - start > 1500 * NSEC_PER_MSEC);
	close(fd);
}

static void test_too_many(void **state)
{
	int fd[17];
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++) {
		fd[i] = client();
		put(fd[i], "{\"command\":\"echo\",\"value\":\"n\"}\n");
		expect_echo(fd[i], "n");
	}
	fd[16] = client();
	expect_error(fd[16], "too many clients");
	assert_null(get(fd[16]));
	for (i = 0; i < 17; i++)
		close(fd[i]);
	usleep(300000);
	fd[0] = client();
	put(fd[0], "{\"command\":\"echo\",\"value\":\"again\"}\n");
	expect_echo(fd[0], "again");
	close(fd[0]);
}

/* Of several daemons one has the socket; what a dead one left is replaced. */
static void test_second_daemon(void **state)
{
	struct loop *other = loop_alloc();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *second;
	char stale[96];
	int err, fd;

	(void)state;
	assert_null(control_alloc(other, path, handle, NULL, &err));
	assert_int_equal(err, -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);

	snprintf(stale, sizeof(stale), "%s/stale", dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, stale);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	second = control_alloc(other, stale, handle, NULL, &err);
	assert_non_null(second);
	control_free(second);

	/* a file that is no socket is somebody's */
	fd = creat(stale, 0600);
	close(fd);
	assert_null(control_alloc(other, stale, handle, NULL, &err));
	assert_int_equal(err, -EEXIST);
	assert_int_equal(unlink(stale), 0);
	loop_free(other);
}

static int clean(void **state)
{
	char sub[96];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/run", dir);
	rmdir(sub);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oversized, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_daemon, setup, teardown),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, clean);
}

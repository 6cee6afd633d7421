// SPDX-License-Identifier: GPL-2.0
/* Clients of the control socket, several at a time, at any pace.
 *
 * Input: steps.  Each answer must be one line with one JSON object; a client
 * may be cut off, but never more answered than it asked, and all that it had
 * must be given back.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "control/control.h"
#include "fuzz.h"
#include "fuzz_loop.h"

#define CLIENTS		20	/* more than are served */
#define STEPS_MAX	128
#define ANSWER_MAX	(1024 * 1024)

enum step {
	STEP_CONNECT,
	STEP_SEND,
	STEP_LINE,		/* the same and a newline */
	STEP_FILL,		/* the same byte many times */
	STEP_READ,
	STEP_TIME,
	STEP_CLOSE,
	STEP_SHUTDOWN,

	STEPS
};

struct client {
	int		fd;
	unsigned int	lines, answers;
	size_t		used;
	char		answer[ANSWER_MAX];
};

static char dir[] = "/tmp/gwsync-fuzz-XXXXXX";
static char path[64];
static struct control *control;
static struct client client[CLIENTS];

static void clean(void)
{
	control_free(control);
	rmdir(dir);
}

static json_t *handle(void *arg, const char *command, const json_t *request)
{
	json_t *json, *array;

	(void)arg;
	if (!strcmp(command, "echo"))
		return json_pack("{s:b, s:O?}", "ok", 1, "value",
				 json_object_get(request, "value"));
	if (!strcmp(command, "null"))
		return NULL;
	if (strcmp(command, "large") && strcmp(command, "huge"))
		return control_error("unknown command '%s'", command);
	/* 0.6 MB fills the socket, 1.1 MB is more than an answer may have. */
	json = json_pack("{s:b}", "ok", 1);
	array = json_array();
	for (unsigned int n = command[0] == 'l' ? 6000 : 11000; n; n--)
		json_array_append_new(array, json_sprintf("%098u", n));
	json_object_set_new(json, "value", array);
	return json;
}

static void begin(void)
{
	int err;

	if (control)
		return;
	expect(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	control = control_alloc(&fuzz_loop, path, handle, NULL, &err);
	expect(control);
	atexit(clean);
	for (unsigned int i = 0; i < CLIENTS; i++)
		client[i].fd = -1;
}

static void connect_client(struct client *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (c->fd >= 0)
		return;
	memcpy(address.sun_path, path, sizeof(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	expect(c->fd >= 0);
	expect(!connect(c->fd, (struct sockaddr *)&address, sizeof(address)));
	c->lines = 0;
	c->answers = 0;
	c->used = 0;
}

static void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void put(struct client *c, const void *data, size_t len)
{
	const char *text = data;

	if (c->fd < 0 || !len || send(c->fd, data, len, MSG_NOSIGNAL) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		c->lines += text[i] == '\n';
}

static void check_answer(struct client *c, size_t len)
{
	json_t *json = json_loadb(c->answer, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *ok = json_object_get(json, "ok");

	expect(json_is_boolean(ok));
	expect(json_is_true(ok) || json_is_string(json_object_get(json, "error")));
	json_decref(json);
	/* One more says that a line was too long, or that it is one client too many. */
	expect(++c->answers <= c->lines + 1);
}

static void get(struct client *c)
{
	char *end;
	ssize_t n;

	if (c->fd < 0)
		return;
	for (;;) {
		n = recv(c->fd, c->answer + c->used, sizeof(c->answer) - c->used, 0);
		if (n <= 0)
			break;
		c->used += (size_t)n;
		while ((end = memchr(c->answer, '\n', c->used))) {
			size_t len = (size_t)(end - c->answer) + 1;

			check_answer(c, len);
			c->used -= len;
			memmove(c->answer, c->answer + len, c->used);
		}
		expect(c->used < sizeof(c->answer));
		fuzz_loop_turn();
	}
}

static void step(struct input *in)
{
	uint8_t what = input_u8(in);
	struct client *c = &client[(what >> 3) % CLIENTS];
	static uint8_t filling[8192];
	const uint8_t *bytes;
	size_t len;

	switch (what % STEPS) {
	case STEP_CONNECT:
		connect_client(c);
		break;
	case STEP_SEND:
	case STEP_LINE:
		bytes = input_bytes(in, input_number(in, 1), &len);
		put(c, bytes, len);
		if (what % STEPS == STEP_LINE)
			put(c, "\n", 1);
		break;
	case STEP_FILL:
		memset(filling, input_u8(in), sizeof(filling));
		put(c, filling, input_number(in, 2) % sizeof(filling));
		break;
	case STEP_READ:
		get(c);
		break;
	case STEP_TIME:
		fuzz_loop.now_ns += input_u8(in) * 50 * NSEC_PER_MSEC;
		break;
	case STEP_CLOSE:
		close_client(c);
		break;
	case STEP_SHUTDOWN:
		if (c->fd >= 0)
			shutdown(c->fd, SHUT_WR);
		break;
	}
	fuzz_loop_turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .at = data, .left = size };

	begin();
	connect_client(&client[0]);
	for (unsigned int steps = 0; in.left && steps < STEPS_MAX; steps++)
		step(&in);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		get(&client[i]);
		close_client(&client[i]);
	}
	/* Nobody is left: the listener alone, and soon no timer. */
	fuzz_loop_turn();
	expect(fuzz_loop.fds == 1);
	fuzz_loop.now_ns += NSEC_PER_SEC;
	fuzz_loop_turn();
	expect(!fuzz_loop.timers);
	return 0;
}

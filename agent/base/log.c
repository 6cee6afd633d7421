// SPDX-License-Identifier: GPL-2.0
/* A reader of the log that stands still (a full disk, a terminal with ^S) must not
 * stop the daemon: what cannot be written at once is lost, counted, and said later.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define LOG_LINE_MAX 1024

static enum log_level log_level = LOG_LEVEL_INFO;
static bool log_terminal = true;
static int log_fd = STDERR_FILENO;	/* what does not wait, or standard error */
static bool log_socket;
static uint64_t log_lost;		/* lines, since one was written */

/* O_NONBLOCK would be for all who have this pipe or terminal: one of our own.  To a
 * file nobody waits for a reader, and another user's pipe cannot be opened.
 */
void log_reopen(void)
{
	struct stat st;

	log_fd = STDERR_FILENO;
	log_socket = false;
	if (fstat(STDERR_FILENO, &st))
		return;
	log_socket = S_ISSOCK(st.st_mode);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		log_fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (log_fd < 0)
		log_fd = STDERR_FILENO;
}

void log_init(enum log_level level)
{
	log_level = level;
	log_terminal = isatty(STDERR_FILENO);
	log_reopen();
}

uint64_t log_lines_lost(void)
{
	return log_lost;
}

/* All of it or nothing: a line is shorter than PIPE_BUF. */
static bool log_write(const char *line, size_t len)
{
	struct pollfd room = { .fd = log_fd, .events = POLLOUT };

	if (log_socket)
		return send(log_fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
	if (log_fd == STDERR_FILENO && (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT)))
		return false;
	return write(log_fd, line, len) == (ssize_t)len;
}

static bool log_say_lost(void)
{
	char line[96];
	int len = snprintf(line, sizeof(line), log_terminal ?
			   "gwsyncd: warning: %llu lines were lost here: nobody read them\n" :
			   "<4>%llu lines were lost here: nobody read them\n",
			   (unsigned long long)log_lost);

	if (!log_write(line, (size_t)len))
		return false;
	log_lost = 0;
	return true;
}

static const char *log_level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:	return "error: ";
	case LOG_LEVEL_WARNING:	return "warning: ";
	case LOG_LEVEL_DEBUG:	return "debug: ";
	default:		return "";
	}
}

void log_at(enum log_level level, const char *fmt, ...)
{
	int saved = errno, len;
	char line[LOG_LINE_MAX];
	size_t used, i;
	va_list ap;

	if (level > log_level)
		return;

	if (log_terminal)
		len = snprintf(line, sizeof(line), "gwsyncd: %s", log_level_name(level));
	else
		len = snprintf(line, sizeof(line), "<%d>", level);
	used = (size_t)len;

	va_start(ap, fmt);
	len = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	if (len < 0)
		goto out;
	if ((size_t)len > sizeof(line) - used - 2)
		len = (int)(sizeof(line) - used - 2);

	/* One message is one line, whatever a peer or the kernel put in it. */
	for (i = used; i < used + (size_t)len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	used += (size_t)len;
	line[used++] = '\n';

	/* One write a line: messages of two processes do not mix. */
	if ((log_lost && !log_say_lost()) || !log_write(line, used))
		log_lost++;
out:
	errno = saved;
}

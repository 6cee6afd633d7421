// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define LOG_LINE_MAX 1024

static enum log_level log_level = LOG_LEVEL_INFO;
static bool log_terminal = true;

void log_init(enum log_level level)
{
	log_level = level;
	log_terminal = isatty(STDERR_FILENO);
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
	if (write(STDERR_FILENO, line, used) < 0)
		goto out;
out:
	errno = saved;
}

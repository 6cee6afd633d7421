/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of the daemon: to stderr with systemd's <N> priority prefix or, on
 * a terminal, in words.  log_* take printf formats without a newline, and never wait
 * for a reader: lines that it has no room for are lost, and counted.
 */
#ifndef GWSYNC_AGENT_LOG_H
#define GWSYNC_AGENT_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE,
		 LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_init(enum log_level level);
/* After the descriptors have been closed, or the user has changed. */
void log_reopen(void);
/* Since a line was written. */
uint64_t log_lines_lost(void);
void log_at(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)		log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)		log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)		log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)		log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif

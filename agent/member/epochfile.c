// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cap-ng.h>

#include "base/file.h"
#include "base/log.h"
#include "config/config.h"
#include "member/epochfile.h"

#define EPOCHFILE_TEXT	64

/* What goes through the pipe: less than PIPE_BUF, so in one piece. */
struct epochfile_note {
	uint32_t	epoch;
	uint32_t	start;
};

/* Return: 0 or -errno. */
static int epochfile_write(const char *path, const struct epochfile_note *note)
{
	char text[EPOCHFILE_TEXT];
	int len = snprintf(text, sizeof(text), "epoch %u\nstart %u\n", note->epoch, note->start);

	return file_replace(path, text, (size_t)len);
}

/* A line "NAME NUMBER"; @at goes behind it. */
static bool epochfile_number(const char **at, const char *name, uint32_t *number)
{
	size_t len = strlen(name);
	unsigned long value;
	char *end;

	if (strncmp(*at, name, len) || (*at)[len] != ' ' || !isdigit((unsigned char)(*at)[len + 1]))
		return false;
	errno = 0;
	value = strtoul(*at + len + 1, &end, 10);
	if (errno || value > UINT32_MAX || *end != '\n')
		return false;
	*number = (uint32_t)value;
	*at = end + 1;
	return true;
}

/* Return: 0, -ENOENT: none yet, or another -errno. */
static int epochfile_read(const char *path, struct epochfile_note *note)
{
	char text[EPOCHFILE_TEXT];
	const char *at = text;
	FILE *file = fopen(path, "re");
	size_t len;
	int err = 0;

	if (!file)
		return -errno;
	len = fread(text, 1, sizeof(text) - 1, file);
	if (ferror(file))
		err = -EIO;
	fclose(file);
	text[len] = '\0';
	if (!err && !(epochfile_number(&at, "epoch", &note->epoch) &&
		      epochfile_number(&at, "start", &note->start) && !*at))
		err = -EBADMSG;
	if (err)
		memset(note, 0, sizeof(*note));
	return err;
}

/* The directory, which the user that the daemon becomes must be able to write to. */
static int epochfile_directory(const struct config *config)
{
	const struct passwd *user = config->user[0] ? getpwnam(config->user) : NULL;

	if (mkdir(config->state, 0700) && errno != EEXIST)
		return -errno;
	if (user && geteuid() != user->pw_uid &&
	    chown(config->state, user->pw_uid, user->pw_gid))
		return -errno;
	return 0;
}

void epochfile_load(struct epochfile *file, const struct config *config)
{
	struct epochfile_note note = { 0 };
	time_t now = time(NULL);
	int err;

	memset(file, 0, sizeof(*file));
	file->pipe = -1;
	snprintf(file->path, sizeof(file->path), "%s/group%u-member%u", config->state,
		 config->group, config->member);
	err = epochfile_read(file->path, &note);
	if (err && err != -ENOENT)
		log_error("%s: %s; it is made anew", file->path,
			  err == -EBADMSG ? "is damaged" : strerror(-err));
	file->epoch = note.epoch;
	/* Seconds, so that a host that has lost the file is likely to be right as well. */
	file->start = now > 0 && now < UINT32_MAX ? (uint32_t)now : 1;
	if (file->start <= note.start && note.start < UINT32_MAX)
		file->start = note.start + 1;
	note.start = file->start;
	err = epochfile_directory(config);
	if (!err)
		err = epochfile_write(file->path, &note);
	file->kept = !err;
	if (err)
		log_warning("%s: %s; epoch and number of starts are not kept over a reboot: create the directory, or set daemon.state",
			    file->path, strerror(-err));
}

/* Until the daemon has gone.  Of several that wait the last one is written. */
static void epochfile_writer(const char *path, int fd)
{
	struct epochfile_note note[64];
	int err, last = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, note, sizeof(note));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < (ssize_t)sizeof(note[0]))
			break;
		err = epochfile_write(path, &note[(size_t)n / sizeof(note[0]) - 1]);
		if (err && err != last)
			log_error("%s: %s; the epoch is not kept", path, strerror(-err));
		last = err;
	}
	_exit(0);
}

static void epochfile_become_writer(const char *path, int fd)
{
	/* Told to end by nothing but the end of the daemon, which closes the pipe. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "gwsyncd-epoch");
	dup2(fd, 3);
	close_range(4, ~0U, 0);
	log_reopen();
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS))
		log_warning("%s: capabilities could not be dropped", path);
	epochfile_writer(path, 3);
}

void epochfile_run(struct epochfile *file)
{
	int fds[2];
	pid_t pid;

	if (!file->kept)
		return;
	if (pipe2(fds, O_CLOEXEC)) {
		log_error("%s: pipe: %s; the epoch is not kept", file->path, strerror(errno));
		return;
	}
	pid = fork();
	if (!pid)
		epochfile_become_writer(file->path, fds[0]);
	close(fds[0]);
	if (pid < 0) {
		log_error("%s: fork: %s; the epoch is not kept", file->path, strerror(errno));
		close(fds[1]);
		return;
	}
	/* A pipe that is full has newer ones than the disk for a while: nothing is lost
	 * but at a loss of power in that while.
	 */
	if (fcntl(fds[1], F_SETFL, O_NONBLOCK))
		log_warning("%s: %s", file->path, strerror(errno));
	file->pipe = fds[1];
}

static void epochfile_tell(const struct epochfile *file)
{
	struct epochfile_note note = { .epoch = file->epoch, .start = file->start };

	if (file->pipe >= 0 && write(file->pipe, &note, sizeof(note)) != sizeof(note))
		log_error("%s: epoch %u, start %u could not be noted: %s", file->path,
			  note.epoch, note.start, strerror(errno));
}

void epochfile_note(struct epochfile *file, uint32_t epoch)
{
	if (epoch <= file->epoch)
		return;
	file->epoch = epoch;
	epochfile_tell(file);
}

void epochfile_note_start(struct epochfile *file, uint32_t start)
{
	file->start = start;
	epochfile_tell(file);
}

void epochfile_close(struct epochfile *file)
{
	if (file->pipe >= 0)
		close(file->pipe);
	file->pipe = -1;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * guestd - runs commands in a test guest on behalf of the host
 *
 * The guest's first process. It speaks frames over one virtio-serial port:
 *
 *	struct frame { u32 job; u32 kind; u32 len; } then len bytes, little endian
 *
 * host to guest: 'p' ping, 'r' run the command, 'i' input for a job (empty:
 * end of input), 'k' kill a job's process group, 'e' entropy for the kernel, 'q' power
 * off.
 * guest to host: 'h' hello, 'o' output, 'e' error output, 'x' exit status as a
 * shell would give it.
 *
 * Every frame is passed on as soon as it is there, so the host sees progress;
 * a guest that loses power simply stops in the middle of one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX	128
#define FRAME_MAX	(1u << 20)
#define CHUNK		16384

struct frame {
	uint32_t job;
	uint32_t kind;
	uint32_t len;
};

struct job {
	uint32_t id;
	pid_t pid;
	int in;			/* our end of its stdin, -1 when closed */
	int out;
	int err;
	int status;		/* -1 while it runs */
	int linger_ms;		/* since it ended, its output still open */
};

static struct job jobs[JOBS_MAX];
static int port = -1;

static void die(const char *what)
{
	fprintf(stderr, "guestd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				struct pollfd pfd = { .fd = fd, .events = POLLOUT };

				poll(&pfd, 1, 100);
				continue;
			}
			return;		/* the reader left: nobody to tell */
		}
		p += n;
		len -= n;
	}
}

static void send_frame(uint32_t id, uint32_t kind, const void *data, uint32_t len)
{
	static char buf[sizeof(struct frame) + CHUNK];
	struct frame head = { .job = id, .kind = kind, .len = len };

	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), data, len);
	write_all(port, buf, sizeof(head) + len);
}

static struct job *job_find(uint32_t id)
{
	for (int i = 0; i < JOBS_MAX; i++)
		if (jobs[i].pid && jobs[i].id == id)
			return &jobs[i];
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void job_refuse(uint32_t id, const char *why)
{
	int status = 126;

	send_frame(id, 'e', why, strlen(why));
	send_frame(id, 'x', &status, sizeof(status));
}

static void job_start(uint32_t id, char *command)
{
	int in[2], out[2], err[2];
	struct job *job = NULL;
	sigset_t none;
	pid_t pid;

	for (int i = 0; i < JOBS_MAX && !job; i++)
		if (!jobs[i].pid)
			job = &jobs[i];
	if (!job) {
		job_refuse(id, "guestd: too many jobs\n");
		return;
	}
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe2");
	pid = fork();
	if (pid < 0) {
		close_fd(&in[0]);
		close_fd(&in[1]);
		close_fd(&out[0]);
		close_fd(&out[1]);
		close_fd(&err[0]);
		close_fd(&err[1]);
		job_refuse(id, "guestd: cannot fork\n");
		return;
	}
	if (!pid) {
		setsid();
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execl("/bin/bash", "bash", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	*job = (struct job) {
		.id = id, .pid = pid, .in = in[1], .out = out[0],
		.err = err[0], .status = -1,
	};
}

/* Pass on what a job wrote; a background child may hold the pipe open. */
static void job_output(struct job *job, int *fd, uint32_t kind)
{
	char buf[CHUNK];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0)
		send_frame(job->id, kind, buf, n);
	else if (!n || errno != EINTR)
		close_fd(fd);
}

static void jobs_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < JOBS_MAX; i++)
			if (jobs[i].pid == pid && jobs[i].status < 0)
				jobs[i].status = WIFEXITED(status) ?
					WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * A job is over when its shell ended and its output is drained. A daemon that
 * it left behind may keep the pipes: give up on them after a short while.
 */
static void jobs_finish(int elapsed_ms)
{
	for (int i = 0; i < JOBS_MAX; i++) {
		struct job *job = &jobs[i];

		if (!job->pid || job->status < 0)
			continue;
		if ((job->out >= 0 || job->err >= 0) && job->linger_ms < 100) {
			job->linger_ms += elapsed_ms;
			continue;
		}
		close_fd(&job->in);
		close_fd(&job->out);
		close_fd(&job->err);
		send_frame(job->id, 'x', &job->status, sizeof(job->status));
		job->pid = 0;
	}
}

static void job_input(struct job *job, const char *data, uint32_t len)
{
	if (!job || job->in < 0)
		return;
	if (len)
		write_all(job->in, data, len);
	else
		close_fd(&job->in);
}

/* Machines that go on from one snapshot must not draw the same random numbers. */
static void entropy(const char *data, uint32_t len)
{
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		die("/dev/urandom");
	write_all(fd, data, len);
	if (ioctl(fd, RNDRESEEDCRNG))
		die("RNDRESEEDCRNG");
	close(fd);
}

static void handle(const struct frame *head, char *data)
{
	struct job *job = job_find(head->job);

	switch (head->kind) {
	case 'p':
		send_frame(head->job, 'h', "", 0);
		break;
	case 'r':
		job_start(head->job, data);
		break;
	case 'i':
		job_input(job, data, head->len);
		break;
	case 'k':
		if (job)
			kill(-job->pid, SIGKILL);
		break;
	case 'e':
		entropy(data, head->len);
		break;
	case 'q':
		sync();
		reboot(RB_POWER_OFF);
		break;
	}
}

/* Returns 0 when the stream makes no sense and cannot be followed. */
static int port_read(void)
{
	static char buf[sizeof(struct frame) + FRAME_MAX + 1];
	static size_t have;
	struct frame head;
	ssize_t n;

	n = read(port, buf + have, sizeof(buf) - 1 - have);
	if (n <= 0) {
		usleep(20000);	/* the host is not connected (yet) */
		return 1;
	}
	have += n;
	while (have >= sizeof(head)) {
		char *data = buf + sizeof(head);
		size_t total;
		char saved;

		memcpy(&head, buf, sizeof(head));
		if (head.len > FRAME_MAX)
			return 0;
		total = sizeof(head) + head.len;
		if (have < total)
			break;
		saved = data[head.len];
		data[head.len] = '\0';
		handle(&head, data);
		data[head.len] = saved;
		have -= total;
		memmove(buf, buf + total, have);
	}
	return 1;
}

/*
 * Each ping wants to know when a packet came, and while the first such socket comes or the
 * last one goes the kernel patches itself (netstamp_needed_key). With several processors
 * TCG may then run what was replaced, and the guest dies of an int3 that is not there any
 * more. So there is always one.
 */
static void keep_timestamps(void)
{
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A kernel without IPv4 has no ping either. */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)))
		die("SO_TIMESTAMP");
}

int main(int argc, char **argv)
{
	struct pollfd pfd[2 + 2 * JOBS_MAX];
	sigset_t mask;
	int sfd;

	if (argc != 2) {
		fprintf(stderr, "usage: guestd PORT\n");
		return 2;
	}
	port = open(argv[1], O_RDWR | O_CLOEXEC);
	if (port < 0)
		die(argv[1]);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	keep_timestamps();
	sfd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sfd < 0)
		die("signalfd");

	for (;;) {
		struct signalfd_siginfo info;
		int waiting = 0, n = 2;

		pfd[0] = (struct pollfd) { .fd = port, .events = POLLIN };
		pfd[1] = (struct pollfd) { .fd = sfd, .events = POLLIN };
		for (int i = 0; i < JOBS_MAX; i++) {
			if (!jobs[i].pid)
				continue;
			waiting |= jobs[i].status >= 0;
			pfd[n++] = (struct pollfd) { .fd = jobs[i].out, .events = POLLIN };
			pfd[n++] = (struct pollfd) { .fd = jobs[i].err, .events = POLLIN };
		}
		if (poll(pfd, n, waiting ? 10 : -1) < 0 && errno != EINTR)
			die("poll");
		n = 2;
		for (int i = 0; i < JOBS_MAX; i++) {
			if (!jobs[i].pid)
				continue;
			if (pfd[n++].revents)
				job_output(&jobs[i], &jobs[i].out, 'o');
			if (pfd[n++].revents)
				job_output(&jobs[i], &jobs[i].err, 'e');
		}
		while (read(sfd, &info, sizeof(info)) > 0)
			;
		jobs_reap();
		jobs_finish(10);
		if (pfd[0].revents && !port_read())
			die("nonsense on the control port");
	}
}

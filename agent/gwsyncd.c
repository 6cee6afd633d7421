// SPDX-License-Identifier: GPL-2.0
/* The daemon: options, signals, readiness. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "container.h"
#include "control.h"
#include "group.h"
#include "log.h"
#include "loop.h"
#include "privilege.h"
#include "status.h"
#include "vrouter.h"

#define ERRORS_MAX 8192

/* A busy gateway must not look like a dead one. */
#define NICE (-20)

struct daemon {
	const char	*path;
	struct config	*config;
	struct loop	*loop;
	struct group	*group;
	struct control	*control;
	struct loop_fd	signals;
};

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: gwsyncd [--config FILE] [--check | --release] [--debug] [--version]\n"
		"\n"
		"  -c, --config FILE  configuration (default %s)\n"
		"  -k, --check        check the configuration and exit\n"
		"  -r, --release      remove what a daemon that died has left, and exit\n"
		"  -d, --debug        log debug messages\n"
		"  -f, --foreground   accepted for init scripts: it never forks\n"
		"  -V, --version      print the version and exit\n"
		"  -h, --help         print this and exit\n",
		CONFIG_DEFAULT_PATH);
}

/* sd_notify(3): a datagram to the socket that the service manager names. */
static void notify(const char *state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')		/* abstract */
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("NOTIFY_SOCKET: %s", strerror(errno));
	close(fd);
}

/* Return: 0 or the number of errors, which were printed. */
static int load(const char *path, struct config *config)
{
	char errors[ERRORS_MAX] = "";
	int n = config_load(path, config, errors, sizeof(errors));

	if (n)
		fprintf(stderr, "%s", errors);
	return n;
}

/* SIGHUP: the key files may have changed; nothing else is taken over. */
static void rekey(struct daemon *d)
{
	struct config *config = calloc(1, sizeof(*config));
	int err;

	if (!config)
		return;
	if (load(d->path, config)) {
		log_error("%s has errors: keys are kept as they were", d->path);
		goto out;
	}
	err = group_rekey(d->group, config);
	if (err)
		log_error("keys: %s: kept as they were", strerror(-err));
	else
		log_notice("keys read again: %u", config->keys);
out:
	config_wipe(config);
	free(config);
}

static void signals_ready(struct loop_fd *fd, uint32_t events)
{
	struct daemon *d = container_of(fd, struct daemon, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			rekey(d);
			continue;
		}
		log_notice("signal %u: leaving", info.ssi_signo);
		notify("STOPPING=1");
		group_end(d->group);
	}
}

static int signals_init(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	d->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (d->signals.fd < 0)
		return -errno;
	d->signals.events = EPOLLIN;
	d->signals.ready = signals_ready;
	return loop_fd_add(d->loop, &d->signals);
}

static json_t *handle(void *arg, const char *command, const json_t *request)
{
	struct daemon *d = arg;

	if (!d->group)
		return control_error("the daemon is starting");
	return status_handle(d->group, command, request);
}

/* A daemon that was killed leaves a kernel that answers for its addresses,
 * beside the owner that took over.
 */
static int release(struct daemon *d)
{
	struct vrouters *vrouters;
	int err = 0;

	d->loop = loop_alloc();
	if (!d->loop)
		return -ENOMEM;
	/* Fails if a daemon runs: its addresses are its own affair. */
	d->control = control_alloc(d->loop, d->config->control, handle, d, &err);
	if (!d->control)
		goto free_loop;
	vrouters = vrouters_alloc(d->loop, d->config, &err);
	if (!vrouters)
		goto free_control;
	err = vrouters_reset(vrouters);
	vrouters_free(vrouters);
free_control:
	control_free(d->control);
free_loop:
	loop_free(d->loop);
	return err;
}

static int run(struct daemon *d)
{
	int err;

	/* A ring that is hardly used would take 2 MiB at a touch. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		log_debug("transparent huge pages stay on: %s", strerror(errno));

	d->loop = loop_alloc();
	if (!d->loop)
		return -ENOMEM;
	err = signals_init(d);
	if (err)
		goto free_loop;
	/* First: it tells whether another daemon runs, whose addresses must not
	 * be removed.
	 */
	d->control = control_alloc(d->loop, d->config->control, handle, d, &err);
	if (!d->control)
		goto free_signals;
	d->group = group_alloc(d->loop, d->config, &err);
	if (!d->group)
		goto free_control;
	if (setpriority(PRIO_PROCESS, 0, NICE))
		log_warning("nice %d: %s: heartbeats may be late under load", NICE,
			    strerror(errno));
	err = privileges_drop(d->config);
	if (err)
		goto free_group;

	group_start(d->group);
	notify("READY=1");
	err = loop_run(d->loop);

free_group:
	group_free(d->group);
	d->group = NULL;
free_control:
	control_free(d->control);
free_signals:
	loop_fd_del(d->loop, &d->signals);
	close(d->signals.fd);
free_loop:
	loop_free(d->loop);
	return err;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config",	required_argument,	NULL, 'c' },
		{ "check",	no_argument,		NULL, 'k' },
		{ "release",	no_argument,		NULL, 'r' },
		{ "debug",	no_argument,		NULL, 'd' },
		{ "foreground",	no_argument,		NULL, 'f' },
		{ "version",	no_argument,		NULL, 'V' },
		{ "help",	no_argument,		NULL, 'h' },
		{ NULL,		0,			NULL, 0 },
	};
	struct daemon d = { .path = CONFIG_DEFAULT_PATH, .signals.fd = -1 };
	enum log_level level = LOG_LEVEL_INFO;
	bool check = false, leave = false;
	int c, err;

	while ((c = getopt_long(argc, argv, "c:krdfVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			d.path = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'r':
			leave = true;
			break;
		case 'd':
			level = LOG_LEVEL_DEBUG;
			break;
		case 'f':
			break;
		case 'V':
			printf("gwsyncd %s\n", GWSYNC_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind != argc || (check && leave)) {
		usage(stderr);
		return EXIT_FAILURE;
	}

	log_init(level);
	d.config = calloc(1, sizeof(*d.config));
	if (!d.config)
		return EXIT_FAILURE;
	err = load(d.path, d.config);
	if (err) {
		log_error("%s: %d error%s", d.path, err, err == 1 ? "" : "s");
	} else if (check) {
		printf("%s: fine\n", d.path);
	} else {
		err = leave ? release(&d) : run(&d);
		if (err)
			log_error("cannot %s: %s", leave ? "release" : "run", strerror(-err));
	}
	config_wipe(d.config);
	free(d.config);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

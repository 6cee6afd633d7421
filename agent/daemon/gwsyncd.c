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
#include <unistd.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/config.h"
#include "control/control.h"
#include "control/notify.h"
#include "daemon/gateway.h"
#include "daemon/privilege.h"
#include "daemon/status.h"
#include "fib/leftover.h"
#include "vrouter/leftover.h"
#include "vrouter/rtnl.h"

#define ERRORS_MAX 8192

/* A busy gateway must not look like a dead one. */
#define NICE (-20)

struct daemon {
	const char	*path;
	struct config	*config;
	struct loop	*loop;
	struct gateway	*gateway;
	struct control	*control;
	struct loop_fd	signals;
	struct notify	notify;
};

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: gwsyncd [--config FILE] [--check | --release] [--debug] [--version]\n"
		"\n"
		"  -c, --config FILE  configuration (default %s)\n"
		"  -k, --check        check the configuration and exit\n"
		"  -r, --release      remove what a daemon that died has left, and exit;\n"
		"                     no configuration is read\n"
		"  -d, --debug        log debug messages\n"
		"  -f, --foreground   accepted for init scripts: it never forks\n"
		"  -V, --version      print the version and exit\n"
		"  -h, --help         print this and exit\n",
		CONFIG_DEFAULT_PATH);
}

/* The loop runs: no reader of what it says may stop it. */
static void print_errors(const struct daemon *d, char *errors)
{
	char *line, *rest;

	if (!d->gateway) {
		fprintf(stderr, "%s", errors);
		return;
	}
	for (line = strtok_r(errors, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_error("%s", line);
}

/* Return: 0 or the number of errors, which were printed. */
static int load(const struct daemon *d, struct config *config)
{
	char errors[ERRORS_MAX] = "";
	int n = config_load(d->path, config, errors, sizeof(errors));

	if (n)
		print_errors(d, errors);
	return n;
}

/* What else has changed in the file is for the next start: say so. */
static void check_rest(const struct daemon *d, const struct config *config)
{
	uint32_t was[__CONFIG_PART_MAX], is[__CONFIG_PART_MAX];
	bool named = false;
	unsigned int i;

	config_hash(d->config, was);
	config_hash(config, is);
	for (i = 0; i < __CONFIG_PART_MAX; i++) {
		if (was[i] == is[i])
			continue;
		named = true;
		log_warning("%s: %s has changed, but only keys are read again: restart gwsyncd for the rest",
			    d->path, config_part_name(i));
	}
	if (!named && !config_is_same(d->config, config))
		log_warning("%s: a setting has changed, but only keys are read again: restart gwsyncd for the rest",
			    d->path);
}

/* SIGHUP: the key files may have changed; nothing else is taken over. */
static void rekey(struct daemon *d)
{
	struct config *config = calloc(1, sizeof(*config));
	int err;

	if (!config)
		return;
	if (load(d, config)) {
		log_error("%s has errors: keys are kept as they were", d->path);
		goto out;
	}
	err = gateway_rekey(d->gateway, config);
	if (err)
		log_error("keys: %s: kept as they were", strerror(-err));
	else
		log_notice("keys read again: %u", config->keys);
	check_rest(d, config);
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
		notify_stopping(&d->notify);
		gateway_end(d->gateway);
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

	if (!d->gateway)
		return control_error("the daemon is starting");
	return status_handle(d->gateway, command, request);
}

/* A daemon that was killed leaves a kernel that answers for its addresses,
 * beside the owner that took over.  The file may be what killed it, or another one by
 * now: what is there tells by itself what it is.
 */
static int release(void)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int err;

	if (!rtnl)
		return -ENOMEM;
	err = rtnl_open(rtnl);
	if (!err) {
		err = leftovers_clear(rtnl, NULL, NULL, NULL);
		rtnl_close(rtnl);
	}
	if (!err) {
		int removed = fib_leftover_clear();

		err = removed < 0 ? removed : 0;
	}
	free(rtnl);
	if (err == -EBUSY)
		log_error("another gwsyncd runs: stop it first");
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
	d->gateway = gateway_alloc(d->loop, d->config, &err);
	if (!d->gateway)
		goto free_control;
	if (setpriority(PRIO_PROCESS, 0, NICE))
		log_warning("nice %d: %s: heartbeats may be late under load", NICE,
			    strerror(errno));
	err = privileges_drop(d->config);
	if (err)
		goto free_group;

	gateway_start(d->gateway);
	notify_start(&d->notify, d->loop, status_line, d->gateway);
	err = loop_run(d->loop);
	notify_stop(&d->notify);

free_group:
	gateway_free(d->gateway);
	d->gateway = NULL;
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
	if (leave) {
		err = release();
		if (err)
			log_error("cannot release: %s", strerror(-err));
		return err ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	d.config = calloc(1, sizeof(*d.config));
	if (!d.config)
		return EXIT_FAILURE;
	err = load(&d, d.config);
	if (err) {
		log_error("%s: %d error%s", d.path, err, err == 1 ? "" : "s");
	} else if (check) {
		printf("%s: fine\n", d.path);
	} else {
		err = run(&d);
		if (err)
			log_error("cannot run: %s", strerror(-err));
	}
	config_wipe(d.config);
	free(d.config);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

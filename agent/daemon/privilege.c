// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>

#include "base/log.h"
#include "config/config.h"
#include "daemon/privilege.h"

static int privileges_user(const struct config *config)
{
	const struct passwd *user;
	int err;

	errno = 0;
	user = getpwnam(config->user);
	if (!user) {
		err = errno ? -errno : -ENOENT;
		log_error("privileges: user '%s' does not exist; create it ('adduser --system %s') or remove daemon.user",
			  config->user, config->user);
		return err;
	}
	if (geteuid() == user->pw_uid)
		return 0;
	/* So that the daemon is among those who may ask it. */
	if (chown(config->control, user->pw_uid, user->pw_gid) && errno != ENOENT)
		log_warning("privileges: %s: %s", config->control, strerror(errno));
	err = capng_change_id((int)user->pw_uid, (int)user->pw_gid,
			      CAPNG_DROP_SUPP_GRP);
	if (err) {
		log_error("privileges: cannot become user '%s' (libcap-ng: %d); start gwsyncd as root",
			  config->user, err);
		return -EPERM;
	}
	return 0;
}

int privileges_drop(const struct config *config)
{
	bool bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	int err;

	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_NET_RAW,
		      -1);
	/* The bounding set takes CAP_SETPCAP, which a unit may not grant. */
	if (bounds && capng_apply(CAPNG_SELECT_BOUNDS))
		log_warning("privileges: the bounding set could not be cleared");
	if (config->user[0]) {
		err = privileges_user(config);
		if (err)
			return err;
	}
	if (capng_apply(CAPNG_SELECT_CAPS)) {
		log_error("privileges: capabilities could not be dropped; start gwsyncd as root or with CAP_NET_ADMIN and CAP_NET_RAW");
		return -EPERM;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		err = -errno;
		log_error("privileges: no_new_privs: %s", strerror(-err));
		return err;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "config/keyfile.h"

#define KEYFILE_MAX 256	/* a key and some white space */

static int keyfile_check(int fd, const char *path, uid_t owner, char *why, size_t why_len)
{
	struct stat st;

	if (fstat(fd, &st)) {
		snprintf(why, why_len, "cannot look at %s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_len, "%s is no regular file; name the key file", path);
		return -EINVAL;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != owner) {
		snprintf(why, why_len, "%s belongs to user %u, who may change it; chown root %s",
			 path, (unsigned int)st.st_uid, path);
		return -EPERM;
	}
	if (st.st_mode & 077) {
		snprintf(why, why_len,
			 "%s is open to group or others (mode %04o); chmod 600 %s, and make a new key if somebody may have read it",
			 path, (unsigned int)st.st_mode & 07777, path);
		return -EPERM;
	}
	return 0;
}

static int keyfile_parse(const char *text, size_t len, uint8_t key[KEYFILE_BYTES])
{
	static const char space[] = " \t\r\n";
	size_t bytes = 0;

	if (!sodium_hex2bin(key, KEYFILE_BYTES, text, len, space, &bytes, NULL) &&
	    bytes == KEYFILE_BYTES)
		return 0;
	if (!sodium_base642bin(key, KEYFILE_BYTES, text, len, space, &bytes, NULL,
			       sodium_base64_VARIANT_ORIGINAL) &&
	    bytes == KEYFILE_BYTES)
		return 0;
	return -EINVAL;
}

int keyfile_load(const char *path, uid_t owner, uint8_t key[KEYFILE_BYTES],
		 char *why, size_t why_len)
{
	char text[KEYFILE_MAX + 1];
	ssize_t len;
	int fd, err;

	memset(key, 0, KEYFILE_BYTES);
	/* Not to hang on a FIFO. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			snprintf(why, why_len,
				 "there is no %s; make it once with 'gwsync key generate %s' and copy it to every member",
				 path, path);
		else
			snprintf(why, why_len, "cannot open %s: %s", path, strerror(-err));
		return err;
	}
	err = keyfile_check(fd, path, owner, why, why_len);
	if (err)
		goto out;
	len = read(fd, text, sizeof(text));
	if (len < 0) {
		err = -errno;
		snprintf(why, why_len, "cannot read %s: %s", path, strerror(-err));
	} else if (len == sizeof(text) || keyfile_parse(text, (size_t)len, key)) {
		err = -EINVAL;
		snprintf(why, why_len,
			 "%s holds no key of 32 bytes in base64 or hex; make one with 'gwsync key generate'",
			 path);
	} else if (sodium_is_zero(key, KEYFILE_BYTES)) {
		err = -EINVAL;
		snprintf(why, why_len,
			 "the key in %s is all zero; make one with 'gwsync key generate'", path);
	}
	sodium_memzero(text, sizeof(text));
	if (err)
		sodium_memzero(key, KEYFILE_BYTES);
out:
	close(fd);
	return err;
}

void keyfile_generate(char text[KEYFILE_TEXT])
{
	uint8_t key[KEYFILE_BYTES];

	_Static_assert(sodium_base64_ENCODED_LEN(KEYFILE_BYTES, sodium_base64_VARIANT_ORIGINAL) ==
		       KEYFILE_TEXT, "base64 of a key");
	randombytes_buf(key, sizeof(key));
	sodium_bin2base64(text, KEYFILE_TEXT, key, sizeof(key), sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(key, sizeof(key));
}

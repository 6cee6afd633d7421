// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/sysctl.h"

static int sysctl_open(uint8_t family, const char *interface, const char *key, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv%c/conf/%s/%s",
		 family == AF_INET6 ? '6' : '4', interface, key);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool sysctl_read(uint8_t family, const char *interface, const char *key, uint32_t *value)
{
	int fd = sysctl_open(family, interface, key, O_RDONLY);
	char text[16], *end;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	*value = (uint32_t)strtol(text, &end, 10);
	return end != text;
}

int sysctl_write(uint8_t family, const char *interface, const char *key, uint32_t value)
{
	int fd = sysctl_open(family, interface, key, O_WRONLY), err = 0;
	char text[16];
	int len;

	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "%" PRIu32, value);
	if (write(fd, text, (size_t)len) != len)
		err = -errno;
	close(fd);
	return err;
}

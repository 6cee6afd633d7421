/* SPDX-License-Identifier: GPL-2.0 */
/* Settings of an interface, from procfs: unlike rtnetlink's answers these are read
 * without the lock that others may hold for long.
 */
#ifndef GWSYNC_AGENT_SYSCTL_H
#define GWSYNC_AGENT_SYSCTL_H

#include <stdbool.h>
#include <stdint.h>

/**
 * sysctl_read() - what net.@family.conf.@interface.@key is
 * @family: AF_INET or AF_INET6
 * @interface: its name
 * @key: the last part
 * @value: written to if it is there
 *
 * Return: false if there is no such setting: no IPv6, no interface.
 */
bool sysctl_read(uint8_t family, const char *interface, const char *key, uint32_t *value);

/* 0 or -errno */
int sysctl_write(uint8_t family, const char *interface, const char *key, uint32_t value);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GWSYNC_AGENT_PRIVILEGE_H
#define GWSYNC_AGENT_PRIVILEGE_H

struct config;

/**
 * privileges_drop() - keep what the daemon's work needs and nothing else
 * @config: of a running daemon: its sockets are open, key files were read
 *
 * Keeps CAP_NET_ADMIN (rtnetlink, the family "gwsync", SO_RCVBUFFORCE) and
 * CAP_NET_RAW (SO_BINDTODEVICE when an interface comes back); sets
 * no_new_privs; becomes config->user if there is one, which then owns the
 * control socket.
 *
 * Return: 0 or -errno, after a message.
 */
int privileges_drop(const struct config *config);

#endif

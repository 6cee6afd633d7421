/* SPDX-License-Identifier: GPL-2.0 */
/* What a link replaces by --wrap, see the Makefile. */
#ifndef GWSYNC_SELFTESTS_FUZZ_WRAP_H
#define GWSYNC_SELFTESTS_FUZZ_WRAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct mnl_socket;
struct nlattr;

/* fuzz_config.c */
int __real_keyfile_load(const char *path, uid_t owner, uint8_t *key, char *why, size_t why_len);
int __wrap_keyfile_load(const char *path, uid_t owner, uint8_t *key, char *why, size_t why_len);

/* fuzz_netlink.c */
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
			socklen_t *from_len);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t len);
uint8_t __wrap_mnl_attr_get_u8(const struct nlattr *attr);
uint16_t __wrap_mnl_attr_get_u16(const struct nlattr *attr);
uint32_t __wrap_mnl_attr_get_u32(const struct nlattr *attr);
uint64_t __wrap_mnl_attr_get_u64(const struct nlattr *attr);

#endif

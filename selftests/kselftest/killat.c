// SPDX-License-Identifier: GPL-2.0
/*
 * killat: SIGKILL for a process at a system call that is chosen by what it
 * sends, so that it dies at a known point of its work.
 *
 * killat PID before|after WHAT [TIMES] [next WHAT [TIMES]]...
 *	genl N	  a message with this command to a generic netlink family (but
 *		  not to nlctrl)
 *	rtnl N	  a message of this type to rtnetlink, in a batch too
 *	packet	  a frame by a packet socket: gratuitous ARP
 *
 * "before": the kernel has not seen the message; "after": it has done what it
 * asks for.  TIMES: the how-manieth of them (1).  "next": once that has been sent,
 * the next is watched for; the last one is the death.  Says "ready" once it
 * watches, "killed" at the end; "gone" if the process ended by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/ptrace.h>

#define TARGETS_MAX	4

struct target {
	const char	*what;
	unsigned int	number, times;
};

static pid_t pid;
static int pidfd, memory;
static struct target target[TARGETS_MAX];
static unsigned int targets;

/* Not by process_vm_readv(), which the debug kernel does not have. */
static bool peek(uint64_t address, void *to, size_t len)
{
	return pread(memory, to, len, (off_t)address) == (ssize_t)len;
}

static bool sock_is(int fd, int domain, int protocol)
{
	int got_domain = -1, got_protocol = -1, copy;
	socklen_t len = sizeof(int);

	copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		return false;
	getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &got_domain, &len);
	len = sizeof(int);
	getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &got_protocol, &len);
	close(copy);
	return got_domain == domain && (protocol < 0 || got_protocol == protocol);
}

/* The first bytes of what the call sends; the first of its buffers. */
static bool sent(const struct ptrace_syscall_info *info, void *to, size_t len)
{
	uint64_t buffer = info->entry.args[1];

	if (info->entry.nr == SYS_sendmsg) {
		struct msghdr msg;
		struct iovec iov;

		if (!peek(buffer, &msg, sizeof(msg)) || !msg.msg_iovlen ||
		    !peek((uintptr_t)msg.msg_iov, &iov, sizeof(iov)))
			return false;
		buffer = (uintptr_t)iov.iov_base;
	} else if (info->entry.nr != SYS_sendto) {
		return false;
	}
	return peek(buffer, to, len);
}

/* A batch is messages behind each other. */
static bool batch_has(uint64_t at, uint64_t end, unsigned int type)
{
	struct nlmsghdr nlh;

	while (at + sizeof(nlh) <= end && peek(at, &nlh, sizeof(nlh)) &&
	       nlh.nlmsg_len >= sizeof(nlh)) {
		if (nlh.nlmsg_type == type)
			return true;
		at += NLMSG_ALIGN(nlh.nlmsg_len);
	}
	return false;
}

static bool is_it(const struct ptrace_syscall_info *info, const struct target *t)
{
	struct {
		struct nlmsghdr		nlh;
		struct genlmsghdr	genl;
	} head;
	int fd = info->entry.args[0];

	if (info->entry.nr != SYS_sendto && info->entry.nr != SYS_sendmsg)
		return false;
	if (!strcmp(t->what, "packet"))
		return sock_is(fd, AF_PACKET, -1);
	if (!strcmp(t->what, "rtnl"))
		return info->entry.nr == SYS_sendto && sock_is(fd, AF_NETLINK, NETLINK_ROUTE) &&
		       batch_has(info->entry.args[1], info->entry.args[1] + info->entry.args[2],
				 t->number);
	return sent(info, &head, sizeof(head)) && head.genl.cmd == t->number &&
	       head.nlh.nlmsg_type > GENL_ID_CTRL && sock_is(fd, AF_NETLINK, NETLINK_GENERIC);
}

static int watch(bool after)
{
	const struct target *last = &target[targets - 1];
	struct ptrace_syscall_info info;
	struct target *t = target;
	bool inside = false;
	int status, sig;

	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status)) {
			puts("gone");
			return 1;
		}
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80)) {
			sig = 0;
			if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
				return 2;
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY && is_it(&info, t) &&
			    !--t->times) {
				inside = t == last;
				t++;
			}
			if (inside && info.op == (after ? PTRACE_SYSCALL_INFO_EXIT :
							  PTRACE_SYSCALL_INFO_ENTRY)) {
				kill(pid, SIGKILL);
				puts("killed");
				return 0;
			}
		} else if (status >> 16) {	/* the stop of PTRACE_INTERRUPT */
			sig = 0;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
}

/* Return: false if these are not targets. */
static bool parse(char **arg)
{
	while (targets < TARGETS_MAX && *arg) {
		struct target *t = &target[targets++];

		t->what = *arg++;
		t->times = 1;
		if (strcmp(t->what, "packet")) {
			if (!*arg)
				return false;
			t->number = strtoul(*arg++, NULL, 0);
		}
		if (*arg && strcmp(*arg, "next"))
			t->times = strtoul(*arg++, NULL, 0);
		if (!t->times)
			return false;
		if (!*arg)
			return true;
		if (strcmp(*arg++, "next"))
			return false;
	}
	return false;
}

int main(int argc, char **argv)
{
	char path[32];

	if (argc < 4 || !parse(argv + 3)) {
		fputs("usage: killat PID before|after genl N|rtnl N|packet [TIMES] [next ...]\n",
		      stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	pid = atoi(argv[1]);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (pidfd < 0 || memory < 0 || ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0)) {
		perror("killat");
		return 2;
	}
	puts("ready");
	return watch(!strcmp(argv[2], "after"));
}

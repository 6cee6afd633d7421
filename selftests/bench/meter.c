// SPDX-License-Identifier: GPL-2.0
/*
 * meter: what a workload costs, read in the guest.
 *
 * meter snap [NAME=PID...]		counters now, one KEY=VALUE a line
 * meter settle SECONDS [NAME=PID...]	wait until all work that a workload left
 *					behind is done, at most so long; METER_IDLE
 *					is what these use anyway, in permille
 *
 * All times are ns of CPU, and in a guest under icount (1 GHz, one CPU) one ns
 * is one instruction.
 *
 * cpu is the time in which some task ran, whichever, as the scheduler keeps it
 * for each CPU; it is what a workload costs in total. exec.NAME is the part of a
 * process with all its threads; exec.kworker, exec.ksoftirqd and exec.kernel the
 * parts of the kernel's threads. A softirq is charged to the task that it
 * interrupts: forwarding to the generator that sent the packet, and the receipt
 * on the backup's leg of the sync link to the daemon that sent on the active's.
 *
 * user.NAME and sys.NAME split exec.NAME by where the clock's ticks fell, so they
 * are estimates. cg.NAME and cgpeak.NAME are what the process' memory cgroup
 * has and had at most, kernel memory made on its behalf included.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CGROUPS		"/sys/fs/cgroup/bench"
#define PF_KTHREAD	0x00200000u
#define PROCS_MAX	16
#define WINDOW_MS	200
#define WINDOWS		3	/* quiet ones in a row */
#define BUSY_PERMILLE	45
/* Both members' heartbeats of a window, each 100 ms, the digests, and some more. */
#define BUSY_PACKETS	(3 * WINDOW_MS / 100 + 4)

struct proc {
	const char	*name;
	int		pid;
};

struct leg {
	const char	*netns;
	uint64_t	tx_bytes, tx_packets;
};

struct kernel_threads {
	uint64_t	kworker, ksoftirqd, other;
};

static struct proc procs[PROCS_MAX];
static unsigned int nprocs;
static struct leg legs[] = { { .netns = "gwA" }, { .netns = "gwB" } };

#define LEGS (sizeof(legs) / sizeof(legs[0]))

/* A small file of /proc as a string, or NULL. */
static char *slurp(const char *path)
{
	static char buf[65536];
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	while (len < sizeof(buf) - 1 && (n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	return buf;
}

static uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* What the meter itself has used: no part of any workload. */
static uint64_t own_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

static void pause_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* The seventh number of each line of a CPU: ns that tasks ran on it, idle not. */
static uint64_t cpu_ns(void)
{
	char *text = slurp("/proc/schedstat"), *line, *save;
	uint64_t sum = 0, ran;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "cpu", 3) &&
		    sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %" SCNu64, &ran) == 1)
			sum += ran;
	}
	return sum;
}

static uint64_t exec_ns(int pid)
{
	char path[320];
	struct dirent *e;
	uint64_t sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		const char *text;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, e->d_name);
		text = isdigit((unsigned char)e->d_name[0]) ? slurp(path) : NULL;
		if (text)
			sum += strtoull(text, NULL, 10);
	}
	if (dir)
		closedir(dir);
	return sum;
}

/* /proc/PID/stat behind the name, which may hold anything */
static bool stat_fields(int pid, char *comm, unsigned int *flags, uint64_t *utime, uint64_t *stime)
{
	char path[64], *text, *open, *close;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = slurp(path);
	open = text ? strchr(text, '(') : NULL;
	close = text ? strrchr(text, ')') : NULL;
	if (!open || !close)
		return false;
	snprintf(comm, 64, "%.*s", (int)(close - open - 1), open + 1);
	return sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		      flags, utime, stime) == 3;
}

static struct kernel_threads kernel_threads(void)
{
	struct kernel_threads sum = {};
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		uint64_t utime, stime, ns;
		int pid = atoi(e->d_name);
		unsigned int flags;
		char comm[64];

		if (pid <= 0 || !stat_fields(pid, comm, &flags, &utime, &stime) ||
		    !(flags & PF_KTHREAD))
			continue;
		ns = exec_ns(pid);
		if (!strncmp(comm, "kworker/", 8))
			sum.kworker += ns;
		else if (!strncmp(comm, "ksoftirqd/", 10))
			sum.ksoftirqd += ns;
		else
			sum.other += ns;
	}
	if (dir)
		closedir(dir);
	return sum;
}

/* "KEY:  123 kB" or "KEY 123" of a text, in units of its own; 0 if absent */
static uint64_t field(const char *text, const char *key)
{
	const char *p = text ? strstr(text, key) : NULL;

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

static void sync_leg(struct leg *leg)
{
	char path[64], *text, *p;
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", leg->netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, 0)) {
		fprintf(stderr, "meter: netns %s: %s\n", leg->netns, strerror(errno));
		exit(1);
	}
	close(fd);
	text = slurp("/proc/thread-self/net/dev");
	p = text ? strstr(text, "sync0:") : NULL;
	if (p)
		sscanf(p, "sync0: %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		       &leg->tx_bytes, &leg->tx_packets);
}

static uint64_t sync_packets(void)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < LEGS; i++) {
		sync_leg(&legs[i]);
		sum += legs[i].tx_packets;
	}
	return sum;
}

static void put(const char *key, const char *name, uint64_t value)
{
	printf("%s%s%s=%" PRIu64 "\n", key, name ? "." : "", name ?: "", value);
}

static void snap_proc(const struct proc *p)
{
	const uint64_t tick = UINT64_C(1000000000) / sysconf(_SC_CLK_TCK);
	uint64_t utime, stime;
	unsigned int flags;
	char comm[64], path[320], *text;

	put("exec", p->name, exec_ns(p->pid));
	if (stat_fields(p->pid, comm, &flags, &utime, &stime)) {
		put("user", p->name, utime * tick);
		put("sys", p->name, stime * tick);
	}
	snprintf(path, sizeof(path), CGROUPS "/%s/memory.current", p->name);
	text = slurp(path);
	if (text)
		put("cg", p->name, strtoull(text, NULL, 10));
	snprintf(path, sizeof(path), CGROUPS "/%s/memory.peak", p->name);
	text = slurp(path);
	if (text)
		put("cgpeak", p->name, strtoull(text, NULL, 10));
}

static int snap(void)
{
	struct kernel_threads k;
	const char *mem;
	uint64_t slab;
	unsigned int i;

	/* What a task has run is added up when it leaves the CPU: leave it. */
	pause_ms(1);
	put("mono", NULL, mono_ns());
	put("cpu", NULL, cpu_ns());
	for (i = 0; i < nprocs; i++)
		snap_proc(&procs[i]);
	k = kernel_threads();
	put("exec.kworker", NULL, k.kworker);
	put("exec.ksoftirqd", NULL, k.ksoftirqd);
	put("exec.kernel", NULL, k.other);
	mem = slurp("/proc/meminfo");
	slab = field(mem, "SReclaimable:");
	put("slab", NULL, (slab + field(mem, "SUnreclaim:")) << 10);
	sync_packets();
	for (i = 0; i < LEGS; i++) {
		put("txbytes", legs[i].netns, legs[i].tx_bytes);
		put("txpackets", legs[i].netns, legs[i].tx_packets);
	}
	return 0;
}

static uint64_t work_ns(void)
{
	uint64_t sum = kernel_threads().kworker;
	unsigned int i;

	for (i = 0; i < nprocs; i++)
		sum += exec_ns(procs[i].pid);
	return sum;
}

static int settle(unsigned int limit_s)
{
	uint64_t start = mono_ns(), end = start + limit_s * UINT64_C(1000000000);
	uint64_t permille = BUSY_PERMILLE + strtoul(getenv("METER_IDLE") ?: "0", NULL, 10);
	uint64_t work = work_ns(), packets = sync_packets(), when = start;
	unsigned int quiet = 0;

	while (quiet < WINDOWS && when < end) {
		uint64_t w, p, t;

		pause_ms(WINDOW_MS);
		t = mono_ns();
		w = work_ns();
		p = sync_packets();
		/* A longer window, the guest was busy, may hold more. */
		if ((w - work) * 1000 < permille * (t - when) &&
		    (p - packets) * WINDOW_MS * 1000000 <= BUSY_PACKETS * (t - when))
			quiet++;
		else
			quiet = 0;
		work = w;
		packets = p;
		when = t;
	}
	put("ms", NULL, (when - start) / 1000000);
	put("settled", NULL, quiet >= WINDOWS);
	put("cpu", NULL, own_ns());
	return quiet < WINDOWS;
}

static int usage(void)
{
	fputs("usage: meter snap [NAME=PID...]\n"
	      "       meter settle SECONDS [NAME=PID...]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	bool settles = argc > 2 && !strcmp(argv[1], "settle");
	int i;

	if (!settles && (argc < 2 || strcmp(argv[1], "snap")))
		return usage();
	for (i = settles ? 3 : 2; i < argc; i++) {
		char *eq = strchr(argv[i], '=');

		if (!eq || nprocs == PROCS_MAX || atoi(eq + 1) <= 0)
			return usage();
		*eq = 0;
		procs[nprocs].name = argv[i];
		procs[nprocs++].pid = atoi(eq + 1);
	}
	return settles ? settle(atoi(argv[2])) : snap();
}

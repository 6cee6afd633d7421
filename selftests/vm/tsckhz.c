// SPDX-License-Identifier: GPL-2.0
/*
 * tsckhz - print the frequency of this machine's time stamp counter in kHz
 *
 * Under TCG a guest sees the host's counter. A microvm has no other clock to
 * calibrate it against while it boots and often hangs trying, so it is told.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

int main(void)
{
	uint64_t t0, c0, t1, c1;

	t0 = now_ns();
	c0 = __rdtsc();
	do {
		t1 = now_ns();
		c1 = __rdtsc();
	} while (t1 - t0 < 100000000);
	printf("%.0f\n", (c1 - c0) * 1e6 / (t1 - t0));
	return 0;
}

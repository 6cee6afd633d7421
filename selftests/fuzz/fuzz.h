/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzz targets share: the entry, a check, an input read bit by bit. */
#ifndef GWSYNC_SELFTESTS_FUZZ_H
#define GWSYNC_SELFTESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one function of a target; 0: done, as libFuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target may change inputs itself, with libFuzzer's help; a replay has none. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));

/* What must hold whatever the input says. */
#define expect(condition) do {							\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: expected: %s\n", __FILE__,	\
				__LINE__, #condition);				\
			abort();						\
		}								\
	} while (0)

/* An input that is read as a row of choices; past its end all are 0. */
struct input {
	const uint8_t	*at;
	size_t		left;
};

static inline uint64_t input_number(struct input *in, unsigned int bytes)
{
	uint64_t value = 0;

	for (; bytes && in->left; bytes--, in->left--)
		value = value << 8 | *in->at++;
	return value;
}

static inline uint8_t input_u8(struct input *in)
{
	return (uint8_t)input_number(in, 1);
}

/* At most @max of the bytes that are left. */
static inline const uint8_t *input_bytes(struct input *in, size_t max, size_t *len)
{
	const uint8_t *at = in->at;

	*len = max < in->left ? max : in->left;
	in->at += *len;
	in->left -= *len;
	return at;
}

/* A copy of exactly @len bytes, so that a read past them is seen. */
static inline uint8_t *exact_copy(const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	expect(copy);
	copy[0] = 0;
	if (len)
		memcpy(copy, data, len);
	return copy;
}

#endif

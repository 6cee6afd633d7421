/* SPDX-License-Identifier: GPL-2.0 */
/* What the streams are made of: bytes that follow from a seed and an offset,
 * so that a receiver knows each of them, and a running checksum.
 */
#ifndef GWSYNC_TRAFFIC_CONTENT_H
#define GWSYNC_TRAFFIC_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_SUM_INIT	0xcbf29ce484222325ULL

uint64_t content_word(uint64_t seed, uint64_t index);
void content_fill(uint64_t seed, uint64_t offset, uint8_t *buf, size_t len);
bool content_same(uint64_t seed, uint64_t offset, const uint8_t *buf, size_t len);

/* FNV-1a: the same whatever pieces the stream comes in. */
uint64_t content_sum(uint64_t sum, const uint8_t *buf, size_t len);

uint64_t content_seed(void);	/* a fresh one */

#endif

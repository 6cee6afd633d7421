/* SPDX-License-Identifier: GPL-2.0 */
/* Records made by hand, to be spoilt. */
#ifndef _KSELFTEST_CRAFT_H
#define _KSELFTEST_CRAFT_H

#include <stdint.h>

#include <linux/gwsync.h>

#define CRAFT_BUF (GWSYNC_RECORD_MAX + 512)

struct craft {
	uint8_t		data[CRAFT_BUF];
	unsigned int	len;
	unsigned int	part[32];	/* where each part begins, and the end */
	unsigned int	parts;
};

/* Each adds to what there is; craft_part() the head of a part. */
void craft_put(struct craft *r, const void *p, unsigned int n);
void craft_put8(struct craft *r, uint8_t v);
void craft_put16(struct craft *r, uint16_t v);
void craft_put32(struct craft *r, uint32_t v);
void craft_part(struct craft *r, uint8_t type, uint8_t value_len);

/* The last of all: the record's length. */
void craft_seal(struct craft *r);

/**
 * craft_head() - begin a record of a flow
 * @r: what it had is gone
 * @kind: GWSYNC_RECORD_FLOW or GWSYNC_RECORD_FLOW_GONE
 * @l3num: AF_INET or AF_INET6
 * @proto: IPPROTO_*
 * @sport: by which flows differ
 */
void craft_head(struct craft *r, uint8_t kind, uint8_t l3num, uint8_t proto, uint16_t sport);

/**
 * craft_full() - a TCP flow with one of each part whose content cannot be refused
 * @r: what it had is gone
 * @l3num: AF_INET or AF_INET6
 * @sport: by which flows differ
 */
void craft_full(struct craft *r, uint8_t l3num, uint16_t sport);

/**
 * craft_control() - a record that is not about a flow: zeroes
 * @r: what it had is gone
 * @kind: GWSYNC_RECORD_DIGEST, GWSYNC_RECORD_REPAIR_BEGIN, GWSYNC_RECORD_REPAIR_END
 * @bucket: the one byte of it that matters
 * @len: in all; that of its structure is right
 */
void craft_control(struct craft *r, uint8_t kind, uint8_t bucket, unsigned int len);

#endif /* _KSELFTEST_CRAFT_H */

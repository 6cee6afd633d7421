/* SPDX-License-Identifier: GPL-2.0 */
/* As much of the kernel as kmod/parse.c needs, for user space.
 *
 * The Makefile puts this before the source and empty files in place of the
 * kernel's own headers.
 */
#ifndef GWSYNC_SELFTESTS_FUZZ_KERNEL_H
#define GWSYNC_SELFTESTS_FUZZ_KERNEL_H

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/types.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>

#define _GWSYNC_COMPAT_H	/* what differs between kernels does not matter here */

#define CONFIG_NF_CT_PROTO_SCTP	1
#define CONFIG_NF_CT_PROTO_DCCP	1
#define CONFIG_NF_CT_PROTO_GRE	1

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define U16_MAX			UINT16_MAX
#define HZ			250
#define BITS_PER_LONG		64
#define BIT(n)			(1UL << (n))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define min_t(type, a, b) ({			\
		type _a = (a), _b = (b);	\
						\
		_a < _b ? _a : _b;		\
	})

#define be16_to_cpu(v)		be16toh(v)
#define cpu_to_be16(v)		htobe16(v)
#define be32_to_cpu(v)		be32toh(v)
#define be64_to_cpu(v)		be64toh(v)

static inline u32 get_unaligned_be32(const void *at)
{
	u32 value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static inline u64 get_unaligned_be64(const void *at)
{
	u64 value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static inline u64 get_unaligned_le64(const void *at)
{
	u64 value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* Rounded up, and for ever what does not fit. */
static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms > INT_MAX ? LONG_MAX / 2 - 1 : (ms + 999ul / HZ) * HZ / 1000;
}

#define NF_CT_DEFAULT_ZONE_ID	0
#define NF_CT_ZONE_DIR_ORIG	(1 << IP_CT_DIR_ORIGINAL)
#define NF_CT_ZONE_DIR_REPL	(1 << IP_CT_DIR_REPLY)
#define NF_CT_DEFAULT_ZONE_DIR	(NF_CT_ZONE_DIR_ORIG | NF_CT_ZONE_DIR_REPL)

struct nf_conntrack_zone {
	u16	id;
	u8	flags;
	u8	dir;
};

static inline void nf_ct_zone_init(struct nf_conntrack_zone *zone, u16 id, u8 dir, u8 flags)
{
	zone->id = id;
	zone->flags = flags;
	zone->dir = dir;
}

struct nf_conntrack_man {
	union nf_inet_addr		u3;
	union nf_conntrack_man_proto	u;
	u16				l3num;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man	src;
	struct {
		union nf_inet_addr	u3;
		union {
			__be16		all;
			struct {
				u8	type, code;
			} icmp;
		} u;
		u8			protonum;
		u8			dir;
	} dst;
};

struct nf_conntrack_tuple_mask {
	struct {
		union nf_inet_addr		u3;
		union nf_conntrack_man_proto	u;
	} src;
};

bool nf_ct_invert_tuple(struct nf_conntrack_tuple *inverse,
			const struct nf_conntrack_tuple *orig);

struct ip_ct_tcp_state {
	u32	td_end, td_maxend, td_maxwin, td_maxack;
	u8	td_scale, flags;
};

struct ip_ct_tcp {
	struct ip_ct_tcp_state	seen[2];
	u8			state;
};

struct ip_ct_sctp {
	enum sctp_conntrack	state;
	__be32			vtag[IP_CT_DIR_MAX];
	u8			last_dir, flags;
};

enum { CT_DCCP_NONE, CT_DCCP_IGNORE = 8 };
enum { CT_DCCP_ROLE_MAX = 1 };

struct nf_ct_dccp {
	u8	role[IP_CT_DIR_MAX], state;
	u64	handshake_seq;
};

struct nf_ct_gre {
	unsigned int	stream_timeout, timeout;
};

union nf_conntrack_proto {
	struct ip_ct_tcp	tcp;
	struct ip_ct_sctp	sctp;
	struct nf_ct_dccp	dccp;
	struct nf_ct_gre	gre;
};

#define NF_CT_HELPER_NAME_LEN	16

struct nf_ct_seqadj {
	u32	correction_pos;
	s32	offset_before, offset_after;
};

struct nf_conn_synproxy {
	u32	isn, its, tsoff;
};

#endif

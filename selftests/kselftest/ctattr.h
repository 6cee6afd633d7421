/* SPDX-License-Identifier: GPL-2.0 */
/* What libnetfilter_conntrack knows of a flow, by name. */
#ifndef _KSELFTEST_CTATTR_H
#define _KSELFTEST_CTATTR_H

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

enum ctattr_kind {
	CTATTR_U8,
	CTATTR_U16,
	CTATTR_BE16,
	CTATTR_U32,
	CTATTR_IP4,
	CTATTR_U64,
	CTATTR_IP6,
	CTATTR_STRING,
	CTATTR_BITMASK,
};

#define CTATTR_KEY	1	/* names the flow */
#define CTATTR_COUNTER	2	/* grows without an event */
#define CTATTR_TIME	4	/* seconds left */
#define CTATTR_STATUS	8
#define CTATTR_ID	16	/* of the entry in this kernel */
#define CTATTR_NAT	32	/* asks for a translation; a dump shows the reply tuple */
#define CTATTR_ZERO	64	/* u32: 0 says no more than if it were unset */

struct ctattr {
	enum nf_conntrack_attr	attr;
	const char		*name;
	enum ctattr_kind	kind;
	unsigned int		flags;
};

extern const struct ctattr ctattrs[];
extern const unsigned int ctattr_count;

#endif /* _KSELFTEST_CTATTR_H */

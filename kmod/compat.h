/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that we build for, and nothing else: the one
 * place where the version is asked for.
 *
 * since  what became different                      what is here for it
 * -----  -----------------------------------------  --------------------------
 * 6.7    genl_dumpit_info holds a genl_info, and    gwsync_dump_attrs()
 *        the attributes moved in there
 * 6.7    how often rules use labels is atomic       gwsync_labels_used()
 * 6.12   asm/unaligned.h is linux/unaligned.h: no   the include
 *        architecture has its own any more
 * 6.14   the text of a security mark comes in a     struct gwsync_secctx,
 *        struct lsm_context, which knows the LSM    gwsync_secctx_get(), _put()
 *        to give it back to; its length is what
 *        the call returns
 *
 * What a kernel's configuration may leave out (zones, labels, NAT...) is
 * asked for by its CONFIG_ where it is used; so is DCCP, which 7.3 has no more.
 *
 * Debian's 6.1, 6.12 and 7.3 (gcc 14) headers build it with W=1 and no warning.
 */
#ifndef _GWSYNC_COMPAT_H
#define _GWSYNC_COMPAT_H

#include <linux/security.h>
#include <linux/version.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#include <asm/unaligned.h>
#else
#include <linux/unaligned.h>
#endif

/* Do rules of this netns use labels? */
static inline bool gwsync_labels_used(const struct net *net)
{
#ifndef CONFIG_NF_CONNTRACK_LABELS
	return false;
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return READ_ONCE(net->ct.labels_used);
#else
	return atomic_read(&net->ct.labels_used);
#endif
}

/* The attributes of a dump's request. */
static inline struct nlattr **gwsync_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return genl_dumpit_info(cb)->attrs;
#else
	return genl_dumpit_info(cb)->info.attrs;
#endif
}

/* The text of a security mark; after 0 call gwsync_secctx_put(). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
struct gwsync_secctx {
	char	*context;
	u32	len;
};

static inline int gwsync_secctx_get(u32 secid, struct gwsync_secctx *ctx)
{
	return security_secid_to_secctx(secid, &ctx->context, &ctx->len);
}

static inline void gwsync_secctx_put(struct gwsync_secctx *ctx)
{
	security_release_secctx(ctx->context, ctx->len);
}
#else
#define gwsync_secctx lsm_context

static inline int gwsync_secctx_get(u32 secid, struct gwsync_secctx *ctx)
{
	int ret = security_secid_to_secctx(secid, ctx);

	return ret < 0 ? ret : 0;
}

static inline void gwsync_secctx_put(struct gwsync_secctx *ctx)
{
	security_release_secctx(ctx);
}
#endif

#endif /* _GWSYNC_COMPAT_H */

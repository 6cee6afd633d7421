/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink edge, see netlink.c. */
#ifndef _GWSYNC_NETLINK_H
#define _GWSYNC_NETLINK_H

int gwsync_netlink_init(void);
void gwsync_netlink_exit(void);

#endif /* _GWSYNC_NETLINK_H */

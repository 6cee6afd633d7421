/* SPDX-License-Identifier: GPL-2.0 */
/* What PPTP's helper keeps about a call, see pptp.c. */
#ifndef _GWSYNC_PPTP_H
#define _GWSYNC_PPTP_H

struct gwsync_net;
struct nf_conn;

void gwsync_pptp_install(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_pptp_adopt(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_PPTP_H */

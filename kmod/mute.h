/* SPDX-License-Identifier: GPL-2.0 */
/* Own flows whose end raises no event, see mute.c. */
#ifndef _GWSYNC_MUTE_H
#define _GWSYNC_MUTE_H

#include "gwsync.h"

void gwsync_mute_init(struct gwsync_net *gn);
void gwsync_mute_exit(struct gwsync_net *gn);

unsigned int gwsync_mute_count(const struct gwsync_net *gn);
void gwsync_mute_note(struct gwsync_net *gn);
void gwsync_mute_told(struct gwsync_net *gn, unsigned int count);

/* A pass of the walk that looks for them. */
void gwsync_mute_begin(struct gwsync_net *gn);
void gwsync_mute_see(struct gwsync_net *gn);
void gwsync_mute_done(struct gwsync_net *gn);

#endif /* _GWSYNC_MUTE_H */

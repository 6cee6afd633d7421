// SPDX-License-Identifier: GPL-2.0
/* Where the state of a netns is found, see gwsync_pernet(). */
#include "gwsync.h"

unsigned int gwsync_net_id __read_mostly;

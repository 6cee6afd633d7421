// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>

#include "flow/names.h"

static const char *const stat_names[GWSYNC_STAT_A_MAX + 1] = {
	[GWSYNC_STAT_A_EVENTS] = "events",
	[GWSYNC_STAT_A_EVENTS_REPLICA] = "events_replica",
	[GWSYNC_STAT_A_FILTERED] = "filtered",
	[GWSYNC_STAT_A_HELD] = "held",
	[GWSYNC_STAT_A_COALESCED] = "coalesced",
	[GWSYNC_STAT_A_RING_OVERRUN] = "ring_overrun",
	[GWSYNC_STAT_A_WALKS] = "walks",
	[GWSYNC_STAT_A_TOMBSTONES] = "tombstones",
	[GWSYNC_STAT_A_TOMBSTONES_LOST] = "tombstones_lost",
	[GWSYNC_STAT_A_NOTIFIER_GAPS] = "notifier_gaps",
	[GWSYNC_STAT_A_RECORDS_SENT] = "records_sent",
	[GWSYNC_STAT_A_BYTES_SENT] = "bytes_sent",
	[GWSYNC_STAT_A_MESSAGES_SENT] = "messages_sent",
	[GWSYNC_STAT_A_CONGESTED] = "congested",
	[GWSYNC_STAT_A_ENOMEM] = "enomem",
	[GWSYNC_STAT_A_RECORDS_APPLIED] = "records_applied",
	[GWSYNC_STAT_A_REPLICAS_CREATED] = "replicas_created",
	[GWSYNC_STAT_A_REPLICAS_UPDATED] = "replicas_updated",
	[GWSYNC_STAT_A_REPLICAS_REPLACED] = "replicas_replaced",
	[GWSYNC_STAT_A_REPLICAS_REMOVED] = "replicas_removed",
	[GWSYNC_STAT_A_REPLICAS_LOST] = "replicas_lost",
	[GWSYNC_STAT_A_REFUSED_STALE] = "refused_stale",
	[GWSYNC_STAT_A_REFUSED_MALFORMED] = "refused_malformed",
	[GWSYNC_STAT_A_REFUSED_VERSION] = "refused_version",
	[GWSYNC_STAT_A_REFUSED_UNSUPPORTED] = "refused_unsupported",
	[GWSYNC_STAT_A_REFUSED_CLASH] = "refused_clash",
	[GWSYNC_STAT_A_REFUSED_FULL] = "refused_full",
	[GWSYNC_STAT_A_REFUSED_ENOMEM] = "refused_enomem",
	[GWSYNC_STAT_A_PARTS_SKIPPED] = "parts_skipped",
	[GWSYNC_STAT_A_HELPER_MISSING] = "helper_missing",
	[GWSYNC_STAT_A_MASTER_MISSING] = "master_missing",
	[GWSYNC_STAT_A_EXPECT_REFUSED] = "expect_refused",
	[GWSYNC_STAT_A_ACTIVATIONS] = "activations",
	[GWSYNC_STAT_A_ADOPTED] = "adopted",
	[GWSYNC_STAT_A_PICKUP] = "pickup",
	[GWSYNC_STAT_A_PICKUP_REFUSED] = "pickup_refused",
	[GWSYNC_STAT_A_REFRESHED] = "refreshed",
	[GWSYNC_STAT_A_CLASSES_COMPARED] = "classes_compared",
	[GWSYNC_STAT_A_CLASSES_DIFFERED] = "classes_differed",
	[GWSYNC_STAT_A_REPAIRED] = "repaired",
	[GWSYNC_STAT_A_SPOILED] = "spoiled",
	[GWSYNC_STAT_A_LEASES_LAPSED] = "leases_lapsed",
	[GWSYNC_STAT_A_LEASE_DROPPED] = "lease_dropped",
	[GWSYNC_STAT_A_FOREIGN] = "foreign",
	[GWSYNC_STAT_A_UNTRACKED] = "untracked",
	[GWSYNC_STAT_A_AUDITED] = "audited",
	[GWSYNC_STAT_A_LABELS_LEFT] = "labels_left",
	[GWSYNC_STAT_A_SOURCE_ENDED] = "source_ended",
};

static const struct {
	enum gwsync_attr	attr;
	const char		*name;
} state_names[] = {
	{ GWSYNC_A_MEMBER, "member" },
	{ GWSYNC_A_EPOCH, "epoch" },
	{ GWSYNC_A_FLOWS, "flows" },
	{ GWSYNC_A_REPLICAS, "replicas" },
	{ GWSYNC_A_WAITING, "waiting" },
	{ GWSYNC_A_MUTE, "mute" },
	{ GWSYNC_A_LEASE, "lease" },
	{ GWSYNC_A_PARAM_FLUSH_MS, "flush_ms" },
	{ GWSYNC_A_PARAM_HOLD_MS, "hold_ms" },
	{ GWSYNC_A_PARAM_BATCH_BYTES, "batch_bytes" },
	{ GWSYNC_A_PARAM_TOMBSTONES, "tombstones" },
	{ GWSYNC_A_PARAM_WALK_RATE, "walk_rate" },
	{ GWSYNC_A_PARAM_DIGEST_MS, "digest_ms" },
	{ GWSYNC_A_PARAM_AUDIT_MS, "audit_ms" },
	{ GWSYNC_A_PARAM_MARK_MASK, "mark_mask" },
};

static const char *const labels_names[] = {
	[GWSYNC_LABELS_AUTO] = "auto",
	[GWSYNC_LABELS_ON] = "on",
	[GWSYNC_LABELS_OFF] = "off",
};

static uint64_t attr_number(const struct nlattr *attr)
{
	switch (mnl_attr_get_payload_len(attr)) {
	case 1:		return mnl_attr_get_u8(attr);
	case 4:		return mnl_attr_get_u32(attr);
	case 8:		return mnl_attr_get_u64(attr);
	default:	return 0;
	}
}

void kernel_names_state(json_t *json, const struct nlattr *tb[GWSYNC_A_MAX + 1])
{
	char boot_id[17];
	unsigned int i;

	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		if (tb[state_names[i].attr])
			json_object_set_new(json, state_names[i].name,
					    json_integer((json_int_t)
							 attr_number(tb[state_names[i].attr])));
	if (tb[GWSYNC_A_ACTIVE])
		json_object_set_new(json, "active",
				    json_boolean(mnl_attr_get_u8(tb[GWSYNC_A_ACTIVE])));
	if (tb[GWSYNC_A_PARAM_LABELS]) {
		uint32_t labels = mnl_attr_get_u32(tb[GWSYNC_A_PARAM_LABELS]);

		if (labels <= GWSYNC_LABELS_OFF)
			json_object_set_new(json, "labels", json_string(labels_names[labels]));
	}
	if (tb[GWSYNC_A_BOOT_ID]) {
		snprintf(boot_id, sizeof(boot_id), "%016" PRIx64,
			 mnl_attr_get_u64(tb[GWSYNC_A_BOOT_ID]));
		json_object_set_new(json, "boot_id", json_string(boot_id));
	}
}

bool kernel_names_stats(json_t *json, const struct nlattr *stats)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, stats) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type > GWSYNC_STAT_A_MAX || !stat_names[type])
			continue;
		if (mnl_attr_get_payload_len(attr) != sizeof(uint64_t))
			return false;
		json_object_set_new(json, stat_names[type],
				    json_integer((json_int_t)mnl_attr_get_u64(attr)));
	}
	return true;
}

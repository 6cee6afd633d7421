/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel link: the agent's side of the generic netlink family "gwsync".
 *
 * Two sockets: the attached one receives DELTA and EVENT, the other sends
 * commands.  Nothing here decodes a record.
 */
#ifndef GWSYNC_AGENT_KERNEL_H
#define GWSYNC_AGENT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <linux/gwsync.h>

struct config;
struct kernel;
struct loop;

struct kernel_event {
	enum gwsync_event	event;
	uint32_t		walk_id;
	uint32_t		count;
	uint8_t			owner;
};

/* Records of a batch are valid during the call only. */
struct kernel_callbacks {
	/* false: take no more now; the batch WAS taken; kernel_resume() goes on */
	bool (*delta)(void *arg, uint64_t set, uint32_t walk_id,
		      const void *records, size_t len);
	void (*event)(void *arg, const struct kernel_event *event);
	/* module unloaded, socket dead; kernel_close() it, here or later */
	void (*gone)(void *arg, int err);
	void *arg;
};

/* All return 0 or -errno, and log the kernel's extack text on refusal. */
/* -ENOENT, without a message: the module is not loaded, or could not be if that was
 * wanted (@load).
 */
struct kernel *kernel_open(struct loop *loop, const struct kernel_callbacks *cb, bool load,
			   int *err);
void kernel_close(struct kernel *kernel);

/* As the member of @config, whose ports need no room in a table that is full. */
int kernel_attach(struct kernel *kernel, const struct config *config, uint32_t epoch,
		  uint64_t *boot_id);
int kernel_detach(struct kernel *kernel);
/* Parameters and the filter as it is in @config: the caller has put the host's
 * own addresses into it (vrouters_own_addresses()).
 */
int kernel_configure(struct kernel *kernel, const struct config *config, size_t batch_bytes);
int kernel_set_map(struct kernel *kernel, const uint64_t map[GWSYNC_BUCKETS]);

/* In the delta path: no allocation, no waiting for an answer.  Refusals come
 * back through the socket and are counted (kernel_apply_errors()).
 */
int kernel_apply(struct kernel *kernel, uint8_t owner, uint32_t epoch,
		 const void *records, size_t len);
uint64_t kernel_apply_errors(const struct kernel *kernel);
void kernel_resume(struct kernel *kernel);
/* Take what waits now, and not when its turn comes in the loop. */
void kernel_read(struct kernel *kernel);
/* Messages of the kernel half wait to be read. */
bool kernel_pending(const struct kernel *kernel);

int kernel_sync_begin(struct kernel *kernel, uint8_t owner, uint32_t epoch);
int kernel_sync_end(struct kernel *kernel, uint8_t owner, uint32_t epoch);
int kernel_walk(struct kernel *kernel, uint64_t set, uint32_t walk_id);
int kernel_activate(struct kernel *kernel, uint64_t owners, uint32_t epoch);
int kernel_deactivate(struct kernel *kernel, uint8_t new_owner, uint32_t epoch);
int kernel_purge(struct kernel *kernel, uint8_t owner);

/* Hold these interfaces on a lease; @count 0: renew it; @term_ms 0: give it back.
 * -ESTALE: it has lapsed.
 */
int kernel_lease(struct kernel *kernel, uint32_t term_ms, const uint32_t *ifindex,
		 unsigned int count);

/* Of an owner: count flows whose translated source is this address, with @end end them;
 * GWSYNC_EVENT_SOURCE_DONE tells how many.  -EOPNOTSUPP, without a message: an older
 * module, which cannot.
 */
int kernel_source(struct kernel *kernel, uint8_t family, const uint8_t *addr, bool end);

/* Of an owner: send these classes again; NULL: send all digests now. */
int kernel_repair(struct kernel *kernel, const uint64_t *classes);
/* Of a backup: it has missed records, so what a repair has begun is not whole. */
int kernel_missed(struct kernel *kernel);
/* Of a backup: the classes that differ from the owner's. */
int kernel_differing(struct kernel *kernel, uint64_t classes[GWSYNC_BUCKETS]);

/* State and counters as JSON objects named as in uapi/linux/gwsync.h. */
json_t *kernel_state_json(struct kernel *kernel);
json_t *kernel_stats_json(struct kernel *kernel);

/* Records that could not be installed since the module was loaded: no room, a
 * flow in the way, malformed.  0 also when the kernel half does not answer.
 * @unread: those of them that are of a version that it cannot read
 */
uint64_t kernel_records_refused(struct kernel *kernel, uint64_t *unread);

#endif

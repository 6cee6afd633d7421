// SPDX-License-Identifier: GPL-2.0
/* Frames of the group protocol: encode, decode, and the rules of both. */
#include <string.h>

#include "base/big_endian.h"
#include "wire/frame.h"

/* In the type byte: the body is not sealed ("auth none"). */
#define HEAD_CLEAR		0x80

/* A bounded walk over a buffer.  Once it would leave it, it stays failed and
 * every further step is a no-op, so callers check one time, at the end.
 */
struct cursor {
	const uint8_t	*get;
	uint8_t		*put;
	size_t		left;
	bool		failed;
};

static bool cursor_take(struct cursor *c, size_t len)
{
	if (c->failed || c->left < len) {
		c->failed = true;
		return false;
	}
	c->left -= len;
	return true;
}

static void put_number(struct cursor *c, uint64_t value, size_t bytes)
{
	if (!cursor_take(c, bytes))
		return;
	put_be(c->put, value, bytes);
	c->put += bytes;
}

static uint64_t get_number(struct cursor *c, size_t bytes)
{
	uint64_t value;

	if (!cursor_take(c, bytes))
		return 0;
	value = get_be(c->get, bytes);
	c->get += bytes;
	return value;
}

static void put_bytes(struct cursor *c, const void *bytes, size_t len)
{
	if (!cursor_take(c, len))
		return;
	memcpy(c->put, bytes, len);
	c->put += len;
}

static void get_bytes(struct cursor *c, void *bytes, size_t len)
{
	if (!cursor_take(c, len))
		return;
	memcpy(bytes, c->get, len);
	c->get += len;
}

static void put_u8(struct cursor *c, uint8_t v) { put_number(c, v, 1); }
static void put_u16(struct cursor *c, uint16_t v) { put_number(c, v, 2); }
static void put_u32(struct cursor *c, uint32_t v) { put_number(c, v, 4); }
static void put_u64(struct cursor *c, uint64_t v) { put_number(c, v, 8); }
static uint8_t get_u8(struct cursor *c) { return (uint8_t)get_number(c, 1); }
static uint16_t get_u16(struct cursor *c) { return (uint16_t)get_number(c, 2); }
static uint32_t get_u32(struct cursor *c) { return (uint32_t)get_number(c, 4); }
static uint64_t get_u64(struct cursor *c) { return get_number(c, 8); }

static bool valid_member(uint8_t member)
{
	return member >= 1 && member <= GWSYNC_MEMBER_MAX;
}

static bool valid_stream(const struct frame_stream *stream)
{
	return valid_member(stream->member) && stream->boot_id;
}

static bool valid_seq(uint64_t seq)
{
	return seq >= 1 && seq <= FRAME_SEQ_MAX;
}

static bool valid_heartbeat(const struct frame_heartbeat *hb)
{
	uint64_t named = 0;

	/* Flows are known to all, and bit 0 is no member. */
	if (hb->tables && !(hb->tables & 1U << FRAME_TABLE_FLOWS))
		return false;
	for (unsigned int i = 0; i < FRAME_TABLES_MAX; i++)
		if (hb->served[i] & 1)
			return false;
	if (hb->state >= __FRAME_STATE_MAX || hb->owner > GWSYNC_MEMBER_MAX ||
	    hb->flags & ~FRAME_HEARTBEAT_FLAGS || !hb->interval_ms ||
	    hb->last_seq > FRAME_SEQ_MAX || hb->oldest_seq < 1 ||
	    hb->oldest_seq > hb->last_seq + 1 || hb->peers > FRAME_PEERS_MAX ||
	    hb->link >= FRAME_LINKS_MAX || hb->score > FRAME_SCORE_MAX)
		return false;

	for (unsigned int i = 0; i < hb->peers; i++) {
		const struct frame_peer *peer = &hb->peer[i];

		if (!valid_member(peer->member) || named & 1ULL << peer->member ||
		    peer->flags & ~FRAME_PEER_FLAGS || !peer->boot_id ||
		    !peer->counter || peer->ack > FRAME_SEQ_MAX)
			return false;
		named |= 1ULL << peer->member;
	}
	return true;
}

bool frame_valid_data(const struct frame_data *data)
{
	/* Bit 0 is no member. */
	if (data->table >= FRAME_TABLES_MAX || !valid_seq(data->seq) || !data->set || data->set & 1)
		return false;

	switch (data->kind) {
	case FRAME_DATA_RECORDS:
		return data->len >= 1 && data->len <= FRAME_RECORDS_MAX && !data->count;
	case FRAME_DATA_SYNC_BEGIN:
		return data->len == 0 && data->walk_id && !data->count;
	case FRAME_DATA_SYNC_END:
		return data->len == 0 && data->walk_id;
	default:
		return false;
	}
}

static bool valid_nack(const struct frame_nack *nack)
{
	uint64_t past = nack->ack;	/* last frame that is not asked for */

	if (!valid_stream(&nack->stream) || nack->ack > FRAME_SEQ_MAX ||
	    nack->ranges < 1 || nack->ranges > FRAME_RANGES_MAX)
		return false;

	for (unsigned int i = 0; i < nack->ranges; i++) {
		const struct frame_range *range = &nack->range[i];

		if (range->first <= past || !valid_seq(range->first) || !range->count ||
		    range->count > FRAME_SEQ_MAX - range->first)
			return false;
		past = range->first + range->count;
	}
	return true;
}

static bool valid_repair(const struct frame_repair_request *request)
{
	if (!valid_stream(&request->stream) || request->buckets > FRAME_REPAIR_MAX)
		return false;
	for (unsigned int i = 0; i < request->buckets; i++)
		if (!request->repair[i].classes ||
		    (i && request->repair[i].bucket <= request->repair[i - 1].bucket))
			return false;
	return true;
}

/* The old version knows flows alone. */
static bool valid_table(const struct frame *frame, enum frame_table table)
{
	return table < (frame->head.version == FRAME_VERSION_OLD ? 1 : FRAME_TABLES_MAX);
}

static bool valid_body(const struct frame *frame)
{
	switch (frame->head.type) {
	case FRAME_HEARTBEAT:
		return valid_heartbeat(&frame->heartbeat);
	case FRAME_DATA:
		return frame_valid_data(&frame->data) && valid_table(frame, frame->data.table);
	case FRAME_ACK:
		return valid_stream(&frame->ack.stream) && frame->ack.ack <= FRAME_SEQ_MAX;
	case FRAME_NACK:
		return valid_nack(&frame->nack);
	case FRAME_GONE:
		return valid_seq(frame->gone.next);
	case FRAME_SYNC_REQUEST:
		return valid_stream(&frame->sync_request.stream) && frame->sync_request.request &&
		       valid_table(frame, frame->sync_request.table);
	case FRAME_REPAIR_REQUEST:
		return valid_repair(&frame->repair_request) &&
		       valid_table(frame, frame->repair_request.table);
	case FRAME_READY:
	case FRAME_PREPARE:
	case FRAME_RESIGN:
		return valid_stream(&frame->switchover.stream) &&
		       frame->switchover.seq <= FRAME_SEQ_MAX &&
		       frame->switchover.status < __FRAME_SWITCH_MAX &&
		       (frame->head.type == FRAME_READY ||
			frame->switchover.status == FRAME_SWITCH_OK);
	default:
		return false;
	}
}

void frame_encode_head(const struct frame_head *head, uint8_t *buf)
{
	struct cursor c = { .put = buf, .left = frame_head_bytes(head) };

	put_u8(&c, 'g');
	put_u8(&c, 'w');
	put_u8(&c, head->version);
	put_u8(&c, (uint8_t)head->type | (head->sealed ? 0 : HEAD_CLEAR));
	put_u8(&c, head->group);
	put_u8(&c, head->sender);
	put_u8(&c, head->key_id);
	put_u8(&c, 0);
	put_u64(&c, head->boot_id);
	put_u64(&c, head->counter);
	if (head->version != FRAME_VERSION_OLD)
		put_bytes(&c, head->salt, sizeof(head->salt));
}

enum frame_error frame_decode_head(const uint8_t *buf, size_t len, struct frame_head *head)
{
	struct cursor c = { .get = buf, .left = len };
	uint8_t magic[2], type, pad;

	if (len < FRAME_HEAD_BYTES_OLD)
		return FRAME_ERROR_SHORT;

	magic[0] = get_u8(&c);
	magic[1] = get_u8(&c);
	head->version = get_u8(&c);
	type = get_u8(&c);
	head->group = get_u8(&c);
	head->sender = get_u8(&c);
	head->key_id = get_u8(&c);
	pad = get_u8(&c);
	head->boot_id = get_u64(&c);
	head->counter = get_u64(&c);
	head->sealed = !(type & HEAD_CLEAR);
	head->type = type & ~HEAD_CLEAR;

	if (magic[0] != 'g' || magic[1] != 'w')
		return FRAME_ERROR_MAGIC;
	if (head->version != FRAME_VERSION && head->version != FRAME_VERSION_OLD)
		return FRAME_ERROR_VERSION;
	memset(head->salt, 0, sizeof(head->salt));
	if (head->version != FRAME_VERSION_OLD)
		get_bytes(&c, head->salt, sizeof(head->salt));
	if (c.failed)
		return FRAME_ERROR_SHORT;
	if (head->type < FRAME_HEARTBEAT || head->type >= __FRAME_TYPE_MAX || !head->group ||
	    !valid_member(head->sender) || pad || !head->boot_id || !head->counter ||
	    head->sealed != !!head->key_id || len > FRAME_MAX)
		return FRAME_ERROR_HEAD;
	return FRAME_OK;
}

static void put_stream(struct cursor *c, const struct frame_stream *stream)
{
	put_u8(c, stream->member);
	put_u64(c, stream->boot_id);
}

static struct frame_stream get_stream(struct cursor *c)
{
	struct frame_stream stream;

	stream.member = get_u8(c);
	stream.boot_id = get_u64(c);
	return stream;
}

static void put_peer(struct cursor *c, const struct frame_peer *peer, bool old)
{
	put_u8(c, peer->member);
	put_u8(c, peer->flags);
	put_u64(c, peer->boot_id);
	put_u64(c, peer->counter);
	put_u64(c, peer->ack);
	if (!old)
		put_u64(c, peer->heard);
}

static void get_peer(struct cursor *c, struct frame_peer *peer, bool old)
{
	peer->member = get_u8(c);
	peer->flags = get_u8(c);
	peer->boot_id = get_u64(c);
	peer->counter = get_u64(c);
	peer->ack = get_u64(c);
	/* Who does not say it is taken to hear all. */
	peer->heard = old ? UINT64_MAX : get_u64(c);
}

/* What follows the peers of a heartbeat. */
enum heartbeat_item { ITEM_CLOCK = 1, ITEM_TABLES };

/* Those known, and then the members that each of them is sent to. */
static void put_tables(struct cursor *c, const struct frame_heartbeat *hb)
{
	put_u8(c, ITEM_TABLES);
	put_u8(c, (uint8_t)(1 + sizeof(uint64_t) * (size_t)__builtin_popcount(hb->tables)));
	put_u8(c, hb->tables);
	for (unsigned int i = 0; i < FRAME_TABLES_MAX; i++)
		if (hb->tables & 1U << i)
			put_u64(c, hb->served[i]);
}

static void get_tables(struct cursor *c, size_t len, struct frame_heartbeat *hb)
{
	uint8_t tables = get_u8(c);

	if (len != 1 + sizeof(uint64_t) * (size_t)__builtin_popcount(tables)) {
		if (cursor_take(c, len - 1))
			c->get += len - 1;
		return;
	}
	hb->tables = tables;
	for (unsigned int i = 0; i < FRAME_TABLES_MAX; i++)
		hb->served[i] = tables & 1U << i ? get_u64(c) : 0;
}

static void put_heartbeat(struct cursor *c, const struct frame_heartbeat *hb, bool old)
{
	put_u32(c, hb->epoch);
	put_u8(c, (uint8_t)hb->state);
	put_u8(c, hb->priority);
	put_u8(c, hb->owner);
	put_u8(c, old ? hb->flags & FRAME_HEARTBEAT_FLAGS_OLD : hb->flags);
	put_u16(c, hb->interval_ms);
	put_u8(c, old ? 0 : hb->link);
	put_u8(c, (uint8_t)hb->peers);
	put_u64(c, hb->last_seq);
	put_u64(c, hb->oldest_seq);
	if (!old) {
		put_u16(c, hb->score);
		put_u8(c, hb->unheard);
		put_u8(c, hb->claims);
		put_u16(c, hb->mtu);
		put_u32(c, hb->service_ms);
		for (unsigned int i = 0; i < FRAME_CONFIG_PARTS; i++)
			put_u32(c, hb->config[i]);
	}
	for (unsigned int i = 0; i < hb->peers; i++)
		put_peer(c, &hb->peer[i], old);
	if (!old && hb->clock_ms) {
		put_u8(c, ITEM_CLOCK);
		put_u8(c, sizeof(uint64_t));
		put_u64(c, hb->clock_ms);
	}
	if (!old && hb->tables)
		put_tables(c, hb);
}

/* A type, the bytes that follow, the value.  What later daemons say is passed over. */
static void get_items(struct cursor *c, struct frame_heartbeat *hb)
{
	while (c->left && !c->failed) {
		uint8_t type = get_u8(c);
		size_t len = get_u8(c);

		if (type == ITEM_CLOCK && len == sizeof(uint64_t))
			hb->clock_ms = get_u64(c);
		else if (type == ITEM_TABLES && len)
			get_tables(c, len, hb);
		else if (cursor_take(c, len))
			c->get += len;
	}
}

static void get_heartbeat(struct cursor *c, struct frame_heartbeat *hb, bool old)
{
	memset(hb->config, 0, sizeof(hb->config));
	hb->clock_ms = 0;
	hb->tables = 0;
	memset(hb->served, 0, sizeof(hb->served));
	hb->epoch = get_u32(c);
	hb->state = get_u8(c);
	hb->priority = get_u8(c);
	hb->owner = get_u8(c);
	hb->flags = get_u8(c);
	hb->interval_ms = get_u16(c);
	hb->link = get_u8(c);
	hb->peers = get_u8(c);
	hb->last_seq = get_u64(c);
	hb->oldest_seq = get_u64(c);
	hb->score = hb->flags & FRAME_HEARTBEAT_HEALTHY ? FRAME_SCORE_MAX : 0;
	hb->unheard = 0;
	hb->claims = 0;
	hb->mtu = 0;
	hb->service_ms = 0;
	if (!old) {
		hb->score = get_u16(c);
		hb->unheard = get_u8(c);
		hb->claims = get_u8(c);
		hb->mtu = get_u16(c);
		hb->service_ms = get_u32(c);
		for (unsigned int i = 0; i < FRAME_CONFIG_PARTS; i++)
			hb->config[i] = get_u32(c);
	} else if (hb->link || hb->flags & ~FRAME_HEARTBEAT_FLAGS_OLD) {
		c->failed = true;
	}
	if (hb->peers > FRAME_PEERS_MAX) {
		c->failed = true;
		return;
	}
	for (unsigned int i = 0; i < hb->peers; i++)
		get_peer(c, &hb->peer[i], old);
	if (!old)
		get_items(c, hb);
}

/* Of the byte that says what is in a DATA body */
#define DATA_TABLE_SHIFT	4

static void put_data(struct cursor *c, const struct frame_data *data)
{
	put_u64(c, data->seq);
	put_u64(c, data->set);
	put_u32(c, data->epoch);
	put_u32(c, data->walk_id);
	put_u8(c, (uint8_t)(data->kind | data->table << DATA_TABLE_SHIFT));
	put_u32(c, data->count);
	put_u16(c, (uint16_t)data->len);
	if (data->len)
		put_bytes(c, data->records, data->len);
}

static void get_data(struct cursor *c, struct frame_data *data)
{
	data->seq = get_u64(c);
	data->set = get_u64(c);
	data->epoch = get_u32(c);
	data->walk_id = get_u32(c);
	data->kind = get_u8(c);
	data->table = (unsigned int)data->kind >> DATA_TABLE_SHIFT;
	data->kind &= (1U << DATA_TABLE_SHIFT) - 1;
	data->count = get_u32(c);
	data->len = get_u16(c);
	data->records = c->get;
	cursor_take(c, data->len);
}

static void put_nack(struct cursor *c, const struct frame_nack *nack)
{
	put_stream(c, &nack->stream);
	put_u64(c, nack->ack);
	put_u8(c, (uint8_t)nack->ranges);
	for (unsigned int i = 0; i < nack->ranges; i++) {
		put_u64(c, nack->range[i].first);
		put_u32(c, nack->range[i].count);
	}
}

static void get_nack(struct cursor *c, struct frame_nack *nack)
{
	nack->stream = get_stream(c);
	nack->ack = get_u64(c);
	nack->ranges = get_u8(c);
	if (nack->ranges > FRAME_RANGES_MAX) {
		c->failed = true;
		return;
	}
	for (unsigned int i = 0; i < nack->ranges; i++) {
		nack->range[i].first = get_u64(c);
		nack->range[i].count = get_u32(c);
	}
}

/* The last byte of a request, which one for flows has not. */
static void put_table(struct cursor *c, enum frame_table table)
{
	if (table)
		put_u8(c, (uint8_t)table);
}

static enum frame_table get_table(struct cursor *c, bool old)
{
	enum frame_table table = FRAME_TABLE_FLOWS;

	if (c->left && !old) {
		table = get_u8(c);
		/* One way to say it */
		if (table == FRAME_TABLE_FLOWS)
			c->failed = true;
	}
	return table;
}

static void put_repair(struct cursor *c, const struct frame_repair_request *request)
{
	put_stream(c, &request->stream);
	put_u32(c, request->epoch);
	put_u8(c, (uint8_t)request->buckets);
	for (unsigned int i = 0; i < request->buckets; i++) {
		put_u8(c, request->repair[i].bucket);
		put_u64(c, request->repair[i].classes);
	}
	put_table(c, request->table);
}

static void get_repair(struct cursor *c, struct frame_repair_request *request, bool old)
{
	request->stream = get_stream(c);
	request->epoch = get_u32(c);
	request->buckets = get_u8(c);
	if (request->buckets > FRAME_REPAIR_MAX)
		c->failed = true;
	for (unsigned int i = 0; i < request->buckets && !c->failed; i++) {
		request->repair[i].bucket = get_u8(c);
		request->repair[i].classes = get_u64(c);
	}
	request->table = get_table(c, old);
}

size_t frame_encode_body(const struct frame *frame, uint8_t *buf, size_t size)
{
	bool old = frame->head.version == FRAME_VERSION_OLD;
	struct cursor c = { .put = buf, .left = size };

	if (!valid_body(frame))
		return 0;

	switch (frame->head.type) {
	case FRAME_HEARTBEAT:
		put_heartbeat(&c, &frame->heartbeat, old);
		break;
	case FRAME_DATA:
		put_data(&c, &frame->data);
		break;
	case FRAME_ACK:
		put_stream(&c, &frame->ack.stream);
		put_u64(&c, frame->ack.ack);
		break;
	case FRAME_NACK:
		put_nack(&c, &frame->nack);
		break;
	case FRAME_GONE:
		put_u64(&c, frame->gone.next);
		break;
	case FRAME_SYNC_REQUEST:
		put_stream(&c, &frame->sync_request.stream);
		put_u32(&c, frame->sync_request.epoch);
		put_u32(&c, frame->sync_request.request);
		put_table(&c, frame->sync_request.table);
		break;
	case FRAME_REPAIR_REQUEST:
		put_repair(&c, &frame->repair_request);
		break;
	case FRAME_PREPARE:
	case FRAME_READY:
	case FRAME_RESIGN:
		put_stream(&c, &frame->switchover.stream);
		put_u32(&c, frame->switchover.epoch);
		put_u64(&c, frame->switchover.seq);
		put_u8(&c, (uint8_t)frame->switchover.status);
		break;
	default:
		return 0;
	}
	return c.failed ? 0 : size - c.left;
}

enum frame_error frame_decode_body(const uint8_t *buf, size_t len, struct frame *frame)
{
	bool old = frame->head.version == FRAME_VERSION_OLD;
	struct cursor c = { .get = buf, .left = len };

	switch (frame->head.type) {
	case FRAME_HEARTBEAT:
		get_heartbeat(&c, &frame->heartbeat, old);
		break;
	case FRAME_DATA:
		get_data(&c, &frame->data);
		break;
	case FRAME_ACK:
		frame->ack.stream = get_stream(&c);
		frame->ack.ack = get_u64(&c);
		break;
	case FRAME_NACK:
		get_nack(&c, &frame->nack);
		break;
	case FRAME_GONE:
		frame->gone.next = get_u64(&c);
		break;
	case FRAME_SYNC_REQUEST:
		frame->sync_request.stream = get_stream(&c);
		frame->sync_request.epoch = get_u32(&c);
		frame->sync_request.request = get_u32(&c);
		frame->sync_request.table = get_table(&c, old);
		break;
	case FRAME_REPAIR_REQUEST:
		get_repair(&c, &frame->repair_request, old);
		break;
	case FRAME_PREPARE:
	case FRAME_READY:
	case FRAME_RESIGN:
		frame->switchover.stream = get_stream(&c);
		frame->switchover.epoch = get_u32(&c);
		frame->switchover.seq = get_u64(&c);
		frame->switchover.status = get_u8(&c);
		break;
	default:
		return FRAME_ERROR_BODY;
	}
	if (c.failed || c.left || !valid_body(frame))
		return FRAME_ERROR_BODY;
	return FRAME_OK;
}

uint32_t frame_count_records(const struct frame_data *data)
{
	const uint8_t *at = data->records;
	uint32_t count = 0;
	size_t left = data->kind == FRAME_DATA_RECORDS && data->table == FRAME_TABLE_FLOWS ?
		      data->len : 0;

	while (left >= sizeof(struct gwsync_record)) {
		size_t len = get_be(at, 2);

		if (len < sizeof(struct gwsync_record) || len > left)
			break;
		count += at[3] == GWSYNC_RECORD_FLOW || at[3] == GWSYNC_RECORD_FLOW_GONE;
		at += len;
		left -= len;
	}
	return count;
}

size_t frame_records_max(unsigned int mtu)
{
	/* The kernel half makes no smaller batches: IP has to cut the datagram. */
	if (mtu < FRAME_MTU_MIN)
		return FRAME_RECORDS_MIN;
	if (mtu - FRAME_OVERHEAD > FRAME_RECORDS_MAX)
		return FRAME_RECORDS_MAX;
	return mtu - FRAME_OVERHEAD;
}

const char *frame_type_name(enum frame_type type)
{
	static const char * const name[__FRAME_TYPE_MAX] = {
		[FRAME_HEARTBEAT]	= "heartbeat",
		[FRAME_DATA]		= "data",
		[FRAME_ACK]		= "ack",
		[FRAME_NACK]		= "nack",
		[FRAME_GONE]		= "gone",
		[FRAME_SYNC_REQUEST]	= "sync request",
		[FRAME_PREPARE]		= "prepare",
		[FRAME_READY]		= "ready",
		[FRAME_RESIGN]		= "resign",
		[FRAME_REPAIR_REQUEST]	= "repair request",
	};

	return type < __FRAME_TYPE_MAX && name[type] ? name[type] : "unknown";
}

const char *frame_state_name(enum frame_state state)
{
	static const char * const name[__FRAME_STATE_MAX] = {
		[FRAME_STATE_INITIALIZE]	= "initialize",
		[FRAME_STATE_BACKUP]		= "backup",
		[FRAME_STATE_OWNER]		= "owner",
	};

	return state < __FRAME_STATE_MAX ? name[state] : "unknown";
}

// SPDX-License-Identifier: GPL-2.0
/* The ordered stream over a network that loses, doubles, holds back and lies.
 *
 * Input: settings, then steps.  With an honest peer each frame must arrive
 * once, in order and as it was, or be admitted as lost, and after the last step
 * everything must arrive.  With a lying one only order and bounds must hold.
 */
#include "../../agent/tests/pattern.h"
#include "fuzz.h"
#include "stream/receive.h"

#define PEER		2
#define SET		(1ULL << PEER)
#define WAYS		32	/* frames on their way */
#define STEPS_MAX	256
#define SETTLE_ROUNDS	4000

enum step {
	STEP_PUSH,
	STEP_SEND,
	STEP_ARRIVE,
	STEP_ANSWER,
	STEP_TIME,
	STEP_HEARTBEAT,
	STEP_LIE,

	STEPS
};

/* A frame on its way: as it is on the wire. */
struct way {
	enum frame_type	type;
	size_t		len;		/* 0: free */
	uint8_t		body[FRAME_BODY_MAX];
};

static struct transmit *tx;
static struct receive *rx;
static struct way way[WAYS];
static uint64_t now;
static uint64_t next;		/* of the stream, to be delivered */
static bool honest;

static void deliver(void *arg, const struct frame_data *data)
{
	uint8_t want[RECORDS_MAX];

	(void)arg;
	expect(data->seq == next);
	next++;
	if (!honest)
		return;
	expect(data->len == content(data->seq, want));
	expect(!memcmp(data->records, want, data->len));
}

static void lost(void *arg, uint64_t first, uint64_t to)
{
	(void)arg;
	expect(first == next && to > first);
	/* Only what the sender has no more. */
	expect(!honest || to <= transmit_oldest(tx));
	next = to;
}

/* Both ends take what frame.c lets pass, and nothing else. */
static void arrive_at(bool sender, const struct way *w)
{
	static struct frame frame;
	uint8_t *copy = exact_copy(w->body, w->len);

	frame.head.type = w->type;
	expect(frame_decode_body(copy, w->len, &frame) == FRAME_OK);
	if (sender && frame.head.type == FRAME_ACK)
		transmit_ack(tx, now, PEER, frame.ack.ack);
	else if (sender && frame.head.type == FRAME_NACK)
		transmit_nack(tx, now, PEER, &frame.nack);
	else if (!sender && frame.head.type == FRAME_DATA)
		receive_data(rx, now, &frame.data);
	else if (!sender && frame.head.type == FRAME_GONE)
		receive_gone(rx, now, frame.gone.next);
	else
		expect(0);
	free(copy);
}

static void encode(struct way *w, const struct frame *frame)
{
	w->type = frame->head.type;
	w->len = frame_encode_body(frame, w->body, sizeof(w->body));
	expect(w->len);
}

static bool to_sender(const struct way *w)
{
	return w->type == FRAME_ACK || w->type == FRAME_NACK;
}

static struct way *free_way(void)
{
	for (unsigned int i = 0; i < WAYS; i++)
		if (!way[i].len)
			return &way[i];
	return NULL;
}

/* What is sent: arrives at once, is lost, or is on its way for a while. */
static void route(const struct frame *frame, uint8_t how)
{
	static struct way once;
	struct way *later = free_way();

	if (how & 1) {
		encode(&once, frame);
		arrive_at(to_sender(&once), &once);
	}
	if (how & 2 && later)
		encode(later, frame);
}

static bool send_one(uint8_t how)
{
	static struct frame frame;

	if (!transmit_next(tx, now, &frame))
		return false;
	transmit_sent(tx, now, &frame);
	route(&frame, how);
	return true;
}

static void answer(uint8_t how)
{
	static struct frame frame;
	unsigned int n = 0;

	while (receive_poll(rx, now, &frame)) {
		expect(++n <= 2);
		route(&frame, how);
	}
}

static void heartbeat(void)
{
	receive_heartbeat(rx, now, transmit_last(tx));
	transmit_ack(tx, now, PEER, receive_ack(rx));
}

/* A frame that the input gives, as long as it is one. */
static void lie(struct input *in)
{
	struct frame_stream stream = { .member = SENDER, .boot_id = 1 };
	static struct frame frame;
	struct way *w = free_way();
	static const uint8_t records[RECORDS_MAX + 8];

	if (!w)
		return;
	memset(&frame, 0, sizeof(frame));
	switch (input_u8(in) % 5) {
	case 0:
		frame.head.type = FRAME_DATA;
		frame.data.seq = input_number(in, 8);
		frame.data.set = SET;
		frame.data.kind = FRAME_DATA_RECORDS;
		frame.data.records = records;
		frame.data.len = 1 + input_u8(in) % sizeof(records);
		break;
	case 1:
		frame.head.type = FRAME_GONE;
		frame.gone.next = input_number(in, 8);
		break;
	case 2:
		frame.head.type = FRAME_ACK;
		frame.ack = (struct frame_ack) { .stream = stream, .ack = input_number(in, 8) };
		break;
	case 3:
		frame.head.type = FRAME_NACK;
		frame.nack.stream = stream;
		frame.nack.ack = input_number(in, 8);
		frame.nack.ranges = input_u8(in) % (FRAME_RANGES_MAX + 1);
		for (unsigned int i = 0; i < frame.nack.ranges; i++) {
			frame.nack.range[i].first = input_number(in, 8);
			frame.nack.range[i].count = (uint32_t)input_number(in, 4);
		}
		break;
	default:
		receive_heartbeat(rx, now, input_number(in, 8));
		return;
	}
	w->type = frame.head.type;
	w->len = frame_encode_body(&frame, w->body, sizeof(w->body));
}

static void step(struct input *in)
{
	uint8_t what = input_u8(in), how = input_u8(in);
	uint64_t seq;

	switch (what % STEPS) {
	case STEP_PUSH:
		for (unsigned int n = how % 40; n && !push(tx, &seq); n--)
			;
		break;
	case STEP_SEND:
		for (unsigned int n = how >> 2; n && send_one(how); n--)
			;
		break;
	case STEP_ARRIVE:
		if (way[how % WAYS].len)
			arrive_at(to_sender(&way[how % WAYS]), &way[how % WAYS]);
		if (how & 0x80)		/* and not a second time */
			way[how % WAYS].len = 0;
		break;
	case STEP_ANSWER:
		answer(how);
		break;
	case STEP_TIME:
		now += (how & 1 ? MS : MS / 16) * (1 + how);
		break;
	case STEP_HEARTBEAT:
		if (how & 1)
			heartbeat();
		if (how & 2)
			transmit_behind(tx, now, TRANSMIT_BEHIND_NS / 20);
		if (how & 4)
			transmit_wait(tx, now, PEER, how & 8);
		transmit_resume(tx);
		break;
	case STEP_LIE:
		if (!honest)
			lie(in);
		break;
	}
	expect(receive_held(rx) < WAYS * 4);
	expect(transmit_room(tx) <= 2 * TRANSMIT_RESERVE + 8);
	expect(receive_ack(rx) == next - 1);
}

/* The network is well again: whatever happened, both ends agree soon. */
static void settle(void)
{
	for (unsigned int i = 0; i < SETTLE_ROUNDS; i++) {
		now += 10 * MS;
		while (send_one(1))
			;
		heartbeat();
		answer(1);
		if (receive_ack(rx) == transmit_pushed(tx))
			break;
	}
	expect(receive_ack(rx) == transmit_pushed(tx));
	expect(!receive_held(rx));
	expect(!receive_missing_since(rx));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct receive_callbacks cb = { .deliver = deliver, .lost = lost };
	const struct frame_stream stream = { .member = SENDER, .boot_id = 1 };
	struct input in = { .at = data, .left = size };
	uint8_t settings = input_u8(&in);

	memset(way, 0, sizeof(way));
	now = 1000000000;
	next = 1;
	honest = settings & 1;
	tx = transmit_alloc(2 * TRANSMIT_RESERVE + (settings >> 4 & 7), RECORDS_MAX);
	rx = receive_alloc(2U << (settings >> 1 & 3), RECORDS_MAX, settings, &cb);
	expect(tx && rx);
	receive_start(rx, &stream, 0);
	transmit_join(tx, PEER);
	transmit_wait(tx, now, PEER, settings & 0x80);

	for (unsigned int steps = 0; in.left && steps < STEPS_MAX; steps++)
		step(&in);
	if (honest)
		settle();

	transmit_free(tx);
	receive_free(rx);
	return 0;
}

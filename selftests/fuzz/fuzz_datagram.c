// SPDX-License-Identifier: GPL-2.0
/* Datagrams of members, of strangers, of the past, and any mixture of them.
 *
 * Input: one byte of settings, then steps.  A is the daemon under test; B is a
 * member with the key.  A body that the input gives is sealed as B's, so that
 * what is behind the tag is reached; other bytes come from outside.
 */
#include <sodium.h>

#include "fuzz.h"
#include "wire/session.h"

#define GROUP		7
#define MEMBERS		0x7e	/* 1..6 */
#define KEPT		16	/* datagrams of B that may come again */
#define STEPS_MAX	64
#define COUNTER_JUMP	(UINT64_MAX / 2 / STEPS_MAX)

enum step {
	STEP_HEARTBEATS,	/* both ways, as many as it takes */
	STEP_DATA,
	STEP_BODY,		/* of the input, sealed */
	STEP_RAW,		/* of the input, as it is */
	STEP_MUTATED,		/* one that B has sent */
	STEP_AGAIN,		/* the same unchanged */
	STEP_RESTART_B,
	STEP_RESTART_A,
	STEP_REKEY,
	STEP_TWIN,		/* another machine with A's id */

	STEPS
};

struct kept {
	size_t		len;
	uint64_t	boot_id;
	bool		taken;		/* A has accepted it */
	uint8_t		bytes[FRAME_MAX];
};

static const uint8_t keys[3][SEAL_KEY_BYTES] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } };
static struct session a, b, twin;
static struct kept kept[KEPT];
static unsigned int sent;
static unsigned int nkeys;
static uint64_t now;
static uint64_t random_state;
static uint32_t starts;		/* each start of a daemon has a higher number */

/* The same boot ids for the same input. */
static uint32_t random_u32(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 32);
}

static void random_fill(void *buf, size_t size)
{
	for (uint8_t *p = buf; size; size--)
		*p++ = (uint8_t)random_u32();
}

static const char *random_name(void)
{
	return "fuzz";
}

static void random_begin(void)
{
	static struct randombytes_implementation implementation = {
		.implementation_name = random_name, .random = random_u32, .buf = random_fill,
	};
	static bool set;

	if (!set)
		expect(!randombytes_set_implementation(&implementation));
	set = true;
	random_state = 1;
	starts = 0;
}

static void start(struct session *s, uint8_t member)
{
	expect(!session_init(s, GROUP, member, ++starts, MEMBERS, nkeys ? keys : NULL, nkeys));
}

/* What A believes must be what the datagram says, in the one form there is. */
static void check_believed(const struct frame *frame, size_t len)
{
	static uint8_t body[FRAME_BODY_MAX];
	size_t body_len = len - frame_head_bytes(&frame->head) - (nkeys ? FRAME_TAG_BYTES : 0);
	size_t again = frame_encode_body(frame, body, sizeof(body));

	expect(frame->head.group == GROUP && frame->head.sender != a.self);
	expect(MEMBERS & 1ULL << frame->head.sender);
	expect(again);
	expect(again == body_len || (frame_has_items(frame) && again < body_len));
	expect(!memcmp(body, a.body, again));
}

static bool is_same(const void *one, const void *other, size_t len)
{
	return !memcmp(one, other, len);
}

static enum session_verdict take(const uint8_t *bytes, size_t len)
{
	static uint8_t before[sizeof(a.peer)];
	uint8_t *copy = exact_copy(bytes, len);
	static struct frame frame;
	enum session_drop drop = __SESSION_DROP_MAX;
	enum session_verdict verdict;
	uint64_t accepted = a.accepted;

	memcpy(before, a.peer, sizeof(before));
	verdict = session_receive(&a, now, copy, len, &frame, &drop);
	if (verdict == SESSION_REFUSED) {
		expect(drop < __SESSION_DROP_MAX && a.dropped[drop]);
		expect(a.accepted == accepted);
		/* Before the tag is checked nothing may be remembered. */
		if (drop < SESSION_DROP_REPLAY)
			expect(is_same(before, a.peer, sizeof(before)));
	} else {
		check_believed(&frame, len);
	}
	free(copy);
	return verdict;
}

static bool believed(enum session_verdict verdict)
{
	return verdict == SESSION_ACCEPTED || verdict == SESSION_BEGUN;
}

static struct kept *keep(void)
{
	struct kept *k = &kept[sent++ % KEPT];

	k->boot_id = b.boot_id;
	k->taken = false;
	return k;
}

static struct frame heartbeat_of(struct session *s)
{
	struct frame f = { .head.type = FRAME_HEARTBEAT };

	f.heartbeat.interval_ms = 100;
	f.heartbeat.oldest_seq = 1;
	session_echo(s, &f.heartbeat);
	return f;
}

static void heartbeats(uint8_t lost)
{
	static uint8_t bytes[FRAME_MAX];
	enum session_drop drop;
	struct frame f = heartbeat_of(&b);
	struct kept *k = keep();
	size_t len;

	k->len = session_send(&b, &f, k->bytes);
	expect(k->len);
	if (!(lost & 1))
		k->taken = believed(take(k->bytes, k->len));
	f = heartbeat_of(&a);
	len = session_send(&a, &f, bytes);
	expect(len);
	if (!(lost & 2))
		session_receive(&b, now, bytes, len, &f, &drop);
}

static void records(struct input *in)
{
	struct frame f = { .head.type = FRAME_DATA };
	struct kept *k = keep();
	bool live = a.peer[b.self].live && a.peer[b.self].boot_id == b.boot_id;

	f.data.seq = 1 + input_number(in, 2);
	f.data.set = 2;
	f.data.kind = FRAME_DATA_RECORDS;
	f.data.records = input_bytes(in, input_number(in, 2), &f.data.len);
	k->len = session_send(&b, &f, k->bytes);
	if (!k->len)		/* more records than a frame takes, or none */
		return;
	k->taken = believed(take(k->bytes, k->len));
	/* A hostile counter of B's own may have left this one behind the window. */
	expect(!k->taken || live);
}

static void body(struct input *in)
{
	struct frame_head head = {
		.version = FRAME_VERSION, .type = input_u8(in), .sealed = nkeys, .group = GROUP,
		.sender = b.self, .key_id = b.seal.key_id[0], .boot_id = b.boot_id,
	};
	uint8_t jump = input_u8(in);
	struct kept *k = keep();
	const uint8_t *bytes;
	size_t len;

	if (head.type & 0x40) {
		head.type &= ~0x40;
		head.version = FRAME_VERSION_OLD;
	}
	/* Mostly the next one.  B may jump ahead, but never uses one twice. */
	b.counter++;
	if (jump >= 0xf0)
		b.counter += input_number(in, 8) & COUNTER_JUMP;
	else if (jump >= 0xc0)
		b.counter += input_number(in, 2) % (4 * REPLAY_BITS);
	head.counter = b.counter;
	bytes = input_bytes(in, input_number(in, 2) % (FRAME_BODY_MAX + 1), &len);
	frame_encode_head(&head, k->bytes);
	memcpy(k->bytes + frame_head_bytes(&head), bytes, len);
	k->len = seal_close(&b.seal, &b.subkeys, &head, k->bytes, len);
	k->taken = believed(take(k->bytes, k->len));
}

/* libFuzzer learns what is compared: it may repeat B word for word. */
static bool is_kept(const uint8_t *bytes, size_t len)
{
	for (unsigned int i = 0; i < KEPT; i++)
		if (kept[i].len == len && !memcmp(kept[i].bytes, bytes, len))
			return true;
	return false;
}

static void raw(struct input *in)
{
	const uint8_t *bytes;
	size_t len;

	bytes = input_bytes(in, input_number(in, 2), &len);
	if (nkeys && !is_kept(bytes, len))
		expect(take(bytes, len) == SESSION_REFUSED);
	else
		take(bytes, len);
}

static void mutated(struct input *in)
{
	static uint8_t bytes[FRAME_MAX];
	const struct kept *k = &kept[input_u8(in) % KEPT];
	size_t len = k->len;

	memcpy(bytes, k->bytes, len);
	for (unsigned int i = input_u8(in) % 8; i && len; i--)
		bytes[input_number(in, 2) % len] ^= input_u8(in);
	len -= len ? input_number(in, 2) % (len + 1) : 0;
	if (nkeys && !is_kept(bytes, len))
		expect(take(bytes, len) == SESSION_REFUSED);
	else
		take(bytes, len);
}

static void again(struct input *in)
{
	struct kept *k = &kept[input_u8(in) % KEPT];
	bool former = a.peer[b.self].live && a.peer[b.self].boot_id == b.boot_id &&
		      k->boot_id != b.boot_id;
	bool was = k->taken;
	bool now_taken = believed(take(k->bytes, k->len));

	/* Without a key anybody may have moved the window or ended the session. */
	if (nkeys && (was || former))
		expect(!now_taken);
	k->taken |= now_taken;
}

static void restart_a(void)
{
	start(&a, 1);
	/* What it had accepted proves nothing to the one of now; see again(). */
	for (unsigned int i = 0; i < KEPT; i++)
		kept[i].taken |= nkeys;
}

static void rekey(struct input *in)
{
	uint8_t first = input_u8(in) % 3, second = input_u8(in) % 3;
	uint8_t both[2][SEAL_KEY_BYTES];

	memcpy(both[0], keys[first], SEAL_KEY_BYTES);
	memcpy(both[1], keys[second], SEAL_KEY_BYTES);
	if (!nkeys) {
		expect(session_rekey(&a, (const uint8_t (*)[SEAL_KEY_BYTES])both, 2));
		return;
	}
	expect(!session_rekey(first & 1 ? &a : &b, (const uint8_t (*)[SEAL_KEY_BYTES])both,
			      second ? 2 : 1));
}

static void step(struct input *in)
{
	uint8_t bytes[FRAME_MAX];
	struct frame f;
	size_t len;

	now += 1000000;
	switch (input_u8(in) % STEPS) {
	case STEP_HEARTBEATS:
		heartbeats(input_u8(in));
		break;
	case STEP_DATA:
		records(in);
		break;
	case STEP_BODY:
		body(in);
		break;
	case STEP_RAW:
		raw(in);
		break;
	case STEP_MUTATED:
		mutated(in);
		break;
	case STEP_AGAIN:
		again(in);
		break;
	case STEP_RESTART_B:
		start(&b, 2);
		break;
	case STEP_RESTART_A:
		restart_a();
		break;
	case STEP_REKEY:
		rekey(in);
		break;
	case STEP_TWIN:
		start(&twin, a.self);
		f = heartbeat_of(&twin);
		len = session_send(&twin, &f, bytes);
		expect(take(bytes, len) == SESSION_REFUSED);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .at = data, .left = size };
	uint8_t settings = input_u8(&in);
	struct frame f;
	uint8_t bytes[FRAME_MAX];

	random_begin();
	memset(kept, 0, sizeof(kept));
	sent = 0;
	now = 1000000000;
	nkeys = settings & 1 ? 0 : 1 + (settings >> 1 & 1);
	start(&a, 1);
	start(&b, 2);
	if (settings & 4)
		for (int i = 0; i < 3; i++)
			heartbeats(0);
	for (unsigned int steps = 0; in.left && steps < STEPS_MAX; steps++)
		step(&in);
	/* Whatever came in, what goes out is in order. */
	f = heartbeat_of(&a);
	expect(session_send(&a, &f, bytes));
	return 0;
}

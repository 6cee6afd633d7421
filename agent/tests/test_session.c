// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/session.h"

static const uint8_t keys[3][SEAL_KEY_BYTES] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } };

struct datagram {
	size_t	len;
	uint8_t	bytes[FRAME_MAX];
};

static struct session a, b, c;
static struct frame frame;
static enum session_drop drop;

/* Each start of a daemon has a higher number. */
static uint32_t starts = 1000;

static void start(struct session *s, uint8_t member)
{
	assert_int_equal(session_init(s, 7, member, ++starts, 0x7e, keys, 1), 0);
}

static struct datagram heartbeat(struct session *s)
{
	struct frame f = { .head.type = FRAME_HEARTBEAT };
	struct datagram d;

	f.heartbeat.interval_ms = 100;
	f.heartbeat.oldest_seq = 1;
	session_echo(s, &f.heartbeat);
	d.len = session_send(s, &f, d.bytes);
	assert_true(d.len > 0);
	return d;
}

static struct datagram data(struct session *s)
{
	struct frame f = { .head.type = FRAME_DATA };
	struct datagram d;

	f.data = (struct frame_data) { .seq = 1, .set = 2, .kind = FRAME_DATA_RECORDS,
				       .records = "0123456789ab", .len = 12 };
	d.len = session_send(s, &f, d.bytes);
	assert_true(d.len > 0);
	return d;
}

static enum session_verdict take_at(struct session *s, uint64_t now, const struct datagram *d)
{
	return session_receive(s, now, d->bytes, d->len, &frame, &drop);
}

static enum session_verdict take(struct session *s, struct datagram d)
{
	return take_at(s, 1000, &d);
}

#define assert_refused(verdict, why) do {			\
		assert_int_equal(verdict, SESSION_REFUSED);	\
		assert_int_equal(drop, why);			\
	} while (0)

/* a and b in session, by as many heartbeats as it takes. */
static void connect(struct session *x, struct session *y)
{
	for (int i = 0; i < 3; i++) {
		take(y, heartbeat(x));
		take(x, heartbeat(y));
	}
	assert_true(session_live(x, y->self));
	assert_true(session_live(y, x->self));
}

static int setup(void **state)
{
	(void)state;
	start(&a, 1);
	start(&b, 2);
	return 0;
}

static void test_establish(void **state)
{
	(void)state;
	/* b has heard nothing of a: it only proves that it exists. */
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_PRESENT);
	assert_refused(take(&a, data(&b)), SESSION_DROP_NO_SESSION);
	assert_false(session_live(&a, 2));
	/* a echoes b, b believes; b echoes a, a believes. */
	assert_int_equal(take(&b, heartbeat(&a)), SESSION_BEGUN);
	assert_int_equal(take(&b, data(&a)), SESSION_ACCEPTED);
	assert_int_equal(frame.data.len, 12);
	assert_memory_equal(frame.data.records, "0123456789ab", 12);
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_BEGUN);
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_ACCEPTED);
	assert_int_equal(take(&a, data(&b)), SESSION_ACCEPTED);
	assert_int_equal(a.peer[2].sessions, 1);
	assert_true(frame.head.sender == 2);
}

static void test_echo_tells_session(void **state)
{
	struct frame_heartbeat hb;

	(void)state;
	take(&a, heartbeat(&b));
	session_echo(&a, &hb);
	assert_int_equal(hb.peers, 1);
	assert_int_equal(hb.peer[0].member, 2);
	assert_int_equal(hb.peer[0].boot_id, b.boot_id);
	assert_int_equal(hb.peer[0].counter, b.counter);
	assert_int_equal(hb.peer[0].flags, 0);
	connect(&a, &b);
	session_echo(&a, &hb);
	assert_int_equal(hb.peer[0].flags, FRAME_PEER_SESSION);
}

static void test_replay(void **state)
{
	struct datagram d[8], extra;

	(void)state;
	connect(&a, &b);
	for (int i = 0; i < 8; i++)
		d[i] = data(&b);
	for (int i = 7; i >= 0; i--)
		assert_int_equal(take(&a, d[i]), SESSION_ACCEPTED);
	for (int i = 0; i < 8; i++)
		assert_refused(take(&a, d[i]), SESSION_DROP_REPLAY);
	extra = data(&b);
	for (int i = 0; i < REPLAY_BITS; i++)
		take(&a, data(&b));
	assert_refused(take(&a, extra), SESSION_DROP_REPLAY);
}

/* Whatever was recorded before a started proves nothing to a. */
static void test_recording_of_former_self(void **state)
{
	struct datagram hb, d;

	(void)state;
	connect(&a, &b);
	hb = heartbeat(&b);
	d = data(&b);
	start(&a, 1);
	/* The counter that the recording echoes is one that the new a has used. */
	for (int i = 0; i < 20; i++)
		heartbeat(&a);
	assert_int_equal(take(&a, hb), SESSION_PRESENT);
	assert_refused(take(&a, hb), SESSION_DROP_REPLAY);
	assert_refused(take(&a, d), SESSION_DROP_NO_SESSION);
	assert_false(session_live(&a, 2));
	/* b itself is believed as soon as it has heard the new a. */
	assert_int_equal(take(&b, heartbeat(&a)), SESSION_BEGUN);
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_BEGUN);
}

/* A recording of the former b echoes a's boot id; it must not end the session. */
static void test_recording_of_former_peer(void **state)
{
	struct datagram hb[4], unseen, d;

	(void)state;
	connect(&a, &b);
	for (int i = 0; i < 4; i++) {
		take(&b, heartbeat(&a));
		hb[i] = heartbeat(&b);
		assert_int_equal(take(&a, hb[i]), SESSION_ACCEPTED);
	}
	take(&b, heartbeat(&a));
	unseen = heartbeat(&b);		/* held back on the way */
	d = data(&b);

	start(&b, 2);
	connect(&a, &b);
	assert_int_equal(a.peer[2].sessions, 2);
	for (int i = 0; i < 4; i++)
		assert_int_not_equal(take(&a, hb[i]), SESSION_BEGUN);
	assert_int_not_equal(take(&a, unseen), SESSION_BEGUN);
	assert_refused(take(&a, d), SESSION_DROP_NO_SESSION);
	assert_int_equal(a.peer[2].boot_id, b.boot_id);
	assert_int_equal(a.peer[2].sessions, 2);
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_ACCEPTED);
	assert_int_equal(take(&b, heartbeat(&a)), SESSION_ACCEPTED);
}

static void test_restart_of_either(void **state)
{
	(void)state;
	connect(&a, &b);
	for (unsigned int i = 2; i < 10; i++) {
		struct session *who = i & 1 ? &a : &b;

		start(who, who->self);
		connect(&a, &b);
		assert_int_equal(who->peer[who == &a ? 2 : 1].sessions, 1);
	}
	/* Both at once. */
	start(&a, 1);
	start(&b, 2);
	connect(&a, &b);
}

#define LIVES	64
#define FLOOD	200	/* recordings for each heartbeat of the one that is there */

/* Heartbeats of as many former lives of a member as an attacker has recorded. */
static void record_lives(struct session *s, struct datagram *old)
{
	for (int i = 0; i < LIVES; i++) {
		start(s, s->self);
		old[i] = heartbeat(s);
	}
	start(s, s->self);
}

/* Both exchange heartbeats while recordings of the other come to each of them by the
 * hundred.  Return: heartbeats until both are in session.
 */
static int meet_in_flood(const struct datagram *old_a, const struct datagram *old_b)
{
	uint64_t now = 1;
	int i, j;

	for (i = 0; i < 20 && !(session_live(&a, 2) && session_live(&b, 1)); i++) {
		struct datagram hb;

		for (j = 0; j < FLOOD; j++) {
			take_at(&a, now++, &old_b[(i * FLOOD + j) % LIVES]);
			take_at(&b, now++, &old_a[(i * FLOOD + j) % LIVES]);
		}
		hb = heartbeat(&b);
		take_at(&a, now++, &hb);
		for (j = 0; j < FLOOD; j++)
			take_at(&a, now++, &old_b[(i * FLOOD + j) % LIVES]);
		hb = heartbeat(&a);
		take_at(&b, now++, &hb);
	}
	assert_int_equal(a.peer[2].boot_id, b.boot_id);
	assert_int_equal(b.peer[1].boot_id, a.boot_id);
	return i;
}

/* Whatever somebody has recorded of whomever, and however fast he sends it. */
static void test_flood_of_recordings(void **state)
{
	static struct datagram old_a[LIVES], old_b[LIVES];

	(void)state;
	record_lives(&a, old_a);
	record_lives(&b, old_b);
	assert_in_range(meet_in_flood(old_a, old_b), 1, 5);

	/* The owner is there, its backup is started again; then the other way round. */
	start(&b, 2);
	assert_in_range(meet_in_flood(old_a, old_b), 1, 5);
	start(&a, 1);
	assert_in_range(meet_in_flood(old_a, old_b), 1, 5);
	start(&a, 1);
	start(&b, 2);
	assert_in_range(meet_in_flood(old_a, old_b), 1, 5);
}

/* Of this member's own former lives: no reason to cry wolf, but a machine with its id. */
static void test_recordings_of_self(void **state)
{
	static struct datagram old[LIVES];
	struct session twin;

	(void)state;
	record_lives(&a, old);
	for (int i = 0; i < LIVES; i++)
		assert_refused(take(&a, old[i]), SESSION_DROP_FORMER);
	assert_int_equal(a.twin_start, 0);
	start(&twin, 1);
	assert_refused(take(&a, heartbeat(&twin)), SESSION_DROP_DUPLICATE);
	assert_int_equal(a.twin_start, session_start(&twin));
	session_wipe(&twin);
}

/* Started with a clock that went back: recordings are newer, and it still gets in. */
static void test_clock_went_back(void **state)
{
	static struct datagram old[LIVES];

	(void)state;
	record_lives(&b, old);
	assert_int_equal(session_init(&b, 7, 2, 5, 0x7e, keys, 1), 0);
	for (int i = 0; i < 12 && !session_live(&a, 2); i++) {
		take(&a, old[i % 4]);
		take(&a, heartbeat(&b));
		take(&b, heartbeat(&a));
	}
	assert_true(session_live(&a, 2));
	assert_int_equal(a.peer[2].boot_id, b.boot_id);
	/* It hears what it was, and can be more than that. */
	assert_refused(take(&b, old[7]), SESSION_DROP_DUPLICATE);
	session_renew(&b, b.twin_start + 1);
	assert_true(session_start(&b) > 5);
	assert_int_equal(b.counter, 0);
	assert_false(session_live(&b, 1));
	connect(&a, &b);
	assert_int_equal(a.peer[2].boot_id, b.boot_id);
}

/* A member of the old version speaks that alone. */
static struct datagram old_heartbeat(struct session *s)
{
	struct frame f = { .head = { .version = FRAME_VERSION_OLD, .type = FRAME_HEARTBEAT } };
	struct datagram d;

	f.heartbeat.interval_ms = 100;
	f.heartbeat.oldest_seq = 1;
	f.heartbeat.flags = FRAME_HEARTBEAT_HEALTHY;
	session_echo(s, &f.heartbeat);
	d.len = session_send(s, &f, d.bytes);
	assert_true(d.len > 0);
	assert_int_equal(d.bytes[2], FRAME_VERSION_OLD);
	return d;
}

static void test_old_version(void **state)
{
	(void)state;
	assert_int_equal(session_version(&a, 1000), FRAME_VERSION);
	assert_false(session_has_old(&a, 1000));
	assert_int_equal(take(&a, old_heartbeat(&b)), SESSION_PRESENT);
	assert_true(session_has_old(&a, 1000));
	assert_int_equal(take(&b, old_heartbeat(&a)), SESSION_BEGUN);
	assert_int_equal(take(&a, old_heartbeat(&b)), SESSION_BEGUN);
	assert_int_equal(frame.heartbeat.score, FRAME_SCORE_MAX);
	assert_int_equal(frame.heartbeat.peer[0].heard, UINT64_MAX);
	assert_true(session_live(&a, 2));
	assert_false(session_is_new(&a, 2));
	assert_int_equal(session_version(&a, 1000), FRAME_VERSION_OLD);
	/* It has gone: those that are left speak as they like. */
	assert_int_equal(session_version(&a, 2000 + SESSION_OLD_NS), FRAME_VERSION);
	assert_false(session_has_old(&a, 2000 + SESSION_OLD_NS));

	/* One that sends both, for others, is a new one. */
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_ACCEPTED);
	assert_int_equal(take(&a, old_heartbeat(&b)), SESSION_ACCEPTED);
	assert_true(session_is_new(&a, 2));
	assert_int_equal(session_version(&a, 1000), FRAME_VERSION);
	assert_false(session_has_old(&a, 1000));
}

/* Recordings of the old version, where a start has no number, are older than any new. */
static void test_old_recordings(void **state)
{
	struct datagram old[SESSION_CANDIDATES + 1];

	(void)state;
	for (int i = 0; i <= SESSION_CANDIDATES; i++) {
		assert_int_equal(session_init(&b, 7, 2, UINT32_MAX - (uint32_t)i, 0x7e, keys, 1),
				 0);
		old[i] = old_heartbeat(&b);
	}
	start(&b, 2);
	for (int i = 0; i < 3; i++) {
		take(&a, heartbeat(&b));
		for (int j = 0; j <= SESSION_CANDIDATES; j++)
			take(&a, old[j]);
		take(&b, heartbeat(&a));
	}
	take(&a, heartbeat(&b));
	assert_int_equal(a.peer[2].boot_id, b.boot_id);
	assert_true(session_live(&b, 1));
}

/* Memory that comes again, as a snapshot brings it: the same counter, another nonce. */
static void test_memory_comes_again(void **state)
{
	static struct session copy;
	struct datagram d, e;

	(void)state;
	copy = a;
	d = heartbeat(&a);
	e = heartbeat(&copy);
	assert_int_equal(d.len, e.len);
	assert_memory_equal(d.bytes, e.bytes, FRAME_HEAD_BYTES_OLD);
	assert_memory_not_equal(d.bytes + FRAME_HEAD_BYTES_OLD, e.bytes + FRAME_HEAD_BYTES_OLD,
				FRAME_SALT_BYTES);
	assert_memory_not_equal(d.bytes + FRAME_HEAD_BYTES, e.bytes + FRAME_HEAD_BYTES, 16);
}

static bool echoes(uint64_t boot_id)
{
	for (int i = 0; i < 2 * SESSION_CANDIDATES; i++) {
		struct frame_heartbeat hb;

		session_echo(&a, &hb);
		if (hb.peers == 1 && hb.peer[0].boot_id == boot_id)
			return true;
	}
	return false;
}

/* Each in its turn; of the older ones the one silent for longest makes room. */
static void test_candidates(void **state)
{
	uint64_t boot_id[SESSION_CANDIDATES + 1], now = 1;
	struct datagram hb, again;

	(void)state;
	for (int i = 0; i < SESSION_CANDIDATES; i++) {
		start(&b, 2);
		boot_id[i] = b.boot_id;
		hb = heartbeat(&b);
		if (i == 0)
			again = heartbeat(&b);
		assert_int_equal(take_at(&a, now++, &hb), SESSION_PRESENT);
		for (int j = 0; j <= i; j++)
			assert_true(echoes(boot_id[j]));
	}
	assert_int_equal(take_at(&a, now++, &again), SESSION_PRESENT);
	start(&b, 2);
	hb = heartbeat(&b);
	assert_int_equal(take_at(&a, now++, &hb), SESSION_PRESENT);
	assert_true(echoes(b.boot_id));
	assert_true(echoes(boot_id[0]));
	assert_false(echoes(boot_id[1]));
	assert_true(echoes(boot_id[2]));
	assert_true(session_present(&a, now, 2));
	assert_false(session_present(&a, now + 5, 2));
}

static void test_peer_entry_of_the_future(void **state)
{
	struct frame f = { .head.type = FRAME_HEARTBEAT };
	struct datagram d;

	(void)state;
	/* An echo of a counter that a has not reached is no proof. */
	take(&b, heartbeat(&a));
	f.heartbeat = (struct frame_heartbeat) { .interval_ms = 1, .oldest_seq = 1, .peers = 1 };
	f.heartbeat.peer[0] = (struct frame_peer) { .member = 1, .boot_id = a.boot_id,
						    .counter = a.counter + 1 };
	d.len = session_send(&b, &f, d.bytes);
	assert_int_equal(take(&a, d), SESSION_PRESENT);
}

static void test_mutated(void **state)
{
	struct datagram good[2];

	(void)state;
	connect(&a, &b);
	good[0] = heartbeat(&b);
	good[1] = data(&b);
	for (int n = 0; n < 2; n++) {
		for (size_t bit = 0; bit < good[n].len * 8; bit++) {
			struct datagram d = good[n];

			d.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(take(&a, d), SESSION_REFUSED);
		}
		for (size_t len = 0; len < good[n].len; len++) {
			uint8_t *exact = malloc(len ? len : 1);

			assert_non_null(exact);
			memcpy(exact, good[n].bytes, len);
			assert_int_equal(session_receive(&a, 1, exact, len, &frame, &drop),
					 SESSION_REFUSED);
			free(exact);
		}
		assert_int_equal(take(&a, good[n]), SESSION_ACCEPTED);
	}
	assert_true(a.dropped[SESSION_DROP_TAG] && a.dropped[SESSION_DROP_SHORT] &&
		    a.dropped[SESSION_DROP_MAGIC] && a.dropped[SESSION_DROP_VERSION] &&
		    a.dropped[SESSION_DROP_GROUP] && a.dropped[SESSION_DROP_MEMBER] &&
		    a.dropped[SESSION_DROP_HEAD] && a.dropped[SESSION_DROP_KEY]);
	assert_int_equal(a.dropped[SESSION_DROP_BODY], 0);
}

static void test_strangers(void **state)
{
	struct datagram d;

	(void)state;
	connect(&a, &b);
	assert_int_equal(session_init(&c, 8, 2, ++starts, 0x7e, keys, 1), 0);
	assert_refused(take(&a, heartbeat(&c)), SESSION_DROP_GROUP);
	assert_int_equal(session_init(&c, 7, 9, ++starts, 1 << 9, keys, 1), 0);
	assert_refused(take(&a, heartbeat(&c)), SESSION_DROP_MEMBER);
	assert_int_equal(session_init(&c, 7, 3, ++starts, 0x7e, keys + 1, 1), 0);
	assert_refused(take(&a, heartbeat(&c)), SESSION_DROP_KEY);
	assert_int_equal(session_init(&c, 7, 3, ++starts, 0x7e, NULL, 0), 0);
	assert_refused(take(&a, heartbeat(&c)), SESSION_DROP_MODE);
	assert_refused(take(&c, heartbeat(&a)), SESSION_DROP_MODE);
	/* The own datagram, back from the switch. */
	d = heartbeat(&a);
	assert_refused(take(&a, d), SESSION_DROP_OWN);
	/* Another machine with the same id: only if it has the key. */
	start(&c, 1);
	d = heartbeat(&c);
	assert_refused(take(&a, d), SESSION_DROP_DUPLICATE);
	d.bytes[d.len - 1] ^= 1;
	assert_refused(take(&a, d), SESSION_DROP_TAG);
	assert_int_equal(take(&a, heartbeat(&b)), SESSION_ACCEPTED);
}

/* Authentic and malformed: a newer version that kept the number, or a bug. */
static void test_malformed_inside(void **state)
{
	struct frame_head head;
	struct datagram d;

	(void)state;
	connect(&a, &b);
	head = (struct frame_head) { .version = FRAME_VERSION, .type = FRAME_ACK, .sealed = true,
		.group = 7, .sender = 2,
				     .key_id = b.seal.key_id[0], .boot_id = b.boot_id,
				     .counter = ++b.counter };
	frame_encode_head(&head, d.bytes);
	memset(d.bytes + FRAME_HEAD_BYTES, 0, 5);
	d.len = seal_close(&b.seal, &b.subkeys, &head, d.bytes, 5);
	assert_refused(take(&a, d), SESSION_DROP_BODY);
}

static void test_auth_none(void **state)
{
	struct datagram d;

	(void)state;
	assert_int_equal(session_init(&a, 7, 1, ++starts, 0x7e, NULL, 0), 0);
	assert_int_equal(session_init(&b, 7, 2, ++starts, 0x7e, NULL, 0), 0);
	connect(&a, &b);
	d = data(&b);
	for (size_t len = 0; len < d.len; len++)
		assert_int_equal(session_receive(&a, 1, d.bytes, len, &frame, &drop),
				 SESSION_REFUSED);
	/* Cut ones were counted as seen; a new one passes. */
	assert_int_equal(take(&a, data(&b)), SESSION_ACCEPTED);
	assert_refused(take(&a, d), SESSION_DROP_REPLAY);
}

/* Member by member, never out of session: old, old+new, new+old, new. */
static void test_rollover(void **state)
{
	uint8_t both[2][SEAL_KEY_BYTES], swapped[2][SEAL_KEY_BYTES];
	const struct { const uint8_t (*key)[SEAL_KEY_BYTES]; unsigned int keys; } stage[] = {
		{ (const uint8_t (*)[SEAL_KEY_BYTES])both, 2 },
		{ (const uint8_t (*)[SEAL_KEY_BYTES])swapped, 2 },
		{ keys + 1, 1 },
	};

	(void)state;
	memcpy(both[0], keys[0], SEAL_KEY_BYTES);
	memcpy(both[1], keys[1], SEAL_KEY_BYTES);
	memcpy(swapped[0], keys[1], SEAL_KEY_BYTES);
	memcpy(swapped[1], keys[0], SEAL_KEY_BYTES);
	connect(&a, &b);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(session_rekey(&a, stage[i].key, stage[i].keys), 0);
		assert_int_equal(take(&a, data(&b)), SESSION_ACCEPTED);
		assert_int_equal(take(&b, data(&a)), SESSION_ACCEPTED);
		assert_int_equal(session_rekey(&b, stage[i].key, stage[i].keys), 0);
		assert_int_equal(take(&a, data(&b)), SESSION_ACCEPTED);
		assert_int_equal(take(&b, data(&a)), SESSION_ACCEPTED);
	}
	/* The old key is out. */
	start(&c, 3);
	assert_refused(take(&a, heartbeat(&c)), SESSION_DROP_KEY);
	assert_int_equal(session_rekey(&a, NULL, 0), -EINVAL);
	assert_int_equal(take(&a, data(&b)), SESSION_ACCEPTED);
}

/* 62 peers do not fit one heartbeat: in turn, each is named. */
static void test_full_group(void **state)
{
	uint64_t named = 0;

	(void)state;
	assert_int_equal(session_init(&a, 7, 1, ++starts, ~1ULL, keys, 1), 0);
	for (uint8_t member = 2; member <= 63; member++) {
		assert_int_equal(session_init(&b, 7, member, ++starts, ~1ULL, keys, 1), 0);
		assert_int_equal(take(&a, heartbeat(&b)), SESSION_PRESENT);
	}
	for (int i = 0; i < 2; i++) {
		struct frame_heartbeat hb;

		session_echo(&a, &hb);
		assert_true(hb.peers <= FRAME_PEERS_MAX);
		for (unsigned int p = 0; p < hb.peers; p++)
			named |= 1ULL << hb.peer[p].member;
	}
	assert_true(named == (~1ULL & ~2ULL));
}

static void test_streams(void **state)
{
	struct frame_stream stream;

	(void)state;
	stream = session_stream(&a, 1);
	assert_true(session_is_own(&a, &stream));
	stream.boot_id ^= 1;
	assert_false(session_is_own(&a, &stream));
	assert_int_equal(session_stream(&a, 2).boot_id, 0);
	connect(&a, &b);
	assert_int_equal(session_stream(&a, 2).boot_id, b.boot_id);
}

static void test_bad_arguments(void **state)
{
	struct frame f = { .head.type = FRAME_GONE };
	uint8_t buf[FRAME_MAX];
	uint64_t counter;

	(void)state;
	assert_int_equal(session_init(&c, 7, 0, ++starts, 0x7e, keys, 1), -EINVAL);
	assert_int_equal(session_init(&c, 7, 64, ++starts, 0x7e, keys, 1), -EINVAL);
	assert_int_equal(session_init(&c, 7, 9, ++starts, 0x7e, keys, 1), -EINVAL);
	assert_int_equal(session_init(&c, 7, 1, ++starts, 0x7f, keys, 1), -EINVAL);
	assert_int_equal(session_init(&c, 0, 1, ++starts, 0x7e, keys, 1), -EINVAL);
	/* A frame that may not be sent costs no counter. */
	counter = a.counter;
	assert_int_equal(session_send(&a, &f, buf), 0);
	assert_int_equal(a.counter, counter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_establish, setup),
		cmocka_unit_test_setup(test_echo_tells_session, setup),
		cmocka_unit_test_setup(test_replay, setup),
		cmocka_unit_test_setup(test_recording_of_former_self, setup),
		cmocka_unit_test_setup(test_recording_of_former_peer, setup),
		cmocka_unit_test_setup(test_restart_of_either, setup),
		cmocka_unit_test_setup(test_flood_of_recordings, setup),
		cmocka_unit_test_setup(test_recordings_of_self, setup),
		cmocka_unit_test_setup(test_clock_went_back, setup),
		cmocka_unit_test_setup(test_old_version, setup),
		cmocka_unit_test_setup(test_old_recordings, setup),
		cmocka_unit_test_setup(test_memory_comes_again, setup),
		cmocka_unit_test_setup(test_candidates, setup),
		cmocka_unit_test_setup(test_peer_entry_of_the_future, setup),
		cmocka_unit_test_setup(test_mutated, setup),
		cmocka_unit_test_setup(test_strangers, setup),
		cmocka_unit_test_setup(test_malformed_inside, setup),
		cmocka_unit_test_setup(test_auth_none, setup),
		cmocka_unit_test_setup(test_rollover, setup),
		cmocka_unit_test_setup(test_full_group, setup),
		cmocka_unit_test_setup(test_streams, setup),
		cmocka_unit_test_setup(test_bad_arguments, setup),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* A million datagrams of somebody who has recordings and no key, straight into
 * session_receive(); between them the members go on talking.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "wire/session.h"

#define DATAGRAMS	1000000		/* ATTACK_DATAGRAMS changes it */
#define TALK_EVERY	64		/* attacks between two datagrams of a member */
#define KINDS		12
#define GROUP		7
#define MEMBERS		0x0e		/* 1, 2, 3 */

struct datagram {
	size_t	len;
	uint8_t	bytes[FRAME_MAX];
};

/* What was recorded: of whom, and when. */
enum {
	OF_PEER,		/* the session that is on, after what it has heard */
	OF_SELF,		/* the victim's own */
	OF_FORMER_PEER,		/* before the peer started anew; names the victim's boot id */
	OF_FORMER_SELF,		/* before the victim started anew */
	OF_PEER_TO_FORMER,	/* the peer to the victim's former life */
	OF_GROUP,		/* another group, the same key */
	OF_STRANGER,		/* this group, another key */
	RECORDED
};

#define EACH 64

static const uint8_t keys[2][SEAL_KEY_BYTES] = { { 1, 2, 3 }, { 4, 5, 6 } };
static struct datagram tape[RECORDED][EACH];
static struct session self, peer;
static uint8_t *slot[TALK_EVERY];	/* of FRAME_MAX bytes */
static uint64_t rng = 1, seq;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * 0x2545f4914f6cdd1dULL;
}

static void fill(uint8_t *at, size_t len)
{
	uint64_t r;

	for (; len >= 8; len -= 8, at += 8) {
		r = rnd();
		memcpy(at, &r, 8);
	}
	r = rnd();
	memcpy(at, &r, len);
}

static void start(struct session *s, uint8_t group, uint8_t member, unsigned int key)
{
	static uint32_t starts;

	assert_int_equal(session_init(s, group, member, ++starts, MEMBERS, keys + key, 1), 0);
}

static struct datagram speak(struct session *s, enum frame_type type)
{
	static uint8_t records[1300];
	struct frame f = { .head.type = type };
	struct datagram d;

	if (type == FRAME_HEARTBEAT) {
		f.heartbeat.interval_ms = 100;
		f.heartbeat.oldest_seq = 1;
		session_echo(s, &f.heartbeat);
	} else {
		fill(records, sizeof(records));
		f.data = (struct frame_data) {
			.seq = ++seq, .set = 2, .kind = FRAME_DATA_RECORDS,
			.records = records, .len = 1 + rnd() % sizeof(records),
		};
	}
	d.len = session_send(s, &f, d.bytes);
	assert_true(d.len > 0);
	return d;
}

static enum session_verdict hear(struct session *s, const struct datagram *d)
{
	static struct frame frame;
	enum session_drop drop;

	return session_receive(s, 1, d->bytes, d->len, &frame, &drop);
}

static void tape_it(unsigned int of, struct session *s)
{
	for (unsigned int i = 0; i < EACH; i++)
		tape[of][i] = speak(s, i % 4 ? FRAME_DATA : FRAME_HEARTBEAT);
}

static void connect(void)
{
	for (int i = 0; i < 3; i++) {
		struct datagram d = speak(&self, FRAME_HEARTBEAT);

		hear(&peer, &d);
		d = speak(&peer, FRAME_HEARTBEAT);
		hear(&self, &d);
	}
	assert_true(session_live(&self, 2));
	assert_true(session_live(&peer, 1));
}

static void record_all(void)
{
	static struct session other;

	start(&self, GROUP, 1, 0);
	start(&peer, GROUP, 2, 0);
	connect();
	tape_it(OF_FORMER_SELF, &self);
	tape_it(OF_PEER_TO_FORMER, &peer);
	start(&self, GROUP, 1, 0);
	connect();
	tape_it(OF_FORMER_PEER, &peer);
	start(&peer, GROUP, 2, 0);
	connect();
	tape_it(OF_SELF, &self);
	tape_it(OF_PEER, &peer);
	/* Heard by the victim: what is sent again of these is a replay. */
	for (unsigned int i = 0; i < EACH; i++)
		assert_int_equal(hear(&self, &tape[OF_PEER][i]), SESSION_ACCEPTED);
	start(&other, GROUP + 1, 2, 0);
	tape_it(OF_GROUP, &other);
	start(&other, GROUP, 2, 1);
	tape_it(OF_STRANGER, &other);
}

static const char *const kind_name[KINDS] = {
	"random", "random behind a magic", "forged, live boot id", "forged, new boot id",
	"forged, 8 KiB", "bits flipped", "truncated", "extended", "spliced", "replayed",
	"recordings of before", "another group or key",
};

static size_t forge(uint8_t *d, const struct datagram *r, size_t len)
{
	if (len > r->len)
		fill(d + r->len, len - r->len);
	fill(d + FRAME_HEAD_BYTES, len - FRAME_HEAD_BYTES);
	d[22] = (uint8_t)rnd();		/* the counter: ahead of the window, or in it */
	d[23] = (uint8_t)rnd();
	return len;
}

/* One datagram of this kind; returns its length. */
static size_t make(unsigned int kind, uint8_t *d)
{
	const struct datagram *r = &tape[rnd() % RECORDED][rnd() % EACH], *other;
	size_t len = r->len;

	if (kind == 2 || kind == 4)
		r = &tape[OF_PEER][rnd() % EACH];
	memcpy(d, r->bytes, r->len);
	switch (kind) {
	case 0:
		len = rnd() % 1500;
		fill(d, len);
		break;
	case 1:
		len = 3 + rnd() % 1500;
		fill(d + 3, len - 3);
		break;
	case 2:
		len = forge(d, r, FRAME_HEAD_BYTES + rnd() % 1400);
		break;
	case 3:
		len = forge(d, r, FRAME_HEAD_BYTES + rnd() % 1400);
		fill(d + 8, 8);
		break;
	case 4:
		len = forge(d, r, FRAME_MAX);
		break;
	case 5:
		for (uint64_t n = 1 + rnd() % 8; n; n--)
			d[rnd() % len] ^= (uint8_t)(1 << rnd() % 8);
		break;
	case 6:
		len = rnd() % len;
		break;
	case 7:
		len += 1 + rnd() % 64;
		fill(d + r->len, len - r->len);
		break;
	case 8:
		other = &tape[rnd() % RECORDED][rnd() % EACH];
		len = other->len;
		memcpy(d + FRAME_HEAD_BYTES, other->bytes + FRAME_HEAD_BYTES,
		       len - FRAME_HEAD_BYTES);
		break;
	case 9:
		r = &tape[rnd() % 2 ? OF_PEER : OF_SELF][rnd() % EACH];
		len = r->len;
		memcpy(d, r->bytes, len);
		break;
	case 10:
		r = &tape[OF_FORMER_PEER + rnd() % 3][rnd() % EACH];
		len = r->len;
		memcpy(d, r->bytes, len);
		break;
	case 11:
		r = &tape[rnd() % 2 ? OF_GROUP : OF_STRANGER][rnd() % EACH];
		len = r->len;
		memcpy(d, r->bytes, len);
		if (rnd() % 2)
			d[4] = GROUP;
		break;
	}
	return len;
}

/* All that decides who is believed; candidates are hearsay and may change. */
struct belief {
	bool			live;
	uint64_t		boot_id, floor, sessions, heard_ns;
	struct replay		replay;
	struct seal_subkeys	subkeys;
};

static struct belief belief_of(uint8_t member)
{
	const struct session_peer *p = &self.peer[member];
	struct belief belief;

	memset(&belief, 0, sizeof(belief));
	belief.live = p->live;
	belief.boot_id = p->boot_id;
	belief.floor = p->floor;
	belief.sessions = p->sessions;
	belief.heard_ns = p->heard_ns;
	belief.replay = p->replay;
	belief.subkeys = p->subkeys;
	return belief;
}

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t refused(void)
{
	uint64_t sum = self.present;

	for (unsigned int i = 0; i < __SESSION_DROP_MAX; i++)
		sum += self.dropped[i];
	return sum;
}

/* The members go on: each frame is heard once, and recorded: the replay window is
 * never far from what is on tape.
 */
static void talk(void)
{
	static unsigned int recent;
	struct datagram d = speak(&peer, rnd() % 8 ? FRAME_DATA : FRAME_HEARTBEAT);

	assert_int_equal(hear(&self, &d), SESSION_ACCEPTED);
	tape[OF_PEER][recent++ % EACH] = d;
	d = speak(&self, FRAME_HEARTBEAT);
	assert_int_equal(hear(&peer, &d), SESSION_ACCEPTED);
}

/* @n datagrams, then what the victim makes of them.  Each ends where its memory
 * ends: a read beyond it is seen.  Returns the CPU time of the second part.
 */
static double volley(unsigned int kind, unsigned int n)
{
	static uint8_t made[2 * FRAME_MAX];
	static struct frame frame;
	size_t len[TALK_EVERY];
	enum session_verdict verdict;
	enum session_drop drop;
	double began;

	for (unsigned int i = 0; i < n; i++) {
		len[i] = make(kind, made);
		if (len[i] > FRAME_MAX)
			len[i] = FRAME_MAX;
		memcpy(slot[i] + FRAME_MAX - len[i], made, len[i]);
	}
	began = cpu_ns();
	for (unsigned int i = 0; i < n; i++) {
		verdict = session_receive(&self, 2, slot[i] + FRAME_MAX - len[i], len[i], &frame,
					  &drop);
		assert_true(verdict == SESSION_REFUSED || verdict == SESSION_PRESENT);
	}
	return cpu_ns() - began;
}

static void attack(unsigned int kind, unsigned int count)
{
	struct belief before[3], after[3];
	double spent = 0;

	for (unsigned int n, left = count; left; left -= n) {
		n = left < TALK_EVERY ? left : TALK_EVERY;
		for (uint8_t member = 1; member <= 3; member++)
			before[member - 1] = belief_of(member);
		spent += volley(kind, n);
		for (uint8_t member = 1; member <= 3; member++)
			after[member - 1] = belief_of(member);
		assert_memory_equal(before, after, sizeof(before));
		talk();
	}
	printf("# %-24s %7u datagrams, %6.0f ns each\n", kind_name[kind], count, spent / count);
}

static void test_attack(void **state)
{
	const char *wanted = getenv("ATTACK_DATAGRAMS"), *seed = getenv("SEED");
	unsigned int total = wanted ? (unsigned int)strtoul(wanted, NULL, 0) : DATAGRAMS;
	unsigned int each = (total + KINDS - 1) / KINDS;
	uint64_t was, accepted;

	(void)state;
	if (seed)
		rng = strtoull(seed, NULL, 0) | 1;
	for (unsigned int i = 0; i < TALK_EVERY; i++) {
		slot[i] = malloc(FRAME_MAX);
		assert_non_null(slot[i]);
	}
	record_all();
	was = refused();
	accepted = self.accepted;
	for (unsigned int kind = 0; kind < KINDS; kind++)
		attack(kind, each);
	/* Every one has been counted, and nothing but the members' own was accepted. */
	assert_int_equal(refused() - was, KINDS * each);
	assert_int_equal(self.accepted - accepted,
			 KINDS * ((each + TALK_EVERY - 1) / TALK_EVERY));
	assert_int_equal(self.peer[2].sessions, 2);
	assert_int_equal(self.peer[3].sessions, 0);
	for (unsigned int i = 0; i < __SESSION_DROP_MAX; i++)
		printf("# %-12s %8llu\n", session_drop_name(i),
		       (unsigned long long)self.dropped[i]);
	printf("# %-12s %8llu\n", "present", (unsigned long long)self.present);
	assert_int_equal(self.dropped[SESSION_DROP_BODY], 0);
	for (unsigned int i = 0; i < TALK_EVERY; i++)
		free(slot[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attack),
	};

	return cmocka_run_group_tests_name("attack", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* Sessions with the peers: datagrams in, believable frames out. */
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "wire/session.h"

static bool configured(const struct session *session, uint8_t member)
{
	return member <= GWSYNC_MEMBER_MAX && session->members & 1ULL << member;
}

static uint32_t start_of(uint64_t boot_id)
{
	return (uint32_t)(boot_id >> 32);
}

int session_init(struct session *session, uint8_t group, uint8_t self, uint32_t start,
		 uint64_t members, const uint8_t (*key)[SEAL_KEY_BYTES], unsigned int keys)
{
	int err;

	if (!self || self > GWSYNC_MEMBER_MAX || members & 1 || !(members & 1ULL << self) ||
	    !start)
		return -EINVAL;

	memset(session, 0, sizeof(*session));
	err = seal_init(&session->seal, group, key, keys);
	if (err)
		return err;
	session->group = group;
	session->self = self;
	session->members = members;
	session_renew(session, start);
	return 0;
}

void session_renew(struct session *session, uint32_t start)
{
	uint32_t random;

	for (uint8_t member = 1; member <= GWSYNC_MEMBER_MAX; member++) {
		uint64_t sessions = session->peer[member].sessions;

		sodium_memzero(&session->peer[member], sizeof(session->peer[member]));
		session->peer[member].sessions = sessions;
	}
	seal_random(&random, sizeof(random));
	session->boot_id = (uint64_t)start << 32 | random;
	session->counter = 0;
	seal_derive(&session->seal, session->self, session->boot_id, &session->subkeys);
}

uint32_t session_start(const struct session *session)
{
	return start_of(session->boot_id);
}

void session_wipe(struct session *session)
{
	sodium_memzero(session, sizeof(*session));
}

int session_rekey(struct session *session, const uint8_t (*key)[SEAL_KEY_BYTES],
		  unsigned int keys)
{
	struct seal seal;
	int err;

	if (!keys != !session->seal.keys)
		return -EINVAL;
	err = seal_init(&seal, session->group, key, keys);
	if (err)
		return err;
	session->seal = seal;
	seal_wipe(&seal);

	seal_derive(&session->seal, session->self, session->boot_id, &session->subkeys);
	for (uint8_t member = 1; member <= GWSYNC_MEMBER_MAX; member++) {
		struct session_peer *peer = &session->peer[member];

		if (peer->live)
			seal_derive(&session->seal, member, peer->boot_id, &peer->subkeys);
		for (unsigned int i = 0; i < SESSION_CANDIDATES; i++)
			if (peer->candidate[i].counter)
				seal_derive(&session->seal, member, peer->candidate[i].boot_id,
					    &peer->candidate[i].subkeys);
	}
	return 0;
}

void session_expected(struct session *session, enum session_drop drop)
{
	session->dropped[drop]--;
}

size_t session_send(struct session *session, struct frame *frame, uint8_t *buf)
{
	size_t body;

	if (!frame->head.version)
		frame->head.version = FRAME_VERSION;
	frame->head.sealed = session->seal.keys > 0;
	frame->head.group = session->group;
	frame->head.sender = session->self;
	frame->head.key_id = session->seal.key_id[0];
	frame->head.boot_id = session->boot_id;
	frame->head.counter = session->counter + 1;
	seal_salt(frame->head.salt);

	body = frame_encode_body(frame, buf + frame_head_bytes(&frame->head),
				 FRAME_MAX - FRAME_HEAD_BYTES - FRAME_TAG_BYTES);
	if (!body)
		return 0;
	frame_encode_head(&frame->head, buf);
	session->counter++;
	session->sent++;
	return seal_close(&session->seal, &session->subkeys, &frame->head, buf, body);
}

static enum session_verdict refuse(struct session *session, enum session_drop why,
				   enum session_drop *drop)
{
	session->dropped[why]++;
	*drop = why;
	return SESSION_REFUSED;
}

static enum session_drop drop_of_frame(enum frame_error err)
{
	switch (err) {
	case FRAME_ERROR_SHORT:
		return SESSION_DROP_SHORT;
	case FRAME_ERROR_MAGIC:
		return SESSION_DROP_MAGIC;
	case FRAME_ERROR_VERSION:
		return SESSION_DROP_VERSION;
	case FRAME_ERROR_BODY:
		return SESSION_DROP_BODY;
	default:
		return SESSION_DROP_HEAD;
	}
}

static enum session_drop drop_of_seal(enum seal_error err)
{
	switch (err) {
	case SEAL_ERROR_MODE:
		return SESSION_DROP_MODE;
	case SEAL_ERROR_KEY:
		return SESSION_DROP_KEY;
	default:
		return SESSION_DROP_TAG;
	}
}

static struct session_candidate *find_candidate(struct session_peer *peer, uint64_t boot_id)
{
	for (unsigned int i = 0; i < SESSION_CANDIDATES; i++)
		if (peer->candidate[i].counter && peer->candidate[i].boot_id == boot_id)
			return &peer->candidate[i];
	return NULL;
}

/* Is this the newer start?  A daemon of the old version has random bits where the
 * number of its start would be: it is older than any other.
 */
static bool newer_start(uint64_t boot_id, uint8_t version,
			const struct session_candidate *than)
{
	if (version != than->version)
		return version > than->version;
	return start_of(boot_id) > start_of(than->boot_id);
}

/* A place for a boot id that is new: that of the newest start if it is newer, and
 * else one of the others, whose members may have a clock that went back.  A flood
 * of recordings takes those, and only those.
 */
static struct session_candidate *take_candidate(struct session_peer *peer,
						const struct frame_head *head)
{
	struct session_candidate *first = &peer->candidate[0], *oldest = first + 1;

	if (!first->counter)
		return first;
	for (unsigned int i = 1; i < SESSION_CANDIDATES; i++)
		if (!peer->candidate[i].counter ||
		    (oldest->counter && peer->candidate[i].heard_ns < oldest->heard_ns))
			oldest = &peer->candidate[i];
	if (!newer_start(head->boot_id, head->version, first))
		return oldest;
	*oldest = *first;
	return first;
}

/* It has spoken the present version for the first time. */
static void raise_candidate(struct session_peer *peer, struct session_candidate *candidate,
			    uint8_t version)
{
	struct session_candidate first = peer->candidate[0];

	if (candidate->version >= version)
		return;
	candidate->version = version;
	if (candidate == &peer->candidate[0] ||
	    !newer_start(candidate->boot_id, version, &first))
		return;
	peer->candidate[0] = *candidate;
	*candidate = first;
}

/* Does this heartbeat prove that it was made now?
 *
 * It must name the boot id of this daemon: no recording from before this
 * daemon's start does.  And it must have heard a datagram that was sent after
 * the present session with this member began: no recording of an earlier
 * session of the same member has.
 */
static bool proves_now(const struct session *session, const struct session_peer *peer,
		       const struct frame_heartbeat *hb)
{
	for (unsigned int i = 0; i < hb->peers; i++)
		if (hb->peer[i].member == session->self)
			return hb->peer[i].boot_id == session->boot_id &&
			       hb->peer[i].counter > peer->floor &&
			       hb->peer[i].counter <= session->counter;
	return false;
}

static void begin(struct session *session, struct session_peer *peer,
		  const struct frame_head *head, const struct seal_subkeys *subkeys)
{
	struct session_candidate *candidate = find_candidate(peer, head->boot_id);

	peer->live = true;
	peer->version = head->version;
	peer->boot_id = head->boot_id;
	peer->subkeys = *subkeys;
	peer->floor = session->counter;
	peer->sessions++;
	/* What came before this heartbeat was not believed and never will be. */
	replay_init(&peer->replay, head->counter);
	if (candidate)
		sodium_memzero(candidate, sizeof(*candidate));
}

/* Under the own id, with the right tag.  What started before this daemon is most
 * likely a recording of a former life of it, which anybody can send; a machine that
 * has this id by mistake is told of it by the one that was there first.
 */
static enum session_drop drop_of_twin(struct session *session, const struct frame_head *head)
{
	uint32_t start = start_of(head->boot_id);

	if (head->version == FRAME_VERSION_OLD)
		return SESSION_DROP_DUPLICATE;
	if (start < session_start(session))
		return SESSION_DROP_FORMER;
	if (start > session->twin_start)
		session->twin_start = start;
	return SESSION_DROP_DUPLICATE;
}

/* A member that has spoken the old version, and never more in this life. */
static void note_old(struct session_peer *peer, uint64_t now, const struct frame_head *head,
		     uint8_t known)
{
	if (head->version == FRAME_VERSION_OLD && known <= FRAME_VERSION_OLD)
		peer->old_ns = now;
}

enum session_verdict session_receive(struct session *session, uint64_t now,
				     const uint8_t *datagram, size_t len,
				     struct frame *frame, enum session_drop *drop)
{
	struct session_candidate *candidate = NULL;
	struct frame_head *head = &frame->head;
	struct seal_subkeys derived;
	const struct seal_subkeys *subkeys = &derived;
	struct session_peer *peer;
	enum frame_error frame_err;
	enum seal_error seal_err;
	size_t body_len;
	bool live;

	frame_err = frame_decode_head(datagram, len, head);
	if (frame_err != FRAME_OK)
		return refuse(session, drop_of_frame(frame_err), drop);
	if (head->group != session->group)
		return refuse(session, SESSION_DROP_GROUP, drop);
	if (!configured(session, head->sender))
		return refuse(session, SESSION_DROP_MEMBER, drop);
	if (head->sender == session->self && head->boot_id == session->boot_id)
		return refuse(session, SESSION_DROP_OWN, drop);
	seal_err = seal_check(&session->seal, head);
	if (seal_err != SEAL_OK)
		return refuse(session, drop_of_seal(seal_err), drop);

	peer = &session->peer[head->sender];
	live = peer->live && peer->boot_id == head->boot_id;
	if (!live)
		candidate = find_candidate(peer, head->boot_id);
	if (live)
		subkeys = &peer->subkeys;
	else if (candidate)
		subkeys = &candidate->subkeys;
	else
		seal_derive(&session->seal, head->sender, head->boot_id, &derived);

	seal_err = seal_open(&session->seal, subkeys, head, datagram, len, session->body,
			     &body_len);
	if (seal_err != SEAL_OK)
		return refuse(session, drop_of_seal(seal_err), drop);
	if (head->sender == session->self)
		return refuse(session, drop_of_twin(session, head), drop);
	if (live ? !replay_accept(&peer->replay, head->counter) :
		   candidate && head->counter <= candidate->counter)
		return refuse(session, SESSION_DROP_REPLAY, drop);
	if (frame_decode_body(session->body, body_len, frame) != FRAME_OK)
		return refuse(session, SESSION_DROP_BODY, drop);

	note_old(peer, now, head, live ? peer->version : candidate ? candidate->version : 0);
	if (live) {
		peer->heard_ns = now;
		if (peer->version < head->version)
			peer->version = head->version;
		session->accepted++;
		return SESSION_ACCEPTED;
	}
	if (head->type != FRAME_HEARTBEAT)
		return refuse(session, SESSION_DROP_NO_SESSION, drop);

	if (proves_now(session, peer, &frame->heartbeat)) {
		begin(session, peer, head, subkeys);
		peer->heard_ns = now;
		session->accepted++;
		return SESSION_BEGUN;
	}

	if (!candidate) {
		candidate = take_candidate(peer, head);
		candidate->boot_id = head->boot_id;
		candidate->subkeys = derived;
		candidate->version = head->version;
	}
	candidate->counter = head->counter;
	candidate->heard_ns = now;
	raise_candidate(peer, candidate, head->version);
	session->present++;
	return SESSION_PRESENT;
}

/* Echo the session; only a member without one needs to echo a boot id that it
 * does not believe yet, and of two that want a session one has just started
 * and has none.
 */
static bool echo_of(struct session_peer *peer, struct frame_peer *entry)
{
	if (peer->live) {
		entry->flags = FRAME_PEER_SESSION;
		entry->boot_id = peer->boot_id;
		entry->counter = peer->replay.highest;
		return true;
	}
	/* Each second time the newest start, which is the one that is there; the others
	 * in turn, for a host whose clock went back and that has lost its state.
	 */
	for (unsigned int i = 0; i < 2 * SESSION_CANDIDATES; i++) {
		unsigned int turn = peer->echo++;
		unsigned int at = turn % 2 ? 1 + turn / 2 % (SESSION_CANDIDATES - 1) : 0;
		const struct session_candidate *candidate = &peer->candidate[at];

		if (!candidate->counter)
			continue;
		entry->boot_id = candidate->boot_id;
		entry->counter = candidate->counter;
		return true;
	}
	return false;
}

void session_echo(struct session *session, struct frame_heartbeat *heartbeat)
{
	unsigned int member = session->rotate;

	heartbeat->peers = 0;
	for (unsigned int i = 0; i < GWSYNC_MEMBER_MAX; i++) {
		struct frame_peer entry = { 0 };

		member = member % GWSYNC_MEMBER_MAX + 1;
		if (member == session->self ||
		    !echo_of(&session->peer[member], &entry))
			continue;
		entry.member = (uint8_t)member;
		heartbeat->peer[heartbeat->peers++] = entry;
		if (heartbeat->peers == FRAME_PEERS_MAX) {
			session->rotate = member;
			break;
		}
	}
}

bool session_live(const struct session *session, uint8_t member)
{
	return member <= GWSYNC_MEMBER_MAX && session->peer[member].live;
}

bool session_is_new(const struct session *session, uint8_t member)
{
	return session_live(session, member) &&
	       session->peer[member].version != FRAME_VERSION_OLD;
}

static bool heard_within(uint64_t now, uint64_t heard_ns, uint64_t within)
{
	return heard_ns && (now < heard_ns || now - heard_ns < within);
}

uint8_t session_version(const struct session *session, uint64_t now)
{
	for (uint8_t member = 1; member <= GWSYNC_MEMBER_MAX; member++) {
		const struct session_peer *peer = &session->peer[member];

		if (peer->live && peer->version == FRAME_VERSION_OLD &&
		    heard_within(now, peer->heard_ns, SESSION_OLD_NS))
			return FRAME_VERSION_OLD;
	}
	return FRAME_VERSION;
}

bool session_has_old(const struct session *session, uint64_t now)
{
	for (uint8_t member = 1; member <= GWSYNC_MEMBER_MAX; member++) {
		const struct session_peer *peer = &session->peer[member];

		if (!session_is_new(session, member) &&
		    heard_within(now, peer->old_ns, SESSION_OLD_NS))
			return true;
	}
	return false;
}

bool session_present(const struct session *session, uint64_t now, uint64_t within)
{
	for (uint8_t member = 1; member <= GWSYNC_MEMBER_MAX; member++)
		for (unsigned int i = 0; i < SESSION_CANDIDATES; i++)
			if (session->peer[member].candidate[i].counter &&
			    heard_within(now, session->peer[member].candidate[i].heard_ns,
					 within))
				return true;
	return false;
}

bool session_is_own(const struct session *session, const struct frame_stream *stream)
{
	return stream->member == session->self && stream->boot_id == session->boot_id;
}

struct frame_stream session_stream(const struct session *session, uint8_t member)
{
	struct frame_stream stream = { .member = member };

	if (member == session->self)
		stream.boot_id = session->boot_id;
	else if (session_live(session, member))
		stream.boot_id = session->peer[member].boot_id;
	return stream;
}

const char *session_drop_name(enum session_drop drop)
{
	static const char * const name[__SESSION_DROP_MAX] = {
		[SESSION_DROP_SHORT]		= "short",
		[SESSION_DROP_MAGIC]		= "magic",
		[SESSION_DROP_VERSION]		= "version",
		[SESSION_DROP_HEAD]		= "head",
		[SESSION_DROP_GROUP]		= "group",
		[SESSION_DROP_MEMBER]		= "member",
		[SESSION_DROP_OWN]		= "own",
		[SESSION_DROP_DUPLICATE]	= "duplicate",
		[SESSION_DROP_FORMER]		= "former",
		[SESSION_DROP_MODE]		= "mode",
		[SESSION_DROP_KEY]		= "key",
		[SESSION_DROP_TAG]		= "tag",
		[SESSION_DROP_REPLAY]		= "replay",
		[SESSION_DROP_BODY]		= "body",
		[SESSION_DROP_NO_SESSION]	= "no_session",
	};

	return drop < __SESSION_DROP_MAX ? name[drop] : "unknown";
}

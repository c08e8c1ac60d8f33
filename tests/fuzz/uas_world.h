/* What fuzz_uas.c plays in: the virtual network, the UA under test, its wire as it is watched, and what is known of each dialog. */
#ifndef OFFHOOK_TESTS_UAS_WORLD_H
#define OFFHOOK_TESTS_UAS_WORLD_H

#include "check.h"
#include "core/mem.h"
#include "sip/call.h"
#include "sip/registration.h"
#include "sip/sdp.h"
#include "sip/subscription.h"

#include <stdio.h>
#include <stdlib.h>

#define TALKS 8
#define TALK_UACS 4
#define LEGS 4
#define KEPT 8
#define HELD 64
#define USAGES 4
#define FINALS 256
#define SENT 1024
#define EXTRAS 3
#define WAIT_LONG 8 /* of world_wait() */

#define SDP "v=0\r\no=- 1 1 IN IP4 198.18.0.9\r\ns=-\r\nc=IN IP4 198.18.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

struct world;

/* A call as its user has it. */
struct talk {
	struct world *w;
	struct call *call;
	struct uac *uac[TALK_UACS];
	struct msg *provisional; /* the last */
	unsigned uac_count;
	bool ended;
};

/* A subscription as its user has it. */
struct usage {
	struct world *w;
	struct subscription *sub;
	struct uac *uac; /* its last NOTIFY */
	bool ended, drop_at_end;
};

/* A dialog, or one to be, as the peer has it. */
struct leg {
	char call_id[100], mine[40], theirs[100], target[200], branch[100];
	uint32_t invite, cseq; /* numbers of the last INVITE, and of the last request */
	char rack[60];         /* for the last RSeq seen */
};

struct final {
	struct strans *st;
	struct msg *m;
};

/* A 2xx to an INVITE of the UA. */
struct answer {
	uint64_t key, call;
	bool acknowledged;
};

/* A dialog's CSeq as the UA counts it. */
struct order {
	uint64_t key;
	uint32_t cseq;
};

struct world {
	const uint8_t *p, *end;
	bool deaf; /* nothing is read while events are handled: the script stays in step */
	struct loop *loop;
	struct net *net;
	struct tmr stop;
	unsigned manners, reflex;
	int reflex_wait;
	bool orderly, closing, short_of_memory, options_answered;
	bool unclear;       /* something happened that may keep an ACK back: it was wanted so, or where it goes is not known */

	struct endpoint *bob, *peer[2]; /* bob is the UA under test */
	char where[3][ADDR_STRLEN];     /* alice, carol, bob */
	struct addr bob_at;
	struct ua *ua;
	struct talk talk[TALKS];
	struct strans *held[HELD]; /* what the user has to answer */
	unsigned held_count;
	struct usage usage[USAGES];
	struct registration *reg;
	struct uac *asked;
	struct auth asked_auth;
	uint32_t asked_cseq;

	struct leg leg[LEGS];
	unsigned branches, ids, leg_next;
	char text[EXTRAS][300];
	struct msg *seen[KEPT]; /* what the peer sent */
	struct msg *requests[KEPT]; /* what the UA sent */
	unsigned seen_count, request_count;

	struct final final[FINALS];
	unsigned final_count;
	struct answer answer[64];
	unsigned answer_count;
	struct order order[64];
	unsigned order_count, sent;
	uint64_t branch_sent[SENT]; /* hashes of its requests' branches and methods */
	unsigned branch_count;
};

static inline unsigned next(struct world *w)
{
	return w->p < w->end && !w->deaf ? *w->p++ : 0;
}

static void on_stop(void *arg)
{
	loop_stop(arg);
}

/* Lets time go on, and first what is under way arrive. */
static inline void world_wait(struct world *w, unsigned what)
{
	static const uint32_t ms[] = {0, 200, 500, 1000, 4000, 10000, 32000, 65000, 200000, 1800000};

	if (tmr_start_at(&w->stop, w->loop, loop_now(w->loop) + ms[what % 10] * NS_PER_MS, TMR_DEADLINE, on_stop, w->loop)) {
		CHECK(w->short_of_memory);
		return;
	}
	w->deaf = true;
	loop_run(w->loop);
	w->deaf = false;
}

/* The user has to answer that. */
static inline void world_hold(struct world *w, struct strans *st)
{
	struct strans **at = &w->held[w->held_count % HELD];

	if (!st || !st->ep || (st->state != TRANS_TRYING && st->state != TRANS_PROCEEDING))
		return;
	if (w->closing || (*at && (*at)->ep)) { /* no room */
		ua_reply(w->ua, st, 500, NULL, NULL, 0);
		return;
	}
	w->held_count++;
	mem_deref(*at);
	*at = mem_ref(st);
}

/* A request that nobody answered yet. */
static inline struct strans *world_silent(const struct world *w)
{
	for (size_t i = 0; i < w->bob->sb->strans.size; i++)
		for (struct hash_node *n = hash_bucket(&w->bob->sb->strans, i); n; n = n->next) {
			struct strans *st = hash_owner(n, struct strans, node);
			if (st->state == TRANS_TRYING || st->state == TRANS_PROCEEDING)
				return st;
		}
	return NULL;
}

/* --- what the UA sends is watched --- */

static inline struct leg *leg_of(struct world *w, struct slice call_id)
{
	for (unsigned i = 0; i < LEGS; i++)
		if (slice_eq(slice_str(w->leg[i].call_id), call_id))
			return &w->leg[i];
	return NULL;
}

static inline void learn_target(struct leg *leg, const struct scan *s)
{
	struct slice contact = scan_header(s, HDR_CONTACT, 0);
	const char *open = contact.l ? memchr(contact.p, '<', contact.l) : NULL;
	const char *close = open ? memchr(open, '>', (size_t)(contact.p + contact.l - open)) : NULL;

	if (close)
		slice_copy(leg->target, sizeof(leg->target), (struct slice){open + 1, (size_t)(close - open - 1)});
}

static inline void learn_request(struct world *w, struct msg *m)
{
	struct leg *leg = leg_of(w, m->s.call_id);
	struct msg **at = &w->requests[w->request_count++ % KEPT];

	mem_deref(*at);
	*at = mem_ref(m);
	if (!leg && !m->s.to_tag.p) {
		leg = &w->leg[w->leg_next++ % LEGS];
		slice_copy(leg->call_id, sizeof(leg->call_id), m->s.call_id);
		snprintf(leg->mine, sizeof(leg->mine), "p%u", w->ids++);
		leg->cseq = leg->invite = 100;
	}
	if (leg && m->s.from_tag.p) {
		slice_copy(leg->theirs, sizeof(leg->theirs), m->s.from_tag);
		learn_target(leg, &m->s);
	}
}

static inline void learn_response(struct world *w, const struct scan *s)
{
	struct leg *leg = leg_of(w, s->call_id);
	struct slice rseq = scan_header_named(s, SLICE_LIT("RSeq"), 0);

	if (!leg || s->status == 100)
		return;
	if (s->to_tag.p)
		slice_copy(leg->theirs, sizeof(leg->theirs), s->to_tag);
	learn_target(leg, s);
	if (rseq.p && rseq.l < 12)
		snprintf(leg->rack, sizeof(leg->rack), "%.*s %u %.*s", SLICE_ARG(rseq), s->cseq, s->cseq_method.l < 20 ? (int)s->cseq_method.l : 0,
			 s->cseq_method.p);
}

/* A UA's own requests are well formed whatever its peers are like, and their numbers count up (RFC 3261 12.2.1.1). */
static inline void check_request(struct world *w, const struct scan *s)
{
	uint64_t key = slice_hash(slice_hash(slice_hash(SLICE_HASH_SEED, s->call_id), s->from_tag), s->to_tag);
	struct order *o = w->order;

	CHECK(!(s->flaws & ~(SCAN_DUPLICATE | SCAN_NUL))); /* the first are its user's; the others came in a To, which goes back */
	if (slice_eq(s->method, SLICE_LIT("ACK")) || slice_eq(s->method, SLICE_LIT("CANCEL")))
		return;
	while (o < w->order + w->order_count && o->key != key)
		o++;
	if (o == w->order + sizeof(w->order) / sizeof(*w->order))
		return;
	if (o == w->order + w->order_count)
		w->order[w->order_count++] = (struct order){key, 0};
	CHECK(s->cseq > o->cseq || s->flaws);
	o->cseq = s->cseq;
}

/* A response belongs to a transaction that lives, which is no ACK's and has one final answer; but a 2xx to an INVITE is repeated,
 * also after timer L (RFC 3261 13.3.1.4, 17.2.1, 17.2.2). */
static inline void check_response(struct world *w, struct msg *m)
{
	const struct scan *s = &m->s;
	struct strans *st = NULL;
	bool broken = false;

	CHECK(!(s->flaws & (SCAN_NOT_SIP | SCAN_START_LINE | SCAN_TRUNCATED | SCAN_HEADER_LINE | SCAN_VERSION)));
	for (size_t i = 0; i < w->bob->sb->strans.size; i++)
		for (struct hash_node *n = hash_bucket(&w->bob->sb->strans, i); n; n = n->next) {
			struct strans *one = hash_owner(n, struct strans, node);
			if (!one->request) { /* it was answered, and is nobody's any more */
				const struct strans_identity k = strans_identity(s, s->cseq_method);
				if (one->node.key == k.key && one->rest.identity == k.rest)
					st = one;
				continue;
			}
			const struct scan *r = &one->request->s;
			CHECK(!slice_eq(r->method, SLICE_LIT("ACK")));
			if (!slice_eq(r->call_id, s->call_id) || r->cseq != s->cseq)
				continue;
			if (r->flaws)
				broken = true;
			else if (slice_eq(r->branch, s->branch) && slice_case_eq(r->sent_by, s->sent_by) &&
				 slice_eq(r->method, s->cseq_method))
				st = one;
		}
	bool invite_2xx = slice_eq(s->cseq_method, SLICE_LIT("INVITE")) && s->status >= 200 && s->status < 300;
	if (!st) { /* late, or of a request whose own Via shows an open quote behind it */
		CHECK(broken || invite_2xx || memchr(s->via.p ? s->via.p : "", '"', s->via.l));
		return;
	}
	/* What a broken request gets may look like another's answer, and without the magic cookie much does (RFC 2543). */
	if (s->status < 200 || broken || s->branch.l <= 7 || memcmp(s->branch.p, "z9hG4bK", 7) != 0)
		return;
	for (unsigned i = 0; i < FINALS; i++)
		if (w->final[i].st == st) {
			CHECK(invite_2xx ? w->final[i].m->s.status < 300 : slice_eq(msg_bytes(w->final[i].m), msg_bytes(m)));
			return;
		}
	struct final *f = &w->final[w->final_count++ % FINALS];
	strans_release(f->st);
	mem_deref(f->m);
	*f = (struct final){mem_ref(st), mem_ref(m)};
}

/* Of a 2xx or its ACK: of the `first` INVITE of a call, each fork has its own. */
static inline uint64_t answer_key(const struct scan *s, bool first)
{
	uint64_t h = slice_hash(SLICE_HASH_SEED + s->cseq, s->call_id);

	return first ? slice_hash(h, s->to_tag) : h;
}

/* A 2xx for an INVITE under way came: its ACK is due (RFC 3261 13.2.2.4). */
static inline void note_answer(struct world *w, const struct scan *s)
{
	if (s->request || s->status < 200 || s->status > 299 || s->flaws || w->answer_count == 64)
		return;
	for (size_t i = 0; i < w->bob->sb->ctrans.size; i++)
		for (struct hash_node *n = hash_bucket(&w->bob->sb->ctrans, i); n; n = n->next) {
			const struct ctrans *ct = hash_owner(n, const struct ctrans, node);
			if (!ct->request) /* it was answered, and is nobody's any more */
				continue;
			const struct scan *r = &ct->request->s;
			if (ct->invite && ct->state != TRANS_COMPLETED && slice_eq(r->branch, s->branch) && r->cseq == s->cseq &&
			    slice_eq(s->cseq_method, r->method) && slice_eq(r->call_id, s->call_id) && slice_eq(r->from_tag, s->from_tag))
				w->answer[w->answer_count++] =
				    (struct answer){answer_key(s, !r->to_tag.p), answer_key(s, false), false};
		}
}

/* In a dialog whose first 2xx had no tag, no INVITE and no ACK has one (RFC 3261 12.2.1.1), whatever comes back. */
static inline void note_ack(struct world *w, const struct scan *s)
{
	uint64_t call = answer_key(s, false);

	for (unsigned i = 0; i < w->answer_count && slice_eq(s->method, SLICE_LIT("ACK")); i++)
		if (w->answer[i].key == answer_key(s, true) || w->answer[i].key == call ||
		    (!s->to_tag.p && w->answer[i].call == call))
			w->answer[i].acknowledged = true;
}

/* Whether it went out before; notes it otherwise. */
static inline bool is_repeated(struct world *w, const struct scan *s)
{
	uint64_t key = slice_hash(slice_hash(SLICE_HASH_SEED, s->branch), s->method);

	for (unsigned i = 0; i < SENT; i++)
		if (w->branch_sent[i] == key)
			return true;
	w->branch_sent[w->branch_count++ % SENT] = key;
	return false;
}

static inline void show(const struct msg *m)
{
	fprintf(stderr, "--- %llu ms, the UA %s:\n", (unsigned long long)(m->time / NS_PER_MS), m->received ? "got" : "sent");
	fwrite(msg_bytes(m).p, 1, msg_bytes(m).l, stderr);
	fputs("\n", stderr);
}

static void on_seen(struct endpoint *ep, struct msg *m, void *arg)
{
	struct world *w = arg;

	(void)ep;
	if (getenv("UAS_TRACE"))
		show(m);
	if (m->received) {
		note_answer(w, &m->s);
		return;
	}
	note_ack(w, &m->s);
	CHECK(++w->sent < 100000);
	if (!m->s.request) {
		check_response(w, m);
		learn_response(w, &m->s);
		w->options_answered = w->options_answered || (w->closing && m->s.status == 200 &&
							       slice_eq(m->s.call_id, SLICE_LIT("the-last")));
	} else if (!is_repeated(w, &m->s)) {
		check_request(w, &m->s);
		learn_request(w, m);
	}
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct world *w = arg;

	(void)ep;
	return ua_receive(w->ua, m);
}

/* --- beginning and end --- */

static inline void endpoints_open(struct world *w, bool v6)
{
	static const char *const names[] = {"alice", "carol", "bob"};

	for (int i = 0; i < 3; i++) {
		struct endpoint_handlers h = {.seen = i == 2 ? on_seen : NULL, .request = i == 2 ? on_request : NULL, .arg = w};
		struct endpoint_cfg ec = {.net = w->net, .name = names[i], .v6 = v6, .seed = 1, .test = "fuzz"};
		struct endpoint **at = i == 2 ? &w->bob : &w->peer[i];
		CHECK(endpoint_alloc(at, &ec, &h, NULL) == 0);
		addr_str(w->where[i], endpoint_local(*at));
	}
	w->bob->in_dialog = call_in_dialog;
	w->bob_at = *endpoint_local(w->bob);
	for (unsigned i = 0; i < LEGS; i++) {
		snprintf(w->leg[i].call_id, sizeof(w->leg[i].call_id), "c%u", w->ids);
		snprintf(w->leg[i].mine, sizeof(w->leg[i].mine), "p%u", w->ids++);
	}
}

static inline void endpoints_close(struct world *w)
{
	for (unsigned i = 0; i < HELD; i++)
		mem_deref(w->held[i]);
	for (unsigned i = 0; i < KEPT; i++) {
		mem_deref(w->seen[i]);
		mem_deref(w->requests[i]);
	}
	mem_deref(w->bob);
	mem_deref(w->peer[0]);
	mem_deref(w->peer[1]);
	for (unsigned i = 0; i < FINALS; i++) {
		mem_deref(w->final[i].st);
		mem_deref(w->final[i].m);
	}
}

#endif

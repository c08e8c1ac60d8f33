/* What fuzz_uas.c plays in: the virtual network, the UA's wire as it is watched, and the peer, which knows just enough of each
 * dialog to send messages that belong to it. */
#ifndef OFFHOOK_TESTS_UAS_WORLD_H
#define OFFHOOK_TESTS_UAS_WORLD_H

#include "core/mem.h"
#include "sip/call.h"
#include "sip/registration.h"
#include "sip/sdp.h"
#include "sip/subscription.h"

#include <stdio.h>
#include <stdlib.h>

/* assert() that a release build keeps */
#define CHECK(x) ((x) ? (void)0 : abort())

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
	bool may_be_silent; /* there may be requests that neither the UA nor its user could answer */

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
	for (size_t i = 0; i < w->bob->strans.size; i++)
		for (struct hash_node *n = w->bob->strans.buckets[i]; n; n = n->next) {
			struct strans *st = hash_owner(n, struct strans, node);
			if (st->state == TRANS_TRYING || st->state == TRANS_PROCEEDING)
				return st;
		}
	return NULL;
}

/* --- headers to put in, by number --- */

static const struct {
	const char *name, *value;
} headers[] = {
	{"Require", "100rel"},
	{"Supported", "100rel, timer, replaces"},
	{"RAck", "%r"},
	{"RSeq", "1"},
	{"RSeq", "2"},
	{"RSeq", "4294967295"},
	{"Require", "timer"},
	{"Session-Expires", "90;refresher=uac"},
	{"Session-Expires", "90;refresher=uas"},
	{"Session-Expires", "10"},
	{"Session-Expires", "4294967295"},
	{"Min-SE", "90"},
	{"Min-SE", "3600"},
	{"Replaces", "%i;to-tag=%t;from-tag=%m"},
	{"Replaces", "%i;to-tag=%t;from-tag=%m;early-only"},
	{"Replaces", "%i;to-tag=%m;from-tag=%t"},
	{"Refer-To", "<sip:carol@%c>"},
	{"Refer-To", "<sip:carol@%c?Replaces=%i%%3Bto-tag%%3D%t%%3Bfrom-tag%%3D%m>"},
	{"Refer-To", "<sip:bob@%b;method=BYE>"},
	{"Refer-Sub", "false"},
	{"Event", "refer"},
	{"Event", "presence"},
	{"Event", "dialog;id=4"},
	{"Subscription-State", "active;expires=60"},
	{"Subscription-State", "pending"},
	{"Subscription-State", "terminated;reason=noresource"},
	{"Subscription-State", "terminated;reason=probation;retry-after=1"},
	{"Expires", "0"},
	{"Expires", "1"},
	{"Expires", "3600"},
	{"Min-Expires", "7200"},
	{"Contact", "<sip:carol@%c>"},
	{"Contact", "<sip:carol@%c>;q=0.5, <sip:alice@%a>;q=0.7;expires=60"},
	{"Contact", "<sip:bob@%b>;expires=60"},
	{"Contact", "<sip:nobody@198.18.7.7:9>"},
	{"Contact", "*"},
	{"Contact", NULL},
	{"Record-Route", "<sip:%c;lr>, <sip:%a;lr>"},
	{"Record-Route", "<sip:%c>"},
	{"Route", "<sip:%b;lr>"},
	{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\""},
	{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n2\", qop=\"auth,auth-int\", algorithm=SHA-256, stale=true"},
	{"Proxy-Authenticate", "Digest realm=\"p\", nonce=\"n\", qop=\"auth\", opaque=\"o\""},
	{"Retry-After", "1"},
	{"Content-Type", "message/sipfrag"},
	{"Content-Disposition", "session;handling=optional"},
	{"Accept", "application/dialog-info+xml"},
	{"Allow", "INVITE, ACK"},
	{"Require", "foo, bar"},
	{"Unsupported", "100rel"},
	{"Max-Forwards", "0"},
	{"Timestamp", "1"},
	{"Reason", "SIP;cause=200;text=\"Call completed elsewhere\""},
	{"Join", "%i;to-tag=%t;from-tag=%m"},
	{"Target-Dialog", "%i;local-tag=%t;remote-tag=%m"},
	/* from here on only the peer's */
	{"From", "<sip:alice@example.test>;tag=other"},
	{"To", "<sip:bob@example.test>;tag=other"},
	{"CSeq", "1 INVITE"},
};
#define HEADERS (sizeof(headers) / sizeof(*headers))
#define USER_HEADERS (HEADERS - 3)

/* Fills in what the peer knows of a dialog. */
static inline void put_template(struct buf *b, const struct world *w, const char *t, const struct leg *leg)
{
	for (; *t; t++) {
		const char *s = NULL;
		if (*t == '%')
			switch (*++t) {
			case 'a':
				s = w->where[0];
				break;
			case 'b':
				s = w->where[2];
				break;
			case 'c':
				s = w->where[1];
				break;
			case 'i':
				s = leg->call_id;
				break;
			case 'm':
				s = leg->mine;
				break;
			case 't':
				s = leg->theirs;
				break;
			case 'r':
				s = leg->rack;
				break;
			default:
				break;
			}
		if (s)
			buf_puts(b, s);
		else
			buf_put(b, t, 1);
	}
}

/* Reads up to EXTRAS headers, of the first `known`: their number, then which ones; of those of a dialog, octets from 64 on name the dialog. */
static inline unsigned world_extras(struct world *w, struct build_header *out, size_t known)
{
	unsigned count = next(w) % (EXTRAS + 1), n = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned k = next(w), which = k % 64;
		struct buf b = {0};
		if (which >= known)
			continue;
		out[n] = (struct build_header){slice_str(headers[which].name), SLICE_NONE};
		if (headers[which].value) {
			put_template(&b, w, headers[which].value, &w->leg[k / 64 % LEGS]);
			slice_copy(w->text[n], sizeof(w->text[n]), buf_slice(&b));
			out[n].value = slice_str(w->text[n]);
			buf_free(&b);
		}
		n++;
	}
	return n;
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
	for (size_t i = 0; i < w->bob->strans.size; i++)
		for (struct hash_node *n = w->bob->strans.buckets[i]; n; n = n->next) {
			struct strans *one = hash_owner(n, struct strans, node);
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
	mem_deref(f->st);
	mem_deref(f->m);
	*f = (struct final){mem_ref(st), mem_ref(m)};
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
	if (m->received)
		return;
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

/* --- the peer --- */

static inline void peers_open(struct world *w, bool v6)
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

/* Reads how a message is spoiled, and does it. */
static inline void mutate(struct world *w, struct buf *b)
{
	static const char *const tokens[] = {"\r\n ", "\"", "<", ">", ",", ";tag=x", ";tag=", ":", "\\", "@", "[", "%", "\r\n\r\n", " ",
					     ";", "=", "sip:", "tel:1", "4294967296", "-1", "99999999999999999999", ";lr", ";maddr=198.18.0.2",
					     ";rport=", ";received=\"", "?", "*", "SIP/2.0", "z9hG4bK", "\r\nVia: x\r\n", "\n", "\t"};
	unsigned count = next(w) % 4;

	while (count-- && b->len) {
		unsigned how = next(w), at = (next(w) << 8 | next(w)) % (unsigned)b->len, arg = next(w);
		struct buf out = {0};
		struct scan s;
		const char *token = tokens[arg % (sizeof(tokens) / sizeof(*tokens))];
		if (scan_message(&s, buf_slice(b))) {
			scan_free(&s);
			return;
		}
		unsigned line = s.header_count ? at % s.header_count : 0;
		bool lines = s.header_count != 0;
		switch (how % 8) {
		case 0:
			b->p[at] = (uint8_t)arg;
			break;
		case 1:
			b->len = at;
			break;
		case 2: /* a token put in */
			buf_put(&out, b->p, at);
			buf_puts(&out, token);
			buf_put(&out, b->p + at, b->len - at);
			break;
		case 3: /* some octets less */
			buf_put(&out, b->p, at);
			if (at + arg < b->len)
				buf_put(&out, b->p + at + arg, b->len - at - arg);
			break;
		case 4:
			if (lines)
				build_remove(&out, &s, line);
			break;
		case 5:
			if (lines)
				build_replace(&out, &s, line, slice_str(token));
			break;
		case 6:
			if (lines)
				build_insert(&out, &s, line, scan_name(&s, line), scan_value(&s, arg % s.header_count));
			break;
		case 7:
			if (lines)
				build_insert(&out, &s, line, scan_name(&s, line), slice_str(token));
			break;
		}
		scan_free(&s);
		if (out.len) {
			buf_free(b);
			*b = out;
		}
	}
}

static inline void peer_sends(struct world *w, unsigned which, struct slice bytes)
{
	struct msg **at = &w->seen[w->seen_count % KEPT], *m = NULL;

	if (endpoint_send(w->peer[which], bytes, &w->bob_at, &m, NULL))
		return;
	w->seen_count++;
	mem_deref(*at);
	*at = m;
}

/* A request: which dialog and method, how (enum), headers, what to spoil. */
static inline void peer_requests(struct world *w)
{
	enum { FRESH = 1, NO_TAG = 2, OLD_BRANCH = 4, OLD_CSEQ = 8, BODY = 16, OTHER_PEER = 32, SPOILT = 64, ODD_VIA = 128 };
	static const char *const methods[] = {"INVITE", "ACK",	     "BYE",	 "CANCEL",  "PRACK",   "UPDATE",  "INFO",    "REFER",
					      "NOTIFY", "SUBSCRIBE", "OPTIONS", "MESSAGE", "REGISTER", "PUBLISH", "UNKNOWN", "INVITE"};
	unsigned what = next(w), flags = next(w), other = flags & OTHER_PEER ? 1 : 0;
	struct leg *leg = &w->leg[what >> 4 & 3];
	const char *method = methods[what & 15];
	bool invite = !strcmp(method, "INVITE"), follows = !strcmp(method, "ACK") || !strcmp(method, "CANCEL");
	struct build_header extra[EXTRAS];
	char via[300], from[100], to[200], contact[100], branch[100], uri[200];
	struct buf b = {0};

	if (flags & FRESH) {
		*leg = (struct leg){0};
		snprintf(leg->call_id, sizeof(leg->call_id), "c%u", w->ids);
		snprintf(leg->mine, sizeof(leg->mine), "p%u", w->ids++);
	}
	if (flags & OLD_BRANCH ? leg->branch[0] != 0 : !strcmp(method, "CANCEL"))
		snprintf(branch, sizeof(branch), "%s", leg->branch);
	else
		snprintf(branch, sizeof(branch), "z9hG4bKp%u", w->branches++);
	if (!follows && !(flags & OLD_CSEQ))
		leg->cseq++;
	uint32_t cseq = follows ? leg->invite : leg->cseq;
	if (invite) {
		leg->invite = cseq;
		snprintf(leg->branch, sizeof(leg->branch), "%s", branch);
	}
	if (flags & ODD_VIA)
		snprintf(via, sizeof(via), what & 64 ? "SIP/2.0/UDP %s" : "SIP/2.0/UDP example.test;branch=%2$s;maddr=%1$s", w->where[!other],
			 branch);
	else
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=%s%s", w->where[other], branch, what & 64 ? ";rport" : "");
	snprintf(from, sizeof(from), "<sip:alice@example.test>;tag=%s", leg->mine);
	bool tag = leg->theirs[0] && !(flags & NO_TAG);
	snprintf(to, sizeof(to), "<sip:bob@example.test>%s%s", tag ? ";tag=" : "", tag ? leg->theirs : "");
	snprintf(contact, sizeof(contact), "<sip:alice@%s>", w->where[other]);
	snprintf(uri, sizeof(uri), "sip:bob@%s", w->where[2]);
	struct build_request r = {
		.method = slice_str(method),
		.uri = slice_str(tag && leg->target[0] && what & 128 ? leg->target : uri),
		.via = slice_str(via),
		.from = slice_str(from),
		.to = slice_str(to),
		.call_id = slice_str(leg->call_id),
		.cseq = cseq,
		.max_forwards = 70,
		.contact = slice_str(contact),
		.extra = extra,
		.content_type = flags & BODY ? SLICE_LIT("application/sdp") : SLICE_NONE,
		.body = flags & BODY ? SLICE_LIT(SDP) : SLICE_NONE,
	};
	r.extra_count = world_extras(w, extra, HEADERS);
	build_request(&b, &r);
	if (flags & SPOILT)
		mutate(w, &b);
	peer_sends(w, other, buf_slice(&b));
	buf_free(&b);
}

/* An answer to one of the UA's latest requests: to which (0: the last), how, the status, headers, what to spoil. */
static inline void peer_responds(struct world *w)
{
	enum { TAG = 3, CONTACT = 12, BODY = 16, OTHER_PEER = 32, SPOILT = 64 };
	static const uint16_t statuses[] = {100, 180, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400, 401, 404, 405, 407, 408, 415, 420,
					    421, 422, 423, 480, 481, 486, 487, 489, 491, 494, 500, 503, 600, 603, 606, 699, 99, 700, 65535};
	unsigned back = next(w), flags = next(w);
	struct msg *m = w->request_count > back % KEPT ? w->requests[(w->request_count - 1 - back % KEPT) % KEPT] : NULL;
	unsigned status = statuses[next(w) % (sizeof(statuses) / sizeof(*statuses))];
	struct leg *leg = m ? leg_of(w, m->s.call_id) : NULL;
	struct build_header extra[EXTRAS];
	struct buf b = {0};
	char contact[100], tag[50];

	unsigned extra_count = world_extras(w, extra, HEADERS);
	if (!m)
		return;
	static const char *const contacts[] = {"<sip:alice@%s>", NULL, "<sip:nobody@198.18.7.7>", "<sip:carol@%s;lr>;q=1"};
	const char *format = contacts[(flags & CONTACT) >> 2];
	snprintf(contact, sizeof(contact), format ? format : "%s", w->where[(flags & CONTACT) == CONTACT]);
	snprintf(tag, sizeof(tag), "%s%.*s", leg ? leg->mine : "x", (int)(flags & TAG), "fff");
	struct build_response r = {
		.status = status,
		.to_tag = (flags & TAG) == 3 ? SLICE_NONE : slice_str(tag),
		.contact = format ? slice_str(contact) : SLICE_NONE,
		.extra = extra,
		.content_type = flags & BODY ? SLICE_LIT("application/sdp") : SLICE_NONE,
		.body = flags & BODY ? SLICE_LIT(SDP) : SLICE_NONE,
		.extra_count = extra_count,
	};
	build_response(&b, &m->s, &r);
	if (flags & SPOILT)
		mutate(w, &b);
	peer_sends(w, flags & OTHER_PEER ? 1 : 0, buf_slice(&b));
	buf_free(&b);
}

/* One of its latest messages again, as it was or spoilt. */
static inline void peer_repeats(struct world *w)
{
	unsigned back = next(w);
	struct msg *m = w->seen_count > back % KEPT ? w->seen[(w->seen_count - 1 - back % KEPT) % KEPT] : NULL;
	struct buf b = {0};

	if (!m)
		return;
	buf_put_slice(&b, msg_bytes(m));
	if (back & 64)
		mutate(w, &b);
	peer_sends(w, back >> 7, buf_slice(&b));
	buf_free(&b);
}

static inline void peer_sends_bytes(struct world *w)
{
	size_t len = next(w) << 8 | next(w), left = (size_t)(w->end - w->p);

	len = len < left ? len : left;
	peer_sends(w, 0, (struct slice){(const char *)w->p, len});
	w->p += len;
}

static inline void peer_asks_options(struct world *w)
{
	struct buf b = {0};

	buf_printf(&b,
		   "OPTIONS sip:bob@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKthe-last\r\nMax-Forwards: 70\r\n"
		   "From: <sip:a@example.test>;tag=last\r\nTo: <sip:bob@example.test>\r\nCall-ID: the-last\r\nCSeq: 1 OPTIONS\r\n\r\n",
		   w->where[2], w->where[0]);
	peer_sends(w, 0, buf_slice(&b));
	buf_free(&b);
}

static inline void world_close_parts(struct world *w)
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

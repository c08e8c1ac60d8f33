/* The peer of fuzz_uas.c: messages of its own, made to belong to the dialogs that it watched, and spoilt ones. */
#ifndef OFFHOOK_TESTS_UAS_PEER_H
#define OFFHOOK_TESTS_UAS_PEER_H

#include "uas_extras.h"

/* Reads how a message is spoiled, and does it. */
static inline void mutate(struct world *w, struct buf *b)
{
	static const char *const tokens[] = {"\r\n ", "\"", "<", ">", ",", ";tag=x", ";tag=", ":", "\\", "@", "[", "%", "\r\n\r\n", " ",
					     ";", "=", "sip:", "tel:1", "4294967296", "-1", "99999999999999999999", ";lr", ";maddr=198.18.0.2",
					     ";rport=", ";received=\"", "?", "*", "SIP/2.0", "z9hG4bK", "\r\nVia: x\r\n", "\n", "\t",
					     "\nm=video 4000 RTP/AVP 96\n", "\nm=audio 0 RTP/AVP 0\n", "\na=inactive\n",
					     "m=audio 4000 RTP/SAVP 0\n"};
	unsigned count = next(w) % 4;

	w->unclear = true;
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
	w->unclear = w->unclear || (flags & CONTACT) == 8; /* of the other family, it may be */
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

	w->unclear = true;
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

#endif

/* Headers that a script of fuzz_uas.c names by number, for its peer and for its user. */
#ifndef OFFHOOK_TESTS_UAS_EXTRAS_H
#define OFFHOOK_TESTS_UAS_EXTRAS_H

#include "uas_world.h"

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
	{"Subscription-State", "x;expires=5"},
	{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", algorithm=X"},
	{"Proxy-Authenticate", "Digest realm=\"p%m\", nonce=\"n3\""},
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
		enum hdr_id id = hdr_lookup(out[n].name);
		w->unclear = w->unclear || id == HDR_CONTACT || id == HDR_RECORD_ROUTE || id == HDR_TO || id == HDR_FROM || id == HDR_CSEQ;
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

#endif

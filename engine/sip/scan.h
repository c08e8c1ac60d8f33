/* One pass over the bytes of a SIP message: the start line, the header boundaries, and the few keys that routing needs.
 *
 * Nothing is copied, unfolded or unescaped: every slice points into the scanned bytes. Whatever is wrong is noted in
 * `flaws` and the pass goes on, because a tester must see a broken message as it was. */
#ifndef OFFHOOK_SIP_SCAN_H
#define OFFHOOK_SIP_SCAN_H

#include "core/slice.h"

/* Headers with a number of their own: those the engine reads, and those with a compact form (RFC 3261 7.3.3 and the
 * registry of IANA). X(id, full name, compact form or 0) */
#define SCAN_HEADERS(X)                                                                                               \
	X(VIA, "Via", 'v')                                                                                            \
	X(FROM, "From", 'f')                                                                                          \
	X(TO, "To", 't')                                                                                              \
	X(CALL_ID, "Call-ID", 'i')                                                                                    \
	X(CSEQ, "CSeq", 0)                                                                                            \
	X(MAX_FORWARDS, "Max-Forwards", 0)                                                                            \
	X(CONTACT, "Contact", 'm')                                                                                    \
	X(ROUTE, "Route", 0)                                                                                          \
	X(RECORD_ROUTE, "Record-Route", 0)                                                                            \
	X(CONTENT_LENGTH, "Content-Length", 'l')                                                                      \
	X(CONTENT_TYPE, "Content-Type", 'c')                                                                          \
	X(CONTENT_ENCODING, "Content-Encoding", 'e')                                                                  \
	X(EXPIRES, "Expires", 0)                                                                                      \
	X(MIN_EXPIRES, "Min-Expires", 0)                                                                              \
	X(REQUIRE, "Require", 0)                                                                                      \
	X(PROXY_REQUIRE, "Proxy-Require", 0)                                                                          \
	X(SUPPORTED, "Supported", 'k')                                                                                \
	X(UNSUPPORTED, "Unsupported", 0)                                                                              \
	X(ALLOW, "Allow", 0)                                                                                          \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 0)                                                                    \
	X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0)                                                                \
	X(AUTHORIZATION, "Authorization", 0)                                                                          \
	X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0)                                                              \
	X(EVENT, "Event", 'o')                                                                                        \
	X(REFER_TO, "Refer-To", 'r')                                                                                  \
	X(REFERRED_BY, "Referred-By", 'b')                                                                            \
	X(SUBJECT, "Subject", 's')                                                                                    \
	X(ALLOW_EVENTS, "Allow-Events", 'u')                                                                          \
	X(SESSION_EXPIRES, "Session-Expires", 'x')                                                                    \
	X(ACCEPT_CONTACT, "Accept-Contact", 'a')                                                                      \
	X(REJECT_CONTACT, "Reject-Contact", 'j')                                                                      \
	X(REQUEST_DISPOSITION, "Request-Disposition", 'd')                                                            \
	X(IDENTITY, "Identity", 'y')                                                                                  \
	X(RETRY_AFTER, "Retry-After", 0)                                                                              \
	X(RSEQ, "RSeq", 0)                                                                                            \
	X(RACK, "RAck", 0)                                                                                            \
	X(MIN_SE, "Min-SE", 0)                                                                                        \
	X(REPLACES, "Replaces", 0)                                                                                    \
	X(TIMESTAMP, "Timestamp", 0)

enum hdr_id {
	HDR_OTHER = 0,
#define SCAN_ENUM(id, name, compact) HDR_##id,
	SCAN_HEADERS(SCAN_ENUM)
#undef SCAN_ENUM
	HDR_COUNT
};

/* The number of a header name in any case or compact form. */
enum hdr_id hdr_lookup(struct slice name);
/* The full name, NULL for HDR_OTHER. */
const char *hdr_name(enum hdr_id id);
struct slice hdr_text(enum hdr_id id);

enum scan_flaw {
	SCAN_NOT_SIP = 1 << 0,         /* no SIP start line; nothing else is set */
	SCAN_TRUNCATED = 1 << 1,       /* no empty line ends the headers */
	SCAN_START_LINE = 1 << 2,      /* white space, a method or a status code that RFC 3261 25.1 does not allow */
	SCAN_VERSION = 1 << 3,         /* not SIP/2.0 */
	SCAN_HEADER_LINE = 1 << 4,     /* a line without a colon or with an impossible name */
	SCAN_MISSING = 1 << 5,         /* Via, From, To, Call-ID or CSeq absent (RFC 3261 8.1.1) */
	SCAN_DUPLICATE = 1 << 6,       /* a header twice that may stand once */
	SCAN_CSEQ = 1 << 7,            /* not "number method", or the number reaches 2**31 (then s->cseq is 0) */
	SCAN_CSEQ_METHOD = 1 << 8,     /* differs from the request line */
	SCAN_CONTENT_LENGTH = 1 << 9,  /* not a number */
	SCAN_BODY_SHORT = 1 << 10,     /* fewer bytes than Content-Length says (RFC 3261 18.3) */
	SCAN_BODY_LONG = 1 << 11,      /* more bytes; on a datagram they are dropped */
	SCAN_NUL = 1 << 12,            /* a NUL byte before the body that is no quoted-pair */
};

/* Names the first flaw for a person, e.g. "CSeq is malformed"; "" for 0. */
const char *scan_flaw_text(unsigned flaws);

struct scan_header {
	uint32_t name, value; /* offsets */
	uint32_t value_len;   /* trimmed; folded lines stand as they came */
	uint16_t name_len;
	uint16_t id;
};

struct scan {
	struct slice bytes;       /* what was scanned */
	struct slice method, uri; /* of a request */
	struct slice reason;      /* of a response */
	struct slice version;     /* "SIP/2.0" */
	struct slice via;         /* the first Via value, without what follows it after a comma */
	struct slice sent_by, branch; /* of that value; sent_by is empty when it cannot be found */
	struct slice call_id, from, to, from_tag, to_tag;
	struct slice cseq_method;
	struct slice body;        /* `p` NULL when the headers do not end */
	struct scan_header *headers;
	uint64_t present;         /* bit = hdr_id: there is such a header */
	uint32_t header_count;
	int32_t content_length; /* -1 absent, -2 malformed */
	uint32_t cseq;
	uint16_t status;        /* of a response; 0 when it is no number below 65536 */
	uint16_t flaws;
	bool request;
};

/* Fills `s` (any contents before). Fails with ERR_NOMEM only. End with scan_free(). */
int scan_message(struct scan *s, struct slice bytes);
void scan_free(struct scan *s);

/* The same without memory of its own, for messages, which keep their scan in one block with the bytes: false when the headers are
 * more than `room`, which scan_lines() of them never are. */
bool scan_into(struct scan *s, struct slice bytes, struct scan_header *headers, uint32_t room);
/* How many lines end before the body, the start line among them. */
uint32_t scan_lines(struct slice bytes);

struct slice scan_name(const struct scan *s, unsigned i);
struct slice scan_value(const struct scan *s, unsigned i);
/* Whether there is a header of that name, which is no HDR_OTHER. */
static inline bool scan_has(const struct scan *s, enum hdr_id id)
{
	return s->present & 1ull << id;
}
/* The value of the n-th (from 0) header of that name; `p` NULL when there is none. */
struct slice scan_header(const struct scan *s, enum hdr_id id, unsigned n);
struct slice scan_header_named(const struct scan *s, struct slice name, unsigned n);
/* The value of parameter `name` (any case) of a header value, outside quotes and angle brackets; of a list, of its first value.
 * A parameter without a value gives an empty one. Quotes stay. False if absent, then `*out` is as it was. */
bool scan_param(struct slice *out, struct slice value, const char *name);
/* Parameters of the top Via that say where an answer goes (RFC 3261 18.2.2, RFC 3581); `p` NULL: absent. */
struct scan_via {
	struct slice received, rport, maddr;
};
void scan_via_params(struct scan_via *v, const struct scan *s);
/* Host (brackets and all) and port of the top Via's sent-by; 5060 when it names none. False, with port 0, when what stands there
 * is no port. */
bool scan_sent_by(const struct scan *s, struct slice *host, uint16_t *port);

#endif

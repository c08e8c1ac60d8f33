/* What a user agent answers by itself, and the verdicts among that: whether a new request can be processed at all (RFC 3261 8.2).
 *
 * The checks stand in the order of RFC 3261 8.2; the first that finds something decides. They know headers, limits and methods,
 * and nothing of calls: what a request within a dialog gets is the dialog's business. */
#ifndef OFFHOOK_SIP_VERDICT_H
#define OFFHOOK_SIP_VERDICT_H

#include "core/buf.h"
#include "sip/build.h"

/* What a UA answers by itself when its user did not ask for the request. Each can be switched off; then the request waits for the
 * user (malformed, version, scheme, stray, and what has a method's name), or goes on to the next check (the others).
 * X(bit, name in scripts, what it does, RFC section) */
#define UA_ANSWERS(X)                                                                                                          \
	X(MALFORMED, "malformed", "400 with the flaw as reason phrase", "RFC 3261 21.4.1, 8.1.1, 18.3, 25.1")                  \
	X(VERSION, "version", "505 to another version than SIP/2.0", "RFC 3261 21.5.6")                                        \
	X(LARGE_MESSAGE, "large_message", "513 to a message longer than limits.message", "RFC 3261 21.5.7")                    \
	X(LONG_URI, "long_uri", "414 to a Request-URI longer than limits.uri", "RFC 3261 21.4.12")                             \
	X(LARGE_BODY, "large_body", "413 to a body longer than limits.body", "RFC 3261 21.4.11")                               \
	X(METHOD, "method", "405 with Allow to a method known but not supported, 501 to an unknown one", "RFC 3261 8.2.1")     \
	X(SCHEME, "scheme", "416 to a Request-URI that is not sip or sips", "RFC 3261 8.2.2.1")                                \
	X(STRAY, "stray", "481 to a request within an unknown dialog, and to a CANCEL, PRACK or NOTIFY that matches nothing",  \
	  "RFC 3261 12.2.2, 9.2, RFC 3262 3, RFC 6665 4.1.3")                                                                  \
	X(MERGED, "merged", "482 to a request that came already another way", "RFC 3261 8.2.2.2")                              \
	X(REQUIRE, "Require", "420 with Unsupported for an extension in Require", "RFC 3261 8.2.2.3")                          \
	X(EXTENSION, "extension", "421 with Require to an INVITE whose caller does not support all of `requires`", "RFC 3261 21.4.15") \
	X(CONTENT, "content", "415 with Accept or Accept-Encoding to a body that is not optional and not understood",          \
	  "RFC 3261 8.2.3")                                                                                                    \
	X(ENCRYPTED, "encrypted", "493 to a body encrypted for a key that is not here", "RFC 3261 21.4.27")                    \
	X(ACCEPT, "Accept", "406 to an INVITE whose Accept leaves no session description", "RFC 3261 21.4.7, 20.1")            \
	X(OPTIONS, "OPTIONS", "200 with Allow, Accept and Supported", "RFC 3261 11.2")                                         \
	X(BYE, "BYE", "200, and the call has ended", "RFC 3261 15.1.2")                                                        \
	X(CANCEL, "CANCEL", "200, and 487 to the INVITE", "RFC 3261 9.2")                                                      \
	X(REINVITE, "INVITE", "within a call: 200 with the session description as it was", "RFC 3261 14.2")                    \
	X(UPDATE, "UPDATE", "within a call: 200 with the session description as it was", "RFC 3311 5.2")                       \
	X(INFO, "INFO", "within a call: 200", "RFC 6086 4.2.2")                                                                \
	X(MEDIA, "media", "488 with Warning to an offer without an audio stream that this side has (PCMU or PCMA)",              \
	  "RFC 3261 14.2, RFC 3264 6")                                                                                         \
	X(NOTIFY, "NOTIFY", "within a subscription: 200", "RFC 6665 4.1.3")                                                    \
	X(SUBSCRIBE, "SUBSCRIBE", "within a subscription that was accepted: 200, and a NOTIFY with the last state",            \
	  "RFC 6665 4.2.1")                                                                                                    \
	X(PRACK, "PRACK", "within a call: 200, or 481 when it acknowledges nothing", "RFC 3262 3")                             \
	X(GLARE, "glare", "within a call: 491 to an INVITE, or an UPDATE with an offer, while ours is open, 500 while theirs is",    \
	  "RFC 3261 14.2, RFC 3311 5.2")                                                                                       \
	X(REPLACES, "Replaces", "481, 486 or 603 to an INVITE that replaces no call of ours; a BYE or CANCEL to the one replaced", \
	  "RFC 3891 3")                                                                                                        \
	X(SESSION, "session_timer", "422 to a session interval that is too small, the session timer that the caller asks for",      \
	  "RFC 4028 9")                                                                                                        \
	X(ORDER, "order", "500 to a CSeq lower than the last within a dialog", "RFC 3261 12.2.2")

/* Left out, on purpose. 483: a UAS processes a request whose Max-Forwards is 0 (RFC 3261 8.1.1.6: it limits proxies, 16.3). 485
 * needs users to choose from: a script's policy. 422, 488 and 491 judge sessions: the call's. */

enum ua_answer {
#define UA_ANSWER_ENUM(bit, name, what, section) UA_ANSWER_##bit##_,
	UA_ANSWERS(UA_ANSWER_ENUM)
#undef UA_ANSWER_ENUM
	UA_ANSWER_COUNT
};
#define UA_ANSWER(bit) (1u << UA_ANSWER_##bit##_)
#define UA_ANSWERS_ALL ((1u << UA_ANSWER_COUNT) - 1)

#define UA_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY"
#define UA_SUPPORTS "100rel, replaces, timer"

/* Sizes in bytes beyond which a request is refused; 0: the default. */
#define VERDICT_URI_MAX 8192     /* what sip/value.h takes apart */
#define VERDICT_BODY_MAX 65535   /* as a datagram */
#define VERDICT_MESSAGE_MAX 65535
struct verdict_limits {
	size_t uri, body, message;
};

struct verdict {
	unsigned status;            /* 0: none, the request may be processed */
	unsigned bit;               /* the UA_ANSWER that gave it */
	char reason[96];            /* of a 400, why; else "", the RFC's phrase */
	struct build_header header; /* `name.l` 0: none */
	struct buf value;           /* of that, where it is not static */
};

/* Before any user sees the request: 505, 513, 414, 413, 400, 501 (where METHOD is in `answers`), 416, 481. `answers`: the UA_ANSWER
 * bits switched on. */
void verdict_on_message(struct verdict *v, const struct scan *s, unsigned answers, const struct verdict_limits *limits);
/* When no user claimed it: 482 (the caller knows if it is `merged`), 405, 481, 420, 421, 493, 415, 406. `supports`: see below; `requires`: option
 * tags that a caller must support, a list like that of Supported. */
void verdict_on_request(struct verdict *v, const struct scan *s, unsigned answers, bool merged, struct slice supports,
			struct slice requires);
/* For a request within a dialog that nobody claimed: 405, 501, 481. */
void verdict_on_method(struct verdict *v, const struct scan *s, unsigned answers);
void verdict_free(struct verdict *v);

/* 420: the extensions of Require that are not in the list `supports`, as an Unsupported header. A status only if there are any. */
void verdict_on_require(struct verdict *v, const struct scan *s, struct slice supports);
/* Whether a header of that name (Require, Supported, Allow, ...), which may stand several times, lists the token. */
bool verdict_lists(const struct scan *s, enum hdr_id id, struct slice token);
/* Whether its body is a session description: application/sdp, or of no type at all. */
bool verdict_has_sdp(const struct scan *s);
/* The first thing wrong with the header values that a UAS must understand, into v->reason; false if all are well formed. */
bool verdict_on_syntax(struct verdict *v, const struct scan *s);

#endif

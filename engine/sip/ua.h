/* A user agent: an endpoint with an address of record, an account, an outbound proxy, and the manners of a decent UA.
 *
 * It builds requests, answers what nobody asked for (ua_answers), and hands new calls and requests to its user. */
#ifndef OFFHOOK_SIP_UA_H
#define OFFHOOK_SIP_UA_H

#include "sip/auth.h"
#include "sip/transaction.h"
#include "sip/verdict.h"

struct ua;
struct call;

/* Methods whose requests go to the user instead of being answered for it. */
#define UA_CLAIMS_MAX 8
#define UA_CLAIM_LEN 24
struct ua_claim {
	struct ua_claim *next; /* a reference: a call shares what its UA claimed before */
	char method[UA_CLAIM_LEN];
};
struct ua_claims {
	bool all;
	struct ua_claim *first; /* a reference; copy the struct with ua_claims_copy() */
};
/* Adds a method; `p` NULL: all of them. ERR_ARG when it is too long or one too many. */
int ua_claim(struct ua_claims *c, struct slice method, struct err *e);
bool ua_claimed(const struct ua_claims *c, struct slice method);
void ua_claims_copy(struct ua_claims *to, const struct ua_claims *from);
void ua_claims_free(struct ua_claims *c);

struct ua_handlers {
	/* A new call (an INVITE outside dialogs); the user takes a reference and says true, or it gets 480. */
	bool (*incoming)(struct ua *ua, struct call *call, void *arg);
	/* A request for the user: one it claims, or whose answer is switched off. True: it was taken, with its transaction. */
	bool (*request)(struct ua *ua, struct strans *st, void *arg);
	/* Told of everything the UA answered by itself. */
	void (*answered)(struct ua *ua, struct msg *request, unsigned status, void *arg);
	void *arg;
};

/* Session timers (RFC 4028). */
enum session_refresher { SESSION_ANY, SESSION_UAC, SESSION_UAS };
#define SESSION_MIN_SE 90
struct session_opts {
	uint32_t expires;            /* s; 0: none asked for */
	uint32_t min_se;             /* s; 0: SESSION_MIN_SE */
	enum session_refresher refresher;
};

struct ua_cfg {
	struct slice aor;            /* sip:user@domain */
	struct slice display;        /* may be empty */
	struct slice outbound_proxy; /* URI; p NULL: none. Goes out as a Route (RFC 3261 8.1.2) */
	struct slice contact_user;   /* p NULL: the AOR's user. At a shared transport it is the endpoint's */
	struct slice user_agent;     /* value of User-Agent; p NULL: none */
	struct auth_account account; /* username p NULL: the AOR's user */
	unsigned answers;            /* UA_ANSWER bits that are switched on */
	struct slice supports;       /* option tags, as in a Supported header; p NULL: UA_SUPPORTS */
	struct slice requires;       /* option tags that who calls must support; may be empty */
	struct session_opts session; /* what its calls ask for, and the least they take */
	struct verdict_limits limits;
};

struct ua {
	struct endpoint *ep;
	struct ua_handlers h;
	struct ua_cfg cfg;           /* its slices point into `text` */
	char *text;
	struct slice contact;        /* URI; it stands in <> in contact_value */
	struct slice from, contact_value; /* of our requests; From without its tag */
	struct slice route;          /* "<sip:proxy;lr>", p NULL without outbound proxy */
	struct ua_claims claims;     /* requests outside calls that the user wants */
	struct ua_claims in_calls;   /* what a new call claims from its beginning */
};

/* The endpoint's request handling becomes the UA's. Free with mem_deref() before the endpoint goes. */
int ua_alloc(struct ua **uap, struct endpoint *ep, const struct ua_cfg *cfg, const struct ua_handlers *h, struct err *e);
/* For the endpoint's handlers: a request that no transaction or dialog took. */
bool ua_receive(struct ua *ua, struct msg *m);
/* Answers a request as a decent UA would, or hands it to the user; for requests outside dialogs. Owns `st`'s reference. */
void ua_answer(struct ua *ua, struct strans *st);
bool ua_answers(const struct ua *ua, unsigned bit);
/* 420 to a Require that is not supported; true if it was answered. */
bool ua_refuse_require(struct ua *ua, struct strans *st);
/* A header line set for responses: Allow, User-Agent as Server... */
void ua_reply(struct ua *ua, struct strans *st, unsigned status, const char *reason, const struct build_header *extra,
	      unsigned extra_count);

/* What a script says of a request; everything may be left out. */
struct ua_request {
	struct slice uri;            /* Request-URI; needed outside dialogs */
	struct slice to, from;       /* whole values, without tag for From */
	const struct build_header *extra;
	unsigned extra_count;
	struct slice content_type, body;
	struct slice call_id;
	struct slice from_tag;       /* p NULL: a fresh one */
	uint32_t cseq;               /* 0: 1 */
	bool no_contact;
	bool no_proxy;               /* not by way of the UA's outbound proxy */
	bool no_sdp;                 /* an INVITE within a call: none of our own making */
	bool no_ack;                 /* an INVITE within a call: the user sends the ACK to its 2xx */
	bool retry_glare;            /* an INVITE within a call: after a 491 again, at the time of RFC 3261 14.1 */
	bool sdp;                    /* a request within a call: a session description of our own, also where none is usual */
	const char *direction;       /* of that, from sdp_direction(); NULL: as it was */
	const struct addr *dst;      /* p NULL: found by Route or URI */
	const struct ctrans_opts *trans; /* NULL: as the endpoint does */
};
/* Builds a request outside dialogs. `lines`: credentials. Destination in `*dst`. */
int ua_build(struct ua *ua, struct buf *out, struct addr *dst, struct slice method, const struct ua_request *r,
	     struct slice lines, struct err *e);

/* --- one request with its retries --- */
struct uac;
/* Provisionals, the final response when no challenge is left to answer, and repeated 2xx of an INVITE. `why`: of a 401 or 407 that was
 * not answered, the reason; else NULL. */
typedef void(uac_response_h)(struct uac *uac, struct msg *m, const char *why, void *arg);

struct uac {
	struct ua *ua;
	struct auth *auth;           /* the owner's */
	struct ctrans *ct;           /* the transaction under way */
	struct msg *request;         /* as sent last */
	struct addr dst;
	struct ctrans_opts opts;
	uint32_t *cseq;              /* the owner's counter; counted up by a retry */
	unsigned challenges;         /* 401 and 407 that came */
	struct auth_attempts attempts; /* answers to them */
	unsigned again;              /* times it went out again after a 422 or 491 */
	bool cancelled;
	uac_response_h *h;
	void *arg;
	/* Sees each response before `h`, which does not get it if this says true. */
	bool (*first)(struct uac *uac, struct msg *m, void *arg);
	void *first_arg;
	/* Told that the transaction is over; `first_arg` is its argument too. It may free the uac. */
	void (*over)(struct uac *uac, void *arg);
	bool answered;               /* an INVITE or UPDATE within a dialog has its 2xx */
	bool no_ack, retry_glare;    /* see ua_request */
	const char *before;          /* of an offer within a call: the direction that its refusal leaves */
	struct kept *ack;        /* to that */
};

/* Sends `request` and answers challenges with the UA's account. `ua`, `auth` and `cseq` must outlive it. Free with mem_deref(): the
 * transaction then goes on by itself. */
int uac_alloc(struct uac **uacp, struct ua *ua, struct auth *auth, uint32_t *cseq, struct msg *request, const struct addr *dst,
	      const struct ctrans_opts *opts, uac_response_h *h, void *arg, struct err *e);
/* Sends `m` in the place of the request under way, which is over: its responses go where those went. */
int uac_send(struct uac *uac, struct msg *m, const struct addr *dst, struct err *e);
/* A new request follows in the place of the last, e.g. a refresh: what was counted for that counts no more. */
void uac_begin(struct uac *uac);
/* Whether it may go out again after a 422 or 491: not for ever, and not after its CANCEL. */
#define UAC_AGAIN_MAX 10
bool uac_may_again(const struct uac *uac);
/* The CSeq of the next try. */
uint32_t uac_next_cseq(const struct uac *uac);
/* The same request as a new transaction: fresh branch, the CSeq given, credentials for every realm in `auth`. */
int uac_again(struct msg **mp, struct ua *ua, struct auth *auth, const struct msg *request, uint32_t cseq, struct err *e);

#endif

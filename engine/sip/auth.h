/* The client's side of authentication over several requests: which realms challenged, with what, how often their nonces were used;
 * and for each request how many answers were refused (RFC 3261 22, RFC 8760). */
#ifndef OFFHOOK_SIP_AUTH_H
#define OFFHOOK_SIP_AUTH_H

#include "sip/digest.h"
#include "sip/msg.h"

struct rnd;

/* Who answers challenges. Owned by the UA; strings live as long as it. */
struct auth_account {
	struct slice username, password;
	struct slice ha1;           /* in place of the password */
	unsigned max_attempts;      /* answers per request and realm, below 65536, until a challenge is final; a stale one is not counted */
	unsigned algs;              /* DIGEST_ALG_BIT set; 0: all */
	bool prefer_auth_int;
};

#define AUTH_MAX_REALMS 8
#define AUTH_MAX_STALE 4 /* answers beyond max_attempts, where the challenge says stale */

struct auth_realm {
	struct auth_realm *next;
	struct digest_challenge c;  /* slices of `text` */
	uint32_t nc;
	char text[];                /* the challenge */
};

/* Zero it before first use. */
struct auth {
	struct auth_realm *realms;  /* those that challenged, in that order; at most AUTH_MAX_REALMS */
};

void auth_free(struct auth *a);

/* Answers of one request to each realm of its `auth`: several may be under way with the same credentials. Zero it when a request begins. */
struct auth_attempts {
	uint16_t of[AUTH_MAX_REALMS];
};

enum auth_verdict {
	AUTH_ANSWER,      /* every realm that can be answered was noted: send again with auth_lines() */
	AUTH_EXHAUSTED,   /* max_attempts are used up */
	AUTH_UNSUPPORTED, /* no challenge that this account can answer */
};
/* Takes the challenges of a 401 or 407, and counts. The reason in `e` unless AUTH_ANSWER. */
enum auth_verdict auth_challenged(struct auth *a, struct auth_attempts *attempts, const struct msg *response,
				  const struct auth_account *account, struct err *e);

/* Appends a header line (Authorization or Proxy-Authorization) for each realm known; nothing when there is none. Counts the nonces' uses;
 * cnonces come from `rnd`. */
int auth_lines(struct auth *a, struct buf *out, const struct auth_account *account, struct slice method, struct slice uri,
	       struct slice body, struct rnd *rnd, struct err *e);

#endif

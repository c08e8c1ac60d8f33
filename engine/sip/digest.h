/* Digest authentication, both sides: RFC 3261 section 22, RFC 7616, RFC 8760 (and RFC 2069 where there is no qop).
 *
 * Parsed challenges and credentials are slices into the caller's bytes. Values that were quoted are without their
 * quotes but with their backslashes: so unq() of RFC 7616 3.4 hashes them, and so they are echoed. Nonces, cnonces and
 * the time are passed in; nothing here is random.
 *
 * Functions return 0 or an err_code with the reason in `e` (may be NULL). */
#ifndef OFFHOOK_SIP_DIGEST_H
#define OFFHOOK_SIP_DIGEST_H

#include "core/buf.h"
#include "core/err.h"
#include "core/slice.h"

/* Longest challenge or credentials value taken, in bytes, and most parameters in one. */
#define DIGEST_MAX_LEN 8192
#define DIGEST_MAX_PARAMS 64
/* The longest response in hex, with its NUL. */
#define DIGEST_HEX_SIZE 65

enum digest_alg {
	DIGEST_ALG_UNKNOWN = 0,
	DIGEST_MD5,
	DIGEST_MD5_SESS,
	DIGEST_SHA_256,
	DIGEST_SHA_256_SESS,
	DIGEST_SHA_512_256,
	DIGEST_SHA_512_256_SESS,
};

/* Bits for a set of algorithms. */
#define DIGEST_ALG_BIT(alg) (1u << (alg))
#define DIGEST_ALGS_ALL 0x7eu

enum digest_qop {
	DIGEST_QOP_NONE = 0, /* RFC 2069 */
	DIGEST_QOP_AUTH,
	DIGEST_QOP_AUTH_INT,
	DIGEST_QOP_UNKNOWN,
};

/* "MD5", "SHA-512-256-sess", ...; "unknown" */
const char *digest_alg_name(enum digest_alg alg);
/* Case folded; an empty name is MD5 (RFC 7616 3.3: the default). */
enum digest_alg digest_alg_from(struct slice name);
/* "", "auth", "auth-int"; "unknown" */
const char *digest_qop_name(enum digest_qop qop);
enum digest_qop digest_qop_from(struct slice name);
/* Fetches the algorithms from OpenSSL, once for the process; any function here calls it. ERR_ENV names what is missing.
 */
int digest_init(struct err *e);

/* ---- the computation ---- */

struct digest_input {
	enum digest_alg alg;
	enum digest_qop qop;
	struct slice username, realm, password;
	struct slice ha1; /* if l > 0, in hex and in place of the three: H(username:realm:password), also for -sess */
	struct slice nonce, nc,
	    cnonce; /* as on the wire; nc and cnonce unused for RFC 2069 (cnonce is used by -sess) */
	struct slice method, uri, body; /* body: for auth-int */
};

/* The response in lower case hex (RFC 7616 3.4.1). */
int digest_response(char out[DIGEST_HEX_SIZE], const struct digest_input *in, struct err *e);
/* H(username:realm:password) in lower case hex. */
int digest_ha1(char out[DIGEST_HEX_SIZE], enum digest_alg alg, struct slice username, struct slice realm,
	       struct slice password, struct err *e);

/* ---- client ---- */

/* One WWW-Authenticate or Proxy-Authenticate value. Slices have p NULL where the parameter is absent. */
struct digest_challenge {
	struct slice raw;
	struct slice scheme; /* "Digest"; of another scheme nothing else is set */
	bool proxy;          /* from Proxy-Authenticate: the caller's to set; kept apart by digest_choose */
	struct slice realm, nonce, opaque, domain;
	struct slice alg_name; /* as written */
	enum digest_alg alg;
	bool stale;
	struct slice qop; /* the list as written */
	bool has_qop, qop_auth, qop_auth_int;
	bool userhash; /* offered; not used */
};

/* ERR_PARSE says what is missing or malformed. A scheme other than Digest is no error: see `scheme`. */
int digest_challenge_parse(struct digest_challenge *out, struct slice value, struct err *e);
bool digest_challenge_is_digest(const struct digest_challenge *c);

/* What to do about one realm. */
struct digest_choice {
	const struct digest_challenge *use; /* answer this one; NULL: none of the realm is supported */
	const struct digest_challenge *top; /* the first of the realm, to say what was asked for */
};

/* For each realm (Proxy- and WWW- apart) of the challenges of one response, in the order they came, the topmost that is
 * supported (RFC 8760 2.4: the server lists its preferred first): scheme Digest, an algorithm in `algs`
 * (DIGEST_ALGS_ALL), and no qop or one of auth and auth-int. Returns the number of realms, of which at most `max` are
 * written. */
size_t digest_choose(struct digest_choice *choices, size_t max, const struct digest_challenge *all, size_t count,
		     unsigned algs);

/* What the client brings to a challenge. */
struct digest_client {
	struct slice username;      /* plain; written and hashed with '"' and '\' escaped */
	struct slice password, ha1; /* ha1 as in digest_input */
	struct slice method, uri, body;
	struct slice cnonce;  /* needed with qop and with -sess */
	uint32_t nc;          /* how often this nonce was used, this time included: 1, 2, ... */
	bool prefer_auth_int; /* where the challenge offers auth and auth-int; auth is taken otherwise */
};

/* Appends the credentials, "Digest username=...", for an Authorization or Proxy-Authorization header. ERR_ARG if the
 * challenge is not one that digest_choose would have taken, or the cnonce is missing. */
int digest_authorize(struct buf *out, const struct digest_challenge *c, const struct digest_client *client,
		     struct err *e);

/* ---- server ---- */

struct digest_challenge_params {
	struct slice realm, nonce;
	struct slice opaque, domain; /* left out if p is NULL */
	enum digest_alg alg;         /* DIGEST_ALG_UNKNOWN: no algorithm parameter, which means MD5 */
	bool qop_auth, qop_auth_int; /* neither: no qop parameter, which means RFC 2069 */
	bool stale;
};

/* Appends a challenge, "Digest realm=...", for WWW-Authenticate or Proxy-Authenticate. Values are plain and get quoted.
 */
int digest_challenge_write(struct buf *out, const struct digest_challenge_params *p);

/* One Authorization or Proxy-Authorization value. Slices have p NULL where the parameter is absent. */
struct digest_credentials {
	struct slice raw;
	struct slice scheme; /* as for a challenge */
	struct slice username, realm, nonce, uri, response, cnonce, opaque;
	struct slice alg_name, qop_name, nc_text; /* as written */
	enum digest_alg alg;
	enum digest_qop qop;
	uint32_t nc; /* 0 if absent */
	bool userhash;
};

/* ERR_PARSE says what is missing or malformed (RFC 7616 3.4: username, realm, nonce, uri and response are needed, with
 * qop nc and cnonce too). */
int digest_credentials_parse(struct digest_credentials *out, struct slice value, struct err *e);

/* Whether a value as it stands between quotes, with its backslashes, is this plain text. */
bool digest_text_eq(struct slice raw, struct slice plain);

enum digest_verdict {
	DIGEST_OK = 0,
	DIGEST_MISSING,   /* no credentials, or not Digest */
	DIGEST_WRONG,     /* wrong password, user, realm, or an algorithm or qop that was not offered */
	DIGEST_STALE,     /* right, but with an expired or unknown nonce: challenge again with stale=true */
	DIGEST_REPLAY,    /* right, but nc is not larger than the last one used with this nonce */
	DIGEST_MALFORMED, /* not to be parsed */
	DIGEST_URI,       /* right, but for another URI than the Request-URI */
	DIGEST_FAILED,    /* could not be computed: out of memory, or no such algorithm in OpenSSL */
};

/* "ok", "missing", "wrong", "stale", "replay", "malformed", "uri", "failed" */
const char *digest_verdict_name(enum digest_verdict v);

struct digest_nonces;

struct digest_expect {
	struct slice realm;         /* plain */
	struct slice username;      /* plain; p NULL: any, whose password then is `password` */
	struct slice password, ha1; /* ha1 as in digest_input, for the algorithm that the credentials name */
	struct slice method, body;
	struct slice request_uri;     /* p NULL: not compared */
	unsigned algs;                /* DIGEST_ALG_BIT set of what was offered; 0: all */
	bool require_qop;             /* credentials without qop are wrong */
	struct slice nonce;           /* if l > 0, the only nonce taken: another one is stale */
	struct digest_nonces *nonces; /* NULL: any nonce, any nc */
	uint64_t now, lifetime;       /* ns, for `nonces`; lifetime 0: for ever */
};

/* The verdict on one credentials value (p NULL: there was none), the reason in `e` (may be NULL) unless DIGEST_OK. */
enum digest_verdict digest_verify(struct slice value, const struct digest_expect *x, struct err *e);

/* The nonces a server has issued: bounded; when it is full the oldest is forgotten, and so becomes stale. */
#define DIGEST_NONCES_MAX 4096
/* Longest nonce kept, in bytes. */
#define DIGEST_NONCE_LEN 128

/* Room for `max` nonces (DIGEST_NONCES_MAX); mem_deref() frees it. */
int digest_nonces_alloc(struct digest_nonces **out, size_t max, struct err *e);
/* Remembers a nonce as issued at `now` (ns); issuing it again starts it anew. ERR_ARG: longer than DIGEST_NONCE_LEN. */
int digest_nonces_issue(struct digest_nonces *n, struct slice nonce, uint64_t now, struct err *e);
/* DIGEST_OK, DIGEST_STALE or DIGEST_REPLAY; DIGEST_OK takes note of `nc`. nc 0 is RFC 2069, which counts nothing. */
enum digest_verdict digest_nonces_check(struct digest_nonces *n, struct slice nonce, uint32_t nc, uint64_t now,
					uint64_t lifetime);
size_t digest_nonces_count(const struct digest_nonces *n);

#endif

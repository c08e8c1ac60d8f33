#include "sip/digest_priv.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "core/mem.h"
#include "sip/value.h"

/* ---- names ---- */

static const char *const alg_names[] = {"unknown",      "MD5",         "MD5-sess",        "SHA-256",
					"SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"};
#define ALG_COUNT (sizeof(alg_names) / sizeof(*alg_names))

static const char *const qop_names[] = {"", "auth", "auth-int", "unknown"};

const char *digest_alg_name(enum digest_alg alg)
{
	return alg_names[(size_t)alg < ALG_COUNT ? alg : DIGEST_ALG_UNKNOWN];
}

enum digest_alg digest_alg_from(struct slice name)
{
	if (!name.l)
		return DIGEST_MD5;
	for (size_t i = DIGEST_MD5; i < ALG_COUNT; i++)
		if (slice_case_eq(name, slice_str(alg_names[i])))
			return (enum digest_alg)i;
	return DIGEST_ALG_UNKNOWN;
}

const char *digest_qop_name(enum digest_qop qop)
{
	return qop_names[(unsigned)qop < DIGEST_QOP_UNKNOWN ? qop : DIGEST_QOP_UNKNOWN];
}

enum digest_qop digest_qop_from(struct slice name)
{
	if (!name.l)
		return DIGEST_QOP_NONE;
	if (slice_case_eq(name, SLICE_LIT("auth")))
		return DIGEST_QOP_AUTH;
	if (slice_case_eq(name, SLICE_LIT("auth-int")))
		return DIGEST_QOP_AUTH_INT;
	return DIGEST_QOP_UNKNOWN;
}

const char *digest_verdict_name(enum digest_verdict v)
{
	switch (v) {
	case DIGEST_OK:
		return "ok";
	case DIGEST_MISSING:
		return "missing";
	case DIGEST_WRONG:
		return "wrong";
	case DIGEST_STALE:
		return "stale";
	case DIGEST_REPLAY:
		return "replay";
	case DIGEST_MALFORMED:
		return "malformed";
	case DIGEST_URI:
		return "uri";
	case DIGEST_FAILED:
		break;
	}
	return "failed";
}

/* ---- hashing ---- */

static EVP_MD *mds[ALG_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	mds[DIGEST_MD5] = mds[DIGEST_MD5_SESS] = EVP_MD_fetch(NULL, "MD5", NULL);
	mds[DIGEST_SHA_256] = mds[DIGEST_SHA_256_SESS] = EVP_MD_fetch(NULL, "SHA256", NULL);
	mds[DIGEST_SHA_512_256] = mds[DIGEST_SHA_512_256_SESS] = EVP_MD_fetch(NULL, "SHA512-256", NULL);
}

int digest_init(struct err *e)
{
	pthread_once(&once, fetch);
	for (size_t i = DIGEST_MD5; i < ALG_COUNT; i++)
		if (!mds[i])
			return err_set(e, ERR_ENV,
				       "OpenSSL has no %s here (a FIPS provider?); see openssl list -digest-algorithms",
				       alg_names[i]);
	return 0;
}

static const EVP_MD *md_of(enum digest_alg alg)
{
	pthread_once(&once, fetch);
	return (size_t)alg < ALG_COUNT ? mds[alg] : NULL;
}

/* H(part:part:...) in hex. */
static int hash(char out[DIGEST_HEX_SIZE], EVP_MD_CTX *ctx, const EVP_MD *md, const struct slice *parts, size_t count)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!EVP_DigestInit_ex2(ctx, md, NULL))
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		if ((i && !EVP_DigestUpdate(ctx, ":", 1)) ||
		    (parts[i].l && !EVP_DigestUpdate(ctx, parts[i].p, parts[i].l)))
			return ERR_NOMEM;
	if (!EVP_DigestFinal_ex(ctx, sum, &len) || 2 * len >= DIGEST_HEX_SIZE)
		return ERR_NOMEM;
	for (unsigned i = 0; i < len; i++) {
		out[2 * i] = hex[sum[i] >> 4];
		out[2 * i + 1] = hex[sum[i] & 15];
	}
	out[2 * len] = '\0';
	return 0;
}

static int response(char out[DIGEST_HEX_SIZE], EVP_MD_CTX *ctx, const EVP_MD *md, const struct digest_input *in)
{
	const struct slice user[] = {in->username, in->realm, in->password};
	char ha1[DIGEST_HEX_SIZE] = "", ha2[DIGEST_HEX_SIZE] = "", hbody[DIGEST_HEX_SIZE] = "";
	struct slice h1 = in->ha1;
	int r = 0;

	if (!h1.l) {
		r = hash(ha1, ctx, md, user, 3);
		h1 = slice_str(ha1);
	}
	if (!r && digest_alg_is_sess(in->alg)) {
		const struct slice sess[] = {h1, in->nonce, in->cnonce};
		char a1[DIGEST_HEX_SIZE];

		if (!(r = hash(a1, ctx, md, sess, 3)))
			memcpy(ha1, a1, sizeof(a1));
		h1 = slice_str(ha1);
	}
	if (!r && in->qop == DIGEST_QOP_AUTH_INT)
		r = hash(hbody, ctx, md, &in->body, 1);
	if (!r) {
		const struct slice a2[] = {in->method, in->uri, slice_str(hbody)};

		r = hash(ha2, ctx, md, a2, in->qop == DIGEST_QOP_AUTH_INT ? 3 : 2);
	}
	if (!r && in->qop == DIGEST_QOP_NONE) {
		const struct slice all[] = {h1, in->nonce, slice_str(ha2)};

		r = hash(out, ctx, md, all, 3);
	} else if (!r) {
		const struct slice all[] = {
		    h1, in->nonce, in->nc, in->cnonce, slice_str(digest_qop_name(in->qop)), slice_str(ha2)};

		r = hash(out, ctx, md, all, 6);
	}
	OPENSSL_cleanse(ha1, sizeof(ha1));
	return r;
}

static int no_md(enum digest_alg alg, struct err *e)
{
	return alg > DIGEST_ALG_UNKNOWN && (size_t)alg < ALG_COUNT ? digest_init(e)
								   : err_set(e, ERR_ARG, "digest: not an algorithm");
}

int digest_response(char out[DIGEST_HEX_SIZE], const struct digest_input *in, struct err *e)
{
	const EVP_MD *md = md_of(in->alg);
	EVP_MD_CTX *ctx = NULL;
	int r = ERR_NOMEM;

	if (!md)
		return no_md(in->alg, e);
	if ((unsigned)in->qop >= DIGEST_QOP_UNKNOWN)
		return err_set(e, ERR_ARG, "digest: not a qop");
	ctx = mem_should_fail() ? NULL : EVP_MD_CTX_new();
	if (ctx)
		r = response(out, ctx, md, in);
	if (r)
		err_set(e, r, "digest: out of memory");
	EVP_MD_CTX_free(ctx);
	return r;
}

int digest_ha1(char out[DIGEST_HEX_SIZE], enum digest_alg alg, struct slice username, struct slice realm,
	       struct slice password, struct err *e)
{
	const struct slice user[] = {username, realm, password};
	const EVP_MD *md = md_of(alg);
	EVP_MD_CTX *ctx = NULL;
	int r = ERR_NOMEM;

	if (!md)
		return no_md(alg, e);
	ctx = mem_should_fail() ? NULL : EVP_MD_CTX_new();
	if (ctx)
		r = hash(out, ctx, md, user, 3);
	if (r)
		err_set(e, r, "digest: out of memory");
	EVP_MD_CTX_free(ctx);
	return r;
}

/* ---- client ---- */

static bool usable(const struct digest_challenge *c, unsigned algs)
{
	return digest_challenge_is_digest(c) && c->alg != DIGEST_ALG_UNKNOWN && (algs & DIGEST_ALG_BIT(c->alg)) &&
	       (!c->has_qop || c->qop_auth || c->qop_auth_int);
}

size_t digest_choose(struct digest_choice *choices, size_t max, const struct digest_challenge *all, size_t count,
		     unsigned algs)
{
	size_t realms = 0;

	for (size_t i = 0; i < count; i++) {
		const struct digest_challenge *use = NULL;
		bool seen = false;

		for (size_t k = 0; k < count; k++) {
			if (all[k].proxy != all[i].proxy || !slice_eq(all[k].realm, all[i].realm))
				continue;
			seen |= k < i;
			if (!use && usable(&all[k], algs))
				use = &all[k];
		}
		if (seen)
			continue;
		if (realms < max)
			choices[realms] = (struct digest_choice){.use = use, .top = &all[i]};
		realms++;
	}
	return realms;
}

/* `plain` as it stands between quotes. */
static struct slice escaped(struct buf *b, struct slice plain)
{
	value_quote(b, plain);
	return b->failed ? SLICE_NONE : (struct slice){(const char *)b->p + 1, b->len - 2};
}

static void put_quoted(struct buf *out, const char *name, struct slice raw)
{
	buf_puts(out, name);
	buf_puts(out, "=\"");
	buf_put_slice(out, raw);
	buf_puts(out, "\"");
}

static bool quotable(struct slice s)
{
	for (size_t i = 0; i < s.l; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

int digest_authorize(struct buf *out, const struct digest_challenge *c, const struct digest_client *client,
		     struct err *e)
{
	struct digest_input in = {
	    .alg = c->alg,
	    .realm = c->realm,
	    .password = client->password,
	    .ha1 = client->ha1,
	    .nonce = c->nonce,
	    .cnonce = client->cnonce,
	    .method = client->method,
	    .body = client->body,
	};
	char hex[DIGEST_HEX_SIZE], nc[9];
	struct buf user = {0}, uri = {0};
	bool with_cnonce;
	int r;

	if (!usable(c, DIGEST_ALGS_ALL))
		return err_set(e, ERR_ARG,
			       "this challenge cannot be answered: scheme \"%.*s\", algorithm \"%.*s\", qop \"%.*s\"",
			       SLICE_ARG(c->scheme), SLICE_ARG(c->alg_name), SLICE_ARG(c->qop));
	if (c->has_qop)
		in.qop = c->qop_auth_int && (client->prefer_auth_int || !c->qop_auth) ? DIGEST_QOP_AUTH_INT
										      : DIGEST_QOP_AUTH;
	with_cnonce = in.qop != DIGEST_QOP_NONE || digest_alg_is_sess(in.alg);
	if (with_cnonce && !client->cnonce.l)
		return err_set(e, ERR_ARG, "digest: this challenge needs a cnonce");
	if (!quotable(client->username) || !quotable(client->uri) || !quotable(client->cnonce) ||
	    (client->cnonce.l &&
	     (memchr(client->cnonce.p, '"', client->cnonce.l) || memchr(client->cnonce.p, '\\', client->cnonce.l))))
		return err_set(e, ERR_ARG, "digest: a control character in username or uri, or a quote in cnonce");
	snprintf(nc, sizeof(nc), "%08x", (unsigned)client->nc);
	in.nc = slice_str(nc);
	in.username = escaped(&user, client->username);
	in.uri = escaped(&uri, client->uri);
	r = user.failed || uri.failed ? err_set(e, ERR_NOMEM, "digest: out of memory") : digest_response(hex, &in, e);
	if (r)
		goto out;

	put_quoted(out, "Digest username", in.username);
	put_quoted(out, ", realm", c->realm);
	put_quoted(out, ", nonce", c->nonce);
	put_quoted(out, ", uri", in.uri);
	put_quoted(out, ", response", slice_str(hex));
	/* echoed only if it was given: RFC 2069 peers know none */
	if (c->alg_name.p)
		buf_printf(out, ", algorithm=%s", digest_alg_name(c->alg));
	if (with_cnonce)
		put_quoted(out, ", cnonce", client->cnonce);
	if (c->opaque.p)
		put_quoted(out, ", opaque", c->opaque);
	if (in.qop != DIGEST_QOP_NONE)
		buf_printf(out, ", qop=%s, nc=%s", digest_qop_name(in.qop), nc);
	if (out->failed)
		r = err_set(e, ERR_NOMEM, "digest: out of memory");
out:
	buf_free(&user);
	buf_free(&uri);
	return r;
}

/* ---- server ---- */

int digest_challenge_write(struct buf *out, const struct digest_challenge_params *p)
{
	buf_puts(out, "Digest realm=");
	value_quote(out, p->realm);
	if (p->domain.p) {
		buf_puts(out, ", domain=");
		value_quote(out, p->domain);
	}
	buf_puts(out, ", nonce=");
	value_quote(out, p->nonce);
	if (p->opaque.p) {
		buf_puts(out, ", opaque=");
		value_quote(out, p->opaque);
	}
	if (p->stale)
		buf_puts(out, ", stale=true");
	if (p->alg != DIGEST_ALG_UNKNOWN)
		buf_printf(out, ", algorithm=%s", digest_alg_name(p->alg));
	if (p->qop_auth || p->qop_auth_int)
		buf_printf(out, ", qop=\"%s%s%s\"", p->qop_auth ? "auth" : "",
			   p->qop_auth && p->qop_auth_int ? "," : "", p->qop_auth_int ? "auth-int" : "");
	return out->failed ? ERR_NOMEM : 0;
}

bool digest_text_eq(struct slice raw, struct slice plain)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.l; i++, n++) {
		if (raw.p[i] == '\\' && i + 1 < raw.l)
			i++;
		if (n == plain.l || raw.p[i] != plain.p[n])
			return false;
	}
	return n == plain.l;
}

/* RFC 3261 22.4, RFC 7616 3.4.6: they must name the same resource, though a proxy may have rewritten one's spelling. */
static int uri_eq(bool *eq, struct slice a, struct slice b)
{
	struct value_uri *x = NULL, *y = NULL;
	int r = 0;

	*eq = digest_text_eq(a, b);
	if (*eq)
		goto out;
	r = value_uri_parse(&x, a, NULL);
	if (!r)
		r = value_uri_parse(&y, b, NULL);
	if (!r)
		*eq = value_uri_eq(x, y);
	if (r == ERR_PARSE)
		r = 0; /* not the same bytes, and not comparable otherwise */
out:
	mem_deref(x);
	mem_deref(y);
	return r;
}

static enum digest_verdict say(struct err *e, enum digest_verdict v, const char *why, struct slice what)
{
	const int code = v == DIGEST_FAILED ? ERR_NOMEM : v == DIGEST_MALFORMED ? ERR_PARSE : ERR_NOT_NOW;

	if (what.l > 120)
		what.l = 120;
	if (what.p)
		err_set(e, code, "%s \"%.*s\"", why, SLICE_ARG(what));
	else
		err_set(e, code, "%s", why);
	return v;
}

enum digest_verdict digest_verify(struct slice value, const struct digest_expect *x, struct err *e)
{
	const unsigned algs = x->algs ? x->algs : DIGEST_ALGS_ALL;
	struct digest_credentials c;
	char hex[DIGEST_HEX_SIZE];
	struct digest_input in;
	enum digest_verdict v;
	bool same = true;

	if (!value.p)
		return say(e, DIGEST_MISSING, "no credentials", SLICE_NONE);
	if (digest_credentials_parse(&c, value, e))
		return DIGEST_MALFORMED;
	if (!slice_case_eq(c.scheme, SLICE_LIT("Digest")))
		return say(e, DIGEST_MISSING, "credentials of the scheme", c.scheme);
	if (!digest_text_eq(c.realm, x->realm))
		return say(e, DIGEST_WRONG, "credentials for the realm", c.realm);
	if (x->username.p && !digest_text_eq(c.username, x->username))
		return say(e, DIGEST_WRONG, "unknown user", c.username);
	if (c.alg == DIGEST_ALG_UNKNOWN || !(algs & DIGEST_ALG_BIT(c.alg)))
		return say(e, DIGEST_WRONG, "an algorithm that was not offered:", c.alg_name);
	if (c.qop == DIGEST_QOP_UNKNOWN || (c.qop == DIGEST_QOP_NONE && x->require_qop))
		return say(e, DIGEST_WRONG, "a qop that was not offered:", c.qop_name);

	in = (struct digest_input){
	    .alg = c.alg,
	    .qop = c.qop,
	    .username = c.username,
	    .realm = c.realm,
	    .password = x->password,
	    .ha1 = x->ha1,
	    .nonce = c.nonce,
	    .nc = c.nc_text,
	    .cnonce = c.cnonce,
	    .method = x->method,
	    .uri = c.uri,
	    .body = x->body,
	};
	if (digest_response(hex, &in, e))
		return DIGEST_FAILED;
	if (c.response.l != strlen(hex) || CRYPTO_memcmp(c.response.p, hex, c.response.l))
		return say(e, DIGEST_WRONG, "wrong password for the user", c.username);
	if (x->request_uri.p && uri_eq(&same, c.uri, x->request_uri))
		return say(e, DIGEST_FAILED, "out of memory", SLICE_NONE);
	if (!same)
		return say(e, DIGEST_URI, "credentials for another URI:", c.uri);
	if (x->nonce.l && !digest_text_eq(c.nonce, x->nonce))
		return say(e, DIGEST_STALE, "not the nonce expected:", c.nonce);
	if (x->nonces) {
		v = digest_nonces_check(x->nonces, c.nonce, c.nc, x->now, x->lifetime);
		if (v != DIGEST_OK)
			return say(e, v, v == DIGEST_STALE ? "an unknown or expired nonce:" : "nc was used before:",
				   v == DIGEST_STALE ? c.nonce : c.nc_text);
	}
	return DIGEST_OK;
}

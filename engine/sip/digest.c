/* OpenSSL has a type of that name, core/err.h a constant. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/crypto.h>
#include <openssl/evp.h>
#undef ERR_STATE

#include "sip/digest.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

#include "core/mem.h"
#include "sip/value.h"

/* ---- names ---- */

static const char *const alg_names[] = {"unknown",     "MD5",         "MD5-sess",        "SHA-256", "SHA-256-sess",
					"SHA-512-256", "SHA-512-256-sess"};
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

static bool alg_is_sess(enum digest_alg alg)
{
	return alg == DIGEST_MD5_SESS || alg == DIGEST_SHA_256_SESS || alg == DIGEST_SHA_512_256_SESS;
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
			return err_set(e, ERR_ENV, "OpenSSL has no %s here (a FIPS provider?); see openssl list -digest-algorithms",
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
		if ((i && !EVP_DigestUpdate(ctx, ":", 1)) || (parts[i].l && !EVP_DigestUpdate(ctx, parts[i].p, parts[i].l)))
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
	char ha1[DIGEST_HEX_SIZE], ha2[DIGEST_HEX_SIZE], hbody[DIGEST_HEX_SIZE];
	struct slice h1 = in->ha1;
	int r = 0;

	if (!h1.l) {
		r = hash(ha1, ctx, md, user, 3);
		h1 = slice_str(ha1);
	}
	if (!r && alg_is_sess(in->alg)) {
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
		const struct slice all[] = {h1,	       in->nonce, in->nc, in->cnonce, slice_str(digest_qop_name(in->qop)),
					    slice_str(ha2)};

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

int digest_ha1(char out[DIGEST_HEX_SIZE], enum digest_alg alg, struct slice username, struct slice realm, struct slice password,
	       struct err *e)
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

/* ---- parsing: scheme SP name = (token | quoted) *("," ...) ---- */

struct reader {
	const char *p, *end;
	const char *what; /* for errors: "challenge", "credentials" */
	struct err *e;
};

static bool is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 3261 25.1 token, and what unquoted values are seen with: a bare nonce or URI has / : = @ and more. */
static bool is_value_char(char c)
{
	return (unsigned char)c > ' ' && c != 127 && c != ',' && c != '"';
}

static void skip_lws(struct reader *r)
{
	while (r->p < r->end && is_lws(*r->p))
		r->p++;
}

static struct slice until(struct reader *r, const char *from)
{
	return (struct slice){from, (size_t)(r->p - from)};
}

static int malformed(struct reader *r, const char *why, struct slice at)
{
	char text[61];

	slice_copy(text, sizeof(text), at);
	for (char *c = text; c < text + sizeof(text) - 1 && (size_t)(c - text) < at.l; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '.'; /* nothing that a terminal would obey */
	return err_set(r->e, ERR_PARSE, "Digest %s: %s at \"%s\"", r->what, why, text);
}

/* The next name and value: 0 and *more false at the end. A quoted value is given between its quotes, as written. */
static int read_param(struct reader *r, struct slice *name, struct slice *value, bool *more)
{
	const char *from;

	while (r->p < r->end && (is_lws(*r->p) || *r->p == ','))
		r->p++;
	*more = r->p < r->end;
	if (!*more)
		return 0;
	for (from = r->p; r->p < r->end && is_value_char(*r->p) && *r->p != '='; r->p++)
		;
	*name = until(r, from);
	skip_lws(r);
	if (!name->l || r->p == r->end || *r->p != '=')
		return malformed(r, "no name=value", (struct slice){from, (size_t)(r->end - from)});
	r->p++;
	skip_lws(r);
	from = r->p;
	if (r->p < r->end && *r->p == '"') {
		for (from = ++r->p; r->p < r->end && *r->p != '"'; r->p++) {
			/* a line break could end up in what is written with this value */
			if (((unsigned char)*r->p < ' ' && *r->p != '\t') || *r->p == 127)
				return malformed(r, "a control character in a quoted string", *name);
			if (*r->p == '\\' && r->p + 1 < r->end && (unsigned char)r->p[1] >= ' ')
				r->p++;
		}
		if (r->p >= r->end)
			return malformed(r, "a quoted string without its end", *name);
		*value = until(r, from);
		r->p++;
	} else {
		while (r->p < r->end && is_value_char(*r->p))
			r->p++;
		*value = until(r, from);
	}
	skip_lws(r);
	if (r->p < r->end && *r->p != ',')
		return malformed(r, "no comma behind the value of", *name);
	return 0;
}

struct field {
	const char *name;
	struct slice *to;
};

/* Reads all parameters into `fields`; unknown ones are ignored (RFC 7616 3.3), known ones must not repeat. */
static int read_fields(struct reader *r, const struct field *fields, size_t count)
{
	struct slice name, value;
	size_t params = 0;
	bool more;
	int ret;

	for (;;) {
		if ((ret = read_param(r, &name, &value, &more)) || !more)
			return ret;
		if (++params > DIGEST_MAX_PARAMS)
			return malformed(r, "too many parameters", name);
		for (size_t i = 0; i < count; i++) {
			if (!slice_case_eq(name, slice_str(fields[i].name)))
				continue;
			if (fields[i].to->p)
				return malformed(r, "a parameter given twice", name);
			*fields[i].to = value;
			break;
		}
	}
}

/* Takes the scheme off; *digest tells if it is Digest. */
static int read_scheme(struct reader *r, struct slice *raw, struct slice *scheme, bool *digest, struct slice value, const char *what,
		       struct err *e)
{
	value = slice_trim(value);
	*r = (struct reader){value.p, value.p + value.l, what, e};
	if (!value.l)
		return err_set(e, ERR_PARSE, "Digest %s: empty", what);
	if (value.l > DIGEST_MAX_LEN)
		return err_set(e, ERR_PARSE, "Digest %s: %zu bytes, %d are the limit", what, value.l, DIGEST_MAX_LEN);
	*raw = value;
	while (r->p < r->end && is_value_char(*r->p) && *r->p != '=')
		r->p++;
	*scheme = until(r, value.p);
	if (!scheme->l || (r->p < r->end && !is_lws(*r->p)))
		return malformed(r, "no scheme", value);
	*digest = slice_case_eq(*scheme, SLICE_LIT("Digest"));
	return 0;
}

static int need(struct reader *r, const char *name, struct slice value)
{
	return value.p ? 0 : err_set(r->e, ERR_PARSE, "Digest %s: no %s", r->what, name);
}

bool digest_challenge_is_digest(const struct digest_challenge *c)
{
	return slice_case_eq(c->scheme, SLICE_LIT("Digest"));
}

int digest_challenge_parse(struct digest_challenge *out, struct slice value, struct err *e)
{
	struct digest_challenge c = {0};
	struct slice stale = SLICE_NONE, userhash = SLICE_NONE, item, rest;
	const struct field fields[] = {
		{"realm", &c.realm},	    {"nonce", &c.nonce}, {"opaque", &c.opaque}, {"domain", &c.domain},
		{"algorithm", &c.alg_name}, {"stale", &stale},	 {"qop", &c.qop},	{"userhash", &userhash},
	};
	struct reader r;
	bool digest = false;
	int ret;

	if ((ret = read_scheme(&r, &c.raw, &c.scheme, &digest, value, "challenge", e)))
		return ret;
	if (digest) {
		if ((ret = read_fields(&r, fields, sizeof(fields) / sizeof(*fields))) || (ret = need(&r, "realm", c.realm)) ||
		    (ret = need(&r, "nonce", c.nonce)))
			return ret;
		c.alg = digest_alg_from(c.alg_name);
		c.stale = slice_case_eq(stale, SLICE_LIT("true"));
		c.userhash = slice_case_eq(userhash, SLICE_LIT("true"));
		c.has_qop = c.qop.l > 0;
		for (rest = c.qop; c.has_qop && value_split(&item, &rest);) {
			c.qop_auth |= digest_qop_from(item) == DIGEST_QOP_AUTH;
			c.qop_auth_int |= digest_qop_from(item) == DIGEST_QOP_AUTH_INT;
		}
	}
	*out = c;
	return 0;
}

/* nc-value = 8LHEX; false on anything else. */
static bool nc_from(uint32_t *out, struct slice s)
{
	uint32_t nc = 0;

	if (s.l != 8)
		return false;
	for (size_t i = 0; i < s.l; i++) {
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
		nc = nc << 4 | (uint32_t)(isdigit((unsigned char)s.p[i]) ? s.p[i] - '0' : tolower(s.p[i]) - 'a' + 10);
	}
	*out = nc;
	return true;
}

int digest_credentials_parse(struct digest_credentials *out, struct slice value, struct err *e)
{
	struct digest_credentials c = {0};
	struct slice userhash = SLICE_NONE;
	const struct field fields[] = {
		{"username", &c.username}, {"realm", &c.realm},	  {"nonce", &c.nonce},	      {"uri", &c.uri},
		{"response", &c.response}, {"cnonce", &c.cnonce}, {"opaque", &c.opaque},      {"algorithm", &c.alg_name},
		{"qop", &c.qop_name},	   {"nc", &c.nc_text},	  {"userhash", &userhash},
	};
	struct reader r;
	bool digest = false;
	int ret;

	if ((ret = read_scheme(&r, &c.raw, &c.scheme, &digest, value, "credentials", e)))
		return ret;
	if (digest) {
		if ((ret = read_fields(&r, fields, sizeof(fields) / sizeof(*fields))) || (ret = need(&r, "username", c.username)) ||
		    (ret = need(&r, "realm", c.realm)) || (ret = need(&r, "nonce", c.nonce)) || (ret = need(&r, "uri", c.uri)) ||
		    (ret = need(&r, "response", c.response)))
			return ret;
		c.alg = digest_alg_from(c.alg_name);
		c.qop = digest_qop_from(c.qop_name);
		c.userhash = slice_case_eq(userhash, SLICE_LIT("true"));
		if (c.qop != DIGEST_QOP_NONE && ((ret = need(&r, "cnonce", c.cnonce)) || (ret = need(&r, "nc", c.nc_text))))
			return ret;
		if (alg_is_sess(c.alg) && (ret = need(&r, "cnonce", c.cnonce)))
			return ret;
		if (c.nc_text.p && !nc_from(&c.nc, c.nc_text))
			return malformed(&r, "nc is not 8 hexadecimal digits", c.nc_text);
	}
	*out = c;
	return 0;
}

/* ---- client ---- */

static bool usable(const struct digest_challenge *c, unsigned algs)
{
	return digest_challenge_is_digest(c) && c->alg != DIGEST_ALG_UNKNOWN && (algs & DIGEST_ALG_BIT(c->alg)) &&
	       (!c->has_qop || c->qop_auth || c->qop_auth_int);
}

size_t digest_choose(struct digest_choice *choices, size_t max, const struct digest_challenge *all, size_t count, unsigned algs)
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

int digest_authorize(struct buf *out, const struct digest_challenge *c, const struct digest_client *client, struct err *e)
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
		return err_set(e, ERR_ARG, "this challenge cannot be answered: scheme \"%.*s\", algorithm \"%.*s\", qop \"%.*s\"",
			       SLICE_ARG(c->scheme), SLICE_ARG(c->alg_name), SLICE_ARG(c->qop));
	if (c->has_qop)
		in.qop = c->qop_auth_int && (client->prefer_auth_int || !c->qop_auth) ? DIGEST_QOP_AUTH_INT : DIGEST_QOP_AUTH;
	with_cnonce = in.qop != DIGEST_QOP_NONE || alg_is_sess(in.alg);
	if (with_cnonce && !client->cnonce.l)
		return err_set(e, ERR_ARG, "digest: this challenge needs a cnonce");
	if (!quotable(client->username) || !quotable(client->uri) || !quotable(client->cnonce) ||
	    (client->cnonce.l && (memchr(client->cnonce.p, '"', client->cnonce.l) || memchr(client->cnonce.p, '\\', client->cnonce.l))))
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
		buf_printf(out, ", qop=\"%s%s%s\"", p->qop_auth ? "auth" : "", p->qop_auth && p->qop_auth_int ? "," : "",
			   p->qop_auth_int ? "auth-int" : "");
	return out->failed ? ERR_NOMEM : 0;
}

/* A quoted value as written against the plain text. */
static bool text_eq(struct slice raw, struct slice plain)
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

	*eq = text_eq(a, b);
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
	if (what.l > 120)
		what.l = 120;
	err_set(e, v == DIGEST_FAILED ? ERR_NOMEM : v == DIGEST_MALFORMED ? ERR_PARSE : ERR_STATE, "%s%s%.*s%s", why,
		what.p ? " \"" : "", SLICE_ARG(what), what.p ? "\"" : "");
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
	if (!text_eq(c.realm, x->realm))
		return say(e, DIGEST_WRONG, "credentials for the realm", c.realm);
	if (x->username.p && !text_eq(c.username, x->username))
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
	if (x->nonce.l && !text_eq(c.nonce, x->nonce))
		return say(e, DIGEST_STALE, "not the nonce expected:", c.nonce);
	if (x->nonces) {
		v = digest_nonces_check(x->nonces, c.nonce, c.nc, x->now, x->lifetime);
		if (v != DIGEST_OK)
			return say(e, v, v == DIGEST_STALE ? "an unknown or expired nonce:" : "nc was used before:",
				   v == DIGEST_STALE ? c.nonce : c.nc_text);
	}
	return DIGEST_OK;
}

/* ---- nonces ---- */

struct nonce {
	uint64_t issued;
	uint32_t nc;
	uint32_t next; /* in its bucket: index + 1, 0 at the end */
	uint32_t len;  /* 0: the slot is free */
	char text[DIGEST_NONCE_LEN];
};

/* A ring in the order of issue, with a hash index over it. */
struct digest_nonces {
	size_t max, count, next;
	uint32_t *buckets; /* index + 1 */
	size_t mask;
	struct nonce ring[];
};

int digest_nonces_alloc(struct digest_nonces **out, size_t max, struct err *e)
{
	struct digest_nonces *n;
	size_t buckets = 1;

	if (!max || max > (1u << 24))
		return err_set(e, ERR_ARG, "digest: room for %zu nonces; 1 to %u can be kept", max, 1u << 24);
	while (buckets < max)
		buckets *= 2;
	n = mem_zalloc(sizeof(*n) + max * sizeof(*n->ring) + buckets * sizeof(*n->buckets), NULL);
	if (!n)
		return err_set(e, ERR_NOMEM, "digest: out of memory");
	n->max = max;
	n->mask = buckets - 1;
	n->buckets = (uint32_t *)(n->ring + max);
	*out = n;
	return 0;
}

size_t digest_nonces_count(const struct digest_nonces *n)
{
	return n->count;
}

static uint32_t *bucket_of(struct digest_nonces *n, struct slice nonce)
{
	return &n->buckets[slice_hash(SLICE_HASH_SEED, nonce) & n->mask];
}

static struct slice nonce_text(const struct nonce *x)
{
	return (struct slice){x->text, x->len};
}

/* The link (a bucket or a `next`) that leads to this nonce; it holds 0 if there is none. */
static uint32_t *link_to(struct digest_nonces *n, struct slice nonce)
{
	uint32_t *link = bucket_of(n, nonce);

	while (*link && !slice_eq(nonce_text(&n->ring[*link - 1]), nonce))
		link = &n->ring[*link - 1].next;
	return link;
}

int digest_nonces_issue(struct digest_nonces *n, struct slice nonce, uint64_t now, struct err *e)
{
	uint32_t *link;
	struct nonce *x;

	if (!nonce.l || nonce.l > DIGEST_NONCE_LEN)
		return err_set(e, ERR_ARG, "digest: a nonce of %zu bytes; 1 to %d can be kept", nonce.l, DIGEST_NONCE_LEN);
	/* known already: it leaves its bucket but not its slot, which then counts as free */
	link = link_to(n, nonce);
	if (*link) {
		x = &n->ring[*link - 1];
		*link = x->next;
		x->len = 0;
		n->count--;
	}
	x = &n->ring[n->next];
	if (x->len) {
		link = link_to(n, nonce_text(x));
		*link = x->next;
		n->count--;
	}
	memcpy(x->text, nonce.p, nonce.l);
	x->len = (uint32_t)nonce.l;
	x->issued = now;
	x->nc = 0;
	link = bucket_of(n, nonce);
	x->next = *link;
	*link = (uint32_t)(n->next + 1);
	n->next = (n->next + 1) % n->max;
	n->count++;
	return 0;
}

enum digest_verdict digest_nonces_check(struct digest_nonces *n, struct slice nonce, uint32_t nc, uint64_t now, uint64_t lifetime)
{
	const uint32_t link = *link_to(n, nonce);
	struct nonce *x;

	if (!link)
		return DIGEST_STALE;
	x = &n->ring[link - 1];
	if (lifetime && now > x->issued && now - x->issued > lifetime)
		return DIGEST_STALE;
	if (!nc)
		return DIGEST_OK;
	if (nc <= x->nc)
		return DIGEST_REPLAY;
	x->nc = nc;
	return DIGEST_OK;
}

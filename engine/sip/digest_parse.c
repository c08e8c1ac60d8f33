/* Challenges and credentials: scheme SP name = (token | quoted) *("," ...). */
#include "sip/digest_priv.h"

#include <ctype.h>

#include "sip/value.h"

struct reader {
	const char *p, *end;
	const char *what; /* for errors: "challenge", "credentials" */
	struct err *e;
};

static bool is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 3261 25.1 token, and what unquoted values are seen with: a bare nonce or URI has / : = @ and more. No backslash:
 * at the end of a value that is echoed between quotes it would take the quote away. */
static bool is_value_char(char c)
{
	return (unsigned char)c > ' ' && c != 127 && c != ',' && c != '"' && c != '\\';
}

static void skip_lws(struct reader *r)
{
	while (r->p < r->end && is_lws(*r->p))
		r->p++;
}

static struct slice until(struct reader *r, const char *from)
{
	return slice_between(from, r->p);
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
		return malformed(r, "no name=value", slice_between(from, r->end));
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
static int read_scheme(struct reader *r, struct slice *raw, struct slice *scheme, bool *digest, struct slice value,
		       const char *what, struct err *e)
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
	    {"realm", &c.realm},        {"nonce", &c.nonce}, {"opaque", &c.opaque}, {"domain", &c.domain},
	    {"algorithm", &c.alg_name}, {"stale", &stale},   {"qop", &c.qop},       {"userhash", &userhash},
	};
	struct reader r;
	bool digest = false;
	int ret;

	if ((ret = read_scheme(&r, &c.raw, &c.scheme, &digest, value, "challenge", e)))
		return ret;
	if (digest) {
		if ((ret = read_fields(&r, fields, sizeof(fields) / sizeof(*fields))) ||
		    (ret = need(&r, "realm", c.realm)) || (ret = need(&r, "nonce", c.nonce)))
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
	    {"username", &c.username}, {"realm", &c.realm},   {"nonce", &c.nonce},     {"uri", &c.uri},
	    {"response", &c.response}, {"cnonce", &c.cnonce}, {"opaque", &c.opaque},   {"algorithm", &c.alg_name},
	    {"qop", &c.qop_name},      {"nc", &c.nc_text},    {"userhash", &userhash},
	};
	struct reader r;
	bool digest = false;
	int ret;

	if ((ret = read_scheme(&r, &c.raw, &c.scheme, &digest, value, "credentials", e)))
		return ret;
	if (digest) {
		if ((ret = read_fields(&r, fields, sizeof(fields) / sizeof(*fields))) ||
		    (ret = need(&r, "username", c.username)) || (ret = need(&r, "realm", c.realm)) ||
		    (ret = need(&r, "nonce", c.nonce)) || (ret = need(&r, "uri", c.uri)) ||
		    (ret = need(&r, "response", c.response)))
			return ret;
		c.alg = digest_alg_from(c.alg_name);
		c.qop = digest_qop_from(c.qop_name);
		c.userhash = slice_case_eq(userhash, SLICE_LIT("true"));
		if (c.qop != DIGEST_QOP_NONE &&
		    ((ret = need(&r, "cnonce", c.cnonce)) || (ret = need(&r, "nc", c.nc_text))))
			return ret;
		if (digest_alg_is_sess(c.alg) && (ret = need(&r, "cnonce", c.cnonce)))
			return ret;
		if (c.nc_text.p && !nc_from(&c.nc, c.nc_text))
			return malformed(&r, "nc is not 8 hexadecimal digits", c.nc_text);
	}
	*out = c;
	return 0;
}

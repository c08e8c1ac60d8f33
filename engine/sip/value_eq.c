/* When two URIs are the same: RFC 3261 19.1.4. */
#include <arpa/inet.h>
#include <ctype.h>

#include "sip/value_priv.h"

/* One byte as 19.1.4 compares it: an escaped character equals the plain one unless it is reserved (RFC 3261 25.1). */
static int compare_unit(struct slice s, size_t *i, bool fold)
{
	int c = value_escape_at(s, *i);

	if (c < 0) {
		c = (unsigned char)s.p[(*i)++];
	} else {
		*i += 3;
		if (c && strchr(";/?:@&=+$,", c))
			return 0x100 | c;
	}
	return fold ? tolower(c) : c;
}

static bool escaped_eq(struct slice a, struct slice b, bool fold)
{
	size_t i = 0, j = 0;

	while (i < a.l && j < b.l)
		if (compare_unit(a, &i, fold) != compare_unit(b, &j, fold))
			return false;
	return i == a.l && j == b.l && !a.p == !b.p;
}

static const struct value_param *param_like(const struct value_params *params, struct slice name)
{
	for (size_t i = 0; i < params->count; i++)
		if (escaped_eq(params->at[i].name, name, true))
			return &params->at[i];
	return NULL;
}

/* What `a` has must be in `b` alike; what only `a` has is ignored unless 19.1.4 lets it never match. */
static bool uri_params_match(const struct value_params *a, const struct value_params *b)
{
	static const char *const never[] = {"user", "ttl", "method", "maddr", "transport"};

	for (size_t i = 0; i < a->count; i++) {
		const struct value_param *other = param_like(b, a->at[i].name);

		if (other && !escaped_eq(a->at[i].value, other->value, true))
			return false;
		for (size_t k = 0; !other && k < sizeof(never) / sizeof(*never); k++)
			if (escaped_eq(a->at[i].name, slice_str(never[k]), true))
				return false;
	}
	return true;
}

static size_t header_count(const struct value_params *params, const struct value_param *h)
{
	size_t n = 0;

	for (size_t i = 0; i < params->count; i++)
		n += escaped_eq(params->at[i].name, h->name, true) && escaped_eq(params->at[i].value, h->value, false);
	return n;
}

static bool uri_headers_match(const struct value_params *a, const struct value_params *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (header_count(a, &a->at[i]) != header_count(b, &a->at[i]))
			return false;
	return true;
}

static bool host_eq(const struct value_uri *a, const struct value_uri *b)
{
	char text[INET6_ADDRSTRLEN + 32];
	unsigned char x[16], y[16];

	if (a->host_is_ipv6 != b->host_is_ipv6)
		return false;
	/* RFC 5954 4.2: as 128 bits, for one address has many spellings */
	if (a->host_is_ipv6 && inet_pton(AF_INET6, slice_copy(text, sizeof(text), a->host), x) == 1 &&
	    inet_pton(AF_INET6, slice_copy(text, sizeof(text), b->host), y) == 1)
		return !memcmp(x, y, sizeof(x));
	return slice_case_eq(a->host, b->host);
}

/* RFC 3966 section 4: without the visual separators, the case folded. */
static bool tel_number_eq(struct slice a, struct slice b)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < a.l && strchr("-.()", a.p[i]))
			i++;
		while (j < b.l && strchr("-.()", b.p[j]))
			j++;
		if (i == a.l || j == b.l)
			return i == a.l && j == b.l;
		if (tolower((unsigned char)a.p[i]) != tolower((unsigned char)b.p[j]))
			return false;
	}
}

static bool tel_eq(const struct value_uri *a, const struct value_uri *b)
{
	if (!tel_number_eq(a->user, b->user) || a->params.count != b->params.count)
		return false;
	for (size_t i = 0; i < a->params.count; i++) {
		const struct value_param *p = &a->params.at[i], *other = param_like(&b->params, p->name);

		if (!other || !p->value.p != !other->value.p || !tel_number_eq(p->value, other->value))
			return false;
	}
	return true;
}

bool value_uri_eq(const struct value_uri *a, const struct value_uri *b)
{
	if (!slice_case_eq(a->scheme, b->scheme))
		return false;
	if (value_uri_is_tel(a))
		return tel_eq(a, b);
	if (!value_uri_is_sip(a))
		return slice_eq(a->opaque, b->opaque);
	return escaped_eq(a->user_raw, b->user_raw, false) && escaped_eq(a->password_raw, b->password_raw, false) &&
	       host_eq(a, b) && a->port == b->port && uri_params_match(&a->params, &b->params) &&
	       uri_params_match(&b->params, &a->params) && uri_headers_match(&a->headers, &b->headers);
}

#include "sip/route.h"

#include "core/recent.h"
#include "net/location.h"

struct slice route_uri(struct slice v)
{
	if (!v.l)
		return v;

	const char *p = v.p, *end = v.p + v.l;

	for (; p < end; p++) {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++)
				if (*p == '\\')
					p++;
		} else if (*p == '<') {
			const char *close = memchr(p, '>', (size_t)(end - p));
			return slice_between(p + 1, close ? close : end);
		}
	}
	p = memchr(v.p, ';', v.l);
	return slice_trim(p ? slice_between(v.p, p) : v);
}

/* What follows "sip:" or "sips:"; l 0 if the scheme is another. */
static struct slice after_scheme(struct slice uri)
{
	const char *colon = uri.l ? memchr(uri.p, ':', uri.l) : NULL;
	struct slice scheme = {uri.p, colon ? (size_t)(colon - uri.p) : 0};

	if (!colon || (!slice_case_eq(scheme, SLICE_LIT("sip")) && !slice_case_eq(scheme, SLICE_LIT("sips"))))
		return SLICE_NONE;
	return (struct slice){colon + 1, uri.l - scheme.l - 1};
}

struct slice route_user(struct slice uri)
{
	struct slice rest = after_scheme(uri);
	const char *at = rest.l ? memchr(rest.p, '@', rest.l) : NULL;
	struct slice user = {rest.p, at ? (size_t)(at - rest.p) : 0};
	const char *colon = user.l ? memchr(user.p, ':', user.l) : NULL;

	if (!at)
		return SLICE_NONE;
	if (colon)
		user.l = (size_t)(colon - user.p);
	return user;
}

int route_host(struct slice *host, uint16_t *port, struct slice uri, struct err *e)
{
	struct slice rest = after_scheme(uri);
	const char *at = rest.l ? memchr(rest.p, '@', rest.l) : NULL;
	size_t end = 0;
	uint64_t n = 0;

	if (rest.l == 0)
		return err_set(e, ERR_ARG, "\"%.*s\" is not a SIP URI (sip:user@host)", SLICE_ARG(uri));
	if (at)
		rest = (struct slice){at + 1, rest.l - (size_t)(at + 1 - rest.p)};
	while (end < rest.l && rest.p[end] != ';' && rest.p[end] != '?' && rest.p[end] != '>')
		end++;
	rest.l = end;
	*host = rest;
	size_t i = rest.l;
	while (i > 0 && rest.p[i - 1] >= '0' && rest.p[i - 1] <= '9')
		i--;
	if (i > 0 && rest.p[i - 1] == ':') {
		host->l = i - 1;
		if (!slice_u64(&n, (struct slice){rest.p + i, rest.l - i}, 65535) || n == 0)
			return err_set(e, ERR_ARG, "\"%.*s\" has an impossible port", SLICE_ARG(uri));
	}
	bool brackets = host->l > 2 && host->p[0] == '[' && host->p[host->l - 1] == ']';
	if (host->l == 0 || (!brackets && memchr(host->p, ':', host->l)))
		return err_set(e, ERR_ARG, "\"%.*s\" has no usable host", SLICE_ARG(uri));
	*port = (uint16_t)n;
	return 0;
}

/* A parameter of the URI itself, between its ';' and '?'. */
static bool uri_param(struct slice *out, struct slice uri, const char *name)
{
	struct slice rest = after_scheme(uri);
	const char *at = rest.l ? memchr(rest.p, '@', rest.l) : NULL;
	struct slice key = slice_str(name);

	if (at)
		rest = (struct slice){at + 1, rest.l - (size_t)(at + 1 - rest.p)};
	const char *question = rest.l ? memchr(rest.p, '?', rest.l) : NULL;
	if (question)
		rest.l = (size_t)(question - rest.p);
	while (rest.l) {
		const char *semi = memchr(rest.p, ';', rest.l);
		if (!semi)
			break;
		rest = (struct slice){semi + 1, rest.l - (size_t)(semi + 1 - rest.p)};
		size_t n = 0;
		while (n < rest.l && rest.p[n] != ';' && rest.p[n] != '=')
			n++;
		if (slice_case_eq((struct slice){rest.p, n}, key)) {
			size_t from = n < rest.l && rest.p[n] == '=' ? n + 1 : n, to = from;
			while (to < rest.l && rest.p[to] != ';')
				to++;
			*out = (struct slice){rest.p + from, to - from};
			return true;
		}
	}
	return false;
}

bool route_fits_line(struct slice uri)
{
	return uri.l && !slice_has_control(uri);
}

bool route_is_loose(struct slice uri)
{
	struct slice v;

	return uri_param(&v, uri, "lr");
}

int route_resolve(struct addr *dst, struct slice name_addr, bool names, bool v6, struct err *e)
{
	/* Requests go the same ways over and over. Only what has its address in itself is remembered: a name may move. */
	static _Thread_local struct recent known;
	static _Thread_local struct addr known_dst[RECENT_COUNT];
	unsigned place = recent_place(name_addr);

	if (recent_is(&known, place, name_addr)) {
		*dst = known_dst[place];
		return 0;
	}
	/* Without brackets it is a Request-URI, and all its parameters are its own. */
	struct slice uri = name_addr.l && memchr(name_addr.p, '<', name_addr.l) ? route_uri(name_addr) : name_addr, host, maddr;
	uint16_t port;
	int err = route_host(&host, &port, uri, e);

	if (err)
		return err;
	if (uri_param(&maddr, uri, "maddr"))
		host = maddr;
	if (!addr_set(dst, host, port ? port : 5060))
		return location_find(dst, host, port ? port : 5060, names, v6, e);
	recent_keep(&known, place, name_addr);
	if (place < RECENT_COUNT)
		known_dst[place] = *dst;
	return 0;
}

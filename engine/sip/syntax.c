#include "sip/syntax.h"

#include "core/recent.h"

/* What a byte may be, RFC 3261 25.1 in its words. */
enum {
	TOKEN = 1,
	LWS = 2,
	USER = 4,      /* unreserved and user-unreserved */
	PASSWORD = 8,
	HOST = 16,     /* of a hostname or an IPv4 address, and '_' */
	PARAM = 32,    /* paramchar */
	HEADER = 64,   /* of hname and hvalue */
	ABSOLUTE = 128 /* reserved and unreserved: of a URI of another scheme */
};

#define ALNUM (TOKEN | USER | PASSWORD | HOST | PARAM | HEADER | ABSOLUTE)
#define MARK (USER | PASSWORD | PARAM | HEADER | ABSOLUTE)

/* clang-format off */
static const uint8_t classes[256] = {
	['a' ... 'z'] = ALNUM, ['A' ... 'Z'] = ALNUM, ['0' ... '9'] = ALNUM,
	['-'] = MARK | TOKEN | HOST, ['.'] = MARK | TOKEN | HOST, ['_'] = MARK | TOKEN | HOST,
	['!'] = MARK | TOKEN, ['~'] = MARK | TOKEN, ['*'] = MARK | TOKEN, ['\''] = MARK | TOKEN,
	['('] = MARK, [')'] = MARK,
	['+'] = TOKEN | USER | PASSWORD | PARAM | HEADER | ABSOLUTE,
	['%'] = TOKEN, ['`'] = TOKEN,
	['&'] = USER | PASSWORD | PARAM | HEADER | ABSOLUTE, ['$'] = USER | PASSWORD | PARAM | HEADER | ABSOLUTE,
	['='] = USER | PASSWORD | HEADER | ABSOLUTE, [','] = USER | PASSWORD | ABSOLUTE,
	[';'] = USER | ABSOLUTE, ['?'] = USER | HEADER | ABSOLUTE, ['/'] = USER | PARAM | HEADER | ABSOLUTE,
	[':'] = PARAM | HEADER | ABSOLUTE, ['@'] = ABSOLUTE, ['['] = PARAM | HEADER | ABSOLUTE, [']'] = PARAM | HEADER | ABSOLUTE,
	[' '] = LWS, ['\t'] = LWS, ['\r'] = LWS, ['\n'] = LWS,
};
/* clang-format on */

static inline bool is(char c, int class)
{
	return classes[(unsigned char)c] & class;
}

static inline const char *skip(const char *p, const char *end, int class)
{
	while (p < end && is(*p, class))
		p++;
	return p;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind bytes of the class and %HEX HEX; stops at the first other byte. */
static const char *skip_escaped(const char *p, const char *end, int class)
{
	for (; p < end; p++) {
		if (*p == '%') {
			if (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
				return p;
			p += 2;
		} else if (!is(*p, class)) {
			return p;
		}
	}
	return p;
}

/* --- hosts --- */

/* host [ ":" port ], with white space about the colon if `lws`. `*pp` moves behind it. */
static const char *check_host(const char **pp, const char *end, bool lws)
{
	const char *p = *pp, *host = p;
	uint64_t port;

	if (p < end && *p == '[') {
		for (p++; p < end && (is_hex(*p) || *p == ':' || *p == '.'); p++)
			;
		if (p == end || *p != ']' || p == host + 1)
			return "an IPv6 reference is malformed";
		p++;
	} else {
		p = skip(p, end, HOST);
		if (p == host)
			return "the host is missing";
	}
	const char *colon = lws ? skip(p, end, LWS) : p;
	if (colon < end && *colon == ':') {
		const char *digits = lws ? skip(colon + 1, end, LWS) : colon + 1;
		for (p = digits; p < end && *p >= '0' && *p <= '9'; p++)
			;
		if (p < end && (*p == ':' || is_hex(*p)))
			return "an IPv6 address stands without brackets, or the port is no number";
		if (!slice_u64(&port, slice_between(digits, p), 65535) || !port)
			return "the port is no number from 1 to 65535";
	}
	*pp = p;
	return NULL;
}

/* --- URIs --- */

/* ";name=value" of a URI and "?name=value&..."; all up to `end`. */
static const char *check_uri_tail(const char *p, const char *end, bool headers)
{
	while (p < end && *p == ';') {
		const char *name = p + 1;
		p = skip_escaped(name, end, PARAM);
		if (p == name)
			return "a URI parameter has no name";
		if (p < end && *p == '=')
			p = skip_escaped(p + 1, end, PARAM);
	}
	if (p < end && *p == '?') {
		if (!headers)
			return "header parameters stand in it";
		p = skip_escaped(p + 1, end, HEADER);
	}
	if (p == end)
		return NULL;
	return is(*p, LWS) ? "white space stands in a URI" : "a byte stands in a URI that must be escaped";
}

static const char *check_sip_uri(const char *p, const char *end, bool headers)
{
	const char *at = memchr(p, '@', (size_t)(end - p)), *what;

	if (at) {
		const char *user_end = skip_escaped(p, at, USER);
		if (user_end == p)
			return "the user part of a URI is empty or malformed";
		if (user_end < at && *user_end == ':')
			user_end = skip_escaped(user_end + 1, at, PASSWORD);
		if (user_end != at)
			return is(*user_end, LWS) ? "white space stands in a URI" : "the user part of a URI is malformed";
		p = at + 1;
	}
	what = check_host(&p, end, false);
	return what ? what : check_uri_tail(p, end, headers);
}

static const char *check_new_uri(struct slice uri, bool headers)
{
	if (!uri.l)
		return "a URI is empty";
	const char *p = uri.p, *end = uri.p + uri.l;
	if (is(*p, LWS))
		return "white space stands in a URI";
	while (p < end && ((is(*p, HOST) && *p != '_') || *p == '+'))
		p++;
	struct slice scheme = slice_between(uri.p, p);
	if (!scheme.l || p == end || *p != ':' || (scheme.p[0] | 0x20) < 'a' || (scheme.p[0] | 0x20) > 'z')
		return "a URI has no scheme";
	p++;
	if (slice_case_eq(scheme, SLICE_LIT("sip")) || slice_case_eq(scheme, SLICE_LIT("sips")))
		return check_sip_uri(p, end, headers);
	if (p == end)
		return "a URI has nothing behind its scheme";
	p = skip_escaped(p, end, ABSOLUTE);
	if (p == end)
		return NULL;
	return is(*p, LWS) ? "white space stands in a URI" : "a byte stands in a URI that must be escaped";
}

/* The same users call each other again and again: what was right is remembered. */
static const char *check_uri(struct slice uri, bool headers)
{
	static _Thread_local struct recent right[2]; /* by `headers` */
	unsigned place = recent_place(uri);
	const char *what = NULL;

	if (!recent_is(&right[headers], place, uri)) {
		what = check_new_uri(uri, headers);
		if (!what)
			recent_keep(&right[headers], place, uri);
	}
	return what;
}

const char *syntax_request_uri(struct slice uri)
{
	return check_uri(uri, false);
}

const char *syntax_uri(struct slice uri)
{
	return check_uri(uri, true);
}

/* --- header values --- */

/* Behind the quoted string at `p`; NULL when it does not end. */
static const char *skip_quoted(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : NULL;
}

/* *( SEMI token [ EQUAL value ] ) up to the end, or a comma of a list. `*pp` moves there, white space behind included. */
static const char *check_params(const char **pp, const char *end)
{
	const char *p = skip(*pp, end, LWS);

	while (p < end && *p == ';') {
		const char *name = skip(p + 1, end, LWS);
		p = skip(name, end, TOKEN);
		if (p == name)
			return "a parameter has no name";
		p = skip(p, end, LWS);
		if (p == end || *p != '=')
			continue;
		p = skip(p + 1, end, LWS);
		if (p < end && *p == '"') {
			p = skip_quoted(p, end);
			if (!p)
				return "a quoted string does not end";
		} else {
			while (p < end && (unsigned char)*p > ' ' && *p != 0x7f && *p != ';' && *p != ',' && *p != '"' && *p != '<' &&
			       *p != '>')
				p++;
		}
		p = skip(p, end, LWS);
	}
	*pp = p;
	return p == end || *p == ',' ? NULL : "something stands behind the value that is no parameter";
}

/* ( name-addr / addr-spec ) *( SEMI param ), up to the end or a comma. */
static const char *check_name_addr(const char **pp, const char *end, bool brackets)
{
	const char *p = skip(*pp, end, LWS), *start = p, *what;

	if (p < end && *p == '"') {
		p = skip_quoted(p, end);
		if (!p)
			return "a quoted string does not end";
		p = skip(p, end, LWS);
		if (p == end || *p != '<')
			return "a display name stands without <URI>";
	} else {
		p = skip(p, end, TOKEN | LWS);
	}
	if (p < end && *p == '<') {
		const char *close = memchr(p, '>', (size_t)(end - p));
		if (!close)
			return "a '<' has no '>'";
		what = check_uri(slice_between(p + 1, close), true);
		p = close + 1;
	} else {
		if (brackets)
			return "a route stands without <>";
		for (p = start; p < end && *p != ';' && *p != ',' && !is(*p, LWS); p++)
			if (*p == '?')
				return "a URI with '?' stands without <>";
		what = check_uri(slice_between(start, p), true);
		if (what && p > start && memchr(p, '<', (size_t)(end - p)))
			what = "a display name needs quotes";
	}
	*pp = p;
	return what ? what : check_params(pp, end);
}

static const char *check_list(struct slice value, bool brackets)
{
	if (!value.l)
		return "it is empty";
	const char *p = value.p, *end = value.p + value.l, *what;

	for (;; p++) {
		what = check_name_addr(&p, end, brackets);
		if (what || p == end)
			return what;
	}
}

const char *syntax_name_addr(struct slice value)
{
	if (!value.l)
		return "it is empty";
	const char *p = value.p, *end = value.p + value.l, *what = check_name_addr(&p, end, false);

	return what || p == end ? what : "a comma stands outside of quotes and <>";
}

const char *syntax_contact(struct slice value)
{
	return slice_eq(value, SLICE_LIT("*")) ? NULL : check_list(value, false);
}

const char *syntax_routes(struct slice value)
{
	return check_list(value, true);
}

const char *syntax_via(struct slice value)
{
	if (!value.l)
		return "it is empty";
	const char *p = value.p, *end = value.p + value.l, *what;

	for (int part = 0; part < 3; part++) {
		const char *token = skip(p, end, LWS);
		p = skip(token, end, TOKEN);
		if (p == token)
			return "the protocol is malformed";
		if (part == 2)
			break;
		p = skip(p, end, LWS);
		if (p == end || *p++ != '/')
			return "the protocol is malformed";
	}
	const char *sent_by = skip(p, end, LWS);
	if (sent_by == p)
		return "the sent-by is missing";
	p = sent_by;
	what = check_host(&p, end, true);
	if (!what)
		what = check_params(&p, end);
	return what || p == end ? what : "there are several";
}

const char *syntax_media_type(struct slice value)
{
	if (!value.l)
		return "it is empty";
	const char *p = value.p, *end = value.p + value.l;
	const char *type_end = skip(p, end, TOKEN);
	const char *slash = skip(type_end, end, LWS);
	const char *subtype = slash < end && *slash == '/' ? skip(slash + 1, end, LWS) : NULL;

	if (type_end == p || !subtype || (p = skip(subtype, end, TOKEN)) == subtype)
		return "it is not type/subtype";
	const char *what = check_params(&p, end);
	return what || p == end ? what : "there are several";
}

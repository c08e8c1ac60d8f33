#include "sip/verdict.h"

#include "sip/syntax.h"
#include "sip/value.h"

#include <stdio.h>

void verdict_free(struct verdict *v)
{
	buf_free(&v->value);
}

static void set(struct verdict *v, unsigned status, unsigned bit)
{
	v->status = status;
	v->bit = bit;
}

static void set_header(struct verdict *v, struct slice name, struct slice value)
{
	v->header = (struct build_header){name, value};
}

static bool malformed(struct verdict *v, const char *where, const char *what)
{
	if (!what)
		return false;
	set(v, 400, UA_ANSWER(MALFORMED));
	snprintf(v->reason, sizeof(v->reason), "%s%s%s", where, *where ? ": " : "", what);
	return true;
}

/* --- methods --- */

enum method { UNKNOWN, KNOWN, DIALOG_ONLY, SUPPORTED };

static enum method method_of(struct slice method)
{
	static const struct {
		const char *name;
		enum method is;
	} methods[] = {
		{"INVITE", SUPPORTED},  {"OPTIONS", SUPPORTED},   {"ACK", SUPPORTED},      {"CANCEL", SUPPORTED},
		{"BYE", DIALOG_ONLY},   {"INFO", DIALOG_ONLY},    {"UPDATE", DIALOG_ONLY}, {"PRACK", DIALOG_ONLY},
		{"NOTIFY", DIALOG_ONLY},
		{"REGISTER", KNOWN},    {"REFER", KNOWN},         {"MESSAGE", KNOWN},      {"PUBLISH", KNOWN},
		{"SUBSCRIBE", KNOWN},
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (slice_eq(method, slice_str(methods[i].name)))
			return methods[i].is;
	return UNKNOWN;
}

static void refuse_method(struct verdict *v, unsigned status)
{
	set(v, status, UA_ANSWER(METHOD));
	set_header(v, SLICE_LIT("Allow"), SLICE_LIT(UA_ALLOW));
}

/* --- the message as such --- */

static bool has_space(struct slice s)
{
	for (size_t i = 0; i < s.l; i++)
		if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n')
			return true;
	return false;
}

bool verdict_on_syntax(struct verdict *v, const struct scan *s)
{
	bool invite = slice_eq(s->method, SLICE_LIT("INVITE")), media_type = false;
	uint64_t n;

	if (malformed(v, "Request-URI", syntax_request_uri(s->uri)) || malformed(v, "Via", syntax_via(s->via)))
		return true;
	/* RFC 3261 8.1.1.7: the cookie promises an identifier behind it. */
	if (s->branch.p && (!s->branch.l || slice_case_eq(s->branch, SLICE_LIT("z9hG4bK"))))
		return malformed(v, "Via", "the branch names no transaction");
	for (unsigned i = 0; i < s->header_count; i++) {
		struct slice value = scan_value(s, i);
		const char *what = NULL;
		switch (s->headers[i].id) {
		case HDR_FROM:
		case HDR_TO:
			what = syntax_name_addr(value);
			break;
		case HDR_CONTACT:
			what = syntax_contact(value);
			break;
		case HDR_RECORD_ROUTE:
			what = invite ? syntax_routes(value) : NULL;
			break;
		case HDR_CALL_ID:
			what = !value.l ? "it is empty" : has_space(value) ? "white space stands in it" : NULL;
			break;
		case HDR_MAX_FORWARDS:
			what = slice_u64(&n, value, 255) ? NULL : "it is no number from 0 to 255";
			break;
		case HDR_CONTENT_TYPE:
			media_type = true;
			what = s->body.l ? syntax_media_type(value) : NULL;
			break;
		default:
			break;
		}
		if (malformed(v, hdr_name(s->headers[i].id), what))
			return true;
	}
	return s->body.l && !media_type && malformed(v, "", "a body stands without Content-Type"); /* RFC 3261 20.15 */
}

static bool too_large(struct verdict *v, const struct scan *s, unsigned answers, const struct verdict_limits *limits)
{
	const size_t uri = limits->uri ? limits->uri : VERDICT_URI_MAX;
	const size_t body = limits->body ? limits->body : VERDICT_BODY_MAX;
	const size_t message = limits->message ? limits->message : VERDICT_MESSAGE_MAX;

	if (s->bytes.l > message && answers & UA_ANSWER(LARGE_MESSAGE))
		set(v, 513, UA_ANSWER(LARGE_MESSAGE));
	else if (s->uri.l > uri && answers & UA_ANSWER(LONG_URI))
		set(v, 414, UA_ANSWER(LONG_URI));
	else if (s->body.l > body && answers & UA_ANSWER(LARGE_BODY))
		set(v, 413, UA_ANSWER(LARGE_BODY));
	return v->status;
}

static bool is_sip(struct slice uri)
{
	const char *colon = uri.l ? memchr(uri.p, ':', uri.l) : NULL;
	struct slice scheme = {uri.p, colon ? (size_t)(colon - uri.p) : 0};

	return slice_case_eq(scheme, SLICE_LIT("sip")) || slice_case_eq(scheme, SLICE_LIT("sips"));
}

void verdict_on_message(struct verdict *v, const struct scan *s, unsigned answers, const struct verdict_limits *limits)
{
	unsigned flaws = s->flaws & ~SCAN_BODY_LONG; /* RFC 3261 18.3: what is too much on a datagram is dropped */

	if (s->flaws & SCAN_VERSION) {
		set(v, 505, UA_ANSWER(VERSION));
		return;
	}
	if (too_large(v, s, answers, limits))
		return;
	if (flaws & SCAN_START_LINE) {
		malformed(v, "", scan_flaw_text(SCAN_START_LINE));
		return;
	}
	/* RFC 3261 8.2.1: the method comes first. What the headers of an unknown one must be like, nobody can say. */
	if (answers & UA_ANSWER(METHOD) && method_of(s->method) == UNKNOWN) {
		refuse_method(v, 501);
		return;
	}
	if (malformed(v, "", flaws ? scan_flaw_text(flaws) : NULL) || verdict_on_syntax(v, s))
		return;
	if (!is_sip(s->uri))
		set(v, 416, UA_ANSWER(SCHEME));
	else if (s->to_tag.p || slice_eq(s->method, SLICE_LIT("CANCEL")))
		set(v, 481, UA_ANSWER(STRAY));
}

/* --- what it asks for --- */

static bool in_list(struct slice list, struct slice token)
{
	struct slice item;

	while (value_split(&item, &list))
		if (slice_case_eq(item, token))
			return true;
	return false;
}

bool verdict_lists(const struct scan *s, enum hdr_id id, struct slice token)
{
	if (!scan_has(s, id))
		return false;
	for (unsigned i = 0; i < s->header_count; i++)
		if (s->headers[i].id == id && in_list(scan_value(s, i), token))
			return true;
	return false;
}

void verdict_on_require(struct verdict *v, const struct scan *s, struct slice supports)
{
	struct slice rest, item;

	if (!scan_has(s, HDR_REQUIRE))
		return;
	/* RFC 3261 8.2.2.3: not in an ACK or CANCEL. */
	for (unsigned i = 0; i < s->header_count; i++) {
		if (s->headers[i].id != HDR_REQUIRE)
			continue;
		rest = scan_value(s, i);
		while (value_split(&item, &rest))
			if (item.l && !in_list(supports, item))
				buf_printf(&v->value, "%s%.*s", v->value.len ? ", " : "", SLICE_ARG(item));
	}
	if (v->value.len) {
		set(v, 420, UA_ANSWER(REQUIRE));
		set_header(v, SLICE_LIT("Unsupported"), buf_slice(&v->value));
	}
}

/* RFC 3261 21.4.15 */
static void verdict_on_extensions(struct verdict *v, const struct scan *s, struct slice requires)
{
	struct slice item;

	while (value_split(&item, &requires))
		if (item.l && !verdict_lists(s, HDR_SUPPORTED, item) && !verdict_lists(s, HDR_REQUIRE, item))
			buf_printf(&v->value, "%s%.*s", v->value.len ? ", " : "", SLICE_ARG(item));
	if (v->value.len) {
		set(v, 421, UA_ANSWER(EXTENSION));
		set_header(v, SLICE_LIT("Require"), buf_slice(&v->value));
	}
}

/* type/subtype without parameters and white space, compared with one or with a range of RFC 3261 20.1. */
static bool media_is(struct slice value, const char *type, const char *subtype)
{
	const char *semi = value.l ? memchr(value.p, ';', value.l) : NULL;
	struct slice v = slice_trim((struct slice){value.p, semi ? (size_t)(semi - value.p) : value.l});
	const char *slash = v.l ? memchr(v.p, '/', v.l) : NULL;

	if (!slash)
		return false;
	struct slice t = slice_trim(slice_between(v.p, slash));
	struct slice sub = slice_trim(slice_between(slash + 1, v.p + v.l));
	return slice_case_eq(t, slice_str(type)) && (!subtype || slice_case_eq(sub, slice_str(subtype)));
}

bool verdict_has_sdp(const struct scan *s)
{
	struct slice type = s->body.l ? scan_header(s, HDR_CONTENT_TYPE, 0) : SLICE_NONE;

	return s->body.l && (!type.p || slice_eq(type, SLICE_LIT("application/sdp")) || media_is(type, "application", "sdp"));
}

/* RFC 3261 8.2.3 */
static bool refuse_content(struct verdict *v, const struct scan *s, unsigned answers)
{
	struct slice type = scan_header(s, HDR_CONTENT_TYPE, 0), encoding = scan_header(s, HDR_CONTENT_ENCODING, 0), handling;

	if (!s->body.l)
		return false;
	bool encoded = encoding.l && !slice_case_eq(encoding, SLICE_LIT("identity"));
	bool sdp = media_is(type, "application", "sdp");
	if ((sdp && !encoded) ||
	    (scan_param(&handling, scan_header_named(s, SLICE_LIT("Content-Disposition"), 0), "handling") &&
	     slice_case_eq(handling, SLICE_LIT("optional"))))
		return false;
	if (answers & UA_ANSWER(ENCRYPTED) && media_is(type, "application", "pkcs7-mime")) {
		set(v, 493, UA_ANSWER(ENCRYPTED));
		return true;
	}
	if (!(answers & UA_ANSWER(CONTENT)))
		return false;
	set(v, 415, UA_ANSWER(CONTENT));
	if (sdp)
		set_header(v, SLICE_LIT("Accept-Encoding"), SLICE_LIT("identity"));
	else
		set_header(v, SLICE_LIT("Accept"), SLICE_LIT("application/sdp"));
	return true;
}

/* Whether the caller can read the session description that a 2xx to its INVITE brings. Without Accept it can (RFC 3261 20.1). */
static bool takes_sdp(const struct scan *s)
{
	static const struct slice name = {"Accept", 6};
	bool told = false;
	struct slice rest, item;

	for (unsigned i = 0; i < s->header_count; i++) {
		if (s->headers[i].id != HDR_OTHER || !slice_case_eq(scan_name(s, i), name))
			continue;
		told = true;
		rest = scan_value(s, i);
		while (value_split(&item, &rest))
			if (media_is(item, "application", "sdp") || media_is(item, "application", "*") || media_is(item, "*", NULL))
				return true;
	}
	return !told;
}

void verdict_on_method(struct verdict *v, const struct scan *s, unsigned answers)
{
	enum method method = method_of(s->method);

	if (slice_eq(s->method, SLICE_LIT("PRACK")) || slice_eq(s->method, SLICE_LIT("NOTIFY"))) {
		if (answers & UA_ANSWER(STRAY))
			set(v, 481, UA_ANSWER(STRAY)); /* RFC 3262 3, RFC 6665 4.1.3: nothing reliable, no subscription waits for it */
	} else if (answers & UA_ANSWER(METHOD) && (method == KNOWN || method == UNKNOWN)) {
		refuse_method(v, method == KNOWN ? 405 : 501);
	}
}

void verdict_on_request(struct verdict *v, const struct scan *s, unsigned answers, bool merged, struct slice supports,
			struct slice requires)
{
	enum method method = method_of(s->method);
	bool invite = slice_eq(s->method, SLICE_LIT("INVITE"));

	if (answers & UA_ANSWER(METHOD) && method == KNOWN) {
		refuse_method(v, 405);
		return;
	}
	if (answers & UA_ANSWER(STRAY) && method == DIALOG_ONLY) {
		set(v, 481, UA_ANSWER(STRAY));
		return;
	}
	if (answers & UA_ANSWER(MERGED) && merged) {
		set(v, 482, UA_ANSWER(MERGED));
		return;
	}
	if (answers & UA_ANSWER(REQUIRE))
		verdict_on_require(v, s, supports);
	if (!v->status && invite && answers & UA_ANSWER(EXTENSION))
		verdict_on_extensions(v, s, requires);
	if (v->status || refuse_content(v, s, answers))
		return;
	if (answers & UA_ANSWER(ACCEPT) && invite && !takes_sdp(s))
		set(v, 406, UA_ANSWER(ACCEPT));
}

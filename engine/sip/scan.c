#include "sip/scan.h"

#include "core/err.h"
#include "core/mem.h"

#include <stdlib.h>

static const struct slice names[HDR_COUNT] = {
#define SCAN_NAME(id, name, compact) [HDR_##id] = {name, sizeof(name) - 1},
    SCAN_HEADERS(SCAN_NAME)
#undef SCAN_NAME
};

struct slice hdr_text(enum hdr_id id)
{
	return id > HDR_OTHER && id < HDR_COUNT ? names[id] : SLICE_NONE;
}

const char *hdr_name(enum hdr_id id)
{
	return hdr_text(id).p;
}

/* What a byte may be: part of a token (RFC 3261 25.1), white space, line ends of folded lines included; or what a value is searched
 * for. */
enum { TOKEN = 1, LWS = 2, SEMI = 4, COMMA = 8, QUOTE = 16, ANGLE = 32 };

/* clang-format off */
static const uint8_t classes[256] = {
	['a' ... 'z'] = TOKEN, ['A' ... 'Z'] = TOKEN, ['0' ... '9'] = TOKEN, ['-'] = TOKEN, ['.'] = TOKEN, ['!'] = TOKEN,
	['%'] = TOKEN,         ['*'] = TOKEN,         ['_'] = TOKEN,         ['+'] = TOKEN, ['`'] = TOKEN, ['\''] = TOKEN,
	['~'] = TOKEN,         [' '] = LWS,           ['\t'] = LWS,          ['\r'] = LWS, ['\n'] = LWS,
	[';'] = SEMI,          [','] = COMMA,         ['"'] = QUOTE,         ['<'] = ANGLE,
};
/* clang-format on */

static inline bool is_token(char c)
{
	return classes[(unsigned char)c] & TOKEN;
}

static inline bool is_lws(char c)
{
	return classes[(unsigned char)c] & LWS;
}

static inline const char *skip_to(const char *p, const char *end, int what)
{
	for (; end - p >= 4; p += 4) {
		if (classes[(unsigned char)p[0]] & what)
			return p;
		if (classes[(unsigned char)p[1]] & what)
			return p + 1;
		if (classes[(unsigned char)p[2]] & what)
			return p + 2;
		if (classes[(unsigned char)p[3]] & what)
			return p + 3;
	}
	while (p < end && !(classes[(unsigned char)*p] & what))
		p++;
	return p;
}

static inline const char *skip_token(const char *p, const char *end)
{
	for (; end - p >= 4; p += 4) {
		if (!is_token(p[0]))
			return p;
		if (!is_token(p[1]))
			return p + 1;
		if (!is_token(p[2]))
			return p + 2;
		if (!is_token(p[3]))
			return p + 3;
	}
	while (p < end && is_token(*p))
		p++;
	return p;
}

static inline const char *skip_lws(const char *p, const char *end)
{
	while (p < end && is_lws(*p))
		p++;
	return p;
}

static inline struct slice between(const char *p, const char *end)
{
	return (struct slice){p, (size_t)(end - p)};
}

/* From `p` to `end` without white space behind. */
static inline struct slice trimmed_to(const char *p, const char *end)
{
	while (end > p && is_lws(end[-1]))
		end--;
	return between(p, end);
}

enum hdr_id hdr_lookup(struct slice name)
{
	/* By letter; those without a compact form are parked behind the letters. */
	static const uint8_t compact[128 + HDR_COUNT] = {
#define SCAN_COMPACT(id, full, letter) [letter ? letter : 128 + HDR_##id] = HDR_##id,
	    SCAN_HEADERS(SCAN_COMPACT)
#undef SCAN_COMPACT
	};
	/* By length, the most frequent first. A test looks every header up, so that none can be forgotten here. */
	static const uint8_t by_length[][6] = {
	    [2] = {HDR_TO},
	    [3] = {HDR_VIA},
	    [4] = {HDR_FROM, HDR_CSEQ, HDR_RSEQ, HDR_RACK},
	    [5] = {HDR_ROUTE, HDR_ALLOW, HDR_EVENT},
	    [6] = {HDR_MIN_SE},
	    [7] = {HDR_CALL_ID, HDR_CONTACT, HDR_EXPIRES, HDR_REQUIRE, HDR_SUBJECT},
	    [8] = {HDR_REFER_TO, HDR_IDENTITY, HDR_REPLACES},
	    [9] = {HDR_SUPPORTED, HDR_TIMESTAMP},
	    [11] = {HDR_MIN_EXPIRES, HDR_UNSUPPORTED, HDR_REFERRED_BY, HDR_RETRY_AFTER},
	    [12] = {HDR_MAX_FORWARDS, HDR_CONTENT_TYPE, HDR_RECORD_ROUTE, HDR_ALLOW_EVENTS},
	    [13] = {HDR_AUTHORIZATION, HDR_PROXY_REQUIRE},
	    [14] = {HDR_CONTENT_LENGTH, HDR_ACCEPT_CONTACT, HDR_REJECT_CONTACT},
	    [15] = {HDR_SESSION_EXPIRES},
	    [16] = {HDR_WWW_AUTHENTICATE, HDR_CONTENT_ENCODING},
	    [18] = {HDR_PROXY_AUTHENTICATE},
	    [19] = {HDR_PROXY_AUTHORIZATION, HDR_REQUEST_DISPOSITION},
	};

	if (name.l == 1)
		return is_token(name.p[0]) ? compact[name.p[0] | 0x20] : HDR_OTHER;
	if (name.l >= sizeof(by_length) / sizeof(*by_length))
		return HDR_OTHER;
	for (const uint8_t *id = by_length[name.l]; *id; id++) {
		const char *full = names[*id].p;
		if ((name.p[0] | 0x20) == (full[0] | 0x20) && (!memcmp(name.p, full, name.l) || slice_case_eq(name, names[*id])))
			return *id;
	}
	return HDR_OTHER;
}

/* The headers that nearly every message has, as nearly everybody writes them, told apart by four bytes at a time: `*name_end` is their
 * colon. HDR_OTHER: look closer. */
static inline enum hdr_id quick_name(const char *p, const char *end, const char **name_end)
{
#define FOUR(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define AT(i) FOUR((uint8_t)p[i], (uint8_t)p[(i) + 1], (uint8_t)p[(i) + 2], (uint8_t)p[(i) + 3])
#define IS(len, id) (*name_end = p + (len), HDR_##id)

	if (end - p < 16)
		return HDR_OTHER;
	switch (AT(0)) {
	case FOUR('V', 'i', 'a', ':'):
		return IS(3, VIA);
	case FOUR('F', 'r', 'o', 'm'):
		return p[4] == ':' ? IS(4, FROM) : HDR_OTHER;
	case FOUR('T', 'o', ':', ' '):
		return IS(2, TO);
	case FOUR('C', 'a', 'l', 'l'):
		return AT(4) == FOUR('-', 'I', 'D', ':') ? IS(7, CALL_ID) : HDR_OTHER;
	case FOUR('C', 'S', 'e', 'q'):
		return p[4] == ':' ? IS(4, CSEQ) : HDR_OTHER;
	case FOUR('C', 'o', 'n', 't'):
		if (AT(4) == FOUR('a', 'c', 't', ':'))
			return IS(7, CONTACT);
		if (AT(4) == FOUR('e', 'n', 't', '-') && AT(8) == FOUR('L', 'e', 'n', 'g') && AT(11) == FOUR('g', 't', 'h', ':'))
			return IS(14, CONTENT_LENGTH);
		if (AT(4) == FOUR('e', 'n', 't', '-') && AT(8) == FOUR('T', 'y', 'p', 'e') && p[12] == ':')
			return IS(12, CONTENT_TYPE);
		return HDR_OTHER;
	case FOUR('M', 'a', 'x', '-'):
		return AT(4) == FOUR('F', 'o', 'r', 'w') && AT(8) == FOUR('a', 'r', 'd', 's') && p[12] == ':' ? IS(12, MAX_FORWARDS) : HDR_OTHER;
	case FOUR('A', 'l', 'l', 'o'):
		return p[4] == 'w' && p[5] == ':' ? IS(5, ALLOW) : HDR_OTHER;
	default:
		return HDR_OTHER;
	}
#undef IS
#undef AT
#undef FOUR
}

const char *scan_flaw_text(unsigned flaws)
{
	static const struct {
		unsigned flaw;
		const char *text;
	} texts[] = {
	    {SCAN_NOT_SIP, "not a SIP message"},
	    {SCAN_VERSION, "the version is not SIP/2.0"},
	    {SCAN_START_LINE, "the start line is malformed"},
	    {SCAN_TRUNCATED, "the message ends within its headers"},
	    {SCAN_NUL, "a NUL byte stands among the headers"},
	    {SCAN_HEADER_LINE, "a header line is malformed"},
	    {SCAN_MISSING, "a mandatory header (Via, From, To, Call-ID, CSeq) is missing"},
	    {SCAN_DUPLICATE, "a header stands twice that may stand once"},
	    {SCAN_CSEQ, "CSeq is malformed"},
	    {SCAN_CSEQ_METHOD, "the method of CSeq differs from the request line"},
	    {SCAN_CONTENT_LENGTH, "Content-Length is malformed"},
	    {SCAN_BODY_SHORT, "the body is shorter than Content-Length"},
	    {SCAN_BODY_LONG, "the body is longer than Content-Length"},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (flaws & texts[i].flaw)
			return texts[i].text;
	return "";
}

/* Behind the quoted string that begins at `p`, or the end. */
static const char *skip_quoted(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/* The ';' before the first parameter, the end, or in a list the comma where the value ends. Parameters of a name-addr
 * stand behind its angle brackets (RFC 3261 20.10). */
static const char *skip_to_params(const char *p, const char *end, bool list)
{
	const char *close = p; /* NULL: there is no '>' any more, do not look again */
	const int stop = list ? SEMI | COMMA : SEMI;

	while ((p = skip_to(p, end, stop | QUOTE | ANGLE)) < end) {
		if (classes[(unsigned char)*p] & stop)
			break;
		if (*p == '"')
			p = skip_quoted(p, end);
		else if (close && (close = memchr(p, '>', (size_t)(end - p))))
			p = close + 1;
		else
			p++;
	}
	return p;
}

/* The parameter at the ';' that `*pp` points to, which moves behind it; `key` is empty where junk stands behind the name. False at the end or
 * a comma. */
static inline bool next_param(struct slice *key, struct slice *value, const char **pp, const char *end)
{
	const char *p = *pp;

	if (p == end || *p != ';')
		return false;
	const char *name = skip_lws(p + 1, end);
	const char *name_end = skip_token(name, end);
	const char *from = p = skip_lws(name_end, end);
	if (p < end && *p == '=')
		from = p = skip_lws(p + 1, end);
	else if (p < end && *p != ';' && *p != ',')
		name_end = name;
	while ((p = skip_to(p, end, SEMI | COMMA | QUOTE)) < end && *p == '"')
		p = skip_quoted(p, end);
	*key = between(name, name_end);
	*value = trimmed_to(from, p);
	*pp = p;
	return true;
}

/* Looks for a parameter from the ';' at `p` on, up to the end or a comma. */
static bool find_param(struct slice *out, const char *p, const char *end, struct slice name)
{
	struct slice key, value;

	while (next_param(&key, &value, &p, end))
		if (key.l && key.l == name.l && slice_case_eq(key, name)) {
			*out = value;
			return true;
		}
	return false;
}

bool scan_param(struct slice *out, struct slice value, const char *name)
{
	if (!value.l)
		return false;
	const char *end = value.p + value.l;
	return find_param(out, skip_to_params(value.p, end, true), end, slice_str(name));
}

/* The first parameter at `p`, where it is the one looked for and a token, as it nearly always is; `begin` is ";name=". */
static inline bool first_param(struct slice *out, const char *p, const char *end, const char *begin, size_t len)
{
	if ((size_t)(end - p) <= len || memcmp(p, begin, len))
		return false;
	const char *value_end = skip_token(p + len, end);
	*out = between(p + len, value_end);
	return out->l && (value_end == end || *value_end == ';');
}

/* From and To hold one value: a comma in a display name without its quotes is no reason to miss the tag. */
static void scan_tag(struct slice *tag, struct slice value)
{
	const char *end = value.p + value.l, *p = skip_to_params(value.p, end, false);

	if (!first_param(tag, p, end, ";tag=", 5)) {
		*tag = SLICE_NONE;
		find_param(tag, p, end, SLICE_LIT("tag"));
	}
}

/* via-parm = name SLASH version SLASH transport LWS sent-by *( SEMI params ), with white space about each SLASH */
static void scan_via(struct scan *s, struct slice value)
{
	const char *p = value.p, *end = value.p + value.l, *comma;

	if (value.l > 8 && !memcmp(p, "SIP/2.0/", 8)) /* as nearly everybody writes it */
		p += 8;
	else
		for (int slash = 0; p < end && slash < 2 && *p != ';' && *p != ','; p++)
			slash += *p == '/';
	p = skip_lws(skip_token(skip_lws(p, end), end), end);
	const char *sent_by = p;
	p = skip_to(p, end, SEMI | COMMA);
	s->sent_by = trimmed_to(sent_by, p);
	if (!first_param(&s->branch, p, end, ";branch=", 8)) {
		s->branch = SLICE_NONE;
		find_param(&s->branch, p, end, SLICE_LIT("branch"));
	}
	comma = memchr(p, ',', (size_t)(end - p));
	if (comma) /* maybe a quoted one */
		for (comma = p; comma < end && *comma != ',';)
			comma = *comma == '"' ? skip_quoted(comma, end) : comma + 1;
	s->via = trimmed_to(value.p, comma ? comma : end);
}

void scan_via_params(struct scan_via *v, const struct scan *s)
{
	const char *end = s->via.p + s->via.l, *p = s->sent_by.p + s->sent_by.l;
	struct slice key, value;

	*v = (struct scan_via){.maddr = SLICE_NONE};
	if (!s->via.l || !s->sent_by.p)
		return;
	p = s->branch.p == p + 8 ? s->branch.p + s->branch.l : p; /* ";branch=" comes first, as nearly always */
	p = skip_to(p, end, SEMI);
	while (next_param(&key, &value, &p, end)) {
		struct slice *out = key.l == 8 && slice_case_eq(key, SLICE_LIT("received")) ? &v->received
				    : key.l == 5 && slice_case_eq(key, SLICE_LIT("rport")) ? &v->rport
				    : key.l == 5 && slice_case_eq(key, SLICE_LIT("maddr")) ? &v->maddr
											   : NULL;
		if (out && !out->p)
			*out = value;
	}
}

bool scan_sent_by(const struct scan *s, struct slice *host, uint16_t *port)
{
	struct slice h = s->sent_by;
	const char *bracket = h.l ? memrchr(h.p, ']', h.l) : NULL;
	const char *from = bracket ? bracket : h.p;
	const char *colon = h.l ? memchr(from, ':', (size_t)(h.p + h.l - from)) : NULL;
	uint64_t n = 5060;

	*host = h;
	*port = 5060;
	if (!colon || (!bracket && memchr(colon + 1, ':', (size_t)(h.p + h.l - colon - 1))))
		return true; /* several colons without brackets: an IPv6 address */
	*host = trimmed_to(h.p, colon);
	bool ok = slice_u64(&n, slice_trim(between(colon + 1, h.p + h.l)), 65535) && n;
	*port = ok ? (uint16_t)n : 0;
	return ok;
}

static void scan_cseq(struct scan *s, struct slice value)
{
	const char *p = value.p, *end = value.p + value.l;
	uint64_t n = 0;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	const char *method = skip_lws(p, end);
	s->cseq_method = between(method, end);
	if (!slice_u64(&n, between(value.p, p), 0x7fffffff) || method == p || method == end ||
	    skip_token(method, end) != end)
		s->flaws |= SCAN_CSEQ;
	s->cseq = (uint32_t)n;
}

static int add_header(struct scan *s, struct scan_room *room, struct slice name, struct slice value, enum hdr_id id)
{
	if (s->header_count == room->cap) {
		struct scan_header *more = mem_should_fail() ? NULL : malloc(4 * room->cap * sizeof(*more));
		if (!more)
			return ERR_NOMEM;
		memcpy(more, s->headers, s->header_count * sizeof(*more));
		free(room->more);
		s->headers = room->more = more;
		room->cap *= 4;
	}
	s->headers[s->header_count++] = (struct scan_header){
	    .name = (uint32_t)(name.p - s->bytes.p),
	    .name_len = (uint16_t)(name.l > UINT16_MAX ? UINT16_MAX : name.l),
	    .value = (uint32_t)(value.p - s->bytes.p),
	    .value_len = (uint32_t)value.l,
	    .id = (uint16_t)id,
	};
	return 0;
}

#define BIT(id) (1ull << HDR_##id)

_Static_assert(HDR_COUNT <= 64, "a set of header numbers fits 64 bits");

/* Headers of one value: a second one is an error (RFC 3261 7.3.1). */
#define SINGLE                                                                                                         \
	(BIT(FROM) | BIT(TO) | BIT(CALL_ID) | BIT(CSEQ) | BIT(MAX_FORWARDS) | BIT(CONTENT_LENGTH) |                    \
	 BIT(CONTENT_TYPE) | BIT(EXPIRES) | BIT(MIN_EXPIRES) | BIT(EVENT) | BIT(REFER_TO) | BIT(REFERRED_BY) |         \
	 BIT(SUBJECT) | BIT(SESSION_EXPIRES) | BIT(RETRY_AFTER) | BIT(TIMESTAMP) | BIT(RSEQ) |        \
	 BIT(RACK) | BIT(MIN_SE) | BIT(REPLACES))

/* RFC 3261 8.1.1, but for Max-Forwards, which RFC 2543 did not know. */
#define NEEDED (BIT(VIA) | BIT(FROM) | BIT(TO) | BIT(CALL_ID) | BIT(CSEQ))

/* Takes what routing needs from a header. The first of its name counts. */
static void note_header(struct scan *s, enum hdr_id id, struct slice value, uint64_t *seen)
{
	uint64_t n;

	if (*seen & 1ull << id) {
		if (SINGLE & 1ull << id)
			s->flaws |= SCAN_DUPLICATE;
		return;
	}
	*seen |= 1ull << id;
	switch (id) {
	case HDR_VIA:
		scan_via(s, value);
		break;
	case HDR_FROM:
		s->from = value;
		scan_tag(&s->from_tag, value);
		break;
	case HDR_TO:
		s->to = value;
		scan_tag(&s->to_tag, value);
		break;
	case HDR_CALL_ID:
		s->call_id = value;
		break;
	case HDR_CSEQ:
		scan_cseq(s, value);
		break;
	case HDR_CONTENT_LENGTH:
		if (slice_u64(&n, value, INT32_MAX)) {
			s->content_length = (int32_t)n;
		} else {
			s->content_length = -2;
			s->flaws |= SCAN_CONTENT_LENGTH;
		}
		break;
	default:
		break;
	}
}

static bool is_version(struct slice v)
{
	return v.l >= 4 && (!memcmp(v.p, "SIP/", 4) || slice_case_eq((struct slice){v.p, 4}, SLICE_LIT("SIP/")));
}

static void set_version(struct scan *s, struct slice version)
{
	s->version = version;
	if (!(version.l == 7 && !memcmp(version.p, "SIP/2.0", 7)) && !slice_case_eq(version, SLICE_LIT("SIP/2.0")))
		s->flaws |= SCAN_VERSION;
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase. False when this is none. */
static bool scan_status_line(struct scan *s, struct slice version, const char *end)
{
	const char *p = version.p + version.l, *code;
	uint64_t status = 0;

	for (code = p; code < end && *code == ' '; code++)
		;
	const char *space = memchr(code, ' ', (size_t)(end - code));
	struct slice digits = between(code, space ? space : end);
	if (digits.l == 0 || digits.p[0] < '0' || digits.p[0] > '9')
		return false;
	(void)slice_u64(&status, digits, UINT16_MAX); /* else it stays 0 */
	if (code - p != 1 || !space || digits.l != 3 || status < 100 || status > 699)
		s->flaws |= SCAN_START_LINE;
	s->status = (uint16_t)status;
	s->reason = space ? between(space + 1, end) : between(end, end);
	set_version(s, version);
	return true;
}

/* Request-Line = Method SP Request-URI SP SIP-Version. False when this is none. */
static bool scan_request_line(struct scan *s, struct slice method, const char *line_end)
{
	const char *space = method.p + method.l, *end = line_end;

	while (end > space && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	const char *last = end > space ? memrchr(space, ' ', (size_t)(end - space)) : NULL;
	if (!method.l || !last || last == space || !is_version(between(last + 1, end)))
		return false;
	s->request = true;
	s->method = method;
	s->uri = slice_trim(between(space + 1, last));
	if (end != line_end || skip_token(method.p, space) != space || s->uri.l == 0 ||
	    s->uri.l != (size_t)(last - space - 1) || memchr(s->uri.p, ' ', s->uri.l) ||
	    memchr(s->uri.p, '\t', s->uri.l))
		s->flaws |= SCAN_START_LINE;
	set_version(s, between(last + 1, end));
	return true;
}

static bool scan_start_line(struct scan *s, const char *p, const char *end)
{
	const char *space = memchr(p, ' ', (size_t)(end - p));

	if (!space)
		return false;
	struct slice first = between(p, space);
	return is_version(first) ? scan_status_line(s, first, end) : scan_request_line(s, first, end);
}

/* One header, folded lines included (RFC 3261 7.3.1). */
static int scan_line(struct scan *s, struct scan_room *room, const char *p, const char *end, uint64_t *seen)
{
	const char *name_end, *colon;
	enum hdr_id id = quick_name(p, end, &name_end);
	int err;

	if (id != HDR_OTHER) {
		colon = name_end;
	} else {
		name_end = colon = skip_token(p, end);
		while (colon < end && (*colon == ' ' || *colon == '\t'))
			colon++;
		if (name_end == p || colon == end || *colon != ':') {
			s->flaws |= SCAN_HEADER_LINE;
			colon = memchr(p, ':', (size_t)(end - p));
			name_end = colon ? colon : end;
			while (name_end > p && (name_end[-1] == ' ' || name_end[-1] == '\t'))
				name_end--;
		}
		id = colon ? hdr_lookup(between(p, name_end)) : HDR_OTHER;
	}
	struct slice value = colon ? trimmed_to(skip_lws(colon + 1, end), end) : between(end, end);
	err = add_header(s, room, between(p, name_end), value, id);
	if (!err && id != HDR_OTHER)
		note_header(s, id, value, seen);
	return err;
}

/* A NUL may stand as a quoted-pair within quotes (RFC 3261 25.1), and nowhere else. */
static bool has_bare_nul(const char *p, const char *end)
{
	for (const char *nul = p; (nul = memchr(nul, '\0', (size_t)(end - nul))); nul++)
		if (nul == p || nul[-1] != '\\')
			return true;
	return false;
}

int scan_message_in(struct scan *s, struct scan_room *room, struct slice bytes)
{
	uint64_t seen = 0;
	int err = 0;

	memset(s, 0, sizeof(*s));
	room->cap = SCAN_ROOM;
	room->more = NULL;
	s->bytes = bytes;
	s->headers = room->first;
	s->content_length = -1;
	if (!bytes.l || bytes.l > UINT32_MAX) {
		s->flaws = SCAN_NOT_SIP;
		return 0;
	}

	const char *p = bytes.p, *end = bytes.p + bytes.l;
	while (p < end && (*p == '\r' || *p == '\n')) /* RFC 3261 7.5: CRLF before the start line is ignored */
		p++;
	const char *start = p;
	const char *nl = memchr(p, '\n', (size_t)(end - p));
	const char *line_end = nl ? nl : end;
	if (line_end > p && line_end[-1] == '\r')
		line_end--;
	if (!scan_start_line(s, p, line_end)) {
		s->flaws = SCAN_NOT_SIP;
		return 0;
	}
	p = nl ? nl + 1 : end;
	for (;;) {
		if (p == end || (*p == '\r' && p + 1 == end)) {
			s->flaws |= SCAN_TRUNCATED;
			break;
		}
		if (*p == '\n' || (*p == '\r' && p[1] == '\n')) {
			p += *p == '\r' ? 2 : 1;
			s->body = between(p, end);
			break;
		}
		nl = memchr(p, '\n', (size_t)(end - p));
		while (nl && nl + 1 < end && (uint8_t)nl[1] <= ' ' && (nl[1] == ' ' || nl[1] == '\t'))
			nl = memchr(nl + 1, '\n', (size_t)(end - nl - 1));
		line_end = nl ? nl : end;
		if (line_end > p && line_end[-1] == '\r')
			line_end--;
		err = scan_line(s, room, p, line_end, &seen);
		if (err)
			return err;
		p = nl ? nl + 1 : end;
	}

	if (has_bare_nul(start, p))
		s->flaws |= SCAN_NUL;
	if ((seen & NEEDED) != NEEDED)
		s->flaws |= SCAN_MISSING;
	if (s->request && seen & BIT(CSEQ) && !(s->flaws & SCAN_CSEQ) && !slice_eq(s->cseq_method, s->method))
		s->flaws |= SCAN_CSEQ_METHOD;
	if (s->content_length >= 0 && s->body.p) {
		size_t length = (size_t)s->content_length;
		if (length > s->body.l) {
			s->flaws |= SCAN_BODY_SHORT;
		} else if (length < s->body.l) {
			s->flaws |= SCAN_BODY_LONG;
			s->body.l = length;
		}
	}
	return 0;
}

void scan_room_free(struct scan_room *room)
{
	free(room->more);
	room->more = NULL;
}

void scan_move(struct scan *s, const char *bytes, struct scan_header *headers)
{
	const char *from = s->bytes.p;

	for (size_t i = 0; i < sizeof(s->slices) / sizeof(*s->slices); i++) {
		const char *p = s->slices[i].p;
		s->slices[i].p = p ? bytes + (p - from) : NULL;
	}
	if (s->header_count)
		memcpy(headers, s->headers, s->header_count * sizeof(*headers));
	s->headers = headers;
}

int scan_message(struct scan *s, struct slice bytes)
{
	struct scan_room room;
	struct scan_header *own = NULL;
	int err = scan_message_in(s, &room, bytes);

	if (!err && s->header_count && (mem_should_fail() || !(own = malloc(s->header_count * sizeof(*own)))))
		err = ERR_NOMEM;
	if (!err)
		scan_move(s, bytes.p, own);
	scan_room_free(&room);
	if (err) {
		s->header_count = 0;
		s->headers = NULL;
	}
	return err;
}

void scan_free(struct scan *s)
{
	free(s->headers);
	s->headers = NULL;
	s->header_count = 0;
}

struct slice scan_name(const struct scan *s, unsigned i)
{
	return (struct slice){s->bytes.p + s->headers[i].name, s->headers[i].name_len};
}

struct slice scan_value(const struct scan *s, unsigned i)
{
	return (struct slice){s->bytes.p + s->headers[i].value, s->headers[i].value_len};
}

struct slice scan_header(const struct scan *s, enum hdr_id id, unsigned n)
{
	for (unsigned i = 0; i < s->header_count; i++)
		if (s->headers[i].id == id && n-- == 0)
			return scan_value(s, i);
	return SLICE_NONE;
}

struct slice scan_header_named(const struct scan *s, struct slice name, unsigned n)
{
	enum hdr_id id = hdr_lookup(name);

	if (id != HDR_OTHER)
		return scan_header(s, id, n);
	for (unsigned i = 0; i < s->header_count; i++)
		if (s->headers[i].id == HDR_OTHER && slice_case_eq(scan_name(s, i), name) && n-- == 0)
			return scan_value(s, i);
	return SLICE_NONE;
}

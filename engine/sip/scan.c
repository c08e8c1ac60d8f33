#include "sip/scan_priv.h"

#include "core/err.h"
#include "core/mem.h"

#include <stdlib.h>

/* --- lines: their ends are looked for 64 bytes at a time --- */

struct lines {
	const char *block, *end; /* of the bytes that are left */
	uint64_t ends;           /* line ends of the block that were not taken yet */
};

static inline uint64_t line_ends_of_64(const char *p)
{
	return (uint64_t)are(p, '\n') | (uint64_t)are(p + 16, '\n') << 16 | (uint64_t)are(p + 32, '\n') << 32 |
	       (uint64_t)are(p + 48, '\n') << 48;
}

static inline uint64_t line_ends(const char *p, const char *end)
{
	char last[64];

	if (end - p >= 64)
		return line_ends_of_64(p);
	memset(last, 0, sizeof(last));
	memcpy(last, p, (size_t)(end - p));
	return line_ends_of_64(last);
}

static inline struct lines lines_of(const char *p, const char *end)
{
	return (struct lines){p, end, line_ends(p, end)};
}

/* The next LF, or NULL. */
static inline const char *next_end(struct lines *l)
{
	const char *at;

	while (!l->ends) {
		if (l->end - l->block <= 64)
			return NULL;
		l->block += 64;
		l->ends = line_ends(l->block, l->end);
	}
	at = l->block + __builtin_ctzll(l->ends);
	l->ends &= l->ends - 1;
	return at;
}

/* RFC 3261 7.5: CRLF before the start line is ignored. */
static const char *begin_of(struct slice bytes)
{
	const char *p = bytes.p, *end = bytes.p + bytes.l;

	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* The headers that nearly every message has, as nearly everybody writes them, told apart by four bytes at a time: `*name_end` is their
 * colon. HDR_OTHER: look closer. */
static inline enum hdr_id quick_name(const char *p, const char *limit, const char **name_end)
{
#define FOUR(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define AT(i) FOUR((uint8_t)p[i], (uint8_t)p[(i) + 1], (uint8_t)p[(i) + 2], (uint8_t)p[(i) + 3])
#define IS(len, id) (*name_end = p + (len), HDR_##id)

	if (limit - p < 16)
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

/* --- header values --- */

/* The first parameter at `p`, where it is the one looked for and nothing in it needs a closer look, as nearly always; `begin` is ";name=". */
static inline bool first_param(struct slice *out, const char *p, const char *end, const char *limit, const char *begin, size_t len)
{
	if ((size_t)(end - p) <= len || memcmp(p, begin, len))
		return false;
	const char *value_end = skip_to_end(p + len, end, limit);
	*out = slice_between(p + len, value_end);
	return out->l && (value_end == end || *value_end == ';');
}

/* From and To hold one value: a comma in a display name without its quotes is no reason to miss the tag. */
static void scan_tag(struct slice *tag, struct slice value, const char *limit)
{
	const char *end = value.p + value.l, *p = NULL;

	if (value.l && *value.p == '<') /* as nearly everybody writes it */
		p = find_byte(value.p, end, limit, '>');
	p = p && (p + 1 == end || p[1] == ';') ? p + 1 : skip_to_params(value.p, end, false);
	if (!first_param(tag, p, end, limit, ";tag=", 5)) {
		*tag = SLICE_NONE;
		if (p < end)
			find_param(tag, p, end, SLICE_LIT("tag"));
	}
}

/* via-parm = name SLASH version SLASH transport LWS sent-by *( SEMI params ), with white space about each SLASH */
static void scan_via(struct scan *s, struct slice value, const char *limit)
{
	const char *p = value.p, *end = value.p + value.l, *comma;

	if (value.l > 12 && !memcmp(p, "SIP/2.0/UDP ", 12) && (uint8_t)p[12] > ' ') { /* as nearly everybody writes it */
		p += 12;
	} else {
		for (int slash = 0; p < end && slash < 2 && *p != ';' && *p != ','; p++)
			slash += *p == '/';
		p = skip_lws(skip_token(skip_lws(p, end), end), end);
	}
	const char *sent_by = p;
	p = skip_to_end(p, end, limit);
	if (p < end && !is_a(*p, SEMI | COMMA))
		p = skip_to(p, end, SEMI | COMMA);
	s->sent_by = trimmed_to(sent_by, p);
	if (!first_param(&s->branch, p, end, limit, ";branch=", 8)) {
		s->branch = SLICE_NONE;
		find_param(&s->branch, p, end, SLICE_LIT("branch"));
	}
	comma = find_byte(p, end, limit, ',');
	if (comma) /* maybe a quoted one */
		for (comma = p; comma < end && *comma != ',';)
			comma = *comma == '"' ? skip_quoted(comma, end) : comma + 1;
	s->via = trimmed_to(value.p, comma ? comma : end);
}

static void scan_cseq(struct scan *s, struct slice value)
{
	const char *p = value.p, *end = value.p + value.l;
	uint64_t n = 0;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	const char *method = skip_lws(p, end);
	s->cseq_method = slice_between(method, end);
	if (!slice_u64(&n, slice_between(value.p, p), 0x7fffffff) || method == p || method == end ||
	    skip_token(method, end) != end)
		s->flaws |= SCAN_CSEQ;
	s->cseq = (uint32_t)n;
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
static void note_header(struct scan *s, enum hdr_id id, struct slice value)
{
	const char *limit = s->bytes.p + s->bytes.l;
	uint64_t n;

	if (s->present & 1ull << id) {
		if (SINGLE & 1ull << id)
			s->flaws |= SCAN_DUPLICATE;
		return;
	}
	s->present |= 1ull << id;
	switch (id) {
	case HDR_VIA:
		scan_via(s, value, limit);
		break;
	case HDR_FROM:
		s->from = value;
		scan_tag(&s->from_tag, value, limit);
		break;
	case HDR_TO:
		s->to = value;
		scan_tag(&s->to_tag, value, limit);
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

/* --- lines --- */

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
	struct slice digits = slice_between(code, space ? space : end);
	if (digits.l == 0 || digits.p[0] < '0' || digits.p[0] > '9')
		return false;
	(void)slice_u64(&status, digits, UINT16_MAX); /* else it stays 0 */
	if (code - p != 1 || !space || digits.l != 3 || status < 100 || status > 699)
		s->flaws |= SCAN_START_LINE;
	s->status = (uint16_t)status;
	s->reason = space ? slice_between(space + 1, end) : slice_between(end, end);
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
	if (!method.l || !last || last == space || !is_version(slice_between(last + 1, end)))
		return false;
	s->request = true;
	s->method = method;
	s->uri = slice_trim(slice_between(space + 1, last));
	if (end != line_end || skip_token(method.p, space) != space || s->uri.l == 0 ||
	    s->uri.l != (size_t)(last - space - 1) || memchr(s->uri.p, ' ', s->uri.l) ||
	    memchr(s->uri.p, '\t', s->uri.l))
		s->flaws |= SCAN_START_LINE;
	set_version(s, slice_between(last + 1, end));
	return true;
}

/* The start line as nearly everybody writes it. False: look closer. */
static bool quick_start_line(struct scan *s, const char *p, const char *end)
{
	const char *limit = s->bytes.p + s->bytes.l, *uri;

	if (end - p < 12)
		return false;
	if (!memcmp(p, "SIP/2.0 ", 8)) {
		if (p[8] < '1' || p[8] > '6' || p[9] < '0' || p[9] > '9' || p[10] < '0' || p[10] > '9' || p[11] != ' ')
			return false;
		s->status = (uint16_t)(100 * (p[8] - '0') + 10 * (p[9] - '0') + (p[10] - '0'));
		s->reason = slice_between(p + 12, end);
		s->version = slice_between(p, p + 7);
		return true;
	}
	if (memcmp(end - 8, " SIP/2.0", 8) || !(uri = find_byte(p, end - 8, limit, ' ')) || uri == p || skip_token(p, uri) != uri)
		return false;
	s->method = slice_between(p, uri);
	s->uri = slice_between(uri + 1, end - 8);
	if (!s->uri.l || has_blank(s->uri.p, end - 8, limit))
		return false;
	s->version = slice_between(end - 7, end);
	s->request = true;
	return true;
}

static bool scan_start_line(struct scan *s, const char *p, const char *end)
{
	if (quick_start_line(s, p, end))
		return true;
	s->method = s->uri = (struct slice){NULL, 0};
	const char *space = memchr(p, ' ', (size_t)(end - p));

	if (!space)
		return false;
	struct slice first = slice_between(p, space);
	return is_version(first) ? scan_status_line(s, first, end) : scan_request_line(s, first, end);
}

/* One header, folded lines included (RFC 3261 7.3.1). */
static inline void scan_line(struct scan *s, const char *p, const char *end)
{
	const char *limit = s->bytes.p + s->bytes.l, *name_end, *colon, *value;
	enum hdr_id id = quick_name(p, limit, &name_end);

	if (id != HDR_OTHER) {
		colon = name_end;
	} else {
		name_end = colon = skip_token(p, end);
		while (colon < end && (*colon == ' ' || *colon == '\t'))
			colon++;
		if (name_end == p || colon == end || *colon != ':') {
			s->flaws |= SCAN_HEADER_LINE;
			colon = find_byte(p, end, limit, ':');
			name_end = colon ? colon : end;
			while (name_end > p && (name_end[-1] == ' ' || name_end[-1] == '\t'))
				name_end--;
		}
		id = colon ? hdr_lookup(slice_between(p, name_end)) : HDR_OTHER;
	}
	value = colon ? skip_lws(colon + 1, end) : end;
	const struct slice v = trimmed_to(value, end);
	s->headers[s->header_count++] = (struct scan_header){
	    .name = (uint32_t)(p - s->bytes.p),
	    .name_len = (uint16_t)(name_end - p > UINT16_MAX ? UINT16_MAX : name_end - p),
	    .value = (uint32_t)(v.p - s->bytes.p),
	    .value_len = (uint32_t)v.l,
	    .id = (uint16_t)id,
	};
	if (id != HDR_OTHER)
		note_header(s, id, v);
}

/* A NUL may stand as a quoted-pair within quotes (RFC 3261 25.1), and nowhere else. */
static bool has_bare_nul(const char *begin, const char *end)
{
	for (const char *p = begin; p < end && (p = memchr(p, '\0', (size_t)(end - p))); p++)
		if (p == begin || p[-1] != '\\')
			return true;
	return false;
}

bool scan_into(struct scan *s, struct slice bytes, struct scan_header *headers, uint32_t room)
{
	memset(s, 0, sizeof(*s));
	s->bytes = bytes;
	s->headers = headers;
	s->content_length = -1;
	if (!bytes.l || bytes.l > UINT32_MAX) {
		s->flaws = SCAN_NOT_SIP;
		return true;
	}

	const char *start = begin_of(bytes), *p = start, *end = bytes.p + bytes.l;
	struct lines lines = lines_of(p, end);
	const char *nl = next_end(&lines), *line_end = nl ? nl : end;
	if (line_end > p && line_end[-1] == '\r')
		line_end--;
	if (!scan_start_line(s, p, line_end)) {
		s->flaws = SCAN_NOT_SIP;
		return true;
	}
	p = nl ? nl + 1 : end;
	for (;;) {
		if (p == end || (*p == '\r' && p + 1 == end)) {
			s->flaws |= SCAN_TRUNCATED;
			break;
		}
		if (*p == '\n' || (*p == '\r' && p[1] == '\n')) {
			p += *p == '\r' ? 2 : 1;
			s->body = slice_between(p, end);
			break;
		}
		nl = next_end(&lines);
		while (nl && nl + 1 < end && (uint8_t)nl[1] <= ' ' && (nl[1] == ' ' || nl[1] == '\t'))
			nl = next_end(&lines);
		line_end = nl ? nl : end;
		if (line_end > p && line_end[-1] == '\r')
			line_end--;
		if (s->header_count == room)
			return false;
		scan_line(s, p, line_end);
		p = nl ? nl + 1 : end;
	}

	if (has_bare_nul(start, p))
		s->flaws |= SCAN_NUL;
	if ((s->present & NEEDED) != NEEDED)
		s->flaws |= SCAN_MISSING;
	if (s->request && s->present & BIT(CSEQ) && !(s->flaws & SCAN_CSEQ) && !slice_eq(s->cseq_method, s->method))
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
	return true;
}

uint32_t scan_lines(struct slice bytes)
{
	const char *p, *end, *nl;
	struct lines lines;
	uint32_t n = 0;

	if (!bytes.l || bytes.l > UINT32_MAX)
		return 0;
	p = begin_of(bytes);
	end = bytes.p + bytes.l;
	lines = lines_of(p, end);

	while ((nl = next_end(&lines))) {
		n++;
		if (end - nl > 2 && (nl[1] == '\n' || (nl[1] == '\r' && nl[2] == '\n')))
			break; /* the rest is no header */
	}
	return n;
}

int scan_message(struct scan *s, struct slice bytes)
{
	uint32_t room = scan_lines(bytes);
	struct scan_header *headers = mem_should_fail() ? NULL : malloc((room ? room : 1) * sizeof(*headers));

	*s = (struct scan){0};
	if (!headers)
		return ERR_NOMEM;
	scan_into(s, bytes, headers, room);
	return 0;
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
	if (id != HDR_OTHER && !(s->present & 1ull << id))
		return SLICE_NONE;
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

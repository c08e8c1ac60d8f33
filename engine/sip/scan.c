#include "sip/scan.h"

#include "core/err.h"
#include "core/mem.h"

#include <stdlib.h>

static const char *const names[HDR_COUNT] = {
#define SCAN_NAME(id, name, compact) [HDR_##id] = name,
	SCAN_HEADERS(SCAN_NAME)
#undef SCAN_NAME
};

const char *hdr_name(enum hdr_id id)
{
	return id > HDR_OTHER && id < HDR_COUNT ? names[id] : NULL;
}

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is(struct slice name, enum hdr_id id)
{
	const char *want = names[id];
	for (size_t i = 0; i < name.l; i++)
		if (lower(name.p[i]) != lower(want[i]))
			return false;
	return want[name.l] == '\0';
}

static enum hdr_id compact_lookup(char c)
{
	static const char compact[HDR_COUNT] = {
#define SCAN_COMPACT(id, name, letter) [HDR_##id] = letter,
		SCAN_HEADERS(SCAN_COMPACT)
#undef SCAN_COMPACT
	};
	for (enum hdr_id id = HDR_VIA; id < HDR_COUNT; id++)
		if (compact[id] && compact[id] == lower(c))
			return id;
	return HDR_OTHER;
}

enum hdr_id hdr_lookup(struct slice name)
{
	if (name.l == 1)
		return compact_lookup(name.p[0]);
	if (name.l == 0 || name.l > 32)
		return HDR_OTHER;
	/* The length and the first letter leave few candidates. */
	char c = lower(name.p[0]);
	for (enum hdr_id id = HDR_VIA; id < HDR_COUNT; id++)
		if (lower(names[id][0]) == c && is(name, id))
			return id;
	return HDR_OTHER;
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

bool scan_param(struct slice *out, struct slice value, const char *name)
{
	size_t name_len = strlen(name);
	const char *p = value.p, *end = value.p + value.l;

	/* Parameters of a name-addr stand behind its angle brackets (RFC 3261 20.10). */
	while (p < end && *p != ';') {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++)
				if (*p == '\\')
					p++;
		} else if (*p == '<') {
			const char *close = memchr(p, '>', (size_t)(end - p));
			if (close)
				p = close;
		}
		if (p < end)
			p++;
	}
	while (p < end) { /* at a ';' */
		p++;
		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
			p++;
		const char *key = p;
		while (p < end && *p != ';' && *p != '=' && *p != ',' && *p != ' ' && *p != '\t')
			p++;
		size_t key_len = (size_t)(p - key);
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		const char *val = p;
		if (p < end && *p == '=') {
			val = ++p;
			while (p < end && *p != ';' && *p != ',') {
				if (*p == '"') {
					for (p++; p < end && *p != '"'; p++)
						if (*p == '\\')
							p++;
				}
				if (p < end)
					p++;
			}
		}
		if (p > end)
			p = end;
		if (key_len == name_len && slice_case_eq((struct slice){key, key_len}, (struct slice){name, name_len})) {
			*out = slice_trim((struct slice){val, (size_t)(p - val)});
			return true;
		}
		if (p < end && *p == ',') /* the next value of the list */
			return false;
		while (p < end && *p != ';')
			p++;
	}
	return false;
}

/* Via = "SIP/2.0/UDP" LWS sent-by *( ; param ) */
static void scan_via(struct scan *s)
{
	const char *p = s->via.p, *end = s->via.p + s->via.l;

	for (int slash = 0; p < end && slash < 2; p++)
		slash += *p == '/';
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && *p != ' ' && *p != '\t' && *p != ';' && *p != ',') /* transport */
		p++;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	const char *sent_by = p;
	while (p < end && *p != ';' && *p != ',')
		p++;
	s->sent_by = slice_trim((struct slice){sent_by, (size_t)(p - sent_by)});
	scan_param(&s->branch, s->via, "branch");
}

static void scan_cseq(struct scan *s, struct slice v)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < v.l && v.p[digits] >= '0' && v.p[digits] <= '9')
		digits++;
	if (digits == 0 || digits == v.l || !slice_u64(&n, (struct slice){v.p, digits}, 0x7fffffff) ||
	    (v.p[digits] != ' ' && v.p[digits] != '\t' && v.p[digits] != '\r' && v.p[digits] != '\n')) {
		s->flaws |= SCAN_CSEQ;
		n = 0;
	}
	s->cseq = (uint32_t)n;
	s->cseq_method = slice_trim((struct slice){v.p + digits, v.l - digits});
	if (s->cseq_method.l == 0)
		s->flaws |= SCAN_CSEQ;
}

static int add_header(struct scan *s, struct slice name, struct slice value, enum hdr_id id)
{
	if (s->header_count == s->header_cap) {
		uint32_t cap = s->header_cap * 4;
		struct scan_header *more = mem_should_fail() ? NULL : malloc(cap * sizeof(*more));
		if (!more)
			return ERR_NOMEM;
		memcpy(more, s->headers, s->header_count * sizeof(*more));
		if (s->headers != s->first)
			free(s->headers);
		s->headers = more;
		s->header_cap = cap;
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

static void note_header(struct scan *s, enum hdr_id id, struct slice value, uint64_t *seen)
{
	bool again = *seen & (1ull << id);

	*seen |= 1ull << id;
	switch (id) {
	case HDR_VIA:
		if (!again) {
			s->via = value;
			scan_via(s);
		}
		return;
	case HDR_FROM:
		if (!again) {
			s->from = value;
			scan_param(&s->from_tag, value, "tag");
		}
		break;
	case HDR_TO:
		if (!again) {
			s->to = value;
			scan_param(&s->to_tag, value, "tag");
		}
		break;
	case HDR_CALL_ID:
		if (!again)
			s->call_id = value;
		break;
	case HDR_CSEQ:
		if (!again)
			scan_cseq(s, value);
		break;
	case HDR_CONTENT_LENGTH: {
		uint64_t n;
		if (slice_u64(&n, value, INT32_MAX)) {
			if (again && s->content_length == (int64_t)n)
				return;
			s->content_length = (int64_t)n;
		} else {
			s->content_length = -2;
			s->flaws |= SCAN_CONTENT_LENGTH;
		}
		break;
	}
	case HDR_MAX_FORWARDS:
	case HDR_CONTENT_TYPE:
	case HDR_EXPIRES:
		break;
	default:
		return;
	}
	if (again)
		s->flaws |= SCAN_DUPLICATE;
}

static bool is_version(struct slice v)
{
	return v.l >= 5 && (v.p[0] | 0x20) == 's' && (v.p[1] | 0x20) == 'i' && (v.p[2] | 0x20) == 'p' && v.p[3] == '/';
}

/* Request-Line = Method SP Request-URI SP SIP-Version; Status-Line = SIP-Version SP Status-Code SP Reason-Phrase */
static void scan_start_line(struct scan *s, struct slice line)
{
	const char *space = memchr(line.p, ' ', line.l);
	struct slice first = {line.p, space ? (size_t)(space - line.p) : line.l};

	if (space && is_version(first)) {
		struct slice rest = {space + 1, line.l - first.l - 1};
		uint64_t status = 0;
		s->version = first;
		const char *sp2 = memchr(rest.p, ' ', rest.l);
		struct slice code = {rest.p, sp2 ? (size_t)(sp2 - rest.p) : rest.l};
		if (!slice_u64(&status, code, 65535) || code.l != 3 || status < 100 || status > 699)
			s->flaws |= SCAN_START_LINE;
		if (code.l == 0 || code.p[0] < '0' || code.p[0] > '9')
			s->flaws |= SCAN_NOT_SIP;
		s->status = (uint16_t)status;
		s->reason = sp2 ? (struct slice){sp2 + 1, rest.l - code.l - 1} : (struct slice){rest.p + rest.l, 0};
	} else {
		const char *last = space ? memrchr(line.p, ' ', line.l) : NULL;
		struct slice version = SLICE_NONE;
		size_t end = line.l;
		while (end && (line.p[end - 1] == ' ' || line.p[end - 1] == '\t'))
			end--;
		if (end != line.l && end) {
			s->flaws |= SCAN_START_LINE;
			last = memrchr(line.p, ' ', end);
		}
		if (last)
			version = (struct slice){last + 1, (size_t)(line.p + end - last - 1)};
		if (!space || first.l == 0 || !is_version(version) || last == space) {
			s->flaws |= SCAN_NOT_SIP;
			return;
		}
		s->request = true;
		s->method = first;
		s->version = version;
		s->uri = (struct slice){space + 1, (size_t)(last - space - 1)};
		if (memchr(s->uri.p, ' ', s->uri.l) || memchr(line.p, '\t', line.l)) {
			s->flaws |= SCAN_START_LINE;
			s->uri = slice_trim(s->uri);
		}
		for (size_t i = 0; i < first.l; i++) { /* token, RFC 3261 25.1 */
			char c = first.p[i];
			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			      (c && strchr("-.!%*_+`'~", c))))
				s->flaws |= SCAN_START_LINE;
		}
	}
	if (!slice_case_eq(s->version, SLICE_LIT("SIP/2.0")))
		s->flaws |= SCAN_VERSION;
}

int scan_message(struct scan *s, struct slice bytes)
{
	const char *p = bytes.p, *end = bytes.p + bytes.l;
	uint64_t seen = 0;
	int err = 0;

	memset(s, 0, offsetof(struct scan, first));
	s->bytes = bytes;
	s->headers = s->first;
	s->header_cap = SCAN_INLINE_HEADERS;
	s->content_length = -1;

	while (p < end && (*p == '\r' || *p == '\n')) /* RFC 3261 7.5: CRLF before the start line is ignored */
		p++;
	const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	const char *line_end = nl ? nl : end;
	if (line_end > p && line_end[-1] == '\r')
		line_end--;
	if (p == end) {
		s->flaws |= SCAN_NOT_SIP;
		goto out;
	}
	scan_start_line(s, (struct slice){p, (size_t)(line_end - p)});
	if (s->flaws & SCAN_NOT_SIP)
		goto out;

	p = nl ? nl + 1 : end;
	const char *headers_start = p;
	for (;;) {
		if (p >= end) {
			s->flaws |= SCAN_TRUNCATED;
			break;
		}
		if (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n')) {
			p += *p == '\r' ? 2 : 1;
			s->body = (struct slice){p, (size_t)(end - p)};
			break;
		}
		nl = memchr(p, '\n', (size_t)(end - p));
		while (nl && nl + 1 < end && (nl[1] == ' ' || nl[1] == '\t')) /* folded: RFC 3261 7.3.1 */
			nl = memchr(nl + 1, '\n', (size_t)(end - nl - 1));
		line_end = nl ? nl : end;
		if (line_end > p && line_end[-1] == '\r')
			line_end--;
		const char *colon = memchr(p, ':', (size_t)(line_end - p));
		struct slice name = {p, (size_t)((colon ? colon : line_end) - p)};
		struct slice value = {line_end, 0};
		while (name.l && (name.p[name.l - 1] == ' ' || name.p[name.l - 1] == '\t'))
			name.l--;
		if (colon)
			value = slice_trim((struct slice){colon + 1, (size_t)(line_end - colon - 1)});
		if (!colon || name.l == 0 || name.l > 256 || memchr(name.p, ' ', name.l))
			s->flaws |= SCAN_HEADER_LINE;
		enum hdr_id id = colon ? hdr_lookup(name) : HDR_OTHER;
		err = add_header(s, name, value, id);
		if (err)
			goto out;
		if (id != HDR_OTHER)
			note_header(s, id, value, &seen);
		p = nl ? nl + 1 : end;
	}
	if (memchr(headers_start, '\0', (size_t)(p - headers_start)))
		s->flaws |= SCAN_NUL;

	const uint64_t needed = 1ull << HDR_VIA | 1ull << HDR_FROM | 1ull << HDR_TO | 1ull << HDR_CALL_ID |
				1ull << HDR_CSEQ;
	if ((seen & needed) != needed)
		s->flaws |= SCAN_MISSING;
	if (s->request && (seen & (1ull << HDR_CSEQ)) && !(s->flaws & SCAN_CSEQ) &&
	    !slice_eq(s->cseq_method, s->method))
		s->flaws |= SCAN_CSEQ_METHOD;
	if (s->content_length >= 0 && s->body.p) {
		if ((uint64_t)s->content_length > s->body.l)
			s->flaws |= SCAN_BODY_SHORT;
		else if ((uint64_t)s->content_length < s->body.l)
			s->flaws |= SCAN_BODY_LONG;
		if ((uint64_t)s->content_length < s->body.l)
			s->body.l = (size_t)s->content_length;
	}
out:
	return err;
}

void scan_free(struct scan *s)
{
	if (s->headers != s->first)
		free(s->headers);
	s->headers = s->first;
	s->header_count = 0;
	s->header_cap = SCAN_INLINE_HEADERS;
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

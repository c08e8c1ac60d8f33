/* Parameters of header values, and what else is read of one value. */
#include "sip/scan_priv.h"

/* clang-format off */
const uint8_t scan_classes[256] = {
	['a' ... 'z'] = TOKEN, ['A' ... 'Z'] = TOKEN, ['0' ... '9'] = TOKEN, ['-'] = TOKEN, ['.'] = TOKEN, ['!'] = TOKEN,
	['%'] = TOKEN,         ['*'] = TOKEN,         ['_'] = TOKEN,         ['+'] = TOKEN, ['`'] = TOKEN, ['\''] = TOKEN,
	['~'] = TOKEN,         [' '] = LWS,           ['\t'] = LWS,          ['\r'] = LWS, ['\n'] = LWS,
	[';'] = SEMI,          [','] = COMMA,         ['"'] = QUOTE,         ['<'] = ANGLE,
};
/* clang-format on */

const char *skip_quoted(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

const char *skip_to_params(const char *p, const char *end, bool list)
{
	const char *close = p; /* NULL: there is no '>' any more, do not look again */
	const int stop = list ? SEMI | COMMA : SEMI;

	while ((p = skip_to(p, end, stop | QUOTE | ANGLE)) < end) {
		if (is_a(*p, stop))
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
	*key = slice_between(name, name_end);
	*value = trimmed_to(from, p);
	*pp = p;
	return true;
}

bool find_param(struct slice *out, const char *p, const char *end, struct slice name)
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

void scan_via_params(struct scan_via *v, const struct scan *s)
{
	const char *end = s->via.p + s->via.l, *p = s->sent_by.p + s->sent_by.l;
	struct slice key, value;

	*v = (struct scan_via){.maddr = SLICE_NONE};
	if (!s->via.l || !s->sent_by.p)
		return;
	p = s->branch.p == p + 8 ? s->branch.p + s->branch.l : p; /* ";branch=" comes first, as nearly always */
	if (end - p == 6 && !memcmp(p, ";rport", 6)) { /* and that is all, as often */
		v->rport = (struct slice){end, 0};
		return;
	}
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
	bool ok = slice_u64(&n, slice_trim(slice_between(colon + 1, h.p + h.l)), 65535) && n;
	*port = ok ? (uint16_t)n : 0;
	return ok;
}

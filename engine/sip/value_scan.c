/* The scans and decoders that need no osip. */
#include "sip/value_priv.h"

bool value_group_skip(struct slice s, size_t *i)
{
	const char *p = s.p + *i, *end = s.p + s.l;

	if (*p == '<') {
		p = memchr(p, '>', (size_t)(end - p));
	} else {
		for (p++; p < end && *p != '"'; p++)
			p += *p == '\\';
		p = p < end ? p : NULL;
	}
	*i = p ? (size_t)(p + 1 - s.p) : s.l;
	return p;
}

bool value_quotes_closed(struct slice s)
{
	for (size_t i = 0; i < s.l;) {
		if (s.p[i] != '"')
			i++;
		else if (!value_group_skip(s, &i))
			return false;
	}
	return true;
}

size_t value_skip_to(struct slice s, size_t i, const char *set)
{
	while (i < s.l) {
		if (s.p[i] == '"' || s.p[i] == '<') {
			value_group_skip(s, &i);
			continue;
		}
		if (s.p[i] && strchr(set, s.p[i]))
			break;
		i++;
	}
	return i;
}

bool value_split(struct slice *next, struct slice *rest)
{
	size_t end;

	if (!rest->p)
		return false;
	end = value_skip_to(*rest, 0, ",");
	*next = slice_trim(value_sub(*rest, 0, end));
	*rest = end < rest->l ? value_sub(*rest, end + 1, rest->l) : SLICE_NONE;
	return true;
}

const struct value_param *value_param_get(const struct value_params *params, struct slice name)
{
	for (size_t i = 0; i < params->count; i++)
		if (slice_case_eq(params->at[i].name, name))
			return &params->at[i];
	return NULL;
}

size_t value_unquote_to(char *dst, struct slice s)
{
	size_t n = 0;

	if (s.l < 2 || s.p[0] != '"' || s.p[s.l - 1] != '"') {
		if (s.l)
			memcpy(dst, s.p, s.l);
		return s.l;
	}
	for (size_t i = 1; i < s.l - 1; i++) {
		if (s.p[i] == '\\' && i + 1 < s.l - 1)
			i++;
		dst[n++] = s.p[i];
	}
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int value_escape_at(struct slice s, size_t i)
{
	if (s.l - i < 3 || s.p[i] != '%' || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
		return -1;
	return hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]);
}

size_t value_unescape_to(char *dst, struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.l; i++) {
		const int c = value_escape_at(s, i);

		dst[n++] = c < 0 ? s.p[i] : (char)c;
		if (c >= 0)
			i += 2;
	}
	return n;
}

void value_unquote(struct buf *out, struct slice s)
{
	if (s.l && buf_reserve(out, s.l))
		out->len += value_unquote_to((char *)out->p + out->len, s);
}

void value_unescape(struct buf *out, struct slice s)
{
	if (s.l && buf_reserve(out, s.l))
		out->len += value_unescape_to((char *)out->p + out->len, s);
}

void value_quote(struct buf *out, struct slice s)
{
	buf_puts(out, "\"");
	for (size_t i = 0; i < s.l; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_puts(out, "\\");
		buf_put(out, &s.p[i], 1);
	}
	buf_puts(out, "\"");
}

const char *value_excerpt(char buf[VALUE_EXCERPT_SIZE], struct slice s)
{
	slice_copy(buf, VALUE_EXCERPT_SIZE, s);
	for (char *c = buf; c < buf + VALUE_EXCERPT_SIZE - 1 && (size_t)(c - buf) < s.l; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '.';
	return buf;
}

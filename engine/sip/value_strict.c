/* osip's verdict on a whole message, kept to what it does not misread. */
#include "sip/value_priv.h"

/* The offset behind the line that starts at `i`, its folded lines included. */
static size_t line_end(struct slice s, size_t i)
{
	for (; i < s.l; i++)
		if (s.p[i] == '\n' && !(i + 1 < s.l && (s.p[i + 1] == ' ' || s.p[i + 1] == '\t')))
			return i + 1;
	return s.l;
}

/* What osip reads instead of the head up to `len`: the body is cut off, so any Content-Length becomes 0 (osip refuses a
 * body that is shorter than it says), and the empty line stands at the end. */
static int strict_try(struct buf *copy, struct slice head, size_t len)
{
	char *text;

	buf_reset(copy);
	buf_put(copy, head.p, len);
	if (len && head.p[len - 1] != '\n')
		buf_puts(copy, "\r\n");
	buf_puts(copy, "\r\n");
	buf_put(copy, "", 1);
	if (copy->failed)
		return ERR_NOMEM;
	text = (char *)copy->p;
	for (size_t at = line_end(head, 0), end; at < len; at = end) {
		const char *colon = memchr(head.p + at, ':', len - at);
		struct slice name;

		end = line_end(head, at);
		if (!colon || (size_t)(colon - head.p) >= end)
			continue;
		name = slice_trim((struct slice){head.p + at, (size_t)(colon - head.p) - at});
		if (!slice_case_eq(name, SLICE_LIT("Content-Length")) && !slice_case_eq(name, SLICE_LIT("l")))
			continue;
		for (size_t i = (size_t)(colon - head.p); i < end && i < len; i++)
			if (text[i] >= '1' && text[i] <= '9')
				text[i] = '0';
	}
	return value_osip_message(text, copy->len - 1);
}

/* The head of a message: up to the empty line or the end. Counts what value_strict caps. */
static struct slice head_of(struct slice s, size_t *headers, size_t *separators)
{
	size_t i = 0, end;

	*headers = *separators = 0;
	while (s.l && (s.p[0] == '\r' || s.p[0] == '\n')) /* RFC 3261 7.5: CRLF before the start line is ignored */
		s = value_sub(s, 1, s.l);
	for (; i < s.l; i = end) {
		end = line_end(s, i);
		if (!slice_trim(value_sub(s, i, end)).l)
			break;
		*headers += i > 0;
		for (size_t k = i; k < end; k++)
			*separators += s.p[k] == ',' || s.p[k] == ';' || s.p[k] == '&';
	}
	return value_sub(s, 0, i);
}

int value_strict(struct slice message, struct err *e)
{
	size_t headers, separators, good = 0, bad, at;
	struct slice head = head_of(message, &headers, &separators);
	size_t ends[VALUE_STRICT_MAX_HEADERS + 1];
	char text[VALUE_EXCERPT_SIZE];
	struct buf copy = {0};
	int r;

	if (head.l > VALUE_STRICT_MAX_LEN || headers > VALUE_STRICT_MAX_HEADERS ||
	    separators > VALUE_STRICT_MAX_SEPARATORS)
		return err_set(
		    e, ERR_ARG,
		    "too large to ask osip: %zu bytes, %zu headers, %zu separators; the limits are %d, %d, %d", head.l,
		    headers, separators, VALUE_STRICT_MAX_LEN, VALUE_STRICT_MAX_HEADERS, VALUE_STRICT_MAX_SEPARATORS);
	if (!head.l)
		return err_set(e, ERR_PARSE, "osip refuses the message: it is empty");
	if (memchr(head.p, 0, head.l))
		return err_set(e, ERR_PARSE, "osip refuses the message: a NUL in its head ends it");
	for (at = 0; at < head.l; at++)
		/* osip ends a line at a CR alone, and the head at two: what follows would be a body */
		if (head.p[at] == '\r' && (at + 1 == head.l || head.p[at + 1] != '\n'))
			return err_set(e, ERR_PARSE, "a CR without LF at offset %zu of the head", at);
	r = strict_try(&copy, head, head.l);
	if (r == ERR_NOMEM)
		err_set(e, r, "strict: out of memory");
	if (r != ERR_PARSE)
		goto out;
	/* osip says only no. It reads on from line to line, so the line it stopped at is found by halving. */
	for (at = 0, bad = 0; at < head.l; bad++)
		ends[bad] = at = line_end(head, at);
	bad--;
	while (good < bad) {
		const size_t mid = (good + bad) / 2;

		r = strict_try(&copy, head, ends[mid]);
		if (r == ERR_PARSE)
			bad = mid;
		else
			good = mid + 1;
	}
	value_excerpt(text, slice_trim(value_sub(head, bad ? ends[bad - 1] : 0, ends[bad])));
	r = bad ? err_set(e, ERR_PARSE, "osip refuses the message at header %zu: \"%s\"", bad, text)
		: err_set(e, ERR_PARSE, "osip refuses the message at its start line: \"%s\"", text);
out:
	buf_free(&copy);
	return r;
}

#include "pcap/label.h"
#include "pcap/text.h"

#include <stdio.h>

#define ABOUT_MIN 6 /* characters of a URI or reason that still say something */

static struct slice line_take(struct slice *rest)
{
	const char *lf = memchr(rest->p, '\n', rest->l);
	struct slice line = {rest->p, lf ? (size_t)(lf - rest->p) : rest->l};
	size_t used = line.l + (lf ? 1 : 0);

	rest->p += used;
	rest->l -= used;
	if (line.l && line.p[line.l - 1] == '\r')
		line.l--;
	return line;
}

static bool starts(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.l >= n && slice_case_eq((struct slice){s.p, n}, (struct slice){prefix, n});
}

static bool start_line_peek(struct label *l, struct slice line)
{
	const char *sp;
	size_t n;

	if (starts(line, "SIP/2.0 ") && line.l >= 11) {
		const char *d = line.p + 8;

		for (int i = 0; i < 3; i++)
			if (d[i] < '0' || d[i] > '9')
				return false;
		if (line.l > 11 && d[3] != ' ')
			return false;
		l->kind = LABEL_RESPONSE;
		l->status = (d[0] - '0') * 100 + (d[1] - '0') * 10 + (d[2] - '0');
		slice_copy(l->head, 4, (struct slice){d, 3});
		l->about = slice_trim((struct slice){d + 3, line.l - 11});
		return true;
	}

	sp = line.l ? memchr(line.p, ' ', line.l) : NULL;
	n = sp ? (size_t)(sp - line.p) : 0;
	if (!n || n >= sizeof(l->head) || line.l < n + 9 || !starts((struct slice){line.p + line.l - 8, 8}, " SIP/2.0"))
		return false;
	for (size_t i = 0; i < n; i++)
		if (line.p[i] <= ' ' || line.p[i] >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", line.p[i]))
			return false;
	l->kind = LABEL_REQUEST;
	slice_copy(l->head, sizeof(l->head), (struct slice){line.p, n});
	l->about = slice_trim((struct slice){sp, line.l - 8 - n});
	return true;
}

/* The direction that a session description gives its first stream, or all (RFC 4566 6); sendrecv goes without saying. */
static struct slice direction_peek(struct slice sdp)
{
	static const char *const directions[] = {"a=sendonly", "a=recvonly", "a=inactive"};

	while (sdp.l) {
		struct slice line = line_take(&sdp);

		if (slice_case_eq(line, SLICE_LIT("a=sendrecv")))
			break;
		for (size_t i = 0; i < sizeof(directions) / sizeof(*directions); i++)
			if (slice_case_eq(line, slice_str(directions[i])))
				return (struct slice){line.p + 2, line.l - 2};
	}
	return (struct slice){0};
}

static void body_peek(struct label *l, struct slice body, bool sdp, bool sipfrag)
{
	l->sdp = sdp && body.l;
	if (l->sdp)
		l->direction = direction_peek(body);
	if (sipfrag) { /* RFC 3515 2.4.5 */
		struct slice line = line_take(&body);
		struct label frag;

		if (start_line_peek(&frag, line) && frag.kind == LABEL_RESPONSE)
			l->detail = (struct slice){line.p + 8, 3};
	}
}

static void headers_peek(struct label *l, struct slice rest)
{
	bool sdp = false, sipfrag = false;

	while (rest.l) {
		struct slice line = line_take(&rest), value = {line.p, line.l};
		const char *colon = line.l ? memchr(line.p, ':', line.l) : NULL;
		struct slice name;

		if (!line.l) {
			body_peek(l, rest, sdp, sipfrag);
			return;
		}
		if (!colon)
			continue;
		name = slice_trim(slice_between(line.p, colon));
		value = slice_trim(slice_between(colon + 1, line.p + line.l));
		if (slice_case_eq(name, SLICE_LIT("Content-Type")) || slice_case_eq(name, SLICE_LIT("c"))) {
			sdp = starts(value, "application/sdp");
			sipfrag = starts(value, "message/sipfrag");
		} else if (slice_case_eq(name, SLICE_LIT("Subscription-State"))) {
			const char *end = value.l ? memchr(value.p, ';', value.l) : NULL;

			l->detail = slice_trim((struct slice){value.p, end ? (size_t)(end - value.p) : value.l});
		} else if (slice_case_eq(name, SLICE_LIT("RSeq")) && l->kind == LABEL_RESPONSE && l->status < 200) {
			l->detail = SLICE_LIT("100rel");
		} else if (slice_case_eq(name, SLICE_LIT("CSeq")) && l->kind == LABEL_RESPONSE) {
			size_t i = value.l;

			while (i && value.p[i - 1] != ' ' && value.p[i - 1] != '\t')
				i--;
			if (i)
				l->cseq = (struct slice){value.p + i, value.l - i};
		}
	}
}

static bool is_text(struct slice s)
{
	size_t n = s.l < 16 ? s.l : 16;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s.p[i] < ' ' && !strchr("\r\n\t", s.p[i] ? s.p[i] : 'x'))
			return false;
	return true;
}

/* What shares a port with SIP, or is sent to it by mistake. */
static void other_name(struct label *l, struct slice data)
{
	const uint8_t *p = (const uint8_t *)data.p;
	size_t size = sizeof(l->head);

	l->kind = LABEL_OTHER;
	if (!data.l)
		snprintf(l->head, size, "empty datagram");
	else if (!slice_trim(data).l)
		snprintf(l->head, size, "keep-alive, %zu bytes", data.l); /* RFC 5626 3.5.1 */
	else if (data.l >= 20 && p[0] < 4 && !memcmp(p + 4, "\x21\x12\xA4\x42", 4))
		snprintf(l->head, size, "STUN, %zu bytes", data.l);
	else if (data.l >= 8 && p[0] >> 6 == 2 && p[1] >= 192 && p[1] <= 223) /* RFC 5761 4 */
		snprintf(l->head, size, "RTCP, %zu bytes", data.l);
	else if (data.l >= 12 && p[0] >> 6 == 2)
		snprintf(l->head, size, "RTP type %d, %zu bytes", p[1] & 0x7F, data.l);
	else if (is_text(data)) {
		struct slice rest = data;

		l->kind = LABEL_MALFORMED;
		l->about = slice_trim(line_take(&rest));
		snprintf(l->head, size, "malformed SIP, %zu bytes", data.l);
	} else
		snprintf(l->head, size, "%zu bytes, not SIP", data.l);
}

void label_peek(struct label *l, struct slice data)
{
	struct slice rest = data;

	*l = (struct label){.times = 1};
	if (data.l && start_line_peek(l, line_take(&rest)))
		headers_peek(l, rest);
	else
		other_name(l, data);
}

/* Printable characters of `s` in at most `width` cells; what is left out shows as an ellipsis. */
static void cut_put(struct buf *out, struct slice s, size_t width, bool ascii)
{
	size_t used = 0, mark = out->len, dots = ascii ? 2 : 1;

	while (s.l) {
		uint32_t rune = text_next(&s);
		int w = text_rune_width(rune);

		if (w < 0 || (ascii && rune > 0x7E)) {
			rune = '?';
			w = 1;
		}
		if (used + (size_t)w > width) {
			out->len = mark;
			buf_puts(out, ascii ? ".." : "…");
			return;
		}
		text_put_rune(out, rune);
		used += (size_t)w;
		if (used + dots <= width)
			mark = out->len;
	}
}

static const char *ordinal(unsigned n)
{
	unsigned tens = n % 100;

	if (tens >= 11 && tens <= 13)
		return "th";
	return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

/* " (INVITE, SDP sendonly, 2nd time)" with the parts that `level` leaves. */
static size_t notes_put(char out[96], const struct label *l, int level)
{
	size_t n = 0;
	const char *sep = " (";

	out[0] = 0;
	if (l->cseq.l && l->cseq.l < 24 && level < 4) {
		n += (size_t)snprintf(out + n, 96 - n, "%s%.*s", sep, SLICE_ARG(l->cseq));
		sep = ", ";
	}
	if (l->sdp && level < 1) {
		n += (size_t)snprintf(out + n, 96 - n, "%sSDP", sep);
		sep = l->direction.l ? " " : ", ";
	}
	if (l->direction.l && level < 3) {
		n += (size_t)snprintf(out + n, 96 - n, "%s%.*s", sep, SLICE_ARG(l->direction));
		sep = ", ";
	}
	if (l->detail.l && l->detail.l < 16 && level < 3) {
		n += (size_t)snprintf(out + n, 96 - n, "%s%.*s", sep, SLICE_ARG(l->detail));
		sep = ", ";
	}
	if (l->times > 1 && level < 5) {
		n += (size_t)snprintf(out + n, 96 - n, "%s%u%s%s", sep, l->times, ordinal(l->times),
				      level < 2 ? " time" : "");
	}
	if (n)
		n += (size_t)snprintf(out + n, 96 - n, ")");
	return n;
}

void label_put(struct buf *out, const struct label *l, size_t width, bool ascii)
{
	const char *sep = l->kind == LABEL_MALFORMED ? ": " : " ";
	size_t head = strlen(l->head), about = l->about.l < ABOUT_MIN ? l->about.l : ABOUT_MIN, n = 0;
	char notes[96];

	for (int level = 0; level <= 5; level++) {
		n = notes_put(notes, l, level);
		if (head + n <= width)
			break;
	}
	cut_put(out, slice_str(l->head), width, ascii);
	if (head + n > width)
		return;
	if (l->about.l && head + n + strlen(sep) + about <= width) {
		struct slice text = l->about;
		size_t room = width - head - n - strlen(sep);

		/* of a URI that has to be cut the scheme is what says least */
		if (text.l > room && l->kind == LABEL_REQUEST && starts(text, "sip:"))
			text = (struct slice){text.p + 4, text.l - 4};
		buf_puts(out, sep);
		cut_put(out, text, room, ascii);
	}
	cut_put(out, (struct slice){notes, n}, n, ascii);
}

#include "sip/sdp.h"

#include <stdlib.h>

/* Bit 0: it sends, bit 1: it receives. All are of one length. */
#define DIRECTION_LEN 8
static const char *const directions[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

static int direction_index(struct slice name)
{
	if (name.l != DIRECTION_LEN)
		return -1;
	for (int i = 0; i < 4; i++)
		if (!memcmp(name.p, directions[i], DIRECTION_LEN))
			return i;
	return -1;
}

const char *sdp_direction(struct slice name)
{
	int i = direction_index(name);

	return i < 0 ? NULL : directions[i];
}

/* --- reading an offer --- */

static bool next_line(struct slice *line, struct slice *rest)
{
	const char *end = rest->l ? memchr(rest->p, '\n', rest->l) : NULL;
	size_t length = end ? (size_t)(end - rest->p) : rest->l, whole = length + (end ? 1 : 0);

	if (!rest->l)
		return false;
	*line = slice_trim((struct slice){rest->p, length});
	*rest = (struct slice){rest->p + whole, rest->l - whole};
	return true;
}

static inline bool begins(struct slice s, const char *with)
{
	return s.l >= strlen(with) && !memcmp(s.p, with, strlen(with));
}

static struct slice next_word(struct slice *rest)
{
	size_t n = 0;

	while (n < rest->l && rest->p[n] != ' ')
		n++;
	struct slice word = {rest->p, n};
	*rest = slice_trim((struct slice){rest->p + n, rest->l - n});
	return word;
}

struct stream {
	struct slice media, port, proto, formats; /* of the m= line */
	int direction;                            /* its own, else that of the session */
	struct slice events;                      /* payload type of telephone-event; p NULL for none */
};

static void read_media(struct stream *s, struct slice line)
{
	line = (struct slice){line.p + 2, line.l - 2};
	s->media = next_word(&line);
	s->port = next_word(&line);
	s->proto = next_word(&line);
	s->formats = line;
}

/* The next stream of a description whose session part was read; `rest` begins with its m= line. */
static bool next_stream(struct stream *s, struct slice *rest, int session_direction)
{
	struct slice line, after;

	if (!next_line(&line, rest))
		return false;
	*s = (struct stream){.direction = session_direction};
	read_media(s, line);
	for (after = *rest; next_line(&line, &after) && !begins(line, "m="); *rest = after) {
		if (!begins(line, "a="))
			continue;
		struct slice a = {line.p + 2, line.l - 2};
		int direction = direction_index(a);
		if (direction >= 0)
			s->direction = direction;
		if (begins(a, "rtpmap:")) {
			struct slice map = {a.p + 7, a.l - 7}, format = next_word(&map);
			if (begins(map, "telephone-event/8000"))
				s->events = format;
		}
	}
	return true;
}

/* What stands before the first m= line is taken off `rest`. */
static int session_direction(struct slice *rest)
{
	struct slice line, after = *rest;
	int direction = 3;

	for (; next_line(&line, &after) && !begins(line, "m="); *rest = after)
		if (begins(line, "a=")) {
			int found = direction_index((struct slice){line.p + 2, line.l - 2});
			direction = found >= 0 ? found : direction;
		}
	return direction;
}

static bool has_format(struct slice formats, struct slice wanted)
{
	while (formats.l)
		if (slice_eq(next_word(&formats), wanted))
			return true;
	return false;
}

static bool fits(const struct stream *s)
{
	return slice_eq(s->media, SLICE_LIT("audio")) && slice_eq(s->proto, SLICE_LIT("RTP/AVP")) &&
	       !slice_eq(s->port, SLICE_LIT("0")) &&
	       (has_format(s->formats, SLICE_LIT("0")) || has_format(s->formats, SLICE_LIT("8")));
}

bool sdp_fits(struct slice offer)
{
	struct slice line;
	struct stream s;
	bool any = false;

	while (next_line(&line, &offer)) {
		if (!begins(line, "m="))
			continue;
		read_media(&s, line);
		if (fits(&s))
			return true;
		any = true;
	}
	return !any;
}

/* --- writing --- */

static void put_session(struct buf *out, const struct sdp_own *own)
{
	const char *in = addr_is_v6(own->host) ? " IN IP6 " : " IN IP4 ";
	struct addr_text host;

	addr_text(&host, own->host);
	buf_puts(out, "v=0\r\no=- ");
	buf_put_u64(out, own->session);
	buf_puts(out, " ");
	buf_put_u64(out, own->version);
	buf_put(out, in, 8);
	buf_put_slice(out, host.plain);
	buf_puts(out, "\r\ns=-\r\nc=");
	buf_put(out, in + 1, 7);
	buf_put_slice(out, host.plain);
	buf_puts(out, "\r\nt=0 0\r\n");
}

static void put_audio(struct buf *out, uint16_t port, bool pcmu, bool pcma, struct slice events, const char *direction)
{
	buf_puts(out, "m=audio ");
	buf_put_u64(out, port);
	buf_puts(out, " RTP/AVP");
	if (pcmu)
		buf_puts(out, " 0");
	if (pcma)
		buf_puts(out, " 8");
	if (events.l)
		buf_puts(out, " ");
	buf_put_slice(out, events);
	buf_puts(out, "\r\n");
	if (pcmu)
		buf_puts(out, "a=rtpmap:0 PCMU/8000\r\n");
	if (pcma)
		buf_puts(out, "a=rtpmap:8 PCMA/8000\r\n");
	if (events.l) {
		buf_puts(out, "a=rtpmap:");
		buf_put_slice(out, events);
		buf_puts(out, " telephone-event/8000\r\na=fmtp:");
		buf_put_slice(out, events);
		buf_puts(out, " 0-15\r\n");
	}
	buf_puts(out, "a=");
	buf_put(out, direction, DIRECTION_LEN);
	buf_puts(out, "\r\n");
}

void sdp_offer(struct buf *out, const struct sdp_own *own)
{
	put_session(out, own);
	put_audio(out, own->port, true, true, SLICE_LIT("101"), own->direction);
}

void sdp_answer(struct buf *out, const struct sdp_own *own, struct slice offer)
{
	int theirs = session_direction(&offer), ours = direction_index((struct slice){own->direction, DIRECTION_LEN});
	struct stream s;
	bool taken = false;

	put_session(out, own);
	while (next_stream(&s, &offer, theirs)) {
		if (taken || !fits(&s)) {
			buf_printf(out, "m=%.*s 0 %.*s %.*s\r\n", SLICE_ARG(s.media), SLICE_ARG(s.proto), SLICE_ARG(s.formats));
			continue;
		}
		taken = true;
		/* What they send is received, and the other way round (RFC 3264 6.1). */
		int mirrored = (s.direction & 1) << 1 | s.direction >> 1;
		put_audio(out, own->port, has_format(s.formats, SLICE_LIT("0")), has_format(s.formats, SLICE_LIT("8")), s.events,
			  directions[ours & mirrored]);
	}
}

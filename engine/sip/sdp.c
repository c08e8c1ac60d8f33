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

static inline bool next_line(struct slice *line, struct slice *rest)
{
	if (!rest->l)
		return false;
	const char *end = rest->p + rest->l, *newline = memchr(rest->p, '\n', rest->l);
	const char *next = newline ? newline + 1 : end;
	*line = slice_trim(slice_between(rest->p, newline ? newline : end));
	*rest = slice_between(next, end);
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

/* More than either of them writes, the formats of telephone events left aside. */
#define ROOM 256

static void put_session(struct buf *out, const struct sdp_own *own)
{
	const struct slice in = addr_is_v6(own->host) ? SLICE_LIT("IN IP6 ") : SLICE_LIT("IN IP4 ");
	struct addr_text host;

	if (!buf_reserve(out, ROOM))
		return;
	addr_text(&host, own->host);
	char *p = write_digits(write_text(buf_end(out), "v=0\r\no=- "), own->session);
	*p++ = ' ';
	p = write_digits(p, own->version);
	*p++ = ' ';
	p = write_slice(write_slice(p, in), host.plain);
	p = write_text(p, "\r\ns=-\r\nc=");
	p = write_slice(write_slice(p, in), host.plain);
	buf_ends_at(out, write_text(p, "\r\nt=0 0\r\n"));
}

static void put_audio(struct buf *out, uint16_t port, bool pcmu, bool pcma, struct slice events, const char *direction)
{
	if (!buf_reserve(out, ROOM + 3 * events.l))
		return;
	char *p = write_digits(write_text(buf_end(out), "m=audio "), port);
	p = write_text(p, " RTP/AVP");
	if (pcmu)
		p = write_text(p, " 0");
	if (pcma)
		p = write_text(p, " 8");
	if (events.l)
		*p++ = ' ';
	p = write_slice(p, events);
	p = write_text(p, "\r\n");
	if (pcmu)
		p = write_text(p, "a=rtpmap:0 PCMU/8000\r\n");
	if (pcma)
		p = write_text(p, "a=rtpmap:8 PCMA/8000\r\n");
	if (events.l) {
		p = write_slice(write_text(p, "a=rtpmap:"), events);
		p = write_slice(write_text(p, " telephone-event/8000\r\na=fmtp:"), events);
		p = write_text(p, " 0-15\r\n");
	}
	p = write_slice(write_text(p, "a="), (struct slice){direction, DIRECTION_LEN});
	buf_ends_at(out, write_text(p, "\r\n"));
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

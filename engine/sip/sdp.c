#include "sip/sdp.h"

void sdp_audio(struct buf *out, const struct addr *host, uint16_t port, uint64_t session, uint64_t version, const char *direction)
{
	char text[ADDR_STRLEN];
	struct slice h = slice_str(addr_host(text, host));
	const char *type = addr_is_v6(host) ? "IP6" : "IP4";

	if (h.p[0] == '[')
		h = (struct slice){h.p + 1, h.l - 2};
	buf_printf(out,
		   "v=0\r\n"
		   "o=- %llu %llu IN %s %.*s\r\n"
		   "s=-\r\n"
		   "c=IN %s %.*s\r\n"
		   "t=0 0\r\n"
		   "m=audio %u RTP/AVP 0 8 101\r\n"
		   "a=rtpmap:0 PCMU/8000\r\n"
		   "a=rtpmap:8 PCMA/8000\r\n"
		   "a=rtpmap:101 telephone-event/8000\r\n"
		   "a=fmtp:101 0-15\r\n"
		   "a=%s\r\n",
		   (unsigned long long)session, (unsigned long long)version, type, SLICE_ARG(h), type, SLICE_ARG(h), port,
		   direction);
}

/* Bit 0: it sends, bit 1: it receives. */
static const char *const directions[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

static int direction_index(struct slice name)
{
	for (int i = 0; i < 4; i++)
		if (slice_eq(name, slice_str(directions[i])))
			return i;
	return -1;
}

const char *sdp_direction(struct slice name)
{
	int i = direction_index(name);

	return i < 0 ? NULL : directions[i];
}

const char *sdp_answer_direction(struct slice offer, const char *wanted)
{
	int theirs = 3, ours = direction_index(slice_str(wanted));
	unsigned streams = 0;

	while (offer.l) {
		const char *end = memchr(offer.p, '\n', offer.l);
		size_t whole = end ? (size_t)(end + 1 - offer.p) : offer.l;
		struct slice line = slice_trim((struct slice){offer.p, whole});
		offer = (struct slice){offer.p + whole, offer.l - whole};
		if (line.l < 3)
			continue;
		/* Of the session, or of the first stream: ours is one. */
		if (!memcmp(line.p, "m=", 2) && ++streams == 2)
			break;
		int found = memcmp(line.p, "a=", 2) ? -1 : direction_index((struct slice){line.p + 2, line.l - 2});
		if (found >= 0)
			theirs = found;
	}
	return directions[ours & ((theirs & 1) << 1 | theirs >> 1)];
}

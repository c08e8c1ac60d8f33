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

const char *sdp_answer_direction(struct slice offer)
{
	static const char *const answers[][2] = {
		{"a=sendonly", "recvonly"}, {"a=recvonly", "sendonly"}, {"a=inactive", "inactive"}, {"a=sendrecv", "sendrecv"}};
	const char *direction = "sendrecv";
	unsigned streams = 0;

	while (offer.l) {
		const char *end = memchr(offer.p, '\n', offer.l);
		size_t whole = end ? (size_t)(end + 1 - offer.p) : offer.l;
		struct slice line = slice_trim((struct slice){offer.p, whole});
		offer = (struct slice){offer.p + whole, offer.l - whole};
		/* Of the session, or of the first stream: ours is one. */
		if (line.l > 2 && !memcmp(line.p, "m=", 2) && ++streams == 2)
			break;
		for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
			if (slice_eq(line, slice_str(answers[i][0])))
				direction = answers[i][1];
	}
	return direction;
}

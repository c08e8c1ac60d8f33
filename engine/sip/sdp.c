#include "sip/sdp.h"

void sdp_audio(struct buf *out, const struct addr *host, uint16_t port, uint64_t session)
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
		   "a=sendrecv\r\n",
		   (unsigned long long)session, (unsigned long long)session, type, SLICE_ARG(h), type, SLICE_ARG(h), port);
}

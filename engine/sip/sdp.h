/* The session description that a call carries when its script says nothing of media: one audio stream, G.711 and telephone events
 * (RFC 4566, RFC 3264, RFC 4733). */
#ifndef OFFHOOK_SIP_SDP_H
#define OFFHOOK_SIP_SDP_H

#include "core/buf.h"
#include "net/addr.h"

struct sdp_own {
	const struct addr *host;
	uint16_t port;             /* of the audio stream */
	uint64_t session, version; /* of the o= line */
	const char *direction;     /* sendrecv, sendonly, recvonly or inactive: what this side would like */
};

/* Appends an offer. */
void sdp_offer(struct buf *out, const struct sdp_own *own);
/* Appends the answer to `offer`: a line for each of its streams (RFC 3264 6), all refused but the first that sdp_fits(), with what is
 * common to both of formats and directions. */
void sdp_answer(struct buf *out, const struct sdp_own *own, struct slice offer);
/* Whether the offer has an audio stream over RTP/AVP with PCMU or PCMA, or no stream at all. */
bool sdp_fits(struct slice offer);
/* "sendrecv", "sendonly", "recvonly" or "inactive" as the static text that the others take; NULL for anything else. */
const char *sdp_direction(struct slice name);

#endif

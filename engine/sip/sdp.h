/* The session description that a call carries when its script says nothing of media: one audio stream, G.711 (RFC 4566, RFC 3264). */
#ifndef OFFHOOK_SIP_SDP_H
#define OFFHOOK_SIP_SDP_H

#include "core/buf.h"
#include "net/addr.h"

/* Appends the description of a stream at `host`:`port`; `session` and `version` are the o= line's, `direction` is sendrecv, sendonly,
 * recvonly or inactive. */
void sdp_audio(struct buf *out, const struct addr *host, uint16_t port, uint64_t session, uint64_t version, const char *direction);
/* "sendrecv", "sendonly", "recvonly" or "inactive" as the static text that the others take; NULL for anything else. */
const char *sdp_direction(struct slice name);
/* The direction that answers `offer`, of what this side would like: what the other side sends is received and the other way round (RFC 3264
 * 6.1). */
const char *sdp_answer_direction(struct slice offer, const char *wanted);

#endif

/* The session description that a call carries when its script says nothing of media: one audio stream, G.711 (RFC 4566, RFC 3264). */
#ifndef OFFHOOK_SIP_SDP_H
#define OFFHOOK_SIP_SDP_H

#include "core/buf.h"
#include "net/addr.h"

/* Appends the description of a stream at `host`:`port`; `session` is the o= line's id and version. */
void sdp_audio(struct buf *out, const struct addr *host, uint16_t port, uint64_t session);

#endif

/* What a datagram is, in the few words that stand on an arrow of the ladder. Private to pcap. */
#ifndef OFFHOOK_PCAP_LABEL_H
#define OFFHOOK_PCAP_LABEL_H

#include "core/buf.h"

enum label_kind {
	LABEL_REQUEST,
	LABEL_RESPONSE,
	LABEL_MALFORMED, /* text, but no SIP message by its first line */
	LABEL_OTHER,     /* keep-alives, STUN, RTP, anything binary */
};

struct label {
	enum label_kind kind;
	int status;
	char head[48];      /* "INVITE", "407", "STUN" */
	struct slice about; /* the Request-URI, the reason phrase, or what should be one: cut first */
	struct slice cseq;  /* the CSeq method of a response */
	bool sdp;
	struct slice direction; /* of that session description, when it is not sendrecv */
	struct slice detail;    /* "100rel"; of a NOTIFY "terminated", ... or the status that its sipfrag tells */
	unsigned times; /* how often these bytes went this way, this one included */
};

/* A look at the first line, a few headers, and a body that is a session description or a sipfrag; slices point into `data`. */
void label_peek(struct label *l, struct slice data);
/* The label in at most `width` characters, shortened with sense. What it holds besides is not made safe to print. */
void label_put(struct buf *out, const struct label *l, size_t width, bool ascii);

#endif

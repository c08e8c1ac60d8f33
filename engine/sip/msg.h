/* A message: the bytes that were, or will be, on the wire, with their scan. Immutable and refcounted; it never expires. */
#ifndef OFFHOOK_SIP_MSG_H
#define OFFHOOK_SIP_MSG_H

#include "core/err.h"
#include "net/addr.h"
#include "sip/scan.h"

struct msg {
	struct scan s;
	struct addr src, dst; /* family 0 while unsent */
	uint64_t time;        /* script time of arrival or sending, ns */
	uint32_t frame;       /* in the capture; 0 = none */
	bool received;
	const char *locally;  /* a response that no peer sent (RFC 3261 8.1.3.1): why, a static text; else NULL */
	/* The headers of the scan follow, and the bytes. */
};

/* Copies and scans. Free with mem_deref(). */
int msg_alloc(struct msg **mp, struct slice bytes);

static inline struct slice msg_bytes(const struct msg *m)
{
	return m->s.bytes;
}
static inline bool msg_is(const struct msg *m, const char *method)
{
	return m->s.request && slice_eq(m->s.method, slice_str(method));
}
/* The method of a request, or the one a response answers. */
static inline struct slice msg_method(const struct msg *m)
{
	return m->s.request ? m->s.method : m->s.cseq_method;
}
/* "INVITE sip:bob@example.test" or "407 Proxy Authentication Required (INVITE)", for people; returns buf. */
char *msg_summary(char *buf, size_t size, const struct msg *m);

#endif

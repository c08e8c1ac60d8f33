/* What the files of the call machine share. Private to call*.c. */
#ifndef OFFHOOK_SIP_CALL_PRIV_H
#define OFFHOOK_SIP_CALL_PRIV_H

#include "sip/call.h"
#include "sip/within.h"

struct call *call_alloc(struct ua *ua);
bool call_tell(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why);
uint64_t call_now(const struct call *call);
/* The state is CALL_TERMINATED from here on; `by` is a static text. */
void call_end(struct call *call, const char *by);
/* Our session description: an offer where `offer` is empty, else the answer to it. */
void call_put_sdp(struct call *call, struct buf *out, struct slice offer);
/* `extra` and, unless it stands there already, Allow (RFC 3261 13.2.1, 13.3.1.4); mem_deref() it. NULL without memory. */
struct build_header *call_with_allow(const struct build_header *extra, unsigned *count);
/* The dialog's requests become the call's. */
int call_enter_dialog(struct call *call, struct dialog *d);

/* --- call_uac.c --- */
/* Takes care of the responses to an INVITE within the dialog, before its user sees them. */
void call_watch_reinvite(struct call *call, struct uac *uac);

/* --- call_uas.c --- */
/* A session description for a 2xx to `request` that has no body of its own. */
int call_answer_sdp(struct call *call, struct build_response *b, const struct call_reply *r, const struct msg *request,
		    struct buf *sdp);
/* The ACK to our 2xx, or another one. */
void call_receive_ack(struct call *call, struct msg *m);

#endif

/* Requests within a dialog (RFC 3261 12.2.1): of calls, and of subscriptions. */
#ifndef OFFHOOK_SIP_WITHIN_H
#define OFFHOOK_SIP_WITHIN_H

#include "sip/dialog.h"
#include "sip/ua.h"

/* Builds one into `out`. `lines` may hold credentials; `u` may be NULL. */
int within_build(struct buf *out, struct ua *ua, struct dialog *d, struct slice method, uint32_t cseq,
		 const struct ua_request *u, struct slice lines, struct err *e);
int within_next_hop(struct addr *dst, const struct ua *ua, struct dialog *d, struct err *e);
/* Sends one as a transaction of its own, with credentials for the realms known to `auth`; the dialog's CSeq is counted up unless `u`
 * gives one. `d` and `auth` must outlive `*uacp`; see uac_alloc(). */
int within_request(struct uac **uacp, struct ua *ua, struct dialog *d, struct auth *auth, struct slice method,
		   const struct ua_request *u, uac_response_h *h, void *arg, struct err *e);

#endif

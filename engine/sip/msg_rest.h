/* What is kept of a message that is hardly ever read again: its bytes, and no scan. A load keeps hundreds of thousands; see core/kept.h. */
#ifndef OFFHOOK_SIP_MSG_REST_H
#define OFFHOOK_SIP_MSG_REST_H

#include "core/kept.h"
#include "sip/msg.h"

/* Free with mem_deref(); NULL for want of memory. */
struct kept *msg_rest(struct kept_models *models, const struct msg *m);
/* The message again, as it was. ERR_NOMEM. */
int msg_wake(struct msg **mp, const struct kept *k);

#endif

/* What is kept of a message that is hardly ever read again: its bytes, and no scan. A load keeps hundreds of thousands that say nearly the same,
 * so of most only what differs from one of the same length is written down. */
#ifndef OFFHOOK_SIP_MSG_REST_H
#define OFFHOOK_SIP_MSG_REST_H

#include "sip/msg.h"

struct msg_rest;

/* Those that others are told by, owned by who keeps many. Zero it before first use, end with msg_models_free(); what was kept stays. */
struct msg_models {
	struct msg_rest **at; /* by length and beginning */
};
void msg_models_free(struct msg_models *models);

/* Free with mem_deref(); NULL for want of memory. */
struct msg_rest *msg_rest(struct msg_models *models, const struct msg *m);
/* The message again, as it was. ERR_NOMEM. */
int msg_wake(struct msg **mp, const struct msg_rest *r);

#endif

/* What is left of transactions that were answered and are nobody's any more: a queue for each length of time they still have, in place of a timer
 * each, for a load has hundreds of thousands. */
#ifndef OFFHOOK_SIP_RESTING_H
#define OFFHOOK_SIP_RESTING_H

#include "core/loop.h"

/* Embedded in its owner. */
struct rest {
	struct rest *next;
	uint64_t due;
};
/* Its time is over. */
typedef void(rest_over_h)(struct rest *r);

/* Those of one owner, which are over in one way. */
struct resting {
	struct rest_queue *queues;
};

/* `r` is over at script time `due`, or later: not before those that came to its queue before it, which had at most twice the time that it has. It
 * cannot be taken back. ERR_NOMEM. */
int resting_add(struct resting *of, struct loop *loop, struct rest *r, uint64_t due, rest_over_h *over);
/* All of them are over now. */
void resting_end(struct resting *of);

#endif

/* What the loop and its timer heap share. */
#ifndef OFFHOOK_CORE_LOOP_PRIV_H
#define OFFHOOK_CORE_LOOP_PRIV_H

#include "core/loop.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>

#define LOOP_EVENTS 64

/* The keys stand in the heap itself: sifting touches no timer but the ones it moves. */
struct tmr_slot {
	uint64_t due;
	uint64_t order; /* rank above sequence */
	struct tmr *t;
};

/* Timers of one delay, in the order of their arming, which is that of their due times. Most of what a SIP stack arms has one of a few delays
 * (timers A to M, the limits of waits) and is cancelled, or ends a transaction half a minute later: here that costs the same however many there
 * are. Only the first of a lane stands in the heap. */
struct lane {
	uint64_t delay;
	uint8_t rank;
	struct tmr *first, *last;
};
#define LANES 64

/* How long a round lets datagrams gather: not at all where few come, and no longer than it takes for a batch that is worth it. What a round costs
 * by itself (to wake, and to bring the code of each step into the cache again) is shared by what it serves. */
struct gather {
	uint64_t longest;  /* ns; 0: never */
	uint64_t before;   /* when the last round began, monotonic ns */
	unsigned brought;  /* datagrams, in this round */
	double expected;   /* datagrams within the longest, as of late */
};
#define GATHER_LEAST 8
#define GATHER_ENOUGH 64

/* For the round that began at `round`; once for each. */
static inline uint64_t gather_length(struct gather *g, uint64_t round)
{
	double interval = (double)(round - g->before);

	if (g->before && interval > 0)
		g->expected += (g->brought / interval * (double)g->longest - g->expected) / 8;
	g->before = round;
	g->brought = 0;
	if (g->expected < GATHER_LEAST)
		return 0;
	return g->expected <= GATHER_ENOUGH ? g->longest : (uint64_t)((double)g->longest * GATHER_ENOUGH / g->expected);
}

struct loop {
	bool virtual_clock;
	double scale;
	uint64_t now;
	uint64_t mono_start, wall_start;
	uint64_t wall_offset; /* of this round: CLOCK_REALTIME less CLOCK_MONOTONIC; 0: not asked yet */
	uint64_t round; /* the monotonic time at which this one began, ns */
	struct gather gather;
	void (*late)(void *arg, enum loop_lateness what, uint64_t ns);
	void *late_arg;

	struct tmr_slot *heap;
	uint32_t heap_n, heap_cap;
	uint64_t seq;
	struct lane lanes[LANES];

	int epfd, wakefd;
	bool no_pwait2; /* an old kernel: whole milliseconds */
	size_t nfds;
	struct epoll_event events[LOOP_EVENTS];
	int events_n; /* of the batch being dispatched */

	loop_work_h *work;
	void *work_arg;
	struct loop_flush *flushes, *flush_next;

	bool stop;
	atomic_bool interrupted;
};

/* The next to fire, or NULL. */
static inline struct tmr *tmr_top(const struct loop *loop)
{
	return loop->heap_n ? loop->heap[0].t : NULL;
}

/* Forgets every timer: they are as never started. */
void tmr_drop_all(struct loop *loop);

#endif

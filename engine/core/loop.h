/* The event loop of one run: one clock (real or virtual), one timer heap, file descriptors, and the work between them.
 *
 * Time is nanoseconds of script time since the loop was made. On the virtual clock it jumps from timer to timer; on the
 * real clock it follows CLOCK_MONOTONIC, divided by the timer scale. Nothing here is shared between threads. */
#ifndef OFFHOOK_CORE_LOOP_H
#define OFFHOOK_CORE_LOOP_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull

struct loop;

enum loop_lateness {
	LOOP_LATE_TIMER,
	LOOP_LATE_SEND, /* of a batch of datagrams, by its oldest */
};

struct loop_cfg {
	bool virtual_clock;
	double timer_scale; /* real clock only: script seconds last this many real seconds; 0 = 1.0 */
	/* Real clock only, ns: where many datagrams come, rounds begin up to so far apart, so that these gather and go in batches. An event that
	 * comes after a pause is not held up; no timer fires early, and one fires up to so much late. What is measured by kernel stamps and
	 * due times is not moved. */
	uint64_t gather;
	/* Told how late each timer fires and each batch of datagrams goes out, ns of script time: what tells a user that the program
	 * itself is the bottleneck. Real clock only. May be NULL. */
	void (*late)(void *arg, enum loop_lateness what, uint64_t ns);
	void *late_arg;
};

/* Unix time, in ns, at which every virtual run begins: 2026-01-01T00:00:00Z. */
#define LOOP_VIRTUAL_EPOCH (1767225600ull * NS_PER_S)

/* Free with mem_deref(). */
int loop_alloc(struct loop **loopp, const struct loop_cfg *cfg, struct err *e);
bool loop_is_virtual(const struct loop *loop);
/* Script time, as of the current round of events. */
uint64_t loop_now(const struct loop *loop);
/* Unix time in ns of the script time `now` (for captures and os.time). On the real clock this is the wire's time. */
uint64_t loop_wall(const struct loop *loop, uint64_t now);
/* Script time of the Unix time `wall` (kernel receive stamps). */
uint64_t loop_from_wall(struct loop *loop, uint64_t wall);
/* The same for what arrived: not later than this round, for nothing that it causes may seem earlier than itself. */
uint64_t loop_arrival(struct loop *loop, uint64_t wall);

/* --- timers: total order on (due, rank, sequence of arming) --- */
typedef void(tmr_h)(void *arg);

enum tmr_rank {
	TMR_EVENT = 0,    /* protocol timers, deliveries */
	TMR_DEADLINE = 1, /* fires after every event due at the same instant: where both are due, the event wins */
};

/* Embedded in its owner; zero it before first use and tmr_cancel() it in the owner's destructor. */
struct tmr {
	uint64_t due, seq;
	struct loop *loop; /* set while it runs */
	uint32_t pos;      /* in the heap */
	uint8_t rank;
	uint8_t lane;      /* from 1 on; 0: it stands in the heap by itself */
	struct tmr *prev, *next; /* in its lane, whose first one stands in the heap */
	tmr_h *h;
	void *arg;
};

/* (Re)arms: `h(arg)` is called once, `delay` ns from now. Fails only for want of memory, then returns ERR_NOMEM. */
int tmr_start(struct tmr *t, struct loop *loop, uint64_t delay, tmr_h *h, void *arg);
/* The same at the absolute script time `due`, with a rank. */
int tmr_start_at(struct tmr *t, struct loop *loop, uint64_t due, enum tmr_rank rank, tmr_h *h, void *arg);
/* For a timer that fires again and again, from its handler: `interval` after it was due, not after it got round to firing, so that lateness
 * does not add up. */
int tmr_again(struct tmr *t, struct loop *loop, uint64_t interval, tmr_h *h, void *arg);
void tmr_cancel(struct tmr *t);
static inline bool tmr_running(const struct tmr *t)
{
	return t->loop != NULL;
}

/* --- file descriptors (real clock) --- */
typedef void(loop_fd_h)(uint32_t epoll_events, void *arg);

struct loop_fd {
	int fd;
	loop_fd_h *h;
	void *arg;
};

/* Watches `fd` for `epoll_events` until loop_fd_remove(); `lf` is the owner's. */
int loop_fd_add(struct loop *loop, struct loop_fd *lf, int fd, uint32_t epoll_events, loop_fd_h *h, void *arg, struct err *e);
void loop_fd_remove(struct loop *loop, struct loop_fd *lf);

/* --- the round: each due timer or batch of descriptors is followed by the work hook, then by every flush hook --- */
typedef void(loop_work_h)(void *arg);

/* The one that runs ready tasks (the script scheduler); called until it leaves nothing ready. */
void loop_set_work(struct loop *loop, loop_work_h *h, void *arg);

/* Something to do before the loop may sleep, e.g. sendmmsg of what was queued. It calls no handlers and readies no tasks: what
 * it finds out goes through a timer of zero delay. */
struct loop_flush {
	struct loop_flush *next;
	loop_work_h *h;
	void *arg;
};
void loop_flush_add(struct loop *loop, struct loop_flush *lf);
void loop_flush_remove(struct loop *loop, struct loop_flush *lf);
/* So many datagrams came: what the length of rounds is chosen by. */
void loop_brought(struct loop *loop, unsigned datagrams);
/* Tells `late` of the configuration that what was due at script time `due` is done now; the loop does it for timers. */
void loop_late(const struct loop *loop, enum loop_lateness what, uint64_t due);

enum loop_end {
	LOOP_STOPPED, /* loop_stop() was called */
	LOOP_DRY,     /* virtual clock, or no descriptors: nothing is left that could ever happen */
};

enum loop_end loop_run(struct loop *loop);
/* loop_run() returns after the current round. */
void loop_stop(struct loop *loop);
/* Async-signal-safe: wakes a sleeping loop and makes loop_run() return LOOP_STOPPED. */
void loop_interrupt(struct loop *loop);

#endif

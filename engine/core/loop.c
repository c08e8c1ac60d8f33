#include "core/loop_priv.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Timers that fire in a row before descriptors get a turn: a timer that re-arms itself for now must not starve them. */
#define TIMERS_A_ROUND 256

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Real to script nanoseconds and back. */
static uint64_t to_script(const struct loop *loop, uint64_t real)
{
	return loop->scale == 1.0 ? real : (uint64_t)((double)real / loop->scale);
}

static uint64_t to_real(const struct loop *loop, uint64_t script)
{
	double real;

	if (loop->scale == 1.0)
		return script;
	real = (double)script * loop->scale;
	return real < (double)(UINT64_MAX / 2) ? (uint64_t)real : UINT64_MAX / 2;
}

static void clock_update(struct loop *loop)
{
	uint64_t now;

	loop->round = clock_ns(CLOCK_MONOTONIC);
	loop->wall_offset = 0;
	now = to_script(loop, loop->round - loop->mono_start);
	if (now > loop->now)
		loop->now = now;
}

bool loop_is_virtual(const struct loop *loop)
{
	return loop->virtual_clock;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now;
}

uint64_t loop_wall(const struct loop *loop, uint64_t now)
{
	return loop->virtual_clock ? LOOP_VIRTUAL_EPOCH + now : loop->wall_start + to_real(loop, now);
}

uint64_t loop_from_wall(struct loop *loop, uint64_t wall)
{
	if (loop->virtual_clock)
		return wall > LOOP_VIRTUAL_EPOCH ? wall - LOOP_VIRTUAL_EPOCH : 0;
	/* Not by its distance from the start: the wall clock may have been set in mid-run. */
	if (!loop->wall_offset)
		loop->wall_offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	wall -= loop->wall_offset;
	return wall > loop->mono_start && wall < UINT64_MAX / 2 ? to_script(loop, wall - loop->mono_start) : 0;
}

uint64_t loop_arrival(struct loop *loop, uint64_t wall)
{
	uint64_t when = loop_from_wall(loop, wall);

	return when < loop->now ? when : loop->now;
}

/* --- descriptors --- */

int loop_fd_add(struct loop *loop, struct loop_fd *lf, int fd, uint32_t epoll_events, loop_fd_h *h, void *arg,
		struct err *e)
{
	struct epoll_event ev = {.events = epoll_events, .data.ptr = lf};

	if (loop->virtual_clock)
		return err_set(e, ERR_NOT_NOW, "the virtual clock has no file descriptors");
	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, fd, &ev))
		return err_set(e, ERR_ENV, "cannot watch file descriptor %d: %s", fd, strerror(errno));
	lf->fd = fd;
	lf->h = h;
	lf->arg = arg;
	loop->nfds++;
	return 0;
}

void loop_fd_remove(struct loop *loop, struct loop_fd *lf)
{
	if (!lf->h)
		return;
	(void)epoll_ctl(loop->epfd, EPOLL_CTL_DEL, lf->fd, NULL);
	lf->h = NULL;
	loop->nfds--;
	/* Its event may stand further down in the batch that is being dispatched. */
	for (int i = 0; i < loop->events_n; i++) {
		if (loop->events[i].data.ptr == lf)
			loop->events[i].data.ptr = NULL;
	}
}

/* Waits for at most `timeout` real ns (UINT64_MAX: for ever) and returns the number of events. */
static int fds_wait(struct loop *loop, uint64_t timeout)
{
	/* The kernel may be late by a thousandth of the time it waits (select(2), timer slack): 16 ms on the last INVITE of timer A. A long
	 * wait ends a little early instead, and the next round waits for the rest. */
	if (timeout != UINT64_MAX && timeout > 20 * NS_PER_MS)
		timeout -= timeout / 256;
	struct timespec ts = {.tv_sec = (time_t)(timeout / NS_PER_S), .tv_nsec = (long)(timeout % NS_PER_S)};
	bool forever = timeout == UINT64_MAX;
	int n = -1, ms;

	if (!loop->no_pwait2) {
		n = epoll_pwait2(loop->epfd, loop->events, LOOP_EVENTS, forever ? NULL : &ts, NULL);
		if (n < 0 && (errno == ENOSYS || errno == EPERM))
			loop->no_pwait2 = true;
	}
	if (loop->no_pwait2) {
		ms = forever                          ? -1
		     : timeout / NS_PER_MS >= 3600000 ? 3600000
						      : (int)((timeout + NS_PER_MS - 1) / NS_PER_MS);
		n = epoll_wait(loop->epfd, loop->events, LOOP_EVENTS, ms);
	}
	return loop->events_n = n > 0 ? n : 0;
}

static void fds_dispatch(struct loop *loop)
{
	for (int i = 0; i < loop->events_n; i++) {
		struct loop_fd *lf = loop->events[i].data.ptr;
		uint64_t count;

		if (loop->events[i].data.ptr == loop) { /* loop_interrupt() */
			while (read(loop->wakefd, &count, sizeof(count)) < 0 && errno == EINTR)
				;
		} else if (lf) {
			lf->h(loop->events[i].events, lf->arg);
		}
	}
	loop->events_n = 0;
}

/* --- hooks --- */

void loop_set_work(struct loop *loop, loop_work_h *h, void *arg)
{
	loop->work = h;
	loop->work_arg = arg;
}

static void work(struct loop *loop)
{
	if (loop->work)
		loop->work(loop->work_arg);
}

void loop_flush_add(struct loop *loop, struct loop_flush *lf)
{
	lf->next = loop->flushes;
	loop->flushes = lf;
}

void loop_flush_remove(struct loop *loop, struct loop_flush *lf)
{
	if (loop->flush_next == lf)
		loop->flush_next = lf->next;
	for (struct loop_flush **at = &loop->flushes; *at; at = &(*at)->next) {
		if (*at == lf) {
			*at = lf->next;
			return;
		}
	}
}

static void flush(struct loop *loop)
{
	/* A hook may remove any hook: loop_flush_remove() moves flush_next on. */
	for (struct loop_flush *lf = loop->flushes; lf; lf = loop->flush_next) {
		loop->flush_next = lf->next;
		lf->h(lf->arg);
	}
}

/* --- the run --- */

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

void loop_interrupt(struct loop *loop)
{
	uint64_t one = 1;
	int saved = errno;

	atomic_store(&loop->interrupted, true);
	if (loop->wakefd >= 0 && write(loop->wakefd, &one, sizeof(one)) < 0) {
		/* The counter is at its limit: the loop is awake already. */
	}
	errno = saved;
}

static bool stopping(const struct loop *loop)
{
	return loop->stop || atomic_load(&loop->interrupted);
}

void loop_brought(struct loop *loop, unsigned datagrams)
{
	loop->gather.brought += datagrams;
}

void loop_late(const struct loop *loop, enum loop_lateness what, uint64_t due)
{
	uint64_t now;

	if (!loop->late)
		return;
	/* Not the round's time: in a long round, what stands at its end is late by the whole of it. */
	now = to_script(loop, clock_ns(CLOCK_MONOTONIC) - loop->mono_start);
	loop->late(loop->late_arg, what, now > due ? now - due : 0);
}

static void fire(struct loop *loop, struct tmr *t)
{
	loop_late(loop, LOOP_LATE_TIMER, t->due);
	tmr_cancel(t);
	t->h(t->arg);
}

static enum loop_end run_virtual(struct loop *loop)
{
	work(loop);
	for (;;) {
		struct tmr *t;

		flush(loop);
		if (stopping(loop))
			return LOOP_STOPPED;
		t = tmr_top(loop);
		if (!t)
			return LOOP_DRY;
		if (t->due > loop->now)
			loop->now = t->due;
		fire(loop, t);
		work(loop);
	}
}

/* Fires what is due. Before the first deadline it sends what is queued and looks once at the descriptors: what already
 * waits in the kernel came before the deadline ran out, so it wins. */
static void fire_due(struct loop *loop)
{
	bool looked = false;

	for (int budget = TIMERS_A_ROUND; budget && !stopping(loop); budget--) {
		struct tmr *t = tmr_top(loop);

		if (!t || t->due > loop->now)
			return;
		if (t->rank == TMR_DEADLINE && !looked) {
			looked = true;
			flush(loop);
			if (fds_wait(loop, 0)) {
				fds_dispatch(loop);
				work(loop);
			}
			continue;
		}
		fire(loop, t);
		work(loop);
	}
}

/* Real ns until the next timer is due, rounded up so that the loop does not wake just before it and spin. */
static uint64_t time_left(const struct loop *loop)
{
	struct tmr *t = tmr_top(loop);
	uint64_t due, mono;

	if (!t)
		return UINT64_MAX;
	if (t->due <= loop->now)
		return 0;
	due = to_real(loop, t->due);
	if (loop->scale != 1.0)
		due++;
	mono = clock_ns(CLOCK_MONOTONIC) - loop->mono_start;
	return due > mono ? due - mono : 0;
}

/* Lets datagrams gather until the next round may begin; but a timer that waits for its turn (TIMERS_A_ROUND) need not wait more. */
static void gather(struct loop *loop)
{
	const struct tmr *t = tmr_top(loop);
	struct timespec ts;
	uint64_t until;

	if (!loop->gather.longest)
		return;
	until = loop->round + gather_length(&loop->gather, loop->round);
	if ((t && t->due <= loop->now) || atomic_load(&loop->interrupted) || clock_ns(CLOCK_MONOTONIC) >= until)
		return;
	ts = (struct timespec){.tv_sec = (time_t)(until / NS_PER_S), .tv_nsec = (long)(until % NS_PER_S)};
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL); /* a signal that cuts it short begins the round early */
}

static enum loop_end run_real(struct loop *loop)
{
	clock_update(loop);
	work(loop);
	for (;;) {
		int n;

		fire_due(loop);
		flush(loop);
		if (stopping(loop))
			return LOOP_STOPPED;
		if (!loop->heap_n && !loop->nfds)
			return LOOP_DRY;
		gather(loop);
		n = fds_wait(loop, time_left(loop));
		clock_update(loop);
		if (n) {
			fds_dispatch(loop);
			work(loop);
		}
	}
}

enum loop_end loop_run(struct loop *loop)
{
	enum loop_end end;

	mem_ref(loop);
	end = loop->virtual_clock ? run_virtual(loop) : run_real(loop);
	if (end == LOOP_STOPPED) {
		loop->stop = false;
		atomic_store(&loop->interrupted, false);
	}
	mem_deref(loop);
	return end;
}

static void loop_destroy(void *block)
{
	struct loop *loop = block;

	tmr_drop_all(loop);
	if (loop->wakefd >= 0)
		close(loop->wakefd);
	if (loop->epfd >= 0)
		close(loop->epfd);
}

int loop_alloc(struct loop **loopp, const struct loop_cfg *cfg, struct err *e)
{
	struct loop *loop = mem_zalloc(sizeof(*loop), loop_destroy);
	struct epoll_event ev = {.events = EPOLLIN};
	int err = 0;

	*loopp = NULL;
	if (!loop)
		return err_set(e, ERR_NOMEM, "out of memory");
	loop->epfd = loop->wakefd = -1;
	loop->virtual_clock = cfg->virtual_clock;
	loop->scale = cfg->timer_scale > 0 ? cfg->timer_scale : 1.0;
	if (loop->virtual_clock)
		goto out;

	loop->gather.longest = cfg->gather;
	loop->late = cfg->late;
	loop->late_arg = cfg->late_arg;
	if (cfg->gather)
		(void)prctl(PR_SET_TIMERSLACK, 1000ul, 0, 0, 0); /* of this thread: the kernel's 50 us would come on top */
	loop->mono_start = clock_ns(CLOCK_MONOTONIC);
	loop->wall_start = clock_ns(CLOCK_REALTIME);
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	loop->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ev.data.ptr = loop;
	if (loop->epfd < 0 || loop->wakefd < 0 || epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->wakefd, &ev))
		err = err_set(e, ERR_ENV, "cannot make an event loop: %s", strerror(errno));
out:
	if (err)
		mem_deref(loop);
	else
		*loopp = loop;
	return err;
}

#include "unit.h"

#include "core/loop_priv.h"
#include "core/rnd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* What happened, in order: a line of letters. */
static char trace[256];

static void note(const char *what)
{
	strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static void on_note(void *arg)
{
	note(arg);
}

static struct loop *make(bool virtual_clock, double scale)
{
	struct loop_cfg cfg = {.virtual_clock = virtual_clock, .timer_scale = scale};
	struct loop *loop;

	assert_int_equal(loop_alloc(&loop, &cfg, NULL), 0);
	trace[0] = '\0';
	return loop;
}

static uint64_t mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void start(struct tmr *t, struct loop *loop, uint64_t delay, char *name)
{
	assert_int_equal(tmr_start(t, loop, delay, on_note, name), 0);
}

static void virtual_order(void **state)
{
	struct loop *loop = make(true, 0);
	struct tmr t[6] = {0};
	uint64_t began = mono();

	(void)state;
	assert_true(loop_is_virtual(loop));
	start(&t[0], loop, 32 * NS_PER_S, "e");
	start(&t[1], loop, 500 * NS_PER_MS, "b");
	assert_int_equal(tmr_start_at(&t[2], loop, 500 * NS_PER_MS, TMR_DEADLINE, on_note, "d"), 0);
	start(&t[3], loop, 500 * NS_PER_MS, "c");
	start(&t[4], loop, 0, "a");
	start(&t[5], loop, 1, "x");
	tmr_cancel(&t[5]);
	tmr_cancel(&t[5]);
	assert_false(tmr_running(&t[5]));
	assert_int_equal(loop_run(loop), LOOP_DRY);
	assert_string_equal(trace, "abcde");
	assert_true(loop_now(loop) == 32 * NS_PER_S);
	assert_true(loop_wall(loop, loop_now(loop)) == LOOP_VIRTUAL_EPOCH + 32 * NS_PER_S);
	assert_true(loop_from_wall(loop, LOOP_VIRTUAL_EPOCH + 5) == 5);
	assert_true(loop_from_wall(loop, 5) == 0);
	assert_true(mono() - began < NS_PER_S);
	/* Armed again it runs again, and a due time in the past is now. */
	assert_int_equal(tmr_start_at(&t[0], loop, 1, TMR_EVENT, on_note, "f"), 0);
	assert_int_equal(loop_run(loop), LOOP_DRY);
	assert_string_equal(trace, "abcdef");
	assert_true(loop_now(loop) == 32 * NS_PER_S);
	mem_deref(loop);
}

/* Random starts, re-arms and cancels against a sorted list. */
#define MANY 2000

static struct tmr many[MANY];
static uint64_t last_due, last_seq, fired;

static void on_many(void *arg)
{
	struct tmr *t = arg;

	assert_false(tmr_running(t));
	assert_true(t->due > last_due || (t->due == last_due && t->seq > last_seq));
	last_due = t->due;
	last_seq = t->seq;
	fired++;
}

static void heap(void **state)
{
	struct loop *loop = make(true, 0);
	uint64_t running = 0;
	struct rnd r;

	(void)state;
	rnd_init(&r, 1, "heap", NULL, NULL);
	last_due = last_seq = fired = 0;
	memset(many, 0, sizeof(many));
	for (int i = 0; i < 20 * MANY; i++) {
		struct tmr *t = &many[rnd_below(&r, MANY)];

		if (rnd_below(&r, 3))
			assert_int_equal(tmr_start(t, loop, 1 + rnd_below(&r, 500), on_many, t), 0);
		else
			tmr_cancel(t);
	}
	for (int i = 0; i < MANY; i++)
		running += tmr_running(&many[i]);
	assert_int_equal(loop_run(loop), LOOP_DRY);
	assert_true(fired == running);
	mem_deref(loop);
}

/* --- the work hook and the flush hooks --- */

struct script {
	struct loop *loop;
	struct tmr t[4];
	struct loop_flush flush[2];
	int step;
};

static void script_work(void *arg)
{
	struct script *s = arg;

	note("w");
	if (s->step++ == 1) {
		/* Armed by the work after the first event, for the same instant: before the deadline that is due then
		 * too. */
		assert_int_equal(tmr_start_at(&s->t[2], s->loop, s->t[0].due, TMR_EVENT, on_note, "2"), 0);
	}
}

static void on_flush(void *arg)
{
	(void)arg;
	note("f");
}

static void work_between(void **state)
{
	struct script s = {.loop = make(true, 0)};

	(void)state;
	loop_set_work(s.loop, script_work, &s);
	s.flush[0].h = on_flush;
	loop_flush_add(s.loop, &s.flush[0]);
	start(&s.t[0], s.loop, 7, "1");
	assert_int_equal(tmr_start_at(&s.t[1], s.loop, 7, TMR_DEADLINE, on_note, "D"), 0);
	assert_int_equal(loop_run(s.loop), LOOP_DRY);
	assert_string_equal(trace, "wf1wf2wfDwf");
	loop_flush_remove(s.loop, &s.flush[0]);
	mem_deref(s.loop);
}

static void work_between_real(void **state)
{
	struct script s = {.loop = make(false, 0)};

	(void)state;
	loop_set_work(s.loop, script_work, &s);
	start(&s.t[0], s.loop, NS_PER_MS, "1");
	assert_int_equal(tmr_start_at(&s.t[1], s.loop, NS_PER_MS, TMR_DEADLINE, on_note, "D"), 0);
	assert_int_equal(loop_run(s.loop), LOOP_DRY);
	assert_string_equal(trace, "w1w2wDw");
	mem_deref(s.loop);
}

static void on_remove_both(void *arg)
{
	struct script *s = arg;

	note("r");
	loop_flush_remove(s->loop, &s->flush[0]);
	loop_flush_remove(s->loop, &s->flush[1]);
}

static void flush_removal(void **state)
{
	struct script s = {.loop = make(true, 0)};

	(void)state;
	s.flush[0].h = on_flush;
	s.flush[1].h = on_remove_both;
	s.flush[1].arg = &s;
	loop_flush_add(s.loop, &s.flush[0]);
	loop_flush_add(s.loop, &s.flush[1]); /* runs first */
	start(&s.t[0], s.loop, 1, "t");
	assert_int_equal(loop_run(s.loop), LOOP_DRY);
	assert_string_equal(trace, "rt");
	mem_deref(s.loop);
}

static void on_stop(void *arg)
{
	note("s");
	loop_stop(arg);
}

static void stopping(void **state)
{
	for (int virtual_clock = 0; virtual_clock < 2; virtual_clock++) {
		struct loop *loop = make(virtual_clock, 0);
		struct tmr a = {0}, b = {0};

		(void)state;
		assert_int_equal(tmr_start(&a, loop, 0, on_stop, loop), 0);
		start(&b, loop, 1, "b");
		assert_int_equal(loop_run(loop), LOOP_STOPPED);
		assert_string_equal(trace, "s");
		assert_int_equal(loop_run(loop), LOOP_DRY);
		assert_string_equal(trace, "sb");
		loop_interrupt(loop);
		assert_int_equal(loop_run(loop), LOOP_STOPPED);
		assert_int_equal(loop_run(loop), LOOP_DRY);
		mem_deref(loop);
	}
}

/* A loop that goes leaves its timers as never started. */
static void loop_before_timer(void **state)
{
	struct loop *loop = make(true, 0);
	struct tmr t = {0};

	(void)state;
	start(&t, loop, 1, "t");
	mem_deref(loop);
	assert_false(tmr_running(&t));
	tmr_cancel(&t);
}

/* --- the real clock --- */

static void real_time(void **state)
{
	struct loop *loop = make(false, 0);
	uint64_t began = mono(), took, wall;
	struct timespec ts;
	struct tmr t = {0};

	(void)state;
	assert_false(loop_is_virtual(loop));
	start(&t, loop, 2500000, "t");
	assert_int_equal(loop_run(loop), LOOP_DRY);
	took = mono() - began;
	assert_true(took >= 2500000 && took < NS_PER_S);
	assert_true(loop_now(loop) >= 2500000);
	clock_gettime(CLOCK_REALTIME, &ts);
	wall = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
	assert_true(wall - loop_wall(loop, loop_now(loop)) < NS_PER_S);
	/* A receive stamp of now is script time of now. */
	assert_true(loop_from_wall(loop, wall) >= loop_now(loop));
	assert_true(loop_from_wall(loop, wall) < loop_now(loop) + NS_PER_S);
	assert_true(loop_from_wall(loop, 0) == 0);
	mem_deref(loop);
}

static void scaled_time(void **state)
{
	struct loop *loop = make(false, 0.01);
	uint64_t began = mono(), took;
	struct tmr t = {0};

	(void)state;
	start(&t, loop, NS_PER_S, "t");
	assert_int_equal(loop_run(loop), LOOP_DRY);
	took = mono() - began;
	assert_true(took >= 9999000 && took < NS_PER_S / 2);
	assert_true(loop_now(loop) >= NS_PER_S);
	/* The wire's time is not scaled. */
	assert_true(loop_wall(loop, loop_now(loop)) - loop_wall(loop, 0) < NS_PER_S / 2);
	mem_deref(loop);
}

static struct loop *to_interrupt;

static void on_alarm(int sig)
{
	(void)sig;
	loop_interrupt(to_interrupt);
}

static void interrupting(void **state)
{
	struct itimerval in = {.it_value.tv_usec = 5000};
	struct loop *loop = make(false, 0);
	struct tmr t = {0};

	(void)state;
	start(&t, loop, 3600 * NS_PER_S, "t");
	to_interrupt = loop;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &in, NULL);
	assert_int_equal(loop_run(loop), LOOP_STOPPED);
	assert_string_equal(trace, "");
	tmr_cancel(&t);
	assert_int_equal(loop_run(loop), LOOP_DRY);
	mem_deref(loop);
}

/* --- descriptors --- */

struct pipes {
	struct loop *loop;
	struct loop_fd lf[2];
	int fd[2][2];
	struct tmr t;
};

static void on_either(uint32_t events, void *arg)
{
	struct pipes *p = arg;

	assert_true(events & EPOLLIN);
	note("r");
	/* Both are readable; whichever comes first removes both, and the other must not be called. */
	loop_fd_remove(p->loop, &p->lf[0]);
	loop_fd_remove(p->loop, &p->lf[1]);
	loop_fd_remove(p->loop, &p->lf[1]);
}

static void removal_in_dispatch(void **state)
{
	struct pipes p = {.loop = make(false, 0)};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(p.fd[i]), 0);
		assert_int_equal(write(p.fd[i][1], "x", 1), 1);
		assert_int_equal(loop_fd_add(p.loop, &p.lf[i], p.fd[i][0], EPOLLIN, on_either, &p, NULL), 0);
	}
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_string_equal(trace, "r");
	for (int i = 0; i < 2; i++) {
		close(p.fd[i][0]);
		close(p.fd[i][1]);
	}
	mem_deref(p.loop);
}

static void on_read(uint32_t events, void *arg)
{
	struct pipes *p = arg;
	char c;

	(void)events;
	assert_int_equal(read(p->fd[0][0], &c, 1), 1);
	note("r");
	tmr_cancel(&p->t);
	loop_fd_remove(p->loop, &p->lf[0]);
}

static void on_late(void *arg)
{
	struct pipes *p = arg;
	uint64_t until = mono() + 3 * NS_PER_MS;

	/* While this event is served, the deadline runs out and the data arrives. */
	while (mono() < until)
		;
	assert_int_equal(write(p->fd[0][1], "x", 1), 1);
	note("e");
}

/* Where both are due, the event wins: data that waits in the kernel is read before a deadline fires. */
static void deadline_after_data(void **state)
{
	struct pipes p = {.loop = make(false, 0)};
	struct tmr event = {0};

	(void)state;
	assert_int_equal(pipe(p.fd[0]), 0);
	assert_int_equal(loop_fd_add(p.loop, &p.lf[0], p.fd[0][0], EPOLLIN, on_read, &p, NULL), 0);
	assert_int_equal(tmr_start(&event, p.loop, NS_PER_MS, on_late, &p), 0);
	assert_int_equal(tmr_start_at(&p.t, p.loop, NS_PER_MS, TMR_DEADLINE, on_note, "D"), 0);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_string_equal(trace, "er");
	close(p.fd[0][0]);
	close(p.fd[0][1]);
	mem_deref(p.loop);
}

static void on_again(void *arg)
{
	struct pipes *p = arg;

	if (p->lf[0].h)
		tmr_start(&p->t, p->loop, 0, on_again, p);
}

/* A timer that re-arms itself for now does not starve the descriptors. */
static void no_starving(void **state)
{
	struct pipes p = {.loop = make(false, 0)};

	(void)state;
	assert_int_equal(pipe(p.fd[0]), 0);
	assert_int_equal(write(p.fd[0][1], "x", 1), 1);
	assert_int_equal(loop_fd_add(p.loop, &p.lf[0], p.fd[0][0], EPOLLIN, on_read, &p, NULL), 0);
	assert_int_equal(tmr_start(&p.t, p.loop, 0, on_again, &p), 0);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_string_equal(trace, "r");
	close(p.fd[0][0]);
	close(p.fd[0][1]);
	mem_deref(p.loop);
}

static void no_descriptors_in_virtual(void **state)
{
	struct loop *loop = make(true, 0);
	struct loop_fd lf = {0};
	struct err e;

	(void)state;
	assert_int_equal(loop_fd_add(loop, &lf, 0, EPOLLIN, on_either, NULL, &e), ERR_NOT_NOW);
	mem_deref(loop);
}

static int run_with_failures(void *arg)
{
	struct loop_cfg cfg = {.virtual_clock = *(bool *)arg};
	struct tmr t[200] = {0};
	struct loop *loop;
	int err = loop_alloc(&loop, &cfg, NULL);

	for (int i = 0; i < 200 && !err; i++)
		err = tmr_start(&t[i], loop, (uint64_t)i, on_note, "");
	if (!err)
		assert_int_equal(loop_run(loop), LOOP_DRY);
	mem_deref(loop);
	return err;
}

static void out_of_memory(void **state)
{
	bool virtual_clock = true;

	(void)state;
	assert_true(unit_each_failure(run_with_failures, &virtual_clock) >= 3);
	virtual_clock = false;
	assert_true(unit_each_failure(run_with_failures, &virtual_clock) >= 3);
}

struct ticker {
	struct loop *loop;
	struct tmr tmr;
	unsigned n;
};

static void tick(void *arg)
{
	struct ticker *tk = arg;
	uint64_t was_due = tk->tmr.due, due = was_due + 10 * NS_PER_MS;

	assert_true(loop_now(tk->loop) >= was_due);
	if (++tk->n == 5) {
		loop_stop(tk->loop);
		return;
	}
	assert_int_equal(tmr_again(&tk->tmr, tk->loop, 10 * NS_PER_MS, tick, tk), 0);
	/* Counted from when it was due; only what is past already is due now. */
	assert_int_equal(tk->tmr.due, due > loop_now(tk->loop) ? due : loop_now(tk->loop));
	/* The handler is late for its next time. */
	struct timespec late = {.tv_nsec = tk->n == 2 ? 25 * NS_PER_MS : 3 * NS_PER_MS};
	nanosleep(&late, NULL);
}

static void test_again_does_not_drift(void **state)
{
	struct loop_cfg cfg = {0};
	struct ticker tk = {0};

	(void)state;
	assert_int_equal(loop_alloc(&tk.loop, &cfg, NULL), 0);
	assert_int_equal(tmr_start(&tk.tmr, tk.loop, 10 * NS_PER_MS, tick, &tk), 0);
	assert_int_equal(loop_run(tk.loop), LOOP_STOPPED);
	assert_int_equal(tk.n, 5);
	mem_deref(tk.loop);
}

struct gathering {
	struct loop *loop;
	struct tmr t[4];
	uint64_t fired[4]; /* round in which each fired */
	uint64_t late[4];
	unsigned fires, lates;
	enum loop_lateness kind;
};

static void on_lateness(void *arg, enum loop_lateness what, uint64_t ns)
{
	struct gathering *g = arg;

	assert_int_equal(what, g->kind);
	g->late[g->lates++] = ns;
}

static void on_gathered(void *arg)
{
	struct gathering *g = arg;

	assert_int_equal(g->lates, g->fires + 1); /* told before it fires */
	assert_true(loop_now(g->loop) >= g->t[g->fires].due);
	g->fired[g->fires++] = loop_now(g->loop);
}

/* Rounds of 1 ms with so many datagrams each: how long they gather in the end. */
static uint64_t settled(struct gather *g, unsigned datagrams, unsigned rounds)
{
	uint64_t length = 0, at = g->before ? g->before : NS_PER_S;

	for (unsigned i = 0; i < rounds; i++) {
		g->brought = datagrams;
		at += NS_PER_MS;
		length = gather_length(g, at);
	}
	return length;
}

static void test_gather_length(void **state)
{
	struct gather g = {.longest = NS_PER_MS};

	(void)state;
	assert_int_equal(gather_length(&g, NS_PER_S), 0); /* nothing is known yet */
	assert_int_equal(settled(&g, 2, 100), 0);
	assert_int_equal(settled(&g, 30, 100), NS_PER_MS);
	assert_in_range(settled(&g, 128, 100), NS_PER_MS / 2, NS_PER_MS / 2 + 1000);
	assert_int_equal(settled(&g, 0, 100), 0);
	settled(&g, 30, 100);
	g.brought = 1; /* after a pause: not held up again */
	assert_true(gather_length(&g, g.before + NS_PER_S) <= NS_PER_MS);
	assert_int_equal(settled(&g, 1, 20), 0);
	assert_true(settled(&g, 1000000, 100) < 1000);
}

/* What is due before the next round may begin is served in one round, late and never early; and the loop says how late. */
static void test_gathers(void **state)
{
	struct gathering g = {0};
	struct loop_cfg cfg = {.gather = 10 * NS_PER_MS, .late = on_lateness, .late_arg = &g};
	uint64_t began;

	(void)state;
	assert_int_equal(loop_alloc(&g.loop, &cfg, NULL), 0);
	g.loop->gather.expected = 2 * GATHER_LEAST; /* as if many came */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(tmr_start(&g.t[i], g.loop, (i + 1) * NS_PER_MS, on_gathered, &g), 0);
	assert_int_equal(tmr_start(&g.t[3], g.loop, 100 * NS_PER_MS, on_gathered, &g), 0);
	assert_int_equal(loop_run(g.loop), LOOP_DRY);
	assert_int_equal(g.fires, 4);
	assert_int_equal(g.lates, 4);
	assert_true(g.fired[0] >= 10 * NS_PER_MS);
	assert_true(g.fired[1] == g.fired[0] && g.fired[2] == g.fired[0]);
	/* A timer beyond the window waits for nothing but itself. */
	assert_true(g.fired[3] >= 100 * NS_PER_MS);
	for (unsigned i = 0; i < 4; i++)
		assert_true(g.late[i] >= g.fired[i] - g.t[i].due && g.late[i] < g.fired[i] - g.t[i].due + NS_PER_S);

	/* What has no timer is reported in the same place. */
	began = loop_now(g.loop);
	g.lates = 0;
	g.kind = LOOP_LATE_SEND;
	loop_late(g.loop, LOOP_LATE_SEND, began);
	loop_late(g.loop, LOOP_LATE_SEND, began + NS_PER_S); /* not due yet: not late */
	assert_int_equal(g.lates, 2);
	assert_true(g.late[0] > 0 && g.late[0] < NS_PER_S);
	assert_true(g.late[1] == 0);
	mem_deref(g.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(test_again_does_not_drift),
		UNIT_TEST(virtual_order),       UNIT_TEST(heap),
	    UNIT_TEST(work_between),        UNIT_TEST(work_between_real),
	    UNIT_TEST(flush_removal),       UNIT_TEST(stopping),
	    UNIT_TEST(loop_before_timer),   UNIT_TEST(real_time),
	    UNIT_TEST(scaled_time),         UNIT_TEST(interrupting),
	    UNIT_TEST(removal_in_dispatch), UNIT_TEST(deadline_after_data),
	    UNIT_TEST(no_starving),         UNIT_TEST(no_descriptors_in_virtual),
	    UNIT_TEST(out_of_memory),       UNIT_TEST(test_gathers), UNIT_TEST(test_gather_length),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

/* A script that never waits is stopped by a hook, which a timer of its thread sets once it has run for too long. (A hook that is always set
 * would take half of the interpreter's time, measured.) */
#include "bindings/task_priv.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Of CPU time: a thread that waits for the network has no ticks, a script that never waits has. */
#define TICK (20 * NS_PER_MS)
#define TICK_SIGNAL SIGVTALRM

static uint64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Where it was stopped first: the <close> handlers on the way out are stopped, too, and say the same. A hook is no level of its own: 0 is the
 * script's function, of which luaL_error would name the caller. */
static void stop_here(lua_State *L, const char *why)
{
	struct sched *s = &shard_of(L)->sched;

	if (!s->stopped_at[0]) {
		luaL_where(L, 0);
		snprintf(s->stopped_at, sizeof(s->stopped_at), "%s", lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	lua_pushfstring(L, "%s%s", s->stopped_at, why);
	lua_error(L);
}

static void on_instruction(lua_State *L, lua_Debug *ar)
{
	struct sched *s = &shard_of(L)->sched;
	char why[100];

	/* What the library closes on the way out is not what ran for too long, and must not take its place as the error. */
	lua_getinfo(L, "S", ar);
	if (ar->source[0] != '@' && s->stop != STOP_NOT && s->stop != STOP_LIMIT)
		return;
	switch (s->stop) {
	case STOP_NOT: /* what it was set for is over */
		lua_sethook(L, NULL, 0, 0);
		break;
	case STOP_LIMIT:
		lua_pushlightuserdata(L, (void *)&task_cancelled);
		lua_error(L);
		break;
	case STOP_INTERRUPTED:
		stop_here(L, "interrupted");
		break;
	case STOP_GUARD:
		snprintf(why, sizeof(why), "ran for %g s without waiting for anything: stopped at the time limit", s->guard_seconds);
		stop_here(L, why);
		break;
	}
}

void task_stop(lua_State *L)
{
	lua_sethook(L, on_instruction, LUA_MASKCOUNT, 1);
}

/* In the thread that runs the script; lua_sethook may be called here. */
static void on_tick(int signal_number, siginfo_t *info, void *context)
{
	struct sched *s = &((struct shard *)info->si_value.sival_ptr)->sched;

	(void)signal_number;
	(void)context;
	if (!s->running || s->stop != STOP_NOT)
		return;
	if (shard_interrupted) {
		s->stop = STOP_INTERRUPTED;
	} else if (s->runs != s->seen_run) {
		s->seen_run = s->runs;
		s->seen_at = real_now();
		return;
	} else if (real_now() - s->seen_at < (uint64_t)(s->guard_seconds * 1e9)) {
		return;
	} else {
		s->stop = STOP_GUARD;
	}
	task_stop(s->running);
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(TICK_SIGNAL, &action, NULL);
}

void sched_guard_start(struct shard *sh)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sched *s = &sh->sched;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL, .sigev_value.sival_ptr = sh};
	struct itimerspec every = {.it_interval.tv_nsec = TICK, .it_value.tv_nsec = TICK};

	pthread_once(&once, install);
	event.sigev_notify_thread_id = gettid();
	s->guarded = true;
	s->has_ticks = !timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &s->ticks);
	if (s->has_ticks)
		timer_settime(s->ticks, 0, &every, NULL);
}

void sched_guard_stop(struct shard *sh)
{
	struct sched *s = &sh->sched;

	s->running = NULL;
	if (s->has_ticks)
		timer_delete(s->ticks);
	s->guarded = s->has_ticks = false;
}

void sched_run_begins(struct shard *sh, lua_State *L)
{
	struct sched *s = &sh->sched;

	s->stop = STOP_NOT;
	s->stopped_at[0] = '\0';
	s->runs++;
	s->running = L;
}

#include "bindings/task_priv.h"

#include "bindings/load.h"
#include "core/buf.h"
#include "core/mem.h"
#include "sip/msg.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char task_cancelled = 0;
const char task_wait_marker = 0;

#define CLEANUP_TIME (2 * NS_PER_S)

/* --- run queue --- */

void task_ready(struct task *task)
{
	struct sched *s = &task->sh->sched;

	if (task->ready || task->done)
		return;
	task->ready = true;
	task->next_ready = NULL;
	*s->ready_tail = task;
	s->ready_tail = &task->next_ready;
}

/* --- waiting --- */

void task_stop_waiting(struct task *task)
{
	tmr_cancel(&task->deadline);
	task->waiting = false;
	inbox_leave(task);
}

static void on_deadline(void *arg)
{
	struct task *task = arg;

	task->timed_out = true;
	task_ready(task);
}

struct task *task_current(lua_State *L)
{
	struct shard *sh = shard_of(L);

	if (!sh->sched.current)
		script_error(L, "nothing can wait while a script loads: put it inside sip.test");
	return sh->sched.current;
}

static void raise_cancelled(lua_State *L, struct task *task)
{
	task->cancel = false;
	if (!task->cleaning) {
		task->cleaning = true;
		task->limit = loop_now(task->sh->loop) + CLEANUP_TIME;
	}
	lua_pushlightuserdata(L, (void *)&task_cancelled);
	lua_error(L);
}

/* The time of its <close> handlers is over: from here on every instruction raises, so that a pcall of the script's own cannot go on. */
static void end_at_limit(lua_State *L, struct task *task)
{
	task->sh->sched.stop = STOP_LIMIT;
	task_stop(L);
	lua_pushlightuserdata(L, (void *)&task_cancelled);
	lua_error(L);
}

int task_give(lua_State *L, enum wake wake, struct item *it)
{
	switch (wake) {
	case WAKE_TIMEOUT:
		lua_pushnil(L);
		lua_pushliteral(L, "timeout");
		break;
	case WAKE_ENDED:
		lua_pushboolean(L, 1);
		lua_pushliteral(L, "ended");
		break;
	case WAKE_ITEM:
		object_push_item(L, it);
		lua_pushstring(L, it->text);
		mem_deref(it);
		break;
	}
	return 2;
}

static int wait_again(lua_State *L, int status, lua_KContext ctx);

/* A task that is woken for nothing keeps its place in the inbox and its deadline. */
static int wait_step(lua_State *L, struct task *task, struct object *o, unsigned index, uint64_t due, task_wake_h *h)
{
	struct shard *sh = task->sh;
	struct item *it;

	if (task->limit <= loop_now(sh->loop)) {
		task_stop_waiting(task);
		end_at_limit(L, task);
	}
	if (task->cancel) {
		task_stop_waiting(task);
		raise_cancelled(L, task);
	}
	it = o ? inbox_take(o, index) : NULL;
	if (it || (o && inbox_closed(o, index)) || task->timed_out) {
		enum wake wake = it ? WAKE_ITEM : task->timed_out && !(o && inbox_closed(o, index)) ? WAKE_TIMEOUT : WAKE_ENDED;
		task->timed_out = false;
		if (wake == WAKE_TIMEOUT)
			task->since = due;
		else
			task->since = it && it->kind == ITEM_MESSAGE ? ((struct msg *)it->p)->time : loop_now(sh->loop);
		if (task->waiting)
			task_stop_waiting(task);
		return h(L, wake, it);
	}
	if (!task->waiting) {
		if (!lua_isyieldable(L))
			return script_error(L, "nothing can wait here: inside table.sort, string.gsub, a metamethod called from C, or a "
					       "<close> handler that coroutine.close runs");
		if (o && !inbox_join(o, index, task))
			return script_error(L, "out of memory for a wait");
		task->waiting = true;
		task->waits_in = L;
		uint64_t until = task->limit < due ? task->limit : due;
		if (until != UINT64_MAX)
			tmr_start_at(&task->deadline, sh->loop, until, o ? TMR_DEADLINE : TMR_EVENT, on_deadline, task);
	}
	lua_pushinteger(L, (lua_Integer)due); /* waits on the Lua stack, below the continuation */
	lua_pushlightuserdata(L, (void *)&task_wait_marker);
	return lua_yieldk(L, 1, (lua_KContext)h, wait_again);
}

static int wait_again(lua_State *L, int status, lua_KContext ctx)
{
	struct task *task = task_current(L);
	struct object *o = task->waits_at; /* NULL also when it has gone meanwhile */
	uint64_t due = (uint64_t)lua_tointeger(L, -1);

	(void)status;
	lua_pop(L, 1);
	return wait_step(L, task, o, o ? task->waits_on->index : 0, due, (task_wake_h *)ctx);
}

int task_wait(lua_State *L, struct object *o, unsigned index, uint64_t due, task_wake_h *h)
{
	struct task *task = task_current(L);

	task->timed_out = false;
	return wait_step(L, task, o, index, due, h);
}

/* --- where --- */

/* Written each time that a message is sent while it is recorded: without printf. */
static void place_put(char *buf, size_t size, const lua_Debug *ar)
{
	struct slice source = {ar->source + 1, ar->srclen ? ar->srclen - 1 : 0};
	size_t room = size - sizeof(":") - WRITE_DIGITS_MAX;
	char *p;

	source.l = source.l < room ? source.l : room;
	p = write_slice(buf, source);
	*p++ = ':';
	*write_digits(p, (uint64_t)ar->currentline) = '\0';
}

bool task_where(lua_State *L, char *buf, size_t size)
{
	lua_Debug ar;

	/* A task of the library's own has no frame of the script's: then the library's place is better than none. */
	strcpy(buf, "?");
	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "l", &ar);
		if (ar.currentline <= 0)
			continue;
		lua_getinfo(L, "S", &ar);
		if (ar.source[0] == '@') {
			place_put(buf, size, &ar);
			return true;
		}
		if (buf[0] == '?')
			place_put(buf, size, &ar);
	}
	return false;
}

int script_error(lua_State *L, const char *fmt, ...)
{
	char where[300];
	va_list args;

	if (task_where(L, where, sizeof(where)))
		lua_pushfstring(L, "%s: ", where);
	else
		lua_pushliteral(L, "");
	va_start(args, fmt);
	lua_pushvfstring(L, fmt, args);
	va_end(args);
	lua_concat(L, 2);
	return lua_error(L);
}

/* --- tasks --- */

/* Takes the places off that Lua put before an error's text, one for each coroutine it came through. The innermost one in the script or
 * its modules is where it happened; the library's own say nothing to a script's author. */
static const char *without_places(const char *text, const char *script, char *where, size_t size)
{
	const char *slash = strrchr(script, '/');
	size_t folder = slash ? (size_t)(slash - script) + 1 : 0;

	for (;;) {
		const char *end = strstr(text, ".lua:");
		if (!end)
			return text;
		end += 5;
		end += strspn(end, "0123456789");
		if (end[0] != ':' || end[1] != ' ')
			return text;
		if (!strncmp(text, script, folder ? folder : strlen(script)))
			snprintf(where, size, "%.*s", (int)(end - text), text);
		else if (strncmp(text, "offhook/", 8))
			return text;
		text = end + 2;
	}
}

static bool is_failure(lua_State *L, int index)
{
	bool is = false;

	if (lua_istable(L, index) && lua_getmetatable(L, index)) {
		luaL_getmetatable(L, "failure");
		is = lua_rawequal(L, -1, -2);
		lua_pop(L, 2);
	}
	return is;
}

static int on_error(lua_State *L)
{
	char where[300];
	const char *text;

	/* A failure that says where already, or the mark of a cancelled task, passes. */
	if (lua_islightuserdata(L, 1) || is_failure(L, 1))
		return 1;
	task_where(L, where, sizeof(where));
	if (lua_type(L, 1) == LUA_TSTRING)
		text = without_places(lua_tostring(L, 1), shard_of(L)->cfg.path, where, sizeof(where));
	else if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
		text = luaL_tolstring(L, 1, NULL);
	else
		text = lua_pushfstring(L, "the script raised a %s in place of a text", luaL_typename(L, 1));
	lua_createtable(L, 0, 3);
	lua_pushstring(L, text);
	lua_setfield(L, -2, "message");
	lua_pushstring(L, where);
	lua_setfield(L, -2, "where");
	luaL_traceback(L, L, NULL, 1);
	lua_setfield(L, -2, "traceback");
	return 1;
}

static int body_done(lua_State *L, int status, lua_KContext ctx)
{
	struct task *task = (struct task *)ctx;

	(void)L;
	task->failed = status != LUA_OK && status != LUA_YIELD;
	return 1;
}

/* Stack: function, arguments. Runs it under lua_pcallk, so that a <close> handler may wait while an error unwinds (without that, measured, it dies). */
static int trampoline(lua_State *L)
{
	struct task *task = task_current(L);

	lua_pushcfunction(L, on_error);
	lua_insert(L, 1);
	return body_done(L, lua_pcallk(L, lua_gettop(L) - 2, 1, 1, (lua_KContext)task, body_done), (lua_KContext)task);
}

/* The stack of an iteration: what its beginning returned, below. */
enum { ON_ERROR = 1, OVER, CONTEXT, FAILURE };

static int over_done(lua_State *L, int status, lua_KContext ctx)
{
	struct task *task = (struct task *)ctx;

	if (task->failed) /* the first failure tells */
		lua_settop(L, FAILURE);
	return body_done(L, task->failed ? LUA_ERRRUN : status, ctx);
}

static int iteration_done(lua_State *L, int status, lua_KContext ctx)
{
	body_done(L, status, ctx);
	lua_settop(L, FAILURE);
	lua_pushvalue(L, OVER);
	lua_pushvalue(L, CONTEXT);
	lua_pushboolean(L, lua_isnil(L, FAILURE));
	return over_done(L, lua_pcallk(L, 2, 0, ON_ERROR, ctx, over_done), ctx);
}

/* Stack: the function that begins it, which cannot wait, and its argument. See life.iterate() in test.lua. */
static int iteration(lua_State *L)
{
	lua_KContext task = (lua_KContext)task_current(L);

	lua_pushcfunction(L, on_error);
	lua_insert(L, ON_ERROR);
	lua_call(L, 1, LUA_MULTRET);
	return iteration_done(L, lua_pcallk(L, lua_gettop(L) - FAILURE, 0, ON_ERROR, task, iteration_done), task);
}

void sched_init(struct shard *sh)
{
	sh->sched.tasks_tail = &sh->sched.tasks;
	sh->sched.ready_tail = &sh->sched.ready;
	loop_set_work(sh->loop, sched_work, sh);
}

#define NAME_MAX_LEN 47
#define IDLE_MAX 1024
#define MANY_TASKS 512
#define FEW_TASKS 256

/* A thread for a task, its anchor in the registry: one that is idle, or a new one. */
static struct thread take_thread(struct sched *s, lua_State *L)
{
	struct thread t;

	if (s->idle_count)
		return s->idle[--s->idle_count];
	t.L = lua_newthread(L);
	t.ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return t;
}

/* Making a thread costs as much as a short task does, so those of tasks that ended in good order are used again. */
static void give_thread(struct sched *s, lua_State *L, struct thread t, bool reuse)
{
	if (lua_status(t.L) == LUA_OK)
		lua_settop(t.L, 0);
	if (reuse && !s->idle)
		s->idle = malloc(IDLE_MAX * sizeof(*s->idle));
	if (!reuse || !s->idle || s->idle_count == (s->collects == COLLECTS_YOUNG ? FEW_TASKS : IDLE_MAX)) {
		luaL_unref(L, LUA_REGISTRYINDEX, t.ref);
		return;
	}
	s->idle[s->idle_count++] = t;
}

/* Scripts make garbage in bursts, and a generational collector keeps its pauses short. Under load it comes early: what a call leaves behind
 * is memory that the next ones use while it is still in the cache, messages above all (measured: 92 in place of 208 lines of a cache of 2 MB
 * missed by a call). It visits every coroutine each time, though: with 10 000 of them its longest step took 44 ms, that of an incremental one
 * 9 ms, for the same CPU (measured). */
#define MINOR_PERCENT 10 /* of growth */
#define PAUSE_PERCENT 120 /* of the heap after the last cycle, when the next one begins: garbage is at most a sixth of it */

static void drop_idle(struct sched *s, lua_State *L, unsigned most)
{
	while (s->idle_count > most)
		luaL_unref(L, LUA_REGISTRYINDEX, s->idle[--s->idle_count].ref);
}

void sched_choose_collector(struct shard *sh)
{
	struct sched *s = &sh->sched;
	bool load = sh->cfg.share;

	if (load && s->alive > MANY_TASKS && s->collects != COLLECTS_INCREMENTALLY) {
		lua_gc(sh->L, LUA_GCINC, PAUSE_PERCENT, 200, 13);
		s->collects = COLLECTS_INCREMENTALLY;
	} else if ((!load || s->alive < FEW_TASKS) && s->collects != COLLECTS_YOUNG) {
		drop_idle(s, sh->L, FEW_TASKS);
		lua_gc(sh->L, LUA_GCGEN, load ? MINOR_PERCENT : 0, 0);
		s->collects = COLLECTS_YOUNG;
	}
}

#define CHARGE_AT_ONCE 16384

/* Young garbage is collected before it matters. */
void sched_charge(struct sched *s, lua_State *L, size_t bytes)
{
	if (s->collects != COLLECTS_INCREMENTALLY)
		return;
	s->charged += bytes;
	if (s->charged < CHARGE_AT_ONCE)
		return;
	lua_gc(L, LUA_GCSTEP, (int)(s->charged / 1024));
	s->charged = 0;
}

bool sched_collect(struct sched *s, lua_State *L)
{
	return s->collects != COLLECTS_INCREMENTALLY || lua_gc(L, LUA_GCSTEP, 0);
}

const char *task_name(const struct task *task)
{
	return task->kind == TASK_ITERATION ? "an iteration" : task->own_name;
}

struct task *task_new(struct shard *sh, lua_State *L, enum task_kind kind, const char *name)
{
	struct sched *s = &sh->sched;
	size_t room = kind == TASK_ITERATION ? 0 : strnlen(name, NAME_MAX_LEN) + 1;
	struct task *task = mem_zalloc(sizeof(*task) + room, NULL);

	if (!task)
		return NULL;
	if (room)
		memcpy(task->own_name, name, room - 1);
	task->sh = sh;
	task->kind = kind;
	task->limit = UINT64_MAX;
	if (s->phase == SCHED_ENDING && kind != TASK_SERVE) { /* made by a <close> handler */
		task->cleaning = true;
		task->limit = loop_now(sh->loop) + CLEANUP_TIME;
	} else if (s->phase == SCHED_CLOSING) {
		task->cancel = true;
	}
	sched_choose_collector(sh);
	struct thread t = take_thread(s, L);
	task->L = t.L;
	task->ref = t.ref;
	lua_pushcfunction(task->L, kind == TASK_ITERATION ? iteration : trampoline);
	lua_xmove(L, task->L, 1);
	task->prev = s->tasks_tail;
	*s->tasks_tail = task;
	s->tasks_tail = &task->next;
	s->alive++;
	task->since = loop_now(sh->loop);
	load_task_made(sh, task);
	s->serving += kind == TASK_SERVE;
	task_ready(task);
	return task;
}

/* Frees a task that is done and that nobody holds. */
static void release(struct task *task)
{
	struct sched *s = &task->sh->sched;

	if (!task->done || task->box || task->ready || task->kind == TASK_MAIN)
		return;
	*task->prev = task->next;
	if (task->next)
		task->next->prev = task->prev;
	else
		s->tasks_tail = task->prev;
	mem_deref(task);
}

void task_forget_box(struct task *task)
{
	task->box = NULL;
	release(task);
}

void task_cancel(struct task *task)
{
	if (task->done || task->cleaning) /* what cleans up already has its limit */
		return;
	task->cancel = true;
	if (task->waiting)
		task_ready(task);
}

void sched_end(struct shard *sh)
{
	struct sched *s = &sh->sched;

	if (s->phase == SCHED_RUNNING) {
		s->phase = SCHED_ENDING;
		for (struct task *t = s->tasks; t; t = t->next)
			if (t->kind != TASK_SERVE)
				task_cancel(t);
	}
	if (s->phase == SCHED_ENDING && s->alive == s->serving) {
		s->phase = SCHED_CLOSING;
		for (struct task *t = s->tasks; t; t = t->next)
			task_cancel(t);
	}
}

static void finish(struct task *task, int status)
{
	struct shard *sh = task->sh;

	task->done = true;
	sh->sched.alive--;
	sh->sched.serving -= task->kind == TASK_SERVE;
	if (status != LUA_OK)
		task->failed = true;
	if (sh->sched.task_done)
		sh->sched.task_done(sh, task);
	if (task->box)
		inbox_close(task->box, 0);
	give_thread(&sh->sched, sh->L, (struct thread){task->L, task->ref}, status == LUA_OK && !task->failed && !task->known);
	task->L = NULL;
	release(task);
}

/* While a thread waits for the engine, the marker stays on top of its stack: no script can resume or close it. */
bool task_is_waiting(lua_State *co)
{
	return lua_status(co) == LUA_YIELD && lua_gettop(co) > 0 && lua_touserdata(co, -1) == &task_wait_marker;
}

/* Takes the marker off, so that the thread may be resumed; false if it does not wait. */
bool task_end_wait(lua_State *co)
{
	if (!task_is_waiting(co))
		return false;
	lua_pop(co, 1);
	return true;
}

static void run(struct task *task)
{
	struct sched *s = &task->sh->sched;
	int results = 0, status, args = 0;

	if (!task_end_wait(task->L)) {
		if (task->cancel) { /* before it ever ran */
			lua_pushlightuserdata(task->L, (void *)&task_cancelled);
			finish(task, LUA_ERRRUN);
			return;
		}
		args = lua_gettop(task->L) - 1; /* the trampoline's: the function, and what that is called with */
	}
	s->current = task;
	sched_run_begins(task->sh, task->L);
	status = lua_resume(task->L, NULL, args, &results);
	s->running = NULL;
	s->current = NULL;
	if (status != LUA_YIELD) /* a task's own thread yields in waits alone: see co_yield() */
		finish(task, status);
}

void sched_work(void *arg)
{
	struct shard *sh = arg;
	struct sched *s = &sh->sched;

	if (!s->guarded)
		sched_guard_start(sh);
	while (s->ready) {
		struct task *task = s->ready;
		s->ready = task->next_ready;
		if (!s->ready)
			s->ready_tail = &s->ready;
		task->ready = false;
		if (!task->done)
			run(task);
		else
			release(task);
	}
}

void sched_free(struct shard *sh)
{
	struct sched *s = &sh->sched;

	sched_guard_stop(sh);
	/* All of them first: one that leaves an inbox may ready the next who waits there. */
	for (struct task *task = s->tasks; task; task = task->next)
		task_stop_waiting(task);
	while (s->tasks) {
		struct task *task = s->tasks;
		s->tasks = task->next;
		mem_deref(task);
	}
	free(s->idle);
}

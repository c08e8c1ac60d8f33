#include "bindings/task.h"

#include "bindings/object.h"
#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/msg.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char task_cancelled = 0;
static const char wait_marker = 0; /* what an engine wait yields, through every coroutine of the script's own */

#define CLEANUP_TIME (2 * NS_PER_S)
#define GUARD_INSTRUCTIONS 100000

static uint64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* --- run queue --- */

static void make_ready(struct task *task)
{
	struct sched *s = &task->sh->sched;

	if (task->ready || task->done)
		return;
	task->ready = true;
	task->next_ready = NULL;
	*s->ready_tail = task;
	s->ready_tail = &task->next_ready;
}

/* --- inboxes --- */

static void item_free(struct shard *sh, struct item *it)
{
	mem_deref(it->msg);
	mem_deref(it->text);
	luaL_unref(sh->L, LUA_REGISTRYINDEX, it->ref);
}

void inbox_push(struct shard *sh, struct inbox *box, struct item item)
{
	if (box->count == box->cap && box->cap < INBOX_LIMIT) {
		unsigned cap = box->cap ? box->cap * 2 : 4;
		struct item *items = malloc(cap * sizeof(*items));
		for (unsigned i = 0; items && i < box->count; i++)
			items[i] = box->items[(box->head + i) % box->cap];
		if (items) {
			free(box->items);
			box->items = items;
			box->cap = cap;
			box->head = 0;
		}
	}
	if (box->count == box->cap) {
		box->lost++;
		item_free(sh, &item);
		return;
	}
	box->items[(box->head + box->count++) % box->cap] = item;
	if (box->waiters)
		make_ready(box->waiters);
}

void inbox_push_msg(struct shard *sh, struct inbox *box, struct msg *m, const char *text)
{
	struct item it = {.kind = ITEM_MESSAGE, .msg = mem_ref(m), .ref = LUA_NOREF};

	if (text && (it.text = mem_zalloc(strlen(text) + 1, NULL)))
		memcpy(it.text, text, strlen(text));
	inbox_push(sh, box, it);
}

void inbox_push_event(struct shard *sh, struct inbox *box, const char *text)
{
	struct item it = {.kind = ITEM_EVENT, .ref = LUA_NOREF};

	if ((it.text = mem_zalloc(strlen(text) + 1, NULL)))
		memcpy(it.text, text, strlen(text));
	inbox_push(sh, box, it);
}

bool inbox_pop(struct inbox *box, struct item *out)
{
	if (!box->count)
		return false;
	if (box->stays) {
		*out = (struct item){.kind = ITEM_EVENT, .ref = LUA_NOREF};
		return true;
	}
	*out = box->items[box->head];
	box->head = (box->head + 1) % box->cap;
	box->count--;
	return true;
}

void inbox_free(struct shard *sh, struct inbox *box)
{
	struct item it;

	box->stays = false;
	while (inbox_pop(box, &it))
		item_free(sh, &it);
	free(box->items);
	for (struct task *t = box->waiters; t; t = t->next_waiter)
		t->waits_on = NULL;
	memset(box, 0, sizeof(*box));
}

/* --- waiting --- */

static void stop_waiting(struct task *task)
{
	struct inbox *box = task->waits_on;

	tmr_cancel(&task->deadline);
	task->waiting = false;
	task->waits_on = NULL;
	if (!box)
		return;
	for (struct task **pp = &box->waiters; *pp; pp = &(*pp)->next_waiter)
		if (*pp == task) {
			*pp = task->next_waiter;
			if (!*pp)
				box->waiters_tail = pp;
			break;
		}
	if (box->waiters && box->count)
		make_ready(box->waiters); /* what this one leaves, the next may take */
}

static void on_deadline(void *arg)
{
	struct task *task = arg;

	task->timed_out = true;
	make_ready(task);
}

struct task *task_current(lua_State *L)
{
	struct shard *sh = shard_of(L);

	if (!sh->sched.current)
		luaL_error(L, "nothing can wait while a script loads: put it inside sip.test");
	return sh->sched.current;
}

/* Raises if the task is to end. */
static void check_cancelled(lua_State *L, struct task *task)
{
	if (!task->cancel)
		return;
	task->cancel = false;
	if (!task->cleaning) {
		task->cleaning = true;
		task->limit = loop_now(task->sh->loop) + CLEANUP_TIME;
	}
	lua_pushlightuserdata(L, (void *)&task_cancelled);
	lua_error(L);
}

static void guard(lua_State *L, lua_Debug *ar);

/* The time of its <close> handlers is over: from here on every instruction raises, so that a pcall of the script's own cannot go on. */
static void end_at_limit(lua_State *L, struct task *task)
{
	task->sh->sched.guard = 1;
	lua_sethook(L, guard, LUA_MASKCOUNT, 1);
	lua_pushlightuserdata(L, (void *)&task_cancelled);
	lua_error(L);
}

/* Pushes what the item holds. */
static int give(lua_State *L, struct shard *sh, struct item *it)
{
	switch (it->kind) {
	case ITEM_MESSAGE:
		object_push_message(L, it->msg);
		break;
	case ITEM_OBJECT:
		lua_rawgeti(L, LUA_REGISTRYINDEX, it->ref);
		break;
	case ITEM_EVENT:
		lua_pushboolean(L, 1);
		break;
	}
	if (it->text)
		lua_pushstring(L, it->text);
	else
		lua_pushnil(L);
	item_free(sh, it);
	return 2;
}

static int wait_again(lua_State *L, int status, lua_KContext ctx);

static int wait_step(lua_State *L, struct task *task, struct inbox *box, uint64_t due)
{
	struct shard *sh = task->sh;
	struct item it;

	if (task->limit <= loop_now(sh->loop))
		end_at_limit(L, task);
	check_cancelled(L, task);
	if (box && inbox_pop(box, &it))
		return give(L, sh, &it);
	if (task->timed_out) {
		task->timed_out = false;
		lua_pushnil(L);
		lua_pushliteral(L, "timeout");
		return 2;
	}
	if (!lua_isyieldable(L)) {
		char where[300];
		task_where(L, where, sizeof(where));
		lua_pushfstring(L,
				"%s: nothing can wait here: inside table.sort, string.gsub, a metamethod called from C, or a <close> "
				"handler that coroutine.close runs",
				where);
		return lua_error(L);
	}
	task->waits_on = box;
	task->waiting = true;
	if (box) {
		task->next_waiter = NULL;
		if (!box->waiters)
			box->waiters_tail = &box->waiters;
		*box->waiters_tail = task;
		box->waiters_tail = &task->next_waiter;
	}
	uint64_t until = task->limit < due ? task->limit : due;
	if (until != UINT64_MAX)
		tmr_start_at(&task->deadline, sh->loop, until, box ? TMR_DEADLINE : TMR_EVENT, on_deadline, task);
	/* The inbox and the time wait on the Lua stack below the continuation. */
	lua_pushlightuserdata(L, box);
	lua_pushinteger(L, (lua_Integer)due);
	lua_pushlightuserdata(L, (void *)&wait_marker);
	return lua_yieldk(L, 1, 0, wait_again);
}

static int wait_again(lua_State *L, int status, lua_KContext ctx)
{
	struct task *task = task_current(L);
	struct inbox *box = lua_touserdata(L, -2);
	uint64_t due = (uint64_t)lua_tointeger(L, -1);
	bool alive = !box || task->waits_on; /* the owner of the inbox may have gone meanwhile */

	(void)status;
	(void)ctx;
	lua_pop(L, 2);
	stop_waiting(task);
	return wait_step(L, task, alive ? box : NULL, due);
}

int task_wait(lua_State *L, struct inbox *box, uint64_t due)
{
	struct task *task = task_current(L);

	task->timed_out = false;
	return wait_step(L, task, box, due);
}

/* --- where --- */

bool task_where(lua_State *L, char *buf, size_t size)
{
	lua_Debug ar;

	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.source[0] == '@' && ar.currentline > 0) {
			snprintf(buf, size, "%s:%d", ar.source + 1, ar.currentline);
			return true;
		}
	}
	snprintf(buf, size, "?");
	return false;
}

/* --- tasks --- */

/* The text without the place that Lua put before it: the library's own says nothing to a script's author, the script's is `where`. */
static const char *without_place(const char *text, const char *where)
{
	size_t n = strlen(where);
	const char *line = strstr(text, ".lua:");

	if (!strncmp(text, where, n) && text[n] == ':' && text[n + 1] == ' ')
		return text + n + 2;
	if (strncmp(text, "offhook/", 8) || !line)
		return text;
	line += 5;
	line += strspn(line, "0123456789");
	return line[0] == ':' && line[1] == ' ' ? line + 2 : text;
}

static int on_error(lua_State *L)
{
	/* A failure that says where already, or the mark of a cancelled task, passes. */
	if (lua_islightuserdata(L, 1) || lua_istable(L, 1))
		return 1;
	const char *text = luaL_tolstring(L, 1, NULL);
	char where[300];
	task_where(L, where, sizeof(where));
	lua_createtable(L, 0, 3);
	lua_pushstring(L, without_place(text, where));
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

/* Stack: function. Runs it under lua_pcallk, so that a <close> handler may wait while an error unwinds (without that, measured, it dies). */
static int trampoline(lua_State *L)
{
	struct task *task = task_current(L);

	lua_pushcfunction(L, on_error);
	lua_insert(L, 1);
	return body_done(L, lua_pcallk(L, 0, 1, 1, (lua_KContext)task, body_done), (lua_KContext)task);
}

void sched_init(struct shard *sh)
{
	sh->sched.tasks_tail = &sh->sched.tasks;
	sh->sched.ready_tail = &sh->sched.ready;
	loop_set_work(sh->loop, sched_work, sh);
}

struct task *task_new(struct shard *sh, lua_State *L, enum task_kind kind, const char *name)
{
	struct sched *s = &sh->sched;
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->sh = sh;
	task->kind = kind;
	task->limit = UINT64_MAX;
	task->ended.stays = true;
	if (s->phase == SCHED_ENDING && kind != TASK_SERVE) { /* made by a <close> handler */
		task->cleaning = true;
		task->limit = loop_now(sh->loop) + CLEANUP_TIME;
	} else if (s->phase == SCHED_CLOSING) {
		task->cancel = true;
	}
	task->L = lua_newthread(L);
	task->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	snprintf(task->name, sizeof(task->name), "%s", name);
	lua_pushcfunction(task->L, trampoline);
	lua_xmove(L, task->L, 1);
	*s->tasks_tail = task;
	s->tasks_tail = &task->next;
	s->alive++;
	make_ready(task);
	return task;
}

void task_cancel(struct task *task)
{
	if (task->done || task->cleaning) /* what cleans up already has its limit */
		return;
	task->cancel = true;
	if (task->waiting)
		make_ready(task);
}

static bool any_alive(const struct sched *s, bool serving)
{
	for (const struct task *t = s->tasks; t; t = t->next)
		if (!t->done && (t->kind == TASK_SERVE) == serving)
			return true;
	return false;
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
	if (s->phase == SCHED_ENDING && !any_alive(s, false)) {
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
	if (status != LUA_OK)
		task->failed = true;
	if (sh->sched.task_done)
		sh->sched.task_done(sh, task);
	inbox_push_event(sh, &task->ended, task->failed ? "failed" : "done");
	luaL_unref(sh->L, LUA_REGISTRYINDEX, task->ref);
	task->L = NULL;
}

void sched_guard_begin(struct shard *sh)
{
	sh->sched.guard = real_now() + (uint64_t)(sh->sched.guard_seconds * 1e9);
}

/* While a thread waits for the engine, the marker stays on top of its stack: no script can resume or close it. */
static bool is_waiting(lua_State *co)
{
	return lua_status(co) == LUA_YIELD && lua_gettop(co) > 0 && lua_touserdata(co, -1) == &wait_marker;
}

/* Takes the marker off, so that the thread may be resumed; false if it does not wait. */
static bool end_wait(lua_State *co)
{
	if (!is_waiting(co))
		return false;
	lua_pop(co, 1);
	return true;
}

static void run(struct task *task)
{
	struct sched *s = &task->sh->sched;
	int results = 0, status, args = 0;

	if (!end_wait(task->L)) {
		if (task->cancel) { /* before it ever ran */
			finish(task, LUA_OK);
			return;
		}
		args = 1; /* the trampoline's argument */
	}
	s->current = task;
	sched_guard_begin(task->sh);
	task->running = true;
	status = lua_resume(task->L, NULL, args, &results);
	task->running = false;
	s->current = NULL;
	if (status != LUA_YIELD) /* a task's own thread yields in waits alone: see co_yield() */
		finish(task, status);
}

void sched_work(void *arg)
{
	struct shard *sh = arg;
	struct sched *s = &sh->sched;

	while (s->ready) {
		struct task *task = s->ready;
		s->ready = task->next_ready;
		if (!s->ready)
			s->ready_tail = &s->ready;
		task->ready = false;
		if (!task->done)
			run(task);
	}
}

void sched_reap(struct shard *sh)
{
	struct sched *s = &sh->sched;

	for (struct task **pp = &s->tasks; *pp;) {
		struct task *task = *pp;
		if (!task->done || task->box || task->ready || task->ended.waiters || task->kind == TASK_MAIN) {
			pp = &task->next;
			continue;
		}
		*pp = task->next;
		inbox_free(sh, &task->ended);
		free(task);
	}
	s->tasks_tail = &s->tasks;
	while (*s->tasks_tail)
		s->tasks_tail = &(*s->tasks_tail)->next;
}

void sched_free(struct shard *sh)
{
	struct sched *s = &sh->sched;

	while (s->tasks) {
		struct task *task = s->tasks;
		s->tasks = task->next;
		stop_waiting(task);
		inbox_free(sh, &task->ended);
		free(task);
	}
}

/* --- a script that never waits --- */

/* A hook is no level of its own: 0 is the script's function, of which luaL_error would name the caller. */
static void stop_here(lua_State *L, const char *why)
{
	luaL_where(L, 0);
	lua_pushstring(L, why);
	lua_concat(L, 2);
	lua_error(L);
}

static void guard(lua_State *L, lua_Debug *ar)
{
	struct shard *sh = shard_of(L);
	struct sched *s = &sh->sched;
	char why[100];

	(void)ar;
	if (shard_interrupted) {
		lua_sethook(L, guard, LUA_MASKCOUNT, 1);
		stop_here(L, "interrupted");
	}
	if (s->current && s->current->limit <= loop_now(sh->loop) && s->guard == 1)
		end_at_limit(L, s->current);
	if (s->guard && real_now() > s->guard) {
		/* From here on every instruction fails, so that a pcall of the script's own cannot go on. */
		lua_sethook(L, guard, LUA_MASKCOUNT, 1);
		snprintf(why, sizeof(why), "ran for %g s without waiting for anything: stopped at the time limit", s->guard_seconds);
		stop_here(L, why);
	}
}

void task_set_guard(lua_State *L)
{
	lua_sethook(L, guard, LUA_MASKCOUNT, GUARD_INSTRUCTIONS);
}

/* --- coroutine.* --- */

static lua_State *get_co(lua_State *L)
{
	lua_State *co = lua_tothread(L, 1);

	luaL_argexpected(L, co, 1, "coroutine");
	return co;
}

/* Results of the inner coroutine, moved to L; negative: an error, whose value is on L's top. */
static int resume_inner(lua_State *L, lua_State *co, int args, lua_KFunction k, lua_KContext ctx)
{
	int results = 0, status = lua_resume(co, L, args, &results);

	if (status == LUA_YIELD && is_waiting(co)) {
		/* An engine wait in the inner one: the whole task waits. */
		if (!lua_isyieldable(L)) {
			/* It can neither go on nor be left behind with its wait armed. */
			struct task *task = task_current(L);
			stop_waiting(task);
			lua_pop(co, 1);
			lua_resetthread(co);
			lua_settop(co, 0);
			lua_pushliteral(L, "nothing can wait here: the coroutine was resumed inside table.sort, string.gsub, or a "
					   "metamethod called from C");
			return -1;
		}
		lua_pushlightuserdata(L, (void *)&wait_marker);
		return lua_yieldk(L, 1, ctx, k);
	}
	if (status != LUA_OK && status != LUA_YIELD) {
		lua_xmove(co, L, 1);
		return -1;
	}
	if (!lua_checkstack(L, results + 1)) {
		lua_pop(co, results);
		lua_pushliteral(L, "too many results to resume");
		return -1;
	}
	lua_xmove(co, L, results);
	return results;
}

static int first_args(lua_State *L, lua_State *co, int args)
{
	if (is_waiting(co)) {
		lua_pushliteral(L, "cannot resume non-suspended coroutine");
		return -1;
	}
	if (lua_status(co) == LUA_OK && lua_gettop(co) == 0) {
		lua_pushliteral(L, "cannot resume dead coroutine");
		return -1;
	}
	if (!lua_checkstack(co, args)) {
		lua_pushliteral(L, "too many arguments to resume");
		return -1;
	}
	lua_xmove(L, co, args);
	return args;
}

static int resume_done(lua_State *L, int n)
{
	if (n < 0) {
		lua_pushboolean(L, 0);
		lua_insert(L, -2);
		return 2;
	}
	lua_pushboolean(L, 1);
	lua_insert(L, -(n + 1));
	return n + 1;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx)
{
	lua_State *co = get_co(L);

	(void)status;
	end_wait(co);
	return resume_done(L, resume_inner(L, co, 0, resume_k, ctx));
}

/* coroutine.resume(co, ...) */
static int co_resume(lua_State *L)
{
	lua_State *co = get_co(L);
	int args = first_args(L, co, lua_gettop(L) - 1);

	return resume_done(L, args < 0 ? -1 : resume_inner(L, co, args, resume_k, 0));
}

static int wrap_done(lua_State *L, lua_State *co, int n)
{
	if (n >= 0)
		return n;
	int status = lua_status(co);
	if (status != LUA_OK && status != LUA_YIELD) {
		lua_resetthread(co); /* closes what is to be closed */
		lua_settop(co, 0);
	}
	if (lua_type(L, -1) == LUA_TSTRING) {
		luaL_where(L, 1);
		lua_insert(L, -2);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

static int wrap_k(lua_State *L, int status, lua_KContext ctx)
{
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));

	(void)status;
	end_wait(co);
	return wrap_done(L, co, resume_inner(L, co, 0, wrap_k, ctx));
}

static int wrap_call(lua_State *L)
{
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));
	int args = first_args(L, co, lua_gettop(L));

	return wrap_done(L, co, args < 0 ? -1 : resume_inner(L, co, args, wrap_k, 0));
}

/* coroutine.wrap(f) */
static int co_wrap(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_State *co = lua_newthread(L);
	lua_pushvalue(L, 1);
	lua_xmove(L, co, 1);
	lua_pushcclosure(L, wrap_call, 1);
	return 1;
}

/* A task's own thread, seen from its script, is what the main thread is in plain Lua. */
static bool is_task_thread(lua_State *L)
{
	struct task *task = shard_of(L)->sched.current;

	return task && task->L == L;
}

/* coroutine.yield(...) */
static int co_yield(lua_State *L)
{
	if (is_task_thread(L))
		return luaL_error(L, "attempt to yield from outside a coroutine");
	return lua_yield(L, lua_gettop(L));
}

/* coroutine.isyieldable([co]) */
static int co_isyieldable(lua_State *L)
{
	lua_State *co = lua_isnoneornil(L, 1) ? L : get_co(L);

	lua_pushboolean(L, lua_isyieldable(co) && !is_task_thread(co));
	return 1;
}

/* coroutine.running() */
static int co_running(lua_State *L)
{
	bool main = lua_pushthread(L);

	lua_pushboolean(L, main || is_task_thread(L));
	return 2;
}

/* coroutine.status(co). upvalue: Lua's own. */
static int co_status(lua_State *L)
{
	if (is_waiting(get_co(L))) {
		lua_pushliteral(L, "normal");
		return 1;
	}
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

/* coroutine.close(co). upvalue: Lua's own. */
static int co_close(lua_State *L)
{
	if (is_waiting(get_co(L)))
		return luaL_error(L, "cannot close a normal coroutine");
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* The only light userdata that a script ever sees is the mark of a cancelled task. */
static int cancelled_tostring(lua_State *L)
{
	lua_pushliteral(L, "cancelled");
	return 1;
}

void task_open_coroutine(lua_State *L)
{
	lua_pushlightuserdata(L, (void *)&task_cancelled);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, cancelled_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);

	static const luaL_Reg functions[] = {{"resume", co_resume}, {"wrap", co_wrap},		 {"yield", co_yield},
					     {"running", co_running}, {"isyieldable", co_isyieldable}, {NULL, NULL}};

	lua_getglobal(L, "coroutine");
	luaL_setfuncs(L, functions, 0);
	lua_getfield(L, -1, "status");
	lua_pushcclosure(L, co_status, 1);
	lua_setfield(L, -2, "status");
	lua_getfield(L, -1, "close");
	lua_pushcclosure(L, co_close, 1);
	lua_setfield(L, -2, "close");
	lua_pop(L, 1);
}

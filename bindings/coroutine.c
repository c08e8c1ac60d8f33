/* coroutine.*: a script's own coroutines, inside which an engine wait works. */
#include "bindings/task_priv.h"

#include <lauxlib.h>

static lua_State *get_co(lua_State *L)
{
	lua_State *co = lua_tothread(L, 1);

	luaL_argexpected(L, co, 1, "coroutine");
	return co;
}

/* Ends one that will not go on: what is to be closed is. */
static void reset(lua_State *L, lua_State *co)
{
	struct sched *s = &shard_of(L)->sched;
	lua_State *outer = s->running;

	s->running = co;
	lua_resetthread(co);
	s->running = outer;
	if (s->stop != STOP_NOT)
		task_stop(L);
	lua_settop(co, 0);
}

/* Results of the inner coroutine, moved to L; negative: an error, whose value is on L's top. */
static int resume_inner(lua_State *L, lua_State *co, int args, lua_KFunction k, lua_KContext ctx)
{
	struct sched *s = &shard_of(L)->sched;
	lua_State *outer = s->running;
	int results = 0, status;

	s->running = co;
	status = lua_resume(co, L, args, &results);
	s->running = outer;
	if (s->stop != STOP_NOT)
		task_stop(L); /* the resumer must not begin anew */
	if (status == LUA_YIELD && task_is_waiting(co)) {
		/* An engine wait in the inner one: the whole task waits. */
		if (!lua_isyieldable(L)) {
			/* It can neither go on nor be left behind with its wait armed. */
			struct task *task = task_current(L);
			task_stop_waiting(task);
			lua_pop(co, 1);
			reset(L, co);
			lua_pushliteral(L, "nothing can wait here: the coroutine was resumed inside table.sort, string.gsub, or a "
					   "metamethod called from C");
			return -1;
		}
		lua_pushlightuserdata(L, (void *)&task_wait_marker);
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
	if (task_is_waiting(co)) {
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
	task_end_wait(co);
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
		reset(L, co);
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
	task_end_wait(co);
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
	bool main = lua_pushthread(L), own = is_task_thread(L);

	if (own)
		shard_of(L)->sched.current->known = true;
	lua_pushboolean(L, main || own);
	return 2;
}

/* coroutine.status(co). upvalue: Lua's own. */
static int co_status(lua_State *L)
{
	if (task_is_waiting(get_co(L))) {
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
	struct sched *s = &shard_of(L)->sched;
	lua_State *co = get_co(L), *outer = s->running;
	int status;

	if (task_is_waiting(co))
		return luaL_error(L, "cannot close a normal coroutine");
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	s->running = co; /* what it closes runs there */
	status = lua_pcall(L, 1, LUA_MULTRET, 0);
	s->running = outer;
	if (s->stop != STOP_NOT)
		task_stop(L);
	return status ? lua_error(L) : lua_gettop(L);
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

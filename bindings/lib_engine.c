/* What the library in Lua stands on: time, tasks, chance, faults, comments. */
#include "bindings/object.h"

#include "bindings/sandbox.h"
#include "bindings/shard.h"
#include "core/mem.h"

#include <stdlib.h>

/* now(): script time in seconds. */
static int engine_now(lua_State *L)
{
	lua_pushnumber(L, (double)loop_now(shard_of(L)->loop) / 1e9);
	return 1;
}

/* spawn(function, name, serve): a task. */
static int engine_spawn(lua_State *L)
{
	struct shard *sh = shard_of(L);
	const char *name = luaL_checkstring(L, 2);
	bool serve = lua_toboolean(L, 3);

	luaL_checktype(L, 1, LUA_TFUNCTION);
	struct object *o = object_new(L, OBJECT_TASK, NULL, NULL);
	object_release(o); /* the script's alone */
	lua_pushvalue(L, 1);
	o->p = task_new(sh, L, serve ? TASK_SERVE : TASK_SPAWN, name);
	if (!o->p)
		return script_error(L, "out of memory for a task");
	((struct task *)o->p)->box = o;
	return 1;
}

/* cancel(task) */
static int engine_cancel_task(lua_State *L)
{
	task_cancel(object_check(L, 1, OBJECT_TASK)->p);
	return 0;
}

static int task_field(lua_State *L, struct object *o, const char *name)
{
	struct task *task = o->p;

	if (!strcmp(name, "name"))
		lua_pushstring(L, task_name(task));
	else if (!strcmp(name, "done"))
		lua_pushboolean(L, task->done);
	else
		return 0;
	return 1;
}

/* where(): "FILE:LINE" of the script's innermost frame. */
static int engine_where(lua_State *L)
{
	char where[300];

	task_where(L, where, sizeof(where));
	lua_pushstring(L, where);
	return 1;
}

/* comment(frame or message or nil, text): in the capture. */
static int engine_comment(lua_State *L)
{
	struct shard *sh = shard_of(L);
	uint32_t frame = 0;

	if (lua_isinteger(L, 1))
		frame = (uint32_t)lua_tointeger(L, 1);
	else if (!lua_isnoneornil(L, 1))
		frame = object_check_message(L, 1)->frame;
	if (sh->net)
		net_comment(sh->net, frame, luaL_checkstring(L, 2));
	return 0;
}

/* token(stream, length): [0-9a-z], from the random stream of that name. */
static int engine_token(lua_State *L)
{
	struct shard *sh = shard_of(L);
	const char *stream = luaL_checkstring(L, 1);
	lua_Integer len = luaL_checkinteger(L, 2);
	char text[257];

	luaL_argcheck(L, len >= 1 && len <= 256, 2, "a token has 1 to 256 characters");
	rnd_token(shard_stream(sh, stream), text, (size_t)len);
	lua_pushlstring(L, text, (size_t)len);
	return 1;
}

/* random(stream): uniform in [0, 1); exponential(stream, mean). */
static int engine_random(lua_State *L)
{
	lua_pushnumber(L, rnd_double(shard_stream(shard_of(L), luaL_checkstring(L, 1))));
	return 1;
}

static int engine_exponential(lua_State *L)
{
	lua_pushnumber(L, rnd_exponential(shard_stream(shard_of(L), luaL_checkstring(L, 1)), luaL_checknumber(L, 2)));
	return 1;
}

static double probability(lua_State *L, int t, const char *name)
{
	double p = opt_number(L, t, name, 0);

	if (!(p >= 0 && p <= 1))
		script_error(L, "t:network: %s is a share from 0 to 1, got %f", name, p);
	return p;
}

/* faults(from or nil, to or nil, { delay, jitter, loss, duplicate, reorder }) */
static int engine_faults(lua_State *L)
{
	struct shard *sh = shard_of(L);

	luaL_checktype(L, 3, LUA_TTABLE);
	struct net_faults f = {
		.delay = seconds_to_ns(L, opt_number(L, 3, "delay", 0), "delay"),
		.jitter = seconds_to_ns(L, opt_number(L, 3, "jitter", 0), "jitter"),
		.loss = probability(L, 3, "loss"),
		.duplicate = probability(L, 3, "duplicate"),
		.reorder = probability(L, 3, "reorder"),
	};
	if (net_set_faults(sh->net, luaL_optstring(L, 1, NULL), luaL_optstring(L, 2, NULL), &f))
		return script_error(L, "out of memory for a link");
	return 0;
}

/* setting(name): --set NAME=VALUE, else the environment; nil. */
static int engine_setting(lua_State *L)
{
	struct shard *sh = shard_of(L);
	const char *name = luaL_checkstring(L, 1);

	for (unsigned i = 0; i < sh->cfg.setting_count; i++)
		if (!strcmp(sh->cfg.settings[i].name, name)) {
			lua_pushstring(L, sh->cfg.settings[i].value);
			return 1;
		}
	lua_pushstring(L, getenv(name));
	return 1;
}

/* run(): { target, virtual, ipv6, seed, shares, shard, shards } of this run; shares: actors live at one transport; shard: from 0 on, of
 * `shards`. */
static int engine_run(lua_State *L)
{
	struct shard *sh = shard_of(L);

	lua_createtable(L, 0, 5);
	lua_pushstring(L, sh->cfg.target);
	lua_setfield(L, -2, "target");
	lua_pushboolean(L, sh->cfg.virtual_clock);
	lua_setfield(L, -2, "virtual");
	lua_pushboolean(L, sh->cfg.v6);
	lua_setfield(L, -2, "ipv6");
	lua_pushinteger(L, (lua_Integer)sh->cfg.seed);
	lua_setfield(L, -2, "seed");
	lua_pushboolean(L, sh->cfg.share != NULL);
	lua_setfield(L, -2, "shares");
	lua_pushinteger(L, sh->cfg.share ? sh->cfg.share->number : 0);
	lua_setfield(L, -2, "shard");
	lua_pushinteger(L, sh->cfg.share ? sh->cfg.share->count : 1);
	lua_setfield(L, -2, "shards");
	return 1;
}

/* address(text): "host:port" of anything that says where, resolved. */
static int engine_address(lua_State *L)
{
	struct addr a;
	char text[ADDR_STRLEN];

	check_address(L, 1, &a);
	lua_pushstring(L, addr_str(text, &a));
	return 1;
}

/* load(name): the function of another file of the library. */
static int engine_load(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	if (!sandbox_load_embedded(L, name))
		return script_error(L, "the library has no file %s.lua", name);
	return 1;
}

/* failure(table): marks it as a failure that says everything itself: { message, where, frame, class }. */
static int engine_failure(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	luaL_setmetatable(L, "failure");
	return 1;
}

static int failure_tostring(lua_State *L)
{
	lua_getfield(L, 1, "message");
	return 1;
}

/* methods(kind): the table of methods of a class, for the library to add to. */
static int engine_methods(lua_State *L)
{
	luaL_getmetatable(L, luaL_checkstring(L, 1));
	lua_getfield(L, -1, "methods");
	return 1;
}

/* quick(kind, name, f): the method that stands before `f`, its form in Lua; `f` itself where there is none. */
static int engine_quick(lua_State *L)
{
	lua_settop(L, 3);
	luaL_getmetatable(L, luaL_checkstring(L, 1));
	if (lua_getfield(L, -1, "quick") == LUA_TTABLE) {
		lua_pushvalue(L, 2);
		lua_CFunction quick = lua_rawget(L, -2) == LUA_TFUNCTION ? lua_tocfunction(L, -1) : NULL;
		if (quick) {
			lua_pushvalue(L, 3);
			lua_pushinteger(L, object_kind_from(lua_tostring(L, 1)));
			lua_pushcclosure(L, quick, 2);
			return 1;
		}
	}
	lua_settop(L, 3);
	return 1;
}

/* set_nearest(function(kind, name)): names the method that was meant, for errors. */
static int engine_set_nearest(lua_State *L)
{
	lua_settop(L, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "nearest");
	return 0;
}

/* is(value, kind) */
static int engine_is(lua_State *L)
{
	lua_pushboolean(L, luaL_testudata(L, 1, luaL_checkstring(L, 2)) != NULL);
	return 1;
}

/* made_of(value, metatable) */
static int engine_made_of(lua_State *L)
{
	lua_pushboolean(L, lua_istable(L, 1) && lua_getmetatable(L, 1) && lua_rawequal(L, -1, 2));
	return 1;
}

void lib_engine_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"now", engine_now},		 {"spawn", engine_spawn},
		{"cancel_task", engine_cancel_task}, {"where", engine_where},
		{"comment", engine_comment},	 {"token", engine_token},
		{"random", engine_random},	 {"exponential", engine_exponential},
		{"faults", engine_faults},	 {"setting", engine_setting},
		{"run", engine_run},		 {"address", engine_address},
		{"load", engine_load},
		{"failure", engine_failure},	 {"methods", engine_methods},	 {"is", engine_is},
		{"made_of", engine_made_of},
		{"set_nearest", engine_set_nearest}, {"quick", engine_quick},
		{NULL, NULL},
	};

	luaL_newmetatable(L, "failure");
	lua_pushcfunction(L, failure_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
	object_class(L, OBJECT_TASK, NULL, task_field);
	luaL_setfuncs(L, functions, 0);
}

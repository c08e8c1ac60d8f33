/* Load in Lua: what is served, rows of files, and what a script measures itself. */
#include "bindings/load.h"

#include "bindings/object.h"
#include "load/feeder.h"

#include <string.h>

/* serve_calls(ua, function): calls to it are iterations, which that begins. */
static int serve_calls(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_UA);

	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	return load_serve(L, o) ? script_error(L, "out of memory for a UA that serves") : 0;
}

/* --- rows of files --- */

#define CSV_CLASS "csv"

struct csv {
	const struct feeder *feeder;
	enum feeder_pick pick;
};

/* csv(path, pick): a path that is not absolute is one beside the script. [+1] */
static int csv_open(lua_State *L)
{
	struct shard *sh = shard_of(L);
	const char *path = luaL_checkstring(L, 1), *slash = strrchr(sh->cfg.path, '/');
	enum feeder_pick pick;
	struct err e = {0};

	luaL_argcheck(L, feeder_pick_parse(&pick, check_slice(L, 2)), 2, "sequential, random or unique");
	if (!sh->cfg.feeders && !sh->own_feeders && !(sh->own_feeders = feeders_alloc()))
		return script_error(L, "out of memory for a file");
	if (path[0] != '/' && slash)
		path = lua_pushfstring(L, "%s%s", lua_pushlstring(L, sh->cfg.path, (size_t)(slash + 1 - sh->cfg.path)), path);
	struct csv *csv = lua_newuserdatauv(L, sizeof(*csv), 0);
	csv->pick = pick;
	luaL_setmetatable(L, CSV_CLASS);
	if (feeders_open(&csv->feeder, sh->cfg.feeders ? sh->cfg.feeders : sh->own_feeders, path, &e))
		return raise_err(L, &e);
	return 1;
}

/* csv_next(csv): a table by column names, or nil when each row was picked. [+1] */
static int csv_next(lua_State *L)
{
	struct csv *csv = luaL_checkudata(L, 1, CSV_CLASS);
	uint32_t row, columns = feeder_columns(csv->feeder);

	if (!feeder_next(&row, csv->feeder, csv->pick, shard_stream(shard_of(L), "csv"))) {
		lua_pushnil(L);
		return 1;
	}
	lua_createtable(L, 0, (int)columns);
	for (uint32_t i = 0; i < columns; i++) {
		push_slice(L, feeder_name(csv->feeder, i));
		push_slice(L, feeder_field(csv->feeder, row, i));
		lua_rawset(L, -3);
	}
	return 1;
}

static int csv_count(lua_State *L)
{
	struct csv *csv = luaL_checkudata(L, 1, CSV_CLASS);

	lua_pushinteger(L, feeder_rows(csv->feeder));
	return 1;
}

/* --- what a script measures itself --- */

/* measure(name, seconds) */
static int measure(lua_State *L)
{
	struct load_numbers *numbers = load_numbers_of(shard_of(L));
	uint64_t ns = seconds_to_ns(L, luaL_checknumber(L, 2), "measure");
	struct err e = {0};

	if (numbers && load_numbers_custom_time(numbers, check_slice(L, 1), ns, &e))
		return raise_err(L, &e);
	return 0;
}

/* count_up(name, delta) */
static int count_up(lua_State *L)
{
	struct load_numbers *numbers = load_numbers_of(shard_of(L));
	struct err e = {0};

	if (numbers && load_numbers_custom_count(numbers, check_slice(L, 1), luaL_checkinteger(L, 2), &e))
		return raise_err(L, &e);
	return 0;
}

void lib_load_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"serve_calls", serve_calls},
		{"csv", csv_open},
		{"csv_next", csv_next},
		{"csv_count", csv_count},
		{"measure", measure},
		{"count_up", count_up},
		{NULL, NULL},
	};

	luaL_newmetatable(L, CSV_CLASS);
	lua_pop(L, 1);

	luaL_setfuncs(L, functions, 0);
}

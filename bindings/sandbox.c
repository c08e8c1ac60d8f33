#include "bindings/sandbox.h"

#include "bindings/embedded.h"
#include "bindings/object.h"
#include "bindings/shard.h"

#include <errno.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- os and math, answered by the run --- */

static double unix_time(lua_State *L)
{
	struct shard *sh = shard_of(L);

	return (double)loop_wall(sh->loop, loop_now(sh->loop)) / 1e9;
}

/* os.time([table]): without a table the run's clock. upvalue: Lua's own. */
static int os_time(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		lua_pushinteger(L, (lua_Integer)unix_time(L));
		return 1;
	}
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

/* os.date([format [, time]]) upvalue: Lua's own. */
static int os_date(lua_State *L)
{
	lua_settop(L, 2);
	if (lua_isnil(L, 1)) {
		lua_pushliteral(L, "%c");
		lua_replace(L, 1);
	}
	if (lua_isnil(L, 2)) {
		lua_pushinteger(L, (lua_Integer)unix_time(L));
		lua_replace(L, 2);
	}
	/* Local time would make a virtual run depend on where it runs. */
	size_t len;
	const char *format = luaL_checklstring(L, 1, &len);
	if (shard_of(L)->cfg.virtual_clock && format[0] != '!') {
		lua_pushfstring(L, "!%s", format);
		lua_replace(L, 1);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

static int os_clock(lua_State *L)
{
	lua_pushnumber(L, (double)loop_now(shard_of(L)->loop) / 1e9);
	return 1;
}

/* math.random([m [, n]]) as in the manual, from the run's stream. */
static int math_random(lua_State *L)
{
	struct rnd *r = shard_stream(shard_of(L), "math.random");
	lua_Integer low = 1, high;

	switch (lua_gettop(L)) {
	case 0:
		lua_pushnumber(L, rnd_double(r));
		return 1;
	case 1:
		high = luaL_checkinteger(L, 1);
		if (high == 0) {
			lua_pushinteger(L, (lua_Integer)rnd_u64(r));
			return 1;
		}
		break;
	case 2:
		low = luaL_checkinteger(L, 1);
		high = luaL_checkinteger(L, 2);
		break;
	default:
		return luaL_error(L, "wrong number of arguments");
	}
	luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
	uint64_t span = (uint64_t)high - (uint64_t)low;
	uint64_t n = span == UINT64_MAX ? rnd_u64(r) : rnd_below(r, span + 1);
	lua_pushinteger(L, (lua_Integer)((uint64_t)low + n));
	return 1;
}

static int math_randomseed(lua_State *L)
{
	return luaL_error(L, "math.randomseed: the seed of a run is --seed, so that a run can be repeated");
}

/* print(...): kept with the test's result, where the program shows it in its place; under load, which has no such place and no end, on stderr. */
static int print_kept(lua_State *L)
{
	struct shard *sh = shard_of(L);
	struct buf *b = &sh->output;

	for (int i = 1, n = lua_gettop(L); i <= n; i++) {
		size_t len;
		const char *text = luaL_tolstring(L, i, &len);
		if (i > 1)
			buf_puts(b, "\t");
		buf_put(b, text, len);
		lua_pop(L, 1);
	}
	buf_puts(b, "\n");
	if (sh->cfg.share) {
		fwrite(b->p, 1, b->len, stderr);
		b->len = 0;
	}
	return 0;
}

/* load(chunk, name, mode, env): text chunks alone. upvalue: Lua's own. */
static int load_text(lua_State *L)
{
	int n = lua_gettop(L) < 4 ? 3 : 4; /* an env that is given may be nil */

	lua_settop(L, n);
	lua_pushliteral(L, "t");
	lua_replace(L, 3);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, LUA_MULTRET);
	return lua_gettop(L);
}

/* --- require --- */

int sandbox_load_embedded(lua_State *L, const char *name)
{
	char chunk[80];

	for (const struct embedded_file *f = embedded_files; f->name; f++) {
		if (strcmp(f->name, name))
			continue;
		snprintf(chunk, sizeof(chunk), "=offhook/%s.lua", name);
		if (luaL_loadbufferx(L, f->text, f->size, chunk, "t"))
			lua_error(L);
		return 1;
	}
	return 0;
}

int sandbox_load_file(lua_State *L, const char *path, struct err *e)
{
	FILE *f = fopen(path, "rb");
	struct buf b = {0};
	char block[8192], chunk[600];
	size_t n;
	int err = 0;

	if (!f)
		return err_set(e, ERR_ARG, "cannot read %s: %s", path, strerror(errno));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_put(&b, block, n);
	if (ferror(f))
		err = err_set(e, ERR_ARG, "cannot read %s: %s", path, strerror(errno));
	fclose(f);
	const char *text = (const char *)b.p;
	size_t len = b.len;
	if (len && text[0] == '#') { /* #! */
		while (len && *text != '\n') {
			text++;
			len--;
		}
	}
	snprintf(chunk, sizeof(chunk), "@%s", path);
	if (!err && luaL_loadbufferx(L, text ? text : "", len, chunk, "t")) {
		err = err_set(e, ERR_ARG, "%s", lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	buf_free(&b);
	return err;
}

/* require(name): upvalue: the table of what was loaded. */
static int require(lua_State *L)
{
	struct shard *sh = shard_of(L);
	const char *name = luaL_checkstring(L, 1);
	struct err e = {0};
	char path[600], file[200];

	lua_settop(L, 1);
	if (lua_getfield(L, lua_upvalueindex(1), name) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	if (!strncmp(name, "sip.", 4) && sandbox_load_embedded(L, name + 4)) {
		;
	} else {
		if (strlen(name) >= sizeof(file) || strstr(name, "..") || strchr(name, '/'))
			return luaL_error(L, "require \"%s\": a name has letters, digits and dots", name);
		snprintf(file, sizeof(file), "%s", name);
		for (char *p = file; *p; p++)
			*p = *p == '.' ? '/' : *p;
		const char *slash = strrchr(sh->cfg.path, '/');
		snprintf(path, sizeof(path), "%.*s%s.lua", slash ? (int)(slash - sh->cfg.path + 1) : 0, sh->cfg.path, file);
		FILE *f = fopen(path, "rb");
		if (!f)
			return luaL_error(L, "module \"%s\" not found: neither in the library (sip, sip.proxy, ...) nor as %s", name, path);
		fclose(f);
		if (sandbox_load_file(L, path, &e))
			return luaL_error(L, "%s", e.text);
	}
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, lua_upvalueindex(1), name);
	return 1;
}

/* --- globals --- */

static int no_new_global(lua_State *L)
{
	return luaL_error(L, "\"%s\" is not declared: write `local %s`", luaL_tolstring(L, 2, NULL), luaL_tolstring(L, 2, NULL));
}

static int no_such_global(lua_State *L)
{
	return luaL_error(L, "\"%s\" is not defined (globals are strict: a typing error, or a local of another place?)",
			  luaL_tolstring(L, 2, NULL));
}

void sandbox_lock(lua_State *L)
{
	lua_pushglobaltable(L);
	lua_createtable(L, 0, 3);
	lua_pushcfunction(L, no_new_global);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, no_such_global);
	lua_setfield(L, -2, "__index");
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}

static void remove_field(lua_State *L, const char *table, const char *field)
{
	lua_getglobal(L, table);
	lua_pushnil(L);
	lua_setfield(L, -2, field);
	lua_pop(L, 1);
}

/* Replaces table.field by `f` with the old value as its upvalue. */
static void wrap_field(lua_State *L, const char *table, const char *field, lua_CFunction f)
{
	lua_getglobal(L, table);
	lua_getfield(L, -1, field);
	lua_pushcclosure(L, f, 1);
	lua_setfield(L, -2, field);
	lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
	static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},	  {LUA_COLIBNAME, luaopen_coroutine},
					     {LUA_TABLIBNAME, luaopen_table}, {LUA_IOLIBNAME, luaopen_io},
					     {LUA_OSLIBNAME, luaopen_os},	  {LUA_STRLIBNAME, luaopen_string},
					     {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}};
	bool unsafe = shard_of(L)->cfg.unsafe;

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
	if (unsafe) {
		luaL_requiref(L, LUA_DBLIBNAME, luaopen_debug, 1);
		lua_pop(L, 1);
	} else {
		remove_field(L, "io", "popen");
		remove_field(L, "os", "execute");
	}
	remove_field(L, "os", "exit"); /* would lose the captures, whatever is allowed */
	remove_field(L, "os", "setlocale");
	remove_field(L, LUA_GNAME, "dofile");
	remove_field(L, LUA_GNAME, "loadfile");
	wrap_field(L, LUA_GNAME, "load", load_text);
	wrap_field(L, LUA_GNAME, "print", print_kept);
	wrap_field(L, "os", "time", os_time);
	wrap_field(L, "os", "date", os_date);
	wrap_field(L, "os", "clock", os_clock);
	wrap_field(L, "math", "random", math_random);
	wrap_field(L, "math", "randomseed", math_randomseed);
	task_open_coroutine(L);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, "loaded by scripts");
	lua_pushcclosure(L, require, 1);
	lua_setglobal(L, "require");
}

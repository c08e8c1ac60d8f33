/* What scripts say in sip.load, sip.serve and sip.test: the library keeps it in the list `loads` of its table. */
#include "bindings/load.h"

#include <string.h>

/* Pushes the list, then its i-th entry and that one's options. [-0, +3], or nothing and false */
static bool push_declared(lua_State *L, unsigned i)
{
	int top = lua_gettop(L);

	if (lua_getfield(L, LUA_REGISTRYINDEX, "sip") == LUA_TTABLE && lua_getfield(L, -1, "loads") == LUA_TTABLE) {
		lua_remove(L, -2);
		if (lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TTABLE && lua_getfield(L, -1, "given") == LUA_TTABLE)
			return true;
	}
	lua_settop(L, top);
	return false;
}

static double number_field(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	double n = lua_tonumber(L, -1);
	lua_pop(L, 1);
	return n;
}

/* The table keeps it. */
static const char *text_field(lua_State *L, int at, const char *name)
{
	const char *s = lua_getfield(L, at, name) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

	lua_pop(L, 1);
	return s;
}

bool load_declared(struct shard *sh, unsigned i, struct load_declared *out)
{
	lua_State *L = sh->L;
	const char *kind;

	if (!push_declared(L, i))
		return false;
	kind = text_field(L, -2, "kind");
	*out = (struct load_declared){
		.name = text_field(L, -2, "name"),
		.serves = kind && !strcmp(kind, "serve"),
		.test = kind && !strcmp(kind, "test"),
		.rate = number_field(L, "rate"),
		.ramp = number_field(L, "ramp"),
		.duration = number_field(L, "duration"),
		.timeout = number_field(L, "timeout"),
		.arrivals = text_field(L, -1, "arrivals"),
		.ramp_text = text_field(L, -1, "ramp"),
		.users = (uint64_t)number_field(L, "users"),
		.calls = (uint64_t)number_field(L, "calls"),
		.max_live = (uint64_t)number_field(L, "max_live"),
	};
	lua_pop(L, 3);
	return true;
}

const char *load_declared_threshold(struct shard *sh, unsigned i, unsigned n)
{
	lua_State *L = sh->L;
	const char *text = NULL;

	if (!push_declared(L, i))
		return NULL;
	if (lua_getfield(L, -1, "thresholds") == LUA_TTABLE && lua_rawgeti(L, -1, (lua_Integer)n + 1) == LUA_TSTRING) {
		text = lua_tostring(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 4);
	return text;
}

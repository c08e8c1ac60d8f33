/* What a script says in a table, and where it says something is. */
#include "bindings/object.h"

#include "bindings/shard.h"
#include "sip/route.h"

#include <stdlib.h>

double opt_number(lua_State *L, int t, const char *name, double otherwise)
{
	if (lua_type(L, t) != LUA_TTABLE || lua_getfield(L, t, name) == LUA_TNIL) {
		if (lua_type(L, t) == LUA_TTABLE)
			lua_pop(L, 1);
		return otherwise;
	}
	if (lua_type(L, -1) != LUA_TNUMBER)
		script_error(L, "option \"%s\" wants a number, got %s", name, luaL_typename(L, -1));
	double n = lua_tonumber(L, -1);
	lua_pop(L, 1);
	return n;
}

uint32_t opt_count(lua_State *L, int t, const char *name, uint32_t limit, uint32_t otherwise)
{
	double n = opt_number(L, t, name, otherwise);

	if (!(n >= 0 && n <= limit) || n != (double)(uint32_t)n)
		script_error(L, "option \"%s\" wants a whole number from 0 to %I, got %f", name, (lua_Integer)limit, n);
	return (uint32_t)n;
}

bool opt_flag(lua_State *L, int t, const char *name, bool otherwise)
{
	bool v = otherwise;

	if (lua_type(L, t) != LUA_TTABLE)
		return otherwise;
	if (lua_getfield(L, t, name) == LUA_TBOOLEAN)
		v = lua_toboolean(L, -1);
	else if (!lua_isnil(L, -1))
		script_error(L, "option \"%s\" wants true or false, got %s", name, luaL_typename(L, -1));
	lua_pop(L, 1);
	return v;
}

bool opt_off(lua_State *L, int t, const char *name)
{
	bool off = false;

	if (lua_type(L, t) == LUA_TTABLE) {
		off = lua_getfield(L, t, name) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
		lua_pop(L, 1);
	}
	return off;
}

struct slice opt_slice(lua_State *L, int t, const char *name)
{
	struct slice s = SLICE_NONE;

	if (lua_type(L, t) != LUA_TTABLE)
		return s;
	switch (lua_getfield(L, t, name)) {
	case LUA_TNIL:
		break;
	case LUA_TSTRING:
		s.p = lua_tolstring(L, -1, &s.l);
		break;
	default:
		script_error(L, "option \"%s\" wants a string, got %s", name, luaL_typename(L, -1));
	}
	lua_pop(L, 1);
	return s;
}

static int by_name(const void *a, const void *b)
{
	const struct build_header *x = a, *y = b;
	size_t n = x->name.l < y->name.l ? x->name.l : y->name.l;
	int d = memcmp(x->name.p, y->name.p, n);

	return d ? d : (x->name.l > y->name.l) - (x->name.l < y->name.l);
}

/* The value on top, popped: a string or number, or false to leave the header out. */
static struct slice header_value(lua_State *L, const char *name)
{
	struct slice v = SLICE_NONE;

	if (lua_type(L, -1) == LUA_TSTRING)
		v.p = lua_tolstring(L, -1, &v.l);
	else if (lua_type(L, -1) != LUA_TBOOLEAN || lua_toboolean(L, -1))
		script_error(L, "header \"%s\" wants a string, or false to leave it out; got %s", name, luaL_typename(L, -1));
	lua_pop(L, 1);
	return v;
}

struct build_header *opt_headers(lua_State *L, int t, unsigned *count)
{
	t = lua_absindex(L, t);
	*count = 0;
	if (lua_type(L, t) != LUA_TTABLE) {
		lua_pushnil(L);
		return NULL;
	}
	int kind = lua_getfield(L, t, "headers");
	if (kind == LUA_TNIL)
		return NULL; /* the nil stays as the anchor */
	if (kind != LUA_TTABLE)
		script_error(L, "option \"headers\" wants a table, got %s", luaL_typename(L, -1));
	int h = lua_gettop(L);
	unsigned n = 0;
	for (lua_pushnil(L); lua_next(L, h); lua_pop(L, 1))
		n++;
	struct build_header *list = lua_newuserdatauv(L, (n + 1) * sizeof(*list), 0);
	if (lua_rawlen(L, h) > 0) {
		if (lua_rawlen(L, h) != n)
			script_error(L, "option \"headers\" is either a list of { name, value } or a map, not both");
		for (unsigned i = 1; i <= n; i++) {
			if (lua_rawgeti(L, h, i) != LUA_TTABLE || lua_rawgeti(L, -1, 1) != LUA_TSTRING)
				script_error(L, "option \"headers\": item %d is not { name, value }", i);
			list[i - 1].name.p = lua_tolstring(L, -1, &list[i - 1].name.l);
			lua_pop(L, 1);
			lua_rawgeti(L, -1, 2);
			list[i - 1].value = header_value(L, list[i - 1].name.p);
			lua_pop(L, 1);
		}
	} else {
		unsigned i = 0;
		lua_pushnil(L);
		while (lua_next(L, h)) {
			if (lua_type(L, -2) != LUA_TSTRING)
				script_error(L, "option \"headers\": names are strings");
			list[i].name.p = lua_tolstring(L, -2, &list[i].name.l);
			list[i].value = header_value(L, list[i].name.p);
			i++;
		}
		qsort(list, n, sizeof(*list), by_name);
	}
	lua_remove(L, h);
	*count = n;
	return list;
}

uint64_t seconds_to_ns(lua_State *L, double seconds, const char *what)
{
	if (!(seconds >= 0) || seconds > 1e9)
		script_error(L, "%s wants seconds from 0 on, got %f", what, seconds);
	return (uint64_t)(seconds * 1e9 + 0.5);
}

int raise_err(lua_State *L, const struct err *e)
{
	char where[300];

	if (e->code != ERR_ENV && e->code != ERR_ARG)
		return script_error(L, "%s", e->text);
	lua_createtable(L, 0, 3);
	lua_pushstring(L, e->text);
	lua_setfield(L, -2, "message");
	lua_pushstring(L, e->code == ERR_ENV ? "environment" : "usage");
	lua_setfield(L, -2, "class");
	task_where(L, where, sizeof(where));
	lua_pushstring(L, where);
	lua_setfield(L, -2, "where");
	luaL_setmetatable(L, "failure");
	return lua_error(L);
}

int raise_about(lua_State *L, const struct object *o, const struct err *e)
{
	if (e->code == ERR_ENV || e->code == ERR_ARG)
		return raise_err(L, e);
	return script_error(L, "%s: %s", object_actor(o), e->text);
}

void check_address(lua_State *L, int arg, struct addr *out)
{
	struct shard *sh = shard_of(L);
	struct err e = {0};
	struct slice s;
	int err;

	arg = lua_absindex(L, arg);
	if (lua_type(L, arg) == LUA_TUSERDATA || lua_istable(L, arg)) { /* an endpoint, a UA, a role */
		if (lua_getfield(L, arg, "uri") != LUA_TSTRING)
			script_error(L, "a %s without a URI is no address", luaL_typename(L, arg));
		check_address(L, -1, out);
		lua_pop(L, 1);
		return;
	}
	if (lua_type(L, arg) != LUA_TSTRING)
		script_error(L, "an address is wanted (\"host:port\", a SIP URI, or an actor), got %s", luaL_typename(L, arg));
	s = check_slice(L, arg);
	if (s.l > 4 && slice_case_eq((struct slice){s.p, 4}, SLICE_LIT("udp:")))
		s = (struct slice){s.p + 4, s.l - 4};
	if (addr_parse(out, s, 5060))
		return;
	if (memchr(s.p, ':', s.l) && (slice_find(s, SLICE_LIT("sip:"), 0) >= 0 || slice_find(s, SLICE_LIT("sips:"), 0) >= 0)) {
		err = route_resolve(out, s, !sh->cfg.virtual_clock, sh->cfg.v6, &e);
	} else {
		char uri[300];
		snprintf(uri, sizeof(uri), "sip:%.*s", SLICE_ARG(s));
		err = route_resolve(out, slice_str(uri), !sh->cfg.virtual_clock, sh->cfg.v6, &e);
	}
	if (err)
		raise_err(L, &e);
}

void note_sent(lua_State *L, const struct msg *m, const char *actor)
{
	struct shard *sh = shard_of(L);
	struct buf text = {0};
	char where[300];

	if (!sh->cfg.tap || !m || !m->frame || !task_where(L, where, sizeof(where)))
		return;
	buf_puts(&text, actor);
	buf_puts(&text, ": ");
	buf_puts(&text, where);
	buf_put(&text, "", 1);
	if (!text.failed)
		net_comment(sh->net, m->frame, (char *)text.p);
	buf_free(&text);
}

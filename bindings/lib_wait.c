/* Waiting in Lua: inboxes, and what a script expects to come. */
#include "bindings/object.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"

#include <math.h>
#include <stdio.h>

/* A box and the name of one of its inboxes at 1 and 2. */
static struct object *check_inbox(lua_State *L, unsigned *index)
{
	struct object *o = object_at(L, 1);
	const char *name = luaL_checkstring(L, 2);

	luaL_argcheck(L, o, 1, "wants an object");
	int i = object_inbox(o->kind, name);
	if (i < 0)
		script_error(L, "a %s has no inbox \"%s\"", object_kind_name(o->kind), name);
	*index = (unsigned)i;
	return o;
}

/* The script time so many seconds from now; math.huge: never. */
static uint64_t due_after(lua_State *L, double seconds, const char *what)
{
	return seconds == HUGE_VAL ? UINT64_MAX : loop_now(shard_of(L)->loop) + seconds_to_ns(L, seconds, what);
}

/* The value at `arg`: seconds from now, nil for ever. */
static uint64_t due_at(lua_State *L, int arg)
{
	return lua_isnoneornil(L, arg) ? UINT64_MAX : due_after(L, luaL_checknumber(L, arg), "within");
}

/* wait(object, inbox, seconds): the next item and its text, or nil and "timeout"; seconds nil: as long as the test lives. */
static int engine_wait(lua_State *L)
{
	unsigned i;
	struct object *o = check_inbox(L, &i);

	return task_wait(L, o, i, due_at(L, 3), task_give);
}

/* sleep(seconds) */
static int engine_sleep(lua_State *L)
{
	return task_wait(L, NULL, 0, due_after(L, luaL_checknumber(L, 1), "sleep"), task_give);
}

static int on_slept(lua_State *L, enum wake wake, struct item *it)
{
	(void)L;
	(void)wake;
	(void)it;
	return 0;
}

/* t:sleep(seconds), without the frames of the library between: a task that sleeps has a small stack. upvalues: the method in Lua, for all
 * else, and the metatable of contexts. */
static int quick_sleep(lua_State *L)
{
	if (lua_gettop(L) == 2 && lua_type(L, 2) == LUA_TNUMBER && lua_istable(L, 1) && lua_getmetatable(L, 1)) {
		bool is_context = lua_rawequal(L, -1, lua_upvalueindex(2));
		lua_pop(L, 1);
		if (is_context)
			return task_wait(L, NULL, 0, due_after(L, lua_tonumber(L, 2), "sleep"), on_slept);
	}
	return object_slow(L);
}

/* sleeper(metatable, method) */
static int engine_sleeper(lua_State *L)
{
	lua_settop(L, 2);
	lua_insert(L, 1);
	lua_pushcclosure(L, quick_sleep, 2);
	return 1;
}

/* poll(object, inbox): an item that is there already, or nil. */
static int engine_poll(lua_State *L)
{
	unsigned i;
	struct object *o = check_inbox(L, &i);
	struct item *it = inbox_take(o, i);

	if (it)
		return task_give(L, WAKE_ITEM, it);
	lua_pushnil(L);
	return 1;
}

/* count(object, inbox): how many items wait. */
static int engine_count(lua_State *L)
{
	unsigned i;
	struct object *o = check_inbox(L, &i);
	const struct inbox *box = inbox_find(o, i);

	lua_pushinteger(L, box ? box->count : 0);
	return 1;
}

/* inbox(): an inbox of the library's own; push(inbox, text) puts an event into it. */
static int engine_inbox(lua_State *L)
{
	object_release(object_new(L, OBJECT_INBOX, NULL, NULL)); /* the script's alone */
	return 1;
}

static int engine_push(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_INBOX);

	inbox_push_event(o, 0, luaL_optstring(L, 2, ""));
	return 0;
}

static int give_alone(lua_State *L, enum wake wake, struct item *it)
{
	task_give(L, wake, it);
	lua_pop(L, 1);
	return 1;
}

/* upvalues: object, place of the inbox */
static int next_item(lua_State *L)
{
	return task_wait(L, lua_touserdata(L, lua_upvalueindex(1)), (unsigned)lua_tointeger(L, lua_upvalueindex(2)), UINT64_MAX, give_alone);
}

/* iterate(object, inbox): a function that waits for the next item, true when nothing will come any more. */
static int engine_iterate(lua_State *L)
{
	unsigned i;

	check_inbox(L, &i);
	lua_settop(L, 1);
	lua_pushinteger(L, i);
	lua_pushcclosure(L, next_item, 2);
	return 1;
}

/* --- expecting; the words of what was in vain are the library's: unmet() below --- */

static const char unmet_response, unmet_event;

static bool is_class(const char *what, size_t len)
{
	return len == 3 && what[0] >= '1' && what[0] <= '6' && what[1] == 'x' && what[2] == 'x';
}

/* A status, "2xx", a method, a list of these; nil: any final response. */
static bool matches(lua_State *L, int what, const struct msg *m)
{
	size_t len;
	const char *s;
	bool found = false;

	what = lua_absindex(L, what);
	switch (lua_type(L, what)) {
	case LUA_TNIL:
		return m->s.status >= 200;
	case LUA_TNUMBER:
		return m->s.status && lua_tointeger(L, what) == m->s.status;
	case LUA_TSTRING:
		s = lua_tolstring(L, what, &len);
		if (m->s.status)
			return is_class(s, len) && m->s.status / 100 == (unsigned)(s[0] - '0');
		return m->s.request && slice_eq(m->s.method, (struct slice){s, len});
	case LUA_TTABLE:
		luaL_checkstack(L, 3, "expect: lists in lists");
		for (lua_Integer i = 1; !found && lua_rawgeti(L, what, i) != LUA_TNIL; i++) {
			found = matches(L, -1, m);
			lua_pop(L, 1);
		}
		lua_settop(L, found ? lua_gettop(L) : lua_gettop(L) - 1);
		return found;
	default:
		return false;
	}
}

/* The stack while a response is waited for. */
enum { HANDLE = 1, WHAT, GIVEN, WITHIN, DUE };

/* Calls unmet(handle, what, given, within, message, why), which raises, or returns nil and "timeout" where that was allowed. */
static int unmet(lua_State *L, const void *key, struct msg *m, const char *why)
{
	lua_settop(L, WITHIN);
	lua_rawgetp(L, LUA_REGISTRYINDEX, key);
	lua_insert(L, 1);
	m ? object_push_message(L, m) : lua_pushnil(L);
	lua_pushstring(L, why);
	lua_call(L, 6, LUA_MULTRET);
	return lua_gettop(L);
}

/* The script is given a response. */
static void set_last(struct object *o, struct msg *m)
{
	object_wake(o);
	mem_ref(m);
	mem_deref(o->last);
	o->last = m;
	o->final_given = o->final_given || m->s.status >= 200;
}

static int on_response(lua_State *L, enum wake wake, struct item *it)
{
	struct object *o = lua_touserdata(L, HANDLE);
	struct msg *m;

	if (wake != WAKE_ITEM)
		return unmet(L, &unmet_response, NULL, NULL);
	m = it->p; /* the box keeps it */
	set_last(o, m);
	if (matches(L, WHAT, m)) {
		mem_deref(it);
		object_push_message(L, m);
		return 1;
	}
	if (m->s.status >= 200) {
		char why[200];
		bool has_why = it->text != NULL;
		snprintf(why, sizeof(why), "%s", has_why ? it->text : "");
		mem_deref(it);
		return unmet(L, &unmet_response, m, has_why ? why : NULL);
	}
	mem_deref(it);
	return task_wait(L, o, 0, (uint64_t)lua_tointeger(L, DUE), on_response);
}

/* Stack: HANDLE, WHAT, GIVEN. */
static int wait_for_response(lua_State *L, struct object *o, double within)
{
	uint64_t due = within < 0 ? UINT64_MAX : due_after(L, within, "within");

	object_wake(o);
	if (o->final_given && (lua_isnil(L, WHAT) || !inbox_find(o, 0) || !inbox_find(o, 0)->count)) { /* read already */
		within < 0 ? lua_pushnil(L) : lua_pushnumber(L, within);
		if (!o->final)
			return unmet(L, &unmet_response, NULL, NULL);
		set_last(o, o->final);
		if (!matches(L, WHAT, o->final))
			return unmet(L, &unmet_response, o->final, NULL);
		object_push_message(L, o->final);
		return 1;
	}
	within < 0 ? lua_pushnil(L) : lua_pushnumber(L, within);
	lua_pushinteger(L, (lua_Integer)due);
	return task_wait(L, o, 0, due, on_response);
}

/* response(handle, what, given, within): the response that was wanted, once it is there; what nil: the final one, within nil: as long as
 * that takes. What else came, or that nothing did, goes to unmet_response(handle, what, given, within, message, why). */
static int engine_response(lua_State *L)
{
	struct object *o = object_at(L, 1);
	double within = lua_isnoneornil(L, 4) ? -1 : luaL_checknumber(L, 4);

	luaL_argcheck(L, o && !object_is_place(o), 1, "wants what gets responses");
	lua_settop(L, GIVEN);
	return wait_for_response(L, o, within);
}

/* The last response that the script was given, or nil. */
static int engine_last(lua_State *L)
{
	struct object *o = object_at(L, 1);

	luaL_argcheck(L, o, 1, "wants an object");
	if (object_is_place(o))
		return 0;
	object_wake(o);
	o->last ? object_push_message(L, o->last) : lua_pushnil(L);
	return 1;
}

static int on_event(lua_State *L, enum wake wake, struct item *it)
{
	if (wake == WAKE_ITEM) {
		object_push_message(L, it->p);
		mem_deref(it);
		return 1;
	}
	if (wake == WAKE_ENDED && !strcmp(lua_tostring(L, WHAT), "ended")) {
		lua_pushboolean(L, 1);
		return 1;
	}
	return unmet(L, &unmet_event, NULL, wake == WAKE_ENDED ? "ended" : "timeout");
}

/* Stack: HANDLE, WHAT (the name of the inbox), GIVEN. */
static int wait_for_event(lua_State *L, struct object *o, unsigned index, double within, task_wake_h *h)
{
	lua_pushnumber(L, within);
	return task_wait(L, o, index, due_after(L, within, "within"), h);
}

/* event(handle, inbox, given, within): what comes there, true for the "ended" that was waited for; else what
 * unmet_event(handle, inbox, given, within, nil, "ended" or "timeout") makes of it. */
static int engine_event(lua_State *L)
{
	unsigned i;
	struct object *o = check_inbox(L, &i);
	double within = luaL_checknumber(L, 4);

	lua_settop(L, GIVEN);
	return wait_for_event(L, o, i, within, on_event);
}

/* set_unmet(response, event): see there. */
static int engine_set_unmet(lua_State *L)
{
	lua_settop(L, 2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &unmet_event);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &unmet_response);
	return 0;
}

/* --- the methods, for their common forms: see object_quick() --- */

/* nil, seconds, or a table of `within` and `optional` alone. */
static bool is_plain_within(lua_State *L, int arg, double *within)
{
	switch (lua_type(L, arg)) {
	case LUA_TNONE:
	case LUA_TNIL:
		return true;
	case LUA_TNUMBER:
		*within = lua_tonumber(L, arg);
		break;
	case LUA_TTABLE:
		if (lua_getmetatable(L, arg))
			return false;
		for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
			const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
			if (!strcmp(key, "within") && lua_type(L, -1) == LUA_TNUMBER)
				*within = lua_tonumber(L, -1);
			else if (strcmp(key, "optional"))
				return false;
		}
		break;
	default:
		return false;
	}
	return *within >= 0 && *within <= 1e9;
}

/* A table that says no more than how long becomes nil: many calls may wait for long, and each has its own. */
static void forget_within(lua_State *L, int arg)
{
	bool optional = lua_istable(L, arg) && lua_getfield(L, arg, "optional") != LUA_TNIL;

	lua_settop(L, arg);
	if (optional)
		return;
	lua_pushnil(L);
	lua_replace(L, arg);
}

static bool is_status(lua_State *L, int arg)
{
	lua_Integer status = lua_isinteger(L, arg) ? lua_tointeger(L, arg) : 0;

	return status >= 100 && status <= 699;
}

static bool is_plain_what(lua_State *L, int arg)
{
	size_t len;
	lua_Integer n;
	bool plain = true;

	switch (lua_type(L, arg)) {
	case LUA_TNUMBER:
		return is_status(L, arg);
	case LUA_TSTRING:
		return is_class(lua_tolstring(L, arg, &len), lua_rawlen(L, arg));
	case LUA_TTABLE:
		n = (lua_Integer)lua_rawlen(L, arg);
		for (lua_Integer i = 1; plain && i <= n; i++) {
			lua_rawgeti(L, arg, i);
			plain = is_status(L, -1);
			lua_pop(L, 1);
		}
		return plain && n;
	default:
		return false;
	}
}

/* handle:expect(what, given) */
static int quick_expect(lua_State *L)
{
	struct object *o = object_quick_self(L);
	double within = 5;
	int top = lua_gettop(L);

	if (o && top <= 3 && is_plain_within(L, 3, &within) && is_plain_what(L, 2)) {
		lua_settop(L, GIVEN);
		return wait_for_response(L, o, within);
	}
	lua_settop(L, top);
	return object_slow(L);
}

/* call:expect(what, given) */
static int quick_call_expect(lua_State *L)
{
	static const struct {
		const char *name;
		unsigned index;
	} events[] = {{"ACK", CALL_IN_ACK}, {"BYE", CALL_IN_BYE}, {"CANCEL", CALL_IN_CANCEL}, {"PRACK", CALL_IN_PRACK}};
	struct object *o = object_quick_self(L);
	double within = 5;
	int top = lua_gettop(L);

	if (o && top <= 3 && lua_type(L, 2) == LUA_TSTRING && is_plain_within(L, 3, &within))
		for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
			if (!strcmp(lua_tostring(L, 2), events[i].name)) {
				lua_settop(L, GIVEN);
				return wait_for_event(L, o, events[i].index, within, on_event);
			}
	lua_settop(L, top);
	return quick_expect(L);
}

/* handle:final(given) */
static int quick_final(lua_State *L)
{
	struct object *o = object_quick_self(L);

	if (!o || lua_gettop(L) > 1)
		return object_slow(L);
	lua_pushnil(L);
	lua_pushnil(L);
	return wait_for_response(L, o, -1);
}

static int on_call_ended(lua_State *L, enum wake wake, struct item *it)
{
	mem_deref(it);
	if (wake == WAKE_TIMEOUT)
		return unmet(L, &unmet_event, NULL, "timeout");
	struct object *o = lua_touserdata(L, HANDLE);
	lua_pushstring(L, ((struct call *)o->p)->ended_by);
	return 1;
}

/* call:ended(given) */
static int quick_call_ended(lua_State *L)
{
	struct object *o = object_quick_self(L);
	double within = 5;
	int top = lua_gettop(L);

	if (!o || top > 2 || !is_plain_within(L, 2, &within)) {
		lua_settop(L, top);
		return object_slow(L);
	}
	if (((struct call *)o->p)->state == CALL_TERMINATED) {
		lua_pushstring(L, ((struct call *)o->p)->ended_by);
		return 1;
	}
	lua_settop(L, 2);
	forget_within(L, 2);
	lua_pushliteral(L, "ended");
	lua_insert(L, WHAT);
	return wait_for_event(L, o, CALL_IN_ENDED, within, on_call_ended);
}

void lib_wait_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"wait", engine_wait},	     {"sleep", engine_sleep}, {"sleeper", engine_sleeper}, {"poll", engine_poll},	   {"count", engine_count},
		{"inbox", engine_inbox},     {"push", engine_push},   {"iterate", engine_iterate}, {"response", engine_response},
		{"last", engine_last},	     {"event", engine_event}, {"set_unmet", engine_set_unmet},
		{NULL, NULL},
	};
	static const enum object_kind responders[] = {OBJECT_CALL, OBJECT_REQUEST, OBJECT_REGISTRATION, OBJECT_CLIENT};

	object_class(L, OBJECT_INBOX, NULL, NULL);
	for (size_t i = 0; i < sizeof(responders) / sizeof(*responders); i++) {
		object_quick(L, responders[i], "expect", responders[i] == OBJECT_CALL ? quick_call_expect : quick_expect);
		object_quick(L, responders[i], "final", quick_final);
	}
	object_quick(L, OBJECT_CALL, "ended", quick_call_ended);
	luaL_setfuncs(L, functions, 0);
}

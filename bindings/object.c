#include "bindings/object_priv.h"

#include "bindings/load.h"
#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/endpoint.h"

#define MESSAGE_CLASS "message"

static const struct {
	const char *name;
	const char *inboxes[OBJECT_INBOXES];
} kinds[OBJECT_KINDS] = {
	[OBJECT_ENDPOINT] = {"endpoint", {"unclaimed", "requests"}},
	[OBJECT_WATCH] = {"watch", {"messages"}},
	[OBJECT_CLIENT] = {"client transaction", {"responses"}},
	[OBJECT_SERVER] = {"server transaction", {"events"}},
	[OBJECT_UA] = {"ua", {"calls", "requests"}},
	[OBJECT_CALL] = {"call", {"responses", "requests", "ACK", "BYE", "CANCEL", "PRACK", "ended", "forks"}},
	[OBJECT_DIALOG] = {"dialog", {NULL}},
	[OBJECT_REQUEST] = {"request", {"responses"}},
	[OBJECT_REGISTRATION] = {"registration", {"responses"}},
	[OBJECT_SUBSCRIPTION] = {"subscription", {"responses", "NOTIFY", "SUBSCRIBE", "forks", "ended"}},
	[OBJECT_TASK] = {"task", {"ended"}},
	[OBJECT_HOLD] = {"hold", {"messages"}},
	[OBJECT_INBOX] = {"inbox", {"events"}},
};

const char *object_kind_name(enum object_kind kind)
{
	return kinds[kind].name;
}

unsigned object_inboxes(enum object_kind kind)
{
	unsigned n = 0;

	while (n < OBJECT_INBOXES && kinds[kind].inboxes[n])
		n++;
	return n;
}

int object_inbox(enum object_kind kind, const char *name)
{
	for (int i = 0; i < OBJECT_INBOXES && kinds[kind].inboxes[i]; i++)
		if (!strcmp(kinds[kind].inboxes[i], name))
			return i;
	return -1;
}

int object_kind_from(const char *name)
{
	for (int i = 0; i < OBJECT_KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return i;
	return -1;
}

struct shard *shard_of(lua_State *L)
{
	return *(struct shard **)lua_getextraspace(L);
}

const char *object_actor(const struct object *o)
{
	for (; o; o = o->owner)
		if (o->kind == OBJECT_ENDPOINT && o->p)
			return ((struct endpoint *)o->p)->name;
	return "the script";
}

/* --- boxes --- */

struct object *object_new(lua_State *L, enum object_kind kind, void *p, struct object *owner)
{
	struct shard *sh = shard_of(L);
	/* One user value at most: an owner that may go before the box, or what the kind keeps beside. */
	bool holds_owner = owner && !object_is_lasting(owner);
	bool keeps = kind == OBJECT_CALL || kind == OBJECT_REQUEST || kind == OBJECT_HOLD;

	object_check_some(sh);
	struct object *o = lua_newuserdatauv(L, sizeof(*o), holds_owner || keeps);
	memset(o, 0, sizeof(*o));
	o->sh = sh;
	o->kind = (uint8_t)kind;
	o->owner = owner;
	o->anchor = LUA_NOREF;
	lua_rawgeti(L, LUA_REGISTRYINDEX, sh->classes[kind]);
	lua_setmetatable(L, -2);
	o->p = p;
	struct object *endpoint = owner;
	while (endpoint && endpoint->kind != OBJECT_ENDPOINT)
		endpoint = endpoint->owner;
	LIST_INSERT_HEAD(endpoint ? &endpoint->members : &sh->objects, o, entry);
	if (holds_owner) { /* whoever holds this one holds its owner */
		object_push(L, owner);
		lua_setiuservalue(L, -2, 1);
	}
	lua_pushvalue(L, -1);
	o->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
	/* A call is looked at when it has ended, a request when its transaction has. */
	if (sh->load && (kind == OBJECT_CALL || kind == OBJECT_REQUEST || kind == OBJECT_CLIENT))
		load_made(o);
	if (kind == OBJECT_CLIENT || kind == OBJECT_SERVER || kind == OBJECT_DIALOG || kind == OBJECT_SUBSCRIPTION || kind == OBJECT_HOLD)
		object_check_later(o);
	return o;
}

struct object *object_at(lua_State *L, int arg)
{
	void *p = lua_touserdata(L, arg);

	/* The other userdata that a script has, messages and memories of nonces, are one pointer each. */
	return p && lua_rawlen(L, arg) >= sizeof(struct object) ? p : NULL;
}

void object_push(lua_State *L, struct object *o)
{
	if (o->anchor != LUA_NOREF) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, o->anchor);
	} else if (lua_touserdata(L, 1) == o) {
		lua_pushvalue(L, 1);
	} else {
		if (object_at(L, 1))
			lua_getiuservalue(L, 1, 1);
		else
			lua_pushnil(L);
		if (lua_touserdata(L, -1) != o) {
			lua_pop(L, 1);
			lua_pushnil(L);
		}
	}
}

void object_push_item(lua_State *L, struct item *it)
{
	switch (it->kind) {
	case ITEM_MESSAGE:
	case ITEM_REST:
		object_push_message(L, item_message(it));
		break;
	case ITEM_OBJECT:
		object_push(L, it->p);
		((struct object *)it->p)->unread = false;
		break;
	case ITEM_EVENT:
		lua_pushboolean(L, 1);
		break;
	}
}

/* A watch and an inbox stand on nothing of the engine's. */
static bool has_expired(const struct object *o)
{
	return !o->p && o->kind != OBJECT_WATCH && o->kind != OBJECT_INBOX;
}

static int raise_expired(lua_State *L, const struct object *o)
{
	return script_error(L, "this %s has expired: its %s has ended", kinds[o->kind].name, o->sh->load ? "iteration" : "test");
}

struct object *object_check(lua_State *L, int arg, enum object_kind kind)
{
	struct object *o = object_at(L, arg);

	if (!o || o->kind != kind)
		luaL_checkudata(L, arg, kinds[kind].name); /* raises */
	if (has_expired(o))
		script_error(L, "this %s has expired: its test has ended", kinds[kind].name);
	return o;
}

static void each(struct objects *list, object_h *h, void *arg)
{
	struct object *o;

	LIST_FOREACH(o, list, entry)
	{
		h(o, arg);
		if (object_is_place(o))
			each(&o->members, h, arg);
	}
}

void object_each(struct shard *sh, object_h *h, void *arg)
{
	each(&sh->objects, h, arg);
}

/* The metatable on top can be found without its name. */
#define CLASS_OF_MESSAGES OBJECT_KINDS
_Static_assert(CLASS_OF_MESSAGES < sizeof(((struct shard *)0)->classes) / sizeof(int), "one for each kind, and that of messages");
static void keep_class(lua_State *L, int class)
{
	lua_pushvalue(L, -1);
	shard_of(L)->classes[class] = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* --- messages --- */

void object_push_message(lua_State *L, struct msg *m)
{
	sched_charge(&shard_of(L)->sched, L, sizeof(*m) + m->s.header_count * sizeof(struct scan_header) + m->s.bytes.l);
	struct msg **box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = mem_ref(m);
	lua_rawgeti(L, LUA_REGISTRYINDEX, shard_of(L)->classes[CLASS_OF_MESSAGES]);
	lua_setmetatable(L, -2);
}

struct msg *object_check_message(lua_State *L, int arg)
{
	struct msg **box = lua_touserdata(L, arg);
	bool is = false;

	if (box && lua_getmetatable(L, arg)) {
		is = lua_topointer(L, -1) == shard_of(L)->message_class;
		lua_pop(L, 1);
	}
	if (!is)
		luaL_checkudata(L, arg, MESSAGE_CLASS); /* raises */
	return *box;
}

void object_message_class(lua_State *L)
{
	luaL_newmetatable(L, MESSAGE_CLASS);
	shard_of(L)->message_class = lua_topointer(L, -1);
	keep_class(L, CLASS_OF_MESSAGES);
}

/* --- classes --- */

/* Raises, and names the nearest there is. */
static int no_such_field(lua_State *L, const struct object *o, const char *name)
{
	lua_pushfstring(L, "%s %s has no field or method \"%s\"", strchr("aeiou", kinds[o->kind].name[0]) ? "an" : "a",
			kinds[o->kind].name, name);
	if (lua_getfield(L, LUA_REGISTRYINDEX, "nearest") == LUA_TFUNCTION) {
		lua_pushstring(L, kinds[o->kind].name);
		lua_pushstring(L, name);
		lua_call(L, 2, 1);
	}
	if (lua_isstring(L, -1))
		lua_pushfstring(L, "%s (did you mean \"%s\"?)", lua_tostring(L, -2), lua_tostring(L, -1));
	else
		lua_pop(L, 1);
	return script_error(L, "%s", lua_tostring(L, -1));
}

static int object_gc(lua_State *L)
{
	object_collected(lua_touserdata(L, 1));
	return 0;
}

/* upvalues: methods, field function, class name */
static int object_index(lua_State *L)
{
	struct object *o = lua_touserdata(L, 1);
	object_field_h *field = (object_field_h *)lua_touserdata(L, lua_upvalueindex(2));

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	if (lua_type(L, 2) == LUA_TSTRING) {
		const char *name = lua_tostring(L, 2);
		if (!strcmp(name, "kind")) {
			lua_pushstring(L, kinds[o->kind].name);
			return 1;
		}
		if (field && has_expired(o))
			return raise_expired(L, o);
		int n = field ? field(L, o, name) : 0;
		if (n)
			return n;
		return no_such_field(L, o, name);
	}
	lua_pushnil(L);
	return 1;
}

static int object_tostring(lua_State *L)
{
	struct object *o = lua_touserdata(L, 1);

	lua_pushstring(L, kinds[o->kind].name);
	return 1;
}

void object_class(lua_State *L, enum object_kind kind, const luaL_Reg *methods, object_field_h *field)
{
	luaL_newmetatable(L, kinds[kind].name);
	keep_class(L, kind);
	lua_newtable(L);
	if (methods)
		luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "methods"); /* where the Lua side adds its own */
	lua_pushlightuserdata(L, (void *)field);
	lua_pushcclosure(L, object_index, 2);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, object_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushcfunction(L, object_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

/* --- quick methods --- */

void object_quick(lua_State *L, enum object_kind kind, const char *name, lua_CFunction f)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, shard_of(L)->classes[kind]);
	luaL_getsubtable(L, -1, "quick");
	lua_pushcfunction(L, f);
	lua_setfield(L, -2, name);
	lua_pop(L, 2);
}

struct object *object_quick_self(lua_State *L)
{
	struct object *o = object_at(L, 1);

	return o && o->p && o->kind == lua_tointeger(L, lua_upvalueindex(2)) ? o : NULL;
}

static int slow_done(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	return lua_gettop(L);
}

int object_slow(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, slow_done);
	return slow_done(L, LUA_OK, 0);
}

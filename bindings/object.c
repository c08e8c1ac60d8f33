#include "bindings/object.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"
#include "sip/registration.h"
#include "sip/route.h"
#include "sip/subscription.h"

#include <stdlib.h>

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

/* The engine calls this box no more. */
static void detach(struct object *o)
{
	if (!o->p)
		return;
	switch (o->kind) {
	case OBJECT_CLIENT: /* one of a call's is the call's to listen to */
		if (((struct ctrans *)o->p)->arg == o)
			ctrans_detach(o->p);
		break;
	case OBJECT_SERVER: {
		struct strans *st = o->p;
		if (st->arg == o)
			strans_detach(st);
		break;
	}
	case OBJECT_CALL:
		call_set_handler(o->p, NULL, NULL);
		break;
	case OBJECT_REQUEST:
		((struct uac *)o->p)->h = NULL;
		break;
	case OBJECT_REGISTRATION:
		((struct registration *)o->p)->h = NULL;
		break;
	case OBJECT_SUBSCRIPTION:
		((struct subscription *)o->p)->h = NULL;
		break;
	case OBJECT_UA:
		memset(&((struct ua *)o->p)->h, 0, sizeof(struct ua_handlers));
		break;
	case OBJECT_ENDPOINT:
		memset(&((struct endpoint *)o->p)->h, 0, sizeof(struct endpoint_handlers));
		break;
	default:
		break;
	}
}

static void close_object(struct object *o)
{
	detach(o);
	for (unsigned i = 0; i < object_inboxes(o->kind); i++)
		inbox_free(o->sh, &o->in[i]);
	if (o->kind != OBJECT_TASK)
		o->p = mem_deref(o->p);
	o->p = NULL;
	o->final = mem_deref(o->final);
	o->final_why = mem_deref(o->final_why);
}

static int object_gc(lua_State *L)
{
	struct object *o = lua_touserdata(L, 1);

	if (o->kind == OBJECT_TASK && o->p)
		((struct task *)o->p)->box = NULL;
	close_object(o);
	if (o->prev) {
		*o->prev = o->next;
		if (o->next)
			o->next->prev = o->prev;
		o->prev = NULL;
	}
	return 0;
}

/* Nothing of it can ever reach the wire or the script again, unless a script holds it. */
static bool is_over(const struct object *o)
{
	const struct call *call = o->p;
	const struct subscription *sub = o->p;

	switch (o->kind) {
	case OBJECT_CLIENT:
		return o->p && !((struct ctrans *)o->p)->ep;
	case OBJECT_SERVER:
		return o->p && !((struct strans *)o->p)->ep;
	case OBJECT_REQUEST:
		return o->p && !((struct uac *)o->p)->ct->ep;
	case OBJECT_CALL:
		return call && call->state == CALL_TERMINATED && !(call->invite && call->invite->ct->ep) &&
		       !(call->server && call->server->ep) && !(call->bye && call->bye->ct->ep);
	case OBJECT_DIALOG:
		return o->p && ((struct dialog *)o->p)->over;
	case OBJECT_SUBSCRIPTION:
		return sub && sub->state == SUBSCRIPTION_TERMINATED && !(sub->uac && sub->uac->ct->ep) &&
		       !(sub->notify && sub->notify->ct->ep);
	case OBJECT_TASK:
		return o->p && ((struct task *)o->p)->done;
	case OBJECT_HOLD:
		return o->p && object_hold_ended(o);
	default:
		return false;
	}
}

/* The weak table from a box to its userdata. [-0, +1] */
static void push_boxes(lua_State *L)
{
	static const char key;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_createtable(L, 0, 1);
	lua_pushliteral(L, "v");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

#define REAP_FIRST 512

/* Leaves what is over to the collector, now and then, so that a long run does not grow. When it happens depends on the number of
 * objects alone. */
static void reap(struct shard *sh)
{
	unsigned alive = 0;

	for (struct object *o = sh->objects; o; o = o->next) {
		if (o->anchor != LUA_NOREF && is_over(o))
			object_release(o);
		alive += o->anchor != LUA_NOREF;
	}
	sched_reap(sh);
	sh->made = 0;
	sh->reap_after = alive > REAP_FIRST ? alive : REAP_FIRST;
}

struct object *object_new(lua_State *L, enum object_kind kind, void *p, struct object *owner)
{
	struct shard *sh = shard_of(L);

	if (++sh->made > sh->reap_after)
		reap(sh);
	size_t size = sizeof(struct object) + object_inboxes(kind) * sizeof(struct inbox);
	struct object *o = lua_newuserdatauv(L, size, 2); /* its owner, and what a kind keeps beside */

	memset(o, 0, size);
	o->sh = sh;
	o->kind = kind;
	o->owner = owner;
	o->anchor = LUA_NOREF;
	luaL_setmetatable(L, kinds[kind].name);
	o->p = p;
	o->next = sh->objects;
	o->prev = &sh->objects;
	if (sh->objects)
		sh->objects->prev = &o->next;
	sh->objects = o;
	if (owner) { /* whoever holds this one holds its owner */
		object_push(L, owner);
		lua_setiuservalue(L, -2, 1);
	}
	push_boxes(L);
	lua_pushvalue(L, -2);
	lua_rawsetp(L, -2, o);
	lua_pop(L, 1);
	lua_pushvalue(L, -1);
	o->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
	return o;
}

void object_push(lua_State *L, struct object *o)
{
	push_boxes(L);
	lua_rawgetp(L, -1, o);
	lua_remove(L, -2);
}

void object_release(struct object *o)
{
	luaL_unref(o->sh->L, LUA_REGISTRYINDEX, o->anchor);
	o->anchor = LUA_NOREF;
}

/* A watch and an inbox stand on nothing of the engine's. */
static bool has_expired(const struct object *o)
{
	return !o->p && o->kind != OBJECT_WATCH && o->kind != OBJECT_INBOX;
}

struct object *object_check(lua_State *L, int arg, enum object_kind kind)
{
	struct object *o = luaL_checkudata(L, arg, kinds[kind].name);

	if (has_expired(o))
		script_error(L, "this %s has expired: its test has ended", kinds[kind].name);
	return o;
}

void object_close_all(struct shard *sh)
{
	static const enum object_kind order[] = {OBJECT_HOLD,	OBJECT_REGISTRATION, OBJECT_SUBSCRIPTION, OBJECT_CALL,   OBJECT_DIALOG,
						 OBJECT_REQUEST,      OBJECT_CLIENT,	   OBJECT_SERVER, OBJECT_UA,
						 OBJECT_WATCH,	      OBJECT_INBOX,	   OBJECT_TASK,	  OBJECT_ENDPOINT};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		for (struct object *o = sh->objects; o; o = o->next)
			if (o->kind == order[i])
				close_object(o);
}

/* --- messages --- */

void object_push_message(lua_State *L, struct msg *m)
{
	struct msg **box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = NULL;
	luaL_setmetatable(L, MESSAGE_CLASS);
	*box = mem_ref(m);
}

struct msg *object_check_message(lua_State *L, int arg)
{
	struct msg **box = luaL_checkudata(L, arg, MESSAGE_CLASS);

	return *box;
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
			return script_error(L, "this %s has expired: its test has ended", kinds[o->kind].name);
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

/* --- options --- */

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
	char where[300], text[400];

	if (!sh->cfg.tap || !m || !m->frame || !task_where(L, where, sizeof(where)))
		return;
	snprintf(text, sizeof(text), "%s: %s", actor, where);
	net_comment(sh->net, m->frame, text);
}

#include "bindings/object.h"

#include "bindings/load.h"
#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"
#include "sip/registration.h"
#include "sip/subscription.h"

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

/* Its transaction is over, and maybe the call that it ended. */
static void on_request_over(struct uac *uac, void *arg)
{
	struct object *o = arg;

	(void)uac;
	if (o->anchor == LUA_NOREF)
		return;
	object_may_be_over(o);
	if (o->owner->kind == OBJECT_CALL && o->owner->to_check)
		object_may_be_over(o->owner);
}

void object_follow_request(struct object *o)
{
	struct uac *uac = o->p;

	if (uac->first || uac->over) { /* the engine follows it */
		object_may_be_over(o);
		return;
	}
	uac->over = on_request_over;
	uac->first_arg = o;
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
	case OBJECT_REQUEST: {
		struct uac *uac = o->p;
		uac->h = NULL;
		if (uac->over == on_request_over)
			uac->over = NULL;
		break;
	}
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
	inbox_free_all(o);
	if (o->kind != OBJECT_TASK)
		o->p = mem_deref(o->p);
	o->p = NULL;
	o->final = mem_deref(o->final);
	o->final_why = mem_deref(o->final_why);
	o->last = mem_deref(o->last);
}

static void check_no_more(struct object *o)
{
	if (o->to_check)
		TAILQ_REMOVE(&o->sh->checks, o, check);
	o->to_check = false;
}

static void leave_lists(struct object *o)
{
	struct object *member;

	while ((member = LIST_FIRST(&o->members))) { /* the collector may take an endpoint before what stood on it */
		LIST_REMOVE(member, entry);
		LIST_INSERT_HEAD(&o->sh->objects, member, entry);
	}
	LIST_REMOVE(o, entry);
	check_no_more(o);
	if (o->has_iteration)
		LIST_REMOVE(o, of_iteration);
	o->has_iteration = false;
}

static int object_gc(lua_State *L)
{
	struct object *o = lua_touserdata(L, 1);

	if (o->kind == OBJECT_TASK && o->p)
		task_forget_box(o->p);
	close_object(o);
	leave_lists(o);
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
		       !(call->alone && call->alone->ep) && !(call->server && call->server->ep) && !(call->bye && call->bye->ct->ep);
	case OBJECT_DIALOG:
		return o->p && ((struct dialog *)o->p)->over;
	case OBJECT_SUBSCRIPTION:
		return sub && sub->state == SUBSCRIPTION_TERMINATED && !(sub->uac && sub->uac->ct->ep) &&
		       !(sub->notify && sub->notify->ct->ep);
	case OBJECT_HOLD:
		return o->p && object_hold_ended(o);
	default:
		return false;
	}
}

/* --- boxes that are over, so that a long run does not grow: told by the engine, or looked at after a while and again later. When that
 * happens depends on time and the order of the script's doings alone. --- */

#define CHECK_AFTER 33 /* s; what lasts longest, a transaction, takes 32 */
#define CHECKS_AT_ONCE 4
#define UNREAD_KEPT 512

static uint32_t now_in_seconds(const struct shard *sh)
{
	return (uint32_t)(loop_now(sh->loop) / NS_PER_S);
}

static void check_later(struct object *o)
{
	check_no_more(o);
	o->checked = now_in_seconds(o->sh);
	o->to_check = true;
	TAILQ_INSERT_TAIL(&o->sh->checks, o, check);
}

/* The end of the test tells of it. */
static bool has_unread(const struct object *o)
{
	for (const struct inbox *box = o->inboxes; box; box = box->next)
		if (box->lost || (box->count && o->kind == OBJECT_CALL && box->index == CALL_IN_REQUESTS))
			return true;
	return false;
}

void object_may_be_over(struct object *o)
{
	if (o->anchor == LUA_NOREF || o->sh->closing)
		return;
	check_no_more(o);
	if (o->unread || !is_over(o))
		check_later(o);
	else if (!has_unread(o) || ++o->sh->unread_kept > UNREAD_KEPT)
		object_release(o);
}

/* A transaction goes on without its user when that has had its final response. That of an INVITE within a call still has its ACK to repeat. */
static bool is_settled(const struct object *o)
{
	const struct ctrans *ct = o->kind == OBJECT_CLIENT ? o->p : o->kind == OBJECT_REQUEST ? ((struct uac *)o->p)->ct : NULL;

	if (o->kind == OBJECT_CALL)
		return call_is_left(o->p);
	return ct && (!ct->ep || (!ct->invite && ct->state == TRANS_COMPLETED));
}

void object_close_settled(struct object *o)
{
	if (!o->p || !is_settled(o))
		return;
	close_object(o);
	if (o->anchor != LUA_NOREF)
		object_release(o);
}

/* --- boxes at rest --- */

bool object_rest(struct object *o)
{
	struct call *call = o->kind == OBJECT_CALL ? o->p : NULL;

	if (!call || o->rests)
		return true;
	if (call->state < CALL_CONFIRMED)
		return false;
	struct msg_models *models = &call->ua->ep->sb->models;
	struct msg_rest *final = o->final ? msg_rest(models, o->final) : NULL;
	struct msg_rest *last = o->last == o->final ? mem_ref(final) : o->last ? msg_rest(models, o->last) : NULL;
	call_rest(call);
	inbox_rest(o, models);
	if ((o->final && !final) || (o->last && !last)) { /* no memory: they stay as they are */
		mem_deref(final);
		mem_deref(last);
		return true;
	}
	mem_deref(o->final);
	mem_deref(o->last);
	o->final_rest = final;
	o->last_rest = last;
	o->rests = true;
	return true;
}

static struct msg *woken(struct msg_rest *r)
{
	struct msg *m = NULL;

	if (r)
		msg_wake(&m, r);
	mem_deref(r);
	return m;
}

void object_wake(struct object *o)
{
	bool same = o->final_rest == o->last_rest;

	if (!o->rests)
		return;
	o->rests = false;
	o->final = woken(o->final_rest);
	if (same) {
		mem_deref(o->last_rest);
		o->last = mem_ref(o->final);
	} else {
		o->last = woken(o->last_rest);
	}
}

static void check(struct shard *sh)
{
	uint32_t now = now_in_seconds(sh);
	struct object *o;

	for (int n = 0; n < CHECKS_AT_ONCE && (o = TAILQ_FIRST(&sh->checks)) && now - o->checked >= CHECK_AFTER; n++)
		object_may_be_over(o);
}

/* --- boxes --- */

/* A UA and an endpoint live as long as the test, or the iteration of a load that made them. */
static bool is_lasting(const struct object *o)
{
	return o->kind == OBJECT_UA || o->kind == OBJECT_ENDPOINT;
}

struct object *object_new(lua_State *L, enum object_kind kind, void *p, struct object *owner)
{
	struct shard *sh = shard_of(L);
	/* One user value at most: an owner that may go before the box, or what the kind keeps beside. */
	bool holds_owner = owner && !is_lasting(owner);
	bool keeps = kind == OBJECT_CALL || kind == OBJECT_REQUEST || kind == OBJECT_HOLD;

	check(sh);
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
		check_later(o);
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

void object_release(struct object *o)
{
	check_no_more(o);
	luaL_unref(o->sh->L, LUA_REGISTRYINDEX, o->anchor);
	o->anchor = LUA_NOREF;
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

/* What stands on others goes first. */
static const enum object_kind closing_order[] = {OBJECT_HOLD,    OBJECT_REGISTRATION, OBJECT_SUBSCRIPTION, OBJECT_CALL,  OBJECT_DIALOG,
						 OBJECT_REQUEST, OBJECT_CLIENT,       OBJECT_SERVER,       OBJECT_UA,    OBJECT_WATCH,
						 OBJECT_INBOX,   OBJECT_TASK,         OBJECT_ENDPOINT};
#define CLOSING_STEPS (sizeof(closing_order) / sizeof(*closing_order))

/* All of a list and what stands on them, by kind; the links of `check` serve for that. */
static void sort_by_kind(struct object_checks *kinds_of, struct objects *list)
{
	struct object *o;

	LIST_FOREACH(o, list, entry)
	{
		check_no_more(o);
		TAILQ_INSERT_TAIL(&kinds_of[o->kind], o, check);
		sort_by_kind(kinds_of, &o->members);
	}
}

static void close_list(struct objects *list)
{
	struct object_checks of_kind[OBJECT_KINDS];
	struct object *o;

	for (int i = 0; i < OBJECT_KINDS; i++)
		TAILQ_INIT(&of_kind[i]);
	sort_by_kind(of_kind, list);
	for (size_t i = 0; i < CLOSING_STEPS; i++)
		TAILQ_FOREACH(o, &of_kind[closing_order[i]], check)
			close_object(o);
}

void object_close_all(struct shard *sh)
{
	sh->closing = true;
	close_list(&sh->objects);
}

void object_close_endpoint(struct object *endpoint)
{
	struct object *o;

	endpoint->sh->closing = true;
	close_list(&endpoint->members);
	close_object(endpoint);
	endpoint->sh->closing = false;
	LIST_FOREACH(o, &endpoint->members, entry)
	{
		if (o->anchor != LUA_NOREF)
			object_release(o);
		if (o->owner && is_lasting(o->owner))
			o->owner = NULL; /* which it does not keep */
	}
	if (endpoint->anchor != LUA_NOREF)
		object_release(endpoint);
}

static void each(struct objects *list, object_h *h, void *arg)
{
	struct object *o;

	LIST_FOREACH(o, list, entry)
	{
		h(o, arg);
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
	sched_charge(&shard_of(L)->sched, L, sizeof(*m) + m->s.bytes.l);
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

/* Holds in Lua: datagrams that stay at their sender until the script lets them go. */
#include "bindings/object.h"

#include "bindings/shard.h"
#include "core/mem.h"

#include <stdio.h>

/* What a hold takes: a range of statuses, or a method. */
struct want {
	unsigned low, high;
	struct slice method;
};

struct hold {
	struct object *o;
	struct net_hold *net;
	bool ended;
	unsigned count;       /* of wants; 0: everything */
	struct slice method;  /* of the transaction; p NULL: any. Slices point into the table that is the box's user value */
	char words[400];      /* "the hold from bob to alice", for people */
	struct want wants[];
};

static void hold_destroy(void *block)
{
	mem_deref(((struct hold *)block)->net);
}

static bool wants(const struct hold *h, const struct msg *m)
{
	if (h->method.p && !slice_eq(msg_method(m), h->method))
		return false;
	for (unsigned i = 0; i < h->count; i++) {
		const struct want *w = &h->wants[i];
		if (m->s.request ? w->method.p && slice_eq(m->s.method, w->method) : m->s.status >= w->low && m->s.status <= w->high)
			return true;
	}
	return !h->count;
}

/* net_hold_h: the message stands for the datagram. */
static void *on_datagram(const struct net_datagram *d, void *arg)
{
	struct hold *h = arg;
	struct msg *m;

	if (msg_alloc(&m, (struct slice){(const char *)d->data, d->len}))
		return NULL;
	if (!wants(h, m))
		return mem_deref(m);
	m->src = d->src;
	m->dst = d->dst;
	m->time = loop_now(h->o->sh->loop);
	m->frame = d->frame;
	inbox_push_msg(h->o, 0, m, NULL);
	return m;
}

/* hold(from or nil, to or nil, { [1], ... = status, "2xx" or method; method = ... }, words): stands from now on. [+1] */
static int hold_new(lua_State *L)
{
	struct shard *sh = shard_of(L);
	const char *from = luaL_optstring(L, 1, NULL), *to = luaL_optstring(L, 2, NULL), *words = luaL_checkstring(L, 4);
	struct hold *h;

	luaL_checktype(L, 3, LUA_TTABLE);
	unsigned count = (unsigned)lua_rawlen(L, 3);
	struct object *o = object_new(L, OBJECT_HOLD, NULL, NULL);
	lua_pushvalue(L, 3);
	lua_setiuservalue(L, -2, OBJECT_BESIDE);
	o->p = h = mem_zalloc(sizeof(*h) + count * sizeof(*h->wants), hold_destroy);
	if (!h)
		return script_error(L, "out of memory for a hold");
	h->o = o;
	h->count = count;
	h->method = opt_slice(L, 3, "method");
	snprintf(h->words, sizeof(h->words), "%s", words);
	for (unsigned i = 0; i < count; i++) {
		struct want *w = &h->wants[i];
		if (lua_rawgeti(L, 3, i + 1) == LUA_TNUMBER) {
			w->low = w->high = (unsigned)lua_tointeger(L, -1);
		} else {
			struct slice s = check_slice(L, -1);
			if (s.l == 3 && !memcmp(s.p + 1, "xx", 2)) {
				w->low = (unsigned)(s.p[0] - '0') * 100;
				w->high = w->low + 99;
			} else {
				w->low = 1; /* no status */
				w->method = s;
			}
		}
		lua_pop(L, 1);
	}
	if (net_hold(&h->net, sh->net, from, to, on_datagram, h)) {
		o->p = mem_deref(h);
		return script_error(L, "out of memory for a hold");
	}
	return 1;
}

/* Nothing comes any more; who waits for it is told. */
static void hold_end(struct hold *h)
{
	if (h->ended)
		return;
	h->ended = true;
	net_hold_end(h->net);
	inbox_close(h->o, 0);
}

/* Argument 2: a message that is held, or NULL for all, which then ends the hold. */
static struct msg *check_held(lua_State *L, struct hold *h, const char *what)
{
	char text[300];

	if (lua_isnone(L, 2)) {
		hold_end(h);
		return NULL;
	}
	if (lua_isnil(L, 2)) /* the result of an optional wait, say: not meant as "all" */
		script_error(L, "%s wants a message that is held, got nil; without an argument it is for all of them", what);
	struct msg *m = object_check_message(L, 2);
	for (size_t i = 0; net_hold_at(h->net, i); i++)
		if (net_hold_at(h->net, i) == m)
			return m;
	script_error(L, "%s: %s does not hold %s (any more): see its messages", what, h->words, msg_summary(text, sizeof(text), m));
	return NULL;
}

/* hold:release([message]): it goes on; all, in order, and the hold ends. */
static int hold_release(lua_State *L)
{
	struct hold *h = object_check(L, 1, OBJECT_HOLD)->p;
	struct msg *m = check_held(L, h, "release");

	if (net_hold_release(h->net, m))
		return script_error(L, "release: out of memory");
	return 0;
}

/* hold:drop([message]): it is lost; all, and the hold ends. */
static int hold_drop(lua_State *L)
{
	struct hold *h = object_check(L, 1, OBJECT_HOLD)->p;

	(void)net_hold_drop(h->net, check_held(L, h, "drop"));
	return 0;
}

static int hold_field(lua_State *L, struct object *o, const char *name)
{
	struct hold *h = o->p;
	struct msg *m;

	if (strcmp(name, "messages"))
		return 0;
	lua_newtable(L);
	for (size_t i = 0; (m = net_hold_at(h->net, i)); i++) {
		object_push_message(L, m);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* is_held(hold, message): now. */
static int hold_is_held(lua_State *L)
{
	struct hold *h = object_check(L, 1, OBJECT_HOLD)->p;
	struct msg *m = object_check_message(L, 2), *held = NULL;

	for (size_t i = 0; (held = net_hold_at(h->net, i)) && held != m; i++)
		;
	lua_pushboolean(L, held != NULL);
	return 1;
}

bool object_hold_ended(const struct object *o)
{
	return ((struct hold *)o->p)->ended;
}

void object_hold_finish(struct object *o, struct buf *notes)
{
	struct hold *h = o->p;
	struct msg *m;
	char text[300];
	size_t n = 0;

	while (net_hold_at(h->net, n))
		n++;
	if (n)
		buf_printf(notes, "%s: %zu message%s never released\n", h->words, n, n > 1 ? "s" : "");
	for (size_t i = 0; (m = net_hold_at(h->net, i)); i++)
		buf_printf(notes, "  %s sent at %.3f s\n", msg_summary(text, sizeof(text), m), (double)m->time / 1e9);
	hold_end(h);
	(void)net_hold_drop(h->net, NULL);
}

void lib_hold_open(lua_State *L)
{
	static const luaL_Reg methods[] = {{"release", hold_release}, {"drop", hold_drop}, {NULL, NULL}};
	static const luaL_Reg functions[] = {{"hold", hold_new}, {"is_held", hold_is_held}, {NULL, NULL}};

	object_class(L, OBJECT_HOLD, methods, hold_field);
	luaL_setfuncs(L, functions, 0);
}

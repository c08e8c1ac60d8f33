/* Endpoints and transactions in Lua. */
#include "bindings/object.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"
#include "sip/transaction.h"

#include <stdio.h>

/* --- timers --- */

/* The value on top: seconds, or false for never. 0 is at once, which the engine writes 1 (its 0 is "not set"). */
static void read_timer(lua_State *L, uint64_t *timer, const char *name)
{
	if (lua_isnil(L, -1))
		return;
	if (lua_type(L, -1) == LUA_TNUMBER)
		*timer = seconds_to_ns(L, lua_tonumber(L, -1), name);
	else if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
		*timer = TIMER_NEVER;
	else
		script_error(L, "%s wants seconds, or false for never; got %s", name, luaL_typename(L, -1));
	if (!*timer)
		*timer = 1;
}

/* The field `timers` of the table at t: { T1 = 0.5, B = 32, ... } in seconds, false for never. */
static void opt_timers(lua_State *L, int t, struct sip_timers *timers)
{
	if (lua_type(L, t) != LUA_TTABLE)
		return;
	if (lua_getfield(L, t, "timers") != LUA_TNIL) {
		luaL_checktype(L, -1, LUA_TTABLE);
#define READ_TIMER(field, name, meaning)                                                                              \
	lua_getfield(L, -1, name);                                                                                    \
	read_timer(L, &timers->field, "timer " name);                                                                 \
	lua_pop(L, 1);
		SIP_TIMERS(READ_TIMER)
#undef READ_TIMER
	}
	lua_pop(L, 1);
}

/* --- what the engine tells --- */

static void on_seen(struct endpoint *ep, struct msg *m, void *arg)
{
	struct object *o = arg;

	(void)ep;
	/* Without a recording there is no number; that of several watches the order is known, they give one. */
	if (o->watches && !m->frame && !o->sh->cfg.tap)
		m->frame = ++o->sh->seen;
	for (struct object *w = o->watches; w; w = w->watches)
		inbox_push_msg(w, 0, m, NULL);
}

static void on_server_event(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	static const char *const names[] = {
		[STRANS_CANCELLED] = "cancelled", [STRANS_ACKED] = "acked", [STRANS_NO_ACK] = "no ack", [STRANS_TERMINATED] = "terminated"};
	struct object *o = arg;

	(void)st;
	if (m)
		inbox_push_msg(o, 0, m, names[ev]);
	else
		inbox_push_event(o, 0, names[ev]);
}

void object_listen_server(struct object *o)
{
	struct strans *st = o->p;

	st->h = on_server_event;
	st->arg = o;
}

void object_push_server(struct object *owner, unsigned index, struct strans *st)
{
	lua_State *L = owner->sh->L;
	struct object *o = object_new(L, OBJECT_SERVER, st, owner);

	object_listen_server(o);
	inbox_push_object(owner, index, o);
	lua_pop(L, 1);
}

bool endpoint_to_transaction(struct object *o, struct msg *m)
{
	struct strans *st;

	/* An ACK that no transaction knows is that of a 2xx: it has none of its own (RFC 3261 13.2.2.4). */
	if (!m->s.request || slice_eq(m->s.method, SLICE_LIT("ACK")))
		return false;
	if (strans_create(&st, o->p, m, NULL, NULL, NULL, NULL))
		return false;
	object_push_server(o, 1, st);
	return true;
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct object *o = arg;

	(void)ep;
	return o->claims && endpoint_to_transaction(o, m);
}

static void on_unclaimed(struct endpoint *ep, struct msg *m, void *arg)
{
	struct object *o = arg;

	(void)ep;
	inbox_push_msg(o, 0, m, NULL);
}

/* --- endpoint --- */

/* Under load: `nth` is the place of the endpoint among those of its context, `beside` another of these, or true for the first one of a context
 * whose endpoints are to be found by each other's Call-IDs. The options are at 1. */
static int share_home(lua_State *L, struct shard *sh, struct endpoint_cfg *cfg, struct err *e)
{
	const struct shard_share *share = sh->cfg.share;
	int err = 0;

	cfg->sb = share->home(share->arg, opt_count(L, 1, "nth", UINT32_MAX, 0), cfg->name, e);
	if (!cfg->sb)
		return e->code;
	if (lua_getfield(L, 1, "beside") == LUA_TBOOLEAN)
		err = scope_alloc(&cfg->scope, share->scopes);
	else if (!lua_isnil(L, -1))
		cfg->scope = mem_ref(((struct endpoint *)object_check(L, -1, OBJECT_ENDPOINT)->p)->scope);
	lua_pop(L, 1);
	return err ? err_set(e, err, "out of memory for endpoint %s", cfg->name) : 0;
}

/* endpoint { name, address, port, v6, timers }: binds. [+1] */
static int endpoint_new(lua_State *L)
{
	struct shard *sh = shard_of(L);
	struct endpoint_handlers h = {.request = on_request, .unclaimed = on_unclaimed};
	struct sip_timers timers = {0};
	struct addr local, target;
	struct endpoint *ep;
	struct err e = {0};
	bool has_local = false;

	luaL_checktype(L, 1, LUA_TTABLE);
	struct slice name = opt_slice(L, 1, "name"), address = opt_slice(L, 1, "address");
	uint32_t port = opt_count(L, 1, "port", 65535, 0);
	bool v6 = opt_flag(L, 1, "ipv6", sh->cfg.v6);
	opt_timers(L, 1, &timers);
	if (address.p) {
		if (!addr_set(&local, address, (uint16_t)port))
			return script_error(L, "\"%s\" is not a numeric address", address.p);
		has_local = true;
	} else if (sh->cfg.target && !sh->cfg.virtual_clock && !sh->cfg.share) {
		/* Against a live target: an address from which the host reaches it, unless the script wants the other family. */
		lua_pushstring(L, sh->cfg.target);
		check_address(L, -1, &target);
		lua_pop(L, 1);
		has_local = lua_getfield(L, 1, "ipv6") == LUA_TNIL || v6 == addr_is_v6(&target);
		lua_pop(L, 1);
		if (has_local && net_source_for(&local, &target, &e))
			return raise_err(L, &e);
		addr_set_port(&local, (uint16_t)port);
	}
	if (port && !has_local)
		return script_error(L, "a port needs an address beside it, as each actor has a host of its own");
	struct object *o = object_new(L, OBJECT_ENDPOINT, NULL, NULL);
	h.arg = o;
	struct endpoint_cfg cfg = {
		.net = sh->net,
		.name = name.p,
		.local = has_local ? &local : NULL,
		.v6 = v6,
		.timers = &timers,
		.seed = sh->cfg.seed,
		.test = sh->test,
		.run_id = sh->cfg.run_id,
	};
	int err = sh->cfg.share && !has_local && v6 == sh->cfg.v6 ? share_home(L, sh, &cfg, &e) : 0;
	if (!err)
		err = endpoint_alloc(&ep, &cfg, &h, &e);
	mem_deref(cfg.scope);
	if (err)
		return raise_err(L, &e);
	ep->in_dialog = call_in_dialog;
	o->p = ep;
	return 1;
}

static int endpoint_field(lua_State *L, struct object *o, const char *name)
{
	struct endpoint *ep = o->p;
	char text[ADDR_STRLEN];

	if (!strcmp(name, "name"))
		lua_pushstring(L, ep->name);
	else if (!strcmp(name, "uri"))
		lua_pushfstring(L, "sip:%s%s%s", ep->user ? ep->user : "", ep->user ? "@" : "", addr_str(text, endpoint_local(ep)));
	else if (!strcmp(name, "address"))
		lua_pushstring(L, addr_str(text, endpoint_local(ep)));
	else if (!strcmp(name, "host"))
		lua_pushstring(L, addr_host(text, endpoint_local(ep)));
	else if (!strcmp(name, "port"))
		lua_pushinteger(L, addr_port(endpoint_local(ep)));
	else
		return 0;
	return 1;
}

/* ep:send(bytes or message, address): these bytes and nothing else; the message as sent. [+1] */
static int endpoint_send_bytes(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_ENDPOINT);
	struct endpoint *ep = o->p;
	struct slice bytes;
	struct addr dst;
	struct err e = {0};
	struct msg *m;
	char who[80];

	if (lua_type(L, 2) == LUA_TUSERDATA)
		bytes = object_check_message(L, 2)->s.bytes;
	else
		bytes = check_slice(L, 2);
	luaL_argcheck(L, !lua_isnoneornil(L, 3), 3, "where to? e.g. target, or an endpoint");
	check_address(L, 3, &dst);
	if (endpoint_send(ep, bytes, &dst, &m, &e))
		return raise_err(L, &e);
	/* What a script sends byte for byte may be malformed on purpose: whoever reads the capture is told. */
	snprintf(who, sizeof(who), "%s, raw bytes", ep->name);
	note_sent(L, m, who);
	object_push_message(L, m);
	mem_deref(m);
	return 1;
}

/* claim(ep): from now on requests become server transactions; those that wait already, too. */
static int endpoint_claim(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_ENDPOINT);
	const struct switchboard *sb = ((struct endpoint *)o->p)->sb;
	const struct inbox *unclaimed = inbox_find(o, 0);
	unsigned waiting = unclaimed ? unclaimed->count : 0;
	struct strans *st;

	if (o->claims)
		return 0;
	o->claims = true;
	while (waiting--) {
		struct item *it = inbox_take(o, 0);
		struct msg *m = it->p;
		/* A request, then its retransmissions, in the order they came. */
		if (!m->s.request || m->s.flaws & SCAN_NOT_SIP ||
		    !(((st = strans_find(sb, m)) && strans_receive(st, m)) || endpoint_to_transaction(o, m)))
			inbox_push_msg(o, 0, m, NULL);
		mem_deref(it);
	}
	return 0;
}

/* close_endpoint(ep): it and all that stands on it, before the end of the run */
static int endpoint_close(lua_State *L)
{
	struct object *o = luaL_checkudata(L, 1, object_kind_name(OBJECT_ENDPOINT));

	if (o->p)
		object_close_endpoint(o);
	return 0;
}

/* watch(ep): a box whose inbox gets everything that the endpoint sends and receives. [+1] */
static int endpoint_watch(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_ENDPOINT);
	struct object *w = object_new(L, OBJECT_WATCH, NULL, o);

	w->watches = o->watches;
	o->watches = w;
	((struct endpoint *)o->p)->h.seen = on_seen;
	return 1;
}

static int watch_field(lua_State *L, struct object *o, const char *name)
{
	if (strcmp(name, "actor"))
		return 0;
	lua_pushstring(L, object_actor(o));
	return 1;
}

/* via(ep): a Via value with a fresh branch; tag(ep), call_id(ep), branch(ep): fresh identifiers. */
static int endpoint_fresh_via(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_ENDPOINT);
	struct buf b = {0};

	endpoint_via(o->p, &b);
	lua_pushlstring(L, (const char *)b.p, b.len);
	buf_free(&b);
	return 1;
}

static int endpoint_fresh_tag(lua_State *L)
{
	char text[ENDPOINT_ID_LEN];

	endpoint_tag(object_check(L, 1, OBJECT_ENDPOINT)->p, text);
	lua_pushstring(L, text);
	return 1;
}

static int endpoint_fresh_call_id(lua_State *L)
{
	char text[ENDPOINT_ID_LEN];

	endpoint_call_id(object_check(L, 1, OBJECT_ENDPOINT)->p, text);
	lua_pushstring(L, text);
	return 1;
}

/* counters(ep): { not_sip, flawed, stray_responses, ... } */
static int endpoint_counters(lua_State *L)
{
	struct endpoint *ep = object_check(L, 1, OBJECT_ENDPOINT)->p;

	lua_createtable(L, 0, 5);
#define COUNTER(field)                                                                                                \
	lua_pushinteger(L, (lua_Integer)ep->count.field);                                                             \
	lua_setfield(L, -2, #field)
	COUNTER(not_sip);
	COUNTER(flawed);
	COUNTER(stray_responses);
	COUNTER(retransmissions_in);
	COUNTER(retransmissions_out);
#undef COUNTER
	return 1;
}

/* --- client transactions --- */

void object_on_client_response(struct ctrans *ct, struct msg *m, void *arg)
{
	struct object *o = arg;

	(void)ct;
	if (m->s.status >= 200 && !o->final)
		o->final = mem_ref(m);
	inbox_push_msg(o, 0, m, NULL);
}

/* transact(ep, message, address, { timers, retransmit, ack }): a client transaction for a built request. [+1] */
static int client_new(lua_State *L)
{
	struct object *owner = object_check(L, 1, OBJECT_ENDPOINT);
	struct endpoint *ep = owner->p;
	struct msg *m = object_check_message(L, 2);
	struct sip_timers timers = {0};
	struct ctrans_opts opts = {.timers = &timers};
	struct ctrans *ct;
	struct addr dst;
	struct err e = {0};

	if (!m->s.request || !m->s.branch.p)
		return script_error(L, "a transaction needs a request whose Via has a branch; endpoint:send takes any bytes");
	check_address(L, 3, &dst);
	opt_timers(L, 4, &timers);
	if (!timers.t1 && !timers.t2 && !timers.t4) {
#define INHERIT(field, name, meaning) timers.field = timers.field ? timers.field : ep->timers.field;
		SIP_TIMERS(INHERIT)
#undef INHERIT
	}
	opts.no_retransmit = !opt_flag(L, 4, "retransmit", true);
	opts.no_ack = !opt_flag(L, 4, "ack", true);
	struct object *o = object_new(L, OBJECT_CLIENT, NULL, owner);
	/* A request that went out once already goes again as a message of its own. */
	struct msg *own = NULL;
	if (m->dst.u.sa.sa_family && msg_alloc(&own, m->s.bytes))
		return script_error(L, "out of memory for a message");
	int err = ctrans_create(&ct, ep, own ? own : m, &dst, &opts, object_on_client_response, o, &e);
	mem_deref(own);
	if (err) {
		object_release(o);
		return raise_err(L, &e);
	}
	o->p = ct;
	note_sent(L, ct->request, ep->name);
	return 1;
}

static int client_field(lua_State *L, struct object *o, const char *name)
{
	struct ctrans *ct = o->p;

	if (!strcmp(name, "request"))
		object_push_message(L, ct->request);
	else if (!strcmp(name, "state"))
		lua_pushstring(L, trans_state_name(ct->state));
	else if (!strcmp(name, "retransmissions"))
		lua_pushinteger(L, ct->retransmissions);
	else if (!strcmp(name, "repeated_responses"))
		lua_pushinteger(L, ct->repeated_responses);
	else if (!strcmp(name, "response"))
		o->final ? object_push_message(L, o->final) : lua_pushnil(L);
	else if (!strcmp(name, "actor"))
		lua_pushstring(L, ((struct endpoint *)o->owner->p)->name);
	else
		return 0;
	return 1;
}

/* cancel(ct, now): CANCEL, at once or after the first provisional. */
static int client_cancel(lua_State *L)
{
	struct err e = {0};

	if (ctrans_cancel(object_check(L, 1, OBJECT_CLIENT)->p, lua_toboolean(L, 2), &e))
		return raise_about(L, lua_touserdata(L, 1), &e);
	return 0;
}

/* --- server transactions --- */

static int server_field(lua_State *L, struct object *o, const char *name)
{
	struct strans *st = o->p;

	if (!strcmp(name, "request"))
		object_push_message(L, st->request);
	else if (!strcmp(name, "state"))
		lua_pushstring(L, trans_state_name(st->state));
	else if (!strcmp(name, "retransmissions"))
		lua_pushinteger(L, st->retransmissions);
	else if (!strcmp(name, "repeated_responses"))
		lua_pushinteger(L, st->repeated_responses);
	else if (!strcmp(name, "cancelled"))
		lua_pushboolean(L, st->cancelled);
	else if (!strcmp(name, "response"))
		st->last ? object_push_message(L, st->last) : lua_pushnil(L);
	else if (!strcmp(name, "owner"))
		object_push(L, o->owner);
	else if (!strcmp(name, "to_tag"))
		lua_pushstring(L, st->to_tag);
	else if (!strcmp(name, "actor"))
		lua_pushstring(L, object_actor(o));
	else
		return 0;
	return 1;
}

/* reply(st, status, { reason, headers, body, content_type, to_tag, contact }): the response as sent. [+1] */
static int server_reply(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_SERVER);
	lua_Integer status = luaL_checkinteger(L, 2);
	struct build_response r = {.status = (unsigned)status};
	struct err e = {0};
	struct msg *m;

	luaL_argcheck(L, status >= 100 && status <= 699, 2, "a status is 100 to 699 (endpoint:send takes any bytes)");
	r.reason = opt_slice(L, 3, "reason");
	r.body = opt_slice(L, 3, "body");
	r.content_type = opt_slice(L, 3, "content_type");
	r.to_tag = opt_slice(L, 3, "to_tag");
	r.contact = opt_slice(L, 3, "contact");
	r.extra = opt_headers(L, 3, &r.extra_count);
	if (strans_reply(o->p, &r, &m, &e))
		return raise_about(L, lua_touserdata(L, 1), &e);
	lua_getfield(L, 1, "actor");
	note_sent(L, m, lua_tostring(L, -1));
	object_push_message(L, m);
	mem_deref(m);
	return 1;
}

/* respond(st, bytes or message): a response made by hand, with the transaction's retransmissions. [+1] */
static int server_respond(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_SERVER);
	struct err e = {0};
	struct msg *m;
	int err;

	struct slice bytes = lua_type(L, 2) == LUA_TUSERDATA ? object_check_message(L, 2)->s.bytes : check_slice(L, 2);
	if (msg_alloc(&m, bytes))
		return script_error(L, "out of memory for a message");
	err = strans_respond(o->p, m, &e);
	if (!err)
		object_push_message(L, m);
	mem_deref(m);
	return err ? raise_about(L, lua_touserdata(L, 1), &e) : 1;
}

void lib_endpoint_open(lua_State *L)
{
	static const luaL_Reg endpoint_methods[] = {{"send", endpoint_send_bytes}, {NULL, NULL}};
	static const luaL_Reg server_methods[] = {{"respond", server_respond}, {NULL, NULL}};
	static const luaL_Reg functions[] = {
		{"endpoint", endpoint_new},
		{"close_endpoint", endpoint_close},
		{"claim", endpoint_claim},
		{"watch", endpoint_watch},
		{"via", endpoint_fresh_via},
		{"tag", endpoint_fresh_tag},
		{"call_id", endpoint_fresh_call_id},
		{"counters", endpoint_counters},
		{"transact", client_new},
		{"cancel", client_cancel},
		{"reply", server_reply},
		{NULL, NULL},
	};

	object_class(L, OBJECT_ENDPOINT, endpoint_methods, endpoint_field);
	object_class(L, OBJECT_WATCH, NULL, watch_field);
	object_class(L, OBJECT_CLIENT, NULL, client_field);
	object_class(L, OBJECT_SERVER, server_methods, server_field);
	luaL_setfuncs(L, functions, 0);
}

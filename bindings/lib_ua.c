/* User agents, their requests and registrations in Lua. */
#include "bindings/lib_ua.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"
#include "sip/registration.h"

#include <stdio.h>

void object_set_final(struct object *o, struct msg *m, const char *why)
{
	if (m->s.status < 200)
		return;
	object_wake(o);
	mem_ref(m);
	mem_deref(o->final);
	o->final = m;
	o->final_why = mem_deref(o->final_why);
	if (why && (o->final_why = mem_zalloc(strlen(why) + 1, NULL)))
		memcpy(o->final_why, why, strlen(why));
}

void object_expect_anew(struct object *o)
{
	object_wake(o);
	o->final = mem_deref(o->final);
	o->last = mem_deref(o->last);
	o->final_given = false;
}

int object_push_final(lua_State *L, struct object *o)
{
	object_wake(o);
	o->final ? object_push_message(L, o->final) : lua_pushnil(L);
	return 1;
}

/* --- what a script says of a request --- */

const char *opt_direction(lua_State *L, int t)
{
	struct slice name = opt_slice(L, t, "direction");
	const char *direction = name.p ? sdp_direction(name) : NULL;

	if (name.p && !direction)
		script_error(L, "option \"direction\" wants sendrecv, sendonly, recvonly or inactive, got \"%s\"", name.p);
	return direction;
}

void opt_request(lua_State *L, int t, struct spoken *s)
{
	memset(s, 0, sizeof(*s));
	if (lua_isnoneornil(L, t)) {
		lua_pushnil(L);
		return;
	}
	t = lua_absindex(L, t);
	s->r.uri = opt_slice(L, t, "uri");
	s->r.to = opt_slice(L, t, "to");
	s->r.from = opt_slice(L, t, "from");
	s->r.content_type = opt_slice(L, t, "content_type");
	s->r.body = opt_slice(L, t, "body");
	s->r.call_id = opt_slice(L, t, "call_id");
	s->r.cseq = opt_count(L, t, "cseq", UINT32_MAX, 0);
	s->r.no_contact = !opt_flag(L, t, "contact", true);
	s->r.no_proxy = opt_off(L, t, "outbound_proxy");
	s->r.no_sdp = opt_off(L, t, "sdp");
	if (lua_type(L, t) == LUA_TTABLE && !s->r.no_sdp) {
		s->r.sdp = lua_getfield(L, t, "sdp") == LUA_TBOOLEAN;
		lua_pop(L, 1);
	}
	struct slice sdp = s->r.no_sdp || s->r.sdp ? SLICE_NONE : opt_slice(L, t, "sdp");
	if (sdp.p && !s->r.body.p) {
		s->r.body = sdp;
		s->r.content_type = SLICE_LIT("application/sdp");
	}
	if (lua_type(L, t) == LUA_TTABLE) {
		if (lua_getfield(L, t, "destination") != LUA_TNIL) {
			check_address(L, -1, &s->dst);
			s->r.dst = &s->dst;
		}
		lua_pop(L, 1);
	}
	s->r.extra = opt_headers(L, t, &s->r.extra_count);
}

void opt_session(lua_State *L, int t, struct session_opts *o)
{
	struct slice who = opt_slice(L, t, "refresher");

	o->expires = opt_count(L, t, "session_expires", UINT32_MAX, o->expires);
	o->min_se = opt_count(L, t, "min_se", UINT32_MAX, o->min_se);
	if (slice_eq(who, SLICE_LIT("uac")))
		o->refresher = SESSION_UAC;
	else if (slice_eq(who, SLICE_LIT("uas")))
		o->refresher = SESSION_UAS;
	else if (who.p)
		script_error(L, "option \"refresher\" wants \"uac\" or \"uas\", got \"%s\"", who.p);
}

/* --- UA --- */

static bool on_ua_request(struct ua *ua, struct strans *st, void *arg)
{
	struct object *o = arg;

	(void)ua;
	object_push_server(o, 1, mem_ref(st));
	return true;
}

static bool on_endpoint_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct object *endpoint = arg;

	/* A script that reads requests from the endpoint itself has gone below the UA. */
	(void)ep;
	if (endpoint->claims)
		return endpoint_to_transaction(endpoint, m);
	return endpoint->ua && endpoint->ua->p && ua_receive(endpoint->ua->p, m);
}

/* Field `claims`: methods whose requests wait for the script from the beginning, within calls and, but for an INVITE, outside. */
static void claim_from_the_start(lua_State *L, int t, struct ua *ua)
{
	struct err e = {0};

	if (lua_getfield(L, t, "claims") == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	if (!lua_istable(L, -1))
		script_error(L, "option \"claims\" wants a list of methods, got %s", luaL_typename(L, -1));
	for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
		struct slice method = check_slice(L, -1);
		if (ua_claim(&ua->in_calls, method, &e) ||
		    (!slice_eq(method, SLICE_LIT("INVITE")) && ua_claim(&ua->claims, method, &e)))
			raise_err(L, &e);
		lua_pop(L, 1);
	}
	lua_pop(L, 2);
}

/* ua(endpoint, { aor, display, username, password, ha1, outbound_proxy, contact_user, user_agent, max_auth_attempts, algorithms,
 *   auth_int, answers, limits }) [+1] */
static int ua_new(lua_State *L)
{
	struct object *endpoint = object_check(L, 1, OBJECT_ENDPOINT);
	luaL_checktype(L, 2, LUA_TTABLE);
	struct ua_handlers h = {.incoming = object_push_call, .request = on_ua_request};
	struct ua_cfg cfg = {
		.aor = opt_slice(L, 2, "aor"),
		.display = opt_slice(L, 2, "display"),
		.outbound_proxy = opt_slice(L, 2, "outbound_proxy"),
		.contact_user = opt_slice(L, 2, "contact_user"),
		.user_agent = opt_slice(L, 2, "user_agent"),
		.supports = opt_slice(L, 2, "supports"),
		.requires = opt_slice(L, 2, "requires"),
		.account = {.username = opt_slice(L, 2, "username"),
			    .password = opt_slice(L, 2, "password"),
			    .ha1 = opt_slice(L, 2, "ha1"),
			    .max_attempts = opt_count(L, 2, "max_auth_attempts", 1000, 1),
			    .prefer_auth_int = opt_flag(L, 2, "auth_int", false)},
		.answers = (1u << UA_ANSWER_COUNT) - 1,
	};
	struct err e = {0};
	struct ua *ua;

	if (lua_getfield(L, 2, "algorithms") != LUA_TNIL) {
		if (!lua_istable(L, -1))
			script_error(L, "option \"algorithms\" wants a list of names, got %s", luaL_typename(L, -1));
		for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
			enum digest_alg alg = digest_alg_from(check_slice(L, -1));
			if (alg == DIGEST_ALG_UNKNOWN)
				script_error(L, "algorithm \"%s\" is not one of MD5, SHA-256, SHA-512-256 and their -sess forms",
					   lua_tostring(L, -1));
			cfg.account.algs |= DIGEST_ALG_BIT(alg);
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	if (lua_getfield(L, 2, "answers") == LUA_TTABLE) {
#define READ_ANSWER(bit, name, what, section)                                                                         \
	if (!opt_flag(L, -1, name, true))                                                                             \
		cfg.answers &= ~UA_ANSWER(bit);
		UA_ANSWERS(READ_ANSWER)
#undef READ_ANSWER
	}
	lua_pop(L, 1);
	opt_session(L, 2, &cfg.session);
	if (lua_getfield(L, 2, "limits") == LUA_TTABLE) {
		cfg.limits.uri = opt_count(L, -1, "uri", 65535, 0);
		cfg.limits.body = opt_count(L, -1, "body", 65535, 0);
		cfg.limits.message = opt_count(L, -1, "message", 65535, 0);
	}
	lua_pop(L, 1);
	struct object *o = object_new(L, OBJECT_UA, NULL, endpoint);
	h.arg = o;
	if (ua_alloc(&ua, endpoint->p, &cfg, &h, &e))
		return raise_err(L, &e);
	o->p = ua;
	claim_from_the_start(L, 2, ua);
	endpoint->ua = o;
	((struct endpoint *)endpoint->p)->h.request = on_endpoint_request;
	return 1;
}

/* answer_names(): what can be switched off, with what it does and its RFC section. */
static int answer_names(lua_State *L)
{
	lua_createtable(L, UA_ANSWER_COUNT, 0);
#define PUSH_ANSWER(bit, label, what, section)                                                                        \
	lua_createtable(L, 0, 3);                                                                                     \
	lua_pushliteral(L, label);                                                                                    \
	lua_setfield(L, -2, "name");                                                                                  \
	lua_pushliteral(L, what);                                                                                     \
	lua_setfield(L, -2, "does");                                                                                  \
	lua_pushliteral(L, section);                                                                                  \
	lua_setfield(L, -2, "section");                                                                               \
	lua_rawseti(L, -2, UA_ANSWER_##bit##_ + 1);
	UA_ANSWERS(PUSH_ANSWER)
#undef PUSH_ANSWER
	return 1;
}

static int ua_field(lua_State *L, struct object *o, const char *name)
{
	struct ua *ua = o->p;

	if (!strcmp(name, "endpoint"))
		object_push(L, o->owner);
	else if (!strcmp(name, "name"))
		lua_pushstring(L, ua_name(ua));
	else if (!strcmp(name, "aor"))
		push_slice(L, ua->cfg.aor);
	else if (!strcmp(name, "contact") || !strcmp(name, "uri"))
		push_slice(L, ua->contact);
	else
		return 0;
	return 1;
}

/* claim_requests(ua or call, method): requests of that method, or of all, wait for the script instead of being answered. */
static int claim_requests(lua_State *L)
{
	struct object *o = luaL_testudata(L, 1, "call");
	struct slice method = lua_isnoneornil(L, 2) ? SLICE_NONE : check_slice(L, 2);
	struct ua_claims *claims;
	struct err e = {0};

	if (o && o->p)
		claims = &((struct call *)o->p)->claims;
	else
		claims = &((struct ua *)object_check(L, 1, OBJECT_UA)->p)->claims;
	return ua_claim(claims, method, &e) ? raise_err(L, &e) : 0;
}

/* build(ua, method, options): a valid request, unsent. [+1] */
static int request_build(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_UA);
	struct slice method = check_slice(L, 2);
	struct spoken s;
	struct buf b = {0};
	struct addr dst;
	struct err e = {0};
	struct msg *m;

	opt_request(L, 3, &s);
	s.dst = (struct addr){0};
	s.r.dst = &s.dst; /* nothing is sent, so nothing need resolve */
	int err = ua_build(o->p, &b, &dst, method, &s.r, SLICE_NONE, &e);
	if (!err)
		err = msg_alloc(&m, buf_slice(&b));
	buf_free(&b);
	if (err)
		return e.code ? raise_err(L, &e) : script_error(L, "out of memory for a request");
	object_push_message(L, m);
	mem_deref(m);
	return 1;
}

/* --- requests outside dialogs and within --- */

void object_on_response(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct object *o = arg;

	(void)uac;
	object_set_final(o, m, why);
	inbox_push_msg(o, 0, m, why);
}

/* A request of the script's needs somewhere to keep what a UA keeps for a call. */
struct loose {
	struct auth auth;
	uint32_t cseq;
};

static int loose_gc(lua_State *L)
{
	auth_free(&((struct loose *)lua_touserdata(L, 1))->auth);
	return 0;
}

/* request(ua, method, options or nil, uri): sends it, answers challenges. [+1] */
static int request_new(lua_State *L)
{
	struct object *owner = object_check(L, 1, OBJECT_UA);
	struct ua *ua = owner->p;
	struct slice method = check_slice(L, 2);
	struct spoken s;
	struct buf b = {0};
	struct addr dst;
	struct err e = {0};
	struct msg *m = NULL;
	struct uac *uac;

	lua_settop(L, 4);
	opt_request(L, 3, &s);
	if (!lua_isnil(L, 4))
		s.r.uri = check_slice(L, 4);
	struct loose *loose = lua_newuserdatauv(L, sizeof(*loose), 0);
	memset(loose, 0, sizeof(*loose));
	loose->cseq = s.r.cseq ? s.r.cseq : 1;
	if (luaL_newmetatable(L, "loose")) {
		lua_pushcfunction(L, loose_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	int at = lua_gettop(L);

	struct object *o = object_new(L, OBJECT_REQUEST, NULL, owner);
	lua_pushvalue(L, at);
	lua_setiuservalue(L, -2, OBJECT_BESIDE); /* as long as the request */
	int err = ua_build(ua, &b, &dst, method, &s.r, SLICE_NONE, &e);
	if (!err)
		err = msg_alloc(&m, buf_slice(&b));
	buf_free(&b);
	if (!err)
		err = uac_alloc(&uac, ua, &loose->auth, &loose->cseq, m, &dst, NULL, object_on_response, o, &e);
	mem_deref(m);
	if (err) {
		object_release(o);
		return e.code ? raise_err(L, &e) : script_error(L, "out of memory for a request");
	}
	o->p = uac;
	object_follow_request(o);
	note_sent(L, uac->request, ua_name(ua));
	return 1;
}

static int request_field(lua_State *L, struct object *o, const char *name)
{
	struct uac *uac = o->p;

	if (!strcmp(name, "request"))
		object_push_message(L, uac->request);
	else if (!strcmp(name, "response"))
		object_push_final(L, o);
	else if (!strcmp(name, "challenges"))
		lua_pushinteger(L, uac->challenges);
	else if (!strcmp(name, "state"))
		lua_pushstring(L, trans_state_name(uac->ct->state));
	else if (!strcmp(name, "retransmissions"))
		lua_pushinteger(L, uac->ct->retransmissions);
	else if (!strcmp(name, "repeated_responses"))
		lua_pushinteger(L, uac->ct->repeated_responses);
	else if (!strcmp(name, "actor"))
		lua_pushstring(L, ua_name(uac->ua));
	else if (!strcmp(name, "why"))
		lua_pushstring(L, o->final_why);
	else
		return 0;
	return 1;
}

/* --- registrations --- */

static void on_register_response(struct registration *reg, struct msg *m, const char *why, void *arg)
{
	struct object *o = arg;

	(void)reg;
	object_set_final(o, m, why);
	inbox_push_msg(o, 0, m, why);
}

/* register(ua, { registrar, expires, refresh, headers }) [+1] */
static int registration_new(lua_State *L)
{
	struct object *owner = object_check(L, 1, OBJECT_UA);
	struct registration_opts opts = {.registrar = opt_slice(L, 2, "registrar"),
					 .expires = opt_count(L, 2, "expires", UINT32_MAX, 3600),
					 .no_refresh = !opt_flag(L, 2, "refresh", true)};
	struct registration *reg;
	struct err e = {0};

	opts.extra = opt_headers(L, 2, &opts.extra_count);
	struct object *o = object_new(L, OBJECT_REGISTRATION, NULL, owner);
	if (registration_start(&reg, owner->p, &opts, on_register_response, o, &e)) {
		object_release(o);
		return raise_err(L, &e);
	}
	o->p = reg;
	note_sent(L, reg->last, ua_name(reg->ua));
	return 1;
}

/* register_again(registration, expires = as before) */
static int registration_again_lua(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_REGISTRATION);
	struct registration *reg = o->p;
	lua_Integer expires = luaL_optinteger(L, 2, UINT32_MAX);
	struct err e = {0};

	if (expires < 0 || expires > UINT32_MAX)
		return script_error(L, "expires %I is not a number of seconds from 0 to 2**32 - 1", expires);
	if (registration_again(reg, (uint32_t)expires, &e))
		return raise_about(L, lua_touserdata(L, 1), &e);
	object_expect_anew(o);
	note_sent(L, reg->last, ua_name(reg->ua));
	return 0;
}

static int registration_field(lua_State *L, struct object *o, const char *name)
{
	struct registration *reg = o->p;

	if (!strcmp(name, "request"))
		object_push_message(L, reg->last);
	else if (!strcmp(name, "response"))
		object_push_final(L, o);
	else if (!strcmp(name, "challenges"))
		lua_pushinteger(L, reg->uac->challenges);
	else if (!strcmp(name, "expires"))
		lua_pushinteger(L, reg->granted);
	else if (!strcmp(name, "refreshes"))
		lua_pushinteger(L, reg->refreshes);
	else if (!strcmp(name, "actor"))
		lua_pushstring(L, ua_name(reg->ua));
	else if (!strcmp(name, "why"))
		lua_pushstring(L, o->final_why);
	else
		return 0;
	return 1;
}

void lib_ua_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"ua", ua_new},
		{"answer_names", answer_names},
		{"claim_requests", claim_requests},
		{"build", request_build},
		{"request", request_new},
		{"register", registration_new},
		{"register_again", registration_again_lua},
		{NULL, NULL},
	};

	object_class(L, OBJECT_UA, NULL, ua_field);
	object_class(L, OBJECT_REQUEST, NULL, request_field);
	object_class(L, OBJECT_REGISTRATION, NULL, registration_field);
	luaL_setfuncs(L, functions, 0);
}

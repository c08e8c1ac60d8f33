/* Calls and their dialogs in Lua. */
#include "bindings/lib_ua.h"

#include "bindings/load.h"
#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"

/* --- dialogs --- */

static struct dialog *last_dialog(const struct call *call)
{
	struct dialog *d = call->dialogs;

	while (d && d->next)
		d = d->next;
	return d;
}

/* The table that a call's box keeps, by what its values stand for; the box is on top. [+1] */
static void push_parts(lua_State *L)
{
	if (lua_getiuservalue(L, -1, OBJECT_BESIDE) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_setiuservalue(L, -3, OBJECT_BESIDE);
}

/* The box of what is a call's (a dialog, a transaction): made once, and held by the call's. [+1] */
static struct object *push_part(lua_State *L, struct object *call, enum object_kind kind, void *part, struct object *owner)
{
	struct object *o;

	object_push(L, call);
	push_parts(L);
	if (lua_rawgetp(L, -1, part) == LUA_TNIL) {
		lua_pop(L, 1);
		object_new(L, kind, mem_ref(part), owner);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, -3, part);
	}
	o = lua_touserdata(L, -1);
	lua_replace(L, -3); /* in the place of the call's box, the table above it goes */
	lua_pop(L, 1);
	return o;
}

static void push_dialog(lua_State *L, struct object *call, struct dialog *d)
{
	push_part(L, call, OBJECT_DIALOG, d, call);
}

static void push_forks(lua_State *L, struct object *o)
{
	lua_Integer n = 0;

	lua_newtable(L);
	for (struct dialog *d = ((struct call *)o->p)->dialogs; d; d = d->next) {
		push_dialog(L, o, d);
		lua_rawseti(L, -2, ++n);
	}
}

static int dialog_field(lua_State *L, struct object *o, const char *name)
{
	struct dialog *d = o->p;

	if (!strcmp(name, "call_id"))
		push_slice(L, dialog_texts(d).call_id);
	else if (!strcmp(name, "local_tag"))
		push_slice(L, dialog_texts(d).local_tag);
	else if (!strcmp(name, "remote_tag"))
		push_slice(L, dialog_texts(d).remote_tag);
	else if (!strcmp(name, "local"))
		push_slice(L, dialog_texts(d).local);
	else if (!strcmp(name, "remote"))
		push_slice(L, dialog_texts(d).remote);
	else if (!strcmp(name, "remote_target"))
		push_slice(L, dialog_texts(d).remote_target);
	else if (!strcmp(name, "local_cseq"))
		lua_pushinteger(L, d->local_cseq);
	else if (!strcmp(name, "remote_cseq"))
		lua_pushinteger(L, d->remote_cseq);
	else if (!strcmp(name, "confirmed"))
		lua_pushboolean(L, d->confirmed);
	else if (!strcmp(name, "state"))
		lua_pushstring(L, d->over ? "terminated" : d->confirmed ? "confirmed" : "early");
	else if (!strcmp(name, "call"))
		object_push(L, o->owner);
	else if (!strcmp(name, "route_set")) {
		lua_createtable(L, (int)d->route_count, 0);
		for (unsigned i = 0; i < d->route_count; i++) {
			push_slice(L, d->routes[i]);
			lua_rawseti(L, -2, i + 1);
		}
	} else
		return 0;
	return 1;
}

/* --- the transaction of its INVITE --- */

static void push_transaction(lua_State *L, struct object *o)
{
	struct call *call = o->p;
	struct object *endpoint = o->owner->owner;

	void *part = call->outgoing ? (void *)call_client(call) : call_server(call);

	if (!part)
		script_error(L, "out of memory for a transaction");
	else if (call->outgoing)
		o->transaction = push_part(L, o, OBJECT_CLIENT, part, endpoint);
	else
		object_listen_server(push_part(L, o, OBJECT_SERVER, part, endpoint));
}

/* --- calls --- */

static bool on_call_event(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg)
{
	struct object *o = arg;

	switch (ev) {
	case CALL_RESPONSE:
		object_set_final(o, m, why);
		inbox_push_msg(o, CALL_IN_RESPONSES, m, why);
		if (o->transaction)
			object_on_client_response(call->invite->ct, m, o->transaction);
		break;
	case CALL_FORK:
		push_dialog(o->sh->L, o, last_dialog(call));
		inbox_push_object(o, CALL_IN_FORKS, lua_touserdata(o->sh->L, -1));
		lua_pop(o->sh->L, 1);
		break;
	case CALL_REQUEST:
		object_push_server(o, CALL_IN_REQUESTS, mem_ref(st));
		return true;
	case CALL_ACK:
		inbox_push_msg(o, CALL_IN_ACK, m, NULL);
		break;
	case CALL_BYE:
		inbox_push_msg(o, CALL_IN_BYE, m, NULL);
		break;
	case CALL_CANCELLED:
		inbox_push_msg(o, CALL_IN_CANCEL, m, NULL);
		break;
	case CALL_PRACK:
		inbox_push_msg(o, CALL_IN_PRACK, m, NULL);
		break;
	case CALL_NO_ACK:
		break; /* its end follows, and says so */
	case CALL_ENDED:
		for (unsigned i = CALL_IN_ACK; i <= CALL_IN_ENDED; i++)
			inbox_close(o, i);
		object_may_be_over(o);
		break;
	}
	return true;
}

struct object *object_new_call(lua_State *L, struct object *ua, struct call *call)
{
	struct object *o = object_new(L, OBJECT_CALL, mem_ref(call), ua);

	call_set_handler(call, on_call_event, o);
	if (call->replaces && call->replaces->arg) { /* the script may ask for its box when it would be gone */
		push_parts(L);
		object_push(L, call->replaces->arg);
		lua_rawsetp(L, -2, call->replaces);
		lua_pop(L, 1);
	}
	return o;
}

bool object_push_call(struct ua *ua, struct call *call, void *arg)
{
	struct object *owner = arg;
	lua_State *L = owner->sh->L;

	(void)ua;
	inbox_push_object(owner, 0, object_new_call(L, owner, call));
	lua_pop(L, 1);
	return true;
}

static int start_call(lua_State *L, struct object *owner, const struct ua_request *r, const struct call_opts *opts)
{
	struct ua *ua = owner->p;
	struct err e = {0};
	struct call *call;
	struct object *o = object_new(L, OBJECT_CALL, NULL, owner);

	if (call_invite(&call, ua, r, opts, on_call_event, o, &e)) {
		object_release(o);
		return raise_err(L, &e);
	}
	o->p = call;
	note_sent(L, call->request, ua_name(ua));
	return 1;
}

/* The box of the call that an incoming one replaces; the latter is argument 1. */
static void push_replaced(lua_State *L, const struct call *call)
{
	lua_pushvalue(L, 1);
	push_parts(L);
	lua_rawgetp(L, -1, call->replaces);
	lua_replace(L, -3);
	lua_pop(L, 1);
}

/* invite(ua, options or nil, uri = that of the options): [+1] */
static int call_new(lua_State *L)
{
	struct object *owner = object_check(L, 1, OBJECT_UA);
	struct ua *ua = owner->p;
	struct spoken s;
	struct session_opts session = ua->cfg.session;
	struct slice reliable = opt_slice(L, 2, "reliable");
	struct call_opts opts = {
		.no_ack = !opt_flag(L, 2, "ack", true),
		.no_prack = !opt_flag(L, 2, "prack", true),
		.no_sdp = opt_off(L, 2, "sdp"),
		.keep_forks = opt_flag(L, 2, "keep_forks", false),
		.reliable = !reliable.p				   ? CALL_RELIABLE_NO
			    : slice_eq(reliable, SLICE_LIT("required")) ? CALL_RELIABLE_REQUIRED
									: CALL_RELIABLE_SUPPORTED,
		.max_redirects = (uint16_t)opt_count(L, 2, "max_redirects", 1000, 0),
		.session = &session,
		.direction = opt_direction(L, 2),
		.from_tag = opt_slice(L, 2, "from_tag"),
		.due = load_task_due(shard_of(L)),
		.trans = {.no_retransmit = !opt_flag(L, 2, "retransmit", true)},
	};

	lua_settop(L, 3);
	opt_session(L, 2, &session);
	opt_request(L, 2, &s);
	if (!lua_isnil(L, 3))
		s.r.uri = check_slice(L, 3);
	return start_call(L, owner, &s.r, &opts);
}

/* ua:invite(target), a URI or a UA; see object_quick() */
static int quick_invite(lua_State *L)
{
	struct object *owner = object_quick_self(L), *target = object_at(L, 2);
	struct ua_request r = {.no_contact = false};

	if (owner && lua_gettop(L) == 2) {
		struct call_opts opts = {.due = load_task_due(owner->sh)};
		if (lua_type(L, 2) == LUA_TSTRING)
			r.uri = check_slice(L, 2);
		else if (target && target->kind == OBJECT_UA && target->p)
			r.uri = ((struct ua *)target->p)->contact;
		if (r.uri.p)
			return start_call(L, owner, &r, &opts);
	}
	return object_slow(L);
}

static void push_time(lua_State *L, uint64_t from, uint64_t to)
{
	if (from != CALL_NOT_YET && to != CALL_NOT_YET)
		lua_pushnumber(L, (double)(to - from) / 1e9);
	else
		lua_pushnil(L);
}

static int call_field(lua_State *L, struct object *o, const char *name)
{
	struct call *call = o->p;
	const struct session_timer *timer = session_timer_of(call);

	if (!strcmp(name, "state"))
		lua_pushstring(L, call_state_name(call->state));
	else if (!strcmp(name, "outgoing"))
		lua_pushboolean(L, call->outgoing);
	else if (!strcmp(name, "invite")) { /* "request" is a method of calls */
		struct msg *m = call_invite_msg(call);
		if (!m)
			return script_error(L, "out of memory for a message");
		object_push_message(L, m);
	} else if (!strcmp(name, "response"))
		object_push_final(L, o);
	else if (!strcmp(name, "why"))
		lua_pushstring(L, o->final_why);
	else if (!strcmp(name, "actor"))
		lua_pushstring(L, ua_name(call->ua));
	else if (!strcmp(name, "ua"))
		object_push(L, o->owner);
	else if (!strcmp(name, "challenges"))
		lua_pushinteger(L, call_challenges(call));
	else if (!strcmp(name, "retransmissions"))
		lua_pushinteger(L, call_retransmissions(call));
	else if (!strcmp(name, "repeated_responses"))
		lua_pushinteger(L, call_repeated_2xx(call));
	else if (!strcmp(name, "ended_by"))
		lua_pushstring(L, call->ended_by);
	else if (!strcmp(name, "setup_time")) /* INVITE to its 2xx */
		push_time(L, call->at.invite, call->at.answered);
	else if (!strcmp(name, "post_dial_delay")) /* INVITE to the first 18x (RFC 6076 4.3 calls it session request delay) */
		push_time(L, call->at.invite, call->at.ringing != CALL_NOT_YET ? call->at.ringing : call->at.answered);
	else if (!strcmp(name, "trying_time"))
		push_time(L, call->at.invite, call->at.trying);
	else if (!strcmp(name, "duration"))
		push_time(L, call->at.answered, call->at.ended);
	else if (!strcmp(name, "session_expires")) /* agreed on; nil without a session timer */
		timer->expires ? lua_pushinteger(L, timer->expires) : lua_pushnil(L);
	else if (!strcmp(name, "refresher"))
		timer->expires ? (void)lua_pushstring(L, timer->ours ? "local" : "remote") : lua_pushnil(L);
	else if (!strcmp(name, "session_refreshes"))
		lua_pushinteger(L, timer->refreshes);
	else if (!strcmp(name, "redirects"))
		lua_pushinteger(L, call->redirects);
	else if (!strcmp(name, "repeated_reliable"))
		lua_pushinteger(L, call->repeated_reliable);
	else if (!strcmp(name, "replaces"))
		push_replaced(L, call);
	else if (!strcmp(name, "dialog"))
		call->dialog ? push_dialog(L, o, call->dialog) : lua_pushnil(L);
	else if (!strcmp(name, "forks"))
		push_forks(L, o);
	else if (!strcmp(name, "transaction"))
		push_transaction(L, o);
	else
		return 0;
	return 1;
}

static int send_reply(lua_State *L, struct object *o, const struct call_reply *r)
{
	struct call *call = o->p;
	struct err e = {0};
	struct msg *m;

	if (call_reply(call, r, &m, &e))
		return raise_about(L, o, &e);
	note_sent(L, m, ua_name(call->ua));
	object_push_message(L, m);
	mem_deref(m);
	return 1;
}

/* call_reply(call, status, { reason, headers, sdp, body, content_type }): the response as sent. [+1] */
static int call_answer(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_CALL);
	lua_Integer status = luaL_checkinteger(L, 2);

	luaL_argcheck(L, status >= 100 && status <= 699, 2, "a status is 100 to 699");
	struct call_reply r = {.status = (unsigned)status,
			       .reason = opt_slice(L, 3, "reason"),
			       .reliable = opt_flag(L, 3, "reliable", false),
			       .direction = opt_direction(L, 3)};
	struct spoken s;

	opt_request(L, 3, &s);
	r.content_type = s.r.content_type;
	r.body = s.r.body;
	r.no_sdp = s.r.no_sdp;
	r.sdp = s.r.sdp;
	r.extra = s.r.extra;
	r.extra_count = s.r.extra_count;
	return send_reply(L, o, &r);
}

static int quick_reply_with(lua_State *L, struct object *o, lua_Integer status, int top)
{
	if (!o || lua_gettop(L) != top || status < 100 || status > 699)
		return object_slow(L);
	return send_reply(L, o, &(struct call_reply){.status = (unsigned)status});
}

/* call:reply(status), call:ring(), call:answer(): see object_quick() */
static int quick_reply(lua_State *L)
{
	return quick_reply_with(L, object_quick_self(L), lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0, 2);
}

static int quick_ring(lua_State *L)
{
	return quick_reply_with(L, object_quick_self(L), 180, 1);
}

static int quick_answer(lua_State *L)
{
	return quick_reply_with(L, object_quick_self(L), 200, 1);
}

/* call_cancel(call, now, keep) */
static int call_cancel_lua(lua_State *L)
{
	struct err e = {0};

	if (call_cancel(object_check(L, 1, OBJECT_CALL)->p, lua_toboolean(L, 2), lua_toboolean(L, 3), &e))
		return raise_about(L, lua_touserdata(L, 1), &e);
	return 0;
}

/* The call of argument 1, which is its box or that of one of its dialogs; `*d` is that dialog, or NULL. */
static struct object *check_call(lua_State *L, struct dialog **d)
{
	struct object *o = luaL_testudata(L, 1, object_kind_name(OBJECT_DIALOG));

	*d = NULL;
	if (!o)
		return object_check(L, 1, OBJECT_CALL);
	*d = object_check(L, 1, OBJECT_DIALOG)->p;
	if (!o->owner->p)
		script_error(L, "this dialog has expired: its test has ended");
	return o->owner;
}

/* Within dialog `d` of a call, or its own where that is NULL; BYE ends it. [+1] */
static int send_request(lua_State *L, struct object *owner, struct dialog *d, struct slice method, const struct ua_request *r)
{
	struct call *call = owner->p;
	struct err e = {0};
	struct uac *uac;
	int err;
	struct object *o = object_new(L, OBJECT_REQUEST, NULL, owner);

	if (slice_eq(method, SLICE_LIT("BYE")))
		err = call_bye(&uac, call, d, r, object_on_response, o, &e);
	else
		err = call_request(&uac, call, d, method, r, object_on_response, o, &e);
	if (err) {
		object_release(o);
		return raise_about(L, lua_touserdata(L, 1), &e);
	}
	o->p = uac;
	object_follow_request(o);
	note_sent(L, uac->request, ua_name(call->ua));
	return 1;
}

/* call_request(call or dialog, method, options) [+1] */
static int call_request_lua(lua_State *L)
{
	struct dialog *d;
	struct object *owner = check_call(L, &d);
	struct slice method = check_slice(L, 2);
	struct spoken s;

	opt_request(L, 3, &s);
	s.r.no_ack = !opt_flag(L, 3, "ack", true);
	s.r.retry_glare = opt_flag(L, 3, "retry", false);
	s.r.direction = opt_direction(L, 3);
	return send_request(L, owner, d, method, &s.r);
}

/* call:bye(): see object_quick() */
static int quick_bye(lua_State *L)
{
	struct object *o = object_quick_self(L);

	if (!o || lua_gettop(L) > 1)
		return object_slow(L);
	return send_request(L, o, NULL, SLICE_LIT("BYE"), &(struct ua_request){.no_contact = false});
}

/* call_prack(call, provisional, options): by hand. [+1] */
static int call_prack_lua(lua_State *L)
{
	struct object *owner = object_check(L, 1, OBJECT_CALL);
	struct call *call = owner->p;
	struct msg *m = object_check_message(L, 2);
	struct spoken s;
	struct err e = {0};
	struct uac *uac;

	opt_request(L, 3, &s);
	struct object *o = object_new(L, OBJECT_REQUEST, NULL, owner);
	if (call_prack(&uac, call, m, &s.r, object_on_response, o, &e)) {
		object_release(o);
		return raise_about(L, lua_touserdata(L, 1), &e);
	}
	o->p = uac;
	object_follow_request(o);
	note_sent(L, uac->request, ua_name(call->ua));
	return 1;
}

/* call_ack(call or dialog, options): by hand, for a call made with ack = false */
static int call_ack_lua(lua_State *L)
{
	struct dialog *d;
	struct call *call = check_call(L, &d)->p;
	struct spoken s;
	struct err e = {0};

	opt_request(L, 2, &s);
	struct msg *m;
	if (call_ack(call, d, &s.r, &m, &e))
		return raise_about(L, lua_touserdata(L, 1), &e);
	note_sent(L, m, ua_name(call->ua));
	mem_deref(m);
	return 0;
}

/* request_ack(request, options): by hand, for an INVITE within a call made with ack = false */
static int request_ack(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_REQUEST);
	struct uac *uac = o->p;
	struct spoken s;
	struct err e = {0};

	if (o->owner->kind != OBJECT_CALL || !slice_eq(uac->request->s.method, SLICE_LIT("INVITE")))
		return script_error(L, "only an INVITE has an ACK");
	opt_request(L, 2, &s);
	struct msg *m;
	if (call_ack_reinvite(o->owner->p, uac, &s.r, &m, &e))
		return raise_about(L, o, &e);
	note_sent(L, m, ua_name(uac->ua));
	mem_deref(m);
	return 0;
}

/* request_cancel(request, now) */
static int request_cancel(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_REQUEST);
	struct uac *uac = o->p;
	struct err e = {0};
	bool waits = o->owner->kind == OBJECT_CALL && call_retries(o->owner->p, uac); /* for its next try: there is none then */

	if (!waits && ctrans_cancel(uac->ct, lua_toboolean(L, 2), &e))
		return raise_about(L, o, &e);
	uac->cancelled = true;
	return 0;
}

void lib_call_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"invite", call_new},
		{"call_reply", call_answer},
		{"call_cancel", call_cancel_lua},
		{"call_request", call_request_lua},
		{"call_prack", call_prack_lua},
		{"call_ack", call_ack_lua},
		{"request_ack", request_ack},
		{"request_cancel", request_cancel},
		{NULL, NULL},
	};

	object_class(L, OBJECT_CALL, NULL, call_field);
	object_class(L, OBJECT_DIALOG, NULL, dialog_field);
	object_quick(L, OBJECT_UA, "invite", quick_invite);
	object_quick(L, OBJECT_CALL, "reply", quick_reply);
	object_quick(L, OBJECT_CALL, "ring", quick_ring);
	object_quick(L, OBJECT_CALL, "answer", quick_answer);
	object_quick(L, OBJECT_CALL, "bye", quick_bye);
	luaL_setfuncs(L, functions, 0);
}

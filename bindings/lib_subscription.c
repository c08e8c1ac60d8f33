/* Subscriptions and referrals in Lua. */
#include "bindings/lib_ua.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/subscription.h"

/* The UA of a box: a UA's own, or that of a call. */
static struct ua *ua_of(lua_State *L, const struct object *o)
{
	for (; o; o = o->owner)
		if (o->kind == OBJECT_UA && o->p)
			return o->p;
	script_error(L, "a subscription needs a UA: a request that an endpoint took has none");
	return NULL;
}

static void on_event(struct subscription *sub, enum subscription_event ev, struct msg *m, const char *why,
		     struct subscription *fork, void *arg)
{
	struct object *o = arg;

	(void)sub;
	switch (ev) {
	case SUBSCRIPTION_RESPONSE:
		object_set_final(o, m, why);
		inbox_push_msg(o, 0, m, why);
		break;
	case SUBSCRIPTION_NOTIFY:
		inbox_push_msg(o, 1, m, NULL);
		break;
	case SUBSCRIPTION_SUBSCRIBE:
		inbox_push_msg(o, 2, m, NULL);
		break;
	case SUBSCRIPTION_FORKED: {
		struct object *other = object_new(o->sh->L, OBJECT_SUBSCRIPTION, mem_ref(fork), o->owner);
		subscription_set_handler(fork, on_event, other);
		inbox_push_object(o, 3, other);
		lua_pop(o->sh->L, 1);
		break;
	}
	case SUBSCRIPTION_ENDED:
		for (unsigned i = 1; i < object_inboxes(OBJECT_SUBSCRIPTION); i++)
			inbox_close(o, i);
		break;
	}
}

/* subscribe(ua, { uri, event, expires, refresh, forks, and what a message has }); refer(ua or call, the same without event and expires) [+1] */
static int start(lua_State *L, struct object *owner, struct dialog *d, const char *method)
{
	struct ua *ua = ua_of(L, owner);
	struct subscription_opts opts = {.event = opt_slice(L, 2, "event"),
					 .expires = opt_count(L, 2, "expires", UINT32_MAX, 3600),
					 .no_refresh = !opt_flag(L, 2, "refresh", true),
					 .forks = opt_flag(L, 2, "forks", false)};
	struct subscription *sub;
	struct spoken s;
	struct err e = {0};

	opt_request(L, 2, &s);
	struct object *o = object_new(L, OBJECT_SUBSCRIPTION, NULL, owner);
	if (subscription_start(&sub, ua, d, slice_str(method), &s.r, &opts, on_event, o, &e)) {
		object_release(o);
		return raise_about(L, owner, &e);
	}
	o->p = sub;
	note_sent(L, sub->request, ua->ep->name);
	return 1;
}

static int subscribe(lua_State *L)
{
	return start(L, object_check(L, 1, OBJECT_UA), NULL, "SUBSCRIBE");
}

static int refer(lua_State *L)
{
	struct object *o;
	struct call *call;

	if (!luaL_testudata(L, 1, object_kind_name(OBJECT_CALL)))
		return start(L, object_check(L, 1, OBJECT_UA), NULL, "REFER");
	o = object_check(L, 1, OBJECT_CALL);
	call = o->p;
	if (!call->dialog)
		return script_error(L, "%s: REFER needs a dialog, and the call has none yet: it is %s", object_actor(o),
				    call_state_name(call->state));
	if (call->state == CALL_TERMINATED)
		return script_error(L, "%s: no REFER: the call is terminated (%s)", object_actor(o), call->ended_by);
	return start(L, o, call->dialog, "REFER");
}

/* subscription_refresh(subscription, { expires, headers, body, content_type }) */
static int refresh(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_SUBSCRIPTION);
	struct subscription *sub = o->p;
	uint32_t expires = opt_count(L, 2, "expires", UINT32_MAX - 1, UINT32_MAX - 1);
	struct spoken s;
	struct err e = {0};

	if (lua_getfield(L, 2, "expires") == LUA_TNIL)
		expires = UINT32_MAX;
	lua_pop(L, 1);
	opt_request(L, 2, &s);
	if (subscription_refresh(sub, expires, &s.r, &e))
		return raise_about(L, o, &e);
	object_expect_anew(o);
	note_sent(L, sub->uac->request, sub->ua->ep->name);
	return 0;
}

/* accept(server transaction, { status, expires, headers, body, content_type }): the notifier's subscription. [+1] */
static int accept_request(lua_State *L)
{
	struct object *server = object_check(L, 1, OBJECT_SERVER);
	struct ua *ua = ua_of(L, server);
	struct subscription_grant g = {.status = opt_count(L, 2, "status", 699, 0),
				       .expires = opt_count(L, 2, "expires", UINT32_MAX, 3600),
				       .content_type = opt_slice(L, 2, "content_type"),
				       .body = opt_slice(L, 2, "body")};
	struct subscription *sub;
	struct msg *m = NULL;
	struct err e = {0};

	g.extra = opt_headers(L, 2, &g.extra_count);
	struct object *o = object_new(L, OBJECT_SUBSCRIPTION, NULL, server->owner);
	if (subscription_accept(&sub, ua, server->p, &g, on_event, o, &m, &e)) {
		object_release(o);
		return raise_about(L, server, &e);
	}
	o->p = sub;
	note_sent(L, m, ua->ep->name);
	mem_deref(m);
	return 1;
}

/* notify(subscription, state, { reason, expires, retry_after, headers, body, content_type }): the NOTIFY as a request. [+1] */
static int notify(lua_State *L)
{
	struct object *owner = object_check(L, 1, OBJECT_SUBSCRIPTION);
	struct subscription *sub = owner->p;
	struct subscription_news n = {.state = check_slice(L, 2),
				      .reason = opt_slice(L, 3, "reason"),
				      .retry_after = opt_count(L, 3, "retry_after", UINT32_MAX, 0),
				      .expires = opt_count(L, 3, "expires", UINT32_MAX, UINT32_MAX),
				      .content_type = opt_slice(L, 3, "content_type"),
				      .body = opt_slice(L, 3, "body")};
	struct uac *uac;
	struct err e = {0};

	n.extra = opt_headers(L, 3, &n.extra_count);
	struct object *o = object_new(L, OBJECT_REQUEST, NULL, owner);
	if (subscription_notify(&uac, sub, &n, object_on_response, o, &e)) {
		object_release(o);
		return raise_about(L, owner, &e);
	}
	o->p = uac;
	object_follow_request(o);
	note_sent(L, uac->request, sub->ua->ep->name);
	return 1;
}

/* follow(subscription, call): NOTIFYs tell what becomes of the call's INVITE. */
static int follow(lua_State *L)
{
	struct object *o = object_check(L, 1, OBJECT_SUBSCRIPTION);
	struct err e = {0};

	if (subscription_follow(o->p, object_check(L, 2, OBJECT_CALL)->p, &e))
		return raise_about(L, o, &e);
	return 0;
}

static int subscription_field(lua_State *L, struct object *o, const char *name)
{
	struct subscription *sub = o->p;
	struct slice package, id;
	char number[12];

	subscription_event_id(sub, &package, &id, number);
	if (!strcmp(name, "request")) /* the one that made it, or the last refresh */
		object_push_message(L, sub->uac ? sub->uac->request : sub->request);
	else if (!strcmp(name, "response"))
		object_push_final(L, o);
	else if (!strcmp(name, "why"))
		lua_pushstring(L, o->final_why);
	else if (!strcmp(name, "state"))
		lua_pushstring(L, subscription_state_name(sub->state));
	else if (!strcmp(name, "reason"))
		lua_pushstring(L, sub->reason[0] ? sub->reason : NULL);
	else if (!strcmp(name, "ended_by"))
		lua_pushstring(L, sub->ended_by);
	else if (!strcmp(name, "event"))
		push_slice(L, package);
	else if (!strcmp(name, "id"))
		push_slice(L, id);
	else if (!strcmp(name, "expires"))
		lua_pushinteger(L, sub->granted);
	else if (!strcmp(name, "subscriber"))
		lua_pushboolean(L, sub->subscriber);
	else if (!strcmp(name, "refreshes"))
		lua_pushinteger(L, sub->refreshes);
	else if (!strcmp(name, "challenges"))
		lua_pushinteger(L, sub->uac ? sub->uac->challenges : 0);
	else if (!strcmp(name, "actor"))
		lua_pushstring(L, sub->ua->ep->name);
	else
		return 0;
	return 1;
}

void lib_subscription_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"subscribe", subscribe}, {"refer", refer},	{"subscription_refresh", refresh}, {"accept", accept_request},
		{"notify", notify},	  {"follow", follow},	{NULL, NULL},
	};

	object_class(L, OBJECT_SUBSCRIPTION, NULL, subscription_field);
	luaL_setfuncs(L, functions, 0);
}

/* How boxes end: told by the engine, looked at, with their iteration, at the end of the run, or when the collector takes them; and how those that
 * last take less memory. */
#include "bindings/object_priv.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/call.h"
#include "sip/registration.h"
#include "sip/subscription.h"

/* A UA and an endpoint live as long as the test, or the iteration of a load that made them. */
bool object_is_lasting(const struct object *o)
{
	return o->kind == OBJECT_UA || o->kind == OBJECT_ENDPOINT;
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
	if (object_is_place(o))
		return;
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

	while (object_is_place(o) && (member = LIST_FIRST(&o->members))) { /* the collector may take an endpoint before what stood on it */
		LIST_REMOVE(member, entry);
		LIST_INSERT_HEAD(&o->sh->objects, member, entry);
	}
	LIST_REMOVE(o, entry);
	check_no_more(o);
	if (o->has_iteration)
		LIST_REMOVE(o, of_iteration);
	o->has_iteration = false;
}

void object_collected(struct object *o)
{
	if (o->kind == OBJECT_TASK && o->p)
		task_forget_box(o->p);
	close_object(o);
	leave_lists(o);
}

void object_release(struct object *o)
{
	check_no_more(o);
	luaL_unref(o->sh->L, LUA_REGISTRYINDEX, o->anchor);
	o->anchor = LUA_NOREF;
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

void object_check_later(struct object *o)
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
		object_check_later(o);
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
	struct kept_models *models = &call->ua->ep->sb->models;
	struct kept *final = o->final ? msg_rest(models, o->final) : NULL;
	struct kept *last = o->last == o->final ? mem_ref(final) : o->last ? msg_rest(models, o->last) : NULL;
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

static struct msg *woken(struct kept *r)
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

void object_check_some(struct shard *sh)
{
	uint32_t now = now_in_seconds(sh);
	struct object *o;

	for (int n = 0; n < CHECKS_AT_ONCE && (o = TAILQ_FIRST(&sh->checks)) && now - o->checked >= CHECK_AFTER; n++)
		object_may_be_over(o);
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
		if (object_is_place(o))
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
		if (o->owner && object_is_lasting(o->owner))
			o->owner = NULL; /* which it does not keep */
	}
	if (endpoint->anchor != LUA_NOREF)
		object_release(endpoint);
}

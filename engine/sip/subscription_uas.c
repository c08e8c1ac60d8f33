/* The notifier: SUBSCRIBE and REFER that are accepted, NOTIFYs, refreshes and their end. RFC 6665 4.2, RFC 3515 2.4 */
#include "sip/subscription_priv.h"

#include "core/mem.h"

#include <stdio.h>

#define DEFAULT_EXPIRES 3600

static void on_expiry(void *arg);

static void grant(struct subscription *sub, uint32_t seconds)
{
	struct loop *loop = sub->ua->ep->loop;

	sub->granted = seconds;
	sub->granted_at = loop_now(loop);
	if (seconds)
		tmr_start(&sub->expiry, loop, seconds * NS_PER_S, on_expiry, sub);
	else
		tmr_cancel(&sub->expiry);
}

/* Seconds for what `s` asks. */
static uint32_t granted(const struct subscription *sub, const struct scan *s)
{
	uint64_t asked = DEFAULT_EXPIRES;

	slice_u64(&asked, scan_header(s, HDR_EXPIRES, 0), UINT32_MAX);
	return asked < sub->expires ? (uint32_t)asked : sub->expires;
}

/* --- NOTIFY --- */

static bool on_notify_response(struct uac *uac, struct msg *m, void *arg)
{
	struct subscription *sub = arg;

	(void)uac;
	if (m->s.status >= 300 && (m->locally || subscription_is_over(m->s.status)))
		subscription_end(sub, "failed NOTIFY");
	return false;
}

/* What the NOTIFY after a refresh says again; without memory it says nothing. */
static void keep(struct subscription *sub, struct slice type, struct slice body)
{
	struct buf t = {0}, b = {0};

	buf_put_slice(&t, type);
	buf_put_slice(&b, body);
	if (t.failed || b.failed) {
		buf_free(&t);
		buf_free(&b);
	}
	buf_free(&sub->type);
	buf_free(&sub->body);
	sub->type = t;
	sub->body = b;
}

static void put_state(struct buf *out, const struct subscription *sub, const struct subscription_news *n, bool terminated)
{
	buf_put_slice(out, n->state);
	if (!terminated)
		buf_printf(out, ";expires=%u", n->expires == UINT32_MAX ? subscription_left(sub) : n->expires);
	if (n->reason.p)
		buf_printf(out, ";reason=%.*s", SLICE_ARG(n->reason));
	if (n->retry_after)
		buf_printf(out, ";retry-after=%u", n->retry_after);
}

int subscription_notify(struct uac **uacp, struct subscription *sub, const struct subscription_news *n, uac_response_h *h, void *arg,
			struct err *e)
{
	bool terminated = slice_eq(n->state, SLICE_LIT("terminated"));
	struct buf state = {0}, event = {0};
	struct build_header *extra = NULL;
	struct ua_request r = {.content_type = n->content_type, .body = n->body};
	struct slice package, id;
	char number[12];
	int err;

	if (sub->subscriber || sub->state == SUBSCRIPTION_TERMINATED)
		return err_set(e, ERR_NOT_NOW, "no NOTIFY: %s%s%s%s", sub->subscriber ? "it is the subscriber" : "the subscription is terminated",
			       sub->ended_by ? " (" : "", sub->ended_by ? sub->ended_by : "", sub->ended_by ? ")" : "");
	put_state(&state, sub, n, terminated);
	subscription_event_id(sub, &package, &id, number);
	buf_put_slice(&event, package);
	if (id.p)
		buf_printf(&event, ";id=%.*s", SLICE_ARG(id));
	const struct build_header own[] = {{SLICE_LIT("Event"), buf_slice(&event)},
					   {SLICE_LIT("Subscription-State"), buf_slice(&state)}};
	extra = subscription_headers(n->extra, n->extra_count, own, 2, &r.extra_count);
	r.extra = extra;
	if (!extra || state.failed || event.failed)
		err = err_set(e, ERR_NOMEM, "out of memory for a NOTIFY");
	else
		err = within_request(uacp, sub->ua, sub->dialog, &sub->auth, SLICE_LIT("NOTIFY"), &r, h, arg, e);
	if (err)
		goto out;
	(*uacp)->first = on_notify_response;
	(*uacp)->first_arg = sub;
	keep(sub, n->content_type, n->body);
	sub->reason[0] = '\0';
	if (n->reason.p)
		slice_copy(sub->reason, sizeof(sub->reason), n->reason);
	if (terminated) {
		mem_ref(sub);
		subscription_end(sub, "local NOTIFY");
		mem_deref(sub);
	} else {
		sub->state = slice_eq(n->state, SLICE_LIT("pending")) ? SUBSCRIPTION_PENDING : SUBSCRIPTION_ACTIVE;
	}
out:
	mem_deref(extra);
	buf_free(&state);
	buf_free(&event);
	return err;
}

/* A NOTIFY of our own with the last body. */
static void say_again(struct subscription *sub, bool terminated)
{
	struct subscription_news n = {.expires = UINT32_MAX, .body = buf_slice(&sub->body), .content_type = buf_slice(&sub->type)};
	struct uac *uac;

	if (!n.content_type.l)
		n.content_type = SLICE_NONE;
	if (terminated) {
		n.state = SLICE_LIT("terminated");
		n.reason = SLICE_LIT("timeout");
	} else { /* before its first word: nobody decided yet */
		n.state = slice_str(subscription_state_name(sub->state == SUBSCRIPTION_ACTIVE ? SUBSCRIPTION_ACTIVE : SUBSCRIPTION_PENDING));
	}
	if (!subscription_notify(&uac, sub, &n, NULL, NULL, NULL)) {
		mem_deref(sub->notify);
		sub->notify = uac;
	}
}

static void on_expiry(void *arg)
{
	struct subscription *sub = mem_ref(arg);

	say_again(sub, true);
	subscription_end(sub, "expired"); /* where it could not be sent */
	mem_deref(sub);
}

/* --- requests that come --- */

static int reply(struct subscription *sub, struct strans *st, const struct subscription_grant *g, bool unwanted, struct msg **mp,
		 struct err *e)
{
	bool refer = subscription_is_refer(sub) && slice_eq(st->request->s.method, SLICE_LIT("REFER"));
	struct build_response b = {.status = g->status ? g->status : refer ? 202 : 200,
				   .content_type = g->content_type,
				   .body = g->body};
	struct build_header own[2], *extra;
	struct buf contact = {0};
	unsigned count = 0;
	char text[16];
	int err;

	snprintf(text, sizeof(text), "%u", sub->granted);
	if (!refer)
		own[count++] = (struct build_header){SLICE_LIT("Expires"), slice_str(text)};
	if (unwanted)
		own[count++] = (struct build_header){SLICE_LIT("Refer-Sub"), SLICE_LIT("false")};
	buf_printf(&contact, "<%.*s>", SLICE_ARG(sub->ua->contact));
	b.contact = buf_slice(&contact);
	extra = subscription_headers(g->extra, g->extra_count, own, count, &b.extra_count);
	b.extra = extra;
	if (!extra || contact.failed)
		err = err_set(e, ERR_NOMEM, "out of memory for a response");
	else
		err = strans_reply(st, &b, mp, e);
	mem_deref(extra);
	buf_free(&contact);
	return err;
}

void subscription_take_subscribe(struct subscription *sub, struct strans *st)
{
	struct subscription_grant g = {0};
	uint32_t seconds = granted(sub, &st->request->s);

	grant(sub, seconds);
	if (reply(sub, st, &g, false, NULL, NULL))
		return;
	subscription_tell(sub, SUBSCRIPTION_SUBSCRIBE, st->request, NULL);
	if (sub->state != SUBSCRIPTION_TERMINATED)
		say_again(sub, !seconds);
}

int subscription_accept(struct subscription **sp, struct ua *ua, struct strans *st, const struct subscription_grant *g,
			subscription_h *h, void *arg, struct msg **mp, struct err *e)
{
	const struct scan *s = &st->request->s;
	struct subscription *sub = NULL;
	struct dialog *d = NULL;
	bool refer = slice_eq(s->method, SLICE_LIT("REFER")), own = !s->to_tag.p, unwanted = refer && subscription_unwanted(s);
	int err = 0;

	if (!refer && !slice_eq(s->method, SLICE_LIT("SUBSCRIBE")))
		return err_set(e, ERR_ARG, "%.*s makes no subscription, only SUBSCRIBE and REFER do", SLICE_ARG(s->method));
	if (g->status && (g->status < 200 || g->status > 299))
		return err_set(e, ERR_ARG, "%u does not accept a subscription: reply with it", g->status);
	if (own)
		err = dialog_uas(&d, st->request, slice_str(st->to_tag), e);
	else if (!(d = mem_ref(dialog_find(ua->ep->sb, s))))
		err = err_set(e, ERR_NOT_NOW, "the dialog of this %.*s is over", SLICE_ARG(s->method));
	if (err)
		return err;
	sub = mem_zalloc(sizeof(*sub), subscription_destroy);
	if (!sub) {
		mem_deref(d);
		return err_set(e, ERR_NOMEM, "out of memory for a subscription");
	}
	sub->ua = ua;
	sub->made = true;
	sub->request = mem_ref(st->request);
	sub->expires = g->expires;
	sub->h = h;
	sub->arg = arg;
	d->confirmed = true;
	if (subscription_enter(sub, d, own))
		err = err_set(e, ERR_NOMEM, "out of memory for a dialog");
	sub->granted = granted(sub, s);
	if (!err)
		err = reply(sub, st, g, unwanted, mp, e);
	if (err) {
		mem_deref(sub);
		return err;
	}
	sub->state = SUBSCRIPTION_RESP_WAIT;
	grant(sub, sub->granted);
	*sp = sub;
	if (unwanted)
		subscription_end(sub, "Refer-Sub: false");
	return 0;
}

/* --- what becomes of a REFER --- */

static int tell_status(struct subscription *sub, unsigned status, struct slice reason, struct err *e)
{
	struct subscription_news n = {.expires = UINT32_MAX, .content_type = SLICE_LIT("message/sipfrag;version=2.0")};
	struct buf body = {0};
	struct uac *uac;
	int err;

	n.state = status < 200 ? SLICE_LIT("active") : SLICE_LIT("terminated");
	if (status >= 200)
		n.reason = SLICE_LIT("noresource"); /* RFC 3515 2.4.7 */
	buf_printf(&body, "SIP/2.0 %u %.*s\r\n", status, SLICE_ARG(reason));
	n.body = buf_slice(&body);
	if (status < 200 && slice_eq(n.body, buf_slice(&sub->body))) { /* a provisional that was repeated */
		buf_free(&body);
		return 0;
	}
	err = body.failed ? err_set(e, ERR_NOMEM, "out of memory for a NOTIFY") : subscription_notify(&uac, sub, &n, NULL, NULL, e);
	if (!err) {
		mem_deref(sub->notify);
		sub->notify = uac;
	}
	buf_free(&body);
	return err;
}

static void on_followed(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct subscription *sub = mem_ref(arg);

	sub->followed_h(uac, m, why, sub->followed_arg);
	/* A redirect or a 422 that was answered with another INVITE is none of its responses. */
	if (m->s.status >= 300 && sub->followed && sub->followed->state != CALL_TERMINATED)
		goto out;
	if (m->s.status > 100)
		tell_status(sub, m->s.status, m->s.reason, NULL);
	if (m->s.status >= 200)
		subscription_unfollow(sub);
out:
	mem_deref(sub);
}

int subscription_follow(struct subscription *sub, struct call *call, struct err *e)
{
	int err;

	if (sub->state == SUBSCRIPTION_TERMINATED) /* nobody wants to hear of it */
		return 0;
	if (!call->outgoing || !call->invite || (call->state != CALL_CALLING && call->state != CALL_PROCEEDING))
		return err_set(e, ERR_NOT_NOW, "no INVITE of this call is under way: it is %s", call_state_name(call->state));
	if (sub->followed || call->invite->h == on_followed)
		return err_set(e, ERR_NOT_NOW, "a subscription follows one call, and a call is followed by one subscription");
	err = tell_status(sub, 100, SLICE_LIT("Trying"), e);
	if (err)
		return err;
	sub->followed = mem_ref(call);
	sub->followed_h = call->invite->h;
	sub->followed_arg = call->invite->arg;
	call->invite->h = on_followed;
	call->invite->arg = sub;
	return 0;
}

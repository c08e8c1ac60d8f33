/* The subscriber: SUBSCRIBE and REFER, refreshes, NOTIFYs that come. RFC 6665 4.1, RFC 3515 2.4 */
#include "sip/subscription_priv.h"

#include "core/mem.h"
#include "sip/value.h"

#include <stdio.h>

static void on_response(struct uac *uac, struct msg *m, const char *why, void *arg);

/* --- timers --- */

/* RFC 6665 4.1.2.4: no NOTIFY within 64*T1, no subscription; and no more of other notifiers' either. */
static void on_timer_n(void *arg)
{
	struct subscription *sub = mem_ref(arg);

	if (!sub->made) { /* its own time-out comes first */
		tmr_start(&sub->timer_n, sub->ua->ep->loop, sip_timer_64t1(&sub->ua->ep->timers), on_timer_n, sub);
	} else {
		if (sub->half)
			dialog_leave(sub->half);
		sub->half = mem_deref(sub->half);
		if (sub->waits)
			subscription_end(sub, "timer N");
	}
	mem_deref(sub);
}

static void wait_for_notify(struct subscription *sub)
{
	sub->waits = true;
	tmr_start(&sub->timer_n, sub->ua->ep->loop, sip_timer_64t1(&sub->ua->ep->timers), on_timer_n, sub);
}

static void on_expiry(void *arg)
{
	struct subscription *sub = mem_ref(arg);

	subscription_end(sub, "expired");
	mem_deref(sub);
}

static void on_refresh(void *arg)
{
	struct subscription *sub = arg;

	sub->refreshes++;
	subscription_refresh(sub, UINT32_MAX, NULL, NULL); /* out of memory: it runs out */
}

/* `since`: when our request left first. Its answer may have been lost a few times, and the notifier counts from when it got it. */
static void grant(struct subscription *sub, uint32_t seconds, uint64_t since)
{
	uint64_t time = seconds * NS_PER_S, ninety = time / 10 * 9;
	uint64_t late = time > 10 * NS_PER_S ? time - 5 * NS_PER_S : ninety;
	struct loop *loop = sub->ua->ep->loop;

	sub->granted = seconds;
	sub->granted_at = since;
	/* The notifier's last NOTIFY says that the time is over; it may be on its way. */
	tmr_start_at(&sub->expiry, loop, since + time + sip_timer_64t1(&sub->ua->ep->timers), TMR_EVENT, on_expiry, sub);
	if (seconds && !sub->no_refresh && !subscription_is_refer(sub))
		tmr_start_at(&sub->refresh, loop, since + (late > ninety ? late : ninety), TMR_EVENT, on_refresh, sub);
}

/* --- responses --- */

static void on_success(struct subscription *sub, struct msg *m)
{
	bool refer = slice_eq(m->s.cseq_method, SLICE_LIT("REFER"));
	struct dialog *d;
	uint64_t n;

	if (!sub->dialog && m->s.to_tag.p && !dialog_uac(&d, sub->request, m, NULL))
		subscription_enter(sub, d, true);
	else if (sub->dialog && slice_eq(dialog_texts(sub->dialog).remote_tag, m->s.to_tag))
		dialog_update(sub->dialog, m);
	if (refer) {
		if (subscription_unwanted(&m->s))
			subscription_end(sub, "Refer-Sub: false");
		return;
	}
	if (sub->expires)
		grant(sub, slice_u64(&n, scan_header(&m->s, HDR_EXPIRES, 0), UINT32_MAX) && n < sub->expires ? (uint32_t)n
												       : sub->expires,
		      sub->uac->request->time);
}

/* 423: once more, with the time that is wanted (RFC 6665 4.1.2.1, RFC 3261 10.2.8). */
static int send_longer(struct subscription *sub, uint32_t expires)
{
	struct msg *m = NULL, *changed = NULL;
	struct addr dst = sub->uac->dst;
	struct buf b = {0};
	char text[16];
	int err;

	uac_begin(sub->uac);
	err = uac_again(&m, sub->ua, &sub->auth, sub->uac->request, uac_next_cseq(sub->uac), NULL);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u", expires);
	for (unsigned i = 0; i < m->s.header_count && !b.len; i++)
		if (m->s.headers[i].id == HDR_EXPIRES)
			build_replace(&b, &m->s, i, slice_str(text));
	if (b.failed || !b.len || msg_alloc(&changed, buf_slice(&b)))
		err = ERR_NOMEM;
	else
		err = uac_send(sub->uac, changed, &dst, NULL);
	if (!err) {
		sub->expires = expires;
		wait_for_notify(sub);
	}
	mem_deref(m);
	mem_deref(changed);
	buf_free(&b);
	return err;
}

static void on_response(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct subscription *sub = mem_ref(arg);
	bool first = !sub->made;
	uint64_t n;

	if (first) {
		mem_deref(sub->request);
		sub->request = mem_ref(uac->request);
	}
	if (sub->state != SUBSCRIPTION_TERMINATED && m->s.status >= 200) {
		if (m->s.status == 423 && !sub->too_brief++ &&
		    slice_u64(&n, scan_header(&m->s, HDR_MIN_EXPIRES, 0), UINT32_MAX) && n > sub->expires &&
		    send_longer(sub, (uint32_t)n) == 0)
			goto out;
		sub->made = true;
		if (m->s.status < 300) {
			sub->too_brief = 0;
			subscription_tell(sub, SUBSCRIPTION_RESPONSE, m, why);
			on_success(sub, m);
			goto out;
		}
	}
	subscription_tell(sub, SUBSCRIPTION_RESPONSE, m, why);
	if (m->s.status >= 300) {
		/* RFC 6665 4.1.2.2: after another failure of a refresh the time granted before still runs. */
		sub->waits = false;
		if (first || subscription_is_over(m->s.status))
			subscription_end(sub, m->locally ? m->locally : "final response");
	}
out:
	mem_deref(sub);
}

/* --- NOTIFY --- */

/* The states by name; false for one that RFC 6665 8.2.3 does not have. */
static bool read_state(enum subscription_state *state, struct slice name)
{
	for (enum subscription_state s = SUBSCRIPTION_PENDING; s <= SUBSCRIPTION_TERMINATED; s++)
		if (slice_case_eq(name, slice_str(subscription_state_name(s)))) {
			*state = s;
			return true;
		}
	return false;
}

void subscription_take_notify(struct subscription *sub, struct strans *st)
{
	struct msg *m = st->request;
	struct slice value = scan_header_named(&m->s, SLICE_LIT("Subscription-State"), 0), reason, expires;
	const char *semi = value.l ? memchr(value.p, ';', value.l) : NULL;
	enum subscription_state said = sub->state;
	bool answers = ua_answers(sub->ua, UA_ANSWER(NOTIFY));
	uint64_t n;

	if (!value.l && answers) {
		ua_reply(sub->ua, st, 400, "Subscription-State is missing", NULL, 0);
		return;
	}
	sub->waits = false;
	sub->reason[0] = '\0';
	if (value.l && scan_param(&reason, value, "reason"))
		slice_copy(sub->reason, sizeof(sub->reason), reason);
	/* A state of an extension tells that the subscription lives. */
	if (!read_state(&said, slice_trim((struct slice){value.p, semi ? (size_t)(semi - value.p) : value.l})) &&
	    sub->state == SUBSCRIPTION_NOTIFY_WAIT)
		said = SUBSCRIPTION_ACTIVE;
	if (answers)
		ua_reply(sub->ua, st, 200, NULL, NULL, 0);
	else
		subscription_leave_to_user(sub, st);
	if (said != SUBSCRIPTION_TERMINATED) {
		sub->state = said;
		/* RFC 6665 4.1.3: the notifier knows how long. */
		if (value.l && scan_param(&expires, value, "expires") && slice_u64(&n, expires, UINT32_MAX) && n &&
		    (subscription_is_refer(sub) || !sub->granted || n < subscription_left(sub)))
			grant(sub, (uint32_t)n, m->time);
	}
	if (answers)
		subscription_tell(sub, SUBSCRIPTION_NOTIFY, m, NULL);
	if (said == SUBSCRIPTION_TERMINATED)
		subscription_end(sub, "remote NOTIFY");
}

/* A subscription of its own for the notifier of another fork. */
static struct subscription *fork_of(struct subscription *sub, struct dialog *d, struct msg *m)
{
	struct subscription *fork = mem_zalloc(sizeof(*fork), subscription_destroy);

	if (!fork)
		return NULL;
	fork->ua = sub->ua;
	fork->subscriber = fork->made = true;
	fork->state = SUBSCRIPTION_NOTIFY_WAIT;
	fork->request = mem_ref(sub->request);
	fork->expires = sub->expires;
	fork->no_refresh = sub->no_refresh;
	if (subscription_enter(fork, mem_ref(d), true))
		return mem_deref(fork);
	wait_for_notify(fork);
	sub->h(sub, SUBSCRIPTION_FORKED, m, NULL, fork, sub->arg);
	return fork;
}

/* A NOTIFY of a notifier that is not known yet: before the 2xx, or of another fork (RFC 6665 4.1.4). */
static bool take_first_notify(struct subscription *sub, struct strans *st)
{
	bool first = sub->state == SUBSCRIPTION_NOTIFY_WAIT, taken = false;
	struct subscription *fork;
	struct dialog *d;

	if ((!first && !(sub->forks && sub->h)) || !subscription_matches(sub, scan_header(&st->request->s, HDR_EVENT, 0)) ||
	    dialog_uas(&d, st->request, SLICE_NONE, NULL))
		return false;
	d->confirmed = true;
	d->local_cseq = sub->uac->request->s.cseq;
	if (first) { /* the dialog of the 2xx was a guess: the NOTIFY makes it (RFC 6665 4.4.1) */
		subscription_leave(sub);
		mem_deref(sub->dialog);
		taken = subscription_enter(sub, mem_ref(d), true) == 0 && subscription_in_dialog(d, st);
	} else if ((fork = fork_of(sub, d, st->request))) {
		taken = subscription_in_dialog(d, st);
		mem_deref(fork);
	}
	mem_deref(d);
	return taken;
}

static bool on_half(struct dialog *half, struct msg *m, void *arg)
{
	struct subscription *sub = mem_ref(arg);
	struct strans *st;

	(void)half;
	if (!slice_eq(m->s.method, SLICE_LIT("ACK")) && !strans_create(&st, sub->ua->ep, m, NULL, NULL, NULL, NULL)) {
		if (!slice_eq(m->s.method, SLICE_LIT("NOTIFY")) || !take_first_notify(sub, st))
			ua_answer(sub->ua, st); /* 481, unless its user wants it */
		mem_deref(st);
	}
	mem_deref(sub);
	return true;
}

/* --- sending --- */

int subscription_refresh(struct subscription *sub, uint32_t expires, const struct ua_request *u, struct err *e)
{
	const struct scan *s = &sub->request->s;
	struct build_header own[24], *extra;
	struct slice package, id;
	struct buf event = {0};
	struct ua_request r = u ? *u : (struct ua_request){0};
	struct uac *uac;
	unsigned count = 0;
	char text[16], number[12];
	int err;

	if (!sub->subscriber || !sub->dialog || sub->state == SUBSCRIPTION_TERMINATED)
		return err_set(e, ERR_NOT_NOW, "no SUBSCRIBE: the %s is %s%s%s%s", sub->subscriber ? "subscription" : "notifier",
			       subscription_state_name(sub->state), sub->ended_by ? " (" : "", sub->ended_by ? sub->ended_by : "",
			       sub->ended_by ? ")" : "");
	tmr_cancel(&sub->refresh);
	if (expires != UINT32_MAX)
		sub->expires = expires;
	/* The headers of the first one that say what is wanted. */
	for (unsigned i = 0; i < s->header_count && count < 20; i++) {
		struct slice name = scan_name(s, i);
		if (s->headers[i].id == HDR_SUPPORTED || s->headers[i].id == HDR_ALLOW_EVENTS || slice_case_eq(name, SLICE_LIT("Accept")) ||
		    slice_case_eq(name, SLICE_LIT("User-Agent")))
			own[count++] = (struct build_header){name, scan_value(s, i)};
	}
	subscription_event_id(sub, &package, &id, number);
	buf_put_slice(&event, package);
	if (id.p)
		buf_printf(&event, ";id=%.*s", SLICE_ARG(id));
	snprintf(text, sizeof(text), "%u", sub->expires);
	own[count++] = (struct build_header){SLICE_LIT("Event"), buf_slice(&event)};
	own[count++] = (struct build_header){SLICE_LIT("Expires"), slice_str(text)};
	extra = subscription_headers(r.extra, r.extra_count, own, count, &r.extra_count);
	r.extra = extra;
	if (!extra || event.failed)
		err = err_set(e, ERR_NOMEM, "out of memory for a SUBSCRIBE");
	else
		err = within_request(&uac, sub->ua, sub->dialog, &sub->auth, SLICE_LIT("SUBSCRIBE"), &r, on_response, sub, e);
	if (!err) {
		mem_deref(sub->uac);
		sub->uac = uac;
		wait_for_notify(sub);
	}
	mem_deref(extra);
	buf_free(&event);
	return err;
}

/* Outside dialogs: whoever answers first makes one. */
static int send_first(struct subscription *sub, struct slice method, const struct ua_request *r, struct err *e)
{
	struct msg *m = NULL;
	struct buf b = {0};
	struct addr dst;
	int err = ua_build(sub->ua, &b, &dst, method, r, SLICE_NONE, e);

	if (!err && msg_alloc(&m, buf_slice(&b)))
		err = err_set(e, ERR_NOMEM, "out of memory for a request");
	if (!err)
		err = dialog_half(&sub->half, m, e);
	if (!err && dialog_enter(sub->half, sub->ua->ep, on_half, sub))
		err = err_set(e, ERR_NOMEM, "out of memory for a dialog");
	if (!err)
		err = uac_alloc(&sub->uac, sub->ua, &sub->auth, &sub->cseq, m, &dst, r->trans, on_response, sub, e);
	mem_deref(m);
	buf_free(&b);
	return err;
}

int subscription_start(struct subscription **sp, struct ua *ua, struct dialog *d, struct slice method, const struct ua_request *u,
		       const struct subscription_opts *o, subscription_h *h, void *arg, struct err *e)
{
	struct subscription *sub = mem_zalloc(sizeof(*sub), subscription_destroy);
	bool refer = slice_eq(method, SLICE_LIT("REFER"));
	struct ua_request r = *u;
	struct build_header *extra;
	char text[16];
	int err;

	snprintf(text, sizeof(text), "%u", o->expires);
	const struct build_header own[] = {{SLICE_LIT("Event"), o->event}, {SLICE_LIT("Expires"), slice_str(text)}};
	extra = subscription_headers(u->extra, u->extra_count, own, refer ? 0 : 2, &r.extra_count);
	if (!sub || !extra) {
		err = err_set(e, ERR_NOMEM, "out of memory for a subscription");
		goto out;
	}
	r.extra = extra;
	sub->ua = ua;
	sub->subscriber = true;
	sub->expires = o->expires;
	sub->no_refresh = o->no_refresh;
	sub->forks = o->forks;
	sub->cseq = r.cseq ? r.cseq : 1;
	sub->h = h;
	sub->arg = arg;
	if (d)
		err = within_request(&sub->uac, ua, d, &sub->auth, method, &r, on_response, sub, e);
	else
		err = send_first(sub, method, &r, e);
	if (err)
		goto out;
	sub->request = mem_ref(sub->uac->request);
	sub->state = SUBSCRIPTION_NOTIFY_WAIT;
	if (d)
		subscription_enter(sub, mem_ref(d), false);
	wait_for_notify(sub);
out:
	mem_deref(extra);
	if (err)
		mem_deref(sub);
	else
		*sp = sub;
	return err;
}

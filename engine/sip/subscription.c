#include "sip/subscription_priv.h"

#include "core/mem.h"

#include <stdio.h>

const char *subscription_state_name(enum subscription_state s)
{
	static const char *const names[] = {"init", "notify_wait", "resp_wait", "pending", "active", "terminated"};

	return names[s];
}

/* A challenge may have made another of it since. */
static const struct scan *made_by(const struct subscription *sub)
{
	return sub->made || !sub->uac ? &sub->request->s : &sub->uac->request->s;
}

bool subscription_is_refer(const struct subscription *sub)
{
	return slice_eq(sub->request->s.method, SLICE_LIT("REFER"));
}

bool subscription_unwanted(const struct scan *s)
{
	struct slice value = scan_header_named(s, SLICE_LIT("Refer-Sub"), 0);
	const char *semi = value.l ? memchr(value.p, ';', value.l) : NULL;

	if (semi)
		value = slice_trim(slice_between(value.p, semi));
	return slice_case_eq(value, SLICE_LIT("false"));
}

struct build_header *subscription_headers(const struct build_header *extra, unsigned extra_count, const struct build_header *own,
					  unsigned own_count, unsigned *count)
{
	struct build_header *all = mem_zalloc((extra_count + own_count + 1) * sizeof(*all), NULL);

	*count = 0;
	if (!all)
		return NULL;
	for (unsigned i = 0; i < extra_count; i++)
		all[(*count)++] = extra[i];
	for (unsigned i = 0; i < own_count; i++) {
		enum hdr_id id = hdr_lookup(own[i].name);
		bool there = !own[i].value.p;
		for (unsigned k = 0; k < extra_count; k++)
			there = there || (id != HDR_OTHER ? hdr_lookup(extra[k].name) == id
							  : slice_case_eq(extra[k].name, own[i].name));
		if (!there)
			all[(*count)++] = own[i];
	}
	return all;
}

void subscription_tell(struct subscription *sub, enum subscription_event ev, struct msg *m, const char *why)
{
	if (sub->h)
		sub->h(sub, ev, m, why, NULL, sub->arg);
}

void subscription_set_handler(struct subscription *sub, subscription_h *h, void *arg)
{
	sub->h = h;
	sub->arg = arg;
}

uint32_t subscription_left(const struct subscription *sub)
{
	uint64_t gone = (loop_now(sub->ua->ep->loop) - sub->granted_at) / NS_PER_S;

	return gone < sub->granted ? sub->granted - (uint32_t)gone : 0;
}

/* --- usages of a dialog --- */

bool subscription_is_over(unsigned status)
{
	switch (status) {
	case 404:
	case 405:
	case 410:
	case 416:
	case 480:
	case 481:
	case 482:
	case 483:
	case 484:
	case 485:
	case 489:
	case 501:
	case 604:
		return true;
	default:
		return false;
	}
}

void subscription_event_id(const struct subscription *sub, struct slice *package, struct slice *id, char *number)
{
	struct slice value;

	*id = SLICE_NONE;
	if (subscription_is_refer(sub)) {
		*package = SLICE_LIT("refer");
		if (sub->has_id) {
			snprintf(number, 12, "%u", made_by(sub)->cseq);
			*id = slice_str(number);
		}
		return;
	}
	value = scan_header(made_by(sub), HDR_EVENT, 0);
	const char *semi = value.l ? memchr(value.p, ';', value.l) : NULL;
	*package = slice_trim((struct slice){value.p, semi ? (size_t)(semi - value.p) : value.l});
	if (value.p)
		scan_param(id, value, "id");
}

/* RFC 6665 8.2.1: package and id are compared byte for byte. A REFER's id may be missing (RFC 3515 2.4.6), and then means the oldest. */
bool subscription_matches(const struct subscription *sub, struct slice event)
{
	struct slice package, id, wanted, wanted_id = SLICE_NONE;
	const char *semi = event.l ? memchr(event.p, ';', event.l) : NULL;
	char number[12];

	wanted = slice_trim((struct slice){event.p, semi ? (size_t)(semi - event.p) : event.l});
	if (event.p)
		scan_param(&wanted_id, event, "id");
	subscription_event_id(sub, &package, &id, number);
	if (!package.l || !slice_eq(package, wanted))
		return false;
	if (subscription_is_refer(sub)) {
		snprintf(number, sizeof(number), "%u", made_by(sub)->cseq);
		return !wanted_id.p || slice_eq(wanted_id, slice_str(number));
	}
	return slice_eq(id, wanted_id);
}

static struct subscription *find(struct dialog *d, bool subscriber, struct slice event)
{
	for (struct subscription *sub = d->usages; sub; sub = sub->next)
		if (sub->subscriber == subscriber && subscription_matches(sub, event))
			return sub;
	return NULL;
}

bool subscription_in_dialog(struct dialog *d, struct strans *st)
{
	const struct scan *s = &st->request->s;
	bool notify = slice_eq(s->method, SLICE_LIT("NOTIFY"));
	struct subscription *sub = NULL;

	if (notify || slice_eq(s->method, SLICE_LIT("SUBSCRIBE")))
		sub = find(d, notify, scan_header(s, HDR_EVENT, 0));
	if (!sub)
		return false;
	mem_ref(sub);
	if (!notify && !ua_answers(sub->ua, UA_ANSWER(SUBSCRIBE)))
		subscription_leave_to_user(sub, st);
	else if (!subscription_in_order(sub, st))
		;
	else if (notify)
		subscription_take_notify(sub, st);
	else
		subscription_take_subscribe(sub, st);
	mem_deref(sub);
	return true;
}

void subscription_leave_to_user(struct subscription *sub, struct strans *st)
{
	if (sub->ua->h.request)
		sub->ua->h.request(sub->ua, st, sub->ua->h.arg);
}

bool subscription_in_order(struct subscription *sub, struct strans *st)
{
	struct dialog *d = sub->dialog;

	if (d->remote_cseq && st->request->s.cseq < d->remote_cseq && ua_answers(sub->ua, UA_ANSWER(ORDER))) {
		ua_reply(sub->ua, st, 500, NULL, NULL, 0);
		return false;
	}
	d->remote_cseq = st->request->s.cseq;
	dialog_refresh_target(d, st->request);
	return true;
}

/* What belongs to no subscription of the dialog. */
static void answer_other(struct ua *ua, struct strans *st)
{
	struct verdict v = {0};

	if (ua_claimed(&ua->claims, st->request->s.method) && ua->h.request) {
		ua->h.request(ua, st, ua->h.arg);
		return;
	}
	verdict_on_method(&v, &st->request->s, ua->cfg.answers);
	if (v.status)
		ua_reply(ua, st, v.status, NULL, &v.header, v.header.name.l ? 1 : 0);
	else if (slice_eq(st->request->s.method, SLICE_LIT("OPTIONS")) && ua_answers(ua, UA_ANSWER(OPTIONS)))
		ua_reply(ua, st, 200, NULL, NULL, 0);
	else if (ua_answers(ua, UA_ANSWER(STRAY)))
		ua_reply(ua, st, 481, NULL, NULL, 0);
	else if (ua->h.request)
		ua->h.request(ua, st, ua->h.arg);
	verdict_free(&v);
}

static bool on_dialog_request(struct dialog *d, struct msg *m, void *arg)
{
	struct subscription *sub = mem_ref(arg);
	struct strans *st;

	if (!slice_eq(m->s.method, SLICE_LIT("ACK")) && !strans_create(&st, sub->ua->ep, m, NULL, NULL, NULL, NULL)) {
		if (!subscription_in_dialog(d, st))
			answer_other(sub->ua, st);
		mem_deref(st);
	}
	mem_deref(sub);
	return true;
}

int subscription_enter(struct subscription *sub, struct dialog *d, bool own)
{
	struct subscription **pp;
	int err = own ? dialog_enter(d, sub->ua->ep, on_dialog_request, sub) : 0;

	sub->dialog = d;
	sub->owns_dialog = own;
	sub->has_id = !own;
	for (pp = &d->usages; *pp; pp = &(*pp)->next)
		;
	*pp = sub;
	return err;
}

void subscription_leave(struct subscription *sub)
{
	struct dialog *d = sub->dialog;
	struct subscription **pp;

	if (!d)
		return;
	for (pp = &d->usages; *pp && *pp != sub; pp = &(*pp)->next)
		;
	if (!*pp)
		return;
	*pp = sub->next;
	sub->next = NULL;
	if (!sub->owns_dialog)
		return;
	if (d->usages) { /* RFC 5057 4: the dialog ends with its last usage */
		d->usages->owns_dialog = true;
		d->arg = d->usages;
	} else {
		dialog_leave(d);
	}
}

/* --- the end --- */

static void drop_half(struct subscription *sub)
{
	if (sub->half)
		dialog_leave(sub->half);
	sub->half = mem_deref(sub->half);
}

void subscription_end(struct subscription *sub, const char *by)
{
	if (sub->state == SUBSCRIPTION_TERMINATED)
		return;
	sub->state = SUBSCRIPTION_TERMINATED;
	sub->ended_by = by;
	sub->granted = 0;
	tmr_cancel(&sub->refresh);
	tmr_cancel(&sub->expiry);
	tmr_cancel(&sub->timer_n);
	drop_half(sub);
	subscription_leave(sub);
	subscription_tell(sub, SUBSCRIPTION_ENDED, NULL, by);
}

void subscription_unfollow(struct subscription *sub)
{
	struct call *call = sub->followed;

	if (!call)
		return;
	sub->followed = NULL;
	if (call->invite) {
		call->invite->h = sub->followed_h;
		call->invite->arg = sub->followed_arg;
	}
	mem_deref(call);
}

void subscription_destroy(void *p)
{
	struct subscription *sub = p;

	tmr_cancel(&sub->refresh);
	tmr_cancel(&sub->expiry);
	tmr_cancel(&sub->timer_n);
	drop_half(sub);
	subscription_leave(sub);
	subscription_unfollow(sub);
	mem_deref(sub->uac);
	mem_deref(sub->notify);
	mem_deref(sub->request);
	mem_deref(sub->dialog);
	buf_free(&sub->type);
	buf_free(&sub->body);
	auth_free(&sub->auth);
}

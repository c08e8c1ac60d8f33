/* What the user of fuzz_uas.c does with its user agent: calls, subscriptions, a registration, and what waits for its answer. */
#ifndef OFFHOOK_TESTS_UAS_USER_H
#define OFFHOOK_TESTS_UAS_USER_H

#include "uas_extras.h"

enum { /* third octet: the user's manners */
	USER_REFUSES = 1,
	USER_RINGS = 2,
	USER_ANSWERS = 4,
	USER_CLAIMS = 8, /* requests outside calls are the user's */
	USER_CLAIMS_CALLS = 16,
};

/* --- calls --- */

static void user_reflex(struct talk *t);
static void usage_free(struct usage *u);

static const char *direction(unsigned n)
{
	static const char *const names[] = {NULL, "sendonly", "recvonly", "inactive"};

	return names[n % 4] ? sdp_direction(slice_str(names[n % 4])) : NULL;
}

static void user_reply(struct talk *t, unsigned status, unsigned flags, const struct build_header *extra, unsigned extra_count)
{
	struct call_reply r = {.status = status,
			       .extra = extra,
			       .extra_count = extra_count,
			       .sdp = flags & 1,
			       .reliable = flags & 2,
			       .no_sdp = flags & 4,
			       .direction = direction(flags >> 3)};

	call_reply(t->call, &r, NULL, NULL);
}

static void on_uac(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	(void)uac;
	(void)why;
	CHECK(!m->s.request && m->s.status >= 100 && m->s.status < 700);
	user_reflex(arg);
}

static void talk_free(struct talk *t)
{
	for (unsigned i = 0; i < TALK_UACS; i++)
		t->uac[i] = mem_deref(t->uac[i]);
	if (t->call)
		call_set_handler(t->call, NULL, NULL);
	t->call = mem_deref(t->call);
	t->provisional = mem_deref(t->provisional);
}

/* The user forgets the call. What it leaves unanswered is remembered, for the rest must be answered by the UA. */
static void talk_drop(struct talk *t)
{
	world_hold(t->w, t->call->server);
	t->w->unclear = true;
	talk_free(t);
}

/* The n-th dialog of the call, or its own. */
static struct dialog *dialog_at(const struct talk *t, unsigned n)
{
	struct dialog *d = n ? t->call->dialogs : NULL;

	while (d && --n)
		d = d->next;
	return d;
}

static void user_request(struct talk *t, const char *method, unsigned flags, const struct build_header *extra, unsigned extra_count)
{
	struct dialog *d = dialog_at(t, flags >> 6);
	struct ua_request r = {.extra = extra,
			       .extra_count = extra_count,
			       .no_sdp = flags & 1,
			       .no_ack = flags & 4,
			       .retry_glare = flags & 8,
			       .sdp = flags & 16,
			       .direction = direction(flags & 32 ? 1 : 0)};
	struct uac *uac = NULL;
	int err;

	if (flags & 2) {
		r.body = SLICE_LIT(SDP);
		r.content_type = SLICE_LIT("application/sdp");
	}
	if (!strcmp(method, "BYE"))
		err = call_bye(&uac, t->call, d, &r, on_uac, t, NULL);
	else if (!strcmp(method, "PRACK") && t->provisional)
		err = call_prack(&uac, t->call, t->provisional, &r, on_uac, t, NULL);
	else
		err = call_request(&uac, t->call, d, slice_str(method), &r, on_uac, t, NULL);
	if (err)
		return;
	struct uac **at = &t->uac[t->uac_count++ % TALK_UACS];
	t->w->unclear = t->w->unclear || *at || r.no_ack; /* the one before goes on without anybody who acknowledges */
	if (t->call) {
		mem_deref(*at);
		*at = uac;
	} else { /* a reflex to CALL_ENDED dropped it */
		mem_deref(uac);
	}
}

static bool is_invite(const struct msg *m)
{
	return m && slice_eq(m->s.method, SLICE_LIT("INVITE"));
}

static bool is_client(const struct ctrans *ct)
{
	return ct && is_invite(ct->request);
}

static bool is_server(const struct strans *st)
{
	return st && is_invite(st->request);
}

/* Reads its arguments whether or not there is a call, so that the rest of the script does not depend on it. */
static void user_act(struct talk *t, unsigned what)
{
	static const unsigned replies[] = {180, 183, 200, 486, 302, 100, 202, 401};
	static const char *const methods[] = {"BYE", "INVITE", "UPDATE", "INFO", "OPTIONS", "REFER", "PRACK", "NOTIFY"};
	struct build_header extra[EXTRAS];
	unsigned flags = what % 32 < 16 ? next(t->w) : 0;
	unsigned extra_count = what % 32 < 16 ? world_extras(t->w, extra, USER_HEADERS) : 0;
	struct uac *last = t->uac_count ? t->uac[(t->uac_count - 1) % TALK_UACS] : NULL;

	if (!t->call)
		return;
	switch (what % 32) {
	case 0 ... 7:
		user_reply(t, replies[what % 8], flags, extra, extra_count);
		break;
	case 8 ... 15:
		user_request(t, methods[what % 8], flags, extra, extra_count);
		break;
	case 16:
		call_cancel(t->call, false, false, NULL);
		break;
	case 17:
		call_cancel(t->call, true, false, NULL);
		break;
	case 18:
		call_ack(t->call, NULL, NULL, NULL, NULL);
		break;
	case 19:
		talk_drop(t);
		break;
	case 20:
		t->call->opts.no_ack = !t->call->opts.no_ack;
		t->w->unclear = true;
		break;
	case 21:
		t->call->claims.all = !t->call->claims.all;
		break;
	case 22:
		if (last && last->first) /* an INVITE or UPDATE within the call */
			call_ack_reinvite(t->call, last, NULL, NULL, NULL);
		break;
	case 23:
		call_cancel(t->call, false, true, NULL);
		break;
	case 24:
		call_ack(t->call, dialog_at(t, 2), NULL, NULL, NULL);
		break;
	case 25: /* what it sent goes on by itself */
		t->w->unclear = true;
		for (unsigned i = 0; i < TALK_UACS; i++)
			t->uac[i] = mem_deref(t->uac[i]);
		break;
	case 26: /* looks at its INVITE, which may be at rest */
		CHECK(is_invite(call_invite_msg(t->call)) || t->w->short_of_memory);
		break;
	case 27: /* and at the transaction */
		CHECK((t->call->outgoing ? is_client(call_client(t->call)) : is_server(call_server(t->call))) || t->w->short_of_memory);
		call_repeated_2xx(t->call);
		call_retransmissions(t->call);
		break;
	default:
		break;
	}
}

static void user_reflex(struct talk *t)
{
	struct world *w = t->w;
	unsigned what = w->reflex;

	if (!what || w->reflex_wait-- > 0)
		return;
	w->reflex = 0;
	user_act(t, what);
}

static bool on_call(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg)
{
	struct talk *t = arg;

	(void)why;
	CHECK(call == t->call || !t->call);
	CHECK((m != NULL) == (ev != CALL_ENDED && ev != CALL_NO_ACK));
	CHECK(ev != CALL_REQUEST || st);
	if (ev == CALL_ENDED) {
		CHECK(call->state == CALL_TERMINATED && call->ended_by && !t->ended);
		t->ended = true;
	}
	if (ev == CALL_RESPONSE && m->s.status < 200) {
		mem_deref(t->provisional);
		t->provisional = mem_ref(m);
	}
	if (ev == CALL_REQUEST && st != call->server) /* else call_reply() answers it */
		world_hold(t->w, st);
	user_reflex(t);
	return ev == CALL_REQUEST;
}

static struct talk *free_talk(struct world *w)
{
	for (unsigned i = 0; i < TALKS; i++)
		if (!w->talk[i].call) {
			w->talk[i] = (struct talk){.w = w};
			return &w->talk[i];
		}
	return NULL;
}

static bool on_incoming(struct ua *ua, struct call *call, void *arg)
{
	struct world *w = arg;
	struct talk *t = w->manners & USER_REFUSES ? NULL : free_talk(w);

	(void)ua;
	CHECK(call->state == CALL_INCOMING && !call->outgoing);
	if (!t)
		return false;
	t->call = mem_ref(call);
	call_set_handler(call, on_call, t);
	if (w->manners & USER_RINGS)
		user_reply(t, 180, 0, NULL, 0);
	if (t->call && w->manners & USER_ANSWERS)
		user_reply(t, 200, 0, NULL, 0);
	return true;
}

static void user_calls(struct world *w)
{
	static const char *const uris[] = {"sip:alice@%s", "sip:carol@%s;lr", "sip:nobody@198.18.7.7", "sip:alice@%s;maddr=nowhere"};
	struct build_header extra[EXTRAS];
	struct ua_request r = {.extra = extra};
	struct talk *t = free_talk(w);
	unsigned flags = next(w), more = next(w);
	char uri[200];

	r.extra_count = world_extras(w, extra, USER_HEADERS);
	if (!t)
		return;
	snprintf(uri, sizeof(uri), uris[flags & 3], w->where[flags & 1]);
	r.uri = slice_str(uri);
	struct call_opts opts = {.no_ack = flags & 4,
				 .no_sdp = flags & 8,
				 .trans.no_retransmit = flags & 16,
				 .trans.no_ack = flags & 32,
				 .no_prack = more & 1,
				 .keep_forks = more & 2,
				 .reliable = (enum call_reliable)(more >> 2 & 3) % 3,
				 .max_redirects = more >> 4 & 3,
				 .session = more & 64 ? &(struct session_opts){.expires = 90} : NULL,
				 .direction = direction(more >> 7)};
	w->unclear = w->unclear || opts.no_ack;
	if (call_invite(&t->call, w->ua, &r, &opts, on_call, t, NULL))
		CHECK(!t->call);
}

/* Outside calls: OPTIONS, MESSAGE, SUBSCRIBE. */
static void user_asks(struct world *w)
{
	static const char *const methods[] = {"OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH"};
	struct build_header extra[EXTRAS];
	struct ua_request r = {.extra = extra};
	unsigned flags = next(w);
	struct talk *t = free_talk(w);
	struct buf b = {0};
	struct msg *m = NULL;
	struct addr dst;
	char uri[200];

	r.extra_count = world_extras(w, extra, USER_HEADERS);
	snprintf(uri, sizeof(uri), "sip:alice@%s", w->where[flags >> 2 & 1]);
	r.uri = slice_str(uri);
	if (!t || w->asked)
		goto out;
	w->asked_cseq = 1;
	if (!ua_build(w->ua, &b, &dst, slice_str(methods[flags & 3]), &r, SLICE_NONE, NULL) && !msg_alloc(&m, buf_slice(&b)))
		uac_alloc(&w->asked, w->ua, &w->asked_auth, &w->asked_cseq, m, &dst, NULL, on_uac, t, NULL);
out:
	mem_deref(m);
	buf_free(&b);
}

static void on_registration(struct registration *reg, struct msg *m, const char *why, void *arg)
{
	(void)reg;
	(void)why;
	(void)arg;
	CHECK(!m->s.request);
}

static void user_registers(struct world *w)
{
	static const uint32_t times[] = {0, 1, 60, 3600, 4294967294u, UINT32_MAX};
	unsigned what = next(w);
	uint32_t expires = times[what % (sizeof(times) / sizeof(*times))];
	struct build_header extra[EXTRAS];
	struct registration_opts o = {.expires = expires, .extra = extra, .no_refresh = what & 64};

	o.extra_count = world_extras(w, extra, USER_HEADERS);
	if (!w->reg)
		registration_start(&w->reg, w->ua, &o, on_registration, w, NULL);
	else if (what & 128)
		w->reg = mem_deref(w->reg);
	else
		registration_again(w->reg, expires, NULL);
}

static void on_answered(struct ua *ua, struct msg *request, unsigned status, void *arg)
{
	(void)ua;
	(void)arg;
	CHECK(status >= 100 && status < 700 && request->s.request && !msg_is(request, "ACK"));
}

static bool on_held(struct ua *ua, struct strans *st, void *arg)
{
	(void)ua;
	CHECK(!slice_eq(st->request->s.method, SLICE_LIT("ACK")));
	world_hold(arg, st);
	return true;
}

static void user_answers(struct world *w)
{
	static const unsigned statuses[] = {100, 180, 200, 202, 404, 487, 500, 699};
	struct strans *st = w->held[next(w) % HELD];
	unsigned status = statuses[next(w) % 8];
	struct build_header extra[EXTRAS];
	unsigned count = world_extras(w, extra, USER_HEADERS);

	if (st && st->ep)
		ua_reply(w->ua, st, status, NULL, extra, count);
}

/* --- subscriptions --- */

static struct usage *free_usage(struct world *w)
{
	for (unsigned i = 0; i < USAGES; i++)
		if (!w->usage[i].sub) {
			w->usage[i] = (struct usage){.w = w};
			return &w->usage[i];
		}
	return NULL;
}

static void on_subscription(struct subscription *sub, enum subscription_event ev, struct msg *m, const char *why, struct subscription *fork,
			    void *arg)
{
	struct usage *u = arg;

	(void)why;
	CHECK((ev == SUBSCRIPTION_ENDED) == !m && (ev == SUBSCRIPTION_FORKED) == (fork != NULL));
	if (ev == SUBSCRIPTION_FORKED && u->drop_at_end) { /* else nobody wants it */
		struct usage *other = free_usage(u->w);
		if (other) {
			other->sub = mem_ref(fork);
			subscription_set_handler(fork, on_subscription, other);
		}
	}
	if (ev == SUBSCRIPTION_ENDED) {
		CHECK(sub->state == SUBSCRIPTION_TERMINATED && sub->ended_by && !u->ended);
		u->ended = true;
		if (u->drop_at_end)
			usage_free(u);
	}
}

static void usage_free(struct usage *u)
{
	u->uac = mem_deref(u->uac);
	if (u->sub)
		subscription_set_handler(u->sub, NULL, NULL);
	u->sub = mem_deref(u->sub);
}

static void user_accepts(struct world *w, struct usage *u, struct strans *st, uint32_t expires, const struct build_header *extra, unsigned count)
{
	struct subscription_grant g = {.expires = expires, .extra = extra, .extra_count = count};

	if (st && st->ep &&
	    (slice_eq(st->request->s.method, SLICE_LIT("SUBSCRIBE")) || slice_eq(st->request->s.method, SLICE_LIT("REFER"))))
		subscription_accept(&u->sub, w->ua, st, &g, on_subscription, u, NULL, NULL);
}

static void user_starts(struct world *w, struct usage *u, const char *method, struct dialog *d, unsigned flags, const struct build_header *extra,
		  unsigned count)
{
	struct ua_request r = {.extra = extra, .extra_count = count};
	struct subscription_opts o = {.event = flags & 1 ? SLICE_LIT("dialog;id=4") : SLICE_LIT("presence"),
				      .expires = flags & 2 ? 1 : 60,
				      .no_refresh = flags & 4,
				      .forks = flags & 16};
	char uri[100];

	snprintf(uri, sizeof(uri), "sip:alice@%s", w->where[flags >> 3 & 1]);
	if (!d)
		r.uri = slice_str(uri);
	subscription_start(&u->sub, w->ua, d, slice_str(method), &r, &o, on_subscription, u, NULL);
}

static void user_notifies(struct usage *u, unsigned flags, const struct build_header *extra, unsigned count)
{
	static const char *const states[] = {"active", "pending", "terminated", "x"};
	struct subscription_news n = {.state = slice_str(states[flags & 3]),
				      .reason = flags & 4 ? SLICE_LIT("noresource") : SLICE_NONE,
				      .retry_after = flags >> 3 & 1,
				      .expires = flags & 16 ? 30 : UINT32_MAX,
				      .extra = extra,
				      .extra_count = count};
	struct uac *uac;

	if (flags & 32) {
		n.body = SLICE_LIT("x");
		n.content_type = SLICE_LIT("text/plain");
	}
	if (!subscription_notify(&uac, u->sub, &n, NULL, NULL, NULL)) {
		mem_deref(u->sub ? u->uac : uac);
		u->uac = u->sub ? uac : NULL;
	}
}

/* Which one, what, in or about which call; flags; headers. */
static void user_subscribes(struct world *w)
{
	unsigned what = next(w), flags = next(w);
	struct usage *u = &w->usage[what >> 6 & 3];
	struct talk *t = &w->talk[what >> 3 & 7];
	struct dialog *d = t->call ? t->call->dialog : NULL;
	struct build_header extra[EXTRAS];
	unsigned count = world_extras(w, extra, USER_HEADERS), op = what & 7;

	if (!u->sub)
		*u = (struct usage){.w = w, .drop_at_end = flags & 128};
	if (!u->sub == (op > 4 || op == 3))
		return;
	switch (op) {
	case 0:
		user_starts(w, u, "SUBSCRIBE", flags & 64 ? d : NULL, flags, extra, count);
		break;
	case 1:
		user_starts(w, u, "REFER", flags & 64 ? d : NULL, flags, extra, count);
		break;
	case 2:
		user_accepts(w, u, w->held[flags & 7], flags & 64 ? 1 : 60, extra, count);
		break;
	case 4: /* the last that came */
		user_accepts(w, u, w->held[(w->held_count + HELD - 1) % HELD], flags & 64 ? 1 : 60, extra, count);
		break;
	case 3:
		usage_free(u);
		break;
	case 5:
		user_notifies(u, flags, extra, count);
		break;
	case 6:
		subscription_refresh(u->sub, flags & 1 ? 0 : flags & 2 ? 60 : UINT32_MAX, NULL, NULL);
		break;
	case 7:
		if (t->call && !u->sub->subscriber)
			subscription_follow(u->sub, t->call, NULL);
		break;
	}
}

#endif

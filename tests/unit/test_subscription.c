/* Subscriptions between two UAs in virtual time, without any script: what both machines do by themselves. */
#include "unit.h"

#include "sip/subscription.h"

#include <stdio.h>
#include <string.h>

struct side {
	struct endpoint *ep;
	struct ua *ua;
	struct call *call;
	struct subscription *sub, *fork;
	struct strans *st;
	struct uac *said[4];
	unsigned said_count;
	char log[400]; /* what its subscription was told */
};

struct world {
	struct loop *loop;
	struct net *net;
	struct side alice, bob;
	struct tmr stop;
};

static void note(struct side *s, const char *text)
{
	size_t n = strlen(s->log);

	snprintf(s->log + n, sizeof(s->log) - n, "%s%s", n ? " " : "", text);
}

static void on_event(struct subscription *sub, enum subscription_event ev, struct msg *m, const char *why, struct subscription *fork,
		     void *arg)
{
	static const char *const names[] = {"response", "NOTIFY", "SUBSCRIBE", "forked", "ended"};
	struct side *s = arg;
	char text[80];

	(void)sub;
	snprintf(text, sizeof(text), "%s", names[ev]);
	if (ev == SUBSCRIPTION_RESPONSE)
		snprintf(text, sizeof(text), "%u", m->s.status);
	else if (ev == SUBSCRIPTION_ENDED)
		snprintf(text, sizeof(text), "ended:%s", why);
	else if (ev == SUBSCRIPTION_FORKED) {
		s->fork = mem_ref(fork);
		subscription_set_handler(fork, on_event, s);
	}
	note(s, text);
}

static int say(struct side *s, const char *state, const char *body)
{
	struct subscription_news n = {.state = slice_str(state), .expires = UINT32_MAX, .body = slice_str(body),
				      .content_type = SLICE_LIT("text/plain")};
	int err = subscription_notify(&s->said[s->said_count], s->sub, &n, NULL, NULL, NULL);

	s->said_count += !err;
	return err;
}

static bool on_ua_request(struct ua *ua, struct strans *st, void *arg)
{
	struct side *s = arg;
	struct subscription_grant g = {.expires = 100};

	if (s->sub)
		return false;
	mem_deref(s->st);
	s->st = mem_ref(st);
	if (!subscription_accept(&s->sub, ua, st, &g, on_event, s, NULL, NULL))
		say(s, "active", "one");
	return true;
}

static bool on_call_event(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg)
{
	struct side *s = arg;

	(void)call;
	(void)m;
	(void)why;
	return ev == CALL_REQUEST && on_ua_request(s->ua, st, s);
}

static bool on_incoming(struct ua *ua, struct call *call, void *arg)
{
	struct side *s = arg;
	struct call_reply answer = {.status = 200};

	(void)ua;
	s->call = mem_ref(call);
	call_set_handler(call, on_call_event, s);
	call_reply(call, &answer, NULL, NULL);
	return true;
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct side *s = arg;

	(void)ep;
	return ua_receive(s->ua, m);
}

static int side_open(struct world *w, struct side *s, const char *name, const char *aor)
{
	struct endpoint_handlers eh = {.request = on_request, .arg = s};
	struct endpoint_cfg ec = {.net = w->net, .name = name, .seed = 1, .test = "subscription"};
	struct ua_handlers uh = {.incoming = on_incoming, .request = on_ua_request, .arg = s};
	struct ua_cfg uc = {.aor = slice_str(aor), .answers = UA_ANSWERS_ALL};
	int err = endpoint_alloc(&s->ep, &ec, &eh, NULL);

	if (err)
		return err;
	s->ep->in_dialog = call_in_dialog;
	return ua_alloc(&s->ua, s->ep, &uc, &uh, NULL);
}

static int world_open(struct world *w)
{
	struct loop_cfg lc = {.virtual_clock = true};
	int err = loop_alloc(&w->loop, &lc, NULL);

	if (err)
		return err;
	struct net_cfg nc = {.loop = w->loop, .seed = 1, .test = "subscription"};
	err = net_alloc(&w->net, &nc, NULL);
	if (!err)
		err = side_open(w, &w->alice, "alice", "sip:alice@example.test");
	if (!err)
		err = side_open(w, &w->bob, "bob", "sip:bob@example.test");
	if (!err) {
		err = ua_claim(&w->bob.ua->claims, SLICE_LIT("SUBSCRIBE"), NULL);
		err = err ? err : ua_claim(&w->bob.ua->claims, SLICE_LIT("REFER"), NULL);
	}
	return err;
}

static void world_close(struct world *w)
{
	tmr_cancel(&w->stop);
	for (struct side *s = &w->alice; s <= &w->bob; s++) {
		while (s->said_count)
			mem_deref(s->said[--s->said_count]);
		mem_deref(s->sub);
		mem_deref(s->fork);
		mem_deref(s->st);
		if (s->call)
			call_set_handler(s->call, NULL, NULL);
		mem_deref(s->call);
	}
	for (struct side *s = &w->alice; s <= &w->bob; s++)
		mem_deref(s->ua);
	for (struct side *s = &w->alice; s <= &w->bob; s++)
		mem_deref(s->ep);
	mem_deref(w->net);
	mem_deref(w->loop);
	memset(w, 0, sizeof(*w));
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run(struct world *w, double seconds)
{
	tmr_start_at(&w->stop, w->loop, loop_now(w->loop) + (uint64_t)(seconds * 1e9), TMR_DEADLINE, stop, w->loop);
	loop_run(w->loop);
}

static int subscribe(struct world *w, uint32_t expires, bool no_refresh)
{
	struct ua_request r = {.uri = w->bob.ua->contact};
	struct subscription_opts o = {.event = SLICE_LIT("dialog"), .expires = expires, .no_refresh = no_refresh};

	return subscription_start(&w->alice.sub, w->alice.ua, NULL, SLICE_LIT("SUBSCRIBE"), &r, &o, on_event, &w->alice, NULL);
}

static void cut(struct world *w, const char *from, double loss)
{
	struct net_faults f = {.loss = loss};

	assert_int_equal(net_set_faults(w->net, from, NULL, &f), 0);
}

/* The notifier grants no more than it wants; it is refreshed before that, and ended with Expires: 0. */
static void refreshed_and_ended(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(subscribe(&w, 600, false), 0);
	assert_int_equal(w.alice.sub->state, SUBSCRIPTION_NOTIFY_WAIT);
	run(&w, 1);
	assert_int_equal(w.alice.sub->state, SUBSCRIPTION_ACTIVE);
	assert_int_equal(w.alice.sub->granted, 100);
	assert_string_equal(w.alice.log, "200 NOTIFY");
	run(&w, 93); /* 94 s: not yet */
	assert_int_equal(w.alice.sub->refreshes, 0);
	run(&w, 2);
	assert_int_equal(w.alice.sub->refreshes, 1);
	assert_string_equal(w.alice.log, "200 NOTIFY 200 NOTIFY");
	assert_string_equal(w.bob.log, "SUBSCRIBE");
	assert_int_equal(subscription_refresh(w.alice.sub, 0, NULL, NULL), 0);
	run(&w, 1);
	assert_string_equal(w.alice.log, "200 NOTIFY 200 NOTIFY 200 NOTIFY ended:remote NOTIFY");
	assert_string_equal(w.alice.sub->reason, "timeout");
	assert_string_equal(w.bob.log, "SUBSCRIBE SUBSCRIBE ended:local NOTIFY");
	assert_int_equal(subscription_refresh(w.alice.sub, 60, NULL, NULL), ERR_NOT_NOW);
	assert_int_equal(say(&w.bob, "active", "x"), ERR_NOT_NOW);
	run(&w, 60);
	assert_int_equal(w.alice.ep->sb->dialogs.n, 0);
	assert_int_equal(w.bob.ep->sb->dialogs.n, 0);
	world_close(&w);
}

/* Nobody refreshes: the notifier's time ends it. When its word is lost, the subscriber's own does, 64*T1 later. */
static void run_out(void **state)
{
	(void)state;
	for (int lost = 0; lost <= 1; lost++) {
		struct world w = {0};

		assert_int_equal(world_open(&w), 0);
		assert_int_equal(subscribe(&w, 50, true), 0);
		run(&w, 49);
		assert_int_equal(w.bob.sub->state, SUBSCRIPTION_ACTIVE);
		assert_int_equal(subscription_left(w.alice.sub), 1);
		if (lost)
			cut(&w, "bob", 1);
		run(&w, 2);
		assert_int_equal(w.bob.sub->state, SUBSCRIPTION_TERMINATED);
		assert_int_equal(w.alice.sub->state, lost ? SUBSCRIPTION_ACTIVE : SUBSCRIPTION_TERMINATED);
		run(&w, 30);
		assert_int_equal(w.alice.sub->state, lost ? SUBSCRIPTION_ACTIVE : SUBSCRIPTION_TERMINATED);
		run(&w, 1.5);
		assert_string_equal(w.alice.sub->ended_by, lost ? "expired" : "remote NOTIFY");
		world_close(&w);
	}
}

/* No NOTIFY gets through: timer N after a 2xx; timer F where no 2xx came either. */
static void timer_n(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	w.bob.sub = mem_zalloc(1, NULL); /* so that the SUBSCRIBE is not accepted by itself */
	assert_int_equal(subscribe(&w, 50, false), 0);
	run(&w, 0.1);
	w.bob.sub = mem_deref(w.bob.sub);
	assert_string_equal(w.alice.log, "");
	run(&w, 31.8);
	assert_int_equal(w.alice.sub->state, SUBSCRIPTION_NOTIFY_WAIT);
	run(&w, 0.2);
	assert_string_equal(w.alice.log, "408 ended:timer F");
	world_close(&w);

	assert_int_equal(world_open(&w), 0);
	assert_int_equal(subscribe(&w, 600, true), 0);
	run(&w, 1);
	assert_int_equal(subscription_refresh(w.alice.sub, UINT32_MAX, NULL, NULL), 0);
	subscription_set_handler(w.bob.sub, NULL, NULL);
	w.bob.sub = mem_deref(w.bob.sub); /* its dialog goes with it */
	run(&w, 1);
	assert_string_equal(w.alice.log, "200 NOTIFY 481 ended:final response");
	world_close(&w);
}

/* A NOTIFY that gets no answer ends the notifier's side (RFC 6665 4.2.2). */
static void notify_unanswered(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(subscribe(&w, 600, true), 0);
	run(&w, 1);
	cut(&w, "alice", 1);
	assert_int_equal(say(&w.bob, "active", "two"), 0);
	run(&w, 31);
	assert_int_equal(w.bob.sub->state, SUBSCRIPTION_ACTIVE);
	assert_int_equal(say(&w.bob, "active", "three"), 0);
	run(&w, 2);
	assert_string_equal(w.bob.sub->ended_by, "failed NOTIFY");
	assert_string_equal(w.alice.log, "200 NOTIFY NOTIFY NOTIFY");
	world_close(&w);
}

/* REFER within a call: one more usage of its dialog, which outlasts the call; then the subscriptions go before and after it. */
static void refer_in_call(void **state)
{
	struct world w = {0};
	struct ua_request r = {0}, refer = {0};
	struct build_header to = {SLICE_LIT("Refer-To"), SLICE_LIT("<sip:carol@example.test>")};
	struct subscription_opts o = {0};
	struct uac *bye;

	(void)state;
	assert_int_equal(world_open(&w), 0);
	r.uri = w.bob.ua->contact;
	assert_int_equal(call_invite(&w.alice.call, w.alice.ua, &r, NULL, on_call_event, &w.alice, NULL), 0);
	run(&w, 1);
	assert_int_equal(ua_claim(&w.bob.call->claims, SLICE_LIT("REFER"), NULL), 0);
	refer.extra = &to;
	refer.extra_count = 1;
	assert_int_equal(subscription_start(&w.alice.sub, w.alice.ua, w.alice.call->dialog, SLICE_LIT("REFER"), &refer, &o, on_event,
					    &w.alice, NULL), 0);
	run(&w, 1);
	assert_string_equal(w.alice.log, "202 NOTIFY");
	assert_int_equal(call_bye(&bye, w.alice.call, NULL, NULL, NULL, NULL, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.bob.call->state, CALL_TERMINATED);
	assert_int_equal(say(&w.bob, "terminated", "SIP/2.0 200 OK\r\n"), 0);
	run(&w, 1);
	assert_string_equal(w.alice.log, "202 NOTIFY NOTIFY ended:remote NOTIFY");
	assert_null(w.alice.call->dialog->usages);
	mem_deref(bye);
	world_close(&w);
}

/* One call, one subscription: a second would undo what the first one took over. */
static void followed_once(void **state)
{
	struct world w = {0};
	struct ua_request r = {0}, refer = {0};
	struct build_header to = {SLICE_LIT("Refer-To"), SLICE_LIT("<sip:alice@example.test>")};
	struct subscription_opts o = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	refer.uri = w.bob.ua->contact;
	refer.extra = &to;
	refer.extra_count = 1;
	assert_int_equal(subscription_start(&w.alice.sub, w.alice.ua, NULL, SLICE_LIT("REFER"), &refer, &o, on_event, &w.alice, NULL), 0);
	run(&w, 1);
	r.uri = w.alice.ua->contact;
	assert_int_equal(call_invite(&w.bob.call, w.bob.ua, &r, NULL, on_call_event, &w.bob, NULL), 0);
	assert_int_equal(subscription_follow(w.bob.sub, w.bob.call, NULL), 0);
	assert_int_equal(subscription_follow(w.bob.sub, w.bob.call, NULL), ERR_NOT_NOW);
	run(&w, 1);
	assert_int_equal(w.bob.call->state, CALL_CONFIRMED);
	assert_string_equal(w.alice.log, "202 NOTIFY NOTIFY NOTIFY ended:remote NOTIFY");
	world_close(&w);
}

/* Who lets go of a subscription goes silent: the other side is told 481. */
static void abandoned(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(subscribe(&w, 600, false), 0);
	w.alice.sub = mem_deref(w.alice.sub);
	run(&w, 1);
	assert_string_equal(w.bob.log, "ended:failed NOTIFY");
	run(&w, 100);
	world_close(&w);
}

static int whole_life(void *arg)
{
	struct world w = {0};
	int err = world_open(&w);

	(void)arg;
	if (!err)
		err = subscribe(&w, 60, false);
	if (!err) {
		run(&w, 56);
		err = strcmp(w.alice.log, "200 NOTIFY 200 NOTIFY") ? ERR_NOMEM : subscription_refresh(w.alice.sub, 0, NULL, NULL);
		run(&w, 1);
		if (!err && strcmp(w.alice.sub->ended_by ? w.alice.sub->ended_by : "", "remote NOTIFY"))
			err = ERR_NOMEM;
	}
	world_close(&w);
	return err;
}

static void out_of_memory(void **state)
{
	(void)state;
	assert_true(unit_each_failure(whole_life, NULL) > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(refreshed_and_ended), UNIT_TEST(run_out), UNIT_TEST(timer_n),
					   UNIT_TEST(notify_unanswered), UNIT_TEST(refer_in_call), UNIT_TEST(followed_once),
					   UNIT_TEST(abandoned),
					   UNIT_TEST(out_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

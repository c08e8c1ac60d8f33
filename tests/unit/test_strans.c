/* Server transactions: every state and timer of RFC 3261 17.2 and RFC 6026, and CANCEL. */
#include "sip_pair.h"

static struct pair p;

static int setup(void **state)
{
	return unit_setup(state) || pair_open(&p, false);
}

static int teardown(void **state)
{
	pair_close(&p);
	return unit_teardown(state);
}

#define pair_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#define raw(...) pair_raw(&p, __VA_ARGS__)
#define VIA "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx"

static void invite(struct pair *q)
{
	(void)q;
	raw("INVITE", VIA, "");
}
static void options(struct pair *q)
{
	(void)q;
	raw("OPTIONS", VIA, "");
}
static void ack(struct pair *q)
{
	raw("ACK", VIA, q->st ? q->st->to_tag : "");
}
static void cancel(struct pair *q)
{
	(void)q;
	raw("CANCEL", VIA, "");
}
static void reply_100(struct pair *q)
{
	assert_int_equal(pair_reply(q, 100), 0);
}
static void reply_180(struct pair *q)
{
	assert_int_equal(pair_reply(q, 180), 0);
}
static void reply_200(struct pair *q)
{
	assert_int_equal(pair_reply(q, 200), 0);
}
static void reply_486(struct pair *q)
{
	assert_int_equal(pair_reply(q, 486), 0);
}

/* Alice has no transactions here: everything she gets is unclaimed, and no matter. */
static void quiet(struct endpoint *ep, struct msg *m, void *arg)
{
	if (ep == p.bob)
		pair_unclaimed(ep, m, arg);
}

static void script(void)
{
	p.alice->h.unclaimed = quiet;
}

/* --- INVITE --- */

static void test_trying(void **state)
{
	(void)state;
	script();
	invite(&p);
	pair_at(&p, 100, invite); /* nothing to repeat yet */
	pair_at(&p, 300, invite);
	pair_at(&p, 400, reply_180);
	pair_at(&p, 500, invite);
	pair_at(&p, 600, reply_486);
	pair_at(&p, 601, ack);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n100 alice INVITE\n200 bob 100 INVITE\n300 alice INVITE\n300 bob 100 INVITE\n"
		    "400 bob 180 INVITE\n500 alice INVITE\n500 bob 180 INVITE\n600 bob 486 INVITE\n601 alice ACK\n"
		    "601 bob: ACKED\n5601 bob: TERMINATED\n");
	assert_int_equal(p.st->retransmissions, 3);
	assert_int_equal(p.bob->count.retransmissions_in, 3);
	assert_int_equal(p.st->repeated_responses, 2);
	assert_null(p.st->ep);
}

static void test_no_trying(void **state)
{
	(void)state;
	script();
	p.on_request = reply_180; /* in time: no 100 */
	invite(&p);
	pair_at(&p, 1000, reply_200);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	pair_is(&p, "0 alice INVITE\n0 bob 180 INVITE\n1000 bob 200 INVITE\n33000 bob: TERMINATED\n");
	p.sopts.no_trying = true;
	p.on_request = NULL;
	invite(&p);
	pair_at(&p, 34000, reply_200);
	pair_run(&p);
	pair_is(&p, "33000 alice INVITE\n34000 bob 200 INVITE\n66000 bob: TERMINATED\n");
}

static void watch_closes(struct endpoint *ep, struct msg *m, void *arg)
{
	(void)ep;
	(void)arg;
	if (p.st && m->received)
		strans_close(p.st);
}

static void watch(struct pair *q)
{
	q->bob->h.seen = watch_closes;
}

static void test_closed_by_who_watches(void **state)
{
	(void)state;
	script();
	options(&p);
	pair_at(&p, 100, watch);
	pair_at(&p, 200, options); /* it finds the transaction, which is closed before it gets there */
	pair_at(&p, 300, reply_200);
	pair_run(&p);
	assert_int_equal(p.bob->count.retransmissions_in, 0);
}

static void release(struct pair *q)
{
	struct strans *st = q->st;

	assert_non_null(st->request);
	assert_false(strans_merged(st));
	q->st = NULL;
	strans_detach(st);
	strans_release(st);
}

static void request_is_gone(struct pair *q)
{
	assert_null(hash_owner(pair_only(&q->bob->sb->strans), struct strans, node)->request);
}

static void other_branch(struct pair *q)
{
	pair_raw(q, "OPTIONS", "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKother;rport", "");
}

static void is_merged(struct pair *q)
{
	assert_true(strans_merged(q->st));
	reply_200(q);
}

/* One that is answered and that nobody holds any more: its request goes, and what is repeated is absorbed and answered all the same. */
static void test_released(void **state)
{
	(void)state;
	script();
	options(&p);
	pair_at(&p, 100, reply_200);
	pair_at(&p, 200, release);
	pair_at(&p, 300, request_is_gone);
	pair_at(&p, 400, options);
	pair_at(&p, 500, other_branch); /* the same request by another way (RFC 3261 8.2.2.2) */
	pair_at(&p, 600, is_merged);
	pair_run(&p);
	pair_is(&p, "0 alice OPTIONS\n100 bob 200 OPTIONS\n400 alice OPTIONS\n400 bob 200 OPTIONS\n500 alice OPTIONS\n"
		    "600 bob 200 OPTIONS\n32600 bob: TERMINATED\n");
	assert_int_equal(p.bob->count.retransmissions_in, 1);
	assert_int_equal(p.bob->count.retransmissions_out, 1);
}

static void reply_with_headers(struct pair *q)
{
	struct build_header h = {SLICE_LIT("X-Last"), SLICE_LIT("word for word")};
	struct build_response r = {.status = 404, .reason = SLICE_LIT("Nobody Here"), .extra = &h, .extra_count = 1};

	assert_int_equal(strans_reply(q->st, &r, NULL, NULL), 0);
}

static struct msg *was;
static unsigned same_again;

static void compare(struct endpoint *ep, struct msg *m, void *arg)
{
	if (ep == p.bob) {
		pair_unclaimed(ep, m, arg);
	} else if (!was) {
		was = mem_ref(m);
	} else {
		assert_true(slice_eq(msg_bytes(was), msg_bytes(m)));
		same_again++;
	}
}

static void repeats(pair_h *reply)
{
	uint64_t now = loop_now(p.loop) / NS_PER_MS;

	same_again = 0;
	options(&p);
	pair_at(&p, now + 100, reply);
	pair_at(&p, now + 200, release);
	pair_at(&p, now + 300, request_is_gone);
	pair_at(&p, now + 400, options);
	pair_at(&p, now + 500, options);
	pair_run(&p);
	buf_reset(&p.log);
	assert_int_equal(same_again, 2);
	was = mem_deref(was);
}

/* The last response of one at rest comes again byte for byte: one that is built anew, and one with what its user gave. */
static void test_released_repeats(void **state)
{
	(void)state;
	p.alice->h.unclaimed = compare;
	repeats(reply_200);
	repeats(reply_with_headers);
}

static void test_released_invite(void **state)
{
	(void)state;
	script();
	invite(&p);
	pair_at(&p, 100, reply_200);
	pair_at(&p, 200, release);
	pair_at(&p, 300, request_is_gone);
	pair_at(&p, 400, invite);
	pair_at(&p, 500, ack); /* the dialog's, if there is one */
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n100 bob 200 INVITE\n400 alice INVITE\n500 alice ACK\n500 bob? ACK\n");
}

static void test_g_h(void **state)
{
	(void)state;
	script();
	p.on_request = reply_486;
	invite(&p);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n0 bob 486 INVITE\n500 bob 486 INVITE\n1500 bob 486 INVITE\n3500 bob 486 INVITE\n"
		    "7500 bob 486 INVITE\n11500 bob 486 INVITE\n15500 bob 486 INVITE\n19500 bob 486 INVITE\n23500 bob "
		    "486 INVITE\n"
		    "27500 bob 486 INVITE\n31500 bob 486 INVITE\n32000 bob: NO_ACK\n32000 bob: TERMINATED\n");
	assert_int_equal(p.st->repeated_responses, 10);
	assert_int_equal(p.bob->count.retransmissions_out, 10);

	p.sopts.no_retransmit = true; /* timer G alone: a repeated request has its answer again */
	invite(&p);
	pair_at(&p, 33000, invite);
	pair_at(&p, 34000, ack);
	pair_run(&p);
	pair_is(&p,
		"32000 alice INVITE\n32000 bob 486 INVITE\n33000 alice INVITE\n33000 bob 486 INVITE\n34000 alice ACK\n"
		"34000 bob: ACKED\n39000 bob: TERMINATED\n");
}

static void test_i(void **state)
{
	(void)state;
	script();
	p.on_request = reply_486;
	invite(&p);
	pair_at(&p, 400, ack);
	pair_at(&p, 700, ack); /* absorbed */
	pair_at(&p, 800, invite);
	pair_at(&p, 5399, ack);
	pair_at(&p, 5400, ack);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n0 bob 486 INVITE\n400 alice ACK\n400 bob: ACKED\n700 alice ACK\n800 alice INVITE\n"
		    "5399 alice ACK\n5400 bob: TERMINATED\n5400 alice ACK\n5400 bob? ACK\n");
	assert_int_equal(p.st->retransmissions, 3);
}

/* RFC 6026: repeated INVITEs are absorbed, the ACK is the dialog's, and whoever answered repeats the 2xx. */
static void test_l(void **state)
{
	(void)state;
	struct err e;

	script();
	p.on_request = reply_200;
	invite(&p);
	pair_at(&p, 500, invite);
	pair_at(&p, 600, reply_200);
	pair_at(&p, 700, ack);
	pair_at(&p, 31999, invite);
	pair_at(&p, 32001, ack);
	pair_run(&p);
	pair_is(&p,
		"0 alice INVITE\n0 bob 200 INVITE\n500 alice INVITE\n600 bob 200 INVITE\n700 alice ACK\n700 bob? ACK\n"
		"31999 alice INVITE\n32000 bob: TERMINATED\n32001 alice ACK\n32001 bob? ACK\n");
	assert_int_equal(p.st->retransmissions, 2);
	assert_int_equal(p.st->repeated_responses, 1);
	struct build_response r = {.status = 200};
	assert_int_equal(strans_reply(p.st, &r, NULL, &e), ERR_NOT_NOW);
	assert_string_equal(e.text, "200 to INVITE: the transaction is Terminated, it has had its final response 200");
}

static void test_second_final_refused(void **state)
{
	(void)state;
	struct build_response r = {.status = 603};
	struct msg *m = NULL;
	struct err e;

	script();
	p.on_request = reply_200;
	invite(&p);
	pair_deliver(&p);
	assert_int_equal(p.st->state, TRANS_ACCEPTED);
	assert_int_equal(strans_reply(p.st, &r, &m, &e), ERR_NOT_NOW);
	assert_string_equal(e.text, "603 to INVITE: the transaction is Accepted, it has had its final response 200");
	assert_int_equal(pair_reply(&p, 180), ERR_NOT_NOW);
	options(&p);
	pair_deliver(&p);
	assert_int_equal(pair_reply(&p, 200), ERR_NOT_NOW);
	p.on_request = NULL;
	pair_run(&p);
	options(&p);
	pair_deliver(&p);
	assert_int_equal(pair_reply(&p, 99), ERR_ARG);
	assert_int_equal(strans_respond(p.st, p.request, &e), ERR_ARG); /* a request is no response */
	assert_int_equal(p.st->state, TRANS_TRYING);
	reply_486(&p);
	assert_int_equal(pair_reply(&p, 486), ERR_NOT_NOW);
	assert_null(m);
	pair_run(&p);
	invite(&p);
	pair_deliver(&p);
	strans_close(p.st);
	r.status = 180;
	assert_int_equal(strans_reply(p.st, &r, NULL, &e), ERR_NOT_NOW);
	assert_string_equal(e.text, "180 to INVITE: the transaction is Terminated");
	pair_run(&p);
}

/* --- others --- */

static void test_j(void **state)
{
	(void)state;
	script();
	options(&p);
	pair_at(&p, 100, options); /* Trying: absorbed without a word */
	pair_at(&p, 1000, reply_100);
	pair_at(&p, 1100, options);
	pair_at(&p, 2000, reply_200);
	pair_at(&p, 2100, options);
	pair_at(&p, 33999, options);
	pair_at(&p, 34000, options); /* a new one */
	pair_at(&p, 34001, reply_486);
	pair_run(&p);
	pair_is(&p,
		"0 alice OPTIONS\n100 alice OPTIONS\n1000 bob 100 OPTIONS\n1100 alice OPTIONS\n1100 bob 100 OPTIONS\n"
		"2000 bob 200 OPTIONS\n2100 alice OPTIONS\n2100 bob 200 OPTIONS\n33999 alice OPTIONS\n33999 bob 200 "
		"OPTIONS\n"
		"34000 bob: TERMINATED\n34000 alice OPTIONS\n34001 bob 486 OPTIONS\n66001 bob: TERMINATED\n");
	assert_int_equal(p.bob->count.retransmissions_in, 4);
}

/* --- CANCEL: RFC 3261 9.2 --- */

static void test_cancel(void **state)
{
	(void)state;
	char want[500];

	script();
	p.sopts.no_trying = true;
	cancel(&p); /* of nothing */
	invite(&p);
	pair_at(&p, 100, cancel);
	pair_at(&p, 150, cancel); /* repeated: its own transaction's */
	pair_at(&p, 200, reply_486);
	pair_at(&p, 300, ack);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	pair_is(
	    &p,
	    "0 alice CANCEL\n0 alice INVITE\n0 bob? CANCEL\n100 alice CANCEL\n100 bob 200 CANCEL\n100 bob: CANCELLED\n"
	    "150 alice CANCEL\n150 bob 200 CANCEL\n200 bob 486 INVITE\n300 alice ACK\n300 bob: ACKED\n5300 bob: "
	    "TERMINATED\n");
	assert_true(p.st->cancelled);

	p.on_request = reply_200; /* too late: answered, without an effect */
	invite(&p);
	cancel(&p);
	pair_run(&p);
	snprintf(want, sizeof(want),
		 "32100 alice INVITE\n32100 alice CANCEL\n32100 bob 200 INVITE\n32100 bob 200 CANCEL\n64100 bob: "
		 "TERMINATED\n");
	pair_is(&p, want);
	assert_false(p.st->cancelled);
}

static void test_cancel_has_the_to_tag_of_the_invite(void **state)
{
	(void)state;
	script();
	p.on_request = reply_180;
	pair_send(&p, "INVITE", NULL);
	pair_deliver(&p);
	assert_int_equal(ctrans_cancel(p.ct, false, NULL), 0);
	struct slice tag = p.final->s.to_tag;
	char invite_tag[ENDPOINT_ID_LEN];
	slice_copy(invite_tag, sizeof(invite_tag), tag);
	assert_string_equal(invite_tag, p.st->to_tag);
	p.ct->cancel->h = pair_response;
	p.ct->cancel->arg = &p;
	pair_deliver(&p);
	assert_true(slice_eq(p.final->s.cseq_method, SLICE_LIT("CANCEL")));
	assert_true(slice_eq(p.final->s.to_tag, slice_str(invite_tag)));
	reply_486(&p);
	pair_run(&p);
}

static void test_no_cancel(void **state)
{
	(void)state;
	script();
	p.sopts.no_cancel = true;
	p.sopts.no_trying = true;
	invite(&p);
	cancel(&p);
	pair_at(&p, 100, reply_200);
	pair_run(&p);
	/* Told, but not answered. */
	pair_is(&p, "0 alice INVITE\n0 alice CANCEL\n0 bob: CANCELLED\n100 bob 200 INVITE\n32100 bob: TERMINATED\n");
}

/* --- timers --- */

static void test_custom_timers(void **state)
{
	(void)state;
	script();
	p.on_request = reply_486;
	p.sopts.timers = &(struct sip_timers){.t2 = 300 * NS_PER_MS, .g = 100 * NS_PER_MS, .h = 1000 * NS_PER_MS};
	invite(&p);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n0 bob 486 INVITE\n100 bob 486 INVITE\n300 bob 486 INVITE\n600 bob 486 INVITE\n900 "
		    "bob 486 INVITE\n"
		    "1000 bob: NO_ACK\n1000 bob: TERMINATED\n");
	p.sopts.timers = &(struct sip_timers){.i = 1, .g = TIMER_NEVER};
	invite(&p);
	pair_at(&p, 4000, ack);
	pair_run(&p);
	pair_is(&p, "1000 alice INVITE\n1000 bob 486 INVITE\n4000 alice ACK\n4000 bob: ACKED\n4000 bob: TERMINATED\n");
	p.sopts.timers = &(struct sip_timers){.j = 10 * NS_PER_MS, .l = 20 * NS_PER_MS, .trying = 5 * NS_PER_MS};
	options(&p);
	pair_run(&p);
	pair_is(&p, "4000 alice OPTIONS\n4000 bob 486 OPTIONS\n4010 bob: TERMINATED\n");
	p.on_request = NULL;
	invite(&p);
	pair_at(&p, 4100, reply_200);
	pair_run(&p);
	pair_is(&p, "4010 alice INVITE\n4015 bob 100 INVITE\n4100 bob 200 INVITE\n4120 bob: TERMINATED\n");
}

static void test_timers_never(void **state)
{
	(void)state;
	static const struct {
		pair_h *request, *reply;
		bool ack;
		enum trans_state state;
	} rows[] = {
	    {invite, NULL, false, TRANS_PROCEEDING},      {invite, reply_200, false, TRANS_ACCEPTED},
	    {invite, reply_486, false, TRANS_COMPLETED},  {invite, reply_486, true, TRANS_CONFIRMED},
	    {options, NULL, false, TRANS_TRYING},         {options, reply_100, false, TRANS_PROCEEDING},
	    {options, reply_200, false, TRANS_COMPLETED},
	};
	script();
	p.sopts.timers = &(struct sip_timers){.g = TIMER_NEVER,
					     .h = TIMER_NEVER,
					     .i = TIMER_NEVER,
					     .j = TIMER_NEVER,
					     .l = TIMER_NEVER,
					     .trying = TIMER_NEVER};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		p.on_request = rows[i].reply;
		rows[i].request(&p);
		pair_deliver(&p);
		if (rows[i].ack)
			ack(&p);
		assert_int_equal(loop_run(p.loop), LOOP_DRY);
		assert_int_equal(loop_now(p.loop), 0);
		assert_int_equal(p.st->state, rows[i].state);
		strans_close(p.st);
	}
}

/* --- what its user may do while being told --- */

static enum strans_event act_at;
static unsigned act, events;

static void acting(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	(void)m;
	(void)arg;
	events++;
	if (ev != act_at)
		return;
	if (act == 0)
		strans_detach(st);
	else if (act == 1)
		strans_close(st);
	else if (act == 2)
		p.st = mem_deref(p.st);
	else if (act == 3)
		p.bob = mem_deref(p.bob);
	else if (ev == STRANS_CANCELLED)
		reply_486(&p);
}

static void act_on_events(struct pair *q)
{
	q->st->h = acting;
}

static void test_callbacks(void **state)
{
	(void)state;
	for (act = 0; act < 5; act++)
		for (act_at = STRANS_CANCELLED; act_at <= STRANS_TERMINATED; act_at++)
			for (int acked = 0; acked < 2; acked++) {
				pair_close(&p);
				assert_int_equal(pair_open(&p, false), 0);
				script();
				events = 0;
				p.on_request = act_on_events;
				invite(&p);
				pair_deliver(&p);
				struct strans *st = mem_ref(p.st);
				cancel(&p);
				pair_deliver(&p);
				if (st->ep && st->state == TRANS_PROCEEDING) {
					struct build_response r = {.status = 486};
					assert_int_equal(strans_reply(st, &r, NULL, NULL), 0);
				}
				if (acked && st->ep)
					raw("ACK", VIA, st->to_tag);
				mem_deref(st);
				pair_run(&p);
				assert_in_range(events, 1, 3);
			}
}

static void test_endpoint_destroyed(void **state)
{
	(void)state;
	script();
	for (int i = 0; i < 200; i++) {
		char via[64];
		snprintf(via, sizeof(via), "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bK%d", i);
		p.on_request = i % 4 == 0 ? NULL : i % 4 == 1 ? reply_180 : i % 4 == 2 ? reply_200 : reply_486;
		raw(i % 3 ? "INVITE" : "OPTIONS", via, "");
		pair_deliver(&p);
		if (i % 5 == 0)
			raw("ACK", via, p.st->to_tag);
	}
	assert_int_equal(p.bob->sb->strans.n, 200);
	p.bob = mem_deref(p.bob);
	assert_int_equal(p.st->state, TRANS_TERMINATED);
	buf_reset(&p.log);
	pair_run(&p);
	pair_is(&p, "");
	strans_detach(p.st);
	strans_detach(NULL);
	strans_close(p.st);
}

static unsigned let_pass;

static void seen_and_destroyed(struct endpoint *ep, struct msg *m, void *arg)
{
	struct pair *q = arg;

	if (!m->received && ep == q->bob && let_pass-- == 0)
		q->bob = mem_deref(q->bob);
}

static void reply_180_maybe(struct pair *q)
{
	pair_reply(q, 180);
}
static void reply_486_maybe(struct pair *q)
{
	if (q->bob)
		pair_reply(q, 486);
}

/* Whoever watches the endpoint may end it with each message that goes out. */
static void test_destroyed_while_sending(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 8; n++)
		for (int first = 0; first < 2; first++) {
			pair_close(&p);
			assert_int_equal(pair_open(&p, false), 0);
			script();
			p.bob->h.seen = seen_and_destroyed;
			let_pass = n;
			p.on_request = first ? reply_180_maybe : NULL;
			invite(&p);
			pair_at(&p, 300, invite);
			pair_at(&p, 350, cancel);
			pair_at(&p, 400, reply_486_maybe);
			pair_at(&p, 410, invite);
			pair_run(&p);
			assert_null(p.bob);
		}
}

/* --- together, on a bad line --- */

static unsigned finals, wrong_finals, calls;

static void on_final(struct ctrans *ct, struct msg *m, void *arg)
{
	unsigned *got = arg;

	(void)ct;
	if (m->s.status < 200)
		return;
	finals++;
	wrong_finals += (*got)++ != 0;
}

static bool answer(struct endpoint *ep, struct msg *m, void *arg)
{
	struct build_response r = {.status = 486};
	struct strans *st;

	(void)arg;
	if (ep != p.bob || msg_is(m, "ACK"))
		return false;
	calls++;
	assert_int_equal(strans_create(&st, ep, m, NULL, NULL, NULL, NULL), 0);
	if (msg_is(m, "OPTIONS"))
		r.status = 200;
	if (calls % 3 == 0) {
		struct build_response ringing = {.status = 180};
		assert_int_equal(strans_reply(st, &ringing, NULL, NULL), 0);
	}
	assert_int_equal(strans_reply(st, &r, NULL, NULL), 0);
	mem_deref(st);
	return true;
}

/* Whatever the network loses, doubles and turns about, each request is seen once and has one final response. */
static void test_bad_line(void **state)
{
	(void)state;
	struct net_faults f = {
	    .delay = 20 * NS_PER_MS, .jitter = 30 * NS_PER_MS, .loss = 0.1, .duplicate = 0.2, .reorder = 0.2};
	unsigned got[1000] = {0};

	finals = wrong_finals = calls = 0;
	p.alice->h.seen = p.bob->h.seen = NULL;
	p.bob->h.request = answer;
	assert_int_equal(net_set_faults(p.net, NULL, NULL, &f), 0);
	for (int i = 0; i < 1000; i++) {
		struct buf b = {0};
		struct msg *m;
		pair_build(&p, &b, i % 2 ? "INVITE" : "OPTIONS", NULL);
		assert_int_equal(msg_alloc(&m, buf_slice(&b)), 0);
		assert_int_equal(ctrans_create(NULL, p.alice, m, &p.bob_addr, NULL, on_final, &got[i], NULL), 0);
		mem_deref(m);
		buf_free(&b);
	}
	pair_run(&p);
	assert_int_equal(finals, 1000);
	assert_int_equal(wrong_finals, 0);
	assert_int_equal(calls, 1000);
	assert_true(p.alice->count.retransmissions_out > 200);
	assert_int_equal(p.alice->count.stray_responses, 0);
}

/* --- memory --- */

static int exchange(void *arg)
{
	struct pair q = {0};
	int err = pair_open(&q, false);

	q.on_request = arg;
	if (!err)
		err = pair_send(&q, "INVITE", NULL);
	if (!err)
		assert_int_equal(loop_run(q.loop), LOOP_DRY);
	if (!err && (!q.final || q.final->locally || !q.st || q.log.failed || q.alice->count.retransmissions_out ||
		     q.bob->count.retransmissions_out))
		err = ERR_NOMEM;
	pair_close(&q);
	return err;
}

static void reply_whatever(struct pair *q)
{
	pair_reply(q, 180);
	pair_reply(q, 486);
}

static void accept_whatever(struct pair *q)
{
	pair_reply(q, 200);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	pair_close(&p);
	assert_true(unit_each_failure(exchange, (void *)reply_whatever) > 20);
	assert_true(unit_each_failure(exchange, (void *)accept_whatever) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    pair_test(test_trying),
	    pair_test(test_no_trying),
	    pair_test(test_closed_by_who_watches),
	    pair_test(test_released), pair_test(test_released_repeats),
	    pair_test(test_released_invite),
	    pair_test(test_g_h),
	    pair_test(test_i),
	    pair_test(test_l),
	    pair_test(test_second_final_refused),
	    pair_test(test_j),
	    pair_test(test_cancel),
	    pair_test(test_cancel_has_the_to_tag_of_the_invite),
	    pair_test(test_no_cancel),
	    pair_test(test_custom_timers),
	    pair_test(test_timers_never),
	    pair_test(test_callbacks),
	    pair_test(test_endpoint_destroyed),
	    pair_test(test_destroyed_while_sending),
	    pair_test(test_bad_line),
	    pair_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

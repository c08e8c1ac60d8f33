/* Client transactions: every state and timer of RFC 3261 17.1 and RFC 6026, to the millisecond. */
#include "sip_pair.h"

#include <errno.h>

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

#define SEND(method) assert_int_equal(pair_send(&p, method, NULL), 0)

static void raw_100(struct pair *q)
{
	pair_raw_reply(q, 100);
}
static void raw_180(struct pair *q)
{
	pair_raw_reply(q, 180);
}
static void raw_200(struct pair *q)
{
	pair_raw_reply(q, 200);
}
static void raw_486(struct pair *q)
{
	pair_raw_reply(q, 486);
}
static void cancel(struct pair *q)
{
	assert_int_equal(ctrans_cancel(q->ct, false, NULL), 0);
}
static void cancel_now(struct pair *q)
{
	assert_int_equal(ctrans_cancel(q->ct, true, NULL), 0);
}
static void cancel_too_late(struct pair *q)
{
	struct err e;

	assert_int_equal(ctrans_cancel(q->ct, true, &e), ERR_NOT_NOW);
	assert_non_null(strstr(e.text, q->ct->invite ? "nothing to cancel" : "only an INVITE can be cancelled"));
}

/* --- timers A and B, E and F --- */

static void test_a_b(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("INVITE");
	assert_int_equal(p.ct->state, TRANS_CALLING);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n500 alice INVITE\n1500 alice INVITE\n3500 alice INVITE\n7500 alice INVITE\n"
		    "15500 alice INVITE\n31500 alice INVITE\n32000 alice: 408 timer B\n");
	assert_int_equal(p.ct->retransmissions, 6);
	assert_int_equal(p.alice->count.retransmissions_out, 6);
	assert_int_equal(p.ct->state, TRANS_TERMINATED);
	assert_null(p.ct->ep);
	/* RFC 3261 8.1.3.1: a response, with the request's own headers */
	assert_int_equal(p.final->s.flaws, 0);
	assert_true(slice_eq(p.final->s.branch, p.ct->request->s.branch));
	assert_true(slice_eq(p.final->s.reason, SLICE_LIT("Request Timeout")));
	assert_int_equal(p.final->time, 32 * NS_PER_S);
}

static void test_e_f(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("OPTIONS");
	assert_int_equal(p.ct->state, TRANS_TRYING);
	pair_run(&p);
	pair_is(&p, "0 alice OPTIONS\n500 alice OPTIONS\n1500 alice OPTIONS\n3500 alice OPTIONS\n7500 alice OPTIONS\n"
		    "11500 alice OPTIONS\n15500 alice OPTIONS\n19500 alice OPTIONS\n23500 alice OPTIONS\n"
		    "27500 alice OPTIONS\n31500 alice OPTIONS\n32000 alice: 408 timer F\n");
}

/* RFC 3261 17.1.2.2: in Proceeding timer E is T2, and timer F goes on. */
static void test_e_proceeding(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("OPTIONS");
	pair_at(&p, 600, raw_100);
	pair_run(&p);
	pair_is(
	    &p,
	    "0 alice OPTIONS\n500 alice OPTIONS\n600 bob 100 OPTIONS\n600 alice: 100\n1500 alice OPTIONS\n"
	    "5500 alice OPTIONS\n9500 alice OPTIONS\n13500 alice OPTIONS\n17500 alice OPTIONS\n21500 alice OPTIONS\n"
	    "25500 alice OPTIONS\n29500 alice OPTIONS\n32000 alice: 408 timer F\n");
}

static void test_k(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("OPTIONS");
	pair_at(&p, 100, raw_200);
	pair_at(&p, 200, raw_200);
	pair_at(&p, 5099, raw_486);
	pair_at(&p, 5100, raw_200); /* timer K is due at the same time, and first */
	pair_run(&p);
	pair_is(&p, "0 alice OPTIONS\n100 bob 200 OPTIONS\n100 alice: 200\n200 bob 200 OPTIONS\n5099 bob 486 OPTIONS\n"
		    "5100 bob 200 OPTIONS\n5100 alice? 200 OPTIONS\n");
	assert_int_equal(p.ct->repeated_responses, 2);
	assert_int_equal(p.alice->count.retransmissions_in, 2);
	assert_int_equal(p.alice->count.stray_responses, 1);
}

/* --- INVITE: provisionals, 2xx and timer M, others and timer D --- */

static void test_proceeding_has_no_timer_b(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("INVITE");
	pair_at(&p, 400, raw_180);
	pair_at(&p, 60000, raw_180);
	pair_at(&p, 300000, raw_200);
	pair_at(&p, 300500, raw_200);
	pair_at(&p, 300501, raw_100);
	pair_at(&p, 300502, raw_486); /* no repetition: somebody's mistake */
	pair_at(&p, 331999, raw_200);
	pair_at(&p, 332000, raw_200);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n400 bob 180 INVITE\n400 alice: 180\n60000 bob 180 INVITE\n60000 alice: 180\n"
		    "300000 bob 200 INVITE\n300000 alice: 200\n300500 bob 200 INVITE\n300500 alice: 200\n"
		    "300501 bob 100 INVITE\n300502 bob 486 INVITE\n300502 alice? 486 INVITE\n"
		    "331999 bob 200 INVITE\n331999 alice: 200\n332000 bob 200 INVITE\n332000 alice? 200 INVITE\n");
	assert_int_equal(p.ct->repeated_responses, 1);
}

static void test_d(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("INVITE");
	pair_at(&p, 100, raw_486);
	pair_at(&p, 600, raw_486);
	pair_at(&p, 700, raw_180);
	pair_at(&p, 800, raw_200); /* a call that was thought to have failed: to be seen */
	pair_at(&p, 32099, raw_486);
	pair_at(&p, 32100, raw_486);
	pair_run(&p);
	pair_is(
	    &p,
	    "0 alice INVITE\n100 bob 486 INVITE\n100 alice ACK\n100 alice: 486\n100 bob? ACK\n"
	    "600 bob 486 INVITE\n600 alice ACK\n600 bob? ACK\n700 bob 180 INVITE\n"
	    "800 bob 200 INVITE\n800 alice? 200 INVITE\n"
	    "32099 bob 486 INVITE\n32099 alice ACK\n32099 bob? ACK\n32100 bob 486 INVITE\n32100 alice? 486 INVITE\n");
	assert_int_equal(p.ct->repeated_responses, 3);
}

/* RFC 3261 17.1.1.3 */
static void test_ack(void **state)
{
	(void)state;
	char want[600];

	p.no_strans = true;
	SEND("INVITE");
	pair_at(&p, 100, raw_486);
	pair_run(&p);
	snprintf(want, sizeof(want),
		 "ACK sip:bob@example.test SIP/2.0\r\n"
		 "Via: %.*s\r\n"
		 "Max-Forwards: 70\r\n"
		 "Route: <sip:edge.example.test;lr>\r\n"
		 "From: <sip:alice@example.test>;tag=a\r\n"
		 "To: <sip:bob@example.test>;tag=b\r\n"
		 "Call-ID: c1@198.18.0.1\r\n"
		 "CSeq: 1 ACK\r\n"
		 "Content-Length: 0\r\n\r\n",
		 SLICE_ARG(p.ct->request->s.via));
	assert_true(slice_eq(msg_bytes(p.ct->ack), slice_str(want)));
	assert_true(addr_eq(&p.ct->ack->dst, &p.bob_addr));
}

static void test_no_ack_no_retransmit(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.no_ack = p.copts.no_retransmit = true;
	SEND("INVITE");
	pair_at(&p, 20000, raw_486);
	pair_at(&p, 20500, raw_486);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n20000 bob 486 INVITE\n20000 alice: 486\n20500 bob 486 INVITE\n");
	SEND("OPTIONS");
	pair_run(&p);
	pair_is(&p, "52000 alice OPTIONS\n84000 alice: 408 timer F\n");
}

/* Neither provisional nor final: of no machine. */
static void test_status_out_of_range(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.no_retransmit = true;
	SEND("OPTIONS");
	pair_at(&p, 1000, raw_200);
	static const unsigned odd[] = {0, 99, 700, 65535};
	for (size_t i = 0; i < 4; i++) {
		struct buf b = {0};
		buf_printf(&b, "SIP/2.0 %u Odd\r\nVia: %.*s\r\nCSeq: 1 OPTIONS\r\n\r\n", odd[i],
			   SLICE_ARG(p.ct->request->s.via));
		assert_int_equal(endpoint_send(p.bob, buf_slice(&b), endpoint_local(p.alice), NULL, NULL), 0);
		buf_free(&b);
	}
	pair_run(&p);
	pair_is(&p, "0 alice OPTIONS\n0 bob 0 OPTIONS\n0 bob 99 OPTIONS\n0 bob 700 OPTIONS\n0 bob 65535 OPTIONS\n"
		    "0 alice? 0 OPTIONS\n0 alice? 99 OPTIONS\n0 alice? 700 OPTIONS\n0 alice? 65535 OPTIONS\n"
		    "1000 bob 200 OPTIONS\n1000 alice: 200\n");
	assert_int_equal(p.alice->count.flawed, 4);
}

/* --- matching: RFC 3261 17.1.3 --- */

static void test_matching(void **state)
{
	(void)state;
	static const struct {
		const char *request_via, *via, *rest;
		bool match;
	} rows[] = {
	    {"SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "CSeq: 1 OPTIONS",
	     true},
	    {"SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "SIP/2.0/UDP 198.18.0.1;received=1.1.1.1;branch=z9hG4bKx",
	     "CSeq: 9 OPTIONS", true},
	    {"SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKX", "CSeq: 1 OPTIONS",
	     false},
	    {"SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "CSeq: 1 INVITE",
	     false},
	    {"SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx", "SIP/2.0/UDP 198.18.0.1", "CSeq: 1 OPTIONS", false},
	    {"SIP/2.0/UDP 198.18.0.1;branch=1", "SIP/2.0/UDP 198.18.0.1;branch=1", "CSeq: 1 OPTIONS", true},
	    /* without a branch, as by RFC 2543 */
	    {"SIP/2.0/UDP 198.18.0.1", "SIP/2.0/UDP 198.18.0.1", "CSeq: 1 OPTIONS\r\nCall-ID: c1@198.18.0.1", true},
	    {"SIP/2.0/UDP 198.18.0.1", "SIP/2.0/UDP 198.18.0.1", "CSeq: 1 OPTIONS\r\nCall-ID: c2@198.18.0.1", false},
	    {"SIP/2.0/UDP 198.18.0.1", "SIP/2.0/UDP 198.18.0.1", "CSeq: 2 OPTIONS\r\nCall-ID: c1@198.18.0.1", false},
	};
	p.no_strans = true;
	p.copts.no_retransmit = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		assert_int_equal(pair_send(&p, "OPTIONS", rows[i].request_via), 0);
		buf_printf(&b, "SIP/2.0 200 OK\r\nVia: %s\r\n%s\r\n\r\n", rows[i].via, rows[i].rest);
		assert_int_equal(endpoint_send(p.bob, buf_slice(&b), endpoint_local(p.alice), NULL, NULL), 0);
		pair_run(&p);
		bool stray = strstr((char *)p.log.p, "alice? 200 ") != NULL;
		if (stray == rows[i].match || (p.final->s.status == 200) != rows[i].match)
			fail_msg("row %zu", i);
		buf_reset(&p.log);
		buf_free(&b);
	}
}

/* --- CANCEL: RFC 3261 9.1 --- */

static void test_cancel_after_provisional(void **state)
{
	(void)state;
	char want[600];

	p.no_strans = true;
	SEND("INVITE");
	pair_at(&p, 100, raw_180);
	pair_at(&p, 1000, cancel);
	pair_at(&p, 1000, cancel); /* once is enough */
	pair_run(&p);
	/* A CANCEL is a transaction of its own; 64*T1 after it the INVITE is over. */
	assert_non_null(strstr((char *)p.log.p,
			       "1000 alice CANCEL\n1000 bob? CANCEL\n1500 alice CANCEL\n1500 bob? CANCEL\n"
			       "2500 alice CANCEL\n2500 bob? CANCEL\n4500 alice CANCEL\n"));
	assert_non_null(strstr((char *)p.log.p, "33000 alice: 408 no final response after CANCEL\n"));
	assert_int_equal(p.ct->cancel->state, TRANS_TERMINATED);
	snprintf(want, sizeof(want),
		 "CANCEL sip:bob@example.test SIP/2.0\r\n"
		 "Via: %.*s\r\n"
		 "Max-Forwards: 70\r\n"
		 "Route: <sip:edge.example.test;lr>\r\n"
		 "From: <sip:alice@example.test>;tag=a\r\n"
		 "To: <sip:bob@example.test>\r\n"
		 "Call-ID: c1@198.18.0.1\r\n"
		 "CSeq: 1 CANCEL\r\n"
		 "Content-Length: 0\r\n\r\n",
		 SLICE_ARG(p.ct->request->s.via));
	assert_true(slice_eq(msg_bytes(p.ct->cancel->request), slice_str(want)));
}

static void test_cancel_before_provisional(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.no_retransmit = true;
	SEND("INVITE");
	pair_at(&p, 200, cancel);
	pair_at(&p, 900, raw_100);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n900 bob 100 INVITE\n900 alice CANCEL\n900 alice: 100\n900 bob? CANCEL\n"
		    "32900 alice: 408 no final response after CANCEL\n");
}

static void test_cancel_crosses_the_final(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.no_retransmit = true;
	SEND("INVITE");
	pair_at(&p, 200, cancel); /* waits for a provisional that never comes */
	pair_at(&p, 900, raw_200);
	pair_at(&p, 901, cancel_too_late);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n900 bob 200 INVITE\n900 alice: 200\n");
	cancel_too_late(&p);
	assert_null(p.ct->cancel);

	SEND("INVITE"); /* at 32900 */
	pair_at(&p, 40000, raw_180);
	pair_at(&p, 40001, cancel);
	pair_at(&p, 40001, raw_200); /* RFC 3261 9.1: then the CANCEL has no effect */
	pair_run(&p);
	pair_is(&p,
		"32900 alice INVITE\n40000 bob 180 INVITE\n40000 alice: 180\n40001 alice CANCEL\n40001 bob? CANCEL\n"
		"40001 bob 200 INVITE\n40001 alice: 200\n");
	SEND("OPTIONS");
	cancel_too_late(&p);
	pair_run(&p);
}

/* Alice's only one. */
static const struct ctrans *the_one(const struct pair *q)
{
	return hash_owner(pair_only(&q->alice->sb->ctrans), struct ctrans, node);
}

static void request_is_gone(struct pair *q)
{
	assert_null(the_one(q)->request);
}

static void release(struct pair *q)
{
	struct ctrans *ct = q->ct;

	assert_non_null(ct->request);
	q->ct = NULL;
	ctrans_release(ct);
}

/* One that nobody holds any more: its request goes with the answer, and what is repeated is absorbed all the same. */
static void test_released(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("OPTIONS");
	release(&p);
	assert_non_null(the_one(&p)->request);
	pair_at(&p, 100, raw_200);
	pair_at(&p, 200, request_is_gone);
	pair_at(&p, 300, raw_200);
	pair_at(&p, 400, raw_486);
	pair_run(&p);
	pair_is(&p, "0 alice OPTIONS\n100 bob 200 OPTIONS\n300 bob 200 OPTIONS\n400 bob 486 OPTIONS\n");
	assert_int_equal(p.alice->count.retransmissions_in, 2);
	assert_int_equal(p.alice->count.stray_responses, 0);

	SEND("INVITE"); /* at 5100 */
	pair_at(&p, 5200, raw_200);
	pair_at(&p, 5300, release);
	pair_at(&p, 5400, request_is_gone);
	pair_at(&p, 5500, raw_200);
	pair_run(&p);
	pair_is(&p, "5100 alice INVITE\n5200 bob 200 INVITE\n5200 alice: 200\n5500 bob 200 INVITE\n");
}

/* Sent at once, by force: timer B goes on, and its 64*T1 begin with the provisional. */
static void test_cancel_now(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.no_retransmit = true;
	SEND("INVITE");
	pair_at(&p, 20000, cancel_now);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n20000 alice CANCEL\n20000 bob? CANCEL\n32000 alice: 408 timer B\n");
	SEND("INVITE"); /* at 52000, when the CANCEL was over */
	pair_at(&p, 53000, cancel_now);
	pair_at(&p, 60000, raw_180);
	pair_at(&p, 61000, raw_180);
	pair_run(&p);
	pair_is(&p,
		"52000 alice INVITE\n53000 alice CANCEL\n53000 bob? CANCEL\n60000 bob 180 INVITE\n60000 alice: 180\n"
		"61000 bob 180 INVITE\n61000 alice: 180\n92000 alice: 408 no final response after CANCEL\n");
}

/* --- errors of the network: RFC 3261 18.4 --- */

static void test_unreachable(void **state)
{
	(void)state;
	addr_set_port(&p.bob_addr, 7777);
	SEND("INVITE");
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n0 alice: 503 nothing listens at that address\n");
	assert_true(slice_eq(p.final->s.reason, SLICE_LIT("Service Unavailable")));
	assert_int_equal(p.ct->state, TRANS_TERMINATED);
	SEND("INVITE");
	ctrans_unreachable(p.alice->sb, &p.bob_addr, EHOSTUNREACH);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n0 alice: 503 that address cannot be reached\n");
}

static unsigned tries;

static void try_again(struct pair *q)
{
	if (q->final->s.status == 503 && ++tries < 5)
		assert_int_equal(pair_send(q, "OPTIONS", NULL), 0);
}

/* Who tries the same address again at once is not told of an error of before. */
static void test_unreachable_and_again(void **state)
{
	(void)state;
	tries = 0;
	p.no_strans = true;
	p.on_response = try_again;
	SEND("OPTIONS");
	SEND("INVITE");
	ctrans_unreachable(p.alice->sb, &p.bob_addr, ECONNREFUSED);
	assert_int_equal(tries, 2);
	assert_int_equal(p.alice->sb->ctrans.n, 2);
	addr_set_port(&p.bob_addr, 7777);
	ctrans_unreachable(p.alice->sb, &p.bob_addr, ECONNREFUSED); /* nobody sent anything there */
	assert_int_equal(tries, 2);
	p.on_response = NULL;
	pair_run(&p);
}

/* RFC 3261 17.1.1.2: an INVITE in Proceeding sends no more, so the error is about something else; 17.1.2.2: others do.
 */
static void test_unreachable_in_proceeding(void **state)
{
	(void)state;
	p.no_strans = true;
	SEND("INVITE");
	raw_180(pair_deliver(&p));
	pair_deliver(&p);
	assert_int_equal(p.ct->state, TRANS_PROCEEDING);
	ctrans_unreachable(p.alice->sb, &p.bob_addr, ECONNREFUSED);
	assert_int_equal(p.ct->state, TRANS_PROCEEDING);
	raw_200(&p);
	pair_run(&p);
	SEND("OPTIONS");
	raw_100(pair_deliver(&p));
	pair_deliver(&p);
	ctrans_unreachable(p.alice->sb, &p.bob_addr, ECONNREFUSED);
	assert_int_equal(p.ct->state, TRANS_TERMINATED);
	pair_run(&p);
}

/* --- other timers than the RFC's --- */

static void test_custom_timers(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.timers = &(struct sip_timers){.t1 = 100 * NS_PER_MS, .t2 = 300 * NS_PER_MS, .f = 1250 * NS_PER_MS};
	SEND("OPTIONS");
	pair_run(&p);
	pair_is(&p, "0 alice OPTIONS\n100 alice OPTIONS\n300 alice OPTIONS\n600 alice OPTIONS\n900 alice OPTIONS\n"
		    "1200 alice OPTIONS\n1250 alice: 408 timer F\n");
	p.copts.timers = &(struct sip_timers){.a = 1000 * NS_PER_MS, .b = 4000 * NS_PER_MS};
	SEND("INVITE");
	pair_run(&p);
	pair_is(&p, "1250 alice INVITE\n2250 alice INVITE\n4250 alice INVITE\n5250 alice: 408 timer B\n");
	/* the least there is: no retransmission more than one, nothing absorbed */
	p.copts.timers = &(struct sip_timers){.d = 1, .k = 1, .m = 1};
	SEND("INVITE");
	pair_at(&p, 6000, raw_486);
	pair_at(&p, 6001, raw_486);
	pair_run(&p);
	pair_is(&p, "5250 alice INVITE\n5750 alice INVITE\n6000 bob 486 INVITE\n6000 alice ACK\n6000 alice: 486\n6000 "
		    "bob? ACK\n"
		    "6001 bob 486 INVITE\n6001 alice? 486 INVITE\n");
}

static void test_timers_never(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.timers = &(struct sip_timers){.a = TIMER_NEVER, .e = TIMER_NEVER, .b = TIMER_NEVER, .f = TIMER_NEVER};
	SEND("INVITE");
	SEND("OPTIONS");
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	pair_is(&p, "0 alice INVITE\n0 alice OPTIONS\n");
	assert_int_equal(p.alice->sb->ctrans.n, 2);

	/* D, K and M: they absorb for ever */
	p.copts.timers = &(struct sip_timers){.d = TIMER_NEVER, .k = TIMER_NEVER, .m = TIMER_NEVER};
	static const struct {
		const char *method;
		pair_h *reply;
		enum trans_state state;
	} rows[] = {{"OPTIONS", raw_200, TRANS_COMPLETED},
		    {"INVITE", raw_200, TRANS_ACCEPTED},
		    {"INVITE", raw_486, TRANS_COMPLETED}};
	for (int i = 0; i < 3; i++) {
		SEND(rows[i].method);
		rows[i].reply(pair_deliver(&p));
		assert_int_equal(loop_run(p.loop), LOOP_DRY);
		assert_int_equal(p.ct->state, rows[i].state);
	}
	assert_int_equal(p.alice->sb->ctrans.n, 5);
}

/* Timer A doubles without an end if timer B never comes: it must not come round to zero and spin. */
static void test_intervals_do_not_overflow(void **state)
{
	(void)state;
	p.no_strans = true;
	p.copts.timers = &(struct sip_timers){.b = TIMER_NEVER};
	SEND("INVITE");
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_in_range(p.ct->retransmissions, 30, 40);

	struct sip_timers t = {.t1 = UINT64_MAX / 32};
	sip_timers_derive(&t);
	assert_true(t.b == TIMER_NEVER && t.f == TIMER_NEVER && t.a == t.t1);
	t = (struct sip_timers){.t1 = NS_PER_S, .k = 7};
	sip_timers_derive(&t);
	assert_int_equal(t.a, NS_PER_S);
	assert_int_equal(t.b, 64 * NS_PER_S);
	assert_int_equal(t.t2, 4 * NS_PER_S);
	assert_int_equal(t.i, 5 * NS_PER_S);
	assert_int_equal(t.k, 7);
	assert_int_equal(t.trying, 200 * NS_PER_MS);
	assert_true(sip_timer_twice(3, 4) == 4 && sip_timer_twice(2, 5) == 5 - 1 &&
		    sip_timer_twice(1, TIMER_NEVER) == 2 &&
		    sip_timer_twice(TIMER_NEVER - 1, TIMER_NEVER) == TIMER_NEVER);
}

/* --- what its user may do while being told --- */

static void detach(struct pair *q)
{
	ctrans_detach(q->ct);
	ctrans_detach(NULL);
}
static void close_it(struct pair *q)
{
	ctrans_close(q->ct);
	ctrans_close(q->ct);
}
static void drop_reference(struct pair *q)
{
	q->ct = mem_deref(q->ct);
}
static void destroy_endpoint(struct pair *q)
{
	q->alice = mem_deref(q->alice);
}

static void test_callbacks(void **state)
{
	(void)state;
	static pair_h *const acts[] = {detach, close_it, drop_reference, destroy_endpoint};
	static pair_h *const replies[] = {raw_180, raw_200, raw_486, NULL};
	static const char *const methods[] = {"INVITE", "OPTIONS"};

	for (size_t a = 0; a < 4; a++)
		for (size_t r = 0; r < 4; r++)
			for (size_t m = 0; m < 2; m++) {
				pair_close(&p);
				assert_int_equal(pair_open(&p, false), 0);
				p.no_strans = true;
				p.on_response = acts[a];
				SEND(methods[m]);
				if (replies[r]) {
					pair_at(&p, 10, replies[r]);
					pair_at(&p, 20, raw_486);
				}
				pair_run(&p);
				/* told once, then left alone */
				char *told = strstr((char *)p.log.p, "alice: ");
				assert_non_null(told);
				if (acts[a] != drop_reference || r == 1 + m || r == 3)
					assert_null(strstr(told + 1, "alice: "));
			}
}

/* It lives on without anybody who holds it, and goes with its endpoint. */
static void test_endpoint_destroyed(void **state)
{
	(void)state;
	static const char *const methods[] = {"INVITE", "OPTIONS", "REGISTER"};

	p.no_strans = true;
	for (int i = 0; i < 300; i++) {
		SEND(methods[i % 3]);
		if (i % 5 == 0)
			raw_100(pair_deliver(&p));
		if (i % 15 == 0)
			assert_int_equal(ctrans_cancel(p.ct, true, NULL), 0);
	}
	assert_true(p.alice->sb->ctrans.n > 300);
	p.alice = mem_deref(p.alice);
	assert_int_equal(p.ct->state, TRANS_TERMINATED);
	buf_reset(&p.log);
	pair_run(&p);
	pair_is(&p, "");
}

/* Whoever watches the endpoint may end it with each message that goes out. */
static unsigned let_pass;

static void seen_and_destroyed(struct endpoint *ep, struct msg *m, void *arg)
{
	struct pair *q = arg;

	if (!m->received && ep == q->alice && let_pass-- == 0)
		q->alice = mem_deref(q->alice);
}

static void test_destroyed_while_sending(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 6; n++)
		for (unsigned what = 0; what < 3; what++) {
			pair_close(&p);
			assert_int_equal(pair_open(&p, false), 0);
			p.no_strans = true;
			p.alice->h.seen = seen_and_destroyed;
			let_pass = n;
			SEND("INVITE");
			if (what)
				raw_180(pair_deliver(&p));
			if (what == 1)
				pair_at(&p, 300, cancel);
			else if (what == 2) {
				pair_at(&p, 300, raw_486);
				pair_at(&p, 301, raw_486);
				pair_at(&p, 302, raw_486);
				pair_at(&p, 303, raw_486);
				pair_at(&p, 304, raw_486);
			}
			pair_run(&p);
			assert_null(p.alice);
		}
}

/* --- memory --- */

static int exchange(void *arg)
{
	struct pair q = {.no_strans = true};
	int err = pair_open(&q, false);

	q.sopts.no_trying = true;
	if (!err)
		err = pair_send(&q, arg, NULL);
	if (!err)
		loop_run(q.loop); /* to its 408: memory may end at any point on the way */
	if (!err && (!q.final || q.ct->retransmissions < 6 || !q.request || q.log.failed))
		err = ERR_NOMEM;
	pair_close(&q);
	return err;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	char invite[] = "INVITE", options[] = "OPTIONS";

	pair_close(&p);
	assert_true(unit_each_failure(exchange, invite) > 10);
	assert_true(unit_each_failure(exchange, options) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    pair_test(test_a_b),
	    pair_test(test_e_f),
	    pair_test(test_e_proceeding),
	    pair_test(test_k),
	    pair_test(test_proceeding_has_no_timer_b),
	    pair_test(test_d),
	    pair_test(test_ack),
	    pair_test(test_no_ack_no_retransmit),
	    pair_test(test_status_out_of_range),
	    pair_test(test_matching),
	    pair_test(test_cancel_after_provisional),
	    pair_test(test_cancel_before_provisional),
	    pair_test(test_cancel_crosses_the_final),
	    pair_test(test_released),
	    pair_test(test_cancel_now),
	    pair_test(test_unreachable),
	    pair_test(test_unreachable_and_again),
	    pair_test(test_unreachable_in_proceeding),
	    pair_test(test_custom_timers),
	    pair_test(test_timers_never),
	    pair_test(test_intervals_do_not_overflow),
	    pair_test(test_callbacks),
	    pair_test(test_endpoint_destroyed),
	    pair_test(test_destroyed_while_sending),
	    pair_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

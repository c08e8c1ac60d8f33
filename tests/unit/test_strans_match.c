/* Server transactions: which requests are theirs, and where their responses go. */
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

/* --- matching: RFC 3261 17.2.3 --- */

static void test_matching(void **state)
{
	(void)state;
	static const struct {
		const char *method, *first, *again;
		bool same;
	} rows[] = {
	    {"OPTIONS", VIA, VIA, true},
	    {"OPTIONS", VIA, VIA ";more", true},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bKx", "SIP/2.0/UDP PC ;branch=z9hG4bKx", true},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bKx", "SIP/2.0/UDP pc:5070;branch=z9hG4bKx", false},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bKx", "SIP/2.0/UDP other;branch=z9hG4bKx", false},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bKx", "SIP/2.0/UDP pc;branch=z9hG4bKy", false},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bKx", "SIP/2.0/UDP pc", false},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bKx, SIP/2.0/UDP a",
	     "SIP/2.0/UDP pc;branch=z9hG4bKx, SIP/2.0/UDP b", true},
	    /* without the cookie, or with it alone: the fields of RFC 2543 */
	    {"OPTIONS", "SIP/2.0/UDP pc", "SIP/2.0/UDP pc", true},
	    {"OPTIONS", "SIP/2.0/UDP pc", "SIP/2.0/UDP pc;x", false},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=1", "SIP/2.0/UDP pc;branch=1", true},
	    {"OPTIONS", "SIP/2.0/UDP pc;branch=z9hG4bK", "SIP/2.0/UDP pc;branch=z9hG4bK", true},
	    {"OPTIONS", "SIP/2.0/UDP pc", "SIP/2.0/UDP pc;branch=z9hG4bKx", false},
	    {"OPTIONS", "SIP/2.0/UDP pc, SIP/2.0/UDP a", "SIP/2.0/UDP pc", true},
	};
	script();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		raw(rows[i].method, rows[i].first, "");
		pair_deliver(&p);
		struct strans *first = mem_ref(p.st);
		raw(rows[i].method, rows[i].again, "");
		pair_deliver(&p);
		if ((p.st == first) != rows[i].same)
			fail_msg("row %zu", i);
		strans_close(first);
		strans_close(p.st);
		mem_deref(first);
	}
	/* other fields of RFC 2543 */
	raw("OPTIONS", "SIP/2.0/UDP pc", "");
	pair_deliver(&p);
	struct strans *first = mem_ref(p.st);
	raw("OPTIONS", "SIP/2.0/UDP pc", "other");
	pair_deliver(&p);
	assert_ptr_not_equal(p.st, first);
	strans_close(first);
	strans_close(p.st);
	mem_deref(first);
}

/* The ACK and the CANCEL of RFC 2543. */
static void test_matching_2543(void **state)
{
	(void)state;
	const char *via = "SIP/2.0/UDP 198.18.0.1";

	script();
	p.sopts.no_retransmit = true;
	raw("INVITE", via, "");
	pair_deliver(&p);
	raw("ACK", via, p.st->to_tag); /* before there is anything to acknowledge */
	pair_deliver(&p);
	raw("CANCEL", via, "");
	pair_deliver(&p);
	assert_true(p.st->cancelled);
	raw("CANCEL", "SIP/2.0/UDP 198.18.0.9", "");
	pair_deliver(&p);
	reply_486(&p);
	raw("ACK", via, "another");
	pair_deliver(&p);
	assert_int_equal(p.st->state, TRANS_COMPLETED);
	raw("ACK", via, p.st->to_tag);
	pair_deliver(&p);
	assert_int_equal(p.st->state, TRANS_CONFIRMED);
	pair_run(&p);
	pair_is(&p, "0 alice INVITE\n0 alice ACK\n0 bob? ACK\n0 alice CANCEL\n0 bob 200 CANCEL\n0 bob: CANCELLED\n0 "
		    "alice CANCEL\n"
		    "0 bob? CANCEL\n0 bob 486 INVITE\n0 alice ACK\n0 bob? ACK\n0 alice ACK\n0 bob: ACKED\n5000 bob: "
		    "TERMINATED\n");
}

/* --- where responses go: RFC 3261 18.2.2, RFC 3581 4 --- */

static void test_peer(void **state)
{
	(void)state;
	static const struct {
		const char *via, *source, *peer;
	} rows[] = {
	    {"SIP/2.0/UDP 10.0.0.1;rport", "10.0.0.1:777", "10.0.0.1:777"},
	    {"SIP/2.0/UDP 10.0.0.1:5070;rport=5", "10.0.0.1:777", "10.0.0.1:777"},
	    {"SIP/2.0/UDP 10.0.0.1:5070", "10.0.0.1:777", "10.0.0.1:5070"},
	    {"SIP/2.0/UDP 10.0.0.1 : 5070 ;x", "10.0.0.1:777", "10.0.0.1:5070"},
	    {"SIP/2.0/UDP 10.0.0.1", "10.0.0.1:777", "10.0.0.1:5060"},
	    {"SIP/2.0/UDP 10.0.0.9:5070", "10.0.0.1:777", "10.0.0.1:5070"}, /* received wins over sent-by */
	    {"SIP/2.0/UDP pc.example.test", "10.0.0.1:777", "10.0.0.1:5060"},
	    {"SIP/2.0/UDP 10.0.0.1:none", "10.0.0.1:777", "10.0.0.1:777"},
	    {"SIP/2.0/UDP 10.0.0.1:0", "10.0.0.1:777", "10.0.0.1:777"},
	    {"SIP/2.0/UDP 10.0.0.1:99999", "10.0.0.1:777", "10.0.0.1:777"},
	    {"SIP/2.0/UDP 10.0.0.1:5070;maddr=10.0.0.5;rport", "10.0.0.1:777", "10.0.0.5:5070"},
	    {"SIP/2.0/UDP 10.0.0.1;maddr=10.0.0.5", "10.0.0.1:777", "10.0.0.5:5060"},
	    {"SIP/2.0/UDP 10.0.0.1;maddr=a.name;rport", "10.0.0.1:777", "10.0.0.1:777"},
	    {"SIP/2.0/UDP 10.0.0.1:5070;maddr=[2001:db8::9]", "10.0.0.1:777", "10.0.0.1:5070"},
	    {"SIP/2.0/UDP [2001:db8::9]:5070", "[2001:db8::1]:777", "[2001:db8::1]:5070"},
	    {"SIP/2.0/UDP [2001:db8::9]", "[2001:db8::1]:777", "[2001:db8::1]:5060"},
	    {"SIP/2.0/UDP 2001:db8::9", "[2001:db8::1]:777", "[2001:db8::1]:5060"},
	    {"SIP/2.0/UDP [2001:db8::9];rport", "[2001:db8::1]:777", "[2001:db8::1]:777"},
	    {"", "10.0.0.1:777", "10.0.0.1:5060"},
	    {NULL, "10.0.0.1:777", "10.0.0.1:777"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		struct msg *m;
		struct addr peer;
		char text[ADDR_STRLEN];
		buf_printf(&b, "OPTIONS sip:b SIP/2.0\r\n%s%s\r\n\r\n",
			   rows[i].via ? "Via: " : "X: ", rows[i].via ? rows[i].via : "");
		assert_int_equal(msg_alloc(&m, buf_slice(&b)), 0);
		assert_true(addr_parse(&m->src, slice_str(rows[i].source), 0));
		strans_peer(&peer, m);
		assert_string_equal(addr_str(text, &peer), rows[i].peer);
		mem_deref(m);
		buf_free(&b);
	}
}

/* The response says where the request came from, and gets there, by its Via (RFC 3261 18.2.1). */
static void test_received(void **state)
{
	(void)state;
	p.on_request = reply_200;
	assert_int_equal(pair_send(&p, "OPTIONS", "SIP/2.0/UDP pc.example.test;branch=z9hG4bKy"), 0);
	pair_run(&p);
	assert_true(
	    slice_eq(p.final->s.via, SLICE_LIT("SIP/2.0/UDP pc.example.test;branch=z9hG4bKy;received=198.18.0.1")));
	assert_int_equal(pair_send(&p, "OPTIONS", "SIP/2.0/UDP 198.18.0.1:9;rport;branch=z9hG4bKz"), 0);
	pair_run(&p);
	assert_true(slice_eq(p.final->s.via,
			     SLICE_LIT("SIP/2.0/UDP 198.18.0.1:9;rport=5060;branch=z9hG4bKz;received=198.18.0.1")));
	assert_int_equal(pair_send(&p, "OPTIONS", "SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKw"), 0);
	pair_run(&p);
	assert_true(slice_eq(p.final->s.via, SLICE_LIT("SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKw")));
}

static void test_ipv6(void **state)
{
	(void)state;
	pair_close(&p);
	assert_int_equal(pair_open(&p, true), 0);
	p.on_request = reply_486;
	assert_int_equal(pair_send(&p, "INVITE", NULL), 0);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	pair_is(&p,
		"0 alice INVITE\n0 bob 486 INVITE\n0 alice ACK\n0 alice: 486\n0 bob: ACKED\n5000 bob: TERMINATED\n");
	assert_true(slice_find(p.final->s.via, SLICE_LIT("SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK"), 0) == 0);
	assert_true(slice_find(p.final->s.via, SLICE_LIT(";rport=5060;received=2001:db8::1"), 0) > 0);
	assert_int_equal(pair_send(&p, "OPTIONS", "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bKw"), 0);
	pair_run(&p);
	assert_int_equal(p.final->s.status, 486);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    pair_test(test_matching), pair_test(test_matching_2543), pair_test(test_peer),
	    pair_test(test_received), pair_test(test_ipv6),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

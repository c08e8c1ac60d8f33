/* Endpoints: the way in, the way out, and the identifiers they make. */
#include "sip_pair.h"

static struct pair p;
static struct buf way; /* what bob's handlers saw, in order */
static const char *taker;
static struct msg *seen;

static int setup(void **state)
{
	return unit_setup(state) || pair_open(&p, false);
}

static int teardown(void **state)
{
	seen = mem_deref(seen);
	buf_free(&way);
	pair_close(&p);
	return unit_teardown(state);
}

#define pair_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static bool took(const char *who)
{
	buf_printf(&way, "%s ", who);
	return taker && !strcmp(taker, who);
}

static void on_seen(struct endpoint *ep, struct msg *m, void *arg)
{
	struct pair *q = arg;

	if (ep != q->bob)
		return;
	took(m->received ? "seen" : "sent");
	mem_deref(seen);
	seen = mem_ref(m);
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	(void)ep;
	(void)m;
	(void)arg;
	return took("request");
}

static bool in_dialog(struct endpoint *ep, struct dialog *d, struct msg *m)
{
	(void)ep;
	(void)d;
	(void)m;
	return took("dialog");
}

static void on_unclaimed(struct endpoint *ep, struct msg *m, void *arg)
{
	(void)ep;
	(void)m;
	(void)arg;
	took("unclaimed");
}

static void check_way(struct slice bytes, const char *want, const char *file, int line)
{
	assert_int_equal(endpoint_send(p.alice, bytes, &p.bob_addr, NULL, NULL), 0);
	pair_deliver(&p);
	if (!slice_eq(buf_slice(&way), slice_str(want))) {
		print_error("got: %.*s\nwanted: %s\n", SLICE_ARG(buf_slice(&way)), want);
		_fail(file, line);
	}
	buf_reset(&way);
}
#define way_is(bytes, want) check_way(SLICE_LIT(bytes), want, __FILE__, __LINE__)

#define REST                                                                                                           \
	"Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKx\r\nFrom: <sip:a>;tag=a\r\nTo: <sip:b>\r\nCall-ID: c\r\n"          \
	"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
#define REQUEST "OPTIONS sip:b SIP/2.0\r\n" REST
#define RESPONSE "SIP/2.0 200 OK\r\n" REST

static void test_the_way_in(void **state)
{
	(void)state;
	p.bob->h =
	    (struct endpoint_handlers){.seen = on_seen, .request = on_request, .unclaimed = on_unclaimed, .arg = &p};
	p.bob->in_dialog = in_dialog;

	taker = NULL;
	way_is(REQUEST, "seen dialog request unclaimed ");
	taker = "dialog";
	way_is(REQUEST, "seen dialog ");
	taker = "request";
	way_is(REQUEST, "seen dialog request ");
	taker = NULL;
	way_is(RESPONSE, "seen unclaimed ");
	assert_int_equal(p.bob->count.flawed, 0);
	way_is("OPTIONS sip:b SIP/2.0\r\n\r\n", "seen dialog request unclaimed ");
	way_is(REQUEST "more than it says", "seen dialog request unclaimed "); /* dropped, no flaw worth a count */
	way_is("SIP/2.0 200 OK\r\n\r\n", "seen unclaimed ");
	way_is("\r\n\r\n", "seen unclaimed ");
	way_is("\0\1\2", "seen unclaimed ");
	assert_int_equal(p.bob->count.flawed, 2);
	assert_int_equal(p.bob->count.not_sip, 2);
	assert_int_equal(p.bob->count.stray_responses, 2);

	p.bob->h.seen = NULL;
	way_is(REQUEST, "dialog request unclaimed ");
	/* nobody at all */
	p.bob->h = (struct endpoint_handlers){0};
	p.bob->in_dialog = NULL;
	way_is(REQUEST, "");
	way_is(RESPONSE, "");
	way_is("", "");
}

static void test_what_arrives(void **state)
{
	(void)state;
	struct net_faults f = {.delay = 40 * NS_PER_MS};
	struct msg *sent = NULL;

	p.bob->h.seen = on_seen;
	p.bob->h.arg = &p;
	p.bob->h.unclaimed = NULL;
	p.bob->h.request = NULL;
	assert_int_equal(net_set_faults(p.net, NULL, NULL, &f), 0);
	assert_int_equal(endpoint_send(p.alice, SLICE_LIT(REQUEST), &p.bob_addr, &sent, NULL), 0);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_true(slice_eq(msg_bytes(sent), SLICE_LIT(REQUEST)));
	assert_true(addr_eq(&sent->src, endpoint_local(p.alice)) && addr_eq(&sent->dst, &p.bob_addr));
	assert_false(sent->received);
	assert_int_equal(sent->time, 0);
	assert_true(slice_eq(msg_bytes(seen), SLICE_LIT(REQUEST)));
	assert_true(addr_eq(&seen->src, endpoint_local(p.alice)) && addr_eq(&seen->dst, &p.bob_addr));
	assert_true(seen->received);
	assert_int_equal(seen->time, 40 * NS_PER_MS);
	assert_null(seen->locally);

	/* one more sending has its own time; the message keeps its first */
	struct msg *got = mem_ref(seen);
	assert_int_equal(endpoint_send_msg(p.bob, got, endpoint_local(p.alice), NULL), 0);
	assert_true(slice_eq(msg_bytes(seen), msg_bytes(got)) && seen != got && !seen->received);
	assert_true(addr_eq(&seen->src, &p.bob_addr) && addr_eq(&seen->dst, endpoint_local(p.alice)));
	assert_true(addr_eq(&got->src, endpoint_local(p.alice)));
	mem_deref(got);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_int_equal(endpoint_send_msg(p.alice, sent, &p.bob_addr, NULL), 0);
	assert_int_equal(loop_run(p.loop), LOOP_DRY);
	assert_int_equal(sent->time, 0);
	assert_int_equal(seen->time, 120 * NS_PER_MS);
	mem_deref(sent);
}

/* Exactly these bytes, whatever they are. */
static void test_any_bytes(void **state)
{
	(void)state;
	struct msg *m = NULL;
	struct err e = {0};
	char big[70000] = "";

	p.bob->h.seen = on_seen;
	for (size_t len = 0; len < 4; len++) {
		assert_int_equal(endpoint_send(p.alice, (struct slice){"\0\xff\r", len}, &p.bob_addr, NULL, NULL), 0);
		pair_deliver(&p);
		assert_true(slice_eq(msg_bytes(seen), (struct slice){"\0\xff\r", len}));
	}
	assert_int_equal(endpoint_send(p.alice, (struct slice){big, sizeof(big)}, &p.bob_addr, &m, &e), ERR_ARG);
	assert_null(m);
	assert_true(strlen(e.text) > 10);
}

static void test_identifiers(void **state)
{
	(void)state;
	char a[ENDPOINT_ID_LEN], b[ENDPOINT_ID_LEN];
	struct buf via = {0};

	endpoint_branch(p.alice, a);
	endpoint_branch(p.alice, b);
	assert_int_equal(strncmp(a, "z9hG4bK", 7), 0);
	assert_int_equal(strlen(a), 19);
	assert_string_not_equal(a, b);
	endpoint_tag(p.alice, a);
	endpoint_tag(p.bob, b);
	assert_int_equal(strlen(a), 10);
	assert_string_not_equal(a, b);
	endpoint_call_id(p.alice, a);
	assert_string_equal(a + 14, "@198.18.0.1");
	endpoint_via(p.alice, &via);
	struct slice s = buf_slice(&via);
	assert_int_equal(slice_find(s, SLICE_LIT("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK"), 0), 0);
	assert_int_equal(slice_find(s, SLICE_LIT(";rport"), 0), s.l - 6);
	buf_free(&via);

	/* the same seed, the same names; a run id makes real runs differ */
	pair_close(&p);
	assert_int_equal(pair_open(&p, false), 0);
	endpoint_branch(p.alice, a);
	struct endpoint *ep;
	struct endpoint_cfg ec = {.net = p.net, .name = "alice", .seed = 1, .test = "pair"};
	struct endpoint_handlers none = {0};
	assert_int_equal(endpoint_alloc(&ep, &ec, &none, NULL), 0);
	endpoint_branch(ep, b);
	assert_string_equal(a, b);
	mem_deref(ep);
	ec.run_id = "12345678 and more";
	ec.v6 = true;
	assert_int_equal(endpoint_alloc(&ep, &ec, &none, NULL), 0);
	endpoint_branch(ep, b);
	assert_int_equal(strncmp(b, "z9hG4bK12345678-", 16), 0);
	assert_string_equal(a + 7, b + 16);
	endpoint_call_id(ep, b);
	assert_non_null(strstr(b, "@2001:db8::"));
	assert_true(strlen(b) < ENDPOINT_ID_LEN);
	mem_deref(ep);
}

static void test_alloc_fails(void **state)
{
	(void)state;
	struct endpoint_cfg ec = {.net = p.net, .name = "carol", .local = &p.bob_addr, .seed = 1};
	struct endpoint_handlers none = {0};
	struct endpoint *ep = NULL;
	struct err e;

	assert_int_equal(endpoint_alloc(&ep, &ec, &none, &e), ERR_ENV);
	assert_non_null(strstr(e.text, "198.18.0.2:5060"));
	assert_null(ep);
}

/* Timers given to the endpoint are those of its transactions. */
static void test_timers(void **state)
{
	(void)state;
	struct sip_timers t = {.t1 = 100 * NS_PER_MS, .f = 450 * NS_PER_MS};
	struct endpoint_cfg ec = {.net = p.net, .name = "carol", .timers = &t, .seed = 1};
	struct endpoint_handlers h = {.seen = pair_seen, .unclaimed = pair_unclaimed, .arg = &p};

	p.no_strans = true;
	mem_deref(p.alice);
	assert_int_equal(endpoint_alloc(&p.alice, &ec, &h, NULL), 0);
	struct buf b = {0};
	struct msg *m;
	pair_build(&p, &b, "OPTIONS", NULL);
	assert_int_equal(msg_alloc(&m, buf_slice(&b)), 0);
	assert_int_equal(ctrans_create(&p.ct, p.alice, m, &p.bob_addr, NULL, pair_response, &p, NULL), 0);
	mem_deref(m);
	buf_free(&b);
	pair_run(&p);
	pair_is(&p, "0 carol OPTIONS\n100 carol OPTIONS\n300 carol OPTIONS\n450 alice: 408 timer F\n");
}

static void destroy_bob(struct endpoint *ep, struct msg *m, void *arg)
{
	struct pair *q = arg;

	(void)m;
	if (ep == q->bob)
		q->bob = mem_deref(q->bob);
}

static bool destroy_bob_too(struct endpoint *ep, struct msg *m, void *arg)
{
	destroy_bob(ep, m, arg);
	return false;
}

static void test_destroyed_by_a_handler(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		pair_close(&p);
		assert_int_equal(pair_open(&p, false), 0);
		p.bob->h = (struct endpoint_handlers){.seen = i == 0 ? destroy_bob : NULL,
						      .request = i == 1 ? destroy_bob_too : NULL,
						      .unclaimed = i == 2 ? destroy_bob : NULL,
						      .arg = &p};
		assert_int_equal(endpoint_send(p.alice, SLICE_LIT(REQUEST), &p.bob_addr, NULL, NULL), 0);
		assert_int_equal(endpoint_send(p.alice, SLICE_LIT(REQUEST), &p.bob_addr, NULL, NULL), 0);
		assert_int_equal(loop_run(p.loop), LOOP_DRY);
		assert_null(p.bob);
	}
}

static int open_and_send(void *arg)
{
	struct pair q = {0};
	struct msg *m = NULL;
	int err = pair_open(&q, false);

	(void)arg;
	if (!err)
		err = endpoint_send(q.alice, SLICE_LIT(REQUEST), &q.bob_addr, &m, NULL);
	mem_deref(m);
	pair_close(&q);
	return err;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	assert_true(unit_each_failure(open_and_send, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    pair_test(test_the_way_in),
	    pair_test(test_what_arrives),
	    pair_test(test_any_bytes),
	    pair_test(test_identifiers),
	    pair_test(test_alloc_fails),
	    pair_test(test_timers),
	    pair_test(test_destroyed_by_a_handler),
	    pair_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

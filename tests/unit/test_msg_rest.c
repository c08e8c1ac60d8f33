#include "unit.h"

#include "core/rnd.h"
#include "sip/msg_rest.h"

#include <stdio.h>
#include <string.h>

static struct kept_models models;

static struct msg *message(const char *text, size_t len)
{
	struct msg *m;

	assert_int_equal(msg_alloc(&m, (struct slice){text, len}), 0);
	addr_set(&m->src, SLICE_LIT("192.0.2.1"), 5060);
	addr_set(&m->dst, SLICE_LIT("192.0.2.2"), 5060);
	return m;
}

/* Keeps it and wakes it again, at once or when others were kept; returns what was kept. */
static struct kept *kept(const struct msg *m)
{
	struct kept *r = msg_rest(&models, m);

	assert_non_null(r);
	return r;
}

static void assert_is(const struct kept *r, const struct msg *m)
{
	struct msg *again;

	assert_int_equal(msg_wake(&again, r), 0);
	assert_true(slice_eq(msg_bytes(again), msg_bytes(m)));
	assert_true(addr_eq(&again->src, &m->src));
	assert_true(addr_eq(&again->dst, &m->dst));
	assert_int_equal(again->time, m->time);
	assert_int_equal(again->frame, m->frame);
	assert_int_equal(again->received, m->received);
	assert_ptr_equal(again->locally, m->locally);
	assert_int_equal(again->s.header_count, m->s.header_count);
	mem_deref(again);
}

static int teardown(void **state)
{
	kept_models_free(&models);
	return unit_teardown(state);
}

#define TEXT                                                                                                          \
	"INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK%08u\r\nFrom: <sip:alice@a>;tag=%u\r\n"          \
	"To: <sip:bob@b>\r\nCall-ID: %010u\r\nCSeq: 7 INVITE\r\nContact: <sip:alice@10.0.0.1:5070>\r\n\r\n"

static struct msg *invite(unsigned n)
{
	char text[600];
	int len = snprintf(text, sizeof(text), TEXT, n * 7919, n, n * 104729);
	struct msg *m = message(text, (size_t)len);

	m->time = n * 1000ull;
	m->frame = n;
	m->received = n & 1;
	return m;
}

/* Of several lengths and both directions, all kept before any wakes. */
static void test_alike(void **state)
{
	struct msg *m[300];
	struct kept *r[300];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		m[i] = invite(i);
		r[i] = kept(m[i]);
	}
	for (unsigned i = 0; i < 300; i++) {
		assert_is(r[i], m[i]);
		mem_deref(r[i]);
		mem_deref(m[i]);
	}
}

/* One length, and whatever else: the bytes, where they go, that no peer sent it. */
static void test_unlike(void **state)
{
	struct rnd rnd;
	char text[1200];

	(void)state;
	rnd_init(&rnd, 1, "messages", "", "");
	for (unsigned i = 0; i < 2000; i++) {
		size_t len = i % 3 ? 700 : rnd_below(&rnd, sizeof(text));
		unsigned differ = (unsigned)rnd_below(&rnd, 1200);
		memset(text, 'x', sizeof(text));
		for (unsigned k = 0; k < differ; k++)
			text[rnd_below(&rnd, sizeof(text))] = (char)rnd_below(&rnd, 256);
		struct msg *m = message(text, len);
		if (i % 5 == 0)
			addr_set_port(&m->dst, (uint16_t)(i + 1));
		if (i % 7 == 0)
			m->locally = "timer B";
		struct kept *r = kept(m), *again = kept(m);
		assert_is(r, m);
		assert_is(again, m);
		mem_deref(again);
		mem_deref(r);
		mem_deref(m);
	}
}

/* What is kept needs those that it was told by no longer than it lives. */
static void test_outlives(void **state)
{
	struct msg *a = invite(2), *b = invite(4);
	struct kept *first = kept(a), *second = kept(b);

	(void)state;
	mem_deref(first);
	kept_models_free(&models);
	assert_is(second, b);
	mem_deref(second);
	mem_deref(a);
	mem_deref(b);
}

/* Longer than any that is told by another, and empty. */
static void test_lengths(void **state)
{
	static char text[70000];
	const size_t lengths[] = {0, 1, 4096, 4097, sizeof(text)};

	(void)state;
	memset(text, 'y', sizeof(text));
	for (unsigned i = 0; i < 5; i++) {
		struct msg *m = message(text, lengths[i]);
		struct kept *r = kept(m), *again = kept(m);
		assert_is(r, m);
		assert_is(again, m);
		mem_deref(r);
		mem_deref(again);
		mem_deref(m);
	}
}

static int try(void *arg)
{
	struct msg *again;
	struct kept *r = msg_rest(&models, arg);
	int err = r ? msg_wake(&again, r) : -1;

	if (!err)
		mem_deref(again);
	mem_deref(r);
	kept_models_free(&models);
	return err;
}

static void test_memory(void **state)
{
	struct msg *m = invite(1);

	(void)state;
	assert_true(unit_each_failure(try, m) > 0);
	mem_deref(m);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, teardown)
	const struct CMUnitTest tests[] = {TEST(test_alike), TEST(test_unlike), TEST(test_outlives), TEST(test_lengths), TEST(test_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

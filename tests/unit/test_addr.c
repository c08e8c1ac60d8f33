#include "unit.h"

#include <stdio.h>

#include "net/addr.h"

static void parses(const char *text, const char *shown)
{
	char buf[ADDR_STRLEN];
	struct addr a;

	if (!addr_parse(&a, slice_str(text), 5060))
		fail_msg("%s does not parse", text);
	assert_string_equal(addr_str(buf, &a), shown);
}

static void parsing(void **state)
{
	static const char *const bad[] = {
	    "",          "a",        "1.2.3",   "1.2.3.4:",   "1.2.3.4:65536", "1.2.3.4:x",
	    "[1.2.3.4]", "[::1",     "::1]",    "[::1]5060",  "[::1]:",        "[]",
	    ":5060",     "1.2.3.4 ", "[::1]::", "1.2.3.4:1:", ":::",           "[fe80::1]:99999"};
	struct addr a;

	(void)state;
	parses("1.2.3.4", "1.2.3.4:5060");
	parses("1.2.3.4:5070", "1.2.3.4:5070");
	parses("1.2.3.4:0", "1.2.3.4:0");
	parses("::1", "[::1]:5060");
	parses("[::1]", "[::1]:5060");
	parses("[2001:DB8::0:1]:65535", "[2001:db8::1]:65535");
	parses("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:5060");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (addr_parse(&a, slice_str(bad[i]), 5060))
			fail_msg("'%s' parses", bad[i]);
	}
	assert_false(addr_parse(&a, SLICE_NONE, 1));
	assert_false(addr_set(&a, SLICE_LIT("1.2.3.4\0"), 1));
	assert_true(addr_set(&a, SLICE_LIT("[::1]"), 7));
	assert_int_equal(addr_port(&a), 7);
}

static struct addr get(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, slice_str(text), 5060));
	return a;
}

static void properties(void **state)
{
	struct addr a = get("127.0.0.2"), b = get("127.0.0.2:1"), v6 = get("[2001:db8::1]"), w6 = get("[2001:db8::2]");
	struct addr any = get("0.0.0.0"), any6 = get("[::]"), loop6 = get("::1");
	char buf[ADDR_STRLEN];

	(void)state;
	assert_true(addr_host_eq(&a, &b));
	assert_false(addr_eq(&a, &b));
	assert_true(addr_hash(&a) != addr_hash(&b));
	addr_set_port(&b, 5060);
	assert_true(addr_eq(&a, &b));
	assert_true(addr_hash(&a) == addr_hash(&b));
	assert_false(addr_host_eq(&a, &v6));
	assert_false(addr_host_eq(&w6, &v6));
	assert_true(addr_hash(&w6) != addr_hash(&v6));
	assert_true(addr_is_v6(&v6) && !addr_is_v6(&a));
	assert_int_equal(addr_len(&v6), sizeof(struct sockaddr_in6));
	assert_int_equal(addr_len(&a), sizeof(struct sockaddr_in));
	assert_true(addr_is_any(&any) && addr_is_any(&any6) && !addr_is_any(&a) && !addr_is_any(&v6));
	assert_true(addr_is_loopback(&a) && addr_is_loopback(&loop6) && !addr_is_loopback(&v6) &&
		    !addr_is_loopback(&any));
	assert_string_equal(addr_host(buf, &a), "127.0.0.2");
	assert_string_equal(addr_host(buf, &v6), "[2001:db8::1]");
}

static void text_is(const struct addr *a, const char *host, const char *plain, const char *port)
{
	char all[ADDR_STRLEN];
	struct addr_text t;

	snprintf(all, sizeof(all), "%s:%s", host, port);
	addr_text(&t, a);
	assert_string_equal(t.text, all);
	assert_true(slice_eq(t.all, slice_str(all)) && slice_eq(t.host, slice_str(host)));
	assert_true(slice_eq(t.plain, slice_str(plain)) && slice_eq(t.port, slice_str(port)));
}

/* What is remembered of an address is its own, also when more of them come than are remembered. */
static void texts(void **state)
{
	struct addr a, v6;
	char host[ADDR_STRLEN], brackets[ADDR_STRLEN + 2], port[8];

	(void)state;
	for (unsigned n = 0; n < 3000; n++) {
		unsigned i = n * 7919 % 1500; /* each of them twice */
		snprintf(host, sizeof(host), "10.0.%u.%u", i / 256, i % 256);
		snprintf(port, sizeof(port), "%u", 5000 + i % 3);
		assert_true(addr_set(&a, slice_str(host), (uint16_t)(5000 + i % 3)));
		text_is(&a, host, host, port);
		snprintf(host, sizeof(host), "2001:db8::%x", i + 1);
		snprintf(brackets, sizeof(brackets), "[%s]", host);
		assert_true(addr_set(&v6, slice_str(host), (uint16_t)(5000 + i % 3)));
		text_is(&v6, brackets, host, port);
	}
	a = get("1.2.3.4:0");
	text_is(&a, "1.2.3.4", "1.2.3.4", "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(parsing),
	    UNIT_TEST(properties),
	    UNIT_TEST(texts),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}

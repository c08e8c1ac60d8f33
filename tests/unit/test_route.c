#include "unit.h"

#include <stdio.h>

#include "sip/route.h"

#include <string.h>

static void assert_slice(struct slice s, const char *want)
{
	if (!want) {
		assert_null(s.p);
		return;
	}
	assert_int_equal(s.l, strlen(want));
	assert_memory_equal(s.p, want, s.l);
}

static void uri_of_a_name_addr(void **state)
{
	(void)state;
	assert_slice(route_uri(SLICE_LIT("\"a <b>\" <sip:x@y;lr>;tag=1")), "sip:x@y;lr");
	assert_slice(route_uri(SLICE_LIT("\"quote \\\" <\" <sip:x@y>")), "sip:x@y");
	assert_slice(route_uri(SLICE_LIT("sip:x@y;tag=1")), "sip:x@y");
	assert_slice(route_uri(SLICE_LIT("<sip:open")), "sip:open");
	assert_slice(route_uri(SLICE_NONE), "");
}

static void users(void **state)
{
	(void)state;
	assert_slice(route_user(SLICE_LIT("sip:bob@h")), "bob");
	assert_slice(route_user(SLICE_LIT("sips:bob:secret@h")), "bob");
	assert_slice(route_user(SLICE_LIT("sip:h")), NULL);
	assert_slice(route_user(SLICE_LIT("tel:+1")), NULL);
}

static void hosts(void **state)
{
	static const struct {
		const char *uri, *host;
		uint16_t port;
	} good[] = {{"sip:h", "h", 0},
		    {"sip:u@h:5061;transport=udp", "h", 5061},
		    {"SIPS:u:p@h?x=y", "h", 0},
		    {"sip:u@[::1]:5", "[::1]", 5},
		    {"sip:[2001:db8::1]", "[2001:db8::1]", 0}};
	static const char *const bad[] = {"", "h", "tel:1", "sip:", "sip:u@", "sip:u@h:0", "sip:u@h:65536", "sip:u@::1", "sip:u@h:5:6"};
	struct slice host;
	struct err e;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(route_host(&host, &port, slice_str(good[i].uri), &e), 0);
		assert_slice(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(route_host(&host, &port, slice_str(bad[i]), &e), ERR_ARG);
		assert_true(strlen(e.text) > 0);
	}
}

static void loose(void **state)
{
	(void)state;
	assert_true(route_is_loose(SLICE_LIT("sip:p;lr")));
	assert_true(route_is_loose(SLICE_LIT("sip:u;lr@p;transport=udp;lr=on")));
	assert_false(route_is_loose(SLICE_LIT("sip:u;lr@p")));
	assert_false(route_is_loose(SLICE_LIT("sip:p;lrx")));
	assert_false(route_is_loose(SLICE_LIT("sip:p?lr")));
}

static void resolve(void **state)
{
	struct addr a;
	struct err e;
	char text[ADDR_STRLEN];

	(void)state;
	assert_int_equal(route_resolve(&a, SLICE_LIT("<sip:u@127.0.0.1;lr>"), false, false, &e), 0);
	assert_string_equal(addr_str(text, &a), "127.0.0.1:5060");
	assert_int_equal(route_resolve(&a, SLICE_LIT("sip:u@[::1]:70"), false, false, &e), 0);
	assert_string_equal(addr_str(text, &a), "[::1]:70");
	assert_int_equal(route_resolve(&a, SLICE_LIT("sip:h;maddr=10.0.0.1"), false, false, &e), 0);
	assert_string_equal(addr_str(text, &a), "10.0.0.1:5060");
	/* Names are not looked up in the simulated network, and the text says what to do. */
	assert_int_equal(route_resolve(&a, SLICE_LIT("sip:u@example.test"), false, false, &e), ERR_ENV);
	assert_non_null(strstr(e.text, "example.test"));
	assert_int_equal(route_resolve(&a, SLICE_LIT("sip:u@no.such.invalid"), true, false, &e), ERR_ENV);
	assert_int_equal(route_resolve(&a, SLICE_LIT("sip:u@localhost"), true, false, &e), 0);
}

/* What is remembered of a URI is its own, also when more of them come than are remembered; names are not. */
static void resolve_again(void **state)
{
	struct addr a;
	char uri[200], wanted[40], text[ADDR_STRLEN];

	(void)state;
	for (unsigned n = 0; n < 400; n++) {
		unsigned i = n * 7919 % 200; /* each of them twice */
		snprintf(uri, sizeof(uri), "<sip:%.*s@10.0.0.%u>", (int)(i % 100), "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", i);
		snprintf(wanted, sizeof(wanted), "10.0.0.%u:5060", i);
		assert_int_equal(route_resolve(&a, slice_str(uri), n & 1, n & 2, NULL), 0);
		assert_string_equal(addr_str(text, &a), wanted);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(route_resolve(&a, SLICE_LIT("sip:u@localhost"), true, i, NULL), 0);
		assert_true(addr_is_v6(&a) == i);
		assert_int_equal(route_resolve(&a, SLICE_LIT("sip:u@localhost"), false, i, NULL), ERR_ENV);
		assert_int_equal(route_resolve(&a, SLICE_NONE, false, i, NULL), ERR_ARG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(uri_of_a_name_addr), UNIT_TEST(users), UNIT_TEST(hosts), UNIT_TEST(loose),
					   UNIT_TEST(resolve), UNIT_TEST(resolve_again)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Header values: what osip gets right, what is guarded before it, the comparison of URIs, and values that mean harm. */
#include "unit.h"

#include "sip/value.h"

#include <pthread.h>
#include <stdlib.h>

#define assert_slice(s, text) assert_true(slice_eq((s), slice_str(text)))

/* An exact copy on the heap, so that the sanitizer sees a byte read too far. */
struct exact {
	struct slice s;
};

static struct exact exact(struct slice s)
{
	char *p = malloc(s.l);

	if (s.l)
		memcpy(p, s.p, s.l);
	return (struct exact){{p, s.l}};
}

static void exact_free(struct exact x)
{
	free((char *)x.s.p);
}

static struct value_uri *uri(const char *text)
{
	struct exact x = exact(slice_str(text));
	struct value_uri *u = NULL;
	struct err e;

	if (value_uri_parse(&u, x.s, &e))
		fail_msg("%s: %s", text, e.text);
	exact_free(x); /* the result does not point into it */
	return u;
}

static struct value_name_addr *name_addr(const char *text)
{
	struct exact x = exact(slice_str(text));
	struct value_name_addr *a = NULL;
	struct err e;

	if (value_name_addr_parse(&a, x.s, &e))
		fail_msg("%s: %s", text, e.text);
	exact_free(x);
	return a;
}

static struct value_via *via(const char *text)
{
	struct exact x = exact(slice_str(text));
	struct value_via *v = NULL;
	struct err e;

	if (value_via_parse(&v, x.s, &e))
		fail_msg("%s: %s", text, e.text);
	exact_free(x);
	return v;
}

static void test_uri(void **state)
{
	struct value_uri *u =
	    uri(" sips:al%69ce:s%3Ac@Atlanta.example:5061;transport=tcp;lr;x=;;y=%41?Subject=a%20b&x= ");

	(void)state;
	assert_slice(u->raw, "sips:al%69ce:s%3Ac@Atlanta.example:5061;transport=tcp;lr;x=;;y=%41?Subject=a%20b&x=");
	assert_slice(u->scheme, "sips");
	assert_slice(u->user, "alice");
	assert_slice(u->user_raw, "al%69ce");
	assert_slice(u->password, "s:c");
	assert_slice(u->password_raw, "s%3Ac");
	assert_slice(u->host, "Atlanta.example");
	assert_int_equal(u->port, 5061);
	assert_int_equal(u->params.count, 4);
	assert_slice(value_param_get(&u->params, SLICE_LIT("TRANSPORT"))->value, "tcp");
	assert_null(value_param_get(&u->params, SLICE_LIT("lr"))->value.p);
	assert_true(value_param_get(&u->params, SLICE_LIT("x"))->value.p &&
		    !value_param_get(&u->params, SLICE_LIT("x"))->value.l);
	assert_slice(u->params.at[3].value, "%41");
	assert_int_equal(u->headers.count, 2);
	assert_slice(u->headers.at[0].name, "Subject");
	assert_slice(u->headers.at[0].value, "a%20b");
	assert_slice(u->headers.at[1].name, "x");
	assert_null(value_param_get(&u->params, SLICE_LIT("maddr")));
	mem_deref(u);

	/* RFC 4475 3.1.1.1 and 3.1.1.6 */
	u = uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
		";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com");
	assert_slice(u->user_raw, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
	assert_slice(u->password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
	assert_slice(u->host, "example.com");
	mem_deref(u);
	u = uri("sip:null-%00-null@example.com");
	assert_true(slice_eq(u->user, SLICE_LIT("null-\0-null")));
	assert_slice(u->user_raw, "null-%00-null");
	mem_deref(u);

	u = uri("sip:example.com");
	assert_null(u->user.p);
	assert_int_equal(u->port, 0);
	mem_deref(u);
	u = uri("SIP:[2001:db8::1]:5080;lr");
	assert_slice(u->host, "2001:db8::1");
	assert_true(u->host_is_ipv6 && u->port == 5080 && value_uri_is_sip(u));
	mem_deref(u);
	u = uri("sip:a@[::1]");
	assert_slice(u->host, "::1");
	mem_deref(u);
}

static void test_uri_other_schemes(void **state)
{
	struct value_uri *u = uri("tel:+1-201-555-0123;phone-context=example.com;;isub=12;x");

	(void)state;
	assert_slice(u->user, "+1-201-555-0123");
	assert_int_equal(u->params.count, 3);
	assert_slice(u->params.at[1].value, "12");
	assert_int_equal(u->host.l, 0);
	assert_false(value_uri_is_sip(u));
	mem_deref(u);
	u = uri("urn:service:sos.fire");
	assert_slice(u->scheme, "urn");
	assert_slice(u->opaque, "service:sos.fire");
	mem_deref(u);
	u = uri("h.323+x-1:someone@example.com");
	assert_slice(u->scheme, "h.323+x-1");
	mem_deref(u);
	u = uri("sipx:a@b"); /* osip takes it for sip */
	assert_false(value_uri_is_sip(u));
	assert_slice(u->opaque, "a@b");
	mem_deref(u);
}

static void test_uri_malformed(void **state)
{
	static const char *const rows[] = {
	    "",
	    " ",
	    ":",
	    "sip",
	    "sip:",
	    "sip:;x",
	    "sip:@b",
	    "sip:a@",
	    "sip:a:@b",
	    "sip:a@b:",
	    "sip:a@b:x",
	    "sip:a@b:0",
	    "sip:a@b:65536",
	    "sip:a b@c",
	    "sip:a@b;x y",
	    "sip: a@b",
	    "<sip:a@b>",
	    "sip:a@b;=x",
	    "sip:x[::1]",
	    "sip:[::1]x",
	    "sip:[::1",
	    "sip:::1",
	    "sip:[]",
	    "sip:[1.2.3.4]",
	    "sip:[::1]]",
	    "sip:a@b@c",
	    "sip:a@b%41",
	    "sip:a@b,sip:c@d",
	    "sip:a@b?x",
	    "sip:a@b?",
	    "sip:a@b\"c",
	    "1sip:a@b",
	    "tel:",
	    "tel:;x",
	    "tel:1;=x",
	    "mailto:",
	    "sip:a\001b@c",
	    "sip:a@b;\002",
	    "sip:a@b\177",
	    "[]:",
	    "sip:a@b?a=b;c",
	    "sip:a@host\r\n.example",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct exact x = exact(slice_str(rows[i]));
		struct value_uri *u = NULL;
		struct err e = {0};

		if (value_uri_parse(&u, x.s, &e) != ERR_PARSE || u || !*e.text)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(value_uri_parse(&u, x.s, NULL), ERR_PARSE);
		exact_free(x);
	}
	struct value_uri *u = NULL;

	assert_int_equal(value_uri_parse(&u, (struct slice){"sip:a\0b@c", 9}, NULL), ERR_PARSE);
}

static void test_uri_too_long(void **state)
{
	struct value_uri *u = NULL;
	struct buf b = {0};
	struct err e;

	(void)state;
	buf_puts(&b, "sip:");
	while (b.len < VALUE_MAX_LEN)
		buf_puts(&b, "a");
	assert_int_equal(value_uri_parse(&u, buf_slice(&b), &e), 0);
	u = mem_deref(u);
	buf_puts(&b, "a");
	assert_int_equal(value_uri_parse(&u, buf_slice(&b), &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "limit"));
	buf_reset(&b);
	buf_puts(&b, "sip:a");
	for (int i = 0; i < VALUE_MAX_PARAMS; i++)
		buf_puts(&b, ";x");
	assert_int_equal(value_uri_parse(&u, buf_slice(&b), &e), 0);
	assert_int_equal(u->params.count, VALUE_MAX_PARAMS);
	u = mem_deref(u);
	buf_puts(&b, ";x");
	assert_int_equal(value_uri_parse(&u, buf_slice(&b), &e), ERR_PARSE);
	buf_free(&b);
}

/* RFC 3261 19.1.4, its own examples first. */
static void test_uri_eq(void **state)
{
	static const struct {
		const char *a, *b;
		bool eq;
	} rows[] = {
	    {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
	    {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
	    {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
	    {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
	     "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
	    {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
	     "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
	    {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
	    {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
	    {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
	    {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
	    {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
	    {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
	    {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
	    {"sip:a@b", "sips:a@b", false},
	    {"sip:a@b", "sip:b", false},
	    {"sip:a:p@b", "sip:a@b", false},
	    {"sip:a:P@b", "sip:a:p@b", false},
	    {"sip:a%3bb@c", "sip:a;b@c", false}, /* reserved: an escaped one is another */
	    {"sip:a%3bb@c", "sip:a%3Bb@c", true},
	    {"sip:a%2Db@c", "sip:a-b@c", true},
	    {"sip:a@b;user=phone", "sip:a@b", false},
	    {"sip:a@b", "sip:a@b;ttl=1", false},
	    {"sip:a@b", "sip:a@b;maddr=239.255.255.1", false},
	    {"sip:a@b;method=INVITE", "sip:a@b", false},
	    {"sip:a@b;lr", "sip:a@b", true},
	    {"sip:a@b;lr", "sip:a@b;lr=on", false},
	    {"sip:a@b;%78=Y", "sip:a@b;X=y", true},
	    {"sip:a@[2001:DB8:0::1]", "sip:a@[2001:db8::1]", true},
	    {"sip:a@[::1]", "sip:a@[::2]", false},
	    {"sip:a@b?x=1&x=2", "sip:a@b?x=2&x=2", false},
	    {"sip:a@b?x=1&x=2&x=2", "sip:a@b?x=2&x=1&x=2", true},
	    {"sip:a@b?X=a", "sip:a@b?x=a", true},
	    {"sip:a@b?x=A", "sip:a@b?x=a", false},
	    {"tel:+1-201-555-0123", "TEL:+1(201)5550123", true},
	    {"tel:7042;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com", true},
	    {"tel:7042;phone-context=example.com", "tel:7042", false},
	    {"tel:1", "tel:12", false},
	    {"urn:service:sos", "urn:service:sos", true},
	    {"urn:service:sos", "urn:service:SOS", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct value_uri *a, *b;

		a = uri(rows[i].a);
		b = uri(rows[i].b);
		if (value_uri_eq(a, b) != rows[i].eq || value_uri_eq(b, a) != rows[i].eq)
			fail_msg("%s %s", rows[i].a, rows[i].b);
		assert_true(value_uri_eq(a, a) && value_uri_eq(b, b));
		mem_deref(a);
		mem_deref(b);
	}
}

static void test_name_addr(void **state)
{
	struct value_name_addr *a = name_addr(
	    "\"A \\\"x\\\\ <,;>\" <sip:alice@example.test;lr>\r\n\t; tag = 1928301774 ;m=\"=;;?&\\\"\";n=;;o");

	(void)state;
	assert_slice(a->display, "A \"x\\ <,;>");
	assert_slice(a->uri.raw, "sip:alice@example.test;lr");
	assert_slice(a->uri.user, "alice");
	assert_slice(a->tag, "1928301774");
	assert_int_equal(a->params.count, 4);
	assert_slice(a->params.at[1].value, "\"=;;?&\\\"\"");
	assert_true(a->params.at[2].value.p && !a->params.at[2].value.l);
	assert_null(a->params.at[3].value.p);
	mem_deref(a);

	a = name_addr("sip:alice@example.test;tag=x;lr"); /* RFC 3261 20.10 */
	assert_slice(a->uri.raw, "sip:alice@example.test");
	assert_int_equal(a->uri.params.count, 0);
	assert_slice(a->tag, "x");
	assert_int_equal(a->display.l, 0);
	mem_deref(a);
	a = name_addr("Caller (Sales) <tel:+1234;x>;tag=4");
	assert_slice(a->display, "Caller (Sales)");
	assert_slice(a->uri.user, "+1234");
	mem_deref(a);
	a = name_addr("<sip:a@b?Replaces=x%3Bto-tag%3D1>");
	assert_slice(a->uri.headers.at[0].value, "x%3Bto-tag%3D1");
	assert_null(a->tag.p);
	mem_deref(a);
	a = name_addr("<sip:a@b>;tag");
	assert_null(a->tag.p);
	mem_deref(a);
	a = name_addr("\"\" <sip:a@b>");
	assert_int_equal(a->display.l, 0);
	mem_deref(a);
	a = name_addr(" * ");
	assert_true(a->star);
	mem_deref(a);
}

static void test_name_addr_malformed(void **state)
{
	static const char *const rows[] = {
	    "",
	    "<>",
	    "<sip:a@b",
	    "<sip:a@b> x",
	    "<sip:a@b>tag=1",
	    "<sip:a@b>,<sip:c@d>",
	    "a,b <sip:a@b>",
	    "\"a <sip:a@b>",
	    "\"a\"",
	    "< sip:a@b>",
	    "<sip:a@b>;=x",
	    "Bob",
	    "<sip:a@b;x=\">",
	    "*;expires=0",
	    "<<sip:a@b>>",
	    ";tag=x",
	    "<sip:a@b>;a=\"",
	    "sip:a b@c",
	    "<sip:a@b>;a b",
	    "<sip:a@b>;x=a b",
	    "<sip:a@b>;x=<y;z>",
	    "<sip:a@b>;\001",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct exact x = exact(slice_str(rows[i]));
		struct value_name_addr *a = NULL;
		struct err e = {0};

		if (value_name_addr_parse(&a, x.s, &e) != ERR_PARSE || a || !*e.text)
			fail_msg("accepted: %s", rows[i]);
		exact_free(x);
	}
}

static void test_name_addr_list(void **state)
{
	struct value_name_addrs *list = NULL;
	struct buf b = {0};
	struct err e;

	(void)state;
	assert_int_equal(
	    value_name_addr_list(&list, SLICE_LIT("<sip:p1,x@a;lr>,, \"B, C\" <sip:p2;lr>;q=0.7 , sip:c@d;expires=60,"),
				 VALUE_MAX_ITEMS, &e),
	    0);
	assert_int_equal(list->count, 3);
	assert_slice(list->at[0].uri.user, "p1,x");
	assert_slice(list->at[1].display, "B, C");
	assert_slice(list->at[1].raw, "\"B, C\" <sip:p2;lr>;q=0.7");
	assert_slice(list->at[2].params.at[0].value, "60");
	list = mem_deref(list);
	assert_int_equal(value_name_addr_list(&list, SLICE_LIT("*"), VALUE_MAX_ITEMS, &e), 0);
	assert_true(list->count == 1 && list->at[0].star);
	list = mem_deref(list);
	assert_int_equal(value_name_addr_list(&list, SLICE_LIT("<sip:a>,<sip:b>,<sip:c>"), 2, &e), ERR_PARSE);
	assert_int_equal(value_name_addr_list(&list, SLICE_LIT(" , ,"), VALUE_MAX_ITEMS, &e), ERR_PARSE);
	assert_int_equal(value_name_addr_list(&list, SLICE_LIT("<sip:a>,b"), VALUE_MAX_ITEMS, &e), ERR_PARSE);
	while (b.len < 400)
		buf_puts(&b, ",<sip:a@b>");
	assert_int_equal(value_name_addr_list(&list, buf_slice(&b), 39, &e), ERR_PARSE);
	assert_int_equal(value_name_addr_list(&list, buf_slice(&b), 40, &e), 0);
	assert_int_equal(list->count, 40);
	mem_deref(list);
	buf_free(&b);
}

static void test_via(void **state)
{
	struct value_via *v = via("SIP / 2.0 / UDP\t first.example.com: 4000;ttl=16\r\n ;maddr=224.2.0.1 "
				  ";branch=z9hG4bKa7c6a8dlze.1;received=;rport");

	(void)state;
	assert_slice(v->protocol, "SIP");
	assert_slice(v->version, "2.0");
	assert_slice(v->transport, "UDP");
	assert_slice(v->host, "first.example.com");
	assert_int_equal(v->port, 4000);
	assert_slice(v->branch, "z9hG4bKa7c6a8dlze.1");
	assert_slice(v->maddr, "224.2.0.1");
	assert_true(v->received.p && !v->received.l);
	assert_true(v->rport_present && v->rport == 0);
	assert_int_equal(v->params.count, 5);
	mem_deref(v);
	v = via("SIP/2.0/TLS-SCTP [2001:db8::9:1];received=[2001:db8::9:255];rport=4711");
	assert_slice(v->transport, "TLS-SCTP");
	assert_slice(v->host, "2001:db8::9:1");
	assert_true(v->host_is_ipv6 && !v->port && !v->branch.p && v->rport == 4711);
	assert_slice(v->received, "[2001:db8::9:255]");
	mem_deref(v);
	v = via("SIP/2.0/UDP h;rport=70000");
	assert_true(v->rport_present && v->rport == 0);
	mem_deref(v);
}

static void test_via_malformed(void **state)
{
	static const char *const rows[] = {
	    "",
	    "SIP",
	    "SIP/2.0",
	    "SIP/2.0/UDP",
	    "SIP/2.0/UDP ",
	    "SIP/2.0/UDPh",
	    "SIP//UDP h",
	    "/2.0/UDP h",
	    "SIP/2.0/UDP h:",
	    "SIP/2.0/UDP h:0",
	    "SIP/2.0/UDP h:99999",
	    "SIP/2.0/UDP ;branch=x",
	    "SIP/2.0/UDP [::1",
	    "SIP/2.0/UDP ::1",
	    "SIP/2.0/UDP h g;branch=x",
	    "SIP/2.0/UDP h,SIP/2.0/UDP g",
	    "SIP/2.0/UDP h;branch=x(y)",
	    "SIP/2.0/UDP h;=x",
	    "SIP/2.0/UDP a@b",
	    "SIP/2.0/UDP h/x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct exact x = exact(slice_str(rows[i]));
		struct value_via *v = NULL;
		struct err e = {0};

		if (value_via_parse(&v, x.s, &e) != ERR_PARSE || v || !*e.text)
			fail_msg("accepted: %s", rows[i]);
		exact_free(x);
	}
}

static void test_split(void **state)
{
	static const char *const want[] = {"a", "", "\"b,\\\",\" <c,\">", "d"};
	struct slice rest = SLICE_LIT(" a,,\"b,\\\",\" <c,\"> ,d"), item;
	size_t n = 0;

	(void)state;
	while (value_split(&item, &rest)) {
		assert_true(n < 4);
		assert_slice(item, want[n++]);
	}
	assert_int_equal(n, 4);
	assert_false(value_split(&item, &rest));
	rest = SLICE_LIT("a,");
	assert_true(value_split(&item, &rest) && value_split(&item, &rest) && !item.l && !value_split(&item, &rest));
	rest = SLICE_LIT("\"open,<");
	assert_true(value_split(&item, &rest) && !value_split(&item, &rest));
	rest = SLICE_LIT("x<open,\"\\");
	assert_true(value_split(&item, &rest) && !value_split(&item, &rest));
}

static void test_quote(void **state)
{
	struct buf b = {0}, back = {0};

	(void)state;
	value_quote(&b, SLICE_LIT("a\"b\\c"));
	assert_slice(buf_slice(&b), "\"a\\\"b\\\\c\"");
	value_unquote(&back, buf_slice(&b));
	assert_slice(buf_slice(&back), "a\"b\\c");
	buf_reset(&b);
	value_unquote(&b, SLICE_LIT("\"a\\\""));
	value_unquote(&b, SLICE_LIT("|token|"));
	value_unquote(&b, SLICE_LIT("\""));
	value_unquote(&b, SLICE_LIT("\"\""));
	value_unquote(&b, SLICE_NONE);
	assert_slice(buf_slice(&b), "a\\|token|\"");
	buf_reset(&b);
	value_unescape(&b, SLICE_LIT("%41%6a%6A%4%zz%"));
	assert_slice(buf_slice(&b), "Ajj%4%zz%");
	buf_free(&b);
	buf_free(&back);
}

#define HEAD                                                                                                           \
	"INVITE sip:b@example.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: "     \
	"<sip:a@b>\r\n"                                                                                                \
	"Call-ID: x\r\nCSeq: 1 INVITE\r\n"

static void test_strict(void **state)
{
	static const struct {
		const char *text, *refused; /* NULL: accepted */
	} rows[] = {
	    {HEAD "\r\n", NULL},
	    {"\r\n\r\n" HEAD "\r\n", NULL},
	    {HEAD, NULL},
	    {"SIP/2.0 200 OK\r\nContact:\r\n <sip:x@y>\r\n\r\n", NULL},
	    /* bodies are never shown to it: SDP that it reads past the end of, MIME, and one that is not there */
	    {HEAD "Content-Type: application/sdp\r\nContent-Length: 17\r\n\r\nm=audio 0 RTP/AVP\r", NULL},
	    {HEAD "c: multipart/mixed;boundary=x\r\nl: 10\r\n\r\n--x\r\n--x\r\n", NULL},
	    {HEAD "Content-Type: application/sdp\r\nContent-Length: 999\r\n\r\n", NULL},
	    {"", "empty"},
	    {"\r\n", "empty"},
	    {"INVITE\r\n\r\n", "start line: \"INVITE\""},
	    {HEAD "From: <sip:c@d>;tag=2\r\nX: y\r\n\r\n", "header 6: \"From: <sip:c@d>;tag=2\""},
	    {HEAD "X: y\r\nno colon\033[2J\r\n\r\n", "header 7: \"no colon.[2J\""},
	    {HEAD "X: y\r\rContent-Type: multipart/mixed\r\r", "CR without LF"},
	    {HEAD "X: y\r", "CR without LF"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct exact x = exact(slice_str(rows[i].text));
		const int r = value_strict(x.s, &e);

		if (r != (rows[i].refused ? ERR_PARSE : 0) || (r && !strstr(e.text, rows[i].refused)))
			fail_msg("row %zu: %d %s", i, r, r ? e.text : "");
		exact_free(x);
	}
	assert_int_equal(value_strict((struct slice){"INVITE sip:a@b SIP/2.0\r\nX: a\0b\r\n\r\n", 33}, &e), ERR_PARSE);
}

/* At the caps it answers, and soon; above them it is not asked. */
static void test_strict_caps(void **state)
{
	static const char *const heads[] = {"Allow: ", "Contact: <sip:a@b>", "Via: SIP/2.0/UDP h", "To: sip:a@b;x?y=z",
					    "WWW-Authenticate: Digest "};
	static const char *const items[] = {"a,", ";a", ";a", "&a=b", "a=b,"};
	struct buf b = {0};
	struct err e;

	(void)state;
	for (size_t k = 0; k < sizeof(heads) / sizeof(*heads); k++)
		for (int over = 0; over < 2; over++) {
			buf_reset(&b);
			buf_printf(&b, "INVITE sip:a@b SIP/2.0\r\n%s", heads[k]);
			for (int i = 0; i < VALUE_STRICT_MAX_SEPARATORS - 2 + 3 * over; i++)
				buf_puts(&b, items[k]);
			buf_puts(&b, "\r\nfoo\r\n\r\n");
			assert_int_equal(value_strict(buf_slice(&b), &e), over ? ERR_ARG : ERR_PARSE);
		}
	for (int over = 0; over < 2; over++) {
		buf_reset(&b);
		buf_puts(&b, "INVITE sip:a@b SIP/2.0\r\n");
		for (int i = 0; i < VALUE_STRICT_MAX_HEADERS + over; i++)
			buf_puts(&b, "a:b\r\n");
		assert_int_equal(value_strict(buf_slice(&b), &e), over ? ERR_ARG : 0);
		buf_reset(&b);
		buf_puts(&b, "INVITE sip:a@b SIP/2.0\r\nX: ");
		while (b.len < (size_t)VALUE_STRICT_MAX_LEN - 2 + 3 * (size_t)over)
			buf_puts(&b, "a");
		buf_puts(&b, "\r\n");
		assert_int_equal(value_strict(buf_slice(&b), &e), over ? ERR_ARG : 0);
	}
	buf_free(&b);
}

static void *in_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		struct value_name_addr *a = NULL;

		if (value_name_addr_parse(&a, SLICE_LIT("\"A\" <sip:alice@example.test;lr>;tag=x"), NULL) ||
		    !slice_eq(a->uri.user, SLICE_LIT("alice")) || value_strict(SLICE_LIT(HEAD "\r\n"), NULL))
			return (void *)1;
		mem_deref(a);
	}
	return NULL;
}

/* The allocator hook is the process's, the arena the thread's. */
static void test_threads(void **state)
{
	pthread_t t[4];
	void *failed;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, in_thread, NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
}

static int once_through(void *arg)
{
	struct value_uri *u = NULL;
	struct value_name_addr *a = NULL;
	struct value_name_addrs *list = NULL;
	struct value_via *v = NULL;
	struct buf b = {0};
	int r;

	(void)arg;
	r = value_uri_parse(&u, SLICE_LIT("sip:a@b;x"), NULL);
	if (!r)
		r = value_name_addr_parse(&a, SLICE_LIT("\"A\" <sip:a@b;x>;tag=y"), NULL);
	if (!r)
		r = value_name_addr_list(&list, SLICE_LIT("<sip:a>,<sip:b>"), VALUE_MAX_ITEMS, NULL);
	if (!r)
		r = value_via_parse(&v, SLICE_LIT("SIP/2.0/UDP h;branch=x"), NULL);
	if (!r)
		r = value_strict(SLICE_LIT(HEAD "\r\n"), NULL);
	if (!r) {
		value_quote(&b, SLICE_LIT("a\"b"));
		value_unquote(&b, SLICE_LIT("\"ab\""));
		value_unescape(&b, SLICE_LIT("%41"));
		r = b.failed ? ERR_NOMEM : 0;
	}
	assert_true(!r || r == ERR_NOMEM);
	mem_deref(u);
	mem_deref(a);
	mem_deref(list);
	mem_deref(v);
	buf_free(&b);
	return r;
}

/* In a thread of its own, where the arena is not there yet. */
static void *fail_in_thread(void *arg)
{
	*(long *)arg = unit_each_failure(once_through, NULL);
	return NULL;
}

static void test_out_of_memory(void **state)
{
	long failed = 0;
	pthread_t t;

	(void)state;
	assert_true(unit_each_failure(once_through, NULL) > 5);
	assert_int_equal(pthread_create(&t, NULL, fail_in_thread, &failed), 0);
	pthread_join(t, NULL);
	assert_true(failed > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(test_uri),
	    UNIT_TEST(test_uri_other_schemes),
	    UNIT_TEST(test_uri_malformed),
	    UNIT_TEST(test_uri_too_long),
	    UNIT_TEST(test_uri_eq),
	    UNIT_TEST(test_name_addr),
	    UNIT_TEST(test_name_addr_malformed),
	    UNIT_TEST(test_name_addr_list),
	    UNIT_TEST(test_via),
	    UNIT_TEST(test_via_malformed),
	    UNIT_TEST(test_split),
	    UNIT_TEST(test_quote),
	    UNIT_TEST(test_strict),
	    UNIT_TEST(test_strict_caps),
	    UNIT_TEST(test_threads),
	    UNIT_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

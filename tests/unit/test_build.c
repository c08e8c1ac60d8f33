/* Messages from their parts, byte for byte, and edits that leave every other byte as it was. */
#include "unit.h"

#include "net/addr.h"
#include "sip/build.h"

#include <stdio.h>
#include <stdlib.h>

#define S(text) SLICE_LIT(text)

static struct buf out;
static struct scan scanned;
static char *held;

static void check_out(const char *want, size_t len, const char *file, int line)
{
	assert_false(out.failed);
	if (out.len != len || memcmp(out.p, want, len)) {
		print_error("got:\n%.*s\nwanted:\n%.*s\n", (int)out.len, (char *)out.p, (int)len, want);
		_fail(file, line);
	}
	buf_reset(&out);
}
#define out_is(want) check_out(want, sizeof(want) - 1, __FILE__, __LINE__)

static struct scan *scan_n(const char *data, size_t len)
{
	free(held);
	held = malloc(len + 1);
	assert_non_null(held);
	memcpy(held, data, len);
	scan_free(&scanned);
	assert_int_equal(scan_message(&scanned, (struct slice){held, len}), 0);
	return &scanned;
}
#define scan(text) scan_n(text, sizeof(text) - 1)

static int teardown(void **state)
{
	buf_free(&out);
	scan_free(&scanned);
	free(held);
	held = NULL;
	return unit_teardown(state);
}

#define build_test(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, teardown)

static struct addr source(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, slice_str(text), 5060));
	return a;
}

/* --- requests --- */

static const struct slice two_routes[] = {{"<sip:p1;lr>", 11}, {"<sip:p2;lr>", 11}};

static struct build_request invite(void)
{
	return (struct build_request){
	    .method = S("INVITE"),
	    .uri = S("sip:bob@example.test"),
	    .via = S("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK1;rport"),
	    .routes = two_routes,
	    .route_count = 2,
	    .from = S("<sip:alice@example.test>;tag=a"),
	    .to = S("<sip:bob@example.test>"),
	    .call_id = S("c1@198.18.0.1"),
	    .cseq = 4294967295u,
	    .max_forwards = 70,
	    .contact = S("<sip:alice@198.18.0.1>"),
	    .lines = S("Authorization: Digest x\r\nAuthorization: Digest y\r\n"),
	    .content_type = S("application/sdp"),
	    .body = S("v=0\r\n"),
	};
}

static void test_request(void **state)
{
	(void)state;
	struct build_request r = invite();

	build_request(&out, &r);
	out_is("INVITE sip:bob@example.test SIP/2.0\r\n"
	       "Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK1;rport\r\n"
	       "Max-Forwards: 70\r\n"
	       "Route: <sip:p1;lr>\r\n"
	       "Route: <sip:p2;lr>\r\n"
	       "From: <sip:alice@example.test>;tag=a\r\n"
	       "To: <sip:bob@example.test>\r\n"
	       "Call-ID: c1@198.18.0.1\r\n"
	       "CSeq: 4294967295 INVITE\r\n"
	       "Contact: <sip:alice@198.18.0.1>\r\n"
	       "Authorization: Digest x\r\nAuthorization: Digest y\r\n"
	       "Content-Type: application/sdp\r\n"
	       "Content-Length: 5\r\n\r\nv=0\r\n");

	r = (struct build_request){.method = S("OPTIONS"),
				   .uri = S("sip:b"),
				   .via = S("v"),
				   .from = S("f"),
				   .to = S("t"),
				   .call_id = S("i"),
				   .cseq = 1};
	build_request(&out, &r);
	out_is("OPTIONS sip:b SIP/2.0\r\nVia: v\r\nMax-Forwards: 0\r\nFrom: f\r\nTo: t\r\nCall-ID: i\r\nCSeq: 1 "
	       "OPTIONS\r\n"
	       "Content-Length: 0\r\n\r\n");
}

/* A header of the script's stands where the engine's would, under the script's name, as often as it was given. */
static void test_request_overridden(void **state)
{
	(void)state;
	struct build_request r = invite();
	const struct build_header extra[] = {
	    {S("X-First"), S("1")},
	    {S("v"), S("one")},
	    {S("cseq"), S("one INVITE")},
	    {S("ROUTE"), S("<sip:mine>")},
	    {S("Via"), S("two")},
	    {S("Max-Forwards"), SLICE_NONE},
	    {S("To"), S("")},
	    {S("Content-Length"), S("99")},
	    {S("Subject"), S("hello")},
	    {S("c"), S("text/plain")},
	    {S("X-First"), S("2")},
	    {S("X-Gone"), SLICE_NONE},
	    {S("m"), SLICE_NONE},
	};

	r.lines = SLICE_NONE;
	r.extra = extra;
	r.extra_count = sizeof(extra) / sizeof(*extra);
	build_request(&out, &r);
	out_is("INVITE sip:bob@example.test SIP/2.0\r\n"
	       "v: one\r\n"
	       "Via: two\r\n"
	       "ROUTE: <sip:mine>\r\n"
	       "From: <sip:alice@example.test>;tag=a\r\n"
	       "To: \r\n"
	       "Call-ID: c1@198.18.0.1\r\n"
	       "cseq: one INVITE\r\n"
	       "X-First: 1\r\n"
	       "Subject: hello\r\n"
	       "X-First: 2\r\n"
	       "c: text/plain\r\n"
	       "Content-Length: 99\r\n\r\nv=0\r\n");
}

static void test_request_many_extras(void **state)
{
	(void)state;
	struct build_request r = invite();
	struct build_header extra[200];
	struct scan *s;

	for (int i = 0; i < 200; i++)
		extra[i] = (struct build_header){S("X-Many"), S("v")};
	extra[150] = (struct build_header){S("To"), S("<sip:late>")};
	extra[199] = (struct build_header){S("Content-Length"), S("1")};
	r.extra = extra;
	r.extra_count = 200;
	build_request(&out, &r);
	s = scan_n((char *)out.p, out.len);
	assert_true(slice_eq(scan_header_named(s, S("To"), 0), S("<sip:late>")));
	assert_null(scan_header(s, HDR_TO, 1).p);
	assert_true(slice_eq(scan_header(s, HDR_CONTENT_LENGTH, 0), S("1")));
	assert_non_null(scan_header_named(s, S("X-Many"), 197).p);
	assert_null(scan_header_named(s, S("X-Many"), 198).p);
	assert_int_equal(s->flaws, SCAN_BODY_LONG | SCAN_CSEQ);
}

/* --- responses --- */

#define REQUEST                                                                                                        \
	"INVITE sip:bob@example.test SIP/2.0\r\n"                                                                      \
	"Record-Route: <sip:p2;lr>\r\n"                                                                                \
	"v : SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK2\r\n"                                                               \
	"Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK1;rport\r\n"                                                   \
	"Max-Forwards: 69\r\n"                                                                                         \
	"From: \"A\"\r\n <sip:alice@example.test>;tag=a\r\n"                                                           \
	"To:   <sip:bob@example.test>  \r\n"                                                                           \
	"i: c1\r\n"                                                                                                    \
	"Timestamp: 54\r\n"                                                                                            \
	"CSeq: 0001   INVITE\r\n"                                                                                      \
	"Record-Route: <sip:p1;lr>\r\n"                                                                                \
	"Content-Length: 0\r\n\r\n"

static void test_response(void **state)
{
	(void)state;
	struct scan *req = scan(REQUEST);
	struct addr from = source("198.18.0.2:5060");
	struct build_response r = {
	    .status = 180, .to_tag = S("t1"), .source = &from, .contact = S("<sip:bob@198.18.0.3>")};

	build_response(&out, req, &r);
	out_is("SIP/2.0 180 Ringing\r\n"
	       "Record-Route: <sip:p2;lr>\r\n"
	       "v: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK2\r\n"
	       "Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK1;rport\r\n"
	       "From: \"A\"\r\n <sip:alice@example.test>;tag=a\r\n"
	       "To: <sip:bob@example.test>;tag=t1\r\n"
	       "i: c1\r\n"
	       "CSeq: 0001   INVITE\r\n"
	       "Record-Route: <sip:p1;lr>\r\n"
	       "Contact: <sip:bob@198.18.0.3>\r\n"
	       "Content-Length: 0\r\n\r\n");

	/* 100: no tag, no Record-Route, the Timestamp (RFC 3261 8.2.6.1) */
	r = (struct build_response){.status = 100, .to_tag = S("t1")};
	build_response(&out, req, &r);
	out_is("SIP/2.0 100 Trying\r\n"
	       "v: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK2\r\n"
	       "Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK1;rport\r\n"
	       "From: \"A\"\r\n <sip:alice@example.test>;tag=a\r\n"
	       "To: <sip:bob@example.test>\r\n"
	       "i: c1\r\n"
	       "Timestamp: 54\r\n"
	       "CSeq: 0001   INVITE\r\n"
	       "Content-Length: 0\r\n\r\n");

	r = (struct build_response){
	    .status = 486, .reason = S(""), .to_tag = S("t1"), .content_type = S("text/plain"), .body = S("no")};
	const struct build_header extra[] = {
	    {S("v"), S("mine")},
	    {S("Retry-After"), S("5")},
	    {S("From"), SLICE_NONE},
	    {S("CSeq"), S("x")},
	};
	r.extra = extra;
	r.extra_count = 4;
	build_response(&out, req, &r);
	out_is("SIP/2.0 486 \r\n"
	       "v: mine\r\n"
	       "To: <sip:bob@example.test>;tag=t1\r\n"
	       "i: c1\r\n"
	       "CSeq: x\r\n"
	       "Retry-After: 5\r\n"
	       "Content-Type: text/plain\r\n"
	       "Content-Length: 2\r\n\r\nno");
}

static void test_response_to_broken(void **state)
{
	(void)state;
	struct addr from = source("198.18.0.2:5060");
	struct build_response r = {.status = 400, .to_tag = S("t"), .source = &from};

	build_response(
	    &out, scan("INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2\r\nCSeq: one\r\nno colon\r\n\r\n"), &r);
	out_is("SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 198.18.0.2\r\nCSeq: one\r\nContent-Length: 0\r\n\r\n");
	build_response(&out, scan("INVITE sip:b SIP/2.0\r\nVia:\r\nTo: <sip:x>;tag\r\nFrom"), &r);
	out_is("SIP/2.0 400 Bad Request\r\nVia: ;received=198.18.0.2\r\nTo: <sip:x>;tag\r\nContent-Length: 0\r\n\r\n");
	build_response(&out, scan("INVITE sip:b SIP/2.0\r\n\r\n"), &r);
	out_is("SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	build_response(&out, scan("not SIP"), &r);
	out_is("SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	/* a NUL is a byte as any other (RFC 4475 3.1.1.2) */
	build_response(&out, scan("INVITE sip:b SIP/2.0\r\nTo: \"\\\0\" <sip:x>\r\n\r\n"), &r);
	out_is("SIP/2.0 400 Bad Request\r\nTo: \"\\\0\" <sip:x>;tag=t\r\nContent-Length: 0\r\n\r\n");
	/* the first To has its tag; what a second one may want nobody knows */
	build_response(&out, scan("INVITE sip:b SIP/2.0\r\nTo: <sip:x>\r\nTo: <sip:y>\r\n\r\n"), &r);
	out_is("SIP/2.0 400 Bad Request\r\nTo: <sip:x>;tag=t\r\nTo: <sip:y>\r\nContent-Length: 0\r\n\r\n");
}

/* RFC 3261 18.2.1 and RFC 3581 4 */
static void test_response_via(void **state)
{
	(void)state;
	static const struct {
		const char *source, *via, *want;
	} rows[] = {
	    {"10.0.0.1:5060", "SIP/2.0/UDP 10.0.0.1;branch=b", "SIP/2.0/UDP 10.0.0.1;branch=b"},
	    {"10.0.0.1:9999", "SIP/2.0/UDP 10.0.0.1:7;branch=b", "SIP/2.0/UDP 10.0.0.1:7;branch=b"},
	    {"10.0.0.2:5060", "SIP/2.0/UDP 10.0.0.1;branch=b", "SIP/2.0/UDP 10.0.0.1;branch=b;received=10.0.0.2"},
	    {"10.0.0.2:5060", "SIP/2.0/UDP pc.example.test:5070;branch=b",
	     "SIP/2.0/UDP pc.example.test:5070;branch=b;received=10.0.0.2"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;rport;branch=b",
	     "SIP/2.0/UDP 10.0.0.1;rport=9;branch=b;received=10.0.0.1"},
	    {"10.0.0.1:9",
	     "SIP/2.0/UDP 10.0.0.1;branch=b;rport=", "SIP/2.0/UDP 10.0.0.1;branch=b;rport=9;received=10.0.0.1"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;RPORT ; branch=b",
	     "SIP/2.0/UDP 10.0.0.1;RPORT=9; branch=b;received=10.0.0.1"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;rport = ;x", "SIP/2.0/UDP 10.0.0.1;rport =9;x;received=10.0.0.1"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;rport=5;branch=b",
	     "SIP/2.0/UDP 10.0.0.1;rport=5;branch=b;received=10.0.0.1"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;branch=b;rport", "SIP/2.0/UDP 10.0.0.1;branch=b;rport=9;received=10.0.0.1"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;branch=b;rport,SIP/2.0/UDP g",
	     "SIP/2.0/UDP 10.0.0.1;branch=b;rport=9;received=10.0.0.1,SIP/2.0/UDP g"},
	    /* parameters that only begin so, and quoted ones */
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;branch=b;rport5", "SIP/2.0/UDP 10.0.0.1;branch=b;rport5"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;rportx=1;rport",
	     "SIP/2.0/UDP 10.0.0.1;rportx=1;rport=9;received=10.0.0.1"},
	    {"10.0.0.1:9", "SIP/2.0/UDP 10.0.0.1;x=\";rport,\"", "SIP/2.0/UDP 10.0.0.1;x=\";rport,\""},
	    /* what somebody wrote there is not what we saw */
	    {"10.0.0.2:9", "SIP/2.0/UDP h;received=1.2.3.4;rport;x", "SIP/2.0/UDP h;received=10.0.0.2;rport=9;x"},
	    {"10.0.0.2:9", "SIP/2.0/UDP h;rport;received;x", "SIP/2.0/UDP h;rport=9;received=10.0.0.2;x"},
	    {"10.0.0.2:9", "SIP/2.0/UDP h;received=1.2.3.4", "SIP/2.0/UDP h;received=10.0.0.2"},
	    /* the first of a list alone */
	    {"10.0.0.2:9", "SIP/2.0/UDP h;rport , SIP/2.0/UDP g;rport",
	     "SIP/2.0/UDP h;rport=9;received=10.0.0.2 , SIP/2.0/UDP g;rport"},
	    {"10.0.0.2:9", "SIP/2.0/UDP 10.0.0.2, SIP/2.0/UDP g;rport", "SIP/2.0/UDP 10.0.0.2, SIP/2.0/UDP g;rport"},
	    /* IPv6, with brackets in sent-by and without in received; other spellings are the same host */
	    {"[2001:db8::1]:9", "SIP/2.0/UDP [2001:db8::1];branch=b", "SIP/2.0/UDP [2001:db8::1];branch=b"},
	    {"[2001:db8::1]:9", "SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=b",
	     "SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=b"},
	    {"[2001:db8::1]:9", "SIP/2.0/UDP 2001:db8::1;branch=b", "SIP/2.0/UDP 2001:db8::1;branch=b"},
	    {"[2001:db8::2]:9", "SIP/2.0/UDP [2001:db8::1]:5060;rport",
	     "SIP/2.0/UDP [2001:db8::1]:5060;rport=9;received=2001:db8::2"},
	    {"10.0.0.1:9", ";;,;,,", ";;;received=10.0.0.1,;,,"},
	    {"10.0.0.1:9", "", ";received=10.0.0.1"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0}, want = {0};
		struct addr from = source(rows[i].source);
		struct build_response r = {.status = 200, .source = &from};
		buf_printf(&b, "OPTIONS sip:b SIP/2.0\r\nVia: %s\r\n\r\n", rows[i].via);
		buf_printf(&want, "SIP/2.0 200 OK\r\nVia: %s\r\nContent-Length: 0\r\n\r\n", rows[i].want);
		build_response(&out, scan_n((char *)b.p, b.len), &r);
		check_out((char *)want.p, want.len, __FILE__, __LINE__);
		buf_free(&b);
		buf_free(&want);
	}
}

static void test_reasons(void **state)
{
	(void)state;
	assert_string_equal(build_reason(407), "Proxy Authentication Required");
	assert_string_equal(build_reason(606), "Not Acceptable");
	assert_string_equal(build_reason(799), "Unknown");
	assert_string_equal(build_reason(0), "Unknown");
}

/* --- what follows a request --- */

#define SENT                                                                                                           \
	"INVITE sip:bob@198.18.0.9 SIP/2.0\r\n"                                                                        \
	"v: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bK1, SIP/2.0/UDP 198.18.0.5;branch=z9hG4bK0\r\n"                        \
	"Via: SIP/2.0/UDP 198.18.0.6;branch=z9hG4bK7\r\n"                                                              \
	"Route: <sip:p1;lr>, <sip:p2;lr>\r\n"                                                                          \
	"Max-Forwards: 12\r\n"                                                                                         \
	"Route: <sip:p3;lr>\r\n"                                                                                       \
	"f: <sip:alice@example.test>;tag=a\r\n"                                                                        \
	"To: <sip:bob@example.test>\r\n"                                                                               \
	"Call-ID: c1\r\n"                                                                                              \
	"CSeq: 8 INVITE\r\n"                                                                                           \
	"Contact: <sip:alice@198.18.0.1>\r\n"                                                                          \
	"Content-Type: text/plain\r\n"                                                                                 \
	"Content-Length: 4\r\n\r\nbody"

static void test_ack_and_cancel(void **state)
{
	(void)state;
	struct scan res, *req = scan(SENT);

	assert_int_equal(scan_message(&res, S("SIP/2.0 486 Busy\r\nTo: <sip:bob@example.test>;tag=b\r\n\r\n")), 0);
	build_ack(&out, req, &res);
	scan_free(&res);
	out_is("ACK sip:bob@198.18.0.9 SIP/2.0\r\n"
	       "Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bK1\r\n"
	       "Max-Forwards: 12\r\n"
	       "Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
	       "Route: <sip:p3;lr>\r\n"
	       "From: <sip:alice@example.test>;tag=a\r\n"
	       "To: <sip:bob@example.test>;tag=b\r\n"
	       "Call-ID: c1\r\n"
	       "CSeq: 8 ACK\r\n"
	       "Content-Length: 0\r\n\r\n");
	build_cancel(&out, req);
	out_is("CANCEL sip:bob@198.18.0.9 SIP/2.0\r\n"
	       "Via: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bK1\r\n"
	       "Max-Forwards: 12\r\n"
	       "Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
	       "Route: <sip:p3;lr>\r\n"
	       "From: <sip:alice@example.test>;tag=a\r\n"
	       "To: <sip:bob@example.test>\r\n"
	       "Call-ID: c1\r\n"
	       "CSeq: 8 CANCEL\r\n"
	       "Content-Length: 0\r\n\r\n");

	req = scan("INVITE sip:b SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n");
	assert_int_equal(scan_message(&res, S("SIP/2.0 486 Busy\r\n\r\n")), 0);
	build_ack(&out, req, &res);
	scan_free(&res);
	out_is("ACK sip:b SIP/2.0\r\nMax-Forwards: 70\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n");
	build_cancel(&out, req);
	out_is("CANCEL sip:b SIP/2.0\r\nMax-Forwards: 70\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n");
}

static void test_again(void **state)
{
	(void)state;
	const char *text = "\r\nREGISTER sip:r  SIP/2.0\n"
			   "v :SIP/2.0/UDP 198.18.0.1;branch = z9hG4bK1 ;rport\r\n"
			   "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
			   "authorization: old\r\n"
			   "CSEQ:\r\n 0009   REGISTER \r\n"
			   "Authorization: old too\r\n"
			   "l:3\r\n\r\nabc+";
	struct scan *req = scan_n(text, strlen(text));

	build_again(&out, req, 10, S("z9hG4bKnew"), HDR_AUTHORIZATION, S("Authorization: a\r\nAuthorization: b\r\n"));
	out_is("\r\nREGISTER sip:r  SIP/2.0\n"
	       "v :SIP/2.0/UDP 198.18.0.1;branch = z9hG4bKnew ;rport\r\n"
	       "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	       "CSEQ:\r\n 10   REGISTER \r\n"
	       "Authorization: a\r\nAuthorization: b\r\n"
	       "l:3\r\n\r\nabc+");
	build_again(&out, req, 10, S("b"), HDR_OTHER, SLICE_NONE);
	out_is("\r\nREGISTER sip:r  SIP/2.0\n"
	       "v :SIP/2.0/UDP 198.18.0.1;branch = b ;rport\r\n"
	       "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	       "authorization: old\r\n"
	       "CSEQ:\r\n 10   REGISTER \r\n"
	       "Authorization: old too\r\n"
	       "l:3\r\n\r\nabc+");

	/* nothing to stand before; truncated; neither branch nor a CSeq that counts */
	build_again(&out, scan("OPTIONS sip:b SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n"), 2, S("b"), HDR_OTHER,
		    S("X: y\r\n"));
	out_is("OPTIONS sip:b SIP/2.0\r\nCSeq: 2 OPTIONS\r\nX: y\r\n\r\n");
	build_again(&out, scan("OPTIONS sip:b SIP/2.0\r\nVia: v;branch=\r\nCSeq: one"), 2, S("b"), HDR_OTHER,
		    S("X: y\r\n"));
	out_is("OPTIONS sip:b SIP/2.0\r\nVia: v;branch=\r\nCSeq: one\r\nX: y\r\n");
	build_again(&out, scan("OPTIONS sip:b SIP/2.0\r\nCSeq: 1 OPTIONS\r\nCSeq: x\r\n\r\n"), 2, S("b"), HDR_OTHER,
		    SLICE_NONE);
	out_is("OPTIONS sip:b SIP/2.0\r\nCSeq: 2 OPTIONS\r\nCSeq: x\r\n\r\n");
}

/* --- edits --- */

#define L0 "OPTIONS sip:b SIP/2.0\r\n"
#define L1 "v : a\n"
#define L2 "From:\t f\r\n folded \t\r\n"
#define L3 "no colon\r\n"
#define L4 "X-Empty:\r\n"
#define L5 "Content-Length :  3\r\n"
#define L6 "L:3\n"
#define BODY "\nabcdef"
#define WHOLE "\r\n" L0 L1 L2 L3 L4 L5 L6 BODY

static void test_lines(void **state)
{
	(void)state;
	static const char *const lines[] = {L1, L2, L3, L4, L5, L6};
	struct scan *s = scan(WHOLE);

	assert_int_equal(s->header_count, 6);
	assert_true(slice_eq(build_start_line(s), S("\r\n" L0)));
	for (unsigned i = 0; i < 6; i++)
		assert_true(slice_eq(build_line(s, i), slice_str(lines[i])));
	assert_true(slice_eq(build_start_line(scan("\r\n\r\n" L0 "\r\nx")), S("\r\n\r\n" L0)));
	assert_true(slice_eq(build_start_line(scan(L0)), S(L0)));
	assert_true(slice_eq(build_start_line(scan("OPTIONS sip:b SIP/2.0")), S("OPTIONS sip:b SIP/2.0")));
	assert_true(slice_eq(build_start_line(scan("\nhello\nyou")), S("\nhello\nyou")));
	s = scan(L0 "To: x\r\n y");
	assert_true(slice_eq(build_line(s, 0), S("To: x\r\n y")));
}

static void test_replace(void **state)
{
	(void)state;
	struct scan *s = scan(WHOLE);

	build_replace(&out, s, 0, S("new value"));
	out_is("\r\n" L0 "v : new value\n" L2 L3 L4 L5 L6 BODY);
	build_replace(&out, s, 1, S(""));
	out_is("\r\n" L0 L1 "From:\t  \t\r\n" L3 L4 L5 L6 BODY);
	build_replace(&out, s, 2, S("v"));
	out_is("\r\n" L0 L1 L2 "no colon: v\r\n" L4 L5 L6 BODY);
	build_replace(&out, s, 3, S("v"));
	out_is("\r\n" L0 L1 L2 L3 "X-Empty: v\r\n" L5 L6 BODY);
	build_replace(&out, s, 5, S("9"));
	out_is("\r\n" L0 L1 L2 L3 L4 L5 "L:9\n" BODY);
	build_replace(&out, scan(L0 "To: x"), 0, S("y"));
	out_is(L0 "To: y");
	/* what was replaced by itself is as it was */
	s = scan(WHOLE);
	for (unsigned i = 0; i < s->header_count; i++)
		if (scan_value(s, i).l) {
			build_replace(&out, s, i, scan_value(s, i));
			out_is(WHOLE);
		}
}

static void test_insert_and_remove(void **state)
{
	(void)state;
	struct scan *s = scan(WHOLE);

	build_insert(&out, s, 0, S("X"), S("y"));
	out_is("\r\n" L0 "X: y\r\n" L1 L2 L3 L4 L5 L6 BODY);
	build_insert(&out, s, 3, S("X"), S(""));
	out_is("\r\n" L0 L1 L2 L3 "X: \r\n" L4 L5 L6 BODY);
	build_insert(&out, s, 6, S("X"), S("y"));
	out_is("\r\n" L0 L1 L2 L3 L4 L5 L6 "X: y\r\n" BODY);
	build_remove(&out, s, 1);
	out_is("\r\n" L0 L1 L3 L4 L5 L6 BODY);
	build_remove(&out, s, 5);
	out_is("\r\n" L0 L1 L2 L3 L4 L5 BODY);

	s = scan(L0 "To: x");
	build_insert(&out, s, 0, S("X"), S("y"));
	out_is(L0 "X: y\r\nTo: x");
	build_insert(&out, s, 1, S("X"), S("y"));
	out_is(L0 "To: x\r\nX: y\r\n");
	build_remove(&out, s, 0);
	out_is(L0);
	build_insert(&out, scan("OPTIONS sip:b SIP/2.0"), 0, S("X"), S("y"));
	out_is(L0 "X: y\r\n");
	build_insert(&out, scan(L0 "\r\n"), 0, S("X"), S("y"));
	out_is(L0 "X: y\r\n\r\n");

	/* cut off within a line end: what stands of it counts */
	build_insert(&out, scan(L0 "To: x\r"), 1, S("X"), S("y"));
	out_is(L0 "To: x\r\nX: y\r\n");
	s = scan(L0 "To: x\r\n\r");
	build_insert(&out, s, 1, S("X"), S("y"));
	out_is(L0 "To: x\r\nX: y\r\n\r");
	build_reorder(&out, s, NULL, 0);
	out_is(L0 "To: x\r\n\r");
	build_body(&out, s, S("z"), true);
	out_is(L0 "To: x\r\n\r\nz");
}

static void test_reorder(void **state)
{
	(void)state;
	struct scan *s = scan(WHOLE);

	build_reorder(&out, s, (unsigned[]){5, 1}, 2);
	out_is("\r\n" L0 L6 L2 L1 L3 L4 L5 BODY);
	build_reorder(&out, s, NULL, 0);
	out_is(WHOLE);
	build_reorder(&out, s, (unsigned[]){2, 2}, 2); /* twice, when it is asked for */
	out_is("\r\n" L0 L3 L3 L1 L2 L4 L5 L6 BODY);
	build_reorder(&out, scan(L0 "To: x\r\nFrom: y"), (unsigned[]){1}, 1);
	out_is(L0 "From: y\r\nTo: x\r\n");
}

static void test_body(void **state)
{
	(void)state;
	struct scan *s = scan(WHOLE);

	build_body(&out, s, S("0123456789"), true);
	out_is("\r\n" L0 L1 L2 L3 L4 "Content-Length :  10\r\nL:10\n\n0123456789");
	build_body(&out, s, S(""), false);
	out_is("\r\n" L0 L1 L2 L3 L4 L5 L6 "\n");
	build_body(&out, scan(L0 "Content-Length:\r\nTo: x"), S("ab"), true);
	out_is(L0 "Content-Length: 2\r\nTo: x\r\n\r\nab");
	build_body(&out, scan(L0 "\r\n"), S("ab"), true);
	out_is(L0 "\r\nab");
}

/* --- memory --- */

static int build_all(void *arg)
{
	(void)arg;
	struct build_request r = invite();
	struct build_response res = {.status = 200, .to_tag = S("t")};
	struct buf b = {0};

	for (int i = 0; i < 8; i++) /* beyond what a buffer begins with */
		build_request(&b, &r);
	build_response(&b, &scanned, &res);
	build_ack(&b, &scanned, &scanned);
	build_cancel(&b, &scanned);
	build_again(&b, &scanned, 1, S("b"), HDR_VIA, S("x"));
	build_body(&b, &scanned, S("b"), true);
	int failed = b.failed;
	buf_free(&b);
	return failed;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	scan(SENT);
	assert_true(unit_each_failure(build_all, NULL) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    build_test(test_request),
	    build_test(test_request_overridden),
	    build_test(test_request_many_extras),
	    build_test(test_response),
	    build_test(test_response_to_broken),
	    build_test(test_response_via),
	    build_test(test_reasons),
	    build_test(test_ack_and_cancel),
	    build_test(test_again),
	    build_test(test_lines),
	    build_test(test_replace),
	    build_test(test_insert_and_remove),
	    build_test(test_reorder),
	    build_test(test_body),
	    build_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

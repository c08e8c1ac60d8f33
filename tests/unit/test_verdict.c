/* sip/verdict: which answer each kind of request gets, in which order the checks stand, and that each can be switched off. */
#include "unit.h"

#include "core/err.h"
#include "sip/verdict.h"

#define TO "To: <sip:bob@example.test>\r\n"
#define REST "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\nCall-ID: c\r\nMax-Forwards: 70\r\n"
#define REQUEST(method, uri, lines, body) method " " uri " SIP/2.0\r\n" REST "CSeq: 1 " method "\r\n" lines "\r\n" body
#define INVITE(lines, body) REQUEST("INVITE", "sip:b@h", TO lines, body)

struct expected {
	const char *text;
	unsigned status;
	const char *about; /* in the reason or the header */
};

static struct verdict judge(const char *text, unsigned answers, bool merged, const struct verdict_limits *limits)
{
	static const struct verdict_limits none;
	struct verdict v = {0};
	struct scan_header headers[40]; /* that the memory which fails is the verdict's */
	struct scan s;

	assert_true(scan_into(&s, slice_str(text), headers, 40));
	verdict_on_message(&v, &s, answers, limits ? limits : &none);
	if (!v.status)
		verdict_on_request(&v, &s, answers, merged, SLICE_LIT(UA_SUPPORTS), SLICE_NONE);
	return v;
}

static void check(const struct expected *e, unsigned answers)
{
	for (; e->text; e++) {
		struct verdict v = judge(e->text, answers, false, NULL);
		if (v.status != e->status)
			fail_msg("%u %s, wanted %u:\n%s", v.status, v.reason, e->status, e->text);
		if (e->about && !strstr(v.reason, e->about) && slice_find(v.header.value, slice_str(e->about), 0) < 0)
			fail_msg("%u \"%s\" \"%.*s\", wanted %s", v.status, v.reason, SLICE_ARG(v.header.value), e->about);
		verdict_free(&v);
	}
}

static void answers(void **state)
{
	static const struct expected all[] = {
		{INVITE("", ""), 0, NULL},
		{REQUEST("OPTIONS", "sip:h", TO, ""), 0, NULL},
		{REQUEST("OPTIONS", "sip:h", TO "Max-Forwards-Not: 0\r\n", ""), 0, NULL},
		/* 400 */
		{INVITE("Contact: <sip:a@h>;;\r\n", ""), 400, "Contact: a parameter has no name"},
		{INVITE("Contact: *\r\n", ""), 0, NULL},
		{INVITE("Record-Route: sip:p;lr\r\n", ""), 400, "Record-Route"},
		{REQUEST("OPTIONS", "sip:h", TO "Record-Route: sip:p;lr\r\n", ""), 0, NULL},
		{REQUEST("OPTIONS", "sip:h", "To: \"b <sip:b@h>\r\n", ""), 400, "To: a quoted string does not end"},
		{REQUEST("OPTIONS", "sip:h?a=b", TO, ""), 400, "Request-URI"},
		{REQUEST("OPTIONS", "<sip:h>", TO, ""), 400, "Request-URI"},
		{REQUEST("OPTIONS", "sip:h", TO "Content-Length: x\r\n", ""), 400, "Content-Length is malformed"},
		{INVITE("", "v=0\r\n"), 400, "without Content-Type"},
		{INVITE("Content-Type: sdp\r\n", "v=0\r\n"), 400, "Content-Type"},
		{INVITE("Content-Type: sdp\r\n", ""), 0, NULL},
		/* 501, 405, in front of 400 and behind it */
		{REQUEST("options", "sip:h", TO, ""), 501, UA_ALLOW},
		{REQUEST("FOO", "sip:h", "To: \"b\r\n", ""), 501, UA_ALLOW},
		{REQUEST("REGISTER", "sip:h", TO, ""), 405, UA_ALLOW},
		{REQUEST("REGISTER", "sip:h", TO "Contact: sip:a?b\r\n", ""), 400, NULL},
		/* 416, 481 */
		{REQUEST("OPTIONS", "tel:1", TO, ""), 416, NULL},
		{REQUEST("BYE", "sip:h", "To: <sip:b@h>;tag=x\r\n", ""), 481, NULL},
		{REQUEST("BYE", "sip:h", TO, ""), 481, NULL},
		{REQUEST("PRACK", "sip:h", TO, ""), 481, NULL},
		{REQUEST("CANCEL", "sip:h", TO "Require: x\r\n", ""), 481, NULL},
		/* 420, 415, 493, 406 */
		{INVITE("Require: a, b\r\nRequire: c\r\nProxy-Require: d\r\n", ""), 420, "a, b, c"},
		{INVITE("Require: x\r\nContent-Type: a/b\r\n", "v"), 420, "x"},
		{INVITE("Content-Type: a/b\r\n", "v"), 415, "application/sdp"},
		{INVITE("Content-Type: a/b\r\nContent-Disposition: render;handling=optional\r\n", "v"), 0, NULL},
		{INVITE("Content-Type: a/b\r\nContent-Disposition: render;handling=required\r\n", "v"), 415, NULL},
		{INVITE("Content-Type: Application / SDP ;x=y\r\n", "v"), 0, NULL},
		{INVITE("c: application/sdp\r\ne: gzip\r\n", "v"), 415, "identity"},
		{INVITE("c: application/sdp\r\ne: identity\r\n", "v"), 0, NULL},
		{INVITE("c: application/pkcs7-mime\r\n", "v"), 493, NULL},
		{INVITE("Accept: text/x\r\n", ""), 406, NULL},
		{INVITE("Accept:\r\n", ""), 406, NULL},
		{INVITE("Accept: text/x\r\naccept: text/y, application/*;q=0.1\r\n", ""), 0, NULL},
		{INVITE("Accept: */*\r\n", ""), 0, NULL},
		{REQUEST("OPTIONS", "sip:h", TO "Accept: text/x\r\n", ""), 0, NULL},
		{NULL, 0, NULL},
	};
	static const struct expected more[] = {
		{"OPTIONS sip:h SIP/2.1\r\n" REST TO "CSeq: 1 OPTIONS\r\n\r\n", 505, NULL},
		{"OPTIONS  sip:h SIP/2.0\r\n" REST TO "CSeq: 1 OPTIONS\r\n\r\n", 400, "start line"},
		{"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK\r\nFrom: <sip:a@h>;tag=1\r\nCall-ID: c\r\n" TO "CSeq: 1 OPTIONS\r\n\r\n",
		 400, "branch"},
		{"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>\r\nCall-ID: c\r\n" TO "CSeq: 1 OPTIONS\r\n\r\n", 0, NULL},
		{"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>\r\nCall-ID: c d\r\n" TO "CSeq: 1 OPTIONS\r\n\r\n", 400, "Call-ID"},
		{"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>\r\nCall-ID: c\r\nMax-Forwards: 256\r\n" TO
		 "CSeq: 1 OPTIONS\r\n\r\n",
		 400, "Max-Forwards"},
		{"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>\r\nCall-ID: c\r\nMax-Forwards: 0\r\n" TO
		 "CSeq: 1 OPTIONS\r\n\r\n",
		 0, NULL},
		{NULL, 0, NULL},
	};

	(void)state;
	check(all, UA_ANSWERS_ALL);
	check(more, UA_ANSWERS_ALL);
}

static void switched_off(void **state)
{
	static const struct {
		struct expected e[2];
		unsigned bit;
	} off[] = {{{{REQUEST("FOO", "sip:h", "To: \"b\r\n", ""), 400, "To"}}, UA_ANSWER(METHOD)},
		   {{{REQUEST("REGISTER", "sip:h", TO, ""), 0, NULL}}, UA_ANSWER(METHOD)},
		   {{{REQUEST("BYE", "sip:h", TO, ""), 0, NULL}}, UA_ANSWER(STRAY)},
		   {{{INVITE("Require: a\r\n", ""), 0, NULL}}, UA_ANSWER(REQUIRE)},
		   {{{INVITE("c: a/b\r\n", "v"), 0, NULL}}, UA_ANSWER(CONTENT)},
		   {{{INVITE("c: application/pkcs7-mime\r\n", "v"), 415, NULL}}, UA_ANSWER(ENCRYPTED)},
		   {{{INVITE("Accept: text/x\r\n", ""), 0, NULL}}, UA_ANSWER(ACCEPT)}};

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++)
		check(off[i].e, UA_ANSWERS_ALL & ~off[i].bit);
}

static void sizes(void **state)
{
	const struct verdict_limits limits = {.uri = 10, .body = 3, .message = 250};
	static const struct {
		const char *text;
		unsigned status, bit;
	} large[] = {{REQUEST("OPTIONS", "sip:0123456789", TO, ""), 414, UA_ANSWER(LONG_URI)},
		     {INVITE("c: application/sdp\r\n", "1234"), 413, UA_ANSWER(LARGE_BODY)},
		     {INVITE("Subject: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
			     "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n",
			     ""),
		      513, UA_ANSWER(LARGE_MESSAGE)}};

	(void)state;
	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
		struct verdict v = judge(large[i].text, UA_ANSWERS_ALL, false, &limits);
		assert_int_equal(v.status, large[i].status);
		v = judge(large[i].text, UA_ANSWERS_ALL & ~large[i].bit, false, &limits);
		assert_int_equal(v.status, 0);
		v = judge(large[i].text, UA_ANSWERS_ALL, false, NULL);
		assert_int_equal(v.status, 0);
	}
}

static void merged(void **state)
{
	struct verdict v = judge(INVITE("", ""), UA_ANSWERS_ALL, true, NULL);

	(void)state;
	assert_int_equal(v.status, 482);
	v = judge(INVITE("", ""), UA_ANSWERS_ALL & ~UA_ANSWER(MERGED), true, NULL);
	assert_int_equal(v.status, 0);
}

static int without_memory(void *arg)
{
	struct verdict v = judge(INVITE("Require: abcdefghijklmnopqrstuvwxyz\r\n", ""), UA_ANSWERS_ALL, false, NULL);
	int err = v.status ? 0 : ERR_NOMEM;

	(void)arg;
	verdict_free(&v);
	return err;
}

static void memory(void **state)
{
	(void)state;
	unit_each_failure(without_memory, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(answers), UNIT_TEST(switched_off), UNIT_TEST(sizes), UNIT_TEST(merged),
					   UNIT_TEST(memory)};

	return cmocka_run_group_tests_name("sip/verdict", tests, NULL, NULL);
}

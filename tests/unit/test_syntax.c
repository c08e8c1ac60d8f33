/* sip/syntax: what the grammar of RFC 3261 25.1 allows, what is allowed beyond it on purpose, and what is not. */
#include "unit.h"

#include <stdlib.h>

#include "sip/syntax.h"

typedef const char *(check_h)(struct slice);

/* Checks a copy without anything behind it, so that the address sanitizer sees one byte too many being read. */
static const char *on_copy(check_h *check, const char *text, size_t len)
{
	char *copy = malloc(len + (len == 0));
	const char *what;

	assert_non_null(copy);
	memcpy(copy, text, len);
	what = check((struct slice){copy, len});
	free(copy);
	return what;
}

static void good(check_h *check, const char *const *texts)
{
	for (; *texts; texts++) {
		const char *what = on_copy(check, *texts, strlen(*texts));
		if (what)
			fail_msg("\"%s\": %s", *texts, what);
	}
}

static void bad(check_h *check, const char *const (*texts)[2])
{
	for (; (*texts)[0]; texts++) {
		const char *what = on_copy(check, (*texts)[0], strlen((*texts)[0]));
		if (!what || !strstr(what, (*texts)[1]))
			fail_msg("\"%s\": %s, wanted %s", (*texts)[0], what ? what : "well formed", (*texts)[1]);
	}
}

/* Every beginning of a value is looked at; none may be read past its end. */
static void every_prefix(check_h *check, const char *text)
{
	for (size_t n = 0; n <= strlen(text); n++)
		on_copy(check, text, n);
}

#define URIS                                                                                                           \
	"sip:h", "SIPS:h:5061", "sip:bob@h", "sip:bob:secret@h:65535;transport=udp;lr", "sip:bob;x=y?z/,@h", "sip:%00@h",      \
		"sip:[2001:db8::1]", "sip:[2001:db8:::192.0.2.1]:5060", "sip:a_host", "sip:h;lr=;x", "tel:+1-555;phone-context=x", \
		"soap.beep://192.0.2.103:3002", "urn:service:sos", "im:bob@h"

static void uris(void **state)
{
	static const char *const ok[] = {URIS, NULL};
	static const char *const wrong[][2] = {{"", "empty"},
					       {"h", "no scheme"},
					       {"<sip:h>", "no scheme"},
					       {"1sip:h", "no scheme"},
					       {"sip:", "host"},
					       {"sip:@h", "user part"},
					       {"sip:b ob@h", "white space"},
					       {" sip:h", "white space"},
					       {"sip:h ", "white space"},
					       {"sip:b%4@h", "user part"},
					       {"sip:b%zz@h", "user part"},
					       {"sip:a@b@h", "escaped"},
					       {"sip:b\"@h", "user part"},
					       {"sip:h:0", "port"},
					       {"sip:h:70000", "port"},
					       {"sip:h:", "port"},
					       {"sip:2001:db8::10", "brackets"},
					       {"sip:[]", "IPv6"},
					       {"sip:[::1", "IPv6"},
					       {"sip:h;;lr", "no name"},
					       {"sip:h;a=b<", "escaped"},
					       {"tel:", "nothing behind"},
					       {"tel:<1>", "escaped"},
					       {NULL, NULL}};

	(void)state;
	good(syntax_request_uri, ok);
	good(syntax_uri, ok);
	bad(syntax_uri, wrong);
	assert_null(syntax_uri(SLICE_LIT("sip:h?Route=%3Csip:x%3E&a=b")));
	assert_non_null(syntax_request_uri(SLICE_LIT("sip:h?Route=%3Csip:x%3E")));
	assert_null(syntax_request_uri(SLICE_LIT("sip:a?b@h")));
	every_prefix(syntax_uri, "sip:b%41:%42@[::1]:5060;a=%43?x=%44&y");
}

static void name_addrs(void **state)
{
	static const char *const ok[] = {"sip:h",
					 "sip:bob@h;tag=1",
					 "<sip:bob@h>;tag=9817--94;x",
					 "caller<sip:bob@h>",
					 "A. G. Bell <sip:bob@h>",
					 "\"Bell, \\\"A\\\"\" <sip:bob@h>;a=\"x;,\\\"\" ; b = c",
					 "\"\"\r\n <sip:h>\r\n ;\r\n tag = 98asjd8",
					 "<sip:h?Route=%3Csip:x%3E>",
					 "<sip:h>;+sip.instance=\"<urn:uuid:1>\";received=2001:db8::1",
					 "isbn:2983792873",
					 "<http://www.example.test>",
					 NULL};
	static const char *const wrong[][2] = {{"", "empty"},
					       {"\"Mr. J. User <sip:h>", "does not end"},
					       {"\"Bob\" sip:h", "without <URI>"},
					       {"Bell, A <sip:h>", "needs quotes"},
					       {"bob@home <sip:h>", "needs quotes"},
					       {"<sip:h", "no '>'"},
					       {"< sip:h >", "white space"},
					       {"sip:h?Route=x", "without <>"},
					       {"sip:h, sip:g", "comma"},
					       {"<sip:h> x", "no parameter"},
					       {"<sip:h>;;", "no name"},
					       {"<sip:h>;", "no name"},
					       {"<sip:h>;a=\"b", "does not end"},
					       {"<>", "empty"},
					       {NULL, NULL}};
	static const char *const contacts[] = {"*", "<sip:a>, sip:b;q=0.1 ,\"x, y\" <sip:c>;expires=1", NULL};
	static const char *const wrong_contacts[][2] = {{"<sip:a>,", "empty"}, {"<sip:a>,,<sip:b>", "empty"}, {NULL, NULL}};

	(void)state;
	good(syntax_name_addr, ok);
	good(syntax_contact, ok);
	good(syntax_contact, contacts);
	bad(syntax_name_addr, wrong);
	bad(syntax_contact, wrong_contacts);
	assert_null(syntax_routes(SLICE_LIT("<sip:a;lr>,\r\n <sip:b;lr>;x=y")));
	assert_non_null(syntax_routes(SLICE_LIT("sip:a;lr")));
	every_prefix(syntax_contact, "\"a\\\"\" <sip:b@[::1]:1;c>;d=\"e\\\"\";f = g , h <i:j>;k");
}

static void vias(void **state)
{
	static const char *const ok[] = {"SIP/2.0/UDP h",
					 "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKx;rport;received=[::1]",
					 "SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw",
					 "SIP / 2.0 / TCP spindle.example.com : 5060  ;\r\n branch = z9hG4bK9",
					 "SIP/2.0/UNKNOWN h;rport=",
					 NULL};
	static const char *const wrong[][2] = {{"", "empty"},
					       {"SIP/2.0 h", "protocol"},
					       {"SIP/2.0/UDP", "sent-by"},
					       {"SIP/2.0/UDP ;branch=x", "host"},
					       {"SIP/2.0/UDP h:70000", "port"},
					       {"SIP/2.0/UDP 2001:db8::1", "brackets"},
					       {"SIP/2.0/UDP h;;", "no name"},
					       {"SIP/2.0/UDP h x", "no parameter"},
					       {"SIP/2.0/UDP h, SIP/2.0/UDP g", "several"},
					       {NULL, NULL}};

	(void)state;
	good(syntax_via, ok);
	bad(syntax_via, wrong);
	every_prefix(syntax_via, "SIP / 2.0 / UDP [::1] : 5060 ; branch = \"z\" ; x");
}

static void media_types(void **state)
{
	static const char *const ok[] = {"application/sdp", "multipart/mixed;boundary=\"a b\"", "text / plain ; charset = utf-8", NULL};
	static const char *const wrong[][2] = {
		{"", "empty"}, {"sdp", "type/subtype"}, {"application/", "type/subtype"}, {"a/b, c/d", "several"}, {"a/b c", "no parameter"},
		{NULL, NULL}};

	(void)state;
	good(syntax_media_type, ok);
	bad(syntax_media_type, wrong);
	every_prefix(syntax_media_type, "a / b ; c = \"d\\\"\"");
}

/* What was right is remembered: with header parameters it is right in a header alone, and what follows it is looked at each time. */
static void again(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_null(syntax_uri(SLICE_LIT("sip:a@h?x=y")));
		assert_non_null(syntax_request_uri(SLICE_LIT("sip:a@h?x=y")));
		assert_null(syntax_request_uri(SLICE_LIT("sip:a@h")));
		assert_null(syntax_name_addr(SLICE_LIT("<sip:a@h>;tag=x")));
		assert_non_null(syntax_name_addr(SLICE_LIT("<sip:a@h>;=x")));
		assert_non_null(syntax_request_uri(SLICE_LIT("sip:a@h ")));
		assert_non_null(syntax_request_uri(SLICE_LIT("sip:a@")));
		assert_non_null(syntax_request_uri(SLICE_LIT("")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(uris), UNIT_TEST(name_addrs), UNIT_TEST(vias), UNIT_TEST(media_types),
					   UNIT_TEST(again)};

	return cmocka_run_group_tests_name("sip/syntax", tests, NULL, NULL);
}

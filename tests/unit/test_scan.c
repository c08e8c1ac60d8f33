/* The scan of a message: what is found, and what is called a flaw. */
#include "unit.h"

#include "core/buf.h"
#include "core/err.h"
#include "sip/msg.h"

#include <stdio.h>
#include <stdlib.h>

#define VIA "Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKabc;rport\r\n"
#define FROM "From: \"Alice\" <sip:alice@example.test>;tag=f1\r\n"
#define TO "To: <sip:bob@example.test>\r\n"
#define ID "Call-ID: 1@198.18.0.1\r\n"
#define CSEQ "CSeq: 7 OPTIONS\r\n"
#define FIVE VIA FROM TO ID CSEQ
#define LINE "OPTIONS sip:bob@example.test SIP/2.0\r\n"
#define END "Content-Length: 0\r\n\r\n"

static void check_slice(struct slice got, const char *want, const char *file, int line)
{
	if (want ? !slice_eq(got, slice_str(want)) : got.p != NULL) {
		print_error("got \"%.*s\", wanted \"%s\"\n", SLICE_ARG(got), want ? want : "(none)");
		_fail(file, line);
	}
}
#define is(got, want) check_slice(got, want, __FILE__, __LINE__)

/* The bytes stand at the end of a block of their own, so that the address sanitizer sees one too many being read. */
static struct scan scanned;
static char *bytes;

static struct scan *scan_n(const void *data, size_t len)
{
	free(bytes);
	bytes = malloc(len + (len == 0));
	assert_non_null(bytes);
	memcpy(bytes, data, len);
	scan_free(&scanned);
	assert_int_equal(scan_message(&scanned, (struct slice){bytes, len}), 0);
	return &scanned;
}

static struct scan *scan(const char *text)
{
	return scan_n(text, strlen(text));
}

static unsigned flaws(const char *text)
{
	return scan(text)->flaws;
}

static int teardown(void **state)
{
	scan_free(&scanned);
	free(bytes);
	bytes = NULL;
	return unit_teardown(state);
}

#define scan_test(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, teardown)

/* --- what is found --- */

static void test_request(void **state)
{
	(void)state;
	struct scan *s = scan("INVITE sip:bob@example.test;user=phone SIP/2.0\r\n" VIA
			      "Max-Forwards: 70\r\n" FROM "To: <sip:bob@example.test>;tag=t1\r\n" ID
			      "CSeq: 4711 INVITE\r\n"
			      "Contact: <sip:alice@198.18.0.1>\r\n"
			      "Content-Type: text/plain\r\n"
			      "Content-Length: 5\r\n\r\nhello");

	assert_int_equal(s->flaws, 0);
	assert_true(s->request);
	is(s->method, "INVITE");
	is(s->uri, "sip:bob@example.test;user=phone");
	is(s->version, "SIP/2.0");
	is(s->via, "SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKabc;rport");
	is(s->sent_by, "198.18.0.1:5060");
	is(s->branch, "z9hG4bKabc");
	is(s->call_id, "1@198.18.0.1");
	is(s->from, "\"Alice\" <sip:alice@example.test>;tag=f1");
	is(s->from_tag, "f1");
	is(s->to_tag, "t1");
	assert_int_equal(s->cseq, 4711);
	is(s->cseq_method, "INVITE");
	assert_int_equal(s->content_length, 5);
	is(s->body, "hello");
	assert_int_equal(s->header_count, 9);
	is(scan_name(s, 1), "Max-Forwards");
	is(scan_value(s, 1), "70");
	is(scan_header(s, HDR_CONTACT, 0), "<sip:alice@198.18.0.1>");
	is(scan_header(s, HDR_CONTACT, 1), NULL);
	is(scan_header_named(s, SLICE_LIT("cONTENT-tYPE"), 0), "text/plain");
	is(scan_header_named(s, SLICE_LIT("c"), 0), "text/plain");
	is(scan_header_named(s, SLICE_LIT("X-None"), 0), NULL);
}

static void test_response(void **state)
{
	(void)state;
	struct scan *s = scan("SIP/2.0 407 Proxy Authentication  Required \r\n" FIVE END);

	assert_int_equal(s->flaws, 0);
	assert_false(s->request);
	assert_int_equal(s->status, 407);
	is(s->reason, "Proxy Authentication  Required ");
	is(s->version, "SIP/2.0");
	is(s->method, NULL);
	is(s->to_tag, NULL);
	is(s->body, "");
	assert_non_null(s->body.p);
}

static void test_every_header_name(void **state)
{
	(void)state;
	for (int id = HDR_OTHER + 1; id < HDR_COUNT; id++) {
		char name[40];
		snprintf(name, sizeof(name), "%s", hdr_name(id));
		assert_int_equal(hdr_lookup(slice_str(name)), id);
		for (char *c = name; *c; c++)
			*c = (char)((c - name) % 2 ? (*c >= 'a' && *c <= 'z' ? *c & ~0x20 : *c)
						   : (*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c));
		assert_int_equal(hdr_lookup(slice_str(name)), id);
		name[0] = '_';
		assert_int_equal(hdr_lookup(slice_str(name)), HDR_OTHER);
	}
	const char *letters = "vftimlcekorbsuxajdy";
	const enum hdr_id ids[] = {HDR_VIA, HDR_FROM, HDR_TO, HDR_CALL_ID, HDR_CONTACT, HDR_CONTENT_LENGTH,
				   HDR_CONTENT_TYPE, HDR_CONTENT_ENCODING, HDR_SUPPORTED, HDR_EVENT, HDR_REFER_TO,
				   HDR_REFERRED_BY, HDR_SUBJECT, HDR_ALLOW_EVENTS, HDR_SESSION_EXPIRES, HDR_ACCEPT_CONTACT,
				   HDR_REJECT_CONTACT, HDR_REQUEST_DISPOSITION, HDR_IDENTITY};
	for (int c = 0; c < 256; c++) {
		char one = (char)c;
		const char *at = c ? strchr(letters, one | 0x20) : NULL;
		bool letter = (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z');
		assert_int_equal(hdr_lookup((struct slice){&one, 1}), letter && at ? ids[at - letters] : HDR_OTHER);
	}
	assert_int_equal(hdr_lookup(SLICE_NONE), HDR_OTHER);
	assert_int_equal(hdr_lookup(SLICE_LIT("A-Name-As-Long-As-No-Header-Of-The-Registry")), HDR_OTHER);
	assert_null(hdr_name(HDR_OTHER));
	assert_null(hdr_name(HDR_COUNT));
}

static void test_compact_forms(void **state)
{
	(void)state;
	struct scan *s = scan(LINE "v: SIP/2.0/UDP h;branch=z9hG4bKx\r\nF:<sip:a@b>;tag=1\r\nt : <sip:b@b>\r\ni: c\r\n"
				   "CSEQ: 1 OPTIONS\r\nL: 2\r\nm: <sip:a@h>\r\nM: <sip:b@h>\r\n\r\nab");

	assert_int_equal(s->flaws, 0);
	is(s->branch, "z9hG4bKx");
	is(s->sent_by, "h");
	is(s->from_tag, "1");
	is(s->to, "<sip:b@b>");
	is(s->call_id, "c");
	is(s->body, "ab");
	is(scan_header_named(s, SLICE_LIT("Contact"), 1), "<sip:b@h>");
	is(scan_name(s, 2), "t");
}

static void test_folded(void **state)
{
	(void)state;
	struct scan *s = scan(LINE "Via:\r\n SIP/2.0/UDP\r\n\th.example:5070\r\n ;branch\r\n =\r\n z9hG4bKx\r\n"
				   "Subject: one\r\n  two\r\n\tthree\r\n" FROM TO ID "CSeq: 7\r\n OPTIONS\r\n\r\n");

	assert_int_equal(s->flaws, 0);
	is(s->branch, "z9hG4bKx");
	is(s->sent_by, "h.example:5070");
	is(s->cseq_method, "OPTIONS");
	is(scan_header(s, HDR_SUBJECT, 0), "one\r\n  two\r\n\tthree");
	/* folded down to the end of the bytes */
	s = scan(LINE FIVE "Subject: one\r\n two");
	assert_int_equal(s->flaws, SCAN_TRUNCATED);
	is(scan_header(s, HDR_SUBJECT, 0), "one\r\n two");
	s = scan(LINE FIVE "Subject: one\r\n ");
	is(scan_header(s, HDR_SUBJECT, 0), "one");
	/* an empty first line of a value; one with white space alone does not end the headers */
	s = scan(LINE FIVE "Subject:\r\n \r\nTo-Do: x\r\n\r\n");
	is(scan_header(s, HDR_SUBJECT, 0), "");
	is(scan_header_named(s, SLICE_LIT("to-do"), 0), "x");
	assert_int_equal(s->flaws, 0);
	/* a continuation of the start line: there is no such thing */
	s = scan("OPTIONS sip:b SIP/2.0\r\n Via: SIP/2.0/UDP h\r\n" FIVE END);
	assert_int_equal(s->flaws, SCAN_HEADER_LINE);
	is(s->sent_by, "198.18.0.1:5060");
}

static void test_line_ends(void **state)
{
	(void)state;
	struct scan *s = scan("OPTIONS sip:b SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nFrom: <sip:a>;tag=1\nTo: <sip:b>\n"
			      "Call-ID: c\nCSeq: 1 OPTIONS\nContent-Length: 4\n\na\r\nb");
	assert_int_equal(s->flaws, 0);
	is(s->body, "a\r\nb");
	is(s->call_id, "c");
	s = scan("\r\n\r\n\n" LINE FIVE END);
	assert_int_equal(s->flaws, 0);
	is(s->method, "OPTIONS");
	/* a lone CR ends no line */
	s = scan(LINE FIVE "Subject: a\rb\r\n\r\n");
	is(scan_header(s, HDR_SUBJECT, 0), "a\rb");
}

static void test_via(void **state)
{
	(void)state;
	static const struct {
		const char *value, *via, *sent_by, *branch;
	} rows[] = {
		{"SIP/2.0/UDP h", "SIP/2.0/UDP h", "h", NULL},
		{"SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n  ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
		 NULL, "first.example.com: 4000", "z9hG4bKa7c6a8dlze.1"},
		{"SIP/2.0/UDP [2001:db8::1]:5060 ; branch = z9hG4bKx ;x", NULL, "[2001:db8::1]:5060", "z9hG4bKx"},
		{"SIP/2.0/UDP h;x=\"a,;branch=no\";branch=yes", NULL, "h", "yes"},
		{"SIP/2.0/UDP h;x=\"a\\\",;branch=no\";branch=yes,SIP/2.0/UDP g;branch=g", "SIP/2.0/UDP h;x=\"a\\\",;branch=no\";branch=yes",
		 "h", "yes"},
		{"SIP/2.0/UDP one;branch=1 , SIP/2.0/UDP two;branch=2", "SIP/2.0/UDP one;branch=1", "one", "1"},
		{"SIP/2.0/UDP one, SIP/2.0/UDP two;branch=2", "SIP/2.0/UDP one", "one", NULL},
		{"SIP/2.0/UDP h;BRANCH=z;branch=second", NULL, "h", "z"},
		{"SIP/2.0/UDP h;branch", NULL, "h", ""},
		{"SIP/2.0/UDP h;branch=", NULL, "h", ""},
		{"SIP/2.0/UDP h;branches=1;xbranch=2;bran=3", NULL, "h", NULL},
		{"SIP/2.0/UDP h;branch junk=1", NULL, "h", NULL},
		{"SIP/2.0/UDP ;branch=b", NULL, "", "b"},
		{"SIP/2.0/UDP", NULL, "", NULL},
		{";;,;,,", ";;", "", NULL},
		{"h;branch=b", NULL, "", "b"},
		{"", "", "", NULL},
		{"SIP/2.0/UDP h;x=\"never closed;branch=1", NULL, "h", NULL},
		{"SIP/2.0/UDP h;x=\"\\", NULL, "h", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		buf_printf(&b, LINE "Via: %s\r\n" FROM TO ID CSEQ "\r\n", rows[i].value);
		struct scan *s = scan_n(b.p, b.len);
		is(s->via, rows[i].via ? rows[i].via : rows[i].value);
		is(s->sent_by, rows[i].sent_by);
		is(s->branch, rows[i].branch);
		assert_int_equal(s->flaws, 0);
		buf_free(&b);
	}
}

static void test_sent_by(void **state)
{
	(void)state;
	static const struct {
		const char *sent_by, *host;
		unsigned port;
		bool ok;
	} rows[] = {
		{"h", "h", 5060, true},
		{"h:5070", "h", 5070, true},
		{"h : 5070", "h", 5070, true},
		{"[::1]", "[::1]", 5060, true},
		{"[::1]:9", "[::1]", 9, true},
		{"2001:db8::9", "2001:db8::9", 5060, true},
		{"h:", "h", 0, false},
		{"h:0", "h", 0, false},
		{"h:65535", "h", 65535, true},
		{"h:65536", "h", 0, false},
		{"h:-1", "h", 0, false},
		{"h:5060x", "h", 0, false},
		{"", "", 5060, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		struct slice host;
		uint16_t port;
		buf_printf(&b, LINE "Via: SIP/2.0/UDP %s;branch=1\r\n\r\n", rows[i].sent_by);
		struct scan *s = scan_n(b.p, b.len);
		assert_int_equal(scan_sent_by(s, &host, &port), rows[i].ok);
		is(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
		buf_free(&b);
	}
	struct slice host;
	uint16_t port;
	assert_true(scan_sent_by(scan(LINE "\r\n"), &host, &port));
	assert_int_equal(host.l, 0);
}

static void test_tags(void **state)
{
	(void)state;
	static const struct {
		const char *value, *tag;
	} rows[] = {
		{"<sip:a@b>;tag=1", "1"},
		{"<sip:a@b> ; TAG = 1 ", "1"},
		{"sip:a@b;tag=1", "1"}, /* without <> parameters are the header's: RFC 3261 20.10 */
		{"<sip:a@b;tag=no>", NULL},
		{"<sip:a@b;tag=no>;tag=yes", "yes"},
		{"\";tag=no,<x>\" <sip:a@b;tag=no>;x=\";tag=no\";tag=yes", "yes"},
		{"\"a \\\" ;tag=no\" <sip:a@b>;tag=yes", "yes"},
		{"\"a \\\\\" <sip:a@b>;tag=yes", "yes"},
		{"Bell, Alexander <sip:a@b>;tag=yes", "yes"},
		{"a<sip:a@b>;tag=yes", "yes"},
		{"<sip:a@b>;tag", ""},
		{"<sip:a@b>;tag=", ""},
		{"<sip:a@b>;tag=;x", ""},
		{"<sip:a@b>;x=<y;tag=1", "1"},
		{"<sip:a@b;tag=1", "1"}, /* never closed */
		{"\"never closed <sip:a@b>;tag=1", NULL},
		{"<sip:a@b>tag=1", NULL},
		{"<sip:a@b>;;;tag=1", "1"},
		{"<sip:a@b>;@tag=1;tag=2", "2"},
		{"<sip:a@b>;\"tag\"=1", NULL},
		{"", NULL},
		{";", NULL},
		{"\"", NULL},
		{"\"\\", NULL},
		{"<", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		buf_printf(&b, LINE VIA "From: %s\r\nt: %s\r\n" ID CSEQ "\r\n", rows[i].value, rows[i].value);
		struct scan *s = scan_n(b.p, b.len);
		is(s->from_tag, rows[i].tag);
		is(s->to_tag, rows[i].tag);
		buf_free(&b);
	}
}

static void test_param(void **state)
{
	(void)state;
	struct slice out = SLICE_LIT("untouched");

	assert_false(scan_param(&out, SLICE_NONE, "x"));
	assert_false(scan_param(&out, SLICE_LIT("a;y=1"), "x"));
	is(out, "untouched");
	assert_true(scan_param(&out, SLICE_LIT("a;x"), "x"));
	is(out, "");
	assert_non_null(out.p);
	assert_true(scan_param(&out, SLICE_LIT("a ;X=\"q;,\" ;z"), "x"));
	is(out, "\"q;,\"");
	/* the first value of a list alone */
	assert_false(scan_param(&out, SLICE_LIT("<sip:a>, <sip:b>;expires=5"), "expires"));
	assert_false(scan_param(&out, SLICE_LIT("<sip:a>;q=1, <sip:b>;expires=5"), "expires"));
	assert_true(scan_param(&out, SLICE_LIT("\"a, b\" <sip:a,b>;expires=5, <sip:b>;expires=6"), "expires"));
	is(out, "5");
	assert_true(scan_param(&out, SLICE_LIT("a;x=1 2"), "x"));
	is(out, "1 2");
	assert_true(scan_param(&out, SLICE_LIT("a;x =\r\n 1\r\n ;y"), "x"));
	is(out, "1");
	assert_false(scan_param(&out, SLICE_LIT("a;=1;"), ""));
}

static void test_cseq(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint32_t number;
		const char *method;
		unsigned flaws;
	} rows[] = {
		{"1 OPTIONS", 1, "OPTIONS", 0},
		{"0009 \t OPTIONS", 9, "OPTIONS", 0},
		{"2147483647 OPTIONS", 2147483647, "OPTIONS", 0},
		{"2147483648 OPTIONS", 0, "OPTIONS", SCAN_CSEQ},
		{"36893488147419103232 OPTIONS", 0, "OPTIONS", SCAN_CSEQ},
		{"1OPTIONS", 1, "OPTIONS", SCAN_CSEQ},
		{"one OPTIONS", 0, "one OPTIONS", SCAN_CSEQ},
		{"-1 OPTIONS", 0, "-1 OPTIONS", SCAN_CSEQ},
		{"1 OPTIONS now", 1, "OPTIONS now", SCAN_CSEQ},
		{"1", 1, "", SCAN_CSEQ},
		{"OPTIONS", 0, "OPTIONS", SCAN_CSEQ},
		{"", 0, "", SCAN_CSEQ},
		{"1 INVITE", 1, "INVITE", SCAN_CSEQ_METHOD},
		{"1 options", 1, "options", SCAN_CSEQ_METHOD}, /* methods have case: RFC 3261 7.1 */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		buf_printf(&b, LINE VIA FROM TO ID "CSeq: %s\r\n\r\n", rows[i].value);
		struct scan *s = scan_n(b.p, b.len);
		assert_int_equal(s->cseq, rows[i].number);
		is(s->cseq_method, rows[i].method);
		assert_int_equal(s->flaws, rows[i].flaws);
		buf_free(&b);
	}
	/* a response answers any method */
	assert_int_equal(flaws("SIP/2.0 200 OK\r\n" VIA FROM TO ID "CSeq: 1 INVITE\r\n\r\n"), 0);
}

/* --- flaws --- */

static void test_start_lines(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		unsigned flaws;
	} rows[] = {
		{"OPTIONS sip:b SIP/2.0", 0},
		{"OPTIONS sip:b sip/2.0", 0},
		{"OPTIONS sip:b SIP/7.0", SCAN_VERSION},
		{"OPTIONS sip:b SIP/", SCAN_VERSION},
		{"OPTIONS  sip:b SIP/2.0", SCAN_START_LINE},
		{"OPTIONS sip:b  SIP/2.0", SCAN_START_LINE},
		{"OPTIONS sip:b SIP/2.0 ", SCAN_START_LINE},
		{"OPTIONS sip:b SIP/2.0 \t", SCAN_START_LINE},
		{"OPTIONS sip:b; lr SIP/2.0", SCAN_START_LINE},
		{"OPTIONS sip:b\t;lr SIP/2.0", SCAN_START_LINE},
		{"OPTIONS  SIP/2.0", SCAN_START_LINE},
		{"OPT(ONS sip:b SIP/2.0", SCAN_START_LINE | SCAN_CSEQ_METHOD},
		{"OPTIONS\t sip:b SIP/2.0", SCAN_START_LINE | SCAN_CSEQ_METHOD},
		{"OPTIONS sip:b", SCAN_NOT_SIP},
		{"OPTIONS SIP/2.0", SCAN_NOT_SIP},
		{"OPTIONS\tsip:b\tSIP/2.0", SCAN_NOT_SIP},
		{" OPTIONS sip:b SIP/2.0", SCAN_NOT_SIP},
		{"OPTIONS sip:b HTTP/1.1", SCAN_NOT_SIP},
		{"OPTIONS sip:b SIP/2.0 x", SCAN_NOT_SIP},
		{"hello", SCAN_NOT_SIP},
		{" ", SCAN_NOT_SIP},
		{"SIP/2.0 200 OK", 0},
		{"SIP/2.0 100 ", 0},
		{"sip/2.0 699 x", 0},
		{"SIP/3.0 200 OK", SCAN_VERSION},
		{"SIP/2.0 200", SCAN_START_LINE},
		{"SIP/2.0  200 OK", SCAN_START_LINE},
		{"SIP/2.0 99 OK", SCAN_START_LINE},
		{"SIP/2.0 099 OK", SCAN_START_LINE},
		{"SIP/2.0 700 OK", SCAN_START_LINE},
		{"SIP/2.0 2000 OK", SCAN_START_LINE},
		{"SIP/2.0 0200 OK", SCAN_START_LINE},
		{"SIP/2.0 4294967301 OK", SCAN_START_LINE},
		{"SIP/2.0 20x OK", SCAN_START_LINE},
		{"SIP/2.0 abc OK", SCAN_NOT_SIP},
		{"SIP/2.0 -20 OK", SCAN_NOT_SIP},
		{"SIP/2.0 ", SCAN_NOT_SIP},
		{"SIP/2.0", SCAN_NOT_SIP},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		buf_printf(&b, "%s\r\n" FIVE "\r\n", rows[i].line);
		struct scan *s = scan_n(b.p, b.len);
		if (s->flaws != rows[i].flaws)
			fail_msg("%s: %x", rows[i].line, s->flaws);
		if (s->flaws & SCAN_NOT_SIP) {
			assert_int_equal(s->header_count, 0);
			assert_null(s->version.p);
			assert_null(s->body.p);
		}
		buf_free(&b);
	}
	assert_int_equal(scan("SIP/2.0 4294967301 better\r\n" FIVE "\r\n")->status, 0);
	assert_int_equal(scan("SIP/2.0 20x better\r\n" FIVE "\r\n")->status, 0);
	assert_int_equal(scan("SIP/2.0 700 \r\n" FIVE "\r\n")->status, 700);
	struct scan *s = scan("SIP/2.0  200\r\n" FIVE "\r\n");
	assert_int_equal(s->status, 200);
	is(s->reason, "");
	is(scan("INVITE   sip:a b\t SIP/2.0\r\n" FIVE "\r\n")->uri, "sip:a b");
}

static void test_not_sip(void **state)
{
	(void)state;
	static const char zero[8], stun[] = "\0\1\0\0\x21\x12\xa4\x42";

	assert_int_equal(scan_n("", 0)->flaws, SCAN_NOT_SIP);
	assert_int_equal(scan_n(zero, 8)->flaws, SCAN_NOT_SIP);
	assert_int_equal(scan_n(stun, 8)->flaws, SCAN_NOT_SIP);
	assert_int_equal(flaws("\r\n\r\n"), SCAN_NOT_SIP); /* keep-alive: RFC 5626 3.5.1 */
	assert_int_equal(flaws("\r\n"), SCAN_NOT_SIP);
	struct scan s;
	assert_int_equal(scan_message(&s, SLICE_NONE), 0);
	assert_int_equal(s.flaws, SCAN_NOT_SIP);
	scan_free(&s);
}

static void test_truncated(void **state)
{
	(void)state;
	static const char whole[] = LINE FIVE "Content-Length: 3\r\n\r\nabc";
	size_t head = sizeof(whole) - 1 - 3;

	for (size_t len = 0; len < sizeof(whole); len++) {
		struct scan *s = scan_n(whole, len);
		if (len < sizeof("OPTIONS sip:bob@example.test SIP/") - 1)
			assert_int_equal(s->flaws, SCAN_NOT_SIP);
		else if (len < head)
			assert_true(s->flaws & SCAN_TRUNCATED);
		else
			assert_int_equal(s->flaws, len == sizeof(whole) - 1 ? 0 : SCAN_BODY_SHORT);
		if (s->flaws & SCAN_TRUNCATED)
			assert_null(s->body.p);
	}
	/* half of the empty line is no header */
	struct scan *s = scan(LINE FIVE "\r");
	assert_int_equal(s->flaws, SCAN_TRUNCATED);
	assert_int_equal(s->header_count, 5);
}

static void test_header_lines(void **state)
{
	(void)state;
	struct scan *s = scan(LINE FIVE "no colon\r\n\r\n");
	assert_int_equal(s->flaws, SCAN_HEADER_LINE);
	is(scan_name(s, 5), "no colon");
	is(scan_value(s, 5), "");
	s = scan(LINE FIVE ": no name\r\n\r\n");
	assert_int_equal(s->flaws, SCAN_HEADER_LINE);
	is(scan_name(s, 5), "");
	is(scan_value(s, 5), "no name");
	s = scan(LINE FIVE "two words: x\r\n\r\n");
	assert_int_equal(s->flaws, SCAN_HEADER_LINE);
	is(scan_name(s, 5), "two words");
	s = scan(LINE FIVE "Folded\r\n : x\r\n\r\n"); /* HCOLON has no line end before its colon: RFC 3261 25.1 */
	assert_int_equal(s->flaws, SCAN_HEADER_LINE);
	is(scan_value(s, 5), "x");
	s = scan(LINE FIVE "Via\r\n\r\n"); /* no header of that name */
	assert_int_equal(s->flaws, SCAN_HEADER_LINE);
	is(scan_header(s, HDR_VIA, 1), NULL);
	assert_int_equal(flaws(LINE FIVE "X-\xc3\xa4: x\r\n\r\n"), SCAN_HEADER_LINE);
	s = scan(LINE FIVE "x-!%*_+`.'~9 \t :\t x \t\r\n\r\n");
	assert_int_equal(s->flaws, 0);
	is(scan_name(s, 5), "x-!%*_+`.'~9");
	is(scan_value(s, 5), "x");
	s = scan(LINE FIVE "X:\r\n\r\n");
	assert_int_equal(s->flaws, 0);
	is(scan_value(s, 5), "");
	assert_int_equal(scan_value(s, 5).l, 0);
}

static void test_missing_and_duplicate(void **state)
{
	(void)state;
	static const char *const lines[] = {VIA, FROM, TO, ID, CSEQ};

	for (int without = 0; without < 5; without++) {
		struct buf b = {0};
		buf_puts(&b, LINE);
		for (int i = 0; i < 5; i++)
			if (i != without)
				buf_puts(&b, lines[i]);
		buf_puts(&b, "\r\n");
		assert_int_equal(scan_n(b.p, b.len)->flaws, SCAN_MISSING);
		buf_free(&b);
	}
	assert_int_equal(flaws(LINE "\r\n"), SCAN_MISSING);
	assert_int_equal(flaws(LINE FIVE VIA "\r\n"), 0);
	assert_int_equal(flaws(LINE FIVE TO "\r\n"), SCAN_DUPLICATE);
	assert_int_equal(flaws(LINE FIVE "f: <sip:x>;tag=2\r\n\r\n"), SCAN_DUPLICATE);
	is(scanned.from_tag, "f1"); /* the first counts */
	assert_int_equal(flaws(LINE FIVE "CSeq: 8 OPTIONS\r\n\r\n"), SCAN_DUPLICATE);
	assert_int_equal(scanned.cseq, 7);
	assert_int_equal(flaws(LINE FIVE "i: other\r\n\r\n"), SCAN_DUPLICATE);
	is(scanned.call_id, "1@198.18.0.1");
	assert_int_equal(flaws(LINE FIVE "Max-Forwards: 1\r\nMax-Forwards: 2\r\n\r\n"), SCAN_DUPLICATE);
	assert_int_equal(flaws(LINE FIVE "Expires: 1\r\nExpires: 1\r\n\r\n"), SCAN_DUPLICATE);
	assert_int_equal(flaws(LINE FIVE "o: a\r\nEvent: b\r\n\r\n"), SCAN_DUPLICATE);
	assert_int_equal(flaws(LINE FIVE "Route: <sip:a>\r\nRoute: <sip:b>\r\nk: x\r\nk: y\r\nX-Y: 1\r\nX-Y: 1\r\n\r\n"), 0);
}

static void test_content_length(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		int64_t length;
		const char *body;
		unsigned flaws;
	} rows[] = {
		{"", -1, "abcd", 0},
		{"Content-Length: 4\r\n", 4, "abcd", 0},
		{"l:4\r\n", 4, "abcd", 0},
		{"Content-Length: 0\r\n", 0, "", SCAN_BODY_LONG},
		{"Content-Length: 3\r\n", 3, "abc", SCAN_BODY_LONG},
		{"Content-Length: 5\r\n", 5, "abcd", SCAN_BODY_SHORT},
		{"Content-Length: 9999\r\n", 9999, "abcd", SCAN_BODY_SHORT},
		{"Content-Length: -1\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length: +4\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length: four\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length: 4 4\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length:\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length: 4294967300\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length: 18446744073709551620\r\n", -2, "abcd", SCAN_CONTENT_LENGTH},
		{"Content-Length: 4\r\nContent-Length: 4\r\n", 4, "abcd", SCAN_DUPLICATE},
		{"Content-Length: 3\r\nl: 4\r\n", 3, "abc", SCAN_DUPLICATE | SCAN_BODY_LONG},
		{"Content-Length: x\r\nl: 4\r\n", -2, "abcd", SCAN_DUPLICATE | SCAN_CONTENT_LENGTH},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		buf_printf(&b, LINE FIVE "%s\r\nabcd", rows[i].lines);
		struct scan *s = scan_n(b.p, b.len);
		assert_int_equal(s->content_length, rows[i].length);
		is(s->body, rows[i].body);
		assert_int_equal(s->flaws, rows[i].flaws);
		buf_free(&b);
	}
}

static void test_nul(void **state)
{
	(void)state;
	static const char in_value[] = LINE FIVE "Subject: a\0b\r\n\r\n", in_uri[] = "OPTIONS sip:a\0b SIP/2.0\r\n" FIVE "\r\n",
			  in_body[] = LINE FIVE "\r\na\0b",
			  quoted[] = LINE VIA FROM "To: \"NUL:\\\0\" <sip:b>;tag=t\r\n" ID CSEQ "\r\n";

	assert_int_equal(scan_n(in_value, sizeof(in_value) - 1)->flaws, SCAN_NUL);
	assert_int_equal(scan_header(&scanned, HDR_SUBJECT, 0).l, 3);
	assert_int_equal(scan_n(in_uri, sizeof(in_uri) - 1)->flaws, SCAN_NUL);
	assert_int_equal(scan_n(in_body, sizeof(in_body) - 1)->flaws, 0);
	assert_int_equal(scanned.body.l, 3);
	assert_int_equal(scan_n(quoted, sizeof(quoted) - 1)->flaws, 0);
	is(scanned.to_tag, "t");
}

static void test_flaw_texts(void **state)
{
	(void)state;
	assert_string_equal(scan_flaw_text(0), "");
	for (unsigned bit = 1; bit <= SCAN_NUL; bit <<= 1)
		assert_true(strlen(scan_flaw_text(bit)) > 10);
	assert_string_equal(scan_flaw_text(SCAN_CSEQ | SCAN_VERSION), scan_flaw_text(SCAN_VERSION));
}

/* --- sizes --- */

static void test_many_headers(void **state)
{
	(void)state;
	struct buf b = {0};

	for (unsigned n = SCAN_INLINE_HEADERS - 1; n < 2100; n = n < 30 ? n + 1 : n * 3) {
		buf_reset(&b);
		buf_puts(&b, LINE FIVE);
		for (unsigned i = 5; i < n; i++)
			buf_printf(&b, "X-%u: value %u\r\n", i, i);
		buf_puts(&b, "\r\nbody");
		struct scan *s = scan_n(b.p, b.len);
		assert_int_equal(s->flaws, 0);
		assert_int_equal(s->header_count, n);
		char name[16], value[32];
		snprintf(name, sizeof(name), "x-%u", n - 1);
		snprintf(value, sizeof(value), "value %u", n - 1);
		is(scan_header_named(s, slice_str(name), 0), value);
		is(s->body, "body");
	}
	buf_free(&b);
}

/* A hostile datagram must cost what its length costs: these took quadratic time where the scan looked ahead again and again. */
static void test_64k(void **state)
{
	(void)state;
	static const char *const names[] = {"Via", "From", "To", "Contact", "X"};
	static const char *const fill[] = {",", ";", "<", "\"", "\\", "=", ";a=\"", "<\"", "/", " ", ":", "\r\n ", "\n\t"};
	struct buf b = {0};

	for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
		for (size_t f = 0; f < sizeof(fill) / sizeof(*fill); f++) {
			buf_reset(&b);
			buf_printf(&b, LINE "%s: ", names[n]);
			while (b.len < 65000)
				buf_puts(&b, fill[f]);
			struct scan *s = scan_n(b.p, b.len);
			assert_true(s->flaws & SCAN_TRUNCATED);
			assert_int_equal(s->header_count, 1);
		}
	buf_reset(&b);
	buf_puts(&b, LINE);
	while (b.len < 65000)
		buf_puts(&b, "\na"); /* the first is an empty line */
	assert_int_equal(scan_n(b.p, b.len)->header_count, 0);
	buf_reset(&b);
	buf_puts(&b, LINE);
	while (b.len < 65000)
		buf_puts(&b, "a\n");
	assert_true(scan_n(b.p, b.len)->header_count > 30000);
	buf_free(&b);
}

static void test_long_name(void **state)
{
	(void)state;
	struct buf b = {0};

	buf_puts(&b, LINE);
	for (int i = 0; i < 70000; i++)
		buf_puts(&b, "n");
	buf_puts(&b, ": v\r\n\r\n");
	struct scan *s = scan_n(b.p, b.len);
	assert_int_equal(scan_name(s, 0).l, UINT16_MAX);
	is(scan_value(s, 0), "v");
	buf_free(&b);
}

/* --- memory, messages --- */

static int scan_big(void *arg)
{
	struct buf *b = arg;
	struct scan s;
	int err = scan_message(&s, buf_slice(b));

	scan_free(&s);
	return err;
}

static int msg_big(void *arg)
{
	struct msg *m;
	int err = msg_alloc(&m, buf_slice(arg));

	if (!err)
		mem_deref(m);
	return err;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct buf b = {0};

	buf_puts(&b, LINE FIVE);
	for (int i = 0; i < 400; i++)
		buf_puts(&b, "X: y\r\n");
	buf_puts(&b, "\r\n");
	assert_int_equal(unit_each_failure(scan_big, &b), 3); /* 24 -> 96 -> 384 -> 1536 */
	assert_int_equal(unit_each_failure(msg_big, &b), 4);
	buf_free(&b);
}

static void test_msg(void **state)
{
	(void)state;
	struct msg *m;
	char text[80];

	assert_int_equal(msg_alloc(&m, SLICE_LIT(LINE FIVE END)), 0);
	assert_true(msg_is(m, "OPTIONS"));
	assert_false(msg_is(m, "OPTION"));
	is(msg_method(m), "OPTIONS");
	is(msg_bytes(m), LINE FIVE END);
	assert_string_equal(msg_summary(text, sizeof(text), m), "OPTIONS sip:bob@example.test");
	mem_deref(m);
	assert_int_equal(msg_alloc(&m, SLICE_LIT("SIP/2.0 407 Proxy Authentication Required\r\n" FIVE END)), 0);
	is(msg_method(m), "OPTIONS");
	assert_string_equal(msg_summary(text, sizeof(text), m), "407 Proxy Authentication Required (OPTIONS)");
	assert_string_equal(msg_summary(text, 8, m), "407 Pro");
	mem_deref(m);
	assert_int_equal(msg_alloc(&m, SLICE_NONE), 0);
	assert_string_equal(msg_summary(text, sizeof(text), m), "0 bytes that are not SIP");
	mem_deref(m);
}

/* --- RFC 4475 --- */

static struct slice field(struct slice line, unsigned n)
{
	size_t from = 0;

	for (long tab; n; n--) {
		tab = slice_find(line, SLICE_LIT("\t"), from);
		if (tab < 0)
			return SLICE_NONE;
		from = (size_t)tab + 1;
	}
	long to = slice_find(line, SLICE_LIT("\t"), from);
	return (struct slice){line.p + from, (to < 0 ? line.l : (size_t)to) - from};
}

static bool load(struct buf *b, const char *name)
{
	char path[200];
	snprintf(path, sizeof(path), "../shared/rfc4475/%s", name);
	FILE *f = fopen(path, "rb");

	buf_reset(b);
	if (!f)
		return false;
	for (size_t n = 1; n && buf_reserve(b, 4096);) {
		n = fread(b->p + b->len, 1, 4096, f);
		b->len += n;
	}
	fclose(f);
	return true;
}

/* The flaws that this pass is to see in the messages that are not "valid"; those of grammar that it leaves to others are 0. */
static unsigned expected(struct slice name)
{
	static const struct {
		const char *name;
		unsigned flaws;
	} rows[] = {
		{"dblreq", SCAN_BODY_LONG},
		{"clerr", SCAN_BODY_SHORT},
		{"ncl", SCAN_CONTENT_LENGTH},
		{"scalar02", SCAN_CSEQ},
		{"scalarlg", SCAN_CSEQ},
		{"lwsruri", SCAN_START_LINE},
		{"lwsstart", SCAN_START_LINE},
		{"trws", SCAN_START_LINE},
		{"baddn", SCAN_TRUNCATED},
		{"badvers", SCAN_VERSION},
		{"mismatch01", SCAN_CSEQ_METHOD},
		{"mismatch02", SCAN_CSEQ_METHOD},
		{"bigcode", SCAN_START_LINE},
		{"insuf", SCAN_MISSING},
		{"multi01", SCAN_DUPLICATE},
		{"mcl01", SCAN_DUPLICATE | SCAN_BODY_LONG},
		{"test", SCAN_NOT_SIP},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_eq(name, slice_str(rows[i].name)))
			return rows[i].flaws;
	return 0;
}

static void test_rfc4475(void **state)
{
	(void)state;
	struct buf manifest = {0}, b = {0};
	unsigned seen = 0, wrong = 0;

	if (!load(&manifest, "manifest.tsv"))
		skip();
	struct slice rest = buf_slice(&manifest);
	for (long nl; (nl = slice_find(rest, SLICE_LIT("\n"), 0)) >= 0;) {
		struct slice line = {rest.p, (size_t)nl}, method = field(line, 5);
		char file[64];
		rest = (struct slice){rest.p + nl + 1, rest.l - (size_t)nl - 1};
		if (slice_eq(field(line, 0), SLICE_LIT("name")))
			continue;
		assert_true(load(&b, slice_copy(file, sizeof(file), field(line, 1))));
		struct scan *s = scan_n(b.p, b.len);
		seen++;
		if (s->flaws != expected(field(line, 0))) {
			print_error("%s: flaws %x (%s), expected %x\n", file, s->flaws, scan_flaw_text(s->flaws), expected(field(line, 0)));
			wrong++;
		}
		if (s->flaws & SCAN_NOT_SIP)
			continue;
		assert_int_equal(s->request, slice_eq(field(line, 4), SLICE_LIT("req")));
		if (s->request)
			assert_true(slice_eq(s->method, method));
		else if (s->status)
			assert_int_equal(s->status, strtol(method.p, NULL, 10));
		for (unsigned i = 0; i < s->header_count; i++)
			assert_true(scan_value(s, i).p + scan_value(s, i).l <= s->bytes.p + s->bytes.l);
	}
	assert_int_equal(wrong, 0);
	assert_true(seen > 45);
	buf_free(&manifest);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scan_test(test_request),
		scan_test(test_response),
		scan_test(test_every_header_name),
		scan_test(test_compact_forms),
		scan_test(test_folded),
		scan_test(test_line_ends),
		scan_test(test_via),
		scan_test(test_sent_by),
		scan_test(test_tags),
		scan_test(test_param),
		scan_test(test_cseq),
		scan_test(test_start_lines),
		scan_test(test_not_sip),
		scan_test(test_truncated),
		scan_test(test_header_lines),
		scan_test(test_missing_and_duplicate),
		scan_test(test_content_length),
		scan_test(test_nul),
		scan_test(test_flaw_texts),
		scan_test(test_many_headers),
		scan_test(test_64k),
		scan_test(test_long_name),
		scan_test(test_out_of_memory),
		scan_test(test_msg),
		scan_test(test_rfc4475),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

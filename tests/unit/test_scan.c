/* The scan of a message: what is found in it. */
#include "sip_scan.h"

#include "sip/msg.h"

/* --- what is found --- */

static void test_request(void **state)
{
	(void)state;
	struct scan *s = scan("INVITE sip:bob@example.test;user=phone SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n" FROM
			      "To: <sip:bob@example.test>;tag=t1\r\n" ID "CSeq: 4711 INVITE\r\n"
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
	const enum hdr_id ids[] = {HDR_VIA,
				   HDR_FROM,
				   HDR_TO,
				   HDR_CALL_ID,
				   HDR_CONTACT,
				   HDR_CONTENT_LENGTH,
				   HDR_CONTENT_TYPE,
				   HDR_CONTENT_ENCODING,
				   HDR_SUPPORTED,
				   HDR_EVENT,
				   HDR_REFER_TO,
				   HDR_REFERRED_BY,
				   HDR_SUBJECT,
				   HDR_ALLOW_EVENTS,
				   HDR_SESSION_EXPIRES,
				   HDR_ACCEPT_CONTACT,
				   HDR_REJECT_CONTACT,
				   HDR_REQUEST_DISPOSITION,
				   HDR_IDENTITY};
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
	struct scan *s =
	    scan("OPTIONS sip:b SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nFrom: <sip:a>;tag=1\nTo: <sip:b>\n"
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
	    {"SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n  ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1", NULL,
	     "first.example.com: 4000", "z9hG4bKa7c6a8dlze.1"},
	    {"SIP/2.0/UDP [2001:db8::1]:5060 ; branch = z9hG4bKx ;x", NULL, "[2001:db8::1]:5060", "z9hG4bKx"},
	    {"SIP/2.0/UDP h;x=\"a,;branch=no\";branch=yes", NULL, "h", "yes"},
	    {"SIP/2.0/UDP h;x=\"a\\\",;branch=no\";branch=yes,SIP/2.0/UDP g;branch=g",
	     "SIP/2.0/UDP h;x=\"a\\\",;branch=no\";branch=yes", "h", "yes"},
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
	    {"h", "h", 5060, true},         {"h:5070", "h", 5070, true},   {"h : 5070", "h", 5070, true},
	    {"[::1]", "[::1]", 5060, true}, {"[::1]:9", "[::1]", 9, true}, {"2001:db8::9", "2001:db8::9", 5060, true},
	    {"h:", "h", 0, false},          {"h:0", "h", 0, false},        {"h:65535", "h", 65535, true},
	    {"h:65536", "h", 0, false},     {"h:-1", "h", 0, false},       {"h:5060x", "h", 0, false},
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
	assert_int_equal(unit_each_failure(scan_big, &b), 1);
	assert_int_equal(unit_each_failure(msg_big, &b), 2); /* the headers are more than most messages of that length have */
	buf_free(&b);
}

/* Bytes are looked at 16 and 64 at a time: every length and place of a line end, and nothing behind the end is read. */
static void test_every_length(void **state)
{
	static const char text[] = LINE FIVE "X: y\r\nSubject: 0123456789012345678901234567890123456789;\r\n folded\r\n" END "body\nof\n\nlines";

	(void)state;
	for (size_t begin = 0; begin < 2; begin++)
		for (size_t len = 0; len < sizeof(text) - begin; len++) {
			char *exact = malloc(len ? len : 1);
			struct scan s;
			struct msg *m;

			memcpy(exact, text + begin, len);
			assert_int_equal(scan_message(&s, (struct slice){exact, len}), 0);
			assert_int_equal(msg_alloc(&m, (struct slice){exact, len}), 0);
			assert_true(s.header_count <= scan_lines((struct slice){exact, len}));
			assert_int_equal(m->s.header_count, s.header_count);
			assert_int_equal(m->s.flaws, s.flaws);
			for (unsigned i = 0; i < s.header_count; i++)
				assert_true(slice_eq(scan_value(&m->s, i), scan_value(&s, i)) && slice_eq(scan_name(&m->s, i), scan_name(&s, i)));
			mem_deref(m);
			scan_free(&s);
			free(exact);
		}
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

/* Quotes, brackets and spaces hide nothing and show nothing; the second value of a list is another one. */
static void test_param_of_a_list(void **state)
{
	const struct slice from =
	    SLICE_LIT("\";tag=no\" <sip:a@b;tag=no> ; TAG = yes;x=\";y=1,\" ;z;e=, <sip:c>;only-second=1");
	struct slice v;

	(void)state;
	assert_true(scan_param(&v, from, "tag"));
	assert_true(slice_eq(v, SLICE_LIT("yes")));
	assert_true(scan_param(&v, from, "x"));
	assert_true(slice_eq(v, SLICE_LIT("\";y=1,\"")));
	assert_true(scan_param(&v, from, "z") && !v.l);
	assert_true(scan_param(&v, from, "e") && !v.l);
	assert_false(scan_param(&v, from, "y"));
	assert_false(scan_param(&v, from, "only-second"));
	assert_false(scan_param(&v, SLICE_LIT("a"), "tag"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scan_test(test_request),       scan_test(test_response), scan_test(test_every_header_name),
	    scan_test(test_compact_forms), scan_test(test_folded),   scan_test(test_line_ends),
	    scan_test(test_via),           scan_test(test_sent_by),  scan_test(test_tags),
	    scan_test(test_param),         scan_test(test_cseq),     scan_test(test_out_of_memory),
	    scan_test(test_msg),           scan_test(test_every_length),   scan_test(test_param_of_a_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

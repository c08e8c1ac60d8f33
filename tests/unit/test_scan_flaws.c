/* The scan of a message: what is called a flaw, what size may do, and the torture tests of RFC 4475. */
#include "sip_scan.h"

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
	assert_int_equal(
	    flaws(LINE FIVE "Route: <sip:a>\r\nRoute: <sip:b>\r\nk: x\r\nk: y\r\nX-Y: 1\r\nX-Y: 1\r\n\r\n"), 0);
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
	static const char in_value[] = LINE FIVE "Subject: a\0b\r\n\r\n",
			  in_uri[] = "OPTIONS sip:a\0b SIP/2.0\r\n" FIVE "\r\n", in_body[] = LINE FIVE "\r\na\0b",
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

	for (unsigned n = 6; n < 2100; n = n < 80 ? n + 1 : n * 3) {
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

/* A hostile datagram must cost what its length costs: these took quadratic time where the scan looked ahead again and
 * again. */
static void test_64k(void **state)
{
	(void)state;
	static const char *const names[] = {"Via", "From", "To", "Contact", "X"};
	static const char *const fill[] = {",",   ";", "<", "\"", "\\",    "=",   ";a=\"",
					   "<\"", "/", " ", ":",  "\r\n ", "\n\t"};
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

/* The flaws that this pass is to see in the messages that are not "valid"; those of grammar that it leaves to others
 * are 0. */
static unsigned expected(struct slice name)
{
	static const struct {
		const char *name;
		unsigned flaws;
	} rows[] = {
	    {"dblreq", SCAN_BODY_LONG},       {"clerr", SCAN_BODY_SHORT},
	    {"ncl", SCAN_CONTENT_LENGTH},     {"scalar02", SCAN_CSEQ},
	    {"scalarlg", SCAN_CSEQ},          {"lwsruri", SCAN_START_LINE},
	    {"lwsstart", SCAN_START_LINE},    {"trws", SCAN_START_LINE},
	    {"baddn", SCAN_TRUNCATED},        {"badvers", SCAN_VERSION},
	    {"mismatch01", SCAN_CSEQ_METHOD}, {"mismatch02", SCAN_CSEQ_METHOD},
	    {"bigcode", SCAN_START_LINE},     {"insuf", SCAN_MISSING},
	    {"multi01", SCAN_DUPLICATE},      {"mcl01", SCAN_DUPLICATE | SCAN_BODY_LONG},
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
			print_error("%s: flaws %x (%s), expected %x\n", file, s->flaws, scan_flaw_text(s->flaws),
				    expected(field(line, 0)));
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
	    scan_test(test_rfc4475),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

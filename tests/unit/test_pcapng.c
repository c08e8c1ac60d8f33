#include "unit.h"

#include "pcap/pcapng.h"
#include "pcap/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct addr host(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, slice_str(text), 5060));
	return a;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The n-th block (from 0); every block must have one length at both ends. */
static struct slice block_at(const struct buf *b, int n)
{
	size_t at = 0;

	for (;; n--) {
		uint32_t len;

		assert_true(at + 12 <= b->len);
		len = get32(b->p + at + 4);
		assert_int_equal(len % 4, 0);
		assert_true(at + len <= b->len);
		assert_int_equal(get32(b->p + at + len - 4), len);
		if (!n)
			return (struct slice){(const char *)b->p + at, len};
		at += len;
	}
}

struct udp {
	struct addr src, dst;
	uint16_t ip_id;
	struct slice data;
};

static void put(struct buf *b, const struct udp *p, bool received, struct slice comments)
{
	static uint8_t begun[PCAPNG_BEGUN_MAX(PCAPNG_UDP_MAX)];
	struct pcapng_flow f;
	size_t at, n, len = p->data.l < PCAPNG_UDP_MAX ? p->data.l : PCAPNG_UDP_MAX;

	pcapng_flow_make(&f, 0, &p->src, &p->dst);
	n = pcapng_begin_udp(begun, &f, 1700000000123456789ull, p->ip_id, p->data, &at);
	assert_in_range(n, at + len, PCAPNG_BEGUN_MAX(len));
	if (len)
		assert_memory_equal(begun + at, p->data.p, len);
	pcapng_put_udp(b, (struct slice){(char *)begun, n}, received, p->data.l, comments);
}

static void udp_put(struct buf *b, const char *src, const char *dst, const void *data, size_t len, const char *comment)
{
	put(b, &(struct udp){.src = host(src), .dst = host(dst), .data = {data, len}, .ip_id = 7}, false,
	    (struct slice){comment, comment ? strlen(comment) : 0});
}

static void begin(struct buf *b)
{
	pcapng_put_header(b, SLICE_LIT("first\0second"), 0);
	pcapng_put_interface(b, SLICE_LIT("alice"), SLICE_LIT("192.0.2.1:5060"));
}

/* What tshark prints, one line a frame; skips the test when there is no tshark. */
static char *tshark(const struct buf *b, const char *args)
{
	static char out[1 << 16];
	char path[] = "/tmp/offhook-pcapng-XXXXXX", cmd[1024];
	int fd = mkstemp(path);
	FILE *f;
	size_t n;

	assert_true(fd >= 0);
	assert_false(b->failed);
	assert_int_equal(write(fd, b->p, b->len), b->len);
	close(fd);
	snprintf(cmd, sizeof(cmd),
		 "tshark -r %s -n -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE %s 2>/dev/null", path, args);
	f = system("command -v tshark >/dev/null") ? NULL : popen(cmd, "r");
	n = f ? fread(out, 1, sizeof(out) - 1, f) : 0;
	out[n] = 0;
	if (f)
		assert_int_equal(pclose(f), 0);
	unlink(path);
	if (!f)
		skip();
	return out;
}

static void test_blocks(void **state)
{
	struct buf b = {0};
	struct addr v4 = host("192.0.2.1"), v6 = host("2001:db8::1");
	size_t at;

	(void)state;
	begin(&b);
	at = pcapng_names_begin(&b);
	pcapng_names_put(&b, &v4, SLICE_LIT("alice"));
	pcapng_names_put(&b, &v6, SLICE_LIT("bob"));
	pcapng_names_end(&b, at);
	udp_put(&b, "192.0.2.1", "192.0.2.2", "abc", 3, "x");
	udp_put(&b, "2001:db8::1", "2001:db8::2", "abc", 3, NULL);

	assert_int_equal(get32((const uint8_t *)block_at(&b, 0).p), PCAPNG_SHB);
	assert_int_equal(get32((const uint8_t *)block_at(&b, 1).p), PCAPNG_IDB);
	assert_int_equal(get32((const uint8_t *)block_at(&b, 2).p), PCAPNG_NRB);
	assert_int_equal(get32((const uint8_t *)block_at(&b, 3).p), PCAPNG_EPB);
	assert_int_equal(get32((const uint8_t *)block_at(&b, 4).p), PCAPNG_EPB);
	assert_int_equal(get32((const uint8_t *)block_at(&b, 3).p + 20), 20 + 8 + 3);
	assert_int_equal(get32((const uint8_t *)block_at(&b, 4).p + 20), 40 + 8 + 3);
	buf_free(&b);
}

/* RFC 768: a checksum that comes out as 0 is sent as 0xffff, for 0 says that there is none. */
static void test_checksum_never_zero(void **state)
{
	struct buf b = {0};
	int ones = 0;

	(void)state;
	for (int i = 0; i < 65536; i++) {
		uint8_t data[2] = {(uint8_t)(i >> 8), (uint8_t)i}, *sum;

		buf_reset(&b);
		udp_put(&b, "192.0.2.1", "192.0.2.2", data, 2, NULL);
		sum = b.p + 28 + 20 + 6;
		assert_false(!sum[0] && !sum[1]);
		ones += sum[0] == 0xFF && sum[1] == 0xFF;
	}
	assert_int_equal(ones, 1);
	buf_free(&b);
}

static void test_tshark_finds_nothing_wrong(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 143, 1400, 65506, PCAPNG_UDP_MAX, PCAPNG_UDP_MAX + 1};
	static char data[PCAPNG_UDP_MAX + 1];
	struct buf b = {0};
	char *out, *line;
	int frames = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i % 7 ? i * 31 : 0);
	begin(&b);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		/* a port without a dissector, which might find fault with the payload */
		udp_put(&b, "192.0.2.1:40001", "192.0.2.2:40002", data, sizes[i], NULL);
		udp_put(&b, "[2001:db8::1]:40001", "[2001:db8::2]:40002", data, sizes[i], NULL);
	}
	udp_put(&b, "[::ffff:192.0.2.1]:40001", "192.0.2.2:40002", "mapped", 6, NULL);
	udp_put(&b, "192.0.2.1:40001", "[2001:db8::2]:40002", "mixed", 5, NULL);

	out = tshark(&b, "-T fields -E separator=, -e ip.checksum.status -e udp.checksum.status -e _ws.malformed "
			 "-e _ws.expert -e udp.length");
	for (line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), frames++) {
		size_t want = frames < 22 ? sizes[frames / 2] : frames == 22 ? 6 : 5;
		const char *cut = "Expert Info (Comment/Comment): cut: 65508 bytes were sent, 65507 fit a UDP datagram";
		char expected[200];

		snprintf(expected, sizeof(expected), "%s,1,,%s,%zu",
			 frames == 22 || (frames < 22 && frames % 2 == 0) ? "1" : "", want > PCAPNG_UDP_MAX ? cut : "",
			 (want > PCAPNG_UDP_MAX ? PCAPNG_UDP_MAX : want) + 8);
		assert_string_equal(line, expected);
	}
	assert_int_equal(frames, 24);
	buf_free(&b);
}

static void test_tshark_shows_what_was_put(void **state)
{
	struct buf b = {0};
	char *out;

	(void)state;
	begin(&b);
	put(&b, &(struct udp){
		    .src = host("192.0.2.1:40001"),
		    .dst = host("192.0.2.2:40002"),
		    .data = SLICE_LIT("a\0b"),
		    .ip_id = 513,
		}, true, SLICE_LIT("one\0two: \xC3\xA4 \xFF\xED\xA0\x80 end"));
	out = tshark(&b, "-T fields -E separator=, -E aggregator='|' -e frame.time_epoch -e frame.interface_name "
			 "-e frame.packet_flags_direction -e ip.id -e ip.ttl -e ip.src -e udp.dstport -e data.data "
			 "-e frame.comment");
	assert_string_equal(out, "1700000000.123456789,alice,0x00000001,0x0201,64,192.0.2.1,40002,610062,"
				 "one|two: \xC3\xA4 \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD end\n");
	buf_free(&b);
}

static void test_text_is_valid_utf8(void **state)
{
	static const struct {
		struct slice in;
		const char *out;
	} cases[] = {
	    {SLICE_LIT("plain"), "plain"},
	    {SLICE_LIT("\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80"), "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80"},
	    {SLICE_LIT("a\0b"), "a\xEF\xBF\xBD"
				"b"},
	    {SLICE_LIT("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* overlong NUL */
	    {SLICE_LIT("\xE0\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
	    {SLICE_LIT("\xF4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* past 10FFFF */
	    {SLICE_LIT("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* cut short */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};

		text_put_utf8(&b, cases[i].in, 100);
		buf_put(&b, "", 1);
		assert_string_equal((char *)b.p, cases[i].out);
		buf_free(&b);
	}
}

static void test_long_text_is_cut_between_characters(void **state)
{
	struct buf b = {0}, text = {0};

	(void)state;
	for (int i = 0; i < 50000; i++)
		buf_puts(&text, "\xE2\x82\xAC");
	begin(&b);
	put(&b, &(struct udp){.src = host("192.0.2.1"), .dst = host("192.0.2.2")}, false, buf_slice(&text));
	block_at(&b, 2);
	buf_reset(&text);
	text_put_utf8(&text, SLICE_LIT("ab\xE2\x82\xAC"), 4);
	assert_int_equal(text.len, 2);
	buf_free(&text);
	buf_free(&b);
}

static void test_same_input_same_bytes(void **state)
{
	struct buf b[2] = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(&b[i]);
		udp_put(&b[i], "192.0.2.1", "192.0.2.2", "abc", 3, "comment");
	}
	assert_int_equal(b[0].len, b[1].len);
	assert_memory_equal(b[0].p, b[1].p, b[0].len);
	buf_free(&b[0]);
	buf_free(&b[1]);
}

static int put_all(void *arg)
{
	struct buf b = {0};
	int failed;

	(void)arg;
	begin(&b);
	udp_put(&b, "192.0.2.1", "192.0.2.2", "abc", 3, "comment");
	failed = b.failed;
	buf_free(&b);
	return failed;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(unit_each_failure(put_all, NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(test_blocks),
	    UNIT_TEST(test_checksum_never_zero),
	    UNIT_TEST(test_tshark_finds_nothing_wrong),
	    UNIT_TEST(test_tshark_shows_what_was_put),
	    UNIT_TEST(test_text_is_valid_utf8),
	    UNIT_TEST(test_long_text_is_cut_between_characters),
	    UNIT_TEST(test_same_input_same_bytes),
	    UNIT_TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

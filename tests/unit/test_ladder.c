#include "unit.h"

#include "pcap/ladder.h"
#include "pcap/text.h"

#include <stdio.h>
#include <stdlib.h>

#define EPOCH 1700000000000000000ull
#define MS 1000000ull

static struct recorder *rec;
static struct tap tap;

static struct addr host(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, slice_str(text), 5060));
	return a;
}

static void begin(void)
{
	struct recorder_cfg cfg = {0};

	assert_int_equal(recorder_alloc(&rec, &cfg, NULL), 0);
	recorder_tap(rec, &tap);
}

static void name(const char *addr, const char *actor)
{
	struct addr a = host(addr);

	tap.name(tap.arg, &a, actor);
}

static uint32_t packet_bytes(uint64_t ms, const char *src, const char *dst, const char *who, struct slice data)
{
	return tap.packet(tap.arg, &(struct tap_packet){
				       .wall = EPOCH + ms * MS,
				       .src = host(src),
				       .dst = host(dst),
				       .data = (const uint8_t *)data.p,
				       .len = data.l,
				       .actor = *who == '<' ? who + 1 : who,
				       .received = *who == '<',
				   });
}

static uint32_t packet(uint64_t ms, const char *src, const char *dst, const char *who, const char *text)
{
	return packet_bytes(ms, src, dst, who, slice_str(text));
}

static void comment(uint32_t id, const char *text)
{
	tap.comment(tap.arg, id, text);
}

/* The ladder as a string, good until the next call. */
static const char *draw(const struct ladder_cfg *cfg)
{
	static struct buf out;

	buf_free(&out);
	assert_int_equal(ladder_render(&out, rec, cfg, NULL), 0);
	buf_put(&out, "", 1);
	return (const char *)out.p;
}

static void end(void)
{
	static const struct ladder_cfg cfg = {0};

	rec = mem_deref(rec);
	begin();
	assert_string_equal(draw(&cfg), ""); /* lets the string go, too */
	rec = mem_deref(rec);
}

#define ALICE "192.0.2.1:5060"
#define EDGE "192.0.2.2:5060"
#define BOB "192.0.2.3:5060"
#define INVITE "INVITE sip:bob@example.test SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
#define ACK "ACK sip:bob@example.test SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n"

static void scenario(void)
{
	begin();
	name(ALICE, "alice");
	name(EDGE, "edge");
	name(BOB, "bob");
	comment(packet(0, ALICE, EDGE, "alice", INVITE), "lost by the simulated network");
	packet(500, ALICE, EDGE, "alice", INVITE);
	packet(501, EDGE, ALICE, "edge", "SIP/2.0 407 Proxy Authentication Required\r\ncseq : 1  INVITE\r\n\r\n");
	packet(502, ALICE, EDGE, "alice", ACK);
	packet(503, EDGE, BOB, "edge", "INVITE sip:bob@192.0.2.3 SIP/2.0\r\nc: application/sdp\r\n\r\nv=0\r\n");
	packet(4000, BOB, EDGE, "bob", "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\n\r\n");
	packet(4001, ALICE, BOB, "alice", ACK);
	packet(4002, EDGE, EDGE, "edge", "OPTIONS sip:edge SIP/2.0\r\n\r\n");
	comment(packet(4003, BOB, ALICE, "bob", "BYE sip:alice SIP/7\r\n\r\n"),
		"failed at bye.lua:14: alice wanted 200 to her BYE within 5 s, but nothing came, so she gave up");
	comment(9, "sent by bye.lua:12");
	packet(4004, "198.51.100.7:5060", ALICE, "<alice", "\r\n\r\n");
}

static void test_picture(void **state)
{
	const struct ladder_cfg cfg = {.width = 90};

	(void)state;
	scenario();
	assert_string_equal(
	    draw(&cfg), "          alice                  edge                    bob             198.51.100.7:5060\n"
			"     192.0.2.1:5060         192.0.2.2:5060         192.0.2.3:5060             outside\n"
			"            │                      │                      │                      │\n"
			"  1  0.000  ├── INVITE (SDP) ──✗   │                      │                      │\n"
			"  2  0.500  ├─ INVITE (2nd time) ─►│                      │                      │\n"
			"  3  0.501  │◄ 407 Proxy… (INVITE) ┤                      │                      │\n"
			"  4  0.502  ├ ACK bob@example.te… ►│                      │                      │\n"
			"  5  0.503  │                      ├ INVITE bob@1… (SDP) ►│                      │\n"
			"            ┊                      ┊                      ┊                      ┊\n"
			"  6  4.000  │                      │◄── 200 OK (INVITE) ──┤                      │\n"
			"  7  4.001  ├───────── ACK sip:bob@example.test ─────────►│                      │\n"
			"  8  4.002  │                      │◄╮ OPTIONS sip:edge   │                      │\n"
			"  9  4.003  │◄ malformed SIP, 23 bytes: BYE sip:alice SI… ┤                      │\n"
			"            ╰╴ failed at bye.lua:14: alice wanted 200 to her BYE within 5 s, but nothing\n"
			"               came, so she gave up\n"
			" 10  4.004  │◄─────────────────────┼─ keep-alive, 4 bytes ┼──────────────────────┤\n");
	end();
}

/* A held frame stands where it was sent, and says what overtook it. */
static void test_held(void **state)
{
	const struct ladder_cfg cfg = {.width = 90};
	uint32_t ok, again;

	(void)state;
	begin();
	name(ALICE, "alice");
	name(BOB, "bob");
	ok = packet(0, BOB, ALICE, "bob", "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n");
	packet(10, ALICE, BOB, "alice", "CANCEL sip:bob@example.test SIP/2.0\r\n\r\n");
	tap.released(tap.arg, ok, EPOCH + 250 * MS);
	again = packet(500, BOB, ALICE, "bob", "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n");
	tap.released(tap.arg, again, EPOCH + 700 * MS);
	comment(again, "failed at held.lua:3");
	again = packet(800, ALICE, BOB, "alice", ACK);
	tap.released(tap.arg, again, EPOCH + 800 * MS); /* no time, and nothing overtook it: not worth a word */
	again = packet(900, ALICE, BOB, "alice", "BYE sip:bob@example.test SIP/2.0\r\n\r\n");
	packet(900, BOB, ALICE, "bob", "BYE sip:alice@example.test SIP/2.0\r\n\r\n");
	tap.released(tap.arg, again, EPOCH + 900 * MS);
	tap.released(tap.arg, 0, EPOCH);
	tap.released(tap.arg, 99, EPOCH);
	assert_string_equal(draw(&cfg), "           bob                                alice\n"
					"     192.0.2.3:5060                      192.0.2.1:5060\n"
					"            │                                   │\n"
					"  1  0.000  ├──────── 200 OK (INVITE) ─────────►│\n"
					"            ╰╴ held for 0.250 s, until after frame 2\n"
					"  2  0.010  │◄── CANCEL sip:bob@example.test ───┤\n"
					"  3  0.500  ├─── 200 OK (INVITE, 2nd time) ────►│\n"
					"            ╰╴ held for 0.200 s\n"
					"            ╰╴ failed at held.lua:3\n"
					"  4  0.800  │◄──── ACK sip:bob@example.test ────┤\n"
					"  5  0.900  │◄──── BYE sip:bob@example.test ────┤\n"
					"            ╰╴ held until after frame 6\n"
					"  6  0.900  ├─── BYE sip:alice@example.test ───►│\n");
	end();
}

static void test_picture_in_ascii(void **state)
{
	const struct ladder_cfg cfg = {.width = 80, .ascii = true};

	(void)state;
	scenario();
	assert_string_equal(draw(&cfg),
			    "          alice              edge                bob         198.51.100.7:5060\n"
			    "     192.0.2.1:5060     192.0.2.2:5060     192.0.2.3:5060         outside\n"
			    "            |                  |                  |                  |\n"
			    "  1  0.000  | INVITE (SDP) x   |                  |                  |\n"
			    "  2  0.500  |- INVITE (2nd) -->|                  |                  |\n"
			    "  3  0.501  |<- 407 (INVITE) --|                  |                  |\n"
			    "  4  0.502  | ACK bob@examp.. >|                  |                  |\n"
			    "  5  0.503  |                  |- INVITE (SDP) -->|                  |\n"
			    "            :                  :                  :                  :\n"
			    "  6  4.000  |                  |< 200 OK (INVITE) |                  |\n"
			    "  7  4.001  |----- ACK sip:bob@example.test ----->|                  |\n"
			    "  8  4.002  |                  |<) OPTIONS edge   |                  |\n"
			    "  9  4.003  |< malformed SIP, 23 bytes: BYE sip.. |                  |\n"
			    "            `- failed at bye.lua:14: alice wanted 200 to her BYE within 5 s,\n"
			    "               but nothing came, so she gave up\n"
			    " 10  4.004  |<----------------- keep-alive, 4 bytes -----------------|\n");
	end();
}

static void test_colour_only_when_asked(void **state)
{
	const struct ladder_cfg plain = {0}, colour = {.colour = true};

	(void)state;
	scenario();
	assert_null(strchr(draw(&plain), '\033'));
	assert_non_null(strstr(draw(&colour), "\033[0;31m"));
	end();
}

static void test_repeats_are_counted(void **state)
{
	const struct ladder_cfg cfg = {.width = 120};
	const char *out;

	(void)state;
	begin();
	for (unsigned i = 0; i < 23; i++)
		packet(i * 500, ALICE, EDGE, "alice", INVITE);
	packet(20000, BOB, EDGE, "bob", INVITE); /* the same from elsewhere is the first of its kind */
	out = draw(&cfg);
	assert_non_null(strstr(out, "INVITE sip:bob@example.test (SDP, 2nd time)"));
	assert_non_null(strstr(out, "(SDP, 3rd time)"));
	assert_non_null(strstr(out, "(SDP, 11th time)"));
	assert_non_null(strstr(out, "(SDP, 22nd time)"));
	assert_null(strstr(out, "24th"));
	end();
}

static void test_what_tells_a_message_from_its_like(void **state)
{
	const struct ladder_cfg cfg = {.width = 120}, narrow = {.width = 43};
	const char *out;

	(void)state;
	begin();
	packet(0, ALICE, EDGE, "alice",
	       "INVITE sip:b@x SIP/2.0\r\nc: application/sdp\r\n\r\nv=0\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\n");
	packet(1, EDGE, ALICE, "edge", "SIP/2.0 183 Progress\r\nCSeq: 1 INVITE\r\nRSeq: 7\r\n\r\n");
	packet(2, EDGE, ALICE, "edge",
	       "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nRSeq: 7\r\nc: application/sdp\r\n\r\na=SENDRECV\na=inactive\n");
	packet(3, EDGE, ALICE, "edge", "NOTIFY sip:a@y SIP/2.0\r\nSubscription-State: terminated ;reason=x\r\n\r\na=sendonly\r\n");
	packet(4, EDGE, ALICE, "edge",
	       "NOTIFY sip:a@z SIP/2.0\r\nSubscription-State: active\r\nContent-Type: message/sipfrag\r\n\r\nSIP/2.0 486 Busy\r\n");
	packet(5, EDGE, ALICE, "edge",
	       "NOTIFY sip:a@w SIP/2.0\r\nSubscription-State: active\r\nContent-Type: message/sipfrag\r\n\r\nINVITE x SIP/2.0\r\n");
	out = draw(&cfg);
	assert_non_null(strstr(out, " INVITE sip:b@x (SDP sendonly) "));
	assert_non_null(strstr(out, " 183 Progress (INVITE, 100rel) "));
	assert_non_null(strstr(out, " 200 OK (INVITE, SDP) ")); /* sendrecv, and RSeq says nothing in a final response */
	assert_non_null(strstr(out, " NOTIFY sip:a@y (terminated) "));
	assert_non_null(strstr(out, " NOTIFY sip:a@z (486) "));
	assert_non_null(strstr(out, " NOTIFY sip:a@w (active) "));
	out = draw(&narrow);
	assert_non_null(strstr(out, "(sendonly)"));
	end();
}

static void test_what_is_no_sip(void **state)
{
	static const struct {
		struct slice data;
		const char *label;
	} cases[] = {
	    {SLICE_LIT(""), " empty datagram "},
	    {SLICE_LIT("\r\n\r\n"), " keep-alive, 4 bytes "},
	    {SLICE_LIT("\0\1\0\0\x21\x12\xA4\x42............"), " STUN, 20 bytes "},
	    {SLICE_LIT("\x80\x88............"), " RTP type 8, 14 bytes "},
	    {SLICE_LIT("\x80\xC8......"), " RTCP, 8 bytes "},
	    {SLICE_LIT("\1\2\3\4"), " 4 bytes, not SIP "},
	    {SLICE_LIT("INVITE sip:b SIP/3.0\r\n\r\n"), " malformed SIP, 24 bytes: INVITE sip:b SIP/3.0 "},
	    {SLICE_LIT("SIP/2.0 20x OK\r\n\r\n"), " malformed SIP, 18 bytes: SIP/2.0 20x OK "},
	    {SLICE_LIT("SIP/2.0 200"), " 200 "},
	    {SLICE_LIT("IN VITE sip:b SIP/2.0\n\n"), " IN VITE sip:b "},
	    {SLICE_LIT("INV\x07ITE sip:b SIP/2.0\n"), "bytes, not SIP"},
	    {SLICE_LIT("OPTIONS sip:\x1b[31m\xE2\x80\xAE\xFF SIP/2.0\n"), " OPTIONS sip:?[31m?\xEF\xBF\xBD "},
	};
	const struct ladder_cfg cfg = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		packet_bytes(0, ALICE, EDGE, "alice", cases[i].data);
		if (!strstr(draw(&cfg), cases[i].label))
			fail_msg("wanted \"%s\" in\n%s", cases[i].label, draw(&cfg));
		end();
	}
}

static size_t lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void test_long_runs_are_cut_and_say_so(void **state)
{
	const struct ladder_cfg cfg = {.max_rows = 20, .capture = "runs/latest/flood.pcapng"};
	const char *out;

	(void)state;
	begin();
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t id = packet(i, ALICE, EDGE, "alice", "OPTIONS sip:edge SIP/2.0\r\n\r\n");

		if (i == 499)
			comment(id, "failed at flood.lua:3: wanted 200");
	}
	out = draw(&cfg);
	assert_int_equal(lines(out), 3 + 20 + 1 + 2 + 1);
	assert_non_null(strstr(out, "frames 11 to 499 are left out here; they are in runs/latest/flood.pcapng\n"));
	assert_non_null(strstr(out, "frames 501 to 990 are left out here; they are in runs/latest/flood.pcapng\n"));
	assert_non_null(strstr(out, "\n 500  0.499  "));
	assert_non_null(strstr(out, "failed at flood.lua:3: wanted 200\n"));
	end();
}

/* No line is wider than the terminal, nothing but printable text comes out, whatever went over the wire. */
static void lines_check(const char *out, const struct ladder_cfg *cfg)
{
	size_t width = cfg->width < 40 ? 40 : cfg->width, used = 0;
	struct slice s = slice_str(out);

	while (s.l) {
		uint32_t rune = text_next(&s);

		if (rune == '\n') {
			used = 0;
			continue;
		}
		assert_true(text_rune_width(rune) >= 0);
		assert_true(!cfg->ascii || rune < 0x7F);
		used += (size_t)text_rune_width(rune);
		if (used > width)
			fail_msg("wider than %zu:\n%s", width, out);
	}
}

static void test_any_bytes_any_width(void **state)
{
	static const char *const starts[] = {"", "SIP/2.0 200 ", "INVITE ", "SIP/2.0 407 x\r\nCSeq: ", "\r\n"};
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 150; round++) {
		int actors = round % 12 + 1;

		begin();
		for (int i = 0; i < 30; i++) {
			char data[200], src[64], dst[64], who[40];
			size_t len = 0, n;

			len = (size_t)snprintf(data, 64, "%s", starts[rand_r(&seed) % 5]);
			n = len + (size_t)(rand_r(&seed) % 120);
			while (len < n)
				data[len++] = (char)(rand_r(&seed) % (round % 2 ? 256 : 128));
			if (i % 3 == 0)
				len += (size_t)snprintf(data + len, 64, " SIP/2.0\r\nc:application/sdp\r\n\r\n.");
			n = (size_t)(rand_r(&seed) % actors);
			snprintf(src, sizeof(src), i % 5 ? "10.0.0.%zu:1" : "[2001:db8:1111:2222:3333::%zu]:65535", n);
			snprintf(dst, sizeof(dst), "10.0.0.%d", rand_r(&seed) % actors);
			snprintf(who, sizeof(who), "%s%zu", round % 5 ? "a" : "\xE4\xB8\xAD a very long name \xFF\x1b",
				 n);
			len = (size_t)packet_bytes((uint64_t)(rand_r(&seed) % 100000), src, dst, who,
						   (struct slice){data, len});
			if (i % 4 == 0)
				comment((uint32_t)len, i % 8 ? "lost"
							     : "failed: \xE4\xB8\xAD\xE4\xB8\xAD\x1b[2J \n\n long long "
							       "long long long long text\xFF");
		}
		for (unsigned width = 0; width < 200; width += 13) {
			struct ladder_cfg cfg = {.width = width ? width : 1, .ascii = width & 1, .max_rows = 17};

			lines_check(draw(&cfg), &cfg);
		}
		end();
	}
}

static int draw_all(void *arg)
{
	const struct ladder_cfg cfg = {.colour = true};
	struct buf out = {0};
	int rc = ladder_render(&out, arg, &cfg, NULL);

	if (rc)
		assert_int_equal(rc, ERR_NOMEM);
	buf_free(&out);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	scenario();
	assert_true(unit_each_failure(draw_all, rec) > 10);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(test_picture),
	    UNIT_TEST(test_held),
	    UNIT_TEST(test_picture_in_ascii),
	    UNIT_TEST(test_colour_only_when_asked),
	    UNIT_TEST(test_repeats_are_counted),
	    UNIT_TEST(test_what_tells_a_message_from_its_like),
	    UNIT_TEST(test_what_is_no_sip),
	    UNIT_TEST(test_long_runs_are_cut_and_say_so),
	    UNIT_TEST(test_any_bytes_any_width),
	    UNIT_TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "core/buf.h"
#include "pcap/pcapng.h"
#include "pcap/recorder.h"
#include "pcap/rows.h"

#include <errno.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define EPOCH 1700000000000000000ull

/* A recorder with its tap, in a folder of its own. */
struct bench {
	struct recorder *rec;
	struct tap tap;
	char dir[64], spill[96], path[96];
};

static struct addr host(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, slice_str(text), 5060));
	return a;
}

static int bench_open(struct bench *b, size_t max_bytes, bool spill)
{
	struct recorder_cfg cfg = {.max_bytes = max_bytes};
	int rc;

	*b = (struct bench){.dir = "/tmp/offhook-recorder-XXXXXX"};
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->spill, sizeof(b->spill), "%s/spill", b->dir);
	snprintf(b->path, sizeof(b->path), "%s/test.pcapng", b->dir);
	cfg.spill_path = spill ? b->spill : NULL;
	rc = recorder_alloc(&b->rec, &cfg, NULL);
	if (!rc)
		recorder_tap(b->rec, &b->tap);
	return rc;
}

/* Nothing may be left in the folder but the capture. */
static void bench_close(struct bench *b)
{
	b->rec = mem_deref(b->rec);
	unlink(b->path);
	assert_int_equal(rmdir(b->dir), 0);
}

static void name(struct bench *b, const char *addr, const char *actor)
{
	struct addr a = host(addr);

	b->tap.name(b->tap.arg, &a, actor);
}

/* `who` sends from `src`, or, when it begins with '<', received at `dst`. */
static uint32_t packet(struct bench *b, uint64_t at, const char *who, const char *src, const char *dst,
		       const char *text)
{
	return b->tap.packet(b->tap.arg, &(struct tap_packet){
					     .wall = EPOCH + at,
					     .src = host(src),
					     .dst = host(dst),
					     .data = (const uint8_t *)text,
					     .len = strlen(text),
					     .actor = *who == '<' ? who + 1 : who,
					     .received = *who == '<',
					 });
}

static void comment(struct bench *b, uint32_t id, const char *text)
{
	b->tap.comment(b->tap.arg, id, text);
}

static struct buf file_read(const char *path)
{
	struct buf b = {0};
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	while (buf_reserve(&b, 4096)) {
		size_t n = fread(b.p + b.len, 1, 4096, f);

		b.len += n;
		if (n < 4096)
			break;
	}
	fclose(f);
	return b;
}

/* The capture's blocks of one type, one after the other. */
static struct buf blocks_of(const struct buf *file, uint32_t type)
{
	struct buf out = {0};

	for (size_t at = 0; at < file->len;) {
		uint32_t head[2];

		assert_true(at + 12 <= file->len);
		memcpy(head, file->p + at, 8);
		assert_true(head[1] >= 12 && head[1] <= file->len - at);
		if (head[0] == type)
			buf_put(&out, file->p + at, head[1]);
		at += head[1];
	}
	return out;
}

static bool contains(const struct buf *b, const char *text)
{
	return slice_find(buf_slice(b), slice_str(text), 0) >= 0;
}

static char *tshark(const char *path, const char *args)
{
	static char out[1 << 16];
	char cmd[1024];
	FILE *f;
	size_t n;

	if (system("command -v tshark >/dev/null"))
		return NULL;
	snprintf(cmd, sizeof(cmd), "tshark -r %s -o nameres.use_external_name_resolver:FALSE %s 2>/dev/null", path,
		 args);
	f = popen(cmd, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	assert_int_equal(pclose(f), 0);
	return out;
}

static void test_order_is_time_then_arrival(void **state)
{
	struct bench b;
	uint32_t id[5];

	(void)state;
	bench_open(&b, 0, false);
	id[0] = packet(&b, 100, "a", "192.0.2.1", "192.0.2.2", "one");
	id[1] = packet(&b, 300, "a", "192.0.2.1", "192.0.2.2", "two");
	id[2] = packet(&b, 300, "a", "192.0.2.1", "192.0.2.2", "three");
	id[3] = packet(&b, 200, "<a", "192.0.2.2", "192.0.2.1", "the kernel's stamp is earlier");
	id[4] = packet(&b, 50, "<a", "192.0.2.2", "192.0.2.1", "first of all");
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(id[i], i + 1);
	assert_int_equal(recorder_frame_number(b.rec, id[0]), 2);
	assert_int_equal(recorder_frame_number(b.rec, id[1]), 4);
	assert_int_equal(recorder_frame_number(b.rec, id[2]), 5);
	assert_int_equal(recorder_frame_number(b.rec, id[3]), 3);
	assert_int_equal(recorder_frame_number(b.rec, id[4]), 1);
	assert_int_equal(recorder_frame_number(b.rec, 0), 0);
	assert_int_equal(recorder_frame_number(b.rec, 6), 0);
	assert_int_equal(recorder_count(b.rec), 5);
	bench_close(&b);
}

static void frame_check(const struct recorder_frame *f, void *arg)
{
	uint32_t *n = arg;

	assert_int_equal(f->number, ++*n);
	if (*n == 1) {
		assert_string_equal(f->src_name, "alice");
		assert_string_equal(f->dst_name, "bob"); /* named after the packet went out */
		assert_false(f->received);
		assert_true(slice_eq(f->data, SLICE_LIT("hello")));
		assert_true(slice_eq(f->comments, SLICE_LIT("one\0two\0")));
	} else {
		assert_null(f->src_name);
		assert_string_equal(f->dst_name, "alice");
		assert_true(f->received);
		assert_int_equal(f->comments.l, 0);
	}
}

static void test_each_shows_frames(void **state)
{
	struct bench b;
	uint32_t n = 0, id;

	(void)state;
	bench_open(&b, 0, false);
	id = packet(&b, 1, "alice", "192.0.2.1", "192.0.2.2", "hello");
	packet(&b, 2, "<alice", "198.51.100.1", "192.0.2.1", "");
	name(&b, "192.0.2.2", "bob");
	comment(&b, id, "one");
	comment(&b, id, "two");
	comment(&b, 77, "on nothing");
	recorder_each(b.rec, frame_check, &n);
	assert_int_equal(n, 2);
	bench_close(&b);
}

enum { MIXED = 300, MIXED_COMMENTS = 6 };

/* The n-th datagram, of any length, and what was said of it round by round, from short to long; each has room for all of it. */
static void mixed_data(char *out, unsigned n)
{
	size_t len = n % 50 == 49 ? PCAPNG_UDP_MAX : n * 7919 % 1500;

	memset(out, 'a' + (int)(n % 26), len);
	out[len] = 0;
}

static void mixed_comment(char *out, unsigned n, unsigned round)
{
	sprintf(out, "%u.%u%0*d", n, round, (int)(n * 31 % 90 * round), 0);
}

static void mixed_check(const struct recorder_frame *f, void *arg)
{
	static char data[PCAPNG_UDP_MAX + 1], text[1000];
	unsigned *n = arg;
	struct buf want = {0};

	mixed_data(data, *n);
	assert_int_equal(f->number, *n + 1);
	assert_true(slice_eq(f->data, slice_str(data)));
	for (unsigned round = 0; round < MIXED_COMMENTS; round++) {
		mixed_comment(text, *n, round);
		buf_put(&want, text, strlen(text) + 1);
	}
	assert_true(slice_eq(f->comments, buf_slice(&want)));
	buf_free(&want);
	++*n;
}

/* Packets and comments of any length, some said at once and some when others have come: each keeps its own. */
static void test_comments_stay_with_their_packets(void **state)
{
	static char data[PCAPNG_UDP_MAX + 1], text[1000];
	unsigned n = 0;
	struct bench b;

	(void)state;
	bench_open(&b, 0, false);
	for (unsigned i = 0; i < MIXED; i++) {
		mixed_data(data, i);
		assert_int_equal(packet(&b, i, "alice", "192.0.2.1", "192.0.2.2", data), i + 1);
		for (unsigned round = 0; round < 2; round++) {
			mixed_comment(text, i, round);
			comment(&b, i + 1, text);
		}
	}
	for (unsigned round = 2; round < MIXED_COMMENTS; round++)
		for (unsigned i = 0; i < MIXED; i++) {
			mixed_comment(text, i, round);
			comment(&b, i + 1, text);
		}
	recorder_each(b.rec, mixed_check, &n);
	assert_int_equal(n, MIXED);
	bench_close(&b);
}

static void test_tshark_shows_actors_and_comments(void **state)
{
	struct bench b;
	char *out;

	(void)state;
	bench_open(&b, 0, false);
	name(&b, "192.0.2.1:5060", "alice");
	name(&b, "192.0.2.2:5060", "edge");
	name(&b, "192.0.2.2:5080", "bob of edge");
	name(&b, "[2001:db8::7]:5060", "carol");
	packet(&b, 0, "alice", "192.0.2.1:5060", "192.0.2.2:5060", "OPTIONS sip:x SIP/2.0\r\n\r\n");
	comment(&b, 1, "call.lua:12: alice:options()");
	comment(&b, 1, "failed: wanted 200\ngot \xFF nothing");
	packet(&b, 1, "<carol", "[2001:db8::99]:5060", "[2001:db8::7]:5060", "\r\n\r\n");
	packet(&b, 2, "<alice", "198.51.100.1:5060", "192.0.2.1:5060", "\r\n\r\n");
	packet(&b, 3, "alice", "192.0.2.1:5060", "198.51.100.1:5060", "\r\n\r\n");
	comment(&b, 0, "test: wrong password");
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);

	out = tshark(b.path, "-Nn -T fields -E separator=, -E aggregator='|' -e frame.interface_name -e ip.src_host "
			     "-e ip.dst_host -e ipv6.dst_host -e ip.id -e frame.comment");
	if (out)
		assert_string_equal(out, "alice,alice,edge+bob_of_edge,,0x0000,call.lua:12: alice:options()|"
					 "failed: wanted 200\\ngot \xEF\xBF\xBD nothing\n"
					 "carol,,,carol,,\n"
					 "alice,198.51.100.1,alice,,0x0000,\n"
					 "alice,alice,198.51.100.1,,0x0001,\n");
	bench_close(&b);
	if (!out)
		skip();
}

/* A packet that was held names the frame that went last before it, by the number that frame has in the end. */
static void test_held(void **state)
{
	struct bench b;
	struct buf file;
	uint32_t id;

	(void)state;
	bench_open(&b, 0, false);
	id = packet(&b, 100, "a", "192.0.2.1", "192.0.2.2", "held");
	comment(&b, id, "sent by held.lua:1");
	packet(&b, 300, "a", "192.0.2.1", "192.0.2.2", "overtakes it");
	b.tap.released(b.tap.arg, id, EPOCH + 1500000300);
	packet(&b, 200, "<a", "192.0.2.2", "192.0.2.1", "the kernel's stamp is earlier");
	packet(&b, 1500000400, "a", "192.0.2.1", "192.0.2.2", "after it");
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	file = file_read(b.path);
	assert_true(contains(&file, "sent by held.lua:1"));
	assert_true(contains(&file, "held for 1.500 s, until after frame 3"));
	buf_free(&file);
	bench_close(&b);
}

static void test_render_again_and_early(void **state)
{
	struct bench b;
	struct buf first, second, third;

	(void)state;
	bench_open(&b, 0, false);
	packet(&b, 1, "a", "192.0.2.1", "192.0.2.2", "one");
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	first = file_read(b.path);
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	second = file_read(b.path);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.p, second.p, first.len);

	packet(&b, 2, "a", "192.0.2.1", "192.0.2.2", "two");
	comment(&b, 1, "late, but in time");
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	third = file_read(b.path);
	assert_true(third.len > first.len);
	assert_true(contains(&third, "late, but in time"));
	buf_free(&first);
	buf_free(&second);
	buf_free(&third);
	bench_close(&b);
}

static void test_no_packets(void **state)
{
	struct bench b;
	struct buf file;

	(void)state;
	bench_open(&b, 0, false);
	comment(&b, 0, "nothing was sent");
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	file = file_read(b.path);
	assert_true(contains(&file, "nothing was sent"));
	buf_free(&file);
	bench_close(&b);
}

static void fill(struct bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		char text[64];

		snprintf(text, sizeof(text), "packet %d", i);
		/* every tenth has a stamp before its two predecessors */
		packet(b, (uint64_t)(i % 10 == 9 ? i * 1000 - 2500 : i * 1000), i % 3 ? "a" : "b",
		       i % 3 ? "192.0.2.1" : "192.0.2.2", i % 3 ? "192.0.2.2" : "192.0.2.1", text);
	}
}

static void test_spill_changes_no_frame(void **state)
{
	enum { N = 5000 };
	struct bench held, spilled;
	struct recorder_stats st;
	struct buf file[2], frames[2];

	(void)state;
	bench_open(&held, 0, false);
	bench_open(&spilled, 64 << 10, true);
	fill(&held, N);
	fill(&spilled, N);
	recorder_stats_get(spilled.rec, &st);
	assert_int_equal(st.packets, N);
	assert_int_equal(st.dropped, 0);
	assert_true(st.spilled > N / 2 && st.spilled < N);
	assert_int_equal(st.start, EPOCH);
	for (uint32_t id = 1; id <= N; id++)
		assert_int_equal(recorder_frame_number(held.rec, id), recorder_frame_number(spilled.rec, id));

	comment(&spilled, 3, "too late");
	for (int i = 0; i < 2000; i++)
		comment(&spilled, 0, "one of many on the capture, and so many have no room before the first packet");
	assert_int_equal(recorder_render(held.rec, held.path, NULL), 0);
	assert_int_equal(recorder_render(spilled.rec, spilled.path, NULL), 0);
	file[0] = file_read(held.path);
	file[1] = file_read(spilled.path);
	for (int i = 0; i < 2; i++)
		frames[i] = blocks_of(&file[i], PCAPNG_EPB);
	assert_int_equal(frames[0].len, frames[1].len);
	assert_memory_equal(frames[0].p, frames[1].p, frames[0].len);
	assert_true(contains(&file[1], "1 comments that came later for them are missing"));
	assert_true(contains(&file[1], "one of many on the capture"));
	assert_true(contains(&file[1], " comments were left out"));
	assert_false(contains(&file[0], "offhook: "));
	recorder_stats_get(spilled.rec, &st);
	assert_int_equal(st.comments_late, 1);

	for (int i = 0; i < 2; i++) {
		buf_free(&file[i]);
		buf_free(&frames[i]);
	}
	unlink(held.path);
	bench_close(&held);
	bench_close(&spilled);
}

/* `n` packets of `len` bytes, each of which tells its own number. */
static void fill_thick(struct bench *b, int n, size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = 0;
	for (int i = 0; i < n; i++) {
		text[snprintf(text, len, "packet %d", i)] = ' ';
		packet(b, (uint64_t)i * 1000, "a", "192.0.2.1", "192.0.2.2", text);
	}
	free(text);
}

/* So much that it goes through the writer's thread. */
static void test_a_long_recording_is_whole(void **state)
{
	enum { N = 6000 };
	struct bench held, spilled;
	struct recorder_stats st;
	struct buf file[2], frames[2];
	const void *tail = NULL;
	bool left = false;

	(void)state;
	bench_open(&held, 64 << 20, false);
	bench_open(&spilled, 512 << 10, true);
	fill_thick(&held, N, 1000);
	fill_thick(&spilled, N, 1000);
	recorder_stats_get(spilled.rec, &st);
	assert_true(st.spilled > N - 200 && st.spilled < N); /* an eighth of the bound is held, as they come in haste */
	for (int i = 0; i < 500 && !left; i++) { /* what is left when the program dies: a capture, of as much as was written by then */
		usleep(10000);
		file[0] = file_read(spilled.spill);
		left = file[0].len >= 4 << 20;
		if (left)
			tail = memmem(file[0].p, file[0].len, "packet 2000 ", 12);
		assert_true(!left || (tail && contains(&file[0], "the beginning of a run that did not end")));
		buf_free(&file[0]);
	}
	assert_true(left);
	assert_int_equal(recorder_render(held.rec, held.path, NULL), 0);
	assert_int_equal(recorder_render(spilled.rec, spilled.path, NULL), 0);
	assert_int_equal(access(spilled.spill, F_OK), -1); /* it is the capture now, */
	assert_int_equal(packet(&spilled, 1, "a", "192.0.2.1", "192.0.2.2", "x"), 0); /* which takes nothing more, */
	assert_int_equal(recorder_render(spilled.rec, spilled.path, NULL), ERR_NOT_NOW); /* nor is it written over */
	recorder_stats_get(spilled.rec, &st);
	assert_int_equal(st.packets, N);
	assert_int_equal(st.dropped, 1);
	for (int i = 0; i < 2; i++) {
		file[i] = file_read(i ? spilled.path : held.path);
		frames[i] = blocks_of(&file[i], PCAPNG_EPB);
	}
	assert_int_equal(frames[0].len, frames[1].len);
	assert_memory_equal(frames[0].p, frames[1].p, frames[0].len);
	for (int i = 0; i < 2; i++) {
		buf_free(&file[i]);
		buf_free(&frames[i]);
	}
	unlink(held.path);
	bench_close(&held);
	bench_close(&spilled);
}

/* A load that is recorded for hours takes no more memory: of what went to disk long ago the number is forgotten. */
static void test_numbers_of_long_ago(void **state)
{
	enum { N = 5 << 17 };
	struct bench b;

	(void)state;
	bench_open(&b, 64 << 10, true);
	for (int i = 0; i < N; i++)
		packet(&b, (uint64_t)i * 1000, "a", "192.0.2.1", "192.0.2.2", "x");
	assert_int_equal(recorder_frame_number(b.rec, 1), 0);
	for (uint32_t id = N - (1 << 18); id <= N; id++)
		assert_int_equal(recorder_frame_number(b.rec, id), id);
	bench_close(&b);
}

/* Names have no room before the first packet: they stand behind the last, and a reader finds them there. */
static void test_tshark_reads_what_went_to_disk(void **state)
{
	enum { HOSTS = 3000 };
	struct bench b;
	char *out, text[64], who[32];

	(void)state;
	for (int many = 0; many < 2; many++) {
		bench_open(&b, 64 << 10, true);
		comment(&b, 0, "all of it");
		for (int i = 0; i < (many ? HOSTS : 2); i++) {
			snprintf(text, sizeof(text), "192.0.%d.%d", 2 + i / 200, 1 + i % 200);
			snprintf(who, sizeof(who), "actor-%d", i);
			name(&b, text, who);
		}
		fill(&b, 1000);
		assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
		out = tshark(b.path, "-Y frame.number==1000 -T fields -e frame.number");
		assert_true(!out || !strcmp(out, "1000\n"));
		out = tshark(b.path, "-2 -N n -Y frame.number==1 -T fields -E separator=, -e frame.number -e ip.src_host -e ip.dst_host");
		if (out)
			assert_string_equal(out, "1,actor-1,actor-0\n");
		bench_close(&b);
		if (!out)
			skip();
	}
}

/* As on a disk that is full after so many bytes. */
static struct rlimit disk_limit(rlim_t bytes)
{
	struct rlimit before;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, before.rlim_max}), 0);
	return before;
}

static void breaks(unsigned hosts)
{
	enum { N = 6000, ROOM = 3 << 20 };
	struct rlimit before;
	struct bench b;
	struct recorder_stats st;
	struct buf file, frames;
	struct rows rows;
	size_t at = 0;
	uint64_t n = 0;
	char text[64], who[32];

	bench_open(&b, 512 << 10, true);
	for (unsigned i = 0; i < hosts; i++) {
		snprintf(text, sizeof(text), "192.0.%u.%u", 2 + i / 200, 1 + i % 200);
		snprintf(who, sizeof(who), "actor-%u", i);
		name(&b, text, who);
	}
	before = disk_limit(ROOM);
	fill_thick(&b, N, 1000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);

	recorder_stats_get(b.rec, &st);
	assert_int_equal(st.packets + st.dropped, N);
	assert_in_range(st.packets, 2000, 4000); /* 3 MB of more than 1000 bytes each, and the bound */
	assert_int_equal(recorder_count(b.rec), st.packets);
	file = file_read(b.path);
	snprintf(text, sizeof(text), "offhook: %d packets are missing here: cannot write", (int)st.dropped);
	assert_true(contains(&file, text));
	assert_true(contains(&file, "File too large"));
	frames = blocks_of(&file, PCAPNG_EPB);
	for (int last = -1; at < frames.len; n++) {
		uint32_t len;
		long told = slice_find(buf_slice(&frames), SLICE_LIT("packet "), at);
		int number = told < 0 ? -1 : atoi((char *)frames.p + told + 7);

		assert_true(number > last);
		last = number;
		memcpy(&len, frames.p + at + 4, 4);
		at += len;
	}
	assert_int_equal(n, st.packets);
	assert_true(rows_collect(&rows, b.rec, 10)); /* a ladder has those in memory still */
	assert_int_equal(rows.list.len / sizeof(struct row), 10);
	rows_free(&rows);
	buf_free(&file);
	buf_free(&frames);
	bench_close(&b);
}

/* The disk is full in mid-run: what is there is kept and in order, what is missing is counted. So it is when the names fill the room
 * before the first packet, or more than that. */
static void test_a_spill_that_breaks_loses_what_it_says(void **state)
{
	(void)state;
	breaks(0);
	breaks(3270);
	breaks(6000);
}

/* Full before the first packet is on it. */
static void test_no_room_for_the_header(void **state)
{
	struct rlimit before;
	struct bench b;
	struct err e = {0};

	(void)state;
	bench_open(&b, 64 << 10, true);
	before = disk_limit(60000);
	fill_thick(&b, 200, 1000);
	assert_int_equal(recorder_render(b.rec, b.path, &e), ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(e.text, strerror(ENOSPC)));
	bench_close(&b);
}

/* What is known of a way between two addresses is over when somebody moves in at one of them. */
static void labels_put(const struct recorder_frame *f, void *arg)
{
	buf_printf(arg, "%s>%s ", f->src_name ? f->src_name : "?", f->dst_name ? f->dst_name : "?");
}

static void test_who_moves_in_is_seen(void **state)
{
	struct bench b;
	struct buf labels = {0};

	(void)state;
	bench_open(&b, 0, false);
	packet(&b, 1, "a", "192.0.2.1", "192.0.2.2", "to a stranger");
	packet(&b, 2, "a", "192.0.2.1", "192.0.2.2", "again");
	packet(&b, 3, "<a", "192.0.2.2", "192.0.2.1", "from it");
	name(&b, "192.0.2.2", "b");
	packet(&b, 4, "a", "192.0.2.1", "192.0.2.2", "to b");
	packet(&b, 5, "<a", "192.0.2.2", "192.0.2.1", "from b");
	name(&b, "192.0.2.2", "c");
	packet(&b, 6, "a", "192.0.2.1", "192.0.2.2", "to c");
	packet(&b, 7, "z", "192.0.2.1", "192.0.2.2", "from another on the same address");
	packet(&b, 8, "a", "192.0.2.1", "192.0.2.2", "and from the first again");
	recorder_each(b.rec, labels_put, &labels);
	buf_put(&labels, "", 1);
	assert_string_equal((char *)labels.p, "a>c a>c c>a a>b b>a a>c z>c a>c "); /* nobody yet is who lives there in the end */
	buf_free(&labels);
	bench_close(&b);
}

static void test_bound_without_spill_drops_and_says_so(void **state)
{
	struct bench b;
	struct recorder_stats st;
	struct buf file;
	char text[64];

	(void)state;
	bench_open(&b, 16 << 10, false);
	fill(&b, 1000);
	assert_int_equal(packet(&b, 1, "a", "192.0.2.1", "192.0.2.2", "x"), 0);
	recorder_stats_get(b.rec, &st);
	assert_true(st.packets > 10 && st.packets < 200);
	assert_int_equal(st.packets + st.dropped, 1001);
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	file = file_read(b.path);
	snprintf(text, sizeof(text), "offhook: %d packets are missing here", (int)st.dropped);
	assert_true(contains(&file, text));
	buf_free(&file);
	bench_close(&b);
}

static void test_spill_that_fails_drops_and_says_so(void **state)
{
	struct recorder_cfg cfg = {.max_bytes = 16 << 10, .spill_path = "/nonexistent/folder/spill"};
	struct recorder_stats st;
	struct bench b;
	struct buf file;

	(void)state;
	bench_open(&b, 0, false);
	mem_deref(b.rec);
	assert_int_equal(recorder_alloc(&b.rec, &cfg, NULL), 0);
	recorder_tap(b.rec, &b.tap);
	fill(&b, 1000);
	recorder_stats_get(b.rec, &st);
	assert_int_equal(st.spilled, 0);
	assert_int_equal(st.packets + st.dropped, 1000);
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	file = file_read(b.path);
	assert_true(contains(&file, "packets are missing here: cannot write the capture /nonexistent/folder/spill"));
	buf_free(&file);
	bench_close(&b);
}

static void test_comments_are_bounded(void **state)
{
	struct bench b;
	struct recorder_stats st;
	char text[1001];

	(void)state;
	bench_open(&b, 0, false);
	memset(text, 'x', 1000);
	text[1000] = 0;
	packet(&b, 1, "a", "192.0.2.1", "192.0.2.2", "one");
	for (int i = 0; i < 1000; i++)
		comment(&b, (uint32_t)(i & 1), text);
	recorder_stats_get(b.rec, &st);
	assert_true(st.comments_lost > 500 && st.comments_lost < 1000);
	assert_int_equal(recorder_render(b.rec, b.path, NULL), 0);
	bench_close(&b);
}

static void test_render_error_names_the_file(void **state)
{
	struct bench b;
	struct err err = {0};

	(void)state;
	bench_open(&b, 0, false);
	packet(&b, 1, "a", "192.0.2.1", "192.0.2.2", "one");
	assert_int_equal(recorder_render(b.rec, "/nonexistent/folder/x.pcapng", &err), ERR_IO);
	assert_non_null(strstr(err.text, "/nonexistent/folder/x.pcapng"));
	assert_int_equal(recorder_render(b.rec, b.dir, &err), ERR_IO); /* a folder: the rename fails, nothing is left */
	bench_close(&b);

	bench_open(&b, 64 << 10, true); /* but of a long one all there is */
	fill(&b, 1000);
	assert_int_equal(recorder_render(b.rec, b.dir, &err), ERR_IO);
	assert_non_null(strstr(err.text, "what was recorded is left in"));
	assert_non_null(strstr(err.text, b.spill));
	b.rec = mem_deref(b.rec);
	assert_int_equal(unlink(b.spill), 0);
	bench_close(&b);
}

struct job {
	size_t max_bytes, thick; /* more packets of so many bytes */
};

static int record_all(void *arg)
{
	const struct job *job = arg;
	struct bench b;
	struct recorder_stats st;
	int rc = bench_open(&b, job->max_bytes, true);

	if (rc) {
		assert_int_equal(rc, ERR_NOMEM);
		assert_int_equal(rmdir(b.dir), 0);
		return rc;
	}
	name(&b, "192.0.2.1", "a");
	fill(&b, 100);
	if (job->thick)
		fill_thick(&b, 12, job->thick);
	comment(&b, 100, "one");
	comment(&b, 0, "all");
	rc = recorder_render(b.rec, b.path, NULL);
	if (rc)
		unlink(b.spill); /* it is left, as it is readable */
	recorder_stats_get(b.rec, &st);
	assert_int_equal(st.packets + st.dropped, job->thick ? 112 : 100);
	if (st.dropped || st.comments_lost)
		rc = ERR_NOMEM;
	bench_close(&b);
	return rc;
}

static void test_no_memory(void **state)
{
	struct job held = {0}, spilled = {.max_bytes = 4096}, thick = {.max_bytes = 4096, .thick = 60000};

	(void)state;
	assert_true(unit_each_failure(record_all, &held) > 30);
	assert_true(unit_each_failure(record_all, &spilled) > 30);
	assert_true(unit_each_failure(record_all, &thick) > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(test_order_is_time_then_arrival),
	    UNIT_TEST(test_each_shows_frames),
	    UNIT_TEST(test_comments_stay_with_their_packets),
	    UNIT_TEST(test_tshark_shows_actors_and_comments),
	    UNIT_TEST(test_held),
	    UNIT_TEST(test_render_again_and_early),
	    UNIT_TEST(test_no_packets),
	    UNIT_TEST(test_spill_changes_no_frame),
	    UNIT_TEST(test_a_long_recording_is_whole),
	    UNIT_TEST(test_numbers_of_long_ago),
	    UNIT_TEST(test_tshark_reads_what_went_to_disk),
	    UNIT_TEST(test_a_spill_that_breaks_loses_what_it_says),
	    UNIT_TEST(test_no_room_for_the_header),
	    UNIT_TEST(test_who_moves_in_is_seen),
	    UNIT_TEST(test_bound_without_spill_drops_and_says_so),
	    UNIT_TEST(test_spill_that_fails_drops_and_says_so),
	    UNIT_TEST(test_comments_are_bounded),
	    UNIT_TEST(test_render_error_names_the_file),
	    UNIT_TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

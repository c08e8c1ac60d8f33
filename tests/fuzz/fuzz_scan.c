/* sip/scan and sip/build: each input as a message that is scanned, edited, answered and followed, and what comes of it
 * scanned again. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "net/addr.h"
#include "sip/build.h"
#include "sip/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that a release build keeps */
#define CHECK(x) ((x) ? (void)0 : abort())

static void check_slice(struct slice s, struct slice within)
{
	CHECK(!s.p || (s.p >= within.p && s.p + s.l <= within.p + within.l));
	CHECK(s.p || !s.l);
}

static void read_all(const struct scan *s)
{
	static const char *const params[] = {"branch", "tag", "rport", "received", "maddr", "lr", "q", ""};
	const struct slice fields[] = {s->method,   s->uri,    s->reason,      s->version, s->via,
				       s->sent_by,  s->branch, s->call_id,     s->from,    s->to,
				       s->from_tag, s->to_tag, s->cseq_method, s->body};
	struct slice out, host;
	uint16_t port;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		check_slice(fields[i], s->bytes);
	for (unsigned i = 0; i < s->header_count; i++) {
		struct slice name = scan_name(s, i), value = scan_value(s, i);
		check_slice(name, s->bytes);
		check_slice(value, s->bytes);
		CHECK(s->headers[i].id < HDR_COUNT);
		if (i > 50) /* the rest of a long list is no different */
			continue;
		CHECK(scan_header_named(s, name, 0).p || !name.l || hdr_lookup(name) != s->headers[i].id);
		for (size_t k = 0; k < sizeof(params) / sizeof(*params); k++)
			if (scan_param(&out, value, params[k]))
				check_slice(out, value);
	}
	scan_sent_by(s, &host, &port);
	check_slice(host, s->sent_by);
	CHECK(scan_flaw_text(s->flaws));
	CHECK(!(s->flaws & SCAN_NOT_SIP) || (s->flaws == SCAN_NOT_SIP && !s->header_count && !s->version.p));
}

/* Scans `b`, then empties it. */
static void rescan(struct buf *b, struct scan *s)
{
	static struct scan again;

	CHECK(!b->failed);
	CHECK(scan_message(s ? s : &again, buf_slice(b)) == 0);
	read_all(s ? s : &again);
	if (!s)
		scan_free(&again);
}

/* The start line, the lines and what is behind them are the whole, and edits that change nothing change nothing. */
static void edit(const struct scan *s, struct buf *b)
{
	unsigned n = s->header_count, order[2] = {n - 1, n / 2};
	struct slice line = build_start_line(s);

	CHECK(line.p == s->bytes.p);
	for (unsigned i = 0; i < n; i++) {
		struct slice next = build_line(s, i);
		CHECK(next.p == line.p + line.l && next.l);
		line = next;
	}
	CHECK(line.p + line.l <= s->bytes.p + s->bytes.l);
	build_reorder(b, s, NULL, 0);
	CHECK(slice_eq(buf_slice(b), s->bytes));
	buf_reset(b);
	if (s->flaws & SCAN_NOT_SIP)
		return;

	build_insert(b, s, n, SLICE_LIT("X-New"), SLICE_LIT("value"));
	rescan(b, NULL);
	buf_reset(b);
	build_body(b, s, SLICE_LIT("v=0\r\n"), true);
	rescan(b, NULL);
	buf_reset(b);
	if (!n)
		return;
	build_reorder(b, s, order, n > 2 ? 2 : 1);
	CHECK(b->len >= s->bytes.l);
	rescan(b, NULL);
	for (unsigned k = 0; k < 4; k++) {
		unsigned i = k == 3 ? n - 1 : k < n ? k : 0;
		struct slice value = scan_value(s, i);
		buf_reset(b);
		build_replace(b, s, i, value);
		CHECK(!value.l || slice_eq(buf_slice(b), s->bytes));
		buf_reset(b);
		build_replace(b, s, i, SLICE_LIT("new"));
		rescan(b, NULL);
		buf_reset(b);
		build_remove(b, s, i);
		CHECK(b->len == s->bytes.l - build_line(s, i).l);
		rescan(b, NULL);
	}
	buf_reset(b);
}

static void answer(const struct scan *s, struct buf *b)
{
	static const char *const sources[] = {"198.18.0.1:5060", "[2001:db8::1]:9"};
	static const unsigned statuses[] = {100, 180, 200, 407};
	struct scan res;

	for (unsigned i = 0; i < 8; i++) {
		struct addr source;
		struct build_response r = {.status = statuses[i / 2], .to_tag = SLICE_LIT("t"), .source = &source};
		CHECK(addr_parse(&source, slice_str(sources[i % 2]), 5060));
		build_response(b, s, &r);
		rescan(b, &res);
		CHECK(!(res.flaws & (SCAN_NOT_SIP | SCAN_START_LINE | SCAN_TRUNCATED | SCAN_HEADER_LINE)));
		/* what its client matches by comes back */
		CHECK(slice_eq(res.branch, s->branch) ||
		      memchr(s->via.p, '"', s->via.l)); /* a quote left open swallows "received" */
		CHECK(slice_eq(res.call_id, s->call_id));
		CHECK(res.cseq == s->cseq && slice_eq(res.cseq_method, s->cseq_method));
		CHECK(slice_eq(res.from_tag, s->from_tag));
		if (s->request) {
			struct buf ack = {0};
			build_ack(&ack, s, &res);
			rescan(&ack, NULL);
			buf_free(&ack);
		}
		scan_free(&res);
		buf_reset(b);
	}
	build_cancel(b, s);
	rescan(b, NULL);
	buf_reset(b);
	build_again(b, s, 2147483647, SLICE_LIT("z9hG4bKnew"), HDR_AUTHORIZATION, SLICE_LIT("Authorization: x\r\n"));
	rescan(b, &res);
	CHECK(!s->branch.l || slice_eq(res.branch, SLICE_LIT("z9hG4bKnew")));
	scan_free(&res);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {(const char *)data, size};
	struct buf b = {0};
	char text[200];
	struct scan s;
	struct msg *m;

	CHECK(scan_message(&s, bytes) == 0);
	read_all(&s);
	edit(&s, &b);
	answer(&s, &b);
	scan_free(&s);
	buf_free(&b);
	CHECK(msg_alloc(&m, bytes) == 0);
	CHECK(msg_summary(text, sizeof(text), m) == text);
	mem_deref(m);
	return 0;
}

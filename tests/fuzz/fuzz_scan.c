/* sip/scan and sip/build: each input as a message that is scanned, edited, answered and followed, and what comes of it
 * scanned again. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "net/addr.h"
#include "sip/build.h"
#include "sip/msg.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_slice(struct slice s, struct slice within)
{
	CHECK(!s.p || (s.p >= within.p && s.p + s.l <= within.p + within.l));
	CHECK(s.p || !s.l);
}

/* Each header is found by its number and by its name, in any case, at its place among those of that name. */
static void find_headers(const struct scan *s)
{
	unsigned count[HDR_COUNT] = {0}, checked = s->header_count < 50 ? s->header_count : 50;
	char upper[200];

	for (unsigned i = 0; i < checked; i++) { /* the rest of a long list is no different */
		struct slice name = scan_name(s, i), value = scan_value(s, i), found;
		enum hdr_id id = s->headers[i].id;
		unsigned n = 0;
		if (name.l > sizeof(upper))
			continue;
		if (id != HDR_OTHER) {
			n = count[id]++;
			CHECK(hdr_lookup(name) == id && hdr_lookup(slice_str(hdr_name(id))) == id);
			found = scan_header(s, id, n);
			CHECK(found.p == value.p && found.l == value.l);
		} else if (hdr_lookup(name) == HDR_OTHER) {
			for (unsigned k = 0; k < i; k++)
				n += s->headers[k].id == HDR_OTHER && slice_case_eq(scan_name(s, k), name);
		} else {
			CHECK(!memchr(name.p, ':', build_line(s, i).l)); /* a name that stands alone is no header */
			continue;
		}
		for (size_t k = 0; k < name.l; k++)
			upper[k] = name.p[k] >= 'a' && name.p[k] <= 'z' ? name.p[k] - 32 : name.p[k];
		found = scan_header_named(s, (struct slice){upper, name.l}, n);
		CHECK(found.p == value.p && found.l == value.l);
	}
	for (unsigned id = HDR_OTHER + 1; id < HDR_COUNT && checked == s->header_count; id++)
		CHECK(!scan_header(s, id, count[id]).p);
	CHECK(!scan_header_named(s, SLICE_LIT("Via"), s->header_count).p);
	CHECK(!scan_header_named(s, SLICE_NONE, s->header_count).p);
	CHECK(!hdr_name(HDR_OTHER) && !hdr_name(HDR_COUNT));
}

static void read_params(struct slice value)
{
	static const char *const params[] = {"branch", "tag", "rport", "received", "maddr", "lr", "q", "TAG", ""};
	struct slice out, lower = SLICE_NONE;

	for (size_t k = 0; k < sizeof(params) / sizeof(*params); k++) {
		out = SLICE_LIT("as it was");
		if (scan_param(&out, value, params[k])) {
			check_slice(out, value);
			CHECK(params[k][0]);
		} else {
			CHECK(slice_eq(out, SLICE_LIT("as it was")));
			out = SLICE_NONE;
		}
		CHECK(k != 7 || out.p == lower.p);
		if (k == 1)
			lower = out;
	}
}

static void read_all(const struct scan *s)
{
	const struct slice fields[] = {s->method,   s->uri,    s->reason,      s->version, s->via,
				       s->sent_by,  s->branch, s->call_id,     s->from,    s->to,
				       s->from_tag, s->to_tag, s->cseq_method, s->body};
	struct slice host = SLICE_NONE;
	uint16_t port = 1;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		check_slice(fields[i], s->bytes);
	for (unsigned i = 0; i < s->header_count; i++) {
		check_slice(scan_name(s, i), s->bytes);
		check_slice(scan_value(s, i), s->bytes);
		CHECK(s->headers[i].id < HDR_COUNT);
		if (i < 50)
			read_params(scan_value(s, i));
	}
	find_headers(s);
	CHECK(scan_sent_by(s, &host, &port) == (port != 0));
	check_slice(host, s->sent_by);
	CHECK(!*scan_flaw_text(s->flaws) == !s->flaws);
	CHECK(!(s->flaws & SCAN_NOT_SIP) || (s->flaws == SCAN_NOT_SIP && !s->header_count && !s->version.p));
	CHECK((s->flaws & (SCAN_TRUNCATED | SCAN_NOT_SIP)) ? !s->body.p : s->body.p != NULL);
	CHECK(s->flaws & (SCAN_BODY_SHORT | SCAN_NOT_SIP | SCAN_TRUNCATED) || s->content_length < 0 ||
	      s->body.l == (size_t)s->content_length);
	CHECK(s->cseq <= INT32_MAX && (s->request || !s->method.p) && (!s->request || !s->status));
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
	CHECK(slice_eq(msg_bytes(m), bytes) && msg_bytes(m).p != bytes.p);
	CHECK(msg_summary(text, sizeof(text), m) == text && msg_summary(text, 1, m)[0] == '\0');
	check_slice(msg_method(m), msg_bytes(m));
	CHECK(!msg_is(m, "INVITE") || slice_eq(msg_method(m), SLICE_LIT("INVITE")));
	mem_deref(m);
	return 0;
}

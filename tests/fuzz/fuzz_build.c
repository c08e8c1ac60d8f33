/* sip/build: what was built is scanned again and is what went in; an edit changes what it says and nothing else.
 *
 * The first octet says what is built or edited. Values come with their length before them and may hold anything but a line feed, names are
 * tokens, Request-URIs have no white space: then a value never becomes a header of its own. With MODE_DIRTY they may hold anything, and
 * all that is asked is that the bytes stand there as given. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "net/addr.h"
#include "sip/build.h"
#include "sip/msg.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODE_WHAT = 15, MODE_DIRTY = 16, MODE_LINES = 32, MODE_NO_SOURCE = 64, MODE_V6 = 128 };

#define EXTRAS 6
#define WANTED 400

struct header {
	struct slice name, value;
};

struct input {
	const uint8_t *p, *end;
	bool dirty;
	char store[65536]; /* where cleaned values live */
	size_t used;
	struct build_header extra[EXTRAS];
	unsigned extra_count;
	bool done[HDR_COUNT]; /* ids whose extras were expected already */
	struct header want[WANTED]; /* the headers that must come out, in order */
	unsigned want_count;
	bool too_many;
	bool unclear; /* the first header looks like a folded line, and is one when another stands before it */
};

static unsigned next(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

enum kind { VALUE, TOKEN, URI, ANYTHING };

static struct slice take(struct input *in, enum kind kind)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";
	size_t len = next(in) % 128, left = (size_t)(in->end - in->p), room = sizeof(in->store) - in->used;
	char *to = in->store + in->used;

	len = len < left ? len : left;
	len = len < room ? len : room;
	memcpy(to, in->p, len);
	in->p += len;
	if ((kind == TOKEN || kind == URI) && !len && room)
		to[len++] = 'x';
	for (size_t i = 0; i < len && !in->dirty; i++)
		if (kind == TOKEN)
			to[i] = token[(uint8_t)to[i] % (sizeof(token) - 1)];
		else if ((kind == VALUE && to[i] == '\n') || (kind == URI && memchr(" \t\r\n", to[i], 4)))
			to[i] = '/';
	in->used += len;
	return (struct slice){to, len};
}

/* The script's own headers: of known names in any spelling, or of others. */
static void take_extras(struct input *in)
{
	static const char *const names[] = {"Via",	    "v",	"FROM",	     "To",	     "t",	 "i",	       "CSeq",	  "Max-Forwards",
					    "Contact",	    "m",	"Route",     "content-type", "c",	 "Content-Length", "l",	  "Record-Route",
					    "Timestamp",    "Subject",	"Authorization"};
	unsigned count = next(in) % (EXTRAS + 1);

	for (unsigned i = 0; i < count; i++) {
		unsigned which = next(in);
		struct build_header *h = &in->extra[in->extra_count++];
		h->name = which & 32 ? take(in, TOKEN) : slice_str(names[which % (sizeof(names) / sizeof(*names))]);
		h->value = which & 64 ? SLICE_NONE : take(in, VALUE);
	}
}

/* --- what must come out --- */

static void want(struct input *in, struct slice name, struct slice value)
{
	if (in->want_count == WANTED)
		in->too_many = true;
	else
		in->want[in->want_count++] = (struct header){name, slice_trim(value)};
}

/* The script's headers of that number, once; false if it has none. */
static bool want_extras(struct input *in, enum hdr_id id)
{
	bool found = false;

	for (unsigned i = 0; i < in->extra_count; i++)
		if (hdr_lookup(in->extra[i].name) == id) {
			found = true;
			if (!in->done[id] && in->extra[i].value.p)
				want(in, in->extra[i].name, in->extra[i].value);
		}
	in->done[id] = in->done[id] || found;
	return found;
}

static void want_own(struct input *in, enum hdr_id id, struct slice value)
{
	if (!want_extras(in, id) && value.p)
		want(in, slice_str(hdr_name(id)), value);
}

static void want_rest(struct input *in)
{
	for (unsigned i = 0; i < in->extra_count; i++) {
		enum hdr_id id = hdr_lookup(in->extra[i].name);
		if (id != HDR_CONTENT_TYPE && id != HDR_CONTENT_LENGTH && !in->done[id] && in->extra[i].value.p)
			want(in, in->extra[i].name, in->extra[i].value);
	}
}

static void want_all_of(struct input *in, const struct scan *s)
{
	in->want_count = 0;
	for (unsigned i = 0; i < s->header_count; i++)
		want(in, scan_name(s, i), scan_value(s, i));
}

static void check_wanted(const struct input *in, const struct scan *s)
{
	if (in->too_many || in->unclear)
		return;
	CHECK(s->header_count == in->want_count);
	for (unsigned i = 0; i < in->want_count; i++) {
		CHECK(slice_eq(scan_name(s, i), in->want[i].name));
		CHECK(slice_eq(scan_value(s, i), in->want[i].value));
	}
}

/* All behind the empty line, with what is more than Content-Length says. */
static struct slice rest(const struct scan *s)
{
	return s->body.p ? (struct slice){s->body.p, (size_t)(s->bytes.p + s->bytes.l - s->body.p)} : SLICE_NONE;
}

static void scan_buf(struct scan *s, const struct buf *b)
{
	CHECK(!b->failed);
	CHECK(scan_message(s, buf_slice(b)) == 0);
}

static bool contains(const struct buf *b, struct slice s)
{
	return !s.l || slice_find(buf_slice(b), s, 0) >= 0;
}

/* --- requests and what follows them --- */

static void request(struct input *in, struct buf *out, bool lines)
{
	static const char line[] = "X-Line: 1\r\n";
	struct slice routes[3];
	struct build_request r = {.method = take(in, TOKEN), .uri = take(in, URI), .via = take(in, VALUE), .routes = routes};
	unsigned flags = next(in);
	char number[16], cseq[160];
	struct scan s;

	r.from = take(in, VALUE);
	r.to = take(in, VALUE);
	r.call_id = take(in, VALUE);
	r.cseq = flags & 1 ? 4294967295u : 1 + flags;
	r.max_forwards = flags & 2 ? 70 : 4294967295u;
	r.route_count = flags >> 2 & 3;
	for (unsigned i = 0; i < r.route_count; i++)
		routes[i] = take(in, VALUE);
	r.contact = flags & 16 ? take(in, VALUE) : SLICE_NONE;
	r.content_type = flags & 32 ? take(in, VALUE) : SLICE_NONE;
	r.body = flags & 64 ? take(in, ANYTHING) : SLICE_NONE;
	r.lines = lines ? slice_str(line) : SLICE_NONE;
	take_extras(in);
	r.extra = in->extra;
	r.extra_count = in->extra_count;
	build_request(out, &r);
	scan_buf(&s, out);
	if (in->dirty) {
		CHECK(contains(out, r.method) && contains(out, r.uri) && contains(out, r.body) && contains(out, r.lines));
		for (unsigned i = 0; i < r.extra_count; i++)
			CHECK(contains(out, r.extra[i].name) || !r.extra[i].value.p);
		scan_free(&s);
		return;
	}

	want_own(in, HDR_VIA, r.via);
	snprintf(number, sizeof(number), "%u", r.max_forwards);
	want_own(in, HDR_MAX_FORWARDS, slice_str(number));
	if (!want_extras(in, HDR_ROUTE))
		for (unsigned i = 0; i < r.route_count; i++)
			want(in, SLICE_LIT("Route"), routes[i]);
	want_own(in, HDR_FROM, r.from);
	want_own(in, HDR_TO, r.to);
	want_own(in, HDR_CALL_ID, r.call_id);
	snprintf(cseq, sizeof(cseq), "%u %.*s", r.cseq, SLICE_ARG(r.method));
	want_own(in, HDR_CSEQ, slice_str(cseq));
	want_own(in, HDR_CONTACT, r.contact);
	if (lines)
		want(in, SLICE_LIT("X-Line"), SLICE_LIT("1"));
	want_rest(in);
	want_own(in, HDR_CONTENT_TYPE, r.content_type);
	char length[16];
	snprintf(length, sizeof(length), "%zu", r.body.l);
	want_own(in, HDR_CONTENT_LENGTH, slice_str(length));
	check_wanted(in, &s);
	CHECK(s.request && slice_eq(s.method, r.method) && slice_eq(s.uri, r.uri));
	CHECK(!(s.flaws & (SCAN_NOT_SIP | SCAN_START_LINE | SCAN_TRUNCATED | SCAN_HEADER_LINE | SCAN_VERSION)));
	CHECK(slice_eq(rest(&s), r.body));
	if (!in->done[HDR_CONTENT_LENGTH])
		CHECK(slice_eq(s.body, r.body) && s.content_length == (int64_t)r.body.l);
	if (!in->done[HDR_CSEQ])
		CHECK((r.cseq > INT32_MAX) == ((s.flaws & SCAN_CSEQ) != 0));
	scan_free(&s);
}

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.l; i++)
		if (strchr("\"<>", s.p[i]) && s.p[i])
			return false;
	return true;
}

/* The top Via as RFC 3261 18.2.1 and RFC 3581 4 want it back; `via` is where the request came with it. */
static void check_via(const struct scan *res, const struct scan *req, const struct addr *source)
{
	struct slice before, after, host, sent_host = SLICE_NONE;
	char text[ADDR_STRLEN], port[8];
	struct addr sent;
	uint16_t sent_port;

	host = slice_str(addr_host(text, source));
	if (text[0] == '[')
		host = (struct slice){host.p + 1, host.l - 2};
	snprintf(port, sizeof(port), "%u", addr_port(source));
	CHECK(slice_eq(res->branch, req->branch) && slice_eq(res->sent_by, req->sent_by));
	bool asked = scan_param(&before, req->via, "rport");
	CHECK(scan_param(&after, res->via, "rport") == asked);
	CHECK(!asked || slice_eq(after, before.l ? before : slice_str(port)));
	bool told = scan_param(&before, req->via, "received");
	scan_sent_by(req, &sent_host, &sent_port);
	bool other = !addr_set(&sent, sent_host, 0) || !addr_host_eq(&sent, source);
	CHECK(scan_param(&after, res->via, "received") == (told || asked || other));
	CHECK(!(told || asked || other) || slice_eq(after, host));
}

static void response(struct input *in, const struct scan *req, const struct addr *source, struct buf *out)
{
	static const uint16_t statuses[] = {100, 180, 200, 302, 407, 699, 299, 101};
	struct build_response r = {.status = statuses[next(in) % 8], .source = source, .extra = in->extra};
	unsigned flags = next(in);
	char to[70000], length[16];
	bool other_via = false;
	struct scan s;

	r.reason = flags & 1 ? take(in, VALUE) : SLICE_NONE;
	r.to_tag = flags & 2 ? take(in, TOKEN) : SLICE_NONE;
	r.contact = flags & 4 ? take(in, VALUE) : SLICE_NONE;
	r.content_type = flags & 8 ? take(in, VALUE) : SLICE_NONE;
	r.body = flags & 16 ? take(in, ANYTHING) : SLICE_NONE;
	take_extras(in);
	r.extra_count = in->extra_count;
	build_response(out, req, &r);
	scan_buf(&s, out);
	if (in->dirty) {
		CHECK(contains(out, r.reason) && contains(out, r.body));
		scan_free(&s);
		return;
	}

	for (unsigned i = 0; i < req->header_count; i++) {
		enum hdr_id id = req->headers[i].id;
		struct slice value = scan_value(req, i);
		bool copied = id == HDR_VIA || id == HDR_FROM || id == HDR_TO || id == HDR_CALL_ID || id == HDR_CSEQ ||
			      (id == HDR_TIMESTAMP && r.status == 100) || (id == HDR_RECORD_ROUTE && r.status > 100 && r.status < 300);
		if (!copied || want_extras(in, id))
			continue;
		if (id == HDR_VIA && value.p == req->via.p && source) {
			other_via = true;
			value = scan_header(&s, HDR_VIA, 0); /* see check_via() */
		}
		if (id == HDR_TO && value.p == req->to.p && !req->to_tag.p && r.to_tag.p && r.status > 100 && value.l < 65536) {
			snprintf(to, sizeof(to), "%*s;tag=%.*s", (int)value.l, "", SLICE_ARG(r.to_tag));
			memcpy(to, value.p, value.l);
			value = (struct slice){to, value.l + 5 + r.to_tag.l};
		}
		want(in, scan_name(req, i), value);
	}
	want_own(in, HDR_CONTACT, r.contact);
	want_rest(in);
	want_own(in, HDR_CONTENT_TYPE, r.content_type);
	snprintf(length, sizeof(length), "%zu", r.body.l);
	want_own(in, HDR_CONTENT_LENGTH, slice_str(length));
	check_wanted(in, &s);
	CHECK(!s.request && s.status == r.status);
	CHECK(!r.reason.p || slice_eq(slice_trim(s.reason), slice_trim(r.reason)));
	CHECK(r.reason.p || slice_eq(s.reason, slice_str(build_reason(r.status))));
	CHECK(!(s.flaws & (SCAN_NOT_SIP | SCAN_TRUNCATED | SCAN_VERSION | SCAN_START_LINE)));
	CHECK(slice_eq(rest(&s), r.body));
	if (other_via && is_plain(req->via))
		check_via(&s, req, source);
	scan_free(&s);
}

static void follow(struct input *in, const struct scan *req, const struct scan *res, struct buf *out)
{
	bool ack = res != NULL;
	struct slice to = ack && res->to.p ? res->to : req->to, max = scan_header(req, HDR_MAX_FORWARDS, 0);
	char cseq[40];
	struct scan s;

	if (ack)
		build_ack(out, req, res);
	else
		build_cancel(out, req);
	scan_buf(&s, out);
	in->want_count = 0;
	in->extra_count = 0;
	want_own(in, HDR_VIA, req->via);
	want_own(in, HDR_MAX_FORWARDS, max.p ? max : SLICE_LIT("70"));
	for (unsigned i = 0; i < req->header_count; i++)
		if (req->headers[i].id == HDR_ROUTE)
			want(in, SLICE_LIT("Route"), scan_value(req, i));
	want_own(in, HDR_FROM, req->from);
	want_own(in, HDR_TO, to);
	want_own(in, HDR_CALL_ID, req->call_id);
	snprintf(cseq, sizeof(cseq), "%u %s", req->cseq, ack ? "ACK" : "CANCEL");
	want_own(in, HDR_CSEQ, slice_str(cseq));
	want_own(in, HDR_CONTENT_LENGTH, SLICE_LIT("0"));
	check_wanted(in, &s);
	CHECK(slice_eq(s.uri, req->uri) && s.body.p && !s.body.l);
	scan_free(&s);
}

/* --- edits --- */

static void check_same_frame(const struct scan *s, const struct scan *before)
{
	CHECK(s->request == before->request && s->status == before->status && slice_eq(s->method, before->method));
	CHECK(slice_eq(s->uri, before->uri) && slice_eq(s->reason, before->reason) && slice_eq(s->version, before->version));
}

static void again(struct input *in, const struct scan *s, struct buf *out)
{
	static const enum hdr_id drops[] = {HDR_OTHER, HDR_AUTHORIZATION, HDR_SUBJECT, HDR_CONTENT_LENGTH};
	enum hdr_id drop = drops[next(in) % 4];
	struct slice branch = take(in, TOKEN), lines = next(in) & 1 ? SLICE_LIT("X-Line: 1\r\n") : SLICE_NONE;
	bool lines_due = lines.l, cseq_due = !(s->flaws & SCAN_CSEQ);
	uint32_t cseq = next(in) + 1;
	static char via[70000];
	char number[200];
	struct scan after;

	build_again(out, s, cseq, branch, drop, lines);
	scan_buf(&after, out);
	in->want_count = 0;
	for (unsigned i = 0; i < s->header_count; i++) {
		enum hdr_id id = s->headers[i].id;
		struct slice value = scan_value(s, i);
		if (id == drop && drop != HDR_OTHER)
			continue;
		if (lines_due && (id == HDR_CONTENT_TYPE || id == HDR_CONTENT_LENGTH)) {
			want(in, SLICE_LIT("X-Line"), SLICE_LIT("1"));
			lines_due = false;
		}
		if (value.p == s->via.p && s->branch.l && value.l < 65536) {
			size_t at = (size_t)(s->branch.p - value.p);
			memcpy(via, value.p, at);
			memcpy(via + at, branch.p, branch.l);
			memcpy(via + at + branch.l, s->branch.p + s->branch.l, value.l - at - s->branch.l);
			value = (struct slice){via, value.l - s->branch.l + branch.l};
		} else if (id == HDR_CSEQ && cseq_due) {
			size_t digits = strspn(value.p, "0123456789");
			if (value.l > 100)
				in->too_many = true; /* of white space */
			snprintf(number, sizeof(number), "%u%.*s", cseq, (int)(value.l > 100 ? 0 : value.l - digits), value.p + digits);
			value = slice_str(number);
			cseq_due = false;
		}
		want(in, scan_name(s, i), value);
	}
	if (lines_due)
		want(in, SLICE_LIT("X-Line"), SLICE_LIT("1"));
	check_same_frame(&after, s);
	check_wanted(in, &after);
	CHECK(slice_eq(rest(&after), rest(s)));
	CHECK(!s->branch.l || slice_eq(after.branch, branch));
	scan_free(&after);
}

static void edit(struct input *in, unsigned what, const struct scan *s, struct buf *out)
{
	unsigned n = s->header_count, i = next(in) | next(in) << 8;
	struct slice name = SLICE_NONE, value = SLICE_NONE;
	bool set_length = i & 1;
	char length[24];
	struct scan after;

	want_all_of(in, s);
	switch (what % 5) {
	case 0:
		if (!n)
			return;
		value = take(in, VALUE);
		build_replace(out, s, i % n, value);
		if (!in->too_many)
			in->want[i % n].value = slice_trim(value);
		break;
	case 1:
		name = take(in, TOKEN);
		value = take(in, VALUE);
		i %= n + 1;
		build_insert(out, s, i, name, value);
		in->want_count = 0;
		for (unsigned k = 0; k <= n; k++) {
			if (k == i)
				want(in, name, value);
			if (k < n)
				want(in, scan_name(s, k), scan_value(s, k));
		}
		break;
	case 2:
		if (!n)
			return;
		build_remove(out, s, i % n);
		in->want_count = 0;
		for (unsigned k = 0; k < n; k++)
			if (k != i % n)
				want(in, scan_name(s, k), scan_value(s, k));
		break;
	case 3: {
		unsigned order[2] = {n ? i % n : 0, n ? (i >> 8) % n : 0}, count = !n ? 0 : order[0] == order[1] ? 1 : 2;
		build_reorder(out, s, order, count);
		in->want_count = 0;
		for (unsigned k = 0; k < count; k++)
			want(in, scan_name(s, order[k]), scan_value(s, order[k]));
		for (unsigned k = 0; k < n; k++)
			if (!count || (k != order[0] && k != order[count - 1]))
				want(in, scan_name(s, k), scan_value(s, k));
		break;
	}
	case 4:
		value = take(in, ANYTHING);
		build_body(out, s, value, set_length);
		snprintf(length, sizeof(length), "%zu", value.l);
		for (unsigned k = 0; k < in->want_count && set_length; k++)
			if (s->headers[k].id == HDR_CONTENT_LENGTH)
				in->want[k].value = slice_str(length);
		break;
	}
	scan_buf(&after, out);
	check_same_frame(&after, s);
	check_wanted(in, &after);
	if (what % 5 == 4) {
		CHECK(slice_eq(rest(&after), value));
		CHECK(!set_length || slice_eq(after.body, value));
	} else {
		CHECK(slice_eq(rest(&after), rest(s)));
	}
	scan_free(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;
	struct buf out = {0};
	struct addr source;
	struct scan s, res;

	memset(&in, 0, offsetof(struct input, store));
	memset(&in.used, 0, sizeof(in) - offsetof(struct input, used));
	in.p = data;
	in.end = data + size;
	unsigned mode = next(&in), what = mode & MODE_WHAT;
	in.dirty = mode & MODE_DIRTY;
	CHECK(addr_parse(&source, mode & MODE_V6 ? SLICE_LIT("[2001:db8::1]:9") : SLICE_LIT("198.18.0.1:5060"), 5060));
	if (what < 4) {
		request(&in, &out, mode & MODE_LINES);
		goto end;
	}
	/* what follows works on a message: the rest of the input, behind a 16-bit length of the arguments */
	size_t args = next(&in) | next(&in) << 8, left = (size_t)(in.end - in.p);
	args = args < left ? args : left;
	const struct slice message = {(const char *)in.p + args, left - args};
	in.end = in.p + args;
	CHECK(scan_message(&s, message) == 0);
	in.unclear = s.header_count && (*scan_name(&s, 0).p == ' ' || *scan_name(&s, 0).p == '\t');
	if (s.flaws & SCAN_NOT_SIP || (what >= 9 && in.dirty))
		;
	else if (what < 7)
		response(&in, &s, mode & MODE_NO_SOURCE ? NULL : &source, &out);
	else if (what == 7 && s.request && !(s.flaws & SCAN_START_LINE))
		follow(&in, &s, NULL, &out);
	else if (what == 8 && s.request && !(s.flaws & SCAN_START_LINE)) {
		CHECK(scan_message(&res, (struct slice){(const char *)in.p, args}) == 0);
		follow(&in, &s, &res, &out);
		scan_free(&res);
	} else if (what == 9)
		again(&in, &s, &out);
	else if (what > 9)
		edit(&in, what, &s, &out);
	scan_free(&s);
end:
	buf_free(&out);
	CHECK(!mem_live());
	return 0;
}

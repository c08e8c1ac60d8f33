#include "sip/build.h"

#include "net/addr.h"

#include <stdio.h>

/* clang-format off */
const char *build_reason(unsigned status)
{
	switch (status) {
	case 100: return "Trying";
	case 180: return "Ringing";
	case 181: return "Call Is Being Forwarded";
	case 182: return "Queued";
	case 183: return "Session Progress";
	case 199: return "Early Dialog Terminated";
	case 200: return "OK";
	case 202: return "Accepted";
	case 204: return "No Notification";
	case 300: return "Multiple Choices";
	case 301: return "Moved Permanently";
	case 302: return "Moved Temporarily";
	case 305: return "Use Proxy";
	case 380: return "Alternative Service";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 402: return "Payment Required";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 406: return "Not Acceptable";
	case 407: return "Proxy Authentication Required";
	case 408: return "Request Timeout";
	case 410: return "Gone";
	case 412: return "Conditional Request Failed";
	case 413: return "Request Entity Too Large";
	case 414: return "Request-URI Too Long";
	case 415: return "Unsupported Media Type";
	case 416: return "Unsupported URI Scheme";
	case 420: return "Bad Extension";
	case 421: return "Extension Required";
	case 422: return "Session Interval Too Small";
	case 423: return "Interval Too Brief";
	case 424: return "Bad Location Information";
	case 428: return "Use Identity Header";
	case 429: return "Provide Referrer Identity";
	case 433: return "Anonymity Disallowed";
	case 436: return "Bad Identity Info";
	case 438: return "Invalid Identity Header";
	case 439: return "First Hop Lacks Outbound Support";
	case 440: return "Max-Breadth Exceeded";
	case 469: return "Bad Info Package";
	case 480: return "Temporarily Unavailable";
	case 481: return "Call/Transaction Does Not Exist";
	case 482: return "Loop Detected";
	case 483: return "Too Many Hops";
	case 484: return "Address Incomplete";
	case 485: return "Ambiguous";
	case 486: return "Busy Here";
	case 487: return "Request Terminated";
	case 488: return "Not Acceptable Here";
	case 489: return "Bad Event";
	case 491: return "Request Pending";
	case 493: return "Undecipherable";
	case 494: return "Security Agreement Required";
	case 500: return "Server Internal Error";
	case 501: return "Not Implemented";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 504: return "Server Time-out";
	case 505: return "Version Not Supported";
	case 513: return "Message Too Large";
	case 580: return "Precondition Failure";
	case 600: return "Busy Everywhere";
	case 603: return "Decline";
	case 604: return "Does Not Exist Anywhere";
	case 606: return "Not Acceptable";
	default: return "Unknown";
	}
}
/* clang-format on */

static void put_header(struct buf *out, struct slice name, struct slice value)
{
	if (!buf_reserve(out, name.l + value.l + 4))
		return;
	char *p = write_slice(buf_end(out), name);
	p = write_text(p, ": ");
	p = write_slice(p, value);
	buf_ends_at(out, write_text(p, "\r\n"));
}

/* Unless it is missing. */
static void put_given(struct buf *out, enum hdr_id id, struct slice value)
{
	if (value.p)
		put_header(out, hdr_text(id), value);
}

/* Headers of the script's own: which names occur, and which of those were written in the place of the engine's. */
struct extras {
	const struct build_header *h;
	unsigned count;
	uint64_t present, done; /* bit = hdr_id */
};

static void extras_init(struct extras *x, const struct build_header *h, unsigned count)
{
	*x = (struct extras){.h = h, .count = count};
	for (unsigned i = 0; i < count; i++)
		x->present |= 1ull << hdr_lookup(h[i].name);
}

static void put_extra(struct buf *out, const struct build_header *h)
{
	if (h->value.p)
		put_header(out, h->name, h->value);
}

static void put_overriding(struct buf *out, struct extras *x, enum hdr_id id)
{
	for (unsigned i = 0; i < x->count; i++)
		if (hdr_lookup(x->h[i].name) == id)
			put_extra(out, &x->h[i]);
}

/* Writes the script's headers of that name, once, and says whether the engine's own is to be left out. */
static inline bool overridden(struct buf *out, struct extras *x, enum hdr_id id)
{
	const uint64_t bit = 1ull << id;

	if (!(x->present & bit))
		return false;
	if (!(x->done & bit))
		put_overriding(out, x, id);
	x->done |= bit;
	return true;
}

/* A header of the engine's own, unless its value is missing. `begin` is "Name: ", of a length that the compiler knows. */
static inline __attribute__((always_inline)) void put_own(struct buf *out, struct extras *x, enum hdr_id id, const char *begin,
							  struct slice value)
{
	if (overridden(out, x, id) || !value.p || !buf_reserve(out, strlen(begin) + value.l + 2))
		return;
	char *p = write_slice(write_text(buf_end(out), begin), value);
	buf_ends_at(out, write_text(p, "\r\n"));
}

static inline void put_own_number(struct buf *out, struct extras *x, enum hdr_id id, const char *begin, uint64_t n)
{
	if (overridden(out, x, id) || !buf_reserve(out, strlen(begin) + WRITE_DIGITS_MAX + 2))
		return;
	char *p = write_digits(write_text(buf_end(out), begin), n);
	buf_ends_at(out, write_text(p, "\r\n"));
}

static void put_rest(struct buf *out, const struct extras *x)
{
	const uint64_t others = x->done | 1ull << HDR_CONTENT_TYPE | 1ull << HDR_CONTENT_LENGTH;

	for (unsigned i = 0; i < x->count; i++)
		if (!(x->present & others) || !(others & 1ull << hdr_lookup(x->h[i].name)))
			put_extra(out, &x->h[i]);
}

static void put_body(struct buf *out, struct extras *x, struct slice content_type, struct slice body)
{
	put_own(out, x, HDR_CONTENT_TYPE, "Content-Type: ", content_type);
	put_own_number(out, x, HDR_CONTENT_LENGTH, "Content-Length: ", body.l);
	buf_put(out, "\r\n", 2);
	buf_put_slice(out, body);
}

/* "METHOD uri SIP/2.0" */
static void put_request_line(struct buf *out, struct slice method, struct slice uri)
{
	const char version[] = " SIP/2.0\r\n";

	if (!buf_reserve(out, method.l + 1 + uri.l + sizeof(version)))
		return;
	char *p = write_slice(buf_end(out), method);
	*p++ = ' ';
	buf_ends_at(out, write_text(write_slice(p, uri), version));
}

static void put_cseq(struct buf *out, uint32_t cseq, struct slice method)
{
	const char begin[] = "CSeq: ";

	if (!buf_reserve(out, sizeof(begin) + WRITE_DIGITS_MAX + method.l + 3))
		return;
	char *p = write_digits(write_text(buf_end(out), begin), cseq);
	*p++ = ' ';
	buf_ends_at(out, write_text(write_slice(p, method), "\r\n"));
}

void build_request(struct buf *out, const struct build_request *r)
{
	struct extras x;

	extras_init(&x, r->extra, r->extra_count);
	put_request_line(out, r->method, r->uri);
	put_own(out, &x, HDR_VIA, "Via: ", r->via);
	put_own_number(out, &x, HDR_MAX_FORWARDS, "Max-Forwards: ", r->max_forwards);
	if (!overridden(out, &x, HDR_ROUTE))
		for (unsigned i = 0; i < r->route_count; i++)
			put_header(out, SLICE_LIT("Route"), r->routes[i]);
	put_own(out, &x, HDR_FROM, "From: ", r->from);
	put_own(out, &x, HDR_TO, "To: ", r->to);
	put_own(out, &x, HDR_CALL_ID, "Call-ID: ", r->call_id);
	if (!overridden(out, &x, HDR_CSEQ))
		put_cseq(out, r->cseq, r->method);
	put_own(out, &x, HDR_CONTACT, "Contact: ", r->contact);
	buf_put_slice(out, r->lines);
	put_rest(out, &x);
	put_body(out, &x, r->content_type, r->body);
}

/* Bytes of a request on their way into its response: what stands together there is copied at once. */
struct copy {
	struct buf *out;
	const char *from, *to; /* not written yet */
};

static void copy_flush(struct copy *c)
{
	buf_put(c->out, c->from, (size_t)(c->to - c->from));
	c->from = c->to;
}

static inline void copy_at(struct copy *c, const char *p)
{
	if (p == c->to)
		return;
	copy_flush(c);
	c->from = c->to = p;
}

static inline void copy(struct copy *c, struct slice s)
{
	copy_at(c, s.p);
	c->to = s.p + s.l;
}

static void copy_insert(struct copy *c, struct slice begin, struct slice s)
{
	copy_flush(c);
	buf_put_slice(c->out, begin);
	buf_put_slice(c->out, s);
}

/* `text`, copied where it stands behind what was copied last, as it nearly always does. */
static inline void copy_or_insert(struct copy *c, const char *text, const char *end)
{
	if (end - c->to >= 2 && !memcmp(c->to, text, 2))
		c->to += 2;
	else
		copy_insert(c, SLICE_NONE, (struct slice){text, 2});
}

/* `value` for the one that the parameter has, `old`, maybe without its '='. */
static void copy_param(struct copy *c, struct slice old, struct slice value)
{
	const char *before = old.p;

	while (before[-1] == ' ' || before[-1] == '\t' || before[-1] == '\r' || before[-1] == '\n')
		before--;
	c->to = before;
	copy_insert(c, before[-1] == '=' ? SLICE_NONE : SLICE_LIT("="), value);
	copy_at(c, old.p + old.l);
}

/* Whether the host of the sent-by is the source, in whatever spelling. */
static bool sent_from(const struct scan *req, const struct addr *source, struct slice text)
{
	struct slice host;
	struct addr sent;
	uint16_t port;

	scan_sent_by(req, &host, &port);
	return slice_eq(host, text) || (addr_set(&sent, host, 0) && addr_host_eq(&sent, source));
}

/* The top Via as a server hands it back: with the source address it saw (RFC 3261 18.2.1, RFC 3581 4). `via` is the
 * header's value, which begins with req->via. */
static void copy_top_via(struct copy *c, struct slice via, const struct scan *req, const struct addr *source)
{
	struct addr_text text;
	struct scan_via v;
	scan_via_params(&v, req);
	bool set_rport = v.rport.p && v.rport.l == 0; /* RFC 3581 4: only one without a value */

	addr_text(&text, source); /* received = IPv6address, without brackets (RFC 3261 25.1, RFC 5118 4.5) */
	copy_at(c, via.p);
	if (set_rport && (!v.received.p || v.rport.p < v.received.p)) {
		copy_param(c, v.rport, text.port);
		set_rport = false;
	}
	if (v.received.p)
		copy_param(c, v.received, text.plain);
	if (set_rport)
		copy_param(c, v.rport, text.port);
	c->to = req->via.p + req->via.l;
	if (!v.received.p && (v.rport.p || !sent_from(req, source, text.host)))
		copy_insert(c, SLICE_LIT(";received="), text.plain);
	c->to = via.p + via.l;
}

static void put_status_line(struct buf *out, unsigned status, struct slice reason)
{
	const char begin[] = "SIP/2.0 ";

	if (!buf_reserve(out, sizeof(begin) + WRITE_DIGITS_MAX + reason.l + 3))
		return;
	char *p = write_digits(write_text(buf_end(out), begin), status);
	*p++ = ' ';
	buf_ends_at(out, write_text(write_slice(p, reason), "\r\n"));
}

void build_response(struct buf *out, const struct scan *req, const struct build_response *r)
{
	const uint64_t copied = 1ull << HDR_VIA | 1ull << HDR_FROM | 1ull << HDR_TO | 1ull << HDR_CALL_ID |
				1ull << HDR_CSEQ |
				(r->status == 100 ? 1ull << HDR_TIMESTAMP : 0) | /* RFC 3261 8.2.6.1 */
				(r->status > 100 && r->status < 300 ? 1ull << HDR_RECORD_ROUTE : 0);
	const char *end = req->bytes.p + req->bytes.l;
	struct copy c = {.out = out, .from = end, .to = end};
	struct extras x;

	extras_init(&x, r->extra, r->extra_count);
	put_status_line(out, r->status, r->reason.p ? r->reason : slice_str(build_reason(r->status)));
	for (unsigned i = 0; i < req->header_count; i++) {
		enum hdr_id id = req->headers[i].id;

		if (!(copied & 1ull << id))
			continue;
		/* What the script gives in place of a copied header stands once, where the first of them stood. */
		if (x.present & 1ull << id) {
			copy_flush(&c);
			overridden(out, &x, id);
			continue;
		}
		struct slice value = scan_value(req, i);
		copy(&c, scan_name(req, i));
		copy_or_insert(&c, ": ", end);
		if (r->source && value.p == req->via.p)
			copy_top_via(&c, value, req, r->source);
		else
			copy(&c, value);
		if (value.p == req->to.p && !req->to_tag.p && r->to_tag.p && r->status > 100)
			copy_insert(&c, SLICE_LIT(";tag="), r->to_tag);
		copy_or_insert(&c, "\r\n", end);
	}
	copy_flush(&c);
	put_own(out, &x, HDR_CONTACT, "Contact: ", r->contact);
	put_rest(out, &x);
	put_body(out, &x, r->content_type, r->body);
}

/* A request that follows `req` to its next hop, with its Request-URI, top Via, Route set, From, Call-ID and CSeq
 * number. */
static void put_follower(struct buf *out, const struct scan *req, struct slice method, struct slice to)
{
	struct slice max_forwards = scan_header(req, HDR_MAX_FORWARDS, 0);

	put_request_line(out, method, req->uri);
	put_given(out, HDR_VIA, req->via);
	put_given(out, HDR_MAX_FORWARDS, max_forwards.p ? max_forwards : SLICE_LIT("70"));
	for (unsigned i = 0; i < req->header_count; i++)
		if (req->headers[i].id == HDR_ROUTE)
			put_given(out, HDR_ROUTE, scan_value(req, i));
	put_given(out, HDR_FROM, req->from);
	put_given(out, HDR_TO, to);
	put_given(out, HDR_CALL_ID, req->call_id);
	put_cseq(out, req->cseq, method);
	buf_puts(out, "Content-Length: 0\r\n\r\n");
}

void build_ack(struct buf *out, const struct scan *req, const struct scan *response)
{
	put_follower(out, req, SLICE_LIT("ACK"), response->to.p ? response->to : req->to);
}

void build_cancel(struct buf *out, const struct scan *req)
{
	put_follower(out, req, SLICE_LIT("CANCEL"), req->to);
}

/* The empty line and the body; when the headers do not end, nothing, or the CR that is the half of that line. */
static struct slice tail(const struct scan *s)
{
	const char *end = s->bytes.p + s->bytes.l;
	const char *p = s->body.p ? s->body.p : end;

	if (s->body.p) {
		p--; /* LF */
		if (p > s->bytes.p && p[-1] == '\r')
			p--;
	} else if (s->bytes.l >= 2 && p[-1] == '\r' && p[-2] == '\n') {
		p--;
	}
	return slice_between(p, end);
}

struct slice build_start_line(const struct scan *s)
{
	const char *end = s->header_count ? s->bytes.p + s->headers[0].name : tail(s).p;

	return slice_between(s->bytes.p, end);
}

struct slice build_line(const struct scan *s, unsigned i)
{
	const char *p = s->bytes.p + s->headers[i].name;
	const char *end = i + 1 < s->header_count ? s->bytes.p + s->headers[i + 1].name : tail(s).p;

	return slice_between(p, end);
}

/* Ends the line before, which a truncated message may have left open. */
static void end_line(struct buf *out)
{
	uint8_t last = out->len ? out->p[out->len - 1] : '\n';

	if (last != '\n')
		buf_puts(out, last == '\r' ? "\n" : "\r\n");
}

static void put_line(struct buf *out, struct slice line)
{
	end_line(out);
	buf_put_slice(out, line);
}

static void put_lines(struct buf *out, const struct scan *s, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		put_line(out, build_line(s, i));
}

/* Line i with `value` in the place of its value, or of the part of it that is `old`. */
static void put_changed(struct buf *out, const struct scan *s, unsigned i, struct slice old, struct slice value)
{
	struct slice line = build_line(s, i);
	const char *behind = old.p + old.l;

	end_line(out);
	buf_put(out, line.p, (size_t)(old.p - line.p));
	if (old.l == 0) {
		if (!memchr(line.p, ':', (size_t)(old.p - line.p)))
			buf_put(out, ": ", 2);
		else if (old.p[-1] == ':')
			buf_put(out, " ", 1);
	}
	buf_put_slice(out, value);
	buf_put(out, behind, (size_t)(line.p + line.l - behind));
}

void build_replace(struct buf *out, const struct scan *s, unsigned i, struct slice value)
{
	buf_put_slice(out, build_start_line(s));
	put_lines(out, s, 0, i);
	put_changed(out, s, i, scan_value(s, i), value);
	put_lines(out, s, i + 1, s->header_count);
	buf_put_slice(out, tail(s));
}

void build_insert(struct buf *out, const struct scan *s, unsigned i, struct slice name, struct slice value)
{
	buf_put_slice(out, build_start_line(s));
	put_lines(out, s, 0, i);
	end_line(out);
	put_header(out, name, value);
	put_lines(out, s, i, s->header_count);
	buf_put_slice(out, tail(s));
}

void build_remove(struct buf *out, const struct scan *s, unsigned i)
{
	buf_put_slice(out, build_start_line(s));
	put_lines(out, s, 0, i);
	put_lines(out, s, i + 1, s->header_count);
	buf_put_slice(out, tail(s));
}

static bool among(const unsigned *order, unsigned count, unsigned i)
{
	for (unsigned k = 0; k < count; k++)
		if (order[k] == i)
			return true;
	return false;
}

void build_reorder(struct buf *out, const struct scan *s, const unsigned *order, unsigned count)
{
	buf_put_slice(out, build_start_line(s));
	for (unsigned k = 0; k < count; k++)
		put_line(out, build_line(s, order[k]));
	for (unsigned i = 0; i < s->header_count; i++)
		if (!among(order, count, i))
			put_line(out, build_line(s, i));
	buf_put_slice(out, tail(s));
}

void build_body(struct buf *out, const struct scan *s, struct slice body, bool set_length)
{
	struct slice end = tail(s);
	char length[24];

	snprintf(length, sizeof(length), "%zu", body.l);
	buf_put_slice(out, build_start_line(s));
	for (unsigned i = 0; i < s->header_count; i++) {
		if (set_length && s->headers[i].id == HDR_CONTENT_LENGTH)
			put_changed(out, s, i, scan_value(s, i), slice_str(length));
		else
			put_line(out, build_line(s, i));
	}
	if (s->body.p) {
		buf_put(out, end.p, (size_t)(s->body.p - end.p)); /* the empty line as it was */
	} else {
		end_line(out);
		buf_put(out, "\r\n", 2);
	}
	buf_put_slice(out, body);
}

void build_again(struct buf *out, const struct scan *req, uint32_t cseq, struct slice branch, enum hdr_id drop,
		 struct slice lines)
{
	bool lines_done = lines.l == 0, cseq_done = req->flaws & SCAN_CSEQ;
	char number[16];

	snprintf(number, sizeof(number), "%u", cseq);
	buf_put_slice(out, build_start_line(req));
	for (unsigned i = 0; i < req->header_count; i++) {
		enum hdr_id id = req->headers[i].id;
		struct slice value = scan_value(req, i);

		if (id == drop && drop != HDR_OTHER)
			continue;
		if (!lines_done && (id == HDR_CONTENT_TYPE || id == HDR_CONTENT_LENGTH)) {
			put_line(out, lines);
			lines_done = true;
		}
		if (value.p == req->via.p && req->branch.l) {
			put_changed(out, req, i, req->branch, branch);
		} else if (id == HDR_CSEQ && !cseq_done) {
			value.l = strspn(value.p, "0123456789"); /* a method stands behind it */
			put_changed(out, req, i, value, slice_str(number));
			cseq_done = true;
		} else {
			put_line(out, build_line(req, i));
		}
	}
	if (!lines_done)
		put_line(out, lines);
	buf_put_slice(out, tail(req));
}

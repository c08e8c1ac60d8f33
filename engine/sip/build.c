#include "sip/build.h"

#include "net/addr.h"

#include <stdio.h>

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

static void put_header(struct buf *out, struct slice name, struct slice value)
{
	buf_put_slice(out, name);
	buf_put(out, ": ", 2);
	buf_put_slice(out, value);
	buf_put(out, "\r\n", 2);
}

/* Headers of the script's own, and which of them were written. */
struct extras {
	const struct build_header *h;
	unsigned count;
	uint64_t done; /* bit i: h[i] stands already; scripts with more than 64 headers get the rest at the end */
};

static bool same_name(struct slice name, const char *full)
{
	enum hdr_id id = hdr_lookup(name);

	return id != HDR_OTHER ? slice_eq(slice_str(hdr_name(id)), slice_str(full)) : slice_case_eq(name, slice_str(full));
}

/* Writes the script's headers called `name` here and says whether the engine's own is to be left out. */
static bool overridden(struct buf *out, struct extras *x, const char *name)
{
	bool found = false;

	for (unsigned i = 0; i < x->count && i < 64; i++) {
		if (!same_name(x->h[i].name, name))
			continue;
		if (!(x->done & (1ull << i)) && x->h[i].value.p)
			put_header(out, x->h[i].name, x->h[i].value);
		x->done |= 1ull << i;
		found = true;
	}
	return found;
}

static void put_own(struct buf *out, struct extras *x, const char *name, struct slice value)
{
	if (x->count && overridden(out, x, name))
		return;
	if (value.p)
		put_header(out, slice_str(name), value);
}

static void put_rest(struct buf *out, struct extras *x)
{
	for (unsigned i = 0; i < x->count; i++) {
		if (i < 64 && (x->done & (1ull << i)))
			continue;
		if (same_name(x->h[i].name, "Content-Type") || same_name(x->h[i].name, "Content-Length"))
			continue;
		if (x->h[i].value.p)
			put_header(out, x->h[i].name, x->h[i].value);
		if (i < 64)
			x->done |= 1ull << i;
	}
}

static void put_body(struct buf *out, struct extras *x, struct slice content_type, struct slice body)
{
	char length[24];

	put_own(out, x, "Content-Type", content_type);
	snprintf(length, sizeof(length), "%zu", body.l);
	put_own(out, x, "Content-Length", slice_str(length));
	buf_put(out, "\r\n", 2);
	buf_put_slice(out, body);
}

void build_request(struct buf *out, const struct build_request *r)
{
	struct extras x = {r->extra, r->extra_count, 0};
	char text[32];

	buf_put_slice(out, r->method);
	buf_put(out, " ", 1);
	buf_put_slice(out, r->uri);
	buf_puts(out, " SIP/2.0\r\n");
	put_own(out, &x, "Via", r->via);
	snprintf(text, sizeof(text), "%u", r->max_forwards);
	put_own(out, &x, "Max-Forwards", slice_str(text));
	if (!x.count || !overridden(out, &x, "Route"))
		for (unsigned i = 0; i < r->route_count; i++)
			put_header(out, SLICE_LIT("Route"), r->routes[i]);
	put_own(out, &x, "From", r->from);
	put_own(out, &x, "To", r->to);
	put_own(out, &x, "Call-ID", r->call_id);
	if (!x.count || !overridden(out, &x, "CSeq"))
		buf_printf(out, "CSeq: %u %.*s\r\n", r->cseq, SLICE_ARG(r->method));
	put_own(out, &x, "Contact", r->contact);
	buf_put_slice(out, r->lines);
	put_rest(out, &x);
	put_body(out, &x, r->content_type, r->body);
}

/* The top Via as a server hands it back: with the source address it saw (RFC 3261 18.2.1, RFC 3581 4). */
static void put_top_via(struct buf *out, struct slice name, struct slice via, const struct scan *req,
			const struct addr *source)
{
	char host[ADDR_STRLEN];
	struct slice rport;
	bool has_rport = scan_param(&rport, via, "rport");
	struct slice sent_host = req->sent_by;

	if (!source || !req->sent_by.p || (const char *)req->sent_by.p < via.p || req->sent_by.p > via.p + via.l) {
		put_header(out, name, via);
		return;
	}
	for (size_t i = sent_host.l; i-- > 0;) {
		if (sent_host.p[i] == ']')
			break;
		if (sent_host.p[i] == ':')
			sent_host.l = i;
	}
	addr_host(host, source);
	/* The first value only: the parameters end at a comma outside quotes. */
	size_t end = 0;
	for (bool quoted = false; end < via.l && (quoted || via.p[end] != ','); end++)
		if (via.p[end] == '"')
			quoted = !quoted;
	buf_put_slice(out, name);
	buf_put(out, ": ", 2);
	if (has_rport && rport.l == 0) {
		/* "rport" gets its value where it stands. */
		long at = -1;
		for (size_t i = (size_t)(req->sent_by.p - via.p); i + 5 < end + 1 && at < 0; i++)
			if (via.p[i] == ';') {
				size_t j = i + 1;
				while (j < end && (via.p[j] == ' ' || via.p[j] == '\t'))
					j++;
				if (j + 5 <= end && slice_case_eq((struct slice){via.p + j, 5}, SLICE_LIT("rport")))
					at = (long)(j + 5);
			}
		if (at >= 0) {
			buf_put(out, via.p, (size_t)at);
			buf_printf(out, "=%u", addr_port(source));
			size_t rest = (size_t)at;
			if (rest < end && via.p[rest] == '=')
				rest++;
			buf_put(out, via.p + rest, end - rest);
		} else {
			buf_put(out, via.p, end);
		}
	} else {
		buf_put(out, via.p, end);
	}
	struct slice received;
	struct slice host_slice = slice_str(host);
	struct slice bare = host_slice; /* received carries IPv6 without brackets in practice and with in RFC 5118 4.5: bare */
	if (bare.l && bare.p[0] == '[')
		bare = (struct slice){host + 1, host_slice.l - 2};
	if (!scan_param(&received, via, "received") && (has_rport || !slice_case_eq(sent_host, host_slice)))
		buf_printf(out, ";received=%.*s", SLICE_ARG(bare));
	buf_put(out, via.p + end, via.l - end);
	buf_put(out, "\r\n", 2);
}

void build_response(struct buf *out, const struct scan *req, const struct build_response *r)
{
	struct extras x = {r->extra, r->extra_count, 0};
	struct slice reason = r->reason.p ? r->reason : slice_str(build_reason(r->status));
	bool top = true;
	bool dialog_forming = r->status > 100 && r->status < 300;
	/* What the script gives in place of a copied header is written once, where the first of them stood. */

	buf_printf(out, "SIP/2.0 %u %.*s\r\n", r->status, SLICE_ARG(reason));
	for (unsigned i = 0; i < req->header_count; i++) {
		enum hdr_id id = req->headers[i].id;
		struct slice value = scan_value(req, i);
		struct slice name = scan_name(req, i);
		if (id != HDR_VIA && id != HDR_FROM && id != HDR_TO && id != HDR_CALL_ID && id != HDR_CSEQ &&
		    !(id == HDR_RECORD_ROUTE && dialog_forming))
			continue;
		if (x.count && overridden(out, &x, hdr_name(id)))
			continue;
		if (id == HDR_VIA && top) {
			put_top_via(out, name, value, req, r->source);
			top = false;
		} else if (id == HDR_TO && !req->to_tag.p && r->to_tag.p && r->status > 100) {
			buf_put_slice(out, name);
			buf_printf(out, ": %.*s;tag=%.*s\r\n", SLICE_ARG(value), SLICE_ARG(r->to_tag));
		} else {
			put_header(out, name, value);
		}
	}
	put_own(out, &x, "Contact", r->contact);
	put_rest(out, &x);
	put_body(out, &x, r->content_type, r->body);
}

void build_ack(struct buf *out, const struct scan *req, const struct scan *response)
{
	struct slice to = response->to.p ? response->to : req->to;
	struct slice max_forwards = scan_header(req, HDR_MAX_FORWARDS, 0);

	/* Same Request-URI, Call-ID, From, CSeq number, one Via equal to the top one, To of the response, and the Route headers. */
	buf_printf(out, "ACK %.*s SIP/2.0\r\n", SLICE_ARG(req->uri));
	put_header(out, SLICE_LIT("Via"), req->via);
	put_header(out, SLICE_LIT("Max-Forwards"), max_forwards.p ? max_forwards : SLICE_LIT("70"));
	for (unsigned i = 0; i < req->header_count; i++)
		if (req->headers[i].id == HDR_ROUTE)
			put_header(out, SLICE_LIT("Route"), scan_value(req, i));
	put_header(out, SLICE_LIT("From"), req->from);
	put_header(out, SLICE_LIT("To"), to);
	put_header(out, SLICE_LIT("Call-ID"), req->call_id);
	buf_printf(out, "CSeq: %u ACK\r\n", req->cseq);
	buf_puts(out, "Content-Length: 0\r\n\r\n");
}

void build_cancel(struct buf *out, const struct scan *req)
{
	buf_printf(out, "CANCEL %.*s SIP/2.0\r\n", SLICE_ARG(req->uri));
	put_header(out, SLICE_LIT("Via"), req->via);
	put_header(out, SLICE_LIT("Max-Forwards"), SLICE_LIT("70"));
	for (unsigned i = 0; i < req->header_count; i++)
		if (req->headers[i].id == HDR_ROUTE)
			put_header(out, SLICE_LIT("Route"), scan_value(req, i));
	put_header(out, SLICE_LIT("From"), req->from);
	put_header(out, SLICE_LIT("To"), req->to);
	put_header(out, SLICE_LIT("Call-ID"), req->call_id);
	buf_printf(out, "CSeq: %u CANCEL\r\n", req->cseq);
	buf_puts(out, "Content-Length: 0\r\n\r\n");
}

struct slice build_start_line(const struct scan *s)
{
	const char *end = s->header_count ? s->bytes.p + s->headers[0].name : s->bytes.p + s->bytes.l;

	if (!s->header_count && s->bytes.l) {
		const char *nl = memchr(s->bytes.p, '\n', s->bytes.l);
		if (nl)
			end = nl + 1;
	}
	return (struct slice){s->bytes.p, (size_t)(end - s->bytes.p)};
}

/* The empty line and the body. */
static struct slice tail(const struct scan *s)
{
	const char *end = s->bytes.p + s->bytes.l;
	const char *p = s->body.p ? s->body.p : end;

	if (s->body.p) {
		p--; /* LF */
		if (p > s->bytes.p && p[-1] == '\r')
			p--;
	}
	return (struct slice){p, (size_t)(end - p)};
}

struct slice build_line(const struct scan *s, unsigned i)
{
	const char *p = s->bytes.p + s->headers[i].name;
	const char *end = i + 1 < s->header_count ? s->bytes.p + s->headers[i + 1].name : tail(s).p;

	return (struct slice){p, (size_t)(end - p)};
}

static void put_lines(struct buf *out, const struct scan *s, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		buf_put_slice(out, build_line(s, i));
}

void build_replace(struct buf *out, const struct scan *s, unsigned i, struct slice value)
{
	struct slice line = build_line(s, i);
	struct slice old = scan_value(s, i);

	buf_put_slice(out, build_start_line(s));
	put_lines(out, s, 0, i);
	buf_put(out, line.p, (size_t)(old.p - line.p));
	if (old.l == 0 && line.p < old.p && old.p[-1] == ':')
		buf_put(out, " ", 1);
	buf_put_slice(out, value);
	buf_put(out, old.p + old.l, (size_t)(line.p + line.l - old.p - old.l));
	put_lines(out, s, i + 1, s->header_count);
	buf_put_slice(out, tail(s));
}

void build_insert(struct buf *out, const struct scan *s, unsigned i, struct slice name, struct slice value)
{
	buf_put_slice(out, build_start_line(s));
	put_lines(out, s, 0, i);
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
		buf_put_slice(out, build_line(s, order[k]));
	for (unsigned i = 0; i < s->header_count; i++)
		if (!among(order, count, i))
			buf_put_slice(out, build_line(s, i));
	buf_put_slice(out, tail(s));
}

void build_body(struct buf *out, const struct scan *s, struct slice body, bool set_length)
{
	buf_put_slice(out, build_start_line(s));
	for (unsigned i = 0; i < s->header_count; i++) {
		if (set_length && s->headers[i].id == HDR_CONTENT_LENGTH)
			buf_printf(out, "%.*s: %zu\r\n", SLICE_ARG(scan_name(s, i)), body.l);
		else
			buf_put_slice(out, build_line(s, i));
	}
	buf_put(out, "\r\n", 2);
	buf_put_slice(out, body);
}

void build_again(struct buf *out, const struct scan *req, uint32_t cseq, struct slice branch, enum hdr_id drop,
		 struct slice lines)
{
	bool lines_done = false, via_done = false;

	buf_put_slice(out, build_start_line(req));
	for (unsigned i = 0; i < req->header_count; i++) {
		enum hdr_id id = req->headers[i].id;
		struct slice line = build_line(req, i);
		if (id == drop && drop != HDR_OTHER)
			continue;
		if (!lines_done && (id == HDR_CONTENT_TYPE || id == HDR_CONTENT_LENGTH)) {
			buf_put_slice(out, lines);
			lines_done = true;
		}
		if (id == HDR_VIA && !via_done && req->branch.p) {
			buf_put(out, line.p, (size_t)(req->branch.p - line.p));
			buf_put_slice(out, branch);
			const char *rest = req->branch.p + req->branch.l;
			buf_put(out, rest, (size_t)(line.p + line.l - rest));
			via_done = true;
		} else if (id == HDR_CSEQ && !(req->flaws & SCAN_CSEQ)) {
			buf_printf(out, "%.*s: %u %.*s\r\n", SLICE_ARG(scan_name(req, i)), cseq,
				   SLICE_ARG(req->cseq_method));
		} else {
			buf_put_slice(out, line);
		}
	}
	if (!lines_done)
		buf_put_slice(out, lines);
	buf_put_slice(out, tail(req));
}

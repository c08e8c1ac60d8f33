/* Messages from their parts, and edits of messages that leave every other byte as it was.
 *
 * All functions append to `out`; a failed growth shows in out->failed. */
#ifndef OFFHOOK_SIP_BUILD_H
#define OFFHOOK_SIP_BUILD_H

#include "core/buf.h"
#include "sip/scan.h"

struct addr;

/* A header of the script's: takes the place of the one the engine would write; `value.p` NULL leaves that one out. */
struct build_header {
	struct slice name, value;
};

struct build_request {
	struct slice method, uri;
	struct slice via;              /* the whole value, with its branch */
	const struct slice *routes;    /* Route values in order */
	unsigned route_count;
	struct slice from, to, call_id;
	uint32_t cseq;
	unsigned max_forwards;         /* written as is */
	struct slice contact;          /* value; `p` NULL for none */
	struct slice lines;            /* ready header lines (credentials), each with its CRLF */
	const struct build_header *extra;
	unsigned extra_count;
	struct slice content_type;     /* `p` NULL: no Content-Type */
	struct slice body;
};

void build_request(struct buf *out, const struct build_request *r);

struct build_response {
	unsigned status;
	struct slice reason;           /* `p` NULL: the RFC's phrase */
	struct slice to_tag;           /* added when To has none and status is not 100 */
	const struct addr *source;     /* where the request came from: received and rport (RFC 3261 18.2.1, RFC 3581); may be NULL */
	struct slice contact;
	const struct build_header *extra;
	unsigned extra_count;
	struct slice content_type;
	struct slice body;
};

/* A response to `req`: its Via, From, To, Call-ID and CSeq copied (RFC 3261 8.2.6), Record-Route too in 101 to 299 (12.1.1), Timestamp
 * in 100. Works on a broken request: what is missing stays missing. */
void build_response(struct buf *out, const struct scan *req, const struct build_response *r);

/* The reason phrase of RFC 3261 21 and its extensions; "Unknown" if none. */
const char *build_reason(unsigned status);

/* The ACK to a non-2xx (RFC 3261 17.1.1.3), and the CANCEL (9.1), of the request `req`; with its Max-Forwards, or 70. */
void build_ack(struct buf *out, const struct scan *req, const struct scan *response);
void build_cancel(struct buf *out, const struct scan *req);

/* The same request again as a new transaction: CSeq number and the branch of the first Via changed (where it has them), the headers
 * `drop` removed (HDR_OTHER: none), `lines` inserted before Content-Type or Content-Length or at the end. */
void build_again(struct buf *out, const struct scan *req, uint32_t cseq, struct slice branch, enum hdr_id drop,
		 struct slice lines);

/* --- edits: `i` counts all headers from 0 and must be below header_count; `s` is no SCAN_NOT_SIP. A line that the end of a truncated
 * message left open is closed when another follows it --- */
/* The bytes of header line i, folded lines and its line end included. */
struct slice build_line(const struct scan *s, unsigned i);
/* The start line with its line end, and the empty lines before it. */
struct slice build_start_line(const struct scan *s);
/* Header i with another value, its name untouched. */
void build_replace(struct buf *out, const struct scan *s, unsigned i, struct slice value);
/* A line before header i (header_count: after the last). */
void build_insert(struct buf *out, const struct scan *s, unsigned i, struct slice name, struct slice value);
void build_remove(struct buf *out, const struct scan *s, unsigned i);
/* Headers in the given order of indexes; those not named keep their order behind. */
void build_reorder(struct buf *out, const struct scan *s, const unsigned *order, unsigned count);
/* Another body, also in the place of surplus bytes; Content-Length follows if there is one and `set_length`. */
void build_body(struct buf *out, const struct scan *s, struct slice body, bool set_length);

#endif

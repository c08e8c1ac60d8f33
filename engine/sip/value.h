/* Structured header values: URI, Via, From/To/Contact/Route and the like, parsed on demand from the bytes of a message.
 *
 * libosip2 does the parsing and stays inside value.c. Each result is one block with all its strings in it: it does not
 * point into the input, and mem_deref() frees it whole. What osip would change is kept beside as `raw`.
 *
 * Every parse function takes untrusted bytes, leaves *out untouched on failure, and returns 0, ERR_NOMEM or ERR_PARSE
 * with what is wrong in `e` (may be NULL). */
#ifndef OFFHOOK_SIP_VALUE_H
#define OFFHOOK_SIP_VALUE_H

#include "core/buf.h"
#include "core/err.h"
#include "core/slice.h"

/* Longest single value given to osip, in bytes; longer ones are refused. */
#define VALUE_MAX_LEN 8192
/* Most items taken from one comma separated header value. */
#define VALUE_MAX_ITEMS 64
/* Most parameters (and URI headers) of one value. */
#define VALUE_MAX_PARAMS 128
/* Caps of value_strict: bytes before the body, header lines, and separators (any of , ; &) in the whole head. osip
 * takes time quadratic in each of them: 32 000 commas in an Allow take it a second. */
#define VALUE_STRICT_MAX_LEN 65536
#define VALUE_STRICT_MAX_HEADERS 256
#define VALUE_STRICT_MAX_SEPARATORS 1024

/* name=value. value.p is NULL where there was no "="; a quoted value keeps its quotes (value_unquote takes them off).
 */
struct value_param {
	struct slice name, value;
};

struct value_params {
	const struct value_param *at;
	size_t count;
};

/* The first parameter of that name (case folded), or NULL. */
const struct value_param *value_param_get(const struct value_params *params, struct slice name);

struct value_uri {
	struct slice raw;            /* as written, without surrounding white space */
	struct slice scheme;         /* as written: "sip", "sips", "tel", ... */
	struct slice user;           /* %-escapes decoded; for tel: the number. p is NULL if there is no user part */
	struct slice user_raw;       /* as written */
	struct slice password;       /* decoded; p is NULL if there is none */
	struct slice password_raw;   /* as written */
	struct slice host;           /* as written, an IPv6 reference without its brackets; l is 0 unless sip or sips */
	bool host_is_ipv6;           /* it stood in brackets */
	uint16_t port;               /* 0: none given (RFC 3261 19.1.4: not equal to 5060 given) */
	struct value_params params;  /* after ";", escapes as written; sip, sips and tel */
	struct value_params headers; /* after "?", escapes as written; sip and sips */
	struct slice opaque;         /* everything after "scheme:", for schemes other than sip and sips */
};

/* RFC 3261 19.1, RFC 3966; schemes other than sip, sips and tel give scheme and opaque. */
int value_uri_parse(struct value_uri **out, struct slice s, struct err *e);
bool value_uri_is_sip(const struct value_uri *uri); /* sip or sips */
/* The comparison of RFC 3261 19.1.4 (RFC 3966 section 4 for tel; other schemes byte for byte). */
bool value_uri_eq(const struct value_uri *a, const struct value_uri *b);

/* One item of From, To, Contact, Route, Record-Route, Refer-To, P-Asserted-Identity, ... */
struct value_name_addr {
	struct slice raw;     /* the item as written, without surrounding white space */
	bool star;            /* Contact: * ; nothing else is set */
	struct slice display; /* unquoted and unescaped; l is 0 if there is none */
	struct value_uri uri;
	struct value_params params; /* header parameters; without <>, those behind the URI are these (RFC 3261 20.10) */
	struct slice tag;           /* of those; p is NULL if there is none */
};

/* Exactly one item: From, To, Refer-To. Bytes behind a comma are refused. */
int value_name_addr_parse(struct value_name_addr **out, struct slice s, struct err *e);

struct value_name_addrs {
	size_t count;
	struct value_name_addr at[];
};

/* All items of one header value, in order. Empty items between commas are skipped, no item at all is refused, as are
 * more than `max` (VALUE_MAX_ITEMS). */
int value_name_addr_list(struct value_name_addrs **out, struct slice s, size_t max, struct err *e);

struct value_via {
	struct slice raw;
	struct slice protocol, version, transport; /* "SIP", "2.0", "UDP" as written */
	struct slice host;                         /* sent-by, an IPv6 reference without its brackets */
	bool host_is_ipv6;
	uint16_t port;                        /* 0: none given */
	struct slice branch, received, maddr; /* p is NULL if there is none */
	bool rport_present;                   /* ";rport" with or without a value (RFC 3581) */
	uint16_t rport;                       /* its value, 0 if it has none or no valid one */
	struct value_params params;
};

/* Exactly one Via item; value_split takes a list apart. */
int value_via_parse(struct value_via **out, struct slice s, struct err *e);

/* osip's verdict on a whole message, as a conventional stack would give it: 0 if it accepts the message, ERR_PARSE with
 * what it refused. The body is not given to osip. ERR_ARG: larger than the caps above, so not asked. */
int value_strict(struct slice message, struct err *e);

/* ---- without osip: linear scans over the caller's bytes, no allocation ---- */

/* The next item of a comma separated list; commas in quoted strings and in <> do not separate. Start with *rest = the
 * header value; false at its end. Items are trimmed and may be empty. An unclosed quote or bracket lasts to the end. */
bool value_split(struct slice *next, struct slice *rest);

/* Appends the contents of a quoted string, with its backslash escapes resolved. Without surrounding quotes: the bytes
 * as they are. */
void value_unquote(struct buf *out, struct slice s);
/* Appends `s` as a quoted string, with '"' and '\' escaped. */
void value_quote(struct buf *out, struct slice s);
/* Appends `s` with its %HEX HEX escapes decoded; an incomplete escape stays as it is. */
void value_unescape(struct buf *out, struct slice s);

#endif

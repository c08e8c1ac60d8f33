/* Whether the values of a message are what the grammar of RFC 3261 25.1 allows: URIs, name-addrs and Via values.
 *
 * One pass over the caller's bytes, nothing is allocated and nothing is taken apart: for a verdict on a request before anything
 * is done with it (sip/value.h has the parts). Each function says what is wrong, as a text that fits into a reason phrase, or
 * NULL. White space includes the line ends of folded lines.
 *
 * Wider than the grammar, on purpose: '_' in host names; a parameter value of any visible bytes that separate nothing, or empty;
 * anything of digits, colons and dots within the brackets of an IPv6 reference (RFC 5118 4.10), and an address without them in a
 * parameter (4.5). */
#ifndef OFFHOOK_SIP_SYNTAX_H
#define OFFHOOK_SIP_SYNTAX_H

#include "core/slice.h"

/* A Request-URI: any scheme; a sip or sips URI has no header parameters there (RFC 3261 19.1.1, table 1). */
const char *syntax_request_uri(struct slice uri);
/* A URI that may have them. */
const char *syntax_uri(struct slice uri);
/* The value of From or To: one name-addr or addr-spec, with its parameters. Without <> the URI has no '?' (RFC 3261 20.10). */
const char *syntax_name_addr(struct slice value);
/* The value of a Contact line: a list of those, or "*". */
const char *syntax_contact(struct slice value);
/* The value of a Route or Record-Route line: a list of name-addrs in <>. */
const char *syntax_routes(struct slice value);
/* One Via value. */
const char *syntax_via(struct slice value);
/* The value of Content-Type: type, subtype, parameters. */
const char *syntax_media_type(struct slice value);

#endif

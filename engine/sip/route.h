/* Where a request goes next: the few things that routing reads from a URI, without a full parse (RFC 3261 8.1.2, 12.2.1.1, 16.12). */
#ifndef OFFHOOK_SIP_ROUTE_H
#define OFFHOOK_SIP_ROUTE_H

#include "core/err.h"
#include "net/addr.h"

/* The URI of a name-addr or addr-spec: what stands in <>, or all before the header parameters. */
struct slice route_uri(struct slice name_addr);
/* The user part of a sip or sips URI as written; `p` NULL without one. */
struct slice route_user(struct slice uri);
/* Host (IPv6 with its brackets) and port (0: none) of a sip or sips URI. ERR_ARG names what is wrong with it. */
int route_host(struct slice *host, uint16_t *port, struct slice uri, struct err *e);
/* Whether a request line can hold it: no white space, folded or not, no control characters, not empty. */
bool route_fits_line(struct slice uri);
/* ";lr" among the URI's parameters */
bool route_is_loose(struct slice uri);
/* The address that a Request-URI, or a name-addr in <>, points at; port 5060 by default, `maddr` honoured. See location_find() for `names`, `v6`. */
int route_resolve(struct addr *dst, struct slice name_addr, bool names, bool v6, struct err *e);

#endif

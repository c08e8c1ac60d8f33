/* From a host to an address. Numeric hosts always work; names are asked of the host's resolver on the real clock only.
 * RFC 3263 through our own endpoints will stand here. */
#ifndef OFFHOOK_NET_LOCATION_H
#define OFFHOOK_NET_LOCATION_H

#include "core/err.h"
#include "net/addr.h"

/* `names`: whether names may be looked up. `v6`: the family that is wanted when a name has both. ERR_ENV when it does not resolve. */
int location_find(struct addr *a, struct slice host, uint16_t port, bool names, bool v6, struct err *e);

#endif

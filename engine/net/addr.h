/* A numeric IPv4 or IPv6 address with a port. */
#ifndef OFFHOOK_NET_ADDR_H
#define OFFHOOK_NET_ADDR_H

#include "core/slice.h"

#include <netinet/in.h>

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} u;
};

/* "[2001:db8::1]:65535" and a NUL fit. */
#define ADDR_STRLEN 64

/* Numeric only, IPv6 with or without brackets; false otherwise. */
bool addr_set(struct addr *a, struct slice host, uint16_t port);
/* "1.2.3.4", "1.2.3.4:5060", "::1", "[::1]", "[::1]:5060"; `port` when none is given. */
bool addr_parse(struct addr *a, struct slice text, uint16_t port);
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_is_v6(const struct addr *a);
bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);      /* host and port */
bool addr_host_eq(const struct addr *a, const struct addr *b); /* host alone */
uint64_t addr_hash(const struct addr *a);
/* "1.2.3.4:5060" or "[::1]:5060"; returns buf (ADDR_STRLEN bytes). */
char *addr_str(char *buf, const struct addr *a);
/* The host as it stands in a URI or Via: "1.2.3.4" or "[::1]"; returns buf (ADDR_STRLEN bytes). */
char *addr_host(char *buf, const struct addr *a);

/* The same and its parts, which all stand in `text`. */
struct addr_text {
	char text[ADDR_STRLEN]; /* NUL-terminated */
	struct slice all;       /* "1.2.3.4:5060" or "[::1]:5060" */
	struct slice host;      /* as in a URI or Via: "1.2.3.4" or "[::1]" */
	struct slice plain;     /* as it stands alone: "1.2.3.4" or "::1" */
	struct slice port;
};
void addr_text(struct addr_text *t, const struct addr *a);

#endif

#include "net/location.h"

#include <netdb.h>

int location_find(struct addr *a, struct slice host, uint16_t port, bool names, bool v6, struct err *e)
{
	char name[256];
	struct addrinfo hints = {.ai_family = v6 ? AF_INET6 : AF_INET, .ai_socktype = SOCK_DGRAM}, *found = NULL;
	int rc;

	if (addr_set(a, host, port))
		return 0;
	if (host.l == 0 || host.l >= sizeof(name) || memchr(host.p, '\0', host.l))
		return err_set(e, ERR_ENV, "\"%.*s\" is not a host", SLICE_ARG(host));
	if (!names)
		return err_set(e, ERR_ENV,
			       "cannot resolve %.*s: the simulated network knows addresses alone (give outbound_proxy, or a URI "
			       "with an address)",
			       SLICE_ARG(host));
	if (slice_case_eq(host, SLICE_LIT("localhost"))) /* RFC 6761 6.3: known without asking anybody */
		return addr_set(a, v6 ? SLICE_LIT("::1") : SLICE_LIT("127.0.0.1"), port) ? 0 : ERR_ENV;
	slice_copy(name, sizeof(name), host);
	rc = getaddrinfo(name, NULL, &hints, &found);
	if (rc == EAI_NONAME || rc == EAI_ADDRFAMILY || rc == EAI_NODATA) { /* the other family then */
		hints.ai_family = v6 ? AF_INET : AF_INET6;
		rc = getaddrinfo(name, NULL, &hints, &found);
	}
	if (rc)
		return err_set(e, ERR_ENV, "cannot resolve %s: %s (give an address, or outbound_proxy)", name, gai_strerror(rc));
	memset(a, 0, sizeof(*a));
	memcpy(&a->u, found->ai_addr, found->ai_addrlen);
	addr_set_port(a, port);
	freeaddrinfo(found);
	return 0;
}

#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

/* The plain form of IPv4, which most addresses of a message have: inet_pton() needs a copy and takes ten times as long. */
static bool set_v4(struct addr *a, struct slice host)
{
	const char *p = host.p, *end = host.p + host.l;
	uint32_t bits = 0;

	for (int i = 0; i < 4; i++) {
		const char *digits = p;
		unsigned n = 0;

		while (p < end && *p >= '0' && *p <= '9' && p - digits < 3)
			n = n * 10 + (unsigned)(*p++ - '0');
		if (p == digits || n > 255 || (*digits == '0' && p - digits > 1))
			return false;
		bits = bits << 8 | n;
		if (i < 3 && (p == end || *p++ != '.'))
			return false;
	}
	if (p != end)
		return false;
	a->u.sa.sa_family = AF_INET;
	a->u.in4.sin_addr.s_addr = htonl(bits);
	return true;
}

bool addr_set(struct addr *a, struct slice host, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	memset(a, 0, sizeof(*a));
	if (set_v4(a, host)) {
		addr_set_port(a, port);
		return true;
	}
	if (host.l > 2 && host.p[0] == '[' && host.p[host.l - 1] == ']') {
		host = (struct slice){host.p + 1, host.l - 2};
		if (!memchr(host.p, ':', host.l))
			return false;
	}
	if (!host.l || host.l >= sizeof(text) || memchr(host.p, '\0', host.l))
		return false;
	slice_copy(text, sizeof(text), host);
	if (inet_pton(AF_INET6, text, &a->u.in6.sin6_addr) == 1)
		a->u.sa.sa_family = AF_INET6;
	else
		return false;
	addr_set_port(a, port);
	return true;
}

bool addr_parse(struct addr *a, struct slice text, uint16_t port)
{
	struct slice host = text, digits = SLICE_NONE;
	const char *end;
	uint64_t v;

	if (text.l && text.p[0] == '[') {
		end = memchr(text.p, ']', text.l);
		if (!end)
			return false;
		host.l = (size_t)(end + 1 - text.p);
	} else {
		end = text.l ? memchr(text.p, ':', text.l) : NULL;
		if (end && !memchr(end + 1, ':', text.l - (size_t)(end + 1 - text.p)))
			host.l = (size_t)(end - text.p); /* one colon: a port; several: IPv6 */
	}
	if (host.l < text.l) {
		if (text.p[host.l] != ':')
			return false;
		digits = (struct slice){text.p + host.l + 1, text.l - host.l - 1};
		if (!slice_u64(&v, digits, 65535))
			return false;
		port = (uint16_t)v;
	}
	return addr_set(a, host, port);
}

bool addr_is_v6(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET6;
}

socklen_t addr_len(const struct addr *a)
{
	return addr_is_v6(a) ? sizeof(a->u.in6) : sizeof(a->u.in4);
}

uint16_t addr_port(const struct addr *a)
{
	return ntohs(addr_is_v6(a) ? a->u.in6.sin6_port : a->u.in4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (addr_is_v6(a))
		a->u.in6.sin6_port = htons(port);
	else
		a->u.in4.sin_port = htons(port);
}

bool addr_is_any(const struct addr *a)
{
	return addr_is_v6(a) ? IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr) : a->u.in4.sin_addr.s_addr == INADDR_ANY;
}

bool addr_is_loopback(const struct addr *a)
{
	return addr_is_v6(a) ? IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr) : ntohl(a->u.in4.sin_addr.s_addr) >> 24 == 127;
}

bool addr_host_eq(const struct addr *a, const struct addr *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	if (addr_is_v6(a))
		return IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr);
	return a->u.in4.sin_addr.s_addr == b->u.in4.sin_addr.s_addr;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_host_eq(a, b) && addr_port(a) == addr_port(b);
}

uint64_t addr_hash(const struct addr *a)
{
	uint64_t h = addr_port(a);

	if (addr_is_v6(a))
		return slice_hash(SLICE_HASH_SEED ^ h, (struct slice){(const char *)&a->u.in6.sin6_addr, 16});
	return (h << 32 | a->u.in4.sin_addr.s_addr) * 0x9e3779b97f4a7c15ull;
}

/* Behind the digits of `n`. */
static char *put_number(char *p, unsigned n)
{
	char digits[10];
	int count = 0;

	if (n < 10) {
		*p++ = (char)('0' + n);
		return p;
	}
	do
		digits[count++] = (char)('0' + n % 10);
	while (n /= 10);
	while (count)
		*p++ = digits[--count];
	return p;
}

/* Behind the host, without a NUL. */
static char *put_host(char *p, const struct addr *a)
{
	if (addr_is_v6(a)) {
		*p++ = '[';
		inet_ntop(AF_INET6, &a->u.in6.sin6_addr, p, INET6_ADDRSTRLEN);
		p += strlen(p);
		*p++ = ']';
		return p;
	}
	uint32_t bits = ntohl(a->u.in4.sin_addr.s_addr);
	for (int shift = 24; shift >= 0; shift -= 8) {
		p = put_number(p, bits >> shift & 255);
		if (shift)
			*p++ = '.';
	}
	return p;
}

char *addr_host(char *buf, const struct addr *a)
{
	*put_host(buf, a) = '\0';
	return buf;
}

void addr_text(struct addr_text *t, const struct addr *a)
{
	/* Those written last are remembered: a run writes the same few into each of its messages. */
	static _Thread_local struct known {
		struct addr a;
		uint8_t host, all; /* lengths; `all` 0: nothing stands here yet */
		char text[ADDR_STRLEN];
	} known[16];
	struct known *k = &known[addr_hash(a) >> 60];

	if (!k->all || !addr_eq(&k->a, a)) {
		char *host = put_host(k->text, a), *end = host;
		*end++ = ':';
		end = put_number(end, addr_port(a));
		*end = '\0';
		k->host = (uint8_t)(host - k->text);
		k->all = (uint8_t)(end - k->text);
		k->a = *a;
	}
	memcpy(t->text, k->text, sizeof(t->text));
	t->all = (struct slice){t->text, k->all};
	t->host = (struct slice){t->text, k->host};
	t->port = (struct slice){t->text + k->host + 1, k->all - k->host - 1u};
	t->plain = addr_is_v6(a) ? (struct slice){t->text + 1, k->host - 2u} : t->host;
}

char *addr_str(char *buf, const struct addr *a)
{
	struct addr_text t;

	addr_text(&t, a);
	return memcpy(buf, t.text, sizeof(t.text));
}

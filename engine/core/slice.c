#include "core/slice.h"

bool slice_case_eq(struct slice a, struct slice b)
{
	if (a.l != b.l)
		return false;
	for (size_t i = 0; i < a.l; i++) {
		unsigned char differ = (unsigned char)(a.p[i] ^ b.p[i]), lower = (unsigned char)(a.p[i] | 0x20);

		if (differ && (differ != 0x20 || lower < 'a' || lower > 'z'))
			return false;
	}
	return true;
}

char *slice_copy(char *buf, size_t size, struct slice s)
{
	size_t n;

	if (!size)
		return buf;
	n = s.l < size - 1 ? s.l : size - 1;
	if (n)
		memcpy(buf, s.p, n);
	buf[n] = '\0';
	return buf;
}

long slice_find(struct slice hay, struct slice needle, size_t from)
{
	const char *hit;

	if (from > hay.l)
		return -1;
	if (!needle.l)
		return (long)from;
	if (needle.l > hay.l - from)
		return -1;
	hit = memmem(hay.p + from, hay.l - from, needle.p, needle.l);
	return hit ? (long)(hit - hay.p) : -1;
}

/* Eight bytes at a time: multiplied to 128 bits, whose halves are folded (as wyhash does). */
static inline uint64_t mix(uint64_t h, uint64_t v)
{
	unsigned __int128 m = (unsigned __int128)(h ^ v) * 0x9e3779b97f4a7c15ull;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t slice_hash(uint64_t h, struct slice s)
{
	uint64_t v = 0;

	/* The length first: what is short is filled up with zeros, and the last eight bytes may have been among those before. */
	h = mix(h, s.l);
	if (s.l < sizeof(v)) {
		for (size_t i = 0; i < s.l; i++)
			v |= (uint64_t)(unsigned char)s.p[i] << 8 * i;
		return mix(h, v);
	}
	const char *last = s.p + s.l - sizeof(v);
	for (; s.p < last; s.p += sizeof(v)) {
		memcpy(&v, s.p, sizeof(v));
		h = mix(h, v);
	}
	memcpy(&v, last, sizeof(v));
	return mix(h, v);
}

uint64_t slice_fnv(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.l; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211ull;
	return h;
}

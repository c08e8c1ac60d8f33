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

/* The top bit of a byte is set where that is below ' ' + 1 or is DEL; of the bytes behind such a one it says nothing. */
static inline uint64_t controls(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101ull, del = v ^ ones * 0x7f;

	return (((v - ones * (' ' + 1)) & ~v) | ((del - ones) & ~del)) & ones << 7;
}

bool slice_has_control(struct slice s)
{
	uint64_t v;
	size_t i = 0;

	for (; s.l - i >= sizeof(v); i += sizeof(v)) {
		memcpy(&v, s.p + i, sizeof(v));
		if (controls(v))
			return true;
	}
	for (; i < s.l; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return true;
	return false;
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

/* Multiplied to 128 bits, whose halves are folded (as wyhash does). */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t eight(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t four(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint64_t slice_hash(uint64_t h, struct slice s)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ull, other = 0xe7037ed1a0b428dbull;
	uint64_t a = 0, b = 0;

	/* Of what is short the first and the last bytes are taken, which may be the same ones: the length tells them apart. */
	if (s.l >= 8) {
		const char *end = s.p + s.l;
		for (; end - s.p > 16; s.p += 16)
			h = mix(eight(s.p) ^ odd, eight(s.p + 8) ^ h);
		a = eight(s.l < 16 ? s.p : end - 16);
		b = eight(end - 8);
	} else if (s.l >= 4) {
		a = four(s.p);
		b = four(s.p + s.l - 4);
	} else if (s.l) {
		a = (uint64_t)(unsigned char)s.p[0] << 16 | (unsigned char)s.p[s.l / 2] << 8 | (unsigned char)s.p[s.l - 1];
	}
	return mix(mix(a ^ other, b ^ h), odd ^ s.l);
}

uint64_t slice_fnv(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.l; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211ull;
	return h;
}

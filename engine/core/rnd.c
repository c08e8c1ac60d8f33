/* xoshiro256** 1.0 and splitmix64 (Blackman, Vigna), as published in the public domain. */
#include "core/rnd.h"
#include "core/slice.h"

#include <math.h>

static uint64_t hash_u64(uint64_t h, uint64_t v)
{
	char b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (char)(v >> (8 * i));
	return slice_fnv(h, (struct slice){b, sizeof(b)});
}

/* The length stands before the bytes, so that ("ab", "c") and ("a", "bc") are different streams. */
static uint64_t hash_str(uint64_t h, const char *s)
{
	struct slice v = slice_str(s);

	return slice_fnv(hash_u64(h, s ? v.l : UINT64_MAX), v);
}

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void rnd_init(struct rnd *r, uint64_t seed, const char *test, const char *actor, const char *purpose)
{
	uint64_t h = hash_u64(SLICE_HASH_SEED, seed);

	h = hash_str(h, test);
	h = hash_str(h, actor);
	h = hash_str(h, purpose);
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&h);
}

static inline uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t rnd_u64(struct rnd *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t rnd_below(struct rnd *r, uint64_t n)
{
	/* Lemire: multiply, and draw again in the few cases that would favour some values. */
	unsigned __int128 m = (unsigned __int128)rnd_u64(r) * n;

	if ((uint64_t)m < n) {
		uint64_t floor = -n % n;

		while ((uint64_t)m < floor)
			m = (unsigned __int128)rnd_u64(r) * n;
	}
	return (uint64_t)(m >> 64);
}

double rnd_double(struct rnd *r)
{
	return (double)(rnd_u64(r) >> 11) * 0x1.0p-53;
}

double rnd_exponential(struct rnd *r, double mean)
{
	return -mean * log1p(-rnd_double(r));
}

void rnd_token(struct rnd *r, char *buf, size_t len)
{
	static const char set[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char *p = buf, *end = buf + len;

	/* Ten characters from each draw, which is read as a fraction, digit by digit: 36^10 is so far below 2^64 that no character is
	 * favoured. */
	while (p < end) {
		uint64_t v = rnd_u64(r);
		for (char *stop = end - p > 10 ? p + 10 : end; p < stop; p++) {
			unsigned __int128 m = (unsigned __int128)v * 36;
			*p = set[m >> 64];
			v = (uint64_t)m;
		}
	}
	*end = '\0';
}

/* Seeded random streams (xoshiro256**). A stream is derived from (seed, test, actor, purpose), so that what one test or actor
 * draws never depends on which others ran before it. Not for cryptographic use. */
#ifndef OFFHOOK_CORE_RND_H
#define OFFHOOK_CORE_RND_H

#include <stddef.h>
#include <stdint.h>

struct rnd {
	uint64_t s[4];
};

/* Any of the strings may be NULL. */
void rnd_init(struct rnd *r, uint64_t seed, const char *test, const char *actor, const char *purpose);
uint64_t rnd_u64(struct rnd *r);
/* Uniform in [0, n), n > 0. */
uint64_t rnd_below(struct rnd *r, uint64_t n);
/* Uniform in [0, 1). */
double rnd_double(struct rnd *r);
/* Exponentially distributed with the given mean. */
double rnd_exponential(struct rnd *r, double mean);
/* `len` characters of [0-9a-z] and a NUL into `buf` (len + 1 bytes). */
void rnd_token(struct rnd *r, char *buf, size_t len);

#endif

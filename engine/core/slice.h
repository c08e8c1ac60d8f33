/* A view of bytes owned by somebody else; never NUL-terminated. */
#ifndef OFFHOOK_CORE_SLICE_H
#define OFFHOOK_CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t l;
};

/* printf("%.*s", SLICE_ARG(s)) */
#define SLICE_ARG(s) (int)(s).l, (s).p
#define SLICE_LIT(lit) ((struct slice){(lit), sizeof(lit) - 1})
#define SLICE_NONE ((struct slice){NULL, 0})

static inline struct slice slice_str(const char *s)
{
	return (struct slice){s, s ? strlen(s) : 0};
}

/* From `p` up to `end`. */
static inline struct slice slice_between(const char *p, const char *end)
{
	return (struct slice){p, (size_t)(end - p)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.l == b.l && (a.l == 0 || !memcmp(a.p, b.p, a.l));
}

/* ASCII case folded, as header names and tokens compare (RFC 3261 7.3.1). */
bool slice_case_eq(struct slice a, struct slice b);
/* Without leading and trailing SP, HT, CR, LF. */
static inline struct slice slice_trim(struct slice s)
{
#define SLICE_SPACE(c) ((unsigned char)(c) <= ' ' && ((c) == ' ' || (c) == '\t' || (c) == '\r' || (c) == '\n'))
	while (s.l && SLICE_SPACE(s.p[0])) {
		s.p++;
		s.l--;
	}
	while (s.l && SLICE_SPACE(s.p[s.l - 1]))
		s.l--;
	return s;
#undef SLICE_SPACE
}
/* Decimal digits only, the whole slice; false on anything else or beyond `max`. */
static inline bool slice_u64(uint64_t *out, struct slice s, uint64_t max)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.l; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9 || (i >= 19 && (v > max / 10 || v * 10 > max - digit))) /* 19 digits always fit */
			return false;
		v = v * 10 + digit;
	}
	if (!s.l || v > max)
		return false;
	*out = v;
	return true;
}
/* Whether white space or a control character is among its bytes. */
bool slice_has_control(struct slice s);
/* A NUL-terminated copy in `buf`, cut to fit; returns buf. */
char *slice_copy(char *buf, size_t size, struct slice s);
/* Offset of `needle` in `hay` from `from`, or -1. */
long slice_find(struct slice hay, struct slice needle, size_t from);
/* For tables: a hash of the bytes, continued from `h` (start with SLICE_HASH_SEED). Its values are no promise; see slice_fnv(). */
#define SLICE_HASH_SEED 14695981039346656037ull
uint64_t slice_hash(uint64_t h, struct slice s);
/* 64-bit FNV-1a, where the value shows: in seeds and in names of files. Continued in the same way. */
uint64_t slice_fnv(uint64_t h, struct slice s);

#endif

/* What the files of the scan share: bytes by their kind, and how far something reaches. Private to scan*.c. */
#ifndef OFFHOOK_SIP_SCAN_PRIV_H
#define OFFHOOK_SIP_SCAN_PRIV_H

#include "sip/scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a byte may be: part of a token (RFC 3261 25.1), white space, line ends of folded lines included; or what a value is searched
 * for. */
enum { TOKEN = 1, LWS = 2, SEMI = 4, COMMA = 8, QUOTE = 16, ANGLE = 32 };
extern const uint8_t scan_classes[256];

static inline bool is_a(char c, int what)
{
	return scan_classes[(unsigned char)c] & what;
}

/* --- the simple way, a byte at a time --- */

static inline const char *skip_to(const char *p, const char *end, int what)
{
	while (p < end && !is_a(*p, what))
		p++;
	return p;
}

static inline const char *skip_token(const char *p, const char *end)
{
	while (p < end && is_a(*p, TOKEN))
		p++;
	return p;
}

static inline const char *skip_lws(const char *p, const char *end)
{
	while (p < end && is_a(*p, LWS))
		p++;
	return p;
}

/* From `p` to `end` without white space behind. */
static inline struct slice trimmed_to(const char *p, const char *end)
{
	while (end > p && is_a(end[-1], LWS))
		end--;
	return slice_between(p, end);
}

/* --- 16 bytes at a time: bit i of the result stands for p[i] --- */

#ifdef __SSE2__
static inline unsigned are(const char *p, char c)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(c)));
}
/* What may end a parameter's value, or need a closer look at it: SEMI, COMMA, QUOTE, white space and other bytes up to that. */
static inline unsigned are_ends(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)p), space = _mm_set1_epi8(' ');
	const __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(';')), _mm_cmpeq_epi8(v, _mm_set1_epi8(','))),
					 _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(_mm_min_epu8(v, space), v)));

	return (unsigned)_mm_movemask_epi8(hit);
}
/* White space and other bytes up to that. */
static inline unsigned are_blank(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(' ')), v));
}
#else
static inline unsigned are(const char *p, char c)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < 16; i++)
		bits |= (unsigned)(p[i] == c) << i;
	return bits;
}
static inline unsigned are_ends(const char *p)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < 16; i++)
		bits |= (unsigned)((unsigned char)p[i] <= ' ' || is_a(p[i], SEMI | COMMA | QUOTE)) << i;
	return bits;
}
static inline unsigned are_blank(const char *p)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < 16; i++)
		bits |= (unsigned)((unsigned char)p[i] <= ' ') << i;
	return bits;
}
#endif

/* The first of are_ends(), or `end`. Bytes up to `limit` may be read, which is the end of the message. */
static inline const char *skip_to_end(const char *p, const char *end, const char *limit)
{
	for (; p < end && limit - p >= 16; p += 16) {
		unsigned bits = are_ends(p);
		if (bits) {
			p += __builtin_ctz(bits);
			return p < end ? p : end;
		}
	}
	while (p < end && (unsigned char)*p > ' ' && !is_a(*p, SEMI | COMMA | QUOTE))
		p++;
	return p < end ? p : end;
}

/* The first `c`, or NULL. */
static inline const char *find_byte(const char *p, const char *end, const char *limit, char c)
{
	for (; p < end && limit - p >= 16; p += 16) {
		unsigned bits = are(p, c);
		if (bits) {
			p += __builtin_ctz(bits);
			return p < end ? p : NULL;
		}
	}
	while (p < end && *p != c)
		p++;
	return p < end ? p : NULL;
}

/* Whether one of are_blank() is among them. */
static inline bool has_blank(const char *p, const char *end, const char *limit)
{
	for (; p < end && limit - p >= 16; p += 16) {
		unsigned bits = are_blank(p);
		if (bits)
			return p + __builtin_ctz(bits) < end;
	}
	while (p < end && (unsigned char)*p > ' ')
		p++;
	return p < end;
}

/* --- parameters --- */

/* Behind the quoted string that begins at `p`, or the end. */
const char *skip_quoted(const char *p, const char *end);
/* The ';' before the first parameter, the end, or in a list the comma where the value ends. Parameters of a name-addr
 * stand behind its angle brackets (RFC 3261 20.10). */
const char *skip_to_params(const char *p, const char *end, bool list);
/* Looks for a parameter from the ';' at `p` on, up to the end or a comma. */
bool find_param(struct slice *out, const char *p, const char *end, struct slice name);

#endif

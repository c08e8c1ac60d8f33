#include "pcap/text.h"

/* In each byte of a word. */
#define ONES (UINT64_MAX / 255)
#define HIGH (ONES << 7)

/* Length of the well-formed sequence at the front of `s`, 0 if there is none (Unicode 15, table 3-7). */
static size_t rune_decode(struct slice s, uint32_t *rune)
{
	const uint8_t *p = (const uint8_t *)s.p;
	uint32_t r = p[0], min;
	size_t n;

	if (r < 0x80) {
		*rune = r;
		return 1;
	}
	if (r >= 0xC2 && r <= 0xDF)
		n = 2, r &= 0x1F, min = 0x80;
	else if (r >= 0xE0 && r <= 0xEF)
		n = 3, r &= 0x0F, min = 0x800;
	else if (r >= 0xF0 && r <= 0xF4)
		n = 4, r &= 0x07, min = 0x10000;
	else
		return 0;
	if (s.l < n)
		return 0;

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		r = r << 6 | (p[i] & 0x3F);
	}
	if (r < min || r > 0x10FFFF || (r >= 0xD800 && r <= 0xDFFF))
		return 0;
	*rune = r;
	return n;
}

uint32_t text_next(struct slice *s)
{
	uint32_t rune = TEXT_REPLACEMENT;
	size_t n = rune_decode(*s, &rune);

	if (!n)
		n = 1;
	s->p += n;
	s->l -= n;
	return rune;
}

static size_t rune_encode(char out[4], uint32_t r)
{
	if (r < 0x80) {
		out[0] = (char)r;
		return 1;
	}
	if (r < 0x800) {
		out[0] = (char)(0xC0 | r >> 6);
		out[1] = (char)(0x80 | (r & 0x3F));
		return 2;
	}
	if (r < 0x10000) {
		out[0] = (char)(0xE0 | r >> 12);
		out[1] = (char)(0x80 | (r >> 6 & 0x3F));
		out[2] = (char)(0x80 | (r & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | r >> 18);
	out[1] = (char)(0x80 | (r >> 12 & 0x3F));
	out[2] = (char)(0x80 | (r >> 6 & 0x3F));
	out[3] = (char)(0x80 | (r & 0x3F));
	return 4;
}

void text_put_rune(struct buf *b, uint32_t rune)
{
	char c[4];

	buf_put(b, c, rune_encode(c, rune));
}

/* How many bytes at the front are ASCII but NUL. */
static size_t plain_len(struct slice s)
{
	size_t n = 0;
	uint64_t word;

	for (; n + sizeof(word) <= s.l; n += sizeof(word)) {
		memcpy(&word, s.p + n, sizeof(word));
		if ((word | (word - ONES)) & HIGH) /* also behind a NUL: then the loop below decides */
			break;
	}
	while (n < s.l && (signed char)s.p[n] > 0)
		n++;
	return n;
}

void text_put_utf8(struct buf *b, struct slice s, size_t max)
{
	while (s.l) {
		char c[4];
		uint32_t rune;
		size_t plain = plain_len((struct slice){s.p, s.l < max ? s.l : max}), n;

		if (plain) {
			buf_put(b, s.p, plain);
			s.p += plain;
			s.l -= plain;
			max -= plain;
			continue;
		}
		rune = text_next(&s);
		n = rune_encode(c, rune ? rune : TEXT_REPLACEMENT);
		if (n > max)
			return;
		buf_put(b, c, n);
		max -= n;
	}
}

int text_rune_width(uint32_t r)
{
	static const struct {
		uint32_t from, to;
		int width;
	} ranges[] = {
	    {0x0000, 0x001F, -1}, {0x007F, 0x009F, -1},  {0x00AD, 0x00AD, -1},  {0x0300, 0x036F, 0},
	    {0x061C, 0x061C, -1}, {0x1100, 0x115F, 2},   {0x180E, 0x180E, -1},  {0x200B, 0x200F, -1},
	    {0x2028, 0x202E, -1}, {0x2060, 0x206F, -1},  {0x20D0, 0x20FF, 0},   {0x2E80, 0xA4CF, 2},
	    {0xAC00, 0xD7A3, 2},  {0xE000, 0xF8FF, -1},  {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},
	    {0xFE30, 0xFE6F, 2},  {0xFEFF, 0xFEFF, -1},  {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},
	    {0xFFF0, 0xFFFC, -1}, {0x1F300, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2}, {0xE0000, 0x10FFFF, -1},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && r >= ranges[i].from; i++)
		if (r <= ranges[i].to)
			return ranges[i].width;
	return 1;
}

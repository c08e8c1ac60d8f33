#include "core/buf.h"
#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The first memory of a buffer, which most never outgrow. Such blocks wait here for the next buffer, as a message is built with several
 * that live for a moment. */
#define BUF_FIRST 1024
#define BUF_KEPT 16

#ifndef OFFHOOK_SANITIZE /* the address sanitizer is to see every use after free */
static _Thread_local uint8_t *kept[BUF_KEPT];
static _Thread_local unsigned kept_count;
#endif

static uint8_t *first_block(void)
{
#ifndef OFFHOOK_SANITIZE
	if (kept_count)
		return kept[--kept_count];
#endif
	return malloc(BUF_FIRST);
}

static void give_back(uint8_t *p, size_t cap)
{
#ifndef OFFHOOK_SANITIZE
	if (cap == BUF_FIRST && kept_count < BUF_KEPT) {
		kept[kept_count++] = p;
		return;
	}
#endif
	(void)cap;
	free(p);
}

bool buf_grow(struct buf *b, size_t len)
{
	size_t need, cap;
	uint8_t *p = NULL;

	if (b->failed)
		return false;
	if (len > SIZE_MAX / 2 - b->len)
		goto out;
	need = b->len + len;
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap *= 2;
	if (!mem_should_fail())
		p = b->cap || cap > BUF_FIRST ? realloc(b->p, cap) : first_block();
	if (p) {
		b->p = p;
		b->cap = cap;
	}
out:
	b->failed = p == NULL;
	return !b->failed;
}

char *write_digits(char *p, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
				    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
				    "9899";
	size_t digits = 1;

	for (uint64_t power = 10; v >= power && digits < WRITE_DIGITS_MAX; power *= 10)
		digits++;
	char *end = p + digits;
	for (p = end; v > 9; v /= 100)
		memcpy(p -= 2, pairs + v % 100 * 2, 2);
	if (digits & 1)
		*--p = (char)('0' + v);
	return end;
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	if (buf_reserve(b, WRITE_DIGITS_MAX))
		buf_ends_at(b, write_digits(buf_end(b), v));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	/* Room is kept for the NUL that vsnprintf writes; it is not part of the contents. */
	if (!buf_reserve(b, 64))
		return;
	for (int again = 0; again < 2; again++) {
		size_t room = b->cap - b->len;

		va_start(ap, fmt);
		n = vsnprintf((char *)b->p + b->len, room, fmt, ap);
		va_end(ap);
		if (n < 0) {
			b->failed = true;
			return;
		}
		if ((size_t)n < room) {
			b->len += (size_t)n;
			return;
		}
		if (!buf_reserve(b, (size_t)n + 1))
			return;
	}
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_free(struct buf *b)
{
	if (b->p)
		give_back(b->p, b->cap);
	*b = (struct buf){0};
}

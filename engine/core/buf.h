/* A growable byte buffer. A failed growth is remembered in `failed`, so that a sequence of puts needs one check. */
#ifndef OFFHOOK_CORE_BUF_H
#define OFFHOOK_CORE_BUF_H

#include "core/slice.h"

struct buf {
	uint8_t *p;
	size_t len, cap;
	bool failed; /* out of memory since the last reset: the contents are incomplete */
};

static inline void buf_put(struct buf *b, const void *data, size_t len);
static inline void buf_puts(struct buf *b, const char *s);
static inline void buf_put_slice(struct buf *b, struct slice s);
/* In decimal digits. */
void buf_put_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for `len` more bytes; false when memory ran out. */
static inline bool buf_reserve(struct buf *b, size_t len);
/* Empty, keeping the memory. */
void buf_reset(struct buf *b);
/* Frees the memory; the struct is as new. */
void buf_free(struct buf *b);

bool buf_grow(struct buf *b, size_t len); /* for buf_reserve() */

static inline bool buf_reserve(struct buf *b, size_t len)
{
	return (!b->failed && len <= b->cap - b->len) || buf_grow(b, len);
}

/* Messages are built with many small puts: those that need no growth stand here, where lengths known to the compiler become moves. */
static inline void buf_put(struct buf *b, const void *data, size_t len)
{
	if (!len || !buf_reserve(b, len))
		return;
	memcpy(b->p + b->len, data, len);
	b->len += len;
}

static inline void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

static inline void buf_put_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.p, s.l);
}

/* --- several pieces into room that was reserved for all of them: from `p = buf_end(b)` on, then buf_ends_at(b, p) --- */
static inline char *buf_end(const struct buf *b)
{
	return (char *)b->p + b->len;
}
/* Each returns where it ends. */
static inline char *write_slice(char *p, struct slice s)
{
	return s.l ? mempcpy(p, s.p, s.l) : p;
}
static inline char *write_text(char *p, const char *s)
{
	return write_slice(p, slice_str(s));
}
#define WRITE_DIGITS_MAX 20
char *write_digits(char *p, uint64_t v);

static inline void buf_ends_at(struct buf *b, const char *p)
{
	b->len = (size_t)(p - (const char *)b->p);
}

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){(const char *)b->p, b->len};
}

#endif

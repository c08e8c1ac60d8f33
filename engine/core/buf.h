/* A growable byte buffer. A failed growth is remembered in `failed`, so that a sequence of puts needs one check. */
#ifndef OFFHOOK_CORE_BUF_H
#define OFFHOOK_CORE_BUF_H

#include "core/slice.h"

struct buf {
	uint8_t *p;
	size_t len, cap;
	bool failed; /* out of memory since the last reset: the contents are incomplete */
};

void buf_put(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_put_slice(struct buf *b, struct slice s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for `len` more bytes; false when memory ran out. */
bool buf_reserve(struct buf *b, size_t len);
/* Empty, keeping the memory. */
void buf_reset(struct buf *b);
/* Frees the memory; the struct is as new. */
void buf_free(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){(const char *)b->p, b->len};
}

#endif

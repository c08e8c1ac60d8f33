/* Which known word a mistyped one was meant to be. */
#ifndef OFFHOOK_CORE_NEAREST_H
#define OFFHOOK_CORE_NEAREST_H

#include <stddef.h>

/* The candidate nearest to `word`, or NULL when none is near enough to be worth naming. */
const char *nearest(const char *word, const char *const *candidates, size_t count);

#endif

/* What the harnesses hold against what they found. */
#ifndef OFFHOOK_TESTS_FUZZ_CHECK_H
#define OFFHOOK_TESTS_FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* assert() that a release build keeps */
#define CHECK(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #x), abort()))

#endif

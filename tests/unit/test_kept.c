#include "unit.h"

#include "core/kept.h"
#include "core/rnd.h"

#include <stdio.h>
#include <string.h>

static struct kept_models models;

static int teardown(void **state)
{
	kept_models_free(&models);
	return unit_teardown(state);
}

static struct kept *keep(struct slice text)
{
	size_t half = text.l / 3;
	struct kept *k = kept_text(&models, 1, (struct slice){text.p, half}, (struct slice){text.p + half, text.l - half});

	assert_non_null(k);
	return k;
}

/* Whether it is told by another one. */
static bool assert_reads(const struct kept *k, struct slice text)
{
	char room[KEPT_ROOM];
	struct slice s = kept_read(k, room);

	assert_true(slice_eq(s, text));
	return s.p == room;
}

/* A text of `len` bytes of which those from `from` on are of the `n`-th kind. */
static struct slice text_of(char *buf, size_t len, size_t from, unsigned n)
{
	struct rnd rnd;
	char name[20];

	snprintf(name, sizeof(name), "%u", n);
	rnd_init(&rnd, 1, "texts", "", name);
	memset(buf, 'x', len);
	for (size_t i = from; i < len; i++)
		buf[i] = (char)('A' + rnd_below(&rnd, 26));
	return (struct slice){buf, len};
}

static void told(void **state)
{
	char a[300], b[300];
	struct slice first = text_of(a, 300, 270, 1), second = text_of(b, 300, 270, 2);
	struct kept *k = keep(first), *l = keep(second);

	(void)state;
	assert_false(assert_reads(k, first));
	assert_true(assert_reads(l, second));
	mem_deref(k);
	mem_deref(l);
}

/* A third of each differs: after two of them there is no better to be had. */
static void hardly_alike(void **state)
{
	struct kept *k[6];
	char text[6][300];
	struct slice s[6];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		s[i] = text_of(text[i], 300, 200, i);
		k[i] = keep(s[i]);
	}
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(assert_reads(k[i], s[i]), i >= 2);
		mem_deref(k[i]);
	}
}

/* Nothing is won by telling it. */
static void unlike(void **state)
{
	struct kept *k[6];
	char text[300];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		k[i] = keep(text_of(text, 300, 50, i));
		assert_false(assert_reads(k[i], text_of(text, 300, 50, i)));
	}
	for (unsigned i = 0; i < 6; i++)
		mem_deref(k[i]);
}

/* It needs those that it was told by no longer than it lives. */
static void outlives(void **state)
{
	char text[300];
	struct kept *k = keep(text_of(text, 300, 290, 1)), *l = keep(text_of(text, 300, 290, 2));

	(void)state;
	mem_deref(k);
	kept_models_free(&models);
	assert_true(assert_reads(l, text_of(text, 300, 290, 2)));
	mem_deref(l);
}

/* Longer than any that is told by another, and empty. */
static void lengths(void **state)
{
	static char text[70000];
	const size_t sizes[] = {0, 1, 7, KEPT_ROOM, KEPT_ROOM + 1, sizeof(text)};

	(void)state;
	memset(text, 'y', sizeof(text));
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct slice s = {text, sizes[i]};
		struct kept *k = keep(s), *l = keep(s);
		assert_reads(k, s);
		assert_reads(l, s);
		mem_deref(k);
		mem_deref(l);
	}
}

static int try(void *arg)
{
	struct kept *k = kept_text(&models, 1, *(struct slice *)arg, SLICE_NONE), *l = kept_text(&models, 1, *(struct slice *)arg, SLICE_NONE);
	int err = k && l ? 0 : -1;

	mem_deref(k);
	mem_deref(l);
	kept_models_free(&models);
	return err;
}

static void memory(void **state)
{
	struct slice s = SLICE_LIT("a text that is kept twice");

	(void)state;
	assert_true(unit_each_failure(try, &s) > 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, teardown)
	const struct CMUnitTest tests[] = {TEST(told), TEST(hardly_alike), TEST(unlike), TEST(outlives), TEST(lengths), TEST(memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

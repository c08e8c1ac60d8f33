#include "unit.h"

#include "core/slice.h"

#define S SLICE_LIT

static void equality(void **state)
{
	(void)state;
	assert_true(slice_eq(S("abc"), S("abc")));
	assert_false(slice_eq(S("abc"), S("abC")));
	assert_false(slice_eq(S("abc"), S("ab")));
	assert_true(slice_eq(SLICE_NONE, S("")));
	assert_true(slice_case_eq(S("Call-ID"), S("cALL-id")));
	assert_false(slice_case_eq(S("Call-ID"), S("Call-IE")));
	/* '@' and '`' differ by the bit that makes letters lower case. */
	assert_false(slice_case_eq(S("@"), S("`")));
	assert_false(slice_case_eq(S("["), S("{")));
}

static void trimming(void **state)
{
	(void)state;
	assert_true(slice_eq(slice_trim(S(" \t\r\n a b \r\n")), S("a b")));
	assert_true(slice_eq(slice_trim(S(" \t ")), S("")));
	assert_true(slice_eq(slice_trim(SLICE_NONE), S("")));
}

static void numbers(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(slice_u64(&v, S("0"), 0));
	assert_int_equal(v, 0);
	assert_true(slice_u64(&v, S("18446744073709551615"), UINT64_MAX));
	assert_true(v == UINT64_MAX);
	assert_false(slice_u64(&v, S("18446744073709551616"), UINT64_MAX));
	assert_false(slice_u64(&v, S("99999999999999999999999"), UINT64_MAX));
	assert_true(slice_u64(&v, S("0065535"), 65535));
	assert_int_equal(v, 65535);
	assert_false(slice_u64(&v, S("65536"), 65535));
	assert_false(slice_u64(&v, S("5"), 4));
	assert_false(slice_u64(&v, S(""), 10));
	assert_false(slice_u64(&v, S("-1"), 10));
	assert_false(slice_u64(&v, S("1 "), 10));
	assert_false(slice_u64(&v, S("\xb1"), 10));
}

static void copying(void **state)
{
	char buf[4];

	(void)state;
	assert_string_equal(slice_copy(buf, sizeof(buf), S("abcdef")), "abc");
	assert_string_equal(slice_copy(buf, sizeof(buf), SLICE_NONE), "");
}

static void finding(void **state)
{
	(void)state;
	assert_int_equal(slice_find(S("a\r\n\r\nb"), S("\r\n\r\n"), 0), 1);
	assert_int_equal(slice_find(S("abab"), S("ab"), 1), 2);
	assert_int_equal(slice_find(S("abab"), S("ab"), 3), -1);
	assert_int_equal(slice_find(S("ab"), S("abc"), 0), -1);
	assert_int_equal(slice_find(S("ab"), S(""), 2), 2);
	assert_int_equal(slice_find(S("ab"), S("a"), 3), -1);
	assert_int_equal(slice_find(SLICE_NONE, S("a"), 0), -1);
}

static void controls(void **state)
{
	char text[40];

	(void)state;
	assert_false(slice_has_control(SLICE_NONE));
	for (size_t l = 1; l < sizeof(text); l++)
		for (size_t i = 0; i < l; i++)
			for (unsigned c = 0; c < 256; c++) {
				memset(text, c & 1 ? '~' : '!', l);
				text[i] = (char)c;
				assert_true(slice_has_control((struct slice){text, l}) == (c <= ' ' || c == 0x7f));
			}
}

static void hashing(void **state)
{
	(void)state;
	/* The published test vector of FNV-1a 64 for "foobar". */
	assert_true(slice_fnv(SLICE_HASH_SEED, S("foobar")) == 0x85944171f73967e8ull);
	assert_true(slice_fnv(slice_fnv(SLICE_HASH_SEED, S("foo")), S("bar")) == 0x85944171f73967e8ull);
}

static uint64_t hash_of(const char *p, size_t l)
{
	return slice_hash(SLICE_HASH_SEED, (struct slice){p, l});
}

/* Every length, each byte of it, and where one slice ends and the next begins: all of them count. */
static void hashing_for_tables(void **state)
{
	char text[40] = {0}, copy[41] = {0};

	(void)state;
	assert_true(slice_hash(SLICE_HASH_SEED, SLICE_NONE) == hash_of("x", 0));
	for (size_t l = 0; l < sizeof(text); l++) {
		assert_true(hash_of(text, l) == hash_of(copy + 1, l)); /* whatever its alignment */
		assert_true(hash_of(text, l) != hash_of(text, l + 1)); /* zeros count too */
		for (size_t i = 0; i < l; i++) {
			text[i] = 1;
			assert_true(hash_of(text, l) != hash_of(copy, l));
			text[i] = 0;
		}
	}
	assert_true(slice_hash(slice_hash(1, S("ab")), S("c")) != slice_hash(slice_hash(1, S("a")), S("bc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(equality), UNIT_TEST(trimming), UNIT_TEST(numbers),
	    UNIT_TEST(copying),  UNIT_TEST(finding),  UNIT_TEST(hashing),
	    UNIT_TEST(hashing_for_tables), UNIT_TEST(controls),
	};

	return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}

#include "unit.h"

#include "core/buf.h"
#include "load/feeder.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct feeder *parse(struct slice bytes)
{
	struct feeder *f = NULL;
	struct err e = {0};

	if (feeder_parse(&f, bytes, "u.csv", &e))
		fail_msg("%s", e.text);
	return f;
}

static void field_is(const struct feeder *f, uint32_t row, uint32_t column, const char *wanted)
{
	struct slice s = feeder_field(f, row, column);

	if (!slice_eq(s, slice_str(wanted)))
		fail_msg("row %u column %u is \"%.*s\", not \"%s\"", row, column, SLICE_ARG(s), wanted);
}

static void plain(void **state)
{
	static const char *const texts[] = {
	    "aor,password,port\nsip:a@x,secret,5060\nsip:b@x,,5061\n",
	    "aor,password,port\r\nsip:a@x,secret,5060\r\nsip:b@x,,5061\r\n",
	    "\xef\xbb\xbf" "aor,password,port\nsip:a@x,secret,5060\nsip:b@x,,5061",
	    "\n\naor,password,port\n\r\nsip:a@x,secret,5060\n\nsip:b@x,,5061\n\n\n",
	    "\"aor\",\"password\",\"port\"\n\"sip:a@x\",\"secret\",\"5060\"\n\"sip:b@x\",\"\",\"5061\"\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct feeder *f = parse(slice_str(texts[i]));
		assert_int_equal(feeder_rows(f), 2);
		assert_int_equal(feeder_columns(f), 3);
		assert_true(slice_eq(feeder_name(f, 0), SLICE_LIT("aor")));
		assert_true(slice_eq(feeder_name(f, 2), SLICE_LIT("port")));
		assert_int_equal(feeder_column(f, SLICE_LIT("password")), 1);
		assert_int_equal(feeder_column(f, SLICE_LIT("Password")), -1);
		field_is(f, 0, 0, "sip:a@x");
		field_is(f, 0, 1, "secret");
		field_is(f, 0, 2, "5060");
		field_is(f, 1, 0, "sip:b@x");
		field_is(f, 1, 1, "");
		field_is(f, 1, 2, "5061");
		feeder_free(f);
	}
}

static void quotes(void **state)
{
	struct feeder *f = parse(SLICE_LIT("name,note\n"
					   "\"Smith, \"\"Bob\"\"\",\"two\r\nlines\"\n"
					   " spaced , kept \n"
					   "\"\"\"\",\"\"\n"
					   ",\n"
					   "\xc3\xa4,last"));

	(void)state;
	assert_int_equal(feeder_rows(f), 5);
	field_is(f, 0, 0, "Smith, \"Bob\"");
	field_is(f, 0, 1, "two\r\nlines");
	field_is(f, 1, 0, " spaced ");
	field_is(f, 1, 1, " kept ");
	field_is(f, 2, 0, "\"");
	field_is(f, 2, 1, "");
	field_is(f, 3, 0, "");
	field_is(f, 3, 1, "");
	field_is(f, 4, 0, "\xc3\xa4");
	field_is(f, 4, 1, "last");
	feeder_free(f);
	/* one column: an empty line is no row, "" is one */
	f = parse(SLICE_LIT("aor\na\n\n\"\"\nb"));
	assert_int_equal(feeder_rows(f), 3);
	field_is(f, 1, 0, "");
	field_is(f, 2, 0, "b");
	feeder_free(f);
}

static void refuse(struct slice bytes, const char *wanted)
{
	struct feeder *f = NULL;
	struct err e = {0};

	if (feeder_parse(&f, bytes, "u.csv", &e) != ERR_PARSE)
		fail_msg("taken: %.*s", SLICE_ARG(bytes));
	assert_null(f);
	assert_string_equal(e.text, wanted);
}

static void wrong(void **state)
{
	struct buf many = {0};

	(void)state;
	refuse(SLICE_NONE, "u.csv: no rows; a line with the names of the columns comes first, then a line for each row");
	refuse(SLICE_LIT("\xef\xbb\xbf"), "u.csv: no rows; a line with the names of the columns comes first, then a line for each row");
	refuse(SLICE_LIT("a,b\n\n"), "u.csv: no rows; a line with the names of the columns comes first, then a line for each row");
	refuse(SLICE_LIT("a,b\n1,2\n1,2,3\n"), "u.csv:3: 3 fields where the first line names 2 columns");
	refuse(SLICE_LIT("a,b\n1\n"), "u.csv:2: 1 field where the first line names 2 columns");
	refuse(SLICE_LIT("a,b\n1,2,\n"), "u.csv:2: 3 fields where the first line names 2 columns");
	refuse(SLICE_LIT("a\n1,2"), "u.csv:2: 2 fields where the first line names 1 column");
	refuse(SLICE_LIT("a,,c\n1,2,3\n"), "u.csv:1: column 2 has no name; the first line names the columns");
	refuse(SLICE_LIT("\na,b,a\n1,2,3\n"), "u.csv:2: two columns are called \"a\"");
	refuse(SLICE_LIT("a\n\"x\ny\n\nz"), "u.csv:2: the quote that opens a field here is never closed");
	refuse(SLICE_LIT("a\n\""), "u.csv:2: the quote that opens a field here is never closed");
	refuse(SLICE_LIT("a\n\"x\"\""), "u.csv:2: the quote that opens a field here is never closed");
	refuse(SLICE_LIT("a\n\"x\ny\"z\n"), "u.csv:3: text behind the closing quote of a field; a quote within quotes is written twice");
	refuse(SLICE_LIT("a\n\"x\"\r"), "u.csv:2: text behind the closing quote of a field; a quote within quotes is written twice");
	refuse(SLICE_LIT("a\nx\"y\n"), "u.csv:2: a quote within a field: put the field into quotes and write its own twice");
	refuse(SLICE_LIT("a\n \"y\"\n"), "u.csv:2: a quote within a field: put the field into quotes and write its own twice");
	refuse(SLICE_LIT("a\rb\r"), "u.csv:1: a CR without LF: lines end with LF or CRLF");
	refuse(SLICE_LIT("a\nb\r"), "u.csv:2: a CR without LF: lines end with LF or CRLF");
	refuse(SLICE_LIT("a\nb\0\n"), "u.csv: a NUL byte, as UTF-16 has them; save the file as UTF-8");
	/* a line that follows a field of three lines is the fifth */
	refuse(SLICE_LIT("a,b\n1,\"x\ny\nz\"\n1,2,3\n"), "u.csv:5: 3 fields where the first line names 2 columns");
	for (int i = 0; i < 257; i++)
		buf_printf(&many, "%sc%d", i ? "," : "", i);
	buf_puts(&many, "\n");
	refuse(buf_slice(&many), "u.csv:1: 257 columns, 256 are possible");
	buf_free(&many);
}

static void picks(void **state)
{
	struct feeder *f = parse(SLICE_LIT("a\n0\n1\n2\n3\n"));
	unsigned counts[4] = {0};
	enum feeder_pick pick;
	struct rnd r;
	uint32_t row;

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		assert_true(feeder_next(&row, f, FEEDER_SEQUENTIAL, NULL));
		assert_int_equal(row, i % 4);
	}
	/* has a position of its own */
	for (unsigned i = 0; i < 4; i++) {
		assert_true(feeder_next(&row, f, FEEDER_UNIQUE, NULL));
		assert_int_equal(row, i);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_false(feeder_next(&row, f, FEEDER_UNIQUE, NULL));
	rnd_init(&r, 1, "feeder", NULL, NULL);
	for (unsigned i = 0; i < 4000; i++) {
		assert_true(feeder_next(&row, f, FEEDER_RANDOM, &r));
		counts[row]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(counts[i], 890, 1110);
	assert_true(feeder_pick_parse(&pick, SLICE_LIT("unique")) && pick == FEEDER_UNIQUE);
	assert_true(feeder_pick_parse(&pick, SLICE_LIT("random")) && pick == FEEDER_RANDOM);
	assert_true(feeder_pick_parse(&pick, SLICE_LIT("sequential")) && pick == FEEDER_SEQUENTIAL);
	assert_false(feeder_pick_parse(&pick, SLICE_LIT("uniq")));
	feeder_free(f);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void files(void **state)
{
	char one[] = "/tmp/feeder_XXXXXX", two[] = "/tmp/feeder_XXXXXX", bad[] = "/tmp/feeder_XXXXXX";
	struct feeders *all = feeders_alloc();
	const struct feeder *f, *again, *other;
	struct err e = {0};
	char says[200];
	uint32_t row;

	(void)state;
	write_file(one, "a,b\n1,2\n3,4\n");
	write_file(two, "a,b\n5,6\n");
	write_file(bad, "a,b\n5\n");
	assert_int_equal(feeders_open(&f, all, one, &e), 0);
	assert_int_equal(feeders_open(&other, all, two, &e), 0);
	assert_int_equal(feeders_open(&again, all, one, &e), 0);
	assert_ptr_equal(f, again);
	assert_ptr_not_equal(f, other);
	field_is(f, 1, 1, "4");
	field_is(other, 0, 0, "5");
	assert_true(feeder_next(&row, f, FEEDER_UNIQUE, NULL) && feeder_next(&row, again, FEEDER_UNIQUE, NULL));
	assert_false(feeder_next(&row, f, FEEDER_UNIQUE, NULL));
	assert_int_equal(feeders_open(&again, all, bad, &e), ERR_PARSE);
	snprintf(says, sizeof(says), "%s:2: 1 field where the first line names 2 columns", bad);
	assert_string_equal(e.text, says);
	unlink(bad);
	assert_int_equal(feeders_open(&again, all, bad, &e), ERR_ENV);
	snprintf(says, sizeof(says), "cannot read %s: No such file or directory", bad);
	assert_string_equal(e.text, says);
	assert_int_equal(feeders_open(&again, all, "/tmp", &e), ERR_ENV);
	assert_string_equal(e.text, "cannot read /tmp: Is a directory");
	unlink(one);
	unlink(two);
	feeders_free(all);
}

/* --- several threads --- */

#define THREADS 4
#define ROWS 200000

struct taker {
	pthread_t thread;
	struct feeders *all;
	const char *path;
	_Atomic unsigned char *taken;
	unsigned count, wrong;
};

static void *take_rows(void *arg)
{
	struct taker *t = arg;
	const struct feeder *f;
	uint32_t row;

	if (feeders_open(&f, t->all, t->path, NULL))
		return NULL;
	while (feeder_next(&row, f, FEEDER_UNIQUE, NULL)) {
		char wanted[16];
		snprintf(wanted, sizeof(wanted), "%u", row);
		t->wrong += !slice_eq(feeder_field(f, row, 0), slice_str(wanted));
		t->taken[row]++;
		t->count++;
	}
	return NULL;
}

/* All open the same file at once and take its rows, each once. */
static void threads(void **state)
{
	char path[] = "/tmp/feeder_XXXXXX";
	_Atomic unsigned char *taken = calloc(1, ROWS);
	struct feeders *all = feeders_alloc();
	struct taker takers[THREADS];
	struct buf text = {0};
	unsigned count = 0;

	(void)state;
	assert_non_null(taken);
	buf_puts(&text, "number,what\n");
	for (unsigned i = 0; i < ROWS; i++)
		buf_printf(&text, "%u,\"some \"\"text\"\" %u\"\n", i, i);
	buf_put(&text, "", 1);
	write_file(path, (char *)text.p);
	buf_free(&text);
	for (unsigned i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){.all = all, .path = path, .taken = taken};
		assert_int_equal(pthread_create(&takers[i].thread, NULL, take_rows, &takers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(takers[i].thread, NULL);
		assert_int_equal(takers[i].wrong, 0);
		count += takers[i].count;
	}
	assert_int_equal(count, ROWS);
	for (unsigned i = 0; i < ROWS; i++)
		assert_int_equal(taken[i], 1);
	unlink(path);
	feeders_free(all);
	free(taken);
}

/* --- memory --- */

static int open_file(void *path)
{
	struct feeders *all = feeders_alloc();
	const struct feeder *f;
	struct err e = {0};
	int err = ERR_NOMEM;

	if (all)
		err = feeders_open(&f, all, path, &e);
	if (err)
		assert_int_equal(err, ERR_NOMEM);
	else
		assert_int_equal(feeder_rows(f), 3000);
	if (all && err)
		assert_non_null(strstr(e.text, "out of memory for its rows"));
	feeders_free(all);
	return err;
}

static void out_of_memory(void **state)
{
	char path[] = "/tmp/feeder_XXXXXX";
	struct buf text = {0};

	(void)state;
	buf_puts(&text, "a\n");
	for (unsigned i = 0; i < 3000; i++)
		buf_puts(&text, "x\n");
	buf_put(&text, "", 1);
	write_file(path, (char *)text.p);
	buf_free(&text);
	assert_true(unit_each_failure(open_file, path) >= 7);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(plain), UNIT_TEST(quotes),  UNIT_TEST(wrong),	    UNIT_TEST(picks),
	    UNIT_TEST(files), UNIT_TEST(threads), UNIT_TEST(out_of_memory),
	};

	return cmocka_run_group_tests_name("feeder", tests, NULL, NULL);
}

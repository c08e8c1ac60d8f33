/* load/feeder: each input as a CSV file. What is read can be written again and then read as the same. */
#include <stdint.h>

#include "core/buf.h"
#include "load/feeder.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_field(struct buf *b, struct slice s, bool last)
{
	buf_puts(b, "\"");
	for (size_t i = 0; i < s.l; i++)
		buf_put(b, s.p[i] == '"' ? "\"\"" : s.p + i, s.p[i] == '"' ? 2 : 1);
	buf_puts(b, last ? "\"\r\n" : "\",");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice bytes = {(const char *)data, size};
	struct feeder *f = NULL, *again = NULL;
	struct buf b = {0};
	struct err e = {0};

	if (feeder_parse(&f, bytes, "f.csv", &e)) {
		CHECK(e.code == ERR_PARSE && !f && e.text[0] && !strncmp(e.text, "f.csv:", 6));
		return 0;
	}
	uint32_t rows = feeder_rows(f), columns = feeder_columns(f), row;
	CHECK(rows > 0 && columns > 0 && columns <= FEEDER_COLUMNS_MAX);
	for (uint32_t c = 0; c < columns; c++) {
		CHECK(feeder_column(f, feeder_name(f, c)) == (int)c);
		put_field(&b, feeder_name(f, c), c + 1 == columns);
	}
	for (uint32_t i = 0; i < rows; i++) {
		CHECK(feeder_next(&row, f, FEEDER_UNIQUE, NULL) && row == i);
		for (uint32_t c = 0; c < columns; c++)
			put_field(&b, feeder_field(f, i, c), c + 1 == columns);
	}
	CHECK(!feeder_next(&row, f, FEEDER_UNIQUE, NULL));
	CHECK(!feeder_parse(&again, buf_slice(&b), "again", &e));
	CHECK(feeder_rows(again) == rows && feeder_columns(again) == columns);
	for (uint32_t i = 0; i < rows; i++)
		for (uint32_t c = 0; c < columns; c++)
			CHECK(slice_eq(feeder_field(f, i, c), feeder_field(again, i, c)));
	buf_free(&b);
	feeder_free(f);
	feeder_free(again);
	return 0;
}

/* What a ladder shows of a recording: its columns, and a row for each packet. Private to pcap. */
#ifndef OFFHOOK_PCAP_ROWS_H
#define OFFHOOK_PCAP_ROWS_H

#include "core/hash.h"
#include "pcap/label.h"
#include "pcap/recorder.h"

struct column {
	struct addr addr;
	const char *name; /* NULL: outside the run */
	char address[ADDR_STRLEN];
};

struct row {
	struct recorder_frame f;
	struct label label;
	uint32_t src, dst; /* columns */
	bool lost;
};

/* All of it points into the recorder. */
struct rows {
	struct buf columns; /* struct column, as they appear first */
	struct buf list;    /* struct row */
	uint64_t start;     /* time of the capture's first frame */

	struct buf seen; /* to know bytes that come again */
	struct hash seen_at;
	size_t max, middle;    /* rows wanted; rows from the middle so far */
	uint32_t first, total; /* frames in memory: the number of the first, how many */
	bool failed;
};

/* At most `max` rows, the first and the last ones, and up to `max` from between where a step failed.
 * False when memory ran out; to be freed in any case. */
bool rows_collect(struct rows *r, const struct recorder *rec, size_t max);
void rows_free(struct rows *r);
/* The first of the comments in `*rest` that begins with `prefix`, or SLICE_NONE; `*rest` goes on behind it. */
struct slice rows_comment_next(struct slice *rest, const char *prefix);

static inline const struct column *rows_column(const struct rows *r, size_t i)
{
	return &((const struct column *)r->columns.p)[i];
}

static inline size_t rows_columns(const struct rows *r)
{
	return r->columns.len / sizeof(struct column);
}

static inline const struct row *rows_row(const struct rows *r, size_t i)
{
	return &((const struct row *)r->list.p)[i];
}

static inline size_t rows_count(const struct rows *r)
{
	return r->list.len / sizeof(struct row);
}

#endif

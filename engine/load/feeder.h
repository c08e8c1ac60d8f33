/* Rows of a CSV file for virtual users: read once and shared by all threads.
 *
 * The file is UTF-8 as RFC 4180 says, with LF or CRLF and perhaps a byte order mark: a header line with the names of the columns, then rows
 * with as many fields. A field in quotes may hold commas, line ends and quotes ("" is one); spaces belong to their field; lines
 * of nothing are skipped. Whatever else is in there is an error that says FILE:LINE.
 *
 * A feeder is plain memory, not a block of core/mem.h: those belong to one thread. It never changes once it is open, but for the two
 * atomic positions, so that every function may be called by several threads at once; feeders_free() only after all of them. Rows
 * take their bytes and 4 for each field. */
#ifndef OFFHOOK_LOAD_FEEDER_H
#define OFFHOOK_LOAD_FEEDER_H

#include "core/err.h"
#include "core/rnd.h"
#include "core/slice.h"

#include <stdbool.h>

#define FEEDER_COLUMNS_MAX 256
#define FEEDER_BYTES_MAX 2000000000u

struct feeder;
struct feeders;

enum feeder_pick {
	FEEDER_SEQUENTIAL, /* one after the other, from the first again after the last */
	FEEDER_RANDOM,     /* any, from the caller's stream */
	FEEDER_UNIQUE,     /* one after the other, each once: then there is none */
};

/* All the files of a run. NULL when memory ran out. */
struct feeders *feeders_alloc(void);
/* With all their feeders. Always returns NULL; NULL is allowed. */
struct feeders *feeders_free(struct feeders *all);
/* The file as a feeder, read at the first call; the same path gives the same feeder and so the same positions, in all threads. Others
 * who ask while it is read wait. `path` is told in errors as it is. ERR_ENV (cannot be read), ERR_PARSE, ERR_NOMEM; the next call tries again. */
int feeders_open(const struct feeder **fp, struct feeders *all, const char *path, struct err *e);

/* A feeder of its own from bytes in memory; `name` stands for the file's in errors. */
int feeder_parse(struct feeder **fp, struct slice bytes, const char *name, struct err *e);
struct feeder *feeder_free(struct feeder *f);

uint32_t feeder_rows(const struct feeder *f);
uint32_t feeder_columns(const struct feeder *f);
/* The name of a column. */
struct slice feeder_name(const struct feeder *f, uint32_t column);
/* The column of that name, or -1. */
int feeder_column(const struct feeder *f, struct slice name);
/* Picks a row. false: FEEDER_UNIQUE has given all of them. `r`: of FEEDER_RANDOM, else NULL. There is one position for all who pick in
 * sequence, one for all who pick each row once. */
bool feeder_next(uint32_t *row, const struct feeder *f, enum feeder_pick pick, struct rnd *r);
/* A field; lives as long as the feeder. */
struct slice feeder_field(const struct feeder *f, uint32_t row, uint32_t column);

/* "sequential", "random", "unique"; false: none of them. */
bool feeder_pick_parse(enum feeder_pick *pick, struct slice name);

#endif

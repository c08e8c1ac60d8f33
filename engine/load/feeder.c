#include "load/feeder.h"

#include "core/buf.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct feeder {
	struct feeder *next; /* in its struct feeders */
	char *path;
	char *bytes;         /* of all fields, one after the other, header first */
	uint32_t *ends;      /* where each field ends in there; it begins where the one before ends */
	uint32_t rows, columns;
	_Atomic uint64_t sequential, unique; /* rows that were given */
};

struct feeders {
	pthread_mutex_t lock;
	struct feeder *first;
};

/* --- reading --- */

struct reader {
	const char *name;
	const char *p, *end;
	uint32_t line;
	/* out */
	char *bytes;
	size_t len;
	uint32_t *ends;
	size_t fields, room;
};

static int out_of_memory(const char *name, struct err *e)
{
	return err_set(e, ERR_NOMEM, "%s: out of memory for its rows", name);
}

static int field_end(struct reader *r, struct err *e)
{
	if (r->fields == r->room) {
		size_t room = r->room ? r->room * 2 : 1024;
		uint32_t *grown = mem_should_fail() ? NULL : realloc(r->ends, room * sizeof(*grown));
		if (!grown)
			return out_of_memory(r->name, e);
		r->ends = grown;
		r->room = room;
	}
	r->ends[r->fields++] = (uint32_t)r->len;
	return 0;
}

static bool at_line_end(const struct reader *r)
{
	return r->p == r->end || *r->p == '\n' || (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n');
}

/* Behind the opening quote. */
static int read_quoted(struct reader *r, struct err *e)
{
	uint32_t opened = r->line;

	for (;; r->p++) {
		if (r->p == r->end)
			return err_set(e, ERR_PARSE, "%s:%u: the quote that opens a field here is never closed", r->name, opened);
		if (*r->p == '"') {
			r->p++;
			if (r->p == r->end || *r->p != '"')
				break;
		}
		if (*r->p == '\n')
			r->line++;
		r->bytes[r->len++] = *r->p;
	}
	if (!at_line_end(r) && *r->p != ',')
		return err_set(e, ERR_PARSE, "%s:%u: text behind the closing quote of a field; a quote within quotes is written twice",
			       r->name, r->line);
	return 0;
}

static int read_plain(struct reader *r, struct err *e)
{
	for (; !at_line_end(r) && *r->p != ','; r->p++) {
		if (*r->p == '"')
			return err_set(e, ERR_PARSE, "%s:%u: a quote within a field: put the field into quotes and write its own twice",
				       r->name, r->line);
		if (*r->p == '\r')
			return err_set(e, ERR_PARSE, "%s:%u: a CR without LF: lines end with LF or CRLF", r->name, r->line);
		r->bytes[r->len++] = *r->p;
	}
	return 0;
}

/* One line; `columns` says how many fields it had, 0 when it is empty. */
static int read_row(struct reader *r, uint32_t *columns, struct err *e)
{
	int err = 0;

	*columns = 0;
	while (!at_line_end(r) || *columns) {
		bool quoted = r->p < r->end && *r->p == '"';
		r->p += quoted;
		err = quoted ? read_quoted(r, e) : read_plain(r, e);
		if (!err)
			err = field_end(r, e);
		if (err)
			return err;
		++*columns;
		if (r->p == r->end || *r->p != ',')
			break;
		r->p++;
	}
	return 0;
}

static void skip_line_end(struct reader *r)
{
	if (r->p < r->end && *r->p == '\r')
		r->p++;
	if (r->p < r->end)
		r->p++;
	r->line++;
}

static struct slice field_at(const char *bytes, const uint32_t *ends, size_t i)
{
	uint32_t from = i ? ends[i - 1] : 0;

	return (struct slice){bytes + from, ends[i] - from};
}

static int check_header(const struct reader *r, uint32_t columns, uint32_t line, struct err *e)
{
	if (columns > FEEDER_COLUMNS_MAX)
		return err_set(e, ERR_PARSE, "%s:%u: %u columns, %u are possible", r->name, line, columns, FEEDER_COLUMNS_MAX);
	for (uint32_t i = 0; i < columns; i++) {
		struct slice name = field_at(r->bytes, r->ends, i);
		if (!name.l)
			return err_set(e, ERR_PARSE, "%s:%u: column %u has no name; the first line names the columns", r->name, line, i + 1);
		for (uint32_t k = 0; k < i; k++)
			if (slice_eq(name, field_at(r->bytes, r->ends, k)))
				return err_set(e, ERR_PARSE, "%s:%u: two columns are called \"%.*s\"", r->name, line,
					       (int)(name.l < 80 ? name.l : 80), name.p);
	}
	return 0;
}

/* All lines but empty ones; the fields of the header come first. */
static int read_rows(struct reader *r, uint32_t *columns, uint32_t *rows, struct err *e)
{
	*columns = *rows = 0;
	for (; r->p < r->end; skip_line_end(r)) {
		uint32_t line = r->line, fields;
		int err = read_row(r, &fields, e);
		if (err)
			return err;
		if (!fields)
			continue;
		if (!*columns) {
			*columns = fields;
			err = check_header(r, fields, line, e);
			if (err)
				return err;
		} else if (fields != *columns) {
			return err_set(e, ERR_PARSE, "%s:%u: %u field%s where the first line names %u column%s", r->name, line, fields,
				       fields == 1 ? "" : "s", *columns, *columns == 1 ? "" : "s");
		} else {
			++*rows;
		}
	}
	if (!*rows)
		return err_set(e, ERR_PARSE, "%s: no rows; a line with the names of the columns comes first, then a line for each row",
			       r->name);
	return 0;
}

static void *shrink(void *p, size_t size)
{
	void *less = size ? realloc(p, size) : NULL;

	return less ? less : p;
}

static int check_bytes(struct slice bytes, const char *name, struct err *e)
{
	if (bytes.l > FEEDER_BYTES_MAX)
		return err_set(e, ERR_PARSE, "%s: %zu bytes, %u are possible; split the file", name, bytes.l, FEEDER_BYTES_MAX);
	if (bytes.l && memchr(bytes.p, '\0', bytes.l))
		return err_set(e, ERR_PARSE, "%s: a NUL byte, as UTF-16 has them; save the file as UTF-8", name);
	return 0;
}

int feeder_parse(struct feeder **fp, struct slice bytes, const char *name, struct err *e)
{
	struct reader r = {.name = name, .line = 1};
	struct feeder *f = NULL;
	int err = check_bytes(bytes, name, e);

	if (err)
		return err;
	if (bytes.l >= 3 && !memcmp(bytes.p, "\xef\xbb\xbf", 3))
		bytes = (struct slice){bytes.p + 3, bytes.l - 3};
	r.p = bytes.p;
	r.end = bytes.p + bytes.l;
	f = mem_should_fail() ? NULL : calloc(1, sizeof(*f));
	r.bytes = mem_should_fail() ? NULL : malloc(bytes.l + 1);
	if (!f || !r.bytes) {
		err = out_of_memory(name, e);
		goto out;
	}
	f->path = mem_should_fail() ? NULL : strdup(name);
	if (!f->path) {
		err = out_of_memory(name, e);
		goto out;
	}
	err = read_rows(&r, &f->columns, &f->rows, e);
out:
	if (err) {
		free(r.bytes);
		free(r.ends);
		feeder_free(f);
		return err;
	}
	f->bytes = shrink(r.bytes, r.len);
	f->ends = shrink(r.ends, r.fields * sizeof(*r.ends));
	*fp = f;
	return 0;
}

struct feeder *feeder_free(struct feeder *f)
{
	if (!f)
		return NULL;
	free(f->path);
	free(f->bytes);
	free(f->ends);
	free(f);
	return NULL;
}

/* --- files --- */

static int read_file(struct buf *b, const char *path, struct err *e)
{
	struct stat st;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		err_set(e, ERR_ENV, "cannot read %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_ENV;
	}
	if (S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FEEDER_BYTES_MAX)
		buf_reserve(b, (size_t)st.st_size + 1);
	while (n > 0 && b->len <= FEEDER_BYTES_MAX && buf_reserve(b, 4096)) {
		do
			n = read(fd, b->p + b->len, b->cap - b->len);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			b->len += (size_t)n;
	}
	if (n < 0)
		err_set(e, ERR_ENV, "cannot read %s: %s", path, strerror(errno));
	close(fd);
	if (b->failed)
		return out_of_memory(path, e);
	return n < 0 ? ERR_ENV : 0;
}

struct feeders *feeders_alloc(void)
{
	struct feeders *all = mem_should_fail() ? NULL : calloc(1, sizeof(*all));

	if (all)
		pthread_mutex_init(&all->lock, NULL);
	return all;
}

struct feeders *feeders_free(struct feeders *all)
{
	if (!all)
		return NULL;
	while (all->first) {
		struct feeder *f = all->first;
		all->first = f->next;
		feeder_free(f);
	}
	pthread_mutex_destroy(&all->lock);
	free(all);
	return NULL;
}

int feeders_open(const struct feeder **fp, struct feeders *all, const char *path, struct err *e)
{
	struct buf bytes = {0};
	struct feeder *f;
	int err = 0;

	pthread_mutex_lock(&all->lock);
	for (f = all->first; f && strcmp(f->path, path); f = f->next)
		;
	if (!f) {
		err = read_file(&bytes, path, e);
		if (!err)
			err = feeder_parse(&f, buf_slice(&bytes), path, e);
		if (!err) {
			f->next = all->first;
			all->first = f;
		}
	}
	pthread_mutex_unlock(&all->lock);
	buf_free(&bytes);
	if (!err)
		*fp = f;
	return err;
}

/* --- rows --- */

uint32_t feeder_rows(const struct feeder *f)
{
	return f->rows;
}

uint32_t feeder_columns(const struct feeder *f)
{
	return f->columns;
}

struct slice feeder_name(const struct feeder *f, uint32_t column)
{
	return field_at(f->bytes, f->ends, column);
}

int feeder_column(const struct feeder *f, struct slice name)
{
	for (uint32_t i = 0; i < f->columns; i++)
		if (slice_eq(name, feeder_name(f, i)))
			return (int)i;
	return -1;
}

struct slice feeder_field(const struct feeder *f, uint32_t row, uint32_t column)
{
	return field_at(f->bytes, f->ends, ((size_t)row + 1) * f->columns + column);
}

bool feeder_next(uint32_t *row, const struct feeder *cf, enum feeder_pick pick, struct rnd *r)
{
	struct feeder *f = (struct feeder *)cf; /* only its positions change */
	uint64_t given;

	switch (pick) {
	case FEEDER_RANDOM:
		*row = (uint32_t)rnd_below(r, f->rows);
		return true;
	case FEEDER_UNIQUE:
		given = atomic_fetch_add_explicit(&f->unique, 1, memory_order_relaxed);
		*row = (uint32_t)given;
		return given < f->rows;
	default:
		given = atomic_fetch_add_explicit(&f->sequential, 1, memory_order_relaxed);
		*row = (uint32_t)(given % f->rows);
		return true;
	}
}

bool feeder_pick_parse(enum feeder_pick *pick, struct slice name)
{
	static const char *const names[] = {
		[FEEDER_SEQUENTIAL] = "sequential", [FEEDER_RANDOM] = "random", [FEEDER_UNIQUE] = "unique"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_eq(name, slice_str(names[i]))) {
			*pick = (enum feeder_pick)i;
			return true;
		}
	return false;
}

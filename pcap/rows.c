#include "pcap/rows.h"

/* Bytes on their way between two addresses, to know them when they come again. */
struct seen {
	struct hash_node node;
	struct addr src, dst;
	struct slice data;
	unsigned times;
};

struct slice rows_comment_next(struct slice *rest, const char *prefix)
{
	size_t n = strlen(prefix);

	while (rest->l) {
		const char *nul = memchr(rest->p, 0, rest->l);
		struct slice c = {rest->p, nul ? (size_t)(nul - rest->p) : rest->l};
		size_t used = c.l + (nul ? 1 : 0);

		rest->p += used;
		rest->l -= used;
		if (c.l >= n && !memcmp(c.p, prefix, n))
			return c;
	}
	return SLICE_NONE;
}

static bool comment_has(struct slice comments, const char *prefix)
{
	return rows_comment_next(&comments, prefix).p != NULL;
}

static uint32_t column_of(struct rows *r, const char *name, const struct addr *a)
{
	struct column c = {.addr = *a, .name = name};

	for (size_t i = 0; i < rows_columns(r); i++) {
		const struct column *have = rows_column(r, i);

		/* names are the recorder's own: one actor, one pointer */
		if (name ? have->name == name : !have->name && addr_eq(&have->addr, a))
			return (uint32_t)i;
	}
	addr_str(c.address, a);
	buf_put(&r->columns, &c, sizeof(c));
	return (uint32_t)rows_columns(r) - 1;
}

static unsigned seen_count(struct rows *r, const struct recorder_frame *f)
{
	uint64_t key = slice_hash(addr_hash(&f->src) ^ addr_hash(&f->dst) * 31, f->data);
	struct hash_node *n;
	struct seen *s;

	for (n = hash_first(&r->seen_at, key); n; n = hash_next(n)) {
		s = hash_owner(n, struct seen, node);
		if (slice_eq(s->data, f->data) && addr_eq(&s->src, &f->src) && addr_eq(&s->dst, &f->dst))
			return ++s->times;
	}
	s = (struct seen *)(r->seen.p + r->seen.len); /* reserved: nodes must not move */
	*s = (struct seen){.src = f->src, .dst = f->dst, .data = f->data, .times = 1};
	r->seen.len += sizeof(*s);
	if (hash_add(&r->seen_at, &s->node, key))
		r->failed = true;
	return 1;
}

/* The first and the last frames are shown, and those in between where a step failed. */
static bool frame_shown(struct rows *r, const struct recorder_frame *f)
{
	size_t at = f->number - r->first, head = r->max - r->max / 2;

	if (at < head || at + r->max / 2 >= r->total)
		return true;
	return r->middle < r->max && comment_has(f->comments, "failed") && ++r->middle;
}

static void on_frame(const struct recorder_frame *f, void *arg)
{
	struct rows *r = arg;
	unsigned times;
	struct row row = {.f = *f};

	if (!r->seen.len)
		r->first = f->number;
	times = seen_count(r, f);
	if (!frame_shown(r, f))
		return;
	label_peek(&row.label, f->data);
	row.label.times = row.label.kind == LABEL_OTHER ? 1 : times;
	row.lost = comment_has(f->comments, "lost");
	row.src = column_of(r, f->src_name, &f->src);
	row.dst = column_of(r, f->dst_name, &f->dst);
	buf_put(&r->list, &row, sizeof(row));
}

bool rows_collect(struct rows *r, const struct recorder *rec, size_t max)
{
	struct recorder_stats st;

	recorder_stats_get(rec, &st);
	*r = (struct rows){
	    .start = st.start,
	    .max = max,
	    .total = (uint32_t)st.held,
	};
	r->failed = !buf_reserve(&r->seen, r->total * sizeof(struct seen));
	if (!r->failed)
		recorder_each(rec, on_frame, r);
	r->failed |= r->list.failed || r->columns.failed;
	return !r->failed;
}

void rows_free(struct rows *r)
{
	hash_free(&r->seen_at);
	buf_free(&r->columns);
	buf_free(&r->list);
	buf_free(&r->seen);
}

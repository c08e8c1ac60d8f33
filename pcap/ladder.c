#include "pcap/ladder.h"
#include "pcap/canvas.h"
#include "pcap/rows.h"
#include "pcap/text.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	WIDTH_MIN = 40,
	SPACING_MIN = 16,   /* between two lifelines: the arrow still says "407 (INVITE)" */
	HEADER_MAX = 24,    /* characters of a name above its lifeline */
	LIST_NAME_MAX = 20, /* ... and in the list */
	NOTE_MIN = 30,
};

#define PAUSE_NS 1000000000ull /* as long without a packet shows as a broken line */

struct ladder {
	const struct ladder_cfg *cfg;
	size_t width;
	struct rows rows;

	size_t number_width, time_width, gutter; /* what stands left of the lifelines */
	size_t margin, spacing;                  /* first lifeline after the gutter; between two of them */
	struct canvas canvas;
	bool failed; /* memory ran out */
};

static size_t digits(uint64_t n)
{
	return (size_t)snprintf(NULL, 0, "%" PRIu64, n);
}

static uint64_t row_ms(const struct ladder *l, const struct row *row)
{
	return row->f.wall > l->rows.start ? (row->f.wall - l->rows.start) / 1000000 : 0;
}

static struct slice column_title(const struct column *c)
{
	return slice_str(c->name ? c->name : c->address);
}

static struct slice column_subtitle(const struct column *c)
{
	return slice_str(c->name ? c->address : "outside");
}

static size_t column_width(const struct column *c)
{
	size_t w = canvas_width(column_title(c)), sub = canvas_width(column_subtitle(c));

	if (sub > w)
		w = sub;
	return w < HEADER_MAX ? w : HEADER_MAX;
}

static size_t label_width(const struct label *label)
{
	struct buf text = {0};
	size_t w;

	label_put(&text, label, 60, false);
	w = canvas_width(buf_slice(&text));
	buf_free(&text);
	return w;
}

/* Finds the place of the lifelines; false when they do not fit side by side. */
static bool ladder_place(struct ladder *l)
{
	size_t n = rows_columns(&l->rows), last = rows_count(&l->rows) - 1, right, area, wide = SPACING_MIN;

	l->number_width = digits(rows_row(&l->rows, last)->f.number);
	if (l->number_width < 3)
		l->number_width = 3;
	l->time_width = digits(row_ms(l, rows_row(&l->rows, last)) / 1000) + 4;
	l->gutter = l->number_width + 2 + l->time_width + 2;

	/* a title may stand over the numbers and times, which begin below it */
	l->margin = column_width(rows_column(&l->rows, 0)) / 2;
	l->margin = l->margin > l->gutter ? l->margin - l->gutter : 0;
	right = column_width(rows_column(&l->rows, n - 1)) / 2 + 1;
	area = l->gutter + l->margin + right < l->width ? l->width - l->gutter - l->margin - right : 0;
	l->spacing = n > 1 ? area / (n - 1) : area + right;
	if (n == 1) {
		l->spacing = l->spacing < SPACING_MIN ? SPACING_MIN : l->spacing;
		return true;
	}
	if (l->spacing < SPACING_MIN)
		return false;

	/* no wider than the labels need: short arrows are easier to follow */
	for (size_t i = 0; i <= last; i++) {
		const struct row *row = rows_row(&l->rows, i);
		size_t span = row->src > row->dst ? row->src - row->dst : row->dst - row->src;
		size_t need = (label_width(&row->label) + 8) / (span ? span : 1) + 1;

		wide = need > wide ? need : wide;
	}
	for (size_t i = 0; i < n; i++)
		wide = column_width(rows_column(&l->rows, i)) + 3 > wide ? column_width(rows_column(&l->rows, i)) + 3
									 : wide;
	l->spacing = l->spacing < wide ? l->spacing : wide;
	return true;
}

static size_t column_x(const struct ladder *l, size_t i)
{
	return l->gutter + l->margin + i * l->spacing;
}

static enum style row_style(const struct row *row)
{
	if (row->lost || row->label.kind == LABEL_MALFORMED)
		return STYLE_RED;
	if (row->label.times > 1)
		return STYLE_DIM;
	if (row->label.kind == LABEL_REQUEST)
		return STYLE_BOLD;
	if (row->label.kind == LABEL_OTHER || row->label.status < 200)
		return STYLE_PLAIN;
	if (row->label.status < 300)
		return STYLE_GREEN;
	if (row->label.status < 400)
		return STYLE_MAGENTA;
	return row->label.status < 500 ? STYLE_YELLOW : STYLE_RED;
}

static void lifelines_draw(struct ladder *l, bool broken)
{
	for (size_t i = 0; i < rows_columns(&l->rows); i++)
		canvas_rune(&l->canvas, column_x(l, i), broken ? 0x250A : 0x2502, broken ? ':' : '|', STYLE_DIM);
}

/* `text` in at most `max` cells; of a longer one the end is kept, which has the port. Returns the column after it. */
static size_t tail_draw(struct ladder *l, size_t x, struct slice text, size_t max, enum style style)
{
	size_t w = canvas_width(text);

	if (w > max) {
		canvas_rune(&l->canvas, x++, 0x2026, '~', style);
		while (w > max - 1) {
			int rw = text_rune_width(text_next(&text));

			w -= rw < 0 ? 1 : (size_t)rw;
		}
	}
	return canvas_text(&l->canvas, x, text, style);
}

/* `text` in the middle of its column. */
static void title_draw(struct ladder *l, size_t i, struct slice text, enum style style)
{
	size_t w = canvas_width(text), max = l->spacing - 1, x = column_x(l, i);

	if (max > HEADER_MAX)
		max = HEADER_MAX;
	w = w < max ? w : max;
	tail_draw(l, x > w / 2 ? x - w / 2 : 0, text, max, style);
}

static void header_draw(struct ladder *l, struct buf *out)
{
	for (size_t i = 0; i < rows_columns(&l->rows); i++)
		title_draw(l, i, column_title(rows_column(&l->rows, i)), STYLE_BOLD);
	canvas_flush(&l->canvas, out);
	for (size_t i = 0; i < rows_columns(&l->rows); i++)
		title_draw(l, i, column_subtitle(rows_column(&l->rows, i)), STYLE_DIM);
	canvas_flush(&l->canvas, out);
	lifelines_draw(l, false);
	canvas_flush(&l->canvas, out);
}

static void gutter_draw(struct ladder *l, const struct row *row)
{
	char text[64];
	uint64_t ms = row_ms(l, row);
	int n;

	n = snprintf(text, sizeof(text), "%*u", (int)l->number_width, (unsigned)row->f.number);
	canvas_text(&l->canvas, 0, (struct slice){text, (size_t)n}, STYLE_DIM);
	n = snprintf(text, sizeof(text), "%*" PRIu64 ".%03u", (int)l->time_width - 4, ms / 1000, (unsigned)(ms % 1000));
	canvas_text(&l->canvas, l->number_width + 2, (struct slice){text, (size_t)n}, STYLE_PLAIN);
}

/* An arrow from x to y with the label in its middle; the line is dim, so that the words stand out. */
static void arrow_draw(struct ladder *l, const struct row *row, size_t x, size_t y)
{
	struct canvas *c = &l->canvas;
	size_t left = x < y ? x : y, right = x < y ? y : x, inner = right - left - 1, stop = 0, w, at;
	enum style style = row_style(row), line = style == STYLE_RED ? STYLE_RED : STYLE_PLAIN;
	struct buf text = {0};

	for (size_t i = left + 1; i < right; i++)
		canvas_rune(c, i, 0x2500, '-', line);
	for (size_t i = 0; i < rows_columns(&l->rows); i++)
		if (column_x(l, i) > left && column_x(l, i) < right)
			canvas_rune(c, column_x(l, i), 0x253C, '+', STYLE_DIM);
	canvas_rune(c, x, x < y ? 0x251C : 0x2524, '|', STYLE_DIM);

	/* a lost one never gets there */
	if (row->lost)
		stop = inner / 8 + 1;
	for (size_t i = 0; i < stop; i++) {
		size_t gone = x < y ? y - 1 - i : y + 1 + i;

		canvas_rune(c, gone, ' ', ' ', line);
	}
	at = x < y ? y - 1 - stop : y + 1 + stop;
	if (row->lost)
		canvas_rune(c, at, 0x2717, 'x', STYLE_RED);
	else
		canvas_rune(c, at, x < y ? 0x25BA : 0x25C4, x < y ? '>' : '<', line);

	inner -= 1 + stop;
	if (x > y)
		left += 1 + stop;
	label_put(&text, &row->label, inner - 2, c->ascii);
	w = canvas_width(buf_slice(&text));
	at = left + 1 + (inner - w) / 2;
	canvas_rune(c, at - 1, ' ', ' ', STYLE_PLAIN);
	canvas_rune(c, canvas_text(c, at, buf_slice(&text), style), ' ', ' ', STYLE_PLAIN);
	l->failed |= text.failed;
	buf_free(&text);
}

/* To itself: a loop at the lifeline, and the label beside it. */
static void loop_draw(struct ladder *l, const struct row *row)
{
	struct canvas *c = &l->canvas;
	size_t x = column_x(l, row->src), n = rows_columns(&l->rows), room = l->spacing - 5;
	bool left = row->src && row->src == n - 1;
	struct buf text = {0};

	label_put(&text, &row->label, room, c->ascii);
	if (left) {
		canvas_rune(c, x - 2, 0x256D, '(', STYLE_PLAIN);
		canvas_rune(c, x - 1, 0x25BA, '>', STYLE_PLAIN);
		canvas_text(c, x - 3 - canvas_width(buf_slice(&text)), buf_slice(&text), row_style(row));
	} else {
		canvas_rune(c, x + 1, 0x25C4, '<', STYLE_PLAIN);
		canvas_rune(c, x + 2, 0x256E, ')', STYLE_PLAIN);
		canvas_text(c, x + 4, buf_slice(&text), row_style(row));
	}
	l->failed |= text.failed;
	buf_free(&text);
}

/* How much of `s` fits in `width` cells: up to a line feed, else to a blank, else to the last character. */
static size_t note_break(struct slice s, size_t width)
{
	const char *start = s.p;
	size_t used = 0, blank = 0, at = 0;

	while (s.l && *s.p != '\n') {
		uint32_t rune;
		int w;

		at = (size_t)(s.p - start);
		rune = text_next(&s);
		w = text_rune_width(rune);
		used += w < 0 ? 1 : (size_t)w;
		if (used > width)
			return blank ? blank : at;
		if (rune == ' ')
			blank = at;
	}
	return (size_t)(s.p - start);
}

static void note_draw(struct ladder *l, struct slice note, size_t x, enum style style, struct buf *out)
{
	struct canvas *c = &l->canvas;
	bool first = true;

	if (x + NOTE_MIN > l->width)
		x = 0;
	note = slice_trim(note);
	while (note.l) {
		size_t n = note_break(note, l->width - x - 3);

		if (!n) /* a wide character in a very narrow place */
			break;
		if (first)
			canvas_rune(c, x, 0x2570, '`', style);
		if (first)
			canvas_rune(c, x + 1, 0x2574, '-', style);
		canvas_text(c, x + 3, (struct slice){note.p, n}, style);
		canvas_flush(c, out);
		note = slice_trim((struct slice){note.p + n, note.l - n});
		first = false;
	}
}

static void notes_draw(struct ladder *l, const struct row *row, size_t x, struct buf *out)
{
	struct slice rest = row->f.comments, note;
	struct buf held = {0};

	if (row->f.held_until && recorder_put_held(&held, row->f.number, row->f.held_until, row->f.held_for))
		note_draw(l, buf_slice(&held), x, STYLE_DIM, out);
	l->failed |= held.failed;
	buf_free(&held);
	while ((note = rows_comment_next(&rest, "failed")).p)
		note_draw(l, note, x, STYLE_RED, out);
}

/* Says that frames between two rows are left out. */
static void gap_draw(struct ladder *l, uint32_t from, uint32_t to, size_t x, struct buf *out)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "frames %u to %u are left out here%s%.300s", (unsigned)from, (unsigned)to,
			 l->cfg->capture ? "; they are in " : "", l->cfg->capture ? l->cfg->capture : "");

	canvas_rune(&l->canvas, l->number_width - 1, 0x22EE, ':', STYLE_DIM);
	canvas_text(&l->canvas, x, (struct slice){text, (size_t)n}, STYLE_DIM);
	canvas_flush(&l->canvas, out);
}

static void row_draw(struct ladder *l, const struct row *row, struct buf *out)
{
	gutter_draw(l, row);
	lifelines_draw(l, false);
	if (row->src == row->dst)
		loop_draw(l, row);
	else
		arrow_draw(l, row, column_x(l, row->src), column_x(l, row->dst));
	canvas_flush(&l->canvas, out);
	notes_draw(l, row, column_x(l, 0), out);
}

/* More actors than columns: "alice -> edge   INVITE ...". */
static void row_list(struct ladder *l, const struct row *row, size_t name_width, struct buf *out)
{
	struct canvas *c = &l->canvas;
	size_t x = l->gutter, room;
	struct buf text = {0};

	gutter_draw(l, row);
	for (int side = 0; side < 2; side++) {
		struct slice name = column_title(rows_column(&l->rows, side ? row->dst : row->src));
		size_t end = tail_draw(l, x, name, name_width, STYLE_PLAIN);

		if (side) {
			x += name_width + 2;
			break;
		}
		for (end++; end < x + name_width + 1; end++)
			canvas_rune(c, end, 0x2500, '-', STYLE_DIM);
		x += name_width + 1;
		canvas_rune(c, x, 0x2500, '-', STYLE_DIM);
		canvas_rune(c, x + 1, row->lost ? 0x2717 : 0x25BA, row->lost ? 'x' : '>',
			    row->lost ? STYLE_RED : STYLE_DIM);
		x += 3;
	}
	room = x < l->width ? l->width - x : 0;
	label_put(&text, &row->label, room, c->ascii);
	canvas_text(c, x, buf_slice(&text), row_style(row));
	canvas_flush(c, out);
	l->failed |= text.failed;
	buf_free(&text);
	notes_draw(l, row, l->gutter, out);
}

static void ladder_draw(struct ladder *l, struct buf *out)
{
	bool list = !ladder_place(l);
	size_t names = 0, x = list ? l->gutter : column_x(l, 0);
	uint32_t number = 0;
	uint64_t wall = 0;

	for (size_t i = 0; i < rows_columns(&l->rows) && list; i++) {
		size_t w = canvas_width(column_title(rows_column(&l->rows, i)));

		names = w > names ? w : names;
	}
	if (names > LIST_NAME_MAX)
		names = LIST_NAME_MAX;
	if (names > l->width / 4)
		names = l->width / 4;
	if (!list)
		header_draw(l, out);

	for (size_t i = 0; i < rows_count(&l->rows); i++) {
		const struct row *row = rows_row(&l->rows, i);

		if (row->f.number != number + 1) {
			gap_draw(l, number + 1, row->f.number - 1, x + (list ? 0 : 2), out);
		} else if (i && row->f.wall - wall >= PAUSE_NS && row->label.times == 1 && !list) {
			lifelines_draw(l, true);
			canvas_flush(&l->canvas, out);
		}
		if (list)
			row_list(l, row, names, out);
		else
			row_draw(l, row, out);
		number = row->f.number;
		wall = row->f.wall;
	}
}

int ladder_render(struct buf *out, const struct recorder *rec, const struct ladder_cfg *cfg, struct err *err)
{
	struct ladder l = {.cfg = cfg, .width = cfg->width ? cfg->width : LADDER_WIDTH};

	if (l.width < WIDTH_MIN)
		l.width = WIDTH_MIN;
	l.failed = !rows_collect(&l.rows, rec, cfg->max_rows ? cfg->max_rows : LADDER_ROWS);
	if (!l.failed && rows_count(&l.rows)) {
		l.failed = !canvas_open(&l.canvas, l.width, cfg->colour, cfg->ascii);
		if (!l.failed)
			ladder_draw(&l, out);
	}
	canvas_close(&l.canvas);
	rows_free(&l.rows);
	return l.failed || out->failed ? err_set(err, ERR_NOMEM, "out of memory for the ladder") : 0;
}

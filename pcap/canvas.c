#include "pcap/canvas.h"
#include "pcap/text.h"

static const char *const sgr[] = {
    [STYLE_PLAIN] = "\033[0m",      [STYLE_DIM] = "\033[0;2m",    [STYLE_BOLD] = "\033[0;1m",
    [STYLE_RED] = "\033[0;31m",     [STYLE_GREEN] = "\033[0;32m", [STYLE_YELLOW] = "\033[0;33m",
    [STYLE_MAGENTA] = "\033[0;35m",
};

static struct cell *cells(const struct canvas *c)
{
	return (struct cell *)c->cells.p;
}

bool canvas_open(struct canvas *c, size_t width, bool colour, bool ascii)
{
	*c = (struct canvas){.width = width, .colour = colour, .ascii = ascii};
	if (!buf_reserve(&c->cells, width * sizeof(struct cell)))
		return false;
	canvas_clear(c);
	return true;
}

void canvas_close(struct canvas *c)
{
	buf_free(&c->cells);
}

void canvas_clear(struct canvas *c)
{
	for (size_t i = 0; i < c->width; i++)
		cells(c)[i] = (struct cell){' ', STYLE_PLAIN};
}

void canvas_rune(struct canvas *c, size_t x, uint32_t rune, char plain, enum style style)
{
	if (x < c->width)
		cells(c)[x] = (struct cell){c->ascii ? (uint32_t)plain : rune, (uint8_t)style};
}

size_t canvas_text(struct canvas *c, size_t x, struct slice text, enum style style)
{
	while (text.l) {
		uint32_t rune = text_next(&text);
		int w = text_rune_width(rune);

		if (w < 0 || (c->ascii && rune > 0x7E)) {
			rune = '?';
			w = 1;
		}
		if (!w)
			continue;
		if (x + (size_t)w > c->width)
			break;
		canvas_rune(c, x, rune, (char)rune, style);
		if (w == 2)
			canvas_rune(c, x + 1, 0, 0, style);
		x += (size_t)w;
	}
	return x;
}

size_t canvas_width(struct slice text)
{
	size_t width = 0;

	while (text.l) {
		int w = text_rune_width(text_next(&text));

		width += w < 0 ? 1 : (size_t)w;
	}
	return width;
}

void canvas_flush(struct canvas *c, struct buf *out)
{
	uint8_t style = STYLE_PLAIN;
	size_t n = c->width;

	while (n && cells(c)[n - 1].rune == ' ')
		n--;
	for (size_t i = 0; i < n; i++) {
		const struct cell *cell = &cells(c)[i];

		if (c->colour && cell->style != style && cell->rune != ' ') {
			buf_puts(out, sgr[cell->style]);
			style = cell->style;
		}
		if (cell->rune)
			text_put_rune(out, cell->rune);
	}
	if (style != STYLE_PLAIN)
		buf_puts(out, sgr[STYLE_PLAIN]);
	buf_puts(out, "\n");
	canvas_clear(c);
}

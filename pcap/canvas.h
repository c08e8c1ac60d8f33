/* One line of the terminal as cells that can be drawn over each other. Private to pcap. */
#ifndef OFFHOOK_PCAP_CANVAS_H
#define OFFHOOK_PCAP_CANVAS_H

#include "core/buf.h"

enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_RED,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_MAGENTA,
};

struct cell {
	uint32_t rune; /* 0: covered by the wide character before it */
	uint8_t style;
};

struct canvas {
	struct buf cells;
	size_t width;
	bool colour, ascii;
};

/* False when memory ran out. */
bool canvas_open(struct canvas *c, size_t width, bool colour, bool ascii);
void canvas_close(struct canvas *c);
/* Blank again. */
void canvas_clear(struct canvas *c);
/* What is past the right edge is not drawn; in ASCII mode `plain` stands for `rune`. */
void canvas_rune(struct canvas *c, size_t x, uint32_t rune, char plain, enum style style);
/* Printable characters of `text`; returns the column after the last. */
size_t canvas_text(struct canvas *c, size_t x, struct slice text, enum style style);
/* The line without trailing blanks, and a line feed. */
void canvas_flush(struct canvas *c, struct buf *out);
/* Cells that the text takes. */
size_t canvas_width(struct slice text);

#endif

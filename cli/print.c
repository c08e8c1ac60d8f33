#include "cli/print.h"

#include "pcap/text.h"

void print_clean(struct buf *b, struct slice s)
{
	while (s.l) {
		unsigned char first = (unsigned char)*s.p;
		uint32_t rune = text_next(&s);
		if (rune == '\n')
			buf_put(b, "\n", 1);
		else if (rune == '\t')
			buf_put(b, " ", 1);
		else if (rune < 0x20 || rune == 0x7f)
			buf_printf(b, "\\x%02x", first);
		else
			text_put_rune(b, text_rune_width(rune) < 0 ? TEXT_REPLACEMENT : rune);
	}
}

void print_indented(FILE *f, struct slice s, int indent, const char *mark)
{
	while (s.l) {
		const char *end = memchr(s.p, '\n', s.l);
		size_t n = end ? (size_t)(end - s.p) : s.l;
		fprintf(f, "%*s%s%.*s\n", n || *mark ? indent : 0, "", mark, (int)n, s.p);
		s.p += n + (end != NULL);
		s.l -= n + (end != NULL);
	}
}

void print_json_string(FILE *f, struct slice s)
{
	struct buf one = {0};

	fputc('"', f);
	while (s.l) {
		uint32_t rune = text_next(&s);
		if (rune == '"' || rune == '\\') {
			fprintf(f, "\\%c", (int)rune);
		} else if (rune == '\n') {
			fputs("\\n", f);
		} else if (rune < 0x20 || rune == 0x7f) {
			fprintf(f, "\\u%04x", rune);
		} else {
			buf_reset(&one);
			text_put_rune(&one, rune);
			fwrite(one.p, 1, one.len, f);
		}
	}
	fputc('"', f);
	buf_free(&one);
}

void print_xml(struct buf *b, struct slice s)
{
	while (s.l) {
		uint32_t rune = text_next(&s);
		if (rune == '<')
			buf_puts(b, "&lt;");
		else if (rune == '>')
			buf_puts(b, "&gt;");
		else if (rune == '&')
			buf_puts(b, "&amp;");
		else if (rune == '"')
			buf_puts(b, "&quot;");
		else if (rune == '\n')
			buf_puts(b, "&#10;"); /* attributes would lose a plain one */
		else if (rune < 0x20 || rune == 0xfffe || rune == 0xffff) /* not allowed, not even escaped */
			text_put_rune(b, TEXT_REPLACEMENT);
		else
			text_put_rune(b, rune);
	}
}

void print_shell_word(FILE *f, const char *word)
{
	bool plain = true;

	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%")]) {
		fputs(word, f);
		return;
	}
	for (struct slice s = slice_str(word); s.l;) {
		uint32_t rune = text_next(&s);
		plain = plain && text_rune_width(rune) >= 0 && rune != TEXT_REPLACEMENT;
	}
	fputs(plain ? "'" : "$'", f);
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;
		if (plain && c == '\'')
			fputs("'\\''", f);
		else if (!plain && (c < 0x20 || c >= 0x7f || c == '\'' || c == '\\'))
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
	fputc('\'', f);
}

size_t print_width(struct slice s)
{
	size_t width = 0;

	while (s.l) {
		int w = text_rune_width(text_next(&s));
		width += w > 0 ? (size_t)w : 0;
	}
	return width;
}

bool print_wrap(struct slice *line, struct slice *rest, size_t width)
{
	struct slice at, before = {0};
	size_t used = 0;
	bool have_break = false;

	while (rest->l && (*rest->p == ' ' || *rest->p == '\n')) {
		rest->p++;
		rest->l--;
	}
	at = *rest;
	while (at.l) {
		struct slice next = at;
		uint32_t rune = text_next(&next);
		int w = text_rune_width(rune);
		if (rune == ' ' || rune == '\n') {
			before = at;
			have_break = true;
			if (rune == '\n')
				break;
		}
		used += w > 0 ? (size_t)w : 0;
		if (used > width) {
			if (!have_break)
				before = at.p == rest->p ? next : at; /* one character at least */
			break;
		}
		at = next;
	}
	if (!at.l)
		before = at;
	*line = slice_between(rest->p, before.p);
	*rest = before;
	return line->l > 0;
}

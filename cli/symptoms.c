/* The table of symptoms: what a user sees, why, and what helps, one row for each scenario that reproduced one. */
#include "cli/print.h"
#include "cli/report.h"

#define GAP 2
#define NARROW 76 /* below, the fields stand under each other */

static const char *const titles[SYMPTOM_FIELDS] = {"Symptom", "What the user sees", "Likely cause", "Remedy"};

static void put_row(FILE *f, const char *const *cells, const size_t *widths)
{
	struct slice rest[SYMPTOM_FIELDS], line[SYMPTOM_FIELDS];
	bool more = true;

	for (int i = 0; i < SYMPTOM_FIELDS; i++)
		rest[i] = slice_str(cells[i] ? cells[i] : "");
	while (more) {
		int last = -1;
		for (int i = 0; i < SYMPTOM_FIELDS; i++) {
			line[i] = SLICE_NONE;
			if (print_wrap(&line[i], &rest[i], widths[i]))
				last = i;
		}
		more = last >= 0;
		for (int i = 0; i <= last; i++) {
			size_t pad = i < last ? widths[i] - print_width(line[i]) + GAP : 0;
			fprintf(f, "%.*s%*s", SLICE_ARG(line[i]), (int)pad, "");
		}
		if (more)
			fputc('\n', f);
	}
}

static void put_list(FILE *f, const char *const *cells, size_t width)
{
	for (int i = 0; i < SYMPTOM_FIELDS; i++) {
		struct slice rest = slice_str(cells[i] ? cells[i] : ""), line;
		bool first = true;
		while (print_wrap(&line, &rest, i ? width - 14 : width)) {
			static const char *const short_titles[SYMPTOM_FIELDS] = {"", "seen", "cause", "remedy"};
			if (i)
				fprintf(f, "  %-10s  ", first ? short_titles[i] : "");
			fprintf(f, "%.*s\n", SLICE_ARG(line));
			first = false;
		}
	}
}

void symptoms_print(const struct session *s, const bool *ran, const bool *bad)
{
	static const unsigned shares[SYMPTOM_FIELDS] = {18, 25, 28, 29};
	size_t width = s->output.width < 40 ? 40 : s->output.width, room = width - (SYMPTOM_FIELDS - 1) * GAP, used = 0;
	size_t widths[SYMPTOM_FIELDS];
	bool wide = width >= NARROW, any = false;

	for (int i = 0; i < SYMPTOM_FIELDS; i++) {
		widths[i] = i + 1 < SYMPTOM_FIELDS ? room * shares[i] / 100 : room - used;
		used += widths[i];
	}
	for (unsigned i = 0; i < s->suite.file_count; i++) {
		const struct suite_file *f = &s->suite.files[i];
		const char *cells[SYMPTOM_FIELDS];
		struct buf texts[SYMPTOM_FIELDS] = {0};

		if (!f->symptom[SYMPTOM_TITLE] || !ran[i])
			continue;
		fputc('\n', s->output.out);
		if (!any && wide) {
			put_row(s->output.out, titles, widths);
			for (size_t j = 0; j < width; j++)
				fputc('-', s->output.out);
			fputc('\n', s->output.out);
		}
		any = true;
		for (int j = 0; j < SYMPTOM_FIELDS; j++) {
			print_clean(&texts[j], slice_str(f->symptom[j] ? f->symptom[j] : ""));
			if (j == SYMPTOM_TITLE && bad[i])
				buf_puts(&texts[j], " (NOT as expected, see above)");
			buf_put(&texts[j], "", 1);
			cells[j] = (char *)texts[j].p;
		}
		if (wide)
			put_row(s->output.out, cells, widths);
		else
			put_list(s->output.out, cells, width);
		for (int j = 0; j < SYMPTOM_FIELDS; j++)
			buf_free(&texts[j]);
	}
}

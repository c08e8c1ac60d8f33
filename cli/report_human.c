/* Results for the person at the terminal. */
#include "cli/print.h"
#include "cli/report.h"

#include <inttypes.h>
#include <stdlib.h>

#define INDENT 6
#define NAMED_AT_END 20 /* interrupted and missing tests, after which only their number is told */

#define RED "\033[1;31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct human {
	struct session *s;
	bool *ran, *bad; /* by file */
	struct buf interrupted;
	bool on_progress_line;
	unsigned done;
};

static const char *paint(const struct human *h, const char *colour)
{
	return h->s->output.colour ? colour : "";
}

static void clear_progress(struct human *h)
{
	if (h->on_progress_line)
		fputs("\r\033[K", h->s->output.out);
	h->on_progress_line = false;
}

static void human_begin(void *arg)
{
	struct human *h = arg;
	struct session *s = h->s;

	fprintf(s->output.out, "offhook " OFFHOOK_VERSION ": %u test%s, %s clock, seed %" PRIu64, s->job_count, s->job_count == 1 ? "" : "s",
		s->cfg.virtual_clock ? "virtual" : "real", s->cfg.seed);
	if (s->target[0])
		fprintf(s->output.out, ", target %s", s->target);
	fputs("\n\n", s->output.out);
}

static void human_progress(void *arg, const struct job *job, unsigned done, unsigned running)
{
	struct human *h = arg;
	struct session *s = h->s;
	struct buf line = {0};

	if (!s->output.terminal || s->options->no_colour || !s->output.width)
		return;
	buf_printf(&line, "[%u/%u] ", done, s->job_count);
	if (job)
		print_clean(&line, slice_str(job->test->name));
	else
		buf_printf(&line, "%u running", running);
	/* A line that wraps could not be taken back. */
	size_t n = line.len;
	while (n && print_width((struct slice){(char *)line.p, n}) >= s->output.width)
		n--;
	fprintf(s->output.out, "\r\033[K%s%.*s%s", paint(h, DIM), (int)n, (char *)line.p, paint(h, PLAIN));
	fflush(s->output.out);
	h->on_progress_line = true;
	buf_free(&line);
}

static void put_head(struct human *h, const struct job *job, const struct outcome *out)
{
	static const struct {
		const char *word, *colour;
	} heads[] = {
		[SHARD_PASSED] = {"PASS", GREEN},
		[SHARD_FAILED] = {"FAIL", RED},
		[SHARD_TIMEOUT] = {"TIMEOUT", RED},
		[SHARD_SKIPPED] = {"SKIP", YELLOW},
		[SHARD_INTERRUPTED] = {"INTERRUPTED", YELLOW},
		[SHARD_USAGE] = {"ERROR", RED},
		[SHARD_ENVIRONMENT] = {"ENVIRONMENT", RED},
	};
	const struct session *s = h->s;
	struct buf name = {0};

	print_clean(&name, slice_str(job->file->path));
	buf_puts(&name, ": ");
	print_clean(&name, slice_str(job->test->name));
	fprintf(s->output.out, "%s%s%s  %.*s", paint(h, heads[out->is.verdict].colour), heads[out->is.verdict].word, paint(h, PLAIN),
		SLICE_ARG(buf_slice(&name)));
	if (s->options->repeat > 1)
		fprintf(s->output.out, " [%u of %u, seed %" PRIu64 "]", job->repetition + 1, s->options->repeat, out->is.seed);
	if (out->is.verdict == SHARD_SKIPPED) {
		struct slice why = slice_trim(buf_slice(&out->text));
		const char *end = memchr(why.p ? why.p : "", '\n', why.l);
		fprintf(s->output.out, "   (%.*s)\n", end ? (int)(end - why.p) : (int)why.l, why.p);
	} else if (s->cfg.virtual_clock) {
		fprintf(s->output.out, "   %s(%.3f s, %.1f s virtual)%s\n", paint(h, DIM), out->is.seconds, out->is.script_seconds,
			paint(h, PLAIN));
	} else {
		fprintf(s->output.out, "   %s(%.3f s)%s\n", paint(h, DIM), out->is.seconds, paint(h, PLAIN));
	}
	buf_free(&name);
}

/* The command that runs this test alone, the same way. */
static void put_again(const struct session *s, const struct job *job, const struct outcome *out)
{
	const struct options *o = s->options;

	fprintf(s->output.out, "%*sagain: ", INDENT, "");
	print_shell_word(s->output.out, o->program);
	fprintf(s->output.out, " run --seed %" PRIu64, out->is.seed);
	if (o->virtual_clock)
		fputs(" --virtual", s->output.out);
	if (o->target) {
		fputs(" --target ", s->output.out);
		print_shell_word(s->output.out, o->target);
	}
	if (o->network) {
		fputs(" --network ", s->output.out);
		print_shell_word(s->output.out, o->network);
	}
	if (o->timer_scale > 0)
		fprintf(s->output.out, " --timer-scale %g", o->timer_scale);
	if (o->timeout > 0)
		fprintf(s->output.out, " --timeout %g", o->timeout);
	for (unsigned i = 0; i < o->setting_count; i++) { /* a value may be a password */
		fputs(" --set ", s->output.out);
		print_shell_word(s->output.out, o->settings[i].name);
		fputs("=...", s->output.out);
	}
	fputs(o->v6 ? " --ipv6" : "", s->output.out);
	fputs(o->strict ? " --strict" : "", s->output.out);
	fputs(o->unsafe ? " --unsafe" : "", s->output.out);
	fputs(" -k ", s->output.out);
	print_shell_word(s->output.out, job->test->name);
	fputc(' ', s->output.out);
	print_shell_word(s->output.out, job->file->path);
	fputc('\n', s->output.out);
}

static void put_capture(const struct session *s, const struct outcome *out)
{
	if (!out->capture.len)
		return;
	fprintf(s->output.out, "%*scapture: %.*s", INDENT, "", SLICE_ARG(buf_slice(&out->capture)));
	if (out->is.frame)
		fprintf(s->output.out, ", frame %u", out->is.frame);
	fprintf(s->output.out, "%s\n", out->is.packets ? "" : " (no packets)");
}

static void human_test(void *arg, const struct job *job, const struct outcome *out)
{
	struct human *h = arg;
	struct session *s = h->s;
	size_t file = (size_t)(job->file - s->suite.files);
	bool good = out->is.verdict == SHARD_PASSED || out->is.verdict == SHARD_SKIPPED;

	clear_progress(h);
	h->done++;
	h->ran[file] |= out->is.verdict != SHARD_SKIPPED;
	h->bad[file] |= !good;
	if (out->is.verdict == SHARD_INTERRUPTED) {
		buf_printf(&h->interrupted, "%s: %s\n", job->file->path, job->test->name);
	}
	put_head(h, job, out);
	if (!good)
		print_indented(s->output.out, buf_slice(&out->text), INDENT, "");
	print_indented(s->output.out, buf_slice(&out->output), INDENT, "| ");
	print_indented(s->output.out, buf_slice(&out->notes), INDENT, "");
	if (!good || out->ladder.len)
		put_capture(s, out);
	if (out->ladder.len) {
		fputc('\n', s->output.out);
		fwrite(out->ladder.p, 1, out->ladder.len, s->output.out);
	}
	if (out->ladder.len)
		fputc('\n', s->output.out);
	if (outcome_failed(out) || out->is.verdict == SHARD_ENVIRONMENT)
		put_again(s, job, out);
	fflush(s->output.out);
}

static void put_missing(struct human *h)
{
	struct session *s = h->s;
	struct slice interrupted = buf_slice(&h->interrupted);

	if (interrupted.l) {
		fputs("\ninterrupted:\n", s->output.out);
		print_indented(s->output.out, interrupted, INDENT, "");
	}
	if (!s->tally.not_run)
		return;
	fputs("\ndid not run:\n", s->output.out);
	for (unsigned i = 0; i < s->tally.not_run && i < NAMED_AT_END; i++) {
		const struct job *job = &s->jobs[s->job_count - s->tally.not_run + i];
		struct buf name = {0};
		buf_printf(&name, "%s: %s", job->file->path, job->test->name);
		print_indented(s->output.out, buf_slice(&name), INDENT, "");
		buf_free(&name);
	}
	if (s->tally.not_run > NAMED_AT_END)
		fprintf(s->output.out, "%*sand %u more\n", INDENT, "", s->tally.not_run - NAMED_AT_END);
}

static void human_end(void *arg)
{
	struct human *h = arg;
	struct session *s = h->s;
	const struct tally *t = &s->tally;
	bool good = !t->failed && !t->in_error && !t->broken && !t->interrupted && !t->not_run;

	clear_progress(h);
	symptoms_print(s, h->ran, h->bad);
	put_missing(h);
	fprintf(s->output.out, "\n%s%u passed, %u failed, %u skipped", paint(h, good ? GREEN : RED), t->passed, t->failed, t->skipped);
	if (t->in_error)
		fprintf(s->output.out, ", %u could not run", t->in_error);
	if (t->broken)
		fprintf(s->output.out, ", %u script%s not load", t->broken, t->broken == 1 ? " does" : "s do");
	if (t->interrupted || t->not_run)
		fprintf(s->output.out, ", %u interrupted, %u not run", t->interrupted, t->not_run);
	fprintf(s->output.out, "%s in %.1f s", paint(h, PLAIN), t->seconds);
	if (s->dir[0])
		fprintf(s->output.out, "; captures: %s/captures", s->dir);
	fputc('\n', s->output.out);
}

static void human_free(void *arg)
{
	struct human *h = arg;

	buf_free(&h->interrupted);
	free(h->ran);
	free(h->bad);
	free(h);
}

void report_human(struct report *r, struct session *s)
{
	struct human *h = calloc(1, sizeof(*h));
	size_t files = s->suite.file_count ? s->suite.file_count : 1;

	if (!h || !(h->ran = calloc(files, sizeof(*h->ran))) || !(h->bad = calloc(files, sizeof(*h->bad))))
		abort();
	h->s = s;
	*r = (struct report){.begin = human_begin, .progress = human_progress, .test = human_test, .end = human_end,
			     .free = human_free, .arg = h};
}

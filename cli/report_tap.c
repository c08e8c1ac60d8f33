/* TAP 14. A script that does not load is a test that failed. */
#include "cli/print.h"
#include "cli/report.h"

#include <inttypes.h>
#include <stdlib.h>

struct tap_report {
	struct session *s;
	unsigned number;
};

/* A description: one line, "#" and "\" escaped, as they would begin a directive. */
static void put_description(FILE *f, const char *file, const char *test)
{
	struct buf clean = {0};

	print_clean(&clean, slice_str(file));
	if (test) {
		buf_puts(&clean, ": ");
		print_clean(&clean, slice_str(test));
	}
	for (size_t i = 0; i < clean.len; i++) {
		if (clean.p[i] == '#' || clean.p[i] == '\\')
			fputc('\\', f);
		fputc(clean.p[i] == '\n' ? ' ' : clean.p[i], f);
	}
	buf_free(&clean);
}

/* A JSON string is a YAML string, too. */
static void put_yaml(FILE *f, const char *name, struct slice value)
{
	if (!value.l)
		return;
	fprintf(f, "  %s: ", name);
	print_json_string(f, value);
	fputc('\n', f);
}

static void tap_begin(void *arg)
{
	struct tap_report *t = arg;
	struct session *s = t->s;
	unsigned broken = 0;

	for (unsigned i = 0; i < s->suite.file_count; i++)
		broken += s->suite.files[i].broken != NULL;
	fprintf(s->output.out, "TAP version 14\n1..%u\n# offhook " OFFHOOK_VERSION ", %s clock, seed %" PRIu64 "\n", s->job_count + broken,
		s->cfg.virtual_clock ? "virtual" : "real", s->cfg.seed);
}

static void tap_broken(void *arg, const struct suite_file *file)
{
	struct tap_report *t = arg;
	FILE *f = t->s->output.out;

	fprintf(f, "not ok %u - ", ++t->number);
	put_description(f, file->path, NULL);
	fputs("\n  ---\n  verdict: \"usage\"\n", f);
	put_yaml(f, "message", slice_str(file->broken));
	fputs("  ...\n", f);
}

static void tap_test(void *arg, const struct job *job, const struct outcome *out)
{
	struct tap_report *t = arg;
	FILE *f = t->s->output.out;
	bool good = out->is.verdict == SHARD_PASSED || out->is.verdict == SHARD_SKIPPED;

	fprintf(f, "%sok %u - ", good ? "" : "not ", ++t->number);
	put_description(f, job->file->path, job->test->name);
	if (out->is.verdict == SHARD_SKIPPED) {
		struct slice why = slice_trim(buf_slice(&out->text));
		const char *end = why.l ? memchr(why.p, '\n', why.l) : NULL;
		fprintf(f, " # SKIP %.*s", end ? (int)(end - why.p) : (int)why.l, why.p);
	}
	fputs("\n  ---\n", f);
	fprintf(f, "  verdict: \"%s\"\n  duration_ms: %.3f\n  seed: \"%" PRIu64 "\"\n", outcome_word(out), out->is.seconds * 1e3,
		out->is.seed);
	if (!good)
		put_yaml(f, "message", slice_trim(buf_slice(&out->text)));
	put_yaml(f, "at", slice_str(out->is.where));
	put_yaml(f, "notes", slice_trim(buf_slice(&out->notes)));
	put_yaml(f, "output", buf_slice(&out->output));
	put_yaml(f, "capture", buf_slice(&out->capture));
	if (out->is.frame)
		fprintf(f, "  frame: %u\n", out->is.frame);
	fputs("  ...\n", f);
	fflush(f);
}

static void tap_end(void *arg)
{
	struct tap_report *t = arg;

	if (t->s->tally.not_run)
		fprintf(t->s->output.out, "Bail out! interrupted, %u tests did not run\n", t->s->tally.not_run);
}

void report_tap(struct report *r, struct session *s)
{
	struct tap_report *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->s = s;
	*r = (struct report){.begin = tap_begin, .broken = tap_broken, .test = tap_test, .end = tap_end, .free = free, .arg = t};
}

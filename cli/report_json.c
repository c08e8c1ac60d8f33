/* One JSON object a line. `schema` is raised when a field changes its meaning or goes; new fields may come at any time. */
#include "cli/print.h"
#include "cli/report.h"

#include <inttypes.h>

#define SCHEMA 1

static void put_string(FILE *f, const char *name, struct slice value)
{
	fprintf(f, ",\"%s\":", name);
	print_json_string(f, value);
}

/* Present or null, so that a reader needs no test for the field. */
static void put_string_or_null(FILE *f, const char *name, struct slice value)
{
	if (value.l)
		put_string(f, name, value);
	else
		fprintf(f, ",\"%s\":null", name);
}

static void open_object(FILE *f, const char *type)
{
	fprintf(f, "{\"schema\":%d,\"type\":\"%s\"", SCHEMA, type);
}

static void close_object(FILE *f)
{
	fputs("}\n", f);
	fflush(f);
}

static void json_begin(void *arg)
{
	struct session *s = arg;

	open_object(s->output.out, "run");
	put_string(s->output.out, "version", slice_str(OFFHOOK_VERSION));
	/* As a string: many readers keep numbers as doubles. */
	fprintf(s->output.out, ",\"seed\":\"%" PRIu64 "\",\"clock\":\"%s\",\"tests\":%u", s->cfg.seed,
		s->cfg.virtual_clock ? "virtual" : "real", s->job_count);
	put_string_or_null(s->output.out, "target", slice_str(s->target));
	put_string_or_null(s->output.out, "dir", slice_str(s->dir));
	close_object(s->output.out);
}

static void json_broken(void *arg, const struct suite_file *file)
{
	struct session *s = arg;

	open_object(s->output.out, "error");
	put_string(s->output.out, "file", slice_str(file->path));
	put_string(s->output.out, "text", slice_str(file->broken));
	close_object(s->output.out);
}

static void json_test(void *arg, const struct job *job, const struct outcome *out)
{
	struct session *s = arg;

	open_object(s->output.out, "test");
	put_string(s->output.out, "file", slice_str(job->file->path));
	put_string(s->output.out, "test", slice_str(job->test->name));
	fprintf(s->output.out, ",\"repetition\":%u,\"seed\":\"%" PRIu64 "\"", job->repetition + 1, out->is.seed);
	put_string(s->output.out, "verdict", slice_str(outcome_word(out)));
	fprintf(s->output.out, ",\"seconds\":%.6f,\"script_seconds\":%.6f", out->is.seconds, out->is.script_seconds);
	put_string_or_null(s->output.out, "text", slice_trim(buf_slice(&out->text)));
	put_string_or_null(s->output.out, "where", slice_str(out->is.where));
	put_string_or_null(s->output.out, "notes", slice_trim(buf_slice(&out->notes)));
	put_string_or_null(s->output.out, "output", buf_slice(&out->output));
	put_string_or_null(s->output.out, "capture", buf_slice(&out->capture));
	fprintf(s->output.out, ",\"packets\":%u,\"frame\":", out->is.packets);
	if (out->is.frame)
		fprintf(s->output.out, "%u", out->is.frame);
	else
		fputs("null", s->output.out);
	put_string_or_null(s->output.out, "symptom", slice_str(job->file->symptom[SYMPTOM_TITLE]));
	close_object(s->output.out);
}

static void json_end(void *arg)
{
	struct session *s = arg;
	const struct tally *t = &s->tally;

	open_object(s->output.out, "summary");
	fprintf(s->output.out, ",\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"errors\":%u,\"broken_scripts\":%u", t->passed, t->failed,
		t->skipped, t->in_error, t->broken);
	fprintf(s->output.out, ",\"interrupted\":%u,\"not_run\":%u,\"seconds\":%.6f", t->interrupted, t->not_run, t->seconds);
	put_string_or_null(s->output.out, "dir", slice_str(s->dir));
	close_object(s->output.out);
}

void report_json(struct report *r, struct session *s)
{
	*r = (struct report){.begin = json_begin, .broken = json_broken, .test = json_test, .end = json_end, .arg = s};
}

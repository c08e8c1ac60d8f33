/* JUnit XML as CI systems read it: a testsuite for each file. Written when the run is over. */
#include "cli/print.h"
#include "cli/report.h"

#include <errno.h>
#include <stdlib.h>

struct junit_suite {
	struct buf cases;
	unsigned tests, failures, errors, skipped;
	double seconds;
};

struct junit {
	struct session *s;
	FILE *f;
	const char *path;
	struct junit_suite *suites; /* by file */
};

static void put_attribute(struct buf *b, const char *name, struct slice value)
{
	buf_printf(b, " %s=\"", name);
	print_xml(b, value);
	buf_puts(b, "\"");
}

static void put_element(struct buf *b, const char *name, const char *type, struct slice text)
{
	struct slice trimmed = slice_trim(text);
	const char *end = trimmed.l ? memchr(trimmed.p, '\n', trimmed.l) : NULL;

	buf_printf(b, "<%s", name);
	if (type)
		put_attribute(b, "type", slice_str(type));
	put_attribute(b, "message", end ? slice_between(trimmed.p, end) : trimmed);
	buf_puts(b, ">");
	print_xml(b, trimmed);
	buf_printf(b, "</%s>", name);
}

static void open_case(struct buf *b, const struct suite_file *file, const char *name, double seconds)
{
	buf_puts(b, "    <testcase");
	put_attribute(b, "classname", slice_str(file->path));
	put_attribute(b, "name", slice_str(name));
	buf_printf(b, " time=\"%.6f\">", seconds);
}

static void junit_broken(void *arg, const struct suite_file *file)
{
	struct junit *j = arg;
	struct junit_suite *u = &j->suites[file - j->s->suite.files];

	u->tests++;
	u->errors++;
	open_case(&u->cases, file, "(loading)", 0);
	put_element(&u->cases, "error", "usage", slice_str(file->broken));
	buf_puts(&u->cases, "</testcase>\n");
}

static void junit_test(void *arg, const struct job *job, const struct outcome *out)
{
	struct junit *j = arg;
	struct junit_suite *u = &j->suites[job->file - j->s->suite.files];
	struct buf *b = &u->cases;
	char name[600];

	if (j->s->options->repeat > 1)
		snprintf(name, sizeof(name), "%s [%u]", job->test->name, job->repetition + 1);
	else
		snprintf(name, sizeof(name), "%s", job->test->name);
	open_case(b, job->file, name, out->is.seconds);
	u->tests++;
	u->seconds += out->is.seconds;
	switch (out->is.verdict) {
	case SHARD_PASSED:
		break;
	case SHARD_SKIPPED:
		u->skipped++;
		put_element(b, "skipped", NULL, buf_slice(&out->text));
		break;
	case SHARD_FAILED:
	case SHARD_TIMEOUT:
		u->failures++;
		put_element(b, "failure", outcome_word(out), buf_slice(&out->text));
		break;
	case SHARD_INTERRUPTED:
	case SHARD_USAGE:
	case SHARD_ENVIRONMENT:
		u->errors++;
		put_element(b, "error", outcome_word(out), buf_slice(&out->text));
		break;
	}
	if (out->capture.len || out->notes.len || out->output.len) {
		buf_puts(b, "<system-out>");
		print_xml(b, buf_slice(&out->output));
		print_xml(b, buf_slice(&out->notes));
		if (out->capture.len) {
			buf_puts(b, "capture: ");
			print_xml(b, buf_slice(&out->capture));
		}
		buf_puts(b, "</system-out>");
	}
	buf_puts(b, "</testcase>\n");
}

static void junit_end(void *arg)
{
	struct junit *j = arg;
	struct junit_suite all = {0};
	struct buf b = {0};

	for (unsigned i = 0; i < j->s->suite.file_count; i++) {
		const struct junit_suite *u = &j->suites[i];
		if (!u->tests)
			continue;
		all.tests += u->tests;
		all.failures += u->failures;
		all.errors += u->errors;
		all.skipped += u->skipped;
		buf_puts(&b, "  <testsuite");
		put_attribute(&b, "name", slice_str(j->s->suite.files[i].path));
		buf_printf(&b, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.6f\">\n", u->tests, u->failures,
			   u->errors, u->skipped, u->seconds);
		buf_put_slice(&b, buf_slice(&u->cases));
		buf_puts(&b, "  </testsuite>\n");
	}
	fprintf(j->f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"offhook\" tests=\"%u\" failures=\"%u\" errors=\"%u\" "
		      "skipped=\"%u\" time=\"%.6f\">\n",
		all.tests, all.failures, all.errors, all.skipped, j->s->tally.seconds);
	fwrite(b.p, 1, b.len, j->f);
	fputs("</testsuites>\n", j->f);
	if (fflush(j->f))
		fprintf(stderr, "offhook: %s is not complete: %s\n", j->path, strerror(errno));
	buf_free(&b);
}

static void junit_free(void *arg)
{
	struct junit *j = arg;

	for (unsigned i = 0; i < j->s->suite.file_count; i++)
		buf_free(&j->suites[i].cases);
	fclose(j->f);
	free(j->suites);
	free(j);
}

int report_junit(struct report *r, struct session *s, const char *path, struct err *e)
{
	struct junit *j = calloc(1, sizeof(*j));

	if (!j || !(j->suites = calloc(s->suite.file_count ? s->suite.file_count : 1, sizeof(*j->suites))))
		abort();
	j->s = s;
	j->path = path;
	j->f = fopen(path, "we");
	if (!j->f) {
		free(j->suites);
		free(j);
		return err_set(e, ERR_ENV, "--junit: cannot write %s: %s", path, strerror(errno));
	}
	*r = (struct report){.broken = junit_broken, .test = junit_test, .end = junit_end, .free = junit_free, .arg = j};
	return 0;
}

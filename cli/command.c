/* `offhook run`, from arguments to exit code. */
#include "cli/session.h"

#include "cli/print.h"
#include "cli/report.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static void put_help(FILE *f)
{
	fputs("offhook run [options] FILE|DIR...   run the tests of Lua scenarios\n\nOptions:\n", f);
	options_help(f, COMMAND_RUN);
	fputs("\nExit: 0 passed, 1 a test failed or timed out, 2 usage or a script that does not load,\n"
	      "      3 the environment (cannot bind, resolve or reach).\n",
	      f);
}

/* --- interruption --- */

static void on_signal(int number)
{
	(void)number;
	signal(SIGINT, SIG_DFL); /* the second one kills */
	signal(SIGTERM, SIG_DFL);
	shard_interrupt();
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* --- preparing --- */

static int set_up(struct session *s, struct err *e)
{
	const struct options *o = s->options;
	uint32_t seed = 0, run = 0;
	int err;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || getrandom(&run, sizeof(run), 0) != sizeof(run))
		return err_set(e, ERR_ENV, "the system gives no random numbers: %s", strerror(errno));
	if (!o->virtual_clock)
		snprintf(s->run_id, sizeof(s->run_id), "%08x", run);
	if (o->target) {
		err = target_resolve(s->target, o->target, o->v6, e);
		if (err)
			return err;
	}
	s->cfg = (struct shard_cfg){
		.virtual_clock = o->virtual_clock,
		.timer_scale = o->timer_scale,
		.seed = o->seed_given ? o->seed : seed,
		.run_id = s->run_id,
		.target = o->target ? s->target : NULL,
		.v6 = o->v6,
		.timeout = o->timeout,
		.unsafe = o->unsafe,
		.settings = o->settings,
		.setting_count = o->setting_count,
		.faults = o->network ? &o->faults : NULL,
		.strict = o->strict,
	};
	return 0;
}

/* Repetitions are the outer loop: what differs between them shows early. */
static int make_jobs(struct session *s, unsigned selected, struct err *e)
{
	uint64_t count = (uint64_t)selected * s->options->repeat;
	struct job *job;

	s->jobs = count < UINT32_MAX ? calloc(count ? count : 1, sizeof(*s->jobs)) : NULL;
	if (!s->jobs)
		return err_set(e, ERR_NOMEM, "out of memory for %llu tests", (unsigned long long)count);
	job = s->jobs;
	for (unsigned r = 0; r < s->options->repeat; r++)
		for (unsigned i = 0; i < s->suite.file_count; i++)
			for (unsigned j = 0; j < s->suite.files[i].test_count; j++)
				if (s->suite.files[i].tests[j].selected)
					*job++ = (struct job){&s->suite.files[i], &s->suite.files[i].tests[j], j, r};
	s->job_count = (unsigned)count;
	return 0;
}

/* Scripts that do not load, and files named that hold no test. */
static unsigned tell_troubles(const struct session *s)
{
	unsigned broken = 0;

	for (unsigned i = 0; i < s->suite.file_count; i++) {
		const struct suite_file *f = &s->suite.files[i];
		struct buf text = {0};
		if (f->broken) {
			print_clean(&text, slice_str(f->broken));
			fprintf(stderr, "offhook: %.*s\n", SLICE_ARG(buf_slice(&text)));
			broken++;
		} else if (f->named && !f->test_count) {
			fprintf(stderr, "offhook: %s defines no tests (sip.test), skipped\n", f->path);
		}
		buf_free(&text);
	}
	return broken;
}

static int no_tests(const struct session *s, struct err *e)
{
	unsigned tests = 0;

	for (unsigned i = 0; i < s->suite.file_count; i++)
		tests += s->suite.files[i].test_count;
	if (tests)
		return err_set(e, ERR_ARG, "-k %s%s matches none of %u test%s: `--list` shows their names",
			       s->options->patterns[0], s->options->pattern_count > 1 ? " ..." : "", tests, tests == 1 ? "" : "s");
	return err_set(e, ERR_ARG, "no tests in %s%s: a scenario is a .lua file that calls sip.test", s->options->files[0],
		       s->options->file_count > 1 ? " ..." : "");
}

static void list(const struct session *s)
{
	for (unsigned i = 0; i < s->job_count; i += 1) {
		const struct job *job = &s->jobs[i];
		struct buf line = {0};

		if (job->repetition)
			break;
		if (s->options->format == FORMAT_JSON) {
			fputs("{\"schema\":1,\"type\":\"listed\",\"file\":", s->output.out);
			print_json_string(s->output.out, slice_str(job->file->path));
			fputs(",\"test\":", s->output.out);
			print_json_string(s->output.out, slice_str(job->test->name));
			fputs("}\n", s->output.out);
			continue;
		}
		buf_printf(&line, "%s: %s", job->file->path, job->test->name);
		print_indented(s->output.out, buf_slice(&line), 0, "");
		buf_free(&line);
	}
}

/* --- running --- */

static int make_reports(struct report_list *l, struct session *s, struct err *e)
{
	l->session = s;
	switch (s->options->format) {
	case FORMAT_HUMAN:
		report_human(&l->reports[l->count++], s);
		break;
	case FORMAT_JSON:
		report_json(&l->reports[l->count++], s);
		break;
	case FORMAT_TAP:
		report_tap(&l->reports[l->count++], s);
		break;
	}
	if (!s->options->junit)
		return 0;
	int err = report_junit(&l->reports[l->count], s, s->options->junit, e);
	l->count += err == 0;
	return err;
}

static double real_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void run_all(struct session *s, struct report_list *l)
{
	double start = real_seconds();

	report_begin(l);
	for (unsigned i = 0; i < s->suite.file_count; i++)
		if (s->suite.files[i].broken)
			report_broken(l, &s->suite.files[i]);
	workers_run(s, l);
	s->tally.seconds = real_seconds() - start;
	report_end(l);
}

/* A script that does not load leaves its tests untold, which is worse than one that failed. */
static int exit_code(const struct tally *t)
{
	if (t->broken || t->in_error > t->environment)
		return EXIT_USAGE;
	if (t->failed || t->interrupted || t->not_run)
		return EXIT_FAILED;
	return t->environment ? EXIT_ENVIRONMENT : EXIT_PASSED;
}

static int run_session(int *code, struct session *s, struct err *e)
{
	const struct options *o = s->options;
	struct report_list reports = {0};
	unsigned selected, broken;
	int err;

	err = output_open(&s->output, o->no_colour, e);
	if (!err)
		err = set_up(s, e);
	if (err)
		return err;
	catch_signals();
	err = suite_collect(&s->suite, o->files, o->file_count, &s->cfg, e);
	if (err)
		return err;
	broken = tell_troubles(s);
	selected = suite_select(&s->suite, o->patterns, o->pattern_count);
	if (!selected && !broken)
		return no_tests(s, e);
	err = make_jobs(s, selected, e);
	if (err)
		return err;
	if (o->list) {
		list(s);
		*code = broken ? EXIT_USAGE : EXIT_PASSED;
		return 0;
	}
	if (o->record != RECORD_OFF && selected)
		err = rundir_make(s->dir, sizeof(s->dir), o->out, e);
	if (!err)
		err = make_reports(&reports, s, e);
	if (!err) {
		run_all(s, &reports);
		*code = exit_code(&s->tally);
	}
	report_free(&reports);
	return err;
}

int run_command(const char *program, int argc, char **argv)
{
	struct options o;
	struct session s = {.options = &o};
	struct err e = {0};
	int code = EXIT_PASSED, err;

	err = options_parse(&o, COMMAND_RUN, argc, argv, &e);
	o.program = program;
	if (!err && o.help)
		put_help(stdout);
	else if (!err)
		err = run_session(&code, &s, &e);
	suite_free(&s.suite);
	free(s.jobs);
	code = output_end(&s.output, code, err, &e);
	options_free(&o);
	return code;
}

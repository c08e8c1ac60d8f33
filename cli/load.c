/* `offhook load`: one script, thousands of times a second. From arguments to exit code. */
#include "cli/load.h"

#include "cli/load_session.h"
#include "cli/print.h"
#include "cli/session.h"
#include "sip/route.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SIP_PORT 5060
#define STRIDE_MS 50

static volatile sig_atomic_t signals;

static struct termios terminal; /* as it was, while keys are read one by one */
static volatile sig_atomic_t raw_terminal;

static void restore_terminal(void)
{
	if (raw_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	raw_terminal = 0;
}

static void on_signal(int number)
{
	signals = signals + 1;
	if (signals < 3)
		return;
	restore_terminal();
	signal(number, SIG_DFL); /* the next one kills */
}

static double real_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void put_help(FILE *f)
{
	fputs("offhook load [options] FILE   run a scenario again and again: sip.load, sip.serve, or a sip.test as it is\n\nOptions:\n", f);
	options_help(f, COMMAND_LOAD);
	fputs("\nSIGTERM, SIGINT and the key q drain the run, a second time they cut it short.\n"
	      "Exit: 0 every iteration ended well and every threshold was kept; without thresholds 1 when one failed or was dropped;\n"
	      "      2 usage or a script that does not load, 3 the environment, 99 a threshold is broken.\n",
	      f);
}

/* --- preparing --- */

static int choose_address(struct load_session *s, struct err *e)
{
	const char *listen = s->options->load.listen;
	struct addr target;
	int err = 0;

	if (s->options->virtual_clock)
		return 0;
	if (listen) {
		if (!addr_parse(&s->run.local, slice_str(listen), 0))
			return err_set(e, ERR_ARG, "--listen wants a numeric address, perhaps with a port, e.g. 192.0.2.1:5060; got \"%s\"", listen);
		s->run.fixed_port = addr_port(&s->run.local) != 0;
	} else if (s->options->target) {
		err = route_resolve(&target, slice_str(s->target), true, s->options->v6, e);
		if (!err)
			err = net_source_for(&s->run.local, &target, e);
	} else {
		addr_set(&s->run.local, s->options->v6 ? SLICE_LIT("::1") : SLICE_LIT("127.0.0.1"), 0);
	}
	if (!err && s->run.plan.caller < 0 && !s->run.fixed_port) { /* where who calls expects it */
		addr_set_port(&s->run.local, SIP_PORT);
		s->run.fixed_port = true;
	}
	return err;
}

static int set_up(struct load_session *s, struct err *e)
{
	const struct options *o = s->options;
	uint32_t seed = 0, run = 0;
	int err = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || getrandom(&run, sizeof(run), 0) != sizeof(run))
		return err_set(e, ERR_ENV, "the system gives no random numbers: %s", strerror(errno));
	if (!o->virtual_clock)
		snprintf(s->run_id, sizeof(s->run_id), "%08x", run);
	if (o->target)
		err = target_resolve(s->target, o->target, o->v6, e);
	if (err)
		return err;
	s->feeders = feeders_alloc();
	s->total = load_numbers_alloc();
	s->second = load_numbers_alloc();
	if (!s->feeders || !s->total || !s->second)
		return err_set(e, ERR_NOMEM, "out of memory for a load");
	s->run.shard = (struct shard_cfg){
		.path = o->files[0],
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
		.feeders = s->feeders,
	};
	err = load_plan(s, e);
	s->run.plan.arrivals.seed = s->run.shard.seed;
	if (!err)
		err = load_check_needs(s, e);
	if (!err)
		err = choose_address(s, e);
	return err;
}

static int open_capture(struct load_session *s, struct err *e)
{
	int err;

	if (!s->options->record_given || s->options->record == RECORD_OFF)
		return 0;
	err = rundir_make(s->dir, sizeof(s->dir), s->options->out, e);
	if (err)
		return err;
	if ((size_t)snprintf(s->capture, sizeof(s->capture), "%s/captures", s->dir) >= sizeof(s->capture) - 10)
		return err_set(e, ERR_ENV, "the path of a capture is too long: %.200s...", s->capture);
	err = rundir_mkdir_p(s->capture, e);
	strcat(s->capture, "/load");
	s->run.capture = s->capture;
	return err;
}

/* --- while it runs --- */

static void take(struct load_session *s)
{
	load_numbers_clear(s->second);
	for (unsigned i = 0; i < s->run.workers; i++)
		load_worker_take(s->workers[i], s->second);
	load_numbers_append(s->total, s->second);
}

static void fill_span(struct load_session *s, struct load_report_span *span, double now)
{
	double cpu = cpu_seconds();

	*span = (struct load_report_span){
		.total = s->total,
		.interval = s->second,
		.seconds = now - s->start,
		.interval_seconds = now - s->last,
		.cpu_seconds = cpu - s->cpu_start,
		.interval_cpu_seconds = cpu - s->cpu_last,
		.draining = s->draining,
	};
	s->last = now;
	s->cpu_last = cpu;
}

static void tell_second(struct load_session *s, double now)
{
	struct load_report_span span;

	take(s);
	fill_span(s, &span, now);
	load_report_second(s->report, &span);
}

/* The first trouble of any worker; false when all is well. */
static bool has_trouble(const struct load_session *s, struct err *e)
{
	struct load_worker_state state;

	for (unsigned i = 0; i < s->run.workers; i++) {
		load_worker_look(s->workers[i], &state);
		if (state.trouble[0]) {
			err_set(e, state.code, "%s", state.trouble);
			return true;
		}
	}
	return false;
}

static bool all_over(struct load_session *s)
{
	struct load_worker_state state;
	bool over = true;

	for (unsigned i = 0; i < s->run.workers; i++) {
		load_worker_look(s->workers[i], &state);
		over = over && state.over;
		s->draining = s->draining || state.draining;
	}
	return over;
}

static void read_keys(struct load_session *s, int wait_ms)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (!s->keys) {
		poll(NULL, 0, wait_ms);
		return;
	}
	if (poll(&fd, 1, wait_ms) > 0 && (fd.revents & POLLIN)) {
		if (read(STDIN_FILENO, &key, 1) != 1)
			s->keys = false;
		else if (key == 'q')
			signals = signals + 1;
	}
}

static void obey(struct load_session *s)
{
	unsigned now = (unsigned)signals;

	if (now == s->told)
		return;
	s->told = now;
	atomic_store(&s->run.order, now == 1 ? LOAD_FINISH : LOAD_ABORT);
	if (s->report)
		load_report_note(s->report, now == 1 ? "no more arrivals; what is under way may end (once more cuts it short)" : "cut short");
}

static void on_virtual_second(double seconds, void *arg)
{
	struct load_session *s = arg;
	struct load_worker_state state;

	load_worker_look(s->workers[0], &state);
	s->draining = state.draining;
	s->script_seconds = seconds;
	tell_second(s, seconds);
	obey(s);
}

static void open_keys(struct load_session *s)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal))
		return;
	raw = terminal;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	raw_terminal = 1;
	s->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static int begin_report(struct load_session *s, struct err *e)
{
	const struct options *o = s->options;
	struct load_report_cfg cfg = {
		.out = s->output.out,
		.json = o->format == FORMAT_JSON,
		.terminal = s->output.terminal,
		.colour = s->output.colour,
		.width = s->output.terminal ? s->output.width : 0,
		.file = o->files[0],
		.name = s->name,
		.plan = (const char *)s->plan.p,
		.target = s->run.shard.target,
		.seed = s->run.shard.seed,
		.workers = s->run.workers,
		.shards = s->run.shards,
		.max_live = s->run.plan.users ? 0 : s->run.plan.max_live,
	};

	s->report = load_report_begin(&cfg);
	return s->report ? 0 : err_set(e, ERR_NOMEM, "out of memory for a report");
}

static int run_real(struct load_session *s, struct err *e)
{
	double next;
	int err;

	while (atomic_load(&s->run.ready) < s->run.workers && !signals)
		read_keys(s, 2);
	if (has_trouble(s, e)) {
		atomic_store(&s->run.order, LOAD_ABORT);
		return e->code;
	}
	err = begin_report(s, e);
	if (err) {
		atomic_store(&s->run.order, LOAD_ABORT);
		return err;
	}
	s->start = s->last = real_seconds();
	s->cpu_start = s->cpu_last = cpu_seconds();
	if (!signals)
		atomic_store(&s->run.order, LOAD_GO);
	for (next = s->start + 1; !all_over(s);) {
		obey(s);
		read_keys(s, STRIDE_MS);
		if (real_seconds() >= next) {
			tell_second(s, real_seconds());
			next += 1;
		}
	}
	return 0;
}

static int run_virtual(struct load_session *s, struct err *e)
{
	int err = begin_report(s, e);

	if (err)
		return err;
	s->cpu_start = s->cpu_last = cpu_seconds();
	atomic_store(&s->run.order, LOAD_GO);
	load_worker_run(s->workers[0], on_virtual_second, s);
	return 0;
}

/* --- the end --- */

static void finish(struct load_session *s)
{
	struct load_report_span span;

	if (!s->options->virtual_clock)
		tell_second(s, real_seconds()); /* what is left of the last one; the virtual clock told it */
	fill_span(s, &span, s->last);
	for (unsigned i = 0; i < s->threshold_count; i++) {
		s->verdicts[i].threshold = &s->thresholds[i];
		threshold_check(&s->verdicts[i].result, &s->thresholds[i], s->total, span.seconds);
		s->broken = s->broken || !s->verdicts[i].result.kept;
	}
	load_report_end(s->report, &span, s->verdicts, s->threshold_count);
}

static int exit_code(const struct load_session *s)
{
	if (s->broken)
		return EXIT_THRESHOLD;
	if (!s->threshold_count && s->total->failed + s->total->dropped + s->total->interrupted)
		return EXIT_FAILED;
	return EXIT_PASSED;
}

static int run_session(int *code, struct load_session *s, struct err *e)
{
	struct sigaction action = {.sa_handler = on_signal};
	int err;

	err = output_open(&s->output, s->options->no_colour, e);
	if (!err)
		err = set_up(s, e);
	if (!err)
		err = open_capture(s, e);
	if (err)
		return err;
	s->verdicts = calloc(s->threshold_count + 1, sizeof(*s->verdicts));
	s->workers = calloc(s->run.workers, sizeof(struct load_worker *));
	if (!s->verdicts || !s->workers)
		return err_set(e, ERR_NOMEM, "out of memory for the workers");
	if (s->serves && s->run.workers > 1 && s->run.fixed_port) {
		atomic_store(&s->run.front, -1);
		s->run.post = load_post_alloc(s->run.workers);
		if (!s->run.post)
			return err_set(e, ERR_NOMEM, "out of memory for the workers");
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned i = 0; i < s->run.workers && !err; i++)
		err = load_worker_start(&s->workers[i], &s->run, i, e);
	if (!err) {
		open_keys(s);
		err = s->options->virtual_clock ? run_virtual(s, e) : run_real(s, e);
		restore_terminal();
	} else {
		atomic_store(&s->run.order, LOAD_ABORT);
	}
	for (unsigned i = 0; i < s->run.workers; i++)
		load_worker_join(s->workers[i]); /* their captures are written then, or they say why not */
	if (!err) {
		finish(s);
		*code = exit_code(s);
		if (has_trouble(s, e))
			err = e->code;
		if (s->dir[0] && !err && s->options->format == FORMAT_HUMAN)
			fprintf(s->output.out, "captures: %s/captures\n", s->dir);
	}
	for (unsigned i = 0; i < s->run.workers; i++)
		s->workers[i] = load_worker_free(s->workers[i]);
	s->run.post = load_post_free(s->run.post);
	return err;
}

int load_command(const char *program, int argc, char **argv)
{
	struct options o;
	struct load_session s = {.options = &o};
	struct err e = {0};
	int code = EXIT_PASSED, err;

	err = options_parse(&o, COMMAND_LOAD, argc, argv, &e);
	o.program = program;
	if (!err && o.help)
		put_help(stdout);
	else if (!err)
		err = run_session(&code, &s, &e);
	s.report = load_report_free(s.report);
	code = output_end(&s.output, code, err, &e);
	load_numbers_free(s.total);
	load_numbers_free(s.second);
	feeders_free(s.feeders);
	buf_free(&s.plan);
	free(s.name);
	free(s.thresholds);
	free(s.verdicts);
	free(s.workers);
	options_free(&o);
	return code;
}

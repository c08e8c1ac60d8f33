/* `offhook load`: one script, thousands of times a second. From arguments to exit code. */
#include "cli/load.h"

#include "cli/load_report.h"
#include "cli/load_worker.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/target.h"
#include "sip/route.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MAX_LIVE 10000
#define DEFAULT_DRAIN 60.0
#define LIVE_A_SHARD 5000   /* measured: beyond, a step of Lua's collector takes several ms */
#define LIVE_BYTES 6000     /* what an iteration with a call may take, its transactions included: see tests/bench/load */
#define SHARD_BYTES 2000000 /* a Lua state with the library */
#define FDS_A_WORKER 8
#define SIP_PORT 5060
#define STRIDE_MS 50

struct load_session {
	const struct options *options;
	struct output output;
	struct load_run run;
	struct load_worker **workers;
	struct feeders *feeders;
	bool serves;                /* the script has a sip.serve */
	char target[TARGET_MAX];
	char run_id[9];
	char dir[4096], capture[4600];
	char *name;                 /* of the scenario that calls, or of the first that serves */
	struct buf plan;            /* in words */
	struct threshold *thresholds;
	struct load_verdict *verdicts;
	unsigned threshold_count;
	struct load_report *report;
	struct load_numbers *total, *second;
	double start, last, cpu_start, cpu_last, script_seconds; /* the last: of the virtual clock */
	bool draining;
	unsigned told;              /* signals that were told of */
	bool keys;                  /* the terminal is read key by key */
	bool broken;                /* a threshold */
};

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

/* --- what is to be run --- */

static bool is_meant(const struct load_session *s, const char *name)
{
	const struct options *o = s->options;

	for (unsigned i = 0; i < o->pattern_count; i++)
		if (strcasestr(name, o->patterns[i]))
			return true;
	return o->pattern_count == 0;
}

/* Behind `n` that stand there already; returns how many then do. */
static int list_of(struct buf *b, struct shard *sh, bool tests, int n)
{
	struct load_declared d;

	for (unsigned i = 0; load_declared(sh, i, &d); i++)
		if (!d.serves && d.test == tests)
			buf_printf(b, "%s\"%s\"", n++ ? ", " : "", d.name);
	return n;
}

/* The one that is to be called, by index; -1: the script only serves. */
static int choose(int *chosen, const struct load_session *s, struct shard *sh, struct err *e)
{
	const char *file = s->options->files[0];
	struct load_declared d;
	struct buf names = {0};
	unsigned found = 0, serves = 0;
	int kind, err = 0;

	*chosen = -1;
	/* Loads before tests: a file may have both. */
	for (kind = 0; kind < 2 && !found; kind++)
		for (unsigned i = 0; load_declared(sh, i, &d); i++)
			if (!d.serves && d.test == (kind == 1) && is_meant(s, d.name)) {
				*chosen = (int)i;
				found++;
			}
	for (unsigned i = 0; load_declared(sh, i, &d); i++)
		serves += d.serves;
	if (found > 1) {
		list_of(&names, sh, kind == 2, 0);
		err = err_set(e, ERR_ARG, "%s has several (%.*s): choose one with -k", file, SLICE_ARG(buf_slice(&names)));
	} else if (!found && s->options->pattern_count) {
		list_of(&names, sh, true, list_of(&names, sh, false, 0));
		err = err_set(e, ERR_ARG, "-k %s matches nothing in %s, which has %.*s", s->options->patterns[0], file,
			      SLICE_ARG(buf_slice(&names)));
	} else if (!found && !serves) {
		err = err_set(e, ERR_ARG, "%s has nothing to run under load: no sip.load, sip.serve or sip.test", file);
	}
	buf_free(&names);
	return err;
}

/* The command line wins over the script. */
static int plan_arrivals(struct load_plan *plan, const struct load_options *o, const struct load_declared *d, struct err *e)
{
	struct arrivals_cfg *a = &plan->arrivals;
	bool given = o->rate || o->arrivals || o->ramp;
	int err = 0;

	if (given)
		*a = o->schedule;
	plan->users = o->users ? o->users : given ? 0 : (unsigned)d->users;
	if (!given && !o->users) {
		if (d->rate > 0)
			err = arrivals_set_rate(a, d->rate, "sip.load: rate", e);
		if (!err && d->arrivals)
			err = arrivals_parse_model(a, d->arrivals, "sip.load: arrivals", e);
		if (!err && d->ramp_text && d->ramp == 0)
			err = arrivals_parse_ramp(a, d->ramp_text, "sip.load: ramp", e);
		else if (!err && d->ramp > 0)
			err = arrivals_ramp_up(a, d->ramp, "sip.load: ramp", e);
		if (!err && a->model_given && plan->users)
			err = err_set(e, ERR_ARG, "sip.load \"%s\": users is the closed model, rate, arrivals and ramp are the open one", d->name);
	}
	a->duration = o->duration > 0 ? o->duration : d->duration;
	a->calls = o->calls ? o->calls : d->calls;
	if (!err && !a->model_given && !plan->users)
		return err_set(e, ERR_ARG, "how much load? Give --rate N, --arrivals poisson:N, --ramp A:B:T or --users N (or say it in sip.load)");
	return err || plan->users ? err : arrivals_check(a, e);
}

static int add_threshold(struct load_session *s, const char *text, const char *who, struct err *e)
{
	struct threshold *more = realloc(s->thresholds, (s->threshold_count + 1) * sizeof(*more));

	if (!more)
		return err_set(e, ERR_NOMEM, "out of memory for the thresholds");
	s->thresholds = more;
	return threshold_parse(&s->thresholds[s->threshold_count++], slice_str(text), who, e);
}

static int read_thresholds(struct load_session *s, struct shard *sh, struct err *e)
{
	const struct load_options *o = &s->options->load;
	struct load_declared d;
	const char *text;
	int err = 0;

	for (unsigned i = 0; i < o->threshold_count && !err; i++)
		err = add_threshold(s, o->thresholds[i], "--threshold", e);
	for (unsigned i = 0; load_declared(sh, i, &d) && !err; i++)
		for (unsigned n = 0; (d.serves || (int)i == s->run.plan.caller) && !err && (text = load_declared_threshold(sh, i, n)); n++)
			err = add_threshold(s, text, s->options->files[0], e);
	return err;
}

static void describe(struct load_session *s, const struct load_declared *d)
{
	const struct load_plan *plan = &s->run.plan;

	if (plan->caller >= 0 && !plan->users) {
		arrivals_describe(&s->plan, &plan->arrivals);
	} else {
		if (plan->caller < 0)
			buf_puts(&s->plan, "answering");
		else
			buf_printf(&s->plan, "%u virtual user%s%s", plan->users, plan->users == 1 ? "" : "s", d->test ? ", each a test of its own" : "");
		if (plan->caller >= 0 && plan->arrivals.calls)
			buf_printf(&s->plan, ", %" PRIu64 " iterations", plan->arrivals.calls);
		if (s->run.duration > 0)
			buf_printf(&s->plan, ", for %g s", s->run.duration);
	}
	buf_put(&s->plan, "", 1);
}

/* Loads the script once to see what it declares. */
static int plan(struct load_session *s, struct err *e)
{
	const struct load_options *o = &s->options->load;
	struct load_plan *p = &s->run.plan;
	struct load_declared d = {0};
	struct shard *sh = NULL;
	uint64_t live = 0;
	int err = shard_load(&sh, &s->run.shard, e);

	if (err)
		return err;
	err = choose(&p->caller, s, sh, e);
	if (err)
		goto out;
	for (unsigned i = 0; load_declared(sh, i, &d); i++)
		s->serves = s->serves || d.serves;
	d = (struct load_declared){0};
	if (p->caller >= 0)
		load_declared(sh, (unsigned)p->caller, &d);
	for (unsigned i = 0; p->caller < 0 && load_declared(sh, i, &d) && !d.serves; i++)
		;
	s->name = strdup(d.name ? d.name : "");
	if (p->caller >= 0)
		err = plan_arrivals(p, o, &d, e);
	else if (o->rate || o->arrivals || o->ramp || o->users || o->calls)
		err = err_set(e, ERR_ARG, "%s only serves (sip.serve): calls come from elsewhere, it takes no --rate, --users or --calls",
			      s->options->files[0]);
	if (err)
		goto out;
	p->timeout = s->options->timeout > 0 ? s->options->timeout : d.timeout;
	if (d.test && p->timeout <= 0)
		p->timeout = 60; /* as for a test */
	live = o->max_live ? o->max_live : d.max_live ? d.max_live : DEFAULT_MAX_LIVE;
	if (p->users && live < p->users)
		live = p->users;
	p->max_live = (unsigned)live;
	s->run.duration = o->duration > 0 ? o->duration : d.duration;
	s->run.drain = o->drain >= 0 ? o->drain : DEFAULT_DRAIN;
	s->run.workers = o->workers ? o->workers : 1;
	if (p->users)
		live = p->users;
	s->run.shards = o->shards ? o->shards : (unsigned)((live + s->run.workers * LIVE_A_SHARD - 1) / ((uint64_t)s->run.workers * LIVE_A_SHARD));
	describe(s, &d);
	err = read_thresholds(s, sh, e);
out:
	shard_free(sh);
	return err;
}

/* --- what it needs --- */

/* Of /proc/meminfo, in bytes; 0: not known. */
static uint64_t memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[200];
	uint64_t kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb * 1024;
}

static int check_needs(const struct load_session *s, struct err *e)
{
	uint64_t have = memory_available();
	uint64_t need = (uint64_t)s->run.plan.max_live * LIVE_BYTES + (uint64_t)s->run.workers * s->run.shards * SHARD_BYTES;
	uint64_t fds = (uint64_t)s->run.workers * FDS_A_WORKER + 32;
	struct rlimit limit;

	if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY && (!have || limit.rlim_cur < have))
		have = limit.rlim_cur;
	if (have && need > have)
		return err_set(e, ERR_ENV, "%u iterations at a time may take %.1f GB, and %.1f GB are free: lower --max-live, or get more memory",
			       s->run.plan.max_live, (double)need / 1e9, (double)have / 1e9);
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < fds)
		return err_set(e, ERR_ENV, "%u workers need about %" PRIu64 " descriptors, and the limit is %" PRIu64 ": raise it with ulimit -n",
			       s->run.workers, fds, (uint64_t)limit.rlim_cur);
	return 0;
}

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
	s->run.plan.arrivals.seed = s->run.shard.seed;
	err = plan(s, e);
	s->run.plan.arrivals.seed = s->run.shard.seed;
	if (!err)
		err = check_needs(s, e);
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
	struct load_worker_state state;
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

	load_worker_look(s->workers[0], &state);
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
	if (!err) {
		finish(s);
		*code = exit_code(s);
		if (has_trouble(s, e))
			err = e->code;
		if (s->dir[0] && !err && s->options->format == FORMAT_HUMAN)
			fprintf(s->output.out, "captures: %s/captures\n", s->dir);
	}
	for (unsigned i = 0; i < s->run.workers; i++)
		s->workers[i] = load_worker_join(s->workers[i]);
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
	if (err) {
		struct buf text = {0};
		print_clean(&text, slice_str(e.text));
		fprintf(stderr, "offhook: %.*s\n", SLICE_ARG(buf_slice(&text)));
		buf_free(&text);
		code = err == ERR_ARG || err == ERR_PARSE ? EXIT_USAGE : EXIT_ENVIRONMENT;
	}
	s.report = load_report_free(s.report);
	if (!output_close(&s.output) && !code)
		code = EXIT_ENVIRONMENT;
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

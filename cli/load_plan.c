/* What `offhook load` is to run, of what the script says and the command line, and whether the host can. */
#include "cli/load_session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DEFAULT_MAX_LIVE 10000
#define DEFAULT_DRAIN 60.0
#define LIVE_A_SHARD 5000   /* measured: beyond, a step of Lua's collector takes several ms */
#define LIVE_BYTES 5000     /* what an iteration with a call may take, its transactions included: see tests/bench/load */
#define SHARD_BYTES 2000000 /* a Lua state with the library */
#define FDS_A_WORKER 24     /* transports, the loop, the box of the others */

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

int load_plan(struct load_session *s, struct err *e)
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
	if (p->max_live < s->run.workers) {
		err = err_set(e, ERR_ARG, "%u iterations at a time cannot be shared out to %u workers: raise --max-live, or lower --workers", p->max_live,
			      s->run.workers);
		goto out;
	}
	s->run.shards = o->shards ? o->shards : (unsigned)((live + s->run.workers * LIVE_A_SHARD - 1) / ((uint64_t)s->run.workers * LIVE_A_SHARD));
	if (s->run.shards > p->max_live / s->run.workers) /* each has its part of them */
		s->run.shards = p->max_live / s->run.workers;
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

int load_check_needs(const struct load_session *s, struct err *e)
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

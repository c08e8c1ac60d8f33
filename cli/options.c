#include "cli/options.h"

#include "core/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define MAX_JOBS 1024
#define MAX_LIVE 10000000
#define MAX_WORKERS 256
#define MAX_SHARDS 1000
#define MAX_REPEAT 1000000
#define MAX_SECONDS 1e8

struct option_row {
	unsigned commands; /* enum options_command */
	char letter;
	const char *name, *value, *help; /* value: NULL for a switch */
	int (*set)(struct options *o, const char *value, struct err *e);
};

/* --- values --- */

static int number(double *out, const char *text, const char *what, double min, double max, struct err *e)
{
	char *end;
	double x = 0;

	errno = 0;
	x = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(x) || x < min || x > max)
		return err_set(e, ERR_ARG, "%s wants a number from %g to %g, got \"%s\"", what, min, max, text);
	*out = x;
	return 0;
}

static int count(unsigned *out, const char *text, const char *what, unsigned max, struct err *e)
{
	uint64_t n = 0;

	if (!slice_u64(&n, slice_str(text), max) || n == 0)
		return err_set(e, ERR_ARG, "%s wants a whole number from 1 to %u, got \"%s\"", what, max, text);
	*out = (unsigned)n;
	return 0;
}

static int set_target(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->target = value;
	return 0;
}

static int set_out(struct options *o, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_ARG, "--out wants a directory");
	o->out = value;
	return 0;
}

static int set_pattern(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->patterns[o->pattern_count++] = value;
	return 0;
}

static int set_list(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->list = true;
	return 0;
}

static int set_repeat(struct options *o, const char *value, struct err *e)
{
	return count(&o->repeat, value, "--repeat", MAX_REPEAT, e);
}

static int set_jobs(struct options *o, const char *value, struct err *e)
{
	return count(&o->jobs, value, "-j", MAX_JOBS, e);
}

static int set_virtual(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->virtual_clock = true;
	return 0;
}

static int set_seed(struct options *o, const char *value, struct err *e)
{
	char *end;

	errno = 0;
	o->seed = strtoull(value, &end, 0);
	if (end == value || *end || errno || *value == '-')
		return err_set(e, ERR_ARG, "--seed wants a whole number below 2^64, got \"%s\"", value);
	o->seed_given = true;
	return 0;
}

static int set_timer_scale(struct options *o, const char *value, struct err *e)
{
	return number(&o->timer_scale, value, "--timer-scale", 0.0001, 1000, e);
}

static int set_timeout(struct options *o, const char *value, struct err *e)
{
	return number(&o->timeout, value, "--timeout", 0.001, MAX_SECONDS, e);
}

static int set_setting(struct options *o, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	struct shard_setting *s = &o->settings[o->setting_count];

	if (!equals || equals == value)
		return err_set(e, ERR_ARG, "--set wants NAME=VALUE, got \"%s\"", value);
	s->name = strndup(value, (size_t)(equals - value));
	s->value = equals + 1;
	if (!s->name)
		return err_set(e, ERR_NOMEM, "out of memory for the options");
	o->setting_count++;
	return 0;
}

static int set_record(struct options *o, const char *value, struct err *e)
{
	static const char *const words[] = {[RECORD_ALL] = "all", [RECORD_FAILED] = "failed", [RECORD_OFF] = "off"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(value, words[i])) {
			o->record = (enum options_record)i;
			o->record_given = true;
			return 0;
		}
	return err_set(e, ERR_ARG, "--record wants all, failed or off, got \"%s\"", value);
}

static int set_ladder(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->ladder = true;
	return 0;
}

static int set_format(struct options *o, enum options_format format, struct err *e)
{
	if (o->format != FORMAT_HUMAN && o->format != format)
		return err_set(e, ERR_ARG, "--json and --tap both want stdout: give one of them");
	o->format = format;
	return 0;
}

static int set_json(struct options *o, const char *value, struct err *e)
{
	(void)value;
	return set_format(o, FORMAT_JSON, e);
}

static int set_tap(struct options *o, const char *value, struct err *e)
{
	(void)value;
	return set_format(o, FORMAT_TAP, e);
}

static int set_junit(struct options *o, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_ARG, "--junit wants a file");
	o->junit = value;
	return 0;
}

/* One `name=value` of --network. */
static int set_fault(struct net_faults *f, const char *item, struct err *e)
{
	static const char *const words[] = {"delay", "jitter", "loss", "duplicate", "reorder"};
	double *shares[] = {NULL, NULL, &f->loss, &f->duplicate, &f->reorder};
	uint64_t *times[] = {&f->delay, &f->jitter, NULL, NULL, NULL};
	const char *equals = strchr(item, '='), *meant;
	char name[40], what[60];
	double x;
	int err;

	slice_copy(name, sizeof(name), (struct slice){item, equals ? (size_t)(equals - item) : strlen(item)});
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(name, words[i]))
			continue;
		snprintf(what, sizeof(what), "--network: %s", name);
		if (!equals)
			return err_set(e, ERR_ARG, "%s wants a value, as in %s=0.05", what, name);
		err = number(&x, equals + 1, what, 0, times[i] ? 3600 : 1, e);
		if (!err && times[i])
			*times[i] = (uint64_t)(x * 1e9);
		else if (!err)
			*shares[i] = x;
		return err;
	}
	meant = nearest(name, words, sizeof(words) / sizeof(*words));
	if (meant)
		return err_set(e, ERR_ARG, "--network knows no \"%s\": did you mean %s?", name, meant);
	return err_set(e, ERR_ARG, "--network knows no \"%s\": it has delay, jitter (seconds), loss, duplicate, reorder (shares)",
		       name);
}

static int set_network(struct options *o, const char *value, struct err *e)
{
	char *copy = strdup(value), *rest = copy, *item;
	int err = copy ? 0 : err_set(e, ERR_NOMEM, "out of memory for the options");

	o->network = value;
	memset(&o->faults, 0, sizeof(o->faults));
	while (!err && (item = strsep(&rest, ",")))
		err = set_fault(&o->faults, item, e);
	free(copy);
	return err;
}

static int set_unsafe(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->unsafe = true;
	return 0;
}

static int set_strict(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->strict = true;
	return 0;
}

static int set_v6(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->v6 = true;
	return 0;
}

static int set_no_colour(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->no_colour = true;
	return 0;
}

static int set_help(struct options *o, const char *value, struct err *e)
{
	(void)value, (void)e;
	o->help = true;
	return 0;
}

/* --- of a load --- */

static int set_rate(struct options *o, const char *value, struct err *e)
{
	o->load.rate = value;
	return arrivals_parse_rate(&o->load.schedule, value, "--rate", e);
}

static int set_arrivals(struct options *o, const char *value, struct err *e)
{
	o->load.arrivals = value;
	return arrivals_parse_model(&o->load.schedule, value, "--arrivals", e);
}

static int set_ramp(struct options *o, const char *value, struct err *e)
{
	o->load.ramp = value;
	return arrivals_parse_ramp(&o->load.schedule, value, "--ramp", e);
}

static int set_users(struct options *o, const char *value, struct err *e)
{
	return count(&o->load.users, value, "--users", MAX_LIVE, e);
}

static int set_duration(struct options *o, const char *value, struct err *e)
{
	return number(&o->load.duration, value, "--duration", 0.001, ARRIVALS_SECONDS_MAX, e);
}

static int set_calls(struct options *o, const char *value, struct err *e)
{
	unsigned n = 0;
	int err = count(&n, value, "--calls", UINT32_MAX, e);

	o->load.calls = n;
	return err;
}

static int set_max_live(struct options *o, const char *value, struct err *e)
{
	return count(&o->load.max_live, value, "--max-live", MAX_LIVE, e);
}

static int set_workers(struct options *o, const char *value, struct err *e)
{
	return count(&o->load.workers, value, "--workers", MAX_WORKERS, e);
}

static int set_shards(struct options *o, const char *value, struct err *e)
{
	return count(&o->load.shards, value, "--shards", MAX_SHARDS, e);
}

static int set_listen(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->load.listen = value;
	return 0;
}

static int set_drain(struct options *o, const char *value, struct err *e)
{
	return number(&o->load.drain, value, "--drain", 0, ARRIVALS_SECONDS_MAX, e);
}

static int set_threshold(struct options *o, const char *value, struct err *e)
{
	(void)e; /* its text is read beside those of the script */
	o->load.thresholds[o->load.threshold_count++] = value;
	return 0;
}

/* --- the table --- */

static const struct option_row rows[] = {
	{COMMAND_RUN | COMMAND_LOAD, 0, "target", "URI", "the system under test: host, host:port, udp:host:port or a SIP URI", set_target},
	{COMMAND_RUN | COMMAND_LOAD, 0, "virtual", NULL, "virtual clock and simulated network: no waiting, and the same seed gives the same capture",
	 set_virtual},
	{COMMAND_RUN | COMMAND_LOAD, 0, "seed", "N", "of everything random (default: a new one, which is printed)", set_seed},
	{COMMAND_RUN, 'k', "match", "TEXT", "only tests with TEXT in \"file: test\", in any case; several: any of them", set_pattern},
	{COMMAND_LOAD, 'k', "match", "TEXT", "the scenario with TEXT in its name, in any case, where the file has several", set_pattern},
	{COMMAND_RUN, 0, "list", NULL, "print the tests and run none", set_list},
	{COMMAND_LOAD, 0, "rate", "N", "arrivals a second, whether those before have ended or not", set_rate},
	{COMMAND_LOAD, 0, "arrivals", "MODEL:N", "poisson:N or constant:N a second", set_arrivals},
	{COMMAND_LOAD, 0, "ramp", "A:B:T", "arrivals from A a second to B within T seconds, then B", set_ramp},
	{COMMAND_LOAD, 0, "users", "N", "N virtual users, each one iteration after the other, in place of arrivals", set_users},
	{COMMAND_LOAD, 0, "duration", "S", "seconds of arrivals (default: until a signal, or q)", set_duration},
	{COMMAND_LOAD, 0, "calls", "N", "arrivals in all", set_calls},
	{COMMAND_LOAD, 0, "max-live", "N", "iterations at a time (default 10000); an arrival beyond is dropped, and counted", set_max_live},
	{COMMAND_LOAD, 0, "workers", "N", "threads, each with sockets of its own (default 1)", set_workers},
	{COMMAND_LOAD, 0, "shards", "N", "Lua states of a worker (default: one for each 5000 iterations)", set_shards},
	{COMMAND_LOAD, 0, "listen", "ADDR[:PORT]", "where actors live (default: what reaches the target, else 127.0.0.1)", set_listen},
	{COMMAND_LOAD, 0, "drain", "S", "seconds that iterations may take to end, after the last arrival (default 60)", set_drain},
	{COMMAND_LOAD, 0, "threshold", "TEXT", "what must hold, e.g. \"call.setup: p99 < 0.5\"; several are allowed; broken: exit 99", set_threshold},
	{COMMAND_RUN, 0, "repeat", "N", "run all N times, each time with the next seed", set_repeat},
	{COMMAND_RUN, 'j', "jobs", "N", "tests at a time, each in a process of its own", set_jobs},
	{COMMAND_RUN, 0, "timeout", "S", "seconds for each test (default: what the test says, else 60)", set_timeout},
	{COMMAND_LOAD, 0, "timeout", "S", "seconds for each iteration (default: what the script says; none for sip.load, 60 for sip.test)", set_timeout},
	{COMMAND_RUN | COMMAND_LOAD, 0, "timer-scale", "X", "on real sockets: 0.1 makes every second of script time 0.1 s", set_timer_scale},
	{COMMAND_RUN | COMMAND_LOAD, 0, "set", "NAME=VALUE", "t.env.NAME of the scripts; several are allowed", set_setting},
	{COMMAND_RUN | COMMAND_LOAD, 0, "network", "FAULTS", "of every link, e.g. delay=0.02,jitter=0.005,loss=0.1,duplicate=0.05,reorder=0.05", set_network},
	{COMMAND_RUN | COMMAND_LOAD, '6', "ipv6", NULL, "actors live on IPv6 addresses", set_v6},
	{COMMAND_RUN, 0, "strict", NULL, "a message that no script line read fails its test", set_strict},
	{COMMAND_RUN | COMMAND_LOAD, 0, "unsafe", NULL, "scripts may start processes (os.execute, io.popen) and use debug", set_unsafe},
	{COMMAND_RUN | COMMAND_LOAD, 0, "out", "DIR", "of the captures (default: runs/TIME, to which runs/latest points)", set_out},
	{COMMAND_RUN, 0, "record", "WHAT", "captures to write: all (default), failed or off", set_record},
	{COMMAND_LOAD, 0, "record", "WHAT", "all writes a capture, of each worker one; off (default)", set_record},
	{COMMAND_RUN, 0, "ladder", NULL, "show the ladder of every test, not of failed ones alone", set_ladder},
	{COMMAND_RUN | COMMAND_LOAD, 0, "json", NULL, "results on stdout as JSON, one object a line", set_json},
	{COMMAND_RUN, 0, "tap", NULL, "results on stdout as TAP 14", set_tap},
	{COMMAND_RUN, 0, "junit", "FILE", "results into FILE as JUnit XML, too", set_junit},
	{COMMAND_RUN | COMMAND_LOAD, 0, "no-colour", NULL, "no colour and no live progress (as with NO_COLOR set)", set_no_colour},
	{COMMAND_RUN | COMMAND_LOAD, 'h', "help", NULL, "this text", set_help},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

void options_help(FILE *f, enum options_command command)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *r = &rows[i];
		char left[40];
		if (!(r->commands & command))
			continue;
		int n = r->letter ? snprintf(left, sizeof(left), "-%c, --%s", r->letter, r->name)
				  : snprintf(left, sizeof(left), "    --%s", r->name);
		if (r->value)
			snprintf(left + n, sizeof(left) - (size_t)n, " %s", r->value);
		fprintf(f, "  %-22s %s\n", left, r->help);
	}
}

/* --- parsing --- */

static const char *command_name(enum options_command command)
{
	return command == COMMAND_RUN ? "run" : "load";
}

static int unknown(const char *given, enum options_command command, struct err *e)
{
	const char *names[ROWS], *meant;
	char name[60];
	size_t n = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].commands & command)
			names[n++] = rows[i].name;
	slice_copy(name, sizeof(name), (struct slice){given, strcspn(given, "=")});
	if (!strcmp(name, "--no-color"))
		meant = "no-colour";
	else
		meant = !strncmp(name, "--", 2) ? nearest(name + 2, names, n) : nearest(name + 1, names, n);
	if (meant)
		return err_set(e, ERR_ARG, "unknown option %s: did you mean --%s?", name, meant);
	return err_set(e, ERR_ARG, "unknown option %s: `offhook %s --help` lists all", name, command_name(command));
}

static const struct option_row *row_of(const char *arg, enum options_command command, const char **inline_value)
{
	*inline_value = NULL;
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *r = &rows[i];
		size_t n = strlen(r->name);
		if (!(r->commands & command))
			continue;
		if (arg[1] == '-' && !strncmp(arg + 2, r->name, n) && (arg[2 + n] == '\0' || arg[2 + n] == '=')) {
			*inline_value = arg[2 + n] ? arg + 3 + n : NULL;
			return r;
		}
		if (r->letter && arg[1] == r->letter && (r->value || !arg[2])) { /* -k TEXT, -kTEXT */
			*inline_value = arg[2] ? arg + 2 : NULL;
			return r;
		}
	}
	return NULL;
}

static int check_load(const struct options *o, struct err *e)
{
	if (o->file_count != 1)
		return err_set(e, ERR_ARG, "which scenario? Give one file, e.g. `offhook load --rate 10 --target URI scenarios/load/call.lua`");
	if (o->load.users && (o->load.rate || o->load.arrivals || o->load.ramp))
		return err_set(e, ERR_ARG, "--users is the closed model, --rate, --arrivals and --ramp are the open one: give one of them");
	if (o->virtual_clock && o->load.workers > 1)
		return err_set(e, ERR_ARG, "--workers: the virtual clock has one thread, for the same seed is to give the same run");
	if (o->record == RECORD_FAILED && o->record_given)
		return err_set(e, ERR_ARG, "--record failed: under load a capture holds all calls; give all or off");
	return 0;
}

/* What cannot be said together. */
static int check(const struct options *o, enum options_command command, struct err *e)
{
	if (o->help)
		return 0;
	if (o->virtual_clock && o->target)
		return err_set(e, ERR_ARG, "--virtual and --target exclude each other: the simulated network does not reach %s",
			       o->target);
	if (o->virtual_clock && o->timer_scale > 0)
		return err_set(e, ERR_ARG, "--timer-scale is for real sockets: the virtual clock does not wait at all");
	if (o->list && o->format == FORMAT_TAP)
		return err_set(e, ERR_ARG, "--list prints lines, or JSON with --json, but no TAP");
	if (command == COMMAND_LOAD)
		return check_load(o, e);
	if (!o->file_count)
		return err_set(e, ERR_ARG, "which scenarios? Give files or directories, e.g. `offhook run --virtual scenarios`");
	return 0;
}

int options_parse(struct options *o, enum options_command command, int argc, char **argv, struct err *e)
{
	size_t room = (size_t)argc + 1;
	bool only_files = false;
	int err = 0;

	memset(o, 0, sizeof(*o));
	o->program = "offhook";
	o->repeat = o->jobs = 1;
	o->files = calloc(room, sizeof(*o->files));
	o->patterns = calloc(room, sizeof(*o->patterns));
	o->settings = calloc(room, sizeof(*o->settings));
	o->load.thresholds = calloc(room, sizeof(*o->load.thresholds));
	o->load.drain = -1;
	if (!o->files || !o->patterns || !o->settings || !o->load.thresholds)
		return err_set(e, ERR_NOMEM, "out of memory for the options");
	for (int i = 0; i < argc && !err; i++) {
		const struct option_row *row;
		const char *value;

		if (only_files || argv[i][0] != '-' || !argv[i][1]) {
			o->files[o->file_count++] = argv[i];
		} else if (!strcmp(argv[i], "--")) {
			only_files = true;
		} else if (!(row = row_of(argv[i], command, &value))) {
			err = unknown(argv[i], command, e);
		} else if (!row->value && value) {
			err = err_set(e, ERR_ARG, "--%s takes no value", row->name);
		} else {
			if (row->value && !value && i + 1 < argc)
				value = argv[++i];
			if (row->value && !value)
				err = err_set(e, ERR_ARG, "--%s wants %s: %s", row->name, row->value, row->help);
			else
				err = row->set(o, value, e);
		}
	}
	return err ? err : check(o, command, e);
}

void options_free(struct options *o)
{
	for (unsigned i = 0; i < o->setting_count; i++)
		free((char *)o->settings[i].name);
	free(o->settings);
	free(o->load.thresholds);
	free(o->patterns);
	free(o->files);
	memset(o, 0, sizeof(*o));
}

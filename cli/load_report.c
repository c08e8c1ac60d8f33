/* A load run for the person at the terminal. */
#include "cli/load_report_priv.h"
#include "cli/print.h"
#include "sip/build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#define LINES_A_HEAD 20    /* after so many seconds the columns are named again */
#define FAILURES_TOLD 20   /* kinds and lines of failures in the totals */
#define FAILURES_SHOWN 5   /* of those, told in full as soon as they appear */
#define FAILURE_INDENT 10
#define BUSY_PERCENT 70.0  /* of a core, from which on a worker has no time left over when it needs it */

#define RED "\033[1;31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static const char *paint(const struct load_report *r, const char *colour)
{
	return r->cfg.colour ? colour : "";
}

uint64_t load_report_late(enum load_time *which, const struct load_numbers *n)
{
	static const enum load_time late[] = {LOAD_TIME_LATE_ARRIVAL, LOAD_TIME_LATE_TIMER, LOAD_TIME_LATE_SEND};
	uint64_t worst = 0;

	*which = late[0];
	for (unsigned i = 0; i < sizeof(late) / sizeof(*late); i++) {
		uint64_t p99 = histogram_quantile(&n->times[late[i]], 0.99);
		if (p99 > worst) {
			worst = p99;
			*which = late[i];
		}
	}
	return worst >= LOAD_REPORT_LATE_NS ? worst : 0;
}

/* --- figures --- */

#define TIME_TEXT 16

/* Three digits and a unit. */
static const char *time_text(char *out, double ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
	unsigned u = 0;

	if (ns < 16) /* the narrowest step of a histogram: none, on the virtual clock */
		return strcpy(out, "0");
	/* 999.6 us is 1.00 ms, not 1000 us */
	while (u < 2 && ns < units[u].ns * 0.9995)
		u++;
	double x = ns / units[u].ns;
	snprintf(out, TIME_TEXT, "%.*f %s", x < 9.995 ? 2 : x < 99.95 ? 1 : 0, x, units[u].name);
	return out;
}

static const char *quantile_text(char *out, const struct histogram *h, double q)
{
	if (!h->count)
		return "-";
	return time_text(out, (double)histogram_quantile(h, q));
}

static double per_second(uint64_t count, double seconds)
{
	return seconds > 0 ? (double)count / seconds : 0;
}

static double cpu_percent(double cpu_seconds, double seconds)
{
	return seconds > 0 ? cpu_seconds / seconds * 100 : 0;
}

/* Whole from 100 on, for it changes each second. */
static const char *rate_text(char *out, double rate)
{
	snprintf(out, TIME_TEXT, "%.*f", rate < 99.95 ? 1 : 0, rate);
	return out;
}

static uint64_t both(struct load_pair p)
{
	return p.sent + p.received;
}

static bool any(struct load_pair p)
{
	return p.sent || p.received;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Names and texts come from scripts and messages: nothing in them may move the cursor. */
static void put_name(FILE *f, const char *name)
{
	struct buf clean = {0};

	print_clean(&clean, slice_trim(slice_str(name)));
	for (size_t i = 0; i < clean.len; i++)
		fputc(clean.p[i] == '\n' ? ' ' : clean.p[i], f);
	buf_free(&clean);
}

/* With a line end behind the last of its lines. */
static void put_text(FILE *f, const char *text, int indent)
{
	struct buf clean = {0};

	print_clean(&clean, slice_trim(slice_str(text)));
	print_indented(f, buf_slice(&clean), indent, "");
	buf_free(&clean);
}

/* "FILE:LINE, kind", then the text. `count` 0: none is told. */
static void put_failure(const struct load_report *r, const struct load_failure *x, uint64_t count)
{
	FILE *f = r->cfg.out;

	if (count)
		fprintf(f, "%*" PRIu64 "  ", FAILURE_INDENT - 2, count);
	else
		fprintf(f, "%sa failure%s: ", paint(r, RED), paint(r, PLAIN));
	put_name(f, x->where);
	fputs(x->where[0] && x->kind[0] ? ", " : "", f);
	put_name(f, x->kind);
	fputc('\n', f);
	put_text(f, x->text, FAILURE_INDENT);
}

/* --- each second --- */

static void clear_live_line(struct load_report *r)
{
	if (r->on_live_line)
		fputs("\r\033[K", r->cfg.out);
	r->on_live_line = false;
}

static bool rewrites(const struct load_report *r)
{
	return r->cfg.terminal && r->cfg.width > 0;
}

/* The time that tells most of what this script does, under a short name. */
static const char *shown_time(enum load_time *which, const struct load_numbers *total)
{
	static const struct {
		enum load_time time;
		const char *name;
	} by_use[] = {
		{LOAD_TIME_CALL_SETUP, "setup"},
		{LOAD_TIME_REGISTER, "register"},
		{LOAD_TIME_REQUEST, "request"},
		{LOAD_TIME_ITERATION, "iteration"},
	};
	unsigned i = 0;

	while (i < 3 && !total->times[by_use[i].time].count)
		i++;
	*which = by_use[i].time;
	return by_use[i].name;
}

/* Two spaces and the item, if both still fit: a line that wraps could not be taken back. */
static void put_item(struct buf *line, unsigned width, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void put_item(struct buf *line, unsigned width, const char *fmt, ...)
{
	char item[80];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(item, sizeof(item), fmt, ap);
	va_end(ap);
	if (line->len + 2 + strlen(item) < width)
		buf_printf(line, "%s%s", line->len ? "  " : "", item);
}

/* The line that a terminal shows, rewritten each second; what matters most comes first, for what no longer fits is left out. */
static void put_live_line(struct load_report *r, const struct load_report_span *span)
{
	const struct load_numbers *total = span->total, *second = span->interval;
	char a[TIME_TEXT], b[TIME_TEXT];
	unsigned width = r->cfg.width;
	enum load_time which, shown;
	uint64_t late = load_report_late(&which, second);
	const char *name = shown_time(&shown, total);
	struct buf line = {0};

	put_item(&line, width, "%.0f s%s", span->seconds, span->draining ? ", draining" : "");
	if (late)
		put_item(&line, width, "LATE by %s", time_text(a, (double)late));
	put_item(&line, width, "in %s/s", rate_text(a, per_second(second->arrivals, span->interval_seconds)));
	put_item(&line, width, "done %s/s", rate_text(a, per_second(second->done, span->interval_seconds)));
	put_item(&line, width, "live %" PRIu64, second->live);
	put_item(&line, width, "failed %" PRIu64, total->failed);
	put_item(&line, width, "dropped %" PRIu64, total->dropped);
	if (second->times[shown].count)
		put_item(&line, width, "%s p50 %s p99 %s", name, quantile_text(a, &second->times[shown], 0.5),
			 quantile_text(b, &second->times[shown], 0.99));
	put_item(&line, width, "retrans %" PRIu64, both(load_numbers_all_retransmissions(total)));
	put_item(&line, width, "cpu %.0f%%", cpu_percent(span->interval_cpu_seconds, span->interval_seconds));
	fprintf(r->cfg.out, "\r\033[K%s%.*s%s", paint(r, late ? YELLOW : total->failed || total->dropped ? RED : DIM), (int)line.len,
		(char *)line.p, paint(r, PLAIN));
	r->on_live_line = true;
	buf_free(&line);
}

static void put_columns_line(struct load_report *r, const struct load_report_span *span)
{
	const struct load_numbers *n = span->interval;
	char in[TIME_TEXT], done[TIME_TEXT], p50[TIME_TEXT], p99[TIME_TEXT];
	FILE *f = r->cfg.out;
	enum load_time which, shown;
	const char *name = shown_time(&shown, span->total);
	uint64_t late = load_report_late(&which, n);

	if (r->lines++ % LINES_A_HEAD == 0 || shown != r->shown)
		fprintf(f, "%s%8s %10s %10s %7s %7s %8s %7s %9s p50 %9s p99 %5s%s\n", paint(r, DIM), "time", "arrivals/s", "done/s", "failed",
			"dropped", "live", "retrans", name, name, "cpu", paint(r, PLAIN));
	r->shown = shown;
	fprintf(f, "%6.1f s %10s %10s %7" PRIu64 " %7" PRIu64 " %8" PRIu64 " %7" PRIu64 " %13s %13s %4.0f%%", span->seconds,
		rate_text(in, per_second(n->arrivals, span->interval_seconds)),
		rate_text(done, per_second(n->done, span->interval_seconds)), n->failed, n->dropped, n->live,
		both(load_numbers_all_retransmissions(n)), quantile_text(p50, &n->times[shown], 0.5),
		quantile_text(p99, &n->times[shown], 0.99), cpu_percent(span->interval_cpu_seconds, span->interval_seconds));
	if (late)
		fprintf(f, "  %sthe generator is late: p99 of %s %s%s", paint(r, YELLOW), load_time_name(which), time_text(in, (double)late),
			paint(r, PLAIN));
	fputs(span->draining ? "  draining\n" : "\n", f);
}

/* The first of a kind at a line is told at once: who sees all calls fail need not wait for the end. */
static void put_new_failures(struct load_report *r, const struct load_numbers *total)
{
	for (; r->failures < total->failure_kinds && r->failures < FAILURES_SHOWN; r->failures++) {
		clear_live_line(r);
		put_failure(r, &total->failures[r->failures], 0);
	}
}

/* --- the totals --- */

static void put_messages_row(FILE *f, const char *name, struct load_pair once, struct load_pair again)
{
	fprintf(f, "  %-28s %12" PRIu64 " %12" PRIu64, name, once.sent, once.received);
	if (any(again))
		fprintf(f, " %14" PRIu64 " %14" PRIu64, again.sent, again.received);
	fputc('\n', f);
}

static void put_messages(const struct load_report *r, const struct load_numbers *n)
{
	FILE *f = r->cfg.out;

	if (!any(load_numbers_all_requests(n)) && !any(load_numbers_all_responses(n)))
		return;
	fprintf(f, "\n%s%-30s %12s %12s %14s %14s%s\n", paint(r, DIM), "messages", "sent", "received", "sent again", "received again",
		paint(r, PLAIN));
	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++) {
		if (!any(n->requests[m]) && !any(n->answered[m]) && !any(n->retransmissions[m]))
			continue;
		put_messages_row(f, m == LOAD_METHOD_OTHER ? "other methods" : load_method_name(m), n->requests[m], n->retransmissions[m]);
		for (unsigned s = 0; any(n->answered[m]) && s < LOAD_STATUS_COUNT; s++) {
			struct load_pair p = n->responses[m][s];
			char name[64];
			if (!any(p))
				continue;
			snprintf(name, sizeof(name), "  %u %.20s", LOAD_STATUS_MIN + s, build_reason(LOAD_STATUS_MIN + s));
			put_messages_row(f, name, p, (struct load_pair){0});
		}
	}
}

static void put_times_row(FILE *f, const char *name, const struct histogram *h)
{
	char mean[TIME_TEXT], p50[TIME_TEXT], p90[TIME_TEXT], p99[TIME_TEXT], p999[TIME_TEXT], max[TIME_TEXT];

	if (!h->count)
		return;
	fprintf(f, "  %-20s %11" PRIu64 " %9s %9s %9s %9s %9s %9s\n", name, h->count, time_text(mean, histogram_mean(h)),
		quantile_text(p50, h, 0.5), quantile_text(p90, h, 0.9), quantile_text(p99, h, 0.99), quantile_text(p999, h, 0.999),
		time_text(max, (double)h->max));
}

static void put_times(const struct load_report *r, const struct load_numbers *n)
{
	FILE *f = r->cfg.out;

	fprintf(f, "\n%s%-22s %11s %9s %9s %9s %9s %9s %9s%s\n", paint(r, DIM), "times", "count", "mean", "p50", "p90", "p99", "p99.9", "max",
		paint(r, PLAIN));
	for (unsigned t = 0; t < LOAD_TIME_COUNT; t++)
		put_times_row(f, load_time_name(t), &n->times[t]);
	for (unsigned i = 0; i < n->custom_time_count; i++) {
		char name[LOAD_CUSTOM_NAME + 8];
		snprintf(name, sizeof(name), "custom.%s", n->custom_times[i].name);
		put_times_row(f, name, n->custom_times[i].times);
	}
}

static void put_custom_counts(const struct load_report *r, const struct load_numbers *n)
{
	if (!n->custom_count_count)
		return;
	fprintf(r->cfg.out, "\n%scounts of the script%s\n", paint(r, DIM), paint(r, PLAIN));
	for (unsigned i = 0; i < n->custom_count_count; i++)
		fprintf(r->cfg.out, "  custom.%-22s %12" PRId64 "\n", n->custom_counts[i].name, n->custom_counts[i].count);
}

static int more_often(const void *va, const void *vb)
{
	const struct load_failure *a = *(const struct load_failure *const *)va, *b = *(const struct load_failure *const *)vb;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a < b ? -1 : a > b;
}

static void put_failures(const struct load_report *r, const struct load_numbers *n)
{
	const struct load_failure *order[LOAD_FAILURES];
	uint64_t rest = n->failures_elsewhere;
	FILE *f = r->cfg.out;

	if (!n->failed)
		return;
	for (unsigned i = 0; i < n->failure_kinds; i++)
		order[i] = &n->failures[i];
	qsort(order, n->failure_kinds, sizeof(*order), more_often);
	fprintf(f, "\n%sfailures%s\n", paint(r, RED), paint(r, PLAIN));
	for (unsigned i = 0; i < n->failure_kinds; i++) {
		if (i < FAILURES_TOLD)
			put_failure(r, order[i], order[i]->count);
		else
			rest += order[i]->count;
	}
	if (rest)
		fprintf(f, "%*" PRIu64 "  of other kinds or at other lines\n", FAILURE_INDENT - 2, rest);
}

static void put_head_line(const struct load_report *r, const struct load_report_span *span)
{
	const struct load_numbers *n = span->total;
	uint64_t ended = n->done + n->failed + n->interrupted;
	char a[TIME_TEXT], b[TIME_TEXT];
	FILE *f = r->cfg.out;

	fprintf(f, "%.1f s: %" PRIu64 " arrival%s (%s a second)", span->seconds, n->arrivals, plural(n->arrivals),
		rate_text(a, per_second(n->arrivals, span->seconds)));
	fprintf(f, "; %s%" PRIu64 " done%s", paint(r, GREEN), n->done, paint(r, PLAIN));
	fprintf(f, ", %s%" PRIu64 " failed%s", n->failed ? paint(r, RED) : "", n->failed, n->failed ? paint(r, PLAIN) : "");
	fprintf(f, ", %s%" PRIu64 " dropped%s", n->dropped ? paint(r, RED) : "", n->dropped, n->dropped ? paint(r, PLAIN) : "");
	fprintf(f, ", %" PRIu64 " interrupted", n->interrupted);
	if (n->live)
		fprintf(f, ", %" PRIu64 " still live", n->live);
	fprintf(f, "\nat most %" PRIu64 " live", n->live_peak);
	if (n->timeouts || n->transport_errors)
		fprintf(f, "; %" PRIu64 " request%s without an answer, %" PRIu64 " that could not be sent", n->timeouts, plural(n->timeouts),
			n->transport_errors);
	if (n->overflows)
		fprintf(f, "; %s%" PRIu64 " datagram%s lost at our own full socket%s", paint(r, RED), n->overflows, plural(n->overflows),
			paint(r, PLAIN));
	fprintf(f, "; CPU %.2f s, %.0f %% of one core", span->cpu_seconds,
		cpu_percent(span->cpu_seconds, span->seconds));
	if (ended)
		fprintf(f, ", %s an iteration", time_text(b, span->cpu_seconds * 1e9 / (double)ended));
	fputc('\n', f);
}

static void put_lateness(const struct load_report *r, const struct load_report_span *span)
{
	double cpu = cpu_percent(span->cpu_seconds, span->seconds) / (r->cfg.workers ? r->cfg.workers : 1);
	enum load_time which;
	char text[TIME_TEXT];
	FILE *f = r->cfg.out;
	uint64_t late = load_report_late(&which, span->total);

	if (!late)
		return;
	fprintf(f, "\n%sthe generator was late%s: p99 of %s %s. Its own delay is in its times. ", paint(r, YELLOW), paint(r, PLAIN),
		load_time_name(which), time_text(text, (double)late));
	if (cpu >= BUSY_PERCENT)
		fprintf(f, "Its workers were busy (%.0f %% of a core each): lower the rate, give it more --workers or another machine.\n", cpu);
	else
		fprintf(f, "Its workers needed only %.0f %% of a core each: other programs had the machine, or it is busy now and then (see the "
			   "seconds above).\n", cpu);
}

/* What makes the figures above less than they look. */
static void put_doubts(const struct load_report *r, const struct load_report_span *span)
{
	const struct load_numbers *n = span->total;
	struct err unbalanced;
	FILE *f = r->cfg.out;

	put_lateness(r, span);
	if (n->dropped)
		fprintf(f,
			"\n%s%" PRIu64 " arrival%s dropped%s: as many iterations were live as --max-live allows. What is measured is less load "
			"than was asked for.\n",
			paint(r, YELLOW), n->dropped, plural(n->dropped), paint(r, PLAIN));
	if (n->custom_lost)
		fprintf(f, "\n%sthe script's own numbers are incomplete%s: too many names\n", paint(r, YELLOW), paint(r, PLAIN));
	if (load_numbers_check(n, &unbalanced))
		fprintf(f, "\n%sthe totals do not balance%s: %s. This is an error of offhook: please report it.\n", paint(r, RED),
			paint(r, PLAIN), unbalanced.text);
}

static void put_verdicts(const struct load_report *r, const struct load_verdict *verdicts, unsigned count)
{
	FILE *f = r->cfg.out;

	if (count)
		fprintf(f, "\n%sthresholds%s\n", paint(r, DIM), paint(r, PLAIN));
	for (unsigned i = 0; i < count; i++)
		fprintf(f, "  %s%s%s\n", paint(r, verdicts[i].result.kept ? GREEN : RED), verdicts[i].result.text, paint(r, PLAIN));
}

/* --- the report --- */

static void put_begin(const struct load_report *r)
{
	const struct load_report_cfg *c = &r->cfg;

	fprintf(c->out, "offhook " OFFHOOK_VERSION ": ");
	put_name(c->out, c->file);
	fputs(": ", c->out);
	put_name(c->out, c->name);
	fprintf(c->out, "\n%s; %u worker%s", c->plan ? c->plan : "", c->workers, plural(c->workers));
	if (c->shards > 1)
		fprintf(c->out, " of %u shards", c->shards);
	if (c->max_live)
		fprintf(c->out, ", at most %" PRIu64 " live", c->max_live);
	fprintf(c->out, ", seed %" PRIu64, c->seed);
	if (c->target && *c->target) {
		fputs(", target ", c->out);
		put_name(c->out, c->target);
	}
	fputs("\n\n", c->out);
	fflush(c->out);
}

struct load_report *load_report_begin(const struct load_report_cfg *cfg)
{
	struct load_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->cfg = *cfg;
	if (cfg->json)
		load_report_json_begin(r);
	else
		put_begin(r);
	return r;
}

void load_report_second(struct load_report *r, const struct load_report_span *span)
{
	if (r->cfg.json) {
		load_report_json_second(r, span);
		return;
	}
	if (rewrites(r)) {
		put_new_failures(r, span->total);
		put_live_line(r, span);
	} else {
		put_columns_line(r, span);
		put_new_failures(r, span->total);
	}
	fflush(r->cfg.out);
}

void load_report_note(struct load_report *r, const char *text)
{
	if (r->cfg.json) {
		load_report_json_note(r, text);
		return;
	}
	clear_live_line(r);
	put_text(r->cfg.out, text, 0);
	fflush(r->cfg.out);
}

void load_report_end(struct load_report *r, const struct load_report_span *span, const struct load_verdict *verdicts, unsigned count)
{
	if (r->cfg.json) {
		load_report_json_end(r, span, verdicts, count);
		return;
	}
	clear_live_line(r);
	if (r->lines)
		fputc('\n', r->cfg.out);
	put_head_line(r, span);
	put_messages(r, span->total);
	put_times(r, span->total);
	put_custom_counts(r, span->total);
	put_failures(r, span->total);
	put_doubts(r, span);
	put_verdicts(r, verdicts, count);
	fflush(r->cfg.out);
}

struct load_report *load_report_free(struct load_report *r)
{
	if (r)
		clear_live_line(r);
	free(r);
	return NULL;
}

/* One JSON object a line, of the schema that report_json.c counts: times in seconds, null where nothing was measured. */
#include "cli/load_report_priv.h"
#include "cli/print.h"

#include <inttypes.h>

#define SCHEMA 1

static void put_string(FILE *f, const char *name, const char *value)
{
	fprintf(f, ",\"%s\":", name);
	if (value)
		print_json_string(f, slice_str(value));
	else
		fputs("null", f);
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

/* A comma before every member but the first of an object that was just opened. */
static void put_key(FILE *f, bool *first, const char *name)
{
	if (!*first)
		fputc(',', f);
	*first = false;
	print_json_string(f, slice_str(name));
	fputc(':', f);
}

static void put_pair(FILE *f, const char *name, struct load_pair p)
{
	fprintf(f, ",\"%s\":{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 "}", name, p.sent, p.received);
}

static void put_times(FILE *f, const struct histogram *h)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

	fprintf(f, "{\"count\":%" PRIu64, h->count);
	if (h->count) {
		fprintf(f, ",\"mean\":%.9f,\"min\":%.9f", histogram_mean(h) / 1e9, (double)h->min / 1e9);
		for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
			fprintf(f, ",\"%s\":%.9f", quantiles[i].name, (double)histogram_quantile(h, quantiles[i].q) / 1e9);
		fprintf(f, ",\"max\":%.9f", (double)h->max / 1e9);
	} else {
		fputs(",\"mean\":null,\"min\":null", f);
		for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
			fprintf(f, ",\"%s\":null", quantiles[i].name);
		fputs(",\"max\":null", f);
	}
	fputc('}', f);
}

/* What seconds and totals have in common. */
static void put_numbers(FILE *f, const struct load_numbers *n)
{
	bool first = true;

#define PUT_COUNT(field, what) fprintf(f, ",\"" #field "\":%" PRIu64, n->field);
	LOAD_COUNTS(PUT_COUNT)
#undef PUT_COUNT
	fprintf(f, ",\"live\":%" PRIu64 ",\"live_peak\":%" PRIu64 ",\"tasks\":%" PRIu64, n->live, n->live_peak, n->tasks);
	put_pair(f, "requests", load_numbers_all_requests(n));
	put_pair(f, "responses", load_numbers_all_responses(n));
	put_pair(f, "retransmissions", load_numbers_all_retransmissions(n));
	fputs(",\"times\":{", f);
	for (unsigned t = 0; t < LOAD_TIME_COUNT; t++) {
		put_key(f, &first, load_time_name(t));
		put_times(f, &n->times[t]);
	}
	for (unsigned i = 0; i < n->custom_time_count; i++) {
		char name[LOAD_CUSTOM_NAME + 8];
		snprintf(name, sizeof(name), "custom.%s", n->custom_times[i].name);
		put_key(f, &first, name);
		put_times(f, n->custom_times[i].times);
	}
	fputs("},\"counts\":{", f);
	first = true;
	for (unsigned i = 0; i < n->custom_count_count; i++) {
		char name[LOAD_CUSTOM_NAME + 8];
		snprintf(name, sizeof(name), "custom.%s", n->custom_counts[i].name);
		put_key(f, &first, name);
		fprintf(f, "%" PRId64, n->custom_counts[i].count);
	}
	fputc('}', f);
}

static void put_late(FILE *f, const struct load_numbers *n)
{
	enum load_time which;

	fprintf(f, ",\"late\":%s", load_report_late(&which, n) ? "true" : "false");
}

void load_report_json_begin(struct load_report *r)
{
	const struct load_report_cfg *c = &r->cfg;

	open_object(c->out, "load");
	put_string(c->out, "version", OFFHOOK_VERSION);
	put_string(c->out, "file", c->file);
	put_string(c->out, "name", c->name);
	put_string(c->out, "plan", c->plan);
	put_string(c->out, "target", c->target);
	/* As a string: many readers keep numbers as doubles. */
	fprintf(c->out, ",\"seed\":\"%" PRIu64 "\",\"workers\":%u,\"shards\":%u,\"max_live\":", c->seed, c->workers, c->shards);
	if (c->max_live)
		fprintf(c->out, "%" PRIu64, c->max_live);
	else
		fputs("null", c->out);
	close_object(c->out);
}

void load_report_json_second(struct load_report *r, const struct load_report_span *span)
{
	FILE *f = r->cfg.out;

	open_object(f, "load_second");
	fprintf(f, ",\"seconds\":%.6f,\"interval_seconds\":%.6f,\"cpu_seconds\":%.6f,\"draining\":%s", span->seconds,
		span->interval_seconds, span->interval_cpu_seconds, span->draining ? "true" : "false");
	put_numbers(f, span->interval);
	put_late(f, span->interval);
	close_object(f);
}

void load_report_json_note(struct load_report *r, const char *text)
{
	open_object(r->cfg.out, "load_note");
	put_string(r->cfg.out, "text", text);
	close_object(r->cfg.out);
}

static bool any(struct load_pair p)
{
	return p.sent || p.received;
}

static void put_method(FILE *f, const struct load_numbers *n, unsigned m)
{
	bool first = true;

	fputs("{\"requests\":", f);
	fprintf(f, "{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 "}", n->requests[m].sent, n->requests[m].received);
	put_pair(f, "retransmissions", n->retransmissions[m]);
	put_pair(f, "responses", n->answered[m]);
	fputs(",\"statuses\":{", f);
	for (unsigned s = 0; s < LOAD_STATUS_COUNT; s++) {
		struct load_pair p = n->responses[m][s];
		char status[8];
		if (!any(p))
			continue;
		snprintf(status, sizeof(status), "%u", LOAD_STATUS_MIN + s);
		put_key(f, &first, status);
		fprintf(f, "{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 "}", p.sent, p.received);
	}
	fputs("}}", f);
}

static void put_total(FILE *f, const struct load_numbers *n)
{
	struct err unbalanced = {0};
	bool first = true;

	fputs(",\"methods\":{", f);
	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++) {
		if (!any(n->requests[m]) && !any(n->answered[m]) && !any(n->retransmissions[m]))
			continue;
		put_key(f, &first, load_method_name(m));
		put_method(f, n, m);
	}
	fputs("},\"failures\":[", f);
	for (unsigned i = 0; i < n->failure_kinds; i++) {
		const struct load_failure *x = &n->failures[i];
		fprintf(f, "%s{\"count\":%" PRIu64, i ? "," : "", x->count);
		put_string(f, "kind", x->kind);
		put_string(f, "where", x->where);
		put_string(f, "text", x->text);
		fputc('}', f);
	}
	fprintf(f, "],\"failures_elsewhere\":%" PRIu64, n->failures_elsewhere);
	load_numbers_check(n, &unbalanced);
	put_string(f, "unbalanced", unbalanced.code ? unbalanced.text : NULL);
}

void load_report_json_end(struct load_report *r, const struct load_report_span *span, const struct load_verdict *verdicts,
			  unsigned count)
{
	FILE *f = r->cfg.out;

	open_object(f, "load_total");
	fprintf(f, ",\"seconds\":%.6f,\"cpu_seconds\":%.6f", span->seconds, span->cpu_seconds);
	put_numbers(f, span->total);
	put_late(f, span->total);
	put_total(f, span->total);
	close_object(f);
	for (unsigned i = 0; i < count; i++) {
		const struct load_verdict *v = &verdicts[i];
		open_object(f, "load_threshold");
		put_string(f, "threshold", v->threshold->text);
		fprintf(f, ",\"kept\":%s,\"got\":", v->result.kept ? "true" : "false");
		if (v->result.measured)
			fprintf(f, "%.9g", v->result.got);
		else
			fputs("null", f);
		put_string(f, "text", v->result.text);
		close_object(f);
	}
}

/* load/threshold and the parsers of load/arrivals: each input as what stands on a command line. A threshold that is taken says the same
 * when its own text is read, and has a verdict that follows from what it measured; a schedule goes forward in time. */
#include <stdint.h>

#include "load/arrivals.h"
#include "load/threshold.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void threshold(struct slice text, const struct load_numbers *n)
{
	struct threshold t, again;
	struct threshold_result r;
	struct err e = {0};

	if (threshold_parse(&t, text, "x", &e)) {
		CHECK(e.code == ERR_ARG && !strncmp(e.text, "x: ", 3));
		return;
	}
	CHECK(t.text[0] && t.limit >= 0 && t.quantile >= 0 && t.quantile <= 1);
	CHECK(!threshold_parse(&again, slice_str(t.text), "x", &e));
	CHECK(!strcmp(t.text, again.text) && t.subject == again.subject && t.which == again.which && t.status_max == again.status_max &&
	      t.figure == again.figure && t.quantile == again.quantile && t.operator== again.operator&& t.limit == again.limit &&
	      !strcmp(t.custom, again.custom));
	threshold_check(&r, &t, n, 10);
	CHECK(r.measured || !r.kept);
	CHECK(!strncmp(r.text, t.text, strlen(t.text)));
	if (r.measured && t.operator== THRESHOLD_LT)
		CHECK(r.kept == (r.got < t.limit));
}

static void schedule(const char *text, int (*parse)(struct arrivals_cfg *, const char *, const char *, struct err *))
{
	struct arrivals_cfg cfg = {.seed = 1, .duration = 30};
	struct arrivals a;
	struct err e = {0};
	uint64_t last = 0;

	if (parse(&cfg, text, "x", &e)) {
		CHECK(e.code == ERR_ARG && !cfg.model_given);
		return;
	}
	CHECK(!arrivals_check(&cfg, &e));
	CHECK(arrivals_peak(&cfg) >= 0 && arrivals_total(&cfg) >= 0);
	arrivals_init(&a, &cfg);
	for (int i = 0; i < 50; i++) {
		uint64_t at = arrivals_next(&a);
		CHECK(at >= last);
		CHECK(at == ARRIVALS_OVER || at < 30000000000ull);
		last = at;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct load_numbers *n;
	char text[256];

	if (!n) {
		n = load_numbers_alloc();
		CHECK(n);
		for (uint64_t i = 1; i < 100; i++)
			load_numbers_time(n, (enum load_time)(i % 4), i * 1000000);
		n->arrivals = 50;
		n->failed = 3;
		load_numbers_response(n, SLICE_LIT("INVITE"), 503, false);
		load_numbers_custom_count(n, SLICE_LIT("x"), 3, NULL);
	}
	threshold((struct slice){(const char *)data, size}, n);
	slice_copy(text, sizeof(text), (struct slice){(const char *)data, size});
	schedule(text, arrivals_parse_rate);
	schedule(text, arrivals_parse_model);
	schedule(text, arrivals_parse_ramp);
	return 0;
}

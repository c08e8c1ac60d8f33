/* What a call costs, a script caller against a script callee under the virtual clock: microseconds of CPU and bytes of memory, both
 * sides and the six messages included. */
#include "bench.h"

#include "bindings/shard.h"
#include "core/mem.h"

#include <malloc.h>

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t peak; /* bytes in use */

static void measure(void *arg)
{
	struct shard *sh = arg;
	struct mallinfo2 mi;

	lua_gc(sh->L, LUA_GCCOLLECT);
	mi = mallinfo2();
	peak = mi.uordblks + mi.hblkhd;
}

/* Runs test `index` and returns its CPU seconds; `*bytes` in use 10 s after its start. */
static double run(const char *script, unsigned index, const char *calls, size_t *bytes)
{
	struct shard_setting setting = {"calls", calls};
	struct shard_cfg cfg = {.path = script, .virtual_clock = true, .seed = 1, .settings = &setting, .setting_count = 1};
	struct shard *sh;
	struct shard_result r;
	struct err e = {0};
	struct tmr tmr = {0};
	double start;

	if (shard_load(&sh, &cfg, &e)) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	if (bytes)
		tmr_start(&tmr, sh->loop, 10 * NS_PER_S, measure, sh);
	start = cpu_now();
	if (shard_run(sh, index, &r, &e) || r.verdict != SHARD_PASSED) {
		fprintf(stderr, "%s: %.*s%s\n", shard_verdict_name(r.verdict), (int)r.text.len, (char *)r.text.p, e.text);
		exit(1);
	}
	start = cpu_now() - start;
	tmr_cancel(&tmr);
	shard_result_free(&r);
	shard_free(sh);
	if (bytes)
		*bytes = peak;
	return start;
}

struct measurement {
	const char *script;
	unsigned index;
	const char *calls;
	bool memory;
};

static double measure_one(const void *arg)
{
	const struct measurement *m = arg;
	size_t bytes;
	double seconds = run(m->script, m->index, m->calls, m->memory ? &bytes : NULL);

	return m->memory ? (double)bytes : seconds;
}

static double apart(const char *script, unsigned index, const char *calls, bool memory)
{
	return bench_apart(measure_one, &(struct measurement){script, index, calls, memory});
}

int main(int argc, char **argv)
{
	const char *script = argc > 1 ? argv[1] : "tests/bench/calls.lua";
	double few = apart(script, 0, "1000", false), many = apart(script, 0, "21000", false);
	double small = apart(script, 1, "1000", true), large = apart(script, 1, "6000", true);

	printf("a script caller against a script callee, virtual clock, one process, both sides, 6 messages a call:\n");
	printf("  %.1f us of CPU a call (20 000 calls, 100 a second, 3 200 with transactions alive)\n", (many - few) / 20000 * 1e6);
	printf("  %.0f bytes a live call with its transactions (5 000 calls, 10 s old)\n", (large - small) / 5000);
	return 0;
}

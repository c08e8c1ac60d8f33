#include "unit.h"

#include "cli/load_report.h"
#include "cli/print.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE "\033[31m\"\\\x01\xff\r\xc2\x9b"

static struct load_numbers *second, *total;
static char *text;
static size_t text_len;

static int setup(void **state)
{
	second = load_numbers_alloc();
	total = load_numbers_alloc();
	text = NULL;
	return second && total ? unit_setup(state) : -1;
}

static int teardown(void **state)
{
	second = load_numbers_free(second);
	total = load_numbers_free(total);
	free(text);
	return unit_teardown(state);
}

static void one_second(unsigned calls)
{
	for (unsigned i = 0; i < calls; i++) {
		load_numbers_arrival(second);
		if (i % 10 == 9) {
			load_numbers_dropped(second);
			continue;
		}
		load_numbers_began(second);
		load_numbers_time(second, LOAD_TIME_LATE_ARRIVAL, 20000);
		load_numbers_request(second, SLICE_LIT("INVITE"), true);
		load_numbers_request(second, SLICE_LIT("ODD"), false);
		load_numbers_retransmission(second, SLICE_LIT("INVITE"), true);
		load_numbers_response(second, SLICE_LIT("INVITE"), i % 10 == 3 ? 486 : 200, false);
		if (i % 10 == 3) {
			load_numbers_failed(second, "status", "call.lua:7", "expected 200, got 486\nCall-ID: " HOSTILE);
			continue;
		}
		load_numbers_time(second, LOAD_TIME_CALL_SETUP, 1000000 * (i + 1));
		load_numbers_done(second);
	}
	load_numbers_custom_time(second, SLICE_LIT("my.time"), 1000, NULL);
	load_numbers_custom_count(second, SLICE_LIT("my.count"), -3, NULL);
}

/* A whole report of two seconds into `text`. */
static void report(struct load_report_cfg cfg, double span_seconds)
{
	struct threshold t;
	struct load_verdict v = {.threshold = &t};

	free(text);
	text = NULL;
	load_numbers_clear(total);
	load_numbers_clear(second);
	cfg.out = open_memstream(&text, &text_len);
	assert_non_null(cfg.out);
	struct load_report *r = load_report_begin(&cfg);
	assert_non_null(r);
	for (unsigned i = 1; i <= 2; i++) {
		one_second(30);
		load_numbers_append(total, second);
		load_report_second(r, &(struct load_report_span){.total = total,
								 .interval = second,
								 .seconds = i * span_seconds,
								 .interval_seconds = span_seconds,
								 .cpu_seconds = i * 0.25,
								 .interval_cpu_seconds = 0.25,
								 .draining = i == 2});
		load_numbers_restart(second);
	}
	load_report_note(r, "a note: " HOSTILE);
	assert_int_equal(threshold_parse(&t, SLICE_LIT("register: p99 < 1"), "x", NULL), 0);
	threshold_check(&v.result, &t, total, 2 * span_seconds);
	load_report_end(r, &(struct load_report_span){.total = total, .interval = second, .seconds = 2 * span_seconds, .cpu_seconds = 0.5},
			&v, 1);
	load_report_free(r);
	fclose(cfg.out);
}

static struct load_report_cfg plain(void)
{
	return (struct load_report_cfg){.file = "call.lua", .name = "a call", .plan = "10 arrivals a second", .seed = 7, .workers = 2,
					.shards = 4, .max_live = 100};
}

static void has(const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void has_not(const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" in:\n%s", part, text);
}

/* --- for the person --- */

static void columns(void **state)
{
	(void)state;
	report(plain(), 1);
	has("offhook " OFFHOOK_VERSION ": call.lua: a call\n10 arrivals a second; 2 workers of 4 shards, at most 100 live, seed 7\n\n");
	has("    time arrivals/s     done/s  failed dropped     live retrans     setup p50     setup p99   cpu\n");
	has("   1.0 s       30.0       24.0       3       3        0      27       15.0 ms       29.0 ms   25%\n"
	    "a failure: call.lua:7, status\n          expected 200, got 486\n          Call-ID: \\x1b[31m\"\\\\x01\xef\xbf\xbd\\x0d\xef\xbf\xbd\n"
	    "   2.0 s ");
	has("   2.0 s       30.0       24.0       3       3        0      27       15.0 ms       29.0 ms   25%  draining\na note: ");
	has("\n2.0 s: 60 arrivals (30.0 a second); 48 done, 6 failed, 6 dropped, 0 interrupted\n"
	    "at most 1 live; CPU 0.50 s, 25 % of one core, 9.26 ms an iteration\n");
	has("  INVITE                                 54            0             54              0\n"
	    "    200 OK                                0           48\n"
	    "    486 Busy Here                         0            6\n"
	    "  other methods                           0           54\n");
	has("  call.setup                    48   15.1 ms   15.0 ms   26.9 ms   29.0 ms   29.0 ms   29.0 ms\n");
	has("  custom.my.time                 2   1.00 us");
	has("  custom.my.count                         -6\n");
	has("failures\n       6  call.lua:7, status\n          expected 200, got 486\n");
	has("6 arrivals dropped: as many iterations were live as --max-live allows.");
	has("thresholds\n  register: p99 < 1: nothing was measured (broken)\n");
	has("a note: \\x1b[31m\"\\\\x01\xef\xbf\xbd\\x0d\xef\xbf\xbd\n\n2.0 s: ");
	has_not("late:");
	has_not("balance");
	for (size_t i = 0; i < text_len; i++)
		assert_true(text[i] == '\n' || (unsigned char)text[i] >= 0x20);
	has_not("\xc2\x9b"); /* CSI as one character */
}

/* Whatever the width, the live line stays on its line, and is gone before anything else is written. */
static void live_line(void **state)
{
	struct load_report_cfg cfg = plain();

	(void)state;
	cfg.terminal = cfg.colour = true;
	for (cfg.width = 1; cfg.width < 160; cfg.width += 3) {
		unsigned lines = 0;
		report(cfg, 1);
		for (char *at = text; (at = strstr(at, "\r\033[K")); at++, lines++) {
			char *end = strpbrk(at + 1, "\r\n");
			assert_non_null(end);
			size_t cells = 0;
			for (char *c = at + 4; c < end; c++) {
				if (*c == '\033')
					c += strcspn(c, "m");
				else
					cells++;
			}
			if (*end == '\r')
				assert_true(cells < cfg.width);
		}
		assert_int_equal(lines, 3); /* two seconds, and the note clears it */
	}
	has("1 s  in 30.0/s  done 24.0/s  live 0  failed 3  dropped 3  setup p50 15.0 ms p99 29.0 ms  retrans 27  cpu 25%");
	has("\r\033[Ka note: ");
	/* a terminal of unknown width gets lines */
	cfg.width = 0;
	report(cfg, 1);
	has("    time arrivals/s");
	has_not("\r");
}

static void lateness(void **state)
{
	struct load_report_cfg cfg = plain();
	struct load_report *r;

	(void)state;
	cfg.out = open_memstream(&text, &text_len);
	r = load_report_begin(&cfg);
	assert_non_null(r);
	for (int i = 0; i < 1000; i++)
		load_numbers_time(second, LOAD_TIME_LATE_TIMER, i < 985 ? 1000 : 23000000);
	second->arrivals = 5;
	load_numbers_append(total, second);
	struct load_report_span span = {.total = total, .interval = second, .seconds = 1, .interval_seconds = 1, .cpu_seconds = 0.3};
	load_report_second(r, &span);
	load_report_end(r, &span, NULL, 0);
	fflush(cfg.out);
	has("Its workers needed only 15 % of a core each: other programs had the machine");
	span.cpu_seconds = 1.6;
	load_report_end(r, &span, NULL, 0);
	load_report_free(r);
	fclose(cfg.out);
	has("  the generator is late: p99 of late.timer 22.9 ms\n");
	has("the generator was late: p99 of late.timer 22.9 ms. Its own delay is in its times. Its workers were busy (80 % of a core each)");
	has("the totals do not balance: 5 arrivals are not 0 done + 0 failed + 0 dropped + 0 interrupted + 0 live.");
	has_not("thresholds");
	has_not("failures");
	has_not("messages");
}

/* --- JSON --- */

static const char *skip_value(const char *p);

static const char *skip_string(const char *p)
{
	assert_int_equal(*p, '"');
	for (p++; *p != '"'; p++) {
		assert_true((unsigned char)*p >= 0x20);
		if (*p == '\\') {
			p++;
			assert_non_null(strchr("\"\\/bfnrtu", *p));
		}
	}
	return p + 1;
}

static const char *skip_members(const char *p, char close, bool named)
{
	while (*p != close) {
		if (named) {
			p = skip_string(p);
			assert_int_equal(*p++, ':');
		}
		p = skip_value(p);
		assert_true(*p == close || *p == ',');
		if (*p == ',')
			assert_int_not_equal(*++p, close);
	}
	return p + 1;
}

/* Behind the JSON value at `p`, or the test fails. */
static const char *skip_value(const char *p)
{
	char *end;

	if (*p == '{')
		return skip_members(p + 1, '}', true);
	if (*p == '[')
		return skip_members(p + 1, ']', false);
	if (*p == '"')
		return skip_string(p);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const words[] = {"true", "false", "null"};
		if (!strncmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	}
	assert_true(*p == '-' || isdigit((unsigned char)*p)); /* no inf, no nan */
	strtod(p, &end);
	return end;
}

static void json(void **state)
{
	static const char *const types[] = {"load", "load_second", "load_second", "load_note", "load_total", "load_threshold"};
	struct load_report_cfg cfg = plain();

	(void)state;
	cfg.json = true;
	cfg.terminal = cfg.colour = true; /* changes nothing */
	cfg.width = 40;
	cfg.name = HOSTILE;
	for (int i = 0; i < 2; i++) {
		report(cfg, i); /* seconds of length 0 in the first round */
		const char *p = text;
		for (unsigned k = 0; k < sizeof(types) / sizeof(*types); k++) {
			char head[60];
			snprintf(head, sizeof(head), "{\"schema\":1,\"type\":\"%s\",", types[k]);
			assert_int_equal(strncmp(p, head, strlen(head)), 0);
			p = skip_value(p);
			assert_int_equal(*p++, '\n');
		}
		assert_int_equal(*p, '\0');
	}
	has("\"seed\":\"7\",\"workers\":2,\"shards\":4,\"max_live\":100}");
	has("\"seconds\":1.000000,\"interval_seconds\":1.000000,\"cpu_seconds\":0.250000,\"draining\":false,\"arrivals\":30,\"done\":24,"
	    "\"failed\":3,\"dropped\":3,\"interrupted\":0,");
	has("\"call.setup\":{\"count\":24,\"mean\":0.015125000,\"min\":0.001000000,");
	has("\"register\":{\"count\":0,\"mean\":null,\"min\":null,\"p50\":null,");
	has("\"custom.my.time\":{\"count\":2,");
	has("\"counts\":{\"custom.my.count\":-6}");
	has("\"INVITE\":{\"requests\":{\"sent\":54,\"received\":0},\"retransmissions\":{\"sent\":54,\"received\":0},"
	    "\"responses\":{\"sent\":0,\"received\":54},\"statuses\":{\"200\":{\"sent\":0,\"received\":48},\"486\":{\"sent\":0,\"received\":6}}}");
	has("\"failures\":[{\"count\":6,\"kind\":\"status\",\"where\":\"call.lua:7\",\"text\":\"expected 200, got 486\\nCall-ID: \\u001b[31m");
	has("\"unbalanced\":null}");
	has("\"threshold\":\"register: p99 < 1\",\"kept\":false,\"got\":null,");
	has("\"name\":\"\\u001b[31m\\\"\\\\\\u0001\xef\xbf\xbd\\u000d");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(columns), TEST(live_line), TEST(lateness), TEST(json),
	};

	return cmocka_run_group_tests_name("load_report", tests, NULL, NULL);
}

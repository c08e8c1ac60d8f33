#include "cli/session.h"

#include "cli/print.h"
#include "core/mem.h"
#include "pcap/ladder.h"
#include "pcap/recorder.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

static double real_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int capture_path(char *path, size_t size, const struct session *s, const struct job *job, struct err *e)
{
	int n = snprintf(path, size, "%s/captures/%s", s->dir, job->file->stem);
	int err;

	if ((size_t)n >= size)
		return err_set(e, ERR_ENV, "the path of a capture is too long: %.200s...", path);
	err = rundir_mkdir_p(path, e);
	if (err)
		return err;
	if (s->options->repeat > 1)
		n += snprintf(path + n, size - (size_t)n, "/%s.%u.pcapng", job->test->slug, job->repetition + 1);
	else
		n += snprintf(path + n, size - (size_t)n, "/%s.pcapng", job->test->slug);
	return (size_t)n < size ? 0 : err_set(e, ERR_ENV, "the path of a capture is too long: %.200s...", path);
}

/* What the capture says about itself. Nothing of it may differ between two virtual runs of one seed. */
static void comment_capture(const struct tap *tap, const struct session *s, const struct job *job, const struct outcome *out)
{
	struct buf b = {0};

	buf_printf(&b, "%s: %s", job->file->path, job->test->name);
	buf_put(&b, "", 1);
	tap->comment(tap->arg, 0, (char *)b.p);
	buf_reset(&b);
	buf_printf(&b, "offhook " OFFHOOK_VERSION ", seed %" PRIu64 ", %s clock", out->is.seed, s->cfg.virtual_clock ? "virtual" : "real");
	if (s->run_id[0])
		buf_printf(&b, ", run %s", s->run_id);
	buf_put(&b, "", 1);
	tap->comment(tap->arg, 0, (char *)b.p);
	buf_reset(&b);
	buf_puts(&b, outcome_word(out));
	if (out->text.len) {
		buf_puts(&b, ": ");
		buf_put_slice(&b, slice_trim(buf_slice(&out->text)));
	}
	buf_put(&b, "", 1);
	tap->comment(tap->arg, 0, (char *)b.p);
	buf_free(&b);
}

static void put_error(struct outcome *out, const struct err *e)
{
	out->is.verdict = e->code == ERR_ARG ? SHARD_USAGE : SHARD_ENVIRONMENT;
	print_clean(&out->text, slice_str(e->text));
	buf_puts(&out->text, "\n");
}

/* The FILE:LINE: that the text begins with, if the file is the script's own. */
static struct slice place_in(struct slice text, const char *path)
{
	size_t n = strlen(path), end;

	if (text.l <= n || memcmp(text.p, path, n) || text.p[n] != ':')
		return SLICE_NONE;
	for (end = n + 1; end < text.l && text.p[end] >= '0' && text.p[end] <= '9'; end++)
		;
	return end > n + 1 && end < text.l && text.p[end] == ':' ? (struct slice){text.p, end} : SLICE_NONE;
}

static void put_result(struct outcome *out, const struct shard_result *r, const char *path)
{
	struct slice text = buf_slice(&r->text), place = place_in(text, path);

	out->is.verdict = r->verdict;
	out->is.script_seconds = r->seconds;
	slice_copy(out->is.where, sizeof(out->is.where), place.l ? place : slice_str(r->where));
	if (!place.l && r->where[0] && r->verdict != SHARD_SKIPPED)
		buf_printf(&out->text, "%s: ", r->where);
	print_clean(&out->text, text);
	print_clean(&out->notes, buf_slice(&r->notes));
	print_clean(&out->output, buf_slice(&r->output));
}

static bool wants_capture(const struct session *s, const struct outcome *out)
{
	bool good = out->is.verdict == SHARD_PASSED || out->is.verdict == SHARD_SKIPPED;

	return s->dir[0] && (s->options->record == RECORD_ALL || !good);
}

static void put_ladder(struct outcome *out, const struct session *s, const struct recorder *rec)
{
	struct ladder_cfg cfg = {.width = s->output.width, .colour = s->output.colour, .ascii = s->output.ascii};
	struct buf path = {0};

	if (!outcome_failed(out) && !s->options->ladder)
		return;
	if (out->capture.len) {
		buf_put_slice(&path, buf_slice(&out->capture));
		buf_put(&path, "", 1);
		cfg.capture = (char *)path.p;
	}
	ladder_render(&out->ladder, rec, &cfg, NULL);
	buf_free(&path);
}

static void render(struct outcome *out, const struct session *s, const struct recorder *rec, const char *path)
{
	struct recorder_stats stats;
	struct err e = {0};

	if (wants_capture(s, out)) {
		if (recorder_render((struct recorder *)rec, path, &e)) {
			put_error(out, &e);
			out->is.verdict = SHARD_ENVIRONMENT;
		} else {
			buf_puts(&out->capture, path);
		}
	}
	recorder_stats_get(rec, &stats);
	out->is.packets = stats.packets;
	out->is.lost_packets = stats.dropped;
	if (stats.dropped)
		buf_printf(&out->notes, "%" PRIu64 " packets are missing in the capture: %s\n", stats.dropped, recorder_why_missing(rec));
	put_ladder(out, s, rec);
}

void run_test(struct outcome *out, const struct session *s, const struct job *job)
{
	struct shard_cfg cfg = s->cfg;
	struct shard_result result = {0};
	struct recorder_cfg recorder_cfg = {0};
	struct recorder *rec = NULL;
	struct shard *sh = NULL;
	struct tap tap;
	struct err e = {0};
	char path[4600] = "", spill[4700];
	double start;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->is.seed = s->cfg.seed + job->repetition;
	if (s->dir[0]) {
		err = capture_path(path, sizeof(path), s, job, &e);
		snprintf(spill, sizeof(spill), "%s.spill", path);
		recorder_cfg.spill_path = spill;
	}
	if (!err)
		err = recorder_alloc(&rec, &recorder_cfg, &e);
	if (err)
		goto out;
	recorder_tap(rec, &tap);
	cfg.path = job->file->path;
	cfg.seed = out->is.seed;
	cfg.tap = &tap;
	start = real_seconds();
	err = shard_load(&sh, &cfg, &e);
	if (!err)
		err = shard_run(sh, job->index, &result, &e);
	if (err) {
		put_error(out, &e);
		err = 0;
	} else {
		put_result(out, &result, job->file->path);
	}
	out->is.seconds = real_seconds() - start;
	comment_capture(&tap, s, job, out);
	shard_free(sh); /* may still send */
	out->is.frame = recorder_frame_number(rec, result.frame);
	render(out, s, rec, path);
out:
	if (err)
		put_error(out, &e);
	shard_result_free(&result);
	mem_deref(rec);
}

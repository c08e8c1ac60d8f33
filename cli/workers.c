#include "cli/session.h"

#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_LIMIT 60.0
#define STOP_TIME 15.0 /* for what a script closes after Ctrl-C */

/* A process that runs one test and writes its outcome into a pipe. */
struct worker {
	pid_t pid;
	int fd;
	unsigned job;
	struct buf packed;
	double limit;              /* seconds it may take, */
	double started, deadline; /* by the clock on the wall */
	bool told;       /* to end soon */
	bool killed;     /* it was past its deadline */
};

struct pool {
	struct session *s;
	struct report_list *reports;
	struct worker *workers;
	unsigned busy;
	struct outcome *outcomes;
	enum job_state *states;
	unsigned next, reported; /* jobs */
	sigset_t signals;        /* as outside of the pool */
};

/* --- in the worker --- */

static void write_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(fd, b->p + at, b->len - at);
		if (n < 0 && errno != EINTR)
			_exit(EXIT_ENVIRONMENT);
		at += n > 0 ? (size_t)n : 0;
	}
}

static void worker_main(const struct pool *p, unsigned job, int fd, pid_t parent)
{
	struct outcome out;
	struct buf packed = {0};

	/* A terminal sends its Ctrl-C to all; the parent's SIGTERM is the one that counts. */
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	sigprocmask(SIG_SETMASK, &p->signals, NULL);
	run_test(&out, p->s, &p->s->jobs[job]);
	outcome_pack(&packed, &out);
	write_all(fd, &packed);
	close(fd);
	buf_free(&packed);
	outcome_free(&out);
	exit(EXIT_PASSED); /* not _exit: the sanitizers look for leaks now */
}

/* --- in the parent --- */

static double real_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A test keeps its own time limit, and stops a script that never waits. What no hook of Lua's reaches, such as a pattern that takes
 * for ever, is killed with its process: late, as every task may use the limit. */
static double limit_of(const struct session *s, const struct job *job)
{
	double limit = s->cfg.timeout > 0 ? s->cfg.timeout : job->test->timeout > 0 ? job->test->timeout : DEFAULT_LIMIT;

	if (s->cfg.timer_scale > 1)
		limit *= s->cfg.timer_scale;
	return limit * 3 + 30;
}

static void start(struct pool *p)
{
	struct worker *w = &p->workers[p->busy];
	pid_t parent = getpid();
	int fds[2] = {-1, -1};

	memset(w, 0, sizeof(*w));
	w->job = p->next++;
	fflush(NULL); /* or the worker would write it again */
	if (pipe2(fds, O_CLOEXEC) || (w->pid = fork()) < 0) {
		struct outcome *out = &p->outcomes[w->job];
		out->is.verdict = SHARD_ENVIRONMENT;
		buf_printf(&out->text, "cannot start a process for the test: %s (try a smaller -j)\n", strerror(errno));
		p->states[w->job] = JOB_DONE;
		if (fds[0] >= 0) {
			close(fds[0]);
			close(fds[1]);
		}
		return;
	}
	if (!w->pid) {
		close(fds[0]);
		worker_main(p, w->job, fds[1], parent);
	}
	close(fds[1]);
	w->fd = fds[0];
	w->limit = limit_of(p->s, &p->s->jobs[w->job]);
	w->started = real_seconds();
	w->deadline = w->started + w->limit;
	p->states[w->job] = JOB_RUNNING;
	p->busy++;
}

/* The pipe is at its end. */
static void finish(struct pool *p, unsigned i)
{
	struct worker *w = &p->workers[i];
	struct outcome *out = &p->outcomes[w->job];
	int status = 0;

	close(w->fd);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!outcome_unpack(out, &w->packed)) {
		out->is.verdict = w->told && w->killed ? SHARD_INTERRUPTED : w->killed ? SHARD_TIMEOUT : SHARD_FAILED;
		out->is.seed = p->s->cfg.seed + p->s->jobs[w->job].repetition;
		out->is.seconds = real_seconds() - w->started;
	}
	if (w->killed) {
		buf_printf(&out->text, "the test did not end %s: its process was killed after %.0f s\n",
			   w->told ? "when it was interrupted" : "at its time limit", w->limit);
	} else if (WIFSIGNALED(status)) {
		out->is.verdict = SHARD_FAILED;
		buf_printf(&out->text, "the process of the test died of SIG%s (%s): a bug in offhook, please report it\n",
			   sigabbrev_np(WTERMSIG(status)), strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status)) { /* a sanitizer */
		out->is.verdict = SHARD_FAILED;
		buf_printf(&out->text, "the process of the test ended with status %d: a bug in offhook, please report it\n",
			   WEXITSTATUS(status));
	}
	buf_free(&w->packed);
	p->states[w->job] = JOB_DONE;
	p->workers[i] = p->workers[--p->busy];
}

static void report_ready(struct pool *p)
{
	while (p->reported < p->next && p->states[p->reported] == JOB_DONE) {
		report_test(p->reports, &p->s->jobs[p->reported], &p->outcomes[p->reported]);
		outcome_free(&p->outcomes[p->reported++]);
	}
}

static void read_some(struct pool *p, unsigned i)
{
	uint8_t block[65536];
	ssize_t n = read(p->workers[i].fd, block, sizeof(block));

	if (n > 0)
		buf_put(&p->workers[i].packed, block, (size_t)n);
	else if (n == 0 || errno != EINTR)
		finish(p, i);
}

static void tell_to_end(struct pool *p)
{
	for (unsigned i = 0; i < p->busy; i++) {
		struct worker *w = &p->workers[i];
		if (w->told)
			continue;
		kill(w->pid, SIGTERM);
		w->told = true;
		w->limit = STOP_TIME;
		w->deadline = real_seconds() + STOP_TIME;
	}
}

static void kill_late(struct pool *p, double now)
{
	for (unsigned i = 0; i < p->busy; i++) {
		struct worker *w = &p->workers[i];
		if (w->killed || now < w->deadline)
			continue;
		kill(w->pid, SIGKILL); /* its pipe is then at its end */
		w->killed = true;
	}
}

/* Waits for results, a signal, or the first deadline. */
static void wait_for_some(struct pool *p, struct pollfd *fds)
{
	double now = real_seconds(), left = 3600;
	struct timespec ts;

	for (unsigned i = 0; i < p->busy; i++) {
		fds[i] = (struct pollfd){.fd = p->workers[i].fd, .events = POLLIN};
		if (!p->workers[i].killed && p->workers[i].deadline - now < left)
			left = p->workers[i].deadline - now;
	}
	left = left < 0 ? 0 : left;
	ts.tv_sec = (time_t)left;
	ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
	if (ppoll(fds, p->busy, &ts, &p->signals) > 0)
		for (unsigned i = p->busy; i-- > 0;) /* finishing moves the last one into its place */
			if (fds[i].revents)
				read_some(p, i);
	kill_late(p, real_seconds());
}

void workers_run(struct session *s, struct report_list *reports)
{
	unsigned room = s->options->jobs < s->job_count ? s->options->jobs : s->job_count;
	struct pool p = {.s = s, .reports = reports};
	struct pollfd *fds = calloc(room + 1, sizeof(*fds));
	sigset_t blocked;

	p.workers = calloc(room + 1, sizeof(*p.workers));
	p.outcomes = calloc(s->job_count + 1, sizeof(*p.outcomes));
	p.states = calloc(s->job_count + 1, sizeof(*p.states));
	if (!fds || !p.workers || !p.outcomes || !p.states)
		abort();
	/* Signals come while the pool polls and at no other time. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &p.signals);
	while (p.busy || (p.next < s->job_count && !shard_interrupted)) {
		while (p.busy < room && p.next < s->job_count && !shard_interrupted)
			start(&p);
		report_ready(&p);
		report_progress(reports, p.busy == 1 ? &s->jobs[p.workers[0].job] : NULL, p.reported, p.busy);
		if (p.busy)
			wait_for_some(&p, fds);
		if (shard_interrupted)
			tell_to_end(&p);
	}
	report_ready(&p);
	sigprocmask(SIG_SETMASK, &p.signals, NULL);
	s->tally.not_run = s->job_count - p.reported;
	free(p.states);
	free(p.outcomes);
	free(p.workers);
	free(fds);
}

#include "cli/session.h"

#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that runs one test and writes its outcome into a pipe. */
struct worker {
	pid_t pid;
	int fd;
	unsigned job;
	struct buf packed;
	bool told; /* to end soon */
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
	fflush(NULL);
	_exit(EXIT_PASSED);
}

/* --- in the parent --- */

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
		out->is.verdict = SHARD_FAILED;
		out->is.seed = p->s->cfg.seed + p->s->jobs[w->job].repetition;
		if (WIFSIGNALED(status))
			buf_printf(&out->text, "the process of the test died of SIG%s (%s): a bug in offhook, please report it\n",
				   sigabbrev_np(WTERMSIG(status)), strsignal(WTERMSIG(status)));
		else
			buf_printf(&out->text, "the process of the test ended with status %d and without a result\n",
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
		if (!p->workers[i].told)
			kill(p->workers[i].pid, SIGTERM);
		p->workers[i].told = true;
	}
}

static void run_parallel(struct session *s, struct report_list *reports)
{
	unsigned room = s->options->jobs < s->job_count ? s->options->jobs : s->job_count;
	struct pool p = {.s = s, .reports = reports};
	struct pollfd *fds = calloc(room, sizeof(*fds));
	sigset_t blocked;

	p.workers = calloc(room, sizeof(*p.workers));
	p.outcomes = calloc(s->job_count, sizeof(*p.outcomes));
	p.states = calloc(s->job_count, sizeof(*p.states));
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
		report_progress(reports, NULL, p.reported, p.busy);
		for (unsigned i = 0; i < p.busy; i++)
			fds[i] = (struct pollfd){.fd = p.workers[i].fd, .events = POLLIN};
		if (p.busy && ppoll(fds, p.busy, NULL, &p.signals) > 0)
			for (unsigned i = p.busy; i-- > 0;) /* finishing moves the last one into its place */
				if (fds[i].revents)
					read_some(&p, i);
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

void workers_run(struct session *s, struct report_list *reports)
{
	unsigned i;

	if (s->options->jobs > 1 && s->job_count > 1) {
		run_parallel(s, reports);
		return;
	}
	for (i = 0; i < s->job_count && !shard_interrupted; i++) {
		struct outcome out;
		report_progress(reports, &s->jobs[i], i, 1);
		run_test(&out, s, &s->jobs[i]);
		report_test(reports, &s->jobs[i], &out);
		outcome_free(&out);
	}
	s->tally.not_run = s->job_count - i;
}

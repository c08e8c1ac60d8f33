#include "cli/load_worker.h"

#include "core/mem.h"
#include "pcap/recorder.h"
#include "sip/meter.h"
#include "sip/scope.h"
#include "sip/switchboard.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_EVERY (5 * NS_PER_MS)
#define GATHER (900 * NS_PER_MS / 1000) /* at most: measured, a call costs a tenth less than with 500, and with 1500 as much */
#define PARTING_TIME (NS_PER_S / 2)
#define TEARDOWN_TIME (10 * NS_PER_S) /* what a teardown may take, and iterations that were interrupted */
/* Where a caller lives that nobody needs to find: off 5060, which is the callee's on the same host. */
#define CALLER_PORT 5062
#define CALLER_PORTS 2000
#define PORT_TRIES 20
/* Transports of a worker: actors of one test live at different ones, those of different iterations share them. */
#define HOMES 16
#define RECORD_BYTES (4u << 20) /* half of it is put in order at once, which takes a few ms */

struct member {
	struct load_worker *w;
	struct shard_share share;
	struct load_plan plan;
	struct shard *sh;
	struct load *load;
	struct load_numbers *numbers;
};

enum step {
	STEP_SETTING_UP,
	STEP_READY,
	STEP_RUNNING,
	STEP_DRAINING,
	STEP_TEARING_DOWN,
	STEP_OVER,
};

struct load_worker {
	struct load_run *run;
	unsigned number;
	pthread_t thread;
	bool threaded;
	struct loop *loop;
	struct net *net;
	struct scope_table scopes;
	struct switchboard *homes[HOMES]; /* the first one is where the run listens */
	struct recorder *recorder;
	struct tap tap;
	struct meter meter;
	struct load_numbers *at_hand; /* of the shard whose messages are counted: the first, all are added up anyway */
	struct member *members;
	struct load **loads; /* of the members */
	struct tmr look, second;
	load_second_h *on_second; /* virtual clock */
	void *arg;
	enum step step;
	uint64_t since, started; /* script time of the step, of the first arrival */
	bool cut;
	uint64_t overflowed; /* datagrams, of those that the net has told */
	pthread_mutex_t lock;
	struct load_numbers *pending; /* under the lock, as is the state */
	struct load_worker_state state;
};

/* --- what is told to the main thread --- */

static void trouble(struct load_worker *w, enum err_code code, const char *text)
{
	pthread_mutex_lock(&w->lock);
	if (!w->state.trouble[0]) {
		snprintf(w->state.trouble, sizeof(w->state.trouble), "%s", text);
		w->state.code = code;
	}
	pthread_mutex_unlock(&w->lock);
}

static void collect(struct load_worker *w)
{
	struct load_numbers *all[w->run->shards];
	unsigned n = 0;

	for (unsigned i = 0; i < w->run->shards; i++) {
		struct member *m = &w->members[i];
		if (!m->numbers)
			continue;
		m->numbers->tasks = m->sh ? m->sh->sched.alive : 0;
		all[n++] = m->numbers;
	}
	if (w->net) {
		uint64_t overflowed = net_stats(w->net)->overflowed;
		w->at_hand->overflows += overflowed - w->overflowed;
		w->overflowed = overflowed;
	}
	pthread_mutex_lock(&w->lock);
	load_numbers_collect(w->pending, all, n);
	w->state.draining = w->step >= STEP_DRAINING;
	w->state.over = w->step == STEP_OVER;
	pthread_mutex_unlock(&w->lock);
}

void load_worker_take(struct load_worker *w, struct load_numbers *into)
{
	pthread_mutex_lock(&w->lock);
	load_numbers_merge(into, w->pending);
	load_numbers_restart(w->pending);
	pthread_mutex_unlock(&w->lock);
}

void load_worker_look(struct load_worker *w, struct load_worker_state *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->state;
	pthread_mutex_unlock(&w->lock);
}

/* --- the meter --- */

static void on_message(void *arg, const struct msg *m, bool sent)
{
	struct load_worker *w = arg;

	if (m->s.flaws & SCAN_NOT_SIP)
		return;
	if (m->s.request)
		load_numbers_request(w->at_hand, m->s.method, sent);
	else
		load_numbers_response(w->at_hand, m->s.cseq_method, m->s.status, sent);
}

static void on_repeated(void *arg, const struct msg *m, bool sent)
{
	struct load_worker *w = arg;

	if (sent)
		load_numbers_retransmission(w->at_hand, msg_method(m), true);
	else /* its coming was told, too */
		load_numbers_received_again(w->at_hand, msg_method(m), m->s.request ? 0 : m->s.status);
}

static void on_took(void *arg, enum meter_time what, uint64_t ns)
{
	static const enum load_time times[] = {
		[METER_TRYING] = LOAD_TIME_CALL_TRYING,		[METER_POST_DIAL_DELAY] = LOAD_TIME_CALL_POST_DIAL_DELAY,
		[METER_SETUP] = LOAD_TIME_CALL_SETUP,		[METER_TEARDOWN] = LOAD_TIME_CALL_TEARDOWN,
		[METER_REGISTER] = LOAD_TIME_REGISTER,		[METER_REQUEST] = LOAD_TIME_REQUEST,
	};

	load_numbers_time(((struct load_worker *)arg)->at_hand, times[what], ns);
}

static void on_gave_up(void *arg, const struct msg *m)
{
	struct load_worker *w = arg;

	if (m->s.status == 408)
		w->at_hand->timeouts++;
	else
		w->at_hand->transport_errors++;
}

static void on_late(void *arg, enum loop_lateness what, uint64_t ns)
{
	load_numbers_time(((struct load_worker *)arg)->at_hand, what == LOOP_LATE_SEND ? LOAD_TIME_LATE_SEND : LOAD_TIME_LATE_TIMER, ns);
}

/* --- its steps --- */

static void enter(struct load_worker *w, enum step step)
{
	w->step = step;
	w->since = loop_now(w->loop);
}

static bool all_in(const struct load_worker *w, enum load_phase phase)
{
	bool all = true;

	for (unsigned i = 0; i < w->run->shards; i++)
		all = all && load_phase(w->members[i].load) >= phase;
	return all;
}

static bool arrivals_over(const struct load_worker *w)
{
	bool over = true;
	uint64_t ran = loop_now(w->loop) - w->started;

	if (w->run->plan.caller < 0)
		return w->run->duration > 0 && ran >= (uint64_t)(w->run->duration * 1e9);
	for (unsigned i = 0; i < w->run->shards; i++)
		over = over && load_exhausted(w->members[i].load);
	return over;
}

static void each(struct load_worker *w, void (*f)(struct load *load))
{
	for (unsigned i = 0; i < w->run->shards; i++)
		f(w->members[i].load);
}

static void take_troubles(struct load_worker *w)
{
	for (unsigned i = 0; i < w->run->shards; i++)
		if (load_trouble(w->members[i].load)[0])
			trouble(w, load_trouble_code(w->members[i].load), load_trouble(w->members[i].load));
}

static void tell(struct load_worker *w)
{
	collect(w);
	if (w->on_second && w->step >= STEP_RUNNING)
		w->on_second((double)(loop_now(w->loop) - w->started) / 1e9, w->arg);
}

/* The first worker's setup is over: whoever waits for its socket waits no more, whatever became of it. */
static void front_or_none(struct load_worker *w)
{
	int none = -1;

	if (w->number == 0)
		atomic_compare_exchange_strong(&w->run->front, &none, -2);
}

static void look(struct load_worker *w)
{
	int order = atomic_load(&w->run->order);
	uint64_t in_step = loop_now(w->loop) - w->since;

	switch (w->step) {
	case STEP_SETTING_UP:
		if (!all_in(w, LOAD_READY)) {
			if (order == LOAD_ABORT && !w->cut)
				each(w, load_cut);
			w->cut = order == LOAD_ABORT;
			break;
		}
		take_troubles(w);
		front_or_none(w);
		enter(w, STEP_READY);
		atomic_fetch_add(&w->run->ready, 1);
		/* fall through */
	case STEP_READY:
		if (order >= LOAD_FINISH || w->state.trouble[0]) {
			each(w, load_tear_down);
			enter(w, STEP_TEARING_DOWN);
		} else if (order == LOAD_GO) {
			w->started = loop_now(w->loop);
			enter(w, STEP_RUNNING);
			for (unsigned i = 0; i < w->run->shards; i++)
				load_start(w->members[i].load, w->started);
		}
		break;
	case STEP_RUNNING:
		if (order >= LOAD_FINISH || arrivals_over(w)) {
			enter(w, STEP_DRAINING);
			each(w, load_stop);
		}
		break;
	case STEP_DRAINING:
		if (all_in(w, LOAD_IDLE) || (w->cut && in_step > (uint64_t)(w->run->drain * 1e9) + TEARDOWN_TIME)) {
			each(w, load_tear_down);
			enter(w, STEP_TEARING_DOWN);
		} else if (!w->cut && (order == LOAD_ABORT || in_step > (uint64_t)(w->run->drain * 1e9))) {
			w->cut = true;
			each(w, load_cut);
		}
		break;
	case STEP_TEARING_DOWN:
		if (!all_in(w, LOAD_OVER) && in_step < TEARDOWN_TIME)
			break;
		if (w->cut && in_step < PARTING_TIME) /* answers to the BYEs of what was cut short */
			break;
		take_troubles(w);
		enter(w, STEP_OVER);
		tell(w);
		/* fall through */
	case STEP_OVER:
		loop_stop(w->loop);
		break;
	}
}

static void on_look(void *arg)
{
	struct load_worker *w = arg;

	look(w);
	tmr_start(&w->look, w->loop, LOOK_EVERY, on_look, w);
}

static void on_second(void *arg)
{
	struct load_worker *w = arg;

	tell(w);
	tmr_again(&w->second, w->loop, NS_PER_S, on_second, w);
}

/* A shard that ends or is ready may be what the worker waits for. */
static void on_changed(struct load *load, enum load_phase phase, void *arg)
{
	struct member *m = arg;

	(void)load;
	(void)phase;
	tmr_start(&m->w->look, m->w->loop, 0, on_look, m->w);
}

static void work(void *arg)
{
	struct load_worker *w = arg;

	for (unsigned i = 0; i < w->run->shards; i++)
		if (w->members[i].sh && w->members[i].sh->sched.ready)
			sched_work(w->members[i].sh);
}

/* --- building and taking down --- */

/* A port that is free now. */
static void choose_port(struct addr *local)
{
	for (uint16_t port = CALLER_PORT; port < CALLER_PORT + CALLER_PORTS; port++) {
		int fd = socket(local->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		bool is_free;
		addr_set_port(local, port);
		is_free = fd >= 0 && bind(fd, &local->u.sa, addr_len(local)) == 0;
		if (fd >= 0)
			close(fd);
		if (is_free || (fd >= 0 && errno != EADDRINUSE))
			return;
	}
}

/* A first request is dealt with by the worker that its Call-ID says, at whichever it arrives: so are its repetitions, and its CANCEL. */
static bool elsewhere(void *arg, const struct msg *m)
{
	struct load_worker *w = arg;
	unsigned to = (unsigned)(slice_hash(SLICE_HASH_SEED, m->s.call_id) >> 16) % w->run->workers;

	if (to == w->number)
		return false;
	load_post_put(w->run->post, to, m, loop_wall(w->loop, m->time));
	return true;
}

static void on_letter(void *arg, const struct addr *src, const void *data, size_t len, uint64_t wall)
{
	transport_bring(((struct load_worker *)arg)->homes[0]->front, src, data, len, wall);
}

/* The address that all workers share: the first one reads it. */
static int open_front(struct load_worker *w, struct err *e)
{
	struct load_run *run = w->run;
	struct switchboard *sb = w->homes[0];
	int fd = -1, err;

	while (w->number && (fd = atomic_load(&run->front)) == -1)
		usleep(1000);
	if (fd == -2)
		return err_set(e, ERR_ENV, "worker 1 cannot listen");
	err = switchboard_front(sb, "load", &run->local, fd, e);
	if (!err)
		err = load_post_open(run->post, w->number, w->loop, on_letter, w, e);
	if (!err && w->number == 0) {
		sb->elsewhere = elsewhere;
		sb->elsewhere_arg = w;
	}
	if (w->number == 0)
		atomic_store(&run->front, err ? -2 : transport_fd(sb->front));
	return err;
}

static struct switchboard *home(void *arg, unsigned n, const char *name, struct err *e)
{
	struct load_worker *w = arg;
	struct addr local = w->run->local;
	bool chosen = local.u.sa.sa_family == AF_UNSPEC;
	/* The user's port is that of the first worker, or the one that all share. */
	bool fixed = w->run->fixed_port && w->number == 0 && n == 0 && !w->run->post;
	struct switchboard **sb = &w->homes[n % HOMES];
	char actor[80];
	int err;

	if (*sb)
		return *sb;
	snprintf(actor, sizeof(actor), w->run->workers > 1 ? "%.60s-%u" : "%.60s", name, w->number + 1);
	struct switchboard_cfg cfg = {.net = w->net, .actor = actor, .local = chosen ? NULL : &local, .v6 = w->run->shard.v6, .shared = true,
				      .scopes = &w->scopes, .meter = &w->meter};
	/* Another worker may take the port between the look and the bind. */
	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		if (!chosen && !fixed)
			choose_port(&local);
		err = switchboard_alloc(sb, &cfg, e);
		if (!err || chosen || fixed)
			break;
	}
	if (!err && n == 0 && w->run->post)
		err = open_front(w, e);
	if (err)
		*sb = mem_deref(*sb);
	return *sb;
}

static int open_recorder(struct load_worker *w, struct err *e)
{
	char spill[4800];
	struct recorder_cfg cfg = {.spill_path = spill, .max_bytes = RECORD_BYTES};
	int err;

	snprintf(spill, sizeof(spill), "%s-%u.spill", w->run->capture, w->number + 1);
	err = recorder_alloc(&w->recorder, &cfg, e);
	if (!err)
		recorder_tap(w->recorder, &w->tap);
	return err;
}

static int open_member(struct load_worker *w, unsigned i, struct err *e)
{
	struct load_run *run = w->run;
	struct member *m = &w->members[i];
	unsigned parts = run->workers * run->shards, part = w->number + i * run->workers;
	struct shard_cfg cfg = run->shard;
	int err;

	m->w = w;
	m->share = (struct shard_share){.loop = w->loop, .net = w->net, .number = part, .count = parts, .scopes = &w->scopes, .home = home, .arg = w};
	m->plan = run->plan;
	m->plan.calls_itself = run->plan.caller >= 0;
	m->plan.arrivals.part = part;
	m->plan.arrivals.parts = parts;
	m->plan.users = run->plan.users / parts + (part < run->plan.users % parts);
	m->plan.max_live = run->plan.max_live / parts + (part < run->plan.max_live % parts);
	if (run->plan.users && !m->plan.users)
		m->plan.caller = -1; /* more shards than users */
	cfg.share = &m->share;
	cfg.tap = w->recorder ? &w->tap : NULL;
	err = shard_load(&m->sh, &cfg, e);
	if (!err)
		err = load_attach(&m->load, m->sh, &m->plan, m->numbers, on_changed, m, e);
	return err;
}

static int open_all(struct load_worker *w, struct err *e)
{
	struct load_run *run = w->run;
	struct loop_cfg lc = {.virtual_clock = run->shard.virtual_clock, .timer_scale = run->shard.timer_scale, .gather = GATHER,
			      .late = on_late, .late_arg = w};
	int err = loop_alloc(&w->loop, &lc, e);

	if (!err && run->capture)
		err = open_recorder(w, e);
	struct net_cfg nc = {.loop = w->loop, .tap = w->recorder ? &w->tap : NULL, .seed = run->shard.seed, .test = run->shard.path, .bulk = true};
	if (!err)
		err = net_alloc(&w->net, &nc, e);
	if (!err && run->shard.faults)
		err = net_set_faults(w->net, NULL, NULL, run->shard.faults);
	for (unsigned i = 0; i < run->shards && !err; i++)
		err = open_member(w, i, e);
	for (unsigned i = 0; i < run->shards && !err; i++)
		w->loads[i] = w->members[i].load;
	for (unsigned i = 0; i < run->shards && !err; i++)
		load_share(w->loads[i], w->loads, run->shards);
	return err;
}

static void close_all(struct load_worker *w)
{
	for (unsigned i = 0; i < w->run->shards; i++) {
		load_detach(w->members[i].load);
		shard_free(w->members[i].sh);
		w->members[i].sh = NULL;
		w->members[i].load = NULL;
	}
	tmr_cancel(&w->look);
	tmr_cancel(&w->second);
	if (w->run->post)
		load_post_close(w->run->post, w->number);
	for (unsigned i = 0; i < HOMES; i++)
		w->homes[i] = mem_deref(w->homes[i]);
	hash_free(&w->scopes.calls);
	w->net = mem_deref(w->net);
	w->loop = mem_deref(w->loop);
}

static void write_capture(struct load_worker *w)
{
	struct recorder_stats stats;
	struct err e = {0};
	char path[4800], text[480];

	if (!w->recorder)
		return;
	snprintf(path, sizeof(path), w->run->workers > 1 ? "%s-%u.pcapng" : "%s.pcapng", w->run->capture, w->number + 1);
	if (recorder_render(w->recorder, path, &e))
		trouble(w, e.code, e.text);
	recorder_stats_get(w->recorder, &stats);
	if (stats.dropped) {
		snprintf(text, sizeof(text), "%" PRIu64 " packets are missing in the capture: %s", stats.dropped, recorder_why_missing(w->recorder));
		trouble(w, ERR_IO, text);
	}
	w->recorder = mem_deref(w->recorder);
}

static void run(struct load_worker *w)
{
	struct err e = {0};

	if (open_all(w, &e)) {
		trouble(w, e.code, e.text);
		front_or_none(w);
		atomic_fetch_add(&w->run->ready, 1); /* nobody is to wait for it */
		w->step = STEP_OVER;
	} else {
		loop_set_work(w->loop, work, w);
		each(w, load_set_up);
		tmr_start(&w->look, w->loop, 0, on_look, w);
		tmr_start(&w->second, w->loop, NS_PER_S, on_second, w);
		loop_run(w->loop);
	}
	close_all(w);
	write_capture(w);
	collect(w);
}

static void *thread(void *arg)
{
	run(arg);
	return NULL;
}

static void destroy(void *block)
{
	struct load_worker *w = block;

	for (unsigned i = 0; w->members && i < w->run->shards; i++)
		load_numbers_free(w->members[i].numbers);
	load_numbers_free(w->pending);
	free(w->members);
	free(w->loads);
	pthread_mutex_destroy(&w->lock);
}

int load_worker_start(struct load_worker **wp, struct load_run *lr, unsigned number, struct err *e)
{
	struct load_worker *w = mem_zalloc(sizeof(*w), destroy);
	int err = 0;

	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for a worker");
	w->run = lr;
	w->number = number;
	pthread_mutex_init(&w->lock, NULL);
	w->pending = load_numbers_alloc();
	w->members = calloc(lr->shards, sizeof(*w->members));
	w->loads = calloc(lr->shards, sizeof(struct load *));
	if (!w->pending || !w->members || !w->loads)
		err = ERR_NOMEM;
	for (unsigned i = 0; i < lr->shards && !err; i++)
		err = (w->members[i].numbers = load_numbers_alloc()) ? 0 : ERR_NOMEM;
	if (err) {
		mem_deref(w);
		return err_set(e, err, "out of memory for a worker");
	}
	w->at_hand = w->members[0].numbers;
	w->meter = (struct meter){w, on_message, on_repeated, on_took, on_gave_up};
	w->threaded = !lr->shard.virtual_clock;
	if (w->threaded && pthread_create(&w->thread, NULL, thread, w)) {
		mem_deref(w);
		return err_set(e, ERR_ENV, "cannot start a thread for worker %u: %s", number + 1, strerror(errno));
	}
	*wp = w;
	return 0;
}

void load_worker_run(struct load_worker *w, load_second_h *second, void *arg)
{
	w->on_second = second;
	w->arg = arg;
	run(w);
}

void load_worker_join(struct load_worker *w)
{
	if (w && w->threaded)
		pthread_join(w->thread, NULL);
}

struct load_worker *load_worker_free(struct load_worker *w)
{
	return mem_deref(w);
}

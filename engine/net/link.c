/* Links: what happens to a datagram between its sender and its receiver. */
#include "net/net_priv.h"
#include "core/mem.h"
#include "core/rnd.h"

#include <stdio.h>
#include <string.h>

/* How long a datagram held back waits beyond two delays when nothing follows it. */
#define BACK_EXTRA (20 * NS_PER_MS)

/* One call of net_set_faults(). Entries are never removed before the net is. */
struct fault {
	struct fault *next;
	char *from, *to; /* NULL: any */
	struct net_faults f;
};

struct link {
	struct hash_node node;
	struct net *net;
	char *from, *to;
	struct rnd rnd;
	unsigned version;          /* net->faults_version when `fault` was looked up */
	const struct fault *fault; /* NULL: none */
	uint64_t last_due;         /* nothing may arrive before */
	size_t waiting;
	struct packet *back; /* held back, to be overtaken by the next */
};

/* --- the faults set --- */

static void fault_destroy(void *block)
{
	struct fault *f = block;

	mem_deref(f->from);
	mem_deref(f->to);
}

static bool name_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

char *name_copy(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = mem_zalloc(size, NULL);

	return copy ? memcpy(copy, s, size) : NULL;
}

int net_set_faults(struct net *net, const char *from, const char *to, const struct net_faults *faults)
{
	struct fault *f;

	for (f = net->faults; f; f = f->next) {
		if (name_eq(f->from, from) && name_eq(f->to, to)) {
			f->f = *faults;
			return 0;
		}
	}
	f = mem_zalloc(sizeof(*f), fault_destroy);
	if (!f)
		return ERR_NOMEM;
	f->from = from ? name_copy(from) : NULL;
	f->to = to ? name_copy(to) : NULL;
	if ((from && !f->from) || (to && !f->to)) {
		mem_deref(f);
		return ERR_NOMEM;
	}
	f->f = *faults;
	f->next = net->faults;
	net->faults = f;
	net->faults_version++;
	return 0;
}

static const struct fault *fault_find(const struct net *net, const char *from, const char *to)
{
	const struct fault *best = NULL;
	int best_rank = -1;

	for (const struct fault *f = net->faults; f; f = f->next) {
		int rank = (f->from ? 2 : 0) + (f->to ? 1 : 0);

		if (rank > best_rank && (!f->from || !strcmp(f->from, from)) && (!f->to || !strcmp(f->to, to))) {
			best = f;
			best_rank = rank;
		}
	}
	return best;
}

/* --- links --- */

static void link_destroy(void *block)
{
	struct link *l = block;

	mem_deref(l->from);
	mem_deref(l->to);
}

static struct link *link_get(struct net *net, const char *from, const char *to)
{
	/* With its NUL, so that ("ab", "c") is not ("a", "bc"). */
	uint64_t key = slice_hash(slice_hash(SLICE_HASH_SEED, (struct slice){from, strlen(from) + 1}), slice_str(to));
	char stream[512];
	struct link *l;

	for (struct hash_node *n = hash_first(&net->links, key); n; n = hash_next(n)) {
		l = hash_owner(n, struct link, node);
		if (!strcmp(l->from, from) && !strcmp(l->to, to))
			return l;
	}
	l = mem_zalloc(sizeof(*l), link_destroy);
	if (!l)
		return NULL;
	l->net = net;
	l->from = name_copy(from);
	l->to = name_copy(to);
	if (!l->from || !l->to || hash_add(&net->links, &l->node, key))
		return mem_deref(l);
	snprintf(stream, sizeof(stream), "%s>%s", from, to);
	rnd_init(&l->rnd, net->seed, net->test, stream, "link");
	return l;
}

void link_comment(const struct link *l, uint32_t frame, const char *what)
{
	char text[256];

	if (!frame)
		return;
	snprintf(text, sizeof(text), "%s on the link %s -> %s (simulated)", what, l->from, l->to);
	net_comment(l->net, frame, text);
}

void link_leave(struct packet *p)
{
	struct link *l = p->link;

	if (!l)
		return;
	if (l->back == p)
		l->back = NULL;
	l->waiting--;
	p->link = NULL;
}

static int arrive_at(struct link *l, struct packet *p, uint64_t due)
{
	struct net *net = p->net;
	uint64_t now = loop_now(net->loop);

	/* Jitter alone does not reorder: nothing arrives before what was sent earlier. */
	if (due < l->last_due)
		due = l->last_due;
	l->last_due = due;
	if (p->sock && due <= now && !l->waiting) { /* a real socket and no delay */
		packet_arrive(p);
		return 0;
	}
	if (!p->link) {
		p->link = l;
		l->waiting++;
	}
	return packet_wait(p, due, packet_arrive);
}

/* `due` without jitter, which is added for each copy. */
static int release(struct link *l, struct packet *p, uint64_t due, uint64_t jitter)
{
	struct net *net = p->net;
	struct packet *twin = NULL;
	uint64_t twin_jitter = p->twin_jitter;
	int err;

	if (p->twin) {
		p->twin = false;
		twin = packet_alloc(net, &p->src, &p->dst, p->owner, p->data, p->len);
		if (twin) {
			twin->frame = p->frame;
			twin->flow = p->flow;
			twin->sock = mem_ref(p->sock);
		}
	}
	err = arrive_at(l, p, due + jitter);
	if (twin && err)
		mem_deref(twin);
	else if (twin)
		err = arrive_at(l, twin, due + twin_jitter);
	return err;
}

/* tmr_h: nothing came to overtake it. */
static void back_expired(void *arg)
{
	struct packet *p = arg;
	struct link *l = p->link;

	l->back = NULL;
	(void)release(l, p, loop_now(p->net->loop), 0);
}

static int hold_back(struct link *l, struct packet *p, uint64_t due)
{
	p->link = l;
	l->waiting++;
	l->back = p;
	return packet_wait(p, due, back_expired);
}

int link_send(struct net *net, const char *from, const char *to, struct packet *p)
{
	struct link *l = link_get(net, from, to);

	if (!l) {
		net_count_lost(net, p->frame, "lost: out of memory");
		mem_deref(p);
		return ERR_NOMEM;
	}
	return hold_take(l, from, to, p) ? 0 : link_pass(l, p);
}

int link_pass(struct link *l, struct packet *p)
{
	static const struct net_faults none;
	const struct net_faults *f = &none;
	struct net *net = l->net;
	uint64_t now = loop_now(net->loop), jitter = 0;
	bool lost = false, reorder = false;
	struct packet *back;
	int err;

	if (l->version != net->faults_version) {
		l->fault = fault_find(net, l->from, l->to);
		l->version = net->faults_version;
	}
	if (l->fault) {
		f = &l->fault->f;
		/* Always the same draws in the same order, so that one fault does not change another's dice. */
		lost = rnd_double(&l->rnd) < f->loss;
		p->twin = rnd_double(&l->rnd) < f->duplicate;
		reorder = rnd_double(&l->rnd) < f->reorder;
		jitter = (uint64_t)(rnd_double(&l->rnd) * (double)f->jitter);
		p->twin_jitter = (uint64_t)(rnd_double(&l->rnd) * (double)f->jitter);
	}
	if (lost) {
		net->stats.lost++;
		link_comment(l, p->frame, "lost");
		mem_deref(p);
		return 0;
	}
	if (p->twin) {
		net->stats.duplicated++;
		link_comment(l, p->frame, "duplicated");
	}
	back = l->back;
	if (reorder && !back) {
		net->stats.reordered++;
		link_comment(l, p->frame, "held back to be overtaken");
		return hold_back(l, p, now + 2 * f->delay + BACK_EXTRA);
	}
	err = release(l, p, now + f->delay, jitter);
	if (back) {
		l->back = NULL;
		(void)release(l, back, l->last_due, 0);
	}
	return err;
}

void link_free_all(struct net *net)
{
	struct hash_node *n;

	while ((n = hash_pop(&net->links)))
		mem_deref(hash_owner(n, struct link, node));
	hash_free(&net->links);
	while (net->faults) {
		struct fault *f = net->faults;

		net->faults = f->next;
		mem_deref(f);
	}
}

#include "sip/msg_rest.h"

#include "core/mem.h"

#include <stdlib.h>

#define MODELS 256
#define WAYS 2 /* models in one place, the one that was used last first */

/* Behind it: of a model a struct whole and its bytes; of another, for each run of bytes that differ from the model's, how far it begins behind
 * the end of the one before (16 bits), how long it is (8 bits), and these bytes. */
struct msg_rest {
	struct msg_rest *model; /* NULL: it is one itself */
	uint64_t time;
	uint32_t frame;
	uint32_t len;           /* of what stands behind it */
};

struct whole {
	struct addr src, dst;
	const char *locally;
	uint32_t len;
	bool received;
	char bytes[];
};

#define RUN_HEAD 3
#define RUN_MAX 255
#define NEAR 4          /* equal bytes that do not end a run: no shorter than its head */
#define LENGTH_MAX 4096
#define TOLD_MAX 512
#define ALIKE 6         /* what differs is less than the sixth part, or it is worth a model of its own */

static struct whole *whole(const struct msg_rest *model)
{
	return (struct whole *)(model + 1);
}

static void destroy(void *block)
{
	struct msg_rest *r = block;

	mem_deref(r->model);
}

void msg_models_free(struct msg_models *models)
{
	for (int i = 0; models->at && i < MODELS; i++)
		mem_deref(models->at[i]);
	free(models->at);
	models->at = NULL;
}

/* Where the WAYS models of its kind stand. Requests of one method, and responses of one status, begin alike. NULL for want of memory. */
static struct msg_rest **model_for(struct msg_models *models, const struct msg *m)
{
	struct slice bytes = m->s.bytes;

	if (!models->at)
		models->at = mem_should_fail() ? NULL : calloc(MODELS, sizeof(*models->at));
	if (!models->at)
		return NULL;
	uint64_t h = slice_hash(SLICE_HASH_SEED + m->received, (struct slice){bytes.p, bytes.l < 12 ? bytes.l : 12});
	return &models->at[(h + bytes.l) % (MODELS / WAYS) * WAYS];
}

static bool is_like(const struct whole *w, const struct msg *m)
{
	return w->len == m->s.bytes.l && w->received == m->received && !w->locally && !m->locally && addr_eq(&w->src, &m->src) &&
	       addr_eq(&w->dst, &m->dst);
}

static size_t equal_from(const char *a, const char *b, size_t at, size_t end)
{
	uint64_t x, y;

	for (; end - at >= sizeof(x); at += sizeof(x)) {
		memcpy(&x, a + at, sizeof(x));
		memcpy(&y, b + at, sizeof(y));
		if (x != y)
			break;
	}
	while (at < end && a[at] == b[at])
		at++;
	return at;
}

/* Where the run that begins at `at` ends: before NEAR bytes that are equal. */
static size_t run_end(const char *a, const char *b, size_t at, size_t end)
{
	size_t last = at;

	for (size_t i = at; i < end && i - last < NEAR && i - at < RUN_MAX; i++)
		if (a[i] != b[i])
			last = i + 1;
	return last;
}

/* What tells it from the model into `out`, TOLD_MAX bytes, and how much that is; false: more. */
static bool tell(char *out, size_t *told, const char *model, struct slice s)
{
	size_t n = 0, done = 0;

	for (size_t at = equal_from(s.p, model, 0, s.l); at < s.l; at = equal_from(s.p, model, done, s.l)) {
		size_t end = run_end(s.p, model, at, s.l);
		uint16_t gap = (uint16_t)(at - done);
		if (n + RUN_HEAD + (end - at) > TOLD_MAX)
			return false;
		memcpy(out + n, &gap, sizeof(gap));
		out[n + 2] = (char)(unsigned char)(end - at);
		memcpy(out + n + RUN_HEAD, s.p + at, end - at);
		n += RUN_HEAD + (end - at);
		done = end;
	}
	*told = n;
	return true;
}

static struct msg_rest *alloc(const struct msg *m, struct msg_rest *model, size_t len)
{
	struct msg_rest *r = len <= UINT32_MAX ? mem_alloc(0, sizeof(*r) + len, destroy) : NULL;

	if (r)
		*r = (struct msg_rest){.model = mem_ref(model), .time = m->time, .frame = m->frame, .len = (uint32_t)len};
	return r;
}

static struct msg_rest *keep_whole(const struct msg *m)
{
	struct slice bytes = m->s.bytes;
	struct msg_rest *r = alloc(m, NULL, sizeof(struct whole) + bytes.l);

	if (r) {
		*whole(r) = (struct whole){m->src, m->dst, m->locally, (uint32_t)bytes.l, m->received};
		memcpy(whole(r)->bytes, bytes.p, bytes.l);
	}
	return r;
}

static void use_first(struct msg_rest **place, unsigned way)
{
	struct msg_rest *r = place[way];

	memmove(place + 1, place, way * sizeof(*place));
	*place = r;
}

struct msg_rest *msg_rest(struct msg_models *models, const struct msg *m)
{
	struct slice bytes = m->s.bytes;
	struct msg_rest **place = bytes.l <= LENGTH_MAX ? model_for(models, m) : NULL, *r;
	char told[TOLD_MAX];
	size_t n;

	for (unsigned way = 0; place && way < WAYS && place[way]; way++)
		if (is_like(whole(place[way]), m) && tell(told, &n, whole(place[way])->bytes, bytes) && n < bytes.l / ALIKE) {
			r = alloc(m, place[way], n);
			if (r)
				memcpy(r + 1, told, n);
			use_first(place, way);
			return r;
		}
	r = keep_whole(m);
	if (r && place) {
		mem_deref(place[WAYS - 1]);
		place[WAYS - 1] = mem_ref(r);
		use_first(place, WAYS - 1);
	}
	return r;
}

int msg_wake(struct msg **mp, const struct msg_rest *r)
{
	const struct whole *w = whole(r->model ? r->model : r);
	char bytes[LENGTH_MAX], *at = bytes;
	const char *told = (const char *)(r + 1), *end = told + r->len;
	struct msg *m;
	uint16_t gap;

	if (r->model) {
		memcpy(bytes, w->bytes, w->len);
		while (told < end) {
			size_t n = (unsigned char)told[2];
			memcpy(&gap, told, sizeof(gap));
			memcpy(at + gap, told + RUN_HEAD, n);
			at += gap + n;
			told += RUN_HEAD + n;
		}
	}
	if (msg_alloc(&m, (struct slice){r->model ? bytes : w->bytes, w->len}))
		return ERR_NOMEM;
	m->src = w->src;
	m->dst = w->dst;
	m->locally = w->locally;
	m->received = w->received;
	m->time = r->time;
	m->frame = r->frame;
	*mp = m;
	return 0;
}

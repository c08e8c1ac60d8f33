#include "core/kept.h"

#include "core/buf.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#define MODELS 256
#define WAYS 2 /* models in one place, the one that was used last first */

/* Behind it: of a model the text; of another, for each run of bytes that differ from the model's, how far it begins behind the end of the one
 * before (16 bits), how long it is (8 bits), and these bytes. */
struct kept {
	struct kept *model; /* NULL: it is one itself */
	uint32_t len;       /* of what stands behind it */
	char bytes[];
};

#define RUN_HEAD 3
#define RUN_MAX 255
#define NEAR 4          /* equal bytes that do not end a run: no shorter than its head */
#define ALIKE 6         /* what differs is less than the sixth part, or it is worth a model of its own, */
#define UNLIKE 2        /* while there is a place for one; then less than half */

static void destroy(void *block)
{
	struct kept *k = block;

	mem_deref(k->model);
}

void kept_models_free(struct kept_models *models)
{
	for (int i = 0; models->at && i < MODELS; i++)
		mem_deref(models->at[i]);
	free(models->at);
	models->at = NULL;
}

/* Where the WAYS models of its kind stand. NULL for want of memory. */
static struct kept **models_for(struct kept_models *models, uint64_t kind, size_t len)
{
	if (!models->at)
		models->at = mem_should_fail() ? NULL : calloc(MODELS, sizeof(*models->at));
	return models->at ? &models->at[(kind + len) % (MODELS / WAYS) * WAYS] : NULL;
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

/* What tells it from the model into `out`, `most` bytes, and how much that is; false: more. */
static bool tell(char *out, size_t *told, size_t most, const char *model, struct slice s)
{
	size_t n = 0, done = 0;

	for (size_t at = equal_from(s.p, model, 0, s.l); at < s.l; at = equal_from(s.p, model, done, s.l)) {
		size_t end = run_end(s.p, model, at, s.l);
		uint16_t gap = (uint16_t)(at - done);
		if (n + RUN_HEAD + (end - at) > most)
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

static struct kept *alloc(struct kept *model, size_t len)
{
	struct kept *k = len <= UINT32_MAX ? mem_alloc(0, offsetof(struct kept, bytes) + len, destroy) : NULL;

	if (k) {
		k->model = mem_ref(model);
		k->len = (uint32_t)len;
	}
	return k;
}

static void use_first(struct kept **place, unsigned way)
{
	struct kept *k = place[way];

	memmove(place + 1, place, way * sizeof(*place));
	*place = k;
}

/* By the first model of which it differs in less than `most` bytes; `*no_memory`: there is one. */
static struct kept *tell_by_model(struct kept **place, struct slice s, size_t most, bool *no_memory)
{
	char told[KEPT_ROOM];
	size_t n;
	struct kept *k;

	for (unsigned way = 0; way < WAYS && place[way]; way++)
		if (place[way]->len == s.l && tell(told, &n, most, place[way]->bytes, s)) {
			k = alloc(place[way], n);
			*no_memory = !k;
			if (k)
				memcpy(k->bytes, told, n);
			use_first(place, way);
			return k;
		}
	return NULL;
}

struct kept *kept_text(struct kept_models *models, uint64_t kind, struct slice head, struct slice body)
{
	size_t len = head.l + body.l;
	struct kept **place = len <= KEPT_ROOM ? models_for(models, kind, len) : NULL, *k = NULL;
	char text[KEPT_ROOM];
	bool no_memory = false;

	if (place) {
		write_slice(write_slice(text, head), body);
		k = tell_by_model(place, (struct slice){text, len}, len / ALIKE, &no_memory);
		if (!k && !no_memory && place[WAYS - 1])
			k = tell_by_model(place, (struct slice){text, len}, len / UNLIKE, &no_memory);
	}
	if (k || no_memory || !(k = alloc(NULL, len)))
		return k;
	write_slice(write_slice(k->bytes, head), body);
	if (place) {
		mem_deref(place[WAYS - 1]);
		place[WAYS - 1] = mem_ref(k);
		use_first(place, WAYS - 1);
	}
	return k;
}

struct slice kept_read(const struct kept *k, char *buf)
{
	const struct kept *model = k->model;
	const char *told = k->bytes, *end = told + k->len;
	char *at = buf;
	uint16_t gap;

	if (!model)
		return (struct slice){k->bytes, k->len};
	memcpy(buf, model->bytes, model->len);
	while (told < end) {
		size_t n = (unsigned char)told[2];
		memcpy(&gap, told, sizeof(gap));
		memcpy(at + gap, told + RUN_HEAD, n);
		at += gap + n;
		told += RUN_HEAD + n;
	}
	return (struct slice){buf, model->len};
}

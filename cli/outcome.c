#include "cli/outcome.h"

enum { TEXTS = 5 };

static struct buf *text_of(struct outcome *o, int i)
{
	struct buf *const texts[TEXTS] = {&o->text, &o->notes, &o->output, &o->ladder, &o->capture};

	return texts[i];
}

void outcome_free(struct outcome *o)
{
	for (int i = 0; i < TEXTS; i++)
		buf_free(text_of(o, i));
	memset(o, 0, sizeof(*o));
}

void outcome_pack(struct buf *b, const struct outcome *o)
{
	buf_put(b, &o->is, sizeof(o->is));
	for (int i = 0; i < TEXTS; i++) {
		const struct buf *text = text_of((struct outcome *)o, i);
		buf_put(b, &text->len, sizeof(text->len));
		buf_put(b, text->p, text->len);
	}
}

bool outcome_unpack(struct outcome *o, const struct buf *b)
{
	size_t at = sizeof(o->is);

	if (b->len < at)
		return false;
	memset(o, 0, sizeof(*o));
	memcpy(&o->is, b->p, sizeof(o->is));
	for (int i = 0; i < TEXTS; i++) {
		size_t len;
		if (b->len - at < sizeof(len))
			break;
		memcpy(&len, b->p + at, sizeof(len));
		at += sizeof(len);
		if (b->len - at < len)
			break;
		buf_put(text_of(o, i), b->p + at, len);
		at += len;
		if (i == TEXTS - 1)
			return at == b->len;
	}
	outcome_free(o);
	return false;
}

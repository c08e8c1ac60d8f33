#include "sip/msg.h"

#include "core/mem.h"

#include <stdio.h>

static void destroy(void *p)
{
	struct msg *m = p;

	scan_free(&m->s);
}

int msg_alloc(struct msg **mp, struct slice bytes)
{
	struct msg *m = mem_zalloc(sizeof(*m) + bytes.l + 1, destroy);
	int err = ERR_NOMEM;

	if (!m)
		return ERR_NOMEM;
	if (bytes.l)
		memcpy(m->data, bytes.p, bytes.l);
	err = scan_message(&m->s, (struct slice){m->data, bytes.l});
	if (err)
		mem_deref(m);
	else
		*mp = m;
	return err;
}

char *msg_summary(char *buf, size_t size, const struct msg *m)
{
	const struct scan *s = &m->s;

	if (s->flaws & SCAN_NOT_SIP)
		snprintf(buf, size, "%zu bytes that are not SIP", s->bytes.l);
	else if (s->request)
		snprintf(buf, size, "%.*s %.*s", SLICE_ARG(s->method), SLICE_ARG(s->uri));
	else
		snprintf(buf, size, "%u %.*s (%.*s)", s->status, SLICE_ARG(s->reason), SLICE_ARG(s->cseq_method));
	return buf;
}

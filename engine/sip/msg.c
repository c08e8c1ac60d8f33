#include "sip/msg.h"

#include "core/mem.h"

#include <stdio.h>

static struct msg *with_room(struct slice bytes, uint32_t room)
{
	struct msg *m = mem_alloc(sizeof(*m), room * sizeof(struct scan_header) + bytes.l + 1, NULL);
	struct scan_header *headers;
	char *data;

	if (!m)
		return NULL;
	headers = (struct scan_header *)(m + 1);
	data = (char *)(headers + room);
	if (bytes.l)
		memcpy(data, bytes.p, bytes.l);
	data[bytes.l] = '\0';
	if (scan_into(&m->s, (struct slice){data, bytes.l}, headers, room))
		return m;
	return mem_deref(m);
}

int msg_alloc(struct msg **mp, struct slice bytes)
{
	struct msg *m = with_room(bytes, 6 + (uint32_t)(bytes.l / 48)); /* most messages have longer lines and less of them */

	if (!m)
		m = with_room(bytes, scan_lines(bytes));
	if (m)
		*mp = m;
	return m ? 0 : ERR_NOMEM;
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

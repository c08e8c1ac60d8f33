#include "pcap/spill.h"
#include "core/mem.h"
#include "pcap/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int spill_begin(struct spill *s, const struct actors *as, struct err *err)
{
	if (!s->sink.path) {
		if (sink_open(&s->sink, s->path, err)) {
			s->sink.path = NULL;
			return ERR_IO;
		}
		pcapng_put_header(&s->sink.b, SLICE_LIT("offhook: the beginning of a run that did not end"), SPILL_HEAD);
	}
	actors_put_interfaces(as, &s->sink.b, s->actors);
	return 0;
}

void spill_added(struct spill *s, const struct actors *as, uint64_t packets)
{
	s->actors = actors_count(as);
	s->packets += packets;
}

void spill_broke(struct spill *s)
{
	uint64_t n = 0;
	uint32_t head[2]; /* of a block: its type and length */
	FILE *f;

	s->broken = true;
	sink_close(&s->sink); /* waits for what was on its way */
	f = fopen(s->path, "rbe");
	s->whole = 0;
	while (f && n < s->packets && fread(head, 1, sizeof(head), f) == sizeof(head) && head[1] >= 12 && head[1] <= s->sink.written - s->whole &&
	       !fseek(f, (long)(head[1] - sizeof(head)), SEEK_CUR)) {
		s->whole += head[1];
		n += head[0] == PCAPNG_EPB;
	}
	if (f)
		fclose(f);
	s->lost = s->packets - n;
}

int spill_settle(struct spill *s, struct err *err)
{
	int rc;

	if (!s->sink.path || s->broken)
		return 0;
	rc = sink_flush(&s->sink, true, err);
	if (rc)
		spill_broke(s);
	return rc;
}

int spill_finish(struct spill *s, struct slice head, const char *path, struct err *err)
{
	int fd = open(s->path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && (!s->broken || !ftruncate(fd, (off_t)s->whole)) && pwrite(fd, head.p, head.l, 0) == (ssize_t)head.l;
	int rc = ok ? 0 : err_set(err, ERR_IO, "cannot write the header of the capture %s: %s", s->path, strerror(errno));

	if (fd >= 0 && close(fd) && !rc)
		rc = err_set(err, ERR_IO, "cannot write the capture %s: %s", s->path, strerror(errno));
	if (!rc && rename(s->path, path))
		rc = err_set(err, ERR_IO, "cannot write the capture %s: %s", path, strerror(errno));
	if (!rc)
		s->sink.path = NULL;
	return rc;
}

void spill_free(struct spill *s)
{
	sink_close(&s->sink);
	if (s->sink.path)
		unlink(s->path);
	s->path = mem_deref(s->path);
}

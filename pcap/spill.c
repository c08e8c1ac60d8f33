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
	if (!s->broken)
		s->cuts[s->cut_count++ % SPILL_CUTS] = (struct spill_cut){s->sink.at + s->sink.b.len, s->packets};
}

/* The last that is in the file for certain. */
static struct spill_cut cut_written(const struct spill *s)
{
	struct spill_cut last = {0};

	for (unsigned i = 0; i < SPILL_CUTS && i < s->cut_count; i++)
		if (s->cuts[i].at <= s->sink.written && s->cuts[i].at > last.at)
			last = s->cuts[i];
	return last;
}

void spill_broke(struct spill *s)
{
	struct spill_cut whole;
	uint32_t head[2]; /* of a block: its type and length */
	FILE *f;

	s->broken = true;
	sink_close(&s->sink); /* waits for what was on its way */
	whole = cut_written(s);
	f = fopen(s->path, "rbe");
	while (f && whole.packets < s->packets && !fseeko(f, (off_t)whole.at, SEEK_SET) && fread(head, 1, sizeof(head), f) == sizeof(head) &&
	       head[1] >= 12 && head[1] <= s->sink.written - whole.at) {
		whole.at += head[1];
		whole.packets += head[0] == PCAPNG_EPB;
	}
	if (f)
		fclose(f);
	s->whole = whole.at;
	s->lost = s->packets - whole.packets;
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
	int fd = open(s->path, O_WRONLY | O_CLOEXEC), rc = 0;
	ssize_t n = -1;

	if (fd < 0 || (s->broken && ftruncate(fd, (off_t)s->whole)) || (n = pwrite(fd, head.p, head.l, 0)) != (ssize_t)head.l)
		rc = err_set(err, ERR_IO, "cannot write the header of the capture %s: %s", s->path, strerror(n < 0 ? errno : ENOSPC));
	if (fd >= 0 && close(fd) && !rc)
		rc = err_set(err, ERR_IO, "cannot write the capture %s: %s", s->path, strerror(errno));
	if (!rc && rename(s->path, path))
		rc = err_set(err, ERR_IO, "cannot write the capture %s: %s", path, strerror(errno));
	if (!rc)
		s->sink.path = NULL;
	return rc;
}

bool spill_leave(struct spill *s)
{
	if (s->packets == s->lost)
		return false;
	s->sink.path = NULL;
	return true;
}

void spill_free(struct spill *s)
{
	sink_close(&s->sink);
	if (s->sink.path)
		unlink(s->path);
	s->path = mem_deref(s->path);
}

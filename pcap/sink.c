#include "pcap/sink.h"
#include "pcap/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SINK_CHUNK (512u << 10)

int sink_open(struct sink *s, const char *path, struct err *err)
{
	*s = (struct sink){.path = path};
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (s->fd < 0)
		return err_set(err, ERR_IO, "cannot write the capture %s: %s", path, strerror(errno));
	return 0;
}

/* Returns 0 or errno. */
static int write_here(struct sink *s)
{
	int error;

	s->written += write_at(s->fd, s->b.p, s->b.len, s->written, &error);
	if (!error)
		buf_reset(&s->b);
	return error;
}

static int writer_over(struct sink *s)
{
	uint64_t written = 0;
	int error = s->writer ? writer_end(s->writer, &written) : 0;

	s->writer = NULL;
	s->written += written;
	return error;
}

int sink_flush(struct sink *s, bool all, struct err *err)
{
	size_t before = s->b.len;
	int error = 0;

	if (s->b.failed)
		return err_set(err, ERR_NOMEM, "out of memory while writing the capture %s", s->path);
	if (!all && s->b.len < SINK_CHUNK)
		return 0;
	if (!s->writer && s->b.len >= SINK_CHUNK && s->written % WRITER_ALIGN == 0)
		s->writer = writer_start(s->fd, s->written, &s->b);
	if (s->writer)
		error = writer_take(s->writer, &s->b);
	if (s->writer && (all || error))
		error = writer_over(s);
	if (!s->writer && !error)
		error = write_here(s);
	s->at += before - s->b.len;
	return error ? err_set(err, ERR_IO, "cannot write the capture %s: %s", s->path, strerror(error)) : 0;
}

void sink_close(struct sink *s)
{
	(void)writer_over(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	buf_free(&s->b);
}

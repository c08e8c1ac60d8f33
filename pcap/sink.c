#include "pcap/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SINK_CHUNK (256u << 10)
#define PASS_EVERY (2u << 20)
#define CACHED (16u << 20)

int sink_open(struct sink *s, const char *path, struct err *err)
{
	*s = (struct sink){.path = path};
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (s->fd < 0)
		return err_set(err, ERR_IO, "cannot write the capture %s: %s", path, strerror(errno));
	return 0;
}

/* Starts the way to the disk, and gives the cache back what is there. Else a long capture fills the host's memory, page after new page,
 * until the kernel makes us wait for the disk. */
static void pass_on(struct sink *s)
{
	if (s->written < s->passed + PASS_EVERY)
		return;
	/* Best effort: without, it costs more. */
	(void)sync_file_range(s->fd, (off_t)s->passed, (off_t)(s->written - s->passed), SYNC_FILE_RANGE_WRITE);
	s->passed = s->written;
	if (s->written > CACHED)
		(void)posix_fadvise(s->fd, 0, (off_t)(s->written - CACHED), POSIX_FADV_DONTNEED);
}

int sink_flush(struct sink *s, bool all, struct err *err)
{
	size_t done = 0;

	if (s->b.failed)
		return err_set(err, ERR_NOMEM, "out of memory while writing the capture %s", s->path);
	if (!all && s->b.len < SINK_CHUNK)
		return 0;
	while (done < s->b.len) {
		ssize_t n = write(s->fd, s->b.p + done, s->b.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_IO, "cannot write the capture %s: %s", s->path, strerror(errno));
		done += (size_t)n;
	}
	s->written += done;
	buf_reset(&s->b);
	pass_on(s);
	return 0;
}

void sink_close(struct sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	buf_free(&s->b);
}

#include "pcap/writer.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK (1u << 20)
#define BLOCKS 3          /* on their way, or waiting to be filled */
#define CACHED (16u << 20) /* bytes that stay in the page cache where it cannot be passed by */

struct writer {
	int fd;
	bool direct; /* past the page cache */
	uint64_t begin, at;
	pthread_t thread;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	struct buf blocks[BLOCKS];
	unsigned taken, written; /* blocks so far; the next to take is taken % BLOCKS */
	bool end;
	int error; /* errno of the write that failed */
};

static void set_direct(struct writer *w, bool direct)
{
	int flags = fcntl(w->fd, F_GETFL);

	w->direct = flags >= 0 && !fcntl(w->fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) && direct;
}

/* Starts the way to the disk, and gives the cache back what is there. Else a long capture fills the host's memory, page after new page,
 * until the kernel makes us wait for the disk. Best effort: without, it costs more. */
static void pass_on(const struct writer *w, size_t len)
{
	(void)sync_file_range(w->fd, (off_t)w->at, (off_t)len, SYNC_FILE_RANGE_WRITE);
	if (w->at > CACHED)
		(void)posix_fadvise(w->fd, 0, (off_t)(w->at - CACHED), POSIX_FADV_DONTNEED);
}

size_t write_at(int fd, const uint8_t *p, size_t len, uint64_t at, int *error)
{
	size_t done = 0;

	*error = 0;
	while (done < len && !*error) {
		ssize_t n = pwrite(fd, p + done, len - done, (off_t)(at + done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			*error = n ? errno : EIO;
	}
	return done;
}

/* Returns 0 or errno. */
static int block_write(struct writer *w, const uint8_t *p, size_t len)
{
	int error;
	size_t done = write_at(w->fd, p, len, w->at, &error);

	if (error == EINVAL && w->direct) { /* the file system wants something else after all */
		set_direct(w, false);
		done += write_at(w->fd, p + done, len - done, w->at + done, &error);
	}
	if (!w->direct)
		pass_on(w, done);
	w->at += done;
	return error;
}

static void *run(void *arg)
{
	struct writer *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->written == w->taken && !w->end)
			pthread_cond_wait(&w->changed, &w->lock);
		if (w->written == w->taken)
			break;
		if (!w->error) {
			struct buf *b = &w->blocks[w->written % BLOCKS];
			int error;

			pthread_mutex_unlock(&w->lock);
			error = block_write(w, b->p, b->len);
			pthread_mutex_lock(&w->lock);
			w->error = error;
		}
		w->written++;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool block_alloc(struct buf *b)
{
	*b = (struct buf){.p = mem_should_fail() ? NULL : aligned_alloc(WRITER_ALIGN, BLOCK), .cap = BLOCK};
	return b->p;
}

static void writer_free(struct writer *w)
{
	for (int i = 0; i < BLOCKS; i++)
		buf_free(&w->blocks[i]);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	mem_deref(w);
}

/* The thread takes no signal: they are for those who wait for them. */
static int thread_start(struct writer *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct writer *writer_start(int fd, uint64_t at, struct buf *b)
{
	struct writer *w = mem_zalloc(sizeof(*w), NULL);
	struct buf first;
	bool ok = true;

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->fd = fd;
	w->begin = w->at = at;
	for (int i = 0; i < BLOCKS; i++)
		ok = ok && block_alloc(&w->blocks[i]);
	if (!ok || !block_alloc(&first)) {
		writer_free(w);
		return NULL;
	}
	buf_put(&first, b->p, b->len);
	set_direct(w, true);
	if (first.failed || thread_start(w)) {
		set_direct(w, false);
		buf_free(&first);
		writer_free(w);
		return NULL;
	}
	buf_free(b);
	*b = first;
	return w;
}

int writer_take(struct writer *w, struct buf *b)
{
	size_t rest = b->len % WRITER_ALIGN;
	struct buf *block, filled = *b;
	int error;

	pthread_mutex_lock(&w->lock);
	while (w->taken - w->written == BLOCKS)
		pthread_cond_wait(&w->changed, &w->lock);
	error = w->error;
	if (!error) {
		block = &w->blocks[w->taken % BLOCKS];
		*b = *block;
		*block = filled;
		block->len -= rest;
		buf_reset(b);
		buf_put(b, filled.p + filled.len - rest, rest);
		w->taken++;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return error;
}

int writer_end(struct writer *w, uint64_t *written)
{
	int error;

	pthread_mutex_lock(&w->lock);
	w->end = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	set_direct(w, false);
	error = w->error;
	*written = w->at - w->begin;
	writer_free(w);
	return error;
}

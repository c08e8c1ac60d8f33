#include "cli/load_post.h"

#include "core/buf.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct letter {
	struct addr src;
	uint64_t wall;
	size_t len; /* bytes behind it, filled up so that the next one is aligned */
};

/* Bytes of malloc: a buf keeps its memory with the thread that made it. */
struct box {
	pthread_mutex_t lock;
	char *put;          /* under the lock */
	size_t len, room;
	char *taken;        /* the reader's: what it had before, to be filled again */
	size_t taken_room;
	int fd;             /* tells the reader; -1: nobody reads */
	struct loop *loop;
	struct loop_fd lf;
	load_post_h *h;
	void *arg;
};

struct load_post {
	unsigned workers;
	struct box boxes[];
};

struct load_post *load_post_alloc(unsigned workers)
{
	struct load_post *post = calloc(1, sizeof(*post) + workers * sizeof(*post->boxes));

	for (unsigned i = 0; post && i < workers; i++) {
		pthread_mutex_init(&post->boxes[i].lock, NULL);
		post->boxes[i].fd = -1;
		post->workers++;
	}
	return post;
}

struct load_post *load_post_free(struct load_post *post)
{
	for (unsigned i = 0; post && i < post->workers; i++) {
		free(post->boxes[i].put);
		free(post->boxes[i].taken);
		pthread_mutex_destroy(&post->boxes[i].lock);
	}
	free(post);
	return NULL;
}

static bool make_room(struct box *b, size_t more)
{
	size_t room = b->room ? b->room : 65536;
	char *bigger;

	if (b->room - b->len >= more)
		return true;
	while (room - b->len < more)
		room *= 2;
	bigger = realloc(b->put, room);
	if (!bigger)
		return false;
	b->put = bigger;
	b->room = room;
	return true;
}

void load_post_put(struct load_post *post, unsigned to, const struct msg *m, uint64_t wall)
{
	struct box *b = &post->boxes[to];
	struct slice bytes = msg_bytes(m);
	size_t padded = (bytes.l + 7) & ~(size_t)7;
	struct letter letter = {m->src, wall, bytes.l};
	uint64_t one = 1;
	bool first = false;

	pthread_mutex_lock(&b->lock);
	if (b->fd >= 0 && make_room(b, sizeof(letter) + padded)) {
		first = b->len == 0;
		memcpy(b->put + b->len, &letter, sizeof(letter));
		memcpy(b->put + b->len + sizeof(letter), bytes.p, bytes.l);
		b->len += sizeof(letter) + padded;
	}
	/* Under the lock, so that the descriptor is still the reader's. */
	if (first && write(b->fd, &one, sizeof(one)) < 0) {
		/* The counter is at its limit: the reader knows already. */
	}
	pthread_mutex_unlock(&b->lock);
}

static void take(uint32_t events, void *arg)
{
	struct box *b = arg;
	uint64_t count;
	size_t len, room;
	char *letters;

	(void)events;
	while (read(b->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&b->lock);
	letters = b->put;
	len = b->len;
	room = b->room;
	b->put = b->taken;
	b->room = b->taken_room;
	b->len = 0;
	b->taken = letters;
	b->taken_room = room;
	pthread_mutex_unlock(&b->lock);
	for (size_t at = 0; at < len;) {
		struct letter letter;
		memcpy(&letter, letters + at, sizeof(letter));
		b->h(b->arg, &letter.src, letters + at + sizeof(letter), letter.len, letter.wall);
		at += sizeof(letter) + ((letter.len + 7) & ~(size_t)7);
	}
}

int load_post_open(struct load_post *post, unsigned to, struct loop *loop, load_post_h *h, void *arg, struct err *e)
{
	struct box *b = &post->boxes[to];
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), err;

	if (fd < 0)
		return err_set(e, ERR_ENV, "no descriptor for a worker's box: %s", strerror(errno));
	b->loop = loop;
	b->h = h;
	b->arg = arg;
	err = loop_fd_add(loop, &b->lf, fd, EPOLLIN, take, b, e);
	if (err) {
		close(fd);
		return err;
	}
	pthread_mutex_lock(&b->lock);
	b->fd = fd;
	pthread_mutex_unlock(&b->lock);
	return 0;
}

void load_post_close(struct load_post *post, unsigned to)
{
	struct box *b = &post->boxes[to];
	int fd;

	pthread_mutex_lock(&b->lock);
	fd = b->fd;
	b->fd = -1;
	pthread_mutex_unlock(&b->lock);
	if (fd < 0)
		return;
	loop_fd_remove(b->loop, &b->lf);
	close(fd);
}

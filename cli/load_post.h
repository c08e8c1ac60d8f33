/* Where workers leave datagrams for each other: a request that came to the address that all of them share, and is another's. */
#ifndef OFFHOOK_CLI_LOAD_POST_H
#define OFFHOOK_CLI_LOAD_POST_H

#include "core/loop.h"
#include "sip/msg.h"

/* The boxes of all workers. Plain memory, used by all threads. */
struct load_post;

struct load_post *load_post_alloc(unsigned workers);
struct load_post *load_post_free(struct load_post *post);

/* From any thread: `m` is for worker `to`. It is lost where there is no memory, as by the network. `wall`: when it arrived. */
void load_post_put(struct load_post *post, unsigned to, const struct msg *m, uint64_t wall);

typedef void(load_post_h)(void *arg, const struct addr *src, const void *data, size_t len, uint64_t wall);
/* From worker `to`, in its own loop: `h` gets what is put. End with load_post_close(). */
int load_post_open(struct load_post *post, unsigned to, struct loop *loop, load_post_h *h, void *arg, struct err *e);
void load_post_close(struct load_post *post, unsigned to);

#endif

/* Writes to a file in a thread of its own, past the page cache where the file system lets it: who fills the blocks waits for no disk, and
 * a long capture does not take the host's memory. Private to pcap. */
#ifndef OFFHOOK_PCAP_WRITER_H
#define OFFHOOK_PCAP_WRITER_H

#include "core/buf.h"

/* Bytes; what is written past the page cache begins and ends at a multiple. */
#define WRITER_ALIGN ((size_t)4096)

/* Writes at byte `at` of the file as much as can be; returns how much, and `*error` gets 0 or the errno that stopped it. */
size_t write_at(int fd, const uint8_t *p, size_t len, uint64_t at, int *error);

struct writer;

/* Of the open file, which stays the caller's, from byte `at` on, a multiple of WRITER_ALIGN. What is in `b` stays there; its memory is
 * changed for one of the writer's blocks. NULL, and `b` as it was, when there is no memory or no thread to be had. */
struct writer *writer_start(int fd, uint64_t at, struct buf *b);
/* Takes what is in `b`, but for its last `len` % WRITER_ALIGN bytes. Waits when several blocks are on their way already. Returns 0, or the
 * errno of a write that failed before, after which nothing more is written. */
int writer_take(struct writer *w, struct buf *b);
/* Ends it once all is written; `*written` gets how many bytes. Returns 0 or the errno of the write that failed. */
int writer_end(struct writer *w, uint64_t *written);

#endif

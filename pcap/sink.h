/* A file that is written through a buf: put into `b`, then flush. Private to pcap. */
#ifndef OFFHOOK_PCAP_SINK_H
#define OFFHOOK_PCAP_SINK_H

#include "core/buf.h"
#include "core/err.h"

struct writer;

struct sink {
	int fd; /* -1: closed */
	struct buf b;
	uint64_t written; /* bytes that are in the file for certain */
	uint64_t at;      /* bytes that left `b` */
	struct writer *writer; /* writes the rest, once it is worth a thread */
	const char *path; /* the caller's, for errors */
};

/* Makes the file empty. Errors: ERR_IO. */
int sink_open(struct sink *s, const char *path, struct err *err);
/* Sends what is in `b` on its way when that is worth it; call it after every few kB. With `all`, returns when all of it is written. A write that
 * fails may be told by a later call; then `written` is only right after sink_close(). Errors: ERR_IO, ERR_NOMEM. */
int sink_flush(struct sink *s, bool all, struct err *err);
/* Closes and frees, after what is on its way has been written; what is still in `b` is lost. Safe to call twice. */
void sink_close(struct sink *s);

#endif

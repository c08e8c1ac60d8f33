/* A file that is written through a buf: put into `b`, then flush. Private to pcap. */
#ifndef OFFHOOK_PCAP_SINK_H
#define OFFHOOK_PCAP_SINK_H

#include "core/buf.h"
#include "core/err.h"

struct sink {
	int fd; /* -1: closed */
	struct buf b;
	uint64_t written; /* by flushes that succeeded */
	uint64_t passed;  /* up to there it is on its way to the disk */
	const char *path; /* the caller's, for errors */
};

/* Makes the file empty. Errors: ERR_IO. */
int sink_open(struct sink *s, const char *path, struct err *err);
/* Writes what is in `b` when it is worth a system call, or `all` of it. Errors: ERR_IO, ERR_NOMEM. */
int sink_flush(struct sink *s, bool all, struct err *err);
/* Closes and frees; what is still in `b` is lost. Safe to call twice. */
void sink_close(struct sink *s);

#endif

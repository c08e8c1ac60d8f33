/* What one test came to, with everything that reports show; it travels from a worker process in one piece. */
#ifndef OFFHOOK_CLI_OUTCOME_H
#define OFFHOOK_CLI_OUTCOME_H

#include "bindings/shard.h"

struct outcome {
	struct outcome_fixed {
		enum shard_verdict verdict;
		uint64_t seed;
		double seconds;        /* by the clock on the wall */
		double script_seconds; /* by the clock of the run */
		uint32_t packets;
		uint32_t frame;        /* of the capture, where it failed; 0 */
		uint64_t lost_packets; /* that the recorder did not keep */
		char where[256];       /* FILE:LINE, or "" */
	} is;
	struct buf text;    /* why it did not pass; without control characters but newlines */
	struct buf notes;   /* a line each */
	struct buf output;  /* what the script printed */
	struct buf ladder;
	struct buf capture; /* path, empty when none was written */
};

void outcome_free(struct outcome *o);
/* Appends it as bytes for another process of this program. */
void outcome_pack(struct buf *b, const struct outcome *o);
/* False when the bytes are not whole. */
bool outcome_unpack(struct outcome *o, const struct buf *b);

/* "passed" | "failed" | "timeout" | ...: the words of reports. */
static inline const char *outcome_word(const struct outcome *o)
{
	return shard_verdict_name(o->is.verdict);
}
static inline bool outcome_failed(const struct outcome *o)
{
	return o->is.verdict == SHARD_FAILED || o->is.verdict == SHARD_TIMEOUT;
}

#endif

/* What a recorder moves to disk before the run has ended: a capture on its own, so that something is left when the program dies. In the end the
 * rest is put behind it, its header is written again, and it is the capture. Private to pcap. */
#ifndef OFFHOOK_PCAP_SPILL_H
#define OFFHOOK_PCAP_SPILL_H

#include "pcap/actors.h"
#include "pcap/sink.h"

/* Bytes before the first packet that are kept for the header. */
#define SPILL_HEAD ((size_t)65536)
#define SPILL_CUTS 32

struct spill {
	char *path; /* NULL: there is none */
	struct sink sink;
	uint32_t actors;  /* the first, whose interfaces it has */
	uint64_t packets; /* so many were put into it, */
	uint64_t lost;    /* and of these so many are not in the file, as it broke */
	uint64_t whole;   /* ... behind this byte */
	bool broken;      /* a write failed: it takes nothing more */
	struct spill_cut {
		uint64_t at, packets; /* that byte is behind so many of them */
	} cuts[SPILL_CUTS];           /* the last ones: more than can be on their way to the disk */
	unsigned cut_count;
};

/* Makes the file if need be, and puts what must stand before more packets into `sink.b`. Errors: ERR_IO. */
int spill_begin(struct spill *s, const struct actors *as, struct err *err);
/* Counts packets that were put into the sink since, and flushed. */
void spill_added(struct spill *s, const struct actors *as, uint64_t packets);
/* After an error of the sink: finds out what is lost. */
void spill_broke(struct spill *s);
/* Waits until all is in the file; then `lost` is right. Errors, told once: ERR_IO, ERR_NOMEM. */
int spill_settle(struct spill *s, struct err *err);
/* Makes it the capture `path`, with this header of SPILL_HEAD bytes. Errors: ERR_IO. */
int spill_finish(struct spill *s, struct slice head, const char *path, struct err *err);
/* The file is not to be removed, if it has any packet. */
bool spill_leave(struct spill *s);
/* Removes the file, unless it was finished or left. */
void spill_free(struct spill *s);

#endif

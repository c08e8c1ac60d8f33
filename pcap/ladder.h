/* The ladder of a recording for the terminal: who sent what to whom, when, and what went wrong.
 *
 *      1   0.000  │── INVITE sip:bob@example.test (SDP) ──►│
 *
 * The number at the left is the frame's number in the capture. A column is an actor, or an address outside the run.
 * A comment that begins with "lost" ends the arrow in a cross; one that begins with "failed" stands under it. */
#ifndef OFFHOOK_PCAP_LADDER_H
#define OFFHOOK_PCAP_LADDER_H

#include "core/buf.h"
#include "pcap/recorder.h"

#define LADDER_WIDTH 100
#define LADDER_ROWS 200

struct ladder_cfg {
	unsigned width;      /* of the terminal in characters; 0: LADDER_WIDTH; less than 40 counts as 40 */
	unsigned max_rows;   /* packets shown: the first and the last ones; 0: LADDER_ROWS */
	bool colour;         /* ANSI colours */
	bool ascii;          /* no box drawing, nothing past ASCII */
	const char *capture; /* where all packets are, named when some are left out; may be NULL */
};

/* Appends the ladder to `out`; nothing when there are no packets. More actors than fit side by side are shown as a
 * list. Whatever bytes the packets hold, only printable text is written. Errors: ERR_NOMEM. */
int ladder_render(struct buf *out, const struct recorder *rec, const struct ladder_cfg *cfg, struct err *err);

#endif

/* Holds what a test put on the wire, and writes it as pcapng once all comments are known.
 *
 * The engine feeds it through a struct tap. Packets stay in memory up to a bound (an eighth of it where they come so
 * fast that the whole would not last for a second either); past it the oldest half moves to the spill file, from where
 * it goes into the capture, but comments that come later for these are lost. Whatever is lost is counted, and the
 * capture says so in its own comment.
 *
 * Packets are ordered by time (kernel receive stamps may be earlier than a send recorded before), those of one time
 * as they came. So the id that the tap gives out may differ from the number Wireshark shows: ask
 * recorder_frame_number() when the number is shown to a person, best after the last packet. */
#ifndef OFFHOOK_PCAP_RECORDER_H
#define OFFHOOK_PCAP_RECORDER_H

#include "core/buf.h"
#include "core/err.h"
#include "core/slice.h"
#include "net/tap.h"

#define RECORDER_MAX_BYTES (64u << 20)

struct recorder;

struct recorder_cfg {
	/* Of packets and their comments in memory; 0: RECORDER_MAX_BYTES. */
	size_t max_bytes;
	/* Made when needed, removed with the recorder; NULL: past the bound packets are dropped. */
	const char *spill_path;
};

struct recorder_stats {
	uint64_t start;         /* time of frame 1, 0 if there is none */
	uint64_t packets;       /* kept: held and spilled; the capture has as many frames */
	uint64_t spilled;       /* of these, on disk already: frames 1 to `spilled` */
	uint64_t held;          /* in memory: those that recorder_each() shows */
	uint64_t dropped;       /* packets not kept: the bound, no memory, or the spill file failed */
	uint64_t comments_late; /* comments on a frame that had been spilled */
	uint64_t comments_lost; /* comments not kept: too many, or no memory */
};

/* One frame; what it points at is good until the recorder changes. */
struct recorder_frame {
	uint32_t number; /* as Wireshark numbers it */
	uint64_t wall;   /* ns since the Unix epoch */
	struct addr src, dst;
	const char *src_name, *dst_name; /* the actor at this address, NULL for somebody outside the run */
	bool received;                   /* came from outside the run */
	uint32_t held_until;             /* it was held at its sender until after that frame, which may be itself; 0: it was not */
	uint64_t held_for;               /* ... for so many ns */
	struct slice data;               /* the UDP payload */
	struct slice comments;           /* each ended by a NUL */
};

typedef void(recorder_frame_h)(const struct recorder_frame *f, void *arg);

/* Released with mem_deref(), which also removes the spill file. Errors: ERR_NOMEM. */
int recorder_alloc(struct recorder **recp, const struct recorder_cfg *cfg, struct err *err);
/* Fills `out`; it is good as long as the recorder lives. */
void recorder_tap(struct recorder *rec, struct tap *out);
/* Writes the capture as it is now to `path` (first beside it, then renamed). May be called again, and early, but not where something went to
 * disk: that becomes the capture, on the same file system, and the recording is over, also after an error.
 * A capture without packets is written too: its comment says what the run was. Errors: ERR_IO, ERR_NOMEM, ERR_NOT_NOW when it is over. */
int recorder_render(struct recorder *rec, const char *path, struct err *err);
/* Frames that the capture has now. */
uint32_t recorder_count(const struct recorder *rec);
/* The number in the capture of the packet that the tap named `id`; 0 for 0, for what was never recorded, and for what went to disk more than
 * 250 000 packets ago. */
uint32_t recorder_frame_number(const struct recorder *rec, uint32_t id);
/* Why packets are missing, where some are. Good as long as the recorder is. */
const char *recorder_why_missing(const struct recorder *rec);
void recorder_stats_get(const struct recorder *rec, struct recorder_stats *out);
/* Puts what is said of a frame that was held: "held for 0.500 s, until after frame 5"; the time from 1 ms on, the frame when it is
 * another. False, and nothing, when it was held for no time and nothing was sent meanwhile. */
bool recorder_put_held(struct buf *b, uint32_t number, uint32_t until, uint64_t held_for);
/* Shows the `stats.held` frames in memory in the capture's order: spilled ones are on disk alone. When the spill file failed these are the
 * last ones, and numbered as if none were missing. */
void recorder_each(const struct recorder *rec, recorder_frame_h *handler, void *arg);

#endif

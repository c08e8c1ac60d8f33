/* What it costs to record a packet, as one side of a load does: bursts of what came, stamped before it was read, the answers between,
 * and a comment on each that a script sent. CPU time with the file, which is the same for every run.
 *   bench_recorder [CALLS] [FILE] */
#include "core/mem.h"
#include "pcap/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BURST 20 /* calls */

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {660, 298, 346, 360, 400, 344}; /* INVITE 180 200 ACK BYE 200 */
	long calls = argc > 1 ? atol(argv[1]) : 100000;
	struct recorder_cfg cfg = {.spill_path = argc > 2 ? argv[2] : "bench_recorder.spill", .max_bytes = 4u << 20};
	struct addr local, peer;
	struct recorder *rec;
	struct recorder_stats st;
	struct rusage before, after;
	uint64_t now = 1700000000000000000ull;
	char *data = malloc(1000);
	struct tap tap;
	struct err e;

	if (!data || recorder_alloc(&rec, &cfg, &e))
		return 1;
	recorder_tap(rec, &tap);
	addr_parse(&local, SLICE_LIT("127.0.0.1:5070"), 0);
	addr_parse(&peer, SLICE_LIT("127.0.0.1:5060"), 0);
	for (int i = 0; i < 1000; i++)
		data[i] = (char)(i * 7);
	tap.name(tap.arg, &local, "load-1");
	getrusage(RUSAGE_SELF, &before);
	for (long done = 0; done < calls; done += BURST) {
		now += 2000000;
		for (int step = 0; step < 3; step++) /* the burst's INVITEs with 180 and 200, its ACKs, its BYEs with 200 */
			for (int i = 0; i < BURST; i++)
				for (int n = step == 0 ? 0 : step + 2; n < (step == 0 ? 3 : step == 1 ? 4 : 6); n++) {
					bool received = n == 0 || n == 3 || n == 4;
					struct tap_packet p = {
					    .wall = received ? now + (uint64_t)(step * 500000 - 400000 + i * 1000) : now + (uint64_t)step * 500000,
					    .src = received ? peer : local,
					    .dst = received ? local : peer,
					    .data = (const uint8_t *)data,
					    .len = sizes[n],
					    .actor = "load-1",
					    .received = received,
					};
					uint32_t frame = tap.packet(tap.arg, &p);

					if (!received)
						tap.comment(tap.arg, frame, "callee: answer.lua:14");
				}
	}
	getrusage(RUSAGE_SELF, &after);
	recorder_stats_get(rec, &st);
	printf("%ld calls, %llu packets, %llu spilled: %.2f us user, %.2f us kernel a call\n", calls, (unsigned long long)st.packets,
	       (unsigned long long)st.spilled, (seconds(&after.ru_utime) - seconds(&before.ru_utime)) / (double)calls * 1e6,
	       (seconds(&after.ru_stime) - seconds(&before.ru_stime)) / (double)calls * 1e6);
	mem_deref(rec);
	free(data);
	return 0;
}

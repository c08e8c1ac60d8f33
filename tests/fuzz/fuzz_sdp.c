/* sip/sdp: each input as an offer. Whatever it is, the answer has a line for each of its streams and takes one at most. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sip/sdp.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	unsigned streams, taken, directions;
};

static struct seen read_lines(struct slice s)
{
	struct seen seen = {0};

	while (s.l) {
		const char *end = memchr(s.p, '\n', s.l);
		size_t whole = end ? (size_t)(end + 1 - s.p) : s.l;
		struct slice line = slice_trim((struct slice){s.p, whole});
		s = (struct slice){s.p + whole, s.l - whole};
		if (line.l >= 2 && !memcmp(line.p, "m=", 2)) {
			seen.streams++;
			seen.taken += line.l > 14 && !memcmp(line.p, "m=audio 4000 ", 13);
		}
		seen.directions += line.l > 2 && !memcmp(line.p, "a=", 2) && sdp_direction((struct slice){line.p + 2, line.l - 2});
	}
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const directions[] = {"inactive", "sendonly", "recvonly", "sendrecv"};
	const struct slice offer = {(const char *)data + 1, size ? size - 1 : 0};
	struct buf b = {0};
	struct addr host;

	if (!size)
		return 0;
	CHECK(addr_parse(&host, data[0] & 4 ? SLICE_LIT("[2001:db8::1]:5060") : SLICE_LIT("198.18.0.1:5060"), 5060));
	const struct sdp_own own = {.host = &host,
				    .port = 4000,
				    .session = 1,
				    .version = data[0],
				    .direction = sdp_direction(slice_str(directions[data[0] & 3]))};
	bool fits = sdp_fits(offer);
	sdp_answer(&b, &own, offer);
	CHECK(!b.failed);
	struct seen theirs = read_lines(offer), ours = read_lines(buf_slice(&b));
	CHECK(ours.streams == theirs.streams);
	CHECK(ours.taken == (fits && theirs.streams) && ours.directions == ours.taken);
	CHECK(fits || theirs.streams);

	/* what this side offers, it takes */
	buf_reset(&b);
	sdp_offer(&b, &own);
	CHECK(sdp_fits(buf_slice(&b)) && read_lines(buf_slice(&b)).taken == 1);
	buf_free(&b);
	CHECK(!mem_live());
	return 0;
}

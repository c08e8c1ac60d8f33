/* sip/verdict and sip/syntax: whatever the bytes, a verdict is one of its statuses, its reason fits a status line, and nothing is
 * read or kept that should not be. The first byte says which answers are switched off. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sip/syntax.h"
#include "sip/verdict.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct verdict *v)
{
	static const unsigned statuses[] = {0, 400, 405, 406, 413, 414, 415, 416, 420, 421, 481, 482, 493, 501, 505, 513};
	bool known = false;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		known = known || v->status == statuses[i];
	CHECK(known);
	CHECK(!v->status == !v->bit);
	for (const char *p = v->reason; *p; p++)
		CHECK(*p >= ' ' && *p < 0x7f);
	CHECK(!v->header.name.l || v->header.value.l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct verdict_limits limits[2] = {{0, 0, 0}, {.uri = 30, .body = 20, .message = 600}};
	struct verdict v = {0};
	struct scan s;

	if (size < 2)
		return 0;
	unsigned answers = UA_ANSWERS_ALL & ~(1u << (data[0] & 31));
	/* a block of their own, so that one byte too many is seen */
	char *bytes = malloc(size - 1);
	CHECK(bytes);
	memcpy(bytes, data + 1, size - 1);
	struct slice all = {bytes, size - 1};
	if (!scan_message(&s, all)) {
		if (!(s.flaws & SCAN_NOT_SIP) && s.request) {
			verdict_on_message(&v, &s, answers, &limits[data[0] >> 5 & 1]);
			check(&v);
			if (!v.status)
				verdict_on_request(&v, &s, answers, data[0] >> 6 & 1, SLICE_LIT(UA_SUPPORTS),
						   data[0] & 1 ? SLICE_LIT("100rel, timer") : SLICE_NONE);
			check(&v);
			verdict_free(&v);
			memset(&v, 0, sizeof(v));
			verdict_on_syntax(&v, &s); /* of flawed ones too */
			check(&v);
		}
		scan_free(&s);
	}
	(void)syntax_uri(all);
	(void)syntax_name_addr(all);
	(void)syntax_contact(all);
	(void)syntax_routes(all);
	(void)syntax_via(all);
	(void)syntax_media_type(all);
	free(bytes);
	CHECK(!mem_live());
	return 0;
}

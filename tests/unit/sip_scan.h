/* What the tests of the scan share: a valid message in pieces, and a scan whose bytes end where their block ends. */
#ifndef OFFHOOK_TESTS_SIP_SCAN_H
#define OFFHOOK_TESTS_SIP_SCAN_H

#include "unit.h"

#include "core/buf.h"
#include "core/err.h"
#include "sip/scan.h"

#include <stdio.h>
#include <stdlib.h>

#define VIA "Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKabc;rport\r\n"
#define FROM "From: \"Alice\" <sip:alice@example.test>;tag=f1\r\n"
#define TO "To: <sip:bob@example.test>\r\n"
#define ID "Call-ID: 1@198.18.0.1\r\n"
#define CSEQ "CSeq: 7 OPTIONS\r\n"
#define FIVE VIA FROM TO ID CSEQ
#define LINE "OPTIONS sip:bob@example.test SIP/2.0\r\n"
#define END "Content-Length: 0\r\n\r\n"

static void check_slice(struct slice got, const char *want, const char *file, int line)
{
	if (want ? !slice_eq(got, slice_str(want)) : got.p != NULL) {
		print_error("got \"%.*s\", wanted \"%s\"\n", SLICE_ARG(got), want ? want : "(none)");
		_fail(file, line);
	}
}
#define is(got, want) check_slice(got, want, __FILE__, __LINE__)

/* The bytes stand at the end of a block of their own, so that the address sanitizer sees one too many being read. */
static struct scan scanned;
static char *bytes;

static struct scan *scan_n(const void *data, size_t len)
{
	free(bytes);
	bytes = malloc(len + (len == 0));
	assert_non_null(bytes);
	memcpy(bytes, data, len);
	scan_free(&scanned);
	assert_int_equal(scan_message(&scanned, (struct slice){bytes, len}), 0);
	return &scanned;
}

static inline struct scan *scan(const char *text)
{
	return scan_n(text, strlen(text));
}

static inline unsigned flaws(const char *text)
{
	return scan(text)->flaws;
}

static int scan_teardown(void **state)
{
	scan_free(&scanned);
	free(bytes);
	bytes = NULL;
	return unit_teardown(state);
}

#define scan_test(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, scan_teardown)

#endif

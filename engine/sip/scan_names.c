/* The names of headers and of flaws. */
#include "sip/scan_priv.h"

static const struct slice names[HDR_COUNT] = {
#define SCAN_NAME(id, name, compact) [HDR_##id] = {name, sizeof(name) - 1},
    SCAN_HEADERS(SCAN_NAME)
#undef SCAN_NAME
};

struct slice hdr_text(enum hdr_id id)
{
	return id > HDR_OTHER && id < HDR_COUNT ? names[id] : SLICE_NONE;
}

const char *hdr_name(enum hdr_id id)
{
	return hdr_text(id).p;
}

enum hdr_id hdr_lookup(struct slice name)
{
	/* By letter; those without a compact form are parked behind the letters. */
	static const uint8_t compact[128 + HDR_COUNT] = {
#define SCAN_COMPACT(id, full, letter) [letter ? letter : 128 + HDR_##id] = HDR_##id,
	    SCAN_HEADERS(SCAN_COMPACT)
#undef SCAN_COMPACT
	};
	/* By length, the most frequent first. A test looks every header up, so that none can be forgotten here. */
	static const uint8_t by_length[][6] = {
	    [2] = {HDR_TO},
	    [3] = {HDR_VIA},
	    [4] = {HDR_FROM, HDR_CSEQ, HDR_RSEQ, HDR_RACK},
	    [5] = {HDR_ROUTE, HDR_ALLOW, HDR_EVENT},
	    [6] = {HDR_MIN_SE},
	    [7] = {HDR_CALL_ID, HDR_CONTACT, HDR_EXPIRES, HDR_REQUIRE, HDR_SUBJECT},
	    [8] = {HDR_REFER_TO, HDR_IDENTITY, HDR_REPLACES},
	    [9] = {HDR_SUPPORTED, HDR_TIMESTAMP},
	    [11] = {HDR_MIN_EXPIRES, HDR_UNSUPPORTED, HDR_REFERRED_BY, HDR_RETRY_AFTER},
	    [12] = {HDR_MAX_FORWARDS, HDR_CONTENT_TYPE, HDR_RECORD_ROUTE, HDR_ALLOW_EVENTS},
	    [13] = {HDR_AUTHORIZATION, HDR_PROXY_REQUIRE},
	    [14] = {HDR_CONTENT_LENGTH, HDR_ACCEPT_CONTACT, HDR_REJECT_CONTACT},
	    [15] = {HDR_SESSION_EXPIRES},
	    [16] = {HDR_WWW_AUTHENTICATE, HDR_CONTENT_ENCODING},
	    [18] = {HDR_PROXY_AUTHENTICATE},
	    [19] = {HDR_PROXY_AUTHORIZATION, HDR_REQUEST_DISPOSITION},
	};

	if (name.l == 1)
		return is_a(name.p[0], TOKEN) ? compact[name.p[0] | 0x20] : HDR_OTHER;
	if (name.l >= sizeof(by_length) / sizeof(*by_length))
		return HDR_OTHER;
	for (const uint8_t *id = by_length[name.l]; *id; id++) {
		const char *full = names[*id].p;
		if ((name.p[0] | 0x20) == (full[0] | 0x20) && (!memcmp(name.p, full, name.l) || slice_case_eq(name, names[*id])))
			return *id;
	}
	return HDR_OTHER;
}

const char *scan_flaw_text(unsigned flaws)
{
	static const struct {
		unsigned flaw;
		const char *text;
	} texts[] = {
	    {SCAN_NOT_SIP, "not a SIP message"},
	    {SCAN_VERSION, "the version is not SIP/2.0"},
	    {SCAN_START_LINE, "the start line is malformed"},
	    {SCAN_TRUNCATED, "the message ends within its headers"},
	    {SCAN_NUL, "a NUL byte stands among the headers"},
	    {SCAN_HEADER_LINE, "a header line is malformed"},
	    {SCAN_MISSING, "a mandatory header (Via, From, To, Call-ID, CSeq) is missing"},
	    {SCAN_DUPLICATE, "a header stands twice that may stand once"},
	    {SCAN_CSEQ, "CSeq is malformed"},
	    {SCAN_CSEQ_METHOD, "the method of CSeq differs from the request line"},
	    {SCAN_CONTENT_LENGTH, "Content-Length is malformed"},
	    {SCAN_BODY_SHORT, "the body is shorter than Content-Length"},
	    {SCAN_BODY_LONG, "the body is longer than Content-Length"},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (flaws & texts[i].flaw)
			return texts[i].text;
	return "";
}

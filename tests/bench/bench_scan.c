/* How long it takes to learn what routing needs from an INVITE: our scan against a full parse by libosip2, in turns, on
 * the same bytes. Prints a ratio of one run, for times of different machines say nothing. */
#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "sip/scan.h"

#define ROUNDS 15
#define TIMES 4000

static const char message[] =
    "INVITE sip:bob@biloxi.example.com;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP edge.atlanta.example.com:5060;branch=z9hG4bK4b43c2ff8.1;rport\r\n"
    "Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;received=192.0.2.101\r\n"
    "Max-Forwards: 69\r\n"
    "Record-Route: <sip:edge.atlanta.example.com;lr>\r\n"
    "From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "To: \"Bob\" <sip:bob@biloxi.example.com>;tag=314159\r\n"
    "Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com\r\n"
    "CSeq: 2 INVITE\r\n"
    "Contact: <sip:alice@client.atlanta.example.com:5060>\r\n"
    "User-Agent: ExamplePhone/4.2\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO\r\n"
    "Supported: replaces, timer\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 151\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\n"
    "s=-\r\n"
    "c=IN IP4 192.0.2.101\r\n"
    "t=0 0\r\n"
    "m=audio 49172 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n";

/* What both read. */
struct keys {
	char branch[64], from_tag[64], to_tag[64], call_id[96], cseq[16], method[32];
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "(none)");
}

/* `keys` NULL: read, as far as pointers, and copy nothing. The sum keeps the compiler from leaving it out. */
static size_t by_scan(struct keys *keys)
{
	struct scan s;
	size_t sum;

	if (scan_message(&s, (struct slice){message, sizeof(message) - 1}))
		abort();
	sum = s.branch.l + s.from_tag.l + s.to_tag.l + s.call_id.l + s.cseq + s.cseq_method.l;
	if (keys) {
		slice_copy(keys->branch, sizeof(keys->branch), s.branch);
		slice_copy(keys->from_tag, sizeof(keys->from_tag), s.from_tag);
		slice_copy(keys->to_tag, sizeof(keys->to_tag), s.to_tag);
		slice_copy(keys->call_id, sizeof(keys->call_id), s.call_id);
		slice_copy(keys->method, sizeof(keys->method), s.cseq_method);
		snprintf(keys->cseq, sizeof(keys->cseq), "%u", s.cseq);
	}
	scan_free(&s);
	return sum;
}

static size_t by_osip(struct keys *keys)
{
	osip_generic_param_t *branch = NULL, *from_tag = NULL, *to_tag = NULL;
	osip_message_t *m;
	osip_via_t *via;
	size_t sum;

	if (osip_message_init(&m) || osip_message_parse(m, message, sizeof(message) - 1))
		abort();
	via = osip_list_get(&m->vias, 0);
	osip_via_param_get_byname(via, (char *)"branch", &branch);
	osip_from_get_tag(m->from, &from_tag);
	osip_to_get_tag(m->to, &to_tag);
	if (!branch || !from_tag || !to_tag)
		abort();
	sum = (size_t)branch->gvalue[0] + (size_t)from_tag->gvalue[0] + (size_t)to_tag->gvalue[0] +
	      (size_t)m->call_id->number[0] + (size_t)m->cseq->number[0] + (size_t)m->cseq->method[0];
	if (keys) {
		copy(keys->branch, sizeof(keys->branch), branch->gvalue);
		copy(keys->from_tag, sizeof(keys->from_tag), from_tag->gvalue);
		copy(keys->to_tag, sizeof(keys->to_tag), to_tag->gvalue);
		snprintf(keys->call_id, sizeof(keys->call_id), "%s@%s", m->call_id->number, m->call_id->host);
		copy(keys->cseq, sizeof(keys->cseq), m->cseq->number);
		copy(keys->method, sizeof(keys->method), m->cseq->method);
	}
	osip_message_free(m);
	return sum;
}

static double time_of(size_t (*fn)(struct keys *))
{
	static volatile size_t sink;
	double start = bench_now();

	for (int i = 0; i < TIMES; i++)
		sink += fn(NULL);
	return (bench_now() - start) / TIMES;
}

static void silent(const char *file, int line, osip_trace_level_t level, const char *fmt, va_list ap)
{
	(void)file;
	(void)line;
	(void)level;
	(void)fmt;
	(void)ap;
}

int main(void)
{
	double scan[ROUNDS], osip[ROUNDS], ratio[ROUNDS];
	struct keys a = {0}, b = {0};

	osip_trace_initialize_func(END_TRACE_LEVEL, silent);
	parser_init();
	by_scan(&a);
	by_osip(&b);
	if (memcmp(&a, &b, sizeof(a))) {
		fprintf(stderr, "the two do not read the same: %s %s\n", a.call_id, b.call_id);
		return 1;
	}
	time_of(by_scan);
	time_of(by_osip);
	for (int i = 0; i < ROUNDS; i++) {
		scan[i] = time_of(by_scan);
		osip[i] = time_of(by_osip);
		ratio[i] = osip[i] / scan[i];
	}
	printf(
	    "INVITE of %zu bytes: keys by scan %.0f ns, by osip_message_parse %.0f ns; ratio %.1f (expected >= 10)\n",
	    sizeof(message) - 1, bench_median(scan, ROUNDS), bench_median(osip, ROUNDS), bench_median(ratio, ROUNDS));
	return 0;
}

/* What it costs a UAS to judge a sound INVITE before it looks for its user: 3 us are allowed. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "sip/verdict.h"

#define ROUNDS 15
#define TIMES 20000

static const char message[] =
	"INVITE sip:bob@biloxi.example.com;transport=udp SIP/2.0\r\n"
	"Via: SIP/2.0/UDP edge.atlanta.example.com:5060;branch=z9hG4bK4b43c2ff8.1;rport\r\n"
	"Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;received=192.0.2.101\r\n"
	"Max-Forwards: 69\r\n"
	"Record-Route: <sip:edge.atlanta.example.com;lr>\r\n"
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
	"To: \"Bob\" <sip:bob@biloxi.example.com>\r\n"
	"Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com\r\n"
	"CSeq: 2 INVITE\r\n"
	"Contact: <sip:alice@client.atlanta.example.com:5060>\r\n"
	"User-Agent: ExamplePhone/4.2\r\n"
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO\r\n"
	"Supported: replaces, timer\r\n"
	"Accept: application/sdp\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 5\r\n"
	"\r\n"
	"v=0\r\n";

int main(void)
{
	static const struct verdict_limits limits;
	double ns[ROUNDS];
	struct scan s;

	if (scan_message(&s, (struct slice){message, sizeof(message) - 1}))
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		double start = bench_now();
		for (int n = 0; n < TIMES; n++) {
			struct verdict v = {0};
			verdict_on_message(&v, &s, UA_ANSWERS_ALL, &limits);
			if (!v.status)
				verdict_on_request(&v, &s, UA_ANSWERS_ALL, false, SLICE_LIT(UA_SUPPORTS), SLICE_NONE);
			if (v.status)
				abort();
			verdict_free(&v);
		}
		ns[i] = (bench_now() - start) / TIMES;
	}
	scan_free(&s);
	printf("verdict on an INVITE of %zu bytes: %.0f ns (expected < 3000)\n", sizeof(message) - 1, bench_median(ns, ROUNDS));
	return 0;
}

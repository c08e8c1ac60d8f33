/* A callee that is never the bottleneck, for workers.py: it answers INVITE with 180 and 200, BYE with 200, and keeps no state at all, so that a
 * datagram costs little more than its two system calls, which are for 64 at a time. Not a SIP element: it reads only what our own caller sends.
 *
 *   reflector PORT THREADS    until SIGTERM */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SIZE 2048

static const char SDP[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39922 RTP/AVP 0 8 101\r\n"
			  "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";
static unsigned short port;

/* The line that begins with `name`, its CRLF included. */
static const char *header(size_t *len, const char *text, const char *name)
{
	const char *at = strstr(text, name), *end = at ? strstr(at + 2, "\r\n") : NULL;

	*len = end ? (size_t)(end + 2 - (at + 2)) : 0;
	return at ? at + 2 : "";
}

static size_t answer(char *out, const char *request, const char *first, bool tag, bool sdp)
{
	static const char *names[] = {"\r\nVia:", "\r\nFrom:", "\r\nTo:", "\r\nCall-ID:", "\r\nCSeq:"};
	size_t n = (size_t)sprintf(out, "SIP/2.0 %s\r\n", first), len;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *line = header(&len, request, names[i]);
		memcpy(out + n, line, len);
		n += len;
		if (i == 2 && tag && len)
			n += (size_t)sprintf(out + n - 2, ";tag=reflector\r\n") - 2;
	}
	if (tag)
		n += (size_t)sprintf(out + n, "Contact: <sip:answer@127.0.0.1:%u>\r\n", port);
	if (sdp)
		n += (size_t)sprintf(out + n, "Content-Type: application/sdp\r\n");
	return n + (size_t)sprintf(out + n, "Content-Length: %zu\r\n\r\n%s", sdp ? sizeof(SDP) - 1 : 0, sdp ? SDP : "");
}

static void *serve(void *arg)
{
	static const int one = 1, size = 4 << 20;
	static __thread char in[BATCH][SIZE], out[2 * BATCH][SIZE];
	struct sockaddr_in from[BATCH], here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct iovec vi[BATCH], vo[2 * BATCH];
	struct mmsghdr mi[BATCH], mo[2 * BATCH];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)arg;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)); /* one socket a thread: the kernel spreads the callers' ports */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here))) {
		perror("bind");
		exit(1);
	}
	for (;;) {
		int n, sent = 0, k = 0;
		for (int i = 0; i < BATCH; i++) {
			vi[i] = (struct iovec){in[i], SIZE - 1};
			mi[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &vi[i], .msg_iovlen = 1};
		}
		n = recvmmsg(fd, mi, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			bool invite = !strncmp(in[i], "INVITE ", 7);
			in[i][mi[i].msg_len] = 0;
			if (!invite && strncmp(in[i], "BYE ", 4))
				continue;
			for (int r = 0; r < 1 + invite; r++, k++) {
				vo[k] = (struct iovec){out[k], answer(out[k], in[i], invite && !r ? "180 Ringing" : "200 OK", invite, invite && r)};
				mo[k].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &vo[k], .msg_iovlen = 1};
			}
		}
		while (sent < k) {
			int done = sendmmsg(fd, mo + sent, (unsigned)(k - sent), 0);
			if (done <= 0)
				break;
			sent += done;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 0;
	pthread_t t;

	if (threads < 1) {
		fprintf(stderr, "reflector PORT THREADS\n");
		return 2;
	}
	port = (unsigned short)atoi(argv[1]);
	for (int i = 1; i < threads; i++)
		pthread_create(&t, NULL, serve, NULL);
	serve(NULL);
	return 0;
}

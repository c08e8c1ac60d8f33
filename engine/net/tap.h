/* Where the network shows what goes over the wire. The engine knows no recorder: the program hands one in.
 * A packet between two actors of the run is shown once, at its sender. */
#ifndef OFFHOOK_NET_TAP_H
#define OFFHOOK_NET_TAP_H

#include "net/addr.h"

struct tap_packet {
	uint64_t wall;       /* ns since the Unix epoch */
	struct addr src, dst;
	const uint8_t *data; /* UDP payload; the tap copies what it keeps */
	size_t len;
	const char *actor;   /* the actor of this run that sent it, or that received it from outside */
	bool received;       /* came from outside the run */
};

struct tap {
	/* Returns the frame number (from 1) that names the packet in later calls, or 0 when it was not kept. */
	uint32_t (*packet)(void *arg, const struct tap_packet *p);
	/* Adds a line of comment to a frame (0: to the capture as a whole). */
	void (*comment)(void *arg, uint32_t frame, const char *text);
	/* The frame was held at its sender and goes on now, behind the last packet shown. */
	void (*released)(void *arg, uint32_t frame, uint64_t wall);
	/* `actor` lives at `a`. Several actors may share a host and differ by port. */
	void (*name)(void *arg, const struct addr *a, const char *actor);
	void *arg;
};

#endif

/* Real UDP sockets: queued sendmmsg, recvmmsg into one slab, kernel time stamps, and ICMP errors from the error queue.
 */
#include "net/net_priv.h"
#include "core/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCK_RCVBUF (4 << 20)
#define RECV_BATCH 64
#define RECV_MANY 256 /* in one wake-up; what is left waits for the next, after everybody else's turn */
#define RECV_SIZE 65536
#define RECV_SKEW 1088 /* so that the beginnings of datagrams do not fall into the same lines of the cache */
#define QUEUE_MAX 65536 /* datagrams that wait for a full socket */

/* A descriptor and what waits to go out by it. It outlives its transport for as long as datagrams of it are under way.
 */
struct sock {
	struct net *net;      /* its owners do not outlive it */
	struct transport *tp; /* NULL when that is gone */
	struct loop_fd lf;
	int fd;
	struct packets queue; /* what it could not take yet; while that is something, the socket is in net->full */
	size_t queued;        /* here and in net->outbox */
	bool full;            /* waits for EPOLLOUT */
	bool deaf;            /* another thread reads it */
	size_t run_max;       /* no longer datagrams go in runs by it; 0: none */
	struct sock *full_next;
};

/* Where datagrams are received: one for the whole net, for they are copied before the next batch. */
struct slab {
	struct mmsghdr msgs[RECV_BATCH];
	struct iovec iov[RECV_BATCH];
	struct addr src[RECV_BATCH];
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(int))];
	} ctrl[RECV_BATCH];
	uint8_t data[RECV_BATCH][RECV_SIZE + RECV_SKEW];
};

/* --- the socket --- */

static void sock_destroy(void *block)
{
	struct sock *s = block;
	struct packet *p;

	while ((p = TAILQ_FIRST(&s->queue)))
		mem_deref(p);
	if (s->fd >= 0) {
		loop_fd_remove(s->net->loop, &s->lf);
		close(s->fd);
	}
}

static void sock_event(uint32_t events, void *arg);

/* Watches for what is wanted now: arrivals while somebody listens, room while datagrams wait for it. */
static int sock_watch(struct sock *s, struct err *e)
{
	uint32_t events = (s->tp && !s->deaf ? EPOLLIN : 0) | (s->full ? EPOLLOUT : 0);

	loop_fd_remove(s->net->loop, &s->lf);
	return events ? loop_fd_add(s->net->loop, &s->lf, s->fd, events, sock_event, s, e) : 0;
}

/* An error from bind() in words of the person who chose the address. */
static int bind_error(const struct transport *tp, const struct addr *a, int error, struct err *e)
{
	const char *name = tp->actor->name, *advice = "";
	char text[ADDR_STRLEN];

	if (error == EADDRNOTAVAIL)
		return err_set(e, ERR_ENV, "%s is not an address of this host (%s)", addr_host(text, a), name);
	if (error == EAFNOSUPPORT)
		return err_set(e, ERR_ENV, "cannot bind %s for %s: this host has no %s", addr_str(text, a), name,
			       addr_is_v6(a) ? "IPv6" : "IPv4");
	if (error == EADDRINUSE)
		return err_set(e, ERR_ENV,
			       "cannot bind %s for %s: address already in use (choose another port, or leave it out "
			       "for a free one)",
			       addr_str(text, a), name);
	if (error == EACCES)
		advice = " (ports below 1024 need privilege)";
	else if (error == EMFILE)
		advice = " (raise the limit with ulimit -n)";
	return err_set(e, ERR_ENV, "cannot bind %s for %s: %s%s", addr_str(text, a), name, strerror(error), advice);
}

/* Runs go by it, if the kernel can: one before Linux 4.18 would take a run for a single datagram. */
static void sock_allow_runs(struct sock *s)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (s->net->bulk && !getsockopt(s->fd, SOL_UDP, UDP_SEGMENT, &value, &len))
		s->run_max = RUN_BYTES;
}

static int sock_open(struct sock *s, bool v6)
{
	int one = 1, size = SOCK_RCVBUF;

	s->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return errno;
	/* Best effort, all of them: without, the loss of comfort is ours and the run goes on. */
	(void)setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (v6) {
		(void)setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		(void)setsockopt(s->fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
	} else {
		(void)setsockopt(s->fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	}
	if (s->net->bulk)
		(void)setsockopt(s->fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	sock_allow_runs(s);
	return 0;
}

static int sock_bind(struct sock *s, const struct addr *a)
{
	return bind(s->fd, &a->u.sa, addr_len(a)) ? errno : 0;
}

/* Every actor has an address of its own in 127.0.0.0/16, from 127.0.0.2 on, so that captures and logs tell them apart.
 */
static void own_host(struct addr *a, struct transport *tp, bool v6)
{
	uint32_t n = net_actor_host(tp->net, tp->actor);

	memset(a, 0, sizeof(*a));
	if (v6) {
		addr_set(a, SLICE_LIT("::1"), 0);
	} else {
		a->u.in4.sin_family = AF_INET;
		a->u.in4.sin_addr.s_addr = htonl((127u << 24) + (n / 254 % 256 << 8) + n % 254 + 1);
	}
}

int udp_bind(struct transport *tp, const struct addr *local, bool v6, struct err *e)
{
	struct sock *s = mem_zalloc(sizeof(*s), sock_destroy);
	socklen_t len = sizeof(tp->local);
	struct addr want;
	int error, err = 0;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->net = tp->net;
	s->fd = -1;
	TAILQ_INIT(&s->queue);
	if (local)
		want = *local;
	else
		own_host(&want, tp, v6);
	error = sock_open(s, addr_is_v6(&want));
	if (!error && !addr_port(&want)) { /* where Wireshark looks for SIP, if nobody is there yet */
		addr_set_port(&want, SIP_PORT);
		error = sock_bind(s, &want);
		if (error == EADDRINUSE) {
			addr_set_port(&want, 0);
			error = sock_bind(s, &want);
		}
	} else if (!error) {
		error = sock_bind(s, &want);
	}
	if (!error && getsockname(s->fd, &tp->local.u.sa, &len))
		error = errno;
	if (error) {
		err = bind_error(tp, &want, error, e);
		goto out;
	}
	s->tp = tp;
	err = sock_watch(s, e);
out:
	if (err)
		mem_deref(s);
	else
		tp->sock = s;
	return err;
}

int udp_beside(struct transport *tp, int fd, const struct addr *local, struct err *e)
{
	struct sock *s = mem_zalloc(sizeof(*s), sock_destroy);

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->net = tp->net;
	TAILQ_INIT(&s->queue);
	s->deaf = true;
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (s->fd < 0) {
		mem_deref(s);
		return err_set(e, ERR_ENV, "cannot share a socket: %s", strerror(errno));
	}
	sock_allow_runs(s);
	tp->local = *local;
	s->tp = tp;
	tp->sock = s;
	return 0;
}

int udp_fd(const struct transport *tp)
{
	return tp->sock ? tp->sock->fd : -1;
}

int net_source_for(struct addr *src, const struct addr *dst, struct err *e)
{
	socklen_t len = sizeof(*src);
	struct addr to = *dst;
	char text[ADDR_STRLEN];
	int fd, err = 0;

	memset(src, 0, sizeof(*src));
	if (!addr_port(&to))
		addr_set_port(&to, SIP_PORT); /* connect() wants one; nothing is sent */
	fd = socket(to.u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &to.u.sa, addr_len(&to)) || getsockname(fd, &src->u.sa, &len))
		err = err_set(e, ERR_ENV, "cannot reach %s from this host: %s (check the address and the routes)",
			      addr_host(text, dst), strerror(errno));
	else
		addr_set_port(src, 0);
	if (fd >= 0)
		close(fd);
	return err;
}

/* --- sending --- */

static void packet_done(struct sock *s, struct packet *p)
{
	s->queued--;
	mem_deref(p);
}

static void send_failed(struct sock *s, struct packet *p, int error)
{
	bool trapped = error == EINVAL && addr_is_loopback(&p->src) && !addr_is_loopback(&p->dst);
	char text[160];

	snprintf(text, sizeof(text), "not sent: %s%s", strerror(error),
		 trapped ? " (from a loopback address nothing leaves this host)" : "");
	if (p->frame)
		net_comment(s->net, p->frame, text);
	net_report(s->net, &p->src, &p->dst, error);
}

/* The kernel told of destinations that cannot be reached. Reading clears the error that it would else return to the
 * next call. */
static void errors_read(struct sock *s)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) + 128];
	} ctrl;
	int error = 0;
	socklen_t len = sizeof(error);

	for (;;) {
		struct addr dst;
		uint8_t byte;
		struct iovec iov = {&byte, sizeof(byte)};
		struct msghdr m = {
		    .msg_name = &dst,
		    .msg_namelen = sizeof(dst),
		    .msg_iov = &iov,
		    .msg_iovlen = 1,
		    .msg_control = &ctrl,
		    .msg_controllen = sizeof(ctrl),
		};

		if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err see;

			if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
			    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
				continue;
			memcpy(&see, CMSG_DATA(c), sizeof(see));
			/* "Fragmentation needed" is news for the kernel, which does fragment; the next try gets
			 * through. A local error is also the return value of the send that met it. */
			if (see.ee_errno == EMSGSIZE || see.ee_origin == SO_EE_ORIGIN_LOCAL)
				continue;
			if (s->tp && m.msg_namelen)
				net_report(s->net, &s->tp->local, &dst, (int)see.ee_errno);
		}
	}
	/* An error whose entry found no room in the queue. */
	(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

/* A full socket is kept by the net until it has sent what waits, also without its transport. */
static void sock_set_full(struct sock *s, bool full)
{
	struct net *net = s->net;

	s->full = full;
	(void)sock_watch(s, NULL);
	if (full) {
		s->full_next = net->full;
		net->full = mem_ref(s);
		return;
	}
	for (struct sock **at = &net->full; *at; at = &(*at)->full_next) {
		if (*at == s) {
			*at = s->full_next;
			mem_deref(s);
			return;
		}
	}
}

/* Not every device takes every run: none longer than its packets, or none at all without a checksum of its own. */
static void run_refused(struct sock *s, const struct packet *first, int error)
{
	if (error == EINVAL || error == EMSGSIZE)
		s->run_max = first->len - 1;
	else if (error == EIO || error == EOPNOTSUPP)
		s->run_max = 0;
	/* Else it is the destination that is refused. */
}

/* Sends until the queue is empty or the socket is full. The caller holds a reference. */
static void sock_drain(struct sock *s)
{
	bool full = false, retried = false, singly = false;
	struct batch b;

	while (!TAILQ_EMPTY(&s->queue) && !full) {
		struct packet *first = TAILQ_FIRST(&s->queue); /* of the first message, too */
		int sent;

		batch_fill(&b, &s->queue, singly ? 0 : s->run_max);
		sent = sendmmsg(s->fd, b.msgs, b.n, MSG_DONTWAIT);
		if (sent > 0) {
			size_t done = 0;

			loop_late(s->net->loop, LOOP_LATE_SEND, first->since);
			for (int i = 0; i < sent; i++)
				done += b.msgs[i].msg_hdr.msg_iovlen;
			for (size_t i = 0; i < done; i++)
				packet_done(s, b.packets[i]);
			retried = singly = false;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			full = true;
		} else if (errno != EINTR && !retried) {
			/* Perhaps the late answer to an earlier datagram. */
			int error = errno;

			errors_read(s);
			retried = true;
			errno = error;
		} else if (errno != EINTR && b.msgs[0].msg_hdr.msg_iovlen > 1) {
			run_refused(s, first, errno);
			singly = true;
		} else if (errno != EINTR) {
			send_failed(s, first, errno);
			packet_done(s, first);
			retried = false;
		}
	}
	if (full != s->full)
		sock_set_full(s, full);
}

void udp_send(struct sock *s, struct packet *p)
{
	struct net *net = s->net;
	struct transport *to;

	if (s->queued >= QUEUE_MAX && !s->full)
		udp_flush(net); /* one round of the loop sent so much, the socket does take more */
	if (s->queued >= QUEUE_MAX) {
		send_failed(s, p, ENOBUFS);
		mem_deref(p);
		return;
	}
	to = net->tap ? net_find(net, &p->dst) : NULL;
	if (to)
		seen_add(net, to, p);
	p->since = loop_now(net->loop);
	packet_list_add(p, &net->outbox);
	s->queued++;
}

void udp_flush(void *arg)
{
	struct net *net = arg;
	struct packet *p;

	/* In the order of sending across all sockets, for a script that sends from two actors counts on it; in batches
	 * where one socket sent several in a row. */
	while ((p = TAILQ_FIRST(&net->outbox))) {
		struct sock *s = mem_ref(p->sock);

		do {
			packet_list_remove(p);
			packet_list_add(p, &s->queue);
			p->sock = mem_deref(p->sock); /* the queue must not own its owner */
			p = TAILQ_FIRST(&net->outbox);
		} while (p && p->sock == s);
		if (!s->full)
			sock_drain(s);
		mem_deref(s);
	}
}

void udp_close(struct transport *tp)
{
	struct net *net = tp->net;
	struct sock *s = tp->sock;

	if (!s)
		return;
	if (net->receiving == tp)
		net->receiving = NULL;
	udp_flush(net); /* the loop may never run again, and the port is to be free at once */
	net->overflowed_before += udp_overflowed(tp);
	s->tp = NULL;
	(void)sock_watch(s, NULL);
	tp->sock = mem_deref(s);
}

void udp_free_all(struct net *net)
{
	while (net->full) {
		struct sock *s = net->full;

		net->full = s->full_next;
		mem_deref(s);
	}
	net->slab = mem_deref(net->slab);
	net->seen = mem_deref(net->seen);
}

/* --- receiving --- */

uint32_t udp_overflowed(const struct transport *tp)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	/* Costs nothing while datagrams come, and tells also of losses that no datagram followed, unlike SO_RXQ_OVFL. */
	if (!tp->sock || tp->sock->deaf || getsockopt(tp->sock->fd, SOL_SOCKET, SO_MEMINFO, info, &len))
		return 0;
	return info[SK_MEMINFO_DROPS];
}

static struct slab *slab_get(struct net *net)
{
	struct slab *slab = net->slab;

	if (slab)
		return slab;
	slab = net->slab = mem_zalloc(sizeof(*slab), NULL);
	for (int i = 0; slab && i < RECV_BATCH; i++) {
		slab->iov[i] = (struct iovec){slab->data[i], RECV_SIZE};
		slab->msgs[i].msg_hdr = (struct msghdr){
		    .msg_name = &slab->src[i],
		    .msg_iov = &slab->iov[i],
		    .msg_iovlen = 1,
		    .msg_control = &slab->ctrl[i],
		};
	}
	return slab;
}

/* When it arrived; and how long each datagram is but the last, if it is a run of several. */
static uint64_t arrival(struct loop *loop, struct msghdr *m, size_t *each)
{
	uint64_t now = loop_now(loop);
	struct timespec ts;
	int size;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			now = loop_arrival(loop, (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			if (size > 0)
				*each = (size_t)size;
		}
	}
	return now;
}

void udp_bring(struct transport *tp, const struct addr *src, const void *data, size_t len, uint64_t now)
{
	struct net *net = tp->net;
	uint32_t frame = 0;

	net->stats.received++;
	if (net->tap && !seen_take(net, &frame, tp, src, data, len) && net->tap->packet) {
		struct tap_packet t = {
		    .wall = loop_wall(net->loop, now),
		    .src = *src,
		    .dst = transport_source(tp, src),
		    .data = data,
		    .len = len,
		    .actor = tp->actor->name,
		    .received = true,
		};

		frame = net->tap->packet(net->tap->arg, &t);
	}
	if (tp->recvh)
		tp->recvh(tp, src, data, len, now, frame, tp->arg);
}

/* Brings what came in one message; false when nobody is left to bring it to. */
static bool bring_all(struct transport *tp, struct slab *slab, int i, unsigned *count)
{
	size_t len = slab->msgs[i].msg_len, each = len, at = 0;
	struct net *net = tp->net;
	uint64_t now = arrival(net->loop, &slab->msgs[i].msg_hdr, &each);

	do { /* an empty datagram is one, too */
		udp_bring(tp, &slab->src[i], slab->data[i] + at, len - at < each ? len - at : each, now);
		at += each;
		++*count;
	} while (at < len && net->receiving == tp);
	return net->receiving == tp;
}

/* Reads one batch and counts its datagrams; false when there is nothing more to read or nobody left to read it. */
static bool receive(struct sock *s, struct slab *slab, unsigned *count)
{
	struct transport *tp = s->tp;
	struct net *net = s->net;
	int n;

	for (int i = 0; i < RECV_BATCH; i++) {
		slab->msgs[i].msg_hdr.msg_namelen = sizeof(slab->src[i]);
		slab->msgs[i].msg_hdr.msg_controllen = sizeof(slab->ctrl[i]);
	}
	n = recvmmsg(s->fd, slab->msgs, RECV_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno == EAGAIN)
			return false;
		++*count;
		if (errno != EINTR)
			errors_read(s);
		return true;
	}
	/* A handler may free the transport and what it serves: udp_close() then clears net->receiving. */
	net->receiving = tp;
	for (int i = 0; i < n; i++)
		if (!bring_all(tp, slab, i, count))
			return false;
	net->receiving = NULL;
	return n == RECV_BATCH;
}

static void sock_event(uint32_t events, void *arg)
{
	struct sock *s = mem_ref(arg);
	struct net *net = mem_ref(s->net);
	unsigned count = 0;
	struct slab *slab;

	if (events & EPOLLERR)
		errors_read(s);
	if (events & EPOLLOUT && s->full)
		sock_drain(s);
	if (events & EPOLLIN && s->tp) {
		slab = slab_get(net);
		while (slab && count < RECV_MANY && receive(s, slab, &count))
			;
		loop_brought(net->loop, count);
	}
	mem_deref(s);
	mem_deref(net);
}

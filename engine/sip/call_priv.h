/* What the files of the call machine share. Private to call*.c and session_timer.c. */
#ifndef OFFHOOK_SIP_CALL_PRIV_H
#define OFFHOOK_SIP_CALL_PRIV_H

#include "sip/call.h"
#include "sip/within.h"

struct call *call_alloc(struct ua *ua, const struct session_opts *session);
bool call_tell(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why);
uint64_t call_now(const struct call *call);
/* The state is CALL_TERMINATED from here on; `by` is a static text. */
void call_end(struct call *call, const char *by);
/* Hangs up by itself, if it can: `by` says why. */
void call_hang_up(struct call *call, const char *by);
/* The session description that a message brings; empty if it has none, or another body. */
static inline struct slice call_sdp_of(const struct msg *m)
{
	return verdict_has_sdp(&m->s) ? m->s.body : SLICE_NONE;
}
/* Hangs up the dialog of another fork. */
void call_hang_up_fork(struct call *call, struct dialog *d);
/* Repeats our 2xx no more, and waits for its ACK no more: if it is that of dialog `d`, one of the call's. */
void call_stop_answer(struct call *call, const struct dialog *d);
/* Our session description: an offer where `offer` is empty, else the answer to it. */
void call_put_sdp(struct call *call, struct buf *out, struct slice offer);
/* The dialog is one of the call's from here on; takes over the reference. */
int call_enter_dialog(struct call *call, struct dialog *d);
/* The call whose dialog that is; NULL if it is another's. */
struct call *call_of(struct dialog *d);
/* An INVITE that came waits for its final response. */
bool call_waits_for_answer(const struct call *call);

/* --- headers of a message: the user's, and behind them the call's own unless the user's list has them --- */
#define CALL_HEADERS_MAX 6
struct call_headers {
	struct build_header *all;    /* `few`, or a block of its own */
	struct build_header few[2 * CALL_HEADERS_MAX];
	unsigned count;
	uint64_t present;            /* bit = hdr_id */
	char values[CALL_HEADERS_MAX][64];
	unsigned used;
};
/* ERR_NOMEM. */
int call_headers_init(struct call_headers *x, const struct build_header *extra, unsigned count);
/* `value` must last as long as `x`. */
void call_headers_add(struct call_headers *x, enum hdr_id id, struct slice value);
void call_headers_print(struct call_headers *x, enum hdr_id id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void call_headers_free(struct call_headers *x);

/* --- call_uac.c --- */
/* Takes care of the responses to an INVITE or UPDATE within the dialog, before its user sees them. `before`: the direction that the
 * session goes back to when the offer is refused. */
void call_watch_offer(struct call *call, struct uac *uac, const struct ua_request *u, const char *before);
/* A 2xx to our INVITE, of whichever fork. */
void call_answered(struct call *call, struct msg *m, const char *why);
/* The time after a 491 to try again has come. */
void call_retry_cancel(struct call *call);

/* --- call_rest.c --- */
/* The transaction of our INVITE (`arg` is the call), or of the one that came and was answered, is over. */
void call_client_over(struct uac *uac, void *arg);
void call_server_over(struct call *call);
void call_server_acknowledged(struct call *call);

/* --- call_uas.c --- */
/* A session description for a response to `request` that has no body of its own. */
int call_answer_sdp(struct call *call, struct build_response *b, const struct call_reply *r, const struct msg *request,
		    struct buf *sdp);
/* Whether its offer has nothing that our description could answer: then it gets a 488. */
bool call_refuse_offer(struct call *call, struct strans *st);
/* The ACK to our 2xx, or another one. */
void call_receive_ack(struct call *call, struct msg *m);
/* The INVITE that came is the one to be answered from here on; `st` NULL: none. */
void call_take_server(struct call *call, struct strans *st);

/* --- call_reliable.c: RFC 3262 --- */
/* Whether a provisional may be given to the user: one that is reliable only in order, and once; it is acknowledged with a PRACK. */
bool reliable_receive(struct call *call, struct dialog *d, struct msg *m);
/* The response is sent reliably: adds its headers and remembers its number. */
void reliable_begin(struct call *call, struct call_headers *x);
/* It was sent as `m`: repeats it until its PRACK. */
int reliable_sent(struct call *call, struct msg *m);
/* A PRACK came. True: it acknowledges one of ours, which is repeated no more. */
bool reliable_acknowledged(struct call *call, const struct msg *prack);
/* Repeats none of them any more; their PRACKs still match. */
void reliable_stop(struct call *call);
void reliable_free(struct call *call);

#endif

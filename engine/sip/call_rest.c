/* A call at rest: its INVITE's transaction is over, or goes on by itself, and nothing happens until a BYE. Of the INVITE its bytes stay, in case
 * somebody reads it; what was there to repeat and to match messages goes. A load run holds tens of thousands of such calls. */
#include "sip/call_priv.h"

#include "core/mem.h"

/* Nothing of the INVITE is under way, and no script holds its transaction. */
static bool may_rest(const struct call *call)
{
	return call->state == CALL_CONFIRMED && !call->answer && !call->shown;
}

/* Our INVITE is the first that is kept, or call->invite stays: an ACK by hand takes its credentials from there. */
static void rest(struct call *call)
{
	struct kept *bytes;

	if (call->rest && call->outgoing)
		return;
	bytes = msg_rest(&call->ua->ep->sb->models, call->request);
	if (!bytes)
		return;
	mem_deref(call->rest);
	call->rest = bytes;
	call->request = mem_deref(call->request);
}

/* Nobody repeats a 2xx that was acknowledged (RFC 6026 7.1). */
void call_server_acknowledged(struct call *call)
{
	if (!call->server || call->shown)
		return;
	if (call->server->ep)
		strans_forget(call->server);
	else /* the ACK came later than timer L */
		call_server_over(call);
}

static void let_go_of_client(struct call *call)
{
	const struct uac *uac = call->invite;

	call->past.challenges = uac->challenges;
	call->past.retransmissions = uac->ct->retransmissions;
	call->past.repeated_responses = uac->ct->repeated_responses;
	rest(call);
	call->invite = mem_deref(call->invite);
}

void call_client_over(struct uac *uac, void *arg)
{
	struct call *call = arg;

	/* A 2xx that is repeated now finds no transaction, and no ACK. */
	for (struct dialog *d = call->dialogs; d; d = d->next)
		d->ack = mem_deref(d->ack);
	if (may_rest(call) && call->request == uac->request)
		let_go_of_client(call);
}

void call_server_over(struct call *call)
{
	if (!may_rest(call) || call->request != call->server->request)
		return;
	if (!call->outgoing)
		call->past.retransmissions = call->server->retransmissions;
	rest(call);
	call_take_server(call, NULL);
}

static void on_late_answer(struct ctrans *ct, struct msg *m, void *arg)
{
	struct call *call = mem_ref(arg);

	(void)ct;
	call_answered(call, m, NULL);
	mem_deref(call);
}

/* The transaction repeats the ACK by itself from here on. */
static void client_goes_on_alone(struct call *call)
{
	struct uac *uac = call->invite;
	struct dialog *d = call->dialog;

	if (call->request != uac->request || call->offering || !d || d != call->dialogs || d->next || !d->ack)
		return;
	call->alone = ctrans_rest(uac->ct, d->ack, on_late_answer, call);
	if (!call->alone)
		return;
	d->ack = mem_deref(d->ack);
	let_go_of_client(call);
}

void call_rest(struct call *call)
{
	if (!may_rest(call))
		return;
	if (call->outgoing && call->invite)
		client_goes_on_alone(call);
	else if (!call->outgoing && call->server)
		call_server_over(call);
	for (struct dialog *d = call->dialogs; d; d = d->next)
		dialog_rest(d, &call->ua->ep->sb->models);
}

/* --- a call that its user leaves --- */

void call_leave(struct call *call, const char *by)
{
	mem_ref(call);
	if (call->state == CALL_CONFIRMED)
		call_hang_up(call, by);
	else if (call->state == CALL_INCOMING && call_waits_for_answer(call))
		call_reply(call, &(struct call_reply){.status = 480}, NULL, NULL);
	else if (call->outgoing && call->state != CALL_TERMINATED)
		call_cancel(call, false, false, NULL);
	if (call->state == CALL_TERMINATED && call->invite && call->dialog && call->dialog->ack)
		ctrans_keep_ack(call->invite->ct, call->dialog->ack);
	mem_deref(call);
}

bool call_is_left(const struct call *call)
{
	bool hanging_up = call->bye && call->bye->ct->ep && call->bye->ct->state < TRANS_COMPLETED;
	bool acknowledged = !call->invite || !call->invite->ct->ep || call->invite->ct->ack_2xx || call->invite->ct->state != TRANS_ACCEPTED;

	return call->state == CALL_TERMINATED && !hanging_up && acknowledged;
}

/* --- what scripts read of it all the same --- */

struct msg *call_invite_msg(struct call *call)
{
	if (!call->request && call->rest)
		msg_wake(&call->request, call->rest);
	return call->request;
}

unsigned call_challenges(const struct call *call)
{
	return call->invite ? call->invite->challenges : call->past.challenges;
}

unsigned call_retransmissions(const struct call *call)
{
	if (call->invite)
		return call->invite->ct->retransmissions;
	return call->server && !call->outgoing ? call->server->retransmissions : call->past.retransmissions;
}

unsigned call_repeated_2xx(const struct call *call)
{
	unsigned alone = call->alone ? call->alone->repeated_responses : 0;

	return call->repeated_2xx + alone + (call->invite ? call->invite->ct->repeated_responses : call->past.repeated_responses);
}

struct ctrans *call_client(struct call *call)
{
	struct msg *m = NULL;

	call->shown = true;
	if (call->invite)
		return call->invite->ct;
	if (!call->client && call->rest && !msg_wake(&m, call->rest)) {
		call->client = ctrans_past(m);
		if (call->client) {
			call->client->retransmissions = call->past.retransmissions;
			call->client->repeated_responses = call->past.repeated_responses;
		}
		mem_deref(m);
	}
	return call->client;
}

struct strans *call_server(struct call *call)
{
	call->shown = true;
	if (!call->server && call_invite_msg(call)) {
		call->server = strans_past(call->request, dialog_texts(call->dialog).local_tag);
		if (call->server)
			call->server->retransmissions = call->past.retransmissions;
	}
	return call->server;
}

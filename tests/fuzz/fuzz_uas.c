/* A whole user agent in virtual time. Each input is a script: what a peer sends to it, mutated messages of running dialogs among
 * that, and what its user does meanwhile. Whatever happens, the UA stays within a few rules, lives, and ends with nothing left.
 *
 * The first three octets are settings (enums), then come steps: an octet and its arguments. Missing octets are 0. With UAS_TRACE in the
 * environment the messages are shown. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "uas_peer.h"
#include "uas_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { /* first octet */
	SET_PASSWORD = 1,
	SET_PROXY = 2,
	SET_V6 = 4,
	SET_REPEATS = 8,  /* the network doubles and delays */
	SET_LOSS = 16,    /* and loses and reorders */
	SET_ABRUPT = 32,  /* the end comes in the middle of things */
	SET_LIMITS = 64,
	SET_AGENT = 128,
};
enum { /* second octet */
	SET_SESSION = 1,
	SET_SESSION_LONG = 2,
	SET_REFRESHER_UAS = 4,
	SET_MIN_SE = 8,
	SET_NO_EXTENSIONS = 16,
};

static void step(struct world *w)
{
	unsigned op = next(w), i;

	switch (op % 17) {
	case 0:
	case 1:
	case 2:
		peer_requests(w);
		break;
	case 3:
	case 4:
		peer_responds(w);
		break;
	case 5:
		peer_repeats(w);
		break;
	case 6:
		peer_sends_bytes(w);
		break;
	case 7:
	case 8:
		world_wait(w, next(w));
		break;
	case 9:
	case 10:
		i = next(w);
		user_act(&w->talk[i >> 5], i);
		break;
	case 11:
		user_calls(w);
		break;
	case 12:
		i = next(w);
		if (i & 1)
			user_asks(w);
		else
			user_registers(w);
		break;
	case 13:
		user_answers(w);
		break;
	case 14:
		i = next(w);
		w->ua->cfg.answers ^= 1u << i % UA_ANSWER_COUNT;
		break;
	case 16:
		user_subscribes(w);
		break;
	case 15:
		i = next(w);
		if (i & 64) { /* memory runs short for one step */
			w->short_of_memory = true;
			mem_fail_after(i & 31);
			if (w->p < w->end && *w->p % 17 != 15)
				step(w);
			mem_fail_after(-1);
		} else {
			w->reflex = i;
			w->reflex_wait = (int)(next(w) % 8);
		}
		break;
	}
	world_wait(w, 0); /* what is under way arrives */
}

/* The user ends all that is its business. */
static void end_everything(struct world *w)
{
	struct endpoint *ep = w->ua->ep;
	struct ctrans *open[HELD];
	unsigned open_count = 0;

	for (unsigned i = 0; i < TALKS; i++) {
		struct talk *t = &w->talk[i];
		struct call_reply no = {.status = 500};
		struct uac *uac = NULL;
		if (!t->call)
			continue;
		call_reply(t->call, &no, NULL, NULL); /* a re-INVITE too */
		if (t->call->state == CALL_CONFIRMED && call_bye(&uac, t->call, NULL, NULL, NULL, NULL, NULL))
			talk_drop(t); /* it has no peer that could be reached */
		mem_deref(uac); /* goes on by itself */
		for (struct dialog *d = t->call ? t->call->dialogs : NULL; d; d = d->next)
			if (d != t->call->dialog && d->confirmed && !d->over && !call_bye(&uac, t->call, d, NULL, NULL, NULL, NULL))
				mem_deref(uac);
	}
	for (unsigned i = 0; i < USAGES; i++)
		usage_free(&w->usage[i]);
	for (unsigned i = 0; i < HELD; i++)
		if (w->held[i] && w->held[i]->ep)
			ua_reply(w->ua, w->held[i], 500, NULL, NULL, 0);
	/* INVITEs that only their peer can end, also of calls that were dropped */
	for (size_t i = 0; i < ep->sb->ctrans.size; i++)
		for (struct hash_node *n = hash_bucket(&ep->sb->ctrans, i); n; n = n->next) {
			struct ctrans *ct = hash_owner(n, struct ctrans, node);
			if (ct->invite && ct->request && !ct->cancel && open_count < HELD)
				open[open_count++] = mem_ref(ct);
		}
	while (open_count) {
		ctrans_cancel(open[--open_count], false, NULL);
		mem_deref(open[open_count]);
	}
	struct strans *silent;
	while (w->short_of_memory && (silent = world_silent(w)))
		ua_reply(w->ua, silent, 500, NULL, NULL, 0);
	w->reg = mem_deref(w->reg);
}

/* It still answers an OPTIONS. */
static void still_lives(struct world *w)
{
	w->ua->cfg.answers = UA_ANSWERS_ALL;
	w->ua->cfg.limits = (struct verdict_limits){0, 0, 0};
	w->ua->claims = (struct ua_claims){0};
	w->options_answered = false;
	peer_asks_options(w);
	world_wait(w, 1);
	CHECK(w->options_answered);
}

static void orderly_end(struct world *w)
{
	struct endpoint *ep = w->ua->ep;

	w->reflex = 0;
	w->closing = true;
	w->manners = USER_REFUSES;
	net_set_faults(w->net, NULL, NULL, &(struct net_faults){0});
	for (int i = 0; i < 4; i++) { /* an answer may cross what ended it */
		end_everything(w);
		world_wait(w, WAIT_LONG);
	}
	still_lives(w);
	world_wait(w, WAIT_LONG);
	for (unsigned i = 0; i < TALKS; i++)
		CHECK(!w->talk[i].call || (w->talk[i].call->state == CALL_TERMINATED && w->talk[i].ended) || w->short_of_memory);
	for (unsigned i = 0; i < w->answer_count; i++)
		CHECK(w->answer[i].acknowledged || w->unclear || w->short_of_memory);
	CHECK(!ep->sb->ctrans.n);
	CHECK(!ep->sb->strans.n);
	CHECK(!ep->sb->merged.n);
	CHECK(loop_run(w->loop) == LOOP_DRY); /* no timer of an ended call runs */
}

static void world_open(struct world *w)
{
	struct loop_cfg lc = {.virtual_clock = true};
	unsigned set = next(w), more = next(w);
	char proxy[100];

	w->manners = next(w);
	CHECK(loop_alloc(&w->loop, &lc, NULL) == 0);
	struct net_cfg nc = {.loop = w->loop, .seed = 1, .test = "fuzz"};
	CHECK(net_alloc(&w->net, &nc, NULL) == 0);
	endpoints_open(w, set & SET_V6);
	if (set & (SET_REPEATS | SET_LOSS)) {
		struct net_faults f = {.delay = 20 * NS_PER_MS, .jitter = 30 * NS_PER_MS, .duplicate = set & SET_REPEATS ? 0.5 : 0.0};
		f.loss = set & SET_LOSS ? 0.3 : 0.0;
		f.reorder = set & SET_LOSS ? 0.3 : 0.0;
		CHECK(net_set_faults(w->net, NULL, NULL, &f) == 0);
	}
	snprintf(proxy, sizeof(proxy), "sip:%s", w->where[1]);
	struct ua_handlers h = {.incoming = on_incoming, .request = on_held, .answered = on_answered, .arg = w};
	struct ua_cfg cfg = {
		.aor = SLICE_LIT("sip:bob@example.test"),
		.answers = UA_ANSWERS_ALL,
		.outbound_proxy = set & SET_PROXY ? slice_str(proxy) : SLICE_NONE,
		.user_agent = set & SET_AGENT ? SLICE_LIT("fuzzed") : SLICE_NONE,
		.display = set & SET_AGENT ? SLICE_LIT("Bob \"B\"") : SLICE_NONE,
	};
	if (set & SET_PASSWORD)
		cfg.account = (struct auth_account){.password = SLICE_LIT("secret"), .max_attempts = 2};
	if (more & (SET_SESSION | SET_SESSION_LONG))
		cfg.session.expires = more & SET_SESSION ? 90 : 1800;
	cfg.session.refresher = more & SET_REFRESHER_UAS ? SESSION_UAS : SESSION_ANY;
	cfg.session.min_se = more & SET_MIN_SE ? 1 : 0;
	cfg.supports = more & SET_NO_EXTENSIONS ? SLICE_LIT("") : SLICE_NONE;
	if (set & SET_LIMITS)
		cfg.limits = (struct verdict_limits){.uri = 30, .body = 20, .message = 600};
	for (unsigned i = 0; i < TALKS; i++)
		w->talk[i].w = w;
	CHECK(ua_alloc(&w->ua, w->bob, &cfg, &h, NULL) == 0);
	w->ua->claims.all = w->manners & USER_CLAIMS;
	w->ua->in_calls.all = w->manners & USER_CLAIMS_CALLS;
	w->orderly = !(set & SET_ABRUPT);
}

static void world_close(struct world *w)
{
	tmr_cancel(&w->stop);
	mem_deref(w->asked);
	auth_free(&w->asked_auth);
	mem_deref(w->reg);
	for (unsigned i = 0; i < USAGES; i++)
		usage_free(&w->usage[i]);
	for (unsigned i = 0; i < TALKS; i++)
		talk_free(&w->talk[i]);
	CHECK(!w->bob->sb->dialogs.n);
	mem_deref(w->ua);
	endpoints_close(w);
	mem_deref(w->net);
	mem_deref(w->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	size_t live = mem_live();

	memset(&w, 0, sizeof(w));
	w.p = data;
	w.end = data + size;
	world_open(&w);
	for (unsigned steps = 0; w.p < w.end && steps < 100; steps++)
		step(&w);
	if (w.orderly)
		orderly_end(&w);
	world_close(&w);
	CHECK(mem_live() == live);
	return 0;
}

#include "unit.h"

#include "sip/dialog.h"
#include "sip/endpoint.h"

#include <string.h>

static struct msg *message(const char *text)
{
	struct msg *m;

	assert_int_equal(msg_alloc(&m, slice_str(text)), 0);
	return m;
}

static void assert_slice(struct slice s, const char *want)
{
	assert_int_equal(s.l, strlen(want));
	assert_memory_equal(s.p, want, s.l);
}

#define INVITE                                                                                                        \
	"INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: \"A;tag=x\" <sip:alice@a>;tag=at\r\n"  \
	"To: <sip:bob@b>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:alice@10.0.0.1:5070>\r\n"

/* RFC 3261 12.1.2: routes reversed, target from Contact, CSeq continued. */
static void uac(void **state)
{
	struct msg *req = message(INVITE "\r\n");
	struct msg *early = message("SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:alice@a>;tag=at\r\n"
				    "To: <sip:bob@b>;tag=bt\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nRecord-Route: <sip:p9;lr>\r\n"
				    "Contact: <sip:early@10.0.0.2>\r\n\r\n");
	struct msg *ok = message("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:alice@a>;tag=at\r\n"
				 "To: <sip:bob@b>;tag=bt\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nRecord-Route: <sip:p2;lr>, <sip:p1;lr>\r\n"
				 "Record-Route: <sip:p0;lr>\r\nContact: <sip:bob@10.0.0.3>\r\n\r\n");
	struct build_request r = {0};
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct dialog *d;

	(void)state;
	assert_int_equal(dialog_uac(&d, req, early, NULL), 0);
	assert_false(d->confirmed);
	assert_int_equal(d->route_count, 1);
	dialog_update(d, ok);
	mem_deref(req); /* it needs no message any more */
	mem_deref(early);
	mem_deref(ok);
	assert_true(d->confirmed);
	dialog_request(d, &r, routes);
	assert_slice(r.uri, "sip:bob@10.0.0.3");
	assert_slice(r.from, "\"A;tag=x\" <sip:alice@a>;tag=at");
	assert_slice(r.to, "<sip:bob@b>;tag=bt");
	assert_slice(r.call_id, "c");
	assert_int_equal(r.route_count, 3);
	assert_slice(routes[0], "<sip:p0;lr>");
	assert_slice(routes[2], "<sip:p2;lr>");
	assert_slice(dialog_next_hop(d), "<sip:p0;lr>");
	assert_int_equal(d->local_cseq, 7);
	mem_deref(d);
}

/* RFC 3261 12.1.1: routes in order, our tag added to To. */
static void uas(void **state)
{
	struct msg *req = message(INVITE "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n\r\n");
	struct dialog *d;

	(void)state;
	assert_int_equal(dialog_uas(&d, req, SLICE_LIT("bt"), NULL), 0);
	mem_deref(req);
	assert_slice(dialog_texts(d).local, "<sip:bob@b>;tag=bt");
	assert_slice(dialog_texts(d).local_tag, "bt");
	assert_slice(dialog_texts(d).remote_tag, "at");
	assert_slice(dialog_texts(d).remote_target, "sip:alice@10.0.0.1:5070");
	assert_slice(d->routes[0], "<sip:p1;lr>");
	assert_int_equal(d->remote_cseq, 7);
	mem_deref(d);
}

/* RFC 3261 12.2.1.1: a first hop without lr becomes the Request-URI, the target the last Route. */
static void strict_route(void **state)
{
	struct msg *req = message(INVITE "Record-Route: <sip:strict>\r\nRecord-Route: <sip:p2;lr>\r\n\r\n");
	struct build_request r = {0};
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct dialog *d;

	(void)state;
	assert_int_equal(dialog_uas(&d, req, SLICE_LIT("bt"), NULL), 0);
	mem_deref(req);
	dialog_request(d, &r, routes);
	assert_slice(r.uri, "sip:strict");
	assert_int_equal(r.route_count, 2);
	assert_slice(routes[0], "<sip:p2;lr>");
	assert_slice(routes[1], "<sip:alice@10.0.0.1:5070>");
	assert_slice(dialog_next_hop(d), "<sip:strict>");
	mem_deref(d);
}

static void target_refresh(void **state)
{
	struct msg *req = message(INVITE "\r\n");
	struct msg *none = message("INVITE sip:b SIP/2.0\r\nCall-ID: c\r\n\r\n");
	struct msg *again = message("INVITE sip:b SIP/2.0\r\nContact: sip:new@10.0.0.9;expires=5\r\n\r\n");
	struct dialog *d;

	(void)state;
	assert_int_equal(dialog_uas(&d, req, SLICE_LIT("bt"), NULL), 0);
	dialog_refresh_target(d, none);
	assert_slice(dialog_texts(d).remote_target, "sip:alice@10.0.0.1:5070");
	dialog_refresh_target(d, again);
	mem_deref(again);
	assert_slice(dialog_texts(d).remote_target, "sip:new@10.0.0.9");
	mem_deref(d);
	mem_deref(req);
	mem_deref(none);
}

static void assert_same(struct dialog *d)
{
	struct dialog_texts t = dialog_texts(d);

	assert_slice(t.call_id, "c");
	assert_slice(t.local, "<sip:bob@b>;tag=bt");
	assert_slice(t.local_tag, "bt");
	assert_slice(t.remote, "\"A;tag=x\" <sip:alice@a>;tag=at");
	assert_slice(t.remote_tag, "at");
	assert_slice(t.remote_target, "sip:alice@10.0.0.1:5070");
}

/* What it says is the same, by whichever of others it is told; and it may be changed, or go, while it rests. */
static void at_rest(void **state)
{
	struct msg *req = message(INVITE "Record-Route: <sip:p1;lr>\r\n\r\n");
	struct msg *again = message("INVITE sip:b SIP/2.0\r\nContact: <sip:new@10.0.0.9>\r\n\r\n");
	struct kept_models models = {0};
	struct build_request r = {0};
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct dialog *d[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(dialog_uas(&d[i], req, i == 1 ? SLICE_LIT("zz") : SLICE_LIT("bt"), NULL), 0);
		dialog_rest(d[i], &models);
		assert_true(d[i]->rests);
		dialog_rest(d[i], &models);
	}
	assert_slice(dialog_texts(d[1]).local, "<sip:bob@b>;tag=zz");
	assert_slice(dialog_texts(d[1]).local_tag, "zz");
	assert_same(d[0]);
	assert_false(d[0]->rests);
	mem_deref(d[0]);
	assert_same(d[2]);
	assert_int_equal(dialog_request(d[3], &r, routes), 0);
	assert_slice(r.uri, "sip:alice@10.0.0.1:5070");
	assert_slice(routes[0], "<sip:p1;lr>");
	dialog_rest(d[3], &models);
	dialog_refresh_target(d[3], again);
	dialog_rest(d[3], &models);
	assert_slice(dialog_texts(d[3]).remote_target, "sip:new@10.0.0.9");
	assert_slice(dialog_texts(d[3]).remote_tag, "at");
	for (int i = 1; i < 5; i++)
		mem_deref(d[i]);
	kept_models_free(&models);
	mem_deref(req);
	mem_deref(again);
}

static int rest_and_request(void *arg)
{
	struct kept_models models = {0};
	struct build_request r = {0};
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct dialog *d = NULL;
	int err = dialog_uas(&d, arg, SLICE_LIT("bt"), NULL);

	if (!err) {
		dialog_rest(d, &models);
		bool rested = d->rests;
		err = dialog_request(d, &r, routes);
		if (!err && !rested)
			err = ERR_NOMEM; /* it stayed awake */
	}
	if (!err)
		assert_same(d);
	mem_deref(d);
	kept_models_free(&models);
	return err;
}

static void memory_at_rest(void **state)
{
	struct msg *req = message(INVITE "\r\n");

	(void)state;
	assert_true(unit_each_failure(rest_and_request, req) > 2);
	mem_deref(req);
}

static int all(void *arg)
{
	struct dialog *d = NULL;
	int err = dialog_uas(&d, arg, SLICE_LIT("bt"), NULL);

	mem_deref(d);
	return err;
}

/* The tags are those that the scan finds, also behind a comma that lacks its quotes. */
static void sloppy_names(void **state)
{
	struct msg *req = message("INVITE sip:b SIP/2.0\r\nFrom: Doe, A <sip:a@h>;tag=at\r\nTo: Roe, B <sip:b@h>\r\nCall-ID: c\r\n\r\n");
	struct msg *ok = message("SIP/2.0 200 OK\r\nTo: Roe, B <sip:b@h>;tag=bt\r\n\r\n");
	struct dialog *d;

	(void)state;
	assert_int_equal(dialog_uas(&d, req, SLICE_LIT("bt"), NULL), 0);
	assert_slice(dialog_texts(d).remote_tag, "at");
	assert_slice(dialog_texts(d).local_tag, "bt");
	mem_deref(d);
	assert_int_equal(dialog_uac(&d, req, ok, NULL), 0);
	assert_slice(dialog_texts(d).remote_tag, "bt");
	assert_slice(dialog_texts(d).local_tag, "at");
	mem_deref(d);
	mem_deref(req);
	mem_deref(ok);
}

/* What would tear a request line apart is no target, and no strict router. */
static void folded_uris(void **state)
{
	struct msg *req = message(INVITE "Record-Route: <sip:strict\r\n .example>\r\n\r\n");
	struct msg *folded = message("INVITE sip:b SIP/2.0\r\nContact: <sip:new\r\n X: y@10.0.0.9>\r\n\r\n");
	struct msg *empty = message("INVITE sip:b SIP/2.0\r\nContact: <>\r\n\r\n");
	struct msg *blank = message("INVITE sip:b SIP/2.0\r\nContact: < sip:new@10.0.0.9 >\r\n\r\n");
	struct msg *nobody = message("INVITE sip:b SIP/2.0\r\nFrom: <sip:a\r\n b>;tag=1\r\nCall-ID: c\r\n\r\n");
	struct build_request r = {0};
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct dialog *d;

	(void)state;
	assert_int_equal(dialog_uas(&d, req, SLICE_LIT("bt"), NULL), 0);
	dialog_refresh_target(d, folded);
	dialog_refresh_target(d, empty);
	dialog_request(d, &r, routes);
	assert_slice(r.uri, "sip:alice@10.0.0.1:5070");
	assert_int_equal(r.route_count, 1);
	dialog_refresh_target(d, blank);
	assert_slice(dialog_texts(d).remote_target, "sip:new@10.0.0.9");
	mem_deref(d);
	assert_int_equal(dialog_uas(&d, nobody, SLICE_LIT("bt"), NULL), 0);
	assert_slice(dialog_texts(d).remote_target, "sip:anonymous@anonymous.invalid");
	mem_deref(d);
	mem_deref(req);
	mem_deref(folded);
	mem_deref(empty);
	mem_deref(blank);
	mem_deref(nobody);
}

static void out_of_memory(void **state)
{
	struct msg *req = message(INVITE "Record-Route: <sip:p1;lr>\r\n\r\n");

	(void)state;
	assert_true(unit_each_failure(all, req) >= 3); /* the dialog, its texts, its routes */
	mem_deref(req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(uac), UNIT_TEST(uas), UNIT_TEST(strict_route), UNIT_TEST(target_refresh),
					   UNIT_TEST(sloppy_names), UNIT_TEST(folded_uris), UNIT_TEST(at_rest),
					   UNIT_TEST(memory_at_rest), UNIT_TEST(out_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

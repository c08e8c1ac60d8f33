#include "sip/dialog.h"

#include "core/mem.h"
#include "sip/endpoint.h"
#include "sip/route.h"
#include "sip/value.h"

static void destroy(void *p)
{
	struct dialog *d = p;

	dialog_leave(d);
	mem_deref(d->text);
	mem_deref(d->target_text);
	mem_deref(d->routes_block);
	mem_deref(d->ack);
	dialog_let_go(d);
}

/* Copies `s` to `*at`, which moves on, and returns the copy. */
static struct slice put(char **at, struct slice s)
{
	struct slice copy = {*at, s.l};

	if (s.l)
		memcpy(*at, s.p, s.l);
	*at += s.l;
	return copy;
}

/* The Record-Route values of `m`, in order or reversed; a header may hold several. */
static int take_routes(struct dialog *d, const struct msg *m, bool reversed)
{
	struct slice routes[DIALOG_MAX_ROUTES], *kept = NULL, rest, item;
	const bool any = scan_has(&m->s, HDR_RECORD_ROUTE);
	unsigned count = 0;
	size_t size = 0;

	for (unsigned i = 0; any && i < m->s.header_count; i++) {
		if (m->s.headers[i].id != HDR_RECORD_ROUTE)
			continue;
		rest = scan_value(&m->s, i);
		while (value_split(&item, &rest))
			if (item.l && count < DIALOG_MAX_ROUTES) {
				routes[count++] = item;
				size += item.l;
			}
	}
	if (count) {
		kept = mem_zalloc(count * sizeof(*kept) + size, NULL);
		if (!kept)
			return ERR_NOMEM;
		char *at = (char *)(kept + count);
		for (unsigned i = 0; i < count; i++)
			kept[i] = put(&at, routes[reversed ? count - 1 - i : i]);
	}
	mem_deref(d->routes_block);
	d->routes = d->routes_block = kept;
	d->route_count = count;
	return 0;
}

/* "<uri>" at `*at` */
static struct slice put_target(char **at, struct slice uri)
{
	*(*at)++ = '<';
	struct slice copy = put(at, uri);
	*(*at)++ = '>';
	return copy;
}

/* The URI of the first Contact; `p` NULL without one, or when our request lines cannot hold it. */
static struct slice contact_uri(const struct msg *m)
{
	struct slice contact = scan_header(&m->s, HDR_CONTACT, 0), item;

	if (!contact.l)
		return SLICE_NONE;
	if (contact.p[0] == '<') /* what stands behind its '>' is nothing of it */
		item = contact;
	else if (!value_split(&item, &contact) || !item.l)
		return SLICE_NONE;
	item = slice_trim(route_uri(item));
	return route_fits_line(item) ? item : SLICE_NONE;
}

/* Of a caller without Contact. */
static struct slice from_uri(const struct msg *m)
{
	struct slice uri = route_uri(m->s.from);

	return route_fits_line(uri) ? uri : SLICE_LIT("sip:anonymous@anonymous.invalid"); /* RFC 3323 4.1.1.3 */
}

/* What `part` of `whole` is in the copy of that. */
static struct slice same_part(struct slice part, struct slice whole, struct slice copy)
{
	return part.p ? (struct slice){copy.p + (part.p - whole.p), part.l} : SLICE_NONE;
}

/* The texts of a dialog, one behind the other: Call-ID; our own side, From or To, with the tag that we add when it has none; the other
 * side; where its requests go. A tag is what the scan found: every later message is matched by what its scan finds. */
struct texts {
	struct slice call_id, local, local_tag, add_tag, remote, remote_tag, target;
};

static int set_texts(struct dialog *d, const struct texts *t)
{
	char *at = d->text = mem_alloc(0, t->call_id.l + t->local.l + t->add_tag.l + t->remote.l + t->target.l + 7, NULL);

	if (!at)
		return ERR_NOMEM;
	d->call_id = put(&at, t->call_id);
	d->local = put(&at, t->local);
	d->local_tag = same_part(t->local_tag, t->local, d->local);
	if (t->add_tag.l) {
		put(&at, SLICE_LIT(";tag="));
		d->local_tag = put(&at, t->add_tag);
		d->local.l += t->add_tag.l + 5;
	}
	d->remote = put(&at, t->remote);
	d->remote_tag = same_part(t->remote_tag, t->remote, d->remote);
	d->remote_target = put_target(&at, t->target);
	return 0;
}

int dialog_uac(struct dialog **dp, struct msg *request, struct msg *response, struct err *e)
{
	struct dialog *d = mem_zalloc(sizeof(*d), destroy);
	const struct scan *s = &request->s;
	struct slice target = contact_uri(response);
	struct texts t = {.call_id = s->call_id,
			  .local = s->from,
			  .local_tag = s->from_tag,
			  .remote = response->s.to,
			  .remote_tag = response->s.to_tag,
			  .target = target.p ? target : s->uri};

	if (!d || set_texts(d, &t) || take_routes(d, response, true)) {
		mem_deref(d);
		return err_set(e, ERR_NOMEM, "out of memory for a dialog");
	}
	d->uac = true;
	d->confirmed = response->s.status >= 200;
	d->local_cseq = s->cseq;
	*dp = d;
	return 0;
}

int dialog_uas(struct dialog **dp, struct msg *request, struct slice local_tag, struct err *e)
{
	struct dialog *d = mem_zalloc(sizeof(*d), destroy);
	const struct scan *s = &request->s;
	struct slice target = contact_uri(request);
	struct texts t = {.call_id = s->call_id,
			  .local = s->to,
			  .local_tag = s->to_tag,
			  .add_tag = s->to_tag.p ? SLICE_NONE : local_tag,
			  .remote = s->from,
			  .remote_tag = s->from_tag,
			  .target = target.p ? target : from_uri(request)};

	if (!d || set_texts(d, &t) || take_routes(d, request, false)) {
		mem_deref(d);
		return err_set(e, ERR_NOMEM, "out of memory for a dialog");
	}
	d->remote_cseq = s->cseq;
	*dp = d;
	return 0;
}

int dialog_half(struct dialog **dp, struct msg *request, struct err *e)
{
	struct dialog *d = mem_zalloc(sizeof(*d), destroy);
	struct texts t = {.call_id = request->s.call_id, .local = request->s.from, .local_tag = request->s.from_tag};

	if (!d || set_texts(d, &t)) {
		mem_deref(d);
		return err_set(e, ERR_NOMEM, "out of memory for a dialog");
	}
	d->half = true;
	*dp = d;
	return 0;
}

void dialog_update(struct dialog *d, struct msg *response)
{
	dialog_refresh_target(d, response);
	if (!d->confirmed && response->s.status >= 200)
		take_routes(d, response, true);
	d->confirmed = d->confirmed || response->s.status >= 200;
}

void dialog_refresh_target(struct dialog *d, struct msg *m)
{
	struct slice target = contact_uri(m);
	char *text, *at;

	if (!target.p || slice_eq(target, d->remote_target) || !(text = at = mem_alloc(0, target.l + 2, NULL)))
		return;
	d->remote_target = put_target(&at, target);
	mem_deref(d->target_text);
	d->target_text = text;
}

static uint64_t key(struct slice call_id, struct slice local_tag, struct slice remote_tag)
{
	return slice_hash(slice_hash(slice_hash(SLICE_HASH_SEED, call_id), local_tag), remote_tag);
}

int dialog_enter(struct dialog *d, struct endpoint *ep, dialog_request_h *h, void *arg)
{
	d->h = h;
	d->arg = arg;
	if (hash_add(&ep->sb->dialogs, &d->node, key(d->call_id, d->local_tag, d->remote_tag)))
		return ERR_NOMEM;
	d->ep = ep;
	return 0;
}

void dialog_leave(struct dialog *d)
{
	if (d->ep)
		hash_del(&d->ep->sb->dialogs, &d->node);
	d->ep = NULL;
	d->h = NULL;
}

void dialog_let_go(struct dialog *d)
{
	d->bye = mem_deref(d->bye);
	d->prack = mem_deref(d->prack);
}

static void pracks_destroy(void *p)
{
	struct uac **prack = p;

	for (unsigned i = 0; i < DIALOG_PRACKS; i++)
		mem_deref(prack[i]);
}

void dialog_keep_prack(struct dialog *d, struct uac *prack)
{
	if (!d->prack)
		d->prack = mem_zalloc(DIALOG_PRACKS * sizeof(*d->prack), pracks_destroy);
	if (!d->prack) {
		mem_deref(prack); /* a challenge to it is not answered */
		return;
	}
	struct uac **slot = &d->prack[d->pracks++ % DIALOG_PRACKS];
	mem_deref(*slot);
	*slot = prack;
}

struct dialog *dialog_find(const struct switchboard *sb, const struct scan *s)
{
	for (struct hash_node *n = hash_first(&sb->dialogs, key(s->call_id, s->to_tag, s->from_tag)); n; n = hash_next(n)) {
		struct dialog *d = hash_owner(n, struct dialog, node);
		if (slice_eq(d->call_id, s->call_id) && slice_eq(d->local_tag, s->to_tag) &&
		    slice_eq(d->remote_tag, s->from_tag) && !d->half)
			return d;
	}
	for (struct hash_node *n = hash_first(&sb->dialogs, key(s->call_id, s->to_tag, SLICE_NONE)); n; n = hash_next(n)) {
		struct dialog *d = hash_owner(n, struct dialog, node);
		if (d->half && slice_eq(d->call_id, s->call_id) && slice_eq(d->local_tag, s->to_tag))
			return d;
	}
	return NULL;
}

void dialog_request(const struct dialog *d, struct build_request *r, struct slice *routes)
{
	r->from = d->local;
	r->to = d->remote;
	r->call_id = d->call_id;
	r->uri = d->remote_target;
	r->routes = routes;
	r->route_count = 0;
	struct slice first = d->route_count ? route_uri(d->routes[0]) : SLICE_NONE;
	if (route_fits_line(first) && !route_is_loose(first)) {
		/* A strict router: it becomes the Request-URI, the target the last Route (RFC 3261 12.2.1.1). */
		r->uri = first;
		for (unsigned i = 1; i < d->route_count; i++)
			routes[r->route_count++] = d->routes[i];
		routes[r->route_count++] = (struct slice){d->remote_target.p - 1, d->remote_target.l + 2};
		return;
	}
	for (unsigned i = 0; i < d->route_count; i++)
		routes[r->route_count++] = d->routes[i];
}

struct slice dialog_next_hop(const struct dialog *d)
{
	return d->route_count ? d->routes[0] : d->remote_target;
}

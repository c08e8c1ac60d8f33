#include "sip/dialog.h"

#include "core/mem.h"
#include "sip/endpoint.h"
#include "sip/route.h"
#include "sip/value.h"

static void destroy(void *p)
{
	struct dialog *d = p;

	dialog_leave(d);
	mem_deref(d->rests ? (void *)d->kept : d->block);
	mem_deref(d->routes);
	mem_deref(d->ack);
	dialog_let_go(d);
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
		for (unsigned i = 0; i < count; i++) {
			struct slice route = routes[reversed ? count - 1 - i : i];
			kept[i] = (struct slice){at, route.l};
			at = write_slice(at, route);
		}
	}
	mem_deref(d->routes);
	d->routes = kept;
	d->route_count = (uint8_t)count;
	return 0;
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

/* --- texts --- */

/* In bytes from the beginning of the block; `at` 0: there is none. */
struct part {
	uint32_t at, len;
};

/* Call-ID, our own side, the other side, and where its requests go, one behind the other. */
struct dialog_block {
	struct part call_id, local, local_tag, remote, remote_tag, target;
	char text[];
};

static size_t block_size(const struct dialog_block *b)
{
	return b->target.at + b->target.len + 1; /* and its '>' */
}

static struct part part(const struct dialog_block *b, struct slice s)
{
	return s.p ? (struct part){(uint32_t)(s.p - (const char *)b), (uint32_t)s.l} : (struct part){0};
}

static struct slice text_of(const struct dialog_block *b, struct part p)
{
	return p.at ? (struct slice){(const char *)b + p.at, p.len} : SLICE_NONE;
}

static struct part put(char **at, const struct dialog_block *b, struct slice s)
{
	struct slice copy = {*at, s.l};

	*at = write_slice(*at, s);
	return part(b, copy);
}

/* What `tag` of `whole` is in the copy of that. */
static struct part same_part(struct slice tag, struct slice whole, struct part copy)
{
	return tag.p ? (struct part){copy.at + (uint32_t)(tag.p - whole.p), (uint32_t)tag.l} : (struct part){0};
}

/* `add_tag` is our tag where our side has none yet. A tag is what the scan found: every later message is matched by what its scan finds. NULL for
 * want of memory. */
static struct dialog_block *block_alloc(const struct dialog_texts *t, struct slice add_tag)
{
	size_t size = t->call_id.l + t->local.l + add_tag.l + t->remote.l + t->remote_target.l + 7;
	struct dialog_block *b = size <= UINT32_MAX - sizeof(*b) ? mem_alloc(0, sizeof(*b) + size, NULL) : NULL;
	char *at;

	if (!b)
		return NULL;
	at = b->text;
	b->call_id = put(&at, b, t->call_id);
	b->local = put(&at, b, t->local);
	b->local_tag = same_part(t->local_tag, t->local, b->local);
	if (add_tag.l) {
		put(&at, b, SLICE_LIT(";tag="));
		b->local_tag = put(&at, b, add_tag);
		b->local.len += (uint32_t)add_tag.l + 5;
	}
	b->remote = put(&at, b, t->remote);
	b->remote_tag = same_part(t->remote_tag, t->remote, b->remote);
	*at++ = '<';
	b->target = put(&at, b, t->remote_target);
	*at = '>';
	return b;
}

/* As it was before it went to rest; if there is memory. */
static void wake(struct dialog *d)
{
	char room[KEPT_ROOM];
	struct slice text = kept_read(d->kept, room);
	struct dialog_block *b = mem_alloc(0, text.l, NULL);

	if (!b)
		return;
	memcpy(b, text.p, text.l);
	mem_deref(d->kept);
	d->block = b;
	d->rests = false;
}

struct dialog_texts dialog_texts(struct dialog *d)
{
	const struct dialog_block *b;

	if (d->rests)
		wake(d);
	if (d->rests)
		return (struct dialog_texts){0};
	b = d->block;
	return (struct dialog_texts){
		.call_id = text_of(b, b->call_id),
		.local_tag = text_of(b, b->local_tag),
		.remote_tag = text_of(b, b->remote_tag),
		.local = text_of(b, b->local),
		.remote = text_of(b, b->remote),
		.remote_target = text_of(b, b->target),
	};
}

void dialog_rest(struct dialog *d, struct kept_models *models)
{
	struct kept *kept = d->rests ? NULL : kept_text(models, d->uac, (struct slice){(const char *)d->block, block_size(d->block)}, SLICE_NONE);

	if (!kept)
		return;
	mem_deref(d->block);
	d->kept = kept;
	d->rests = true;
}

/* --- its life --- */

int dialog_uac(struct dialog **dp, struct msg *request, struct msg *response, struct err *e)
{
	struct dialog *d = mem_zalloc(sizeof(*d), destroy);
	const struct scan *s = &request->s;
	struct slice target = contact_uri(response);
	struct dialog_texts t = {.call_id = s->call_id,
				 .local = s->from,
				 .local_tag = s->from_tag,
				 .remote = response->s.to,
				 .remote_tag = response->s.to_tag,
				 .remote_target = target.p ? target : s->uri};

	if (!d || !(d->block = block_alloc(&t, SLICE_NONE)) || take_routes(d, response, true)) {
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
	struct dialog_texts t = {.call_id = s->call_id,
				 .local = s->to,
				 .local_tag = s->to_tag,
				 .remote = s->from,
				 .remote_tag = s->from_tag,
				 .remote_target = target.p ? target : from_uri(request)};

	if (!d || !(d->block = block_alloc(&t, s->to_tag.p ? SLICE_NONE : local_tag)) || take_routes(d, request, false)) {
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
	struct dialog_texts t = {.call_id = request->s.call_id, .local = request->s.from, .local_tag = request->s.from_tag};

	if (!d || !(d->block = block_alloc(&t, SLICE_NONE))) {
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
	struct dialog_texts t = dialog_texts(d);
	struct dialog_block *b;

	if (!target.p || d->rests || slice_eq(target, t.remote_target))
		return;
	t.remote_target = target;
	b = block_alloc(&t, SLICE_NONE);
	if (!b)
		return;
	mem_deref(d->block);
	d->block = b;
}

static uint64_t key(struct slice call_id, struct slice local_tag, struct slice remote_tag)
{
	return slice_hash(slice_hash(slice_hash(SLICE_HASH_SEED, call_id), local_tag), remote_tag);
}

int dialog_enter(struct dialog *d, struct endpoint *ep, dialog_request_h *h, void *arg)
{
	struct dialog_texts t = dialog_texts(d);

	d->h = h;
	d->arg = arg;
	if (d->rests || hash_add(&ep->sb->dialogs, &d->node, key(t.call_id, t.local_tag, t.remote_tag)))
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
		struct dialog_texts t = dialog_texts(d);
		if (slice_eq(t.call_id, s->call_id) && slice_eq(t.local_tag, s->to_tag) && slice_eq(t.remote_tag, s->from_tag) && !d->half)
			return d;
	}
	for (struct hash_node *n = hash_first(&sb->dialogs, key(s->call_id, s->to_tag, SLICE_NONE)); n; n = hash_next(n)) {
		struct dialog *d = hash_owner(n, struct dialog, node);
		struct dialog_texts t = dialog_texts(d);
		if (d->half && slice_eq(t.call_id, s->call_id) && slice_eq(t.local_tag, s->to_tag))
			return d;
	}
	return NULL;
}

int dialog_request(struct dialog *d, struct build_request *r, struct slice *routes)
{
	struct dialog_texts t = dialog_texts(d);

	if (d->rests)
		return ERR_NOMEM;
	r->from = t.local;
	r->to = t.remote;
	r->call_id = t.call_id;
	r->uri = t.remote_target;
	r->routes = routes;
	r->route_count = 0;
	struct slice first = d->route_count ? route_uri(d->routes[0]) : SLICE_NONE;
	if (route_fits_line(first) && !route_is_loose(first)) {
		/* A strict router: it becomes the Request-URI, the target the last Route (RFC 3261 12.2.1.1). */
		r->uri = first;
		for (unsigned i = 1; i < d->route_count; i++)
			routes[r->route_count++] = d->routes[i];
		routes[r->route_count++] = (struct slice){t.remote_target.p - 1, t.remote_target.l + 2};
		return 0;
	}
	for (unsigned i = 0; i < d->route_count; i++)
		routes[r->route_count++] = d->routes[i];
	return 0;
}

struct slice dialog_next_hop(struct dialog *d)
{
	return d->route_count ? d->routes[0] : dialog_texts(d).remote_target;
}

#include "pcap/recorder.h"
#include "core/mem.h"
#include "pcap/actors.h"
#include "pcap/flows.h"
#include "pcap/order.h"
#include "pcap/packet.h"
#include "pcap/pcapng.h"
#include "pcap/spill.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
	CAPTURE_COMMENTS = 256000, /* bytes of all comments on the capture */
	HEAD_OWN = 4096,           /* bytes of a header besides the capture's comments, */
	OPTION_OWN = 8,            /* and of one of these besides its text */
	NUMBERS_KNOWN = 1 << 18,   /* of what went to disk, up to twice as many */
	HASTE = 100000000,         /* ns in which an eighth of the bound is full */
};

struct recorder {
	struct recorder_cfg cfg;
	struct spill spill;

	struct actors actors;
	struct flows flows;
	struct room room;            /* where packets and their comments are */
	struct buf by_id;            /* struct packet *: those in memory, which have the highest ids */
	struct order by_number;      /* and numbers */
	struct buf spilled;          /* uint32_t: the number of each spilled id */
	uint32_t forgotten;          /* ... but for so many of the first */
	struct buf comments;         /* on the capture */
	struct buf scratch;
	size_t held; /* bytes */
	bool finished; /* what went to disk was made the capture, or that failed */
	struct recorder_stats stats;
	char why[200]; /* the first packet is missing */
};

static void recorder_destroy(void *block)
{
	struct recorder *rec = block;
	struct packet **held = (struct packet **)rec->by_id.p;

	for (size_t i = 0; i < rec->by_id.len / sizeof(*held); i++)
		packet_free(held[i], &rec->room);
	room_free(&rec->room);
	spill_free(&rec->spill);
	actors_free(&rec->actors);
	buf_free(&rec->by_id);
	buf_free(&rec->by_number.list);
	buf_free(&rec->spilled);
	buf_free(&rec->comments);
	buf_free(&rec->scratch);
}

static struct packet *packet_at(const struct recorder *rec, uint32_t id)
{
	return ((struct packet **)rec->by_id.p)[id - 1 - rec->stats.spilled];
}

/* Its number in the capture. */
static uint32_t number_of(const struct recorder *rec, const struct packet *p)
{
	return (uint32_t)(rec->stats.spilled + order_place(&rec->by_number, (struct entry){p->wall, p->id}) + 1);
}

/* Room for `len` more bytes; unlike in a buf alone a failure leaves it usable. */
static bool reserve(struct buf *b, size_t len)
{
	bool ok = buf_reserve(b, len);

	b->failed = false;
	return ok;
}

/* The comment that names another frame is made when that frame's number is asked for. */
static void packet_put(struct recorder *rec, struct buf *b, const struct packet *p)
{
	struct slice block = {(const char *)p->block, p->block_len}, comments = {p->comments, p->comments_len};
	struct buf *all = &rec->scratch;

	if (p->held_until) {
		buf_reset(all);
		buf_put_slice(all, comments);
		if (recorder_put_held(all, number_of(rec, p), recorder_frame_number(rec, p->held_until), p->held_for))
			buf_put(all, "", 1);
		comments = buf_slice(all);
		b->failed |= all->failed;
	}
	pcapng_put_udp(b, block, p->received, p->len, comments);
}

static void missing_because(struct recorder *rec, const char *why)
{
	if (!rec->why[0])
		snprintf(rec->why, sizeof(rec->why), "%.*s", (int)sizeof(rec->why) - 1, why);
}

static void packet_dropped(struct recorder *rec, const char *why)
{
	rec->stats.dropped++;
	missing_because(rec, why);
}

/* How many of the first numbers to spill: at least half of them, and so that they are the first ids as well. Only then
 * no packet on disk has to be looked for in the middle of those in memory. */
static size_t spill_cut(const struct recorder *rec)
{
	const struct entry *list = order_list(&rec->by_number);
	size_t n = order_count(&rec->by_number), cut = 0;
	uint32_t last = 0;

	while (cut < n) {
		if (list[cut].id > last)
			last = list[cut].id;
		cut++;
		if (cut * 2 >= n && last == rec->stats.spilled + cut)
			break;
	}
	return cut;
}

/* Moves the older packets to disk. Errors: ERR_IO, ERR_NOMEM. */
static int recorder_spill(struct recorder *rec, struct err *err)
{
	const struct entry *list = order_list(&rec->by_number);
	size_t cut = spill_cut(rec), first = rec->stats.spilled, known = rec->spilled.len / sizeof(uint32_t);
	struct spill *s = &rec->spill;
	int rc;

	if (known >= 2 * NUMBERS_KNOWN) {
		memmove(rec->spilled.p, rec->spilled.p + (known - NUMBERS_KNOWN) * sizeof(uint32_t), NUMBERS_KNOWN * sizeof(uint32_t));
		rec->spilled.len = NUMBERS_KNOWN * sizeof(uint32_t);
		rec->forgotten += (uint32_t)(known - NUMBERS_KNOWN);
	}
	if (!reserve(&rec->spilled, cut * sizeof(uint32_t)))
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = spill_begin(s, &rec->actors, err);
	for (size_t i = 0; i < cut && !rc; i++) {
		packet_put(rec, &s->sink.b, packet_at(rec, list[i].id));
		rc = sink_flush(&s->sink, false, err);
	}
	if (rc) {
		spill_broke(s);
		return rc;
	}

	spill_added(s, &rec->actors, cut);
	rec->spilled.len += cut * sizeof(uint32_t);
	for (size_t i = 0; i < cut; i++) {
		struct packet *p = packet_at(rec, list[i].id);

		((uint32_t *)rec->spilled.p)[p->id - 1 - rec->forgotten] = (uint32_t)(first + i + 1);
		rec->held -= packet_cost(p);
		packet_free(p, &rec->room);
	}
	rec->by_id.len -= cut * sizeof(struct packet *);
	memmove(rec->by_id.p, rec->by_id.p + cut * sizeof(struct packet *), rec->by_id.len);
	order_shift(&rec->by_number, cut);
	rec->stats.spilled = first + cut;
	return 0;
}

/* How much is held before the older half goes to disk. Where packets come so fast that the whole bound would not last for a second either, it is an
 * eighth of it: that stays in the processor's cache, where comments are added and packets are put in order. */
static size_t bytes_to_hold(const struct recorder *rec, uint64_t wall)
{
	const struct entry *oldest = order_list(&rec->by_number);

	return rec->spill.path && rec->held && wall - oldest->wall < HASTE ? rec->cfg.max_bytes / 8 : rec->cfg.max_bytes;
}

/* Whether there is room for `cost` more bytes; a packet that alone is beyond the bound has room on its own. */
static bool recorder_make_room(struct recorder *rec, size_t cost, uint64_t wall)
{
	struct err err = {0};

	while (rec->held && rec->held + cost > bytes_to_hold(rec, wall)) {
		if (rec->spill.path && !rec->spill.broken) {
			if (!recorder_spill(rec, &err))
				continue;
			missing_because(rec, err.text);
		}
		if (rec->held + cost <= rec->cfg.max_bytes)
			break;
		packet_dropped(rec, "the recorder's memory bound was reached");
		return false;
	}
	return true;
}

/* Puts it at its place in time. */
static void recorder_insert(struct recorder *rec, struct packet *p)
{
	struct entry e = {p->wall, (uint32_t)rec->stats.packets + 1};
	size_t at = order_insert(&rec->by_number, e);

	buf_put(&rec->by_id, &p, sizeof(p));
	p->id = e.id;
	rec->held += packet_cost(p);
	rec->stats.packets++;
	if (!at && !rec->stats.spilled)
		rec->stats.start = p->wall;
}

static uint32_t on_packet(void *arg, const struct tap_packet *in)
{
	struct recorder *rec = arg;
	struct packet *p;
	struct flow *f;

	if (rec->stats.packets == UINT32_MAX) {
		packet_dropped(rec, "a capture's frame numbers end there");
		return 0;
	}
	if (rec->finished) {
		packet_dropped(rec, "the recording was over");
		return 0;
	}
	if (!recorder_make_room(rec, packet_cost_most(in), in->wall))
		return 0;

	f = flow_of(&rec->flows, &rec->actors, in);
	if (!f || !reserve(&rec->by_id, sizeof(p)) || !order_reserve(&rec->by_number) ||
	    !(p = packet_new(&rec->room, f, in))) {
		packet_dropped(rec, "memory ran out");
		return 0;
	}
	recorder_insert(rec, p);
	return p->id;
}

/* The packet of that id, unless it is on disk already or never was. */
static struct packet *packet_of(const struct recorder *rec, uint32_t id)
{
	if (id <= rec->stats.spilled || id > rec->stats.packets)
		return NULL;
	return packet_at(rec, id);
}

static void on_comment(void *arg, uint32_t id, const char *text)
{
	struct recorder *rec = arg;
	struct packet *p;
	size_t cost;

	if (!id) {
		if (!comment_add(&rec->comments, text, CAPTURE_COMMENTS))
			rec->stats.comments_lost++;
		return;
	}
	p = packet_of(rec, id);
	if (!p) {
		rec->stats.comments_late += id <= rec->stats.spilled;
		return;
	}
	cost = packet_cost(p);
	if (!packet_comment(p, &rec->room, &rec->scratch, text))
		rec->stats.comments_lost++;
	rec->held += packet_cost(p) - cost;
}

static void on_released(void *arg, uint32_t id, uint64_t wall)
{
	struct recorder *rec = arg;
	struct packet *p = packet_of(rec, id);

	if (!p) {
		rec->stats.comments_late += id && id <= rec->stats.spilled;
		return;
	}
	p->held_until = (uint32_t)rec->stats.packets;
	p->held_for = wall > p->wall ? wall - p->wall : 0;
}

static void on_name(void *arg, const struct addr *a, const char *actor)
{
	struct recorder *rec = arg;
	uint32_t n = actors_add(&rec->actors, actor);

	/* without memory it stays an address: the packet itself will name its actor */
	if (n)
		(void)actors_settle(&rec->actors, n, a);
}

int recorder_alloc(struct recorder **recp, const struct recorder_cfg *cfg, struct err *err)
{
	struct recorder *rec = mem_zalloc(sizeof(*rec), recorder_destroy);

	if (!rec)
		goto nomem;
	rec->spill.sink.fd = -1;
	rec->cfg = *cfg;
	if (!rec->cfg.max_bytes)
		rec->cfg.max_bytes = RECORDER_MAX_BYTES;
	if (cfg->spill_path) {
		rec->spill.path = mem_zalloc(strlen(cfg->spill_path) + 1, NULL);
		if (!rec->spill.path)
			goto nomem;
		strcpy(rec->spill.path, cfg->spill_path);
	}
	*recp = rec;
	return 0;
nomem:
	mem_deref(rec);
	return err_set(err, ERR_NOMEM, "out of memory for a recorder");
}

void recorder_tap(struct recorder *rec, struct tap *out)
{
	*out = (struct tap){.packet = on_packet, .comment = on_comment, .released = on_released, .name = on_name, .arg = rec};
}

/* The section header, with the capture's own comments and what it has to say about what is missing. Where room for it was kept, as many comments as
 * fit stand in `fill` bytes. */
static void header_put(const struct recorder *rec, struct buf *b, size_t fill)
{
	struct slice all = buf_slice(&rec->comments);
	struct recorder_stats st;
	struct buf text = {0};
	size_t used = HEAD_OWN;

	recorder_stats_get(rec, &st);
	while (all.l) {
		struct slice one = {all.p, strlen(all.p) + 1};

		used += one.l + OPTION_OWN;
		if (fill && used > fill)
			st.comments_lost++;
		else
			buf_put_slice(&text, one);
		all.p += one.l;
		all.l -= one.l;
	}
	if (st.dropped) {
		buf_printf(&text, "offhook: %" PRIu64 " packets are missing here: %s", st.dropped, rec->why);
		buf_put(&text, "", 1);
	}
	if (st.spilled) {
		buf_printf(&text,
			   "offhook: frames 1 to %" PRIu64 " went to disk before the run ended, as the recorder holds "
			   "at most %zu bytes; %" PRIu64 " comments that came later for them are missing",
			   st.spilled, rec->cfg.max_bytes, st.comments_late);
		buf_put(&text, "", 1);
	}
	if (st.comments_lost) {
		buf_printf(&text, "offhook: %" PRIu64 " comments were left out: too many, or no memory",
			   st.comments_lost);
		buf_put(&text, "", 1);
	}
	pcapng_put_header(b, buf_slice(&text), fill);
	b->failed |= text.failed;
	buf_free(&text);
}

/* The packets in memory, from the first. Errors: ERR_IO, ERR_NOMEM. */
static int held_put(struct recorder *rec, struct sink *out, struct err *err)
{
	const struct entry *list = order_list(&rec->by_number);
	int rc = 0;

	for (size_t i = 0; i < order_count(&rec->by_number) && !rc; i++) {
		packet_put(rec, &out->b, packet_at(rec, list[i].id));
		rc = sink_flush(out, false, err);
	}
	return rc;
}

/* What went to disk is the capture, with the rest behind it. */
static int render_spilled(struct recorder *rec, const char *path, struct err *err)
{
	struct spill *s = &rec->spill;
	struct buf head = {0}, names = {0};
	struct err broke;
	int rc = 0;

	if (rec->finished)
		return err_set(err, ERR_NOT_NOW, "cannot write the capture %s: the recording is over", path);
	rec->finished = true;
	actors_put_names(&rec->actors, &names);
	if (names.failed)
		goto nomem;
	if (!s->broken) {
		rc = spill_begin(s, &rec->actors, &broke);
		if (names.len > SPILL_HEAD / 2) /* they may stand anywhere */
			buf_put_slice(&s->sink.b, buf_slice(&names));
		rc = rc ? rc : held_put(rec, &s->sink, &broke);
		if (rc)
			spill_broke(s);
	}
	spill_added(s, &rec->actors, order_count(&rec->by_number));
	rc = rc ? rc : spill_settle(s, &broke);
	if (rc)
		missing_because(rec, broke.text);
	if (s->broken)
		spill_broke(s);

	if (names.len > SPILL_HEAD / 2) /* they are in the file, or have no place, as it broke */
		buf_reset(&names);
	header_put(rec, &head, SPILL_HEAD - names.len);
	buf_put_slice(&head, buf_slice(&names));
	if (head.failed)
		goto nomem;
	rc = spill_finish(s, buf_slice(&head), path, err);
	goto out;
nomem:
	rc = err_set(err, ERR_NOMEM, "out of memory for the capture %s", path);
out:
	if (rc && spill_leave(s) && err) {
		size_t said = strlen(err->text);

		snprintf(err->text + said, sizeof(err->text) - said, "; what was recorded is left in %s", s->path);
	}
	buf_free(&names);
	buf_free(&head);
	return rc;
}

int recorder_render(struct recorder *rec, const char *path, struct err *err)
{
	struct sink out = {.fd = -1};
	struct buf tmp = {0};
	int rc;

	if (rec->stats.spilled)
		return render_spilled(rec, path, err);

	buf_printf(&tmp, "%s.tmp", path);
	buf_put(&tmp, "", 1);
	if (tmp.failed) {
		rc = err_set(err, ERR_NOMEM, "out of memory for the capture %s", path);
		goto out;
	}
	rc = sink_open(&out, (const char *)tmp.p, err);
	if (rc)
		goto out;

	header_put(rec, &out.b, 0);
	actors_put_interfaces(&rec->actors, &out.b, 0);
	actors_put_names(&rec->actors, &out.b);
	rc = held_put(rec, &out, err);
	if (!rc)
		rc = sink_flush(&out, true, err);
	if (!rc && rename(out.path, path))
		rc = err_set(err, ERR_IO, "cannot write the capture %s: %s", path, strerror(errno));
	if (rc)
		unlink(out.path);
out:
	sink_close(&out);
	buf_free(&tmp);
	return rc;
}

uint32_t recorder_count(const struct recorder *rec)
{
	return (uint32_t)(rec->stats.packets - rec->spill.lost);
}

uint32_t recorder_frame_number(const struct recorder *rec, uint32_t id)
{
	if (id <= rec->forgotten || id > rec->stats.packets)
		return 0;
	if (id <= rec->stats.spilled)
		return ((uint32_t *)rec->spilled.p)[id - 1 - rec->forgotten];
	return number_of(rec, packet_of(rec, id));
}

bool recorder_put_held(struct buf *b, uint32_t number, uint32_t until, uint64_t held_for)
{
	bool long_enough = held_for >= 1000000, overtaken = until && until != number;

	if (long_enough)
		buf_printf(b, "held for %.3f s", (double)held_for / 1e9);
	if (overtaken)
		buf_printf(b, "%s until after frame %u", long_enough ? "," : "held", (unsigned)until);
	return long_enough || overtaken;
}

const char *recorder_why_missing(const struct recorder *rec)
{
	return rec->why;
}

void recorder_stats_get(const struct recorder *rec, struct recorder_stats *out)
{
	*out = rec->stats;
	out->held = order_count(&rec->by_number);
	out->packets -= rec->spill.lost;
	if (out->spilled > out->packets)
		out->spilled = out->packets;
	out->dropped += rec->spill.lost;
}

void recorder_each(const struct recorder *rec, recorder_frame_h *handler, void *arg)
{
	const struct entry *list = order_list(&rec->by_number);

	for (size_t i = 0; i < order_count(&rec->by_number); i++) {
		const struct packet *p = packet_at(rec, list[i].id);
		uint32_t src = p->src_actor ? p->src_actor : actors_at(&rec->actors, &p->src);
		uint32_t dst = p->dst_actor ? p->dst_actor : actors_at(&rec->actors, &p->dst);
		struct recorder_frame f = {
		    .number = (uint32_t)(rec->stats.spilled + i + 1),
		    .wall = p->wall,
		    .src = p->src,
		    .dst = p->dst,
		    .src_name = actors_name(&rec->actors, src),
		    .dst_name = actors_name(&rec->actors, dst),
		    .received = p->received,
		    .data = {(const char *)p->block + p->data_at, p->len < PCAPNG_UDP_MAX ? p->len : PCAPNG_UDP_MAX},
		    .held_until = recorder_frame_number(rec, p->held_until),
		    .held_for = p->held_for,
		    .comments = {p->comments, p->comments_len},
		};

		handler(&f, arg);
	}
}

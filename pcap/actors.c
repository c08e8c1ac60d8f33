#include "pcap/actors.h"
#include "core/mem.h"
#include "pcap/pcapng.h"
#include "pcap/text.h"

enum {
	NAME_BYTES = 64,     /* of one actor's name */
	ADDRESSES_SHOWN = 4, /* in an interface's description */
	NAMES_SHOWN = 3,     /* joined for one host; the rest is a count */
};

struct actor {
	struct hash_node by_name;
	struct buf given; /* the name as it came, */
	struct buf name;  /* as it is shown, ended by a NUL */
	struct buf description;
	uint32_t number, addresses;
};

/* Who lives at an address. */
struct home {
	struct hash_node by_addr;
	struct addr addr;
	uint32_t actor;
};

struct host {
	struct hash_node by_host;
	struct addr addr;
	struct buf names; /* joined by '+' */
	uint32_t actors;
};

static void actor_destroy(void *block)
{
	struct actor *a = block;

	buf_free(&a->given);
	buf_free(&a->name);
	buf_free(&a->description);
}

static void host_destroy(void *block)
{
	struct host *h = block;

	buf_free(&h->names);
}

static struct actor *actor_get(const struct actors *as, uint32_t n)
{
	return ((struct actor **)as->list.p)[n - 1];
}

/* Room for one more pointer; the buf stays usable when there is none. */
static bool list_reserve(struct buf *list)
{
	bool ok = buf_reserve(list, sizeof(void *));

	list->failed = false;
	return ok;
}

uint32_t actors_count(const struct actors *as)
{
	return (uint32_t)(as->list.len / sizeof(struct actor *));
}

const char *actors_name(const struct actors *as, uint32_t actor)
{
	return actor ? (const char *)actor_get(as, actor)->name.p : NULL;
}

bool actors_is(const struct actors *as, uint32_t actor, const char *name)
{
	return slice_eq(buf_slice(&actor_get(as, actor)->given), slice_str(name));
}

/* A name has to pass as a host name in Wireshark: no blanks, nothing invisible. */
static void name_put(struct buf *b, struct slice s)
{
	while (s.l && b->len < NAME_BYTES) {
		uint32_t rune = text_next(&s);

		text_put_rune(b, rune == ' ' || rune == '+' || text_rune_width(rune) < 0 ? '_' : rune);
	}
	buf_put(b, "", 1);
}

static uint32_t actor_find(const struct actors *as, struct slice name)
{
	for (struct hash_node *n = hash_first(&as->by_name, slice_hash(SLICE_HASH_SEED, name)); n; n = hash_next(n)) {
		struct actor *a = hash_owner(n, struct actor, by_name);

		if (slice_eq(buf_slice(&a->given), name))
			return a->number;
	}
	return 0;
}

uint32_t actors_add(struct actors *as, const char *name)
{
	struct slice given = slice_str(name);
	uint32_t n = actor_find(as, given);
	struct actor *a;

	if (n)
		return n;
	a = mem_zalloc(sizeof(*a), actor_destroy);
	if (!a)
		return 0;
	buf_put_slice(&a->given, given);
	name_put(&a->name, given);
	a->number = actors_count(as) + 1;
	if (a->given.failed || a->name.failed || !list_reserve(&as->list) ||
	    hash_add(&as->by_name, &a->by_name, slice_hash(SLICE_HASH_SEED, given))) {
		mem_deref(a);
		return 0;
	}
	buf_put(&as->list, &a, sizeof(a));
	return a->number;
}

static struct home *home_find(const struct actors *as, const struct addr *a)
{
	for (struct hash_node *n = hash_first(&as->by_addr, addr_hash(a)); n; n = hash_next(n)) {
		struct home *h = hash_owner(n, struct home, by_addr);

		if (addr_eq(&h->addr, a))
			return h;
	}
	return NULL;
}

static struct host *host_find(const struct actors *as, const struct addr *a, uint64_t key)
{
	for (struct hash_node *n = hash_first(&as->by_host, key); n; n = hash_next(n)) {
		struct host *h = hash_owner(n, struct host, by_host);

		if (addr_host_eq(&h->addr, a))
			return h;
	}
	return NULL;
}

static struct host *host_add(struct actors *as, const struct addr *a)
{
	struct addr bare = *a;
	struct host *h;
	uint64_t key;

	addr_set_port(&bare, 0);
	key = addr_hash(&bare);
	h = host_find(as, a, key);
	if (h)
		return h;

	h = mem_zalloc(sizeof(*h), host_destroy);
	if (!h)
		return NULL;
	h->addr = bare;
	if (!list_reserve(&as->hosts) || hash_add(&as->by_host, &h->by_host, key))
		return mem_deref(h);
	buf_put(&as->hosts, &h, sizeof(h));
	return h;
}

/* Whether `name` is one of those already joined. */
static bool host_has(const struct host *h, const char *name)
{
	struct slice all = buf_slice(&h->names), one = slice_str(name);

	for (long at = 0; (at = slice_find(all, one, (size_t)at)) >= 0; at++) {
		size_t end = (size_t)at + one.l;

		if ((!at || all.p[at - 1] == '+') && (end == all.l || all.p[end] == '+'))
			return true;
	}
	return false;
}

/* Appends all of `text` or nothing. */
static bool put_whole(struct buf *b, const char *sep, const char *text)
{
	if (!buf_reserve(b, strlen(sep) + strlen(text))) {
		b->failed = false;
		return false;
	}
	buf_puts(b, sep);
	buf_puts(b, text);
	return true;
}

bool actors_settle(struct actors *as, uint32_t actor, const struct addr *a)
{
	struct actor *act = actor_get(as, actor);
	const char *name = actors_name(as, actor);
	struct home *home = home_find(as, a);
	struct host *h;
	char text[ADDR_STRLEN];

	if (home && home->actor == actor)
		return true;
	h = host_add(as, a);
	if (!h)
		return false;
	if (!home) {
		home = mem_zalloc(sizeof(*home), NULL);
		if (!home)
			return false;
		home->addr = *a;
		if (hash_add(&as->by_addr, &home->by_addr, addr_hash(a))) {
			mem_deref(home);
			return false;
		}
	}
	home->actor = actor;
	as->moves++;

	if (!host_has(h, name)) {
		if (h->actors < NAMES_SHOWN && !put_whole(&h->names, h->actors ? "+" : "", name))
			return false;
		h->actors++;
	}
	if (act->addresses < ADDRESSES_SHOWN &&
	    !put_whole(&act->description, act->addresses ? ", " : "", addr_str(text, a)))
		return false;
	act->addresses++;
	return true;
}

uint32_t actors_at(const struct actors *as, const struct addr *a)
{
	struct home *home = home_find(as, a);

	return home ? home->actor : 0;
}

void actors_put_interfaces(const struct actors *as, struct buf *b, uint32_t from)
{
	for (uint32_t n = from + 1; n <= actors_count(as); n++) {
		const struct actor *a = actor_get(as, n);
		struct buf description = {0};

		buf_put_slice(&description, buf_slice(&a->description));
		if (a->addresses > ADDRESSES_SHOWN)
			buf_printf(&description, " and %u more", (unsigned)(a->addresses - ADDRESSES_SHOWN));
		pcapng_put_interface(b, slice_str((const char *)a->name.p), buf_slice(&description));
		b->failed |= description.failed;
		buf_free(&description);
	}
}

void actors_put_names(const struct actors *as, struct buf *b)
{
	struct host **hosts = (struct host **)as->hosts.p;
	size_t n = as->hosts.len / sizeof(*hosts), at;

	if (!n)
		return;
	at = pcapng_names_begin(b);
	for (size_t i = 0; i < n; i++) {
		struct buf names = {0};

		buf_put_slice(&names, buf_slice(&hosts[i]->names));
		if (hosts[i]->actors > NAMES_SHOWN)
			buf_printf(&names, "+%umore", (unsigned)(hosts[i]->actors - NAMES_SHOWN));
		if (names.len)
			pcapng_names_put(b, &hosts[i]->addr, buf_slice(&names));
		b->failed |= names.failed;
		buf_free(&names);
	}
	pcapng_names_end(b, at);
}

void actors_free(struct actors *as)
{
	struct hash_node *n;

	while ((n = hash_pop(&as->by_addr)))
		mem_deref(hash_owner(n, struct home, by_addr));
	while ((n = hash_pop(&as->by_host)))
		mem_deref(hash_owner(n, struct host, by_host));
	while ((n = hash_pop(&as->by_name)))
		mem_deref(hash_owner(n, struct actor, by_name));
	hash_free(&as->by_addr);
	hash_free(&as->by_host);
	hash_free(&as->by_name);
	buf_free(&as->list);
	buf_free(&as->hosts);
}

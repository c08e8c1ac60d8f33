/* sip/value: the first byte says what the rest is taken for. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sip/value.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_slice(struct slice s)
{
	static volatile unsigned char sink;

	for (size_t i = 0; i < s.l; i++)
		sink ^= (unsigned char)s.p[i];
	(void)sink;
}

static void check_params(const struct value_params *p)
{
	for (size_t i = 0; i < p->count; i++) {
		CHECK(p->at[i].name.l);
		check_slice(p->at[i].name);
		check_slice(p->at[i].value);
	}
}

static void check_uri(const struct value_uri *u)
{
	struct value_uri *again = NULL;

	check_slice(u->user);
	check_slice(u->password);
	check_slice(u->host);
	check_params(&u->params);
	check_params(&u->headers);
	/* what was taken once is taken again, and is the same */
	CHECK(!value_uri_parse(&again, u->raw, NULL));
	CHECK(slice_eq(again->raw, u->raw) && again->params.count == u->params.count);
	/* a parameter given twice with two values does not match itself: compared for the sanitizers alone */
	(void)value_uri_eq(u, again);
	mem_deref(again);
}

static void check_name_addr(const struct value_name_addr *a)
{
	check_slice(a->raw);
	check_slice(a->display);
	check_slice(a->tag);
	check_params(&a->params);
	if (!a->star)
		check_uri(&a->uri);
}

static void scans(struct slice s)
{
	struct slice item, rest = s;
	struct buf b = {0};
	size_t items = 0;

	while (value_split(&item, &rest)) {
		check_slice(item);
		CHECK(++items <= s.l + 1);
	}
	value_unquote(&b, s);
	value_unescape(&b, s);
	CHECK(b.len <= 2 * s.l);
	buf_reset(&b);
	value_quote(&b, s);
	item = buf_slice(&b);
	{
		struct buf back = {0};

		value_unquote(&back, item);
		CHECK(slice_eq(buf_slice(&back), s));
		buf_free(&back);
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice s = {(const char *)data + 1, size ? size - 1 : 0};
	struct value_name_addrs *list = NULL;
	struct value_name_addr *a = NULL;
	struct value_uri *u = NULL;
	struct value_via *v = NULL;
	struct err e;

	if (!size)
		return 0;
	switch (data[0]) {
	case 'u':
		if (!value_uri_parse(&u, s, &e))
			check_uri(u);
		break;
	case 'a':
		if (!value_name_addr_parse(&a, s, &e))
			check_name_addr(a);
		break;
	case 'l':
		if (!value_name_addr_list(&list, s, VALUE_MAX_ITEMS, &e))
			for (size_t i = 0; i < list->count; i++)
				check_name_addr(&list->at[i]);
		break;
	case 'v':
		if (!value_via_parse(&v, s, &e)) {
			check_slice(v->protocol);
			check_slice(v->transport);
			check_slice(v->host);
			check_slice(v->branch);
			check_params(&v->params);
		}
		break;
	case 'm':
		value_strict(s, &e);
		break;
	default:
		scans(s);
		break;
	}
	mem_deref(u);
	mem_deref(a);
	mem_deref(list);
	mem_deref(v);
	CHECK(!mem_live());
	return 0;
}

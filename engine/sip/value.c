#include "sip/value_priv.h"
#include "sip/value_arena.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "core/mem.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void trace_nothing(const char *file, int line, osip_trace_level_t level, const char *text, va_list ap)
{
	(void)file;
	(void)line;
	(void)level;
	(void)text;
	(void)ap;
}

static void osip_install(void)
{
	/* first of all: osip's default trace writes to stdout */
	osip_trace_initialize_func(END_TRACE_LEVEL, trace_nothing);
	osip_set_allocators(value_arena_alloc, value_arena_realloc, value_arena_free);
	parser_init();
}

/* 0, ERR_NOMEM, or ERR_PARSE for any refusal of osip's. Its results stay in the arena until the next call of this thread. */
static int osip_call(int (*call)(void *), void *arg)
{
	int r;

	pthread_once(&once, osip_install);
	return value_arena_call(&r, call, arg) ? ERR_NOMEM : r == OSIP_SUCCESS ? 0 : ERR_PARSE;
}

/* ---- in and out of osip ----
 *
 * osip decodes escapes in place, cuts strings at a NUL, and where a parameter is empty (";x=;y", ";;x") it silently
 * drops what follows. So it gets a copy in which a marker stands for "%", another fills empty names and values, and
 * white space is SP; the copy out of osip undoes the markers. Both are control characters, which the input must not
 * have. */
#define MARK_PERCENT 1
#define MARK_EMPTY 2
#define PREPARED_MAX (2 * VALUE_MAX_LEN + 1)

static int guard(struct slice s, const char *what, struct err *e)
{
	if (!s.l)
		return err_set(e, ERR_PARSE, "%s is empty", what);
	if (s.l > VALUE_MAX_LEN)
		return err_set(e, ERR_PARSE, "%s has %zu bytes, %d are the limit", what, s.l, VALUE_MAX_LEN);
	for (size_t i = 0; i < s.l; i++)
		if (((unsigned char)s.p[i] < ' ' && !value_is_space(s.p[i])) || s.p[i] == 127)
			return err_set(e, ERR_PARSE, "%s has the control character 0x%02x at offset %zu", what,
				       (unsigned char)s.p[i], i);
	return 0;
}

/* `dst` takes 2 * s.l + 1 bytes. `s` has passed guard(). */
static void prepare(char *dst, struct slice s)
{
	for (size_t i = 0; i < s.l; i++) {
		const char c = s.p[i];
		size_t next;

		*dst++ = c == '%' ? MARK_PERCENT : value_is_space(c) ? ' ' : c;
		if (c != '=' && c != ';' && c != '&' && c != '?')
			continue;
		for (next = i + 1; next < s.l && value_is_space(s.p[next]); next++)
			;
		if (next == s.l || strchr(c == '=' ? ";&?" : ";&?=", s.p[next]))
			*dst++ = MARK_EMPTY;
	}
	*dst = '\0';
}

/* The block under construction: room for parameters and strings behind the struct, counted out beforehand. */
struct fill {
	struct value_param *params, *params_end;
	char *str, *end;
};

static struct slice fill_raw(struct fill *f, struct slice s)
{
	struct slice out = {f->str, s.l};

	if (s.l > (size_t)(f->end - f->str))
		return SLICE_NONE; /* cannot happen: see fill_init */
	memcpy(f->str, s.p, s.l);
	f->str += s.l;
	return out;
}

/* A string of osip's, with the markers undone; p NULL for NULL. */
static struct slice fill_osip(struct fill *f, const char *s)
{
	struct slice out = {f->str, 0};

	if (!s)
		return SLICE_NONE;
	for (; *s && f->str < f->end; s++)
		if (*s != MARK_EMPTY)
			*f->str++ = *s == MARK_PERCENT ? '%' : *s;
	out.l = (size_t)(f->str - out.p);
	return out;
}

static struct slice fill_decoded(struct fill *f, struct slice s, size_t (*decode)(char *, struct slice))
{
	struct slice out = {f->str, 0};

	if (!s.p || s.l > (size_t)(f->end - f->str))
		return SLICE_NONE;
	out.l = decode(f->str, s);
	f->str += out.l;
	return out;
}

/* Upper bounds for a value of these bytes: a parameter to each separator; and of strings raw, URI raw, the parts
 * (disjoint), the decoded user and password, and the display name, each no longer than the value. */
static size_t fill_params(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.l; i++)
		n += s.p[i] == ';' || s.p[i] == '&' || s.p[i] == '?';
	return n;
}

static void *fill_init(struct fill *f, size_t struct_size, size_t params, size_t bytes)
{
	const size_t at = (struct_size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	const size_t size = at + params * sizeof(struct value_param) + 5 * bytes;
	char *block = mem_zalloc(size, NULL);

	if (block) {
		f->params = (struct value_param *)(block + at);
		f->params_end = f->params + params;
		f->str = (char *)f->params_end;
		f->end = block + size;
	}
	return block;
}

/* osip must account for every byte: what it skipped, it may have misread. A cursor over the prepared copy, blind to SP.
 */

static void eat_space(const char **at)
{
	while (**at == ' ')
		(*at)++;
}

static bool eat(const char **at, const char *part)
{
	for (; part && *part; part++) {
		if (*part == ' ')
			continue;
		eat_space(at);
		if (**at != *part)
			return false;
		(*at)++;
	}
	eat_space(at);
	return true;
}

static bool eat_param(const char **at, const char *separator, const char *name, const char *value)
{
	/* osip gives NULL for an empty value here and there: "=" is there even so, with the marker or alone */
	if (!eat(at, separator) || !eat(at, name))
		return false;
	if (value)
		return eat(at, "=") && eat(at, value);
	return **at != '=';
}

/* Copies one list of osip's, eating it. Generic and URI parameters are the same struct. */
static bool fill_param_list(struct fill *f, struct value_params *out, osip_list_t *list, const char **at,
			    const char *first, const char *further)
{
	osip_list_iterator_t it;
	osip_generic_param_t *p;

	out->at = f->params;
	out->count = 0;
	for (p = osip_list_get_first(list, &it); p; p = osip_list_get_next(&it)) {
		struct value_param *to = f->params;

		if (!p->gname || to == f->params_end ||
		    !eat_param(at, out->at == to && !out->count ? first : further, p->gname, p->gvalue))
			return false;
		if (strpbrk(p->gname, " \"<>") || (p->gvalue && *p->gvalue != '"' && strchr(p->gvalue, ' ')))
			return false;
		to->name = fill_osip(f, p->gname);
		to->value = fill_osip(f, p->gvalue);
		if (!to->name.l) {
			if (to->value.p)
				return false; /* ";=x" */
			first = further;
			continue; /* ";;" and a ";" at the end: nothing is lost */
		}
		f->params++;
		out->count++;
	}
	return true;
}

static bool host_ok(struct slice host, bool ipv6)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char addr[16];
	const char *zone = ipv6 && host.l ? memchr(host.p, '%', host.l) : NULL;

	if (!host.l)
		return false;
	if (ipv6) {
		if (zone)
			host.l = (size_t)(zone - host.p);
		if (host.l >= sizeof(text))
			return false;
		return inet_pton(AF_INET6, slice_copy(text, sizeof(text), host), addr) == 1;
	}
	for (size_t i = 0; i < host.l; i++)
		if (!isalnum((unsigned char)host.p[i]) && !strchr("-._", host.p[i]))
			return false;
	return true;
}

static int port_from(uint16_t *out, struct slice s, const char *what, struct err *e)
{
	uint64_t port;

	if (!s.p)
		return 0;
	if (!slice_u64(&port, s, 65535) || !port)
		return err_set(e, ERR_PARSE, "%s: the port \"%.*s\" is not in 1..65535", what, SLICE_ARG(s));
	*out = (uint16_t)port;
	return 0;
}

struct osip_job {
	const char *text; /* in the caller's frame, so that osip's arena holds copies only */
	osip_uri_t *uri;
	osip_from_t *from;
	osip_via_t *via;
	size_t text_len;
};

static int call_uri(void *arg)
{
	struct osip_job *j = arg;

	return osip_uri_init(&j->uri) ? OSIP_NOMEM : osip_uri_parse(j->uri, j->text);
}

static int call_from(void *arg)
{
	struct osip_job *j = arg;

	return osip_from_init(&j->from) ? OSIP_NOMEM : osip_from_parse(j->from, j->text);
}

static int call_via(void *arg)
{
	struct osip_job *j = arg;

	return osip_via_init(&j->via) ? OSIP_NOMEM : osip_via_parse(j->via, j->text);
}

static int refuse(struct err *e, const char *what, const char *why, struct slice s)
{
	char text[VALUE_EXCERPT_SIZE];

	return err_set(e, ERR_PARSE, "%s: %s in \"%s\"", what, why, value_excerpt(text, s));
}

static int osip_failed(struct err *e, int code, const char *what, struct slice s)
{
	return code == ERR_NOMEM ? err_set(e, code, "%s: out of memory", what) : refuse(e, what, "a syntax error", s);
}

static int params_guard(size_t count, const char *what, struct err *e)
{
	if (count <= VALUE_MAX_PARAMS)
		return 0;
	return err_set(e, ERR_PARSE, "%s has %zu parameters, %d are the limit", what, count, VALUE_MAX_PARAMS);
}

/* ---- URI ---- */

/* osip takes any scheme that starts with "sip" for SIP, and no scheme with a digit, "+", "-" or "." */
static bool scheme_ok(struct slice s)
{
	if (!s.l || !isalpha((unsigned char)s.p[0]))
		return false;
	for (size_t i = 1; i < s.l; i++)
		if (!isalnum((unsigned char)s.p[i]) && !strchr("+-.", s.p[i]))
			return false;
	return true;
}

bool value_uri_is_sip(const struct value_uri *uri)
{
	return slice_case_eq(uri->scheme, SLICE_LIT("sip")) || slice_case_eq(uri->scheme, SLICE_LIT("sips"));
}

bool value_uri_is_tel(const struct value_uri *uri)
{
	return slice_case_eq(uri->scheme, SLICE_LIT("tel"));
}

/* RFC 3966: the number, then ";name=value". osip leaves a tel URI in one piece. */
static int tel_fill(struct value_uri *u, struct fill *f, struct err *e)
{
	struct slice rest = u->opaque;
	bool number = true;

	u->params.at = f->params;
	while (rest.p) {
		const char *semi = memchr(rest.p, ';', rest.l), *eq;
		struct slice item = {rest.p, semi ? (size_t)(semi - rest.p) : rest.l};

		rest = semi ? value_sub(rest, item.l + 1, rest.l) : SLICE_NONE;
		if (number) {
			if (!item.l)
				return refuse(e, "tel URI", "no number", u->raw);
			u->user_raw = item;
			u->user = fill_decoded(f, item, value_unescape_to);
			number = false;
			continue;
		}
		if (!item.l)
			continue;
		eq = memchr(item.p, '=', item.l);
		if (eq == item.p)
			return refuse(e, "tel URI", "a parameter without a name", u->raw);
		f->params->name = value_sub(item, 0, eq ? (size_t)(eq - item.p) : item.l);
		f->params->value = eq ? value_sub(item, f->params->name.l + 1, item.l) : SLICE_NONE;
		f->params++;
		u->params.count++;
	}
	return 0;
}

static bool sip_uri_account(struct value_uri *u, struct fill *f, osip_uri_t *x, const char *at)
{
	char *host = x->host;

	if (!eat(&at, x->scheme) || !eat(&at, ":") || !host)
		return false;
	if (x->username && !(eat(&at, x->username)))
		return false;
	if (x->password && !(eat(&at, ":") && eat(&at, x->password)))
		return false;
	if (x->username && !eat(&at, "@"))
		return false;
	u->host_is_ipv6 = *at == '[';
	if (!eat(&at, u->host_is_ipv6 ? "[" : "") || !eat(&at, host) || !eat(&at, u->host_is_ipv6 ? "]" : ""))
		return false;
	if (x->port && !(eat(&at, ":") && eat(&at, x->port)))
		return false;
	u->user_raw = fill_osip(f, x->username);
	u->user = fill_decoded(f, u->user_raw, value_unescape_to);
	u->password_raw = fill_osip(f, x->password);
	u->password = fill_decoded(f, u->password_raw, value_unescape_to);
	u->host = fill_osip(f, host);
	return fill_param_list(f, &u->params, &x->url_params, &at, ";", ";") &&
	       fill_param_list(f, &u->headers, &x->url_headers, &at, "?", "&") && !*at;
}

/* `s` is trimmed and has passed guard(). */
static int uri_fill(struct value_uri *u, struct fill *f, struct slice s, struct err *e)
{
	const char *colon = memchr(s.p, ':', s.l);
	char text[PREPARED_MAX];
	struct osip_job job = {.text = text};
	int r;

	u->raw = fill_raw(f, s);
	for (size_t i = 0; i < s.l; i++)
		if (value_is_space(s.p[i]) || strchr("<>\"", s.p[i]))
			return refuse(e, "URI", "white space, a bracket or a quote", s);
	u->scheme = value_sub(u->raw, 0, colon ? (size_t)(colon - s.p) : 0);
	if (!scheme_ok(u->scheme))
		return refuse(e, "URI", "no scheme", s);
	if (!value_uri_is_sip(u)) {
		u->opaque = value_sub(u->raw, u->scheme.l + 1, u->raw.l);
		if (!u->opaque.l)
			return refuse(e, "URI", "nothing behind the scheme", s);
		return value_uri_is_tel(u) ? tel_fill(u, f, e) : 0;
	}
	prepare(text, s);
	r = osip_call(call_uri, &job);
	if (r)
		return osip_failed(e, r, "URI", s);
	if (!sip_uri_account(u, f, job.uri, text))
		return refuse(e, "URI", "a syntax error", s);
	if (!host_ok(u->host, u->host_is_ipv6))
		return refuse(e, "URI", "a host that is neither a name nor an address", s);
	return port_from(&u->port, job.uri->port ? slice_str(job.uri->port) : SLICE_NONE, "URI", e);
}

int value_uri_parse(struct value_uri **out, struct slice s, struct err *e)
{
	struct value_uri *u = NULL;
	struct fill f;
	int r;

	s = slice_trim(s);
	if ((r = guard(s, "URI", e)) || (r = params_guard(fill_params(s), "URI", e)))
		goto out;
	u = fill_init(&f, sizeof(*u), fill_params(s), s.l);
	r = u ? uri_fill(u, &f, s, e) : err_set(e, ERR_NOMEM, "URI: out of memory");
	if (!r) {
		*out = u;
		u = NULL;
	}
out:
	mem_deref(u);
	return r;
}

/* ---- name-addr ---- */

/* Where the URI and the header parameters of an item are. Framed here, because osip skips what stands between ">" and
 * ";", refuses an unquoted display name of other than token characters (seen often, and harmless), and refuses URIs it
 * does not know. */
static int name_addr_frame(struct slice s, struct slice *display, struct slice *uri, struct slice *params,
			   struct err *e)
{
	size_t open = 0, close;

	while (open < s.l && s.p[open] != '<' && s.p[open] != ';') {
		if (s.p[open] == '"')
			value_group_skip(s, &open);
		else
			open++;
	}
	close = open;
	if (open < s.l && s.p[open] == '<') {
		if (!value_group_skip(s, &close))
			return refuse(e, "address", "< without >", s);
		*display = slice_trim(value_sub(s, 0, open));
		*uri = value_sub(s, open + 1, close - 1);
		*params = slice_trim(value_sub(s, close, s.l));
	} else {
		/* RFC 3261 20.10: without <>, all parameters are the header's */
		close = value_skip_to(s, 0, ";");
		*display = SLICE_NONE;
		*uri = slice_trim(value_sub(s, 0, close));
		*params = slice_trim(value_sub(s, close, s.l));
	}
	if (value_skip_to(s, 0, ",") < s.l)
		return refuse(e, "address", "a second item", s);
	if (params->l && params->p[0] != ';')
		return refuse(e, "address", "something other than parameters behind the URI", s);
	if (!value_quotes_closed(*display) || !value_quotes_closed(*params))
		return refuse(e, "address", "a quote without its end", s);
	return 0;
}

/* `s` is trimmed and has passed guard(). */
static int name_addr_fill(struct value_name_addr *a, struct fill *f, struct slice s, struct err *e)
{
	static const char stand_in[] = "<sip:a@b>"; /* the URI is parsed by itself */
	char text[PREPARED_MAX + sizeof(stand_in)];
	const char *at = text + sizeof(stand_in) - 1;
	struct osip_job job = {.text = text};
	struct slice display, uri, params;
	const struct value_param *tag;
	int r;

	a->raw = fill_raw(f, s);
	if (slice_eq(s, SLICE_LIT("*"))) {
		a->star = true;
		return 0;
	}
	if ((r = name_addr_frame(s, &display, &uri, &params, e)))
		return r;
	if (!uri.l)
		return refuse(e, "address", "no URI", s);
	if ((r = uri_fill(&a->uri, f, uri, e)))
		return r;
	memcpy(text, stand_in, sizeof(stand_in) - 1);
	prepare(text + sizeof(stand_in) - 1, params);
	r = osip_call(call_from, &job);
	if (r)
		return osip_failed(e, r, "address", s);
	if (!fill_param_list(f, &a->params, &job.from->gen_params, &at, ";", ";") || *at)
		return refuse(e, "address", "a malformed parameter", s);
	a->display = fill_decoded(f, display, value_unquote_to);
	tag = value_param_get(&a->params, SLICE_LIT("tag"));
	a->tag = tag ? tag->value : SLICE_NONE;
	return 0;
}

int value_name_addr_parse(struct value_name_addr **out, struct slice s, struct err *e)
{
	struct value_name_addr *a = NULL;
	struct fill f;
	int r;

	s = slice_trim(s);
	if ((r = guard(s, "address", e)) || (r = params_guard(fill_params(s), "address", e)))
		goto out;
	a = fill_init(&f, sizeof(*a), fill_params(s), s.l);
	r = a ? name_addr_fill(a, &f, s, e) : err_set(e, ERR_NOMEM, "address: out of memory");
	if (!r) {
		*out = a;
		a = NULL;
	}
out:
	mem_deref(a);
	return r;
}

int value_name_addr_list(struct value_name_addrs **out, struct slice s, size_t max, struct err *e)
{
	struct value_name_addrs *list = NULL;
	struct slice rest, item;
	struct fill f;
	size_t count = 0;
	int r;

	s = slice_trim(s);
	if ((r = guard(s, "address list", e)))
		goto out;
	for (rest = s; value_split(&item, &rest);) {
		if (item.l && (r = params_guard(fill_params(item), "address", e)))
			goto out;
		count += item.l > 0;
	}
	if (!count || count > max) {
		r = err_set(e, ERR_PARSE, "address list has %zu items, 1 to %zu are taken", count, max);
		goto out;
	}
	list = fill_init(&f, sizeof(*list) + count * sizeof(*list->at), fill_params(s), s.l);
	if (!list) {
		r = err_set(e, ERR_NOMEM, "address list: out of memory");
		goto out;
	}
	for (rest = s; value_split(&item, &rest);)
		if (item.l && (r = name_addr_fill(&list->at[list->count++], &f, item, e)))
			goto out;
	*out = list;
	list = NULL;
out:
	mem_deref(list);
	return r;
}

/* ---- Via ---- */

static struct slice param_value(const struct value_params *params, struct slice name)
{
	const struct value_param *p = value_param_get(params, name);

	return p ? p->value : SLICE_NONE;
}

static bool via_account(struct value_via *v, struct fill *f, osip_via_t *x, const char *at)
{
	if (!x->version || !x->protocol || !x->host || x->comment)
		return false;
	/* osip takes any word for "SIP" and does not keep it */
	v->protocol =
	    value_sub(v->raw, 0, strcspn(at, "/ ")); /* 1:1 up to here: a token has nothing that prepare() changes */
	at += v->protocol.l;
	eat_space(&at);
	if (!v->protocol.l || !eat(&at, "/") || !eat(&at, x->version) || !eat(&at, "/") || !eat(&at, x->protocol))
		return false;
	v->host_is_ipv6 = *at == '[';
	if (!eat(&at, v->host_is_ipv6 ? "[" : "") || !eat(&at, x->host) || !eat(&at, v->host_is_ipv6 ? "]" : ""))
		return false;
	if (x->port && !(eat(&at, ":") && eat(&at, x->port)))
		return false;
	v->version = fill_osip(f, x->version);
	v->transport = fill_osip(f, x->protocol);
	v->host = fill_osip(f, x->host);
	return fill_param_list(f, &v->params, &x->via_params, &at, ";", ";") && !*at;
}

static int via_fill(struct value_via *v, struct fill *f, struct slice s, struct err *e)
{
	char text[PREPARED_MAX];
	struct osip_job job = {.text = text};
	const struct value_param *rport;
	uint64_t port;
	int r;

	v->raw = fill_raw(f, s);
	if (value_skip_to(s, 0, ",(") < s.l)
		/* RFC 2543 had comments; osip finds one anywhere, and loses the branch before it */
		return refuse(e, "Via", "a second item or a comment", s);
	if (!value_quotes_closed(s))
		return refuse(e, "Via", "a quote without its end", s);
	prepare(text, s);
	r = osip_call(call_via, &job);
	if (r)
		return osip_failed(e, r, "Via", s);
	if (!via_account(v, f, job.via, text))
		return refuse(e, "Via", "a syntax error", s);
	if (!host_ok(v->host, v->host_is_ipv6))
		return refuse(e, "Via", "a host that is neither a name nor an address", s);
	if ((r = port_from(&v->port, job.via->port ? slice_trim(slice_str(job.via->port)) : SLICE_NONE, "Via", e)))
		return r;
	v->branch = param_value(&v->params, SLICE_LIT("branch"));
	v->received = param_value(&v->params, SLICE_LIT("received"));
	v->maddr = param_value(&v->params, SLICE_LIT("maddr"));
	rport = value_param_get(&v->params, SLICE_LIT("rport"));
	v->rport_present = rport;
	if (rport && slice_u64(&port, rport->value, 65535))
		v->rport = (uint16_t)port;
	return 0;
}

int value_via_parse(struct value_via **out, struct slice s, struct err *e)
{
	struct value_via *v = NULL;
	struct fill f;
	int r;

	s = slice_trim(s);
	if ((r = guard(s, "Via", e)) || (r = params_guard(fill_params(s), "Via", e)))
		goto out;
	v = fill_init(&f, sizeof(*v), fill_params(s), s.l);
	r = v ? via_fill(v, &f, s, e) : err_set(e, ERR_NOMEM, "Via: out of memory");
	if (!r) {
		*out = v;
		v = NULL;
	}
out:
	mem_deref(v);
	return r;
}

/* ---- a whole message ---- */

static int call_message(void *arg)
{
	struct osip_job *j = arg;
	osip_message_t *m;

	return osip_message_init(&m) ? OSIP_NOMEM : osip_message_parse(m, j->text, j->text_len);
}

int value_osip_message(const char *text, size_t len)
{
	struct osip_job job = {.text = text, .text_len = len};

	return osip_call(call_message, &job);
}

/* Messages in Lua: fields, headers, values, and edits that make new messages. */
#include "bindings/object.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/value.h"

/* A message of the bytes in `b`, which is freed. [-0, +1] */
static int push_built(lua_State *L, struct buf *b)
{
	struct msg *m;
	int err = b->failed ? ERR_NOMEM : msg_alloc(&m, buf_slice(b));

	buf_free(b);
	if (err)
		return script_error(L, "out of memory for a message");
	object_push_message(L, m);
	mem_deref(m);
	return 1;
}

/* message(bytes): a message of any bytes, even if they are not SIP. [+1] */
static int message_new(lua_State *L)
{
	struct slice s = check_slice(L, 1);
	struct msg *m;

	if (msg_alloc(&m, s))
		return script_error(L, "out of memory for a message");
	object_push_message(L, m);
	mem_deref(m);
	return 1;
}

/* --- headers --- */

/* Headers whose values may stand in one line, separated by commas, and are told apart for scripts. */
static bool is_list(enum hdr_id id)
{
	return id == HDR_VIA || id == HDR_ROUTE || id == HDR_RECORD_ROUTE || id == HDR_CONTACT;
}

/* msg:header(name, n = 1): the n-th value of that name in any case or compact form, or nil. [+1] */
static int message_header(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	struct slice name = check_slice(L, 2);
	lua_Integer n = luaL_optinteger(L, 3, 1);

	luaL_argcheck(L, n >= 1, 3, "headers count from 1");
	push_slice(L, scan_header_named(&m->s, name, (unsigned)n - 1));
	return 1;
}

/* msg:headers(name): all values in order, lists taken apart. [+1] */
static int message_headers(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	struct slice name = check_slice(L, 2), value, item;
	enum hdr_id id = hdr_lookup(name);
	lua_Integer count = 0;

	lua_newtable(L);
	for (unsigned i = 0; i < m->s.header_count; i++) {
		if (id != HDR_OTHER ? m->s.headers[i].id != id : !slice_case_eq(scan_name(&m->s, i), name))
			continue;
		value = scan_value(&m->s, i);
		if (!is_list(id)) {
			push_slice(L, value);
			lua_rawseti(L, -2, ++count);
			continue;
		}
		while (value_split(&item, &value))
			if (item.l) {
				push_slice(L, item);
				lua_rawseti(L, -2, ++count);
			}
	}
	return 1;
}

/* msg:header_list(): { { name, value }, ... } as they stand. [+1] */
static int message_header_list(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);

	lua_createtable(L, (int)m->s.header_count, 0);
	for (unsigned i = 0; i < m->s.header_count; i++) {
		lua_createtable(L, 2, 0);
		push_slice(L, scan_name(&m->s, i));
		lua_rawseti(L, -2, 1);
		push_slice(L, scan_value(&m->s, i));
		lua_rawseti(L, -2, 2);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

/* The index of the n-th (from 1) header of that name; raises where there is none. */
static unsigned find_header(lua_State *L, const struct msg *m, struct slice name, lua_Integer n)
{
	enum hdr_id id = hdr_lookup(name);
	lua_Integer seen = 0;

	for (unsigned i = 0; i < m->s.header_count; i++)
		if ((id != HDR_OTHER ? m->s.headers[i].id == id : slice_case_eq(scan_name(&m->s, i), name)) && ++seen == n)
			return i;
	if (seen)
		script_error(L, "the message has %d %s headers, not %d", (int)seen, name.p, (int)n);
	script_error(L, "the message has no header %s", name.p);
	return 0;
}

/* msg:replace_header(name, value, n = 1): a new message, every other byte as it was. [+1] */
static int message_replace_header(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	unsigned i = find_header(L, m, check_slice(L, 2), luaL_optinteger(L, 4, 1));
	struct slice value = check_slice(L, 3);
	struct buf b = {0};

	build_replace(&b, &m->s, i, value);
	return push_built(L, &b);
}

/* msg:insert_header(name, value, before = nil): before the first header of that name, or as the last one. [+1] */
static int message_insert_header(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	struct slice name = check_slice(L, 2), value = check_slice(L, 3);
	unsigned i = lua_isnoneornil(L, 4) ? m->s.header_count : find_header(L, m, check_slice(L, 4), 1);
	struct buf b = {0};

	build_insert(&b, &m->s, i, name, value);
	return push_built(L, &b);
}

/* msg:remove_header(name, n = 1) [+1] */
static int message_remove_header(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	unsigned i = find_header(L, m, check_slice(L, 2), luaL_optinteger(L, 3, 1));
	struct buf b = {0};

	build_remove(&b, &m->s, i);
	return push_built(L, &b);
}

/* msg:reorder_headers { "To", "Via", ... }: these first, in this order, the others behind as they were. [+1] */
static int message_reorder_headers(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	luaL_checktype(L, 2, LUA_TTABLE);
	unsigned count = (unsigned)lua_rawlen(L, 2);
	unsigned *order = lua_newuserdatauv(L, (count + 1) * sizeof(*order), 0);
	struct buf b = {0};

	for (unsigned k = 0; k < count; k++) {
		lua_Integer n = 1;
		lua_rawgeti(L, 2, k + 1);
		struct slice name = check_slice(L, -1);
		order[k] = find_header(L, m, name, n);
		for (unsigned before = 0; before < k; before++)
			if (order[before] == order[k]) { /* named twice: the next of them */
				order[k] = find_header(L, m, name, ++n);
				before = (unsigned)-1;
			}
		lua_pop(L, 1);
	}
	build_reorder(&b, &m->s, order, count);
	return push_built(L, &b);
}

/* msg:with_body(body, keep_length = false): another body; Content-Length follows unless keep_length. [+1] */
static int message_with_body(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	struct slice body = check_slice(L, 2);
	struct buf b = {0};

	build_body(&b, &m->s, body, !lua_toboolean(L, 3));
	return push_built(L, &b);
}

/* --- values --- */

static void push_params(lua_State *L, const struct value_params *params)
{
	lua_createtable(L, 0, (int)params->count);
	for (size_t i = 0; i < params->count; i++) {
		push_slice(L, params->at[i].name);
		if (params->at[i].value.p)
			push_slice(L, params->at[i].value);
		else
			lua_pushboolean(L, 1);
		lua_rawset(L, -3);
	}
}

static void push_uri(lua_State *L, const struct value_uri *uri)
{
	lua_createtable(L, 0, 8);
	set_slice_field(L, "raw", uri->raw);
	set_slice_field(L, "scheme", uri->scheme);
	set_slice_field(L, "user", uri->user);
	set_slice_field(L, "password", uri->password);
	if (uri->host.l)
		set_slice_field(L, "host", uri->host);
	if (uri->port) {
		lua_pushinteger(L, uri->port);
		lua_setfield(L, -2, "port");
	}
	set_slice_field(L, "opaque", uri->opaque);
	push_params(L, &uri->params);
	lua_setfield(L, -2, "params");
}

static void push_name_addr(lua_State *L, const struct value_name_addr *v)
{
	lua_createtable(L, 0, 6);
	set_slice_field(L, "raw", v->raw);
	if (v->star) {
		lua_pushboolean(L, 1);
		lua_setfield(L, -2, "star");
		return;
	}
	if (v->display.l)
		set_slice_field(L, "display", v->display);
	push_uri(L, &v->uri);
	lua_setfield(L, -2, "uri");
	push_params(L, &v->params);
	lua_setfield(L, -2, "params");
	set_slice_field(L, "tag", v->tag);
}

static int nil_why(lua_State *L, const struct err *e)
{
	lua_pushnil(L);
	lua_pushstring(L, e->text);
	return 2;
}

/* uri(text): { scheme, user, host, port, params, ... }, or nil and what is wrong. */
static int parse_uri(lua_State *L)
{
	struct value_uri *uri;
	struct err e = {0};

	if (value_uri_parse(&uri, check_slice(L, 1), &e))
		return nil_why(L, &e);
	push_uri(L, uri);
	mem_deref(uri);
	return 1;
}

/* uri_equal(a, b): RFC 3261 19.1.4. */
static int uri_equal(lua_State *L)
{
	struct value_uri *a, *b;
	struct err e = {0};

	if (value_uri_parse(&a, check_slice(L, 1), &e))
		return script_error(L, "%s", e.text);
	if (value_uri_parse(&b, check_slice(L, 2), &e)) {
		mem_deref(a);
		return script_error(L, "%s", e.text);
	}
	lua_pushboolean(L, value_uri_eq(a, b));
	mem_deref(a);
	mem_deref(b);
	return 1;
}

/* name_addr(text): { display, uri, params, tag }, or nil and what is wrong. */
static int parse_name_addr(lua_State *L)
{
	struct value_name_addr *v;
	struct err e = {0};

	if (value_name_addr_parse(&v, check_slice(L, 1), &e))
		return nil_why(L, &e);
	push_name_addr(L, v);
	mem_deref(v);
	return 1;
}

/* via(text): { transport, host, port, branch, received, rport, params }, or nil and what is wrong. */
static int parse_via(lua_State *L)
{
	struct value_via *v;
	struct err e = {0};

	if (value_via_parse(&v, check_slice(L, 1), &e))
		return nil_why(L, &e);
	lua_createtable(L, 0, 8);
	set_slice_field(L, "raw", v->raw);
	set_slice_field(L, "transport", v->transport);
	set_slice_field(L, "host", v->host);
	if (v->port) {
		lua_pushinteger(L, v->port);
		lua_setfield(L, -2, "port");
	}
	set_slice_field(L, "branch", v->branch);
	set_slice_field(L, "received", v->received);
	if (v->rport_present) {
		if (v->rport)
			lua_pushinteger(L, v->rport);
		else
			lua_pushboolean(L, 1);
		lua_setfield(L, -2, "rport");
	}
	push_params(L, &v->params);
	lua_setfield(L, -2, "params");
	mem_deref(v);
	return 1;
}

/* msg:strict(): true, or nil and what a conventional stack refuses. */
static int message_strict(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	struct err e = {0};

	if (value_strict(m->s.bytes, &e))
		return nil_why(L, &e);
	lua_pushboolean(L, 1);
	return 1;
}

/* --- the class --- */

static int message_gc(lua_State *L)
{
	struct msg **box = lua_touserdata(L, 1);

	*box = mem_deref(*box);
	return 0;
}

static int message_tostring(lua_State *L)
{
	char text[300];

	lua_pushstring(L, msg_summary(text, sizeof(text), object_check_message(L, 1)));
	return 1;
}

static int message_eq(lua_State *L)
{
	struct msg **a = luaL_testudata(L, 1, "message"), **b = luaL_testudata(L, 2, "message");

	lua_pushboolean(L, a && b && (*a == *b || slice_eq((*a)->s.bytes, (*b)->s.bytes)));
	return 1;
}

static void push_addr(lua_State *L, const struct addr *a)
{
	char text[ADDR_STRLEN];

	if (a->u.sa.sa_family)
		lua_pushstring(L, addr_str(text, a));
	else
		lua_pushnil(L);
}

static int message_field(lua_State *L, struct msg *m, const char *name)
{
	const struct scan *s = &m->s;

	if (!strcmp(name, "status"))
		s->request || !s->status ? lua_pushnil(L) : lua_pushinteger(L, s->status);
	else if (!strcmp(name, "reason"))
		push_slice(L, s->reason);
	else if (!strcmp(name, "method"))
		push_slice(L, msg_method(m));
	else if (!strcmp(name, "request_uri"))
		push_slice(L, s->uri);
	else if (!strcmp(name, "body"))
		s->body.p ? push_slice(L, s->body) : (void)lua_pushliteral(L, "");
	else if (!strcmp(name, "bytes"))
		push_slice(L, s->bytes);
	else if (!strcmp(name, "is_request"))
		lua_pushboolean(L, s->request);
	else if (!strcmp(name, "is_response"))
		lua_pushboolean(L, s->status != 0);
	else if (!strcmp(name, "call_id"))
		push_slice(L, s->call_id);
	else if (!strcmp(name, "cseq"))
		s->flaws & SCAN_CSEQ || !s->cseq_method.p ? lua_pushnil(L) : lua_pushinteger(L, s->cseq);
	else if (!strcmp(name, "branch"))
		push_slice(L, s->branch);
	else if (!strcmp(name, "from_tag"))
		push_slice(L, s->from_tag);
	else if (!strcmp(name, "to_tag"))
		push_slice(L, s->to_tag);
	else if (!strcmp(name, "source"))
		push_addr(L, &m->src);
	else if (!strcmp(name, "destination"))
		push_addr(L, &m->dst);
	else if (!strcmp(name, "time"))
		lua_pushnumber(L, (double)m->time / 1e9);
	else if (!strcmp(name, "frame"))
		m->frame ? lua_pushinteger(L, m->frame) : lua_pushnil(L);
	else if (!strcmp(name, "locally"))
		lua_pushboolean(L, m->locally != NULL);
	else if (!strcmp(name, "cause"))
		lua_pushstring(L, m->locally);
	else if (!strcmp(name, "flaw"))
		s->flaws & ~SCAN_BODY_LONG ? (void)lua_pushstring(L, scan_flaw_text(s->flaws)) : lua_pushnil(L);
	else
		return 0;
	return 1;
}

/* upvalue: methods */
static int message_index(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	if (lua_type(L, 2) != LUA_TSTRING)
		return 1;
	size_t len;
	const char *name = lua_tolstring(L, 2, &len);
	if (name[0] >= 'A' && name[0] <= 'Z') { /* a header, as on the wire */
		push_slice(L, scan_header_named(&m->s, (struct slice){name, len}, 0));
		return 1;
	}
	if (message_field(L, m, name))
		return 1;
	return script_error(L,
			  "a message has no field \"%s\" (headers are written as on the wire, e.g. msg[\"Call-ID\"], or "
			  "msg:header(\"%s\"))",
			  name, name);
}

void lib_message_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"header", message_header},
		{"headers", message_headers},
		{"header_list", message_header_list},
		{"replace_header", message_replace_header},
		{"insert_header", message_insert_header},
		{"remove_header", message_remove_header},
		{"reorder_headers", message_reorder_headers},
		{"with_body", message_with_body},
		{"strict", message_strict},
		{NULL, NULL},
	};
	static const luaL_Reg functions[] = {
		{"message", message_new},
		{"uri", parse_uri},
		{"uri_equal", uri_equal},
		{"name_addr", parse_name_addr},
		{"parse_via", parse_via},
		{NULL, NULL},
	};

	object_message_class(L);
	luaL_newlib(L, methods);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "methods");
	lua_pushcclosure(L, message_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, message_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushcfunction(L, message_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushcfunction(L, message_eq);
	lua_setfield(L, -2, "__eq");
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
	luaL_setfuncs(L, functions, 0);
}

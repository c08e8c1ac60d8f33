/* What the files of sip/value share among themselves. */
#ifndef OFFHOOK_SIP_VALUE_PRIV_H
#define OFFHOOK_SIP_VALUE_PRIV_H

#include "sip/value.h"

static inline bool value_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct slice value_sub(struct slice s, size_t from, size_t to)
{
	return (struct slice){s.p + from, to - from};
}

/* Moves *i behind the quoted string or the <...> that starts there; false if it is never closed and so lasts to the
 * end. */
bool value_group_skip(struct slice s, size_t *i);
/* The offset of the first of `set` from `i`, outside quotes and <>; s.l if there is none. */
size_t value_skip_to(struct slice s, size_t i, const char *set);
bool value_quotes_closed(struct slice s);
/* The byte that the %-escape at `i` stands for, or -1 where there is no complete escape. */
int value_escape_at(struct slice s, size_t i);
/* The decoders write at most s.l bytes to `dst` and return their number. */
size_t value_unquote_to(char *dst, struct slice s);
size_t value_unescape_to(char *dst, struct slice s);

/* What an error shows of a value: enough to recognise it, and nothing that a terminal would obey. */
#define VALUE_EXCERPT_SIZE 121
const char *value_excerpt(char buf[VALUE_EXCERPT_SIZE], struct slice s);

bool value_uri_is_tel(const struct value_uri *uri);

/* osip_message_parse over a NUL-terminated message: 0, ERR_NOMEM or ERR_PARSE. */
int value_osip_message(const char *text, size_t len);

#endif

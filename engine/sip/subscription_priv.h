/* What the files of subscriptions share. Private to subscription*.c. */
#ifndef OFFHOOK_SIP_SUBSCRIPTION_PRIV_H
#define OFFHOOK_SIP_SUBSCRIPTION_PRIV_H

#include "sip/subscription.h"
#include "sip/within.h"

void subscription_destroy(void *p);
/* `by` is a static text. */
void subscription_end(struct subscription *sub, const char *by);
void subscription_tell(struct subscription *sub, enum subscription_event ev, struct msg *m, const char *why);
/* One more usage of the dialog `d`, whose reference goes to the subscription; `own`: requests within it come here. */
int subscription_enter(struct subscription *sub, struct dialog *d, bool own);
void subscription_leave(struct subscription *sub);
void subscription_unfollow(struct subscription *sub);
/* RFC 6665 4.1.2.2, 4.2.2: whether a response of that status ends a subscription. */
bool subscription_is_over(unsigned status);
/* RFC 3261 12.2.2: whether the request comes in order; else it is refused. */
bool subscription_in_order(struct subscription *sub, struct strans *st);
/* RFC 6665 8.2.1: whether an Event value means this one. */
bool subscription_matches(const struct subscription *sub, struct slice event);
/* Its answer is switched off. */
void subscription_leave_to_user(struct subscription *sub, struct strans *st);
bool subscription_is_refer(const struct subscription *sub);
/* Whether Refer-Sub is "false" (RFC 4488). */
bool subscription_unwanted(const struct scan *s);
/* A list of `own` headers behind `extra`, without those that stand there; mem_deref() it. NULL without memory. */
struct build_header *subscription_headers(const struct build_header *extra, unsigned extra_count, const struct build_header *own,
					  unsigned own_count, unsigned *count);

/* --- subscription_uac.c --- */
void subscription_take_notify(struct subscription *sub, struct strans *st);

/* --- subscription_uas.c --- */
void subscription_take_subscribe(struct subscription *sub, struct strans *st);

#endif

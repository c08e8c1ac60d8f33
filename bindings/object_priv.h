/* What the files of the boxes share. Private to object.c and object_end.c. */
#ifndef OFFHOOK_BINDINGS_OBJECT_PRIV_H
#define OFFHOOK_BINDINGS_OBJECT_PRIV_H

#include "bindings/object.h"

/* A UA and an endpoint live as long as the test, or the iteration of a load that made them. */
bool object_is_lasting(const struct object *o);
/* It may be over some day of which the engine does not tell. */
void object_check_later(struct object *o);
/* Looks at a few of those. */
void object_check_some(struct shard *sh);
/* The collector has it. */
void object_collected(struct object *o);

#endif

/* What a script may use of Lua: text chunks, strict globals, the run's clock and chance, `require` of its own folder and the library,
 * no processes. */
#ifndef OFFHOOK_BINDINGS_SANDBOX_H
#define OFFHOOK_BINDINGS_SANDBOX_H

#include "core/err.h"

#include <lua.h>

/* Opens the standard libraries as far as scripts may have them. */
void sandbox_open(lua_State *L);
/* No new globals from here on. */
void sandbox_lock(lua_State *L);
/* Loads the file as a text chunk named by its path. [-0, +1] the function. ERR_ARG with FILE:LINE. */
int sandbox_load_file(lua_State *L, const char *path, struct err *e);
/* Loads a library file of bindings/lua as a function. [-0, +1]; false when there is none of that name, then [+0]. Raises if it does
 * not parse. */
int sandbox_load_embedded(lua_State *L, const char *name);

#endif

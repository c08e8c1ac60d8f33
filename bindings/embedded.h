/* The Lua files of bindings/lua, inside the program. Made by cmake/embed.cmake. */
#ifndef OFFHOOK_BINDINGS_EMBEDDED_H
#define OFFHOOK_BINDINGS_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
	const char *name; /* "proxy" for bindings/lua/proxy.lua; NULL ends the table */
	const char *text;
	size_t size;
};

extern const struct embedded_file embedded_files[];

#endif

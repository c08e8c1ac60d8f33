/* The system under test as a person writes it: host, host:port, udp:host:port, [::1]:5060 or a SIP URI. */
#ifndef OFFHOOK_CLI_TARGET_H
#define OFFHOOK_CLI_TARGET_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

#define TARGET_MAX 512

/* Writes it as a SIP URI (TARGET_MAX bytes). ERR_ARG: it is none. ERR_ENV: its host does not resolve. */
int target_resolve(char *uri, const char *text, bool v6, struct err *e);

#endif

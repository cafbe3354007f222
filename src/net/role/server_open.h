/* The socket of a server, before anybody is accepted from it. */
#pragma once

#include "net/role/server_state.h"

/*
 * socket, options, bind, listen (unless behave->bind_only). Tries the addresses in turn
 * where a family or an address is missing here; local is what was really bound. fd or
 * -errno with a fault; *failed is the endpoint of the last failure.
 */
int server_open(const struct endpoint_list *list, const struct server_how *how,
		struct endpoint *local, struct unix_file *file, struct session *s,
		struct endpoint *failed, struct fault *f);

/* The descriptor that was handed over (LISTEN_FDS), or fd `number` of `fd:N`. */
int server_inherit(int number, struct endpoint *local, struct fault *f);

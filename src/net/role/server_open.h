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

/*
 * The descriptors that were handed over (LISTEN_FDS), or fd `number` of `fd:N`: the first
 * is returned, its address is *local; those beside it are listeners and stand in *also,
 * which is the caller's to free. -errno with a fault.
 */
int server_inherit(int number, struct endpoint *local, struct listener **also,
		   size_t *n_also, struct fault *f);

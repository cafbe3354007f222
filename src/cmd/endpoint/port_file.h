/* --port-file: the address that was bound, for scripts. */
#pragma once

#include "base/out.h"
#include "net/socket/endpoint.h"

/* path NULL = none. Opened before there is a port, written when there is one: a line each
 * where there are several. A signal that ends us removes it. Each 0 or -errno with a
 * fault. */
int port_file_open(struct out *o, const char *path, struct fault *f);
int port_file_add(struct out *o, const struct endpoint *local, struct fault *f);
int port_file_write(struct out *o, struct fault *f);

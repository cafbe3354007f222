/*
 * Socket options by name: one table, from which --option parses, sets, reads back and
 * lists them.
 */
#pragma once

#include "net/socket/endpoint.h"

enum sockopt_kind {
	SOCKOPT_FLAG,	   /* nodelay, or nodelay=0 */
	SOCKOPT_INT,	   /* mark=0x10 */
	SOCKOPT_SIZE,	   /* rcvbuf=64k */
	SOCKOPT_SECONDS,   /* defer-accept=3s */
	SOCKOPT_MS,	   /* user-timeout=5s */
	SOCKOPT_TEXT,	   /* congestion=cubic */
	SOCKOPT_LINGER,	   /* linger=0 */
	SOCKOPT_KEEPALIVE, /* keepalive, or keepalive=IDLE:INTERVAL:COUNT */
	SOCKOPT_RANGE,	   /* local-ports=4000-4010 */
};

/* When an option is set. A listener's options are inherited by what it accepts, but for
 * the late ones. */
enum sockopt_phase { SOCKOPT_EARLY, SOCKOPT_LATE };

struct sockopt {
	const char *name;
	enum sockopt_kind kind;
	enum sockopt_phase phase;
	int level, optname;   /* IPv4 and families that have no other */
	int level6, optname6; /* IPv6, where it differs; level6 0 = the same */
	const char *help;
	uint32_t least, most; /* of a number; of a name, its length in bytes */
};

struct sockopt_value {
	const struct sockopt *opt;
	int n;	       /* the value; seconds, ms, bytes */
	int extra[2];  /* keepalive: interval, count; 0 = leave */
	bool implicit; /* nobody asked for it: failing silently is right */
	char *text;
};

struct sockopt_list {
	struct sockopt_value *v;
	size_t n, cap;
};

/* "nodelay,rcvbuf=64k,linger=0": appends to list (a struct sockopt_list *). 0 or -EINVAL,
 * -ERANGE with a fault that marks the place. Fits struct opt's `parse`. */
int sockopt_parse(const char *text, void *list, struct fault *f);
/* Appends one option that takes a value, whatever is in it; name is one of the table's.
 * Errors as sockopt_parse(). */
int sockopt_add(const char *name, const char *value, void *list, struct fault *f);
/* "interface" by itself. Fits struct opt's `parse`. */
int sockopt_parse_interface(const char *name, void *list, struct fault *f);
void sockopt_list_free(struct sockopt_list *list);
/* Appends copies of all of from. */
void sockopt_copy(struct sockopt_list *list, const struct sockopt_list *from);
/* Adds name=value unless the user gave that option. */
void sockopt_default(struct sockopt_list *list, const char *name, int value);
bool sockopt_given(const struct sockopt_list *list, const char *name);

/*
 * Sets the options of one phase. note(ctx, text) is told what the kernel made of a value
 * when it is not what was asked ("rcvbuf: asked for 65536, the kernel took 131072"); it
 * may be NULL. 0 or -errno with a fault that names the option.
 */
int sockopt_apply(int fd, const struct sockopt_list *list, enum sockopt_phase phase,
		  void (*note)(void *ctx, const char *text), void *ctx, struct fault *f);

/* The table, one option a line: name, form of the value, help. */
void sockopt_help(struct buf *b);

/*
 * What sockets carry, as people and scripts read it: a head of direction, time, peer and
 * size for each portion and each datagram, and its bytes; or an object of JSON.
 */
#pragma once

#include "base/hash.h"
#include "net/relay/session.h"

enum traffic_form { TRAFFIC_TEXT, TRAFFIC_HEX, TRAFFIC_UNSEEN };

enum traffic_frame { TRAFFIC_JSON_LINE, TRAFFIC_LENGTH_LINE, TRAFFIC_NO_FRAME };

/* The names, for --dump=FORM and --records=FRAME. */
extern const char *const traffic_forms[], *const traffic_frames[];

struct traffic {
	enum traffic_form form;	  /* of bytes */
	enum traffic_frame frame; /* of records on the output */
	bool json;
	struct traffic_conn *conns; /* those that are open */
	size_t n, cap;
	struct hash_index index;
};

void traffic_free(struct traffic *t);

/* A connection that opens or closes: who its peer is, and how much it has carried. */
void traffic_follow(struct traffic *t, const struct net_event *e);

/* A NET_TRAFFIC that comes now. with_bytes: in t->form, else the head alone. */
void traffic_put(struct traffic *t, struct buf *b, const struct net_event *e,
		 bool with_bytes);

/* A record as the output has it. */
void traffic_put_record(struct traffic *t, struct buf *b, const struct net_event *e);

/* Opens FILE for what is to be written to it: the descriptor, or -errno with a fault. */
int traffic_open(const char *path, struct fault *f);

/*
 * What farm.c (the processes and their namespace) and farm_make.c (the sockets) share.
 * A farm is described by one struct plan; each holder process makes its share of it.
 */
#pragma once

#include "base/util.h"
#include <stdbool.h>

enum farm_kind { FARM_TCP, FARM_FDS, FARM_UDP, FARM_UNIX };

struct plan {
	enum farm_kind kind;
	uint64_t sockets; /* all of them, listeners not counted; FARM_FDS: unused */
	uint64_t holders; /* processes that hold them */
	uint64_t files;	  /* FARM_FDS: descriptors a process, one in five a TCP socket */
	bool healthy;	  /* FARM_TCP: nothing half closed */
};

/* What was made, by state; the sum over all holders is on the ready line. */
struct counts {
	uint32_t listen, established, close_wait, fin_wait2, time_wait;
	uint32_t udp, unix_sockets, files;
};

/* One connection, in host byte order, that an exact lookup can ask for. */
struct tuple {
	uint16_t local_port, peer_port;
};

struct share {
	const struct plan *plan;
	uint32_t index; /* of this holder */
	struct counts made;
	struct tuple tuple; /* the first established connection, both ends 127.0.0.1 */
};

/* The mixed states of a TCP farm; listeners come on top of plan->sockets. */
struct mix {
	uint32_t listen, time_wait, half_closed, established; /* the last two in pairs */
	uint32_t time_wait_listen; /* of `listen`, for the owner of the TIME-WAIT part */
};

struct mix mix_of(const struct plan *plan);

/*
 * Makes one holder's share and keeps the descriptors open. What fails ends the process
 * with a message: a farm that is not whole is of no use.
 */
void make_share(struct share *s);

/* Descriptors that make_share() needs at most. */
uint64_t share_files(const struct plan *plan);

struct time_waits;

/*
 * TIME-WAIT lasts 60 s, so these are made anew, same addresses and ports, whenever the
 * reader of the farm asks: each renewal replaces the old ones, their number stays.
 */
struct time_waits *time_waits_new(const struct plan *plan);
void time_waits_renew(struct time_waits *t);
uint32_t time_waits_count(const struct time_waits *t);
void time_waits_free(struct time_waits *t); /* t may be NULL */

/*
 * What a probe of one endpoint found, with all its evidence. Reading it goes in a fixed
 * order, because each step destroys what a later one would have seen: SO_ERROR, the error
 * queue (draining it zeroes SO_ERROR), TCP_INFO, the two names.
 */
#pragma once

#include "model/answer/known_rtt.h"
#include "model/answer/multipath.h"
#include "model/answer/stall.h"
#include "model/answer/unheard.h"
#include "model/cause/bindable.h"
#include "model/icmp.h"
#include "model/outcome.h"
#include "model/silent_hop.h"
#include "model/tcpinfo.h"
#include "net/socket/endpoint.h"

/* What was lost on the way of a handshake that succeeded late. */
enum probe_loss {
	PROBE_LOSS_NONE,
	PROBE_LOSS_SYN,	    /* on the way there, or dropped by a full queue */
	PROBE_LOSS_SYN_ACK, /* on the way back */
	PROBE_LOSS_UNKNOWN, /* no timestamps: cannot tell which */
	PROBE_LOSS_EITHER,  /* the answer to the first SYN, or nothing: a slow path */
	PROBE_LOSS_SLOW,    /* nothing: the round trip is longer than the kernel waits */
};

/* What a second connect() came to, where the first made a ghost. */
enum probe_again {
	PROBE_AGAIN_NOT_ASKED, /* or it could not be */
	PROBE_AGAIN_ANSWERED,  /* its first SYN */
	PROBE_AGAIN_SILENT,
	PROBE_AGAIN_REFUSED,
};

/* What came to an earlier attempt at the same address: that is no host that is down. */
enum probe_heard {
	PROBE_HEARD_NOTHING,
	PROBE_HEARD_REFUSAL,
	PROBE_HEARD_TAKEN, /* it took a connection */
};

enum { PROBE_ANSWER_MAX = 512 };

struct probe_result {
	enum outcome outcome;
	int err;	/* positive errno of connect(), SO_ERROR or send(); 0 = none */
	bool at_once;	/* connect() said it itself: nothing was sent */
	bool half_open; /* a SYN of ours, not a connection: no socket was asked */
	uint8_t ttl;	/* of the packet that answered; 0 = unknown */
	bool has_tcp;
	struct tcpinfo tcp;
	int tcp_unread; /* asked for in vain: positive errno */
	struct icmp_error icmp;
	struct endpoint peer, local; /* proto of peer is always set; len 0 = unknown */
	bool local_unread;	     /* there is one, and it could not be asked for */
	uint64_t name_us;	     /* the look-up of the name; 0 = numeric */
	uint64_t connect_us;	     /* by our clock: until the answer or the end */
	uint64_t first_byte_us;	     /* since the handshake; 0 = none came */
	uint64_t life_us;	     /* closed or reset by the peer after so long */
	enum probe_loss loss;
	unsigned lost;	    /* SYNs that were sent again before a success; half-open:
			       before whatever came */
	unsigned hedges;    /* sockets that asked before the one that was answered */
	uint64_t waited_us; /* since the first of them */
	unsigned phantoms;  /* connections to itself that were thrown away first */
	int http_status;
	int mptcp;		/* 1 the peer speaks it, 0 it does not, -1 not asked */
	bool verified;		/* the peer acknowledged our FIN: a real connection */
	uint32_t answers;	/* ghost: segments that came, the SYN-ACK among them; 0 =
				   this kernel does not count them */
	enum probe_again again; /* the same */
	uint64_t again_us;	/* until its answer */
	enum probe_heard heard; /* before */
	bool cut;		/* a record was longer than what we read of it */
	enum known accepted; /* by the program, as this host's tables had it when ... */
	uint64_t held_us;    /* ... it was closed, so long after the handshake */
	const char *missed;  /* what the answer lacked: "the expected text", ... */
	uint32_t queue, queue_limit; /* of the local listener, where known */
	uint32_t queue_drops; /* it was full then, and dropped so many, and is not now */
	bool listened;	      /* refused, and yet a listener of this host would take it */
	uint32_t ports_used;  /* no-port: towards this destination; 0 = not counted */
	size_t n_answer;
	char answer[PROBE_ANSWER_MAX]; /* the first bytes; foreign */
	struct silent_hop silent_hop;
	struct unheard unheard; /* of a silence: what this host did with the answers */
	struct known_rtt known; /* of a silence, or an answer that may be late: what other
				   connections tell of the path */
	struct stall stall;	/* of a connection whose answer did not come whole */
	struct multipath multipath; /* why it fell back from MPTCP, where that is known */
	struct addr answered_from;  /* UDP: another address or port that answered; family
				       0 = none did */
	struct addr sent_from, sent_to; /* half-open: the ends that NAT of this host gave
					   the SYN; family 0 = it did not */
	bool sent_back;	       /* by the loopback interface, though it is no address of
				  this host */
	bool own;	       /* it is an address of this host, and none of loopback */
	bool loopback_down;    /* it leads to this host's own address */
	const char *file_kind; /* "a directory": what is there instead of a socket */
	char told[600];	       /* error, names, who else answers: words from below */
};

/* What the failed socket still knows, then the verdict. err positive; ETIMEDOUT also for
 * our own deadline. */
void probe_judge_failure(struct probe_result *r, int fd, int err, bool at_once);
/* The same once the facts are in r: pure. */
void probe_judge_facts(struct probe_result *r);
/* A connected socket: TCP_INFO, both names, what was lost. */
void probe_judge_open(struct probe_result *r, int fd);
/* A connection that the peer has ended after life_us: err as of read(), 0 = closed. */
void probe_judge_ended(struct probe_result *r, uint64_t life_us, int err);
/* What was asked for could not be made: no socket, an option or a source address that was
 * refused. Nothing was sent, so it is an error whatever the errno means of a connect().
 */
void probe_judge_fault(struct probe_result *r, const struct fault *f);
/* A name that did not become an address; err as of resolve(). *r is cleared first. */
void probe_judge_name(struct probe_result *r, const struct target *t, int err,
		      const struct fault *f);
/* The device towards it, or our own buffer, has taken no packet in r->connect_us; err:
 * ENOBUFS, EAGAIN, ENOMEM. */
void probe_judge_unsent(struct probe_result *r, int err);

/*
 * Whether nobody answers for the next hop towards an address, by this host's neighbour
 * table; *hop is that hop. ifindex, mark: of the socket, 0 = none; waited_us: since it
 * was first asked for.
 */
typedef bool probe_neighbour_fn(const struct addr *to, uint32_t ifindex, uint32_t mark,
				uint64_t waited_us, struct silent_hop *hop);
/* A silence, or an error of this host's own, which a silent next hop explains. */
bool probe_may_be_neighbour(const struct probe_result *r);
/* Of such a result: is it the next hop that is silent? Then it is unreachable. ask NULL:
 * not asked. */
void probe_ask_neighbour(struct probe_result *r, int fd, probe_neighbour_fn *ask);

/*
 * Whether no address of this host can be the source of what goes to r->peer, or its
 * routes let nothing go there, and why in words; err is r's. ifindex, mark: of the
 * socket, 0 = none.
 */
typedef bool probe_source_fn(const struct probe_result *r, uint32_t ifindex,
			     uint32_t mark, struct buf *why);
/* An error of this host's own for which that may be the reason. */
bool probe_may_be_source(const struct probe_result *r);
/* Of such a result: then it is unreachable, unless it is denied. fd: a socket with the
 * options that count, -1 = none; ask NULL: not asked. */
void probe_ask_source(struct probe_result *r, int fd, probe_source_fn *ask);

/* Whether the program at the other end of an open connection has accepted it, where the
 * tables of this host say so. */
typedef enum known probe_accepted_fn(const struct probe_result *r, int fd);

/* "; the look-up of the name took 1.5 s", of one that was slow. */
void probe_put_slow_name(struct buf *b, uint64_t name_us);

/* The sentence for people: the evidence in words. */
void probe_put_reason(struct buf *b, const struct probe_result *r);

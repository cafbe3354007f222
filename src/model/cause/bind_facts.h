/*
 * What must be known to say whether an address can be bound, and why not: filled by
 * kernel/explain, judged by cause_of_bind().
 */
#pragma once

#include "model/cause/access.h"
#include "model/cause/bindable.h"
#include "model/cause/cause.h"
#include "model/cause/no_source.h"
#include "model/cause/policy.h"
#include "model/occupant.h"
#include "model/presence.h"

enum bind_place {
	PLACE_UNKNOWN, /* not asked, or the kernel would not say */
	PLACE_LOCAL,   /* an address of this namespace, or every address */
	/* IPv6: duplicate address detection has not ended, cannot begin on an interface
	 * that is down or without carrier, or has found the address on another host. */
	PLACE_TENTATIVE,
	PLACE_DOWN,
	PLACE_NO_CARRIER,
	PLACE_DUPLICATE,
	PLACE_FOREIGN,	/* no interface has it */
	PLACE_NO_SCOPE, /* link-local without an interface */
};

/* Where a connection's port comes from. */
enum bind_direction { DIRECTION_NONE, DIRECTION_SERVED, DIRECTION_OUTGOING };

/* What a search in the other network namespaces could not tell. */
struct other_netns {
	bool hidden;	 /* some could not be looked into */
	bool cut;	 /* some were left out: that would have taken too long */
	size_t searched; /* how many were looked into */
};

/* A holder with what a sentence about it needs. */
struct bind_found {
	struct bind_holder holder;
	enum bind_direction direction;
	uint64_t age_ms;	    /* of its first process; 0 = not known */
	const char *unit;	    /* systemd's, of the same; or NULL */
	struct occupants occupants; /* the processes that hold it */
	const char *user;	    /* name of row->uid, or NULL */
	const char
		*remedy; /* how to learn its holder, where that is not known; or NULL */
	enum presence presence; /* of a listener that nothing can reach; or unknown */
	const char *tunnel; /* of the kernel's, which has it: "vxlan0 (vxlan)"; or NULL */
	const char *link;   /* its name, where it alone has the port; or NULL */
	bool covered; /* by a listener that is among the holders: it explains this one */
};

enum bind_file {
	FILE_UNSURE, /* some namespaces could not be looked into, or nobody has looked */
	FILE_FREE,
	FILE_LIVE,
	FILE_STALE,
	FILE_OTHER,	/* no socket: a file, a directory, a link */
	FILE_NO_PARENT, /* its directory is not there */
	FILE_FORBIDDEN, /* the directory may not be written to */
	FILE_UNREAD,	/* looking at it failed */
};

/* A socket that was bound to this very name, and is not what the name leads to here. */
struct bind_namesake {
	struct bind_found found;
	enum {
		NAMESAKE_UNKNOWN,  /* its owner's root could not be looked below */
		NAMESAKE_APART,	   /* there, in another mount namespace */
		NAMESAKE_MOVED,	   /* here, by another name */
		NAMESAKE_REPLACED, /* for its owner, too, another file has the name */
		NAMESAKE_DELETED,  /* for its owner, too, there is none */
		NAMESAKE_NETWORK,  /* abstract, of another network namespace */
		NAMESAKE_ALIKE,	   /* has the last part of the name only, and is here */
	} where;
	const char *real; /* APART, MOVED, ALIKE: a path that leads there; or NULL */
};

struct bind_facts {
	struct bind_candidate candidate;
	bool freebind;
	bool privileged;     /* CAP_NET_BIND_SERVICE counts for the candidate */
	bool netns_is_above; /* no capability of this user namespace counts in the network
				namespace */
	const char *user;    /* --as-user, or NULL: whoever asks */
	const char *address; /* as it is shown */
	const char *asked;   /* as the command line takes it: "udp:[::1]:53" */
	uint32_t asker;	     /* effective user of who asks: what he may run himself */

	/* TCP and UDP */
	struct bind_found *found; /* listeners first */
	size_t n_found, n_listening;
	enum bind_place place;
	const char *device; /* the interface that has the address; NULL = not known */
	const char *others; /* a namespace that has it, in words; NULL = not known */
	struct source_facts ipv6; /* of an IPv6 address that no interface has */
	bool loopback_down; /* the loopback interface, where the address is one of it */
	uint16_t range_lo, range_hi, unprivileged_from;
	int unprivileged_error; /* why unprivileged_from is not known: errno */
	bool range_read;
	const char *reserved; /* ip_local_reserved_ports: "8080,9000-9010"; or NULL */
	bool port_reserved;   /* the port is among them */
	size_t range_ports, range_free;	   /* port 0: without the reserved ones */
	const struct holder *range_holder; /* who has most of them; NULL = not known */
	size_t range_held;		   /* so many */
	bool sees_bound; /* the kernel lists bound sockets that do nothing (Linux 6.8) */
	int bound_error; /* why that could not be tried: errno, or 0 */
	bool bound_refused;	  /* bind() itself has failed then, whatever the port */
	int dump_error;		  /* a table could not be read: errno, 0 = all were */
	const char *enter_remedy; /* how to look into other network namespaces; or NULL */
	const char *candidates;	  /* who may have what no descriptor shows; or NULL */
	int owners_error; /* reading the processes failed: errno, 0 = it did not */
	bool tried;	  /* a trial bind was made, */
	int trial_error;  /* and this came of it; 0 = bound */
	struct policy_facts policy; /* where that is, or bound_error, EACCES or EPERM */
	bool cannot_try;	    /* a trial was wanted, and could not be made */
	/* Listeners on the port in other network namespaces: which conflict with nothing.
	 */
	struct bind_found *elsewhere;
	size_t n_elsewhere;
	struct other_netns other_netns;

	/* unix */
	enum bind_file file;
	const char *file_kind; /* "a directory", "a symbolic link" ... */
	int file_error;
	struct access_facts access; /* making a file of that name; not of abstract ones */
	const char *directory;	    /* of the file, escaped; NULL = not looked at */
	bool may_change; /* who asks may remove the file, or make the directory */
	const struct bind_found
		*taken;	      /* the live socket, or who has the abstract name */
	bool taken_elsewhere; /* it is in another network namespace */
	struct bind_namesake *namesakes; /* those that tell most first */
	size_t n_namesakes;
	const char *link_to; /* what the name, a link, leads to and is not there */
	bool is_mount;	     /* something is mounted on the name, */
	bool mounts_deleted; /* which has been deleted where it comes from */
	bool is_empty;	     /* a directory that rmdir removes */
};

/* BIND_OK, BIND_CONFLICT (it cannot be bound) or BIND_CANNOT_TELL, and why. */
enum bind_verdict cause_of_bind(const struct bind_facts *facts, struct causes *causes);

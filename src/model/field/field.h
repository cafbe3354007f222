/*
 * The field table: every fact a socket can have is one row. A row's name is at once the
 * column of -o, the sort key, the identifier in a filter and (with the unit's suffix) the
 * JSON key; the unit decides formatting and the literals a filter accepts; `needs`
 * decides what the kernel is asked for.
 */
#pragma once

#include "model/field/value.h"
#include "model/sock.h"

enum unit {
	UNIT_COUNT,
	UNIT_BYTES,
	UNIT_US,
	UNIT_MS,
	UNIT_RATE, /* bytes per second */
	UNIT_BOOL,
	UNIT_TEXT,  /* foreign or our own; escaped when shown */
	UNIT_STATE, /* the value is a state number */
	UNIT_PORT,
	UNIT_IP,       /* address without port */
	UNIT_ENDPOINT, /* address and port, or a unix path */
	UNIT_COOKIE,   /* 64-bit, hexadecimal */
	UNIT_HEX,
	UNIT_QUEUE,   /* the accept queue: fill bar, fill/limit */
	UNIT_PROCESS, /* all holders, or why there are none */
	UNIT_TIME,    /* the time that matters in this state */
	UNIT_RATIO,   /* thousandths */
	UNIT_DUMP,    /* bytes, in hexadecimal */
	UNIT_UNITS,
};

/* What must be asked for so that a field can be known. */
enum need {
	NEED_INFO = BIT(0),  /* INET_DIAG_INFO on every row */
	NEED_SKMEM = BIT(1), /* INET_DIAG_SKMEMINFO on every row */
	NEED_MEMINFO = BIT(2),
	NEED_CONG = BIT(3),    /* name of the congestion control */
	NEED_CC_INFO = BIT(4), /* its details */
	NEED_TOS = BIT(5),
	NEED_TCLASS = BIT(6),
	NEED_OWNERS = BIT(7),  /* /proc/PID/fd of every process */
	NEED_CGROUP = BIT(8),  /* path of the cgroup id */
	NEED_USER = BIT(9),    /* name of the uid */
	NEED_DEVICE = BIT(10), /* name of the interface */
	NEED_DROPS = BIT(11),  /* SKMEMINFO of listeners, in their own cheap dump */
	NEED_WAITERS = BIT(
		12), /* struct accept_stats: a walk over the listeners' ports */
	NEED_LISTENER = BIT(13), /* struct listener_ref for un-accepted rows */
	NEED_WAIT_TIME = BIT(
		14), /* TCP_INFO of un-accepted and CLOSE_WAIT rows, by exact request */
	NEED_UNIX_PEER = BIT(15), /* the peer's path, by a join over all unix sockets */
	NEED_PEER_OWNERS = BIT(
		16), /* processes at the other end, where that is on this host */
	NEED_SOCKOPTS = BIT(17),     /* the owner's descriptor, by pidfd_getfd */
	NEED_UNIX_CLIENTS = BIT(18), /* UNIX_DIAG_ICONS */
	NEED_ATTRIBUTES = BIT(19),   /* what the kernel sends unasked beside the message:
					mark, options, cgroup id */
	NEED_BPF = BIT(20),	     /* INET_DIAG_SK_BPF_STORAGES, of all maps */
	NEED_SOCKOPTS_TOO = BIT(21), /* NEED_SOCKOPTS, where there are any: the row itself
					tells most */
};

/* Where a plain number lies. */
enum field_source {
	FROM_GETTER, /* `get` */
	FROM_SOCK,   /* `size` bytes at `offset` of struct sock, if `has` is set */
	FROM_INFO,   /* ... of tcp_info, if it is long enough */
	FROM_SKMEM,
	FROM_MEMINFO,
	FROM_BBR,
	FROM_DCTCP,
	FROM_VEGAS,
	FROM_OPTIONS,
};

enum field_flags {
	FIELD_RIGHT = BIT(0), /* numbers: aligned to the right */
	FIELD_CORE = BIT(1),  /* always in JSON */
	FIELD_MULTI = BIT(2), /* several values a row: holders */
	FIELD_NO_JSON = BIT(
		3), /* a composition of other fields: its parts stand in JSON */
	FIELD_ZERO_ABSENT = BIT(4),  /* the kernel writes 0 for "no sample yet" */
	FIELD_ONES_ABSENT = BIT(5),  /* ... all ones for "none" or "no limit" */
	FIELD_SIGNED = BIT(6),	     /* four bytes that may be negative */
	FIELD_PEER_SPOKE = BIT(7),   /* a figure that there is none of before the peer's
					first answer: the kernel counts from its boot */
	FIELD_SAYS_UNKNOWN = BIT(8), /* text: a table says so where the source lacks it */
	/* What is not shown as it lies there. */
	FIELD_SPECIAL = FIELD_ZERO_ABSENT | FIELD_ONES_ABSENT | FIELD_SIGNED |
			FIELD_PEER_SPOKE,
};

enum field_group {
	GROUP_SOCKET,
	GROUP_QUEUES,
	GROUP_OWNER,
	GROUP_TIMES,
	GROUP_TCP,
	GROUP_ATTACHED,
	GROUP_MEMORY,
	GROUP_CONGESTION,
	GROUP_OPTIONS,
	GROUP_UNIX,
	GROUP_SOCKOPTS,
	GROUP_GROUPS,
};

struct field {
	const char *name;
	const char *heading; /* of the table's column */
	uint8_t unit;	     /* enum unit */
	uint8_t source;	     /* enum field_source */
	uint8_t size;	     /* bytes of a plain number: 1, 2, 4, 8 */
	uint8_t group;	     /* enum field_group */
	uint16_t offset;
	uint16_t flags;
	uint32_t has; /* FROM_SOCK: what must be set in sock.has; 0 = always there */
	uint32_t needs;
	/* The i-th value (i > 0 only with FIELD_MULTI); false = absent, or no more. */
	bool (*get)(const struct sock *s, unsigned i, struct value *v);
	const char *help;
	const char *json; /* key where it is not name + suffix */
};

/* All fields, by group; n of them. */
const struct field *field_table(size_t *n);

/* By exact name ('-' and '_' are the same, any case); NULL if there is none. */
const struct field *field_find(const char *name, size_t len);

const char *field_group_title(enum field_group group);

/* A name that stands for several columns (tcp, memory, sockopts, detail ...): its group
 * mask, or 0. */
uint32_t field_group_parse(const char *name, size_t len);

/* The value of a field; *v is VALUE_ABSENT when false is returned. */
bool field_value(const struct field *f, const struct sock *s, struct value *v);

/*
 * Whether the value is absent because the source of the row did not give it (the text
 * tables of /proc, a dump without it, an older kernel, a right that lacks): a socket of
 * this kind and state has one. False where it has none by nature.
 */
bool field_is_lacking(const struct field *f, const struct sock *s);

/* Of NEED_SOCKOPTS_TOO: whether the row's own attributes decide, so that no descriptor
 * can say otherwise. */
bool field_row_decides(const struct field *f, const struct sock *s);

/* Whether the kernel tells it only to CAP_NET_ADMIN. */
bool field_is_privileged(const struct field *f);

/* Where in struct sock the attribute of a source lies (FROM_INFO and after). */
extern const uint16_t field_blob_offsets[];

/*
 * A plain number of a row, on the path of every row: false when it is absent. Not for
 * FROM_GETTER.
 */
static inline bool field_number(const struct field *f, const struct sock *s,
				uint64_t *out)
{
	const char *from;
	uint32_t word;

	if (f->source == FROM_SOCK) {
		if ((s->has & f->has) != f->has)
			return false;
		from = (const char *)s + f->offset;
	} else {
		const struct blob *b = (const void *)((const char *)s +
						      field_blob_offsets[f->source]);

		if ((uint32_t)f->offset + f->size > b->len)
			return false;
		from = (const char *)b->data + f->offset;
	}
	if (LIKELY(f->size == 4)) {
		memcpy(&word, from, 4);
		*out = word;
	} else if (f->size == 8) {
		memcpy(out, from, 8);
	} else if (f->size == 2) {
		uint16_t half;

		memcpy(&half, from, 2);
		*out = half;
	} else {
		*out = *(const uint8_t *)from;
	}
	if (f->flags & FIELD_SPECIAL) {
		if ((f->flags & FIELD_PEER_SPOKE) &&
		    (s->state == STATE_SYN_SENT || s->state == STATE_SYN_RECV))
			return false;
		if (f->flags & FIELD_SIGNED)
			*out = (uint64_t)(int64_t)(int32_t)*out;
		if (!*out && (f->flags & FIELD_ZERO_ABSENT))
			return false;
		if (*out == UINT64_MAX >> (64 - 8 * f->size) &&
		    (f->flags & FIELD_ONES_ABSENT))
			return false;
	}
	return true;
}

/* "_us", "_bytes" ...: what the unit adds to the JSON key. */
const char *unit_suffix(enum unit unit);

/* The nearest field name for a wrong one, or NULL. */
const char *field_nearest(const char *name, size_t len);

/*
 * Command lines to paste, in the texts that say what to do. Each is a row of one table:
 * its words, and who may run it. What is put into a row is quoted so that bash, zsh and
 * fish read it back as it was; "sudo" comes first where the one who asks needs it.
 *
 * In such a text the lines that begin with a tab are commands, the others are sentences.
 */
#pragma once

#include "base/buf.h"

/* Where a right is missing: what those are told who may have it for the asking. */
#define TRY_SUDO "try sudo"

/* A row's words and arguments: advice.c. */
enum advice_line {
	ADVICE_STOP_UNIT,
	ADVICE_STOP_ACTIVATED,
	ADVICE_STOP_USER_ACTIVATED,
	ADVICE_RESTART_UNIT,
	ADVICE_RESTART_USER_UNIT,
	ADVICE_THAW_UNIT,
	ADVICE_STOP_USER_UNIT,
	ADVICE_STOP_USER_UNIT_OF,
	ADVICE_SOCKET_UNITS,
	ADVICE_USER_SOCKET_UNITS,
	ADVICE_USER_SOCKET_UNITS_OF,
	ADVICE_DOCKER_PORT,
	ADVICE_DOCKER_STOP,
	ADVICE_USER_DOCKER_STOP,
	ADVICE_DOCKER_RESTART,
	ADVICE_DOCKER_UNPAUSE,
	ADVICE_DOCKER_LIST,
	ADVICE_PODMAN_STOP,
	ADVICE_PODMAN_STOP_OF,
	ADVICE_PODMAN_UNPAUSE,
	ADVICE_NERDCTL_STOP,
	ADVICE_CRICTL_STOP,
	ADVICE_CRICTL_FIND,
	ADVICE_THAW_CGROUP,
	ADVICE_THAW_FREEZER,
	ADVICE_KILL,
	ADVICE_CONTINUE,
	ADVICE_WCHAN,
	ADVICE_STACK,
	ADVICE_GDB,
	ADVICE_DESCRIPTORS,
	ADVICE_RAISE_NOFILE,
	ADVICE_RAISE_NOFILE_HARD,
	ADVICE_OPEN_FILES,
	ADVICE_SETCAP,
	ADVICE_LOW_PORTS,
	ADVICE_RESERVE_PORT,
	ADVICE_PORT_RANGE,
	ADVICE_LOOPBACK_UP,
	ADVICE_IPV6_ON,
	ADVICE_ADDRESSES,
	ADVICE_TENTATIVE,
	ADVICE_DADFAILED,
	ADVICE_LINK_UP,
	ADVICE_ROUTE,
	ADVICE_ROUTE_FROM,
	ADVICE_ROUTES,
	ADVICE_ROUTES_V6,
	ADVICE_ROUTES_MATCH,
	ADVICE_RULES,
	ADVICE_RULES_V6,
	ADVICE_TUNNELS,
	ADVICE_REMOVE_LINK,
	ADVICE_RPC,
	ADVICE_NFT,
	ADVICE_LOOSE_PATH,
	ADVICE_MPTCP_ON,
	ADVICE_INGRESS,
	ADVICE_IPTABLES,
	ADVICE_IP6TABLES,
	ADVICE_LEGACY,
	ADVICE_LEGACY_V6,
	ADVICE_LEGACY_NAT,
	ADVICE_LEGACY_NAT_V6,
	ADVICE_CGROUP_BPF,
	ADVICE_NAT,
	ADVICE_NAT_V6,
	ADVICE_CONNTRACK,
	ADVICE_REMOVE,
	ADVICE_REMOVE_DIRECTORY,
	ADVICE_MAKE_DIRECTORY,
	ADVICE_JOIN_GROUP,
	ADVICE_NEW_GROUP,
	ADVICE_GRANT,
	ADVICE_CHMOD,
	ADVICE_SHOW_LIST,
	ADVICE_MUTABLE,
	ADVICE_CONNECT,
	ADVICE_CONNECT_IN,
	ADVICE_CONNECT_SMALL,
	ADVICE_CONNECT_ROOT,
	ADVICE_PROBE,
	ADVICE_PROBE_VERIFY,
	ADVICE_PING,
	ADVICE_PING_SIZE,
	ADVICE_MTR,
	ADVICE_QDISC,
	ADVICE_LINK_COUNTERS,
	ADVICE_INSPECT_PORT,
	ADVICE_INSPECT_UNIX,
	ADVICE_BINDABLE,
	ADVICE_INSPECT_MEMORY,
	ADVICE_LINES,
};

/* Who asks, and whose process or file the command is about. */
struct advised {
	uint32_t uid, owner;
};

/* The next line of the text: a command. Its arguments are const char * for '#' and '%',
 * unsigned for '&'. */
void advise(struct buf *b, enum advice_line line, struct advised who, ...);
/* The same as a text of its own, without the tab: for a sentence around it. */
const char *advise_within(struct buf *b, enum advice_line line, struct advised who, ...);
/* Whether the command behind text[0..len) has sudo before it. */
bool advice_asks_root(const char *text, size_t len);

/* The next line of the text: a sentence. */
void advise_in_words(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What is advised next goes on in the same line, and is run after this. */
void advise_then(struct buf *b);

/* For a command whose words depend on more: begins it, adds words. */
void advise_begin(struct buf *b, bool sudo);

void advise_number(struct buf *b, unsigned n);
void advise_word(struct buf *b, const char *raw);
void advise_escaped_word(struct buf *b, const char *escaped);

/* The text as sentences and commands on lines of their own, without the tabs. */
void advice_put_plain(struct buf *b, const char *text);
/* The next command of a text, from *at on, and its length; NULL if there is none. */
const char *advice_next_command(const char **at, size_t *len);

/*
 * The words of a row, NULL ends. Within them '#' stands for a raw text, '%' for one that
 * is escaped for a terminal, '&' for a number.
 */
const char *const *advice_words(enum advice_line line);

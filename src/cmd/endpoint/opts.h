/* What listen, connect and echo share of their command line: one config, tables of
 * options, and how these become what net/ wants. */
#pragma once

#include "cmd/cmd.h"
#include "net/role/client.h"
#include "net/role/server.h"

struct endpoint_config {
	struct common common;
	/* address */
	int family; /* AF_INET, AF_INET6, 0 */
	int proto;  /* TARGET_TCP, TARGET_UDP; see target_chosen() */
	bool path;
	struct sockopt_list options;
	/* time */
	uint64_t timeout_us, idle_us;
	/* listening */
	bool keep, recv_only, send_only, no_reuseaddr, background, once;
	uint64_t max, backlog, threads;
	struct peer_rules rules;
	const char *to;
	const char *exec, *shell, *reply, *http, *output_dir, *port_file;
	uint64_t http_status, http_max_body;
	struct strv http_headers;
	/* connecting */
	const char *source;
	uint64_t retries, backoff_us, connections, rate;
	bool half_open;
	/* data */
	int half_close; /* -1 unset, 0, 1 */
	const char *send, *expect;
	bool crlf, hex;
	int records; /* enum traffic_frame; -1 unset */
	/* laboratory */
	const char *lab; /* NULL = not asked for */
	bool strict;
	/* telling */
	bool json, info, report, trace;
	int dump; /* enum traffic_form; -1 unset */
	const char *dump_file;
	/* echo --client */
	bool client;
	uint64_t count, size;
	struct behave behave;
};

#define ENDPOINT_CONFIG_INIT                                                          \
	{                                                                             \
		.half_close = -1, .dump = -1, .records = -1, .backlog = BEHAVE_UNSET, \
		.connections = 1, .backoff_us = 1000000, .threads = 1,                \
		.behave = BEHAVE_INIT, .http_max_body = UINT64_MAX                    \
	}

/* The tables of options, as each command lists them. */
enum { N_LISTEN_GROUPS = 9, N_CONNECT_GROUPS = 8, N_ECHO_GROUPS = 7 };
extern const struct opt_group endpoint_listen_groups[N_LISTEN_GROUPS];
extern const struct opt_group endpoint_connect_groups[N_CONNECT_GROUPS];
extern const struct opt_group endpoint_echo_groups[N_ECHO_GROUPS];

#define ENDPOINT_CONFIG_FREE __attribute__((cleanup(endpoint_config_free)))
void endpoint_config_free(struct endpoint_config *c);

/* "--option help" was asked: prints the table. True if the command is over. */
bool endpoint_list_options(const struct command *cmd, int argc, char **argv, int *code);

/*
 * The operands as one target; NULL where the default text is to be taken. Two words are
 * an error that prints the right spelling. 0, or -errno with a fault (of usage).
 */
int endpoint_target(const struct endpoint_config *c, const struct opt_operands *words,
		    const char *otherwise, struct target *t, struct fault *f);

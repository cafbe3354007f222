/* Options that cannot be obeyed, by a datagram socket, by a command that has the
 * connection, by the client of echo or by an end that sends nothing. */
#include "cmd/endpoint/run.h"
#include "cmd/exclude.h"

enum role {
	ON_LISTEN = BIT(0),
	ON_CONNECT = BIT(1),
	ON_ECHO = BIT(2),
	ON_PINGER = BIT(3), /* echo --client, of any protocol */
	ON_CREW = BIT(4),   /* echo --threads, of connections */
	ON_CHILD = BIT(5),  /* listen --exec and --sh, of connections */
	ON_ANSWER = BIT(6), /* echo without --client, of any protocol */
	ON_RECV_ONLY = BIT(7),
	ON_MUTE = BIT(8),
	ON_SERVER = ON_LISTEN | ON_ECHO,
	ON_ALL = ON_SERVER | ON_CONNECT,
};

#define ROW(name, member, roles, reason, advice)                                 \
	{                                                                        \
		.option = name, EXCLUDED_MEMBER(struct endpoint_config, member), \
		.with = roles, .why = reason, .hint = advice                     \
	}

#define CLIENT(option, member) \
	ROW(option, member, ON_PINGER, only_measures, "give it to the server")

#define CHILD(option, member) ROW(option, member, ON_CHILD, its_own, in_command)

static const char its_own[] = "the command has the connection to itself";
static const char in_command[] = "leave it to the command, or give it to the peer";
static const char only_measures[] = "--client sends, checks and measures, no more";
static const char only_client[] = "it is for --client";
static const char no_connection[] = "datagrams make no connection";
static const char no_queue[] = "datagrams are not accepted, they are there";

static const char one_socket[] = "one socket serves every peer of datagrams";
static const char one_queue[] = "the threads take peers without asking each other";
static const char not_sent[] = "nothing is sent with --recv-only";
static const char muted[] = "nothing is sent with --mute";
static const char leave_out[] = "leave it out";

static const struct exclusion refusals[] = {
	ROW("--exec", exec, ON_LISTEN, no_connection, "--reply answers each datagram"),
	ROW("--sh", shell, ON_LISTEN, no_connection, "--reply answers each datagram"),
	ROW("--http", http, ON_LISTEN, no_connection, "--reply answers each datagram"),
	ROW("--backlog", backlog, ON_SERVER, no_queue,
	    "--option rcvbuf=SIZE limits what the kernel keeps for it"),
	ROW("--no-accept", behave.no_accept, ON_SERVER, no_queue,
	    "--no-read leaves them in the receive buffer"),
	ROW("--accept-delay", behave.accept_delay_us, ON_SERVER, no_queue,
	    "--delay answers late, --read-rate reads slowly"),
	ROW("--accept-rate", behave.accept_rate, ON_SERVER, no_queue,
	    "--read-rate reads slowly"),
	ROW("--bind-only", behave.bind_only, ON_SERVER,
	    "a datagram socket receives once it is bound",
	    "--no-read leaves what comes in the receive buffer"),
	ROW("--limit-fds", behave.limit_fds, ON_SERVER, one_socket, leave_out),
	ROW("--chunk", behave.chunk, ON_ECHO, "an echo keeps datagrams whole",
	    "--truncate shortens them"),
	ROW("--close-first", behave.close_first, ON_ALL, no_connection,
	    "--close-after-bytes and --max end it"),
	ROW("--no-close", behave.no_close, ON_ALL,
	    "datagrams have no end that could be read", leave_out),
	ROW("--reset-after", behave.reset_after_bytes, ON_ALL, no_connection,
	    "--close-after-bytes ends it"),
	ROW("--hold", behave.hold_us, ON_SERVER, no_connection,
	    "--max, --idle and --close-after-bytes end it"),
	ROW("--half-open", half_open, ON_CONNECT, "datagrams have no handshake",
	    leave_out),
	ROW("--threads", threads, ON_ECHO, one_socket, leave_out),
	ROW("--once", once, ON_CREW, "one peer needs one thread", leave_out),
	ROW("--accept-delay", behave.accept_delay_us, ON_CREW, one_queue, leave_out),
	ROW("--accept-rate", behave.accept_rate, ON_CREW, one_queue, leave_out),
	ROW("--trace", trace, ON_CREW, "several threads tell several stories", leave_out),
	ROW("--idle", idle_us, ON_CHILD, its_own,
	    "--timeout limits the wait for the first peer; the command can end itself: "
	    "--sh 'timeout 10 CMD'"),
	CHILD("--output", output_dir),
	CHILD("--expect", expect),
	CHILD("--info", info),
	CHILD("--crlf", crlf),
	CHILD("--send-only", send_only),
	CHILD("--no-read", behave.no_read),
	CHILD("--mute", behave.mute),
	CHILD("--read-rate", behave.read_rate),
	CHILD("--write-rate", behave.write_rate),
	CHILD("--chunk", behave.chunk),
	CHILD("--chunk-delay", behave.chunk_delay_us),
	CHILD("--delay", behave.delay_us),
	CHILD("--corrupt", behave.corrupt),
	CHILD("--truncate", behave.truncate_bytes),
	CHILD("--hold", behave.hold_us),
	CHILD("--no-close", behave.no_close),
	CHILD("--close-first", behave.close_first),
	CHILD("--close-after-bytes", behave.close_after_bytes),
	CHILD("--reset-after", behave.reset_after_bytes),
	ROW("--count", count, ON_ANSWER, only_client, "--client sends"),
	ROW("--size", size, ON_ANSWER, only_client, "--client sends"),
	ROW("--connections", connections, ON_ANSWER, only_client, "--client connects"),
	CLIENT("--threads", threads),
	CLIENT("--port-file", port_file),
	CLIENT("--background", background),
	CLIENT("--backlog", backlog),
	CLIENT("--no-reuseaddr", no_reuseaddr),
	CLIENT("--once", once),
	CLIENT("--no-accept", behave.no_accept),
	CLIENT("--bind-only", behave.bind_only),
	CLIENT("--accept-delay", behave.accept_delay_us),
	CLIENT("--accept-rate", behave.accept_rate),
	CLIENT("--limit-fds", behave.limit_fds),
	CLIENT("--no-read", behave.no_read),
	CLIENT("--mute", behave.mute),
	CLIENT("--read-rate", behave.read_rate),
	CLIENT("--write-rate", behave.write_rate),
	CLIENT("--chunk", behave.chunk),
	CLIENT("--chunk-delay", behave.chunk_delay_us),
	CLIENT("--delay", behave.delay_us),
	CLIENT("--corrupt", behave.corrupt),
	CLIENT("--truncate", behave.truncate_bytes),
	CLIENT("--hold", behave.hold_us),
	CLIENT("--no-close", behave.no_close),
	CLIENT("--close-first", behave.close_first),
	CLIENT("--close-after-bytes", behave.close_after_bytes),
	CLIENT("--reset-after", behave.reset_after_bytes),
	ROW("--send", send, ON_RECV_ONLY, not_sent, leave_out),
	ROW("--reply", reply, ON_RECV_ONLY, not_sent, leave_out),
	ROW("--http", http, ON_RECV_ONLY, not_sent, leave_out),
	ROW("--send", send, ON_MUTE, muted, leave_out),
	ROW("--reply", reply, ON_MUTE, muted, leave_out),
	ROW("--http", http, ON_MUTE, muted, leave_out),
};

#undef CLIENT
#undef CHILD
#undef ROW

static unsigned role_of(const struct command *cmd, const struct endpoint_config *c,
			enum target_proto proto)
{
	if (c->client)
		return ON_PINGER;
	if (cmd == &cmd_echo)
		return ON_ANSWER | (!target_is_connected(proto) ? ON_ECHO
				    : c->threads > 1		? ON_CREW
								: 0);
	if (target_is_connected(proto))
		return c->exec || c->shell ? ON_CHILD : 0;
	return cmd == &cmd_listen ? ON_LISTEN : ON_CONNECT;
}

int endpoint_check(const struct command *cmd, const struct endpoint_config *c,
		   enum target_proto proto, struct fault *f)
{
	const struct endpoint_config fresh = ENDPOINT_CONFIG_INIT;
	unsigned roles = role_of(cmd, c, proto) | (c->recv_only ? ON_RECV_ONLY : 0) |
			 (c->behave.mute ? ON_MUTE : 0);

	return exclude_check(refusals, ARRAY_SIZE(refusals), c, &fresh, roles, f);
}

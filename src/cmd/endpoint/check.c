/* Options that cannot be obeyed, by a datagram socket, by a command that has the
 * connection, by the client of echo or by an end that sends nothing. */
#include "cmd/endpoint/check.h"

#include "cmd/exclude.h"

#define ROW(name, member, roles, reason, advice)                                 \
	{                                                                        \
		.option = name, EXCLUDED_MEMBER(struct endpoint_config, member), \
		.with = roles, .why = reason, .hint = advice                     \
	}

#define CLIENT(option, member) \
	ROW(option, member, MARK_ECHO_CLIENT, only_measures, "give it to the server")

#define CHILD(option, member) \
	ROW(option, member, MARK_LISTEN_COMMAND, its_own, in_command)

#define HTTP(reason, member)                                                   \
	{                                                                      \
		EXCLUDED_MEMBER(struct endpoint_config, member),               \
			.without = MARK_HTTP, .why = reason, .hint = give_http \
	}

#define RELAY(option, member) ROW(option, member, MARK_RELAY, passes_on, leave_out)

static const char passes_on[] = "with --to the bytes are those of the target";
static const char give_http[] = "--http TEXT answers each request";
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
static const char no_address[] = "its peers have no IP address";
static const char by_mode[] = "a unix socket is kept from others by its permissions";
static const char no_records[] = "a stream has no records";
static const char leave_out[] = "leave it out";

static const struct exclusion refusals[] = {
	ROW("--exec", exec, MARK_LISTEN_DATAGRAMS, no_connection,
	    "--reply answers each datagram"),
	ROW("--sh", shell, MARK_LISTEN_DATAGRAMS, no_connection,
	    "--reply answers each datagram"),
	ROW("--http", http, MARK_LISTEN_DATAGRAMS, no_connection,
	    "--reply answers each datagram"),
	ROW("--backlog", backlog, MARK_SERVER_DATAGRAMS, no_queue,
	    "--option rcvbuf=SIZE limits what the kernel keeps for it"),
	ROW("--no-accept", behave.no_accept, MARK_SERVER_DATAGRAMS, no_queue,
	    "--no-read leaves them in the receive buffer"),
	ROW("--accept-delay", behave.accept_delay_us, MARK_SERVER_DATAGRAMS, no_queue,
	    "--delay answers late, --read-rate reads slowly"),
	ROW("--accept-rate", behave.accept_rate, MARK_SERVER_DATAGRAMS, no_queue,
	    "--read-rate reads slowly"),
	ROW("--bind-only", behave.bind_only, MARK_SERVER_DATAGRAMS,
	    "a datagram socket receives once it is bound",
	    "--no-read leaves what comes in the receive buffer"),
	ROW("--limit-fds", behave.limit_fds, MARK_SERVER_DATAGRAMS, one_socket,
	    leave_out),
	ROW("--chunk", behave.chunk, MARK_ECHO_DATAGRAMS, "an echo keeps datagrams whole",
	    "--truncate shortens them"),
	ROW("--close-first", behave.close_first, MARK_ALL_DATAGRAMS, no_connection,
	    "--close-after-bytes and --max end it"),
	ROW("--no-close", behave.no_close, MARK_ALL_DATAGRAMS,
	    "datagrams have no end that could be read", leave_out),
	ROW("--reset-after", behave.reset_after_bytes, MARK_ALL_DATAGRAMS, no_connection,
	    "--close-after-bytes ends it"),
	ROW("--hold", behave.hold_us, MARK_SERVER_DATAGRAMS, no_connection,
	    "--max, --idle and --close-after-bytes end it"),
	ROW("--half-open", half_open, MARK_CONNECT_DATAGRAMS,
	    "datagrams have no handshake", leave_out),
	ROW("--threads", threads, MARK_ECHO_DATAGRAMS, one_socket, leave_out),
	ROW("--once", once, MARK_ECHO_THREADS, "one peer needs one thread", leave_out),
	ROW("--accept-delay", behave.accept_delay_us, MARK_ECHO_THREADS, one_queue,
	    leave_out),
	ROW("--accept-rate", behave.accept_rate, MARK_ECHO_THREADS, one_queue, leave_out),
	ROW("--dump", dump, MARK_ECHO_THREADS, "several threads take what comes",
	    leave_out),
	ROW("--dump-file", dump_file, MARK_ECHO_THREADS,
	    "several threads take what comes", leave_out),
	ROW("--trace", trace, MARK_ECHO_THREADS, "several threads tell several stories",
	    leave_out),
	ROW("--idle", idle_us, MARK_LISTEN_COMMAND, its_own,
	    "--timeout limits the wait for the first peer; the command can end itself: "
	    "--sh 'timeout 10 CMD'"),
	CHILD("--output", output_dir),
	CHILD("--dump", dump),
	CHILD("--records", records),
	CHILD("--dump-file", dump_file),
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
	ROW("--to", to, MARK_LISTEN_DATAGRAMS, no_connection,
	    "socat UDP-LISTEN:PORT,fork UDP:HOST:PORT passes datagrams on"),
	RELAY("--exec", exec),
	RELAY("--sh", shell),
	RELAY("--reply", reply),
	RELAY("--http", http),
	RELAY("--send", send),
	RELAY("--expect", expect),
	RELAY("--output", output_dir),
	RELAY("--records", records),
	RELAY("--recv-only", recv_only),
	RELAY("--send-only", send_only),
	ROW("--allow", rules.allow.n, MARK_NO_IP, no_address, by_mode),
	ROW("--deny", rules.deny.n, MARK_NO_IP, no_address, by_mode),
	ROW("--count", count, MARK_ECHO_SERVER, only_client, "--client sends"),
	ROW("--size", size, MARK_ECHO_SERVER, only_client, "--client sends"),
	ROW("--connections", connections, MARK_ECHO_SERVER, only_client,
	    "--client connects"),
	CLIENT("--threads", threads),
	CLIENT("--dump", dump),
	CLIENT("--dump-file", dump_file),
	CLIENT("--port-file", port_file),
	CLIENT("--background", background),
	CLIENT("--backlog", backlog),
	CLIENT("--allow", rules.allow.n),
	CLIENT("--deny", rules.deny.n),
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
	ROW("--send", send, MARK_RECV_ONLY, not_sent, leave_out),
	ROW("--reply", reply, MARK_RECV_ONLY, not_sent, leave_out),
	ROW("--http", http, MARK_RECV_ONLY, not_sent, leave_out),
	ROW("--send", send, MARK_MUTE, muted, leave_out),
	ROW("--reply", reply, MARK_MUTE, muted, leave_out),
	ROW("--http", http, MARK_MUTE, muted, leave_out),
	ROW("--crlf", crlf, MARK_HTTP, "the answer to --http has a length",
	    "write \\r\\n in the text"),
	ROW("--records", records, MARK_STREAM, no_records,
	    "udp:, unix-dgram: and unix-seqpacket: have; --dump shows what each read "
	    "brings"),
	ROW("--records", records, MARK_HTTP, "a request is no record", leave_out),
	HTTP("--http-status belongs to --http", http_status),
	HTTP("--http-header belongs to --http", http_headers),
	HTTP("--http-max-body belongs to --http", http_max_body),
};

#undef HTTP
#undef CLIENT
#undef CHILD
#undef RELAY
#undef ROW

static bool is_ip(enum target_proto proto)
{
	return proto != TARGET_VSOCK && proto != TARGET_UNIX &&
	       proto != TARGET_UNIX_DGRAM && proto != TARGET_UNIX_SEQPACKET;
}

int endpoint_check(const struct endpoint_role *role, const struct endpoint_config *c,
		   enum target_proto proto, struct fault *f)
{
	const struct endpoint_config fresh = ENDPOINT_CONFIG_INIT;
	unsigned marks = role->marks(c, proto) | (c->recv_only ? MARK_RECV_ONLY : 0) |
			 (c->behave.mute ? MARK_MUTE : 0) | (c->http ? MARK_HTTP : 0) |
			 (c->to ? MARK_RELAY : 0) | (is_ip(proto) ? 0 : MARK_NO_IP) |
			 (target_is_connected(proto) && proto != TARGET_UNIX_SEQPACKET
				  ? MARK_STREAM
				  : 0);

	return exclude_check(refusals, ARRAY_SIZE(refusals), c, &fresh, marks, f);
}

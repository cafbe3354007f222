#include "cmd/endpoint/opts.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/opt_rows.h"
#include "cmd/endpoint/http.h"
#include "cmd/traffic/traffic.h"
#include "net/role/crew.h"

#define AT(member)	offsetof(struct endpoint_config, member)
#define BEHAVES(member) (AT(behave) + offsetof(struct behave, member))

/* nc's -w: the deadline for connecting and the idle limit in one. */
static int parse_nc_wait(const char *arg, void *to, struct fault *f)
{
	struct endpoint_config *c = LOOP_OWNER(to, struct endpoint_config, timeout_us);
	uint64_t us = 0;
	int r = num_parse_duration(arg, &us, f);

	if (r == 0 && !us) {
		r = fault_say(f, ERANGE, "'%s' is too short a time", arg);
		fault_hint(f, "left out, it sets no limit");
		fault_mark(f, arg, 0);
	}
	if (r == 0)
		c->timeout_us = c->idle_us = us;
	return r;
}

/* nc's and ncat's -i take seconds. An interface may well be called 1. */
static int parse_interface(const char *arg, void *list, struct fault *f)
{
	if (!*arg || strspn(arg, "0123456789.") < strlen(arg) || if_nametoindex(arg))
		return sockopt_parse_interface(arg, list, f);
	fault_say(f, ENODEV, "'%s' is not an interface", arg);
	fault_hint(
		f,
		"--chunk-delay %ss pauses between writes, --idle %ss ends after so long "
		"without traffic",
		arg, arg);
	return -EINVAL;
}

static const struct opt address_opts[] = {
	SETS("ipv4", '4', AT(family), AF_INET, .flags = OPT_COMMON, .help = "IPv4 only"),
	SETS("ipv6", '6', AT(family), AF_INET6, .flags = OPT_COMMON, .help = "IPv6 only"),
	SETS("udp", 'u', AT(proto), TARGET_UDP, .flags = OPT_COMMON,
	     .help = "UDP, where the address does not say"),
	FLAG("unix", 'x', AT(path),
	     .help = "the address is the path of a unix socket; with -u of a datagram socket"),
	SETS("tcp", 't', AT(proto), TARGET_TCP, .help = "TCP (default)"),
	TAKES("option", 'O', OPT_PARSE, AT(options), "LIST", .parse = sockopt_parse,
	      .flags = OPT_COMMON,
	      .help = "nodelay,rcvbuf=64k,linger=0,...; 'help' lists all"),
};

static const char as_unix[] = "a unix socket: unix:/PATH, or -x";
static const char as_probe[] = "'sockctl probe HOST:PORT' tells whether a port is open";
static const char as_listen[] = "'sockctl listen ADDR' listens";
static const char as_source[] =
	"the port is part of the address: :PORT; connect's own is "
	"--source ADDR:PORT";

/* What nc and ncat call something else. */
static const struct opt habit_opts[] = {
	WRONG('U', as_unix),
	WRONG('p', as_source, .metavar = "PORT"),
	WRONG('z', as_probe),
	WRONG('l', as_listen),
	WRONG('X', target_no_proxy),
	WRONG('d', "to leave stdin alone: --recv-only"),
	WRONG(0, as_unix, .name = "unixsock"),
	WRONG(0, as_source, .name = "source-port"),
	WRONG(0, as_probe, .name = "zero"),
	WRONG(0, as_listen, .name = "listen"),
	WRONG(0, target_no_proxy, .name = "proxy"),
	WRONG(0, target_no_tls, .name = "tls"),
	WRONG(0, target_no_tls, .name = "ssl"),
	WRONG(0, "a limit for a connection without traffic: --idle DUR",
	      .name = "idle-timeout"),
	WRONG(0, "a shell command for each peer: --sh CMD", .name = "sh-exec"),
	WRONG(0, "any number of peers: --keep", .name = "keep-open"),
	WRONG(0, "to end after N peers: --max N", .name = "max-conns"),
	WRONG(0, "no FIN when the input ends: --no-half-close", .name = "no-shutdown"),
	IGNORED(NULL, 'n', .flags = OPT_HIDDEN),
	IGNORED("nodns", 0, .flags = OPT_HIDDEN),
};

static const struct opt server_opts[] = {
	TAKES("port-file", 0, OPT_TEXT, AT(port_file), "FILE", .complete = "file",
	      .flags = OPT_COMMON,
	      .help = "write the address that was bound, atomically"),
	FLAG("background", 0, AT(background), .flags = OPT_COMMON,
	     .help = "return as soon as it listens"),
	TAKES("backlog", 0, OPT_UINT, AT(backlog), "N", .value = INT32_MAX,
	      .help = "accept queue (default: the kernel's maximum, net.core.somaxconn)"),
	TAKES("allow", 0, OPT_PARSE, AT(rules.allow), "LIST", .parse = prefix_list_parse,
	      .help = "let in only peers of these addresses and prefixes"),
	TAKES("deny", 0, OPT_PARSE, AT(rules.deny), "LIST", .parse = prefix_list_parse,
	      .help = "turn these away, whatever --allow says"),
	FLAG("no-reuseaddr", 0, AT(no_reuseaddr),
	     .help = "no SO_REUSEADDR: fail while old connections are in TIME_WAIT"),
	FLAG("bind-only", 0, BEHAVES(bind_only),
	     .help = "bind, do not listen: a port that stays refused"),
	FLAG("no-accept", 0, BEHAVES(no_accept), .help = "never accept: the queue fills"),
	TAKES("accept-delay", 0, OPT_DURATION, BEHAVES(accept_delay_us), "DUR",
	      .help = "leave each peer in the queue for DUR"),
	RATE("accept-rate", BEHAVES(accept_rate), .metavar = "N/s",
	     .help = "accept at most N peers a second"),
	TAKES("limit-fds", 0, OPT_UINT, BEHAVES(limit_fds), "N", .least = 1,
	      .value = 1 << 20,
	      .help = "run with only N descriptors: accept fails with EMFILE"),
};

static const struct opt listen_opts[] = {
	FLAG("keep", 'k', AT(keep), .flags = OPT_COMMON,
	     .help = "any number of peers; stdin is not read"),
	COUNT("max", AT(max), .flags = OPT_COMMON,
	      .help = "end after N peers (with --keep's rules)"),
	TAKES("to", 0, OPT_TEXT, AT(to), "ADDR", .flags = OPT_COMMON,
	      .help = "a relay: connect each peer with ADDR, pass both ways"),
	TAKES("exec", 'e', OPT_TEXT, AT(exec), "CMD", .flags = OPT_COMMON,
	      .help = "run CMD for each peer, with the connection as stdio"),
	TAKES("sh", 'c', OPT_TEXT, AT(shell), "CMD", .help = "the same, run by a shell"),
	TAKES("reply", 0, OPT_TEXT, AT(reply), "TEXT", .flags = OPT_COMMON,
	      .help = "once a peer has spoken, answer with TEXT or @FILE"),
	TAKES("http", 0, OPT_TEXT, AT(http), "TEXT", .flags = OPT_COMMON,
	      .help = "answer each HTTP request with TEXT or @FILE"),
	TAKES("http-status", 0, OPT_UINT, AT(http_status), "N", .least = 200,
	      .value = 599, .help = "--http: answer with this status (default: 200)"),
	TAKES("http-header", 0, OPT_PARSE, AT(http_headers), "HEADER",
	      .parse = endpoint_parse_header,
	      .help = "--http: one more header, 'Name: value'; it replaces ours"),
	TAKES("http-max-body", 0, OPT_SIZE, AT(http_max_body), "SIZE",
	      .help = "--http: refuse a request with a larger body (413)"),
	TAKES("output", 0, OPT_TEXT, AT(output_dir), "DIR", .complete = "file",
	      .help = "write what each peer sends to a file of its own in DIR"),
};

static const struct opt connect_opts[] = {
	WRONG('k', "'sockctl listen -k' serves one peer after the other; --hold keeps a "
		   "connection open"),
	TAKES("source", 's', OPT_TEXT, AT(source), "ADDR[:PORT]", .flags = OPT_COMMON,
	      .help = "connect from this address"),
	TAKES("interface", 'i', OPT_PARSE, AT(options), "NAME", .parse = parse_interface,
	      .help = "connect through this interface"),
	TAKES("retry", 0, OPT_UINT, AT(retries), "N", .flags = OPT_COMMON,
	      .help = "try again up to N times"),
	TAKES("backoff", 0, OPT_DURATION, AT(backoff_us), "DUR",
	      .help = "pause before the first new try, doubled each time (default: 1s)"),
	COUNT("connections", AT(connections), .flags = OPT_COMMON,
	      .help = "open N connections at once; stdin is not read"),
	RATE("rate", AT(rate), .metavar = "N/s",
	     .help = "open at most N connections a second"),
	FLAG("half-open", 0, AT(half_open),
	     .help = "ignore the SYN-ACK: SYN_SENT here, SYN_RECV there (CAP_NET_ADMIN)"),
};

static const struct opt data_opts[] = {
	TAKES("send", 0, OPT_TEXT, AT(send), "TEXT", .flags = OPT_COMMON,
	      .help = "send TEXT (\\r\\n escapes, @FILE) instead of stdin"),
	TAKES("expect", 0, OPT_TEXT, AT(expect), "TEXT", .flags = OPT_COMMON,
	      .help = "succeed once TEXT has arrived, fail if it never does"),
	FLAG("crlf", 'C', AT(crlf), .help = "send CR LF at each line end"),
	FLAG("hex", 0, AT(hex), .help = "--send, --reply, --expect are hexadecimal"),
	TAKES("records", 0, OPT_CHOICE, AT(records), "json|length",
	      .choices = traffic_frames, .value = TRAFFIC_JSON_LINE,
	      .flags = OPT_OPTIONAL,
	      .help = "write each datagram with its end: as JSON, or behind its length"),
	SETS("half-close", 'N', AT(half_close), 1, .flags = OPT_COMMON,
	     .help = "FIN when the input ends (default off a terminal)"),
	SETS("no-half-close", 0, AT(half_close), 0,
	     .help = "send no FIN before the peer's"),
	FLAG("recv-only", 0, AT(recv_only), .help = "do not read stdin"),
	FLAG("send-only", 0, AT(send_only),
	     .help = "drop what the peer sends, do not wait for its end"),
	TAKES("timeout", 'T', OPT_DURATION, AT(timeout_us), "DUR", .flags = OPT_COMMON,
	      .least = 1, .help = "until connected; of listen: until the first peer"),
	TAKES("idle", 'I', OPT_DURATION, AT(idle_us), "DUR", .flags = OPT_COMMON,
	      .least = 1, .help = "give up after DUR without network traffic"),
	TAKES(NULL, 'w', OPT_PARSE, AT(timeout_us), "DUR", .parse = parse_nc_wait,
	      .help = "both --timeout and --idle, as in nc"),
};

/* How an endpoint misbehaves once there is a connection: all three commands take these,
 * and they combine. */
static const struct opt misbehave_opts[] = {
	FLAG("no-read", 0, BEHAVES(no_read),
	     .help = "never read: the peer's window closes"),
	FLAG("mute", 0, BEHAVES(mute), .help = "never send a byte"),
	RATE("read-rate", BEHAVES(read_rate), .metavar = "SIZE/s", .help = "read slowly"),
	RATE("write-rate", BEHAVES(write_rate), .metavar = "SIZE/s",
	     .help = "write slowly"),
	TAKES("chunk", 0, OPT_SIZE, BEHAVES(chunk), "SIZE", .least = 1,
	      .help = "write at most SIZE at a time"),
	TAKES("chunk-delay", 0, OPT_DURATION, BEHAVES(chunk_delay_us), "DUR",
	      .help = "pause after each write"),
	TAKES("delay", 0, OPT_DURATION, BEHAVES(delay_us), "DUR",
	      .help = "delay each answer by DUR"),
	TAKES("corrupt", 0, OPT_UINT, BEHAVES(corrupt), "N", .least = 1,
	      .help = "flip one bit in every Nth byte sent"),
	TAKES("truncate", 0, OPT_SIZE, BEHAVES(truncate_bytes), "SIZE",
	      .help = "send no more than SIZE, then end"),
	TAKES("hold", 0, OPT_DURATION, BEHAVES(hold_us), "DUR", .flags = OPT_COMMON,
	      .help = "send what is there, close after DUR; -N: FIN at once"),
	FLAG("no-close", 0, BEHAVES(no_close), .help = "read the end and never close"),
	FLAG("close-first", 0, BEHAVES(close_first),
	     .help = "FIN as soon as the peer's first bytes arrive: TIME_WAIT is ours"),
	TAKES("close-after-bytes", 0, OPT_SIZE, BEHAVES(close_after_bytes), "SIZE",
	      .help = "close after SIZE bytes in one direction"),
	TAKES("reset-after", 0, OPT_SIZE, BEHAVES(reset_after_bytes), "SIZE",
	      .help = "RST after SIZE bytes in one direction"),
};

static const struct opt lab_opts[] = {
	TAKES("lab", 0, OPT_TEXT, AT(lab), "STATE", .complete = "lab",
	      .help = "make this TCP state, both ends here, and hold it; 'help' lists"),
	FLAG("strict", 0, AT(strict),
	     .help = "with a socket filter, without queued data (CAP_NET_ADMIN)"),
};

static const struct opt echo_opts[] = {
	FLAG("client", 0, AT(client), .flags = OPT_COMMON,
	     .help = "drive the echo server at ADDR, check every byte, measure"),
	TAKES("count", 0, OPT_UINT, AT(count), "N", .least = 1,
	      .help = "client: messages per connection (default: 1000)"),
	TAKES("size", 0, OPT_SIZE, AT(size), "SIZE", .least = 1,
	      .help = "client: bytes per message (default: 64)"),
	COUNT("connections", AT(connections),
	      .help = "client: N connections at once (default: 1)"),
	FLAG("once", 0, AT(once), .flags = OPT_COMMON,
	     .help = "serve one peer, then end"),
	COUNT("threads", AT(threads), .value = CREW_MOST,
	      .help = "serve with N threads (default: 1)"),
	TAKES("timeout", 'T', OPT_DURATION, AT(timeout_us), "DUR", .flags = OPT_COMMON,
	      .least = 1, .help = "give up if no peer has connected by then"),
	TAKES("idle", 'I', OPT_DURATION, AT(idle_us), "DUR", .flags = OPT_COMMON,
	      .least = 1, .help = "end a connection after DUR without traffic"),
};

static const struct opt tell_opts[] = {
	FLAG("trace", 0, AT(trace), .flags = OPT_COMMON,
	     .help = "show each system call and what it did in the kernel"),
	TAKES("dump", 0, OPT_CHOICE, AT(dump), "text|hex", .choices = traffic_forms,
	      .value = TRAFFIC_TEXT, .flags = OPT_OPTIONAL,
	      .help = "show what is received and sent: when, whose, and the bytes"),
	TAKES("dump-file", 0, OPT_TEXT, AT(dump_file), "FILE", .complete = "file",
	      .help = "write that to FILE instead of stderr"),
	FLAG("json", 0, AT(json), .flags = OPT_COMMON,
	     .help = "events as JSON Lines on stderr"),
	FLAG("report", 0, AT(report), .flags = OPT_COMMON,
	     .help = "bytes, times and who closed first, at the end"),
	FLAG("info", 0, AT(info), .flags = OPT_COMMON,
	     .help = "TCP_INFO at the end: rtt, retransmits, cwnd"),
};

const struct opt_group endpoint_listen_groups[N_LISTEN_GROUPS] = {
	GROUP("Address", address_opts),	      GROUP("Listening", server_opts),
	GROUP("Peers", listen_opts),	      GROUP("Data", data_opts),
	GROUP("Misbehaving", misbehave_opts), GROUP("Laboratory", lab_opts),
	GROUP("Telling", tell_opts),	      COMMON_GROUP(struct endpoint_config),
	GROUP("Other tools", habit_opts),
};

const struct opt_group endpoint_connect_groups[N_CONNECT_GROUPS] = {
	GROUP("Address", address_opts),
	GROUP("Connecting", connect_opts),
	GROUP("Data", data_opts),
	GROUP("Misbehaving", misbehave_opts),
	GROUP("Laboratory", lab_opts),
	GROUP("Telling", tell_opts),
	COMMON_GROUP(struct endpoint_config),
	GROUP("Other tools", habit_opts),
};

const struct opt_group endpoint_echo_groups[N_ECHO_GROUPS] = {
	GROUP("Address", address_opts),	  GROUP("Listening", server_opts),
	GROUP("Echo", echo_opts),	  GROUP("Misbehaving", misbehave_opts),
	GROUP("Telling", tell_opts),	  COMMON_GROUP(struct endpoint_config),
	GROUP("Other tools", habit_opts),
};

void endpoint_config_free(struct endpoint_config *c)
{
	sockopt_list_free(&c->options);
	strv_free(&c->http_headers);
	prefix_list_free(&c->rules.allow);
	prefix_list_free(&c->rules.deny);
}

bool endpoint_list_options(const struct command *cmd, int argc, char **argv, int *code)
{
	_cleanup_buf_ struct buf b = { 0 };
	int i;

	for (i = 1; i < argc && !streq(argv[i], "--"); i++)
		if (streq(argv[i], "--option=help") ||
		    ((streq(argv[i], "--option") || streq(argv[i], "-O")) &&
		     i + 1 < argc && streq(argv[i + 1], "help"))) {
			buf_puts(&b, "Socket options, for --option NAME[=VALUE],...\n\n");
			sockopt_help(&b);
			*code = cmd_print(cmd, &b);
			return true;
		}
	return false;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* More than one word: as other tools write it, or none knows what. */
static int refuse_words(const struct endpoint_config *c, const struct strv *words,
			struct fault *f)
{
	const char *first = words->v[0];
	size_t i;

	/* "STDIO TCP:db:80": the one with a colon is the address. */
	for (i = 0; i < words->n; i++)
		if (strchr(words->v[i], ':') && target_foreign(words->v[i], f))
			return -EINVAL;
	if (target_foreign(first, f) || target_foreign(words->v[words->n - 1], f))
		return -EINVAL;
	fault_say(f, EINVAL, "one address is expected, %zu were given", words->n);
	if (c->common.quiet && is_number(first))
		fault_hint(f,
			   "-q is --quiet and takes no number; -N sends a FIN when the "
			   "input ends, -I %ss ends after %s s without traffic",
			   first, first);
	else if (c->path && strchr(first, ':') && first[0] != '/')
		fault_hint(f, "-x is a unix socket; %s", target_no_proxy);
	else if (streq(first, "-") || streq(words->v[words->n - 1], "-"))
		fault_hint(f, "stdin and stdout are the other end already");
	return -EINVAL;
}

int endpoint_target(const struct endpoint_config *c, const struct opt_operands *words,
		    const char *otherwise, struct target *t, struct fault *f)
{
	struct target_how how = { .proto = target_chosen(c->proto, c->path),
				  .family = (uint8_t)c->family };

	if (words->words.n == 2 && !(c->common.quiet && is_number(words->words.v[0])) &&
	    !strchr(words->words.v[0], '/') && !streq(words->words.v[0], "-") &&
	    strcspn(words->words.v[1], ":/@ ") == strlen(words->words.v[1]))
		return target_two_words(words->words.v[0], words->words.v[1], f);
	if (words->words.n > 1)
		return refuse_words(c, &words->words, f);
	if (!words->words.n && !otherwise) {
		fault_say(f, EINVAL, "an address is missing");
		fault_hint(f,
			   "host:80, [::1]:80, :8080, udp:host:53, /run/socket, @name");
		return -EINVAL;
	}
	return target_parse(words->words.n ? words->words.v[0] : otherwise, &how, t, f);
}

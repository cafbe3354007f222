#include "cmd/endpoint/role.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/ctext.h"

/* Only one connection is served or made: standard input is for its peer. */
static bool one_peer(const struct endpoint_config *c)
{
	return c->connections == 1 && !c->keep && !c->max;
}

/* With the answer given otherwise, or with nobody to answer, it is not read. */
static bool uses_stdin(const struct endpoint_config *c)
{
	return one_peer(c) && !c->exec && !c->shell && !c->to && !c->behave.no_accept &&
	       !c->behave.bind_only;
}

static int fill_source(const struct endpoint_role *role, const struct endpoint_config *c,
		       struct conn_how *how, struct fault *f)
{
	if (role->source == CONN_FROM_PEER) {
		how->source = CONN_FROM_PEER;
	} else if (c->behave.mute || c->recv_only) {
		how->source = CONN_FROM_NONE;
	} else if (c->send) {
		how->source = CONN_FROM_TEXT;
		return ctext_argument(&how->text, c->send, c->hex, f);
	} else if (c->reply) {
		how->source = CONN_FROM_REPLY;
		return ctext_argument(&how->text, c->reply, c->hex, f);
	} else if (c->http) {
		how->source = CONN_FROM_HTTP; /* endpoint_fill_http() has the rest */
	} else if (uses_stdin(c)) {
		how->source = CONN_FROM_STREAM;
	} else {
		how->source = role->source;
	}
	return 0;
}

int endpoint_fill_how(const struct endpoint_role *role, const struct endpoint_config *c,
		      enum target_proto proto, struct conn_how *how, struct fault *f)
{
	bool held = c->behave.hold_us != BEHAVE_UNSET;
	int r;

	conn_how_init(how, &c->behave);
	r = fill_source(role, c, how, f);
	if (r == 0 && c->expect)
		r = ctext_argument(&how->expect, c->expect, c->hex, f);
	if (r == 0 && c->expect && !how->expect.len)
		r = fault_say(f, EINVAL, "--expect: the text to wait for is empty");
	if (r < 0)
		return r;
	how->idle_us = c->idle_us;
	how->send_only = c->send_only;
	how->want_tcp = c->info || c->report;
	how->out_rules.crlf = c->crlf;
	if (c->half_close >= 0)
		how->half_close = c->half_close;
	else
		how->half_close = !held && !(how->source == CONN_FROM_STREAM &&
					     isatty(STDIN_FILENO));
	how->confirm = one_peer(c);
	conn_how_ready(how, proto);
	return 0;
}

int endpoint_code_of_lookup(int err)
{
	return err == -ETIMEDOUT ? EXIT_DEADLINE : cmd_code_of_lookup(err);
}

/* /dev/null and the like have nothing to lose. */
static bool stdin_is_given(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ||
		(S_ISREG(st.st_mode) && st.st_size) || isatty(STDIN_FILENO));
}

const char *endpoint_unread_stdin(const struct endpoint_role *role,
				  const struct endpoint_config *c)
{
	bool answers = role->source == CONN_FROM_PEER || c->send || c->reply || c->http ||
		       c->exec || c->shell || c->to || c->recv_only || c->behave.mute ||
		       c->behave.no_accept || c->behave.bind_only;

	if (answers || one_peer(c) || !stdin_is_given())
		return NULL;
	return c->keep ? "stdin is not read with --keep: peers get nothing from it; "
			 "--send, --reply, --http or --sh say what each of them gets"
		       : "stdin is not read with --max: peers get nothing from it; "
			 "--send, --reply, --http or --sh say what each of them gets";
}

void endpoint_tell(struct teller *t, struct tell_out *out, const struct command *cmd,
		   const struct endpoint_config *c)
{
	tell_open(out, cmd, c->json, c->common.verbose);
	*t = (struct teller){ .cmd = cmd,
			      .out = out,
			      .json = c->json,
			      .quiet = c->common.quiet,
			      .report = c->report,
			      .info = c->info,
			      .many = !one_peer(c) && !c->to,
			      .verbose = c->common.verbose };
	t->traffic.json = c->json;
	t->traffic.frame = c->records >= 0 ? (enum traffic_frame)c->records
					   : TRAFFIC_NO_FRAME;
	t->traffic.form = c->dump >= 0	 ? (enum traffic_form)c->dump
			  : c->dump_file ? TRAFFIC_TEXT
					 : TRAFFIC_UNSEEN;
}

int endpoint_open_dump(struct teller *t, const struct endpoint_config *c, struct fault *f)
{
	int fd;

	if (!c->dump_file)
		return 0;
	fd = traffic_open(c->dump_file, f);
	if (fd < 0)
		return fd;
	tell_open_file(&t->dump, t->cmd, c->json, fd);
	t->dump_path = c->dump_file;
	t->out->beside = &t->dump;
	return 0;
}

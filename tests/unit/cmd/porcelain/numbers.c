/*
 * Every numeric option of every command, from the commands' own tables, against numbers
 * that nobody should give: each is refused with a sentence that names the option and
 * quotes the number, or kept as it is.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "cmd/cmd.h"
#include "net/socket/sockopt.h"

#include "unit/unit.h"

#define NO UINT64_MAX /* refused */

/* What each kind of option must make of a text, its own bounds apart. */
static const struct number {
	const char *text;
	uint64_t plain, us, bytes, rate;
} numbers[] = {
	{ "0", 0, 0, 0, NO },
	{ "1", 1, 1000000, 1, 1 },
	{ "00", 0, 0, 0, NO },
	{ "007", 7, 7000000, 7, 7 },
	{ "-0", NO, NO, NO, NO },
	{ "-1", NO, NO, NO, NO },
	{ "+1", NO, NO, NO, NO },
	{ "", NO, NO, NO, NO },
	{ " ", NO, NO, NO, NO },
	{ " 1", NO, NO, NO, NO },
	{ "1 ", NO, NO, NO, NO },
	{ "1\n2", NO, NO, NO, NO },
	{ "1e3", NO, NO, NO, NO },
	{ "0x10", 16, NO, NO, NO },
	{ "0x", NO, NO, NO, NO },
	{ "127", 127, 127000000, 127, 127 },
	{ "255", 255, 255000000, 255, 255 },
	{ "256", 256, 256000000, 256, 256 },
	{ "65535", 65535, 65535000000, 65535, 65535 },
	{ "65536", 65536, 65536000000, 65536, 65536 },
	{ "2147483647", INT32_MAX, 2147483647000000, INT32_MAX, INT32_MAX },
	{ "2147483648", 2147483648, 2147483648000000, 2147483648, 2147483648 },
	{ "4294967295", UINT32_MAX, NO, UINT32_MAX, UINT32_MAX },
	{ "4294967296", 4294967296, NO, 4294967296, 4294967296 },
	{ "281474976710656", 1ull << 48, NO, 1ull << 48, 1ull << 48 },
	{ "9223372036854775807", INT64_MAX, NO, INT64_MAX, INT64_MAX },
	{ "9223372036854775808", NO, NO, NO, NO },
	{ "18446744073709551614", NO, NO, NO, NO },
	{ "18446744073709551615", NO, NO, NO, NO },
	{ "18446744073709551616", NO, NO, NO, NO },
	{ "99999999999999999999999999999", NO, NO, NO, NO },
	{ "0xffffffffffffffff", NO, NO, NO, NO },
	{ "18446744073709551615us", NO, NO, NO, NO },
	{ "18446744073709.551615", NO, NO, NO, NO },
	{ "18446744073709552s", NO, NO, NO, NO },
	{ "5s", NO, 5000000, NO, NO },
	{ "5s5", NO, NO, NO, NO },
	{ "5 5", NO, NO, NO, NO },
	{ "1m30s", NO, 90000000, NO, NO },
	{ "1.5", NO, 1500000, NO, NO },
	{ "0.5", NO, 500000, NO, NO },
	{ ".5", NO, 500000, NO, NO },
	{ "5.", NO, NO, NO, NO },
	{ "1,5", NO, NO, NO, NO },
	{ "1.5.5", NO, NO, NO, NO },
	{ "0.0000001", NO, NO, NO, NO },
	{ "1us", NO, 1, NO, NO },
	{ "1.5k", NO, NO, 1536, 1536 },
	{ "0.3k", NO, NO, NO, NO },
	{ "1k", NO, NO, 1024, 1024 },
	{ "8388607t", NO, NO, 8388607ull << 40, 8388607ull << 40 },
	{ "8388608t", NO, NO, NO, NO },
	{ "16777216t", NO, NO, NO, NO },
	{ "1/s", NO, NO, NO, 1 },
	{ "36525d", NO, 3155760000000000, NO, NO },
	{ "36525d1us", NO, NO, NO, NO },
	{ "99999999999d", NO, NO, NO, NO },
	{ "nan", NO, NO, NO, NO },
	{ "inf", NO, NO, NO, NO },
	{ "\xef\xbc\x91", NO, NO, NO, NO }, /* a digit, but not of ours */
};

enum form { FORM_NONE, FORM_PLAIN, FORM_US, FORM_BYTES, FORM_RATE, FORM_SOCKOPT };

static enum form form_of(const struct opt *o)
{
	switch (o->kind) {
	case OPT_UINT:
		return FORM_PLAIN;
	case OPT_DURATION:
		return FORM_US;
	case OPT_SIZE:
		return FORM_BYTES;
	case OPT_PARSE:
		if (streq(o->metavar, "N"))
			return FORM_SOCKOPT;
		if (streq(o->metavar, "N/s") || streq(o->metavar, "SIZE/s"))
			return FORM_RATE;
		return streq(o->metavar, "DUR") ? FORM_US : FORM_NONE;
	case OPT_FLAG:
	case OPT_SET:
	case OPT_BITS:
	case OPT_COUNT:
	case OPT_TEXT:
	case OPT_LIST:
	case OPT_PORTS:
	case OPT_CHOICE:
	case OPT_IGNORED:
	case OPT_WRONG:
		break;
	}
	return FORM_NONE;
}

/* The value that must be kept, or NO. */
static uint64_t wanted(const struct opt *o, enum form form, const struct number *n)
{
	uint64_t v = form == FORM_US	  ? n->us
		     : form == FORM_BYTES ? n->bytes
		     : form == FORM_RATE  ? n->rate
					  : n->plain;

	if (v < o->least || (o->kind == OPT_UINT && o->value && v > (uint64_t)o->value))
		return NO;
	/* Those that have a parser of their own: no answer comes within 0. */
	if (o->kind == OPT_PARSE && form == FORM_US && !v)
		return NO;
	return v;
}

static bool quotes(const struct fault *f, const char *spelled, const char *text)
{
	char quoted[80];

	snprintf(quoted, sizeof(quoted), "'%s'", text);
	return has_prefix(f->what, spelled) && f->what[strlen(spelled)] == ':' &&
	       strstr(f->what, quoted);
}

static void try_number(const struct command *cmd, const struct opt_group *group,
		       const struct opt *o, enum form form, const struct number *n)
{
	static _Alignas(max_align_t) char config[16384];
	struct opt_operands operands = { 0 };
	struct fault f = FAULT_INIT;
	char spelled[64], joined[160];
	char *argv[] = { spelled, joined, NULL };
	struct sockopt_list *list;
	uint64_t want, got;
	int r;

	memset(config, 0, sizeof(config));
	if (o->name) {
		snprintf(spelled, sizeof(spelled), "--%s", o->name);
		snprintf(joined, sizeof(joined), "%s=%s", spelled, n->text);
	} else {
		snprintf(spelled, sizeof(spelled), "-%c", o->letter);
		snprintf(joined, sizeof(joined), "%s=%s", spelled, n->text);
	}
	r = opt_parse(cmd->groups, cmd->n_groups, 2, argv, config, &operands, &f);
	strv_free(&operands.words);
	want = wanted(o, form, n);
	memcpy(&got, config + group->base + o->at, sizeof(got));
	if (form == FORM_SOCKOPT) {
		list = (void *)(config + group->base + o->at);
		if (want != NO &&
		    (want < list->v->opt->least || want > list->v->opt->most))
			want = NO;
		got = (uint32_t)list->v->n;
		sockopt_list_free(list);
	}
	if (want == NO ? r < 0 && quotes(&f, spelled, n->text) : r == 0 && got == want)
		return;
	printf("# %s %s '%s': %d, kept %llu, want %lld, said: %s\n", cmd->name, spelled,
	       n->text, r, (unsigned long long)got, (long long)want, f.what);
	CHECK(false);
}

static void every_option(void)
{
	static const struct command *const all[] = { &cmd_inspect, &cmd_listen,
						     &cmd_connect, &cmd_echo,
						     &cmd_probe };
	size_t c, g, i, k, options = 0;

	for (c = 0; c < ARRAY_SIZE(all); c++)
		for (g = 0; g < all[c]->n_groups; g++)
			for (i = 0; i < all[c]->groups[g].n; i++) {
				const struct opt *o = &all[c]->groups[g].opts[i];
				enum form form = form_of(o);

				options += form != FORM_NONE;
				for (k = 0; form != FORM_NONE && k < ARRAY_SIZE(numbers);
				     k++)
					try_number(all[c], &all[c]->groups[g], o, form,
						   &numbers[k]);
			}
	printf("# %zu options, %zu numbers\n", options, ARRAY_SIZE(numbers));
	CHECK(options >= 60);
}

/* The names in the table of --option whose value is a number. */
static void socket_option_names(struct strv *names, struct buf *kept)
{
	static const char *const forms[] = { "=N", "=SIZE", "=DURATION", "=SECONDS" };
	_cleanup_buf_ struct buf help = { 0 };
	const char *line;
	size_t i;

	sockopt_help(&help);
	for (line = buf_cstr(&help); *line; line += strcspn(line, "\n") + 1)
		for (i = 0; i < ARRAY_SIZE(forms); i++) {
			size_t name = strcspn(line + 2, "= "), len = strlen(forms[i]);

			if (strncmp(line + 2 + name, forms[i], len) == 0 &&
			    line[2 + name + len] == ' ') {
				buf_put(kept, line + 2, name);
				buf_putc(kept, '\0');
			}
		}
	for (i = 0; i < kept->len; i += strlen(kept->data + i) + 1)
		strv_add(names, kept->data + i);
}

static void count_note(void *ctx, const char *text)
{
	(void)text;
	++*(unsigned *)ctx;
}

static uint64_t wanted_of_socket(const struct sockopt *o, const struct number *n)
{
	uint64_t v = NO, unit = o->kind == SOCKOPT_MS ? 1000 : 1000000;

	switch (o->kind) {
	case SOCKOPT_INT:
		v = n->plain;
		break;
	case SOCKOPT_SIZE:
		v = n->bytes;
		break;
	case SOCKOPT_SECONDS:
	case SOCKOPT_LINGER:
	case SOCKOPT_MS:
		v = n->us == NO || n->us % unit ? NO : n->us / unit;
		break;
	case SOCKOPT_FLAG:
	case SOCKOPT_TEXT:
	case SOCKOPT_KEEPALIVE:
	case SOCKOPT_RANGE:
		break;
	}
	return v < o->least || v > o->most ? NO : v;
}

/* What the kernel has now. */
static long long read_back(int fd, int family, const struct sockopt *o)
{
	bool six = family == AF_INET6 && o->level6;
	struct linger linger = { 0, 0 };
	int got = 0;
	socklen_t len = o->kind == SOCKOPT_LINGER ? sizeof(linger) : sizeof(got);

	if (getsockopt(fd, six ? o->level6 : o->level, six ? o->optname6 : o->optname,
		       o->kind == SOCKOPT_LINGER ? (void *)&linger : &got, &len) != 0)
		return -1;
	return o->kind == SOCKOPT_LINGER ? linger.l_linger : got;
}

static void try_socket(const char *name, const struct number *n, int family)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockopt_list list = { 0 };
	struct fault f = FAULT_INIT;
	const struct sockopt *o;
	char text[160];
	unsigned notes = 0;
	uint64_t want;
	long long got;
	int r;

	snprintf(text, sizeof(text), "%s=%s", name, n->text);
	if (strchr(n->text, ','))
		return; /* another option begins there */
	r = sockopt_parse(text, &list, &f);
	o = list.v->opt;
	want = wanted_of_socket(o, n);
	if (want == NO) {
		snprintf(text, sizeof(text), "'%s'", n->text);
		if (r == 0 || !strstr(f.what, text))
			printf("# %s=%s: %d %s\n", name, n->text, r, f.what);
		CHECK(r < 0 && strstr(f.what, text));
	} else if (r < 0 || (uint32_t)list.v->n != want) {
		printf("# %s=%s: %d, %d %s\n", name, n->text, r, list.v->n, f.what);
		CHECK(false);
	} else if (fd >= 0) {
		/* The kernel may refuse it, or make something else of it and be told of.
		 */
		r = sockopt_apply(fd, &list, o->phase, count_note, &notes, &f);
		got = r == 0 ? read_back(fd, family, o) : 0;
		if (r < 0 ? !strstr(f.what, name)
			  : (uint32_t)got != want && !notes && got != -1) {
			printf("# %s=%s: %d, the kernel has %lld, nobody said so\n", name,
			       n->text, r, got);
			CHECK(false);
		}
	}
	sockopt_list_free(&list);
}

static void every_socket_option(void)
{
	_cleanup_strv_ struct strv names = { 0 };
	_cleanup_buf_ struct buf kept = { 0 };
	size_t i, k;

	socket_option_names(&names, &kept);
	CHECK(names.n >= 20);
	for (i = 0; i < names.n; i++)
		for (k = 0; k < ARRAY_SIZE(numbers); k++) {
			try_socket(names.v[i], &numbers[k], AF_INET);
			try_socket(names.v[i], &numbers[k], AF_INET6);
		}
}

static void keepalive_parts(void)
{
	static const struct {
		const char *text;
		int r, idle, interval, count;
	} rows[] = {
		{ "keepalive", 0, 0, 0, 0 },
		{ "keepalive=60", 0, 60, 0, 0 },
		{ "keepalive=60:10:5", 0, 60, 10, 5 },
		{ "keepalive=::5", 0, 0, 0, 5 },
		{ "keepalive=1m::5", 0, 60, 0, 5 },
		{ "keepalive=0", -ERANGE, 0, 0, 0 },
		{ "keepalive=60:0:5", -ERANGE, 0, 0, 0 },
		{ "keepalive=60:10:0", -ERANGE, 0, 0, 0 },
		{ "keepalive=60:10:128", -ERANGE, 0, 0, 0 },
		{ "keepalive=32768", -ERANGE, 0, 0, 0 },
		{ "keepalive=1.5", -EINVAL, 0, 0, 0 },
		{ "keepalive=1:2:3:4", -EINVAL, 0, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sockopt_list list = { 0 };
		struct fault f = FAULT_INIT;
		int r = sockopt_parse(rows[i].text, &list, &f);

		printf("# %s: %s\n", rows[i].text, f.what);
		CHECK_INT(r, rows[i].r);
		if (r == 0 && rows[i].r == 0) {
			CHECK_INT(list.v->n, rows[i].idle);
			CHECK_INT(list.v->extra[0], rows[i].interval);
			CHECK_INT(list.v->extra[1], rows[i].count);
		}
		sockopt_list_free(&list);
	}
}

static void names_are_whole(void)
{
	struct sockopt_list list = { 0 };
	struct fault f = FAULT_INIT;

	/* A comma is part of the name here, not the beginning of another option. */
	CHECK_INT(sockopt_parse_interface("lo,mark=5", &list, &f), 0);
	CHECK_INT(list.n, 1);
	CHECK_STR(list.v[0].text, "lo,mark=5");
	CHECK_INT(sockopt_parse_interface("sixteen-bytes-xx", &list, &f), -ERANGE);
	CHECK(strstr(f.what, "'sixteen-bytes-xx'") != NULL);
	CHECK_INT(sockopt_parse("congestion=sixteen-bytes-xx", &list, &f), -ERANGE);
	sockopt_list_free(&list);
}

int main(void)
{
	RUN(every_option, "a number is kept as it is, or refused by name and in quotes");
	RUN(every_socket_option,
	    "what the kernel takes of a socket option is what was given");
	RUN(keepalive_parts, "the parts of keepalive are read each in its place");
	RUN(names_are_whole, "a name that the kernel would cut is refused");
	return unit_done();
}

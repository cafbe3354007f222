/* Words as addresses, prefixes, ports and unix paths. */
#include <errno.h>
#include <stdlib.h>

#include "model/filter/host_private.h"

static struct filter_host *add_host(struct parser *p, struct hosts *out)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? out->cap * 2 : 1;
		struct filter_host *v = arena_alloc(p->arena, cap * sizeof(*v));

		if (out->n)
			memcpy(v, out->v, out->n * sizeof(*v));
		out->v = v;
		out->cap = cap;
	}
	out->v[out->n] = (struct filter_host){ .port_hi = UINT16_MAX };
	return &out->v[out->n++];
}

static bool all_digits(const char *s, size_t len)
{
	return len && strspn(s, "0123456789") >= len;
}

/* "80", "https", "8000-8010", "*", the rest of the word from `from`. */
static int parse_ports(struct parser *p, const struct token *t, size_t from,
		       struct filter_host *h)
{
	const char *text = t->text + from;
	struct port_set set = { 0 };
	int r;

	if (streq(text, "*"))
		return 0;
	if (!*text)
		return filter_fail(p, t->at + from, "a port is missing");
	/* A word may hold a comma only inside quotes. */
	r = strchr(text, ',') ? -EINVAL : num_parse_ports(text, &set, p->fault);
	if (r == 0) {
		h->port_lo = set.v[0].lo;
		h->port_hi = set.v[0].hi;
		h->has_port = true;
	}
	port_set_free(&set);
	if (r < 0 && strchr(text, ','))
		return filter_fail(p, t->at, "'%s' is not a port", filter_show(p, t));
	return r < 0 ? filter_fail_inside(p, t, from, strlen(text)) : 0;
}

void host_add_path(struct parser *p, const char *path, struct hosts *out)
{
	out->last = out->n;
	add_host(p, out)->path = path;
}

/* A v4-mapped address means the IPv4 one: rows of both kinds match it. */
static struct addr plain(const struct addr *a)
{
	struct addr u = *a;

	if (addr_is_v4_mapped(a) && a->prefix >= 96) {
		u = addr_unmapped(a);
		u.prefix = (uint8_t)(a->prefix - 96);
	}
	u.port = 0;
	return u;
}

/* "10/8", "192.168/16": iproute2's short form of an IPv4 prefix. */
static bool parse_short_prefix(const char *text, size_t len, struct addr *a)
{
	char copy[24];
	const char *slash = memchr(text, '/', len);
	size_t head, i, dots = 0;

	if (!slash || len >= sizeof(copy) - 6)
		return false;
	head = (size_t)(slash - text);
	if (!head || strspn(text, "0123456789.") != head)
		return false;
	for (i = 0; i < head; i++)
		dots += text[i] == '.';
	if (dots > 3)
		return false;
	memcpy(copy, text, head);
	for (; dots < 3; dots++) {
		memcpy(copy + head, ".0", 2);
		head += 2;
	}
	i = len - (size_t)(slash - text);
	if (head + i > sizeof(copy))
		return false;
	memcpy(copy + head, slash, i);
	return addr_parse_ip(copy, head + i, true, a) == 0;
}

static bool parse_ip(const char *text, size_t len, struct addr *a)
{
	return addr_parse_ip(text, len, true, a) == 0 || parse_short_prefix(text, len, a);
}

static bool is_host_name(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9') || s[i] == '.' || s[i] == '-' ||
		      s[i] == '_' || (unsigned char)s[i] >= 0x80))
			return false;
	return len > 0 && len < 254;
}

/* "10.0.0.0/33": an address, but no prefix of one. */
static bool fail_prefix(struct parser *p, const struct token *t, size_t at,
			const char *name)
{
	const char *slash = strchr(name, '/'), *end;
	struct addr a;

	if (!slash || addr_parse_ip(name, (size_t)(slash - name), false, &a) < 0)
		return false;
	end = slash + 1 + strcspn(slash + 1, ":");
	if (addr_parse_ip(name, (size_t)(end - name), true, &a) == 0)
		return false;
	filter_fail(p, t->at + at + (size_t)(slash + 1 - name),
		    "'%.*s' is no prefix length of an IPv%d address: that is 0 to %d",
		    (int)(end - slash - 1), slash + 1, a.family == AF_INET ? 4 : 6,
		    a.family == AF_INET ? 32 : 128);
	return true;
}

/* "300.1.1.1" is meant as an address; no name server is asked for it. */
static bool fail_dotted(struct parser *p, const struct token *t, size_t at,
			const char *name)
{
	const char *dot;
	unsigned dots = 0;

	if (name[strspn(name, "0123456789.")])
		return false;
	for (dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		dots++;
	if (dots != 3)
		return false;
	filter_fail(p, t->at + at, "'%s' is not an IPv4 address", name);
	return true;
}

static int add_name(struct parser *p, const struct token *t, size_t at, size_t len,
		    const struct filter_host *like, struct hosts *out)
{
	const char *name = arena_strndup(p->arena, t->text + at, len);
	struct addr *addrs = NULL;
	size_t n = 0, i, before = out->n;

	if (fail_dotted(p, t, at, name))
		return -EINVAL;
	if (!is_host_name(name, len) || all_digits(name, len)) {
		filter_fail(p, t->at + at, "'%s' is not an address", filter_show(p, t));
		if (all_digits(name, len))
			fault_hint(p->fault, "a port is written ':%s'", name);
		else
			fault_hint(p->fault,
				   "addresses look like 10.0.0.1, 10.0.0.0/8, "
				   "10.0.0.1:80, fe80::1, [::1]:80, :80, /run/x, @name");
		return -EINVAL;
	}
	if (!p->env || !p->env->resolve)
		return filter_fail(p, t->at + at,
				   "'%s' is no address, and names are not looked up here",
				   filter_show(p, t));
	if (p->env->resolve(p->env->ctx, name, p->arena, &addrs, &n, p->fault) < 0)
		return filter_fail_at(p, t->at + at);
	for (i = 0; i < n; i++) {
		struct filter_host *h;

		addrs[i].prefix = addrs[i].family == AF_INET ? 32 : 128;
		if (out->family && addrs[i].family != out->family)
			continue;
		h = add_host(p, out);
		*h = *like;
		h->prefix = plain(&addrs[i]);
	}
	if (out->n == before)
		return filter_fail(p, t->at + at, "'%s' has no address of this family",
				   filter_show(p, t));
	return 0;
}

static int add_ip(struct parser *p, const struct token *t, const struct addr *a,
		  const struct filter_host *like, struct hosts *out)
{
	struct filter_host *h;

	if (out->family && a->family != out->family)
		return filter_fail(p, t->at, "'%s' is of another family",
				   filter_show(p, t));
	h = add_host(p, out);
	*h = *like;
	h->prefix = plain(a);
	return 0;
}

/* "[::1]", "[::1]:80", "[fec0::]/64:80", and ss's "[fec0::/64]:80". */
static int parse_bracketed(struct parser *p, const struct token *t, size_t from,
			   struct filter_host *like, struct hosts *out)
{
	const char *text = t->text + from, *close = strchr(text, ']'), *rest;
	char *joined;
	size_t inner;
	struct addr a;
	int r;

	if (!close)
		return filter_fail(p, t->at + from, "'[' is not closed");
	rest = close + 1;
	inner = (size_t)(close - text) - 1;
	joined = arena_strndup(p->arena, text + 1, strlen(text));
	joined[inner] = '\0';
	if (*rest == '/') {
		size_t bits = strcspn(rest, ":");

		memcpy(joined + inner, rest, bits);
		joined[inner + bits] = '\0';
		rest += bits;
	}
	if (addr_parse_ip(joined, strlen(joined), true, &a) < 0 || a.family != AF_INET6)
		return filter_fail(p, t->at + from, "'%s' is not an IPv6 address",
				   filter_show(p, t));
	if (*rest && *rest != ':')
		return filter_fail(p, t->at + (size_t)(rest - t->text),
				   "only a port may follow ']'");
	if (*rest) {
		r = parse_ports(p, t, (size_t)(rest + 1 - t->text), like);
		if (r < 0)
			return r;
	}
	return add_ip(p, t, &a, like, out);
}

/* No address: "*", "*:80", ":80"; with a family it means that family's rows. */
static int parse_wildcard(struct parser *p, const struct token *t, size_t from,
			  struct hosts *out)
{
	struct filter_host like = { .port_hi = UINT16_MAX }, *h;
	const char *rest = t->text + from;
	int r;

	like.prefix.family = (uint8_t)out->family;
	rest += *rest == '*';
	if (*rest == ':') {
		r = parse_ports(p, t, (size_t)(rest + 1 - t->text), &like);
		if (r < 0)
			return r;
	} else if (*rest) {
		return filter_fail(p, t->at + (size_t)(rest - t->text),
				   "only a port may follow '*'");
	}
	h = add_host(p, out);
	*h = like;
	return 0;
}

static int parse_inet(struct parser *p, const struct token *t, size_t from,
		      struct hosts *out)
{
	const char *text = t->text + from, *zone = strchr(text, '%'), *colon;
	size_t len = strlen(text);
	struct filter_host like = { .port_hi = UINT16_MAX };
	struct addr a;
	int r;

	if (zone && p->env && p->env->elsewhere && (zone[1] < '0' || zone[1] > '9'))
		return filter_fail(p, t->at + (size_t)(zone + 1 - t->text),
				   "interfaces of a recorded dump have other numbers "
				   "than those of this machine: give the number, or use "
				   "dev NAME");
	if (text[0] == '[')
		return parse_bracketed(p, t, from, &like, out);
	if (parse_ip(text, len, &a))
		return add_ip(p, t, &a, &like, out);
	if (!*text || text[0] == '*' || text[0] == ':')
		return parse_wildcard(p, t, from, out);
	if (fail_prefix(p, t, from, text))
		return -EINVAL;
	colon = strrchr(text, ':');
	if (!colon)
		return add_name(p, t, from, len, &like, out);
	len = (size_t)(colon - text);
	if (memchr(text, ':', len)) {
		r = filter_fail(p, t->at + from, "'%s' is not an address",
				filter_show(p, t));
		fault_hint(p->fault, "an IPv6 address with a port is written [::1]:80");
		return r;
	}
	r = parse_ports(p, t, from + len + 1, &like);
	if (r < 0)
		return r;
	if (parse_ip(text, len, &a))
		return add_ip(p, t, &a, &like, out);
	return add_name(p, t, from, len, &like, out);
}

/* Cuts "inet:" or "inet6:" off; returns where the rest begins. */
static size_t take_family(const char *text, int *family)
{
	*family = has_prefix(text, "inet:")    ? AF_INET
		  : has_prefix(text, "inet6:") ? AF_INET6
					       : 0;
	return *family ? strcspn(text, ":") + 1 : 0;
}

/* "10.0.0.1:80,443", ":80,https": a bare port after a word with one repeats its
 * addresses.
 */
static bool repeats_hosts(const struct token *t, const struct hosts *out)
{
	size_t digits = strspn(t->text, "0123456789-");
	uint16_t port;

	if (out->n == out->last || !out->v[out->last].has_port)
		return false;
	if (digits == t->len && t->text[0] >= '0' && t->text[0] <= '9')
		return true;
	return !out->v[out->last].prefix.family &&
	       num_parse_port(t->text, &port, NULL) == 0;
}

static int repeat_hosts(struct parser *p, const struct token *t, struct hosts *out)
{
	struct filter_host like = { .port_hi = UINT16_MAX };
	size_t i, from = out->last, to = out->n;
	int r = parse_ports(p, t, 0, &like);

	for (i = from; i < to && r == 0; i++) {
		struct filter_host *h = add_host(p, out);

		*h = like;
		h->prefix = out->v[i].prefix;
	}
	out->last = to;
	return r;
}

/* What ss prints of a socket that is bound to an interface: "10.0.0.1%eth0:80",
 * "*%eth0:80", "[::1]%lo:80". plain is the word without it; *device NULL where it has
 * none. */
static void split_device(struct parser *p, const struct token *t, struct token *plain,
			 const char **device)
{
	int family;
	const char *text = t->text + take_family(t->text, &family);
	const char *zone = strchr(text, '%'), *end, *name;
	bool wild = zone && zone == text + (*text == '*'), bracket = *text == '[';
	bool outside = zone > text && zone[-1] == ']';
	struct addr a = { 0 };
	struct buf b = { 0 };

	*device = NULL;
	*plain = *t;
	if (!zone || (!wild && addr_parse_ip(text + bracket,
					     (size_t)(zone - text) - bracket - outside,
					     false, &a) < 0))
		return;
	end = zone + strcspn(zone, "]:/");
	name = arena_strndup(p->arena, zone + 1, (size_t)(end - zone) - 1);
	if (addr_is_of_link(&a) && !outside)
		return;
	buf_put(&b, t->text, (size_t)(zone - t->text) - (addr_is_of_link(&a) && outside));
	if (addr_is_of_link(&a))
		buf_printf(&b, "%%%s]", name);
	else
		*device = name;
	buf_puts(&b, end);
	plain->text = arena_strdup(p->arena, buf_cstr(&b));
	plain->len = b.len;
	buf_free(&b);
}

static int take_device(struct parser *p, const struct token *t, const char *device,
		       struct hosts *out)
{
	bool same = device && out->device ? streq(device, out->device)
					  : device == out->device;

	if (out->n && !same)
		return filter_fail(p, t->at,
				   "'%s': an interface is that of every address of a "
				   "list; 'or' joins others",
				   filter_show(p, t));
	out->device = device;
	out->device_at = t->at;
	return 0;
}

int host_parse(struct parser *p, const struct token *word, struct hosts *out)
{
	struct token plain, *t = &plain;
	const char *text, *device;
	size_t from;

	if (repeats_hosts(word, out))
		return repeat_hosts(p, word, out);
	split_device(p, word, t, &device);
	if (take_device(p, word, device, out) < 0)
		return -EINVAL;
	text = t->text;
	out->last = out->n;
	if (has_prefix(text, "unix:"))
		text += strlen("unix:");
	if (text != t->text || text[0] == '/' || text[0] == '@' ||
	    has_prefix(text, "./") || has_prefix(text, "*/")) {
		host_add_path(p, *text ? text : "*", out);
		if (p->env && p->env->files && *text && *text != '@' && !streq(text, "*"))
			out->v[out->n - 1].file = filter_files_add(p->env->files,
								   p->arena, text);
		return 0;
	}
	if (!*text)
		return filter_fail(p, t->at, "the address is empty");
	from = take_family(text, &out->family);
	return parse_inet(p, t, from, out);
}

int host_parse_port(struct parser *p, const struct token *t, struct hosts *out)
{
	struct filter_host like = { .port_hi = UINT16_MAX }, *h;
	size_t from = take_family(t->text, &out->family);
	int r;

	like.prefix.family = (uint8_t)out->family;
	if (has_prefix(t->text + from, "*:"))
		from++;
	from += t->text[from] == ':';
	r = parse_ports(p, t, from, &like);
	if (r < 0)
		return r;
	out->last = out->n;
	h = add_host(p, out);
	*h = like;
	return 0;
}

/*
 * A row without a port (a listener's peer) has no port below 1024: ranges that would
 * begin at 0 begin at 1.
 */
int host_compare_port(struct parser *p, const struct token *t, enum filter_op op,
		      struct filter_host *h)
{
	unsigned port = h->port_lo;

	if (!h->has_port || h->port_lo != h->port_hi)
		return filter_fail(p, t->at, "'%s' is not one port to compare with",
				   filter_show(p, t));
	if ((op == FILTER_LT && port < 2) || (op == FILTER_LE && port < 1) ||
	    (op == FILTER_GT && port == UINT16_MAX))
		return filter_fail(p, t->at, "no port is %s than %u",
				   op == FILTER_GT ? "larger" : "less", port);
	h->port_lo = 1;
	if (op == FILTER_LT)
		h->port_hi = (uint16_t)(port - 1);
	else if (op == FILTER_LE)
		h->port_hi = (uint16_t)port;
	else
		h->port_hi = UINT16_MAX;
	if (op == FILTER_GT)
		h->port_lo = (uint16_t)(port + 1);
	else if (op == FILTER_GE)
		h->port_lo = (uint16_t)MAX(port, 1);
	return 0;
}

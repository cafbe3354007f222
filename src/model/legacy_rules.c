#include "model/legacy_rules.h"

#include <sys/socket.h>

#include "model/advice.h"

static const char nft[] = "nft list ruleset", nat[] = " -t nat -S";

struct naming {
	struct buf *b;
	enum legacy state[2]; /* IPv4, IPv6 */
	bool nat;
	uint32_t asker;
	bool owed; /* what may not be there comes after the other commands */
};

bool legacy_matters(const char *text)
{
	return text && strstr(text, nft);
}

static enum advice_line line_of(const struct naming *n, size_t six)
{
	static const enum advice_line lines[2][2] = {
		{ ADVICE_LEGACY, ADVICE_LEGACY_V6 },
		{ ADVICE_LEGACY_NAT, ADVICE_LEGACY_NAT_V6 },
	};

	return lines[n->nat][six];
}

static bool has(const struct naming *n, enum legacy state)
{
	return n->state[0] == state || n->state[1] == state;
}

static void put_lines(struct naming *n, enum legacy state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(n->state); i++)
		if (n->state[i] == state)
			advise(n->b, line_of(n, i), (struct advised){ .uid = n->asker });
}

static void pay(struct naming *n)
{
	if (!n->owed)
		return;
	n->owed = false;
	advise_in_words(n->b, "if there are rules of iptables-legacy:");
	put_lines(n, LEGACY_UNKNOWN);
}

static void put_command_line(struct naming *n, const char *line, size_t len)
{
	const size_t end = sizeof(nft) - 1;

	buf_put(n->b, line, len);
	if (len < end || memcmp(line + len - end, nft, end) != 0)
		return;
	put_lines(n, LEGACY_SOME);
	n->owed = has(n, LEGACY_UNKNOWN);
}

/* Within a sentence: with its quotes, and with sudo, if that is there. */
static void put_in_words(struct naming *n, bool sudo, bool quoted)
{
	_cleanup_buf_ struct buf command = { 0 };
	const char *quote = quoted ? "'" : "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(n->state); i++)
		if (n->state[i] != LEGACY_NONE)
			buf_printf(n->b, ", %s%s%s%s", quote,
				   advise_within(&command, line_of(n, i),
						 (struct advised){ .uid = sudo ? n->asker
									       : 0 }),
				   quote,
				   n->state[i] == LEGACY_UNKNOWN ? " (if it has rules)"
								 : "");
}

static void put_sentence(struct naming *n, const char *line, size_t len)
{
	const char *at;

	while ((at = memmem(line, len, nft, sizeof(nft) - 1))) {
		size_t upto = (size_t)(at - line) + sizeof(nft) - 1;
		bool quoted = upto < len && line[upto] == '\'';
		bool sudo = advice_asks_root(line, (size_t)(at - line));

		upto += quoted;
		buf_put(n->b, line, upto);
		put_in_words(n, sudo, quoted);
		line += upto;
		len -= upto;
	}
	buf_put(n->b, line, len);
}

void legacy_put(struct buf *b, const char *text, const struct legacy_rules *l,
		uint8_t family, uint32_t asker)
{
	struct naming n = {
		.b = b,
		.state = { family == AF_INET6 ? LEGACY_NONE : l->v4,
			   family == AF_INET ? LEGACY_NONE : l->v6 },
		.nat = strstr(text, nat),
		.asker = asker,
	};

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (*text != '\t')
			pay(&n);
		if (b->len)
			buf_putc(b, '\n');
		if (*text == '\t')
			put_command_line(&n, text, len);
		else
			put_sentence(&n, text, len);
		text += len + (text[len] == '\n');
	}
	pay(&n);
}

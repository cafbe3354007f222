#include "model/netns_named.h"

enum netns_kind netns_kind(const char *which)
{
	if (strchr(which, '/'))
		return NETNS_PATH;
	return *which && !which[strspn(which, "0123456789")] ? NETNS_PID : NETNS_NAME;
}

static bool begins_with_word(const char *command, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && memcmp(command, word, n) == 0 &&
	       (len == n || command[n] == ' ');
}

/* Everything else that is advised acts on processes, files and units. */
static bool is_about_network(const char *command, size_t len)
{
	static const char *const programs[] = {
		"conntrack",
		"ip",
		"iptables",
		"ip6tables",
		"iptables-save",
		"ip6tables-save",
		"iptables-legacy",
		"ip6tables-legacy",
		"mtr",
		"nft",
		"ping",
		"rpcinfo",
		"sockctl",
		"sysctl",
		"tc",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (begins_with_word(command, len, programs[i]))
			return true;
	return false;
}

static bool has_option(const char *command, size_t len)
{
	return begins_with_word(command, len, "sockctl inspect") ||
	       begins_with_word(command, len, "sockctl probe");
}

static void put_word(struct buf *b, const char *prefix, const char *which,
		     const char *suffix)
{
	_cleanup_buf_ struct buf word = { 0 };

	buf_puts(&word, prefix);
	buf_put_escaped(&word, which, strlen(which));
	buf_puts(&word, suffix);
	buf_put_shell_word(b, buf_cstr(&word));
}

static void put_entry(struct buf *b, const char *which)
{
	switch (netns_kind(which)) {
	case NETNS_NAME:
		buf_puts(b, "ip netns exec ");
		put_word(b, "", which, "");
		break;
	case NETNS_PID:
		buf_puts(b, "nsenter ");
		put_word(b, "--net=/proc/", which, "/ns/net");
		break;
	case NETNS_PATH:
		buf_puts(b, "nsenter ");
		put_word(b, "--net=", which, "");
		break;
	}
	buf_putc(b, ' ');
}

static void put_command(struct buf *b, const char *command, size_t len, const char *which,
			uint32_t asker)
{
	static const char sudo[] = "sudo";
	size_t skip = begins_with_word(command, len, sudo) ? sizeof(sudo) : 0;

	if (!is_about_network(command + skip, len - skip)) {
		buf_put(b, command, len);
		return;
	}
	/* Only root enters, even where the command itself needs nothing. */
	if (asker)
		buf_printf(b, "%s ", sudo);
	if (has_option(command + skip, len - skip)) {
		buf_put(b, command + skip, len - skip);
		buf_puts(b, " --netns ");
		put_word(b, "", which, "");
	} else {
		put_entry(b, which);
		buf_put(b, command + skip, len - skip);
	}
}

void netns_put_advice(struct buf *b, const char *text, const char *which, uint32_t asker)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (which && *text == '\t') {
			buf_putc(b, '\t');
			put_command(b, text + 1, len - 1, which, asker);
		} else {
			buf_put(b, text, len);
		}
		text += len;
		if (*text)
			buf_putc(b, *text++);
	}
}

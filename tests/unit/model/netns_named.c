/* Commands that act in another network namespace, and those that are run as they are. */
#include "model/netns_named.h"

#include "model/advice.h"
#include "unit/unit.h"

static void forms(void)
{
	static const struct {
		const char *which;
		uint32_t asker;
		const char *text, *want;
	} rows[] = {
		{ NULL, 0, "\tip address", "\tip address" },
		{ "red", 0, "\tip address", "\tip netns exec red ip address" },
		{ "812", 0, "\tip address",
		  "\tnsenter --net=/proc/812/ns/net ip address" },
		{ "./n", 0, "\tip address", "\tnsenter --net=./n ip address" },
		{ "/a b", 0, "\tip address", "\tnsenter '--net=/a b' ip address" },
		{ "it's", 0, "\tnft list ruleset",
		  "\tip netns exec 'it'\\''s' nft list ruleset" },
		{ "a\nb", 0, "\tip rule", "\tip netns exec $'a\\nb' ip rule" },
		{ "red", 7, "\tip address", "\tsudo ip netns exec red ip address" },
		{ "red", 7, "\tsudo ip link set lo up",
		  "\tsudo ip netns exec red ip link set lo up" },
		{ "red", 7, "\tsudo kill 812", "\tsudo kill 812" },
		{ "red", 0, "\tiptables-save", "\tip netns exec red iptables-save" },
		{ "red", 0, "\tipcs", "\tipcs" },
		{ "red", 0, "\tsockctl connect [::1]:80",
		  "\tip netns exec red sockctl connect [::1]:80" },
		{ "812", 7, "\tsudo sockctl inspect -xlp",
		  "\tsudo sockctl inspect -xlp --netns 812" },
		{ "/a b", 0, "\tsockctl probe db:80",
		  "\tsockctl probe db:80 --netns '/a b'" },
		{ "red", 0, "ip address shows it:\n\tip address\nor\n\tkill 1\nthen",
		  "ip address shows it:\n\tip netns exec red ip address\nor\n\tkill 1\n"
		  "then" },
		{ "red", 0, "", "" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		netns_put_advice(&b, rows[i].text, rows[i].which, rows[i].asker);
		CHECK_STR(buf_cstr(&b), rows[i].want);
	}
}

static bool is_about_host(const char *program)
{
	static const char *const programs[] = {
		"systemctl", "docker",	"podman", "runuser", "nerdctl", "crictl",
		"sh",	     "kill",	"cat",	  "gdb",     "ls",	"prlimit",
		"setcap",    "rm",	"rmdir",  "mkdir",   "usermod", "newgrp",
		"setfacl",   "getfacl", "chattr", "chmod",   "nsenter", "bpftool",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (streq(program, programs[i]))
			return true;
	return false;
}

/* A row of a new program must be said to be one or the other. */
static void every_program_is_known(void)
{
	unsigned line;

	for (line = 0; line < ADVICE_LINES; line++) {
		const char *program = advice_words((enum advice_line)line)[0];
		_cleanup_buf_ struct buf text = { 0 }, b = { 0 };

		buf_printf(&text, "\t%s x", program);
		netns_put_advice(&b, buf_cstr(&text), "red", 0);
		CHECK_STR(streq(buf_cstr(&b), buf_cstr(&text)) ? "host" : "network",
			  is_about_host(program) ? "host" : "network");
	}
}

int main(void)
{
	RUN(forms, "a name, a pid and a path are entered, each by its own command");
	RUN(every_program_is_known,
	    "every program of advice acts on the host or the network");
	return unit_done();
}

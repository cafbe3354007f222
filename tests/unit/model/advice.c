/* Every command line that the program advises, with the worst that can be put into it:
 * three shells are asked which words they read. */
#include "model/advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/unit.h"

/* What a path, a unit, a user or an address may be. Fish has no word for control bytes
 * that the other two know: those come last. */
static const char *const texts[] = {
	"nginx.service",
	"[::]:8080",
	"udp:[fe80::1%eth0]:53",
	"*:80",
	"~root",
	"~",
	"!!",
	"a!b",
	"what?",
	"=cat",
	"%1",
	"%self",
	"a b",
	"it's",
	"\"q\"",
	"$(reboot)",
	"`reboot`",
	"$HOME",
	"a;b|c&d>e<f",
	"{a,b}",
	"#x",
	"a#b",
	"^x^y",
	"(x)",
	"[a-z]*",
	"-n",
	"",
	"\xc3\xbc\xc3\x9f",
	"tab\there",
	"new\nline",
	"back\\slash",
	"dev-disk-by\\x2dlabel.service",
	"both'\\\n'",
	"\x01\x7f",
	"bad\xff\xfe",
};

enum { SPEAKABLE = 28 }; /* in every shell */

static const struct shell {
	const char *name;
	const char *print; /* the words behind it, a NUL after each */
	size_t knows;
} shells[] = {
	{ "bash", "printf '%s\\0'", ARRAY_SIZE(texts) },
	{ "zsh", "print -rN --", ARRAY_SIZE(texts) },
	{ "fish", "printf '%s\\0'", SPEAKABLE },
};

static bool is_installed(const char *shell)
{
	char command[80];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", shell);
	return system(command) == 0;
}

/* The words of a row as they must arrive, and the row as it is written. */
static void put_expected(struct buf *b, enum advice_line line, const char *text,
			 unsigned n, bool sudo)
{
	const char *const *word;
	const char *p;

	if (sudo)
		buf_put(b, "sudo", sizeof("sudo"));
	for (word = advice_words(line); *word; word++) {
		for (p = *word; *p; p++)
			if (*p == '#' || *p == '%')
				buf_puts(b, text);
			else if (*p == '&')
				buf_put_u64(b, n);
			else
				buf_putc(b, *p);
		buf_putc(b, '\0');
	}
}

static void put_line(struct buf *b, enum advice_line line, const char *text, unsigned n,
		     struct advised who)
{
	_cleanup_buf_ struct buf escaped = { 0 };
	const char *const *word;
	char kinds[8] = "";
	const char *shown;
	size_t k = 0;

	buf_put_escaped(&escaped, text, strlen(text));
	shown = buf_cstr(&escaped);
	for (word = advice_words(line); *word; word++) {
		const char *p = *word;

		while ((p = strpbrk(p, "#%&")) && k + 1 < sizeof(kinds))
			kinds[k++] = *p++;
	}
	if (streq(kinds, ""))
		advise(b, line, who);
	else if (streq(kinds, "#"))
		advise(b, line, who, text);
	else if (streq(kinds, "%"))
		advise(b, line, who, shown);
	else if (streq(kinds, "&"))
		advise(b, line, who, n);
	else if (streq(kinds, "##"))
		advise(b, line, who, text, text);
	else if (streq(kinds, "%%"))
		advise(b, line, who, shown, shown);
	else if (streq(kinds, "&&"))
		advise(b, line, who, n, n);
	else if (streq(kinds, "&&&"))
		advise(b, line, who, n, n, n);
	else if (streq(kinds, "&#"))
		advise(b, line, who, n, text);
	else if (streq(kinds, "&%"))
		advise(b, line, who, n, shown);
	else
		CHECK_STR(kinds, "arguments that this test knows");
}

/* One script of all lines, so that a shell starts once; it prints the words of each. */
static void write_script(struct buf *script, struct buf *expected,
			 const struct shell *shell)
{
	static const struct advised whose[] = { { 0, 1000 },
						{ 1000, 0 },
						{ 1000, 1000 } };
	size_t text, who, line;

	for (line = 0; line < ADVICE_LINES; line++)
		for (text = 0; text < shell->knows; text++)
			for (who = 0; who < ARRAY_SIZE(whose); who++) {
				_cleanup_buf_ struct buf b = { 0 };
				const char *at, *command;
				size_t len = 0;

				put_line(&b, (enum advice_line)line, texts[text], 4711,
					 whose[who]);
				at = buf_cstr(&b);
				command = advice_next_command(&at, &len);
				CHECK(command && !*at);
				if (!command)
					continue;
				buf_printf(script, "%s %.*s\n", shell->print, (int)len,
					   command);
				put_expected(expected, (enum advice_line)line,
					     texts[text], 4711,
					     strncmp(command, "sudo ", 5) == 0);
			}
}

static void run_script(const struct shell *shell, struct buf *script, struct buf *got)
{
	char path[] = "/tmp/sockctl-advice.XXXXXX", command[80], chunk[4096];
	int fd = mkstemp(path);
	size_t n;
	FILE *f;

	CHECK(fd >= 0);
	if (fd < 0)
		return;
	CHECK(write(fd, script->data, script->len) == (ssize_t)script->len);
	close(fd);
	snprintf(command, sizeof(command), "LC_ALL=C.UTF-8 %s -n %s", shell->name, path);
	CHECK_INT(system(command), 0);
	snprintf(command, sizeof(command), "LC_ALL=C.UTF-8 %s %s", shell->name, path);
	f = popen(command, "re");
	CHECK(f);
	while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(got, chunk, n);
	if (f)
		CHECK_INT(pclose(f), 0);
	unlink(path);
}

/* The first word that differs, with those around it, as a failure should show it. */
static void check_same(const struct buf *expected, const struct buf *got)
{
	size_t same = 0, start;

	while (same < expected->len && same < got->len &&
	       expected->data[same] == got->data[same])
		same++;
	if (same == expected->len && same == got->len)
		return;
	for (start = same; start && expected->data[start - 1]; start--)
		;
	CHECK_STR(start < got->len ? got->data + start : "(nothing)",
		  start < expected->len ? expected->data + start : "(nothing)");
}

static void words_survive(void)
{
	size_t i;

	CHECK(is_installed("bash"));
	for (i = 0; i < ARRAY_SIZE(shells); i++) {
		_cleanup_buf_ struct buf script = { 0 }, expected = { 0 }, got = { 0 };

		if (!is_installed(shells[i].name)) {
			printf("# %s is not installed\n", shells[i].name);
			continue;
		}
		write_script(&script, &expected, &shells[i]);
		run_script(&shells[i], &script, &got);
		buf_putc(&got, '\0');
		got.len--;
		check_same(&expected, &got);
		CHECK(expected.len > 10000);
	}
}

static void sudo(void)
{
	static const struct {
		enum advice_line line;
		struct advised who;
		const char *text;
	} rows[] = {
		{ ADVICE_LOOPBACK_UP, { 0, 0 }, "\tip link set lo up" },
		{ ADVICE_LOOPBACK_UP, { 1000, 0 }, "\tsudo ip link set lo up" },
		{ ADVICE_LOOPBACK_UP, { 1000, 1000 }, "\tsudo ip link set lo up" },
		{ ADVICE_ADDRESSES, { 1000, 0 }, "\tip address" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		advise(&b, rows[i].line, rows[i].who);
		CHECK_STR(buf_cstr(&b), rows[i].text);
	}
	for (i = 0; i < 3; i++) {
		static const struct advised whose[] = { { 7, 7 }, { 0, 7 }, { 7, 8 } };
		_cleanup_buf_ struct buf b = { 0 };

		advise(&b, ADVICE_KILL, whose[i], 12u);
		CHECK_STR(buf_cstr(&b), i == 2 ? "\tsudo kill 12" : "\tkill 12");
	}
}

static void lines_of_a_text(void)
{
	_cleanup_buf_ struct buf b = { 0 }, plain = { 0 };
	const char *at, *command;
	size_t len = 0;

	buf_puts(&b, "See what it does:");
	advise(&b, ADVICE_KILL, (struct advised){ 0 }, 1u);
	advise_in_words(&b, "or wait %d s", 3);
	advise(&b, ADVICE_ADDRESSES, (struct advised){ 0 });
	advice_put_plain(&plain, buf_cstr(&b));
	CHECK_STR(buf_cstr(&plain), "See what it does:\nkill 1\nor wait 3 s\nip address");
	at = buf_cstr(&b);
	command = advice_next_command(&at, &len);
	CHECK(command && len == 6 && strncmp(command, "kill 1", len) == 0);
	command = advice_next_command(&at, &len);
	CHECK(command && len == 10 && strncmp(command, "ip address", len) == 0);
	CHECK(!advice_next_command(&at, &len));
}

int main(void)
{
	RUN(words_survive,
	    "bash, zsh and fish read every word of every command as it was");
	RUN(sudo, "sudo stands where the one who asks needs it, and only there");
	RUN(lines_of_a_text, "commands are lines of their own within a text");
	return unit_done();
}

#include "model/proctext.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from *p on, which is left behind them. */
static bool take_number(const char **p, uint64_t *value)
{
	const char *at = *p;
	uint64_t v = 0;

	if (!is_digit(*at))
		return false;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v))
			return false;
	*p = at;
	*value = v;
	return true;
}

static bool ends_word(char c)
{
	return !c || c == ' ' || c == '\t' || c == '\n';
}

/* A word of its own: "12ab" is no number. */
bool proctext_number(const char *text, uint64_t *value)
{
	const char *p = text;
	uint64_t v;

	if (!take_number(&p, &v) || !ends_word(*p))
		return false;
	*value = v;
	return true;
}

/* The line after this one; NULL behind the last. */
static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

/* What stands behind "WORD:" at the start of a line; NULL if another word does. */
static const char *behind(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 && line[len] == ':' ? line + len + 1 : NULL;
}

static bool is_word(const char *p, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(p, word, len) == 0;
}

bool proctext_pair(const char *text, const char *table, const char *name, uint64_t *value)
{
	const char *line, *values, *n, *v;

	for (line = text; line; line = next_line(values)) {
		values = line;
		n = behind(line, table);
		if (!n)
			continue;
		values = next_line(line);
		v = values ? behind(values, table) : NULL;
		if (!v)
			return false;
		while (*n == ' ' && *v == ' ') {
			size_t len = strcspn(++n, " \n");

			v++;
			if (is_word(n, len, name))
				return proctext_number(v, value);
			n += len;
			v += strcspn(v, " \n");
		}
	}
	return false;
}

bool proctext_line(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);
	const char *line;

	for (line = text; line; line = next_line(line))
		if (strncmp(line, name, len) == 0 &&
		    (line[len] == ' ' || line[len] == '\t'))
			return proctext_number(line + len + strspn(line + len, " \t"),
					       value);
	return false;
}

bool proctext_keyed(const char *text, const char *line, const char *key, uint64_t *value)
{
	const char *at = text, *p;

	while (at && !(p = behind(at, line)))
		at = next_line(at);
	while (at && *p == ' ') {
		size_t len = strcspn(++p, " \n");
		bool found = is_word(p, len, key);

		p += len;
		if (*p != ' ')
			return false;
		if (found)
			return proctext_number(p + 1, value);
		p += 1 + strcspn(p + 1, " \n");
	}
	return false;
}

/* "UNIX-STREAM 1152      2 ...": since Linux 5.15 streams have a line of their own. */
bool proctext_unix_sockets(const char *text, uint64_t *n)
{
	uint64_t size, sockets;
	const char *line;
	bool found = false;

	*n = 0;
	for (line = text; line; line = next_line(line)) {
		const char *p = line + strcspn(line, " \n");

		if (strncmp(line, "UNIX", 4) != 0 || (line[4] != ' ' && line[4] != '-'))
			continue;
		p += strspn(p, " ");
		if (!proctext_number(p, &size))
			return false;
		p += strcspn(p, " \n");
		if (!proctext_number(p + strspn(p, " "), &sockets))
			return false;
		*n += sockets;
		found = true;
	}
	return found;
}

/* "TCP       2304      1     195   no     192   yes  kernel ...": name, size, sockets,
 * memory (-1 without an account), press ("NI" without one). */
bool proctext_memory(const char *text, const char *protocol, uint64_t *pages,
		     bool *pressed)
{
	enum { SIZE = 1, SOCKETS, MEMORY, PRESS, WORDS };
	const size_t len = strlen(protocol);
	const char *line;

	for (line = text; line; line = next_line(line)) {
		const char *words[WORDS], *p = line + len;
		uint64_t n;
		int i;

		if (strncmp(line, protocol, len) != 0 || *p != ' ')
			continue;
		for (i = SIZE; i < WORDS; i++) {
			words[i] = p += strspn(p, " ");
			p += strcspn(p, " \n");
		}
		i = (int)(p - words[PRESS]);
		if ((!is_word(words[PRESS], (size_t)i, "yes") &&
		     !is_word(words[PRESS], (size_t)i, "no")) ||
		    !proctext_number(words[MEMORY], &n))
			return false;
		*pages = n;
		*pressed = words[PRESS][0] == 'y';
		return true;
	}
	return false;
}

/* The i-th word of a line; empty at its end. */
static const char *word_at(const char *line, int i, size_t *len)
{
	const char *p = line + strspn(line, " ");

	for (; i > 0; i--) {
		p += strcspn(p, " \n");
		p += strspn(p, " ");
	}
	*len = strcspn(p, " \n");
	return p;
}

static bool take_hex(const char *p, size_t len, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t v = 0;
	size_t i;

	if (!len || len > 16)
		return false;
	for (i = 0; i < len; i++) {
		const char *digit = strchr(digits, p[i]);

		if (!digit)
			return false;
		v = v << 4 | (uint64_t)(digit - digits);
	}
	*value = v;
	return true;
}

bool proctext_stat(const char *text, const char *name, uint64_t *sum)
{
	uint64_t total = 0, v;
	const char *line, *p;
	size_t len;
	int i;

	for (i = 0; p = word_at(text, i, &len), !is_word(p, len, name); i++)
		if (!len)
			return false;
	line = next_line(text);
	if (!line)
		return false;
	for (; line; line = next_line(line)) {
		p = word_at(line, i, &len);
		if (!take_hex(p, len, &v) || __builtin_add_overflow(total, v, &total))
			return false;
	}
	*sum = total;
	return true;
}

bool proctext_triple(const char *text, uint64_t triple[3])
{
	uint64_t v[3];
	const char *p = text;
	int i;

	for (i = 0; i < 3; i++) {
		p += strspn(p, " \t");
		if (!take_number(&p, &v[i]) || !ends_word(*p))
			return false;
	}
	memcpy(triple, v, sizeof(v));
	return true;
}

bool proctext_range(const char *text, uint16_t *lo, uint16_t *hi)
{
	const char *p = text + strspn(text, " \t");
	uint64_t a, b;

	if (!take_number(&p, &a) || !strspn(p, " \t"))
		return false;
	if (!proctext_number(p + strspn(p, " \t"), &b) || a > b || b > UINT16_MAX)
		return false;
	*lo = (uint16_t)a;
	*hi = (uint16_t)b;
	return true;
}

void proctext_ports(const char *text, bool *held)
{
	const char *p = text;
	uint64_t lo, hi;

	while (take_number(&p, &lo)) {
		hi = lo;
		if (*p == '-') {
			p++;
			if (!take_number(&p, &hi))
				return;
		}
		for (; lo <= hi && lo <= UINT16_MAX; lo++)
			held[lo] = true;
		p += *p == ',';
	}
}

static bool take_limit(const char **p, uint64_t *limit)
{
	static const char none[] = "unlimited";

	*p += strspn(*p, " ");
	if (!has_prefix(*p, none))
		return take_number(p, limit) && ends_word(**p);
	*p += sizeof(none) - 1;
	*limit = UINT64_MAX;
	return true;
}

bool proctext_descriptor_limit(const char *text, uint64_t *soft, uint64_t *hard)
{
	static const char head[] = "Max open files";
	const char *line;

	for (line = text; line; line = next_line(line)) {
		if (!has_prefix(line, head))
			continue;
		line += sizeof(head) - 1;
		return take_limit(&line, soft) && take_limit(&line, hard);
	}
	return false;
}

bool proctext_start(const char *text, uint64_t *ticks)
{
	enum { STARTTIME = 22 };
	/* The second field, the name, may hold blanks and brackets. */
	const char *p = strrchr(text, ')');
	int field;

	for (field = 2; p && field < STARTTIME; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p && proctext_number(p, ticks);
}

bool proctext_one_pid(const char *text)
{
	const char *line;
	uint64_t pid;

	for (line = text; line; line = next_line(line)) {
		const char *p = behind(line, "NSpid");

		if (p)
			return *p++ == '\t' && take_number(&p, &pid) && *p == '\n';
	}
	return false;
}

/* proc_pid_mountinfo(5): blank, tab, newline and backslash as three octal digits. */
static void undo_escapes(char *text)
{
	char *to = text;

	for (; *text; to++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				     (text[3] - '0'));
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

/* The word at *p, ended by a NUL; *p is left behind it. NULL if there is none. */
static char *take_word(char **p)
{
	char *word = *p + strspn(*p, " "), *end = word + strcspn(word, " \n");

	if (end == word)
		return NULL;
	*p = end + (*end != '\0');
	*end = '\0';
	return word;
}

/* "36 35 98:0 /root /path rw,noatime shared:1 - type source options" */
bool proctext_mount(char *line, struct proctext_mount *m)
{
	enum { ID, DEVICE = 2, ROOT, PATH, OPTIONS };
	char *texts[OPTIONS + 1], *p = line, *word, *type;
	const char *device;
	uint64_t id, major, minor;
	int i;

	for (i = 0; i <= OPTIONS; i++)
		if (!(texts[i] = take_word(&p)))
			return false;
	while ((word = take_word(&p)) && !streq(word, "-"))
		;
	if (!word || !(type = take_word(&p)))
		return false;
	device = texts[DEVICE];
	if (!proctext_number(texts[ID], &id) || !take_number(&device, &major) ||
	    *device++ != ':' || !proctext_number(device, &minor) || major > UINT16_MAX ||
	    minor > UINT32_MAX)
		return false;
	undo_escapes(texts[ROOT]);
	undo_escapes(texts[PATH]);
	*m = (struct proctext_mount){ texts[ROOT], texts[PATH],	    type,
				      id,	   (unsigned)major, (unsigned)minor };
	return true;
}

/* fs/proc/root.c: names since Linux 5.8, numbers before and on some. */
static unsigned hidepid_level(const char *text)
{
	static const struct {
		const char *text;
		unsigned level;
	} levels[] = {
		{ "off", 0 },	    { "0", 0 }, { "noaccess", 1 }, { "1", 1 },
		{ "invisible", 2 }, { "2", 2 }, { "4", 4 },	   { "ptraceable", 4 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		if (streq(text, levels[i].text))
			return levels[i].level;
	/* A level that is not known yet hides at least as much. */
	return 4;
}

static void read_proc_options(char *options, struct proctext_hidepid *h)
{
	char *rest, *word;

	for (word = strtok_r(options, ",", &rest); word;
	     word = strtok_r(NULL, ",", &rest)) {
		if (has_prefix(word, "hidepid="))
			h->level = hidepid_level(word + strlen("hidepid="));
		else if (has_prefix(word, "gid="))
			proctext_number(word + strlen("gid="), &h->gid);
	}
}

bool proctext_hidepid(char *line, const char *path, struct proctext_hidepid *h)
{
	/* The options of the file system stand last. */
	char *end = line + strcspn(line, "\n"), *last;
	struct proctext_mount m;

	*end = '\0';
	last = strrchr(line, ' ');
	if (!last || !proctext_mount(line, &m) || !streq(m.path, path))
		return false;
	*h = (struct proctext_hidepid){ .level = 0 };
	/* Of another file system there is no /proc to see there. */
	if (streq(m.type, "proc"))
		read_proc_options(last + 1, h);
	return true;
}

uint32_t proctext_socket(const char *link, size_t len)
{
	static const char head[] = "socket:[";
	const size_t n = sizeof(head) - 1;
	uint64_t v = 0;
	size_t i;

	if (len <= n || memcmp(link, head, n) != 0)
		return 0;
	for (i = n; i < len && is_digit(link[i]) && v <= UINT32_MAX; i++)
		v = v * 10 + (uint64_t)(link[i] - '0');
	return i + 1 == len && link[i] == ']' && v <= UINT32_MAX ? (uint32_t)v : 0;
}

#include "net/probe/pattern.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

/* --- what may be compiled --- */

/* The most that "{2,30}" repeats to, 1 for what is no such thing. */
static uint64_t repeats_of(const char *p)
{
	uint64_t most = 1, n;

	for (; *p && *p != '}'; p++) {
		for (n = 0; *p >= '0' && *p <= '9' && n < PATTERN_REPEATS * 2; p++)
			n = n * 10 + (uint64_t)(*p - '0');
		most = MAX(most, n);
		if (!*p || *p == '}')
			break;
	}
	return most;
}

/* Behind a bracket expression that begins here: "[]a]", "[^]]", "[[:alpha:]]". */
static const char *behind_bracket(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	for (; *p && *p != ']'; p++)
		if (*p == '[' && p[1] && strchr(":.=", p[1])) {
			const char kind[] = { p[1], ']', '\0' };
			const char *end = strstr(p + 2, kind);

			if (end)
				p = end + 1;
		}
	return *p ? p + 1 : p;
}

/* How large a pattern becomes when its braces are written out, each group so often as it
 * is repeated. More than PATTERN_REPEATS is told as just that. */
static uint64_t size_of(const char *pattern, size_t *deepest)
{
	uint64_t sum[PATTERN_NESTING + 1] = { 0 }, last = 0;
	size_t depth = 0;
	const char *p = pattern;

	*deepest = 0;
	while (*p) {
		if (*p == '(') {
			if (++depth > PATTERN_NESTING) {
				*deepest = depth;
				return 0;
			}
			*deepest = MAX(*deepest, depth);
			sum[depth] = last = 0;
			p++;
		} else if (*p == ')' && depth) {
			last = sum[depth--] + 1;
			sum[depth] += last;
			p++;
		} else if (*p == '{') {
			uint64_t more = last * (repeats_of(p + 1) - 1);

			sum[depth] += more;
			last += more;
			p++;
		} else {
			last = 1;
			sum[depth]++;
			if (*p == '[')
				p = behind_bracket(p);
			else
				p += *p == '\\' && p[1] ? 2 : 1;
		}
		if (sum[depth] > PATTERN_REPEATS)
			return PATTERN_REPEATS + 1;
	}
	return sum[0];
}

int pattern_compile(regex_t *regex, const char *pattern, struct fault *f)
{
	char message[200];
	size_t deepest;
	int r;

	if (strlen(pattern) > PATTERN_MOST)
		return fault_say(f, EINVAL, "the pattern has %zu bytes, the most is %d",
				 strlen(pattern), PATTERN_MOST);
	if (size_of(pattern, &deepest) > PATTERN_REPEATS)
		return fault_say(f, EINVAL,
				 "the pattern repeats too much: written out it has over "
				 "%d parts",
				 PATTERN_REPEATS);
	if (deepest > PATTERN_NESTING)
		return fault_say(f, EINVAL,
				 "the pattern has over %d parentheses in each other",
				 PATTERN_NESTING);
	r = regcomp(regex, pattern, REG_EXTENDED | REG_NEWLINE);
	if (!r)
		return 0;
	regerror(r, regex, message, sizeof(message));
	return fault_say(f, EINVAL, "not a regular expression: %s", message);
}

/* --- searching --- */

/* A NUL stands behind the bytes, too: sanitizers look for it. */
static bool matches_bytes(const regex_t *regex, struct buf *in)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)in->len };

	return regexec(regex, buf_cstr(in), 1, &range, REG_STARTEND) == 0;
}

/* As it came, or with lines that end as the pattern's $ knows them. */
static bool matches(const regex_t *regex, struct buf *in)
{
	_cleanup_buf_ struct buf lines = { 0 };
	size_t i;

	if (matches_bytes(regex, in))
		return true;
	buf_reserve(&lines, in->len + 1);
	for (i = 0; i < in->len; i++)
		if (in->data[i] != '\r' || i + 1 == in->len || in->data[i + 1] != '\n')
			buf_putc(&lines, in->data[i]);
	return lines.len < in->len && matches_bytes(regex, &lines);
}

/* The text with the heads of its lines; true if that is less. */
static bool take_heads(struct buf *heads, const struct buf *text)
{
	const char *p = text->data, *end = p + text->len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		buf_put(heads, p, MIN(len, (size_t)PATTERN_LINE_MOST));
		if (nl)
			buf_putc(heads, '\n');
		p += len + (nl != NULL);
	}
	return heads->len < text->len;
}

/* Its exit code says what it found; -errno where it cannot be told. */
static int wait_for_child(pid_t pid)
{
	uint64_t now = clock_us(), until = now + PATTERN_WAIT_MS * 1000ull;
	int fd = pidfd_open(pid, 0), status = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool ended = false;

	for (; fd >= 0 && !ended && now < until; now = clock_us())
		ended = poll(&p, 1, (int)((until - now + 999) / 1000)) > 0;
	close_fd(fd);
	if (!ended)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (fd < 0)
		return -ENOSYS;
	return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -ETIMEDOUT;
}

/* Whoever shares the CPU with us does not shorten the search. */
static void limit_cpu(void)
{
	const struct itimerval limit = { .it_value.tv_usec = PATTERN_PATIENCE_MS * 1000 };
	sigset_t set;

	signal(SIGVTALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGVTALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

enum pattern_found pattern_search(const regex_t *regex, const struct buf *text)
{
	_cleanup_buf_ struct buf heads = { 0 };
	bool cut = take_heads(&heads, text);
	pid_t pid = fork();
	int code;

	if (pid < 0)
		return PATTERN_NO_CHILD;
	if (pid == 0) {
		limit_cpu();
		_exit(matches(regex, &heads) ? 0 : 1);
	}
	code = wait_for_child(pid);
	if (code < 0)
		return code == -ETIMEDOUT ? PATTERN_TOO_LONG : PATTERN_NO_CHILD;
	if (code == 0)
		return PATTERN_YES;
	return cut ? PATTERN_NOT_IN_HEADS : PATTERN_NO;
}

const char *pattern_missed(enum pattern_found found)
{
	switch (found) {
	case PATTERN_NOT_IN_HEADS:
		return "what matches the expected pattern (of each line the first 4096 "
		       "bytes were searched)";
	case PATTERN_TOO_LONG:
		return "what matches the expected pattern (the search was ended after "
		       "100 ms: try a simpler pattern)";
	case PATTERN_NO_CHILD:
		return "what matches the expected pattern (no process could be started "
		       "to search for it)";
	case PATTERN_YES:
	case PATTERN_NO:
		break;
	}
	return "what matches the expected pattern";
}

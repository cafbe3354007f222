#include "base/fault.h"

#include <errno.h>

#include "unit/unit.h"

static void sentences(void)
{
	struct fault f = FAULT_INIT;

	CHECK_INT(f.err, 0);
	CHECK_INT(f.mark, -1);
	CHECK_INT(fault(&f, EACCES, "bind %s", "0.0.0.0:80"), -EACCES);
	CHECK_STR(f.what, "bind 0.0.0.0:80: Permission denied");
	CHECK_INT(f.err, EACCES);
	fault_hint(&f, "try port %d", 8080);
	CHECK_STR(f.hint, "try port 8080");
	CHECK_INT(fault_say(&f, EINVAL, "not %s", "so"), -EINVAL);
	CHECK_STR(f.what, "not so");
	CHECK_STR(f.hint, "");
	CHECK_INT(fault(NULL, ENOENT, "x"), -ENOENT);
	CHECK_INT(fault_say(NULL, ENOENT, "x"), -ENOENT);
	fault_hint(NULL, "x");
	fault_mark(NULL, "x", 0);
}

static void long_texts(void)
{
	struct fault f = FAULT_INIT;
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fault(&f, EACCES, "%s", text);
	CHECK_INT(strlen(f.what), sizeof(f.what) - 1);
	CHECK(has_suffix(f.what, "xxx: Permission denied"));
	fault_hint(&f, "%s", text);
	CHECK_INT(strlen(f.hint), sizeof(f.hint) - 1);
}

/* The end says what is wrong; no character is cut in two, whatever stands before. */
static void middle_is_cut(void)
{
	char text[2000];
	size_t i, pad;

	for (i = 0; i + 1 < sizeof(text); i++)
		text[i] = i & 1 ? '\xbc' : '\xc3';
	text[sizeof(text) - 2] = '\0';
	for (pad = 0; pad < 8; pad++) {
		struct fault f = FAULT_INIT;

		fault_say(&f, EINVAL, "%.*s'%s' is no size", (int)pad, "--------", text);
		fault_about(&f, "--chunk=x", strlen("--chunk"));
		CHECK(strlen(f.what) < sizeof(f.what));
		CHECK(has_prefix(f.what, "--chunk: "));
		CHECK(has_suffix(f.what, "\xc3\xbc' is no size"));
		CHECK(strstr(f.what, "\xc3\xbc ... \xc3\xbc"));
		CHECK(!strstr(strstr(f.what, " ... ") + 1, " ... "));
	}
	memset(text, '\x80', sizeof(text) - 1); /* goes on where nothing began */
	text[sizeof(text) - 1] = '\0';
	for (pad = 0; pad < 8; pad++) {
		struct fault f = FAULT_INIT;

		fault_say(&f, EINVAL, "%.*s'%s' is no size", (int)pad, "--------", text);
		CHECK(strlen(f.what) < sizeof(f.what));
		CHECK(has_suffix(f.what, "' is no size"));
		fault_mark(&f, text, 900 + pad);
		CHECK(f.text[f.mark] == '\x80');
	}
}

/* The marked byte stays in the kept part, wherever it was. */
static void long_marks(void)
{
	char text[2000];
	size_t at;

	for (at = 0; at < sizeof(text); at++) {
		struct fault f = FAULT_INIT;

		memset(text, '.', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		if (at < sizeof(text) - 1)
			text[at] = '!';
		fault_mark(&f, text, at);
		CHECK(f.mark >= 0 && (size_t)f.mark <= strlen(f.text));
		CHECK(at == sizeof(text) - 1 ? f.text[f.mark] == '\0'
					     : f.text[f.mark] == '!');
	}
}

int main(void)
{
	RUN(sentences, "a fault carries a sentence, an errno and a hint");
	RUN(long_texts, "what is too long is cut");
	RUN(middle_is_cut, "what is cut is the middle, once, between two characters");
	RUN(long_marks, "the marked place stays in sight");
	return unit_done();
}

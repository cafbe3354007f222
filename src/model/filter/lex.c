#include "model/filter/lex_private.h"

#include <strings.h>

struct sign {
	const char *text;
	enum token_kind kind;
	enum filter_op op;
};

/* Longer ones first: the first that fits is taken. */
static const struct sign signs[] = {
	{ "==", TOKEN_COMPARE, FILTER_EQ }, { "!=", TOKEN_COMPARE, FILTER_NE },
	{ "<=", TOKEN_COMPARE, FILTER_LE }, { ">=", TOKEN_COMPARE, FILTER_GE },
	{ "&&", TOKEN_AND, FILTER_AND },    { "||", TOKEN_OR, FILTER_OR },
	{ "=", TOKEN_COMPARE, FILTER_EQ },  { "<", TOKEN_COMPARE, FILTER_LT },
	{ ">", TOKEN_COMPARE, FILTER_GT },  { "~", TOKEN_COMPARE, FILTER_GLOB },
	{ "!", TOKEN_NOT, FILTER_NOT },	    { "&", TOKEN_AND, FILTER_AND },
	{ "|", TOKEN_OR, FILTER_OR },	    { "(", TOKEN_OPEN, FILTER_ALL },
	{ ")", TOKEN_CLOSE, FILTER_ALL },   { ",", TOKEN_COMMA, FILTER_ALL },
};

static const struct sign keywords[] = {
	{ "and", TOKEN_AND, FILTER_AND },    { "or", TOKEN_OR, FILTER_OR },
	{ "not", TOKEN_NOT, FILTER_NOT },    { "eq", TOKEN_COMPARE, FILTER_EQ },
	{ "ne", TOKEN_COMPARE, FILTER_NE },  { "neq", TOKEN_COMPARE, FILTER_NE },
	{ "lt", TOKEN_COMPARE, FILTER_LT },  { "le", TOKEN_COMPARE, FILTER_LE },
	{ "leq", TOKEN_COMPARE, FILTER_LE }, { "gt", TOKEN_COMPARE, FILTER_GT },
	{ "ge", TOKEN_COMPARE, FILTER_GE },  { "geq", TOKEN_COMPARE, FILTER_GE },
	{ "in", TOKEN_COMPARE, FILTER_IN },
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(char c)
{
	return c == '\0' || is_blank(c) || strchr("=!<>~&|(),", c);
}

/*
 * Copies a quoted part to out, from the opening quote at s. Returns its length with both
 * quotes, 0 if the second is missing. In "..." a backslash makes '"' and '\' plain;
 * before others it stays, as patterns want it.
 */
static size_t copy_quoted(const char *s, char *out, size_t *out_len)
{
	char quote = s[0];
	size_t i;

	for (i = 1; s[i] && s[i] != quote; i++) {
		if (quote == '"' && s[i] == '\\' && (s[i + 1] == '"' || s[i + 1] == '\\'))
			i++;
		out[(*out_len)++] = s[i];
	}
	return s[i] ? i + 1 : 0;
}

static size_t word_span(const char *s)
{
	size_t i = 0;

	while (!ends_word(s[i])) {
		char quote = s[i++];

		if (quote != '"' && quote != '\'')
			continue;
		while (s[i] && s[i] != quote)
			i += s[i] == '\\' && quote == '"' && s[i + 1] ? 2 : 1;
		i += s[i] == quote;
	}
	return i;
}

static struct token lex_word(struct lexer *l)
{
	const char *s = l->text + l->at;
	struct token t = { .kind = TOKEN_WORD, .at = l->at };
	char *out = arena_alloc(l->arena, word_span(s) + 1);
	size_t i = 0, k;

	t.text = out;
	while (!ends_word(s[i])) {
		size_t quoted;

		if (s[i] != '"' && s[i] != '\'') {
			out[t.len++] = s[i++];
			continue;
		}
		t.quoted = true;
		quoted = copy_quoted(s + i, out, &t.len);
		if (!quoted) {
			t.kind = TOKEN_UNTERMINATED;
			t.at = l->at + i;
			break;
		}
		i += quoted;
	}
	out[t.len] = '\0';
	l->at += i;
	for (k = 0; k < ARRAY_SIZE(keywords) && t.kind == TOKEN_WORD && !t.quoted; k++)
		if (strcasecmp(keywords[k].text, out) == 0) {
			t.kind = keywords[k].kind;
			t.op = keywords[k].op;
		}
	return t;
}

struct token lex_next(struct lexer *l)
{
	const char *s;
	size_t i;

	while (is_blank(l->text[l->at]))
		l->at++;
	s = l->text + l->at;
	if (!*s)
		return (struct token){ .kind = TOKEN_END, .at = l->at };
	for (i = 0; i < ARRAY_SIZE(signs); i++)
		if (has_prefix(s, signs[i].text)) {
			struct token t = { .kind = signs[i].kind,
					   .op = signs[i].op,
					   .at = l->at };

			l->at += strlen(signs[i].text);
			return t;
		}
	return lex_word(l);
}

bool token_is(const struct token *t, const char *word)
{
	size_t i;

	if (t->kind != TOKEN_WORD || t->quoted || strlen(word) != t->len)
		return false;
	for (i = 0; i < t->len; i++) {
		char c = t->text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c == '-' ? '_' : c) != word[i])
			return false;
	}
	return true;
}

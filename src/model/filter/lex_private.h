/* The words and signs of a filter expression, one at a time. */
#pragma once

#include "model/filter/filter.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_COMPARE,	    /* a sign or a word: = == eq, != ne neq, < lt ... ~ in */
	TOKEN_UNTERMINATED, /* a quote that is not closed */
};

struct token {
	enum token_kind kind;
	enum filter_op op; /* TOKEN_COMPARE */
	size_t at;	   /* where it begins in the expression */
	const char *text;  /* TOKEN_WORD: without quotes, terminated; in the arena */
	size_t len;
	bool quoted; /* some part of it was: never a keyword */
};

/* Copying it remembers a place to return to. */
struct lexer {
	const char *text;
	size_t at;
	struct arena *arena;
};

struct token lex_next(struct lexer *l);

/* Whether a token is this word, in any case, '-' and '_' alike. */
bool token_is(const struct token *t, const char *word);

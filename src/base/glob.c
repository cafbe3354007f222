#include "base/glob.h"

static unsigned char fold_case(char c, bool fold)
{
	if (fold && c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	return (unsigned char)c;
}

/* The length of the set that p[0] == '[' opens, 0 if nothing closes it; *hit whether c is
 * in it. */
static size_t match_set(const char *p, size_t len, unsigned char c, bool fold, bool *hit)
{
	size_t i = 1, first;
	bool inverted = i < len && (p[i] == '!' || p[i] == '^');
	bool found = false;

	i += inverted;
	for (first = i; i < len && (p[i] != ']' || i == first); i++) {
		unsigned char lo = fold_case(p[i], fold), hi = lo;

		if (i + 2 < len && p[i + 1] == '-' && p[i + 2] != ']') {
			hi = fold_case(p[i + 2], fold);
			i += 2;
		}
		found |= c >= lo && c <= hi;
	}
	*hit = found != inverted;
	return i < len ? i + 1 : 0;
}

/* The length of the pattern's element at p if it matches c, or 0. */
static size_t match_one(const char *p, size_t len, char text, bool fold)
{
	unsigned char c = fold_case(text ? text : '@', fold);
	bool hit = false;
	size_t n;

	if (p[0] == '?')
		return 1;
	if (p[0] == '\\' && len > 1)
		return fold_case(p[1], fold) == c ? 2 : 0;
	if (p[0] == '[') {
		n = match_set(p, len, c, fold, &hit);
		if (n)
			return hit ? n : 0;
	}
	return fold_case(p[0], fold) == c;
}

bool glob_match(const char *pattern, size_t pattern_len, const char *text,
		size_t text_len, bool fold)
{
	size_t p = 0, t = 0, after_star = 0, star_text = 0, n;

	while (t < text_len) {
		if (p < pattern_len && pattern[p] == '*') {
			after_star = ++p;
			star_text = t;
			continue;
		}
		n = p < pattern_len
			    ? match_one(pattern + p, pattern_len - p, text[t], fold)
			    : 0;
		if (n) {
			p += n;
			t++;
		} else if (after_star) {
			/* The last star takes one byte more; earlier ones need not. */
			p = after_star;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}

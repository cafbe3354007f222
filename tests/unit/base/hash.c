/* Keyed hashes: what a stranger chooses so that it would fall into one place costs no
 * more steps than anything else. */
#include "base/hash.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/unit.h"

enum {
	MANY = 20000,
	STEPS_MOST = 4, /* an operation, on the average: half full, it is 1.5 to 2.5 */
};

static uint64_t steps; /* of all look-ups so far */

static size_t find(struct hash_index *x, const uint64_t *v, uint64_t wanted)
{
	uint32_t step = 0;
	size_t at;

	while ((at = hash_index_next(x, hash_u64(x, wanted), &step)) != SIZE_MAX)
		if (v[at] == wanted)
			break;
	steps += step;
	return at;
}

/* Puts MANY different numbers in, finds each again, takes every second one out, finds
 * the others. */
static void check_numbers(const uint64_t *v, const char *what)
{
	struct hash_index x = { 0 };
	size_t i;

	steps = 0;
	for (i = 0; i < MANY; i++)
		hash_index_add(&x, hash_u64(&x, v[i]), i);
	for (i = 0; i < MANY; i++)
		CHECK_INT(find(&x, v, v[i]), i);
	CHECK_INT(x.n, MANY);
	for (i = 0; i < MANY; i += 2)
		hash_index_remove(&x, hash_u64(&x, v[i]), i);
	for (i = 0; i < MANY; i++)
		CHECK_INT(find(&x, v, v[i]), i % 2 ? i : SIZE_MAX);
	CHECK_INT(x.n, MANY / 2);
	/* To add them, growing on the way, is two operations each at the most. */
	if (x.steps > 2 * STEPS_MOST * MANY || steps > 2 * STEPS_MOST * MANY)
		printf("# %s: %llu steps to add, %llu to find\n", what,
		       (unsigned long long)x.steps, (unsigned long long)steps);
	CHECK(x.steps >= MANY && x.steps <= 2 * STEPS_MOST * MANY);
	CHECK(steps >= MANY && steps <= 2 * STEPS_MOST * MANY);
	hash_index_clear(&x);
	CHECK_INT(find(&x, v, v[1]), SIZE_MAX);
	hash_index_free(&x);
}

/* The number whose product with an odd one, which is known, is n. */
static uint64_t quotient(uint64_t n, uint64_t odd)
{
	uint64_t inverse = odd;
	int i;

	for (i = 0; i < 5; i++)
		inverse *= 2 - odd * inverse;
	return n * inverse;
}

static void test_numbers(void)
{
	uint64_t *v = malloc(MANY * sizeof(*v));
	const uint64_t golden = 0x9e3779b97f4a7c15ull;
	/* What is equal modulo the sizes that tables have. */
	const uint64_t strides[] = { 1, 1 << 16, MANY * 2 + 1, 65536 * 65537ull,
				     1ull << 40 };
	size_t s, i;

	for (s = 0; s < sizeof(strides) / sizeof(strides[0]); s++) {
		for (i = 0; i < MANY; i++)
			v[i] = i * strides[s];
		check_numbers(v, "numbers");
	}
	/* What a plain multiplication puts into one place. */
	for (i = 0; i < MANY; i++)
		v[i] = quotient(i, golden);
	check_numbers(v, "numbers of one product");
	free(v);
}

/* FNV-1a, which a stranger can compute. */
static uint64_t known_hash(const void *p, size_t len)
{
	const unsigned char *s = p;
	uint64_t h = 14695981039346656037ull;

	for (; len; len--)
		h = (h ^ *s++) * 1099511628211ull;
	return h ^ h >> 32;
}

/* Addresses of one /64 whose known hashes end in the same ten bits. */
static size_t choose(struct sockaddr_in6 *chosen, size_t most)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	uint32_t i;
	size_t n = 0;

	for (i = 0; n < most; i++) {
		memcpy(a.sin6_addr.s6_addr + 12, &i, sizeof(i));
		if ((known_hash(&a, sizeof(a)) & 1023) == 0)
			chosen[n++] = a;
	}
	return n;
}

static void test_chosen_addresses(void)
{
	enum { CHOSEN = 2000, PLACES = 1024 };
	struct sockaddr_in6 *v = calloc(CHOSEN, sizeof(*v));
	static unsigned used[PLACES];
	struct hash_key key = hash_key_of_process();
	unsigned most = 0;
	size_t i;

	choose(v, CHOSEN);
	for (i = 0; i < CHOSEN; i++) {
		unsigned *place =
			&used[hash_bytes_by(&key, &v[i], sizeof(v[i])) % PLACES];

		most = ++*place > most ? *place : most;
	}
	/* Two each on the average; all of them where the hash can be chosen. */
	CHECK(most < 20);
	free(v);
}

/* Several members with one hash, as the descriptors of one socket have. */
static void test_same_hash(void)
{
	struct hash_index x = { 0 };
	uint32_t hash = hash_u64(&x, 7), step = 0;
	unsigned seen = 0;
	size_t at;

	hash_index_reserve(&x, 3);
	for (at = 0; at < 3; at++)
		hash_index_add(&x, hash, at);
	hash_index_remove(&x, hash, 1);
	while ((at = hash_index_next(&x, hash, &step)) != SIZE_MAX)
		seen |= 1u << at;
	CHECK_INT(seen, 5);
	hash_index_free(&x);
}

static void test_set(void)
{
	struct hash_index set = { 0 };
	uint32_t i;

	CHECK(!hash_set_has(&set, 1) && !hash_set_add(&set, 0) && !set.n);
	for (i = 1; i <= MANY; i++)
		CHECK(hash_set_add(&set, i << 17));
	for (i = 1; i <= MANY; i++)
		CHECK(!hash_set_add(&set, i << 17) && hash_set_has(&set, i << 17) &&
		      !hash_set_has(&set, i));
	CHECK_INT(set.n, MANY);
	hash_index_free(&set);
	CHECK(!hash_set_has(&set, 1 << 17));
}

/* Every length, every byte of it, and nothing behind it. */
static void test_bytes(void)
{
	struct hash_key key = hash_key_of_process(),
			other = { { key.k[0] ^ 1, key.k[1] } };
	char text[64] = { 0 };
	uint32_t h;
	size_t len, i;

	for (len = 0; len < sizeof(text); len++) {
		h = hash_bytes_by(&key, text, len);
		CHECK(h == hash_bytes_by(&key, text, len));
		CHECK(h !=
		      hash_bytes_by(&key, text, len + 1 < sizeof(text) ? len + 1 : 0));
		CHECK(h != hash_bytes_by(&other, text, len));
		for (i = 0; i < len; i++) {
			text[i] = 1;
			CHECK(h != hash_bytes_by(&key, text, len));
			text[i] = 0;
		}
		if (len < sizeof(text)) {
			text[len] = 1;
			CHECK(h == hash_bytes_by(&key, text, len));
			text[len] = 0;
		}
	}
}

static const char *self;

/* This program once more, as `unit_hash key`, says what its key is. */
static void test_another_process(void)
{
	struct hash_key ours = hash_key_of_process(), again = hash_key_of_process();
	char command[500], line[32] = "";
	FILE *f;

	CHECK(ours.k[0] == again.k[0] && ours.k[1] == again.k[1]);
	snprintf(command, sizeof(command), "'%s' key", self);
	f = popen(command, "r");
	CHECK(f && fgets(line, sizeof(line), f));
	CHECK(strtoull(line, NULL, 16) && strtoull(line, NULL, 16) != ours.k[0]);
	if (f)
		pclose(f);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		printf("%llx\n", (unsigned long long)hash_key_of_process().k[0]);
		return 0;
	}
	self = argv[0];
	RUN(test_numbers, "numbers a table's size apart are found in a few steps");
	RUN(test_same_hash, "members with one hash are told one after the other");
	RUN(test_set, "a set knows what was added, and 0 never");
	RUN(test_chosen_addresses, "addresses chosen for a known hash are spread");
	RUN(test_bytes, "each byte counts, none behind the text");
	RUN(test_another_process, "each process has a key of its own");
	return unit_done();
}

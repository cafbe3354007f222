/*
 * Runs each entry over its seeds, whole and cut at up to CUTS places, without libFuzzer:
 * so the ordinary suite, the sanitizers' preset among it, holds what was found once.
 * usage: fuzz_replay SEEDS [NAME...]; SEEDS has a folder for each entry
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define ENTRY(name) int fuzz_##name(const uint8_t *data, size_t size);
ENTRIES
#undef ENTRY

static const struct {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
} entries[] = {
#define ENTRY(name) { #name, fuzz_##name },
	ENTRIES
};

enum { CUTS = 48, LARGEST = 1 << 20 };

static void run_cuts(size_t entry, const uint8_t *data, size_t size)
{
	size_t step = size / CUTS + 1, n;

	for (n = size;; n -= step) {
		entries[entry].run(data, n);
		if (n < step)
			break;
	}
}

static int run_seed(size_t entry, int dir, const char *name)
{
	static uint8_t data[LARGEST];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	/* A finding ends the process: then this line says where. */
	printf("# %s %s\n", entries[entry].name, name);
	fflush(stdout);
	run_cuts(entry, data, (size_t)n);
	return 0;
}

/* How many; negative if one cannot be read. */
static int run_seeds(size_t entry, const char *seeds)
{
	char path[4096];
	struct dirent *d;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", seeds, entries[entry].name);
	dir = opendir(path);
	while (dir && n >= 0 && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			n = run_seed(entry, dirfd(dir), d->d_name) < 0 ? -1 : n + 1;
	if (dir)
		closedir(dir);
	return n;
}

static int chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc <= 2;
}

int main(int argc, char **argv)
{
	int bad = 0, tests = 0;
	size_t i;

	if (argc < 2)
		return 2;
	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		int n;

		if (!chosen(entries[i].name, argc, argv))
			continue;
		n = run_seeds(i, argv[1]);
		bad += n <= 0;
		printf("%sok %d %s: its %d seeds, whole and cut, find nothing\n",
		       n <= 0 ? "not " : "", ++tests, entries[i].name, n);
		fflush(stdout);
	}
	printf("1..%d\n", tests);
	return bad != 0;
}

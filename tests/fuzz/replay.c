// SPDX-License-Identifier: Apache-2.0
/*
 * Stands in for libFuzzer: feeds each file of the given folders, or of this
 * target's corpus (tests/fuzz/corpus/X for fuzz_X), to the target once, plus
 * every prefix of the short ones. Built with the sanitizers; run by check-fuzz.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_BYTES_MAX	 (16u << 20)
#define PREFIX_BYTES_MAX 2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact copy, so that the address sanitizer sees one byte too many. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		perror("malloc");
		exit(1);
	}
	if (size)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_BYTES_MAX);
	size_t size;

	if (!file || !data) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, INPUT_BYTES_MAX, file);
	fclose(file);

	feed(data, size);
	for (size_t cut = 0; size <= PREFIX_BYTES_MAX && cut < size; cut++)
		feed(data, cut);
	free(data);
}

static unsigned int replay_folder(const char *folder)
{
	struct dirent *entry;
	unsigned int files = 0;
	DIR *dir = opendir(folder);

	if (!dir) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		exit(1);
	}
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];
		struct stat st;
		int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

		if (len < 0 || (size_t)len >= sizeof(path) || stat(path, &st) ||
		    !S_ISREG(st.st_mode))
			continue;
		replay_file(path);
		files++;
	}
	closedir(dir);
	return files;
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');
	char corpus[PATH_MAX];
	unsigned int files = 0;
	int len;

	base = base ? base + 1 : argv[0];
	if (strncmp(base, "fuzz_", 5) == 0)
		base += 5;
	len = snprintf(corpus, sizeof(corpus), "tests/fuzz/corpus/%s", base);
	if (len < 0 || (size_t)len >= sizeof(corpus))
		return 1;

	if (argc < 2)
		files = replay_folder(corpus);
	for (int i = 1; i < argc; i++)
		files += replay_folder(argv[i]);

	printf("%s - %s: %u inputs\n", files ? "ok" : "not ok", base, files);
	return files ? 0 : 1;
}

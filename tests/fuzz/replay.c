/*
 * Runs a fuzzer's function over the files of its corpus, one TAP line a file: what a fuzzer once
 * found stays fixed, and the fuzzers are compiled and run in every ordinary test build. Knows
 * nothing of any parser.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -1;
	FILE *file = fopen(path, "rbe");
	if (file == NULL)
		return -1;
	size_t size = 0;
	size_t room = 1 << 20;
	/* Exactly as large as the input, so that AddressSanitizer sees one byte too far. */
	uint8_t *data = malloc(room);
	if (data != NULL)
		size = fread(data, 1, room, file);
	(void)fclose(file);
	if (data == NULL)
		return -1;
	uint8_t *exact = malloc(size > 0 ? size : 1);
	if (exact != NULL) {
		memcpy(exact, data, size);
		(void)LLVMFuzzerTestOneInput(exact, size);
	}
	free(exact);
	free(data);
	return exact == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
	int count = 0;
	int failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	/* The empty input belongs to every corpus. */
	uint8_t *empty = calloc(1, 1);
	if (empty != NULL)
		(void)LLVMFuzzerTestOneInput(empty, 0);
	free(empty);
	printf("ok %d - empty input\n", ++count);
	DIR *dir = opendir(argv[1]);
	if (dir == NULL)
		fprintf(stderr, "no corpus %s: %s, ignoring\n", argv[1], strerror(errno));
	for (struct dirent *e = NULL; dir != NULL && (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		int r = replay_file(argv[1], e->d_name);
		failed += r != 0;
		printf("%s %d - %s\n", r == 0 ? "ok" : "not ok", ++count, e->d_name);
		(void)fflush(stdout);
	}
	if (dir != NULL)
		(void)closedir(dir);
	printf("1..%d\n", count);
	return failed == 0 ? 0 : 1;
}

/* A scratch folder for one test, small file helpers, and waiting for a condition. Header only: each
 * test program is one file. */
#pragma once

#include <ftw.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Make a folder under $TMPDIR; owned text. */
static inline char *scratch_make(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	if (asprintf(&path, "%s/mko-test-XXXXXX", base != NULL ? base : "/tmp") < 0 ||
		mkdtemp(path) == NULL)
		abort();
	return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind,
	struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/** Remove the folder with all in it and free its name. */
static inline void scratch_drop(char *path)
{
	nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/** DIR/NAME in a static buffer of which four are used in turn. */
static inline const char *scratch_path(const char *dir, const char *name)
{
	static char buffers[4][512];
	static unsigned next;
	char *buffer = buffers[next++ % 4];

	snprintf(buffer, sizeof(buffers[0]), "%s/%s", dir, name);
	return buffer;
}

/** Path of this test program, to start it again. "/proc/self/exe" itself would start valgrind
 * there. */
static inline const char *scratch_self(void)
{
	static char path[4096];

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		abort();
	return path;
}

/** Write a text file with this mode. */
static inline void scratch_write(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, mode) != 0)
		abort();
}

/** Whole file as an owned text, NULL when it is not there. */
static inline char *scratch_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	if (f == NULL) {
		free(text);
		return NULL;
	}
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/** True as soon as check(arg) is, within 10 s; the test fails loudly otherwise, it never guesses a
 * sleep. */
static inline bool scratch_wait(bool (*check)(void *arg), void *arg)
{
	for (int i = 0; i < 2000; i++) {
		if (check(arg))
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

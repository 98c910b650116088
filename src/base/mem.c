/* Owns allocation and must(): both abort on failure, so no caller has a path for it. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must_fail(const char *expr, const char *file, int line)
{
	fprintf(stderr, "mko: broken invariant: %s (%s:%d)\n", expr, file, line);
	abort();
}

static void *checked(void *ptr)
{
	if (ptr == NULL) {
		fputs("mko: out of memory\n", stderr);
		abort();
	}
	return ptr;
}

void *mem_zalloc(size_t size)
{
	return checked(calloc(1, size > 0 ? size : 1));
}

void *mem_realloc_array(void *ptr, size_t count, size_t size)
{
	must(size > 0 && count < SIZE_MAX / size);
	return checked(realloc(ptr, count > 0 ? count * size : 1));
}

char *mem_strdup(const char *text)
{
	return text != NULL ? checked(strdup(text)) : NULL;
}

char *mem_strndup(const char *text, size_t len)
{
	return checked(strndup(text, len));
}

void *mem_dup(const void *data, size_t size)
{
	void *copy = mem_zalloc(size);

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	return text;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
	char *text = NULL;

	must(vasprintf(&text, fmt, ap) >= 0);
	return text;
}

void mem_free(void *ptr)
{
	free(ptr);
}

void mem_freep(void *ptr)
{
	void **slot = ptr;

	free(*slot);
	*slot = NULL;
}

/* Memory and must(). Out of memory and broken invariants end the process: state is in the store
 * before each act, and the supervisor restarts us. Every size that a user controls is capped before
 * it comes here. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/** Report a broken invariant and abort. Use the macro must(). */
void must_fail(const char *expr, const char *file, int line) __attribute__((noreturn));
/** Check an invariant (a bug when false, never input); stays on in release builds. */
#define must(cond) ((cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__))

/** Allocate zeroed memory; never NULL. @size in bytes */
void *mem_zalloc(size_t size);
/** Resize an array; never NULL; aborts on overflow. New elements are not initialised. @ptr may be
 * NULL */
void *mem_realloc_array(void *ptr, size_t count, size_t size);
/** Copy a string; NULL gives NULL. The caller frees. */
char *mem_strdup(const char *text);
/** Copy at most len bytes of text and end them with NUL. */
char *mem_strndup(const char *text, size_t len);
/** Copy a block of bytes. */
void *mem_dup(const void *data, size_t size);
/** printf into a new string. The caller frees. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** vprintf into a new string. The caller frees. */
char *mem_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/** Free; NULL is fine. */
void mem_free(void *ptr);
/** Free `*(void **)ptr` and clear it; for cleanup(mem_freep). */
void mem_freep(void *ptr);

/** Run fn(&variable) when the variable leaves its scope. */
#define cleanup(fn) __attribute__((cleanup(fn)))
/** Hand a pointer out of its scope: its value, and the variable becomes NULL. */
#define MOVE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) move_ = (p);                                                         \
		(p) = NULL;                                                                        \
		move_;                                                                             \
	})
/** Number of elements of an array. */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Owns the loaded library and the table of its functions. */
#include "loop/libcurl.h"

#include <dlfcn.h>
#include <pthread.h>

#include "base/mem.h"

#define SONAME "libcurl.so.4"

static const struct {
	const char *name;
	size_t offset; /* of the pointer in struct libcurl */
} functions[] = {
	{"curl_global_init", offsetof(struct libcurl, global_init)},
	{"curl_easy_init", offsetof(struct libcurl, easy_init)},
	{"curl_easy_setopt", offsetof(struct libcurl, easy_setopt)},
	{"curl_easy_perform", offsetof(struct libcurl, easy_perform)},
	{"curl_easy_getinfo", offsetof(struct libcurl, easy_getinfo)},
	{"curl_easy_cleanup", offsetof(struct libcurl, easy_cleanup)},
	{"curl_easy_strerror", offsetof(struct libcurl, easy_strerror)},
	{"curl_multi_init", offsetof(struct libcurl, multi_init)},
	{"curl_multi_add_handle", offsetof(struct libcurl, multi_add_handle)},
	{"curl_multi_remove_handle", offsetof(struct libcurl, multi_remove_handle)},
	{"curl_multi_perform", offsetof(struct libcurl, multi_perform)},
	{"curl_multi_poll", offsetof(struct libcurl, multi_poll)},
	{"curl_multi_info_read", offsetof(struct libcurl, multi_info_read)},
	{"curl_multi_cleanup", offsetof(struct libcurl, multi_cleanup)},
	{"curl_getdate", offsetof(struct libcurl, getdate)},
	{"curl_slist_append", offsetof(struct libcurl, slist_append)},
	{"curl_slist_free_all", offsetof(struct libcurl, slist_free_all)},
};
_Static_assert(ARRAY_LEN(functions) * sizeof(void *) == sizeof(struct libcurl),
	"each function has its row");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct libcurl lib;
static char *problem; /* why it could not be loaded, NULL = it is there */

static void load(void)
{
	void *handle = dlopen(SONAME, RTLD_LAZY | RTLD_LOCAL);

	for (size_t i = 0; handle != NULL && i < ARRAY_LEN(functions); i++) {
		void **function = (void *)((char *)&lib + functions[i].offset);
		*function = dlsym(handle, functions[i].name);
		if (*function == NULL)
			handle = NULL; /* it stays loaded; dlerror() says what is missing */
	}
	if (handle == NULL)
		problem = mem_strdup(dlerror());
	else if (lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		problem = mem_strdup("it cannot be set up");
}

struct err *libcurl_load(const struct libcurl **ret_lib)
{
	(void)pthread_once(&once, load);
	if (problem != NULL)
		return err_hint(err_new(ERR_UNAVAILABLE, "libcurl cannot be used: %s", problem),
			"apt-get install libcurl4");
	*ret_lib = &lib;
	return NULL;
}

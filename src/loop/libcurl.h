/* libcurl, loaded when the first request is made. It and its libraries cost each start of mko 3 ms
 * and 3 MB, and most commands make no HTTP request. The functions keep their own names and
 * documentation: lib->easy_init() is curl_easy_init(). A function that is missing here is a row
 * more in libcurl.c. */
#pragma once

#include <curl/curl.h>

#include "base/err.h"

/** The functions in use. */
struct libcurl {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) easy_init;
	__typeof__(&curl_easy_setopt) easy_setopt; /**< without the type checks of the macro */
	__typeof__(&curl_easy_perform) easy_perform;
	__typeof__(&curl_easy_getinfo) easy_getinfo;
	__typeof__(&curl_easy_cleanup) easy_cleanup;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_multi_init) multi_init;
	__typeof__(&curl_multi_add_handle) multi_add_handle;
	__typeof__(&curl_multi_remove_handle) multi_remove_handle;
	__typeof__(&curl_multi_perform) multi_perform;
	__typeof__(&curl_multi_poll) multi_poll;
	__typeof__(&curl_multi_info_read) multi_info_read;
	__typeof__(&curl_multi_cleanup) multi_cleanup;
	__typeof__(&curl_getdate) getdate;
	__typeof__(&curl_slist_append) slist_append;
	__typeof__(&curl_slist_free_all) slist_free_all;
};

/** Load libcurl, once a process, and set it up (curl_global_init). @ret_lib lives as long as the
 * process. Errors: ERR_UNAVAILABLE: not installed, or too old. Any thread. */
struct err *libcurl_load(const struct libcurl **ret_lib) ERR_RESULT;

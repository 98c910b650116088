/* Many transfers of libcurl at once, a few of them at a time. Blocks: pool threads only. */
#pragma once

#include <stdatomic.h>

#include "loop/libcurl.h"

/** What is to be transferred. */
struct transfers {
	size_t n;                /**< how many */
	size_t at_once;          /**< most connections at a time */
	const atomic_bool *stop; /**< set by another thread: give up within 200 ms; NULL = never */
	void *user;
	/** The handle of the i-th, which transfers_run() frees. */
	CURL *(*begin)(const struct libcurl *lib, void *user, size_t i);
	/** It has ended; the handle may be asked. Not called for what was given up. */
	void (*end)(const struct libcurl *lib, void *user, size_t i, CURL *handle, CURLcode code);
};
/** Run them all. Errors: ERR_UNAVAILABLE (no libcurl); what becomes of each is told to end(). */
struct err *transfers_run(const struct transfers *t) ERR_RESULT;
/** Settings that all have: no signals, no proxy, no redirects, HTTP/1.1.
 * @protocols "http,https"   @timeout_ms of the whole transfer */
void transfers_set_up(const struct libcurl *lib, CURL *handle, const char *protocols,
	int64_t timeout_ms);

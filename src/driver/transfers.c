/* Owns the loop of libcurl's multi interface. */
#include "driver/transfers.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

#define POLL_MS 200

/* The handles of a run. */
struct run {
	const struct transfers *t;
	const struct libcurl *lib;
	CURLM *multi;
	CURL **open; /* of each transfer, NULL = none */
	size_t next, running;
};

static bool goes_on(const struct run *r)
{
	const struct transfers *t = r->t;

	return (r->running > 0 || r->next < t->n) && (t->stop == NULL || !atomic_load(t->stop));
}

static void drop(struct run *r, size_t i)
{
	(void)r->lib->multi_remove_handle(r->multi, r->open[i]);
	r->lib->easy_cleanup(r->open[i]);
	r->open[i] = NULL;
}

static void begin_more(struct run *r)
{
	while (r->running < r->t->at_once && r->next < r->t->n) {
		size_t i = r->next++;
		r->open[i] = r->t->begin(r->lib, r->t->user, i);
		must(r->open[i] != NULL);
		(void)r->lib->easy_setopt(r->open[i], CURLOPT_PRIVATE, &r->open[i]);
		(void)r->lib->multi_add_handle(r->multi, r->open[i]);
		r->running++;
	}
}

static void take_ended(struct run *r)
{
	const CURLMsg *message = NULL;
	int left = 0;

	while ((message = r->lib->multi_info_read(r->multi, &left)) != NULL) {
		CURL **place = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		(void)r->lib->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&place);
		size_t i = (size_t)(place - r->open);
		r->t->end(r->lib, r->t->user, i, r->open[i], code);
		drop(r, i);
		r->running--;
	}
}

static void run(struct run *r)
{
	int left = 0;

	while (goes_on(r)) {
		begin_more(r);
		(void)r->lib->multi_perform(r->multi, &left);
		take_ended(r);
		if (r->running > 0)
			(void)r->lib->multi_poll(r->multi, NULL, 0, POLL_MS, NULL);
	}
	for (size_t i = 0; i < r->next; i++)
		if (r->open[i] != NULL)
			drop(r, i);
}

struct err *transfers_run(const struct transfers *t)
{
	struct run r = {.t = t};

	TRY(libcurl_load(&r.lib));
	r.multi = r.lib->multi_init();
	must(r.multi != NULL);
	r.open = mem_zalloc((t->n + 1) * sizeof(CURL *));
	run(&r);
	mem_free(r.open);
	r.lib->multi_cleanup(r.multi);
	return NULL;
}

void transfers_set_up(const struct libcurl *lib, CURL *c, const char *protocols, int64_t timeout_ms)
{
	(void)lib->easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)lib->easy_setopt(c, CURLOPT_PROXY, "");
	(void)lib->easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
	(void)lib->easy_setopt(c, CURLOPT_FORBID_REUSE,
		1L); /* a cache of what is asked once is searched at each connect */
	(void)lib->easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)lib->easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)lib->easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	(void)lib->easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	(void)lib->easy_setopt(c, CURLOPT_USERAGENT, "mko");
}

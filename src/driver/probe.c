/* Owns the use of libcurl's multi interface. */
#include "driver/probe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "loop/libcurl.h"

#define BODY_MAX ((size_t)4096)
#define POLL_MS 200

/** A round of questions. */
struct round {
	const struct libcurl *lib;
	CURLM *multi;
	struct probe *probes;
	size_t n, next, running;
	int64_t timeout_ms;
	const atomic_bool *stop;
	CURL **open; /* of each probe, NULL = none */
};

static size_t on_body(const char *data, size_t one, size_t len, void *user)
{
	struct probe *p = user;

	str_add(&p->body, data, one * len);
	return p->body.overflowed ? 0 : one * len; /* 0 ends the transfer */
}

static struct curl_blob blob(const char *text)
{
	return (struct curl_blob){.data = (void *)(uintptr_t)text,
		.len = strlen(text),
		.flags = CURL_BLOB_COPY};
}

static void set_identity(const struct libcurl *lib, CURL *c, const struct probe_identity *identity)
{
	if (identity == NULL) {
		(void)lib->easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)lib->easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
		return;
	}
	const struct curl_blob ca = blob(identity->ca);
	(void)lib->easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
	if (identity->token != NULL) {
		(void)lib->easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		(void)lib->easy_setopt(c, CURLOPT_XOAUTH2_BEARER, identity->token);
	}
	if (identity->cert == NULL || identity->key == NULL)
		return;
	const struct curl_blob cert = blob(identity->cert);
	const struct curl_blob key = blob(identity->key);
	(void)lib->easy_setopt(c, CURLOPT_SSLCERTTYPE, "PEM");
	(void)lib->easy_setopt(c, CURLOPT_SSLCERT_BLOB, &cert);
	(void)lib->easy_setopt(c, CURLOPT_SSLKEY_BLOB, &key);
}

static CURL *handle_of(const struct round *r, struct probe *p)
{
	CURL *c = r->lib->easy_init();

	must(c != NULL);
	p->body.max = p->body_max != 0 ? p->body_max : BODY_MAX;
	(void)r->lib->easy_setopt(c, CURLOPT_URL, p->url);
	(void)r->lib->easy_setopt(c, CURLOPT_PRIVATE, p);
	(void)r->lib->easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)r->lib->easy_setopt(c, CURLOPT_PROXY, "");
	(void)r->lib->easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)r->lib->easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)r->lib->easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)r->lib->easy_setopt(c, CURLOPT_CONNECT_ONLY, p->connect ? 1L : 0L);
	(void)r->lib->easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	(void)r->lib->easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)r->timeout_ms);
	(void)r->lib->easy_setopt(c, CURLOPT_USERAGENT, "mko");
	(void)r->lib->easy_setopt(c, CURLOPT_ERRORBUFFER, p->error);
	(void)r->lib->easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)r->lib->easy_setopt(c, CURLOPT_WRITEDATA, p);
	set_identity(r->lib, c, p->identity);
	return c;
}

static enum probe_outcome outcome_of(CURLcode code, long os_errno)
{
	static const struct {
		CURLcode code;
		enum probe_outcome outcome;
	} rows[] = {
		{CURLE_OK, PROBE_ANSWERED},
		{CURLE_WRITE_ERROR, PROBE_ANSWERED}, /* it said more than we want to hear */
		{CURLE_OPERATION_TIMEDOUT, PROBE_SILENT},
		{CURLE_PEER_FAILED_VERIFICATION, PROBE_UNTRUSTED},
		{CURLE_SSL_CERTPROBLEM, PROBE_UNTRUSTED},
	};

	if (code == CURLE_COULDNT_CONNECT)
		return os_errno == ECONNREFUSED ? PROBE_REFUSED
			: os_errno == ETIMEDOUT ? PROBE_SILENT
						: PROBE_UNREACHABLE;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code)
			return rows[i].outcome;
	return PROBE_FAILED;
}

static void take_answer(struct round *r, const CURLMsg *message)
{
	CURL *c = message->easy_handle;
	struct probe *p = NULL;
	curl_off_t took_us = 0;
	long status = 0;
	long os_errno = 0;

	(void)r->lib->easy_getinfo(c, CURLINFO_PRIVATE, (char **)&p);
	(void)r->lib->easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	(void)r->lib->easy_getinfo(c, CURLINFO_OS_ERRNO, &os_errno);
	(void)r->lib->easy_getinfo(c, CURLINFO_TOTAL_TIME_T, &took_us);
	p->outcome = outcome_of(message->data.result, os_errno);
	p->status = status;
	p->took_ms = took_us / 1000;
	if (p->outcome == PROBE_ANSWERED)
		p->error[0] = '\0';
	else if (p->error[0] == '\0')
		(void)snprintf(p->error, sizeof(p->error), "%s",
			r->lib->easy_strerror(message->data.result));
	(void)r->lib->multi_remove_handle(r->multi, c);
	r->lib->easy_cleanup(c);
	r->open[p - r->probes] = NULL;
	r->running--;
}

static bool goes_on(const struct round *r)
{
	return (r->running > 0 || r->next < r->n) && (r->stop == NULL || !atomic_load(r->stop));
}

/* What is still open when it is to stop: end it unanswered. */
static void give_up(struct round *r)
{
	for (size_t i = 0; i < r->next; i++)
		if (r->open[i] != NULL) {
			(void)r->lib->multi_remove_handle(r->multi, r->open[i]);
			r->lib->easy_cleanup(r->open[i]);
		}
}

static void run(struct round *r, size_t at_once)
{
	while (goes_on(r)) {
		const CURLMsg *message = NULL;
		int left = 0;
		while (r->running < at_once && r->next < r->n) {
			r->open[r->next] = handle_of(r, &r->probes[r->next]);
			(void)r->lib->multi_add_handle(r->multi, r->open[r->next++]);
			r->running++;
		}
		(void)r->lib->multi_perform(r->multi, &left);
		while ((message = r->lib->multi_info_read(r->multi, &left)) != NULL)
			if (message->msg == CURLMSG_DONE)
				take_answer(r, message);
		if (r->running > 0)
			(void)r->lib->multi_poll(r->multi, NULL, 0, POLL_MS, NULL);
	}
}

struct err *probe_all(struct probe *probes, size_t n, int64_t timeout_ms, size_t at_once,
	const atomic_bool *stop)
{
	struct round r = {.probes = probes, .n = n, .timeout_ms = timeout_ms, .stop = stop};

	TRY(libcurl_load(&r.lib));
	r.multi = r.lib->multi_init();
	must(r.multi != NULL);
	r.open = mem_zalloc((n + 1) * sizeof(*r.open));
	run(&r, at_once);
	give_up(&r);
	mem_free(r.open);
	r.lib->multi_cleanup(r.multi);
	return NULL;
}

void probe_done(struct probe *p)
{
	mem_free(p->url);
	p->url = NULL;
	str_done(&p->body);
}

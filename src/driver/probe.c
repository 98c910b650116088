/* Owns how the answer of a machine is read. */
#include "driver/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "driver/transfers.h"

#define BODY_MAX ((size_t)4096)

/** A round of questions. */
struct round {
	struct probe *probes;
	int64_t timeout_ms;
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

static CURL *begin(const struct libcurl *lib, void *user, size_t i)
{
	const struct round *r = user;
	struct probe *p = &r->probes[i];
	CURL *c = lib->easy_init();

	must(c != NULL);
	p->body.max = p->body_max != 0 ? p->body_max : BODY_MAX;
	transfers_set_up(lib, c, "http,https", r->timeout_ms);
	(void)lib->easy_setopt(c, CURLOPT_URL, p->url);
	(void)lib->easy_setopt(c, CURLOPT_CONNECT_ONLY, p->connect ? 1L : 0L);
	(void)lib->easy_setopt(c, CURLOPT_ERRORBUFFER, p->error);
	(void)lib->easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)lib->easy_setopt(c, CURLOPT_WRITEDATA, p);
	(void)lib->easy_setopt(c, CURLOPT_CERTINFO, p->want_certificate ? 1L : 0L);
	set_identity(lib, c, p->identity);
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

/* When the certificate of the server itself ends, the first of the chain; 0 = it is not told. */
static int64_t certificate_ends(const struct libcurl *lib, CURL *c)
{
	static const char label[] = "Expire date:";
	const struct curl_certinfo *chain = NULL;

	if (lib->easy_getinfo(c, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
		chain->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *one = chain->certinfo[0]; one != NULL; one = one->next) {
		if (strncmp(one->data, label, sizeof(label) - 1) != 0)
			continue;
		time_t at = lib->getdate(one->data + sizeof(label) - 1, NULL);
		return at > 0 ? (int64_t)at * 1000 : 0;
	}
	return 0;
}

static void take_answer(const struct libcurl *lib, void *user, size_t i, CURL *c, CURLcode code)
{
	struct probe *p = &((const struct round *)user)->probes[i];
	curl_off_t took_us = 0;
	long status = 0;
	long os_errno = 0;

	(void)lib->easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	(void)lib->easy_getinfo(c, CURLINFO_OS_ERRNO, &os_errno);
	(void)lib->easy_getinfo(c, CURLINFO_TOTAL_TIME_T, &took_us);
	p->outcome = outcome_of(code, os_errno);
	p->status = status;
	p->took_ms = took_us / 1000;
	p->certificate_ends = p->want_certificate ? certificate_ends(lib, c) : 0;
	if (p->outcome == PROBE_ANSWERED)
		p->error[0] = '\0';
	else if (p->error[0] == '\0')
		(void)snprintf(p->error, sizeof(p->error), "%s", lib->easy_strerror(code));
}

struct err *probe_all(struct probe *probes, size_t n, int64_t timeout_ms, size_t at_once,
	const atomic_bool *stop)
{
	struct round r = {.probes = probes, .timeout_ms = timeout_ms};
	const struct transfers all = {.n = n,
		.at_once = at_once,
		.stop = stop,
		.user = &r,
		.begin = begin,
		.end = take_answer};

	return transfers_run(&all);
}

void probe_done(struct probe *p)
{
	mem_free(p->url);
	p->url = NULL;
	str_done(&p->body);
}

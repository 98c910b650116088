/* Owns how a message is handed to a server, and what its answer means. */
#include "driver/courier.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "driver/transfers.h"

#define AT_ONCE 16
#define REPLY_MAX ((size_t)4096)

struct round {
	struct courier_parcel *parcels;
	int64_t timeout_ms;
};
enum { LIST_HEADERS, LIST_RECIPIENTS };

static size_t on_reply(const char *data, size_t one, size_t len, void *user)
{
	struct courier_parcel *p = user;

	str_add(&p->reply, data, one * len);
	return p->reply.overflowed ? 0 : one * len; /* 0 ends the transfer */
}

static size_t on_read(char *to, size_t one, size_t room, void *user)
{
	struct courier_parcel *p = user;
	size_t left = strlen(p->request.body) - p->read;
	size_t n = one * room < left ? one * room : left;

	memcpy(to, p->request.body + p->read, n);
	p->read += n;
	return n;
}

static void add_to(const struct libcurl *lib, void **list, const char *text)
{
	struct curl_slist *longer = lib->slist_append(*list, text);

	must(longer != NULL);
	*list = longer;
}

static void set_http(const struct libcurl *lib, CURL *c, struct courier_parcel *p)
{
	const struct message_request *r = &p->request;

	for (size_t i = 0; i < r->n_headers; i++)
		add_to(lib, &p->lists[LIST_HEADERS], r->headers[i]);
	(void)lib->easy_setopt(c, CURLOPT_HTTPHEADER, p->lists[LIST_HEADERS]);
	(void)lib->easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(r->body));
	(void)lib->easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
}

/* With a user the connection must be encrypted; without one it is when the server can. */
static void set_mail(const struct libcurl *lib, CURL *c, struct courier_parcel *p)
{
	const struct message_request *r = &p->request;

	for (size_t i = 0; i < r->n_recipients; i++)
		add_to(lib, &p->lists[LIST_RECIPIENTS], r->recipients[i]);
	(void)lib->easy_setopt(c, CURLOPT_USE_SSL,
		(long)(r->username != NULL ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	(void)lib->easy_setopt(c, CURLOPT_USERNAME, r->username);
	(void)lib->easy_setopt(c, CURLOPT_PASSWORD, r->password);
	(void)lib->easy_setopt(c, CURLOPT_MAIL_FROM, r->sender);
	(void)lib->easy_setopt(c, CURLOPT_MAIL_RCPT, p->lists[LIST_RECIPIENTS]);
	(void)lib->easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	(void)lib->easy_setopt(c, CURLOPT_READDATA, p);
	(void)lib->easy_setopt(c, CURLOPT_UPLOAD, 1L);
}

static CURL *begin(const struct libcurl *lib, void *user, size_t i)
{
	const struct round *r = user;
	struct courier_parcel *p = &r->parcels[i];
	CURL *c = lib->easy_init();

	must(c != NULL);
	p->reply.max = REPLY_MAX;
	transfers_set_up(lib, c, "http,https,smtp,smtps", r->timeout_ms);
	(void)lib->easy_setopt(c, CURLOPT_URL, p->request.url);
	(void)lib->easy_setopt(c, CURLOPT_ERRORBUFFER, p->error);
	(void)lib->easy_setopt(c, CURLOPT_WRITEFUNCTION, on_reply);
	(void)lib->easy_setopt(c, CURLOPT_WRITEDATA, p);
	if (p->ca_file != NULL)
		(void)lib->easy_setopt(c, CURLOPT_CAINFO, p->ca_file);
	if (p->request.mail)
		set_mail(lib, c, p);
	else
		set_http(lib, c, p);
	return c;
}

/* What a server that does not take it says, for people. */
static void explain(struct courier_parcel *p)
{
	cleanup(str_done) struct str said = STR_INIT;

	str_add_printable(&said, str_get(&p->reply));
	if (p->status >= 300 && p->status < 400)
		(void)snprintf(p->error, sizeof(p->error),
			"it redirects (%lld), which is not followed: give the URL that it leads to",
			(long long)p->status);
	else
		(void)snprintf(p->error, sizeof(p->error), "it answers %lld: %.150s",
			(long long)p->status, str_get(&said));
}

static void take_answer(const struct libcurl *lib, void *user, size_t i, CURL *c, CURLcode code)
{
	struct courier_parcel *p = &((const struct round *)user)->parcels[i];
	long status = 0;

	(void)lib->easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	p->status = status;
	bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && p->reply.overflowed);
	p->sent = answered && status >= 200 && status < 300;
	if (p->sent)
		p->error[0] = '\0';
	else if (answered)
		explain(p);
	else if (p->error[0] == '\0')
		(void)snprintf(p->error, sizeof(p->error), "%s", lib->easy_strerror(code));
}

static void free_lists(struct courier_parcel *p)
{
	const struct libcurl *lib = NULL;
	struct err *e = libcurl_load(&lib);

	for (size_t k = 0; e == NULL && k < ARRAY_LEN(p->lists); k++) {
		lib->slist_free_all(p->lists[k]);
		p->lists[k] = NULL;
	}
	err_free(e); /* then there are none */
}

struct err *courier_send(struct courier_parcel *parcels, size_t n, int64_t timeout_ms,
	const atomic_bool *stop)
{
	struct round r = {.parcels = parcels, .timeout_ms = timeout_ms};
	const struct transfers all = {.n = n,
		.at_once = AT_ONCE,
		.stop = stop,
		.user = &r,
		.begin = begin,
		.end = take_answer};

	for (size_t i = 0; i < n; i++)
		(void)snprintf(parcels[i].error, sizeof(parcels[i].error), "the sending was ended");
	return transfers_run(&all);
}

void courier_parcel_done(struct courier_parcel *p)
{
	message_request_done(&p->request);
	mem_free(p->ca_file);
	str_done(&p->reply);
	free_lists(p);
}

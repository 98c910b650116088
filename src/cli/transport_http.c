/* HTTP transport: one libcurl handle, kept alive between requests. Replies are capped; nothing is
 * retried here. */
#include "cli/transport_http.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "loop/libcurl.h"

#define REPLY_MAX ((size_t)64 << 20)

/** State of the transport. */
struct http {
	struct cli_transport base;
	const struct libcurl *lib;
	CURL *curl;
	char *url, *socket_path, *token;
	char error[CURL_ERROR_SIZE];
};

void cli_response_done(struct cli_response *response)
{
	mem_free(response->content_type);
	mem_free(response->etag);
	mem_free(response->location);
	str_done(&response->body);
	json_decref(response->json);
	*response = (struct cli_response){.status = 0};
}

void cli_transport_closep(struct cli_transport **t)
{
	if (*t != NULL)
		(*t)->close(*t);
	*t = NULL;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct cli_response *response = user;

	str_add(&response->body, data, size * n);
	return response->body.overflowed ? 0 : size * n;
}

/** Take a header when it is the wanted one. */
static bool take_header(const char *line, size_t len, const char *name, char **ret)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	const char *p = line + n + 1;
	const char *end = line + len;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		end--;
	mem_free(*ret);
	*ret = mem_strndup(p, (size_t)(end - p));
	return true;
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct cli_response *response = user;
	size_t len = size * n;
	char *retry = NULL;

	if (take_header(data, len, "content-type", &response->content_type) ||
		take_header(data, len, "etag", &response->etag) ||
		take_header(data, len, "location", &response->location))
		return len;
	if (take_header(data, len, "retry-after", &retry)) {
		struct err *e = parse_i64(retry, 0, 86400, &response->retry_after_s);
		err_ignore(e); /* a date or nonsense: as if absent */
		mem_free(retry);
	}
	return len;
}

static struct curl_slist *header_add(const struct http *http, struct curl_slist *list,
	const char *name, const char *value)
{
	if (value == NULL)
		return list;
	char *line = mem_printf("%s: %s", name, value);
	struct curl_slist *longer = http->lib->slist_append(list, line);
	mem_free(line);
	must(longer != NULL);
	return longer;
}

static struct curl_slist *headers_of(const struct http *http, const struct cli_request *req)
{
	struct curl_slist *list = NULL;
	cleanup(mem_freep) char *bearer = http->token != NULL ? mem_printf("Bearer %s", http->token)
							      : NULL;

	list = header_add(http, list, "Accept", "*/*"); /* JSON, JSON lines, text */
	list = header_add(http, list, "X-Mko-Via", "cli");
	list = header_add(http, list, "Authorization", bearer);
	list = header_add(http, list, "Content-Type",
		req->body != NULL ? "application/json" : NULL);
	list = header_add(http, list, "Idempotency-Key", req->idempotency_key);
	list = header_add(http, list, "If-Match", req->if_match);
	return header_add(http, list, "Expect", ""); /* no 100-continue round trip */
}

static const char *where(const struct http *http)
{
	return http->socket_path != NULL ? http->socket_path : http->url;
}

/** What libcurl's result means. */
static struct err *curl_error(const struct http *http, CURLcode code)
{
	const char *why = http->error[0] != '\0' ? http->error : http->lib->easy_strerror(code);

	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return err_new(ERR_UNREACHABLE, "the server at %s does not answer: %s", where(http),
			why);
	case CURLE_WRITE_ERROR:
		return err_new(ERR_TOO_LARGE, "the reply of %s is too large", where(http));
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return err_hint(err_new(ERR_UNREACHABLE, "no secure connection to %s: %s",
					where(http), why),
			"CURL_CA_BUNDLE=/path/of/ca.pem mko ...    (a certificate of your own)");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return err_new(ERR_INVALID, "%s is not a URL of a server: %s", where(http), why);
	default:
		return err_new(ERR_UNREACHABLE, "no answer from %s: %s", where(http), why);
	}
}

static struct err *http_call(struct cli_transport *t, const struct cli_request *req,
	struct cli_response *ret_response)
{
	struct http *http = (struct http *)t;
	cleanup(mem_freep) char *url = mem_printf("%s%s%s%s",
		http->url != NULL ? http->url : "http://localhost", req->path,
		req->query != NULL ? "?" : "", req->query != NULL ? req->query : "");
	struct curl_slist *headers = headers_of(http, req);
	long status = 0;

	ret_response->body.max = REPLY_MAX;
	http->error[0] = '\0';
	(void)http->lib->easy_setopt(http->curl, CURLOPT_URL, url);
	(void)http->lib->easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, req->method);
	(void)http->lib->easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	(void)http->lib->easy_setopt(http->curl, CURLOPT_WRITEDATA, ret_response);
	(void)http->lib->easy_setopt(http->curl, CURLOPT_HEADERDATA, ret_response);
	bool has_body = req->body != NULL || strcmp(req->method, "GET") != 0;
	(void)http->lib->easy_setopt(http->curl, has_body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
	if (has_body) {
		(void)http->lib->easy_setopt(http->curl, CURLOPT_POSTFIELDS,
			req->body != NULL ? req->body : "");
		(void)http->lib->easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)req->body_len);
	}
	CURLcode code = http->lib->easy_perform(http->curl);
	http->lib->slist_free_all(headers);
	if (code != CURLE_OK)
		return curl_error(http, code);
	(void)http->lib->easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	ret_response->status = (int)status;
	return NULL;
}

static struct err *http_idle(struct cli_transport *t, int64_t max_ms)
{
	(void)t;
	/* A signal ends the wait early, as the caller wants. */
	(void)poll(NULL, 0, max_ms > 60000 ? 60000 : (int)max_ms);
	return NULL;
}

static void http_close(struct cli_transport *t)
{
	struct http *http = (struct http *)t;

	http->lib->easy_cleanup(http->curl);
	mem_free(http->url);
	mem_free(http->socket_path);
	if (http->token != NULL)
		explicit_bzero(http->token, strlen(http->token));
	mem_free(http->token);
	mem_free(http);
}

static struct err *check_url(const char *url)
{
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return err_hint(err_new(ERR_INVALID,
					"the server must be http://HOST:PORT or https://HOST:PORT"),
			"mko --server https://HOST:5000 ...");
	return check_line(url);
}

static void set_options(struct http *http, const struct cli_http_options *options)
{
	CURL *c = http->curl;
	__typeof__(&curl_easy_setopt) set = http->lib->easy_setopt;

	(void)set(c, CURLOPT_ERRORBUFFER, http->error);
	(void)set(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)set(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)set(c, CURLOPT_NOSIGNAL, 1L);
	(void)set(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)set(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)set(c, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
	(void)set(c, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
	(void)set(c, CURLOPT_USERAGENT, "mko");
	(void)set(c, CURLOPT_VERBOSE, options->verbose ? 1L : 0L);
	if (http->socket_path != NULL) {
		(void)set(c, CURLOPT_UNIX_SOCKET_PATH, http->socket_path);
		(void)set(c, CURLOPT_PROXY, "");
	}
}

struct err *cli_http_open(const struct cli_http_options *options,
	struct cli_transport **ret_transport)
{
	const struct libcurl *lib = NULL;

	if (options->socket_path == NULL)
		TRY(check_url(options->url));
	TRY(libcurl_load(&lib));
	struct http *http = mem_zalloc(sizeof(*http));
	http->base =
		(struct cli_transport){.call = http_call, .idle = http_idle, .close = http_close};
	http->url = options->socket_path == NULL ? mem_strdup(options->url) : NULL;
	for (size_t len = http->url != NULL ? strlen(http->url) : 0;
		len > 0 && http->url[len - 1] == '/'; len--)
		http->url[len - 1] = '\0';
	http->socket_path = mem_strdup(options->socket_path);
	http->token = mem_strdup(options->token);
	http->lib = lib;
	http->curl = lib->easy_init();
	must(http->curl != NULL);
	set_options(http, options);
	*ret_transport = &http->base;
	return NULL;
}

bool cli_http_socket_alive(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup(fs_closep) int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	/* EAGAIN: its backlog is full, so somebody listens. */
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno == EAGAIN;
}

/* Owns the in-process transport: lock, dispatch, and the pump of operations while a command waits.
 */
#include "app/local.h"

#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "api/api.h"
#include "app/domain.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cli/transport_http.h"
#include "model/operation.h"
#include "service/op/op.h"
#include "service/query.h"

#define LOCK_WAIT_MS 5000
#define LOCK_RETRY_MS 20

struct local {
	struct cli_transport base; /* first: the CLI sees only this */
	const struct config *config;
	struct domain domain;
	int lock_fd;                  /* -1 while idle */
	int inotify_fd;               /* events of running operations */
	struct cli_transport *daemon; /* set when a daemon took over */
	char *user;
};

static struct local *local_of(struct cli_transport *t)
{
	return (struct local *)(void *)t;
}

/* Another command line holds the lock for milliseconds; a daemon for good, and then its socket
 * answers. */
static struct err *lock_again(struct local *l)
{
	struct err *e = NULL;

	for (int waited = 0; l->lock_fd < 0 && waited < LOCK_WAIT_MS; waited += LOCK_RETRY_MS) {
		err_ignore(e); /* only the last reason counts */
		e = domain_lock(l->config, &l->lock_fd);
		if (e == NULL)
			return NULL;
		if (err_code(e) != ERR_LOCKED)
			return e;
		cleanup(mem_freep) char *socket = fs_join(l->config->data_dir, "mko.sock");
		if (cli_http_socket_alive(socket)) {
			err_free(e);
			return cli_http_open(&(struct cli_http_options){.socket_path = socket},
				&l->daemon);
		}
		poll(NULL, 0, LOCK_RETRY_MS);
	}
	return e;
}

static void unlock(struct local *l)
{
	fs_closep(&l->lock_fd);
}

static bool changes_something(const struct cli_request *req)
{
	return strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0;
}

static void fill_response(struct api_reply *reply, struct cli_response *response)
{
	response->status = reply->status;
	response->content_type = mem_strdup(reply->content_type);
	response->etag = MOVE(reply->etag);
	response->location = MOVE(reply->location);
	response->retry_after_s = reply->retry_after_s;
	response->body = reply->body;
	reply->body = STR_INIT;
	response->json = MOVE(reply->json);
}

static void dispatch(struct local *l, const struct cli_request *req,
	struct cli_response *ret_response)
{
	cleanup(mem_freep) char *request_id = rand_text(16);
	struct api_reply reply = {0};
	struct api_request request = {
		.door = API_DOOR_LOCAL,
		.method = req->method,
		.path = req->path,
		.query = req->query,
		.body = req->body,
		.body_len = req->body_len,
		.content_type = req->body != NULL ? "application/json" : NULL,
		.if_match = req->if_match,
		.idempotency_key = req->idempotency_key,
		.local_user = l->user,
		.takes_json = req->takes_json,
		.request_id = request_id,
		.via = OP_VIA_CLI,
	};

	api_dispatch(&l->domain.svc, &request, &reply);
	fill_response(&reply, ret_response);
	api_reply_done(&reply);
}

static struct err *local_call(struct cli_transport *t, const struct cli_request *req,
	struct cli_response *ret_response)
{
	struct local *l = local_of(t);

	if (l->daemon == NULL && l->lock_fd < 0)
		TRY(lock_again(l));
	if (l->daemon != NULL)
		return l->daemon->call(l->daemon, req, ret_response);
	dispatch(l, req, ret_response);
	/* what was asked for starts now: the command may detach right after */
	return changes_something(req) ? op_engine_tick(&l->domain.svc, NULL) : NULL;
}

static struct err *watch_running(struct local *l)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	store_where_number(&q, "status", STORE_EQ, OP_RUNNING);
	TRY(store_list(l->domain.svc.store, &operation_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct operation *op = store_row(&rows, i);
		cleanup(mem_freep) char *dir = op_path(&l->domain.svc, op->id, NULL);
		/* a folder that is not there yet is seen at the next pass */
		(void)inotify_add_watch(l->inotify_fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	}
	store_rows_done(&rows);
	return NULL;
}

static void wait_for_events(struct local *l, int64_t max_ms)
{
	struct pollfd fd = {.fd = l->inotify_fd, .events = POLLIN};
	char buf[4096];

	if (poll(&fd, 1, (int)max_ms) > 0)
		while (read(l->inotify_fd, buf, sizeof(buf)) > 0)
			continue;
}

static struct err *local_idle(struct cli_transport *t, int64_t max_ms)
{
	struct local *l = local_of(t);

	if (l->daemon == NULL && l->lock_fd < 0)
		TRY(lock_again(l));
	if (l->daemon != NULL)
		return l->daemon->idle(l->daemon, max_ms);
	TRY(op_engine_tick(&l->domain.svc, NULL));
	TRY(watch_running(l));
	unlock(l);
	wait_for_events(l, max_ms);
	if (l->lock_fd < 0)
		TRY(lock_again(l));
	return l->daemon == NULL ? op_engine_tick(&l->domain.svc, NULL) : NULL;
}

static void local_close(struct cli_transport *t)
{
	struct local *l = local_of(t);

	if (l->daemon != NULL)
		l->daemon->close(l->daemon);
	domain_close(&l->domain);
	unlock(l);
	fs_closep(&l->inotify_fd);
	mem_free(l->user);
	mem_free(l);
}

static char *login_name(void)
{
	char buf[4096];
	struct passwd pw;
	struct passwd *found = NULL;

	if (getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found) == 0 && found != NULL)
		return mem_strdup(found->pw_name);
	return mem_printf("uid-%u", getuid());
}

struct err *local_open(const struct config *config, struct cli_transport **ret_transport)
{
	struct local *l = mem_zalloc(sizeof(*l));

	l->base = (struct cli_transport){.local = true,
		.call = local_call,
		.idle = local_idle,
		.close = local_close};
	l->config = config;
	l->lock_fd = -1;
	l->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	l->user = login_name();
	struct err *e = domain_lock(config, &l->lock_fd);
	if (e == NULL)
		e = domain_open(config, &l->domain);
	if (e == NULL) /* whatever happened while no server ran is taken in first, so that each
			  answer is true */
		e = op_engine_tick(&l->domain.svc, NULL);
	if (e != NULL) {
		local_close(&l->base);
		return e;
	}
	*ret_transport = &l->base;
	return NULL;
}

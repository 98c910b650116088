/* Owns the question whether those who read streams still may: asked of the domain when rights have
 * changed, and with each heartbeat. One job asks for all streams. */
#include "api/http_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "service/account.h"
#include "service/scope.h"

/* One stream, as the worker sees it. */
struct reader {
	uint64_t number;
	int64_t token_id, session_id;
	struct scope *scope; /* owned */
	char *over;          /* out: why it ends, NULL = it goes on; owned */
};

struct check {
	struct work work; /* first */
	struct http *http;
	struct reader *readers; /* newest first, as the list of streams */
	size_t n;
};

static void ask(struct service *svc, struct reader *reader)
{
	struct err *e = account_still(svc, reader->token_id, reader->session_id, reader->scope);

	if (e == NULL)
		return;
	if (err_code(e) == ERR_UNAUTHENTICATED || err_code(e) == ERR_FORBIDDEN)
		reader->over = mem_strdup(err_message(e));
	else
		log_warn("streams: %s, asking again with the next heartbeat", err_message(e));
	err_free(e);
}

static void check_run(struct work *work, void *user)
{
	struct check *check = (struct check *)(void *)work;

	for (size_t i = 0; i < check->n; i++)
		ask(user, &check->readers[i]);
}

static void check_free(struct check *check)
{
	for (size_t i = 0; i < check->n; i++) {
		scope_free(check->readers[i].scope);
		mem_free(check->readers[i].over);
	}
	mem_free(check->readers);
	mem_free(check);
}

/* Both lists have the newest first; streams may have come and gone meanwhile. */
static void end_those(struct http *http, const struct check *check)
{
	struct stream *s = http->streams;

	for (size_t i = 0; i < check->n; i++) {
		const struct reader *reader = &check->readers[i];
		while (s != NULL && s->number > reader->number)
			s = s->next;
		if (s != NULL && s->number == reader->number && reader->over != NULL)
			stream_end(s, reader->over);
	}
}

static void check_done(struct work *work, const struct err *commit_error)
{
	struct check *check = (struct check *)(void *)work;
	struct http *http = check->http;

	(void)commit_error; /* it stores nothing */
	end_those(http, check);
	check_free(check);
	http->checking = false;
	if (http->check_again)
		stream_check(http);
}

static bool has_reader(const struct stream *s)
{
	return !s->ended && (s->what.token_id != I64_NONE || s->what.session_id != I64_NONE);
}

static struct check *check_new(struct http *http)
{
	struct check *check = mem_zalloc(sizeof(*check));

	check->work = (struct work){.kind = WORK_READ, .run = check_run, .done = check_done};
	check->http = http;
	check->readers = mem_zalloc((http->n_streams + 1) * sizeof(*check->readers));
	for (const struct stream *s = http->streams; s != NULL; s = s->next)
		if (has_reader(s))
			check->readers[check->n++] = (struct reader){.number = s->number,
				.token_id = s->what.token_id,
				.session_id = s->what.session_id,
				.scope = scope_copy(s->what.scope)};
	return check;
}

void stream_check(struct http *http)
{
	http->check_again = http->checking; /* the one on its way may have looked too early */
	if (http->checking || http->stopping)
		return;
	struct check *check = check_new(http);
	http->checking = check->n > 0 && worker_submit(http->worker, &check->work);
	if (!http->checking)
		check_free(check); /* nobody to ask about, or the next heartbeat asks */
}

void http_rights_changed(struct http *http, uint64_t epoch)
{
	http->rights_epoch = epoch;
	stream_check(http);
}

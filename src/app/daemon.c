/* Owns the running server: which thread does what, when the engine ticks, and the order of start
 * and stop. Loop thread: sockets, streams, timers, watches. Domain worker: the service. They meet
 * only in jobs and posted events (ADR 0002, 0003). */
#include "app/daemon.h"

#include <signal.h>
#include <string.h>

#include "api/http.h"
#include "app/courier.h"
#include "app/health.h"
#include "app/notify.h"
#include "app/power.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/work.h"
#include "model/event.h"
#include "model/operation.h"
#include "service/account.h"
#include "service/audit.h"
#include "service/alert.h"
#include "service/delivery.h"
#include "service/event.h"
#include "service/health_watch.h"
#include "service/history.h"
#include "service/op/op.h"
#include "service/power.h"
#include "service/query.h"
#include "service/scope.h"
#include "service/settings.h"
#include "service/schedule.h"

#define QUEUE_MAX 8192
#define EVENTS_PAGE 1000
#define WATCHES_MAX 256
#define TICK_SOON_MS 10   /* writes that come together are taken in together */
#define TICK_BUSY_MS 1000 /* safety net below the watches */
#define TICK_IDLE_MS 5000
#define EXPIRE_MS 3600000
#define DRAIN_MS 20

struct daemon;

/* A watch on the folder of a running operation. */
struct op_watch {
	struct daemon *daemon;
	int64_t id;
	struct loop_watch *watch;
	bool seen; /* while the list is compared */
};

/* The engine's tick as a job; there is one. */
struct tick {
	struct work work; /* first */
	struct daemon *daemon;
	bool in_flight, again;
	bool busy;
	int64_t wait_ms; /* until the earliest schedule, by the clock on the wall */
	struct err *error;
	int64_t running[WATCHES_MAX];
	size_t n_running;
};

/* What shows that the worker lives. */
struct ping {
	struct work work;
	bool in_flight;
	int64_t answered_ms; /* monotonic */
};

struct daemon {
	struct service *svc; /* the worker's alone while it runs */
	struct loop *loop;
	struct worker *worker;
	struct http *http;
	struct power_watch *power;
	struct health_watch *health;
	struct courier *courier;
	struct loop_timer *tick_timer, *expire_timer, *drain_timer, *watchdog_timer;
	struct loop_signal *sigterm, *sigint, *sighup;
	struct tick tick;
	struct work expire;
	bool expiring;
	struct ping ping;
	struct work reload;
	bool reloading;
	struct op_watch *watches[WATCHES_MAX];
	size_t n_watches;
	int64_t published;    /* worker: newest event that went to the loop */
	uint64_t rights_told; /* worker: newest rights_epoch that went to the loop */
	bool stopping;
	char *socket_path;
};

/* New events on their way from the worker to the loop. */
struct parcel {
	struct daemon *daemon;
	struct http_event *events;
	size_t n;
};

static void tick_soon(struct daemon *d)
{
	if (!d->stopping)
		loop_timer_start(d->tick_timer, TICK_SOON_MS, 0);
}

static void on_parcel(void *data)
{
	struct parcel *parcel = data;

	http_publish(parcel->daemon->http, parcel->events, parcel->n);
	tick_soon(parcel->daemon); /* something changed: perhaps an operation was asked for */
	courier_soon(parcel->daemon->courier);
	mem_free(parcel);
}

static void fill_event(const struct event *event, struct http_event *ret)
{
	struct str text = STR_INIT;
	const char *status = event->data != NULL
		? json_string_value(json_object_get(event->data, "status"))
		: NULL;

	api_event_text(event, &text);
	*ret = (struct http_event){.id = event->id,
		.topic = mem_strdup(event->topic),
		.clusters = scope_new(event->clusters),
		.text = str_take(&text)};
	if (strcmp(event->topic, "operations") != 0 || event->object_id == I64_NONE)
		return;
	ret->operation = event->object_id;
	ret->final = status != NULL && op_status_final(enum_value(&op_status_table, status));
}

/* Post one page of committed events; false when there are no more. */
static bool post_page(struct daemon *d)
{
	struct store_rows rows;
	struct err *e = event_list(d->svc, d->published, EVENTS_PAGE, &rows);

	if (e != NULL) {
		log_error("read events for the streams: %s, retrying with the next change",
			err_message(e));
		err_free(e);
		d->svc->events_pending = true;
		return false;
	}
	bool more = rows.more;
	if (rows.n > 0) {
		struct parcel *parcel = mem_zalloc(sizeof(*parcel));
		parcel->daemon = d;
		parcel->n = rows.n;
		parcel->events = mem_zalloc(rows.n * sizeof(*parcel->events));
		for (size_t i = 0; i < rows.n; i++)
			fill_event(query_row(&rows, i), &parcel->events[i]);
		d->published = parcel->events[rows.n - 1].id;
		worker_post(d->worker, on_parcel, parcel);
	}
	query_rows_done(&rows);
	return more;
}

static struct err *hook_begin(void *user, bool writes)
{
	return writes ? tx_begin(user) : tx_begin_read(user);
}

static struct err *hook_commit(void *user)
{
	return tx_commit(user);
}

/* The hooks' user is the service, because jobs want it; the daemon is found beside it. There is one
 * daemon in a process. */
static struct daemon *the_daemon;

/* A change of rights on its way from the worker to the loop. */
struct rights_note {
	struct daemon *daemon;
	uint64_t epoch;
};

static void on_rights(void *data)
{
	struct rights_note *note = data;

	http_rights_changed(note->daemon->http, note->epoch);
	mem_free(note);
}

static void post_rights(struct daemon *d)
{
	if (d->rights_told == d->svc->rights_epoch)
		return;
	struct rights_note *note = mem_zalloc(sizeof(*note));
	*note = (struct rights_note){d, d->svc->rights_epoch};
	d->rights_told = note->epoch;
	worker_post(d->worker, on_rights, note);
}

static void hook_after(void *user)
{
	struct service *svc = user;

	post_rights(the_daemon);
	if (!svc->events_pending)
		return;
	svc->events_pending = false;
	while (post_page(the_daemon))
		continue;
}

static void note_running(struct tick *tick, struct service *svc)
{
	struct store_query q = {.limit = WATCHES_MAX};
	struct store_rows rows;
	char *cursor = NULL;

	tick->n_running = 0;
	store_where_number(&q, "status", STORE_EQ, OP_RUNNING);
	struct err *e = query_page(svc, &operation_type, &q, &rows, &cursor);
	if (e != NULL) {
		tick->error = e;
		return;
	}
	for (size_t i = 0; i < rows.n; i++)
		tick->running[tick->n_running++] =
			((const struct operation *)query_row(&rows, i))->id;
	query_rows_done(&rows);
	mem_free(cursor);
}

/* The timer counts monotonic time; a step of the clock on the wall is noticed at the next idle
 * tick. */
static struct err *fire_schedules(struct tick *tick, struct service *svc)
{
	int64_t next = I64_NONE;

	tick->wait_ms = TICK_IDLE_MS;
	TRY(schedule_tick(svc, &next));
	int64_t wait = next != I64_NONE ? next - clock_utc(svc->clock) : TICK_IDLE_MS;
	if (wait < TICK_IDLE_MS)
		tick->wait_ms = wait > TICK_SOON_MS ? wait : TICK_SOON_MS;
	return NULL;
}

static int64_t next_tick_ms(const struct tick *tick)
{
	if (tick->again)
		return TICK_SOON_MS;
	return tick->busy && tick->wait_ms > TICK_BUSY_MS ? TICK_BUSY_MS : tick->wait_ms;
}

static void tick_run(struct work *work, void *user)
{
	struct tick *tick = (struct tick *)(void *)work;

	tick->busy = true;
	tick->error = fire_schedules(tick, user);
	if (tick->error == NULL)
		tick->error = op_engine_tick(user, &tick->busy);
	if (tick->error == NULL)
		note_running(tick, user);
}

static void on_folder(void *user)
{
	struct op_watch *w = user;

	http_wake_files(w->daemon->http, w->id);
	tick_soon(w->daemon);
}

static void watch_free(struct op_watch *w)
{
	loop_watch_free(w->watch);
	mem_free(w);
}

static void watch_add(struct daemon *d, int64_t id)
{
	for (size_t i = 0; i < d->n_watches; i++)
		if (d->watches[i]->id == id) {
			d->watches[i]->seen = true;
			return;
		}
	if (d->n_watches == WATCHES_MAX)
		return;
	struct op_watch *w = mem_zalloc(sizeof(*w));
	cleanup(mem_freep) char *path =
		op_path(d->svc, id, NULL); /* reads only data_dir, which never changes */
	*w = (struct op_watch){.daemon = d, .id = id, .seen = true};
	struct err *e = loop_watch_new(d->loop, path, on_folder, w, &w->watch);
	if (e != NULL) {
		log_debug("%s, relying on the timer", err_message(e));
		err_free(e);
		watch_free(w);
		return;
	}
	d->watches[d->n_watches++] = w;
	http_wake_files(d->http, id);
}

/* Watch what runs, forget what does not. */
static void sync_watches(struct daemon *d, const struct tick *tick)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_watches; i++)
		d->watches[i]->seen = false;
	for (size_t i = 0; i < tick->n_running; i++)
		watch_add(d, tick->running[i]);
	for (size_t i = 0; i < d->n_watches; i++) {
		if (d->watches[i]->seen)
			d->watches[kept++] = d->watches[i];
		else
			watch_free(d->watches[i]);
	}
	d->n_watches = kept;
}

static void tick_submit(struct daemon *d)
{
	if (d->tick.in_flight) {
		d->tick.again = true;
		return;
	}
	if (d->stopping)
		return;
	d->tick.again = false;
	d->tick.in_flight = worker_submit(d->worker, &d->tick.work);
	if (!d->tick.in_flight)
		loop_timer_start(d->tick_timer, TICK_BUSY_MS, 0);
}

static void tick_done(struct work *work, const struct err *commit_error)
{
	struct tick *tick = (struct tick *)(void *)work;
	struct daemon *d = tick->daemon;

	(void)commit_error; /* a tick has its own transactions */
	tick->in_flight = false;
	if (tick->error != NULL) {
		log_error("operations: %s, retrying in %d ms", err_message(tick->error),
			TICK_BUSY_MS);
		err_free(MOVE(tick->error));
	} else {
		sync_watches(d, tick);
	}
	if (d->stopping)
		return;
	http_wake_files(d->http, 0);
	loop_timer_start(d->tick_timer, next_tick_ms(tick), 0);
}

static void on_tick_timer(void *user)
{
	tick_submit(user);
}

static void expire_run(struct work *work, void *user)
{
	(void)work;
	struct service *svc = user;
	static const struct actor system = {.name = "system",
		.role = ROLE_ADMIN,
		.via = OP_VIA_SCHEDULE,
		.user_id = I64_NONE};
	int64_t pruned = 0;
	struct err *e = account_expire(svc);

	if (e == NULL)
		e = audit_prune(svc, &system, svc->config->audit_keep_days, &pruned);
	if (e == NULL)
		e = alert_prune(svc, NULL);
	if (e == NULL)
		e = delivery_prune(svc);
	if (e != NULL)
		log_warn("remove what is too old: %s, retrying in an hour", err_message(e));
	else if (pruned > 0)
		log_info("audit log: %lld entries older than %lld days were removed",
			(long long)pruned, (long long)svc->config->audit_keep_days);
	err_free(e);
}

static void expire_done(struct work *work, const struct err *commit_error)
{
	(void)work;
	(void)commit_error; /* tried again in an hour */
	the_daemon->expiring = false;
}

static void on_expire_timer(void *user)
{
	struct daemon *d = user;

	if (!d->expiring && !d->stopping)
		d->expiring = worker_submit(d->worker, &d->expire);
}

static void ping_run(struct work *work, void *user)
{
	(void)work; /* to be run at all is the answer */
	(void)user;
}

static void ping_done(struct work *work, const struct err *commit_error)
{
	(void)work;
	(void)commit_error; /* a store that fails is told to who asks; the worker lives */
	the_daemon->ping.in_flight = false;
	the_daemon->ping.answered_ms = clock_mono(&clock_system);
}

/* The loop lives, since this runs; the worker lives when it has answered not long ago. */
static void on_watchdog(void *user)
{
	struct daemon *d = user;
	int64_t silent_ms = clock_mono(&clock_system) - d->ping.answered_ms;

	if (silent_ms <= notify_watchdog_ms())
		notify_say("WATCHDOG=1");
	else
		log_error(
			"the worker has not answered for %lld ms: the watchdog is not told that all is well",
			(long long)silent_ms);
	if (!d->ping.in_flight)
		d->ping.in_flight = worker_submit(d->worker, &d->ping.work);
}

static void start_watchdog(struct daemon *d)
{
	if (notify_watchdog_ms() == 0)
		return;
	d->ping.work = (struct work){.kind = WORK_READ, .run = ping_run, .done = ping_done};
	d->ping.answered_ms = clock_mono(&clock_system);
	loop_timer_start(d->watchdog_timer, 0, notify_watchdog_ms() / 2);
}

/* Every request is answered: wait for the jobs that nobody waits for. */
static void on_drain(void *user)
{
	struct daemon *d = user;

	if (worker_pending(d->worker) == 0)
		loop_stop(d->loop);
}

static void on_http_stopped(void *user)
{
	struct daemon *d = user;

	loop_timer_start(d->drain_timer, 0, DRAIN_MS);
}

/* "a, b", or "nothing". Owned. */
static char *names_of(const json_t *names)
{
	struct str s = STR_INIT;
	size_t i;
	const json_t *name;

	json_array_foreach(names, i, name)
		str_addf(&s, "%s%s", i > 0 ? ", " : "", json_string_value(name));
	if (s.len == 0)
		str_adds(&s, "nothing");
	return str_take(&s);
}

static void reload_run(struct work *work, void *user)
{
	struct settings_diff diff;

	(void)work;
	struct err *e = settings_reload(user, &diff);
	if (e != NULL) {
		log_error("the configuration is not reloaded: %s, keeping the old one",
			err_message(e));
		for (size_t i = 0; i < err_field_count(e); i++) {
			const char *message = NULL;
			const char *field = err_field_at(e, i, &message);
			log_error("%s: %s", field, message);
		}
		err_free(e);
		return;
	}
	cleanup(mem_freep) char *applied = names_of(diff.applied);
	cleanup(mem_freep) char *restart = names_of(diff.restart);
	log_info("configuration reloaded: changed: %s; needs a restart: %s", applied, restart);
	settings_diff_done(&diff);
}

static void reload_done(struct work *work, const struct err *commit_error)
{
	(void)work;
	(void)commit_error; /* it stores nothing */
	the_daemon->reloading = false;
	notify_say("READY=1");
}

/* What a signal asks for: certificate and settings. */
static void reload(struct daemon *d)
{
	if (d->stopping || d->reloading)
		return;
	notify_reloading();
	http_reload_tls(d->http);
	d->reloading = worker_submit(d->worker, &d->reload);
	if (!d->reloading)
		notify_say("READY=1");
}

static void on_signal(void *user, int signum)
{
	struct daemon *d = user;

	if (signum == SIGHUP) {
		reload(d);
		return;
	}
	if (d->stopping)
		return;
	log_info("stopping: %zu requests and streams open; operations go on without the server",
		http_busy(d->http));
	d->stopping = true;
	notify_say("STOPPING=1");
	loop_timer_stop(d->tick_timer);
	loop_timer_stop(d->expire_timer);
	power_watch_stop(d->power);
	health_watch_stop(d->health);
	courier_stop(d->courier);
	http_stop(d->http, on_http_stopped, d);
}

/* A service that was never set up shows its one-time code where only its administrators look. */
static struct err *show_setup_code(struct service *svc)
{
	bool ready = false;
	cleanup(mem_freep) char *code = NULL;

	TRY(account_ready(svc, &ready));
	if (ready)
		return NULL;
	TRY(account_setup_code(svc, &code));
	log_info("not set up yet: open the web page with the code %s, or run: mko init", code);
	return NULL;
}

/* What is asked of the service before the worker owns it. */
static struct err *prepare(struct daemon *d)
{
	int64_t oldest = 0;

	TRY(tx_begin(d->svc));
	struct err *e = show_setup_code(d->svc);
	if (e == NULL)
		e = power_start(d->svc);
	if (e == NULL)
		e = event_range(d->svc, &oldest, &d->published);
	if (e != NULL) {
		tx_rollback(d->svc);
		return e;
	}
	history_start(d->svc);
	health_start(d->svc);
	return tx_commit(d->svc);
}

static struct err *open_signals(struct daemon *d)
{
	(void)signal(SIGPIPE, SIG_IGN);
	TRY(loop_signal_new(d->loop, SIGTERM, on_signal, d, &d->sigterm));
	TRY(loop_signal_new(d->loop, SIGINT, on_signal, d, &d->sigint));
	return loop_signal_new(d->loop, SIGHUP, on_signal, d, &d->sighup);
}

static struct err *open_http(struct daemon *d, const struct daemon_options *o)
{
	int fds[NOTIFY_FDS_MAX];
	d->socket_path = o->socket_path != NULL ? mem_strdup(o->socket_path)
						: fs_join(d->svc->data_dir, "mko.sock");
	struct http_options options = {
		.listen = o->listen,
		.tls_cert = o->tls_cert,
		.tls_key = o->tls_key,
		.socket_path = d->socket_path,
		.insecure_http = o->insecure_http,
		.body_max_bytes = o->body_max_bytes,
		.request_ms = o->request_ms,
		.idle_timeout_s = d->svc->config->web_idle_timeout_s,
		.heartbeat_s = d->svc->config->web_heartbeat_s,
		.newest_event = d->published,
		.inherited = fds,
		.n_inherited = notify_sockets(fds),
	};

	return http_new(d->loop, d->worker, &options, &d->http);
}

static struct err *start(struct daemon *d, const struct daemon_options *o)
{
	const struct worker_hooks hooks = {.user = d->svc,
		.begin = hook_begin,
		.commit = hook_commit,
		.after = hook_after};

	TRY(prepare(d));
	TRY(loop_new(&d->loop));
	d->tick_timer = loop_timer_new(d->loop, on_tick_timer, d);
	d->expire_timer = loop_timer_new(d->loop, on_expire_timer, d);
	d->drain_timer = loop_timer_new(d->loop, on_drain, d);
	d->watchdog_timer = loop_timer_new(d->loop, on_watchdog, d);
	TRY(open_signals(d));
	d->worker = worker_new(d->loop, &hooks, QUEUE_MAX);
	TRY(open_http(d, o));
	tick_submit(d);
	d->power = power_watch_new(d->loop, d->worker);
	d->health = health_watch_new(d->loop, d->worker);
	d->courier = courier_new(d->loop, d->worker);
	loop_timer_start(d->expire_timer, EXPIRE_MS, EXPIRE_MS);
	start_watchdog(d);
	return NULL;
}

static void finish(struct daemon *d)
{
	d->stopping = true;
	power_watch_stop(d->power);
	health_watch_stop(d->health);
	courier_stop(d->courier);
	worker_free(d->worker);
	power_watch_free(d->power);
	power_stop(d->svc);
	health_watch_free(d->health);
	health_stop(d->svc);
	history_stop(d->svc);
	courier_free(d->courier);
	http_free(d->http);
	for (size_t i = 0; i < d->n_watches; i++)
		watch_free(d->watches[i]);
	loop_timer_free(d->tick_timer);
	loop_timer_free(d->expire_timer);
	loop_timer_free(d->drain_timer);
	loop_timer_free(d->watchdog_timer);
	loop_signal_free(d->sigterm);
	loop_signal_free(d->sigint);
	loop_signal_free(d->sighup);
	loop_free(d->loop);
}

struct err *daemon_run(struct service *svc, const struct daemon_options *o)
{
	struct daemon *d = mem_zalloc(sizeof(*d));

	d->svc = svc;
	d->tick.daemon = d;
	d->tick.work = (struct work){.kind = WORK_ALONE, .run = tick_run, .done = tick_done};
	d->expire = (struct work){.kind = WORK_BATCH, .run = expire_run, .done = expire_done};
	d->reload = (struct work){.kind = WORK_BATCH, .run = reload_run, .done = reload_done};
	the_daemon = d;
	struct err *e = start(d, o);
	if (e == NULL) {
		notify_say("READY=1");
		if (o->ready != NULL)
			o->ready(o->user, http_url(d->http));
		loop_run(d->loop);
	}
	finish(d);
	the_daemon = NULL;
	mem_free(d->socket_path);
	mem_free(d);
	return e;
}

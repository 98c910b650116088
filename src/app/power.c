/* Owns the polling of power: one connection for each UPS, so that a upsd that is stuck costs its
 * own polls only. A round begins each second; what was heard goes to the worker as soon as
 * everybody has answered, after GRACE_MS without those who have not. While an outage may be going
 * on the engine also steps in between, so that what is due is not late by a poll. */
#include "app/power.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "driver/nut.h"
#include "service/power.h"

#define POLL_MS 1000
#define GRACE_MS 250
#define STEP_MS 100
#define RESOLVE_AGAIN_MS 60000
#define COMPLAIN_MS 60000

/* One UPS. */
struct watched {
	struct power_watch *watch;
	struct power_link link;
	struct nut_client *client; /* NULL until the address is known */
	char *address;             /* numeric; kept while the name cannot be looked up */
	int64_t resolve_at;        /* when its name may be looked up again */
	bool no_login;             /* its user was refused: only read */
	bool remake;               /* the client is to be made anew */
	bool asking, answered;
	char *miss;
	struct power_reading reading;
};

/* The step as a job; there is one. */
struct step {
	struct work work; /* first */
	struct power_watch *watch;
	bool in_flight, again;
	struct power_sample *samples;
	char **misses;
	size_t n;
	struct power_links links;
	bool changed, calm;
	struct err *error;
};

struct power_watch {
	struct loop *loop;
	struct worker *worker;
	struct loop_timer *poll_timer, *grace_timer, *step_timer;
	struct watched **list;
	size_t n;
	struct step step;
	struct lookup *lookup; /* the one that runs, NULL: none */
	int64_t complained_at;
	bool stopped;
};

/* A name on its way through the resolver, which may block. */
struct lookup {
	struct power_watch *watch; /* NULL: nobody waits any more */
	int64_t ups_id;
	char *host;
	char address[INET6_ADDRSTRLEN];
	int code; /* of getaddrinfo() */
};

static void submit(struct power_watch *w);

/* ---- connections ---- */

static void on_state(void *user, const struct err *e)
{
	struct watched *ups = user;

	if (e == NULL || err_code(e) != ERR_FORBIDDEN || ups->no_login ||
		ups->link.username == NULL)
		return;
	log_warn("power: upsd %s refuses user %s: %s, going on without a login", ups->link.host,
		ups->link.username, err_message(e));
	ups->no_login = true;
	ups->remake = true; /* not from here: the client calls */
}

static void connect_to(struct watched *ups)
{
	const struct power_link *link = &ups->link;
	const struct nut_tls tls = {.ca_file = link->tls_ca,
		.host_name = link->host,
		.pin_sha256 = link->tls_pin};
	const struct nut_options options = {.address = ups->address,
		.port = (int)link->port,
		.user = ups->no_login ? NULL : link->username,
		.password = ups->no_login ? NULL : link->password,
		.login = ups->no_login ? NULL : link->nut_name,
		.tls = link->tls_ca != NULL || link->tls_pin != NULL ? &tls : NULL,
		.on_state = on_state,
		.user_data = ups};

	nut_client_free(ups->client);
	ups->client = nut_client_new(ups->watch->loop, &options);
	ups->remake = false;
}

static bool is_numeric(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void look_up(void *data)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	struct lookup *lookup = data;

	lookup->code = getaddrinfo(lookup->host, NULL, &hints, &found);
	if (lookup->code == 0)
		lookup->code = getnameinfo(found->ai_addr, found->ai_addrlen, lookup->address,
			sizeof(lookup->address), NULL, 0, NI_NUMERICHOST);
	if (found != NULL)
		freeaddrinfo(found);
}

static struct watched *find(const struct power_watch *w, int64_t ups_id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i]->link.ups_id == ups_id)
			return w->list[i];
	return NULL;
}

static void use_address(struct watched *ups, const struct lookup *lookup)
{
	if (lookup->code != 0) {
		mem_free(ups->miss);
		ups->miss = mem_printf("the name %s is not known: %s", lookup->host,
			gai_strerror(lookup->code));
		return;
	}
	if (ups->address != NULL && strcmp(ups->address, lookup->address) == 0)
		return;
	mem_free(ups->address);
	ups->address = mem_strdup(lookup->address);
	ups->remake = true;
}

static void looked_up(void *data)
{
	struct lookup *lookup = data;
	struct watched *ups = NULL;

	if (lookup->watch != NULL) {
		lookup->watch->lookup = NULL;
		ups = find(lookup->watch, lookup->ups_id);
	}
	if (ups != NULL && strcmp(ups->link.host, lookup->host) == 0)
		use_address(ups, lookup);
	mem_free(lookup->host);
	mem_free(lookup);
}

/* A name is looked up before it is needed and again when its server is away: never in the way of a
 * poll, and only one at a time, since the resolver may block for minutes. */
static void resolve(struct watched *ups, int64_t now)
{
	struct power_watch *w = ups->watch;

	if (ups->address == NULL && is_numeric(ups->link.host)) {
		ups->address = mem_strdup(ups->link.host);
		ups->remake = true;
	}
	bool away = ups->client == NULL || !nut_client_is_ready(ups->client);
	if (is_numeric(ups->link.host) || !away || now < ups->resolve_at || w->lookup != NULL)
		return;
	ups->resolve_at = now + (ups->address != NULL ? RESOLVE_AGAIN_MS : POLL_MS);
	w->lookup = mem_zalloc(sizeof(*w->lookup));
	w->lookup->watch = w;
	w->lookup->ups_id = ups->link.ups_id;
	w->lookup->host = mem_strdup(ups->link.host);
	pool_submit(w->loop, look_up, looked_up, w->lookup);
}

/* ---- the round ---- */

static bool is_complete(const struct power_watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i] != NULL && w->list[i]->asking)
			return false;
	return true;
}

static void set_answer(struct watched *ups, const struct err *e,
	const struct power_reading *reading)
{
	mem_free(ups->miss);
	ups->miss = e != NULL ? mem_strdup(err_message(e)) : NULL;
	if (reading != NULL)
		ups->reading = *reading;
	ups->answered = true;
}

static void on_reply(void *user, const struct nut_reply *reply)
{
	struct watched *ups = user;

	ups->asking = false;
	set_answer(ups, reply->err, reply->reading);
	/* The step waits for the timer when this comes from within the round. */
	if (is_complete(ups->watch) && !ups->watch->stopped)
		loop_timer_start(ups->watch->grace_timer, 0, 0);
}

static void ask(struct watched *ups, int64_t now)
{
	resolve(ups, now);
	if (ups->asking)
		return; /* its deadline is running */
	if (ups->remake)
		connect_to(ups);
	if (ups->client == NULL) {
		ups->answered = true;
		if (ups->miss == NULL)
			ups->miss = mem_strdup("its name is being looked up");
		return;
	}
	ups->asking = true;
	nut_poll(ups->client, ups->link.nut_name, on_reply, ups);
}

static void on_poll(void *user)
{
	struct power_watch *w = user;
	int64_t now = loop_now_ms(w->loop);

	for (size_t i = 0; i < w->n; i++)
		ask(w->list[i], now);
	loop_timer_start(w->grace_timer, is_complete(w) ? 0 : GRACE_MS, 0);
}

static void on_grace(void *user)
{
	submit(user);
}

/* ---- the step ---- */

static void clear_samples(struct step *step)
{
	for (size_t i = 0; i < step->n; i++)
		mem_free(step->misses[i]);
	mem_free(step->misses);
	mem_free(step->samples);
	step->samples = NULL;
	step->misses = NULL;
	step->n = 0;
}

static void take_samples(struct power_watch *w)
{
	struct step *step = &w->step;

	step->samples = mem_zalloc((w->n + 1) * sizeof(*step->samples));
	step->misses = mem_zalloc((w->n + 1) * sizeof(*step->misses));
	for (size_t i = 0; i < w->n; i++) {
		struct watched *ups = w->list[i];
		if (!ups->answered)
			continue;
		ups->answered = false;
		step->misses[step->n] = mem_strdup(ups->miss);
		step->samples[step->n] = (struct power_sample){.ups_id = ups->link.ups_id,
			.miss = step->misses[step->n],
			.reading = ups->reading};
		step->n++;
	}
}

static void submit(struct power_watch *w)
{
	struct step *step = &w->step;

	if (w->stopped)
		return;
	if (step->in_flight) {
		step->again = true;
		return;
	}
	step->again = false;
	take_samples(w);
	step->in_flight = worker_submit(w->worker, &step->work);
	if (!step->in_flight)
		clear_samples(step); /* the queue is full: the next round tells it */
}

static void step_run(struct work *work, void *user)
{
	struct step *step = (struct step *)(void *)work;
	struct service *svc = user;

	step->error = power_tick(svc, step->samples, step->n);
	step->changed = power_links_follow(svc, &step->links);
	step->calm = power_is_calm(svc);
}

static void watched_free(struct watched *ups)
{
	if (ups == NULL)
		return;
	nut_client_free(ups->client);
	power_link_done(&ups->link);
	mem_free(ups->address);
	mem_free(ups->miss);
	mem_free(ups);
}

/* The UPS of a link: the one that is there already when nothing about it changed. */
static struct watched *take_watched(struct power_watch *w, const struct power_link *link)
{
	for (size_t i = 0; i < w->n; i++) {
		struct watched *ups = w->list[i];
		if (ups == NULL || !power_link_same(&ups->link, link))
			continue;
		w->list[i] = NULL;
		return ups;
	}
	struct watched *ups = mem_zalloc(sizeof(*ups));
	ups->watch = w;
	power_link_copy(&ups->link, link);
	power_reading_init(&ups->reading);
	return ups;
}

static void follow_links(struct power_watch *w)
{
	const struct power_links *links = &w->step.links;
	struct watched **list = mem_zalloc((links->n + 1) * sizeof(struct watched *));

	for (size_t i = 0; i < links->n; i++)
		list[i] = take_watched(w, &links->items[i]);
	for (size_t i = 0; i < w->n; i++)
		watched_free(MOVE(w->list[i])); /* its last reply looks at the others */
	mem_free(w->list);
	w->list = list;
	w->n = links->n;
	loop_timer_start(w->poll_timer, 0, POLL_MS);
}

static void complain(struct power_watch *w, struct err *take_err)
{
	int64_t now = loop_now_ms(w->loop);

	if (w->complained_at == 0 || now - w->complained_at >= COMPLAIN_MS) {
		log_error("power: %s, trying again: what is due is not lost",
			err_message(take_err));
		w->complained_at = now;
	}
	err_free(take_err);
}

static void step_done(struct work *work, const struct err *commit_error)
{
	struct step *step = (struct step *)(void *)work;
	struct power_watch *w = step->watch;

	(void)commit_error; /* a step has its own transaction */
	step->in_flight = false;
	clear_samples(step);
	if (step->error != NULL)
		complain(w, MOVE(step->error));
	if (w->stopped)
		return;
	if (step->changed)
		follow_links(w);
	if (step->again)
		submit(w);
	else if (!step->calm)
		loop_timer_start(w->step_timer, STEP_MS, 0);
}

static void on_step(void *user)
{
	submit(user);
}

/* ---- life ---- */

struct power_watch *power_watch_new(struct loop *loop, struct worker *worker)
{
	struct power_watch *w = mem_zalloc(sizeof(*w));

	w->loop = loop;
	w->worker = worker;
	w->list = mem_zalloc(sizeof(struct watched *));
	w->step.watch = w;
	w->step.work = (struct work){.kind = WORK_ALONE, .run = step_run, .done = step_done};
	w->poll_timer = loop_timer_new(loop, on_poll, w);
	w->grace_timer = loop_timer_new(loop, on_grace, w);
	w->step_timer = loop_timer_new(loop, on_step, w);
	loop_timer_start(w->poll_timer, 0, POLL_MS);
	return w;
}

void power_watch_stop(struct power_watch *w)
{
	if (w == NULL || w->stopped)
		return;
	w->stopped = true;
	loop_timer_stop(w->poll_timer);
	loop_timer_stop(w->grace_timer);
	loop_timer_stop(w->step_timer);
	for (size_t i = 0; i < w->n; i++)
		watched_free(MOVE(w->list[i])); /* its last reply looks at the others */
	w->n = 0;
	if (w->lookup != NULL)
		w->lookup->watch = NULL;
	w->lookup = NULL;
}

void power_watch_free(struct power_watch *w)
{
	if (w == NULL)
		return;
	power_watch_stop(w);
	loop_timer_free(w->poll_timer);
	loop_timer_free(w->grace_timer);
	loop_timer_free(w->step_timer);
	power_links_done(&w->step.links);
	clear_samples(&w->step);
	mem_free(w->list);
	mem_free(w);
}

/* Owns the firing of schedules: which times passed, what is done about them, exactly once. A time
 * is dealt with by moving last_due_at and next_run_at in the same transaction that stores the
 * operation. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/account.h"
#include "service/event.h"
#include "service/op/op.h"
#include "service/schedule_int.h"

#define ON_TIME_MS 60000 /* a server that is busy is late, it did not miss the time */
#define DUES_MAX 1000    /* times that are counted; who missed more has missed "1000" */
#define STEP_MS                                                                                    \
	86400000 /* the clock on the wall went back by more than a day: what was planned is void   \
		  */

/* The times that passed and were not dealt with. */
struct dues {
	int64_t n;
	int64_t last;
	int64_t next; /* first one that has not come yet */
};

static struct dues count_dues(const struct schedule_plan *plan, int64_t first, int64_t now)
{
	struct dues d = {.n = 0, .last = first, .next = first};

	while (d.next <= now && d.n < DUES_MAX) {
		d.last = d.next;
		d.n++;
		d.next = schedule_plan_next(plan, d.next);
	}
	if (d.next <= now)
		d.next = schedule_plan_next(plan, now);
	return d;
}

/* How many operations these times make. */
static int64_t runs_wanted(const struct schedule *s, const struct dues *d, int64_t now)
{
	int64_t on_time = now - d->last <= ON_TIME_MS;
	int64_t missed = d->n - on_time;

	if (missed == 0 || s->missed == SCHEDULE_MISSED_SKIP)
		return on_time;
	if (s->missed == SCHEDULE_MISSED_ONCE)
		return 1;
	return on_time + (missed < s->missed_max ? missed : s->missed_max);
}

/* Whose rights the operation gets: those of the owner, as far as the owner still has them. */
static struct err *owner_of(struct service *svc, const struct schedule *s, struct actor *ret)
{
	struct user user;

	*ret = (struct actor){.name = s->owner,
		.role = (enum role)s->owner_role,
		.via = OP_VIA_SCHEDULE,
		.user_id = s->owner_id};
	if (s->owner_id == I64_NONE)
		return NULL;
	struct err *e = store_get(svc->store, &user_type, s->owner_id, &user);
	if (e != NULL)
		return err_hint(err_wrap(e, "its owner %s is gone", s->owner),
			"mko schedule edit %s --enable", s->name);
	if (user.disabled)
		e = err_new(ERR_FORBIDDEN, "its owner %s is disabled", s->owner);
	else if (user.clusters != NULL)
		e = err_new(ERR_FORBIDDEN, "its owner %s is limited to some clusters", s->owner);
	if (user.role < s->owner_role)
		ret->role = (enum role)user.role;
	record_done(&user_type, &user);
	return e;
}

static struct err *still_running(struct service *svc, const struct schedule *s, bool *ret)
{
	struct operation op;

	*ret = false;
	if (s->last_operation_id == I64_NONE)
		return NULL;
	struct err *e = store_get(svc->store, &operation_type, s->last_operation_id, &op);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* pruned: it has ended long ago */
		return NULL;
	}
	TRY(e);
	*ret = !op_status_final(op.status);
	record_done(&operation_type, &op);
	return NULL;
}

static struct err *submit_once(struct service *svc, struct schedule *s)
{
	struct actor who;
	struct operation op;

	TRY(owner_of(svc, s, &who));
	TRY(schedule_submit(svc, &who, s, &op));
	s->last_operation_id = op.id;
	s->runs++;
	log_info("schedule %s started operation %lld", s->name, (long long)op.id);
	record_done(&operation_type, &op);
	return NULL;
}

/* An operation that is refused is undone alone; that its time has passed stays. */
static struct err *submit_or_note(struct service *svc, struct schedule *s)
{
	TRY(store_savepoint(svc->store));
	struct err *e = submit_once(svc, s);
	struct err *broken = store_release(svc->store, e == NULL);
	if (broken != NULL) {
		err_ignore(e); /* nothing of this tick is kept */
		return broken;
	}
	if (e == NULL) {
		field_set_text(&s->last_outcome, NULL);
		return NULL;
	}
	if (err_code(e) == ERR_UNAVAILABLE || err_code(e) == ERR_IO)
		return e;
	cleanup(mem_freep) char *text = mem_printf("could not start: %s", err_message(e));
	log_warn("schedule %s: %s", s->name, text);
	field_set_text(&s->last_outcome, text);
	err_free(e);
	return event_publish(svc, "schedules", "schedule.failed", s->id,
		json_pack("{s:s, s:s}", "name", s->name, "reason", text));
}

static struct err *start_runs(struct service *svc, struct schedule *s, int64_t wanted,
	int64_t *ret_started)
{
	bool running = false;

	*ret_started = 0;
	if (wanted > 0)
		TRY(still_running(svc, s, &running));
	if (running) {
		cleanup(mem_freep) char *text = mem_printf("left out: operation %lld is not over",
			(long long)s->last_operation_id);
		field_set_text(&s->last_outcome, text);
		log_warn("schedule %s: %s", s->name, text);
		return NULL;
	}
	for (int64_t i = 0; i < wanted; i++)
		TRY(submit_or_note(svc, s));
	*ret_started = wanted;
	return NULL;
}

static struct err *fire_dues(struct service *svc, struct schedule *s,
	const struct schedule_plan *plan, int64_t now)
{
	struct dues d = count_dues(plan, s->next_run_at, now);
	int64_t wanted = runs_wanted(s, &d, now);
	int64_t started = 0;

	store_want(svc->store, STORE_FULL);
	if (wanted == 0) {
		field_set_text(&s->last_outcome, "left out: no server ran at its time");
		log_warn("schedule %s: %s", s->name, s->last_outcome);
	}
	TRY(start_runs(svc, s, wanted, &started));
	s->skipped += d.n - started;
	s->last_due_at = d.last;
	s->next_run_at = d.next;
	s->planned_at = now;
	TRY(store_update(svc->store, &schedule_type, s));
	return schedule_publish(svc, "schedule.fired", s);
}

/* What is made up for waits for its window too. */
static bool must_wait_for_window(const struct schedule *s, const struct schedule_plan *plan,
	int64_t now, int64_t *ret_open)
{
	struct cron_zone zone = zone_cron(plan->zone);

	if (!plan->has_window || s->missed == SCHEDULE_MISSED_SKIP)
		return false;
	*ret_open = cron_window_next(&plan->window, &zone, now / 1000) * 1000;
	return *ret_open > now;
}

static struct err *fire_in(struct service *svc, struct schedule *s,
	const struct schedule_plan *plan)
{
	int64_t now = clock_utc(svc->clock);
	int64_t open = 0;

	if (must_wait_for_window(s, plan, now, &open)) {
		log_info("schedule %s: its time was missed, it waits for its window", s->name);
		s->next_run_at = open;
		return store_update(svc->store, &schedule_type, s);
	}
	return fire_dues(svc, s, plan, now);
}
/* The clock went back by more than a day: it was wrong when this was planned. */
static struct err *replan_in(struct service *svc, struct schedule *s,
	const struct schedule_plan *plan)
{
	int64_t now = clock_utc(svc->clock);

	log_warn("schedule %s: the clock was set back, planned anew", s->name);
	s->next_run_at = schedule_plan_next(plan, now);
	s->planned_at = now;
	if (s->last_due_at != I64_NONE && s->last_due_at > now)
		s->last_due_at = now;
	return store_update(svc->store, &schedule_type, s);
}

typedef struct err *(*act_fn)(struct service *svc, struct schedule *s,
	const struct schedule_plan *plan);

/* Its zone is not on this machine any more, for example: it rests and says why; the others go on.
 */
static struct err *rest(struct service *svc, struct schedule *s, struct err *take_why)
{
	cleanup(mem_freep) char *text = mem_printf("cannot be planned: %s", err_message(take_why));

	err_free(take_why);
	log_error("schedule %s: %s", s->name, text);
	field_set_text(&s->last_outcome, text);
	s->next_run_at = I64_NONE;
	TRY(store_update(svc->store, &schedule_type, s));
	return schedule_publish(svc, "schedule.failed", s);
}

static struct err *act_in(struct service *svc, struct schedule *s, act_fn fn)
{
	struct schedule_plan plan = {.has_window = false};
	struct err *e = schedule_plan_open(s, &plan);

	if (e != NULL)
		return rest(svc, s, e);
	e = fn(svc, s, &plan);
	schedule_plan_done(&plan);
	return e;
}

static struct err *act(struct service *svc, struct schedule *s, act_fn fn)
{
	TRY(store_begin(svc->store));
	struct err *e = act_in(svc, s, fn);
	if (e == NULL)
		return store_commit(svc->store);
	store_rollback(svc->store);
	return err_wrap(e, "schedule %s", s->name);
}

/* Every enabled schedule for which a time lies on one side of a limit. */
static struct err *for_each(struct service *svc, const char *field, enum store_cmp cmp,
	int64_t limit, act_fn fn)
{
	struct store_query q = {.sort = "next_run_at"};
	struct store_rows rows = {0};

	store_where_number(&q, "enabled", STORE_EQ, 1);
	store_where_number(&q, "next_run_at", STORE_NOT_NULL, 0);
	store_where_number(&q, field, cmp, limit);
	struct err *e = store_list(svc->store, &schedule_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		e = act(svc, store_row(&rows, i), fn);
	store_rows_done(&rows);
	return e;
}

static struct err *earliest(struct service *svc, int64_t *ret_ms)
{
	struct store_query q = {.sort = "next_run_at", .limit = 1};
	struct store_rows rows = {0};

	store_where_number(&q, "enabled", STORE_EQ, 1);
	store_where_number(&q, "next_run_at", STORE_NOT_NULL, 0);
	TRY(store_list(svc->store, &schedule_type, &q, &rows));
	*ret_ms = rows.n > 0 ? ((const struct schedule *)store_row(&rows, 0))->next_run_at
			     : I64_NONE;
	store_rows_done(&rows);
	return NULL;
}

struct err *schedule_tick(struct service *svc, int64_t *ret_next_ms)
{
	int64_t now = clock_utc(svc->clock);

	TRY(for_each(svc, "planned_at", STORE_GT, now + STEP_MS, replan_in));
	TRY(for_each(svc, "next_run_at", STORE_LE, now, fire_in));
	return ret_next_ms != NULL ? earliest(svc, ret_next_ms) : NULL;
}

/* Owns the monitor: its life, the step, and that the state is stored together with what follows
 * from it. */
#include "service/power.h"

#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/audit.h"
#include "service/event.h"
#include "service/history.h"
#include "service/power_int.h"

#define MEMORY_ID 1
#define HEARTBEAT_MS 10000
#define SAMPLE_MS 10000
#define PLAN_MS 60000
#define ALARMED_MS 86400000 /* a clock on the wall that moved by more tells nothing */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* ---- small things ---- */

void power_id(char text[static POWER_ID_SIZE], int64_t id)
{
	(void)snprintf(text, POWER_ID_SIZE, "%lld", (long long)id);
}

int64_t power_utc(const struct service *svc, int64_t engine_ms)
{
	if (engine_ms == I64_NONE)
		return I64_NONE;
	return clock_utc(svc->clock) + (engine_ms - clock_mono(svc->clock));
}

struct power_word *power_word_of(const struct power_monitor *m, int64_t ups_id)
{
	for (size_t i = 0; i < m->n_words; i++)
		if (m->words[i].ups_id == ups_id)
			return &m->words[i];
	return NULL;
}

void power_link_done(struct power_link *link)
{
	mem_free(link->host);
	mem_free(link->nut_name);
	mem_free(link->username);
	seal_wipe_free(link->password);
	mem_free(link->tls_ca);
	mem_free(link->tls_pin);
}

void power_link_copy(struct power_link *ret, const struct power_link *from)
{
	*ret = (struct power_link){.ups_id = from->ups_id,
		.host = mem_strdup(from->host),
		.port = from->port,
		.nut_name = mem_strdup(from->nut_name),
		.username = mem_strdup(from->username),
		.password = mem_strdup(from->password),
		.tls_ca = mem_strdup(from->tls_ca),
		.tls_pin = mem_strdup(from->tls_pin)};
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool power_link_same(const struct power_link *a, const struct power_link *b)
{
	return a->ups_id == b->ups_id && a->port == b->port && same_text(a->host, b->host) &&
		same_text(a->nut_name, b->nut_name) && same_text(a->username, b->username) &&
		same_text(a->password, b->password) && same_text(a->tls_ca, b->tls_ca) &&
		same_text(a->tls_pin, b->tls_pin);
}

bool power_is_calm(const struct service *svc)
{
	return svc->power->stopped ||
		(power_engine_is_calm(svc->power->engine) && svc->power->owed.n == 0);
}

void power_links_done(struct power_links *links)
{
	for (size_t i = 0; i < links->n; i++)
		power_link_done(&links->items[i]);
	mem_free(links->items);
	*links = (struct power_links){.n = 0};
}

bool power_links_follow(const struct service *svc, struct power_links *links)
{
	const struct power_monitor *m = svc->power;
	size_t n = m->stopped ? 0 : m->links.n;

	if (links->version == m->links.version)
		return false;
	power_links_done(links);
	links->version = m->links.version;
	links->items = mem_zalloc((n + 1) * sizeof(*links->items));
	for (; links->n < n; links->n++) {
		const struct power_link *from = &m->links.items[links->n];
		power_link_copy(&links->items[links->n], from);
	}
	return true;
}

/* ---- memory ---- */

static struct err *read_memory(struct service *svc, struct power_memory *ret)
{
	struct err *e = store_get(svc->store, &power_memory_type, MEMORY_ID, ret);

	if (e == NULL || err_code(e) != ERR_NOT_FOUND)
		return e;
	err_ignore(e); /* the first start */
	record_init(&power_memory_type, ret);
	ret->id = 0;
	return NULL;
}

struct err *power_save(struct service *svc)
{
	struct power_monitor *m = svc->power;
	struct power_memory memory;

	TRY(read_memory(svc, &memory));
	bool first = memory.id == 0;
	memory.id = MEMORY_ID;
	memory.stopped = m->stopped;
	memory.at = clock_utc(svc->clock);
	field_set_text(&memory.boot_id, m->boot_id);
	json_decref(memory.engine);
	memory.engine = power_engine_save(m->engine);
	struct err *e = first ? store_insert(svc->store, &power_memory_type, &memory)
			      : store_update(svc->store, &power_memory_type, &memory);
	record_done(&power_memory_type, &memory);
	return e;
}

/* Another boot: the clock of the engine began anew. Each delay goes on with what was left when the
 * state was last written, less the time that passed, as far as the wall tells. */
static void shift_to_now(struct service *svc, struct power_monitor *m,
	const struct power_memory *memory)
{
	int64_t last = power_engine_last(m->engine);
	int64_t passed = memory->at != I64_NONE ? clock_utc(svc->clock) - memory->at : 0;
	bool same_boot = memory->boot_id != NULL && strcmp(memory->boot_id, m->boot_id) == 0;

	if (last == I64_NONE || (same_boot && last <= clock_mono(svc->clock)))
		return;
	if (passed < 0 || passed > ALARMED_MS)
		passed = 0;
	power_engine_shift(m->engine, clock_mono(svc->clock) - (last + passed));
}

static void take_memory(struct service *svc, struct power_monitor *m,
	const struct power_memory *memory)
{
	struct err *e = NULL;

	m->stopped = memory->stopped;
	if (memory->engine != NULL)
		e = power_engine_load(memory->engine, &m->engine);
	if (e != NULL) {
		log_error("power: %s, beginning anew: what waited is forgotten", err_message(e));
		err_free(e);
	}
	if (m->engine == NULL)
		m->engine = power_engine_new();
	shift_to_now(svc, m, memory);
}

struct err *power_start(struct service *svc)
{
	struct power_memory memory;
	struct power_monitor *m = mem_zalloc(sizeof(*m));
	struct err *e = fs_read(BOOT_ID, 64, &m->boot_id, NULL);

	if (e != NULL) {
		err_ignore(e); /* then no boot is the same as another */
		m->boot_id = mem_strdup("");
	}
	m->boot_id[strcspn(m->boot_id, "\n")] = '\0';
	e = read_memory(svc, &memory);
	if (e != NULL) {
		mem_free(m->boot_id);
		mem_free(m);
		return err_wrap(e, "read what is known of power");
	}
	take_memory(svc, m, &memory);
	record_done(&power_memory_type, &memory);
	m->fresh = true;
	m->calm = true;
	m->versions[0] = -1;
	m->links.version = 1;
	svc->power = m;
	return NULL;
}

void power_stop(struct service *svc)
{
	struct power_monitor *m = svc->power;

	if (m == NULL)
		return;
	power_engine_free(m->engine);
	power_links_done(&m->links);
	for (size_t i = 0; i < m->n_words; i++)
		mem_free(m->words[i].miss);
	mem_free(m->words);
	power_effects_done(&m->owed);
	mem_free(m->boot_id);
	mem_free(m);
	svc->power = NULL;
}

/* ---- the step ---- */

void power_orders_done(struct power_orders *orders)
{
	mem_free(orders->items);
	mem_free(orders->ids);
	mem_free(orders->rules);
	mem_free(orders->clusters);
	*orders = (struct power_orders){.n = 0};
}

static void remember(struct power_monitor *m, const struct power_sample *sample, int64_t now)
{
	struct power_word *word = power_word_of(m, sample->ups_id);

	if (word == NULL)
		return;
	mem_free(word->miss);
	word->miss = mem_strdup(sample->miss);
	if (sample->miss != NULL)
		return;
	word->ever = true;
	word->at = now;
	word->reading = sample->reading;
}

/* What one sample tells the engine; texts of the array outlive the step. */
struct told {
	char id[POWER_ID_SIZE];
	char identity[POWER_IDENTITY_SIZE];
};

static struct power_observation *observe(const struct power_sample *samples, size_t n,
	struct told *told)
{
	struct power_observation *list = mem_zalloc((n + 1) * sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		power_id(told[i].id, samples[i].ups_id);
		if (samples[i].miss != NULL)
			list[i] = (struct power_observation){.ups = told[i].id,
				.charge = I64_NONE,
				.runtime = I64_NONE};
		else
			list[i] = power_reading_observation(&samples[i].reading, told[i].id,
				told[i].identity);
	}
	return list;
}

static int64_t status_of(const struct power_monitor *m, const struct power_word *word)
{
	struct power_ups_view view = {.lost = false};
	char id[POWER_ID_SIZE];

	power_id(id, word->ups_id);
	if (!power_engine_ups(m->engine, id, &view))
		return UPS_UNKNOWN;
	if (view.lost)
		return UPS_NO_CONTACT;
	if (view.line == POWER_LINE_ONBATT)
		return UPS_ON_BATTERY;
	return view.line == POWER_LINE_ONLINE ? UPS_ONLINE : UPS_UNKNOWN;
}

static void step(struct power_monitor *m, const struct power_orders *orders,
	const struct power_sample *samples, size_t n, int64_t now)
{
	cleanup(mem_freep) struct told *told = mem_zalloc((n + 1) * sizeof(*told));
	cleanup(mem_freep) struct power_observation *list = observe(samples, n, told);
	const struct power_input input = {.now = now,
		.observations = list,
		.n_observations = n,
		.commands = orders->items,
		.n_commands = orders->n};

	for (size_t i = 0; i < n; i++)
		remember(m, &samples[i], now);
	power_step(m->engine, &input, &m->owed);
	m->unsaved = m->unsaved || orders->n > 0;
	for (size_t i = 0; i < m->n_words; i++) {
		m->words[i].status = status_of(m, &m->words[i]);
		m->words[i].alarms = power_alarms(m, &m->words[i]);
		m->unsaved = m->unsaved || m->words[i].status != m->words[i].stored ||
			m->words[i].alarms != m->words[i].told;
	}
}

static bool must_save(const struct power_monitor *m, bool calm, int64_t now)
{
	return m->owed.n > 0 || m->unsaved || calm != m->calm ||
		(!calm && now - m->saved_at >= HEARTBEAT_MS);
}

/* The figures of a UPS that is heard. */
static struct err *keep_word(struct service *svc, const struct power_word *word)
{
	static const struct {
		const char *series;
		enum power_quantity quantity;
	} rows[] = {
		{"charge", POWER_CHARGE},
		{"runtime_s", POWER_RUNTIME},
		{"load", POWER_LOAD},
		{"power_w", POWER_REAL},
		{"input_v", POWER_INPUT_VOLTAGE},
		{"battery_v", POWER_BATTERY_VOLTAGE},
		{"temperature_c", POWER_TEMPERATURE},
	};
	struct history_value values[ARRAY_LEN(rows) + 1] = {
		{"up", word->status == UPS_ON_BATTERY ? 0 : 1}};
	char subject[64];
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t value = word->reading.values[rows[i].quantity];
		if (value != I64_NONE)
			values[n++] = (struct history_value){rows[i].series, (double)value / 1000};
	}
	(void)snprintf(subject, sizeof(subject), "ups/%lld", (long long)word->ups_id);
	return history_add(svc, subject, values, n);
}

/* On mains: whether there would be time. */
static struct err *judge_plans(struct service *svc, int64_t now)
{
	struct power_monitor *m = svc->power;

	if (now - m->planned_at < PLAN_MS)
		return NULL;
	m->planned_at = now;
	for (size_t i = 0; i < m->n_words; i++)
		if (m->words[i].status == UPS_ONLINE)
			TRY(power_plan_judge(svc, &m->words[i]));
	return NULL;
}

/* Figures that cannot be kept hold up nothing: the next ones are tried again. */
static void keep_figures(struct service *svc, int64_t now)
{
	struct power_monitor *m = svc->power;
	struct err *e = NULL;

	if (now - m->sampled_at < SAMPLE_MS)
		return;
	m->sampled_at = now;
	for (size_t i = 0; e == NULL && i < m->n_words; i++)
		if (m->words[i].ever && m->words[i].miss == NULL)
			e = keep_word(svc, &m->words[i]);
	if (e == NULL)
		e = judge_plans(svc, now);
	if (e == NULL)
		e = history_flush(svc);
	if (e != NULL)
		log_error("power: %s", err_message(e));
	err_free(e);
}

struct err *power_tick(struct service *svc, const struct power_sample *samples, size_t n)
{
	struct power_monitor *m = svc->power;
	struct power_orders orders = {.n = 0};
	int64_t now = clock_mono(svc->clock);

	if (m->stopped)
		return NULL;
	if (m->fresh)
		(void)power_order(&orders, POWER_RESTARTED, NULL);
	struct err *e = power_follow_store(svc, &orders);
	if (e == NULL)
		e = power_follow_operations(svc, &orders);
	if (e != NULL) {
		power_orders_done(&orders);
		m->versions[0] = -1; /* what was read did not reach the engine */
		return e;
	}
	step(m, &orders, samples, n, now);
	power_orders_done(&orders);
	m->fresh = false;
	keep_figures(svc, now);
	bool calm = power_engine_is_calm(m->engine);
	if (!must_save(m, calm, now))
		return NULL;
	TRY(power_settle(svc));
	m->calm = calm;
	m->saved_at = now;
	m->unsaved = false;
	return NULL;
}

/* ---- start and stop by a person ---- */

struct err *power_monitor_set(struct service *svc, const struct actor *who, bool run)
{
	struct power_monitor *m = svc->power;

	if (m == NULL)
		return err_hint(err_new(ERR_UNAVAILABLE,
					"the monitor is a part of the server, and none runs here"),
			"mko web");
	if (m->stopped == !run)
		return NULL;
	m->stopped = !run;
	m->fresh = run;
	m->versions[0] = -1;
	m->links.version++;
	store_want(svc->store, STORE_FULL);
	TRY(audit_write(svc, who, run ? "power.start" : "power.stop", "power", NULL, "ok"));
	TRY(event_publish(svc, "ups", run ? "monitor.start" : "monitor.stop", I64_NONE,
		json_pack("{s:b}", "running", run)));
	return power_save(svc);
}

/* Owns what the engine is told of the world beside samples: the configuration in the store, and how
 * operations ended. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/cluster.h"
#include "model/operation.h"
#include "service/power_int.h"

#define S 1000
#define JUST_IN_TIME_CHARGE 30 /* percent at which it does not wait longer */

struct power_command *power_order(struct power_orders *orders, enum power_command_kind kind,
	const char *id)
{
	if (orders->n == orders->cap) {
		/* At most: all removed, all set, all reported; ids never move while they are
		 * pointed to. */
		must(orders->cap == 0);
		orders->cap = (size_t)3 * (POWER_UPS_MAX + POWER_RULES_MAX + POWER_CLUSTERS_MAX);
		orders->items = mem_zalloc(orders->cap * sizeof(*orders->items));
		orders->ids = mem_zalloc(orders->cap * sizeof(*orders->ids));
	}
	struct power_command *command = &orders->items[orders->n++];
	*command = (struct power_command){.kind = kind};
	if (id != NULL) {
		char *copy = orders->ids[orders->n_ids++];
		(void)snprintf(copy, POWER_ID_SIZE, "%s", id);
		command->id = copy;
	}
	return command;
}

/* ---- configuration ---- */

static bool has_id(const char *const *ids, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

/* A list of the engine, and the command that takes one of it out. */
struct listed {
	enum power_list list;
	enum power_command_kind removal;
};
static const struct listed listed_ups = {POWER_LIST_UPS, POWER_REMOVE_UPS};
static const struct listed listed_rules = {POWER_LIST_RULES, POWER_REMOVE_RULE};

/* What the engine knows and the store has no more. */
static void order_removals(const struct power_engine *engine, const struct listed *what,
	const char *const *kept, size_t n, struct power_orders *orders)
{
	const char *id = NULL;

	for (int64_t i = 0; (id = power_engine_id(engine, what->list, i)) != NULL; i++)
		if (!has_id(kept, n, id))
			(void)power_order(orders, what->removal, id);
}

static struct err *open_link(struct service *svc, const struct ups_device *ups,
	struct power_link *link)
{
	*link = (struct power_link){.ups_id = ups->id,
		.host = mem_strdup(ups->nut_host),
		.port = ups->nut_port,
		.nut_name = mem_strdup(ups->nut_name),
		.username = mem_strdup(ups->nut_username),
		.tls_ca = mem_strdup(ups->nut_tls_ca),
		.tls_pin = mem_strdup(ups->nut_tls_pin)};
	if (ups->nut_password == NULL)
		return NULL;
	return err_wrap(seal_open_text(svc->key, ups->nut_password, &link->password),
		"password of UPS %s", ups->name);
}

static void set_links(struct power_monitor *m, struct power_links *take_links)
{
	bool same = m->links.n == take_links->n;

	for (size_t i = 0; same && i < m->links.n; i++)
		same = power_link_same(&m->links.items[i], &take_links->items[i]);
	if (same) {
		power_links_done(take_links);
		return;
	}
	take_links->version = m->links.version + 1;
	power_links_done(&m->links);
	m->links = *take_links;
}

/* One word for each UPS that is watched; what was heard stays. */
static void set_words(struct power_monitor *m)
{
	struct power_word *words = mem_zalloc((m->links.n + 1) * sizeof(*words));

	for (size_t i = 0; i < m->links.n; i++) {
		struct power_word *old = power_word_of(m, m->links.items[i].ups_id);
		words[i] = (struct power_word){.ups_id = m->links.items[i].ups_id,
			.stored = -1,
			.alarms = -1,
			.told = -1};
		if (old != NULL) {
			words[i] = *old;
			old->miss = NULL;
		}
	}
	for (size_t i = 0; i < m->n_words; i++)
		mem_free(m->words[i].miss);
	mem_free(m->words);
	m->words = words;
	m->n_words = m->links.n;
}

static struct err *follow_ups(struct service *svc, struct power_orders *orders)
{
	struct power_monitor *m = svc->power;
	const char *kept[POWER_UPS_MAX] = {NULL};
	char ids[POWER_UPS_MAX][POWER_ID_SIZE];
	struct store_query q = {.limit = POWER_UPS_MAX};
	struct store_rows rows = {0};
	struct power_links links = {.n = 0};

	store_where_number(&q, "enabled", STORE_EQ, 1);
	struct err *e = store_list(svc->store, &ups_device_type, &q, &rows);
	links.items = mem_zalloc((rows.n + 1) * sizeof(*links.items));
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		e = open_link(svc, store_row(&rows, i), &links.items[links.n++]);
		power_id(ids[i], links.items[i].ups_id);
		kept[i] = ids[i];
	}
	if (e == NULL) {
		order_removals(m->engine, &listed_ups, kept, rows.n, orders);
		for (size_t i = 0; i < rows.n; i++)
			(void)power_order(orders, POWER_SET_UPS, kept[i]);
		set_links(m, &links);
		set_words(m);
	} else {
		power_links_done(&links);
	}
	store_rows_done(&rows);
	return e;
}

static int64_t scaled(int64_t value)
{
	return value == I64_NONE ? I64_NONE : value * S;
}

static struct power_rule_spec spec_of(const struct ups_rule *rule)
{
	struct power_rule_spec spec = power_rule_spec_default();

	power_id(spec.id, rule->id);
	power_id(spec.ups, rule->ups_id);
	if (rule->cluster_id != I64_NONE)
		power_id(spec.cluster, rule->cluster_id);
	spec.trigger = rule->power_event;
	spec.action = rule->cluster_action;
	spec.charge_below = scaled(rule->battery_threshold);
	spec.runtime_below = scaled(rule->runtime_threshold);
	spec.delay = rule->action_delay * S;
	spec.timeout = rule->action_timeout * S;
	spec.stable = scaled(rule->stable_s);
	spec.min_charge = scaled(rule->min_charge);
	spec.priority = rule->priority;
	spec.retries = rule->retries;
	spec.escalate = rule->on_fail == UPS_FAIL_ESCALATE;
	spec.cancel_on_restore = rule->cancel_on_restore;
	spec.abort_on_restore = rule->abort_on_restore;
	spec.dry_run = rule->dry_run;
	spec.enabled = rule->enabled;
	return spec;
}

/* What brings back what a rule took down: a rule of its own for the engine. */
static struct power_rule_spec reverse_of(const struct ups_rule *rule)
{
	struct power_rule_spec spec = spec_of(rule);

	(void)snprintf(spec.id, sizeof(spec.id), "%lld%c", (long long)rule->id, POWER_REVERSE);
	spec.trigger = POWER_ON_RESTORED;
	spec.action = ups_rule_reverse(rule->cluster_action);
	spec.charge_below = I64_NONE;
	spec.runtime_below = I64_NONE;
	spec.delay = 0;
	spec.escalate = false;
	return spec;
}

/* It begins when the runtime is down to what the action takes, and by charge or the UPS's own word
 * where the runtime is not told. */
static struct err *wait_for_last_moment(struct service *svc, const struct ups_rule *rule,
	struct power_rule_spec *spec)
{
	int64_t lead = 0;

	if (!rule->just_in_time)
		return NULL;
	TRY(power_lead_s(svc, rule, &lead));
	spec->trigger = POWER_ON_LOW;
	spec->runtime_below = lead * S;
	spec->charge_below = JUST_IN_TIME_CHARGE * S;
	return NULL;
}

static void add_rule(struct power_orders *orders, const struct power_rule_spec *spec)
{
	orders->rules[orders->n_rules] = *spec;
	power_order(orders, POWER_SET_RULE, NULL)->rule = &orders->rules[orders->n_rules++];
}

static bool is_watched(const struct power_monitor *m, const struct ups_rule *rule)
{
	return power_word_of(m, rule->ups_id) != NULL;
}

static struct err *follow_rules(struct service *svc, struct power_orders *orders)
{
	struct power_monitor *m = svc->power;
	struct store_query q = {.limit = POWER_RULES_MAX / 2};
	struct store_rows rows = {0};
	const char *kept[POWER_RULES_MAX] = {NULL};

	TRY(store_list(svc->store, &ups_rule_type, &q, &rows));
	mem_free(orders->rules);
	orders->rules = mem_zalloc((2 * rows.n + 1) * sizeof(*orders->rules));
	struct power_rule_spec *specs = mem_zalloc((2 * rows.n + 1) * sizeof(*specs));
	size_t n = 0;
	struct err *e = NULL;
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		const struct ups_rule *rule = store_row(&rows, i);
		if (!is_watched(m, rule))
			continue;
		specs[n] = spec_of(rule);
		e = wait_for_last_moment(svc, rule, &specs[n++]);
		if (rule->auto_reverse && ups_rule_reverse(rule->cluster_action) >= 0)
			specs[n++] = reverse_of(rule);
	}
	for (size_t i = 0; e == NULL && i < n; i++)
		kept[i] = specs[i].id;
	if (e == NULL)
		order_removals(m->engine, &listed_rules, kept, n, orders);
	for (size_t i = 0; e == NULL && i < n; i++)
		add_rule(orders, &specs[i]);
	mem_free(specs);
	store_rows_done(&rows);
	return e;
}

static struct power_cluster_spec feeds_of(const struct power_monitor *m, const struct cluster *c)
{
	struct power_cluster_spec spec = {.policy = c->feed_policy, .min_feeds = c->min_feeds};
	size_t i = 0;
	const json_t *id = NULL;

	power_id(spec.name, c->id);
	json_array_foreach(c->feeds, i, id)
		if (spec.n_feeds < POWER_FEEDS_MAX &&
			power_word_of(m, json_integer_value(id)) != NULL)
			power_id(spec.feeds[spec.n_feeds++], json_integer_value(id));
	json_array_foreach(c->depends_on, i, id)
		if (spec.n_depends < POWER_FEEDS_MAX)
			power_id(spec.depends[spec.n_depends++], json_integer_value(id));
	return spec;
}

static bool engine_knows(const struct power_engine *engine, const char *cluster)
{
	const char *id = NULL;

	for (int64_t i = 0; (id = power_engine_id(engine, POWER_LIST_CLUSTERS, i)) != NULL; i++)
		if (strcmp(id, cluster) == 0)
			return true;
	return false;
}

static void order_cluster(struct power_orders *orders, const struct cluster *c,
	const struct power_cluster_spec *spec)
{
	power_order(orders, POWER_SET_CLUSTER, NULL)->cluster = spec;
	power_order(orders, POWER_MAINTENANCE, spec->name)->value = c->power_maintenance;
}

/* Clusters of which power must know something, and those of which it did. */
static struct err *follow_clusters(struct service *svc, struct power_orders *orders)
{
	struct power_monitor *m = svc->power;
	struct store_rows rows = {0};
	size_t n = 0;

	TRY(store_list(svc->store, &cluster_type, NULL, &rows));
	mem_free(orders->clusters);
	orders->clusters = mem_zalloc(POWER_CLUSTERS_MAX * sizeof(*orders->clusters));
	for (size_t i = 0; i < rows.n && n < POWER_CLUSTERS_MAX; i++) {
		orders->clusters[n] = feeds_of(m, store_row(&rows, i));
		const struct cluster *c = store_row(&rows, i);
		bool said = orders->clusters[n].n_feeds > 0 || orders->clusters[n].n_depends > 0 ||
			c->power_maintenance;
		if (!said && !engine_knows(m->engine, orders->clusters[n].name))
			continue;
		order_cluster(orders, c, &orders->clusters[n++]);
	}
	store_rows_done(&rows);
	return NULL;
}

static bool same_limits(const struct power_config *a, const struct power_config *b)
{
	return a->ob_confirm == b->ob_confirm && a->ol_confirm == b->ol_confirm &&
		a->comms_lost == b->comms_lost && a->crit_charge == b->crit_charge &&
		a->crit_runtime == b->crit_runtime && a->blind_min == b->blind_min &&
		a->blind_max == b->blind_max && a->ignore_lb == b->ignore_lb;
}

static void follow_limits(struct service *svc, struct power_orders *orders)
{
	const struct config *c = svc->config;
	struct power_monitor *m = svc->power;
	struct power_config config = power_config_default();

	config.ob_confirm = c->power_ob_confirm_s * S;
	config.ol_confirm = c->power_ol_confirm_s * S;
	config.comms_lost = c->power_comms_lost_s * S;
	config.crit_charge = c->power_crit_charge_pct * S;
	config.crit_runtime = c->power_crit_runtime_s * S;
	config.blind_min = c->power_blind_min_s * S;
	config.blind_max = c->power_blind_max_s * S;
	config.ignore_lb = c->power_ignore_lb;
	if (!m->fresh && same_limits(&config, &m->config))
		return;
	m->config = config;
	power_order(orders, POWER_SET_CONFIG, NULL)->config = &m->config;
}

struct err *power_follow_store(struct service *svc, struct power_orders *orders)
{
	static const struct record_type *const types[] = {&ups_device_type, &ups_rule_type,
		&cluster_type};
	struct power_monitor *m = svc->power;
	int64_t versions[ARRAY_LEN(types)];

	follow_limits(svc, orders);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		TRY(store_table_version(svc->store, types[i], &versions[i]));
	if (memcmp(versions, m->versions, sizeof(versions)) == 0)
		return NULL;
	TRY(follow_ups(svc, orders));
	TRY(follow_clusters(svc, orders));
	TRY(follow_rules(svc, orders));
	memcpy(m->versions, versions, sizeof(versions));
	return NULL;
}

/* ---- operations ---- */

/* An operation that ended: DONE, FAILED, or ended by a person. */
static struct err *how_it_ended(struct service *svc, const struct ups_firing *firing,
	const struct operation *op, enum power_command_kind *ret)
{
	struct cluster cluster;

	*ret = POWER_REPORT_FAILED;
	if (op->status == OP_SUCCEEDED)
		*ret = POWER_REPORT_DONE;
	else if (op->status == OP_CANCELLED && firing->error == NULL)
		*ret = POWER_CANCEL_RULE;
	if (op->status != OP_PARTIAL || firing->cluster_id == I64_NONE ||
		power_action_strength(firing->action) <
			power_action_strength(POWER_DO_GRACEFUL_SHUTDOWN))
		return NULL;
	/* Only machines that did not answer are left: they were off, or nobody can do more. */
	TRY(store_get(svc->store, &cluster_type, firing->cluster_id, &cluster));
	if (cluster.status == CLUSTER_OFFLINE)
		*ret = POWER_REPORT_DONE;
	record_done(&cluster_type, &cluster);
	return NULL;
}

#define PHASE_POWER_OFF 3

static bool powers_off(const struct operation *op)
{
	const char *task = op->current_task;

	return task != NULL &&
		(strstr(task, "Power off") != NULL || strstr(task, "it is off") != NULL);
}

static struct err *report_operation(struct service *svc, const struct ups_firing *firing,
	struct power_orders *orders)
{
	enum power_command_kind kind = POWER_REPORT_FAILED;
	struct operation op;

	struct err *e = store_get(svc->store, &operation_type, firing->operation_id, &op);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* it was pruned: nobody knows how it ended */
		(void)power_order(orders, POWER_REPORT_FAILED, firing->engine_id);
		return NULL;
	}
	TRY(e);
	if (op_status_final(op.status)) {
		e = how_it_ended(svc, firing, &op, &kind);
		if (e == NULL)
			(void)power_order(orders, kind, firing->engine_id);
	} else if (powers_off(&op)) {
		power_order(orders, POWER_REPORT_PHASE, firing->engine_id)->value = PHASE_POWER_OFF;
	}
	record_done(&operation_type, &op);
	return e;
}

static struct err *report(struct service *svc, const struct ups_firing *firing,
	struct power_orders *orders)
{
	struct power_rule_view view;

	if (!power_engine_rule(svc->power->engine, firing->engine_id, &view) ||
		view.state != POWER_RUNNING || view.retries)
		return NULL;
	if (firing->dry_run || firing->action == POWER_DO_NOTIFY)
		(void)power_order(orders, POWER_REPORT_DONE, firing->engine_id);
	else if (firing->operation_id == I64_NONE)
		(void)power_order(orders, POWER_REPORT_FAILED, firing->engine_id);
	else
		return report_operation(svc, firing, orders);
	return NULL;
}

/* A cluster that we took down and that runs again by other means: the next outage must act. */
static struct err *look_at_cluster(struct service *svc, const char *id, struct power_orders *orders)
{
	int64_t level = power_engine_level(svc->power->engine, id);
	int64_t number = 0;
	struct cluster c;

	if (level == 0)
		return NULL;
	TRY(parse_i64(id, 1, INT64_MAX, &number));
	struct err *e = store_get(svc->store, &cluster_type, number, &c);
	if (e != NULL) {
		if (err_code(e) != ERR_NOT_FOUND)
			return e;
		err_ignore(e); /* removed */
		(void)power_order(orders, POWER_REMOVE_CLUSTER, id);
		return NULL;
	}
	bool down = c.status != CLUSTER_ACTIVE;
	if (level == power_action_strength(POWER_DO_SCALE_DOWN))
		down = json_object_get(c.saved, "suspended") != NULL;
	record_done(&cluster_type, &c);
	if (!down)
		(void)power_order(orders, POWER_CLUSTER_UP, id);
	return NULL;
}

static bool is_worked_on(const struct store_rows *rows, const char *cluster)
{
	char id[POWER_ID_SIZE];

	for (size_t i = 0; i < rows->n; i++) {
		const struct ups_firing *firing = store_row(rows, i);
		power_id(id, firing->cluster_id);
		if (firing->cluster_id != I64_NONE && strcmp(id, cluster) == 0)
			return true;
	}
	return false;
}

struct err *power_follow_operations(struct service *svc, struct power_orders *orders)
{
	const struct power_engine *engine = svc->power->engine;
	struct store_query q = {.limit = POWER_RULES_MAX};
	struct store_rows rows = {0};
	const char *id = NULL;

	if (svc->power->owed.n > 0)
		return NULL; /* the rows do not tell yet what runs */
	store_where_number(&q, "state", STORE_EQ, POWER_RUNNING);
	struct err *e = store_list(svc->store, &ups_firing_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		e = report(svc, store_row(&rows, i), orders);
	for (int64_t i = 0;
		e == NULL && (id = power_engine_id(engine, POWER_LIST_CLUSTERS, i)) != NULL; i++)
		if (!is_worked_on(&rows, id))
			e = look_at_cluster(svc, id, orders);
	store_rows_done(&rows);
	return e;
}

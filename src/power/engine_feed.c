/* The feeds of a cluster (facts/nut.md 4.3): what several UPSes say together about one rule. */
#include "power/engine_int.h"

#include <string.h>

#include "base/mem.h"

#define STARTUP_STABLE_MS 120000
#define OTHER_STABLE_MS 30000
#define STARTUP_CHARGE 40000

static const struct ups *ups_of(const struct power_engine *engine, const struct feed *feed)
{
	return &engine->ups[feed->index];
}

static int64_t min_charge(const struct rule *rule)
{
	bool start = rule->spec.action == POWER_DO_STARTUP || rule->spec.action == POWER_DO_WAKE;

	if (rule->spec.min_charge != I64_NONE)
		return rule->spec.min_charge;
	return start ? STARTUP_CHARGE : 0;
}

static int64_t stable_for(const struct rule *rule)
{
	bool start = rule->spec.action == POWER_DO_STARTUP || rule->spec.action == POWER_DO_WAKE;
	int64_t stable = rule->spec.stable;

	if (stable == I64_NONE)
		stable = start ? STARTUP_STABLE_MS : OTHER_STABLE_MS;
	return stable > rule->spec.delay ? stable : rule->spec.delay;
}

/** Whether the sample counts for the rule: 1, 0, or -1 when it says nothing about it. */
static int sample_counts(const struct power_engine *engine, const struct rule *rule,
	const struct ups *ups)
{
	const struct power_rule_spec *spec = &rule->spec;

	if (power_action_is_up(spec->action))
		return ups->charge == I64_NONE ? -1 : ups->charge >= min_charge(rule);
	if (spec->trigger != POWER_ON_LOW && spec->trigger != POWER_ON_RUNTIME)
		return -1;
	if (ups->sample_line == LINE_NONE)
		return -1;
	if (ups->sample_line == LINE_OL)
		return 0;
	bool lb = (ups->tokens & POWER_LB) != 0 && !engine->config.ignore_lb;
	bool charge = spec->charge_below != I64_NONE && ups->charge != I64_NONE &&
		ups->charge <= spec->charge_below;
	bool runtime = spec->runtime_below != I64_NONE && ups->runtime != I64_NONE &&
		ups->runtime <= spec->runtime_below;
	return lb || charge || runtime;
}

void feed_count(struct power_engine *engine, const struct ups *ups)
{
	for (int64_t r = 0; r < engine->n_rules; r++) {
		struct rule *rule = &engine->rules[r];
		int counts = sample_counts(engine, rule, ups);
		for (int64_t f = 0; f < rule->n_feeds && counts >= 0; f++) {
			struct streak *streak = &rule->feeds[f].streak;
			if (ups_of(engine, &rule->feeds[f]) != ups)
				continue;
			if (counts == 0)
				*streak = (struct streak){.first = I64_NONE};
			else if (streak->n++ == 0)
				streak->first = engine->now;
		}
	}
}

static void earliest(int64_t *since, bool holds, int64_t candidate)
{
	if (holds && (*since == I64_NONE || candidate < *since))
		*since = candidate;
}

/** Since when the rule's event holds on one feed, I64_NONE when it does not. */
static int64_t holds_since(const struct rule *rule, const struct feed *feed, const struct ups *ups)
{
	bool onbatt = ups->mains == MAINS_ONBATT;
	int64_t since = I64_NONE;

	switch ((enum power_trigger)rule->spec.trigger) {
	case POWER_ON_LOSS:
		earliest(&since, onbatt, ups->loss_since);
		break;
	case POWER_ON_LOW:
	case POWER_ON_RUNTIME:
		earliest(&since, onbatt && feed->streak.n >= 2, feed->streak.first);
		break;
	case POWER_ON_CRITICAL:
		earliest(&since, onbatt && ups->crit.n >= 2, ups->crit.first);
		earliest(&since, ups->fsd_critical, ups->fsd_since);
		earliest(&since, ups->blind, ups->blind_since);
		break;
	case POWER_ON_UPS_SHUTDOWN:
		earliest(&since, ups->fsd_critical, ups->fsd_since);
		break;
	case POWER_ON_COMMS_LOST:
		earliest(&since, ups->lost, ups->lost_since);
		break;
	case POWER_ON_RESTORED:
	case POWER_ON_UPS_STARTUP:
	case POWER_ON_N_:
		break;
	}
	return since;
}

static void sort_times(int64_t *times, int64_t n)
{
	for (int64_t i = 1; i < n; i++) {
		int64_t t = times[i];
		int64_t j = i;
		for (; j > 0 && times[j - 1] > t; j--)
			times[j] = times[j - 1];
		times[j] = t;
	}
}

static bool is_back(const struct power_engine *engine, const struct rule *rule,
	const struct ups *ups)
{
	if (rule->spec.trigger == POWER_ON_COMMS_LOST)
		return ups->ever && !ups->lost;
	return ups_is_back(engine, ups);
}

struct verdict feed_verdict(const struct power_engine *engine, const struct rule *rule)
{
	int64_t since[POWER_FEEDS_MAX];
	int64_t n_hold = 0;
	int64_t n_out = 0;
	int64_t n_back = 0;
	int64_t n_line = 0;
	bool known = true;
	bool sure = false; /* the last word of at least one feed is that power is away */

	for (int64_t f = 0; f < rule->n_feeds; f++) {
		const struct ups *ups = ups_of(engine, &rule->feeds[f]);
		int64_t holds = holds_since(rule, &rule->feeds[f], ups);
		bool out = ups_is_out(ups);
		if (holds != I64_NONE)
			since[n_hold++] = holds;
		else
			n_out += out;
		sure = sure || (holds != I64_NONE && (ups->line != LINE_OL || ups->fsd));
		n_back += is_back(engine, rule, ups);
		n_line += !out && ups->line == LINE_OL && !ups->fsd;
		known = known && (ups->heard_since_restart || out);
	}
	/* It is down once fewer feeds are left than it needs: the feed that made it so gives the
	 * time. */
	int64_t must_fail = rule->n_feeds - rule->need + 1;
	struct verdict verdict = {.satisfied = n_hold > 0 && n_hold + n_out >= must_fail,
		.back = n_back >= rule->need,
		.held = rule->spec.trigger != POWER_ON_COMMS_LOST &&
			(n_line >= rule->need || !sure),
		.known = known,
		.since = I64_NONE};
	if (verdict.satisfied) {
		int64_t last = must_fail - n_out;
		sort_times(since, n_hold);
		verdict.since = since[last > 0 ? last - 1 : 0];
	}
	return verdict;
}

static bool charge_is_good(const struct power_engine *engine, const struct rule *rule,
	const struct feed *feed)
{
	const struct ups *ups = ups_of(engine, feed);

	if (min_charge(rule) == 0)
		return true;
	if (ups->charge == I64_NONE)
		return engine->now - ups->ol_since >= NO_CHARGE_STABLE_MS;
	return feed->streak.n >= 2;
}

bool feed_gates(const struct power_engine *engine, const struct rule *rule)
{
	for (int64_t f = 0; f < rule->n_feeds; f++) {
		const struct ups *ups = ups_of(engine, &rule->feeds[f]);
		if (ups->mains != MAINS_ONLINE || ups->open || ups_is_out(ups) || ups->fsd ||
			!ups->fresh || ups->line != LINE_OL || ups->ol_since == I64_NONE ||
			engine->now - ups->ol_since < stable_for(rule) ||
			!charge_is_good(engine, rule, &rule->feeds[f]))
			return false;
	}
	return true;
}

/** The names of the UPSes that a rule looks at, and how many of them it needs. */
static void names_of(struct power_engine *engine, const struct rule *rule,
	char names[POWER_FEEDS_MAX][POWER_NAME_SIZE], int64_t *ret_n, int64_t *ret_need)
{
	const struct cluster *cluster = engine_cluster(engine, rule->spec.cluster);
	bool member = false;

	*ret_need = 1;
	for (int64_t f = 0; cluster != NULL && f < cluster->spec.n_feeds; f++)
		member = member || strcmp(cluster->spec.feeds[f], rule->spec.ups) == 0;
	bool all = member &&
		(cluster->spec.policy == POWER_FEEDS_ALL || power_action_is_up(rule->spec.action));
	if (!all) {
		NAME_SET(names[0], rule->spec.ups);
		*ret_n = 1;
		return;
	}
	*ret_n = cluster->spec.n_feeds;
	memcpy(names, cluster->spec.feeds, sizeof(cluster->spec.feeds));
	if (cluster->spec.min_feeds > 1)
		*ret_need = cluster->spec.min_feeds < *ret_n ? cluster->spec.min_feeds : *ret_n;
}

static struct streak old_streak(const struct feed *feeds, int64_t n, const char *name)
{
	for (int64_t i = 0; i < n; i++) {
		if (strcmp(feeds[i].name, name) == 0)
			return feeds[i].streak;
	}
	return (struct streak){.first = I64_NONE};
}

static void resolve_rule(struct power_engine *engine, struct rule *rule)
{
	char names[POWER_FEEDS_MAX][POWER_NAME_SIZE];
	struct feed old[POWER_FEEDS_MAX];
	int64_t n_old = rule->n_feeds;
	int64_t n = 0;

	memcpy(old, rule->feeds, sizeof(old));
	names_of(engine, rule, names, &n, &rule->need);
	rule->n_feeds = 0;
	for (int64_t i = 0; i < n; i++) {
		const struct ups *ups = engine_ups(engine, names[i]);
		if (ups == NULL)
			continue;
		struct feed *feed = &rule->feeds[rule->n_feeds++];
		*feed = (struct feed){.index = ups - engine->ups,
			.streak = old_streak(old, n_old, names[i])};
		NAME_SET(feed->name, names[i]);
	}
}

void feed_resolve(struct power_engine *engine)
{
	for (int64_t r = 0; r < engine->n_rules; r++)
		resolve_rule(engine, &engine->rules[r]);
}

/* The state machine of one UPS (facts/nut.md 4.2): what the line is, whether an outage is
 * confirmed, whether silence means something. Knows nothing of rules. */
#include "power/engine_int.h"

#include <string.h>

#include "base/mem.h"

static bool has_lasted(int64_t since, int64_t span, int64_t now)
{
	return since != I64_NONE && now - since >= span;
}

static void tell(const struct ups *ups, enum power_event event, enum power_reason reason,
	int64_t since, struct power_effects *out)
{
	struct power_effect *effect = effect_new(out, POWER_TELL_UPS);

	NAME_SET(effect->ups, ups->name);
	effect->event = event;
	effect->reason = reason;
	effect->since = since;
	effect->episode = ups->episode;
}

void ups_init(struct ups *ups, const char *name, int64_t now)
{
	*ups = (struct ups){.heard_from = now,
		.heard_since_restart = true,
		.last_sample = I64_NONE,
		.ob_since = I64_NONE,
		.ol_since = I64_NONE,
		.loss_since = I64_NONE,
		.lost_since = I64_NONE,
		.off_since = I64_NONE,
		.fsd_since = I64_NONE,
		.blind_since = I64_NONE,
		.said_lost = I64_NONE,
		.charge = I64_NONE,
		.runtime = I64_NONE,
		.dischrg_charge = I64_NONE,
		.crit = {.first = I64_NONE}};
	NAME_SET(ups->name, name);
	for (size_t i = 0; i < POWER_OPENINGS_MAX; i++)
		ups->openings[i] = I64_NONE;
}

void ups_begin(struct ups *ups)
{
	ups->fresh = false;
	ups->restored_now = false;
	ups->lost_power_now = false;
	ups->appeared_now = false;
	ups->sample_line = LINE_NONE;
}

void ups_restarted(struct ups *ups, int64_t now)
{
	ups->heard_from = now;
	ups->heard_since_restart = false;
	ups->blind = false;
	ups->lost = false;
	ups->lost_since = I64_NONE;
	ups->said_lost = I64_NONE;
	/* What was not yet confirmed is looked at anew: nobody knows what was in between. */
	ups->ol_since = I64_NONE;
	if (ups->mains != MAINS_ONBATT)
		ups->ob_since = I64_NONE;
	if (ups->crit.n < 2)
		ups->crit = (struct streak){.first = I64_NONE};
}

bool ups_is_out(const struct ups *ups)
{
	return !ups->ever || ups->lost || ups->off || ups->blind;
}

bool ups_is_back(const struct power_engine *engine, const struct ups *ups)
{
	int64_t span = ups->flapping ? engine->config.flap_ol_confirm : engine->config.ol_confirm;

	return ups->mains == MAINS_ONLINE && !ups->open && !ups_is_out(ups) && ups->fresh &&
		ups->line == LINE_OL && has_lasted(ups->ol_since, span, engine->now);
}

/** The charge when DISCHRG appeared on mains: a UPS that loses charge "on line" is not. */
static void follow_discharge(struct ups *ups, const struct power_observation *o)
{
	if ((o->tokens & POWER_DISCHRG) == 0)
		ups->dischrg_charge = I64_NONE;
	else if (ups->dischrg_charge == I64_NONE)
		ups->dischrg_charge = o->charge;
}

static enum line line_of(const struct power_engine *engine, const struct ups *ups,
	const struct power_observation *o)
{
	const struct power_config *config = &engine->config;
	bool empty = o->charge != I64_NONE && o->charge <= config->cal_floor;

	if ((o->tokens & POWER_OB) != 0 && (o->tokens & POWER_CAL) != 0)
		return empty || ups->open ? LINE_OB : LINE_OL;
	/* Both at once: an outage, unless it never said anything else (a broken driver). */
	if ((o->tokens & POWER_OB) != 0)
		return (o->tokens & POWER_OL) == 0 || ups->said_ol ? LINE_OB : LINE_NONE;
	if ((o->tokens & POWER_OL) == 0)
		return LINE_NONE;
	if ((o->tokens & POWER_DISCHRG) != 0 && (o->tokens & POWER_CAL) == 0 &&
		o->charge != I64_NONE && ups->dischrg_charge != I64_NONE &&
		ups->dischrg_charge - o->charge >= config->dischrg_drop)
		return LINE_OB;
	return LINE_OL;
}

static void count_critical(const struct power_engine *engine, struct ups *ups, enum line line)
{
	const struct power_config *config = &engine->config;
	bool low = ((ups->tokens & POWER_LB) != 0 && !config->ignore_lb) ||
		(ups->charge != I64_NONE && ups->charge <= config->crit_charge) ||
		(config->crit_runtime > 0 && ups->runtime != I64_NONE &&
			ups->runtime <= config->crit_runtime);

	if (line == LINE_NONE)
		return;
	if (line == LINE_OL || !low) {
		ups->crit = (struct streak){.first = I64_NONE};
		return;
	}
	if (ups->crit.n++ == 0)
		ups->crit.first = engine->now;
}

static void follow_fsd(const struct power_engine *engine, struct ups *ups, bool first,
	struct power_effects *out)
{
	bool fsd = (ups->tokens & POWER_FSD) != 0;

	if (!fsd) {
		ups->fsd = false;
		ups->fsd_ours = false;
		ups->fsd_critical = false;
		ups->fsd_since = I64_NONE;
		return;
	}
	if (ups->fsd)
		return;
	ups->fsd = true;
	ups->fsd_since = engine->now;
	if (first && ups->line != LINE_OB) {
		tell(ups, POWER_EVENT_FSD_LATCHED, POWER_NO_REASON, engine->now, out);
		return;
	}
	if (ups->fsd_ours)
		return;
	ups->fsd_critical = true;
	if (!ups->open) {
		/* It ends like an outage: by confirmed mains without FSD. */
		ups->open = true;
		ups->episode++;
	}
	tell(ups, POWER_EVENT_CRITICAL, POWER_WHY_FSD, engine->now, out);
}

static void follow_line(const struct power_engine *engine, struct ups *ups, enum line line,
	bool gap)
{
	if (line == LINE_OB) {
		ups->ol_since = I64_NONE;
		if (ups->line != LINE_OB || ups->ob_since == I64_NONE)
			ups->ob_since = engine->now;
	} else if (line == LINE_OL) {
		ups->ob_since = I64_NONE;
		if (ups->line != LINE_OL || ups->ol_since == I64_NONE || gap)
			ups->ol_since = engine->now;
	} else if (gap) {
		ups->ol_since = I64_NONE;
	}
	if (line != LINE_NONE)
		ups->line = line;
}

static void follow_off(const struct power_engine *engine, struct ups *ups)
{
	if ((ups->tokens & POWER_OFF) == 0) {
		ups->off = false;
		ups->off_since = I64_NONE;
	} else if (ups->off_since == I64_NONE) {
		ups->off_since = engine->now;
	}
}

/** Another device answers to this name: nothing it says counts. */
static bool is_other_device(struct ups *ups, const struct power_observation *o,
	struct power_effects *out)
{
	if (o->identity == NULL || o->identity[0] == '\0')
		return false;
	if (ups->identity[0] == '\0')
		NAME_SET(ups->identity, o->identity);
	if (strncmp(ups->identity, o->identity, sizeof(ups->identity) - 1) == 0) {
		ups->other_identity = false;
		return false;
	}
	if (!ups->other_identity)
		tell(ups, POWER_EVENT_IDENTITY_CHANGED, POWER_NO_REASON, I64_NONE, out);
	ups->other_identity = true;
	return true;
}

/** A sample after silence that was told: the clock of an outage begins afresh. */
static void heard_again(struct power_engine *engine, struct ups *ups, struct power_effects *out)
{
	if (!ups->lost)
		return;
	ups->lost = false;
	ups->lost_since = I64_NONE;
	ups->said_lost = I64_NONE;
	ups->ol_since = I64_NONE;
	if (ups->mains != MAINS_ONBATT)
		ups->ob_since = I64_NONE;
	ups->appeared_now = true;
	tell(ups, POWER_EVENT_COMMS_OK, POWER_NO_REASON, engine->now, out);
}

bool ups_observe(struct power_engine *engine, struct ups *ups, const struct power_observation *o,
	struct power_effects *out)
{
	bool first = !ups->ever;

	if (!o->ok || o->tokens == 0 || (o->tokens & POWER_WAIT) != 0 ||
		is_other_device(ups, o, out))
		return false;
	heard_again(engine, ups, out);
	bool gap = ups->last_sample == I64_NONE || engine->now - ups->last_sample > SAMPLE_GAP_MS;
	ups->ever = true;
	ups->fresh = true;
	ups->appeared_now = ups->appeared_now || first;
	ups->heard_since_restart = true;
	ups->blind = false;
	ups->blind_since = I64_NONE;
	ups->heard_from = engine->now;
	ups->last_sample = engine->now;
	ups->tokens = o->tokens;
	ups->charge = o->charge;
	ups->runtime = o->runtime;
	follow_discharge(ups, o);
	if ((o->tokens & (POWER_OL | POWER_OB)) == POWER_OL)
		ups->said_ol = true;
	enum line line = line_of(engine, ups, o);
	ups->sample_line = line;
	follow_line(engine, ups, line, gap);
	count_critical(engine, ups, line);
	follow_off(engine, ups);
	follow_fsd(engine, ups, first, out);
	return true;
}

static void open_outage(const struct power_engine *engine, struct ups *ups,
	struct power_effects *out)
{
	const struct power_config *config = &engine->config;
	int64_t n = 0;

	if (!ups->open)
		ups->episode++;
	ups->open = true;
	ups->mains = MAINS_ONBATT;
	ups->loss_since = ups->ob_since;
	ups->lost_power_now = true;
	memmove(ups->openings + 1, ups->openings, sizeof(ups->openings) - sizeof(int64_t));
	ups->openings[0] = engine->now;
	while (n < POWER_OPENINGS_MAX && ups->openings[n] != I64_NONE &&
		engine->now - ups->openings[n] <= config->flap_window)
		n++;
	ups->flapping = n >= config->flap_count;
	tell(ups, POWER_EVENT_LOSS, POWER_NO_REASON, ups->loss_since, out);
	if (ups->flapping)
		tell(ups, POWER_EVENT_FLAPPING, POWER_NO_REASON, ups->loss_since, out);
}

static void advance_line(const struct power_engine *engine, struct ups *ups,
	struct power_effects *out)
{
	const struct power_config *config = &engine->config;
	int64_t span = ups->flapping ? config->flap_ol_confirm : config->ol_confirm;

	if (ups->line == LINE_OB && ups->mains != MAINS_ONBATT &&
		has_lasted(ups->ob_since, config->ob_confirm, engine->now)) {
		open_outage(engine, ups, out);
		return;
	}
	if (ups->line != LINE_OL || !ups->fresh)
		return;
	if (ups->mains == MAINS_UNKNOWN)
		ups->mains = MAINS_ONLINE; /* silently */
	if (!ups->open || ups->fsd || !has_lasted(ups->ol_since, span, engine->now))
		return;
	ups->mains = MAINS_ONLINE;
	ups->open = false;
	ups->flapping = false;
	ups->restored_now = true;
	ups->loss_since = I64_NONE;
	tell(ups, POWER_EVENT_RESTORED, POWER_NO_REASON, ups->ol_since, out);
}

static int64_t blind_limit(const struct power_engine *engine, const struct ups *ups)
{
	const struct power_config *config = &engine->config;

	if ((ups->tokens & POWER_LB) != 0 && !config->ignore_lb)
		return BLIND_LB_MS;
	if (ups->runtime == I64_NONE || ups->runtime / 4 < config->blind_min)
		return config->blind_min;
	return ups->runtime / 4 > config->blind_max ? config->blind_max : ups->runtime / 4;
}

static void advance_silence(const struct power_engine *engine, struct ups *ups,
	struct power_effects *out)
{
	const struct power_config *config = &engine->config;
	int64_t silent = engine->now - ups->heard_from;

	if (ups->fresh)
		return;
	if (ups->mains == MAINS_ONBATT && ups->line != LINE_OL) {
		if (ups->blind || silent < blind_limit(engine, ups))
			return;
		ups->blind = true;
		ups->blind_since = engine->now;
		tell(ups, POWER_EVENT_CRITICAL, POWER_WHY_BLIND, engine->now, out);
		return;
	}
	if (silent < config->comms_lost)
		return;
	if (ups->said_lost != I64_NONE && engine->now - ups->said_lost < config->comms_repeat)
		return;
	if (!ups->lost)
		ups->lost_since = engine->now;
	ups->lost = true;
	ups->said_lost = engine->now;
	tell(ups, POWER_EVENT_COMMS_LOST, POWER_NO_REASON, ups->lost_since, out);
}

void ups_advance(struct power_engine *engine, struct ups *ups, struct power_effects *out)
{
	advance_line(engine, ups, out);
	advance_silence(engine, ups, out);
	if (!ups->off && has_lasted(ups->off_since, engine->config.off_confirm, engine->now) &&
		ups->fresh) {
		ups->off = true;
		tell(ups, POWER_EVENT_UPS_OFF, POWER_NO_REASON, ups->off_since, out);
	}
}

/* Owns the tables of tiers and series. */
#include "model/sample.h"

#include <string.h>

#include "base/mem.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

const struct sample_tier sample_tiers[SAMPLE_TIERS] = {
	{10, HOUR},
	{60, DAY},
	{600, 7 * DAY},
	{HOUR, 31 * DAY},
	{8 * HOUR, 366 * DAY},
};

const struct sample_series sample_series[] = {
	{"up", NULL, "1 it is well, 0.5 not as it should be, 0 it is down; an average is a share"},
	{"ssh_ms", "ms", "Time until the port of SSH took a connection"},
	{"api_ms", "ms", "Time until the Kubernetes API told that it is ready"},
	{"nodes_well", NULL, "Nodes that are well"},
	{"quorum_margin", NULL, "Voters that may be lost"},
	{"charge", "%", "Charge of the battery"},
	{"runtime_s", "s", "Time that the battery lasts under the load of then"},
	{"load", "%", "Load of the UPS"},
	{"power_w", "W", "Real power of the load"},
	{"input_v", "V", "Voltage of the mains"},
	{"battery_v", "V", "Voltage of the battery"},
	{"temperature_c", "C", "Temperature of the UPS"},
	{NULL, NULL, NULL},
};

const struct sample_series *sample_series_get(const char *name)
{
	for (const struct sample_series *s = sample_series; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

#define S struct sample_block
static const struct field fields[] = {
	ROW_I64(S, id, FIELD_FIND, .help = "Number of the block."),
	ROW_TEXT(S, subject, FIELD_FIND, .max = 64, .help = "Of what."),
	ROW_I64(S, tier, FIELD_FIND, .min = 0, .max = SAMPLE_TIERS - 1, .help = "How fine."),
	ROW_TIME(S, begin, FIELD_FIND, .help = "When it begins."),
	ROW_JSON(S, series, FIELD_PACKED, .help = "Values by series."),
};

const struct record_type sample_block_type = {
	.name = "block of samples",
	.table = "samples",
	.size = sizeof(S),
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};

/* The table of colours and of status words. Pure. */
#include "cli/style.h"

#include <stddef.h>
#include <string.h>

static const char *const sequences[STYLE_N_] = {
	[STYLE_NONE] = "",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_BUSY] = "\033[36m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_BOLD] = "\033[1m",
};

static const struct {
	const char *word;
	enum style style;
} words[] = {
	{"online", STYLE_GOOD},
	{"active", STYLE_GOOD},
	{"up", STYLE_GOOD},
	{"running", STYLE_GOOD},
	{"succeeded", STYLE_GOOD},
	{"ok", STYLE_GOOD},
	{"ready", STYLE_GOOD},
	{"changed", STYLE_WARN},
	{"degraded", STYLE_WARN},
	{"partial", STYLE_WARN},
	{"paused", STYLE_WARN},
	{"stopped", STYLE_WARN},
	{"interrupted", STYLE_WARN},
	{"cancelled", STYLE_WARN},
	{"queued", STYLE_BUSY},
	{"provisioning", STYLE_BUSY},
	{"initializing", STYLE_BUSY},
	{"pending", STYLE_BUSY},
	{"offline", STYLE_BAD},
	{"down", STYLE_BAD},
	{"error", STYLE_BAD},
	{"failed", STYLE_BAD},
	{"unreachable", STYLE_BAD},
	{"timed_out", STYLE_BAD},
	{"unknown", STYLE_DIM},
	{"none", STYLE_DIM},
	{"not_installed", STYLE_DIM},
	{"skipped", STYLE_DIM},
	{"installed", STYLE_BUSY},
};

const char *style_on(bool color, enum style style)
{
	return color ? sequences[style] : "";
}

const char *style_off(bool color)
{
	return color ? "\033[0m" : "";
}

enum style style_of_status(const char *word)
{
	for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].style;
	return STYLE_NONE;
}

/* How a failure is told: what failed, why, what to type next. */
#pragma once

#include "cli/run.h"

/** Write an error to stderr: "mko: what failed", "  why" (each wrong field its own line), "  try:
 * what to type". */
void cli_complain(struct cli *cli, const struct err *e);
/** Write a line to stderr with all but colours escaped. @label before it, may be NULL */
void cli_complain_line(struct cli *cli, const char *label, const char *text);

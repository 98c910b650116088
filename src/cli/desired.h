/* Differences between a cluster and its file, for people. */
#pragma once

#include "cli/run.h"

/** Print changes and notes as lines that begin with + ~ - !, and a line that counts them.
 * @name of the cluster   @difference object with "changes" and "notes" */
void cli_print_difference(struct cli *cli, const char *name, const json_t *difference);

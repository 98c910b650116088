/* Shell completion: small scripts for three shells, and the one place that knows what may follow
 * what. */
#pragma once

#include "cli/run.h"

/** Candidates for the last word of a command line, one a line: "WORD\tDESCRIPTION". Names of
 * objects are asked from the API; when it does not answer there are none. @words after "mko"; the
 * last one is the one being typed (may be "")   @out appended */
void cli_complete(struct cli *cli, const char *const *words, size_t n, struct str *out);
/** The script for a shell ("bash", "zsh", "fish"), static; NULL for an unknown one. */
const char *cli_complete_script(const char *shell);

/* Mending what the doctor found: by operations, one after the other, in a safe order. */
#pragma once

#include "cli/run.h"

/** Offer each operation that mends findings without a further choice, and run what is agreed to
 * (--yes: all): each is locked and audited like any other.
 * @items findings   @ret_mended true when at least one ran to its end. Errors: ERR_NOT_CONFIRMED
 * without a terminal and --yes; those of cli_operate(), after which nothing more is run. */
struct err *cli_fix(struct cli *cli, const json_t *items, bool *ret_mended) ERR_RESULT;

/** --fix */
extern const struct cli_optset cli_fix_options;

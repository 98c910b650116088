/* What a dry run says: who would be touched, what it locks, what it costs. */
#pragma once

#include "cli/run.h"

/** Print a preview of an operation with -o: for people the hosts, locks, voters, pods that cannot
 * move and volumes that stay behind; for machines all of it.
 * @preview reply of a route with ?dry_run=true. Errors: ERR_IO. */
struct err *cli_print_preview(struct cli *cli, const json_t *preview) ERR_RESULT;

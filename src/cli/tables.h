/* Tables that several commands share: nouns with their columns, sets of options, arguments. */
#pragma once

#include "cli/cmd.h"

extern const struct cli_noun noun_node, noun_cluster, noun_operation, noun_schedule, noun_workflow,
	noun_playbook, noun_ups, noun_ups_rule, noun_system, noun_user, noun_token, noun_audit,
	noun_health, noun_notify;

/** --limit --sort --filter --no-... of every list. */
extern const struct cli_optset cli_list_options;
/** --detach --check --diff --dry-run --print-command --keep --timeout of every command that starts
 * an operation. */
extern const struct cli_optset cli_op_options;
/** Only --detach: of commands that start what is described elsewhere. */
extern const struct cli_optset cli_wait_options;
/** Options of what the quorum guard may refuse. */
extern const struct cli_optset cli_guard_options;

/** Help of an option that several commands have. */
#define CLI_HELP_CLUSTER "cluster by name or number"

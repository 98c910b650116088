/* Specifications made from the tables, for `mko spec`, docs/reference and tests. Pure. */
#pragma once

#include <jansson.h>

#include "base/str.h"

/** The command line as Markdown: every command with arguments, options and examples. */
void cli_spec_cli_markdown(struct str *out);
/** The command line as JSON:
 * {"commands":[{path,summary,args,options,...}],"global_options":[...],"exit_codes":[...]}. Owned.
 */
json_t *cli_spec_cli_json(void);
/** The configuration keys as Markdown. */
void cli_spec_config_markdown(struct str *out);
/** The configuration keys as a commented YAML file with every default: config/mko.yaml. */
void cli_spec_config_yaml(struct str *out);
/** The configuration keys as JSON: {"keys":[{key,type,default,min,max,choices,help}]}. Owned. */
json_t *cli_spec_config_json(void);
/** The reference page of the REST API. @document OpenAPI */
void cli_spec_api_markdown(const json_t *document, struct str *out);
/** The page of all checks of nodes and clusters. */
void cli_spec_checks_markdown(struct str *out);
/** All checks as JSON: {"checks": [...]}. Owned. */
json_t *cli_spec_checks_json(void);

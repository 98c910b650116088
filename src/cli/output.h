/* Data on stdout in every format. What goes to people is escaped for the terminal; what goes to
 * machines is as the API gave it. */
#pragma once

#include "cli/run.h"

/** Print a list with -o: table and wide by columns, json as {"items":[...]}, yaml, csv with the
 * field names, name by key.
 * @key field that names an item   @items array. Errors: ERR_IO. */
struct err *cli_print_list(struct cli *cli, const struct cli_column *columns, size_t n_columns,
	const char *key, const json_t *items) ERR_RESULT;
/** Print a table of items whatever -o says. @title line above, NULL = none */
void cli_print_table(struct cli *cli, const char *title, const struct cli_column *columns,
	size_t n_columns, const json_t *items);
/** Print one object with -o: as lines "name  value" for people, tables of what it contains below.
 * @key as above */
struct err *cli_print_object(struct cli *cli, const char *key, const json_t *object) ERR_RESULT;
/** Print a document as JSON, or as YAML with -o yaml. */
struct err *cli_print_document(struct cli *cli, const json_t *document) ERR_RESULT;
/** True when -o asks for a format for machines that shows whole objects. */
bool cli_output_is_document(const struct cli *cli);

/** Text of a cell as people see it, not escaped; "-" for nothing. @now_ms UTC. The caller frees. */
char *cli_cell(const struct cli_column *column, const json_t *object, int64_t now_ms);
/** A JSON text that is also safe on a terminal: control characters beyond ASCII are escaped.
 * @indent spaces, 0 = one line. Caller frees. */
char *cli_json_dump(const json_t *json, size_t indent);
/** A size for people: "512 B", "7.6 GiB". The caller frees. */
char *cli_bytes_text(int64_t bytes);

/* mko cluster recover: the plan is made and shown first, and only then the steps are taken. */
#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

/** The plan that a host reported, NULL when none did; borrowed. */
static const json_t *plan_of(const json_t *operation)
{
	size_t i;
	const json_t *host;

	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		const json_t *plan = cli_json_get(host, "data.recover");
		if (plan != NULL)
			return plan;
	}
	return NULL;
}

static struct err *print_plan(struct cli *cli, const json_t *plan)
{
	size_t i;
	const json_t *step;

	if (cli_output_is_document(cli))
		return cli_print_document(cli, plan);
	json_array_foreach(cli_json_get(plan, "steps"), i, step) {
		cleanup(mem_freep) char *text = cli_esc(json_string_value(step));
		(void)fprintf(cli->io->out, "%zu. %s\n", i + 1, text);
	}
	(void)fflush(cli->io->out);
	return NULL;
}

/** Let the nodes be looked at; nothing is changed. @ret_digest of the plan shown, NULL when nothing
 * was waited for; owned */
static struct err *make_plan(struct cli *cli, const char *path, char **ret_digest)
{
	json_t *final = NULL;

	struct err *e = cli_operate(cli, path, json_pack("{s:b}", "check_mode", 1), &final);
	const json_t *plan = plan_of(final);
	if (e == NULL && plan != NULL)
		e = print_plan(cli, plan);
	if (e == NULL && plan != NULL)
		*ret_digest = mem_strdup(cli_json_text(plan, "digest", ""));
	json_decref(final);
	return e;
}

static struct err *run_recover(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "recover", NULL);
	cleanup(mem_freep) char *what =
		mem_printf("recover the quorum of cluster %s by these steps", cli->args[0]);
	cleanup(mem_freep) char *digest = NULL;

	cli_what(cli, "recover the quorum of cluster %s", cli->args[0]);
	TRY(make_plan(cli, path, &digest));
	if (digest == NULL || cli_opt_given(cli, "check"))
		return NULL;
	TRY(cli_confirm(cli, what, cli->args[0]));
	return cli_operate(cli, path, json_pack("{s:s}", "plan", digest), NULL);
}

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
const struct cli_cmd cmd_cluster_recover = {
	.path = "cluster recover",
	.summary = "Bring a cluster back that lost more than half of its voters for good",
	.details =
		"Looks at the survivors and shows each step with its effect; nothing is done before it is confirmed, nor when the situation has changed "
		"since. Refused while the datastore answers, or could by starting what is there. Every survivor's datastore is saved first.",
	.example = "mko cluster recover prod --check\nmko cluster recover prod",
	.noun = &noun_cluster,
	.action = "recover",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.sets = {&cli_op_options},
	.run = run_recover,
};

/* Owns how long to rest between two looks. */
#include "cli/watch.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"

#define PAUSE_MS 10000
#define SLICE_MS 200 /* so that Ctrl-C is heard */

static int interrupts(const struct cli *cli)
{
	return cli->io->interrupts != NULL ? cli->io->interrupts() : 0;
}

/* Let time pass. @ret_end Ctrl-C was typed */
static struct err *rest(struct cli *cli, int before, bool *ret_end)
{
	for (int64_t waited = 0; waited < PAUSE_MS && !*ret_end; waited += SLICE_MS) {
		TRY(cli_idle(cli, SLICE_MS));
		*ret_end = interrupts(cli) != before;
	}
	return NULL;
}

struct err *cli_watch(struct cli *cli, struct err *(*look)(struct cli *cli, void *user), void *user)
{
	int before = interrupts(cli);
	bool end = !cli_opt_given(cli, "watch");

	if (end)
		return look(cli, user);
	while (!end) {
		if (cli->io->out_tty)
			(void)fputs("\033[H\033[2J", cli->io->out);
		TRY(look(cli, user));
		(void)fflush(cli->io->out);
		TRY(rest(cli, before, &end));
	}
	return NULL;
}

/* The only signal handler of the command line. Without SA_RESTART, so that waits and questions end
 * at once. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

#define PATIENCE 3

static volatile sig_atomic_t count;

static void on_interrupt(int number)
{
	count++;
	if (count > PATIENCE) {
		/* Somebody really wants to leave. */
		(void)signal(number, SIG_DFL);
		(void)raise(number);
	}
}

int cli_interrupts(void)
{
	static int counting;

	if (!counting) {
		struct sigaction action = {.sa_handler = on_interrupt};
		counting = 1;
		(void)sigemptyset(&action.sa_mask);
		(void)sigaction(SIGINT, &action, NULL);
	}
	return count;
}

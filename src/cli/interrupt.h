/* Ctrl-C while an operation is followed: counted, not fatal. */
#pragma once

/** How often Ctrl-C was typed. The first call begins to count: before it, and from the fourth one
 * on, Ctrl-C ends the program as usual. Main thread. */
int cli_interrupts(void);

/* The runner: carries out one operation in its own session and outlives the server that started it.
 * DESIGN.md section 2.
 *
 * Files in the operation's folder (docs/plan/0001-main-job.md section 3):
 *   runner.lock   flock held while anything of the run is alive; free without result.json = dead
 *   runner.json   {"pid","start_time","attempt"}
 *   events.jsonl  one event a line, seq from 1
 *   log.txt       output of ansible-playbook, capped
 *   result.json   written last, at once */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "driver/run_spec.h"

/** Start a runner for this run and wait until it holds its lock. @self_exe path of mko
 * Errors: ERR_LOCKED when a runner of this operation is alive, ERR_EXISTS when this attempt has run
 * already, else why it did not start. */
struct err *runner_start(const char *self_exe, const struct run_spec *spec) ERR_RESULT;

/** What can be seen of a runner from outside. */
enum runner_state {
	RUNNER_NONE,     /**< it never took its lock: nothing has happened on any node */
	RUNNER_ALIVE,    /**< the lock is held */
	RUNNER_FINISHED, /**< result.json is there */
	RUNNER_DEAD      /**< it was there, and ended without a result */
};
/** Look at the operation's folder. @dir of the operation */
enum runner_state runner_look(const char *dir);
/** Ask a living runner to cancel: SIGTERM to the recorded process when its start time still
 * matches. Errors: ERR_NOT_FOUND when it is gone. */
struct err *runner_cancel(const char *dir) ERR_RESULT;
/** Remove private folders of runs that are over. Called at start-up. @data_dir so that only our own
 * are touched */
void runner_sweep(const char *data_dir);
/** Body of `mko op-runner`: read the spec from stdin and carry it out. Returns the exit code: 0 =
 * the runner holds its lock and goes on by itself, else the reason is on stderr as "CODE-SLUG
 * message". */
int runner_main(void);

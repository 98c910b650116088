/* Inside of the runner; see runner.h. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/seal.h"
#include "base/str.h"
#include "driver/run_spec.h"

#define RUNNER_LINE_MAX ((size_t)64 << 10)

/* --- runner_journal.c: what a run leaves behind --- */

/** Counts of one host, from its events; the truth about the host until stats arrive. */
struct journal_host {
	const char *hostname; /**< borrowed from the spec */
	bool seen;            /**< any task touched it */
	bool answered;        /**< its SSH port accepts connections: no more magic packets */
	bool failed, unreachable;
	bool in_stats; /**< the final stats named it */
	int64_t stats_failed, stats_unreachable;
};

/** The open journal of a run. */
struct journal {
	const struct run_spec *spec;
	const struct seal_key *key;
	int events_fd, log_fd;
	int64_t seq;
	int64_t log_bytes;
	bool log_cut;
	bool sync_due;
	bool stats_seen;
	struct journal_host *hosts;
	char *error_host, *error_task, *error_message; /**< of the first failure, NULL: none */
	char *last_output;                             /**< last non-empty line of output */
};

/** Create events.jsonl (which must not exist) and log.txt. Errors: ERR_EXISTS. */
struct err *journal_open(struct journal *j, const struct run_spec *spec,
	const struct seal_key *key) ERR_RESULT;
/** Close and free. */
void journal_done(struct journal *j);
/** Take one line of the callback: check, seal secrets, number and append it. Lines that are no
 * events become warnings. */
struct err *journal_line(struct journal *j, const char *line, size_t len) ERR_RESULT;
/** Append an event of the runner itself. */
struct err *journal_event(struct journal *j, json_t *take_event) ERR_RESULT;
/** Append output to log.txt up to the cap; the cut is marked once. */
struct err *journal_output(struct journal *j, const char *data, size_t len) ERR_RESULT;
/** Put what is due on the disk. */
struct err *journal_sync(struct journal *j) ERR_RESULT;
/** How the run ended. */
struct run_end {
	bool cancelled, timed_out;
	int exit_code; /**< of ansible-playbook, -1 when it was killed */
	int signal;    /**< that killed it, 0 none */
};
/** Decide the status from stats and events (never from the exit code alone), write run_end and
 * result.json. */
struct err *journal_finish(struct journal *j, const struct run_end *end) ERR_RESULT;

/* --- runner_wake.c: magic packets --- */

/** Send packets to the hosts of the run that shall wake, and say so. Errors: ERR_IO of the journal.
 */
struct err *wake_first(struct journal *j) ERR_RESULT;
/** Send packets to those of them whose SSH port does not accept connections yet. Takes up to half a
 * second. @return whether there are any */
bool wake_again(struct journal *j);

/* --- runner_child.c: ansible-playbook and its guard --- */

/** A running child with its guard: the guard leads the process group, holds the lock, and kills the
 * group when the runner dies. */
struct child {
	pid_t guard;    /**< leader of the process group */
	int control_fd; /**< closing it (or dying) makes the guard end the group */
	int status_fd;  /**< the guard writes the wait status of ansible-playbook here */
	int events_fd;  /**< read end, non-blocking */
	int output_fd;  /**< read end of stdout and stderr, non-blocking */
};
/** What to start. */
struct child_command {
	char **argv;
	char **env;
	int lock_fd;   /**< kept open by the guard, closed in the command */
	int events_fd; /**< number that the event pipe has in the command */
};
/** Start. Errors: ERR_IO. */
struct err *child_start(const struct child_command *command, struct child *ret_child) ERR_RESULT;
/** Send a signal to ansible-playbook and all it started (the guard ignores INT and TERM). */
void child_signal(const struct child *c, int signal);
/** Close what is left and reap the guard; kills the group when it is still there. */
void child_done(struct child *c);

/* Private folders in memory (tmpfs) for what Ansible must read from files: 0700, one for each run,
 * removed at its end. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "driver/runner.h"

/** Make the private folder of a run. @op_dir folder of the operation, recorded inside so that a
 * sweep can find its owner Errors: ERR_IO, ERR_FORBIDDEN when no private place in memory is
 * writable. */
struct err *private_dir_make(const char *op_dir, int64_t operation_id, char **ret_path) ERR_RESULT;
/** Folder of the shared SSH masters; owned. */
char *private_dir_control(void);
/** Remove the folders of runs under data_dir that are over, as `look` tells. */
void private_dir_sweep(const char *data_dir, enum runner_state (*look)(const char *op_dir));

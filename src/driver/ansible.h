/* How mko runs ansible-playbook: inventory, variables, known hosts, command line and environment of
 * one run. Pure: builds texts only. */
#pragma once

#include <jansson.h>

#include "driver/run_spec.h"

/** Paths of the files of one run inside its private folder; the runner writes them. */
struct ansible_files {
	char *inventory;   /**< inventory.json */
	char *vars;        /**< vars.json */
	char *known_hosts; /**< known_hosts */
	char *config;      /**< ansible.cfg, empty: keeps the configuration of the person out */
	char *temp;        /**< folder for Ansible's own temporary files */
	char *control;     /**< folder of the shared SSH masters */
};

/** Name the files in this private folder. @control_dir folder of the SSH masters, shared between
 * runs */
struct ansible_files ansible_files_in(const char *private_dir, const char *control_dir);
/** Free the names. */
void ansible_files_done(struct ansible_files *files);

/** The same JSON with every text (not keys) marked unsafe, so that Ansible never evaluates a
 * template in it. Owned. Source: facts/ansible_lab.md B9: {"__ansible_unsafe": "..."} in JSON
 * inventory and extra vars, ansible-core 2.14 to 2.19. */
json_t *ansible_unsafe(const json_t *value);
/** Inventory with the groups mko_targets, mko_control_planes, mko_workers. Owned. Contains sudo
 * passwords. */
json_t *ansible_inventory(const struct run_spec *spec);
/** Lines of known_hosts for all hosts whose key is known. Owned. */
char *ansible_known_hosts(const struct run_spec *spec);
/** Command line; ends with NULL; free with ansible_strings_free(). */
char **ansible_argv(const struct run_spec *spec, const struct ansible_files *files);
/** Environment, made from nothing (allow-list); ends with NULL; free with ansible_strings_free().
 * @events_fd descriptor of the event pipe in the child */
char **ansible_env(const struct run_spec *spec, const struct ansible_files *files, int events_fd);
/** Free a NULL-ended list of owned texts; NULL is fine. */
void ansible_strings_free(char **list);
/** Forks that fit hosts, processors and free memory (facts/ansible_lab.md B5: 20 MB a fork).
 * @free_mb available memory in MiB */
int64_t ansible_forks(int64_t hosts, int64_t max, int64_t processors, int64_t free_mb);

/* Logging: one line is one event, key=value fields; to the journal when systemd runs us, else to
 * stderr. Only the doors log (api request end, op start and end, main); lower rooms return errors.
 */
#pragma once

/** Severities, as in syslog. */
enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Set the highest level that is shown. Call before threads start. */
void log_set_level(enum log_level level);
/** Log one event. @fields " key=value ..." pairs already quoted, or "" ; use the macros below. */
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_write(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

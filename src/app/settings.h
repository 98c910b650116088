/* The configuration file of this process as the services change it. */
#pragma once

#include "service/settings.h"

/** A door to the file of this configuration (config->file). @config mutable, outlives it */
struct settings settings_for(struct config *config);

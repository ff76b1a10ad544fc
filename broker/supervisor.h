/*
 * supervisor: starts the processes of a broker and keeps them.
 */
#ifndef HF_SUPERVISOR_H
#define HF_SUPERVISOR_H

#include "broker/config.h"

/** A child's first descriptor: its pair with the supervisor or the core. */
#define SUPERVISOR_FIRST_FD 3

/** Run the broker in the foreground.  Returns an exit status. */
int supervisor_run(struct config *config);
/** A child's half: what `holdfastd --role NAME` does. */
int supervisor_child(const char *role, const char *config_file);

#endif

/*
 * confine: what each process of a broker may still do, once it has begun.
 *
 * Two walls of the kernel: seccomp (an allow list of system calls a role;
 * anything else kills the process) and Landlock (which files, which ports).
 * Both are for good and need no privilege.  confine_calls.c has the lists,
 * confine_files.c the paths.
 */
#ifndef HF_BROKER_CONFINE_H
#define HF_BROKER_CONFINE_H

#include "broker/config.h"

/** What this kernel offers; the supervisor looks before it starts anyone. */
struct confine_offer {
	bool seccomp;
	int landlock; /* its ABI, 0: none; 1 has files, 4 ports, 6 scopes */
};
struct confine_offer confine_probe(void);
/** All that `required` asks for: seccomp, and Landlock for files. */
bool confine_is_whole(const struct confine_offer *o);

/** No new privileges, no core dumps, no tracing by others of this user. */
void confine_harden(void);

/*
 * One function a role, each called once, with one thread, before anything
 * from outside is read.  What holds is told in a log line.
 * Errors: HF_CONFINE, the kernel refused what it had offered: do not go on
 */

/** Before the first socket: no file at all; `endpoint` is the only port to
 * bind, and for desks the only one to reach (a port 0 is not known yet:
 * then connecting is left open). */
HF_MUST_USE enum hf_err confine_gate(const char *endpoint, bool peers);
/** Before the store is opened: writes data_dir, reads pins and documents. */
HF_MUST_USE enum hf_err confine_core(const struct config *c);
/** After its memory is open: opens nothing any more. */
HF_MUST_USE enum hf_err confine_signer(void);
/** Reads the system's files, asks name servers. */
HF_MUST_USE enum hf_err confine_resolver(void);
/** It starts the others, and a filter goes through exec to them: only what
 * none of them may ever do is taken away. */
HF_MUST_USE enum hf_err confine_supervisor(void);

#endif

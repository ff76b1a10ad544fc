/*
 * agent: a process that holds one home's unlocked officer key, so that
 * commands are quick (Argon2id takes half a second).
 *
 * Unix socket HOME/agent.sock, mode 0600, peer's uid checked by
 * SO_PEERCRED; one canonical frame a message (SOCK_SEQPACKET):
 * [op, bytes] -> [error, bytes].  Ends after an idle time.
 */
#ifndef HF_KEYS_AGENT_H
#define HF_KEYS_AGENT_H

#include "keys/secret.h"

/**
 * Take the path: from now on whoever connects waits to be served, by this
 * process or by one that it forks.
 * listener  the caller's; a path that is not served is his to remove
 * Errors: HF_FILE (the socket cannot be made, or another agent serves there)
 */
HF_MUST_USE enum hf_err agent_listen(int *listener, const char *socket_path);
/**
 * Serve until idle for `idle_s` (0: for ever), SIGTERM, SIGINT or a stop
 * request; then the path is free again.
 * listener  of agent_listen at this path; taken
 * s         an officer's; taken
 */
void agent_serve(
    int listener, const char *socket_path, struct secret *s, unsigned idle_s);
/** A signer that asks the agent.  Errors: HF_AGENT, HF_NOMEM */
HF_MUST_USE enum hf_err agent_connect(
    struct signer **out, const char *socket_path);
/** The agent's socket is gone when this returns.  Errors: HF_AGENT */
HF_MUST_USE enum hf_err agent_stop(const char *socket_path);

#endif

/*
 * resolver: names of peers' endpoints, looked up by short-lived children of
 * the supervisor, who hold no secret: what reads answers from the network
 * must not share memory with the keys.
 */
#ifndef HF_RESOLVER_H
#define HF_RESOLVER_H

#include "broker/records.h"

/** A child: one RECORD_RESOLVE "tcp://HOST:PORT" from `fd`, one
 * RECORD_RESOLVED "tcp://HOST:PORT tcp://ADDRESS:PORT", or nothing when the
 * name has no IPv4 address.  Returns an exit status. */
int resolver_child(int fd);
/** The same as a process: confined, and not for ever. */
int resolver_process(int fd);
/** Is this record one that resolver_child may be asked? */
bool resolver_asks(const struct record *r);
/** Is this an answer that the core may be given? */
bool resolver_answers(const struct record *r);

#endif

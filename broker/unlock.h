/*
 * unlock: the broker's secrets, from the key file and, when it is protected,
 * a passphrase: from a file, from systemd's credentials or from the terminal.
 */
#ifndef HF_UNLOCK_H
#define HF_UNLOCK_H

#include "broker/config.h"
#include "keys/secret.h"

/** Errors: HF_FILE, HF_KEYFILE, HF_PASSPHRASE (also: nowhere to ask) */
HF_MUST_USE enum hf_err unlock(struct secret **out, const struct config *c);

#endif

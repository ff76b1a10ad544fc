/*
 * secret_internal: what the files about secrets share.
 */
#ifndef HF_KEYS_SECRET_INTERNAL_H
#define HF_KEYS_SECRET_INTERNAL_H

#include "keys/secret.h"

/** Bytes of the raw secrets of a purpose. */
size_t secret_size(enum secret_purpose purpose);
#endif

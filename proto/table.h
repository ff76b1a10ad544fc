/*
 * table: uthash, whose tables end a process with no word where memory is
 * wanting.  Here they do not: a row has a member `bool lost`, true after
 * HASH_ADD() when the row was not added.
 */
#ifndef HF_TABLE_H
#define HF_TABLE_H

#include <stdbool.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(row) ((row)->lost = true)
#include <uthash.h>

#endif

/*
 * leaf_internal: what leaf.c and cite.c share.
 */
#ifndef HF_PROTO_LEAF_INTERNAL_H
#define HF_PROTO_LEAF_INTERNAL_H

#include "proto/leaf.h"

/** RFC 6962 leaf hash over the canonical bytes of a leaf. */
struct hf_hash leaf_hash(const struct hf_leaf *l);
/** H("leaf-root", count, MTH). */
struct hf_hash leaf_root(unsigned count, const struct hf_hash *mth);

#endif

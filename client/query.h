/*
 * query: what the commands of the auditor's questions share.
 */
#ifndef HF_CLIENT_QUERY_H
#define HF_CLIENT_QUERY_H

#include "client/cmd.h"
#include "client/finding.h"

/** Open the archive that was named, else (NULL) HOME/ledger.  An exit status;
 * the error is told. */
int query_open(struct args *args, const char *given, struct archive **out);
/** Tell why an archive could not be read.  An exit status. */
int query_failed(struct args *args, enum hf_err err, const char *dir);
/** Members that are left out when there is no such id, no such time. */
void query_json_id(json_t *o, const char *name, const struct hf_id *id);
void query_json_time(json_t *o, const char *name, struct instant t);

/** cmd_reconcile.c */
int query_reconcile(struct args *args);

#endif

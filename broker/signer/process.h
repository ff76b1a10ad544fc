/*
 * process: the signer as a process of its own.
 */
#ifndef HF_SIGNER_PROCESS_H
#define HF_SIGNER_PROCESS_H

/**
 * Run on `fd` until the core closes it.  The first record holds the ledger's
 * seed (32), the origin and the path of the memory file; the first answer is
 * what was last signed: RECORD_SIGNED, payload [size, root], then the same of
 * the epoch before, size 0 when nothing is remembered. Returns an exit status.
 */
int signer_process(int fd);

#endif

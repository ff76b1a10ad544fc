/*
 * procs: what the processes of a run cost: processor time of each, synced
 * writes and commits of a core.
 */
#ifndef HF_BENCH_PROCS_H
#define HF_BENCH_PROCS_H

/** NAME=PID: a process whose time counts.  Ends the program when it is none. */
void procs_add(const char *name_and_pid);
/** FILE: the counter that tests/bench/syncs.c writes in the core. */
void procs_syncs(const char *file);
/** FILE: a store's data.mdb, whose newest meta page numbers its commits. */
void procs_store(const char *file);
/** The run begins; ends. */
void procs_begin(void);
void procs_end(void);
/** Appends members to a JSON object: cpu_us_per_act by process, syncs,
 * commits, acts_per_commit, syncs_per_commit, sync_us_per_act. */
void procs_print(unsigned acts);

#endif

/* limits: what this machine can do at all, printed as one JSON object. */
#ifndef HF_BENCH_LIMITS_H
#define HF_BENCH_LIMITS_H

/** dir  a directory on the disk that brokers would use */
void limits(const char *dir);

#endif

/*
 * What tests/broker/fixture.c needs of Criterion, for programs without it: a
 * failed assertion calls plain_fail, which the program defines.
 */
#ifndef HF_TESTS_PLAIN_CRITERION_H
#define HF_TESTS_PLAIN_CRITERION_H

_Noreturn void plain_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define cr_assert_fail(...) plain_fail(__FILE__, __LINE__, " " __VA_ARGS__)
#define cr_assert(c, ...) \
	((c) ? (void)0 : plain_fail(__FILE__, __LINE__, #c " " __VA_ARGS__))
#define PLAIN_TWO(a, op, b, ...) \
	(((a)op(b)) ? (void)0 : plain_fail(__FILE__, __LINE__, " " __VA_ARGS__))
#define cr_assert_eq(a, b, ...) PLAIN_TWO(a, ==, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) PLAIN_TWO(a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) PLAIN_TWO(a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) PLAIN_TWO(a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) PLAIN_TWO(a, >=, b, __VA_ARGS__)
#define cr_assert_null(a, ...) PLAIN_TWO(a, ==, NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...) PLAIN_TWO(a, !=, NULL, __VA_ARGS__)

#endif

/* The list of errors as a whole. */
#include "proto/err.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(err, is_listed_once_with_number_text_and_cure)
{
	const struct hf_err_info *e, *before = NULL;

	for (unsigned i = 0; (e = hf_err_at(i)) != NULL; i++) {
		char name[16];

		snprintf(name, sizeof(name), "E%d", (int)e->err);
		cr_expect_str_eq(e->name, name);
		cr_expect_eq(hf_err_info(e->err), e);
		cr_expect_eq(hf_err_text(e->err), e->text);
		cr_expect_gt(strlen(e->text), 0);
		cr_expect(strlen(e->cure) > 0 || e->err == HF_OK ||
			      e->err == HF_NOTFOUND,
		    "%s has no cure", name);
		if (before != NULL)
			cr_expect_gt(e->err, before->err, "%s", name);
		before = e;
	}
	cr_assert_not_null(before);
	cr_expect_eq(before->err, HF_INTERNAL);
}

Test(err, has_the_class_and_status_of_its_family)
{
	const struct hf_err_info *e;

	for (unsigned i = 0; (e = hf_err_at(i)) != NULL; i++) {
		switch (e->err / 1000) {
		case 0:
			cr_expect_eq(e->class, HF_CLASS_NONE);
			cr_expect_eq(e->exit, HF_EXIT_OK);
			break;
		case 1: /* bytes of others: never a reason to stop */
			cr_expect_eq(e->class, HF_CLASS_PEER, "%s", e->name);
			cr_expect_neq(e->exit, HF_EXIT_OK, "%s", e->name);
			break;
		case 2:
		case 3:
		case 4:
			cr_expect(e->class == HF_CLASS_PEER ||
				      e->class == HF_CLASS_RETRY,
			    "%s", e->name);
			break;
		case 5:
			break;
		case 6:
			cr_expect_eq(e->exit, HF_EXIT_VERIFY, "%s", e->name);
			break;
		case 7:
			cr_expect_neq(e->exit, HF_EXIT_OK, "%s", e->name);
			break;
		default:
			cr_expect(false, "%s is of no family", e->name);
		}
	}
}

Test(err, of_an_unknown_number_is_a_mistake_of_ours)
{
	cr_expect_eq(hf_err_info((enum hf_err)9999)->err, HF_INTERNAL);
	cr_expect_eq(hf_err_info((enum hf_err) - 1)->err, HF_INTERNAL);
	cr_expect_null(hf_err_at(100000));
}

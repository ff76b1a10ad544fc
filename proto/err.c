/*
 * err: looking the list of err.h up.
 */
#include "proto/err.h"

#include <stddef.h>

#define STRING(x) #x
#define HF_ERR_ROW(name, number, class, exit, text, cure) \
	{HF_##name, "E" STRING(number), HF_CLASS_##class, HF_EXIT_##exit, \
	    text, cure},
static const struct hf_err_info rows[] = {HF_ERRORS(HF_ERR_ROW)};
#undef HF_ERR_ROW

#define ROW_COUNT (sizeof(rows) / sizeof(*rows))

const struct hf_err_info *hf_err_info(enum hf_err err)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].err == err)
			return &rows[i];
	return &rows[ROW_COUNT - 1]; /* HF_INTERNAL closes the list */
}

const struct hf_err_info *hf_err_at(unsigned i)
{
	return i < ROW_COUNT ? &rows[i] : NULL;
}

const char *hf_err_text(enum hf_err err)
{
	return hf_err_info(err)->text;
}

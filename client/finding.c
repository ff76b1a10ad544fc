#include "client/finding.h"

#include <stdarg.h>
#include <string.h>

bool finding_same_id(const struct hf_id *a, const struct hf_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void finding_init(
    struct finding *f, const char *what, const struct book_case *c)
{
	memset(f, 0, sizeof(*f));
	f->what = what;
	f->entry = FINDING_NO_ENTRY;
	if (c == NULL)
		return;
	f->case_id = c->id;
	memcpy(f->ref, c->name, sizeof(f->ref));
}

void finding_text(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

#include "cli/slug.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LONGEST 64

/* Lower case letters, digits and single dashes. What is cut off stays in the name as a hash. */
static char *slug_of(const char *text, size_t len)
{
	char out[LONGEST + 16];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
		if (n == LONGEST) {
			uint64_t h = slice_fnv(SLICE_HASH_SEED, (struct slice){text, len});
			while (n && out[n - 1] == '-')
				n--;
			n += (size_t)snprintf(out + n, sizeof(out) - n, "-%06" PRIx64, h & 0xffffff);
			break;
		}
		if (plain)
			out[n++] = c;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	return n ? strndup(out, n) : strdup("test");
}

int slug_tests(struct suite_file *f)
{
	for (unsigned i = 0; i < f->test_count; i++) {
		char *slug = slug_of(f->tests[i].name, strlen(f->tests[i].name));
		unsigned again = 1;

		for (unsigned j = 0; slug && j < i; j++) {
			char *other;
			if (strcmp(f->tests[j].slug, slug))
				continue;
			char *base = slug_of(f->tests[i].name, strlen(f->tests[i].name));
			int n = base ? asprintf(&other, "%s-%u", base, ++again) : -1;
			free(base);
			free(slug);
			slug = n >= 0 ? other : NULL;
			j = (unsigned)-1; /* from the first one again */
		}
		if (!slug)
			return -1;
		f->tests[i].slug = slug;
	}
	return 0;
}

/* The last `parts` components of the path without ".lua", as a slug. */
static char *stem_of(const char *path, unsigned parts)
{
	size_t len = strlen(path);
	const char *from = path + len;

	if (len > 4 && !strcmp(path + len - 4, ".lua"))
		len -= 4;
	while (from > path && !(from[-1] == '/' && --parts == 0))
		from--;
	return slug_of(from, (size_t)(path + len - from));
}

int slug_files(struct suite *s)
{
	bool clash = true;

	for (unsigned i = 0; i < s->file_count; i++)
		if (!(s->files[i].stem = stem_of(s->files[i].path, 1)))
			return -1;
	for (unsigned parts = 2; clash && parts < 64; parts++) {
		bool *again = calloc(s->file_count ? s->file_count : 1, sizeof(*again));
		if (!again)
			return -1;
		clash = false;
		for (unsigned i = 0; i < s->file_count; i++)
			for (unsigned j = 0; j < s->file_count; j++)
				again[i] |= i != j && !strcmp(s->files[i].stem, s->files[j].stem);
		for (unsigned i = 0; i < s->file_count; i++) {
			if (!again[i])
				continue;
			clash = true;
			free(s->files[i].stem);
			/* Whole paths that make one slug are told apart by number. */
			s->files[i].stem = stem_of(s->files[i].path, parts);
			char *numbered = NULL;
			if (parts == 63 && s->files[i].stem && asprintf(&numbered, "%s-%u", s->files[i].stem, i + 1) >= 0) {
				free(s->files[i].stem);
				s->files[i].stem = numbered;
			}
			if (!s->files[i].stem) {
				free(again);
				return -1;
			}
		}
		free(again);
	}
	return 0;
}

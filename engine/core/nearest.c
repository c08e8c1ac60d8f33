#include "core/nearest.h"

#include <string.h>

#define LONGEST 40

/* Levenshtein's distance; words past LONGEST are not compared. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

const char *nearest(const char *word, const char *const *candidates, size_t count)
{
	const char *found = NULL;
	size_t best = LONGEST, len = strlen(word);

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, candidates[i]);
		/* What was cut short is meant more surely than what differs by as many letters. */
		if (len >= 2 && !strncmp(word, candidates[i], len))
			d = 1;
		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return best <= 2 || best * 2 <= len ? found : NULL;
}

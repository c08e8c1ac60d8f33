#include "cli/suite.h"

#include "cli/slug.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_DEPTH 32

/* Without "./" in front, double slashes and a slash at the end: the same file has one name in captures and reports. */
static char *tidy_path(const char *path)
{
	char *out = malloc(strlen(path) + 1), *p = out;

	if (!out)
		return NULL;
	while (path[0] == '.' && path[1] == '/') {
		path += 2;
		while (*path == '/')
			path++;
	}
	for (; *path; path++)
		if (*path != '/' || p == out || p[-1] != '/')
			*p++ = *path;
	while (p > out + 1 && p[-1] == '/')
		p--;
	*p = '\0';
	return out;
}

static bool have_file(const struct suite *s, const struct stat *st)
{
	struct stat other;

	for (unsigned i = 0; i < s->file_count; i++)
		if (!stat(s->files[i].path, &other) && other.st_dev == st->st_dev && other.st_ino == st->st_ino)
			return true;
	return false;
}

static int add_file(struct suite *s, const char *path, bool named, const struct stat *st, struct err *e)
{
	if (have_file(s, st))
		return 0;
	if (s->file_count == s->file_room) {
		unsigned room = s->file_room ? s->file_room * 2 : 16;
		struct suite_file *files = realloc(s->files, room * sizeof(*files));
		if (!files)
			return err_set(e, ERR_NOMEM, "out of memory for the list of files");
		s->files = files;
		s->file_room = room;
	}
	memset(&s->files[s->file_count], 0, sizeof(*s->files));
	s->files[s->file_count].path = strdup(path);
	s->files[s->file_count].named = named;
	if (!s->files[s->file_count].path)
		return err_set(e, ERR_NOMEM, "out of memory for the list of files");
	s->file_count++;
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* alphasort asks the locale */
}

static int scan_dir(struct suite *s, const char *dir, int depth, struct err *e)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, by_name), err = 0;

	if (n < 0)
		return err_set(e, ERR_ARG, "cannot read %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		size_t len = strlen(name);
		char path[4096];
		struct stat st;

		if (err || name[0] == '.' || name[0] == '_')
			continue;
		if (!strcmp(dir, "."))
			snprintf(path, sizeof(path), "%s", name);
		else
			snprintf(path, sizeof(path), "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
		/* A link to a file is followed, one to a directory may lead in circles. */
		if (entries[i]->d_type == DT_LNK && !stat(path, &st) && S_ISDIR(st.st_mode))
			continue;
		if (stat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
			err = scan_dir(s, path, depth + 1, e);
		else if (S_ISREG(st.st_mode) && len > 4 && !strcmp(name + len - 4, ".lua"))
			err = add_file(s, path, false, &st, e);
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return err;
}

static int add_path(struct suite *s, const char *given, struct err *e)
{
	char *path = tidy_path(*given ? given : ".");
	struct stat st;
	int err;

	if (!path)
		return err_set(e, ERR_NOMEM, "out of memory for the list of files");
	if (!*path)
		strcpy(path, "."); /* "./" */
	if (stat(path, &st))
		err = err_set(e, ERR_ARG, "cannot read %s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		err = scan_dir(s, path, 0, e);
	else
		err = add_file(s, path, true, &st, e);
	free(path);
	return err;
}

/* --- loading --- */

static int read_tests(struct suite_file *f, struct shard *sh, struct err *e)
{
	static const char *const fields[SYMPTOM_FIELDS] = {"title", "seen", "cause", "remedy"};
	unsigned n = shard_test_count(sh);

	f->tests = n ? calloc(n, sizeof(*f->tests)) : NULL;
	if (n && !f->tests)
		return err_set(e, ERR_NOMEM, "out of memory for the list of tests");
	for (unsigned i = 0; i < n; i++) {
		struct shard_test t;
		if (!shard_test(sh, i, &t) || !(f->tests[i].name = strdup(t.name ? t.name : "")))
			return err_set(e, ERR_NOMEM, "out of memory for the list of tests");
		f->tests[i].timeout = t.timeout;
		f->test_count++;
	}
	for (int i = 0; i < SYMPTOM_FIELDS; i++) {
		const char *text = shard_symptom(sh, fields[i]);
		f->symptom[i] = text ? strdup(text) : NULL;
	}
	return slug_tests(f) ? err_set(e, ERR_NOMEM, "out of memory for the list of tests") : 0;
}

static int load(struct suite_file *f, const struct shard_cfg *base, struct err *e)
{
	struct shard_cfg cfg = *base;
	struct shard *sh = NULL;
	struct err why = {0};
	int err;

	cfg.path = f->path;
	cfg.tap = NULL;
	err = shard_load(&sh, &cfg, &why);
	if (err == ERR_ARG) {
		f->broken = strdup(why.text);
		return f->broken ? 0 : err_set(e, ERR_NOMEM, "out of memory for an error");
	}
	if (err)
		return err_set(e, err, "%s: %s", f->path, why.text);
	err = read_tests(f, sh, e);
	shard_free(sh);
	return err;
}

int suite_collect(struct suite *s, const char *const *paths, unsigned count, const struct shard_cfg *cfg, struct err *e)
{
	int err = 0;

	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < count && !err; i++)
		err = add_path(s, paths[i], e);
	for (unsigned i = 0; i < s->file_count && !err && !shard_interrupted; i++)
		err = load(&s->files[i], cfg, e);
	if (!err && slug_files(s))
		err = err_set(e, ERR_NOMEM, "out of memory for the list of files");
	return err;
}

unsigned suite_select(struct suite *s, const char *const *patterns, unsigned count)
{
	unsigned selected = 0;

	for (unsigned i = 0; i < s->file_count; i++)
		for (unsigned j = 0; j < s->files[i].test_count; j++) {
			struct suite_test *t = &s->files[i].tests[j];
			char *whole = NULL;
			t->selected = count == 0;
			if (count && asprintf(&whole, "%s: %s", s->files[i].path, t->name) >= 0) {
				for (unsigned k = 0; k < count; k++)
					if (strcasestr(whole, patterns[k]))
						t->selected = true;
				free(whole);
			}
			selected += t->selected;
		}
	return selected;
}

void suite_free(struct suite *s)
{
	for (unsigned i = 0; i < s->file_count; i++) {
		struct suite_file *f = &s->files[i];
		for (unsigned j = 0; j < f->test_count; j++) {
			free(f->tests[j].name);
			free(f->tests[j].slug);
		}
		for (int j = 0; j < SYMPTOM_FIELDS; j++)
			free(f->symptom[j]);
		free(f->tests);
		free(f->path);
		free(f->stem);
		free(f->broken);
	}
	free(s->files);
	memset(s, 0, sizeof(*s));
}

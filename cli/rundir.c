#include "cli/session.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUNS "runs"
#define MAX_RUNS_A_SECOND 1000

int rundir_mkdir_p(const char *path, struct err *e)
{
	char part[4096];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return err_set(e, ERR_ENV, "%.100s...: the path is too long", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		slice_copy(part, sizeof(part), (struct slice){path, i});
		if (mkdir(part, 0777) && errno != EEXIST && errno != EISDIR)
			return err_set(e, ERR_ENV, "cannot make the directory %s: %s (choose another with --out DIR)", part,
				       strerror(errno));
	}
	return 0;
}

/* runs/latest -> TIME. That it cannot be set is no reason not to run. */
static void point_latest(const char *name)
{
	char fresh[64];

	snprintf(fresh, sizeof(fresh), RUNS "/.latest.%ld", (long)getpid());
	unlink(fresh);
	if (symlink(name, fresh) || rename(fresh, RUNS "/latest"))
		unlink(fresh);
}

int rundir_make(char *dir, size_t size, const char *wanted, struct err *e)
{
	time_t now = time(NULL);
	struct tm tm;
	char stamp[40], name[64];
	int err;

	if (wanted) {
		slice_copy(dir, size, slice_str(wanted));
		size_t len = strlen(dir);
		while (len > 1 && dir[len - 1] == '/')
			dir[--len] = '\0';
		return rundir_mkdir_p(dir, e);
	}
	err = rundir_mkdir_p(RUNS, e);
	if (err)
		return err;
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	for (int i = 1; i < MAX_RUNS_A_SECOND; i++) {
		if (i == 1)
			snprintf(name, sizeof(name), "%s", stamp);
		else
			snprintf(name, sizeof(name), "%s-%d", stamp, i);
		snprintf(dir, size, RUNS "/%s", name);
		if (!mkdir(dir, 0777)) {
			point_latest(name);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return err_set(e, ERR_ENV, "cannot make the directory %s: %s (choose another with --out DIR)", dir, strerror(errno));
}

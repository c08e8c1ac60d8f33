/* What the benchmarks share: a clock, medians, so that one disturbed round does not count, and processes for what leaves memory behind. */
#ifndef OFFHOOK_TESTS_BENCH_H
#define OFFHOOK_TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline double bench_now(void) /* ns */
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double bench_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), bench_compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* What `measure` returns, in a process of its own: the memory that one leaves in its pools is not the next one's. */
static inline double bench_apart(double (*measure)(const void *arg), const void *arg)
{
	double result = 0;
	int fd[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(fd) || (pid = fork()) < 0) {
		perror("no process for a measurement");
		exit(1);
	}
	if (pid == 0) {
		result = measure(arg);
		_exit(write(fd[1], &result, sizeof(result)) != sizeof(result));
	}
	close(fd[1]);
	if (read(fd[0], &result, sizeof(result)) != sizeof(result))
		exit(1);
	close(fd[0]);
	waitpid(pid, NULL, 0);
	return result;
}

#endif

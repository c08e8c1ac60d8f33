/* Stands in for libFuzzer's main where the compiler has none: gives each file named, and each file of each directory
 * named, to the harness. It ends with 0 unless the harness does not return, or there was nothing to give. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static void replay_file(const char *path, size_t size)
{
	/* the exact size, so that the address sanitizer sees a byte read too far */
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");

	if (data && f && fread(data, 1, size, f) == size) {
		LLVMFuzzerTestOneInput(data, size);
		replayed++;
	} else {
		perror(path);
	}
	if (f)
		fclose(f);
	free(data);
}

static void replay(const char *path)
{
	char name[4096];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (stat(path, &st)) {
		perror(path);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < (int)sizeof(name))
			replay(name);
	if (dir)
		closedir(dir);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-') /* libFuzzer's options mean nothing here */
			replay(argv[i]);
	printf("%zu inputs replayed\n", replayed);
	return !replayed;
}

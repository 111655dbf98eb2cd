/* The floor: what starting processes costs without a supervisor.
 *
 *     floor DIRECTORY
 *
 * Starts every file of DIRECTORY, in byte order, one after the other, and waits
 * for it: posix_spawn in a process group of its own, stdin from /dev/null. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv) {
    struct dirent **names;
    int count = argc == 2 ? scandir(argv[1], &names, visible, by_bytes) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: floor DIRECTORY\n");
        return 64;
    }
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t signals;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < count; i++) {
        char path[4096];
        char *task[] = {path, NULL};
        pid_t pid;
        int status;
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
        if (posix_spawn(&pid, path, &actions, &attributes, task, environ) != 0 ||
            waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "floor: %s failed\n", path);
            return 1;
        }
    }
    return 0;
}

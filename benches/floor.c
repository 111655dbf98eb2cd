/* The floor: the cost of the same work without a supervisor.
 *
 *     floor DIRECTORY [HOOK]
 *
 * Runs every file of DIRECTORY, one after the other in byte order, as the runner does:
 * posix_spawn in a process group of its own, stdin from /dev/null, default SIGPIPE, and
 * the variables of a task. Runs HOOK before and after each file, with the variables and
 * the JSON of a hook.
 *
 *     floor --watch DIRECTORY              the same, with the other system calls of the runner
 *     floor --times N COMMAND [ARG...]     runs COMMAND N times
 *     floor --peak COMMAND [ARG...]        prints the peak memory of COMMAND in KiB
 *     floor --lines BYTES                  writes BYTES to stdout, in lines of 64 bytes
 *
 * --peak is here because the peak of a process includes the memory of its parent at the
 * fork, and a Python program is larger than the commands that it measures. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static posix_spawnattr_t attributes;
static posix_spawn_file_actions_t actions;

/* For `--watch`: the lock file, and the descriptors for poll. The first one is the pidfd. */
static int lock = -1;
static struct pollfd fds[4];

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* For `--watch`: writes the lock file, before a start and after it. */
static void write_lock(pid_t pid) {
    char text[160];
    if (lock >= 0) {
        int size = snprintf(text, sizeof text, "1\nboot %036d\nrun %028d\ntask %d\n", 0, 0, pid);
        if (pwrite(lock, text, size, 0) != size)
            exit(1);
    }
}

/* Opens the descriptors for `--watch`. */
static void open_watch(void) {
    int ends[2];
    lock = memfd_create("lock", MFD_CLOEXEC);
    for (int i = 1; i < 4; i++) {
        if (pipe2(ends, O_CLOEXEC) != 0)
            exit(1);
        fds[i] = (struct pollfd){ends[0], POLLIN, 0};
    }
}

/* Runs a program. Exits with 1 if its status is not 0. */
static struct rusage run(char **command) {
    struct rusage usage;
    pid_t pid;
    int status;
    write_lock(0);
    int error = posix_spawn(&pid, command[0], &actions, &attributes, command, environ);
    if (error == 0 && lock >= 0) {
        write_lock(pid);
        fds[0] = (struct pollfd){syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
        ppoll(fds, 4, &(struct timespec){.tv_sec = 600}, NULL);
        close(fds[0].fd);
    }
    if (error != 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
        fprintf(stderr, "floor: %s failed\n", command[0]);
        exit(1);
    }
    if (lock >= 0) {
        siginfo_t orphan;
        kill(-pid, 0);
        waitid(P_ALL, 0, &orphan, WNOHANG | WEXITED | WNOWAIT);
    }
    return usage;
}

static void chain(const char *directory, char *hook) {
    struct dirent **names;
    int count = scandir(directory, &names, visible, by_bytes);
    if (count < 0) {
        perror(directory);
        exit(66);
    }
    setenv("RUNNER_CONFIG_CMD", "/usr/local/bin/runner runner-config", 1);
    setenv("RUNNER_TRY_NUM", "1", 1);
    setenv("RUNNER_MAX_TRIES", "5", 1);
    setenv("RUNNER_RUN_ID", "20261124T060000.000Z-00000000", 1);
    for (int i = 0; i < count; i++) {
        char path[4096], json[4096];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
        setenv("RUNNER_TASK", names[i]->d_name, 1);
        if (hook) {
            snprintf(json, sizeof json, "{\"task\":\"%s\",\"try_num\":1,\"max_retries\":5}",
                     names[i]->d_name);
            setenv("RUNNER_HOOK", "pre", 1);
            run((char *[]){hook, json, NULL});
            unsetenv("RUNNER_HOOK");
        }
        run((char *[]){path, NULL});
        if (hook) {
            snprintf(json, sizeof json,
                     "{\"task\":\"%s\",\"try_num\":1,\"max_retries\":5,\"result\":\"OK\"}",
                     names[i]->d_name);
            setenv("RUNNER_HOOK", "post", 1);
            setenv("RUNNER_RESULT", "OK", 1);
            setenv("RUNNER_OUTCOME", "exited:0", 1);
            setenv("RUNNER_ELAPSED", "0.001", 1);
            run((char *[]){hook, json, NULL});
            unsetenv("RUNNER_HOOK");
            unsetenv("RUNNER_RESULT");
            unsetenv("RUNNER_OUTCOME");
            unsetenv("RUNNER_ELAPSED");
        }
    }
}

static void lines(long left) {
    static char block[1 << 16];
    for (size_t at = 0; at < sizeof block; at++)
        block[at] = at % 64 == 63 ? '\n' : 'a' + at % 64 % 26;
    while (left > 0) {
        ssize_t written = write(1, block, left < (long)sizeof block ? (size_t)left : sizeof block);
        if (written < 0) {
            perror("floor");
            exit(1);
        }
        left -= written;
    }
}

int main(int argc, char **argv) {
    sigset_t signals;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (argc > 3 && strcmp(argv[1], "--times") == 0) {
        for (int left = atoi(argv[2]); left > 0; left--)
            run(argv + 3);
    } else if (argc > 2 && strcmp(argv[1], "--peak") == 0) {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        printf("%ld\n", run(argv + 2).ru_maxrss);
    } else if (argc == 3 && strcmp(argv[1], "--lines") == 0) {
        lines(atol(argv[2]));
    } else if (argc == 3 && strcmp(argv[1], "--watch") == 0) {
        open_watch();
        chain(argv[2], NULL);
    } else if ((argc == 2 || argc == 3) && argv[1][0] != '-') {
        chain(argv[1], argv[2]);
    } else {
        fprintf(stderr, "usage: floor DIRECTORY [HOOK] | --watch DIRECTORY | --times N COMMAND"
                        " | --peak COMMAND | --lines BYTES\n");
        return 64;
    }
    return 0;
}

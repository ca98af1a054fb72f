/* Makes the n-th call of some kinds fail that touch files under one folder: loaded before the C library.

   Nothing fails until `arm` is called. The count lies in memory that a forked process shares with its parent, so that it
   is known of a process that was killed, too. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "watched.h"

enum { WRITE = 1, SYNC = 2, CREATE = 4, NAME = 8, OPEN = 16 };

static int kinds, number, lasting;
static long nth;
static atomic_long *count;

__attribute__((constructor)) static void share(void) {
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* From now on let call number `n` of `of_kinds` under `root` fail with `error`, or kill if that is 0; and all after it,
   if `lasts`. */
void arm(const char *root, int of_kinds, long n, int error, int lasts) {
    watch(root);
    nth = n, number = error, lasting = lasts;
    atomic_store(count, 0);
    kinds = of_kinds;
}

void disarm(void) { kinds = 0; }

long calls(void) { return atomic_load(count); }

static int fails(int kind) {
    if (!(kinds & kind)) return 0;
    long now = atomic_fetch_add(count, 1) + 1;
    if (now < nth || (now > nth && !lasting)) return 0;
    if (number == 0) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = number;
    return 1;
}

/* SQLite lengthens its index of the write-ahead log by eight writes of a zero, one like the other: the first stands for
   all. */
static int counts(int descriptor, long at) {
    const char *path = kinds ? path_of(descriptor) : NULL;
    return is_inside(path) && !(at > 4096 && strlen(path) > 4 && !strcmp(path + strlen(path) - 4, "-shm"));
}

static int opening(int flags) { return flags & O_CREAT ? OPEN | CREATE : OPEN; }

#define OPENS(name)                                                                                  \
    int name(const char *path, int flags, ...) {                                                      \
        va_list rest;                                                                                  \
        va_start(rest, flags);                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                            \
        va_end(rest);                                                                                  \
        if (is_inside(path) && fails(opening(flags))) return -1;                                       \
        return REAL(name)(path, flags, mode);                                                          \
    }

#define OPENS_AT(name)                                                                               \
    int name(int at, const char *path, int flags, ...) {                                              \
        va_list rest;                                                                                  \
        va_start(rest, flags);                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                            \
        va_end(rest);                                                                                  \
        if (is_below(at, path) && fails(opening(flags))) return -1;                                    \
        return REAL(name)(at, path, flags, mode);                                                      \
    }

#define CALL(type, name, kind, inside, arguments, values)                                            \
    type name arguments {                                                                             \
        if ((inside) && fails(kind)) return -1;                                                        \
        return REAL(name) values;                                                                      \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

CALL(ssize_t, write, WRITE, holds(fd), (int fd, const void *from, size_t size), (fd, from, size))
CALL(ssize_t, writev, WRITE, holds(fd), (int fd, const struct iovec *from, int size), (fd, from, size))
CALL(ssize_t, pwrite, WRITE, counts(fd, at), (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
CALL(ssize_t, pwrite64, WRITE, counts(fd, at), (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
CALL(int, ftruncate, WRITE, holds(fd), (int fd, off_t size), (fd, size))
CALL(int, ftruncate64, WRITE, holds(fd), (int fd, off64_t size), (fd, size))
CALL(ssize_t, sendfile, WRITE, holds(to), (int to, int from, off_t *at, size_t size), (to, from, at, size))
CALL(ssize_t, sendfile64, WRITE, holds(to), (int to, int from, off64_t *at, size_t size), (to, from, at, size))
CALL(int, fsync, SYNC, holds(fd), (int fd), (fd))
CALL(int, fdatasync, SYNC, holds(fd), (int fd), (fd))
CALL(int, mkdir, CREATE, is_inside(path), (const char *path, mode_t mode), (path, mode))
CALL(int, mkdirat, CREATE, is_below(at, path), (int at, const char *path, mode_t mode), (at, path, mode))
CALL(int, link, CREATE, is_inside(to), (const char *from, const char *to), (from, to))
CALL(int, linkat, CREATE, is_below(at, to), (int of, const char *from, int at, const char *to, int flags),
     (of, from, at, to, flags))
CALL(int, rename, NAME, is_inside(to), (const char *from, const char *to), (from, to))
CALL(int, renameat, NAME, is_below(at, to), (int of, const char *from, int at, const char *to), (of, from, at, to))
CALL(int, renameat2, NAME, is_below(at, to), (int of, const char *from, int at, const char *to, unsigned flags),
     (of, from, at, to, flags))
CALL(int, unlink, NAME, is_inside(path), (const char *path), (path))
CALL(int, unlinkat, NAME, is_below(at, path), (int at, const char *path, int flags), (at, path, flags))
CALL(int, rmdir, NAME, is_inside(path), (const char *path), (path))

/* The time of day at which this process lets its clock stand still, so that what it writes depends on nothing else; the
   monotonic clock goes on. */
static time_t still;

void stop_clock(void) { still = REAL(time)(NULL); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = REAL(clock_gettime)(clock, now);
    if (!failed && still && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *now = (struct timespec){.tv_sec = still};
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int failed = REAL(gettimeofday)(now, zone);
    if (!failed && still) *now = (struct timeval){.tv_sec = still};
    return failed;
}

time_t time(time_t *to) {
    time_t now = still ? still : REAL(time)(NULL);
    if (to) *to = now;
    return now;
}

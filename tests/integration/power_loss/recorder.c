/* Writes down each call that changes files under one folder, in the order in which they happen: loaded before the C
   library.

   A record is six numbers (kind, file or folder, another one, position, bytes of two texts) and the two texts. Files and
   folders are named by their inodes. What is mapped into memory and changed there is not seen: of SQLite's files that is
   its index of the write-ahead log, which no loss of power leaves in use. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../nth_call/watched.h"

enum kind { WRITE, TRUNCATE, SYNC, CREATE, FOLDER, LINK, REMOVE, RENAME, EXCHANGE, NOTE }; /* as in `trace.py` */

static int trace = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void put(const void *from, size_t size) {
    while (size) {
        ssize_t done = REAL(write)(trace, from, size);
        if (done <= 0) return;
        from = (const char *)from + done, size -= done;
    }
}

static void record(enum kind kind, ino_t one, ino_t other, off_t at, const void *text, size_t size, const char *name) {
    int64_t numbers[] = {kind, one, other, at, size, name ? strlen(name) : 0};
    int before = errno;
    put(numbers, sizeof numbers);
    put(text, size);
    if (name) put(name, strlen(name));
    errno = before;
}

/* Begin to write down into the file `to` what happens under `root`. */
void begin(const char *root, const char *to) {
    trace = REAL(open)(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    watch(root);
}

void end(void) { length = 0; }

/* Put a text into the record. */
void note(const char *text) {
    if (!length) return;
    pthread_mutex_lock(&turn);
    record(NOTE, 0, 0, 0, text, strlen(text), NULL);
    pthread_mutex_unlock(&turn);
}

static ino_t inode(int descriptor) {
    struct stat found;
    return fstat(descriptor, &found) ? 0 : found.st_ino;
}

static ino_t inode_at(int at, const char *path) {
    struct stat found;
    int before = errno, missing = fstatat(at, path, &found, AT_SYMLINK_NOFOLLOW);
    errno = before;
    return missing ? 0 : found.st_ino;
}

static const char *last(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static ino_t above(int at, const char *path) {
    char parent[4096];
    snprintf(parent, sizeof parent, "%.*s", (int)(last(path) - path), path);
    return inode_at(at, *parent ? parent : ".");
}

static void entered(enum kind kind, int at, const char *path) {
    record(kind, above(at, path), inode_at(at, path), 0, last(path), strlen(last(path)), NULL);
}

#define IN_TURN(type, inside, real, then)                                                            \
    if (!(inside)) return real;                                                                       \
    pthread_mutex_lock(&turn);                                                                        \
    type done = real;                                                                                 \
    if (done >= 0) { then; }                                                                          \
    pthread_mutex_unlock(&turn);                                                                      \
    return done;

static int opened(int at, const char *path, int flags, mode_t mode) {
    ino_t before = inode_at(at, path);
    int file = REAL(openat)(at, path, flags, mode);
    if (file >= 0 && flags & O_CREAT && !before) entered(CREATE, at, path);
    if (file >= 0 && flags & O_TRUNC && before) record(TRUNCATE, before, 0, 0, NULL, 0, NULL);
    return file;
}

#define MODE                                                                                         \
    va_list rest;                                                                                     \
    va_start(rest, flags);                                                                            \
    mode_t mode = va_arg(rest, mode_t);                                                               \
    va_end(rest)

#define OPENS(name)                                                                                  \
    int name(const char *path, int flags, ...) {                                                      \
        MODE;                                                                                         \
        if (!(flags & (O_CREAT | O_TRUNC))) return REAL(name)(path, flags, mode);                      \
        if (!is_inside(path)) return REAL(name)(path, flags, mode);                                    \
        IN_TURN(int, 1, opened(AT_FDCWD, path, flags, mode), )                                         \
    }

#define OPENS_AT(name)                                                                               \
    int name(int at, const char *path, int flags, ...) {                                              \
        MODE;                                                                                         \
        if (!(flags & (O_CREAT | O_TRUNC))) return REAL(name)(at, path, flags, mode);                  \
        if (!is_below(at, path)) return REAL(name)(at, path, flags, mode);                             \
        IN_TURN(int, 1, opened(at, path, flags, mode), )                                               \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

ssize_t write(int fd, const void *from, size_t size) {
    IN_TURN(ssize_t, holds(fd), REAL(write)(fd, from, size),
            record(WRITE, inode(fd), 0, lseek(fd, 0, SEEK_CUR) - done, from, done, NULL))
}

ssize_t writev(int fd, const struct iovec *from, int size) {
    return size && holds(fd) ? write(fd, from->iov_base, from->iov_len) : REAL(writev)(fd, from, size);
}

#define WRITES_AT(name, offset)                                                                      \
    ssize_t name(int fd, const void *from, size_t size, offset at) {                                  \
        IN_TURN(ssize_t, holds(fd), REAL(name)(fd, from, size, at),                                    \
                record(WRITE, inode(fd), 0, at, from, done, NULL))                                     \
    }

WRITES_AT(pwrite, off_t)
WRITES_AT(pwrite64, off64_t)

#define TRUNCATES(name, offset)                                                                      \
    int name(int fd, offset size) {                                                                   \
        IN_TURN(int, holds(fd), REAL(name)(fd, size), record(TRUNCATE, inode(fd), 0, size, NULL, 0, NULL)) \
    }

TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

#define SYNCS(name)                                                                                  \
    int name(int fd) { IN_TURN(int, holds(fd), REAL(name)(fd), record(SYNC, inode(fd), 0, 0, NULL, 0, NULL)) }

SYNCS(fsync)
SYNCS(fdatasync)

/* Whoever copies so copies by reading and writing where it is not known. */
#define UNKNOWN(name, offset)                                                                        \
    ssize_t name(int to, int from, offset *at, size_t size) {                                         \
        if (!holds(to)) return REAL(name)(to, from, at, size);                                         \
        errno = ENOSYS;                                                                               \
        return -1;                                                                                    \
    }

UNKNOWN(sendfile, off_t)
UNKNOWN(sendfile64, off64_t)

int mkdir(const char *path, mode_t mode) {
    IN_TURN(int, is_inside(path), REAL(mkdir)(path, mode), entered(FOLDER, AT_FDCWD, path))
}

int mkdirat(int at, const char *path, mode_t mode) {
    IN_TURN(int, is_below(at, path), REAL(mkdirat)(at, path, mode), entered(FOLDER, at, path))
}

int link(const char *from, const char *to) {
    IN_TURN(int, is_inside(to), REAL(link)(from, to), entered(LINK, AT_FDCWD, to))
}

int linkat(int of, const char *from, int at, const char *to, int flags) {
    IN_TURN(int, is_below(at, to), REAL(linkat)(of, from, at, to, flags), entered(LINK, at, to))
}

#define REMOVES(at, path, inside, real)                                                              \
    ino_t parent = inside ? above(at, path) : 0;                                                      \
    IN_TURN(int, parent, real, record(REMOVE, parent, 0, 0, last(path), strlen(last(path)), NULL))

int unlink(const char *path) { REMOVES(AT_FDCWD, path, is_inside(path), REAL(unlink)(path)) }
int rmdir(const char *path) { REMOVES(AT_FDCWD, path, is_inside(path), REAL(rmdir)(path)) }
int unlinkat(int at, const char *path, int flags) {
    REMOVES(at, path, is_below(at, path), REAL(unlinkat)(at, path, flags))
}

/* The inode of the folder that a name leaves stands in the place of a position. */
#define RENAMES(of, from, at, to, inside, kind, real)                                                \
    ino_t left = inside ? above(of, from) : 0, into = inside ? above(at, to) : 0;                       \
    IN_TURN(int, into, real, record(kind, into, inode_at(at, to), left, last(to), strlen(last(to)), last(from)))

int rename(const char *from, const char *to) {
    RENAMES(AT_FDCWD, from, AT_FDCWD, to, is_inside(to), RENAME, REAL(rename)(from, to))
}

int renameat(int of, const char *from, int at, const char *to) {
    RENAMES(of, from, at, to, is_below(at, to), RENAME, REAL(renameat)(of, from, at, to))
}

int renameat2(int of, const char *from, int at, const char *to, unsigned flags) {
    RENAMES(of, from, at, to, is_below(at, to), flags & RENAME_EXCHANGE ? EXCHANGE : RENAME,
            REAL(renameat2)(of, from, at, to, flags))
}

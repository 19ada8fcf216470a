/* A disk that fails, waits, kills or remembers: put between a process and the C library by LD_PRELOAD.

   FAULTS_CONTROL names a file with a `struct control`, which every process maps and the test writes (shim.py has the
   same layout). Only paths under `root` are looked at. While `recording` is set, every change of names and bytes and
   every sync is appended to the journal in the order in which it took place, so that a power cut can be tried at any
   point of it (journal.py).

   Rule of the file: what is not understood on a watched path is written to the journal as such, so that replaying
   fails instead of lying. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE = 2, SYNC = 4, RENAME = 8, UNLINK = 16, TRUNCATE = 32, MKDIR = 64, SYNC_FOLDER = 128, ALIEN = 256 };
enum { KILL_BEFORE = 1, KILL_AFTER = 2, FAIL = 3, DELAY = 4 };
enum { RULES = 8 };

struct rule {
    uint32_t armed, ops;
    int32_t pid, countdown;
    uint32_t action;
    int32_t argument;
    uint32_t lasting;
    int32_t after; /* number, from 1, of the rule that must have acted before this one counts */
    uint32_t hits, unused;
    char path[88];
};

struct control {
    uint32_t magic, recording;
    int64_t clock_offset_ns;
    char root[512], journal[512];
    struct rule rules[RULES];
};

struct record {
    uint32_t op, unused;
    uint64_t inode, offset;
    uint32_t path_bytes, content_bytes;
};

static struct control *control;
static size_t root_bytes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_CONTROL");
    if (path == NULL)
        return;
    int file = REAL(open)(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        abort();
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (control == MAP_FAILED || control->magic != 0x46415553)
        abort();
    root_bytes = strlen(control->root);
}

static int is_watched(const char *path)
{
    return control != NULL && strncmp(path, control->root, root_bytes) == 0 && path[root_bytes] == '/';
}

static int path_of(int descriptor, char *path)
{
    char link[64];
    if (control == NULL || descriptor < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return is_watched(path) || strcmp(path, control->root) == 0;
}

static int resolved(int folder, const char *name, char *path)
{
    if (control == NULL)
        return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else if (folder == AT_FDCWD) {
        if (getcwd(path, PATH_MAX - 2) == NULL)
            return 0;
        size_t length = strlen(path);
        snprintf(path + length, PATH_MAX - length, "/%s", name);
    } else {
        if (!path_of(folder, path))
            return 0;
        size_t length = strlen(path);
        snprintf(path + length, PATH_MAX - length, "/%s", name);
    }
    return is_watched(path);
}

/* Decide about one call: returns an errno to fail with, or 0; sets *kill_after. */
static int judge(uint32_t op, const char *path, int *kill_after)
{
    int failure = 0;
    uint32_t reached = 0; /* before this call: one call is not two points of a chain */
    for (int number = 0; number < RULES; number++)
        reached |= (uint32_t)(control->rules[number].hits != 0) << number;
    for (int number = 0; number < RULES; number++) {
        struct rule *rule = &control->rules[number];
        if (!rule->armed || !(rule->ops & op) || (rule->pid != 0 && rule->pid != getpid()))
            continue;
        if (strstr(path, rule->path) == NULL)
            continue;
        if (rule->after != 0 && !(reached >> (rule->after - 1) & 1))
            continue;
        int32_t left = __atomic_sub_fetch(&rule->countdown, 1, __ATOMIC_SEQ_CST);
        if (left > 0 || (left < 0 && !rule->lasting))
            continue;
        __atomic_add_fetch(&rule->hits, 1, __ATOMIC_SEQ_CST);
        switch (rule->action) {
        case KILL_BEFORE:
            kill(getpid(), SIGKILL);
            pause();
            break;
        case KILL_AFTER:
            *kill_after = 1;
            break;
        case FAIL:
            failure = rule->argument;
            break;
        case DELAY: {
            struct timespec wait = {rule->argument / 1000, rule->argument % 1000 * 1000000L};
            nanosleep(&wait, NULL);
            break;
        }
        }
    }
    return failure;
}

static void lock(void)
{
    pthread_mutex_lock(&mutex);
    if (!control->recording)
        return;
    if (journal < 0)
        journal = REAL(open)(control->journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    while (flock(journal, LOCK_EX) != 0 && errno == EINTR)
        ;
}

static void unlock(void)
{
    if (journal >= 0)
        flock(journal, LOCK_UN);
    pthread_mutex_unlock(&mutex);
}

static void note(uint32_t op, uint64_t inode, uint64_t offset, const char *path, const void *content, size_t bytes)
{
    if (!control->recording)
        return;
    const char *name = strlen(path) > root_bytes ? path + root_bytes + 1 : "";
    struct record record = {op, 0, inode, offset, (uint32_t)strlen(name), (uint32_t)bytes};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)name, record.path_bytes}, {(void *)content, bytes}};
    if (REAL(writev)(journal, parts, 3) != (ssize_t)(sizeof record + record.path_bytes + bytes))
        abort();
}

static uint64_t inode_of(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

/* Runs a call on a watched path: judged, locked, noted when it succeeded, and perhaps the last thing that is done. */
#define WATCHED(op, path, call, noting)                                                                                \
    int kill_after = 0, failure = judge(op, path, &kill_after);                                                        \
    if (failure) {                                                                                                     \
        errno = failure;                                                                                               \
        return -1;                                                                                                     \
    }                                                                                                                  \
    lock();                                                                                                            \
    __typeof__(call) result = call;                                                                                    \
    int saved = errno;                                                                                                 \
    if (result >= 0) {                                                                                                 \
        noting;                                                                                                        \
    }                                                                                                                  \
    unlock();                                                                                                          \
    if (kill_after) {                                                                                                  \
        kill(getpid(), SIGKILL);                                                                                       \
        pause();                                                                                                       \
    }                                                                                                                  \
    errno = saved;                                                                                                     \
    return result

static int opened(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    if (!(flags & (O_WRONLY | O_RDWR)) || (flags & O_DIRECTORY) || !resolved(folder, name, path))
        return REAL(openat)(folder, name, flags, mode);
    int is_new = (flags & O_CREAT) && faccessat(folder, name, F_OK, 0) != 0;
    if (!is_new && !(flags & O_TRUNC))
        return REAL(openat)(folder, name, flags, mode);
    WATCHED(CREATE, path, REAL(openat)(folder, name, flags, mode), note(is_new ? CREATE : TRUNCATE, inode_of(result), 0, path, "", 0));
}

#define OPENING                                                                                                        \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *name, int flags, ...) { OPENING return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { OPENING return opened(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { OPENING return opened(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { OPENING return opened(folder, name, flags, mode); }

ssize_t write(int descriptor, const void *content, size_t bytes)
{
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return REAL(write)(descriptor, content, bytes);
    struct stat status;
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    if ((fcntl(descriptor, F_GETFL) & O_APPEND) && fstat(descriptor, &status) == 0)
        offset = status.st_size;
    WATCHED(WRITE, path, REAL(write)(descriptor, content, bytes), note(WRITE, inode_of(descriptor), (uint64_t)offset, path, content, (size_t)result));
}

static ssize_t written_at(int descriptor, const void *content, size_t bytes, off_t offset)
{
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return REAL(pwrite)(descriptor, content, bytes, offset);
    WATCHED(WRITE, path, REAL(pwrite)(descriptor, content, bytes, offset), note(WRITE, inode_of(descriptor), (uint64_t)offset, path, content, (size_t)result));
}

ssize_t pwrite(int descriptor, const void *content, size_t bytes, off_t offset) { return written_at(descriptor, content, bytes, offset); }
ssize_t pwrite64(int descriptor, const void *content, size_t bytes, off_t offset) { return written_at(descriptor, content, bytes, offset); }

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return REAL(writev)(descriptor, parts, count);
    WATCHED(WRITE, path, REAL(writev)(descriptor, parts, count), note(ALIEN, inode_of(descriptor), 0, path, "", 0));
}

static int shortened(int descriptor, off_t length)
{
    char path[PATH_MAX];
    if (!path_of(descriptor, path))
        return REAL(ftruncate)(descriptor, length);
    WATCHED(TRUNCATE, path, REAL(ftruncate)(descriptor, length), note(TRUNCATE, inode_of(descriptor), (uint64_t)length, path, "", 0));
}

int ftruncate(int descriptor, off_t length) { return shortened(descriptor, length); }
int ftruncate64(int descriptor, off_t length) { return shortened(descriptor, length); }

static int synced(int descriptor, int (*call)(int))
{
    char path[PATH_MAX];
    struct stat status;
    if (!path_of(descriptor, path) || fstat(descriptor, &status) != 0)
        return call(descriptor);
    uint32_t op = S_ISDIR(status.st_mode) ? SYNC_FOLDER : SYNC;
    WATCHED(op, path, call(descriptor), note(op, status.st_ino, 0, path, "", 0));
}

int fsync(int descriptor) { return synced(descriptor, REAL(fsync)); }
int fdatasync(int descriptor) { return synced(descriptor, REAL(fdatasync)); }

static int renamed(int from_folder, const char *from, int to_folder, const char *to)
{
    char old[PATH_MAX], path[PATH_MAX];
    struct stat status;
    if (!resolved(from_folder, from, old) || !resolved(to_folder, to, path) || fstatat(from_folder, from, &status, 0) != 0)
        return REAL(renameat)(from_folder, from, to_folder, to);
    WATCHED(RENAME, path, REAL(renameat)(from_folder, from, to_folder, to),
            note(RENAME, status.st_ino, 0, path, old + root_bytes + 1, strlen(old) - root_bytes - 1));
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) { return renamed(from_folder, from, to_folder, to); }

int link(const char *from, const char *to)
{
    char path[PATH_MAX];
    if (!resolved(AT_FDCWD, to, path))
        return REAL(link)(from, to);
    WATCHED(CREATE, path, REAL(link)(from, to), note(ALIEN, 0, 0, path, "", 0));
}

static int removed(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!resolved(folder, name, path))
        return REAL(unlinkat)(folder, name, flags);
    WATCHED(UNLINK, path, REAL(unlinkat)(folder, name, flags), note(UNLINK, 0, 0, path, "", 0));
}

int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }
int unlinkat(int folder, const char *name, int flags) { return removed(folder, name, flags); }

static int made(int folder, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!resolved(folder, name, path))
        return REAL(mkdirat)(folder, name, mode);
    WATCHED(MKDIR, path, REAL(mkdirat)(folder, name, mode), note(MKDIR, 0, 0, path, "", 0));
}

int mkdir(const char *name, mode_t mode) { return made(AT_FDCWD, name, mode); }
int mkdirat(int folder, const char *name, mode_t mode) { return made(folder, name, mode); }

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = REAL(clock_gettime)(clock, now);
    if (control != NULL && result == 0 && clock == CLOCK_REALTIME) {
        int64_t whole = now->tv_sec * 1000000000LL + now->tv_nsec + control->clock_offset_ns;
        now->tv_sec = whole / 1000000000LL;
        now->tv_nsec = whole % 1000000000LL;
    }
    return result;
}

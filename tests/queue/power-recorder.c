/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records what a program does to the files of a folder, in order: what a power cut may undo.
 *
 * It is preloaded. The environment has the folder in FERRY_TEST_RECORDED, and the file that it appends to in
 * FERRY_TEST_RECORDS. What is appended to FERRY_TEST_LEDGER is recorded as well, and is no change. A record is a line
 * with what was done, to which file, its other name, an offset and a size, between tabs, and then the bytes. Files in
 * memory that processes share, “-shm”, are not recorded, as they do not outlive a cut.
 *
 * FERRY_TEST_END_AFTER=N kills the program after N changes, between two of them: the files are what was recorded. With
 * FERRY_TEST_NETWORK, the folder is one of another machine. A sync only becomes a record. */

/* Both forms of what takes an offset are defined here, under their own names. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NFS 0x6969

/* The function that this one stands before. */
#define REAL(name)                                                                                                     \
  static __typeof__ (name) *real;                                                                                      \
  if (real == NULL)                                                                                                    \
  real = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name)

static const char *folder; /* (nullable): nothing is recorded */
static const char *ledger;
static int records = -1;
static int n_to_the_end;
static _Atomic int n_changes;

static int
open_really (const char *path)
{
  REAL (open);
  return real (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

__attribute__ ((constructor)) static void
start (void)
{
  const char *path = getenv ("FERRY_TEST_RECORDS");
  const char *end = getenv ("FERRY_TEST_END_AFTER");

  n_to_the_end = end != NULL ? atoi (end) : 0;
  ledger = getenv ("FERRY_TEST_LEDGER");
  records = path != NULL ? open_really (path) : -1;
  folder = records >= 0 ? getenv ("FERRY_TEST_RECORDED") : NULL;
}

static void
record (const char *what, const char *path, const char *other, int64_t offset, const void *data, size_t size)
{
  char line[2 * PATH_MAX + 100];
  int code = errno;
  int n = snprintf (line, sizeof line, "%s\t%s\t%s\t%lld\t%zu\n", what, path, other, (long long) offset, size);
  struct iovec parts[] = {{line, (size_t) n}, {(void *) data, size}};

  if (writev (records, parts, 2) != (ssize_t) (size + (size_t) n))
    abort ();
  if (strcmp (what, "note") != 0 && atomic_fetch_add (&n_changes, 1) + 1 == n_to_the_end)
    kill (getpid (), SIGKILL);
  errno = code;
}

/* ---- which file it is ---- */

static bool
is_recorded (const char *path)
{
  size_t n, size;

  if (folder == NULL)
    return false;
  n = strlen (folder);
  size = strlen (path);
  return strncmp (path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0') &&
         (size < 4 || strcmp (path + size - 4, "-shm") != 0);
}

/* One that was removed has no name that a record could have. */
static bool
find_path (int fd, char path[PATH_MAX])
{
  char link[64];
  ssize_t n;

  if (folder == NULL || fd == records)
    return false;
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink (link, path, PATH_MAX - 1);
  path[n > 0 ? n : 0] = '\0';
  return n > 0;
}

static bool
find_recorded (int fd, char path[PATH_MAX])
{
  return find_path (fd, path) && is_recorded (path) && strstr (path, " (deleted)") == NULL;
}

/* ---- names ---- */

static void
note_open (int fd, const char *path, int flags, bool was_there)
{
  if (fd < 0 || !is_recorded (path))
    return;
  if ((flags & O_CREAT) != 0 && !was_there)
    record ("create", path, "", 0, NULL, 0);
  else if ((flags & O_TRUNC) != 0)
    record ("resize", path, "", 0, NULL, 0);
}

#define PASS_ON(name)                                                                                                  \
  bool was_there = folder != NULL && faccessat (AT_FDCWD, path, F_OK, 0) == 0;                                         \
  mode_t mode;                                                                                                         \
  va_list arguments;                                                                                                   \
  int fd;                                                                                                              \
  REAL (name);                                                                                                         \
  va_start (arguments, flags);                                                                                         \
  mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg (arguments, mode_t) : 0;                  \
  va_end (arguments);                                                                                                  \
  fd = real (path, flags, mode);                                                                                       \
  note_open (fd, path, flags, was_there);                                                                              \
  return fd

int
open (const char *path, int flags, ...)
{
  PASS_ON (open);
}

int
open64 (const char *path, int flags, ...)
{
  PASS_ON (open64);
}

int
rename (const char *from, const char *to)
{
  int result;
  REAL (rename);

  result = real (from, to);
  if (result == 0 && is_recorded (from))
    record ("rename", from, to, 0, NULL, 0);
  return result;
}

int
unlink (const char *path)
{
  int result;
  REAL (unlink);

  result = real (path);
  if (result == 0 && is_recorded (path))
    record ("unlink", path, "", 0, NULL, 0);
  return result;
}

int
mkdir (const char *path, mode_t mode)
{
  int result;
  REAL (mkdir);

  result = real (path, mode);
  if (result == 0 && is_recorded (path))
    record ("mkdir", path, "", 0, NULL, 0);
  return result;
}

/* ---- bytes ---- */

static ssize_t
note_write (int fd, const void *data, ssize_t n, int64_t offset)
{
  char path[PATH_MAX];

  if (n <= 0 || !find_path (fd, path))
    return n;
  if (ledger != NULL && strcmp (path, ledger) == 0)
    record ("note", path, "", 0, data, (size_t) n);
  else if (find_recorded (fd, path))
    record ("write", path, "", offset, data, (size_t) n);
  return n;
}

ssize_t
write (int fd, const void *data, size_t size)
{
  char path[PATH_MAX];
  int64_t offset;
  REAL (write);

  offset = find_recorded (fd, path) ? lseek64 (fd, 0, SEEK_CUR) : 0;
  return note_write (fd, data, real (fd, data, size), offset);
}

ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  REAL (pwrite);
  return note_write (fd, data, real (fd, data, size, offset), offset);
}

ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  REAL (pwrite64);
  return note_write (fd, data, real (fd, data, size, offset), offset);
}

static int
note_size (int fd, int result, int64_t size)
{
  char path[PATH_MAX];

  if (result == 0 && find_recorded (fd, path))
    record ("resize", path, "", size, NULL, 0);
  return result;
}

int
ftruncate (int fd, off_t size)
{
  REAL (ftruncate);
  return note_size (fd, real (fd, size), size);
}

int
ftruncate64 (int fd, off64_t size)
{
  REAL (ftruncate64);
  return note_size (fd, real (fd, size), size);
}

/* ---- syncs ---- */

/* Returns whether the file is recorded. */
static bool
note_sync (int fd)
{
  char path[PATH_MAX];
  struct stat64 about;

  if (!find_recorded (fd, path) || fstat64 (fd, &about) < 0)
    return false;
  record (S_ISDIR (about.st_mode) ? "sync-names" : "sync", path, "", 0, NULL, 0);
  return true;
}

int
fsync (int fd)
{
  REAL (fsync);
  return note_sync (fd) ? 0 : real (fd);
}

int
fdatasync (int fd)
{
  REAL (fdatasync);
  return note_sync (fd) ? 0 : real (fd);
}

/* ---- the file system ---- */

int
statfs (const char *path, struct statfs *about)
{
  int result;
  REAL (statfs);

  result = real (path, about);
  if (result == 0 && getenv ("FERRY_TEST_NETWORK") != NULL)
    about->f_type = NFS;
  return result;
}

int
statfs64 (const char *path, struct statfs64 *about)
{
  int result;
  REAL (statfs64);

  result = real (path, about);
  if (result == 0 && getenv ("FERRY_TEST_NETWORK") != NULL)
    about->f_type = NFS;
  return result;
}

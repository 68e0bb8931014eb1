/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who has a queue's file, and whether it is the one at its path.
 *
 * SQLite's locks, of fcntl(), belong to the process, and go when it closes any descriptor of the file: so does an
 * application that copies its own folder. A visitor would then take itself for the last one, and remove the log that is
 * written. So the queue has locks of its own beside them, which belong to a descriptor (F_OFD_SETLK): one on PATH.lock,
 * which keeps out other queues, and SQLite's shared ones of the database and of its memory once more.
 *
 * A child that is forked inherits descriptors, and would keep such locks after its parent's death: it closes them.
 *
 * The files are known by their inodes. As long as they are held, no other file gets these.
 *
 * See https://sqlite.org/howtocorrupt.html, 2.2, and https://sqlite.org/walformat.html for the bytes. */

#include "config.h"

#include "queue/ferry-queue-lock-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/ferry-queue-log-private.h"

/* The bytes of PATH.lock. An earlier version locks all of it, by fcntl(). */
#define LOCK_BYTE 0
#define NAME_BYTE 1 /* by fcntl(), which tells who has it */
/* For how long a file that has no process is waited for, and how often it is looked at, in microseconds. */
#define HEIR_TIME (2 * G_USEC_PER_SEC)
#define HEIR_LOOK (G_USEC_PER_SEC / 100)
/* Those of SQLite: of all that read the database, and of all that have mapped its memory. */
#define SHARED_FIRST 0x40000002
#define SHARED_SIZE 510
#define MAPPED_BYTE 128

enum
{
  FILE_LOCK,
  FILE_DATABASE,
  FILE_LOG,    /* its write-ahead log */
  FILE_MEMORY, /* the index of the log */
  N_FILES,
};

static const char *const suffixes[N_FILES] = {".lock", "", "-wal", "-shm"};

struct _FerryQueueLock
{
  char *names[N_FILES]; /* const */
  gboolean made_lock;
  int fds[N_FILES]; /* own_lock: or -1 */
  struct stat known[N_FILES];
};

static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;
static GList *own; /* own_lock: (element-type FerryQueueLock): of the files that this process has */

/* ---- this process ---- */

char *
ferry_queue_lock_resolve (const char *path)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *folder = g_path_get_dirname (absolute);
  g_autofree char *base = g_path_get_basename (absolute);
  char *real = realpath (absolute, NULL);

  if (real == NULL)
    {
      g_autofree char *real_folder = realpath (folder, NULL);

      return g_build_filename (real_folder != NULL ? real_folder : folder, base, NULL);
    }
  return real;
}

/* Handlers of pthread_atfork(). A child has one thread, and none of the files. */
static void
before_fork (void)
{
  pthread_mutex_lock (&own_lock);
}

static void
after_fork_in_parent (void)
{
  pthread_mutex_unlock (&own_lock);
}

static void
after_fork_in_child (void)
{
  for (GList *link = own; link != NULL; link = link->next)
    for (guint i = 0; i < N_FILES; i++)
      ferry_clear_fd (&((FerryQueueLock *) link->data)->fds[i]);
  own = NULL;
  pthread_mutex_init (&own_lock, NULL);
}

static void
watch_forks (void)
{
  static gsize watched;

  if (g_once_init_enter (&watched))
    {
      pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
      g_once_init_leave (&watched, 1);
    }
}

static gboolean
is_same (const struct stat *one, const struct stat *other)
{
  return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* By its path, or by another name of the file. */
static gboolean
is_own_locked (const char *path)
{
  struct stat about;
  gboolean exists = stat (path, &about) == 0;

  for (GList *link = own; link != NULL; link = link->next)
    {
      const FerryQueueLock *other = link->data;

      if (g_str_equal (other->names[FILE_DATABASE], path) ||
          (exists && other->fds[FILE_DATABASE] >= 0 && is_same (&other->known[FILE_DATABASE], &about)))
        return TRUE;
    }
  return FALSE;
}

FerryQueueLock *
ferry_queue_lock_new (const char *path, GError **error)
{
  FERRY_AUTO_LOCK (&own_lock);
  FerryQueueLock *self;

  watch_forks ();
  if (is_own_locked (path))
    {
      ferry_set_error (error, FERRY_ERROR_BUSY,
                       "The queue '%s' is used by another FerryQueue of this process; use that one, or close it", path);
      return NULL;
    }
  self = g_new0 (FerryQueueLock, 1);
  for (guint i = 0; i < N_FILES; i++)
    {
      self->names[i] = g_strconcat (path, suffixes[i], NULL);
      self->fds[i] = -1;
    }
  own = g_list_prepend (own, self);
  return self;
}

/* ---- files ---- */

static void
close_file (FerryQueueLock *self, guint file)
{
  FERRY_AUTO_LOCK (&own_lock);

  ferry_clear_fd (&self->fds[file]);
}

/* Returns FALSE with errno. A lock that another process has is an error. */
static gboolean
lock_bytes (int fd, short type, goffset start, goffset size)
{
  struct flock wanted = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};

  return fcntl (fd, F_OFD_SETLK, &wanted) == 0;
}

/* Returns FALSE with errno. */
static gboolean
open_file (FerryQueueLock *self, guint file, int flags)
{
  FERRY_AUTO_LOCK (&own_lock);

  ferry_clear_fd (&self->fds[file]);
  self->fds[file] = open (self->names[file], flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  return self->fds[file] >= 0 && fstat (self->fds[file], &self->known[file]) == 0;
}

static gboolean
fail (FerryQueueLock *self, guint file, const char *what, GError **error)
{
  int code = errno;

  return ferry_set_error (error, FERRY_ERROR_SYSTEM,
                          "%s '%s' of a queue failed: %s; allow this user to write and lock it and its folder, or "
                          "use another path",
                          what, self->names[file], g_strerror (code));
}

/* ---- other processes ---- */

gboolean
ferry_queue_lock_was_taken (const FerryQueueLock *self)
{
  return g_file_test (self->names[FILE_LOCK], G_FILE_TEST_EXISTS);
}

/* Returns (transfer full) what the system knows of the process. */
static char *
describe_process (pid_t pid)
{
  g_autofree char *file = g_strdup_printf ("/proc/%d/comm", (int) pid);
  g_autofree char *command = NULL;

  if (pid <= 0 || !g_file_get_contents (file, &command, NULL, NULL))
    return pid > 0 ? g_strdup_printf ("process %d", (int) pid) : g_strdup ("another process");
  return g_strdup_printf ("process %d (%s)", (int) pid, g_strchomp (command));
}

/* Returns the process that has the file; 0: it is not known. */
static pid_t
find_holder (FerryQueueLock *self)
{
  struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = NAME_BYTE, .l_len = 1};

  return fcntl (self->fds[FILE_LOCK], F_GETLK, &holder) < 0 || holder.l_type == F_UNLCK ? 0 : holder.l_pid;
}

/* A process that was killed while it started another one: that one has its descriptors until it executes its program,
 * or ends with it. The system tells nobody when. */
static gboolean
wait_for_heirs (FerryQueueLock *self)
{
  gboolean is_locked = FALSE;

  for (guint i = 0; i < HEIR_TIME / HEIR_LOOK && !is_locked && find_holder (self) == 0; i++)
    {
      g_usleep (HEIR_LOOK);
      is_locked = lock_bytes (self->fds[FILE_LOCK], F_WRLCK, LOCK_BYTE, 1);
    }
  return is_locked;
}

static gboolean
say_who_has_it (FerryQueueLock *self, GError **error)
{
  g_autofree char *process = describe_process (find_holder (self));

  return ferry_set_error (error, FERRY_ERROR_BUSY, "The queue '%s' is used by %s; end it, or use another file",
                          self->names[FILE_DATABASE], process);
}

/* Fails with FERRY_ERROR_BUSY, and with FERRY_ERROR_SYSTEM. */
static gboolean
lock_lock_file (FerryQueueLock *self, GError **error)
{
  if (lock_bytes (self->fds[FILE_LOCK], F_WRLCK, LOCK_BYTE, 1))
    return TRUE;
  if (errno != EAGAIN && errno != EACCES)
    return fail (self, FILE_LOCK, "Locking the file", error);
  return wait_for_heirs (self) || say_who_has_it (self, error);
}

/* The name may go while the file is opened, with a queue that was refused. */
static gboolean
take_lock_file (FerryQueueLock *self, GError **error)
{
  struct flock name = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = NAME_BYTE, .l_len = 1};
  const char *path = self->names[FILE_LOCK];
  struct stat there;

  do
    {
      self->made_lock = open_file (self, FILE_LOCK, O_RDWR | O_CREAT | O_EXCL);
      if (!self->made_lock && (errno != EEXIST || !open_file (self, FILE_LOCK, O_RDWR | O_CREAT)))
        return fail (self, FILE_LOCK, "Opening the lock", error);
      if (!lock_lock_file (self, error))
        {
          self->made_lock = FALSE;
          return FALSE;
        }
    }
  while (stat (path, &there) < 0 || !is_same (&there, &self->known[FILE_LOCK]));
  if (fcntl (self->fds[FILE_LOCK], F_SETLK, &name) < 0)
    g_debug ("Others are not told who has '%s': %s", path, g_strerror (errno));
  return TRUE;
}

gboolean
ferry_queue_lock_take (FerryQueueLock *self, GError **error)
{
  struct stat about;

  if (stat (self->names[FILE_DATABASE], &about) == 0 && S_ISREG (about.st_mode) && about.st_nlink > 1)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The queue '%s' has a second name, under which another program could use it; remove that "
                            "name, or copy the file",
                            self->names[FILE_DATABASE]);
  return take_lock_file (self, error);
}

/* ---- while it is open ---- */

static gboolean
hold_file (FerryQueueLock *self, guint file, goffset start, goffset size, GError **error)
{
  if (!open_file (self, file, O_RDWR))
    return fail (self, file, "Opening the file", error);
  return size == 0 || lock_bytes (self->fds[file], F_RDLCK, start, size) ||
         fail (self, file, "Locking the file", error);
}

/* Without a log, each commit of SQLite wants the database for itself. */
gboolean
ferry_queue_lock_hold (FerryQueueLock *self, GError **error)
{
  gboolean has_log = open_file (self, FILE_LOG, O_RDWR);

  if (!has_log && errno != ENOENT)
    return fail (self, FILE_LOG, "Opening the file", error);
  return hold_file (self, FILE_DATABASE, SHARED_FIRST, has_log ? SHARED_SIZE : 0, error) &&
         (!has_log || hold_file (self, FILE_MEMORY, MAPPED_BYTE, 1, error));
}

/* How large the file is at least. */
static goffset
get_least_size (FerryQueueLock *self, guint file)
{
  return file == FILE_LOG ? ferry_queue_log_get_least_size (self->fds[FILE_MEMORY]) : self->known[file].st_size;
}

/* A log that is no shorter than it was is not asked how long it has to be. */
static gboolean
was_cut (FerryQueueLock *self, guint file, const struct stat *now)
{
  if (now->st_size < self->known[file].st_size && now->st_size < get_least_size (self, file))
    return TRUE;
  self->known[file].st_size = now->st_size;
  return FALSE;
}

/* Returns NULL if it is as it was left, else what has become of it, as a sentence goes on. */
static const char *
look_at (FerryQueueLock *self, guint file)
{
  struct stat now;

  if (self->fds[file] < 0 && file != FILE_DATABASE)
    return NULL;
  if (self->fds[file] < 0 || stat (self->names[file], &now) < 0 || !is_same (&now, &self->known[file]))
    return "was removed, renamed or replaced";
  if (now.st_nlink > 1)
    return "was given a second name";
  return was_cut (self, file, &now) ? "was cut" : NULL;
}

/* what: (nullable): has become of it. */
static gboolean
check_file (FerryQueueLock *self, guint file, const char *what, GError **error)
{
  if (what != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 "The file '%s' of the queue %s by another program; put it back, or have the queue write it anew",
                 self->names[file], what);
  return what == NULL;
}

/* What has become of the names of the log can be seen afterwards as well, and costs more to see than its size. */
gboolean
ferry_queue_lock_may_write (FerryQueueLock *self, GError **error)
{
  struct stat now;
  gboolean is_cut =
    self->fds[FILE_LOG] >= 0 && fstat (self->fds[FILE_LOG], &now) == 0 && was_cut (self, FILE_LOG, &now);

  return check_file (self, FILE_LOCK, look_at (self, FILE_LOCK), error) &&
         check_file (self, FILE_DATABASE, look_at (self, FILE_DATABASE), error) &&
         check_file (self, FILE_LOG, is_cut ? "was cut" : NULL, error);
}

gboolean
ferry_queue_lock_check (FerryQueueLock *self, GError **error)
{
  for (guint file = 0; file < N_FILES; file++)
    if (!check_file (self, file, look_at (self, file), error))
      return FALSE;
  return TRUE;
}

/* A close of the descriptors would take the locks of the connection along. */
void
ferry_queue_lock_let_go (FerryQueueLock *self)
{
  for (guint file = FILE_DATABASE; file < N_FILES; file++)
    if (self->fds[file] >= 0)
      lock_bytes (self->fds[file], F_UNLCK, 0, 0);
}

/* The lock's file stays where a queue is, by which a damaged one is known. */
void
ferry_queue_lock_free (FerryQueueLock *self, gboolean was_refused)
{
  if (was_refused && self->made_lock)
    unlink (self->names[FILE_LOCK]);
  for (guint file = 0; file < N_FILES; file++)
    close_file (self, file);
  pthread_mutex_lock (&own_lock);
  own = g_list_remove (own, self);
  pthread_mutex_unlock (&own_lock);
  for (guint file = 0; file < N_FILES; file++)
    g_free (self->names[file]);
  g_free (self);
}

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker's process is set to before it runs, and what a fork server has to take over: umask, folder, nice value,
 * cores, limits. A launcher stores these attributes, a spawn plan or a start request contains them, and the new process
 * applies them to itself.
 *
 * An executed process inherits what the application has. A fork server has what the application had when the fork
 * server was started. What the application has changed since is applied to each worker, or means that the fork server
 * is of no more use (FerrySurroundings). */

#include "config.h"

#include "process/ferry-attributes-private.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/ferry-base-private.h"

#define OOM_FILE "/proc/self/oom_score_adj"

G_STATIC_ASSERT (FERRY_N_RESOURCES == RLIM_NLIMITS);
G_STATIC_ASSERT (sizeof (cpu_set_t) == FERRY_MAX_CORES / 8);

static const int resources[FERRY_N_LIMITS] = {RLIMIT_AS, RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_FSIZE};

guint64
ferry_attributes_get_own_limit (FerryLimit limit)
{
  struct rlimit own;

  return getrlimit (resources[limit], &own) == 0 ? own.rlim_max : RLIM_INFINITY;
}

/* Sets a limit. At its limit of processor time a process gets SIGXCPU, and SIGKILL a second later (the hard limit). */
static __attribute__ ((no_sanitize_address)) gboolean
apply_limit (int resource, guint64 value)
{
  struct rlimit limit;
  rlim_t hard = resource == RLIMIT_CPU && value < RLIM_INFINITY ? value + 1 : value;

  if (getrlimit (resource, &limit) < 0)
    return FALSE;
  limit.rlim_cur = value;
  limit.rlim_max = MIN (hard, limit.rlim_max);
  return setrlimit (resource, &limit) == 0;
}

__attribute__ ((no_sanitize_address)) gboolean
ferry_attributes_lower_limit (int resource, guint64 value)
{
  struct rlimit limit;

  if (getrlimit (resource, &limit) < 0)
    return FALSE;
  limit.rlim_max = MIN (limit.rlim_max, value);
  limit.rlim_cur = MIN (limit.rlim_cur, limit.rlim_max);
  return setrlimit (resource, &limit) == 0;
}

/* Limits private memory. RLIMIT_DATA does not include the main thread's stack, so RLIMIT_STACK is lowered too. */
static __attribute__ ((no_sanitize_address)) gboolean
limit_private_memory (guint64 bytes)
{
  struct rlimit stack;

  return getrlimit (RLIMIT_STACK, &stack) == 0 &&
         ferry_attributes_lower_limit (RLIMIT_STACK, MIN (stack.rlim_cur, bytes)) &&
         ferry_attributes_lower_limit (RLIMIT_DATA, bytes);
}

/* Fails only where the system refuses the value: without the file, as without /proc, the process keeps what it has. */
static __attribute__ ((no_sanitize_address)) gboolean
apply_oom_score_adjust (gint32 value)
{
  char text[16];
  char *place = text + sizeof text;
  guint32 left = (guint32) ABS (value);
  int fd = open (OOM_FILE, O_WRONLY | O_CLOEXEC);
  gboolean success;
  int failure;

  if (fd < 0)
    return TRUE;
  do
    *--place = (char) ('0' + left % 10);
  while ((left /= 10) > 0);
  if (value < 0)
    *--place = '-';
  success = write (fd, place, (size_t) (text + sizeof text - place)) > 0;
  failure = errno;
  close (fd);
  errno = failure;
  return success;
}

/* Applies what the application has itself, as far as the system lets this process have it. */
static __attribute__ ((no_sanitize_address)) void
apply_own (const FerryAttributes *self)
{
  if ((self->own_set & FERRY_OWN_FILE_MASK) != 0)
    umask (self->own_file_mask);
  if ((self->own_set & FERRY_OWN_NICE) != 0)
    setpriority (PRIO_PROCESS, 0, self->own_nice);
  if ((self->own_set & FERRY_OWN_CORES) != 0)
    sched_setaffinity (0, sizeof self->own_cores, (const cpu_set_t *) (const void *) self->own_cores);
  for (int i = 0; i < FERRY_N_RESOURCES; i++)
    if ((self->own_limits_set & (1u << i)) != 0)
      {
        struct rlimit limit = {self->own_limits[i][0], self->own_limits[i][1]};

        setrlimit (i, &limit);
      }
}

__attribute__ ((no_sanitize_address)) gboolean
ferry_attributes_apply (const FerryAttributes *self)
{
  apply_own (self);
  if (self->nice_set && setpriority (PRIO_PROCESS, 0, self->nice) < 0)
    return FALSE;
  if ((self->own_set & FERRY_OWN_OOM_SCORE) != 0 && !apply_oom_score_adjust (self->oom_score_adjust))
    return FALSE;
  for (guint i = 0; i < FERRY_N_LIMITS; i++)
    if ((self->limits_set & (1u << i)) != 0 && !apply_limit (resources[i], self->limits[i]))
      return FALSE;
  if (self->no_new_privileges && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return FALSE;
  return self->private_memory == 0 || limit_private_memory (self->private_memory);
}

/* ---- what a process has ---- */

/* Reads a small file of /proc. Returns whether it was read, as a string. */
static gboolean
read_text (const char *path, char *text, gsize size)
{
  ferry_autofd fd = open (path, O_RDONLY | O_CLOEXEC);
  gssize n = fd >= 0 ? TEMP_FAILURE_RETRY (read (fd, text, size - 1)) : -1;

  text[MAX (n, 0)] = '\0';
  return n > 0;
}

gint32
ferry_add_oom_score_adjust (gint32 more)
{
  char text[16];
  gint64 own = read_text (OOM_FILE, text, sizeof text) ? g_ascii_strtoll (text, NULL, 10) : 0;

  return (gint32) CLAMP (own + more, -FERRY_MAX_OOM_SCORE_ADJUST, FERRY_MAX_OOM_SCORE_ADJUST);
}

/* Whatever is made has the mode that the mask leaves. A message queue needs no file system. */
static guint32
try_file_mask (void)
{
  g_autofree char *name = g_strdup_printf ("/ferry-%d-%08x", (int) getpid (), g_random_int ());
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
  ferry_autofd queue = mq_open (name, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0777, &attributes);
  struct stat status;

  if (queue < 0)
    return 022;
  mq_unlink (name);
  return fstat (queue, &status) == 0 ? ~status.st_mode & 0777 : 022;
}

/* umask() tells the mask only by setting another, which other threads would see. */
guint32
ferry_read_file_mask (void)
{
  char text[1024];
  const char *line = read_text ("/proc/self/status", text, sizeof text) ? strstr (text, "\nUmask:") : NULL;

  return line != NULL ? (guint32) g_ascii_strtoull (line + strlen ("\nUmask:"), NULL, 8) : try_file_mask ();
}

static void
append (GByteArray *bytes, gconstpointer data, gsize size)
{
  g_byte_array_append (bytes, data, (guint) size);
}

static GByteArray *
take_identity (void)
{
  GByteArray *identity = g_byte_array_new ();
  uid_t users[3] = {0};
  gid_t groups[3] = {0};
  int n_groups = getgroups (0, NULL);
  g_autofree gid_t *others = g_new0 (gid_t, MAX (n_groups, 0) + 1);
  int mode = prctl (PR_GET_SECCOMP, 0, 0, 0, 0);
  struct stat root = {0};

  getresuid (&users[0], &users[1], &users[2]);
  getresgid (&groups[0], &groups[1], &groups[2]);
  n_groups = getgroups (n_groups, others);
  stat ("/", &root);
  append (identity, users, sizeof users);
  append (identity, groups, sizeof groups);
  append (identity, others, (gsize) MAX (n_groups, 0) * sizeof *others);
  append (identity, &mode, sizeof mode);
  append (identity, &root.st_dev, sizeof root.st_dev);
  append (identity, &root.st_ino, sizeof root.st_ino);
  return identity;
}

void
ferry_surroundings_take (FerrySurroundings *self)
{
  struct stat folder = {0};

  ferry_surroundings_clear (self);
  self->identity = take_identity ();
  self->nice = getpriority (PRIO_PROCESS, 0);
  self->file_mask = ferry_read_file_mask ();
  self->no_new_privileges = prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
  stat (".", &folder);
  self->folder[0] = folder.st_dev;
  self->folder[1] = folder.st_ino;
  for (int i = 0; i < FERRY_N_RESOURCES; i++)
    {
      struct rlimit limit = {0};

      getrlimit (i, &limit);
      self->limits[i][0] = limit.rlim_cur;
      self->limits[i][1] = limit.rlim_max;
    }
  /* Fails on a machine with more cores than there is room for. Then the cores are not applied. */
  if (sched_getaffinity (0, sizeof self->cores, (cpu_set_t *) (void *) self->cores) < 0)
    memset (self->cores, 0, sizeof self->cores);
}

void
ferry_surroundings_clear (FerrySurroundings *self)
{
  g_clear_pointer (&self->identity, g_byte_array_unref);
  *self = (FerrySurroundings){0};
}

gboolean
ferry_surroundings_are_outdated (const FerrySurroundings *self, const FerrySurroundings *now)
{
  if (self->identity->len != now->identity->len ||
      memcmp (self->identity->data, now->identity->data, now->identity->len) != 0 || now->nice < self->nice ||
      now->no_new_privileges < self->no_new_privileges)
    return TRUE;
  for (guint i = 0; i < FERRY_N_RESOURCES; i++)
    if (now->limits[i][1] > self->limits[i][1])
      return TRUE;
  return FALSE;
}

static gboolean
knows_cores (const guint64 *cores)
{
  for (guint i = 0; i < FERRY_MAX_CORES / 64; i++)
    if (cores[i] != 0)
      return TRUE;
  return FALSE;
}

static void
set_own_cores (FerryAttributes *self, const guint64 *cores)
{
  if (!knows_cores (cores))
    return;
  self->own_set |= FERRY_OWN_CORES;
  memcpy (self->own_cores, cores, sizeof self->own_cores);
}

void
ferry_attributes_inherit_thread (FerryAttributes *self)
{
  guint64 cores[FERRY_MAX_CORES / 64] = {0};

  self->own_set |= FERRY_OWN_NICE;
  self->own_nice = getpriority (PRIO_PROCESS, 0);
  if (sched_getaffinity (0, sizeof cores, (cpu_set_t *) (void *) cores) >= 0)
    set_own_cores (self, cores);
  if (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    self->no_new_privileges = TRUE;
}

/* Returns the bits of the resources that the application has limited by ferry_launcher_set_limit(). */
static guint32
get_limited_resources (const FerryAttributes *self)
{
  guint32 bits = 0;

  for (guint i = 0; i < FERRY_N_LIMITS; i++)
    if ((self->limits_set & (1u << i)) != 0)
      bits |= 1u << resources[i];
  return bits;
}

void
ferry_attributes_inherit (FerryAttributes *self, const FerryAttributes *base, const FerrySurroundings *before,
                          const FerrySurroundings *now)
{
  self->own_set &= ~(guint32) (FERRY_OWN_NICE | FERRY_OWN_CORES);
  if (now->file_mask != before->file_mask)
    {
      self->own_set |= FERRY_OWN_FILE_MASK;
      self->own_file_mask = now->file_mask;
    }
  if (now->nice != before->nice && !base->nice_set)
    {
      self->own_set |= FERRY_OWN_NICE;
      self->own_nice = now->nice;
    }
  if (memcmp (now->cores, before->cores, sizeof now->cores) != 0)
    set_own_cores (self, now->cores);
  self->own_limits_set = 0;
  for (guint i = 0; i < FERRY_N_RESOURCES; i++)
    if (memcmp (now->limits[i], before->limits[i], sizeof now->limits[i]) != 0)
      self->own_limits_set |= 1u << i;
  self->own_limits_set &= ~get_limited_resources (base);
  memcpy (self->own_limits, now->limits, sizeof self->own_limits);
}
